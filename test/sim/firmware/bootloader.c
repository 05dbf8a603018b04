/* bootloader.c - as the boot loaders of a popular Arduino core go: USB's registers before
 * its clock is on, D+ low by read-modify-write and floating again, and at last a jump into
 * a program, with the clocks back at reset, USB left powered, and the host still there.
 *
 * The program is this one again, from its second vector on: the host sees a new device. */
#include "device.h"

enum { ROUNDS = 2 };
const bool clears_ctr_last = false;
static volatile uint32_t round;         /* survives: nothing clears it but the first start */
static bool jump_wanted;

unsigned table(unsigned at) { return R16(PMA + at * 2); }
void set_table(unsigned at, unsigned value) { R32(PMA + at * 2) = value; }

/* Reads as many halfwords as there are bytes: twice too many, past the packet's end. */
void copy_in(void *to, unsigned at, unsigned length)
{
    uint16_t *half = to;
    for (unsigned i = 0; i < length; i++)
        *half++ = R16(PMA + at * 2 + 4 * i);
}

void copy_out(unsigned at, const void *from, unsigned length)
{
    const uint16_t *half = from;
    for (unsigned i = 0; i < (length + 1) / 2; i++)
        R32(PMA + at * 2 + 4 * i) = *half++;
}

static void clock(void)
{
    R32(RCC_CR) |= 0x00010001;
    wait_for(RCC_CR, 1 << 17);
    R32(FLASH_ACR) = 0x12;
    R32(RCC_CFGR) |= 0x001D0400;
    R32(RCC_CR) |= 1 << 24;
    wait_for(RCC_CR, 1 << 25);
    R32(RCC_CFGR) |= 2;
    wait_for(RCC_CFGR, 8);
}

static void shut_usb_down(void)
{
    R32(RCC_APB2ENR) |= 1 << 2;
    R16(ISTR) = 0;
    R16(CNTR) = FRES | PDWN;
    R32(GPIOA_CRH) |= 1 << 18;
    R32(GPIOA_CRH) &= ~(1u << 19);
    R32(GPIOA_CRH) |= 3 << 16;
    R32(GPIOA_BRR) = 1 << 12;
    R32(RCC_APB1ENR) &= ~USBEN;
}

static void connect(void)
{
    R32(GPIOA_CRH) |= 1 << 18;
    R32(GPIOA_CRH) &= ~(1u << 19);
    R32(GPIOA_CRH) &= ~(3u << 16);
    R32(RCC_APB1ENR) |= USBEN;
    R16(CNTR) = FRES;
    R16(CNTR) = 0;
    wait_for(ISTR, RESETM);
    R16(ISTR) = 0;
    R16(CNTR) = RESETM | SUSPM | WKUPM;
}

static void jump(void)
{
    round++;
    R32(RCC_CR) |= 1;
    R32(RCC_CFGR) &= 0xF8FF0000;
    R32(RCC_CR) &= 0xFEF6FFFF;
    R32(RCC_CR) &= 0xFFFBFFFF;
    R32(RCC_CFGR) &= 0xFF80FFFF;
    R32(RCC_CIR) = 0;
    R32(0xE000E180) = 0xFFFFFFFF;
    R32(0xE000E010) = 4;
    __asm volatile("msr msp, %0\n bx %1" :: "r"(R32(0x08000000)), "r"(R32(0x08000004)));
}

void start(void)
{
    if (round > ROUNDS)                 /* RAM is random at power-up */
        round = 0;
    clock();
    shut_usb_down();
    pause(200000);
    connect();
    jump_wanted = false;
    for (;;) {
        usb_poll();
        if (jump_wanted) {
            pause(200000);
            usb_poll();                 /* the end of SET_CONFIGURATION */
            pause(100000);
            jump();
        }
    }
}

void configured(void) { jump_wanted = round < ROUNDS; }
