/* tim1_bridge.c - a half bridge at 72 MHz as motor programs set it up: 100 kHz, 30 %, dead
 * time of 72 ticks, a break input; and SYSCLK / 2 of the PLL on MCO. */
static void broken(void);
#define HANDLERS [16 + 24] = broken,
#include "start.h"

#define TIM1(reg) REG(0x40012C00 + (reg))

static void broken(void)
{
    verdict(TIM1(0x10) & 1 << 7 && !(TIM1(0x44) & 1 << 15) ? 0 : 1);
}

int main(void)
{
    REG(0x40022000) = 0x12;
    REG(0x40021000) |= 1 << 16;
    while (!(REG(0x40021000) & 1 << 17))
        ;
    REG(0x40021004) = 0x071D0400;           /* HSE x 9, PPRE1 / 2, MCO = PLL / 2 */
    REG(0x40021000) |= 1 << 24;
    while (!(REG(0x40021000) & 1 << 25))
        ;
    REG(0x40021004) |= 2;
    REG(0x40021018) |= 0x80D;               /* AFIO, GPIOA, GPIOB, TIM1 */
    REG(0x40010800) = 0xB4444444;           /* PA7: CH1N, remapped */
    REG(0x40010804) = 0x444444BB;           /* PA8: MCO, PA9: CH2 */
    REG(0x40010C00) = 0x4444444B;           /* PB0: CH2N, remapped */
    REG(0x40010004) |= 1 << 6;              /* TIM1_REMAP = 01: BKIN is PA6 */
    TIM1(0x2C) = 719;
    TIM1(0x38) = 216;
    TIM1(0x18) = 0x6800;                    /* CH2: PWM 1, preloaded */
    TIM1(0x20) = 0x50;                      /* CC2E, CC2NE */
    TIM1(0x44) = 1 << 15 | 1 << 13 | 1 << 12 | 72;      /* MOE, BKP, BKE */
    TIM1(0x0C) = 1 << 7;                    /* BIE */
    REG(0xE000E100) = 1 << 24;
    TIM1(0x14) = 1;
    TIM1(0x00) = 0x81;
    REG(0x20000004) = 0;
    REG(0x20000000) = 0xC0DEC0DE;
    for (;;)                                /* until the break */
        __asm__ volatile ("wfi");
}
