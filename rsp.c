/* rsp.c - packets of the GDB remote serial protocol.
 *
 *   host   $m20000000,4#bd            a request and its checksum (sum of the bytes)
 *   probe  +$78563412#a4              '+': understood; and the reply
 *   host   +                          '+': understood.  '-' would ask for it again
 *
 * After QStartNoAckMode nobody sends '+' or '-' any more: USB does not lose bytes.
 * Between packets byte 0x03 is Ctrl-C; inside one it is data.  '}' announces a byte that
 * was changed by XOR 0x20 because '$', '#' and '}' have a meaning of their own.  A '$'
 * always starts anew, so after a cut packet (the cable came out) the next one is safe.
 *
 *   called by  gdb_*.c, monitor.c      calls  cdc.c, clock.c, hex.c, print.c
 *
 * Rules: rsp_poll() never waits; a reply that the host does not fetch stays in the buffer
 * and nothing more is read until it has left, which is all the flow control there is.
 * Source: GDB manual, appendix E "Remote Protocol": Overview, Packet Acknowledgment. */
#include "rsp.h"
#include "cdc.h"
#include "clock.h"
#include "hex.h"
#include "print.h"
#include <stdarg.h>

enum {
    CTRL_C = 0x03, PORT_CLOSED = 0x04,  /* between packets */
    ESCAPE = '}', ESCAPE_XOR = 0x20,
    STALL_MS = 2000,                    /* a host that does not read for so long ... */
    ACK_MS = 2000, RESENDS = 3,         /* gdb's own remotetimeout is 2 s */
};

enum receiving { BETWEEN, DATA, ESCAPED, SUM_HIGH, SUM_LOW };

static struct {
    /* The host's bytes on their way in. */
    enum receiving state;
    uint8_t sum;                        /* of what was received or put */
    bool too_long;
    bool begun;                         /* a reply is being put */

    bool acks;
    bool awaiting;                      /* the host has not acknowledged our reply */
    bool stalled;                       /* the host stopped reading: do not wait for it */
    int resends;
    uint32_t ack_deadline;
    uint32_t openings;                  /* cdc_openings() when we last looked */

    int claimed;                        /* first digit of the host's sum; -1: none */
    int arrived_count, arrived_at;
    int length;                         /* of what is in buffer */
    int sent;                           /* how much of the reply the port has taken */

    uint8_t arrived[64];
    /* The request, or the framed reply from '$' to the checksum. */
    uint8_t buffer[1 + RSP_PACKET_MAX + 3];
} rsp;

void rsp_start(void)
{
    rsp.state = BETWEEN;
    rsp.length = rsp.sent = 0;
    rsp.arrived_at = rsp.arrived_count = 0;
    rsp.acks = true;
    rsp.begun = rsp.awaiting = rsp.stalled = false;
    rsp.openings = cdc_openings(CDC_GDB);
}

uint8_t *rsp_packet(int *length)
{
    *length = rsp.length;
    return rsp.buffer;
}

void rsp_stop_acks(void)
{
    rsp.acks = false;
}

/* Sending: as much as the port takes now. */
static bool push(void)
{
    int count = cdc_write(CDC_GDB, rsp.buffer + rsp.sent, rsp.length - rsp.sent);

    rsp.sent += count;
    if (rsp.sent == rsp.length)
        cdc_flush(CDC_GDB);
    rsp.stalled &= count == 0;
    return count > 0;
}

static bool sending(void)
{
    return rsp.sent < rsp.length;
}

/* Waits until the buffer is free.  A host that stopped reading is waited for once; then
 * packets are dropped until it reads again (the '$' of the next one repairs the gap). */
static void drain(void)
{
    uint32_t deadline = clock_in_ms(STALL_MS);

    while (sending()) {
        watchdog_feed();
        if (push())
            deadline = clock_in_ms(STALL_MS);
        else if (rsp.stalled || clock_passed(deadline)) {
            rsp.stalled = true;
            return;
        }
    }
}

static void send_now(uint8_t byte)
{
    cdc_write(CDC_GDB, &byte, 1);
    cdc_flush(CDC_GDB);
}

static void begin(void)
{
    drain();
    rsp.begun = true;
    rsp.length = rsp.sent = 0;
    rsp.sum = 0;
    rsp.buffer[rsp.length++] = '$';
}

bool rsp_begun(void)
{
    return rsp.begun;
}

uint32_t rsp_room(void)
{
    return rsp.begun ? (uint32_t)(1 + RSP_PACKET_MAX - rsp.length) : RSP_PACKET_MAX;
}

void rsp_char(char c)
{
    if (!rsp.begun)
        begin();
    if (rsp.length > RSP_PACKET_MAX)    /* '$' and that many */
        return;
    rsp.buffer[rsp.length++] = (uint8_t)c;
    rsp.sum = (uint8_t)(rsp.sum + (uint8_t)c);
    if (rsp.length - rsp.sent >= 64)    /* a USB packet: it may travel already */
        push();
}

int rsp_print(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    print_list(rsp_char, format, list);
    va_end(list);
    return 0;
}

void rsp_hex_char(char c)
{
    rsp_char(hex_char((uint8_t)c >> 4));
    rsp_char(hex_char((uint8_t)c));
}

/* Memory goes out by the kilobyte, so its bytes do not take a call each.  What does not
 * fit is dropped, as in rsp_char(). */
static uint32_t begin_block(uint32_t length, uint32_t places)
{
    if (!rsp.begun)
        begin();
    uint32_t fit = rsp_room() / places;
    return length < fit ? length : fit;
}

static void end_block(const uint8_t *to, uint32_t sum)
{
    rsp.length = (int)(to - rsp.buffer);
    rsp.sum = (uint8_t)sum;
    push();
}

/* Computed: a table in flash would cost its wait states at every digit. */
static inline uint32_t digit_of(uint32_t nibble)
{
    return nibble + '0' + (nibble > 9 ? 'a' - '9' - 1 : 0);
}

__attribute__((optimize("O2")))
void rsp_hex(const void *bytes, uint32_t length)
{
    length = begin_block(length, 2);
    uint8_t *to = rsp.buffer + rsp.length;
    uint32_t sum = rsp.sum;
    for (const uint8_t *byte = bytes; length > 0; length--, to += 2) {
        uint32_t value = *byte++, high = digit_of(value >> 4), low = digit_of(value & 15);
        to[0] = (uint8_t)high;
        to[1] = (uint8_t)low;
        sum += high + low;
    }
    end_block(to, sum);
}

void rsp_hex_text(const char *text)
{
    while (*text != '\0')
        rsp_hex_char(*text++);
}

static bool needs_escape(uint8_t c)
{
    return c == '$' || c == '#' || c == '*' || c == ESCAPE;
}

__attribute__((optimize("O2")))
void rsp_binary(const void *bytes, uint32_t length)
{
    length = begin_block(length, 2);
    uint8_t *to = rsp.buffer + rsp.length;
    uint32_t sum = rsp.sum;
    for (const uint8_t *byte = bytes; length > 0; length--, byte++) {
        uint8_t c = *byte;
        if (needs_escape(c)) {
            sum += *to++ = ESCAPE;
            c ^= ESCAPE_XOR;
        }
        sum += *to++ = c;
    }
    end_block(to, sum);
}

static void await_ack(int resends)
{
    rsp.resends = resends;
    rsp.awaiting = rsp.acks && resends < RESENDS;
    rsp.ack_deadline = clock_in_ms(ACK_MS);
    push();
}

void rsp_end(void)
{
    if (!rsp.begun)
        begin();
    rsp.begun = false;
    rsp.buffer[rsp.length++] = '#';
    rsp.buffer[rsp.length++] = (uint8_t)hex_char(rsp.sum >> 4);
    rsp.buffer[rsp.length++] = (uint8_t)hex_char(rsp.sum);
    await_ack(0);
}

static void send_again(void)
{
    rsp.sent = 0;
    await_ack(rsp.resends + 1);
}

/* Receiving: one line per state. */
static void packet_starts(void)
{
    rsp.state = DATA;
    rsp.length = rsp.sent = 0;
    rsp.sum = 0;
    rsp.too_long = false;
    rsp.awaiting = false;
}

static void store(uint8_t byte)
{
    if (rsp.length < RSP_PACKET_MAX)
        rsp.buffer[rsp.length++] = byte;
    else
        rsp.too_long = true;
}

static enum rsp_event between_packets(uint8_t byte)
{
    switch (byte) {
    case '+':         rsp.awaiting = false; break;
    case '-':         if (rsp.awaiting) send_again(); break;
    case CTRL_C:      return RSP_INTERRUPT;
    case PORT_CLOSED: return RSP_CLOSED;
    }
    return RSP_NOTHING;
}

static void in_packet(uint8_t byte)
{
    if (byte == '#') {
        rsp.state = SUM_HIGH;
        return;
    }
    rsp.sum = (uint8_t)(rsp.sum + byte);
    if (rsp.state == DATA && byte == ESCAPE) {
        rsp.state = ESCAPED;
    } else {
        store(rsp.state == ESCAPED ? byte ^ ESCAPE_XOR : byte);
        rsp.state = DATA;
    }
}

static enum rsp_event packet_ends(int low_digit)
{
    bool good = (rsp.claimed * 16 | low_digit) == rsp.sum;      /* no digit: negative */

    rsp.state = BETWEEN;
    rsp.buffer[rsp.length] = 0;
    rsp.sent = rsp.length;              /* it is a request: nothing to send */
    if (rsp.acks)
        send_now(good ? '+' : '-');
    if (!good && rsp.acks)
        return RSP_NOTHING;             /* the host sends it again */
    return good && !rsp.too_long ? RSP_PACKET : RSP_DAMAGED;
}

static enum rsp_event take(uint8_t byte)
{
    if (byte == '$') {                  /* in any state */
        packet_starts();
        return RSP_NOTHING;
    }
    switch (rsp.state) {
    case BETWEEN:  return between_packets(byte);
    case DATA:
    case ESCAPED:  in_packet(byte); break;
    case SUM_HIGH: rsp.claimed = hex_digit(byte); rsp.state = SUM_LOW; break;
    case SUM_LOW:  return packet_ends(hex_digit(byte));
    }
    return RSP_NOTHING;
}

static bool fetch(void)
{
    rsp.arrived_at = 0;
    rsp.arrived_count = cdc_read(CDC_GDB, rsp.arrived, sizeof rsp.arrived);
    return rsp.arrived_count > 0;
}

/* Most bytes of a load are plain data: the same as in_packet(), without its questions, so
 * that a 4 KB packet is ready when its last byte arrives. */
static void take_plain_data(void)
{
    const uint8_t *at = rsp.arrived + rsp.arrived_at;
    const uint8_t *end = rsp.arrived + rsp.arrived_count;
    uint8_t *to = rsp.buffer + rsp.length;
    uint32_t sum = rsp.sum;

    if (rsp.length + (end - at) > RSP_PACKET_MAX)
        return;
    for (; at < end && *at != '$' && *at != '#' && *at != ESCAPE; at++) {
        *to++ = *at;
        sum += *at;
    }
    rsp.arrived_at = (int)(at - rsp.arrived);
    rsp.length = (int)(to - rsp.buffer);
    rsp.sum = (uint8_t)sum;
}

static enum rsp_event receive(void)
{
    enum rsp_event event = RSP_NOTHING;

    while (event == RSP_NOTHING && (rsp.arrived_at < rsp.arrived_count || fetch())) {
        if (rsp.state == DATA)
            take_plain_data();
        if (rsp.arrived_at < rsp.arrived_count)
            event = take(rsp.arrived[rsp.arrived_at++]);
    }
    return event;
}

bool rsp_idle(void)
{
    return rsp.state == BETWEEN && !sending();
}

enum rsp_event rsp_poll(void)
{
    if (rsp.openings != cdc_openings(CDC_GDB)) {
        rsp_start();
        return RSP_CLOSED;
    }
    if (rsp.state == BETWEEN && sending()) {
        push();
        if (sending())
            return RSP_NOTHING;
    }
    if (rsp.awaiting && clock_passed(rsp.ack_deadline))
        send_again();
    return receive();
}
