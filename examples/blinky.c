/* blinky.c - the smallest program for the board itself: the LED changes every second.
 *
 * Linked for 0x08002000, above the bootloader; send it with  dfu-util -D blinky.dfu .
 * The chip runs at the 8 MHz it wakes up with.  Addresses are from the reference manual,
 * RM0008: 7.3.7 (clocks), 9.2 (pins); SysTick is the processor's own timer. */
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))

int main(void)
{
    REG(0x40021018) |= 1 << 4;              /* RCC_APB2ENR: switch port C on */
    REG(0x40011004) = 0x44244444;           /* GPIOC_CRH: PC13 is an output, 2 MHz */
    REG(0xE000E014) = 8000000 - 1;          /* SysTick counts one second of 8 MHz ... */
    REG(0xE000E010) = 1 << 2 | 1;           /* ... of the processor's clock, from now */
    for (;;) {
        while (!(REG(0xE000E010) & 1 << 16))
            ;                               /* until it has come to zero */
        REG(0x4001100C) ^= 1 << 13;         /* GPIOC_ODR: the LED is lit by a 0 */
    }
}
