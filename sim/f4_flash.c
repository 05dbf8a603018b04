/* f4_flash.c - the flash interface of an STM32F2, F4 or F7: keys, sector, bank and mass erase,
 * programming in four widths, option bytes, three levels of read protection, OTP.
 *
 *   called by  f4_flash_map.c (stores to flash), bus.c, f4.c      calls  f4_rcc.c
 *
 *   locked --KEY1 KEY2--> open --PG + store as wide as PSIZE--> busy --> EOP
 *      ^        | anything else     \--SER, SNB or MER, STRT---> busy --> EOP
 *      |        v
 *      |     locked until reset, and a bus error
 *      +-- CR.LOCK = 1
 *
 *   SNB   sectors of bank 1: their number; of bank 2: 16 for sector 12, and so on
 *   MER   bank 1 (a flash of one bank: all)      MER1   bank 2
 *
 * An operation changes the memory at once and then is busy for its time; whoever reads the
 * same bank, or stores to either, or writes CR or OPTCR meanwhile waits (3.5, 3.6.1, 3.6.5).  If
 * a reset or loss of power comes first, the memory becomes a mixture of old and new bits; option
 * bytes are left erased, which is level 1.
 *
 * PCROP: neither SPRMOD nor the mark of a sector goes but together with level 1 (3.7.5).
 *
 * Chosen where RM0090 is silent or of two minds: option bytes act from the next reset on;
 * writing them takes as long as a sector of the smallest size; error flags that were left
 * standing do not hinder; SER with MER is WRPERR (3.7.4; 3.6.3 says a mass erase); both banks
 * together take as long as one; SPRMOD is not set in options that power cut off.
 *
 * PGAERR is for stores that leave their row of 128 bits; no master of these chips makes one.
 *
 * An F7 calls SR bit 7 ERSERR and sets it where the others set PGSERR (RM0385 3.7.4).
 *
 * Sources: RM0090 3 (registers 3.9), RM0385 3 (3.7), PM0081 (WRPERR's causes, option bytes);
 * times: f4_parts.c. */
#include "f4_flash.h"
#include <stdlib.h>
#include <string.h>

enum { ACR = 0x00, KEYR = 0x04, OPTKEYR = 0x08, SR = 0x0C, CR = 0x10, OPTCR = 0x14,
       OPTCR1 = 0x18 };
enum {
    PG = 1 << 0, SER = 1 << 1, MER = 1 << 2, MER1 = 1 << 15, STRT = 1 << 16, EOPIE = 1 << 24,
    ERRIE = 1 << 25, OPTLOCK = 1 << 0, OPTSTRT = 1 << 1,
};
#define LOCK    (1u << 31)
#define KEY1    0x45670123u
#define KEY2    0xCDEF89ABu
#define OPTKEY1 0x08192A3Bu
#define OPTKEY2 0x4C5D6E7Fu

#define PROGRAM_TIME (16 * SIM_US)      /* of any width */
enum { BANK_1 = 1, BANK_2 = 2, BOTH_BANKS = 3 };

unsigned f4_flash_latency(const struct f4_flash *flash) { return flash->acr & LATENCY; }

bool f4_flash_software_watchdog(const struct f4_flash *flash)
{
    return flash->in_force[0] & WDG_SW;
}

bool f4_flash_software_window_watchdog(const struct f4_flash *flash)
{
    return !flash->f4->part->f7 || flash->in_force[0] & WWDG_SW;
}

/* RM0410 2.5: nDBOOT says something only if there are two banks. */
bool f4_flash_boots_twice(const struct f4_flash *flash)
{
    if (flash->part->banks == F4_NDBANK)
        return !(flash->in_force[0] & (NDBANK | NDBOOT));
    return !flash->f4->part->f7 && flash->in_force[0] & flash->part->option_bits[0] & BFB2;
}

uint32_t f4_flash_boot_address(const struct f4_flash *flash, int pin)
{
    return (flash->in_force[1] >> 16 * pin & 0xFFFF) << 14;
}

bool f4_flash_debug_port_open(const struct f4_flash *flash)
{
    return f4_flash_level(flash->in_force[0]) != 2;
}

static void rule(struct f4_flash *flash, const char *what)
{
    f4_report(flash->f4, SIM_RULE, "flash: %s", what);
}

/* --- operations --------------------------------------------------------------------- */

static void update_irq(struct f4_flash *flash)
{
    f4_irq(flash->f4, F4_IRQ_FLASH, (flash->sr & EOP && flash->cr & EOPIE) ||
                                    (flash->sr & OPERR && flash->cr & ERRIE));
}

/* EOP and OPERR come only with their interrupts enabled (3.9.5). */
void f4_flash_fail(struct f4_flash *flash, uint32_t flag)
{
    flash->sr |= flag | (flash->cr & ERRIE ? OPERR : 0);
    update_irq(flash);
}

static void idle(struct f4_flash *flash)
{
    flash->busy_until = flash->bank_busy_until[0] = flash->bank_busy_until[1] = 0;
    flash->length = 0;
    flash->writing_options = false;
}

static void finish(struct f4_flash *flash)
{
    idle(flash);
    flash->cr &= ~(uint32_t)STRT;
    flash->optcr[0] &= ~(uint32_t)OPTSTRT;
    if (flash->cr & EOPIE)
        flash->sr |= EOP;
    update_irq(flash);
}

static void done(void *ctx) { finish(ctx); }

/* An access may come before the alarm of the same instant. */
static void catch_up(struct f4_flash *flash)
{
    if (flash->busy_until && flash->f4->sim->now >= flash->busy_until) {
        alarm_cancel(flash->f4->sim, &flash->done);
        finish(flash);
    }
}

/* 3.6.2, table 13.  What is done all the same may not last. */
static void check_supply(struct f4_flash *flash)
{
    int mv = flash->f4->millivolts, most = mv >= 2700 ? 2 : mv >= 2100 ? 1 : 0;
    int psize = flash->cr >> 8 & 3;
    if (psize == 3)
        rule(flash, "PSIZE is x64, which needs Vpp");
    else if (psize > most)
        f4_report(flash->f4, SIM_RULE, "flash: PSIZE is x%d at %d.%d V, which allows x%d",
                  8 << psize, mv / 1000, mv / 100 % 10, 8 << most);
}

static void begin(struct f4_flash *flash, uint8_t *target, uint32_t length, unsigned banks,
                  sim_time time)
{
    struct sim *sim = flash->f4->sim;
    flash->target = target;
    flash->length = length;
    memcpy(flash->old, target, length);
    flash->busy_until = sim->now + time;
    for (int bank = 0; bank < 2; bank++)
        if (banks >> bank & 1)
            flash->bank_busy_until[bank] = flash->busy_until;
    alarm_set(sim, &flash->done, flash->busy_until);
}

static unsigned psize(const struct f4_flash *flash) { return flash->cr >> 8 & 3; }

static void erase(struct f4_flash *flash, uint32_t offset, uint32_t length, unsigned banks,
                  unsigned ms)
{
    begin(flash, flash->memory + offset, length, banks, ms * SIM_MS);
    memset(flash->memory + offset, 0xFF, length);
    f4_flash_make_old(flash, offset, length);
}

/* Codes 12 to 15 of SNB are none; bank 2 begins with 16 (3.9.8). */
static void erase_sector(struct f4_flash *flash)
{
    unsigned snb = (flash->cr & flash->part->cr_bits) >> 3 & 31;
    const struct f4_sector *sector =
        snb >= 12 && snb < 16 ? NULL : f4_flash_sector(flash, snb < 12 ? snb : snb - 4);
    if (!sector || f4_flash_write_protected(flash, sector))
        f4_flash_fail(flash, WRPERR);
    else
        erase(flash, sector->start, sector->size, BANK_1 << sector->bank,
              sector->erase_ms[psize(flash)]);
}

static bool bank_is_protected(const struct f4_flash *flash, int bank)
{
    for (int i = 0; i < flash->sector_count; i++)
        if (flash->sectors[i].bank == bank &&
            f4_flash_write_protected(flash, &flash->sectors[i]))
            return true;
    return false;
}

static void erase_banks(struct f4_flash *flash, unsigned banks)
{
    const struct f4_flash_part *part = flash->part;
    uint32_t bank = part->size / (flash->two_banks ? 2 : 1);
    bool both = banks == BOTH_BANKS || !flash->two_banks;
    for (int i = 0; i < 2; i++)
        if (banks >> i & 1 && bank_is_protected(flash, i)) {
            f4_flash_fail(flash, WRPERR);
            return;
        }
    if (!flash->two_banks && !(banks & BANK_1))
        rule(flash, "MER1, and the flash is one bank");
    else
        erase(flash, banks & BANK_1 ? 0 : bank, both ? part->size : bank, banks,
              (both ? part->mass_ms : part->bank_ms)[psize(flash)]);
}

static void interrupt_operation(struct f4_flash *flash)
{
    struct sim *sim = flash->f4->sim;
    if (sim->now < flash->busy_until) {
        for (uint32_t i = 0; i < flash->length; i++) {
            uint8_t keep = (uint8_t)sim_random(sim);
            flash->target[i] = (uint8_t)((flash->old[i] & keep) | (flash->target[i] & ~keep));
        }
        if (flash->writing_options)
            memcpy(flash->options, flash->part->erased, sizeof flash->options);
    }
    alarm_cancel(sim, &flash->done);
    idle(flash);
}

/* --- stores to memory --------------------------------------------------------------- */

static bool may_program(struct f4_flash *flash, uint32_t offset, int width)
{
    catch_up(flash);
    if (!(flash->cr & PG)) {
        f4_report(flash->f4, SIM_RULE, "flash: store to flash while FLASH_CR.PG is 0 (%s)",
                  flash->part->sequence_error);
        f4_flash_fail(flash, PGSERR);
    } else if (offset % 16 + (uint32_t)width > 16) {
        rule(flash, "store over the end of a row of 128 bits (PGAERR)");
        f4_flash_fail(flash, PGAERR);
    } else if (width != 1 << psize(flash)) {
        f4_report(flash->f4, SIM_RULE, "flash: store of %d bits while PSIZE is x%d (PGPERR)",
                  8 * width, 8 << psize(flash));
        f4_flash_fail(flash, PGPERR);
    } else {
        return true;
    }
    return false;
}

static void program(struct f4_flash *flash, uint8_t *at, uint32_t value, int width, int bank)
{
    check_supply(flash);
    begin(flash, at, (uint32_t)width, BANK_1 << bank, PROGRAM_TIME);
    for (int i = 0; i < width; i++)
        at[i] &= (uint8_t)(value >> 8 * i);
    for (int i = 0; i < width; i++)
        if (at[i] != (uint8_t)(value >> 8 * i)) {
            rule(flash, "ones programmed over zeros: only an erase makes ones");
            return;
        }
}

void f4_flash_store(struct f4_flash *flash, uint32_t offset, uint32_t value, int width)
{
    const struct f4_sector *sector = f4_flash_sector_at(flash, offset);
    if (!may_program(flash, offset, width))
        return;
    if (f4_flash_write_protected(flash, sector)) {
        f4_flash_fail(flash, WRPERR);
        return;
    }
    program(flash, flash->memory + offset, value, width, sector->bank);
    f4_flash_make_old(flash, offset, (uint32_t)width);
}

/* Sixteen blocks, and a byte each that locks one when it is programmed to 0. */
static void otp_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct f4_flash *flash = ctx;
    uint32_t block = flash->part->otp_block, bytes = OTP_BLOCKS * block;
    if (!may_program(flash, offset, width))
        return;
    if (f4_flash_shut(flash) || (offset < bytes && flash->otp[bytes + offset / block] == 0))
        f4_flash_fail(flash, WRPERR);
    else
        program(flash, flash->otp + offset, value, width, 0);
}

/* System memory and the option bytes: the manual's "never". */
static void never_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct f4_flash *flash = ctx;
    (void)value;
    if (may_program(flash, offset, width))
        f4_flash_fail(flash, WRPERR);
}

/* --- option bytes ------------------------------------------------------------------- */

static void show_option_words(struct f4_flash *flash)
{
    for (int i = 0; i < 4; i++) {
        const struct f4_option_word *word = &flash->part->option_words[i];
        uint32_t low = (flash->options[word->reg] >> word->shift & 0xFFFF) | word->unused;
        flash->option_words[i][0] = low | ~low << 16;
        flash->option_words[i][1] = UINT32_MAX;
    }
}

/* A mark of PCROP that is in force and would go. */
static bool loses_pcrop(const struct f4_flash *flash)
{
    const uint32_t *now = flash->in_force, *wanted = flash->optcr;
    if (!flash->part->pcrop || !(now[0] & SPRMOD))
        return false;
    return !(wanted[0] & SPRMOD) || (now[0] & ~wanted[0] & 0x0FFF0000) ||
           (now[1] & ~wanted[1] & 0x0FFF0000);
}

/* From level 1 to 0 the flash goes first (3.7.3); from level 2 there is no way. */
static void write_options(struct f4_flash *flash)
{
    const struct f4_flash_part *part = flash->part;
    int was = f4_flash_level(flash->in_force[0]);
    bool opened = was == 1 && f4_flash_level(flash->optcr[0]) == 0;
    unsigned ms = part->erase_ms[0][psize(flash)];
    if (was == 2) {
        rule(flash, "option bytes written at protection level 2");
        return;
    }
    if (loses_pcrop(flash) && !opened) {
        f4_flash_fail(flash, WRPERR);
        return;
    }
    if (opened)
        erase(flash, 0, part->size, BOTH_BANKS, part->mass_ms[psize(flash)] + ms);
    else
        begin(flash, flash->memory, 0, BOTH_BANKS, ms * SIM_MS);
    flash->writing_options = true;
    for (int i = 0; i < 2; i++)
        flash->options[i] = flash->optcr[i] & part->option_bits[i];
    show_option_words(flash);
}

/* --- registers ---------------------------------------------------------------------- */

static void write_acr(struct f4_flash *flash, uint32_t value)
{
    value &= flash->part->acr_bits;
    if ((value & ICRST && flash->acr & ICEN) || (value & DCRST && flash->acr & DCEN))
        rule(flash, "FLASH_ACR: a cache is reset while it is enabled");
    else if (value & ICRST)
        f4_flash_forget_lines(flash);
    flash->acr = value;
    f4_set_costs(flash->f4);
    f4_rcc_check_flash(flash->f4->rcc);
}

static void wrong_key(struct f4_flash *flash, bool *jammed, const char *what)
{
    rule(flash, what);
    *jammed = true;
    flash->f4->bus->fault = true;           /* 3.6.1 */
}

static void write_key(struct f4_flash *flash, uint32_t value)
{
    if (flash->jammed || !(flash->cr & LOCK) || value != (flash->key_step ? KEY2 : KEY1)) {
        flash->cr |= LOCK;
        wrong_key(flash, &flash->jammed, "wrong key, or unlocked already: FLASH_CR locked until "
                                         "reset");
        return;
    }
    flash->key_step ^= 1;
    if (!flash->key_step)
        flash->cr &= ~LOCK;
}

static void write_option_key(struct f4_flash *flash, uint32_t value)
{
    if (flash->option_jammed || !(flash->optcr[0] & OPTLOCK) ||
        value != (flash->option_key_step ? OPTKEY2 : OPTKEY1)) {
        flash->optcr[0] |= OPTLOCK;
        wrong_key(flash, &flash->option_jammed, "wrong option key, or unlocked already: "
                                                "FLASH_OPTCR locked until reset");
        return;
    }
    flash->option_key_step ^= 1;
    if (!flash->option_key_step)
        flash->optcr[0] &= ~(uint32_t)OPTLOCK;
}

static void start(struct f4_flash *flash)
{
    unsigned banks = (flash->cr & MER ? BANK_1 : 0) | (flash->cr & MER1 ? BANK_2 : 0);
    check_supply(flash);
    if (flash->cr & SER && banks)
        f4_flash_fail(flash, WRPERR);
    else if (flash->cr & SER)
        erase_sector(flash);
    else if (banks)
        erase_banks(flash, banks);
    else
        rule(flash, "STRT with neither SER nor MER");
}

/* A write while BSY has waited (busy_until of its region). */
static void write_cr(struct f4_flash *flash, uint32_t value)
{
    if (flash->cr & LOCK) {
        if (value != flash->cr)
            rule(flash, "FLASH_CR written while locked");
        return;
    }
    flash->cr = (value & flash->part->cr_bits) | (value & LOCK);
    if (value & STRT && !(value & LOCK)) {
        flash->cr |= STRT;
        start(flash);
        if (!flash->busy_until)
            flash->cr &= ~(uint32_t)STRT;
    }
    update_irq(flash);
}

/* OPTLOCK shuts OPTCR1 with it. */
static bool options_locked(struct f4_flash *flash, int number, uint32_t value)
{
    if (!(flash->optcr[0] & OPTLOCK))
        return false;
    if (value != flash->optcr[number])
        f4_report(flash->f4, SIM_RULE, "flash: FLASH_OPTCR%s written while locked",
                  number ? "1" : "");
    return true;
}

static void write_optcr(struct f4_flash *flash, uint32_t value)
{
    if (options_locked(flash, 0, value))
        return;
    flash->optcr[0] = value & (flash->part->option_bits[0] | OPTLOCK);
    if (value & OPTSTRT && !(value & OPTLOCK)) {
        flash->optcr[0] |= OPTSTRT;
        write_options(flash);
        if (!flash->busy_until)
            flash->optcr[0] &= ~(uint32_t)OPTSTRT;
    }
}

static void write_optcr1(struct f4_flash *flash, uint32_t value)
{
    if (flash->part->option_bits[1] && !options_locked(flash, 1, value))
        flash->optcr[1] = value & flash->part->option_bits[1];
}

static uint32_t flash_read(void *ctx, uint32_t reg)
{
    struct f4_flash *flash = ctx;
    catch_up(flash);
    switch (reg) {
    case ACR:    return flash->acr;
    case SR:     return flash->sr | (flash->busy_until ? BSY : 0);
    case CR:     return flash->cr;
    case OPTCR:  return flash->optcr[0];
    case OPTCR1: return flash->optcr[1];
    default:     return 0;
    }
}

static void register_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct f4_flash *flash = ctx;
    catch_up(flash);
    switch (reg) {
    case ACR:     write_acr(flash, value); break;
    case KEYR:    write_key(flash, value); break;
    case OPTKEYR: write_option_key(flash, value); break;
    case SR:      flash->sr &= ~(value & flash->part->sr_flags); update_irq(flash); break;
    case CR:      write_cr(flash, value); break;
    case OPTCR:   write_optcr(flash, value); break;
    case OPTCR1:  write_optcr1(flash, value); break;
    default:      break;
    }
}

static uint32_t control_read(void *ctx, uint32_t reg) { return flash_read(ctx, CR + reg); }
static void control_write(void *ctx, uint32_t reg, uint32_t value)
{
    register_write(ctx, CR + reg, value);
}

static uint32_t nothing_read(void *ctx, uint32_t reg) { (void)ctx, (void)reg; return 0; }
static void nothing_write(void *ctx, uint32_t reg, uint32_t value)
{
    (void)ctx, (void)reg, (void)value;
}

/* --- reset and power ---------------------------------------------------------------- */

static void flash_reset(void *ctx)
{
    struct f4_flash *flash = ctx;
    interrupt_operation(flash);
    flash->acr = flash->sr = 0;
    flash->cr = LOCK;
    flash->key_step = flash->option_key_step = 0;
    flash->jammed = flash->option_jammed = false;
    f4_flash_forget_lines(flash);
    update_irq(flash);
}

void f4_flash_load_options(struct f4_flash *flash)
{
    memcpy(flash->in_force, flash->options, sizeof flash->options);
    memcpy(flash->optcr, flash->options, sizeof flash->options);
    flash->optcr[0] |= OPTLOCK;
    show_option_words(flash);
}

/* Where the chip boots from is known: from elsewhere than flash is an intrusion. */
void f4_flash_reset_over(struct f4_flash *flash)
{
    flash->intruded |= flash->f4->booted_elsewhere;
    f4_flash_map_options(flash);
    f4_apply_debug_port(flash->f4);
}

void f4_flash_power(struct f4_flash *flash, bool on)
{
    if (on)
        flash->intruded = false;
    else
        interrupt_operation(flash);
}

/* --- construction ------------------------------------------------------------------- */

/* Words that follow each other at 8 bytes' distance are one region, in the bank of the first. */
static void add_option_words(struct f4_flash *flash)
{
    const struct f4_option_word *words = flash->part->option_words;
    for (uint32_t i = 0, n; i < 4 && words[i].address; i += n) {
        for (n = 1; i + n < 4 && words[i + n].address == words[i].address + 8 * n; n++)
            ;
        bus_add(flash->f4->bus, &(struct bus_region){
            .base = words[i].address, .size = 8 * n, .name = "option bytes",
            .memory = (uint8_t *)flash->option_words[i], .write = never_write, .ctx = flash,
            .busy_until = &flash->bank_busy_until[i ? 1 : 0],
            .writes_busy_until = &flash->busy_until });
    }
}

static void add_memory(struct f4_flash *flash)
{
    const struct f4_part *part = flash->f4->part;
    struct bus_region region = {
        .base = part->system_base, .size = part->system_size, .name = "system memory",
        .memory = flash->f4->system_memory, .write = never_write, .ctx = flash,
        .busy_until = &flash->bank_busy_until[0], .writes_busy_until = &flash->busy_until };
    bus_add(flash->f4->bus, &region);
    if (part->system_itcm) {
        region.base = part->system_itcm;
        bus_add(flash->f4->bus, &region);
    }
    region.base = flash->part->otp_base;
    region.size = OTP_BLOCKS * flash->part->otp_block + LOCK_BYTES;
    region.name = "OTP";
    region.memory = flash->otp;
    region.write = otp_write;
    bus_add(flash->f4->bus, &region);
    add_option_words(flash);
}

static void add_registers(struct f4_flash *flash)
{
    struct f4_block block = {
        .name = "FLASH", .base = 0x40023C00, .size = 0x10, .bus = F4_AHB1, .bit = -1,
        .narrowest = 1, .read = flash_read, .write = register_write, .reset = flash_reset,
        .ctx = flash };
    uint32_t controls = flash->part->option_bits[1] ? 12 : 8;
    f4_add_block(flash->f4, &block);
    block.base += CR;
    block.size = controls;                  /* CR, OPTCR, OPTCR1: writes wait */
    block.read = control_read;
    block.write = control_write;
    block.reset = NULL;
    struct bus_region *control = f4_add_block(flash->f4, &block)->region;
    control->writes_busy_until = &flash->busy_until;
    block.base += controls;                 /* nothing; other members of the family go on */
    block.size = 0x400 - CR - controls;
    block.read = nothing_read;
    block.write = nothing_write;
    f4_add_block(flash->f4, &block);
}

void f4_flash_new(struct f4 *f4)
{
    struct f4_flash *flash = f4->flash = calloc(1, sizeof *flash);
    flash->f4 = f4;
    flash->part = &f4->part->flash;
    flash->memory = malloc(flash->part->size);
    flash->old = malloc(flash->part->size);
    memset(flash->memory, 0xFF, flash->part->size);
    memset(flash->otp, 0xFF, sizeof flash->otp);
    memcpy(flash->options, flash->part->delivered, sizeof flash->options);
    flash->cr = LOCK;
    f4_flash_load_options(flash);
    alarm_init(&flash->done, done, flash);
    f4->chip.flash = flash->memory;
    f4->chip.flash_base = FLASH_BASE;
    f4->chip.flash_size = flash->part->size;
    f4_flash_map_new(flash);
    add_memory(flash);
    add_registers(flash);
}

void f4_flash_free(struct f4_flash *flash)
{
    alarm_cancel(flash->f4->sim, &flash->done);
    free(flash->memory);
    free(flash->old);
    free(flash);
}
