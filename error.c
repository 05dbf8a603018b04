/* error.c - the words for every error that the lower layers can return.
 *
 * One list, in the order of enum error: text behind text, which saves a pointer each.  A
 * sentence names what was seen and then what the user can do about it; there is no full
 * stop, so that a caller may add to it. */
#include "error.h"

static const char texts[] =
    /* OK */              "done\0"
    /* ERR_NO_ANSWER */   "no answer: check power, GND and wires, or 'monitor connect_rst "
                          "enable'\0"
    /* ERR_WAIT */        "the target's bus is stuck, or stopped to sleep: 'monitor "
                          "connect_rst enable', scan again\0"
    /* ERR_FAULT */       "the target refused this address\0"
    /* ERR_PARITY */      "bits damaged on SWD: shorten the wires or lower 'monitor "
                          "frequency'\0"
    /* ERR_PROTOCOL */    "\0"          /* to a user, the same */
    /* ERR_LOST */        "target lost: check power and wires, then scan again\0"
    /* ERR_NO_TARGET */   "no target: 'monitor swd_scan', then 'attach 1'\0"
    /* ERR_RUNNING */     "the core is running: halt it first\0"
    /* ERR_TIMEOUT */     "not done in time: reset the target and try again\0"
    /* ERR_LOCKED */      "the chip is locked: 'monitor erase_mass' erases and opens it\0"
    /* ERR_PROTECTED */   "this flash is write protected: unlock it first\0"
    /* ERR_RANGE */       "outside of this chip's memory\0"
    /* ERR_ALIGNMENT */   "not whole erase blocks: 'info mem' lists them\0"
    /* ERR_ERASE */       "the flash controller reports a failed erase\0"
    /* ERR_PROGRAM */     "the flash controller reports a failed write: erase first\0"
    /* ERR_VERIFY */      "memory reads back differently\0"
    /* ERR_RESOURCES */   "no comparator free: delete a breakpoint or watchpoint\0"
    /* ERR_UNSUPPORTED */ "this chip or core cannot do that\0"
    /* ERR_WIRE_TAKEN */  "a CMSIS-DAP host (OpenOCD, pyOCD, ...) has the wire: close it, or "
                          "'monitor wire free'\0"
    /* ERR_BUSY */        "still busy\0"
    /* ERR_READ_ONLY */   "ROM stays; option bytes and fuses are written by 'monitor option ADDRESS "
                          "VALUE'\0"
    /* ERR_FLASH_END */   "this chip's flash ends before: 'monitor targets' tells its size\0"
    /* ERR_ALIAS */       "address 0 is not the flash now: load to 0x08000000, or BOOT0 to 0 "
                          "and 'monitor reset'\0"
    /* ERR_REFUSED */     "refused: it locks the chip for ever, or changes bits of the factory\0"
    /* ERR_INDEX */       "no target has this number: 'monitor targets' lists them\0"
    /* ERR_COUNT */       "unknown error";

const char *error_text(int error)
{
    const char *text = texts;

    if (error < 0 || error > ERR_COUNT)
        error = ERR_COUNT;
    if (error == ERR_PROTOCOL)
        error = ERR_PARITY;
    for (; error > 0; error--)
        while (*text++ != '\0')
            ;
    return text;
}
