/* mem.h - the part of <string.h> that this firmware has (mem.c).  On a host these are the
 * C library's own. */
#ifndef MEM_H
#define MEM_H

#include <stddef.h>

void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);

#endif
