/* bus.c - the only address decoder of a simulated chip.
 *
 *   called by  cpu.c, memap.c, dma.c, load.c      calls  the devices' handlers
 *
 * Regions are kept sorted and found by bisection; the answer for a whole 1 KB page is
 * remembered, which is what makes the core fast.  Bit-band aliases (Armv7-M, Cortex-M3
 * TRM 4.2) are resolved here: a write reads the byte, changes one bit, and writes it
 * back, as the core's bus matrix does.
 *
 * A miss is a bus error.  It is reported too where the real chip has registers, for then
 * it is the model that lacks something; a debugger may look anywhere in silence. */
#include "bus.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { BIT_BAND_RAM = 0x22, BIT_BAND_PERIPHERAL = 0x42 };   /* address bits 31:24 */

static void forget_slots(struct bus *bus)
{
    for (int i = 0; i < BUS_SLOTS; i++)
        bus->slots[i] = (struct bus_slot){ UINT32_MAX, NULL };
}

struct bus *bus_new(struct sim *sim, const char *name)
{
    struct bus *bus = calloc(1, sizeof *bus);
    assert(bus);
    bus->sim = sim;
    bus->name = name;
    forget_slots(bus);
    return bus;
}

void bus_free(struct bus *bus)
{
    if (!bus)
        return;
    for (int i = 0; i < bus->count; i++)
        free(bus->regions[i]);
    free(bus->regions);
    free(bus);
}

static uint32_t last_address(const struct bus_region *region)
{
    return region->base + (region->size - 1);
}

struct bus_region *bus_add(struct bus *bus, const struct bus_region *region)
{
    assert(region->size && last_address(region) >= region->base);
    if (bus->count == bus->capacity) {
        bus->capacity = bus->capacity ? 2 * bus->capacity : 32;
        bus->regions = realloc(bus->regions,
                               sizeof *bus->regions * (size_t)bus->capacity);
        assert(bus->regions);
    }
    struct bus_region *copy = malloc(sizeof *copy);
    assert(copy);
    *copy = *region;
    int at = bus->count++;
    for (; at > 0 && bus->regions[at - 1]->base > copy->base; at--)
        bus->regions[at] = bus->regions[at - 1];
    bus->regions[at] = copy;
    assert(at == 0 || last_address(bus->regions[at - 1]) < copy->base);
    assert(at == bus->count - 1 || last_address(copy) < bus->regions[at + 1]->base);
    forget_slots(bus);
    return copy;
}

static void remember(struct bus *bus, struct bus_region *region, uint32_t address)
{
    uint32_t page = address >> BUS_PAGE_BITS;
    uint32_t first = page << BUS_PAGE_BITS, last = first | ((1u << BUS_PAGE_BITS) - 1);
    if (region->base <= first && last <= last_address(region))
        bus->slots[page % BUS_SLOTS] = (struct bus_slot){ page, region };
}

struct bus_region *bus_find(struct bus *bus, uint32_t address)
{
    struct bus_region *quick = bus_quick(bus, address);
    if (quick)
        return quick;
    int low = 0, high = bus->count;
    while (low < high) {
        int middle = (low + high) / 2;
        struct bus_region *region = bus->regions[middle];
        if (address < region->base) {
            high = middle;
        } else if (address > last_address(region)) {
            low = middle + 1;
        } else {
            remember(bus, region, address);
            return region;
        }
    }
    return NULL;
}

static bool miss(struct bus *bus, uint32_t address, int width, const char *what)
{
    bool registers = address >> 29 == 2 || address >> 20 == 0xE00;
    if (registers && bus->master != BUS_DEBUG)
        sim_report(bus->sim, SIM_UNMODELLED, "%s: %d-bit %s of 0x%08X, where nothing is",
                   bus->name, 8 * width, what, address);
    return false;
}

static void not_modelled(struct bus *bus, const struct bus_region *region,
                         uint32_t address, const char *what)
{
    if (bus->master != BUS_DEBUG)
        sim_report(bus->sim, SIM_UNMODELLED, "%s: %s of 0x%08X (%s+0x%X)", bus->name,
                   what, address, region->name, address - region->base);
}

static bool read_plain(struct bus *bus, uint32_t address, int width, uint32_t *value)
{
    struct bus_region *region = bus_find(bus, address);
    *value = 0;
    if (!region)
        return miss(bus, address, width, "read");
    uint32_t offset = address - region->base;
    bus->fault = false;
    if (region->memory)
        memcpy(value, region->memory + offset, (size_t)width);
    else if (region->read)
        *value = region->read(region->ctx, offset, width);
    else
        not_modelled(bus, region, address, "read");
    if (width < 4)
        *value &= (1u << 8 * width) - 1;
    return !bus->fault;
}

static bool write_plain(struct bus *bus, uint32_t address, int width, uint32_t value)
{
    struct bus_region *region = bus_find(bus, address);
    if (!region)
        return miss(bus, address, width, "write");
    uint32_t offset = address - region->base;
    if (width < 4)
        value &= (1u << 8 * width) - 1;
    bus->fault = false;
    if (region->memory && region->writable)
        memcpy(region->memory + offset, &value, (size_t)width);
    else if (region->write)
        region->write(region->ctx, offset, value, width);
    else if (region->memory)
        return false;                       /* ROM refuses */
    else
        not_modelled(bus, region, address, "write");
    return !bus->fault;
}

static bool is_bit_band(const struct bus *bus, uint32_t address)
{
    uint32_t top = address >> 24 & 0xFE;
    return bus->bit_band && (top == BIT_BAND_RAM || top == BIT_BAND_PERIPHERAL);
}

/* The byte that holds the bit, and which bit: alias = base + byte * 32 + bit * 4. */
static uint32_t bit_band_byte(uint32_t address, int *bit)
{
    *bit = (int)(address >> 2 & 7);
    return (address & 0xF0000000) + ((address & 0x01FFFFFF) >> 5);
}

struct bus_region *bus_behind(struct bus *bus, uint32_t address)
{
    int bit;
    return is_bit_band(bus, address) ? bus_find(bus, bit_band_byte(address, &bit)) : NULL;
}

static void enter(struct bus *bus, enum bus_master master, uint32_t address, int width)
{
    assert(!(address & (uint32_t)(width - 1)));
    bus->master = master;
}

bool bus_read(struct bus *bus, enum bus_master master, uint32_t address, int width,
              uint32_t *value)
{
    enter(bus, master, address, width);
    if (!is_bit_band(bus, address))
        return read_plain(bus, address, width, value);
    int bit;
    uint32_t byte = bit_band_byte(address, &bit);
    uint32_t unit = byte & ~(uint32_t)(width - 1);
    bool good = read_plain(bus, unit, width, value);
    *value = *value >> (bit + 8 * (int)(byte - unit)) & 1;
    return good;
}

/* The matrix accesses the whole unit that the alias access names (TRM 4.2.2), so a
 * peripheral that must be read by words is, and its handler sees both accesses. */
bool bus_write(struct bus *bus, enum bus_master master, uint32_t address, int width,
               uint32_t value)
{
    enter(bus, master, address, width);
    if (!is_bit_band(bus, address))
        return write_plain(bus, address, width, value);
    int bit;
    uint32_t byte = bit_band_byte(address, &bit), old;
    uint32_t unit = byte & ~(uint32_t)(width - 1);
    bit += 8 * (int)(byte - unit);
    if (!read_plain(bus, unit, width, &old))
        return false;
    return write_plain(bus, unit, width, (old & ~(1u << bit)) | (value & 1) << bit);
}

bool bus_load(struct bus *bus, uint32_t address, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    for (size_t done = 0; done < size;) {
        struct bus_region *region = bus_find(bus, address + (uint32_t)done);
        if (!region || !region->memory)
            return false;
        uint32_t offset = address + (uint32_t)done - region->base;
        size_t part = region->size - offset;
        if (part > size - done)
            part = size - done;
        memcpy(region->memory + offset, bytes + done, part);
        done += part;
    }
    return true;
}
