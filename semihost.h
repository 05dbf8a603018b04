/* semihost.h - a program has its debugger do what an operating system would. */
#ifndef SEMIHOST_H
#define SEMIHOST_H

#include "hex.h"

enum semihost {
    SEMIHOST_NONE,                      /* it is no call */
    SEMIHOST_DONE,                      /* the answer is in r0; on behind the BKPT */
    SEMIHOST_ASKED,                     /* what was put asks gdb; its answer comes */
    SEMIHOST_ENDED                      /* what was put says that the program has ended */
};
/* The core stands on a BKPT of its program. */
enum semihost semihost_call(uint32_t pc);
/* gdb's answer; its number of an error, or 0. */
enum semihost semihost_answer(int32_t result, uint32_t error);

/* "NAME;ARGUMENT;...", in hex, for GET_CMDLINE. */
void semihost_command_line(struct scan *rest);

extern uint32_t semihost_heap[4];       /* for HEAPINFO; all 0: the program knows best */
extern bool semihost_redirect;          /* the console is the second port */

#endif
