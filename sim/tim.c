/* tim.c - TIM1 to TIM4: counting up, compare and PWM outputs, input capture.
 *
 *   called by  f103.c, gpio.c (edges), rcc.c (clock changes)     calls  gpio.c, dma.c,
 *                                                                 tim1_out.c
 *
 * The counter is not counted.  CNT is worked out when somebody looks: sync() moves the
 * timer from the last instant it was looked at to now and sets the flags of everything
 * that happened between.  An alarm is set for the next event only while something
 * outside the timer would notice it: an interrupt, a DMA request, a pin, a one-pulse
 * end.
 *
 *   TIMxCLK -> PSC -> CNT --= CCRn--> CCnIF, OCn pin      TIn pin -> CCRn, CCnIF
 *                      \--> ARR -> update: UIF, shadows of PSC, ARR, CCR are loaded
 *
 * Not modelled, and reported: counting down and centre-aligned, encoder and gated mode,
 * triggers from other timers and ETR, DMA bursts.  Input filters do not delay.
 * TIM1's way from OCnREF to the pins is tim1_out.c.
 *
 * Source: RM0008 14 (TIM1), 15 (TIM2 to TIM4), 9.3.7 (remapping). */
#include "f103.h"
#include <stdlib.h>

enum { CR1 = 0x00, CR2 = 0x04, SMCR = 0x08, DIER = 0x0C, SR = 0x10, EGR = 0x14,
       CCMR1 = 0x18, CCMR2 = 0x1C, CCER = 0x20, CNT = 0x24, PSC = 0x28, ARR = 0x2C,
       RCR = 0x30, CCR1 = 0x34, CCR4 = 0x40, BDTR = 0x44, DCR = 0x48, DMAR = 0x4C };
enum {
    CEN = 1 << 0, UDIS = 1 << 1, URS = 1 << 2, OPM = 1 << 3, DIR = 1 << 4, CMS = 3 << 5,
    ARPE = 1 << 7, CR1_BITS = 0x3FF, TI1S = 1 << 7, ETF_ECE_ETP = 0xFF00,
    UIF = 1 << 0, CC1IF = 1 << 1, COMIF = 1 << 5, TIF = 1 << 6, BIF = 1 << 7,
    CC1OF = 1 << 9, SR_BITS = 0x1EFF, CC_FLAGS = 0x1E,
    UDE = 1 << 8, CC1DE = 1 << 9, TDE = 1 << 14,
    UG = 1 << 0, TG = 1 << 6, AOE = 1 << 14, MOE = 1 << 15, CCPC = 1 << 0, CCUS = 1 << 2, COMG = 1 << 5, BG = 1 << 7, COMDE = 1 << 13,
};
enum { SMS_OFF = 0, SMS_RESET = 4, SMS_TRIGGER = 6, SMS_CLOCK = 7 };
enum { TS_TI1_EDGES = 4, TS_TI1 = 5, TS_TI2 = 6 };

static const struct tim_type {
    const char *name;
    uint32_t base;
    enum bridge bridge;
    uint8_t enable_bit, map_shift, map_mask;
    uint8_t irq_up, irq_cc, irq_trg;
    enum dma_request dma_up, dma_cc[4], dma_trg;
    uint8_t pins[4][4];                     /* [remap][channel] */
    const char *output[4];
    enum adc_trigger adc_first;             /* CC1 to CC4, TRGO */
} types[] = {
    { "TIM1", 0x40012C00, ON_APB2, 11, 6, 3, IRQ_TIM1_UP, IRQ_TIM1_CC, IRQ_TIM1_TRG,
      DMA_TIM1_UP, { DMA_TIM1_CH1, DMA_TIM1_CH2, DMA_TIM1_CH3, DMA_TIM1_CH4 },
      DMA_TIM1_TRIG,
      { { PA + 8, PA + 9, PA + 10, PA + 11 }, { PA + 8, PA + 9, PA + 10, PA + 11 },
        { PA + 8, PA + 9, PA + 10, PA + 11 }, { PD + 9, PD + 11, PD + 13, PD + 14 } },
      { "TIM1_CH1", "TIM1_CH2", "TIM1_CH3", "TIM1_CH4" }, ADC_TIM1_CC1 },
    { "TIM2", 0x40000000, ON_APB1, 0, 8, 3, IRQ_TIM2, IRQ_TIM2, IRQ_TIM2,
      DMA_TIM2_UP, { DMA_TIM2_CH1, DMA_TIM2_CH2, DMA_TIM2_CH3, DMA_TIM2_CH4 }, DMA_NONE,
      { { PA + 0, PA + 1, PA + 2, PA + 3 }, { PA + 15, PB + 3, PA + 2, PA + 3 },
        { PA + 0, PA + 1, PB + 10, PB + 11 }, { PA + 15, PB + 3, PB + 10, PB + 11 } },
      { "TIM2_CH1", "TIM2_CH2", "TIM2_CH3", "TIM2_CH4" }, ADC_TIM2_CC1 },
    { "TIM3", 0x40000400, ON_APB1, 1, 10, 3, IRQ_TIM3, IRQ_TIM3, IRQ_TIM3,
      DMA_TIM3_UP, { DMA_TIM3_CH1, DMA_NONE, DMA_TIM3_CH3, DMA_TIM3_CH4 },
      DMA_TIM3_TRIG,
      { { PA + 6, PA + 7, PB + 0, PB + 1 }, { PA + 6, PA + 7, PB + 0, PB + 1 },
        { PB + 4, PB + 5, PB + 0, PB + 1 }, { PC + 6, PC + 7, PC + 8, PC + 9 } },
      { "TIM3_CH1", "TIM3_CH2", "TIM3_CH3", "TIM3_CH4" }, ADC_TIM3_CC1 },
    { "TIM4", 0x40000800, ON_APB1, 2, 12, 1, IRQ_TIM4, IRQ_TIM4, IRQ_TIM4,
      DMA_TIM4_UP, { DMA_TIM4_CH1, DMA_TIM4_CH2, DMA_TIM4_CH3, DMA_NONE }, DMA_NONE,
      { { PB + 6, PB + 7, PB + 8, PB + 9 }, { PD + 12, PD + 13, PD + 14, PD + 15 } },
      { "TIM4_CH1", "TIM4_CH2", "TIM4_CH3", "TIM4_CH4" }, ADC_TIM4_CC1 },
};

struct tim {
    struct f103 *f103;
    const struct tim_type *type;
    uint32_t cr1, cr2, smcr, dier, sr, ccmr[2], ccer, psc, arr, rcr, ccr[4], dcr;
    uint32_t psc_now, arr_now, ccr_now[4];      /* the shadows, which work */
    uint32_t ccer_now, ccmr_now[2];             /* likewise, with CR2.CCPC */
    struct tim1_out *out;           /* TIM1 only */
    unsigned repetitions;
    uint32_t cnt;                   /* as it was at `since` */
    sim_time since, clock;
    bool frozen;
    unsigned map;                   /* of the pins */
    bool ref[4], high[4], owns[4], listens[4];
    uint8_t pin[4], captured[4];    /* captured: edges, for ICxPSC */
    struct alarm event;
};

/* --- fields ----------------------------------------------------------------------- */

static unsigned ccmr_of(const struct tim *t, int n)
{
    return t->ccmr[n / 2] >> 8 * (n % 2) & 0xFF;
}

static unsigned ccs(const struct tim *t, int n) { return ccmr_of(t, n) & 3; }
static bool is_output(const struct tim *t, int n) { return ccs(t, n) == 0; }
static unsigned ocm(const struct tim *t, int n)
{
    return t->ccmr_now[n / 2] >> (8 * (n % 2) + 4) & 7;
}

static bool preloads(const struct tim *t, int n) { return ccmr_of(t, n) & 1 << 3; }
static bool enabled(const struct tim *t, int n) { return t->ccer >> 4 * n & 1; }
static bool inverted(const struct tim *t, int n) { return t->ccer >> 4 * n & 2; }
static bool is_advanced(const struct tim *t) { return t->out; }
static unsigned sms(const struct tim *t) { return t->smcr & 7; }
static unsigned trigger_source(const struct tim *t) { return t->smcr >> 4 & 7; }

static bool counts(const struct tim *t)
{
    return t->cr1 & CEN && !t->frozen && t->arr_now && sms(t) != SMS_CLOCK;
}

static sim_time tick(const struct tim *t) { return (t->psc_now + 1) * t->clock; }

static void update_irq(struct tim *t)
{
    uint32_t on = t->sr & t->dier;
    const struct tim_type *type = t->type;
    if (!is_advanced(t)) {
        f103_irq(t->f103, type->irq_up, on & (UIF | CC_FLAGS | TIF));
        return;
    }
    f103_irq(t->f103, type->irq_up, on & UIF);
    f103_irq(t->f103, type->irq_cc, on & CC_FLAGS);
    f103_irq(t->f103, type->irq_trg, on & (TIF | COMIF));
    f103_irq(t->f103, IRQ_TIM1_BRK, on & BIF);
}

static void pulse(struct tim *t, uint32_t enable, enum dma_request request)
{
    if (!(t->dier & enable))
        return;
    if (request == DMA_NONE)
        f103_report(t->f103, SIM_FORGIVEN, "%s asks for a DMA request it does not have",
                    t->type->name);
    else
        dma_pulse(t->f103->dma, request);
}

/* --- outputs ---------------------------------------------------------------------- */

static void drive_stage(struct tim *t)
{
    static const unsigned by_ckd[4] = { 1, 2, 4, 4 };
    struct tim1_stage stage = { .ccer = t->ccer_now, .cr2 = t->cr2,
                                .tdts = t->clock * by_ckd[t->cr1 >> 8 & 3] };
    for (int n = 0; n < 4; n++) {
        stage.output[n] = is_output(t, n);
        stage.ref[n] = t->ref[n];
    }
    tim1_out_update(t->out, &stage);
}

/* A channel's rising edge may start a conversion. */
static void tell_adc(struct tim *t, int n)
{
    bool on = is_output(t, n) && t->ccer_now >> 4 * n & 1 &&
              (!is_advanced(t) || tim1_out_bdtr(t->out) & MOE);
    bool high = on && t->ref[n] != (t->ccer_now >> (4 * n + 1) & 1);
    if (high && !t->high[n])
        adc_trigger(t->f103->adc, t->type->adc_first + (enum adc_trigger)n);
    t->high[n] = high;
}

static void drive_output(struct tim *t, int n)
{
    tell_adc(t, n);
    bool drives = is_output(t, n) && enabled(t, n);
    if (is_advanced(t)) {
        drive_stage(t);
        return;
    }
    if (drives)
        gpio_af_output(t->f103->gpio, t->pin[n], t->ref[n] != inverted(t, n));
    if (drives != t->owns[n])
        gpio_af_claim(t->f103->gpio, t->pin[n], drives ? t->type->output[n] : NULL);
    t->owns[n] = drives;
}

/* CR2.MMS says what goes out as TRGO; here the ADC's is all that listens. */
enum { MMS_RESET, MMS_ENABLE, MMS_UPDATE, MMS_COMPARE, MMS_OC1REF };
static void put_out(struct tim *t, unsigned what)
{
    if ((t->cr2 >> 4 & 7) == what)
        adc_trigger(t->f103->adc, t->type->adc_first + 4);
}

/* OCnREF by OCnM, RM0008 15.4.7. */
static void compare(struct tim *t, int n, bool match)
{
    bool below = t->cnt < t->ccr_now[n], before = t->ref[n];
    switch (ocm(t, n)) {
    case 1: if (match) t->ref[n] = true; break;
    case 2: if (match) t->ref[n] = false; break;
    case 3: if (match) t->ref[n] = !t->ref[n]; break;
    case 4: t->ref[n] = false; break;
    case 5: t->ref[n] = true; break;
    case 6: t->ref[n] = below; break;
    case 7: t->ref[n] = !below; break;
    }
    if (t->ref[n] && !before)
        put_out(t, MMS_OC1REF + (unsigned)n);
    drive_output(t, n);
}

static void look_at_outputs(struct tim *t)
{
    for (int n = 0; n < 4; n++)
        if (is_output(t, n))
            compare(t, n, false);
}

static void match(struct tim *t, int n)
{
    t->sr |= (uint32_t)CC1IF << n;
    pulse(t, (uint32_t)CC1DE << n, t->type->dma_cc[n]);
    if (n == 0)
        put_out(t, MMS_COMPARE);
    compare(t, n, true);
}

static void match_all(struct tim *t)
{
    for (int n = 0; n < 4; n++)
        if (is_output(t, n) && t->cnt == t->ccr_now[n])
            match(t, n);
}

/* --- counting --------------------------------------------------------------------- */

static void load_shadows(struct tim *t)
{
    t->psc_now = t->psc;
    t->arr_now = t->arr;
    for (int n = 0; n < 4; n++)
        t->ccr_now[n] = t->ccr[n];
    t->repetitions = t->rcr;
}

static void update_event(struct tim *t, bool flags)
{
    if (t->cr1 & UDIS)
        return;
    load_shadows(t);
    put_out(t, MMS_UPDATE);
    if (!flags)
        return;
    t->sr |= UIF;
    pulse(t, UDE, t->type->dma_up);
    if (is_advanced(t))
        tim1_out_update_event(t->out);
    if (t->cr1 & OPM)
        t->cr1 &= ~(uint32_t)CEN;
}

static void overflow(struct tim *t)
{
    t->cnt = 0;
    if (t->repetitions)
        t->repetitions--;
    else
        update_event(t, true);
    look_at_outputs(t);
    match_all(t);
}

/* Counts until something happens: the end of the period or a channel's compare
 * value. */
static uint32_t to_next_event(const struct tim *t)
{
    uint32_t end = t->cnt <= t->arr_now ? t->arr_now : 0xFFFF;
    uint32_t steps = end - t->cnt + 1;
    for (int n = 0; n < 4; n++)
        if (is_output(t, n) && t->ccr_now[n] > t->cnt && t->ccr_now[n] - t->cnt < steps)
            steps = t->ccr_now[n] - t->cnt;
    return steps;
}

static void advance(struct tim *t, uint64_t ticks)
{
    uint64_t period = (uint64_t)t->arr_now + 1;
    if (ticks > 3 * period && !alarm_is_set(&t->event) && !t->rcr)
        ticks = 2 * period + ticks % period;        /* more rounds change nothing */
    while (ticks && t->arr_now && t->cr1 & CEN) {
        uint32_t steps = to_next_event(t);
        if (steps > ticks) {
            t->cnt += (uint32_t)ticks;
            break;
        }
        ticks -= steps;
        bool wraps = t->cnt + steps > (t->cnt <= t->arr_now ? t->arr_now : 0xFFFF);
        t->cnt += steps;
        if (wraps)
            overflow(t);
        else
            match_all(t);
    }
}

static void sync(struct tim *t)
{
    sim_time now = t->f103->sim->now;
    if (!counts(t) || now < t->since) {
        if (now > t->since)
            t->since = now;
        return;
    }
    uint64_t ticks = (now - t->since) / tick(t);
    t->since += ticks * tick(t);
    advance(t, ticks);
    if (ticks)
        update_irq(t);
}

static bool is_watched(const struct tim *t)
{
    bool outputs = is_advanced(t) && (tim1_out_drives(t->out) ||
                                      tim1_out_bdtr(t->out) & AOE);
    for (int n = 0; n < 4; n++)
        outputs |= t->owns[n] && is_output(t, n);
    outputs |= adc_waits_for(t->f103->adc, t->type->adc_first, t->type->adc_first + 4);
    return outputs || t->dier || t->cr1 & OPM;
}

static void schedule(struct tim *t)
{
    struct sim *sim = t->f103->sim;
    if (counts(t) && is_watched(t))
        alarm_set(sim, &t->event, t->since + to_next_event(t) * tick(t));
    else
        alarm_cancel(sim, &t->event);
}

void tim_watch(struct tim *t)
{
    sync(t);
    schedule(t);
}

static void event(void *ctx)
{
    struct tim *t = ctx;
    sync(t);
    schedule(t);
}

void tim_clock_changes(struct tim *t, bool before)
{
    sim_time clock = rcc_timclk(t->f103->rcc, t->type->bridge);
    if (before) {
        sync(t);
    } else if (clock != t->clock) {
        t->since = t->f103->sim->now;       /* the prescaler's phase is lost */
        t->clock = clock;
        schedule(t);
    }
}

void tim_freeze(struct tim *t, bool frozen)
{
    if (t->frozen == frozen)
        return;
    sync(t);
    t->frozen = frozen;
    t->since = t->f103->sim->now;
    schedule(t);
}

/* UG, or the trigger of reset mode. */
static void restart(struct tim *t, bool flags)
{
    t->cnt = 0;
    t->since = t->f103->sim->now;
    put_out(t, MMS_RESET);
    uint32_t one_pulse = t->cr1 & CEN;
    update_event(t, flags);
    t->cr1 |= one_pulse;                    /* only an overflow ends one-pulse mode */
    look_at_outputs(t);
}

/* --- inputs ----------------------------------------------------------------------- */

static void capture(struct tim *t, int n)
{
    unsigned divide = 1u << (ccmr_of(t, n) >> 2 & 3);
    if (++t->captured[n] < divide)
        return;
    t->captured[n] = 0;
    if (t->sr & (uint32_t)CC1IF << n)
        t->sr |= (uint32_t)CC1OF << n;
    t->ccr[n] = t->ccr_now[n] = t->cnt;
    t->sr |= (uint32_t)CC1IF << n;
    pulse(t, (uint32_t)CC1DE << n, t->type->dma_cc[n]);
}

/* A commutation: what CCPC holds back takes effect (14.3.15). */
static void commute(struct tim *t)
{
    t->ccer_now = t->ccer;
    t->ccmr_now[0] = t->ccmr[0];
    t->ccmr_now[1] = t->ccmr[1];
    t->sr |= COMIF;
    pulse(t, COMDE, DMA_TIM1_COM);
    look_at_outputs(t);
    drive_stage(t);
}

void tim_break(struct tim *t)
{
    t->sr |= BIF;
    update_irq(t);
    schedule(t);
}

static void trigger(struct tim *t)
{
    if (is_advanced(t) && t->cr2 & CCUS)
        commute(t);
    t->sr |= TIF;
    pulse(t, TDE, t->type->dma_trg);
    if (sms(t) == SMS_RESET) {
        restart(t, !(t->cr1 & URS));
    } else if (sms(t) == SMS_TRIGGER && !(t->cr1 & CEN)) {
        t->cr1 |= CEN;
        t->since = t->f103->sim->now;
    } else if (sms(t) == SMS_CLOCK) {
        advance(t, 1);
    }
}

/* Channel n takes input n with CCnS = 01, its neighbour (1<->2, 3<->4) with 10. */
static bool takes(const struct tim *t, int n, int input)
{
    return ccs(t, n) == 1 ? n == input : ccs(t, n) == 2 && (n ^ 1) == input;
}

static void input_changed(void *ctx, int pin, int level)
{
    struct tim *t = ctx;
    int input = 0;
    while (input < 3 && t->pin[input] != pin)
        input++;
    sync(t);
    for (int n = 0; n < 4; n++)
        if (takes(t, n, input) && enabled(t, n) && level != inverted(t, n))
            capture(t, n);
    unsigned ts = trigger_source(t);
    if (sms(t) != SMS_OFF &&
            ((ts == TS_TI1_EDGES && input == 0) ||
             (ts == TS_TI1 && input == 0 && level != inverted(t, 0)) ||
             (ts == TS_TI2 && input == 1 && level != inverted(t, 1))))
        trigger(t);
    update_irq(t);
    schedule(t);
}

static bool input_used(const struct tim *t, int input)
{
    unsigned ts = trigger_source(t);
    bool chosen = input == 0 ? ts == TS_TI1 || ts == TS_TI1_EDGES
                             : input == 1 && ts == TS_TI2;
    bool triggers = sms(t) != SMS_OFF && chosen;
    return triggers || takes(t, input, input) || takes(t, input ^ 1, input);
}

static void claim_pins(struct tim *t)
{
    for (int n = 0; n < 4; n++) {
        bool wanted = input_used(t, n);
        if (wanted && !t->listens[n])
            gpio_listen(t->f103->gpio, t->pin[n], input_changed, t);
        if (!wanted && t->listens[n])
            gpio_unlisten(t->f103->gpio, t->pin[n], input_changed, t);
        t->listens[n] = wanted;
        drive_output(t, n);
    }
}

void tim_remapped(struct tim *t)
{
    unsigned map = afio_mapr(t->f103->gpio) >> t->type->map_shift & t->type->map_mask;
    if (is_advanced(t) && map != t->map)
        tim1_out_remap(t->out, map);
    t->map = map;
    for (int n = 0; n < 4; n++) {
        uint8_t pin = t->type->pins[map][n];
        if (pin == t->pin[n])
            continue;
        if (t->owns[n])
            gpio_af_claim(t->f103->gpio, t->pin[n], NULL);
        if (t->listens[n])
            gpio_unlisten(t->f103->gpio, t->pin[n], input_changed, t);
        t->owns[n] = t->listens[n] = false;
        t->pin[n] = pin;
    }
    claim_pins(t);
}

/* --- registers -------------------------------------------------------------------- */

static void absent(struct tim *t, const char *what)
{
    f103_report(t->f103, SIM_UNMODELLED, "%s: %s", t->type->name, what);
}

static void write_cr1(struct tim *t, uint32_t value)
{
    if (value & CMS)
        absent(t, "centre-aligned counting");
    else if (value & DIR)
        absent(t, "counting down");
    bool starts = value & CEN && !(t->cr1 & CEN);
    if (starts)
        t->since = t->f103->sim->now;
    t->cr1 = value & CR1_BITS;
    if (starts)
        put_out(t, MMS_ENABLE);
}

static void write_smcr(struct tim *t, uint32_t value)
{
    unsigned mode = value & 7, source = value >> 4 & 7;
    if (value & ETF_ECE_ETP)
        absent(t, "external trigger ETR");
    if (mode == 1 || mode == 2 || mode == 3 || mode == 5)
        absent(t, mode == 5 ? "gated mode" : "encoder mode");
    else if (mode && (source < TS_TI1_EDGES || source > TS_TI2))
        absent(t, "trigger from another timer or ETR");
    t->smcr = value & 0xFFF7;
    claim_pins(t);
}

static void generate(struct tim *t, uint32_t value)
{
    if (value & UG)
        restart(t, !(t->cr1 & URS));
    for (int n = 0; n < 4; n++)
        if (value & 2u << n) {
            if (is_output(t, n))
                match(t, n);
            else
                capture(t, n);
        }
    if (value & TG)
        trigger(t);
    if (is_advanced(t) && value & COMG)
        commute(t);
    if (is_advanced(t) && value & BG)
        tim1_out_break(t->out);
}

static void write_ccr(struct tim *t, int n, uint32_t value)
{
    if (!is_output(t, n))
        return;                             /* read only while it captures */
    t->ccr[n] = value & 0xFFFF;
    if (!preloads(t, n))
        t->ccr_now[n] = t->ccr[n];
    compare(t, n, false);
}

static uint32_t tim_read(void *ctx, uint32_t reg)
{
    struct tim *t = ctx;
    sync(t);
    if (reg >= CCR1 && reg <= CCR4) {
        int n = (int)(reg - CCR1) / 4;
        if (!is_output(t, n)) {             /* reading a capture takes its flag */
            t->sr &= ~((uint32_t)CC1IF << n);
            update_irq(t);
        }
        return t->ccr[n];
    }
    switch (reg) {
    case CR1:   return t->cr1;
    case CR2:   return t->cr2;
    case SMCR:  return t->smcr;
    case DIER:  return t->dier;
    case SR:    return t->sr;
    case EGR:   return 0;
    case CCMR1: return t->ccmr[0];
    case CCMR2: return t->ccmr[1];
    case CCER:  return t->ccer;
    case CNT:   return t->cnt;
    case PSC:   return t->psc;
    case ARR:   return t->arr;
    case RCR:   return is_advanced(t) ? t->rcr : 0;
    case BDTR:  return is_advanced(t) ? tim1_out_bdtr(t->out) : 0;
    case DCR:   return t->dcr;
    }
    f103_report(t->f103, SIM_UNMODELLED, "%s+0x%02X read", t->type->name, reg);
    return 0;
}

static void write_ccmr(struct tim *t, int half, uint32_t value)
{
    value &= 0xFFFF;
    if (is_advanced(t))
        value = tim1_out_lock_ccmr(t->out, half, t->ccmr[half], value);
    t->ccmr[half] = value;
    if (!(t->cr2 & CCPC))
        t->ccmr_now[half] = value;
    for (int n = 2 * half; n < 2 * half + 2; n++)
        if (ccs(t, n) == 3)
            absent(t, "capture on TRC");
    claim_pins(t);
    look_at_outputs(t);
}

static void write_ccer(struct tim *t, uint32_t value)
{
    value &= is_advanced(t) ? 0x3FFF : 0x3333;
    if (is_advanced(t))
        value = tim1_out_lock_ccer(t->out, t->ccer, value);
    t->ccer = value;
    if (!(t->cr2 & CCPC))
        t->ccer_now = value;
    claim_pins(t);
}

static void write_cr2(struct tim *t, uint32_t value)
{
    if (is_advanced(t))
        value = tim1_out_lock_cr2(t->out, t->cr2, value);
    t->cr2 = value;
    if (is_advanced(t))
        drive_stage(t);
}

static void write_register(struct tim *t, uint32_t reg, uint32_t value)
{
    switch (reg) {
    case CR1:   write_cr1(t, value); return;
    case CR2:
        if (value & TI1S)
            absent(t, "TI1 as XOR of three pins");
        write_cr2(t, value & (is_advanced(t) ? 0x7FFD : 0xF8));
        return;
    case SMCR:  write_smcr(t, value); return;
    case DIER:  t->dier = value & (is_advanced(t) ? 0x7FFF : 0x5F5F); return;
    case SR:
        t->sr &= value | ~(uint32_t)SR_BITS;
        if (is_advanced(t) && tim1_out_break_held(t->out))
            t->sr |= BIF;
        return;
    case EGR:   generate(t, value); return;
    case CCMR1: write_ccmr(t, 0, value); return;
    case CCMR2: write_ccmr(t, 1, value); return;
    case CCER:  write_ccer(t, value); return;
    case CNT:
        t->cnt = value & 0xFFFF;
        look_at_outputs(t);
        return;
    case PSC:   t->psc = value & 0xFFFF; return;
    case ARR:
        t->arr = value & 0xFFFF;
        if (!(t->cr1 & ARPE)) {
            if (!t->arr_now)
                t->since = t->f103->sim->now;
            t->arr_now = t->arr;
        }
        return;
    case RCR:   t->rcr = is_advanced(t) ? value & 0xFF : 0; return;
    case BDTR:
        if (is_advanced(t))
            tim1_out_write_bdtr(t->out, value);
        return;
    case DCR:   t->dcr = value & 0x1F1F; return;
    case DMAR:  absent(t, "DMA burst"); return;
    }
    f103_report(t->f103, SIM_UNMODELLED, "%s+0x%02X written", t->type->name, reg);
}

static void tim_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct tim *t = ctx;
    sync(t);
    if (reg >= CCR1 && reg <= CCR4)
        write_ccr(t, (int)(reg - CCR1) / 4, value);
    else
        write_register(t, reg, value);
    update_irq(t);
    schedule(t);
}

static void tim_reset(void *ctx)
{
    struct tim *t = ctx;
    t->cr1 = t->cr2 = t->smcr = t->dier = t->sr = t->ccer = t->dcr = 0;
    t->ccmr[0] = t->ccmr[1] = t->psc = t->rcr = t->cnt = 0;
    t->arr = 0xFFFF;
    for (int n = 0; n < 4; n++) {
        t->ccr[n] = t->captured[n] = 0;
        t->ref[n] = false;
    }
    t->ccer_now = t->ccmr_now[0] = t->ccmr_now[1] = 0;
    load_shadows(t);
    if (is_advanced(t))
        tim1_out_reset(t->out);
    claim_pins(t);
    alarm_cancel(t->f103->sim, &t->event);
    update_irq(t);
}

void tim_new(struct f103 *f103, int number)
{
    struct tim *t = calloc(1, sizeof *t);
    f103->tim[number - 1] = t;
    t->f103 = f103;
    t->type = &types[number - 1];
    t->clock = rcc_timclk(f103->rcc, t->type->bridge);
    for (int n = 0; n < 4; n++)
        t->pin[n] = t->type->pins[0][n];
    t->arr = t->arr_now = 0xFFFF;
    if (number == 1)
        t->out = tim1_out_new(f103);
    alarm_init(&t->event, event, t);
    f103_add_block(f103, &(struct block){
        .name = t->type->name, .base = t->type->base, .size = 0x400,
        .bridge = t->type->bridge, .enable_bit = t->type->enable_bit,
        .access = HALVES_OK, .read = tim_read, .write = tim_write, .reset = tim_reset,
        .ctx = t });
}

void tim_free(struct tim *t)
{
    alarm_cancel(t->f103->sim, &t->event);
    tim1_out_free(t->out);
    free(t);
}
