/* mem.c - the four functions that GCC expects to exist even without a C library: it turns
 * struct assignments and long initializers into calls of them.
 *
 * The copies go word by word, aligned or not: a Cortex-M3 does unaligned words in hardware
 * (ARMv7-M A3.2.1), at worst for an extra cycle or two.  RAM and flash only: a peripheral
 * register is not memory. */
#include "mem.h"

/* -Os would jump twice a word, and jumps are what flash is slow at. */
__attribute__((optimize("O2", "align-loops=8", "no-tree-loop-distribute-patterns")))
void *memcpy(void *to, const void *from, size_t size)
{
    uint8_t *t = to;
    const uint8_t *f = from;
    for (; size >= 4; size -= 4, t += 4, f += 4)
        ((struct word *)t)->value = ((const struct word *)f)->value;
    for (; size > 0; size--)
        *t++ = *f++;
    return to;
}

void *memmove(void *to, const void *from, size_t size)
{
    uint8_t *t = to;
    const uint8_t *f = from;
    if (t <= f || t >= f + size)        /* ascending never reads what it has written */
        return memcpy(to, from, size);
    while (size--)
        t[size] = f[size];
    return to;
}

void *memset(void *to, int byte, size_t size)
{
    uint8_t *t = to;
    uint32_t four = (uint8_t)byte * 0x01010101u;
    for (; size >= 4; size -= 4, t += 4)
        ((struct word *)t)->value = four;
    while (size--)
        *t++ = (uint8_t)byte;
    return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const uint8_t *p = a, *q = b;
    for (; size--; p++, q++) {
        if (*p != *q)
            return *p - *q;
    }
    return 0;
}
