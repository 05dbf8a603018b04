/* swd.h - Serial Wire Debug, as wire.c and a CMSIS-DAP host set it up; all else is in wire.h. */
#ifndef SWD_H
#define SWD_H

#include <stdbool.h>
#include <stdint.h>

void swd_take(void);            /* both pins are driven, high */
void swd_release(void);         /* both are inputs */

/* The shortest period that the loops can make which is not below so many sixteenths of a core
 * cycle, for a bit; returns it. */
uint32_t swd_set_period(uint32_t sixteenths);

/* Turnaround of 1 to 4 clocks; a data phase even after WAIT and FAULT.  Neither more than 1
 * nor true at more than 4 MHz: the frequency has to be set anew behind this. */
void swd_configure(int turnaround, bool always_data);

#endif
