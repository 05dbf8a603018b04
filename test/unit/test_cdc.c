/* test_cdc.c - do bytes go through the two serial ports complete, in order, and in packets
 * that a host can live with?  Linked with cdc.c and nothing else: endpoints that hold one
 * packet each, or two where there is another buffer, replace usb.c and usb_ep.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cdc.h"
#include "stm32f103.h"

static struct {
    enum ep_state state[6][2];
    uint8_t out[6][64], in[6][2][64];
    int out_length[6], in_length[6];
    int turn[6];                        /* which IN buffer is the endpoint's */
    bool received[6];                   /* and no interrupt has been yet */
    bool configured;
    int interrupts_off;
} hw;

enum ep_state ep_state(int n, enum ep_direction d) { return hw.state[n][d]; }
void ep_set(int n, enum ep_direction d, enum ep_state state) { hw.state[n][d] = state; }
bool ep_free(int n, enum ep_direction d)
{
    return hw.state[n][d] == EP_NAK && !(d == EP_OUT && hw.received[n]);
}
bool usb_configured(void) { return hw.configured; }
void usb_receive(int n)
{
    assert_true(ep_free(n, EP_OUT));    /* else the packet in it could be run over */
    hw.state[n][EP_OUT] = EP_VALID;
}
/* The buffer that is on its way stays as it is. */
void ep_write(int n, int other, const uint8_t *bytes, int length)
{
    assert_true(other || hw.state[n][EP_IN] == EP_NAK);
    assert_true(length <= (n < 4 ? 64 : 8));
    if (length)
        memcpy(hw.in[n][hw.turn[n] ^ (other != 0)], bytes, (size_t)length);
}
void ep_send(int n, int other, int length)
{
    assert_int_equal(hw.state[n][EP_IN], EP_NAK);
    hw.turn[n] ^= other != 0;
    hw.in_length[n] = length;
    hw.state[n][EP_IN] = EP_VALID;
}
void usb_send(int n, const uint8_t *bytes, int length)
{
    ep_write(n, 0, bytes, length);
    ep_send(n, 0, length);
}
int ep_read(int n, uint8_t *bytes, int size)
{
    assert_true(hw.out_length[n] <= size);
    memcpy(bytes, hw.out[n], (size_t)hw.out_length[n]);
    return hw.out_length[n];
}
uint32_t interrupts_off(void) { return (uint32_t)hw.interrupts_off++; }
void interrupts_restore(uint32_t state) { hw.interrupts_off = (int)state; }

enum { NAK = -1 };

/* The packet has arrived, and nobody knows yet. */
static int arrive(int n, const void *bytes, int length)
{
    if (hw.state[n][EP_OUT] != EP_VALID)
        return NAK;
    memcpy(hw.out[n], bytes, (size_t)length);
    hw.out_length[n] = length;
    hw.state[n][EP_OUT] = EP_NAK;
    hw.received[n] = true;
    return length;
}
static void out_interrupt(int n)
{
    hw.received[n] = false;
    cdc_out_event(n, USB_RECEIVED);
}
static int host_out(int n, const void *bytes, int length)
{
    if (arrive(n, bytes, length) == NAK)
        return NAK;
    out_interrupt(n);
    return length;
}
/* The packet has been fetched, and nobody knows yet. */
static int fetch(int n, void *bytes)
{
    if (hw.state[n][EP_IN] != EP_VALID)
        return NAK;
    memcpy(bytes, hw.in[n][hw.turn[n]], (size_t)hw.in_length[n]);
    hw.state[n][EP_IN] = EP_NAK;
    return hw.in_length[n];
}
static int host_in(int n, void *bytes)
{
    int length = fetch(n, bytes);
    if (length == NAK)
        return NAK;
    if (n < 4)
        cdc_in_event(n, USB_SENT);
    else
        cdc_notification_event(n, USB_SENT);
    return length;
}
static int request(uint8_t type, uint8_t number, int value, int interface, uint8_t *data,
                   int length)
{
    const struct usb_setup setup = { type, number, (uint16_t)value, (uint16_t)interface,
                                     (uint16_t)length };
    const uint8_t *at = data;
    int n = cdc_control(&setup, &at);
    if (n > 0)
        memcpy(data, at, (size_t)n);
    return n;
}
static int set_lines(int interface, int lines)
{
    return request(0x21, 0x22, lines, interface, NULL, 0);
}

static int plugged_in(void **state)
{
    (void)state;
    cdc_lend(CDC_GDB, (const uint8_t *)"");
    memset(&hw, 0, sizeof hw);
    for (int n = 1; n < 6; n++)
        hw.state[n][EP_IN] = hw.state[n][EP_OUT] = EP_NAK;
    hw.configured = true;
    cdc_configured(true);
    cdc_drop(CDC_GDB);
    cdc_drop(CDC_UART);
    return 0;
}
static int balanced(void **state)
{
    (void)state;
    assert_int_equal(hw.interrupts_off, 0);
    return 0;
}

static uint8_t packet[64], bytes[8192];

/* Up to size bytes, in one piece or, around the end of the ring, two. */
static int read_bytes(int port, uint8_t *to, int size)
{
    const uint8_t *at;
    int done = 0, count;
    while ((count = cdc_look(port, &at)) > 0 && done < size) {
        if (count > size - done)
            count = size - done;
        memcpy(to + done, at, (size_t)count);
        cdc_taken(port, count);
        done += count;
    }
    return done;
}

static int write_bytes(int port, const uint8_t *from, int length)
{
    int done = 0, count;
    while (done < length && (count = cdc_write(port, from + done, length - done)) > 0)
        done += count;
    return done;
}

static void what_the_host_sends_is_read_in_order(void **state)
{
    (void)state;
    assert_int_equal(read_bytes(CDC_GDB, bytes, 10), 0);
    assert_int_equal(host_out(1, "$g#67", 5), 5);
    assert_int_equal(host_out(1, "+", 1), 1);
    assert_int_equal(cdc_waiting(CDC_GDB), 6);
    assert_int_equal(read_bytes(CDC_GDB, bytes, 3), 3);
    assert_memory_equal(bytes, "$g#", 3);
    assert_int_equal(read_bytes(CDC_GDB, bytes, 10), 3);
    assert_memory_equal(bytes, "67+", 3);
}
static void ports_do_not_mix(void **state)
{
    (void)state;
    assert_int_equal(host_out(2, "uart", 4), 4);
    assert_int_equal(read_bytes(CDC_GDB, bytes, 10), 0);
    assert_int_equal(read_bytes(CDC_UART, bytes, 10), 4);
}
static void host_sees_nak_when_a_packet_would_not_fit(void **state)
{
    (void)state;
    int total = 0, n;
    while ((n = host_out(1, packet, 61)) > 0)
        total += n;
    assert_in_range(total, 4096 - 63, 4096);
    assert_int_equal(host_out(1, packet, 1), NAK);
    assert_int_equal(read_bytes(CDC_GDB, bytes, 64), 64);
    assert_int_equal(host_out(1, packet, 61), 61);
    assert_int_equal(read_bytes(CDC_GDB, bytes, sizeof bytes), total - 64 + 61);
    for (n = 0; n < 63; n++)
        assert_int_equal(host_out(1, packet, 64), 64);
    assert_int_equal(host_out(1, packet, 1), 1);        /* there is room for 63 */
    assert_int_equal(host_out(1, packet, 1), NAK);
    read_bytes(CDC_GDB, bytes, sizeof bytes);
}
static void ctrl_c_is_seen_without_being_taken(void **state)
{
    (void)state;
    host_out(1, "abc\x03", 4);
    assert_true(cdc_peek(CDC_GDB, 3));
    assert_false(cdc_peek(CDC_GDB, 4));
    assert_int_equal(read_bytes(CDC_GDB, bytes, 10), 4);
    assert_false(cdc_peek(CDC_GDB, 3));
}
static void full_packets_leave_at_once_and_the_rest_on_flush(void **state)
{
    (void)state;
    memset(bytes, 'x', 100);
    assert_int_equal(write_bytes(CDC_UART, bytes, 100), 100);
    assert_int_equal(host_in(2, packet), 64);
    assert_int_equal(host_in(2, packet), NAK);
    cdc_flush(CDC_UART);
    assert_int_equal(host_in(2, packet), 36);
    assert_int_equal(host_in(2, packet), NAK);
}
static void flush_behind_a_busy_endpoint_is_remembered(void **state)
{
    (void)state;
    write_bytes(CDC_UART, bytes, 70);
    cdc_flush(CDC_UART);
    assert_int_equal(host_in(2, packet), 64);
    assert_int_equal(host_in(2, packet), 6);
}
static void transfer_that_fills_its_last_packet_ends_with_an_empty_one(void **state)
{
    (void)state;
    write_bytes(CDC_UART, bytes, 128);
    cdc_flush(CDC_UART);
    assert_int_equal(host_in(2, packet), 64);
    assert_int_equal(host_in(2, packet), 64);
    assert_int_equal(host_in(2, packet), 0);
    assert_int_equal(host_in(2, packet), NAK);
    cdc_flush(CDC_UART);
    assert_int_equal(host_in(2, packet), NAK);
}
static void empty_packet_comes_when_the_flush_comes_late(void **state)
{
    (void)state;
    write_bytes(CDC_UART, bytes, 64);
    assert_int_equal(host_in(2, packet), 64);
    assert_int_equal(host_in(2, packet), NAK);
    cdc_flush(CDC_UART);
    assert_int_equal(host_in(2, packet), 0);
}
static void write_takes_only_what_fits(void **state)
{
    (void)state;
    int room = cdc_room(CDC_UART);
    assert_int_equal(write_bytes(CDC_UART, bytes, 4000), room + 64);    /* one packet has left */
    assert_int_equal(cdc_room(CDC_UART), 0);
    assert_int_equal(cdc_write(CDC_UART, bytes, 1), 0);
}
static void packets_that_go_around_the_end_of_a_ring_stay_whole(void **state)
{
    (void)state;
    static uint8_t seen[64];
    uint8_t next_out = 0, next_in = 0, next_read = 0, next_seen = 0;
    const uint8_t *at;
    for (int round = 0; round < 1000; round++) {
        int n = 1 + round % 64, count = 0;
        for (int i = 0; i < n; i++)
            packet[i] = next_out++;
        assert_int_equal(host_out(1, packet, n), n);
        while ((count = cdc_look(CDC_GDB, &at)) > 0) {
            for (int i = 0; i < count; i++)
                assert_int_equal(at[i], next_read++);
            cdc_taken(CDC_GDB, count);
        }
        for (int i = 0; i < n; i++)
            packet[i] = next_in++;
        assert_int_equal(write_bytes(CDC_UART, packet, n), n);
        cdc_flush(CDC_UART);
        assert_int_equal(host_in(2, seen), n);
        for (int i = 0; i < n; i++)
            assert_int_equal(seen[i], next_seen++);
        if (n == 64)
            assert_int_equal(host_in(2, seen), 0);
    }
    assert_int_equal(next_read, next_out);
}
/* Main makes room just when a packet has come: its buffer may not be given to the next. */
static void a_packet_that_waits_for_its_interrupt_is_not_run_over(void **state)
{
    (void)state;
    for (int n = 1; n <= 2; n++) {
        int port = n == 1 ? CDC_GDB : CDC_UART;
        assert_int_equal(host_out(n, "first", 5), 5);
        assert_int_equal(arrive(n, "second", 6), 6);
        assert_int_equal(read_bytes(port, bytes, 5), 5);
        assert_int_equal(arrive(n, "third", 5), NAK);
        out_interrupt(n);
        assert_int_equal(host_out(n, "third", 5), 5);
        assert_int_equal(read_bytes(port, bytes, 64), 11);
        assert_memory_equal(bytes, "secondthird", 11);
    }
}
static void lent_bytes_leave_from_where_they_are(void **state)
{
    (void)state;
    memset(bytes, 'a', 150);
    cdc_lend(CDC_GDB, bytes);
    cdc_send(CDC_GDB, 60, false);               /* no full packet yet */
    assert_int_equal(host_in(1, packet), NAK);
    cdc_send(CDC_GDB, 130, false);
    assert_int_equal(cdc_unsent(CDC_GDB), 2);   /* one travels, one is loaded */
    bytes[140] = 'b';                           /* made while the others travel */
    cdc_send(CDC_GDB, 150, true);
    assert_int_equal(host_in(1, packet), 64);
    assert_int_equal(cdc_unsent(CDC_GDB), 0);
    assert_int_equal(host_in(1, packet), 64);
    assert_int_equal(host_in(1, packet), 22);
    assert_int_equal(packet[12], 'b');
    assert_int_equal(host_in(1, packet), NAK);
}
static void lending_again_forgets_what_has_not_left(void **state)
{
    (void)state;
    cdc_lend(CDC_GDB, bytes);
    cdc_send(CDC_GDB, 200, true);
    cdc_lend(CDC_GDB, (const uint8_t *)"new");
    cdc_send(CDC_GDB, 3, true);
    assert_int_equal(host_in(1, packet), 64);   /* were in packet memory already */
    assert_int_equal(host_in(1, packet), 64);
    assert_int_equal(host_in(1, packet), 3);
    assert_memory_equal(packet, "new", 3);
    assert_int_equal(host_in(1, packet), NAK);
}
/* The host is faster than the interrupt, which comes when main has seen to the endpoint. */
static void packets_stay_in_order_when_main_comes_before_the_interrupt(void **state)
{
    (void)state;
    for (int i = 0; i < 256; i++)
        bytes[i] = (uint8_t)(i / 64);
    cdc_lend(CDC_GDB, bytes);
    cdc_send(CDC_GDB, 128, false);              /* 0 travels, 1 is loaded */
    assert_int_equal(fetch(1, packet), 64);
    assert_int_equal(packet[0], 0);
    cdc_send(CDC_GDB, 256, false);              /* 1 travels, 2 is loaded */
    cdc_in_event(1, USB_SENT);                  /* of 0 */
    for (int i = 1; i < 4; i++) {
        assert_int_equal(host_in(1, packet), 64);
        assert_int_equal(packet[0], i);
        assert_int_equal(packet[63], i);
    }
    assert_int_equal(host_in(1, packet), NAK);
}
static void loaded_packet_waits_for_the_end_of_a_halt(void **state)
{
    (void)state;
    memset(bytes, 'h', 128);
    cdc_lend(CDC_GDB, bytes);
    cdc_send(CDC_GDB, 128, false);
    hw.state[1][EP_IN] = EP_STALL;
    cdc_in_event(1, USB_SENT);
    assert_int_equal(hw.state[1][EP_IN], EP_STALL);
    hw.state[1][EP_IN] = EP_NAK;
    cdc_in_event(1, USB_RESUMED);
    assert_int_equal(host_in(1, packet), 64);
    assert_int_equal(host_in(1, packet), NAK);
}
static void nothing_is_loaded_into_an_endpoint_that_is_not_open(void **state)
{
    (void)state;
    hw.state[1][EP_IN] = EP_DISABLED;
    memset(hw.in, 0, sizeof hw.in);
    memset(bytes, 'n', 128);
    cdc_lend(CDC_GDB, bytes);
    cdc_send(CDC_GDB, 128, true);
    assert_int_equal(hw.in[1][0][0] | hw.in[1][1][0], 0);
    assert_int_equal(cdc_unsent(CDC_GDB), 128);
}
static void halted_endpoint_is_left_alone_until_resumed(void **state)
{
    (void)state;
    hw.state[2][EP_IN] = EP_STALL;
    write_bytes(CDC_UART, bytes, 10);
    cdc_flush(CDC_UART);
    assert_int_equal(hw.state[2][EP_IN], EP_STALL);
    hw.state[2][EP_IN] = EP_NAK;
    cdc_in_event(2, USB_RESUMED);
    assert_int_equal(host_in(2, packet), 10);
}
static void drop_takes_what_came_before_the_port_was_opened_or_closed(void **state)
{
    (void)state;
    for (int open = 0; open < 2; open++) {
        set_lines(1, !open);
        cdc_drop(CDC_GDB);
        host_out(1, "old", 3);
        set_lines(1, open);
        host_out(1, "new", 3);
        cdc_drop(CDC_GDB);
        cdc_drop(CDC_GDB);              /* once is enough */
        assert_int_equal(read_bytes(CDC_GDB, bytes, 10), 3);
        assert_memory_equal(bytes, "new", 3);
        host_out(1, "more", 4);
        cdc_drop(CDC_GDB);
        assert_int_equal(read_bytes(CDC_GDB, bytes, 10), 4);
    }
}
static void drop_makes_room_again(void **state)
{
    (void)state;
    memset(packet, 'o', 64);
    set_lines(1, 1);
    while (host_out(1, packet, 64) == 64) { }
    set_lines(1, 0);
    cdc_drop(CDC_GDB);
    assert_int_equal(cdc_waiting(CDC_GDB), 0);
    assert_int_equal(host_out(1, packet, 64), 64);
}
/* While it is open the host may be fetching it at this very moment. */
static void drop_takes_back_a_waiting_packet_when_the_port_is_closed(void **state)
{
    (void)state;
    for (int open = 0; open < 2; open++) {
        set_lines(1, open);
        cdc_lend(CDC_GDB, (const uint8_t *)"old");
        cdc_send(CDC_GDB, 3, true);
        cdc_drop(CDC_GDB);
        assert_int_equal(host_in(1, packet), open ? 3 : NAK);
        cdc_lend(CDC_GDB, (const uint8_t *)"new");
        cdc_send(CDC_GDB, 3, true);
        assert_int_equal(host_in(1, packet), 3);
        assert_memory_equal(packet, "new", 3);
    }
}
/* A loaded one is not on its way yet: nobody gets it but who was there. */
static void drop_forgets_a_loaded_packet(void **state)
{
    (void)state;
    for (int open = 0; open < 2; open++) {
        set_lines(1, open);
        memset(bytes, 'o', 128);
        cdc_lend(CDC_GDB, bytes);
        cdc_send(CDC_GDB, 128, false);
        cdc_drop(CDC_GDB);
        assert_int_equal(host_in(1, packet), open ? 64 : NAK);
        assert_int_equal(host_in(1, packet), NAK);
        cdc_lend(CDC_GDB, (const uint8_t *)"new");
        cdc_send(CDC_GDB, 3, true);
        assert_int_equal(host_in(1, packet), 3);
        assert_memory_equal(packet, "new", 3);
    }
}
static void a_bus_reset_forgets_a_loaded_packet(void **state)
{
    (void)state;
    memset(bytes, 'o', 128);
    cdc_lend(CDC_GDB, bytes);
    cdc_send(CDC_GDB, 128, false);
    cdc_configured(false);
    hw.state[1][EP_IN] = EP_NAK;
    cdc_configured(true);
    cdc_lend(CDC_GDB, (const uint8_t *)"new");
    cdc_send(CDC_GDB, 3, true);
    assert_int_equal(host_in(1, packet), 3);
    assert_memory_equal(packet, "new", 3);
    assert_int_equal(host_in(1, packet), NAK);
}

static void opening_and_closing_is_counted_and_announced(void **state)
{
    (void)state;
    uint32_t before = cdc_openings(CDC_UART);
    assert_false(cdc_open(CDC_UART));
    set_lines(3, 3);
    assert_true(cdc_open(CDC_UART));
    assert_false(cdc_open(CDC_GDB));
    assert_int_equal(cdc_control_lines(CDC_UART), 3);
    set_lines(3, 0);
    set_lines(3, 1);
    assert_int_equal(cdc_openings(CDC_UART) - before, 3);
    assert_int_equal(host_in(4, packet), 8);
    assert_memory_equal(packet, "\xA1\x20\0\0\3\0\2\0", 8);
    assert_int_equal(host_in(4, packet), 2);
    assert_memory_equal(packet, "\3\0", 2);
}
static void unplugging_closes(void **state)
{
    (void)state;
    set_lines(1, 1);
    uint32_t before = cdc_openings(CDC_GDB);
    hw.configured = false;
    cdc_configured(false);
    assert_false(cdc_open(CDC_GDB));
    assert_int_equal(cdc_openings(CDC_GDB) - before, 1);
}
static void line_errors_are_told_once(void **state)
{
    (void)state;
    set_lines(3, 1);
    host_in(4, packet), host_in(4, packet);
    cdc_notify(CDC_UART, CDC_PARITY);
    cdc_notify(CDC_UART, CDC_OVERRUN);  /* while the first is under way */
    assert_int_equal(host_in(4, packet), 8);
    assert_int_equal(host_in(4, packet), 2);
    assert_int_equal(packet[0], CDC_DCD | CDC_DSR | CDC_PARITY);
    assert_int_equal(host_in(4, packet), 8);
    assert_int_equal(host_in(4, packet), 2);
    assert_int_equal(packet[0], CDC_DCD | CDC_DSR | CDC_OVERRUN);
    assert_int_equal(host_in(4, packet), NAK);
}
static void line_coding_is_kept_and_given_back(void **state)
{
    (void)state;
    uint8_t coding[7] = { 0x40, 0x42, 0x0F, 0x00, 2, 1, 7 };
    assert_int_equal(request(0x21, 0x20, 0, 3, coding, 7), 0);
    assert_int_equal(cdc_line_coding(CDC_UART)->baud, 1000000);
    assert_int_equal(cdc_line_coding(CDC_UART)->bits, 7);
    uint8_t back[7];
    assert_int_equal(request(0xA1, 0x21, 0, 3, back, 7), 7);
    assert_memory_equal(back, coding, 7);
    assert_int_equal(cdc_line_coding(CDC_GDB)->baud, 115200);
}
static void a_line_coding_has_seven_bytes(void **state)
{
    (void)state;
    uint8_t coding[8] = { 0x80, 0x25, 0x00, 0x00, 2, 1, 7 };
    uint32_t was = cdc_line_coding(CDC_UART)->baud;
    assert_int_equal(request(0x21, 0x20, 0, 3, coding, 6), USB_REFUSE);
    assert_int_equal(request(0x21, 0x20, 0, 3, coding, 8), USB_REFUSE);
    assert_int_equal(cdc_line_coding(CDC_UART)->baud, was);
}
static void a_break_is_accepted(void **state)
{
    (void)state;
    assert_int_equal(request(0x21, 0x23, 250, 3, NULL, 0), 0);
    assert_int_equal(request(0x21, 0x23, 250, 1, NULL, 0), 0);
    assert_int_equal(request(0x21, 0x23, 250, 4, NULL, 0), USB_REFUSE);
}
static void other_requests_and_interfaces_are_refused(void **state)
{
    (void)state;
    assert_int_equal(request(0x21, 0x00, 0, 1, NULL, 0), USB_REFUSE);
    assert_int_equal(request(0x21, 0x22, 1, 2, NULL, 0), USB_REFUSE);
    assert_int_equal(request(0x21, 0x21, 0, 1, NULL, 0), USB_REFUSE);
}

/* Random packets one way, random writes the other, past many turns of the rings and of the
 * 16-bit indexes: a counter must come out unbroken at both ends. */
static void long_streams_stay_in_order(void **state)
{
    (void)state;
    uint8_t sent = 0, received = 0, written = 0, fetched = 0;
    srand(2);
    for (int i = 0; i < 20000; i++) {
        int n = rand() % 65;
        for (int k = 0; k < n; k++)
            packet[k] = (uint8_t)(sent + k);
        if (host_out(2, packet, n) == n)
            sent = (uint8_t)(sent + n);
        n = read_bytes(CDC_UART, bytes, rand() % 100);
        for (int k = 0; k < n; k++)
            assert_int_equal(bytes[k], received++);
        n = rand() % 100;
        for (int k = 0; k < n; k++)
            bytes[k] = (uint8_t)(written + k);
        written = (uint8_t)(written + write_bytes(CDC_UART, bytes, n));
        if (rand() % 8 == 0)
            cdc_flush(CDC_UART);
        for (int tries = rand() % 3; tries > 0; tries--) {
            n = host_in(2, packet);
            for (int k = 0; k < n; k++)
                assert_int_equal(packet[k], fetched++);
        }
    }
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, plugged_in, balanced)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_the_host_sends_is_read_in_order),
        TEST(ports_do_not_mix),
        TEST(host_sees_nak_when_a_packet_would_not_fit),
        TEST(ctrl_c_is_seen_without_being_taken),
        TEST(full_packets_leave_at_once_and_the_rest_on_flush),
        TEST(flush_behind_a_busy_endpoint_is_remembered),
        TEST(transfer_that_fills_its_last_packet_ends_with_an_empty_one),
        TEST(empty_packet_comes_when_the_flush_comes_late),
        TEST(write_takes_only_what_fits),
        TEST(packets_that_go_around_the_end_of_a_ring_stay_whole),
        TEST(a_packet_that_waits_for_its_interrupt_is_not_run_over),
        TEST(lent_bytes_leave_from_where_they_are),
        TEST(lending_again_forgets_what_has_not_left),
        TEST(packets_stay_in_order_when_main_comes_before_the_interrupt),
        TEST(loaded_packet_waits_for_the_end_of_a_halt),
        TEST(nothing_is_loaded_into_an_endpoint_that_is_not_open),
        TEST(halted_endpoint_is_left_alone_until_resumed),
        TEST(drop_takes_what_came_before_the_port_was_opened_or_closed),
        TEST(drop_makes_room_again),
        TEST(drop_takes_back_a_waiting_packet_when_the_port_is_closed),
        TEST(drop_forgets_a_loaded_packet),
        TEST(a_bus_reset_forgets_a_loaded_packet),
        TEST(opening_and_closing_is_counted_and_announced),
        TEST(unplugging_closes),
        TEST(line_errors_are_told_once),
        TEST(line_coding_is_kept_and_given_back),
        TEST(a_line_coding_has_seven_bytes),
        TEST(a_break_is_accepted),
        TEST(other_requests_and_interfaces_are_refused),
        TEST(long_streams_stay_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
