/* hex.c - reading the text of packets and command lines (see hex.h for the rules). */
#include "hex.h"

int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;                          /* capital letters to small ones */
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

__attribute__((noinline)) char hex_char(uint32_t nibble)
{
    nibble &= 15;
    return (char)(nibble + (nibble < 10 ? '0' : 'a' - 10));
}

uint32_t scan_left(const struct scan *s)
{
    return (uint32_t)(s->end - s->at);
}

static int next_digit(const struct scan *s)
{
    return s->at < s->end ? hex_digit(*s->at) : -1;
}

uint32_t scan_hex(struct scan *s)
{
    uint32_t value = 0;

    s->bad |= next_digit(s) < 0;
    for (int digit; (digit = next_digit(s)) >= 0; s->at++) {
        s->bad |= value >> 28 != 0;     /* a ninth digit */
        value = value << 4 | (uint32_t)digit;
    }
    return value;
}

void scan_bytes(struct scan *s, void *bytes, uint32_t count)
{
    for (uint8_t *byte = bytes; count > 0; count--) {
        int high = next_digit(s);
        s->at += high >= 0;
        int low = next_digit(s);
        s->at += low >= 0;
        if (high < 0 || low < 0) {
            s->bad = true;
            return;
        }
        *byte++ = (uint8_t)(high << 4 | low);
    }
}

bool scan_skip(struct scan *s, char c)
{
    if (s->at == s->end || *s->at != (uint8_t)c)
        return false;
    s->at++;
    return true;
}

bool scan_done(const struct scan *s)
{
    return !s->bad && s->at == s->end;
}

bool scan_pattern(struct scan *s, const char *pattern, uint32_t *numbers)
{
    bool fields = false;

    for (; *pattern != '\0' && *pattern != '*'; pattern++) {
        if (*pattern == '#') {
            *numbers++ = scan_hex(s);
            fields = true;
        } else if (!scan_skip(s, *pattern)) {
            s->bad = true;
            return fields;
        }
    }
    if (*pattern == '*')
        return true;
    s->bad |= s->at != s->end;
    return fields || !s->bad;
}
