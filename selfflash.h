/* selfflash.h - the chip's own flash: the slot above the bootloader, where the application
 * lives.  Only the bootloader has this; the probe writes its settings (settings.c), no more. */
#ifndef SELFFLASH_H
#define SELFFLASH_H

#include <stdbool.h>
#include <stdint.h>

enum { SLOT_START = 0x08002000, FLASH_PAGE = 1024 };

/* The first two words of an image, ARMv7-M B1.5.3. */
struct vectors { uint32_t sp, reset; };

/* Whether this can be a stack in RAM and an entry point in the slot: nothing that is
 * erased, half written or linked for another place passes. */
bool selfflash_sp_plausible(uint32_t sp);
bool selfflash_entry_plausible(uint32_t reset);

uint32_t selfflash_end(void);           /* the address behind the last byte there is */

/* All addresses must be even and in the slot.  The numbers are those of bStatus, DFU 1.1
 * 6.1.2. */
enum selfflash_error {
    SELFFLASH_OK = 0, SELFFLASH_PROTECTED = 3, SELFFLASH_ERASE, SELFFLASH_NOT_ERASED,
    SELFFLASH_PROGRAM, SELFFLASH_VERIFY, SELFFLASH_ADDRESS
};
enum selfflash_error selfflash_erase(uint32_t page);    /* the one that begins there */
/* Programs erased flash, upwards, two bytes at a time, and reads it back.  The last byte
 * of an odd length is followed by 0xFF. */
enum selfflash_error selfflash_program(uint32_t address, const uint8_t *bytes,
                                       uint32_t length);
/* Makes what is at address zero, whatever it was. */
void selfflash_strike_out(uint32_t address, uint32_t length);

#endif
