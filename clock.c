/* clock.c - 72 MHz and time.
 *
 *   8 MHz crystal -> PLL x 9 -> 72 MHz core, AHB, APB2     no crystal: 8 MHz RC / 2 x 12
 *                            -> / 2   36 MHz APB1                  -> 48 MHz, / 1 for USB
 *                            -> / 1.5 48 MHz USB
 *
 * SysTick counts milliseconds from the first moment, at whatever speed the core runs, so
 * that waiting for the crystal is bounded in time too.  The DWT counts cycles.
 *
 * A bootloader may have left the PLL running: the clocks are taken back to the internal
 * oscillator first, because PLL and prescalers may only be changed while not in use.
 *
 * Sources: RM0008 7.2, 7.3 (RCC), 19.3 (IWDG); PM0075 3.1 (wait states). */
#include "clock.h"
#include "stm32f103.h"

enum { HSI_HZ = 8000000, LSI_TYPICAL_HZ = 40000, WATCHDOG_MS = 2000 };

static volatile uint32_t milliseconds;          /* written by the interrupt */
static uint32_t hz = HSI_HZ;
static bool crystal;

void systick_interrupt(void);
void systick_interrupt(void)
{
    milliseconds++;
}

__attribute__((noinline)) static void tick_every_ms(uint32_t core_hz)
{
    hz = core_hz;
    SYSTICK.RVR = core_hz / 1000 - 1;
    SYSTICK.CVR = 0;
    SYSTICK.CSR = SYSTICK_ENABLE | SYSTICK_TICKINT | SYSTICK_CLKSOURCE;
}

/* True when the bits of *reg have the value within the time.  (deadline.c asks this file for
 * the time, so its bounds are not for here.) */
static bool becomes(reg32 *reg, uint32_t bits, uint32_t value, uint32_t timeout_ms)
{
    uint32_t start = milliseconds;
    while ((*reg & bits) != value) {
        if (milliseconds - start > timeout_ms)
            return false;
    }
    return true;
}

static void back_to_hsi(void)
{
    RCC.CR |= RCC_CR_HSION;
    becomes(&RCC.CR, RCC_CR_HSIRDY, RCC_CR_HSIRDY, 2);
    RCC.CFGR &= ~(uint32_t)RCC_CFGR_SW;
    becomes(&RCC.CFGR, RCC_CFGR_SWS, 0, 2);
    RCC.CR &= ~(uint32_t)RCC_CR_PLLON;
    becomes(&RCC.CR, RCC_CR_PLLRDY, 0, 2);
}

bool clock_start(void)
{
    static const struct { uint32_t hz, cfgr, acr; } plans[] = {
        { 48000000, RCC_CFGR_PLLMUL_12 | RCC_CFGR_USBPRE_DIV1, 1 },
        { 72000000, RCC_CFGR_PLLMUL_9 | RCC_CFGR_PLLSRC_HSE, 2 },
    };
    tick_every_ms(HSI_HZ);
    back_to_hsi();
    DCB.DEMCR |= DCB_DEMCR_TRCENA;
    DWT.CTRL |= DWT_CTRL_CYCCNTENA;

    RCC.CR |= RCC_CR_HSEON;
    crystal = becomes(&RCC.CR, RCC_CR_HSERDY, RCC_CR_HSERDY, 100);
    if (!crystal)
        RCC.CR &= ~(uint32_t)RCC_CR_HSEON;

    FLASH.ACR = plans[crystal].acr | FLASH_ACR_PRFTBE;  /* before the clock gets faster */
    uint32_t cfgr = plans[crystal].cfgr | RCC_CFGR_PPRE1_DIV2 | RCC_CFGR_ADCPRE_DIV6;
    RCC.CFGR = cfgr;
    RCC.CR |= RCC_CR_PLLON;
    if (!becomes(&RCC.CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY, 2))
        return crystal = false;         /* 8 MHz: a dead PLL, or an emulator without one */
    RCC.CFGR = cfgr | RCC_CFGR_SW_PLL;
    becomes(&RCC.CFGR, RCC_CFGR_SWS, RCC_CFGR_SWS_PLL, 2);
    tick_every_ms(plans[crystal].hz);
    return crystal;
}

bool clock_from_crystal(void)
{
    return crystal;
}

/* Not inline: there are so many calls of it. */
__attribute__((noinline)) uint32_t clock_hz(void)
{
    return hz;
}

uint32_t clock_ms(void)
{
    return milliseconds;
}

/* Not inline: there are so many calls of it. */
__attribute__((noinline)) uint32_t clock_cycles(void)
{
    return DWT.CYCCNT;
}

/* In pieces of a millisecond, so that the product fits and a clone without a cycle counter
 * cannot hold us for longer than the milliseconds say. */
void clock_wait_us(uint32_t us)
{
    uint32_t begun = milliseconds, start = DWT.CYCCNT;
    uint32_t cycles = us * (hz / 1000000);
    while (DWT.CYCCNT - start < cycles && milliseconds - begun < us / 1000 + 2) {
    }
}

/* The slowest LSI a chip may have (30 kHz) gives 2.7 s, the fastest (60 kHz) 1.3 s. */
void watchdog_start(void)
{
    IWDG.KR = IWDG_KR_START;
    IWDG.KR = IWDG_KR_UNLOCK;
    IWDG.PR = IWDG_PR_DIV32;
    IWDG.RLR = LSI_TYPICAL_HZ / 32 * (WATCHDOG_MS / 1000) - 1;
    becomes(&IWDG.SR, 3, 0, 10);        /* both values have reached the slow clock domain */
    IWDG.KR = IWDG_KR_FEED;
}

/* Not inline: there are so many calls of it. */
__attribute__((noinline)) void watchdog_feed(void)
{
    IWDG.KR = IWDG_KR_FEED;
}
