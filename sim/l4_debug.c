/* l4_debug.c - DBGMCU of STM32 L4, G4, G0, L0, L1, F0 and F3, the two watchdogs it may freeze, unique id.
 *
 *   called by  l4.c      calls  l4_rcc.c, l4_reset_internal()
 *
 *   IWDG   LSI;  key 0xCCCC starts it, 0xAAAA reloads, 0x5555 opens PR, RLR and WINR
 *   WWDG   counts T[6:0] down in steps of 4096 PCLK << WDGTB; leaving 0x40, or a reload
 *          while T > W, resets the chip
 *
 * The freeze bits need to know when the core is halted, which it does not tell: we look every
 * 10 us while one is set.  DBGMCU lives through system resets.  Timers are not modelled, so
 * their freeze bits are only kept.
 *
 * A G0, L0 or F0 has it (as "DBG") on its APB: behind a closed gate (DBGEN in RCC) writes are lost,
 * to a debugger too; reads answer (chosen: debuggers read IDCODE before they open it).
 *
 * Sources: RM0444, RM0351, RM0440, RM0367, RM0038, chapters IWDG, WWDG, debug support, electronic signature. */
#include "l4.h"
#include <stdlib.h>
#include <string.h>

enum { IDCODE = 0x00, CR = 0x04, APB1_FZ = 0x08, APB2_FZ = 0x10 };
enum { CR_BITS = 0xE7, G0_CR_BITS = 6, L0_CR_BITS = 7, WWDG_STOP = 1 << 11, IWDG_STOP = 1 << 12 };
enum { DBG_SLEEP = 1 << 0, DBG_STOP = 1 << 1, TRACE_IOEN = 1 << 5, TRACE_MODE = 3 << 6 };
#define PRIVATE_BUS 0xE0000000u
#define LOOK_EVERY  (10 * SIM_US)

enum { KR = 0x00, PR = 0x04, RLR = 0x08, IWDG_SR = 0x0C, WINR = 0x10 };
enum { KEY_RELOAD = 0xAAAA, KEY_OPEN = 0x5555, KEY_START = 0xCCCC, PVU = 1, RVU = 2, WVU = 4 };
enum { IRQ_WWDG = 0, WWDG_CR = 0x00, CFR = 0x04, WWDG_SR = 0x08, WDGA = 1 << 7, EWI = 1 << 9 };
enum { SIGNATURE_SIZE = 0x100 };

/* Time that a halted core may stop. */
struct countdown {
    struct alarm alarm;
    bool frozen;
    sim_time left;                          /* while frozen; 0: not running */
};

struct l4_debug {
    struct l4 *l4;
    uint32_t cr, fz[3];
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
    uint8_t signature[SIGNATURE_SIZE];
};

/* --- countdowns --------------------------------------------------------------------- */

static sim_time lsi_cycle(const struct l4_debug *d) { return l4_rcc_lsi(d->l4->rcc); }

static void set(struct l4_debug *d, struct countdown *c, sim_time time)
{
    c->left = time;
    if (!c->frozen)
        alarm_set(d->l4->sim, &c->alarm, d->l4->sim->now + time);
}

static sim_time left(const struct l4_debug *d, const struct countdown *c)
{
    return alarm_is_set(&c->alarm) ? c->alarm.at - d->l4->sim->now : c->left;
}

static void stop(struct l4_debug *d, struct countdown *c)
{
    alarm_cancel(d->l4->sim, &c->alarm);
    c->left = 0;
}

static void freeze(struct l4_debug *d, struct countdown *c, bool frozen)
{
    if (c->frozen == frozen)
        return;
    sim_time rest = left(d, c);
    alarm_cancel(d->l4->sim, &c->alarm);
    c->frozen = frozen;
    if (rest)
        set(d, c, rest);
}

static void bite(struct l4_debug *d, bool window)
{
    l4_report(d->l4, SIM_NOTE, "%s resets the chip", window ? "WWDG" : "IWDG");
    d->l4->window_watchdog = window;
    l4_reset_internal(d->l4, RESET_WATCHDOG);
}

/* --- independent watchdog ----------------------------------------------------------- */

static void iwdg_expired(void *ctx)
{
    struct l4_debug *d = ctx;
    d->iwdg.left = 0;
    bite(d, false);
}

static void iwdg_reload(struct l4_debug *d)
{
    unsigned shift = 2 + (d->pr < 6 ? d->pr : 6);       /* divides by 4 to 256 */
    if (d->started)
        set(d, &d->iwdg, (d->rlr + 1) * (lsi_cycle(d) << shift));
}

static void iwdg_start(struct l4_debug *d)
{
    d->started = true;
    l4_rcc_lsi_force_on(d->l4->rcc);
    iwdg_reload(d);
}

static bool iwdg_open(struct l4_debug *d, const char *name, sim_time busy_until)
{
    if (!d->open)
        l4_report(d->l4, SIM_RULE, "%s written without the key 0x5555", name);
    else if (d->l4->sim->now < busy_until)
        l4_report(d->l4, SIM_RULE, "%s written while its SR bit is set", name);
    else
        return true;
    return false;
}

static uint32_t iwdg_read(void *ctx, uint32_t reg)
{
    struct l4_debug *d = ctx;
    sim_time now = d->l4->sim->now;
    switch (reg) {
    case PR:      return d->pr;
    case RLR:     return d->rlr;
    case WINR:    return d->winr;
    case IWDG_SR: return (now < d->pr_until ? PVU : 0) | (now < d->rlr_until ? RVU : 0) |
                         (now < d->winr_until ? WVU : 0);
    default:      return 0;
    }
}

/* Too early: the counter is still above the window. */
static bool above_window(const struct l4_debug *d)
{
    unsigned shift = 2 + (d->pr < 6 ? d->pr : 6);
    return d->started && left(d, &d->iwdg) / (lsi_cycle(d) << shift) > d->winr;
}

static void write_key(struct l4_debug *d, uint32_t key)
{
    d->open = key == KEY_OPEN;
    if (key == KEY_RELOAD && above_window(d))
        bite(d, false);
    else if (key == KEY_RELOAD)
        iwdg_reload(d);
    else if (key == KEY_START && !d->started)
        iwdg_start(d);
}

static void iwdg_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct l4_debug *d = ctx;
    sim_time arrives = d->l4->sim->now + 5 * lsi_cycle(d);
    if (reg == KR) {
        write_key(d, value & 0xFFFF);
    } else if (reg == PR && iwdg_open(d, "IWDG_PR", d->pr_until)) {
        d->pr = value & 7;
        d->pr_until = arrives;
    } else if (reg == RLR && iwdg_open(d, "IWDG_RLR", d->rlr_until)) {
        d->rlr = value & 0xFFF;
        d->rlr_until = arrives;
    } else if (reg == WINR && !d->l4->type->old_usart && iwdg_open(d, "IWDG_WINR", d->winr_until)) {
        d->winr = value & 0xFFF;        /* and reloads the counter */
        d->winr_until = arrives;
        iwdg_reload(d);
    }
}

static void iwdg_reset(void *ctx)
{
    struct l4_debug *d = ctx;
    stop(d, &d->iwdg);
    d->open = d->started = false;
    d->pr = 0;
    d->rlr = d->winr = 0xFFF;
    d->pr_until = d->rlr_until = d->winr_until = 0;
}

/* --- window watchdog ---------------------------------------------------------------- */

static bool has_long_wwdg(const struct l4_debug *d)
{
    return d->l4->type->clocks == L4_CLOCKS_G0 || d->l4->type->clocks == L4_CLOCKS_G4;
}

static sim_time wwdg_step(const struct l4_debug *d)
{
    uint32_t wdgtb = has_long_wwdg(d) ? d->cfr >> 11 & 7 : d->cfr >> 7 & 3;
    return l4_rcc_clock(d->l4->rcc, L4_APB1) * (4096u << wdgtb);
}

/* T now: the event ahead is 0x40, or one step behind it. */
static uint32_t wwdg_counter(const struct l4_debug *d)
{
    sim_time rest = left(d, &d->wwdg);
    if (!(d->wcr & WDGA) || !rest)
        return d->wcr & 0x7F;
    uint32_t steps = (uint32_t)((rest + wwdg_step(d) - 1) / wwdg_step(d));
    return d->ewif && steps == 1 ? 0x40 : 0x40 + steps;
}

static void wwdg_event(void *ctx)
{
    struct l4_debug *d = ctx;
    d->wwdg.left = 0;
    if (!d->ewif) {
        d->ewif = true;
        l4_irq(d->l4, IRQ_WWDG, d->cfr & EWI);
        set(d, &d->wwdg, wwdg_step(d));
    } else {
        bite(d, true);
    }
}

static void write_wwdg_cr(struct l4_debug *d, uint32_t value)
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
    struct l4_debug *d = ctx;
    switch (reg) {
    case WWDG_CR: return (d->wcr & WDGA) | wwdg_counter(d);
    case CFR:     return d->cfr;
    case WWDG_SR: return d->ewif;
    default:      return 0;
    }
}

static void wwdg_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct l4_debug *d = ctx;
    if (reg == WWDG_CR)
        write_wwdg_cr(d, value);
    else if (reg == CFR)
        d->cfr = value & 0x3BFF;
    l4_irq(d->l4, IRQ_WWDG, d->ewif && d->cfr & EWI);
}

static void wwdg_reset(void *ctx)
{
    struct l4_debug *d = ctx;
    stop(d, &d->wwdg);
    d->wcr = d->cfr = 0x7F;
    d->ewif = false;
    l4_irq(d->l4, IRQ_WWDG, false);
}

/* --- SWO, and sleep ------------------------------------------------------------------- */

/* JTDO and SWO share PB3: function 0 of a pin that TRACE_IOEN gave to trace, while the debug
 * port does not speak JTAG. */
static void update_swo(void *ctx)
{
    struct l4_debug *d = ctx;
    bool carries = (d->cr & (TRACE_IOEN | TRACE_MODE)) == TRACE_IOEN &&
                   l4_gpio_function(d->l4->gpio, L4_PB + 3) == 0 &&
                   !swdp_speaks_jtag(d->l4->chip.debug_port);
    if (carries || d->drives_swo)
        l4_gpio_drive(d->l4->gpio, L4_PB + 3, carries, d->swo);
    d->drives_swo = carries;
}

static void swo_changed(void *ctx, int level)
{
    struct l4_debug *d = ctx;
    d->swo = level;
    update_swo(d);
}

static uint8_t dma1_gate(const struct l4 *l4)
{
    return l4->type->clocks == L4_CLOCKS_L1 ? 24 : 0;
}

/* What a debugger sees of a core that sleeps without HCLK: as an STM32F103's, dbgmcu.c. */
static bool hides(void *ctx, uint32_t address)
{
    const struct l4 *l4 = ctx;
    return l4->cpu->asleep && address < PRIVATE_BUS && !(l4->debug->cr & DBG_SLEEP) &&
           !l4_rcc_gate_open(l4->rcc, l4_rcc_enr(l4, L4_AHB), dma1_gate(l4)) &&
           !l4_rcc_gate_open(l4->rcc, l4_rcc_enr(l4, L4_AHB), dma1_gate(l4) + 1);
}

static bool stops(void *ctx)
{
    const struct l4 *l4 = ctx;
    return cpu_sleeps_deeply(l4->cpu) && !(l4->debug->cr & DBG_STOP);
}

void l4_debug_connect(struct l4 *l4)
{
    swdp_stop(l4->chip.debug_port, stops, l4);
    if (l4->type->m0)                           /* neither SWO nor DBG_SLEEP */
        return;
    swdp_on_switch(l4->chip.debug_port, update_swo, l4->debug);
    coredebug_connect_swo(l4->coredebug, swo_changed, l4->debug);
    swdp_hide(l4->chip.debug_port, hides, l4);
}

/* --- DBGMCU ------------------------------------------------------------------------- */

static void look(void *ctx)
{
    struct l4_debug *d = ctx;
    uint32_t frozen = d->l4->cpu->halted ? d->fz[0] : 0;
    freeze(d, &d->iwdg, frozen & IWDG_STOP);
    freeze(d, &d->wwdg, frozen & WWDG_STOP);
    if (d->fz[0] & (IWDG_STOP | WWDG_STOP))
        alarm_set(d->l4->sim, &d->look, d->l4->sim->now + LOOK_EVERY);
}

static uint32_t *freeze_register(struct l4_debug *d, uint32_t reg)
{
    return reg >= APB1_FZ && reg <= APB2_FZ ? &d->fz[(reg - APB1_FZ) / 4] : NULL;
}

static uint32_t dbgmcu_read(void *ctx, uint32_t reg)
{
    struct l4_debug *d = ctx;
    const uint32_t *fz = freeze_register(d, reg);
    return reg == IDCODE ? d->l4->type->idcode : reg == CR ? d->cr : fz ? *fz : 0;
}

static void dbgmcu_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct l4_debug *d = ctx;
    uint32_t *fz = freeze_register(d, reg);
    bool m0 = d->l4->type->m0;
    if (m0 && !l4_rcc_debug_gate_open(d->l4->rcc))
        return;
    if (reg == CR) {
        d->cr = value & (!m0 ? CR_BITS : d->l4->type->clocks == L4_CLOCKS_L0 ? L0_CR_BITS : G0_CR_BITS);
        update_swo(d);
    }
    if (fz)
        *fz = value;
    look(d);
}

/* --- life --------------------------------------------------------------------------- */

/* A hardware watchdog runs from the first instruction on. */
void l4_debug_chip_starts(struct l4_debug *d)
{
    uint32_t optr = d->l4->type->controller->options(d->l4);
    if (!(optr & L4_IWDG_SW))
        iwdg_start(d);
    if (!(optr & L4_WWDG_SW))
        write_wwdg_cr(d, WDGA | 0x7F);
}

void l4_debug_power(struct l4_debug *d, bool on)
{
    (void)on;
    d->cr = d->fz[0] = d->fz[1] = d->fz[2] = 0;
    update_swo(d);
    alarm_cancel(d->l4->sim, &d->look);
    iwdg_reset(d);
    wwdg_reset(d);
    d->iwdg.frozen = d->wwdg.frozen = false;
}

static void write_nothing(void *ctx, uint32_t offset, uint32_t value, int width)
{
    (void)ctx, (void)offset, (void)value, (void)width;
}

static void fill_signature(struct l4_debug *d, uint32_t unique_id)
{
    uint32_t uid[3] = { unique_id * 2654435761u, 0x30353230 ^ unique_id, 0x20383056 };
    uint16_t kb = (uint16_t)(d->l4->type->flash_size / 1024);
    memset(d->signature, 0xFF, sizeof d->signature);
    memset(d->signature, 0, 4);                     /* package: LQFP64 */
    for (int i = 0; i < 3; i++)
        memcpy(d->signature + d->l4->type->signature.uid[i], &uid[i], 4);
    memcpy(d->signature + d->l4->type->signature.size, &kb, 2);
}

static void add_blocks(struct l4_debug *d)
{
    struct l4 *l4 = d->l4;
    l4_add_block(l4, &(struct l4_block){
        .name = l4->type->m0 ? "DBG" : "DBGMCU", .base = l4->type->dbgmcu,
        .size = 0x400, .bus = l4->type->m0 ? L4_APB1 : L4_AHB, .narrowest = 2,
        .read = dbgmcu_read, .write = dbgmcu_write, .ctx = d });
    l4_add_block(l4, &(struct l4_block){
        .name = "IWDG", .base = 0x40003000, .size = 0x400, .bus = L4_APB1, .narrowest = 2,
        .read = iwdg_read, .write = iwdg_write, .reset = iwdg_reset, .ctx = d });
    l4_add_block(l4, &(struct l4_block){
        .name = "WWDG", .base = 0x40002C00, .size = 0x400, .bus = L4_APB1,
        .enr = l4_rcc_enr(l4, L4_APB1), .bit = 11, .narrowest = 2, .read = wwdg_read,
        .write = wwdg_write, .reset = wwdg_reset, .ctx = d });
    bus_add(l4->bus, &(struct bus_region){
        .base = l4->type->signature.base, .size = SIGNATURE_SIZE, .name = "electronic signature",
        .memory = d->signature, .write = write_nothing, .ctx = d });
}

void l4_debug_new(struct l4 *l4, uint32_t unique_id)
{
    struct l4_debug *d = l4->debug = calloc(1, sizeof *d);
    d->l4 = l4;
    alarm_init(&d->look, look, d);
    alarm_init(&d->iwdg.alarm, iwdg_expired, d);
    alarm_init(&d->wwdg.alarm, wwdg_event, d);
    iwdg_reset(d);
    d->wcr = d->cfr = 0x7F;
    fill_signature(d, unique_id);
    add_blocks(d);
}

void l4_debug_free(struct l4_debug *d)
{
    alarm_cancel(d->l4->sim, &d->look);
    alarm_cancel(d->l4->sim, &d->iwdg.alarm);
    alarm_cancel(d->l4->sim, &d->wwdg.alarm);
    free(d);
}
