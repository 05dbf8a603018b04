/* f4_debug.c - DBGMCU of an STM32F2, F4 or F7, the two watchdogs it may freeze, system memory.
 *
 *   called by  f4.c      calls  f4_rcc.c, f4_reset_internal()
 *
 *   IWDG   its own 32 kHz; key 0xCCCC starts it, 0xAAAA reloads, 0x5555 opens PR and RLR.  An
 *          F7's has a window: a reload while the counter is above WINR resets the chip
 *   WWDG   counts T[6:0] down in steps of 4096 PCLK1 << WDGTB; leaving 0x40, or a reload
 *          while T > W, resets the chip
 *
 * The freeze bits need to know when the core is halted, which it does not tell: we look every
 * 10 us while one is set.  DBGMCU lives through system resets.  Timers are not modelled, so
 * their freeze bits are only kept.
 *
 * ST's boot loader is not ours to copy: BKPT stands in system memory.  The flash size and the
 * unique id behind it are real.
 *
 * Sources: RM0090 38.6.1, 38.16 (DBGMCU), 21 (IWDG), 22 (WWDG), 39 (electronic signature);
 * RM0385 29, 30 (watchdogs), 40.6.1, 41; DS8626 table 39 (LSI: 17 to 47 kHz, here 32). */
#include "f4.h"
#include <stdlib.h>
#include <string.h>

enum { IDCODE = 0x00, CR = 0x04, APB1_FZ = 0x08, APB2_FZ = 0x0C };
enum { CR_BITS = 0xE7, WWDG_STOP = 1 << 11, IWDG_STOP = 1 << 12 };
enum { DBG_SLEEP = 1 << 0, DBG_STOP = 1 << 1, TRACE_IOEN = 1 << 5, TRACE_MODE = 3 << 6, DMA1_GATE = 21 };
#define PRIVATE_BUS 0xE0000000u
#define LOOK_EVERY  (10 * SIM_US)
#define LSI_CYCLE   (SIM_SECOND / 32000)

enum { KR = 0x00, PR = 0x04, RLR = 0x08, IWDG_SR = 0x0C, WINR = 0x10 };
enum { KEY_RELOAD = 0xAAAA, KEY_OPEN = 0x5555, KEY_START = 0xCCCC, PVU = 1, RVU = 2, WVU = 4 };
enum { WWDG_CR = 0x00, CFR = 0x04, WWDG_SR = 0x08, WDGA = 1 << 7, EWI = 1 << 9 };

enum { SIGNATURE_WORDS = 9 };

/* Time that a halted core may stop. */
struct countdown {
    struct alarm alarm;
    bool frozen;
    sim_time left;                          /* while frozen; 0: not running */
};

struct f4_debug {
    struct f4 *f4;
    uint32_t cr, fz[2];
    struct alarm look;
    int swo;                                /* the TPIU's level */
    bool drives_swo;

    bool open, started;                     /* IWDG */
    uint32_t pr, rlr, winr;
    sim_time pr_until, rlr_until, winr_until;
    struct countdown iwdg;

    uint32_t wcr, cfr;                      /* WWDG: WDGA and T as at the last reload */
    bool ewif;
    struct countdown wwdg;                  /* to its next event: 0x40, or the reset */
    uint32_t signature[SIGNATURE_WORDS];
};

/* --- countdowns --------------------------------------------------------------------- */

static void set(struct f4_debug *d, struct countdown *c, sim_time time)
{
    c->left = time;
    if (!c->frozen)
        alarm_set(d->f4->sim, &c->alarm, d->f4->sim->now + time);
}

static sim_time left(const struct f4_debug *d, const struct countdown *c)
{
    return alarm_is_set(&c->alarm) ? c->alarm.at - d->f4->sim->now : c->left;
}

static void stop(struct f4_debug *d, struct countdown *c)
{
    alarm_cancel(d->f4->sim, &c->alarm);
    c->left = 0;
}

static void freeze(struct f4_debug *d, struct countdown *c, bool frozen)
{
    if (c->frozen == frozen)
        return;
    sim_time rest = left(d, c);
    alarm_cancel(d->f4->sim, &c->alarm);
    c->frozen = frozen;
    if (rest)
        set(d, c, rest);
}

static void bite(struct f4_debug *d, bool window)
{
    f4_report(d->f4, SIM_NOTE, "%s resets the chip", window ? "WWDG" : "IWDG");
    d->f4->window_watchdog = window;
    f4_reset_internal(d->f4, RESET_WATCHDOG);
}

/* --- independent watchdog ----------------------------------------------------------- */

static void iwdg_expired(void *ctx)
{
    struct f4_debug *d = ctx;
    d->iwdg.left = 0;
    bite(d, false);
}

static sim_time iwdg_step(const struct f4_debug *d)
{
    return LSI_CYCLE << (2 + (d->pr < 6 ? d->pr : 6));      /* divides by 4 to 256 */
}

static void iwdg_reload(struct f4_debug *d)
{
    if (d->started)
        set(d, &d->iwdg, (d->rlr + 1) * iwdg_step(d));
}

static void iwdg_told_to_reload(struct f4_debug *d)
{
    if (d->started && left(d, &d->iwdg) > (d->winr + 1) * iwdg_step(d))
        bite(d, false);
    else
        iwdg_reload(d);
}

static void iwdg_start(struct f4_debug *d)
{
    d->started = true;
    f4_rcc_lsi_force_on(d->f4->rcc);
    iwdg_reload(d);
}

static bool iwdg_open(struct f4_debug *d, const char *name, sim_time busy_until)
{
    if (!d->open)
        f4_report(d->f4, SIM_RULE, "%s written without the key 0x5555", name);
    else if (d->f4->sim->now < busy_until)
        f4_report(d->f4, SIM_RULE, "%s written while its SR bit is set", name);
    else
        return true;
    return false;
}

static uint32_t iwdg_read(void *ctx, uint32_t reg)
{
    struct f4_debug *d = ctx;
    sim_time now = d->f4->sim->now;
    switch (reg) {
    case PR:      return d->pr;
    case RLR:     return d->rlr;
    case IWDG_SR: return (now < d->pr_until ? PVU : 0) | (now < d->rlr_until ? RVU : 0) |
                         (now < d->winr_until ? WVU : 0);
    case WINR:    return d->f4->part->f7 ? d->winr : 0;
    default:      return 0;
    }
}

static void write_key(struct f4_debug *d, uint32_t key)
{
    d->open = key == KEY_OPEN;
    if (key == KEY_RELOAD)
        iwdg_told_to_reload(d);
    else if (key == KEY_START && !d->started)
        iwdg_start(d);
}

static void iwdg_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct f4_debug *d = ctx;
    sim_time arrives = d->f4->sim->now + 5 * LSI_CYCLE;
    if (reg == KR) {
        write_key(d, value & 0xFFFF);
    } else if (reg == PR && iwdg_open(d, "IWDG_PR", d->pr_until)) {
        d->pr = value & 7;
        d->pr_until = arrives;
    } else if (reg == RLR && iwdg_open(d, "IWDG_RLR", d->rlr_until)) {
        d->rlr = value & 0xFFF;
        d->rlr_until = arrives;
    } else if (reg == WINR && d->f4->part->f7 && iwdg_open(d, "IWDG_WINR", d->winr_until)) {
        d->winr = value & 0xFFF;
        d->winr_until = arrives;
        iwdg_reload(d);
    }
}

static void iwdg_reset(void *ctx)
{
    struct f4_debug *d = ctx;
    stop(d, &d->iwdg);
    d->open = d->started = false;
    d->pr = 0;
    d->rlr = d->winr = 0xFFF;
    d->pr_until = d->rlr_until = d->winr_until = 0;
}

/* --- window watchdog ---------------------------------------------------------------- */

static sim_time wwdg_step(const struct f4_debug *d)
{
    return f4_rcc_clock(d->f4->rcc, F4_APB1) * (4096u << (d->cfr >> 7 & 3));
}

/* T now: the event ahead is 0x40, or one step behind it. */
static uint32_t wwdg_counter(const struct f4_debug *d)
{
    sim_time rest = left(d, &d->wwdg);
    if (!(d->wcr & WDGA) || !rest)
        return d->wcr & 0x7F;
    uint32_t steps = (uint32_t)((rest + wwdg_step(d) - 1) / wwdg_step(d));
    return d->ewif && steps == 1 ? 0x40 : 0x40 + steps;
}

static void wwdg_event(void *ctx)
{
    struct f4_debug *d = ctx;
    d->wwdg.left = 0;
    if (!d->ewif) {
        d->ewif = true;
        f4_irq(d->f4, F4_IRQ_WWDG, d->cfr & EWI);
        set(d, &d->wwdg, wwdg_step(d));
    } else {
        bite(d, true);
    }
}

static void write_wwdg_cr(struct f4_debug *d, uint32_t value)
{
    bool was_on = d->wcr & WDGA, too_early = wwdg_counter(d) > (d->cfr & 0x7F);
    uint32_t t = value & 0x7F;
    d->wcr = t | (value & WDGA) | (was_on ? WDGA : 0);
    if (!(d->wcr & WDGA))
        return;
    if (t < 0x40 || (was_on && too_early)) {
        bite(d, true);
        return;
    }
    d->ewif = t == 0x40;
    set(d, &d->wwdg, (t == 0x40 ? 1 : t - 0x40) * wwdg_step(d));
}

static uint32_t wwdg_read(void *ctx, uint32_t reg)
{
    struct f4_debug *d = ctx;
    switch (reg) {
    case WWDG_CR: return (d->wcr & WDGA) | wwdg_counter(d);
    case CFR:     return d->cfr;
    case WWDG_SR: return d->ewif;
    default:      return 0;
    }
}

static void wwdg_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct f4_debug *d = ctx;
    if (reg == WWDG_CR)
        write_wwdg_cr(d, value);
    else if (reg == CFR)
        d->cfr = value & 0x3FF;
    f4_irq(d->f4, F4_IRQ_WWDG, d->ewif && d->cfr & EWI);
}

static void wwdg_reset(void *ctx)
{
    struct f4_debug *d = ctx;
    stop(d, &d->wwdg);
    d->wcr = d->cfr = 0x7F;
    d->ewif = false;
    f4_irq(d->f4, F4_IRQ_WWDG, false);
}

/* --- SWO, and sleep ------------------------------------------------------------------- */

/* JTDO and SWO share PB3: function 0 of a pin that TRACE_IOEN gave to trace, while the debug
 * port does not speak JTAG. */
static void update_swo(void *ctx)
{
    struct f4_debug *d = ctx;
    bool carries = (d->cr & (TRACE_IOEN | TRACE_MODE)) == TRACE_IOEN &&
                   f4_gpio_function(d->f4->gpio, F4_PB + 3) == 0 &&
                   !swdp_speaks_jtag(d->f4->chip.debug_port);
    if (carries || d->drives_swo)
        f4_gpio_drive(d->f4->gpio, F4_PB + 3, carries, d->swo);
    d->drives_swo = carries;
}

static void swo_changed(void *ctx, int level)
{
    struct f4_debug *d = ctx;
    d->swo = level;
    update_swo(d);
}

/* What a debugger sees of a core that sleeps without HCLK: as an STM32F103's, dbgmcu.c. */
static bool hides(void *ctx, uint32_t address)
{
    const struct f4 *f4 = ctx;
    return f4->cpu->asleep && address < PRIVATE_BUS && !(f4->debug->cr & DBG_SLEEP) &&
           !f4_rcc_gate_open(f4->rcc, F4_AHB1, DMA1_GATE) &&
           !f4_rcc_gate_open(f4->rcc, F4_AHB1, DMA1_GATE + 1);
}

static bool stops(void *ctx)
{
    const struct f4 *f4 = ctx;
    return cpu_sleeps_deeply(f4->cpu) && !(f4->debug->cr & DBG_STOP);
}

void f4_debug_connect(struct f4 *f4)
{
    swdp_stop(f4->chip.debug_port, stops, f4);
    swdp_on_switch(f4->chip.debug_port, update_swo, f4->debug);
    coredebug_connect_swo(f4->coredebug, swo_changed, f4->debug);
    swdp_hide(f4->chip.debug_port, hides, f4);
}

/* --- DBGMCU ------------------------------------------------------------------------- */

static void look(void *ctx)
{
    struct f4_debug *d = ctx;
    uint32_t frozen = d->f4->cpu->halted ? d->fz[0] : 0;
    freeze(d, &d->iwdg, frozen & IWDG_STOP);
    freeze(d, &d->wwdg, frozen & WWDG_STOP);
    if (d->fz[0] & (IWDG_STOP | WWDG_STOP))
        alarm_set(d->f4->sim, &d->look, d->f4->sim->now + LOOK_EVERY);
}

static uint32_t dbgmcu_read(void *ctx, uint32_t reg)
{
    const struct f4_debug *d = ctx;
    switch (reg) {
    case IDCODE:  return d->f4->part->idcode;
    case CR:      return d->cr;
    case APB1_FZ: return d->fz[0];
    case APB2_FZ: return d->fz[1];
    default:      return 0;
    }
}

static void dbgmcu_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct f4_debug *d = ctx;
    switch (reg) {
    case CR:      d->cr = value & CR_BITS; update_swo(d); break;
    case APB1_FZ: d->fz[0] = value & d->f4->part->freeze_bits[0]; look(d); break;
    case APB2_FZ: d->fz[1] = value & d->f4->part->freeze_bits[1]; break;
    default:      break;
    }
}

/* --- life --------------------------------------------------------------------------- */

/* A hardware watchdog runs from the first instruction on. */
void f4_debug_chip_starts(struct f4_debug *d)
{
    if (!f4_flash_software_watchdog(d->f4->flash))
        iwdg_start(d);
    if (!f4_flash_software_window_watchdog(d->f4->flash))
        write_wwdg_cr(d, WDGA | 0x7F);
}

void f4_debug_power(struct f4_debug *d, bool on)
{
    (void)on;
    d->cr = d->fz[0] = d->fz[1] = 0;
    update_swo(d);
    alarm_cancel(d->f4->sim, &d->look);
    iwdg_reset(d);
    wwdg_reset(d);
    d->iwdg.frozen = d->wwdg.frozen = false;
}

static uint32_t signature_read(void *ctx, uint32_t offset, int width)
{
    struct f4_debug *d = ctx;
    uint32_t value = 0;
    memcpy(&value, (uint8_t *)d->signature + offset, (size_t)width);
    return value;
}

static void signature_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    (void)ctx, (void)offset, (void)value, (void)width;
}

/* A stack pointer, an entry point, then BKPT 0 everywhere.  As large as the flash, because
 * the alias at 0 may show it. */
void f4_debug_system_memory(struct f4 *f4, uint32_t unique_id)
{
    uint32_t vectors[] = { 0x20002000, f4->part->system_base + 9 };
    uint8_t *memory = f4->system_memory = calloc(1, f4->part->flash.size);
    for (uint32_t i = 0; i < f4->part->system_size; i += 2)
        memcpy(memory + i, &(uint16_t){ 0xBE00 }, 2);
    memcpy(memory, vectors, sizeof vectors);
    uint32_t *s = f4->debug->signature;
    uint32_t kb = f4->part->flash.size / 1024;
    s[0] = unique_id * 2654435761u;
    s[1] = 0x30353230 ^ unique_id;
    s[2] = 0x20383056;
    s[3] = UINT32_MAX;
    for (int i = 4; i < SIGNATURE_WORDS; i++)
        s[i] = UINT32_MAX;
    s[f4->part->f7 ? 8 : 4] = kb << 16 | 0xFFFF;    /* RM0090 39.2: 0x12 on; RM0385 41.2: 0x22 */
}

void f4_debug_new(struct f4 *f4)
{
    struct f4_debug *d = f4->debug = calloc(1, sizeof *d);
    d->f4 = f4;
    alarm_init(&d->look, look, d);
    alarm_init(&d->iwdg.alarm, iwdg_expired, d);
    alarm_init(&d->wwdg.alarm, wwdg_event, d);
    iwdg_reset(d);
    d->wcr = d->cfr = 0x7F;
    f4_add_block(f4, &(struct f4_block){
        .name = "DBGMCU", .base = 0xE0042000, .size = 0x400, .bus = F4_AHB1, .bit = -1,
        .narrowest = 4, .read = dbgmcu_read, .write = dbgmcu_write, .ctx = d });
    f4_add_block(f4, &(struct f4_block){
        .name = "IWDG", .base = 0x40003000, .size = 0x400, .bus = F4_APB1, .bit = -1,
        .narrowest = 2, .read = iwdg_read, .write = iwdg_write, .reset = iwdg_reset,
        .ctx = d });
    f4_add_block(f4, &(struct f4_block){
        .name = "WWDG", .base = 0x40002C00, .size = 0x400, .bus = F4_APB1, .bit = 11,
        .narrowest = 2, .read = wwdg_read, .write = wwdg_write, .reset = wwdg_reset,
        .ctx = d });
    bus_add(f4->bus, &(struct bus_region){
        .base = f4->part->signature, .size = 4 * SIGNATURE_WORDS, .name = "electronic signature",
        .read = signature_read, .write = signature_write, .ctx = d });
}

void f4_debug_free(struct f4_debug *d)
{
    alarm_cancel(d->f4->sim, &d->look);
    alarm_cancel(d->f4->sim, &d->iwdg.alarm);
    alarm_cancel(d->f4->sim, &d->wwdg.alarm);
    free(d);
}
