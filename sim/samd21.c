/* samd21.c - an ATSAMD21G18A: the core, its memories, its peripherals, its reset.
 *
 *   called by  board.c      calls  one file per peripheral (samd21.h), cpu.h, swdp.h
 *
 *   0x00000000  flash, 256 KB            0x00800000  auxiliary rows: fuses, serial number
 *   0x20000000  SRAM, 32 KB              0x40000000  APB bridges A, B (0x41...), C (0x42...)
 *   0x60000000  PORT again, in one cycle 0xE0000000  the core's own registers
 *
 * Every register access passes block_read() or block_write(), which know what holds for
 * all peripherals: a closed clock gate in PM (read 0, writes lost, a broken rule), write
 * protection by PAC (a bus error), registers of mixed widths.
 *
 * The signals are on the pins that an Arduino Zero leaves free for a serial port of one's
 * own: TX = PA22, RX = PA23 (SERCOM3 pads 0 and 1, or SERCOM5).
 *
 * Reset: RESETN is a pin with a pull-up; inside resets do not move it.  If SWCLK is low
 * when reset ends, the DSU keeps the core in reset for the debugger (cold plugging).
 *
 * Sources: data sheet chapters 9 to 13; Cortex-M0+ TRM r0p1.  Assumed: an APB access
 * costs 2 cycles more than one of SRAM for reading and 1 for writing. */
#include "samd21.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RAM_BASE = 0x20000000, RAM_SIZE = 32 * 1024, BLOCK_SIZE = 0x400 };
#define POWER_ON_TIME (500 * SIM_US)        /* supply monitors, fuses read, start-up */
#define RESET_TIME    (10 * SIM_US)

void samd21_report(struct samd21 *samd21, enum sim_problem kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    sim_report_chip(samd21->sim, samd21->cpu, samd21->name, kind, format, args);
    va_end(args);
}

void samd21_irq(struct samd21 *samd21, int line, bool level)
{
    cpu_irq(samd21->cpu, line, level);
}

/* --- register blocks -------------------------------------------------------------------- */

static bool by_debugger(const struct samd21_block *block)
{
    return block->chip->bus->master == BUS_DEBUG;
}

static bool gate_open(const struct samd21_block *block, const char *verb, uint32_t offset)
{
    if (samd21_gate_open(block->chip->clock, block->bridge, block->bit))
        return true;
    if (!by_debugger(block))
        samd21_report(block->chip, SIM_RULE, "%s of %s+0x%02X while its clock is off in PM",
                      verb, block->name, offset);
    return false;
}

static uint32_t block_read(void *ctx, uint32_t offset, int width)
{
    struct samd21_block *block = ctx;
    (void)width;
    if (!gate_open(block, "read", offset))
        return 0;
    return block->read(block->ctx, offset & ~3u) >> 8 * (offset & 3);
}

/* For a debugger nothing is protected (data sheet 11.6.1), and for the core neither is the
 * DSU's external half. */
static bool refused(const struct samd21_block *block, uint32_t offset)
{
    bool external = block->size == 0x2000 && offset >= 0x100;
    if (external || by_debugger(block) || !samd21_write_protected(block->chip, block))
        return false;
    samd21_report(block->chip, SIM_RULE, "write of %s+0x%02X, which PAC%d protects",
                  block->name, offset, (int)block->bridge);
    block->chip->bus->fault = true;
    return true;
}

static void block_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct samd21_block *block = ctx;
    unsigned lane = 8 * (offset & 3);
    uint32_t mask = width == 4 ? ~0u : ((1u << 8 * width) - 1) << lane;
    if (gate_open(block, "write", offset) && !refused(block, offset))
        block->write(block->ctx, offset & ~3u, value << lane, mask);
}

struct samd21_block *samd21_add_block(struct samd21 *samd21, const struct samd21_block *given)
{
    if (samd21->block_count == SAMD21_BLOCKS)
        abort();
    struct samd21_block *block = &samd21->blocks[samd21->block_count++];
    *block = *given;
    block->chip = samd21;
    bus_add(samd21->bus, &(struct bus_region){
        .base = block->base, .size = block->size ? block->size : BLOCK_SIZE,
        .name = block->name, .read = block_read, .write = block_write, .ctx = block,
        .read_wait = 2, .write_wait = 1 });
    return block;
}

/* On the chip, but not in this model: the bus reports every access by name. */
static const struct { const char *name; uint32_t base; } absent[] = {
    { "DMAC", 0x41004800 }, { "USB", 0x41005000 },
    { "SBMATRIX", 0x41007000 }, { "EVSYS", 0x42000400 }, { "TCC0", 0x42002000 },
    { "TCC1", 0x42002400 }, { "TCC2", 0x42002800 }, { "ADC", 0x42004000 },
    { "AC", 0x42004400 }, { "DAC", 0x42004800 }, { "PTC", 0x42004C00 }, { "I2S", 0x42005000 },
};

static void add_absent(struct samd21 *samd21)
{
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++)
        bus_add(samd21->bus, &(struct bus_region){
            .base = absent[i].base, .size = BLOCK_SIZE, .name = absent[i].name });
}

/* --- reset ------------------------------------------------------------------------------- */

static void reset_begin(struct samd21 *samd21, enum reset_cause cause)
{
    samd21->cause = cause;
    samd21->in_reset = true;
    samd21->cpu->held_in_reset = true;
    for (int i = 0; i < samd21->block_count; i++)
        if (samd21->blocks[i].reset)
            samd21->blocks[i].reset(samd21->blocks[i].ctx);
    samd21_clock_reset_cause(samd21->clock, cause);
}

static void start_core(struct samd21 *samd21)
{
    samd21->cpu->held_in_reset = false;
    cpu_reset(samd21->cpu);
    coredebug_core_reset(samd21->coredebug);
}

/* Data sheet 13.6.2: only external and power-on reset look at SWCLK. */
static void reset_end(struct samd21 *samd21)
{
    struct pin *swclk = samd21_port_pin(samd21->port, "PA30");
    bool looks = samd21->cause == RESET_PIN || samd21->cause == RESET_POWER;
    samd21->in_reset = false;
    if (looks && swclk->net && !pin_sample(swclk))
        samd21_dsu_hold_core(samd21->dsu);
    else
        start_core(samd21);
}

void samd21_core_released(struct samd21 *samd21)
{
    if (samd21->chip.powered && !samd21->in_reset)
        start_core(samd21);
}

static bool resetn_is_high(struct samd21 *samd21)
{
    return !samd21->nrst.net || pin_sample(&samd21->nrst);
}

static void reset_over(void *ctx)
{
    struct samd21 *samd21 = ctx;
    if (samd21->in_reset && resetn_is_high(samd21))
        reset_end(samd21);
}

static void reset_for(struct samd21 *samd21, enum reset_cause cause, sim_time how_long)
{
    reset_begin(samd21, cause);
    alarm_set(samd21->sim, &samd21->reset_done, samd21->sim->now + how_long);
}

void samd21_reset_internal(struct samd21 *samd21, enum reset_cause cause)
{
    if (samd21->chip.powered && !samd21->in_reset)
        reset_for(samd21, cause, RESET_TIME);
}

static void resetn_changed(void *ctx, int level)
{
    struct samd21 *samd21 = ctx;
    if (!samd21->chip.powered)
        return;
    if (!level && !samd21->in_reset)
        reset_begin(samd21, RESET_PIN);
    else if (level && samd21->in_reset && !alarm_is_set(&samd21->reset_done))
        alarm_set(samd21->sim, &samd21->reset_done, samd21->sim->now + RESET_TIME);
}

/* Armv6-M has no VECTRESET: both requests are the system's. */
static void core_asks_for_reset(void *ctx, bool system)
{
    (void)system;
    samd21_reset_internal(ctx, RESET_SOFTWARE);
}

static void chip_reset(struct chip *chip, enum reset_cause cause)
{
    samd21_reset_internal(chip->state, cause);
}

/* --- power -------------------------------------------------------------------------------- */

static void scramble_ram(struct samd21 *samd21)
{
    uint8_t *ram = bus_find(samd21->bus, RAM_BASE)->memory;
    for (uint32_t i = 0; i < RAM_SIZE; i += 4) {
        uint32_t word = sim_random(samd21->sim);
        memcpy(ram + i, &word, 4);
    }
}

static void chip_power(struct chip *chip, bool on)
{
    struct samd21 *samd21 = chip->state;
    if (on == chip->powered)
        return;
    chip->powered = on;
    samd21_nvm_power(samd21->nvm, on);
    samd21_port_power(samd21->port, on);
    pin_drive(&samd21->nrst, on ? DRIVE_PULL_UP : DRIVE_OPEN);
    swdp_power(chip->debug_port, on);
    if (on) {
        scramble_ram(samd21);
        coredebug_power_reset(samd21->coredebug);
        reset_for(samd21, RESET_POWER, POWER_ON_TIME);
        return;
    }
    reset_begin(samd21, RESET_POWER);
    alarm_cancel(samd21->sim, &samd21->reset_done);
    samd21_timer_power_off(samd21->timer);
}

/* --- the chip as others see it ------------------------------------------------------------ */

static const char *signal_pin(const char *signal)
{
    static const struct { const char *signal, *pin; } signals[] = {
        { "SWDIO", "PA31" }, { "SWCLK", "PA30" }, { "NRST", "RESETN" }, { "TX", "PA22" },
        { "RX", "PA23" },
    };
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        if (strcmp(signals[i].signal, signal) == 0)
            return signals[i].pin;
    return NULL;
}

static struct pin *chip_pin(struct chip *chip, const char *name)
{
    struct samd21 *samd21 = chip->state;
    if (strcmp(name, "RESETN") == 0 || strcmp(name, "NRST") == 0)
        return &samd21->nrst;
    return samd21_port_pin(samd21->port, name);
}

static void chip_destroy(struct chip *chip)
{
    struct samd21 *samd21 = chip->state;
    if (chip->powered)
        chip_power(chip, false);
    swdp_free(chip->debug_port);
    samd21_timer_free(samd21->timer);
    for (int i = 0; i < 6; i++)
        samd21_sercom_free(samd21->sercom[i]);
    samd21_eic_free(samd21->eic);
    samd21_port_free(samd21->port);
    samd21_dsu_free(samd21->dsu);
    samd21_clock_free(samd21->clock);
    samd21_nvm_free(samd21->nvm);
    coredebug_free(samd21->coredebug);
    free(bus_find(samd21->bus, RAM_BASE)->memory);
    cpu_free(samd21->cpu);
    bus_free(samd21->bus);
    free(samd21);
}

/* --- construction ------------------------------------------------------------------------- */

static void add_core(struct samd21 *samd21)
{
    samd21->bus = bus_new(samd21->sim, samd21->name);
    samd21->cpu = cpu_new(samd21->sim, samd21->bus, &(struct cpu_config){
        .name = samd21->name, .arch = CPU_ARMV6M, .cpuid = 0x410CC601,     /* r0p1 */
        .irq_count = SAMD21_IRQS, .priority_bits = 2, .has_vtor = true,
        .single_cycle_multiply = true });
    samd21->cpu->held_in_reset = true;
    samd21->cpu->reset_request = core_asks_for_reset;
    samd21->cpu->chip = samd21;
    samd21->chip.cpu = samd21->cpu;
    samd21->chip.bus = samd21->bus;
    samd21->chip.ram_base = RAM_BASE;
    samd21->chip.ram_size = RAM_SIZE;
    bus_add(samd21->bus, &(struct bus_region){
        .base = RAM_BASE, .size = RAM_SIZE, .name = "SRAM", .memory = calloc(1, RAM_SIZE),
        .writable = true });
}

static void add_peripherals(struct samd21 *samd21, uint32_t unique_id)
{
    samd21_nvm_new(samd21);
    samd21_clock_new(samd21);
    samd21_dsu_new(samd21, unique_id);
    samd21_port_new(samd21);
    samd21_eic_new(samd21);
    for (int i = 0; i < 6; i++)
        samd21_sercom_new(samd21, i);
    samd21_timer_new(samd21);
    add_absent(samd21);
}

static void add_debug(struct samd21 *samd21)
{
    static const uint32_t rom_entries[] = { 0xFFF0F003, 0xFFF02003, 0xFFF03003, 0 };
    samd21->chip.debug_port = swdp_new(&samd21->chip, &(struct swdp_config){
        .idcode = 0x0BC11477, .ap_idr = 0x04770031, .rom_table = 0x41003000,
        .tar_wrap = 0x400 });
    samd21->coredebug = coredebug_new(samd21->cpu, &(struct coredebug_config){
        .breakpoints = 4, .watchpoints = 2,
        .peripheral_id = { 0xC0, 0xB4, 0x0B, 0x00, 0x04 },      /* Cortex-M0+ TRM */
        .component_id = { 0x0D, 0x10, 0x05, 0xB1 },
        .rom_base = 0xE00FF000, .rom_entries = rom_entries });
    samd21->cpu->debug = samd21->coredebug;
    swdp_restrict(samd21->chip.debug_port, samd21_dsu_allows, samd21);
}

struct chip *samd21_new(struct sim *sim, const char *name, uint32_t unique_id)
{
    struct samd21 *samd21 = calloc(1, sizeof *samd21);
    samd21->sim = sim;
    samd21->name = name;
    samd21->chip = (struct chip){
        .name = "samd21", .sim = sim, .signal_pin = signal_pin, .pin = chip_pin,
        .power = chip_power, .reset = chip_reset, .free = chip_destroy, .state = samd21,
    };
    snprintf(samd21->nrst_name, sizeof samd21->nrst_name, "%s RESETN", name);
    pin_init(&samd21->nrst, sim, samd21->nrst_name, resetn_changed, samd21);
    alarm_init(&samd21->reset_done, reset_over, samd21);
    add_core(samd21);
    add_peripherals(samd21, unique_id);
    add_debug(samd21);
    reset_begin(samd21, RESET_POWER);
    return &samd21->chip;
}
