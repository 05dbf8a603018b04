/* uart.h - the serial bridge between the board's USART and the second serial port. */
#ifndef UART_H
#define UART_H

#include "cdc.h"
#include "usb.h"

void uart_start(void);                  /* pins, 115200 8N1, RS-485 as it was left */
/* For the tables of probe.c. */
void uart_frame(void);                  /* every millisecond */
void uart_data_event(int endpoint, enum usb_event event);   /* bytes from the host */
int uart_control(const struct usb_setup *setup, const uint8_t **data);

/* What the host types is for somebody else now, in order with its line codings and breaks: where
 * it lies, how much of it in one piece; then how much of that is no longer needed. */
void uart_divert(bool away);
uint32_t uart_typed(const uint8_t **bytes);
void uart_typed_taken(uint32_t count);
void uart_mute(bool yes);               /* what is received is thrown away */

/* How a line coding is made: exact rate = clock / divider. */
struct uart_plan {
    uint32_t clock, divider;
    uint16_t format;                    /* USART_CR1: M, PCE, PS */
    uint8_t stop;                       /* 0, 1, 2: 1, 1.5, 2 bits */
    uint8_t mask, mark;                 /* of a byte these bits count; these are ones too */
    bool timed;                         /* a timer and two pins instead of the USART */
};
/* False: cannot be done, or not within 3 % of the rate. */
bool uart_plan(const struct line_coding *coding, struct uart_plan *plan);

/* Since power-up.  Errors count once a millisecond at most, bytes each. */
struct uart_counts { uint32_t framing, parity, overrun, breaks, lost, refused; };
const struct uart_counts *uart_counts(void);

/* RTS as an RS-485 driver enable, active high; kept over power cycles.  False: the board
 * has no such pin, or its flash would not keep it. */
bool uart_rs485(void);
bool uart_set_rs485(bool on);

#endif
