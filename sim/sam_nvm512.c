/* sam_nvm512.c - the flash of the SAM D5x and its controller, NVMCTRL; the cache, CMCC.
 *
 *   called by  sam.c (bus), sam_dsu.c (chip erase, security bit)
 *
 *   quad word  16 bytes, page 512: what a write command programs, from the page buffer
 *   block      16 pages, 8 KB: what an erase command erases
 *   region     1/32 of the flash: what can be locked (RUNLOCK; after reset as the user page has it)
 *   bank       half of it: while one is busy the other is read
 *
 *                    WP   WQW   EB   EP
 *   main array        x    x     x            any other: PROGE
 *   user page              x          x       neither of both: ADDRE
 *
 * The page buffer is written through the flash's own addresses, in whole words; each sets ADDR.
 * CTRLA.WMODE writes by itself: 1 each double word, 2 each quad word, 3 each page.  A command
 * whose key is not 0xA5, that does not exist, or that comes while READY is 0, sets PROGE and does
 * nothing; one for a locked region, or for the boot loader's section (BOOTPROT, the user page's
 * bits 29:26) unless STATUS.BPDIS, sets LOCKE.  Every double word has its ECC: programmed a second
 * time without an erase it would no longer match, which is reported.
 *
 * BKSWRST swaps the banks and resets the chip; here their contents change places, which is
 * the same from outside.  SSB acts from the next reset on.
 *
 * Not modelled, and reported: SmartEEPROM, suspended operations, power reduction; ECC's errors.
 *
 * Times: data sheet table "Flash NVM": page 1.5 ms typically, chip erase 15 s typically, block
 * 200 ms (no typical one is given).  A quad word: assumed 100 us.  An operation's result is there
 * from its start; cut off by a loss of power it is a mixture.
 *
 * Source: SAM D5x/E5x Family Data Sheet DS60001507, chapters NVMCTRL, CMCC, 9.4 (user page). */
#include "sam.h"
#include <stdlib.h>
#include <string.h>

enum { PAGE = 512, BLOCK = 16 * PAGE, QUAD = 16, DOUBLE = 8, REGIONS = 32 };
enum { AUX_BASE = 0x00800000, AUX_SIZE = 0x10000, USER_PAGE = 0x00804000 };
#define PAGE_TIME   (1500 * SIM_US)
#define QUAD_TIME   (100 * SIM_US)
#define BLOCK_TIME  (200 * SIM_MS)

enum { CMD_EP = 0x00, CMD_EB = 0x01, CMD_WP = 0x03, CMD_WQW = 0x04, CMD_SWRST = 0x10,
       CMD_LR = 0x11, CMD_UR = 0x12, CMD_SPRM = 0x13, CMD_CPRM = 0x14, CMD_PBC = 0x15,
       CMD_SSB = 0x16, CMD_BKSWRST = 0x17, CMD_CELCK = 0x18, CMD_CEULCK = 0x19,
       CMD_SBPDIS = 0x1A, CMD_CBPDIS = 0x1B, CMD_SEE_FIRST = 0x30, CMD_SEE_LAST = 0x37,
       CMD_KEY = 0xA5 };
enum { CTRLA = 0x00, CTRLB = 0x04, PARAM = 0x08, INTEN = 0x0C, INTFLAG_STATUS = 0x10, ADDR = 0x14,
       RUNLOCK = 0x18, ECCERR = 0x24, DBGCTRL = 0x28, SEESTAT = 0x2C };
enum { AUTOWS = 1 << 2, WMODE_ADW = 1, WMODE_AQW = 2, WMODE_AP = 3 };
enum { DONE = 1 << 0, ADDRE = 1 << 1, PROGE = 1 << 2, LOCKE = 1 << 3, INTERRUPTS = 0x7FF };
enum { READY = 1 << 0, PRM = 1 << 1, LOAD = 1 << 2, AFIRST = 1 << 4, BPDIS = 1 << 5 };
enum { CMCC_BASE = 0x41006000, CMCC_TYPE = 0x00, CMCC_CFG = 0x04, CMCC_CTRL = 0x08,
       CMCC_SR = 0x0C };

struct sam_nvm512 {
    struct sam *chip;
    uint32_t size, bank;                    /* of the flash, of half of it */
    uint8_t *flash, aux[AUX_SIZE];
    uint8_t buffer[PAGE];
    uint8_t *programmed;                    /* double words since their last erase; user page last */
    uint32_t ctrla, addr, runlock, intenset, intflag, status;
    bool afirst, secured, securing, erase_locked;   /* outlive power */
    sim_time busy_until, bank_busy[2];
    struct alarm done;
    struct bus_region *banks[2];
    uint8_t *changing, old[BLOCK];          /* what an operation changes, and how it was */
    uint32_t length;
    uint32_t cmcc_cfg, cmcc_ctrl;
};

static bool is_busy(const struct sam_nvm512 *nvm) { return nvm->chip->sim->now < nvm->busy_until; }

static void update_irq(struct sam_nvm512 *nvm)
{
    sam_irq(nvm->chip, nvm->chip->model->nvmctrl_irq, nvm->intflag & nvm->intenset & 0x7F);
}

static void raise_flag(struct sam_nvm512 *nvm, uint32_t flag)
{
    nvm->intflag |= flag;
    update_irq(nvm);
}

static void operation_over(void *ctx)
{
    struct sam_nvm512 *nvm = ctx;
    nvm->length = 0;
    raise_flag(nvm, DONE);
}

static void set_busy(struct sam_nvm512 *nvm, sim_time until)
{
    nvm->busy_until = until;
    alarm_set(nvm->chip->sim, &nvm->done, until);
}

/* --- the user page ---------------------------------------------------------------------- */

static uint32_t user_word(const struct sam_nvm512 *nvm, int n)
{
    uint32_t word;
    memcpy(&word, nvm->aux + (USER_PAGE - AUX_BASE) + 4 * n, 4);
    return word;
}

static uint64_t fuses(const struct sam *sam)
{
    return user_word(sam->nvm, 0) | (uint64_t)user_word(sam->nvm, 1) << 32;
}

static uint32_t bootprot(const struct sam_nvm512 *nvm) { return nvm->status >> 8 & 15; }

static bool is_locked(const struct sam_nvm512 *nvm, uint32_t address)
{
    bool boot = !(nvm->status & BPDIS) && address < (15 - bootprot(nvm)) * BLOCK;
    return boot || !(nvm->runlock >> address / (nvm->size / REGIONS) & 1);
}

/* --- erasing and programming ----------------------------------------------------------------- */

static bool is_main(const struct sam_nvm512 *nvm) { return nvm->addr < nvm->size; }
static bool is_user(const struct sam_nvm512 *nvm) { return nvm->addr - USER_PAGE < PAGE; }

static void begin(struct sam_nvm512 *nvm, uint8_t *at, uint32_t length, sim_time time)
{
    nvm->changing = at;
    nvm->length = length;
    memcpy(nvm->old, at, length);
    set_busy(nvm, nvm->chip->sim->now + time);
    if (is_main(nvm))
        nvm->bank_busy[nvm->addr / nvm->bank] = nvm->busy_until;
}

static uint8_t *place(struct sam_nvm512 *nvm, uint32_t unit)
{
    uint32_t address = nvm->addr & ~(unit - 1);
    return is_main(nvm) ? nvm->flash + address : nvm->aux + (address - AUX_BASE);
}

/* May this command be given for ADDR?  main, user: the spaces that know it. */
static bool allowed(struct sam_nvm512 *nvm, bool main, bool user)
{
    if (!is_main(nvm) && !is_user(nvm))
        raise_flag(nvm, ADDRE);
    else if (!(is_main(nvm) ? main : user))
        raise_flag(nvm, PROGE);
    else if (is_main(nvm) && is_locked(nvm, nvm->addr))
        raise_flag(nvm, LOCKE);
    else
        return true;
    raise_flag(nvm, DONE);
    return false;
}

static uint8_t *double_words(struct sam_nvm512 *nvm, uint32_t unit)
{
    uint32_t address = nvm->addr & ~(unit - 1);
    return nvm->programmed + (is_main(nvm) ? address : nvm->size + address - USER_PAGE) / DOUBLE;
}

static void erase(struct sam_nvm512 *nvm, uint32_t unit, sim_time time)
{
    begin(nvm, place(nvm, unit), unit, time);
    memset(nvm->changing, 0xFF, unit);
    memset(double_words(nvm, unit), 0, unit / DOUBLE);
}

static void clear_buffer(struct sam_nvm512 *nvm)
{
    memset(nvm->buffer, 0xFF, PAGE);
    nvm->status &= ~(uint32_t)LOAD;
}

static void write_buffer(struct sam_nvm512 *nvm, uint32_t unit, sim_time time)
{
    static const uint8_t blank[DOUBLE] = { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF };
    const uint8_t *from = nvm->buffer + (nvm->addr & ~(unit - 1)) % PAGE;
    uint8_t *marks = double_words(nvm, unit);
    begin(nvm, place(nvm, unit), unit, time);
    for (uint32_t i = 0; i < unit; i += DOUBLE) {
        if (memcmp(from + i, blank, DOUBLE) == 0)
            continue;
        if (marks[i / DOUBLE]++)
            sam_report(nvm->chip, SIM_RULE, "NVMCTRL: the double word at 0x%08X is programmed "
                       "again without an erase: its ECC no longer matches",
                       (nvm->addr & ~(unit - 1)) + i);
        for (uint32_t k = i; k < i + DOUBLE; k++)
            nvm->changing[k] &= from[k];
    }
    clear_buffer(nvm);
}

/* --- commands --------------------------------------------------------------------------------- */

static void lock_region(struct sam_nvm512 *nvm, bool lock)
{
    if (!is_main(nvm)) {
        raise_flag(nvm, ADDRE);
        return;
    }
    uint32_t bit = 1u << nvm->addr / (nvm->size / REGIONS);
    nvm->runlock = lock ? nvm->runlock & ~bit : nvm->runlock | bit;
}

static void swap_bytes(uint8_t *a, uint8_t *b, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++) {
        uint8_t kept = a[i];
        a[i] = b[i];
        b[i] = kept;
    }
}

static void swap_banks(struct sam_nvm512 *nvm)
{
    swap_bytes(nvm->flash, nvm->flash + nvm->bank, nvm->bank);
    swap_bytes(nvm->programmed, nvm->programmed + nvm->bank / DOUBLE, nvm->bank / DOUBLE);
    nvm->afirst = !nvm->afirst;
    sam_reset_internal(nvm->chip, RESET_SOFTWARE);
}

static void write_quad(struct sam_nvm512 *nvm)
{
    if (allowed(nvm, true, true))
        write_buffer(nvm, QUAD, QUAD_TIME);
}

static void write_page(struct sam_nvm512 *nvm)
{
    if (allowed(nvm, true, false))
        write_buffer(nvm, PAGE, PAGE_TIME);
}

/* Commands that are over at once. */
static void obey_at_once(struct sam_nvm512 *nvm, uint32_t command)
{
    switch (command) {
    case CMD_LR:     lock_region(nvm, true); break;
    case CMD_UR:     lock_region(nvm, false); break;
    case CMD_SPRM:
    case CMD_CPRM:   sam_report(nvm->chip, SIM_UNMODELLED, "NVMCTRL: power reduction"); break;
    case CMD_PBC:    clear_buffer(nvm); break;
    case CMD_SSB:    nvm->securing = true; break;
    case CMD_BKSWRST: swap_banks(nvm); return;
    case CMD_CELCK:  nvm->erase_locked = true; break;
    case CMD_CEULCK: nvm->erase_locked = false; break;
    case CMD_SBPDIS: nvm->status |= BPDIS; break;
    case CMD_CBPDIS: nvm->status &= ~(uint32_t)BPDIS; break;
    default:
        if (command >= CMD_SEE_FIRST && command <= CMD_SEE_LAST)
            sam_report(nvm->chip, SIM_UNMODELLED, "NVMCTRL: SmartEEPROM, command 0x%02X", command);
        raise_flag(nvm, PROGE);
        break;
    }
    raise_flag(nvm, DONE);
}

static void obey(struct sam_nvm512 *nvm, uint32_t value)
{
    uint32_t command = value & 0x7F;
    if (value >> 8 != CMD_KEY || is_busy(nvm)) {
        if (is_busy(nvm))
            sam_report(nvm->chip, SIM_RULE, "NVMCTRL: command 0x%02X while STATUS.READY is 0",
                       command);
        raise_flag(nvm, PROGE);
        return;
    }
    switch (command) {
    case CMD_EP:
        if (allowed(nvm, false, true))
            erase(nvm, PAGE, BLOCK_TIME);
        break;
    case CMD_EB:
        if (allowed(nvm, true, false))
            erase(nvm, BLOCK, BLOCK_TIME);
        break;
    case CMD_WP:  write_page(nvm); break;
    case CMD_WQW: write_quad(nvm); break;
    default:      obey_at_once(nvm, command); break;
    }
}

/* --- the page buffer, behind the flash's addresses ----------------------------------------------- */

static void buffer_write(struct sam_nvm512 *nvm, uint32_t address, uint32_t value, int width)
{
    struct bus *bus = nvm->chip->bus;
    if (width != 4) {
        if (bus->master != BUS_DEBUG)
            sam_report(nvm->chip, SIM_RULE, "%d-bit write to the NVM page buffer, which takes "
                       "whole words", 8 * width);
        bus->fault = true;
        return;
    }
    memcpy(nvm->buffer + address % PAGE, &value, 4);
    nvm->addr = address;
    nvm->status |= LOAD;
    uint32_t mode = nvm->ctrla >> 4 & 3, end = address + 4;
    if (mode == WMODE_ADW && end % DOUBLE == 0 && allowed(nvm, true, false))
        write_buffer(nvm, DOUBLE, QUAD_TIME);
    else if (mode == WMODE_AQW && end % QUAD == 0)
        write_quad(nvm);
    else if (mode == WMODE_AP && end % PAGE == 0)
        write_page(nvm);
}

static void flash_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    buffer_write(ctx, offset, value, width);
}

static void second_bank_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct sam_nvm512 *nvm = ctx;
    buffer_write(nvm, nvm->bank + offset, value, width);
}

static void aux_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    buffer_write(ctx, AUX_BASE + offset, value, width);
}

/* --- speed ------------------------------------------------------------------------------------- */

/* Data sheet table "Maximum Operating Frequency", VDD above 2.7 V. */
static void set_costs(struct sam_nvm512 *nvm)
{
    static const double limit[] = { 24, 51, 77, 101, 119, 120 };
    double mhz = (double)SIM_US / (double)nvm->chip->cpu->cycle;
    unsigned wanted = 0, ws = nvm->ctrla >> 8 & 15;
    while (wanted < 5 && mhz > limit[wanted] + 0.1)
        wanted++;
    if (nvm->ctrla & AUTOWS)
        ws = wanted;
    else if (ws < wanted)
        sam_report(nvm->chip, SIM_RULE, "%.0f MHz with %u flash wait states "
                   "(NVMCTRL.CTRLA.RWS); %u are needed", mhz, ws, wanted);
    for (int i = 0; i < 2; i++) {
        nvm->banks[i]->read_wait = nvm->cmcc_ctrl & 1 ? 0 : (uint8_t)ws;
        nvm->banks[i]->prefetch = true;
    }
}

static void check_speed(struct sam *sam) { set_costs(sam->nvm); }

/* --- registers ------------------------------------------------------------------------------------ */

static uint32_t nvm_read(void *ctx, uint32_t word)
{
    struct sam_nvm512 *nvm = ctx;
    uint32_t status = nvm->status | (is_busy(nvm) ? 0 : READY) | (nvm->afirst ? AFIRST : 0);
    switch (word) {
    case CTRLA:   return nvm->ctrla;
    case PARAM:   return 1u << 31 | 6u << 16 | nvm->size / PAGE;    /* SEE, PSZ: 512 bytes */
    case INTEN:   return nvm->intenset | nvm->intenset << 16;
    case INTFLAG_STATUS: return nvm->intflag | status << 16;
    case ADDR:    return nvm->addr;
    case RUNLOCK: return nvm->runlock;
    case SEESTAT: return 1 | (fuses(nvm->chip) >> 32 & 15) << 8 |
                         (fuses(nvm->chip) >> 36 & 7) << 16;
    default:      return 0;
    }
}

static void nvm_write(void *ctx, uint32_t word, uint32_t value, uint32_t mask)
{
    struct sam_nvm512 *nvm = ctx;
    value &= mask;
    switch (word) {
    case CTRLA:
        nvm->ctrla = sam_merge(nvm->ctrla, value, mask) & 0xFFFC;
        set_costs(nvm);
        break;
    case CTRLB: obey(nvm, value & 0xFFFF); break;
    case INTEN:
        nvm->intenset &= ~(value & INTERRUPTS);
        nvm->intenset |= value >> 16 & INTERRUPTS;
        break;
    case INTFLAG_STATUS: nvm->intflag &= ~(value & INTERRUPTS); break;
    case ADDR:  nvm->addr = sam_merge(nvm->addr, value, mask) & 0xFFFFFF; break;
    case DBGCTRL:
        if (value & 0xFF0000)
            sam_report(nvm->chip, SIM_UNMODELLED, "NVMCTRL: SmartEEPROM (SEECFG)");
        break;
    default: break;
    }
    update_irq(nvm);
}

static uint32_t cmcc_read(void *ctx, uint32_t word)
{
    struct sam_nvm512 *nvm = ctx;
    switch (word) {
    case CMCC_TYPE: return 0x12D2;
    case CMCC_CFG:  return nvm->cmcc_cfg;
    case CMCC_SR:   return nvm->cmcc_ctrl & 1;
    default:        return 0;
    }
}

static void cmcc_write(void *ctx, uint32_t word, uint32_t value, uint32_t mask)
{
    struct sam_nvm512 *nvm = ctx;
    if (word == CMCC_CFG)
        nvm->cmcc_cfg = sam_merge(nvm->cmcc_cfg, value, mask) & 0x76;
    if (word == CMCC_CTRL)
        nvm->cmcc_ctrl = value & mask & 1;
    set_costs(nvm);
}

static void cmcc_reset(void *ctx)
{
    struct sam_nvm512 *nvm = ctx;
    nvm->cmcc_cfg = 0x20;
    nvm->cmcc_ctrl = 0;
}

/* --- protection, reset, construction ------------------------------------------------------------------ */

static bool is_protected(const struct sam *sam)
{
    return ((const struct sam_nvm512 *)sam->nvm)->secured;
}

static bool is_erase_locked(const struct sam *sam)
{
    return ((const struct sam_nvm512 *)sam->nvm)->erase_locked;
}

static void chip_erase_begins(struct sam *sam, sim_time until)
{
    struct sam_nvm512 *nvm = sam->nvm;
    nvm->busy_until = until;                /* no command of its own: INTFLAG.DONE stays */
    nvm->bank_busy[0] = nvm->bank_busy[1] = until;
}

/* 25.6.14: all but the boot loader's section and the auxiliary pages. */
static void chip_erase(struct sam *sam)
{
    struct sam_nvm512 *nvm = sam->nvm;
    uint32_t from = (15 - bootprot(nvm)) * BLOCK;
    memset(nvm->flash + from, 0xFF, nvm->size - from);
    memset(nvm->programmed + from / DOUBLE, 0, (nvm->size - from) / DOUBLE);
    nvm->secured = nvm->securing = nvm->erase_locked = false;
    nvm->afirst |= from == 0;
}

static void nvm_reset(void *ctx)
{
    struct sam_nvm512 *nvm = ctx;
    clear_buffer(nvm);
    nvm->status = (uint32_t)(fuses(nvm->chip) >> 26 & 15) << 8;
    nvm->runlock = user_word(nvm, 2);
    nvm->ctrla = AUTOWS;
    nvm->addr = nvm->intenset = nvm->intflag = 0;
    nvm->secured |= nvm->securing;
    nvm->securing = false;
    if (fuses(nvm->chip) >> 32 & 15 && nvm->chip->chip.powered)
        sam_report(nvm->chip, SIM_UNMODELLED, "the user page reserves flash for SmartEEPROM "
                   "(SEESBLK)");
    set_costs(nvm);
    update_irq(nvm);
}

static void power(struct sam *sam, bool on)
{
    struct sam_nvm512 *nvm = sam->nvm;
    if (!on && is_busy(nvm))
        for (uint32_t i = 0; i < nvm->length; i++) {
            uint8_t keep = (uint8_t)sim_random(sam->sim);
            nvm->changing[i] = (uint8_t)((nvm->old[i] & keep) | (nvm->changing[i] & ~keep));
        }
    nvm->busy_until = nvm->bank_busy[0] = nvm->bank_busy[1] = 0;
    nvm->length = 0;
    alarm_cancel(sam->sim, &nvm->done);
}

static void add_memory(struct sam_nvm512 *nvm)
{
    struct sam *sam = nvm->chip;
    for (int i = 0; i < 2; i++)
        nvm->banks[i] = bus_add(sam->bus, &(struct bus_region){
            .base = nvm->bank * (uint32_t)i, .size = nvm->bank, .name = "flash",
            .memory = nvm->flash + nvm->bank * (uint32_t)i,
            .write = i ? second_bank_write : flash_write, .ctx = nvm,
            .busy_until = &nvm->bank_busy[i], .writes_busy_until = &nvm->busy_until });
    bus_add(sam->bus, &(struct bus_region){
        .base = AUX_BASE, .size = AUX_SIZE, .name = "auxiliary flash", .memory = nvm->aux,
        .write = aux_write, .ctx = nvm, .busy_until = &nvm->busy_until });
    sam->flash_region = nvm->banks[0];
    sam->chip.flash = nvm->flash;
    sam->chip.flash_base = 0;
    sam->chip.flash_size = nvm->size;
}

static void create(struct sam *sam)
{
    struct sam_nvm512 *nvm = sam->nvm = calloc(1, sizeof *nvm);
    const struct sam_place *at = &sam->model->nvmctrl;
    nvm->chip = sam;
    nvm->size = sam->model->flash_size;
    nvm->bank = nvm->size / 2;
    nvm->flash = malloc(nvm->size);
    nvm->programmed = calloc((nvm->size + PAGE) / DOUBLE, 1);
    nvm->afirst = true;
    memset(nvm->flash, 0xFF, nvm->size);
    memset(nvm->aux, 0xFF, AUX_SIZE);
    memcpy(nvm->aux + (USER_PAGE - AUX_BASE), sam->model->user_row, sizeof sam->model->user_row);
    alarm_init(&nvm->done, operation_over, nvm);
    add_memory(nvm);
    sam_add_block(sam, &(struct sam_block){
        .name = "NVMCTRL", .base = at->base, .bridge = at->bridge, .bit = at->bit,
        .read = nvm_read, .write = nvm_write, .reset = nvm_reset, .ctx = nvm });
    sam_add_block(sam, &(struct sam_block){
        .name = "CMCC", .base = CMCC_BASE, .bridge = BRIDGE_B, .bit = -1, .read = cmcc_read,
        .write = cmcc_write, .reset = cmcc_reset, .ctx = nvm });
}

static void destroy(struct sam *sam)
{
    struct sam_nvm512 *nvm = sam->nvm;
    alarm_cancel(sam->sim, &nvm->done);
    free(nvm->flash);
    free(nvm->programmed);
    free(nvm);
}

const struct sam_nvm_kind sam_nvm512 = {
    .create = create, .destroy = destroy, .power = power, .protected = is_protected,
    .erase_locked = is_erase_locked, .busy = chip_erase_begins, .chip_erase = chip_erase,
    .check_speed = check_speed, .fuses = fuses,
};
