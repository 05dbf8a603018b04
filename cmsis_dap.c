/* cmsis_dap.c - CMSIS-DAP v2.1: packets of at most 64 bytes become transfers on the wire.
 *
 *   -> 02 01             <- 02 01                      DAP_Connect, to SWD
 *   -> 05 00 01 02       <- 05 01 01 77 14 C1 0B       DAP_Transfer: read DPIDR
 *
 * A packet is one command, and each gets one answer, in order.  They live in one ring.  An
 * answer goes to the slot before its request, so one slot is always free for it:
 *
 *             answers        free      requests
 *       ...  -4  -3  -2      -1      0   1   2  ...      one packet more waits in the
 *          fetched by                done  filled by     endpoint's own buffer: then the
 *         the interrupt           by main  the interrupt host sees NAK
 *
 * Rules:
 *   - nothing is read behind the end of a request, and nothing written behind that of an
 *     answer.  A request too short for its command gets what an unknown one gets: FF.
 *     DAP_Transfer does what is whole, and says how much that was.
 *   - DAP_TransferAbort is seen in the interrupt and ends what was sent before it, where
 *     it waits.  It has no answer.
 *   - a bus reset, SET_CONFIGURATION, SET_INTERFACE and CLEAR_FEATURE(HALT) are a new
 *     beginning: both halves of the ring are dropped, and the wire is let go.
 *   - the wire is ours from DAP_Connect to DAP_Disconnect.  While gdb has a target there
 *     is no DAP_Connect, and DAP_Info's serial number and firmware version say why:
 *     OpenOCD prints the former just before it gives up.
 *   - nothing waits without a bound: WAIT 0.8 s, value match and pins 3 s.
 *
 * Source: ARM, CMSIS-DAP (DAP_Info ... DAP_QueueCommands), version 2.1; ADIv5.2 B4 for
 * what posted reads are. */
#include "cmsis_dap.h"
#include "live.h"
#include "clock.h"
#include "mem.h"
#include "stm32f103.h"
#include "swd.h"
#include "wire.h"
#include "target.h"

enum { PACKET = 64, PACKETS = 8, SLOTS = PACKETS + 1 };
enum { WAIT_LIMIT_MS = 800, LIMIT_MS = 3000 };

enum { DONE = 0x00, FAILED = 0xFF };                    /* status bytes */
enum {
    TRANSFER_ABORT = 0x07, QUEUE_COMMANDS = 0x7E, EXECUTE_COMMANDS = 0x7F, UNKNOWN = 0xFF
};
enum {                                                  /* of DAP_Transfer: a request ... */
    TO_AP = WIRE_AP, READ = WIRE_READ, ADDRESS = WIRE_ADDRESS,
    MATCH_VALUE = 1 << 4, MATCH_MASK = 1 << 5
};
enum { PROTOCOL_ERROR = WIRE_PARITY, MISMATCH = 1 << 4 };        /* ... and the answer */
enum { READ_RDBUFF = READ | 0xC, WRITE_ABORT = 0x0 };

/* --- the ring ----------------------------------------------------------------------- */

static struct {
    /* With interrupts off, or in the interrupt: */
    volatile uint8_t requests, answers; /* that are in the ring */
    volatile uint8_t next;              /* slot of the request that is done next */
    volatile bool received;             /* a packet is still in the endpoint's buffer */
    volatile bool stale;                /* dropped, and main does not know it yet */
    struct slot {
        uint8_t length;
        volatile bool aborted;
        uint8_t bytes[PACKET];
    } slots[SLOTS];
} ring;

/* Counted from the request that is done next. */
static struct slot *slot(int place)
{
    return &ring.slots[(uint32_t)(ring.next + place + SLOTS) % SLOTS];
}

static bool full(void)
{
    return ring.requests + ring.answers == PACKETS;
}

/* The next three in the interrupt, or with interrupts off. */
static void receive_packet(void)
{
    if (ring.received && !ring.stale && !full()) {
        struct slot *free = slot(ring.requests++);
        free->length = (uint8_t)ep_read(DAP_EP, free->bytes, PACKET);
        free->aborted = false;
        ring.received = false;
    }
    if (!ring.received && ep_free(DAP_EP, EP_OUT))
        usb_receive(DAP_EP);
}

static void send_answer(void)
{
    struct slot *oldest = slot(-1 - ring.answers);

    if (ring.stale || ring.answers == 0 || !ep_free(DAP_EP, EP_IN))
        return;
    usb_send(DAP_EP, oldest->bytes, oldest->length);
    ring.answers--;
    receive_packet();
}

static void abort_all(void)
{
    for (int i = 0; i < SLOTS; i++)
        ring.slots[i].aborted = true;
}

/* Main may be in the middle of a slot, so the rest is done there: begin_anew(). */
static void drop(void)
{
    abort_all();
    ring.stale = true;
    ring.received = false;
    if (ep_state(DAP_EP, EP_IN) == EP_VALID)
        ep_set(DAP_EP, EP_IN, EP_NAK);
    receive_packet();
}

void dap_configured(bool yes)
{
    (void)yes;
    drop();
}

void dap_event(int endpoint, enum usb_event event)
{
    uint8_t first = UNKNOWN;

    if (event == USB_RESUMED) {
        drop();
    } else if (event == USB_SENT) {
        send_answer();
    } else {
        ring.received = ep_read(endpoint, &first, 1) > 0;
        if (first == TRANSFER_ABORT) {
            abort_all();
            ring.received = false;
        }
        receive_packet();
    }
}

/* --- a packet ----------------------------------------------------------------------- */

static struct {
    uint8_t *in, *in_end;
    uint8_t *out, *out_end;
    bool bad;                           /* too short, or the answer does not fit */
    /* What the last transfer of a command has left.  An AP read is posted: its result comes with
     * the next AP read, or from RDBUFF.  A write's fate is known when something else has been
     * answered. */
    enum { NOTHING, POSTED, UNCHECKED } pending;
    uint32_t good;                      /* transfers that were answered OK */
} packet;

static int bytes_left(void)
{
    return (int)(packet.in_end - packet.in);
}

static int space_left(void)
{
    return (int)(packet.out_end - packet.out);
}

static uint32_t next_byte(void)
{
    if (bytes_left() > 0)
        return *packet.in++;
    packet.bad = true;
    return 0;
}

/* At any address, as struct word. */
struct half { uint16_t value; } __attribute__((packed, may_alias));

static uint32_t word_at(const uint8_t *bytes)
{
    return ((const struct word *)bytes)->value;
}

static uint32_t half_at(const uint8_t *bytes)
{
    return ((const struct half *)bytes)->value;
}

static void put_number(uint32_t value, int bytes)
{
    if (space_left() < bytes) {
        packet.bad = true;
        return;
    }
    for (; bytes; bytes--, value >>= 8)
        *packet.out++ = (uint8_t)value;
}

static uint8_t status(bool done)
{
    return done ? DONE : FAILED;
}

/* --- what the host has set ---------------------------------------------------------- */

static struct {
    uint8_t idle;                       /* clocks after each transfer */
    uint16_t wait_retry, match_retry;
    uint32_t match_mask;
    uint32_t hz;
    uint8_t configuration;              /* as DAP_SWD_Configure gave it */
    bool lit;
} host = { .wait_retry = 100, .hz = 1000000 };

static bool ours(void)
{
    return wire_owner() == WIRE_DAP;
}

static bool aborted(void)
{
    return slot(0)->aborted;
}

bool dap_lit(void)
{
    return host.lit && ours();
}

/* --- general commands --------------------------------------------------------------- */

static uint8_t put_string(const char *text)
{
    uint8_t length = 0;

    do
        put_number((uint8_t)text[length], 1);
    while (text[length++]);
    return length;
}

/* What a host shows of us before DAP_Connect fails. */
static uint8_t put_unless_refused(const char *text)
{
    return put_string(target_attached() ? "gdb has the wire: detach it first" : text);
}

/* No Test Domain Timer, which the standard leaves open: 0xF1 has no answer, and bit 7 of a
 * transfer, which would ask for the time, is nothing. */
enum { CAN_SWD = 1 << 0, CAN_ATOMIC = 1 << 4, CAN_USB_COM = 1 << 8 };

/* How long it is goes first. */
static uint8_t info(const uint8_t *args)
{
    uint32_t value = 0;
    uint8_t size = 0;
    char serial[25];

    switch (args[0]) {
    case 0x01: return put_string("Pillbug");
    case 0x02: return put_string("Pillbug CMSIS-DAP");
    case 0x03: usb_serial_number(serial); return put_unless_refused(serial);
    case 0x04: return put_string("2.1.0");
    case 0x09: return put_unless_refused(VERSION);
    case 0xF0: value = CAN_SWD | CAN_ATOMIC | CAN_USB_COM; size = 2; break;
    case 0xFE: value = PACKETS; size = 1; break;
    case 0xFF: value = PACKET; size = 2; break;
    }
    put_number(value, size);
    return size;
}

static uint8_t host_status(const uint8_t *args)
{
    if (args[0] == 0)
        host.lit = args[1] & 1;
    return status(args[0] <= 1);
}

/* As the host has configured it, perhaps before it connected. */
static void apply(void)
{
    if (!ours())
        return;
    swd_configure((host.configuration & 3) + 1, host.configuration & 4);
    wire_set_frequency(host.hz);
}

static uint8_t connect(const uint8_t *args)
{
    bool taken = args[0] <= 1 && !target_attached();    /* 0: any port; 1: SWD */

    live_give_way();
    if (taken && wire_owner() == WIRE_GDB)
        target_detach();                /* a mere scan: gdb has to scan again */
    taken = taken && wire_take(WIRE_DAP);
    apply();
    return taken;
}

static uint8_t disconnect(const uint8_t *args)
{
    (void)args;
    wire_release(WIRE_DAP);
    return DONE;
}

static uint8_t delay(const uint8_t *args)
{
    clock_wait_us(half_at(args));
    return DONE;
}

static uint8_t reset_target(const uint8_t *args)
{
    (void)args;
    put_number(0, 1);                          /* we know of no sequence for this target */
    return DONE;
}

static uint8_t refuse_command(const uint8_t *args)
{
    (void)args;
    packet.in = packet.in_end;          /* whatever it is */
    return FAILED;
}

/* --- pins and raw bits -------------------------------------------------------------- */

enum { OUR_PINS = WIRE_PIN_CLK | WIRE_PIN_DIO | WIRE_PIN_NRST, OTHERS_HIGH = 0x2C };

/* nRST moves before DAP_Connect, too, but not while gdb has a target. */
static uint8_t swj_pins(const uint8_t *args)
{
    int levels = args[0], which = args[1] & OUR_PINS;
    uint32_t us = word_at(args + 2), start = clock_cycles();
    uint32_t limit = (us < LIMIT_MS * 1000 ? us : LIMIT_MS * 1000) * (clock_hz() / 1000000);

    if (!ours())
        which &= target_attached() ? 0 : WIRE_PIN_NRST;
    wire_set_pins(which, levels);
    while ((wire_pins() ^ levels) & which && clock_cycles() - start < limit && !aborted())
        watchdog_feed();
    return (uint8_t)(wire_pins() | OTHERS_HIGH);
}

static uint8_t swj_clock(const uint8_t *args)
{
    uint32_t hz = word_at(args);

    if (hz)
        host.hz = hz;
    apply();
    return status(hz);
}

/* Bytes of the request, least significant bit first; the last one may not be used up. */
static void send_bits(uint32_t count)
{
    if ((uint32_t)bytes_left() < (count + 7) / 8)
        packet.bad = true;
    for (uint32_t n; count && !packet.bad; count -= n) {
        uint8_t bits = *packet.in++;
        n = count < 8 ? count : 8;
        if (ours())
            wire_send_bits(bits, n);
    }
}

static void receive_bits(uint32_t count)
{
    for (uint32_t n; count && !packet.bad; count -= n) {
        n = count < 8 ? count : 8;
        put_number(wire_receive_bits(n), 1);
    }
}

static uint8_t swj_sequence(const uint8_t *args)
{
    send_bits(args[0] ? args[0] : 256);
    return status(ours());
}

static uint8_t swd_configuration(const uint8_t *args)
{
    host.configuration = args[0];
    apply();
    return DONE;
}

enum { SEQUENCE_CLOCKS = 0x3F, SEQUENCE_INPUT = 0x80 };

static uint8_t swd_sequence(const uint8_t *args)
{
    if (!ours())
        return refuse_command(args);
    for (int count = args[0]; count && !packet.bad; count--) {
        uint32_t description = next_byte(), clocks = description & SEQUENCE_CLOCKS;
        if (description & SEQUENCE_INPUT)
            receive_bits(clocks ? clocks : 64);
        else
            send_bits(clocks ? clocks : 64);
    }
    wire_send_bits(0, 0);               /* SWDIO is ours again */
    return DONE;
}

/* --- transfers ---------------------------------------------------------------------- */

static uint8_t transfer_configure(const uint8_t *args)
{
    host.idle = args[0];
    host.wait_retry = (uint16_t)half_at(args + 1);
    host.match_retry = (uint16_t)half_at(args + 3);
    return DONE;
}

/* After a WAIT: shall we ask again? */
static bool patient(uint32_t *deadline)
{
    if (*deadline == 0)
        *deadline = clock_in_ms(WAIT_LIMIT_MS);
    watchdog_feed();
    return !aborted() && !clock_passed(*deadline);
}

/* The same request count times, with the words at *bytes, which moves on behind what was
 * done.  Each word may be asked for once more than the host allows retries: swd.c does so
 * by itself, a few times. */
static int transfer(uint32_t request, uint8_t **bytes, uint32_t count)
{
    uint32_t deadline = 0, most = host.wait_retry + 1u, more = most, before;
    struct wire_block block = { *bytes, count, host.idle, 0 };
    int ack;

    do {
        before = block.left;
        block.asks = more < WIRE_ASKS ? more : WIRE_ASKS;
        ack = wire_words(request, &block);
        more = (block.left == before ? more : most) - block.asks;
    } while (ack == WIRE_WAIT && more && patient(&deadline));
    *bytes = block.bytes;
    return ack;
}

__attribute__((noinline)) static int transfer_one(uint32_t request, uint32_t *value)
{
    uint8_t *bytes = (uint8_t *)value;

    return transfer(request, &bytes, 1);
}

/* The same, counted. */
static int transfers(uint32_t request, uint8_t **bytes, uint32_t count)
{
    uint8_t *start = *bytes;
    int ack = transfer(request, bytes, count);

    packet.good += (uint32_t)(*bytes - start) / 4;
    return ack;
}

static int finish_pending(void)
{
    uint32_t ignored;
    uint8_t *bytes = (uint8_t *)&ignored;
    int pending = packet.pending;

    packet.pending = NOTHING;
    if (pending == NOTHING)
        return WIRE_OK;
    return transfer(READ_RDBUFF, pending == POSTED ? &packet.out : &bytes, 1);
}

static int read_until(uint32_t request, uint32_t wanted)
{
    uint32_t value, deadline = clock_in_ms(LIMIT_MS);
    int ack = request & TO_AP ? transfer_one(request, &value) : WIRE_OK; /* posts the first */

    for (int tries = host.match_retry; ack == WIRE_OK; tries--) {
        ack = transfer_one(request, &value);
        if (ack == WIRE_OK && (value & host.match_mask) == wanted)
            break;
        if (ack == WIRE_OK && (tries == 0 || aborted() || clock_passed(deadline)))
            ack |= MISMATCH;
        watchdog_feed();
    }
    return ack;
}

/* Reads whose results are posted, count of them: the first brings the result of none. */
static int read_ap(uint32_t request, uint32_t count)
{
    uint32_t none;

    if (packet.pending != POSTED) {
        int ack = transfer_one(request, &none);
        if (ack != WIRE_OK)
            return ack;
        packet.pending = POSTED;
        packet.good++;
        count--;
    }
    return transfers(request, &packet.out, count);
}

/* count requests that are the same; values has as many words, if they have any. */
static int do_requests(uint32_t request, uint8_t *values, uint32_t count)
{
    if (count == 0)
        return WIRE_OK;
    if (request & READ && packet.pending == UNCHECKED)
        packet.pending = NOTHING;
    if ((request & (TO_AP | READ | MATCH_VALUE)) == (TO_AP | READ))
        return read_ap(request, count);
    int ack = packet.pending == POSTED ? finish_pending() : WIRE_OK;
    if (ack != WIRE_OK)
        return ack;
    if ((request & (READ | MATCH_VALUE)) == READ)
        return transfers(request, &packet.out, count);
    if (!(request & (READ | MATCH_MASK))) {
        packet.pending = UNCHECKED;
        return transfers(request, &values, count);
    }
    if (request & READ)
        ack = read_until(request, word_at(values));
    else
        host.match_mask = word_at(values);
    packet.good += ack == WIRE_OK;
    return ack;
}

/* How many of n have room in the answer, beside what is under way. */
static uint32_t fitting(uint32_t request, uint32_t n)
{
    uint32_t most = (uint32_t)space_left() / 4 - (packet.pending == POSTED);

    return (request & (READ | MATCH_VALUE)) == READ && most < n ? most : n;
}

/* Takes requests as long as they are the same: for swd.c they are one job, which is what
 * makes a packet full of them fast.  Their values gather where the first one stood.  How
 * many; 0 if the packet ends too soon. */
static uint32_t take_requests(uint32_t request, uint32_t most)
{
    int size = !(request & READ) || request & MATCH_VALUE ? 5 : 1;
    uint8_t *at = packet.in, *last = packet.in_end - size;
    struct word *values = (struct word *)at;
    uint32_t n = 0;

    if (request & (MATCH_VALUE | MATCH_MASK))
        most = 1;
    for (; n < most && at <= last && *at == request; n++, at += size)
        if (size > 1)
            values[n].value = word_at(at + 1);
    packet.in = at;
    return n;
}

/* After a failure the rest is only read over: another command may follow it, in
 * DAP_ExecuteCommands.  Byte 0 says which one of a JTAG chain. */
static uint8_t transfer_list(const uint8_t *args)
{
    uint8_t *said = packet.out++;
    uint32_t count = args[1];
    int ack = ours() && count ? WIRE_OK : 0;

    for (uint32_t n = 1; count && n; count -= n) {
        uint8_t *values = packet.in;
        uint32_t request = bytes_left() ? *values : 0, most;
        n = take_requests(request, count);
        most = fitting(request, n);
        if (ack == WIRE_OK)
            ack = do_requests(request, values, most);
        if (ack == WIRE_OK && (n == 0 || n > most))
            ack = PROTOCOL_ERROR;
    }
    if (ack == WIRE_OK)
        ack = finish_pending();
    *said = (uint8_t)ack;
    return (uint8_t)packet.good;
}

/* The same request all along, so its words lie behind each other. */
static uint8_t transfer_block(const uint8_t *args)
{
    uint8_t *start = packet.out + 2;
    uint32_t count = half_at(args + 1), request = args[3] & (TO_AP | READ | ADDRESS);
    int ack = ours() && count ? WIRE_OK : 0;

    packet.out = start;
    uint32_t most = (uint32_t)(request & READ ? space_left() : bytes_left()) / 4;
    uint32_t whole = count < most ? count : most;
    if (ack == WIRE_OK)
        ack = do_requests(request, packet.in, whole);
    if (ack == WIRE_OK)
        ack = finish_pending();
    if (ack == WIRE_OK && whole < count)
        ack = PROTOCOL_ERROR;
    if (request & READ)
        packet.good = (uint32_t)(packet.out - start) / 4;   /* and not what was posted */
    else
        packet.in += 4 * whole;
    start[-2] = 0;                      /* of the count, which is two bytes here */
    start[-1] = (uint8_t)ack;
    return (uint8_t)packet.good;
}

static uint8_t write_abort(const uint8_t *args)
{
    uint32_t value = word_at(args + 1);

    return status(ours() && transfer_one(WRITE_ABORT, &value) == WIRE_OK);
}

/* --- which command is it ------------------------------------------------------------ */

/* Every answer begins with the command's id and one byte more, which run() returns. */
static const struct command {
    uint8_t id, size;                   /* bytes that must follow it, at least */
    uint8_t (*run)(const uint8_t *args);
} __attribute__((packed)) commands[] = {
    { 0x05, 2, transfer_list },           /* these two first: it is looked through */
    { 0x06, 4, transfer_block },
    { 0x00, 1, info },
    { 0x01, 2, host_status },
    { 0x02, 1, connect },
    { 0x03, 0, disconnect },
    { 0x04, 5, transfer_configure },
    { 0x08, 5, write_abort },
    { 0x09, 2, delay },
    { 0x0A, 0, reset_target },
    { 0x10, 6, swj_pins },
    { 0x11, 4, swj_clock },
    { 0x12, 1, swj_sequence },
    { 0x13, 1, swd_configuration },
    { 0x14, 0, refuse_command },          /* JTAG: Sequence, Configure, IDCODE */
    { 0x15, 0, refuse_command },
    { 0x16, 0, refuse_command },
    { 0x1D, 1, swd_sequence },
};

/* No answer of fixed size is longer than 5 bytes. */
static void run_command(void)
{
    const uint8_t *request = packet.in;
    uint8_t *start = packet.out, id = (uint8_t)next_byte();
    const struct command *row = commands, *end = row + sizeof commands / sizeof commands[0];

    while (row < end && row->id != id)
        row++;
    packet.bad |= row == end || bytes_left() < row->size || space_left() < 5;
    if (!packet.bad) {
        packet.in += row->size;
        packet.out += 2;
        packet.pending = NOTHING;
        packet.good = 0;
        start[0] = id;
        start[1] = row->run(request + 1);
    }
    if (packet.bad) {
        packet.out = start;
        if (space_left())
            *packet.out++ = UNKNOWN;
    }
}

/* Several commands in one packet: 7F.  7E is the same, but held back: see ready(). */
static void run_commands(void)
{
    uint8_t *head = packet.out;
    uint32_t count = packet.in[1], done = 0;

    packet.in += 2;
    put_number(EXECUTE_COMMANDS, 2);
    while (done < count && bytes_left() && space_left() && !packet.bad) {
        run_command();
        done++;
    }
    head[1] = (uint8_t)done;
}

static void answer_slot(struct slot *request, struct slot *to)
{
    packet.in = request->bytes;
    packet.in_end = packet.in + request->length;
    packet.out = to->bytes;
    packet.out_end = packet.out + PACKET;
    packet.bad = false;
    if ((request->bytes[0] & 0xFE) == QUEUE_COMMANDS && request->length > 1)
        run_commands();
    else
        run_command();
    to->length = (uint8_t)(packet.out - to->bytes);
}

/* --- main --------------------------------------------------------------------------- */

/* DAP_QueueCommands waits until something else comes, or no more can come. */
static bool ready(void)
{
    if (full())
        return ring.requests;
    for (int i = 0; i < ring.requests; i++)
        if (slot(i)->bytes[0] != QUEUE_COMMANDS)
            return true;
    return false;
}

bool dap_waiting(void)
{
    return ring.stale || ready();
}

static void begin_anew(void)
{
    uint32_t state = interrupts_off();

    ring.requests = ring.answers = 0;
    ring.stale = false;
    receive_packet();
    interrupts_restore(state);
    wire_release(WIRE_DAP);
}

static void run_slot(void)
{
    answer_slot(slot(0), slot(-1));
    uint32_t state = interrupts_off();
    ring.next = (uint8_t)((ring.next + 1) % SLOTS);
    ring.requests--;
    ring.answers++;
    send_answer();
    interrupts_restore(state);
}

void dap_poll(void)
{
    if (ring.stale)
        begin_anew();
    for (int i = 0; i < PACKETS && ready() && !ring.stale; i++) {
        watchdog_feed();
        run_slot();
    }
}
