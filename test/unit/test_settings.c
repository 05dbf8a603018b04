/* test_settings.c - which halfword counts?  Flash is a variable here: a store is a store, an
 * erase does nothing.  That writing works, and with the power cut, is asked on the virtual
 * board (test/sim/uart_settings.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "settings.h"
#include "stm32f103.h"

enum { CHANGES = 512 };
enum { ON = 0x009A, OFF = 0x00E5, BLANK = 0xFFFF };

struct flash FLASH;
volatile uint16_t SETTINGS[CHANGES];

static void fill(int from, int to, uint16_t value)
{
    for (int i = from; i < to; i++)
        SETTINGS[i] = value;
}

static int blank_flash(void **state)
{
    (void)state;
    memset(&FLASH, 0, sizeof FLASH);
    fill(0, CHANGES, BLANK);
    return 0;
}

/* So many changes have been made, the last one to this. */
static void changed(int times, bool on)
{
    for (int i = 0; i < CHANGES; i++)
        SETTINGS[i] = i >= times ? BLANK : (times - i) % 2 == on ? ON : OFF;
}

static bool after_start(void)
{
    settings_start();
    return settings_rs485();
}

static void blank_flash_means_off(void **state)
{
    (void)state;
    assert_false(after_start());
}

static void the_last_that_is_not_blank_counts_wherever_it_stands(void **state)
{
    (void)state;
    for (int times = 1; times < CHANGES; times++)
        for (int on = 0; on <= 1; on++) {
            changed(times, on);
            assert_int_equal(after_start(), on);
        }
}

static void a_change_is_one_halfword_behind_the_last(void **state)
{
    (void)state;
    for (int times = 0; times < CHANGES; times++) {
        bool on = times % 2 == 0;
        assert_int_equal(settings_rs485(), !on);
        assert_true(settings_set_rs485(on));
        assert_int_equal(SETTINGS[times], on ? ON : OFF);
        assert_int_equal(settings_rs485(), on);
        for (int i = times + 1; i < CHANGES; i++)
            assert_int_equal(SETTINGS[i], BLANK);
    }
    assert_int_equal(FLASH.AR, 0);      /* nothing was erased */
}

static void what_is_the_same_is_not_written(void **state)
{
    (void)state;
    for (int on = 0; on <= 1; on++) {
        changed(7, on);
        assert_true(settings_set_rs485(on));
        assert_int_equal(SETTINGS[7], BLANK);
    }
    fill(0, CHANGES, BLANK);
    assert_true(settings_set_rs485(false));
    assert_int_equal(SETTINGS[0], BLANK);
}

/* Any of the zeros may have arrived, and any may be missing, behind any of the others. */
static void of_a_halfword_begun_the_old_or_the_new_is_read(void **state)
{
    (void)state;
    static const int places[] = { 0, 1, 2, 255, 256, 510 };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        for (int old = 0; old <= 1; old++)
            for (unsigned missing = 0; missing <= 0xFFFF; missing++) {
                changed(places[i], old && places[i]);
                uint16_t wanted = old ? OFF : ON;
                uint16_t begun = wanted | (uint16_t)missing;
                if ((missing & wanted) || (old && !places[i]))
                    continue;           /* seen already, or no such case */
                SETTINGS[places[i]] = begun;
                bool now = after_start();
                assert_true(now == old || (now == !old && (old || begun == wanted)));
                assert_true(settings_set_rs485(!now));      /* and goes on behind it */
                assert_int_equal(settings_rs485(), !now);
            }
}

/* An erase that was broken off leaves the ones of before, and any more. */
static void half_erased_off_stays_off(void **state)
{
    (void)state;
    for (unsigned more = 0; more <= 0xFFFF; more++) {
        changed(CHANGES - 1, false);
        SETTINGS[CHANGES - 2] = OFF | (uint16_t)more;
        if (SETTINGS[CHANGES - 2] != BLANK)
            assert_false(after_start());
    }
}

static void a_full_page_is_erased_at_start(void **state)
{
    (void)state;
    for (int on = 0; on <= 1; on++) {
        changed(CHANGES, on);
        FLASH.AR = 0;
        SETTINGS[0] = 0x1234;
        settings_start();
        assert_int_equal(FLASH.AR, (uint32_t)(uintptr_t)SETTINGS);
        assert_int_equal(SETTINGS[0], on ? ON : OFF);
    }
}

static void a_page_with_one_place_left_is_not_erased(void **state)
{
    (void)state;
    changed(CHANGES - 1, true);
    assert_true(after_start());
    assert_int_equal(FLASH.AR, 0);
}

/* --- other versions: up to 1.1 there were records of two halfwords in two pages ----------- */

static void old_record(int n, unsigned bits, unsigned generation)
{
    SETTINGS[2 * n] = (uint16_t)(generation << 8 | bits);
    SETTINGS[2 * n + 1] = (uint16_t)~SETTINGS[2 * n];
}

static void what_an_old_image_has_left_is_off(void **state)
{
    (void)state;
    for (unsigned generation = 1; generation < 256; generation += 2)    /* of the second page */
        for (unsigned bits = 0; bits <= 1; bits++)
            for (int records = 1; records <= 255; records += 127) {
                fill(0, CHANGES, BLANK);
                for (int i = 0; i < records; i++)
                    old_record(i, (bits + (unsigned)(records - i - 1)) & 1, generation);
                assert_false(after_start());
                SETTINGS[2 * records - 1] = BLANK;      /* the power went in the middle */
                assert_false(after_start());
                assert_true(settings_set_rs485(true));
                assert_true(after_start());
            }
}

static bool is_old_record(int n)
{
    return (SETTINGS[2 * n] ^ SETTINGS[2 * n + 1]) == 0xFFFF;
}

/* Whole or begun: two neighbours never complete one another. */
static void an_old_image_finds_nothing_of_ours(void **state)
{
    (void)state;
    for (unsigned missing = 0; missing <= 0xFFFF; missing++)
        for (int kind = 0; kind < 6; kind++) {
            uint16_t begun = (kind & 1 ? ON : OFF) | (uint16_t)missing;
            uint16_t other = kind / 2 == 0 ? ON : kind / 2 == 1 ? OFF : BLANK;
            SETTINGS[0] = SETTINGS[3] = begun;
            SETTINGS[1] = SETTINGS[2] = other;
            assert_false(is_old_record(0));
            assert_false(is_old_record(1));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define FLASH_TEST(test) cmocka_unit_test_setup(test, blank_flash)
        FLASH_TEST(blank_flash_means_off),
        FLASH_TEST(the_last_that_is_not_blank_counts_wherever_it_stands),
        FLASH_TEST(a_change_is_one_halfword_behind_the_last),
        FLASH_TEST(what_is_the_same_is_not_written),
        FLASH_TEST(of_a_halfword_begun_the_old_or_the_new_is_read),
        FLASH_TEST(half_erased_off_stays_off),
        FLASH_TEST(a_full_page_is_erased_at_start),
        FLASH_TEST(a_page_with_one_place_left_is_not_erased),
        FLASH_TEST(what_an_old_image_has_left_is_off),
        FLASH_TEST(an_old_image_finds_nothing_of_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
