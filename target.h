/* target.h - which chip is this, what memory has it, and how to write its flash. */
#ifndef TARGET_H
#define TARGET_H

#include "cortexm.h"
#include "error.h"

enum { TARGET_MAX = 4, TARGET_REGIONS = 9 };

struct region {
    /* RAM: peripherals too.  Flash: also where chips of the family may have some, behind the
     * flash that this one has.  ROM: option bytes and fuses, too. */
    enum region_kind { REGION_RAM, REGION_FLASH, REGION_ROM } kind;
    uint32_t base, size;
    uint32_t page;                      /* flash: erase block in bytes, a power of two ... */
    const struct controller *controller;        /* ... of this kind, flash.h; 0: none ... */
    uint16_t number;                    /* ... to which the first block has this number ... */
    uint16_t index;                     /* ... and of all blocks of the chip this one */
};

/* What a scan found, in words for `monitor targets`. */
struct target_info {
    const char *name;                   /* "ATSAMD21G18A" */
    const char *core;                   /* "M0+": of Cortex-M0+ */
    uint32_t id;                        /* the number it was recognized by */
    bool locked;                        /* reading or debugging is restricted */
    bool attached;
    uint32_t flash_size;                /* 0: not known how to write it */
};

/* Looks for targets; with connect-under-reset on, while nRST is held low, so that the
 * target's program cannot get in the way.  OK with target_count() >= 1, or an error. */
int target_scan(void);
int target_count(void);
const struct target_info *target_info(int index);       /* index from 0 */

/* Takes a target under debug and halts it.  Scans first if nothing was scanned.
 * ERR_LOCKED when the chip lets nobody at its core: flash_mass_erase() works even so. */
int target_attach(int index);
/* Breakpoints gone, core running, wire released. */
void target_detach(void);
/* The same, but the wire stays ours: halted, for a program that has ended; or running and not
 * attached any more, but watched for its calls of semihosting. */
void target_leave(enum leave how);
bool target_watched(void);
bool target_attached(void);
/* Only looks: the first target's memory can be read, beside its program; the core is not taken
 * under debug.  Clocks and watchdogs are as when attached, until target_detach(). */
int target_look(void);
bool target_looked_at(void);
/* RAM of the target that is attached or looked at: where it begins, and bytes. */
uint32_t target_ram(uint32_t *size);
/* The target stopped answering: forget it (a new scan finds it again). */
void target_lost(void);

int target_regions(const struct region **regions);      /* count; 0 when not attached */
/* What memory is there from this address on, and how far that goes.  No hole is left: what is
 * in no region is RAM, be it peripherals. */
void target_piece(uint32_t from, struct region *piece);
bool target_has_controller(uint32_t address);           /* of its flash, there */

int target_read(uint32_t address, void *bytes, uint32_t length);
int target_write(uint32_t address, const void *bytes, uint32_t length);

/* Reset; connected through nRST too when pin is true.  Halted at the first instruction
 * if halt. */
int target_reset(bool pin, bool halt);

/* Options a user may set (monitor). */
struct target_options {
    bool connect_under_reset;
    uint32_t halt_timeout_ms;
    bool flash_skip;                    /* pages that hold their data are left alone */
    uint8_t psize;                      /* bytes that an STM32F2, F4 or F7 programs at once */
};
extern struct target_options target_options;

/* Flash.  The core must be halted, and the flash jobs may use it: between flash_begin()
 * and flash_end() nothing else may be asked of the target without flash_settle() before. */
int flash_begin(void);
bool flash_is_open(void);
/* Whole pages: ERR_RANGE, ERR_ALIGNMENT.  Noted only: a page is erased when its data have
 * come, or by flash_erase_rest(). */
int flash_erase(uint32_t address, uint32_t length);
/* Data in any chunks, ascending; ERR_RANGE outside of flash.  Returns before all is
 * written, so what goes wrong may be told by the next call; it stands then. */
int flash_write(uint32_t address, const uint8_t *bytes, uint32_t length);
/* Erases a page of those that got no data.  ERR_BUSY: there are more, left bytes. */
int flash_erase_rest(uint32_t *left);
/* Until what was given is done; core and RAM are as before the job. */
void flash_settle(void);
/* Given OK: writes and erases what is left.  Given an error, which it returns: leaves the
 * rest as it is.  Locks the controller in any case. */
int flash_end(int error);
/* Mass erase: starts it, then flash_poll() gives ERR_BUSY until done (bounded).  Needs
 * no flash_begin(), and for a locked chip no success of target_attach() either. */
int flash_mass_erase(void);
int flash_poll(void);

/* options.c: option bytes or fuses of the attached chip, which it looks at when it starts. */
struct option { uint32_t address, value; const char *note; };
int option_read(unsigned index, struct option *option);     /* ERR_RANGE behind the last */
/* All of them are erased and programmed anew, with one changed, and read back.  ERR_RANGE: no
 * such address or value; ERR_REFUSED: it would lock the chip for ever, or lose what the
 * factory wrote. */
int option_write(uint32_t address, uint32_t value);
int option_erase(void);                                     /* as it was delivered */
int chip_number(unsigned index, uint32_t *word);            /* ERR_RANGE behind the last */
int flash_lock(bool lock);                                  /* all regions, until a reset */

#endif
