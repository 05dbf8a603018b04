/* test_settings.c - which record counts?  Flash is a variable here: a store is a store, an
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

struct flash FLASH;
volatile uint32_t SETTINGS[2][256];

static int blank_flash(void **state)
{
    (void)state;
    memset((void *)(uintptr_t)SETTINGS, 0xFF, sizeof SETTINGS);
    return 0;
}

static uint32_t record(unsigned bits, unsigned generation)
{
    uint32_t value = generation << 8 | bits;
    return value | (~value & 0xFFFF) << 16;
}

static uint8_t after_start(void)
{
    settings_start();
    return settings_get();
}

static void blank_flash_means_zero(void **state)
{
    (void)state;
    assert_int_equal(after_start(), 0);
}

static void the_last_valid_record_counts(void **state)
{
    (void)state;
    SETTINGS[0][0] = record(1, 0);
    SETTINGS[0][1] = record(6, 0);
    SETTINGS[0][2] = 0xFFFF0009;       /* begun and not finished */
    assert_int_equal(after_start(), 6);
    assert_true(settings_set(5));
    assert_int_equal(SETTINGS[0][3], record(5, 0));     /* behind the junk */
    assert_int_equal(after_start(), 5);
}

static void what_is_the_same_is_not_written(void **state)
{
    (void)state;
    SETTINGS[0][0] = record(3, 0);
    assert_int_equal(after_start(), 3);
    assert_true(settings_set(3));
    assert_int_equal(SETTINGS[0][1], 0xFFFFFFFF);
}

static void the_page_of_the_later_generation_counts(void **state)
{
    (void)state;
    static const struct { unsigned first, second; uint8_t expected; } rows[] = {
        { 1, 0, 10 }, { 0, 1, 20 }, { 7, 8, 20 }, { 255, 0, 20 }, { 0, 255, 10 },
        { 128, 127, 10 }, { 127, 128, 20 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SETTINGS[0][0] = record(10, rows[i].first);
        SETTINGS[1][0] = record(20, rows[i].second);
        assert_int_equal(after_start(), rows[i].expected);
    }
}

/* The other page was being erased when the power went. */
static void one_page_alone_counts_whatever_its_generation(void **state)
{
    (void)state;
    for (unsigned generation = 0; generation < 256; generation++) {
        blank_flash(NULL);
        SETTINGS[generation & 1][0] = record(9, generation);
        assert_int_equal(after_start(), 9);
    }
}

static void a_full_page_is_turned_at_start(void **state)
{
    (void)state;
    for (int i = 0; i < 256; i++)
        SETTINGS[0][i] = record((unsigned)i & 0x7F, 4);
    assert_int_equal(after_start(), 0x7F);
    assert_int_equal(SETTINGS[1][0], record(0x7F, 5));
    assert_true(settings_set(2));
    assert_int_equal(SETTINGS[1][1], record(2, 5));
    assert_int_equal(after_start(), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define FLASH_TEST(test) cmocka_unit_test_setup(test, blank_flash)
        FLASH_TEST(blank_flash_means_zero),
        FLASH_TEST(the_last_valid_record_counts),
        FLASH_TEST(what_is_the_same_is_not_written),
        FLASH_TEST(the_page_of_the_later_generation_counts),
        FLASH_TEST(one_page_alone_counts_whatever_its_generation),
        FLASH_TEST(a_full_page_is_turned_at_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
