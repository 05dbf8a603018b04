/* test_usb.c - does the device answer every control request as USB 2.0 chapter 9 says, in
 * every state?  Linked with usb.c and nothing else: the endpoint hardware below replaces
 * usb_ep.c, and a small host speaks to it one transaction at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "clock.h"
#include "stm32f103.h"
#include "usb.h"

void usb_interrupt(void);

const volatile struct uid UID = { { 0x01234567, 0x89ABCDEF, 0x00C0FFEE } };

/* --- the hardware: usb_ep.h ------------------------------------------------------------ */

static struct {
    enum ep_state state[8][2];
    int toggle[8][2];
    int events[8];
    uint8_t out[8][64], in[8][64];
    int out_length[8], in_length[8];
    int bus, address;
    bool attached;
} hw;

void clock_wait_us(uint32_t us) { (void)us; }
void ep_attach(void) { hw.attached = true; }
void ep_detach(void) { hw.attached = false; }
void ep_sleep(bool asleep) { (void)asleep; }
void ep_address(uint8_t address) { hw.address = address; }
void ep_type(int n, enum ep_type type) { (void)n; (void)type; }
void ep_close(int n, enum ep_direction d) { hw.state[n][d] = EP_DISABLED; }
enum ep_state ep_state(int n, enum ep_direction d) { return hw.state[n][d]; }
static void (*meanwhile)(void);         /* what the host does between two of our steps */
static int meanwhile_after;             /* so many of them */
static void host_acts(void)
{
    void (*act)(void) = meanwhile;
    if (!act || meanwhile_after-- > 0)
        return;
    meanwhile = NULL;
    act();
}
/* OUT is never opened over a packet that has not been taken. */
void ep_set(int n, enum ep_direction d, enum ep_state state)
{
    if (d == EP_OUT && state == EP_VALID)
        assert_false(hw.events[n] & EP_RECEIVED);
    host_acts();                        /* between the reading and the writing */
    hw.state[n][d] = state;
}
void ep_data0(int n, enum ep_direction d) { hw.toggle[n][d] = 0; }
int ep_events(int n) { return hw.events[n]; }
/* EP_SETUP stays, and means nothing then. */
void ep_clear(int n, int events) { hw.events[n] &= ~events; }
void ep_open(int n, enum ep_direction d, uint16_t buffer, int max_packet)
{
    assert_true(buffer + max_packet <= 512 && buffer % 2 == 0);
    hw.toggle[n][d] = 0;
    hw.state[n][d] = EP_NAK;
}
int ep_take_event(int n)
{
    int event = hw.events[n] & EP_SENT ? EP_SENT : hw.events[n];
    hw.events[n] &= ~event;
    return event;
}
int ep_bus_events(void)
{
    int bus = hw.bus;
    for (int n = 0; n < 8; n++) {
        if (hw.events[n] & ~EP_SETUP)
            return bus | BUS_TRANSFER | n;
    }
    hw.bus = 0;
    return bus;
}
int ep_read(int n, uint8_t *bytes, int size)
{
    int count = hw.out_length[n] < size ? hw.out_length[n] : size;
    memcpy(bytes, hw.out[n], (size_t)count);
    return count;
}
void ep_write(int n, int other, const uint8_t *bytes, int length)
{
    assert_int_equal(other, 0);
    if (length)
        memcpy(hw.in[n], bytes, (size_t)length);
}
void ep_next(int n, int other, int length)
{
    assert_int_equal(other, 0);
    hw.in_length[n] = length;
}
void ep_send(int n, int other, int length)
{
    ep_next(n, other, length);
    ep_set(n, EP_IN, EP_VALID);
}

/* Is asked for as long as there are events. */
static bool asked_for(void)
{
    if (hw.bus)
        return true;
    for (int n = 0; n < 8; n++) {
        if (hw.events[n] & ~EP_SETUP)
            return true;
    }
    return false;
}
static void interrupt(void)
{
    do
        usb_interrupt();
    while (asked_for());
}

/* --- the host: transactions --------------------------------------------------------------- */

enum { NAK = -1, STALL = -2, SILENT = -3 };

static int refusal(enum ep_state state)
{
    return state == EP_STALL ? STALL : state == EP_NAK ? NAK : SILENT;
}

static void host_setup(const uint8_t *raw)
{
    assert_int_not_equal(hw.state[0][EP_OUT], EP_DISABLED);
    memcpy(hw.out[0], raw, 8);
    hw.out_length[0] = 8;
    for (int d = 0; d < 2; d++) {
        hw.state[0][d] = EP_NAK;
        hw.toggle[0][d] = 1;
    }
    hw.events[0] |= EP_SETUP | EP_RECEIVED;
}
/* The data toggle the host expects must be what the device has. */
static int host_in(int n, int toggle, uint8_t *bytes)
{
    if (hw.state[n][EP_IN] != EP_VALID)
        return refusal(hw.state[n][EP_IN]);
    assert_int_equal(hw.toggle[n][EP_IN], toggle);
    if (hw.in_length[n])
        memcpy(bytes, hw.in[n], (size_t)hw.in_length[n]);
    hw.state[n][EP_IN] = EP_NAK;
    hw.toggle[n][EP_IN] ^= 1;
    hw.events[n] |= EP_SENT;
    return hw.in_length[n];
}
static int host_out(int n, int toggle, const uint8_t *bytes, int length)
{
    if (hw.state[n][EP_OUT] != EP_VALID)
        return refusal(hw.state[n][EP_OUT]);
    assert_int_equal(hw.toggle[n][EP_OUT], toggle);
    if (length)
        memcpy(hw.out[n], bytes, (size_t)length);
    hw.out_length[n] = length;
    hw.state[n][EP_OUT] = EP_NAK;
    hw.toggle[n][EP_OUT] ^= 1;
    hw.events[n] = (hw.events[n] & ~EP_SETUP) | EP_RECEIVED;
    return length;
}

static void setup_packet(uint8_t type, uint8_t request, int value, int index, int length)
{
    const uint8_t raw[8] = {
        type, request, (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)index,
        (uint8_t)(index >> 8), (uint8_t)length, (uint8_t)(length >> 8)
    };
    host_setup(raw);
    interrupt();
}

static uint8_t reply[1024];
static int packets;             /* of the last data stage */

static int status_in(void)
{
    uint8_t none[64];
    int n = host_in(0, 1, none);
    interrupt();
    return n;
}

/* A whole control transfer; bytes received, 0, or STALL. */
static int read_control(uint8_t type, uint8_t request, int value, int index, int length)
{
    int total = 0, toggle = 1, n;
    setup_packet(type, request, value, index, length);
    for (packets = 0; total < length; packets++, toggle ^= 1) {
        n = host_in(0, toggle, reply + total);
        interrupt();
        if (n < 0)
            return n;
        total += n;
        if (n < 32) {
            packets++;
            break;
        }
    }
    assert_true(total <= length);
    assert_int_equal(host_out(0, 1, NULL, 0), 0);
    interrupt();
    return total;
}
static int write_control(uint8_t type, uint8_t request, int value, int index,
                         const uint8_t *bytes, int length)
{
    int toggle = 1;
    setup_packet(type, request, value, index, length);
    for (int at = 0; at < length; at += 32, toggle ^= 1) {
        int n = host_out(0, toggle, bytes + at, length - at < 32 ? length - at : 32);
        interrupt();
        if (n < 0)
            return n;
    }
    return status_in();
}
static int command(uint8_t type, uint8_t request, int value, int index)
{
    return write_control(type, request, value, index, NULL, 0);
}

/* --- a device to test with: one bulk function and one control-only function ------------- */

static const uint8_t device_descriptor[18] = { 18, 1, 0, 2, 0, 0, 0, 32, 9, 0x12, 1, 0, 0, 1,
                                               1, 2, 3, 1 };
static uint8_t configuration_descriptor[64] = { 9, 2, 64, 0, 2, 7, 0, 0x80, 50 };
static const uint8_t bos_descriptor[5] = { 5, 15, 5, 0, 0 };
static const char *const strings[4] = { NULL, "Maker", "Thing", NULL };

static int calls, done_calls, answer_with, configured_with, frames;
static int answers_done;
static struct usb_setup seen;
static int events_before;               /* of endpoint 1, when control() is called */
static uint8_t seen_data[64];
static enum usb_event last_event;
static int event_endpoint;

static int control(const struct usb_setup *setup, const uint8_t **data)
{
    calls++;
    seen = *setup;
    events_before = hw.events[1];
    if (!(setup->bmRequestType & 0x80))
        memcpy(seen_data, *data, setup->wLength);
    else
        *data = (const uint8_t *)"0123456789012345678901234567890123456789";
    return answer_with;
}
static void done(const struct usb_setup *setup)
{
    (void)setup;
    done_calls++;
    answers_done = calls;
}
static void event(int endpoint, enum usb_event what)
{
    event_endpoint = endpoint;
    last_event = what;
}
static void configured(bool yes) { configured_with = yes; }
static void frame(void) { frames++; }

static usb_control *const interfaces[2] = { control, NULL };
static const struct usb_endpoint endpoints[2] = {
    { 0x01, EP_BULK, 64, 0, 112, event },
    { 0x81, EP_BULK, 64, 0, 176, event },
};
static uint8_t buffer[64];
const struct usb_device usb_device = {
    .device = device_descriptor, .configuration = configuration_descriptor,
    .bos = bos_descriptor, .strings = strings, .string_count = 4,
    .interfaces = interfaces, .interface_count = 2,
    .endpoints = endpoints, .endpoint_count = 2,
    .ep0_out = 48, .ep0_in = 80, .buffer = buffer, .buffer_size = sizeof buffer,
    .vendor = control, .done = done, .configured = configured, .frame = frame,
};

static void reset_bus(void)
{
    memset(&hw, 0, sizeof hw);          /* the reset clears all EPnR */
    hw.bus = BUS_RESET;
    interrupt();
}
static int in_default(void **state)
{
    (void)state;
    calls = done_calls = answer_with = frames = 0;
    configuration_descriptor[2] = 64;
    usb_start();
    reset_bus();
    return 0;
}
static int addressed(void **state)
{
    in_default(state);
    assert_int_equal(command(0x00, 5, 9, 0), 0);
    return 0;
}
static int is_configured(void **state)
{
    addressed(state);
    assert_int_equal(command(0x00, 9, 7, 0), 0);
    done_calls = 0;
    return 0;
}

/* --- descriptors -------------------------------------------------------------------------- */

static void device_descriptor_is_cut_to_what_was_asked(void **state)
{
    (void)state;
    assert_int_equal(read_control(0x80, 6, 0x0100, 0, 8), 8);
    assert_memory_equal(reply, device_descriptor, 8);
    assert_int_equal(read_control(0x80, 6, 0x0100, 0, 64), 18);
    assert_memory_equal(reply, device_descriptor, 18);
}
static void data_that_fills_its_last_packet_ends_with_an_empty_one(void **state)
{
    (void)state;
    assert_int_equal(read_control(0x80, 6, 0x0200, 0, 255), 64);
    assert_int_equal(packets, 3);
    assert_memory_equal(reply, configuration_descriptor, 64);
}
static void data_as_long_as_asked_ends_without_an_empty_packet(void **state)
{
    (void)state;
    assert_int_equal(read_control(0x80, 6, 0x0200, 0, 64), 64);
    assert_int_equal(packets, 2);
    assert_int_equal(read_control(0x80, 6, 0x0200, 0, 32), 32);
    assert_int_equal(packets, 1);
}
static void data_with_a_short_last_packet_ends_there(void **state)
{
    (void)state;
    configuration_descriptor[2] = 40;
    assert_int_equal(read_control(0x80, 6, 0x0200, 0, 255), 40);
    assert_int_equal(packets, 2);
}
static void a_zero_length_read_is_confirmed(void **state)
{
    (void)state;
    assert_int_equal(command(0x80, 6, 0x0100, 0), 0);
}
static void strings_are_utf16_in_one_language(void **state)
{
    (void)state;
    assert_int_equal(read_control(0x80, 6, 0x0300, 0, 255), 4);
    assert_memory_equal(reply, "\x04\x03\x09\x04", 4);
    assert_int_equal(read_control(0x80, 6, 0x0301, 0x0409, 255), 12);
    assert_memory_equal(reply, "\x0C\x03M\0a\0k\0e\0r\0", 12);
    assert_int_equal(read_control(0x80, 6, 0x0301, 0x0407, 255), STALL);
    assert_int_equal(read_control(0x80, 6, 0x0304, 0x0409, 255), STALL);
    assert_int_equal(read_control(0x80, 6, 0x03EE, 0, 255), STALL);
}
static void serial_number_is_the_unique_id(void **state)
{
    (void)state;
    assert_int_equal(read_control(0x80, 6, 0x0303, 0x0409, 255), 50);
    for (int i = 0; i < 24; i++)
        assert_int_equal(reply[2 + 2 * i], "0123456789ABCDEF00C0FFEE"[i]);
}
static void bos_is_given_and_qualifier_is_not(void **state)
{
    (void)state;
    assert_int_equal(read_control(0x80, 6, 0x0F00, 0, 255), 5);
    assert_int_equal(read_control(0x80, 6, 0x0600, 0, 10), STALL);
    assert_int_equal(read_control(0x80, 6, 0x0201, 0, 9), STALL);
    assert_int_equal(read_control(0x81, 6, 0x2200, 0, 9), STALL);
}

/* --- states ------------------------------------------------------------------------------- */

static void address_is_used_after_the_status_stage(void **state)
{
    (void)state;
    setup_packet(0x00, 5, 42, 0, 0);
    assert_int_equal(hw.address, 0);
    assert_int_equal(status_in(), 0);
    assert_int_equal(hw.address, 42);
}
static void address_given_up_before_the_status_stage_is_not_used(void **state)
{
    (void)state;
    setup_packet(0x00, 5, 42, 0, 0);
    assert_int_equal(read_control(0x80, 6, 0x0100, 0, 18), 18);
    assert_int_equal(hw.address, 0);
}
static void address_above_127_is_refused(void **state)
{
    (void)state;
    assert_int_equal(command(0x00, 5, 128, 0), STALL);
}
static void configuring_before_addressing_is_refused(void **state)
{
    (void)state;
    assert_int_equal(command(0x00, 9, 7, 0), STALL);
    assert_false(usb_configured());
}
static void configuring_opens_the_endpoints(void **state)
{
    (void)state;
    assert_int_equal(hw.state[1][EP_IN], EP_DISABLED);
    assert_int_equal(command(0x00, 9, 7, 0), 0);
    assert_int_equal(hw.state[1][EP_IN], EP_NAK);
    assert_int_equal(hw.state[1][EP_OUT], EP_NAK);
    assert_true(configured_with);
    assert_int_equal(read_control(0x80, 8, 0, 0, 1), 1);
    assert_int_equal(reply[0], 7);
    assert_int_equal(command(0x00, 9, 1, 0), STALL);
    assert_int_equal(command(0x00, 9, 0, 0), 0);
    assert_false(configured_with);
    assert_int_equal(hw.state[1][EP_IN], EP_DISABLED);
    assert_int_equal(read_control(0x80, 8, 0, 0, 1), 1);
    assert_int_equal(reply[0], 0);
}
static void bus_reset_returns_to_the_default_state(void **state)
{
    (void)state;
    setup_packet(0x80, 6, 0x0200, 0, 64);       /* in the middle of a transfer */
    reset_bus();
    assert_int_equal(hw.address, 0);
    assert_false(usb_configured());
    assert_false(configured_with);
    assert_int_equal(hw.state[0][EP_IN], EP_NAK);
    assert_int_equal(read_control(0x80, 6, 0x0100, 0, 18), 18);
}
static void frames_are_passed_on_only_when_configured(void **state)
{
    hw.bus = BUS_FRAME;
    interrupt();
    assert_int_equal(frames, 0);
    is_configured(state);
    hw.bus = BUS_FRAME;
    interrupt();
    assert_int_equal(frames, 1);
}

/* --- status and features ------------------------------------------------------------------ */

static void status_exists_for_what_exists(void **state)
{
    assert_int_equal(read_control(0x80, 0, 0, 0, 2), 2);
    assert_memory_equal(reply, "\0\0", 2);
    assert_int_equal(read_control(0x82, 0, 0, 0x80, 2), 2);
    assert_int_equal(read_control(0x81, 0, 0, 0, 2), STALL);
    assert_int_equal(read_control(0x82, 0, 0, 0x81, 2), STALL);
    is_configured(state);
    assert_int_equal(read_control(0x81, 0, 0, 1, 2), 2);
    assert_int_equal(read_control(0x81, 0, 0, 2, 2), STALL);
    assert_int_equal(read_control(0x82, 0, 0, 0x81, 2), 2);
    assert_int_equal(read_control(0x82, 0, 0, 0x82, 2), STALL);
}
static void halt_shows_in_the_status_and_stalls(void **state)
{
    (void)state;
    uint8_t bytes[64];
    assert_int_equal(command(0x02, 3, 0, 0x81), 0);
    assert_int_equal(read_control(0x82, 0, 0, 0x81, 2), 2);
    assert_memory_equal(reply, "\1\0", 2);
    assert_int_equal(host_in(1, 0, bytes), STALL);
    assert_int_equal(hw.state[1][EP_IN], EP_STALL);
    hw.toggle[1][EP_IN] = 1;
    assert_int_equal(command(0x02, 1, 0, 0x81), 0);
    assert_int_equal(hw.state[1][EP_IN], EP_NAK);
    assert_int_equal(hw.toggle[1][EP_IN], 0);
    assert_int_equal(last_event, USB_RESUMED);
}
static void clearing_no_halt_resets_the_toggle_and_keeps_the_packet(void **state)
{
    (void)state;
    hw.toggle[1][EP_IN] = 1;
    usb_send(1, (const uint8_t *)"x", 1);
    assert_int_equal(command(0x02, 1, 0, 0x81), 0);
    assert_int_equal(hw.state[1][EP_IN], EP_VALID);
    assert_int_equal(hw.toggle[1][EP_IN], 0);
    assert_int_equal(last_event, USB_RESUMED);  /* whoever wants a new beginning drops it */
}
static void remote_wakeup_and_other_features_are_refused(void **state)
{
    (void)state;
    assert_int_equal(command(0x00, 3, 1, 0), STALL);
    assert_int_equal(command(0x02, 3, 1, 0x81), STALL);
    assert_int_equal(command(0x02, 3, 0, 0x83), STALL);
}
static void interface_zero_has_one_setting(void **state)
{
    (void)state;
    assert_int_equal(read_control(0x81, 10, 0, 1, 1), 1);
    assert_int_equal(reply[0], 0);
    assert_int_equal(read_control(0x81, 10, 0, 2, 1), STALL);
    hw.toggle[1][EP_OUT] = 1;
    assert_int_equal(command(0x01, 11, 0, 0), 0);
    assert_int_equal(hw.toggle[1][EP_OUT], 0);
    assert_int_equal(command(0x01, 11, 1, 0), STALL);
    assert_int_equal(command(0x01, 11, 0, 2), STALL);
}

/* --- control transfers -------------------------------------------------------------------- */

static void unknown_request_stalls_and_the_next_setup_is_taken(void **state)
{
    (void)state;
    uint8_t bytes[64];
    setup_packet(0x80, 99, 0, 0, 8);
    assert_int_equal(host_in(0, 1, bytes), STALL);
    assert_int_equal(host_out(0, 1, NULL, 0), STALL);
    assert_int_equal(read_control(0x80, 6, 0x0100, 0, 18), 18);
}
static void setup_replaces_a_transfer_half_done(void **state)
{
    (void)state;
    uint8_t bytes[64];
    setup_packet(0x80, 6, 0x0200, 0, 64);
    assert_int_equal(host_in(0, 1, bytes), 32);
    interrupt();
    assert_int_equal(read_control(0x80, 6, 0x0100, 0, 18), 18);
    assert_memory_equal(reply, device_descriptor, 18);
}
static void setup_behind_a_sent_packet_in_one_interrupt_wins(void **state)
{
    (void)state;
    uint8_t bytes[64];
    const uint8_t get_device[8] = { 0x80, 6, 0, 1, 0, 0, 18, 0 };
    setup_packet(0x80, 6, 0x0200, 0, 64);
    assert_int_equal(host_in(0, 1, bytes), 32);
    host_setup(get_device);
    interrupt();
    assert_int_equal(host_in(0, 1, bytes), 18);
    assert_memory_equal(bytes, device_descriptor, 18);
}
static void early_status_stage_ends_the_data_stage(void **state)
{
    (void)state;
    uint8_t bytes[64];
    setup_packet(0x80, 6, 0x0200, 0, 64);
    assert_int_equal(host_in(0, 1, bytes), 32);
    interrupt();
    assert_int_equal(host_out(0, 1, NULL, 0), 0);
    interrupt();
    assert_int_equal(host_in(0, 0, bytes), NAK);
}
static void status_stage_behind_a_sent_packet_in_one_interrupt(void **state)
{
    (void)state;
    uint8_t bytes[64];
    setup_packet(0x80, 6, 0x0100, 0, 18);
    assert_int_equal(host_in(0, 1, bytes), 18);
    assert_int_equal(host_out(0, 1, NULL, 0), 0);
    interrupt();
    assert_int_equal(hw.state[0][EP_OUT], EP_NAK);
    assert_int_equal(host_in(0, 0, bytes), NAK);
    assert_int_equal(read_control(0x80, 6, 0x0100, 0, 18), 18);
}
static void data_to_the_device_arrives_in_one_piece(void **state)
{
    (void)state;
    uint8_t data[50];
    for (int i = 0; i < 50; i++)
        data[i] = (uint8_t)(i * 5);
    assert_int_equal(write_control(0x21, 0x20, 0x1234, 0, data, 50), 0);
    assert_int_equal(calls, 1);
    assert_int_equal(seen.wValue, 0x1234);
    assert_memory_equal(seen_data, data, 50);
}
static void data_longer_than_the_buffer_is_refused_at_once(void **state)
{
    (void)state;
    uint8_t data[65] = { 0 };
    assert_int_equal(write_control(0x21, 0x20, 0, 0, data, 65), STALL);
    assert_int_equal(calls, 0);
}
static void data_shorter_than_promised_is_refused(void **state)
{
    (void)state;
    uint8_t data[64] = { 0 };
    setup_packet(0x21, 0x20, 0, 0, 40);
    assert_int_equal(host_out(0, 1, data, 10), 10);
    interrupt();
    assert_int_equal(status_in(), STALL);
    assert_int_equal(calls, 0);
}
static void status_before_the_data_is_refused(void **state)
{
    (void)state;
    uint8_t bytes[64];
    setup_packet(0x21, 0x20, 0, 0, 40);
    assert_int_equal(host_in(0, 1, bytes), STALL);
}
static void status_right_behind_the_last_packet_waits(void **state)
{
    (void)state;
    uint8_t bytes[64] = { 0 };
    setup_packet(0x21, 0x20, 0, 0, 40);
    assert_int_equal(host_out(0, 1, bytes, 32), 32);
    interrupt();
    assert_int_equal(host_out(0, 0, bytes, 8), 8);
    assert_int_equal(host_in(0, 1, bytes), NAK);        /* the interrupt has not run yet */
    interrupt();
    assert_int_equal(status_in(), 0);
}
static void handler_that_refuses_stalls_the_status_stage(void **state)
{
    (void)state;
    uint8_t data[7] = { 0 };
    answer_with = USB_REFUSE;
    assert_int_equal(write_control(0x21, 0x20, 0, 0, data, 7), STALL);
    assert_int_equal(done_calls, 0);
}
static void done_is_called_after_the_status_stage(void **state)
{
    (void)state;
    setup_packet(0x21, 0, 0, 0, 0);
    assert_int_equal(done_calls, 0);
    assert_int_equal(status_in(), 0);
    assert_int_equal(done_calls, 1);
}
static void handler_may_answer_from_its_own_memory(void **state)
{
    (void)state;
    answer_with = 40;
    assert_int_equal(read_control(0xA1, 1, 0, 0, 40), 40);
    assert_memory_equal(reply, "0123456789012345678901234567890123456789", 40);
}
static void class_requests_need_a_configuration_and_an_interface(void **state)
{
    assert_int_equal(command(0x21, 0, 0, 0), STALL);
    is_configured(state);
    assert_int_equal(command(0x21, 0, 0, 0), 0);
    assert_int_equal(command(0x21, 0, 0, 1), STALL);
    assert_int_equal(command(0x21, 0, 0, 2), STALL);
    assert_int_equal(command(0x22, 0, 0, 1), STALL);
    assert_int_equal(command(0x20, 0, 0, 0), STALL);
}
static void vendor_requests_to_the_device_work_before_configuring(void **state)
{
    (void)state;
    answer_with = 10;
    assert_int_equal(read_control(0xC0, 1, 0, 7, 64), 10);
    assert_int_equal(seen.wIndex, 7);
}
static void endpoint_events_reach_their_owner(void **state)
{
    (void)state;
    usb_receive(1);
    assert_int_equal(host_out(1, 0, (const uint8_t *)"abc", 3), 3);
    interrupt();
    assert_int_equal(event_endpoint, 1);
    assert_int_equal(last_event, USB_RECEIVED);
    assert_false(hw.events[1]);
}
/* Each by itself: who is told of the one may look whether the other waits (ep_free()). */
static void two_events_of_an_endpoint_are_told_one_by_one(void **state)
{
    (void)state;
    uint8_t bytes[64];
    usb_receive(1);
    usb_send(1, (const uint8_t *)"abc", 3);
    assert_int_equal(host_out(1, 0, (const uint8_t *)"abc", 3), 3);
    assert_int_equal(host_in(1, 0, bytes), 3);
    usb_interrupt();
    assert_int_equal(last_event, USB_SENT);
    assert_int_equal(hw.events[1], EP_RECEIVED);
    usb_interrupt();
    assert_int_equal(last_event, USB_RECEIVED);
    assert_false(hw.events[1]);
}

/* Endpoint 0 has priority in ISTR; but who closes a port has written to it before. */
static void a_packet_before_a_setup_is_told_before_it(void **state)
{
    static const uint8_t raw[8] = { 0x21, 0x22, 1, 0, 0, 0, 0, 0 };
    (void)state;
    last_event = USB_RESUMED;
    usb_receive(1);
    assert_int_equal(host_out(1, 0, (const uint8_t *)"abc", 3), 3);
    host_setup(raw);
    interrupt();
    assert_int_equal(calls, 1);
    assert_int_equal(last_event, USB_RECEIVED);
    assert_int_equal(events_before, 0);
    assert_int_equal(status_in(), 0);
}

/* A host that has given up begins anew; what is ready for its old request is not for this. */
static void another_setup(void)
{
    static const uint8_t raw[8] = { 0x80, 6, 0, 1, 0, 0, 18, 0 };
    host_setup(raw);
}
static void a_setup_before_the_answer_is_ready_gets_none_of_it(void **state)
{
    static const uint8_t raw[8] = { 0x80, 6, 0, 2, 0, 0, 64, 0 };
    uint8_t bytes[64];
    (void)state;
    for (int after = 0; after < 3; after++) {     /* IN, OUT, IN once more */
        host_setup(raw);
        meanwhile = another_setup;
        meanwhile_after = after;
        usb_interrupt();
        assert_int_equal(hw.events[0], EP_SETUP | EP_RECEIVED);
        assert_int_equal(host_in(0, 1, bytes), NAK);
        assert_int_equal(host_out(0, 1, NULL, 0), NAK);
        interrupt();
        assert_int_equal(host_in(0, 1, bytes), 18);
        assert_memory_equal(bytes, device_descriptor, 18);
        interrupt();
        assert_int_equal(host_out(0, 1, NULL, 0), 0);
        interrupt();
    }
}

/* Anything may come at any time; it must not hang, overrun or refuse a good SETUP after. */
static void noise_never_wedges_the_device(void **state)
{
    uint8_t bytes[64] = { 0 };
    srand(1);
    for (int i = 0; i < 100000; i++) {
        const uint8_t types[] = { 0x00, 0x01, 0x02, 0x80, 0x81, 0x82, 0x21, 0xA1, 0xC0, 0x40 };
        int toggle = hw.toggle[0][EP_OUT];
        switch (rand() % 6) {
        case 0: case 1:
            if ((hw.events[0] & (EP_RECEIVED | EP_SETUP)) == EP_RECEIVED)
                interrupt();            /* until then the block has no ear for a SETUP */
            answer_with = rand() % 42 - 1;
            setup_packet(types[rand() % 10], (uint8_t)(rand() % 13), rand() % 0x500,
                         rand() % 4, rand() % 3 ? rand() % 80 : rand() % 65536);
            break;
        case 2: host_out(0, toggle, bytes, rand() % 33); break;
        case 3: host_in(0, hw.toggle[0][EP_IN], bytes); break;
        case 4: host_out(1, hw.toggle[1][EP_OUT], bytes, 64); break;
        case 5: if (rand() % 50 == 0) reset_bus(); break;
        }
        if (rand() % 4)
            interrupt();
    }
    interrupt();
    assert_int_equal(read_control(0x80, 6, 0x0100, 0, 18), 18);
    is_configured(state);
}

#define IN(state, test) cmocka_unit_test_setup(test, state)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN(in_default, device_descriptor_is_cut_to_what_was_asked),
        IN(in_default, data_that_fills_its_last_packet_ends_with_an_empty_one),
        IN(in_default, data_as_long_as_asked_ends_without_an_empty_packet),
        IN(in_default, data_with_a_short_last_packet_ends_there),
        IN(in_default, a_zero_length_read_is_confirmed),
        IN(in_default, strings_are_utf16_in_one_language),
        IN(in_default, serial_number_is_the_unique_id),
        IN(in_default, bos_is_given_and_qualifier_is_not),
        IN(in_default, address_is_used_after_the_status_stage),
        IN(in_default, address_given_up_before_the_status_stage_is_not_used),
        IN(in_default, address_above_127_is_refused),
        IN(in_default, configuring_before_addressing_is_refused),
        IN(addressed, configuring_opens_the_endpoints),
        IN(is_configured, bus_reset_returns_to_the_default_state),
        IN(addressed, frames_are_passed_on_only_when_configured),
        IN(addressed, status_exists_for_what_exists),
        IN(is_configured, halt_shows_in_the_status_and_stalls),
        IN(is_configured, clearing_no_halt_resets_the_toggle_and_keeps_the_packet),
        IN(is_configured, remote_wakeup_and_other_features_are_refused),
        IN(is_configured, interface_zero_has_one_setting),
        IN(in_default, unknown_request_stalls_and_the_next_setup_is_taken),
        IN(in_default, setup_replaces_a_transfer_half_done),
        IN(in_default, setup_behind_a_sent_packet_in_one_interrupt_wins),
        IN(in_default, early_status_stage_ends_the_data_stage),
        IN(in_default, status_stage_behind_a_sent_packet_in_one_interrupt),
        IN(is_configured, data_to_the_device_arrives_in_one_piece),
        IN(is_configured, data_longer_than_the_buffer_is_refused_at_once),
        IN(is_configured, data_shorter_than_promised_is_refused),
        IN(is_configured, status_before_the_data_is_refused),
        IN(is_configured, status_right_behind_the_last_packet_waits),
        IN(is_configured, handler_that_refuses_stalls_the_status_stage),
        IN(is_configured, done_is_called_after_the_status_stage),
        IN(is_configured, handler_may_answer_from_its_own_memory),
        IN(addressed, class_requests_need_a_configuration_and_an_interface),
        IN(in_default, vendor_requests_to_the_device_work_before_configuring),
        IN(is_configured, endpoint_events_reach_their_owner),
        IN(is_configured, two_events_of_an_endpoint_are_told_one_by_one),
        IN(is_configured, a_packet_before_a_setup_is_told_before_it),
        IN(in_default, a_setup_before_the_answer_is_ready_gets_none_of_it),
        IN(in_default, noise_never_wedges_the_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
