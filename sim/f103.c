/* f103.c - an STM32F103 or F107: the core, its memories, its peripherals, its reset.
 *
 *   called by  board.c      calls  one file per peripheral (f103.h), cpu.h, swdp.h
 *
 *   0x00000000  alias of flash or of system memory, as BOOT0 and BOOT1 said at reset
 *   0x08000000  flash                    0x20000000  SRAM, random at power-up
 *   0x1FFFF000  system memory, and in it the size register and the unique id
 *   0x40000000  APB1   0x40010000  APB2   0x40020000  AHB    0xE0042000  DBGMCU
 *
 * Every register access of every peripheral passes block_read() or block_write(), which
 * know the rules that all peripherals have in common:
 *   - behind a closed clock gate registers read 0 and forget writes (RM0008 7.3);
 *   - an access narrower than the manual allows is forgiven, that is: reported;
 *   - the APB bridges repeat a narrow write on all byte lanes (RM0008 3.1).
 *
 * Reset: nRST is a pin with a pull-up.  Low holds the chip; a reset from inside pulls
 * it low for 20 us (DS5319 5.3.14), so whoever shares the net sees it.
 *
 * Sources: RM0008 2 (map), 3.4 (boot), 7.1 (reset); AN2548 (bus costs). */
#include "f103.h"
#include "swdp.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FLASH_BASE = 0x08000000, RAM_BASE = 0x20000000,
    SYSTEM_BASE = 0x1FFFF000, SYSTEM_SIZE = 2048,
};
#define POWER_ON_TIME   (2500 * SIM_US)     /* DS5319 table 12, tRSTTEMPO typical */
#define RESET_PULSE     (20 * SIM_US)       /* RM0008 7.1.1 */

/* What an access costs the core beyond its own minimum, in HCLK cycles, for a bridge
 * whose clock is HCLK / n.  An APB transfer takes two cycles of the APB clock and a
 * read one of the bus matrix more (AN2548 3.1); a write is posted, so it only keeps the
 * bridge busy: back-to-back stores to APB2 toggle a pin at HCLK / 4, the 18 MHz of
 * DS5319 2.3.21. The alignment of HCLK and PCLK, worth up to n - 1 cycles, is not
 * modelled. */
static uint8_t read_cost(unsigned n)  { return (uint8_t)(2 * n); }
static uint8_t write_cost(unsigned n) { return (uint8_t)(2 * n - 1); }

void f103_report(struct f103 *f103, enum sim_problem kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    sim_report_chip(f103->sim, f103->cpu, f103->name, kind, format, args);
    va_end(args);
}

void f103_irq(struct f103 *f103, int line, bool level)
{
    cpu_irq(f103->cpu, line, level);
}

void f103_check_shared_sram(struct f103 *f103)
{
    if (can_is_awake(f103->can) && f103->chip.usb && usbfs_owns_pins(f103->chip.usb))
        f103_report(f103, SIM_RULE, "USB and bxCAN are both on: they share 512 bytes of SRAM "
                    "and cannot be used at the same time (RM0008 24.2)");
}

/* --- register blocks -------------------------------------------------------------- */

static bool by_debugger(const struct block *block)
{
    return block->f103->bus->master == BUS_DEBUG;
}

static bool gate_open(struct block *block, const char *verb, uint32_t offset)
{
    if (block->clocked)
        return true;
    if (!by_debugger(block))
        f103_report(block->f103, SIM_FORGIVEN,
                    "%s of %s+0x%02X while its clock is off in RCC", verb,
                    block->name, offset);
    return false;
}

/* The DMA is allowed what the core is not: RM0008 13.3.4 explains how its byte writes
 * to peripherals that know no bytes work out. */
static void check_width(struct block *block, uint32_t offset, int width)
{
    int narrowest = 1 << block->access;
    if (width < narrowest && block->f103->bus->master == BUS_DATA)
        f103_report(block->f103, SIM_FORGIVEN, "%d-bit access to %s+0x%02X, which takes %s",
                    8 * width, block->name, offset,
                    narrowest == 4 ? "32 bits only" : "16 or 32 bits");
}

static uint32_t block_read(void *ctx, uint32_t offset, int width)
{
    struct block *block = ctx;
    if (!gate_open(block, "read", offset) && !block->read_unclocked)
        return 0;
    if (width == 4)
        return block->read(block->ctx, offset);
    check_width(block, offset, width);
    uint32_t value = block->read(block->ctx, offset & ~3u) >> 8 * (offset & 3);
    return value & (width == 2 ? 0xFFFF : 0xFF);
}

static void block_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct block *block = ctx;
    if (!gate_open(block, "write", offset))
        return;
    if (width == 4) {
        block->write(block->ctx, offset, value);
        return;
    }
    check_width(block, offset, width);
    uint32_t mask = width == 2 ? 0xFFFF : 0xFF;
    unsigned lane = 8 * (offset & 3);
    value &= mask;
    if (block->bridge == ON_AHB)        /* a byte is a byte; the rest stays */
        value = value << lane |
                (block->read(block->ctx, offset & ~3u) & ~(mask << lane));
    else                                /* the bridge fills all lanes with it */
        value *= width == 2 ? 0x00010001 : 0x01010101;
    block->write(block->ctx, offset & ~3u, value);
}

struct block *f103_add_block(struct f103 *f103, const struct block *given)
{
    if (f103->block_count == F103_BLOCKS)
        abort();
    struct block *block = &f103->blocks[f103->block_count++];
    *block = *given;
    block->f103 = f103;
    block->clocked = block->enable_bit < 0;
    block->region = bus_add(f103->bus, &(struct bus_region){
        .base = block->base, .size = block->size, .name = block->name,
        .read = block_read, .write = block_write, .ctx = block,
    });
    return block;
}

void f103_set_costs(struct f103 *f103, uint32_t flash_acr)
{
    sim_time hclk = rcc_hclk(f103->rcc);
    cpu_set_clock(f103->cpu, hclk);
    for (int i = 0; i < f103->block_count; i++) {
        struct block *block = &f103->blocks[i];
        if (block->bridge == ON_AHB)
            continue;
        unsigned n = (unsigned)(rcc_pclk(f103->rcc, block->bridge) / hclk);
        block->region->read_wait = read_cost(n);
        block->region->write_wait = write_cost(n);
    }
    for (int bank = 0; bank < 2 && f103->flash_region[bank]; bank++) {
        struct bus_region *flash[] = { f103->flash_region[bank], f103->boot_region[bank] };
        for (int i = 0; i < 2; i++) {
            flash[i]->read_wait = (uint8_t)(flash_acr & 7);
            flash[i]->prefetch = flash_acr & 1 << 4;
        }
    }
    struct bus_region *usb = bus_find(f103->bus, 0x40005C00);
    struct bus_region *pma = bus_find(f103->bus, 0x40006000);
    unsigned n = (unsigned)(rcc_pclk(f103->rcc, ON_APB1) / hclk);
    for (struct bus_region *r = usb; r; r = r == usb && pma != usb ? pma : NULL) {
        r->read_wait = read_cost(n);
        r->write_wait = write_cost(n);
    }
}

/* --- memory ----------------------------------------------------------------------- */

/* The alias at 0 is flash only if the chip booted from flash. */
static void boot_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct f103 *f103 = ctx;
    if (f103->boot_region[0]->memory == f103->chip.flash)
        fpec_flash_write(f103->fpec, offset, value, width);
}

static void boot_write_2(void *ctx, uint32_t offset, uint32_t value, int width)
{
    boot_write(ctx, ((struct f103 *)ctx)->type->fpec.bank2 + offset, value, width);
}

static void flash_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    fpec_flash_write(((struct f103 *)ctx)->fpec, offset, value, width);
}

static void flash_write_2(void *ctx, uint32_t offset, uint32_t value, int width)
{
    flash_write(ctx, ((struct f103 *)ctx)->type->fpec.bank2 + offset, value, width);
}

/* The part of the flash that one controller has, where it is and at 0. */
static void add_flash(struct f103 *f103, int bank, uint32_t from, uint32_t to)
{
    struct bus_region region = {
        .base = FLASH_BASE + from, .size = to - from, .name = bank ? "flash, bank 2" : "flash",
        .memory = f103->chip.flash + from, .write = bank ? flash_write_2 : flash_write,
        .ctx = f103, .busy_until = fpec_busy_until(f103->fpec, bank), .prefetch = true,
    };
    f103->flash_region[bank] = bus_add(f103->bus, &region);
    region.base = from;
    region.name = "boot memory";
    region.write = bank ? boot_write_2 : boot_write;
    f103->boot_region[bank] = bus_add(f103->bus, &region);
}

static void add_memory(struct f103 *f103, int flash_kb)
{
    struct chip *chip = &f103->chip;
    chip->flash_base = FLASH_BASE;
    chip->flash_size = (uint32_t)flash_kb * 1024;
    chip->flash = malloc(chip->flash_size);
    memset(chip->flash, 0xFF, chip->flash_size);
    chip->ram_base = RAM_BASE;
    chip->ram_size = (uint32_t)f103->type->ram_kb * 1024;
    /* As long as flash, because the alias at 0 may show either. */
    f103->system_memory = calloc(1, chip->flash_size);
    uint32_t bank2 = f103->type->fpec.bank2;
    add_flash(f103, 0, 0, bank2 ? bank2 : chip->flash_size);
    if (bank2)
        add_flash(f103, 1, bank2, chip->flash_size);
    bus_add(f103->bus, &(struct bus_region){
        .base = SYSTEM_BASE, .size = SYSTEM_SIZE, .name = "system memory",
        .memory = f103->system_memory });
    bus_add(f103->bus, &(struct bus_region){
        .base = RAM_BASE, .size = chip->ram_size, .name = "SRAM",
        .memory = calloc(1, chip->ram_size), .writable = true });
}

static void scramble_ram(struct f103 *f103)
{
    uint8_t *ram = bus_find(f103->bus, RAM_BASE)->memory;
    for (uint32_t i = 0; i < f103->chip.ram_size; i += 4) {
        uint32_t word = sim_random(f103->sim);
        memcpy(ram + i, &word, 4);
    }
}

/* RM0008 3.4: latched as the chip leaves reset. */
static void latch_boot_pins(struct f103 *f103)
{
    bool boot0 = f103->boot0.net && pin_sample(&f103->boot0);
    bool boot1 = gpio_level(f103->gpio, PB + 2);
    f103->boot_region[0]->memory = boot0 ? f103->system_memory : f103->chip.flash;
    if (f103->boot_region[1])
        f103->boot_region[1]->memory = (boot0 ? f103->system_memory : f103->chip.flash) +
                                       f103->type->fpec.bank2;
    if (boot0 && boot1)
        f103_report(f103, SIM_UNMODELLED, "BOOT0 and BOOT1 high: boot from SRAM");
    else if (boot0)
        f103_report(f103, SIM_UNMODELLED, "BOOT0 high: ST's boot loader is not here");
}

/* --- reset ------------------------------------------------------------------------ */

static void reset_begin(struct f103 *f103, enum reset_cause cause)
{
    f103->cause = cause;
    f103->in_reset = true;
    f103->cpu->held_in_reset = true;
    if (cause == RESET_STANDBY)             /* its RAM had no power (RM0008 5.3.5) */
        scramble_ram(f103);
    for (int i = 0; i < f103->block_count; i++) {
        struct block *block = &f103->blocks[i];
        if (block->reset)
            block->reset(block->ctx);
    }
    if (f103->chip.usb)
        usbfs_reset(f103->chip.usb);
    fpec_reset(f103->fpec);
    rcc_reset(f103->rcc, cause);
}

static void reset_end(struct f103 *f103)
{
    f103->in_reset = false;
    latch_boot_pins(f103);
    wdg_chip_starts(f103->wdg);
    f103->cpu->held_in_reset = false;
    cpu_reset(f103->cpu);
    coredebug_core_reset(f103->coredebug);
}

static bool nrst_is_high(struct f103 *f103)
{
    return !f103->nrst.net || pin_sample(&f103->nrst);
}

static void reset_pulse_over(void *ctx)
{
    struct f103 *f103 = ctx;
    f103->nrst_ours = false;
    pin_drive(&f103->nrst, DRIVE_PULL_UP);
    if (f103->in_reset && nrst_is_high(f103))
        reset_end(f103);
}

static void reset_for(struct f103 *f103, enum reset_cause cause, sim_time how_long)
{
    reset_begin(f103, cause);
    f103->nrst_ours = true;
    pin_drive(&f103->nrst, DRIVE_LOW);
    alarm_set(f103->sim, &f103->reset_done, f103->sim->now + how_long);
}

void f103_reset_internal(struct f103 *f103, enum reset_cause cause)
{
    if (f103->chip.powered && !f103->in_reset)
        reset_for(f103, cause, RESET_PULSE);
}

static void nrst_changed(void *ctx, int level)
{
    struct f103 *f103 = ctx;
    if (!f103->chip.powered || f103->nrst_ours)
        return;
    if (!level && !f103->in_reset)
        reset_begin(f103, RESET_PIN);
    else if (level && f103->in_reset)
        reset_end(f103);
}

/* VECTRESET resets the core and nothing else, once its present instruction is over. */
static void vector_reset(void *ctx)
{
    struct f103 *f103 = ctx;
    cpu_reset(f103->cpu);
    coredebug_core_reset(f103->coredebug);
}

static void core_asks_for_reset(void *ctx, bool system)
{
    struct f103 *f103 = ctx;
    if (system)
        f103_reset_internal(f103, RESET_SOFTWARE);
    else
        alarm_set(f103->sim, &f103->vector_reset, f103->sim->now);
}

static void chip_reset(struct chip *chip, enum reset_cause cause)
{
    f103_reset_internal(chip->state, cause);
}

static void chip_power(struct chip *chip, bool on)
{
    struct f103 *f103 = chip->state;
    if (on == chip->powered)
        return;
    chip->powered = on;
    fpec_power(f103->fpec, on);
    if (on) {
        scramble_ram(f103);
        f103->debugger_seen = false;
        rcc_power_on(f103->rcc);
        bkp_power_on(f103->bkp);
        dbgmcu_power_on(f103->dbgmcu);
        gpio_power(f103->gpio, true);
        coredebug_power_reset(f103->coredebug);
        swdp_power(chip->debug_port, true);
        reset_for(f103, RESET_POWER, POWER_ON_TIME);
        return;
    }
    reset_begin(f103, RESET_POWER);
    alarm_cancel(f103->sim, &f103->reset_done);
    alarm_cancel(f103->sim, &f103->vector_reset);
    wdg_power_off(f103->wdg);
    rcc_backup_reset(f103->rcc);
    bkp_backup_reset(f103->bkp);
    swdp_power(chip->debug_port, false);
    gpio_power(f103->gpio, false);
    f103->nrst_ours = false;
    pin_drive(&f103->nrst, DRIVE_OPEN);
}

/* --- the chip as others see it ---------------------------------------------------- */

static const struct { const char *signal, *pin; } signals[] = {
    { "SWDIO", "PA13" }, { "SWCLK", "PA14" }, { "TDI", "PA15" }, { "TDO", "PB3" },
    { "SWO", "PB3" }, { "NRST", "NRST" }, { "TX", "PA9" }, { "RX", "PA10" },
};

static const char *signal_pin(const char *signal)
{
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        if (strcmp(signals[i].signal, signal) == 0)
            return signals[i].pin;
    return NULL;
}

static struct pin *chip_pin(struct chip *chip, const char *name)
{
    struct f103 *f103 = chip->state;
    if (strcmp(name, "NRST") == 0)
        return &f103->nrst;
    if (strcmp(name, "BOOT0") == 0)
        return &f103->boot0;
    if (strcmp(name, "BOOT1") == 0)
        name = "PB2";
    return gpio_pin(f103->gpio, name);
}

void f103_set_crystal(struct chip *chip, bool fitted)
{
    struct f103 *f103 = chip->state;
    f103->crystal = fitted;
    rcc_crystal(f103->rcc, fitted);
}

static void chip_destroy(struct chip *chip)
{
    struct f103 *f103 = chip->state;
    if (chip->powered)
        chip_power(chip, false);
    swdp_free(chip->debug_port);
    if (chip->usb)
        usbfs_free(chip->usb);
    for (int i = 0; i < 3; i++)
        usart_free(f103->usart[i]);
    for (int i = 0; i < 4; i++)
        tim_free(f103->tim[i]);
    mco_free(f103->mco);
    for (int i = 0; i < 2; i++)
        spi_free(f103->spi[i]);
    for (int i = 0; i < 2; i++)
        i2c_free(f103->i2c[i]);
    can_free(f103->can);
    adc_free(f103->adc);
    crc_free(f103->crc);
    wdg_free(f103->wdg);
    bkp_free(f103->bkp);
    dbgmcu_free(f103->dbgmcu);
    dma_free(f103->dma);
    exti_free(f103->exti);
    gpio_free(f103->gpio);
    fpec_free(f103->fpec);
    rcc_free(f103->rcc);
    coredebug_free(f103->coredebug);
    free(bus_find(f103->bus, RAM_BASE)->memory);
    cpu_free(f103->cpu);
    bus_free(f103->bus);
    free(chip->flash);
    free(f103->system_memory);
    free(f103);
}

/* --- construction ----------------------------------------------------------------- */

static void add_core(struct f103 *f103)
{
    f103->bus = bus_new(f103->sim, f103->name);
    f103->bus->bit_band = true;
    f103->cpu = cpu_new(f103->sim, f103->bus, &(struct cpu_config){
        .name = f103->name, .arch = CPU_ARMV7M, .cpuid = 0x411FC231,   /* r1p1 */
        .irq_count = IRQ_COUNT, .priority_bits = 4, .has_vtor = true,
        .systick_calib = 9000,          /* RM0008 10.1.1 */
    });
    f103->cpu->held_in_reset = true;
    f103->cpu->reset_request = core_asks_for_reset;
    f103->cpu->chip = f103;
    f103->chip.cpu = f103->cpu;
    f103->chip.bus = f103->bus;
}

/* CNTR.PDWN decides who drives PA11 and PA12. */
static void usb_took_or_gave_pins(void *ctx)
{
    struct f103 *f103 = ctx;
    gpio_apply(f103->gpio, PA + 11);
    gpio_apply(f103->gpio, PA + 12);
    f103_check_shared_sram(f103);
}

/* RM0008 10.2.5: EXTI line 18 is the USB wakeup event. */
static void usb_woke(void *ctx, bool level)
{
    struct f103 *f103 = ctx;
    exti_edge(f103->exti, EXTI_USB_WAKEUP, level);
}

static void add_peripherals(struct f103 *f103)
{
    rcc_new(f103);
    gpio_new(f103);
    mco_new(f103);
    exti_new(f103);
    dma_new(f103);
    for (int n = 1; n <= 3; n++)
        usart_new(f103, n);
    for (int n = 1; n <= 4; n++)
        tim_new(f103, n);
    bkp_new(f103);
    wdg_new(f103);
    crc_new(f103);
    adc_new(f103);
    spi_new(f103, 1);
    spi_new(f103, 2);
    i2c_new(f103, 1);
    i2c_new(f103, 2);
    dbgmcu_new(f103);
    can_new(f103);
    if (f103->type->connectivity)
        return;
    f103->chip.usb = usbfs_new(&f103->chip, gpio_pin_number(f103->gpio, PA + 11),
                               gpio_pin_number(f103->gpio, PA + 12));
    usbfs_on_pins(f103->chip.usb, usb_took_or_gave_pins, f103);
    usbfs_on_wakeup(f103->chip.usb, usb_woke, f103);
}

/* Armv7-M ARM table C1-3: what sits where in the private peripheral bus. */
static const uint32_t rom_entries[] = {
    0xFFF0F003, 0xFFF02003, 0xFFF03003, 0xFFF01003, 0xFFF41003, 0,
};

static bool debug_allowed(void *ctx, uint32_t address, bool write)
{
    (void)write;
    return fpec_debug_allowed(((struct f103 *)ctx)->fpec, address);
}

static void add_debug(struct f103 *f103)
{
    uint32_t part = f103->type->idcode & 0xFFF;
    f103->chip.debug_port = swdp_new(&f103->chip, &(struct swdp_config){
        .idcode = 0x1BA01477, .ap_idr = 0x14770011, .rom_table = 0xE00FF000,
        .packed_transfers = true, .tar_wrap = 0x1000, .has_jtag = true,
        .jtag_idcode = 0x3BA00477, .scan_idcode = 0x16000041 | part << 12,     /* RM0008 31.6 */
    });
    /* By STMicroelectronics (JEP106 bank 0, 0x20). */
    f103->coredebug = coredebug_new(f103->cpu, &(struct coredebug_config){
        .breakpoints = 6, .literals = 2, .watchpoints = 4,
        .peripheral_id = { part & 0xFF, part >> 8, 0x0A, 0x00, 0x00 },
        .component_id = { 0x0D, 0x10, 0x05, 0xB1 },
        .rom_base = 0xE00FF000, .rom_entries = rom_entries,
    });
    f103->cpu->debug = f103->coredebug;
    if (f103->type->lqfp48)
        boundary_scan_new(f103);
    swdp_restrict(f103->chip.debug_port, debug_allowed, f103);
    swdp_stop(f103->chip.debug_port, dbgmcu_stops, f103);
    swdp_hide(f103->chip.debug_port, dbgmcu_hides, f103);
    swdp_on_switch(f103->chip.debug_port, gpio_port_spoke, f103->gpio);
    coredebug_connect_swo(f103->coredebug, gpio_swo, f103->gpio);
}

static void add_reset_pins(struct f103 *f103)
{
    snprintf(f103->nrst_name, sizeof f103->nrst_name, "%s NRST", f103->name);
    snprintf(f103->boot0_name, sizeof f103->boot0_name, "%s BOOT0", f103->name);
    pin_init(&f103->nrst, f103->sim, f103->nrst_name, nrst_changed, f103);
    pin_init(&f103->boot0, f103->sim, f103->boot0_name, NULL, NULL);
    alarm_init(&f103->reset_done, reset_pulse_over, f103);
    alarm_init(&f103->vector_reset, vector_reset, f103);
}

static bool hsi_on(void *ctx) { return rcc_hsi_on(((struct f103 *)ctx)->rcc); }
static sim_time hclk(void *ctx) { return rcc_hclk(((struct f103 *)ctx)->rcc); }
static void flash_irq(void *ctx, bool level) { f103_irq(ctx, IRQ_FLASH, level); }

static void latency_changed(void *ctx, bool prefetch_too)
{
    rcc_flash_latency_changed(((struct f103 *)ctx)->rcc, prefetch_too);
}

static void add_flash_controller(struct f103 *f103, int flash_kb)
{
    f103->fpec = fpec_new(&(struct fpec_host){
        .chip = &f103->chip, .name = f103->name, .ctx = f103, .hsi_on = hsi_on, .hclk = hclk,
        .irq = flash_irq, .latency_changed = latency_changed,
    }, &f103->type->fpec, (uint32_t)flash_kb * 1024);
    f103_add_block(f103, &(struct block){
        .name = "FLASH", .base = 0x40022000, .size = 0x400, .bridge = ON_AHB,
        .enable_bit = -1, .access = WORDS_ONLY, .read = fpec_read, .write = fpec_write,
        .ctx = f103->fpec });
}

struct chip *f103_new(struct sim *sim, const char *name, int flash_kb, uint32_t unique_id)
{
    return f103_type_new(sim, &f103_c8, name, flash_kb, unique_id);
}

struct chip *f103_type_new(struct sim *sim, const struct f103_type *type, const char *name,
                           int flash_kb, uint32_t unique_id)
{
    struct f103 *f103 = calloc(1, sizeof *f103);
    f103->sim = sim;
    f103->name = name;
    f103->type = type;
    f103->crystal = true;
    f103->chip = (struct chip){
        .name = type->name, .sim = sim, .signal_pin = signal_pin, .pin = chip_pin,
        .power = chip_power, .reset = chip_reset, .free = chip_destroy, .state = f103,
    };
    add_core(f103);
    add_flash_controller(f103, flash_kb);
    add_memory(f103, flash_kb);
    dbgmcu_system_memory(f103, flash_kb, unique_id);
    add_reset_pins(f103);
    add_peripherals(f103);
    add_debug(f103);
    f103_set_costs(f103, fpec_acr(f103->fpec));
    return &f103->chip;
}
