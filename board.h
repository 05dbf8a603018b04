/* board.h - which pin is what.  A board is a block of constants; nothing else in the
 * firmware knows what it runs on.
 *
 * SWDIO and SWCLK share a port on every board, so that one BSRR store moves both.
 *
 * NONE as a pin number means that the board does not have it: code says
 * `if (TDI_PIN != NONE)` and the compiler drops what cannot happen. */
#ifndef BOARD_H
#define BOARD_H

#include "stm32f103.h"

#define BOARD_BLUEPILL  1       /* "Blue Pill": its debug header becomes the output */
#define BOARD_STLINK    2       /* ST-Link V2 clone in a USB stick */

#define NONE (-1)

#if BOARD == BOARD_STLINK

#define SWD_PORT    GPIOB
#define NRST_PORT   GPIOB
#define LED_PORT    GPIOA
#define UART        USART2
#define UART_PORT   GPIOA
enum {
    SWDIO_PIN = 14, SWCLK_PIN = 13, TDI_PIN = NONE, TDO_PIN = NONE,
    NRST_PIN = 0,
    LED_PIN = 9, LED_ON = 1,
    UART_TX_PIN = 2, UART_RX_PIN = 3, UART_RTS_PIN = NONE, UART_DTR_PIN = NONE,
    PIN_REMAP = 0,              /* AFIO_MAPR: its own debug port stays on */
    UART_ON_APB2 = 0,           /* USART2 hangs on APB1, at half the clock */
    UART_RX_DMA = 6, UART_TX_DMA = 7,           /* RM0008 table 78 */
    BOOT_PIN = 0, BOOT_STAY = 0,        /* PB0 = nRST held low at plug-in */
    UART_IRQ = IRQ_USART2, UART_RX_DMA_IRQ = IRQ_DMA1_CH6, UART_TX_DMA_IRQ = IRQ_DMA1_CH7
};

#else

#define SWD_PORT    GPIOA
#define NRST_PORT   GPIOB
#define LED_PORT    GPIOC
#define UART        USART1
#define UART_PORT   GPIOB
enum {
    SWDIO_PIN = 13, SWCLK_PIN = 14, TDI_PIN = 15, TDO_PIN = 3,  /* TDO is PB3 */
    NRST_PIN = 4,
    LED_PIN = 13, LED_ON = 0,
    UART_TX_PIN = 6, UART_RX_PIN = 7, UART_RTS_PIN = 8, UART_DTR_PIN = 9,
    PIN_REMAP = AFIO_MAPR_USART1_REMAP | AFIO_MAPR_SWJ_OFF,     /* AFIO_MAPR */
    UART_ON_APB2 = 1,
    UART_RX_DMA = 5, UART_TX_DMA = 4,           /* RM0008 table 78 */
    BOOT_PIN = 2, BOOT_STAY = 1,        /* PB2 = the jumper BOOT1 */
    UART_IRQ = IRQ_USART1, UART_RX_DMA_IRQ = IRQ_DMA1_CH5, UART_TX_DMA_IRQ = IRQ_DMA1_CH4
};

#endif

#endif
