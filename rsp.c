/* rsp.c - packets of the GDB remote serial protocol.
 *
 *   host   $m20000000,4#bd            a request and its checksum (sum of the bytes)
 *   probe  +$78563412#a4              '+': understood; and the reply
 *   host   +                          '+': understood.  '-' would ask for it again
 *
 * After QStartNoAckMode and the '+' to its OK nobody sends '+' or '-' any more: USB does not
 * lose bytes.  But a client may die and leave the port open (a terminal holds it, a TCP bridge
 * knows nothing of DTR), and the next one expects acks.  It shows by the '+' it begins with,
 * to nothing that was sent; or by its '$' where the dead one's packet was cut off.
 *
 * Between packets byte 0x03 is Ctrl-C; inside one it is data.  '}' announces a byte that
 * was changed by XOR 0x20 because '$', '#' and '}' have a meaning of their own.  A '$'
 * always starts anew, so after a cut packet (the cable came out) the next one is safe.
 *
 * Rules: rsp_poll() never waits; a reply that the host does not fetch stays in the buffer
 * and nothing more is read until it has left, which is all the flow control there is.
 * What moves by the kilobyte moves by words: flash is slow at jumps, so that a loop that
 * handles one byte a turn takes longer than the wire does.
 * Source: GDB manual, appendix E "Remote Protocol": Overview, Packet Acknowledgment. */
#include "rsp.h"
#include "cdc.h"
#include "clock.h"
#include "hex.h"
#include "mem.h"
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
    bool asked;                         /* qSupported */
    bool greeted;                       /* the request: perhaps by a new client, see above */
    int owed;                           /* '+' that the host has yet to send; below 0: it has
                                         * sent more than that */
    bool stalled;                       /* the host stopped reading: do not wait for it */
    int resends;
    uint32_t ack_deadline;
    uint32_t openings;                  /* cdc_openings() when we last looked */

    int claimed;                        /* first digit of the host's sum; -1: none */
    int length;                         /* of what is in packet */
    uint8_t ack;                        /* '+' or '-', on its way */

    /* The request, or the framed reply from '$' to the checksum, so placed that the words
     * behind the '$' and those of rsp_scratch() are aligned. */
    _Alignas(4) uint8_t unused[3];
    uint8_t buffer[1 + RSP_PACKET_MAX + 4];
} rsp;

void rsp_start(void)
{
    rsp.state = BETWEEN;
    rsp.length = rsp.owed = 0;
    rsp.acks = true;
    rsp.begun = rsp.stalled = rsp.asked = false;
    rsp.openings = cdc_openings(CDC_GDB);
    cdc_lend(CDC_GDB, rsp.buffer);
}

uint8_t *rsp_packet(int *length)
{
    *length = rsp.length;
    return rsp.buffer;
}

uint8_t *rsp_scratch(uint32_t count)
{
    return rsp.buffer + sizeof rsp.buffer - count;
}

void rsp_stop_acks(void)
{
    rsp.acks = false;
    rsp.owed = 1;                       /* to the OK */
}

/* Sending is the interrupt's work: it takes packets out of the buffer. */
static void hand_over(int length, bool end)
{
    if (rsp.openings == cdc_openings(CDC_GDB))      /* else who asked for it has gone */
        cdc_send(CDC_GDB, length, end);
}

static void push(bool end)
{
    hand_over(rsp.length, end);
}

static bool sending(void)
{
    return cdc_unsent(CDC_GDB) > 0;
}

/* Waits until the buffer is free.  A host that stopped reading is waited for once; then
 * packets are dropped until it reads again (the '$' of the next one repairs the gap). */
static void drain(void)
{
    uint32_t deadline = clock_in_ms(STALL_MS);
    int left = cdc_unsent(CDC_GDB);

    rsp.stalled &= left == rsp.length;  /* not a byte of it was fetched */
    while (left > 0 && !rsp.stalled) {
        int before = left;
        watchdog_feed();
        left = cdc_unsent(CDC_GDB);
        if (left < before)
            deadline = clock_in_ms(STALL_MS);
        else
            rsp.stalled = clock_passed(deadline);
    }
}

static void send_now(const void *bytes, int length)
{
    cdc_lend(CDC_GDB, bytes);
    hand_over(length, true);
}

static void begin_reply(void)
{
    drain();
    cdc_lend(CDC_GDB, rsp.buffer);
    rsp.begun = true;
    rsp.length = 0;
    rsp.sum = 0;
    rsp.buffer[rsp.length++] = '$';
}

void rsp_notify(void)
{
    begin_reply();
    rsp.buffer[0] = '%';
}

bool rsp_confirm(void)
{
    if (!rsp.acks)
        send_now("$OK#9a", 6);
    return !rsp.acks;
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
        begin_reply();
    if (rsp.length > RSP_PACKET_MAX)    /* '$' and that many */
        return;
    rsp.buffer[rsp.length++] = (uint8_t)c;
    rsp.sum = (uint8_t)(rsp.sum + (uint8_t)c);
    if (rsp.length % 64 == 0)           /* a USB packet: it may travel already */
        push(false);
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
        begin_reply();
    uint32_t fit = rsp_room() / places;
    return length < fit ? length : fit;
}

static void end_block(const uint8_t *to, uint32_t sum)
{
    int before = rsp.length;

    rsp.length = (int)(to - rsp.buffer);
    rsp.sum = (uint8_t)sum;
    if ((before ^ rsp.length) >= 64)    /* as in rsp_char() */
        push(false);
}

/* Four nibbles, each in a byte, to digits: '0' more, and from 10 on another 39.  (The two
 * numbers to multiply with are hidden from GCC, which would make five slower instructions of
 * each multiplication.) */
struct factors { uint32_t gap, ones; };

static inline uint32_t with_gap(uint32_t four, struct factors by)
{
    return four + ((four + 0x06060606) >> 4 & by.ones) * by.gap;
}

/* Four bytes, eight digits a turn: side by side in one word those of bytes 0 and 2, in another
 * those of 1 and 3, and then what goes out first and second. */
__attribute__((optimize("O2", "align-loops=8")))
void rsp_hex(const void *bytes, uint32_t length)
{
    length = begin_block(length, 2);
    const uint8_t *byte = bytes, *end = byte + length, *last = byte + (length & ~3u);
    uint8_t *to = rsp.buffer + rsp.length;
    uint32_t sum = rsp.sum + (length & ~3u) * 2 * '0', nibbles = 0x000F000F;
    struct factors by = { 'a' - 10 - '0', 0x01010101 };
    asm("" : "+l"(by.gap), "+l"(by.ones), "+l"(nibbles));
    for (; byte < last; byte += 4, to += 8) {
        uint32_t four = ((const struct word *)byte)->value;
        uint32_t even = with_gap((four >> 4 & nibbles) | (four & nibbles) << 8, by);
        uint32_t odd = with_gap((four >> 12 & nibbles) | (four & nibbles << 8), by);
        uint32_t both = even + odd;
        both += both >> 16;
        sum += both + (both >> 8);      /* the lowest byte is what counts */
        even += 0x30303030;
        odd += 0x30303030;
        ((struct word *)to)[0].value = (even & 0xFFFF) | odd << 16;
        ((struct word *)to)[1].value = even >> 16 | (odd & 0xFFFF0000);
    }
    end_block(to, sum);
    while (byte < end)
        rsp_hex_char((char)*byte++);
}

void rsp_hex_text(const char *text)
{
    print_text(rsp_hex_char, text);
}

static bool needs_escape(uint8_t c)
{
    return c == '$' || c == '#' || c == '*' || c == ESCAPE;
}

__attribute__((optimize("O2", "align-loops=8")))
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
    if (resends == RESENDS)
        rsp.owed = 0;                   /* there is nobody */
    rsp.ack_deadline = clock_in_ms(ACK_MS);
    push(true);
}

void rsp_end(void)
{
    if (!rsp.begun)
        begin_reply();
    rsp.begun = false;
    rsp.buffer[rsp.length++] = '#';
    rsp.buffer[rsp.length++] = (uint8_t)hex_char(rsp.sum >> 4);
    rsp.buffer[rsp.length++] = (uint8_t)hex_char(rsp.sum);
    rsp.owed += rsp.acks && rsp.buffer[0] == '$';
    await_ack(0);
}

static void send_again(void)
{
    cdc_lend(CDC_GDB, rsp.buffer);
    await_ack(rsp.resends + 1);
}

/* Receiving: one line per state. */
static void packet_starts(void)
{
    rsp.greeted = rsp.owed < 0 || rsp.state != BETWEEN;
    rsp.owed = 0;
    rsp.state = DATA;
    rsp.length = 0;
    rsp.sum = 0;
    rsp.too_long = false;
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
    case '+':         rsp.owed--; break;
    case '-':         if (rsp.owed > 0) send_again(); break;
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

/* gdb asks qSupported first, lldb QStartNoAckMode.  (Who keeps on acknowledging, though he
 * asked for no acks, is no new client at each of his packets.)  Where the dead one owed an
 * ack the new one's '+' went for that; but with acks qSupported is asked once. */
static bool from_new_client(void)
{
    bool again = rsp.acks && rsp.asked;

    if (rsp.buffer[1] != 'S')
        return false;
    rsp.asked |= rsp.buffer[2] == 'u';
    return rsp.greeted || (again && rsp.buffer[2] == 'u');
}

static enum rsp_event packet_ends(int low_digit)
{
    bool good = (rsp.claimed * 16 | low_digit) == rsp.sum;      /* no digit: negative */

    rsp.state = BETWEEN;
    rsp.buffer[rsp.length] = 0;
    enum rsp_event event = !good || rsp.too_long ? RSP_DAMAGED
                         : from_new_client() ? RSP_FIRST_PACKET : RSP_PACKET;
    rsp.acks |= event == RSP_FIRST_PACKET;
    if (rsp.acks) {
        rsp.ack = good ? '+' : '-';
        send_now(&rsp.ack, 1);
    }
    return !good && rsp.acks ? RSP_NOTHING : event;     /* the host sends it again */
}

static enum rsp_event take_byte(uint8_t byte)
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

/* Is none of four bytes a '#', '$' or ESCAPE?  The additions carry into bit 7 from a number
 * on; so what lies between two numbers shows, if bit 7 was 0 before. */
static inline bool plain(uint32_t word)
{
    uint32_t low = word & 0x7F7F7F7F;
    uint32_t hash_or_dollar = (low + 0x5D5D5D5D) & ~(low + 0x5B5B5B5B);
    uint32_t escape = (low + 0x03030303) & ~(low + 0x02020202);
    return ((hash_or_dollar | escape) & ~word & 0x80808080) == 0;
}

/* Most bytes of a load are plain data: the same as in_packet(), but four at a time, so
 * that a 4 KB packet is ready soon after its last byte.  Returns how many it took. */
__attribute__((optimize("O2", "align-loops=8")))
static int take_plain_data(const uint8_t *at, int count)
{
    const uint8_t *first = at, *end = at + count;
    uint8_t *to = rsp.buffer + rsp.length;
    uint32_t sum = rsp.sum;

    for (; end - at >= 4; at += 4, to += 4) {
        uint32_t word = ((const struct word *)at)->value;
        if (!plain(word))
            break;
        ((struct word *)to)->value = word;
        uint32_t pairs = (word & 0x00FF00FF) + (word >> 8 & 0x00FF00FF);
        sum += pairs + (pairs >> 16);
    }
    for (; at < end && *at != '#' && *at != '$' && *at != ESCAPE; at++)
        sum += *to++ = *at;
    rsp.length = (int)(to - rsp.buffer);
    rsp.sum = (uint8_t)sum;
    return (int)(at - first);
}

/* What lies in the ring in one piece.  It stops at the end of a packet, and at a reply
 * ('-' brings one) that has to leave the buffer first. */
static enum rsp_event take_piece(const uint8_t *at, int count)
{
    enum rsp_event event = RSP_NOTHING;
    int done = 0;

    while (done < count && event == RSP_NOTHING && !(rsp.state == BETWEEN && sending())) {
        int left = count - done, room = RSP_PACKET_MAX - rsp.length;
        if (rsp.state == DATA)
            done += take_plain_data(at + done, left < room ? left : room);
        if (done < count)
            event = take_byte(at[done++]);
    }
    cdc_taken(CDC_GDB, done);
    return event;
}

bool rsp_idle(void)
{
    return rsp.state == BETWEEN && !sending();
}

/* First how much there is, then whose: if another opens the port between the two looks, no byte
 * of his is taken for the end of the last one's packet. */
enum rsp_event rsp_poll(void)
{
    const uint8_t *at;
    int count = cdc_look(CDC_GDB, &at);

    if (rsp.openings != cdc_openings(CDC_GDB)) {
        rsp_start();
        cdc_drop(CDC_GDB);              /* nothing of it is for the next one */
        return RSP_CLOSED;
    }
    if (sending())
        return RSP_NOTHING;
    if (rsp.owed > 0 && rsp.acks && clock_passed(rsp.ack_deadline))
        send_again();
    return take_piece(at, count);
}
