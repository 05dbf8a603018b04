/* live.h - looking at a target while it runs, for the second serial port. */
#ifndef LIVE_H
#define LIVE_H

#include <stdbool.h>
#include <stdint.h>

/* Beside what the target's UART says.  Gives up to length bytes; returns how many were taken. */
uint32_t live_put(const uint8_t *bytes, uint32_t length);
uint32_t live_room(void);               /* bytes that live_put() would take now */

void live_poll(void);
bool live_busy(void);                   /* it wants to be called again at once */
/* The wire, or the target, is wanted by somebody else, or left. */
void live_give_way(void);

#endif
