/* l4.c - an STM32 with the L4's ports and clocks: the core, its memories, boot, its reset.
 *
 *   called by  targets.c      calls  one file per peripheral (l4.h), cpu.h, swdp.h
 *
 *   0x00000000  alias of flash or of system memory, as the chip booted
 *   0x08000000  flash      0x1FFF0000  system memory, OTP, unique id, option bytes
 *   0x10000000  SRAM2 (L4), CCM SRAM (G4)      0x20000000  SRAM
 *   0x40000000  APB1       0x40010000  APB2   0x40020000  AHB1
 *   0x48000000  GPIO (G0: 0x50000000)         0xE0042000  DBGMCU (G0: 0x40015800)
 *
 * The core is a Cortex-M4, M3, M0+ or M0, as the type has it.
 *
 * Every register access passes block_read() or block_write(), which know what holds for all
 * peripherals: behind a closed clock gate registers read 0 and forget writes; the APB bridges
 * repeat a narrow write on all byte lanes.
 *
 * Boot, as a reset ends: BOOT0 (a pin of its own, PB8, PA14, or the option nBOOT0) and nBOOT1
 * choose flash or system memory.  Flash that was empty when the options were loaded (G0) gives
 * system memory too.  ST's loader is not ours to copy: there, an endless loop waits like one
 * that no host talks to.  What it does with BFB2, it does here at once: bank 2 first, if that
 * begins with a stack pointer.
 *
 * Reset: NRST is a pin with a pull-up, unless the option NRST_MODE makes it none.  Low holds
 * the chip; a reset from inside pulls it low for 20 us, so whoever shares the net sees it.
 * OBL_LAUNCH also loses the debug port and all that a debugger has set (chosen: probes are
 * known to lose the connection), but for an L0 or L1.
 *
 * Assumed: an APB access costs as on an F103; with the instruction cache on, flash costs no
 * wait states. */
#include "l4.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RAM_BASE = 0x20000000, SYSTEM_ROM = 0xF0000000 };
/* OPTR */
enum { BFB2 = 1 << 20, NBOOT1_G0 = 1 << 25, NBOOT1 = 1 << 23, BOOT_LOCK = 1 << 16,
       NBOOT_SEL = 1 << 24, NBOOT0_G0 = 1 << 26, NSWBOOT0 = 1 << 26, NBOOT0 = 1 << 27 };
#define POWER_ON_TIME (250 * SIM_US)        /* tRSTTEMPO, typical */
#define RESET_PULSE   (20 * SIM_US)

void l4_report(struct l4 *l4, enum sim_problem kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    sim_report_chip(l4->sim, l4->cpu, l4->name, kind, format, args);
    va_end(args);
}

void l4_irq(struct l4 *l4, int line, bool level) { cpu_irq(l4->cpu, line, level); }

/* --- register blocks ---------------------------------------------------------------- */

static bool gate_open(const struct l4_block *block, const char *verb, uint32_t offset)
{
    if (l4_rcc_gate_open(block->l4->rcc, block->enr, block->bit))
        return true;
    if (block->l4->bus->master != BUS_DEBUG)
        l4_report(block->l4, SIM_FORGIVEN, "%s of %s+0x%02X while its clock is off in RCC",
                    verb, block->name, offset);
    return false;
}

static void check_width(const struct l4_block *block, uint32_t offset, int width)
{
    if (width < block->narrowest && block->l4->bus->master == BUS_DATA)
        l4_report(block->l4, SIM_FORGIVEN, "%d-bit access to %s+0x%02X, which takes %d bits "
                    "or more", 8 * width, block->name, offset, 8 * block->narrowest);
}

static uint32_t block_read(void *ctx, uint32_t offset, int width)
{
    struct l4_block *block = ctx;
    if (!gate_open(block, "read", offset))
        return 0;
    check_width(block, offset, width);
    return block->read(block->ctx, offset & ~3u) >> 8 * (offset & 3);
}

static void block_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct l4_block *block = ctx;
    if (!gate_open(block, "write", offset))
        return;
    check_width(block, offset, width);
    uint32_t mask = width == 4 ? ~0u : width == 2 ? 0xFFFF : 0xFF;
    unsigned lane = 8 * (offset & 3);
    if (width < 4 && block->bus != L4_AHB)
        value = (value & mask) * (width == 2 ? 0x00010001 : 0x01010101);
    else if (width < 4)
        value = (value & mask) << lane |
                (block->read(block->ctx, offset & ~3u) & ~(mask << lane));
    block->write(block->ctx, offset & ~3u, value);
}

struct l4_block *l4_add_block(struct l4 *l4, const struct l4_block *given)
{
    if (l4->block_count == L4_BLOCKS)
        abort();
    struct l4_block *block = &l4->blocks[l4->block_count++];
    *block = *given;
    block->l4 = l4;
    block->region = bus_add(l4->bus, &(struct bus_region){
        .base = block->base, .size = block->size, .name = block->name, .read = block_read,
        .write = block_write, .ctx = block });
    return block;
}

/* On the chip, but not in this model: the bus reports every access by name. */
struct absent { const char *name; uint32_t base, size; };

static const struct absent absent_of_all[] = {
    { "TIM2", 0x40000000, 0x400 }, { "TIM3", 0x40000400, 0x400 },
    { "TIM6", 0x40001000, 0x400 }, { "TIM7", 0x40001400, 0x400 },
    { "RTC and TAMP", 0x40002800, 0x400 }, { "SPI2", 0x40003800, 0x400 },
    { "I2C1", 0x40005400, 0x400 }, { "I2C2", 0x40005800, 0x400 },
    { "SPI1", 0x40013000, 0x400 }, { "CRC", 0x40023000, 0x400 },
}, absent_of_g0[] = {
    { "TIM1", 0x40012C00, 0x400 }, { "DMA1", 0x40020000, 0x400 },
    { "TIM14", 0x40002000, 0x400 }, { "UART4", 0x40004C00, 0x400 },
    { "LPTIM1", 0x40007C00, 0x400 }, { "LPUART1", 0x40008000, 0x400 },
    { "ADC", 0x40012400, 0x400 }, { "TIM15, 16, 17", 0x40014000, 0xC00 },
    { "DMAMUX", 0x40020800, 0x400 }, { "EXTI", 0x40021800, 0x400 },
}, absent_of_m4[] = {
    { "TIM1", 0x40012C00, 0x400 }, { "DMA1", 0x40020000, 0x400 },
    { "TIM4", 0x40000800, 0x400 }, { "TIM5", 0x40000C00, 0x400 },
    { "SPI3", 0x40003C00, 0x400 }, { "UART4", 0x40004C00, 0x400 },
    { "UART5", 0x40005000, 0x400 }, { "EXTI", 0x40010400, 0x400 },
    { "TIM8", 0x40013400, 0x400 }, { "TIM15, 16, 17", 0x40014000, 0xC00 },
    { "DMA2", 0x40020400, 0x400 }, { "ADC", 0x50000000, 0x400 },
}, absent_of_l0[] = {
    { "LCD", 0x40002400, 0x400 }, { "LPUART1", 0x40004800, 0x400 },
    { "USB", 0x40005C00, 0x800 }, { "CRS", 0x40006C00, 0x400 }, { "DAC", 0x40007400, 0x400 },
    { "LPTIM1", 0x40007C00, 0x400 }, { "EXTI", 0x40010400, 0x400 },
    { "TIM21", 0x40010800, 0x400 }, { "TIM22", 0x40011400, 0x400 },
    { "ADC", 0x40012400, 0x400 }, { "DMA1", 0x40020000, 0x400 },
    { "TSC", 0x40024000, 0x400 }, { "RNG", 0x40025000, 0x400 },
}, absent_of_l1[] = {
    { "TIM4", 0x40000800, 0x400 }, { "TIM5", 0x40000C00, 0x400 }, { "LCD", 0x40002400, 0x400 },
    { "SPI3", 0x40003C00, 0x400 }, { "USB", 0x40005C00, 0x800 }, { "DAC", 0x40007400, 0x400 },
    { "COMP", 0x40007C00, 0x400 }, { "EXTI", 0x40010400, 0x400 },
    { "TIM9, 10, 11", 0x40010800, 0xC00 }, { "ADC", 0x40012400, 0x400 },
    { "GPIOH", 0x40021400, 0x400 }, { "DMA1", 0x40026000, 0x400 },
    { "DMA2", 0x40026400, 0x400 },
}, absent_of_f0[] = {
    { "TIM14", 0x40002000, 0x400 }, { "EXTI", 0x40010400, 0x400 },
    { "ADC", 0x40012400, 0x400 }, { "TIM1", 0x40012C00, 0x400 },
    { "TIM15, 16, 17", 0x40014000, 0xC00 }, { "DMA1", 0x40020000, 0x400 },
}, absent_of_f3[] = {
    { "TIM4", 0x40000800, 0x400 }, { "SPI3", 0x40003C00, 0x400 },
    { "UART4", 0x40004C00, 0x400 }, { "UART5", 0x40005000, 0x400 },
    { "USB", 0x40005C00, 0x800 }, { "CAN", 0x40006400, 0x400 }, { "DAC", 0x40007400, 0x400 },
    { "EXTI", 0x40010400, 0x400 }, { "TIM1", 0x40012C00, 0x400 }, { "TIM8", 0x40013400, 0x400 },
    { "TIM15, 16, 17", 0x40014000, 0xC00 }, { "DMA1", 0x40020000, 0x400 },
    { "DMA2", 0x40020400, 0x400 }, { "TSC", 0x40024000, 0x400 }, { "ADC", 0x50000000, 0x800 },
};

static void add_absent(struct l4 *l4, const struct absent *list, size_t size)
{
    for (size_t i = 0; i < size / sizeof *list; i++)
        bus_add(l4->bus, &(struct bus_region){
            .base = list[i].base, .size = list[i].size, .name = list[i].name });
}

/* As f103.c has it, from AN2548: a read across a bridge at HCLK / n takes 2n cycles more, a
 * write keeps the bridge busy for 2n - 1. */
void l4_set_costs(struct l4 *l4)
{
    cpu_set_clock(l4->cpu, l4_rcc_hclk(l4->rcc));
    for (int i = 0; i < l4->block_count; i++) {
        struct l4_block *block = &l4->blocks[i];
        if (block->bus == L4_AHB)
            continue;
        sim_time n = l4_rcc_clock(l4->rcc, block->bus) / l4_rcc_hclk(l4->rcc);
        block->region->read_wait = (uint8_t)(2 * n);
        block->region->write_wait = (uint8_t)(2 * n - 1);
    }
    l4->type->controller->costs(l4);
}

/* --- memory, boot -------------------------------------------------------------------- */

static void scramble(struct l4 *l4, int i)
{
    for (uint32_t at = 0; at < l4->type->ram[i].size; at += 4) {
        uint32_t word = sim_random(l4->sim);
        memcpy(l4->ram_memory[i] + at, &word, 4);
    }
}

static struct pin *boot_pin(struct l4 *l4)
{
    switch (l4->type->boot_pin) {
    case L4_BOOT_PA14: return l4_gpio_pin(l4->gpio, "PA14");
    case L4_BOOT_PB8:  return l4_gpio_pin(l4->gpio, "PB8");
    default:           return &l4->boot0;
    }
}

static bool boot_pin_is_high(struct l4 *l4)
{
    struct pin *pin = boot_pin(l4);
    return pin->net && pin_sample(pin);
}

/* A G0's BOOT0 is the pin only with nBOOT_SEL = 0, a G4's only with nSWBOOT0 = 1. */
static bool boot0(struct l4 *l4, uint32_t optr)
{
    if (l4->type->clocks == L4_CLOCKS_G0)
        return optr & NBOOT_SEL ? !(optr & NBOOT0_G0) : boot_pin_is_high(l4);
    if (l4->type->clocks == L4_CLOCKS_G4 && !(optr & NSWBOOT0))
        return !(optr & NBOOT0);
    return boot_pin_is_high(l4);
}

static bool boot_locked(const struct l4 *l4)
{
    return l4->flash && l4->type->has_swen &&
           l4_flash_option(l4->flash, l4->type->m0 ? L4_SECR : L4_SEC1R) & BOOT_LOCK;
}

/* Bank 2 first, if the option asks for it and a program is there. */
static bool second_bank_boots(const struct l4 *l4, uint32_t optr)
{
    uint32_t stack;
    memcpy(&stack, l4_flash_bank(l4->flash, 1), 4);
    return optr & BFB2 && (stack & 0x2FFE0000) == RAM_BASE;
}

static void choose_boot(struct l4 *l4)
{
    uint32_t optr = l4->type->controller->options(l4);
    bool pin = boot0(l4, optr) && !boot_locked(l4);
    uint32_t nboot1 = optr & (l4->type->clocks == L4_CLOCKS_G0 ? NBOOT1_G0 : NBOOT1);
    l4->boots_from_flash = !pin && (boot_locked(l4) || !l4->type->controller->empty(l4));
    if (pin && !nboot1)
        l4_report(l4, SIM_UNMODELLED, "boots from SRAM");
    if (!l4->boots_from_flash)
        l4_report(l4, SIM_NOTE, "boots from system memory%s: ST's loader, which here only waits",
                  pin ? "" : ", for its flash was empty when the options were loaded");
    if (l4->type->swap == L4_SWAP_FB_MODE) {
        bool second = l4->boots_from_flash && second_bank_boots(l4, optr);
        l4_flash_bank_mode(l4->flash, second);
        l4_gpio_show_bank_mode(l4->gpio, l4_flash_swapped(l4->flash));
    }
}

void l4_apply_debug_port(struct l4 *l4)
{
    if (l4->chip.debug_port)
        swdp_enable(l4->chip.debug_port, l4_gpio_debug_pins(l4->gpio) &&
                                           l4->type->controller->debug_port_open(l4));
}

/* --- reset -------------------------------------------------------------------------- */

static void reset_begin(struct l4 *l4, enum reset_cause cause)
{
    l4->cause = cause;
    l4->in_reset = true;
    l4->cpu->held_in_reset = true;
    for (int i = 0; i < l4->block_count; i++)
        if (l4->blocks[i].reset)
            l4->blocks[i].reset(l4->blocks[i].ctx);
    l4_rcc_reset_cause(l4->rcc, cause);
}

static void start_core(struct l4 *l4)
{
    l4->cpu->held_in_reset = false;
    cpu_reset(l4->cpu);
    coredebug_core_reset(l4->coredebug);
}

static void reset_end(struct l4 *l4)
{
    l4->in_reset = false;
    l4->type->controller->reset_over(l4, l4->load_options);
    l4->load_options = l4->option_reset = false;
    choose_boot(l4);
    l4->type->controller->map(l4);
    l4_debug_chip_starts(l4->debug);
    start_core(l4);
}

/* NRST_MODE 2: the pin is a port's, 1: it only listens (drives nobody; not told apart). */
static bool nrst_is_reset(const struct l4 *l4)
{
    int at = l4->type->m0 ? 27 : 28;
    return !l4->type->has_nrst_mode || (l4->type->controller->options(l4) >> at & 3) != 2;
}

static bool nrst_is_high(struct l4 *l4)
{
    return !l4->nrst.net || !nrst_is_reset(l4) || pin_sample(&l4->nrst);
}

static void reset_pulse_over(void *ctx)
{
    struct l4 *l4 = ctx;
    l4->nrst_ours = false;
    pin_drive(&l4->nrst, DRIVE_PULL_UP);
    if (l4->in_reset && nrst_is_high(l4))
        reset_end(l4);
}

static void reset_for(struct l4 *l4, enum reset_cause cause, sim_time how_long)
{
    reset_begin(l4, cause);
    l4->nrst_ours = true;
    if (nrst_is_reset(l4))
        pin_drive(&l4->nrst, DRIVE_LOW);
    alarm_set(l4->sim, &l4->reset_done, l4->sim->now + how_long);
}

void l4_reset_internal(struct l4 *l4, enum reset_cause cause)
{
    if (l4->chip.powered && !l4->in_reset)
        reset_for(l4, cause, RESET_PULSE);
}

void l4_launch_options(struct l4 *l4)
{
    if (!l4->chip.powered || l4->in_reset)
        return;
    l4->load_options = l4->option_reset = true;
    reset_for(l4, RESET_SOFTWARE, RESET_PULSE);
    if (l4->flash)                          /* an L0 or L1 keeps it: OpenOCD counts on that */
        alarm_set(l4->sim, &l4->debug_lost, l4->sim->now);
}

/* Not at once: the debugger's own access is under way. */
static void lose_debugger(void *ctx)
{
    struct l4 *l4 = ctx;
    coredebug_power_reset(l4->coredebug);
    swdp_power(l4->chip.debug_port, false);
    swdp_power(l4->chip.debug_port, true);
}

static void nrst_changed(void *ctx, int level)
{
    struct l4 *l4 = ctx;
    if (!l4->chip.powered || l4->nrst_ours || !nrst_is_reset(l4))
        return;
    if (!level && !l4->in_reset)
        reset_begin(l4, RESET_PIN);
    else if (level && l4->in_reset)
        reset_end(l4);
}

/* VECTRESET resets the core and nothing else, once its present instruction is over. */
static void vector_reset(void *ctx) { start_core(ctx); }

static void core_asks_for_reset(void *ctx, bool system)
{
    struct l4 *l4 = ctx;
    if (system)
        l4_reset_internal(l4, RESET_SOFTWARE);
    else
        alarm_set(l4->sim, &l4->vector_reset, l4->sim->now);
}

static void chip_reset(struct chip *chip, enum reset_cause cause)
{
    l4_reset_internal(chip->state, cause);
}

static void chip_power(struct chip *chip, bool on)
{
    struct l4 *l4 = chip->state;
    if (on == chip->powered)
        return;
    chip->powered = on;
    l4->type->controller->power(l4, on);
    l4_debug_power(l4->debug, on);
    if (on) {
        for (int i = 0; i < L4_RAMS && l4->ram[i]; i++)
            scramble(l4, i);
        l4_rcc_power_on(l4->rcc);
        l4_gpio_power(l4->gpio, true);
        coredebug_power_reset(l4->coredebug);
        swdp_power(chip->debug_port, true);
        l4->load_options = true;
        reset_for(l4, RESET_POWER, POWER_ON_TIME);
        return;
    }
    reset_begin(l4, RESET_POWER);
    alarm_cancel(l4->sim, &l4->reset_done);
    alarm_cancel(l4->sim, &l4->vector_reset);
    alarm_cancel(l4->sim, &l4->debug_lost);
    swdp_power(chip->debug_port, false);
    l4_gpio_power(l4->gpio, false);
    l4->nrst_ours = false;
    pin_drive(&l4->nrst, DRIVE_OPEN);
}

/* --- the chip as others see it -------------------------------------------------------- */

static const char *m4_signal_pin(const char *signal)
{
    static const struct { const char *signal, *pin; } signals[] = {
        { "SWDIO", "PA13" }, { "SWCLK", "PA14" }, { "NRST", "NRST" }, { "TX", "PA9" },
        { "RX", "PA10" }, { "TDI", "PA15" }, { "TDO", "PB3" }, { "SWO", "PB3" },
    };
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        if (strcmp(signals[i].signal, signal) == 0)
            return signals[i].pin;
    return NULL;
}

static const char *m0_signal_pin(const char *signal)
{
    bool jtag = strcmp(signal, "TDI") == 0 || strcmp(signal, "TDO") == 0;
    return jtag || strcmp(signal, "SWO") == 0 ? NULL : m4_signal_pin(signal);
}

static struct pin *chip_pin(struct chip *chip, const char *name)
{
    struct l4 *l4 = chip->state;
    if (strcmp(name, "NRST") == 0)
        return &l4->nrst;
    if (strcmp(name, "BOOT0") == 0)
        return boot_pin(l4);
    return l4_gpio_pin(l4->gpio, name);
}

static void chip_destroy(struct chip *chip)
{
    struct l4 *l4 = chip->state;
    if (chip->powered)
        chip_power(chip, false);
    swdp_free(chip->debug_port);
    for (int i = 0; i < l4->type->usarts; i++)
        l4_usart_free(l4->usart[i]);
    l4_gpio_free(l4->gpio);
    l4_debug_free(l4->debug);
    l4->type->controller->free(l4);
    l4_rcc_free(l4->rcc);
    coredebug_free(l4->coredebug);
    for (int i = 0; i < L4_RAMS; i++)
        free(l4->ram_memory[i]);
    free(l4->system_memory);
    cpu_free(l4->cpu);
    bus_free(l4->bus);
    free(l4);
}

/* --- construction ------------------------------------------------------------------- */

static uint32_t read_shut_ram(void *ctx, uint32_t offset, int width)
{
    struct l4 *l4 = ctx;
    (void)offset, (void)width;
    l4->bus->fault = true;
    return 0;
}

static void write_shut_ram(void *ctx, uint32_t offset, uint32_t value, int width)
{
    (void)value;
    read_shut_ram(ctx, offset, width);
}

static void add_memory(struct l4 *l4)
{
    for (int i = 0; i < L4_RAMS && l4->type->ram[i].size; i++) {
        l4->ram_memory[i] = calloc(1, l4->type->ram[i].size);
        l4->ram[i] = bus_add(l4->bus, &(struct bus_region){
            .base = l4->type->ram[i].base, .size = l4->type->ram[i].size,
            .name = l4->type->ram[i].name, .memory = l4->ram_memory[i], .writable = true,
            .read = read_shut_ram, .write = write_shut_ram, .ctx = l4 });
    }
    l4->chip.ram_base = RAM_BASE;
    l4->chip.ram_size = l4->type->ram_kb * 1024;
}

/* A stack pointer, an entry point, then "b ." everywhere.  As large as the flash, because
 * the alias at 0 may show it. */
static void fill_system_memory(struct l4 *l4)
{
    uint32_t base = l4->type->system_memory, vectors[] = { 0x20001000, base + 9 };
    l4->system_memory = calloc(1, l4->type->flash_size);
    for (uint32_t i = 0; i < l4->type->system_size; i += 2)
        memcpy(l4->system_memory + i, &(uint16_t){ 0xE7FE }, 2);
    memcpy(l4->system_memory, vectors, sizeof vectors);
}

/* As CPUID names it. */
enum { CORTEX_M0 = 0xC20, CORTEX_M3 = 0xC23, CORTEX_M0PLUS = 0xC60 };
static uint32_t part_of(const struct l4 *l4) { return l4->type->cpuid >> 4 & 0xFFF; }

static void add_core(struct l4 *l4)
{
    bool m0 = l4->type->m0, m3 = part_of(l4) == CORTEX_M3;
    l4->bus = bus_new(l4->sim, l4->name);
    l4->bus->bit_band = !m0;
    l4->cpu = cpu_new(l4->sim, l4->bus, &(struct cpu_config){
        .name = l4->name, .arch = m0 ? CPU_ARMV6M : m3 ? CPU_ARMV7M : CPU_ARMV7EM,
        .fpu = m0 || m3 ? CPU_NO_FPU : CPU_FPV4_SP, .cpuid = l4->type->cpuid,
        .irq_count = l4->type->irqs, .priority_bits = m0 ? 2 : 4, .has_vtor = part_of(l4) != CORTEX_M0,
        .single_cycle_multiply = true, .systick_calib = 1000 });
    l4->cpu->held_in_reset = true;
    l4->cpu->reset_request = core_asks_for_reset;
    l4->cpu->chip = l4;
    l4->chip.cpu = l4->cpu;
    l4->chip.bus = l4->bus;
    add_memory(l4);
    fill_system_memory(l4);
}

/* The chip's own ROM table of a G0, which leads to the core's. */
static uint32_t system_rom_read(void *ctx, uint32_t offset, int width)
{
    const struct l4 *l4 = ctx;
    uint32_t part = l4->type->idcode & 0xFFF;
    static const struct { uint16_t offset; uint8_t value; } identification[] = {
        { 0xFE8, 0x0A }, { 0xFF0, 0x0D }, { 0xFF4, 0x10 }, { 0xFF8, 0x05 }, { 0xFFC, 0xB1 },
    };
    (void)width;
    switch (offset) {
    case 0x000: return 0xF00FF003;
    case 0xFCC: return 1;                   /* system memory is on this bus */
    case 0xFE0: return part & 0xFF;
    case 0xFE4: return part >> 8;           /* and the low half of ST's code, 0x20 */
    default:    break;
    }
    for (size_t i = 0; i < sizeof identification / sizeof identification[0]; i++)
        if (identification[i].offset == offset)
            return identification[i].value;
    return 0;
}

static void write_nothing(void *ctx, uint32_t offset, uint32_t value, int width)
{
    (void)ctx, (void)offset, (void)value, (void)width;
}

static void add_m0_debug(struct l4 *l4)
{
    static const uint32_t rom_entries[] = { 0xFFF0F003, 0xFFF02003, 0xFFF03003, 0 };
    bool plus = part_of(l4) == CORTEX_M0PLUS;
    l4->chip.debug_port = swdp_new(&l4->chip, &(struct swdp_config){
        .idcode = plus ? 0x0BC11477 : 0x0BB11477, .ap_idr = plus ? 0x04770031 : 0x04770021, .rom_table = SYSTEM_ROM,
        .tar_wrap = 0x400 });
    l4->coredebug = coredebug_new(l4->cpu, &(struct coredebug_config){
        .breakpoints = 4, .watchpoints = 2,
        .peripheral_id = { plus ? 0xC0 : 0x71, 0xB4, 0x0B, 0x00, 0x04 },    /* the cores' TRMs */
        .component_id = { 0x0D, 0x10, 0x05, 0xB1 },
        .rom_base = 0xE00FF000, .rom_entries = rom_entries });
    bus_add(l4->bus, &(struct bus_region){
        .base = SYSTEM_ROM, .size = 0x1000, .name = "system ROM table",
        .read = system_rom_read, .write = write_nothing, .ctx = l4 });
}

static void add_m4_debug(struct l4 *l4)
{
    /* Armv7-M ARM table C1-3; the last entry, the ETM, says "not present". */
    static const uint32_t rom_entries[] = {
        0xFFF0F003, 0xFFF02003, 0xFFF03003, 0xFFF01003, 0xFFF41003, 0xFFF42002, 0,
    };
    uint32_t part = l4->type->idcode & 0xFFF;
    l4->chip.debug_port = swdp_new(&l4->chip, &(struct swdp_config){
        .idcode = 0x2BA01477, .ap_idr = 0x24770011, .rom_table = 0xE00FF000,
        .packed_transfers = true, .tar_wrap = 0x1000, .has_jtag = true,
        .jtag_idcode = 0x4BA00477, .scan_idcode = 0x06000041 | part << 12 });
    l4->coredebug = coredebug_new(l4->cpu, &(struct coredebug_config){
        .breakpoints = 6, .literals = 2, .watchpoints = 4,
        .peripheral_id = { part & 0xFF, part >> 8, 0x0A, 0x00, 0x00 },
        .component_id = { 0x0D, 0x10, 0x05, 0xB1 },
        .rom_base = 0xE00FF000, .rom_entries = rom_entries });
}

static void add_debug(struct l4 *l4)
{
    (l4->type->m0 ? add_m0_debug : add_m4_debug)(l4);
    l4->cpu->debug = l4->coredebug;
    swdp_restrict(l4->chip.debug_port, l4->type->controller->debugger_allowed, l4);
    l4_debug_connect(l4);
}

static void add_reset_pins(struct l4 *l4)
{
    snprintf(l4->nrst_name, sizeof l4->nrst_name, "%s NRST", l4->name);
    snprintf(l4->boot0_name, sizeof l4->boot0_name, "%s BOOT0", l4->name);
    pin_init(&l4->nrst, l4->sim, l4->nrst_name, nrst_changed, l4);
    pin_init(&l4->boot0, l4->sim, l4->boot0_name, NULL, NULL);
    alarm_init(&l4->reset_done, reset_pulse_over, l4);
    alarm_init(&l4->vector_reset, vector_reset, l4);
    alarm_init(&l4->debug_lost, lose_debugger, l4);
}

struct chip *l4_new(struct sim *sim, const struct l4_type *type, const char *name,
                    uint32_t unique_id)
{
    struct l4 *l4 = calloc(1, sizeof *l4);
    l4->sim = sim;
    l4->name = name;
    l4->type = type;
    l4->chip = (struct chip){
        .name = type->name, .sim = sim, .signal_pin = type->m0 ? m0_signal_pin : m4_signal_pin,
        .pin = chip_pin, .power = chip_power, .reset = chip_reset, .free = chip_destroy,
        .state = l4,
    };
    add_core(l4);
    add_reset_pins(l4);
    l4_rcc_new(l4);
    l4_debug_new(l4, unique_id);
    type->controller->make(l4);
    l4_gpio_new(l4);
    for (int i = 0; i < type->usarts; i++)
        l4_usart_new(l4, i);
    add_absent(l4, absent_of_all, sizeof absent_of_all);
    if (type->clocks == L4_CLOCKS_G0)
        add_absent(l4, absent_of_g0, sizeof absent_of_g0);
    else if (type->clocks == L4_CLOCKS_L0)
        add_absent(l4, absent_of_l0, sizeof absent_of_l0);
    else if (type->clocks == L4_CLOCKS_L1)
        add_absent(l4, absent_of_l1, sizeof absent_of_l1);
    else if (type->clocks == L4_CLOCKS_F0)
        add_absent(l4, absent_of_f0, sizeof absent_of_f0);
    else if (type->clocks == L4_CLOCKS_F3)
        add_absent(l4, absent_of_f3, sizeof absent_of_f3);
    else
        add_absent(l4, absent_of_m4, sizeof absent_of_m4);
    add_debug(l4);
    l4_set_costs(l4);
    return &l4->chip;
}
