/* f4_flash_map.c - where the flash of an STM32F2, F4 or F7 is seen, its sectors and banks, and
 * who may read and write them.
 *
 *   called by  bus.c (reads, stores, execution), f4_flash.c, f4.c, f4_gpio.c (FB_MODE)
 *   calls      f4_flash_store(), f4_flash_fail()
 *
 *   one bank    sectors 0 to 3 of a unit, 4 of four units, 5 to 11 of eight
 *   two banks   each as above, the unit may be another; the second one's sectors are counted
 *               from 12 on
 *
 * What nDBANK makes one bank is read 256 bits at a time, 128 of each half: when the option
 * changes, what was programmed is elsewhere (RM0410 3.3.2 tells the widths; who goes first is
 * assumed).
 *
 * A flash that may be two banks is two views one behind the other, and two more at 0.  Each
 * bank is busy for itself: one is read while the other is erased or programmed (3.6.5).
 * SYSCFG_MEMRMP.FB_MODE exchanges the two; sectors keep their numbers.
 *
 * Protection level 1: once a debugger has used the bus, or with a boot from elsewhere, the
 * flash and the OTP are shut to everybody, the core too, until the next power-on (table 18).
 *
 * A sector under PCROP is fetched from and nothing else; a read as data is 0 and sets RDERR
 * (3.7.5; that it is 0 and no bus error is assumed).
 *
 * An F7's flash is seen through AXIM, where the core's caches keep what it was (l1.c), and
 * through ITCM, which takes no stores (a bus error: assumed).
 *
 * The flash's own instruction cache is followed only to tell a program that runs lines which
 * have been erased or programmed since they were read: what it executes is the new contents all
 * the same.  Its data cache's staleness is not modelled.
 *
 * Sources: RM0090 3 (tables 5 to 9, 18), 9.2.1 (FB_MODE); RM0385 3.3.1, 3.3.4. */
#include "f4_flash.h"
#include <string.h>

/* --- sectors ------------------------------------------------------------------------ */

static void add_bank(struct f4_flash *flash, int bank, uint32_t start, uint32_t size)
{
    static const uint8_t units[3] = { 1, 4, 8 };
    unsigned number = bank ? 12 : 0;
    for (uint32_t at = 0, n = 0; at < size; n++) {
        int kind = n < 4 ? 0 : n == 4 ? 1 : 2;
        uint32_t bytes = units[kind] * flash->part->unit[flash->two_banks];
        flash->sectors[flash->sector_count++] = (struct f4_sector){
            number++, start + at, bytes, bank, flash->part->erase_ms[kind] };
        at += bytes;
    }
}

/* 128 bits of each half, side by side, or apart. */
static void interleave(struct f4_flash *flash, bool apart)
{
    uint32_t half = flash->part->size / 2;
    memcpy(flash->old, flash->memory, 2 * half);
    for (uint32_t i = 0; i < half; i += 16)
        for (uint32_t bank = 0; bank < 2; bank++) {
            uint32_t alone = bank * half + i, together = 2 * i + 16 * bank;
            memcpy(flash->memory + (apart ? alone : together),
                   flash->old + (apart ? together : alone), 16);
        }
}

static void find_banks(struct f4_flash *flash)
{
    const struct f4_flash_part *part = flash->part;
    bool two = part->banks == F4_TWO_BANKS ||
               (part->banks == F4_DB1M && flash->in_force[0] & DB1M) ||
               (part->banks == F4_NDBANK && !(flash->in_force[0] & NDBANK));
    if (part->banks == F4_NDBANK && two != flash->two_banks)
        interleave(flash, two);
    flash->two_banks = two;
}

static void find_sectors(struct f4_flash *flash)
{
    const struct f4_flash_part *part = flash->part;
    flash->sector_count = 0;
    uint32_t bank = part->size / (flash->two_banks ? 2 : 1);
    add_bank(flash, 0, 0, bank);
    if (flash->two_banks)
        add_bank(flash, 1, bank, bank);
}

const struct f4_sector *f4_flash_sector(const struct f4_flash *flash, unsigned number)
{
    for (int i = 0; i < flash->sector_count; i++)
        if (flash->sectors[i].number == number)
            return &flash->sectors[i];
    return NULL;
}

const struct f4_sector *f4_flash_sector_at(const struct f4_flash *flash, uint32_t offset)
{
    int i = 0;
    while (offset - flash->sectors[i].start >= flash->sectors[i].size)
        i++;
    return &flash->sectors[i];
}

/* --- protection --------------------------------------------------------------------- */

int f4_flash_level(uint32_t optcr)
{
    uint32_t rdp = optcr >> 8 & 0xFF;
    return rdp == 0xAA ? 0 : rdp == 0xCC ? 2 : 1;
}

bool f4_flash_shut(const struct f4_flash *flash)
{
    return f4_flash_level(flash->in_force[0]) && flash->intruded;
}

static bool nwrp(const struct f4_flash *flash, const struct f4_sector *sector)
{
    unsigned n = sector->number;
    if (flash->part->nwrp_pairs && flash->two_banks)
        n /= 2;
    return n < 12 ? flash->in_force[0] >> (16 + n) & 1 : flash->in_force[1] >> (16 + n - 12) & 1;
}

/* With SPRMOD the bits of nWRP mean the opposite, and something else (3.7.5). */
bool f4_flash_pcrop(const struct f4_flash *flash, const struct f4_sector *sector)
{
    return flash->part->pcrop && flash->in_force[0] & SPRMOD && nwrp(flash, sector);
}

bool f4_flash_write_protected(const struct f4_flash *flash, const struct f4_sector *sector)
{
    bool pcrop_mode = flash->part->pcrop && flash->in_force[0] & SPRMOD;
    return f4_flash_shut(flash) || nwrp(flash, sector) == pcrop_mode;
}

/* --- views -------------------------------------------------------------------------- */

static uint32_t view_size(const struct f4_flash *flash)
{
    return flash->part->size / (flash->part->banks == F4_ONE_BANK ? 1 : 2);
}

/* The offset in memory at which a view begins. */
static uint32_t view_start(const struct f4_view *view)
{
    int half = view->half ^ (view->flash->two_banks && view->flash->swapped);
    return (uint32_t)half * view_size(view->flash);
}

static bool any_pcrop(const struct f4_flash *flash)
{
    for (int i = 0; i < flash->sector_count; i++)
        if (f4_flash_pcrop(flash, &flash->sectors[i]))
            return true;
    return false;
}

/* The bus reads memory by itself where nothing can be in the way. */
void f4_flash_apply_protection(struct f4_flash *flash)
{
    bool direct = !f4_flash_shut(flash) && !any_pcrop(flash);
    for (int i = 0; i < flash->view_count; i++) {
        struct f4_view *view = &flash->views[i];
        uint32_t start = view_start(view);
        bool cached = view->kind == VIEW_AXIM && l1_is_on(flash->f4->cpu->l1);
        if (view->kind == VIEW_ALIAS && flash->f4->from_system_memory)
            view->region->memory = flash->f4->system_memory + start;
        else
            view->region->memory = direct && !cached ? flash->memory + start : NULL;
        view->region->busy_until =
            &flash->bank_busy_until[f4_flash_sector_at(flash, start)->bank];
    }
}

static uint32_t view_read(void *ctx, uint32_t offset, int width)
{
    struct f4_view *view = ctx;
    struct f4_flash *flash = view->flash;
    uint32_t value = 0, at = view_start(view) + offset;
    if (f4_flash_shut(flash))
        flash->f4->bus->fault = true;
    else if (flash->f4->bus->master != BUS_CODE &&
             f4_flash_pcrop(flash, f4_flash_sector_at(flash, at)))
        f4_flash_fail(flash, RDERR);
    else if (view->kind == VIEW_AXIM)
        value = l1_read(flash->f4->cpu->l1, view->region->base + offset, flash->memory + at, width);
    else
        memcpy(&value, flash->memory + at, (size_t)width);
    return value;
}

/* The alias at 0 is flash only if the chip booted from flash; ITCM's port reads only. */
static void view_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct f4_view *view = ctx;
    if (view->kind == VIEW_ITCM)
        view->flash->f4->bus->fault = true;
    else if (view->kind != VIEW_ALIAS || !view->flash->f4->from_system_memory)
        f4_flash_store(view->flash, view_start(view) + offset, value, width);
}

static bool shows_flash(const struct f4_flash *flash, const struct bus_region *region)
{
    for (int i = 0; i < flash->view_count; i++)
        if (region == flash->views[i].region)
            return flash->views[i].kind != VIEW_ALIAS || !flash->f4->from_system_memory;
    return region && region->base == flash->part->otp_base;
}

/* Asked at each access of a debugger.  Writes come through: they end in WRPERR. */
bool f4_flash_debugger_allowed(void *ctx, uint32_t address, bool write)
{
    struct f4 *f4 = ctx;
    struct f4_flash *flash = f4->flash;
    if (!flash->intruded) {
        flash->intruded = true;
        f4_flash_apply_protection(flash);
    }
    return write || !f4_flash_shut(flash) || !shows_flash(flash, bus_find(f4->bus, address));
}

void f4_flash_swap(struct f4_flash *flash, bool swapped)
{
    flash->swapped = swapped;
    f4_flash_apply_protection(flash);
}

void f4_flash_map_options(struct f4_flash *flash)
{
    find_banks(flash);
    find_sectors(flash);
    f4_flash_apply_protection(flash);
}

void f4_flash_set_costs(struct f4_flash *flash)
{
    for (int i = 0; i < flash->view_count; i++) {
        struct f4_view *view = &flash->views[i];
        bool cached = view->kind == VIEW_AXIM ? l1_is_on(flash->f4->cpu->l1) : flash->acr & ICEN;
        view->region->read_wait = cached ? 0 : (uint8_t)(flash->acr & LATENCY);
        view->region->prefetch = flash->acr & PRFTEN && view->kind != VIEW_AXIM;
    }
}

void f4_flash_caches_switched(struct f4_flash *flash)
{
    f4_flash_apply_protection(flash);
    f4_flash_set_costs(flash);
}

/* --- the instruction cache ---------------------------------------------------------- */

void f4_flash_forget_lines(struct f4_flash *flash)
{
    for (int i = 0; i < CACHE_LINES; i++)
        flash->cache[i] = (struct cache_line){ NO_LINE, false };
}

/* Lines that no longer are what they were read from. */
void f4_flash_make_old(struct f4_flash *flash, uint32_t offset, uint32_t length)
{
    for (int i = 0; i < CACHE_LINES; i++) {
        uint32_t row = flash->part->cache_line, at = flash->cache[i].row * row;
        if (flash->cache[i].row != NO_LINE && at + row > offset && at < offset + length)
            flash->cache[i].old = true;
    }
}

static void executed(void *ctx, uint32_t offset)
{
    struct f4_view *view = ctx;
    struct f4_flash *flash = view->flash;
    uint32_t bytes = flash->part->cache_line, row = (view_start(view) + offset) / bytes;
    struct cache_line *line = &flash->cache[row % CACHE_LINES];
    if (!(flash->acr & ICEN))
        return;
    if (line->row != row)
        *line = (struct cache_line){ row, false };
    else if (line->old)
        f4_report(flash->f4, SIM_RULE, "runs an old line of the instruction cache at 0x%08X: the "
                  "flash was changed since, and no ICRST or ARTRST came (RM0090 3.6.4)",
                  view->region->base + offset / bytes * bytes);
}

/* --- construction ------------------------------------------------------------------- */

static void add_view(struct f4_flash *flash, uint32_t base, const char *name, int half, int kind)
{
    struct f4_view *view = &flash->views[flash->view_count++];
    *view = (struct f4_view){ .flash = flash, .half = half, .kind = kind };
    view->region = bus_add(flash->f4->bus, &(struct bus_region){
        .base = base + (uint32_t)half * view_size(flash), .size = view_size(flash),
        .name = name, .memory = flash->memory + (uint32_t)half * view_size(flash),
        .read = view_read, .write = view_write, .ctx = view,
        .writes_busy_until = &flash->busy_until,
        .executed = kind == VIEW_AXIM ? NULL : executed });
}

void f4_flash_map_new(struct f4_flash *flash)
{
    uint32_t itcm = flash->part->itcm_base;
    int halves = flash->part->banks == F4_ONE_BANK ? 1 : 2;
    for (int half = 0; half < halves; half++) {
        add_view(flash, FLASH_BASE, "flash", half, itcm ? VIEW_AXIM : VIEW_PLAIN);
        if (itcm)
            add_view(flash, itcm, "flash by ITCM", half, VIEW_ITCM);
        else
            add_view(flash, 0, "boot memory", half, VIEW_ALIAS);
    }
    f4_flash_forget_lines(flash);
    f4_flash_map_options(flash);
}
