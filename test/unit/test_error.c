/* test_error.c - has every error its own words?  They are one list without names. */
#include "error.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void words_stand_in_the_order_of_the_list(void **state)
{
    static const struct { int error; const char *word; } rows[] = {
        { OK, "done" }, { ERR_NO_ANSWER, "no answer" }, { ERR_WAIT, "stuck" },
        { ERR_FAULT, "refused" }, { ERR_PARITY, "damaged" }, { ERR_PROTOCOL, "damaged" },
        { ERR_LOST, "lost" }, { ERR_NO_TARGET, "no target" }, { ERR_RUNNING, "running" },
        { ERR_TIMEOUT, "in time" }, { ERR_LOCKED, "locked" }, { ERR_PROTECTED, "protected" },
        { ERR_RANGE, "outside" }, { ERR_ALIGNMENT, "blocks" }, { ERR_ERASE, "erase" },
        { ERR_PROGRAM, "write" }, { ERR_VERIFY, "differently" },
        { ERR_RESOURCES, "comparator" }, { ERR_UNSUPPORTED, "cannot" },
        { ERR_WIRE_TAKEN, "CMSIS-DAP" }, { ERR_BUSY, "busy" },
        { ERR_READ_ONLY, "monitor option" },
        { ERR_FLASH_END, "ends before" }, { ERR_ALIAS, "BOOT0" }, { ERR_REFUSED, "refused: it locks" },
        { ERR_INDEX, "monitor targets" },
    };
    (void)state;
    assert_int_equal(sizeof rows / sizeof rows[0], ERR_COUNT);
    for (int i = 0; i < ERR_COUNT; i++) {
        assert_int_equal(rows[i].error, i);
        assert_non_null(strstr(error_text(i), rows[i].word));
    }
}

static void a_number_that_is_no_error_has_words_too(void **state)
{
    static const int numbers[] = { -1, ERR_COUNT, ERR_COUNT + 1, INT32_MAX, INT32_MIN };
    (void)state;
    for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        assert_string_equal(error_text(numbers[i]), "unknown error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_stand_in_the_order_of_the_list),
        cmocka_unit_test(a_number_that_is_no_error_has_words_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
