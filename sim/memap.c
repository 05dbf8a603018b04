/* memap.c - the AHB-AP: CSW, TAR and DRW become accesses on the chip's bus.
 *
 *   called by  swdp.c      calls  bus.c (as BUS_DEBUG), cpu_run() through sim_catch_up()
 *
 * What a student should see here:
 *   - data sits on the byte lanes that the address names (ADIv5.2 C2.2.6): a byte at
 *     address 3 comes and goes in bits 31:24;
 *   - TAR counts up after each good DRW access, but only its low bits do (C2.2.2): it
 *     wraps at tar_wrap, and a debugger must write it anew there;
 *   - a packed access is one DRW transfer and several bus accesses, each on its lane;
 *   - an access that the bus refuses gives an error and leaves TAR alone.
 *
 * Where the specification says UNPREDICTABLE or "not supported", we say it aloud.
 *
 * Sources: ARM IHI 0031C (ADIv5.2) C2; Cortex-M3 TRM 11 (AHB-AP registers). */
#include "memap.h"
#include <stdlib.h>

enum { CSW = 0x00, TAR = 0x04, DRW = 0x0C, BD0 = 0x10, BD3 = 0x1C,
       CFG = 0xF4, BASE = 0xF8, IDR = 0xFC };

/* CSW, ADIv5.2 C2.6.4 */
enum { SIZE_BYTE, SIZE_HALF, SIZE_WORD };
enum { CSW_SIZE = 7, CSW_ADDR_INC = 3 << 4, CSW_DEVICE_EN = 1 << 6,
       CSW_HPROT = 0x22000000, CSW_HPROT_FIXED = 1 << 24, CSW_HPROT_CACHEABLE = 1 << 27 };
enum { INC_OFF, INC_SINGLE, INC_PACKED };

/* Clocks of the bus that an access takes: across the DAP's clock boundary, address and
 * data phase, and back.  No manual gives the number; 6 is what is assumed. */
enum { ACCESS_CYCLES = 6 };
#define LOOK_EVERY (10 * SIM_US)         /* whether the clock is back */

struct memap {
    struct chip *chip;
    struct swdp_config config;
    uint32_t csw, tar;
    uint32_t asked;                 /* CSW's size and increment as they were written */
    bool disabled;                  /* CSW.DeviceEn is 0: nothing reaches the bus */
    bool (*allowed)(void *ctx, uint32_t address, bool write);
    void *allowed_ctx;
    bool (*hidden)(void *ctx, uint32_t address);
    void *hidden_ctx;
    bool (*unclocked)(void *ctx);
    void *unclocked_ctx;
};

struct memap *memap_new(struct chip *chip, const struct swdp_config *config)
{
    struct memap *ap = calloc(1, sizeof *ap);
    ap->chip = chip;
    ap->config = *config;
    if (!ap->config.tar_wrap)
        ap->config.tar_wrap = 0x400;
    memap_reset(ap);
    return ap;
}

void memap_free(struct memap *ap) { free(ap); }

void memap_reset(struct memap *ap)
{
    ap->csw = CSW_HPROT_FIXED | 0x02000000 | SIZE_WORD;     /* data, privileged */
    ap->asked = ap->csw;
    ap->tar = 0;
}

void memap_restrict(struct memap *ap,
                    bool (*allowed)(void *ctx, uint32_t address, bool write), void *ctx)
{
    ap->allowed = allowed;
    ap->allowed_ctx = ctx;
}

void memap_stop(struct memap *ap, bool (*unclocked)(void *ctx), void *ctx)
{
    ap->unclocked = unclocked;
    ap->unclocked_ctx = ctx;
}

void memap_hide(struct memap *ap, bool (*hidden)(void *ctx, uint32_t address), void *ctx)
{
    ap->hidden = hidden;
    ap->hidden_ctx = ctx;
}

void memap_enable(struct memap *ap, bool enabled) { ap->disabled = !enabled; }

/* --- the core's time ------------------------------------------------------------- */

void sim_catch_up(struct sim *sim, struct cpu *cpu)
{
    if (sim->running == cpu || cpu->local >= sim->now)
        return;
    sim_time now = sim->now, horizon = sim->horizon;
    struct cpu *running = sim->running;

    sim->now = cpu->local;
    sim->horizon = now;
    sim->running = cpu;
    cpu_run(cpu);
    cpu->local = sim->now;

    sim->now = now;
    sim->running = running;
    sim->horizon = horizon;
    /* Alarms set meanwhile pulled in the horizon that was lent, not this one. */
    if (sim->queued && sim->queue[0]->at < sim->horizon)
        sim->horizon = sim->queue[0]->at;
}

/* --- bus accesses ---------------------------------------------------------------- */

static int size_of(const struct memap *ap) { return 1 << (ap->csw & CSW_SIZE); }

static int increment_of(const struct memap *ap)
{
    return (int)((ap->csw & CSW_ADDR_INC) >> 4);
}

static void count_up(struct memap *ap, int bytes)
{
    uint32_t inside = ap->config.tar_wrap - 1;
    ap->tar = (ap->tar & ~inside) | ((ap->tar + (uint32_t)bytes) & inside);
}

static bool may_access(struct memap *ap, uint32_t address, int size, bool write)
{
    if (address & (uint32_t)(size - 1)) {
        sim_report(ap->chip->sim, SIM_NOTE, "%s: debugger's %d-byte access to 0x%08X is "
                   "not aligned", ap->chip->name, size, address);
        return false;
    }
    return !ap->disabled && (!ap->allowed || ap->allowed(ap->allowed_ctx, address, write));
}

static bool bus_access(struct memap *ap, uint32_t address, int size, bool write,
                       uint32_t *value)
{
    if (!may_access(ap, address, size, write))
        return false;
    sim_catch_up(ap->chip->sim, ap->chip->cpu);
    ap->chip->bus->cacheable = ap->csw & CSW_HPROT_CACHEABLE;
    if (ap->hidden && ap->hidden(ap->hidden_ctx, address)) {
        *value = 0;
        return true;
    }
    if (write)
        return bus_write(ap->chip->bus, BUS_DEBUG, address, size, *value);
    return bus_read(ap->chip->bus, BUS_DEBUG, address, size, value);
}

/* One bus access at TAR, its data on the lanes of *value that the address names. */
static bool access_lane(struct memap *ap, int size, bool write, uint32_t *value)
{
    unsigned shift = 8 * (ap->tar & 3 & ~(uint32_t)(size - 1));
    uint32_t mask = size == 4 ? UINT32_MAX : (1u << 8 * size) - 1;
    uint32_t part = write ? *value >> shift & mask : 0;
    if (!bus_access(ap, ap->tar, size, write, &part))
        return false;
    if (!write)
        *value = (*value & ~(mask << shift)) | (part & mask) << shift;
    return true;
}

/* A debugger finds out what an AP can do by writing CSW and reading it back (C2.2.6 has
 * no other way), so only the use of what is not there is a mistake. */
static void check_mode(struct memap *ap)
{
    uint32_t fields = CSW_SIZE | CSW_ADDR_INC;
    if ((ap->asked ^ ap->csw) & fields)
        sim_report(ap->chip->sim, SIM_RULE, "%s: DRW used after CSW.Size %u, AddrInc %u were "
                   "written, which this AP has not", ap->chip->name, ap->asked & CSW_SIZE,
                   (ap->asked & CSW_ADDR_INC) >> 4);
}

static bool access_drw(struct memap *ap, bool write, uint32_t *value)
{
    check_mode(ap);
    int size = size_of(ap), increment = increment_of(ap);
    int times = increment == INC_PACKED ? 4 / size : 1;
    if (!write)
        *value = 0;
    for (int i = 0; i < times; i++) {
        if (!access_lane(ap, size, write, value))
            return false;
        if (increment != INC_OFF)
            count_up(ap, size);
    }
    return true;
}

/* BD0 to BD3: words at TAR's 16-byte block; TAR stays (C2.6.1). */
static bool access_banked(struct memap *ap, uint32_t reg, bool write, uint32_t *value)
{
    if ((ap->csw & CSW_SIZE) != SIZE_WORD)
        sim_report(ap->chip->sim, SIM_RULE, "%s: AP banked data register used with "
                   "CSW.Size %u: unpredictable", ap->chip->name, ap->csw & CSW_SIZE);
    return bus_access(ap, (ap->tar & ~15u) | (reg & 12), 4, write, value);
}

/* --- registers ------------------------------------------------------------------- */

static void write_csw(struct memap *ap, uint32_t value)
{
    uint32_t size = value & CSW_SIZE, increment = (value & CSW_ADDR_INC) >> 4;
    if (size > SIZE_WORD)
        size = SIZE_WORD;
    if (increment > INC_PACKED || (increment == INC_PACKED && !ap->config.packed_transfers))
        increment = INC_OFF;
    ap->asked = value;
    uint32_t hprot = ap->config.csw_prot ? value & ap->config.csw_prot
                                         : (value & CSW_HPROT) | CSW_HPROT_FIXED;
    ap->csw = hprot | increment << 4 | size;
}

bool memap_read(struct memap *ap, uint32_t reg, uint32_t *value)
{
    *value = 0;
    if (reg >= BD0 && reg <= BD3)
        return access_banked(ap, reg, false, value);
    switch (reg) {
    case CSW:  *value = ap->csw | (ap->disabled ? 0 : CSW_DEVICE_EN); break;
    case TAR:  *value = ap->tar; break;
    case DRW:  return access_drw(ap, false, value);
    case CFG:  *value = 0; break;                       /* little-endian */
    case BASE: *value = ap->config.rom_table | 3; break;    /* present, new format */
    case IDR:  *value = ap->config.ap_idr; break;
    default:   break;                                   /* reserved: reads as 0 */
    }
    return true;
}

bool memap_write(struct memap *ap, uint32_t reg, uint32_t value)
{
    if (reg >= BD0 && reg <= BD3)
        return access_banked(ap, reg, true, &value);
    switch (reg) {
    case CSW: write_csw(ap, value); break;
    case TAR: ap->tar = value; break;
    case DRW: return access_drw(ap, true, &value);
    default:  break;                                    /* read-only or reserved */
    }
    return true;
}

/* --- time ------------------------------------------------------------------------ */

static bool reaches_bus(uint32_t reg) { return reg == DRW || (reg >= BD0 && reg <= BD3); }

static struct bus_region *region_of(struct memap *ap, uint32_t reg)
{
    uint32_t address = reg == DRW ? ap->tar : (ap->tar & ~15u) | (reg & 12);
    return bus_find(ap->chip->bus, address);
}

sim_time memap_ready_at(struct memap *ap, uint32_t reg, bool write)
{
    sim_time now = ap->chip->sim->now;
    if (!reaches_bus(reg))
        return now;
    sim_catch_up(ap->chip->sim, ap->chip->cpu);
    if (ap->unclocked && ap->unclocked(ap->unclocked_ctx))
        return now + LOOK_EVERY;
    struct bus_region *region = region_of(ap, reg);
    const sim_time *until = region ? bus_busy(region, write) : NULL;
    return until && *until > now ? *until : now;
}

sim_time memap_duration(struct memap *ap, uint32_t reg)
{
    if (!reaches_bus(reg))
        return 0;
    struct bus_region *region = region_of(ap, reg);
    int accesses = increment_of(ap) == INC_PACKED && reg == DRW ? 4 / size_of(ap) : 1;
    unsigned wait = region ? region->read_wait : 0;
    return (ACCESS_CYCLES + (sim_time)(accesses - 1) * 2 + wait) * ap->chip->cpu->cycle;
}
