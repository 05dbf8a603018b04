/* crash.c - a fault becomes a record and a reset.
 *
 * Nobody is there to halt a probe that has crashed, so it notes where and why, in memory
 * that a reset leaves alone, and starts again: USB comes back within a moment, and the
 * user can read the note with `monitor version`.
 *
 * The bootloader counts crashes in a row too, and keeps the third one to itself.
 *
 * crash_write() runs at the priority of the fault: another fault in here is a lockup,
 * which the watchdog ends.  So it only reads what cannot fault.
 *
 * Sources: ARMv7-M B1.5.6 (the frame), B3.2; RM0008 7.3.10 (RCC_CSR). */
#include "crash.h"
#include "backup.h"
#include "stm32f103.h"

struct crash_record crash __attribute__((section(".noinit")));
static uint32_t reset_flags;

/* What the processor pushes on entry, lowest address first. */
struct frame { uint32_t r0, r1, r2, r3, r12, lr, pc, xpsr; };

void crash_write(const struct frame *frame, uint32_t exc_return);
void crash_write(const struct frame *frame, uint32_t exc_return)
{
    uint32_t count = crash.magic == CRASH_MAGIC ? crash.count : 0;
    crash = (struct crash_record) {
        .magic = CRASH_MAGIC,
        .count = count + 1,
        .pc    = frame ? frame->pc : 0,         /* 0: the stack had run over */
        .lr    = frame ? frame->lr : exc_return,
        .xpsr  = frame ? frame->xpsr : 0,
        .exception = SCB.ICSR & 0x1FF,
        .cfsr  = SCB.CFSR,
        .bfar  = SCB.BFAR,
    };
    backup_count_crash(false);
    SCB.AIRCR = SCB_AIRCR_SYSRESET;
    for (;;) {                          /* the reset takes a few cycles to arrive */
    }
}

void crash_start(void)
{
    if (crash.magic != CRASH_MAGIC)
        crash = (struct crash_record) { .magic = 0 };
    reset_flags = RCC.CSR >> 26;
    if (backup_take_watchdog())         /* the bootloader has erased this flag */
        reset_flags |= RESET_BY_WATCHDOG;
    RCC.CSR |= RCC_CSR_RMVF;
}

uint32_t crash_reset_flags(void)
{
    return reset_flags;
}
