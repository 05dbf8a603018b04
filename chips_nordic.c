/* chips_nordic.c - Nordic nRF51 and nRF52: NVMC, and the CTRL-AP that opens a locked chip.
 *
 * Flash begins at 0.  CONFIG allows either to write or to erase; a page is erased by writing
 * its address to a register, and programmed word by word, by storing to it.
 *
 * A locked chip (APPROTECT) shows of itself only a second access port, the CTRL-AP.  Erasing
 * everything there takes the lock off until the next reset; newer silicon locks itself again
 * unless its program does something about it (nRF52840 PS, "Debug and trace").
 *
 * Sources: nRF51 Reference Manual chapters 6 (NVMC) and 7 (FICR); nRF52832 and nRF52840 Product
 * Specifications, "NVMC", "FICR", "CTRL-AP", "WDT". */
#include "flash.h"
#include "adi.h"
#include "say.h"

/* --- NVMC -------------------------------------------------------------------------------- */

enum { NVMC = 0x4001E400 };
enum { READY = 0x000, CONFIG = 0x104, ERASEPAGE = 0x108, ERASEALL = 0x10C, ERASEUICR = 0x114 };
enum { REN = 0, WEN = 1, EEN = 2, IS_READY = 1 };       /* CONFIG; READY */

static const struct step nvmc_steps[] = {
    /* open */
    { WAIT_SET, READY / 4, IS_READY },
    { PUT, CONFIG / 4, REN },
    { END },
    /* close */
    { WAIT_SET, READY / 4, IS_READY },
    { PUT, CONFIG / 4, REN },
    { END },
    /* check: it has no error flags */
    { WAIT_SET, READY / 4, IS_READY },
    { END },
    /* erase everything */
    { PUT, CONFIG / 4, EEN },
    { PUT, ERASEALL / 4, 1 },
    { END },
    /* erase */
    { WAIT_SET, READY / 4, IS_READY },
    { PUT, CONFIG / 4, EEN },
    { PUT_ADDRESS, ERASEPAGE / 4, 0 },
    { WAIT_SET, READY / 4, IS_READY },
    { PUT, CONFIG / 4, REN },
    { END },
    /* program */
    { PUT, CONFIG / 4, WEN },
    { STORE, 0, 0 },
    { WAIT_SET, READY / 4, IS_READY },
    { END },
    { END },                                            /* open options: nothing more */
    /* erase options: UICR */
    { PUT, CONFIG / 4, EEN },
    { PUT, ERASEUICR / 4, 1 },
    { WAIT_SET, READY / 4, IS_READY },
    { END },
    /* program options */
    { PUT, CONFIG / 4, WEN },
    { STORE, 0, 0 },
    { WAIT_SET, READY / 4, IS_READY },
    { END },
};
static const struct controller nvmc = {
    .base = NVMC, .limit_ms = 500, .width = 4, .burst_log2 = 2, .unit_log2 = 2,
    .steps = nvmc_steps
};

/* UICR: of an nRF51 its first words; of an nRF52 PSELRESET, APPROTECT, NFCPINS, DEBUGCTRL, which
 * are behind the customer's. */
enum { UICR = 0x10001000, RBPCONF = UICR + 4, UICR_SIZE = 0x400 };
static const struct options uicr_51 = { &nvmc, UICR, 0, UICR_SIZE, 0x14, 4, 0 },
                            uicr_52 = { &nvmc, UICR, 0, UICR_SIZE, 0x14, 4, 0x200 };

/* CLOCK.TRACECONFIG: serial; the pin as output, with high drive. */
#define TRACECONFIG 0x4000055Cu
static const struct half p1_00[] = {
    { 0x50000A00, 0x701, 0x301 }, { (TRACECONFIG + 2) | HALF_LAST, 3, 1 }
}, p0_18[] = {
    { 0x50000748, 0x701, 0x301 }, { (TRACECONFIG + 2) | HALF_LAST, 3, 1 }
};

/* --- which one is it --------------------------------------------------------------------- */

enum { FICR = 0x10000000, CODEPAGESIZE = FICR + 0x10, CODESIZE = FICR + 0x14,
       NUMRAMBLOCK = FICR + 0x34, SIZERAMBLOCK = FICR + 0x38,           /* nRF51 */
       PPFC = FICR + 0x2C,                                              /* nRF51 */
       DEVICEID = FICR + 0x60,
       INFO_PART = FICR + 0x100, INFO_RAM = FICR + 0x10C };             /* nRF52 */
enum { CTRL_AP = 1, CTRL_AP_IDR = 0x02880000, AP_RESET = 0x00, AP_ERASEALL = 0x04,
       AP_ERASEALLSTATUS = 0x08, AP_APPROTECTSTATUS = 0x0C };
enum { RAM = 0x20000000, PAGE_51 = 1024, PAGE_52 = 4096 };

static void nordic_name(struct chip *chip, uint32_t part)      /* 0x52840 */
{
    __builtin_memcpy(chip->name, "nRF00000", 8);
    for (int i = 0; i < 5; i++)
        chip->name[3 + i] = (char)(chip->name[3 + i] + (part >> (16 - 4 * i) & 0xF));
}

static bool is_51(const struct chip *chip)
{
    return chip->options == &uicr_51;
}

/* Page size and number of pages tell a Nordic: nobody else has such words there. */
static bool is_open(struct chip *chip)
{
    uint32_t page = reg_get(CODEPAGESIZE), pages = reg_get(CODESIZE);
    bool is_52 = page == PAGE_52;

    if (reg_error(OK) || (page != PAGE_51 && !is_52) || pages - 1 >= 1024)
        return false;
    chip->id = is_52 ? reg_get(INFO_PART) : 0x51822;
    if (is_52 && chip->id >> 12 != 0x52)
        return false;
    chip->flash_size = page * pages;
    chip->options = is_52 ? &uicr_52 : &uicr_51;
    if (is_52)
        chip->pin = chip->id < 0x52833 ? p0_18 : p1_00;
    chip->ram_size = is_52 ? reg_get(INFO_RAM) * 1024
                           : reg_get(NUMRAMBLOCK) * reg_get(SIZERAMBLOCK);
    return reg_error(OK) == OK;
}

static bool is_locked(struct chip *chip)
{
    uint32_t idr = 0, open = 1;

    if (chip->ap != 0 || adi_ap_idr(CTRL_AP, &idr) || idr != CTRL_AP_IDR)
        return false;
    bool locked = adi_ap_read(CTRL_AP, AP_APPROTECTSTATUS, &open) == OK && !open;
    chip->id = idr;
    return locked;
}

static bool nordic_identify(struct chip *chip)
{
    if (!chip->cpuid) {
        chip->locked = is_locked(chip);
        __builtin_memcpy(chip->name, "nRF52", 6);
        return chip->locked;
    }
    if (!is_open(chip))
        return false;
    nordic_name(chip, chip->id);
    chip->ram_base = RAM;
    if (is_51(chip))                    /* PALL: the core can be debugged, flash reads as 0 */
        chip->locked = (reg_get(RBPCONF) >> 8 & 0xFF) == 0;
    reg_error(OK);
    return true;
}

static void nordic_map(const struct chip *chip)
{
    uint32_t page = chip->id >> 12 == 0x52 ? PAGE_52 : PAGE_51;

    target_map_flash(&nvmc, 0, chip->flash_size, page);
    target_map(REGION_FLASH, chip->flash_size, FICR - chip->flash_size);
    target_map(REGION_RAM, RAM, chip->ram_size);
    target_map(REGION_ROM, FICR, 0x2000);               /* FICR, UICR */
}

/* --- a locked chip ------------------------------------------------------------------------- */

/* An nRF51 has no CTRL-AP: its NVMC still erases everything. */
static int unlock(const struct chip *chip)
{
    if (!is_51(chip))
        return adi_ap_write(CTRL_AP, AP_ERASEALL, 1);
    int error = flash_follow(&nvmc, TO_OPEN, 0, nvmc.limit_ms);
    return error ? error : flash_follow(&nvmc, TO_ERASE_ALL, 0, nvmc.limit_ms);
}

static int unlocking(const struct chip *chip)
{
    uint32_t busy;

    if (is_51(chip))
        return flash_follow(&nvmc, TO_CHECK, 0, 0);     /* busy: ERR_TIMEOUT */
    int error = adi_ap_read(CTRL_AP, AP_ERASEALLSTATUS, &busy);
    if (error || busy)
        return error ? error : ERR_BUSY;
    error = adi_ap_write(CTRL_AP, AP_RESET, 1);
    return error ? error : adi_ap_write(CTRL_AP, AP_RESET, 0);
}

/* CLENR0 of an nRF51 makes flash that no debugger erases page by page.  And ERASEUICR works only
 * where the factory has put code (PPFC): else a 0 stays. */
static int nordic_change_option(const struct chip *chip, uint32_t *words, uint32_t at,
                                uint32_t value)
{
    uint32_t ones = value & ~words[at / 4];

    words[at / 4] = value;
    if (!is_51(chip))
        return OK;
    if (at == 0)
        return ERR_REFUSED;
    if (!ones || !(uint8_t)reg_get(PPFC))
        return reg_error(OK);
    say("Only `monitor erase_mass` makes ones of its zeros.\n");
    return ERR_PROGRAM;
}

static uint32_t nordic_number(const struct chip *chip, unsigned index)
{
    (void)chip;
    return index < 2 ? DEVICEID + 4 * index : 0;
}

const struct family nordic_family = {
    .identify = nordic_identify, .map = nordic_map,
    .feed_at = 0x40010600, .feed = 0x6E524635,          /* WDT RR[0] */
    .unlock = unlock, .unlocking = unlocking,
    .change_option = nordic_change_option, .number = nordic_number,
};
