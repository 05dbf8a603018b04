/* print.c - printf without a library (see print.h for what it understands). */
#include "print.h"
#include "hex.h"

/* Two characters for each byte from 0x80 on, and one of them may be such a byte again; so it
 * goes on with those below a blank, but for a line's end.  No source has any:
 * tools/squeeze.py makes the texts of an image so, and fills this in. */
enum { PAIRS = 160, DEPTH = 16 };
static const uint8_t pairs[PAIRS][2] = { { 0 } };

/* A text, on the way from its first character to its last. */
struct text {
    const char *at;
    int waiting;                        /* the second halves of pairs, the next one last */
    uint8_t later[DEPTH];
};

static void begin_text(struct text *text, const char *at)
{
    text->at = at;
    text->waiting = 0;
}

/* The next character; 0 at the end. */
static char next(struct text *text)
{
    uint8_t c = (uint8_t)*text->at;

    if (text->waiting > 0)
        c = text->later[--text->waiting];
    else if (c == '\0')
        return '\0';
    else
        text->at++;
    while ((uint8_t)(c - 0x80) < PAIRS && c != '\n') {
        const uint8_t *pair = pairs[(uint8_t)(c - 0x80)];
        text->later[text->waiting++] = pair[1];
        c = pair[0];
    }
    return (char)c;
}

void print_text(void (*put)(char c), const char *text)
{
    struct text t;

    begin_text(&t, text);
    for (char c; (c = next(&t)) != '\0';)
        put(c);
}

/* Behind a %, as in 08x and -20s: the letter.  When the width is negative the text stands on
 * the left. */
static char read_field(struct text *format, int *width, char *fill)
{
    char c = next(format);
    bool left = c == '-';

    if (left)
        c = next(format);
    *fill = c == '0' ? '0' : ' ';
    for (*width = 0; c >= '0' && c <= '9'; c = next(format))
        *width = *width * 10 + (c - '0');
    if (left)
        *width = -*width;
    return c;
}

static int counted;

static void count(char c)
{
    (void)c;
    counted++;
}

static void put_field(void (*put)(char c), int width, char fill, const char *text)
{
    counted = 0;
    print_text(count, text);
    for (int i = counted; i < width; i++)
        put(fill);
    print_text(put, text);
    for (int i = counted; i < -width; i++)
        put(' ');
}

/* Digits grow to the left, from the end of the buffer; returns the first. */
static char *digits(char *end, uint32_t value, uint32_t base)
{
    do {
        *--end = hex_char(value % base);
        value /= base;
    } while (value != 0);
    return end;
}

void print_list(void (*put)(char c), const char *format, va_list list)
{
    struct text text;
    char buffer[11];                    /* "4294967295" and the final 0 */
    char *const end = buffer + sizeof buffer - 1;
    char fill;
    int width;

    *end = '\0';
    begin_text(&text, format);
    for (char c; (c = next(&text)) != '\0';) {
        if (c != '%') {
            put(c);
            continue;
        }
        c = read_field(&text, &width, &fill);
        if (c == 's')
            put_field(put, width, fill, va_arg(list, const char *));
        else if (c == 'c' || c == '%')
            put(c == 'c' ? (char)va_arg(list, int) : '%');
        else if (c != '\0')             /* or a % at the very end */
            put_field(put, width, fill,
                      digits(end, va_arg(list, unsigned), c == 'x' ? 16 : 10));
    }
}
