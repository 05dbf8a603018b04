/* comparators.c - FPB and DWT: addresses that stop a core, and its cycle counter.
 *
 *   called by  coredebug.c, cpu.c (data accesses)      calls  coredebug_enter(), dwt_trace.c
 *
 * FPB version 1 (BPU on Armv6-M): a comparator holds a word address below 0x20000000 and
 * says which halfwords of it are breakpoints.  Version 2 (a Cortex-M7's) holds the address of
 * a halfword, anywhere.  The core stops before the instruction, and stops there again when it
 * is resumed with the comparator still set: stepping over a breakpoint is the debugger's work.
 *
 *   FP_COMP  version 1   REPLACE[31:30]  COMP[28:2]  ENABLE[0]
 *                        01 lower halfword  10 upper  11 both;  00 remap on v7-M, nothing on v6-M
 *            version 2   BPADDR[31:1]  BE[0];  with BE = 0: FE[31], which is 0 without remapping
 *
 * DWT: a comparator with FUNCTION 4 watches the PC, 5 reads, 6 writes, 7 both; MASK low
 * bits do not count.  An access matches when any byte of it is watched.  The core stops
 * after the access, before the next instruction; MATCHED stays until it is read.  What other
 * functions tell of an access is in dwt_trace.c.
 *
 * Not modelled, and reported: flash patch (remap), literal comparators, matching of data
 * values or cycles, linked comparators, triggers for an ETM.
 *
 * Sources: Armv7-M ARM C1.8 (DWT), C1.11 (FPB); Armv6-M ARM C1.8 (DWT), C1.9 (BPU). */
#include "trace.h"

enum { DWT_BASE = 0xE0001000, FPB_BASE = 0xE0002000, BLOCK = 0x1000 };

enum { FP_CTRL = 0, FP_REMAP = 4, FP_COMP0 = 8 };
enum { FP_ENABLE = 1, FP_KEY = 2, COMP_ENABLE = 1 };
enum { LOWER = 1, UPPER = 2 };
#define COMP_ADDRESS 0x1FFFFFFCu
#define COMP_BITS_V7M 0xDFFFFFFDu
#define FLASH_PATCH  0x80000000u
#define VERSION_2    0x10000000u

enum { DWT_CTRL = 0x00, DWT_CYCCNT = 0x04, DWT_CPICNT = 0x08, DWT_FOLDCNT = 0x18,
       DWT_PCSR = 0x1C, DWT_COMP0 = 0x20 };
enum { CYCCNTENA = 1 };
enum { FUNCTION = 15, EMITRANGE = 1 << 5, CYCMATCH = 1 << 7, DATAVMATCH = 1 << 8, MATCHED = 1 << 24 };
enum { ON_PC = 4, ON_READ = 5, ON_WRITE = 6, ON_BOTH = 7, ETM_FIRST = 8, ETM_LAST = 11 };

/* --- FPB ------------------------------------------------------------------------- */

static bool is_version_2(const struct coredebug *debug)
{
    return debug->config.fpb_version == 2;
}

static bool stops_at(const struct coredebug *debug, uint32_t comp, uint32_t pc)
{
    if (is_version_2(debug))
        return comp == (pc | COMP_ENABLE);
    unsigned half = pc & 2 ? UPPER : LOWER;
    return comp & COMP_ENABLE && pc < 0x20000000 && (comp & COMP_ADDRESS) == (pc & ~3u) &&
           comp >> 30 & half;
}

bool comparators_break_at(struct coredebug *debug, uint32_t pc)
{
    for (int i = 0; i < debug->config.breakpoints; i++) {
        if (!stops_at(debug, debug->fp_comp[i], pc))
            continue;
        if (debug->dhcsr & C_DEBUGEN)
            return true;
        sim_report_debugger(debug->cpu->sim, SIM_RULE, "%s: a breakpoint comparator was left "
                            "set at 0x%08X, and no debugger: the core would take HardFault",
                            debug->cpu->config.name, pc);
    }
    return false;
}

static void arm_breakpoints(struct coredebug *debug)
{
    debug->breakpoints_armed = false;
    if (debug->fp_ctrl & FP_ENABLE)
        for (int i = 0; i < debug->config.breakpoints; i++)
            debug->breakpoints_armed |= debug->fp_comp[i] & COMP_ENABLE;
    coredebug_update_hooks(debug);
}

static void write_fp_comp(struct coredebug *debug, int n, uint32_t value)
{
    if (n >= debug->config.breakpoints + debug->config.literals)
        return;
    uint32_t version_2 = value & COMP_ENABLE ? value : value & ~FLASH_PATCH;
    debug->fp_comp[n] = is_version_2(debug) ? version_2 : value & COMP_BITS_V7M;
    bool remap = !coredebug_is_v6m(debug) && !is_version_2(debug) && !(value >> 30);
    if (value & COMP_ENABLE && (remap || n >= debug->config.breakpoints))
        sim_report(debug->cpu->sim, SIM_UNMODELLED, "%s: FPB comparator %d remaps 0x%08X",
                   debug->cpu->config.name, n, value & COMP_ADDRESS);
    arm_breakpoints(debug);
}

static uint32_t read_fpb(void *ctx, uint32_t offset, int width)
{
    struct coredebug *debug = ctx;
    unsigned code = (unsigned)debug->config.breakpoints;
    unsigned literals = (unsigned)debug->config.literals;
    unsigned n = (offset - FP_COMP0) / 4;
    (void)width;
    if (offset == FP_CTRL)
        return debug->fp_ctrl | (code & 15) << 4 | literals << 8 | (code >> 4) << 12 |
               (is_version_2(debug) ? VERSION_2 : 0);
    if (offset == FP_REMAP)                     /* RMPSPT */
        return coredebug_is_v6m(debug) || is_version_2(debug) ? 0 : debug->fp_remap | 1u << 29;
    if (offset >= FP_COMP0 && n < code + literals)
        return debug->fp_comp[n];
    return coresight_id(offset, coredebug_is_v6m(debug) ? 0x0B : is_version_2(debug) ? 0x0E : 0x03,
                        0);
}

static void write_fpb(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct coredebug *debug = ctx;
    (void)width;
    if (offset == FP_CTRL && value & FP_KEY) {
        debug->fp_ctrl = value & FP_ENABLE;
        arm_breakpoints(debug);
    } else if (offset == FP_REMAP) {
        debug->fp_remap = value & 0x1FFFFFE0;
    } else if (offset >= FP_COMP0 && offset < FP_COMP0 + 4 * MAX_COMPARATORS) {
        write_fp_comp(debug, (int)(offset - FP_COMP0) / 4, value);
    }
}

/* --- DWT comparators ------------------------------------------------------------- */

static unsigned function_of(const struct dwt_comparator *dwt) { return dwt->function & FUNCTION; }

static bool matches(const struct dwt_comparator *dwt, uint32_t address, int width)
{
    uint32_t mask = (1u << (dwt->mask & 31)) - 1, first = dwt->comp & ~mask;
    return address + (uint32_t)width > first && address <= (first | mask);
}

static void hit(struct coredebug *debug, struct dwt_comparator *dwt)
{
    dwt->function |= MATCHED;
    if (debug->dhcsr & C_DEBUGEN)
        debug->pending |= DFSR_DWTTRAP;
}

void comparators_executed(struct coredebug *debug, uint32_t pc)
{
    for (int i = 0; i < debug->config.watchpoints; i++)
        if (function_of(&debug->dwt[i]) == ON_PC && matches(&debug->dwt[i], pc, 2))
            hit(debug, &debug->dwt[i]);
}

static bool traces(const struct coredebug *debug, unsigned function)
{
    return debug->dwt_trace && dwt_trace_has(function);
}

void comparators_data(void *ctx, uint32_t address, int width, bool write, uint32_t value)
{
    struct coredebug *debug = ctx;
    if (dwt_trace_counts(debug->dwt_trace))
        dwt_trace_access(debug->dwt_trace);
    if (!debug->data_armed)
        return;
    for (int i = 0; i < debug->config.watchpoints; i++) {
        struct dwt_comparator *dwt = &debug->dwt[i];
        unsigned function = function_of(dwt);
        if (traces(debug, function) && matches(dwt, address, width)) {
            dwt->function |= MATCHED;
            dwt_trace_match(debug->dwt_trace, i, address, width, write, value);
        }
        if ((function == ON_BOTH || function == (write ? ON_WRITE : ON_READ)) &&
            matches(dwt, address, width))
            hit(debug, dwt);
    }
}

static void arm_dwt(struct coredebug *debug)
{
    bool on = debug->demcr & TRCENA;
    debug->data_armed = debug->pc_armed = false;
    for (int i = 0; on && i < debug->config.watchpoints; i++) {
        unsigned function = function_of(&debug->dwt[i]);
        debug->pc_armed |= function == ON_PC;
        debug->data_armed |= (function >= ON_READ && function <= ON_BOTH) ||
                             traces(debug, function);
    }
    coredebug_update_hooks(debug);
}

static uint32_t read_comparator(struct coredebug *debug, uint32_t offset)
{
    struct dwt_comparator *dwt = &debug->dwt[(offset - DWT_COMP0) / 16];
    switch (offset & 15) {
    case 0:  return dwt->comp;
    case 4:  return dwt->mask;
    case 8: {
        uint32_t value = dwt->function;
        dwt->function &= ~(uint32_t)MATCHED;
        return value;
    }
    default: return 0;
    }
}

static bool is_strange(const struct coredebug *debug, unsigned function)
{
    return (function >= ETM_FIRST && function <= ETM_LAST) ||
           (!debug->dwt_trace && dwt_trace_has(function));
}

static void write_comparator(struct coredebug *debug, uint32_t offset, uint32_t value)
{
    struct dwt_comparator *dwt = &debug->dwt[(offset - DWT_COMP0) / 16];
    switch (offset & 15) {
    case 0: dwt->comp = value; break;
    case 4: dwt->mask = value & 31; break;
    case 8:
        dwt->function = value & (FUNCTION | EMITRANGE);
        if (value & (CYCMATCH | DATAVMATCH) || is_strange(debug, value & FUNCTION))
            sim_report(debug->cpu->sim, SIM_UNMODELLED, "%s: DWT_FUNCTION 0x%X",
                       debug->cpu->config.name, value);
        break;
    }
    arm_dwt(debug);
}

/* --- the cycle counter ----------------------------------------------------------- */

uint32_t comparators_cyccnt(const struct coredebug *debug)
{
    uint64_t since = debug->counting ? debug->cpu->cycles - debug->cyccnt_from : 0;
    return debug->cyccnt + (uint32_t)since;
}

static uint32_t control(const struct coredebug *debug)
{
    return debug->dwt_trace ? dwt_trace_control(debug->dwt_trace) : 0;
}

static void set_cyccnt(struct coredebug *debug, uint32_t value)
{
    debug->cyccnt = value;
    debug->cyccnt_from = debug->cpu->cycles;
}

/* It stands still in Debug state (C1.8.2), and while TRCENA or CYCCNTENA is 0. */
void comparators_count_cycles(struct coredebug *debug)
{
    set_cyccnt(debug, comparators_cyccnt(debug));
    debug->counting = debug->demcr & TRCENA && control(debug) & CYCCNTENA &&
                      !debug->cpu->halted;
    if (debug->dwt_trace)
        dwt_trace_update(debug->dwt_trace);
    bool on = debug->demcr & TRCENA;
    if (on != (debug->data_armed || debug->pc_armed))
        arm_dwt(debug);
}

/* --- DWT registers --------------------------------------------------------------- */

static bool is_comparator(const struct coredebug *debug, uint32_t offset)
{
    return offset >= DWT_COMP0 &&
           offset < DWT_COMP0 + 16 * (uint32_t)debug->config.watchpoints;
}

static bool is_counter(const struct coredebug *debug, uint32_t offset)
{
    return debug->dwt_trace && offset >= DWT_CPICNT && offset <= DWT_FOLDCNT;
}

static bool without_trcena(struct coredebug *debug, uint32_t offset)
{
    if (debug->demcr & TRCENA)
        return false;
    sim_report(debug->cpu->sim, SIM_NOTE, "%s: DWT+0x%X used while DEMCR.TRCENA is 0",
               debug->cpu->config.name, offset);
    return true;
}

static uint32_t read_dwt(void *ctx, uint32_t offset, int width)
{
    struct coredebug *debug = ctx;
    bool v6m = coredebug_is_v6m(debug);
    (void)width;
    if (offset >= 0xFD0)
        return coresight_id(offset, v6m ? 0x0A : 0x02,
                            v6m || cpu_part(debug->cpu) == CPU_M7 ? 0 : 1);
    if (without_trcena(debug, offset))
        return 0;
    if (offset == DWT_CTRL)
        return (uint32_t)debug->config.watchpoints << 28 | control(debug);
    if (offset == DWT_CYCCNT && !v6m)
        return comparators_cyccnt(debug);
    if (is_counter(debug, offset))
        return dwt_trace_counter(debug->dwt_trace, (int)(offset - DWT_CPICNT) / 4);
    if (offset == DWT_PCSR)
        return debug->cpu->halted ? UINT32_MAX : debug->cpu->r[15];
    return is_comparator(debug, offset) ? read_comparator(debug, offset) : 0;
}

static void write_dwt(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct coredebug *debug = ctx;
    (void)width;
    if (without_trcena(debug, offset))
        return;
    if (offset == DWT_CTRL && debug->dwt_trace) {
        dwt_trace_write_control(debug->dwt_trace, value);
        comparators_count_cycles(debug);
        coredebug_update_hooks(debug);
    } else if (offset == DWT_CYCCNT) {
        set_cyccnt(debug, value);
        comparators_count_cycles(debug);
    } else if (is_counter(debug, offset)) {
        dwt_trace_write_counter(debug->dwt_trace, (int)(offset - DWT_CPICNT) / 4, value);
    } else if (is_comparator(debug, offset)) {
        write_comparator(debug, offset, value);
    }
}

/* --- building -------------------------------------------------------------------- */

void comparators_reset(struct coredebug *debug)
{
    debug->fp_ctrl = debug->fp_remap = debug->cyccnt = 0;
    debug->counting = false;
    for (int i = 0; i < MAX_COMPARATORS; i++) {
        debug->fp_comp[i] = 0;
        debug->dwt[i] = (struct dwt_comparator){ 0 };
    }
    arm_breakpoints(debug);
    arm_dwt(debug);
    comparators_count_cycles(debug);
}

void comparators_new(struct coredebug *debug)
{
    bus_add(debug->cpu->bus, &(struct bus_region){
        .base = DWT_BASE, .size = BLOCK, .name = "DWT", .read = read_dwt,
        .write = write_dwt, .ctx = debug });
    bus_add(debug->cpu->bus, &(struct bus_region){
        .base = FPB_BASE, .size = BLOCK, .name = "FPB", .read = read_fpb,
        .write = write_fpb, .ctx = debug });
}
