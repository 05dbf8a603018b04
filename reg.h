/* reg.h - registers of the target, as a list of accesses: the first error stays, and nothing
 * behind it is done.  reg_error() gives it, else `otherwise`, and the next list begins. */
#ifndef REG_H
#define REG_H

#include "error.h"
#include <stdbool.h>
#include <stdint.h>

uint32_t reg_get(uint32_t address);     /* 0 behind an error */
void reg_put(uint32_t address, uint32_t value);
void reg_note(int error);               /* of something else */
bool reg_works(void);                   /* no error yet */
int reg_error(int otherwise);

#endif
