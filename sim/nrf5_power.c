/* nrf5_power.c - CLOCK, POWER, the nRF52840's access port protection, and the watchdog.
 *
 *   called by  nrf5.c, nrf5_nvmc.c      calls  swdp.h (shuts the AHB-AP), nrf5_uicr()
 *
 * Access port protection has two makes (4.6.3 of the specification, "controlled by
 * hardware", and "by hardware and software" from build code Fxx on):
 *
 *   before Fxx  closed after a reset that finds UICR.APPROTECT other than 0xFF
 *   from Fxx on closed after every hard reset; open once UICR.APPROTECT is 0x5A and the
 *               program has written 0x5A to APPROTECT.DISABLE
 *
 * CTRL-AP.ERASEALL opens both: the first from the next reset on, the second at once and until
 * a hard reset (power, pin, watchdog).
 *
 * 51: readback protection is nrf5_nvmc.c's.  In this block lie the registers of its MPU, too.
 *
 * The watchdog counts at 32768 Hz and lives through soft resets.  While a debugger holds the
 * core it runs on if CONFIG.HALT is 1; the core does not tell, so we look every 10 us.
 *
 * Sources: nRF51 reference manual v3.0 12, 13, 18; nRF52840 PS v1.7 5.3 (POWER), 5.3.6.9 (which reset resets what), 5.4 (CLOCK), 4.6.3,
 * 6.36 (WDT).  Times of the oscillators: 360 us, 600 us (RC), 250 ms (crystal). */
#include "nrf5.h"
#include <stdlib.h>

enum { HFCLKSTART = 0x000, HFCLKSTOP = 0x004, LFCLKSTART = 0x008, LFCLKSTOP = 0x00C,
       CAL = 0x010, HFCLKSTARTED = 0x100, LFCLKSTARTED = 0x104, CAL_DONE = 0x10C,
       RESETREAS = 0x400, HFCLKRUN = 0x408, HFCLKSTAT = 0x40C, LFCLKRUN = 0x414,
       LFCLKSTAT = 0x418, LFCLKSRCCOPY = 0x41C, SYSTEMOFF = 0x500, GPREGRET = 0x51C,
       GPREGRET2 = 0x520, LFCLKSRC = 0x518, FORCEPROTECT = 0x550, DISABLE = 0x558,
       TRACECONFIG = 0x55C, MAINREGSTATUS = 0x640, KEPT_FROM = 0x500,
       RAMON_51 = 0x524, RESET_51 = 0x544, XTALFREQ_51 = 0x550, MPU_FROM = 0x600, MPU_END = 0x610 };
enum { RESETPIN = 1 << 0, DOG = 1 << 1, SREQ = 1 << 2 };
enum { UICR_APPROTECT = 0x208, UNPROTECTED = 0xFF, HW_DISABLED = 0x5A };
enum { STATE = 1 << 16, XTAL = 1 << 0 };
enum { TRACEPORTSPEED = 3, TRACEMUX = 3 << 16, SERIAL = 1 << 16, SWO = 32 };   /* P1.00 */
enum { WDT_START = 0x000, WDT_TIMEOUT = 0x100, RUNSTATUS = 0x400, REQSTATUS = 0x404,
       CRV = 0x504, RREN = 0x508, WDT_CONFIG = 0x50C, RR0 = 0x600, RR7 = 0x61C,
       CONFIG_HALT = 1 << 3 };
#define RELOAD     0x6E524635u
#define LOOK_EVERY (10 * SIM_US)
#define LFCLK(n)   ((sim_time)((n) * (double)SIM_SECOND / 32768))

struct nrf5_power {
    struct nrf5 *nrf5;
    struct nrf5_events events;
    uint32_t resetreas, gpregret[2], lfclksrc;
    bool hfclk, lfclk, hfclk_asked, lfclk_asked;
    struct alarm hf_started, lf_started;
    uint32_t kept[(0x1000 - KEPT_FROM) / 4];    /* registers that are only remembered */

    bool hw_open, sw_open;          /* the two halves of a hardened chip's protection */
    bool protected;
    bool drives_swo;
    int swo;                        /* the TPIU's level */

    struct nrf5_events wdt_events;
    bool wdt_runs, wdt_frozen;
    uint32_t crv, rren, wdt_config, requests;
    sim_time wdt_left;              /* while it stands still */
    struct alarm bites, look;
};

/* --- access port protection --------------------------------------------------------- */

static void settle(struct nrf5_power *power, bool protect)
{
    power->protected = protect;
    swdp_enable_bus(power->nrf5->chip.debug_port, !protect);
}

bool nrf5_power_protected(const struct nrf5_power *power) { return power->protected; }

void nrf5_power_apply_protection(struct nrf5_power *power)
{
    struct nrf5 *nrf5 = power->nrf5;
    uint8_t approtect = (uint8_t)nrf5_uicr(nrf5->nvmc, UICR_APPROTECT);
    bool soft = nrf5->cause == RESET_SOFTWARE;
    if (!nrf5->hardened) {
        settle(power, !nrf5->model->is_51 && approtect != UNPROTECTED);
        return;
    }
    power->hw_open = approtect == HW_DISABLED || (power->hw_open && soft);
    power->sw_open &= soft;
    settle(power, !(power->hw_open && power->sw_open));
}

void nrf5_power_erased(struct nrf5_power *power)
{
    nrf5_clear_ram(power->nrf5);
    if (!power->nrf5->hardened)
        return;
    power->hw_open = power->sw_open = true;
    settle(power, false);
}

static void write_protection(struct nrf5_power *power, uint32_t reg, uint32_t value)
{
    if (power->nrf5->model->is_51)
        power->kept[(reg - KEPT_FROM) / 4] = value;         /* XTALFREQ, and nothing */
    if (!power->nrf5->hardened)
        return;                             /* no such registers */
    if (reg == DISABLE && (value & 0xFF) == HW_DISABLED)
        power->sw_open = true;
    else if (reg == FORCEPROTECT)
        power->sw_open = power->hw_open = false;
    settle(power, !(power->hw_open && power->sw_open));
}

/* --- CLOCK, POWER ------------------------------------------------------------------- */

static void hf_started(void *ctx)
{
    struct nrf5_power *power = ctx;
    power->hfclk = true;
    nrf5_event(&power->events, HFCLKSTARTED);
}

static void lf_started(void *ctx)
{
    struct nrf5_power *power = ctx;
    power->lfclk = true;
    nrf5_event(&power->events, LFCLKSTARTED);
}

static void task(struct nrf5_power *power, uint32_t reg)
{
    struct sim *sim = power->nrf5->sim;
    switch (reg) {
    case HFCLKSTART:
        power->hfclk_asked = true;
        alarm_set(sim, &power->hf_started, sim->now + 360 * SIM_US);
        break;
    case HFCLKSTOP:
        power->hfclk = power->hfclk_asked = false;
        alarm_cancel(sim, &power->hf_started);
        break;
    case LFCLKSTART:
        power->lfclk_asked = true;
        alarm_set(sim, &power->lf_started,
                  sim->now + (power->lfclksrc & 3 ? 250 * SIM_MS : 600 * SIM_US));
        break;
    case LFCLKSTOP:
        power->lfclk = power->lfclk_asked = false;
        alarm_cancel(sim, &power->lf_started);
        break;
    case CAL: nrf5_event(&power->events, CAL_DONE); break;
    default:  break;                        /* CONSTLAT, LOWPWR: no matter of ours */
    }
}

static bool is_mpu(const struct nrf5_power *power, uint32_t reg)
{
    return power->nrf5->model->is_51 && reg >= MPU_FROM && reg < MPU_END;
}

bool nrf5_power_pin_resets(const struct nrf5_power *power)
{
    return power->kept[(RESET_51 - KEPT_FROM) / 4] & 1;
}

static uint32_t power_read(void *ctx, uint32_t reg)
{
    struct nrf5_power *power = ctx;
    uint32_t value;
    if (nrf5_events_read(&power->events, reg, &value))
        return value;
    if (is_mpu(power, reg))
        return nrf5_mpu_read(power->nrf5->nvmc, reg);
    switch (reg) {
    case RESETREAS: return power->resetreas;
    case HFCLKRUN:  return power->hfclk_asked;
    case HFCLKSTAT: return STATE | (power->hfclk ? XTAL : 0);
    case LFCLKRUN:  return power->lfclk_asked;
    case LFCLKSTAT: return power->lfclk ? STATE | (power->lfclksrc & 3) : 0;
    case LFCLKSRCCOPY:
    case LFCLKSRC:  return power->lfclksrc;
    case GPREGRET:  return power->gpregret[0];
    case GPREGRET2: return power->gpregret[1];
    case DISABLE:   return power->nrf5->hardened && power->sw_open ? HW_DISABLED : 0;
    case MAINREGSTATUS: return 0;
    default:        return reg >= KEPT_FROM ? power->kept[(reg - KEPT_FROM) / 4] : 0;
    }
}

/* CLOCK.TRACECONFIG: whether P1.00 is SWO, and the trace clock: 32, 16, 8 or 4 MHz (5.4.3). */
static void configure_trace(struct nrf5_power *power, uint32_t value)
{
    struct nrf5 *nrf5 = power->nrf5;
    bool serial = (value & TRACEMUX) == SERIAL;
    power->kept[(TRACECONFIG - KEPT_FROM) / 4] = value & (TRACEMUX | TRACEPORTSPEED);
    if (serial || power->drives_swo)
        nrf5_gpio_drive(nrf5->gpio, SWO, serial, power->swo);
    power->drives_swo = serial;
    coredebug_trace_clock(nrf5->coredebug, SIM_SECOND / 32000000 << (value & TRACEPORTSPEED));
}

static void swo_changed(void *ctx, int level)
{
    struct nrf5_power *power = ctx;
    power->swo = level;
    if (power->drives_swo)
        nrf5_gpio_drive(power->nrf5->gpio, SWO, true, level);
}

void nrf5_power_connect_swo(struct nrf5 *nrf5)
{
    coredebug_connect_swo(nrf5->coredebug, swo_changed, nrf5->power);
    configure_trace(nrf5->power, 0);
}

static bool has_trace(const struct nrf5_power *power)
{
    return !power->nrf5->model->is_51 && power->nrf5->coredebug;
}

static void power_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct nrf5_power *power = ctx;
    if (reg < 0x100) {
        if (value & 1)
            task(power, reg);
        return;
    }
    if (nrf5_events_write(&power->events, reg, value))
        return;
    if (is_mpu(power, reg)) {
        nrf5_mpu_write(power->nrf5->nvmc, reg, value);
        return;
    }
    switch (reg) {
    case RESETREAS: power->resetreas &= ~value; break;
    case LFCLKSRC:  power->lfclksrc = value & 0x30003; break;
    case GPREGRET:  power->gpregret[0] = value & 0xFF; break;
    case GPREGRET2: power->gpregret[1] = value & 0xFF; break;
    case SYSTEMOFF:
        nrf5_report(power->nrf5, SIM_UNMODELLED, "POWER.SYSTEMOFF");
        break;
    case DISABLE:
    case FORCEPROTECT: write_protection(power, reg, value); break;
    default:
        if (reg == TRACECONFIG && has_trace(power))
            configure_trace(power, value);
        else if (reg >= KEPT_FROM)
            power->kept[(reg - KEPT_FROM) / 4] = value;
        break;
    }
}

/* --- WDT ---------------------------------------------------------------------------- */

static void wdt_set(struct nrf5_power *power, sim_time time)
{
    power->wdt_left = time;
    if (!power->wdt_frozen)
        alarm_set(power->nrf5->sim, &power->bites, power->nrf5->sim->now + time);
}

static void wdt_reload(struct nrf5_power *power)
{
    power->requests = power->rren;
    wdt_set(power, LFCLK(power->crv + 1.0));
}

static void bites(void *ctx)
{
    struct nrf5_power *power = ctx;
    nrf5_event(&power->wdt_events, WDT_TIMEOUT);
    nrf5_report(power->nrf5, SIM_NOTE, "WDT resets the chip");
    nrf5_reset_internal(power->nrf5, RESET_WATCHDOG);
}

static void look(void *ctx)
{
    struct nrf5_power *power = ctx;
    struct sim *sim = power->nrf5->sim;
    bool freeze = power->nrf5->cpu->halted && !(power->wdt_config & CONFIG_HALT);
    if (freeze != power->wdt_frozen && power->wdt_runs) {
        if (freeze) {
            power->wdt_left = power->bites.at - sim->now;
            alarm_cancel(sim, &power->bites);
        }
        power->wdt_frozen = freeze;
        if (!freeze)
            wdt_set(power, power->wdt_left);
    }
    alarm_set(sim, &power->look, sim->now + LOOK_EVERY);
}

static void wdt_start(struct nrf5_power *power)
{
    if (power->wdt_runs)
        return;
    power->wdt_runs = true;
    power->wdt_frozen = false;
    wdt_reload(power);
    alarm_set(power->nrf5->sim, &power->look, power->nrf5->sim->now + LOOK_EVERY);
}

/* All enabled requests have to come before the counter starts again. */
static void wdt_request(struct nrf5_power *power, int n, uint32_t value)
{
    if (!power->wdt_runs || value != RELOAD)
        return;
    power->requests &= ~(1u << n);
    if (!power->requests)
        wdt_reload(power);
}

static uint32_t wdt_read(void *ctx, uint32_t reg)
{
    struct nrf5_power *power = ctx;
    uint32_t value;
    if (nrf5_events_read(&power->wdt_events, reg, &value))
        return value;
    switch (reg) {
    case RUNSTATUS:  return power->wdt_runs;
    case REQSTATUS:  return power->requests;
    case CRV:        return power->crv;
    case RREN:       return power->rren;
    case WDT_CONFIG: return power->wdt_config;
    default:         return 0;
    }
}

static void wdt_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct nrf5_power *power = ctx;
    if (nrf5_events_write(&power->wdt_events, reg, value))
        return;
    if (reg == WDT_START && value & 1)
        wdt_start(power);
    else if (reg >= RR0 && reg <= RR7)
        wdt_request(power, (int)(reg - RR0) / 4, value);
    else if (power->wdt_runs)
        return;                             /* locked now (6.36) */
    else if (reg == CRV)
        power->crv = value;
    else if (reg == RREN)
        power->rren = value & 0xFF;
    else if (reg == WDT_CONFIG)
        power->wdt_config = value & 9;
}

static void wdt_stop(struct nrf5_power *power)
{
    alarm_cancel(power->nrf5->sim, &power->bites);
    alarm_cancel(power->nrf5->sim, &power->look);
    power->wdt_runs = power->wdt_frozen = false;
    power->crv = 0xFFFFFFFF;
    power->rren = power->wdt_config = power->requests = 1;
    nrf5_events_reset(&power->wdt_events);
}

/* --- resets ------------------------------------------------------------------------- */

static void power_reset(void *ctx)
{
    struct nrf5_power *power = ctx;
    task(power, HFCLKSTOP);
    task(power, LFCLKSTOP);
    nrf5_events_reset(&power->events);
    power->lfclksrc = 0;
    for (unsigned i = 0; i < sizeof power->kept / sizeof power->kept[0]; i++)
        power->kept[i] = 0;
    if (has_trace(power))
        configure_trace(power, 0);
    if (power->nrf5->model->is_51) {
        power->kept[(RAMON_51 - KEPT_FROM) / 4] = 3;
        power->kept[(XTALFREQ_51 - KEPT_FROM) / 4] = 0xFF;      /* 16 MHz */
    }
}

/* RESETREAS gathers until it is cleared; only power-on finds it 0. */
void nrf5_power_reset_cause(struct nrf5_power *power, enum reset_cause cause)
{
    switch (cause) {
    case RESET_POWER:    power->resetreas = 0; break;
    case RESET_PIN:      power->resetreas |= RESETPIN; break;
    case RESET_WATCHDOG: power->resetreas |= DOG; break;
    case RESET_SOFTWARE: power->resetreas |= SREQ; break;
    default:             break;
    }
    if (cause == RESET_SOFTWARE)
        return;
    wdt_stop(power);
    if (cause != RESET_WATCHDOG)
        power->gpregret[0] = power->gpregret[1] = 0;
}

void nrf5_power_off(struct nrf5_power *power)
{
    wdt_stop(power);
    power_reset(power);
    power->hw_open = power->sw_open = false;
    settle(power, !power->nrf5->model->is_51);      /* until the next reset has looked at UICR */
}

void nrf5_power_new(struct nrf5 *nrf5)
{
    struct nrf5_power *power = nrf5->power = calloc(1, sizeof *power);
    power->nrf5 = nrf5;
    power->events = (struct nrf5_events){ .irq = NRF5_IRQ_POWER_CLOCK, .nrf5 = nrf5 };
    power->wdt_events = (struct nrf5_events){ .irq = NRF5_IRQ_WDT, .nrf5 = nrf5 };
    alarm_init(&power->hf_started, hf_started, power);
    alarm_init(&power->lf_started, lf_started, power);
    alarm_init(&power->bites, bites, power);
    alarm_init(&power->look, look, power);
    wdt_stop(power);
    nrf5_add_block(nrf5, &(struct nrf5_block){
        .name = "CLOCK and POWER", .base = 0x40000000, .size = 0x1000, .read = power_read,
        .write = power_write, .reset = power_reset, .ctx = power });
    nrf5_add_block(nrf5, &(struct nrf5_block){
        .name = "WDT", .base = 0x40010000, .size = 0x1000, .read = wdt_read,
        .write = wdt_write, .ctx = power });
}

void nrf5_power_free(struct nrf5_power *power)
{
    alarm_cancel(power->nrf5->sim, &power->hf_started);
    alarm_cancel(power->nrf5->sim, &power->lf_started);
    alarm_cancel(power->nrf5->sim, &power->bites);
    alarm_cancel(power->nrf5->sim, &power->look);
    free(power);
}
