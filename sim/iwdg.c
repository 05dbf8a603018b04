/* iwdg.c - the two watchdogs: independent (its own 40 kHz) and window (PCLK1).
 *
 *   called by  f103.c, dbgmcu.c (freeze)      calls  f103_reset_internal(), rcc.c
 *
 *   IWDG   key 0xCCCC starts it, 0xAAAA reloads, 0x5555 opens PR and RLR.  Only a reset
 *          stops it.  PR and RLR take five LSI cycles to arrive (SR).
 *   WWDG   counts T[6:0] down; leaving 0x40, or a reload while T > W, resets the chip.
 *
 * Expiry is one alarm; a reload moves it.  The phase of the prescalers is not kept, so
 * a period may differ from the chip's by one prescaled cycle.  WWDG's counter stands
 * still until WDGA is set; the chip's runs.
 *
 * Sources: RM0008 19 (IWDG), 20 (WWDG); DS5319 table 25 (LSI is 30 to 60 kHz, here
 * 40). */
#include "f103.h"
#include <stdlib.h>

enum { KR = 0x00, PR = 0x04, RLR = 0x08, SR = 0x0C };
enum { KEY_RELOAD = 0xAAAA, KEY_OPEN = 0x5555, KEY_START = 0xCCCC, PVU = 1, RVU = 2 };
enum { CR = 0x00, CFR = 0x04, WSR = 0x08, WDGA = 1 << 7, EWI = 1 << 9 };
enum { WDG_SW = 1 };                        /* option byte: 0 = starts by itself */
#define LSI_CYCLE (SIM_SECOND / 40000)

struct watchdog_alarm {
    struct alarm alarm;
    sim_time left;                          /* while frozen */
    bool frozen;
    sim_time frozen_at;
};

struct wdg {
    struct f103 *f103;
    bool open, started;
    uint32_t pr, rlr;
    sim_time pr_until, rlr_until;           /* on their way to the LSI's side */
    struct watchdog_alarm iwdg, wwdg;
    uint32_t cr, cfr;                       /* T as it was at `since` */
    bool ewif;
    sim_time since;
};

static void set(struct wdg *wdg, struct watchdog_alarm *a, sim_time from_now)
{
    a->left = from_now;
    if (!a->frozen)
        alarm_set(wdg->f103->sim, &a->alarm, wdg->f103->sim->now + from_now);
}

static void freeze(struct wdg *wdg, struct watchdog_alarm *a, bool frozen)
{
    if (a->frozen == frozen)
        return;
    a->frozen = frozen;
    a->frozen_at = wdg->f103->sim->now;
    if (frozen && alarm_is_set(&a->alarm)) {
        a->left = a->alarm.at - wdg->f103->sim->now;
        alarm_cancel(wdg->f103->sim, &a->alarm);
    } else if (!frozen && a->left) {
        set(wdg, a, a->left);
    }
}

static void stop(struct wdg *wdg, struct watchdog_alarm *a)
{
    alarm_cancel(wdg->f103->sim, &a->alarm);
    a->left = 0;
}

static void bite(struct wdg *wdg, bool window)
{
    f103_report(wdg->f103, SIM_NOTE, "%s resets the chip", window ? "WWDG" : "IWDG");
    wdg->f103->window_watchdog = window;
    f103_reset_internal(wdg->f103, RESET_WATCHDOG);
}

/* --- independent watchdog --------------------------------------------------------- */

static void iwdg_expired(void *ctx)
{
    struct wdg *wdg = ctx;
    wdg->iwdg.left = 0;
    bite(wdg, false);
}

static void iwdg_reload(struct wdg *wdg)
{
    unsigned shift = 2 + (wdg->pr < 6 ? wdg->pr : 6);   /* divides by 4 to 256 */
    if (wdg->started)
        set(wdg, &wdg->iwdg, (wdg->rlr + 1) * (LSI_CYCLE << shift));
}

static void iwdg_start(struct wdg *wdg)
{
    wdg->started = true;
    rcc_lsi_force_on(wdg->f103->rcc);
    iwdg_reload(wdg);
}

static bool iwdg_open(struct wdg *wdg, const char *name, sim_time busy_until)
{
    if (!wdg->open)
        f103_report(wdg->f103, SIM_RULE, "%s written without the key 0x5555", name);
    else if (wdg->f103->sim->now < busy_until)
        f103_report(wdg->f103, SIM_RULE, "%s written while its SR bit is set", name);
    else
        return true;
    return false;
}

static void write_key(struct wdg *wdg, uint32_t key)
{
    wdg->open = key == KEY_OPEN;
    if (key == KEY_RELOAD)
        iwdg_reload(wdg);
    else if (key == KEY_START && !wdg->started)
        iwdg_start(wdg);
}

static uint32_t iwdg_read(void *ctx, uint32_t reg)
{
    struct wdg *wdg = ctx;
    sim_time now = wdg->f103->sim->now;
    switch (reg) {
    case KR:  return 0;
    case PR:  return wdg->pr;
    case RLR: return wdg->rlr;
    case SR:  return (now < wdg->pr_until ? PVU : 0) | (now < wdg->rlr_until ? RVU : 0);
    }
    f103_report(wdg->f103, SIM_UNMODELLED, "IWDG+0x%02X read", reg);
    return 0;
}

static void iwdg_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct wdg *wdg = ctx;
    sim_time arrives = wdg->f103->sim->now + 5 * LSI_CYCLE;
    if (reg == KR) {
        write_key(wdg, value & 0xFFFF);
    } else if (reg == PR && iwdg_open(wdg, "IWDG_PR", wdg->pr_until)) {
        wdg->pr = value & 7;
        wdg->pr_until = arrives;
    } else if (reg == RLR && iwdg_open(wdg, "IWDG_RLR", wdg->rlr_until)) {
        wdg->rlr = value & 0xFFF;
        wdg->rlr_until = arrives;
    }
}

static void iwdg_reset(void *ctx)
{
    struct wdg *wdg = ctx;
    stop(wdg, &wdg->iwdg);
    wdg->open = wdg->started = false;
    wdg->pr = 0;
    wdg->rlr = 0xFFF;
    wdg->pr_until = wdg->rlr_until = 0;
}

/* After reset: the option byte may ask for a watchdog from the first instruction on. */
void wdg_chip_starts(struct wdg *wdg)
{
    if (!(fpec_user_option(wdg->f103->fpec) & WDG_SW))
        iwdg_start(wdg);
}

/* --- window watchdog -------------------------------------------------------------- */

static sim_time wwdg_step(const struct wdg *wdg)
{
    return rcc_pclk(wdg->f103->rcc, ON_APB1) * (4096u << (wdg->cfr >> 7 & 3));
}

static sim_time wwdg_now(const struct wdg *wdg)
{
    return wdg->wwdg.frozen ? wdg->wwdg.frozen_at : wdg->f103->sim->now;
}

static uint32_t wwdg_counter(const struct wdg *wdg)
{
    if (!(wdg->cr & WDGA))
        return wdg->cr & 0x7F;
    sim_time steps = (wwdg_now(wdg) - wdg->since) / wwdg_step(wdg);
    return (wdg->cr - (uint32_t)steps) & 0x7F;
}

static void wwdg_event(void *ctx)
{
    struct wdg *wdg = ctx;
    wdg->wwdg.left = 0;
    if (wwdg_counter(wdg) == 0x40) {
        wdg->ewif = true;
        f103_irq(wdg->f103, IRQ_WWDG, wdg->cfr & EWI);
        set(wdg, &wdg->wwdg, wwdg_step(wdg));
    } else if (wdg->cr & WDGA) {
        bite(wdg, true);
    }
}

static void write_wwdg_cr(struct wdg *wdg, uint32_t value)
{
    bool was_on = wdg->cr & WDGA;
    uint32_t t = value & 0x7F;
    bool too_early = wwdg_counter(wdg) > (wdg->cfr & 0x7F);
    wdg->cr = t | (value & WDGA) | (was_on ? WDGA : 0);
    wdg->since = wwdg_now(wdg);
    if (!(wdg->cr & WDGA))
        return;
    if (t < 0x40 || (was_on && too_early))
        bite(wdg, true);
    else
        set(wdg, &wdg->wwdg, (t == 0x40 ? 1 : t - 0x40) * wwdg_step(wdg));
}

static uint32_t wwdg_read(void *ctx, uint32_t reg)
{
    struct wdg *wdg = ctx;
    switch (reg) {
    case CR:  return (wdg->cr & WDGA) | wwdg_counter(wdg);
    case CFR: return wdg->cfr;
    case WSR: return wdg->ewif;
    }
    f103_report(wdg->f103, SIM_UNMODELLED, "WWDG+0x%02X read", reg);
    return 0;
}

static void wwdg_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct wdg *wdg = ctx;
    if (reg == CR) {
        write_wwdg_cr(wdg, value);
    } else if (reg == CFR) {
        wdg->cr = (wdg->cr & WDGA) | wwdg_counter(wdg);
        wdg->since = wwdg_now(wdg);
        wdg->cfr = value & 0x3FF;
    } else if (reg == WSR && !(value & 1)) {
        wdg->ewif = false;
    }
    f103_irq(wdg->f103, IRQ_WWDG, wdg->ewif && wdg->cfr & EWI);
}

static void wwdg_reset(void *ctx)
{
    struct wdg *wdg = ctx;
    stop(wdg, &wdg->wwdg);
    wdg->cr = wdg->cfr = 0x7F;
    wdg->ewif = false;
    wdg->since = wwdg_now(wdg);
    f103_irq(wdg->f103, IRQ_WWDG, false);
}

/* --- both ------------------------------------------------------------------------- */

void wdg_freeze(struct wdg *wdg, bool iwdg, bool wwdg)
{
    freeze(wdg, &wdg->iwdg, iwdg);
    if (wdg->wwdg.frozen && !wwdg)          /* the time in between does not count */
        wdg->since += wdg->f103->sim->now - wdg->wwdg.frozen_at;
    freeze(wdg, &wdg->wwdg, wwdg);
}

void wdg_power_off(struct wdg *wdg)
{
    iwdg_reset(wdg);
    wwdg_reset(wdg);
}

void wdg_new(struct f103 *f103)
{
    struct wdg *wdg = calloc(1, sizeof *wdg);
    f103->wdg = wdg;
    wdg->f103 = f103;
    wdg->rlr = 0xFFF;
    wdg->cr = wdg->cfr = 0x7F;
    alarm_init(&wdg->iwdg.alarm, iwdg_expired, wdg);
    alarm_init(&wdg->wwdg.alarm, wwdg_event, wdg);
    f103_add_block(f103, &(struct block){
        .name = "IWDG", .base = 0x40003000, .size = 0x400, .bridge = ON_APB1,
        .enable_bit = -1, .access = HALVES_OK, .read = iwdg_read, .write = iwdg_write,
        .reset = iwdg_reset, .ctx = wdg });
    f103_add_block(f103, &(struct block){
        .name = "WWDG", .base = 0x40002C00, .size = 0x400, .bridge = ON_APB1,
        .enable_bit = 11, .access = HALVES_OK, .read = wwdg_read, .write = wwdg_write,
        .reset = wwdg_reset, .ctx = wdg });
}

void wdg_free(struct wdg *wdg)
{
    alarm_cancel(wdg->f103->sim, &wdg->iwdg.alarm);
    alarm_cancel(wdg->f103->sim, &wdg->wwdg.alarm);
    free(wdg);
}
