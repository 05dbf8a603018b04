/* usb_host.c - a full-speed host controller: frames, transactions, one port.
 *
 * Clients queue transfers (URBs); this file cuts them into transactions, puts these
 * into frames of 1 ms in the time they take on the wire, and calls the device block
 * once per transaction.  It knows no descriptor and no class.
 *
 *     |SOF| INT | SETUP | BULK | BULK | BULK ...          |SOF|
 *      `-- interrupt endpoints that are due, then control, then bulk in turn
 *
 * A transaction is two alarms: `deliver`, when the device has the token (IN) or the
 * data (OUT), and `finish`, when the bus is free again.  Bit times are those of
 * USB 2.0 5.8.4: 13 bytes of overhead a bulk transaction, stuffed bits counted in the
 * data, which gives 19 packets of 64 bytes a frame.
 *
 * Assumed, since host controllers differ: a NAKed bulk or control endpoint is asked
 * again NAK_PAUSE later, when the others had their turn (an xHCI controller takes some
 * microseconds); an unanswered transaction is repeated in the next frame and given up
 * after three strikes (CErr = 3 in xHCI 6.2.3); a submitted transfer starts at once.
 *
 *   called by  cdc_host.c, usbip.c, tests      calls  usbfs.c
 *
 * Sources: USB 2.0 chapters 5, 7.1.7, 8, 11.12. */
#include "usb_host.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define BIT             (SIM_MS / 12000)
#define FRAME           SIM_MS
#define NAK_PAUSE       (10 * SIM_US)
#define DEBOUNCE        (100 * SIM_MS)          /* TATTDB, USB 2.0 7.1.7.3 */
#define DISCONNECT      (2500 * SIM_NS)         /* TDDIS */
#define RESET_TIME      (10 * SIM_MS)           /* TDRST */
#define RECOVERY        (10 * SIM_MS)           /* TRSTRCY, TRSMRCY */
#define RESUME_TIME     (20 * SIM_MS)           /* TDRSMDN */

/* Bit times on the wire: SYNC 8, PID 8, then; EOP 3.  TURN is the pause before the
 * other side answers, GAP what the host leaves between transactions. */
enum { TOKEN_BITS = 35, DATA_BITS = 35, HANDSHAKE_BITS = 19, TURN = 4, GAP = 7,
       NO_ANSWER = 18, STRIKES = 3, PACKET_MAX = 1023 };

enum stage { SETUP_STAGE, DATA_STAGE, STATUS_STAGE };

enum port { EMPTY, DEBOUNCING, ATTACHED, RESETTING, RECOVERING, ENABLED, SUSPENDED,
            RESUMING };

struct endpoint {
    int max_packet;
    bool toggle;                        /* of the next data packet */
    struct urb *queue;
    sim_time not_before;                /* after a NAK */
    uint64_t frame;                     /* interrupt: not before this one */
};

/* The transaction on the wire. */
struct transaction {
    struct endpoint *endpoint;          /* NULL: none */
    struct urb *urb;
    enum usb_pid pid;
    bool data1;
    uint8_t data[PACKET_MAX];
    int length;
    enum usb_handshake answer;
};

enum { OBSERVERS = 4, CONTROL_ENDPOINT = 0, ENDPOINTS = 32, IN_FIRST = 16 };

struct usb_host {
    struct sim *sim;
    struct usbfs *device;
    struct pin *dp;
    bool plugged;
    enum port port;
    uint8_t address;
    struct endpoint endpoints[ENDPOINTS];   /* 0 control, 1.. OUT, 17.. IN */
    uint32_t busy;                      /* bit: that endpoint has a URB */
    int last_bulk;                      /* round robin */
    uint64_t frame;
    sim_time frame_start, bus_free;
    sim_time paused_until;              /* see usb_host_pause() */
    struct transaction on_wire;
    int lose;

    struct alarm port_alarm, line_alarm, frame_alarm, deliver_alarm, finish_alarm;
    void (*reset_done)(void *ctx);
    void *reset_ctx;
    struct { void (*changed)(void *ctx, bool attached); void *ctx; } attach[OBSERVERS];
    struct usb_host_observer observers[OBSERVERS];
    struct usb_host_stats stats;
};

static void schedule(struct usb_host *host);

/* --- Observers ----------------------------------------------------------------- */

static void show_packet(struct usb_host *host, unsigned pid, const uint8_t *bytes,
                        int length)
{
    for (int i = 0; i < OBSERVERS; i++)
        if (host->observers[i].packet)
            host->observers[i].packet(host->observers[i].ctx, (uint8_t)pid, bytes,
                                      length);
}

static void show_token(struct usb_host *host, unsigned pid, uint8_t address,
                       uint8_t endpoint)
{
    show_packet(host, pid, (uint8_t[]){ address, endpoint }, 2);
}

static void show_data(struct usb_host *host, const struct transaction *t)
{
    show_packet(host, t->data1 ? USB_DATA1 : USB_DATA0, t->data, t->length);
}

/* --- Transfers ----------------------------------------------------------------- */

static int endpoint_index(uint8_t endpoint)
{
    int number = endpoint & 15;
    return number == 0 ? CONTROL_ENDPOINT : number + (endpoint & 0x80 ? IN_FIRST : 0);
}

static struct endpoint *endpoint_of(struct usb_host *host, const struct urb *urb)
{
    return &host->endpoints[endpoint_index(urb->endpoint)];
}

static bool unlink_urb(struct usb_host *host, struct urb *urb)
{
    struct endpoint *endpoint = endpoint_of(host, urb);
    struct urb **link = &endpoint->queue;
    while (*link && *link != urb)
        link = &(*link)->next;
    if (!*link)
        return false;
    *link = urb->next;
    if (!endpoint->queue)
        host->busy &= ~(1u << (endpoint - host->endpoints));
    return true;
}

/* After this the URB is its owner's again; done() may free it or submit it anew. */
static void complete(struct usb_host *host, struct urb *urb, enum urb_status status)
{
    if (!unlink_urb(host, urb))
        return;
    if (host->on_wire.urb == urb)
        host->on_wire.urb = NULL;
    urb->status = status;
    for (int i = 0; i < OBSERVERS; i++)
        if (host->observers[i].urb_done)
            host->observers[i].urb_done(host->observers[i].ctx, urb);
    if (urb->done)
        urb->done(urb->ctx, urb);
}

static void fail_all(struct usb_host *host)
{
    host->on_wire.endpoint = NULL;
    host->on_wire.urb = NULL;
    alarm_cancel(host->sim, &host->deliver_alarm);
    alarm_cancel(host->sim, &host->finish_alarm);
    /* What done() submits meanwhile ends at once: the port is not enabled. */
    for (int i = 0; i < ENDPOINTS; i++)
        while (host->endpoints[i].queue)
            complete(host, host->endpoints[i].queue, URB_NO_DEVICE);
}

void usb_host_submit(struct usb_host *host, struct urb *urb)
{
    struct endpoint *endpoint = endpoint_of(host, urb);
    struct urb **link = &endpoint->queue;
    while (*link)
        link = &(*link)->next;
    *link = urb;
    urb->next = NULL;
    urb->address = host->address;
    urb->stage = SETUP_STAGE;
    urb->errors = urb->actual = 0;
    urb->cancelled = false;
    urb->status = URB_PENDING;
    urb->started = host->sim->now;
    host->busy |= 1u << (endpoint - host->endpoints);
    for (int i = 0; i < OBSERVERS; i++)
        if (host->observers[i].urb_submitted)
            host->observers[i].urb_submitted(host->observers[i].ctx, urb);
    if (host->port == ENABLED)
        schedule(host);
    else if (host->port != SUSPENDED && host->port != RESUMING)
        complete(host, urb, URB_NO_DEVICE);
}

void usb_host_cancel(struct usb_host *host, struct urb *urb)
{
    if (host->on_wire.urb == urb)
        urb->cancelled = true; /* its packet may have been taken: see finish() */
    else
        complete(host, urb, URB_CANCELLED);
}

static bool timed_out(const struct usb_host *host, const struct urb *urb)
{
    return urb->timeout_ms && host->sim->now - urb->started >= urb->timeout_ms * SIM_MS;
}

static void end_timed_out(struct usb_host *host)
{
    for (int i = 0; i < ENDPOINTS; i++) {
        struct urb *urb = host->endpoints[i].queue;
        while (urb && !(timed_out(host, urb) && urb != host->on_wire.urb))
            urb = urb->next;
        if (urb) {
            complete(host, urb, URB_TIMEOUT);
            i--;                        /* the queue has changed: look again */
        }
    }
}

/* --- Transactions -------------------------------------------------------------- */

/* Bits of a packet's payload on the wire: after six ones a zero is stuffed (7.1.9). */
static int payload_bits(const uint8_t *data, int length)
{
    int ones = 0, stuffed = 0;
    for (int i = 0; i < length * 8; i++) {
        ones = data[i / 8] >> i % 8 & 1 ? ones + 1 : 0;
        if (ones == 6) {
            stuffed++;
            ones = 0;
        }
    }
    return length * 8 + stuffed;
}

static bool control_in(const struct urb *urb) { return (urb->setup[0] & 0x80) != 0; }

static bool transfers_in(const struct urb *urb)
{
    if (urb->type != URB_CONTROL)
        return (urb->endpoint & 0x80) != 0;
    bool data_in = control_in(urb) && urb->length > 0;
    return urb->stage == DATA_STAGE ? data_in : urb->stage == STATUS_STAGE && !data_in;
}

/* The packet that a URB sends next. */
static void load_packet(const struct endpoint *endpoint, struct transaction *t)
{
    const struct urb *urb = t->urb;
    t->length = 0;
    t->data1 = endpoint->toggle;
    if (urb->type == URB_CONTROL && urb->stage == SETUP_STAGE) {
        t->pid = USB_SETUP;
        t->data1 = false;
        t->length = 8;
        memcpy(t->data, urb->setup, 8);
    } else if (transfers_in(urb)) {
        t->pid = USB_IN;
    } else {
        t->pid = USB_OUT;
        if (urb->type == URB_CONTROL && urb->stage == STATUS_STAGE)
            return;
        int left = urb->length - urb->actual;
        t->length = left < endpoint->max_packet ? left : endpoint->max_packet;
        memcpy(t->data, urb->data + urb->actual, (size_t)t->length);
    }
}

static void start(struct usb_host *host, struct endpoint *endpoint)
{
    struct transaction *t = &host->on_wire;
    t->endpoint = endpoint;
    t->urb = endpoint->queue;
    load_packet(endpoint, t);
    show_token(host, t->pid, t->urb->address, t->urb->endpoint & 15);
    int bits = TOKEN_BITS;
    if (t->pid != USB_IN) {
        show_data(host, t);
        bits += DATA_BITS + payload_bits(t->data, t->length);
    }
    alarm_set(host->sim, &host->deliver_alarm, host->sim->now + (sim_time)bits * BIT);
}

static void deliver_out(struct usb_host *host, struct transaction *t, int *bits)
{
    t->answer = usbfs_out(host->device, t->pid, t->urb->address, t->urb->endpoint & 15,
                          t->data1, t->data, t->length);
    if (t->answer != USB_NONE && host->lose > 0) {
        host->lose--;
        t->answer = USB_NONE;
    }
    *bits = t->answer == USB_NONE ? NO_ANSWER : TURN + HANDSHAKE_BITS;
}

static void deliver_in(struct usb_host *host, struct transaction *t, int *bits)
{
    t->answer = usbfs_in(host->device, t->urb->address, t->urb->endpoint & 15,
                         &t->data1, t->data, &t->length);
    if (t->answer == USB_ACK) {
        show_data(host, t);
        *bits =
            TURN + DATA_BITS + payload_bits(t->data, t->length) + TURN + HANDSHAKE_BITS;
    } else {
        *bits = t->answer == USB_NONE ? NO_ANSWER : TURN + HANDSHAKE_BITS;
    }
}

static void deliver(void *ctx)
{
    struct usb_host *host = ctx;
    struct transaction *t = &host->on_wire;
    int bits;
    if (t->pid == USB_IN)
        deliver_in(host, t, &bits);
    else
        deliver_out(host, t, &bits);
    host->bus_free = host->sim->now + (sim_time)(bits + GAP) * BIT;
    alarm_set(host->sim, &host->finish_alarm, host->sim->now + (sim_time)bits * BIT);
}

/* --- What an answer means for the transfer ------------------------------------- */

static void next_stage(struct usb_host *host, struct endpoint *endpoint,
                       struct urb *urb)
{
    if (urb->stage == STATUS_STAGE) {
        complete(host, urb, URB_OK);
        return;
    }
    urb->stage =
        urb->stage == SETUP_STAGE && urb->length > 0 ? DATA_STAGE : STATUS_STAGE;
    endpoint->toggle = true; /* data and status both begin with DATA1 (8.5.3) */
}

static void data_done(struct usb_host *host, struct endpoint *endpoint, struct urb *urb)
{
    if (urb->type == URB_CONTROL)
        next_stage(host, endpoint, urb);
    else
        complete(host, urb, URB_OK);
}

static void sent(struct usb_host *host, struct endpoint *endpoint, struct urb *urb,
                 int length)
{
    if (urb->type == URB_CONTROL && urb->stage != DATA_STAGE) {
        next_stage(host, endpoint, urb);
        return;
    }
    urb->actual += length;
    bool zero_due = urb->zero_packet && length == endpoint->max_packet;
    if (urb->actual == urb->length && !zero_due)
        data_done(host, endpoint, urb);
}

static void received(struct usb_host *host, struct endpoint *endpoint, struct urb *urb,
                     const struct transaction *t)
{
    if (urb->type == URB_CONTROL && urb->stage == STATUS_STAGE) {
        next_stage(host, endpoint, urb);
        return;
    }
    memcpy(urb->data + urb->actual, t->data, (size_t)t->length);
    urb->actual += t->length;
    bool is_short = t->length < endpoint->max_packet;
    if (is_short && urb->actual < urb->length && urb->short_not_ok)
        complete(host, urb, URB_PROTOCOL);
    else if (is_short || urb->actual == urb->length)
        data_done(host, endpoint, urb);
}

/* More than the endpoint's packet size, or than the URB has room for, is babble. */
static bool babbles(const struct endpoint *endpoint, const struct urb *urb, int length)
{
    bool status = urb->type == URB_CONTROL && urb->stage == STATUS_STAGE;
    int room = status ? 0 : urb->length - urb->actual;
    return length > endpoint->max_packet || length > room;
}

static void finish_in(struct usb_host *host, const struct transaction *t)
{
    struct endpoint *endpoint = t->endpoint;
    bool bad = babbles(endpoint, t->urb, t->length), lost = host->lose > 0;
    if (!bad && !lost)
        show_packet(host, USB_ACK, NULL, 0);
    if (lost)
        host->lose--;
    usbfs_in_done(host->device, t->urb->endpoint & 15, !bad && !lost);
    t->urb->errors = 0;
    if (bad) {
        complete(host, t->urb, URB_OVERFLOW);
    } else if (t->data1 == endpoint->toggle) {
        endpoint->toggle = !endpoint->toggle;
        host->stats.ep[t->urb->endpoint & 15].in_packets++;
        host->stats.ep[t->urb->endpoint & 15].in_bytes += (uint64_t)t->length;
        received(host, endpoint, t->urb, t);
    } /* else our ACK was lost: it is the same packet */
}

static void finish_out(struct usb_host *host, const struct transaction *t)
{
    t->endpoint->toggle = !t->endpoint->toggle;
    t->urb->errors = 0;
    host->stats.ep[t->urb->endpoint & 15].out_packets++;
    host->stats.ep[t->urb->endpoint & 15].out_bytes += (uint64_t)t->length;
    sent(host, t->endpoint, t->urb, t->length);
}

static void no_answer(struct usb_host *host, struct endpoint *endpoint, struct urb *urb)
{
    if (++urb->errors >= STRIKES)
        complete(host, urb, URB_PROTOCOL);
    else
        endpoint->not_before = host->frame_start + FRAME;
}

static void finish(void *ctx)
{
    struct usb_host *host = ctx;
    struct transaction *t = &host->on_wire;
    struct endpoint *endpoint = t->endpoint;
    struct urb *urb = t->urb;
    int number = urb->endpoint & 15;

    if (t->answer != USB_NONE && !(t->pid == USB_IN && t->answer == USB_ACK))
        show_packet(host, t->answer, NULL, 0);
    switch (t->answer) {
    case USB_ACK:
        (t->pid == USB_IN ? finish_in : finish_out)(host, t);
        break;
    case USB_NAK:
        host->stats.ep[number].naks++;
        urb->errors = 0;
        endpoint->not_before = host->sim->now + NAK_PAUSE;
        break;
    case USB_STALL:
        host->stats.ep[number].stalls++;
        complete(host, urb, URB_STALL);
        break;
    case USB_NONE:
        no_answer(host, endpoint, urb);
        break;
    }
    if (t->urb && t->urb->cancelled)    /* t->urb is NULL if it has ended by itself */
        complete(host, t->urb, URB_CANCELLED);
    t->endpoint = NULL;
    t->urb = NULL;
    schedule(host);
}

/* --- Frames -------------------------------------------------------------------- */

/* The longest that the next transaction of an endpoint may take, stuffing included. */
static sim_time longest(const struct endpoint *endpoint)
{
    int bits = TOKEN_BITS + DATA_BITS + endpoint->max_packet * 8 * 7 / 6 +
               HANDSHAKE_BITS + 2 * TURN + GAP;
    return (sim_time)bits * BIT;
}

static bool may_start(const struct usb_host *host, const struct endpoint *endpoint)
{
    if (!endpoint->queue || host->sim->now < endpoint->not_before)
        return false;
    if (endpoint->queue->type == URB_INTERRUPT && host->frame < endpoint->frame)
        return false;
    return host->sim->now + longest(endpoint) <= host->frame_start + FRAME;
}

/* Interrupt endpoints that are due, then control, then bulk in turn. */
static struct endpoint *choose(struct usb_host *host)
{
    uint32_t others = host->busy & ~1u;
    for (uint32_t left = others; left; left &= left - 1) {
        struct endpoint *endpoint = &host->endpoints[__builtin_ctz(left)];
        if (endpoint->queue->type == URB_INTERRUPT && may_start(host, endpoint)) {
            int interval = endpoint->queue->interval;
            endpoint->frame = host->frame + (uint64_t)(interval ? interval : 1);
            return endpoint;
        }
    }
    if (may_start(host, &host->endpoints[CONTROL_ENDPOINT]))
        return &host->endpoints[CONTROL_ENDPOINT];
    for (int i = 1; i <= ENDPOINTS && others; i++) {
        int index = (host->last_bulk + i) % ENDPOINTS;
        struct endpoint *endpoint = &host->endpoints[index];
        if ((others >> index & 1) && endpoint->queue->type == URB_BULK &&
            may_start(host, endpoint)) {
            host->last_bulk = index;
            return endpoint;
        }
    }
    return NULL;
}

/* Nothing can start now: when could something in this frame? */
static sim_time next_chance(const struct usb_host *host)
{
    sim_time soonest = SIM_NEVER;
    for (uint32_t left = host->busy; left; left &= left - 1) {
        const struct endpoint *endpoint = &host->endpoints[__builtin_ctz(left)];
        sim_time at = endpoint->not_before;
        if (at > host->sim->now && at < soonest &&
            at + longest(endpoint) <= host->frame_start + FRAME)
            soonest = at;
    }
    return soonest;
}

static void try_again(void *ctx) { schedule(ctx); }

/* Starts what may start, or sets the alarm for when something may.  The deliver alarm
 * serves both: it is free while nothing is on the wire. */
static void schedule(struct usb_host *host)
{
    struct sim *sim = host->sim;
    if (host->port != ENABLED || host->on_wire.endpoint || !host->busy)
        return;
    struct endpoint *endpoint = NULL;
    sim_time at = host->bus_free;
    if (at < host->paused_until)
        at = host->paused_until;
    if (sim->now >= at) {
        endpoint = choose(host);
        at = endpoint ? SIM_NEVER : next_chance(host);
    }
    host->deliver_alarm.ring = endpoint ? deliver : try_again;
    if (endpoint)
        start(host, endpoint);
    else if (at != SIM_NEVER)
        alarm_set(sim, &host->deliver_alarm, at);
    else
        alarm_cancel(sim, &host->deliver_alarm);
}

static void begin_frame(void *ctx)
{
    struct usb_host *host = ctx;
    host->frame++;
    host->stats.frames++;
    host->frame_start = host->sim->now;
    host->bus_free = host->sim->now + (TOKEN_BITS + GAP) * BIT;
    alarm_set(host->sim, &host->frame_alarm, host->sim->now + FRAME);
    uint16_t number = (uint16_t)(host->frame & 0x7FF);
    show_packet(host, USB_SOF, (uint8_t[]){ (uint8_t)number, (uint8_t)(number >> 8) },
                2);
    usbfs_sof(host->device, number);
    if (host->busy)
        end_timed_out(host);
    schedule(host);
}

/* --- The port ------------------------------------------------------------------ */

static void tell_attached(struct usb_host *host, bool attached)
{
    for (int i = 0; i < OBSERVERS; i++)
        if (host->attach[i].changed)
            host->attach[i].changed(host->attach[i].ctx, attached);
}

static void forget_device(struct usb_host *host)
{
    host->address = 0;
    for (int i = 0; i < ENDPOINTS; i++) {
        host->endpoints[i].max_packet = 64;
        host->endpoints[i].toggle = false;
        host->endpoints[i].not_before = 0;
        host->endpoints[i].frame = 0;
    }
}

static void stop_frames(struct usb_host *host)
{
    alarm_cancel(host->sim, &host->frame_alarm);
}

static void detach(struct usb_host *host)
{
    bool was = usb_host_attached(host);
    bool in_reset = host->port == RESETTING;
    host->port = EMPTY;
    host->reset_done = NULL;
    stop_frames(host);
    alarm_cancel(host->sim, &host->port_alarm);
    alarm_cancel(host->sim, &host->line_alarm);
    if (in_reset)
        usbfs_bus_reset(host->device, false);
    usbfs_bus_suspend(host->device, true);
    fail_all(host);
    forget_device(host);
    if (was)
        tell_attached(host, false);
}

static void start_frames(struct usb_host *host)
{
    host->port = ENABLED;
    begin_frame(host);
}

/* What follows when the time of a port state is over. */
static void port_time(void *ctx)
{
    struct usb_host *host = ctx;
    struct sim *sim = host->sim;
    switch (host->port) {
    case DEBOUNCING:
        host->port = ATTACHED;
        tell_attached(host, true);
        break;
    case RESETTING:
        host->port = RECOVERING;
        usbfs_bus_reset(host->device, false);
        alarm_set(sim, &host->port_alarm, sim->now + RECOVERY);
        alarm_set(sim, &host->frame_alarm, sim->now + FRAME / 2);
        break;
    case RECOVERING:
        host->port = ENABLED;
        if (host->reset_done)
            host->reset_done(host->reset_ctx);
        break;
    case RESUMING:
        start_frames(host);
        break;
    default:
        break;
    }
}

static void line_stayed_low(void *ctx) { detach(ctx); }

static bool pulled_up(const struct usb_host *host)
{
    return host->plugged && host->dp->net->level == LEVEL_HIGH;
}

/* D+ of an idle full-speed device is high.  Low for longer than TDDIS is a disconnect;
 * packets on the bus are not drawn on this net. */
static void line_changed(void *ctx, const struct net *net)
{
    struct usb_host *host = ctx;
    struct sim *sim = host->sim;
    (void)net;
    bool high = pulled_up(host);
    if (host->port == EMPTY && high) {
        host->port = DEBOUNCING;
        alarm_set(sim, &host->port_alarm, sim->now + DEBOUNCE);
    } else if (host->port == DEBOUNCING && !high) {
        host->port = EMPTY;
        alarm_cancel(sim, &host->port_alarm);
    } else if (high) {
        alarm_cancel(sim, &host->line_alarm);
    } else if (host->port != EMPTY) {
        alarm_set(sim, &host->line_alarm, sim->now + DISCONNECT);
    }
}

void usb_host_plug(struct usb_host *host, bool plugged)
{
    host->plugged = plugged;
    if (!plugged && usb_host_attached(host))
        detach(host);
    line_changed(host, host->dp->net);
}

void usb_host_on_attach(struct usb_host *host,
                        void (*changed)(void *ctx, bool attached), void *ctx)
{
    int i = 0;
    while (i < OBSERVERS &&
           (changed ? host->attach[i].changed != NULL : host->attach[i].ctx != ctx))
        i++;
    assert(i < OBSERVERS);
    host->attach[i].changed = changed;
    host->attach[i].ctx = ctx;
    if (changed && usb_host_attached(host))
        changed(ctx, true);
}

bool usb_host_attached(const struct usb_host *host)
{
    return host->port != EMPTY && host->port != DEBOUNCING;
}

void usb_host_reset_port(struct usb_host *host, void (*done)(void *ctx), void *ctx)
{
    if (!usb_host_attached(host))
        return;
    host->port = RESETTING;
    stop_frames(host);
    fail_all(host);
    forget_device(host);
    host->reset_done = done;
    host->reset_ctx = ctx;
    usbfs_bus_reset(host->device, true);
    alarm_set(host->sim, &host->port_alarm, host->sim->now + RESET_TIME);
}

/* Suspend is the absence of frames; resume is 20 ms of K, then frames again. */
void usb_host_suspend(struct usb_host *host, bool suspend)
{
    if (suspend && host->port == ENABLED) {
        host->port = SUSPENDED;
        stop_frames(host);
        usbfs_bus_suspend(host->device, true);
    } else if (!suspend && host->port == SUSPENDED) {
        host->port = RESUMING;
        usbfs_bus_suspend(host->device, false);
        alarm_set(host->sim, &host->port_alarm, host->sim->now + RESUME_TIME);
    }
}

/* --- The client's calls -------------------------------------------------------- */

void usb_host_set_address(struct usb_host *host, uint8_t address)
{
    host->address = address;
}

void usb_host_set_ep0_size(struct usb_host *host, int size)
{
    host->endpoints[CONTROL_ENDPOINT].max_packet = size;
}

void usb_host_open_endpoint(struct usb_host *host, uint8_t endpoint, int max_packet)
{
    struct endpoint *e = &host->endpoints[endpoint_index(endpoint)];
    if (max_packet)
        e->max_packet = max_packet;
    e->toggle = false;
    e->not_before = 0;
}

void usb_host_lose_handshakes(struct usb_host *host, int count) { host->lose = count; }

void usb_host_pause(struct usb_host *host, sim_time time)
{
    host->paused_until = host->sim->now + time;
}

void usb_host_turn(struct usb_host *host, uint8_t endpoint)
{
    host->last_bulk = endpoint_index(endpoint) - 1;
}

static int run_urb(struct usb_host *host, struct urb *urb)
{
    usb_host_submit(host, urb);
    while (urb->status == URB_PENDING)
        sim_run_until(host->sim, host->sim->now + SIM_MS / 10);
    return urb->status == URB_OK ? urb->actual : -(int)urb->status;
}

int usb_host_control(struct usb_host *host, const uint8_t setup[8], void *data)
{
    struct urb urb = { .type = URB_CONTROL, .data = data, .timeout_ms = 5000,
                       .length = setup[6] | setup[7] << 8 };
    memcpy(urb.setup, setup, 8);
    return run_urb(host, &urb);
}

int usb_host_transfer(struct usb_host *host, enum urb_type type, uint8_t endpoint,
                      void *data, int length, uint32_t timeout_ms)
{
    struct urb urb = { .type = type,
                       .endpoint = endpoint,
                       .data = data,
                       .length = length,
                       .timeout_ms = timeout_ms,
                       .interval = 1 };
    return run_urb(host, &urb);
}

void usb_host_observe(struct usb_host *host, const struct usb_host_observer *observer)
{
    for (int i = 0; i < OBSERVERS; i++) {
        struct usb_host_observer *o = &host->observers[i];
        if (!o->urb_submitted && !o->urb_done && !o->packet) {
            *o = *observer;
            return;
        }
    }
    assert(!"room for another observer");
}

struct sim *usb_host_sim(const struct usb_host *host) { return host->sim; }

const struct usb_host_stats *usb_host_stats(const struct usb_host *host)
{
    return &host->stats;
}

struct usb_host *usb_host_new(struct sim *sim, struct usbfs *device, struct pin *dp)
{
    struct usb_host *host = calloc(1, sizeof *host);
    host->sim = sim;
    host->device = device;
    host->dp = dp;
    host->plugged = true;
    alarm_init(&host->port_alarm, port_time, host);
    alarm_init(&host->line_alarm, line_stayed_low, host);
    alarm_init(&host->frame_alarm, begin_frame, host);
    alarm_init(&host->deliver_alarm, deliver, host);
    alarm_init(&host->finish_alarm, finish, host);
    forget_device(host);
    if (!dp->net)
        net_attach(net_new(sim, "D+"), dp, false);
    net_watch(dp->net, line_changed, host);
    line_changed(host, dp->net);
    return host;
}

void usb_host_free(struct usb_host *host)
{
    if (!host)
        return;
    for (int i = 0; i < OBSERVERS; i++)
        host->attach[i].changed = NULL;
    struct sim *sim = host->sim;
    host->port = EMPTY;
    fail_all(host);
    alarm_cancel(sim, &host->port_alarm);
    alarm_cancel(sim, &host->line_alarm);
    stop_frames(host);
    free(host);
}
