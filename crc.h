/* crc.h - CRC-32 as GDB's qCRC wants it: 0x04C11DB7, highest bit first, from 0xFFFFFFFF. */
#ifndef CRC_H
#define CRC_H

#include <stdint.h>

void crc_start(void);
/* Returns the CRC of all bytes since the start, with these.  The length is a multiple of 4;
 * only that of the last piece may be any. */
uint32_t crc_add(const uint8_t *bytes, uint32_t length);

#endif
