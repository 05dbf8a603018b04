/* l1.c - the level 1 caches of a Cortex-M7: lines that the core has and memory has not.
 *
 *   called by  f4_flash_map.c, f4.c (accesses), nvic.c (registers)      calls  nothing but memory
 *
 *   core, data    --CCR.DC--> data cache, 4 ways of lines of 32 bytes ------> memory
 *   core, fetches --CCR.IC--> instruction cache, 2 ways of lines of 32 bytes -> memory
 *   debugger      --CSW.Prot[3] = 1--> looks into the data cache, and on a miss: memory
 *                 --CSW.Prot[3] = 0----------------------------------------> memory
 *
 * What a debugger meets here, and what it does about it:
 *   - RAM that the core wrote is old in memory until its line is cleaned (DCCMVAC, DCCIMVAC,
 *     DCCSW, DCCISW) or makes room for another: ask through the cache, or clean it first;
 *   - what the debugger writes beside the cache is not seen by a core that has the line, and is
 *     lost when that line is dirty: invalidate it, after cleaning;
 *   - code that it writes, a breakpoint too, is not seen by a core that has fetched the line:
 *     ICIMVAU or ICIALLU;
 *   - a reset switches both caches off and forgets nothing: lines are valid when a program
 *     switches them on without invalidating.  After power-on they are unknown: reported.
 *
 * Memory from 0x20000000 on is written back and allocated by reads and writes, below it is
 * written through (Armv7-M ARM B3.1, default map; there is no MPU here).  CACR.FORCEWT writes all
 * through.  A debugger's miss allocates nothing.
 *
 * Chosen: which way a line goes to (in turn); a hit and a miss cost the same.
 *
 * Sources: Cortex-M7 TRM r1p2 (DDI 0489F) 3.3 (registers), 5 (caches), 6.5 (AHBD); Armv7-M ARM
 * B2.2 (maintenance), B4.8 (identification); pyOCD issue 1323, probe-rs issue 1517 (Prot[3]). */
#include "l1.h"
#include "nvic.h"
#include <stdlib.h>
#include <string.h>

enum { LINE = 32, WAYS_I = 2, WAYS_D = 4 };
enum { FORCEWT = 1 << 2, CACR_BITS = 7 };
#define WRITE_BACK_FROM 0x20000000u

/* Offsets from 0xE000E000. */
enum { CLIDR = 0xD78, CTR = 0xD7C, CCSIDR = 0xD80, CSSELR = 0xD84,
       ICIALLU = 0xF50, ICIMVAU = 0xF58, DCIMVAC = 0xF5C, DCISW = 0xF60, DCCMVAU = 0xF64,
       DCCMVAC = 0xF68, DCCSW = 0xF6C, DCCIMVAC = 0xF70, DCCISW = 0xF74,
       ITCMCR = 0xF90, DTCMCR = 0xF94, AHBPCR = 0xF98, CACR = 0xF9C };
enum { CLEAN = 1, INVALIDATE = 2 };

struct line {
    bool known;                     /* since power-on it has been invalidated */
    bool valid, dirty;
    uint32_t address;               /* multiple of 32 */
    uint8_t *memory;                /* where it comes from and goes to */
    uint8_t data[LINE];
};

struct cache {
    bool on;
    int ways, sets, next;           /* next: the way that makes room */
    struct line *lines;             /* sets * ways, the ways of a set together */
};

struct l1 {
    struct cpu *cpu;
    struct cache instruction, data;
    uint32_t csselr, cacr;
    void (*switched)(void *ctx);
    void *ctx;
};

/* --- lines -------------------------------------------------------------------------- */

static struct line *set_of(const struct cache *cache, uint32_t address)
{
    return &cache->lines[address / LINE % (uint32_t)cache->sets * (uint32_t)cache->ways];
}

static struct line *find(const struct cache *cache, uint32_t address)
{
    struct line *set = set_of(cache, address);
    for (int way = 0; way < cache->ways; way++)
        if (set[way].valid && set[way].address == address / LINE * LINE)
            return &set[way];
    return NULL;
}

static void clean(struct line *line)
{
    if (line->valid && line->dirty)
        memcpy(line->memory, line->data, LINE);
    line->dirty = false;
}

static void maintain(struct line *line, int what)
{
    if (!line)
        return;
    if (what & CLEAN)
        clean(line);
    if (what & INVALIDATE) {
        line->valid = line->dirty = false;
        line->known = true;
    }
}

static struct line *fill(struct cache *cache, uint32_t address, uint8_t *memory)
{
    struct line *set = set_of(cache, address), *line = NULL;
    for (int way = 0; way < cache->ways && !line; way++)
        if (!set[way].valid)
            line = &set[way];
    if (!line)
        line = &set[cache->next++ % cache->ways];
    clean(line);
    line->valid = true;
    line->address = address / LINE * LINE;
    line->memory = memory - address % LINE;
    memcpy(line->data, line->memory, LINE);
    return line;
}

/* --- accesses ----------------------------------------------------------------------- */

static struct line *line_for(struct l1 *l1, uint32_t address, uint8_t *memory)
{
    struct bus *bus = l1->cpu->bus;
    struct cache *cache = bus->master == BUS_CODE ? &l1->instruction : &l1->data;
    if (!cache->on || bus->master == BUS_DMA || (bus->master == BUS_DEBUG && !bus->cacheable))
        return NULL;
    struct line *line = find(cache, address);
    return line || bus->master == BUS_DEBUG ? line : fill(cache, address, memory);
}

uint32_t l1_read(struct l1 *l1, uint32_t address, uint8_t *memory, int width)
{
    struct line *line = line_for(l1, address, memory);
    uint32_t value = 0;
    memcpy(&value, line ? line->data + address % LINE : memory, (size_t)width);
    return value;
}

void l1_write(struct l1 *l1, uint32_t address, uint8_t *memory, uint32_t value, int width)
{
    struct line *line = line_for(l1, address, memory);
    bool through = address < WRITE_BACK_FROM || l1->cacr & FORCEWT;
    if (line) {
        memcpy(line->data + address % LINE, &value, (size_t)width);
        line->dirty |= !through;
    }
    if (!line || through)
        memcpy(memory, &value, (size_t)width);
}

/* --- registers ---------------------------------------------------------------------- */

static struct cache *selected(const struct l1 *l1)
{
    return (struct cache *)(l1->csselr & 1 ? &l1->instruction : &l1->data);
}

/* WT WB RA WA as the caches can, sets - 1, ways - 1, lines of 8 words. */
static uint32_t ccsidr(const struct cache *cache)
{
    return 0xF0000000 | (uint32_t)(cache->sets - 1) << 13 | (uint32_t)(cache->ways - 1) << 3 | 1;
}

static void all_lines(struct cache *cache, int what)
{
    for (int i = 0; i < cache->sets * cache->ways; i++)
        maintain(&cache->lines[i], what);
}

/* The way in the topmost bits, the set from bit 5 on (B2.2.7). */
static void by_set_and_way(struct cache *cache, uint32_t value, int what)
{
    uint32_t way = value >> 30, set = value / LINE % (uint32_t)cache->sets;
    maintain(&cache->lines[set * (uint32_t)cache->ways + way], what);
}

uint32_t l1_read_register(const struct l1 *l1, uint32_t offset)
{
    switch (offset) {
    case CLIDR:  return 0x09000003;         /* level 1: separate; of unification, coherency: 1 */
    case CTR:    return 0x8303C003;
    case CCSIDR: return ccsidr(selected(l1));
    case CSSELR: return l1->csselr;
    case ITCMCR: return 0x29;               /* 16 KB, on */
    case DTCMCR: return 0x39;               /* 64 KB, on */
    case AHBPCR: return 0x03;               /* peripherals, on */
    case CACR:   return l1->cacr;
    default:     return 0;                  /* the maintenance registers are write-only */
    }
}

void l1_write_register(struct l1 *l1, uint32_t offset, uint32_t value)
{
    struct cache *data = &l1->data, *instruction = &l1->instruction;
    switch (offset) {
    case CSSELR:   l1->csselr = value & 1; break;
    case CACR:     l1->cacr = value & CACR_BITS; break;
    case ICIALLU:  all_lines(instruction, INVALIDATE); break;
    case ICIMVAU:  maintain(find(instruction, value), INVALIDATE); break;
    case DCIMVAC:  maintain(find(data, value), INVALIDATE); break;
    case DCISW:    by_set_and_way(data, value, INVALIDATE); break;
    case DCCMVAU:
    case DCCMVAC:  maintain(find(data, value), CLEAN); break;
    case DCCSW:    by_set_and_way(data, value, CLEAN); break;
    case DCCIMVAC: maintain(find(data, value), CLEAN | INVALIDATE); break;
    case DCCISW:   by_set_and_way(data, value, CLEAN | INVALIDATE); break;
    case ITCMCR:
    case DTCMCR:
    case AHBPCR:
        if (!(value & 1))
            sim_report(l1->cpu->sim, SIM_UNMODELLED, "%s: a TCM or AHBP switched off",
                       l1->cpu->config.name);
        break;
    default:
        break;
    }
}

/* --- on and off --------------------------------------------------------------------- */

static void switch_cache(struct l1 *l1, struct cache *cache, bool on, const char *name)
{
    bool known = true;
    for (int i = 0; i < cache->sets * cache->ways; i++)
        known &= cache->lines[i].known;
    if (on && !cache->on && !known)
        sim_report(l1->cpu->sim, SIM_RULE, "%s: the %s cache is switched on, and not all of it "
                   "has been invalidated since power-on", l1->cpu->config.name, name);
    cache->on = on;
}

void l1_control(struct l1 *l1, uint32_t ccr)
{
    bool was_on = l1_is_on(l1);
    switch_cache(l1, &l1->data, ccr & CCR_DC, "data");
    switch_cache(l1, &l1->instruction, ccr & CCR_IC, "instruction");
    if (l1_is_on(l1) != was_on)
        l1->switched(l1->ctx);
}

bool l1_is_on(const struct l1 *l1) { return l1->data.on || l1->instruction.on; }

void l1_power(struct l1 *l1)
{
    memset(l1->data.lines, 0, (size_t)(l1->data.sets * WAYS_D) * sizeof(struct line));
    memset(l1->instruction.lines, 0,
           (size_t)(l1->instruction.sets * WAYS_I) * sizeof(struct line));
}

static struct cache new_cache(uint32_t bytes, int ways)
{
    int sets = (int)bytes / LINE / ways;
    return (struct cache){ .ways = ways, .sets = sets,
                           .lines = calloc((size_t)(sets * ways), sizeof(struct line)) };
}

struct l1 *l1_new(struct cpu *cpu, uint32_t instruction_bytes, uint32_t data_bytes,
                  void (*switched)(void *ctx), void *ctx)
{
    struct l1 *l1 = cpu->l1 = calloc(1, sizeof *l1);
    l1->cpu = cpu;
    l1->instruction = new_cache(instruction_bytes, WAYS_I);
    l1->data = new_cache(data_bytes, WAYS_D);
    l1->switched = switched;
    l1->ctx = ctx;
    return l1;
}

void l1_free(struct l1 *l1)
{
    if (!l1)
        return;
    free(l1->instruction.lines);
    free(l1->data.lines);
    free(l1);
}
