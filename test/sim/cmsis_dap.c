/* cmsis_dap.c - the shipped image as OpenOCD, pyOCD and probe-rs see it: found without
 * ids, connected, target memory read and written with several packets under way, and all
 * that goes wrong on a bus: resets, halts, aborts, a full ring, a pulled plug.  gdb, who
 * wants the same wire, is in the same simulation. */
#include "dap_client.h"
#include "rsp_client.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { RAM = 0x20000000, WORDS = 1024, SAMD21_DPIDR = 0x0BC11477 };

static struct rsp *gdb;
static struct dap dap;

static int power_on(void **state)
{
    (void)state;
    gdb = rsp_power_on("samd21");
    return dap_find(&dap, gdb->board, gdb->cdc) ? 0 : -1;
}

static int power_off(void **state)
{
    (void)state;
    return rsp_power_off(gdb);
}

static void assert_says(const char *request, const char *answer)
{
    assert_string_equal(dap_hex(&dap, request), answer);
}

/* --- what works ---------------------------------------------------------------------- */

static void info_tells_what_it_is(void **state)
{
    (void)state;
    assert_int_equal(dap.interface, 0);
    assert_says("00 04", "00 06 32 2E 31 2E 30 00");
    assert_says("00 F0", "00 02 11 01");
    assert_says("00 FE", "00 01 08");
    assert_says("00 FF", "00 02 40 00");
    assert_says("00 F1", "00 00");
    assert_says("00 05", "00 00");
    dap_hex(&dap, "00 03");
    assert_string_equal(cdc_host_string(gdb->cdc, 3), (char *)dap.answer + 2);
    assert_says("9F", "FF");
}

static void fill(uint32_t *words, int count, uint32_t seed)
{
    for (int i = 0; i < count; i++)
        words[i] = seed = seed * 1664525 + 1013904223;
}

static void a_block_goes_out_and_comes_back(int per_packet, int in_flight)
{
    uint32_t out[WORDS], in[WORDS];
    double start = rsp_now_ms(gdb), middle;

    fill(out, WORDS, (uint32_t)(per_packet + in_flight));
    assert_true(dap_write(&dap, RAM + 0x100, out, WORDS, per_packet, in_flight));
    middle = rsp_now_ms(gdb);
    assert_true(dap_read(&dap, RAM + 0x100, in, WORDS, per_packet, in_flight));
    print_message("%2d a packet, %d under way: %.0f KiB/s out, %.0f KiB/s in\n", per_packet,
                  in_flight, 4 * WORDS / 1.024 / (middle - start),
                  4 * WORDS / 1.024 / (rsp_now_ms(gdb) - middle));
    assert_memory_equal(out, in, sizeof out);
}

static void memory_is_read_and_written_at_any_depth(void **state)
{
    (void)state;
    assert_int_equal(dap_start(&dap, 10000000), SAMD21_DPIDR);
    for (int in_flight = 1; in_flight <= 8; in_flight++) {
        a_block_goes_out_and_comes_back(12, in_flight);
        a_block_goes_out_and_comes_back(0, in_flight);
    }
    a_block_goes_out_and_comes_back(1, 3);
    assert_says("03", "03 00");
}

static void the_reset_pin_and_the_led_obey(void **state)
{
    struct board *board = gdb->board;

    (void)state;
    cdc_host_open(gdb->cdc, 0, false);
    board_run_ms(board, 100);
    assert_false(board_led(board));
    assert_says("10 00 80 00 00 00 00", "10 2F");       /* before DAP_Connect */
    assert_int_equal(board->net[SIG_NRST]->level, LEVEL_LOW);
    assert_says("10 80 80 10 27 00 00", "10 AF");
    assert_int_equal(board->net[SIG_NRST]->level, LEVEL_HIGH);
    assert_says("02 01", "02 01");
    assert_says("01 00 01", "01 00");
    board_run_ms(board, 3);
    assert_true(board_led(board));
    assert_says("10 00 03 00 00 00 00", "10 AC");
    assert_int_equal(board->net[SIG_SWCLK]->level, LEVEL_LOW);
    assert_says("10 03 03 00 00 00 00", "10 AF");
    assert_says("10 00 83 00 00 00 00", "10 2C");
    assert_says("03", "03 00");
    board_run_ms(board, 3);
    assert_false(board_led(board));
    assert_int_equal(board->net[SIG_NRST]->level, LEVEL_HIGH);
    static const enum signal lines[] = { SIG_SWCLK, SIG_SWDIO };
    for (int n = 0; n < 2; n++)
        for (const struct pin *pin = board->net[lines[n]]->pins; pin; pin = pin->next)
            assert_true(pin->drive < DRIVE_LOW);        /* nobody drives */
}

static void raw_bits_do_what_transfers_do(void **state)
{
    (void)state;
    assert_int_equal(dap_start(&dap, 4000000), SAMD21_DPIDR);
    /* DPIDR by hand: line reset, idle, request A5; turnaround, ACK, data and parity, turn. */
    assert_says("1D 03 38 FF FF FF FF FF FF FF 08 00 08 A5", "1D 00");
    assert_says("1D 04 81 83 A1 01 00", "1D 00 01 01 77 14 C1 0B 00");
    /* Each turnaround that there is, with a DP that has a fixed one, and back. */
    assert_says("13 01", "13 00");
    assert_says("13 00", "13 00");
    assert_says("12 38 FF FF FF FF FF FF FF", "12 00");
    assert_says("12 08 00", "12 00");
    assert_says("05 00 01 02", "05 01 01 77 14 C1 0B");
}

/* --- what goes wrong on the bus -------------------------------------------------------- */

static int bulk(int endpoint, const void *data, int length)
{
    static uint8_t bytes[64];

    if (data)
        memcpy(bytes, data, (size_t)length);
    int n = usb_host_transfer(gdb->board->usb, URB_BULK, (uint8_t)endpoint, bytes, length, 20);
    memcpy(dap.answer, bytes, sizeof bytes);
    return n;
}

static void a_host_that_does_not_fetch_meets_nak_and_nothing_is_lost(void **state)
{
    uint8_t request[] = { 0x7F, 1, 0x09, 0, 0 };
    int sent = 0;

    (void)state;
    while (sent < 50 && bulk(dap.out, request, (int)sizeof request) == sizeof request)
        sent++;
    assert_in_range(sent, 8, 12);
    for (int i = 0; i < sent; i++) {
        assert_int_equal(bulk(dap.in, NULL, 64), 4);
        assert_memory_equal(dap.answer, "\x7F\x01\x09\x00", 4);
    }
    assert_true(bulk(dap.in, NULL, 64) < 0);
    assert_says("00 FE", "00 01 08");
}

static struct dap_exchange script[400];

static void prepare(int count, const void *request, int length)
{
    memset(script, 0, sizeof script);
    for (int i = 0; i < count; i++) {
        script[i].length = length;
        memcpy(script[i].request, request, (size_t)length);
    }
}

/* At the straight paces and at a slow one.  17 asks are what swd.c does by itself. */
static void wait_is_answered_after_as_many_retries_as_the_host_allows(void **state)
{
    static const int retries[] = { 0, 1, 2, 15, 16, 17, 33, 34, 300 };
    static const char *const clocks[] = { "11 00 51 25 02", "11 40 42 0F 00" };
    struct swdp *port = gdb->board->target->debug_port;
    const struct swdp_stats *stats = swdp_stats(port);
    char request[40];

    (void)state;
    assert_true(dap_start(&dap, 10000000));
    for (int i = 0; i < 2; i++) {
        assert_says(clocks[i], "11 00");
        for (unsigned n = 0; n < sizeof retries / sizeof *retries; n++) {
            snprintf(request, sizeof request, "04 00 %X %X 00 00", retries[n] & 0xFF,
                     retries[n] >> 8);
            assert_says(request, "04 00");
            uint64_t before = stats->wait;
            swdp_inject_wait(port, 1 << 30);
            assert_says("05 00 02 0F 0F", "05 00 02");
            swdp_inject_wait(port, 0);
            assert_int_equal(stats->wait - before, retries[n] + 1);
        }
    }
}

/* The SAM D21 at 1 MHz makes each of twelve reads wait a little. */
static void each_word_has_its_own_retries(void **state)
{
    const struct swdp_stats *stats = swdp_stats(gdb->board->target->debug_port);

    (void)state;
    assert_true(dap_start(&dap, 36000000));
    assert_says("05 00 02  01 52 00 00 23  05 00 00 00 20", "05 02 01");
    assert_says("04 00 02 00 00 00", "04 00");
    uint64_t before = stats->wait;
    dap_hex(&dap, "05 00 0C 0F 0F 0F 0F 0F 0F 0F 0F 0F 0F 0F 0F");
    print_message("%d waits for 12 words\n", (int)(stats->wait - before));
    assert_int_equal(dap.answered, 3 + 4 * 12);
    assert_memory_equal(dap.answer, "\x05\x0C\x01", 3);
    assert_in_range(stats->wait - before, 6, 2 * 13);
}

/* Idle clocks behind each transfer are counted, whatever is learnt besides. */
static void idle_clocks_are_made_as_configured(void **state)
{
    static const char *const clocks[] = { "11 00 51 25 02", "11 40 42 0F 00" };
    const struct swdp_stats *stats = swdp_stats(gdb->board->target->debug_port);
    char request[40];

    (void)state;
    assert_true(dap_start(&dap, 10000000));
    for (int i = 0; i < 2; i++) {
        assert_says(clocks[i], "11 00");
        for (int idle = 0; idle < 256; idle += idle < 3 ? 1 : 84) {
            snprintf(request, sizeof request, "04 %X 40 00 00 00", idle);
            assert_says(request, "04 00");
            uint64_t before = stats->clocks;
            dap_hex(&dap, "05 00 03 02 02 06");
            assert_int_equal(stats->clocks - before, 3 * (46 + idle));
            before = stats->clocks;
            assert_says("05 00 01 08 00 00 00 00", "05 01 01");     /* and RDBUFF */
            assert_int_equal(stats->clocks - before, 2 * (46 + idle));
        }
    }
}

static void abort_ends_a_transfer_that_waits(void **state)
{
    static const uint8_t read_drw[] = { 5, 0, 1, 0x0F };
    double start;

    (void)state;
    assert_int_equal(dap_start(&dap, 8000000), SAMD21_DPIDR);
    assert_says("04 00 FF FF 00 00", "04 00");
    swdp_inject_wait(gdb->board->target->debug_port, 1 << 30);
    prepare(2, read_drw, sizeof read_drw);
    script[1] = (struct dap_exchange){ .request = { 7 }, .length = 1, .no_answer = true };
    start = rsp_now_ms(gdb);
    assert_true(dap_run(&dap, script, 2, 4));
    assert_true(rsp_now_ms(gdb) - start < 5);
    assert_int_equal(script[0].answered, 3);
    assert_memory_equal(script[0].answer, "\x05\x00\x02", 3);
    /* Without it: an end all the same, long before the watchdog's. */
    start = rsp_now_ms(gdb);
    assert_says("05 00 01 0F", "05 00 02");
    assert_true(rsp_now_ms(gdb) - start < 1000);
    swdp_inject_wait(gdb->board->target->debug_port, 0);
    assert_says("05 00 01 02", "05 01 01 77 14 C1 0B");
}

static bool not_configured(void *ctx)
{
    return !cdc_host_configured(ctx);
}

static bool configured(void *ctx)
{
    return cdc_host_configured(ctx);
}

static void plug_in_again(void)
{
    usb_host_plug(gdb->board->usb, false);
    board_run_while(gdb->board, configured, gdb->cdc, 1000);
    board_run_ms(gdb->board, 20);
    usb_host_plug(gdb->board->usb, true);
    assert_true(board_run_while(gdb->board, not_configured, gdb->cdc, 2000));
    assert_true(dap_find(&dap, gdb->board, gdb->cdc));
}

/* The plug is pulled so many microseconds after a lively exchange has begun. */
static void a_pulled_plug_leaves_nothing_behind(void **state)
{
    static const uint8_t read_words[] = { 6, 0, 14, 0, 0x0F };

    (void)state;
    for (int us = 0; us < 3000; us += 210) {
        assert_int_equal(dap_start(&dap, 10000000), SAMD21_DPIDR);
        assert_says("05 00 02 01 52 00 00 23 05 00 00 00 20", "05 02 01");
        prepare(400, read_words, sizeof read_words);
        dap_begin(&dap, script, 400, 8);
        board_run_ms(gdb->board, us / 1000.0);
        plug_in_again();
        assert_says("00 04", "00 06 32 2E 31 2E 30 00");        /* and no stale answer */
        assert_says("05 00 01 02", "05 00 00");                 /* the wire was let go */
    }
}

static void set_up(int type, int request, int value, int index)
{
    const uint8_t setup[8] = { (uint8_t)type, (uint8_t)request, (uint8_t)value, 0,
                               (uint8_t)index, 0, 0, 0 };

    assert_int_equal(usb_host_control(gdb->board->usb, setup, NULL), 0);
    if (type != 0x02)
        usb_host_open_endpoint(gdb->board->usb, dap.out, 64);
    usb_host_open_endpoint(gdb->board->usb, dap.in, 64);
}

static void stale_answers_go_with_a_new_configuration_or_a_cleared_halt(void **state)
{
    static const uint8_t serial[] = { 0x00, 0x03 };
    const struct { int type, request, value, index; } ways[] = {
        { 0x00, 9, 1, 0 },              /* SET_CONFIGURATION */
        { 0x01, 11, 0, dap.interface }, /* SET_INTERFACE */
        { 0x02, 1, 0, dap.in },         /* CLEAR_FEATURE(ENDPOINT_HALT) */
    };

    (void)state;
    for (unsigned way = 0; way < sizeof ways / sizeof ways[0]; way++) {
        assert_int_equal(dap_start(&dap, 4000000), SAMD21_DPIDR);
        for (int i = 0; i < 5; i++)
            assert_int_equal(bulk(dap.out, serial, 2), 2);
        board_run_ms(gdb->board, 5);
        set_up(ways[way].type, ways[way].request, ways[way].value, ways[way].index);
        assert_says("00 04", "00 06 32 2E 31 2E 30 00");
        assert_says("05 00 01 02", "05 00 00");
    }
}

/* --- gdb wants the wire, too ------------------------------------------------------------ */

static void gdb_is_told_that_a_dap_host_has_the_wire(void **state)
{
    (void)state;
    assert_int_equal(dap_start(&dap, 4000000), SAMD21_DPIDR);
    assert_non_null(strstr(rsp_monitor(gdb, "swdp_scan"), "CMSIS-DAP"));
    assert_false(rsp_attach(gdb));
    assert_non_null(strstr(rsp_monitor(gdb, "wire"), "CMSIS-DAP"));
    rsp_monitor(gdb, "dpreg 0");
    assert_says("05 00 01 02", "05 01 01 77 14 C1 0B");
    assert_says("03", "03 00");
    assert_true(rsp_attach(gdb));
}

static void a_dap_host_is_told_that_gdb_has_a_target(void **state)
{
    (void)state;
    assert_true(rsp_attach(gdb));
    assert_says("02 01", "02 00");
    dap_hex(&dap, "00 03");
    assert_non_null(strstr((char *)dap.answer + 2, "gdb has the wire"));
    assert_says("12 08 FF", "12 FF");
    dap_hex(&dap, "10 00 83 00 00 00 00");              /* no reset either */
    assert_int_equal(dap.answer[1] & 0x80, 0x80);
    assert_string_equal(rsp_ask(gdb, "m20000000,4") + 8, "");
    assert_string_equal(rsp_ask(gdb, "D"), "OK");
    assert_int_equal(dap_start(&dap, 4000000), SAMD21_DPIDR);
}

static void a_mere_scan_gives_way_and_gdb_scans_again(void **state)
{
    (void)state;
    assert_non_null(strstr(rsp_monitor(gdb, "swdp_scan"), "SAMD21"));
    assert_int_equal(dap_start(&dap, 4000000), SAMD21_DPIDR);
    assert_string_not_equal(rsp_ask(gdb, "vAttach;1"), "OK");
    assert_int_not_equal(gdb->reply[0], 'T');
    assert_says("03", "03 00");
    assert_int_equal(rsp_ask(gdb, "vAttach;1")[0], 'T');
}

static void a_closed_gdb_port_frees_the_wire(void **state)
{
    (void)state;
    assert_true(rsp_attach(gdb));
    cdc_host_open(gdb->cdc, 0, false);
    board_run_ms(gdb->board, 100);
    assert_int_equal(dap_start(&dap, 4000000), SAMD21_DPIDR);
}

static void gdb_can_take_the_wire_from_a_host_that_died(void **state)
{
    (void)state;
    assert_int_equal(dap_start(&dap, 4000000), SAMD21_DPIDR);
    rsp_monitor(gdb, "wire free");
    assert_true(rsp_attach(gdb));
    assert_says("05 00 01 02", "05 00 00");
}

/* Each has the frequency it asked for. */
static void frequencies_are_kept_apart(void **state)
{
    char before[200];

    (void)state;
    rsp_monitor(gdb, "frequency 4M");
    snprintf(before, sizeof before, "%s", rsp_monitor(gdb, "frequency"));
    assert_int_equal(dap_start(&dap, 100000), SAMD21_DPIDR);
    assert_says("03", "03 00");
    assert_string_equal(rsp_monitor(gdb, "frequency"), before);
}

/* It would be the speed of a wire that gdb has not. */
static void gdb_does_not_change_the_frequency_of_a_dap_host(void **state)
{
    char before[200];

    (void)state;
    assert_int_equal(dap_start(&dap, 100000), SAMD21_DPIDR);
    snprintf(before, sizeof before, "%s", rsp_monitor(gdb, "frequency"));
    assert_non_null(strstr(rsp_monitor(gdb, "frequency 2M"), "CMSIS-DAP"));
    assert_string_equal(rsp_monitor(gdb, "frequency"), before);
    assert_says("03", "03 00");
    assert_non_null(strstr(rsp_monitor(gdb, "frequency 2M"), "SWCLK is"));
    assert_true(rsp_attach(gdb));
}

/* It moved nRST without DAP_Connect, which it may, and died. */
static void a_reset_that_a_dap_host_left_does_not_stop_gdb(void **state)
{
    (void)state;
    assert_says("10 00 80 00 00 00 00", "10 2F");
    assert_int_equal(gdb->board->net[SIG_NRST]->level, LEVEL_LOW);
    assert_true(rsp_attach(gdb));
    assert_int_equal(gdb->board->net[SIG_NRST]->level, LEVEL_HIGH);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, power_on, power_off)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(info_tells_what_it_is),
        TEST(memory_is_read_and_written_at_any_depth),
        TEST(the_reset_pin_and_the_led_obey),
        TEST(raw_bits_do_what_transfers_do),
        TEST(a_host_that_does_not_fetch_meets_nak_and_nothing_is_lost),
        TEST(wait_is_answered_after_as_many_retries_as_the_host_allows),
        TEST(each_word_has_its_own_retries),
        TEST(idle_clocks_are_made_as_configured),
        TEST(abort_ends_a_transfer_that_waits),
        TEST(a_pulled_plug_leaves_nothing_behind),
        TEST(stale_answers_go_with_a_new_configuration_or_a_cleared_halt),
        TEST(gdb_is_told_that_a_dap_host_has_the_wire),
        TEST(a_dap_host_is_told_that_gdb_has_a_target),
        TEST(a_mere_scan_gives_way_and_gdb_scans_again),
        TEST(a_closed_gdb_port_frees_the_wire),
        TEST(gdb_can_take_the_wire_from_a_host_that_died),
        TEST(frequencies_are_kept_apart),
        TEST(gdb_does_not_change_the_frequency_of_a_dap_host),
        TEST(a_reset_that_a_dap_host_left_does_not_stop_gdb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
