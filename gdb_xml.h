/* gdb_xml.h - what gdb asks for as documents: registers, memory map, threads. */
#ifndef GDB_XML_H
#define GDB_XML_H

#include "hex.h"
#include "target.h"

/* Answers qXfer; args begin behind "qXfer:". */
void gdb_xml_reply(struct scan *args);

/* Which of cortexm.h's registers the attached core has: the others are neither in
 * target.xml nor in a `g` packet.  Size in bytes. */
bool gdb_register_exists(int number);
uint32_t gdb_register_size(int number);

/* The piece of the address space that begins at from: a flash or ROM region as the chip's
 * table has it, or what lies before the next one, as RAM.  The last piece ends at 2^32,
 * so from + size wraps to 0 there. */
void gdb_memory_piece(uint32_t from, struct region *piece);

#endif
