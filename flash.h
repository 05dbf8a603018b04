/* flash.h - a family of chips, and its flash controller, as data.
 *
 *   chips_stm32.c   STM32          chips_sam.c   Microchip SAM          chips_nordic.c   nRF
 *
 * A controller is its registers' address and its procedures, each a list of steps in the order
 * of the manual's page.  Two programs follow them: flash.c through the debug port, and
 * loader_code.s in the target's RAM.  What is done with them is in flash_job.c.
 *
 * docs/adding-a-chip.md shows how to add a part, a controller, a family. */
#ifndef FLASH_H
#define FLASH_H

#include "reg.h"
#include "target.h"

/* What a step does.  `reg` counts words from the controller's base.  The address is that of the
 * block to be erased, or where the next data go. */
enum verb {
    END,
    PUT,                                /* reg := value */
    PUT_ADDRESS,                        /* reg := the address, shifted as the controller says */
    PUT_NUMBER,                         /* reg := value | the block's number, shifted likewise,
                                         * and PSIZE where the width is the user's */
    SET,                                /* reg |= value */
    WAIT_CLEAR,                         /* until no bit of value is set in reg */
    WAIT_SET,                           /* until one is */
    STORE,                              /* the data, as many as one act of programming takes */
    UNTIL,                              /* done, unless what was stored ends value bytes */
    /* Only through the debug port, so not in erase and program: */
    KEYS,                               /* reg := two of them, FLASH_KEYS or OPTION_KEYS */
    IF_SET,                             /* is a bit of value set in reg?  Else skip a step */
    CHECK, CHECK_PROTECTED,             /* a bit of value is set: the act failed; clear it */
    HIGH = 0x80                         /* with any of them: value is that of bits 31 to 16 */
};
enum { FLASH_KEYS, OPTION_KEYS };       /* of all of ST's */
struct step {
    uint8_t verb, reg;
    uint16_t value;
};

struct controller {
    uint32_t base;
    uint16_t limit_ms;                  /* for the erasing of a block, at its slowest */
    uint8_t address_shift;              /* PUT_ADDRESS: right by so many bits ... */
    uint8_t number_shift;               /* ... PUT_NUMBER: left */
    uint8_t width;                      /* STORE: bytes a bus access; 0: `monitor psize` ... */
    uint8_t burst_log2;                 /* ... and 2^n bytes in one go, up to 8 */
    uint8_t unit_log2;                  /* 2^n bytes are programmed at the least */
    bool readable;                      /* what PUT_ADDRESS wrote can be read back */
    const struct step *steps;           /* its procedures, in this order, each up to its END */
};
enum procedure {
    TO_OPEN, TO_CLOSE,                  /* unlock, lock again */
    TO_CHECK,                           /* waits until all is done, and looks at the error flags */
    TO_ERASE_ALL,                       /* begins to */
    TO_ERASE, TO_PROGRAM,               /* a block; bytes */
    /* The same for options, behind TO_OPEN.  To erase them may be nothing. */
    TO_OPEN_OPTIONS, TO_ERASE_OPTIONS, TO_PROGRAM_OPTIONS
};
const struct step *flash_steps(const struct controller *controller, enum procedure which);

/* flash.c: follows a procedure through the debug port. */
struct flash_act {
    uint32_t address;                   /* of the block, or of the data */
    uint32_t number;                    /* of the block */
    const uint8_t *bytes;
    uint32_t length;                    /* of one STORE */
};
/* Each WAIT takes limit_ms at most: ERR_TIMEOUT. */
int flash_follow(const struct controller *controller, enum procedure which,
                 const struct flash_act *act, uint32_t limit_ms);
int flash_follow_steps(const struct controller *controller, const struct step *step,
                       const struct flash_act *act, uint32_t limit_ms);
/* Whole units; then looks at the error flags. */
int flash_program(const struct controller *controller, enum procedure which, uint32_t address,
                  const uint8_t *bytes, uint32_t length);
int flash_open_options(const struct controller *controller);
int flash_erase_block(const struct region *region, uint32_t block);
uint32_t flash_width(const struct controller *controller);
/* What PUT_NUMBER adds for the block with this address. */
uint32_t flash_number_bits(const struct region *region, uint32_t block);

/* Bits of a register, in that half of it. */
enum { HALF_LAST = 1, HALVES_MAX = 6 };
struct half {
    uint32_t at;                        /* with bit 0 set: the last of a list */
    uint16_t mask, value;
};

struct chip {
    uint8_t ap, kind;                   /* kind: for its family to use */
    bool locked;                        /* read or debug protection is on */
    uint8_t open_option;                /* ... the first option's value without; 0: others too */
    const char *core;                   /* "M0+" */
    uint32_t cpuid;                     /* 0: the core cannot be read */
    uint32_t id;                        /* the number it was recognized by */
    const struct family *family;        /* 0: a plain Cortex-M, nothing else is known */
    const struct options *options;
    uint32_t flash_base;                /* not 0: the flash is seen at 0, too */
    uint32_t flash_size;                /* as the chip says itself */
    uint32_t ram_base, ram_size;        /* where the loader may work */
    const struct half *pin;             /* what makes a pin SWO; 0: none, or not known */
    char name[20];                      /* "ATSAMD21G18A" */
};

/* What a chip looks at when it starts: options.c.  To their controller they are one page. */
struct options {
    const struct controller *controller;
    uint32_t base, in_force;            /* in_force: a register that tells; 0: base does */
    uint16_t size;                      /* bytes that are erased at once, 2 KB at most */
    uint8_t shown, unit;                /* bytes */
    uint16_t first;                     /* the offset of what is shown first */
};

struct family {
    /* Fills in chip if it is one of this family.  chip->cpuid and core are known. */
    bool (*identify)(struct chip *chip);
    /* The chip has been attached and halted, or was reset: clocks of the debugger, and no
     * watchdog while it is halted.  Off: it is left, and this is put back as found.  0: the
     * chip does so by itself. */
    int (*debugged)(const struct chip *chip, bool on);
    /* Its memory: target_map() for each piece, and target_map_flash(). */
    void (*map)(const struct chip *chip);

    /* Around a flash job: clocks.  Each may be 0. */
    void (*prepare)(const struct chip *chip), (*restore)(const struct chip *chip);
    /* May the target's core run meanwhile?  0: always. */
    bool (*may_run)(const struct chip *chip);
    uint32_t feed_at, feed;             /* a watchdog that runs with the core; 0: none */

    /* A locked chip: takes the lock off, which erases all; else the whole flash is erased by
     * each controller's own procedure.  0: the lock goes with these. */
    int (*unlock)(const struct chip *chip);
    int (*unlocking)(const struct chip *chip);  /* ERR_BUSY until it is open; 0: as above */
    const struct controller *mass;      /* if something else than them does it */

    /* Puts that into the option at this offset.  ERR_REFUSED; ERR_RANGE: it cannot be. */
    int (*change_option)(const struct chip *chip, uint32_t *words, uint32_t at, uint32_t value);
    /* Where the words of the chip's own number are, in their order; 0 behind the last. */
    uint32_t (*number)(const struct chip *chip, unsigned index);
    int (*lock)(const struct chip *chip, bool lock);    /* all regions; 0: has none */
};

extern const struct family stm32_family, samd_family, nordic_family;

/* flash_job.c: options made so, outside of a job; erased and programmed only if they are not so
 * already, and read back. */
uint32_t *flash_scratch(void);          /* 2 KB that only a job uses */
int flash_make_options(const struct options *options, const uint8_t *bytes);

/* target.c: the attached chip, or the locked one that cannot be; 0 when there is none. */
const struct chip *target_chip(void);
/* target.c: what map() calls.  Flash without a controller refuses all.  The first block has the
 * number 0, unless the region is told another. */
void target_map(enum region_kind kind, uint32_t base, uint32_t size);
struct region *target_map_flash(const struct controller *controller, uint32_t base,
                                uint32_t size, uint32_t block);
/* The flash that has this address, and a controller; 0: none. */
const struct region *target_flash(uint32_t address);
uint32_t target_blocks(void);           /* of all its flash */
void target_map_all(void);              /* anew: a program may have exchanged its banks */

/* target.c: the debug port, also that of a locked chip: for a mass erase. */
int target_reach(const struct chip *chip);
/* A locked chip was opened: what has to be done for it, and said. */
void target_is_open_now(void);

#endif
