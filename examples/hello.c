/* hello.c - a first program for the board itself, started by the bootloader.
 *
 * Linked for the application slot at 0x08002000.  Says hello on USART1 (PA9, 115200) and
 * counts, and toggles the LED each time.  Runs at the 8 MHz the chip wakes up with. */
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))
#define RCC_APB2ENR  REG(0x40021018)
#define GPIOA_CRH    REG(0x40010804)
#define GPIOC_CRH    REG(0x40011004)
#define GPIOC_ODR    REG(0x4001100C)
#define USART1_SR    REG(0x40013800)
#define USART1_DR    REG(0x40013804)
#define USART1_BRR   REG(0x40013808)
#define USART1_CR1   REG(0x4001380C)

static void put(char c)
{
    while (!(USART1_SR & 1 << 7))           /* TXE */
        ;
    USART1_DR = (uint8_t)c;
}

static void say(const char *text)
{
    while (*text)
        put(*text++);
}

int main(void)
{
    RCC_APB2ENR |= 1 << 2 | 1 << 4 | 1 << 14;               /* GPIOA, GPIOC, USART1 */
    GPIOA_CRH = (GPIOA_CRH & ~0xF0u) | 0xA0;                /* PA9: alternate, 2 MHz */
    GPIOC_CRH = (GPIOC_CRH & ~0xF00000u) | 0x200000;        /* PC13: output, 2 MHz */
    USART1_BRR = (8000000 + 115200 / 2) / 115200;
    USART1_CR1 = 1 << 13 | 1 << 3;                          /* UE, TE */
    for (char count = '0';; count = count == '9' ? '0' : (char)(count + 1)) {
        say("Hello from the application slot ");
        put(count);
        say("\r\n");
        GPIOC_ODR ^= 1 << 13;
        for (volatile int i = 0; i < 100000; i++)
            ;
    }
}
