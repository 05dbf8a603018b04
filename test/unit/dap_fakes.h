/* dap_fakes.h - everything below cmsis_dap.c: an endpoint with a host at its other end, a
 * wire that writes down what is sent over it and answers as it is told to, a clock.
 * Shared by test_cmsis_dap.c and the fuzzer.
 *
 * What lies behind a packet in its buffer is poisoned for AddressSanitizer, so reading
 * one byte too many ends the program. */
#ifndef DAP_FAKES_H
#define DAP_FAKES_H

#include "cmsis_dap.h"
#include "swd.h"
#include "wire.h"
#include <stdbool.h>

enum { FAKE_ACKS = 64, FAKE_LOG = 1 << 14 };

struct fake {
    /* The bus. */
    enum ep_state out, in;
    uint8_t packet[64], sent[64];       /* in the endpoint's two buffers */
    int packet_length, sent_length;
    bool received;                      /* and no interrupt has been yet */
    uint8_t fetched[64];                /* by the host, last */

    /* The wire: "rA0C" is a read of AP register 0C, "wD08=00000001" a write, in the order of
     * sending; "i2" idle clocks, "s8:9E" bits out, "g3" bits in. */
    char log[FAKE_LOG];
    int log_length;
    bool no_log;
    int acks[FAKE_ACKS];                /* answers to come; then OK for ever, */
    int ack_count, ack_at;
    int ack_for_ever;                   /* ... or this, if it is not 0 */
    int (*random_ack)(void);            /* ... or what this says */
    int words;                          /* transfers on the wire, WAIT and all */
    uint32_t value;                     /* of the next read; each adds 0x01010101 */
    uint64_t bits_in;                   /* again and again, least significant first */
    enum wire_owner owner;
    int turnaround;
    bool always_data;
    uint32_t hz;
    int driven, levels;                 /* by hand: which pins, how */
    int pulled_low;                     /* pins that something holds low */

    bool attached;                      /* gdb has a target */
    int detaches;
    uint32_t ms, cycles, ms_per_look;
    uint32_t fed_ms, longest_ms;        /* without a feed of the watchdog */
    void (*while_waiting)(void);        /* called at each feed */
};
extern struct fake fake;

/* All as after power-on, and configured. */
void fake_power_on(void);
/* The host sends a packet: false = NAK.  In two steps, or in one. */
bool fake_packet_arrives(const void *bytes, int length);
void fake_out_interrupt(void);
bool fake_host_sends(const void *bytes, int length);
/* The host fetches a packet: its length, -1 = NAK.  It is in fake.fetched. */
int fake_host_fetches(void);

#endif
