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
    int status = stats_exit_status(gdb->board);

    (void)state;
    rsp_power_off(gdb);
    return status;
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
    assert_says("00 F0", "00 02 31 01");
    assert_says("00 FE", "00 01 08");
    assert_says("00 FF", "00 02 40 00");
    assert_says("00 F1", "00 04 00 A2 4A 04");          /* 72 MHz */
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, power_on, power_off)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(info_tells_what_it_is),
        TEST(memory_is_read_and_written_at_any_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
