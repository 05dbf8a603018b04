/* board.h - which pin is what.  A board is a block of constants; nothing else in the
 * firmware knows what it runs on.
 *
 * SWDIO and SWCLK share a port on every board, so that one BSRR store moves both.
 *
 * NONE as a pin number means that the board does not have it: code says
 * `if (TDI_PIN != NONE)` and the compiler drops what cannot happen. */
#ifndef BOARD_H
#define BOARD_H

#ifndef __ASSEMBLER__           /* swd_words.s looks here for its pins */
#include "stm32f103.h"
#endif

#define BOARD_BLUEPILL  1       /* "Blue Pill": its debug header becomes the output */
#define BOARD_STLINK    2       /* ST-Link V2 clone in a USB stick */

#define NONE (-1)

#if BOARD == BOARD_STLINK

#define SWD_PORT        GPIOB
#define SWDIO_PIN       14
#define SWCLK_PIN       13
#define NRST_PORT       GPIOB
#define LED_PORT        GPIOA
#define UART            USART2
#define UART_PORT       GPIOA
#define TDI_PIN         NONE
#define TDO_PIN         NONE
#define NRST_PIN        0
#define LED_PIN         9
#define LED_ON          1
#define UART_TX_PIN     2
#define UART_RX_PIN     3
#define UART_RTS_PIN    NONE
#define UART_DTR_PIN    NONE
#define PIN_REMAP       0               /* AFIO_MAPR: its own debug port stays on */
#define UART_ON_APB2    0               /* USART2 hangs on APB1, at half the clock */
#define UART_RX_DMA     6
#define UART_TX_DMA     7               /* RM0008 table 78 */
#define BOOT_PIN        0
#define BOOT_STAY       0               /* PB0 = nRST held low at plug-in */
#define UART_IRQ        IRQ_USART2
#define UART_RX_DMA_IRQ IRQ_DMA1_CH6
#define UART_TX_DMA_IRQ IRQ_DMA1_CH7
#define SWO_PIN         NONE            /* it is the UART's */

#else

#define SWD_PORT        GPIOA
#define SWDIO_PIN       13
#define SWCLK_PIN       14
#define NRST_PORT       GPIOB
#define LED_PORT        GPIOC
#define UART            USART1
#define UART_PORT       GPIOB
#define TDI_PIN         15
#define TDO_PIN         3               /* TDO is PB3 */
#define NRST_PIN        4
#define LED_PIN         13
#define LED_ON          0
#define UART_TX_PIN     6
#define UART_RX_PIN     7
#define UART_RTS_PIN    8
#define UART_DTR_PIN    9
#define PIN_REMAP       (AFIO_MAPR_USART1_REMAP | AFIO_MAPR_SWJ_OFF)    /* AFIO_MAPR */
#define UART_ON_APB2    1
#define UART_RX_DMA     5
#define UART_TX_DMA     4               /* RM0008 table 78 */
#define BOOT_PIN        2
#define BOOT_STAY       1               /* PB2 = the jumper BOOT1 */
#define UART_IRQ        IRQ_USART1
#define UART_RX_DMA_IRQ IRQ_DMA1_CH5
#define UART_TX_DMA_IRQ IRQ_DMA1_CH4
#define SWO_PIN         3               /* PA3, RX of USART2 */

#endif

#endif
