/* serial.h - asynchronous serial on two pins: what every UART does, whatever its registers.
 *
 *   called by  f4_usart.c, l4_usart.c, nrf5_uart.c      calls  sim.h
 *
 *   send:     start bit 0, the data from the lowest bit, the stop bits 1
 *   receive:  a falling edge, then a look at the middle of each bit
 *
 * A parity bit is the caller's: it counts as the highest bit of the data. */
#ifndef SERIAL_H
#define SERIAL_H

#include "sim.h"

struct serial {
    struct sim *sim;
    void *ctx;
    void (*drive)(void *ctx, bool level);       /* the TX pin */
    bool (*level)(void *ctx);                   /* of the RX pin */
    void (*sent)(void *ctx);                    /* the last stop bit is over */
    void (*received)(void *ctx, uint32_t data, bool stop);

    bool sending, receiving;
    sim_time tx_time, tx_stop, rx_time;
    uint32_t tx_shift, rx_shift;
    int tx_left, rx_bits, rx_got;               /* rx_got -1: the start bit is next */
    struct alarm tx_bit, rx_bit;
};

void serial_init(struct serial *serial);
/* One frame; stop is how long the line stays high at its end.  Only when not sending. */
void serial_send(struct serial *serial, uint32_t data, int bits, sim_time bit, sim_time stop);
/* The RX pin fell, and the receiver is on: a frame may begin. */
void serial_fell(struct serial *serial, int bits, sim_time bit);
void serial_stop_receiving(struct serial *serial);
void serial_stop(struct serial *serial);        /* both, at once */

#endif
