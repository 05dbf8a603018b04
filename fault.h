/* fault.h - a fault of the target's program in words. */
#ifndef FAULT_H
#define FAULT_H

/* The core stopped at vector catch: prints one line for the user, with say():
 *   HardFault: bus error on a data access (PRECISERR) at 0x30000000, from pc 0x08000200 ...
 * Nothing when the core's registers cannot be read. */
void fault_explain(void);

#endif
