/* non_stop.c - gdb's non-stop mode, packet by packet: is each resume answered at once, and each
 * stop told once, as a notification?
 *
 * Source: GDB manual E, "Notification Packets", "Remote Non-Stop". */
#include "rsp_client.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { GDB, RAM = 0x20000000 };

static struct rsp *rsp;
static char came[4096];

/* All that comes in so many milliseconds. */
static const char *listen(double ms)
{
    rsp_listen(rsp, GDB, ms, came, sizeof came);
    return came;
}

static const char *ask(const char *packet)
{
    rsp_send(rsp, packet, (int)strlen(packet));
    return listen(5);
}

/* A loop in RAM, with a NOP to set a breakpoint on. */
static int start(const char *chip)
{
    static const uint16_t loop[] = { 0x3001, 0xBF00, 0xE7FC };
    rsp = rsp_power_on(chip);
    assert_true(rsp_attach(rsp));
    assert_true(rsp_write(rsp, RAM, loop, sizeof loop));
    rsp_ask(rsp, "Pf=00000020");
    assert_string_equal(rsp_ask(rsp, "QNonStop:1"), "OK");
    return 0;
}

static int stm32f103(void **state) { (void)state; return start("stm32f103"); }
static int samd21(void **state) { (void)state; return start("samd21"); }

static int power_off(void **state)
{
    (void)state;
    return rsp_power_off(rsp);
}

#define OK_ONLY "$OK#9a"

/* The answer, and behind it one notification. */
static void assert_stops(const char *packet, const char *why)
{
    char begin[64];
    snprintf(begin, sizeof begin, OK_ONLY "%%Stop:%s", why);
    rsp_send(rsp, packet, (int)strlen(packet));
    assert_memory_equal(listen(60), begin, strlen(begin));
    assert_null(strstr(came + strlen(begin), "Stop"));
}

static void a_resume_is_answered_at_once_and_a_stop_is_a_notification(void **state)
{
    (void)state;
    assert_string_equal(ask("vCont;c"), OK_ONLY);
    assert_string_equal(listen(100), "");
    assert_string_equal(ask("?"), OK_ONLY);             /* nothing stands still */
    assert_memory_equal(ask("m20000000,4"), "$013000bf#", 10);
    assert_memory_equal(ask("g"), "$E", 2);
    assert_stops("Z0,20000002,2", "T05");
    assert_string_equal(ask("vStopped"), OK_ONLY);
    assert_memory_equal(ask("?"), "$T05", 4);
    assert_string_equal(ask("vStopped"), OK_ONLY);
    assert_string_equal(ask("z0,20000002,2"), OK_ONLY);
    assert_stops("vCont;s:p1.1", "T05");
}

static void a_stop_that_gdb_asks_for_has_no_signal(void **state)
{
    (void)state;
    ask("vCont;c");
    assert_stops("vCont;t:p1.1", "T00");
    assert_string_equal(ask("vStopped"), OK_ONLY);
    assert_stops("vCont;t:p1.1", "T00");                /* it stands still */
    assert_string_equal(listen(100), "");
}

static void packets_in_an_absurd_order_are_answered(void **state)
{
    (void)state;
    assert_string_equal(ask("vStopped"), OK_ONLY);      /* nothing was told */
    assert_string_equal(ask("vCont;c"), OK_ONLY);
    assert_string_equal(ask("vCont;c"), OK_ONLY);
    assert_string_equal(ask("QNonStop:1"), OK_ONLY);
    assert_string_equal(ask("vStopped"), OK_ONLY);
    assert_string_equal(listen(100), "");
    assert_string_equal(ask("vCont;s:p1.1"), OK_ONLY);  /* it runs: nothing to step */
    assert_string_equal(ask("vCont;r20000000,20000002:p1.1"), OK_ONLY);
    assert_string_equal(ask("s"), OK_ONLY);
    assert_string_equal(listen(100), "");
    assert_false(rsp->board->target->cpu->halted);
    assert_stops("vCont;t", "T00");
    assert_memory_equal(ask("vCont;q"), "$E", 2);
    assert_memory_equal(ask("QNonStop:x"), "$E", 2);
}

static void a_target_that_is_lost_is_told(void **state)
{
    (void)state;
    ask("vCont;c");
    board_power_target(rsp->board, false);
    assert_memory_equal(listen(1500), "%Stop:X1D", 9);
    assert_null(strstr(came + 1, "%"));
    assert_null(strstr(came, "$O"));                    /* nobody waits for text */
    assert_string_equal(ask("vStopped"), OK_ONLY);
    assert_string_equal(ask("?"), OK_ONLY);
}

static void who_comes_next_finds_all_stop(void **state)
{
    (void)state;
    ask("vCont;c");
    cdc_host_open(rsp->cdc, GDB, false);
    board_run_ms(rsp->board, 100);
    cdc_host_open(rsp->cdc, GDB, true);
    board_run_ms(rsp->board, 20);
    rsp->no_ack = false;
    assert_true(rsp_attach(rsp));
    rsp_send(rsp, "vCont;c", 7);
    assert_string_equal(listen(50), "");
    rsp_send_raw(rsp, "\003", 1);
    assert_memory_equal(listen(50), "$T02", 4);
}

int main(void)
{
#define ON(chip, test) cmocka_unit_test_setup_teardown(test, chip, power_off)
    const struct CMUnitTest tests[] = {
        ON(stm32f103, a_resume_is_answered_at_once_and_a_stop_is_a_notification),
        ON(samd21, a_resume_is_answered_at_once_and_a_stop_is_a_notification),
        ON(stm32f103, a_stop_that_gdb_asks_for_has_no_signal),
        ON(stm32f103, packets_in_an_absurd_order_are_answered),
        ON(stm32f103, a_target_that_is_lost_is_told),
        ON(samd21, a_target_that_is_lost_is_told),
        ON(stm32f103, who_comes_next_finds_all_stop),
    };
    return cmocka_run_group_tests_name("non-stop", tests, NULL, NULL);
}
