/* eeprom.h - a 24Cxx on two nets.
 *
 *   called by  board.c, tests      calls  wires.h */
#ifndef EEPROM_H
#define EEPROM_H

#include "wires.h"

struct eeprom_type {
    const char *name;
    uint32_t size;                  /* bytes */
    int page;                       /* bytes that one write cycle may change */
    int address_bytes;              /* behind the device address */
    int block_bits;                 /* of the device address, that choose 256 bytes */
};

/* "24c02"; NULL for one that is not here. */
const struct eeprom_type *eeprom_type(const char *name, int length);

/* address: 7 bits, as strapped.  Comes erased: all 0xFF. */
struct eeprom *eeprom_new(struct sim *sim, const struct eeprom_type *type, int address,
                          struct net *scl, struct net *sda);
void eeprom_free(struct eeprom *eeprom);
/* Takes the contents from a file, made if it is not there, and writes each page that
 * changes back to it.  False puts a sentence into error. */
bool eeprom_open_file(struct eeprom *eeprom, const char *file, char *error, int error_size);
uint8_t *eeprom_memory(struct eeprom *eeprom);

#endif
