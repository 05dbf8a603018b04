/* profile.h - in which functions of the firmware the probe's cycles go; see profile.c. */
#ifndef PROFILE_H
#define PROFILE_H

#include "board.h"

struct profile;

/* Counts from now on.  elf names the functions (BUILD/probe.elf). */
struct profile *profile_start(const struct board *board, const char *elf);
/* Stops, and prints the functions that took most; with addresses > 0 that many single
 * instructions too, to be looked up in BUILD/probe.lst.  Frees it. */
void profile_stop(struct profile *profile, const char *title, int addresses);

#endif
