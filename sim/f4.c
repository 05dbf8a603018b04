/* f4.c - an STM32F2, F4 or F7: the core, its memories, its peripherals, its reset.
 *
 *   called by  board.c      calls  one file per peripheral (f4.h), cpu.h, swdp.h, l1.h
 *
 *                 F2, F4                                     F7
 *   0x00000000    alias of flash or of system memory         ITCM RAM
 *   0x00100000                                               system memory, flash at 0x00200000
 *   0x08000000    flash                                      flash, behind the caches
 *   0x10000000    CCM: data only
 *   0x1FFF0000    system memory, OTP, unique id, size        option bytes
 *   0x20000000    SRAM                                       DTCM, then SRAM behind the caches
 *
 * What one part has and another has not is data (f4_parts.c).  An F4 boots from what BOOT0 puts
 * at 0; of an F7 the pin chooses one of two addresses, where VTOR then is.
 *
 * Every register access passes block_read() or block_write(), which know what holds for all
 * peripherals: behind a closed clock gate registers read 0 and forget writes (RM0090 7.3.10);
 * the APB bridges repeat a narrow write on all byte lanes (2.2).
 *
 * CCM hangs on the D-bus alone (2.1.6): the core's and the debugger's data get there, fetches
 * do not.  The signals are on the pins that ST's boot loader uses: USART1, PA9 and PA10.
 *
 * Reset: NRST is a pin with a pull-up.  Low holds the chip; a reset from inside pulls it low
 * for 20 us (DS8626 5.3.17), so whoever shares the net sees it.
 *
 * Assumed: an APB access costs as on an F103; with the instruction cache on, flash costs no
 * wait states (RM0090 3.4 promises as much). */
#include "f4.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RAM_BASE = 0x20000000 };
#define POWER_ON_TIME (1500 * SIM_US)       /* DS8626 table 19, tRSTTEMPO typical */
#define RESET_PULSE   (20 * SIM_US)

void f4_report(struct f4 *f4, enum sim_problem kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    sim_report_chip(f4->sim, f4->cpu, f4->name, kind, format, args);
    va_end(args);
}

void f4_irq(struct f4 *f4, int line, bool level) { cpu_irq(f4->cpu, line, level); }

/* --- register blocks ---------------------------------------------------------------- */

static bool gate_open(const struct f4_block *block, const char *verb, uint32_t offset)
{
    if (f4_rcc_gate_open(block->f4->rcc, block->bus, block->bit))
        return true;
    if (block->f4->bus->master != BUS_DEBUG)
        f4_report(block->f4, SIM_FORGIVEN, "%s of %s+0x%02X while its clock is off in RCC",
                  verb, block->name, offset);
    return false;
}

static void check_width(const struct f4_block *block, uint32_t offset, int width)
{
    if (width < block->narrowest && block->f4->bus->master == BUS_DATA)
        f4_report(block->f4, SIM_FORGIVEN, "%d-bit access to %s+0x%02X, which takes %d bits "
                  "or more", 8 * width, block->name, offset, 8 * block->narrowest);
}

static uint32_t block_read(void *ctx, uint32_t offset, int width)
{
    struct f4_block *block = ctx;
    if (!gate_open(block, "read", offset))
        return 0;
    check_width(block, offset, width);
    return block->read(block->ctx, offset & ~3u) >> 8 * (offset & 3);
}

static void block_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct f4_block *block = ctx;
    if (!gate_open(block, "write", offset))
        return;
    check_width(block, offset, width);
    uint32_t mask = width == 4 ? ~0u : width == 2 ? 0xFFFF : 0xFF;
    unsigned lane = 8 * (offset & 3);
    if (width < 4 && block->bus >= F4_APB1)
        value = (value & mask) * (width == 2 ? 0x00010001 : 0x01010101);
    else if (width < 4)
        value = (value & mask) << lane |
                (block->read(block->ctx, offset & ~3u) & ~(mask << lane));
    block->write(block->ctx, offset & ~3u, value);
}

struct f4_block *f4_add_block(struct f4 *f4, const struct f4_block *given)
{
    if (f4->block_count == F4_BLOCKS)
        abort();
    struct f4_block *block = &f4->blocks[f4->block_count++];
    *block = *given;
    block->f4 = f4;
    block->region = bus_add(f4->bus, &(struct bus_region){
        .base = block->base, .size = block->size, .name = block->name, .read = block_read,
        .write = block_write, .ctx = block });
    return block;
}

/* On the chip, but not in this model: the bus reports every access by name. */
static void add_absent(struct f4 *f4)
{
    for (const struct f4_area *area = f4->part->absent; area->name; area++)
        bus_add(f4->bus, &(struct bus_region){
            .base = area->base, .size = area->size, .name = area->name });
}

/* As f103.c has it, from AN2548: a read across a bridge at HCLK / n takes 2n cycles more, a
 * write keeps the bridge busy for 2n - 1. */
void f4_set_costs(struct f4 *f4)
{
    cpu_set_clock(f4->cpu, f4_rcc_hclk(f4->rcc));
    for (int i = 0; i < f4->block_count; i++) {
        struct f4_block *block = &f4->blocks[i];
        if (block->bus < F4_APB1)
            continue;
        sim_time n = f4_rcc_clock(f4->rcc, block->bus) / f4_rcc_hclk(f4->rcc);
        block->region->read_wait = (uint8_t)(2 * n);
        block->region->write_wait = (uint8_t)(2 * n - 1);
    }
    f4_flash_set_costs(f4->flash);
}

/* --- memory, boot -------------------------------------------------------------------- */

static void scramble(struct f4 *f4)
{
    for (int n = 0; n < f4->ram_count; n++)
        for (uint32_t i = 0; i < f4->rams[n].what->size; i += 4) {
            uint32_t word = sim_random(f4->sim);
            memcpy(f4->rams[n].bytes + i, &word, 4);
        }
}

/* While an M7's caches are on, its SRAM is asked through them. */
static uint32_t ram_read(void *ctx, uint32_t offset, int width)
{
    struct f4_ram *ram = ctx;
    return l1_read(ram->f4->cpu->l1, ram->what->base + offset, ram->bytes + offset, width);
}

static void ram_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct f4_ram *ram = ctx;
    l1_write(ram->f4->cpu->l1, ram->what->base + offset, ram->bytes + offset, value, width);
}

static void caches_switched(void *ctx)
{
    struct f4 *f4 = ctx;
    for (int n = 0; n < f4->ram_count; n++)
        if (f4->rams[n].what->kind == F4_CACHED)
            f4->rams[n].region->memory = l1_is_on(f4->cpu->l1) ? NULL : f4->rams[n].bytes;
    f4_flash_caches_switched(f4->flash);
}

static bool in_system_memory(const struct f4_part *part, uint32_t address)
{
    return address - part->system_base < part->system_size ||
           address - part->system_itcm < part->system_size;
}

static bool in_flash(const struct f4_part *part, uint32_t address)
{
    return address - 0x08000000 < part->flash.size ||
           address - part->flash.itcm_base < part->flash.size;
}

/* RM0385 2.5: the pin chooses one of two option words; where nothing is, and at level 2 in RAM,
 * the core begins at a default.  A dual boot (RM0410 2.5) into flash is ST's boot loader's. */
static void latch_boot_address(struct f4 *f4, int pin)
{
    const struct f4_part *part = f4->part;
    uint32_t address = f4_flash_boot_address(f4->flash, pin);
    bool ours = in_flash(part, address) || in_system_memory(part, address);
    if (in_flash(part, address) && f4_flash_boots_twice(f4->flash))
        address = part->system_base;
    else if (!ours && !f4_flash_debug_port_open(f4->flash))
        address = part->flash.itcm_base;
    else if (!bus_find(f4->bus, address))
        address = pin ? 0 : part->flash.itcm_base;
    f4->cpu->config.vector_base = address;
    f4->booted_elsewhere = !in_flash(part, address);
    if (in_system_memory(part, address))
        f4_report(f4, SIM_UNMODELLED, "boot from 0x%08X: ST's boot loader is not here", address);
}

/* Latched as the chip leaves reset.  RM0090 2.4: BFB2 goes before the pin. */
static void latch_boot_pin(struct f4 *f4)
{
    bool boot0 = f4->boot0.net && pin_sample(&f4->boot0);
    if (f4->part->f7) {
        latch_boot_address(f4, boot0);
        return;
    }
    f4->from_system_memory = f4->booted_elsewhere = boot0 || f4_flash_boots_twice(f4->flash);
    if (f4->from_system_memory)
        f4_report(f4, SIM_UNMODELLED, "BOOT0 high, or BFB2: ST's boot loader is not here");
}

void f4_apply_debug_port(struct f4 *f4)
{
    if (f4->chip.debug_port)
        swdp_enable(f4->chip.debug_port, f4_gpio_debug_pins(f4->gpio) &&
                                         f4_flash_debug_port_open(f4->flash));
}

/* --- reset -------------------------------------------------------------------------- */

static void reset_begin(struct f4 *f4, enum reset_cause cause)
{
    f4->cause = cause;
    f4->in_reset = true;
    f4->cpu->held_in_reset = true;
    for (int i = 0; i < f4->block_count; i++)
        if (f4->blocks[i].reset)
            f4->blocks[i].reset(f4->blocks[i].ctx);
    f4_rcc_reset_cause(f4->rcc, cause);
}

static void start_core(struct f4 *f4)
{
    f4->cpu->held_in_reset = false;
    cpu_reset(f4->cpu);
    coredebug_core_reset(f4->coredebug);
}

static void reset_end(struct f4 *f4)
{
    f4->in_reset = false;
    f4_flash_load_options(f4->flash);
    latch_boot_pin(f4);
    f4_flash_reset_over(f4->flash);
    f4_debug_chip_starts(f4->debug);
    start_core(f4);
}

static bool nrst_is_high(struct f4 *f4)
{
    return !f4->nrst.net || pin_sample(&f4->nrst);
}

static void reset_pulse_over(void *ctx)
{
    struct f4 *f4 = ctx;
    f4->nrst_ours = false;
    pin_drive(&f4->nrst, DRIVE_PULL_UP);
    if (f4->in_reset && nrst_is_high(f4))
        reset_end(f4);
}

static void reset_for(struct f4 *f4, enum reset_cause cause, sim_time how_long)
{
    reset_begin(f4, cause);
    f4->nrst_ours = true;
    pin_drive(&f4->nrst, DRIVE_LOW);
    alarm_set(f4->sim, &f4->reset_done, f4->sim->now + how_long);
}

void f4_reset_internal(struct f4 *f4, enum reset_cause cause)
{
    if (f4->chip.powered && !f4->in_reset)
        reset_for(f4, cause, RESET_PULSE);
}

static void nrst_changed(void *ctx, int level)
{
    struct f4 *f4 = ctx;
    if (!f4->chip.powered || f4->nrst_ours)
        return;
    if (!level && !f4->in_reset)
        reset_begin(f4, RESET_PIN);
    else if (level && f4->in_reset)
        reset_end(f4);
}

/* VECTRESET resets the core and nothing else, once its present instruction is over. */
static void vector_reset(void *ctx) { start_core(ctx); }

static void core_asks_for_reset(void *ctx, bool system)
{
    struct f4 *f4 = ctx;
    if (system)
        f4_reset_internal(f4, RESET_SOFTWARE);
    else
        alarm_set(f4->sim, &f4->vector_reset, f4->sim->now);
}

static void chip_reset(struct chip *chip, enum reset_cause cause)
{
    f4_reset_internal(chip->state, cause);
}

static void chip_power(struct chip *chip, bool on)
{
    struct f4 *f4 = chip->state;
    if (on == chip->powered)
        return;
    chip->powered = on;
    f4_flash_power(f4->flash, on);
    f4_debug_power(f4->debug, on);
    if (on) {
        scramble(f4);
        if (f4->cpu->l1)
            l1_power(f4->cpu->l1);
        f4_rcc_power_on(f4->rcc);
        f4_gpio_power(f4->gpio, true);
        coredebug_power_reset(f4->coredebug);
        swdp_power(chip->debug_port, true);
        reset_for(f4, RESET_POWER, POWER_ON_TIME);
        return;
    }
    reset_begin(f4, RESET_POWER);
    alarm_cancel(f4->sim, &f4->reset_done);
    alarm_cancel(f4->sim, &f4->vector_reset);
    swdp_power(chip->debug_port, false);
    f4_gpio_power(f4->gpio, false);
    f4->nrst_ours = false;
    pin_drive(&f4->nrst, DRIVE_OPEN);
}

/* --- the chip as others see it -------------------------------------------------------- */

static const char *signal_pin(const char *signal)
{
    static const struct { const char *signal, *pin; } signals[] = {
        { "SWDIO", "PA13" }, { "SWCLK", "PA14" }, { "TDI", "PA15" }, { "TDO", "PB3" },
        { "SWO", "PB3" }, { "NRST", "NRST" }, { "TX", "PA9" }, { "RX", "PA10" },
    };
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        if (strcmp(signals[i].signal, signal) == 0)
            return signals[i].pin;
    return NULL;
}

static struct pin *chip_pin(struct chip *chip, const char *name)
{
    struct f4 *f4 = chip->state;
    if (strcmp(name, "NRST") == 0)
        return &f4->nrst;
    if (strcmp(name, "BOOT0") == 0)
        return &f4->boot0;
    return f4_gpio_pin(f4->gpio, name);
}

static void chip_destroy(struct chip *chip)
{
    struct f4 *f4 = chip->state;
    if (chip->powered)
        chip_power(chip, false);
    swdp_free(chip->debug_port);
    for (int i = 0; i < F4_USARTS; i++)
        f4_usart_free(f4->usart[i]);
    f4_gpio_free(f4->gpio);
    f4_debug_free(f4->debug);
    f4_flash_free(f4->flash);
    f4_rcc_free(f4->rcc);
    coredebug_free(f4->coredebug);
    l1_free(f4->cpu->l1);
    for (int n = 0; n < f4->ram_count; n++)
        free(f4->rams[n].bytes);
    free(f4->system_memory);
    cpu_free(f4->cpu);
    bus_free(f4->bus);
    free(f4);
}

/* --- construction ------------------------------------------------------------------- */

static void add_memories(struct f4 *f4)
{
    for (const struct f4_memory *memory = f4->part->memories; memory->name; memory++) {
        struct f4_ram *ram = &f4->rams[f4->ram_count++];
        *ram = (struct f4_ram){ f4, memory, calloc(1, memory->size), NULL };
        ram->region = bus_add(f4->bus, &(struct bus_region){
            .base = memory->base, .size = memory->size, .name = memory->name,
            .memory = ram->bytes, .writable = true, .read = ram_read, .write = ram_write,
            .ctx = ram, .data_only = memory->kind == F4_DATA_ONLY });
    }
}

static void add_core(struct f4 *f4)
{
    f4->bus = bus_new(f4->sim, f4->name);
    f4->bus->bit_band = !f4->part->f7;
    f4->cpu = cpu_new(f4->sim, f4->bus, &(struct cpu_config){
        .name = f4->name, .arch = f4->part->arch, .fpu = f4->part->fpu, .cpuid = f4->part->cpuid,
        .irq_count = f4->part->irqs, .priority_bits = 4, .has_vtor = true,
        .systick_calib = f4->part->systick_calib,
    });
    f4->cpu->held_in_reset = true;
    f4->cpu->reset_request = core_asks_for_reset;
    f4->cpu->chip = f4;
    f4->chip.cpu = f4->cpu;
    f4->chip.bus = f4->bus;
    f4->chip.ram_base = RAM_BASE;
    f4->chip.ram_size = f4->part->ram_size;
    add_memories(f4);
    if (f4->part->l1_bytes)
        l1_new(f4->cpu, f4->part->l1_bytes, f4->part->l1_bytes, caches_switched, f4);
}

static void add_debug(struct f4 *f4)
{
    f4->chip.debug_port = swdp_new(&f4->chip, &f4->part->port);
    f4->coredebug = coredebug_new(f4->cpu, &f4->part->debug);
    f4->cpu->debug = f4->coredebug;
    swdp_restrict(f4->chip.debug_port, f4_flash_debugger_allowed, f4);
    f4_debug_connect(f4);
}

static void add_reset_pins(struct f4 *f4)
{
    snprintf(f4->nrst_name, sizeof f4->nrst_name, "%s NRST", f4->name);
    snprintf(f4->boot0_name, sizeof f4->boot0_name, "%s BOOT0", f4->name);
    pin_init(&f4->nrst, f4->sim, f4->nrst_name, nrst_changed, f4);
    pin_init(&f4->boot0, f4->sim, f4->boot0_name, NULL, NULL);
    alarm_init(&f4->reset_done, reset_pulse_over, f4);
    alarm_init(&f4->vector_reset, vector_reset, f4);
}

struct chip *f4_new(struct sim *sim, const char *name, uint32_t unique_id,
                    const struct f4_part *part)
{
    struct f4 *f4 = calloc(1, sizeof *f4);
    f4->sim = sim;
    f4->name = name;
    f4->part = part;
    f4->millivolts = 3300;
    f4->chip = (struct chip){
        .name = part->name, .sim = sim, .signal_pin = signal_pin, .pin = chip_pin,
        .power = chip_power, .reset = chip_reset, .free = chip_destroy, .state = f4,
    };
    add_core(f4);
    add_reset_pins(f4);
    f4_rcc_new(f4);
    f4_debug_new(f4);
    f4_debug_system_memory(f4, unique_id);
    f4_flash_new(f4);
    f4_gpio_new(f4);
    for (int i = 0; i < F4_USARTS; i++)
        f4_usart_new(f4, i);
    add_absent(f4);
    add_debug(f4);
    f4_set_costs(f4);
    return &f4->chip;
}

struct chip *stm32f205_new(struct sim *sim, const char *name, uint32_t unique_id)
{
    return f4_new(sim, name, unique_id, &f4_parts[F4_STM32F205]);
}

struct chip *stm32f405_new(struct sim *sim, const char *name, uint32_t unique_id)
{
    return f4_new(sim, name, unique_id, &f4_parts[F4_STM32F405]);
}

struct chip *stm32f429_new(struct sim *sim, const char *name, uint32_t unique_id)
{
    return f4_new(sim, name, unique_id, &f4_parts[F4_STM32F429]);
}

struct chip *stm32f746_new(struct sim *sim, const char *name, uint32_t unique_id)
{
    return f4_new(sim, name, unique_id, &f4_parts[F4_STM32F746]);
}

struct chip *stm32f767_new(struct sim *sim, const char *name, uint32_t unique_id)
{
    return f4_new(sim, name, unique_id, &f4_parts[F4_STM32F767]);
}
