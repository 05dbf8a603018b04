/* mem.h - bytes in memory: the part of <string.h> that this firmware has (mem.c; on a host
 * these are the C library's own), and words at any address. */
#ifndef MEM_H
#define MEM_H

#include <stddef.h>
#include <stdint.h>

void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);

/* Four bytes at any address, as one number: the core loads and stores them in one go. */
struct word { uint32_t value; } __attribute__((packed, may_alias));

#endif
