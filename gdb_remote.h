/* gdb_remote.h - the GDB remote serial protocol server on the first serial port. */
#ifndef GDB_REMOTE_H
#define GDB_REMOTE_H

#include <stdbool.h>

void gdb_start(void);           /* power-on state */
/* One round of the main loop: takes bytes, executes packets, watches a running target.
 * Never waits longer than a bounded target operation. */
void gdb_poll(void);
/* The next gdb_poll() should come at once: the target was just resumed, or steps. */
bool gdb_busy(void);

/* Leaves the target, if there is one, running and without a trace of us. */
void gdb_detach(void);

#endif
