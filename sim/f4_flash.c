/* f4_flash.c - the STM32F405's flash interface: keys, sector and mass erase, programming
 * in four widths, option bytes, three levels of read protection, OTP, the caches' traps.
 *
 *   called by  bus.c (stores to flash), f4.c      calls  f4_rcc.c
 *
 *   locked --KEY1 KEY2--> open --PG + store as wide as PSIZE--> busy --> EOP
 *      ^        | anything else     \--SER, SNB or MER, STRT---> busy --> EOP
 *      |        v
 *      |     locked until reset, and a bus error
 *      +-- CR.LOCK = 1
 *
 *   sectors   0 to 3: 16 KB   4: 64 KB   5 to 11: 128 KB
 *
 * An operation changes the memory at once and then is busy for its time; whoever reads flash
 * or writes CR or OPTCR meanwhile waits (3.5, 3.6.1).  If a reset or loss of power comes first,
 * the memory becomes a mixture of old and new bits; option bytes are left erased, which is
 * level 1.
 *
 * Protection level 1: once a debugger has used the bus, or with a boot from elsewhere, the
 * flash is shut to everybody, the core too, until the next power-on.  Level 2: no debug port.
 *
 * Chosen where RM0090 is silent: option bytes act from the next reset on; writing them takes
 * as long as a sector of 16 KB; error flags that were left standing do not hinder.
 *
 * PGAERR is for stores that leave their row of 128 bits; no master of this chip makes one.
 * RDERR is not on this part.  The instruction cache is followed only to tell a program that
 * runs lines which have been erased or programmed since they were read: what it executes is
 * the new contents all the same.  The data cache's staleness is not modelled.
 *
 * Sources: RM0090 3 (registers 3.9), PM0081 (WRPERR's causes, option bytes); DS8626 tables 47
 * and 48 (times: typical). */
#include "f4.h"
#include <stdlib.h>
#include <string.h>

enum { ACR = 0x00, KEYR = 0x04, OPTKEYR = 0x08, SR = 0x0C, CR = 0x10, OPTCR = 0x14 };
enum {
    PRFTEN = 1 << 8, ICEN = 1 << 9, DCEN = 1 << 10, ICRST = 1 << 11, DCRST = 1 << 12,
    LATENCY = 7,
    EOP = 1 << 0, OPERR = 1 << 1, WRPERR = 1 << 4, PGAERR = 1 << 5, PGPERR = 1 << 6,
    PGSERR = 1 << 7, SR_FLAGS = EOP | OPERR | WRPERR | PGAERR | PGPERR | PGSERR,
    BSY = 1 << 16,
    PG = 1 << 0, SER = 1 << 1, MER = 1 << 2, STRT = 1 << 16, EOPIE = 1 << 24,
    ERRIE = 1 << 25, CR_BITS = PG | SER | MER | 0xF << 3 | 3 << 8 | EOPIE | ERRIE,
    OPTLOCK = 1 << 0, OPTSTRT = 1 << 1, WDG_SW = 1 << 5, OPTION_BITS = 0x0FFFFFEC,
    DELIVERED = 0x0FFFAAEC, ERASED = 0x0FFFFFEC,
};
#define LOCK    (1u << 31)
#define KEY1    0x45670123u
#define KEY2    0xCDEF89ABu
#define OPTKEY1 0x08192A3Bu
#define OPTKEY2 0x4C5D6E7Fu

enum { FLASH_BASE = 0x08000000, FLASH_SIZE = 1024 * 1024, SECTORS = 12, ROW = 16,
       OTP_BASE = 0x1FFF7800, OTP_BYTES = 512, OTP_BLOCK = 32, OTP_SIZE = OTP_BYTES + 16,
       OPTION_BASE = 0x1FFFC000 };

/* DS8626 table 48, typical, in ms by PSIZE x8, x16, x32; with Vpp, as x32. */
static const uint16_t erase_16k[4] = { 400, 300, 250, 250 };
static const uint16_t erase_64k[4] = { 1200, 700, 550, 550 };
static const uint16_t erase_128k[4] = { 2000, 1300, 1000, 1000 };
static const uint16_t erase_mass[4] = { 16000, 11000, 8000, 8000 };
#define PROGRAM_TIME (16 * SIM_US)      /* of any width */

/* 64 lines of 128 bits (3.4); which line goes where is our choice. */
enum { CACHE_LINES = 64, NO_LINE = 0xFFFFFFFF };
struct cache_line { uint32_t row; bool old; };

struct f4_flash {
    struct f4 *f4;
    uint8_t *memory, otp[OTP_SIZE];
    uint32_t option_words[4];           /* at 0x1FFFC000, as they read */
    uint32_t acr, sr, cr, optcr;
    uint32_t options, in_force;         /* OPTCR's bits as stored; as loaded at reset */
    int key_step, option_key_step;
    bool jammed, option_jammed;         /* a wrong key: until reset */
    bool intruded;                      /* a debugger has been on the bus since power-on */
    bool writing_options;

    sim_time busy_until;                /* 0: idle */
    struct alarm done;
    uint8_t *target, *old;              /* of the operation in progress */
    uint32_t length;
    struct cache_line cache[CACHE_LINES];
};

uint32_t f4_flash_acr(const struct f4_flash *flash) { return flash->acr; }

bool f4_flash_software_watchdog(const struct f4_flash *flash)
{
    return flash->in_force & WDG_SW;
}

static void rule(struct f4_flash *flash, const char *what)
{
    f4_report(flash->f4, SIM_RULE, "flash: %s", what);
}

/* --- sectors ------------------------------------------------------------------------ */

static uint32_t sector_start(unsigned n)
{
    return n < 5 ? n * 0x4000u : (n - 4) * 0x20000u;
}

static unsigned sector_of(uint32_t offset)
{
    return offset < 0x10000 ? offset / 0x4000 : offset < 0x20000 ? 4 : 4 + offset / 0x20000;
}

static uint32_t sector_size(unsigned n) { return n < 4 ? 0x4000 : n == 4 ? 0x10000 : 0x20000; }

/* --- protection --------------------------------------------------------------------- */

static int level(uint32_t options)
{
    uint32_t rdp = options >> 8 & 0xFF;
    return rdp == 0xAA ? 0 : rdp == 0xCC ? 2 : 1;
}

static bool shut(const struct f4_flash *flash)
{
    return level(flash->in_force) && flash->intruded;
}

/* While it is shut, nobody reads it, the core's fetches included. */
static void apply_protection(struct f4_flash *flash)
{
    uint8_t *memory = shut(flash) ? NULL : flash->memory;
    struct f4 *f4 = flash->f4;
    if (!f4->flash_region)
        return;
    if (f4->boot_region->memory != f4->system_memory)
        f4->boot_region->memory = memory;
    f4->flash_region->memory = memory;
}

static uint32_t read_shut(void *ctx, uint32_t offset, int width)
{
    struct f4 *f4 = ctx;
    (void)offset, (void)width;
    f4->bus->fault = true;
    return 0;
}

/* Asked at each access of a debugger.  Writes come through: they end in WRPERR. */
bool f4_flash_debugger_allowed(void *ctx, uint32_t address, bool write)
{
    struct f4 *f4 = ctx;
    struct f4_flash *flash = f4->flash;
    if (!flash->intruded) {
        flash->intruded = true;
        apply_protection(flash);
    }
    bool in_flash = address - FLASH_BASE < FLASH_SIZE ||
                    (address < FLASH_SIZE && f4->boot_region->memory != f4->system_memory);
    return write || !in_flash || !shut(flash);
}

bool f4_flash_debug_port_open(const struct f4_flash *flash)
{
    return level(flash->in_force) != 2;
}

static bool write_protected(const struct f4_flash *flash, unsigned sector)
{
    return shut(flash) || !(flash->in_force >> (16 + sector) & 1);
}

/* --- operations --------------------------------------------------------------------- */

static void update_irq(struct f4_flash *flash)
{
    f4_irq(flash->f4, F4_IRQ_FLASH, (flash->sr & EOP && flash->cr & EOPIE) ||
                                    (flash->sr & OPERR && flash->cr & ERRIE));
}

/* EOP and OPERR come only with their interrupts enabled (3.9.4). */
static void fail(struct f4_flash *flash, uint32_t flag)
{
    flash->sr |= flag | (flash->cr & ERRIE ? OPERR : 0);
    update_irq(flash);
}

static void finish(struct f4_flash *flash)
{
    flash->busy_until = 0;
    flash->length = 0;
    flash->writing_options = false;
    flash->cr &= ~(uint32_t)STRT;
    flash->optcr &= ~(uint32_t)OPTSTRT;
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

static void begin(struct f4_flash *flash, uint8_t *target, uint32_t length, sim_time time)
{
    struct sim *sim = flash->f4->sim;
    flash->target = target;
    flash->length = length;
    memcpy(flash->old, target, length);
    flash->busy_until = sim->now + time;
    alarm_set(sim, &flash->done, flash->busy_until);
}

/* Lines of the instruction cache that no longer are what they were read from. */
static void make_old(struct f4_flash *flash, uint32_t offset, uint32_t length)
{
    for (int i = 0; i < CACHE_LINES; i++) {
        uint32_t at = flash->cache[i].row * ROW;
        if (flash->cache[i].row != NO_LINE && at + ROW > offset && at < offset + length)
            flash->cache[i].old = true;
    }
}

static unsigned psize(const struct f4_flash *flash) { return flash->cr >> 8 & 3; }

static void erase(struct f4_flash *flash, uint32_t offset, uint32_t length, unsigned ms)
{
    begin(flash, flash->memory + offset, length, ms * SIM_MS);
    memset(flash->memory + offset, 0xFF, length);
    make_old(flash, offset, length);
}

static void erase_sector(struct f4_flash *flash, unsigned n)
{
    const uint16_t *ms = n < 4 ? erase_16k : n == 4 ? erase_64k : erase_128k;
    if (n >= SECTORS || write_protected(flash, n))
        fail(flash, WRPERR);
    else
        erase(flash, sector_start(n), sector_size(n), ms[psize(flash)]);
}

static void erase_all(struct f4_flash *flash)
{
    bool any = false;
    for (unsigned n = 0; n < SECTORS; n++)
        any |= write_protected(flash, n);
    if (any)
        fail(flash, WRPERR);
    else
        erase(flash, 0, FLASH_SIZE, erase_mass[psize(flash)]);
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
            flash->options = ERASED;
    }
    alarm_cancel(sim, &flash->done);
    flash->busy_until = 0;
    flash->length = 0;
    flash->writing_options = false;
}

/* --- stores to memory --------------------------------------------------------------- */

static bool may_program(struct f4_flash *flash, uint32_t offset, int width)
{
    catch_up(flash);
    if (!(flash->cr & PG)) {
        rule(flash, "store to flash while FLASH_CR.PG is 0 (PGSERR)");
        fail(flash, PGSERR);
    } else if (offset % ROW + (uint32_t)width > ROW) {
        rule(flash, "store over the end of a row of 128 bits (PGAERR)");
        fail(flash, PGAERR);
    } else if (width != 1 << psize(flash)) {
        f4_report(flash->f4, SIM_RULE, "flash: store of %d bits while PSIZE is x%d (PGPERR)",
                  8 * width, 8 << psize(flash));
        fail(flash, PGPERR);
    } else {
        return true;
    }
    return false;
}

static void program(struct f4_flash *flash, uint8_t *at, uint32_t value, int width)
{
    begin(flash, at, (uint32_t)width, PROGRAM_TIME);
    for (int i = 0; i < width; i++)
        at[i] &= (uint8_t)(value >> 8 * i);
    for (int i = 0; i < width; i++)
        if (at[i] != (uint8_t)(value >> 8 * i)) {
            rule(flash, "ones programmed over zeros: only an erase makes ones");
            return;
        }
}

static void flash_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct f4 *f4 = ctx;
    struct f4_flash *flash = f4->flash;
    if (!may_program(flash, offset, width))
        return;
    if (write_protected(flash, sector_of(offset))) {
        fail(flash, WRPERR);
        return;
    }
    program(flash, flash->memory + offset, value, width);
    make_old(flash, offset, (uint32_t)width);
}

/* The alias at 0 is flash only if the chip booted from flash. */
static void boot_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct f4 *f4 = ctx;
    if (f4->boot_region->memory != f4->system_memory)
        flash_write(ctx, offset, value, width);
}

/* Blocks of 32 bytes, and a byte each that locks one when it is programmed to 0. */
static void otp_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct f4_flash *flash = ctx;
    if (!may_program(flash, offset, width))
        return;
    if (offset < OTP_BYTES && flash->otp[OTP_BYTES + offset / OTP_BLOCK] == 0)
        fail(flash, WRPERR);
    else
        program(flash, flash->otp + offset, value, width);
}

/* System memory and the option bytes: the manual's "never". */
static void never_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct f4_flash *flash = ctx;
    (void)value;
    if (may_program(flash, offset, width))
        fail(flash, WRPERR);
}

/* --- the instruction cache ---------------------------------------------------------- */

static void forget_lines(struct f4_flash *flash)
{
    for (int i = 0; i < CACHE_LINES; i++)
        flash->cache[i] = (struct cache_line){ NO_LINE, false };
}

static void executed(void *ctx, uint32_t offset)
{
    struct f4 *f4 = ctx;
    struct f4_flash *flash = f4->flash;
    uint32_t row = offset / ROW;
    struct cache_line *line = &flash->cache[row % CACHE_LINES];
    if (!(flash->acr & ICEN))
        return;
    if (line->row != row)
        *line = (struct cache_line){ row, false };
    else if (line->old)
        f4_report(f4, SIM_RULE, "runs an old line of the instruction cache at 0x%08X: the "
                  "flash was changed since, and no ICRST came (RM0090 3.6.4)",
                  FLASH_BASE + row * ROW);
}

static void write_acr(struct f4_flash *flash, uint32_t value)
{
    if ((value & ICRST && flash->acr & ICEN) || (value & DCRST && flash->acr & DCEN))
        rule(flash, "FLASH_ACR: a cache is reset while it is enabled");
    else if (value & ICRST)
        forget_lines(flash);
    flash->acr = value & (LATENCY | PRFTEN | ICEN | DCEN | ICRST | DCRST);
    f4_set_costs(flash->f4);
    f4_rcc_check_flash(flash->f4->rcc);
}

/* --- registers ---------------------------------------------------------------------- */

static void wrong_key(struct f4_flash *flash, bool *jammed, const char *what)
{
    rule(flash, what);
    *jammed = true;
    flash->f4->bus->fault = true;         /* 3.6.1 */
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
    if (flash->option_jammed || !(flash->optcr & OPTLOCK) ||
        value != (flash->option_key_step ? OPTKEY2 : OPTKEY1)) {
        flash->optcr |= OPTLOCK;
        wrong_key(flash, &flash->option_jammed, "wrong option key, or unlocked already: "
                                                "FLASH_OPTCR locked until reset");
        return;
    }
    flash->option_key_step ^= 1;
    if (!flash->option_key_step)
        flash->optcr &= ~(uint32_t)OPTLOCK;
}

static void start(struct f4_flash *flash)
{
    uint32_t what = flash->cr & (SER | MER);
    if (psize(flash) == 3)
        rule(flash, "PSIZE is x64, which needs Vpp");
    if (what == (SER | MER))
        fail(flash, WRPERR);
    else if (what == SER)
        erase_sector(flash, flash->cr >> 3 & 15);
    else if (what == MER)
        erase_all(flash);
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
    flash->cr = (value & CR_BITS) | (value & LOCK);
    if (value & STRT && !(value & LOCK)) {
        flash->cr |= STRT;
        start(flash);
        if (!flash->busy_until)
            flash->cr &= ~(uint32_t)STRT;
    }
    update_irq(flash);
}

static void show_option_words(struct f4_flash *flash)
{
    uint32_t low = (flash->options & 0xFFEC) | 3, wrp = 0xF000 | flash->options >> 16;
    flash->option_words[0] = low | ~low << 16;
    flash->option_words[1] = UINT32_MAX;
    flash->option_words[2] = wrp | ~wrp << 16;
    flash->option_words[3] = UINT32_MAX;
}

/* From level 1 to 0 the flash goes first (3.7.3); from level 2 there is no way. */
static void write_options(struct f4_flash *flash)
{
    bool opened = level(flash->in_force) == 1 && level(flash->optcr) == 0;
    unsigned ms = erase_16k[psize(flash)];
    if (level(flash->in_force) == 2) {
        rule(flash, "option bytes written at protection level 2");
        return;
    }
    if (opened)
        erase(flash, 0, FLASH_SIZE, erase_mass[psize(flash)] + ms);
    else
        begin(flash, flash->memory, 0, ms * SIM_MS);
    flash->writing_options = true;
    flash->options = flash->optcr & OPTION_BITS;
    show_option_words(flash);
}

static void write_optcr(struct f4_flash *flash, uint32_t value)
{
    if (flash->optcr & OPTLOCK) {
        if (value != flash->optcr)
            rule(flash, "FLASH_OPTCR written while locked");
        return;
    }
    flash->optcr = value & (OPTION_BITS | OPTLOCK);
    if (value & OPTSTRT && !(value & OPTLOCK)) {
        flash->optcr |= OPTSTRT;
        write_options(flash);
        if (!flash->busy_until)
            flash->optcr &= ~(uint32_t)OPTSTRT;
    }
}

static uint32_t flash_read(void *ctx, uint32_t reg)
{
    struct f4_flash *flash = ctx;
    catch_up(flash);
    switch (reg) {
    case ACR:   return flash->acr;
    case SR:    return flash->sr | (flash->busy_until ? BSY : 0);
    case CR:    return flash->cr;
    case OPTCR: return flash->optcr;
    default:    return 0;
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
    case SR:      flash->sr &= ~(value & SR_FLAGS); update_irq(flash); break;
    case CR:      write_cr(flash, value); break;
    case OPTCR:   write_optcr(flash, value); break;
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
    forget_lines(flash);
    update_irq(flash);
}

void f4_flash_reset_over(struct f4_flash *flash)
{
    flash->in_force = flash->options;
    flash->optcr = flash->options | OPTLOCK;
    if (flash->f4->boot_region->memory == flash->f4->system_memory)
        flash->intruded = true;             /* "booting from system memory" */
    apply_protection(flash);
    show_option_words(flash);
    f4_apply_debug_port(flash->f4);
}

void f4_flash_power(struct f4_flash *flash, bool on)
{
    if (on)
        flash->intruded = false;
    else
        interrupt_operation(flash);
}

static void add_memory(struct f4_flash *flash)
{
    struct f4 *f4 = flash->f4;
    struct bus_region region = {
        .base = FLASH_BASE, .size = FLASH_SIZE, .name = "flash", .memory = flash->memory,
        .read = read_shut, .write = flash_write, .ctx = f4,
        .busy_until = &flash->busy_until, .executed = executed };
    f4->flash_region = bus_add(f4->bus, &region);
    region.base = 0;
    region.name = "boot memory";
    region.write = boot_write;
    f4->boot_region = bus_add(f4->bus, &region);
    bus_add(f4->bus, &(struct bus_region){
        .base = 0x1FFF0000, .size = 0x7800, .name = "system memory",
        .memory = f4->system_memory, .write = never_write, .ctx = flash,
        .busy_until = &flash->busy_until });
    bus_add(f4->bus, &(struct bus_region){
        .base = OTP_BASE, .size = OTP_SIZE, .name = "OTP", .memory = flash->otp,
        .write = otp_write, .ctx = flash, .busy_until = &flash->busy_until });
    bus_add(f4->bus, &(struct bus_region){
        .base = OPTION_BASE, .size = 16, .name = "option bytes",
        .memory = (uint8_t *)flash->option_words, .write = never_write, .ctx = flash,
        .busy_until = &flash->busy_until });
}

static void add_registers(struct f4_flash *flash)
{
    struct f4_block block = {
        .name = "FLASH", .base = 0x40023C00, .size = 0x10, .bus = F4_AHB1, .bit = -1,
        .narrowest = 1, .read = flash_read, .write = register_write, .reset = flash_reset,
        .ctx = flash };
    f4_add_block(flash->f4, &block);
    block.base += CR;
    block.size = 8;                         /* CR, OPTCR: writes wait */
    block.read = control_read;
    block.write = control_write;
    block.reset = NULL;
    struct bus_region *control = f4_add_block(flash->f4, &block)->region;
    control->writes_busy_until = &flash->busy_until;
    block.base += 8;                        /* nothing; other members of the family go on */
    block.size = 0x400 - CR - 8;
    block.read = nothing_read;
    block.write = nothing_write;
    f4_add_block(flash->f4, &block);
}

void f4_flash_new(struct f4 *f4)
{
    struct f4_flash *flash = f4->flash = calloc(1, sizeof *flash);
    flash->f4 = f4;
    flash->memory = malloc(FLASH_SIZE);
    flash->old = malloc(FLASH_SIZE);
    memset(flash->memory, 0xFF, FLASH_SIZE);
    memset(flash->otp, 0xFF, OTP_SIZE);
    flash->options = flash->in_force = DELIVERED;
    flash->cr = LOCK;
    flash->optcr = DELIVERED | OPTLOCK;
    forget_lines(flash);
    show_option_words(flash);
    alarm_init(&flash->done, done, flash);
    f4->chip.flash = flash->memory;
    f4->chip.flash_base = FLASH_BASE;
    f4->chip.flash_size = FLASH_SIZE;
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
