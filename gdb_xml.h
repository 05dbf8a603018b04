/* gdb_xml.h - what gdb asks for as documents: registers and memory map. */
#ifndef GDB_XML_H
#define GDB_XML_H

#include "hex.h"
#include "target.h"

/* Each answers its qXfer packet: the piece [offset, offset + length) of a document. */
int gdb_target_xml(uint32_t offset, uint32_t length, struct scan *rest);
int gdb_memory_map(uint32_t offset, uint32_t length, struct scan *rest);

/* Bytes of one of cortexm.h's registers; 0 when the attached core has none such: then it
 * is neither in target.xml nor in a `g` packet. */
uint32_t gdb_register_size(uint32_t number);

#endif
