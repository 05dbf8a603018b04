/* adc.c - ADC1 and ADC2, as much as a digital world can feed: the regular and the injected
 * group, started by software, timers or EXTI lines; the analog watchdog; DMA on ADC1.
 *
 *   called by  f103.c, tim.c and exti.c (triggers)      calls  gpio.c, dma.c, rcc.c, tim.c
 *
 * A pin reads 0 or 4095, as its level is.  Channel 16 is 1.43 V (25 degrees), channel
 * 17 the 1.20 V reference, both against 3.3 V.  A conversion takes its sample time and
 * 12.5 cycles of ADCCLK; one is under way at a time, of one of the two groups:
 *
 *   an injected trigger drops the regular conversion under way, which begins anew after it;
 *   a regular trigger waits for the end of the injected group (11.3.9).
 *
 * A timer's channel triggers with the rising edge of its OCn, which therefore has to be
 * enabled; RM0008 just says "event".  Dual mode is reported as not modelled.
 *
 * Sources: RM0008 11; DS5319 tables 46 to 50. */
#include "f103.h"
#include <stdlib.h>

enum { SR = 0x00, CR1 = 0x04, CR2 = 0x08, SMPR1 = 0x0C, SMPR2 = 0x10, JOFR1 = 0x14,
       JOFR4 = 0x20, HTR = 0x24, LTR = 0x28, SQR1 = 0x2C, SQR2 = 0x30, SQR3 = 0x34, JSQR = 0x38,
       JDR1 = 0x3C, DR = 0x4C, REGISTERS = 20 };
enum {
    AWD = 1 << 0, EOC = 1 << 1, JEOC = 1 << 2, JSTRT = 1 << 3, STRT = 1 << 4,
    AWDCH = 0x1F, EOCIE = 1 << 5, AWDIE = 1 << 6, JEOCIE = 1 << 7, SCAN = 1 << 8,
    AWDSGL = 1 << 9, JAUTO = 1 << 10, DISCEN = 1 << 11, JDISCEN = 1 << 12,
    DUALMOD = 0xF << 16, JAWDEN = 1 << 22, AWDEN = 1 << 23,
    ADON = 1 << 0, CONT = 1 << 1, CAL = 1 << 2, RSTCAL = 1 << 3, DMA_ON = 1 << 8,
    ALIGN = 1 << 11, JEXTTRIG = 1 << 15, EXTTRIG = 1 << 20, JSWSTART = 1 << 21,
    SWSTART = 1 << 22, TSVREFE = 1 << 23, STARTS = CAL | RSTCAL | JSWSTART | SWSTART,
};
enum group { REGULAR, INJECTED };
enum { TEMPERATURE = 16, REFERENCE = 17 };      /* channels inside the chip */
enum { CODE_25_DEGREES = 1775, CODE_REFERENCE = 1489 };

struct converter {
    struct adc *adc;
    const char *name;
    uint32_t reg[REGISTERS];        /* by offset / 4, all but SR and DR plain storage */
    enum group group;               /* of the conversion under way */
    int position[2];                /* in each group's sequence */
    int left[2];                    /* of a part, in discontinuous mode */
    bool regular_waits;             /* for the end of the injected group */
    sim_time calibrated_at;
    struct alarm done;
};

struct adc {
    struct f103 *f103;
    struct converter converter[2];
};

static uint32_t *reg(struct converter *c, uint32_t at) { return &c->reg[at / 4]; }

static void update_irq(struct adc *adc)
{
    bool on = false;
    for (int i = 0; i < 2; i++) {
        struct converter *c = &adc->converter[i];
        uint32_t sr = *reg(c, SR), cr1 = *reg(c, CR1);
        on |= (sr & EOC && cr1 & EOCIE) || (sr & JEOC && cr1 & JEOCIE) ||
              (sr & AWD && cr1 & AWDIE);
    }
    f103_irq(adc->f103, IRQ_ADC, on);
}

bool adc_on(const struct adc *adc)
{
    return (adc->converter[0].reg[CR2 / 4] | adc->converter[1].reg[CR2 / 4]) & ADON;
}

/* --- converting ------------------------------------------------------------------- */

static int regular_at(struct converter *c, int position)
{
    uint32_t word = *reg(c, position < 6 ? SQR3 : position < 12 ? SQR2 : SQR1);
    return (int)(word >> 5 * (position % 6) & 0x1F);
}

/* Shorter sequences end at JSQ4, too (11.12.12). */
static int injected_at(struct converter *c, int position)
{
    uint32_t word = *reg(c, JSQR), first = 3 - (word >> 20 & 3);
    return (int)(word >> 5 * (first + (uint32_t)position) & 0x1F);
}

static int channel_now(struct converter *c)
{
    return c->group == REGULAR ? regular_at(c, c->position[REGULAR])
                               : injected_at(c, c->position[INJECTED]);
}

static int last_position(struct converter *c, enum group group)
{
    if (!(*reg(c, CR1) & SCAN))
        return 0;
    return group == REGULAR ? (int)(*reg(c, SQR1) >> 20 & 0xF) : (int)(*reg(c, JSQR) >> 20 & 3);
}

static uint32_t convert(struct converter *c, int channel)
{
    struct gpio *gpio = c->adc->f103->gpio;
    bool inner = *reg(c, CR2) & TSVREFE && c == &c->adc->converter[0];
    if (channel == TEMPERATURE || channel == REFERENCE)
        return !inner ? 0 : channel == TEMPERATURE ? CODE_25_DEGREES : CODE_REFERENCE;
    int pin = channel < 8 ? PA + channel : channel < 10 ? PB + channel - 8
                                                        : PC + channel - 10;
    return channel < 16 && gpio_level(gpio, pin) ? 4095 : 0;
}

static sim_time conversion_time(struct converter *c, int channel)
{
    static const uint16_t half_cycles[8] = { 3, 15, 27, 57, 83, 111, 143, 479 };
    uint32_t word = *reg(c, channel < 10 ? SMPR2 : SMPR1);
    unsigned sample = half_cycles[word >> 3 * (channel % 10) & 7];
    return rcc_adcclk(c->adc->f103->rcc) * (sample + 25) / 2;
}

static void convert_next(struct converter *c)
{
    struct sim *sim = c->adc->f103->sim;
    alarm_set(sim, &c->done, sim->now + conversion_time(c, channel_now(c)));
}

static bool in_parts(struct converter *c, enum group group)
{
    return *reg(c, CR1) & (group == REGULAR ? DISCEN : JDISCEN);
}

static void run(struct converter *c, enum group group)
{
    c->group = group;
    *reg(c, SR) |= group == REGULAR ? STRT : JSTRT;
    convert_next(c);
}

static void start(struct converter *c, enum group group)
{
    bool busy = alarm_is_set(&c->done);
    if (!in_parts(c, group))
        c->position[group] = 0;
    c->left[group] = group == REGULAR ? (int)(*reg(c, CR1) >> 13 & 7) + 1 : 1;
    if (busy && c->group == INJECTED && group == REGULAR) {
        c->regular_waits = true;
        return;
    }
    if (busy && c->group == REGULAR && group == INJECTED)
        c->regular_waits = true;
    run(c, group);
}

/* RM0008 11.3.7; the offset of injected channels does not matter to the watchdog. */
static void watch(struct converter *c, int channel, uint32_t value)
{
    uint32_t cr1 = *reg(c, CR1);
    bool minded = cr1 & (c->group == REGULAR ? AWDEN : JAWDEN) &&
                  (!(cr1 & AWDSGL) || (int)(cr1 & AWDCH) == channel);
    if (minded && (value < *reg(c, LTR) || value > *reg(c, HTR)))
        *reg(c, SR) |= AWD;
}

static void store_injected(struct converter *c, uint32_t value)
{
    uint32_t n = (uint32_t)c->position[INJECTED];
    uint32_t less = value - *reg(c, JOFR1 + 4 * n);
    *reg(c, JDR1 + 4 * n) = (*reg(c, CR2) & ALIGN ? less << 3 : less) & 0xFFFF;
}

static void store_regular(struct converter *c, uint32_t value)
{
    *reg(c, DR) = *reg(c, CR2) & ALIGN ? value << 4 : value;
    if (*reg(c, CR2) & DMA_ON && c == &c->adc->converter[0])
        dma_pulse(c->adc->f103->dma, DMA_ADC1);
}

/* A group is through: what is converted next, if anything. */
static void group_is_over(struct converter *c)
{
    *reg(c, SR) |= c->group == REGULAR ? EOC : EOC | JEOC;
    bool automatic = *reg(c, CR1) & JAUTO, again = *reg(c, CR2) & CONT;
    if (c->group == REGULAR) {
        if (automatic)
            start(c, INJECTED);
        else if (again)
            convert_next(c);
    } else if (c->regular_waits) {
        c->regular_waits = false;
        run(c, REGULAR);
    } else if (automatic && again) {
        run(c, REGULAR);
    }
}

static void done(void *ctx)
{
    struct converter *c = ctx;
    int channel = channel_now(c);
    uint32_t value = convert(c, channel);
    watch(c, channel, value);
    if (c->group == REGULAR)
        store_regular(c, value);
    else
        store_injected(c, value);
    bool over = c->position[c->group] >= last_position(c, c->group);
    bool paused = in_parts(c, c->group) && --c->left[c->group] == 0;
    c->position[c->group] = over ? 0 : c->position[c->group] + 1;
    if (over) {
        group_is_over(c);
    } else if (!paused) {
        convert_next(c);
    } else if (c->group == INJECTED && c->regular_waits) {
        c->regular_waits = false;
        run(c, REGULAR);
    }
    update_irq(c->adc);
}

/* --- triggers --------------------------------------------------------------------- */

static const enum adc_trigger regular_sources[8] = {
    ADC_TIM1_CC1, ADC_TIM1_CC2, ADC_TIM1_CC3, ADC_TIM2_CC2, ADC_TIM3_TRGO, ADC_TIM4_CC4,
    ADC_EXTI11, ADC_SOFTWARE,
}, injected_sources[8] = {
    ADC_TIM1_TRGO, ADC_TIM1_CC4, ADC_TIM2_TRGO, ADC_TIM2_CC1, ADC_TIM3_CC4, ADC_TIM4_TRGO,
    ADC_EXTI15, ADC_SOFTWARE,
};

static bool waits_for(struct converter *c, enum group group, enum adc_trigger trigger)
{
    uint32_t cr2 = *reg(c, CR2);
    if (!(cr2 & ADON) || !(cr2 & (group == REGULAR ? EXTTRIG : JEXTTRIG)))
        return false;
    return trigger == (group == REGULAR ? regular_sources[cr2 >> 17 & 7]
                                        : injected_sources[cr2 >> 12 & 7]);
}

void adc_trigger(struct adc *adc, enum adc_trigger trigger)
{
    for (int i = 0; adc && i < 2; i++)
        for (enum group group = REGULAR; group <= INJECTED; group++)
            if (waits_for(&adc->converter[i], group, trigger))
                start(&adc->converter[i], group);
}

bool adc_waits_for(struct adc *adc, enum adc_trigger first, enum adc_trigger last)
{
    for (int i = 0; adc && i < 2; i++)
        for (enum adc_trigger t = first; t <= last; t++)
            if (waits_for(&adc->converter[i], REGULAR, t) ||
                    waits_for(&adc->converter[i], INJECTED, t))
                return true;
    return false;
}

/* --- registers -------------------------------------------------------------------- */

static void absent(struct converter *c, const char *what)
{
    f103_report(c->adc->f103, SIM_UNMODELLED, "%s: %s", c->name, what);
}

static void write_cr1(struct converter *c, uint32_t value)
{
    if (value & DUALMOD)
        absent(c, "dual mode");
    if (value & JAUTO && value & (DISCEN | JDISCEN))
        f103_report(c->adc->f103, SIM_FORGIVEN, "%s: JAUTO and discontinuous mode", c->name);
    *reg(c, CR1) = value & 0x00CFFFFF;
}

static void stop(struct converter *c)
{
    alarm_cancel(c->adc->f103->sim, &c->done);
    c->position[REGULAR] = c->position[INJECTED] = 0;
    c->regular_waits = false;
}

static void start_by_software(struct converter *c, enum group group, bool bit,
                              const char *name)
{
    if (bit && waits_for(c, group, ADC_SOFTWARE))
        start(c, group);
    else if (bit)
        f103_report(c->adc->f103, SIM_NOTE, "%s: %s, but %sEXTSEL and %sEXTTRIG do not select "
                    "it: nothing starts", c->name, name, group == INJECTED ? "J" : "",
                    group == INJECTED ? "J" : "");
}

/* RM0008 11.12.3: ADON written 1 while it is 1, and nothing else changed, starts
 * too. */
static void write_cr2(struct converter *c, uint32_t value)
{
    struct f103 *f103 = c->adc->f103;
    uint32_t before = *reg(c, CR2), after = value & 0x00FEF90F & ~(uint32_t)STARTS;
    *reg(c, CR2) = after;
    if (after & ADON && !(before & ADON))
        rcc_adc_on(f103->rcc);
    if (value & (CAL | RSTCAL))             /* 83 ADC cycles, DS5319 table 46 */
        c->calibrated_at = f103->sim->now + 83 * rcc_adcclk(f103->rcc);
    if (!(after & ADON)) {
        stop(c);
    } else {
        start_by_software(c, REGULAR, value & SWSTART, "SWSTART");
        start_by_software(c, INJECTED, value & JSWSTART, "JSWSTART");
        if (before & ADON && before == after && !(value & STARTS))
            start(c, REGULAR);
    }
    for (int i = 0; i < 4; i++)
        tim_watch(f103->tim[i]);
}

static uint32_t adc_read(void *ctx, uint32_t offset)
{
    struct converter *c = ctx;
    if (offset >= 4 * REGISTERS) {
        absent(c, "read beyond its registers");
        return 0;
    }
    if (offset == DR) {
        *reg(c, SR) &= ~(uint32_t)EOC;
        update_irq(c->adc);
    }
    if (offset == CR2 && c->adc->f103->sim->now < c->calibrated_at)
        return *reg(c, CR2) | CAL | RSTCAL;
    return *reg(c, offset);
}

static void adc_write(void *ctx, uint32_t offset, uint32_t value)
{
    struct converter *c = ctx;
    if (offset == SR)
        *reg(c, SR) &= value;               /* all bits rc_w0 */
    else if (offset == CR1)
        write_cr1(c, value);
    else if (offset == CR2)
        write_cr2(c, value);
    else if (offset >= JOFR1 && offset <= LTR)
        *reg(c, offset) = value & 0xFFF;
    else if (offset < JSQR + 4)
        *reg(c, offset) = value;
    else if (offset >= 4 * REGISTERS)
        absent(c, "written beyond its registers");
    update_irq(c->adc);
}

static void adc_reset(void *ctx)
{
    struct converter *c = ctx;
    stop(c);
    for (int i = 0; i < REGISTERS; i++)
        c->reg[i] = 0;
    *reg(c, HTR) = 0xFFF;
    c->calibrated_at = 0;
    update_irq(c->adc);
}

void adc_new(struct f103 *f103)
{
    static const char *const name[] = { "ADC1", "ADC2" };
    struct adc *adc = calloc(1, sizeof *adc);
    f103->adc = adc;
    adc->f103 = f103;
    for (int i = 0; i < 2; i++) {
        struct converter *c = &adc->converter[i];
        c->adc = adc;
        c->name = name[i];
        *reg(c, HTR) = 0xFFF;
        alarm_init(&c->done, done, c);
        f103_add_block(f103, &(struct block){
            .name = name[i], .base = 0x40012400 + 0x400u * (unsigned)i, .size = 0x400,
            .bridge = ON_APB2, .enable_bit = 9 + i, .access = WORDS_ONLY,
            .read = adc_read, .write = adc_write, .reset = adc_reset, .ctx = c });
    }
}

void adc_free(struct adc *adc)
{
    for (int i = 0; i < 2; i++)
        alarm_cancel(adc->f103->sim, &adc->converter[i].done);
    free(adc);
}
