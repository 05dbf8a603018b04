/* test_print.c - does print_list() write what printf() would?
 *
 * The judge is the host's own snprintf(), for every conversion print.h promises.  And the
 * scanner of hex.c: packets' forms, their numbers, their bytes. */
#include "print.h"
#include "hex.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static char ours[100];
static size_t length;

static void put(char c)
{
    assert_true(length < sizeof ours - 1);
    ours[length++] = c;
    ours[length] = '\0';
}

static void print(const char *format, ...)
{
    va_list list;

    length = 0;
    ours[0] = '\0';
    va_start(list, format);
    print_list(put, format, list);
    va_end(list);
}

#define SAME(...) do { \
    char theirs[100]; \
    print(__VA_ARGS__); \
    snprintf(theirs, sizeof theirs, __VA_ARGS__); \
    assert_string_equal(ours, theirs); \
} while (0)

static void text_is_what_printf_would_write(void **state)
{
    (void)state;
    SAME("plain");
    SAME("%s|%8s|%-8s|%2s", "abc", "abc", "abc", "abc");
    SAME("%u %u %u", 0u, 1u, 4294967295u);
    SAME("%x %08x %8x %-8x|", 0xABCu, 0xABCu, 0xABCu, 0xABCu);
    SAME("%05u|%5u|%-5u|", 42u, 42u, 42u);
    SAME("%c%c%%", 'a', 'Z');
}

static void a_percent_at_the_end_is_no_way_out_of_the_format(void **state)
{
    (void)state;
    print("abc%", 0);
    assert_string_equal(ours, "abc");
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

/* What a packet makes of a pattern: 'n' is another packet, 'b' has bad fields. */
static char verdict(const char *pattern, const char *packet, uint32_t *numbers)
{
    struct scan s = of(packet);

    if (!scan_pattern(&s, pattern, numbers))
        return 'n';
    return s.bad ? 'b' : 'y';
}

static void pattern_tells_other_packets_from_bad_ones(void **state)
{
    static const struct { const char *pattern, *packet; char verdict; } cases[] = {
        { "g", "g", 'y' }, { "g", "gg", 'n' }, { "g", "", 'n' }, { "", "", 'y' },
        { "G*", "G", 'y' }, { "G*", "G1", 'y' }, { "G*", "H", 'n' },
        { "m#,#", "m1,2", 'y' }, { "m#,#", "M1,2", 'n' }, { "m#,#", "m", 'b' },
        { "m#,#", "m1", 'b' }, { "m#,#", "m1,", 'b' }, { "m#,#", "m1,2x", 'b' },
        { "m#,#", "m1;2", 'b' }, { "X#,#:*", "X1,2:", 'y' }, { "X#,#:*", "X1,2", 'b' },
        { "m#,#", "m123456789,2", 'b' }, { "qCRC:#,#", "qCR", 'n' },
    };
    uint32_t numbers[2];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(verdict(cases[i].pattern, cases[i].packet, numbers),
                         cases[i].verdict);
    assert_int_equal(verdict("m#,#", "m20000000,1F", numbers), 'y');
    assert_int_equal(numbers[0], 0x20000000);
    assert_int_equal(numbers[1], 0x1F);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_what_printf_would_write),
        cmocka_unit_test(a_percent_at_the_end_is_no_way_out_of_the_format),
        cmocka_unit_test(scan_takes_numbers_and_marks_what_is_none),
        cmocka_unit_test(scan_takes_bytes_in_pairs_only),
        cmocka_unit_test(pattern_tells_other_packets_from_bad_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
