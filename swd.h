/* swd.h - Serial Wire Debug: one transfer at a time, no opinion about its meaning. */
#ifndef SWD_H
#define SWD_H

#include <stdbool.h>
#include <stdint.h>

/* Answers to a transfer: the three ACK bits as ADIv5 B4.2 has them, LSB first. */
enum swd_ack {
    SWD_OK = 1, SWD_WAIT = 2, SWD_FAULT = 4,
    SWD_SILENT = 7,             /* nobody drove the line */
    SWD_PARITY = 8              /* OK, but the data's parity is wrong */
};                              /* any other value: a damaged acknowledge */

/* The eight request bits: start, APnDP, RnW, A[3:2], parity, stop, park. */
enum { SWD_DP = 0, SWD_AP = 1 << 1, SWD_WRITE = 0, SWD_READ = 1 << 2 };
uint8_t swd_request(uint8_t port_and_direction, uint8_t address);

/* Who has the wire.  Taking it drives SWCLK and SWDIO high; false: the other one has it.
 * To take what one has begins anew.  Releasing makes all three pins inputs, and does
 * nothing if it is the other one's.  Nothing below is for anybody but the owner. */
enum swd_owner { SWD_NOBODY, SWD_GDB, SWD_DAP };
bool swd_take(enum swd_owner who);
void swd_release(enum swd_owner who);
enum swd_owner swd_owner(void);

/* Nearest frequency not above hz that the loops can make; returns the true one in Hz.  Of
 * the owner: gdb and DAP each have their own, and when nobody has the wire gdb's counts. */
uint32_t swd_set_frequency(uint32_t hz);
uint32_t swd_frequency(void);
/* Turnaround of 1 to 4 clocks; a data phase even after WAIT and FAULT.  Neither more than 1
 * nor true at more than 4 MHz.  Until the wire is taken anew, which means 1 and false. */
void swd_configure(int turnaround, bool always_data);

/* One transfer, request made by swd_request().  Returns an enum swd_ack; value is only
 * touched when it is SWD_OK. */
int swd_read(uint8_t request, uint32_t *value);
int swd_write(uint8_t request, uint32_t value);

/* The same again and again.  A word that is answered with WAIT is asked for again at once,
 * asks times in all.  Stops at the first answer that is not SWD_OK; then bytes and left
 * are those of that word.  Idle clocks between writes may become more. */
struct swd_block {
    uint8_t *bytes;             /* of the next word, at any address */
    uint32_t left;              /* words */
    uint32_t idle;              /* clocks behind each, at least */
    uint32_t asks;              /* at least 1 */
};
enum { SWD_ASKS = 17 };         /* for those who have no better idea */
int swd_words(uint8_t request, struct swd_block *block);

/* Raw bits, LSB first, count up to 32: line reset, switch sequences, CMSIS-DAP.  After
 * receiving, SWDIO is still the target's; sending, even of 0 bits, takes it back. */
void swd_send_bits(uint32_t bits, uint32_t count);
uint32_t swd_receive_bits(uint32_t count);

void swd_idle(uint32_t clocks); /* with SWDIO low: lets the DP go on */

void swd_line_reset(void);      /* 56 clocks high and 4 low (ADIv5 B4.3.3) */
void swd_from_jtag(void);       /* JTAG-to-SWD switch: reset, 0xE79E, reset */

void swd_set_nrst(bool low);    /* open drain; anybody may */
bool swd_nrst_is_low(void);

/* The pins by hand: bits as DAP_SWJ_Pins has them, 1 is high.  What is read is what the
 * pins show, which may not be what they were set to. */
enum { SWD_PIN_CLK = 1 << 0, SWD_PIN_DIO = 1 << 1, SWD_PIN_NRST = 1 << 7 };
void swd_set_pins(int which, int levels);
int swd_pins(void);

#endif
