/* spi.c - SPI1 and SPI2 as masters: a shift register between MOSI and MISO.
 *
 *   called by  f103.c      calls  gpio.c, dma.c, rcc.c
 *
 * An alarm rings every half period of SCK.  CPHA says at which of the two edges MISO is
 * looked at; at the other one MOSI changes.  Slave mode, bidirectional and receive-only
 * modes and the CRC are reported as not modelled.
 *
 * Source: RM0008 25.3 (function), 25.5 (registers), 9.3.9 (remapping). */
#include "f103.h"
#include <stdlib.h>

enum { CR1 = 0x00, CR2 = 0x04, SR = 0x08, DR = 0x0C, CRCPR = 0x10, RXCRCR = 0x14,
       TXCRCR = 0x18, I2SCFGR = 0x1C, I2SPR = 0x20 };
enum {
    CPHA = 1 << 0, CPOL = 1 << 1, MSTR = 1 << 2, SPE = 1 << 6, LSBFIRST = 1 << 7,
    SSI = 1 << 8, SSM = 1 << 9, RXONLY = 1 << 10, DFF = 1 << 11, CRCEN = 1 << 13,
    BIDIMODE = 1 << 15,
    RXDMAEN = 1 << 0, TXDMAEN = 1 << 1, SSOE = 1 << 2, ERRIE = 1 << 5, RXNEIE = 1 << 6, TXEIE = 1 << 7,
    RXNE = 1 << 0, TXE = 1 << 1, CRCERR = 1 << 4, MODF = 1 << 5, OVR = 1 << 6,
    BSY = 1 << 7,
};

struct spi_pins { uint8_t sck, miso, mosi, nss; };
static const struct spi_type {
    const char *name, *sck_name, *mosi_name;
    uint32_t base;
    enum bridge bridge;
    uint8_t enable_bit, irq, map_mask;
    enum dma_request dma_tx, dma_rx;
    struct spi_pins pins[2];
} types[] = {
    { "SPI1", "SPI1_SCK", "SPI1_MOSI", 0x40013000, ON_APB2, 12, IRQ_SPI1, 1,
      DMA_SPI1_TX, DMA_SPI1_RX,
      { { PA + 5, PA + 6, PA + 7, PA + 4 }, { PB + 3, PB + 4, PB + 5, PA + 15 } } },
    { "SPI2", "SPI2_SCK", "SPI2_MOSI", 0x40003800, ON_APB1, 14, IRQ_SPI2, 0,
      DMA_SPI2_TX, DMA_SPI2_RX,
      { { PB + 13, PB + 14, PB + 15, PB + 12 }, { PB + 13, PB + 14, PB + 15, PB + 12 } } },
};

struct spi {
    struct f103 *f103;
    const struct spi_type *type;
    struct spi_pins pins;
    bool owns;
    uint32_t cr1, cr2, sr, rdr, tdr, crcpr;
    bool dr_read_after_ovr, sr_read_after_modf;
    uint32_t out, in;
    int half, halves;               /* edges of SCK done and to do; 0: idle */
    struct alarm edge;
};

static void update(struct spi *s)
{
    bool on = s->cr1 & SPE;
    f103_irq(s->f103, s->type->irq,
             (s->sr & RXNE && s->cr2 & RXNEIE) || (s->sr & TXE && s->cr2 & TXEIE) ||
             (s->sr & (OVR | MODF | CRCERR) && s->cr2 & ERRIE));
    dma_request(s->f103->dma, s->type->dma_tx, on && s->cr2 & TXDMAEN && s->sr & TXE);
    dma_request(s->f103->dma, s->type->dma_rx, on && s->cr2 & RXDMAEN && s->sr & RXNE);
}

/* --- shifting --------------------------------------------------------------------- */

static int bits(const struct spi *s) { return s->cr1 & DFF ? 16 : 8; }

static sim_time half_period(const struct spi *s)
{
    return rcc_pclk(s->f103->rcc, s->type->bridge) << (s->cr1 >> 3 & 7);
}

static void show_bit(struct spi *s, int n)
{
    if (n < bits(s))
        gpio_af_output(s->f103->gpio, s->pins.mosi,
                       s->out >> (s->cr1 & LSBFIRST ? n : bits(s) - 1 - n) & 1);
}

static void take_bit(struct spi *s, int n)
{
    uint32_t level = (uint32_t)gpio_level(s->f103->gpio, s->pins.miso);
    s->in |= level << (s->cr1 & LSBFIRST ? n : bits(s) - 1 - n);
}

static void begin(struct spi *s)
{
    s->out = s->tdr;
    s->in = 0;
    s->half = 0;
    s->halves = 2 * bits(s);
    s->sr |= TXE | BSY;
    if (!(s->cr1 & CPHA))
        show_bit(s, 0);
    alarm_set(s->f103->sim, &s->edge, s->f103->sim->now + half_period(s));
}

static void finish(struct spi *s)
{
    s->halves = 0;
    if (s->sr & RXNE) {
        s->sr |= OVR;
    } else {
        s->rdr = s->in;
        s->sr |= RXNE;
    }
    if (s->sr & TXE)
        s->sr &= ~(uint32_t)BSY;
    else
        begin(s);
    update(s);
}

static void edge(void *ctx)
{
    struct spi *s = ctx;
    bool leading = s->half % 2 == 0;
    int n = s->half / 2;
    gpio_af_output(s->f103->gpio, s->pins.sck, leading != !!(s->cr1 & CPOL));
    if (leading == !(s->cr1 & CPHA))
        take_bit(s, n);
    else
        show_bit(s, s->cr1 & CPHA ? n : n + 1);
    s->half++;
    if (s->half < s->halves)
        alarm_set(s->f103->sim, &s->edge, s->f103->sim->now + half_period(s));
    else
        finish(s);
}

/* --- registers -------------------------------------------------------------------- */

static void claim_pins(struct spi *s)
{
    bool wanted = (s->cr1 & (SPE | MSTR)) == (SPE | MSTR);
    if (wanted)
        gpio_af_output(s->f103->gpio, s->pins.sck, s->cr1 & CPOL);
    if (wanted == s->owns)
        return;
    s->owns = wanted;
    gpio_af_claim(s->f103->gpio, s->pins.sck, wanted ? s->type->sck_name : NULL);
    gpio_af_claim(s->f103->gpio, s->pins.mosi, wanted ? s->type->mosi_name : NULL);
}

void spi_remapped(struct spi *s)
{
    const struct spi_pins *pins = &s->type->pins[afio_mapr(s->f103->gpio) &
                                                 s->type->map_mask];
    if (pins->sck == s->pins.sck)
        return;
    uint32_t cr1 = s->cr1;
    s->cr1 = 0;
    claim_pins(s);
    s->cr1 = cr1;
    s->pins = *pins;
    claim_pins(s);
}

/* NSS as a master sees it: SSI, or the pin unless it is an output. */
static bool nss_is_low(const struct spi *s)
{
    if (s->cr1 & SSM)
        return !(s->cr1 & SSI);
    return !(s->cr2 & SSOE) && !gpio_level(s->f103->gpio, s->pins.nss);
}

/* RM0008 25.3.10: another master pulls NSS of a running one. */
static void look_at_nss(struct spi *s)
{
    if ((s->cr1 & (MSTR | SPE)) != (MSTR | SPE) || !nss_is_low(s))
        return;
    s->sr |= MODF;
    s->cr1 &= ~(uint32_t)(MSTR | SPE);
}

static void settle(struct spi *s)
{
    look_at_nss(s);
    if (!(s->cr1 & SPE)) {
        alarm_cancel(s->f103->sim, &s->edge);
        s->halves = 0;
        s->sr &= ~(uint32_t)BSY;
    }
    claim_pins(s);
    update(s);
}

static void nss_changed(void *ctx, int pin, int level)
{
    struct spi *s = ctx;
    (void)level;
    if (pin == s->pins.nss && s->cr1 & SPE)
        settle(s);
}

static void write_cr1(struct spi *s, uint32_t value)
{
    if (value & SPE && (value & (BIDIMODE | RXONLY | CRCEN) || !(value & MSTR)))
        f103_report(s->f103, SIM_UNMODELLED, "%s as %s", s->type->name,
                    !(value & MSTR) ? "slave" : value & CRCEN ? "master with CRC"
                                                              : "one-way master");
    if (s->sr & MODF)                       /* no master until the fault is cleared */
        value &= ~(uint32_t)(MSTR | SPE);
    s->cr1 = value & 0xFFFF;
    settle(s);
}

static void write_dr(struct spi *s, uint32_t value)
{
    s->tdr = value & 0xFFFF;
    s->sr &= ~(uint32_t)TXE;
    if ((s->cr1 & (SPE | MSTR)) == (SPE | MSTR) && !s->halves)
        begin(s);
    update(s);
}

static uint32_t read_dr(struct spi *s)
{
    s->sr &= ~(uint32_t)RXNE;
    s->dr_read_after_ovr = s->sr & OVR;
    update(s);
    return s->rdr;
}

/* OVR goes by reading DR and then SR. */
static uint32_t read_sr(struct spi *s)
{
    uint32_t sr = s->sr;
    if (s->dr_read_after_ovr)
        s->sr &= ~(uint32_t)OVR;
    s->dr_read_after_ovr = false;
    s->sr_read_after_modf = s->sr & MODF;
    update(s);
    return sr;
}

static uint32_t spi_read(void *ctx, uint32_t reg)
{
    struct spi *s = ctx;
    switch (reg) {
    case CR1:    return s->cr1;
    case CR2:    return s->cr2;
    case SR:     return read_sr(s);
    case DR:     return read_dr(s);
    case CRCPR:  return s->crcpr;
    case RXCRCR:
    case TXCRCR:
    case I2SCFGR:                           /* no I2S on a medium-density chip */
    case I2SPR:  return 0;
    }
    f103_report(s->f103, SIM_UNMODELLED, "%s+0x%02X read", s->type->name, reg);
    return 0;
}

static void spi_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct spi *s = ctx;
    switch (reg) {
    case CR1:
        if (s->sr_read_after_modf)
            s->sr &= ~(uint32_t)MODF;
        s->sr_read_after_modf = false;
        write_cr1(s, value);
        return;
    case CR2:   s->cr2 = value & 0xE7; settle(s); return;
    case SR:    s->sr &= value | ~(uint32_t)CRCERR; return;
    case DR:    write_dr(s, value); return;
    case CRCPR: s->crcpr = value & 0xFFFF; return;
    case I2SCFGR:
    case I2SPR: return;
    }
    f103_report(s->f103, SIM_UNMODELLED, "%s+0x%02X written", s->type->name, reg);
}

static void spi_reset(void *ctx)
{
    struct spi *s = ctx;
    s->cr2 = 0;
    s->sr = TXE;
    s->crcpr = 7;
    s->rdr = s->tdr = 0;
    s->cr1 = 0;
    settle(s);
}

void spi_new(struct f103 *f103, int number)
{
    struct spi *s = calloc(1, sizeof *s);
    f103->spi[number - 1] = s;
    s->f103 = f103;
    s->type = &types[number - 1];
    s->pins = s->type->pins[0];
    s->sr = TXE;
    s->crcpr = 7;
    alarm_init(&s->edge, edge, s);
    gpio_listen(f103->gpio, s->type->pins[0].nss, nss_changed, s);
    if (s->type->pins[1].nss != s->type->pins[0].nss)
        gpio_listen(f103->gpio, s->type->pins[1].nss, nss_changed, s);
    f103_add_block(f103, &(struct block){
        .name = s->type->name, .base = s->type->base, .size = 0x400,
        .bridge = s->type->bridge, .enable_bit = s->type->enable_bit,
        .access = HALVES_OK, .read = spi_read, .write = spi_write,
        .reset = spi_reset, .ctx = s });
}

void spi_free(struct spi *s)
{
    alarm_cancel(s->f103->sim, &s->edge);
    free(s);
}
