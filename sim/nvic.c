/* nvic.c - Nested Vectored Interrupt Controller, System Control Block, SysTick.
 *
 *   called by  cpu.c, the bus (register accesses)      calls  sim.h, bus.h
 *
 * Registers are a table of word offsets; a byte or halfword access is allowed where the
 * manual allows it (priorities, CFSR) and reported elsewhere.  The whole space is for
 * privileged code (Armv7-M ARM B3.2.1); STIR is the exception, when CCR says so.
 * DFSR and everything from DHCSR on belong to coredebug.c.
 *
 * SysTick is not clocked step by step: its value is worked out from cpu->cycles when
 * somebody looks, and an alarm wakes us when it reaches zero with its interrupt on.
 *
 * Sources: Armv7-M ARM B1.5 (priorities), B3.2 (SCB), B3.3 (SysTick), B3.4 (NVIC);
 * Armv6-M ARM B3; Cortex-M3 TRM r1p1 chapter 8. */
#include "nvic.h"
#include "fpu.h"
#include "l1.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const uint32_t SCS_BASE = 0xE000E000, TENMS_MASK = 0xFFFFFF;
enum { ST_ENABLE = 1, ST_TICKINT = 2, ST_CLKSOURCE = 4, ST_COUNTFLAG = 1 << 16 };

static bool test(const uint32_t *set, int n) { return set[n / 32] >> n % 32 & 1; }
static void put(uint32_t *set, int n, bool value)
{
    set[n / 32] = (set[n / 32] & ~(1u << n % 32)) | (uint32_t)value << n % 32;
}

/* --- priorities ---------------------------------------------------------------------- */

static bool is_v6m(const struct nvic *nvic)
{
    return nvic->cpu->config.arch == CPU_ARMV6M;
}

static int raw_priority(const struct nvic *nvic, int exception)
{
    if (exception <= EXC_HARDFAULT)     /* Reset -3, NMI -2, HardFault -1 */
        return exception - 4;
    return exception < EXCEPTIONS ? nvic->priority[exception] : PRIORITY_THREAD;
}

/* PRIGROUP n: bits above n form the group (B1.5.4). */
static int group_of(const struct nvic *nvic, int priority)
{
    return priority < 0 ? priority : priority >> (nvic->prigroup + 1)
                                              << (nvic->prigroup + 1);
}

int nvic_priority(const struct nvic *nvic, int exception)
{
    return group_of(nvic, raw_priority(nvic, exception));
}

/* Without PRIMASK: what WFI goes by. */
static int priority_but_primask(const struct nvic *nvic)
{
    const struct cpu *cpu = nvic->cpu;
    int priority = PRIORITY_THREAD;
    for (int word = 0; word < EXCEPTION_WORDS; word++)
        for (uint32_t set = nvic->active[word]; set; set &= set - 1) {
            int p = nvic_priority(nvic, 32 * word + __builtin_ctz(set));
            if (p < priority)
                priority = p;
        }
    if (cpu->basepri && group_of(nvic, cpu->basepri) < priority)
        priority = group_of(nvic, cpu->basepri);
    if (cpu->faultmask && priority > PRIORITY_HARDFAULT)
        priority = PRIORITY_HARDFAULT;
    return priority;
}

int nvic_execution_priority(const struct nvic *nvic)
{
    int priority = priority_but_primask(nvic);
    return nvic->cpu->primask && priority > 0 ? 0 : priority;
}

/* C_MASKINTS holds back PendSV, SysTick and the external interrupts. */
static uint32_t allowed(const struct nvic *nvic, int word)
{
    if (!nvic->cpu->mask_interrupts)
        return ~0u;
    return (word ? 0 : (1u << EXC_PENDSV) - 1) | nvic->escaped[word];
}

/* The pending exception that goes first: lowest priority value, then lowest number. */
static int best_pending(const struct nvic *nvic)
{
    int best = 0;
    for (int word = 0; word < EXCEPTION_WORDS; word++) {
        uint32_t set = nvic->pending[word] & nvic->enabled[word] & allowed(nvic, word);
        for (; set; set &= set - 1) {
            int n = 32 * word + __builtin_ctz(set);
            if (!best || raw_priority(nvic, n) < raw_priority(nvic, best))
                best = n;
        }
    }
    return best;
}

void nvic_update(struct nvic *nvic)
{
    struct cpu *cpu = nvic->cpu;
    int best = best_pending(nvic);
    cpu->exception_due = 0;
    cpu->wake_due = false;
    if (!best)
        return;
    int priority = nvic_priority(nvic, best);
    if (priority < nvic_execution_priority(nvic))
        cpu->exception_due = best;
    cpu->wake_due = priority < priority_but_primask(nvic);
}

/* --- pending, active ------------------------------------------------------------------- */

void nvic_pend(struct nvic *nvic, int exception)
{
    if (!test(nvic->pending, exception) && nvic->scr & SCR_SEVONPEND)
        nvic->cpu->event = true;
    put(nvic->pending, exception, true);
    nvic_update(nvic);
}

static void unpend(struct nvic *nvic, int exception)
{
    /* An interrupt whose line is still high pends at once again. */
    bool again = test(nvic->line, exception) && !test(nvic->active, exception);
    put(nvic->pending, exception, again);
    nvic_update(nvic);
}

void nvic_activate(struct nvic *nvic, int exception)
{
    put(nvic->pending, exception, false);
    put(nvic->escaped, exception, false);
    put(nvic->active, exception, true);
    nvic_update(nvic);
}

void nvic_deactivate(struct nvic *nvic, int exception)
{
    put(nvic->active, exception, false);
    if (test(nvic->line, exception))
        put(nvic->pending, exception, true);
    nvic_update(nvic);
}

bool nvic_is_active(const struct nvic *nvic, int exception)
{
    return test(nvic->active, exception);
}

int nvic_active_count(const struct nvic *nvic)
{
    int count = 0;
    for (int word = 0; word < EXCEPTION_WORDS; word++)
        count += __builtin_popcount(nvic->active[word]);
    return count;
}

bool nvic_is_enabled(const struct nvic *nvic, int exception)
{
    return test(nvic->enabled, exception);
}

void cpu_irq(struct cpu *cpu, int n, bool level)
{
    struct nvic *nvic = cpu->nvic;
    assert(n >= 0 && n < cpu->config.irq_count);
    bool was = test(nvic->line, 16 + n);
    put(nvic->line, 16 + n, level);
    if (level && !was && !test(nvic->active, 16 + n))
        nvic_pend(nvic, 16 + n);
}

void cpu_irq_pulse(struct cpu *cpu, int n)
{
    assert(n >= 0 && n < cpu->config.irq_count);
    nvic_pend(cpu->nvic, 16 + n);
}

void cpu_nmi(struct cpu *cpu) { nvic_pend(cpu->nvic, EXC_NMI); }

/* Erratum 702596 of Cortex-M7 r0p0 and r0p1: what was pending before is not held back, so a
 * step may end in a handler. */
static bool mask_comes_late(const struct cpu *cpu)
{
    return cpu_part(cpu) == CPU_M7 && !(cpu->config.cpuid & 0x00F0000E);
}

void cpu_mask_interrupts(struct cpu *cpu, bool masked)
{
    if (masked && !cpu->mask_interrupts && mask_comes_late(cpu))
        memcpy(cpu->nvic->escaped, cpu->nvic->pending, sizeof cpu->nvic->escaped);
    cpu->mask_interrupts = masked;
    nvic_update(cpu->nvic);
}

/* --- SysTick --------------------------------------------------------------------------- */

/* The reference clock of STM32F1 is HCLK / 8 (RM0008 10.1.3). */
static unsigned systick_divider(const struct nvic *nvic)
{
    return nvic->systick.control & ST_CLKSOURCE ? 1 : 8;
}

static void systick_reached_zero(struct nvic *nvic)
{
    nvic->systick.control |= ST_COUNTFLAG;
    if (nvic->systick.control & ST_TICKINT)
        nvic_pend(nvic, EXC_SYSTICK);
}

/* Counts `ticks` down from the present value: v, v-1, .. 1, 0, reload, .. (B3.3.1). */
static void systick_count(struct nvic *nvic, uint64_t ticks)
{
    struct systick *st = &nvic->systick;
    while (ticks) {
        if (st->value == 0) {
            st->value = st->reload;
            ticks--;
            if (st->value == 0)
                return;                     /* a reload of 0 stops the counter */
        } else if (ticks < st->value) {
            st->value -= (uint32_t)ticks;
            ticks = 0;
        } else {
            ticks -= st->value;
            st->value = 0;
            systick_reached_zero(nvic);
            ticks %= (uint64_t)st->reload + 1;
        }
    }
}

/* Brings the counter up to date. */
static void systick_sync(struct nvic *nvic)
{
    struct systick *st = &nvic->systick;
    unsigned divider = systick_divider(nvic);
    uint64_t ticks = (nvic->cpu->cycles - st->since) / divider;
    if (!(st->control & ST_ENABLE)) {
        st->since = nvic->cpu->cycles;
        return;
    }
    st->since += ticks * divider;
    systick_count(nvic, ticks);
}

static void systick_arm(struct nvic *nvic)
{
    struct systick *st = &nvic->systick;
    struct cpu *cpu = nvic->cpu;
    bool runs = (st->control & ST_ENABLE) && (st->control & ST_TICKINT) &&
                (st->value || st->reload);
    if (!runs) {
        alarm_cancel(cpu->sim, &st->alarm);
        return;
    }
    uint64_t ticks = st->value ? st->value : (uint64_t)st->reload + 1;
    uint64_t due = st->since + ticks * systick_divider(nvic);
    sim_time now = cpu->sim->running == cpu ? cpu->sim->now : cpu->local;
    alarm_set(cpu->sim, &st->alarm, now + (due - cpu->cycles) * cpu->cycle);
}

/* The alarm, and every access.  Time may have stood still for the counter meanwhile
 * (Debug state) or run faster, so nothing is taken for granted: count, and look again. */
static void systick_refresh(void *ctx)
{
    systick_sync(ctx);
    systick_arm(ctx);
}

void systick_hold(struct nvic *nvic, uint64_t cycles)
{
    nvic->systick.since += cycles;
}

void systick_new_clock(struct nvic *nvic) { systick_refresh(nvic); }

static void systick_write_control(struct nvic *nvic, uint32_t value)
{
    systick_sync(nvic);
    nvic->systick.since = nvic->cpu->cycles;
    nvic->systick.control = (nvic->systick.control & ST_COUNTFLAG) | (value & 7);
    systick_arm(nvic);
}

static void systick_write_value(struct nvic *nvic)
{
    systick_sync(nvic);
    nvic->systick.value = 0;
    nvic->systick.control &= ~(uint32_t)ST_COUNTFLAG;
    systick_arm(nvic);
}

static uint32_t systick_read_control(struct nvic *nvic)
{
    systick_refresh(nvic);
    uint32_t value = nvic->systick.control;
    if (nvic->cpu->bus->master != BUS_DEBUG)
        nvic->systick.control &= ~(uint32_t)ST_COUNTFLAG;
    return value;
}

/* --- SCB registers --------------------------------------------------------------------- */

static uint32_t read_icsr(const struct nvic *nvic)
{
    int pending = best_pending(nvic);
    bool external = false;
    for (int n = 16; n < 16 + nvic->cpu->config.irq_count; n++)
        external |= test(nvic->pending, n);
    bool only_one = nvic_active_count(nvic) <= 1;
    return (uint32_t)test(nvic->pending, EXC_NMI) << 31 |
           (uint32_t)test(nvic->pending, EXC_PENDSV) << 28 |
           (uint32_t)test(nvic->pending, EXC_SYSTICK) << 26 |
           (uint32_t)external << 22 | (uint32_t)pending << 12 |
           (uint32_t)(only_one && !is_v6m(nvic)) << 11 |
           (uint32_t)nvic->cpu->exception;
}

static void write_icsr(struct nvic *nvic, uint32_t value)
{
    static const struct { uint8_t set, clear; uint8_t exception; } bits[] = {
        { 31, 0, EXC_NMI }, { 28, 27, EXC_PENDSV }, { 26, 25, EXC_SYSTICK },
    };
    systick_sync(nvic);
    for (unsigned i = 0; i < sizeof bits / sizeof *bits; i++)
        if (value >> bits[i].set & 1)
            nvic_pend(nvic, bits[i].exception);
        else if (bits[i].clear && value >> bits[i].clear & 1)
            unpend(nvic, bits[i].exception);
}

static void write_aircr(struct nvic *nvic, uint32_t value)
{
    struct cpu *cpu = nvic->cpu;
    if (value >> 16 != 0x05FA) {
        sim_report(cpu->sim, SIM_FORGIVEN, "%s: AIRCR written without its key: 0x%08X",
                   cpu->config.name, value);
        return;
    }
    if (!is_v6m(nvic))
        nvic->prigroup = value >> 8 & 7;
    if (value & 2) {                        /* VECTCLRACTIVE, for debuggers */
        memset(nvic->active, 0, sizeof nvic->active);
        cpu_set_xpsr(cpu, cpu_xpsr(cpu) & ~0x1FFu);
    }
    nvic_update(nvic);
    bool system = value & 4, local = (value & 1) && !is_v6m(nvic);
    if ((system || local) && cpu->reset_request)
        cpu->reset_request(cpu->chip, system);
}

/* SHCSR: which bit shows and sets what (B3.2.13). */
static const struct { uint8_t bit, exception; enum { ENABLED, ACTIVE, PENDING } what; }
shcsr_bits[] = {
    { 0, EXC_MEMMANAGE, ACTIVE },   { 1, EXC_BUSFAULT, ACTIVE },
    { 3, EXC_USAGEFAULT, ACTIVE },  { 7, EXC_SVCALL, ACTIVE },
    { 8, EXC_DEBUGMON, ACTIVE },    { 10, EXC_PENDSV, ACTIVE },
    { 11, EXC_SYSTICK, ACTIVE },    { 12, EXC_USAGEFAULT, PENDING },
    { 13, EXC_MEMMANAGE, PENDING }, { 14, EXC_BUSFAULT, PENDING },
    { 15, EXC_SVCALL, PENDING },    { 16, EXC_MEMMANAGE, ENABLED },
    { 17, EXC_BUSFAULT, ENABLED },  { 18, EXC_USAGEFAULT, ENABLED },
};
enum { SHCSR_BITS = sizeof shcsr_bits / sizeof *shcsr_bits };

static uint32_t *shcsr_set(struct nvic *nvic, int i)
{
    uint32_t *sets[] = { nvic->enabled, nvic->active, nvic->pending };
    return sets[shcsr_bits[i].what];
}

static uint32_t read_shcsr(struct nvic *nvic)
{
    if (is_v6m(nvic))
        return (uint32_t)test(nvic->pending, EXC_SVCALL) << 15;
    uint32_t value = 0;
    for (int i = 0; i < SHCSR_BITS; i++)
        value |= (uint32_t)test(shcsr_set(nvic, i), shcsr_bits[i].exception)
                 << shcsr_bits[i].bit;
    return value;
}

static void write_shcsr(struct nvic *nvic, uint32_t value)
{
    for (int i = 0; i < SHCSR_BITS && !is_v6m(nvic); i++)
        put(shcsr_set(nvic, i), shcsr_bits[i].exception, value >> shcsr_bits[i].bit & 1);
    nvic_update(nvic);
}

/* Priority bytes of exceptions first..first+3, or of SHPR words. */
static uint32_t read_priorities(const struct nvic *nvic, int first)
{
    uint32_t value;
    memcpy(&value, nvic->priority + first, 4);
    return value;
}

static void write_priorities(struct nvic *nvic, int first, uint32_t value)
{
    uint8_t mask = (uint8_t)(0xFF00u >> nvic->cpu->config.priority_bits);
    for (int i = 0; i < 4; i++) {
        int n = first + i;
        bool exists = n >= 16 ? n < 16 + nvic->cpu->config.irq_count
                    : n == EXC_SVCALL || n == EXC_PENDSV || n == EXC_SYSTICK ||
                      (!is_v6m(nvic) && (n <= EXC_USAGEFAULT || n == EXC_DEBUGMON));
        if (exists)
            nvic->priority[n] = (uint8_t)(value >> 8 * i) & mask;
    }
    nvic_update(nvic);
}

/* --- NVIC bit registers: 32 interrupts a word, starting at exception 16 ------------------- */

static uint32_t read_set(const struct nvic *nvic, const uint32_t *set, int word)
{
    uint32_t value = 0;
    for (int i = 0; i < 32 && 32 * word + i < nvic->cpu->config.irq_count; i++)
        value |= (uint32_t)test(set, 16 + 32 * word + i) << i;
    return value;
}

enum { SET_ENABLE, CLEAR_ENABLE, SET_PENDING, CLEAR_PENDING };

static void write_set(struct nvic *nvic, int action, int word, uint32_t value)
{
    for (; value; value &= value - 1) {
        int irq = 32 * word + __builtin_ctz(value), n = 16 + irq;
        if (irq >= nvic->cpu->config.irq_count)
            break;
        switch (action) {
        case SET_ENABLE:    put(nvic->enabled, n, true); break;
        case CLEAR_ENABLE:  put(nvic->enabled, n, false); break;
        case SET_PENDING:   nvic_pend(nvic, n); break;
        case CLEAR_PENDING: unpend(nvic, n); break;
        }
    }
    nvic_update(nvic);
}

/* --- the register file ------------------------------------------------------------------- */

/* Feature registers at 0xD40 of Cortex-M3 r1p1 (TRM table 8-1). */
static const uint32_t features[] = {
    0x00000030, 0x00000200, 0x00100000, 0, 0x00000030, 0, 0, 0,
    0x01141110, 0x02111000, 0x21112231, 0x01111110, 0x01310132, 0, 0, 0,
};

/* The same of a Cortex-M4 (TRM table 4-1). */
static const uint32_t features_m4[] = {
    0x00000030, 0x00000200, 0x00100000, 0, 0x00100030, 0, 0x01000000, 0,
    0x01141110, 0x02112000, 0x21232231, 0x01111131, 0x01310102, 0, 0, 0,
};

/* The same of a Cortex-M7 (TRM table 3-1). */
static const uint32_t features_m7[] = {
    0x00000030, 0x00000200, 0x00100000, 0, 0x00100030, 0, 0x01000000, 0,
    0x01101110, 0x02112000, 0x20232231, 0x01111131, 0x01310132, 0, 0, 0,
};

static uint32_t feature(const struct nvic *nvic, uint32_t number)
{
    switch (cpu_part(nvic->cpu)) {
    case CPU_M4: return features_m4[number];
    case CPU_M7: return features_m7[number];
    default:     return features[number];
    }
}

/* A Cortex-M7 has two bits that switch its caches on, and two that are always 1. */
static void write_ccr(struct nvic *nvic, uint32_t value)
{
    nvic->ccr = value & 0x31B;
    if (!nvic->cpu->l1)
        return;
    nvic->ccr |= CCR_STKALIGN | CCR_BP | (value & (CCR_IC | CCR_DC));
    l1_control(nvic->cpu->l1, nvic->ccr);
}

static uint32_t read_v7m(struct nvic *nvic, uint32_t offset)
{
    switch (offset) {
    case 0x004: return (uint32_t)(nvic->cpu->config.irq_count - 1) / 32;
    case 0x008: return nvic->actlr;
    case 0xD18: return read_priorities(nvic, 4);
    case 0xD28: return nvic->cfsr;
    case 0xD2C: return nvic->hfsr;
    case 0xD34: return nvic->mmfar;
    case 0xD38: return nvic->bfar;
    case 0xD88: return fpu_read_register(nvic->cpu, offset);
    }
    if (offset >= 0xD40 && offset < 0xD78)
        return feature(nvic, (offset - 0xD40) / 4);
    if (nvic->cpu->l1)
        return l1_read_register(nvic->cpu->l1, offset);
    return 0;                               /* reserved, and the MPU that is not there */
}

static uint32_t read_word(struct nvic *nvic, uint32_t offset)
{
    int word = (int)(offset & 0x7F) / 4;
    switch (offset >> 7) {
    case 0x100 >> 7: case 0x180 >> 7: return read_set(nvic, nvic->enabled, word);
    case 0x200 >> 7: case 0x280 >> 7: return read_set(nvic, nvic->pending, word);
    case 0x300 >> 7: return read_set(nvic, nvic->active, word);
    }
    if (offset >= 0x400 && offset < 0x4F0)
        return read_priorities(nvic, 16 + (int)(offset - 0x400));
    switch (offset) {
    case 0x010: return systick_read_control(nvic);
    case 0x014: return nvic->systick.reload;
    case 0x018: systick_refresh(nvic); return nvic->systick.value;
    case 0x01C: return nvic->cpu->config.systick_calib;
    case 0xD00: return nvic->cpu->config.cpuid;
    case 0xD04: systick_sync(nvic); return read_icsr(nvic);
    case 0xD08: return nvic->vtor;
    case 0xD0C: return 0xFA050000 | nvic->prigroup << 8;
    case 0xD10: return nvic->scr;
    case 0xD14: return nvic->ccr;
    case 0xD1C: return read_priorities(nvic, 8);
    case 0xD20: return read_priorities(nvic, 12);
    case 0xD24: return read_shcsr(nvic);
    }
    return is_v6m(nvic) ? 0 : read_v7m(nvic, offset);
}

static void write_v7m(struct nvic *nvic, uint32_t offset, uint32_t value)
{
    switch (offset) {
    case 0x008: nvic->actlr = value & 7; break;
    case 0xD14: write_ccr(nvic, value); break;
    case 0xD18: write_priorities(nvic, 4, value); break;
    case 0xD28: nvic->cfsr &= ~value; break;
    case 0xD2C: nvic->hfsr &= ~value; break;
    case 0xD34: nvic->mmfar = value; break;
    case 0xD38: nvic->bfar = value; break;
    case 0xD88: fpu_write_register(nvic->cpu, offset, value); break;
    case 0xD84:                             /* CSSELR */
        if (nvic->cpu->l1)
            l1_write_register(nvic->cpu->l1, offset, value);
        break;
    }
}

static void write_word(struct nvic *nvic, uint32_t offset, uint32_t value)
{
    int word = (int)(offset & 0x7F) / 4;
    switch (offset >> 7) {
    case 0x100 >> 7: write_set(nvic, SET_ENABLE, word, value); return;
    case 0x180 >> 7: write_set(nvic, CLEAR_ENABLE, word, value); return;
    case 0x200 >> 7: write_set(nvic, SET_PENDING, word, value); return;
    case 0x280 >> 7: write_set(nvic, CLEAR_PENDING, word, value); return;
    }
    if (offset >= 0x400 && offset < 0x4F0) {
        write_priorities(nvic, 16 + (int)(offset - 0x400), value);
        return;
    }
    switch (offset) {
    case 0x010: systick_write_control(nvic, value); break;
    case 0x014: systick_sync(nvic); nvic->systick.reload = value & TENMS_MASK;
                systick_arm(nvic); break;
    case 0x018: systick_write_value(nvic); break;
    case 0xD04: write_icsr(nvic, value); break;
    case 0xD08:
        if (nvic->cpu->config.has_vtor)
            nvic->vtor = value & (is_v6m(nvic) ? ~0xFFu : 0x3FFFFF80u);
        break;
    case 0xD0C: write_aircr(nvic, value); break;
    case 0xD10: nvic->scr = value & 0x16; break;
    case 0xD1C: write_priorities(nvic, 8, value); break;
    case 0xD20: write_priorities(nvic, 12, value); break;
    case 0xD24: write_shcsr(nvic, value); break;
    default:
        if (!is_v6m(nvic))
            write_v7m(nvic, offset, value);
    }
}

static bool refused(struct nvic *nvic)
{
    struct cpu *cpu = nvic->cpu;
    bool user = !cpu->exception && cpu->control & 1;
    if (cpu->bus->master != BUS_DATA || !user)
        return false;
    cpu->bus->fault = true;
    return true;
}

static bool byte_wise(const struct nvic *nvic, uint32_t offset)
{
    return !is_v6m(nvic) && ((offset >= 0x400 && offset < 0x4F0) ||
                             (offset >= 0xD18 && offset < 0xD24) ||
                             (offset >= 0xD28 && offset < 0xD2C));
}

static void check_width(struct nvic *nvic, uint32_t offset, int width)
{
    if (width < 4 && !byte_wise(nvic, offset))
        sim_report(nvic->cpu->sim, SIM_RULE, "%s: %d-bit access to 0x%08X, which "
                   "allows 32 bits only", nvic->cpu->config.name, 8 * width,
                   SCS_BASE + offset);
}

static uint32_t read_register(struct nvic *nvic, uint32_t offset, int width)
{
    if (refused(nvic))
        return 0;
    check_width(nvic, offset, width);
    return read_word(nvic, offset & ~3u) >> 8 * (offset & 3);
}

static void write_register(struct nvic *nvic, uint32_t offset, uint32_t value, int width)
{
    if (refused(nvic))
        return;
    check_width(nvic, offset, width);
    uint32_t shift = 8 * (offset & 3);
    if (width < 4) {
        /* The other bytes keep what they hold; CFSR clears by ones, so zeros keep. */
        uint32_t mask = ((1u << 8 * width) - 1) << shift;
        uint32_t old = (offset & ~3u) == 0xD28 ? 0 : read_word(nvic, offset & ~3u);
        value = (old & ~mask) | (value << shift & mask);
    }
    write_word(nvic, offset & ~3u, value);
}

/* 0xE000E000: all of it up to DFSR. */
static uint32_t read_low(void *ctx, uint32_t offset, int width)
{
    return read_register(ctx, offset, width);
}
static void write_low(void *ctx, uint32_t offset, uint32_t value, int width)
{
    write_register(ctx, offset, value, width);
}

/* 0xE000ED34: MMFAR to the MPU. */
enum { HIGH_PART = 0xD34 };
static uint32_t read_high(void *ctx, uint32_t offset, int width)
{
    return read_register(ctx, HIGH_PART + offset, width);
}
static void write_high(void *ctx, uint32_t offset, uint32_t value, int width)
{
    write_register(ctx, HIGH_PART + offset, value, width);
}

/* 0xE000EE00: STIR at 0x100, the FPU's registers from 0x134 on, those of an M7's caches from
 * 0x150 on, and the identification registers that a debugger walks to. */
enum { LAST_PART = 0xE00, CACHES = 0x150 };
static bool of_caches(const struct nvic *nvic, uint32_t offset)
{
    return nvic->cpu->l1 && offset >= CACHES;
}
static uint32_t read_last(void *ctx, uint32_t offset, int width)
{
    struct nvic *nvic = ctx;
    const uint8_t ids[12] = {               /* PIDR4-7, PIDR0-3, CIDR0-3 */
        0x04, 0, 0, 0,
        is_v6m(nvic) ? 0x08 : cpu_part(nvic->cpu) == CPU_M3 ? 0x00 : 0x0C, 0xB0, 0x0B, 0,
        0x0D, 0xE0, 0x05, 0xB1,
    };
    (void)width;
    if (refused(nvic))
        return 0;
    if (offset < 0x1D0)
        return of_caches(nvic, offset) ? l1_read_register(nvic->cpu->l1, LAST_PART + offset)
                                       : fpu_read_register(nvic->cpu, LAST_PART + offset);
    return offset & 3 ? 0 : ids[(offset - 0x1D0) / 4];
}
static void write_stir(struct nvic *nvic, uint32_t value)
{
    if (!(nvic->ccr & CCR_USERSETMPEND) && refused(nvic))
        return;
    if (!is_v6m(nvic) && (value & 0x1FF) < (uint32_t)nvic->cpu->config.irq_count)
        nvic_pend(nvic, 16 + (int)(value & 0x1FF));
}
static void write_last(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct nvic *nvic = ctx;
    (void)width;
    if (offset == 0x100)
        write_stir(nvic, value);
    else if (!refused(nvic) && of_caches(nvic, offset))
        l1_write_register(nvic->cpu->l1, LAST_PART + offset, value);
    else if (!refused(nvic))
        fpu_write_register(nvic->cpu, LAST_PART + offset, value);
}

void nvic_reset(struct nvic *nvic)
{
    struct cpu *cpu = nvic->cpu;
    uint32_t lines[EXCEPTION_WORDS];
    struct alarm alarm = nvic->systick.alarm;
    alarm_cancel(cpu->sim, &nvic->systick.alarm);
    memcpy(lines, nvic->line, sizeof lines);
    *nvic = (struct nvic){ .cpu = cpu, .vtor = cpu->config.vector_base };
    alarm_init(&nvic->systick.alarm, alarm.ring, alarm.ctx);
    memcpy(nvic->line, lines, sizeof lines);
    nvic->systick.since = cpu->cycles;
    /* M3 r1p1: STKALIGN is 0 out of reset; from r2p0 on, in an M4 and in v6-M, it is 1. */
    nvic->ccr = is_v6m(nvic) ? CCR_STKALIGN | CCR_UNALIGN_TRP
              : cpu->config.cpuid >> 20 == 0x412 || cpu_part(cpu) != CPU_M3 ? CCR_STKALIGN : 0;
    if (cpu->l1) {
        nvic->ccr |= CCR_BP;
        l1_control(cpu->l1, nvic->ccr);     /* off, and nothing forgotten */
    }
    static const uint8_t always[] = { EXC_RESET, EXC_NMI, EXC_HARDFAULT, EXC_SVCALL,
                                      EXC_DEBUGMON, EXC_PENDSV, EXC_SYSTICK };
    for (unsigned i = 0; i < sizeof always; i++)
        put(nvic->enabled, always[i], true);
    for (int n = 16; n < EXCEPTIONS; n++)
        put(nvic->pending, n, test(nvic->line, n));
    nvic_update(nvic);
}

struct nvic *nvic_new(struct cpu *cpu)
{
    struct nvic *nvic = calloc(1, sizeof *nvic);
    assert(nvic);
    nvic->cpu = cpu;
    alarm_init(&nvic->systick.alarm, systick_refresh, nvic);
    bus_add(cpu->bus, &(struct bus_region){
        .base = SCS_BASE, .size = 0xD30, .name = "SCS", .read = read_low,
        .write = write_low, .ctx = nvic });
    bus_add(cpu->bus, &(struct bus_region){
        .base = SCS_BASE + HIGH_PART, .size = 0xDF0 - HIGH_PART, .name = "SCB",
        .read = read_high, .write = write_high, .ctx = nvic });
    bus_add(cpu->bus, &(struct bus_region){
        .base = SCS_BASE + LAST_PART, .size = 0x200, .name = "STIR",
        .read = read_last, .write = write_last, .ctx = nvic });
    return nvic;
}

void nvic_free(struct nvic *nvic)
{
    if (nvic)
        alarm_cancel(nvic->cpu->sim, &nvic->systick.alarm);
    free(nvic);
}
