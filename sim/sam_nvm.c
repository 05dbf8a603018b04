/* sam_nvm.c - the flash of the SAM D21, C21 and L21 and its controller, NVMCTRL.
 *
 *   called by  sam.c (bus), sam_dsu.c (chip erase, security bit)
 *
 *   page  64 bytes: what one write command programs, from the page buffer
 *   row   4 pages: what one erase command erases
 *   region  1/16 of the flash: what can be locked
 *
 * C21 and L21 have a second array, RWWEE, with commands of its own; while one of them is busy the
 * other can be read.  The user row is in the auxiliary space.
 *
 * The page buffer is written through the flash's own addresses, 16 or 32 bits at a time.
 * With CTRLB.MANW = 0 the write of a page's last bytes starts the write command by itself.
 * D21, errata 13134: MANW is 0 after reset on silicon, whatever the data sheet says.
 *
 * Programming can only turn ones into zeros.  While the array is busy, reads of it stall.
 * The data sheet gives maxima only, and these are what we take: a page 2.5 ms, a row 6 ms
 * (37.13 NVM characteristics).  An operation's result is there from its start.
 *
 * Sources: data sheets' chapter NVMCTRL; D21 9.3 (rows of the auxiliary space). */
#include "sam.h"
#include <stdlib.h>
#include <string.h>

enum {
    PAGE = 64, ROW = 4 * PAGE, REGIONS = 16, RWWEE_BASE = 0x00400000,
    AUX_BASE = 0x00800000, AUX_SIZE = 0x10000, USER_ROW = 0x4000, CALIBRATION = 0x6020,
};
#define PAGE_TIME (2500 * SIM_US)
#define ROW_TIME  (6 * SIM_MS)

enum space { MAIN, AUX, RWWEE };
enum command { CMD_ER = 0x02, CMD_WP = 0x04, CMD_EAR = 0x05, CMD_WAP = 0x06,
               CMD_RWWEEER = 0x1A, CMD_RWWEEWP = 0x1C, CMD_LR = 0x40,
               CMD_UR = 0x41, CMD_SPRM = 0x42, CMD_CPRM = 0x43, CMD_PBC = 0x44, CMD_SSB = 0x45,
               CMD_INVALL = 0x46, CMD_KEY = 0xA5 };
enum { CTRLB_MANW = 1 << 7, CTRLB_CACHEDIS = 1 << 18 };
enum { INT_READY = 1 << 0, INT_ERROR = 1 << 1 };
enum { STATUS_PRM = 1 << 0, STATUS_LOAD = 1 << 1, STATUS_PROGE = 1 << 2,
       STATUS_LOCKE = 1 << 3, STATUS_NVME = 1 << 4, STATUS_SB = 1 << 8 };

struct sam_nvm {
    struct sam *chip;
    uint32_t size, rwwee_size;
    uint8_t *flash, *rwwee, aux[AUX_SIZE];
    uint8_t buffer[PAGE];
    uint32_t ctrlb, status, addr, lock;
    uint8_t intenset;
    bool error;                     /* INTFLAG.ERROR */
    bool secured;                   /* the security bit: outlives power */
    sim_time busy_until;            /* INTFLAG.READY comes back */
    sim_time main_busy, rwwee_busy; /* the array can be read again */
    struct alarm ready;
};

static bool is_busy(const struct sam_nvm *nvm)
{
    return nvm->chip->sim->now < nvm->busy_until;
}

static uint32_t intflag(const struct sam_nvm *nvm)
{
    return (is_busy(nvm) ? 0 : INT_READY) | (nvm->error ? INT_ERROR : 0);
}

static void update_irq(void *ctx)
{
    struct sam_nvm *nvm = ctx;
    sam_irq(nvm->chip, nvm->chip->model->nvmctrl_irq, intflag(nvm) & nvm->intenset);
}

static void busy_until(struct sam_nvm *nvm, sim_time until)
{
    nvm->busy_until = until;
    alarm_set(nvm->chip->sim, &nvm->ready, until);
    update_irq(nvm);
}

static void fail(struct sam_nvm *nvm, uint32_t why)
{
    nvm->status |= why;
    nvm->error = true;
    update_irq(nvm);
}

/* --- commands ------------------------------------------------------------------------ */

static uint32_t user_word(const struct sam_nvm *nvm, int n)
{
    uint32_t word;
    memcpy(&word, nvm->aux + USER_ROW + 4 * n, 4);
    return word;
}

/* BOOTPROT: 7 nothing, 6 is 512 bytes, each less doubles. */
static uint32_t boot_size(const struct sam_nvm *nvm)
{
    unsigned bootprot = user_word(nvm, 0) & 7;
    return bootprot == 7 ? 0 : 512u << (6 - bootprot);
}

static bool is_locked(const struct sam_nvm *nvm, uint32_t address)
{
    unsigned region = address / (nvm->size / REGIONS);
    return !(nvm->lock >> region & 1) || address < boot_size(nvm);
}

/* The unit in a space that ADDR is in. */
static uint8_t *place(struct sam_nvm *nvm, enum space space, uint32_t unit)
{
    uint32_t address = nvm->addr * 2;
    if (space == RWWEE) {
        address = (address & ~(unit - 1)) - RWWEE_BASE;
        if (address < nvm->rwwee_size)
            return nvm->rwwee + address;
        fail(nvm, STATUS_PROGE);
        return NULL;
    }
    if (space == AUX && (address & (AUX_SIZE - 1) & ~(ROW - 1u)) != USER_ROW) {
        fail(nvm, STATUS_PROGE);            /* the factory's rows stay as they are */
        return NULL;
    }
    if (space == AUX)
        return nvm->aux + (address & (AUX_SIZE - 1) & ~(unit - 1));
    address &= ~(unit - 1);
    if (address >= nvm->size || is_locked(nvm, address)) {
        fail(nvm, address >= nvm->size ? STATUS_PROGE : STATUS_LOCKE);
        return NULL;
    }
    return nvm->flash + address;
}

static void clear_buffer(struct sam_nvm *nvm)
{
    memset(nvm->buffer, 0xFF, PAGE);
    nvm->status &= ~(uint32_t)STATUS_LOAD;
}

/* An operation of a space begins: the array that it is in cannot be read meanwhile. */
static void begin(struct sam_nvm *nvm, enum space space, sim_time time)
{
    busy_until(nvm, nvm->chip->sim->now + time);
    *(space == RWWEE ? &nvm->rwwee_busy : &nvm->main_busy) = nvm->busy_until;
}

static void erase_row(struct sam_nvm *nvm, enum space space)
{
    uint8_t *row = place(nvm, space, ROW);
    if (!row)
        return;
    memset(row, 0xFF, ROW);
    begin(nvm, space, ROW_TIME);
}

static void write_page(struct sam_nvm *nvm, enum space space)
{
    uint8_t *page = place(nvm, space, PAGE);
    if (page) {
        for (int i = 0; i < PAGE; i++)
            page[i] &= nvm->buffer[i];
        begin(nvm, space, PAGE_TIME);
        clear_buffer(nvm);              /* a refused write leaves it for the next one */
    }
}

static void lock_region(struct sam_nvm *nvm, bool lock)
{
    uint32_t address = nvm->addr * 2;
    if (address >= nvm->size) {
        fail(nvm, STATUS_PROGE);
        return;
    }
    uint32_t bit = 1u << address / (nvm->size / REGIONS);
    nvm->lock = lock ? nvm->lock & ~bit : nvm->lock | bit;
}

static void obey(struct sam_nvm *nvm, uint32_t value)
{
    if (value >> 8 != CMD_KEY || is_busy(nvm)) {
        if (is_busy(nvm))
            sam_report(nvm->chip, SIM_RULE, "NVMCTRL: command 0x%02X while INTFLAG.READY "
                          "is 0", value & 0x7F);
        fail(nvm, STATUS_PROGE);
        return;
    }
    switch ((enum command)(value & 0x7F)) {
    case CMD_ER:     erase_row(nvm, MAIN); break;
    case CMD_EAR:    erase_row(nvm, AUX); break;
    case CMD_WP:     write_page(nvm, MAIN); break;
    case CMD_WAP:    write_page(nvm, AUX); break;
    case CMD_RWWEEER: erase_row(nvm, RWWEE); break;
    case CMD_RWWEEWP: write_page(nvm, RWWEE); break;
    case CMD_LR:     lock_region(nvm, true); break;
    case CMD_UR:     lock_region(nvm, false); break;
    case CMD_SPRM:   nvm->status |= STATUS_PRM; break;
    case CMD_CPRM:   nvm->status &= ~(uint32_t)STATUS_PRM; break;
    case CMD_PBC:    clear_buffer(nvm); break;
    case CMD_SSB:    nvm->secured = true; break;
    case CMD_INVALL: break;                 /* our cache is only a matter of time */
    default:         fail(nvm, STATUS_PROGE); break;
    }
}

/* --- the page buffer, behind the flash's addresses -------------------------------------- */

static void buffer_write(struct sam_nvm *nvm, uint32_t address, uint32_t value, int width)
{
    struct bus *bus = nvm->chip->bus;
    if (width == 1) {
        if (bus->master != BUS_DEBUG)
            sam_report(nvm->chip, SIM_RULE, "8-bit write to the NVM page buffer");
        bus->fault = true;
        return;
    }
    memcpy(nvm->buffer + address % PAGE, &value, (size_t)width);
    nvm->addr = address / 2 & 0x3FFFFF;
    nvm->status |= STATUS_LOAD;
    if (!(nvm->ctrlb & CTRLB_MANW) && (address + (uint32_t)width) % PAGE == 0)
        write_page(nvm, address >= AUX_BASE ? AUX : address >= RWWEE_BASE ? RWWEE : MAIN);
}

static void flash_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    buffer_write(ctx, offset, value, width);
}

static void rwwee_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    buffer_write(ctx, RWWEE_BASE + offset, value, width);
}

static void aux_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    buffer_write(ctx, AUX_BASE + offset, value, width);
}

/* --- registers ---------------------------------------------------------------------------- */

static uint32_t nvm_read(void *ctx, uint32_t word)
{
    struct sam_nvm *nvm = ctx;
    switch (word) {
    case 0x04: return nvm->ctrlb;
    case 0x08: return nvm->rwwee_size / PAGE << 20 | 3u << 16 | nvm->size / PAGE;   /* PSZ: 64 */
    case 0x0C: return nvm->intenset;
    case 0x10: return nvm->intenset;
    case 0x14: return intflag(nvm);
    case 0x18: return nvm->status | (nvm->secured ? STATUS_SB : 0);
    case 0x1C: return nvm->addr;
    case 0x20: return nvm->lock;
    default:   return 0;
    }
}

static int wait_states(const struct sam_nvm *nvm)
{
    return (int)(nvm->ctrlb >> 1 & 15);
}

/* Data sheets, NVM characteristics at 3.3 V: so many MHz for each wait state and one more.  A
 * core that has outrun its flash reads garbage. */
static void check_speed(struct sam_nvm *nvm)
{
    double mhz = (double)SIM_US / (double)nvm->chip->cpu->cycle;
    int states = wait_states(nvm), limit = nvm->chip->model->flash_mhz * (states + 1);
    if (mhz > limit + 0.1 && !nvm->chip->in_reset)      /* not while registers fall back */
        sam_report(nvm->chip, SIM_RULE, "%.0f MHz with %s flash wait state%s (NVMCTRL.CTRLB.RWS); "
                   "%d MHz is the limit", mhz, states ? "too few" : "no", states ? "s" : "",
                   limit);
}

static void set_ctrlb(struct sam_nvm *nvm, uint32_t value)
{
    nvm->ctrlb = value & (nvm->chip->model->is_d21 ? 0x0007039E : 0x000F0B9E);
    nvm->chip->flash_region->read_wait = (uint8_t)wait_states(nvm);
    nvm->chip->flash_region->prefetch = !(nvm->ctrlb & CTRLB_CACHEDIS);
    check_speed(nvm);
}

static void nvm_write(void *ctx, uint32_t word, uint32_t value, uint32_t mask)
{
    struct sam_nvm *nvm = ctx;
    value &= mask;
    switch (word) {
    case 0x00: obey(nvm, value & 0xFFFF); break;
    case 0x04: set_ctrlb(nvm, sam_merge(nvm->ctrlb, value, mask)); break;
    case 0x0C: nvm->intenset &= (uint8_t)~value; break;
    case 0x10: nvm->intenset |= (uint8_t)(value & 3); break;
    case 0x14: nvm->error = nvm->error && !(value & INT_ERROR); break;
    case 0x18: nvm->status &= ~(value & (STATUS_PROGE | STATUS_LOCKE | STATUS_NVME)); break;
    case 0x1C: nvm->addr = sam_merge(nvm->addr, value, mask) & 0x3FFFFF; break;
    default:   break;
    }
    update_irq(nvm);
}

/* --- protection, reset, construction ------------------------------------------------------ */

static bool is_protected(const struct sam *sam)
{
    return ((const struct sam_nvm *)sam->nvm)->secured;
}

static bool erase_locked(const struct sam *sam) { (void)sam; return false; }

static void chip_erase_begins(struct sam *sam, sim_time until)
{
    struct sam_nvm *nvm = sam->nvm;
    busy_until(nvm, until);
    nvm->main_busy = nvm->rwwee_busy = until;
}

static void chip_erase(struct sam *sam)
{
    struct sam_nvm *nvm = sam->nvm;
    memset(nvm->flash, 0xFF, nvm->size);
    memset(nvm->rwwee, 0xFF, nvm->rwwee_size);
    nvm->secured = false;
    nvm->lock = 0xFFFF;
}

static void nvm_reset(void *ctx)
{
    struct sam_nvm *nvm = ctx;
    clear_buffer(nvm);
    nvm->status = 0;
    nvm->addr = 0;
    nvm->intenset = 0;
    nvm->error = false;
    nvm->lock = user_word(nvm, 1) >> 16;
    set_ctrlb(nvm, nvm->chip->model->is_d21 ? 0 : CTRLB_MANW);
    update_irq(nvm);
}

static void power(struct sam *sam, bool on)
{
    struct sam_nvm *nvm = sam->nvm;
    (void)on;
    nvm->busy_until = nvm->main_busy = nvm->rwwee_busy = 0;
    alarm_cancel(nvm->chip->sim, &nvm->ready);
}

/* What the factory leaves: fuses with everything open, calibration of the DFLL (COARSE
 * in bits 63:58, data sheet table 10-5). */
static void program_aux(struct sam_nvm *nvm)
{
    const uint32_t *user_row = nvm->chip->model->user_row;
    static const uint32_t calibration[2] = { 0xFFFFFFFF, 0x7C0073FF };
    memset(nvm->aux, 0xFF, AUX_SIZE);
    memcpy(nvm->aux + USER_ROW, user_row, sizeof nvm->chip->model->user_row);
    memcpy(nvm->aux + CALIBRATION, calibration, sizeof calibration);
}

static void add_memory(struct sam_nvm *nvm)
{
    struct sam *sam = nvm->chip;
    sam->flash_region = bus_add(sam->bus, &(struct bus_region){
        .base = 0, .size = nvm->size, .name = "flash", .memory = nvm->flash,
        .write = flash_write, .ctx = nvm, .busy_until = &nvm->main_busy,
        .writes_busy_until = &nvm->busy_until, .prefetch = true });
    if (nvm->rwwee_size)
        bus_add(sam->bus, &(struct bus_region){
            .base = RWWEE_BASE, .size = nvm->rwwee_size, .name = "RWWEE", .memory = nvm->rwwee,
            .write = rwwee_write, .ctx = nvm, .busy_until = &nvm->rwwee_busy,
            .writes_busy_until = &nvm->busy_until });
    bus_add(sam->bus, &(struct bus_region){
        .base = AUX_BASE, .size = AUX_SIZE, .name = "auxiliary flash", .memory = nvm->aux,
        .write = aux_write, .ctx = nvm, .busy_until = &nvm->busy_until });
}

static void create(struct sam *sam)
{
    struct sam_nvm *nvm = sam->nvm = calloc(1, sizeof *nvm);
    nvm->chip = sam;
    nvm->size = sam->model->flash_size;
    nvm->rwwee_size = sam->model->rwwee_size;
    nvm->flash = malloc(nvm->size);
    nvm->rwwee = malloc(nvm->rwwee_size + 1);
    memset(nvm->flash, 0xFF, nvm->size);
    memset(nvm->rwwee, 0xFF, nvm->rwwee_size);
    memset(nvm->buffer, 0xFF, PAGE);
    program_aux(nvm);
    alarm_init(&nvm->ready, update_irq, nvm);
    sam->chip.flash = nvm->flash;
    sam->chip.flash_base = 0;
    sam->chip.flash_size = nvm->size;
    add_memory(nvm);
    sam_add_block(sam, &(struct sam_block){
        .name = "NVMCTRL", .base = sam->model->nvmctrl.base,
        .bridge = sam->model->nvmctrl.bridge, .bit = sam->model->nvmctrl.bit,
        .read = nvm_read, .write = nvm_write, .reset = nvm_reset, .ctx = nvm });
}

static void destroy(struct sam *sam)
{
    struct sam_nvm *nvm = sam->nvm;
    alarm_cancel(nvm->chip->sim, &nvm->ready);
    free(nvm->flash);
    free(nvm->rwwee);
    free(nvm);
}

static void core_clock_changed(struct sam *sam) { check_speed(sam->nvm); }

static uint64_t fuses(const struct sam *sam)
{
    return user_word(sam->nvm, 0) | (uint64_t)user_word(sam->nvm, 1) << 32;
}

const struct sam_nvm_kind sam_nvm64 = {
    .create = create, .destroy = destroy, .power = power, .protected = is_protected,
    .erase_locked = erase_locked, .busy = chip_erase_begins, .chip_erase = chip_erase,
    .check_speed = core_clock_changed, .fuses = fuses,
};
