/* can_loopback.c - a self test at 72 MHz and 500 kbit/s in silent loopback, as the manual
 * proposes it: two filters, both FIFOs, interrupts for what is received. */
static void fifo0(void);
static void fifo1(void);
#define HANDLERS [16 + 20] = fifo0, [16 + 21] = fifo1,
#include "start.h"

#define CAN(reg) REG(0x40006400 + (reg))

static volatile uint32_t in0, in1, sum;

static void fifo0(void)
{
    in0++;
    sum += CAN(0x1B8);
    CAN(0x0C) = 1 << 5;
}

static void fifo1(void)
{
    in1++;
    sum += CAN(0x1C8);
    CAN(0x10) = 1 << 5;
}

static void send(uint32_t id, uint32_t data)
{
    while (!(CAN(0x08) & 7 << 26))
        ;
    uint32_t box = 0x180 + 16 * (CAN(0x08) >> 24 & 3);
    CAN(box + 4) = 4;
    CAN(box + 8) = data;
    CAN(box) = id << 21 | 1;
}

int main(void)
{
    REG(0x40022000) = 0x12;
    REG(0x40021000) |= 1 << 16;
    while (!(REG(0x40021000) & 1 << 17))
        ;
    REG(0x40021004) = 0x001D0400;
    REG(0x40021000) |= 1 << 24;
    while (!(REG(0x40021000) & 1 << 25))
        ;
    REG(0x40021004) |= 2;
    REG(0x4002101C) |= 1 << 25;
    CAN(0x00) = 1;                          /* INRQ, awake */
    while (!(CAN(0x04) & 1))
        ;
    CAN(0x1C) = 3u << 30 | 2 << 20 | 0xD << 16 | 3;    /* 36 MHz / (4 x 18) */
    CAN(0x200) |= 1;
    CAN(0x204) = 0;                         /* masks */
    CAN(0x20C) = 3;                         /* of 32 bits */
    CAN(0x214) = 2;                         /* bank 1: FIFO 1 */
    CAN(0x240) = 0x100u << 21;
    CAN(0x244) = 0x700u << 21;
    CAN(0x248) = 0x200u << 21;
    CAN(0x24C) = 0x700u << 21;
    CAN(0x21C) = 3;
    CAN(0x200) &= ~1u;
    CAN(0x14) = 1 << 1 | 1 << 4;            /* FMPIE0, FMPIE1 */
    REG(0xE000E100) = 3 << 20;
    CAN(0x00) = 0;
    while (CAN(0x04) & 1)
        ;
    for (uint32_t i = 1; i <= 10; i++) {
        send(0x100 + i, i);
        send(0x200 + i, 100 * i);
        send(0x300 + i, 10000);             /* for nobody */
    }
    while ((CAN(0x08) & 7 << 26) != 7 << 26)
        ;
    if (in0 != 10 || in1 != 10)
        return 1;
    return sum == 55 * 101 ? 0 : 2;
}
