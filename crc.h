/* crc.h - CRC-32 as GDB's qCRC wants it: 0x04C11DB7, highest bit first, from 0xFFFFFFFF. */
#ifndef CRC_H
#define CRC_H

#include <stdint.h>

void crc_start(void);
/* The CRC since the start, these bytes included.  Only the last piece may have a length
 * that is no multiple of 4. */
uint32_t crc_add(const uint8_t *bytes, uint32_t length);

#endif
