/* adc_injected.c - TIM3's updates convert a pin and the reference over and over, by DMA;
 * TIM2's compare injects the temperature in between, whose interrupt counts. */
static void converted(void);
#define HANDLERS [16 + 18] = converted,
#include "start.h"

#define ADC(reg) REG(0x40012400 + (reg))

static volatile uint32_t injections, wrong;
static volatile uint16_t samples[8];

static void converted(void)
{
    ADC(0x00) = ~(1u << 2);                 /* JEOC; EOC belongs to the DMA */
    injections++;
    if (ADC(0x3C) != 1775 - 1000)
        wrong++;
}

int main(void)
{
    REG(0x40021014) |= 1;                   /* DMA1 */
    REG(0x40021018) |= 0x205;               /* AFIO, GPIOA, ADC1 */
    REG(0x4002101C) |= 3;                   /* TIM2, TIM3 */
    REG(0x40010800) = 0x44444444;
    REG(0x4002000C) = 8;
    REG(0x40020010) = 0x4001244C;
    REG(0x40020014) = (uint32_t)samples;
    REG(0x40020008) = 0x5A1;                /* circular, 16 bits, MINC */
    ADC(0x2C) = 1 << 20;                    /* two: channel 3, channel 17 */
    ADC(0x34) = 17 << 5 | 3;
    ADC(0x38) = 16 << 15;                   /* JSQ4: channel 16 */
    ADC(0x14) = 1000;                       /* JOFR1 */
    ADC(0x04) = 1 << 8 | 1 << 7;            /* SCAN, JEOCIE */
    ADC(0x08) = 1 << 23 | 1;
    ADC(0x08) = 1 << 23 | 1 << 20 | 4 << 17 | 1 << 15 | 3 << 12 | 1 << 8 | 1;
    REG(0xE000E100) = 1 << 18;
    REG(0x4000042C) = 799;                  /* TIM3: 10 kHz, updates go out as TRGO */
    REG(0x40000404) = 2 << 4;
    REG(0x4000002C) = 1599;                 /* TIM2: 5 kHz, CC1 in the middle */
    REG(0x40000034) = 820;
    REG(0x40000018) = 0x70;
    REG(0x40000020) = 1;
    REG(0x40000400) = 1;
    REG(0x40000000) = 1;
    while (injections < 20)
        ;
    if (wrong)
        return 1;
    for (int i = 0; i < 8; i += 2)
        if (samples[i] != 4095 || samples[i + 1] != 1489)
            return 2;
    return 0;
}
