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
        f->is_long = true;
        format++;
    }
    return format;
}

static void put_field(void (*put)(char c), const struct field *f, const char *text)
{
    int missing = f->width;

    for (const char *c = text; *c != '\0'; c++)
        missing--;
    if (!f->left)
        for (; missing > 0; missing--)
            put(f->fill);
    while (*text != '\0')
        put(*text++);
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
            put(*format);
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
