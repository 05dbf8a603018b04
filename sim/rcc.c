/* rcc.c - reset and clock control: oscillators, PLL, prescalers, gates, reset flags.
 *
 *   called by  f103.c, and every peripheral that asks how long its clock cycle is
 *   calls      f103.c (bus costs, core clock), tim.c, bkp.c, mco.c, usbfs.h (clock changes)
 *
 *   HSI 8 MHz --+-------------> SW -> SYSCLK -HPRE-> HCLK --PPRE1-> PCLK1, TIM2-4
 *        /2 ----+-> PLL x2..16 -^ |                     \---PPRE2-> PCLK2, TIM1, ADC
 *   HSE 8 MHz --+        \--USBPRE--> USB (must be 48 MHz)
 *
 * What RM0008 says cannot be written at a time is ignored then, as by the chip, and
 * forgiven: a program that a boot loader has started writes such things.
 *
 * A cycle is a whole number of ticks (504 a nanosecond), so 72 MHz is exactly 7000.
 * Oscillators take their data sheet time to start; what waits for a RDY flag really
 * waits.  Limits of the data sheet are checked whenever a clock changes.
 *
 * Sources: RM0008 7 (registers), 3.3.3 (wait states); DS5319 tables 21 to 27
 * (times). */
#include "f103.h"
#include <stdlib.h>

enum { CR = 0x00, CFGR = 0x04, CIR = 0x08, APB2RSTR = 0x0C, APB1RSTR = 0x10,
       AHBENR = 0x14, APB2ENR = 0x18, APB1ENR = 0x1C, BDCR = 0x20, CSR = 0x24, CFGR2 = 0x2C };
enum {
    HSION = 1 << 0, HSIRDY = 1 << 1, HSITRIM = 0x1F << 3, HSEON = 1 << 16,
    HSERDY = 1 << 17, HSEBYP = 1 << 18, CSSON = 1 << 19, PLLON = 1 << 24,
    PLLRDY = 1 << 25, PLL2ON = 1 << 26, PLL3ON = 1 << 28,
    CR_RESET = 0x83, HSICAL = 0x5A << 8,    /* factory calibration: any value */

    SW = 3, HPRE = 0xF << 4, PPRE1 = 7 << 8, PPRE2 = 7 << 11, ADCPRE = 3 << 14,
    PLLSRC = 1 << 16, PLLXTPRE = 1 << 17, PLLMUL = 0xF << 18, USBPRE = 1 << 22,
    MCO = 7 << 24, PLL_BITS = PLLSRC | PLLXTPRE | PLLMUL,

    CSSF = 1 << 7, CSSC = 1 << 23, USBEN = 1 << 23, ADC1EN = 1 << 9, ADC2EN = 1 << 10,
    LSEON = 1 << 0, LSERDY = 1 << 1, LSEBYP = 1 << 2, RTCSEL = 3 << 8, RTCEN = 1 << 15,
    BDRST = 1 << 16, LSION = 1 << 0, LSIRDY = 1 << 1, RMVF = 1 << 24,
    PINRSTF = 1 << 26, PORRSTF = 1 << 27, SFTRSTF = 1 << 28, IWDGRSTF = 1 << 29,
    WWDGRSTF = 1 << 30,
};

/* Bits that a medium-density chip has (RM0008 7.3.6 to 7.3.8). */
enum {
    AHB_BITS = 0x55, APB2_BITS = 0x5E7D, APB1_BITS = 0x1AE64807,
    AHB_RESET = 0x14,                       /* SRAM and flash interface run in Sleep */
};

/* In the order of the RDYF bits of RCC_CIR. */
enum source { LSI, LSE, HSI, HSE, PLL, SOURCES };

struct oscillator {
    struct rcc *rcc;
    enum source source;
    bool on, ready;
    struct alarm started;
};

static const struct {
    const char *name;
    uint32_t hz;
    sim_time start_up;
} properties[] = {
    [LSI] = { "LSI", 40000,   85 * SIM_US },    /* DS5319 table 25: at most 85 us */
    [LSE] = { "LSE", 32768,   2500 * SIM_MS },  /* table 23: 2.5 s at 25 degrees */
    [HSI] = { "HSI", 8000000, 2 * SIM_US },     /* table 24: 1 to 2 us */
    [HSE] = { "HSE", 8000000, 2 * SIM_MS },     /* table 22: 2 ms */
    [PLL] = { "PLL", 0,       200 * SIM_US },   /* table 27: lock within 200 us */
};

struct rcc {
    struct f103 *f103;
    struct oscillator source[SOURCES];
    uint32_t cr, cfgr, cfgr2, cir, rstr[3], enr[3], bdcr, csr;     /* [enum bridge] */
    enum source sysclk;                     /* what SWS shows */
    bool lsi_forced;
    sim_time hclk, pclk[3];                 /* [ON_AHB] is HCLK */
};

/* --- frequencies ------------------------------------------------------------------ */

/* F105, F107: x4 to x9 and x6.5 from HSE divided by PREDIV1; PLL2 is not here. */
static double connectivity_pll_hz(const struct rcc *rcc)
{
    double input = rcc->cfgr & PLLSRC ? 8e6 / ((rcc->cfgr2 & 15) + 1) : 4e6;
    unsigned field = (rcc->cfgr & PLLMUL) >> 18;
    return input * (field == 13 ? 6.5 : field + 2);
}

static double pll_hz(const struct rcc *rcc)
{
    if (rcc->f103->type->connectivity)
        return connectivity_pll_hz(rcc);
    double input = 4e6;                             /* HSI / 2 */
    if (rcc->cfgr & PLLSRC)
        input = rcc->cfgr & PLLXTPRE ? 4e6 : 8e6;
    unsigned field = (rcc->cfgr & PLLMUL) >> 18;
    return input * (field < 15 ? field + 2 : 16);   /* 1110 and 1111 both are x16 */
}

static double source_hz(const struct rcc *rcc, enum source source)
{
    return source == PLL ? pll_hz(rcc) : properties[source].hz;
}

static unsigned ahb_divider(uint32_t hpre)
{
    static const uint16_t by[8] = { 2, 4, 8, 16, 64, 128, 256, 512 };
    return hpre & 8 ? by[hpre & 7] : 1;
}

static unsigned apb_divider(uint32_t ppre) { return ppre & 4 ? 2u << (ppre & 3) : 1; }

static unsigned divider(const struct rcc *rcc, enum bridge bridge)
{
    if (bridge == ON_AHB)
        return 1;
    return apb_divider(rcc->cfgr >> (bridge == ON_APB1 ? 8 : 11));
}

sim_time rcc_hclk(const struct rcc *rcc) { return rcc->hclk; }
sim_time rcc_pclk(const struct rcc *rcc, enum bridge bus) { return rcc->pclk[bus]; }
bool rcc_hsi_on(const struct rcc *rcc) { return rcc->source[HSI].ready; }

/* Timers run at twice PCLK unless PCLK is not divided at all. */
sim_time rcc_timclk(const struct rcc *rcc, enum bridge bridge)
{
    return divider(rcc, bridge) == 1 ? rcc->pclk[bridge] : rcc->pclk[bridge] / 2;
}

sim_time rcc_adcclk(const struct rcc *rcc)
{
    return rcc->pclk[ON_APB2] * (2 + 2 * ((rcc->cfgr & ADCPRE) >> 14));
}

double rcc_rtc_hz(const struct rcc *rcc)
{
    if (!(rcc->bdcr & RTCEN))
        return 0;
    switch ((rcc->bdcr & RTCSEL) >> 8) {
    case 1:  return rcc->source[LSE].ready ? 32768 : 0;
    case 2:  return rcc->source[LSI].ready ? 40000 : 0;
    case 3:  return rcc->source[HSE].ready ? 8e6 / 128 : 0;
    default: return 0;
    }
}

/* --- limits ----------------------------------------------------------------------- */

static void check_limits(struct rcc *rcc)
{
    struct f103 *f103 = rcc->f103;
    double sysclk = source_hz(rcc, rcc->sysclk);
    double hclk = sysclk / ahb_divider((rcc->cfgr & HPRE) >> 4);
    double pclk1 = hclk / divider(rcc, ON_APB1), pclk2 = hclk / divider(rcc, ON_APB2);
    double adc = pclk2 / (2 + 2 * ((rcc->cfgr & ADCPRE) >> 14));
    unsigned wait = fpec_acr(f103->fpec) & 7, need = hclk > 48e6 ? 2 : hclk > 24e6;
    if (sysclk > 72e6)
        f103_report(f103, SIM_RULE, "SYSCLK is %.0f MHz, limit 72", sysclk / 1e6);
    if (pclk1 > 36e6)
        f103_report(f103, SIM_RULE, "PCLK1 is %.0f MHz, limit 36", pclk1 / 1e6);
    if (adc > 14e6 && rcc->enr[ON_APB2] & (ADC1EN | ADC2EN) && adc_on(f103->adc))
        f103_report(f103, SIM_RULE, "ADC clock is %.1f MHz, limit 14", adc / 1e6);
    if (wait < need)
        f103_report(f103, SIM_RULE, "flash with %u wait states at HCLK %.0f MHz, needs "
                    "%u (RM0008 3.3.3)", wait, hclk / 1e6, need);
    if (fpec_acr(f103->fpec) & 1 << 3 && (hclk > 8e6 || rcc->sysclk == PLL))
        f103_report(f103, SIM_RULE, "flash half cycle access above 8 MHz or by PLL");
}

void rcc_adc_on(struct rcc *rcc) { check_limits(rcc); }

static void tell_usb(struct rcc *rcc)
{
    struct usbfs *usb = rcc->f103->chip.usb;
    if (!usb)
        return;
    bool on = rcc->enr[ON_APB1] & USBEN;
    double divide = rcc->cfgr & USBPRE ? 1 : 1.5;
    double hz = rcc->source[PLL].ready ? pll_hz(rcc) / divide : 0;
    if (on && usbfs_owns_pins(usb) && hz != 48e6)
        f103_report(rcc->f103, hz > 0 ? SIM_RULE : SIM_FORGIVEN,
                    "USB is enabled and its clock is %.1f MHz, not 48", hz / 1e6);
    usbfs_clock(usb, on, (uint32_t)hz);
}

static double mco_hz(const struct rcc *rcc)
{
    switch ((rcc->cfgr & MCO) >> 24) {
    case 4:  return source_hz(rcc, rcc->sysclk);
    case 5:  return rcc->source[HSI].ready ? properties[HSI].hz : 0;
    case 6:  return rcc->source[HSE].ready ? properties[HSE].hz : 0;
    case 7:  return rcc->source[PLL].ready ? pll_hz(rcc) / 2 : 0;
    default: return 0;
    }
}

static void tell_mco(struct rcc *rcc)
{
    double hz = mco_hz(rcc);
    if (hz > 50e6)
        f103_report(rcc->f103, SIM_RULE, "MCO is %.0f MHz, limit 50", hz / 1e6);
    mco_clock(rcc->f103->mco, rcc->cfgr & 4 << 24,
              hz > 0 ? (sim_time)((double)SIM_SECOND / hz + 0.5) : 0);
}

static void tell_timers(struct rcc *rcc, bool before)
{
    for (int i = 0; i < 4; i++)
        if (rcc->f103->tim[i])
            tim_clock_changes(rcc->f103->tim[i], before);
}

/* Recomputes every clock of the tree, and passes it on. */
static void update(struct rcc *rcc)
{
    tell_timers(rcc, true);
    double hclk_hz = source_hz(rcc, rcc->sysclk) / ahb_divider((rcc->cfgr & HPRE) >> 4);
    rcc->hclk = (sim_time)((double)SIM_SECOND / hclk_hz + 0.5);
    for (enum bridge b = ON_AHB; b <= ON_APB1; b++)
        rcc->pclk[b] = rcc->hclk * divider(rcc, b);
    tell_timers(rcc, false);
    if (!rcc->f103->flash_region[0])
        return;                             /* still being built */
    f103_set_costs(rcc->f103, fpec_acr(rcc->f103->fpec));
    check_limits(rcc);
    tell_usb(rcc);
    tell_mco(rcc);
}

/* RM0008 3.3.3: the prefetch buffer is switched only below 24 MHz and with HPRE = 1. */
void rcc_flash_latency_changed(struct rcc *rcc, bool prefetch_too)
{
    if (prefetch_too && (source_hz(rcc, rcc->sysclk) >= 24e6 || rcc->cfgr & 8 << 4))
        f103_report(rcc->f103, SIM_FORGIVEN, "flash prefetch switched at SYSCLK of 24 MHz "
                    "or more, or with AHB divided");
    f103_set_costs(rcc->f103, fpec_acr(rcc->f103->fpec));
    check_limits(rcc);
}

/* --- oscillators ------------------------------------------------------------------ */

static void update_irq(struct rcc *rcc)
{
    f103_irq(rcc->f103, IRQ_RCC, rcc->cir & rcc->cir >> 8 & 0x1F);
}

static bool can_start(const struct rcc *rcc, enum source source)
{
    if (source == HSE)
        return rcc->f103->crystal || rcc->cr & HSEBYP;
    if (source == PLL)
        return rcc->source[rcc->cfgr & PLLSRC ? HSE : HSI].ready;
    return true;
}

static void begin_start(struct rcc *rcc, enum source source)
{
    struct oscillator *osc = &rcc->source[source];
    if (osc->on && !osc->ready && can_start(rcc, source) &&
            !alarm_is_set(&osc->started))
        alarm_set(rcc->f103->sim, &osc->started,
                  rcc->f103->sim->now + properties[source].start_up);
}

static void select_sysclk(struct rcc *rcc)
{
    static const enum source by_sw[4] = { HSI, HSE, PLL, HSI };
    enum source wanted = by_sw[rcc->cfgr & SW];
    if ((rcc->cfgr & SW) == 3)
        f103_report(rcc->f103, SIM_RULE, "RCC_CFGR.SW = 11 is not allowed");
    if (rcc->source[wanted].ready)
        rcc->sysclk = wanted;
    else if (rcc->sysclk != wanted)         /* allowed, switches later: RM0008 7.2.6 */
        f103_report(rcc->f103, SIM_NOTE, "SYSCLK shall be %s, which is not ready",
                    properties[wanted].name);
}

static void rtc_clock(struct rcc *rcc, bool before)
{
    if (rcc->f103->bkp)
        bkp_rtc_clock_changes(rcc->f103->bkp, before);
}

static void started(void *ctx)
{
    struct oscillator *osc = ctx;
    struct rcc *rcc = osc->rcc;
    rtc_clock(rcc, true);
    osc->ready = true;
    rtc_clock(rcc, false);
    rcc->cir |= (rcc->cir >> 8 & 1u << osc->source);    /* the flag needs its enable */
    update_irq(rcc);
    begin_start(rcc, PLL);
    select_sysclk(rcc);
    update(rcc);
}

static void turn(struct rcc *rcc, enum source source, bool on)
{
    struct oscillator *osc = &rcc->source[source];
    if (osc->on == on)
        return;
    rtc_clock(rcc, true);
    osc->on = on;
    osc->ready = false;
    alarm_cancel(rcc->f103->sim, &osc->started);
    rtc_clock(rcc, false);
    if (on)
        begin_start(rcc, source);
}

/* RM0008 7.3.1: the source of SYSCLK cannot be stopped, nor what feeds its PLL. */
static bool in_use(const struct rcc *rcc, enum source source)
{
    return rcc->sysclk == source ||
           (rcc->sysclk == PLL && source == (rcc->cfgr & PLLSRC ? HSE : HSI));
}

static void turn_by_bit(struct rcc *rcc, enum source source, uint32_t *value,
                        uint32_t bit)
{
    if (!(*value & bit) && in_use(rcc, source)) {
        f103_report(rcc->f103, SIM_FORGIVEN, "%s switched off while SYSCLK runs on it",
                    properties[source].name);
        *value |= bit;
    }
    turn(rcc, source, *value & bit);
}

/* The crystal stopped.  With the clock security system on: HSI and an NMI (7.2.7). */
void rcc_crystal(struct rcc *rcc, bool fitted)
{
    if (fitted) {
        begin_start(rcc, HSE);
        return;
    }
    bool ran = rcc->source[HSE].ready;
    turn(rcc, HSE, false);
    rcc->source[HSE].on = rcc->cr & HSEON;
    if (!ran || !in_use(rcc, HSE))
        return;
    if (!(rcc->cr & CSSON)) {
        f103_report(rcc->f103, SIM_UNMODELLED, "crystal stopped under SYSCLK, no CSS");
        return;
    }
    rcc->cr &= ~(uint32_t)(HSEON | PLLON);
    rcc->source[HSE].on = false;
    rcc_after_stop(rcc);
    rcc->cir |= CSSF;
    cpu_nmi(rcc->f103->cpu);
}

void rcc_after_stop(struct rcc *rcc)
{
    turn(rcc, PLL, false);
    turn(rcc, HSE, false);
    rcc->cr = (rcc->cr & ~(uint32_t)(HSEON | PLLON)) | HSION;
    rcc->source[HSI].on = rcc->source[HSI].ready = true;
    rcc->cfgr &= ~(uint32_t)SW;
    rcc->sysclk = HSI;
    update(rcc);
}

void rcc_lsi_force_on(struct rcc *rcc)
{
    rcc->lsi_forced = true;
    turn(rcc, LSI, true);
}

/* --- registers -------------------------------------------------------------------- */

static void write_cr(struct rcc *rcc, uint32_t value)
{
    if (rcc->f103->type->connectivity && value & (PLL2ON | PLL3ON))
        f103_report(rcc->f103, SIM_UNMODELLED, "RCC_CR: PLL2 or PLL3");
    value &= HSION | HSITRIM | HSEON | HSEBYP | CSSON | PLLON;
    if (rcc->source[HSE].on && (value ^ rcc->cr) & HSEBYP) {
        f103_report(rcc->f103, SIM_FORGIVEN, "RCC_CR.HSEBYP changed while HSE is on");
        value ^= HSEBYP;
    }
    if (value & PLLON && !rcc->source[PLL].on && !can_start(rcc, PLL))
        f103_report(rcc->f103, SIM_FORGIVEN, "PLL started before its input is ready");
    rcc->cr = value;
    turn_by_bit(rcc, PLL, &rcc->cr, PLLON);
    turn_by_bit(rcc, HSE, &rcc->cr, HSEON);
    turn_by_bit(rcc, HSI, &rcc->cr, HSION);
    update(rcc);
}

static uint32_t read_cr(const struct rcc *rcc)
{
    return rcc->cr | HSICAL | (rcc->source[HSI].ready ? HSIRDY : 0) |
           (rcc->source[HSE].ready ? HSERDY : 0) |
           (rcc->source[PLL].ready ? PLLRDY : 0);
}

static void write_cfgr(struct rcc *rcc, uint32_t value)
{
    value &= SW | HPRE | PPRE1 | PPRE2 | ADCPRE | PLL_BITS | USBPRE | MCO;
    if ((value ^ rcc->cfgr) & PLL_BITS && rcc->source[PLL].on) {
        f103_report(rcc->f103, SIM_FORGIVEN, "PLL set-up changed while the PLL is on");
        value = (value & ~(uint32_t)PLL_BITS) | (rcc->cfgr & PLL_BITS);
    }
    if ((value ^ rcc->cfgr) & USBPRE && rcc->enr[ON_APB1] & USBEN)
        f103_report(rcc->f103, SIM_FORGIVEN, "RCC_CFGR.USBPRE changed under a clocked USB");
    rcc->cfgr = value;
    select_sysclk(rcc);
    update(rcc);
}

static uint32_t read_cfgr(const struct rcc *rcc)
{
    static const uint8_t sws[SOURCES] = { [HSI] = 0, [HSE] = 1, [PLL] = 2 };
    return rcc->cfgr | (uint32_t)sws[rcc->sysclk] << 2;
}

static void write_cir(struct rcc *rcc, uint32_t value)
{
    uint32_t flags = rcc->cir & (0x1F | CSSF) & ~(value >> 16);
    rcc->cir = flags | (value & 0x1F << 8);
    update_irq(rcc);
    if (rcc->cir & CSSF)                    /* the NMI comes again until CSSC */
        cpu_nmi(rcc->f103->cpu);
}

static void apply_gates(struct rcc *rcc)
{
    for (int i = 0; i < rcc->f103->block_count; i++) {
        struct block *block = &rcc->f103->blocks[i];
        if (block->enable_bit >= 0)
            block->clocked = rcc->enr[block->bridge] >> block->enable_bit & 1;
    }
}

static void write_enr(struct rcc *rcc, enum bridge bridge, uint32_t value)
{
    static const uint32_t mask[] = { AHB_BITS, APB2_BITS, APB1_BITS };
    if (value & ~mask[bridge])
        f103_report(rcc->f103, SIM_NOTE, "clock enabled of what is not here: 0x%08X",
                    value & ~mask[bridge]);
    rcc->enr[bridge] = value & mask[bridge];
    apply_gates(rcc);
    check_limits(rcc);
    tell_usb(rcc);
}

static void write_rstr(struct rcc *rcc, enum bridge bridge, uint32_t value)
{
    uint32_t rising = value & ~rcc->rstr[bridge];
    rcc->rstr[bridge] = value & (bridge == ON_APB2 ? APB2_BITS : APB1_BITS);
    for (int i = 0; i < rcc->f103->block_count; i++) {
        struct block *block = &rcc->f103->blocks[i];
        if (block->bridge == bridge && block->enable_bit >= 0 && block->reset &&
                rising >> block->enable_bit & 1)
            block->reset(block->ctx);
    }
    if (bridge == ON_APB1 && rising & USBEN && rcc->f103->chip.usb)
        usbfs_reset(rcc->f103->chip.usb);
}

void rcc_backup_reset(struct rcc *rcc)
{
    rtc_clock(rcc, true);
    rcc->bdcr = 0;
    rtc_clock(rcc, false);
    turn(rcc, LSE, false);
}

static void write_bdcr(struct rcc *rcc, uint32_t value)
{
    if (!bkp_write_enabled(rcc->f103->bkp)) {
        f103_report(rcc->f103, SIM_FORGIVEN, "RCC_BDCR written while PWR_CR.DBP is 0");
        return;
    }
    if (value & BDRST) {
        rcc_backup_reset(rcc);
        bkp_backup_reset(rcc->f103->bkp);
        rcc->bdcr = BDRST;
        return;
    }
    uint32_t chosen = rcc->bdcr & RTCSEL;
    if (chosen && (value & RTCSEL) != chosen) {
        f103_report(rcc->f103, SIM_FORGIVEN, "RTCSEL changed without BDRST");
        value = (value & ~(uint32_t)RTCSEL) | chosen;
    }
    rtc_clock(rcc, true);
    rcc->bdcr = value & (LSEON | LSEBYP | RTCSEL | RTCEN);
    rtc_clock(rcc, false);
    turn(rcc, LSE, value & LSEON);
}

static void write_csr(struct rcc *rcc, uint32_t value)
{
    if (value & RMVF)
        rcc->csr = 0;
    rcc->csr = (rcc->csr & ~(uint32_t)LSION) | (value & LSION);
    turn(rcc, LSI, value & LSION || rcc->lsi_forced);
}

static uint32_t rcc_read(void *ctx, uint32_t reg)
{
    struct rcc *rcc = ctx;
    switch (reg) {
    case CR:       return read_cr(rcc);
    case CFGR:     return read_cfgr(rcc);
    case CIR:      return rcc->cir;
    case APB2RSTR: return rcc->rstr[ON_APB2];
    case APB1RSTR: return rcc->rstr[ON_APB1];
    case AHBENR:   return rcc->enr[ON_AHB];
    case APB2ENR:  return rcc->enr[ON_APB2];
    case APB1ENR:  return rcc->enr[ON_APB1];
    case BDCR:     return rcc->bdcr | (rcc->source[LSE].ready ? LSERDY : 0);
    case CSR:      return rcc->csr | (rcc->source[LSI].ready ? LSIRDY : 0);
    case CFGR2:
        if (rcc->f103->type->connectivity)
            return rcc->cfgr2;
        break;
    }
    f103_report(rcc->f103, SIM_UNMODELLED, "RCC+0x%02X read", reg);
    return 0;
}

static void rcc_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct rcc *rcc = ctx;
    switch (reg) {
    case CR:       write_cr(rcc, value); return;
    case CFGR:     write_cfgr(rcc, value); return;
    case CIR:      write_cir(rcc, value); return;
    case APB2RSTR: write_rstr(rcc, ON_APB2, value); return;
    case APB1RSTR: write_rstr(rcc, ON_APB1, value); return;
    case AHBENR:   write_enr(rcc, ON_AHB, value); return;
    case APB2ENR:  write_enr(rcc, ON_APB2, value); return;
    case APB1ENR:  write_enr(rcc, ON_APB1, value); return;
    case BDCR:     write_bdcr(rcc, value); return;
    case CSR:      write_csr(rcc, value); return;
    case CFGR2:
        if (!rcc->f103->type->connectivity)
            break;
        rcc->cfgr2 = value;
        update(rcc);
        return;
    }
    f103_report(rcc->f103, SIM_UNMODELLED, "RCC+0x%02X written", reg);
}

/* --- reset ------------------------------------------------------------------------ */

/* Every reset pulls nRST, so the pin's flag is set by all of them (RM0008 7.1.1). */
static uint32_t flag_of(const struct rcc *rcc, enum reset_cause cause)
{
    switch (cause) {
    case RESET_POWER:    return PORRSTF | PINRSTF;
    case RESET_SOFTWARE: return SFTRSTF | PINRSTF;
    case RESET_WATCHDOG: return PINRSTF |
                                (rcc->f103->window_watchdog ? WWDGRSTF : IWDGRSTF);
    case RESET_STANDBY:
    case RESET_PIN:      break;
    }
    return PINRSTF;
}

void rcc_reset(struct rcc *rcc, enum reset_cause cause)
{
    rcc->csr = (cause == RESET_POWER ? 0 : rcc->csr & ~(uint32_t)LSION) |
               flag_of(rcc, cause);
    rcc->cir = 0;
    rcc->cfgr = rcc->cfgr2 = 0;
    rcc->cr = CR_RESET;
    rcc->lsi_forced = false;
    rcc->sysclk = HSI;
    turn(rcc, PLL, false);
    turn(rcc, HSE, false);
    turn(rcc, LSI, false);
    rcc->source[HSI].on = rcc->source[HSI].ready = true;
    rcc->enr[ON_AHB] = AHB_RESET;
    rcc->enr[ON_APB1] = rcc->enr[ON_APB2] = 0;
    rcc->rstr[ON_APB1] = rcc->rstr[ON_APB2] = 0;
    apply_gates(rcc);
    update_irq(rcc);
    update(rcc);
}

void rcc_power_on(struct rcc *rcc) { rcc_backup_reset(rcc); }

void rcc_new(struct f103 *f103)
{
    struct rcc *rcc = calloc(1, sizeof *rcc);
    f103->rcc = rcc;
    rcc->f103 = f103;
    for (enum source s = LSI; s < SOURCES; s++) {
        rcc->source[s].rcc = rcc;
        rcc->source[s].source = s;
        alarm_init(&rcc->source[s].started, started, &rcc->source[s]);
    }
    rcc->sysclk = HSI;
    rcc->cr = CR_RESET;
    rcc->source[HSI].on = rcc->source[HSI].ready = true;
    rcc->hclk = SIM_SECOND / 8000000;
    for (enum bridge b = ON_AHB; b <= ON_APB1; b++)
        rcc->pclk[b] = rcc->hclk;
    f103_add_block(f103, &(struct block){
        .name = "RCC", .base = 0x40021000, .size = 0x400, .bridge = ON_AHB,
        .enable_bit = -1, .access = BYTES_OK, .read = rcc_read, .write = rcc_write,
        .ctx = rcc });
}

void rcc_free(struct rcc *rcc)
{
    for (enum source s = LSI; s < SOURCES; s++)
        alarm_cancel(rcc->f103->sim, &rcc->source[s].started);
    free(rcc);
}
