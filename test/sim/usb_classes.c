/* usb_classes.c - devices that are no serial port on the virtual host: HID, mass storage and
 * MIDI, from programs of our own (test/sim/programs/usb_*.c). */
#include "usb_user.h"
#include "cdc_host.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct board *board;

static void start(const char *name)
{
    char file[64];
    snprintf(file, sizeof file, "programs/%s.bin", name);
    board = user_board((const char *const[]){ built(file), NULL });
}

static void enumerate(const char *name, int product)
{
    start(name);
    assert_int_equal(user_enumerate(board), product);
}

static int take_away(void **state)
{
    (void)state;
    if (user_complaints)
        fprintf(stderr, "%s\n", user_complaint);
    board_free(board);
    return user_complaints ? -1 : 0;
}

static uint32_t word(uint32_t address)
{
    uint32_t value;
    assert_true(bus_read(board->probe->bus, BUS_DEBUG, address, 4, &value));
    return value;
}

/* --- enumeration -------------------------------------------------------------------- */

/* The board's own host takes any device, and finds no port on it. */
static void any_class_is_enumerated(void **state)
{
    static const char *const names[] = { "usb_hid", "usb_msc", "usb_midi" };
    (void)state;
    for (int i = 0; i < 3; i++) {
        if (i)
            board_free(board);
        start(names[i]);
        struct cdc_host *cdc = cdc_host_new(board->usb);
        board_run_ms(board, 500);
        assert_null(cdc_host_failure(cdc));
        assert_true(cdc_host_configured(cdc));
        assert_int_equal(cdc_host_ports(cdc), 0);
        assert_string_equal(cdc_host_string(cdc, 2), "Test");
        cdc_host_free(cdc);
    }
}

/* --- HID ---------------------------------------------------------------------------- */

static sim_time came_at[8];
static int came;
static uint8_t packet[8];

static void took(void *ctx, struct urb *urb)
{
    (void)ctx;
    assert_int_equal(urb->status, URB_OK);
    assert_int_equal(urb->actual, 3);
    came_at[came++] = board->sim->now;
    if (came < 8)
        usb_host_submit(board->usb, urb);
}

static bool some_left(void *ctx) { (void)ctx; return came < 8; }

/* An interrupt endpoint that always has something is asked once in its interval. */
static void a_mouse_is_polled_by_its_interval(void **state)
{
    static const int intervals[] = { 10, 1, 8, 255 };
    (void)state;
    enumerate("usb_hid", 0x11);
    usb_host_open_endpoint(board->usb, 0x81, 8);
    for (size_t i = 0; i < sizeof intervals / sizeof intervals[0]; i++) {
        struct urb urb = { .type = URB_INTERRUPT, .endpoint = 0x81, .data = packet,
                           .length = 8, .interval = (uint8_t)intervals[i], .done = took };
        came = 0;
        usb_host_submit(board->usb, &urb);
        assert_true(board_run_while(board, some_left, NULL, 3000));
        for (int n = 2; n < 8; n++) {
            double ms = (double)(came_at[n] - came_at[n - 1]) / (double)SIM_MS;
            assert_true(ms > intervals[i] - 0.1 && ms < intervals[i] + 0.1);
        }
    }
}

/* And one that refuses is asked as seldom, other traffic or not. */
static void a_silent_endpoint_is_asked_by_its_interval_too(void **state)
{
    uint8_t data[8];
    (void)state;
    enumerate("usb_hid", 0x11);
    usb_host_open_endpoint(board->usb, 0x83, 8);
    usb_host_open_endpoint(board->usb, 0x81, 8);
    struct urb quiet = { .type = URB_INTERRUPT, .endpoint = 0x81, .data = data, .length = 8,
                         .interval = 50, .done = NULL };
    /* The program sends without end; a board that is halted does not. */
    usb_host_transfer(board->usb, URB_INTERRUPT, 0x81, data, 8, 100);
    board->probe->cpu->held_in_reset = true;
    usb_host_transfer(board->usb, URB_INTERRUPT, 0x81, data, 8, 100);
    uint64_t before = usb_host_stats(board->usb)->ep[1].naks;
    usb_host_submit(board->usb, &quiet);
    board_run_ms(board, 1000);
    assert_in_range(usb_host_stats(board->usb)->ep[1].naks - before, 19, 21);
    usb_host_cancel(board->usb, &quiet);
}

static void a_mouse_moves_in_a_square_and_takes_reports(void **state)
{
    static const int8_t square[4][2] = { { 5, 0 }, { 0, 5 }, { -5, 0 }, { 0, -5 } };
    uint8_t data[128], on = 2;
    (void)state;
    enumerate("usb_hid", 0x11);
    assert_int_equal(user_control(board, 0x21, 0x0A, 0, 0, NULL, 0), 0);    /* SET_IDLE */
    assert_int_equal(user_control(board, 0x81, 6, 0x2200, 0, data, 128), 72);
    assert_int_equal(data[0], 0x05);
    usb_host_open_endpoint(board->usb, 0x81, 8);
    usb_host_open_endpoint(board->usb, 0x02, 8);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(usb_host_transfer(board->usb, URB_INTERRUPT, 0x81, data, 8, 100), 3);
        assert_int_equal((int8_t)data[1], square[i % 4][0]);
        assert_int_equal((int8_t)data[2], square[i % 4][1]);
    }
    assert_int_equal(usb_host_transfer(board->usb, URB_INTERRUPT, 0x02, &on, 1, 100), 1);
    board_run_ms(board, 1);
    assert_int_equal(word(0x20000008), 2);
    on = 5;
    assert_int_equal(user_control(board, 0x21, 9, 0x0200, 0, &on, 1), 1);   /* SET_REPORT */
    assert_int_equal(user_control(board, 0x21, 0x44, 0, 0, NULL, 0), USER_STALL);
    assert_int_equal(user_control(board, 0xA1, 1, 0x0100, 0, data, 3), 3);
}

/* --- mass storage -------------------------------------------------------------------- */

static uint8_t tag;

static int bulk(uint8_t endpoint, void *data, int length)
{
    return usb_host_transfer(board->usb, URB_BULK, endpoint, data, length, 2000);
}

/* A command of ten bytes; gives the status byte, and what is left in *residue. */
static int scsi(const uint8_t *command, bool in, void *data, int length, int *residue)
{
    uint8_t block[31] = { 'U', 'S', 'B', 'C', ++tag, 0, 0, 0, (uint8_t)length,
                          (uint8_t)(length >> 8), 0, 0, in ? 0x80 : 0, 0, 10 }, status[13];
    memcpy(block + 15, command, 10);
    assert_int_equal(bulk(0x02, block, 31), 31);
    if (length) {
        int done = bulk(in ? 0x81 : 0x02, data, length);
        if (done == USER_STALL) {
            assert_int_equal(user_control(board, 2, 1, 0, in ? 0x81 : 0x02, NULL, 0), 0);
            usb_host_open_endpoint(board->usb, in ? 0x81 : 0x02, 64);
        }
    }
    assert_int_equal(bulk(0x81, status, 13), 13);
    assert_memory_equal(status, "USBS", 4);
    assert_int_equal(status[4], tag);
    *residue = status[8] | status[9] << 8;
    return status[12];
}

static void a_disk_is_read_and_written(void **state)
{
    static const uint8_t inquiry[10] = { 0x12, 0, 0, 0, 36 }, capacity[10] = { 0x25 },
                         sense[10] = { 0x03, 0, 0, 0, 18 }, strange[10] = { 0x5A },
                         read_30_31[10] = { 0x28, 0, 0, 0, 0, 30, 0, 0, 2 },
                         write_5_8[10] = { 0x2A, 0, 0, 0, 0, 5, 0, 0, 4 },
                         read_5_8[10] = { 0x28, 0, 0, 0, 0, 5, 0, 0, 4 },
                         read_31_33[10] = { 0x28, 0, 0, 0, 0, 31, 0, 0, 2 }, ready[10] = { 0 };
    uint8_t data[2048], back[2048];
    int residue;
    (void)state;
    enumerate("usb_msc", 0x12);
    usb_host_open_endpoint(board->usb, 0x81, 64);
    usb_host_open_endpoint(board->usb, 0x02, 64);
    assert_int_equal(user_control(board, 0xA1, 0xFE, 0, 0, data, 1), 1);
    assert_int_equal(data[0], 0);
    assert_int_equal(scsi(inquiry, true, data, 36, &residue), 0);
    assert_memory_equal(data + 8, "Pillbug RAM disk", 16);
    assert_int_equal(scsi(capacity, true, data, 8, &residue), 0);
    assert_memory_equal(data, "\0\0\0\37\0\0\2\0", 8);
    assert_int_equal(scsi(ready, false, NULL, 0, &residue), 0);
    assert_int_equal(scsi(read_30_31, true, data, 1024, &residue), 0);
    assert_int_equal(data[0], 30);
    assert_int_equal(data[1023], 31);
    for (int i = 0; i < 2048; i++)
        data[i] = (uint8_t)(i * 7);
    assert_int_equal(scsi(write_5_8, false, data, 2048, &residue), 0);
    assert_int_equal(residue, 0);
    assert_int_equal(scsi(read_5_8, true, back, 2048, &residue), 0);
    assert_memory_equal(data, back, 2048);
    assert_int_equal(scsi(read_31_33, true, back, 1024, &residue), 1);
    assert_int_equal(residue, 1024);
    assert_int_equal(scsi(sense, true, data, 18, &residue), 0);
    assert_int_equal(data[12], 0x21);
    assert_int_equal(scsi(strange, true, back, 192, &residue), 1);
    assert_int_equal(scsi(sense, true, data, 18, &residue), 0);
    assert_int_equal(data[12], 0x20);
    assert_int_equal(scsi(read_30_31, true, data, 1024, &residue), 0);      /* all is well */
    assert_int_equal(data[512], 31);
}

/* --- MIDI ---------------------------------------------------------------------------- */

static void a_midi_port_answers_a_semitone_higher(void **state)
{
    uint8_t notes[] = { 0x09, 0x90, 60, 100, 0x08, 0x80, 60, 0, 0x0B, 0xB0, 7, 127 }, back[64];
    (void)state;
    enumerate("usb_midi", 0x13);
    usb_host_open_endpoint(board->usb, 0x81, 64);
    usb_host_open_endpoint(board->usb, 0x01, 64);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(bulk(0x01, notes, sizeof notes), sizeof notes);
        assert_int_equal(bulk(0x81, back, 64), sizeof notes);
        assert_memory_equal(back, "\x09\x90\x3D\x64\x08\x80\x3D\x00\x0B\xB0\x07\x7F", 12);
    }
}

#define T(name) cmocka_unit_test_teardown(name, take_away)

static const struct CMUnitTest tests[] = {
    T(any_class_is_enumerated),
    T(a_mouse_is_polled_by_its_interval),
    T(a_silent_endpoint_is_asked_by_its_interval_too),
    T(a_mouse_moves_in_a_square_and_takes_reports),
    T(a_disk_is_read_and_written),
    T(a_midi_port_answers_a_semitone_higher),
};

int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("usb_classes", tests, NULL, NULL);
}
