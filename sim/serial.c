/* serial.c - asynchronous serial on two pins: see serial.h.
 *
 *   called by  f4_usart.c, l4_usart.c, nrf5_uart.c      calls  clock.c */
#include "serial.h"

static void in(struct serial *serial, struct alarm *alarm, sim_time from_now)
{
    alarm_set(serial->sim, alarm, serial->sim->now + from_now);
}

/* --- sending ------------------------------------------------------------------------ */

void serial_send(struct serial *serial, uint32_t data, int bits, sim_time bit, sim_time stop)
{
    serial->sending = true;
    serial->tx_shift = data << 1;
    serial->tx_left = bits + 1;
    serial->tx_time = bit;
    serial->tx_stop = stop;
    in(serial, &serial->tx_bit, 0);
}

static void tx_bit(void *ctx)
{
    struct serial *serial = ctx;
    if (serial->tx_left > 0) {
        serial->drive(serial->ctx, serial->tx_shift & 1);
        serial->tx_shift >>= 1;
        serial->tx_left--;
        in(serial, &serial->tx_bit, serial->tx_time);
    } else if (serial->tx_left == 0) {
        serial->drive(serial->ctx, true);
        serial->tx_left = -1;
        in(serial, &serial->tx_bit, serial->tx_stop);
    } else {
        serial->sending = false;
        serial->sent(serial->ctx);
    }
}

/* --- receiving ---------------------------------------------------------------------- */

void serial_fell(struct serial *serial, int bits, sim_time bit)
{
    if (serial->receiving || !bit)
        return;
    serial->receiving = true;
    serial->rx_bits = bits;
    serial->rx_time = bit;
    serial->rx_shift = 0;
    serial->rx_got = -1;
    in(serial, &serial->rx_bit, bit / 2);
}

static void rx_bit(void *ctx)
{
    struct serial *serial = ctx;
    bool level = serial->level(serial->ctx);
    if (serial->rx_got == -1 && level) {            /* it was no start bit */
        serial->receiving = false;
        return;
    }
    if (serial->rx_got == serial->rx_bits) {
        serial->receiving = false;
        serial->received(serial->ctx, serial->rx_shift, level);
        return;
    }
    if (serial->rx_got >= 0)
        serial->rx_shift |= (uint32_t)level << serial->rx_got;
    serial->rx_got++;
    in(serial, &serial->rx_bit, serial->rx_time);
}

/* --- life --------------------------------------------------------------------------- */

void serial_init(struct serial *serial)
{
    alarm_init(&serial->tx_bit, tx_bit, serial);
    alarm_init(&serial->rx_bit, rx_bit, serial);
}

void serial_stop_receiving(struct serial *serial)
{
    serial->receiving = false;
    alarm_cancel(serial->sim, &serial->rx_bit);
}

void serial_stop(struct serial *serial)
{
    serial_stop_receiving(serial);
    serial->sending = false;
    alarm_cancel(serial->sim, &serial->tx_bit);
}
