/* swbreak.c - software breakpoints (gdb's Z0).
 *
 * In RAM the instruction is replaced by BKPT and kept here.  Flash cannot be changed for
 * a moment, so there a Z0 takes one of the core's comparators, as Z1 would: lldb asks for
 * Z0 everywhere.  Reads and writes of memory through this file do not see the BKPTs.
 *
 * The program may write over a BKPT, as start-up code does that copies .data: what it left
 * is what is kept from then on, and the BKPT is set anew at the next stop.
 *
 * Source: GDB manual E.2 Packets ("Z0"); ARMv7-M ARM A7.7.17 BKPT. */
#include "swbreak.h"
#include "mem.h"
#include "target.h"

enum { PLACES = 24 };
enum { UNUSED, BKPT, COMPARATOR };      /* comparator: in flash or ROM, in the core's FPB */

/* BKPT #0xBE: not #0, as programs have it, and bytes that code seldom has in these places,
 * for they tell what is still ours. */
enum { OUR_BKPT = 0xBEBE, OUR_BYTE = 0xBE };

/* Without gaps, and the last one stays unused: mostly there is nothing to look through. */
static struct place {
    uint8_t use;
    uint8_t original[2];
    uint32_t address;
} places[PLACES + 1];

/* The one at this address, or the first that is unused. */
static struct place *find_place(uint32_t address)
{
    struct place *p = places;

    while (p->use != UNUSED && p->address != address)
        p++;
    return p;
}

bool swbreak_at(uint32_t address)
{
    return find_place(address)->use != UNUSED;
}

/* Bytes of memory that lie on BKPTs of ours: kept, as what the program has there, or shown so.
 * A byte that is not ours the program has written: byte by byte, because it may copy like
 * that, and stop in between. */
static void match(uint32_t address, uint8_t *bytes, uint32_t length, bool keep)
{
    for (struct place *p = places; p->use != UNUSED; p++)
        for (uint32_t k = 0; k < 2 && p->use == BKPT; k++) {
            uint32_t offset = p->address + k - address;
            if (offset < length && keep)
                p->original[k] = bytes[offset];
            else if (offset < length && bytes[offset] == OUR_BYTE)
                bytes[offset] = p->original[k];
        }
}

/* Keeps what the program has there. */
static int put_bkpt(struct place *place)
{
    const uint16_t ours = OUR_BKPT;
    uint16_t there;
    int error = target_read(place->address, &there, 2);

    if (error != OK || there == ours)
        return error;
    match(place->address, (uint8_t *)&there, 2, false);
    memcpy(place->original, &there, 2);
    error = target_write(place->address, &ours, 2);
    if (error == OK)
        error = target_read(place->address, &there, 2);
    return error == OK && there != ours ? ERR_VERIFY : error;       /* this is no RAM */
}

static int restore(struct place *place)
{
    uint8_t bytes[2];
    int error = swbreak_read(place->address, bytes, 2);

    return error != OK ? error : target_write(place->address, bytes, 2);
}

/* One that fails is tried again at the next stop. */
static void each_bkpt(int (*act)(struct place *place))
{
    for (struct place *p = places; p->use != UNUSED; p++)
        if (p->use == BKPT)
            act(p);
}

int swbreak_set(uint32_t address)
{
    struct place *place = find_place(address);
    struct region piece;

    if (place->use != UNUSED)           /* the protocol allows to ask twice */
        return OK;
    if (place == places + PLACES)
        return ERR_RESOURCES;
    target_piece(address, &piece);
    place->address = address;
    place->original[0] = place->original[1] = OUR_BYTE;     /* if that is there already */
    bool ram = piece.kind == REGION_RAM;
    int error = ram ? put_bkpt(place) : cortexm_set_breakpoint(address);
    if (error == OK)
        place->use = ram ? BKPT : COMPARATOR;
    return error;
}

/* What fails is kept, to be tried again. */
int swbreak_clear(uint32_t address)
{
    struct place *place = find_place(address), *last = place;

    if (place->use == UNUSED)
        return OK;
    int error = place->use == COMPARATOR ? cortexm_clear_breakpoint(address)
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
    each_bkpt(restore);
    swbreak_forget();
}

void swbreak_renew(void)
{
    each_bkpt(put_bkpt);
}

int swbreak_read(uint32_t address, uint8_t *bytes, uint32_t length)
{
    int error = target_read(address, bytes, length);

    match(address, bytes, length, false);
    return error;
}

/* What it overwrites of our BKPTs is put back over it. */
int swbreak_write(uint32_t address, const uint8_t *bytes, uint32_t length)
{
    int error = target_write(address, bytes, length);

    if (error == OK)
        match(address, (uint8_t *)bytes, length, true);
    swbreak_renew();
    return error;
}
