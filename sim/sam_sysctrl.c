/* sam_sysctrl.c - where the SAM D21's clocks come from: oscillators (SYSCTRL), generators
 * and channels (GCLK), and the gates of the buses and the reset cause (PM).
 *
 *   called by  sam.c, and peripherals that ask how long a cycle is
 *
 *   SYSCTRL: OSC8M, DFLL48M, ...  ->  GCLK generator 0-8 (divider)  ->  channel (ID)
 *                                     generator 0 -> PM: CPU, AHB, APB (CPUSEL)
 *
 * After reset OSC8M runs at 8 MHz / 8, and so does the core, at 1 MHz.  A change of
 * anything here works out all frequencies anew; nothing is kept that could go stale.
 *
 * Modelled: OSC8M, DFLL48M open and closed loop, XOSC32K, OSC32K, OSCULP32K.  XOSC and the
 * FDPLL96M are reported when switched on.  Oscillators are ready at once or after their
 * start-up time; the DFLL in open loop gives 48 MHz whatever COARSE and FINE say.
 * GCLK synchronization is over before the next access.
 *
 * Source: data sheet chapters GCLK, PM, SYSCTRL. */
#include "sam.h"
#include <stdlib.h>

enum source { SRC_XOSC, SRC_GCLKIN, SRC_GEN1, SRC_OSCULP32K, SRC_OSC32K, SRC_XOSC32K,
              SRC_OSC8M, SRC_DFLL, SRC_FDPLL, SOURCES };
enum { GENERATORS = 9, OLD_BRIDGES = 3 };

/* PCLKSR, INTFLAG. */
enum { XOSC32KRDY = 1 << 1, OSC32KRDY = 1 << 2, OSC8MRDY = 1 << 3, DFLLRDY = 1 << 4,
       DFLLLCKF = 1 << 6, DFLLLCKC = 1 << 7 };
enum { OSC_ENABLE = 1 << 1, DFLL_CLOSED_LOOP = 1 << 2 };
enum { GENEN = 1 << 16, DIVSEL = 1 << 20, CLKEN = 1 << 14, WRTLOCK = 1 << 15 };

#define DFLL_LOCK_TIME (200 * SIM_US)       /* data sheet: fine lock, typical */

struct sam_clock {
    struct sam *chip;
    /* SYSCTRL */
    uint32_t intenset, intflag, ready;
    uint32_t xosc, xosc32k, osc32k, osculp32k, osc8m, dfllctrl, dfllval, dfllmul;
    uint32_t bod33, vreg, vref, dpllctrla, dpllratio, dpllctrlb;
    struct alarm dfll_lock;
    /* GCLK */
    uint32_t genctrl[GENERATORS], gendiv[GENERATORS], clkctrl[GCLK_IDS];
    uint8_t gen_selected, div_selected, channel_selected;
    /* PM */
    uint32_t sleep, cpusel, apbsel[OLD_BRIDGES], ahbmask, apbmask[OLD_BRIDGES];
    uint32_t pm_intenset, pm_intflag;
    uint8_t rcause;
};

/* --- frequencies ------------------------------------------------------------------- */

static double gclk_hz(const struct sam_clock *clock, int id, int depth);

static double dfll_hz(const struct sam_clock *clock, int depth)
{
    if (!(clock->dfllctrl & OSC_ENABLE))
        return 0;
    if (!(clock->dfllctrl & DFLL_CLOSED_LOOP))
        return 48e6;
    double reference = gclk_hz(clock, GCLK_ID_DFLL, depth);
    return reference ? reference * (clock->dfllmul & 0xFFFF) : 48e6;
}

static double generator_hz(const struct sam_clock *clock, int generator, int depth);

static double source_hz(const struct sam_clock *clock, enum source source, int depth)
{
    switch (source) {
    case SRC_GEN1:      return generator_hz(clock, 1, depth);
    case SRC_OSCULP32K: return 32768;
    case SRC_OSC32K:    return clock->osc32k & OSC_ENABLE ? 32768 : 0;
    case SRC_XOSC32K:   return clock->xosc32k & OSC_ENABLE ? 32768 : 0;
    case SRC_OSC8M:     return clock->osc8m & OSC_ENABLE ?
                            8e6 / (1 << (clock->osc8m >> 8 & 3)) : 0;
    case SRC_DFLL:      return dfll_hz(clock, depth);
    default:            return 0;
    }
}

/* depth ends a loop that firmware may build (generator 1 from itself). */
static double generator_hz(const struct sam_clock *clock, int generator, int depth)
{
    uint32_t control = clock->genctrl[generator], divider = clock->gendiv[generator] >> 8;
    if (!(control & GENEN) || depth > 4)
        return 0;
    double hz = source_hz(clock, control >> 8 & 0x1F, depth + 1);
    divider &= generator == 1 ? 0xFFFF : generator == 2 ? 0x1F : 0xFF;
    if (control & DIVSEL)
        return hz / (double)(2u << (divider & 31));
    return divider > 1 ? hz / divider : hz;
}

static double gclk_hz(const struct sam_clock *clock, int id, int depth)
{
    uint32_t control = clock->clkctrl[id];
    int generator = control >> 8 & 15;
    if (!(control & CLKEN) || generator >= GENERATORS)
        return 0;
    return generator_hz(clock, generator, depth);
}

static sim_time gclk(const struct sam *sam, int id)
{
    const struct sam_clock *clock = sam->clock;
    double hz = gclk_hz(clock, id, 0);
    return hz > 0 ? (sim_time)((double)SIM_SECOND / hz + 0.5) : 0;
}

static void set_core_clock(struct sam_clock *clock)
{
    double hz = generator_hz(clock, 0, 0) / (1 << (clock->cpusel & 7));
    if (hz <= 0) {
        sam_report(clock->chip, SIM_FATAL, "GCLK generator 0 has no clock: the core stops");
        hz = 32768;
    }
    cpu_set_clock(clock->chip->cpu, (sim_time)((double)SIM_SECOND / hz + 0.5));
    clock->chip->model->nvm->check_speed(clock->chip);
}

static bool gate_open(const struct sam *sam, enum sam_bridge bridge, int bit)
{
    const struct sam_clock *clock = sam->clock;
    return bit < 0 || clock->apbmask[bridge] >> bit & 1;
}

/* --- SYSCTRL ----------------------------------------------------------------------- */

static void set_ready(struct sam_clock *clock, uint32_t bit, bool ready)
{
    if (ready && !(clock->ready & bit))
        clock->intflag |= bit;
    clock->ready = ready ? clock->ready | bit : clock->ready & ~bit;
    sam_irq(clock->chip, 1, clock->intflag & clock->intenset);
}

static void dfll_locked(void *ctx)
{
    struct sam_clock *clock = ctx;
    set_ready(clock, DFLLLCKF | DFLLLCKC, true);
}

static void oscillators_changed(struct sam_clock *clock)
{
    bool dfll = clock->dfllctrl & OSC_ENABLE, closed = clock->dfllctrl & DFLL_CLOSED_LOOP;
    set_ready(clock, XOSC32KRDY, clock->xosc32k & OSC_ENABLE);
    set_ready(clock, OSC32KRDY, clock->osc32k & OSC_ENABLE);
    set_ready(clock, OSC8MRDY, clock->osc8m & OSC_ENABLE);
    /* Also ready while disabled: the register interface waits for nothing. */
    set_ready(clock, DFLLRDY, true);
    if (!dfll || !closed) {
        alarm_cancel(clock->chip->sim, &clock->dfll_lock);
        set_ready(clock, DFLLLCKF | DFLLLCKC, false);
    } else if (!(clock->ready & DFLLLCKF) && !alarm_is_set(&clock->dfll_lock)) {
        alarm_set(clock->chip->sim, &clock->dfll_lock,
                  clock->chip->sim->now + DFLL_LOCK_TIME);
    }
    set_core_clock(clock);
}

static uint32_t sysctrl_read(void *ctx, uint32_t word)
{
    struct sam_clock *clock = ctx;
    switch (word) {
    case 0x00: case 0x04: return clock->intenset;
    case 0x08: return clock->intflag;
    case 0x0C: return clock->ready;
    case 0x10: return clock->xosc;
    case 0x14: return clock->xosc32k;
    case 0x18: return clock->osc32k;
    case 0x1C: return clock->osculp32k;
    case 0x20: return clock->osc8m;
    case 0x24: return clock->dfllctrl;
    case 0x28: return clock->dfllval;
    case 0x2C: return clock->dfllmul;
    case 0x30: return 0;
    case 0x34: return clock->bod33;
    case 0x3C: return clock->vreg;
    case 0x40: return clock->vref;
    case 0x44: return clock->dpllctrla;
    case 0x48: return clock->dpllratio;
    case 0x4C: return clock->dpllctrlb;
    default:   return 0;
    }
}

static void sysctrl_write(void *ctx, uint32_t word, uint32_t value, uint32_t mask)
{
    struct sam_clock *clock = ctx;
    uint32_t *plain = NULL;
    switch (word) {
    case 0x00: clock->intenset &= ~(value & mask); break;
    case 0x04: clock->intenset |= value & mask; break;
    case 0x08: clock->intflag &= ~(value & mask); break;
    case 0x10: plain = &clock->xosc; break;
    case 0x14: plain = &clock->xosc32k; break;
    case 0x18: plain = &clock->osc32k; break;
    case 0x1C: plain = &clock->osculp32k; break;
    case 0x20: plain = &clock->osc8m; break;
    case 0x24: plain = &clock->dfllctrl; break;
    case 0x28: plain = &clock->dfllval; break;
    case 0x2C: plain = &clock->dfllmul; break;
    case 0x30: break;                       /* DFLLSYNC.READREQ: values are at hand */
    case 0x34: plain = &clock->bod33; break;
    case 0x3C: plain = &clock->vreg; break;
    case 0x40: plain = &clock->vref; break;
    case 0x44: plain = &clock->dpllctrla; break;
    case 0x48: plain = &clock->dpllratio; break;
    case 0x4C: plain = &clock->dpllctrlb; break;
    default: break;
    }
    if (plain)
        *plain = sam_merge(*plain, value, mask);
    if ((plain == &clock->xosc || plain == &clock->dpllctrla) && *plain & OSC_ENABLE)
        sam_report(clock->chip, SIM_UNMODELLED, "SYSCTRL: %s is switched on",
                      plain == &clock->xosc ? "XOSC" : "FDPLL96M");
    oscillators_changed(clock);
}

/* --- GCLK -------------------------------------------------------------------------- */

static uint32_t gclk_read(void *ctx, uint32_t word)
{
    struct sam_clock *clock = ctx;
    switch (word) {
    case 0x00: return clock->clkctrl[clock->channel_selected] << 16;    /* no sync busy */
    case 0x04: return clock->genctrl[clock->gen_selected];
    case 0x08: return clock->gendiv[clock->div_selected];
    default:   return 0;
    }
}

/* A write of the ID byte alone only selects what is read next. */
static void write_channel(struct sam_clock *clock, uint32_t value, uint32_t mask)
{
    if (mask & 0xFF)
        clock->channel_selected = (value & 0x3F) < GCLK_IDS ? value & 0x3F : 0;
    uint32_t *channel = &clock->clkctrl[clock->channel_selected];
    if (mask & 0xFF00 && !(*channel & WRTLOCK))
        *channel = (value & 0xCF00) | clock->channel_selected;
}

static void write_generator(uint32_t *values, uint8_t *selected, uint32_t value, uint32_t mask)
{
    if (mask & 0xFF)
        *selected = (value & 15) < GENERATORS ? value & 15 : 0;
    if (mask & 0xFFFFFF00)
        values[*selected] = sam_merge(values[*selected], value, mask);
}

static void gclk_reset_values(struct sam_clock *clock)
{
    for (int i = 0; i < GENERATORS; i++) {
        clock->genctrl[i] = (uint32_t)i;
        clock->gendiv[i] = (uint32_t)i;
    }
    for (int i = 0; i < GCLK_IDS; i++)
        clock->clkctrl[i] = (uint32_t)i;
    clock->genctrl[0] = GENEN | SRC_OSC8M << 8;
    clock->genctrl[2] = GENEN | SRC_OSCULP32K << 8 | 2;
    clock->gendiv[2] = 2;
    clock->clkctrl[GCLK_ID_WDT] = CLKEN | 2 << 8 | GCLK_ID_WDT;
    clock->gen_selected = clock->div_selected = clock->channel_selected = 0;
}

static void gclk_write(void *ctx, uint32_t word, uint32_t value, uint32_t mask)
{
    struct sam_clock *clock = ctx;
    if (word == 0x00 && mask & value & 1)
        gclk_reset_values(clock);
    if (word == 0x00)
        write_channel(clock, value >> 16, mask >> 16);
    if (word == 0x04)
        write_generator(clock->genctrl, &clock->gen_selected, value, mask);
    if (word == 0x08)
        write_generator(clock->gendiv, &clock->div_selected, value, mask);
    set_core_clock(clock);
}

/* --- PM ---------------------------------------------------------------------------- */

static uint32_t pm_read(void *ctx, uint32_t word)
{
    struct sam_clock *clock = ctx;
    switch (word) {
    case 0x00: return clock->sleep << 8;
    case 0x08: return clock->cpusel | clock->apbsel[0] << 8 | clock->apbsel[1] << 16 |
                      clock->apbsel[2] << 24;
    case 0x14: return clock->ahbmask;
    case 0x18: return clock->apbmask[BRIDGE_A];
    case 0x1C: return clock->apbmask[BRIDGE_B];
    case 0x20: return clock->apbmask[BRIDGE_C];
    case 0x34: return clock->pm_intenset | clock->pm_intenset << 8 | clock->pm_intflag << 16;
    case 0x38: return clock->rcause;
    default:   return 0;
    }
}

static void pm_select(struct sam_clock *clock, uint32_t value, uint32_t mask)
{
    if (mask & 0xFF)
        clock->cpusel = value & 7;
    for (int i = 0; i < OLD_BRIDGES; i++)
        if (mask >> (8 * i + 8) & 0xFF)
            clock->apbsel[i] = value >> (8 * i + 8) & 7;
    clock->pm_intflag |= 1;                 /* CKRDY */
    set_core_clock(clock);
}

static void pm_write(void *ctx, uint32_t word, uint32_t value, uint32_t mask)
{
    struct sam_clock *clock = ctx;
    switch (word) {
    case 0x00:
        if (mask & 0xFF00)
            clock->sleep = value >> 8 & 3;
        break;
    case 0x08: pm_select(clock, value, mask); break;
    case 0x14: clock->ahbmask = sam_merge(clock->ahbmask, value, mask); break;
    case 0x18: case 0x1C: case 0x20:
        clock->apbmask[(word - 0x18) / 4] =
            sam_merge(clock->apbmask[(word - 0x18) / 4], value, mask);
        break;
    case 0x34:
        clock->pm_intenset &= ~(value & mask & 1);
        clock->pm_intenset |= value >> 8 & mask >> 8 & 1;
        clock->pm_intflag &= ~(value >> 16 & mask >> 16 & 1);
        break;
    default: break;
    }
}

static void reset_cause(struct sam *sam, enum reset_cause cause)
{
    struct sam_clock *clock = sam->clock;
    static const uint8_t causes[] = {
        [RESET_POWER] = 1 << 0, [RESET_PIN] = 1 << 4, [RESET_SOFTWARE] = 1 << 6,
        [RESET_WATCHDOG] = 1 << 5, [RESET_STANDBY] = 0,
    };
    clock->rcause = causes[cause];
}

/* --- reset, construction ------------------------------------------------------------ */

static void clock_reset(void *ctx)
{
    struct sam_clock *clock = ctx;
    alarm_cancel(clock->chip->sim, &clock->dfll_lock);
    clock->intenset = clock->intflag = clock->ready = 0;
    clock->xosc = clock->xosc32k = clock->osc32k = 0x0080;
    clock->osculp32k = 0x0F;
    clock->osc8m = 0x87070382;              /* prescaler 8; calibration from the factory */
    clock->dfllctrl = 0x0080;
    clock->dfllval = clock->dfllmul = 0;
    clock->bod33 = clock->vreg = clock->vref = clock->dpllctrlb = clock->dpllratio = 0;
    clock->dpllctrla = 0x80;
    clock->sleep = clock->cpusel = 0;
    for (int i = 0; i < OLD_BRIDGES; i++)
        clock->apbsel[i] = 0;
    clock->ahbmask = clock->apbmask[BRIDGE_A] = clock->apbmask[BRIDGE_B] = 0x7F;
    clock->apbmask[BRIDGE_C] = 0x00010000;
    clock->pm_intenset = clock->pm_intflag = 0;
    gclk_reset_values(clock);
    oscillators_changed(clock);
}

static void create(struct sam *sam)
{
    struct sam_clock *clock = sam->clock = calloc(1, sizeof *clock);
    clock->chip = sam;
    alarm_init(&clock->dfll_lock, dfll_locked, clock);
    sam_add_block(sam, &(struct sam_block){
        .name = "PM", .base = 0x40000400, .bridge = BRIDGE_A, .bit = 1, .read = pm_read,
        .write = pm_write, .reset = clock_reset, .ctx = clock });
    sam_add_block(sam, &(struct sam_block){
        .name = "SYSCTRL", .base = 0x40000800, .bridge = BRIDGE_A, .bit = 2,
        .read = sysctrl_read, .write = sysctrl_write, .ctx = clock });
    sam_add_block(sam, &(struct sam_block){
        .name = "GCLK", .base = 0x40000C00, .bridge = BRIDGE_A, .bit = 3,
        .read = gclk_read, .write = gclk_write, .ctx = clock });
}

static void destroy(struct sam *sam)
{
    struct sam_clock *clock = sam->clock;
    alarm_cancel(clock->chip->sim, &clock->dfll_lock);
    free(clock);
}

const struct sam_clock_kind sam_sysctrl_kind = {
    .create = create, .destroy = destroy, .reset_cause = reset_cause, .gclk = gclk,
    .gate_open = gate_open,
};
