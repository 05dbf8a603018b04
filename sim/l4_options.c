/* l4_options.c - option words of STM32 L4, G4 and G0: writing and loading them, and what they
 * protect: three levels of read protection, PCROP, write protection, the securable area.
 *
 *   called by  l4_flash.c      calls  l4_flash.c (an operation begins), l4.c
 *
 *   registers --OPTSTRT--> stored (flash) --power-on, OBL_LAUNCH--> in force
 *       ^                                                              |
 *       '------------------------- any reset --------------------------'
 *
 * Each word stands in the flash with its complement.  Power that fails while they are written
 * leaves words that do not fit: OPTVERR at the next loading, and level 1 with all else as
 * delivered (the manuals take single mismatched words apart).
 *
 * Protection level 1: once a debugger has used the bus, or with a boot from elsewhere, the
 * flash (and SRAM2 of an L4, CCM SRAM of a G4) is shut to everybody, the core too, until the
 * next power-on: reads and writes are bus errors, erasing is WRPERR.  Level 2: no debug port,
 * no more options.  From 1 to 0 the flash is erased, with PCROP_RDP = 0 all but the pages that
 * PCROP has.
 *
 * PCROP: only executed; data reads give 0 (chosen) and RDERR.  An area only grows, until the
 * way from level 1 to 0 takes it away.  Areas of a part whose banks are one are counted over
 * both (G4), else within their bank.
 *
 * BOOT_LOCK is taken back only at level 0, or on the way there.
 *
 * Sources: RM0444, RM0351, RM0440, chapter FLASH: option bytes, protection. */
#include "l4_flash.h"
#include <string.h>

enum { OPEN = 0xAA, NEVER = 0xCC, PCROP_RDP_BIT = 31, BOOT_LOCK = 1 << 16 };

static int index_of(const struct l4_type *type, uint32_t reg)
{
    for (int i = 0; i < type->option_count; i++)
        if (type->options[i].reg == reg)
            return i;
    return -1;
}

bool l4_options_has(const struct l4_flash *flash, uint32_t reg)
{
    return index_of(flash->type, reg) >= 0;
}

uint32_t l4_flash_option(const struct l4_flash *flash, uint8_t reg)
{
    int i = index_of(flash->type, reg);
    return i < 0 ? 0 : flash->in_force[i];
}

static uint32_t wanted(const struct l4_flash *flash, uint8_t reg)
{
    int i = index_of(flash->type, reg);
    return i < 0 ? 0 : flash->registers[i];
}

/* --- what is in force --------------------------------------------------------------- */

static int level_of(uint32_t optr)
{
    uint32_t rdp = optr & 0xFF;
    return rdp == OPEN ? 0 : rdp == NEVER ? 2 : 1;
}

int l4_options_level(const struct l4_flash *flash)
{
    return level_of(l4_flash_option(flash, L4_OPTR));
}

bool l4_options_shut(const struct l4_flash *flash)
{
    return l4_options_level(flash) == 1 && flash->intruded;
}

bool l4_options_dual(const struct l4_flash *flash)
{
    uint32_t option = flash->type->dual_option;
    return flash->type->banks == 2 && (!option || l4_flash_option(flash, L4_OPTR) & option);
}

bool l4_options_one_run(const struct l4_flash *flash)
{
    const struct l4_type *type = flash->type;
    return type->banks == 2 && !l4_options_dual(flash) && type->page != type->single_page;
}

/* --- areas -------------------------------------------------------------------------- */

struct range { uint32_t from, to; };        /* to: behind its last byte; from = to: none */

static bool meets(struct range range, uint32_t from, uint32_t length)
{
    return range.from < range.to && from < range.to && from + length > range.from;
}

static uint32_t base_of(const struct l4_flash *flash, const struct l4_area *area)
{
    return l4_options_one_run(flash) ? 0 : area->bank * l4_bank_size(flash);
}

/* The address bits of a PCROP register are all that it may hold, but for PCROP_RDP. */
static uint32_t pcrop_field(const struct l4_flash *flash, uint8_t reg, uint32_t value)
{
    return value & flash->type->options[index_of(flash->type, reg)].writable & 0x7FFFFFFF;
}

static struct range pcrop_in(const struct l4_flash *flash, const struct l4_area *area,
                             uint32_t start, uint32_t end)
{
    const struct l4_type *type = flash->type;
    int shift = l4_options_one_run(flash) ? type->pcrop_single_shift : type->pcrop_shift;
    uint32_t first = pcrop_field(flash, area->start, start);
    uint32_t last = pcrop_field(flash, area->end, end), base = base_of(flash, area);
    if (type->pcrop_one ? last < first : last <= first)
        return (struct range){ 0, 0 };
    return (struct range){ base + (first << shift), base + ((last + 1) << shift) };
}

static struct range pcrop(const struct l4_flash *flash, const struct l4_area *area)
{
    return pcrop_in(flash, area, l4_flash_option(flash, area->start),
                    l4_flash_option(flash, area->end));
}

static struct range wrp(const struct l4_flash *flash, const struct l4_area *area)
{
    const struct l4_type *type = flash->type;
    uint32_t page = l4_options_one_run(flash) ? type->single_page : type->page;
    uint32_t value = l4_flash_option(flash, area->start);
    uint32_t mask = type->options[index_of(type, area->start)].writable & 0xFF;
    uint32_t first = value & mask, last = value >> 16 & mask, base = base_of(flash, area);
    if (last < first)
        return (struct range){ 0, 0 };
    return (struct range){ base + first * page, base + (last + 1) * page };
}

static bool pcrop_meets(const struct l4_flash *flash, uint32_t from, uint32_t length)
{
    for (int i = 0; i < flash->type->pcrops; i++)
        if (meets(pcrop(flash, &flash->type->pcrop[i]), from, length))
            return true;
    return false;
}

static struct range secure_area(const struct l4_flash *flash, int bank)
{
    uint32_t base = (uint32_t)bank * l4_bank_size(flash), pages;
    if (!flash->secured[bank])
        return (struct range){ 0, 0 };
    if (flash->type->m0)
        pages = l4_flash_option(flash, L4_SECR) >> (bank ? 20 : 0) & 0xFF;
    else
        pages = l4_flash_option(flash, bank ? L4_SEC2R : L4_SEC1R) & 0xFF;
    bool one_run = l4_options_one_run(flash);
    uint32_t page = one_run ? flash->type->single_page : flash->type->page;
    return (struct range){ base, base + pages * page };
}

static bool secured_meets(const struct l4_flash *flash, uint32_t from, uint32_t length)
{
    return meets(secure_area(flash, 0), from, length) ||
           (flash->type->banks == 2 && meets(secure_area(flash, 1), from, length));
}

bool l4_options_secured(const struct l4_flash *flash, uint32_t offset)
{
    return secured_meets(flash, offset, 1);
}

bool l4_options_execute_only(const struct l4_flash *flash, uint32_t offset)
{
    return pcrop_meets(flash, offset, 1);
}

bool l4_options_write_protected(const struct l4_flash *flash, uint32_t from, uint32_t length)
{
    for (int i = 0; i < flash->type->wrps; i++)
        if (meets(wrp(flash, &flash->type->wrp[i]), from, length))
            return true;
    return pcrop_meets(flash, from, length) || secured_meets(flash, from, length);
}

bool l4_options_plain(const struct l4_flash *flash, int bank)
{
    uint32_t size = l4_bank_size(flash), from = (uint32_t)bank * size;
    return !l4_options_shut(flash) && !pcrop_meets(flash, from, size) &&
           !secured_meets(flash, from, size);
}

/* --- writing ------------------------------------------------------------------------ */

uint32_t l4_options_read(const struct l4_flash *flash, uint32_t reg)
{
    int i = index_of(flash->type, reg);
    return i < 0 ? 0 : flash->registers[i];
}

void l4_options_write(struct l4_flash *flash, uint32_t reg, uint32_t value)
{
    int i = index_of(flash->type, reg);
    if (i < 0)
        return;
    uint32_t bits = flash->type->options[i].writable;
    uint32_t result = (value & bits) | (flash->type->options[i].delivered & ~bits);
    if (flash->cr & L4_OPTLOCK) {
        if (result != flash->registers[i])
            l4_flash_rule(flash, "an option register written while OPTLOCK is set");
        return;
    }
    flash->registers[i] = result;
}

static void show_words(struct l4_flash *flash)
{
    memset(flash->option_words, 0xFF, sizeof flash->option_words);
    for (int i = 0; i < flash->type->option_count; i++) {
        const struct l4_option *option = &flash->type->options[i];
        uint32_t pair[2] = { flash->stored[i], ~flash->stored[i] };
        memcpy(flash->option_words[option->at >> 15] + (option->at & 0x7F), pair, 8);
    }
}

static void deliver(struct l4_flash *flash, uint8_t reg)
{
    int i = index_of(flash->type, reg);
    flash->registers[i] = flash->type->options[i].delivered;
}

static void keep(struct l4_flash *flash, uint8_t reg)
{
    int i = index_of(flash->type, reg);
    flash->registers[i] = flash->in_force[i];
}

/* PCROP only grows, and PCROP_RDP is only set; regression takes both away. */
static void check_pcrop(struct l4_flash *flash)
{
    for (int i = 0; i < flash->type->pcrops; i++) {
        const struct l4_area *area = &flash->type->pcrop[i];
        struct range is = pcrop(flash, area);
        struct range will = pcrop_in(flash, area, wanted(flash, area->start),
                                     wanted(flash, area->end));
        if (is.from < is.to && (will.from > is.from || will.to < is.to)) {
            l4_flash_rule(flash, "a PCROP area made smaller, which only the way from level 1 to "
                                 "0 does: it stays");
            keep(flash, area->start);
            keep(flash, area->end);
        }
    }
    int rdp = index_of(flash->type, flash->type->pcrop[0].end);
    flash->registers[rdp] |= flash->in_force[rdp] & 1u << PCROP_RDP_BIT;
}

static void check_boot_lock(struct l4_flash *flash, bool opened)
{
    int i = index_of(flash->type, flash->type->m0 ? L4_SECR : L4_SEC1R);
    if (i < 0 || opened || l4_options_level(flash) == 0)
        return;
    flash->registers[i] |= flash->in_force[i] & BOOT_LOCK;
}

/* From level 1 to 0.  Gives the time it takes. */
static sim_time erase_secrets(struct l4_flash *flash)
{
    const struct l4_type *type = flash->type;
    uint32_t page = l4_options_one_run(flash) ? type->single_page : type->page;
    bool keeps = !(l4_flash_option(flash, type->pcrop[0].end) >> PCROP_RDP_BIT & 1);
    sim_time time = 0;
    bool partial = keeps && pcrop_meets(flash, 0, type->flash_size);
    for (uint32_t at = 0; at < type->flash_size; at += page) {
        if (partial && pcrop_meets(flash, at, page))
            continue;
        time += partial ? type->page_erase : 0;
        l4_flash_blank(flash, at, page);
    }
    for (int i = 0; i < type->pcrops && !partial; i++) {
        deliver(flash, type->pcrop[i].start);
        deliver(flash, type->pcrop[i].end);
    }
    struct l4 *l4 = flash->l4;
    if (type->secret_ram >= 0)
        memset(l4->ram_memory[type->secret_ram], 0, type->ram[type->secret_ram].size);
    return partial ? time : type->mass_erase;
}

void l4_options_start(struct l4_flash *flash)
{
    int now = l4_options_level(flash), then = level_of(wanted(flash, L4_OPTR));
    bool opened = now == 1 && then == 0;
    sim_time time = flash->type->page_erase +
                    (sim_time)flash->type->option_count * flash->type->program;
    if (now == 2) {
        l4_flash_rule(flash, "options written at protection level 2");
        l4_flash_fail(flash, L4_WRPERR);
        return;
    }
    if (opened)
        time += erase_secrets(flash);
    else
        check_pcrop(flash);
    check_boot_lock(flash, opened);
    l4_flash_begin(flash, flash->memory, 0, 3, time);
    flash->writing_options = true;
    memcpy(flash->stored, flash->registers, sizeof flash->stored);
    flash->broken = false;
    show_words(flash);
}

void l4_options_interrupted(struct l4_flash *flash) { flash->broken = true; }

/* --- loading ------------------------------------------------------------------------ */

/* Reads of 128 bits: 64 of each bank, side by side. */
static void interleave(struct l4_flash *flash, bool one)
{
    uint32_t half = flash->type->flash_size / 2;
    memcpy(flash->old, flash->memory, 2 * half);
    for (uint32_t i = 0; i < half; i += 8)
        for (uint32_t bank = 0; bank < 2; bank++) {
            uint32_t alone = bank * half + i, together = 2 * i + 8 * bank;
            memcpy(flash->memory + (one ? together : alone),
                   flash->old + (one ? alone : together), 8);
        }
}

static void fall_back(struct l4_flash *flash)
{
    for (int i = 0; i < flash->type->option_count; i++)
        flash->stored[i] = flash->type->options[i].delivered;
    int optr = index_of(flash->type, L4_OPTR);
    flash->stored[optr] |= 0xFF;
    flash->sr |= L4_OPTVERR;
}

void l4_options_load(struct l4_flash *flash)
{
    if (flash->broken)
        fall_back(flash);
    memcpy(flash->in_force, flash->stored, sizeof flash->in_force);
    if (flash->was_one != l4_options_one_run(flash)) {
        flash->was_one = l4_options_one_run(flash);
        interleave(flash, flash->was_one);
    }
}

void l4_options_reset(struct l4_flash *flash)
{
    memcpy(flash->registers, flash->in_force, sizeof flash->registers);
    if (!flash->l4->boots_from_flash)
        flash->intruded = true;             /* "booting from system memory or SRAM" */
}

void l4_options_new(struct l4_flash *flash)
{
    for (int i = 0; i < flash->type->option_count; i++)
        flash->stored[i] = flash->type->options[i].delivered;
    memcpy(flash->in_force, flash->stored, sizeof flash->in_force);
    memcpy(flash->registers, flash->stored, sizeof flash->registers);
    show_words(flash);
}
