/* loader.h - a program in the target's RAM that erases and programs flash by itself. */
#ifndef LOADER_H
#define LOADER_H

#include "flash.h"

enum { LOADER_CHUNK = 256 };            /* bytes of a piece that travel together */
enum { LOADER_SLOTS = 2 };              /* filled - served may be so many */
enum { LOADER_CODE = 324, LOADER_STEPS = 16 };  /* loader_code.s: bytes; steps behind it */
enum { LOADER_RAM = LOADER_CODE + LOADER_STEPS * 4 + LOADER_SLOTS * (36 + LOADER_CHUNK) };

/* Takes RAM and registers of the halted target, and starts the loader, which will follow this
 * controller's procedures.  ERR_UNSUPPORTED if the chip, its RAM or the state of the wire do
 * not allow that: nothing is changed then. */
int loader_start(const struct controller *controller);
/* Halts the core, and puts RAM and registers back; does nothing if it does not run. */
int loader_stop(void);

/* To be read only. */
extern struct loader {
    const struct chip *chip;            /* it runs on that; 0: it does not run */
    const struct controller *controller;
    uint32_t filled, served;            /* chunks since its start */
    uint32_t turn;                      /* slots that were used for other things */
    uint32_t sums[LOADER_SLOTS];        /* of the piece that a chunk belongs to */
    uint32_t deadline;                  /* for the chunk that is being done */
} loader;

/* The next chunk of a piece; only whole pieces are put, from their beginning.  A piece that is
 * a block is erased unless it is erased already, and with skip left alone if it reads as it
 * should.  Part of a block has to be erased. */
int loader_put(const struct region *flash, uint32_t piece, const uint8_t *bytes, uint32_t size,
               bool skip);
/* Is the oldest chunk done?  ERR_BUSY: not yet.  OK; or ERR_VERIFY, if it was a piece's last
 * and the piece does not read as it should.  Other errors: the loader does not work. */
int loader_look(uint32_t size);
/* Is all of it erased?  Only when all that was put is done. */
int loader_blank(uint32_t address, uint32_t length, bool *blank);

extern const uint8_t loader_code[LOADER_CODE];  /* loader_code.s */

#endif
