/* demo_stm32f303.c - USART1 on PA9 and PA10, at the 8 MHz (HSI) the chip wakes up with.
 * RM0316: RCC, GPIO, USART. */
#include "demo.h"

#define REG(address) (*(volatile uint32_t *)(address))
#define RCC_AHBENR   REG(0x40021014)
#define RCC_APB2ENR  REG(0x40021018)
#define GPIOA_MODER  REG(0x48000000)
#define GPIOA_AFRH   REG(0x48000024)
#define USART1_CR1   REG(0x40013800)
#define USART1_BRR   REG(0x4001380C)
#define USART1_ISR   REG(0x4001381C)
#define USART1_RDR   REG(0x40013824)
#define USART1_TDR   REG(0x40013828)
#define NVIC_ISER1   REG(0xE000E104)

enum { GPIOAEN = 1 << 17, USART1EN = 1 << 14, ALTERNATE = 2, AF7 = 7, RXNE = 1 << 5,
       TXE = 1 << 7, RXNEIE = 1 << 5, UE = 1 << 0, RE = 1 << 2, TE = 1 << 3 };

void serial_start(void)
{
    RCC_AHBENR |= GPIOAEN;
    RCC_APB2ENR |= USART1EN;
    GPIOA_AFRH = (GPIOA_AFRH & ~0xFF0u) | AF7 << 4 | AF7 << 8;
    GPIOA_MODER = (GPIOA_MODER & ~(0xFu << 18)) | ALTERNATE << 18 | ALTERNATE << 20;
    USART1_BRR = (8000000 + 115200 / 2) / 115200;
    USART1_CR1 = UE | TE | RE | RXNEIE;
    NVIC_ISER1 = 1 << (37 - 32);                    /* USART1 */
}

void serial_put(char c)
{
    while (!(USART1_ISR & TXE))
        ;
    USART1_TDR = (uint8_t)c;
}

int serial_get(void)
{
    return USART1_ISR & RXNE ? (int)(USART1_RDR & 0xFF) : -1;
}
