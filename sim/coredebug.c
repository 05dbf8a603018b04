/* coredebug.c - how a debugger holds a core: halt, step, registers, vector catch.
 *
 *   called by  memap.c through the bus; cpu.c through its hooks; the chip's resets
 *   calls      comparators.c, coresight.c; the core's accessors
 *
 *   Running --C_HALT, BKPT, FPB, DWT, vector catch--> Debug state (cpu->halted)
 *   Debug state --C_HALT written 0--> Running; with C_STEP back after one instruction
 *
 * DHCSR obeys a debugger only (and only with the key in its upper half); the core's own
 * writes of it are ignored, on v6-M it does not even see it.  A core without a debugger
 * pays nothing: hooks are installed only while something could stop it.
 *
 * A step is one instruction or one exception entry: the hook before an instruction lets
 * the first one through and stops at the second; an exception entry stops at the handler.
 * WFI and WFE do not sleep in a step (a halt request wakes them, B1.5.19).
 *
 * Reported as broken rules, since the manual calls them UNPREDICTABLE: C_MASKINTS or
 * C_STEP changed while running, C_MASKINTS changed in the write that clears C_HALT, and
 * DCRSR written while the core runs.
 *
 * Not modelled: the DebugMonitor's own events (MON_STEP, MON_PEND, comparators without
 * C_DEBUGEN), external halt requests (EDBGRQ), C_SNAPSTALL.
 *
 * Sources: Armv7-M ARM (DDI 0403E) C1.5, C1.6; Armv6-M ARM (DDI 0419) C1.5, C1.6;
 * Cortex-M3 TRM r1p1 10 ("C_HALT always clears on a system reset"). */
#include "trace.h"
#include "fp.h"
#include <stdlib.h>

enum { DFSR_BASE = 0xE000ED30, DCB_BASE = 0xE000EDF0 };
enum { DHCSR = 0, DCRSR = 4, DCRDR = 8, DEMCR = 12 };
enum { DBGKEY = 0xA05F, REGWNR = 1 << 16 };
enum { CFSR_ADDRESS = 0xE000ED28, HFSR_ADDRESS = 0xE000ED2C };

bool coredebug_is_v6m(const struct coredebug *debug)
{
    return debug->cpu->config.arch == CPU_ARMV6M;
}

static bool enabled(const struct coredebug *debug) { return debug->dhcsr & C_DEBUGEN; }

bool coredebug_halting(const struct coredebug *debug) { return enabled(debug); }

/* --- in and out of Debug state --------------------------------------------------- */

void coredebug_enter(struct coredebug *debug, uint32_t dfsr)
{
    struct cpu *cpu = debug->cpu;
    debug->dfsr |= dfsr;
    debug->dhcsr |= C_HALT;
    debug->step = NOT_STEPPING;
    debug->pending = 0;
    cpu->halted = true;
    cpu->asleep = cpu->lockup = false;
    comparators_count_cycles(debug);
    coredebug_update_hooks(debug);
}

static void leave(struct coredebug *debug)
{
    debug->cpu->halted = false;
    debug->step = debug->dhcsr & C_STEP ? STEP_ARMED : NOT_STEPPING;
    comparators_count_cycles(debug);
    coredebug_update_hooks(debug);
}

/* A stepped WFI has put the core to sleep: the step is over. */
static void look_after_step(struct coredebug *debug)
{
    if (debug->step == STEP_DONE && (debug->cpu->asleep || debug->cpu->lockup))
        coredebug_enter(debug, DFSR_HALTED);
}

/* --- hooks ----------------------------------------------------------------------- */

static bool before_instruction(void *ctx, uint32_t pc)
{
    struct coredebug *debug = ctx;
    if (debug->step == STEP_DONE)
        debug->pending |= DFSR_HALTED;
    if (debug->pending) {
        coredebug_enter(debug, debug->pending);
        return true;
    }
    if (debug->breakpoints_armed && comparators_break_at(debug, pc)) {
        coredebug_enter(debug, DFSR_BKPT);
        return true;
    }
    if (debug->pc_armed)
        comparators_executed(debug, pc);
    if (dwt_trace_counts(debug->dwt_trace))
        dwt_trace_instruction(debug->dwt_trace);
    if (debug->step == STEP_ARMED)
        debug->step = STEP_DONE;
    return false;
}

static bool breakpoint(void *ctx, uint8_t number)
{
    (void)number;
    coredebug_enter(ctx, DFSR_BKPT);
    return true;
}

/* SCB registers, without disturbing the access that may be under way. */
static uint32_t peek(struct coredebug *debug, uint32_t address)
{
    struct bus *bus = debug->cpu->bus;
    enum bus_master master = bus->master;
    bool fault = bus->fault;
    uint32_t value = 0;
    bus_read(bus, BUS_DEBUG, address, 4, &value);
    bus->master = master;
    bus->fault = fault;
    return value;
}

/* Which DEMCR bits catch this exception (C1.5.4, table C1-8).  CFSR says why. */
static uint32_t catchers(struct coredebug *debug, int exception)
{
    static const struct { int exception; uint32_t cfsr, vc; } rows[] = {
        { EXC_USAGEFAULT, 0x00070000, VC_STATERR },     /* INVPC INVSTATE UNDEFINSTR */
        { EXC_USAGEFAULT, 0x00080000, VC_NOCPERR },     /* NOCP */
        { EXC_USAGEFAULT, 0x03000000, VC_CHKERR },      /* DIVBYZERO UNALIGNED */
        { EXC_BUSFAULT,   0x00001800, VC_INTERR },      /* STKERR UNSTKERR */
        { EXC_MEMMANAGE,  0x00000018, VC_INTERR },      /* MSTKERR MUNSTKERR */
    };
    uint32_t bits = exception == EXC_HARDFAULT ? VC_HARDERR :
                    exception == EXC_MEMMANAGE ? VC_MMERR :
                    exception == EXC_BUSFAULT ? VC_BUSERR : 0;
    if (coredebug_is_v6m(debug))
        return bits;
    uint32_t cfsr = peek(debug, CFSR_ADDRESS);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].exception == exception && cfsr & rows[i].cfsr)
            bits |= rows[i].vc;
    if (exception == EXC_HARDFAULT && peek(debug, HFSR_ADDRESS) & 2)
        bits |= VC_INTERR;                              /* VECTTBL */
    return bits;
}

static bool exception_entry(void *ctx, int number)
{
    struct coredebug *debug = ctx;
    uint32_t caught = number <= EXC_USAGEFAULT ? debug->demcr & catchers(debug, number) : 0;
    uint32_t dfsr = debug->pending | (caught ? DFSR_VCATCH : 0) |
                    (debug->step != NOT_STEPPING ? DFSR_HALTED : 0);
    if (!dfsr)
        return false;
    coredebug_enter(debug, dfsr);
    return true;
}

void coredebug_update_hooks(struct coredebug *debug)
{
    struct cpu_hooks *hooks = &debug->cpu->hooks;
    bool on = enabled(debug);
    bool counts = dwt_trace_counts(debug->dwt_trace);
    bool may_stop = counts || debug->breakpoints_armed || debug->pc_armed ||
                    (on && (debug->step != NOT_STEPPING || debug->data_armed));
    bool catches = debug->demcr & (VC_MMERR | VC_NOCPERR | VC_CHKERR | VC_STATERR |
                                   VC_BUSERR | VC_INTERR | VC_HARDERR);
    hooks->ctx = debug;
    hooks->before_instruction = may_stop ? before_instruction : NULL;
    hooks->data_access = debug->data_armed || counts ? comparators_data : NULL;
    hooks->breakpoint = on ? breakpoint : NULL;
    hooks->exception_entry =
        on && (catches || debug->step != NOT_STEPPING) ? exception_entry : NULL;
}

/* --- DHCSR ----------------------------------------------------------------------- */

static uint32_t read_dhcsr(struct coredebug *debug)
{
    struct cpu *cpu = debug->cpu;
    look_after_step(debug);
    uint32_t value = debug->dhcsr | S_REGRDY;
    if (cpu->held_in_reset)                     /* no state to speak of, and no C_HALT */
        value &= ~(uint32_t)C_HALT;
    else
        value |= (cpu->halted ? S_HALT : 0) | (cpu->asleep ? S_SLEEP : 0) |
                 (cpu->lockup ? S_LOCKUP : 0);
    if (cpu->instructions != debug->retired_seen)
        value |= S_RETIRE_ST;
    if (debug->reset_seen || cpu->held_in_reset)
        value |= S_RESET_ST;
    if (cpu->bus->master == BUS_DEBUG) {        /* the core's own reads clear nothing */
        debug->retired_seen = cpu->instructions;
        debug->reset_seen = false;
    }
    return value;
}

static void check_dhcsr_rules(struct coredebug *debug, uint32_t now)
{
    uint32_t before = debug->dhcsr, changed = before ^ now;
    if (!(before & C_DEBUGEN) || !(now & C_DEBUGEN))
        return;
    struct cpu *cpu = debug->cpu;
    bool halted = cpu->halted;
    if (changed & C_MASKINTS && !halted)
        sim_report(cpu->sim, SIM_RULE, "%s: DHCSR.C_MASKINTS changed while the core runs",
                   cpu->config.name);
    if (changed & C_MASKINTS && halted && !(now & C_HALT))
        sim_report(cpu->sim, SIM_RULE, "%s: DHCSR.C_MASKINTS changed by the write that "
                   "clears C_HALT", cpu->config.name);
    if (changed & C_STEP && !halted && !(now & C_HALT))
        sim_report(cpu->sim, SIM_RULE, "%s: DHCSR.C_STEP changed while the core runs",
                   cpu->config.name);
}

static void write_dhcsr(struct coredebug *debug, uint32_t value)
{
    struct cpu *cpu = debug->cpu;
    if (value >> 16 != DBGKEY)
        return;
    look_after_step(debug);
    uint32_t wanted = value & (C_DEBUGEN | C_HALT | C_STEP | C_MASKINTS | C_SNAPSTALL);
    if (!(wanted & C_DEBUGEN))
        wanted = 0;
    check_dhcsr_rules(debug, wanted);
    if (cpu->held_in_reset)
        wanted &= ~(uint32_t)C_HALT;            /* a system reset holds it at 0 */
    debug->dhcsr = wanted;
    cpu_mask_interrupts(cpu, wanted & C_MASKINTS);
    if (wanted & C_HALT && !cpu->halted)
        coredebug_enter(debug, DFSR_HALTED);
    else if (!(wanted & C_HALT) && cpu->halted)
        leave(debug);
    coredebug_update_hooks(debug);
}

/* --- register transfer, C1.6.3 --------------------------------------------------- */

enum { REGSEL_FPSCR = 0x21, REGSEL_S0 = 0x40 };

/* S0 to S31, as the program left them even while FPCCR.LSPACT says that some wait to be
 * saved.  NULL: no such register here. */
static uint32_t *fpu_register(struct cpu *cpu, unsigned number)
{
    return cpu->config.fpu && number - REGSEL_S0 < 32 ? &cpu->fpu.s[number - REGSEL_S0] : NULL;
}

static uint32_t read_register(struct cpu *cpu, unsigned number)
{
    const uint32_t *s = fpu_register(cpu, number);
    if (s)
        return *s;
    if (number < 16)
        return cpu->r[number];
    switch (number) {
    case 16: return cpu_xpsr(cpu);
    case 17: return cpu_msp(cpu);
    case 18: return cpu_psp(cpu);
    case 20: return cpu_special(cpu);
    case REGSEL_FPSCR: return cpu->config.fpu ? cpu->fpu.fpscr : 0;
    default: return 0;
    }
}

static void write_register(struct cpu *cpu, unsigned number, uint32_t value)
{
    uint32_t *s = fpu_register(cpu, number);
    if (s)
        *s = value;
    else if (number == REGSEL_FPSCR && cpu->config.fpu)
        cpu->fpu.fpscr = value & FPSCR_BITS;
    else if (number == 13)
        cpu->r[13] = value & ~3u;
    else if (number == 15)
        cpu->r[15] = value & ~1u;
    else if (number < 15)
        cpu->r[number] = value;
    else if (number == 16)
        cpu_set_xpsr(cpu, value);
    else if (number == 17)
        cpu_set_msp(cpu, value);
    else if (number == 18)
        cpu_set_psp(cpu, value);
    else if (number == 20)
        cpu_set_special(cpu, value);
}

static void write_dcrsr(struct coredebug *debug, uint32_t value)
{
    struct cpu *cpu = debug->cpu;
    if (!cpu->halted) {
        sim_report(cpu->sim, SIM_RULE, "%s: DCRSR written while the core runs",
                   cpu->config.name);
        return;
    }
    unsigned number = value & 0x7F;
    if (value & REGWNR)
        write_register(cpu, number, debug->dcrdr);
    else
        debug->dcrdr = read_register(cpu, number);
}

/* --- DEMCR, DFSR ----------------------------------------------------------------- */

static void write_demcr(struct coredebug *debug, uint32_t value)
{
    struct cpu *cpu = debug->cpu;
    debug->demcr = value & (coredebug_is_v6m(debug) ? 0x01000401 : 0x010F07F1);
    cpu->monitor_enabled = debug->demcr & MON_EN;
    if (debug->demcr & (MON_PEND | MON_STEP))
        sim_report(cpu->sim, SIM_UNMODELLED, "%s: DEMCR.MON_PEND or MON_STEP",
                   cpu->config.name);
    comparators_count_cycles(debug);
    coredebug_update_hooks(debug);
}

static uint32_t read_dfsr(void *ctx, uint32_t offset, int width)
{
    (void)offset, (void)width;
    struct coredebug *debug = ctx;
    look_after_step(debug);
    return debug->dfsr;
}

static void write_dfsr(void *ctx, uint32_t offset, uint32_t value, int width)
{
    (void)offset, (void)width;
    struct coredebug *debug = ctx;
    debug->dfsr &= ~value;
}

static bool hidden_from_core(const struct coredebug *debug)
{
    return coredebug_is_v6m(debug) && debug->cpu->bus->master != BUS_DEBUG;
}

static uint32_t read_dcb(void *ctx, uint32_t offset, int width)
{
    struct coredebug *debug = ctx;
    if (hidden_from_core(debug) || width != 4)
        return 0;
    switch (offset) {
    case DHCSR: return read_dhcsr(debug);
    case DCRDR: return debug->dcrdr;
    case DEMCR: return debug->demcr;
    default:    return 0;                       /* DCRSR is write-only */
    }
}

static void write_dcb(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct coredebug *debug = ctx;
    bool debugger = debug->cpu->bus->master == BUS_DEBUG;
    if (hidden_from_core(debug))
        return;
    if (width != 4) {
        sim_report(debug->cpu->sim, SIM_RULE, "%s: %d-bit write to a debug register",
                   debug->cpu->config.name, 8 * width);
        return;
    }
    if (offset == DHCSR && debugger)
        write_dhcsr(debug, value);
    else if (offset == DCRSR && debugger)
        write_dcrsr(debug, value);
    else if (offset == DCRDR)
        debug->dcrdr = value;
    else if (offset == DEMCR)
        write_demcr(debug, value);
}

/* --- resets, building ------------------------------------------------------------ */

void coredebug_power_reset(struct coredebug *debug)
{
    debug->dhcsr = debug->dcrdr = debug->demcr = debug->dfsr = debug->pending = 0;
    debug->step = NOT_STEPPING;
    debug->reset_seen = true;
    debug->cpu->halted = false;
    debug->cpu->monitor_enabled = false;
    cpu_mask_interrupts(debug->cpu, false);
    if (debug->tpiu) {
        itm_reset(debug->itm);
        tpiu_reset(debug->tpiu);
        dwt_trace_reset(debug->dwt_trace);
    }
    comparators_reset(debug);
    coredebug_update_hooks(debug);
}

void coredebug_core_reset(struct coredebug *debug)
{
    debug->dhcsr &= ~(uint32_t)C_HALT;
    debug->demcr &= ~(uint32_t)(MON_EN | MON_PEND | MON_STEP | MON_REQ);
    debug->cpu->monitor_enabled = false;
    debug->step = NOT_STEPPING;
    debug->pending = 0;
    debug->reset_seen = true;
    debug->cpu->halted = false;
    if (enabled(debug) && debug->demcr & VC_CORERESET)
        coredebug_enter(debug, DFSR_VCATCH);
    comparators_count_cycles(debug);
    coredebug_update_hooks(debug);
}

struct coredebug *coredebug_new(struct cpu *cpu, const struct coredebug_config *config)
{
    struct coredebug *debug = calloc(1, sizeof *debug);
    debug->cpu = cpu;
    debug->config = *config;
    if (!coredebug_is_v6m(debug)) {
        debug->dwt_trace = dwt_trace_new(debug);
        debug->itm = itm_new(debug);
        debug->tpiu = tpiu_new(debug);
    }
    bus_add(cpu->bus, &(struct bus_region){
        .base = DFSR_BASE, .size = 4, .name = "DFSR", .read = read_dfsr,
        .write = write_dfsr, .ctx = debug });
    bus_add(cpu->bus, &(struct bus_region){
        .base = DCB_BASE, .size = 16, .name = "DCB", .read = read_dcb,
        .write = write_dcb, .ctx = debug });
    comparators_new(debug);
    coresight_new(debug);
    cpu->debug = debug;
    coredebug_power_reset(debug);
    return debug;
}

void coredebug_free(struct coredebug *debug)
{
    if (!debug)
        return;
    debug->cpu->hooks = (struct cpu_hooks){ 0 };
    dwt_trace_free(debug->dwt_trace);
    itm_free(debug->itm);
    tpiu_free(debug->tpiu);
    free(debug);
}

void coredebug_trace_clock(struct coredebug *debug, sim_time cycle)
{
    debug->trace_clock = cycle;
    tpiu_clock_changed(debug->tpiu);
}

void coredebug_connect_swo(struct coredebug *debug, void (*drive)(void *ctx, int level),
                           void *ctx)
{
    tpiu_connect(debug->tpiu, drive, ctx);
}
