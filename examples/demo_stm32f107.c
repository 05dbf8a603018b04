/* demo_stm32f107.c - USART1 on PA9 and PA10, at the 8 MHz the chip wakes up with.
 * RM0008: 7.3 RCC, 9.2 GPIO, 27.6 USART. */
#include "demo.h"

#define REG(address) (*(volatile uint32_t *)(address))
#define RCC_APB2ENR  REG(0x40021018)
#define GPIOA_CRH    REG(0x40010804)
#define USART1_SR    REG(0x40013800)
#define USART1_DR    REG(0x40013804)
#define USART1_BRR   REG(0x40013808)
#define USART1_CR1   REG(0x4001380C)
#define NVIC_ISER1   REG(0xE000E104)

enum { IOPAEN = 1 << 2, USART1EN = 1 << 14, RXNE = 1 << 5, RXNEIE = 1 << 5,
       TXE = 1 << 7,
       UE = 1 << 13, TE = 1 << 3, RE = 1 << 2 };

void serial_start(void)
{
    RCC_APB2ENR |= IOPAEN | USART1EN;
    /* PA9: alternate function, push-pull, 2 MHz.  PA10: input with pull-up resistor off. */
    GPIOA_CRH = (GPIOA_CRH & ~0xFF0u) | 0x4A0;
    USART1_BRR = (8000000 + 115200 / 2) / 115200;
    USART1_CR1 = UE | TE | RE | RXNEIE;
    NVIC_ISER1 = 1 << (37 - 32);                    /* USART1 */
}

void serial_put(char c)
{
    while (!(USART1_SR & TXE))
        ;
    USART1_DR = (uint8_t)c;
}

int serial_get(void)
{
    return USART1_SR & RXNE ? (int)(USART1_DR & 0xFF) : -1;
}
