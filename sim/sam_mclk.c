/* sam_mclk.c - where the clocks of the newer SAMs (C21, L21, D51) come from: oscillators (OSCCTRL,
 * OSC32KCTRL), generators and channels (GCLK), the gates of the buses (MCLK); and what stands
 * beside them: PM, SUPC, the reset cause (RSTC).
 *
 *   called by  sam.c, and peripherals that ask how long a cycle is
 *
 *   oscillator  ->  GCLK generator 0..n (divider)  ->  peripheral channel (id)
 *                   generator 0 -> MCLK: CPU (CPUDIV), AHB, APB
 *
 * What differs is a struct sam_mclk_map (sam_models.c).  After reset a C21 runs at 4 MHz
 * (OSC48M / 12), an L21 at 4 MHz (OSC16M), a D51 at 48 MHz (DFLL48M, open loop).
 *
 * Modelled: OSC48M, OSC16M, the DFLL as 48 MHz whatever its settings say, the D51's two DPLLs,
 * the three 32 kHz oscillators; each is ready at once.  XOSC, and the DPLL of C21 and L21, are
 * reported when switched on.  Synchronization is over before the next access.  Sleep modes from
 * standby on are reported.  The L21's performance level is only remembered, and level 0 held to
 * 12 MHz.
 *
 * Sources: data sheets DS60001479 (C20/C21), DS60001477 (L21), DS60001507 (D5x/E5x), chapters
 * GCLK, MCLK, RSTC, PM, OSCCTRL, OSC32KCTRL, SUPC. */
#include "sam.h"
#include <stdlib.h>
#include <string.h>

enum { OSC_ENABLE = 1 << 1, GENEN = 1 << 8, DIVSEL = 1 << 12, CHEN = 1 << 6, WRTLOCK = 1 << 7 };
enum { GENCTRL = 0x20, PCHCTRL = 0x80, GENERATORS = 12, CHANNELS = 48, KEPT = 0x60 / 4 };
enum { APBMASK = 0x14, AHBMASK = 0x10, SUPC_STATUS = 0x0C, BOD33RDY_VREGRDY = 0x101,
       OSC32K_STATUS = 0x0C, XOSC32K = 0x14, OSC32K = 0x18, CKRDY = 1 };
enum { DPLL0 = 0x30, DPLL_STRIDE = 0x14, DPLL_RATIO = 0x04, DPLL_CTRLB = 0x08,
       DPLL_SYNCBUSY = 0x0C, DPLL_STATUS = 0x10, DPLL_LOCKED = 3 };

struct sam_mclk {
    struct sam *chip;
    const struct sam_mclk_map *map;
    uint32_t osc[KEPT], osc32k[KEPT], supc[KEPT];   /* registers, as written */
    uint32_t osc_intenset, osc_intflag;
    uint32_t genctrl[GENERATORS], pchctrl[CHANNELS];
    uint32_t cpudiv, ahbmask, apbmask[BRIDGES];
    uint32_t pm[4];
    uint8_t rcause;
};

/* --- frequencies ------------------------------------------------------------------------- */

static double generator_hz(const struct sam_mclk *clock, int generator, int depth);

static double channel_hz(const struct sam_mclk *clock, int id, int depth)
{
    uint32_t control = clock->pchctrl[id];
    return control & CHEN ? generator_hz(clock, control & 15, depth) : 0;
}

/* DS60001507 OSCCTRL: f = reference * (LDR + 1 + LDRFRAC / 32); its channels are 1 and 2. */
static double dpll_hz(const struct sam_mclk *clock, int number, int depth)
{
    const uint32_t *regs = clock->osc + (DPLL0 + DPLL_STRIDE * number) / 4;
    uint32_t ratio = regs[DPLL_RATIO / 4], ref = regs[DPLL_CTRLB / 4] >> 5 & 7;
    if (!(regs[0] & OSC_ENABLE))
        return 0;
    double reference = ref == 1 ? 32768 : ref == 0 ? channel_hz(clock, 1 + number, depth) : 0;
    return reference * ((ratio & 0x1FFF) + 1 + (ratio >> 16 & 31) / 32.0);
}

static double source_hz(const struct sam_mclk *clock, unsigned source, int depth)
{
    uint32_t control = clock->osc[clock->map->osc_at / 4];
    switch (source < 9 ? clock->map->sources[source] : SAM_OSC_NONE) {
    case SAM_OSC_GEN1:    return generator_hz(clock, 1, depth);
    case SAM_OSC_ULP:     return 32768;
    case SAM_OSC_32K:     return clock->osc32k[OSC32K / 4] & OSC_ENABLE ? 32768 : 0;
    case SAM_OSC_XTAL32K: return clock->osc32k[XOSC32K / 4] & OSC_ENABLE ? 32768 : 0;
    case SAM_OSC_48M:     return control & OSC_ENABLE ? 48e6 / ((control >> 8 & 15) + 1) : 0;
    case SAM_OSC_16M:     return control & OSC_ENABLE ? 4e6 * ((control >> 2 & 3) + 1) : 0;
    case SAM_OSC_DFLL:    return clock->osc[clock->map->dfll_at / 4] & OSC_ENABLE ? 48e6 : 0;
    case SAM_OSC_DPLL0:   return dpll_hz(clock, 0, depth);
    case SAM_OSC_DPLL1:   return dpll_hz(clock, 1, depth);
    default:              return 0;
    }
}

/* depth ends a loop that a program may build (generator 1 from itself). */
static double generator_hz(const struct sam_mclk *clock, int generator, int depth)
{
    uint32_t control = generator < clock->map->generators ? clock->genctrl[generator] : 0;
    uint32_t divider = generator == 1 ? control >> 16 : control >> 16 & 0xFF;
    if (!(control & GENEN) || depth > 4)
        return 0;
    double hz = source_hz(clock, control & clock->map->source_mask, depth + 1);
    if (control & DIVSEL)
        return hz / (double)(2u << (divider & 15));
    return divider > 1 ? hz / divider : hz;
}

static sim_time gclk(const struct sam *sam, int id)
{
    double hz = id == SAM_CLOCK_1K ? 1024 : channel_hz(sam->clock, id, 0);
    return hz > 0 ? (sim_time)((double)SIM_SECOND / hz + 0.5) : 0;
}

static void check_performance_level(struct sam_mclk *clock, double hz)
{
    if (clock->map->performance_levels && !(clock->pm[0] >> 16 & 3) && hz > 12.1e6)
        sam_report(clock->chip, SIM_RULE, "%.0f MHz in performance level 0 (PM.PLCFG), whose "
                   "limit is 12", hz / 1e6);
}

static void set_trace_clock(const struct sam_mclk *clock)
{
    if (!clock->map->trace_channel || !clock->chip->coredebug)
        return;
    double hz = channel_hz(clock, clock->map->trace_channel, 0);
    coredebug_trace_clock(clock->chip->coredebug,
                          hz > 0 ? (sim_time)((double)SIM_SECOND / hz + 0.5) : SIM_NEVER);
}

static void set_core_clock(struct sam_mclk *clock)
{
    double hz = generator_hz(clock, 0, 0) / (clock->cpudiv ? clock->cpudiv : 1);
    if (hz <= 0) {
        sam_report(clock->chip, SIM_FATAL, "GCLK generator 0 has no clock: the core stops");
        hz = 32768;
    }
    check_performance_level(clock, hz);
    cpu_set_clock(clock->chip->cpu, (sim_time)((double)SIM_SECOND / hz + 0.5));
    set_trace_clock(clock);
    clock->chip->model->nvm->check_speed(clock->chip);
}

static bool gate_open(const struct sam *sam, enum sam_bridge bridge, int bit)
{
    const struct sam_mclk *clock = sam->clock;
    return bit < 0 || clock->apbmask[bridge] >> bit & 1;
}

/* --- OSCCTRL, OSC32KCTRL ------------------------------------------------------------------- */

static uint32_t osc_status(const struct sam_mclk *clock)
{
    const struct sam_mclk_map *map = clock->map;
    uint32_t status = map->dfll_at ? map->dfll_ready : 0;   /* its registers can be written */
    if (clock->osc[map->osc_at / 4] & OSC_ENABLE)
        status |= map->osc_ready;
    return status;
}

static uint32_t osc_read(void *ctx, uint32_t word)
{
    struct sam_mclk *clock = ctx;
    uint32_t at = clock->map->osc_intenclr;
    if (word == at || word == at + 4)
        return clock->osc_intenset;
    if (word == at + 8)
        return clock->osc_intflag | osc_status(clock);
    if (word == at + 12)
        return osc_status(clock);
    for (int i = 0; i < 2 && clock->map->has_dplls; i++) {
        uint32_t dpll = DPLL0 + DPLL_STRIDE * (uint32_t)i;
        if (word == dpll + DPLL_STATUS)
            return dpll_hz(clock, i, 0) > 0 ? DPLL_LOCKED : 0;
        if (word == dpll + DPLL_SYNCBUSY)
            return 0;
    }
    if (word == clock->map->osc_syncbusy)
        return 0;
    return word < 4 * KEPT ? clock->osc[word / 4] : 0;
}

static void osc_write(void *ctx, uint32_t word, uint32_t value, uint32_t mask)
{
    struct sam_mclk *clock = ctx;
    uint32_t at = clock->map->osc_intenclr;
    if (word == at)
        clock->osc_intenset &= ~(value & mask);
    else if (word == at + 4)
        clock->osc_intenset |= value & mask;
    else if (word > at + 8 && word < 4 * KEPT)
        clock->osc[word / 4] = sam_merge(clock->osc[word / 4], value, mask);
    if (mask & value & OSC_ENABLE && (word == clock->map->xosc_at || word == clock->map->dpll_at))
        sam_report(clock->chip, SIM_UNMODELLED, "OSCCTRL: %s is switched on",
                   word == clock->map->xosc_at ? "XOSC" : "the DPLL");
    set_core_clock(clock);
}

static uint32_t osc32k_read(void *ctx, uint32_t word)
{
    struct sam_mclk *clock = ctx;
    if (word == OSC32K_STATUS)
        return (clock->osc32k[XOSC32K / 4] & OSC_ENABLE ? 1 : 0) |
               (clock->osc32k[OSC32K / 4] & OSC_ENABLE ? 2 : 0);
    return word < 4 * KEPT ? clock->osc32k[word / 4] : 0;
}

static void osc32k_write(void *ctx, uint32_t word, uint32_t value, uint32_t mask)
{
    struct sam_mclk *clock = ctx;
    if (word > OSC32K_STATUS && word < 4 * KEPT)
        clock->osc32k[word / 4] = sam_merge(clock->osc32k[word / 4], value, mask);
    set_core_clock(clock);
}

/* --- GCLK ---------------------------------------------------------------------------------- */

static void gclk_reset_values(struct sam_mclk *clock)
{
    memset(clock->genctrl, 0, sizeof clock->genctrl);
    memset(clock->pchctrl, 0, sizeof clock->pchctrl);
    clock->genctrl[0] = GENEN | 6;          /* each one's main oscillator is source 6 */
}

static uint32_t gclk_read(void *ctx, uint32_t word)
{
    struct sam_mclk *clock = ctx;
    unsigned generator = (word - GENCTRL) / 4, channel = (word - PCHCTRL) / 4;
    if (word >= PCHCTRL)
        return channel < CHANNELS ? clock->pchctrl[channel] : 0;
    return word >= GENCTRL && generator < GENERATORS ? clock->genctrl[generator] : 0;
}

static void gclk_write(void *ctx, uint32_t word, uint32_t value, uint32_t mask)
{
    struct sam_mclk *clock = ctx;
    unsigned generator = (word - GENCTRL) / 4, channel = (word - PCHCTRL) / 4;
    if (word == 0 && value & mask & 1)
        gclk_reset_values(clock);
    else if (word >= PCHCTRL && channel < CHANNELS && !(clock->pchctrl[channel] & WRTLOCK))
        clock->pchctrl[channel] = sam_merge(clock->pchctrl[channel], value, mask) & 0xCF;
    else if (word >= GENCTRL && word < PCHCTRL && generator < GENERATORS)
        clock->genctrl[generator] = sam_merge(clock->genctrl[generator], value, mask);
    set_core_clock(clock);
}

/* --- MCLK, RSTC, PM, SUPC -------------------------------------------------------------------- */

static uint32_t mclk_read(void *ctx, uint32_t word)
{
    struct sam_mclk *clock = ctx;
    unsigned bridge = (word - APBMASK) / 4;
    if (word == 0x00)
        return (uint32_t)CKRDY << 24;
    if (word == 0x04)
        return clock->cpudiv << 8 * (clock->map->cpudiv_at & 3) |
               (clock->map->cpudiv_at & 3 ? 1 : 0);         /* D51: HSDIV is 1 */
    if (word == AHBMASK)
        return clock->ahbmask;
    return word >= APBMASK && bridge < BRIDGES ? clock->apbmask[bridge] : 0;
}

static void mclk_write(void *ctx, uint32_t word, uint32_t value, uint32_t mask)
{
    struct sam_mclk *clock = ctx;
    unsigned bridge = (word - APBMASK) / 4, lane = 8 * (clock->map->cpudiv_at & 3);
    if (word == 0x04 && mask >> lane & 0xFF)
        clock->cpudiv = value >> lane & 0xFF;
    else if (word == AHBMASK)
        clock->ahbmask = sam_merge(clock->ahbmask, value, mask);
    else if (word >= APBMASK && bridge < BRIDGES)
        clock->apbmask[bridge] = sam_merge(clock->apbmask[bridge], value, mask);
    set_core_clock(clock);
}

static uint32_t rstc_read(void *ctx, uint32_t word)
{
    return word == 0 ? ((struct sam_mclk *)ctx)->rcause : 0;
}

static void rstc_write(void *ctx, uint32_t word, uint32_t value, uint32_t mask)
{
    (void)ctx, (void)word, (void)value, (void)mask;     /* RCAUSE is read only */
}

/* INTFLAG.PLRDY, SLEEPRDY: always. */
static uint32_t pm_read(void *ctx, uint32_t word)
{
    struct sam_mclk *clock = ctx;
    return word < sizeof clock->pm ? clock->pm[word / 4] | (word == 4 ? 1u << 16 : 0) : 0;
}

static void pm_write(void *ctx, uint32_t word, uint32_t value, uint32_t mask)
{
    struct sam_mclk *clock = ctx;
    uint32_t sleep_mode = value >> 8 & 7;
    if (word == 0 && mask & 0xFF00 && sleep_mode >= 4)      /* STANDBY, BACKUP, OFF */
        sam_report(clock->chip, SIM_UNMODELLED, "PM: sleep mode %u; all clocks would run on",
                   sleep_mode);
    if (word < sizeof clock->pm && word != 4)
        clock->pm[word / 4] = sam_merge(clock->pm[word / 4], value, mask);
    set_core_clock(clock);
}

static uint32_t supc_read(void *ctx, uint32_t word)
{
    struct sam_mclk *clock = ctx;
    return word == SUPC_STATUS ? BOD33RDY_VREGRDY : word < 4 * KEPT ? clock->supc[word / 4] : 0;
}

static void supc_write(void *ctx, uint32_t word, uint32_t value, uint32_t mask)
{
    struct sam_mclk *clock = ctx;
    if (word > SUPC_STATUS && word < 4 * KEPT)
        clock->supc[word / 4] = sam_merge(clock->supc[word / 4], value, mask);
}

/* --- reset, construction ---------------------------------------------------------------------- */

static void reset_cause(struct sam *sam, enum reset_cause cause)
{
    static const uint8_t causes[] = {
        [RESET_POWER] = 1 << 0, [RESET_PIN] = 1 << 4, [RESET_WATCHDOG] = 1 << 5,
        [RESET_SOFTWARE] = 1 << 6, [RESET_STANDBY] = 1 << 7,
    };
    ((struct sam_mclk *)sam->clock)->rcause = causes[cause];
}

static void clock_reset(void *ctx)
{
    struct sam_mclk *clock = ctx;
    const struct sam_mclk_map *map = clock->map;
    memset(clock->osc, 0, sizeof clock->osc);
    memset(clock->osc32k, 0, sizeof clock->osc32k);
    memset(clock->supc, 0, sizeof clock->supc);
    memset(clock->pm, 0, sizeof clock->pm);
    clock->osc[map->osc_at / 4] = map->osc_reset;
    clock->osc_intenset = clock->osc_intflag = 0;
    clock->cpudiv = 1;
    clock->ahbmask = 0x00FFFFFF;
    memcpy(clock->apbmask, map->apbmask, sizeof clock->apbmask);
    gclk_reset_values(clock);
    set_core_clock(clock);
}

static void create(struct sam *sam)
{
    struct sam_mclk *clock = sam->clock = calloc(1, sizeof *clock);
    const struct sam_mclk_map *map = clock->map = sam->model->mclk;
    const struct sam_block blocks[] = {
        { .name = "MCLK", .read = mclk_read, .write = mclk_write, .reset = clock_reset },
        { .name = "PM", .read = pm_read, .write = pm_write },
        { .name = "RSTC", .read = rstc_read, .write = rstc_write },
        { .name = "OSCCTRL", .read = osc_read, .write = osc_write },
        { .name = "OSC32KCTRL", .read = osc32k_read, .write = osc32k_write },
        { .name = "SUPC", .read = supc_read, .write = supc_write },
        { .name = "GCLK", .read = gclk_read, .write = gclk_write },
    };
    clock->chip = sam;
    for (int i = 0; i < 7; i++) {
        struct sam_block block = blocks[i];
        block.base = map->base[i];
        block.bridge = BRIDGE_A;
        block.bit = map->bit[i];
        block.ctx = clock;
        sam_add_block(sam, &block);
    }
}

static void destroy(struct sam *sam) { free(sam->clock); }

const struct sam_clock_kind sam_mclk_kind = {
    .create = create, .destroy = destroy, .reset_cause = reset_cause, .gclk = gclk,
    .gate_open = gate_open,
};
