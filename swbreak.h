/* swbreak.h - software breakpoints: a BKPT instruction in the place of the program's. */
#ifndef SWBREAK_H
#define SWBREAK_H

#include "error.h"
#include <stdbool.h>
#include <stdint.h>

int swbreak_set(uint32_t address);
int swbreak_clear(uint32_t address);
bool swbreak_at(uint32_t address);
void swbreak_renew(void);               /* the core has stopped: those that the program has
                                         * written over are set again */
void swbreak_remove_all(void);          /* memory as it was; the comparators are cleared
                                         * by whoever detaches */
void swbreak_forget(void);              /* target gone: nothing to put back */

/* Target memory as the program means it, without our BKPTs. */
int swbreak_read(uint32_t address, uint8_t *bytes, uint32_t length);
int swbreak_write(uint32_t address, const uint8_t *bytes, uint32_t length);

#endif
