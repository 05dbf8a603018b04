/* demo_stm32l152.c - USART1 on PA9 and PA10, at 16 MHz (HSI16): the MSI of 2.1 MHz is slow.
 * RM0038: RCC, FLASH, GPIO, USART. */
#include "demo.h"

#define REG(address) (*(volatile uint32_t *)(address))
#define RCC_CR       REG(0x40023800)
#define RCC_CFGR     REG(0x40023808)
#define FLASH_ACR    REG(0x40023C00)
#define RCC_AHBENR   REG(0x4002381C)
#define RCC_APB2ENR  REG(0x40023820)
#define GPIOA_MODER  REG(0x40020000)
#define GPIOA_AFRH   REG(0x40020024)
#define USART1_CR1   REG(0x4001380C)
#define USART1_BRR   REG(0x40013808)
#define USART1_SR    REG(0x40013800)
#define USART1_DR    REG(0x40013804)
#define NVIC_ISER1   REG(0xE000E104)

enum { GPIOAEN = 1 << 0, USART1EN = 1 << 14, ALTERNATE = 2, AF7 = 7, RXNE = 1 << 5,
       TXE = 1 << 7, RXNEIE = 1 << 5, UE = 1 << 13, RE = 1 << 2, TE = 1 << 3 };

enum { HSION = 1 << 0, HSIRDY = 1 << 1, SW_HSI = 1, SWS_HSI = 1 << 2, SWS = 3 << 2,
       LATENCY = 1 << 0, ACC64 = 1 << 2 };

/* With a wait state, as the voltage range after reset wants it. */
static void run_at_16_mhz(void)
{
    RCC_CR |= HSION;
    FLASH_ACR |= ACC64;
    FLASH_ACR |= LATENCY;
    while (!(RCC_CR & HSIRDY))
        ;
    RCC_CFGR |= SW_HSI;
    while ((RCC_CFGR & SWS) != SWS_HSI)
        ;
}

void serial_start(void)
{
    run_at_16_mhz();
    RCC_AHBENR |= GPIOAEN;
    RCC_APB2ENR |= USART1EN;
    GPIOA_AFRH = (GPIOA_AFRH & ~0xFF0u) | AF7 << 4 | AF7 << 8;
    GPIOA_MODER = (GPIOA_MODER & ~(0xFu << 18)) | ALTERNATE << 18 | ALTERNATE << 20;
    USART1_BRR = (16000000 + 115200 / 2) / 115200;
    USART1_CR1 = UE | TE | RE | RXNEIE;
    NVIC_ISER1 = 1 << (37 - 32);                     /* USART1 */
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
