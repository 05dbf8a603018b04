/* crc.c - the chip's CRC unit.  It computes just the CRC that gdb asks for.
 *
 * The unit takes a word in 4 cycles, its highest byte first.  A table of nibbles would take
 * 170.  What it cannot do:
 *   - begin with a given value.  So one CRC is finished before the next begins, and no
 *     interrupt may use the unit.
 *   - take less than a word.  The bytes behind the last whole word are done here, bit by bit.
 *
 * Source: RM0008 4. */
#include "crc.h"
#include "stm32f103.h"

#define POLYNOMIAL 0x04C11DB7u

void crc_start(void)
{
    RCC.AHBENR |= RCC_AHB_CRC;
    CRC.CR = CRC_CR_RESET;
}

uint32_t crc_add(const uint8_t *bytes, uint32_t length)
{
    for (; length >= 4; length -= 4, bytes += 4) {
        uint32_t word;
        __builtin_memcpy(&word, bytes, 4);
        CRC.DR = __builtin_bswap32(word);
    }
    uint32_t crc = CRC.DR;
    for (; length; length--) {
        crc ^= (uint32_t)*bytes++ << 24;
        for (int bit = 0; bit < 8; bit++)
            crc = crc << 1 ^ (crc >> 31 ? POLYNOMIAL : 0);
    }
    return crc;
}
