/* cortexm.c - run control of one Cortex-M core through its debug registers.
 *
 *   called by  target.c, gdb_remote.c, monitor.c      calls  adi.c, clock.c
 *
 * Everything a debugger can do to the core is a few words of memory:
 *
 *   DHCSR  0xE000EDF0   run, halt, step, mask interrupts; what the core is doing
 *   DCRSR  0xE000EDF4   which core register ...
 *   DCRDR  0xE000EDF8   ... goes through here
 *   DEMCR  0xE000EDFC   vector catch, DWT on
 *   FPB    0xE0002000   breakpoint comparators        DWT 0xE0001000  watchpoints
 *
 * The first four lie in one 16-byte window, so a core register costs four transfers
 * (adi_query()).  The same words serve Armv6-M, Armv7-M and Armv8-M; where they differ
 * (FPB revision, DWT functions, fault registers) a field of `core` says so.
 *
 * Rules:
 *   - C_MASKINTS changes only while the core is halted (Armv7-M ARM C1.6.2).
 *   - S_RESET_ST is cleared by reading DHCSR, so every reading goes through status().
 *   - Comparators are kept here too and written again after any reset.
 *   - A BKPT that was compiled in stops the core each time it is executed; after such a
 *     stop, going on means going on behind it.
 *
 * Sources: DDI 0403 (Armv7-M ARM) C1.6-C1.11, B1.5.14 (faults); DDI 0419 (Armv6-M ARM)
 * C1.5-C1.9; DDI 0553 (Armv8-M ARM) D1 for DWT_FUNCTION. */
#include "cortexm.h"
#include "adi.h"
#include "clock.h"

enum {
    CPUID = 0xE000ED00, AIRCR = 0xE000ED0C, CFSR = 0xE000ED28, HFSR = 0xE000ED2C,
    DFSR = 0xE000ED30, MMFAR = 0xE000ED34, BFAR = 0xE000ED38,
    DHCSR = 0xE000EDF0, DCRSR = 0xE000EDF4, DCRDR = 0xE000EDF8, DEMCR = 0xE000EDFC,
    MVFR0 = 0xE000EF40, ICIALLU = 0xE000EF50,
    DWT_CTRL = 0xE0001000, DWT_COMP0 = 0xE0001020, DWT_MASK0 = 0xE0001024,
    DWT_FUNCTION0 = 0xE0001028,
    FP_CTRL = 0xE0002000, FP_COMP0 = 0xE0002008,
};
enum {
    DBGKEY = (int)0xA05F0000,
    C_DEBUGEN = 1 << 0, C_HALT = 1 << 1, C_STEP = 1 << 2, C_MASKINTS = 1 << 3,
    S_REGRDY = 1 << 16, S_HALT = 1 << 17, S_SLEEP = 1 << 18, S_LOCKUP = 1 << 19,
    S_RESET_ST = 1 << 25,
    DCRSR_WRITE = 1 << 16,
    DFSR_HALTED = 1 << 0, DFSR_BKPT = 1 << 1, DFSR_DWTTRAP = 1 << 2, DFSR_VCATCH = 1 << 3,
    DFSR_ALL = 0x1F,
    VC_CORERESET = 1 << 0, VC_HARDERR = 1 << 10, VC_ALL = 0x7F1, TRCENA = 1 << 24,
    AIRCR_SYSRESETREQ = 0x05FA0004,
    FPB_KEY_AND_ENABLE = 3, DWT_MATCHED = 1 << 24,
};
enum { REGSEL_SPECIAL = 20, REGSEL_FPSCR = 0x21, REGSEL_S0 = 0x40 };
enum { REGISTER_LIMIT_MS = 50, STEP_LIMIT_MS = 100, RESET_LIMIT_MS = 1000 };
enum { FPB_MAX = 8, DWT_MAX = 4 };

/* CPUID.PARTNO.  Add a core by adding a row. */
static const struct core_type {
    uint16_t part;
    bool v7m, v8m, cache;
    const char *name;
} core_types[] = {
    { 0xC20, false, false, false, "Cortex-M0"  },
    { 0xC21, false, false, false, "Cortex-M1"  },
    { 0xC60, false, false, false, "Cortex-M0+" },
    { 0xC23, true,  false, false, "Cortex-M3"  },
    { 0xC24, true,  false, false, "Cortex-M4"  },
    { 0xC27, true,  false, true,  "Cortex-M7"  },
    { 0xD20, false, true,  false, "Cortex-M23" },
    { 0xD21, true,  true,  false, "Cortex-M33" },
    { 0xD22, true,  true,  true,  "Cortex-M55" },
};

bool cortexm_step_interrupts;

static struct {
    struct cortexm_info info;
    bool v8m, fpb_v2, has_cache;
    struct breakpoint { bool used; uint32_t address; } breakpoints[FPB_MAX];
    struct watchpoint {
        bool used;
        enum watch type;
        uint32_t address;               /* of this piece, aligned to its size */
        int log2;                       /* of its size in bytes */
        uint32_t start, length;         /* as the user asked for it */
    } watchpoints[DWT_MAX];
    uint32_t vector_catch;
    bool was_reset;                     /* S_RESET_ST has been seen */
    enum stop_reason asked;             /* STOP_REQUEST or STOP_STEP explain HALTED */
    bool on_bkpt;                       /* stopped by a BKPT instruction ... */
    uint32_t bkpt_pc;                   /* ... here */
} core;

/* --- DHCSR -------------------------------------------------------------------- */

static uint32_t seen(uint32_t dhcsr)
{
    if (dhcsr & S_RESET_ST)
        core.was_reset = true;
    return dhcsr;
}

static int status(uint32_t *dhcsr)
{
    int error = adi_read32(DHCSR, dhcsr);

    if (!error)
        seen(*dhcsr);
    return error;
}

static int control(uint32_t bits)
{
    return adi_write32(DHCSR, (uint32_t)DBGKEY | C_DEBUGEN | bits);
}

static int wait_halted(uint32_t limit_ms)
{
    uint32_t deadline = clock_in_ms(limit_ms), dhcsr;

    do {
        int error = status(&dhcsr);
        if (error && error != ERR_WAIT && error != ERR_FAULT)
            return error;
        if (!error && dhcsr & S_HALT)
            return OK;
        watchdog_feed();                /* the limit is the user's */
    } while (!clock_passed(deadline));
    return ERR_TIMEOUT;
}

int cortexm_halt(void)
{
    core.asked = STOP_REQUEST;
    return control(C_HALT);
}

int cortexm_halt_wait(uint32_t timeout_ms)
{
    int error = cortexm_halt();
    return error ? error : wait_halted(timeout_ms);
}

/* --- core registers ----------------------------------------------------------- */

/* DCRSR starts the transfer, S_REGRDY says that it is done (C1.6.3). */
static int transfer(uint32_t dcrsr, uint32_t *value)
{
    struct adi_query query = { DCRSR, dcrsr, { DHCSR, DCRDR } };
    uint32_t deadline = clock_in_ms(REGISTER_LIMIT_MS), result[2];

    do {
        int error = adi_query(&query, result);
        if (error)
            return error;
        if (!(seen(result[0]) & S_HALT))
            return ERR_RUNNING;
        if (result[0] & S_REGRDY) {
            if (value)
                *value = result[1];
            return OK;
        }
    } while (!clock_passed(deadline));
    return ERR_TIMEOUT;
}

static int get(uint32_t regsel, uint32_t *value)
{
    return transfer(regsel, value);
}

static int put(uint32_t regsel, uint32_t value)
{
    int error = adi_write32(DCRDR, value);
    return error ? error : transfer(regsel | DCRSR_WRITE, 0);
}

/* PRIMASK to CONTROL are the bytes of one word: this byte, or -1. */
static int special_byte(int number)
{
    return number >= REG_PRIMASK && number <= REG_CONTROL ? number - REG_PRIMASK : -1;
}

static bool exists(int number)
{
    if (number >= REG_FPSCR)
        return number < REG_COUNT && core.info.fpu;
    return number >= 0;
}

static uint32_t regsel_of(int number)
{
    if (number >= REG_D0)
        return (uint32_t)(REGSEL_S0 + (number - REG_D0) * 2);
    return number == REG_FPSCR ? REGSEL_FPSCR : (uint32_t)number;   /* 0 to 18 */
}

int cortexm_read_register(int number, void *value)
{
    uint32_t words[2] = { 0, 0 };
    int byte = special_byte(number), error;

    if (!exists(number))
        return ERR_UNSUPPORTED;
    if (byte >= 0) {
        error = get(REGSEL_SPECIAL, words);
        words[0] = words[0] >> 8 * byte & 0xFF;
    } else {
        error = get(regsel_of(number), words);
        if (!error && number >= REG_D0)
            error = get(regsel_of(number) + 1, words + 1);
    }
    __builtin_memcpy(value, words, number >= REG_D0 ? 8 : 4);
    return error;
}

int cortexm_write_register(int number, const void *value)
{
    uint32_t words[2], all;
    int byte = special_byte(number), error;

    if (!exists(number))
        return ERR_UNSUPPORTED;
    __builtin_memcpy(words, value, number >= REG_D0 ? 8 : 4);
    if (number == REG_PC)
        core.on_bkpt = false;           /* the user knows where to go */
    if (byte >= 0) {
        error = get(REGSEL_SPECIAL, &all);
        all = (all & ~(0xFFu << 8 * byte)) | (words[0] & 0xFF) << 8 * byte;
        return error ? error : put(REGSEL_SPECIAL, all);
    }
    error = put(regsel_of(number), words[0]);
    if (!error && number >= REG_D0)
        error = put(regsel_of(number) + 1, words[1]);
    return error;
}

int cortexm_read_registers(uint32_t *values)
{
    uint32_t special;
    int error = OK;

    for (int i = 0; i < REG_PRIMASK && !error; i++)
        error = get((uint32_t)i, &values[i]);
    if (!error)
        error = get(REGSEL_SPECIAL, &special);
    for (int i = 0; i < 4 && !error; i++)
        values[REG_PRIMASK + i] = special >> 8 * i & 0xFF;
    return error;
}

/* SP is the active one of MSP and PSP: CONTROL says which, so it is written first, and
 * the stack pointers before SP, whose value wins. */
int cortexm_write_registers(const uint32_t *values)
{
    uint32_t special = 0;

    for (int i = 0; i < 4; i++)
        special |= (values[REG_PRIMASK + i] & 0xFF) << 8 * i;
    int error = put(REGSEL_SPECIAL, special);
    for (int i = REG_PSP; i >= 0 && !error; i--)
        error = put((uint32_t)i, values[i]);
    core.on_bkpt = core.on_bkpt && values[REG_PC] == core.bkpt_pc;
    return error;
}

/* --- comparators -------------------------------------------------------------- */

/* FPB revision 1 (C1.11.5): the word in the code region, and which half of it. */
static uint32_t fp_comp(const struct breakpoint *breakpoint)
{
    uint32_t address = breakpoint->address;

    if (!breakpoint->used)
        return 0;
    if (core.fpb_v2)
        return address | 1;
    return (address & 2 ? 2u : 1u) << 30 | (address & 0x1FFFFFFC) | 1;
}

static int arm_breakpoint(int i)
{
    return adi_write32(FP_COMP0 + 4u * (uint32_t)i, fp_comp(&core.breakpoints[i]));
}

/* DWT_FUNCTION (C1.8.17) has 5 read, 6 write, 7 both; Armv8-M (D1.2.61) has MATCH 6, 5,
 * 4 with ACTION 1 (debug event) and the size in DATAVSIZE. */
static uint32_t dwt_function(const struct watchpoint *watch)
{
    static const uint8_t v7[] = { [WATCH_WRITE] = 6, [WATCH_READ] = 5, [WATCH_ACCESS] = 7 };
    static const uint8_t v8[] = { [WATCH_WRITE] = 5, [WATCH_READ] = 6, [WATCH_ACCESS] = 4 };

    if (!watch->used)
        return 0;
    if (core.v8m)
        return (uint32_t)watch->log2 << 10 | 1 << 4 | v8[watch->type];
    return v7[watch->type];
}

static int arm_watchpoint(int i)
{
    const struct watchpoint *watch = &core.watchpoints[i];
    uint32_t at = 16u * (uint32_t)i, mask = (uint32_t)watch->log2, fits = mask;
    int error = adi_write32(DWT_FUNCTION0 + at, 0);

    if (!error && watch->used)
        error = adi_write32(DWT_COMP0 + at, watch->address);
    if (!error && watch->used && !core.v8m) {
        error = adi_write32(DWT_MASK0 + at, mask);
        if (!error)
            error = adi_read32(DWT_MASK0 + at, &fits);  /* keeps what it implements */
        if (!error && fits != mask)
            error = ERR_RESOURCES;
    }
    return error || !watch->used ? error
                                 : adi_write32(DWT_FUNCTION0 + at, dwt_function(watch));
}

static int rearm(void)
{
    int error = adi_write32(DEMCR, TRCENA | core.vector_catch);

    if (!error)
        error = adi_write32(FP_CTRL, FPB_KEY_AND_ENABLE);
    for (int i = 0; i < core.info.breakpoints && !error; i++)
        error = arm_breakpoint(i);
    for (int i = 0; i < core.info.watchpoints && !error; i++)
        error = arm_watchpoint(i);
    return error;
}

static struct breakpoint *breakpoint_at(uint32_t address)
{
    for (int i = 0; i < core.info.breakpoints; i++)
        if (core.breakpoints[i].used && core.breakpoints[i].address == address)
            return &core.breakpoints[i];
    return 0;
}

int cortexm_set_breakpoint(uint32_t address, int kind)
{
    (void)kind;                         /* the first halfword is enough for all */
    address &= ~1u;
    if (breakpoint_at(address))
        return OK;
    if (!core.fpb_v2 && address >= 0x20000000u)
        return ERR_UNSUPPORTED;
    for (int i = 0; i < core.info.breakpoints; i++)
        if (!core.breakpoints[i].used) {
            core.breakpoints[i] = (struct breakpoint){ true, address };
            return arm_breakpoint(i);
        }
    return ERR_RESOURCES;
}

int cortexm_clear_breakpoint(uint32_t address, int kind)
{
    struct breakpoint *breakpoint = breakpoint_at(address & ~1u);

    (void)kind;
    if (!breakpoint)
        return OK;
    breakpoint->used = false;
    return arm_breakpoint((int)(breakpoint - core.breakpoints));
}

int cortexm_clear_watchpoint(enum watch type, uint32_t address, uint32_t length)
{
    int error = OK;

    for (int i = 0; i < core.info.watchpoints; i++) {
        struct watchpoint *watch = &core.watchpoints[i];
        if (!watch->used || watch->type != type || watch->start != address ||
            watch->length != length)
            continue;
        watch->used = false;
        int e = arm_watchpoint(i);
        error = error ? error : e;
    }
    return error;
}

/* The largest naturally aligned power of two at the head of an area. */
static int piece_log2(uint32_t address, uint32_t length, int limit)
{
    int log2 = 0;

    while (log2 < limit && !(address & ((2u << log2) - 1)) &&
           length >= 2u << log2)
        log2++;
    return log2;
}

static int watch_piece(const struct watchpoint *piece)
{
    for (int i = 0; i < core.info.watchpoints; i++)
        if (!core.watchpoints[i].used) {
            core.watchpoints[i] = *piece;
            return arm_watchpoint(i);
        }
    return ERR_RESOURCES;
}

/* A comparator covers an aligned power of two; other areas take several. */
int cortexm_set_watchpoint(enum watch type, uint32_t address, uint32_t length)
{
    uint32_t done = 0;
    int error = OK;

    if (type < WATCH_WRITE || type > WATCH_ACCESS || length == 0 ||
        address + (length - 1) < address)
        return ERR_RANGE;
    while (done < length && !error) {
        int log2 = piece_log2(address + done, length - done, core.v8m ? 2 : 15);
        struct watchpoint piece = { true, type, address + done, log2, address, length };
        error = watch_piece(&piece);
        done += 1u << log2;
    }
    if (error)
        cortexm_clear_watchpoint(type, address, length);
    return error;
}

void cortexm_clear_all(void)
{
    for (int i = 0; i < FPB_MAX; i++)
        core.breakpoints[i].used = false;
    for (int i = 0; i < DWT_MAX; i++)
        core.watchpoints[i].used = false;
    rearm();
}

uint32_t cortexm_vector_catch(void)
{
    return core.vector_catch;
}

int cortexm_set_vector_catch(uint32_t bits)
{
    core.vector_catch = bits & VC_ALL;
    return adi_write32(DEMCR, TRCENA | core.vector_catch);
}

/* --- attach, detach ----------------------------------------------------------- */

static const struct core_type *core_type(uint32_t cpuid)
{
    for (unsigned i = 0; i < sizeof core_types / sizeof *core_types; i++)
        if ((cpuid >> 4 & 0xFFF) == core_types[i].part)
            return &core_types[i];
    return 0;
}

const char *cortexm_name(uint32_t cpuid)
{
    const struct core_type *type = core_type(cpuid);
    return type ? type->name : "Cortex-M";
}

static int identify(void)
{
    uint32_t cpuid, mvfr0 = 0;
    int error = adi_read32(CPUID, &cpuid);

    if (error)
        return error;
    const struct core_type *type = core_type(cpuid);
    core.info.cpuid = cpuid;
    core.info.name = cortexm_name(cpuid);
    core.info.v7m = type ? type->v7m : (cpuid >> 16 & 0xF) == 0xF;   /* C in Armv6-M */
    core.v8m = type && type->v8m;
    core.has_cache = type && type->cache;
    if (core.info.v7m)
        adi_read32(MVFR0, &mvfr0);      /* a fault here only means: no FPU */
    core.info.fpu = mvfr0 != 0;
    return OK;
}

static int at_most(uint32_t count, int limit)
{
    return count < (uint32_t)limit ? (int)count : limit;
}

/* The units exist in every core sold, but may have been left out: then none. */
static void count_comparators(void)
{
    uint32_t fp_ctrl = 0, dwt_ctrl = 0;

    adi_read32(FP_CTRL, &fp_ctrl);
    adi_read32(DWT_CTRL, &dwt_ctrl);
    core.fpb_v2 = fp_ctrl >> 28 == 1;
    core.info.breakpoints =
        at_most((fp_ctrl >> 4 & 0xF) | (fp_ctrl >> 8 & 0x70), FPB_MAX);
    core.info.watchpoints = at_most(dwt_ctrl >> 28, DWT_MAX);
}

int cortexm_attach(struct cortexm_info *info)
{
    uint32_t dhcsr;

    __builtin_memset(&core, 0, sizeof core);
    int error = identify();
    if (!error)
        error = status(&dhcsr);
    if (!error)
        error = control(dhcsr & C_DEBUGEN ? dhcsr & C_HALT : 0);
    core.vector_catch = VC_HARDERR;
    if (!error)
        error = adi_write32(DEMCR, TRCENA | core.vector_catch);     /* clocks the DWT */
    if (error)
        return error;
    count_comparators();
    error = rearm();
    if (!error)
        error = adi_write32(DFSR, DFSR_ALL);
    core.was_reset = false;
    core.asked = STOP_REQUEST;
    *info = core.info;
    return error;
}

int cortexm_detach(void)
{
    core.vector_catch = 0;
    cortexm_clear_all();
    int error = adi_write32(FP_CTRL, 2);        /* KEY without ENABLE */
    if (!error)
        error = adi_write32(DEMCR, 0);
    int running = cortexm_resume();
    int free = adi_write32(DHCSR, (uint32_t)DBGKEY);
    return error ? error : running ? running : free;
}

/* --- run and step ------------------------------------------------------------- */

static bool is_bkpt(uint32_t instruction)
{
    return (instruction & 0xFF00) == 0xBE00;
}

/* True when the core stood on a BKPT of the program and was moved behind it. */
static bool skipped_bkpt(void)
{
    uint32_t pc;
    uint16_t instruction;

    if (!core.on_bkpt)
        return false;
    core.on_bkpt = false;
    if (get(REG_PC, &pc) || pc != core.bkpt_pc || adi_read16(pc, &instruction) ||
        !is_bkpt(instruction))
        return false;                   /* moved, or GDB has taken its own away */
    return put(REG_PC, pc + 2) == OK;
}

static int drop_caches(void)
{
    return core.has_cache ? adi_write32(ICIALLU, 0) : OK;
}

/* Leaves the core halted, with interrupts as wanted for what comes next. */
static int mask_interrupts(bool mask)
{
    return control(C_HALT | (mask ? C_MASKINTS : 0));
}

int cortexm_resume(void)
{
    uint32_t dhcsr;
    int error = status(&dhcsr);

    if (error || !(dhcsr & S_HALT))
        return error ? error : control(0);
    skipped_bkpt();
    error = drop_caches();
    if (!error)
        error = adi_write32(DFSR, DFSR_ALL);
    if (!error && dhcsr & C_MASKINTS)
        error = mask_interrupts(false);
    core.asked = STOP_RUNNING;
    return error ? error : control(0);
}

/* WFI and a stuck bus can keep an instruction from ending: then the halt ends it. */
int cortexm_step(void)
{
    bool mask = !cortexm_step_interrupts;

    core.asked = STOP_STEP;
    int error = adi_write32(DFSR, DFSR_ALL);
    if (error || skipped_bkpt())
        return error;
    error = drop_caches();
    if (!error)
        error = mask_interrupts(mask);
    if (!error)
        error = control(C_STEP | (mask ? C_MASKINTS : 0));
    if (!error)
        error = wait_halted(STEP_LIMIT_MS);
    if (error == ERR_TIMEOUT) {
        error = control(C_HALT | (mask ? C_MASKINTS : 0));
        if (!error)
            error = wait_halted(STEP_LIMIT_MS);
    }
    return error;
}

/* --- why has it stopped ------------------------------------------------------- */

/* MATCHED is cleared by reading (C1.8.17), so all are read. */
static enum stop_reason which_watchpoint(uint32_t *address)
{
    static const uint8_t reasons[] = { [WATCH_WRITE] = STOP_WATCH_WRITE,
        [WATCH_READ] = STOP_WATCH_READ, [WATCH_ACCESS] = STOP_WATCH_ACCESS };
    enum stop_reason reason = STOP_REQUEST;
    uint32_t function;

    for (int i = 0; i < core.info.watchpoints; i++) {
        const struct watchpoint *watch = &core.watchpoints[i];
        if (!watch->used || adi_read32(DWT_FUNCTION0 + 16u * (uint32_t)i, &function) ||
            !(function & DWT_MATCHED))
            continue;
        reason = (enum stop_reason)reasons[watch->type];
        *address = watch->start;
    }
    return reason;
}

static enum stop_reason which_breakpoint(void)
{
    uint32_t pc;

    if (get(REG_PC, &pc))
        return STOP_SW_BREAKPOINT;
    if (breakpoint_at(pc))
        return STOP_HW_BREAKPOINT;
    core.on_bkpt = true;
    core.bkpt_pc = pc;
    return STOP_SW_BREAKPOINT;
}

static int explain(struct stop *stop)
{
    uint32_t dfsr;
    int error = adi_read32(DFSR, &dfsr);

    if (!error)
        error = adi_write32(DFSR, DFSR_ALL);
    if (error)
        return error;
    if (dfsr & DFSR_VCATCH)
        stop->reason = core.was_reset ? STOP_RESET : STOP_FAULT;
    else if (dfsr & DFSR_BKPT)
        stop->reason = which_breakpoint();
    else if (dfsr & DFSR_DWTTRAP)
        stop->reason = which_watchpoint(&stop->address);
    else
        stop->reason = core.asked == STOP_STEP ? STOP_STEP : STOP_REQUEST;
    core.was_reset = false;
    return OK;
}

/* A core in lockup goes on fetching the same address for ever: halting it lets the user
 * look at what led there. */
static int halt_locked_up(struct stop *stop)
{
    int error = cortexm_halt_wait(STEP_LIMIT_MS);

    if (!error)
        error = adi_write32(DFSR, DFSR_ALL);
    stop->reason = STOP_LOCKUP;
    return error;
}

static int judge(struct stop *stop)
{
    uint32_t dhcsr;
    int error = status(&dhcsr);

    if (error)
        return error;
    if (core.was_reset && !(dhcsr & S_HALT)) {  /* somebody pressed the button */
        core.was_reset = false;
        error = control(0);
        if (!error)
            error = rearm();
    }
    if (error)
        return error;
    if (dhcsr & S_LOCKUP)
        return halt_locked_up(stop);
    if (dhcsr & S_HALT)
        return explain(stop);
    stop->reason = dhcsr & S_SLEEP ? STOP_SLEEPING : STOP_RUNNING;
    return OK;
}

/* A bus that is busy or faults for a moment (a chip in reset) is not a lost target. */
int cortexm_poll(struct stop *stop)
{
    stop->reason = STOP_RUNNING;
    stop->address = 0;
    int error = judge(stop);
    if (!error)
        return OK;
    if (adi_connected()) {
        stop->reason = STOP_RUNNING;
        return OK;
    }
    stop->reason = STOP_LOST;
    return error;
}

/* --- reset -------------------------------------------------------------------- */

/* Silence is normal while a chip resets; some lose the debug port for a moment. */
static int wait_reset(uint32_t deadline)
{
    uint32_t dhcsr;

    do {
        int error = status(&dhcsr);
        if (error && !adi_connected())
            return error;
        if (!error && core.was_reset && !(dhcsr & S_RESET_ST))
            return OK;                  /* it was set once and is not any more */
    } while (!clock_passed(deadline));
    return ERR_TIMEOUT;
}

int cortexm_before_reset(bool halt)
{
    uint32_t dhcsr;

    core.on_bkpt = false;
    int error = control(C_HALT);
    if (!error)
        error = adi_write32(DEMCR, TRCENA | core.vector_catch | (halt ? VC_CORERESET : 0));
    if (!error)
        error = status(&dhcsr);         /* an old S_RESET_ST is read away */
    core.was_reset = false;
    return error;
}

int cortexm_after_reset(bool halt)
{
    int error = wait_reset(clock_in_ms(RESET_LIMIT_MS));

    if (!error)
        error = control(halt ? C_HALT : 0);
    if (!error && halt)
        error = wait_halted(STEP_LIMIT_MS);
    if (!error)
        error = rearm();
    if (!error)
        error = adi_write32(DFSR, DFSR_ALL);
    core.was_reset = false;
    core.asked = halt ? STOP_REQUEST : STOP_RUNNING;
    return error;
}

int cortexm_reset(bool halt)
{
    int error = cortexm_before_reset(halt);

    if (error)
        return error;
    adi_write32(AIRCR, AIRCR_SYSRESETREQ);      /* its answer may be cut off */
    return cortexm_after_reset(halt);
}

int cortexm_catch_reset(void)
{
    int error = control(0);
    return error ? error : adi_write32(DEMCR, TRCENA | VC_CORERESET);
}

/* --- faults in words ---------------------------------------------------------- */

struct text { char *at, *end; };

static void say(struct text *text, const char *words)
{
    while (*words && text->at < text->end)
        *text->at++ = *words++;
}

static void say_hex(struct text *text, uint32_t value)
{
    char digits[11] = "0x";

    for (int i = 0; i < 8; i++)
        digits[2 + i] = "0123456789abcdef"[value >> (28 - 4 * i) & 15];
    say(text, digits);
}

struct frame { uint32_t r0, r1, r2, r3, r12, lr, pc, xpsr; };    /* B1.5.6 */

static const char *const exception_names[] = {
    [2] = "NMI", [3] = "HardFault", [4] = "MemManage fault", [5] = "BusFault",
    [6] = "UsageFault",
};

/* CFSR (B3.2.15), most telling first: the bit's number, then what it says. */
static const char causes[] =
    "\x09" "on a data access (PRECISERR)\0"
    "\x0A" "on an earlier write (IMPRECISERR)\0"
    "\x08" "on instruction fetch (IBUSERR)\0"
    "\x0C" "while stacking: check SP (STKERR)\0"
    "\x0B" "while unstacking (UNSTKERR)\0"
    "\x0D" "while saving the FPU (LSPERR)\0"
    "\x01" "data access (DACCVIOL)\0"
    "\x20" "instruction fetch (IACCVIOL)\0"           /* bit 0; 5 bits count */
    "\x04" "stacking (MSTKERR)\0"
    "\x03" "unstacking (MUNSTKERR)\0"
    "\x10" "undefined instruction (UNDEFINSTR)\0"
    "\x11" "jump to an even address, no Thumb bit (INVSTATE)\0"
    "\x12" "bad EXC_RETURN (INVPC)\0"
    "\x13" "coprocessor or FPU not enabled (NOCP)\0"
    "\x18" "unaligned access (UNALIGNED)\0"
    "\x19" "division by zero (DIVBYZERO)\0";
enum { MMARVALID = 1 << 7, BFARVALID = 1 << 15, HFSR_VECTTBL = 1 << 1 };

static void say_address(struct text *text, uint32_t at)
{
    uint32_t address;

    if (adi_read32(at, &address) == OK) {
        say(text, " at ");
        say_hex(text, address);
    }
}

static void explain_v7m(struct text *text)
{
    uint32_t cfsr = 0, hfsr = 0;
    const char *separator = ": ";

    adi_read32(CFSR, &cfsr);
    adi_read32(HFSR, &hfsr);
    if (hfsr & HFSR_VECTTBL)
        say(text, ": bus error reading the vector table (VECTTBL)");
    for (const char *cause = causes; *cause;) {
        int bit = *cause++ & 31;
        if (cfsr >> bit & 1) {
            say(text, separator);
            say(text, bit >= 16 ? "" : bit >= 8 ? "bus error " : "the MPU refused ");
            say(text, cause);
            separator = ", ";
        }
        while (*cause++)
            ;
    }
    if (cfsr & BFARVALID)
        say_address(text, BFAR);
    else if (cfsr & MMARVALID)
        say_address(text, MMFAR);
}

/* The address that a 16-bit load or store used, with what its register holds now: the
 * handler has not run yet.  Encodings of Armv6-M ARM A5.2.4. */
static bool access_of(uint16_t op, const struct frame *frame, uint32_t *address,
                      uint32_t *width)
{
    static const uint8_t widths[8] = { 4, 2, 1, 1, 4, 2, 1, 2 };    /* 0101 xxx */
    const uint32_t low[4] = { frame->r0, frame->r1, frame->r2, frame->r3 };
    uint32_t n = op >> 3 & 7, m = op >> 6 & 7, base, index = 0;

    if (op < 0x5000 || op >= 0x9000)
        return false;
    base = n < 4 ? low[n] : 0;
    if (n >= 4 && get(n, &base))
        return false;
    if (op < 0x6000) {
        index = m < 4 ? low[m] : 0;
        if (m >= 4 && get(m, &index))
            return false;
        *width = widths[op >> 9 & 7];
    } else {
        *width = op >= 0x8000 ? 2 : op & 0x1000 ? 1 : 4;
        index = (op >> 6 & 31u) * *width;
    }
    *address = base + index;
    return true;
}

/* Armv6-M has no fault registers: the instruction itself has to tell. */
static void explain_v6m(struct text *text, const struct frame *frame)
{
    uint16_t op;
    uint32_t address, width;

    if (!(frame->xpsr & 1 << 24)) {
        say(text, ": jump to an even address, no Thumb bit");
    } else if (adi_read16(frame->pc & ~1u, &op)) {
        say(text, ": jump to where there is no memory");
    } else if (is_bkpt(op)) {
        say(text, ": BKPT");
    } else if ((op & 0xFF00) == 0xDE00 || op >= 0xE800) {
        say(text, ": undefined instruction");
    } else if (access_of(op, frame, &address, &width)) {
        say(text, address % width ? ": unaligned access at " : ": bus error at ");
        say_hex(text, address);
    }
}

int cortexm_fault_text(char *buffer, int size)
{
    struct text text = { buffer, buffer + size - 1 };
    struct frame frame;
    uint32_t xpsr, sp, lr;

    if (size < 1)
        return 0;
    if (!get(REG_XPSR, &xpsr) && !get(REG_LR, &lr) &&
        !get(lr & 4 ? REG_PSP : REG_MSP, &sp)) {
        uint32_t number = xpsr & 0x1FF;
        say(&text, number >= 2 && number <= 6 ? exception_names[number] : "Fault");
        bool framed = adi_read(sp, &frame, sizeof frame) == OK;
        if (core.info.v7m)
            explain_v7m(&text);
        else if (framed)
            explain_v6m(&text, &frame);
        say(&text, framed ? ", from pc " : ", stack unreadable at ");
        say_hex(&text, framed ? frame.pc : sp);
        if (framed) {
            say(&text, " lr ");
            say_hex(&text, frame.lr);
        }
    }
    *text.at = 0;
    return (int)(text.at - buffer);
}
