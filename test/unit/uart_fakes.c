/* uart_fakes.c - what monitor.c asks of uart.c, for tests that have no USART. */
#include "uart.h"

bool uart_plan(const struct line_coding *coding, struct uart_plan *plan)
{
    *plan = (struct uart_plan) { .clock = 72000000,
                                 .divider = (72000000 + coding->baud / 2) / coding->baud };
    return true;
}

const struct uart_counts *uart_counts(void)
{
    static const struct uart_counts counts = { 1, 2, 3, 4, 5, 6 };
    return &counts;
}

static bool rs485;
bool uart_rs485(void) { return rs485; }
bool uart_set_rs485(bool on) { rs485 = on; return true; }
