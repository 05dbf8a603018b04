/* hex.h - reading the text of packets and command lines.
 *
 * A scan walks over bytes that came from outside.  Nothing here reads past the end, and
 * what does not fit the expected form sets `bad`: a parser takes all its fields first and
 * asks scan_done() once, before it acts.
 *
 *   called by  rsp.c, gdb_remote.c, monitor.c      calls  nothing */
#ifndef HEX_H
#define HEX_H

#include <stdbool.h>
#include <stdint.h>

struct scan {
    const uint8_t *at, *end;
    bool bad;
};

int hex_digit(uint8_t c);                       /* 0 to 15, or -1 */
char hex_char(uint32_t nibble);

/* One to eight hex digits (more if they are leading zeros). */
uint32_t scan_hex(struct scan *s);
/* Exactly count bytes of two digits each: memory and registers, first byte first. */
void scan_bytes(struct scan *s, uint8_t *bytes, uint32_t count);
bool scan_skip(struct scan *s, char c);         /* takes c if it comes next */
void scan_expect(struct scan *s, char c);       /* takes c, or bad */
bool scan_word(struct scan *s, const char *word);       /* takes word if it comes next */
bool scan_done(const struct scan *s);           /* all taken and nothing was bad */
uint32_t scan_left(const struct scan *s);       /* bytes not taken yet */

#endif
