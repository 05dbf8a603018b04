/* hex.h - reading the text of packets and command lines.
 *
 * A scan walks over bytes that came from outside.  Nothing here reads past the end, and
 * what does not fit the expected form sets `bad`: a parser takes all its fields first and
 * asks once, before it acts. */
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
void scan_bytes(struct scan *s, void *bytes, uint32_t count);
bool scan_skip(struct scan *s, char c);         /* takes c if it comes next */
bool scan_done(const struct scan *s);           /* all taken and nothing was bad */
uint32_t scan_left(const struct scan *s);       /* bytes not taken yet */

/* A packet's form: "vFlashWrite:#:*".  # is a number, which goes to numbers; * is whatever
 * follows, which is left to be scanned; all else stands for itself.  False when the words
 * before the first # or * are different ones; when only the fields are wrong: true, bad. */
bool scan_pattern(struct scan *s, const char *pattern, uint32_t *numbers);

#endif
