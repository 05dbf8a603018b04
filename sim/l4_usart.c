/* l4_usart.c - USART1, 2 and 3 of STM32 L4, G4, G0, L0, F0 and F3; of an L1 by its older registers.
 *
 *   called by  l4.c, l4_gpio.c (edges, pins)      calls  serial.c, l4_gpio.c, l4_rcc.c
 *
 * Flags stand in ISR and go away by ICR, RXNE by reading RDR, TXE and TC by writing TDR.
 * CR1 bits with UE = 0 only are not checked.
 * An L1's SR is ISR's low byte: errors and IDLE go away by reading SR and then DR.
 *
 * Not modelled, and reported: FIFO mode, 7-bit words, DMA, flow control, LIN, IrDA, smartcard,
 * half duplex, synchronous clock, mute mode, breaks, swapped or inverted pins, auto baud rate.
 * A noisy bit is sampled once, so NE never comes.  All run from PCLK.
 *
 * Sources: RM0444, RM0351, RM0440, RM0367, RM0038, chapter USART; the data sheets' alternate functions. */
#include "l4.h"
#include "serial.h"
#include <stdlib.h>

enum { CR1 = 0x00, CR2 = 0x04, CR3 = 0x08, BRR = 0x0C, GTPR = 0x10, RTOR = 0x14, RQR = 0x18,
       ISR = 0x1C, ICR = 0x20, RDR = 0x24, TDR = 0x28, PRESC = 0x2C };
enum {
    PE = 1 << 0, FE = 1 << 1, ORE = 1 << 3, IDLE = 1 << 4, RXNE = 1 << 5, TC = 1 << 6,
    TXE = 1 << 7, CLEARED = PE | FE | 1 << 2 | ORE | IDLE | TC, TEACK = 1 << 21,
    REACK = 1 << 22,
    UE = 1 << 0, RE = 1 << 2, TE = 1 << 3, IDLEIE = 1 << 4, RXNEIE = 1 << 5, TCIE = 1 << 6,
    TXEIE = 1 << 7, PEIE = 1 << 8, PS = 1 << 9, PCE = 1 << 10, M0 = 1 << 12, MME = 1 << 13,
    OVER8 = 1 << 15, M1 = 1 << 28, FIFOEN = 1 << 29,
    RQ_BREAK = 1 << 1, RQ_MUTE = 1 << 2, RQ_RXFLUSH = 1 << 3,
    EIE = 1 << 0,
};
enum { CR2_MODES = 1 << 11 | 1 << 14 | 0x3F << 15, OVRDIS = 1 << 12,
       CR3_MODES = 1 << 1 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 14 };

static const struct usart_type {
    const char *name;
    uint32_t base;
    enum l4_bus bus;
    uint8_t bit, g0_irq, irq;
    uint8_t tx[2], rx[2];           /* where AFR may put them */
} types[L4_USARTS] = {
    { "USART1", 0x40013800, L4_APB2, 14, 27, 37, { L4_PA + 9, L4_PB + 6 },
      { L4_PA + 10, L4_PB + 7 } },
    { "USART2", 0x40004400, L4_APB1, 17, 28, 38, { L4_PA + 2, L4_PD + 5 },
      { L4_PA + 3, L4_PD + 6 } },
    { "USART3", 0x40004800, L4_APB1, 18, 29, 39, { L4_PB + 10, L4_PC + 10 },
      { L4_PB + 11, L4_PC + 11 } },
};

struct l4_usart {
    struct l4 *l4;
    const struct usart_type *type;
    uint32_t isr, brr, cr1, cr2, cr3, rdr, tdr, presc;
    bool tx_level;
    uint32_t seen;                  /* flags that a read of the older SR has shown */
    struct alarm idle;
    struct serial serial;
};

static sim_time bit_time(const struct l4_usart *u)
{
    static const uint16_t by[16] = { 1, 2, 4, 6, 8, 10, 12, 16, 32, 64, 128, 256, 256, 256, 256,
                                     256 };
    uint32_t cycles = u->cr1 & OVER8 ? ((u->brr & ~15u) | (u->brr & 7) << 1) / 2 : u->brr;
    return cycles * by[u->presc & 15] * l4_rcc_clock(u->l4->rcc, u->type->bus);
}

static bool has_prescaler(const struct l4_usart *u)
{
    return u->l4->type->clocks == L4_CLOCKS_G0 || u->l4->type->clocks == L4_CLOCKS_G4;
}

static int word_bits(const struct l4_usart *u) { return u->cr1 & M0 ? 9 : 8; }

static bool on(const struct l4_usart *u, uint32_t what)
{
    return (u->cr1 & (UE | what)) == (UE | what);
}

static void update(struct l4_usart *u)
{
    uint32_t isr = u->isr, cr1 = u->cr1;
    bool irq = (isr & cr1 & (IDLE | RXNE | TC | TXE)) ||    /* flag and enable agree */
               (isr & ORE && cr1 & RXNEIE) || (isr & PE && cr1 & PEIE) ||
               (isr & (FE | ORE) && u->cr3 & EIE);
    l4_irq(u->l4, u->l4->type->m0 ? u->type->g0_irq : u->type->irq, irq);
}

static uint32_t parity_of(const struct l4_usart *u, uint32_t data)
{
    return (uint32_t)__builtin_parity(data) ^ (u->cr1 & PS ? 1 : 0);
}

/* --- pins --------------------------------------------------------------------------- */

/* i: which of the two places. */
static bool has(const struct l4_usart *u, int pin, int i)
{
    const uint8_t (*given)[2] = u->l4->type->usart_function;
    int function = given ? given[u->type - types][i] : 7;
    return l4_gpio_function(u->l4->gpio, pin) == function;
}

static void drive(void *ctx, bool level)
{
    struct l4_usart *u = ctx;
    u->tx_level = level;
    for (int i = 0; i < 2; i++)
        if (has(u, u->type->tx[i], i))
            l4_gpio_drive(u->l4->gpio, u->type->tx[i], on(u, TE) || u->serial.sending, level);
}

/* A pin that was ours and is so no longer is let go. */
void l4_usart_pins_changed(struct l4_usart *u)
{
    for (int i = 0; i < 2; i++)
        if (!has(u, u->type->tx[i], i))
            l4_gpio_drive(u->l4->gpio, u->type->tx[i], false, true);
    drive(u, u->tx_level);
}

static bool level(void *ctx)
{
    struct l4_usart *u = ctx;
    for (int i = 0; i < 2; i++)
        if (has(u, u->type->rx[i], i))
            return l4_gpio_level(u->l4->gpio, u->type->rx[i]);
    return true;
}

void l4_usart_edge(struct l4_usart *u, int pin, int now)
{
    int i = pin == u->type->rx[1];
    if (pin != u->type->rx[i] || !has(u, pin, i))
        return;
    alarm_cancel(u->l4->sim, &u->idle);
    if (!now && on(u, RE))
        serial_fell(&u->serial, word_bits(u), bit_time(u));
}

/* --- frames ------------------------------------------------------------------------- */

static void send_next(struct l4_usart *u)
{
    static const uint8_t stop_halves[4] = { 2, 1, 4, 3 };
    int bits = word_bits(u);
    if (!on(u, TE) || u->isr & TXE)
        return;
    if (u->brr < 16) {
        l4_report(u->l4, SIM_RULE, "%s runs with BRR = %u, at least 16 is needed",
                  u->type->name, u->brr);
        return;
    }
    uint32_t data = u->tdr & ((1u << bits) - 1);
    if (u->cr1 & PCE) {
        data &= (1u << (bits - 1)) - 1;
        data |= parity_of(u, data) << (bits - 1);
    }
    u->isr |= TXE;
    serial_send(&u->serial, data, bits, bit_time(u),
                bit_time(u) * stop_halves[u->cr2 >> 12 & 3] / 2);
    update(u);
}

static void sent(void *ctx)
{
    struct l4_usart *u = ctx;
    if (u->isr & TXE)
        u->isr |= TC;
    send_next(u);
    drive(u, u->tx_level);              /* a transmitter switched off finishes its frame */
    update(u);
}

static void received(void *ctx, uint32_t data, bool stop)
{
    struct l4_usart *u = ctx;
    int bits = word_bits(u);
    if (u->isr & RXNE && !(u->cr3 & OVRDIS)) {
        u->isr |= ORE;
    } else {
        u->rdr = data;
        u->isr |= RXNE | (stop ? 0 : FE);
        uint32_t low = data & ((1u << (bits - 1)) - 1);
        if (u->cr1 & PCE && parity_of(u, low) != data >> (bits - 1))
            u->isr |= PE;
    }
    alarm_set(u->l4->sim, &u->idle, u->l4->sim->now + bit_time(u) * (sim_time)(bits + 2));
    update(u);
}

static void idle(void *ctx)
{
    struct l4_usart *u = ctx;
    u->isr |= IDLE;
    update(u);
}

/* --- registers ---------------------------------------------------------------------- */

static uint32_t read_rdr(struct l4_usart *u)
{
    u->isr &= ~(uint32_t)RXNE;
    update(u);
    return u->rdr;
}

static void write_tdr(struct l4_usart *u, uint32_t value)
{
    u->tdr = value & 0x1FF;
    u->isr &= ~(uint32_t)(TXE | TC);
    if (!u->serial.sending)
        send_next(u);
    update(u);
}

static void write_cr1(struct l4_usart *u, uint32_t value)
{
    if (value & (MME | M1 | FIFOEN))
        l4_report(u->l4, SIM_UNMODELLED, "%s_CR1: mute mode, 7-bit words or FIFO",
                  u->type->name);
    u->cr1 = value & ~(uint32_t)(MME | M1 | FIFOEN);
    if (!(value & UE))
        u->isr = TXE | TC;
    if (!on(u, RE)) {
        serial_stop_receiving(&u->serial);
        alarm_cancel(u->l4->sim, &u->idle);
    }
    drive(u, u->tx_level);
    if (!u->serial.sending)
        send_next(u);
    update(u);
}

static void write_modes(struct l4_usart *u, uint32_t *reg, uint32_t value, uint32_t modes)
{
    if (value & modes)
        l4_report(u->l4, SIM_UNMODELLED, "%s_%s = 0x%08X", u->type->name,
                  reg == &u->cr2 ? "CR2" : "CR3", value);
    *reg = value;
    update(u);
}

static void request(struct l4_usart *u, uint32_t value)
{
    if (value & (RQ_BREAK | RQ_MUTE))
        l4_report(u->l4, SIM_UNMODELLED, "%s_RQR: break or mute mode", u->type->name);
    if (value & RQ_RXFLUSH)
        u->isr &= ~(uint32_t)RXNE;
    update(u);
}

static uint32_t usart_read(void *ctx, uint32_t reg)
{
    struct l4_usart *u = ctx;
    switch (reg) {
    case CR1:   return u->cr1;
    case CR2:   return u->cr2;
    case CR3:   return u->cr3;
    case BRR:   return u->brr;
    case ISR:   return u->isr | (on(u, TE) ? TEACK : 0) | (on(u, RE) ? REACK : 0);
    case RDR:   return read_rdr(u);
    case TDR:   return u->tdr;
    case PRESC: return u->presc;
    default:    return 0;
    }
}

static void usart_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct l4_usart *u = ctx;
    switch (reg) {
    case CR1:   write_cr1(u, value); break;
    case CR2:   write_modes(u, &u->cr2, value, CR2_MODES); break;
    case CR3:   write_modes(u, &u->cr3, value, CR3_MODES); break;
    case BRR:   u->brr = value & 0xFFFF; break;
    case RQR:   request(u, value); break;
    case ICR:   u->isr &= ~(value & CLEARED); update(u); break;
    case TDR:   write_tdr(u, value); break;
    case PRESC: u->presc = has_prescaler(u) ? value & 15 : 0; break;
    default:    break;
    }
}

/* The registers of an L1: SR, DR, BRR, CR1, CR2, CR3, and UE at another place. */
enum { OLD_SR = 0x00, OLD_DR = 0x04, OLD_BRR = 0x08, OLD_CR1 = 0x0C, OLD_CR2 = 0x10,
       OLD_CR3 = 0x14, OLD_UE = 1 << 13, OLD_SBK = 1 << 0, OLD_RWU = 1 << 1,
       CLEARED_BY_DR = PE | FE | ORE | IDLE };

static uint32_t old_read(void *ctx, uint32_t reg)
{
    struct l4_usart *u = ctx;
    switch (reg) {
    case OLD_SR:  return u->seen = u->isr & 0xFF;
    case OLD_DR:
        u->isr &= ~(u->seen & CLEARED_BY_DR);
        u->seen = 0;
        return read_rdr(u);
    case OLD_BRR: return u->brr;
    case OLD_CR1: return (u->cr1 & ~(uint32_t)UE) | (u->cr1 & UE ? OLD_UE : 0);
    case OLD_CR2: return u->cr2;
    case OLD_CR3: return u->cr3;
    default:      return 0;
    }
}

static void write_old_cr1(struct l4_usart *u, uint32_t value)
{
    if (value & (OLD_SBK | OLD_RWU))
        l4_report(u->l4, SIM_UNMODELLED, "%s_CR1: break or mute mode", u->type->name);
    uint32_t cr1 = value & 0xDFFC & ~(uint32_t)OLD_UE;
    write_cr1(u, cr1 | (value & OLD_UE ? UE : 0));
}

static void old_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct l4_usart *u = ctx;
    switch (reg) {
    case OLD_SR:  u->isr &= value | ~(uint32_t)(TC | RXNE); update(u); break;
    case OLD_DR:  write_tdr(u, value); break;
    case OLD_BRR: u->brr = value & 0xFFFF; break;
    case OLD_CR1: write_old_cr1(u, value); break;
    case OLD_CR2: write_modes(u, &u->cr2, value, CR2_MODES); break;
    case OLD_CR3: write_modes(u, &u->cr3, value, CR3_MODES); break;
    default:      break;
    }
}

static void usart_reset(void *ctx)
{
    struct l4_usart *u = ctx;
    serial_stop(&u->serial);
    alarm_cancel(u->l4->sim, &u->idle);
    u->cr1 = u->cr2 = u->cr3 = u->brr = u->rdr = u->tdr = u->presc = 0;
    u->isr = TXE | TC;
    drive(u, true);
    update(u);
}

void l4_usart_new(struct l4 *l4, int index)
{
    struct l4_usart *u = l4->usart[index] = calloc(1, sizeof *u);
    u->l4 = l4;
    u->type = &types[index];
    u->isr = TXE | TC;
    u->tx_level = true;
    u->serial = (struct serial){ .sim = l4->sim, .ctx = u, .drive = drive, .level = level,
                                 .sent = sent, .received = received };
    serial_init(&u->serial);
    alarm_init(&u->idle, idle, u);
    l4_add_block(l4, &(struct l4_block){
        .name = u->type->name, .base = u->type->base, .size = 0x400, .bus = u->type->bus,
        .enr = l4_rcc_enr(l4, u->type->bus), .bit = u->type->bit, .narrowest = 2,
        .read = l4->type->old_usart ? old_read : usart_read,
        .write = l4->type->old_usart ? old_write : usart_write, .reset = usart_reset, .ctx = u });
}

void l4_usart_free(struct l4_usart *u)
{
    serial_stop(&u->serial);
    alarm_cancel(u->l4->sim, &u->idle);
    free(u);
}
