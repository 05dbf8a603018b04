/* test_print.c - does print_text() write what printf() would, and never too much?
 *
 * The judge is the host's own snprintf(), for every conversion print.h promises. */
#include "print.h"
#include "hex.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define SAME(...) do { \
    char ours[100], theirs[100]; \
    int n = print_text(ours, sizeof ours, __VA_ARGS__); \
    snprintf(theirs, sizeof theirs, __VA_ARGS__); \
    assert_string_equal(ours, theirs); \
    assert_int_equal(n, strlen(theirs)); \
} while (0)

static void text_is_what_printf_would_write(void **state)
{
    (void)state;
    SAME("plain");
    SAME("%s|%8s|%-8s|%2s", "abc", "abc", "abc", "abc");
    SAME("%d %d %d %d", 0, 1, -1, 2147483647);
    SAME("%d", -2147483647 - 1);
    SAME("%u %u", 0u, 4294967295u);
    SAME("%lu %lx %ld", 4294967295ul, 0xDEADBEEFul, -5l);
    SAME("%x %08x %8x %-8x|", 0xABCu, 0xABCu, 0xABCu, 0xABCu);
    SAME("%05u|%5u|%-5u|", 42u, 42u, 42u);
    SAME("%c%c%%", 'a', 'Z');
}

static void text_is_cut_off_at_the_size(void **state)
{
    char text[8];
    (void)state;

    memset(text, '?', sizeof text);
    assert_int_equal(print_text(text, 5, "%s", "abcdefgh"), 4);
    assert_string_equal(text, "abcd");
    assert_int_equal(text[5], '?');
    assert_int_equal(print_text(text, 1, "%08x", 1u), 0);
    assert_string_equal(text, "");
}

static void a_percent_at_the_end_is_no_way_out_of_the_format(void **state)
{
    static const char *volatile format = "abc%";      /* the compiler shall not check it */
    char text[8];
    (void)state;

    print_text(text, sizeof text, format, 0);
    assert_string_equal(text, "abc");
}

static struct scan of(const char *text)
{
    return (struct scan){ (const uint8_t *)text, (const uint8_t *)text + strlen(text),
                          false };
}

static void scan_takes_numbers_and_marks_what_is_none(void **state)
{
    static const struct { const char *text; uint32_t value; bool good; } cases[] = {
        { "0", 0, true }, { "ffffffff", 0xFFFFFFFF, true }, { "1", 1, true },
        { "DeadBeef", 0xDEADBEEF, true }, { "0000000000012", 0x12, true },
        { "100000000", 0, false }, { "", 0, false }, { "g", 0, false }, { "1g", 1, false },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scan s = of(cases[i].text);
        uint32_t value = scan_hex(&s);
        assert_int_equal(scan_done(&s), cases[i].good);
        if (cases[i].good)
            assert_int_equal(value, cases[i].value);
    }
}

static void scan_takes_bytes_in_pairs_only(void **state)
{
    uint8_t bytes[4] = { 0 };
    struct scan s = of("01fFz0");
    (void)state;

    scan_bytes(&s, bytes, 2);
    assert_false(s.bad);
    assert_int_equal(bytes[1], 0xFF);
    scan_bytes(&s, bytes, 1);
    assert_true(s.bad);
    s = of("012");
    scan_bytes(&s, bytes, 2);
    assert_true(s.bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_what_printf_would_write),
        cmocka_unit_test(text_is_cut_off_at_the_size),
        cmocka_unit_test(a_percent_at_the_end_is_no_way_out_of_the_format),
        cmocka_unit_test(scan_takes_numbers_and_marks_what_is_none),
        cmocka_unit_test(scan_takes_bytes_in_pairs_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
