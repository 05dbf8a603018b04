/* l4_rcc.c - RCC of STM32 L4, G4 and G0: oscillators, PLL, prescalers, gates, reset flags; PWR.
 *
 *   called by  l4.c, and every file that asks how long a clock cycle is
 *   calls      l4.c (bus costs, core clock, resets of blocks)
 *
 *   MSI (L4) --+
 *   HSI 16 ----+------------------> SW -> SYSCLK -HPRE-> HCLK -PPRE1-> PCLK1
 *   HSE  8 ----+-> /M xN /R -> PLL -^                        \--PPRE2-> PCLK2 (G0: PCLK only)
 *
 * Registers that only hold what was written are one array; those with a meaning are looked up
 * in it.  A block's gate is a bit of an ENR register; the RSTR of the same lies a fixed way
 * before it.  Oscillators take their data sheet time to start.  Limits are checked when a clock
 * changes: SYSCLK, VCO, wait states (range 1; a G4 without its boost is allowed 30 MHz for
 * each).
 *
 * Not modelled, and reported: RTC and LSE, clock security, the PLLs for SAI.  Kept without
 * effect: voltage ranges, low power modes, clock outputs, kernel clocks (USARTs run from PCLK).
 *
 * Sources: RM0444, RM0351, RM0440, RM0367, RM0038, chapters RCC, PWR, "read access latency" of FLASH; the data
 * sheets' oscillator tables (typical start-up times). */
#include "l4.h"
#include <stdlib.h>
#include <string.h>

enum { CR = 0x00, ICSCR = 0x04, PLLCFGR = 0x0C, CFGR2 = 0x2C, WORDS = 0x100 / 4 };
enum { MSIRGSEL = 1 << 3, CSSON = 1 << 19, SAIPLLS = 1 << 26 | 1 << 28 };
enum { LSION = 1 << 0, LSIRDY = 1 << 1, OBLRSTF = 1 << 25, PINRSTF = 1 << 26,
       BORRSTF = 1 << 27, SFTRSTF = 1 << 28, IWDGRSTF = 1 << 29, WWDGRSTF = 1 << 30 };
enum { CSR_LSE_RTC = 1 << 8 | 1 << 10 | 1 << 16 | 1 << 18 | 1 << 22 };   /* L0, L1 */
enum { PWR_CR1 = 0x00, PWR_CR5 = 0x80, R1MODE = 1 << 8, PWR_WORDS = 0x90 / 4 };

enum source { MSI, HSI, HSE, PLL, LSI, SOURCES, NOTHING };

static const struct { const char *name; double hz; sim_time start_up; } properties[SOURCES] = {
    [MSI] = { "MSI", 0, 4 * SIM_US },
    [HSI] = { "HSI16", 16e6, 1 * SIM_US },
    [HSE] = { "HSE", 8e6, 2 * SIM_MS },
    [PLL] = { "PLL", 0, 15 * SIM_US },
    [LSI] = { "LSI", 32e3, 80 * SIM_US },         /* 37 kHz, where the layout says so */
};

/* Bits of CR: MSI, HSI, HSE, PLL, LSI. */
#define ON_HSI8     { 0, 1 << 8, 1 << 16, 1 << 24, 0 }
#define RDY_HSI10   { 0, 1 << 10, 1 << 17, 1 << 25, 0 }
#define ON_MSI0     { 1 << 0, 1 << 8, 1 << 16, 1 << 24, 0 }
#define RDY_MSI1    { 1 << 1, 1 << 10, 1 << 17, 1 << 25, 0 }
#define ON_MSI8     { 1 << 8, 1 << 0, 1 << 16, 1 << 24, 0 }
#define RDY_HSI2    { 1 << 9, 1 << 2, 1 << 17, 1 << 25, 0 }
#define ON_HSI0     { 0, 1 << 0, 1 << 16, 1 << 24, 0 }
#define RDY_HSI1    { 1 << 9, 1 << 1, 1 << 17, 1 << 25, 0 }

/* Where a family has what. */
static const struct layout {
    uint32_t base;
    enum pll_kind { PLL_OWN, PLL_DIV, PLL_MUL } pll;    /* PLLCFGR; L0, L1: CFGR; F0, F3: CFGR */
    uint8_t cfgr, enr, enr_end, to_rstr, ahb, gpio, apb1, apb2, bdcr, csr;
    uint8_t debug, debug_bit;       /* gate of a Cortex-M0+'s DBG */
    uint32_t rmvf;
    uint32_t on[SOURCES], rdy[SOURCES];             /* bits of CR */
    uint8_t hpre, ppre1, ppre2, sws, sw_mask;       /* positions in CFGR */
    uint8_t m_mask, r_shift, r_mask, ren;           /* in PLLCFGR */
    enum source sw[5];
    uint32_t cr, cfgr_reset, word12, ahb_reset, csr_reset;  /* after reset; word12: at 0x0C */
    double max_hz, vco_in_min, vco_min, vco_max, lsi_hz, hsi_hz;
    uint8_t gpio_bit;               /* of GPIOA in its gates */
} layouts[] = {
    [L4_CLOCKS_G0] = {
        0x40021000, PLL_OWN, 0x08, 0x34, 0x44, 0x10, 0x38, 0x34, 0x3C, 0x40, 0x5C, 0x60,
        0x3C, 27, 1 << 23, ON_HSI8, RDY_HSI10, 8, 12, 12, 3, 7, 7, 29, 7, 28,
        { HSI, HSE, PLL, LSI, NOTHING }, 0x500, 0, 0x1000, 1 << 8, 0,
        64e6, 2.66e6, 96e6, 344e6, 32e3, 16e6 },
    [L4_CLOCKS_L4] = {
        0x40021000, PLL_OWN, 0x08, 0x48, 0x64, 0x20, 0x48, 0x4C, 0x58, 0x60, 0x90, 0x94,
        0, 0, 1 << 23, ON_MSI0, RDY_MSI1, 4, 8, 11, 2, 3, 7, 25, 3, 24,
        { MSI, HSI, HSE, PLL, NOTHING }, 0x63, 0, 0x1000, 1 << 8, 0x600,
        80e6, 4e6, 64e6, 344e6, 32e3, 16e6 },
    [L4_CLOCKS_G4] = {
        0x40021000, PLL_OWN, 0x08, 0x48, 0x64, 0x20, 0x48, 0x4C, 0x58, 0x60, 0x90, 0x94,
        0, 0, 1 << 23, ON_HSI8, RDY_HSI10, 4, 8, 11, 2, 3, 15, 25, 3, 24,
        { NOTHING, HSI, HSE, PLL, NOTHING }, 0x500, 1, 0x1000, 1 << 8, 0,
        170e6, 2.66e6, 96e6, 344e6, 32e3, 16e6 },
    [L4_CLOCKS_L0] = {
        0x40021000, PLL_DIV, 0x0C, 0x2C, 0x3C, 0x10, 0x30, 0x2C, 0x38, 0x34, 0xFF, 0x50,
        0x34, 22, 1 << 23, ON_MSI8, RDY_HSI2, 4, 8, 11, 2, 3, 0, 0, 0, 0,
        { MSI, HSI, HSE, PLL, NOTHING }, 0x300, 0, 0, 1 << 8, 0,
        32e6, 2e6, 6e6, 96e6, 37e3, 16e6 },
    [L4_CLOCKS_F0] = {
        0x40021000, PLL_MUL, 0x04, 0x18, 0x20, 0x0C, 0x14, 0x14, 0x1C, 0x18, 0x20, 0x24,
        0x18, 22, 1 << 24, ON_HSI0, RDY_HSI1, 4, 8, 8, 2, 3, 0, 0, 0, 0,
        { HSI, HSE, PLL, NOTHING, NOTHING }, 0x83, 0, 0, 0x14, 0,
        48e6, 1e6, 16e6, 48e6, 40e3, 8e6, 17 },
    [L4_CLOCKS_F3] = {
        0x40021000, PLL_MUL, 0x04, 0x18, 0x20, 0x0C, 0x14, 0x14, 0x1C, 0x18, 0x20, 0x24,
        0, 0, 1 << 24, ON_HSI0, RDY_HSI1, 4, 8, 11, 2, 3, 0, 0, 0, 0,
        { HSI, HSE, PLL, NOTHING, NOTHING }, 0x83, 0, 0, 0x14, 0,
        72e6, 1e6, 16e6, 72e6, 40e3, 8e6, 17 },
    [L4_CLOCKS_L1] = {
        0x40023800, PLL_DIV, 0x08, 0x1C, 0x28, 0x0C, 0x1C, 0x1C, 0x24, 0x20, 0xFF, 0x34,
        0, 0, 1 << 24, ON_MSI8, RDY_HSI1, 4, 8, 11, 2, 3, 0, 0, 0, 0,
        { MSI, HSI, HSE, PLL, NOTHING }, 0x300, 0, 0, 1 << 15, 0,
        32e6, 2e6, 6e6, 96e6, 37e3, 16e6 },
};

struct oscillator { bool on; sim_time ready_at; };

struct l4_rcc {
    struct l4 *l4;
    const struct layout *at;
    struct oscillator source[SOURCES];
    uint32_t word[WORDS], flags;
    bool lsi_forced;
    enum source sysclk;
    sim_time hclk;
    uint32_t pwr[PWR_WORDS];
};

/* An L0 or L1. */
static bool is_lx(const struct l4_rcc *rcc) { return rcc->at->pll == PLL_DIV; }
static bool has_msi(const struct l4_rcc *rcc) { return rcc->at->sw[0] == MSI; }
static bool is_g0(const struct l4_rcc *rcc) { return rcc->l4->type->clocks == L4_CLOCKS_G0; }

uint8_t l4_rcc_enr(const struct l4 *l4, enum l4_bus bus)
{
    const struct layout *at = &layouts[l4->type->clocks];
    return bus == L4_APB2 ? at->apb2 : bus == L4_APB1 ? at->apb1 : at->ahb;
}

uint8_t l4_rcc_enr_gpio(const struct l4 *l4) { return layouts[l4->type->clocks].gpio; }

/* --- clocks ------------------------------------------------------------------------- */

static bool ready(const struct l4_rcc *rcc, enum source source)
{
    return source < SOURCES && rcc->source[source].on &&
           rcc->l4->sim->now >= rcc->source[source].ready_at;
}

static double msi_hz(const struct l4_rcc *rcc)
{
    static const double ranges[16] = { 100e3, 200e3, 400e3, 800e3, 1e6, 2e6, 4e6, 8e6, 16e6,
                                       24e6, 32e6, 48e6, 4e6, 4e6, 4e6, 4e6 };
    uint32_t cr = rcc->word[CR / 4];
    if (is_lx(rcc))
        return 65536 << (rcc->word[ICSCR / 4] >> 13 & 7);
    return ranges[cr & MSIRGSEL ? cr >> 4 & 15 : rcc->word[rcc->at->csr / 4] >> 8 & 15];
}

static enum source pll_source(const struct l4_rcc *rcc)
{
    if (rcc->at->pll != PLL_OWN)
        return rcc->word[rcc->at->cfgr / 4] >> 16 & 1 ? HSE : HSI;
    uint32_t src = rcc->word[PLLCFGR / 4] & 3;
    return src == 3 ? HSE : src == 2 ? HSI : src == 1 && has_msi(rcc) ? MSI : NOTHING;
}

static double plain_hz(const struct l4_rcc *rcc, enum source source)
{
    return source == MSI ? msi_hz(rcc) : source == HSI ? rcc->at->hsi_hz : source < SOURCES ? properties[source].hz : 0;
}

static double vco_in(const struct l4_rcc *rcc)
{
    if (rcc->at->pll == PLL_MUL)            /* HSI / 2, or HSE / PREDIV */
        return pll_source(rcc) == HSI ? plain_hz(rcc, HSI) / 2
                                      : plain_hz(rcc, HSE) / ((rcc->word[CFGR2 / 4] & 15) + 1);
    if (is_lx(rcc))
        return plain_hz(rcc, pll_source(rcc));
    return plain_hz(rcc, pll_source(rcc)) /
           ((rcc->word[PLLCFGR / 4] >> 4 & rcc->at->m_mask) + 1);
}

static double vco_out(const struct l4_rcc *rcc)
{
    static const uint8_t by[16] = { 3, 4, 6, 8, 12, 16, 24, 32, 48, 48, 48, 48, 48, 48, 48, 48 };
    uint32_t mul = rcc->word[rcc->at->cfgr / 4] >> 18 & 15;
    if (rcc->at->pll == PLL_MUL)
        return vco_in(rcc) * (mul < 15 ? mul + 2 : 16);
    if (is_lx(rcc))
        return vco_in(rcc) * by[mul];
    return vco_in(rcc) * (rcc->word[PLLCFGR / 4] >> 8 & 0x7F);
}

static double source_hz(const struct l4_rcc *rcc, enum source source)
{
    uint32_t r = rcc->word[PLLCFGR / 4] >> rcc->at->r_shift & rcc->at->r_mask;
    if (source == PLL && rcc->at->pll == PLL_MUL)
        return vco_out(rcc);
    if (source == PLL && is_lx(rcc))
        return vco_out(rcc) / ((rcc->word[rcc->at->cfgr / 4] >> 22 & 3) + 1);
    if (source == PLL)
        return vco_out(rcc) / (is_g0(rcc) ? r + 1 : 2 * r + 2);
    if (source == HSI && is_g0(rcc) && rcc->sysclk == HSI)
        return 16e6 / (1u << (rcc->word[CR / 4] >> 11 & 7));        /* HSISYS */
    return plain_hz(rcc, source);
}

static unsigned ahb_divider(const struct l4_rcc *rcc)
{
    static const uint16_t by[8] = { 2, 4, 8, 16, 64, 128, 256, 512 };
    uint32_t hpre = rcc->word[rcc->at->cfgr / 4] >> rcc->at->hpre & 15;
    return hpre & 8 ? by[hpre & 7] : 1;
}

static unsigned apb_divider(const struct l4_rcc *rcc, enum l4_bus bus)
{
    if (bus == L4_AHB)
        return 1;
    uint32_t ppre = rcc->word[rcc->at->cfgr / 4] >>
                    (bus == L4_APB1 ? rcc->at->ppre1 : rcc->at->ppre2) & 7;
    return ppre & 4 ? 2u << (ppre & 3) : 1;
}

sim_time l4_rcc_hclk(const struct l4_rcc *rcc) { return rcc->hclk; }

sim_time l4_rcc_clock(const struct l4_rcc *rcc, enum l4_bus bus)
{
    return rcc->hclk * apb_divider(rcc, bus);
}

static double hclk_hz(const struct l4_rcc *rcc)
{
    return source_hz(rcc, rcc->sysclk) / ahb_divider(rcc);
}

void l4_rcc_check_flash(struct l4_rcc *rcc)
{
    unsigned wait = rcc->l4->type->controller->latency(rcc->l4);
    unsigned each = rcc->l4->type->latency_mhz;
    if (is_lx(rcc))                         /* VOS: 1.8 V is 1, 1.5 V is 2, 1.2 V is 3 */
        each >>= ((rcc->pwr[PWR_CR1 / 4] >> 11) + 3) & 3;
    if (rcc->l4->type->clocks == L4_CLOCKS_G4 && rcc->pwr[PWR_CR5 / 4] & R1MODE)
        each = 30;
    /* OpenOCD starts an L0 so at 16 MHz in range 2, where 8 are allowed. */
    bool usual = is_lx(rcc) && hclk_hz(rcc) <= 16e6 * (wait + 1);
    if (hclk_hz(rcc) > each * 1e6 * (wait + 1))
        l4_report(rcc->l4, usual ? SIM_NOTE : SIM_RULE, "flash with %u wait states at HCLK %.0f MHz, which allow "
                  "%u MHz", wait, hclk_hz(rcc) / 1e6, each * (wait + 1));
}

static void update(struct l4_rcc *rcc)
{
    double sysclk = source_hz(rcc, rcc->sysclk);
    rcc->hclk = (sim_time)((double)SIM_SECOND / hclk_hz(rcc) + 0.5);
    if (!rcc->l4->flash && !rcc->l4->pecr && !rcc->l4->fpec)
        return;                             /* still being built */
    l4_set_costs(rcc->l4);
    if (sysclk > rcc->at->max_hz)
        l4_report(rcc->l4, SIM_RULE, "SYSCLK is %.0f MHz, limit %.0f", sysclk / 1e6,
                  rcc->at->max_hz / 1e6);
    l4_rcc_check_flash(rcc);
}

static void switch_source(struct l4_rcc *rcc, enum source source, bool on)
{
    if (on && !rcc->source[source].on)
        rcc->source[source].ready_at = rcc->l4->sim->now + properties[source].start_up;
    rcc->source[source].on = on;
}

static void check_pll(struct l4_rcc *rcc)
{
    double in = vco_in(rcc), out = vco_out(rcc);
    if (in < rcc->at->vco_in_min || in > (rcc->at->pll == PLL_OWN ? 16e6 : 24e6))
        l4_report(rcc->l4, SIM_RULE, "PLL: VCO input is %.2f MHz, %.2f to 16 (L0, L1, F0, F3: 24) are allowed",
                  in / 1e6, rcc->at->vco_in_min / 1e6);
    if (out < rcc->at->vco_min || out > rcc->at->vco_max)
        l4_report(rcc->l4, SIM_RULE, "PLL: VCO output is %.0f MHz, %.0f to %.0f are allowed",
                  out / 1e6, rcc->at->vco_min / 1e6, rcc->at->vco_max / 1e6);
    if (!ready(rcc, pll_source(rcc)))
        l4_report(rcc->l4, SIM_RULE, "PLL switched on before its source is ready");
}

/* --- registers ---------------------------------------------------------------------- */

static uint32_t ready_bits(const struct l4_rcc *rcc)
{
    uint32_t bits = 0;
    for (int i = 0; i < SOURCES; i++)
        bits |= rcc->at->rdy[i];
    return bits;
}

static void write_cr(struct l4_rcc *rcc, uint32_t value)
{
    bool more = has_msi(rcc) && !is_lx(rcc);
    if (value & (CSSON | (more ? SAIPLLS : 0)))
        l4_report(rcc->l4, SIM_UNMODELLED, "RCC_CR: clock security, or a PLL for SAI");
    /* What the system runs from cannot be switched off. */
    enum source source = rcc->sysclk == PLL ? pll_source(rcc) : rcc->sysclk;
    const uint32_t *on = rcc->at->on;
    value |= source < SOURCES ? on[source] : 0;
    value |= rcc->sysclk == PLL ? on[PLL] : 0;
    bool pll_starts = value & on[PLL] && !rcc->source[PLL].on;
    rcc->word[CR / 4] = value & ~ready_bits(rcc);
    switch_source(rcc, MSI, value & on[MSI]);
    switch_source(rcc, HSI, value & on[HSI]);
    switch_source(rcc, HSE, value & on[HSE]);
    if (pll_starts)
        check_pll(rcc);
    switch_source(rcc, PLL, value & on[PLL]);
    update(rcc);
}

static uint32_t read_cr(const struct l4_rcc *rcc)
{
    uint32_t cr = rcc->word[CR / 4];
    for (int i = 0; i < SOURCES; i++)
        if (ready(rcc, i))
            cr |= rcc->at->rdy[i];
    return cr;
}

static void write_cfgr(struct l4_rcc *rcc, uint32_t value)
{
    uint32_t sw = value & rcc->at->sw_mask;
    enum source source = sw < 5 ? rcc->at->sw[sw] : NOTHING;
    rcc->word[rcc->at->cfgr / 4] = value & ~((uint32_t)rcc->at->sw_mask << rcc->at->sws);
    if (!ready(rcc, source))
        l4_report(rcc->l4, SIM_RULE, "SYSCLK switched to a source that is not ready (SW = %u)",
                  sw);
    else if (source == PLL && rcc->at->pll == PLL_OWN &&
             !(rcc->word[PLLCFGR / 4] >> rcc->at->ren & 1))
        l4_report(rcc->l4, SIM_RULE, "SYSCLK switched to the PLL without PLLREN");
    else
        rcc->sysclk = source;
    update(rcc);
}

static uint32_t read_cfgr(const struct l4_rcc *rcc)
{
    uint32_t sws = 0;
    while (rcc->at->sw[sws] != rcc->sysclk)
        sws++;
    return rcc->word[rcc->at->cfgr / 4] | sws << rcc->at->sws;
}

static void write_pllcfgr(struct l4_rcc *rcc, uint32_t value)
{
    static const uint32_t outputs = 1 << 16 | 1 << 20 | 1 << 24 | 1 << 28;  /* PLLxEN */
    if (rcc->source[PLL].on && (value ^ rcc->word[PLLCFGR / 4]) & ~outputs)
        l4_report(rcc->l4, SIM_FORGIVEN, "RCC_PLLCFGR written while the PLL is on");
    else
        rcc->word[PLLCFGR / 4] = value;
}

static void write_csr(struct l4_rcc *rcc, uint32_t value)
{
    if (value & rcc->at->rmvf)
        rcc->flags = 0;
    if (is_lx(rcc) && value & CSR_LSE_RTC)
        l4_report(rcc->l4, SIM_UNMODELLED, "RCC_CSR: LSE and RTC");
    rcc->word[rcc->at->csr / 4] = value & 0xF00;
    switch_source(rcc, LSI, value & LSION || rcc->lsi_forced);
}

static uint32_t read_csr(const struct l4_rcc *rcc)
{
    return rcc->flags | rcc->word[rcc->at->csr / 4] | (rcc->source[LSI].on ? LSION : 0) |
           (ready(rcc, LSI) ? LSIRDY : 0);
}

/* `rstr` is the register, bits those that rose. */
static void reset_blocks(struct l4_rcc *rcc, uint32_t rstr, uint32_t bits)
{
    for (int i = 0; i < rcc->l4->block_count; i++) {
        struct l4_block *block = &rcc->l4->blocks[i];
        if (block->enr && block->enr - rcc->at->to_rstr == (int)rstr && bits >> block->bit & 1 &&
            block->reset)
            block->reset(block->ctx);
    }
}

static uint32_t rcc_read(void *ctx, uint32_t reg)
{
    struct l4_rcc *rcc = ctx;
    if (reg == CR)
        return read_cr(rcc);
    if (reg == rcc->at->cfgr)
        return read_cfgr(rcc);
    if (reg == rcc->at->csr)
        return read_csr(rcc);
    return reg / 4 < WORDS ? rcc->word[reg / 4] : 0;
}

static void rcc_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct l4_rcc *rcc = ctx;
    uint32_t rstr = rcc->at->enr - rcc->at->to_rstr;
    if (reg == CR) {
        write_cr(rcc, value);
    } else if (reg == rcc->at->cfgr) {
        write_cfgr(rcc, value);
    } else if (reg == PLLCFGR && rcc->at->pll == PLL_OWN) {
        write_pllcfgr(rcc, value);
    } else if (reg == rcc->at->csr) {
        write_csr(rcc, value);
    } else if (reg / 4 < WORDS) {
        if (reg == rcc->at->bdcr && value)
            l4_report(rcc->l4, SIM_UNMODELLED, "RCC_BDCR: LSE and RTC");
        rcc->word[reg / 4] = value;
        if ((is_lx(rcc) && reg == ICSCR) || (rcc->at->pll == PLL_MUL && reg == CFGR2))
            update(rcc);
        if (reg >= rstr && reg < (uint32_t)rcc->at->enr_end - rcc->at->to_rstr)
            reset_blocks(rcc, reg, value);
    }
}

bool l4_rcc_gate_open(const struct l4_rcc *rcc, uint8_t enr, uint8_t bit)
{
    return !enr || rcc->word[enr / 4] >> bit & 1;
}

/* --- PWR ---------------------------------------------------------------------------- */

static uint32_t pwr_read(void *ctx, uint32_t reg)
{
    const struct l4_rcc *rcc = ctx;
    return reg / 4 < PWR_WORDS ? rcc->pwr[reg / 4] : 0;     /* SR1, SR2: 0, all is steady */
}

static void pwr_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct l4_rcc *rcc = ctx;
    if (reg / 4 < PWR_WORDS && reg != 0x10 && reg != 0x14)
        rcc->pwr[reg / 4] = value;
}

static void pwr_reset(void *ctx)
{
    struct l4_rcc *rcc = ctx;
    memset(rcc->pwr, 0, sizeof rcc->pwr);
    rcc->pwr[PWR_CR1 / 4] = is_lx(rcc) ? 0x1000 : is_g0(rcc) ? 0x208 : 0x200;
    rcc->pwr[PWR_CR5 / 4] = R1MODE;
}

/* --- reset -------------------------------------------------------------------------- */

void l4_rcc_lsi_force_on(struct l4_rcc *rcc)
{
    rcc->lsi_forced = true;
    switch_source(rcc, LSI, true);
}

static void rcc_reset(void *ctx)
{
    struct l4_rcc *rcc = ctx;
    memset(rcc->word, 0, sizeof rcc->word);
    for (int i = 0; i < SOURCES; i++)
        rcc->source[i].on = i == (has_msi(rcc) ? MSI : HSI);
    rcc->source[MSI].ready_at = rcc->source[HSI].ready_at = 0;
    rcc->word[CR / 4] = rcc->at->cr & ~ready_bits(rcc);
    rcc->word[PLLCFGR / 4] = rcc->at->word12;
    rcc->word[rcc->at->cfgr / 4] = rcc->at->cfgr_reset;
    if (is_lx(rcc))
        rcc->word[ICSCR / 4] = 5 << 13;                     /* MSI: 2.1 MHz */
    rcc->word[rcc->at->ahb / 4] = rcc->at->ahb_reset;       /* the flash's gate */
    rcc->word[rcc->at->csr / 4] = rcc->at->csr_reset;
    rcc->lsi_forced = false;
    rcc->sysclk = has_msi(rcc) ? MSI : HSI;
    pwr_reset(rcc);
    update(rcc);
}

void l4_rcc_reset_cause(struct l4_rcc *rcc, enum reset_cause cause)
{
    rcc->flags |= PINRSTF;                  /* every reset drives the pin */
    switch (cause) {
    case RESET_POWER:    rcc->flags = BORRSTF | PINRSTF; break;
    case RESET_SOFTWARE: rcc->flags |= rcc->l4->option_reset ? OBLRSTF : SFTRSTF; break;
    case RESET_WATCHDOG:
        rcc->flags |= rcc->l4->window_watchdog ? WWDGRSTF : IWDGRSTF;
        break;
    default: break;
    }
}

void l4_rcc_power_on(struct l4_rcc *rcc) { rcc_reset(rcc); }

void l4_rcc_new(struct l4 *l4)
{
    struct l4_rcc *rcc = l4->rcc = calloc(1, sizeof *rcc);
    rcc->l4 = l4;
    rcc->at = &layouts[l4->type->clocks];
    rcc_reset(rcc);
    l4_add_block(l4, &(struct l4_block){
        .name = "RCC", .base = rcc->at->base, .size = 0x400, .bus = L4_AHB, .narrowest = 1,
        .read = rcc_read, .write = rcc_write, .reset = rcc_reset, .ctx = rcc });
    l4_add_block(l4, &(struct l4_block){
        .name = "PWR", .base = 0x40007000, .size = 0x400, .bus = L4_APB1,
        .enr = rcc->at->apb1, .bit = 28, .narrowest = 2, .read = pwr_read, .write = pwr_write,
        .reset = pwr_reset, .ctx = rcc });
}

bool l4_rcc_hsi_on(const struct l4_rcc *rcc) { return ready(rcc, HSI); }
uint8_t l4_rcc_bit_gpio(const struct l4 *l4) { return layouts[l4->type->clocks].gpio_bit; }

sim_time l4_rcc_lsi(const struct l4_rcc *rcc)
{
    return (sim_time)((double)SIM_SECOND / rcc->at->lsi_hz + 0.5);
}

bool l4_rcc_debug_gate_open(const struct l4_rcc *rcc)
{
    return l4_rcc_gate_open(rcc, rcc->at->debug, rcc->at->debug_bit);
}

void l4_rcc_free(struct l4_rcc *rcc) { free(rcc); }
