/* settings.h - what the user has switched and wants to find again after a power cycle. */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

enum { SETTING_RS485 = 1 << 0 };        /* the bits; all are 0 on a new board */

void settings_start(void);              /* 40 ms once in 256 changes: before USB is up */
uint8_t settings_get(void);
/* Keeps the bits; about 0.1 ms.  False: the flash would not take them. */
bool settings_set(uint8_t bits);

#endif
