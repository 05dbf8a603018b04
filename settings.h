/* settings.h - what the user has switched and wants to find again after a power cycle. */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stdbool.h>

void settings_start(void);              /* 40 ms once in 512 changes: before USB is up */
bool settings_rs485(void);              /* false on a new board */
/* Keeps it; about 0.1 ms.  False: the flash would not take it. */
bool settings_set_rs485(bool on);

#endif
