/* rtt.h - RTT: a program's text out of its RAM and into it, while it runs. */
#ifndef RTT_H
#define RTT_H

#include <stdbool.h>
#include <stdint.h>

enum rtt_mode {
    RTT_AUTO,                           /* where gdb knows its symbol, while it is attached */
    RTT_ON,                             /* and it is searched for, and without any gdb */
    RTT_OFF
};
void rtt_set_mode(enum rtt_mode mode);
enum rtt_mode rtt_mode(void);
bool rtt_set_channel(uint32_t channel); /* false: RTT has no such channel */
void rtt_say_state(void);

void rtt_symbol(uint32_t address);      /* of _SEGGER_RTT; 0: the program has none */
/* The program is about to begin anew, or another one to come: what is in RAM by now is nobody's,
 * and must not be taken for the new one's.  The target is attached. */
void rtt_forget(void);
/* Nobody reads any more: a program that waits for a reader goes on without. */
void rtt_leave(void);
/* Moves what there is.  True: more may be there already. */
bool rtt_poll(void);

#endif
