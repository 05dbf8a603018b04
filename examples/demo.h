/* demo.h - what demo.c needs of a chip.  CHIP_NAME comes from the Makefile. */
#ifndef DEMO_H
#define DEMO_H

#include <stdint.h>

void serial_start(void);            /* 115200 8N1, interrupt() for each byte received */
void serial_put(char c);            /* waits for room */
int serial_get(void);               /* a byte, or -1 */

void interrupt(void);               /* startup.s: any peripheral's */

extern const uint32_t crc_table[8][256];

#endif
