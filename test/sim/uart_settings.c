/* uart_settings.c - are settings kept, whatever happens to the power?
 *
 * `monitor uart rs485` writes a record into flash.  Power is cut at many moments of that;
 * after each the board must come up with the old or with the new setting, and still take
 * another.  A thousand changes go over the end of a page. */
#include "rsp_client.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct rsp *rsp;

static int power_on(void **state)
{
    (void)state;
    rsp = rsp_power_on("none");
    return 0;
}

static int power_off(void **state)
{
    (void)state;
    return rsp_power_off(rsp);
}

static bool again(double ms_off)
{
    board_power_probe(rsp->board, false);
    board_run_ms(rsp->board, ms_off);
    board_power_probe(rsp->board, true);
    return rsp_plug_in(rsp);
}

static bool is_on(void)
{
    const char *said = strstr(rsp_monitor(rsp, "uart"), "RTS: ");
    assert_non_null(said);
    return strncmp(said, "RTS: on", 7) == 0;
}

static void a_new_board_has_it_off(void **state)
{
    (void)state;
    assert_false(is_on());
}

static void the_setting_survives_a_power_cycle(void **state)
{
    (void)state;
    rsp_monitor(rsp, "uart rs485 on");
    assert_true(is_on());
    assert_true(again(50));
    assert_true(is_on());
    rsp_monitor(rsp, "uart rs485 off");
    assert_true(again(50));
    assert_false(is_on());
}

static void a_thousand_changes_are_no_problem(void **state)
{
    (void)state;
    for (int i = 1; i <= 1000; i++) {
        rsp_monitor(rsp, i % 2 ? "uart rs485 on" : "uart rs485 off");
        assert_int_equal(is_on(), i % 2);
        if (i % 83 == 0 || i % 256 < 2) {
            assert_true(again(20));
            assert_int_equal(is_on(), i % 2);
        }
    }
}

/* The command takes a while to get there, so the cuts are spread over a wider time. */
static void a_cut_while_writing_leaves_the_old_or_the_new(void **state)
{
    (void)state;
    int changed = 0, kept = 0;

    for (int i = 0; i < 120; i++) {
        bool old = is_on();
        char packet[] = "qRcmd,7561727420727334383520" "31";   /* uart rs485 1 */
        packet[sizeof packet - 2] = old ? '0' : '1';
        rsp_send(rsp, packet, (int)strlen(packet));
        board_run_ms(rsp->board, 0.005 * i);
        assert_true(again(10));
        *(is_on() == old ? &kept : &changed) += 1;
    }
    assert_true(changed > 10 && kept > 10);
}

/* A full page is turned when the board starts: a page erased, a record written. */
static void a_cut_while_a_page_is_turned_changes_nothing(void **state)
{
    (void)state;
    bool on = false;

    for (int i = 0; i < 12; i++) {
        for (int n = 0; n < 256; n++, on = !on)
            rsp_monitor(rsp, on ? "uart rs485 off" : "uart rs485 on");
        rsp_monitor(rsp, on ? "uart rs485 off" : "uart rs485 on");
        on = !on;
        for (int n = 0; n < 3; n++) {
            board_power_probe(rsp->board, false);
            board_run_ms(rsp->board, 10);
            board_power_probe(rsp->board, true);
            board_run_ms(rsp->board, 6 + 3.3 * i + n);  /* started after 5, erasing 30 */
        }
        assert_true(again(10));
        assert_int_equal(is_on(), on);
    }
}

/* Write protection of the last four pages, PM0075 2.4: WRP1 with bit 7 at 0. */
static void protect_the_pages(void)
{
    struct chip *chip = rsp->board->probe;
    static const struct { uint32_t at, value; int width; } stores[] = {
        { 0x40022004, 0x45670123, 4 }, { 0x40022004, 0xCDEF89AB, 4 },
        { 0x40022008, 0x45670123, 4 }, { 0x40022008, 0xCDEF89AB, 4 },
        { 0x40022010, 0x220, 4 }, { 0x40022010, 0x260, 4 }, { 0x40022010, 0x210, 4 },
        { 0x1FFFF800, 0xA5, 2 }, { 0x1FFFF808, 0xFF, 2 }, { 0x1FFFF80A, 0x7F, 2 },
        { 0x1FFFF80C, 0xFF, 2 }, { 0x1FFFF80E, 0xFF, 2 }, { 0x40022010, 0x80, 4 },
    };
    for (size_t i = 0; i < sizeof stores / sizeof stores[0]; i++) {
        assert_true(bus_write(chip->bus, BUS_DATA, stores[i].at, stores[i].width,
                              stores[i].value));
        board_run_ms(rsp->board, 60);
    }
    assert_true(again(50));
}

/* It is in force until the power goes; that it will not be kept is said each time. */
static void what_cannot_be_kept_is_not_promised(void **state)
{
    (void)state;
    protect_the_pages();
    for (int i = 0; i < 3; i++) {
        rsp_monitor(rsp, "uart rs485 on");
        print_message("%s | %s\n", rsp->reply, rsp->console);
        assert_int_equal(rsp->reply[0], 'E');
    }
    assert_true(again(50));
    assert_false(is_on());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define BOARD(test) cmocka_unit_test_setup_teardown(test, power_on, power_off)
        BOARD(a_new_board_has_it_off),
        BOARD(the_setting_survives_a_power_cycle),
        BOARD(a_thousand_changes_are_no_problem),
        BOARD(a_cut_while_writing_leaves_the_old_or_the_new),
        BOARD(a_cut_while_a_page_is_turned_changes_nothing),
        BOARD(what_cannot_be_kept_is_not_promised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
