/* print.c - printf without a library (see print.h for what it understands). */
#include "print.h"
#include "hex.h"

/* Where the text goes, and one conversion of the format: %-08lx. */
struct output {
    char *at, *end;                     /* end: where the final 0 must fit */
};
struct conversion {
    bool left, zeros, is_long;
    int width;
    char kind;
};

static void put(struct output *out, char c)
{
    if (out->at < out->end)
        *out->at++ = c;
}

static void pad(struct output *out, int count, char c)
{
    for (; count > 0; count--)
        put(out, c);
}

static void put_string(struct output *out, const struct conversion *c, const char *s)
{
    int length = 0;

    while (s[length] != '\0')
        length++;
    if (!c->left)
        pad(out, c->width - length, ' ');
    for (int i = 0; i < length; i++)
        put(out, s[i]);
    if (c->left)
        pad(out, c->width - length, ' ');
}

static void put_number(struct output *out, const struct conversion *c,
                       uint32_t value, bool negative)
{
    char digits[12];                    /* "-4294967295" and the final 0 */
    char *first = digits + sizeof digits - 1;
    uint32_t base = c->kind == 'x' ? 16 : 10;

    *first = '\0';
    do {
        *--first = hex_char(value % base);
        value /= base;
    } while (value != 0);
    if (negative)
        *--first = '-';
    if (c->zeros)
        pad(out, c->width - (int)(digits + sizeof digits - 1 - first), '0');
    struct conversion rest = { .left = c->left, .width = c->zeros ? 0 : c->width };
    put_string(out, &rest, first);
}

static const char *read_conversion(const char *format, struct conversion *c)
{
    *c = (struct conversion){ 0 };
    for (; *format == '-' || *format == '0'; format++) {
        c->left |= *format == '-';
        c->zeros |= *format == '0';
    }
    for (; *format >= '0' && *format <= '9'; format++)
        c->width = c->width * 10 + (*format - '0');
    for (; *format == 'l'; format++)
        c->is_long = true;
    c->kind = *format;
    return *format == '\0' ? format : format + 1;
}

int print_list(char *text, int size, const char *format, va_list list)
{
    struct output out = { text, text + size - 1 };
    struct conversion c;

    while (*format != '\0') {
        if (*format != '%') {
            put(&out, *format++);
            continue;
        }
        format = read_conversion(format + 1, &c);
        if (c.kind == 's') {
            put_string(&out, &c, va_arg(list, const char *));
        } else if (c.kind == 'c') {
            char one[2] = { (char)va_arg(list, int), '\0' };
            put_string(&out, &c, one);
        } else if (c.kind == 'd') {
            long value = c.is_long ? va_arg(list, long) : va_arg(list, int);
            uint32_t size_of_it = (uint32_t)value;
            put_number(&out, &c, value < 0 ? 0 - size_of_it : size_of_it, value < 0);
        } else if (c.kind == 'u' || c.kind == 'x') {
            put_number(&out, &c, c.is_long ? (uint32_t)va_arg(list, unsigned long)
                                           : va_arg(list, unsigned), false);
        } else if (c.kind != '\0') {
            put(&out, c.kind);          /* %% */
        }
    }
    *out.at = '\0';
    return (int)(out.at - text);
}

int print_text(char *text, int size, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    int length = print_list(text, size, format, list);
    va_end(list);
    return length;
}
