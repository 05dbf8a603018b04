/* gdb_remote.h - the GDB remote serial protocol server on the first serial port. */
#ifndef GDB_REMOTE_H
#define GDB_REMOTE_H

void gdb_start(void);           /* power-on state */
/* One round of the main loop: takes bytes, executes packets, watches a running target.
 * Never waits longer than a bounded target operation. */
void gdb_poll(void);

/* Console text to the user ("O" packet); only while a command or a continue is open. */
void gdb_console(const char *text, int length);

#endif
