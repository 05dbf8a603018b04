/* cortexm.c - run control of one Cortex-M core through its debug registers.
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
 * (adi_query()), and a look at DHCSR comes with each write of it.  The same words serve
 * Armv6-M, Armv7-M and Armv8-M; where they differ (FPB revision, DWT functions, fault
 * registers) a field of `core` says so.
 *
 * Rules:
 *   - A function of cortexm.h is a list of things to do.  The first error stays in `failed`,
 *     and from there on nothing more is done, until take_error() takes it for the caller.
 *   - C_MASKINTS changes only while the core is halted (Armv7-M ARM C1.6.2).
 *   - S_RESET_ST is cleared by reading DHCSR, so every reading goes through seen().
 *   - While the core is to stand still the vector catch of reset is on: a button, a watchdog
 *     or a write of AIRCR then leaves it at its reset vector, as stay() finds it.
 *   - While the core stands still DFSR says nothing but HALTED, which comes with every stop
 *     and is of no interest: so nothing has to be cleared before the core is let go.
 *   - Comparators are kept here too and written again after any reset.
 *   - Steps are made with interrupts masked, or a handler would be where they end; so that
 *     no loop waits in vain for one, pending interrupts are let run now and then before a step.
 *   - A BKPT that was compiled in stops the core each time it is executed; after such a
 *     stop, going on means going on behind it.
 *
 * Sources: DDI 0403 (Armv7-M ARM) C1.6-C1.11; DDI 0419 (Armv6-M ARM) C1.5-C1.9; DDI 0553
 * (Armv8-M ARM) D1 for DWT_FUNCTION. */
#include "cortexm.h"
#include "adi.h"
#include "clock.h"
#include "mem.h"

#define PPB 0xE0000000u                 /* the Private Peripheral Bus, and what lies where in it */
enum {
    ITM_TCR = 0x0E80, DWT_CTRL = 0x1000, DWT_COMP0 = 0x1020, FP_CTRL = 0x2000, FP_COMP0 = 0x2008,
    CPUID = 0xED00, ICSR = 0xED04, AIRCR = 0xED0C, DFSR = 0xED30,
    DHCSR = 0xEDF0, DCRSR = 0xEDF4, DCRDR = 0xEDF8, DEMCR = 0xEDFC,
    MVFR0 = 0xEF40, CCR = 0xED14, CCSIDR = 0xED80, CSSELR = 0xED84, ICIALLU = 0xEF50, DCCISW = 0xEF74,
};
enum {
    DBGKEY = (int)0xA05F0000,
    C_DEBUGEN = 1 << 0, C_HALT = 1 << 1, C_STEP = 1 << 2, C_MASKINTS = 1 << 3,
    S_REGRDY = 1 << 16, S_HALT = 1 << 17, S_SLEEP = 1 << 18, S_LOCKUP = 1 << 19,
    S_RETIRE_ST = 1 << 24, S_RESET_ST = 1 << 25,
    DCRSR_WRITE = 1 << 16,
    DFSR_HALTED = 1 << 0, DFSR_BKPT = 1 << 1, DFSR_DWTTRAP = 1 << 2, DFSR_VCATCH = 1 << 3,
    DFSR_ALL = 0x1F,
    VC_CORERESET = 1 << 0, VC_HARDERR = 1 << 10, VC_ALL = 0x7F1, TRCENA = 1 << 24,
    AIRCR_SYSRESETREQ = 0x05FA0004,
    ICSR_PENDING = 0x145FF000,          /* PENDSVSET, PENDSTSET, ISRPENDING, VECTPENDING */
    XPSR_EXCEPTION = 0x1FF,
    FPB_KEY_AND_ENABLE = 3, DWT_MATCHED = 1 << 24,
    CYCCNTENA = 1 << 0, ITMENA = 1 << 0,
};
enum { DWT_MASK = 4, DWT_FUNCTION = 8, DWT_NEXT = 16 };         /* from a DWT_COMPn */
enum { REGSEL_SPECIAL = 20, REGSEL_FPSCR = 0x21, REGSEL_S0 = 0x40 };
enum { REGISTER_LIMIT_MS = 50, STEP_LIMIT_MS = 100, RESET_LIMIT_MS = 1000 };
enum { RANGE_MS = 2 };                  /* of steps, before the caller is asked again */
/* Pending interrupts are looked for at the most so often; and steps in their handlers. */
enum { LOOK_MS = 10, SERVE_STEPS = 1000 };
enum { FPB_MAX = 8, DWT_MAX = 4 };
enum { CCR_DC = 1 << 16 };

/* CPUID.PARTNO.  Add a core by adding a row; the last is for those that have none. */
enum { PARTNO = 0xFFF, CACHE = 1 << 15 };
static const struct core_type {
    uint16_t part;                      /* and CACHE, if it has one */
    char name[4];                       /* behind "Cortex-" */
} core_types[] = {
    { 0xC20,         "M0"  },
    { 0xC21,         "M1"  },
    { 0xC60,         "M0+" },
    { 0xC23,         "M3"  },
    { 0xC24,         "M4"  },
    { 0xC27 | CACHE, "M7"  },
    { 0xD20,         "M23" },
    { 0xD21,         "M33" },
    { 0xD22 | CACHE, "M55" },
    { 0,             "M"   },
};

uint8_t cortexm_step_interrupts;

static struct {
    int failed;                         /* the first error of what is being done */
    bool v8m, fpb_v2, has_cache;
    bool changed;                       /* memory, since it ran */
    bool was_reset;                     /* S_RESET_ST has been seen, nothing done about it */
    bool reset_untold;                  /* cortexm_was_reset() */
    enum stop_reason asked;             /* STOP_REQUEST or STOP_STEP explain HALTED;
                                         * STOP_RUNNING: it may run */
    uint8_t mask;                       /* C_MASKINTS or 0 */
    bool on_bkpt;                       /* stopped by a BKPT instruction ... */
    uint32_t bkpt_pc;                   /* ... here */
    struct cortexm_info info;
    uint32_t ccr;                       /* as found before the cache was turned off */
    uint32_t looked_ms;                 /* for pending interrupts */
    uint32_t dhcsr;                     /* as control() or wait_for_bit() saw it last */
    uint32_t vector_catch;
    uint32_t woken;                     /* TRCENA, if it was us who set it */
    uint32_t breakpoints[FPB_MAX];      /* the address with bit 0 set; 0 = free */
    struct watchpoint {
        uint8_t type;                   /* enum watch; 0 = free */
        uint8_t log2;                   /* of this piece's size in bytes ... */
        uint16_t comparator;            /* DWT_COMP0 or another: MASK and FUNCTION follow it */
        uint32_t address;               /* ... to which it is aligned */
        uint32_t start, length;         /* as the user asked for it */
    } watchpoints[DWT_MAX];
} core;

/* Not inline: there are so many calls of it. */
__attribute__((noinline)) static int take_error(void)
{
    int error = core.failed;
    core.failed = OK;
    return error;
}

static void write_word(uint32_t offset, uint32_t value)
{
    if (!core.failed)
        core.failed = adi_write32(PPB | offset, value);
}

static uint32_t read_word(uint32_t offset)      /* 0 if that fails */
{
    uint32_t value = 0;

    if (!core.failed)
        core.failed = adi_read32(PPB | offset, &value);
    return core.failed ? 0 : value;
}

/* What may have been left out of a core: there, a fault means 0. */
static uint32_t read_optional(uint32_t offset)
{
    uint32_t value = read_word(offset);
    take_error();
    return value;
}

static void clear_dfsr(void)
{
    write_word(DFSR, DFSR_ALL);
}

/* --- DHCSR -------------------------------------------------------------------- */

static uint32_t seen(uint32_t dhcsr)
{
    if (dhcsr & S_RESET_ST)
        core.was_reset = true;
    return dhcsr;
}

static uint32_t read_dhcsr(void)
{
    return seen(read_word(DHCSR));
}

/* And what it says then.  A slow core may not even have left Debug state when we look, so
 * S_HALT says nothing before an instruction was retired: then we shall look again. */
static void control(uint32_t bits)
{
    static const uint32_t at[] = { PPB | DHCSR, PPB | DHCSR, 0 };
    struct adi_status ignored;

    if (!core.failed)
        core.failed = adi_query(at, (uint32_t)DBGKEY | C_DEBUGEN | bits, &core.dhcsr, 1, &ignored);
    if (core.failed)
        core.dhcsr = 0;
    core.mask = bits & C_MASKINTS;
    seen(core.dhcsr);
    if (!(bits & C_HALT) && !(core.dhcsr & S_RETIRE_ST))
        core.dhcsr = 0;
}

/* The program's bits in it stay (MON_EN, C1.6.5), and it is written only if it must be: the
 * program may be running, and change it between our reading and our writing. */
static uint32_t change_demcr(uint32_t clear, uint32_t set)
{
    uint32_t found = read_word(DEMCR), wanted = (found & ~clear) | set;

    if (wanted != found)
        write_word(DEMCR, wanted);
    return found;
}

static void arm_vector_catch(void)
{
    change_demcr(VC_ALL, core.vector_catch |
                         (core.asked == STOP_RUNNING ? 0 : VC_CORERESET));
}

static void wait_for_bit(uint32_t bit, uint32_t limit_ms)
{
    uint32_t deadline = clock_in_ms(limit_ms);

    while (!core.failed && !(core.dhcsr & bit)) {
        if (clock_passed(deadline))
            core.failed = ERR_TIMEOUT;
        core.dhcsr = read_dhcsr();
        if (core.failed == ERR_WAIT || core.failed == ERR_FAULT)
            core.failed = OK;
        watchdog_feed();                /* the limit is the user's */
    }
}

__attribute__((noinline)) static void wait_halted(uint32_t limit_ms)
{
    wait_for_bit(S_HALT, limit_ms);
}

/* Silence is normal while a chip resets; some lose the debug port for a moment.  SWCLK rests high
 * most of the time: a SAMD21 that comes out of reset while it is low stays in reset (13.6.2). */
static void wait_reset(void)
{
    uint32_t deadline = clock_in_ms(RESET_LIMIT_MS);

    do {
        uint32_t dhcsr = read_dhcsr();
        if (core.failed && !adi_connected())
            return;
        if (!take_error() && core.was_reset && !(dhcsr & S_RESET_ST))
            return;                     /* it was set once and is not any more */
        clock_wait_us(500);
    } while (!clock_passed(deadline));
    core.failed = ERR_TIMEOUT;
}

/* True after a reset that came while it was to stand still.  Where a reset clears DEMCR, it ran
 * away, and another one brings it back to its vector. */
static bool stay(void)
{
    if (!core.was_reset || core.asked == STOP_RUNNING)
        return false;
    wait_reset();
    bool caught = read_word(DFSR) & DFSR_VCATCH;
    if (!core.failed)
        core.failed = caught ? cortexm_after_reset(true) : cortexm_reset(true);
    core.reset_untold = true;
    return true;
}

static uint32_t look(void)
{
    uint32_t dhcsr = read_dhcsr();

    return stay() ? read_dhcsr() : dhcsr;
}

int cortexm_look(void)
{
    uint32_t dhcsr = look();
    int error = take_error();

    core.looked_ms = 0;                 /* there may be news of any kind */
    return error || dhcsr & S_HALT ? error : ERR_RUNNING;
}

int cortexm_halt(void)
{
    core.asked = STOP_REQUEST;
    arm_vector_catch();
    control(C_HALT);
    return take_error();
}

int cortexm_halt_wait(uint32_t timeout_ms)
{
    core.failed = cortexm_halt();
    wait_halted(timeout_ms);
    clear_dfsr();                       /* nobody will ask why */
    return take_error();
}

/* --- core registers ----------------------------------------------------------- */

/* DCRSR starts the transfer, S_REGRDY says that it is done (C1.6.3). */
static void wait_ready(void)
{
    core.dhcsr = 0;
    wait_for_bit(S_REGRDY, REGISTER_LIMIT_MS);
}

/* Registers in a row, out of the core; or one into it, with DCRSR_WRITE, which lies in DCRDR
 * already.  A core whose clock is that slow is asked for one at a time. */
static void transfer_row(uint32_t dcrsr, uint32_t *values, int count)
{
    static const uint32_t at[] = { PPB | DCRSR, PPB | DHCSR, PPB | DCRDR, 0 };
    struct adi_status dhcsr;

    if (!core.failed && core.asked == STOP_RUNNING)
        core.failed = ERR_RUNNING;
    do {
        if (!core.failed)
            core.failed = adi_query(at, dcrsr, values, count, &dhcsr);
        if (core.failed)
            return;
        seen(dhcsr.any);
    } while (stay());
    if (!(dhcsr.all & S_HALT))
        core.failed = ERR_RUNNING;
    for (; count && !(dhcsr.all & S_REGRDY); count--) {
        wait_ready();
        write_word(DCRSR, dcrsr++);
        wait_ready();
        *values++ = read_word(DCRDR);
    }
}

static uint32_t read_core(uint32_t regsel)
{
    uint32_t value = 0;

    transfer_row(regsel, &value, 1);
    return value;
}

static void write_core(uint32_t regsel, uint32_t value)
{
    write_word(DCRDR, value);
    transfer_row(regsel | DCRSR_WRITE, &value, 1);
}

static bool exists(int number)
{
    if (number >= REG_FPSCR)
        return number < REG_COUNT && core.info.fpu;
    return number >= 0;
}

/* PRIMASK to CONTROL are the bytes of one word. */
static bool is_special(int number)
{
    return number >= REG_PRIMASK && number <= REG_CONTROL;
}

static uint32_t regsel_of(int number)
{
    if (number >= REG_D0)
        return (uint32_t)(REGSEL_S0 + (number - REG_D0) * 2);
    if (is_special(number))
        return REGSEL_SPECIAL;
    return number == REG_FPSCR ? REGSEL_FPSCR : (uint32_t)number;   /* 0 to 18 */
}

int cortexm_read_register(int number, void *value)
{
    struct word *words = value;
    uint32_t regsel = regsel_of(number);

    if (!exists(number))
        return ERR_UNSUPPORTED;
    words[0].value = read_core(regsel);
    if (is_special(number))
        words[0].value = words[0].value >> 8 * (number - REG_PRIMASK) & 0xFF;
    if (number >= REG_D0)
        words[1].value = read_core(regsel + 1);
    return take_error();
}

int cortexm_write_register(int number, const void *value)
{
    const struct word *words = value;
    uint32_t regsel = regsel_of(number), word = words[0].value;

    if (!exists(number))
        return ERR_UNSUPPORTED;
    if (number == REG_PC)
        core.on_bkpt = false;           /* the user knows where to go */
    if (is_special(number)) {
        int shift = 8 * (number - REG_PRIMASK);
        word = (read_core(regsel) & ~(0xFFu << shift)) | (word & 0xFF) << shift;
    }
    write_core(regsel, word);
    if (number >= REG_D0)
        write_core(regsel + 1, words[1].value);
    return take_error();
}

int cortexm_read_row(uint32_t first, uint32_t count, uint32_t *values)
{
    transfer_row(first, values, (int)count);
    return take_error();
}

int cortexm_read_registers(uint32_t *values)
{
    transfer_row(0, values, REG_PRIMASK);
    uint32_t special = read_core(REGSEL_SPECIAL);
    for (int i = REG_PRIMASK; i <= REG_CONTROL; i++, special >>= 8)
        values[i] = special & 0xFF;
    return take_error();
}

/* SP is the active one of MSP and PSP: CONTROL says which, so it is written first, and
 * the stack pointers before SP, whose value wins. */
int cortexm_write_registers(const uint32_t *values)
{
    bool on_bkpt = core.on_bkpt && values[REG_PC] == core.bkpt_pc;
    int error = OK;

    for (int i = REG_CONTROL; i >= 0 && !error; i--)
        error = cortexm_write_register(i, &values[i]);
    core.on_bkpt = on_bkpt;
    return error;
}

/* The DWT hears nothing without TRCENA. */
static void wake_dwt(void)
{
    core.woken |= ~change_demcr(0, TRCENA) & TRCENA;
}

/* If we woke it, it sleeps again; but not if the program has come to use it since, or the
 * ITM: without TRCENA it would wait for ever. */
static void release_dwt(void)
{
    if (core.woken &&
        !((read_optional(DWT_CTRL) | read_optional(ITM_TCR)) & (CYCCNTENA | ITMENA)))
        change_demcr(TRCENA, 0);
    core.woken = 0;
}

/* --- comparators -------------------------------------------------------------- */

/* FPB revision 1 (C1.11.5): the word in the code region, and which half of it.  Revision 2
 * takes the address with bit 0 set, as we keep it. */
static uint32_t fp_comp(uint32_t entry)
{
    if (core.fpb_v2 || !entry)
        return entry;
    return (entry & 2 ? 2u : 1u) << 30 | (entry & 0x1FFFFFFD);
}

static void arm_breakpoint(const uint32_t *entry)
{
    write_word(FP_COMP0 + 4 * (uint32_t)(entry - core.breakpoints), fp_comp(*entry));
}

/* Behind those that the core has. */
static struct watchpoint *watchpoints_end(void)
{
    return core.watchpoints + core.info.watchpoints;
}

/* DWT_FUNCTION (C1.8.17) has 5 read, 6 write, 7 both; Armv8-M (D1.2.61) has MATCH 6, 5,
 * 4, the lowest two bits inverted, with ACTION 1 (debug event) and the size in DATAVSIZE. */
static uint32_t dwt_function(const struct watchpoint *watch)
{
    static const uint8_t v7[] = { [WATCH_WRITE] = 6, [WATCH_READ] = 5, [WATCH_ACCESS] = 7 };
    uint32_t function = v7[watch->type];

    return core.v8m ? (uint32_t)watch->log2 << 10 | 1 << 4 | (function ^ 3) : function;
}

static void arm_watchpoint(const struct watchpoint *watch)
{
    uint32_t at = watch->comparator;

    wake_dwt();
    write_word(at + DWT_FUNCTION, 0);
    if (!watch->type)
        return;
    write_word(at, watch->address);
    if (!core.v8m) {
        write_word(at + DWT_MASK, watch->log2);
        if (read_word(at + DWT_MASK) != watch->log2 && !core.failed)
            core.failed = ERR_RESOURCES;        /* it keeps what it implements */
    }
    write_word(at + DWT_FUNCTION, dwt_function(watch));
}

static void rearm(void)
{
    arm_vector_catch();
    write_word(FP_CTRL, FPB_KEY_AND_ENABLE);
    for (int i = 0; i < core.info.breakpoints; i++)
        arm_breakpoint(&core.breakpoints[i]);
    for (struct watchpoint *watch = core.watchpoints; watch < watchpoints_end(); watch++)
        if (watch->type)
            arm_watchpoint(watch);
}

/* The breakpoint comparator with this entry, or NULL. */
static uint32_t *find_breakpoint(uint32_t entry)
{
    for (int i = 0; i < core.info.breakpoints; i++)
        if (core.breakpoints[i] == entry)
            return &core.breakpoints[i];
    return NULL;
}

__attribute__((noinline)) static int change_breakpoint(uint32_t *entry, uint32_t to)
{
    *entry = to;
    arm_breakpoint(entry);
    return take_error();
}

/* The first halfword is enough for instructions of all kinds. */
int cortexm_set_breakpoint(uint32_t address)
{
    uint32_t *unused = find_breakpoint(0);

    address |= 1;
    if (find_breakpoint(address))
        return OK;
    if (!core.fpb_v2 && address >= 0x20000000u)
        return ERR_UNSUPPORTED;
    return unused ? change_breakpoint(unused, address) : ERR_RESOURCES;
}

int cortexm_clear_breakpoint(uint32_t address)
{
    uint32_t *entry = find_breakpoint(address | 1);

    return entry ? change_breakpoint(entry, 0) : OK;
}

/* One that fails leaves none of the others armed. */
int cortexm_clear_watchpoint(enum watch type, uint32_t address, uint32_t length)
{
    int error = OK;

    for (struct watchpoint *watch = core.watchpoints; watch < watchpoints_end(); watch++) {
        if (watch->type != type || watch->start != address || watch->length != length)
            continue;
        watch->type = 0;
        arm_watchpoint(watch);
        int this_error = take_error();
        error = error ? error : this_error;
    }
    return error;
}

/* The largest naturally aligned power of two at the head of an area. */
static int piece_log2(uint32_t address, uint32_t length, int limit)
{
    int aligned = __builtin_ctz(address | 1u << limit), fits = 31 - __builtin_clz(length);

    return aligned < fits ? aligned : fits;
}

static struct watchpoint *unused_watchpoint(void)
{
    for (struct watchpoint *watch = core.watchpoints; watch < watchpoints_end(); watch++)
        if (!watch->type)
            return watch;
    return NULL;
}

/* A comparator covers an aligned power of two; other areas take several. */
int cortexm_set_watchpoint(enum watch type, uint32_t address, uint32_t length)
{
    uint32_t at = address, left = length;
    struct watchpoint *watch;

    if (type < WATCH_WRITE || type > WATCH_ACCESS || length == 0 ||
        address + (length - 1) < address)
        return ERR_RANGE;
    while (left > 0 && (watch = unused_watchpoint()) && !core.failed) {
        watch->type = (uint8_t)type;
        watch->log2 = (uint8_t)piece_log2(at, left, core.v8m ? 2 : 15);
        watch->address = at;
        watch->start = address;
        watch->length = length;
        arm_watchpoint(watch);
        at += 1u << watch->log2;
        left -= 1u << watch->log2;
    }
    int error = take_error();
    if (!error && left)
        error = ERR_RESOURCES;
    if (error)
        cortexm_clear_watchpoint(type, address, length);
    return error;
}

uint32_t cortexm_vector_catch(void)
{
    return core.vector_catch;
}

int cortexm_set_vector_catch(uint32_t bits)
{
    core.vector_catch = bits & VC_ALL;
    arm_vector_catch();
    return take_error();
}

/* --- attach, detach ----------------------------------------------------------- */

static const struct core_type *core_type(uint32_t cpuid)
{
    const struct core_type *type = core_types;

    while (type->part && (type->part & PARTNO) != (cpuid >> 4 & PARTNO))
        type++;
    return type;
}

const char *cortexm_name(uint32_t cpuid)
{
    return core_type(cpuid)->name;
}

static int no_more_than(uint32_t count, int limit)
{
    return count < (uint32_t)limit ? (int)count : limit;
}

/* Cores of Armv8-M have part numbers D..; in ARCHITECTURE, C means Armv6-M and the like. */
static void read_what_it_is(uint32_t cpuid)
{
    uint32_t fp_ctrl = read_optional(FP_CTRL);

    core.info.cpuid = cpuid;
    core.info.v7m = (cpuid >> 16 & 0xF) == 0xF;
    core.info.fpu = core.info.v7m && read_optional(MVFR0) != 0;
    core.v8m = (cpuid >> 12 & 0xF) == 0xD;
    core.has_cache = core_type(cpuid)->part & CACHE;
    adi_look_into_cache(core.has_cache);
    core.fpb_v2 = fp_ctrl >> 28 == 1;
    core.info.breakpoints =
        no_more_than((fp_ctrl >> 4 & 0xF) | (fp_ctrl >> 8 & 0x70), FPB_MAX);
    core.info.watchpoints = no_more_than(read_optional(DWT_CTRL) >> 28, DWT_MAX);
}

int cortexm_attach(void)
{
    __builtin_memset(&core, 0, sizeof core);
    core.vector_catch = VC_HARDERR;
    core.asked = STOP_REQUEST;
    uint32_t cpuid = read_word(CPUID);
    control(C_HALT);
    wake_dwt();
    if (core.failed)
        return take_error();
    read_what_it_is(cpuid);
    for (int i = 0; i < core.info.watchpoints; i++) {
        core.watchpoints[i].comparator = (uint16_t)(DWT_COMP0 + DWT_NEXT * i);
        arm_watchpoint(&core.watchpoints[i]);
    }
    release_dwt();
    rearm();
    core.was_reset = false;
    return take_error();
}

const struct cortexm_info *cortexm_core(void)
{
    return &core.info;
}

/* When C_DEBUGEN goes, nothing may be left that stops the core: it would take a HardFault. */
void cortexm_detach(enum leave how)
{
    look();                             /* a reset now would set it all again */
    core.asked = STOP_RUNNING;
    core.vector_catch = 0;
    for (struct watchpoint *watch = core.watchpoints; watch < watchpoints_end(); watch++)
        if (watch->type) {
            watch->type = 0;
            arm_watchpoint(watch);
        }
    __builtin_memset(core.breakpoints, 0, sizeof core.breakpoints);
    rearm();
    write_word(FP_CTRL, 2);                  /* KEY without ENABLE */
    take_error();                           /* whatever failed: it shall run */
    release_dwt();
    core.asked = STOP_REQUEST;
    if (how != LEAVE_HALTED)
        cortexm_resume();
    if (how == LEAVE_ALONE)
        write_word(DHCSR, (uint32_t)DBGKEY);
    take_error();
}

/* --- run and step ------------------------------------------------------------- */

/* Not 0xAB, though: a call of semihosting still has to be answered. */
static bool is_bkpt(uint32_t instruction)
{
    return (instruction & 0xFF00) == 0xBE00 && instruction != 0xBEAB;
}

/* True when the core stood on a BKPT of the program and was moved behind it. */
static bool skipped_bkpt(void)
{
    uint16_t instruction;

    if (!core.on_bkpt)
        return false;
    core.on_bkpt = false;
    uint32_t pc = read_core(REG_PC);
    if (take_error() || pc != core.bkpt_pc || adi_read16(pc, &instruction) ||
        !is_bkpt(instruction))
        return false;                   /* moved, or GDB has taken its own away */
    write_core(REG_PC, pc + 2);
    return take_error() == OK;
}

/* Writes back and forgets each line; M7: four ways of 32 bytes (DDI 0489 4.3, B2.2.7). */
static void empty_data_cache(void)
{
    uint32_t selected = read_word(CSSELR);

    write_word(CSSELR, 0);              /* data, level 1 */
    uint32_t last = read_word(CCSIDR) >> 13 & 0x7FFF;
    write_word(CSSELR, selected);
    for (uint32_t set = 0; set <= last; set++)
        for (uint32_t way = 0; way < 4; way++)
            write_word(DCCISW, way << 30 | set << 5);
}

void cortexm_memory_changed(void)
{
    core.changed = true;
}

/* What was written may be in the data cache only, and instructions come from memory. */
static void prepare_to_run(void)
{
    if (!core.has_cache)
        return;
    if (core.changed && read_word(CCR) & CCR_DC)
        empty_data_cache();
    core.changed = false;
    write_word(ICIALLU, 0);
}

void cortexm_data_cache(bool on)
{
    if (!core.has_cache)
        return;
    if (!on)
        core.ccr = read_word(CCR);
    if (on && core.ccr & CCR_DC)
        empty_data_cache();
    if (core.ccr & CCR_DC)
        write_word(CCR, on ? core.ccr : core.ccr & ~(uint32_t)CCR_DC);
    take_error();
}

/* One that may run already does so, or has stopped: cortexm_poll() says why.  C_MASKINTS is
 * taken off before the core runs. */
int cortexm_resume(void)
{
    uint32_t dhcsr = look();

    if (core.asked == STOP_RUNNING)
        return take_error();
    if (dhcsr & S_HALT) {
        skipped_bkpt();
        prepare_to_run();
        if (core.mask)
            control(C_HALT);
    }
    core.asked = STOP_RUNNING;
    arm_vector_catch();
    control(0);
    return take_error();
}

/* WFI and a stuck bus can keep an instruction from ending, and a handler may never do: then the
 * halt ends it. */
static void run_until_halted(uint32_t bits)
{
    uint32_t mask = bits & C_MASKINTS;

    if (core.mask != mask)
        control(C_HALT | mask);
    control(bits);
    wait_halted(STEP_LIMIT_MS);
    if (core.failed == ERR_TIMEOUT) {
        core.failed = OK;
        control(C_HALT | mask);
        wait_halted(STEP_LIMIT_MS);
    }
}

/* Handlers run up to a breakpoint where we stand, for STEP_LIMIT_MS.  Where none can be had (all
 * in use, or RAM with FPB revision 1), and where they come by here themselves, they are stepped
 * through.  True when they are back; otherwise cortexm_poll() tells what stopped them.
 *
 * On STM32F1 a breakpoint in the upper half of a word that has one in its lower half, too, does
 * not stop a core that stands there (OpenOCD's cortex_m.c). */
static bool serve_interrupts(void)
{
    uint32_t from[2], now[2];
    int steps = SERVE_STEPS;

    transfer_row(REG_PC, from, 2);
    if (core.failed)
        return false;
    bool taken = find_breakpoint(from[0] | 1) || find_breakpoint((from[0] & ~2u) | 1);
    bool armed = !taken && cortexm_set_breakpoint(from[0]) == OK;
    for (;; armed = false) {
        run_until_halted(armed ? 0 : C_STEP);
        transfer_row(REG_PC, now, 2);
        bool inside = (now[1] ^ from[1]) & XPSR_EXCEPTION, back = now[0] == from[0];
        if (armed)
            core.failed = cortexm_clear_breakpoint(from[0]);
        if (read_word(DFSR) > DFSR_HALTED) {
            if (!armed || !back)
                return false;
            clear_dfsr();
        }
        if (core.failed || !inside || steps-- == 0)
            return back && !inside;
    }
}

/* False if that has stopped, or was, the step. */
static bool ready_to_step(void)
{
    if (cortexm_step_interrupts != STEP_BETWEEN || clock_ms() - core.looked_ms < LOOK_MS)
        return true;
    core.looked_ms = clock_ms();
    return !(read_word(ICSR) & ICSR_PENDING) || serve_interrupts();
}

static void step_once(void)
{
    run_until_halted(cortexm_step_interrupts == STEP_INTO ? C_STEP : C_STEP | C_MASKINTS);
}

int cortexm_step(void)
{
    uint32_t dhcsr = look();

    if (!(dhcsr & S_HALT) || core.asked == STOP_RUNNING)
        return cortexm_halt();          /* somebody let it run: where is it? */
    core.asked = STOP_STEP;
    if (core.failed || skipped_bkpt())
        return take_error();
    prepare_to_run();
    if (ready_to_step())
        step_once();
    return take_error();
}

/* --- why has it stopped ------------------------------------------------------- */

/* MATCHED is cleared by reading (C1.8.17), so all are read. */
static enum stop_reason which_watchpoint(uint32_t *address)
{
    enum stop_reason reason = STOP_REQUEST;

    for (struct watchpoint *watch = core.watchpoints; watch < watchpoints_end(); watch++)
        if (watch->type && read_optional(watch->comparator + DWT_FUNCTION) & DWT_MATCHED) {
            reason = STOP_WATCH_WRITE + (watch->type - WATCH_WRITE);    /* in that order */
            *address = watch->start;
        }
    return reason;
}

static enum stop_reason which_breakpoint(uint32_t pc)
{
    if (take_error())
        return STOP_SW_BREAKPOINT;
    if (find_breakpoint(pc | 1))
        return STOP_HW_BREAKPOINT;
    core.on_bkpt = true;
    core.bkpt_pc = pc;
    return STOP_SW_BREAKPOINT;
}

static void explain(struct stop *stop)
{
    bool was_reset = core.was_reset, ran = core.asked == STOP_RUNNING;
    uint32_t dfsr = read_word(DFSR);

    core.was_reset = false;
    if (ran)
        core.asked = STOP_STEP;         /* from now on it is to stand still */
    if (dfsr & ~(uint32_t)DFSR_HALTED)
        clear_dfsr();
    if (core.failed)
        return;
    if (dfsr & DFSR_VCATCH) {
        core.reset_untold = was_reset;
        stop->reason = was_reset ? STOP_RESET : STOP_FAULT;
    } else if (dfsr & DFSR_BKPT)
        stop->reason = which_breakpoint(stop->pc = read_core(REG_PC));
    else if (dfsr & DFSR_DWTTRAP)
        stop->reason = which_watchpoint(&stop->address);
    else
        stop->reason = core.asked == STOP_STEP ? STOP_STEP : STOP_REQUEST;
    if (was_reset)
        rearm();
    else if (ran)
        arm_vector_catch();
}

/* A core in lockup goes on fetching the same address for ever: halting it lets the user
 * look at what led there. */
static void halt_locked_up(struct stop *stop)
{
    core.failed = cortexm_halt_wait(STEP_LIMIT_MS);
    stop->reason = STOP_LOCKUP;
}

static void judge(struct stop *stop)
{
    uint32_t dhcsr = core.dhcsr & S_HALT && !core.was_reset ? core.dhcsr : look();

    core.dhcsr = 0;                     /* the next poll looks again */
    if (core.was_reset && !core.failed && !(dhcsr & S_HALT)) {
        core.was_reset = false;         /* somebody pressed the button */
        control(0);
        rearm();
    }
    if (core.failed)
        return;
    if (dhcsr & S_LOCKUP)
        halt_locked_up(stop);
    else if (dhcsr & S_HALT)
        explain(stop);
    else if (dhcsr & S_SLEEP)
        stop->reason = STOP_SLEEPING;
}

/* A bus that is busy or faults for a moment (a chip in reset) is not a lost target. */
int cortexm_poll(struct stop *stop)
{
    stop->reason = STOP_RUNNING;
    judge(stop);
    int error = take_error();
    if (error)
        stop->reason = adi_connected() ? STOP_RUNNING : STOP_LOST;
    return stop->reason == STOP_LOST ? error : OK;
}

/* What stops a core in front of an instruction, as BKPT, comparators and faults do, shows as
 * one that was not retired, or a PC that stayed. */
static bool only_stepped(void)
{
    uint32_t watched = 0;

    for (int i = 0; i < DWT_MAX; i++)
        watched |= core.watchpoints[i].type;
    return !watched && !core.was_reset && core.dhcsr & S_HALT && core.dhcsr & S_RETIRE_ST;
}

/* DFSR is asked only where it may have something to say: it is far from the others. */
int cortexm_step_range(uint32_t start, uint32_t size, struct stop *stop)
{
    uint32_t deadline = clock_in_ms(RANGE_MS), before, pc = size ? read_core(REG_PC) : 0;
    bool ready = !size || ready_to_step();

    while (!core.failed && pc - start < size) {
        if (!ready || clock_passed(deadline)) {
            stop->reason = STOP_RUNNING;
            break;
        }
        before = pc;
        step_once();
        pc = read_core(REG_PC);
        if (!core.failed && (pc == before || !only_stepped()))
            cortexm_poll(stop);
        if (stop->reason != STOP_STEP)
            break;
    }
    return take_error();
}

/* --- reset -------------------------------------------------------------------- */

int cortexm_before_reset(bool halt)
{
    core.on_bkpt = false;
    core.asked = halt ? STOP_REQUEST : STOP_RUNNING;
    control(C_HALT);
    arm_vector_catch();
    clear_dfsr();
    read_dhcsr();                           /* an old S_RESET_ST is read away */
    core.was_reset = core.reset_untold = false;
    return take_error();
}

int cortexm_after_reset(bool halt)
{
    wait_reset();
    control(halt ? C_HALT : 0);
    if (halt) {
        wait_halted(STEP_LIMIT_MS);
        clear_dfsr();
    }
    rearm();
    core.was_reset = false;
    return take_error();
}

int cortexm_reset(bool halt)
{
    int error = cortexm_before_reset(halt);

    if (error)
        return error;
    adi_write32(PPB | AIRCR, AIRCR_SYSRESETREQ);      /* its answer may be cut off */
    return cortexm_after_reset(halt);
}

bool cortexm_was_reset(void)
{
    bool untold = core.reset_untold;

    core.reset_untold = false;
    return untold;
}

int cortexm_catch_reset(void)
{
    write_word(DHCSR, (uint32_t)DBGKEY | C_DEBUGEN);
    change_demcr(0, VC_CORERESET);
    return take_error();
}
