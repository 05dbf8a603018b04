/* crc.c - the CRC unit: polynomial 0x04C11DB7 over 32-bit words, highest bit first.
 *
 *   called by  f103.c      calls  nothing
 *
 * The chip takes four HCLK cycles a word and stalls a read that comes earlier; the core
 * model's own cycles already cover that for every instruction sequence but the
 * tightest.
 *
 * Source: RM0008 4. */
#include "f103.h"
#include <stdlib.h>

enum { DR = 0x00, IDR = 0x04, CR = 0x08, RESET_BIT = 1 };

struct crc {
    struct f103 *f103;
    uint32_t dr, idr;
};

static uint32_t add_word(uint32_t crc, uint32_t word)
{
    crc ^= word;
    for (int i = 0; i < 32; i++)
        crc = crc << 1 ^ (crc >> 31 ? 0x04C11DB7 : 0);
    return crc;
}

static uint32_t crc_read(void *ctx, uint32_t reg)
{
    struct crc *crc = ctx;
    return reg == DR ? crc->dr : reg == IDR ? crc->idr : 0;
}

static void crc_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct crc *crc = ctx;
    if (reg == DR)
        crc->dr = add_word(crc->dr, value);
    else if (reg == IDR)
        crc->idr = value & 0xFF;
    else if (reg == CR && value & RESET_BIT)
        crc->dr = UINT32_MAX;
}

static void crc_reset(void *ctx)
{
    struct crc *crc = ctx;
    crc->dr = UINT32_MAX;
    crc->idr = 0;
}

void crc_new(struct f103 *f103)
{
    struct crc *crc = calloc(1, sizeof *crc);
    f103->crc = crc;
    crc->f103 = f103;
    crc->dr = UINT32_MAX;
    f103_add_block(f103, &(struct block){
        .name = "CRC", .base = 0x40023000, .size = 0x400, .bridge = ON_AHB,
        .enable_bit = 6, .access = WORDS_ONLY, .read = crc_read, .write = crc_write,
        .reset = crc_reset, .ctx = crc });
}

void crc_free(struct crc *crc) { free(crc); }
