/* wire.h - the wire to the target, whichever protocol it speaks: one transfer at a time, no
 * opinion about its meaning.
 *
 *   wire.c   who has the wire, nRST, pins by hand, the frequency that was asked for
 *   swd.c    words and raw bits over SWD
 *
 * Answers are coded as in SWD.  A second wire, JTAG, codes its own like that. */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <stdint.h>

/* Who has the wire.  Taking it drives the clock and the data line high; false: the other one
 * has it.  To take what one has begins anew.  Releasing makes all pins inputs, and does
 * nothing if it is the other one's.  Nothing below is for anybody but the owner. */
enum wire_owner { WIRE_NOBODY, WIRE_GDB, WIRE_DAP };
bool wire_take(enum wire_owner who);
void wire_release(enum wire_owner who);
enum wire_owner wire_owner(void);

/* Nearest frequency not above hz that the loops can make; returns the true one in Hz.  Of
 * the owner: gdb and DAP each have their own, and when nobody has the wire gdb's counts. */
uint32_t wire_set_frequency(uint32_t hz);
uint32_t wire_frequency(void);

void wire_set_nrst(bool low);   /* open drain; anybody may */
bool wire_nrst_is_low(void);

/* The pins by hand: bits as DAP_SWJ_Pins has them, 1 is high.  What is read is what the
 * pins show, which may not be what they were set to. */
enum { WIRE_PIN_CLK = 1 << 0, WIRE_PIN_DIO = 1 << 1, WIRE_PIN_NRST = 1 << 7 };
void wire_set_pins(int which, int levels);
int wire_pins(void);

/* Answers to a transfer: the three ACK bits as ADIv5 B4.2 has them, LSB first. */
enum wire_ack {
    WIRE_OK = 1, WIRE_WAIT = 2, WIRE_FAULT = 4,
    WIRE_SILENT = 7,            /* nobody drove the line */
    WIRE_PARITY = 8             /* OK, but the data's parity is wrong */
};                              /* any other value: a damaged acknowledge */

/* What a transfer is to do: which port, which way, and A[3:2] of the register; the other bits
 * of an address may be there, and say nothing.  CMSIS-DAP codes its requests like this. */
enum { WIRE_DP = 0, WIRE_AP = 1 << 0, WIRE_WRITE = 0, WIRE_READ = 1 << 1, WIRE_ADDRESS = 0xC };

/* The same transfer again and again, a word each.  A word that is answered with WAIT is asked
 * for again at once, asks times in all.  Stops at the first answer that is not WIRE_OK; then bytes and left
 * are those of that word.  Idle clocks between writes may become more. */
struct wire_block {
    uint8_t *bytes;             /* of the next word, at any address */
    uint32_t left;              /* words */
    uint32_t idle;              /* clocks behind each, at least */
    uint32_t asks;              /* at least 1 */
};
enum { WIRE_ASKS = 17 };        /* for those who have no better idea */
int wire_words(uint32_t request, struct wire_block *block);

void wire_idle(uint32_t clocks);        /* lets the DP go on */
void wire_resynchronize(void);          /* both ends begin anew; then DPIDR must be read */
/* Before that, where nothing answers yet: 0 does nothing, up to WIRE_WAKINGS - 1 ever more. */
enum { WIRE_WAKINGS = 3 };
void wire_wake(int how);

/* Raw bits, LSB first, count up to 32: what a CMSIS-DAP host does by itself.  After
 * receiving, the data line is still the target's; sending, even of 0 bits, takes it back. */
void wire_send_bits(uint32_t bits, uint32_t count);
uint32_t wire_receive_bits(uint32_t count);

#endif
