/* bitbang.h - the probe's end of the wire for tests of the simulated target: bits by hand.
 *
 * No firmware and no probe chip: two pins of the test itself, driven as a careful host
 * does it (ADIv5.2 B4.1): SWCLK rests high, SWDIO changes as the clock falls, and is read
 * just before the clock rises.
 *
 *   called by  test/sim/swd_wire.c, test/sim/core_debug.c      calls  sim/board.h */
#ifndef BITBANG_H
#define BITBANG_H

#include "board.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DP = 0, AP = 1 };
enum { ACK_OK = 1, ACK_WAIT = 2, ACK_FAULT = 4, ACK_SILENT = 7 };
enum { DPIDR = 0, ABORT = 0, CTRL_STAT = 4, SELECT = 8, RESEND = 8, RDBUFF = 12 };
enum { CSW = 0x00, TAR = 0x04, DRW = 0x0C };
enum { CLEAR_STICKY = 0x1E, POWER_UP = 0x50000000 };

struct host {
    struct sim *sim;
    struct chip *chip;
    struct net *swdio, *swclk, *tdi, *tdo;
    struct pin dio, clk, tdi_pin, tdo_pin;
    sim_time half;                  /* of a clock period */
    bool bad_parity;                /* spoils the next write's parity bit */
    bool always_data;               /* overrun mode: a data phase after every ACK */
    bool parity_error;              /* the last read's parity was wrong */
    char problems[4096];            /* what sim_report() said, one line each */
};

static inline void host_report(void *ctx, enum sim_problem kind, const char *text)
{
    struct host *host = ctx;
    size_t used = strlen(host->problems);
    snprintf(host->problems + used, sizeof host->problems - used, "%d %s\n", kind, text);
}

static inline struct net *host_wire(struct host *host, struct pin *pin, const char *name,
                                    const char *pin_name)
{
    struct net *net = net_new(host->sim, name);
    pin_init(pin, host->sim, pin_name, NULL, NULL);
    net_attach(net, pin, false);
    return net;
}

/* A target chip with a program (may be NULL) at the start of its flash. */
static inline struct host *host_new(const void *program, size_t size)
{
    struct host *host = calloc(1, sizeof *host);
    host->sim = sim_new();
    host->sim->report = host_report;
    host->sim->report_ctx = host;
    host->chip = f103_new(host->sim, "target", 64, 1);
    host->swdio = host_wire(host, &host->dio, "SWDIO", "host SWDIO");
    host->swclk = host_wire(host, &host->clk, "SWCLK", "host SWCLK");
    host->tdi = host_wire(host, &host->tdi_pin, "TDI", "host TDI");
    host->tdo = host_wire(host, &host->tdo_pin, "TDO", "host TDO");
    swdp_attach(host->chip->debug_port, host->swdio, host->swclk, host->tdi, host->tdo);
    bool in_core_list = false;
    for (int i = 0; i < host->sim->core_count; i++)
        in_core_list |= host->sim->cores[i] == host->chip->cpu;
    if (!in_core_list)
        host->sim->cores[host->sim->core_count++] = host->chip->cpu;
    if (program)
        bus_load(host->chip->bus, host->chip->flash_base, program, size);
    host->half = 50 * SIM_NS;
    pin_drive(&host->clk, DRIVE_HIGH);
    pin_drive(&host->dio, DRIVE_PULL_UP);
    host->chip->power(host->chip, true);
    sim_run_until(host->sim, 10 * SIM_MS);
    return host;
}

/* The chip's pins hang on the nets, so the nets go first. */
static inline void host_free(struct host *host)
{
    host->chip->power(host->chip, false);
    net_free(host->swdio);
    net_free(host->swclk);
    net_free(host->tdi);
    net_free(host->tdo);
    chip_free(host->chip);
    sim_free(host->sim);
    free(host);
}

static inline void host_wait(struct host *host, sim_time time)
{
    sim_run_until(host->sim, host->sim->now + time);
}

static inline void host_send(struct host *host, uint64_t bits, int count)
{
    for (int i = 0; i < count; i++) {
        pin_drive(&host->clk, DRIVE_LOW);
        pin_drive(&host->dio, bits >> i & 1 ? DRIVE_HIGH : DRIVE_LOW);
        host_wait(host, host->half);
        pin_drive(&host->clk, DRIVE_HIGH);
        host_wait(host, host->half);
    }
}

static inline uint64_t host_receive(struct host *host, int count)
{
    uint64_t bits = 0;
    for (int i = 0; i < count; i++) {
        pin_drive(&host->clk, DRIVE_LOW);
        pin_drive(&host->dio, DRIVE_PULL_UP);
        host_wait(host, host->half);
        bits |= (uint64_t)pin_sample(&host->dio) << i;
        pin_drive(&host->clk, DRIVE_HIGH);
        host_wait(host, host->half);
    }
    return bits;
}

static inline void host_idle(struct host *host, int clocks) { host_send(host, 0, clocks); }

static inline void host_line_reset(struct host *host)
{
    host_send(host, UINT64_MAX, 56);
    host_idle(host, 4);
}

static inline void host_jtag_to_swd(struct host *host)
{
    host_send(host, UINT64_MAX, 56);
    host_send(host, 0xE79E, 16);
    host_line_reset(host);
}

static inline uint8_t host_request(int port, bool read, uint32_t address)
{
    uint32_t middle = (uint32_t)port | (uint32_t)read << 1 | (address & 12);
    return (uint8_t)(0x81 | middle << 1 | (uint32_t)__builtin_parity(middle) << 5);
}

/* One transfer of any eight request bits; the answer's three bits. */
static inline int host_transfer(struct host *host, uint8_t request, uint32_t *value)
{
    bool read = request >> 2 & 1;
    host_send(host, request, 8);
    host_receive(host, 1);
    int ack = (int)host_receive(host, 3);
    bool data = ack == ACK_OK || (host->always_data && ack != ACK_SILENT);
    if (read && data) {
        uint64_t word = host_receive(host, 33);
        host->parity_error = __builtin_parityll(word);
        *value = (uint32_t)word;
    }
    host_receive(host, 1);
    if (!read && data) {
        uint32_t parity = (uint32_t)__builtin_parity(*value) ^ host->bad_parity;
        host_send(host, (uint64_t)parity << 32 | *value, 33);
        host->bad_parity = false;
    }
    return ack;
}

static inline int host_read(struct host *host, int port, uint32_t address, uint32_t *value)
{
    return host_transfer(host, host_request(port, true, address), value);
}

static inline int host_write(struct host *host, int port, uint32_t address, uint32_t value)
{
    return host_transfer(host, host_request(port, false, address), &value);
}

/* As above, tried again while the answer is WAIT. */
static inline int host_read_patiently(struct host *host, int port, uint32_t address,
                                      uint32_t *value)
{
    int ack;
    while ((ack = host_read(host, port, address, value)) == ACK_WAIT)
        ;
    return ack;
}

static inline int host_write_patiently(struct host *host, int port, uint32_t address,
                                       uint32_t value)
{
    int ack;
    while ((ack = host_write(host, port, address, value)) == ACK_WAIT)
        ;
    return ack;
}

/* Switch, identify, power up: the port is ready.  Gives DPIDR. */
static inline uint32_t host_connect(struct host *host)
{
    uint32_t dpidr = 0, status = 0;
    host_jtag_to_swd(host);
    host_read(host, DP, DPIDR, &dpidr);
    host_write(host, DP, ABORT, CLEAR_STICKY);
    host_write(host, DP, SELECT, 0);
    host_write(host, DP, CTRL_STAT, POWER_UP);
    for (int i = 0; i < 100 && status >> 28 != 0xF; i++)
        host_read(host, DP, CTRL_STAT, &status);
    host_write(host, AP, CSW, 0x23000002);
    return dpidr;
}

/* Target memory, words. */
static inline int host_read_word(struct host *host, uint32_t address, uint32_t *word)
{
    uint32_t stale;
    host_write_patiently(host, AP, TAR, address);
    host_read_patiently(host, AP, DRW, &stale);
    return host_read_patiently(host, DP, RDBUFF, word);
}

static inline int host_write_word(struct host *host, uint32_t address, uint32_t word)
{
    host_write_patiently(host, AP, TAR, address);
    host_write_patiently(host, AP, DRW, word);
    return host_read_patiently(host, DP, RDBUFF, &word);
}

/* --- JTAG: SWCLK is TCK, SWDIO is TMS ------------------------------------------------ */

static inline int jtag_clock(struct host *host, int tms, int tdi)
{
    pin_drive(&host->clk, DRIVE_LOW);
    pin_drive(&host->dio, tms ? DRIVE_HIGH : DRIVE_LOW);
    pin_drive(&host->tdi_pin, tdi ? DRIVE_HIGH : DRIVE_LOW);
    host_wait(host, host->half);
    int tdo = pin_sample(&host->tdo_pin);
    pin_drive(&host->clk, DRIVE_HIGH);
    host_wait(host, host->half);
    return tdo;
}

/* From Run-Test/Idle into Shift-IR or Shift-DR, and from Exit1 back. */
static inline void jtag_enter(struct host *host, bool ir)
{
    jtag_clock(host, 1, 0);
    if (ir)
        jtag_clock(host, 1, 0);
    jtag_clock(host, 0, 0);
    jtag_clock(host, 0, 0);
}

static inline void jtag_leave(struct host *host)
{
    jtag_clock(host, 1, 0);
    jtag_clock(host, 0, 0);
}

/* One scan from Run-Test/Idle and back to it. */
static inline uint64_t jtag_scan(struct host *host, bool ir, uint64_t bits, int count)
{
    uint64_t seen = 0;
    jtag_enter(host, ir);
    for (int i = 0; i < count; i++)
        seen |= (uint64_t)jtag_clock(host, i == count - 1, bits >> i & 1) << i;
    jtag_leave(host);
    return seen;
}

/* The same of a long DR, a byte a bit. */
static inline void jtag_scan_bits(struct host *host, const uint8_t *in, uint8_t *out, int count)
{
    jtag_enter(host, false);
    for (int i = 0; i < count; i++)
        out[i] = (uint8_t)jtag_clock(host, i == count - 1, in[i]);
    jtag_leave(host);
}

#endif
