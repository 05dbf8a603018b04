/* nrf52.c - an nRF52840: the core, its memories, its peripherals, its access ports, its reset.
 *
 *   called by  targets.c      calls  one file per peripheral (nrf52.h), cpu.h, swdp.h
 *
 *   0x00000000  flash, 1 MB              0x00800000  RAM once more, for code
 *   0x10000000  FICR: what the chip is   0x10001000  UICR: what its user wants of it
 *   0x20000000  RAM, 256 KB              0x40000000  peripherals, 4 KB each, no clock gates
 *   0x50000000  P0 and P1
 *
 * The core is a Cortex-M4 by its ids; its DSP instructions and FPU are not modelled, and are
 * reported when a program uses them.  There is no bit-banding.
 *
 * AP 0 is the AHB-AP, which access port protection shuts; AP 1 is CTRL-AP (4.6.4), always
 * open: RESET holds the chip, ERASEALL erases flash, UICR and RAM.
 *
 * The signals are where Nordic's kit has them: TX P0.06, RX P0.08, nRST P0.18.  P0.18 is a
 * reset only once UICR.PSELRESET says so, and a chip from the factory does not.
 *
 * Not modelled: the reset that follows a lockup, System OFF, debug interface mode.
 *
 * Source: nRF52840 Product Specification v1.7: 4.1 (map), 4.4 (FICR), 5.3.6 (resets).
 * Assumed: 2 wait states of the flash without its cache, none with it; a peripheral's
 * register costs 2 cycles for reading, 1 for writing. */
#include "nrf52.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RAM_BASE = 0x20000000, CODE_RAM_BASE = 0x00800000, RAM_SIZE = 256 * 1024,
       FICR_BASE = 0x10000000 };
enum { CTRL_RESET = 0x00, CTRL_ERASEALL = 0x04, CTRL_ERASEALLSTATUS = 0x08,
       CTRL_APPROTECTSTATUS = 0x0C, CTRL_IDR = 0xFC };
#define POWER_ON_TIME (1000 * SIM_US)       /* 5.3.7: tPOR for a supply of 10 us, 20 ms at most */
#define RESET_TIME    (10 * SIM_US)

void nrf52_report(struct nrf52 *nrf52, enum sim_problem kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    sim_report_chip(nrf52->sim, nrf52->cpu, nrf52->name, kind, format, args);
    va_end(args);
}

/* --- events ------------------------------------------------------------------------- */

enum { EVENTS = 0x100, EVENTS_END = 0x180, INTEN = 0x300, INTENSET = 0x304, INTENCLR = 0x308 };

static void update(struct nrf52_events *events)
{
    cpu_irq(events->nrf52->cpu, events->irq, events->happened & events->enabled);
}

void nrf52_event(struct nrf52_events *events, uint32_t offset)
{
    events->happened |= 1u << (offset - EVENTS) / 4;
    update(events);
}

bool nrf52_events_read(const struct nrf52_events *events, uint32_t reg, uint32_t *value)
{
    if (reg >= EVENTS && reg < EVENTS_END)
        *value = events->happened >> (reg - EVENTS) / 4 & 1;
    else if (reg == INTEN || reg == INTENSET || reg == INTENCLR)
        *value = events->enabled;
    else
        return false;
    return true;
}

bool nrf52_events_write(struct nrf52_events *events, uint32_t reg, uint32_t value)
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

void nrf52_events_reset(struct nrf52_events *events)
{
    events->happened = events->enabled = 0;
    update(events);
}

/* --- register blocks ---------------------------------------------------------------- */

static void check_width(const struct nrf52_block *block, uint32_t offset, int width)
{
    if (width != 4 && block->nrf52->bus->master == BUS_DATA)
        nrf52_report(block->nrf52, SIM_FORGIVEN, "%d-bit access to %s+0x%03X, which takes whole "
                     "words", 8 * width, block->name, offset);
}

static uint32_t block_read(void *ctx, uint32_t offset, int width)
{
    struct nrf52_block *block = ctx;
    check_width(block, offset, width);
    return block->read(block->ctx, offset & ~3u) >> 8 * (offset & 3);
}

static void block_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct nrf52_block *block = ctx;
    check_width(block, offset, width);
    block->write(block->ctx, offset & ~3u, value << 8 * (offset & 3));
}

struct nrf52_block *nrf52_add_block(struct nrf52 *nrf52, const struct nrf52_block *given)
{
    if (nrf52->block_count == NRF52_BLOCKS)
        abort();
    struct nrf52_block *block = &nrf52->blocks[nrf52->block_count++];
    *block = *given;
    block->nrf52 = nrf52;
    bus_add(nrf52->bus, &(struct bus_region){
        .base = block->base, .size = block->size, .name = block->name, .read = block_read,
        .write = block_write, .ctx = block, .read_wait = 2, .write_wait = 1 });
    return block;
}

/* On the chip, but not in this model, by 4 KB: the bus reports every access by name. */
static const struct { const char *name; uint32_t base; } absent[] = {
    { "RADIO", 0x40001000 }, { "SPIM0, TWIM0", 0x40003000 }, { "SPIM1, TWIM1", 0x40004000 },
    { "NFCT", 0x40005000 }, { "GPIOTE", 0x40006000 }, { "SAADC", 0x40007000 },
    { "TIMER0", 0x40008000 }, { "TIMER1", 0x40009000 }, { "TIMER2", 0x4000A000 },
    { "RTC0", 0x4000B000 }, { "TEMP", 0x4000C000 }, { "RNG", 0x4000D000 },
    { "ECB", 0x4000E000 }, { "AAR, CCM", 0x4000F000 }, { "RTC1", 0x40011000 },
    { "QDEC", 0x40012000 }, { "COMP, LPCOMP", 0x40013000 }, { "EGU0, SWI0", 0x40014000 },
    { "EGU1, SWI1", 0x40015000 }, { "EGU2, SWI2", 0x40016000 }, { "EGU3, SWI3", 0x40017000 },
    { "EGU4, SWI4", 0x40018000 }, { "EGU5, SWI5", 0x40019000 }, { "TIMER3", 0x4001A000 },
    { "TIMER4", 0x4001B000 }, { "PWM0", 0x4001C000 }, { "PDM", 0x4001D000 },
    { "PPI", 0x4001F000 }, { "MWU", 0x40020000 }, { "PWM1", 0x40021000 },
    { "PWM2", 0x40022000 }, { "SPIM2", 0x40023000 }, { "RTC2", 0x40024000 },
    { "I2S", 0x40025000 }, { "FPU", 0x40026000 }, { "USBD", 0x40027000 },
    { "UARTE1", 0x40028000 }, { "QSPI", 0x40029000 }, { "PWM3", 0x4002D000 },
    { "SPIM3", 0x4002F000 }, { "CRYPTOCELL", 0x5002A000 },
};

static void add_absent(struct nrf52 *nrf52)
{
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++)
        bus_add(nrf52->bus, &(struct bus_region){
            .base = absent[i].base, .size = 0x1000, .name = absent[i].name });
}

/* --- reset -------------------------------------------------------------------------- */

static void reset_begin(struct nrf52 *nrf52, enum reset_cause cause)
{
    nrf52->cause = cause;
    nrf52->in_reset = true;
    nrf52->cpu->held_in_reset = true;
    for (int i = 0; i < nrf52->block_count; i++)
        if (nrf52->blocks[i].reset)
            nrf52->blocks[i].reset(nrf52->blocks[i].ctx);
    nrf52_power_reset_cause(nrf52->power, cause);
}

static void start_core(struct nrf52 *nrf52)
{
    nrf52->cpu->held_in_reset = false;
    cpu_reset(nrf52->cpu);
    coredebug_core_reset(nrf52->coredebug);
}

static bool held_by_pin(struct nrf52 *nrf52)
{
    struct pin *pin = nrf52_gpio_pin(nrf52->gpio, "P0.18");
    return pin->drive == DRIVE_PULL_UP && pin->net && !pin_sample(pin) &&
           nrf52_uicr(nrf52->nvmc, 0x200) == 18 && nrf52_uicr(nrf52->nvmc, 0x204) == 18;
}

static void reset_over(void *ctx)
{
    struct nrf52 *nrf52 = ctx;
    if (!nrf52->in_reset || nrf52->ctrl_reset || held_by_pin(nrf52))
        return;
    nrf52->in_reset = false;
    nrf52_gpio_apply(nrf52->gpio, 18);
    nrf52_power_apply_protection(nrf52->power);
    start_core(nrf52);
}

static void reset_for(struct nrf52 *nrf52, enum reset_cause cause, sim_time how_long)
{
    reset_begin(nrf52, cause);
    alarm_set(nrf52->sim, &nrf52->reset_done, nrf52->sim->now + how_long);
}

void nrf52_reset_internal(struct nrf52 *nrf52, enum reset_cause cause)
{
    if (nrf52->chip.powered && !nrf52->in_reset)
        reset_for(nrf52, cause, RESET_TIME);
}

void nrf52_pin_reset(struct nrf52 *nrf52, int level)
{
    if (!nrf52->chip.powered)
        return;
    if (!level && !nrf52->in_reset)
        reset_begin(nrf52, RESET_PIN);
    else if (level && nrf52->in_reset && !alarm_is_set(&nrf52->reset_done))
        alarm_set(nrf52->sim, &nrf52->reset_done, nrf52->sim->now + RESET_TIME);
}

/* VECTRESET is not for this family's programs, and works like any Cortex-M4's: the core. */
static void core_asks_for_reset(void *ctx, bool system)
{
    struct nrf52 *nrf52 = ctx;
    if (!system)
        nrf52_report(nrf52, SIM_UNMODELLED, "AIRCR.VECTRESET");
    nrf52_reset_internal(nrf52, RESET_SOFTWARE);
}

static void chip_reset(struct chip *chip, enum reset_cause cause)
{
    nrf52_reset_internal(chip->state, cause);
}

/* --- CTRL-AP ------------------------------------------------------------------------ */

static uint32_t ctrl_read(void *ctx, uint32_t reg)
{
    struct nrf52 *nrf52 = ctx;
    switch (reg) {
    case CTRL_RESET:           return nrf52->ctrl_reset;
    case CTRL_ERASEALL:        return nrf52->ctrl_eraseall;
    case CTRL_ERASEALLSTATUS:  return nrf52_nvmc_erasing(nrf52->nvmc);
    case CTRL_APPROTECTSTATUS: return !nrf52_power_protected(nrf52->power);
    case CTRL_IDR:             return 0x02880000;
    default:                   return 0;
    }
}

static void write_ctrl_reset(struct nrf52 *nrf52, uint32_t value)
{
    nrf52->ctrl_reset = value;
    if (value && !nrf52->in_reset)
        reset_begin(nrf52, RESET_SOFTWARE);
    else if (!value && nrf52->in_reset && !alarm_is_set(&nrf52->reset_done))
        alarm_set(nrf52->sim, &nrf52->reset_done, nrf52->sim->now + RESET_TIME);
}

static void ctrl_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct nrf52 *nrf52 = ctx;
    if (!nrf52->chip.powered)
        return;
    if (reg == CTRL_RESET) {
        write_ctrl_reset(nrf52, value & 1);
    } else if (reg == CTRL_ERASEALL) {
        nrf52->ctrl_eraseall = value & 1;
        if (value & 1 && !nrf52_nvmc_erasing(nrf52->nvmc))
            nrf52_nvmc_erase_by_debugger(nrf52->nvmc);
    }
}

/* --- power -------------------------------------------------------------------------- */

void nrf52_clear_ram(struct nrf52 *nrf52)
{
    memset(bus_find(nrf52->bus, RAM_BASE)->memory, 0, RAM_SIZE);
}

static void scramble_ram(struct nrf52 *nrf52)
{
    uint8_t *ram = bus_find(nrf52->bus, RAM_BASE)->memory;
    for (uint32_t i = 0; i < RAM_SIZE; i += 4) {
        uint32_t word = sim_random(nrf52->sim);
        memcpy(ram + i, &word, 4);
    }
}

static void chip_power(struct chip *chip, bool on)
{
    struct nrf52 *nrf52 = chip->state;
    if (on == chip->powered)
        return;
    chip->powered = on;
    nrf52->ctrl_reset = nrf52->ctrl_eraseall = 0;
    nrf52_gpio_power(nrf52->gpio, on);
    pin_drive(&nrf52->swdio, on ? DRIVE_PULL_UP : DRIVE_OPEN);
    pin_drive(&nrf52->swclk, on ? DRIVE_PULL_DOWN : DRIVE_OPEN);
    swdp_power(chip->debug_port, on);
    if (on) {
        scramble_ram(nrf52);
        coredebug_power_reset(nrf52->coredebug);
        reset_for(nrf52, RESET_POWER, POWER_ON_TIME);
        return;
    }
    reset_begin(nrf52, RESET_POWER);
    alarm_cancel(nrf52->sim, &nrf52->reset_done);
    nrf52_nvmc_power_off(nrf52->nvmc);
    nrf52_power_off(nrf52->power);
}

/* --- the chip as others see it -------------------------------------------------------- */

static const char *signal_pin(const char *signal)
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

static struct pin *chip_pin(struct chip *chip, const char *name)
{
    struct nrf52 *nrf52 = chip->state;
    if (strcmp(name, "SWDIO") == 0)
        return &nrf52->swdio;
    if (strcmp(name, "SWCLK") == 0)
        return &nrf52->swclk;
    return nrf52_gpio_pin(nrf52->gpio, strcmp(name, "NRST") == 0 ? "P0.18" : name);
}

static void chip_destroy(struct chip *chip)
{
    struct nrf52 *nrf52 = chip->state;
    if (chip->powered)
        chip_power(chip, false);
    swdp_free(chip->debug_port);
    nrf52_uart_free(nrf52->uart);
    nrf52_gpio_free(nrf52->gpio);
    nrf52_power_free(nrf52->power);
    nrf52_nvmc_free(nrf52->nvmc);
    coredebug_free(nrf52->coredebug);
    free(bus_find(nrf52->bus, RAM_BASE)->memory);
    cpu_free(nrf52->cpu);
    bus_free(nrf52->bus);
    free(nrf52);
}

/* --- construction ------------------------------------------------------------------- */

/* 4.4.1.  VARIANT and PACKAGE in ASCII and code: QIAA, build code D0 or F0. */
static void add_ficr(struct nrf52 *nrf52, uint32_t unique_id)
{
    static const struct { uint32_t at, value; } known[] = {
        { 0x010, 4096 }, { 0x014, 256 }, { 0x0A0, 1 }, { 0x100, 0x52840 },
        { 0x108, 0x2004 }, { 0x10C, 256 }, { 0x110, 1024 },
    };
    memset(nrf52->ficr, 0xFF, sizeof nrf52->ficr);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        nrf52->ficr[known[i].at / 4] = known[i].value;
    nrf52->ficr[0x060 / 4] = unique_id * 2654435761u;
    nrf52->ficr[0x064 / 4] = unique_id;
    nrf52->ficr[0x0A4 / 4] = ~unique_id;
    nrf52->ficr[0x0A8 / 4] = 0xFFFFC0DE;
    nrf52->ficr[0x104 / 4] = nrf52->hardened ? 0x41414630 : 0x41414430;     /* AAF0, AAD0 */
    bus_add(nrf52->bus, &(struct bus_region){
        .base = FICR_BASE, .size = sizeof nrf52->ficr, .name = "FICR",
        .memory = (uint8_t *)nrf52->ficr });
}

static void add_core(struct nrf52 *nrf52)
{
    uint8_t *ram = calloc(1, RAM_SIZE);
    nrf52->bus = bus_new(nrf52->sim, nrf52->name);
    nrf52->cpu = cpu_new(nrf52->sim, nrf52->bus, &(struct cpu_config){
        .name = nrf52->name, .arch = CPU_ARMV7EM, .fpu = CPU_FPV4_SP,
        .cpuid = 0x410FC241,                /* Cortex-M4 r0p1 */
        .irq_count = NRF52_IRQS, .priority_bits = 3, .has_vtor = true });
    nrf52->cpu->held_in_reset = true;
    nrf52->cpu->reset_request = core_asks_for_reset;
    nrf52->cpu->chip = nrf52;
    cpu_set_clock(nrf52->cpu, SIM_SECOND / 64000000);
    nrf52->chip.cpu = nrf52->cpu;
    nrf52->chip.bus = nrf52->bus;
    nrf52->chip.ram_base = RAM_BASE;
    nrf52->chip.ram_size = RAM_SIZE;
    bus_add(nrf52->bus, &(struct bus_region){
        .base = RAM_BASE, .size = RAM_SIZE, .name = "RAM", .memory = ram, .writable = true });
    bus_add(nrf52->bus, &(struct bus_region){
        .base = CODE_RAM_BASE, .size = RAM_SIZE, .name = "code RAM", .memory = ram,
        .writable = true });
}

static void add_debug(struct nrf52 *nrf52)
{
    /* Armv7-M ARM table C1-3; the last entry, the ETM, says "not present". */
    static const uint32_t rom_entries[] = {
        0xFFF0F003, 0xFFF02003, 0xFFF03003, 0xFFF01003, 0xFFF41003, 0xFFF42002, 0,
    };
    nrf52->chip.debug_port = swdp_new(&nrf52->chip, &(struct swdp_config){
        .idcode = 0x2BA01477, .ap_idr = 0x24770011, .rom_table = 0xE00FF000,
        .packed_transfers = true, .tar_wrap = 0x1000 });
    swdp_enable_bus(nrf52->chip.debug_port, false);
    swdp_add_ap(nrf52->chip.debug_port, &(struct vendor_ap){
        .number = 1, .read = ctrl_read, .write = ctrl_write, .ctx = nrf52 });
    nrf52->coredebug = coredebug_new(nrf52->cpu, &(struct coredebug_config){
        .breakpoints = 6, .literals = 2, .watchpoints = 4,
        .peripheral_id = { 0x08, 0x40, 0x0C, 0x00, 0x02 },      /* part 0x008 by Nordic */
        .component_id = { 0x0D, 0x10, 0x05, 0xB1 },
        .rom_base = 0xE00FF000, .rom_entries = rom_entries });
    nrf52->cpu->debug = nrf52->coredebug;
    snprintf(nrf52->swdio_name, sizeof nrf52->swdio_name, "%s SWDIO", nrf52->name);
    snprintf(nrf52->swclk_name, sizeof nrf52->swclk_name, "%s SWCLK", nrf52->name);
    pin_init(&nrf52->swdio, nrf52->sim, nrf52->swdio_name, NULL, NULL);
    pin_init(&nrf52->swclk, nrf52->sim, nrf52->swclk_name, NULL, NULL);
}

struct chip *nrf52_new(struct sim *sim, const char *name, bool hardened, uint32_t unique_id)
{
    struct nrf52 *nrf52 = calloc(1, sizeof *nrf52);
    nrf52->sim = sim;
    nrf52->name = name;
    nrf52->hardened = hardened;
    nrf52->chip = (struct chip){
        .name = "nrf52840", .sim = sim, .signal_pin = signal_pin, .pin = chip_pin,
        .power = chip_power, .reset = chip_reset, .free = chip_destroy, .state = nrf52,
    };
    alarm_init(&nrf52->reset_done, reset_over, nrf52);
    add_core(nrf52);
    add_ficr(nrf52, unique_id);
    nrf52_nvmc_new(nrf52);
    nrf52_gpio_new(nrf52);
    nrf52_power_new(nrf52);
    nrf52_uart_new(nrf52);
    add_absent(nrf52);
    add_debug(nrf52);
    reset_begin(nrf52, RESET_POWER);
    return &nrf52->chip;
}
