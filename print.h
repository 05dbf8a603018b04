/* print.h - printf without a library: text for people, and XML for gdb.
 *
 * Understands %s %d %u %x %c %%, a width, a leading 0 or - (pad with zeros, pad on the
 * right), and the l of %lu, which is what gcc for ARM wants to see for a uint32_t.
 *
 *   called by  monitor.c, gdb_remote.c      calls  nothing */
#ifndef PRINT_H
#define PRINT_H

#include <stdarg.h>

/* Writes at most size bytes with the final 0 (size > 0); what does not fit is cut off.
 * Returns the length of what was written. */
int print_list(char *text, int size, const char *format, va_list list);
int print_text(char *text, int size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
