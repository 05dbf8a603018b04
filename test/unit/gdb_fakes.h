/* gdb_fakes.h - everything below gdb_remote.c and monitor.c, as small as it can be.
 *
 * A serial port with two byte queues, a clock that ticks when it is looked at, and a
 * target chip: 256 KB of flash at 0 (pages of 256 bytes), 64 KB of RAM at 0x20000000, a
 * core that can be told what to do next.  Shared by test_rsp.c, test_gdb_remote.c,
 * test_monitor.c and the fuzzer. */
#ifndef GDB_FAKES_H
#define GDB_FAKES_H

#include "cdc.h"
#include "clock.h"
#include "cortexm.h"
#include "target.h"
#include <stddef.h>

enum { FAKE_FLASH = 0x40000, FAKE_RAM = 0x10000, FAKE_RAM_BASE = 0x20000000 };

struct fake {
    /* The port. */
    uint8_t in[1 << 16], out[1 << 18];
    int in_count, in_at, out_count;
    int out_room;                       /* how many more bytes the host will take */
    uint32_t openings;
    bool reopens;                       /* ... by another, who has sent what is looked at next */
    bool open;

    uint32_t ms, looks;                 /* the clock: 1 ms for every 50 looks */

    /* The target. */
    uint8_t flash[FAKE_FLASH], ram[FAKE_RAM], fuses[256];     /* in ROM, at 0x804000 */
    uint32_t registers[REG_COUNT][2];
    int count;                          /* how many a scan finds; 0: none */
    bool attached, running, fpu, v6m, locked;
    int sent_before_write;              /* out_count at the last write to memory or flash */
    int attach_error, read_error, write_error, flash_error, poll_error;
    struct stop next;                   /* what cortexm_poll() reports when running */
    int polls_left;                     /* ... after so many looks; negative: never */
    bool really_runs, was_reset;        /* behind gdb's back */
    bool no_halt;                       /* Ctrl-C has no effect */
    bool watched;                       /* left by gdb, but not by us */
    int ends_halted;                    /* a program's, by semihosting */
    int halts, resets, detaches, steps, begins, ends, mass_polls, settles;
    uint32_t erase_at, erase_left;
    bool nrst_low;
    uint32_t breakpoints[4];
    int breakpoint_count;
    uint32_t watch_type, watch_address, watch_length, catch_bits, hz;
    int owner;                          /* of the wire */
    uint32_t options[2];
    int option_writes;
    bool regions_locked;
};
extern struct fake fake;

void fake_power_on(void);               /* all of it, and gdb_start() */
void fake_host_sends(const void *bytes, int length);
/* '$', text, '#' and its checksum; length -1: a C string. */
void fake_host_packet(const void *text, int length);
void fake_run(int rounds);              /* gdb_poll() so often */
/* What was sent since the last call, as a C string (packets may contain a 0: length in
 * fake.out_count before).  */
const char *fake_sent(void);
/* Sends a packet in no-ack mode, runs, and gives the payload of the last packet sent. */
const char *fake_ask(const char *text);
const char *fake_ask_bytes(const void *bytes, int length);
/* The text of all "O" packets in what was sent by the last fake_ask(). */
const char *fake_console(void);
const char *fake_payload(void);         /* the last packet's payload in the last sending */

extern uint32_t fake_rtt_symbol;        /* what rtt.c was told: live_fakes.c */

#endif
