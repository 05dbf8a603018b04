/* hex.c - reading the text of packets and command lines (see hex.h for the rules). */
#include "hex.h"

int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;                          /* capital letters to small ones */
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char hex_char(uint32_t nibble)
{
    return "0123456789abcdef"[nibble & 15];
}

uint32_t scan_left(const struct scan *s)
{
    return (uint32_t)(s->end - s->at);
}

uint32_t scan_hex(struct scan *s)
{
    uint32_t value = 0;
    const uint8_t *first = s->at;

    for (; s->at < s->end && hex_digit(*s->at) >= 0; s->at++) {
        s->bad |= value >> 28 != 0;     /* a ninth digit */
        value = value << 4 | (uint32_t)hex_digit(*s->at);
    }
    s->bad |= s->at == first;
    return value;
}

void scan_bytes(struct scan *s, uint8_t *bytes, uint32_t count)
{
    for (; count > 0; count--) {
        int high = scan_left(s) < 2 ? -1 : hex_digit(s->at[0]);
        int low = high < 0 ? -1 : hex_digit(s->at[1]);
        if (low < 0) {
            s->bad = true;
            return;
        }
        *bytes++ = (uint8_t)(high << 4 | low);
        s->at += 2;
    }
}

bool scan_skip(struct scan *s, char c)
{
    if (s->at == s->end || *s->at != (uint8_t)c)
        return false;
    s->at++;
    return true;
}

void scan_expect(struct scan *s, char c)
{
    s->bad |= !scan_skip(s, c);
}

bool scan_word(struct scan *s, const char *word)
{
    const uint8_t *at = s->at;

    for (; *word != '\0'; word++, at++)
        if (at == s->end || *at != (uint8_t)*word)
            return false;
    s->at = at;
    return true;
}

bool scan_done(const struct scan *s)
{
    return !s->bad && s->at == s->end;
}
