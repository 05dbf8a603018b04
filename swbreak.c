/* swbreak.c - software breakpoints (gdb's Z0).
 *
 * In RAM the instruction is replaced by BKPT and kept here.  Flash cannot be changed for
 * a moment, so there a Z0 takes one of the core's comparators, as Z1 would: lldb asks for
 * Z0 everywhere.  Reads and writes of memory through this file do not see the BKPTs.
 *
 * The program may write over a BKPT, as start-up code does that copies .data: what it left
 * is what is kept from then on, and the BKPT is set anew at the next stop.
 *
 *   called by  gdb_memory.c, gdb_run.c      calls  target.c, cortexm.c, gdb_xml.c
 *
 * Source: GDB manual E.2 Packets ("Z0"); ARMv7-M ARM A7.7.17 BKPT. */
#include "swbreak.h"
#include "gdb_xml.h"
#include "mem.h"
#include "target.h"

enum { PLACES = 24 };
enum { UNUSED, BKPT, COMPARATOR };      /* comparator: in flash or ROM, in the core's FPB */

/* BKPT #0xBE: not #0, as programs have it, and bytes that code seldom has in these places,
 * for they tell what is still ours. */
static const uint8_t bkpt[2] = { 0xBE, 0xBE };

/* Without gaps, and the last one stays unused: mostly there is nothing to look through. */
static struct place {
    uint8_t use;
    uint8_t original[2];
    uint32_t address;
} places[PLACES + 1];

/* The one at this address, or the first that is unused. */
static struct place *find(uint32_t address)
{
    struct place *p = places;

    while (p->use != UNUSED && p->address != address)
        p++;
    return p;
}

bool swbreak_at(uint32_t address)
{
    return find(address)->use != UNUSED;
}

/* What is there now: bytes that are not the BKPT's are the program's, which writes over it
 * where start-up code copies .data.  Byte by byte, as it may copy. */
static int look(struct place *place, uint8_t *seen)
{
    int error = target_read(place->address, seen, 2);

    for (int k = 0; k < 2 && error == OK; k++)
        if (seen[k] != bkpt[k])
            place->original[k] = seen[k];
    return error;
}

static int put_bkpt(struct place *place)
{
    uint8_t seen[2];
    int error = look(place, seen);

    if (error != OK || memcmp(seen, bkpt, 2) == 0)
        return error;
    error = target_write(place->address, bkpt, 2);
    if (error == OK)
        error = target_read(place->address, seen, 2);
    if (error == OK && memcmp(seen, bkpt, 2) != 0)
        error = ERR_VERIFY;             /* this is no RAM */
    return error;
}

static int restore(struct place *place)
{
    uint8_t seen[2];
    int error = look(place, seen);

    if (error != OK || memcmp(seen, place->original, 2) == 0)
        return error;
    return target_write(place->address, place->original, 2);
}

/* All BKPTs that have a byte in this area; the first error, but none is left out. */
static int each(uint32_t address, uint32_t length, int (*act)(struct place *place))
{
    int error = OK;

    for (struct place *p = places; p->use != UNUSED; p++)
        if (p->use == BKPT && p->address + 1 - address <= length) {
            int this_error = act(p);
            if (error == OK)
                error = this_error;
        }
    return error;
}

int swbreak_set(uint32_t address, int kind)
{
    struct place *place = find(address);
    struct region piece;

    if (place->use != UNUSED)           /* the protocol allows to ask twice */
        return OK;
    if (place == places + PLACES)
        return ERR_RESOURCES;
    gdb_memory_piece(address, &piece);
    place->address = address;
    memcpy(place->original, bkpt, 2);   /* if nothing else is there */
    bool ram = piece.kind == REGION_RAM;
    int error = ram ? put_bkpt(place) : cortexm_set_breakpoint(address, kind);
    if (error == OK)
        place->use = ram ? BKPT : COMPARATOR;
    return error;
}

/* What fails is kept, to be tried again. */
int swbreak_clear(uint32_t address, int kind)
{
    struct place *place = find(address), *last = place;

    if (place->use == UNUSED)
        return OK;
    int error = place->use == COMPARATOR ? cortexm_clear_breakpoint(address, kind)
                                         : restore(place);
    if (error != OK)
        return error;
    while (last[1].use != UNUSED)
        last++;
    *place = *last;
    last->use = UNUSED;
    return OK;
}

void swbreak_forget(void)
{
    __builtin_memset(places, 0, sizeof places);
}

void swbreak_remove_all(void)
{
    each(0, 0xFFFFFFFF, restore);
    swbreak_forget();
}

int swbreak_renew(void)
{
    return each(0, 0xFFFFFFFF, put_bkpt);
}

int swbreak_read(uint32_t address, uint8_t *bytes, uint32_t length)
{
    int error = target_read(address, bytes, length);

    for (const struct place *p = places; p->use != UNUSED; p++)
        for (uint32_t k = 0; k < 2 && p->use == BKPT; k++) {
            uint32_t offset = p->address + k - address;
            if (offset < length && bytes[offset] == bkpt[k])
                bytes[offset] = p->original[k];
        }
    return error;
}

/* What it overwrites of our BKPTs is put back over it. */
int swbreak_write(uint32_t address, const uint8_t *bytes, uint32_t length)
{
    int error = target_write(address, bytes, length);

    for (struct place *p = places; p->use != UNUSED && error == OK; p++)
        for (uint32_t k = 0; k < 2; k++) {
            uint32_t offset = p->address + k - address;
            if (offset < length)
                p->original[k] = bytes[offset];
        }
    int error_after = each(address, length, put_bkpt);
    return error != OK ? error : error_after;
}
