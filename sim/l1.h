/* l1.h - the two level 1 caches of a Cortex-M7, as far as a debugger sees them.
 *
 *   called by  a chip's cacheable memories, nvic.c (registers)      calls  cpu.h */
#ifndef L1_H
#define L1_H

#include "cpu.h"

struct l1;

/* Sizes in bytes: 4, 8, 16, 32 or 64 KB.  `switched` is told when a cache goes on or off, so
 * that the chip's memories need not ask while both are off. */
struct l1 *l1_new(struct cpu *cpu, uint32_t instruction_bytes, uint32_t data_bytes,
                  void (*switched)(void *ctx), void *ctx);
void l1_free(struct l1 *l1);
void l1_power(struct l1 *l1);               /* contents are unknown from here on */
bool l1_is_on(const struct l1 *l1);         /* one of the two */

/* The present access of the bus, which master makes it is in bus->master, to normal memory at
 * `address`; `memory` is that byte.  Below 0x20000000 it is written through (B3.1). */
uint32_t l1_read(struct l1 *l1, uint32_t address, uint8_t *memory, int width);
void l1_write(struct l1 *l1, uint32_t address, uint8_t *memory, uint32_t value, int width);

/* For nvic.c: CCR.IC and CCR.DC have been written; registers by their offset from 0xE000E000. */
void l1_control(struct l1 *l1, uint32_t ccr);
uint32_t l1_read_register(const struct l1 *l1, uint32_t offset);
void l1_write_register(struct l1 *l1, uint32_t offset, uint32_t value);

#endif
