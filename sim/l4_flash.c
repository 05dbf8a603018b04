/* l4_flash.c - the flash controller of STM32 L4, G4 and G0: keys, erasing by pages and banks,
 * programming by double words with ECC, rows at once, two banks, caches.
 *
 *   called by  bus.c (stores to flash), l4.c      calls  l4_options.c, l4_rcc.c
 *
 *   locked --KEY1 KEY2--> open --PG, two words in order----------> busy --> EOP
 *      ^        | anything else     \--PER, PNB, BKER or MERx, STRT-> busy --> EOP
 *      |        v
 *      |     locked until reset, and a bus error
 *      +-- CR.LOCK = 1
 *
 * A double word is programmed once: 64 bits and their 8 of ECC.  What is not blank takes
 * zeros only (else PROGERR); OTP not even these.  Any error flag that stands makes the next
 * operation fail with PGSERR.
 *
 * An operation changes the memory at once and then is busy for its time.  Who reads the bank
 * concerned waits, as do all stores to flash and writes of CR and of option registers; the
 * other bank reads on, if there are two.  If a reset or loss of power comes first, the memory
 * becomes a mixture of old and new bits, and double words that are neither have a wrong ECC:
 * their readers get ECCD and an NMI, and the bits as they are.
 *
 * Chosen where the manuals are silent: a second word that does not come leaves the first one
 * waiting; CR written meanwhile drops it and is reported.  Fast programming begins at the
 * start of a row, within what the last operation erased; one double word may wait for the
 * one before it, and one that comes too late is MISERR.  A bank is chosen by BKER also where
 * DUAL_BANK is 0 (G0B1: forums found that page 128 then is page 0), and its page by the low
 * bits of PNB, so that 256 + n does as well as n.  One MER bit alone where both banks
 * are one (G4, DBANK = 0) is PGSERR.
 *
 * The instruction cache is followed only to tell a program that runs lines which have been
 * erased or programmed since they were read.  The data cache's staleness is not modelled, nor
 * single bit errors, nor the power-down modes.
 *
 * Sources: RM0444, RM0351, RM0440, chapter FLASH. */
#include "l4_flash.h"
#include <stdlib.h>
#include <string.h>

enum { ACR = 0x00, PDKEYR = 0x04, KEYR = 0x08, OPTKEYR = 0x0C, SR = 0x10, CR = 0x14,
       ECCR = 0x18, ECC2R = 0x1C };
enum { PRFTEN = 1 << 8, ICEN = 1 << 9, DCEN = 1 << 10, ICRST = 1 << 11, DCRST = 1 << 12,
       RUN_PD = 1 << 13, EMPTY = 1 << 16, DBG_SWEN = 1 << 18, ACR_RESET = ICEN | DCEN };
enum { BSY = 1 << 16, BSY2 = 1 << 17, CFGBSY = 1 << 18 };
enum { BLOCKING = L4_PROGERR | L4_WRPERR | L4_PGAERR | L4_SIZERR | L4_PGSERR | L4_MISERR |
                  L4_FASTERR,
       SR_FLAGS = BLOCKING | L4_EOP | L4_OPERR | L4_RDERR | L4_OPTVERR };
enum { ERASES = L4_PER | L4_MER1 | L4_MER2, PROGRAMS = L4_PG | L4_FSTPG };
enum { ECCC = 1 << 30, OTP_BASE = 0x1FFF7000, ROW = 256, NO_LINE = 0xFFFFFFFF };
#define ECCD    (1u << 31)
#define KEY1    0x45670123u
#define KEY2    0xCDEF89ABu
#define OPTKEY1 0x08192A3Bu
#define OPTKEY2 0x4C5D6E7Fu

void l4_flash_rule(struct l4_flash *flash, const char *what)
{
    l4_report(flash->l4, SIM_RULE, "flash: %s", what);
}

static unsigned latency(const struct l4_flash *flash)
{
    return flash->acr & flash->type->latency_bits;
}

bool l4_flash_swapped(const struct l4_flash *flash) { return flash->swapped; }

const uint8_t *l4_flash_bank(const struct l4_flash *flash, int bank)
{
    return flash->memory + (uint32_t)bank * l4_bank_size(flash);
}

static bool debug_port_open(const struct l4 *l4)
{
    const struct l4_flash *flash = l4->flash;
    return l4_options_level(flash) != 2 &&
           (!flash->type->has_swen || flash->acr & DBG_SWEN);
}

/* --- who sees what ------------------------------------------------------------------ */

static int bank_of(const struct l4_half *half)
{
    return half->flash->swapped ? 1 - half->number : half->number;
}

static void apply(struct l4_flash *flash, struct bus_region *region, int h)
{
    int bank = bank_of(&flash->halves[h]);
    bool plain = l4_options_plain(flash, bank) && !flash->spoilt_count;
    region->memory = plain ? (uint8_t *)l4_flash_bank(flash, bank) : NULL;
    region->busy_until = l4_options_dual(flash) ? &flash->bank_until[bank]
                                                : &flash->busy_until;
}

static void shut_ram(struct l4 *l4, bool shut)
{
    int i = l4->type->secret_ram;
    if (i >= 0)
        l4->ram[i]->memory = shut ? NULL : l4->ram_memory[i];
}

void l4_flash_map(struct l4_flash *flash)
{
    struct l4 *l4 = flash->l4;
    shut_ram(l4, l4_options_shut(flash));
    for (int h = 0; h < flash->type->banks; h++) {
        apply(flash, flash->main[h], h);
        apply(flash, flash->boot[h], h);
        if (!l4->boots_from_flash)
            flash->boot[h]->memory = l4->system_memory + (uint32_t)h * l4_bank_size(flash);
    }
}

void l4_flash_bank_mode(struct l4_flash *flash, bool swapped)
{
    flash->swapped = swapped && l4_options_dual(flash);
    l4_flash_map(flash);
}

static void costs(struct l4 *l4)
{
    struct l4_flash *flash = l4->flash;
    for (int h = 0; h < flash->type->banks; h++) {
        struct bus_region *seen[] = { flash->main[h], flash->boot[h] };
        for (int i = 0; i < 2; i++) {
            seen[i]->read_wait = flash->acr & ICEN ? 0 : (uint8_t)latency(flash);
            seen[i]->prefetch = flash->acr & PRFTEN;
        }
    }
}

/* Asked at each access of a debugger; what is shut answers by itself. */
static bool debugger_allowed(void *ctx, uint32_t address, bool write)
{
    struct l4_flash *flash = ((struct l4 *)ctx)->flash;
    (void)address, (void)write;
    if (!flash->intruded) {
        flash->intruded = true;
        l4_flash_map(flash);
    }
    return true;
}

/* --- operations --------------------------------------------------------------------- */

static void update_irq(struct l4_flash *flash)
{
    uint32_t sr = flash->sr, cr = flash->cr;
    l4_irq(flash->l4, flash->type->m0 ? 3 : 4, (sr & L4_EOP && cr & L4_EOPIE) ||
           (sr & L4_OPERR && cr & L4_ERRIE) || (sr & L4_RDERR && cr & L4_RDERRIE));
}

/* EOP and OPERR come only with their interrupts enabled. */
void l4_flash_fail(struct l4_flash *flash, uint32_t flags)
{
    flash->half.there = false;
    flash->sr |= flags | (flash->cr & L4_ERRIE ? L4_OPERR : 0);
    update_irq(flash);
}

static void complain(struct l4_flash *flash, uint32_t flag, const char *what)
{
    l4_flash_rule(flash, what);
    l4_flash_fail(flash, flag);
}

static void idle(struct l4_flash *flash)
{
    flash->busy_until = flash->writes_until = 0;
    flash->bank_until[0] = flash->bank_until[1] = 0;
    flash->length = 0;
    flash->writing_options = false;
    flash->fast.words = 0;
    flash->cr &= ~(uint32_t)(L4_STRT | L4_OPTSTRT);
}

static void finish(struct l4_flash *flash)
{
    bool row_unfinished = flash->fast.words && flash->fast.words < ROW / 4;
    idle(flash);
    if (row_unfinished)
        complain(flash, L4_MISERR | L4_FASTERR, "the next double word of a row came too late "
                                                "(MISERR)");
    else if (flash->cr & L4_EOPIE)
        flash->sr |= L4_EOP;
    update_irq(flash);
}

static void done(void *ctx) { finish(ctx); }

/* An access may come before the alarm of the same instant. */
static void catch_up(struct l4_flash *flash)
{
    if (flash->busy_until && flash->l4->sim->now >= flash->busy_until) {
        alarm_cancel(flash->l4->sim, &flash->done);
        finish(flash);
    }
}

static void busy(struct l4_flash *flash, int banks, sim_time until)
{
    flash->busy_until = flash->writes_until = until;
    for (int b = 0; b < L4_BANKS; b++)
        if (b < flash->type->banks && banks >> b & 1)
            flash->bank_until[b] = until;
    alarm_set(flash->l4->sim, &flash->done, until);
}

void l4_flash_begin(struct l4_flash *flash, uint8_t *target, uint32_t length, int banks,
                    sim_time time)
{
    flash->target = target;
    flash->length = length;
    memcpy(flash->old, target, length);
    flash->erased_to = flash->erased_from;
    busy(flash, banks, flash->l4->sim->now + time);
}

static void spoil(struct l4_flash *flash, uint32_t offset, bool spoilt)
{
    flash->spoilt_count += (uint32_t)spoilt - (uint32_t)flash->spoilt[offset / 8];
    flash->spoilt[offset / 8] = spoilt;
}

static bool in_memory(const struct l4_flash *flash, const uint8_t *at)
{
    return at >= flash->memory && at < flash->memory + flash->type->flash_size;
}

/* Lines of the instruction cache that no longer are what they were read from. */
static uint32_t line_bytes(const struct l4_flash *flash) { return flash->type->m0 ? 16 : 32; }

static void make_old(struct l4_flash *flash, uint32_t offset, uint32_t length)
{
    for (int i = 0; i < L4_LINES; i++) {
        uint32_t at = flash->cache[i].at;
        if (at != NO_LINE && at + line_bytes(flash) > offset && at < offset + length)
            flash->cache[i].old = true;
    }
}

/* Erased contents; how long that takes is the caller's. */
void l4_flash_blank(struct l4_flash *flash, uint32_t offset, uint32_t length)
{
    memset(flash->memory + offset, 0xFF, length);
    for (uint32_t i = 0; i < length; i += 8)
        spoil(flash, offset + i, false);
    make_old(flash, offset, length);
    l4_flash_map(flash);
}

/* A mixture of old and new bits; a double word that is neither has not the ECC it needs. */
static void interrupt_operation(struct l4_flash *flash)
{
    struct sim *sim = flash->l4->sim;
    if (sim->now < flash->busy_until) {
        for (uint32_t i = 0; i < flash->length; i++) {
            uint8_t keep = (uint8_t)sim_random(sim), wanted = flash->target[i];
            flash->target[i] = (uint8_t)((flash->old[i] & keep) | (wanted & ~keep));
            if (in_memory(flash, flash->target) && flash->target[i] != wanted &&
                flash->target[i] != flash->old[i])
                spoil(flash, (uint32_t)(flash->target + i - flash->memory), true);
        }
        if (flash->writing_options)
            l4_options_interrupted(flash);
    }
    alarm_cancel(sim, &flash->done);
    alarm_cancel(sim, &flash->fast.timeout);
    idle(flash);
}

/* --- erasing ------------------------------------------------------------------------ */

static void erase(struct l4_flash *flash, uint32_t offset, uint32_t length, int banks,
                  sim_time time)
{
    if (l4_options_write_protected(flash, offset, length)) {
        l4_flash_fail(flash, L4_WRPERR);
        return;
    }
    l4_flash_begin(flash, flash->memory + offset, length, banks, time);
    l4_flash_blank(flash, offset, length);
    flash->erased_from = offset;
    flash->erased_to = offset + length;
}

static void erase_page(struct l4_flash *flash)
{
    const struct l4_type *type = flash->type;
    uint32_t page = flash->cr >> 3 & type->pnb;
    int bank = type->bker && flash->cr & type->bker;
    if (l4_options_one_run(flash)) {
        if (bank)
            l4_flash_rule(flash, "BKER is set while both banks are one");
        erase(flash, page * type->single_page, type->single_page, 3, type->page_erase);
    } else {
        uint32_t offset = page * type->page % l4_bank_size(flash);
        erase(flash, offset + (uint32_t)bank * l4_bank_size(flash), type->page, 1 << bank,
              type->page_erase);
    }
}

static void erase_banks(struct l4_flash *flash, bool first, bool second)
{
    uint32_t size = l4_bank_size(flash);
    if (flash->type->banks == 1)
        erase(flash, 0, size, 1, flash->type->mass_erase);
    else if (first && second)
        erase(flash, 0, 2 * size, 3, flash->type->mass_erase);
    else if (l4_options_one_run(flash))
        complain(flash, L4_PGSERR, "MER1 or MER2 alone while both banks are one");
    else
        erase(flash, second ? size : 0, size, second ? 2 : 1, flash->type->mass_erase);
}

static void start(struct l4_flash *flash)
{
    uint32_t what = flash->cr & (ERASES | PROGRAMS), mer = what & (L4_MER1 | L4_MER2);
    if (flash->type->banks == 1)
        mer &= L4_MER1;
    if (l4_options_shut(flash))
        l4_flash_fail(flash, L4_WRPERR);
    else if (flash->sr & BLOCKING)
        complain(flash, L4_PGSERR, "STRT while an error flag of SR stands (PGSERR)");
    else if (what == L4_PER)
        erase_page(flash);
    else if (mer && !(what & (L4_PER | PROGRAMS)))
        erase_banks(flash, mer & L4_MER1, mer & L4_MER2);
    else if (what)
        complain(flash, L4_PGSERR, "STRT with other than one of PER and MER (PGSERR)");
    else
        l4_flash_rule(flash, "STRT with neither PER nor MER");
}

/* --- programming -------------------------------------------------------------------- */

/* Where a store goes: into the flash, or else into the OTP. */
struct place { uint8_t *at; bool otp; };

static uint32_t offset_of(const struct l4_flash *flash, const struct place *place)
{
    return (uint32_t)(place->at - (place->otp ? flash->otp : flash->memory));
}

static const char *const said[] = {
    [3] = "what is not blank takes nothing but zeros (PROGERR)",
    [5] = "a store that does not begin or end a double word (PGAERR)",
    [6] = "a store of less than 32 bits (SIZERR)",
    [7] = "a store without PG, with PER or MER, or while an error flag of SR stands (PGSERR)",
};

static uint32_t reason_against(const struct l4_flash *flash, const struct place *place,
                               int width)
{
    uint32_t mode = flash->cr & (PROGRAMS | ERASES), offset = offset_of(flash, place);
    const struct half_word *half = &flash->half;
    if (flash->sr & BLOCKING || (mode != L4_PG && mode != L4_FSTPG))
        return L4_PGSERR;
    if (width != 4)
        return L4_SIZERR;
    if (half->there ? place->at != half->at + 4 : offset % 8)
        return L4_PGAERR;
    if (!place->otp && l4_options_write_protected(flash, offset, 4))
        return L4_WRPERR;
    return 0;
}

static bool blank(const uint8_t *at)
{
    static const uint8_t ones[8] = { 255, 255, 255, 255, 255, 255, 255, 255 };
    return memcmp(at, ones, 8) == 0;
}

static void refuse(struct l4_flash *flash, uint32_t flag)
{
    const char *what = said[__builtin_ctz(flag)];
    if (flag != L4_WRPERR && what)
        l4_flash_rule(flash, what);
    l4_flash_fail(flash, flag);
}

static int bank_at(const struct l4_flash *flash, const struct place *place)
{
    return place->otp ? 0 : (int)(offset_of(flash, place) / l4_bank_size(flash));
}

static void put_double_word(struct l4_flash *flash, const struct place *place, uint64_t value)
{
    memcpy(place->at, &value, 8);
    if (place->otp)
        return;
    spoil(flash, offset_of(flash, place), false);
    make_old(flash, offset_of(flash, place), 8);
}

static void program(struct l4_flash *flash, const struct place *place, uint64_t value)
{
    if (!blank(place->at) && (value || place->otp)) {
        refuse(flash, L4_PROGERR);
        return;
    }
    l4_flash_begin(flash, place->at, 8, 1 << bank_at(flash, place), flash->type->program);
    put_double_word(flash, place, value);
    if (flash->spoilt_count)
        l4_flash_map(flash);
}

/* The row's double words, each in time; a store waits while two are under way. */
static void program_fast(struct l4_flash *flash, const struct place *place, uint64_t value)
{
    struct fast_row *fast = &flash->fast;
    uint32_t offset = offset_of(flash, place);
    sim_time now = flash->l4->sim->now, step = flash->type->fast;
    bool first = !fast->words;
    if (first ? offset % ROW : offset != fast->offset + 8) {
        complain(flash, L4_PGAERR | L4_FASTERR, "a row is programmed from its start on, without "
                                                "gaps (PGAERR)");
        return;
    }
    if (place->otp || !blank(place->at) ||
        (first && (offset < flash->erased_from || offset >= flash->erased_to))) {
        complain(flash, L4_PGSERR | L4_FASTERR, "fast programming of what was not erased just "
                                                "before (PGSERR)");
        return;
    }
    uint32_t from = flash->erased_from, to = flash->erased_to;
    sim_time end = (first ? now : fast->end) + step;
    l4_flash_begin(flash, place->at, 8, 1 << bank_at(flash, place), end - now);
    flash->erased_from = from;
    flash->erased_to = to;
    put_double_word(flash, place, value);
    fast->offset = offset;
    fast->end = end;
    fast->words += 2;
    if (fast->words < ROW / 4)
        flash->writes_until = end - step;
    else
        alarm_cancel(flash->l4->sim, &fast->timeout);
}

static void fast_timeout(void *ctx)
{
    struct l4_flash *flash = ctx;
    if (flash->cr & L4_FSTPG)
        complain(flash, L4_FASTERR, "FSTPG for more than 7 ms (FASTERR)");
}

static void store(struct l4_flash *flash, const struct place *place, uint32_t value, int width)
{
    struct half_word *half = &flash->half;
    uint32_t flag = reason_against(flash, place, width);
    if (flag) {
        refuse(flash, flag | (flash->cr & L4_FSTPG && flag != L4_PGSERR ? L4_FASTERR : 0));
    } else if (!half->there) {
        *half = (struct half_word){ true, place->at, value };
    } else {
        struct place whole = { half->at, place->otp };
        half->there = false;
        (flash->cr & L4_FSTPG ? program_fast : program)
            (flash, &whole, (uint64_t)value << 32 | half->value);
    }
}

/* --- accesses to memory ------------------------------------------------------------- */

static void ecc_error(struct l4_flash *flash, int bank, uint32_t offset)
{
    const struct l4_type *type = flash->type;
    uint32_t *eccr = &flash->eccr[type->ecc_bank ? 0 : bank];
    if (!(*eccr & ECCD))
        *eccr = (*eccr & ECCC) | ECCD | (bank ? type->ecc_bank : 0) |
                (offset & ~7u) >> type->ecc_shift;
    cpu_nmi(flash->l4->cpu);
}

static uint32_t flash_fault(struct l4_flash *flash)
{
    flash->l4->bus->fault = true;
    return 0;
}

/* Only while something of this bank is not for everybody. */
static uint32_t half_read(void *ctx, uint32_t offset, int width)
{
    struct l4_half *half = ctx;
    struct l4_flash *flash = half->flash;
    int bank = bank_of(half);
    uint32_t at = (uint32_t)bank * l4_bank_size(flash) + offset, value = 0;
    if (l4_options_shut(flash) || l4_options_secured(flash, at))
        return flash_fault(flash);
    if (l4_options_execute_only(flash, at) && flash->l4->bus->master != BUS_CODE) {
        flash->sr |= L4_RDERR;
        update_irq(flash);
        return 0;
    }
    if (flash->spoilt[at / 8])
        ecc_error(flash, bank, offset);
    memcpy(&value, flash->memory + at, (size_t)width);
    return value;
}

static void half_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct l4_half *half = ctx;
    struct l4_flash *flash = half->flash;
    catch_up(flash);
    if (l4_options_shut(flash)) {
        flash_fault(flash);
        return;
    }
    struct place place = { (uint8_t *)l4_flash_bank(flash, bank_of(half)) + offset, false };
    store(flash, &place, value, width);
}

/* The alias at 0 is flash only if the chip booted from flash. */
static void boot_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    if (((struct l4_half *)ctx)->flash->l4->boots_from_flash)
        half_write(ctx, offset, value, width);
}

static void otp_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct l4_flash *flash = ctx;
    catch_up(flash);
    store(flash, &(struct place){ flash->otp + offset, true }, value, width);
}

/* System memory and the option bytes: never by a store. */
static void never_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct l4_flash *flash = ctx;
    (void)offset, (void)value, (void)width;
    catch_up(flash);
    l4_flash_fail(flash, flash->cr & L4_PG ? L4_WRPERR : L4_PGSERR);
}

/* --- the instruction cache ---------------------------------------------------------- */

static void forget_lines(struct l4_flash *flash)
{
    for (int i = 0; i < L4_LINES; i++)
        flash->cache[i] = (struct cache_line){ NO_LINE, false };
}

static void executed(void *ctx, uint32_t offset)
{
    struct l4_half *half = ctx;
    struct l4_flash *flash = half->flash;
    uint32_t at = ((uint32_t)bank_of(half) * l4_bank_size(flash) + offset) &
                  ~(line_bytes(flash) - 1);
    int lines = flash->type->m0 ? 2 : L4_LINES;
    struct cache_line *line = &flash->cache[at / line_bytes(flash) % (uint32_t)lines];
    bool system_memory = !flash->l4->boots_from_flash && flash->l4->cpu->pc < L4_FLASH_BASE;
    if (!(flash->acr & ICEN) || system_memory)
        return;
    if (line->at != at)
        *line = (struct cache_line){ at, false };
    else if (line->old)
        l4_report(flash->l4, SIM_RULE, "runs an old line of the instruction cache, of the flash "
                  "from 0x%X on: it was changed since, and no ICRST came", at);
}

static void write_acr(struct l4_flash *flash, uint32_t value)
{
    const struct l4_type *type = flash->type;
    uint32_t bits = type->latency_bits | PRFTEN | ICEN | ICRST |
                    DCEN | (type->has_dcache ? DCRST : 0) | (type->has_swen ? DBG_SWEN : 0);
    if ((value & ICRST && flash->acr & ICEN) || (value & bits & DCRST && flash->acr & DCEN))
        l4_flash_rule(flash, "FLASH_ACR: a cache is reset while it is enabled");
    else if (value & ICRST)
        forget_lines(flash);
    if (type->has_power_down && value & RUN_PD)
        l4_report(flash->l4, SIM_UNMODELLED, "FLASH_ACR.RUN_PD: flash without power");
    flash->acr = value & bits;
    flash->empty = type->has_empty && value & EMPTY;
    l4_apply_debug_port(flash->l4);
    l4_set_costs(flash->l4);
    l4_rcc_check_flash(flash->l4->rcc);
}

/* --- registers ---------------------------------------------------------------------- */

static void wrong_key(struct l4_flash *flash, bool *jammed, const char *what)
{
    l4_flash_rule(flash, what);
    *jammed = true;
    flash_fault(flash);
}

static void write_key(struct l4_flash *flash, uint32_t value)
{
    if (flash->jammed || !(flash->cr & L4_LOCK) || value != (flash->key_step ? KEY2 : KEY1)) {
        flash->cr |= L4_LOCK | L4_OPTLOCK;
        wrong_key(flash, &flash->jammed, "wrong key, or unlocked already: FLASH_CR locked until "
                                         "reset");
        return;
    }
    flash->key_step ^= 1;
    if (!flash->key_step)
        flash->cr &= ~L4_LOCK;
}

static void write_option_key(struct l4_flash *flash, uint32_t value)
{
    if (flash->option_jammed || flash->cr & L4_LOCK || !(flash->cr & L4_OPTLOCK) ||
        value != (flash->option_key_step ? OPTKEY2 : OPTKEY1)) {
        flash->cr |= L4_OPTLOCK;
        wrong_key(flash, &flash->option_jammed, "wrong option key, LOCK set, or unlocked "
                                                "already: options locked until reset");
        return;
    }
    flash->option_key_step ^= 1;
    if (!flash->option_key_step)
        flash->cr &= ~(uint32_t)L4_OPTLOCK;
}

static uint32_t cr_bits(const struct l4_flash *flash)
{
    const struct l4_type *type = flash->type;
    return PROGRAMS | L4_PER | L4_MER1 | type->pnb << 3 | type->bker |
           (type->banks == 2 ? L4_MER2 : 0) | L4_EOPIE | L4_ERRIE | L4_RDERRIE;
}

/* SEC_PROT only sets, and holds until reset. */
static void write_sec_prot(struct l4_flash *flash, uint32_t value)
{
    if (!flash->type->has_swen)
        return;
    flash->secured[0] |= (value & L4_SEC_PROT) != 0;
    flash->secured[1] |= flash->type->banks == 2 && value & L4_SEC_PROT2;
    if (value & (L4_SEC_PROT | L4_SEC_PROT2))
        l4_flash_map(flash);
}

static void write_options_bits(struct l4_flash *flash, uint32_t value)
{
    if (!(value & (L4_OPTSTRT | L4_OBL_LAUNCH)))
        return;
    if (flash->cr & L4_OPTLOCK)
        l4_flash_rule(flash, "OPTSTRT or OBL_LAUNCH while OPTLOCK is set");
    else if (value & L4_OBL_LAUNCH)
        l4_launch_options(flash->l4);
    else
        l4_options_start(flash);
}

static void watch_fast_mode(struct l4_flash *flash, uint32_t before)
{
    struct sim *sim = flash->l4->sim;
    if (flash->cr & ~before & L4_FSTPG)
        alarm_set(sim, &flash->fast.timeout, sim->now + 7 * SIM_MS);
    else if (!(flash->cr & L4_FSTPG))
        alarm_cancel(sim, &flash->fast.timeout);
}

/* A write while BSY has waited (busy_until of its region). */
static void write_cr(struct l4_flash *flash, uint32_t value)
{
    uint32_t before = flash->cr;
    if (before & L4_LOCK) {
        if (value != before)
            l4_flash_rule(flash, "FLASH_CR written while locked");
        return;
    }
    if (flash->half.there)
        l4_flash_rule(flash, "FLASH_CR written after one half of a double word");
    flash->half.there = false;
    flash->cr = (value & cr_bits(flash)) | ((value | before) & L4_OPTLOCK) |
                (value & L4_LOCK ? L4_LOCK | L4_OPTLOCK : 0);
    watch_fast_mode(flash, before);
    write_sec_prot(flash, value);
    write_options_bits(flash, value);
    if (value & L4_STRT)
        start(flash);
    if (flash->busy_until)
        flash->cr |= value & (L4_STRT | L4_OPTSTRT);
    update_irq(flash);
}

static void write_eccr(struct l4_flash *flash, int i, uint32_t value)
{
    flash->eccr[i] &= ~(value & (ECCC | ECCD));
    flash->eccr[i] = (flash->eccr[i] & ~(1u << 24)) | (value & 1u << 24);
}

static uint32_t read_sr(const struct l4_flash *flash)
{
    uint32_t sr = flash->sr, bit = flash->type->busy_by_bank ? BSY2 : BSY;
    if (flash->type->busy_by_bank && (flash->half.there || flash->busy_until))
        sr |= CFGBSY;
    if (flash->bank_until[0])
        sr |= BSY;
    if (flash->bank_until[1])
        sr |= bit;
    return sr | (flash->busy_until && !(sr & (BSY | BSY2)) ? BSY : 0);
}

static uint32_t flash_read(void *ctx, uint32_t reg)
{
    struct l4_flash *flash = ctx;
    catch_up(flash);
    switch (reg) {
    case ACR:   return flash->acr | (flash->empty ? EMPTY : 0);
    case SR:    return read_sr(flash);
    case CR:    return flash->cr | (flash->secured[0] ? L4_SEC_PROT : 0) |
                       (flash->secured[1] ? L4_SEC_PROT2 : 0);
    case ECCR:  return flash->eccr[0];
    case ECC2R: return flash->eccr[1];
    default:    return l4_options_read(flash, reg);
    }
}

static void register_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct l4_flash *flash = ctx;
    catch_up(flash);
    switch (reg) {
    case ACR:     write_acr(flash, value); break;
    case PDKEYR:  break;
    case KEYR:    write_key(flash, value); break;
    case OPTKEYR: write_option_key(flash, value); break;
    case SR:      flash->sr &= ~(value & SR_FLAGS); update_irq(flash); break;
    case CR:      write_cr(flash, value); break;
    case ECCR:    write_eccr(flash, 0, value); break;
    case ECC2R:   write_eccr(flash, 1, value); break;
    default:      l4_options_write(flash, reg, value); break;
    }
}

static uint32_t control_read(void *ctx, uint32_t reg) { return flash_read(ctx, CR + reg); }
static void control_write(void *ctx, uint32_t reg, uint32_t value)
{
    register_write(ctx, CR + reg, value);
}

static uint32_t option_read(void *ctx, uint32_t reg) { return flash_read(ctx, ECCR + reg); }
static void option_write(void *ctx, uint32_t reg, uint32_t value)
{
    register_write(ctx, ECCR + reg, value);
}

/* --- reset and power ---------------------------------------------------------------- */

static void flash_reset(void *ctx)
{
    struct l4_flash *flash = ctx;
    interrupt_operation(flash);
    flash->acr = ACR_RESET | (flash->type->has_swen ? DBG_SWEN : 0);
    flash->sr = 0;
    flash->cr = L4_LOCK | L4_OPTLOCK;
    flash->eccr[0] = flash->eccr[1] = 0;
    flash->key_step = flash->option_key_step = 0;
    flash->jammed = flash->option_jammed = false;
    flash->half.there = false;
    flash->secured[0] = flash->secured[1] = false;
    flash->erased_from = flash->erased_to = 0;
    forget_lines(flash);
    update_irq(flash);
}

/* EMPTY is found out with the options, not at each reset (RM0444, "empty check").  BOOT_LOCK
 * with level 1 starts without a debug port (RM0444, "forcing boot from main flash"). */
static void reset_over(struct l4 *l4, bool load)
{
    struct l4_flash *flash = l4->flash;
    if (load) {
        l4_options_load(flash);
        if (flash->type->swap == L4_SWAP_OPTION)
            flash->swapped = l4_options_dual(flash) &&
                             !(l4_flash_option(flash, L4_OPTR) >> 20 & 1);
        flash->empty = flash->type->has_empty &&
                       memcmp(l4_flash_bank(flash, flash->swapped), "\xFF\xFF\xFF\xFF", 4) == 0;
    }
    uint32_t boot_lock = l4_flash_option(flash, flash->type->m0 ? L4_SECR : L4_SEC1R);
    if (flash->type->has_swen && boot_lock >> 16 & 1 && l4_options_level(flash) == 1)
        flash->acr &= ~(uint32_t)DBG_SWEN;
    l4_options_reset(flash);
    l4_flash_map(flash);
    l4_apply_debug_port(l4);
}

static void power(struct l4 *l4, bool on)
{
    struct l4_flash *flash = l4->flash;
    if (on)
        flash->intruded = false;
    else
        interrupt_operation(flash);
}

static void add_half(struct l4_flash *flash, int h)
{
    struct bus *bus = flash->l4->bus;
    uint32_t size = l4_bank_size(flash);
    flash->halves[h] = (struct l4_half){ flash, h };
    struct bus_region region = {
        .base = L4_FLASH_BASE + (uint32_t)h * size, .size = size,
        .name = h ? "flash, upper half" : "flash", .read = half_read, .write = half_write,
        .ctx = &flash->halves[h], .writes_busy_until = &flash->writes_until,
        .executed = executed };
    flash->main[h] = bus_add(bus, &region);
    region.base -= L4_FLASH_BASE;
    region.name = "boot memory";
    region.write = boot_write;
    flash->boot[h] = bus_add(bus, &region);
}

static void add_memory(struct l4_flash *flash)
{
    struct l4 *l4 = flash->l4;
    for (int h = 0; h < flash->type->banks; h++)
        add_half(flash, h);
    struct bus_region region = {
        .base = 0x1FFF0000, .size = 0x7000, .name = "system memory",
        .memory = l4->system_memory, .write = never_write, .ctx = flash,
        .busy_until = &flash->bank_until[0], .writes_busy_until = &flash->writes_until };
    bus_add(l4->bus, &region);
    region.base = OTP_BASE;
    region.size = L4_OTP_SIZE;
    region.name = "OTP";
    region.memory = flash->otp;
    region.write = otp_write;
    bus_add(l4->bus, &region);
    region.base = L4_OPTION_BASE;
    region.size = sizeof flash->option_words[0];
    region.name = "option bytes";
    region.memory = flash->option_words[0];
    region.write = never_write;
    bus_add(l4->bus, &region);
    if (flash->type->m0)
        return;
    region.base += 0x8000;                  /* the other bank's */
    region.memory = flash->option_words[1];
    region.busy_until = &flash->bank_until[1];
    bus_add(l4->bus, &region);
}

static void add_registers(struct l4_flash *flash)
{
    struct l4_block block = {
        .name = "FLASH", .base = 0x40022000, .size = CR, .bus = L4_AHB, .narrowest = 4,
        .read = flash_read, .write = register_write, .reset = flash_reset, .ctx = flash };
    l4_add_block(flash->l4, &block);
    block.base += CR;
    block.size = 4;                         /* CR: writes wait */
    block.read = control_read;
    block.write = control_write;
    block.reset = NULL;
    l4_add_block(flash->l4, &block)->region->writes_busy_until = &flash->busy_until;
    block.base += 4;
    block.size = 0x400 - CR - 4;
    block.read = option_read;
    block.write = option_write;
    l4_add_block(flash->l4, &block)->region->writes_busy_until = &flash->busy_until;
}

static void make(struct l4 *l4)
{
    struct l4_flash *flash = l4->flash = calloc(1, sizeof *flash);
    uint32_t size = l4->type->flash_size;
    flash->l4 = l4;
    flash->type = l4->type;
    flash->memory = malloc(size);
    flash->old = malloc(size);
    flash->spoilt = calloc(size / 8, sizeof *flash->spoilt);
    memset(flash->memory, 0xFF, size);
    memset(flash->otp, 0xFF, L4_OTP_SIZE);
    l4_options_new(flash);
    alarm_init(&flash->done, done, flash);
    alarm_init(&flash->fast.timeout, fast_timeout, flash);
    add_memory(flash);
    flash_reset(flash);
    l4->chip.flash = flash->memory;
    l4->chip.flash_base = L4_FLASH_BASE;
    l4->chip.flash_size = size;
    add_registers(flash);
    l4->boots_from_flash = true;
    l4_flash_map(flash);
}

static void destroy(struct l4 *l4)
{
    struct l4_flash *flash = l4->flash;
    alarm_cancel(flash->l4->sim, &flash->done);
    alarm_cancel(flash->l4->sim, &flash->fast.timeout);
    free(flash->memory);
    free(flash->old);
    free(flash->spoilt);
    free(flash);
}

static void map(struct l4 *l4) { l4_flash_map(l4->flash); }
static unsigned latency_of(const struct l4 *l4) { return latency(l4->flash); }
static uint32_t options(const struct l4 *l4) { return l4_flash_option(l4->flash, L4_OPTR); }
static bool empty(const struct l4 *l4) { return l4->flash->empty; }

const struct l4_controller l4_controller = {
    make, destroy, power, reset_over, map, costs, latency_of, options, empty, debug_port_open,
    debugger_allowed,
};
