/* vendor.c - as the vendor's libraries start: interrupts, remaps with SWJ_CFG = 111, the
 * SPI's control register bit by bit, FRES and at once not FRES, and a receive count that is
 * written again and again. */
#include "device.h"

const bool clears_ctr_last = false;

unsigned table(unsigned at) { return R16(PMA + at * 2); }
void set_table(unsigned at, unsigned value) { R16(PMA + at * 2) = (uint16_t)value; }

void copy_in(void *to, unsigned at, unsigned length)
{
    uint8_t *bytes = to;
    for (unsigned i = 0; i < (length + 1) / 2; i++) {
        uint16_t half = R16(PMA + at * 2 + 4 * i);
        *bytes++ = (uint8_t)half;
        *bytes++ = (uint8_t)(half >> 8);
    }
}

void copy_out(unsigned at, const void *from, unsigned length)
{
    const uint8_t *bytes = from;
    for (unsigned i = 0; i < (length + 1) / 2; i++, bytes += 2)
        R16(PMA + at * 2 + 4 * i) = (uint16_t)(bytes[0] | bytes[1] << 8);
    set_table(6, 0);                    /* of the empty packet that ends a request */
    set_table(6, 0x8400);
}

static void clock(void)
{
    R32(RCC_CR) |= 1;
    R32(RCC_CFGR) &= 0xF8FF0000;
    R32(RCC_CR) &= 0xFEF6FFFF;
    R32(RCC_CR) &= 0xFFFBFFFF;
    R32(RCC_CFGR) &= 0xFF80FFFF;
    R32(RCC_CIR) = 0x009F0000;
    R32(RCC_CR) |= 1 << 16;
    wait_for(RCC_CR, 1 << 17);
    R32(FLASH_ACR) |= 1 << 4;
    R32(FLASH_ACR) = (R32(FLASH_ACR) & ~3u) | 2;
    R32(RCC_CFGR) |= 4 << 8 | 1 << 16 | 7 << 18;
    R32(RCC_CR) |= 1 << 24;
    wait_for(RCC_CR, 1 << 25);
    R32(RCC_CFGR) = (R32(RCC_CFGR) & ~3u) | 2;
    wait_for(RCC_CFGR, 2 << 2);
    R32(RCC_APB2ENR) |= 1 << 9;         /* ADC1, with its prescaler still to be set */
    R32(RCC_CFGR) |= 2 << 14;
}

static void remap(uint32_t bits)
{
    R32(AFIO_MAPR) = R32(AFIO_MAPR) | 7 << 24 | bits;
}

static void spi_master(void)
{
    R16(SPI1_CR1) = 1 << 2;
    R16(SPI1_CR1) |= 1 << 9;
    R16(SPI1_CR1) |= 1 << 8;
    R16(SPI1_CR1) |= 1 << 6;
    while (R16(SPI1_CR1) != 0x344)      /* a mode fault would end here */
        ;
}

void start(void)
{
    clock();
    R32(RCC_APB2ENR) |= 1 << 0 | 1 << 2 | 1 << 3 | 1 << 12;
    R32(AFIO_MAPR) = (R32(AFIO_MAPR) & ~(7u << 24)) | 2 << 24;
    remap(1 << 2);
    remap(1 << 8);
    spi_master();
    R32(RCC_APB1ENR) |= USBEN;
    R8(0xE000E400 + 20) = 5 << 4;
    R32(0xE000E100) = 1 << 20;
    R16(CNTR) = FRES;
    R16(CNTR) = 0;
    R16(ISTR) = 0;
    R16(BTABLE) = 0;
    R16(CNTR) = CTRM | WKUPM | SUSPM | RESETM;
    for (;;)
        __asm volatile("wfi");
}
