/* bkp.c - what a battery would keep alive, and power control: BKP, RTC, PWR.
 *
 *   called by  f103.c, rcc.c (RTC clock)      calls  exti.c, gpio.c (WKUP), rcc.c
 *
 * The backup domain (BKP_DRx, RTC counters, RCC_BDCR) outlives every reset but not a
 * loss of power: this board has no battery.  It may be written only while PWR_CR.DBP is
 * set.  BKP_DRx can be read while BKPEN is 0, whatever RM0008 7.3.8 says: boot loaders of
 * boards in use (dapboot) do so after reset and see what was left for them, and Mynewt's
 * maintainers found that writing needs the clock and reading does not (mynewt-core 3244).
 *
 * The RTC is not counted tick by tick: CNT and DIV follow from the time since they were
 * last settled; an alarm is set for the next second only if its interrupt is wanted.
 *
 * Stop and Standby: the core does not say when it sleeps, so once firmware has touched
 * the low-power bits of PWR_CR we look every 10 us whether it sleeps deeply.  Stop
 * freezes the timers and wakes on HSI; Standby loses RAM and ends in a reset.  SysTick
 * runs on in Stop, which it should not.  Tamper detection and RTC output are reported.
 *
 * Sources: RM0008 5 (PWR), 6 (BKP), 18 (RTC). */
#include "f103.h"
#include <stdlib.h>

enum { DR1 = 0x04, DR10 = 0x28, RTCCR = 0x2C, BKP_CR = 0x30, BKP_CSR = 0x34 };
enum { CRH = 0x00, CRL = 0x04, PRLH = 0x08, PRLL = 0x0C, DIVH = 0x10, DIVL = 0x14,
       CNTH = 0x18, CNTL = 0x1C, ALRH = 0x20, ALRL = 0x24 };
enum { PWR_CR = 0x00, PWR_CSR = 0x04 };
enum {
    SECF = 1 << 0, ALRF = 1 << 1, OWF = 1 << 2, RSF = 1 << 3, CNF = 1 << 4,
    RTOFF = 1 << 5,
    LPDS = 1 << 0, PDDS = 1 << 1, CWUF = 1 << 2, CSBF = 1 << 3, DBP = 1 << 8,
    PWR_CR_BITS = 0x1F3, WUF = 1 << 0, SBF = 1 << 1, EWUP = 1 << 8,
};
enum { SCB_SCR = 0xE000ED10, SLEEPDEEP = 1 << 2, WKUP_PIN = PA + 0 };
#define LOOK_EVERY (10 * SIM_US)

struct bkp {
    struct f103 *f103;
    uint32_t dr[10], rtccr;
    struct rtc {
        uint32_t crh, crl, prl, alr, cnt, div;
        sim_time since;             /* when cnt and div were right */
        sim_time busy_until, synced_at;
        struct alarm event;
    } rtc;
    uint32_t pwr_cr, pwr_csr;
    enum { AWAKE, STOPPED, STANDBY } sleep;
    struct alarm look;
};

bool bkp_write_enabled(const struct bkp *bkp) { return bkp->pwr_cr & DBP; }

static bool may_write(struct bkp *bkp, const char *what)
{
    if (bkp_write_enabled(bkp))
        return true;
    f103_report(bkp->f103, SIM_FORGIVEN, "%s written while PWR_CR.DBP is 0", what);
    return false;
}

/* --- backup registers ------------------------------------------------------------- */

static uint32_t bkp_read(void *ctx, uint32_t reg)
{
    struct bkp *bkp = ctx;
    if (reg >= DR1 && reg <= DR10)
        return bkp->dr[(reg - DR1) / 4];
    if (reg == RTCCR)
        return bkp->rtccr;
    if (reg == BKP_CR || reg == BKP_CSR)
        return 0;
    f103_report(bkp->f103, SIM_UNMODELLED, "BKP+0x%02X read", reg);
    return 0;
}

static void bkp_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct bkp *bkp = ctx;
    if (!may_write(bkp, "BKP"))
        return;
    if (reg >= DR1 && reg <= DR10) {
        bkp->dr[(reg - DR1) / 4] = value & 0xFFFF;
    } else if (reg == RTCCR) {
        if (value & 0x380)
            f103_report(bkp->f103, SIM_UNMODELLED, "RTC output on PC13");
        bkp->rtccr = value & 0x3FF;
    } else if ((reg == BKP_CR && value & 1) || (reg == BKP_CSR && value & 4)) {
        f103_report(bkp->f103, SIM_UNMODELLED, "tamper detection");
    } else if (reg != BKP_CR && reg != BKP_CSR) {
        f103_report(bkp->f103, SIM_UNMODELLED, "BKP+0x%02X written", reg);
    }
}

/* --- real-time clock -------------------------------------------------------------- */

static sim_time rtc_tick(const struct bkp *bkp)
{
    double hz = rcc_rtc_hz(bkp->f103->rcc);
    return hz ? (sim_time)((double)SIM_SECOND / hz + 0.5) : 0;
}

static void rtc_irq(struct bkp *bkp)
{
    f103_irq(bkp->f103, IRQ_RTC, bkp->rtc.crh & bkp->rtc.crl & (SECF | ALRF | OWF));
}

static void rtc_sync(struct bkp *bkp)
{
    struct rtc *rtc = &bkp->rtc;
    sim_time tick = rtc_tick(bkp), now = bkp->f103->sim->now;
    if (!tick || now < rtc->since) {
        rtc->since = now;
        return;
    }
    uint64_t ticks = (now - rtc->since) / tick;
    rtc->since += ticks * tick;
    if (ticks <= rtc->div) {                /* DIV counts down from PRL */
        rtc->div -= (uint32_t)ticks;
        return;
    }
    uint64_t period = (uint64_t)rtc->prl + 1, beyond = ticks - rtc->div - 1;
    uint64_t seconds = 1 + beyond / period;
    rtc->div = rtc->prl - (uint32_t)(beyond % period);
    uint32_t to_alarm = rtc->alr - rtc->cnt;    /* ALRF one second after the match */
    rtc->crl |= SECF;
    if (to_alarm < seconds) {
        rtc->crl |= ALRF;
        exti_edge(bkp->f103->exti, EXTI_RTC_ALARM, 1);
    }
    if (rtc->cnt + seconds > UINT32_MAX)
        rtc->crl |= OWF;
    rtc->cnt += (uint32_t)seconds;
    rtc_irq(bkp);
}

static void rtc_schedule(struct bkp *bkp)
{
    struct rtc *rtc = &bkp->rtc;
    sim_time tick = rtc_tick(bkp);
    if (!tick) {
        alarm_cancel(bkp->f103->sim, &rtc->event);
        return;
    }
    uint64_t seconds = rtc->crh & SECF ? 0 : (uint64_t)(rtc->alr - rtc->cnt);
    uint64_t ticks = rtc->div + 1 + seconds * ((uint64_t)rtc->prl + 1);
    alarm_set(bkp->f103->sim, &rtc->event, rtc->since + ticks * tick);
}

static void rtc_event(void *ctx)
{
    struct bkp *bkp = ctx;
    rtc_sync(bkp);
    rtc_schedule(bkp);
}

void bkp_rtc_clock_changes(struct bkp *bkp, bool before)
{
    if (before) {
        rtc_sync(bkp);
    } else {
        bkp->rtc.since = bkp->f103->sim->now;
        rtc_schedule(bkp);
    }
}

static uint32_t rtc_status(struct bkp *bkp)
{
    sim_time now = bkp->f103->sim->now;
    uint32_t crl = bkp->rtc.crl & ~(uint32_t)(RTOFF | RSF);
    if (now >= bkp->rtc.busy_until)
        crl |= RTOFF;
    if (now >= bkp->rtc.synced_at)
        crl |= RSF;
    return crl;
}

static uint32_t rtc_read(void *ctx, uint32_t reg)
{
    struct bkp *bkp = ctx;
    struct rtc *rtc = &bkp->rtc;
    rtc_sync(bkp);
    switch (reg) {
    case CRH:  return rtc->crh;
    case CRL:  return rtc_status(bkp);
    case DIVH: return rtc->div >> 16;
    case DIVL: return rtc->div & 0xFFFF;
    case CNTH: return rtc->cnt >> 16;
    case CNTL: return rtc->cnt & 0xFFFF;
    case PRLH: case PRLL: case ALRH: case ALRL:
        return 0;                           /* write only */
    }
    f103_report(bkp->f103, SIM_UNMODELLED, "RTC+0x%02X read", reg);
    return 0;
}

/* Leaving configuration mode starts the write, three cycles of the RTC's clock. */
static void write_crl(struct bkp *bkp, uint32_t value)
{
    struct rtc *rtc = &bkp->rtc;
    sim_time tick = rtc_tick(bkp), now = bkp->f103->sim->now;
    if (rtc->crl & CNF && !(value & CNF))
        rtc->busy_until = tick ? now + 3 * tick : SIM_NEVER;
    if (!(value & RSF))
        rtc->synced_at = tick ? now + tick : SIM_NEVER;
    rtc->crl = (rtc->crl & value & (SECF | ALRF | OWF)) | (value & CNF);
}

static void put_half(uint32_t *word, bool high, uint32_t value)
{
    value &= 0xFFFF;
    *word = high ? (*word & 0xFFFF) | value << 16 : (*word & 0xFFFF0000) | value;
}

static void write_counter(struct bkp *bkp, uint32_t reg, uint32_t value)
{
    struct rtc *rtc = &bkp->rtc;
    if (!(rtc->crl & CNF)) {
        f103_report(bkp->f103, SIM_FORGIVEN, "RTC+0x%02X written outside CNF", reg);
        return;
    }
    switch (reg) {
    case PRLH: put_half(&rtc->prl, true, value & 0xF); break;
    case PRLL: put_half(&rtc->prl, false, value); break;
    case CNTH: put_half(&rtc->cnt, true, value); break;
    case CNTL: put_half(&rtc->cnt, false, value); break;
    case ALRH: put_half(&rtc->alr, true, value); break;
    case ALRL: put_half(&rtc->alr, false, value); break;
    default:
        f103_report(bkp->f103, SIM_UNMODELLED, "RTC+0x%02X written", reg);
    }
    if (reg == PRLH || reg == PRLL)
        rtc->div = rtc->prl;
}

static void rtc_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct bkp *bkp = ctx;
    rtc_sync(bkp);
    if (reg == CRH) {
        bkp->rtc.crh = value & 7;
    } else if (!may_write(bkp, "RTC")) {
        return;
    } else if (!(rtc_status(bkp) & RTOFF)) {
        f103_report(bkp->f103, SIM_RULE, "RTC written while RTOFF is 0");
        return;
    } else if (reg == CRL) {
        write_crl(bkp, value);
    } else {
        write_counter(bkp, reg, value);
    }
    rtc_irq(bkp);
    rtc_schedule(bkp);
}

static void rtc_reset(void *ctx)
{
    struct bkp *bkp = ctx;
    bkp->rtc.crh = bkp->rtc.crl = 0;
    bkp->rtc.busy_until = bkp->rtc.synced_at = 0;
    rtc_irq(bkp);
}

/* --- power control ---------------------------------------------------------------- */

static bool sleeps_deeply(struct bkp *bkp)
{
    uint32_t scr = 0;
    if (bkp->f103->cpu->asleep)
        bus_read(bkp->f103->bus, BUS_DEBUG, SCB_SCR, 4, &scr);
    return scr & SLEEPDEEP;
}

static void freeze_timers(struct bkp *bkp, bool frozen)
{
    for (int i = 0; i < 4; i++)
        tim_freeze(bkp->f103->tim[i], frozen);
}

static void look(void *ctx)
{
    struct bkp *bkp = ctx;
    bool deep = sleeps_deeply(bkp);
    if (bkp->sleep == AWAKE && deep && bkp->pwr_cr & PDDS) {
        bkp->sleep = STANDBY;
        bkp->pwr_csr |= SBF;
        bkp->f103->cpu->held_in_reset = true;
        gpio_power(bkp->f103->gpio, false);
        return;
    }
    if (deep != (bkp->sleep == STOPPED)) {
        bkp->sleep = deep ? STOPPED : AWAKE;
        freeze_timers(bkp, deep);
        if (!deep)
            rcc_after_stop(bkp->f103->rcc);
    }
    alarm_set(bkp->f103->sim, &bkp->look, bkp->f103->sim->now + LOOK_EVERY);
}

static void wkup_changed(void *ctx, int pin, int level)
{
    struct bkp *bkp = ctx;
    (void)pin;
    if (!level || !(bkp->pwr_csr & EWUP))
        return;
    bkp->pwr_csr |= WUF;
    if (bkp->sleep == STANDBY)
        f103_reset_internal(bkp->f103, RESET_STANDBY);
}

static uint32_t pwr_read(void *ctx, uint32_t reg)
{
    struct bkp *bkp = ctx;
    if (reg == PWR_CR)
        return bkp->pwr_cr;
    if (reg == PWR_CSR)
        return bkp->pwr_csr;                /* PVDO 0: VDD is above any threshold */
    f103_report(bkp->f103, SIM_UNMODELLED, "PWR+0x%02X read", reg);
    return 0;
}

static void pwr_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct bkp *bkp = ctx;
    struct sim *sim = bkp->f103->sim;
    if (reg == PWR_CSR) {
        bkp->pwr_csr = (bkp->pwr_csr & (WUF | SBF)) | (value & EWUP);
    } else if (reg == PWR_CR) {
        if (value & CWUF)
            bkp->pwr_csr &= ~(uint32_t)WUF;
        if (value & CSBF)
            bkp->pwr_csr &= ~(uint32_t)SBF;
        bkp->pwr_cr = value & PWR_CR_BITS;
        if (value & (LPDS | PDDS | CWUF) && !alarm_is_set(&bkp->look))
            alarm_set(sim, &bkp->look, sim->now + LOOK_EVERY);
    } else {
        f103_report(bkp->f103, SIM_UNMODELLED, "PWR+0x%02X written", reg);
    }
}

static void pwr_reset(void *ctx)
{
    struct bkp *bkp = ctx;
    alarm_cancel(bkp->f103->sim, &bkp->look);
    if (bkp->sleep == STANDBY)
        gpio_power(bkp->f103->gpio, true);
    if (bkp->sleep == STOPPED)
        freeze_timers(bkp, false);
    bkp->sleep = AWAKE;
    bkp->pwr_cr = 0;
    bkp->pwr_csr &= WUF | SBF;
}

/* --- life ------------------------------------------------------------------------- */

void bkp_backup_reset(struct bkp *bkp)
{
    for (int i = 0; i < 10; i++)
        bkp->dr[i] = 0;
    bkp->rtccr = 0;
    alarm_cancel(bkp->f103->sim, &bkp->rtc.event);
    bkp->rtc.prl = 0x8000;
    bkp->rtc.alr = UINT32_MAX;
    bkp->rtc.cnt = bkp->rtc.crl = bkp->rtc.crh = 0;
    bkp->rtc.div = 0x8000;
    bkp->rtc.since = bkp->f103->sim->now;
}

void bkp_power_on(struct bkp *bkp)
{
    bkp->pwr_csr = 0;
    bkp_backup_reset(bkp);
}

void bkp_new(struct f103 *f103)
{
    struct bkp *bkp = calloc(1, sizeof *bkp);
    f103->bkp = bkp;
    bkp->f103 = f103;
    alarm_init(&bkp->rtc.event, rtc_event, bkp);
    alarm_init(&bkp->look, look, bkp);
    bkp_backup_reset(bkp);
    gpio_listen(f103->gpio, WKUP_PIN, wkup_changed, bkp);
    f103_add_block(f103, &(struct block){
        .name = "BKP", .base = 0x40006C00, .size = 0x400, .bridge = ON_APB1,
        .enable_bit = 27, .access = HALVES_OK, .read = bkp_read, .write = bkp_write,
        .read_unclocked = true, .ctx = bkp });
    f103_add_block(f103, &(struct block){
        .name = "RTC", .base = 0x40002800, .size = 0x400, .bridge = ON_APB1,
        .enable_bit = 27, .access = HALVES_OK, .read = rtc_read, .write = rtc_write,
        .reset = rtc_reset, .ctx = bkp });
    f103_add_block(f103, &(struct block){
        .name = "PWR", .base = 0x40007000, .size = 0x400, .bridge = ON_APB1,
        .enable_bit = 28, .access = HALVES_OK, .read = pwr_read, .write = pwr_write,
        .reset = pwr_reset, .ctx = bkp });
}

void bkp_free(struct bkp *bkp)
{
    alarm_cancel(bkp->f103->sim, &bkp->rtc.event);
    alarm_cancel(bkp->f103->sim, &bkp->look);
    free(bkp);
}
