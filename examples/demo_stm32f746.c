/* demo_stm32f746.c - USART1 on PA9 and PA10, at the 16 MHz the chip wakes up with; both caches of
 * the core are on, as nearly every program for this family has them.
 * RM0385: 3.7 FLASH, 5.3 RCC, 6.4 GPIO, 31.8 USART; Armv7-M ARM B2.2 (caches). */
#include "demo.h"

#define REG(address) (*(volatile uint32_t *)(address))
#define FLASH_ACR    REG(0x40023C00)
#define RCC_AHB1ENR  REG(0x40023830)
#define RCC_APB2ENR  REG(0x40023844)
#define GPIOA_MODER  REG(0x40020000)
#define GPIOA_AFRH   REG(0x40020024)
#define USART1_CR1   REG(0x40011000)
#define USART1_BRR   REG(0x4001100C)
#define USART1_ISR   REG(0x4001101C)
#define USART1_RDR   REG(0x40011024)
#define USART1_TDR   REG(0x40011028)
#define NVIC_ISER1   REG(0xE000E104)
#define SCB_CCR      REG(0xE000ED14)
#define SCB_CCSIDR   REG(0xE000ED80)
#define SCB_CSSELR   REG(0xE000ED84)
#define SCB_ICIALLU  REG(0xE000EF50)
#define SCB_DCISW    REG(0xE000EF60)

enum { PRFTEN = 1 << 8, ARTEN = 1 << 9, GPIOAEN = 1 << 0, USART1EN = 1 << 4, ALTERNATE = 2,
       AF7 = 7, RXNE = 1 << 5, TXE = 1 << 7, RXNEIE = 1 << 5, UE = 1 << 0, TE = 1 << 3,
       RE = 1 << 2, DC = 1 << 16, IC = 1 << 17 };

/* What they held before a reset is still in them: first of all they are emptied. */
static void caches_on(void)
{
    SCB_ICIALLU = 0;
    SCB_CSSELR = 0;
    __asm volatile ("dsb");
    uint32_t sets = SCB_CCSIDR >> 13 & 0x7FFF, ways = SCB_CCSIDR >> 3 & 0x3FF;
    for (uint32_t set = 0; set <= sets; set++)
        for (uint32_t way = 0; way <= ways; way++)
            SCB_DCISW = way << 30 | set << 5;
    __asm volatile ("dsb");
    SCB_CCR |= IC | DC;
    __asm volatile ("dsb\n isb");
}

void serial_start(void)
{
    caches_on();
    FLASH_ACR |= PRFTEN | ARTEN;
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
    while (!(USART1_ISR & TXE))
        ;
    USART1_TDR = (uint8_t)c;
}

int serial_get(void)
{
    return USART1_ISR & RXNE ? (int)(USART1_RDR & 0xFF) : -1;
}
