/* backup.h - what one image leaves for the next: a wish, and how often things went wrong. */
#ifndef BACKUP_H
#define BACKUP_H

#include <stdbool.h>

/* The application wants the bootloader to stay; the bootloader asks once. */
void backup_ask_to_stay(void);
bool backup_asked_to_stay(void);        /* and forgets it */

/* Crashes of the application in a row: counted by whoever sees one, forgotten when it has
 * run well for a while, or was started by a person. */
void backup_count_crash(bool by_watchdog);
int backup_crashes(void);
bool backup_take_watchdog(void);        /* it ended the last one; and forgets that */
void backup_forget_crashes(void);

#endif
