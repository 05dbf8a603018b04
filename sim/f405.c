/* f405.c - an STM32F405RG: the core, its memories, its peripherals, its reset.
 *
 *   called by  board.c      calls  one file per peripheral (f405.h), cpu.h, swdp.h
 *
 *   0x00000000  alias of flash or of system memory, as BOOT0 said at reset
 *   0x08000000  flash, 1 MB              0x10000000  CCM, 64 KB: data only
 *   0x1FFF0000  system memory, OTP, unique id, size     0x1FFFC000  option bytes
 *   0x20000000  SRAM, 112 + 16 KB        0x40000000  APB1   0x40010000  APB2
 *   0x40020000  AHB1                     0xE0042000  DBGMCU
 *
 * The core is a Cortex-M4 by its ids; its DSP instructions and FPU are not modelled, and are
 * reported when a program uses them.
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
#include "f405.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RAM_BASE = 0x20000000, RAM_SIZE = 128 * 1024, CCM_BASE = 0x10000000,
       CCM_SIZE = 64 * 1024 };
enum { ACR_LATENCY = 7, ACR_PRFTEN = 1 << 8, ACR_ICEN = 1 << 9 };
#define POWER_ON_TIME (1500 * SIM_US)       /* DS8626 table 19, tRSTTEMPO typical */
#define RESET_PULSE   (20 * SIM_US)

void f405_report(struct f405 *f405, enum sim_problem kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    sim_report_chip(f405->sim, f405->cpu, f405->name, kind, format, args);
    va_end(args);
}

void f405_irq(struct f405 *f405, int line, bool level) { cpu_irq(f405->cpu, line, level); }

/* --- register blocks ---------------------------------------------------------------- */

static bool gate_open(const struct f405_block *block, const char *verb, uint32_t offset)
{
    if (f405_rcc_gate_open(block->f405->rcc, block->bus, block->bit))
        return true;
    if (block->f405->bus->master != BUS_DEBUG)
        f405_report(block->f405, SIM_FORGIVEN, "%s of %s+0x%02X while its clock is off in RCC",
                    verb, block->name, offset);
    return false;
}

static void check_width(const struct f405_block *block, uint32_t offset, int width)
{
    if (width < block->narrowest && block->f405->bus->master == BUS_DATA)
        f405_report(block->f405, SIM_FORGIVEN, "%d-bit access to %s+0x%02X, which takes %d bits "
                    "or more", 8 * width, block->name, offset, 8 * block->narrowest);
}

static uint32_t block_read(void *ctx, uint32_t offset, int width)
{
    struct f405_block *block = ctx;
    if (!gate_open(block, "read", offset))
        return 0;
    check_width(block, offset, width);
    return block->read(block->ctx, offset & ~3u) >> 8 * (offset & 3);
}

static void block_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct f405_block *block = ctx;
    if (!gate_open(block, "write", offset))
        return;
    check_width(block, offset, width);
    uint32_t mask = width == 4 ? ~0u : width == 2 ? 0xFFFF : 0xFF;
    unsigned lane = 8 * (offset & 3);
    if (width < 4 && block->bus >= F405_APB1)
        value = (value & mask) * (width == 2 ? 0x00010001 : 0x01010101);
    else if (width < 4)
        value = (value & mask) << lane |
                (block->read(block->ctx, offset & ~3u) & ~(mask << lane));
    block->write(block->ctx, offset & ~3u, value);
}

struct f405_block *f405_add_block(struct f405 *f405, const struct f405_block *given)
{
    if (f405->block_count == F405_BLOCKS)
        abort();
    struct f405_block *block = &f405->blocks[f405->block_count++];
    *block = *given;
    block->f405 = f405;
    block->region = bus_add(f405->bus, &(struct bus_region){
        .base = block->base, .size = block->size, .name = block->name, .read = block_read,
        .write = block_write, .ctx = block });
    return block;
}

/* On the chip, but not in this model: the bus reports every access by name. */
static const struct { const char *name; uint32_t base, size; } absent[] = {
    { "TIM2", 0x40000000, 0x400 }, { "TIM3", 0x40000400, 0x400 },
    { "TIM4", 0x40000800, 0x400 }, { "TIM5", 0x40000C00, 0x400 },
    { "TIM6", 0x40001000, 0x400 }, { "TIM7", 0x40001400, 0x400 },
    { "TIM12", 0x40001800, 0x400 }, { "TIM13", 0x40001C00, 0x400 },
    { "TIM14", 0x40002000, 0x400 }, { "RTC and BKP", 0x40002800, 0x400 },
    { "SPI2", 0x40003800, 0x400 }, { "SPI3", 0x40003C00, 0x400 },
    { "UART4", 0x40004C00, 0x400 }, { "UART5", 0x40005000, 0x400 },
    { "I2C1", 0x40005400, 0x400 }, { "I2C2", 0x40005800, 0x400 },
    { "I2C3", 0x40005C00, 0x400 }, { "CAN1", 0x40006400, 0x400 },
    { "CAN2", 0x40006800, 0x400 }, { "DAC", 0x40007400, 0x400 },
    { "TIM1", 0x40010000, 0x400 }, { "TIM8", 0x40010400, 0x400 },
    { "ADC", 0x40012000, 0x400 }, { "SDIO", 0x40012C00, 0x400 },
    { "SPI1", 0x40013000, 0x400 }, { "EXTI", 0x40013C00, 0x400 },
    { "TIM9", 0x40014000, 0x400 }, { "TIM10", 0x40014400, 0x400 },
    { "TIM11", 0x40014800, 0x400 }, { "CRC", 0x40023000, 0x400 },
    { "BKPSRAM", 0x40024000, 0x1000 }, { "DMA1", 0x40026000, 0x400 },
    { "DMA2", 0x40026400, 0x400 }, { "USB OTG HS", 0x40040000, 0x40000 },
    { "USB OTG FS", 0x50000000, 0x40000 }, { "RNG", 0x50060800, 0x400 },
};

static void add_absent(struct f405 *f405)
{
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++)
        bus_add(f405->bus, &(struct bus_region){
            .base = absent[i].base, .size = absent[i].size, .name = absent[i].name });
}

/* As f103.c has it, from AN2548: a read across a bridge at HCLK / n takes 2n cycles more, a
 * write keeps the bridge busy for 2n - 1. */
void f405_set_costs(struct f405 *f405)
{
    uint32_t acr = f405_flash_acr(f405->flash);
    cpu_set_clock(f405->cpu, f405_rcc_hclk(f405->rcc));
    for (int i = 0; i < f405->block_count; i++) {
        struct f405_block *block = &f405->blocks[i];
        if (block->bus < F405_APB1)
            continue;
        sim_time n = f405_rcc_clock(f405->rcc, block->bus) / f405_rcc_hclk(f405->rcc);
        block->region->read_wait = (uint8_t)(2 * n);
        block->region->write_wait = (uint8_t)(2 * n - 1);
    }
    struct bus_region *flash[] = { f405->flash_region, f405->boot_region };
    for (int i = 0; i < 2; i++) {
        flash[i]->read_wait = acr & ACR_ICEN ? 0 : (uint8_t)(acr & ACR_LATENCY);
        flash[i]->prefetch = acr & ACR_PRFTEN;
    }
}

/* --- memory, boot -------------------------------------------------------------------- */

static void scramble(struct f405 *f405, uint32_t base, uint32_t size)
{
    uint8_t *ram = bus_find(f405->bus, base)->memory;
    for (uint32_t i = 0; i < size; i += 4) {
        uint32_t word = sim_random(f405->sim);
        memcpy(ram + i, &word, 4);
    }
}

/* RM0090 2.4: latched as the chip leaves reset. */
static void latch_boot_pin(struct f405 *f405)
{
    bool boot0 = f405->boot0.net && pin_sample(&f405->boot0);
    f405->boot_region->memory = boot0 ? f405->system_memory : f405->chip.flash;
    if (boot0)
        f405_report(f405, SIM_UNMODELLED, "BOOT0 high: ST's boot loader is not here");
}

void f405_apply_debug_port(struct f405 *f405)
{
    if (f405->chip.debug_port)
        swdp_enable(f405->chip.debug_port, f405_gpio_debug_pins(f405->gpio) &&
                                           f405_flash_debug_port_open(f405->flash));
}

/* --- reset -------------------------------------------------------------------------- */

static void reset_begin(struct f405 *f405, enum reset_cause cause)
{
    f405->cause = cause;
    f405->in_reset = true;
    f405->cpu->held_in_reset = true;
    for (int i = 0; i < f405->block_count; i++)
        if (f405->blocks[i].reset)
            f405->blocks[i].reset(f405->blocks[i].ctx);
    f405_rcc_reset_cause(f405->rcc, cause);
}

static void start_core(struct f405 *f405)
{
    f405->cpu->held_in_reset = false;
    cpu_reset(f405->cpu);
    coredebug_core_reset(f405->coredebug);
}

static void reset_end(struct f405 *f405)
{
    f405->in_reset = false;
    latch_boot_pin(f405);
    f405_flash_reset_over(f405->flash);
    f405_debug_chip_starts(f405->debug);
    start_core(f405);
}

static bool nrst_is_high(struct f405 *f405)
{
    return !f405->nrst.net || pin_sample(&f405->nrst);
}

static void reset_pulse_over(void *ctx)
{
    struct f405 *f405 = ctx;
    f405->nrst_ours = false;
    pin_drive(&f405->nrst, DRIVE_PULL_UP);
    if (f405->in_reset && nrst_is_high(f405))
        reset_end(f405);
}

static void reset_for(struct f405 *f405, enum reset_cause cause, sim_time how_long)
{
    reset_begin(f405, cause);
    f405->nrst_ours = true;
    pin_drive(&f405->nrst, DRIVE_LOW);
    alarm_set(f405->sim, &f405->reset_done, f405->sim->now + how_long);
}

void f405_reset_internal(struct f405 *f405, enum reset_cause cause)
{
    if (f405->chip.powered && !f405->in_reset)
        reset_for(f405, cause, RESET_PULSE);
}

static void nrst_changed(void *ctx, int level)
{
    struct f405 *f405 = ctx;
    if (!f405->chip.powered || f405->nrst_ours)
        return;
    if (!level && !f405->in_reset)
        reset_begin(f405, RESET_PIN);
    else if (level && f405->in_reset)
        reset_end(f405);
}

/* VECTRESET resets the core and nothing else, once its present instruction is over. */
static void vector_reset(void *ctx) { start_core(ctx); }

static void core_asks_for_reset(void *ctx, bool system)
{
    struct f405 *f405 = ctx;
    if (system)
        f405_reset_internal(f405, RESET_SOFTWARE);
    else
        alarm_set(f405->sim, &f405->vector_reset, f405->sim->now);
}

static void chip_reset(struct chip *chip, enum reset_cause cause)
{
    f405_reset_internal(chip->state, cause);
}

static void chip_power(struct chip *chip, bool on)
{
    struct f405 *f405 = chip->state;
    if (on == chip->powered)
        return;
    chip->powered = on;
    f405_flash_power(f405->flash, on);
    f405_debug_power(f405->debug, on);
    if (on) {
        scramble(f405, RAM_BASE, RAM_SIZE);
        scramble(f405, CCM_BASE, CCM_SIZE);
        f405_rcc_power_on(f405->rcc);
        f405_gpio_power(f405->gpio, true);
        coredebug_power_reset(f405->coredebug);
        swdp_power(chip->debug_port, true);
        reset_for(f405, RESET_POWER, POWER_ON_TIME);
        return;
    }
    reset_begin(f405, RESET_POWER);
    alarm_cancel(f405->sim, &f405->reset_done);
    alarm_cancel(f405->sim, &f405->vector_reset);
    swdp_power(chip->debug_port, false);
    f405_gpio_power(f405->gpio, false);
    f405->nrst_ours = false;
    pin_drive(&f405->nrst, DRIVE_OPEN);
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
    struct f405 *f405 = chip->state;
    if (strcmp(name, "NRST") == 0)
        return &f405->nrst;
    if (strcmp(name, "BOOT0") == 0)
        return &f405->boot0;
    return f405_gpio_pin(f405->gpio, name);
}

static void chip_destroy(struct chip *chip)
{
    struct f405 *f405 = chip->state;
    if (chip->powered)
        chip_power(chip, false);
    swdp_free(chip->debug_port);
    for (int i = 0; i < F405_USARTS; i++)
        f405_usart_free(f405->usart[i]);
    f405_gpio_free(f405->gpio);
    f405_debug_free(f405->debug);
    f405_flash_free(f405->flash);
    f405_rcc_free(f405->rcc);
    coredebug_free(f405->coredebug);
    free(bus_find(f405->bus, RAM_BASE)->memory);
    free(bus_find(f405->bus, CCM_BASE)->memory);
    free(f405->system_memory);
    cpu_free(f405->cpu);
    bus_free(f405->bus);
    free(f405);
}

/* --- construction ------------------------------------------------------------------- */

static void add_core(struct f405 *f405)
{
    f405->bus = bus_new(f405->sim, f405->name);
    f405->bus->bit_band = true;
    f405->cpu = cpu_new(f405->sim, f405->bus, &(struct cpu_config){
        .name = f405->name, .arch = CPU_ARMV7M, .cpuid = 0x410FC241,       /* r0p1 */
        .irq_count = F405_IRQS, .priority_bits = 4, .has_vtor = true,
        .systick_calib = 18750,             /* RM0090 12.1.1 */
    });
    f405->cpu->held_in_reset = true;
    f405->cpu->reset_request = core_asks_for_reset;
    f405->cpu->chip = f405;
    f405->chip.cpu = f405->cpu;
    f405->chip.bus = f405->bus;
    f405->chip.ram_base = RAM_BASE;
    f405->chip.ram_size = RAM_SIZE;
    bus_add(f405->bus, &(struct bus_region){
        .base = RAM_BASE, .size = RAM_SIZE, .name = "SRAM", .memory = calloc(1, RAM_SIZE),
        .writable = true });
    bus_add(f405->bus, &(struct bus_region){
        .base = CCM_BASE, .size = CCM_SIZE, .name = "CCM", .memory = calloc(1, CCM_SIZE),
        .writable = true, .data_only = true });
}

static void add_debug(struct f405 *f405)
{
    /* Armv7-M ARM table C1-3; the last entry, the ETM, says "not present". */
    static const uint32_t rom_entries[] = {
        0xFFF0F003, 0xFFF02003, 0xFFF03003, 0xFFF01003, 0xFFF41003, 0xFFF42002, 0,
    };
    f405->chip.debug_port = swdp_new(&f405->chip, &(struct swdp_config){
        .idcode = 0x2BA01477, .ap_idr = 0x24770011, .rom_table = 0xE00FF000,
        .packed_transfers = true, .tar_wrap = 0x1000, .has_jtag = true,
        .jtag_idcode = 0x4BA00477, .scan_idcode = 0x06413041,   /* RM0090 38.6.2, 38.6.3 */
    });
    f405->coredebug = coredebug_new(f405->cpu, &(struct coredebug_config){
        .breakpoints = 6, .literals = 2, .watchpoints = 4,
        .peripheral_id = { 0x13, 0x04, 0x0A, 0x00, 0x00 },      /* part 0x413 by ST */
        .component_id = { 0x0D, 0x10, 0x05, 0xB1 },
        .rom_base = 0xE00FF000, .rom_entries = rom_entries });
    f405->cpu->debug = f405->coredebug;
    swdp_restrict(f405->chip.debug_port, f405_flash_debugger_allowed, f405);
}

static void add_reset_pins(struct f405 *f405)
{
    snprintf(f405->nrst_name, sizeof f405->nrst_name, "%s NRST", f405->name);
    snprintf(f405->boot0_name, sizeof f405->boot0_name, "%s BOOT0", f405->name);
    pin_init(&f405->nrst, f405->sim, f405->nrst_name, nrst_changed, f405);
    pin_init(&f405->boot0, f405->sim, f405->boot0_name, NULL, NULL);
    alarm_init(&f405->reset_done, reset_pulse_over, f405);
    alarm_init(&f405->vector_reset, vector_reset, f405);
}

struct chip *f405_new(struct sim *sim, const char *name, uint32_t unique_id)
{
    struct f405 *f405 = calloc(1, sizeof *f405);
    f405->sim = sim;
    f405->name = name;
    f405->chip = (struct chip){
        .name = "stm32f405", .sim = sim, .signal_pin = signal_pin, .pin = chip_pin,
        .power = chip_power, .reset = chip_reset, .free = chip_destroy, .state = f405,
    };
    add_core(f405);
    add_reset_pins(f405);
    f405_rcc_new(f405);
    f405_debug_new(f405);
    f405_debug_system_memory(f405, unique_id);
    f405_flash_new(f405);
    f405_gpio_new(f405);
    for (int i = 0; i < F405_USARTS; i++)
        f405_usart_new(f405, i);
    add_absent(f405);
    add_debug(f405);
    f405_set_costs(f405);
    return &f405->chip;
}
