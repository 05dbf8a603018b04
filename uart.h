/* uart.h - the serial bridge between the board's USART and the second serial port. */
#ifndef UART_H
#define UART_H

#include "usb.h"

void uart_start(void);                  /* pins, 115200 8N1 */
/* Both for the tables of probe.c. */
void uart_frame(void);                  /* every millisecond */
void uart_data_event(int endpoint, enum usb_event event);   /* bytes from the host */

#endif
