/* chapter9.c - both images against USB 2.0 chapter 9, packet by packet on a virtual bus:
 * every standard request in every state, to the right and the wrong recipient, with the
 * right and the wrong length; transfers that are broken off; halts and toggles; suspend;
 * a reset at any moment; and ten thousand requests that nobody would make. */
#include "usb_user.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { GET_STATUS, CLEAR_FEATURE, SET_FEATURE = 3, SET_ADDRESS = 5, GET_DESCRIPTOR,
       SET_DESCRIPTOR, GET_CONFIGURATION, SET_CONFIGURATION, GET_INTERFACE, SET_INTERFACE,
       SYNCH_FRAME };
enum { DEVICE = 1, CONFIGURATION, STRING, INTERFACE, ENDPOINT, QUALIFIER, OTHER_SPEED,
       BOS = 15 };
enum { STALL = USER_STALL };
enum { PROBE_ID = 1, BOOTLOADER_ID = 2, ADDRESS = 7 };

static struct board *board;
static int product;                     /* which image this is */
static uint8_t got[4096];               /* the last answer */
static uint8_t configuration[512];
static int configuration_length, interfaces, ep0_size;
static uint8_t endpoints[16];
static int endpoint_count;

/* --- small words --------------------------------------------------------------------- */

static int ask(int type, int request, int value, int index, int length)
{
    memset(got, 0xEE, sizeof got);
    return user_control(board, type, request, value, index, got, length);
}

static int descriptor(int type, int index, int length)
{
    return ask(0x80, GET_DESCRIPTOR, type << 8 | index, type == STRING && index ? 0x0409 : 0,
               length);
}

static int word(const uint8_t *at)
{
    return at[0] | at[1] << 8;
}

/* At address 0, just reset. */
static void to_default(void)
{
    assert_true(user_plugged_in(board));
    usb_host_set_ep0_size(board->usb, ep0_size);
}

static void to_addressed(void)
{
    to_default();
    assert_int_equal(ask(0x00, SET_ADDRESS, ADDRESS, 0, 0), 0);
    board_run_ms(board, 2);             /* 9.2.6.3 */
    usb_host_set_address(board->usb, ADDRESS);
}

static void to_configured(void)
{
    to_addressed();
    assert_int_equal(ask(0x00, SET_CONFIGURATION, 1, 0, 0), 0);
    for (int i = 0; i < endpoint_count; i++)
        usb_host_open_endpoint(board->usb, endpoints[i], 64);
}

static void is_alive(void)
{
    assert_int_equal(descriptor(DEVICE, 0, 18), 18);
    assert_int_equal(got[10], product);
}

static void learn(void)
{
    assert_int_equal(user_enumerate(board), product);
    assert_int_equal(descriptor(DEVICE, 0, 18), 18);
    ep0_size = got[7];
    configuration_length = descriptor(CONFIGURATION, 0, sizeof configuration);
    memcpy(configuration, got, sizeof configuration);
    interfaces = configuration[4];
    endpoint_count = 0;
    for (int i = 0; i < configuration_length; i += configuration[i])
        if (configuration[i + 1] == ENDPOINT)
            endpoints[endpoint_count++] = configuration[i + 2];
}

static int power_on_with(const char *application, int id)
{
    static char boot[512], other[512];
    const char *files[3] = { boot };

    snprintf(boot, sizeof boot, "%s@0x08000000", built("boot.bin"));
    if (application) {
        snprintf(other, sizeof other, "%s@0x08002000", built(application));
        files[1] = other;
    }
    product = id;
    board = user_board(files);
    learn();
    return 0;
}

static int bootloader(void **state)
{
    (void)state;
    return power_on_with(NULL, BOOTLOADER_ID);
}

static int probe(void **state)
{
    (void)state;
    return power_on_with("probe.bin", PROBE_ID);
}

static int power_off(void **state)
{
    (void)state;
    int status = stats_exit_status(board);
    board_free(board);
    return user_complaints ? -1 : status;
}

/* --- descriptors ------------------------------------------------------------------------ */

static void descriptors_hold_together(void **state)
{
    (void)state;
    int seen = 0, expected_endpoints = 0, count = 0;

    assert_int_equal(descriptor(DEVICE, 0, 255), 18);
    assert_int_equal(word(got + 2), 0x0210);
    assert_int_equal(word(got + 8), 0x1209);
    assert_int_equal(word(configuration + 2), configuration_length);
    assert_int_equal(configuration[7] & 0x80, 0x80);
    for (int i = 0; i < configuration_length; i += configuration[i]) {
        const uint8_t *d = configuration + i;
        assert_true(d[0] >= 2 && i + d[0] <= configuration_length);
        if (d[1] == INTERFACE) {
            assert_int_equal(count, expected_endpoints);
            assert_int_equal(d[2], seen++);
            expected_endpoints += d[4];
            if (d[8])
                assert_true(descriptor(STRING, d[8], 255) > 2);
        }
        count += d[1] == ENDPOINT;
    }
    assert_int_equal(seen, interfaces);
    assert_int_equal(count, expected_endpoints);
    for (int i = 0; i < count; i++)
        for (int j = 0; j < i; j++)
            assert_int_not_equal(endpoints[i], endpoints[j]);
}

static void the_serial_number_is_the_unique_id(void **state)
{
    (void)state;
    char text[25] = "", expected[25];
    uint32_t id[3];

    for (int i = 0; i < 3; i++)
        bus_read(board->probe->bus, BUS_DATA, 0x1FFFF7E8 + 4u * (uint32_t)i, 4, &id[i]);
    snprintf(expected, sizeof expected, "%08X%08X%08X", (unsigned)id[0], (unsigned)id[1],
             (unsigned)id[2]);
    assert_int_equal(descriptor(STRING, 3, 255), 2 + 2 * 24);
    for (int i = 0; i < 24; i++)
        text[i] = (char)got[2 + 2 * i];
    assert_string_equal(text, expected);
}

/* Microsoft OS 2.0 descriptors: one wrong length and Windows drops all of them. */
static void windows_finds_winusb(void **state)
{
    (void)state;
    static const uint8_t ms_os[16] = { 0xDF, 0x60, 0xDD, 0xD8, 0x89, 0x45, 0xC7, 0x4C,
                                       0x9C, 0xD2, 0x65, 0x9D, 0x9E, 0x64, 0x8A, 0x9F };
    int total = descriptor(BOS, 0, 255), set_length = 0, request = -1, count = 0;

    assert_int_equal(word(got + 2), total);
    for (int i = got[0]; i < total; i += got[i], count++) {
        assert_int_equal(got[i + 1], 16);
        if (memcmp(got + i + 4, ms_os, 16) == 0) {
            assert_int_equal(got[i], 28);
            set_length = word(got + i + 24);
            request = got[i + 26];
        }
    }
    assert_int_equal(count, got[4]);
    assert_int_equal(ask(0xC0, request, 0, 7, 4096), set_length);
    assert_int_equal(word(got), 10);
    assert_int_equal(word(got + 8), set_length);
    int winusb = 0, guids = 0, subset_end = 0;
    for (int i = 10; i < set_length; i += word(got + i) > 8 ? word(got + i) : 8) {
        const uint8_t *d = got + i;
        switch (word(d + 2)) {
        case 1:                         /* configuration subset: all the rest */
            assert_int_equal(d[4], 0);
            assert_int_equal(i + word(d + 6), set_length);
            break;
        case 2:                         /* function subset */
            assert_true(i >= subset_end && d[4] < interfaces);
            assert_int_equal(d[4], winusb == 0 ? 0 : interfaces - 1);
            subset_end = i + word(d + 6);
            assert_true(subset_end <= set_length);
            break;
        case 3:
            assert_int_equal(word(d), 20);
            assert_memory_equal(d + 4, "WINUSB\0\0\0\0\0\0\0\0\0", 16);
            winusb++;
            break;
        case 4:
            assert_int_equal(word(d + 4), 7);           /* REG_MULTI_SZ */
            assert_int_equal(word(d + 6), 42);
            assert_int_equal(word(d + 8 + 42), 80);
            assert_int_equal(word(d), 10 + 42 + 80);
            assert_memory_equal(d + 8 + 42 + 2, "{\0", 2);
            assert_memory_equal(d + 8 + 42 + 2 + 76, "\0\0\0\0", 4);
            guids++;
            break;
        default:
            fail_msg("MS OS descriptor of type %d", word(d + 2));
        }
    }
    assert_int_equal(winusb, product == PROBE_ID ? 2 : 1);      /* CMSIS-DAP and DFU */
    assert_int_equal(guids, winusb);
    assert_int_equal(ask(0xC0, request, 0, 8, 255), STALL);
    assert_int_equal(ask(0xC0, request + 100, 0, 7, 255), STALL);
    assert_int_equal(ask(0x40, request, 0, 7, 0), STALL);
    assert_int_equal(ask(0xC0, request, 0, 7, 18), 18);
}

/* What the hosts look at: OpenOCD the strings and the endpoints' order, pyOCD the class of
 * the device, too, Keil the first interface only, Windows the GUID that ARM has chosen. */
static void the_first_interface_is_cmsis_dap(void **state)
{
    (void)state;
    static const uint8_t wanted[] = { 9, 4, 0, 0, 2, 0xFF, 0, 0 };
    static const uint8_t out[] = { 7, 5, 3, 2, 64, 0, 0 }, in[] = { 7, 5, 0x83, 2, 64, 0, 0 };
    static const char guid[] = "{CDB3B5AD-293B-4663-AA36-1AAE46463776}";
    const uint8_t *d = configuration + 9;
    char name[64] = "";

    assert_memory_equal(d, wanted, sizeof wanted);
    assert_memory_equal(d + 9, out, 7);
    assert_memory_equal(d + 16, in, 7);
    int length = descriptor(STRING, d[8], 255);
    for (int i = 2; i < length; i += 2)
        name[i / 2 - 1] = (char)got[i];
    assert_non_null(strstr(name, "CMSIS-DAP"));
    descriptor(DEVICE, 0, 18);
    assert_int_equal(got[4], 0xEF);
    length = descriptor(STRING, got[15], 255);
    for (int i = 2; i < length; i += 2)
        name[i / 2 - 1] = (char)got[i];
    assert_non_null(strstr(name, "CMSIS-DAP"));
    assert_true(ask(0xC0, 2, 0, 7, 4096) > 178);
    for (int i = 0; guid[i]; i++)
        assert_int_equal(got[10 + 8 + 8 + 20 + 8 + 42 + 2 + 2 * i], guid[i]);
}

static void a_browser_is_told_that_it_may_open_it(void **state)
{
    (void)state;
    static const uint8_t webusb[16] = { 0x38, 0xB6, 0x08, 0x34, 0xA9, 0x09, 0xA0, 0x47,
                                        0x8B, 0xFD, 0xA0, 0x76, 0x88, 0x15, 0xB6, 0x65 };
    int total = descriptor(BOS, 0, 255), found = 0;

    for (int i = got[0]; i < total; i += got[i])
        if (memcmp(got + i + 4, webusb, 16) == 0) {
            assert_int_equal(got[i], 24);
            assert_int_equal(word(got + i + 20), 0x0100);
            found++;
        }
    assert_int_equal(found, 1);
}

static void answers_are_cut_to_what_was_asked_for(void **state)
{
    (void)state;
    static const int lengths[] = { 1, 2, 7, 8, 9, 17, 18, 19, 31, 32, 33, 63, 64, 65, 127,
                                   128, 129, 255, 256, 1024, 4096 };
    for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        int n = lengths[i];
        assert_int_equal(descriptor(DEVICE, 0, n), n < 18 ? n : 18);
        int cut = n < configuration_length ? n : configuration_length;
        assert_int_equal(descriptor(CONFIGURATION, 0, n), cut);
        assert_memory_equal(got, configuration, cut);
        assert_int_equal(descriptor(STRING, 3, n), n < 50 ? n : 50);
    }
    assert_int_equal(descriptor(DEVICE, 0, 0), 0);
    assert_int_equal(ask(0x80, GET_STATUS, 0, 0, 0), 0);
    assert_int_equal(ask(0x80, GET_STATUS, 0, 0, 1), 1);
    assert_int_equal(ask(0x80, GET_STATUS, 0, 0, 64), 2);
    is_alive();
}

/* --- requests by state -------------------------------------------------------------------- */

enum { WRONG = 1000 };                  /* an endpoint or interface that is not there */

/* What comes back in the default, addressed and configured states; X = STALL.  index -1
 * stands for the last interface. */
static void every_standard_request_in_every_state(void **state)
{
    (void)state;
    enum { X = STALL };
    static const struct { int type, request, value, index, length, result[3]; } table[] = {
        { 0x80, GET_STATUS, 0, 0, 2,                    { 2, 2, 2 } },
        { 0x81, GET_STATUS, 0, 0, 2,                    { X, X, 2 } },
        { 0x81, GET_STATUS, 0, -1, 2,                   { X, X, 2 } },
        { 0x81, GET_STATUS, 0, WRONG, 2,                { X, X, X } },
        { 0x82, GET_STATUS, 0, 0, 2,                    { 2, 2, 2 } },
        { 0x82, GET_STATUS, 0, 0x80, 2,                 { 2, 2, 2 } },
        { 0x82, GET_STATUS, 0, 0x8F, 2,                 { X, X, X } },
        { 0x82, GET_STATUS, 0, WRONG, 2,                { X, X, X } },
        { 0x83, GET_STATUS, 0, 0, 2,                    { X, X, X } },
        { 0x00, CLEAR_FEATURE, 1, 0, 0,                 { X, X, X } },  /* remote wake-up */
        { 0x00, SET_FEATURE, 1, 0, 0,                   { X, X, X } },
        { 0x00, SET_FEATURE, 2, 0x0100, 0,              { X, X, X } },  /* test mode */
        { 0x01, SET_FEATURE, 0, 0, 0,                   { X, X, X } },
        { 0x02, SET_FEATURE, 0, 0x0F, 0,                { X, X, X } },
        { 0x02, SET_FEATURE, 1, 0, 0,                   { X, X, X } },
        { 0x02, CLEAR_FEATURE, 0, 0, 0,                 { 0, 0, 0 } },
        { 0x80, GET_DESCRIPTOR, DEVICE << 8, 0, 18,     { 18, 18, 18 } },
        { 0x80, GET_DESCRIPTOR, DEVICE << 8 | 1, 0, 18, { X, X, X } },
        { 0x80, GET_DESCRIPTOR, CONFIGURATION << 8, 0, 9,       { 9, 9, 9 } },
        { 0x80, GET_DESCRIPTOR, CONFIGURATION << 8 | 1, 0, 9,   { X, X, X } },
        { 0x80, GET_DESCRIPTOR, STRING << 8, 0, 255,            { 4, 4, 4 } },
        { 0x80, GET_DESCRIPTOR, STRING << 8 | 200, 0x0409, 255, { X, X, X } },
        { 0x80, GET_DESCRIPTOR, STRING << 8 | 0xEE, 0, 18,      { X, X, X } },
        { 0x80, GET_DESCRIPTOR, STRING << 8 | 1, 0x0407, 255,   { X, X, X } },
        { 0x80, GET_DESCRIPTOR, INTERFACE << 8, 0, 9,           { X, X, X } },
        { 0x80, GET_DESCRIPTOR, QUALIFIER << 8, 0, 10,          { X, X, X } },
        { 0x80, GET_DESCRIPTOR, OTHER_SPEED << 8, 0, 9,         { X, X, X } },
        { 0x80, GET_DESCRIPTOR, BOS << 8, 0, 5,                 { 5, 5, 5 } },
        { 0x80, GET_DESCRIPTOR, 0xFF00, 0, 64,                  { X, X, X } },
        { 0x81, GET_DESCRIPTOR, 0x2100, 0, 9,                   { X, X, X } },
        { 0x00, SET_DESCRIPTOR, DEVICE << 8, 0, 18,             { X, X, X } },
        { 0x80, GET_CONFIGURATION, 0, 0, 1,             { 1, 1, 1 } },
        { 0x00, SET_CONFIGURATION, 2, 0, 0,             { X, X, X } },
        { 0x00, SET_CONFIGURATION, 0x0101, 0, 0,        { X, X, X } },
        { 0x01, SET_CONFIGURATION, 1, 0, 0,             { X, X, X } },
        { 0x81, GET_INTERFACE, 0, 0, 1,                 { X, X, 1 } },
        { 0x81, GET_INTERFACE, 0, WRONG, 1,             { X, X, X } },
        { 0x80, GET_INTERFACE, 0, 0, 1,                 { X, X, X } },
        { 0x01, SET_INTERFACE, 0, 0, 0,                 { X, X, 0 } },
        { 0x01, SET_INTERFACE, 0, -1, 0,                { X, X, 0 } },
        { 0x01, SET_INTERFACE, 1, 0, 0,                 { X, X, X } },
        { 0x01, SET_INTERFACE, 0, WRONG, 0,             { X, X, X } },
        { 0x82, SYNCH_FRAME, 0, 0, 2,                   { X, X, X } },
        { 0x00, SET_ADDRESS, 128, 0, 0,                 { X, X, X } },
        { 0x80, SET_ADDRESS, 5, 0, 0,                   { X, X, X } },
        { 0x00, 2, 0, 0, 0,                             { X, X, X } },  /* reserved */
        { 0x00, 4, 0, 0, 0,                             { X, X, X } },
        { 0x00, 13, 0, 0, 0,                            { X, X, X } },
        { 0x00, 255, 0, 0, 0,                           { X, X, X } },
        { 0x60, GET_STATUS, 0, 0, 0,                    { X, X, X } },  /* reserved type */
        { 0x9F, GET_STATUS, 0, 0, 2,                    { X, X, X } },
        { 0x20, 0, 0, 0, 0,                             { X, X, X } },  /* class, device */
        { 0x22, 0, 0, 0, 0,                             { X, X, X } },
        { 0x41, 0, 0, WRONG, 0,                         { X, X, X } },
        { 0x21, 1, 0, WRONG, 8,                         { X, X, X } },
        { 0xA1, 3, 0, WRONG, 6,                         { X, X, X } },
    };
    void (*const go[3])(void) = { to_default, to_addressed, to_configured };

    for (int s = 0; s < 3; s++) {
        go[s]();
        for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++) {
            int index = table[i].index == -1 ? interfaces - 1 : table[i].index;
            int result = ask(table[i].type, table[i].request, table[i].value, index,
                             table[i].length);
            if (result != table[i].result[s])
                fail_msg("state %d: %02x %d value %x index %x: %d, not %d", s,
                         table[i].type, table[i].request, table[i].value, index, result,
                         table[i].result[s]);
        }
        assert_int_equal(ask(0x80, GET_CONFIGURATION, 0, 0, 1), 1);
        assert_int_equal(got[0], s == 2);
        is_alive();
    }
}

static void a_configuration_needs_an_address_and_can_be_left(void **state)
{
    (void)state;
    to_default();
    assert_int_equal(ask(0x00, SET_CONFIGURATION, 1, 0, 0), STALL);
    to_configured();
    assert_int_equal(ask(0x00, SET_CONFIGURATION, 0, 0, 0), 0);
    assert_int_equal(ask(0x81, GET_INTERFACE, 0, 0, 1), STALL);
    for (int i = 0; i < endpoint_count; i++)
        assert_int_equal(ask(0x82, GET_STATUS, 0, endpoints[i], 2), STALL);
    assert_int_equal(ask(0x00, SET_CONFIGURATION, 1, 0, 0), 0);
    for (int i = 0; i < endpoint_count; i++)
        assert_int_equal(ask(0x82, GET_STATUS, 0, endpoints[i], 2), 2);
}

static void an_address_counts_after_the_status_stage_and_not_before(void **state)
{
    (void)state;
    to_default();
    /* The handshake of the status stage is lost: the host asks again, still at address 0,
     * and only because the device still listens there does it get an answer. */
    assert_int_equal(ask(0x00, SET_ADDRESS, 99, 0, 0), 0);
    board_run_ms(board, 2);
    assert_true(descriptor(DEVICE, 0, 18) < 0);         /* nobody at 0 any more */
    usb_host_set_address(board->usb, 99);
    is_alive();
    assert_int_equal(ask(0x00, SET_ADDRESS, 5, 0, 0), 0);       /* another one */
    board_run_ms(board, 2);
    usb_host_set_address(board->usb, 5);
    is_alive();
    assert_int_equal(ask(0x00, SET_ADDRESS, 0, 0, 0), 0);       /* back to Default */
    board_run_ms(board, 2);
    usb_host_set_address(board->usb, 0);
    is_alive();
    assert_int_equal(ask(0x00, SET_CONFIGURATION, 1, 0, 0), STALL);
}

/* --- transfers that do not go as planned -------------------------------------------------- */

static void ended(void *ctx, struct urb *urb)
{
    (void)urb;
    *(bool *)ctx = false;
}

static bool under_way(void *ctx)
{
    return *(bool *)ctx;
}

/* A control transfer in which the host sends or wants fewer bytes than it announced. */
static enum urb_status short_transfer(int type, int request, int value, int announced,
                                      int length)
{
    static bool busy;
    struct urb urb = { .type = URB_CONTROL, .data = got, .length = length,
                       .timeout_ms = 100, .done = ended, .ctx = &busy };
    const uint8_t setup[8] = { (uint8_t)type, (uint8_t)request, (uint8_t)value,
                               (uint8_t)(value >> 8), 0, 0, (uint8_t)announced,
                               (uint8_t)(announced >> 8) };
    memcpy(urb.setup, setup, 8);
    busy = true;
    usb_host_submit(board->usb, &urb);
    assert_true(board_run_while(board, under_way, &busy, 1000));
    return urb.status;
}

static void a_host_may_stop_asking_early(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(short_transfer(0x80, GET_DESCRIPTOR, CONFIGURATION << 8, 255,
                                        ep0_size > configuration_length
                                            ? configuration_length : ep0_size), URB_OK);
        is_alive();
        assert_int_equal(short_transfer(0x80, GET_DESCRIPTOR, STRING << 8, 255, 4), URB_OK);
        is_alive();
    }
}

static void data_shorter_than_announced_is_not_acted_upon(void **state)
{
    (void)state;
    to_configured();
    int request = product == PROBE_ID ? 0x20 : 1;       /* SET_LINE_CODING, DNLOAD */
    int announced = product == PROBE_ID ? 7 : 256;
    static const int sent[] = { 0, 1, 6, 64, 100, 192 };

    for (unsigned i = 0; i < sizeof sent / sizeof sent[0]; i++) {
        if (sent[i] >= announced)
            continue;
        memset(got, 0, sizeof got);
        assert_int_not_equal(short_transfer(0x21, request, 0, announced, sent[i]), URB_OK);
        is_alive();
    }
    if (product == BOOTLOADER_ID) {
        assert_int_equal(ask(0xA1, 3, 0, 0, 6), 6);
        assert_int_equal(got[4], 2);                    /* dfuIDLE: nothing happened */
    }
}

static void more_data_than_there_is_room_for_is_refused(void **state)
{
    (void)state;
    to_configured();
    static const int lengths[] = { 1025, 2000, 4095, 4096 };
    for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        assert_int_equal(ask(0x21, 1, 0, 0, lengths[i]), STALL);
        assert_int_equal(ask(0x40, 0x55, 0, 0, lengths[i]), STALL);
        is_alive();
    }
}

static void lost_handshakes_are_made_up_for(void **state)
{
    (void)state;
    to_configured();
    for (int i = 0; i < 40; i++) {
        usb_host_lose_handshakes(board->usb, 1 + i % 2);
        int n = descriptor(CONFIGURATION, 0, 255);
        assert_int_equal(n, configuration_length);
        assert_memory_equal(got, configuration, n);
        usb_host_lose_handshakes(board->usb, 1);
        assert_int_equal(ask(0x01, SET_INTERFACE, 0, 0, 0), 0);
    }
    /* Also in the transfer where it matters most. */
    to_default();
    usb_host_lose_handshakes(board->usb, 1);
    assert_int_equal(ask(0x00, SET_ADDRESS, ADDRESS, 0, 0), 0);
    board_run_ms(board, 2);
    usb_host_set_address(board->usb, ADDRESS);
    is_alive();
}

static struct alarm reset_alarm;
static bool reset_busy;

static void reset_ends(void *ctx)
{
    (void)ctx;
    reset_busy = false;
}

static void reset_now(void *ctx)
{
    struct board *b = ctx;
    usb_host_reset_port(b->usb, reset_ends, NULL);
}

/* The bus is reset so many microseconds after a request was made. */
static void a_reset_is_survived_at_any_moment(void **state)
{
    (void)state;
    static const struct { int type, request, value, length; } requests[] = {
        { 0x80, GET_DESCRIPTOR, CONFIGURATION << 8, 255 }, { 0x00, SET_ADDRESS, 9, 0 },
        { 0x00, SET_CONFIGURATION, 1, 0 }, { 0x21, 1, 0, 512 }, { 0xA1, 3, 0, 6 },
    };
    alarm_init(&reset_alarm, reset_now, board);
    for (unsigned r = 0; r < sizeof requests / sizeof requests[0]; r++) {
        for (int us = 1; us < 1200; us += 37) {
            to_configured();
            reset_busy = true;
            alarm_set(board->sim, &reset_alarm, board->sim->now + (sim_time)us * SIM_US);
            ask(requests[r].type, requests[r].request, requests[r].value, 0,
                requests[r].length);
            board_run_while(board, under_way, &reset_busy, 100);
            usb_host_set_address(board->usb, 0);
            usb_host_set_ep0_size(board->usb, ep0_size);
            is_alive();
        }
    }
    to_configured();
    is_alive();
}

static void suspend_keeps_address_and_configuration(void **state)
{
    (void)state;
    to_configured();
    for (int i = 0; i < 3; i++) {
        usb_host_suspend(board->usb, true);
        board_run_ms(board, i == 0 ? 4 : 100);
        usb_host_suspend(board->usb, false);
        board_run_ms(board, 30);
        assert_int_equal(ask(0x80, GET_CONFIGURATION, 0, 0, 1), 1);
        assert_int_equal(got[0], 1);
        is_alive();
    }
    usb_host_suspend(board->usb, true);
    board_run_ms(board, 50);
    to_configured();                    /* a reset ends it too */
    is_alive();
}

/* --- endpoints of the probe --------------------------------------------------------------- */

enum { GDB_OUT = 0x01, GDB_IN = 0x81 };

static int bulk(int endpoint, void *data, int length)
{
    return usb_host_transfer(board->usb, URB_BULK, (uint8_t)endpoint, data, length, 50);
}

static void open_gdb_port(void)
{
    uint8_t interface = 0xFF;
    for (int i = 0; i < configuration_length; i += configuration[i]) {
        if (configuration[i + 1] == INTERFACE && configuration[i + 5] == 2) {
            interface = configuration[i + 2];
            break;
        }
    }
    assert_int_equal(user_control(board, 0x21, 0x22, 1, interface, NULL, 0), 0);
}

/* gdb asks, the probe answers: both directions and both toggles are right. */
static void gdb_is_answered(void)
{
    char answer[256] = "";
    int total = 0;

    assert_int_equal(bulk(GDB_OUT, (void *)(uintptr_t)"$qC#b4", 6), 6);
    while (total < 5) {
        int n = bulk(GDB_IN, answer + total, 64);
        if (n <= 0)
            fail_msg("no answer: %d after %d bytes", n, total);
        total += n;
    }
    assert_memory_equal(answer, "+$", 2);
    assert_int_equal(bulk(GDB_OUT, (void *)(uintptr_t)"+", 1), 1);
}

static void a_halt_stops_an_endpoint_and_its_end_starts_at_data0(void **state)
{
    (void)state;
    to_configured();
    open_gdb_port();
    for (int rounds = 0; rounds < 4; rounds++) {
        for (int i = 0; i < rounds; i++)
            gdb_is_answered();
        for (int i = 0; i < endpoint_count; i++) {
            uint8_t byte = 0;
            int ep = endpoints[i];
            assert_int_equal(ask(0x82, GET_STATUS, 0, ep, 2), 2);
            assert_int_equal(got[0], 0);
            assert_int_equal(ask(0x02, SET_FEATURE, 0, ep, 0), 0);
            assert_int_equal(ask(0x82, GET_STATUS, 0, ep, 2), 2);
            assert_int_equal(got[0], 1);
            assert_int_equal(bulk(ep, &byte, 1), STALL);
            assert_int_equal(ask(0x02, CLEAR_FEATURE, 0, ep, 0), 0);
            usb_host_open_endpoint(board->usb, (uint8_t)ep, 64);
            assert_int_equal(ask(0x82, GET_STATUS, 0, ep, 2), 2);
            assert_int_equal(got[0], 0);
        }
        gdb_is_answered();
    }
}

static void setting_the_configuration_again_resets_the_toggles(void **state)
{
    (void)state;
    to_configured();
    open_gdb_port();
    gdb_is_answered();
    assert_int_equal(ask(0x00, SET_CONFIGURATION, 1, 0, 0), 0);
    for (int i = 0; i < endpoint_count; i++)
        usb_host_open_endpoint(board->usb, endpoints[i], 64);
    open_gdb_port();
    gdb_is_answered();
}

/* --- the block changes STAT just when the firmware does ------------------------------------ */

enum { EP0R = 0x40005C00, DISABLED = 0, STALLED = 1, VALID = 3 };

static int moving;                      /* the endpoint */
static struct alarm moment;
static struct { sim_time stalled; const char *wrong; } *told;   /* by a copy of us */

static int stat_of(int endpoint)
{
    uint32_t epr = 0;
    bus_read(board->probe->bus, BUS_DATA, EP0R + (uint32_t)(endpoint & 7) * 4, 4, &epr);
    return (int)(epr >> (endpoint & 0x80 ? 4 : 12)) & 3;
}

static void look_for_the_stall(void *ctx)
{
    struct sim *sim = ctx;
    told->stalled = sim->now;
    if (stat_of(moving) != STALLED)
        alarm_set(sim, &moment, sim->now + 14 * SIM_NS);
}

/* A token for the endpoint, out of turn. */
static void one_transaction(void *ctx)
{
    struct usbfs *usb = chip_usb(board->probe);
    uint8_t n = moving & 7, data[1024] = { '+' };
    bool data1;
    int length;
    (void)ctx;
    if (!(moving & 0x80))
        usbfs_out(usb, USB_OUT, ADDRESS, n, false, data, 1);
    else if (usbfs_in(usb, ADDRESS, n, &data1, data, &length) == USB_ACK)
        usbfs_in_done(usb, n, true);
}

static const char *halt_and_resume(void)
{
    if (ask(0x02, SET_FEATURE, 0, moving, 0) != 0)
        return "SET_FEATURE is refused";
    if (stat_of(moving) != STALLED)
        return "not halted";
    if (ask(0x02, CLEAR_FEATURE, 0, moving, 0) != 0)
        return "CLEAR_FEATURE is refused";
    if (stat_of(moving) == STALLED || stat_of(moving) == DISABLED)
        return "not back again";
    return NULL;
}

/* The same story again and again, each time in a copy of this process. */
static const char *halt_with(void (*event)(void *), sim_time at)
{
    told->wrong = "the copy has died";          /* until it says something else */
    pid_t child = fork();
    if (child == 0) {
        alarm_init(&moment, event, board->sim);
        alarm_set(board->sim, &moment, at);
        told->wrong = halt_and_resume();
        _exit(0);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    return told->wrong;
}

/* STAT is toggled, not written: a packet that ends between reading EPnR and writing it
 * must not make something else of it. */
static void a_halt_is_one_whenever_a_packet_ends(void **state)
{
    (void)state;
    static const int endpoints_with_a_packet[] = { 0x81, 0x83, 0x01, 0x02 };
    told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(told != MAP_FAILED);
    for (unsigned i = 0; i < 4; i++) {
        moving = endpoints_with_a_packet[i];
        to_configured();
        open_gdb_port();
        if (moving & 0x80) {            /* answers that nobody fetches */
            assert_int_equal(bulk(0x01, (void *)(uintptr_t)"$qC#b4", 6), 6);
            assert_int_equal(bulk(0x03, (void *)(uintptr_t)"\0\4", 2), 2);
        }
        board_run_ms(board, 5);
        assert_int_equal(stat_of(moving), VALID);
        assert_null(halt_with(look_for_the_stall, board->sim->now));
        sim_time stalled = told->stalled;
        for (int cycles = 0; cycles < 60; cycles++) {
            const char *wrong = halt_with(one_transaction, stalled - cycles * 14 * SIM_NS);
            if (wrong)
                fail_msg("endpoint %02x, %d cycles before: %s", moving, cycles, wrong);
        }
    }
    munmap(told, sizeof *told);
}

/* --- anything at all ---------------------------------------------------------------------- */

static uint32_t random_state = 7;

static uint32_t any(uint32_t limit)     /* xorshift, the same on every machine */
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state % limit;
}

static void ten_thousand_arbitrary_requests_are_survived(void **state)
{
    (void)state;
    static const uint8_t types[] = { 0x00, 0x80, 0x01, 0x81, 0x02, 0x82, 0x21, 0xA1, 0x40,
                                     0xC0, 0x41, 0xC1, 0x22, 0xA2, 0x7F, 0xFF };
    to_configured();
    for (int i = 0; i < 10000; i++) {
        int type = types[any(sizeof types)], request = (int)any(any(3) ? 0x24 : 256);
        int value = any(2) ? (int)any(16) << 8 | (int)any(6) : (int)any(65536);
        int index = any(4) ? (int)any((uint32_t)interfaces) : (int)any(65536);
        int length = any(2) ? (int)any(20) : (int)any(600);
        bool leaves = (type == 0x21 && request == 0) || (type == 0x00 && request == 5);
        if (!leaves)
            user_control(board, type, request, value, index, got, length);
        if (any(300) == 0)
            to_configured();
    }
    to_configured();
    is_alive();
    if (product == PROBE_ID) {
        open_gdb_port();
        gdb_is_answered();
    }
}

int main(void)
{
#define ON(image, test) \
    { #image ": " #test, test, image, power_off, NULL }
#define ON_BOTH(test) ON(bootloader, test), ON(probe, test)
    const struct CMUnitTest tests[] = {
        ON_BOTH(descriptors_hold_together),
        ON_BOTH(the_serial_number_is_the_unique_id),
        ON_BOTH(windows_finds_winusb),
        ON(probe, the_first_interface_is_cmsis_dap),
        ON_BOTH(a_browser_is_told_that_it_may_open_it),
        ON_BOTH(answers_are_cut_to_what_was_asked_for),
        ON_BOTH(every_standard_request_in_every_state),
        ON_BOTH(a_configuration_needs_an_address_and_can_be_left),
        ON_BOTH(an_address_counts_after_the_status_stage_and_not_before),
        ON_BOTH(a_host_may_stop_asking_early),
        ON_BOTH(data_shorter_than_announced_is_not_acted_upon),
        ON_BOTH(more_data_than_there_is_room_for_is_refused),
        ON_BOTH(lost_handshakes_are_made_up_for),
        ON_BOTH(a_reset_is_survived_at_any_moment),
        ON_BOTH(suspend_keeps_address_and_configuration),
        ON(probe, a_halt_stops_an_endpoint_and_its_end_starts_at_data0),
        ON(probe, setting_the_configuration_again_resets_the_toggles),
        ON(probe, a_halt_is_one_whenever_a_packet_ends),
        ON_BOTH(ten_thousand_arbitrary_requests_are_survived),
    };
    return cmocka_run_group_tests_name("chapter 9", tests, NULL, NULL);
}
