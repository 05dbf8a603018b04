/* tinyusb.c - as TinyUSB starts: by the book, but that a bus reset is prepared before there
 * was one, and that of a control transfer CTR_RX is cleared last. */
#include "device.h"

const bool clears_ctr_last = true;

unsigned table(unsigned at) { return R16(PMA + at * 2); }
void set_table(unsigned at, unsigned value) { R16(PMA + at * 2) = (uint16_t)value; }

void copy_in(void *to, unsigned at, unsigned length)
{
    uint8_t *bytes = to;
    for (unsigned i = 0; i < length; i += 2) {
        uint16_t half = R16(PMA + at * 2 + 2 * i);
        *bytes++ = (uint8_t)half;
        if (i + 1 < length)
            *bytes++ = (uint8_t)(half >> 8);
    }
}

void copy_out(unsigned at, const void *from, unsigned length)
{
    const uint8_t *bytes = from;
    for (unsigned i = 0; i < length; i += 2)
        R16(PMA + at * 2 + 2 * i) =
            (uint16_t)(bytes[i] | (i + 1 < length ? bytes[i + 1] << 8 : 0));
}

static void clock(void)
{
    R32(RCC_CR) |= 1 << 16;
    wait_for(RCC_CR, 1 << 17);
    R32(RCC_CFGR) |= 1 << 16 | 7 << 18;
    R32(RCC_CR) |= 1 << 24;
    wait_for(RCC_CR, 1 << 25);
    R32(FLASH_ACR) = (R32(FLASH_ACR) & ~7u) | 2;
    R32(RCC_CFGR) |= 7 << 8;            /* PCLK1 slowest while the clock changes */
    R32(RCC_CFGR) = (R32(RCC_CFGR) & ~3u) | 2;
    wait_for(RCC_CFGR, 8);
    R32(RCC_CFGR) = (R32(RCC_CFGR) & ~(7u << 8)) | 4 << 8;
}

void start(void)
{
    clock();
    R32(RCC_APB1ENR) |= USBEN;
    R16(CNTR) = FRES | PDWN;
    pause(200);
    R16(CNTR) &= ~PDWN;
    pause(200);
    R16(CNTR) = 0;
    R16(BTABLE) = 0;
    R16(ISTR) = 0;
    for (int i = 0; i < 8; i++)
        R16(EP0R + 4 * i) = 0;
    R16(CNTR) |= RESETM | 0x0100 | CTRM | SUSPM | WKUPM;
    R16(DADDR) = 0;
    set_table(4, 0x40);
    set_table(6, 0x8400);
    R16(EP0R) = 0x0200 | 0x3000;
    R16(DADDR) = 0x80;
}
