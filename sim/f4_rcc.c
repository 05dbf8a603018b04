/* f4_rcc.c - RCC of an STM32F2, F4 or F7: oscillators, PLL, prescalers, gates, reset flags; PWR.
 *
 *   called by  f4.c, and every file that asks how long a clock cycle is
 *   calls      f4.c (bus costs, core clock, resets of blocks)
 *
 *   HSI 16 MHz --+----------------------------> SW -> SYSCLK -HPRE-> HCLK -PPRE1-> PCLK1
 *   HSE  8 MHz --+-> /M -> VCO xN -> /P -> PLL -^                        \--PPRE2-> PCLK2
 *
 * Oscillators take their data sheet time to start.  Limits are checked when a clock changes:
 * those of the part, higher ones with PWR's over-drive (which is ready at once); VCO input
 * 0.95 to 2.1 MHz, output 100 to 432 MHz (an F2's from 192 on, which is not looked at); flash
 * wait states one for each 30 MHz (2.7 to 3.6 V).
 *
 * Not modelled, and reported: RTC and LSE, clock security, PLLI2S, PLLSAI.  Spread
 * spectrum and the clock outputs are kept and do nothing.
 *
 * Sources: RM0090 7.3 (registers), 3.5.1 (wait states), 5.4 (PWR); DS8626 tables 36 to 41. */
#include "f4.h"
#include <stdlib.h>

enum { CR = 0x00, PLLCFGR = 0x04, CFGR = 0x08, CIR = 0x0C, RSTR = 0x10, ENR = 0x30,
       LPENR = 0x50, BDCR = 0x70, CSR = 0x74, SSCGR = 0x80, PLLI2SCFGR = 0x84,
       PLLSAICFGR = 0x88, DCKCFGR = 0x8C, DCKCFGR2 = 0x90 };
enum { HSION = 1 << 0, HSIRDY = 1 << 1, HSITRIM = 0x1F << 3, HSICAL = 0x5A << 8,
       HSEON = 1 << 16, HSERDY = 1 << 17, HSEBYP = 1 << 18, CSSON = 1 << 19,
       PLLON = 1 << 24, PLLRDY = 1 << 25, PLLI2SON = 1 << 26, PLLSAION = 1 << 28,
       CR_RESET = 0x83 };
enum { PLLSRC = 1 << 22, PLLCFGR_RESET = 0x24003010, LSION = 1 << 0, LSIRDY = 1 << 1,
       RMVF = 1 << 24, BORRSTF = 1 << 25, PINRSTF = 1 << 26, PORRSTF = 1 << 27,
       SFTRSTF = 1 << 28, IWDGRSTF = 1 << 29, WWDGRSTF = 1 << 30 };
enum { PWR_CR = 0x00, PWR_CSR = 0x04, VOSRDY = 1 << 14, ODEN = 1 << 16, ODSWEN = 1 << 17 };

enum source { HSI, HSE, PLL, LSI, SOURCES };

static const struct { const char *name; double hz; sim_time start_up; } properties[] = {
    [HSI] = { "HSI", 16e6, 2200 * SIM_NS },     /* DS8626 table 38: 2.2 us */
    [HSE] = { "HSE", 8e6, 2 * SIM_MS },         /* table 36: 2 ms */
    [PLL] = { "PLL", 0, 200 * SIM_US },         /* table 40: 75 to 200 us */
    [LSI] = { "LSI", 32e3, 15 * SIM_US },       /* table 39: 15 us */
};

struct oscillator { bool on; sim_time ready_at; };

struct f4_rcc {
    struct f4 *f4;
    struct oscillator source[SOURCES];
    uint32_t cr, pllcfgr, cfgr, cir, csr, sscgr, plli2scfgr, pllsaicfgr, dckcfgr;
    uint32_t enr[F4_BUSES], lpenr[F4_BUSES], rstr[F4_BUSES];
    bool lsi_forced;
    enum source sysclk;
    sim_time hclk;
    uint32_t pwr_cr;
};

/* --- clocks ------------------------------------------------------------------------- */

static bool ready(const struct f4_rcc *rcc, enum source source)
{
    return rcc->source[source].on && rcc->f4->sim->now >= rcc->source[source].ready_at;
}

static double vco_in(const struct f4_rcc *rcc)
{
    uint32_t m = rcc->pllcfgr & 0x3F;
    return properties[rcc->pllcfgr & PLLSRC ? HSE : HSI].hz / (m ? m : 1);
}

static double vco_out(const struct f4_rcc *rcc)
{
    return vco_in(rcc) * (rcc->pllcfgr >> 6 & 0x1FF);
}

static double source_hz(const struct f4_rcc *rcc, enum source source)
{
    return source == PLL ? vco_out(rcc) / (2 + 2 * (rcc->pllcfgr >> 16 & 3))
                         : properties[source].hz;
}

static unsigned ahb_divider(const struct f4_rcc *rcc)
{
    static const uint16_t by[8] = { 2, 4, 8, 16, 64, 128, 256, 512 };
    uint32_t hpre = rcc->cfgr >> 4 & 15;
    return hpre & 8 ? by[hpre & 7] : 1;
}

static unsigned apb_divider(const struct f4_rcc *rcc, enum f4_bus bus)
{
    if (bus < F4_APB1)
        return 1;
    uint32_t ppre = rcc->cfgr >> (bus == F4_APB1 ? 10 : 13) & 7;
    return ppre & 4 ? 2u << (ppre & 3) : 1;
}

sim_time f4_rcc_hclk(const struct f4_rcc *rcc) { return rcc->hclk; }

sim_time f4_rcc_clock(const struct f4_rcc *rcc, enum f4_bus bus)
{
    return rcc->hclk * apb_divider(rcc, bus);
}

void f4_rcc_check_flash(struct f4_rcc *rcc)
{
    double hclk = source_hz(rcc, rcc->sysclk) / ahb_divider(rcc);
    unsigned wait = f4_flash_latency(rcc->f4->flash);
    if (hclk > 30e6 * (wait + 1))
        f4_report(rcc->f4, SIM_RULE, "flash with %u wait states at HCLK %.0f MHz, which "
                  "allows %u MHz (RM0090 3.5.1)", wait, hclk / 1e6, 30 * (wait + 1));
}

static void check_limit(struct f4_rcc *rcc, const char *clock, double mhz, unsigned limit)
{
    if (mhz > limit)
        f4_report(rcc->f4, SIM_RULE, "%s is %.0f MHz, limit %u", clock, mhz, limit);
}

static void check_limits(struct f4_rcc *rcc)
{
    bool over_drive = (rcc->pwr_cr & (ODEN | ODSWEN)) == (ODEN | ODSWEN);
    const struct f4_limits *limits = &rcc->f4->part->limits[over_drive];
    double sysclk = source_hz(rcc, rcc->sysclk), hclk = sysclk / ahb_divider(rcc);
    check_limit(rcc, "SYSCLK", sysclk / 1e6, limits->sysclk);
    check_limit(rcc, "PCLK1", hclk / apb_divider(rcc, F4_APB1) / 1e6, limits->pclk1);
    check_limit(rcc, "PCLK2", hclk / apb_divider(rcc, F4_APB2) / 1e6, limits->pclk2);
    f4_rcc_check_flash(rcc);
}

static void update(struct f4_rcc *rcc)
{
    double hclk = source_hz(rcc, rcc->sysclk) / ahb_divider(rcc);
    rcc->hclk = (sim_time)((double)SIM_SECOND / hclk + 0.5);
    if (!rcc->f4->flash)
        return;                             /* still being built */
    f4_set_costs(rcc->f4);
    check_limits(rcc);
}

static void switch_source(struct f4_rcc *rcc, enum source source, bool on)
{
    if (on && !rcc->source[source].on)
        rcc->source[source].ready_at = rcc->f4->sim->now + properties[source].start_up;
    rcc->source[source].on = on;
}

static void check_pll(struct f4_rcc *rcc)
{
    double in = vco_in(rcc), out = vco_out(rcc);
    uint32_t m = rcc->pllcfgr & 0x3F;
    if (m < 2 || in < 0.95e6 || in > 2.1e6)
        f4_report(rcc->f4, SIM_RULE, "PLL: VCO input is %.2f MHz (PLLM %u), 0.95 to 2.1 "
                  "and PLLM from 2 are allowed", in / 1e6, m);
    if (out < 100e6 || out > 432e6)
        f4_report(rcc->f4, SIM_RULE, "PLL: VCO output is %.0f MHz, 100 to 432 are allowed",
                  out / 1e6);
    if (!ready(rcc, rcc->pllcfgr & PLLSRC ? HSE : HSI))
        f4_report(rcc->f4, SIM_RULE, "PLL switched on before its source is ready");
}

/* --- registers ---------------------------------------------------------------------- */

static void write_cr(struct f4_rcc *rcc, uint32_t value)
{
    if (value & (CSSON | PLLI2SON | PLLSAION))
        f4_report(rcc->f4, SIM_UNMODELLED, "RCC_CR.%s", value & CSSON ? "CSSON" :
                  value & PLLI2SON ? "PLLI2SON" : "PLLSAION");
    /* RM0090 7.3.1: what the system runs from cannot be switched off. */
    if (rcc->sysclk == HSI)
        value |= HSION;
    if (rcc->sysclk == HSE || (rcc->sysclk == PLL && rcc->pllcfgr & PLLSRC))
        value |= HSEON;
    if (rcc->sysclk == PLL)
        value |= PLLON;
    bool pll_starts = value & PLLON && !rcc->source[PLL].on;
    rcc->cr = value & (HSION | HSITRIM | HSEON | HSEBYP | PLLON);
    switch_source(rcc, HSI, value & HSION);
    switch_source(rcc, HSE, value & HSEON);
    if (pll_starts)
        check_pll(rcc);
    switch_source(rcc, PLL, value & PLLON);
}

static uint32_t read_cr(const struct f4_rcc *rcc)
{
    return rcc->cr | HSICAL | (ready(rcc, HSI) ? HSIRDY : 0) |
           (ready(rcc, HSE) ? HSERDY : 0) | (ready(rcc, PLL) ? PLLRDY : 0);
}

static void write_cfgr(struct f4_rcc *rcc, uint32_t value)
{
    uint32_t sw = value & 3;
    rcc->cfgr = value & 0xFFFFFCF3;
    if (sw == 3 || !ready(rcc, (enum source)sw))
        f4_report(rcc->f4, SIM_RULE, "SYSCLK switched to a source that is not ready (SW "
                  "= %u)", sw);
    else
        rcc->sysclk = (enum source)sw;
    update(rcc);
}

static void write_pllcfgr(struct f4_rcc *rcc, uint32_t value)
{
    if (rcc->source[PLL].on && value != rcc->pllcfgr)
        f4_report(rcc->f4, SIM_FORGIVEN, "RCC_PLLCFGR written while the PLL is on");
    else
        rcc->pllcfgr = value & 0x0F437FFF;
}

static void write_csr(struct f4_rcc *rcc, uint32_t value)
{
    if (value & RMVF)
        rcc->csr = 0;
    switch_source(rcc, LSI, value & LSION || rcc->lsi_forced);
}

static uint32_t read_csr(const struct f4_rcc *rcc)
{
    return rcc->csr | (rcc->source[LSI].on ? LSION : 0) | (ready(rcc, LSI) ? LSIRDY : 0);
}

static void reset_blocks(struct f4_rcc *rcc, enum f4_bus bus, uint32_t bits)
{
    for (int i = 0; i < rcc->f4->block_count; i++) {
        struct f4_block *block = &rcc->f4->blocks[i];
        if (block->bus == bus && block->bit >= 0 && bits >> block->bit & 1 && block->reset)
            block->reset(block->ctx);
    }
}

static uint32_t rcc_read(void *ctx, uint32_t reg)
{
    struct f4_rcc *rcc = ctx;
    if (reg >= RSTR && reg < RSTR + 4 * F4_BUSES)
        return rcc->rstr[(reg - RSTR) / 4];
    if (reg >= ENR && reg < ENR + 4 * F4_BUSES)
        return rcc->enr[(reg - ENR) / 4];
    if (reg >= LPENR && reg < LPENR + 4 * F4_BUSES)
        return rcc->lpenr[(reg - LPENR) / 4];
    switch (reg) {
    case CR:      return read_cr(rcc);
    case PLLCFGR: return rcc->pllcfgr;
    case CFGR:    return rcc->cfgr | (uint32_t)rcc->sysclk << 2;
    case CIR:     return rcc->cir;
    case BDCR:    return 0;
    case CSR:     return read_csr(rcc);
    case SSCGR:   return rcc->sscgr;
    case PLLI2SCFGR: return rcc->plli2scfgr;
    case PLLSAICFGR: return rcc->pllsaicfgr;
    case DCKCFGR:    return rcc->dckcfgr;
    default:      return 0;
    }
}

static void rcc_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct f4_rcc *rcc = ctx;
    if (reg >= RSTR && reg < RSTR + 4 * F4_BUSES) {
        rcc->rstr[(reg - RSTR) / 4] = value;
        reset_blocks(rcc, (enum f4_bus)((reg - RSTR) / 4), value);
        return;
    }
    if (reg >= ENR && reg < ENR + 4 * F4_BUSES) {
        rcc->enr[(reg - ENR) / 4] = value;
        return;
    }
    if (reg >= LPENR && reg < LPENR + 4 * F4_BUSES) {
        rcc->lpenr[(reg - LPENR) / 4] = value;
        return;
    }
    switch (reg) {
    case CR:      write_cr(rcc, value); break;
    case PLLCFGR: write_pllcfgr(rcc, value); break;
    case CFGR:    write_cfgr(rcc, value); break;
    case CIR:
        if (value & 0x3F00)
            f4_report(rcc->f4, SIM_UNMODELLED, "RCC's interrupts");
        break;
    case BDCR:
        if (value)
            f4_report(rcc->f4, SIM_UNMODELLED, "RCC_BDCR: LSE and RTC");
        break;
    case CSR:     write_csr(rcc, value); break;
    case SSCGR:   rcc->sscgr = value; break;
    case PLLI2SCFGR: rcc->plli2scfgr = value; break;
    case PLLSAICFGR: rcc->pllsaicfgr = rcc->f4->part->pllsaicfgr ? value : 0; break;
    case DCKCFGR:    rcc->dckcfgr = rcc->f4->part->pllsaicfgr ? value : 0; break;
    case DCKCFGR2:
        if (rcc->f4->part->f7 && value)
            f4_report(rcc->f4, SIM_UNMODELLED, "RCC_DCKCFGR2: peripherals on other clocks");
        break;
    default:      break;
    }
}

bool f4_rcc_gate_open(const struct f4_rcc *rcc, enum f4_bus bus, int bit)
{
    return bit < 0 || rcc->enr[bus] >> bit & 1;
}

/* --- PWR ---------------------------------------------------------------------------- */

static uint32_t pwr_read(void *ctx, uint32_t reg)
{
    const struct f4_rcc *rcc = ctx;
    uint32_t ready = (rcc->f4->part->pwr_cr_bits & VOSRDY) |         /* an F2 has no VOS */
                     (rcc->pwr_cr & (ODEN | ODSWEN));               /* ODRDY, ODSWRDY */
    return reg == PWR_CR ? rcc->pwr_cr : reg == PWR_CSR ? ready : 0;
}

static void pwr_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct f4_rcc *rcc = ctx;
    if (reg == PWR_CR)
        rcc->pwr_cr = value & rcc->f4->part->pwr_cr_bits;
}

/* --- reset -------------------------------------------------------------------------- */

void f4_rcc_lsi_force_on(struct f4_rcc *rcc)
{
    rcc->lsi_forced = true;
    switch_source(rcc, LSI, true);
}

static void rcc_reset(void *ctx)
{
    struct f4_rcc *rcc = ctx;
    for (int i = 0; i < SOURCES; i++)
        rcc->source[i].on = i == HSI;
    rcc->source[HSI].ready_at = 0;
    rcc->cr = CR_RESET & (HSION | HSITRIM);
    rcc->pllcfgr = PLLCFGR_RESET;
    rcc->cfgr = rcc->cir = rcc->sscgr = 0;
    rcc->plli2scfgr = rcc->f4->part->plli2scfgr;
    rcc->pllsaicfgr = rcc->f4->part->pllsaicfgr;
    rcc->dckcfgr = 0;
    for (int i = 0; i < F4_BUSES; i++)
        rcc->enr[i] = rcc->rstr[i] = 0;
    rcc->enr[F4_AHB1] = 0x00100000;
    for (int i = 0; i < F4_BUSES; i++)
        rcc->lpenr[i] = rcc->f4->part->lpenr[i];
    rcc->lsi_forced = false;
    rcc->pwr_cr = rcc->f4->part->pwr_cr;
    rcc->sysclk = HSI;
    update(rcc);
}

void f4_rcc_reset_cause(struct f4_rcc *rcc, enum reset_cause cause)
{
    rcc->csr |= PINRSTF;                    /* every reset drives the pin (7.1.1) */
    switch (cause) {
    case RESET_POWER:    rcc->csr = PORRSTF | BORRSTF | PINRSTF; break;
    case RESET_SOFTWARE: rcc->csr |= SFTRSTF; break;
    case RESET_WATCHDOG:
        rcc->csr |= rcc->f4->window_watchdog ? WWDGRSTF : IWDGRSTF;
        break;
    default: break;
    }
}

void f4_rcc_power_on(struct f4_rcc *rcc) { rcc_reset(rcc); }

void f4_rcc_new(struct f4 *f4)
{
    struct f4_rcc *rcc = f4->rcc = calloc(1, sizeof *rcc);
    rcc->f4 = f4;
    rcc_reset(rcc);
    f4_add_block(f4, &(struct f4_block){
        .name = "RCC", .base = 0x40023800, .size = 0x400, .bus = F4_AHB1, .bit = -1,
        .narrowest = 1, .read = rcc_read, .write = rcc_write, .reset = rcc_reset,
        .ctx = rcc });
    f4_add_block(f4, &(struct f4_block){
        .name = "PWR", .base = 0x40007000, .size = 0x400, .bus = F4_APB1, .bit = 28,
        .narrowest = 2, .read = pwr_read, .write = pwr_write, .ctx = rcc });
}

void f4_rcc_free(struct f4_rcc *rcc) { free(rcc); }
