/* swdp.c - a target's end of the debug wire: Serial Wire Debug, bit by bit.
 *
 *   called by  f103.c, sam.c, and the pins SWCLK and SWDIO      calls  dp.c, jtagdp.c
 *
 * The port acts on rising edges of SWCLK, both ways: it takes SWDIO as the clock rises,
 * and what it drives changes right after a rising edge.  Numbered by rising edges:
 *
 *   1..8    request: start APnDP RnW A2 A3 parity stop park     the port listens
 *   9       turnaround; after it the port drives ACK, LSB first
 *   10..12  ACK bits are taken by the host
 *   read    13..44 data, 45 parity by the port; 46 turnaround
 *   write   13 turnaround; 14..45 data, 46 parity by the host
 *   WAIT, FAULT: 13 turnaround and no data, unless ORUNDETECT is set
 *
 * Stricter than a chip has to be:
 *   - a request with a bad parity, stop or park bit gets no answer, and neither does
 *     anything after it until a line reset (ADIv5.2 B4.2.5 allows the lock-out);
 *   - after a line reset, the same for anything but a read of DPIDR (B4.3.3);
 *   - an AP write starts at the second clock after its parity bit: a host that stops the
 *     clock there has written nothing yet (B4.1.1 asks for idle clocks);
 *   - SWDIO that changes within SETUP before or HOLD after an edge at which it is taken
 *     breaks a rule.  4 ns and 1 ns, as data sheets of targets have it.
 *
 * Line noise is applied to the samples, so a disturbed request or data word is seen by
 * its parity, or is not seen, as on a real wire.
 *
 * Sources: ARM IHI 0031C (ADIv5.2) B4 (SWD), B5 (switching between JTAG and SWD). */
#include "dp.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define SETUP (4 * SIM_NS)
#define HOLD  (1 * SIM_NS)

enum { RESET_HIGHS = 50 };                              /* B4.3.3 */
enum { JTAG_TO_SWD = 0xE79E, SWD_TO_JTAG = 0xE73C };    /* B5.2, LSB first */
enum { ACK_OK = 1, ACK_WAIT = 2, ACK_FAULT = 4 };
enum { REQ_AP = 1 << 1, REQ_READ = 1 << 2, REQ_STOP = 1 << 6, REQ_PARK = 1 << 7 };
enum { WRITE_CLOCKS = 2 };

/* Periods of SWCLK are counted in bins of 500 ticks: 72 and 48 MHz fit exactly. */
enum { BIN = 500, BINS = 20000 };

enum phase {
    LOCKED,             /* hears nothing but a line reset */
    RESETTING,          /* 50 highs came; two lows must follow */
    IDLE, REQUEST, TURN_TO_TARGET, ACKNOWLEDGE, READ_DATA, TURN_BACK, WRITE_DATA
};

struct swdp {
    struct dp dp;                   /* first: jtagdp.c and dp.c see this */
    struct jtagdp jtag;
    struct pin swdio, swclk, tdi, tdo;
    char pin_names[4][32];
    bool attached, powered, enabled;
    bool is_jtag;                   /* which protocol the port speaks now */

    enum phase phase;
    int bit;                        /* within the phase */
    int turn_left;
    uint32_t request, ack;
    uint64_t data;                  /* 32 bits and parity */
    bool data_follows;              /* a write's data phase, after the turn */
    bool only_dpidr;                /* since the last line reset */
    int write_clocks;               /* until an accepted AP write starts */
    uint32_t write_address, write_value;
    int injected_waits;

    int highs;                      /* in a row */
    int selector_bits;              /* of the 16 after 50 highs, -1 = not collecting */
    uint32_t selector;

    bool driving;                   /* the port itself moves SWDIO now */
    sim_time dio_changed, taken_at; /* SIM_NEVER: long ago */
    sim_time rose, fell;
    struct swdp_stats stats;
    uint32_t bins[BINS + 1];

    void (*record)(void *ctx, const char *text);
    void *record_ctx;
    void (*spoke)(void *ctx);
    void *spoke_ctx;
};

/* --- the pin --------------------------------------------------------------------- */

static void drive(struct swdp *port, enum drive how)
{
    port->driving = true;
    pin_drive(&port->swdio, how);
    port->driving = false;
}

static void put(struct swdp *port, unsigned bit)
{
    drive(port, bit & 1 ? DRIVE_HIGH : DRIVE_LOW);
}

static void release(struct swdp *port) { drive(port, DRIVE_PULL_UP); }

/* --- the record ------------------------------------------------------------------ */

/* "TIME_NS DP|AP R|W ADDRESS ACK DATA [parity]", or "TIME_NS RESET|SWITCH|BAD ...". */
static void record(struct swdp *port, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void record(struct swdp *port, const char *format, ...)
{
    if (!port->record)
        return;
    char text[96];
    int length = snprintf(text, sizeof text, "%llu ",
                          (unsigned long long)(port->dp.chip->sim->now / SIM_NS));
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + length, sizeof text - (size_t)length, format, arguments);
    va_end(arguments);
    port->record(port->record_ctx, text);
}

static uint32_t address_of(uint32_t request) { return request >> 1 & 0xC; }

static void record_transfer(struct swdp *port, bool with_data, bool parity_error)
{
    if (!port->record)
        return;
    static const char *const acks[] = { [ACK_OK] = "OK", [ACK_WAIT] = "WAIT",
                                        [ACK_FAULT] = "FAULT" };
    char data[12] = "-";
    if (with_data)
        snprintf(data, sizeof data, "%08X", (unsigned)(uint32_t)port->data);
    record(port, "%s %s %X %s %s%s", port->request & REQ_AP ? "AP" : "DP",
           port->request & REQ_READ ? "R" : "W", address_of(port->request),
           acks[port->ack], data, parity_error ? " parity" : "");
}

/* --- the answer ------------------------------------------------------------------ */

/* Never WAIT or FAULT: reads of DPIDR and CTRL/STAT, writes of ABORT (B4.2.3, B4.2.4).
 * ABORT sits where DPIDR is read. */
static bool always_ok(uint32_t request)
{
    uint32_t address = address_of(request);
    return !(request & REQ_AP) &&
           (address == DP_DPIDR || (request & REQ_READ && address == DP_CTRL_STAT));
}

static uint32_t decide(struct swdp *port)
{
    struct dp *dp = &port->dp;
    bool busy = dp_busy(dp) || port->write_clocks;
    if (always_ok(port->request))
        return ACK_OK;
    if (port->injected_waits > 0) {
        port->injected_waits--;
        return ACK_WAIT;
    }
    if (busy)
        return ACK_WAIT;
    if (dp->flags & STICKY_FLAGS)
        return ACK_FAULT;
    if (port->request & REQ_AP && !dp_ap_powered(dp)) {
        dp->flags |= STICKYERR;
        return ACK_FAULT;
    }
    return ACK_OK;
}

static void count_ack(struct swdp *port)
{
    struct dp *dp = &port->dp;
    port->stats.ok += port->ack == ACK_OK;
    port->stats.wait += port->ack == ACK_WAIT;
    port->stats.fault += port->ack == ACK_FAULT;
    bool ap_or_rdbuff = port->request & REQ_AP ||
                        (port->request & REQ_READ && address_of(port->request) == DP_RDBUFF);
    if (port->request & REQ_READ && ap_or_rdbuff)
        dp->flags = port->ack == ACK_OK ? dp->flags | READOK : dp->flags & ~READOK;
    if (port->ack != ACK_OK && dp->control & ORUNDETECT)
        dp->flags |= STICKYORUN;
}

/* The word a read puts on the wire.  An AP read is posted: it shows the last one's
 * result and starts its own access (B4.2.1). */
static uint32_t word_for_read(struct swdp *port)
{
    struct dp *dp = &port->dp;
    uint32_t address = address_of(port->request);
    if (!(port->request & REQ_AP)) {
        uint32_t value = dp_read(dp, address);
        if (address == DP_RDBUFF)
            dp->resend = value;
        return value;
    }
    uint32_t value = dp->resend = dp->rdbuff;
    dp_ap_access(dp, false, address, 0);
    return value;
}

static void accept_write(struct swdp *port)
{
    bool good = __builtin_parityll(port->data) == 0;
    if (!good) {
        port->stats.parity_errors++;
        if (port->ack == ACK_OK)
            port->dp.flags |= WDATAERR;
    }
    record_transfer(port, true, !good);
    if (!good || port->ack != ACK_OK)
        return;
    if (port->request & REQ_AP) {
        port->write_clocks = WRITE_CLOCKS;
        port->write_address = address_of(port->request);
        port->write_value = (uint32_t)port->data;
    } else {
        dp_write(&port->dp, address_of(port->request), (uint32_t)port->data);
    }
}

/* --- phases: what a rising edge means -------------------------------------------- */

static int turnaround(const struct swdp *port) { return 1 + (port->dp.dlcr >> 8 & 3); }

static void lock(struct swdp *port)
{
    port->phase = LOCKED;
    release(port);
}

static void no_answer(struct swdp *port, const char *why)
{
    port->stats.silent++;
    record(port, "BAD %02X %s", port->request, why);
    lock(port);
}

static void judge_request(struct swdp *port)
{
    uint32_t request = port->request;
    if (request == 0xFF) {          /* no request: a line reset begins, or a stuck line */
        lock(port);
        return;
    }
    bool parity_good = __builtin_parity(request >> 1 & 0x1F) == 0;
    if (!parity_good || request & REQ_STOP || !(request & REQ_PARK)) {
        port->stats.protocol_errors++;
        no_answer(port, "malformed");
        return;
    }
    bool is_dpidr = (request & (REQ_AP | REQ_READ)) == REQ_READ && !address_of(request);
    if (port->only_dpidr && !is_dpidr) {
        port->stats.protocol_errors++;
        no_answer(port, "before-dpidr");
        return;
    }
    port->only_dpidr = false;
    port->phase = TURN_TO_TARGET;
    port->turn_left = turnaround(port);
}

static void begin_ack(struct swdp *port)
{
    port->ack = decide(port);
    count_ack(port);
    bool carries_data = port->ack == ACK_OK || port->dp.control & ORUNDETECT;
    port->data = 0;
    if (port->request & REQ_READ && port->ack == ACK_OK) {
        uint32_t word = word_for_read(port);
        port->data = (uint64_t)__builtin_parity(word) << 32 | word;
    }
    port->data_follows = carries_data;
    port->phase = ACKNOWLEDGE;
    port->bit = 1;
    put(port, port->ack);
}

static void turn_back(struct swdp *port, bool data_follows)
{
    release(port);
    port->phase = TURN_BACK;
    port->turn_left = turnaround(port);
    port->data_follows = data_follows;
}

static void end_ack(struct swdp *port)
{
    bool read = port->request & REQ_READ;
    if (read && port->data_follows) {
        port->phase = READ_DATA;
        port->bit = 1;
        put(port, (unsigned)port->data);
        return;
    }
    if (!port->data_follows)
        record_transfer(port, false, false);
    turn_back(port, port->data_follows);
}

static void read_data(struct swdp *port)
{
    if (port->bit < 33) {
        put(port, (unsigned)(port->data >> port->bit++));
        return;
    }
    record_transfer(port, port->ack == ACK_OK, false);
    turn_back(port, false);
}

static void write_data(struct swdp *port, int bit)
{
    port->data |= (uint64_t)bit << port->bit++;
    if (port->bit < 33)
        return;
    accept_write(port);
    port->phase = IDLE;
}

static void after_line_reset(struct swdp *port, int bit)
{
    if (bit) {
        if (port->bit)              /* one low only: no idle, no line reset */
            port->phase = LOCKED;
        return;
    }
    if (++port->bit < 2)
        return;
    port->phase = IDLE;
    port->only_dpidr = true;
    port->stats.line_resets++;
    record(port, "RESET");
}

static void step_phase(struct swdp *port, int bit)
{
    switch (port->phase) {
    case LOCKED:
        break;
    case RESETTING:
        after_line_reset(port, bit);
        break;
    case IDLE:
        if (bit) {
            port->phase = REQUEST;
            port->request = 1;
            port->bit = 1;
        }
        break;
    case REQUEST:
        port->request |= (uint32_t)bit << port->bit++;
        if (port->bit == 8)
            judge_request(port);
        break;
    case TURN_TO_TARGET:
        if (--port->turn_left == 0)
            begin_ack(port);
        break;
    case ACKNOWLEDGE:
        if (port->bit < 3)
            put(port, port->ack >> port->bit++);
        else
            end_ack(port);
        break;
    case READ_DATA:
        read_data(port);
        break;
    case TURN_BACK:
        if (--port->turn_left == 0) {
            port->phase = port->data_follows ? WRITE_DATA : IDLE;
            port->data = 0;
            port->bit = 0;
        }
        break;
    case WRITE_DATA:
        write_data(port, bit);
        break;
    }
}

/* --- line reset and the switch sequences ----------------------------------------- */

static void choose(struct swdp *port, bool jtag)
{
    bool changes = port->is_jtag != jtag;
    port->is_jtag = jtag;
    if (changes && port->spoke)
        port->spoke(port->spoke_ctx);
}

static void speak(struct swdp *port, bool jtag)
{
    if (port->is_jtag == jtag)
        return;
    choose(port, jtag);
    record(port, "SWITCH %s", jtag ? "JTAG" : "SWD");
    jtagdp_reset(&port->jtag);
    lock(port);
}

/* 50 highs in a row are a line reset in whatever phase; the 16 bits after them may be a
 * switch sequence (both begin with a low). */
static void watch_line(struct swdp *port, int bit)
{
    if (port->selector_bits >= 0) {
        port->selector |= (uint32_t)bit << port->selector_bits++;
        if (port->selector_bits == 16) {
            port->selector_bits = -1;
            if (port->selector == JTAG_TO_SWD)
                speak(port, false);
            else if (port->selector == SWD_TO_JTAG)
                speak(port, true);
        }
    }
    if (bit) {
        if (++port->highs == RESET_HIGHS && !port->is_jtag) {
            release(port);
            port->phase = RESETTING;
            port->bit = 0;
            port->dp.dlcr = 0;
        }
        return;
    }
    if (port->highs >= RESET_HIGHS && port->dp.config.has_jtag) {
        port->selector = 0;
        port->selector_bits = 1;
    }
    port->highs = 0;
}

/* --- timing ---------------------------------------------------------------------- */

static void shorter(sim_time *shortest, sim_time length)
{
    if (!*shortest || length < *shortest)
        *shortest = length;
}

static void measure_rise(struct swdp *port, sim_time now)
{
    struct swdp_stats *stats = &port->stats;
    if (stats->clocks++) {
        sim_time period = now - port->rose, bin = period / BIN;
        shorter(&stats->shortest_low, now - port->fell);
        shorter(&stats->shortest_period, period);
        port->bins[bin < BINS ? bin : BINS]++;
    }
    port->rose = now;
}

static bool takes_data(const struct swdp *port)
{
    return port->phase == RESETTING || port->phase == IDLE || port->phase == REQUEST ||
           port->phase == WRITE_DATA;
}

static void check_setup(struct swdp *port, sim_time now)
{
    if (!takes_data(port))
        return;
    port->taken_at = now;
    if (port->dio_changed != SIM_NEVER && now - port->dio_changed < SETUP)
        sim_report(port->dp.chip->sim, SIM_RULE, "SWDIO changed %.1f ns before SWCLK rose: "
                   "set-up time is %d ns", (double)(now - port->dio_changed) / SIM_NS,
                   (int)(SETUP / SIM_NS));
}

static void dio_changed(void *ctx, int level)
{
    (void)level;
    struct swdp *port = ctx;
    if (port->driving || port->is_jtag)
        return;
    sim_time now = port->dp.chip->sim->now;
    port->dio_changed = now;
    if (port->taken_at != SIM_NEVER && now - port->taken_at < HOLD)
        sim_report(port->dp.chip->sim, SIM_RULE, "SWDIO changed %.1f ns after SWCLK rose: "
                   "hold time is %d ns", (double)(now - port->taken_at) / SIM_NS,
                   (int)(HOLD / SIM_NS));
}

/* --- the clock ------------------------------------------------------------------- */

static void clock_rose(struct swdp *port)
{
    struct sim *sim = port->dp.chip->sim;
    measure_rise(port, sim->now);
    if (port->write_clocks && --port->write_clocks == 0)
        dp_ap_access(&port->dp, true, port->write_address, port->write_value);
    int bit = pin_sample(&port->swdio);
    if (port->is_jtag) {
        jtagdp_clock_rose(&port->jtag, bit, port->tdi.net ? pin_sample(&port->tdi) : 1);
    } else {
        check_setup(port, sim->now);
        step_phase(port, bit);
    }
    watch_line(port, bit);
}

static void clock_changed(void *ctx, int level)
{
    struct swdp *port = ctx;
    if (!port->powered || !port->enabled || !port->swclk.net)
        return;
    /* Noise on the clock: an edge that is not seen. */
    if (port->swclk.net->noise && pin_sample(&port->swclk) != level)
        return;
    if (level) {
        clock_rose(port);
        return;
    }
    sim_time now = port->dp.chip->sim->now;
    if (port->stats.clocks)
        shorter(&port->stats.shortest_high, now - port->rose);
    port->fell = now;
    if (port->is_jtag)
        jtagdp_clock_fell(&port->jtag);
}

/* --- building, power ------------------------------------------------------------- */

/* The port's own pulls: SWDIO up; SWCLK down where JTAG is behind the same pins (RM0008
 * 31.4.3), else up. */
static void update_pins(struct swdp *port)
{
    if (!port->attached)
        return;
    bool on = port->powered && port->enabled;
    enum drive clock_pull = port->dp.config.has_jtag ? DRIVE_PULL_DOWN : DRIVE_PULL_UP;
    drive(port, on ? DRIVE_PULL_UP : DRIVE_OPEN);
    pin_drive(&port->swclk, on ? clock_pull : DRIVE_OPEN);
    if (port->tdi.net)
        pin_drive(&port->tdi, on ? DRIVE_PULL_UP : DRIVE_OPEN);
    if (port->tdo.net)
        pin_drive(&port->tdo, DRIVE_OPEN);
}

static void port_reset(struct swdp *port)
{
    dp_reset(&port->dp);
    jtagdp_reset(&port->jtag);
    choose(port, port->dp.config.has_jtag);
    port->phase = LOCKED;
    port->highs = port->write_clocks = 0;
    port->selector_bits = -1;
    port->dio_changed = port->taken_at = SIM_NEVER;
}

struct swdp *swdp_new(struct chip *chip, const struct swdp_config *config)
{
    struct swdp *port = calloc(1, sizeof *port);
    port->enabled = true;
    dp_init(&port->dp, chip, config);
    port->jtag.dp = &port->dp;
    port_reset(port);
    return port;
}

void swdp_free(struct swdp *port)
{
    if (!port)
        return;
    dp_free(&port->dp);
    free(port);
}

static void attach(struct swdp *port, int n, struct pin *pin, struct net *net,
                   const char *signal, void (*changed)(void *ctx, int level))
{
    struct chip *chip = port->dp.chip;
    snprintf(port->pin_names[n], sizeof port->pin_names[n], "%s debug port %s",
             chip->cpu->config.name, signal);
    pin_init(pin, chip->sim, port->pin_names[n], changed, port);
    if (net)
        net_attach(net, pin, true);
}

void swdp_attach(struct swdp *port, struct net *swdio, struct net *swclk,
                 struct net *tdi, struct net *tdo)
{
    attach(port, 0, &port->swdio, swdio, "SWDIO", dio_changed);
    attach(port, 1, &port->swclk, swclk, "SWCLK", clock_changed);
    attach(port, 2, &port->tdi, tdi, "TDI", NULL);
    attach(port, 3, &port->tdo, tdo, "TDO", NULL);
    port->jtag.tdo = tdo ? &port->tdo : NULL;
    port->attached = true;
    update_pins(port);
}

void swdp_power(struct swdp *port, bool on)
{
    if (port->powered == on)
        return;
    port->powered = on;
    port_reset(port);
    update_pins(port);
}

void swdp_enable(struct swdp *port, bool enabled)
{
    if (!port || port->enabled == enabled)
        return;
    port->enabled = enabled;
    port->phase = LOCKED;
    update_pins(port);
}

/* --- looking in ------------------------------------------------------------------ */

const struct swdp_stats *swdp_stats(struct swdp *port)
{
    uint64_t total = 0, below = 0;
    for (int i = 0; i <= BINS; i++)
        total += port->bins[i];
    int median = 0;
    while (median < BINS && total && (below += port->bins[median]) * 2 < total)
        median++;
    port->stats.median_period = (sim_time)median * BIN;
    return &port->stats;
}

void swdp_record(struct swdp *port, void (*line)(void *ctx, const char *text), void *ctx)
{
    port->record = line;
    port->record_ctx = ctx;
}

bool swdp_speaks_jtag(const struct swdp *port) { return port->is_jtag; }

void swdp_on_switch(struct swdp *port, void (*spoke)(void *ctx), void *ctx)
{
    port->spoke = spoke;
    port->spoke_ctx = ctx;
}

void swdp_inject_wait(struct swdp *port, int count) { port->injected_waits = count; }

void swdp_scan(struct swdp *port, const struct scan_cells *cells)
{
    port->jtag.cells = *cells;
}

void swdp_hide(struct swdp *port, bool (*hidden)(void *ctx, uint32_t address), void *ctx)
{
    memap_hide(port->dp.ap, hidden, ctx);
}

void swdp_stop(struct swdp *port, bool (*unclocked)(void *ctx), void *ctx)
{
    memap_stop(port->dp.ap, unclocked, ctx);
}

void swdp_restrict(struct swdp *port,
                   bool (*allowed)(void *ctx, uint32_t address, bool write), void *ctx)
{
    memap_restrict(port->dp.ap, allowed, ctx);
}

void swdp_enable_bus(struct swdp *port, bool enabled)
{
    memap_enable(port->dp.ap, enabled);
}

void swdp_add_ap(struct swdp *port, const struct vendor_ap *ap) { port->dp.vendor_ap = *ap; }
