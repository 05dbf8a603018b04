/* swo.h - what a running program tells by one pin, SWO: received, and set up in the target. */
#ifndef SWO_H
#define SWO_H

#include <stdbool.h>
#include <stdint.h>

enum { SWO_FASTEST = 2250000 };         /* baud */

/* Bit n of ports: text of the ITM's port n; 0: all bytes as they come.  What cannot be is said:
 * false. */
bool swo_receive(uint32_t baud, uint32_t ports);
void swo_stop(void);
void swo_frame(void);                   /* every millisecond, from the interrupt */
void swo_say_state(void);

/* The attached target's trace units and pin; hz is what clocks them.  Why not is said. */
int swo_set_up(uint32_t hz, uint32_t baud);
/* Before the target is left: its pin is as it was found, unless somebody listens to it. */
void swo_leave(void);

#endif
