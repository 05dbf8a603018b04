/* dbgmcu.c - what the chip says it is, and what stands still while a debugger looks.
 *
 *   called by  f103.c      calls  tim.c, iwdg.c (freeze), gpio.c (trace pin)
 *
 * DBGMCU_IDCODE answers a debugger; the core itself reads 0 until one has been there
 * (ES096 2.3).  The freeze bits need to know when the core is halted, which it does not
 * tell: while one is set we look every 10 us.  DBGMCU_CR lives through system resets.
 *
 * A core that sleeps has no HCLK unless DBG_SLEEP is set, only FCLK (31.16.3).  A debugger then
 * gets OK and zeros from memories and peripherals, and what it writes there is lost; the core's
 * own registers answer.  That is what people see (probe-rs issue 350, Mynewt 2369); a DMA that
 * is clocked keeps the bus alive, as they have found too.  In Stop there is no clock at all
 * unless DBG_STOP is set: what a debugger asks for waits until the core wakes.
 *
 * Here too are the contents of system memory: ST's boot loader is not ours to copy, so
 * BKPT stands in its place; the flash size and the unique id are real.
 *
 * Sources: RM0008 30 (electronic signature), 31.6.1, 31.16 (DBGMCU). */
#include "f103.h"
#include "swdp.h"
#include <stdlib.h>
#include <string.h>

enum { IDCODE = 0x00, CR = 0x04 };
enum { DBG_SLEEP = 1 << 0, DBG_STOP = 1 << 1, TRACE_IOEN = 1 << 5, TRACE_MODE = 3 << 6, IWDG_STOP = 1 << 8, WWDG_STOP = 1 << 9, TIM1_STOP = 1 << 10,
       FREEZERS = 0x3F00, CR_BITS = 0x1FFE7 };
#define PRIVATE_BUS      0xE0000000u
#define LOOK_EVERY       (10 * SIM_US)

enum { F_SIZE = 0x7E0, U_ID = 0x7E8, SYSTEM_MEMORY = 0x800 };

struct dbgmcu {
    struct f103 *f103;
    uint32_t cr;
    struct alarm look;
};

static void apply_freeze(struct dbgmcu *d)
{
    uint32_t frozen = d->f103->cpu->halted ? d->cr : 0;
    for (int i = 0; i < 4; i++)
        tim_freeze(d->f103->tim[i], frozen & (uint32_t)TIM1_STOP << i);
    wdg_freeze(d->f103->wdg, frozen & IWDG_STOP, frozen & WWDG_STOP);
}

static void look(void *ctx)
{
    struct dbgmcu *d = ctx;
    apply_freeze(d);
    if (d->cr & FREEZERS)
        alarm_set(d->f103->sim, &d->look, d->f103->sim->now + LOOK_EVERY);
}

static uint32_t dbgmcu_read(void *ctx, uint32_t reg)
{
    struct dbgmcu *d = ctx;
    if (d->f103->bus->master == BUS_DEBUG || coredebug_halting(d->f103->coredebug))
        d->f103->debugger_seen = true;
    if (reg == IDCODE)
        return d->f103->debugger_seen ? d->f103->type->idcode : 0;
    if (reg == CR)
        return d->cr;
    return 0;
}

static void dbgmcu_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct dbgmcu *d = ctx;
    if (reg != CR)
        return;
    d->cr = value & CR_BITS;
    gpio_trace_pin(d->f103->gpio, (value & (TRACE_IOEN | TRACE_MODE)) == TRACE_IOEN);
    look(d);
}

void dbgmcu_power_on(struct dbgmcu *d)
{
    d->cr = 0;
    gpio_trace_pin(d->f103->gpio, false);
    alarm_cancel(d->f103->sim, &d->look);
    apply_freeze(d);
}

bool dbgmcu_stops(void *ctx)
{
    struct f103 *f103 = ctx;
    return cpu_sleeps_deeply(f103->cpu) && !(f103->dbgmcu->cr & DBG_STOP);
}

bool dbgmcu_hides(void *ctx, uint32_t address)
{
    struct f103 *f103 = ctx;
    return f103->cpu->asleep && address < PRIVATE_BUS && !(f103->dbgmcu->cr & DBG_SLEEP) &&
           !dma_is_clocked(f103->dma);
}

void dbgmcu_new(struct f103 *f103)
{
    struct dbgmcu *d = calloc(1, sizeof *d);
    f103->dbgmcu = d;
    d->f103 = f103;
    alarm_init(&d->look, look, d);
    f103_add_block(f103, &(struct block){
        .name = "DBGMCU", .base = 0xE0042000, .size = 0x400, .bridge = ON_AHB,
        .enable_bit = -1, .access = BYTES_OK, .read = dbgmcu_read,
        .write = dbgmcu_write, .ctx = d });
}

void dbgmcu_free(struct dbgmcu *d)
{
    alarm_cancel(d->f103->sim, &d->look);
    free(d);
}

/* A stack pointer, an entry point, then BKPT 0 everywhere.  The unique id has the shape
 * of real ones: position on the wafer, wafer, seven letters of the lot. */
void dbgmcu_system_memory(struct f103 *f103, int flash_kb, uint32_t unique_id)
{
    static const uint32_t vectors[] = { 0x20000200, 0x1FFFF009 };
    uint8_t *memory = f103->system_memory;
    for (uint32_t i = 0; i < SYSTEM_MEMORY; i += 2)
        memcpy(memory + i, &(uint16_t){ 0xBE00 }, 2);
    memcpy(memory, vectors, sizeof vectors);
    memset(memory + F_SIZE, 0xFF, 8);
    memcpy(memory + F_SIZE, &(uint16_t){ (uint16_t)flash_kb }, 2);
    uint32_t id[3] = { unique_id * 2654435761u, 0x50378230 ^ unique_id, 0x67194854 };
    memcpy(memory + U_ID, id, sizeof id);
}
