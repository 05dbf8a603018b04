/* chips_sam.c - Microchip SAM D, L and C with a Cortex-M0+, D5x and E5x with a Cortex-M4: their
 * two NVMCTRLs, and the DSU that knows the chip and erases it even when it is locked.
 *
 * An M0+'s flash is programmed by pages (64 bytes) and erased by rows of four.  A page is first
 * written to the page buffer, by 32-bit stores to the page's own address, and then by a
 * command; CTRLB.MANW makes sure that nothing is programmed before that.  Commands go to
 * CTRLA together with the key 0xA5 and are done when INTFLAG.READY is 1.
 *
 * A chip with the security bit lets a debugger at nothing but the DSU's copy at
 * 0x41002100: enough to recognize it and to erase it (data sheet, "Security
 * Enforcement"), which also takes the bit off.
 *
 * Source: SAM D21 data sheet DS40001882, chapters 13 (DSU) and 22 (NVMCTRL). */
#include "adi.h"
#include "clock.h"
#include "flash.h"

/* --- NVMCTRL (chapter 22) ----------------------------------------------------------- */

/* Registers of 8 and 16 bits are accessed as words, as the bus bridge allows: CSW need
 * not change, and a chip that came out of reset at 1 MHz makes every access count. */
enum { CTRLA = 0x00, CTRLB = 0x04, PARAM = 0x08, INTFLAG = 0x14, STATUS = 0x18, ADDR = 0x1C,
       LOCK = 0x20 };
enum {
    NVMCTRL = 0x41004000,
    CMD_ER = 0xA502, CMD_WP = 0xA504, CMD_EAR = 0xA505, CMD_WAP = 0xA506, CMD_LR = 0xA540,
    CMD_UR = 0xA541, CMD_PBC = 0xA544,
    CTRLB_MANW = 1 << 7,
    READY = 1 << 0,
    PROGE = 1 << 2, LOCKE = 1 << 3, NVME = 1 << 4, STATUS_ERRORS = PROGE | LOCKE | NVME,
    PAGE = 64, ROW_PAGES = 4,
};
static const struct step nvm_steps[] = {
    /* open */
    { WAIT_SET, INTFLAG / 4, READY },
    { PUT, STATUS / 4, STATUS_ERRORS },         /* what the program left is not our error */
    { SET, CTRLB / 4, CTRLB_MANW },
    { PUT, CTRLA / 4, CMD_PBC },                /* from here on WP leaves the buffer empty */
    { WAIT_SET, INTFLAG / 4, READY },
    { END },
    /* close */
    { WAIT_SET, INTFLAG / 4, READY },
    { END },
    /* check */
    { WAIT_SET, INTFLAG / 4, READY },
    { CHECK_PROTECTED, STATUS / 4, LOCKE },
    { CHECK, STATUS / 4, PROGE | NVME },
    { END },
    { END },                                        /* erase everything: nothing */
    /* erase: 22.6.4.4 */
    { WAIT_SET, INTFLAG / 4, READY },
    { PUT_ADDRESS, ADDR / 4, 0 },                  /* counts halfwords */
    { PUT, CTRLA / 4, CMD_ER },
    { WAIT_SET, INTFLAG / 4, READY },
    { END },
    /* program: 22.6.4.3 */
    { WAIT_SET, INTFLAG / 4, READY },
    { STORE, 0, 0 },
    { PUT, CTRLA / 4, CMD_WP },                 /* ADDR has followed the buffer (22.8.8) */
    { WAIT_SET, INTFLAG / 4, READY },
    { END },
    { END },                                    /* open options: nothing more */
    /* erase options: the user row, which has commands of its own */
    { PUT_ADDRESS, ADDR / 4, 0 },
    { PUT, CTRLA / 4, CMD_EAR },
    { WAIT_SET, INTFLAG / 4, READY },
    { END },
    /* program options */
    { STORE, 0, 0 },
    { PUT, CTRLA / 4, CMD_WAP },
    { WAIT_SET, INTFLAG / 4, READY },
    { END },
};
static const struct controller nvmctrl = {
    .base = NVMCTRL, .limit_ms = 200, .address_shift = 1, .width = 4, .burst_log2 = 6,
    .unit_log2 = 2, .readable = true,
    .steps = nvm_steps
};

enum { USER_ROW = 0x00804000, FUSES = 2, BOD_LEVEL_MAX = 48 };  /* words; above, it would be
                                                                 * reset for ever */
static const struct options user_row = {
    &nvmctrl, USER_ROW, NVMCTRL + LOCK, 256, 4 * FUSES, 4, 0
};

/* --- NVMCTRL of D5x and E5x (DS60001507 chapter 25) ---------------------------------------- */

/* Erased by blocks of 16 pages, programmed by pages of 512 bytes: a chunk of 256 is half of one.
 * The user page is written by quad words only. */
enum { FLAGS_5X = 0x10, ADDR_5X = 0x14, LOCKS_5X = 0x18 };   /* INTFLAG, above it STATUS; RUNLOCK */
enum {
    READY_5X = 1 << 0,                          /* of the upper half */
    LOCKE_5X = 1 << 3, ERRORS_5X = 0x76, ALL_5X = 0xFF,     /* ADDRE PROGE ECCSE ECCDE NVME */
    CMD_EP = 0xA500, CMD_EB = 0xA501, CMD_WP_5X = 0xA503, CMD_WQW = 0xA504, CMD_LR_5X = 0xA511,
    CMD_UR_5X = 0xA512, CMD_PBC_5X = 0xA515,
    PAGE_5X = 512, BLOCK_5X = 8192,
};
static const struct step nvm_5x_steps[] = {
    /* open */
    { WAIT_SET | HIGH, FLAGS_5X / 4, READY_5X },
    { PUT, FLAGS_5X / 4, ALL_5X },
    { PUT, CTRLB / 4, CMD_PBC_5X },
    { WAIT_SET | HIGH, FLAGS_5X / 4, READY_5X },
    { END },
    /* close */
    { WAIT_SET | HIGH, FLAGS_5X / 4, READY_5X },
    { END },
    /* check */
    { WAIT_SET | HIGH, FLAGS_5X / 4, READY_5X },
    { CHECK_PROTECTED, FLAGS_5X / 4, LOCKE_5X },
    { CHECK, FLAGS_5X / 4, ERRORS_5X },
    { END },
    { END },                                    /* erase everything: the DSU does that */
    /* erase: 25.6.6.5 */
    { WAIT_SET | HIGH, FLAGS_5X / 4, READY_5X },
    { PUT_ADDRESS, ADDR_5X / 4, 0 },
    { PUT, CTRLB / 4, CMD_EB },
    { WAIT_SET | HIGH, FLAGS_5X / 4, READY_5X },
    { END },
    /* program: 25.6.6.2 */
    { STORE, 0, 0 },
    { UNTIL, 0, PAGE_5X },
    { PUT, CTRLB / 4, CMD_WP_5X },              /* ADDR has followed the buffer */
    { WAIT_SET | HIGH, FLAGS_5X / 4, READY_5X },
    { END },
    { END },                                    /* open options: nothing more */
    /* erase options */
    { PUT_ADDRESS, ADDR_5X / 4, 0 },
    { PUT, CTRLB / 4, CMD_EP },
    { WAIT_SET | HIGH, FLAGS_5X / 4, READY_5X },
    { END },
    /* program options */
    { STORE, 0, 0 },
    { PUT, CTRLB / 4, CMD_WQW },
    { WAIT_SET | HIGH, FLAGS_5X / 4, READY_5X },
    { END },
};
static const struct controller nvm_5x = {
    .base = NVMCTRL, .limit_ms = 500, .width = 4, .burst_log2 = 8, .unit_log2 = 9,
    .readable = true,
    .steps = nvm_5x_steps
};
static const struct controller nvm_5x_user_page = {
    .base = NVMCTRL, .limit_ms = 500, .width = 4, .burst_log2 = 4, .unit_log2 = 4,
    .readable = true,
    .steps = nvm_5x_steps
};
static const struct options user_page = {
    &nvm_5x_user_page, USER_ROW, NVMCTRL + LOCKS_5X, PAGE_5X, 16, 4, 0
};

/* --- the DSU, as a debugger sees it: + 0x100 (chapter 13) ------------------------------- */

enum {
    DSU = 0x41002100, DSU_DID = DSU + 0x18,
    CTRL_CE = 1 << 4,                       /* CTRL, STATUSA, STATUSB: bytes of a word */
    STATUSA_DONE = 1 << 8, STATUSA_CRSTEXT = 1 << 9, STATUSA_BERR = 1 << 10,
    STATUSA_FAIL = 1 << 11, STATUSA_ALL = 0x1F << 8, STATUSB_PROT = 1 << 16,
};
/* STATUSA is cleared first, so that DONE is ours: the chip may be in reset extension when
 * nRST was used. */
static const struct step dsu_steps[] = {
    { END }, { END },                           /* open, close: nothing */
    /* check */
    { WAIT_SET, 0, STATUSA_DONE | STATUSA_FAIL | STATUSA_BERR },
    { CHECK, 0, STATUSA_FAIL | STATUSA_BERR },
    { END },
    /* erase everything */
    { PUT, 0, STATUSA_ALL },
    { PUT, 0, CTRL_CE },
    { END },
};
static const struct controller dsu = {
    .base = DSU, .steps = dsu_steps
};

enum { NUMBER_FIRST = 0x0080A00C, NUMBER_REST = 0x0080A040 };
enum { NUMBER_FIRST_5X = 0x008061FC, NUMBER_REST_5X = 0x00806010 };
enum { OSC8M = 0x40000820, OSC8M_PRESC = 3 << 8 };      /* 17.8.9: 8 MHz / 2^PRESC */
enum { REGIONS = 16 };

enum { WDT = 0x40000000, WDT_ENABLE = 1 << 1, WDT_ALWAYSON = 1 << 7 };

/* D5x, E5x: caches of the flash lines and of the core, CTRLA of theirs. */
enum { CACHEDIS = 3 << 14, WMODE = 3 << 4, CMCC_CTRL = 0x41006008, CMCC_MAINT0 = 0x41006020 };

static struct {
    uint32_t osc8m;                     /* to be restored; 0: was not changed */
    uint32_t ctrla, cmcc;
    bool watched;                       /* by the watchdog, if the core runs */
} found;

/* DID without die, revision and device: what the chip is called behind "ATSAM"; and where it
 * has its watchdog. */
static const struct series { uint16_t did, wdt; char name[4]; } series[] = {
    { 0x1000, 0x1000, "D20" }, { 0x1001, 0x1000, "D21" }, { 0x1002, 0x1000, "D10" },
    { 0x1003, 0x1000, "D11" }, { 0x1081, 0x1C00, "L21" }, { 0x1082, 0x1C00, "L22" },
    { 0x1100, 0x2000, "C20" }, { 0x1101, 0x2000, "C21" }, { 0x6006, 0x2000, "D51" },
    { 0x6181, 0x2000, "E51" }, { 0x6183, 0x2000, "E53" }, { 0x6184, 0x2000, "E54" },
};

/* --- around a job ------------------------------------------------------------------ */

static bool is_5x(const struct chip *chip)
{
    return chip->options == &user_page;
}

static bool is_d(const struct chip *chip)
{
    return (chip->id >> 16 & 0xFFFC) == 0x1000;
}

/* A D20 or D21 that was just reset runs at 1 MHz, and then the debugger's accesses cost
 * as much time as the flash itself.  For the job it gets all of the 8 MHz, which need no
 * wait states at any voltage (table 37-42); a chip on another clock does not notice. */
static void speed_up(const struct chip *chip)
{
    uint32_t osc8m = is_d(chip) ? reg_get(OSC8M) : 0;

    found.osc8m = osc8m & OSC8M_PRESC ? osc8m : 0;
    if (found.osc8m)
        reg_put(OSC8M, osc8m & ~(uint32_t)OSC8M_PRESC);
    reg_error(OK);                     /* then it goes slower */
}

static void prepare(const struct chip *chip)
{
    speed_up(chip);
    uint32_t wdt = reg_get(WDT + series[chip->kind].wdt);
    found.watched = reg_error(OK) || wdt & (WDT_ENABLE | WDT_ALWAYSON);
    if (!is_5x(chip))
        return;
    found.ctrla = reg_get(NVMCTRL);
    found.cmcc = reg_get(CMCC_CTRL);
    reg_put(NVMCTRL, (found.ctrla & ~(uint32_t)WMODE) | CACHEDIS);
    reg_put(CMCC_CTRL, 0);
    reg_error(OK);
}

/* The caches are empty before they are on again. */
static void put_back(const struct chip *chip)
{
    if (found.osc8m)
        reg_put(OSC8M, found.osc8m);
    found.osc8m = 0;
    if (is_5x(chip)) {
        reg_put(NVMCTRL, found.ctrla);
        reg_put(CMCC_MAINT0, 1);
        reg_put(CMCC_CTRL, found.cmcc);
    }
    reg_error(OK);
}

/* The watchdog stands still only while the core does. */
static bool may_run(const struct chip *chip)
{
    (void)chip;
    return !found.watched;
}

/* D5x, E5x: channel 47 of GCLK on; PB30's function H, and that it has one. */
static const struct half pb30[] = {
    { 0x40001D3C, 0x40, 0x40 }, { 0x410080BE, 0xF00, 0x700 }, { 0x410080DE | HALF_LAST, 1, 1 }
};

/* --- which one is it ---------------------------------------------------------- */

/* D20 and D21 count down from J18A: package J, G, E and flash size 18 to 15 (256 to
 * 32 KB); the B variants have two sizes each from J16B on. */
static void samd_name(struct chip *chip, const char *series_name)
{
    uint32_t device = chip->id & 0xFF;
    char *tail = chip->name + sizeof "ATSAMD21" - 1;    /* chip is all zeros */

    __builtin_memcpy(chip->name, "ATSAM", 5);
    __builtin_memcpy(chip->name + 5, series_name, 3);
    if ((chip->id >> 16 & 0xFFFE) != 0x1000)
        return;
    char package = 'G', size = '8', variant = 'A';
    if (device < 0x0E && device % 5 < 4) {
        package = "JGE"[device / 5];
        size = (char)(size - device % 5);
    } else if (device == 0x0F || device == 0x10) {      /* wafer level packages */
        size = (char)(size - (device - 0x0F));
    } else if (device >= 0x20 && device <= 0x28 && (device - 0x20) % 3 < 2) {
        package = "JGE"[(device - 0x20) / 3];
        size = (char)('6' - (device - 0x20) % 3);
        variant = 'B';
    } else {
        return;
    }
    tail[0] = package;
    tail[1] = '1';
    tail[2] = size;
    tail[3] = variant;
}

/* PARAM says how many pages of which size; RAM is an eighth of the flash on all, and at
 * least 4 KB. */
static void measure(struct chip *chip)
{
    reg_note(chip->locked ? ERR_LOCKED : OK);
    uint32_t param = reg_get(NVMCTRL + PARAM);
    if (reg_error(OK))
        param = 3u << 16 | 4096;        /* the largest: 256 KB of 64-byte pages */
    chip->flash_size = (param & 0xFFFF) * (8u << (param >> 16 & 7));
    chip->ram_base = 0x20000000;
    chip->ram_size = chip->flash_size / 8 > 4096 ? chip->flash_size / 8 : 4096;
}

/* A reset that ends while SWCLK is low, as it is now and then when somebody presses the
 * button, leaves the core standing until the debugger says so (13.6.2). */
static bool samd_identify(struct chip *chip)
{
    uint32_t part = chip->cpuid >> 4 & 0xFFF;           /* Cortex-M0+, M4 */

    if (chip->cpuid && part != 0xC60 && part != 0xC24)
        return false;
    uint32_t did = reg_get(DSU_DID), status = reg_get(DSU);
    if (reg_error(OK))
        return false;
    for (unsigned i = 0; i < sizeof series / sizeof *series; i++)
        if (did >> 16 == series[i].did) {
            chip->id = did;
            chip->kind = (uint8_t)i;
            chip->options = &user_row;
            if (did >> 28 == 6)
                chip->options = &user_page, chip->pin = pb30;
            chip->locked = status & STATUSB_PROT;
            if (chip->locked)
                chip->cpuid = 0;
            else
                reg_put(DSU, STATUSA_CRSTEXT);
            samd_name(chip, series[i].name);
            measure(chip);
            return true;
        }
    return false;
}

static void samd_map(const struct chip *chip)
{
    if (is_5x(chip))
        target_map_flash(&nvm_5x, 0, chip->flash_size, BLOCK_5X);
    else
        target_map_flash(&nvmctrl, 0, chip->flash_size, PAGE * ROW_PAGES);
    target_map(REGION_FLASH, chip->flash_size, 0x00400000 - chip->flash_size);
    target_map(REGION_RAM, chip->ram_base, chip->ram_size);
    target_map(REGION_ROM, 0x00800000, 0x10000);            /* user row, calibration */
}

/* --- fuses, number, locks --------------------------------------------------------- */

/* Bits that the factory wrote and nobody else may: DS40001882 table 10-3; L and C have one
 * more of them in front of the watchdog's, and one less behind. */
static const uint32_t keep_d[] = { 0x01FE0088, 0xFE00 }, keep_l_and_c[] = { 0x03FE0088, 0xFC00 },
                      keep_5x[] = { 0xC3FF8000, 0x8000FF00 };   /* DS60001507 table 9-2 */
#define ERASED 0xFFFFFFFFu                      /* what the factory wrote is lost already */

/* Behind the fuses the row is the user's. */
static int samd_change_option(const struct chip *chip, uint32_t *words, uint32_t at, uint32_t value)
{
    const uint32_t *keep = is_d(chip) ? keep_d : is_5x(chip) ? keep_5x : keep_l_and_c;
    uint32_t n = at / 4, old = words[n];

    words[n] = value;
    if (n < FUSES && old != ERASED && (old ^ value) & keep[n])
        return ERR_REFUSED;
    return !is_5x(chip) && (words[0] >> 8 & 63) > BOD_LEVEL_MAX && words[0] != ERASED
               ? ERR_REFUSED : OK;
}

static uint32_t samd_number(const struct chip *chip, unsigned index)
{
    uint32_t first = is_5x(chip) ? NUMBER_FIRST_5X : NUMBER_FIRST,
             rest = is_5x(chip) ? NUMBER_REST_5X : NUMBER_REST;

    return index == 0 ? first : index < 4 ? rest + 4 * (index - 1) : 0;
}

static int lock(const struct chip *chip, bool on)
{
    const struct controller *c = chip->options->controller;
    const struct step command = is_5x(chip)
        ? (struct step){ PUT, CTRLB / 4, on ? CMD_LR_5X : CMD_UR_5X }
        : (struct step){ PUT, CTRLA / 4, on ? CMD_LR : CMD_UR };
    const struct step steps[] = {
        { PUT_ADDRESS, is_5x(chip) ? ADDR_5X / 4 : ADDR / 4, 0 }, command, { END }
    };
    uint32_t regions = is_5x(chip) ? 32 : REGIONS;
    int error = flash_follow(c, TO_OPEN, 0, c->limit_ms);

    for (uint32_t i = 0; i < regions && !error; i++) {
        struct flash_act act = { .address = chip->flash_size / regions * i };
        error = flash_follow_steps(c, steps, &act, c->limit_ms);
        if (!error)
            error = flash_follow(c, TO_CHECK, 0, c->limit_ms);
    }
    return error;
}

const struct family samd_family = {
    .identify = samd_identify, .map = samd_map,
    .prepare = prepare, .restore = put_back, .may_run = may_run, .mass = &dsu,
    .change_option = samd_change_option, .number = samd_number, .lock = lock,
};
