/* sam_timer.c - what counts time in the SAM D21: the watchdog, TC3 to TC5, the RTC.
 *
 *   called by  sam.c      calls  sam_sysctrl.c (how long a count is)
 *
 * A counter is not stepped: it is the time since it was started, divided by the time of a
 * count, and an alarm stands at its next event.
 *
 *   WDT   normal mode and window mode; stops while a debugger halts the core; a reset sets it
 *         up as the user row says, which an erased one does badly: always on
 *   TC    8, 16 or 32 bits, up; overflow and match interrupts.  No waveform output,
 *         capture, one-shot or counting down (reported)
 *   RTC   modes 0 and 1: a counter with a compare interrupt.  No calendar (reported)
 *
 * Source: data sheet chapters WDT, TC, RTC. */
#include "sam.h"
#include <stdlib.h>

enum { TCS = 3, COUNTERS = TCS + 1, RTC = TCS };    /* the RTC counts like a TC */
enum { WDT_ENABLE = 1 << 1, WDT_WEN = 1 << 2, WDT_ALWAYSON = 1 << 7, WDT_KEY = 0xA5 };
#define WDT_LOOK (10 * SIM_US)
enum { SWRST = 1 << 0, ENABLE = 1 << 1 };
enum { TC_MODE16, TC_MODE8, TC_MODE32 };
enum { OVF = 1 << 0, MC0 = 1 << 4, MC1 = 1 << 5, SYNCRDY = 1 << 3 };
enum { RTC_CMP0 = 1 << 0, RTC_OVF = 1 << 7 };

struct counter {
    struct sam_timer *timer;
    int number;
    uint32_t ctrla, intenset, flags, per, cc[2], bits;
    uint64_t count;                 /* at `since` */
    sim_time since;
    struct alarm alarm;
};

struct sam_timer {
    struct sam *chip;
    struct counter counters[COUNTERS];
    uint32_t wdt_ctrl, wdt_config, wdt_ewctrl, wdt_intenset, wdt_intflag;
    sim_time wdt_fed;
    struct alarm wdt_alarm, wdt_look;
};

/* --- counters -------------------------------------------------------------------------- */

static bool is_rtc(const struct counter *c) { return c->number == RTC; }

static unsigned mode(const struct counter *c) { return c->ctrla >> 2 & 3; }

static sim_time count_time(const struct counter *c)
{
    static const uint16_t tc_prescaler[8] = { 1, 2, 4, 8, 16, 64, 256, 1024 };
    int id = is_rtc(c) ? GCLK_ID_RTC : c->number == 0 ? GCLK_ID_TC3 : GCLK_ID_TC4_TC5;
    sim_time clock = sam_gclk(c->timer->chip, id);
    return is_rtc(c) ? clock << (c->ctrla >> 8 & 15) : clock * tc_prescaler[c->ctrla >> 8 & 7];
}

/* The largest value; the count after it is 0. */
static uint64_t top(const struct counter *c)
{
    unsigned wavegen = c->ctrla >> 5 & 3;
    if (is_rtc(c)) {
        bool clear_on_match = c->ctrla >> 7 & 1;
        return mode(c) == 1 ? c->per : clear_on_match ? c->cc[0] : UINT32_MAX;
    }
    if (wavegen & 1)
        return c->cc[0];
    return mode(c) == TC_MODE8 ? c->per : mode(c) == TC_MODE32 ? UINT32_MAX : 0xFFFF;
}

static bool counts(const struct counter *c) { return c->ctrla & ENABLE && count_time(c); }

static uint64_t elapsed(const struct counter *c)
{
    return counts(c) ? (c->timer->chip->sim->now - c->since) / count_time(c) : 0;
}

static uint32_t count_now(const struct counter *c)
{
    return (uint32_t)((c->count + elapsed(c)) % (top(c) + 1));
}

/* Events between the last look and now. */
static void note_events(struct counter *c)
{
    uint64_t steps = elapsed(c), modulus = top(c) + 1, end = c->count + steps;
    if (!steps)
        return;
    if (end >= modulus)
        c->flags |= is_rtc(c) ? RTC_OVF : OVF;
    for (int i = 0; i < 2; i++) {
        uint64_t match = c->cc[i] + (c->cc[i] > c->count ? 0 : modulus);
        if (c->cc[i] < modulus && match <= end)
            c->flags |= is_rtc(c) ? (uint32_t)RTC_CMP0 << i : i ? MC1 : MC0;
    }
    c->count = end % modulus;
    c->since += steps * count_time(c);
}

static void arm(struct counter *c)
{
    struct sam *chip = c->timer->chip;
    int irq = is_rtc(c) ? SAM_IRQ_RTC : SAM_IRQ_TC3 + c->number;
    sam_irq(chip, irq, c->flags & c->intenset);
    if (!counts(c) || !(c->intenset & ~c->flags)) {
        alarm_cancel(chip->sim, &c->alarm);
        return;
    }
    uint64_t modulus = top(c) + 1, next = modulus - c->count;
    for (int i = 0; i < 2; i++) {
        uint64_t distance = (c->cc[i] + modulus - c->count) % modulus;
        if (c->cc[i] < modulus && distance && distance < next)
            next = distance;
    }
    alarm_set(chip->sim, &c->alarm, c->since + next * count_time(c));
}

static void look(void *ctx)
{
    note_events(ctx);
    arm(ctx);
}

static void counter_reset(struct counter *c)
{
    c->ctrla = c->intenset = c->flags = c->cc[0] = c->cc[1] = 0;
    c->per = is_rtc(c) ? 0 : 0xFF;
    c->count = 0;
    arm(c);
}

static void set_ctrla(struct counter *c, uint32_t value)
{
    bool was = c->ctrla & ENABLE;
    if (value & SWRST) {
        counter_reset(c);
        return;
    }
    c->ctrla = value;
    if (was != !!(value & ENABLE))
        c->since = c->timer->chip->sim->now;
    if (is_rtc(c) && mode(c) == 2 && value & ENABLE)
        sam_report(c->timer->chip, SIM_UNMODELLED, "RTC: calendar mode");
}

static void set_count(struct counter *c, uint32_t value)
{
    c->count = value % (top(c) + 1);
    c->since = c->timer->chip->sim->now;
}

/* --- TC registers ------------------------------------------------------------------------- */

static uint32_t tc_read(void *ctx, uint32_t word)
{
    struct counter *c = ctx;
    note_events(c);
    switch (word) {
    case 0x00: return c->ctrla;
    case 0x0C: return c->intenset | c->intenset << 8 | (c->flags | SYNCRDY) << 16;
    case 0x10: return count_now(c);
    case 0x14: return c->per;
    case 0x18: return mode(c) == TC_MODE32 ? c->cc[0] : mode(c) == TC_MODE8 ?
                      c->cc[0] | c->cc[1] << 8 : c->cc[0] | c->cc[1] << 16;
    case 0x1C: return mode(c) == TC_MODE32 ? c->cc[1] : 0;
    default:   return 0;
    }
}

/* CC0 and CC1 are as wide as the counter and follow each other. */
static void tc_write_compare(struct counter *c, uint32_t word, uint32_t value, uint32_t mask)
{
    int width = mode(c) == TC_MODE32 ? 32 : mode(c) == TC_MODE8 ? 8 : 16;
    for (int i = 0; i < 2; i++) {
        int at = i * width - (word == 0x1C ? 32 : 0);
        if (at < 0 || at >= 32)
            continue;
        uint32_t field = mask >> at & (width == 32 ? ~0u : (1u << width) - 1);
        c->cc[i] = sam_merge(c->cc[i], value >> at, field);
    }
}

static void tc_write(void *ctx, uint32_t word, uint32_t value, uint32_t mask)
{
    struct counter *c = ctx;
    note_events(c);
    value &= mask;
    switch (word) {
    case 0x00:
        if (mask & 0xFFFF)
            set_ctrla(c, sam_merge(c->ctrla, value, mask & 0xFFFF));
        break;
    case 0x04:
        if (value >> 8 & 0x05 || value >> 16)
            sam_report(c->timer->chip, SIM_UNMODELLED, "TC%d: counting down, one-shot, "
                          "capture or inverted output", 3 + c->number);
        break;
    case 0x08:
        if (value & 0xFFFF0000)
            sam_report(c->timer->chip, SIM_UNMODELLED, "TC%d: events", 3 + c->number);
        break;
    case 0x0C:
        c->intenset = (c->intenset & ~(value & 0xFF)) | (value >> 8 & 0x3B);
        c->flags &= ~(value >> 16 & 0xFF);
        break;
    case 0x10: set_count(c, value); break;
    case 0x14: c->per = value & 0xFF; break;
    case 0x18: case 0x1C: tc_write_compare(c, word, value, mask); break;
    default: break;
    }
    arm(c);
}

static void tc_reset(void *ctx) { counter_reset(ctx); }

/* --- RTC registers ------------------------------------------------------------------------ */

static uint32_t rtc_read(void *ctx, uint32_t word)
{
    struct counter *c = ctx;
    note_events(c);
    switch (word) {
    case 0x00: return c->ctrla;
    case 0x04: return c->intenset << 16 | c->intenset << 24;
    case 0x08: return c->flags;
    case 0x10: return count_now(c);
    case 0x14: return c->per;
    case 0x18: return mode(c) == 1 ? c->cc[0] | c->cc[1] << 16 : c->cc[0];
    default:   return 0;
    }
}

static void rtc_write(void *ctx, uint32_t word, uint32_t value, uint32_t mask)
{
    struct counter *c = ctx;
    note_events(c);
    value &= mask;
    switch (word) {
    case 0x00:
        if (mask & 0xFFFF)
            set_ctrla(c, sam_merge(c->ctrla, value, mask & 0xFFFF));
        break;
    case 0x04:
        c->intenset = (c->intenset & ~(value >> 16 & 0xFF)) | (value >> 24 & 0xC3);
        break;
    case 0x08: c->flags &= ~(value & 0xFF); break;
    case 0x10: set_count(c, value); break;
    case 0x14: c->per = sam_merge(c->per, value, mask & 0xFFFF); break;
    case 0x18:
        c->cc[0] = mode(c) == 1 ? value & 0xFFFF : value;
        c->cc[1] = mode(c) == 1 ? value >> 16 : 0;
        break;
    default: break;
    }
    arm(c);
}

/* --- WDT ---------------------------------------------------------------------------------- */

static sim_time wdt_clocks(const struct sam_timer *t, uint32_t clocks)
{
    return clocks * sam_gclk(t->chip, t->chip->model->wdt_gclk);
}

static bool wdt_runs(const struct sam_timer *t)
{
    return t->wdt_ctrl & (WDT_ENABLE | WDT_ALWAYSON);
}

static void wdt_feed(struct sam_timer *t)
{
    uint32_t clocks = 8u << (t->wdt_config & 15);
    if (t->wdt_ctrl & WDT_WEN)
        clocks += 8u << (t->wdt_config >> 4);
    t->wdt_fed = t->chip->sim->now;
    if (wdt_runs(t) && wdt_clocks(t, clocks)) {
        alarm_set(t->chip->sim, &t->wdt_alarm, t->wdt_fed + wdt_clocks(t, clocks));
        alarm_set(t->chip->sim, &t->wdt_look, t->wdt_fed + WDT_LOOK);
    } else {
        alarm_cancel(t->chip->sim, &t->wdt_alarm);
        alarm_cancel(t->chip->sim, &t->wdt_look);
    }
}

/* It stands still while a debugger halts the core ("Debug Operation"), of which the core
 * tells nobody: so we look, and move its end by what has passed. */
static void wdt_look(void *ctx)
{
    struct sam_timer *t = ctx;
    if (t->chip->cpu->halted) {
        t->wdt_fed += WDT_LOOK;
        alarm_set(t->chip->sim, &t->wdt_alarm, t->wdt_alarm.at + WDT_LOOK);
    }
    alarm_set(t->chip->sim, &t->wdt_look, t->chip->sim->now + WDT_LOOK);
}

static void wdt_bites(void *ctx)
{
    struct sam_timer *t = ctx;
    if (t->chip->cpu->halted)               /* since the last look */
        alarm_set(t->chip->sim, &t->wdt_alarm, t->chip->sim->now + WDT_LOOK);
    else
        sam_reset_internal(t->chip, RESET_WATCHDOG);
}

static void wdt_clear(struct sam_timer *t, uint32_t key)
{
    sim_time closed = wdt_clocks(t, 8u << (t->wdt_config >> 4));
    bool early = t->wdt_ctrl & WDT_WEN && t->chip->sim->now - t->wdt_fed < closed;
    if (wdt_runs(t) && (key != WDT_KEY || early))
        sam_reset_internal(t->chip, RESET_WATCHDOG);
    else
        wdt_feed(t);
}

static uint32_t wdt_read(void *ctx, uint32_t word)
{
    struct sam_timer *t = ctx;
    switch (word) {
    case 0x00: return t->wdt_ctrl | t->wdt_config << 8 | t->wdt_ewctrl << 16;
    case 0x04: return t->wdt_intenset | t->wdt_intenset << 8 | t->wdt_intflag << 16;
    default:   return 0;
    }
}

static void wdt_write(void *ctx, uint32_t word, uint32_t value, uint32_t mask)
{
    struct sam_timer *t = ctx;
    value &= mask;
    if (word == 0x00 && !(t->wdt_ctrl & WDT_ALWAYSON)) {
        if (mask & 0xFF)
            t->wdt_ctrl = value & 0x86;
        if (mask & 0xFF00)
            t->wdt_config = value >> 8 & 0xFF;
        if (mask & 0xFF0000)
            t->wdt_ewctrl = value >> 16 & 15;
        wdt_feed(t);
    }
    if (word == 0x04 && value >> 8 & 1)
        sam_report(t->chip, SIM_UNMODELLED, "WDT: early warning interrupt");
    if (word == t->chip->model->wdt_clear && mask & 0xFF)
        wdt_clear(t, value & 0xFF);
}

static void wdt_reset(void *ctx)
{
    struct sam_timer *t = ctx;
    uint64_t fuses = t->chip->model->nvm->fuses(t->chip) >> t->chip->model->wdt_fuse;
    t->wdt_ctrl = (fuses & 1 ? WDT_ENABLE : 0) | (fuses & 2 ? WDT_ALWAYSON : 0) |
                  (fuses >> 14 & 1 ? WDT_WEN : 0);
    t->wdt_config = fuses >> 2 & 0xFF;
    t->wdt_ewctrl = fuses >> 10 & 15;
    t->wdt_intenset = t->wdt_intflag = 0;
    wdt_feed(t);
}

/* --- construction ------------------------------------------------------------------------- */

static void add_counter(struct sam_timer *t, int number)
{
    static const char *const names[COUNTERS] = { "TC3", "TC4", "TC5", "RTC" };
    struct counter *c = &t->counters[number];
    bool rtc = number == RTC;
    c->timer = t;
    c->number = number;
    sam_add_block(t->chip, &(struct sam_block){
        .name = names[number], .ctx = c, .reset = tc_reset,
        .base = rtc ? 0x40001400 : 0x42002C00 + 0x400 * (uint32_t)number,
        .bridge = rtc ? BRIDGE_A : BRIDGE_C, .bit = rtc ? 5 : 11 + number,
        .read = rtc ? rtc_read : tc_read, .write = rtc ? rtc_write : tc_write });
}

void sam_timer_new(struct sam *sam)
{
    struct sam_timer *t = sam->timer = calloc(1, sizeof *t);
    t->chip = sam;
    alarm_init(&t->wdt_alarm, wdt_bites, t);
    alarm_init(&t->wdt_look, wdt_look, t);
    for (int i = 0; i < COUNTERS; i++)
        alarm_init(&t->counters[i].alarm, look, &t->counters[i]);
    for (int i = 0; i < COUNTERS && sam->model->is_d21; i++)
        add_counter(t, i);
    sam_add_block(sam, &(struct sam_block){
        .name = "WDT", .base = sam->model->wdt.base, .bridge = sam->model->wdt.bridge,
        .bit = sam->model->wdt.bit, .read = wdt_read, .write = wdt_write, .reset = wdt_reset, .ctx = t });
}

void sam_timer_power_off(struct sam_timer *t)
{
    alarm_cancel(t->chip->sim, &t->wdt_alarm);
    alarm_cancel(t->chip->sim, &t->wdt_look);
    for (int i = 0; i < COUNTERS; i++)
        alarm_cancel(t->chip->sim, &t->counters[i].alarm);
}

void sam_timer_free(struct sam_timer *t)
{
    sam_timer_power_off(t);
    free(t);
}
