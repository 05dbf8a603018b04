/* error.h - what can go wrong between the wire and the user, in one list.
 *
 * Layers 2 to 4 (adi, cortexm, target, flash) return 0 for success or one of these.
 * gdb_remote.c and monitor.c turn them into words with error_text(). */
#ifndef ERROR_H
#define ERROR_H

enum error {
    OK = 0,
    ERR_NO_ANSWER,      /* the wire is silent: no target, no power, or a cut wire */
    ERR_WAIT,           /* WAIT until the bound was reached: the target's bus is stuck */
    ERR_FAULT,          /* the target's bus refused the access */
    ERR_PARITY,         /* damaged data, and it stayed damaged when retried */
    ERR_PROTOCOL,       /* an acknowledge that is none */
    ERR_LOST,           /* answered before, does not any more */
    ERR_NO_TARGET,      /* nothing attached */
    ERR_RUNNING,        /* needs a halted core */
    ERR_TIMEOUT,        /* the target answered but did not finish in time */
    ERR_LOCKED,         /* read or debug protection is on */
    ERR_PROTECTED,      /* write protection of this flash area is on */
    ERR_RANGE,          /* address or length outside of what the chip has */
    ERR_ALIGNMENT,
    ERR_ERASE,          /* the flash controller reported a failed erase */
    ERR_PROGRAM,        /* ... or a failed program operation */
    ERR_VERIFY,         /* read back differently */
    ERR_RESOURCES,      /* no comparator free */
    ERR_UNSUPPORTED,
    ERR_WIRE_TAKEN,     /* a CMSIS-DAP host has the wire */
    ERR_BUSY,           /* not an error: ask again (flash_poll) */
    ERR_READ_ONLY,      /* ROM, option bytes, fuses */
    ERR_FLASH_END,      /* behind what this chip has of its family's flash */
    ERR_ALIAS,          /* address 0 shows something else than the flash */
    ERR_REFUSED,        /* would lock the chip for ever, or change what the factory wrote */
    ERR_INDEX,          /* no target has this number */
    ERR_COUNT
};

/* One sentence, without a full stop at the end, that says what to do. */
const char *error_text(int error);

#endif
