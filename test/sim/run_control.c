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

/* --- interrupts while stepping ------------------------------------------------------------ */

enum { TICKS = RAM + 0x100, ICSR = 0xE000ED04, SYSTICK = 0xE000E010 };
enum { WAIT = 0x40, WAIT_END = 0x46, NOPS = 0x48, BUMP = 0x60, BUMPED = 0x68,
       TICK = 0x80, TICKED = 0x86 };

static const uint16_t waiter[] = {
    [0x40 / 2] = 0x680B,            /* wait:  ldr  r3, [r1] */
                 0x4283,            /*        cmp  r3, r0 */
                 0xD0FC,            /*        beq  wait */
                 0xBF00, 0xBF00, 0xBF00, 0xBF00, 0xBF00, 0xBF00, 0xBF00, 0xBF00, 0xBF00,
                 0xBF00, 0xBF00, 0xBF00,
                 0xE7FE,            /*        b    . */
    [0x60 / 2] = 0x4A0B,            /* bump:  ldr  r2, =TICKS */
                 0x6813,            /*        ldr  r3, [r2] */
                 0x3301,            /*        adds r3, #1 */
                 0x6013,            /*        str  r3, [r2] */
                 0x4770,            /*        bx   lr */
    [0x80 / 2] = 0xB510,            /* tick:  push {r4, lr} */
                 0xF7FF, 0xFFED,    /*        bl   bump */
                 0xBD10,            /*        pop  {r4, pc} */
    [0x90 / 2] = 0x0100, 0x2000,
};

static uint32_t base;

static void put_word(uint32_t address, uint32_t value)
{
    assert_string_equal(rsp_ask(rsp, "M%x,4:%08x", address, __builtin_bswap32(value)), "OK");
}

static uint32_t ticks(void)
{
    uint32_t value = 0;

    assert_true(rsp_read(rsp, TICKS, &value, 4));
    return value;
}

static void pend_systick(void) { put_word(ICSR, 1 << 26); }

/* Waits for ticks at TICKS; code from flash, r0 and r1 as it needs them. */
static void start_waiter(void)
{
    base = target->flash_base;
    memcpy(target->flash, waiter, sizeof waiter);
    const uint32_t vectors[4] = { RAM + 0x800, base + WAIT + 1, 0, base + WAIT + 1 };
    memcpy(target->flash, vectors, sizeof vectors);
    const uint32_t tick = base + TICK + 1;
    memcpy(target->flash + 0x3C, &tick, 4);
    rsp_monitor(rsp, "reset");
    put_word(TICKS, 0);
    rsp_ask(rsp, "P0=00000000");
    rsp_ask(rsp, "P1=%08x", __builtin_bswap32(TICKS));
}

static void go_to(uint32_t offset)
{
    rsp_ask(rsp, "Pf=%08x", __builtin_bswap32(base + offset));
}

static void assert_steps_to(uint32_t offset)
{
    if (signal_of(rsp_ask(rsp, "vCont;s:1")) != 5)
        fail_msg("a step: %s", rsp->reply);
    assert_int_equal(pc() + RAM - base, offset);
}

static void start_systick(uint32_t cycles)
{
    put_word(SYSTICK + 4, cycles - 1);
    put_word(SYSTICK + 8, 0);
    put_word(SYSTICK, 7);
}

static void next_over_a_wait_for_an_interrupt_ends(void **state)
{
    (void)state;
    start_waiter();
    start_systick(2000);
    rsp_send(rsp, "vCont;s:1", 9);
    assert_int_equal(signal_of(answer()), 5);
    for (int i = 0; i < 3; i++) {
        char packet[60];
        snprintf(packet, sizeof packet, "vCont;r%x,%x:1", base + WAIT, base + WAIT_END);
        rsp_send(rsp, packet, (int)strlen(packet));
        assert_int_equal(signal_of(answer()), 5);
        assert_int_equal(pc() + RAM - base, WAIT_END);
        assert_int_equal(ticks(), i + 1);
        rsp_ask(rsp, "P0=%02x000000", i + 1);
        go_to(WAIT);
    }
}

static void single_steps_over_a_wait_for_an_interrupt_end(void **state)
{
    uint32_t at = 0;

    (void)state;
    start_waiter();
    start_systick(500);
    for (int i = 0; i < 1000 && at != WAIT_END; i++) {
        assert_int_equal(signal_of(rsp_ask(rsp, "vCont;s:1")), 5);
        at = pc() + RAM - base;
        assert_in_range(at, WAIT, WAIT_END);
    }
    assert_int_equal(at, WAIT_END);
}

static void a_step_ends_at_the_next_instruction_and_the_interrupt_has_run(void **state)
{
    (void)state;
    start_waiter();
    go_to(NOPS);
    for (uint32_t i = 1; i <= 6; i++) {
        pend_systick();
        assert_steps_to(NOPS + 2 * i);
        assert_int_equal(ticks(), i);
    }
    assert_steps_to(NOPS + 14);
    assert_int_equal(ticks(), 6);
}

/* FPB revision 1 has no breakpoints there. */
static void so_does_a_step_in_ram(void **state)
{
    static const uint8_t nops[] = { 0, 0xBF, 0, 0xBF, 0, 0xBF, 0, 0xBF };

    (void)state;
    start_waiter();
    assert_true(rsp_write(rsp, RAM, nops, sizeof nops));
    base = RAM;
    go_to(0);
    for (uint32_t i = 1; i <= 3; i++) {
        pend_systick();
        assert_steps_to(2 * i);
        assert_int_equal(ticks(), i);
    }
}

static void so_does_a_step_with_all_comparators_in_use(void **state)
{
    int used = 0;

    (void)state;
    start_waiter();
    go_to(NOPS);
    while (strcmp(rsp_ask(rsp, "Z1,%x,2", base + 0x200 + 4 * (uint32_t)used), "OK") == 0)
        used++;
    assert_int_equal(used, base ? 6 : 4);
    for (uint32_t i = 1; i <= 3; i++) {
        pend_systick();
        assert_steps_to(NOPS + 2 * i);
        assert_int_equal(ticks(), i);
    }
}

/* And where the users' own breakpoints are, they stay. */
static void the_users_breakpoints_outlive_it(void **state)
{
    (void)state;
    start_waiter();
    for (uint32_t i = 0; i < 2; i++) {
        go_to(NOPS + 4 + 2 * i);
        rsp_ask(rsp, "Z1,%x,2", base + NOPS + 4);
        pend_systick();
        rsp_ask(rsp, "vCont;s:1");
        assert_int_equal(ticks(), 1);
        go_to(NOPS);
        assert_int_equal(signal_of(rsp_ask(rsp, "vCont;c")), 5);
        assert_int_equal(pc() + RAM - base, NOPS + 4);
        put_word(TICKS, 0);
    }
}

/* The handler calls the function that is being stepped. */
static void a_handler_may_come_by_the_same_place(void **state)
{
    (void)state;
    start_waiter();
    go_to(BUMP);
    rsp_ask(rsp, "Pe=%08x", __builtin_bswap32(base + NOPS + 1));
    for (uint32_t at = BUMP + 2; at <= BUMPED; at += 2) {
        pend_systick();
        assert_steps_to(at);
    }
    pend_systick();
    assert_steps_to(NOPS);
    assert_int_equal(ticks(), 4);       /* it stored 3 over 4, and then the last came */
}

static void a_breakpoint_in_the_handler_is_told(void **state)
{
    (void)state;
    start_waiter();
    go_to(NOPS);
    rsp_ask(rsp, "qSupported:hwbreak+");
    rsp_ask(rsp, "Z1,%x,2", base + TICKED);
    pend_systick();
    assert_memory_equal(rsp_ask(rsp, "vCont;s:1"), "T05hwbreak:;", 12);
    assert_int_equal(pc() + RAM - base, TICKED);
    assert_int_equal(ticks(), 1);
    rsp_ask(rsp, "z1,%x,2", base + TICKED);
    assert_steps_to(NOPS);              /* out of it */
    assert_steps_to(NOPS + 2);
}

static void a_handler_that_does_not_return_is_shown(void **state)
{
    const uint16_t here = 0xE7FE;

    (void)state;
    start_waiter();
    memcpy(target->flash + BUMP, &here, 2);
    go_to(NOPS);
    pend_systick();
    rsp_send(rsp, "vCont;s:1", 9);
    assert_int_equal(signal_of(answer()), 5);
    assert_int_equal(pc() + RAM - base, BUMP);
    assert_steps_to(BUMP);
    rsp_ask(rsp, "Z1,%x,2", base + NOPS);       /* nothing of it is left set */
    assert_int_equal(signal_of(resume_and_press("vCont;c", 3)), 2);
}

/* It waits for another handler of its own priority, or for PRIMASK. */
static void an_interrupt_that_has_to_wait_does_not_hinder_a_step(void **state)
{
    (void)state;
    start_waiter();
    go_to(NOPS);
    assert_string_equal(rsp_ask(rsp, "P13=01000000"), "OK");
    pend_systick();
    assert_steps_to(NOPS + 2);
    assert_steps_to(NOPS + 4);
    assert_int_equal(ticks(), 0);
    assert_string_equal(rsp_ask(rsp, "P13=00000000"), "OK");
    board_run_ms(rsp->board, 5);
    assert_steps_to(NOPS + 6);
    assert_int_equal(ticks(), 1);
    rsp_ask(rsp, "Z1,%x,2", base + TICKED);
    pend_systick();
    rsp_ask(rsp, "vCont;s:1");
    pend_systick();
    board_run_ms(rsp->board, 5);
    assert_int_equal(pc() + RAM - base, TICKED);
    rsp_ask(rsp, "z1,%x,2", base + TICKED);
    assert_steps_to(NOPS + 6);
    assert_int_equal(ticks(), 2);
}

static void monitor_has_words_for_always_and_for_never(void **state)
{
    (void)state;
    start_waiter();
    assert_string_equal(rsp_monitor(rsp, "step_interrupts never"),
                        "Interrupts while stepping: never\n");
    go_to(NOPS);
    pend_systick();
    board_run_ms(rsp->board, 5);
    assert_steps_to(NOPS + 2);
    assert_int_equal(ticks(), 0);
    assert_string_equal(rsp_monitor(rsp, "step_interrupts always"),
                        "Interrupts while stepping: always\n");
    assert_steps_to(TICK);
    assert_steps_to(TICK + 2);
    assert_string_equal(rsp_monitor(rsp, "step_interrupts auto"),
                        "Interrupts while stepping: auto\n");
    assert_non_null(strstr(rsp_monitor(rsp, "step_interrupts sometimes"), "Usage"));
    assert_string_equal(rsp_monitor(rsp, "step_interrupts"),
                        "Interrupts while stepping: auto\n");
}

static void ctrl_c_ends_a_next_that_waits_for_ever(void **state)
{
    char packet[60];

    (void)state;
    start_waiter();
    snprintf(packet, sizeof packet, "vCont;r%x,%x:1", base + WAIT, base + WAIT_END);
    assert_int_equal(signal_of(resume_and_press(packet, 200)), 2);
    assert_in_range(pc() + RAM - base, WAIT, WAIT_END - 2);
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
        BOTH(next_over_a_wait_for_an_interrupt_ends),
        BOTH(single_steps_over_a_wait_for_an_interrupt_end),
        BOTH(a_step_ends_at_the_next_instruction_and_the_interrupt_has_run),
        BOTH(so_does_a_step_in_ram),
        BOTH(so_does_a_step_with_all_comparators_in_use),
        BOTH(the_users_breakpoints_outlive_it),
        BOTH(a_handler_may_come_by_the_same_place),
        BOTH(a_breakpoint_in_the_handler_is_told),
        BOTH(a_handler_that_does_not_return_is_shown),
        BOTH(an_interrupt_that_has_to_wait_does_not_hinder_a_step),
        BOTH(monitor_has_words_for_always_and_for_never),
        BOTH(ctrl_c_ends_a_next_that_waits_for_ever),
        BOTH(lldb_is_told_that_the_access_is_done_and_steps_are_steps),
    };
    if (argc > 1)                       /* some of them */
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
