/* flash_stm32.c - STM32 F0, F1 and F3: the flash controller that ST calls FPEC.
 *
 *   called by  target.c through stm32_family      calls  adi.c
 *
 * Erases pages, programs halfwords by writing them to their address while CR.PG is set.
 * The flash holds the bus until a halfword is in, so the debug port answers WAIT
 * meanwhile and the wire keeps the pace by itself: no polling in between.  SR is looked
 * at when a block is through; its flags are sticky.
 *
 * A write that adi.c repeats after damage on the wire may find its halfword programmed
 * already: PGERR, with the right data in the flash.  target.c reads back, so it is the
 * data that decide.
 *
 * Read protection (RDP) leaves the core debuggable but hides the flash.  A mass erase
 * then takes it off, and the chip erases itself when that happens: that is ST's design.
 *
 * Sources: PM0075 (F10x flash), PM0063 (F100), RM0091 chapter 3 (F0), RM0316 chapter 4
 * (F3); RM0008 31.16, RM0091 32.9 and RM0316 33.16 (DBGMCU). */
#include "adi.h"
#include "clock.h"
#include "flash.h"

enum {                                      /* PM0075 chapter 3 */
    FPEC = 0x40022000, KEYR = 0x04, OPTKEYR = 0x08, SR = 0x0C, CR = 0x10, AR = 0x14,
    OBR = 0x1C,
    BANK2 = 0x40, BANK2_START = 0x08080000,     /* XL density: a second controller */
    SR_BSY = 1 << 0, SR_PGERR = 1 << 2, SR_WRPRTERR = 1 << 4, SR_EOP = 1 << 5,
    SR_CLEAR = SR_PGERR | SR_WRPRTERR | SR_EOP,
    CR_PG = 1 << 0, CR_PER = 1 << 1, CR_MER = 1 << 2, CR_OPTPG = 1 << 4,
    CR_OPTER = 1 << 5, CR_STRT = 1 << 6, CR_LOCK = 1 << 7, CR_OPTWRE = 1 << 9,
    OBR_RDPRT = 1 << 1,
};
#define KEY1 0x45670123u
#define KEY2 0xCDEF89ABu
enum { OPTION_BYTES = 0x1FFFF800, OPTIONS_SIZE = 16, RDP_FOR_EVER = 0xCC };
enum { LIMIT_MS = 1000 };                   /* all of the flash is erased in 40 ms at most */

#define DBGMCU_F1 0xE0042000u               /* which chip is it, and what it does when halted */
#define DBGMCU_F0 0x40015800u
enum { RCC_APB2ENR = 0x40021018, DBGMCUEN = 1 << 22 };      /* F0 */

enum { SIZE_F1 = 0x1FFFF7E0, SIZE_F0 = 0x1FFFF7CC, UID_F1 = 0x1FFFF7E8, UID_F0 = 0x1FFFF7AC };

/* Where they have their id and their size; F3 has one from F1 and one from F0. */
enum kind { F0, F1, F3 };

/* Sizes in KB, the family's largest; the true flash size is read from the chip.
 * Add a part by adding a row. */
static const struct part {
    char name[12];                      /* behind "STM32" */
    uint16_t id : 12, kind : 4;
    uint8_t page, ram;
    uint16_t flash;
} parts[] = {
    { "F10x x4/x6",  0x412, F1, 1, 10,   32 },
    { "F10x x8/xB",  0x410, F1, 1, 20,  128 },
    { "F10x xC-xE",  0x414, F1, 2, 64,  512 },
    { "F10x xF/xG",  0x430, F1, 2, 96, 1024 },
    { "F105/F107",   0x418, F1, 2, 64,  256 },
    { "F100 x4-xB",  0x420, F1, 1,  8,  128 },
    { "F100 xC-xE",  0x428, F1, 2, 32,  512 },
    { "F05x/F030x8", 0x440, F0, 1,  8,   64 },
    { "F03x",        0x444, F0, 1,  4,   32 },
    { "F04x/F070x6", 0x445, F0, 1,  6,   32 },
    { "F07x",        0x448, F0, 2, 16,  128 },
    { "F09x/F030xC", 0x442, F0, 2, 32,  256 },
    { "F302/F303",   0x422, F3, 2, 40,  256 },
    { "F37x",        0x432, F3, 2, 32,  256 },
    { "F303x6/x8",   0x438, F3, 2, 12,   64 },
    { "F301/F302x8", 0x439, F3, 2, 16,   64 },
    { "F303xD/xE",   0x446, F3, 2, 64,  512 },
};

/* What a debugger needs set, in this order: the clock of DBGMCU; DBGMCU_CR, that clocks go on
 * in sleep, stop and standby; and that watchdogs stand still while the core does, there or in
 * APB1_FZ.  DBGMCU keeps it through resets. */
static const struct { uint32_t at, bits : 28, kind : 4; } debug_words[] = {
    { RCC_APB2ENR,   DBGMCUEN,   F0 },
    { DBGMCU_F0 + 4, 6,          F0 },
    { DBGMCU_F0 + 8, 3 << 11,    F0 },
    { DBGMCU_F1 + 4, 3 << 8 | 7, F1 },
    { DBGMCU_F1 + 4, 7,          F3 },
    { DBGMCU_F1 + 8, 3 << 11,    F3 },
};
enum { DEBUG_WORDS = sizeof debug_words / sizeof *debug_words };
static uint32_t ours[DEBUG_WORDS];      /* those bits that the program had not set */

/* --- the controller ----------------------------------------------------------- */

__attribute__((noinline)) static uint32_t fpec(uint32_t address, uint32_t reg)
{
    return FPEC + reg + (address >= BANK2_START && address < OPTION_BYTES ? BANK2 : 0u);
}

static uint32_t get(uint32_t address, uint32_t reg)
{
    return reg_get(fpec(address, reg));
}

static void put(uint32_t address, uint32_t reg, uint32_t value)
{
    reg_put(fpec(address, reg), value);
}

/* ERR_BUSY, or what the sticky flags say; they are cleared then. */
static int result(uint32_t address, int failed)
{
    uint32_t sr = get(address, SR);

    if (sr & SR_BSY)
        return ERR_BUSY;
    put(address, SR, SR_CLEAR);
    return reg_error(sr & SR_WRPRTERR ? ERR_PROTECTED : sr & SR_PGERR ? failed : OK);
}

/* Ends a list: an error in front of it is the result. */
static int wait(uint32_t address, int failed)
{
    uint32_t deadline = clock_in_ms(LIMIT_MS);
    int error;

    do {
        error = result(address, failed);
        watchdog_feed();
    } while (error == ERR_BUSY && !clock_passed(deadline));
    return error == ERR_BUSY ? ERR_TIMEOUT : error;
}

/* Gives the keys to KEYR or OPTKEYR; what CR is then. */
static uint32_t give_keys(uint32_t address, uint32_t reg)
{
    put(address, reg, KEY1);
    put(address, reg, KEY2);
    return get(address, CR);
}

/* Keys given to an unlocked FPEC would lock it until reset, so look first (PM0075 2.3.1).
 * Some clones lie about LOCK; they take the keys. */
static int unlock_bank(uint32_t address)
{
    uint32_t cr = get(address, CR);

    if (cr & CR_LOCK)
        cr = give_keys(address, KEYR);
    put(address, SR, SR_CLEAR);
    return reg_error(cr & CR_LOCK ? ERR_PROTECTED : OK);
}

static bool two_banks(const struct chip *chip)
{
    return chip->flash_base + chip->flash_size > BANK2_START;
}

static int begin(const struct chip *chip)
{
    int error = unlock_bank(chip->flash_base);

    if (!error && two_banks(chip))
        error = unlock_bank(BANK2_START);
    return error;
}

static int lock_bank(uint32_t address)
{
    int error = wait(address, ERR_PROGRAM);
    put(address, CR, CR_LOCK);
    return reg_error(error);
}

static int end(const struct chip *chip)
{
    if (two_banks(chip))
        lock_bank(BANK2_START);
    return lock_bank(chip->flash_base);
}

/* CR := bits, then the same with STRT. */
static void start(uint32_t address, uint32_t bits)
{
    put(address, CR, bits);
    put(address, CR, bits | CR_STRT);
}

/* The option bytes are one more page, with bits and keys of their own. */
static uint32_t bits_for(uint32_t address, uint32_t flash, uint32_t option)
{
    return address == OPTION_BYTES ? CR_OPTWRE | option : flash;
}

static int erase(const struct chip *chip, uint32_t page)
{
    (void)chip;
    wait(page, OK);                     /* for what a bad wire may have started */
    if (page == OPTION_BYTES)
        give_keys(page, OPTKEYR);
    put(page, AR, page);
    start(page, bits_for(page, CR_PER, CR_OPTER));
    return wait(page, ERR_ERASE);
}

static int program(const struct chip *chip, uint32_t address, const uint8_t *bytes,
                   uint32_t length)
{
    (void)chip;
    put(address, CR, bits_for(address, CR_PG, CR_OPTPG));
    int error = reg_error(OK);
    if (!error)
        error = adi_write16s(address, bytes, length);
    int done = wait(address, ERR_PROGRAM);
    /* A refused halfword is a bus fault on some parts: SR knows why. */
    return done ? done : error;
}

/* program() has waited already, because the last halfword's WAIT did. */
static int finish(const struct chip *chip)
{
    (void)chip;
    return OK;
}

static uint32_t controller(const struct chip *chip, uint32_t page)
{
    (void)chip;
    return fpec(page, 0);
}

/* --- which one is it ---------------------------------------------------------- */

static bool read_protected(void)
{
    uint32_t obr = reg_get(FPEC + OBR);

    reg_error(OK);
    return obr & OBR_RDPRT;
}

static uint32_t flash_kb(const struct part *part)
{
    uint32_t kb = reg_get(part->kind == F1 ? SIZE_F1 : SIZE_F0) & 0xFFFF;

    reg_error(OK);
    return kb == 0 || kb == 0xFFFF ? part->flash : kb;  /* hidden; a clone left it out */
}

static bool is_f1(const struct chip *chip)
{
    return chip->kind == F1;
}

static uint32_t dbgmcu(bool f0)
{
    return f0 ? DBGMCU_F0 : DBGMCU_F1;
}

static void describe(struct chip *chip, const struct part *part)
{
    chip->kind = part->kind;
    __builtin_memcpy(chip->name, "STM32", 5);
    __builtin_memcpy(chip->name + 5, part->name, sizeof part->name);
    chip->flash_base = 0x08000000;
    chip->flash_size = flash_kb(part) * 1024;
    chip->page = part->page * 1024u;
    chip->ram_base = 0x20000000;
    chip->ram_size = part->ram * 1024u;
    chip->locked = read_protected();
    chip->open_option = part->kind == F1 ? 0xA5 : 0xAA;     /* RDP */
}

/* A zero IDCODE means "cannot be read", not a chip; no row has it. */
static bool identify(struct chip *chip)
{
    bool m0 = (chip->cpuid >> 16 & 0xF) == 0xC;
    uint32_t idcode = chip->cpuid ? reg_get(dbgmcu(m0)) : 0;

    reg_error(OK);
    for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++)
        if ((idcode & 0xFFF) == parts[i].id && (parts[i].kind == F0) == m0) {
            chip->id = idcode;
            describe(chip, &parts[i]);
            return true;
        }
    return false;
}

/* Where a bit of ours is gone, the program has cleared it, or power was lost: then what is
 * set is the program's. */
static int debugged(const struct chip *chip, bool on)
{
    for (int n = 0; n < DEBUG_WORDS; n++) {
        int i = on ? n : DEBUG_WORDS - 1 - n;
        if (debug_words[i].kind != chip->kind)
            continue;
        uint32_t found = reg_get(debug_words[i].at), bits = debug_words[i].bits;
        if (ours[i] & ~found)
            ours[i] = 0;
        ours[i] |= bits & ~found;
        found |= bits;
        if (!on)
            found &= ~ours[i], ours[i] = 0;
        reg_put(debug_words[i].at, found);
    }
    return reg_error(OK);
}

/* --- mass erase and read protection --------------------------------------------- */

/* Erasing the option bytes leaves RDP at 0xFF: protected.  Writing the key is what opens the
 * chip, which erases all of its flash first. */
static int remove_protection(const struct chip *chip)
{
    uint8_t key[2] = { chip->open_option, (uint8_t)~chip->open_option };
    int error = begin(chip);

    if (!error)
        error = erase(chip, OPTION_BYTES);
    return error ? error : program(chip, OPTION_BYTES, key, sizeof key);
}

static int mass_erase_bank(uint32_t address)
{
    reg_note(unlock_bank(address));
    start(address, CR_MER);
    return reg_error(OK);
}

static int mass_erase(const struct chip *chip)
{
    if (chip->locked)
        return remove_protection(chip);
    int error = mass_erase_bank(chip->flash_base);
    if (!error && two_banks(chip))
        error = mass_erase_bank(BANK2_START);
    return error;
}

static int poll(const struct chip *chip)
{
    int error = result(chip->flash_base, ERR_ERASE);

    if (!error && two_banks(chip))
        error = result(BANK2_START, ERR_ERASE);
    return error == ERR_BUSY || error ? error : end(chip);
}

/* --- option bytes and number ------------------------------------------------------ */

/* A byte each, with its complement above it.  RDP 0xCC closes an F0 or F3 for ever. */
static int change_option(const struct chip *chip, uint32_t *words, uint32_t at, uint32_t value)
{
    uint8_t *bytes = (uint8_t *)words;

    (void)chip;
    if (value > 0xFF && value >> 8 != (~value & 0xFF))
        return ERR_RANGE;
    bytes[at] = (uint8_t)value;
    for (int i = 0; i < OPTIONS_SIZE; i += 2)
        bytes[i + 1] = (uint8_t)~bytes[i];
    return bytes[0] == RDP_FOR_EVER ? ERR_REFUSED : OK;
}

static uint32_t number(const struct chip *chip, unsigned index)
{
    return index < 3 ? (is_f1(chip) ? UID_F1 : UID_F0) + 4 * index : 0;
}

const struct family stm32_family = {
    .identify = identify, .debugged = debugged,
    .begin = begin, .end = end, .erase = erase, .program = program, .finish = finish,
    .unit = 2, .room = 0x08000000, .rom = 0x1FFF0000, .loader = LOADER_STM32, .controller = controller,
    .mass_erase = mass_erase, .poll = poll,
    .options = { OPTION_BYTES, FPEC + OBR, OPTIONS_SIZE, OPTIONS_SIZE, 2 },
    .change_option = change_option, .number = number,
};
