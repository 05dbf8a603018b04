/* i2c_bitbang.c - the same EEPROM by port pins alone: PB6 SCL, PB7 SDA, open drain. */
#include "start.h"

enum { SCL = 1 << 6, SDA = 1 << 7, DEVICE = 0x50 << 1 };

static void wait(void)
{
    for (volatile int i = 0; i < 3; i++)
        ;
}

static void high(uint32_t pin) { REG(0x40010C10) = pin; wait(); }
static void low(uint32_t pin) { REG(0x40010C14) = pin; wait(); }

static void start_condition(void)
{
    high(SDA);
    high(SCL);
    low(SDA);
    low(SCL);
}

static void stop_condition(void)
{
    low(SDA);
    high(SCL);
    high(SDA);
}

static bool bit(bool value)
{
    if (value)
        high(SDA);
    else
        low(SDA);
    high(SCL);
    bool seen = REG(0x40010C08) & SDA;
    low(SCL);
    return seen;
}

static bool put(uint8_t byte)               /* true: acknowledged */
{
    for (int i = 7; i >= 0; i--)
        bit(byte >> i & 1);
    return !bit(true);
}

static uint8_t get(bool acknowledge)
{
    uint8_t byte = 0;
    for (int i = 0; i < 8; i++)
        byte = (uint8_t)(byte << 1 | bit(true));
    bit(!acknowledge);
    return byte;
}

int main(void)
{
    REG(0x40021018) |= 1 << 3;
    REG(0x40010C10) = SCL | SDA;
    REG(0x40010C00) = 0x77444444;           /* open drain, 50 MHz */
    start_condition();
    if (!put(DEVICE) || !put(0x10) || !put(0xCA) || !put(0xFE))
        return 1;
    stop_condition();
    int polls = 0;
    do {
        start_condition();
        polls++;
    } while (!put(DEVICE));
    if (polls < 10)
        return 2;
    put(0x10);
    start_condition();
    if (!put(DEVICE | 1))
        return 3;
    uint8_t first = get(true), second = get(false);
    stop_condition();
    return first == 0xCA && second == 0xFE ? 0 : 4;
}
