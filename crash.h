/* crash.h - what is known about the last crash, for `monitor version`. */
#ifndef CRASH_H
#define CRASH_H

#include <stdint.h>

/* Lives in .noinit: survives every reset but not the loss of power. */
struct crash_record {
    uint32_t magic;                     /* CRASH_MAGIC, or there is no record */
    uint32_t count;                     /* crashes since power-on */
    uint32_t pc, lr, xpsr;              /* where; xpsr bits 8:0 = what was running */
    uint32_t exception;                 /* which handler: 3 HardFault, 16 + n interrupt n */
    uint32_t cfsr, bfar;                /* why, ARMv7-M B3.2.15 */
};
enum { CRASH_MAGIC = 0x50425543 };      /* "CUBP" */
extern struct crash_record crash;

/* First thing in main(): makes a record that was never written read as "none", and keeps
 * the reason of the last reset (RCC_CSR, bits 31:26 as 5:0). */
void crash_start(void);
uint32_t crash_reset_flags(void);
enum { RESET_BY_PIN = 1, RESET_BY_POWER = 2, RESET_BY_SOFTWARE = 4, RESET_BY_WATCHDOG = 8 };

#endif
