/* coresight.c - the ROM table and ID registers that a debugger walks; the way to ITM and TPIU.
 *
 *   called by  coredebug.c      calls  bus.c, itm.c, tpiu.c
 *
 * Every CoreSight block ends in twelve ID registers, one byte in each word (ADIv5.2 D1.2):
 *
 *   FD0 PIDR4-7   FE0 PIDR0-3   FF0 CIDR0-3 = 0D x0 05 B1, x the class (E: generic IP,
 *                                             9: debug component, 1: ROM table)
 *
 * Arm's JEP106 code is 0x43B: PIDR1 = Bx, PIDR2 = xB, PIDR4 = 04.
 *
 * ITM and TPIU are there on v7-M only.  While DEMCR.TRCENA is 0 the ITM reads 0 and keeps
 * nothing (Armv7-M ARM C1.6.5), which is noted once; the TPIU answers all the same.
 *
 * Sources: ARM IHI 0031C D1; Armv7-M ARM C1.7 (ITM), C1.10 (TPIU); Cortex-M3 TRM 4. */
#include "trace.h"

enum { ITM_BASE = 0xE0000000, TPIU_BASE = 0xE0040000, BLOCK = 0x1000 };
enum { PIDR4 = 0xFD0, PIDR0 = 0xFE0, CIDR0 = 0xFF0, MEMTYPE = 0xFCC };
enum { TPIU_DEVTYPE = 0xFCC };

uint32_t coresight_id(uint32_t offset, uint32_t part, uint32_t revision)
{
    switch (offset) {
    case PIDR4:      return 0x04;
    case PIDR0:      return part;
    case PIDR0 + 4:  return 0xB0;
    case PIDR0 + 8:  return revision << 4 | 0x0B;
    case CIDR0:      return 0x0D;
    case CIDR0 + 4:  return 0xE0;
    case CIDR0 + 8:  return 0x05;
    case CIDR0 + 12: return 0xB1;
    default:         return 0;
    }
}

/* --- ROM table ------------------------------------------------------------------- */

static uint32_t rom_entry(const uint32_t *entries, uint32_t offset)
{
    if (offset == MEMTYPE)
        return 1;                               /* system memory is on this bus */
    for (uint32_t i = 0; entries[i]; i++)
        if (i == offset / 4)
            return entries[i];
    return 0;
}

static uint32_t read_rom_table(void *ctx, uint32_t offset, int width)
{
    const struct coredebug *debug = ctx;
    (void)width;
    if (offset >= CIDR0)
        return debug->config.component_id[(offset - CIDR0) / 4];
    if (offset >= PIDR0)
        return debug->config.peripheral_id[(offset - PIDR0) / 4];
    if (offset >= PIDR4)
        return debug->config.peripheral_id[4 + (offset - PIDR4) / 4];
    return rom_entry(debug->config.rom_entries, offset);
}

/* Further ones, which the first leads to: a Cortex-M7 has two. */
static uint32_t read_next_table(void *ctx, uint32_t offset, int width)
{
    static const uint8_t component_id[] = { 0x0D, 0x10, 0x05, 0xB1 };
    const struct rom_table *table = ctx;
    (void)width;
    if (offset >= CIDR0)
        return component_id[(offset - CIDR0) / 4];
    if (offset >= PIDR0)
        return table->peripheral_id[(offset - PIDR0) / 4];
    if (offset >= PIDR4)
        return offset == PIDR4 ? table->peripheral_id[4] : 0;
    return rom_entry(table->entries, offset);
}

static void write_nothing(void *ctx, uint32_t offset, uint32_t value, int width)
{
    (void)ctx, (void)offset, (void)value, (void)width;      /* read-only, no error */
}

/* --- ITM, TPIU ------------------------------------------------------------------- */

static bool without_trcena(struct coredebug *debug)
{
    if (debug->demcr & TRCENA)
        return false;
    sim_report(debug->cpu->sim, SIM_NOTE, "%s: ITM used while DEMCR.TRCENA is 0",
               debug->cpu->config.name);
    return true;
}

static uint32_t read_itm(void *ctx, uint32_t offset, int width)
{
    struct coredebug *debug = ctx;
    (void)width;
    if (offset >= PIDR4)
        return coresight_id(offset, 0x01, cpu_part(debug->cpu) == CPU_M7 ? 0 : 1);
    return without_trcena(debug) ? 0 : itm_read(debug->itm, offset & ~3u);
}

static void write_itm(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct coredebug *debug = ctx;
    if (!without_trcena(debug))
        itm_write(debug->itm, offset & ~3u, value, width);
}

/* 0x9xx is the part: M3 923, M4 9A1, M7 9A9. */
static uint32_t tpiu_part(const struct cpu *cpu)
{
    return cpu_part(cpu) == CPU_M7 ? 0xA9 : cpu_part(cpu) == CPU_M4 ? 0xA1 : 0x23;
}

static uint32_t read_tpiu(void *ctx, uint32_t offset, int width)
{
    const struct coredebug *debug = ctx;
    (void)width;
    unsigned revision = cpu_part(debug->cpu) == CPU_M7 ? 0 : 1;
    switch (offset) {
    case TPIU_DEVTYPE: return 0x00000011;
    case PIDR0:        return tpiu_part(debug->cpu);
    case PIDR0 + 4:    return 0xB9;
    case CIDR0 + 4:    return 0x90;             /* a debug component */
    default:           break;
    }
    return offset >= PIDR4 ? coresight_id(offset, 0, revision) : tpiu_read(debug->tpiu, offset);
}

static void write_tpiu(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct coredebug *debug = ctx;
    (void)width;
    tpiu_write(debug->tpiu, offset, value);
}

void coresight_new(struct coredebug *debug)
{
    struct bus *bus = debug->cpu->bus;
    if (debug->config.rom_base && debug->config.rom_entries)
        bus_add(bus, &(struct bus_region){
            .base = debug->config.rom_base, .size = BLOCK, .name = "ROM table",
            .read = read_rom_table, .write = write_nothing, .ctx = debug });
    const struct rom_table *more = debug->config.more_tables;
    for (; more && more->base; more++)
        bus_add(bus, &(struct bus_region){
            .base = more->base, .size = BLOCK, .name = "ROM table", .read = read_next_table,
            .write = write_nothing, .ctx = (void *)more });
    if (coredebug_is_v6m(debug))
        return;
    bus_add(bus, &(struct bus_region){
        .base = ITM_BASE, .size = BLOCK, .name = "ITM", .read = read_itm,
        .write = write_itm, .ctx = debug });
    bus_add(bus, &(struct bus_region){
        .base = TPIU_BASE, .size = BLOCK, .name = "TPIU", .read = read_tpiu,
        .write = write_tpiu, .ctx = debug });
}
