/* sam3.c - an ATSAM3X8E or ATSAM4S16C: the core, its memories, boot, its reset and watchdog.
 *
 *   called by  targets.c      calls  one file per peripheral (sam3.h), cpu.h, swdp.h
 *
 *                SAM3X8E                              SAM4S16C
 *   flash        0x00080000, twice 256 KB             0x00400000, 1 MB
 *   ROM          0x00100000                           0x00800000
 *   SRAM         0x20000000 64 KB, 0x20080000 32 KB   0x20000000 128 KB
 *   0x00000000   flash or ROM, as GPNVM1 said at the last reset
 *
 * The ROM's SAM-BA is not ours to copy: there, an endless loop waits like one that no host talks
 * to.
 *
 * Reset: NRST is a pin with a pull-up.  Low holds the chip; a reset from inside does not move it
 * (ERSTL is not here).  RSTC_SR tells of the last one.
 *
 * The watchdog runs from reset on, for 16 s, until a program writes WDT_MR, once.  With
 * WDDBGHLT it stands still while the core is halted: we look every 10 us.
 *
 * Assumed: an access of a peripheral costs as on an F103 with APB at HCLK; a SAM3X's mirror of
 * its SRAM at 0x20070000 is the only one.
 *
 * Sources: data sheets, chapters memories, RSTC, WDT, CHIPID, pinout. */
#include "sam3.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KB 1024u
#define POWER_ON_TIME (500 * SIM_US)
#define RESET_TIME    (60 * SIM_US)         /* 2 slow clocks */
#define LOOK_EVERY    (10 * SIM_US)
#define WDT_STEP      (128 * (SIM_SECOND / 32768))
enum { RSTC_CR = 0x00, RSTC_SR = 0x04, PROCRST = 1 << 0, NRSTL = 1 << 16 };
enum { WDT_CR = 0x00, WDT_MR = 0x04, WDT_SR = 0x08, WDRSTEN = 1 << 13, WDDIS = 1 << 15,
       WDDBGHLT = 1 << 28, WDUNF = 1 << 0 };
#define WDT_MR_RESET  0x3FFF2FFFu

static const char *const signals_3x[] = {
    "SWDIO", "PB31", "SWCLK", "PB28", "TDI", "PB29", "TDO", "PB30", "NRST", "NRST", "TX", "PA9",
    "RX", "PA8", NULL,
};
static const char *const signals_4s[] = {
    "SWDIO", "PB6", "SWCLK", "PB7", "TDI", "PB4", "TDO", "PB5", "NRST", "NRST", "TX", "PA10",
    "RX", "PA9", NULL,
};

static const struct sam3_type sam3x8e = {
    .name = "sam3x8e", .cpuid = 0x412FC230, .cidr = 0x285E0A60, .chipid = 0x400E0940, .irqs = 45,
    .ram = { { 0x20000000, 64 * KB }, { 0x20080000, 32 * KB } }, .rom = 0x00100000,
    .flash = 0x00080000, .plane_size = 256 * KB, .page = 256, .lock_region = 16 * KB,
    .eefc = { 0x400E0A00, 0x400E0C00 }, .planes = 2, .gpnvm_bits = 3, .flash_mhz = 21,
    .write = 2300 * SIM_US, .erase_write = 4600 * SIM_US, .erase_all = 10 * SIM_MS,
    .matrix = 0x400E0400, .pmc = 0x400E0600, .uart = 0x400E0800, .rstc = 0x400E1A00, .wdt = 0x400E1A50, .ports = 4,
    .pins = { 0x3FFFFFFF, 0xFFFFFFFF, 0x7FFFFFFF, 0x000007FF }, .signals = signals_3x,
    .tx = 9, .rx = 8,
};

static const struct sam3_type sam4s16 = {
    .name = "sam4s16", .cpuid = 0x410FC241, .cidr = 0x28AC0CE0, .chipid = 0x400E0740, .irqs = 35,
    .ram = { { 0x20000000, 128 * KB } }, .rom = 0x00800000,
    .flash = 0x00400000, .plane_size = 1024 * KB, .page = 512, .lock_region = 8 * KB,
    .eefc = { 0x400E0A00 }, .planes = 1, .gpnvm_bits = 2, .erases_pages = true, .flash_mhz = 20,
    .write = 1500 * SIM_US, .erase_write = 11500 * SIM_US,
    .erase_pages = { 10 * SIM_MS, 10 * SIM_MS, 20 * SIM_MS, 40 * SIM_MS },
    .erase_all = 9 * SIM_SECOND,
    .matrix = 0x400E0200, .pmc = 0x400E0400, .uart = 0x400E0600, .rstc = 0x400E1400, .wdt = 0x400E1450, .ports = 3,
    .pins = { 0xFFFFFFFF, 0x00007FFF, 0xFFFFFFFF, 0 }, .has_sysio = true, .signals = signals_4s,
    .tx = 10, .rx = 9,
};

void sam3_report(struct sam3 *sam3, enum sim_problem kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    sim_report_chip(sam3->sim, sam3->cpu, sam3->name, kind, format, args);
    va_end(args);
}

/* --- register blocks ---------------------------------------------------------------- */

static bool gate_open(const struct sam3_block *block, const char *verb, uint32_t offset)
{
    if (sam3_pmc_gate_open(block->sam3->pmc, block->id))
        return true;
    if (block->sam3->bus->master != BUS_DEBUG)
        sam3_report(block->sam3, SIM_FORGIVEN, "%s of %s+0x%02X while its clock is off in PMC",
                    verb, block->name, offset);
    return false;
}

static uint32_t block_read(void *ctx, uint32_t offset, int width)
{
    struct sam3_block *block = ctx;
    (void)width;
    if (!gate_open(block, "read", offset))
        return 0;
    return block->read(block->ctx, offset & ~3u) >> 8 * (offset & 3);
}

/* What is narrower comes on all lanes, as over an APB. */
static void block_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct sam3_block *block = ctx;
    if (!gate_open(block, "write", offset))
        return;
    if (width < 4)
        value = width == 2 ? (value & 0xFFFF) * 0x00010001 : (value & 0xFF) * 0x01010101;
    block->write(block->ctx, offset & ~3u, value);
}

void sam3_add_block(struct sam3 *sam3, const struct sam3_block *given)
{
    if (sam3->block_count == SAM3_BLOCKS)
        abort();
    struct sam3_block *block = &sam3->blocks[sam3->block_count++];
    *block = *given;
    block->sam3 = sam3;
    bus_add(sam3->bus, &(struct bus_region){
        .base = block->base, .size = block->size, .name = block->name, .read = block_read,
        .write = block_write, .ctx = block, .read_wait = 2, .write_wait = 1 });
}

/* --- watchdog ------------------------------------------------------------------------ */

static void wdt_stop(struct sam3 *sam3)
{
    alarm_cancel(sam3->sim, &sam3->wdt_bites);
    alarm_cancel(sam3->sim, &sam3->wdt_looks);
    sam3->wdt_left = 0;
}

static void wdt_restart(struct sam3 *sam3)
{
    wdt_stop(sam3);
    if (sam3->wdt_mr & WDDIS)
        return;
    alarm_set(sam3->sim, &sam3->wdt_bites,
              sam3->sim->now + ((sam3->wdt_mr & 0xFFF) + 1) * WDT_STEP);
    if (sam3->wdt_mr & WDDBGHLT)
        alarm_set(sam3->sim, &sam3->wdt_looks, sam3->sim->now + LOOK_EVERY);
}

static void wdt_bites(void *ctx)
{
    struct sam3 *sam3 = ctx;
    sam3->wdt_sr |= WDUNF;
    if (sam3->wdt_mr & WDRSTEN) {
        sam3_report(sam3, SIM_NOTE, "WDT resets the chip");
        sam3_reset_internal(sam3, RESET_WATCHDOG);
    }
}

static void wdt_looks(void *ctx)
{
    struct sam3 *sam3 = ctx;
    sim_time now = sam3->sim->now;
    if (sam3->cpu->halted && alarm_is_set(&sam3->wdt_bites)) {
        sam3->wdt_left = sam3->wdt_bites.at - now;
        alarm_cancel(sam3->sim, &sam3->wdt_bites);
    } else if (!sam3->cpu->halted && sam3->wdt_left) {
        alarm_set(sam3->sim, &sam3->wdt_bites, now + sam3->wdt_left);
        sam3->wdt_left = 0;
    }
    alarm_set(sam3->sim, &sam3->wdt_looks, now + LOOK_EVERY);
}

static uint32_t wdt_read(void *ctx, uint32_t reg)
{
    struct sam3 *sam3 = ctx;
    uint32_t sr = sam3->wdt_sr;
    if (reg == WDT_SR)
        sam3->wdt_sr = 0;
    return reg == WDT_MR ? sam3->wdt_mr : reg == WDT_SR ? sr : 0;
}

static void wdt_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct sam3 *sam3 = ctx;
    if (reg == WDT_CR && value == 0xA5000001) {
        wdt_restart(sam3);
    } else if (reg == WDT_MR && sam3->wdt_written) {
        sam3_report(sam3, SIM_FORGIVEN, "WDT_MR written again: only the first write counts");
    } else if (reg == WDT_MR) {
        sam3->wdt_mr = value & 0x3FFFFFFF;
        sam3->wdt_written = true;
        wdt_restart(sam3);
    }
}

static void wdt_reset(void *ctx)
{
    struct sam3 *sam3 = ctx;
    wdt_stop(sam3);
    sam3->wdt_mr = WDT_MR_RESET;
    sam3->wdt_sr = 0;
    sam3->wdt_written = false;
}

/* --- RSTC, CHIPID -------------------------------------------------------------------- */

static uint32_t rstc_read(void *ctx, uint32_t reg)
{
    const struct sam3 *sam3 = ctx;
    return reg == RSTC_SR ? sam3->reset_type << 8 | NRSTL : 0;
}

static void rstc_write(void *ctx, uint32_t reg, uint32_t value)
{
    if (reg == RSTC_CR && value >> 24 == 0xA5 && value & PROCRST)
        sam3_reset_internal(ctx, RESET_SOFTWARE);
}

static uint32_t chipid_read(void *ctx, uint32_t reg)
{
    return reg == 0 ? ((struct sam3 *)ctx)->type->cidr : 0;
}

static void write_nothing(void *ctx, uint32_t reg, uint32_t value)
{
    (void)ctx, (void)reg, (void)value;
}

static void add_system(struct sam3 *sam3)
{
    sam3_add_block(sam3, &(struct sam3_block){
        .name = "CHIPID", .base = sam3->type->chipid, .size = 0x10, .id = -1,
        .read = chipid_read, .write = write_nothing, .ctx = sam3 });
    sam3_add_block(sam3, &(struct sam3_block){
        .name = "RSTC", .base = sam3->type->rstc, .size = 0x10, .id = -1, .read = rstc_read,
        .write = rstc_write, .ctx = sam3 });
    sam3_add_block(sam3, &(struct sam3_block){
        .name = "WDT", .base = sam3->type->wdt, .size = 0x10, .id = -1, .read = wdt_read,
        .write = wdt_write, .reset = wdt_reset, .ctx = sam3 });
}

/* --- reset -------------------------------------------------------------------------- */

void sam3_apply_debug_port(struct sam3 *sam3)
{
    if (sam3->chip.debug_port)
        swdp_enable(sam3->chip.debug_port, sam3_pio_debug_pins(sam3->pio));
}

static void reset_begin(struct sam3 *sam3, enum reset_cause cause)
{
    static const uint8_t types[] = { [RESET_POWER] = 0, [RESET_PIN] = 4, [RESET_SOFTWARE] = 3,
                                     [RESET_WATCHDOG] = 2, [RESET_STANDBY] = 1 };
    sam3->cause = cause;
    sam3->reset_type = types[cause];
    sam3->in_reset = true;
    sam3->cpu->held_in_reset = true;
    for (int i = 0; i < sam3->block_count; i++)
        if (sam3->blocks[i].reset)
            sam3->blocks[i].reset(sam3->blocks[i].ctx);
}

static void start_core(struct sam3 *sam3)
{
    sam3->cpu->held_in_reset = false;
    cpu_reset(sam3->cpu);
    coredebug_core_reset(sam3->coredebug);
}

static void reset_end(struct sam3 *sam3)
{
    sam3->in_reset = false;
    sam3->boots_from_flash = sam3_flash_gpnvm(sam3->flash, 1);
    if (!sam3->boots_from_flash)
        sam3_report(sam3, SIM_NOTE, "boots from ROM, for GPNVM1 is 0: SAM-BA, which here only waits");
    sam3_flash_map(sam3->flash);
    sam3_flash_costs(sam3->flash);
    wdt_restart(sam3);
    start_core(sam3);
}

static bool nrst_is_high(struct sam3 *sam3)
{
    return !sam3->nrst.net || pin_sample(&sam3->nrst);
}

static void reset_over(void *ctx)
{
    struct sam3 *sam3 = ctx;
    if (sam3->in_reset && nrst_is_high(sam3))
        reset_end(sam3);
}

static void reset_for(struct sam3 *sam3, enum reset_cause cause, sim_time how_long)
{
    reset_begin(sam3, cause);
    alarm_set(sam3->sim, &sam3->reset_done, sam3->sim->now + how_long);
}

void sam3_reset_internal(struct sam3 *sam3, enum reset_cause cause)
{
    if (sam3->chip.powered && !sam3->in_reset)
        reset_for(sam3, cause, RESET_TIME);
}

static void nrst_changed(void *ctx, int level)
{
    struct sam3 *sam3 = ctx;
    if (!sam3->chip.powered)
        return;
    if (!level && !sam3->in_reset)
        reset_begin(sam3, RESET_PIN);
    else if (level && sam3->in_reset && !alarm_is_set(&sam3->reset_done))
        alarm_set(sam3->sim, &sam3->reset_done, sam3->sim->now + RESET_TIME);
}

/* VECTRESET resets the core and nothing else, once its present instruction is over. */
static void vector_reset(void *ctx) { start_core(ctx); }

static void core_asks_for_reset(void *ctx, bool system)
{
    struct sam3 *sam3 = ctx;
    if (system)
        sam3_reset_internal(sam3, RESET_SOFTWARE);
    else
        alarm_set(sam3->sim, &sam3->vector_reset, sam3->sim->now);
}

static void chip_reset(struct chip *chip, enum reset_cause cause)
{
    sam3_reset_internal(chip->state, cause);
}

static void scramble(struct sam3 *sam3, int i)
{
    for (uint32_t at = 0; at < sam3->type->ram[i].size; at += 4) {
        uint32_t word = sim_random(sam3->sim);
        memcpy(sam3->ram_memory[i] + at, &word, 4);
    }
}

static void chip_power(struct chip *chip, bool on)
{
    struct sam3 *sam3 = chip->state;
    if (on == chip->powered)
        return;
    chip->powered = on;
    sam3_flash_power(sam3->flash, on);
    sam3_pio_power(sam3->pio, on);
    pin_drive(&sam3->nrst, on ? DRIVE_PULL_UP : DRIVE_OPEN);
    swdp_power(chip->debug_port, on);
    if (on) {
        for (int i = 0; i < SAM3_RAMS; i++)
            scramble(sam3, i);
        coredebug_power_reset(sam3->coredebug);
        reset_for(sam3, RESET_POWER, POWER_ON_TIME);
        return;
    }
    reset_begin(sam3, RESET_POWER);
    alarm_cancel(sam3->sim, &sam3->reset_done);
    alarm_cancel(sam3->sim, &sam3->vector_reset);
}

/* --- the chip as others see it -------------------------------------------------------- */

static const char *pin_of(const struct sam3_type *type, const char *signal)
{
    for (const char *const *row = type->signals; *row; row += 2)
        if (strcmp(row[0], signal) == 0)
            return row[1];
    return NULL;
}

static const char *signal_pin_3x(const char *signal) { return pin_of(&sam3x8e, signal); }
static const char *signal_pin_4s(const char *signal) { return pin_of(&sam4s16, signal); }

static struct pin *chip_pin(struct chip *chip, const char *name)
{
    struct sam3 *sam3 = chip->state;
    if (strcmp(name, "NRST") == 0)
        return &sam3->nrst;
    return sam3_pio_pin(sam3->pio, name);
}

static void chip_destroy(struct chip *chip)
{
    struct sam3 *sam3 = chip->state;
    if (chip->powered)
        chip_power(chip, false);
    swdp_free(chip->debug_port);
    wdt_stop(sam3);
    sam3_uart_free(sam3->uart);
    sam3_pio_free(sam3->pio);
    sam3_flash_free(sam3->flash);
    sam3_pmc_free(sam3->pmc);
    coredebug_free(sam3->coredebug);
    for (int i = 0; i < SAM3_RAMS; i++)
        free(sam3->ram_memory[i]);
    free(sam3->rom);
    cpu_free(sam3->cpu);
    bus_free(sam3->bus);
    free(sam3);
}

/* --- construction ------------------------------------------------------------------- */

static void add_ram(struct sam3 *sam3)
{
    static const char *const names[] = { "SRAM0", "SRAM1" };
    for (int i = 0; i < SAM3_RAMS && sam3->type->ram[i].size; i++) {
        sam3->ram_memory[i] = calloc(1, sam3->type->ram[i].size);
        bus_add(sam3->bus, &(struct bus_region){
            .base = sam3->type->ram[i].base, .size = sam3->type->ram[i].size, .name = names[i],
            .memory = sam3->ram_memory[i], .writable = true });
    }
    if (sam3->type->ram[1].size)            /* so that both are one run */
        bus_add(sam3->bus, &(struct bus_region){
            .base = 0x20070000, .size = 64 * KB, .name = "SRAM0 again",
            .memory = sam3->ram_memory[0], .writable = true });
    sam3->chip.ram_base = sam3->type->ram[0].base;
    sam3->chip.ram_size = sam3->type->ram[0].size;
}

/* A stack pointer, an entry point, then "b ." everywhere.  As large as a plane, because the
 * alias at 0 may show it. */
static void add_rom(struct sam3 *sam3)
{
    uint32_t vectors[] = { 0x20001000, sam3->type->rom + 9 };
    sam3->rom = malloc(sam3->type->plane_size);
    for (uint32_t i = 0; i < sam3->type->plane_size; i += 2)
        memcpy(sam3->rom + i, &(uint16_t){ 0xE7FE }, 2);
    memcpy(sam3->rom, vectors, sizeof vectors);
    bus_add(sam3->bus, &(struct bus_region){
        .base = sam3->type->rom, .size = 32 * KB, .name = "ROM", .memory = sam3->rom });
}

static void add_core(struct sam3 *sam3)
{
    bool m4 = (sam3->type->cpuid >> 4 & 0xFFF) == 0xC24;
    sam3->bus = bus_new(sam3->sim, sam3->name);
    sam3->bus->bit_band = true;
    sam3->cpu = cpu_new(sam3->sim, sam3->bus, &(struct cpu_config){
        .name = sam3->name, .arch = m4 ? CPU_ARMV7EM : CPU_ARMV7M, .fpu = CPU_NO_FPU,
        .cpuid = sam3->type->cpuid, .irq_count = sam3->type->irqs, .priority_bits = 4,
        .has_vtor = true, .systick_calib = 1000 });
    sam3->cpu->held_in_reset = true;
    sam3->cpu->reset_request = core_asks_for_reset;
    sam3->cpu->chip = sam3;
    sam3->chip.cpu = sam3->cpu;
    sam3->chip.bus = sam3->bus;
    add_ram(sam3);
    add_rom(sam3);
}

static void add_debug(struct sam3 *sam3)
{
    static const uint32_t rom_entries[] = {
        0xFFF0F003, 0xFFF02003, 0xFFF03003, 0xFFF01003, 0xFFF41003, 0,
    };
    bool m4 = (sam3->type->cpuid >> 4 & 0xFFF) == 0xC24;
    sam3->chip.debug_port = swdp_new(&sam3->chip, &(struct swdp_config){
        .idcode = 0x2BA01477, .ap_idr = 0x24770011, .rom_table = 0xE00FF000,
        .packed_transfers = true, .tar_wrap = 0x1000, .has_jtag = true,
        .jtag_idcode = 0x4BA00477 });
    sam3->coredebug = coredebug_new(sam3->cpu, &(struct coredebug_config){
        .breakpoints = 6, .literals = 2, .watchpoints = 4,
        .peripheral_id = { m4 ? 0xC4 : 0xC3, 0xB4, 0x0B, 0x00, 0x04 },      /* the cores' TRMs */
        .component_id = { 0x0D, 0x10, 0x05, 0xB1 },
        .rom_base = 0xE00FF000, .rom_entries = rom_entries });
    sam3->cpu->debug = sam3->coredebug;
    swdp_restrict(sam3->chip.debug_port, sam3_flash_debug_allowed, sam3);
}

static struct chip *sam3_new(struct sim *sim, const struct sam3_type *type, const char *name,
                             uint32_t unique_id)
{
    struct sam3 *sam3 = calloc(1, sizeof *sam3);
    sam3->sim = sim;
    sam3->name = name;
    sam3->type = type;
    sam3->chip = (struct chip){
        .name = type->name, .sim = sim,
        .signal_pin = type == &sam3x8e ? signal_pin_3x : signal_pin_4s, .pin = chip_pin,
        .power = chip_power, .reset = chip_reset, .free = chip_destroy, .state = sam3,
    };
    snprintf(sam3->nrst_name, sizeof sam3->nrst_name, "%s NRST", name);
    pin_init(&sam3->nrst, sim, sam3->nrst_name, nrst_changed, sam3);
    alarm_init(&sam3->reset_done, reset_over, sam3);
    alarm_init(&sam3->vector_reset, vector_reset, sam3);
    alarm_init(&sam3->wdt_bites, wdt_bites, sam3);
    alarm_init(&sam3->wdt_looks, wdt_looks, sam3);
    add_core(sam3);
    sam3_pmc_new(sam3);
    sam3_flash_new(sam3, unique_id);
    sam3_pio_new(sam3);
    sam3_uart_new(sam3);
    add_system(sam3);
    add_debug(sam3);
    reset_begin(sam3, RESET_POWER);
    return &sam3->chip;
}

struct chip *sam3x8e_new(struct sim *sim, const char *name, uint32_t unique_id)
{
    return sam3_new(sim, &sam3x8e, name, unique_id);
}

struct chip *sam4s16_new(struct sim *sim, const char *name, uint32_t unique_id)
{
    return sam3_new(sim, &sam4s16, name, unique_id);
}
