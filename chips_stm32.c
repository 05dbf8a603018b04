/* chips_stm32.c - STM32: which one is it, and its flash controllers.
 *
 * FPEC (F0, F1, F3) erases pages and programs halfwords, which are stored to their address
 * while CR.PG is set.  The flash holds the bus until a halfword is in, so the debug port
 * answers WAIT meanwhile and the wire keeps the pace by itself: no polling in between.  SR is
 * looked at when a block is through; its flags are sticky.
 *
 * A write that adi.c repeats after damage on the wire may find its halfword programmed
 * already: PGERR, with the right data in the flash.  flash_job.c reads back, so it is the
 * data that decide.
 *
 * That of F2, F4 and F7 erases sectors of 16 to 256 KB and programs words, halfwords or bytes,
 * whatever PSIZE says, and that depends on the supply: `monitor psize`.
 *
 * L4 and its kin (G4, G0, C0, WB, WL) erase pages and program double words with ECC, once each.
 *
 * Read protection (RDP) leaves the core debuggable but hides the flash.  A mass erase
 * then takes it off, and the chip erases itself when that happens: that is ST's design.
 *
 * Option bytes are one more page of FPEC, with bits and keys of their own; the later controllers
 * have registers for them, of which the chip makes flash itself.
 *
 * Sources: PM0075 (F10x), PM0063 (F100), RM0091 (F0), RM0316 (F3), RM0033 (F2), RM0090 (F4),
 * RM0385 (F74), RM0410 (F76), RM0431 (F72), RM0351 (L4), RM0432 (L4+), RM0440 (G4), RM0444 (G0),
 * RM0490 (C0), RM0503 (U0), RM0434 (WB), RM0453 (WL): their chapters on flash and on debug
 * (DBGMCU). */
#include "adi.h"
#include "flash.h"

/* --- FPEC: F0, F1, F3 (PM0075 chapter 3) --------------------------------------------- */

enum { FPEC = 0x40022000, FPEC2 = 0x40022040 };     /* XL density: one for each bank */
enum { KEYR = 0x04, OPTKEYR = 0x08, SR = 0x0C, CR = 0x10, AR = 0x14, OBR = 0x1C };
enum {
    SR_BSY = 1 << 0, SR_PGERR = 1 << 2, SR_WRPRTERR = 1 << 4, SR_EOP = 1 << 5,
    SR_CLEAR = SR_PGERR | SR_WRPRTERR | SR_EOP,
    CR_PG = 1 << 0, CR_PER = 1 << 1, CR_MER = 1 << 2, CR_OPTPG = 1 << 4,
    CR_OPTER = 1 << 5, CR_STRT = 1 << 6, CR_LOCK = 1 << 7, CR_OPTWRE = 1 << 9,
    OBR_RDPRT = 1 << 1,
};
enum { OPTION_BYTES = 0x1FFFF800, OPTIONS_SIZE = 16, RDP_FOR_EVER = 0xCC };

/* Keys given to an unlocked FPEC would lock it until reset, so look first (2.3.1).  Some
 * clones lie about LOCK; they take the keys. */
static const struct step fpec_steps[] = {
    /* open */
    { IF_SET, CR / 4, CR_LOCK },
    { KEYS, KEYR / 4, FLASH_KEYS },
    { PUT, SR / 4, SR_CLEAR },
    { CHECK_PROTECTED, CR / 4, CR_LOCK },
    { END },
    /* close */
    { WAIT_CLEAR, SR / 4, SR_BSY },
    { PUT, SR / 4, SR_CLEAR },
    { PUT, CR / 4, CR_LOCK },
    { END },
    /* check */
    { WAIT_CLEAR, SR / 4, SR_BSY },
    { CHECK_PROTECTED, SR / 4, SR_WRPRTERR },
    { CHECK, SR / 4, SR_PGERR },
    { END },
    /* erase everything */
    { PUT, CR / 4, CR_MER },
    { PUT, CR / 4, CR_MER | CR_STRT },
    { END },
    /* erase: 2.3.3 */
    { WAIT_CLEAR, SR / 4, SR_BSY },                 /* what a bad wire may have started */
    { PUT, CR / 4, CR_PER },
    { PUT_ADDRESS, AR / 4, 0 },
    { PUT, CR / 4, CR_PER | CR_STRT },
    { WAIT_CLEAR, SR / 4, SR_BSY },
    { END },
    /* program: 2.3.2 */
    { PUT, CR / 4, CR_PG },
    { STORE, 0, 0 },
    { WAIT_CLEAR, SR / 4, SR_BSY },
    { END },
    /* open options: they have keys and bits of their own, 2.3.4 */
    { KEYS, OPTKEYR / 4, FLASH_KEYS },
    { END },
    /* erase options */
    { PUT, CR / 4, CR_OPTWRE | CR_OPTER },
    { PUT, CR / 4, CR_OPTWRE | CR_OPTER | CR_STRT },
    { WAIT_CLEAR, SR / 4, SR_BSY },
    { END },
    /* program options: that an RDP which opens the chip erases all of it, check waits for */
    { PUT, CR / 4, CR_OPTWRE | CR_OPTPG },
    { STORE, 0, 0 },
    { END },
};
static const struct controller fpec = {
    .base = FPEC, .limit_ms = 1000, .width = 2, .burst_log2 = 8, .unit_log2 = 1,
    .steps = fpec_steps
};
static const struct controller fpec2 = {
    .base = FPEC2, .limit_ms = 1000, .width = 2, .burst_log2 = 8, .unit_log2 = 1,
    .steps = fpec_steps
};

static const struct options fpec_options = {
    &fpec, OPTION_BYTES, FPEC + OBR, OPTIONS_SIZE, OPTIONS_SIZE, 2, 0
};

/* --- F2, F4, F7 (RM0033 2, RM0090 3, RM0385 3, RM0410 3) -------------------------------- */

enum { F4_FLASH = 0x40023C00, OPTCR = 0x14 };       /* KEYR to CR as in FPEC */
enum {
    F4_BSY = 1 << 0,                                /* bits 16 and above, all of them */
    F4_STRT = 1 << 0, F4_LOCK = 1 << 15,
    F4_EOP = 1 << 0, F4_WRPERR = 1 << 4, F4_PGERRORS = 0xE2,    /* PGS, PGP, PGA, OPERR */
    F4_PG = 1 << 0, F4_SER = 1 << 1, F4_BOTH_MER = 1 << 2 | 1 << 15,
    OPTLOCK = 1 << 0, OPTSTRT = 1 << 1, RDP_OPEN = 0xAA, NDBANK = 1 << 29, DB1M = 1 << 30,
};
static const struct step f4_steps[] = {
    /* open */
    { IF_SET | HIGH, CR / 4, F4_LOCK },
    { KEYS, KEYR / 4, FLASH_KEYS },
    { PUT, SR / 4, F4_WRPERR | F4_PGERRORS | F4_EOP },
    { CHECK_PROTECTED | HIGH, CR / 4, F4_LOCK },
    { END },
    /* close */
    { WAIT_CLEAR | HIGH, SR / 4, F4_BSY },
    { PUT | HIGH, CR / 4, F4_LOCK },
    { SET, OPTCR / 4, OPTLOCK },
    { END },
    /* check */
    { WAIT_CLEAR | HIGH, SR / 4, F4_BSY },
    { CHECK_PROTECTED, SR / 4, F4_WRPERR },
    { CHECK, SR / 4, F4_PGERRORS },
    { END },
    /* erase everything */
    { PUT_NUMBER, CR / 4, F4_BOTH_MER },            /* the second is reserved where is one bank */
    { SET | HIGH, CR / 4, F4_STRT },
    { END },
    /* erase: 3.6.3 */
    { WAIT_CLEAR | HIGH, SR / 4, F4_BSY },
    { PUT_NUMBER, CR / 4, F4_SER },
    { SET | HIGH, CR / 4, F4_STRT },
    { WAIT_CLEAR | HIGH, SR / 4, F4_BSY },
    { END },
    /* program: 3.6.4 */
    { PUT_NUMBER, CR / 4, F4_PG },
    { STORE, 0, 0 },
    { WAIT_CLEAR | HIGH, SR / 4, F4_BSY },
    { END },
    /* open options */
    { IF_SET, OPTCR / 4, OPTLOCK },
    { KEYS, OPTKEYR / 4, OPTION_KEYS },
    { CHECK_PROTECTED, OPTCR / 4, OPTLOCK },
    { END },
    { END },                                        /* erase options: nothing */
    /* program options: into OPTCR, of which the chip makes the flash it starts from, 3.7.2 */
    { STORE, 0, 0 },
    { SET, OPTCR / 4, OPTSTRT },
    { END },
};
static const struct controller f4 = {
    .base = F4_FLASH, .limit_ms = 8000, .number_shift = 3, .burst_log2 = 8,
    .unit_log2 = 2,
    .steps = f4_steps
};

static const struct options one_word = { &f4, F4_FLASH + OPTCR, 0, 4, 4, 4, 0 },
                            two_words = { &f4, F4_FLASH + OPTCR, 0, 8, 8, 4, 0 },
                            three_words = { &f4, F4_FLASH + OPTCR, 0, 12, 12, 4, 0 };

/* --- L4, G0, G4, WB, WL, C0, U0 (RM0351 3, RM0444 3, RM0440 3, RM0434 3) ------------------- */

enum { L4_FLASH = 0x40022000, WB_FLASH = 0x58004000 };
enum { L4_KEYR = 0x08, L4_OPTKEYR = 0x0C, L4_SR = 0x10, L4_CR = 0x14, OPTR = 0x20 };
enum {                                              /* bits 16 and above first */
    L4_BUSY = 1 << 0 | 1 << 2,                      /* BSY1; CFGBSY, which G0 and WB have */
    L4_STRT = 1 << 0, L4_OPTSTRT = 1 << 1, L4_OPTLOCK = 1 << 14, L4_LOCK = 1 << 15,
    L4_WRPERR = 1 << 4, L4_ERRORS = 0xC3EA, L4_EOP = 1 << 0,
    L4_PG = 1 << 0, L4_PER = 1 << 1, L4_BOTH_MER = 1 << 2 | 1 << 15,
};
static const struct step l4_steps[] = {
    /* open: an error that stands, as OPTVERR does in a WB from its reset on, blocks all */
    { WAIT_CLEAR | HIGH, L4_SR / 4, L4_BUSY },
    { PUT, L4_SR / 4, L4_ERRORS | L4_WRPERR | L4_EOP },
    { IF_SET | HIGH, L4_CR / 4, L4_LOCK },
    { KEYS, L4_KEYR / 4, FLASH_KEYS },
    { CHECK_PROTECTED | HIGH, L4_CR / 4, L4_LOCK },
    { END },
    /* close */
    { WAIT_CLEAR | HIGH, L4_SR / 4, L4_BUSY },
    { PUT | HIGH, L4_CR / 4, L4_LOCK | L4_OPTLOCK },
    { END },
    /* check */
    { WAIT_CLEAR | HIGH, L4_SR / 4, L4_BUSY },
    { CHECK_PROTECTED, L4_SR / 4, L4_WRPERR },
    { CHECK, L4_SR / 4, L4_ERRORS },
    { END },
    /* erase everything */
    { PUT, L4_CR / 4, L4_BOTH_MER },
    { SET | HIGH, L4_CR / 4, L4_STRT },
    { END },
    /* erase: the number has the bank's bit, BKER */
    { WAIT_CLEAR | HIGH, L4_SR / 4, L4_BUSY },
    { PUT_NUMBER, L4_CR / 4, L4_PER },
    { SET | HIGH, L4_CR / 4, L4_STRT },
    { WAIT_CLEAR | HIGH, L4_SR / 4, L4_BUSY },
    { END },
    /* program: double words; the bus waits for the one before */
    { PUT, L4_CR / 4, L4_PG },
    { STORE, 0, 0 },
    { WAIT_CLEAR | HIGH, L4_SR / 4, L4_BUSY },
    { END },
    /* open options */
    { IF_SET | HIGH, L4_CR / 4, L4_OPTLOCK },
    { KEYS, L4_OPTKEYR / 4, OPTION_KEYS },
    { CHECK_PROTECTED | HIGH, L4_CR / 4, L4_OPTLOCK },
    { END },
    { END },                                        /* erase options: nothing */
    /* program options: in force from the next power-on */
    { STORE, 0, 0 },
    { SET | HIGH, L4_CR / 4, L4_OPTSTRT },
    { END },
};
static const struct controller l4 = {
    .base = L4_FLASH, .limit_ms = 1000, .number_shift = 3, .width = 4, .burst_log2 = 8,
    .unit_log2 = 3,
    .steps = l4_steps
};
static const struct controller wb = {
    .base = WB_FLASH, .limit_ms = 1000, .number_shift = 3, .width = 4, .burst_log2 = 8,
    .unit_log2 = 3,
    .steps = l4_steps
};
/* OPTR, PCROP1SR and 1ER, WRP1AR and 1BR */
static const struct options l4_options = { &l4, L4_FLASH + OPTR, 0, 20, 20, 4, 0 },
                            wb_options = { &wb, WB_FLASH + OPTR, 0, 20, 20, 4, 0 };

/* --- which one is it ---------------------------------------------------------------- */

enum { KB = 1024, MB = 1024 * KB, FLASH = 0x08000000 };
#define DBGMCU_F1 0xE0042000u               /* which chip is it, and what it does when halted */
#define DBGMCU_F0 0x40015800u
enum { RCC_APB2ENR = 0x40021018, DBGMCUEN = 1 << 22 };      /* F0 */
enum { RCC_APBENR1 = 0x4002103C, DBGEN = 1 << 27 };         /* G0, C0 */
enum { U0_APBENR1 = 0x40021058 };                           /* DBGEN there, too */

/* A line of parts: where its size in KB is, and how far below that its number, and which
 * controller it has.  F3 has one from F1 and one from F0. */
enum kind { F0, F1, F3, F4, F42, F72, F74, L4, LP, G4, WB, G0, C0, U0, U03 };
static const struct __attribute__((packed)) line {
    uint32_t size_at;
    const struct options *options;      /* and the controller with them */
    int8_t number_below;
} lines[] = {
    [F0]  = { 0x1FFFF7CC, &fpec_options, 0x20 },
    [F1]  = { 0x1FFFF7E0, &fpec_options, -8 },
    [F3]  = { 0x1FFFF7CC, &fpec_options, 0x20 },
    [F4]  = { 0x1FFF7A22, &one_word,     0x12 },
    [F42] = { 0x1FFF7A22, &two_words,    0x12 },
    [F72] = { 0x1FF07A22, &three_words,  0x12 },
    [F74] = { 0x1FF0F442, &two_words,    0x22 },
    [L4]  = { 0x1FFF75E0, &l4_options,   0x50 },
    [LP]  = { 0x1FFF75E0, &l4_options,   0x50 },    /* L4+ */
    [G4]  = { 0x1FFF75E0, &l4_options,   0x50 },
    [WB]  = { 0x1FFF75E0, &wb_options,   0x50 },    /* and WL */
    [G0]  = { 0x1FFF75E0, &l4_options,   0x50 },
    [C0]  = { 0x1FFF75A0, &l4_options,   0x50 },
    [U0]  = { 0x1FFF6EA0, &l4_options,   0x50 },
    [U03] = { 0x1FFF3EA0, &l4_options,   0x50 },    /* U031 */
};

/* Cortex-M0 and M0+ have DBGMCU elsewhere. */
static uint32_t dbgmcu(enum kind kind)
{
    return kind == F0 || kind >= G0 ? DBGMCU_F0 : DBGMCU_F1;
}

/* Sizes in KB, flash the largest; the true size is read from the chip.  Page: of FPEC; for
 * the later ones the first sector.  Add a part by adding a row. */
static const struct part {
    char name[10];                      /* behind "STM32" */
    uint16_t id : 12, kind : 4;
    uint16_t ram : 10, page : 6;
    uint16_t flash;
} parts[] = {
    { "F10x x4/x6", 0x412, F1,  10,  1,   32 },
    { "F10x x8/xB", 0x410, F1,  20,  1,  128 },
    { "F10x xC-xE", 0x414, F1,  64,  2,  512 },
    { "F10x xF/xG", 0x430, F1,  96,  2, 1024 },
    { "F105/F107",  0x418, F1,  64,  2,  256 },
    { "F100 x4-xB", 0x420, F1,   8,  1,  128 },
    { "F100 xC-xE", 0x428, F1,  32,  2,  512 },
    { "F05/F030x8", 0x440, F0,   8,  1,   64 },
    { "F03x",       0x444, F0,   4,  1,   32 },
    { "F04/F070x6", 0x445, F0,   6,  1,   32 },
    { "F07x",       0x448, F0,  16,  2,  128 },
    { "F09/F030xC", 0x442, F0,  32,  2,  256 },
    { "F302/F303",  0x422, F3,  40,  2,  256 },
    { "F37x",       0x432, F3,  32,  2,  256 },
    { "F303x6/x8",  0x438, F3,  12,  2,   64 },
    { "F301/302x8", 0x439, F3,  16,  2,   64 },
    { "F303xD/xE",  0x446, F3,  64,  2,  512 },
    { "F20x/F21x",  0x411, F4, 128, 16, 1024 },
    { "F405/F407",  0x413, F4, 128, 16, 1024 },
    { "F42x/F43x",  0x419, F42, 192, 16, 2048 },
    { "F446",       0x421, F4, 128, 16,  512 },
    { "F401xB/xC",  0x423, F4,  64, 16,  256 },
    { "F401xD/xE",  0x433, F4,  96, 16,  512 },
    { "F411",       0x431, F4, 128, 16,  512 },
    { "F469/F479",  0x434, F42, 320, 16, 2048 },
    { "F412",       0x441, F4, 256, 16, 1024 },
    { "F410",       0x458, F4,  32, 16,  128 },
    { "F413/F423",  0x463, F4, 320, 16, 1536 },
    { "F72x/F73x",  0x452, F72, 256, 16,  512 },
    { "F74x/F75x",  0x449, F74, 320, 32, 1024 },
    { "F76x/F77x",  0x451, F74, 512, 32, 2048 },
    { "L41x/L42x",  0x464, L4,  40,  2,  128 },
    { "L43x/L44x",  0x435, L4,  64,  2,  256 },
    { "L45x/L46x",  0x462, L4, 160,  2,  512 },
    { "L47x/L48x",  0x415, L4,  96,  2, 1024 },
    { "L49x/L4Ax",  0x461, L4, 320,  2, 1024 },
    { "L4Px/L4Qx",  0x471, LP, 320,  8, 1024 },
    { "L4Rx/L4Sx",  0x470, LP, 640,  8, 2048 },
    { "G431/G441",  0x468, L4,  32,  2,  128 },
    { "G47x/G48x",  0x469, G4, 128,  4,  512 },
    { "G491/G4A1",  0x479, L4, 112,  2,  512 },
    { "WB1x",       0x494, WB,  12,  2,  320 },
    { "WB55/WB35",  0x495, WB, 192,  4, 1024 },
    { "WB35",       0x496, WB,  32,  4,  512 },
    { "WL5x/WLEx",  0x497, WB,  32,  2,  256 },
    { "G03x/G04x",  0x466, G0,   8,  2,   64 },
    { "G05x/G06x",  0x456, G0,  18,  2,   64 },
    { "G07x/G08x",  0x460, G0,  36,  2,  128 },
    { "G0Bx/G0Cx",  0x467, G0, 144,  2,  512 },
    { "C011",       0x443, C0,   6,  2,   32 },
    { "C031",       0x453, C0,  12,  2,   32 },
    { "C051",       0x44C, C0,  12,  2,   64 },
    { "C071",       0x493, C0,  24,  2,  128 },
    { "C09x",       0x44D, C0,  36,  2,  256 },
    { "U03x",       0x459, U03, 12,  2,   64 },
    { "U07x/U08x",  0x489, U0,  40,  2,  256 },
};

/* What a debugger needs set, in this order: the clock of DBGMCU; DBGMCU_CR, that clocks go on
 * in sleep, stop and standby; and that watchdogs stand still while the core does, there or in
 * APB1_FZ.  DBGMCU keeps it through resets. */
#define ALL_M0P (1 << G0 | 1 << C0 | 1 << U0 | 1 << U03)
#define FROM_F3 (1 << F3 | 1 << F4 | 1 << F42 | 1 << F72 | 1 << F74 | 1 << L4 | 1 << LP | 1 << G4)
static const struct __attribute__((packed)) {
    uint32_t at, bits; uint16_t kinds;
} debug_words[] = {
    { RCC_APB2ENR,   DBGMCUEN,   1 << F0 },
    { RCC_APBENR1,   DBGEN,      1 << G0 | 1 << C0 },
    { U0_APBENR1,    DBGEN,      1 << U0 | 1 << U03 },
    { DBGMCU_F0 + 4, 6,          1 << F0 | ALL_M0P },
    { DBGMCU_F0 + 8, 3 << 11,    1 << F0 | ALL_M0P },
    { DBGMCU_F1 + 4, 3 << 8 | 7, 1 << F1 },
    { DBGMCU_F1 + 4, 7,          FROM_F3 | 1 << WB },
    { DBGMCU_F1 + 8, 3 << 11,    FROM_F3 },
    { DBGMCU_F1 + 0x3C, 3 << 11, 1 << WB },
};
enum { DEBUG_WORDS = sizeof debug_words / sizeof *debug_words };
static uint32_t ours[DEBUG_WORDS];      /* those bits that the program had not set */

/* TRACE_IOEN, TRACE_MODE asynchronous: PB3, if the program has not made something else of it.  An
 * F1 has JTAG there no more since its debug port speaks SWD. */
static const struct half pb3[] = { { (DBGMCU_F1 + 4) | HALF_LAST, 7 << 5, 1 << 5 } };

static const struct line *line_of(const struct chip *chip)
{
    return &lines[chip->kind];
}

static bool is_fpec(const struct chip *chip)
{
    return chip->options == &fpec_options;
}

/* The row of a recognized chip. */
static const struct part *part_of(const struct chip *chip)
{
    const struct part *part = parts;

    while (part->id != (chip->id & 0xFFF))
        part++;
    return part;
}

static uint32_t flash_kb(const struct part *part)
{
    uint32_t at = lines[part->kind].size_at, kb = reg_get(at & ~3u) >> (at & 2) * 8 & 0xFFFF;

    reg_error(OK);
    return kb == 0 || kb == 0xFFFF ? part->flash : kb;  /* hidden; a clone left it out */
}

/* Where RDP is in the first option word. */
static unsigned rdp_shift(const struct chip *chip)
{
    return chip->kind < L4 ? 8 : 0;
}

static bool read_protected(const struct chip *chip)
{
    bool locked = is_fpec(chip) ? reg_get(FPEC + OBR) & OBR_RDPRT
                : (reg_get(chip->options->base) >> rdp_shift(chip) & 0xFF) != RDP_OPEN;

    return reg_error(OK) == OK && locked;
}

static void describe(struct chip *chip, const struct part *part)
{
    chip->kind = part->kind;
    chip->options = line_of(chip)->options;
    __builtin_memcpy(chip->name, "STM32", 5);
    __builtin_memcpy(chip->name + 5, part->name, sizeof part->name);
    chip->flash_base = part->kind == F72 || part->kind == F74 ? 0 : FLASH;  /* RAM is at 0 */
    chip->flash_size = flash_kb(part) * KB;
    chip->ram_base = 0x20000000;
    chip->ram_size = part->ram * (uint32_t)KB;
    chip->locked = read_protected(chip);
    if (is_fpec(chip))
        chip->open_option = part->kind == F1 ? 0xA5 : RDP_OPEN;
}

/* A core that sleeps has no clock for its bus, which reads as 0 then, unless DBG_SLEEP says
 * otherwise (RM0008 31.16.1). */
static void describe_awake(struct chip *chip, const struct part *part)
{
    uint32_t at = dbgmcu(part->kind) + 4, cr = reg_get(at);

    reg_put(at, cr | 1);
    describe(chip, part);
    reg_put(at, cr);
    reg_error(OK);
}

/* A zero IDCODE means "cannot be read", not a chip; no row has it. */
static bool stm32_identify(struct chip *chip)
{
    uint32_t at = (chip->cpuid >> 16 & 0xF) == 0xC ? DBGMCU_F0 : DBGMCU_F1;
    uint32_t idcode = chip->cpuid ? reg_get(at) : 0;

    reg_error(OK);
    if ((idcode & 0xFFF) == 0x411 && (chip->cpuid >> 4 & 0xFFF) == 0xC24)
        idcode += 2;                    /* an early F405 says that it is an F20x: ES0182 2.1.1 */
    for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++)
        if ((idcode & 0xFFF) == parts[i].id && dbgmcu(parts[i].kind) == at) {
            chip->id = idcode;
            if (at == DBGMCU_F1)
                chip->pin = pb3;
            describe_awake(chip, &parts[i]);
            return true;
        }
    return false;
}

/* Where a bit of ours is gone, the program has cleared it, or power was lost: then what is
 * set is the program's. */
static int stm32_debugged(const struct chip *chip, bool on)
{
    for (int n = 0; n < DEBUG_WORDS; n++) {
        int i = on ? n : DEBUG_WORDS - 1 - n;
        if (!(debug_words[i].kinds >> chip->kind & 1))
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

/* --- its memory ----------------------------------------------------------------- */

static void map_pages(const struct chip *chip, uint32_t page)
{
    uint32_t first = chip->flash_size < MB / 2 ? chip->flash_size : MB / 2;

    target_map_flash(&fpec, FLASH, first, page);
    target_map_flash(&fpec2, FLASH + first, chip->flash_size - first, page);
}

/* FB_MODE puts bank 2 first, and its blocks keep their numbers.  SYSCFG shows it only while it has
 * its clock (RM0090 9.2.1, RM0351 9.2.1). */
static bool is_swapped(const struct chip *chip)
{
    bool old = chip->kind < L4;
    uint32_t enr = old ? 0x40023844 : 0x40021060, clock = old ? 1 << 14 : 1, found = reg_get(enr);

    reg_put(enr, found | clock);
    bool swapped = reg_get(old ? 0x40013800 : 0x40010000) & 1 << 8;
    reg_put(enr, found);
    return swapped;
}

/* Four sectors, one of four times their size, and as many of eight times as there are. */
static void map_sectors(uint32_t base, uint32_t size, uint32_t first, uint16_t number)
{
    uint32_t four = 4 * first;

    target_map_flash(&f4, base, four, first)->number = number;
    if (size == four)                   /* F730, F750 */
        return;
    target_map_flash(&f4, base + four, four, four)->number = number + 4;
    target_map_flash(&f4, base + 2 * four, size - 2 * four, 2 * four)->number = number + 5;
}

/* Two banks have sectors from 16 KB on each, and the second counts them from 16 on.  F42x and
 * F469 with 2 MB always have two, those with 1 MB by DB1M; F76x by NDBANK. */
static void map_banks(const struct chip *chip, uint32_t first)
{
    uint32_t size = chip->flash_size, optcr = reg_get(F4_FLASH + OPTCR);
    bool two = chip->kind == F42 ? size > MB || (size == MB && optcr & DB1M)
                                 : part_of(chip)->id == 0x451 && !(optcr & NDBANK);

    uint16_t number = two && is_swapped(chip) ? 16 : 0;
    if (two)
        map_sectors(FLASH + size / 2, size / 2, 16 * KB, 16 - number);
    map_sectors(FLASH, two ? size / 2 : size, two ? 16 * KB : first, number);
}

/* Bank 2 of an L4, L4+, G4 or G0: pages are half as large as with one bank in L4+ and G4, and
 * its pages have a bit of the bank, which for G0 is not where the numbers go on (BKER).  It may
 * come first: a G0 says so by nSWAP_BANK. */
static void map_l4(const struct chip *chip, uint32_t page)
{
    const struct controller *c = chip->options->controller;
    uint32_t size = chip->flash_size, optr = reg_get(chip->options->base);
    bool whole = size == part_of(chip)->flash * (uint32_t)KB, bit21 = optr >> 21 & 1,
         bit22 = optr >> 22 & 1, two = false;
    uint32_t first = size, second = FLASH + size / 2;
    uint16_t bank_2 = chip->kind == G0 ? 1024 + 256 : 256, number = 0;

    switch (chip->kind) {
    case L4: two = size == MB || (bit21 && part_of(chip)->flash == 1024); break;
    case LP: two = whole ? bit22 : bit21; break;
    case G4: two = bit22, second = FLASH + 256 * KB; break;
    case G0: two = bit21 && part_of(chip)->id == 0x467 && size > 128 * KB; break;
    }
    if (two) {
        first = size / 2;
        page >>= chip->kind == LP || chip->kind == G4;
        number = (chip->kind == G0 ? !(optr >> 20 & 1) : is_swapped(chip)) ? bank_2 : 0;
        target_map_flash(c, second, first, page)->number = bank_2 - number;
        target_map(REGION_FLASH, FLASH + first, second - FLASH - first);
    }
    target_map_flash(c, FLASH, first, page)->number = number;
}

static void stm32_map(const struct chip *chip)
{
    uint32_t size = chip->flash_size, page = part_of(chip)->page * (uint32_t)KB;

    if (is_fpec(chip))
        map_pages(chip, page);
    else if (chip->kind < L4)
        map_banks(chip, page);
    else
        map_l4(chip, page);
    reg_error(OK);
    target_map(REGION_FLASH, FLASH + size, FLASH - size);
    target_map(REGION_RAM, chip->ram_base, chip->ram_size);
    target_map(REGION_ROM, 0x1FF00000, MB);                 /* system, OTP, option bytes */
    if (!chip->flash_base)
        target_map(REGION_ROM, 0x00200000, size);           /* the flash by ITCM: to be read */
    else if (chip->kind >= F3 && chip->kind <= G4)
        target_map(REGION_RAM, 0x10000000, 64 * KB);        /* core coupled memory, or less */
}

/* --- around a job ------------------------------------------------------------------ */

enum { ACR_CACHES = 3 << 9, ACR_RESET = 2,              /* FPEC has none; and where theirs are */
       ACR_EMPTY = 1 << 16 };                           /* G0, C0 */

static uint32_t acr;                                    /* as found */

/* An L4 wakes up at 4 MHz, and the loader's sums cost as much time as the flash then.  As long as
 * nobody has touched its clocks or supply, it gets 16 MHz for the job, which need no wait state
 * (RM0351 3.3.3, 6.4.1).  MSIRGSEL stays: to clear it has no effect. */
enum { RCC_CR = 0x40021000, RCC_CFGR = 0x40021008, RCC_APB1ENR1 = 0x40021058, PWREN = 1 << 28 };
enum { MSI_4_MHZ = 0x63, MSI_16_MHZ = 0x83, MSIRGSEL = 8 };

static void set_msi(const struct chip *chip, uint32_t from, uint32_t to)
{
    if (chip->kind == L4 || chip->kind == LP)
        if ((reg_get(RCC_CR) | MSIRGSEL) == (from | MSIRGSEL) && reg_get(RCC_CFGR) == 0 &&
            !(reg_get(RCC_APB1ENR1) & PWREN))
            reg_put(RCC_CR, to | MSIRGSEL);
    reg_error(OK);
}

static uint32_t acr_of(const struct chip *chip)
{
    return chip->options->controller->base;
}

/* The flash changes behind caches: they are off meanwhile, and empty before they are on. */
static void caches_off(const struct chip *chip)
{
    set_msi(chip, MSI_4_MHZ, MSI_16_MHZ);
    acr = reg_get(acr_of(chip));
    if (acr & ACR_CACHES)
        reg_put(acr_of(chip), acr & ~(uint32_t)ACR_CACHES);
    reg_error(OK);
    cortexm_data_cache(false);
}

/* A G0 or C0 that was empty when it started goes on to start ST's loader until it is said that
 * there is something now, or the power is cycled (RM0444 3.7.1). */
static void caches_as_found(const struct chip *chip)
{
    uint32_t were_on = acr & ACR_CACHES;

    if (chip->kind >= G0 && reg_get(FLASH) != 0xFFFFFFFF)
        acr &= ~(uint32_t)ACR_EMPTY;
    reg_put(acr_of(chip), (acr ^ were_on) | were_on << ACR_RESET);
    reg_put(acr_of(chip), acr);
    reg_error(OK);
    set_msi(chip, MSI_16_MHZ, MSI_4_MHZ);
    cortexm_data_cache(true);
}

/* --- read protection, option bytes, number -------------------------------------------- */

/* In the first word of a register that takes options; F4's has its lock and start, too. */
static void set_rdp(const struct chip *chip, uint32_t *word, uint8_t rdp)
{
    unsigned shift = rdp_shift(chip);

    *word = (*word & ~(0xFFu << shift)) | (uint32_t)rdp << shift;
    if (shift)
        *word &= ~(uint32_t)(OPTLOCK | OPTSTRT);
}

/* Erasing FPEC's option bytes leaves RDP at 0xFF: protected.  Writing the key is what opens
 * the chip, which erases all of its flash first: flash_poll() waits for that. */
static int remove_protection(const struct chip *chip)
{
    const struct controller *c = chip->options->controller;
    uint32_t key = chip->kind == F1 ? 0x5AA5 : 0x55AA;      /* and its complement */
    struct flash_act act = { .address = chip->options->base, .bytes = (uint8_t *)&key,
                             .length = chip->options->unit };

    if (!is_fpec(chip)) {
        key = reg_get(act.address);
        set_rdp(chip, &key, RDP_OPEN);
    }
    int error = flash_open_options(c);
    if (!error)
        error = flash_follow(c, TO_ERASE_OPTIONS, &act, c->limit_ms);
    return error ? error : flash_follow(c, TO_PROGRAM_OPTIONS, &act, c->limit_ms);
}

/* FPEC: a byte each, with its complement above it.  RDP 0xCC closes a chip for ever. */
static int change_byte(uint8_t *bytes, uint32_t at, uint32_t value)
{
    if (value > 0xFF && value >> 8 != (~value & 0xFF))
        return ERR_RANGE;
    bytes[at] = (uint8_t)value;
    for (int i = 0; i < OPTIONS_SIZE; i += 2)
        bytes[i + 1] = (uint8_t)~bytes[i];
    return bytes[0] == RDP_FOR_EVER ? ERR_REFUSED : OK;
}

static int stm32_change_option(const struct chip *chip, uint32_t *words, uint32_t at,
                               uint32_t value)
{
    if (is_fpec(chip))
        return change_byte((uint8_t *)words, at, value);
    words[at / 4] = value;
    uint8_t rdp = (uint8_t)(words[0] >> rdp_shift(chip));
    set_rdp(chip, words, rdp);
    return rdp == RDP_FOR_EVER ? ERR_REFUSED : OK;
}

static uint32_t stm32_number(const struct chip *chip, unsigned index)
{
    const struct line *line = line_of(chip);
    uint32_t at = line->size_at - (uint32_t)line->number_below;

    return index < 3 ? at + 4 * index : 0;
}

const struct family stm32_family = {
    .identify = stm32_identify, .debugged = stm32_debugged, .map = stm32_map,
    .prepare = caches_off, .restore = caches_as_found,
    .feed_at = 0x40003000, .feed = 0xAAAA,              /* IWDG_KR, RM0008 19.4.1 */
    .unlock = remove_protection,
    .change_option = stm32_change_option, .number = stm32_number,
};
