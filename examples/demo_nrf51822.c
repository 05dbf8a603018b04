/* demo_nrf51822.c - UART0 on P0.09 and P0.11, at the 16 MHz the chip wakes up with.
 * nRF51 Series Reference Manual v3.0: 14 GPIO, 29 UART. */
#include "demo.h"

#define REG(address)    (*(volatile uint32_t *)(address))
#define P0_OUTSET       REG(0x50000508)
#define P0_PIN_CNF(n)   REG(0x50000700 + 4 * (n))
#define UART0           0x40002000
#define UART_STARTRX    REG(UART0 + 0x000)
#define UART_STARTTX    REG(UART0 + 0x008)
#define UART_RXDRDY     REG(UART0 + 0x108)
#define UART_TXDRDY     REG(UART0 + 0x11C)
#define UART_INTENSET   REG(UART0 + 0x304)
#define UART_ENABLE     REG(UART0 + 0x500)
#define UART_PSEL_TXD   REG(UART0 + 0x50C)
#define UART_PSEL_RXD   REG(UART0 + 0x514)
#define UART_RXD        REG(UART0 + 0x518)
#define UART_TXD        REG(UART0 + 0x51C)
#define UART_BAUDRATE   REG(UART0 + 0x524)
#define NVIC_ISER       REG(0xE000E100)

enum { TX = 9, RX = 11, OUTPUT = 1, DISCONNECT = 2, INPUT_PULLED_UP = 3 << 2, ENABLED = 4,
       BAUD_115200 = 0x01D7E000, RXDRDY = 1 << 2 };

void serial_start(void)
{
    P0_OUTSET = 1 << TX;
    P0_PIN_CNF(TX) = OUTPUT | DISCONNECT;
    P0_PIN_CNF(RX) = INPUT_PULLED_UP;
    UART_PSEL_TXD = TX;
    UART_PSEL_RXD = RX;
    UART_BAUDRATE = BAUD_115200;
    UART_ENABLE = ENABLED;
    UART_STARTTX = 1;
    UART_STARTRX = 1;
    UART_INTENSET = RXDRDY;
    NVIC_ISER = 1 << 2;                             /* UART0 */
}

/* TXDRDY tells of the byte before this one, so the first does not wait. */
void serial_put(char c)
{
    static int first = 1;

    while (!first && !UART_TXDRDY)
        ;
    first = 0;
    UART_TXDRDY = 0;
    UART_TXD = (uint8_t)c;
}

int serial_get(void)
{
    if (!UART_RXDRDY)
        return -1;
    UART_RXDRDY = 0;
    return (int)(UART_RXD & 0xFF);
}
