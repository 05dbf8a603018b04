/* uart_settings.c - are settings kept, whatever happens to the power?
 *
 * `monitor uart rs485` appends a halfword to a log in the last page of flash, in which there
 * is room for 512.  Power is cut while each of them is written; after that the board must
 * come up with the old or with the new setting, and still take another.  The page is erased
 * when it is full, at start: there a cut may give the default, which is off.
 *
 * Up to 1.1 there were two pages of records.  What those left is off; and nothing of ours
 * is a record to them. */
#include "rsp_client.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { LOG = 0x0800FC00, CHANGES = 512 };
enum { ON = 0x009A, OFF = 0x00E5, BLANK = 0xFFFF };

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
        if (i % 83 == 0 || i % CHANGES < 2) {
            assert_true(again(20));
            assert_int_equal(is_on(), i % 2);
        }
    }
}

static void send_change(bool on)
{
    char packet[] = "qRcmd,7561727420727334383520" "30";   /* uart rs485 0 */
    packet[sizeof packet - 2] = on ? '1' : '0';
    rsp_send(rsp, packet, (int)strlen(packet));
}

/* The command takes a while to get there, so the cuts are spread over a wider time. */
static void a_cut_while_writing_leaves_the_old_or_the_new(void **state)
{
    (void)state;
    int changed = 0, kept = 0;

    for (int i = 0; i < 120; i++) {
        bool old = is_on();
        send_change(!old);
        board_run_ms(rsp->board, 0.008 * i);
        assert_true(again(10));
        *(is_on() == old ? &kept : &changed) += 1;
    }
    assert_true(changed > 10 && kept > 10);
}

static uint16_t halfword(int n)
{
    const uint8_t *at = rsp->board->probe->flash + LOG - 0x08000000 + 2 * n;
    return (uint16_t)(at[0] | at[1] << 8);
}

/* With the power off. */
static void put_page(uint32_t page, const uint16_t *halfwords)
{
    uint8_t bytes[1024];
    for (int i = 0; i < 512; i++) {
        bytes[2 * i] = (uint8_t)halfwords[i];
        bytes[2 * i + 1] = (uint8_t)(halfwords[i] >> 8);
    }
    assert_true(bus_load(rsp->board->probe->bus, page, bytes, sizeof bytes));
}

/* As after so many changes, the last one to this. */
static bool start_after_changes(int times, bool on)
{
    uint16_t log[CHANGES];
    for (int i = 0; i < CHANGES; i++)
        log[i] = i >= times ? BLANK : (times - i) % 2 == on ? ON : OFF;
    board_power_probe(rsp->board, false);
    board_run_ms(rsp->board, 10);
    put_page(LOG, log);
    board_power_probe(rsp->board, true);
    return rsp_plug_in(rsp);
}

/* And 0 to 60 us later, of some 53, the power goes. */
static void cut_when_halfword_begins(int n, double us)
{
    for (int i = 0; halfword(n) == BLANK; i++) {
        assert_true(i < 10000);
        board_run_ms(rsp->board, 0.002);
    }
    board_run_ms(rsp->board, us / 1000);
}

static void a_cut_in_each_halfword_of_the_page_leaves_the_old_or_the_new(void **state)
{
    (void)state;
    int changed = 0, kept = 0;

    for (int n = 0; n < CHANGES; n++)
        for (int old = 0; old <= 1; old++) {
            bool was = old && n;        /* off when nothing has been changed yet */
            assert_true(start_after_changes(n, was));
            assert_int_equal(is_on(), was);
            send_change(!was);
            cut_when_halfword_begins(n, (n * 7 + old * 31) % 61);
            assert_true(again(10));
            bool now = is_on();
            *(now == was ? &kept : &changed) += 1;
            rsp_monitor(rsp, now ? "uart rs485 off" : "uart rs485 on");
            assert_int_equal(is_on(), !now);
            assert_true(again(10));
            assert_int_equal(is_on(), !now);
        }
    assert_true(changed > 100 && kept > 100);
}

/* The board runs for 40 ms until it is cut; it starts within 6, and erases for 30. */
static void a_cut_while_the_full_page_is_erased_gives_the_old_or_off(void **state)
{
    (void)state;
    int lost = 0, kept = 0;

    for (int was = 0; was <= 1; was++)
        for (int i = 0; i < 160; i++) {
            assert_true(start_after_changes(CHANGES - 1, !was));
            rsp_monitor(rsp, was ? "uart rs485 on" : "uart rs485 off");
            assert_int_equal(halfword(CHANGES - 1), was ? ON : OFF);
            board_power_probe(rsp->board, false);
            board_run_ms(rsp->board, 10);
            board_power_probe(rsp->board, true);
            board_run_ms(rsp->board, 0.25 * i);
            assert_true(again(10));
            bool now = is_on();
            assert_true(now == was || !now);
            if (was)
                *(now ? &kept : &lost) += 1;
            rsp_monitor(rsp, now ? "uart rs485 off" : "uart rs485 on");
            assert_true(again(10));
            assert_int_equal(is_on(), !now);
        }
    assert_true(kept > 20 && lost > 20);
}

static void a_full_page_is_erased_at_start_and_the_setting_kept(void **state)
{
    (void)state;
    for (int on = 0; on <= 1; on++) {
        assert_true(start_after_changes(CHANGES, on));
        assert_int_equal(is_on(), on);
        assert_int_equal(halfword(0), on ? ON : OFF);
        for (int i = 1; i < CHANGES; i++)
            assert_int_equal(halfword(i), BLANK);
        assert_true(again(10));
        assert_int_equal(is_on(), on);
    }
}

/* --- versions up to 1.1: [ bits | generation | the complement of both ] ------------------- */

/* Two pages of such.  Over the first an update writes the image by now. */

static void old_page(uint16_t *page, int records, unsigned generation, bool last)
{
    for (int i = 0; i < 256; i++) {
        uint16_t value = (uint16_t)(generation << 8 | (unsigned)((records - i) % 2 == last));
        page[2 * i] = i < records ? value : BLANK;
        page[2 * i + 1] = i < records ? (uint16_t)~value : BLANK;
    }
}

static void what_an_old_version_kept_is_off_and_can_be_switched_on(void **state)
{
    (void)state;
    static const struct { int second; unsigned generation; } rows[] = {
        { 1, 1 }, { 2, 1 }, { 255, 1 }, { 256, 1 }, { 256, 7 }, { 100, 127 }, { 3, 255 },
        { 256, 255 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int last = 0; last <= 1; last++) {
            uint16_t second[512];
            old_page(second, rows[i].second, rows[i].generation, last);
            board_power_probe(rsp->board, false);
            board_run_ms(rsp->board, 10);
            put_page(LOG, second);
            board_power_probe(rsp->board, true);
            assert_true(rsp_plug_in(rsp));
            assert_false(is_on());
            rsp_monitor(rsp, "uart rs485 on");
            assert_true(again(10));
            assert_true(is_on());
        }
}

/* Of all that lies in the page after many cuts. */
static void an_old_version_finds_no_record_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        send_change(!is_on());
        if (i % 3)
            board_run_ms(rsp->board, 0.05 * i);
        assert_true(again(10));
    }
    int used = 0;
    for (int i = 0; i < CHANGES; i += 2) {
        used += halfword(i) != BLANK;
        assert_int_not_equal(halfword(i) ^ halfword(i + 1), 0xFFFF);
    }
    assert_true(used > 20);
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
        BOARD(a_cut_in_each_halfword_of_the_page_leaves_the_old_or_the_new),
        BOARD(a_cut_while_the_full_page_is_erased_gives_the_old_or_off),
        BOARD(a_full_page_is_erased_at_start_and_the_setting_kept),
        BOARD(what_an_old_version_kept_is_off_and_can_be_switched_on),
        BOARD(an_old_version_finds_no_record_of_its_own),
        BOARD(what_cannot_be_kept_is_not_promised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
