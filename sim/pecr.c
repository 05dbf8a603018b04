/* pecr.c - flash, EEPROM and option bytes of STM32 L0 and L1, whose erased bits are 0.
 *
 *   called by  bus.c (stores to memory), l4.c      calls  l4.c, l4_rcc.c
 *
 *   all locked --PEKEY1 2--> EEPROM open --PRGKEY1 2--> flash open      a wrong key: a bus
 *       ^                        |---------OPTKEY1 2--> options open    error, and locked
 *       '--- PELOCK = 1 or any reset --------------------------'        until reset
 *            (which clear all of PECR: OpenOCD's driver relies on it)
 *
 *   a page    PROG and ERASE, then a word stored anywhere into it
 *   a word    stored, nothing more; over what is not 0 an L0 says NOTZEROERR
 *   half of   PROG and FPRG, then its words in order, and nobody reads the flash meanwhile
 *   a page
 *   EEPROM    a byte, halfword or word stored; it erases before if it must.  A word is erased by
 *             DATA and ERASE and a store
 *   options   a word with its complement stored; power-on and OBL_LAUNCH load them
 *
 * An operation changes the memory at once and then is busy for its time.  Who reads flash,
 * EEPROM or options, or writes any register of the controller, waits.  If a reset or loss of
 * power comes first, what was on its way is a mixture of old and new bits.
 *
 * Protection level 1: once a debugger has used the bus, or with a boot from elsewhere, flash
 * and EEPROM are bus errors for everybody until power-on or OBL_LAUNCH.  The word that opens it
 * erases both.  Level 2: no debug port, no more options.
 *
 * Chosen where the manuals are silent: keys when they are not needed do nothing; PRGKEYR and
 * OPTKEYR before PEKEYR are wrong keys; that erase takes the time of all pages one by one; on
 * an L1, who reads flash between the words of a half page makes SIZERR.
 *
 * Not modelled: ECC, RUN_PD, double words of an L1's EEPROM, the parallel banks of its
 * categories 5 and 6.
 *
 * Sources: RM0367 and RM0038, chapter FLASH; DS10182, DS10262, DS6876 for times. */
#include "pecr.h"
#include "l4.h"
#include <stdlib.h>
#include <string.h>

enum { ACR = 0x00, PECR = 0x04, PDKEYR = 0x08, PEKEYR = 0x0C, PRGKEYR = 0x10, OPTKEYR = 0x14,
       SR = 0x18, OBR = 0x1C, WRPR1 = 0x20, WRPR2 = 0x80 };
enum { LATENCY = 1 << 0, PRFTEN = 1 << 1, ACC64 = 1 << 2, RUN_PD = 1 << 4, ACR_L0 = 0x6B,
       ACR_L1 = 0x0F };
enum { PELOCK = 1 << 0, PRGLOCK = 1 << 1, OPTLOCK = 1 << 2, LOCKS = 7, PROG = 1 << 3,
       DATA = 1 << 4, FIX = 1 << 8, ERASE = 1 << 9, FPRG = 1 << 10, EOPIE = 1 << 16,
       ERRIE = 1 << 17, OBL_LAUNCH = 1 << 18, NZDISABLE = 1 << 23,
       PECR_BITS = PROG | DATA | FIX | ERASE | FPRG | EOPIE | ERRIE };
enum { BSY = 1 << 0, EOP = 1 << 1, ENDHV = 1 << 2, READY = 1 << 3, WRPERR = 1 << 8,
       PGAERR = 1 << 9, SIZERR = 1 << 10, OPTVERR = 1 << 11, RDERR = 1 << 13,
       NOTZEROERR = 1 << 16, FWWERR = 1 << 17,
       ERRORS = WRPERR | PGAERR | SIZERR | OPTVERR | RDERR | NOTZEROERR | FWWERR };
enum { FLASH_BASE = 0x08000000, EEPROM_BASE = 0x08080000, OPTION_BASE = 0x1FF80000,
       AREA = 4096, OPEN = 0xAA, NEVER = 0xCC };
enum { RDP, USER, WRP, PCROP_MODE = 1 << 8, WDG_SW = 1 << 4 };     /* option words; bits */
/* As an L4's OPTR has them. */
enum { L4_NBOOT1 = 1 << 23 };

/* What each lock is opened with. */
static const struct { const char *name; uint32_t lock, key[2]; } keys[] = {
    { "PEKEYR",  PELOCK,  { 0x89ABCDEF, 0x02030405 } },
    { "PRGKEYR", PRGLOCK, { 0x8C9DAEBF, 0x13141516 } },
    { "OPTKEYR", OPTLOCK, { 0xFBEAD9C8, 0x24252627 } },
};
enum { KEYS = 3 };

struct pecr {
    struct l4 *l4;
    const struct pecr_type *type;
    uint8_t *memory, *eeprom, *old;
    uint32_t stored[PECR_OPTIONS];      /* with their complements */
    uint16_t in_force[PECR_OPTIONS];
    uint32_t acr, pecr, sr;
    int key_step[KEYS];
    bool jammed[KEYS];                  /* a wrong key: until reset */
    bool intruded;                      /* a debugger has been on the bus since power-on */

    uint32_t half_page[64];             /* words that wait for the rest of their half page */
    int words;
    uint32_t half_page_at;

    sim_time busy_until;                /* 0: idle */
    struct alarm done;
    uint8_t *target;                    /* of the operation in progress */
    uint32_t length;
    struct bus_region *main, *boot, *data;
};

static void rule(struct pecr *p, const char *what)
{
    l4_report(p->l4, SIM_RULE, "flash: %s", what);
}

static uint32_t flash_size(const struct pecr *p) { return p->l4->type->flash_size; }

/* --- protection --------------------------------------------------------------------- */

static int level(const struct pecr *p)
{
    uint8_t rdp = (uint8_t)p->in_force[RDP];
    return rdp == OPEN ? 0 : rdp == NEVER ? 2 : 1;
}

static bool shut(const struct pecr *p) { return level(p) == 1 && p->intruded; }
static bool pcrop_mode(const struct pecr *p) { return p->in_force[RDP] & PCROP_MODE; }

static uint32_t wrpr(const struct pecr *p, int i)
{
    return p->in_force[WRP + 2 * i] | (uint32_t)p->in_force[WRP + 2 * i + 1] << 16;
}

/* A 1 protects from writing; or else, with WPRMOD (L1: SPRMOD), a 0 makes execute-only. */
static bool write_protected(const struct pecr *p, uint32_t offset)
{
    uint32_t area = offset / AREA;
    bool one = (int)(area / 32) < p->type->wrprs && wrpr(p, (int)area / 32) >> area % 32 & 1;
    return pcrop_mode(p) ? !one : one;
}

static bool execute_only(const struct pecr *p, uint32_t offset)
{
    return pcrop_mode(p) && write_protected(p, offset);
}

static bool anything_execute_only(const struct pecr *p)
{
    for (uint32_t at = 0; at < flash_size(p); at += AREA)
        if (execute_only(p, at))
            return true;
    return false;
}

/* Plain memory, unless somebody must not read it, or a read has consequences. */
static void map(struct l4 *l4)
{
    struct pecr *p = l4->pecr;
    bool plain = !shut(p) && !p->words && !anything_execute_only(p);
    p->main->memory = plain ? p->memory : NULL;
    p->boot->memory = !l4->boots_from_flash ? l4->system_memory : p->main->memory;
    p->data->memory = shut(p) ? NULL : p->eeprom;
}

/* Asked at each access of a debugger; what is shut answers by itself. */
static bool debugger_allowed(void *ctx, uint32_t address, bool write)
{
    struct l4 *l4 = ctx;
    (void)address, (void)write;
    if (!l4->pecr->intruded) {
        l4->pecr->intruded = true;
        map(l4);
    }
    return true;
}

/* --- operations --------------------------------------------------------------------- */

static void update_irq(struct pecr *p)
{
    l4_irq(p->l4, p->type->flash_irq,
           (p->sr & EOP && p->pecr & EOPIE) || (p->sr & ERRORS && p->pecr & ERRIE));
}

static void fail(struct pecr *p, uint32_t flag)
{
    p->sr |= flag;
    update_irq(p);
}

static void complain(struct pecr *p, uint32_t flag, const char *what)
{
    rule(p, what);
    fail(p, flag);
}

static void finish(struct pecr *p)
{
    p->busy_until = 0;
    p->length = 0;
    p->sr |= EOP;
    update_irq(p);
}

static void done(void *ctx) { finish(ctx); }

/* An access may come before the alarm of the same instant. */
static void catch_up(struct pecr *p)
{
    if (p->busy_until && p->l4->sim->now >= p->busy_until) {
        alarm_cancel(p->l4->sim, &p->done);
        finish(p);
    }
}

static void begin(struct pecr *p, void *target, uint32_t length, sim_time time)
{
    p->target = target;
    p->length = length;
    memcpy(p->old, target, length);
    p->busy_until = p->l4->sim->now + time;
    alarm_set(p->l4->sim, &p->done, p->busy_until);
}

/* Power fails: every bit that was on its way is old or new, nobody knows which. */
static void interrupt_operation(struct pecr *p)
{
    struct sim *sim = p->l4->sim;
    for (uint32_t i = 0; i < p->length && sim->now < p->busy_until; i++) {
        uint8_t keep = (uint8_t)sim_random(sim);
        p->target[i] = (uint8_t)((p->old[i] & keep) | (p->target[i] & ~keep));
    }
    alarm_cancel(sim, &p->done);
    p->busy_until = 0;
    p->length = 0;
    p->words = 0;
}

/* --- stores to flash ---------------------------------------------------------------- */

static void drop_half_page(struct pecr *p)
{
    p->words = 0;
    map(p->l4);
}

static void erase_page(struct pecr *p, uint32_t offset)
{
    uint8_t *page = p->memory + offset / p->type->page * p->type->page;
    if (!(p->pecr & PROG)) {
        complain(p, PGAERR, "ERASE without PROG at a store to the flash");
        return;
    }
    begin(p, page, p->type->page, p->type->time);
    memset(page, 0, p->type->page);
}

/* New bits come to those that are there.  An L0 refuses that, unless NZDISABLE is set. */
static bool may_go_over(struct pecr *p, const uint8_t *at, uint32_t length)
{
    bool blank = true;
    for (uint32_t i = 0; i < length; i++)
        blank = blank && !at[i];
    if (blank)
        return true;
    rule(p, p->type->l0 ? "a word programmed and not erased (NOTZEROERR)"
                        : "a word programmed and not erased: the bits of both are there");
    if (!p->type->l0 || p->pecr & NZDISABLE)
        return true;
    fail(p, NOTZEROERR);
    return false;
}

static void program(struct pecr *p, uint32_t offset, const uint32_t *words, uint32_t length)
{
    uint8_t *at = p->memory + offset;
    if (!may_go_over(p, at, length))
        return;
    begin(p, at, length, p->type->time);
    for (uint32_t i = 0; i < length; i++)
        at[i] |= (uint8_t)(words[i / 4] >> 8 * (i % 4));
}

static void add_to_half_page(struct pecr *p, uint32_t offset, uint32_t value)
{
    uint32_t bytes = 4 * (uint32_t)p->words;
    if (p->words ? offset != p->half_page_at + bytes : offset % p->type->half_page) {
        drop_half_page(p);
        complain(p, PGAERR, "a half page is stored from its start on, without gaps (PGAERR)");
        return;
    }
    if (!p->words)
        p->half_page_at = offset;
    p->half_page[p->words++] = value;
    if (bytes + 4 == p->type->half_page) {
        p->words = 0;
        program(p, p->half_page_at, p->half_page, p->type->half_page);
    }
    map(p->l4);
}

static uint32_t bus_fault(struct pecr *p)
{
    p->l4->bus->fault = true;
    return 0;
}

static void flash_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct pecr *p = ctx;
    catch_up(p);
    if (shut(p)) {
        bus_fault(p);
    } else if (p->pecr & PRGLOCK) {
        complain(p, WRPERR, "a store to the flash while PRGLOCK is set (WRPERR)");
    } else if (write_protected(p, offset)) {
        fail(p, WRPERR);
    } else if (width != 4) {
        complain(p, SIZERR, "a store to the flash of less than 32 bits (SIZERR)");
    } else if (p->pecr & ERASE) {
        erase_page(p, offset);
    } else if ((p->pecr & (PROG | FPRG)) == (PROG | FPRG)) {
        add_to_half_page(p, offset, value);
    } else {
        program(p, offset, &value, 4);
    }
}

/* The alias at 0 is flash only if the chip booted from flash. */
static void boot_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    if (((struct pecr *)ctx)->l4->boots_from_flash)
        flash_write(ctx, offset, value, width);
}

/* Only while something is not for everybody, or half a page is on its way. */
static uint32_t flash_read(void *ctx, uint32_t offset, int width)
{
    struct pecr *p = ctx;
    uint32_t value = 0;
    if (shut(p))
        return bus_fault(p);
    if (p->words) {
        drop_half_page(p);
        complain(p, p->type->l0 ? FWWERR : SIZERR,
                 "the flash is read between the words of a half page, which is lost");
    }
    if (execute_only(p, offset) && p->l4->bus->master != BUS_CODE) {
        fail(p, RDERR);
        return 0;
    }
    memcpy(&value, p->memory + offset, (size_t)width);
    return value;
}

/* --- stores to the EEPROM ----------------------------------------------------------- */

/* The erase of a word comes before, if it holds anything or FIX wants it so. */
static void program_eeprom(struct pecr *p, uint32_t offset, uint32_t value, int width)
{
    uint8_t *word = p->eeprom + offset / 4 * 4;
    static const uint8_t zeros[4];
    bool erases = p->pecr & FIX || memcmp(word, zeros, 4) != 0;
    uint32_t mask = width == 4 ? ~0u : (1u << 8 * width) - 1;
    begin(p, word, 4, p->type->time * (erases ? 2 : 1));
    if (p->type->loses_zero_bytes && width < 4 && !(value & mask)) {
        rule(p, "EEPROM: a byte or halfword of 0, which a category 1 chip does not write");
        return;
    }
    memcpy(p->eeprom + offset, &value, (size_t)width);
}

static void eeprom_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct pecr *p = ctx;
    catch_up(p);
    if (shut(p)) {
        bus_fault(p);
    } else if (p->pecr & PELOCK) {
        complain(p, WRPERR, "a store to the EEPROM while PELOCK is set (WRPERR)");
    } else if (p->pecr & FPRG) {
        l4_report(p->l4, SIM_UNMODELLED, "FPRG with a store to the EEPROM");
    } else if (!(p->pecr & ERASE)) {
        program_eeprom(p, offset, value, width);
    } else if (width != 4) {
        complain(p, SIZERR, "ERASE with a store of less than 32 bits to the EEPROM (SIZERR)");
    } else if (!(p->pecr & DATA)) {
        complain(p, PGAERR, "ERASE without DATA at a store to the EEPROM");
    } else {
        begin(p, p->eeprom + offset, 4, p->type->time);
        memset(p->eeprom + offset, 0, 4);
    }
}

static uint32_t eeprom_read(void *ctx, uint32_t offset, int width)
{
    (void)offset, (void)width;
    return bus_fault(ctx);              /* only while it is shut */
}

/* --- options ------------------------------------------------------------------------ */

/* The value of a word that has its complement beside it, or else what stands for it. */
static uint16_t value_of(struct pecr *p, int i)
{
    uint16_t value = (uint16_t)p->stored[i], complement = (uint16_t)(p->stored[i] >> 16);
    if ((value ^ complement) == 0xFFFF)
        return value;
    p->sr |= OPTVERR;
    return i == RDP ? 0 : i == USER ? p->type->delivered[USER] : 0xFFFF;
}

static void load_options(struct pecr *p)
{
    for (int i = 0; i < p->type->option_words; i++)
        p->in_force[i] = value_of(p, i);
}

static void option_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct pecr *p = ctx;
    sim_time time = p->type->time * (p->stored[offset / 4] ? 2 : 1);
    catch_up(p);
    if (p->pecr & OPTLOCK || level(p) == 2) {
        complain(p, WRPERR, "a store to the option bytes while OPTLOCK is set, or at protection "
                            "level 2 (WRPERR)");
        return;
    }
    if (width != 4) {
        complain(p, SIZERR, "a store to the option bytes of less than 32 bits (SIZERR)");
        return;
    }
    if ((uint16_t)(value ^ value >> 16) != 0xFFFF)
        rule(p, "an option word and its complement do not fit");
    if (offset == 4 * RDP && (uint8_t)value == OPEN && level(p) == 1) {
        time += flash_size(p) / p->type->page * p->type->time;
        memset(p->memory, 0, flash_size(p));
        memset(p->eeprom, 0, p->type->eeprom_size);
    }
    begin(p, &p->stored[offset / 4], 4, time);
    p->stored[offset / 4] = value;
}

/* --- registers ---------------------------------------------------------------------- */

static void write_key(struct pecr *p, int i, uint32_t value)
{
    if (!(p->pecr & keys[i].lock))
        return;
    bool too_early = i && p->pecr & PELOCK;
    if (p->jammed[i] || too_early || value != keys[i].key[p->key_step[i]]) {
        l4_report(p->l4, SIM_RULE, "flash: wrong key in %s: locked until reset", keys[i].name);
        p->jammed[i] = true;
        bus_fault(p);
        return;
    }
    p->key_step[i] ^= 1;
    if (!p->key_step[i])
        p->pecr &= ~keys[i].lock;
}

static void write_pecr(struct pecr *p, uint32_t value)
{
    uint32_t bits = PECR_BITS | (p->type->l0 ? (uint32_t)NZDISABLE : 0);
    if (p->pecr & PELOCK) {
        if (value != p->pecr)
            rule(p, "FLASH_PECR written while PELOCK is set");
        return;
    }
    if (p->words) {
        rule(p, "FLASH_PECR written between the words of a half page, which is lost");
        drop_half_page(p);
    }
    p->pecr = (p->pecr & LOCKS) | (value & (bits | LOCKS));
    if (value & PELOCK)
        p->pecr = LOCKS;
    update_irq(p);
    if (value & OBL_LAUNCH && p->pecr & OPTLOCK)
        rule(p, "OBL_LAUNCH while OPTLOCK is set");
    else if (value & OBL_LAUNCH)
        l4_launch_options(p->l4);
}

static void write_acr(struct pecr *p, uint32_t value)
{
    if (value & RUN_PD)
        l4_report(p->l4, SIM_UNMODELLED, "FLASH_ACR.RUN_PD: flash without power");
    if (p->type->has_64_bits && value & (LATENCY | PRFTEN) && !(p->acr & ACC64))
        rule(p, "FLASH_ACR: a wait state or the prefetch before ACC64 is on");
    p->acr = value & (p->type->l0 ? ACR_L0 : ACR_L1);
    l4_set_costs(p->l4);
    l4_rcc_check_flash(p->l4->rcc);
}

static uint32_t register_read(void *ctx, uint32_t reg)
{
    struct pecr *p = ctx;
    catch_up(p);
    switch (reg) {
    case ACR:   return p->acr;
    case PECR:  return p->pecr;
    case SR:    return p->sr | READY | (p->busy_until ? BSY : ENDHV);
    case OBR:   return p->in_force[RDP] | (uint32_t)p->in_force[USER] << 16;
    case WRPR1: return wrpr(p, 0);
    case WRPR2: return p->type->wrprs > 1 ? wrpr(p, 1) : 0;
    default:    return 0;
    }
}

static void register_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct pecr *p = ctx;
    catch_up(p);
    switch (reg) {
    case ACR:     write_acr(p, value); break;
    case PECR:    write_pecr(p, value); break;
    case PEKEYR:  write_key(p, 0, value); break;
    case PRGKEYR: write_key(p, 1, value); break;
    case OPTKEYR: write_key(p, 2, value); break;
    case SR:      p->sr &= ~(value & (ERRORS | EOP)); update_irq(p); break;
    default:      break;
    }
}

/* --- the controller as l4.c sees it -------------------------------------------------- */

static unsigned latency(const struct l4 *l4) { return l4->pecr->acr & LATENCY; }

static void costs(struct l4 *l4)
{
    struct bus_region *seen[] = { l4->pecr->main, l4->pecr->boot };
    for (int i = 0; i < 2; i++) {
        seen[i]->read_wait = (uint8_t)latency(l4);
        seen[i]->prefetch = l4->pecr->acr & PRFTEN;
    }
}

static uint32_t options(const struct l4 *l4)
{
    uint32_t user = l4->pecr->in_force[USER];
    bool boot1 = l4->pecr->type->l0 && !(user >> 15 & 1);
    return L4_WWDG_SW | (user & WDG_SW ? L4_IWDG_SW : 0) | (boot1 ? 0 : L4_NBOOT1);
}

static bool empty(const struct l4 *l4) { (void)l4; return false; }
static bool debug_port_open(const struct l4 *l4) { return level(l4->pecr) != 2; }

static void reset(void *ctx)
{
    struct pecr *p = ctx;
    interrupt_operation(p);
    p->acr = p->sr = 0;
    p->pecr = LOCKS;
    memset(p->key_step, 0, sizeof p->key_step);
    memset(p->jammed, 0, sizeof p->jammed);
    update_irq(p);
}

static void reset_over(struct l4 *l4, bool load)
{
    struct pecr *p = l4->pecr;
    if (load) {
        load_options(p);
        p->intruded = false;
    }
    if (!l4->boots_from_flash)
        p->intruded = true;
    map(l4);
    l4_apply_debug_port(l4);
}

static void power(struct l4 *l4, bool on)
{
    if (!on)
        interrupt_operation(l4->pecr);
}

static void add_memory(struct pecr *p)
{
    struct l4 *l4 = p->l4;
    struct bus_region region = {
        .base = FLASH_BASE, .size = flash_size(p), .name = "flash", .memory = p->memory,
        .read = flash_read, .write = flash_write, .ctx = p, .busy_until = &p->busy_until };
    p->main = bus_add(l4->bus, &region);
    region.base = 0;
    region.name = "boot memory";
    region.write = boot_write;
    p->boot = bus_add(l4->bus, &region);
    p->data = bus_add(l4->bus, &(struct bus_region){
        .base = EEPROM_BASE, .size = p->type->eeprom_size, .name = "data EEPROM",
        .memory = p->eeprom, .read = eeprom_read, .write = eeprom_write, .ctx = p,
        .busy_until = &p->busy_until });
    bus_add(l4->bus, &(struct bus_region){
        .base = OPTION_BASE, .size = 4 * (uint32_t)p->type->option_words, .name = "option bytes",
        .memory = (uint8_t *)p->stored, .write = option_write, .ctx = p,
        .busy_until = &p->busy_until });
    bus_add(l4->bus, &(struct bus_region){
        .base = l4->type->system_memory, .size = l4->type->system_size, .name = "system memory",
        .memory = l4->system_memory });
}

static void make(struct l4 *l4)
{
    struct pecr *p = l4->pecr = calloc(1, sizeof *p);
    p->l4 = l4;
    p->type = l4->type->pecr;
    p->memory = calloc(1, flash_size(p));
    p->eeprom = calloc(1, p->type->eeprom_size);
    p->old = malloc(p->type->page);
    for (int i = 0; i < p->type->option_words; i++)
        p->stored[i] = p->type->delivered[i] | (uint32_t)~p->type->delivered[i] << 16;
    load_options(p);
    alarm_init(&p->done, done, p);
    add_memory(p);
    reset(p);
    l4->chip.flash = p->memory;
    l4->chip.flash_base = FLASH_BASE;
    l4->chip.flash_size = flash_size(p);
    l4->boots_from_flash = true;
    l4_add_block(l4, &(struct l4_block){
        .name = "FLASH", .base = p->type->registers, .size = 0x400, .bus = L4_AHB,
        .narrowest = 4, .read = register_read, .write = register_write, .reset = reset,
        .ctx = p })->region->writes_busy_until = &p->busy_until;
    map(l4);
}

static void destroy(struct l4 *l4)
{
    struct pecr *p = l4->pecr;
    alarm_cancel(l4->sim, &p->done);
    free(p->memory);
    free(p->eeprom);
    free(p->old);
    free(p);
}

const struct l4_controller pecr_controller = {
    make, destroy, power, reset_over, map, costs, latency, options, empty, debug_port_open,
    debugger_allowed,
};
