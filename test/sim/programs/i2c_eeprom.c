/* i2c_eeprom.c - I2C1 in fast mode at 36 MHz: writes a page into a 24C02, polls for its end,
 * reads it back with the byte counts that RM0008 26.3.3 treats differently. */
#include "start.h"

enum { I2C1 = 0x40005400 };
#define CR1   REG(I2C1 + 0x00)
#define CR2   REG(I2C1 + 0x04)
#define DR    REG(I2C1 + 0x10)
#define SR1   REG(I2C1 + 0x14)
#define SR2   REG(I2C1 + 0x18)
enum { PE = 1, START = 1 << 8, STOP = 1 << 9, ACK = 1 << 10, POS = 1 << 11 };
enum { SB = 1, ADDR = 2, BTF = 4, RXNE = 1 << 6, TXE = 1 << 7, AF = 1 << 10 };
enum { DEVICE = 0x50 << 1, MANY = 10 };

static void clock_72_mhz(void)
{
    REG(0x40022000) = 0x12;
    REG(0x40021000) |= 1 << 16;
    while (!(REG(0x40021000) & 1 << 17))
        ;
    REG(0x40021004) = 0x001D0400;           /* HSE x 9, PPRE1 / 2 */
    REG(0x40021000) |= 1 << 24;
    while (!(REG(0x40021000) & 1 << 25))
        ;
    REG(0x40021004) |= 2;
    while ((REG(0x40021004) & 0xC) != 8)
        ;
}

static void set_up(void)
{
    REG(0x40021018) |= 1 << 3;              /* GPIOB */
    REG(0x4002101C) |= 1 << 21;             /* I2C1 */
    REG(0x40010C00) = 0xFF444444;           /* PB6, PB7: alternate, open drain, 50 MHz */
    CR2 = 36;
    REG(I2C1 + 0x1C) = 1 << 15 | 30;        /* 36 MHz / (3 x 30) = 400 kHz */
    REG(I2C1 + 0x20) = 36 * 3 / 10 + 1;
    CR1 = PE;
}

static void wait_for(uint32_t bits)
{
    while (!(SR1 & bits))
        ;
}

/* True if somebody answered. */
static bool address(uint32_t byte)
{
    CR1 |= START;
    wait_for(SB);
    DR = byte;
    wait_for(ADDR | AF);
    if (!(SR1 & AF))
        return true;
    SR1 = ~(uint32_t)AF;
    CR1 |= STOP;
    while (SR2 & 2)                         /* BUSY */
        ;
    return false;
}

static void put(uint8_t byte)
{
    wait_for(TXE);
    DR = byte;
}

static void write_page(uint8_t at, uint8_t first, int count)
{
    address(DEVICE);
    (void)SR2;
    put(at);
    for (int i = 0; i < count; i++)
        put((uint8_t)(first + i));
    wait_for(BTF);
    CR1 |= STOP;
    while (CR1 & STOP)
        ;
}

static void set_read_address(uint8_t at)
{
    address(DEVICE);
    (void)SR2;
    put(at);
    wait_for(BTF);
}

static void read_one(uint8_t *to)
{
    CR1 &= ~(uint32_t)ACK;
    (void)SR2;
    CR1 |= STOP;
    wait_for(RXNE);
    to[0] = (uint8_t)DR;
}

static void read_two(uint8_t *to)
{
    CR1 &= ~(uint32_t)ACK;
    (void)SR2;
    wait_for(BTF);
    CR1 |= STOP;
    to[0] = (uint8_t)DR;
    to[1] = (uint8_t)DR;
}

static void read_many(uint8_t *to, int count)
{
    (void)SR2;
    while (count-- > 3) {
        wait_for(RXNE);
        *to++ = (uint8_t)DR;
    }
    wait_for(BTF);
    CR1 &= ~(uint32_t)ACK;
    *to++ = (uint8_t)DR;
    wait_for(BTF);
    CR1 |= STOP;
    *to++ = (uint8_t)DR;
    *to++ = (uint8_t)DR;
}

static void read(uint8_t at, uint8_t *to, int count)
{
    set_read_address(at);
    CR1 = PE | ACK | (count == 2 ? POS : 0);
    address(DEVICE | 1);
    if (count == 1)
        read_one(to);
    else if (count == 2)
        read_two(to);
    else
        read_many(to, count);
    while (CR1 & STOP)
        ;
    CR1 = PE;
}

int main(void)
{
    uint8_t got[MANY];
    int polls = 0;
    clock_72_mhz();
    set_up();
    if (address(0x57 << 1))
        return 1;                           /* nobody is there */
    write_page(8, 0x30, 8);
    while (!address(DEVICE))
        polls++;
    (void)SR2;
    CR1 |= STOP;
    while (SR2 & 2)
        ;
    REG(0x20000008) = (uint32_t)polls;
    for (int count = 1; count <= MANY; count++) {
        got[count - 1] = 0;
        read(8, got, count);
        for (int i = 0; i < count; i++)
            if (got[i] != (i < 8 ? 0x30 + i : 0xFF))
                return count << 8 | got[i];
    }
    return 0;
}
