/* flash_samd.c - Microchip SAM D, L and C with a Cortex-M0+: NVMCTRL, and the DSU that
 * knows the chip and erases it even when it is locked.
 *
 *   called by  target.c through samd_family      calls  adi.c
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

enum {
    NVMCTRL = 0x41004000,
    CTRLA = NVMCTRL + 0x00, CTRLB = NVMCTRL + 0x04, PARAM = NVMCTRL + 0x08,
    INTFLAG = NVMCTRL + 0x14, STATUS = NVMCTRL + 0x18, ADDR = NVMCTRL + 0x1C,
    LOCK = NVMCTRL + 0x20,
    CMD_KEY = 0xA500, CMD_ER = 0x02, CMD_WP = 0x04, CMD_EAR = 0x05, CMD_WAP = 0x06,
    CMD_LR = 0x40, CMD_UR = 0x41,
    CMD_PBC = 0x44,
    CTRLB_MANW = 1 << 7,
    READY = 1 << 0,
    PROGE = 1 << 2, LOCKE = 1 << 3, NVME = 1 << 4, STATUS_ERRORS = PROGE | LOCKE | NVME,
    ROW_PAGES = 4,
};
enum {                                      /* the DSU as a debugger sees it: + 0x100 */
    DSU = 0x41002100, DSU_DID = DSU + 0x18,
    CTRL_CE = 1 << 4,                       /* CTRL, STATUSA, STATUSB: bytes of a word */
    STATUSA_DONE = 1 << 8, STATUSA_CRSTEXT = 1 << 9, STATUSA_BERR = 1 << 10,
    STATUSA_FAIL = 1 << 11, STATUSA_ALL = 0x1F << 8, STATUSB_PROT = 1 << 16,
};
enum { USER_ROW = 0x00804000, NUMBER_FIRST = 0x0080A00C, NUMBER_REST = 0x0080A040 };
enum { OSC8M = 0x40000820, OSC8M_PRESC = 3 << 8 };      /* 17.8.9: 8 MHz / 2^PRESC */
enum { COMMAND_LIMIT_MS = 200, REGIONS = 16 };

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

/* --- the controller ----------------------------------------------------------- */

/* ERR_BUSY, or what the sticky flags say; they are cleared then by writing ones. */
static int result(int failed)
{
    uint32_t ready = reg_get(INTFLAG) & READY, status = ready ? reg_get(STATUS) : 0;

    if (!(status & STATUS_ERRORS))
        return reg_error(ready ? OK : ERR_BUSY);
    reg_put(STATUS, STATUS_ERRORS);
    return reg_error(status & LOCKE ? ERR_PROTECTED : failed);
}

/* Ends a list: an error in front of it is the result. */
static int wait(int failed)
{
    uint32_t deadline = clock_in_ms(COMMAND_LIMIT_MS);
    int error;

    do
        error = result(failed);
    while (error == ERR_BUSY && !clock_passed(deadline));
    return error == ERR_BUSY ? ERR_TIMEOUT : error;
}

/* Registers of 8 and 16 bits are accessed as words, as the bus bridge allows: CSW need
 * not change, and a chip that came out of reset at 1 MHz makes every access count. */
static void command(uint32_t cmd)
{
    reg_put(CTRLA, CMD_KEY | cmd);
}

/* ADDR counts halfwords.  The wrong row must not be erased, whatever the wire does. */
static void command_at(uint32_t cmd, uint32_t address)
{
    reg_put(ADDR, address / 2);
    if (adi_wire_is_bad() && reg_get(ADDR) != address / 2)
        reg_note(ERR_VERIFY);
    command(cmd);
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

    clocks.osc8m = osc8m & OSC8M_PRESC ? osc8m : 0;
    if (clocks.osc8m)
        reg_put(OSC8M, osc8m & ~(uint32_t)OSC8M_PRESC);
    reg_error(OK);                     /* then it goes slower */
}

static void restore_speed(void)
{
    if (clocks.osc8m)
        adi_write32(OSC8M, clocks.osc8m);
    clocks.osc8m = 0;
}

static int begin(const struct chip *chip)
{
    speed_up(chip);
    uint32_t wdt = reg_get(WDT);
    clocks.watched = reg_error(OK) || wdt & (WDT_ENABLE | WDT_ALWAYSON);
    wait(OK);                           /* what the program left there is not our error */
    reg_put(CTRLB, reg_get(CTRLB) | CTRLB_MANW);
    command(CMD_PBC);                   /* WP leaves the buffer empty */
    return wait(OK);
}

static int end(const struct chip *chip)
{
    (void)chip;
    int error = wait(ERR_PROGRAM);
    restore_speed();
    return error;
}

static int erase(const struct chip *chip, uint32_t row)
{
    (void)chip;
    reg_note(wait(ERR_ERASE));
    command_at(row >= USER_ROW ? CMD_EAR : CMD_ER, row);
    return wait(ERR_ERASE);
}

static int program_page(uint32_t address, const uint8_t *bytes, uint32_t length)
{
    uint32_t cmd = address >= USER_ROW ? CMD_WAP : CMD_WP;
    int error = wait(ERR_PROGRAM);      /* for the page before */

    if (!error)
        error = adi_write32s(address, bytes, length);
    reg_note(error);
    if (adi_wire_is_bad())
        command_at(cmd, address);
    else
        command(cmd);                   /* ADDR follows the buffer (22.8.8) */
    return reg_error(OK);
}

static int program(const struct chip *chip, uint32_t address, const uint8_t *bytes,
                   uint32_t length)
{
    uint32_t page = chip->page / ROW_PAGES;
    int error = OK;

    while (length && !error) {
        uint32_t room = page - address % page, n = length < room ? length : room;
        error = program_page(address, bytes, n);
        address += n;
        bytes += n;
        length -= n;
    }
    return error;
}

static int finish(const struct chip *chip)
{
    (void)chip;
    return wait(ERR_PROGRAM);
}

/* The watchdog stands still only while the core does.  loader_code.s knows rows of 256 bytes;
 * what is not a D has its watchdog elsewhere. */
static uint32_t controller(const struct chip *chip, uint32_t page)
{
    (void)page;
    return is_d(chip) && chip->page == 256 && !clocks.watched ? NVMCTRL : 0;
}

/* --- the DSU ------------------------------------------------------------------ */

/* The chip may be in reset extension when nRST was used; STATUSA is cleared first, so
 * that DONE is ours. */
static int mass_erase(const struct chip *chip)
{
    (void)chip;
    reg_put(DSU, STATUSA_ALL);
    reg_put(DSU, CTRL_CE);
    return reg_error(OK);
}

static int poll(const struct chip *chip)
{
    uint32_t status = reg_get(DSU);

    (void)chip;
    return reg_error(status & (STATUSA_FAIL | STATUSA_BERR) ? ERR_ERASE
                      : status & STATUSA_DONE ? OK : ERR_BUSY);
}

/* --- which one is it ---------------------------------------------------------- */

/* D20 and D21 count down from J18A: package J, G, E and flash size 18 to 15 (256 to
 * 32 KB); the B variants have two sizes each from J16B on. */
static void name(struct chip *chip, const char *series_name)
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
    uint32_t param = reg_get(PARAM);
    if (reg_error(OK))
        param = 3u << 16 | 4096;        /* the largest: 256 KB of 64-byte pages */
    uint32_t page = 8u << (param >> 16 & 7);
    chip->flash_size = (param & 0xFFFF) * page;
    chip->page = page * ROW_PAGES;
    chip->ram_base = 0x20000000;
    chip->ram_size = chip->flash_size / 8 > 4096 ? chip->flash_size / 8 : 4096;
}

/* A reset that ends while SWCLK is low, as it is now and then when somebody presses the
 * button, leaves the core standing until the debugger says so (13.6.2). */
static bool identify(struct chip *chip)
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
            name(chip, series[i].name);
            measure(chip);
            return true;
        }
    return false;
}

/* The watchdog stands still by itself while a debugger halts the core (18.6.5). */
static int debugged(const struct chip *chip, bool on)
{
    (void)chip, (void)on;
    return OK;
}

/* --- fuses, number, locks --------------------------------------------------------- */

/* Bits that the factory wrote and nobody else may: DS40001882 table 10-3; L and C have one
 * more of them in front of the watchdog's, and one less behind. */
static const uint32_t keep_d[] = { 0x01FE0088, 0xFE00 }, keep_l_and_c[] = { 0x03FE0088, 0xFC00 };
enum { FUSES = 2, BOD_LEVEL_MAX = 48 };         /* words; above, it would be reset for ever */
#define ERASED 0xFFFFFFFFu                      /* what the factory wrote is lost already */

/* Behind the fuses the row is the user's. */
static int change_option(const struct chip *chip, uint32_t *words, uint32_t at, uint32_t value)
{
    const uint32_t *keep = is_d(chip) ? keep_d : keep_l_and_c;
    uint32_t n = at / 4, old = words[n];

    words[n] = value;
    if (n < FUSES && old != ERASED && (old ^ value) & keep[n])
        return ERR_REFUSED;
    return (words[0] >> 8 & 63) > BOD_LEVEL_MAX && words[0] != ERASED ? ERR_REFUSED : OK;
}

static uint32_t number(const struct chip *chip, unsigned index)
{
    (void)chip;
    return index == 0 ? NUMBER_FIRST : index < 4 ? NUMBER_REST + 4 * (index - 1) : 0;
}

static int lock(const struct chip *chip, bool on)
{
    int error = begin(chip);

    for (uint32_t i = 0; i < REGIONS && !error; i++) {
        command_at(on ? CMD_LR : CMD_UR, chip->flash_base + chip->flash_size / REGIONS * i);
        error = wait(ERR_PROGRAM);
    }
    end(chip);
    return error;
}

const struct family samd_family = {
    .identify = identify, .debugged = debugged,
    .begin = begin, .end = end, .erase = erase, .program = program, .finish = finish,
    .unit = 4, .room = 0x00400000, .rom = 0x00800000, .loader = LOADER_SAMD, .controller = controller,
    .mass_erase = mass_erase, .poll = poll,
    .options = { USER_ROW, LOCK, 256, 4 * FUSES, 4 },
    .change_option = change_option, .number = number, .lock = lock,
};
