/* monitor.h - `monitor` commands: what a user types at gdb for the probe itself. */
#ifndef MONITOR_H
#define MONITOR_H

#include "error.h"

/* Runs one command line (text, 0-terminated, changed in place).  Output goes out with
 * say().  Returns OK or an error that has already been explained. */
int monitor_run(char *line);

#endif
