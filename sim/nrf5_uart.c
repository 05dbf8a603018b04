/* nrf5_uart.c - UART0, the one without DMA.
 *
 *   called by  nrf5.c, nrf5_gpio.c (edges)      calls  serial.c, nrf5_gpio.c
 *
 *   TXD -> shift register -> pin      TXDRDY: what TXD held is out
 *   pin -> six bytes -> RXD           RXDRDY: RXD holds the next one
 *
 * Not modelled, and reported: 52's UARTE (ENABLE = 8), flow control, SHORTS, SUSPEND.
 *
 * Sources: nRF52840 PS v1.7 6.33; nRF51 reference manual v3.0 29.  Baud: BAUDRATE * 16 MHz / 2^32. */
#include "nrf5.h"
#include "serial.h"
#include <stdlib.h>

enum { STARTRX = 0x000, STOPRX = 0x004, STARTTX = 0x008, STOPTX = 0x00C, SUSPEND = 0x01C,
       RXDRDY = 0x108, TXDRDY = 0x11C, ERROR = 0x124, RXTO = 0x144, SHORTS = 0x200,
       ERRORSRC = 0x480, ENABLE = 0x500, PSEL_RTS = 0x508, PSEL_TXD = 0x50C,
       PSEL_CTS = 0x510, PSEL_RXD = 0x514, RXD = 0x518, TXD = 0x51C, BAUDRATE = 0x524,
       CONFIG = 0x56C };
enum { ENABLED = 4, UARTE = 8, FIFO = 6, OVERRUN = 1, PARITY = 2, FRAMING = 4,
       CONFIG_HWFC = 1, CONFIG_PARITY = 7 << 1, CONFIG_STOP = 1 << 4 };

struct nrf5_uart {
    struct nrf5 *nrf5;
    struct nrf5_events events;
    uint32_t enable, psel[4], baudrate, config, errorsrc;   /* psel: RTS TXD CTS RXD */
    bool transmits, receives, tx_level, waiting;
    uint8_t next;                   /* was written to TXD while another one is sent */
    uint8_t fifo[FIFO], rxd;
    int held;
    int driven;                     /* the pin that we drive, -1: none */
    struct serial serial;
};

/* P0.n or P1.n as our pin numbers have it; -1 when not connected. */
static int pin_of(const struct nrf5_uart *u, uint32_t reg)
{
    uint32_t psel = u->psel[(reg - PSEL_RTS) / 4];
    return psel >> 31 || (psel & 63) >= NRF5_PINS ? -1 : (int)(psel & 63);
}

static bool on(const struct nrf5_uart *u) { return u->enable == ENABLED; }

static sim_time bit_time(const struct nrf5_uart *u)
{
    return u->baudrate ? (sim_time)((double)SIM_SECOND * 4294967296.0 /
                                    (u->baudrate * 16e6) + 0.5) : 0;
}

static bool with_parity(const struct nrf5_uart *u)
{
    return (u->config & CONFIG_PARITY) == CONFIG_PARITY;
}

/* --- pins --------------------------------------------------------------------------- */

static void drive(void *ctx, bool level)
{
    struct nrf5_uart *u = ctx;
    int pin = on(u) ? pin_of(u, PSEL_TXD) : -1;
    u->tx_level = level;
    if (u->driven >= 0 && u->driven != pin)
        nrf5_gpio_drive(u->nrf5->gpio, u->driven, false, true);
    u->driven = pin;
    if (pin >= 0)
        nrf5_gpio_drive(u->nrf5->gpio, pin, true, level);
}

static bool level(void *ctx)
{
    struct nrf5_uart *u = ctx;
    int pin = pin_of(u, PSEL_RXD);
    return pin < 0 || nrf5_gpio_level(u->nrf5->gpio, pin);
}

void nrf5_uart_edge(struct nrf5_uart *u, int pin, int now)
{
    if (!now && u->receives && pin == pin_of(u, PSEL_RXD))
        serial_fell(&u->serial, with_parity(u) ? 9 : 8, bit_time(u));
}

/* --- frames ------------------------------------------------------------------------- */

static void send(struct nrf5_uart *u, uint8_t byte)
{
    bool parity = with_parity(u);
    uint32_t data = byte | (parity ? (uint32_t)__builtin_parity(byte) << 8 : 0);
    sim_time bit = bit_time(u);
    if (bit)
        serial_send(&u->serial, data, parity ? 9 : 8, bit, u->config & CONFIG_STOP ? 2 * bit
                                                                                   : bit);
}

static void sent(void *ctx)
{
    struct nrf5_uart *u = ctx;
    nrf5_event(&u->events, TXDRDY);
    if (u->waiting) {
        u->waiting = false;
        send(u, u->next);
    }
}

static void fail(struct nrf5_uart *u, uint32_t why)
{
    u->errorsrc |= why;
    nrf5_event(&u->events, ERROR);
}

static void received(void *ctx, uint32_t data, bool stop)
{
    struct nrf5_uart *u = ctx;
    if (!stop)
        fail(u, FRAMING);
    if (with_parity(u) && (uint32_t)__builtin_parity(data & 0xFF) != data >> 8)
        fail(u, PARITY);
    if (u->held == FIFO) {
        fail(u, OVERRUN);
        return;
    }
    u->fifo[u->held++] = (uint8_t)data;
    if (u->held == 1)
        nrf5_event(&u->events, RXDRDY);
}

static uint32_t read_rxd(struct nrf5_uart *u)
{
    if (!u->held)
        return u->rxd;
    u->rxd = u->fifo[0];
    u->held--;
    for (int i = 0; i < u->held; i++)
        u->fifo[i] = u->fifo[i + 1];
    if (u->held)
        nrf5_event(&u->events, RXDRDY);
    return u->rxd;
}

static void write_txd(struct nrf5_uart *u, uint32_t value)
{
    if (!on(u) || !u->transmits)
        return;
    if (!u->serial.sending) {
        send(u, (uint8_t)value);
        return;
    }
    if (u->waiting)
        nrf5_report(u->nrf5, SIM_RULE, "UART0: TXD written before TXDRDY, a byte is lost");
    u->waiting = true;
    u->next = (uint8_t)value;
}

/* --- registers ---------------------------------------------------------------------- */

static uint32_t uart_read(void *ctx, uint32_t reg)
{
    struct nrf5_uart *u = ctx;
    uint32_t value;
    if (nrf5_events_read(&u->events, reg, &value))
        return value;
    if (reg >= PSEL_RTS && reg <= PSEL_RXD)
        return u->psel[(reg - PSEL_RTS) / 4];
    switch (reg) {
    case ERRORSRC: return u->errorsrc;
    case ENABLE:   return u->enable;
    case RXD:      return read_rxd(u);
    case BAUDRATE: return u->baudrate;
    case CONFIG:   return u->config;
    default:       return 0;
    }
}

static void task(struct nrf5_uart *u, uint32_t reg)
{
    switch (reg) {
    case STARTRX: u->receives = on(u); break;
    case STOPRX:
        u->receives = false;
        serial_stop_receiving(&u->serial);
        nrf5_event(&u->events, RXTO);
        break;
    case STARTTX: u->transmits = on(u); break;
    case STOPTX:  u->transmits = false; break;
    case SUSPEND: nrf5_report(u->nrf5, SIM_UNMODELLED, "UART0.SUSPEND"); break;
    default:      break;
    }
}

static void write_enable(struct nrf5_uart *u, uint32_t value)
{
    u->enable = value & 15;
    if (u->enable == UARTE)
        nrf5_report(u->nrf5, SIM_UNMODELLED, "UARTE0");
    if (!on(u))
        u->receives = u->transmits = false;
    drive(u, u->tx_level);
}

static void uart_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct nrf5_uart *u = ctx;
    if (reg < 0x100) {
        if (value & 1)
            task(u, reg);
        return;
    }
    if (reg == SHORTS && value)
        nrf5_report(u->nrf5, SIM_UNMODELLED, "UART0.SHORTS");
    if (nrf5_events_write(&u->events, reg, value))
        return;
    if (reg >= PSEL_RTS && reg <= PSEL_RXD) {
        u->psel[(reg - PSEL_RTS) / 4] = value;
        drive(u, u->tx_level);
        return;
    }
    switch (reg) {
    case ERRORSRC: u->errorsrc &= ~value; break;
    case ENABLE:   write_enable(u, value); break;
    case TXD:      write_txd(u, value); break;
    case BAUDRATE: u->baudrate = value; break;
    case CONFIG:
        if (value & CONFIG_HWFC)
            nrf5_report(u->nrf5, SIM_UNMODELLED, "UART0.CONFIG.HWFC");
        u->config = value & 0x1F;
        break;
    default: break;
    }
}

static void uart_reset(void *ctx)
{
    struct nrf5_uart *u = ctx;
    serial_stop(&u->serial);
    nrf5_events_reset(&u->events);
    u->enable = u->config = u->errorsrc = 0;
    u->baudrate = 0x04000000;
    u->receives = u->transmits = u->waiting = false;
    u->held = 0;
    for (int i = 0; i < 4; i++)
        u->psel[i] = UINT32_MAX;
    drive(u, true);
}

void nrf5_uart_new(struct nrf5 *nrf5)
{
    struct nrf5_uart *u = nrf5->uart = calloc(1, sizeof *u);
    u->nrf5 = nrf5;
    u->driven = -1;
    u->events = (struct nrf5_events){ .irq = NRF5_IRQ_UART0, .nrf5 = nrf5 };
    u->serial = (struct serial){ .sim = nrf5->sim, .ctx = u, .drive = drive, .level = level,
                                 .sent = sent, .received = received };
    serial_init(&u->serial);
    uart_reset(u);
    nrf5_add_block(nrf5, &(struct nrf5_block){
        .name = "UART0", .base = 0x40002000, .size = 0x1000, .read = uart_read,
        .write = uart_write, .reset = uart_reset, .ctx = u });
}

void nrf5_uart_free(struct nrf5_uart *u)
{
    serial_stop(&u->serial);
    free(u);
}
