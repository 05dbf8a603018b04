/* nrf5.c - an nRF52840 or nRF51822: the core, its memories, its peripherals, its access ports,
 * its reset.
 *
 *   called by  nrf5_models.c      calls  one file per peripheral (nrf5.h), cpu.h, swdp.h
 *
 *   0x00000000  flash                    0x00800000  52: RAM once more, for code
 *   0x10000000  FICR: what the chip is   0x10001000  UICR: what its user wants of it
 *   0x20000000  RAM                      0x40000000  peripherals, 4 KB each, no clock gates
 *   0x50000000  P0, and P1 of the 52     0xF0000000  51: ROM table of the chip
 *
 * 52: AP 0 is the AHB-AP, which access port protection shuts; AP 1 is CTRL-AP (4.6.4), always
 * open: RESET holds the chip, ERASEALL erases flash, UICR and RAM.  The signals are where
 * Nordic's kit has them, nRST on P0.18, which is a reset only once UICR.PSELRESET says so, and
 * a chip from the factory does not.
 *
 * 51: one AP.  SWDIO is also nRESET: in normal mode a low level resets.  A debugger's clock
 * ends that: from SWCLK's first edge with SWDIO high (assumed) the chip is in debug interface
 * mode, until power-on or a pin reset.  There only both wires low for 100 us are a reset, and
 * only if POWER.RESET is 1.
 *
 * Not modelled: the reset that follows a lockup, System OFF, 52's debug interface mode.
 *
 * Sources: nRF52840 PS v1.7: 4.1 (map), 4.4 (FICR), 5.3.6 (resets); nRF51 reference manual
 * v3.0: 3 (map), 7 (FICR), 10 (debugger interface), 12 (POWER).
 * Assumed: a peripheral's register costs 2 cycles for reading, 1 for writing. */
#include "nrf5.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RAM_BASE = 0x20000000, CODE_RAM_BASE = 0x00800000, FICR_BASE = 0x10000000,
       ROM_TABLE_51 = 0xF0000000 };
enum { CTRL_RESET = 0x00, CTRL_ERASEALL = 0x04, CTRL_ERASEALLSTATUS = 0x08,
       CTRL_APPROTECTSTATUS = 0x0C, CTRL_IDR = 0xFC };
#define POWER_ON_TIME (1000 * SIM_US)       /* 5.3.7: tPOR for a supply of 10 us, 20 ms at most */
#define RESET_TIME    (10 * SIM_US)
#define PIN_RESET_51  (100 * SIM_US)        /* both wires low, in debug interface mode */

void nrf5_report(struct nrf5 *nrf5, enum sim_problem kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    sim_report_chip(nrf5->sim, nrf5->cpu, nrf5->name, kind, format, args);
    va_end(args);
}

/* --- events ------------------------------------------------------------------------- */

enum { EVENTS = 0x100, EVENTS_END = 0x180, INTEN = 0x300, INTENSET = 0x304, INTENCLR = 0x308 };

static void update(struct nrf5_events *events)
{
    cpu_irq(events->nrf5->cpu, events->irq, events->happened & events->enabled);
}

void nrf5_event(struct nrf5_events *events, uint32_t offset)
{
    events->happened |= 1u << (offset - EVENTS) / 4;
    update(events);
}

bool nrf5_events_read(const struct nrf5_events *events, uint32_t reg, uint32_t *value)
{
    if (reg >= EVENTS && reg < EVENTS_END)
        *value = events->happened >> (reg - EVENTS) / 4 & 1;
    else if (reg == INTEN || reg == INTENSET || reg == INTENCLR)
        *value = events->enabled;
    else
        return false;
    return true;
}

bool nrf5_events_write(struct nrf5_events *events, uint32_t reg, uint32_t value)
{
    uint32_t bit = 1u << (reg - EVENTS) / 4 % 32;
    if (reg >= EVENTS && reg < EVENTS_END)
        events->happened = value & 1 ? events->happened | bit : events->happened & ~bit;
    else if (reg == INTEN)
        events->enabled = value;
    else if (reg == INTENSET)
        events->enabled |= value;
    else if (reg == INTENCLR)
        events->enabled &= ~value;
    else
        return false;
    update(events);
    return true;
}

void nrf5_events_reset(struct nrf5_events *events)
{
    events->happened = events->enabled = 0;
    update(events);
}

/* --- register blocks ---------------------------------------------------------------- */

static void check_width(const struct nrf5_block *block, uint32_t offset, int width)
{
    if (width != 4 && block->nrf5->bus->master == BUS_DATA)
        nrf5_report(block->nrf5, SIM_FORGIVEN, "%d-bit access to %s+0x%03X, which takes whole "
                     "words", 8 * width, block->name, offset);
}

static uint32_t block_read(void *ctx, uint32_t offset, int width)
{
    struct nrf5_block *block = ctx;
    check_width(block, offset, width);
    return block->read(block->ctx, offset & ~3u) >> 8 * (offset & 3);
}

static void block_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct nrf5_block *block = ctx;
    check_width(block, offset, width);
    block->write(block->ctx, offset & ~3u, value << 8 * (offset & 3));
}

struct nrf5_block *nrf5_add_block(struct nrf5 *nrf5, const struct nrf5_block *given)
{
    if (nrf5->block_count == NRF5_BLOCKS)
        abort();
    struct nrf5_block *block = &nrf5->blocks[nrf5->block_count++];
    *block = *given;
    block->nrf5 = nrf5;
    bus_add(nrf5->bus, &(struct bus_region){
        .base = block->base, .size = block->size, .name = block->name, .read = block_read,
        .write = block_write, .ctx = block, .read_wait = 2, .write_wait = 1 });
    return block;
}

/* On the chip, but not in this model, by 4 KB: the bus reports every access by name. */
static void add_absent(struct nrf5 *nrf5)
{
    for (const struct nrf5_absent *row = nrf5->model->absent; row->name; row++)
        bus_add(nrf5->bus, &(struct bus_region){
            .base = row->base, .size = 0x1000, .name = row->name });
}

/* --- reset -------------------------------------------------------------------------- */

static void reset_begin(struct nrf5 *nrf5, enum reset_cause cause)
{
    nrf5->cause = cause;
    nrf5->in_reset = true;
    nrf5->cpu->held_in_reset = true;
    for (int i = 0; i < nrf5->block_count; i++)
        if (nrf5->blocks[i].reset)
            nrf5->blocks[i].reset(nrf5->blocks[i].ctx);
    nrf5_power_reset_cause(nrf5->power, cause);
}

static void start_core(struct nrf5 *nrf5)
{
    nrf5->cpu->held_in_reset = false;
    cpu_reset(nrf5->cpu);
    coredebug_core_reset(nrf5->coredebug);
}

/* 51: SWDIO, low, while it is nRESET. */
static bool held_by_swdio(struct nrf5 *nrf5)
{
    return nrf5->model->is_51 && !nrf5->debug_mode && nrf5->swdio.net &&
           !pin_sample(&nrf5->swdio);
}

static bool held_by_pin(struct nrf5 *nrf5)
{
    if (nrf5->model->is_51)
        return held_by_swdio(nrf5);
    struct pin *pin = nrf5_gpio_pin(nrf5->gpio, "P0.18");
    return pin->drive == DRIVE_PULL_UP && pin->net && !pin_sample(pin) &&
           nrf5_uicr(nrf5->nvmc, 0x200) == 18 && nrf5_uicr(nrf5->nvmc, 0x204) == 18;
}

static void reset_over(void *ctx)
{
    struct nrf5 *nrf5 = ctx;
    if (!nrf5->in_reset || nrf5->ctrl_reset || held_by_pin(nrf5))
        return;
    nrf5->in_reset = false;
    nrf5_gpio_apply(nrf5->gpio, 18);
    nrf5_nvmc_reset_over(nrf5->nvmc);
    nrf5_power_apply_protection(nrf5->power);
    start_core(nrf5);
}

static void reset_for(struct nrf5 *nrf5, enum reset_cause cause, sim_time how_long)
{
    reset_begin(nrf5, cause);
    alarm_set(nrf5->sim, &nrf5->reset_done, nrf5->sim->now + how_long);
}

void nrf5_reset_internal(struct nrf5 *nrf5, enum reset_cause cause)
{
    if (nrf5->chip.powered && !nrf5->in_reset)
        reset_for(nrf5, cause, RESET_TIME);
}

void nrf5_pin_reset(struct nrf5 *nrf5, int level)
{
    if (!nrf5->chip.powered)
        return;
    if (!level && !nrf5->in_reset)
        reset_begin(nrf5, RESET_PIN);
    else if (level && nrf5->in_reset && !alarm_is_set(&nrf5->reset_done))
        alarm_set(nrf5->sim, &nrf5->reset_done, nrf5->sim->now + RESET_TIME);
}

/* --- 51: SWDIO as nRESET --------------------------------------------------------------- */

static void swdio_changed(void *ctx, int level)
{
    struct nrf5 *nrf5 = ctx;
    if (!nrf5->model->is_51 || !nrf5->chip.powered)
        return;
    if (!nrf5->debug_mode)
        nrf5_pin_reset(nrf5, level);
    else if (!level && !pin_sample(&nrf5->swclk))
        alarm_set(nrf5->sim, &nrf5->pin_reset, nrf5->sim->now + PIN_RESET_51);
    else
        alarm_cancel(nrf5->sim, &nrf5->pin_reset);
}

static void swclk_changed(void *ctx, int level)
{
    struct nrf5 *nrf5 = ctx;
    if (!nrf5->model->is_51 || !nrf5->chip.powered)
        return;
    bool dio = pin_sample(&nrf5->swdio);
    if (level && dio)
        nrf5->debug_mode = true;
    if (nrf5->debug_mode && !level && !dio)
        alarm_set(nrf5->sim, &nrf5->pin_reset, nrf5->sim->now + PIN_RESET_51);
    else
        alarm_cancel(nrf5->sim, &nrf5->pin_reset);
}

static void both_low_for_long(void *ctx)
{
    struct nrf5 *nrf5 = ctx;
    if (!nrf5_power_pin_resets(nrf5->power))
        return;
    nrf5->debug_mode = false;
    nrf5_pin_reset(nrf5, 0);
}

/* VECTRESET is not for this family's programs, and works like any Cortex-M4's: the core. */
static void core_asks_for_reset(void *ctx, bool system)
{
    struct nrf5 *nrf5 = ctx;
    if (!system && !nrf5->model->is_51)
        nrf5_report(nrf5, SIM_UNMODELLED, "AIRCR.VECTRESET");
    nrf5_reset_internal(nrf5, RESET_SOFTWARE);
}

static void chip_reset(struct chip *chip, enum reset_cause cause)
{
    nrf5_reset_internal(chip->state, cause);
}

/* --- CTRL-AP ------------------------------------------------------------------------ */

static uint32_t ctrl_read(void *ctx, uint32_t reg)
{
    struct nrf5 *nrf5 = ctx;
    switch (reg) {
    case CTRL_RESET:           return nrf5->ctrl_reset;
    case CTRL_ERASEALL:        return nrf5->ctrl_eraseall;
    case CTRL_ERASEALLSTATUS:  return nrf5_nvmc_erasing(nrf5->nvmc);
    case CTRL_APPROTECTSTATUS: return !nrf5_power_protected(nrf5->power);
    case CTRL_IDR:             return 0x02880000;
    default:                   return 0;
    }
}

static void write_ctrl_reset(struct nrf5 *nrf5, uint32_t value)
{
    nrf5->ctrl_reset = value;
    if (value && !nrf5->in_reset)
        reset_begin(nrf5, RESET_SOFTWARE);
    else if (!value && nrf5->in_reset && !alarm_is_set(&nrf5->reset_done))
        alarm_set(nrf5->sim, &nrf5->reset_done, nrf5->sim->now + RESET_TIME);
}

static void ctrl_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct nrf5 *nrf5 = ctx;
    if (!nrf5->chip.powered)
        return;
    if (reg == CTRL_RESET) {
        write_ctrl_reset(nrf5, value & 1);
    } else if (reg == CTRL_ERASEALL) {
        nrf5->ctrl_eraseall = value & 1;
        if (value & 1 && !nrf5_nvmc_erasing(nrf5->nvmc))
            nrf5_nvmc_erase_by_debugger(nrf5->nvmc);
    }
}

/* --- power -------------------------------------------------------------------------- */

void nrf5_clear_ram(struct nrf5 *nrf5)
{
    memset(bus_find(nrf5->bus, RAM_BASE)->memory, 0, nrf5->model->ram_size);
}

static void scramble_ram(struct nrf5 *nrf5)
{
    uint8_t *ram = bus_find(nrf5->bus, RAM_BASE)->memory;
    for (uint32_t i = 0; i < nrf5->model->ram_size; i += 4) {
        uint32_t word = sim_random(nrf5->sim);
        memcpy(ram + i, &word, 4);
    }
}

static void chip_power(struct chip *chip, bool on)
{
    struct nrf5 *nrf5 = chip->state;
    if (on == chip->powered)
        return;
    chip->powered = on;
    nrf5->ctrl_reset = nrf5->ctrl_eraseall = 0;
    nrf5->debug_mode = false;
    alarm_cancel(nrf5->sim, &nrf5->pin_reset);
    nrf5_gpio_power(nrf5->gpio, on);
    pin_drive(&nrf5->swdio, on ? DRIVE_PULL_UP : DRIVE_OPEN);
    pin_drive(&nrf5->swclk, on ? DRIVE_PULL_DOWN : DRIVE_OPEN);
    swdp_power(chip->debug_port, on);
    if (on) {
        scramble_ram(nrf5);
        coredebug_power_reset(nrf5->coredebug);
        reset_for(nrf5, RESET_POWER, POWER_ON_TIME);
        return;
    }
    reset_begin(nrf5, RESET_POWER);
    alarm_cancel(nrf5->sim, &nrf5->reset_done);
    nrf5_nvmc_power_off(nrf5->nvmc);
    nrf5_power_off(nrf5->power);
}

/* --- the chip as others see it -------------------------------------------------------- */

static const char *signal_pin_52(const char *signal)
{
    static const struct { const char *signal, *pin; } signals[] = {
        { "SWDIO", "SWDIO" }, { "SWCLK", "SWCLK" }, { "NRST", "P0.18" }, { "TX", "P0.06" },
        { "RX", "P0.08" }, { "SWO", "P1.00" },
    };
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        if (strcmp(signals[i].signal, signal) == 0)
            return signals[i].pin;
    return NULL;
}

/* No nRST: the wire to it would be a second one to SWDIO. */
static const char *signal_pin_51(const char *signal)
{
    static const struct { const char *signal, *pin; } signals[] = {
        { "SWDIO", "SWDIO" }, { "SWCLK", "SWCLK" }, { "TX", "P0.09" }, { "RX", "P0.11" },
    };
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        if (strcmp(signals[i].signal, signal) == 0)
            return signals[i].pin;
    return NULL;
}

static struct pin *chip_pin(struct chip *chip, const char *name)
{
    struct nrf5 *nrf5 = chip->state;
    bool reset = strcmp(name, "NRST") == 0;
    if (strcmp(name, "SWDIO") == 0 || (reset && nrf5->model->is_51))
        return &nrf5->swdio;
    if (strcmp(name, "SWCLK") == 0)
        return &nrf5->swclk;
    return nrf5_gpio_pin(nrf5->gpio, reset ? "P0.18" : name);
}

static void chip_destroy(struct chip *chip)
{
    struct nrf5 *nrf5 = chip->state;
    if (chip->powered)
        chip_power(chip, false);
    swdp_free(chip->debug_port);
    nrf5_uart_free(nrf5->uart);
    nrf5_gpio_free(nrf5->gpio);
    nrf5_power_free(nrf5->power);
    nrf5_nvmc_free(nrf5->nvmc);
    coredebug_free(nrf5->coredebug);
    free(bus_find(nrf5->bus, RAM_BASE)->memory);
    cpu_free(nrf5->cpu);
    bus_free(nrf5->bus);
    free(nrf5);
}

/* --- construction ------------------------------------------------------------------- */

static void add_ficr(struct nrf5 *nrf5, uint32_t unique_id)
{
    memset(nrf5->ficr, 0xFF, sizeof nrf5->ficr);
    for (const struct nrf5_word *row = nrf5->model->ficr; row->at; row++)
        nrf5->ficr[row->at / 4] = row->value;
    nrf5->ficr[0x060 / 4] = unique_id * 2654435761u;
    nrf5->ficr[0x064 / 4] = unique_id;
    nrf5->ficr[0x0A4 / 4] = ~unique_id;
    nrf5->ficr[0x0A8 / 4] = 0xFFFFC0DE;
    if (!nrf5->model->is_51)                /* VARIANT, in ASCII: AAF0, AAD0 */
        nrf5->ficr[0x104 / 4] = nrf5->hardened ? 0x41414630 : 0x41414430;
    bus_add(nrf5->bus, &(struct bus_region){
        .base = FICR_BASE, .size = sizeof nrf5->ficr, .name = "FICR",
        .memory = (uint8_t *)nrf5->ficr });
}

static void add_core(struct nrf5 *nrf5)
{
    const struct nrf5_model *model = nrf5->model;
    struct cpu_config config = model->core;
    uint8_t *ram = calloc(1, model->ram_size);
    config.name = nrf5->name;
    nrf5->bus = bus_new(nrf5->sim, nrf5->name);
    nrf5->cpu = cpu_new(nrf5->sim, nrf5->bus, &config);
    nrf5->cpu->held_in_reset = true;
    nrf5->cpu->reset_request = core_asks_for_reset;
    nrf5->cpu->chip = nrf5;
    cpu_set_clock(nrf5->cpu, SIM_SECOND / model->hz);
    nrf5->chip.cpu = nrf5->cpu;
    nrf5->chip.bus = nrf5->bus;
    nrf5->chip.ram_base = RAM_BASE;
    nrf5->chip.ram_size = model->ram_size;
    bus_add(nrf5->bus, &(struct bus_region){
        .base = RAM_BASE, .size = model->ram_size, .name = "RAM", .memory = ram,
        .writable = true });
    if (!model->is_51)
        bus_add(nrf5->bus, &(struct bus_region){
            .base = CODE_RAM_BASE, .size = model->ram_size, .name = "code RAM", .memory = ram,
            .writable = true });
}

/* A ROM table that says "Nordic, part 1, third revision", and points at the core's. */
static uint32_t read_rom_table_51(void *ctx, uint32_t offset, int width)
{
    static const struct { uint16_t offset; uint32_t value; } rows[] = {
        { 0x000, 0xF00FF003 }, { 0xFCC, 0x01 }, { 0xFD0, 0x02 }, { 0xFE0, 0x01 },
        { 0xFE4, 0x40 }, { 0xFE8, 0x3C }, { 0xFF0, 0x0D }, { 0xFF4, 0x10 }, { 0xFF8, 0x05 },
        { 0xFFC, 0xB1 },
    };
    (void)ctx, (void)width;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].offset == offset)
            return rows[i].value;
    return 0;
}

static void add_access_ports(struct nrf5 *nrf5)
{
    nrf5->chip.debug_port = swdp_new(&nrf5->chip, &nrf5->model->port);
    if (nrf5->model->is_51) {
        swdp_hide(nrf5->chip.debug_port, nrf5_nvmc_hides, nrf5);
        bus_add(nrf5->bus, &(struct bus_region){
            .base = ROM_TABLE_51, .size = 0x1000, .name = "ROM table of the chip",
            .read = read_rom_table_51 });
        return;
    }
    swdp_enable_bus(nrf5->chip.debug_port, false);
    swdp_add_ap(nrf5->chip.debug_port, &(struct vendor_ap){
        .number = 1, .read = ctrl_read, .write = ctrl_write, .ctx = nrf5 });
}

static void add_debug(struct nrf5 *nrf5)
{
    nrf5->coredebug = coredebug_new(nrf5->cpu, &nrf5->model->debug);
    nrf5->cpu->debug = nrf5->coredebug;
    snprintf(nrf5->swdio_name, sizeof nrf5->swdio_name, "%s SWDIO", nrf5->name);
    snprintf(nrf5->swclk_name, sizeof nrf5->swclk_name, "%s SWCLK", nrf5->name);
    if (!nrf5->model->is_51)
        nrf5_power_connect_swo(nrf5);
    pin_init(&nrf5->swdio, nrf5->sim, nrf5->swdio_name, swdio_changed, nrf5);
    pin_init(&nrf5->swclk, nrf5->sim, nrf5->swclk_name, swclk_changed, nrf5);
}

struct chip *nrf5_new(struct sim *sim, const char *name, const struct nrf5_model *model,
                      bool hardened, uint32_t unique_id)
{
    struct nrf5 *nrf5 = calloc(1, sizeof *nrf5);
    nrf5->sim = sim;
    nrf5->name = name;
    nrf5->model = model;
    nrf5->hardened = hardened;
    nrf5->chip = (struct chip){
        .name = model->name, .sim = sim, .pin = chip_pin, .power = chip_power,
        .signal_pin = model->is_51 ? signal_pin_51 : signal_pin_52,
        .reset = chip_reset, .free = chip_destroy, .state = nrf5,
    };
    alarm_init(&nrf5->reset_done, reset_over, nrf5);
    alarm_init(&nrf5->pin_reset, both_low_for_long, nrf5);
    add_core(nrf5);
    add_ficr(nrf5, unique_id);
    nrf5_nvmc_new(nrf5);
    nrf5_gpio_new(nrf5);
    nrf5_power_new(nrf5);
    nrf5_uart_new(nrf5);
    add_absent(nrf5);
    add_access_ports(nrf5);
    add_debug(nrf5);
    reset_begin(nrf5, RESET_POWER);
    return &nrf5->chip;
}
