/* pecr.h - what differs between the flash controllers of STM32 L0 and L1, for pecr.c. */
#ifndef PECR_H
#define PECR_H

#include "sim.h"

enum { PECR_OPTIONS = 8, PECR_WRPRS = 2 };

struct pecr_type {
    uint32_t registers;             /* where they are */
    bool l0;                        /* tells words that are not blank, and broken half pages */
    bool has_64_bits;               /* ACR.ACC64, which wait states need (L1) */
    bool loses_zero_bytes;          /* a byte or halfword 0 does not get into the EEPROM (cat. 1) */
    uint32_t page, half_page, eeprom_size;
    int flash_irq;
    int option_words, wrprs;        /* one WRPR for 32 areas of 4 KB */
    uint16_t delivered[PECR_OPTIONS];
    sim_time time;                  /* of an erase, and of a word or half page */
};

#endif
