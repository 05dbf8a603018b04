/* demo_stm32l053.c - USART1 on PA9 and PA10, at 16 MHz (HSI16): the MSI of 2.1 MHz is slow.
 * RM0367: RCC, FLASH, GPIO, USART. */
#include "demo.h"

#define REG(address) (*(volatile uint32_t *)(address))
#define RCC_CR       REG(0x40021000)
#define RCC_CFGR     REG(0x4002100C)
#define FLASH_ACR    REG(0x40022000)
#define RCC_IOPENR   REG(0x4002102C)
#define RCC_APB2ENR  REG(0x40021034)
#define GPIOA_MODER  REG(0x50000000)
#define GPIOA_AFRH   REG(0x50000024)
#define USART1_CR1   REG(0x40013800)
#define USART1_BRR   REG(0x4001380C)
#define USART1_ISR   REG(0x4001381C)
#define USART1_RDR   REG(0x40013824)
#define USART1_TDR   REG(0x40013828)
#define NVIC_ISER    REG(0xE000E100)

enum { IOPAEN = 1 << 0, USART1EN = 1 << 14, ALTERNATE = 2, AF4 = 4, RXNE = 1 << 5,
       TXE = 1 << 7, RXNEIE = 1 << 5, UE = 1 << 0, RE = 1 << 2, TE = 1 << 3 };

enum { HSION = 1 << 0, HSIRDY = 1 << 2, SW_HSI = 1, SWS_HSI = 1 << 2, SWS = 3 << 2,
       LATENCY = 1 << 0 };

/* With a wait state, as the voltage range after reset wants it. */
static void run_at_16_mhz(void)
{
    RCC_CR |= HSION;
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
    RCC_IOPENR |= IOPAEN;
    RCC_APB2ENR |= USART1EN;
    GPIOA_AFRH = (GPIOA_AFRH & ~0xFF0u) | AF4 << 4 | AF4 << 8;
    GPIOA_MODER = (GPIOA_MODER & ~(0xFu << 18)) | ALTERNATE << 18 | ALTERNATE << 20;
    USART1_BRR = (16000000 + 115200 / 2) / 115200;
    USART1_CR1 = UE | TE | RE | RXNEIE;
    NVIC_ISER = 1 << 27;                            /* USART1 */
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
