/* print.h - printf without a library: text for people, packets and XML for gdb.
 *
 * Understands %s %u %x %c %%, a width, and a leading 0 or - (pad with zeros, pad on the
 * right).
 *
 * The texts of an image are squeezed (tools/squeeze.py), conversions and all; nobody but
 * print.c notices. */
#ifndef PRINT_H
#define PRINT_H

#include <stdarg.h>

/* Each character goes to put(). */
void print_text(void (*put)(char c), const char *text);
void print_list(void (*put)(char c), const char *format, va_list list);

#endif
