/* dap_client.h - a CMSIS-DAP host that lives inside the test, in simulated time.
 *
 * Finds the interface as OpenOCD, pyOCD and probe-rs do: by its string, its class and the
 * order of its endpoints.  Sends packets one by one, or a script of them of which so many
 * are under way at once, as OpenOCD does.
 *
 *   called by  test/sim, test/bench      calls  sim/board.h, sim/cdc_host.h */
#ifndef DAP_CLIENT_H
#define DAP_CLIENT_H

#include "board.h"
#include "cdc_host.h"

enum { DAP_PACKET = 64, DAP_LIMIT_MS = 6000 };          /* OpenOCD's patience */

struct dap_exchange {
    uint8_t request[DAP_PACKET];
    int length;
    bool no_answer;                     /* DAP_TransferAbort */
    uint8_t answer[DAP_PACKET + 1];
    int answered;                       /* bytes; -1 = not yet */
};

struct dap {
    struct board *board;
    uint8_t out, in, interface;
    uint8_t answer[DAP_PACKET + 1];     /* the last dap_ask() */
    int answered;
    /* A script that is going on. */
    struct dap_exchange *script;
    int count, in_flight, sent, received, failed;
    struct urb out_urb, in_urb;
    bool out_busy, in_busy;
};

/* After cdc has enumerated the device.  false: no CMSIS-DAP v2 interface. */
bool dap_find(struct dap *dap, struct board *board, struct cdc_host *cdc);

/* One command, one answer; its length, or -1 if none came. */
int dap_ask(struct dap *dap, const void *request, int length);
/* The same, from text: "05 00 01 02" (blanks as you like), to text, in capitals. */
const char *dap_hex(struct dap *dap, const char *request);

/* All of a script, at most in_flight requests without an answer at a time; true when each
 * has its answer.  Or begun here, while the test does something else, and waited for. */
bool dap_run(struct dap *dap, struct dap_exchange *script, int count, int in_flight);
void dap_begin(struct dap *dap, struct dap_exchange *script, int count, int in_flight);
bool dap_busy(void *dap);               /* for board_run_while() */
bool dap_end(struct dap *dap, double limit_ms);         /* false: not all was answered */

/* What OpenOCD does before `init` is done: connect, clock, line reset, DPIDR, power up.
 * Gives DPIDR; 0: it failed. */
uint32_t dap_start(struct dap *dap, uint32_t hz);

/* Words of target memory through AP 0.  per_packet: how many operations a packet carries:
 * 12 as OpenOCD 0.12 sends them, in DAP_Transfer; 0: DAP_TransferBlock of 14, as pyOCD and
 * later OpenOCDs do. */
bool dap_read(struct dap *dap, uint32_t address, uint32_t *words, int count,
              int per_packet, int in_flight);
bool dap_write(struct dap *dap, uint32_t address, const uint32_t *words, int count,
               int per_packet, int in_flight);

#endif
