/* vcd.h - the levels of nets over time, in a file for GTKWave or sigrok.
 *
 *   called by  main.c, tests      calls  wires.h */
#ifndef VCD_H
#define VCD_H

#include "wires.h"

struct vcd;

struct vcd *vcd_open(struct sim *sim, const char *path);    /* NULL: see errno */
void vcd_add(struct vcd *vcd, struct net *net);     /* before anything changes on it */
/* Writes what is left and lets go of the nets, which must still exist.  False: the disk
 * is full or so, see errno.  NULL is allowed. */
bool vcd_close(struct vcd *vcd);

#endif
