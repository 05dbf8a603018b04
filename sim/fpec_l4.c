/* fpec_l4.c - the flash of an STM32F0 or F3: an F1's controller in a chip of the L4's frame.
 *
 *   called by  l4.c, bus.c      calls  fpec.c, l4_rcc.c
 *
 * Sources: RM0360, RM0316, chapters embedded flash memory, option bytes. */
#include "l4.h"
#include <stdlib.h>
#include <string.h>

enum { FLASH_BASE = 0x08000000, WDG_SW = 1 << 0, NBOOT1 = 1 << 4, L4_NBOOT1 = 1 << 23 };

struct l4_fpec {
    struct l4 *l4;
    struct fpec *fpec;
    uint8_t *memory;
    struct bus_region *main, *boot;
};

static void map(struct l4 *l4)
{
    struct l4_fpec *f = l4->fpec;
    f->main->memory = fpec_is_shut(f->fpec) ? NULL : f->memory;
    f->boot->memory = l4->boots_from_flash ? f->main->memory : l4->system_memory;
}

/* Asked at each access of a debugger; what is shut answers by itself. */
static bool debugger_allowed(void *ctx, uint32_t address, bool write)
{
    struct l4 *l4 = ctx;
    (void)address, (void)write;
    fpec_shut(l4->fpec->fpec);
    if (fpec_is_shut(l4->fpec->fpec) && l4->fpec->main->memory)
        map(l4);
    return true;
}

/* Only while it is shut. */
static uint32_t flash_read(void *ctx, uint32_t offset, int width)
{
    struct l4_fpec *f = ctx;
    (void)offset, (void)width;
    f->l4->bus->fault = true;
    return 0;
}

static void flash_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct l4_fpec *f = ctx;
    if (fpec_is_shut(f->fpec))
        f->l4->bus->fault = true;
    else
        fpec_flash_write(f->fpec, offset, value, width);
}

/* The alias at 0 is flash only if the chip booted from flash. */
static void boot_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    if (((struct l4_fpec *)ctx)->l4->boots_from_flash)
        flash_write(ctx, offset, value, width);
}

/* --- what the controller asks --------------------------------------------------------- */

static bool hsi_on(void *ctx) { return l4_rcc_hsi_on(((struct l4 *)ctx)->rcc); }
static sim_time hclk(void *ctx) { return l4_rcc_hclk(((struct l4 *)ctx)->rcc); }
static void launch(void *ctx) { l4_launch_options(ctx); }

static void irq(void *ctx, bool level)
{
    struct l4 *l4 = ctx;
    l4_irq(l4, l4->type->m0 ? 3 : 4, level);
}

static void latency_changed(void *ctx, bool prefetch_too)
{
    struct l4 *l4 = ctx;
    (void)prefetch_too;
    l4_set_costs(l4);
    l4_rcc_check_flash(l4->rcc);
}

/* --- the controller as l4.c sees it -------------------------------------------------- */

static unsigned latency(const struct l4 *l4) { return fpec_acr(l4->fpec->fpec) & 7; }

static void costs(struct l4 *l4)
{
    struct bus_region *seen[] = { l4->fpec->main, l4->fpec->boot };
    for (int i = 0; i < 2; i++) {
        seen[i]->read_wait = (uint8_t)latency(l4);
        seen[i]->prefetch = fpec_acr(l4->fpec->fpec) & 1 << 4;
    }
}

static uint32_t options(const struct l4 *l4)
{
    uint8_t user = fpec_user_option(l4->fpec->fpec);
    return L4_WWDG_SW | (user & WDG_SW ? L4_IWDG_SW : 0) | (user & NBOOT1 ? L4_NBOOT1 : 0);
}

static bool empty(const struct l4 *l4) { (void)l4; return false; }
static bool debug_port_open(const struct l4 *l4) { return fpec_level(l4->fpec->fpec) != 2; }

static void reset(void *ctx) { fpec_reset(ctx); }

static void reset_over(struct l4 *l4, bool load)
{
    if (load)
        fpec_load_options(l4->fpec->fpec);
    if (!l4->boots_from_flash)
        fpec_shut(l4->fpec->fpec);
    map(l4);
    l4_apply_debug_port(l4);
}

static void power(struct l4 *l4, bool on) { fpec_power(l4->fpec->fpec, on); }

static void add_memory(struct l4_fpec *f)
{
    struct l4 *l4 = f->l4;
    struct bus_region region = {
        .base = FLASH_BASE, .size = l4->type->flash_size, .name = "flash", .memory = f->memory,
        .read = flash_read, .write = flash_write, .ctx = f,
        .busy_until = fpec_busy_until(f->fpec, 0) };
    f->main = bus_add(l4->bus, &region);
    region.base = 0;
    region.name = "boot memory";
    region.write = boot_write;
    f->boot = bus_add(l4->bus, &region);
    bus_add(l4->bus, &(struct bus_region){
        .base = l4->type->system_memory, .size = l4->type->system_size, .name = "system memory",
        .memory = l4->system_memory });
}

static void make(struct l4 *l4)
{
    struct l4_fpec *f = l4->fpec = calloc(1, sizeof *f);
    uint32_t size = l4->type->flash_size;
    f->l4 = l4;
    f->memory = malloc(size);
    memset(f->memory, 0xFF, size);
    l4->chip.flash = f->memory;
    l4->chip.flash_base = FLASH_BASE;
    l4->chip.flash_size = size;
    f->fpec = fpec_new(&(struct fpec_host){
        .chip = &l4->chip, .name = l4->name, .ctx = l4, .hsi_on = hsi_on, .hclk = hclk,
        .irq = irq, .latency_changed = latency_changed, .launch = launch,
    }, &l4->type->fpec, size);
    add_memory(f);
    l4->boots_from_flash = true;
    l4_add_block(l4, &(struct l4_block){
        .name = "FLASH", .base = 0x40022000, .size = 0x400, .bus = L4_AHB, .narrowest = 4,
        .read = fpec_read, .write = fpec_write, .reset = reset, .ctx = f->fpec });
    map(l4);
}

static void destroy(struct l4 *l4)
{
    fpec_free(l4->fpec->fpec);
    free(l4->fpec->memory);
    free(l4->fpec);
}

const struct l4_controller fpec_controller = {
    make, destroy, power, reset_over, map, costs, latency, options, empty, debug_port_open,
    debugger_allowed,
};
