/* swbreak.c - software breakpoints (gdb's Z0).
 *
 * In RAM the instruction is replaced by BKPT and kept here.  Flash cannot be changed for
 * a moment, so there a Z0 takes one of the core's comparators, as Z1 would: lldb asks for
 * Z0 everywhere.  Reads and writes of memory through this file do not see the BKPTs.
 *
 *   called by  gdb_remote.c      calls  target.c, cortexm.c
 *
 * Source: GDB manual E.2 Packets ("Z0"); ARMv7-M ARM A7.7.17 BKPT. */
#include "swbreak.h"
#include "gdb_xml.h"
#include "target.h"

enum { PLACES = 24 };

static const uint8_t bkpt[2] = { 0x00, 0xBE };         /* BKPT #0, little-endian */

static struct place {
    bool used;
    bool comparator;                    /* in flash or ROM: the core's FPB does it */
    uint32_t address;
    uint8_t original[2];
} places[PLACES];

static struct place *find(uint32_t address)
{
    for (int i = 0; i < PLACES; i++)
        if (places[i].used && places[i].address == address)
            return &places[i];
    return 0;
}

static struct place *find_unused(void)
{
    for (int i = 0; i < PLACES; i++)
        if (!places[i].used)
            return &places[i];
    return 0;
}

bool swbreak_at(uint32_t address)
{
    return find(address) != 0;
}

static int put_bkpt(struct place *place)
{
    uint8_t seen[2];
    int error = target_read(place->address, place->original, 2);

    if (error == OK)
        error = target_write(place->address, bkpt, 2);
    if (error == OK)
        error = target_read(place->address, seen, 2);
    if (error == OK && (seen[0] != bkpt[0] || seen[1] != bkpt[1]))
        error = ERR_VERIFY;             /* this is no RAM */
    return error;
}

int swbreak_set(uint32_t address, int kind)
{
    struct place *place = find(address);
    struct region piece;

    if (place != 0)                     /* the protocol allows to ask twice */
        return OK;
    place = find_unused();
    if (place == 0)
        return ERR_RESOURCES;
    gdb_memory_piece(address, &piece);
    place->address = address;
    place->comparator = piece.kind != REGION_RAM;
    int error = place->comparator ? cortexm_set_breakpoint(address, kind)
                                  : put_bkpt(place);
    place->used = error == OK;
    return error;
}

static int take_away(struct place *place, int kind)
{
    place->used = false;
    if (place->comparator)
        return cortexm_clear_breakpoint(place->address, kind);
    return target_write(place->address, place->original, 2);
}

int swbreak_clear(uint32_t address, int kind)
{
    struct place *place = find(address);

    return place == 0 ? OK : take_away(place, kind);
}

void swbreak_remove_all(void)
{
    for (int i = 0; i < PLACES; i++)
        if (places[i].used)
            take_away(&places[i], 2);
}

void swbreak_forget(void)
{
    for (int i = 0; i < PLACES; i++)
        places[i].used = false;
}

int swbreak_read(uint32_t address, uint8_t *bytes, uint32_t length)
{
    int error = target_read(address, bytes, length);

    for (int i = 0; i < PLACES; i++)
        for (uint32_t k = 0; k < 2; k++) {
            uint32_t offset = places[i].address + k - address;
            if (places[i].used && !places[i].comparator && offset < length)
                bytes[offset] = places[i].original[k];
        }
    return error;
}

/* A write over a BKPT changes the instruction we keep; the BKPT is put back. */
int swbreak_write(uint32_t address, const uint8_t *bytes, uint32_t length)
{
    int error = target_write(address, bytes, length);

    for (int i = 0; i < PLACES && error == OK; i++) {
        struct place *place = &places[i];
        bool hit = false;
        for (uint32_t k = 0; k < 2; k++) {
            uint32_t offset = place->address + k - address;
            if (!place->used || place->comparator || offset >= length)
                continue;
            place->original[k] = bytes[offset];
            hit = true;
        }
        if (hit)
            error = target_write(place->address, bkpt, 2);
    }
    return error;
}
