/* dma.c - DMA1: seven channels that move data while the core does something else.
 *
 *   called by  usart.c, tim.c, adc.c, spi.c, i2c.c (requests)      calls  bus.h
 *
 * A channel is fixed to its requests (RM0008 table 78); all of them are ORed.  A
 * request is a level that the peripheral drops when its register was accessed, or a
 * pulse that is remembered until it was served.  One datum moves at a time: the channel
 * with the highest priority, then the lowest number, wins each time (13.3.2).
 *
 * Time: a datum costs TRANSFER cycles of HCLK; the core is not slowed down by the bus
 * cycles that the DMA takes (it shares the bus matrix fairly, 13.3).
 *
 * Sources: RM0008 13.3, 13.4; AN2548 3 (about 5 AHB cycles and the APB access). */
#include "f103.h"
#include <stdlib.h>

enum { ISR = 0x00, IFCR = 0x04, CCR = 0x00, CNDTR = 0x04, CPAR = 0x08, CMAR = 0x0C,
       FIRST = 0x08, STRIDE = 20 };
enum { EN = 1 << 0, TCIE = 1 << 1, HTIE = 1 << 2, TEIE = 1 << 3, DIR = 1 << 4,
       CIRC = 1 << 5, PINC = 1 << 6, MINC = 1 << 7, MEM2MEM = 1 << 14,
       CCR_BITS = 0x7FFF };
enum { GIF = 1, TCIF = 2, HTIF = 4, TEIF = 8 };        /* in each channel's nibble */
enum { CHANNELS = 7, TRANSFER = 6 };

static const uint8_t channel_of[DMA_NONE] = {          /* RM0008 table 78, from 0 */
    [DMA_ADC1] = 0, [DMA_TIM2_CH3] = 0, [DMA_TIM4_CH1] = 0,
    [DMA_USART3_TX] = 1, [DMA_TIM1_CH1] = 1, [DMA_TIM2_UP] = 1, [DMA_TIM3_CH3] = 1,
    [DMA_SPI1_RX] = 1,
    [DMA_USART3_RX] = 2, [DMA_TIM1_CH2] = 2, [DMA_TIM3_CH4] = 2, [DMA_TIM3_UP] = 2,
    [DMA_SPI1_TX] = 2,
    [DMA_USART1_TX] = 3, [DMA_TIM1_CH4] = 3, [DMA_TIM1_TRIG] = 3, [DMA_TIM1_COM] = 3,
    [DMA_TIM4_CH2] = 3, [DMA_SPI2_RX] = 3,
    [DMA_I2C2_TX] = 3,
    [DMA_USART1_RX] = 4, [DMA_TIM1_UP] = 4, [DMA_TIM2_CH1] = 4, [DMA_TIM4_CH3] = 4,
    [DMA_SPI2_TX] = 4, [DMA_I2C2_RX] = 4,
    [DMA_USART2_RX] = 5, [DMA_TIM1_CH3] = 5, [DMA_TIM3_CH1] = 5, [DMA_TIM3_TRIG] = 5,
    [DMA_I2C1_TX] = 5,
    [DMA_USART2_TX] = 6, [DMA_TIM2_CH2] = 6, [DMA_TIM2_CH4] = 6, [DMA_TIM4_UP] = 6,
    [DMA_I2C1_RX] = 6,
};

struct channel {
    uint32_t ccr, cndtr, cpar, cmar;
    uint32_t par, mar, reload;          /* of the transfer in progress */
    uint64_t levels, pulses;            /* requests, a bit each of enum dma_request */
};

struct dma {
    struct f103 *f103;
    const struct block *block;
    uint32_t isr;
    struct channel channel[CHANNELS];
    struct alarm next;
};

bool dma_is_clocked(const struct dma *dma) { return dma->block->clocked; }

static void update_irq(struct dma *dma, int n)
{
    uint32_t flags = dma->isr >> 4 * n & 0xE;
    f103_irq(dma->f103, IRQ_DMA1 + n, flags & dma->channel[n].ccr);
}

static void set_flags(struct dma *dma, int n, uint32_t flags)
{
    dma->isr |= (flags | GIF) << 4 * n;
    update_irq(dma, n);
}

/* --- moving data ------------------------------------------------------------------ */

static bool wants(const struct channel *c)
{
    return c->ccr & EN && c->cndtr && (c->ccr & MEM2MEM || c->levels || c->pulses);
}

static int next_channel(const struct dma *dma)
{
    int best = -1;
    for (int n = 0; n < CHANNELS; n++)
        if (wants(&dma->channel[n]) &&
                (best < 0 || (dma->channel[n].ccr >> 12 & 3) >
                             (dma->channel[best].ccr >> 12 & 3)))
            best = n;
    return best;
}

static void schedule(struct dma *dma)
{
    struct sim *sim = dma->f103->sim;
    if (!alarm_is_set(&dma->next) && next_channel(dma) >= 0)
        alarm_set(sim, &dma->next, sim->now + TRANSFER * rcc_hclk(dma->f103->rcc));
}

/* Sizes may differ: a wider source is cut, a wider destination filled with zeros. */
static bool move(struct dma *dma, struct channel *c)
{
    int peripheral = 1 << (c->ccr >> 8 & 3), memory = 1 << (c->ccr >> 10 & 3);
    uint32_t value;
    bool good = c->ccr & DIR
        ? bus_read(dma->f103->bus, BUS_DMA, c->mar, memory, &value) &&
          bus_write(dma->f103->bus, BUS_DMA, c->par, peripheral, value)
        : bus_read(dma->f103->bus, BUS_DMA, c->par, peripheral, &value) &&
          bus_write(dma->f103->bus, BUS_DMA, c->mar, memory, value);
    if (c->ccr & PINC)
        c->par += (uint32_t)peripheral;
    if (c->ccr & MINC)
        c->mar += (uint32_t)memory;
    return good;
}

static void count_down(struct dma *dma, int n)
{
    struct channel *c = &dma->channel[n];
    c->cndtr--;
    if (c->cndtr == c->reload / 2)
        set_flags(dma, n, HTIF);
    if (c->cndtr)
        return;
    if (c->ccr & CIRC) {
        c->cndtr = c->reload;
        c->par = c->cpar;
        c->mar = c->cmar;
    }
    set_flags(dma, n, TCIF);
}

static void serve(void *ctx)
{
    struct dma *dma = ctx;
    int n = next_channel(dma);
    if (n < 0)
        return;
    struct channel *c = &dma->channel[n];
    c->pulses = 0;
    if (move(dma, c)) {
        count_down(dma, n);
    } else {
        f103_report(dma->f103, SIM_RULE, "DMA1 channel %d met a bus error at 0x%08X or "
                    "0x%08X", n + 1, c->par, c->mar);
        c->ccr &= ~(uint32_t)EN;
        set_flags(dma, n, TEIF);
    }
    schedule(dma);
}

void dma_request(struct dma *dma, enum dma_request request, bool level)
{
    struct channel *c = &dma->channel[channel_of[request]];
    uint64_t bit = 1ull << request;
    c->levels = level ? c->levels | bit : c->levels & ~bit;
    if (level)
        schedule(dma);
}

void dma_pulse(struct dma *dma, enum dma_request request)
{
    struct channel *c = &dma->channel[channel_of[request]];
    if (!(c->ccr & EN))
        return;
    c->pulses |= 1ull << request;
    schedule(dma);
}

unsigned dma_left(const struct dma *dma, enum dma_request request)
{
    const struct channel *c = &dma->channel[channel_of[request]];
    return c->ccr & EN ? c->cndtr : 0;
}

/* --- registers -------------------------------------------------------------------- */

static void write_ccr(struct dma *dma, int n, uint32_t value)
{
    struct channel *c = &dma->channel[n];
    bool starts = value & EN && !(c->ccr & EN);
    if (c->ccr & value & EN && (c->ccr ^ value) & 0x7FF0)
        f103_report(dma->f103, SIM_RULE, "DMA1 channel %d set up anew while enabled",
                    n + 1);
    if ((value >> 8 & 3) == 3 || (value >> 10 & 3) == 3)
        f103_report(dma->f103, SIM_RULE, "DMA1 channel %d: size 11 is reserved", n + 1);
    if (value & MEM2MEM && value & CIRC)
        f103_report(dma->f103, SIM_RULE, "DMA1 channel %d: MEM2MEM and CIRC", n + 1);
    c->ccr = value & CCR_BITS;
    if (starts) {
        c->par = c->cpar;
        c->mar = c->cmar;
        c->reload = c->cndtr;
    }
    if (!(value & EN))
        c->pulses = 0;
    update_irq(dma, n);
    schedule(dma);
}

static bool settled(struct dma *dma, int n, const char *name)
{
    if (!(dma->channel[n].ccr & EN))
        return true;
    f103_report(dma->f103, SIM_RULE, "DMA1 %s%d written while the channel is enabled",
                name, n + 1);
    return false;
}

static void write_channel(struct dma *dma, int n, uint32_t reg, uint32_t value)
{
    struct channel *c = &dma->channel[n];
    if (reg == CCR)
        write_ccr(dma, n, value);
    else if (reg == CNDTR && settled(dma, n, "CNDTR"))
        c->cndtr = value & 0xFFFF;
    else if (reg == CPAR && settled(dma, n, "CPAR"))
        c->cpar = value;
    else if (reg == CMAR && settled(dma, n, "CMAR"))
        c->cmar = value;
}

static void clear_flags(struct dma *dma, uint32_t value)
{
    for (int n = 0; n < CHANNELS; n++) {
        uint32_t clear = value >> 4 * n & 0xF, left = dma->isr >> 4 * n & 0xF;
        left = clear & GIF ? 0 : left & ~clear;
        if (!(left & 0xE))
            left = 0;                       /* GIF shows the others */
        dma->isr = (dma->isr & ~(0xFu << 4 * n)) | left << 4 * n;
        update_irq(dma, n);
    }
}

static uint32_t dma_read(void *ctx, uint32_t reg)
{
    struct dma *dma = ctx;
    if (reg == ISR)
        return dma->isr;
    if (reg == IFCR)
        return 0;
    unsigned n = (reg - FIRST) / STRIDE;
    if (n >= CHANNELS) {
        f103_report(dma->f103, SIM_UNMODELLED, "DMA1+0x%02X read", reg);
        return 0;
    }
    const struct channel *c = &dma->channel[n];
    switch ((reg - FIRST) % STRIDE) {
    case CCR:   return c->ccr;
    case CNDTR: return c->cndtr;
    case CPAR:  return c->cpar;
    case CMAR:  return c->cmar;
    default:    return 0;                   /* the hole between two channels */
    }
}

static void dma_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct dma *dma = ctx;
    unsigned n = (reg - FIRST) / STRIDE;
    if (reg == IFCR)
        clear_flags(dma, value);
    else if (reg != ISR && n < CHANNELS)
        write_channel(dma, (int)n, (reg - FIRST) % STRIDE, value);
    else
        f103_report(dma->f103, SIM_UNMODELLED, "DMA1+0x%02X written", reg);
}

/* Requests belong to the peripherals, and live on. */
static void dma_reset(void *ctx)
{
    struct dma *dma = ctx;
    dma->isr = 0;
    for (int n = 0; n < CHANNELS; n++) {
        dma->channel[n] = (struct channel){ .levels = dma->channel[n].levels };
        update_irq(dma, n);
    }
}

void dma_new(struct f103 *f103)
{
    struct dma *dma = calloc(1, sizeof *dma);
    f103->dma = dma;
    dma->f103 = f103;
    alarm_init(&dma->next, serve, dma);
    dma->block = f103_add_block(f103, &(struct block){
        .name = "DMA1", .base = 0x40020000, .size = 0x400, .bridge = ON_AHB,
        .enable_bit = 0, .access = WORDS_ONLY, .read = dma_read, .write = dma_write,
        .reset = dma_reset, .ctx = dma });
}

void dma_free(struct dma *dma)
{
    alarm_cancel(dma->f103->sim, &dma->next);
    free(dma);
}
