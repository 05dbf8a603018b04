/* bus.h - the only address decoder of a simulated chip.
 *
 * A chip's address space is a table of regions.  Memory is a plain array that the
 * core may read without a call; a peripheral is a pair of functions.  An access
 * that no region covers is a bus fault, and is reported as unmodelled when it lies
 * in a range that the real chip fills with registers: 0x40000000-0x5FFFFFFF and
 * 0xE0000000-0xE00FFFFF.  Elsewhere it is quietly a bus error, for programs probe how
 * much memory there is; a debugger's miss is quiet everywhere.
 *
 *   called by  cpu.c, memap.c, dma.c, and whoever loads memory      calls  sim.h */
#ifndef BUS_H
#define BUS_H

#include "sim.h"
#include <stddef.h>

enum bus_master { BUS_CODE, BUS_DATA, BUS_DEBUG, BUS_DMA };

struct bus_region {
    uint32_t base, size;
    const char *name;               /* as the manual calls it: "GPIOA" */

    uint8_t *memory;                /* plain memory: read directly.  NULL = device */
    bool writable;                  /* memory: may be written directly */

    /* A device, or memory whose writes have a meaning (flash).  offset is from base,
     * width is 1, 2 or 4 bytes, naturally aligned.  A handler that wants a bus error
     * sets bus->fault.  Both may be NULL (then reads give 0, writes are dropped, and
     * either is reported as unmodelled). */
    uint32_t (*read)(void *ctx, uint32_t offset, int width);
    void (*write)(void *ctx, uint32_t offset, uint32_t value, int width);
    void *ctx;

    /* Cost, in cycles of the core that accesses, beyond the core's own minimum.
     * The chip changes them when prescalers or wait states change. */
    uint8_t read_wait, write_wait;
    bool prefetch;                  /* flash with a prefetch buffer (RM0008 3.3.3) */

    /* When set, an access before this time stalls the core until then (flash while
     * it programs or erases); a write has a time of its own if the second is set, too. */
    const sim_time *busy_until, *writes_busy_until;

    bool data_only;                 /* no path for instructions leads here: a bus error */
    /* Execution enters the 8 bytes at this offset (a model of an instruction cache). */
    void (*executed)(void *ctx, uint32_t offset);
};

/* What an access has to wait for; NULL: nothing. */
static inline const sim_time *bus_busy(const struct bus_region *region, bool write)
{
    return write && region->writes_busy_until ? region->writes_busy_until : region->busy_until;
}

/* A remembered answer of bus_find(): pages of 1 KB that lie in one region. */
struct bus_slot { uint32_t page; struct bus_region *region; };
enum { BUS_PAGE_BITS = 10, BUS_SLOTS = 256 };

struct bus {
    struct sim *sim;
    const char *name;               /* of the chip, for reports */
    struct bus_region **regions;    /* sorted by base; private to bus.c */
    struct bus_slot slots[BUS_SLOTS];
    int count, capacity;
    bool bit_band;                  /* Cortex-M3 aliases at 0x22000000 and 0x42000000 */
    bool fault;                     /* set by a handler: this access is a bus error */
    enum bus_master master;         /* who makes the present access */
    bool cacheable;                 /* the debugger's: it may be answered by a cache (HPROT[3]) */
};

struct bus *bus_new(struct sim *sim, const char *name);
void bus_free(struct bus *bus);

/* Adds a region; it is copied, and the copy in the bus is returned so that its
 * owner may change costs later.  Regions must not overlap (asserted).  The pointer
 * stays valid. */
struct bus_region *bus_add(struct bus *bus, const struct bus_region *region);
struct bus_region *bus_find(struct bus *bus, uint32_t address);

/* bus_find() for a page met before, NULL for any other. */
static inline struct bus_region *bus_quick(struct bus *bus, uint32_t address)
{
    uint32_t page = address >> BUS_PAGE_BITS;
    const struct bus_slot *slot = &bus->slots[page % BUS_SLOTS];
    return slot->page == page ? slot->region : NULL;
}

/* The region that a bit-band alias stands for; NULL if the address is no alias. */
struct bus_region *bus_behind(struct bus *bus, uint32_t address);

/* One access, with bit-band aliases resolved.  Returns false for a bus error;
 * address must be aligned to width.  Charges no time: that is the core's business. */
bool bus_read(struct bus *bus, enum bus_master master, uint32_t address, int width,
              uint32_t *value);
bool bus_write(struct bus *bus, enum bus_master master, uint32_t address, int width,
               uint32_t value);

/* Loads bytes where even flash is writable (a factory programmer, not the bus).
 * Returns false if any of it is not memory. */
bool bus_load(struct bus *bus, uint32_t address, const void *data, size_t size);

#endif
