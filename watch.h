/* watch.h - values of a program's variables as lines on the second port, while it runs. */
#ifndef WATCH_H
#define WATCH_H

#include <stdbool.h>
#include <stdint.h>

/* ">NAME:VALUE" so many times a second, 1 to 1000, of 8, 16 or 32 bits: 'u' without a sign, 'i'
 * with one, 'f' a float of 32.  False: it is not so, there are eight, the name is longer than 11
 * characters, or the address is not a multiple of the size. */
bool watch_add(const char *name, uint32_t address, char kind, uint32_t bits, uint32_t hz);
void watch_clear(void);
bool watch_any(void);
void watch_poll(void);

#endif
