/* sam.c - a chip of the SAM family: the core, its memories, its peripherals, its reset.
 *
 *   called by  sam_models.c      calls  one file per peripheral (sam.h), cpu.h, swdp.h
 *
 *   0x00000000  flash                    0x00800000  auxiliary rows: fuses, serial number
 *   0x20000000  SRAM                     0x40000000  APB bridges A, B (0x41...), C (0x42...)
 *   0x60000000  PORT again, in one cycle, beside a Cortex-M0+
 *   0x00400000  RWWEE (C21, L21)         0x30000000  low power SRAM (L21)
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
#include "sam.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RAM_BASE = 0x20000000, LP_RAM_BASE = 0x30000000, BLOCK_SIZE = 0x400 };
#define POWER_ON_TIME (500 * SIM_US)        /* supply monitors, fuses read, start-up */
#define RESET_TIME    (10 * SIM_US)

void sam_report(struct sam *sam, enum sim_problem kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    sim_report_chip(sam->sim, sam->cpu, sam->name, kind, format, args);
    va_end(args);
}

void sam_irq(struct sam *sam, int line, bool level)
{
    cpu_irq(sam->cpu, line, level);
}

/* --- register blocks -------------------------------------------------------------------- */

static bool by_debugger(const struct sam_block *block)
{
    return block->chip->bus->master == BUS_DEBUG;
}

static bool gate_open(const struct sam_block *block, const char *verb, uint32_t offset)
{
    if (block->chip->model->clock->gate_open(block->chip, block->bridge, block->bit))
        return true;
    if (!by_debugger(block))
        sam_report(block->chip, SIM_RULE, "%s of %s+0x%02X while its clock is off in PM",
                      verb, block->name, offset);
    return false;
}

static uint32_t block_read(void *ctx, uint32_t offset, int width)
{
    struct sam_block *block = ctx;
    (void)width;
    if (!gate_open(block, "read", offset))
        return 0;
    return block->read(block->ctx, offset & ~3u) >> 8 * (offset & 3);
}

/* For a debugger nothing is protected (data sheet 11.6.1), and for the core neither is the
 * DSU's external half. */
static bool refused(const struct sam_block *block, uint32_t offset)
{
    bool external = block->size == 0x2000 && offset >= 0x100;
    if (external || by_debugger(block) || !sam_write_protected(block->chip, block))
        return false;
    sam_report(block->chip, SIM_RULE, "write of %s+0x%02X, which PAC protects (bridge %c)",
                  block->name, offset, "ABCDE"[block->bridge]);
    block->chip->bus->fault = true;
    return true;
}

static void block_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct sam_block *block = ctx;
    unsigned lane = 8 * (offset & 3);
    uint32_t mask = width == 4 ? ~0u : ((1u << 8 * width) - 1) << lane;
    if (gate_open(block, "write", offset) && !refused(block, offset))
        block->write(block->ctx, offset & ~3u, value << lane, mask);
}

struct sam_block *sam_add_block(struct sam *sam, const struct sam_block *given)
{
    if (sam->block_count == SAM_BLOCKS)
        abort();
    struct sam_block *block = &sam->blocks[sam->block_count++];
    *block = *given;
    block->chip = sam;
    bus_add(sam->bus, &(struct bus_region){
        .base = block->base, .size = block->size ? block->size : BLOCK_SIZE,
        .name = block->name, .read = block_read, .write = block_write, .ctx = block,
        .read_wait = 2, .write_wait = 1 });
    return block;
}

/* On the chip, but not in this model: the bus reports every access by name. */
static void add_absent(struct sam *sam)
{
    for (const struct sam_absent *row = sam->model->absent; row->name; row++)
        bus_add(sam->bus, &(struct bus_region){
            .base = row->base, .size = BLOCK_SIZE, .name = row->name });
}

/* --- reset ------------------------------------------------------------------------------- */

static void reset_begin(struct sam *sam, enum reset_cause cause)
{
    sam->cause = cause;
    sam->in_reset = true;
    sam->cpu->held_in_reset = true;
    for (int i = 0; i < sam->block_count; i++)
        if (sam->blocks[i].reset)
            sam->blocks[i].reset(sam->blocks[i].ctx);
    sam->model->clock->reset_cause(sam, cause);
}

static void start_core(struct sam *sam)
{
    sam->cpu->held_in_reset = false;
    cpu_reset(sam->cpu);
    coredebug_core_reset(sam->coredebug);
}

/* Data sheet 13.6.2: only external and power-on reset look at SWCLK. */
static void reset_end(struct sam *sam)
{
    struct pin *swclk = sam_port_pin(sam->port, "PA30");
    bool looks = sam->cause == RESET_PIN || sam->cause == RESET_POWER;
    sam->in_reset = false;
    if (looks && swclk->net && !pin_sample(swclk))
        sam_dsu_hold_core(sam->dsu);
    else
        start_core(sam);
}

void sam_core_released(struct sam *sam)
{
    if (sam->chip.powered && !sam->in_reset)
        start_core(sam);
}

static bool resetn_is_high(struct sam *sam)
{
    return !sam->nrst.net || pin_sample(&sam->nrst);
}

static void reset_over(void *ctx)
{
    struct sam *sam = ctx;
    if (sam->in_reset && resetn_is_high(sam))
        reset_end(sam);
}

static void reset_for(struct sam *sam, enum reset_cause cause, sim_time how_long)
{
    reset_begin(sam, cause);
    alarm_set(sam->sim, &sam->reset_done, sam->sim->now + how_long);
}

void sam_reset_internal(struct sam *sam, enum reset_cause cause)
{
    if (sam->chip.powered && !sam->in_reset)
        reset_for(sam, cause, RESET_TIME);
}

static void resetn_changed(void *ctx, int level)
{
    struct sam *sam = ctx;
    if (!sam->chip.powered)
        return;
    if (!level && !sam->in_reset)
        reset_begin(sam, RESET_PIN);
    else if (level && sam->in_reset && !alarm_is_set(&sam->reset_done))
        alarm_set(sam->sim, &sam->reset_done, sam->sim->now + RESET_TIME);
}

/* Armv6-M has no VECTRESET: both requests are the system's. */
static void core_asks_for_reset(void *ctx, bool system)
{
    struct sam *sam = ctx;
    if (!system && sam->model->core.arch != CPU_ARMV6M)
        sam_report(sam, SIM_UNMODELLED, "AIRCR.VECTRESET");
    sam_reset_internal(ctx, RESET_SOFTWARE);
}

static void chip_reset(struct chip *chip, enum reset_cause cause)
{
    sam_reset_internal(chip->state, cause);
}

/* --- power -------------------------------------------------------------------------------- */

static void scramble_ram(struct sam *sam)
{
    uint8_t *ram = bus_find(sam->bus, RAM_BASE)->memory;
    for (uint32_t i = 0; i < sam->model->ram_size; i += 4) {
        uint32_t word = sim_random(sam->sim);
        memcpy(ram + i, &word, 4);
    }
}

static void chip_power(struct chip *chip, bool on)
{
    struct sam *sam = chip->state;
    if (on == chip->powered)
        return;
    chip->powered = on;
    sam->model->nvm->power(sam, on);
    sam_port_power(sam->port, on);
    pin_drive(&sam->nrst, on ? DRIVE_PULL_UP : DRIVE_OPEN);
    swdp_power(chip->debug_port, on);
    if (on) {
        scramble_ram(sam);
        coredebug_power_reset(sam->coredebug);
        reset_for(sam, RESET_POWER, POWER_ON_TIME);
        return;
    }
    reset_begin(sam, RESET_POWER);
    alarm_cancel(sam->sim, &sam->reset_done);
    sam_timer_power_off(sam->timer);
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

bool sam_has_swo(const struct sam *sam)
{
    return sam->model->mclk && sam->model->mclk->trace_channel;
}

static const char *signal_pin_swo(const char *signal)
{
    return strcmp(signal, "SWO") == 0 ? "PB30" : signal_pin(signal);
}

static struct pin *chip_pin(struct chip *chip, const char *name)
{
    struct sam *sam = chip->state;
    if (strcmp(name, "RESETN") == 0 || strcmp(name, "NRST") == 0)
        return &sam->nrst;
    return sam_port_pin(sam->port, name);
}

static void chip_destroy(struct chip *chip)
{
    struct sam *sam = chip->state;
    if (chip->powered)
        chip_power(chip, false);
    swdp_free(chip->debug_port);
    sam_timer_free(sam->timer);
    for (int i = 0; i < SAM_SERCOMS; i++)
        sam_sercom_free(sam->sercom[i]);
    if (sam->eic)
        sam_eic_free(sam->eic);
    sam_port_free(sam->port);
    sam_dsu_free(sam->dsu);
    sam->model->clock->destroy(sam);
    sam->model->nvm->destroy(sam);
    coredebug_free(sam->coredebug);
    free(bus_find(sam->bus, RAM_BASE)->memory);
    if (sam->model->lp_ram_size)
        free(bus_find(sam->bus, LP_RAM_BASE)->memory);
    cpu_free(sam->cpu);
    bus_free(sam->bus);
    free(sam);
}

/* --- construction ------------------------------------------------------------------------- */

static void add_core(struct sam *sam)
{
    struct cpu_config config = sam->model->core;
    config.name = sam->name;
    sam->bus = bus_new(sam->sim, sam->name);
    sam->cpu = cpu_new(sam->sim, sam->bus, &config);
    sam->cpu->held_in_reset = true;
    sam->cpu->reset_request = core_asks_for_reset;
    sam->cpu->chip = sam;
    sam->chip.cpu = sam->cpu;
    sam->chip.bus = sam->bus;
    sam->chip.ram_base = RAM_BASE;
    sam->chip.ram_size = sam->model->ram_size;
    bus_add(sam->bus, &(struct bus_region){
        .base = RAM_BASE, .size = sam->model->ram_size, .name = "SRAM",
        .memory = calloc(1, sam->model->ram_size), .writable = true });
    if (sam->model->lp_ram_size)
        bus_add(sam->bus, &(struct bus_region){
            .base = LP_RAM_BASE, .size = sam->model->lp_ram_size, .name = "low power SRAM",
            .memory = calloc(1, sam->model->lp_ram_size), .writable = true });
}

static void add_peripherals(struct sam *sam, uint32_t unique_id)
{
    sam->model->nvm->create(sam);
    sam->model->clock->create(sam);
    sam_dsu_new(sam, unique_id);
    sam_port_new(sam);
    if (sam->model->is_d21)
        sam_eic_new(sam);
    for (int i = 0; i < SAM_SERCOMS; i++)
        sam_sercom_new(sam, i);
    sam_timer_new(sam);
    add_absent(sam);
}

static void add_debug(struct sam *sam)
{
    sam->chip.debug_port = swdp_new(&sam->chip, &sam->model->port);
    sam->coredebug = coredebug_new(sam->cpu, &sam->model->debug);
    sam->cpu->debug = sam->coredebug;
    swdp_restrict(sam->chip.debug_port, sam_dsu_allows, sam);
    if (sam_has_swo(sam)) {
        coredebug_connect_swo(sam->coredebug, sam_port_swo, sam->port);
        coredebug_trace_clock(sam->coredebug, SIM_NEVER);
    }
}

struct chip *sam_new(struct sim *sim, const char *name, const struct sam_model *model,
                     uint32_t unique_id)
{
    struct sam *sam = calloc(1, sizeof *sam);
    sam->sim = sim;
    sam->name = name;
    sam->model = model;
    sam->chip = (struct chip){
        .name = model->name, .sim = sim, .pin = chip_pin,
        .power = chip_power, .reset = chip_reset, .free = chip_destroy, .state = sam,
    };
    sam->chip.signal_pin = sam_has_swo(sam) ? signal_pin_swo : signal_pin;
    snprintf(sam->nrst_name, sizeof sam->nrst_name, "%s RESETN", name);
    pin_init(&sam->nrst, sim, sam->nrst_name, resetn_changed, sam);
    alarm_init(&sam->reset_done, reset_over, sam);
    add_core(sam);
    add_peripherals(sam, unique_id);
    add_debug(sam);
    reset_begin(sam, RESET_POWER);
    return &sam->chip;
}
