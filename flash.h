/* flash.h - a family of chips as target.c sees it: how to recognize one, and how its
 * flash controller erases and programs.
 *
 *   flash_stm32.c   STM32 F0, F1, F3        flash_samd.c   SAM D, L, C
 *
 * What is done with them: flash_job.c.
 *
 * Add a family: write its file with one `const struct family`, and add that to the table
 * in target.c. */
#ifndef FLASH_H
#define FLASH_H

#include "reg.h"
#include "target.h"

struct chip {
    uint8_t ap, kind;                   /* kind: for its family to use */
    bool locked;                        /* read or debug protection is on */
    uint8_t open_option;                /* ... the first option's value without; 0: others too */
    const char *core;                   /* "M0+" */
    uint32_t cpuid;                     /* 0: the core cannot be read */
    uint32_t id;                        /* the number it was recognized by */
    const struct family *family;        /* 0: a plain Cortex-M, nothing else is known */
    uint32_t flash_base, flash_size, page;      /* page: what is erased at once; base: not
                                         * 0 means that the flash is seen at 0, too */
    uint32_t ram_base, ram_size;
    char name[24];                      /* "ATSAMD21G18A" */
};

struct family {
    /* Fills in chip if it is one of this family.  chip->cpuid and core are known. */
    bool (*identify)(struct chip *chip);
    /* The chip has been attached and halted, or was reset: clocks of the debugger, and no
     * watchdog while it is halted.  Off: it is left, and this is put back as found. */
    int (*debugged)(const struct chip *chip, bool on);

    int (*begin)(const struct chip *chip);      /* unlocks the controller */
    int (*end)(const struct chip *chip);        /* locks it */
    int (*erase)(const struct chip *chip, uint32_t page);   /* waits until it is done */
    /* Programs within one page, whole units; may return before it is done.  Then finish()
     * waits and says how it went. */
    int (*program)(const struct chip *chip, uint32_t address, const uint8_t *bytes,
                   uint32_t length);
    int (*finish)(const struct chip *chip);
    uint32_t unit;                      /* bytes */
    uint32_t room;                      /* for flash, whether this chip has it or not */
    uint32_t rom;                       /* 64 KB: what the maker wrote, option bytes, fuses */

    /* For loader_code.s: where it begins for this family, and which controller writes a page;
     * 0 when the target's core must not run now. */
    uint32_t loader;
    uint32_t (*controller)(const struct chip *chip, uint32_t page);

    int (*mass_erase)(const struct chip *chip); /* starts; takes the lock off as well */
    int (*poll)(const struct chip *chip);       /* ERR_BUSY until done */

    /* What a chip looks at when it starts: options.c.  begin, erase and program take `base`
     * for a page. */
    struct options {
        uint32_t base, in_force;        /* in_force: the controller's register that tells */
        uint16_t size;                  /* bytes that are erased at once, 256 at most */
        uint8_t shown, unit;            /* bytes */
    } options;
    /* Puts that into the one at this offset.  ERR_REFUSED; ERR_RANGE: it cannot be. */
    int (*change_option)(const struct chip *chip, uint32_t *words, uint32_t at, uint32_t value);
    /* Where the words of the chip's own number are, in their order; 0 behind the last. */
    uint32_t (*number)(const struct chip *chip, unsigned index);
    int (*lock)(const struct chip *chip, bool lock);    /* all regions; 0: has none */
};
enum { FLASH_PAGE_MAX = 2048 };         /* larger pages cannot be written */
enum { LOADER_SAMD = 0, LOADER_STM32 = 4 };     /* loader_code.s: the entries */

extern const struct family stm32_family, samd_family;

/* flash_job.c: one page of any size made so, outside of a job; erased and programmed only if
 * it is not so already, and read back. */
int flash_make(uint32_t page, const uint8_t *bytes, uint32_t length);

/* target.c: the attached chip, or the locked one that cannot be; 0 when there is none. */
const struct chip *target_chip(void);

#endif
