/* usart.c - USART1 to 3: registers on one side, bits on two pins on the other.
 *
 *   called by  f103.c, gpio.c (edges)      calls  gpio.c, dma.c, rcc.c
 *
 * A bit lasts BRR cycles of PCLK, exactly.  The transmitter rings an alarm each bit;
 * the receiver waits for a falling edge, then looks in the middle of each bit, three
 * times as the chip does (27.3.3): on a noisy wire the majority counts and NE is set.
 *
 *   TDR -> shift register -> TX      TXE: TDR is free   TC: nothing left to send
 *   RX  -> shift register -> RDR     RXNE: RDR is full  ORE: another came meanwhile
 *
 * PE FE NE ORE IDLE go away when SR and then DR is read; TC when SR is read and DR
 * written.  Not modelled, and reported: synchronous clock, LIN, IrDA, smartcard, half
 * duplex, mute mode.
 *
 * Source: RM0008 27.3 (function), 27.6 (registers), 9.3.8 (remapping). */
#include "f103.h"
#include <stdlib.h>

enum { SR = 0x00, DR = 0x04, BRR = 0x08, CR1 = 0x0C, CR2 = 0x10, CR3 = 0x14,
       GTPR = 0x18 };
enum {
    PE = 1 << 0, FE = 1 << 1, NE = 1 << 2, ORE = 1 << 3, IDLE = 1 << 4, RXNE = 1 << 5,
    TC = 1 << 6, TXE = 1 << 7, LBD = 1 << 8, CTS = 1 << 9,
    BY_SR_THEN_DR = PE | FE | NE | ORE | IDLE, BY_WRITING_0 = CTS | LBD | TC | RXNE,

    SBK = 1 << 0, RWU = 1 << 1, RE = 1 << 2, TE = 1 << 3, IDLEIE = 1 << 4,
    RXNEIE = 1 << 5, TCIE = 1 << 6, TXEIE = 1 << 7, PEIE = 1 << 8, PS = 1 << 9,
    PCE = 1 << 10, WAKE = 1 << 11, M = 1 << 12, UE = 1 << 13, CR1_BITS = 0x3FFF,

    CLKEN = 1 << 11, LINEN = 1 << 14, CR2_BITS = 0x7F6F,
    EIE = 1 << 0, IREN = 1 << 1, HDSEL = 1 << 3, SCEN = 1 << 5, DMAR = 1 << 6,
    DMAT = 1 << 7, RTSE = 1 << 8, CTSE = 1 << 9, CTSIE = 1 << 10, CR3_BITS = 0x7FF,
};

/* Where AFIO_MAPR puts the pins. */
struct usart_pins { uint8_t tx, rx, cts, rts; };
static const struct usart_type {
    const char *name, *tx_name, *rts_name;
    uint32_t base;
    enum bridge bridge;
    uint8_t enable_bit, irq, map_shift, map_mask;
    enum dma_request dma_tx, dma_rx;
    struct usart_pins pins[4];
} types[] = {
    { "USART1", "USART1_TX", "USART1_RTS", 0x40013800, ON_APB2, 14, IRQ_USART1, 2, 1,
      DMA_USART1_TX, DMA_USART1_RX,
      { { PA + 9, PA + 10, PA + 11, PA + 12 }, { PB + 6, PB + 7, PA + 11, PA + 12 } } },
    { "USART2", "USART2_TX", "USART2_RTS", 0x40004400, ON_APB1, 17, IRQ_USART2, 3, 1,
      DMA_USART2_TX, DMA_USART2_RX,
      { { PA + 2, PA + 3, PA + 0, PA + 1 }, { PD + 5, PD + 6, PD + 3, PD + 4 } } },
    { "USART3", "USART3_TX", "USART3_RTS", 0x40004800, ON_APB1, 18, IRQ_USART3, 4, 3,
      DMA_USART3_TX, DMA_USART3_RX,
      { { PB + 10, PB + 11, PB + 13, PB + 14 }, { PC + 10, PC + 11, PB + 13, PB + 14 },
        { PB + 10, PB + 11, PB + 13, PB + 14 },
        { PD + 8, PD + 9, PD + 11, PD + 12 } } },
};

struct usart {
    struct f103 *f103;
    const struct usart_type *type;
    uint32_t sr, brr, cr1, cr2, cr3, gtpr;
    uint32_t rdr, tdr;
    bool sr_was_read;
    struct usart_pins pins;
    bool owns_tx, owns_rts, listens, listens_cts;

    bool sending, sending_break;
    uint32_t tx_shift;
    int tx_left;                    /* bits before the stop bit, -1: in it */
    struct alarm tx_bit;

    bool receiving, idle_armed;
    uint32_t rx_shift;
    int rx_got;                     /* -1: the start bit is next */
    bool rx_noise;
    struct alarm rx_bit, rx_idle;
};

/* --- common ----------------------------------------------------------------------- */

static sim_time bit_time(const struct usart *u)
{
    return u->brr * rcc_pclk(u->f103->rcc, u->type->bridge);
}

static int word_bits(const struct usart *u) { return u->cr1 & M ? 9 : 8; }

static bool baud_is_sane(const struct usart *u)
{
    if (u->brr >= 16)
        return true;
    f103_report(u->f103, SIM_RULE, "%s runs with BRR = %u, at least 16 is needed",
                u->type->name, u->brr);
    return false;
}

static void update(struct usart *u)
{
    uint32_t sr = u->sr, cr1 = u->cr1, cr3 = u->cr3;
    bool on = cr1 & UE;
    bool irq = (sr & cr1 & (IDLE | RXNE | TC | TXE)) ||     /* flag and enable agree */
               (sr & ORE && cr1 & RXNEIE) || (sr & PE && cr1 & PEIE) ||
               (sr & CTS && cr3 & CTSIE) ||
               (sr & (FE | NE | ORE) && cr3 & EIE && cr3 & DMAR);
    f103_irq(u->f103, u->type->irq, irq);
    dma_request(u->f103->dma, u->type->dma_tx,
                on && cr1 & TE && cr3 & DMAT && sr & TXE);
    dma_request(u->f103->dma, u->type->dma_rx, on && cr3 & DMAR && sr & RXNE);
    if (u->owns_rts)                /* low: send on */
        gpio_af_output(u->f103->gpio, u->pins.rts, sr & RXNE);
}

static uint32_t parity_of(const struct usart *u, uint32_t data)
{
    return (uint32_t)__builtin_parity(data) ^ (u->cr1 & PS ? 1 : 0);
}

/* --- transmitter ------------------------------------------------------------------ */

static void tx_level(struct usart *u, bool level)
{
    gpio_af_output(u->f103->gpio, u->pins.tx, level);
}

static void tx_in(struct usart *u, sim_time from_now)
{
    alarm_set(u->f103->sim, &u->tx_bit, u->f103->sim->now + from_now);
}

/* CR2.STOP: 1, 0.5, 2, 1.5 bits. */
static sim_time stop_time(const struct usart *u)
{
    static const uint8_t halves[4] = { 2, 1, 4, 3 };
    return bit_time(u) * halves[u->cr2 >> 12 & 3] / 2;
}

static bool clear_to_send(struct usart *u)
{
    return !(u->cr3 & CTSE) || !gpio_level(u->f103->gpio, u->pins.cts);
}

static void claim_pins(struct usart *u);

/* Start bit, data from the lowest, parity in place of the highest. */
static void load_frame(struct usart *u)
{
    int bits = word_bits(u);
    uint32_t data = u->tdr & ((1u << bits) - 1);
    if (u->cr1 & PCE) {
        data &= (1u << (bits - 1)) - 1;
        data |= parity_of(u, data) << (bits - 1);
    }
    u->tx_shift = data << 1;
    u->tx_left = bits + 1;
    u->sr |= TXE;
}

/* A break is a frame of zeros, the stop bit too, and then one bit high. */
static void load_break(struct usart *u)
{
    u->sending_break = true;
    u->tx_shift = 0;
    u->tx_left = word_bits(u) + 2;
}

static void send_next(struct usart *u)
{
    u->sending = false;
    if (!(u->cr1 & UE) || !(u->cr1 & TE)) {
        claim_pins(u);
        return;
    }
    if (!clear_to_send(u) || !baud_is_sane(u))
        return;
    if (u->cr1 & SBK)
        load_break(u);
    else if (!(u->sr & TXE))
        load_frame(u);
    else
        return;
    u->sending = true;
    tx_in(u, 0);
    update(u);
}

static void tx_bit(void *ctx)
{
    struct usart *u = ctx;
    if (u->tx_left > 0) {
        tx_level(u, u->tx_shift & 1);
        u->tx_shift >>= 1;
        u->tx_left--;
        tx_in(u, bit_time(u));
        return;
    }
    if (u->tx_left == 0) {
        tx_level(u, true);
        u->tx_left = -1;
        if (u->sending_break)
            u->cr1 &= ~(uint32_t)SBK;
        tx_in(u, u->sending_break ? bit_time(u) : stop_time(u));
        u->sending_break = false;
        return;
    }
    if (u->sr & TXE && !(u->cr1 & SBK)) {
        u->sr |= TC;
        update(u);
    }
    send_next(u);
}

/* Setting TE sends one frame of ones first (27.3.2).  Without a baud rate it takes no
 * time here; the chip would wait for BRR. */
static void send_idle_frame(struct usart *u)
{
    u->sending = true;
    u->tx_left = -1;
    tx_in(u, bit_time(u) * (sim_time)(word_bits(u) + 2));
}

static void cts_changed(void *ctx, int pin, int level)
{
    struct usart *u = ctx;
    (void)pin;
    (void)level;
    u->sr |= CTS;
    update(u);
    if (!u->sending)
        send_next(u);
}

/* --- receiver --------------------------------------------------------------------- */

static void rx_in(struct usart *u, sim_time from_now)
{
    alarm_set(u->f103->sim, &u->rx_bit, u->f103->sim->now + from_now);
}

/* The edge itself is the first of 16 parts of the start bit. */
static void rx_changed(void *ctx, int pin, int level)
{
    struct usart *u = ctx;
    (void)pin;
    alarm_cancel(u->f103->sim, &u->rx_idle);
    if (level || u->receiving || !baud_is_sane(u))
        return;
    u->receiving = true;
    u->rx_got = -1;
    u->rx_shift = 0;
    u->rx_noise = false;
    rx_in(u, bit_time(u) / 2);
}

static bool rx_sample(struct usart *u)
{
    int ones = 0;
    for (int i = 0; i < 3; i++)
        ones += gpio_level(u->f103->gpio, u->pins.rx);
    if (ones == 1 || ones == 2)
        u->rx_noise = true;
    return ones >= 2;
}

static void rx_frame(struct usart *u, bool stop)
{
    int bits = word_bits(u);
    u->receiving = false;
    if (u->sr & RXNE) {
        u->sr |= ORE;
    } else {
        u->rdr = u->rx_shift;
        u->sr |= RXNE | (stop ? 0 : FE) | (u->rx_noise ? NE : 0);
        uint32_t data = u->rx_shift & ((1u << (bits - 1)) - 1);
        if (u->cr1 & PCE && parity_of(u, data) != u->rx_shift >> (bits - 1))
            u->sr |= PE;
    }
    u->idle_armed = true;
    if (gpio_level(u->f103->gpio, u->pins.rx))      /* a frame of silence from here */
        alarm_set(u->f103->sim, &u->rx_idle,
                  u->f103->sim->now + bit_time(u) * (sim_time)(2 * bits + 5) / 2);
    update(u);
}

static void rx_bit(void *ctx)
{
    struct usart *u = ctx;
    bool level = rx_sample(u);
    if (u->rx_got == -1 && level) {                 /* it was no start bit */
        u->receiving = false;
        return;
    }
    if (u->rx_got == word_bits(u)) {
        rx_frame(u, level);
        return;
    }
    if (u->rx_got >= 0)
        u->rx_shift |= (uint32_t)level << u->rx_got;
    u->rx_got++;
    rx_in(u, bit_time(u));
}

/* Not again before something was received (27.6.1). */
static void rx_idle(void *ctx)
{
    struct usart *u = ctx;
    if (!u->idle_armed)
        return;
    u->idle_armed = false;
    u->sr |= IDLE;
    update(u);
}

/* --- pins ------------------------------------------------------------------------- */

static void own(struct usart *u, bool *owns, bool wanted, int pin, const char *name)
{
    if (*owns == wanted)
        return;
    *owns = wanted;
    gpio_af_claim(u->f103->gpio, pin, wanted ? name : NULL);
}

static void listen(struct usart *u, bool *listens, bool wanted, int pin,
                   void (*changed)(void *ctx, int pin, int level))
{
    if (*listens == wanted)
        return;
    *listens = wanted;
    if (wanted)
        gpio_listen(u->f103->gpio, pin, changed, u);
    else
        gpio_unlisten(u->f103->gpio, pin, changed, u);
}

static void hold_pins(struct usart *u, bool tx, bool rx)
{
    if (tx && !u->owns_tx)
        tx_level(u, true);
    own(u, &u->owns_tx, tx, u->pins.tx, u->type->tx_name);
    own(u, &u->owns_rts, rx && u->cr3 & RTSE, u->pins.rts, u->type->rts_name);
    listen(u, &u->listens, rx, u->pins.rx, rx_changed);
    listen(u, &u->listens_cts, tx && u->cr3 & CTSE, u->pins.cts, cts_changed);
}

/* A transmitter that is switched off finishes its frame. */
static void claim_pins(struct usart *u)
{
    bool on = u->cr1 & UE;
    hold_pins(u, (on && u->cr1 & TE) || u->sending, on && u->cr1 & RE);
}

void usart_remapped(struct usart *u)
{
    const struct usart_type *type = u->type;
    const struct usart_pins *pins = &type->pins[
        afio_mapr(u->f103->gpio) >> type->map_shift & type->map_mask];
    if (pins->tx == u->pins.tx && pins->rx == u->pins.rx)
        return;
    hold_pins(u, false, false);
    u->pins = *pins;
    claim_pins(u);
}

/* --- registers -------------------------------------------------------------------- */

static uint32_t read_dr(struct usart *u)
{
    uint32_t cleared = RXNE | (u->sr_was_read ? BY_SR_THEN_DR : 0);
    u->sr &= ~cleared;
    u->sr_was_read = false;
    update(u);
    return u->rdr;
}

static void write_dr(struct usart *u, uint32_t value)
{
    u->tdr = value & 0x1FF;
    u->sr &= ~(uint32_t)(TXE | (u->sr_was_read ? TC : 0));
    u->sr_was_read = false;
    if (u->cr1 & TE && u->cr1 & UE && !u->sending)
        send_next(u);
    update(u);
}

static void stop_receiver(struct usart *u)
{
    u->receiving = u->idle_armed = false;
    alarm_cancel(u->f103->sim, &u->rx_bit);
    alarm_cancel(u->f103->sim, &u->rx_idle);
}

static void write_cr1(struct usart *u, uint32_t value)
{
    bool transmitted = (u->cr1 & (UE | TE)) == (UE | TE);
    if (value & RWU)
        f103_report(u->f103, SIM_UNMODELLED, "%s mute mode", u->type->name);
    u->cr1 = value & CR1_BITS;
    bool transmits = (value & (UE | TE)) == (UE | TE);
    if (!(value & UE) || !(value & RE))
        stop_receiver(u);
    claim_pins(u);
    if (transmits && !transmitted && !u->sending)
        send_idle_frame(u);
    else if (transmits && !u->sending)
        send_next(u);
    update(u);
}

static void write_cr2(struct usart *u, uint32_t value)
{
    if (value & (CLKEN | LINEN))
        f103_report(u->f103, SIM_UNMODELLED, "%s %s mode", u->type->name,
                    value & CLKEN ? "synchronous" : "LIN");
    u->cr2 = value & CR2_BITS;
}

static void write_cr3(struct usart *u, uint32_t value)
{
    if (value & (IREN | HDSEL | SCEN))
        f103_report(u->f103, SIM_UNMODELLED, "%s %s mode", u->type->name,
                    value & IREN ? "IrDA" : value & HDSEL ? "half duplex"
                                                          : "smartcard");
    u->cr3 = value & CR3_BITS;
    claim_pins(u);
    update(u);
}

static uint32_t usart_read(void *ctx, uint32_t reg)
{
    struct usart *u = ctx;
    switch (reg) {
    case SR:   u->sr_was_read = true; return u->sr;
    case DR:   return read_dr(u);
    case BRR:  return u->brr;
    case CR1:  return u->cr1;
    case CR2:  return u->cr2;
    case CR3:  return u->cr3;
    case GTPR: return u->gtpr;
    }
    f103_report(u->f103, SIM_UNMODELLED, "%s+0x%02X read", u->type->name, reg);
    return 0;
}

static void usart_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct usart *u = ctx;
    switch (reg) {
    case SR:   u->sr &= value | ~(uint32_t)BY_WRITING_0; update(u); return;
    case DR:   write_dr(u, value); return;
    case BRR:  u->brr = value & 0xFFFF; return;
    case CR1:  write_cr1(u, value); return;
    case CR2:  write_cr2(u, value); return;
    case CR3:  write_cr3(u, value); return;
    case GTPR: u->gtpr = value & 0xFFFF; return;
    }
    f103_report(u->f103, SIM_UNMODELLED, "%s+0x%02X written", u->type->name, reg);
}

static void usart_reset(void *ctx)
{
    struct usart *u = ctx;
    alarm_cancel(u->f103->sim, &u->tx_bit);
    stop_receiver(u);
    u->sending = u->sending_break = u->sr_was_read = false;
    u->cr1 = u->cr2 = u->cr3 = u->brr = u->gtpr = u->rdr = u->tdr = 0;
    u->sr = TXE | TC;
    claim_pins(u);
    update(u);
}

void usart_new(struct f103 *f103, int number)
{
    struct usart *u = calloc(1, sizeof *u);
    f103->usart[number - 1] = u;
    u->f103 = f103;
    u->type = &types[number - 1];
    u->pins = u->type->pins[0];
    u->sr = TXE | TC;
    alarm_init(&u->tx_bit, tx_bit, u);
    alarm_init(&u->rx_bit, rx_bit, u);
    alarm_init(&u->rx_idle, rx_idle, u);
    f103_add_block(f103, &(struct block){
        .name = u->type->name, .base = u->type->base, .size = 0x400,
        .bridge = u->type->bridge, .enable_bit = u->type->enable_bit,
        .access = HALVES_OK, .read = usart_read, .write = usart_write,
        .reset = usart_reset, .ctx = u });
}

void usart_free(struct usart *u)
{
    alarm_cancel(u->f103->sim, &u->tx_bit);
    alarm_cancel(u->f103->sim, &u->rx_bit);
    alarm_cancel(u->f103->sim, &u->rx_idle);
    free(u);
}
