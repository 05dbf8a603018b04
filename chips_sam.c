/* chips_sam.c - Microchip SAM D, L and C with a Cortex-M0+: NVMCTRL, and the DSU that
 * knows the chip and erases it even when it is locked.
 *
 * Flash is programmed by pages (64 bytes) and erased by rows of four.  A page is first
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
    CMD_ER = 0xA502, CMD_WP = 0xA504, CMD_EAR = 0xA505, CMD_WAP = 0xA506, CMD_LR = 0xA540, CMD_UR = 0xA541, CMD_PBC = 0xA544,
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
    .base = NVMCTRL, .limit_ms = 200, .address_shift = 1, .width = 4, .burst_log2 = 6, .unit = 4,
    .readable = true,
    .steps = nvm_steps
};

enum { USER_ROW = 0x00804000, FUSES = 2, BOD_LEVEL_MAX = 48 };  /* words; above, it would be
                                                                 * reset for ever */
static const struct options user_row = {
    &nvmctrl, USER_ROW, NVMCTRL + LOCK, 256, 4 * FUSES, 4
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
    /* open */

    { END },
    /* close */

    { END },
    /* check */
    { WAIT_SET, 0, STATUSA_DONE | STATUSA_FAIL | STATUSA_BERR },
    { CHECK, 0, STATUSA_FAIL | STATUSA_BERR },
    { END },
    /* erase everything */
    { PUT, 0, STATUSA_ALL },
    { PUT, 0, CTRL_CE },
    { END },
    { END },                                        /* erase: nothing */
    { END },                                        /* program: nothing */
};
static const struct controller dsu = {
    .base = DSU, .steps = dsu_steps
};

enum { NUMBER_FIRST = 0x0080A00C, NUMBER_REST = 0x0080A040 };
enum { OSC8M = 0x40000820, OSC8M_PRESC = 3 << 8 };      /* 17.8.9: 8 MHz / 2^PRESC */
enum { REGIONS = 16 };

enum { WDT = 0x40001000, WDT_ENABLE = 1 << 1, WDT_ALWAYSON = 1 << 7 };

static struct {
    uint32_t osc8m;                     /* to be restored; 0: was not changed */
    bool watched;                       /* by the watchdog, if the core runs */
} clocks;

/* DID without die, revision and device: what the chip is called behind "ATSAM". */
static const struct series { uint16_t did; char name[4]; } series[] = {
    { 0x1000, "D20" }, { 0x1001, "D21" }, { 0x1002, "D10" }, { 0x1003, "D11" },
    { 0x1081, "L21" }, { 0x1082, "L22" }, { 0x1100, "C20" }, { 0x1101, "C21" },
};

/* --- around a job ------------------------------------------------------------------ */

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

    clocks.osc8m = osc8m & OSC8M_PRESC ? osc8m : 0;
    if (clocks.osc8m)
        reg_put(OSC8M, osc8m & ~(uint32_t)OSC8M_PRESC);
    reg_error(OK);                     /* then it goes slower */
}

static void put_speed_back(const struct chip *chip)
{
    (void)chip;
    if (clocks.osc8m)
        adi_write32(OSC8M, clocks.osc8m);
    clocks.osc8m = 0;
}

static void prepare(const struct chip *chip)
{
    speed_up(chip);
    uint32_t wdt = reg_get(WDT);
    clocks.watched = reg_error(OK) || wdt & (WDT_ENABLE | WDT_ALWAYSON);
}

/* The watchdog stands still only while the core does; what is not a D has it elsewhere. */
static bool may_run(const struct chip *chip)
{
    return is_d(chip) && !clocks.watched;
}

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
    chip->options = &user_row;
    chip->ram_base = 0x20000000;
    chip->ram_size = chip->flash_size / 8 > 4096 ? chip->flash_size / 8 : 4096;
}

/* A reset that ends while SWCLK is low, as it is now and then when somebody presses the
 * button, leaves the core standing until the debugger says so (13.6.2). */
static bool samd_identify(struct chip *chip)
{
    if (chip->cpuid && (chip->cpuid >> 4 & 0xFFF) != 0xC60)
        return false;
    uint32_t did = reg_get(DSU_DID), status = reg_get(DSU);
    if (reg_error(OK))
        return false;
    for (unsigned i = 0; i < sizeof series / sizeof *series; i++)
        if (did >> 16 == series[i].did) {
            chip->id = did;
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
    target_map_flash(&nvmctrl, 0, chip->flash_size, PAGE * ROW_PAGES, 0);
    target_map(REGION_FLASH, chip->flash_size, 0x00400000 - chip->flash_size);
    target_map(REGION_RAM, chip->ram_base, chip->ram_size);
    target_map(REGION_ROM, 0x00800000, 0x10000);            /* user row, calibration */
}

/* --- fuses, number, locks --------------------------------------------------------- */

/* Bits that the factory wrote and nobody else may: DS40001882 table 10-3; L and C have one
 * more of them in front of the watchdog's, and one less behind. */
static const uint32_t keep_d[] = { 0x01FE0088, 0xFE00 }, keep_l_and_c[] = { 0x03FE0088, 0xFC00 };
#define ERASED 0xFFFFFFFFu                      /* what the factory wrote is lost already */

/* Behind the fuses the row is the user's. */
static int samd_change_option(const struct chip *chip, uint32_t *words, uint32_t at, uint32_t value)
{
    const uint32_t *keep = is_d(chip) ? keep_d : keep_l_and_c;
    uint32_t n = at / 4, old = words[n];

    words[n] = value;
    if (n < FUSES && old != ERASED && (old ^ value) & keep[n])
        return ERR_REFUSED;
    return (words[0] >> 8 & 63) > BOD_LEVEL_MAX && words[0] != ERASED ? ERR_REFUSED : OK;
}

static uint32_t samd_number(const struct chip *chip, unsigned index)
{
    (void)chip;
    return index == 0 ? NUMBER_FIRST : index < 4 ? NUMBER_REST + 4 * (index - 1) : 0;
}

static int lock(const struct chip *chip, bool on)
{
    const struct step steps[] = {
        { PUT_ADDRESS, ADDR / 4, 0 },
        { PUT, CTRLA / 4, on ? CMD_LR : CMD_UR },
        { END }
    };
    int error = flash_follow(&nvmctrl, TO_OPEN, 0, nvmctrl.limit_ms);

    for (uint32_t i = 0; i < REGIONS && !error; i++) {
        struct flash_act act = { .address = chip->flash_size / REGIONS * i };
        error = flash_follow_steps(&nvmctrl, steps, &act, nvmctrl.limit_ms);
        if (!error)
            error = flash_follow(&nvmctrl, TO_CHECK, 0, nvmctrl.limit_ms);
    }
    return error;
}

const struct family samd_family = {
    .identify = samd_identify, .map = samd_map,
    .prepare = prepare, .restore = put_speed_back, .may_run = may_run, .mass = &dsu,
    .change_option = samd_change_option, .number = samd_number, .lock = lock,
};
