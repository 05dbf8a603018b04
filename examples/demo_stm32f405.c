/* demo_stm32f405.c - USART1 on PA9 and PA10, at the 16 MHz the chip wakes up with; the caches
 * of the flash are on, as nearly every program for this family has them.
 * RM0090: 3.9 FLASH, 7.3 RCC, 8.4 GPIO, 30.6 USART. */
#include "demo.h"

#define REG(address) (*(volatile uint32_t *)(address))
#define FLASH_ACR    REG(0x40023C00)
#define RCC_AHB1ENR  REG(0x40023830)
#define RCC_APB2ENR  REG(0x40023844)
#define GPIOA_MODER  REG(0x40020000)
#define GPIOA_AFRH   REG(0x40020024)
#define USART1_SR    REG(0x40011000)
#define USART1_DR    REG(0x40011004)
#define USART1_BRR   REG(0x40011008)
#define USART1_CR1   REG(0x4001100C)
#define NVIC_ISER1   REG(0xE000E104)

enum { PRFTEN = 1 << 8, ICEN = 1 << 9, DCEN = 1 << 10, GPIOAEN = 1 << 0, USART1EN = 1 << 4,
       ALTERNATE = 2, AF7 = 7, RXNE = 1 << 5, TXE = 1 << 7, RXNEIE = 1 << 5, UE = 1 << 13,
       TE = 1 << 3, RE = 1 << 2 };

void serial_start(void)
{
    FLASH_ACR |= PRFTEN | ICEN | DCEN;
    RCC_AHB1ENR |= GPIOAEN;
    RCC_APB2ENR |= USART1EN;
    GPIOA_AFRH = (GPIOA_AFRH & ~0xFF0u) | AF7 << 4 | AF7 << 8;
    GPIOA_MODER = (GPIOA_MODER & ~(0xFu << 18)) | ALTERNATE << 18 | ALTERNATE << 20;
    USART1_BRR = (16000000 + 115200 / 2) / 115200;
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
