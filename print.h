/* print.h - printf without a library: text for people, packets and XML for gdb.
 *
 * Understands %s %d %u %x %c %%, a width, a leading 0 or - (pad with zeros, pad on the
 * right), and the l of %lu, which is what gcc for ARM wants to see for a uint32_t.
 *
 * The texts of an image are squeezed (tools/squeeze.py); nobody but print.c notices.
 *
 *   called by  rsp.c, monitor.c, gdb_xml.c      calls  hex.c */
#ifndef PRINT_H
#define PRINT_H

#include <stdarg.h>

/* Each character goes to put(). */
void print_text(void (*put)(char c), const char *text);
void print_list(void (*put)(char c), const char *format, va_list list);

#endif
