/* sam3_eefc.c - the flash of a SAM3X or SAM4S and its controllers, EEFC.
 *
 *   called by  bus.c (stores to flash), sam3.c      calls  sam3_pmc.c, sam3.c
 *
 *   stores of 32 bits --> latch of one page --FCR = 5A | page | WP or EWP--> flash, FRDY = 0
 *
 * A plane has a controller, a latch, lock bits; the GPNVM bits belong to the first:
 *   0  security: no debugger until the pin ERASE was high (which is not here)
 *   1  start from flash, else from ROM      2  from plane 1 first (SAM3X)
 *
 * WP clears bits of what is there; EWP erases the page before.  A SAM4S has EWP only in its
 * first 16 KB, and EPA for 4 to 32 pages: 4 only there, 32 only behind (OpenOCD erases 16 at a time
 * everywhere).  A command changes
 * the memory at once and is then busy for its time: who reads this plane, or stores there, waits.
 * If a reset or loss of power comes first, what was on its way is a mixture of old and new bits.
 *
 * FSR's error flags are cleared by reading them.  FCMDE: a wrong key, a command or an argument
 * that is none.  FLOCKE: the page is locked.
 *
 * Chosen: a store of less than 32 bits is lost and reported; a command while FRDY is 0 is FCMDE;
 * the latch is ones after each command that wrote; GPNVM1 is delivered as 1, as on a board that
 * had a program (the chip comes with 0).
 *
 * Sources: data sheets, chapter EEFC, "flash characteristics". */
#include "sam3.h"
#include <stdlib.h>
#include <string.h>

enum { FMR = 0x00, FCR = 0x04, FSR = 0x08, FRR = 0x0C };
enum { FRDY = 1 << 0, FCMDE = 1 << 1, FLOCKE = 1 << 2, FWS = 0xF << 8, FMR_BITS = 0x01000F01 };
enum { GETD = 0x0, WP = 0x1, WPL = 0x2, EWP = 0x3, EWPL = 0x4, EA = 0x5, EPA = 0x7, SLB = 0x8,
       CLB = 0x9, GLB = 0xA, SGPB = 0xB, CGPB = 0xC, GGPB = 0xD, STUI = 0xE, SPUI = 0xF };
enum { MAX_PAGE = 512, LOCKS = 128, SMALL_SECTORS = 16 * 1024, RESULTS = 40 };

struct plane {
    struct sam3_flash *flash;
    int number;
    uint8_t *memory, *old, latch[MAX_PAGE];
    bool locked[LOCKS];
    uint32_t fmr, errors, results[RESULTS];
    int result_count, result_at;
    bool shows_id;                  /* between STUI and SPUI */

    sim_time busy_until;            /* 0: ready */
    struct alarm done;
    uint32_t at, length;            /* of the operation in progress */
    struct bus_region *main, *boot;
};

struct sam3_flash {
    struct sam3 *sam3;
    const struct sam3_type *type;
    uint8_t *memory;
    uint32_t unique_id[4];
    uint32_t gpnvm;
    struct plane plane[SAM3_PLANES];
};

bool sam3_flash_gpnvm(const struct sam3_flash *flash, int bit) { return flash->gpnvm >> bit & 1; }

bool sam3_flash_debug_allowed(void *ctx, uint32_t address, bool write)
{
    (void)address, (void)write;
    return !sam3_flash_gpnvm(((struct sam3 *)ctx)->flash, 0);
}

unsigned sam3_flash_wait_states(const struct sam3_flash *flash)
{
    return (flash->plane[0].fmr & FWS) >> 8;
}

static void rule(struct plane *p, const char *what)
{
    sam3_report(p->flash->sam3, SIM_RULE, "flash: %s", what);
}

void sam3_flash_map(struct sam3_flash *flash)
{
    struct sam3 *sam3 = flash->sam3;
    bool second_first = flash->type->planes == 2 && sam3_flash_gpnvm(flash, 2);
    for (int i = 0; i < flash->type->planes; i++) {
        struct plane *p = &flash->plane[i], *first = &flash->plane[second_first ? 1 - i : i];
        p->main->memory = p->shows_id ? NULL : p->memory;
        p->boot->memory = sam3->boots_from_flash ? first->memory : sam3->rom;
        p->boot->busy_until = &first->busy_until;
    }
}

void sam3_flash_costs(struct sam3_flash *flash)
{
    for (int i = 0; i < flash->type->planes; i++) {
        struct plane *p = &flash->plane[i];
        p->main->read_wait = p->boot->read_wait = (uint8_t)((p->fmr & FWS) >> 8);
        p->main->prefetch = p->boot->prefetch = true;       /* 128 bits at once */
    }
}

/* --- operations --------------------------------------------------------------------- */

static void update_irq(struct plane *p)
{
    cpu_irq(p->flash->sam3->cpu, 6 + p->number, p->fmr & FRDY && !p->busy_until);
}

static void finish(struct plane *p)
{
    p->busy_until = 0;
    p->length = 0;
    update_irq(p);
}

static void done(void *ctx) { finish(ctx); }

/* An access may come before the alarm of the same instant. */
static void catch_up(struct plane *p)
{
    struct sim *sim = p->flash->sam3->sim;
    if (p->busy_until && sim->now >= p->busy_until) {
        alarm_cancel(sim, &p->done);
        finish(p);
    }
}

static void begin(struct plane *p, uint32_t at, uint32_t length, sim_time time)
{
    struct sim *sim = p->flash->sam3->sim;
    p->at = at;
    p->length = length;
    memcpy(p->old + at, p->memory + at, length);
    p->busy_until = sim->now + time;
    alarm_set(sim, &p->done, p->busy_until);
    update_irq(p);
}

static void interrupt_operation(struct plane *p)
{
    struct sim *sim = p->flash->sam3->sim;
    for (uint32_t i = p->at; i < p->at + p->length && sim->now < p->busy_until; i++) {
        uint8_t keep = (uint8_t)sim_random(sim);
        p->memory[i] = (uint8_t)((p->old[i] & keep) | (p->memory[i] & ~keep));
    }
    alarm_cancel(sim, &p->done);
    p->busy_until = 0;
    p->length = 0;
}

static bool *lock_of(struct plane *p, uint32_t at)
{
    return &p->locked[at / p->flash->type->lock_region];
}

static bool any_locked(struct plane *p, uint32_t at, uint32_t length)
{
    for (uint32_t i = at; i < at + length; i += p->flash->type->page)
        if (*lock_of(p, i))
            return true;
    return false;
}

static void write_page(struct plane *p, uint32_t at, bool erases, bool locks)
{
    const struct sam3_type *type = p->flash->type;
    if (*lock_of(p, at)) {
        p->errors |= FLOCKE;
        return;
    }
    begin(p, at, type->page, erases ? type->erase_write : type->write);
    bool rises = false;
    for (uint32_t i = 0; i < type->page; i++) {
        uint8_t *byte = &p->memory[at + i];
        *byte = erases ? 0xFF : *byte;
        rises |= (p->latch[i] & ~*byte) && p->latch[i] != 0xFF;
        *byte &= p->latch[i];
    }
    if (rises)
        rule(p, "WP over what is not erased: bits only go to 0");
    memset(p->latch, 0xFF, sizeof p->latch);
    *lock_of(p, at) |= locks;
}

static void erase(struct plane *p, uint32_t at, uint32_t length, sim_time time)
{
    if (any_locked(p, at, length)) {
        p->errors |= FLOCKE;
        return;
    }
    begin(p, at, length, time);
    memset(p->memory + at, 0xFF, length);
}

/* The argument's low bits say how many pages: 4, 8, 16, 32. */
static void erase_pages(struct plane *p, uint32_t argument)
{
    const struct sam3_type *type = p->flash->type;
    uint32_t code = argument & 3, count = 4u << code;
    uint32_t at = argument / count * count * type->page;
    bool small = at < SMALL_SECTORS;
    if (!type->erases_pages || at >= type->plane_size || (small ? code == 3 : code == 0))
        p->errors |= FCMDE;
    else
        erase(p, at, count * type->page, type->erase_pages[code]);
}

/* --- commands ------------------------------------------------------------------------ */

static void answer(struct plane *p, const uint32_t *words, int count)
{
    memcpy(p->results, words, (size_t)count * 4);
    p->result_count = count;
    p->result_at = 0;
}

static void describe(struct plane *p)
{
    const struct sam3_type *type = p->flash->type;
    uint32_t regions = type->plane_size / type->lock_region;
    uint32_t words[] = { type->planes == 2 ? 0x000F0A00 + (uint32_t)p->number : 0x000F2A00,
                         type->plane_size, type->page, 1, type->plane_size, regions,
                         type->lock_region };
    answer(p, words, sizeof words / sizeof words[0]);
}

static void tell_locks(struct plane *p)
{
    uint32_t words[LOCKS / 32] = { 0 };
    for (int i = 0; i < LOCKS; i++)
        words[i / 32] |= (uint32_t)p->locked[i] << i % 32;
    answer(p, words, LOCKS / 32);
}

static void set_gpnvm(struct plane *p, uint32_t bit, bool value)
{
    struct sam3_flash *flash = p->flash;
    bool security_stays = bit == 0 && !value && flash->gpnvm & 1;
    if (p->number || bit >= (uint32_t)flash->type->gpnvm_bits || security_stays) {
        p->errors |= FCMDE;
        return;
    }
    begin(p, 0, 0, flash->type->write);
    flash->gpnvm = (flash->gpnvm & ~(1u << bit)) | (uint32_t)value << bit;
}

static void set_lock(struct plane *p, uint32_t at, bool value)
{
    begin(p, 0, 0, p->flash->type->write);
    *lock_of(p, at) = value;
}

static void show_id(struct plane *p, bool shown)
{
    p->shows_id = shown;
    sam3_flash_map(p->flash);
}

static void page_command(struct plane *p, uint32_t command, uint32_t page)
{
    const struct sam3_type *type = p->flash->type;
    uint32_t at = page * type->page;
    bool erases = command == EWP || command == EWPL;
    if (page >= type->plane_size / type->page || (erases && type->erases_pages && at >= SMALL_SECTORS))
        p->errors |= FCMDE;
    else if (command == SLB || command == CLB)
        set_lock(p, at, command == SLB);
    else
        write_page(p, at, erases, command == WPL || command == EWPL);
}

static void command(struct plane *p, uint32_t value)
{
    uint32_t argument = value >> 8 & 0xFFFF, what = value & 0xFF;
    p->errors = 0;
    if (value >> 24 != 0x5A) {
        rule(p, "EEFC_FCR without its key");
        p->errors |= FCMDE;
        return;
    }
    if (p->busy_until || (p->shows_id && what != SPUI)) {
        rule(p, "a command while FRDY is 0");
        p->errors |= FCMDE;
        return;
    }
    switch (what) {
    case GETD: describe(p); break;
    case WP: case WPL: case EWP: case EWPL: case SLB: case CLB:
        page_command(p, what, argument);
        break;
    case EA:   erase(p, 0, p->flash->type->plane_size, p->flash->type->erase_all); break;
    case EPA:  erase_pages(p, argument); break;
    case GLB:  tell_locks(p); break;
    case SGPB: set_gpnvm(p, argument, true); break;
    case CGPB: set_gpnvm(p, argument, false); break;
    case GGPB: answer(p, &p->flash->gpnvm, 1); break;
    case STUI: show_id(p, true); break;
    case SPUI: show_id(p, false); break;
    default:   p->errors |= FCMDE; break;
    }
}

/* --- registers ------------------------------------------------------------------------ */

static uint32_t eefc_read(void *ctx, uint32_t reg)
{
    struct plane *p = ctx;
    uint32_t errors = p->errors;
    catch_up(p);
    switch (reg) {
    case FMR: return p->fmr;
    case FSR:
        p->errors = 0;
        return errors | (p->busy_until || p->shows_id ? 0 : FRDY);
    case FRR: return p->result_at < p->result_count ? p->results[p->result_at++] : 0;
    default:  return 0;
    }
}

static void eefc_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct plane *p = ctx;
    catch_up(p);
    if (reg == FCR) {
        command(p, value);
    } else if (reg == FMR) {
        p->fmr = value & FMR_BITS;
        sam3_flash_costs(p->flash);
        sam3_pmc_check_flash(p->flash->sam3->pmc);
    }
    update_irq(p);
}

static void eefc_reset(void *ctx)
{
    struct plane *p = ctx;
    interrupt_operation(p);
    p->fmr = p->errors = 0;
    p->result_count = 0;
    p->shows_id = false;
    memset(p->latch, 0xFF, sizeof p->latch);
    update_irq(p);
}

/* --- memory ----------------------------------------------------------------------------- */

static void latch_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct plane *p = ctx;
    catch_up(p);
    if (width != 4) {
        rule(p, "a store to the page latch of less than 32 bits");
        return;
    }
    memcpy(p->latch + offset % p->flash->type->page, &value, 4);
}

static void boot_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    if (((struct plane *)ctx)->flash->sam3->boots_from_flash)
        latch_write(ctx, offset, value, width);
}

/* Only between STUI and SPUI. */
static uint32_t id_read(void *ctx, uint32_t offset, int width)
{
    struct plane *p = ctx;
    uint32_t value = 0;
    memcpy(&value, (uint8_t *)p->flash->unique_id + offset % 16, (size_t)width);
    return value;
}

static void add_plane(struct sam3_flash *flash, int i)
{
    static const char *const names[] = { "EEFC0", "EEFC1" };
    const struct sam3_type *type = flash->type;
    struct plane *p = &flash->plane[i];
    uint32_t offset = (uint32_t)i * type->plane_size;
    p->flash = flash;
    p->number = i;
    p->memory = flash->memory + offset;
    p->old = malloc(type->plane_size);
    alarm_init(&p->done, done, p);
    struct bus_region region = {
        .base = type->flash + offset, .size = type->plane_size, .name = "flash",
        .memory = p->memory, .read = id_read, .write = latch_write, .ctx = p,
        .busy_until = &p->busy_until };
    p->main = bus_add(flash->sam3->bus, &region);
    region.base = offset;
    region.name = "boot memory";
    region.write = boot_write;
    p->boot = bus_add(flash->sam3->bus, &region);
    sam3_add_block(flash->sam3, &(struct sam3_block){
        .name = names[i], .base = type->eefc[i], .size = 0x200, .id = -1, .read = eefc_read,
        .write = eefc_write, .reset = eefc_reset, .ctx = p });
}

void sam3_flash_power(struct sam3_flash *flash, bool on)
{
    for (int i = 0; i < flash->type->planes && !on; i++)
        interrupt_operation(&flash->plane[i]);
}

void sam3_flash_new(struct sam3 *sam3, uint32_t unique_id)
{
    struct sam3_flash *flash = sam3->flash = calloc(1, sizeof *flash);
    const struct sam3_type *type = sam3->type;
    uint32_t size = type->plane_size * (uint32_t)type->planes;
    flash->sam3 = sam3;
    flash->type = type;
    flash->memory = malloc(size);
    memset(flash->memory, 0xFF, size);
    flash->gpnvm = 1 << 1;
    for (uint32_t i = 0; i < 4; i++)
        flash->unique_id[i] = (unique_id + i) * 2654435761u;
    for (int i = 0; i < type->planes; i++)
        add_plane(flash, i);
    sam3->chip.flash = flash->memory;
    sam3->chip.flash_base = type->flash;
    sam3->chip.flash_size = size;
}

void sam3_flash_free(struct sam3_flash *flash)
{
    for (int i = 0; i < flash->type->planes; i++) {
        alarm_cancel(flash->sam3->sim, &flash->plane[i].done);
        free(flash->plane[i].old);
    }
    free(flash->memory);
    free(flash);
}
