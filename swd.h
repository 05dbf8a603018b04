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

void swd_start(void);           /* takes the pins: SWCLK driven high, SWDIO driven */
void swd_stop(void);            /* gives the pins back: inputs */

/* Nearest frequency not above hz that the loops can make; returns the true one in Hz. */
uint32_t swd_set_frequency(uint32_t hz);
uint32_t swd_frequency(void);

/* One transfer, request made by swd_request().  Returns an enum swd_ack; value is only
 * touched when it is SWD_OK. */
int swd_read(uint8_t request, uint32_t *value);
int swd_write(uint8_t request, uint32_t value);

/* Raw bits, LSB first, count up to 64: line reset, switch sequences, CMSIS-DAP. */
void swd_send_bits(uint64_t bits, int count);
uint64_t swd_receive_bits(int count);

void swd_idle(uint32_t clocks); /* with SWDIO low: lets the DP go on */

void swd_line_reset(void);      /* 56 clocks high and 4 low (ADIv5 B4.3.3) */
void swd_from_jtag(void);       /* JTAG-to-SWD switch: reset, 0xE79E, reset */

void swd_set_nrst(bool low);    /* open drain */
bool swd_nrst_is_low(void);

#endif
