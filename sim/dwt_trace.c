/* dwt_trace.c - what the DWT tells of a running core: samples, exceptions, counts, data.
 *
 *   called by  comparators.c, coredebug.c, itm.c; the core through its hooks
 *   calls      itm.c
 *
 *   PC sample    17 pc    15 00 asleep    each time POSTCNT, which a change of bit 6 or 10 of
 *                                         CYCCNT counts down, was 0
 *   exception    0E n nn  bits 13:12 of nn n: 1 entered, 2 left, 3 returned to
 *   event        05 bits  counters that went from 255 to 0: CPI EXC SLEEP LSU FOLD; bit 5 POSTCNT
 *   data trace   of comparator c: 47 + 10 c  pc;  4E + 10 c  address[15:0];
 *                84 + 10 c read, 8C + 10 c written: the value, | size code
 *
 * Counters: CPI counts cycles of an instruction behind its first, LSU the same of loads and
 * stores, EXC entries and returns, SLEEP cycles asleep; FOLD stays 0, as nothing is folded
 * here.  They are worked out before each instruction, and only while one is on.
 *
 * Nothing here costs a core anything while DWT_CTRL's enables are 0.
 *
 * Not modelled, and reported by comparators.c: CYCMATCH, DATAVMATCH, triggers for an ETM.
 *
 * Sources: Armv7-M ARM (DDI 0403E) C1.8, D4.3 (packets); Cortex-M3 TRM r1p1 (DDI 0337E) 11.5
 * (DWT_FUNCTION's settings). */
#include "trace.h"
#include <stdlib.h>

enum { CYCCNTENA = 1, POSTPRESET = 1, POSTCNT = 5, CYCTAP = 1 << 9, SYNCTAP = 10,
       PCSAMPLENA = 1 << 12, EXCTRCENA = 1 << 16, FIRST_EVENT = 17, CYCEVTENA = 1 << 22,
       CTRL_BITS = 0x007F1FFF };
enum { CPI, EXC, SLEEP, LSU, FOLD, COUNTERS, CYC_EVENT = 1 << COUNTERS };
enum { PC_SAMPLE = 0x17, ASLEEP = 0x15, EXCEPTION = 0x0E, EVENT = 0x05 };
enum { PC_MATCH = 0x47, ADDRESS_MATCH = 0x4E, DATA_READ = 0x84, DATA_WRITTEN = 0x8C };
enum { FUNCTION = 15, EMITRANGE = 1 << 5 };
enum { LOOK_AT_SLEEP = 64 };            /* cycles */

struct dwt_trace {
    struct coredebug *debug;
    uint32_t ctrl;
    struct alarm due;
    uint64_t post_at, sync_at;          /* cpu->cycles; UINT64_MAX: never */

    uint8_t counter[COUNTERS];
    uint64_t cycles, instructions, slept, in_exceptions;    /* accounted for */
    bool accessed;
};

static struct cpu *cpu_of(const struct dwt_trace *trace) { return trace->debug->cpu; }
static uint32_t enabled(const struct dwt_trace *trace)
{
    return trace->debug->demcr & TRCENA ? trace->ctrl : 0;
}

static void emit(struct dwt_trace *trace, uint8_t header, uint32_t payload, int bytes)
{
    itm_hardware(trace->debug->itm, header, payload, bytes);
}

/* --- counters ----------------------------------------------------------------------- */

bool dwt_trace_counts(const struct dwt_trace *trace)
{
    return trace && enabled(trace) >> FIRST_EVENT & ((1 << COUNTERS) - 1);
}

static uint32_t count(struct dwt_trace *trace, int n, uint64_t cycles)
{
    if (!(enabled(trace) >> (FIRST_EVENT + n) & 1))
        return 0;
    uint64_t sum = trace->counter[n] + cycles;
    trace->counter[n] = (uint8_t)sum;
    return (sum > 0xFF) << n;
}

static void forget_past(struct dwt_trace *trace)
{
    const struct cpu *cpu = cpu_of(trace);
    trace->cycles = cpu->cycles;
    trace->instructions = cpu->instructions;
    trace->slept = cpu->slept;
    trace->in_exceptions = cpu->in_exceptions;
    trace->accessed = false;
}

/* Since the last time: cycles = instructions + CPI or LSU + EXC + SLEEP (C1.8.4). */
static void account(struct dwt_trace *trace)
{
    const struct cpu *cpu = cpu_of(trace);
    uint64_t slept = cpu->slept - trace->slept, exc = cpu->in_exceptions - trace->in_exceptions;
    uint64_t named = cpu->instructions - trace->instructions + slept + exc;
    uint64_t cycles = cpu->cycles - trace->cycles;
    uint64_t rest = cycles > named ? cycles - named : 0;
    uint32_t wrapped = count(trace, trace->accessed ? LSU : CPI, rest) |
                       count(trace, EXC, exc) | count(trace, SLEEP, slept);
    forget_past(trace);
    if (wrapped)
        emit(trace, EVENT, wrapped, 1);
}

void dwt_trace_instruction(struct dwt_trace *trace) { account(trace); }
void dwt_trace_access(struct dwt_trace *trace) { trace->accessed = true; }

uint32_t dwt_trace_counter(struct dwt_trace *trace, int n)
{
    if (dwt_trace_counts(trace) && !cpu_of(trace)->halted)
        account(trace);
    return trace->counter[n];
}

void dwt_trace_write_counter(struct dwt_trace *trace, int n, uint32_t value)
{
    trace->counter[n] = (uint8_t)value;
}

/* --- samples, in step with CYCCNT ----------------------------------------------------- */

static unsigned post_bit(const struct dwt_trace *trace) { return trace->ctrl & CYCTAP ? 10 : 6; }

/* Cycles until a bit of CYCCNT changes. */
static uint64_t until(uint32_t cyccnt, unsigned bit)
{
    return (1u << bit) - (cyccnt & ((1u << bit) - 1));
}

static void sample(struct dwt_trace *trace)
{
    const struct cpu *cpu = cpu_of(trace);
    if (!(trace->ctrl & PCSAMPLENA))
        emit(trace, EVENT, CYC_EVENT, 1);
    else if (cpu->asleep)
        emit(trace, ASLEEP, 0, 1);
    else
        emit(trace, PC_SAMPLE, cpu->r[15], 4);
}

static void count_down(struct dwt_trace *trace)
{
    uint32_t post = trace->ctrl >> POSTCNT & 15;
    if (!post)
        sample(trace);
    post = post ? post - 1 : trace->ctrl >> POSTPRESET & 15;
    trace->ctrl = (trace->ctrl & ~(15u << POSTCNT)) | post << POSTCNT;
}

static uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* The core may have run ahead of the alarm by part of an instruction, or have gone slower. */
static void set_alarm(struct dwt_trace *trace)
{
    struct cpu *cpu = cpu_of(trace);
    uint64_t at = earlier(trace->post_at, trace->sync_at);
    if (enabled(trace) >> (FIRST_EVENT + SLEEP) & 1 && trace->debug->counting)
        at = earlier(at, cpu->cycles + LOOK_AT_SLEEP);
    sim_time from = cpu->sim->running == cpu ? cpu->sim->now : cpu->local;
    if (at == UINT64_MAX)
        alarm_cancel(cpu->sim, &trace->due);
    else
        alarm_set(cpu->sim, &trace->due,
                  at > cpu->cycles ? from + (at - cpu->cycles) * cpu->cycle : from);
}

static void ring(void *ctx)
{
    struct dwt_trace *trace = ctx;
    uint64_t now = cpu_of(trace)->cycles;
    for (; trace->post_at <= now; trace->post_at += 1u << post_bit(trace))
        count_down(trace);
    for (; trace->sync_at <= now; trace->sync_at += 1u << (22 + 2 * (trace->ctrl >> SYNCTAP & 3)))
        itm_sync(trace->debug->itm);
    if (enabled(trace) >> (FIRST_EVENT + SLEEP) & 1 && cpu_of(trace)->asleep)
        account(trace);
    set_alarm(trace);
}

/* --- exceptions, data ----------------------------------------------------------------- */

static void exception(void *ctx, int number, enum exception_step step)
{
    struct coredebug *debug = ctx;
    emit(debug->dwt_trace, EXCEPTION, (uint32_t)number | (uint32_t)step << 12, 2);
}

/* FUNCTION 1 to 3 on both, 12 to 15 on one of reads and writes. */
bool dwt_trace_has(uint32_t function)
{
    unsigned how = function & FUNCTION;
    return (how >= 1 && how <= 3) || how >= 12;
}

static bool on_this_kind(unsigned how, bool write) { return how < 12 || (how & 1) == write; }
static bool tells_place(unsigned how, bool range)
{
    return how == 1 || how == 3 || how >= 14 || (range && (how == 2 || how >= 12));
}
static bool tells_data(unsigned how, bool range)
{
    return how == 2 || how == 3 || how >= 14 || (!range && how >= 12);
}

void dwt_trace_match(struct dwt_trace *trace, int n, uint32_t address, int width, bool write,
                     uint32_t value)
{
    uint32_t function = trace->debug->dwt[n].function;
    unsigned how = function & FUNCTION, shift = (unsigned)n << 4;
    bool range = function & EMITRANGE;
    if (!on_this_kind(how, write))
        return;
    if (tells_place(how, range) && range)
        emit(trace, (uint8_t)(ADDRESS_MATCH + shift), address, 2);
    else if (tells_place(how, range))
        emit(trace, (uint8_t)(PC_MATCH + shift), cpu_of(trace)->pc, 4);
    if (tells_data(how, range))
        emit(trace, (uint8_t)((write ? DATA_WRITTEN : DATA_READ) + shift +
                              (width == 4 ? 3u : (unsigned)width)), value, width);
}

/* --- DWT_CTRL ------------------------------------------------------------------------- */

uint32_t dwt_trace_control(const struct dwt_trace *trace) { return trace->ctrl; }

void dwt_trace_write_control(struct dwt_trace *trace, uint32_t value)
{
    uint32_t begins = value & ~trace->ctrl;
    if (dwt_trace_counts(trace))
        account(trace);
    for (int i = 0; i < COUNTERS; i++)
        if (begins >> (FIRST_EVENT + i) & 1)
            trace->counter[i] = 0;
    trace->ctrl = value & CTRL_BITS;
}

void dwt_trace_update(struct dwt_trace *trace)
{
    struct coredebug *debug = trace->debug;
    struct cpu *cpu = cpu_of(trace);
    bool runs = debug->counting && itm_takes_hardware(debug->itm);
    uint32_t cyccnt = comparators_cyccnt(debug), tap = trace->ctrl >> SYNCTAP & 3;
    bool samples = runs && trace->ctrl & (PCSAMPLENA | CYCEVTENA);
    bool syncs = debug->counting && tap && itm_synchronizes(debug->itm);
    trace->post_at = samples ? cpu->cycles + until(cyccnt, post_bit(trace)) : UINT64_MAX;
    trace->sync_at = syncs ? cpu->cycles + until(cyccnt, 22 + 2 * tap) : UINT64_MAX;
    cpu->hooks.exception = enabled(trace) & EXCTRCENA ? exception : NULL;
    forget_past(trace);
    set_alarm(trace);
}

/* --- life ----------------------------------------------------------------------------- */

void dwt_trace_reset(struct dwt_trace *trace)
{
    trace->ctrl = 0;
    for (int i = 0; i < COUNTERS; i++)
        trace->counter[i] = 0;
}

struct dwt_trace *dwt_trace_new(struct coredebug *debug)
{
    struct dwt_trace *trace = calloc(1, sizeof *trace);
    trace->debug = debug;
    alarm_init(&trace->due, ring, trace);
    return trace;
}

void dwt_trace_free(struct dwt_trace *trace)
{
    if (trace)
        alarm_cancel(cpu_of(trace)->sim, &trace->due);
    free(trace);
}
