/* print.c - printf without a library (see print.h for what it understands). */
#include "print.h"
#include "hex.h"

/* What may stand between % and the letter: %-08lx. */
struct field {
    bool left, is_long;
    char fill;
    int width;
};

static const char *read_field(const char *format, struct field *f)
{
    *f = (struct field){ .fill = ' ' };
    if (*format == '-') {
        f->left = true;
        format++;
    }
    if (*format == '0')
        f->fill = '0';
    for (; *format >= '0' && *format <= '9'; format++)
        f->width = f->width * 10 + (*format - '0');
    if (*format == 'l') {
        f->is_long = sizeof(long) > sizeof(int);
        format++;
    }
    return format;
}

/* Two characters for each byte from 0x80 on, and one of them may be such a byte again; so it
 * goes on with those below a blank, but for a line's end.  No source has any:
 * tools/squeeze.py makes the texts of an image so, and fills this in. */
enum { PAIRS = 160, DEPTH = 16 };
static const uint8_t pairs[PAIRS][2] = { { 0 } };

static void put_pairs(void (*put)(char c), char text)
{
    uint8_t later[DEPTH], *top = later, c = (uint8_t)text;

    for (;;) {
        while ((uint8_t)(c - 0x80) < PAIRS && c != '\n') {
            const uint8_t *pair = pairs[(uint8_t)(c - 0x80)];
            *top++ = pair[1];
            c = pair[0];
        }
        put((char)c);
        if (top == later)
            return;
        c = *--top;
    }
}

static int counted;

static void count(char c)
{
    (void)c;
    counted++;
}

void print_text(void (*put)(char c), const char *text)
{
    while (*text != '\0')
        put_pairs(put, *text++);
}

static void put_field(void (*put)(char c), const struct field *f, const char *text)
{
    counted = 0;
    print_text(count, text);
    int missing = f->width - counted;
    if (!f->left)
        for (; missing > 0; missing--)
            put(f->fill);
    print_text(put, text);
    for (; missing > 0; missing--)
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
    struct field f;
    char buffer[12];                    /* "-4294967295" and the final 0 */
    char *const end = buffer + sizeof buffer - 1;

    *end = '\0';
    for (; *format != '\0'; format++) {
        if (*format != '%') {
            put_pairs(put, *format);
            continue;
        }
        format = read_field(format + 1, &f);
        if (*format == 's') {
            put_field(put, &f, va_arg(list, const char *));
        } else if (*format == 'c' || *format == '%') {
            put(*format == 'c' ? (char)va_arg(list, int) : '%');
        } else if (*format != '\0') {
            uint32_t value = f.is_long ? (uint32_t)va_arg(list, unsigned long)
                                       : va_arg(list, unsigned);
            bool negative = *format == 'd' && value >> 31 != 0;
            char *first = digits(end, negative ? 0 - value : value,
                                 *format == 'x' ? 16 : 10);
            if (negative)
                *--first = '-';
            put_field(put, &f, first);
        } else {
            return;                     /* a % at the very end */
        }
    }
}
