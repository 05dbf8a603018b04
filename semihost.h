/* semihost.h - a program has its debugger do what an operating system would. */
#ifndef SEMIHOST_H
#define SEMIHOST_H

#include "gdb_server.h"

/* The core has stopped, as gdb.stop says.  True: for a call.  Either it is answered and the core
 * goes on, or semihost_poll() sees to that, or the program has ended. */
bool semihost_takes(void);
bool semihost_poll(void);               /* true: a call is under way, the core has to wait */

gdb_handler semihost_reply;             /* what became of what gdb was asked */
/* gdb writes its answer to where no memory is.  False: it is not for us. */
bool semihost_keep(uint32_t address, const uint8_t *bytes, uint32_t length);

/* ";NAME;ARGUMENT;...", in hex, for GET_CMDLINE. */
void semihost_command_line(struct scan *s);

extern bool semihost_used;              /* by a program, since the last load */
extern uint32_t semihost_heap[4];       /* for HEAPINFO; all 0: the program knows best */
extern bool semihost_redirect;          /* the console is the second port */

#endif
