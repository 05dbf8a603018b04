/* adi.h - Arm Debug Interface: debug port, access ports, the target's memory. */
#ifndef ADI_H
#define ADI_H

#include "error.h"
#include <stdbool.h>
#include <stdint.h>

/* Finds a DP on the wire and powers up debug.  Any state is left behind: this is also how
 * a lost target is found again.  Gives DPIDR. */
int adi_connect(uint32_t *dpidr);
void adi_disconnect(void);              /* power-up requests dropped, pins released */
bool adi_connected(void);
uint32_t adi_dpidr(void);
uint32_t adi_targetid(void);            /* 0 unless DPv2 */

/* Access ports.  The memory functions below use the selected one. */
int adi_ap_idr(uint8_t ap, uint32_t *idr);
int adi_select_ap(uint8_t ap);
/* From now on, and for whichever access port is selected: see memory as a core with a data cache
 * does.  DDI 0489 table 6-7. */
void adi_look_into_cache(bool look);
uint32_t adi_rom_table(void);           /* BASE of the selected AP */

/* DP and AP registers by address, for monitor commands. */
int adi_dp_read(uint8_t address, uint32_t *value);
int adi_dp_write(uint8_t address, uint32_t value);
int adi_ap_read(uint8_t ap, uint8_t address, uint32_t *value);
int adi_ap_write(uint8_t ap, uint8_t address, uint32_t value);

/* Target memory, any alignment, any length.  In words, and at ragged ends in bytes, or one
 * halfword: so an aligned 2 or 4 byte access is one bus access of that width, which is safe
 * for peripherals.  Memory (below 0x40000000) is read in words only.  WAIT, parity and
 * silence are retried and recovered inside; on error the access may have been done in part.
 * A write that had arrived is not repeated: controllers may be given commands on a bad wire
 * too. */
int adi_read(uint32_t address, void *bytes, uint32_t length);
int adi_write(uint32_t address, const void *bytes, uint32_t length);

int adi_read32(uint32_t address, uint32_t *value);
int adi_write32(uint32_t address, uint32_t value);
int adi_read16(uint32_t address, uint16_t *value);
/* Bytes, halfwords or words (size 1, 2, 4), one bus access each, to consecutive aligned addresses.
 * These are never read back, unlike adi_write() on a bad wire: for flash controllers, which want
 * to see each item and may show something else than what they were given. */
int adi_write_items(uint32_t address, const void *bytes, uint32_t length, unsigned size);

/* Is the memory as given, or all ones if nothing is given?  False also when it cannot be
 * read. */
bool adi_holds(uint32_t address, const uint8_t *bytes, uint32_t length);
/* The wire has needed mending since adi_connect(): expect more of it. */
bool adi_wire_is_bad(void);

/* Writes a command to at[0], then reads status at at[1] and the result at at[2]: all in one
 * 16-byte window (DCRSR, DHCSR, DCRDR), and a 0 behind them.  Four transfers; or three without
 * at[2], and then the status is the result.  So count times, with a command one higher each
 * time.  A command that has arrived is not repeated.  Of all the status words: the bits that
 * every one had, and that any had. */
struct adi_status { uint32_t all, any; };
int adi_query(const uint32_t *at, uint32_t command, uint32_t *results, int count,
              struct adi_status *status);

/* How often the wire had to be mended since adi_connect(), for monitor version/swd.  Waits:
 * those that outlasted wire_words(). */
struct adi_counters { uint32_t waits, faults, parity, silent, recoveries; };
const struct adi_counters *adi_counters(void);

#endif
