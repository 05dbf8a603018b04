/* libopencm3.c - as programs on libopencm3 start: a popular probe, dapboot, dap42.
 *
 * The backup register is read before its clock is on.  D+ is driven low as a plain output
 * and stays so; powering USB is all that lets go of it, in one write from the reset value
 * of CNTR.  The debug pins are freed, and MAPR is read, changed and written again.  USB's
 * registers and packet memory are accessed by words, an odd last byte by itself. */
#include "device.h"

const bool clears_ctr_last = false;

unsigned table(unsigned at) { return R32(PMA + at * 2) & 0xFFFF; }
void set_table(unsigned at, unsigned value) { R32(PMA + at * 2) = value; }

void copy_in(void *to, unsigned at, unsigned length)
{
    uint16_t *half = to;
    unsigned from = PMA + at * 2;
    for (unsigned left = length / 2; left; left--, from += 4)
        *half++ = R16(from);
    if (length & 1)
        *(uint8_t *)half = R8(from);
}

void copy_out(unsigned at, const void *from, unsigned length)
{
    const uint16_t *half = from;
    for (unsigned i = 0; i < (length + 1) / 2; i++)
        R32(PMA + at * 2 + 4 * i) = *half++;
}

static void clock(void)
{
    R32(RCC_CR) |= 1;
    wait_for(RCC_CR, 1 << 1);
    R32(RCC_CFGR) &= ~3u;
    R32(RCC_CR) |= 1 << 16;
    wait_for(RCC_CR, 1 << 17);
    R32(RCC_CFGR) = (R32(RCC_CFGR) & ~3u) | 1;
    R32(RCC_CFGR) = (R32(RCC_CFGR) & ~(3u << 14)) | 3 << 14;
    R32(RCC_CFGR) = (R32(RCC_CFGR) & ~(7u << 8)) | 4 << 8;
    R32(FLASH_ACR) = (R32(FLASH_ACR) & ~7u) | 2;
    R32(RCC_CFGR) = (R32(RCC_CFGR) & ~(15u << 18)) | 7 << 18;
    R32(RCC_CFGR) |= 1 << 16;
    R32(RCC_CFGR) &= ~(1u << 17);
    R32(RCC_CR) |= 1 << 24;
    wait_for(RCC_CR, 1 << 25);
    R32(RCC_CFGR) = (R32(RCC_CFGR) & ~3u) | 2;
}

/* What dapboot left for itself, and the probe's boot loader marks in GPIOA_CRL. */
static void look_for_a_request(void)
{
    if (R16(BKP_DR1) == 0x4F42)
        pause(1);
    R32(RCC_APB1ENR) |= PWREN;
    R32(RCC_APB1ENR) |= BKPEN;
    R32(PWR_CR) |= 1 << 8;
    R16(BKP_DR1) = 0;
    R32(PWR_CR) &= ~(1u << 8);
}

static void watchdog(void)
{
    while (R32(IWDG_SR) & 1)
        ;
    R32(IWDG_KR) = 0x5555;
    R32(IWDG_PR) = 3;
    while (R32(IWDG_SR) & 2)
        ;
    R32(IWDG_KR) = 0x5555;
    R32(IWDG_RLR) = 0xFFF;
    R32(IWDG_KR) = 0xCCCC;
}

static void connect(void)
{
    R32(RCC_APB1RSTR) |= USBEN;
    R32(RCC_APB1RSTR) &= ~USBEN;
    R32(RCC_APB1ENR) |= USBEN;
    R32(CNTR) = 0;
    R32(BTABLE) = 0;
    R32(ISTR) = 0;
    R32(CNTR) = RESETM | CTRM | SUSPM | WKUPM;
}

void start(void)
{
    R32(0xE000EDFC) |= 1 << 16;         /* DEMCR.MON_EN */
    look_for_a_request();
    clock();
    R32(RCC_APB2ENR) |= 1 << 2 | 1 << 3 | 1 << 0;
    R32(AFIO_MAPR) = (R32(AFIO_MAPR) & ~(7u << 24)) | 4 << 24;
    R32(AFIO_MAPR) = (R32(AFIO_MAPR) & ~(3u << 8)) | 1 << 8;
    R32(GPIOA_CRH) = (R32(GPIOA_CRH) & ~(15u << 16)) | 6 << 16;
    R32(GPIOA_BSRR) = 1u << 28;
    pause(20000);
    watchdog();
    R32(0xE000E014) = 9000000 / 1000 - 1;
    R32(0xE000E010) = 1;
    R8(0xE000ED23) = 14 << 4;
    connect();
}

void configured(void) { R32(IWDG_KR) = 0xAAAA; }
