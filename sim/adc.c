/* adc.c - ADC1 and ADC2, as much as a digital world can feed: regular conversions
 * started by software, single or continuous, one channel or a scan, with DMA on ADC1.
 *
 *   called by  f103.c      calls  gpio.c, dma.c, rcc.c
 *
 * A pin reads 0 or 4095, as its level is.  Channel 16 is 1.43 V (25 degrees), channel
 * 17 the 1.20 V reference, both against 3.3 V.  A conversion takes its sample time and
 * 12.5 cycles of ADCCLK.  Injected groups, external triggers, dual mode and the analog
 * watchdog are reported as not modelled.
 *
 * Sources: RM0008 11; DS5319 tables 46 to 50. */
#include "f103.h"
#include <stdlib.h>

enum { SR = 0x00, CR1 = 0x04, CR2 = 0x08, SMPR1 = 0x0C, SMPR2 = 0x10, JOFR1 = 0x14,
       HTR = 0x24, LTR = 0x28, SQR1 = 0x2C, SQR2 = 0x30, SQR3 = 0x34, JSQR = 0x38,
       DR = 0x4C, REGISTERS = 20 };
enum {
    AWD = 1 << 0, EOC = 1 << 1, JEOC = 1 << 2, JSTRT = 1 << 3, STRT = 1 << 4,
    EOCIE = 1 << 5, SCAN = 1 << 8, DISCEN = 1 << 11, DUALMOD = 0xF << 16,
    WATCHDOGS = 3 << 22,
    ADON = 1 << 0, CONT = 1 << 1, CAL = 1 << 2, RSTCAL = 1 << 3, DMA_ON = 1 << 8,
    ALIGN = 1 << 11, JEXTTRIG = 1 << 15, EXTSEL = 7 << 17, EXTTRIG = 1 << 20,
    JSWSTART = 1 << 21, SWSTART = 1 << 22, TSVREFE = 1 << 23,
    STARTS = CAL | RSTCAL | JSWSTART | SWSTART,
};
enum { TEMPERATURE = 16, REFERENCE = 17 };      /* channels inside the chip */
enum { CODE_25_DEGREES = 1775, CODE_REFERENCE = 1489 };

struct converter {
    struct adc *adc;
    const char *name;
    uint32_t reg[REGISTERS];        /* by offset / 4, all but SR and DR plain storage */
    int position;                   /* in the sequence */
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
        on |= *reg(c, SR) & EOC && *reg(c, CR1) & EOCIE;
    }
    f103_irq(adc->f103, IRQ_ADC, on);
}

bool adc_on(const struct adc *adc)
{
    return (adc->converter[0].reg[CR2 / 4] | adc->converter[1].reg[CR2 / 4]) & ADON;
}

/* --- converting ------------------------------------------------------------------- */

static int channel_at(struct converter *c, int position)
{
    uint32_t word = *reg(c, position < 6 ? SQR3 : position < 12 ? SQR2 : SQR1);
    return (int)(word >> 5 * (position % 6) & 0x1F);
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
    alarm_set(sim, &c->done, sim->now + conversion_time(c, channel_at(c, c->position)));
}

static void start(struct converter *c)
{
    c->position = 0;
    *reg(c, SR) |= STRT;
    convert_next(c);
}

static void done(void *ctx)
{
    struct converter *c = ctx;
    uint32_t value = convert(c, channel_at(c, c->position));
    int last = *reg(c, CR1) & SCAN ? (int)(*reg(c, SQR1) >> 20 & 0xF) : 0;
    *reg(c, DR) = *reg(c, CR2) & ALIGN ? value << 4 : value;
    bool over = c->position >= last;
    c->position = over ? 0 : c->position + 1;
    if (over)
        *reg(c, SR) |= EOC;
    if (*reg(c, CR2) & DMA_ON && c == &c->adc->converter[0])
        dma_pulse(c->adc->f103->dma, DMA_ADC1);
    if (!over || *reg(c, CR2) & CONT)
        convert_next(c);
    update_irq(c->adc);
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
    if (value & WATCHDOGS)
        absent(c, "analog watchdog");
    if (value & DISCEN)
        absent(c, "discontinuous mode");
    *reg(c, CR1) = value & 0x00CFFFFF;
}

/* RM0008 11.12.3: ADON written 1 while it is 1, and nothing else changed, starts
 * too. */
static void write_cr2(struct converter *c, uint32_t value)
{
    struct f103 *f103 = c->adc->f103;
    uint32_t before = *reg(c, CR2), after = value & 0x00FEF90F & ~(uint32_t)STARTS;
    if (value & (JSWSTART | JEXTTRIG))
        absent(c, "injected conversions");
    if (value & EXTTRIG && (value & EXTSEL) != EXTSEL)
        absent(c, "conversion on an external trigger");
    *reg(c, CR2) = after;
    if (after & ADON && !(before & ADON))
        rcc_adc_on(f103->rcc);
    if (value & (CAL | RSTCAL))             /* 83 ADC cycles, DS5319 table 46 */
        c->calibrated_at = f103->sim->now + 83 * rcc_adcclk(f103->rcc);
    if (!(after & ADON))
        alarm_cancel(f103->sim, &c->done);
    else if ((value & SWSTART && value & EXTTRIG) ||
             (before & ADON && before == after && !(value & STARTS)))
        start(c);
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
    else if (offset < JSQR + 4)
        *reg(c, offset) = value;
    else if (offset >= 4 * REGISTERS)
        absent(c, "written beyond its registers");
    update_irq(c->adc);
}

static void adc_reset(void *ctx)
{
    struct converter *c = ctx;
    alarm_cancel(c->adc->f103->sim, &c->done);
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
