/* exti.c - the external interrupt lines: 16 from pins, 3 from inside the chip.
 *
 *   called by  gpio.c (edges of pins), bkp.c (RTC alarm)      calls  cpu.h
 *
 * An edge that RTSR or FTSR selects sets PR; PR and IMR together raise the interrupt,
 * EMR makes a pulse that wakes WFE.  PR is cleared by writing 1.
 *
 * Source: RM0008 10.2 (lines 5 to 9 and 10 to 15 share an interrupt), 10.3. */
#include "f103.h"
#include <stdlib.h>

enum { IMR = 0x00, EMR = 0x04, RTSR = 0x08, FTSR = 0x0C, SWIER = 0x10, PR = 0x14 };
enum { LINES = 0x7FFFF };               /* 19 of them */

struct exti {
    struct f103 *f103;
    uint32_t imr, emr, rtsr, ftsr, swier, pr;
};

static const struct { uint8_t irq; uint32_t lines; } vectors[] = {
    { IRQ_EXTI0, 1 << 0 }, { IRQ_EXTI0 + 1, 1 << 1 }, { IRQ_EXTI0 + 2, 1 << 2 },
    { IRQ_EXTI0 + 3, 1 << 3 }, { IRQ_EXTI0 + 4, 1 << 4 }, { IRQ_EXTI9_5, 0x3E0 },
    { IRQ_EXTI15_10, 0xFC00 }, { IRQ_PVD, 1 << EXTI_PVD },
    { IRQ_RTC_ALARM, 1 << EXTI_RTC_ALARM }, { IRQ_USB_WAKEUP, 1 << EXTI_USB_WAKEUP },
};

static void update_irqs(struct exti *exti, uint32_t lines)
{
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
        if (vectors[i].lines & lines)
            f103_irq(exti->f103, vectors[i].irq,
                     exti->pr & exti->imr & vectors[i].lines);
}

static void trigger(struct exti *exti, uint32_t lines)
{
    exti->pr |= lines;
    update_irqs(exti, lines);
    if (exti->emr & lines)
        cpu_send_event(exti->f103->cpu);
    if (lines & 1 << 11)
        adc_trigger(exti->f103->adc, ADC_EXTI11);
    if (lines & 1 << 15)
        adc_trigger(exti->f103->adc, ADC_EXTI15);
}

void exti_edge(struct exti *exti, int line, int level)
{
    if ((level ? exti->rtsr : exti->ftsr) >> line & 1)
        trigger(exti, 1u << line);
}

static uint32_t exti_read(void *ctx, uint32_t reg)
{
    struct exti *exti = ctx;
    switch (reg) {
    case IMR:   return exti->imr;
    case EMR:   return exti->emr;
    case RTSR:  return exti->rtsr;
    case FTSR:  return exti->ftsr;
    case SWIER: return exti->swier;
    case PR:    return exti->pr;
    }
    f103_report(exti->f103, SIM_UNMODELLED, "EXTI+0x%02X read", reg);
    return 0;
}

static void exti_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct exti *exti = ctx;
    uint32_t rising = value & ~exti->swier & LINES;
    switch (reg) {
    case IMR:   exti->imr = value & LINES; update_irqs(exti, LINES); return;
    case EMR:   exti->emr = value & LINES; return;
    case RTSR:  exti->rtsr = value & LINES; return;
    case FTSR:  exti->ftsr = value & LINES; return;
    case SWIER:
        exti->swier |= rising;
        trigger(exti, rising);
        return;
    case PR:                            /* rc_w1; takes the software bit with it */
        exti->pr &= ~value;
        exti->swier &= ~value;
        update_irqs(exti, LINES);
        return;
    }
    f103_report(exti->f103, SIM_UNMODELLED, "EXTI+0x%02X written", reg);
}

static void exti_reset(void *ctx)
{
    struct exti *exti = ctx;
    *exti = (struct exti){ .f103 = exti->f103 };
    update_irqs(exti, LINES);
}

void exti_new(struct f103 *f103)
{
    struct exti *exti = calloc(1, sizeof *exti);
    f103->exti = exti;
    exti->f103 = f103;
    f103_add_block(f103, &(struct block){
        .name = "EXTI", .base = 0x40010400, .size = 0x400, .bridge = ON_APB2,
        .enable_bit = -1, .access = WORDS_ONLY, .read = exti_read, .write = exti_write,
        .reset = exti_reset, .ctx = exti });
}

void exti_free(struct exti *exti) { free(exti); }
