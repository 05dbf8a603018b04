/* watch.c - values of a program's variables as lines on the second port, while it runs.
 *
 *   (gdb) monitor watch speed 0x20000010 i16 100
 *   >speed:-12
 *   >speed:-11          ... a hundred times a second: Teleplot's form, which web/live.html draws
 *
 * The access port reads them beside the core, which is not halted.  A variable is read in one
 * access, so it is never half an old value.
 *
 * Rules: a line goes out whole or not at all; when there is no room for it, this value is left
 * out.  What cannot be read just now says nothing. */
#include "watch.h"
#include "adi.h"
#include "clock.h"
#include "live.h"
#include "mem.h"
#include "print.h"

enum { WATCHES = 8, NAME_SIZE = 12 };

static struct watch {
    char name[NAME_SIZE];
    uint32_t address;
    uint16_t period_ms;
    uint8_t bits;
    char kind;
    uint32_t due_ms;
} watches[WATCHES];
static int count;

static struct {
    uint8_t text[48];                   /* a name of 11, a number of 20: 36 at most */
    uint8_t length;
} line;

bool watch_add(const char *name, uint32_t address, char kind, uint32_t bits, uint32_t hz)
{
    struct watch *w = &watches[count];
    int n = 0;

    if (bits - 8 > 32 - 8 || bits & (bits - 1) || address & (bits / 8 - 1) ||
        (kind != 'u' && kind != 'i' && (kind != 'f' || bits != 32)) ||
        count == WATCHES || hz - 1 >= 1000)
        return false;
    do
        w->name[n] = name[n];
    while (name[n++] != '\0' && n < NAME_SIZE);
    if (name[n - 1] != '\0')
        return false;
    w->address = address;
    w->kind = kind;
    w->bits = (uint8_t)bits;
    w->period_ms = (uint16_t)(1000 / hz);
    w->due_ms = clock_ms();
    count++;
    return true;
}

void watch_clear(void)
{
    count = 0;
}

bool watch_any(void)
{
    return count > 0;
}

/* --- a line ------------------------------------------------------------------------------ */

static void put_character(char c)
{
    line.text[line.length++] = (uint8_t)c;
}

static void put_text(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    print_list(put_character, format, list);
    va_end(list);
}

/* IEEE 754 single precision: m * 2^e, in decimals without a library. */
static void put_float(uint32_t bits)
{
    enum { DECIMALS = 6, ROOM = 28 };   /* bits of a fraction that can be multiplied by ten */
    uint32_t m = (bits & 0x7FFFFF) | 1 << 23, tens = 0, decimals = 0;
    int e = (int)(bits >> 23 & 0xFF) - 150;

    if (e == 255 - 150) {
        put_text("nan");                /* infinity, too: no plot has a place for it */
        return;
    }
    while (e > 0)
        if (m >> 31) {
            m /= 10;
            tens++;
        } else {
            m <<= 1;
            e--;
        }
    for (; e < -ROOM; e++)
        m >>= 1;
    uint32_t fraction = m & ((1u << -e) - 1);
    for (int i = 0; i < DECIMALS; i++) {
        fraction *= 10;
        decimals = 10 * decimals + (fraction >> -e);
        fraction &= (1u << -e) - 1;
    }
    put_text("%u.%06u", (unsigned)(m >> -e), (unsigned)decimals);
    if (tens)
        put_text("e%u", (unsigned)tens);
}

static void put_value(const struct watch *w, uint32_t value)
{
    uint32_t unused = 32u - w->bits;
    bool negative = w->kind != 'u' && value << unused >> 31;

    if (negative)
        put_character('-');
    if (w->kind == 'f')
        put_float(value);
    else
        put_text("%u", (unsigned)(negative ? -(value << unused) >> unused : value));
}

void watch_poll(void)
{
    uint32_t now = clock_ms();

    for (struct watch *w = watches; w < watches + count; w++) {
        uint32_t value = 0;
        if ((int32_t)(now - w->due_ms) < 0)
            continue;
        w->due_ms = now + w->period_ms;
        if (adi_read(w->address, &value, w->bits / 8u))
            continue;
        line.length = 0;
        put_text(">%s:", w->name);
        put_value(w, value);
        put_character('\r');            /* in a text that would stand for a pair: print.c */
        put_character('\n');
        if (live_room() >= line.length)
            live_put(line.text, line.length);
    }
}
