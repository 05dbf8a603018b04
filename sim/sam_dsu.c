/* sam_dsu.c - the SAM D21's device service unit, and who may write what (PAC).
 *
 *   called by  sam.c, memap.c (through sam_dsu_allows)      calls  sam_nvm.c
 *
 *   0x41002000  for the core         0x41002100  the same registers for a debugger
 *   0x41003000  CoreSight ROM table of the chip: entry 0 is the core's own, entry 1 MTB
 *   0x41006000  MTB, the micro trace buffer: registers only, tracing is reported
 *
 * With the security bit set a debugger sees the external half and the ROM table, nothing
 * else; chip erase (CTRL.CE) is its only way in.  Cold plugging: SWCLK low when reset is
 * released keeps the core in reset until STATUSA.CRSTEXT is written with 1.
 *
 * The internal registers are write-protected by PAC1 after reset, from the core.
 *
 * Modelled: chip erase (240 ms, data sheet maximum), CRC32 (a word each two cycles at
 * 8 MHz assumed), DCC registers, identification.  MBIST is not.
 *
 * Sources: data sheet chapters DSU, PAC; CoreSight ROM tables, ADIv5.2 D5; CoreSight
 * MTB-M0+ TRM (ARM DDI 0486) 3. */
#include "sam.h"
#include <stdlib.h>
#include <string.h>

enum { RAM_BASE = 0x20000000, LP_RAM_BASE = 0x30000000, EXTERNAL = 0x100, DSU_SIZE = 0x2000 };
enum { OLD_PACS = 3 };
enum { CTRL_SWRST = 1 << 0, CTRL_CRC = 1 << 2, CTRL_MBIST = 1 << 3, CTRL_CE = 1 << 4 };
enum { DONE = 1 << 0, CRSTEXT = 1 << 1, BERR = 1 << 2, FAIL = 1 << 3, PERR = 1 << 4 };
enum { PROT = 1 << 0, DBGPRES = 1 << 1, DCCD0 = 1 << 2, DCCD1 = 1 << 3, HPE = 1 << 4,
       CELCK = 1 << 5 };

struct sam_dsu {
    struct sam *chip;
    uint8_t statusa, dcc_dirty;
    uint32_t addr, length, data, dcc[2];
    uint32_t pac[BRIDGES];                  /* write-protected peripherals */
    uint32_t mtb_position, mtb_master, mtb_flow;
    enum { IDLE, ERASING, SUMMING } job;
    struct alarm job_done;
};

static bool is_protected(const struct sam_dsu *dsu)
{
    return dsu->chip->model->nvm->protected(dsu->chip);
}

bool sam_dsu_holds_core(const struct sam_dsu *dsu) { return dsu->statusa & CRSTEXT; }
void sam_dsu_hold_core(struct sam_dsu *dsu) { dsu->statusa |= CRSTEXT; }

bool sam_dsu_allows(void *ctx, uint32_t address, bool write)
{
    struct sam *sam = ctx;
    (void)write;
    uint32_t offset = address - sam->model->dsu.base;
    return !sam->model->nvm->protected(sam) || (offset >= EXTERNAL && offset < DSU_SIZE);
}

bool sam_write_protected(struct sam *sam, const struct sam_block *block)
{
    return block->bit >= 0 && sam->dsu->pac[block->bridge] >> block->bit & 1;
}

/* --- jobs ------------------------------------------------------------------------------ */

/* CRC-32 (IEEE 802.3, reflected), from and to DATA, without the final complement. */
static void sum(struct sam_dsu *dsu)
{
    uint32_t crc = dsu->data;
    for (uint32_t at = dsu->addr & ~3u, end = at + (dsu->length & ~3u); at != end; at += 4) {
        uint32_t word;
        if (!bus_read(dsu->chip->bus, BUS_DMA, at, 4, &word)) {
            dsu->statusa |= BERR;
            break;
        }
        crc ^= word;
        for (int i = 0; i < 32; i++)
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
    }
    dsu->data = crc;
}

static void job_done(void *ctx)
{
    struct sam_dsu *dsu = ctx;
    if (dsu->job == ERASING) {
        struct bus_region *ram = bus_find(dsu->chip->bus, RAM_BASE);
        memset(ram->memory, 0, ram->size);
        ram = bus_find(dsu->chip->bus, LP_RAM_BASE);
        if (ram)
            memset(ram->memory, 0, ram->size);
        dsu->chip->model->nvm->chip_erase(dsu->chip);
    }
    if (dsu->job == SUMMING)
        sum(dsu);
    dsu->job = IDLE;
    dsu->statusa |= DONE;
}

static void begin(struct sam_dsu *dsu, int job, sim_time how_long)
{
    sim_time end = dsu->chip->sim->now + how_long;
    dsu->job = job;
    dsu->statusa &= (uint8_t)~DONE;
    alarm_set(dsu->chip->sim, &dsu->job_done, end);
    if (job == ERASING)
        dsu->chip->model->nvm->busy(dsu->chip, end);
}

static void control(struct sam_dsu *dsu, uint32_t value, bool external)
{
    if (dsu->job != IDLE)
        return;
    if (value & CTRL_SWRST) {
        dsu->statusa &= CRSTEXT;
        dsu->addr = dsu->length = dsu->data = 0;
    }
    bool locked = is_protected(dsu);
    if (value & CTRL_CE && dsu->chip->model->nvm->erase_locked(dsu->chip))
        return;                             /* discarded: STATUSB.CELCK */
    if ((value & CTRL_CE && locked && !external) || (value & (CTRL_CRC | CTRL_MBIST) && locked))
        dsu->statusa |= PERR;
    else if (value & CTRL_CE)
        begin(dsu, ERASING, dsu->chip->model->chip_erase_time);
    else if (value & CTRL_CRC)
        begin(dsu, SUMMING, SIM_US + dsu->length / 4 * 250 * SIM_NS);
    else if (value & CTRL_MBIST)
        sam_report(dsu->chip, SIM_UNMODELLED, "DSU: memory self-test");
}

/* --- registers ---------------------------------------------------------------------------- */

static uint32_t statusb(const struct sam_dsu *dsu)
{
    bool present = coredebug_halting(dsu->chip->coredebug);
    return (is_protected(dsu) ? PROT : 0) | (present ? DBGPRES : 0) |
           (dsu->chip->model->nvm->erase_locked(dsu->chip) ? CELCK : 0) | dsu->dcc_dirty | HPE;
}

/* The chip's ROM table.  EPRES, bit 0 of an entry, hides it while the chip is secured. */
static uint32_t rom_read(const struct sam_dsu *dsu, uint32_t offset)
{
    static const struct { uint16_t offset; uint8_t value; } identification[] = {
        { 0xFE0, 0xD0 }, { 0xFE4, 0xFC }, { 0xFE8, 0x09 },      /* part 0xCD0, Atmel 0x1F */
        { 0xFF0, 0x0D }, { 0xFF4, 0x10 }, { 0xFF8, 0x05 }, { 0xFFC, 0xB1 },
    };
    uint32_t present = !is_protected(dsu);
    switch (offset) {
    case 0x000: return 0x9F0FC002 | present;        /* 0xE00FF000 - 0x41003000 */
    case 0x004: return dsu->chip->model->mtb ?
                       (dsu->chip->model->mtb - dsu->chip->model->dsu.base - 0x1000) | 2 | present : 0;
    case 0xFCC: return present;             /* MEMTYPE.SMEMP */
    default:    break;
    }
    for (size_t i = 0; i < sizeof identification / sizeof identification[0]; i++)
        if (identification[i].offset == offset)
            return identification[i].value;
    return 0;
}

static uint32_t dsu_read(void *ctx, uint32_t word)
{
    struct sam_dsu *dsu = ctx;
    if (word >= 0x1000)
        return rom_read(dsu, word - 0x1000);
    switch (word & 0xFF) {
    case 0x00: return (uint32_t)dsu->statusa << 8 | statusb(dsu) << 16;
    case 0x04: return dsu->addr;
    case 0x08: return dsu->length;
    case 0x0C: return dsu->data;
    case 0x10: dsu->dcc_dirty &= (uint8_t)~DCCD0; return dsu->dcc[0];
    case 0x14: dsu->dcc_dirty &= (uint8_t)~DCCD1; return dsu->dcc[1];
    case 0x18: return dsu->chip->model->did;
    default:   return 0;
    }
}

static void clear_status(struct sam_dsu *dsu, uint32_t value)
{
    bool held = dsu->statusa & CRSTEXT;
    if (held && value & CRSTEXT && is_protected(dsu)) {
        dsu->statusa |= PERR;               /* 13.6.2: not while the chip is secured */
        return;
    }
    dsu->statusa &= (uint8_t)~value;
    if (held && !(dsu->statusa & CRSTEXT))
        sam_core_released(dsu->chip);
}

static void dsu_write(void *ctx, uint32_t word, uint32_t value, uint32_t mask)
{
    struct sam_dsu *dsu = ctx;
    if (word >= 0x1000)
        return;
    switch (word & 0xFF) {
    case 0x00:
        if (mask & 0xFF00)
            clear_status(dsu, value >> 8 & 0xFF);
        if (mask & 0xFF)
            control(dsu, value & 0xFF, word >= 0x100);
        break;
    case 0x04: dsu->addr = sam_merge(dsu->addr, value, mask); break;
    case 0x08: dsu->length = sam_merge(dsu->length, value, mask); break;
    case 0x0C: dsu->data = sam_merge(dsu->data, value, mask); break;
    case 0x10: case 0x14:
        dsu->dcc[(word & 0x04) / 4] = value;
        dsu->dcc_dirty |= word & 0x04 ? DCCD1 : DCCD0;
        break;
    default: break;
    }
}

/* --- MTB ---------------------------------------------------------------------------------- */

enum { MTB_SIZE = 0x1000 };
enum { POSITION = 0x00, MASTER = 0x04, FLOW = 0x08, BASE = 0x0C };
#define MASTER_EN      (1u << 31)
#define MASTER_BITS    0x000003FFu
#define TSTARTEN       (1u << 5)
#define POSITION_BITS  0x00007FFCu          /* a pointer into 32 KB, and WRAP */

static uint32_t mtb_read(void *ctx, uint32_t word)
{
    static const struct { uint16_t offset; uint32_t value; } identification[] = {
        { 0xFBC, 0x47700A31 }, { 0xFCC, 0x31 }, { 0xFD0, 0x04 },
        { 0xFE0, 0x32 }, { 0xFE4, 0xB9 }, { 0xFE8, 0x0B },      /* part 0x932, ARM 0x43B */
        { 0xFF0, 0x0D }, { 0xFF4, 0x90 }, { 0xFF8, 0x05 }, { 0xFFC, 0xB1 },
    };
    const struct sam_dsu *dsu = ctx;
    switch (word) {
    case POSITION: return dsu->mtb_position;
    case MASTER:   return dsu->mtb_master;
    case FLOW:     return dsu->mtb_flow;
    case BASE:     return RAM_BASE;
    default:       break;
    }
    for (size_t i = 0; i < sizeof identification / sizeof identification[0]; i++)
        if (identification[i].offset == word)
            return identification[i].value;
    return 0;
}

static void mtb_write(void *ctx, uint32_t word, uint32_t value, uint32_t mask)
{
    struct sam_dsu *dsu = ctx;
    value &= mask;
    if (word == POSITION)
        dsu->mtb_position = value & POSITION_BITS;
    else if (word == FLOW)
        dsu->mtb_flow = value & ~4u;
    if (word != MASTER)
        return;
    if (value & (MASTER_EN | TSTARTEN))
        sam_report(dsu->chip, SIM_UNMODELLED, "MTB: tracing (MASTER.EN or TSTARTEN)");
    dsu->mtb_master = value & MASTER_BITS & ~TSTARTEN;
}

/* --- PAC ---------------------------------------------------------------------------------- */

/* The newer chips' one PAC: WRCTRL has a key and a peripheral's number, STATUSA to E say which
 * are protected. */
enum { WRCTRL = 0x00, STATUSA = 0x34, KEY_CLR = 1, KEY_SET = 2, KEY_SETLCK = 3 };

static uint32_t new_pac_read(void *ctx, uint32_t word)
{
    struct sam_dsu *dsu = ctx;
    unsigned bridge = (word - STATUSA) / 4;
    return word >= STATUSA && bridge < BRIDGES ? dsu->pac[bridge] : 0;
}

static void new_pac_write(void *ctx, uint32_t word, uint32_t value, uint32_t mask)
{
    struct sam_dsu *dsu = ctx;
    unsigned bridge = (value & 0xFFFF) / 32, key = value >> 16 & 0xFF;
    if (word != WRCTRL || mask != UINT32_MAX || bridge >= BRIDGES)
        return;
    uint32_t bit = 1u << value % 32;
    if (key == KEY_CLR)
        dsu->pac[bridge] &= ~bit;
    else if (key == KEY_SET || key == KEY_SETLCK)
        dsu->pac[bridge] |= bit;
    if (key == KEY_SETLCK)
        sam_report(dsu->chip, SIM_UNMODELLED, "PAC: protection until reset (SETLCK)");
}

static uint32_t pac_read(void *ctx, uint32_t word)
{
    uint32_t *protected = ctx;
    return word <= 0x04 ? *protected : 0;
}

static void pac_write(void *ctx, uint32_t word, uint32_t value, uint32_t mask)
{
    uint32_t *protected = ctx;
    if (word == 0x00)
        *protected &= ~(value & mask);
    if (word == 0x04)
        *protected |= value & mask;
}

/* --- reset, construction ------------------------------------------------------------------ */

static void dsu_reset(void *ctx)
{
    struct sam_dsu *dsu = ctx;
    if (dsu->job == SUMMING) {              /* a chip erase goes through */
        alarm_cancel(dsu->chip->sim, &dsu->job_done);
        dsu->job = IDLE;
    }
    if (!dsu->chip->chip.powered) {
        alarm_cancel(dsu->chip->sim, &dsu->job_done);
        dsu->job = IDLE;
    }
    dsu->statusa = dsu->dcc_dirty = 0;
    dsu->addr = dsu->length = dsu->data = 0;
    dsu->mtb_position = dsu->mtb_master = dsu->mtb_flow = 0;
    memset(dsu->pac, 0, sizeof dsu->pac);
    dsu->pac[BRIDGE_B] = 1 << 1;            /* the DSU itself */
}

static void add_serial_number(struct sam *sam, uint32_t unique_id)
{
    uint32_t words[] = { unique_id, 0x50533120, unique_id ^ 0x33352E31, 0xFF0A1B2C };
    for (int i = 0; i < 4; i++)
        bus_load(sam->bus, sam->model->serial_at[i], &words[i], 4);
}

void sam_dsu_new(struct sam *sam, uint32_t unique_id)
{
    static const char *const pac_names[OLD_PACS] = { "PAC0", "PAC1", "PAC2" };
    struct sam_dsu *dsu = sam->dsu = calloc(1, sizeof *dsu);
    dsu->chip = sam;
    alarm_init(&dsu->job_done, job_done, dsu);
    add_serial_number(sam, unique_id);
    sam_add_block(sam, &(struct sam_block){
        .name = "DSU", .base = sam->model->dsu.base, .size = DSU_SIZE,
        .bridge = sam->model->dsu.bridge, .bit = sam->model->dsu.bit,
        .read = dsu_read, .write = dsu_write, .reset = dsu_reset, .ctx = dsu });
    if (sam->model->mtb)
        sam_add_block(sam, &(struct sam_block){
            .name = "MTB", .base = sam->model->mtb, .size = MTB_SIZE, .bridge = BRIDGE_B,
            .bit = -1, .read = mtb_read, .write = mtb_write, .ctx = dsu });
    if (!sam->model->is_d21)
        sam_add_block(sam, &(struct sam_block){
            .name = "PAC", .base = sam->model->pac.base, .bridge = sam->model->pac.bridge,
            .bit = sam->model->pac.bit, .read = new_pac_read, .write = new_pac_write,
            .ctx = dsu });
    for (int i = 0; i < OLD_PACS && sam->model->is_d21; i++)
        sam_add_block(sam, &(struct sam_block){
            .name = pac_names[i], .base = 0x40000000u + 0x01000000u * (uint32_t)i,
            .bridge = i, .bit = 0, .read = pac_read, .write = pac_write,
            .ctx = &dsu->pac[i] });
}

void sam_dsu_free(struct sam_dsu *dsu)
{
    alarm_cancel(dsu->chip->sim, &dsu->job_done);
    free(dsu);
}
