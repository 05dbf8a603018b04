/* f4_usart.c - USART1, 2, 3 and 6 of an STM32F2, F4 or F7.
 *
 *   called by  f4.c, f4_gpio.c (edges, pins)      calls  serial.c, f4_gpio.c, f4_rcc.c
 *
 * The registers are the F1's with one more bit, OVER8.  PE FE NE ORE IDLE go away when SR
 * and then DR is read; TC when SR is read and DR written.
 *
 * An F7's has the same inside and other registers: flags in ISR go by ICR, data comes from RDR
 * and goes to TDR, CR1.UE is bit 0, and BRR is written while UE is 0.
 *
 * Not modelled, and reported: DMA, flow control, LIN, IrDA, smartcard, half duplex,
 * synchronous clock, mute mode, breaks.  A noisy bit is sampled once, so NE never comes.
 *
 * Source: RM0090 30.3 (function), 30.6 (registers); RM0385 31.8; DS8626 table 9 (pins). */
#include "f4.h"
#include "serial.h"
#include <stdlib.h>

enum { SR = 0x00, DR = 0x04, BRR = 0x08, CR1 = 0x0C, CR2 = 0x10, CR3 = 0x14, GTPR = 0x18 };
enum { F7_CR1 = 0x00, F7_CR2 = 0x04, F7_CR3 = 0x08, F7_BRR = 0x0C, F7_GTPR = 0x10, F7_RQR = 0x18,
       F7_ISR = 0x1C, F7_ICR = 0x20, F7_RDR = 0x24, F7_TDR = 0x28 };
enum { F7_UE = 1 << 0, F7_SAME = 0xD7FC, RXFRQ = 1 << 3, TEACK = 1 << 21, REACK = 1 << 22,
       F7_CLEARS = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 6 };
enum {
    PE = 1 << 0, FE = 1 << 1, NE = 1 << 2, ORE = 1 << 3, IDLE = 1 << 4, RXNE = 1 << 5,
    TC = 1 << 6, TXE = 1 << 7, BY_SR_THEN_DR = PE | FE | NE | ORE | IDLE,
    SBK = 1 << 0, RWU = 1 << 1, RE = 1 << 2, TE = 1 << 3, IDLEIE = 1 << 4, RXNEIE = 1 << 5,
    TCIE = 1 << 6, TXEIE = 1 << 7, PEIE = 1 << 8, PS = 1 << 9, PCE = 1 << 10, M = 1 << 12,
    UE = 1 << 13, OVER8 = 1 << 15,
    CR2_MODES = 1 << 11 | 1 << 14, EIE = 1 << 0,
    CR3_MODES = 1 << 1 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 9,
};

static const struct usart_type {
    const char *name;
    uint32_t base;
    enum f4_bus bus;
    uint8_t bit, irq, function;
    uint8_t tx[2], rx[2];           /* where AFR may put them */
} types[F4_USARTS] = {
    { "USART1", 0x40011000, F4_APB2, 4, F4_IRQ_USART1, 7,
      { F4_PA + 9, F4_PB + 6 }, { F4_PA + 10, F4_PB + 7 } },
    { "USART2", 0x40004400, F4_APB1, 17, F4_IRQ_USART2, 7,
      { F4_PA + 2, F4_PD + 5 }, { F4_PA + 3, F4_PD + 6 } },
    { "USART3", 0x40004800, F4_APB1, 18, F4_IRQ_USART3, 7,
      { F4_PB + 10, F4_PC + 10 }, { F4_PB + 11, F4_PC + 11 } },
    { "USART6", 0x40011400, F4_APB2, 5, F4_IRQ_USART6, 8,
      { F4_PC + 6, F4_PC + 6 }, { F4_PC + 7, F4_PC + 7 } },
};

struct f4_usart {
    struct f4 *f4;
    const struct usart_type *type;
    uint32_t sr, brr, cr1, cr2, cr3, gtpr, rdr, tdr;
    bool sr_was_read, tx_level;
    struct alarm idle;
    struct serial serial;
};

static sim_time bit_time(const struct f4_usart *u)
{
    uint32_t cycles = u->cr1 & OVER8 ? (u->brr >> 4) * 8 + (u->brr & 7) : u->brr;
    return cycles * f4_rcc_clock(u->f4->rcc, u->type->bus);
}

static int word_bits(const struct f4_usart *u) { return u->cr1 & M ? 9 : 8; }

static bool on(const struct f4_usart *u, uint32_t what)
{
    return (u->cr1 & (UE | what)) == (UE | what);
}

static void update(struct f4_usart *u)
{
    uint32_t sr = u->sr, cr1 = u->cr1;
    bool irq = (sr & cr1 & (IDLE | RXNE | TC | TXE)) ||     /* flag and enable agree */
               (sr & ORE && cr1 & RXNEIE) || (sr & PE && cr1 & PEIE);
    f4_irq(u->f4, u->type->irq, irq);
}

static uint32_t parity_of(const struct f4_usart *u, uint32_t data)
{
    return (uint32_t)__builtin_parity(data) ^ (u->cr1 & PS ? 1 : 0);
}

/* --- pins --------------------------------------------------------------------------- */

static bool has(const struct f4_usart *u, int pin)
{
    return f4_gpio_function(u->f4->gpio, pin) == u->type->function;
}

static void drive(void *ctx, bool level)
{
    struct f4_usart *u = ctx;
    u->tx_level = level;
    for (int i = 0; i < 2; i++)
        if (has(u, u->type->tx[i]))
            f4_gpio_drive(u->f4->gpio, u->type->tx[i], on(u, TE) || u->serial.sending,
                          level);
}

/* A pin that was ours and is so no longer is let go. */
void f4_usart_pins_changed(struct f4_usart *u)
{
    for (int i = 0; i < 2; i++)
        if (!has(u, u->type->tx[i]))
            f4_gpio_drive(u->f4->gpio, u->type->tx[i], false, true);
    drive(u, u->tx_level);
}

static bool level(void *ctx)
{
    struct f4_usart *u = ctx;
    for (int i = 0; i < 2; i++)
        if (has(u, u->type->rx[i]))
            return f4_gpio_level(u->f4->gpio, u->type->rx[i]);
    return true;
}

void f4_usart_edge(struct f4_usart *u, int pin, int now)
{
    if ((pin != u->type->rx[0] && pin != u->type->rx[1]) || !has(u, pin))
        return;
    alarm_cancel(u->f4->sim, &u->idle);
    if (!now && on(u, RE))
        serial_fell(&u->serial, word_bits(u), bit_time(u));
}

/* --- frames ------------------------------------------------------------------------- */

static void send_next(struct f4_usart *u)
{
    static const uint8_t stop_halves[4] = { 2, 1, 4, 3 };
    int bits = word_bits(u);
    if (!on(u, TE) || u->sr & TXE)
        return;
    if (u->brr < 16) {
        f4_report(u->f4, SIM_RULE, "%s runs with BRR = %u, at least 16 is needed",
                  u->type->name, u->brr);
        return;
    }
    uint32_t data = u->tdr & ((1u << bits) - 1);
    if (u->cr1 & PCE) {
        data &= (1u << (bits - 1)) - 1;
        data |= parity_of(u, data) << (bits - 1);
    }
    u->sr |= TXE;
    serial_send(&u->serial, data, bits, bit_time(u),
                bit_time(u) * stop_halves[u->cr2 >> 12 & 3] / 2);
    update(u);
}

static void sent(void *ctx)
{
    struct f4_usart *u = ctx;
    if (u->sr & TXE)
        u->sr |= TC;
    send_next(u);
    drive(u, u->tx_level);              /* a transmitter switched off finishes its frame */
    update(u);
}

static void received(void *ctx, uint32_t data, bool stop)
{
    struct f4_usart *u = ctx;
    int bits = word_bits(u);
    if (u->sr & RXNE) {
        u->sr |= ORE;
    } else {
        u->rdr = data;
        u->sr |= RXNE | (stop ? 0 : FE);
        uint32_t low = data & ((1u << (bits - 1)) - 1);
        if (u->cr1 & PCE && parity_of(u, low) != data >> (bits - 1))
            u->sr |= PE;
    }
    alarm_set(u->f4->sim, &u->idle, u->f4->sim->now + bit_time(u) * (sim_time)(bits + 2));
    update(u);
}

static void idle(void *ctx)
{
    struct f4_usart *u = ctx;
    u->sr |= IDLE;
    update(u);
}

/* --- registers ---------------------------------------------------------------------- */

static uint32_t read_dr(struct f4_usart *u)
{
    u->sr &= ~(uint32_t)(RXNE | (u->sr_was_read ? BY_SR_THEN_DR : 0));
    u->sr_was_read = false;
    update(u);
    return u->rdr;
}

static void write_dr(struct f4_usart *u, uint32_t value)
{
    u->tdr = value & 0x1FF;
    u->sr &= ~(uint32_t)(TXE | (u->sr_was_read ? TC : 0));
    u->sr_was_read = false;
    if (!u->serial.sending)
        send_next(u);
    update(u);
}

static void set_cr1(struct f4_usart *u, uint32_t value)
{
    u->cr1 = value;
    if (!on(u, RE)) {
        serial_stop_receiving(&u->serial);
        alarm_cancel(u->f4->sim, &u->idle);
    }
    drive(u, u->tx_level);
    if (!u->serial.sending)
        send_next(u);
    update(u);
}

static void write_cr1(struct f4_usart *u, uint32_t value)
{
    if (value & (SBK | RWU))
        f4_report(u->f4, SIM_UNMODELLED, "%s_CR1: break or mute mode", u->type->name);
    set_cr1(u, value & 0xBFFF & ~(uint32_t)(SBK | RWU));
}

static void write_modes(struct f4_usart *u, uint32_t *reg, uint32_t value, uint32_t modes)
{
    if (value & modes)
        f4_report(u->f4, SIM_UNMODELLED, "%s_%s = 0x%04X", u->type->name,
                  reg == &u->cr2 ? "CR2" : "CR3", value);
    *reg = value & 0xFFFF;
}

static uint32_t usart_read(void *ctx, uint32_t reg)
{
    struct f4_usart *u = ctx;
    switch (reg) {
    case SR:   u->sr_was_read = true; return u->sr;
    case DR:   return read_dr(u);
    case BRR:  return u->brr;
    case CR1:  return u->cr1;
    case CR2:  return u->cr2;
    case CR3:  return u->cr3;
    case GTPR: return u->gtpr;
    default:   return 0;
    }
}

static void usart_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct f4_usart *u = ctx;
    switch (reg) {
    case SR:   u->sr &= value | ~(uint32_t)(TC | RXNE); update(u); break;
    case DR:   write_dr(u, value); break;
    case BRR:  u->brr = value & 0xFFFF; break;
    case CR1:  write_cr1(u, value); break;
    case CR2:  write_modes(u, &u->cr2, value, CR2_MODES); break;
    case CR3:  write_modes(u, &u->cr3, value, CR3_MODES); break;
    case GTPR: u->gtpr = value & 0xFFFF; break;
    default:   break;
    }
}

/* --- registers of an F7 ------------------------------------------------------------- */

static void f7_write_cr1(struct f4_usart *u, uint32_t value)
{
    if (value & ~(uint32_t)(F7_SAME | F7_UE))
        f4_report(u->f4, SIM_UNMODELLED, "%s_CR1 = 0x%08X", u->type->name, value);
    set_cr1(u, (value & F7_SAME) | (value & F7_UE ? UE : 0));
}

static void f7_write_brr(struct f4_usart *u, uint32_t value)
{
    if (u->cr1 & UE)
        f4_report(u->f4, SIM_FORGIVEN, "%s_BRR written while UE is 1", u->type->name);
    else
        u->brr = value & 0xFFFF;
}

static void f7_write_tdr(struct f4_usart *u, uint32_t value)
{
    u->sr_was_read = true;                          /* TDR clears TC by itself */
    write_dr(u, value);
}

static void f7_clear(struct f4_usart *u, uint32_t flags)
{
    u->sr &= ~flags;
    update(u);
}

static uint32_t f7_read_rdr(struct f4_usart *u)
{
    f7_clear(u, RXNE);
    return u->rdr;
}

static uint32_t f7_read(void *ctx, uint32_t reg)
{
    struct f4_usart *u = ctx;
    switch (reg) {
    case F7_CR1:  return (u->cr1 & F7_SAME) | (u->cr1 & UE ? F7_UE : 0);
    case F7_CR2:  return u->cr2;
    case F7_CR3:  return u->cr3;
    case F7_BRR:  return u->brr;
    case F7_GTPR: return u->gtpr;
    case F7_ISR:  return u->sr | (on(u, TE) ? TEACK : 0) | (on(u, RE) ? REACK : 0);
    case F7_RDR:  return f7_read_rdr(u);
    case F7_TDR:  return u->tdr;
    default:      return 0;
    }
}

static void f7_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct f4_usart *u = ctx;
    switch (reg) {
    case F7_CR1:  f7_write_cr1(u, value); break;
    case F7_CR2:  write_modes(u, &u->cr2, value, CR2_MODES); break;
    case F7_CR3:  write_modes(u, &u->cr3, value, CR3_MODES); break;
    case F7_BRR:  f7_write_brr(u, value); break;
    case F7_GTPR: u->gtpr = value & 0xFFFF; break;
    case F7_RQR:  f7_clear(u, value & RXFRQ ? RXNE : 0); break;
    case F7_ICR:  f7_clear(u, value & F7_CLEARS); break;
    case F7_TDR:  f7_write_tdr(u, value); break;
    default:      break;
    }
}

static void usart_reset(void *ctx)
{
    struct f4_usart *u = ctx;
    serial_stop(&u->serial);
    alarm_cancel(u->f4->sim, &u->idle);
    u->sr_was_read = false;
    u->cr1 = u->cr2 = u->cr3 = u->brr = u->gtpr = u->rdr = u->tdr = 0;
    u->sr = TXE | TC;
    drive(u, true);
    update(u);
}

void f4_usart_new(struct f4 *f4, int index)
{
    struct f4_usart *u = f4->usart[index] = calloc(1, sizeof *u);
    u->f4 = f4;
    u->type = &types[index];
    u->sr = TXE | TC;
    u->tx_level = true;
    u->serial = (struct serial){ .sim = f4->sim, .ctx = u, .drive = drive, .level = level,
                                 .sent = sent, .received = received };
    serial_init(&u->serial);
    alarm_init(&u->idle, idle, u);
    f4_add_block(f4, &(struct f4_block){
        .name = u->type->name, .base = u->type->base, .size = 0x400, .bus = u->type->bus,
        .bit = u->type->bit, .narrowest = 2, .read = f4->part->f7 ? f7_read : usart_read,
        .write = f4->part->f7 ? f7_write : usart_write, .reset = usart_reset, .ctx = u });
}

void f4_usart_free(struct f4_usart *u)
{
    serial_stop(&u->serial);
    alarm_cancel(u->f4->sim, &u->idle);
    free(u);
}
