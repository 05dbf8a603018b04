/* cmsis_dap.h - CMSIS-DAP v2.1 over USB bulk: OpenOCD, pyOCD, probe-rs and others. */
#ifndef CMSIS_DAP_H
#define CMSIS_DAP_H

#include "usb.h"

enum { DAP_EP = 3 };                    /* OUT and IN */

void dap_poll(void);                    /* in main's loop: does what has arrived */
bool dap_waiting(void);                 /* ... and there is something to do */
bool dap_lit(void);                     /* a host says that it is connected */

/* For the tables of probe.c; in the interrupt. */
void dap_event(int endpoint, enum usb_event event);
void dap_configured(bool yes);

#endif
