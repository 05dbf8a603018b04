/* rsp_client.h - a GDB that lives inside the test, in simulated time.
 *
 * Speaks the remote serial protocol over the virtual board's USB, so that tests of bad
 * input and the benchmark need neither a real gdb nor real time.  The end-to-end tests
 * with the real gdb are in test/session/.
 *
 *   called by  test/sim, test/bench      calls  sim/board.h, sim/cdc_host.h */
#ifndef RSP_CLIENT_H
#define RSP_CLIENT_H

#include "board.h"
#include "cdc_host.h"

struct rsp {
    struct board *board;
    struct cdc_host *cdc;
    bool no_ack;
    char reply[70000];              /* the last reply, unescaped, 0-terminated */
    int length;
    char console[70000];            /* text of "O" packets since rsp_forget_console() */
    uint8_t raw[8192];              /* bytes that came and are not parsed yet */
    int raw_length;
    unsigned naks;                  /* '-' received */
    int packet_size;                /* 0: not asked for yet */
};

/* A board with the shipped images (BUILD/pillbug.bin) and a target; USB configured, the
 * first port open.  Exits the program with a message when that fails. */
struct rsp *rsp_power_on(const char *target);
struct rsp *rsp_power_on_with(const struct board_options *options);
/* The same up to the moment before power: for who wants to see it all. */
struct rsp *rsp_build(const struct board_options *options);
struct rsp *rsp_build_usual(const char *target);
/* 0, or 1 if something broke a rule, was not modelled, or could not go on. */
int rsp_power_off(struct rsp *rsp);

/* Waits until the board has enumerated (again) and opens the port. */
bool rsp_plug_in(struct rsp *rsp);

void rsp_send_raw(struct rsp *rsp, const void *bytes, int length);
void rsp_send(struct rsp *rsp, const char *packet, int length);     /* binary, escaped */
/* Waits for one packet; acknowledges it.  false: none within limit_ms. */
bool rsp_receive(struct rsp *rsp, double limit_ms);
/* One command, one reply (console output is collected).  Returns rsp->reply, or "" when
 * there was no answer. */
const char *rsp_ask(struct rsp *rsp, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The reply to what was sent; "" when none comes within that, which may begin anew with text. */
const char *rsp_reply(struct rsp *rsp, double limit_ms);
/* `monitor TEXT`: the text it printed. */
const char *rsp_monitor(struct rsp *rsp, const char *text);

/* The usual start: monitor swdp_scan, vAttach;1, no-ack.  false if either fails. */
bool rsp_attach(struct rsp *rsp);
bool rsp_read(struct rsp *rsp, uint32_t address, void *bytes, int length);
bool rsp_write(struct rsp *rsp, uint32_t address, const void *bytes, int length);
/* What gdb's `load` sends, cut into packets as it cuts them: to flash vFlashErase,
 * vFlashWrite, vFlashDone; to RAM X.  Reply of the step that failed is in rsp->reply. */
bool rsp_load_flash(struct rsp *rsp, uint32_t address, const void *bytes, int length,
                    uint32_t page);
bool rsp_load_ram(struct rsp *rsp, uint32_t address, const void *bytes, int length);
/* The X packets alone: the last write may have been confirmed and not be done yet. */
bool rsp_send_ram(struct rsp *rsp, uint32_t address, const void *bytes, int length);
/* What gdb's `dump` sends: m packets, or x packets from gdb 16 on. */
bool rsp_dump(struct rsp *rsp, uint32_t address, void *bytes, int length, bool binary);
/* What qCRC should answer: bit by bit, as the GDB manual defines it. */
uint32_t rsp_crc(const uint8_t *bytes, uint32_t length);
/* All that a port says in so many milliseconds, as it comes, with a 0 behind; its length. */
int rsp_listen(struct rsp *rsp, int port, double ms, char *text, int size);
void rsp_forget_console(struct rsp *rsp);
double rsp_now_ms(const struct rsp *rsp);
int rsp_packet_size(struct rsp *rsp);       /* from qSupported, asked once as gdb does */

#endif
