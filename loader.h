/* loader.h - a program in the target's RAM that erases and programs flash by itself. */
#ifndef LOADER_H
#define LOADER_H

#include "flash.h"

enum { LOADER_CHUNK = 256 };            /* bytes of a page that travel together */
enum { LOADER_CODE = 224 };             /* bytes of loader_code.s */

/* Takes RAM and registers of the halted target, and starts the loader.  ERR_UNSUPPORTED if
 * the chip, its RAM or the state of the wire do not allow that: nothing is changed then. */
int loader_start(const struct chip *chip);
/* Halts the core, and puts RAM and registers back; does nothing if it does not run. */
int loader_stop(void);

enum { LOADER_SLOTS = 2 };              /* put - done may be so many */

/* To be read only. */
extern struct loader {
    const struct chip *chip;            /* it runs on that; 0: it does not run */
    uint32_t put, done;                 /* chunks since its start */
    uint32_t sums[LOADER_SLOTS];        /* of the page that a chunk belongs to */
    uint32_t deadline;                  /* for the chunk that is being done */
} loader;

/* The next chunk of a page; only whole pages are put, from their beginning.  With skip,
 * a page that reads as it should already is left alone. */
int loader_put(uint32_t page, const uint8_t *bytes, bool skip);
/* Is the oldest chunk done?  ERR_BUSY: not yet.  OK; or ERR_VERIFY, if it was a page's
 * last and the page does not read as it should.  Other errors: the loader does not work. */
int loader_look(void);

extern const uint8_t loader_code[LOADER_CODE];  /* loader_code.s */

#endif
