/* sam3_uart.c - the UART of a SAM3X, UART0 of a SAM4S.
 *
 *   called by  sam3.c, sam3_pio.c (edges, pins)      calls  serial.c, sam3_pio.c, sam3_pmc.c
 *
 * Eight bits, a parity bit or none, one stop bit; MCK / (16 * CD) baud.
 *
 * Not modelled, and reported: test modes (CHMODE), the PDC.
 *
 * Sources: data sheets, chapter UART. */
#include "sam3.h"
#include "serial.h"
#include <stdlib.h>

enum { CR = 0x00, MR = 0x04, IER = 0x08, IDR = 0x0C, IMR = 0x10, SR = 0x14, RHR = 0x18,
       THR = 0x1C, BRGR = 0x20, PDC = 0x100 };
enum { RSTRX = 1 << 2, RSTTX = 1 << 3, RXEN = 1 << 4, RXDIS = 1 << 5, TXEN = 1 << 6,
       TXDIS = 1 << 7, RSTSTA = 1 << 8 };
enum { RXRDY = 1 << 0, TXRDY = 1 << 1, OVRE = 1 << 5, FRAME = 1 << 6, PARE = 1 << 7,
       TXEMPTY = 1 << 9, ID = 8, IRQ = 8 };

struct sam3_uart {
    struct sam3 *sam3;
    uint32_t mr, imr, sr, rhr, thr, brgr;
    bool receives, sends, tx_level;
    struct serial serial;
};

static sim_time bit_time(const struct sam3_uart *u)
{
    return 16 * (sim_time)u->brgr * sam3_pmc_mck(u->sam3->pmc);
}

static bool has_parity(const struct sam3_uart *u) { return !(u->mr >> 11 & 1); }
static int bits(const struct sam3_uart *u) { return has_parity(u) ? 9 : 8; }

/* PAR: even, odd, space, mark. */
static uint32_t parity_of(const struct sam3_uart *u, uint32_t data)
{
    uint32_t even = (uint32_t)__builtin_parity(data & 0xFF), par = u->mr >> 9 & 3;
    return par == 0 ? even : par == 1 ? !even : par == 3;
}

static void update(struct sam3_uart *u)
{
    cpu_irq(u->sam3->cpu, IRQ, u->sr & u->imr);
}

static void drive(void *ctx, bool level)
{
    struct sam3_uart *u = ctx;
    bool ours = sam3_pio_is_peripheral_a(u->sam3->pio, u->sam3->type->tx);
    u->tx_level = level;
    sam3_pio_drive(u->sam3->pio, u->sam3->type->tx, ours, level);
}

void sam3_uart_pins_changed(struct sam3_uart *u) { drive(u, u->tx_level); }

static bool level(void *ctx)
{
    struct sam3_uart *u = ctx;
    return !sam3_pio_is_peripheral_a(u->sam3->pio, u->sam3->type->rx) ||
           sam3_pio_level(u->sam3->pio, u->sam3->type->rx);
}

void sam3_uart_edge(struct sam3_uart *u, int pin, int now)
{
    if (pin == u->sam3->type->rx && !now && u->receives && u->brgr &&
        sam3_pio_is_peripheral_a(u->sam3->pio, pin))
        serial_fell(&u->serial, bits(u), bit_time(u));
}

static void send_next(struct sam3_uart *u)
{
    if (!u->sends || u->sr & TXRDY)
        return;
    if (!u->brgr) {
        sam3_report(u->sam3, SIM_RULE, "UART sends with BRGR = 0, which stops it");
        return;
    }
    uint32_t data = u->thr | (has_parity(u) ? parity_of(u, u->thr) << 8 : 0);
    u->sr |= TXRDY;
    serial_send(&u->serial, data, bits(u), bit_time(u), bit_time(u));
    update(u);
}

static void sent(void *ctx)
{
    struct sam3_uart *u = ctx;
    if (u->sr & TXRDY)
        u->sr |= TXEMPTY;
    send_next(u);
    update(u);
}

static void received(void *ctx, uint32_t data, bool stop)
{
    struct sam3_uart *u = ctx;
    u->sr |= u->sr & RXRDY ? OVRE : RXRDY;
    u->sr |= stop ? 0 : FRAME;
    u->sr |= has_parity(u) && parity_of(u, data) != data >> 8 ? PARE : 0;
    u->rhr = data & 0xFF;
    update(u);
}

static uint32_t read_rhr(struct sam3_uart *u)
{
    u->sr &= ~(uint32_t)RXRDY;
    update(u);
    return u->rhr;
}

static uint32_t uart_read(void *ctx, uint32_t reg)
{
    struct sam3_uart *u = ctx;
    switch (reg) {
    case MR:   return u->mr;
    case IMR:  return u->imr;
    case SR:   return u->sr;
    case RHR:  return read_rhr(u);
    case BRGR: return u->brgr;
    default:   return 0;
    }
}

static void write_cr(struct sam3_uart *u, uint32_t value)
{
    if (value & (RSTRX | RXDIS)) {
        u->receives = false;
        serial_stop_receiving(&u->serial);
    } else if (value & RXEN) {
        u->receives = true;
    }
    if (value & (RSTTX | TXDIS)) {
        u->sends = false;
        u->sr &= ~(uint32_t)(TXRDY | TXEMPTY);
    } else if (value & TXEN && !u->sends) {
        u->sends = true;
        u->sr |= TXRDY | TXEMPTY;
    }
    if (value & RSTSTA)
        u->sr &= ~(uint32_t)(OVRE | FRAME | PARE);
    update(u);
}

static void write_thr(struct sam3_uart *u, uint32_t value)
{
    u->thr = value & 0xFF;
    u->sr &= ~(uint32_t)(TXRDY | TXEMPTY);
    if (!u->serial.sending)
        send_next(u);
    update(u);
}

static void uart_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct sam3_uart *u = ctx;
    switch (reg) {
    case CR:   write_cr(u, value); break;
    case MR:
        if (value >> 14 & 3)
            sam3_report(u->sam3, SIM_UNMODELLED, "UART_MR: CHMODE");
        u->mr = value & 0xCE00;
        break;
    case IER:  u->imr |= value; update(u); break;
    case IDR:  u->imr &= ~value; update(u); break;
    case THR:  write_thr(u, value); break;
    case BRGR: u->brgr = value & 0xFFFF; break;
    default:
        if (reg >= PDC)
            sam3_report(u->sam3, SIM_UNMODELLED, "UART: PDC");
        break;
    }
}

static void uart_reset(void *ctx)
{
    struct sam3_uart *u = ctx;
    serial_stop(&u->serial);
    u->mr = u->imr = u->sr = u->rhr = u->thr = u->brgr = 0;
    u->receives = u->sends = false;
    drive(u, true);
    update(u);
}

void sam3_uart_new(struct sam3 *sam3)
{
    struct sam3_uart *u = sam3->uart = calloc(1, sizeof *u);
    u->sam3 = sam3;
    u->serial = (struct serial){ .sim = sam3->sim, .ctx = u, .drive = drive, .level = level,
                                 .sent = sent, .received = received };
    serial_init(&u->serial);
    uart_reset(u);
    sam3_add_block(sam3, &(struct sam3_block){
        .name = "UART", .base = sam3->type->uart, .size = 0x128,
        .id = ID, .read = uart_read, .write = uart_write, .reset = uart_reset, .ctx = u });
}

void sam3_uart_free(struct sam3_uart *u)
{
    serial_stop(&u->serial);
    free(u);
}
