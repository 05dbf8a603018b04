/* watch.c - does `monitor watch` say the values of variables while the program runs?
 *
 * Lines in Teleplot's form on the second port, with gdb attached, and without any. */
#include "rsp_client.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { GDB, SECOND, RAM = 0x20000000, VALUE = RAM + 0x100 };

static struct rsp *rsp;
static char came[100000];

static const char *listen(double ms)
{
    rsp_listen(rsp, SECOND, ms, came, sizeof came);
    return came;
}

static int lines(void)
{
    int count = 0;
    for (const char *c = came; *c; c++)
        count += *c == '\n';
    return count;
}

/* A loop that counts in RAM. */
static int start(const char *chip)
{
    static const uint16_t loop[] = { 0x3001, 0x6008, 0xE7FC };      /* adds, str, b */
    rsp = rsp_power_on(chip);
    cdc_host_open(rsp->cdc, SECOND, true);
    assert_true(rsp_attach(rsp));
    assert_true(rsp_write(rsp, RAM, loop, sizeof loop));
    char packet[32];
    snprintf(packet, sizeof packet, "P1=%08x", __builtin_bswap32(VALUE + 64));
    rsp_ask(rsp, "%s", packet);
    rsp_ask(rsp, "Pf=00000020");
    listen(20);
    return 0;
}

static int stm32f103(void **state) { (void)state; return start("stm32f103"); }
static int samd21(void **state) { (void)state; return start("samd21"); }

static int power_off(void **state)
{
    (void)state;
    return rsp_power_off(rsp);
}

static void says(const char *type, uint32_t value, const char *line)
{
    char command[64];
    assert_true(rsp_write(rsp, VALUE, &value, 4));
    rsp_monitor(rsp, "watch clear");
    listen(20);
    snprintf(command, sizeof command, "watch x 0x%x %s 100", (unsigned)VALUE, type);
    assert_string_equal(rsp_monitor(rsp, command), "");
    listen(25);
    assert_memory_equal(came, line, strlen(line));
}

static void each_type_is_read_as_what_it_is(void **state)
{
    static const struct { const char *type; uint32_t value; const char *line; } values[] = {
        { "u8", 0x12345680, ">x:128\r\n" }, { "i8", 0x12345680, ">x:-128\r\n" },
        { "i8", 0x1234567F, ">x:127\r\n" }, { "u16", 0x1234FFFF, ">x:65535\r\n" },
        { "i16", 0x1234FFFF, ">x:-1\r\n" }, { "i16", 0x12347FFF, ">x:32767\r\n" },
        { "u32", 0xFFFFFFFF, ">x:4294967295\r\n" }, { "i32", 0x80000000, ">x:-2147483648\r\n" },
        { "i32", 0, ">x:0\r\n" }, { "i32", 0xFFFFFFFF, ">x:-1\r\n" },
    };
    (void)state;
    for (unsigned i = 0; i < sizeof values / sizeof *values; i++)
        says(values[i].type, values[i].value, values[i].line);
}

/* As the host's own library reads and writes them, to six decimals or seven digits. */
static void floats_are_decimals(void **state)
{
    static const float values[] = {
        0.0f, 1.0f, -1.5f, 3.1415927f, 0.000001f, -0.1f, 1e-20f, 123456.789f, 16777216.0f,
        1e9f, -4e9f, 1e15f, 3.4e38f, 1e-45f, 0.999999f,
    };
    (void)state;
    for (unsigned i = 0; i < sizeof values / sizeof *values; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], 4);
        says("f32", bits, ">x:");
        double said = atof(came + 3);
        assert_true(fabs(said - (double)values[i]) <= 1.1e-6 + 3e-7 * fabs((double)values[i]));
    }
    says("f32", 0x7F800000, ">x:nan\r\n");
    says("f32", 0x7FC00000, ">x:nan\r\n");
}

static void it_goes_on_while_the_program_runs_at_the_rate_that_was_asked_for(void **state)
{
    (void)state;
    rsp_monitor(rsp, "watch slow 0x20000140 u32 50");
    rsp_send(rsp, "vCont;c", 7);
    listen(50);
    listen(1000);
    assert_in_range(lines(), 49, 51);
    uint32_t last = 0;
    for (const char *at = came; (at = strstr(at, ">slow:")); at++) {
        uint32_t value = (uint32_t)strtoul(at + 6, NULL, 10);
        assert_true(value > last);
        last = value;
    }
    assert_false(rsp->board->target->cpu->halted);
}

static void eight_values_a_thousand_times_a_second(void **state)
{
    char command[64];
    (void)state;
    for (int i = 0; i < 8; i++) {
        snprintf(command, sizeof command, "watch value%d 0x20000140 u32 1000", i);
        assert_string_equal(rsp_monitor(rsp, command), "");
    }
    assert_non_null(strstr(rsp_monitor(rsp, "watch ninth 0x20000140 u32"), "Usage"));
    rsp_send(rsp, "vCont;c", 7);
    listen(50);
    listen(500);
    assert_in_range(lines(), 8 * 480, 8 * 520);
    for (char *at = strchr(came, '\n'), *next; at && (next = strchr(at + 1, '\n')); at = next)
        assert_true(at[1] == '>' && next[-1] == '\r' && memchr(at, ':', (size_t)(next - at)));
}

static void no_gdb_is_needed(void **state)
{
    (void)state;
    rsp_monitor(rsp, "watch x 0x20000140 u32 100");
    assert_string_equal(rsp_ask(rsp, "D"), "OK");
    cdc_host_open(rsp->cdc, GDB, false);
    listen(1500);
    listen(500);
    assert_in_range(lines(), 45, 51);
    assert_false(rsp->board->target->cpu->halted);
    cdc_host_open(rsp->cdc, GDB, true);
    rsp->no_ack = false;
    board_run_ms(rsp->board, 20);
    assert_true(rsp_attach(rsp));
    rsp_monitor(rsp, "watch clear");
    listen(20);
    assert_string_equal(listen(100), "");
}

static void what_it_does_not_understand_is_misuse(void **state)
{
    static const char *const misused[] = {
        "watch", "watch x", "watch x 0x20000100", "watch x y u8", "watch x 0x20000100 u",
        "watch x 0x20000100 u24", "watch x 0x20000100 u64", "watch x 0x20000100 u0",
        "watch x 0x20000100 f16", "watch x 0x20000100 x8", "watch x 0x20000101 u16",
        "watch x 0x20000102 u32", "watch x 0x20000100 u8 0", "watch x 0x20000100 u8 1001",
        "watch x 0x20000100 u8 z", "watch abcdefghijkl 0x20000100 u8", "watch clear now",
    };
    (void)state;
    for (unsigned i = 0; i < sizeof misused / sizeof *misused; i++)
        if (!strstr(rsp_monitor(rsp, misused[i]), "Usage"))
            fail_msg("%s: %s", misused[i], rsp->console);
    assert_string_equal(listen(300), "");
    rsp_monitor(rsp, "watch abcdefghijk 0x20000100 u8");
    assert_memory_equal(listen(150), ">abcdefghijk:", 13);
}

/* An address that nobody has says nothing, and does no harm to the others. */
static void memory_that_is_not_there_says_nothing(void **state)
{
    (void)state;
    rsp_monitor(rsp, "watch bad 0x90000000 u32 100");
    rsp_monitor(rsp, "watch good 0x20000140 u32 100");
    rsp_send(rsp, "vCont;c", 7);
    listen(500);
    assert_null(strstr(came, "bad"));
    assert_in_range(lines(), 45, 51);
}

int main(void)
{
#define ON(chip, test) cmocka_unit_test_setup_teardown(test, chip, power_off)
    const struct CMUnitTest tests[] = {
        ON(stm32f103, each_type_is_read_as_what_it_is),
        ON(samd21, each_type_is_read_as_what_it_is),
        ON(stm32f103, floats_are_decimals),
        ON(stm32f103, it_goes_on_while_the_program_runs_at_the_rate_that_was_asked_for),
        ON(samd21, it_goes_on_while_the_program_runs_at_the_rate_that_was_asked_for),
        ON(stm32f103, eight_values_a_thousand_times_a_second),
        ON(stm32f103, no_gdb_is_needed),
        ON(stm32f103, what_it_does_not_understand_is_misuse),
        ON(stm32f103, memory_that_is_not_there_says_nothing),
    };
    return cmocka_run_group_tests_name("watched values", tests, NULL, NULL);
}
