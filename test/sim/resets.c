/* resets.c - the chip is reset, or let run, behind gdb's back: what does gdb find then?
 *
 * A write of AIRCR through gdb or by the stepped program, the reset button, `monitor reset
 * run`: gdb knows of none of them.  The core must stand at its reset vector (or be told to
 * run), the program must not have run on, breakpoints must work, the user must be told, and
 * no packet may end in an error.  All in simulated time, on both chips. */
#include "rsp_client.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { COUNTER = 0x20000100, START = 0x40, LOOP = 0x42, COUNTED = 0x48, RESETTER = 0x4A,
       STORE = 0x4E, ASLEEP = 0x50 };
enum { AIRCR = 0xE000ED0C };

static const uint16_t program[] = {
    [0x40 / 2] = 0x4904,            /* start:    ldr  r1, =COUNTER */
                 0x6808,            /* loop:     ldr  r0, [r1] */
                 0x3001,            /*           adds r0, #1 */
                 0x6008,            /*           str  r0, [r1] */
                 0xE7FB,            /* counted:  b    loop */
                 0x4A03,            /* resetter: ldr  r2, =AIRCR */
                 0x4B03,            /*           ldr  r3, =0x05FA0004 */
                 0x6013,            /*           str  r3, [r2] */
                 0xBF30, 0xE7FE,    /* asleep:   wfi;  b . */
    [0x54 / 2] = 0x0100, 0x2000, 0xED0C, 0xE000, 0x0004, 0x05FA,
};

static struct rsp *rsp;
static struct chip *target;
static uint32_t base;
static struct pin button;

static int power_on(const char *name)
{
    const uint32_t vectors[4] = { 0x20001000, 0, 0, 0 };

    rsp = rsp_power_on(name);
    target = rsp->board->target;
    base = target->flash_base;
    memcpy(target->flash, program, sizeof program);
    memcpy(target->flash, vectors, sizeof vectors);
    uint32_t start = base + START + 1;
    memcpy(target->flash + 4, &start, 4);
    pin_init(&button, rsp->board->sim, "the reset button", NULL, NULL);
    net_attach(rsp->board->net[SIG_NRST], &button, false);
    if (!rsp_attach(rsp))
        return -1;
    rsp_monitor(rsp, "reset");
    rsp_forget_console(rsp);
    return strcmp(rsp->reply, "OK");
}

static int samd21(void **state) { (void)state; return power_on("samd21"); }
static int stm32f103(void **state) { (void)state; return power_on("stm32f103"); }

static int power_off(void **state)
{
    (void)state;
    return rsp_power_off(rsp);
}

/* --- words ------------------------------------------------------------------------------- */

static uint32_t little_endian(const char *hex)
{
    return __builtin_bswap32((uint32_t)strtoul(hex, NULL, 16));
}

static uint32_t pc(void)
{
    const char *reply = rsp_ask(rsp, "pf");

    if (rsp->length != 8)
        fail_msg("pc: %s", reply);
    return little_endian(reply) - base;
}

static void set_pc(uint32_t to)
{
    assert_string_equal(rsp_ask(rsp, "Pf=%08x", __builtin_bswap32(base + to)), "OK");
}

static uint32_t counter(void)
{
    uint32_t value = 0xBAD;

    assert_true(rsp_read(rsp, COUNTER, &value, 4));
    return value;
}

static void clear_counter(void)
{
    assert_string_equal(rsp_ask(rsp, "M%x,4:00000000", COUNTER), "OK");
}

/* What a stop reply says of the PC; its signal must be that. */
static uint32_t stopped(const char *reply, int signal)
{
    const char *at = strstr(reply, ";0f:");

    if (reply[0] != 'T' || strtol((char[]){ reply[1], reply[2], 0 }, NULL, 16) != signal || !at)
        fail_msg("no stop reply with signal %d: %s", signal, reply);
    return little_endian((char[]){ at[4], at[5], at[6], at[7], at[8], at[9], at[10], at[11],
                                   0 }) - base;
}

static void press(double ms)
{
    pin_drive(&button, DRIVE_LOW);
    board_run_ms(rsp->board, ms);
    pin_drive(&button, DRIVE_OPEN);
    board_run_ms(rsp->board, 5);
}

static void assert_told(void)
{
    if (!strstr(rsp->console, "The target was reset"))
        fail_msg("nobody says that it was reset: `%s'", rsp->console);
    rsp_forget_console(rsp);
}

/* A breakpoint where it comes by, and to it. */
static void assert_goes_on_from_reset(void)
{
    char z[32];

    board_run_ms(rsp->board, 5);
    assert_int_equal(counter(), 0);
    snprintf(z, sizeof z, "1,%x,2", base + COUNTED);
    assert_string_equal(rsp_ask(rsp, "Z%s", z), "OK");
    assert_int_equal(stopped(rsp_ask(rsp, "vCont;c"), 5), COUNTED);
    assert_told();
    assert_int_equal(counter(), 1);
    assert_string_equal(rsp_ask(rsp, "z%s", z), "OK");
    rsp_monitor(rsp, "version");
    assert_null(strstr(rsp->console, "was reset"));
}

static void run_to_counted(void)
{
    rsp_ask(rsp, "Z1,%x,2", base + COUNTED);
    assert_int_equal(stopped(rsp_ask(rsp, "vCont;c"), 5), COUNTED);
    rsp_ask(rsp, "z1,%x,2", base + COUNTED);
    clear_counter();
}

/* --- a write of AIRCR through gdb ----------------------------------------------------------- */

static void gdb_resets_the_chip_by_aircr_and_it_stands_at_its_vector(void **state)
{
    (void)state;
    run_to_counted();
    assert_string_equal(rsp_ask(rsp, "M%x,4:0400fa05", AIRCR), "OK");
    assert_int_equal(pc(), START);
    assert_goes_on_from_reset();
}

static void gdb_steps_after_a_reset_by_aircr(void **state)
{
    static const uint8_t words[] = { 4, 0, 0xFA, 5 };

    (void)state;
    run_to_counted();
    assert_true(rsp_write(rsp, AIRCR, words, sizeof words));
    assert_int_equal(stopped(rsp_ask(rsp, "vCont;s:1"), 5), LOOP);
    assert_told();
    assert_int_equal(stopped(rsp_ask(rsp, "vCont;r%x,%x:1", base + LOOP, base + COUNTED), 5),
                     COUNTED);
    assert_int_equal(counter(), 1);
}

/* VTOR, AIRCR, SCR. */
static void aircr_may_be_one_word_of_a_longer_write(void **state)
{
    static const uint8_t words[] = { 0, 0, 0, 0, 4, 0, 0xFA, 5, 0, 0, 0, 0 };

    (void)state;
    run_to_counted();
    assert_true(rsp_write(rsp, AIRCR - 4, words, sizeof words));
    assert_int_equal(stopped(rsp_ask(rsp, "?"), 5), START);
    assert_goes_on_from_reset();
}

static void vectreset_resets_the_core_alone(void **state)
{
    (void)state;
    run_to_counted();
    assert_string_equal(rsp_ask(rsp, "M%x,4:0100fa05", AIRCR), "OK");
    assert_int_equal(pc(), START);
    assert_goes_on_from_reset();
}

/* PRIGROUP, and SYSRESETREQ without the key. */
static void an_aircr_that_resets_nothing_changes_nothing(void **state)
{
    (void)state;
    run_to_counted();
    assert_string_equal(rsp_ask(rsp, "M%x,4:0002fa05", AIRCR), "OK");
    assert_int_equal(pc(), COUNTED);
    assert_int_equal(stopped(rsp_ask(rsp, "vCont;s:1"), 5), LOOP);
    assert_string_equal(rsp->console, "");
}

static void a_locked_up_core_is_brought_back_by_aircr(void **state)
{
    const uint16_t udf = 0xDE00;

    (void)state;
    set_pc(RESETTER);
    assert_int_equal(rsp_ask(rsp, "qRcmd,766563746f725f636174636820646973")[0], 'O');
    memcpy(target->flash + RESETTER, &udf, 2);          /* and there is no handler */
    assert_int_equal(rsp_ask(rsp, "vCont;c")[0], 'T');
    assert_non_null(strstr(rsp->console, "Lockup"));
    clear_counter();
    rsp_forget_console(rsp);
    assert_string_equal(rsp_ask(rsp, "M%x,4:0400fa05", AIRCR), "OK");
    assert_int_equal(pc(), START);
    assert_goes_on_from_reset();
}

static void all_that_the_debugger_set_is_there_after_a_reset(void **state)
{
    (void)state;
    run_to_counted();
    rsp_ask(rsp, "Z2,%x,4", COUNTER);
    rsp_monitor(rsp, "vector_catch enable reset");
    rsp_forget_console(rsp);
    assert_string_equal(rsp_ask(rsp, "M%x,4:0400fa05", AIRCR), "OK");
    for (uint32_t at = 0xE0001020; at < 0xE0001040; at += 4)        /* some chips lose them */
        bus_write(target->bus, BUS_DEBUG, at, 4, 0);
    assert_int_equal(stopped(rsp_ask(rsp, "vCont;s:1"), 5), LOOP);
    assert_string_equal(rsp_ask(rsp, "M%x,4:0400fa05", AIRCR), "OK");
    const char *reply = rsp_ask(rsp, "vCont;c");
    assert_non_null(strstr(reply, "watch:20000100;"));
    assert_int_equal(stopped(reply, 5), COUNTED);
    assert_non_null(strstr(rsp_monitor(rsp, "vector_catch"), "reset"));
}

/* --- by the program ---------------------------------------------------------------------- */

static void a_step_that_resets_the_chip_ends_at_its_vector(void **state)
{
    (void)state;
    run_to_counted();
    set_pc(STORE - 4);
    assert_int_equal(stopped(rsp_ask(rsp, "vCont;s:1"), 5), STORE - 2);
    assert_int_equal(stopped(rsp_ask(rsp, "vCont;s:1"), 5), STORE);
    assert_int_equal(stopped(rsp_ask(rsp, "vCont;s:1"), 5), START);
    assert_told();
    assert_int_equal(counter(), 0);
    assert_int_equal(stopped(rsp_ask(rsp, "vCont;s:1"), 5), LOOP);
    assert_string_equal(rsp->console, "");
}

static void a_range_that_resets_the_chip_ends_at_its_vector(void **state)
{
    (void)state;
    run_to_counted();
    set_pc(RESETTER);
    assert_int_equal(stopped(rsp_ask(rsp, "vCont;r%x,%x:1", base + RESETTER, base + 0x54), 5),
                     START);
    assert_told();
    assert_int_equal(counter(), 0);
}

static void a_program_that_runs_and_resets_itself_runs_on(void **state)
{
    (void)state;
    set_pc(RESETTER);
    clear_counter();
    rsp_ask(rsp, "Z1,%x,2", base + COUNTED);
    assert_int_equal(stopped(rsp_ask(rsp, "vCont;c"), 5), COUNTED);
    assert_int_equal(counter(), 1);
}

static void ctrl_c_stops_a_program_that_resets_itself_all_the_time(void **state)
{
    uint32_t resetter = base + RESETTER + 1;

    (void)state;
    memcpy(target->flash + 4, &resetter, 4);
    for (int i = 0; i < 8; i++) {
        rsp_send(rsp, "vCont;c", 7);
        board_run_ms(rsp->board, 3 + 0.11 * i);
        rsp_send_raw(rsp, "\x03", 1);
        if (!rsp_receive(rsp, 1000) || (rsp->reply[0] == 'O' && !rsp_receive(rsp, 1000)))
            fail_msg("Ctrl-C does not stop it");
        stopped(rsp->reply, 2);
    }
}

/* --- by the button ----------------------------------------------------------------------- */

static void the_button_leaves_a_halted_chip_at_its_vector(void **state)
{
    (void)state;
    run_to_counted();
    press(20);
    assert_int_equal(pc(), START);
    assert_goes_on_from_reset();
    clear_counter();
    press(1);
    assert_goes_on_from_reset();
    clear_counter();
    press(1);
    assert_int_equal(counter(), 0);
    assert_int_equal(stopped(rsp_ask(rsp, "vCont;s:1"), 5), LOOP);
    assert_told();
}

/* The answer to it is in rsp->reply. */
static void step_with_the_button_held(double ms)
{
    run_to_counted();
    pin_drive(&button, DRIVE_LOW);
    board_run_ms(rsp->board, 5);
    rsp_send(rsp, "vCont;s:1", 9);
    board_run_ms(rsp->board, ms);
    pin_drive(&button, DRIVE_OPEN);
    assert_true(rsp_receive(rsp, 1000));
    while (rsp->reply[0] == 'O')
        assert_true(rsp_receive(rsp, 1000));
}

/* A SAM D21 whose reset ends while SWCLK is low stays in it (13.6.2), until the next one.  SWCLK
 * is low for 1 % of the time while we wait, so of these moments one may be such a moment. */
static void while_the_button_is_held_a_step_waits_for_it(void **state)
{
    int unlucky = 0;

    (void)state;
    for (int i = 0; i < 12; i++) {
        step_with_the_button_held(30 + 0.071 * i);
        if (rsp->reply[0] == 'E' && unlucky++ == 0) {
            press(1);
            step_with_the_button_held(30.23 + 0.071 * i);
        }
        assert_int_equal(stopped(rsp->reply, 5), LOOP);
    }
}

static void the_button_lets_a_running_chip_run_on(void **state)
{
    (void)state;
    rsp_send(rsp, "vCont;c", 7);
    board_run_ms(rsp->board, 50);
    press(5);
    clear_counter();
    board_run_ms(rsp->board, 5);
    assert_true(counter() > 100);
    rsp_send_raw(rsp, "\x03", 1);
    assert_true(rsp_receive(rsp, 1000));
    stopped(rsp->reply, 2);
}

static void detach_after_the_button_leaves_nothing_behind(void **state)
{
    uint32_t demcr, fp_ctrl;

    (void)state;
    run_to_counted();
    rsp_ask(rsp, "Z1,%x,2", base + COUNTED);
    press(1);
    assert_string_equal(rsp_ask(rsp, "D"), "OK");
    board_run_ms(rsp->board, 5);
    bus_read(target->bus, BUS_DEBUG, 0xE000EDFC, 4, &demcr);
    bus_read(target->bus, BUS_DEBUG, 0xE0002000, 4, &fp_ctrl);
    assert_int_equal(demcr & 0x7F1, 0);
    assert_int_equal(fp_ctrl & 1, 0);
    assert_false(target->cpu->halted);
}

/* --- monitor reset run ------------------------------------------------------------------- */

static void let_run(void)
{
    run_to_counted();
    rsp_ask(rsp, "vCont;s:1");          /* so that interrupts are masked */
    rsp_monitor(rsp, "reset run");
    assert_string_equal(rsp->reply, "OK");
    board_run_ms(rsp->board, 5);
    assert_true(counter() > 100);
}

static void a_step_of_a_core_that_runs_stops_it(void **state)
{
    static const char *const steps[] = { "vCont;s:1", "s", "vCont;r08000042,08000044:1" };

    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        let_run();
        stopped(rsp_ask(rsp, "%s", steps[i]), 2);
        assert_in_range(pc(), LOOP, COUNTED);
        assert_int_equal(stopped(rsp_ask(rsp, "vCont;s:1"), 5) / 0x10, 4);
    }
}

static void registers_of_a_core_that_runs_are_an_error_and_no_more(void **state)
{
    static const char *const asks[] = { "g", "pf", "P0=01000000", "G00000000", "vFlashErase:" };

    (void)state;
    let_run();
    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
        if (asks[i][0] == 'v')
            rsp_ask(rsp, "%s%x,1000", asks[i], base);
        else
            rsp_ask(rsp, "%s", asks[i]);
        assert_string_equal(rsp->reply, "E08");
    }
    uint32_t before = counter();
    board_run_ms(rsp->board, 1);
    assert_true(counter() > before);
    assert_int_equal(rsp_ask(rsp, "?")[0], 'T');
    stopped(rsp_ask(rsp, "vCont;s:1"), 2);
}

static void what_stopped_it_meanwhile_is_told_by_continue_and_step(void **state)
{
    static const char *const resumes[] = { "vCont;c", "vCont;s:1" };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        run_to_counted();
        rsp_ask(rsp, "Z1,%x,2", base + COUNTED);
        rsp_monitor(rsp, "reset run");
        board_run_ms(rsp->board, 5);
        assert_int_equal(counter(), 1);
        assert_int_equal(stopped(rsp_ask(rsp, "%s", resumes[i]), 5), COUNTED);
        assert_int_equal(counter(), 1);
    }
}

static void continue_after_reset_run_waits_for_ctrl_c(void **state)
{
    (void)state;
    let_run();
    rsp_send(rsp, "vCont;c", 7);
    assert_false(rsp_receive(rsp, 20));
    rsp_send_raw(rsp, "\x03", 1);
    assert_true(rsp_receive(rsp, 100));
    stopped(rsp->reply, 2);
}

#define ONE(chip, name) { #chip ": " #name, name, chip, power_off, NULL }
#define BOTH(name) ONE(samd21, name), ONE(stm32f103, name)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        BOTH(gdb_resets_the_chip_by_aircr_and_it_stands_at_its_vector),
        BOTH(gdb_steps_after_a_reset_by_aircr),
        BOTH(aircr_may_be_one_word_of_a_longer_write),
        ONE(stm32f103, vectreset_resets_the_core_alone),
        BOTH(an_aircr_that_resets_nothing_changes_nothing),
        BOTH(a_locked_up_core_is_brought_back_by_aircr),
        BOTH(all_that_the_debugger_set_is_there_after_a_reset),
        BOTH(a_step_that_resets_the_chip_ends_at_its_vector),
        BOTH(a_range_that_resets_the_chip_ends_at_its_vector),
        BOTH(a_program_that_runs_and_resets_itself_runs_on),
        BOTH(ctrl_c_stops_a_program_that_resets_itself_all_the_time),
        BOTH(the_button_leaves_a_halted_chip_at_its_vector),
        BOTH(while_the_button_is_held_a_step_waits_for_it),
        BOTH(the_button_lets_a_running_chip_run_on),
        BOTH(detach_after_the_button_leaves_nothing_behind),
        BOTH(a_step_of_a_core_that_runs_stops_it),
        BOTH(registers_of_a_core_that_runs_are_an_error_and_no_more),
        BOTH(what_stopped_it_meanwhile_is_told_by_continue_and_step),
        BOTH(continue_after_reset_run_waits_for_ctrl_c),
    };
    if (argc > 1)                       /* some of them */
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
