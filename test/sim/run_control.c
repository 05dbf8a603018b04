/* run_control.c - does run control do what gdb takes for granted, at every moment?
 *
 * Ctrl-C in the middle of gdb's own steps, watchpoints, interrupts under `next`.  The host
 * sends what gdb sends; programs run on both chips, in simulated time. */
#include "rsp_client.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { RAM = 0x20000000 };

static struct rsp *rsp;
static struct chip *target;

static int power_on(const char *name)
{
    rsp = rsp_power_on(name);
    target = rsp->board->target;
    return rsp_attach(rsp) ? 0 : -1;
}

static int samd21(void **state) { (void)state; return power_on("samd21"); }
static int stm32f103(void **state) { (void)state; return power_on("stm32f103"); }

static int power_off(void **state)
{
    (void)state;
    return rsp_power_off(rsp);
}

/* --- words ------------------------------------------------------------------------------- */

static int signal_of(const char *reply)
{
    return reply[0] == 'T' ? (int)strtol((char[]){ reply[1], reply[2], 0 }, NULL, 16) : -1;
}

/* The next answer, text for the user aside. */
static const char *answer(void)
{
    do {
        if (!rsp_receive(rsp, 2000))
            return "nothing";
    } while (rsp->reply[0] == 'O');
    return rsp->reply;
}

static const char *resume_and_press(const char *resume, double after_ms)
{
    rsp_send(rsp, resume, (int)strlen(resume));
    board_run_ms(rsp->board, after_ms);
    rsp_send_raw(rsp, "\x03", 1);
    return answer();
}

/* --- Ctrl-C ------------------------------------------------------------------------------ */

/* 1: adds r0, #1; b 1b */
static void start_loop(void)
{
    static const uint8_t loop[] = { 0x01, 0x30, 0xFD, 0xE7 };

    assert_true(rsp_write(rsp, RAM, loop, sizeof loop));
    rsp_ask(rsp, "Pf=00000020");
}

static void assert_pc_stays(const char *resume)
{
    char before[16];

    snprintf(before, sizeof before, "%s", rsp_ask(rsp, "pf"));
    rsp_send_raw(rsp, "\x03", 1);
    board_run_ms(rsp->board, 7);
    assert_int_equal(signal_of(rsp_ask(rsp, "%s", resume)), 2);
    assert_string_equal(rsp_ask(rsp, "pf"), before);
}

static void ctrl_c_while_it_stands_still_ends_the_next_resume(void **state)
{
    (void)state;
    start_loop();
    assert_pc_stays("vCont;c");
    assert_pc_stays("vCont;s:1");
    assert_pc_stays("vCont;r20000000,20000010:1");
    assert_int_equal(signal_of(rsp_ask(rsp, "vCont;s:1")), 5);
    assert_int_equal(signal_of(resume_and_press("vCont;c", 5)), 2);
}

/* What gdb does at a breakpoint whose condition is false: it steps over it. */
static int over_breakpoint(void)
{
    rsp_ask(rsp, "m%x,4", RAM);
    rsp_ask(rsp, "z0,%x,2", RAM + 2);
    int signal = signal_of(rsp_ask(rsp, "vCont;s:1"));
    rsp_ask(rsp, "Z0,%x,2", RAM + 2);
    return signal;
}

static void every_ctrl_c_ends_a_loop_over_a_condition(void **state)
{
    (void)state;
    start_loop();
    rsp_ask(rsp, "Z0,%x,2", RAM + 2);
    for (int i = 0; i < 60; i++) {
        int signal = signal_of(resume_and_press("vCont;c", 0.031 * i));
        if (signal == 5)                /* it came too late for this one */
            signal = over_breakpoint();
        if (signal != 2)
            fail_msg("Ctrl-C %d is lost: %s", i, rsp->reply);
        if (over_breakpoint() != 5)
            fail_msg("Ctrl-C %d counts twice: %s", i, rsp->reply);
    }
}

/* A watchpoint without a comparator. */
static void every_ctrl_c_ends_a_loop_of_steps(void **state)
{
    (void)state;
    start_loop();
    for (int i = 0; i < 60; i++) {
        if (signal_of(resume_and_press("vCont;s:1", 0.031 * i)) != 2 &&
            signal_of(rsp_ask(rsp, "vCont;s:1")) != 2)
            fail_msg("Ctrl-C %d is lost: %s", i, rsp->reply);
        if (signal_of(rsp_ask(rsp, "vCont;s:1")) != 5)
            fail_msg("Ctrl-C %d counts twice: %s", i, rsp->reply);
    }
}

/* --- watchpoints ------------------------------------------------------------------------- */

enum { WATCHED = RAM + 0x100 };

/* movs r0, #11; str r0, [r1]; movs r0, #22; str r0, [r1]; str r2, [r1]; bx lr; b . */
static void start_stores(void)
{
    static const uint8_t code[] = { 0x0B, 0x20, 0x08, 0x60, 0x16, 0x20, 0x08, 0x60,
                                    0x0A, 0x60, 0x70, 0x47, 0xFE, 0xE7 };

    assert_true(rsp_write(rsp, RAM, code, sizeof code));
    assert_true(rsp_write(rsp, WATCHED, "\5\0\0", 4));
    rsp_ask(rsp, "P1=%08x", __builtin_bswap32(WATCHED));
    rsp_ask(rsp, "P2=21000000");
    rsp_ask(rsp, "Pe=%08x", __builtin_bswap32(RAM + 13));
    rsp_ask(rsp, "Pf=%08x", __builtin_bswap32(RAM));
}

static uint32_t pc(void)
{
    return __builtin_bswap32((uint32_t)strtoul(rsp_ask(rsp, "pf"), NULL, 16)) - RAM;
}

static void assert_watch_hit(const char *resume, uint32_t at)
{
    assert_memory_equal(rsp_ask(rsp, "%s", resume), "T05watch:20000100;", 18);
    assert_int_equal(pc(), at);
}

/* What gdb does at a watchpoint: it holds that the store is still to come. */
static uint32_t watched_by_gdb(const char *resume, uint32_t at)
{
    uint32_t value = 0;

    assert_watch_hit(resume, at);
    rsp_ask(rsp, "z2,%x,4", WATCHED);
    assert_memory_equal(rsp_ask(rsp, "vCont;s:1"), "T05thread", 9);
    assert_int_equal(pc(), at);
    assert_true(rsp_read(rsp, WATCHED, &value, 4));
    rsp_ask(rsp, "Z2,%x,4", WATCHED);
    return value;
}

static void gdb_sees_each_store_of_several_in_a_row(void **state)
{
    (void)state;
    start_stores();
    rsp_ask(rsp, "Z2,%x,4", WATCHED);
    assert_int_equal(watched_by_gdb("vCont;c", 4), 11);
    assert_int_equal(watched_by_gdb("vCont;c", 8), 22);
    assert_int_equal(watched_by_gdb("vCont;s:1", 10), 33);      /* the last one, before bx lr */
    assert_int_equal(signal_of(rsp_ask(rsp, "vCont;s:1")), 5);
    assert_int_equal(pc(), 12);
}

/* And so does a step whose watchpoint stays, or that is not the first. */
static void any_other_step_after_a_watchpoint_is_a_step(void **state)
{
    (void)state;
    start_stores();
    rsp_ask(rsp, "Z2,%x,4", WATCHED);
    assert_watch_hit("vCont;c", 4);
    rsp_ask(rsp, "vCont;s:1");
    assert_int_equal(pc(), 6);
    assert_int_equal(watched_by_gdb("vCont;r20000006,20000008:1", 8), 22);
    rsp_ask(rsp, "z2,%x,4", WATCHED);
    rsp_ask(rsp, "vCont;s:1");
    assert_int_equal(pc(), 10);
    rsp_ask(rsp, "vCont;s:1");
    assert_int_equal(pc(), 12);
}

static void a_run_anew_forgets_the_watchpoint(void **state)
{
    (void)state;
    start_stores();
    rsp_ask(rsp, "Z2,%x,4", WATCHED);
    assert_watch_hit("vCont;c", 4);
    rsp_ask(rsp, "z2,%x,4", WATCHED);
    assert_int_equal(rsp_ask(rsp, "vRun;")[0], 'T');
    start_stores();
    rsp_ask(rsp, "vCont;s:1");
    assert_int_equal(pc(), 2);
}

/* Versions differ in what they hold without it. */
static void lldb_is_told_that_the_access_is_done_and_steps_are_steps(void **state)
{
    (void)state;
    assert_string_equal(rsp_ask(rsp, "QEnableErrorStrings"), "OK");
    assert_non_null(strstr(rsp_ask(rsp, "qHostInfo"), ";watchpoint_exceptions_received:after;"));
    start_stores();
    rsp_ask(rsp, "Z2,%x,4", WATCHED);
    assert_watch_hit("vCont;c", 4);
    rsp_ask(rsp, "z2,%x,4", WATCHED);
    rsp_ask(rsp, "vCont;s:1");
    assert_int_equal(pc(), 6);
}

#define ONE(chip, name) { #chip ": " #name, name, chip, power_off, NULL }
#define BOTH(name) ONE(samd21, name), ONE(stm32f103, name)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        BOTH(ctrl_c_while_it_stands_still_ends_the_next_resume),
        BOTH(every_ctrl_c_ends_a_loop_over_a_condition),
        BOTH(every_ctrl_c_ends_a_loop_of_steps),
        BOTH(gdb_sees_each_store_of_several_in_a_row),
        BOTH(any_other_step_after_a_watchpoint_is_a_step),
        BOTH(a_run_anew_forgets_the_watchpoint),
        BOTH(lldb_is_told_that_the_access_is_done_and_steps_are_steps),
    };
    if (argc > 1)                       /* some of them */
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
