/* semihost.c - does the probe serve a program's semihosting calls, whatever they ask, and does the
 * program run on?
 *
 * The program is a BKPT 0xAB in the target's RAM, registers as the test wants them; the test is
 * gdb.  All in simulated time.  A real gdb has files written in test/session/talk_session.py.
 *
 * Sources: Arm, Semihosting for AArch32 and AArch64 2.0; GDB manual E.13. */
#include "dap_client.h"
#include "rsp_client.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { SECOND = 1, RAM = 0x20000000, RAM_END = RAM + 0x5000, CODE = RAM, TEXT = RAM + 0x200,
       WORDS = RAM + 0x100 };
enum { OPEN = 1, CLOSE, WRITEC, WRITE0, WRITE, READ, READC, ISERROR, ISTTY, SEEK, FLEN = 0x0C,
       TMPNAM, REMOVE, RENAME, CLOCK, TIME, SYSTEM, ERRNO, GET_CMDLINE = 0x15, HEAPINFO,
       EXIT = 0x18, EXIT_EXTENDED = 0x20, ELAPSED = 0x30 };

static struct rsp *rsp;

static uint32_t get(uint32_t at)
{
    uint32_t value = 0;
    assert_true(rsp_read(rsp, at, &value, 4));
    return value;
}

static uint32_t get_register(int number)
{
    uint32_t value = 0;
    sscanf(rsp_ask(rsp, "p%x", (unsigned)number), "%x", &value);
    return __builtin_bswap32(value);
}

static void put_register(int number, uint32_t value)
{
    assert_string_equal(rsp_ask(rsp, "P%x=%08x", (unsigned)number, __builtin_bswap32(value)), "OK");
}

/* bkpt 0xAB; then a branch to itself. */
static int start(const char *chip)
{
    static const uint16_t code[] = { 0xBEAB, 0xE7FE };
    rsp = rsp_power_on(chip);
    assert_true(rsp_attach(rsp));
    assert_true(rsp_write(rsp, CODE, code, sizeof code));
    assert_true(rsp_write(rsp, TEXT, "name", 5));
    put_register(13, RAM + 0x1000);
    return 0;
}

static int stm32f103(void **state) { (void)state; return start("stm32f103"); }
static int samd21(void **state) { (void)state; return start("samd21"); }

static int power_off(void **state)
{
    (void)state;
    return rsp_power_off(rsp);
}

static void prepare(uint32_t call, uint32_t argument)
{
    put_register(0, call);
    put_register(1, argument);
    put_register(15, CODE);
    rsp_forget_console(rsp);
}

static void words(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    uint32_t block[] = { a, b, c, d };
    assert_true(rsp_write(rsp, WORDS, block, sizeof block));
}

/* Lets it call; what comes is the answer to `continue`, or "" when it runs on. */
static const char *call(uint32_t number, uint32_t argument)
{
    prepare(number, argument);
    rsp_send(rsp, "vCont;c", 7);
    return rsp_reply(rsp, 200);
}

/* It runs behind the call.  Stops it; what the call gave. */
static uint32_t result(void)
{
    rsp_send_raw(rsp, "\003", 1);
    assert_true(rsp_receive(rsp, 3000));
    assert_memory_equal(rsp->reply, "T02", 3);
    assert_int_equal(get_register(15), CODE + 2);
    return get_register(0);
}

#define RUNS_ON(number, argument) assert_string_equal(call(number, argument), "")

static void text_comes_to_gdbs_console_and_the_program_runs_on(void **state)
{
    (void)state;
    RUNS_ON(WRITE0, TEXT);
    assert_string_equal(rsp->console, "name");
    result();
    RUNS_ON(WRITEC, TEXT + 1);
    assert_string_equal(rsp->console, "a");
    result();
    words(2, TEXT, 3, 0);                       /* stdout */
    RUNS_ON(WRITE, WORDS);
    assert_string_equal(rsp->console, "nam");
    assert_int_equal(result(), 0);
    words(3, TEXT, 4, 0);                       /* stderr */
    RUNS_ON(WRITE, WORDS);
    assert_string_equal(rsp->console, "name");
    assert_int_equal(result(), 0);
}

static void a_text_without_an_end_and_an_absurd_length_are_bounded(void **state)
{
    (void)state;
    assert_true(rsp_write(rsp, RAM_END - 10, "0123456789", 10));
    RUNS_ON(WRITE0, RAM_END - 10);
    assert_memory_equal(rsp->console, "0123456789", 10);
    result();
    words(2, RAM_END - 10, 0xFFFFFFFF, 0);
    RUNS_ON(WRITE, WORDS);
    assert_memory_equal(rsp->console, "0123456789", 10);
    assert_int_not_equal(result(), 0);
}

static void pointers_to_nowhere_make_the_call_fail(void **state)
{
    static const uint32_t nowhere[] = { 0xFFFFFFF0, 0x90000000, 0x1FFE0000 };
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        RUNS_ON(OPEN, nowhere[i]);
        assert_int_equal(result(), UINT32_MAX);
        RUNS_ON(WRITE0, nowhere[i]);
        result();
        words(nowhere[i], 0, 4, 0);
        RUNS_ON(OPEN, WORDS);
        assert_int_equal(result(), UINT32_MAX);
        words(nowhere[i], 100, 0, 0);
        RUNS_ON(GET_CMDLINE, WORDS);
        assert_int_equal(result(), UINT32_MAX);
        RUNS_ON(HEAPINFO, WORDS);
        assert_int_equal(result(), UINT32_MAX);
    }
}

static void calls_that_nobody_has_fail(void **state)
{
    static const uint32_t calls[] = { 0, 0x0B, 0x14, 0x17, 0x21, 0x32, 0x99, 0x101, 0xFFFFFFFF };
    (void)state;
    for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
        RUNS_ON(calls[i], WORDS);
        assert_int_equal(result(), UINT32_MAX);
    }
}

/* What gdb is asked, what it answers, and what the program gets. */
static void files_are_gdbs(void **state)
{
    static const struct {
        uint32_t number, words[4];
        const char *asks, *answer;
        uint32_t gets;
    } calls[] = {
        { OPEN, { TEXT, 0, 4, 0 }, "Fopen,20000200/5,0,1b6", "F3", 4 },
        { OPEN, { TEXT, 2, 4, 0 }, "Fopen,20000200/5,2,1b6", "F0", 1 },
        { OPEN, { TEXT, 5, 4, 0 }, "Fopen,20000200/5,601,1b6", "F5", 6 },
        { OPEN, { TEXT, 7, 4, 0 }, "Fopen,20000200/5,602,1b6", "F5", 6 },
        { OPEN, { TEXT, 9, 4, 0 }, "Fopen,20000200/5,209,1b6", "F5", 6 },
        { OPEN, { TEXT, 11, 4, 0 }, "Fopen,20000200/5,20a,1b6", "F-1,2", UINT32_MAX },
        { ERRNO, { 0 }, "", "", 2 },
        { CLOSE, { 6, 0, 0, 0 }, "Fclose,5", "F0", 0 },
        { CLOSE, { 6, 0, 0, 0 }, "Fclose,5", "F-1,9", UINT32_MAX },
        { CLOSE, { 2, 0, 0, 0 }, "", "", 0 },
        { WRITE, { 6, TEXT, 4, 0 }, "Fwrite,5,20000200,4", "F4", 0 },
        { WRITE, { 6, TEXT, 4, 0 }, "Fwrite,5,20000200,4", "F1", 3 },
        { WRITE, { 6, TEXT, 4, 0 }, "Fwrite,5,20000200,4", "F-1,1c", 4 },
        { READ, { 6, TEXT, 16, 0 }, "Fread,5,20000200,10", "F10", 0 },
        { READ, { 6, TEXT, 16, 0 }, "Fread,5,20000200,10", "F0", 16 },
        { READ, { 1, TEXT, 16, 0 }, "Fread,0,20000200,10", "F5", 11 },
        { SEEK, { 6, 0x1234, 0, 0 }, "Flseek,5,1234,0", "F1234", 0 },
        { SEEK, { 6, 0x1234, 0, 0 }, "Flseek,5,1234,0", "F-1,16", UINT32_MAX },
        { ISTTY, { 6, 0, 0, 0 }, "Fisatty,5", "F0", 0 },
        { ISTTY, { 2, 0, 0, 0 }, "", "", 1 },
        { ISERROR, { 5, 0, 0, 0 }, "", "", 0 },
        { ISERROR, { UINT32_MAX, 0, 0, 0 }, "", "", 1 },
        { REMOVE, { TEXT, 4, 0, 0 }, "Funlink,20000200/5", "F0", 0 },
        { RENAME, { TEXT, 4, TEXT + 1, 3 }, "Frename,20000200/5,20000201/4", "F0", 0 },
        { SYSTEM, { TEXT, 4, 0, 0 }, "Fsystem,20000200/5", "F-1,1", UINT32_MAX },
        { OPEN, { TEXT, 12, 4, 0 }, "", "", UINT32_MAX },
    };
    (void)state;
    for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
        const uint32_t *w = calls[i].words;
        words(w[0], w[1], w[2], w[3]);
        assert_string_equal(call(calls[i].number, WORDS), calls[i].asks);
        if (*calls[i].asks) {
            assert_int_equal(get(TEXT), 0x656D616E);    /* gdb reads memory meanwhile */
            rsp_send(rsp, calls[i].answer, (int)strlen(calls[i].answer));
            board_run_ms(rsp->board, 5);
        }
        assert_int_equal(result(), calls[i].gets);
    }
}

/* gdb writes them to where no memory is, so none of the program's changes; the numbers of File-I/O
 * are big-endian. */
static void a_length_a_time_and_a_character_are_what_gdb_writes(void **state)
{
    static const struct { uint32_t number; const char *asks, *writes, *answer; uint32_t gets; } calls[] = {
        { FLEN, "Ffstat,5,f0000000", "Mf0000000,28:" "0000000000000000000000000000000000000000"
          "0000000000000000" "00000000" "00003039" "00000000", "F0", 0x3039 },
        { FLEN, "Ffstat,5,f0000000", "Mf0000000,0:", "F-1,9", UINT32_MAX },
        { TIME, "Fgettimeofday,f0000000,0", "Mf0000000,c:6b0ea1800000000000010203", "F0", 0x6B0EA180 },
        { READC, "Fread,0,f0000000,1", "Mf0000000,1:41", "F1", 0x41 },
        { READC, "Fread,0,f0000000,1", "Mf0000000,0:", "F0", UINT32_MAX },
    };
    (void)state;
    for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
        words(6, 0, 0, 0);
        assert_string_equal(call(calls[i].number, WORDS), calls[i].asks);
        assert_string_equal(rsp_ask(rsp, "%s", calls[i].writes), "OK");
        rsp_send(rsp, calls[i].answer, (int)strlen(calls[i].answer));
        board_run_ms(rsp->board, 5);
        assert_int_equal(result(), calls[i].gets);
    }
}

static void ctrl_c_while_gdb_is_asked_stops_behind_the_call(void **state)
{
    (void)state;
    words(1, TEXT, 16, 0);
    assert_string_equal(call(READ, WORDS), "Fread,0,20000200,10");
    rsp_send(rsp, "F-1,4,C", 7);
    assert_true(rsp_receive(rsp, 500));
    assert_memory_equal(rsp->reply, "T02", 3);
    assert_int_equal(get_register(15), CODE + 2);
    assert_int_equal(get_register(0), 16);              /* nothing was read */
    assert_string_equal(call(READ, WORDS), "Fread,0,20000200,10");
    rsp_send(rsp, "F5,0,C", 6);
    assert_true(rsp_receive(rsp, 500));
    assert_memory_equal(rsp->reply, "T02", 3);
    assert_int_equal(get_register(0), 11);
}

static void an_answer_that_nobody_asked_for_changes_nothing(void **state)
{
    (void)state;
    assert_string_equal(rsp_ask(rsp, "F5"), "");
    RUNS_ON(CLOCK, 0);
    rsp_ask(rsp, "F0");
    assert_string_equal(rsp->reply, "");
    assert_true(result() < 1000000);
}

static void who_leaves_while_gdb_is_asked_leaves_a_program_that_runs(void **state)
{
    (void)state;
    words(TEXT, 0, 4, 0);
    assert_string_equal(call(OPEN, WORDS), "Fopen,20000200/5,0,1b6");
    assert_string_equal(rsp_ask(rsp, "D"), "OK");
    board_run_ms(rsp->board, 20);
    assert_true(rsp_attach(rsp));
    assert_int_equal(get_register(15), CODE + 2);       /* not in HardFault */
    assert_int_equal(get_register(0), UINT32_MAX);
}

static void a_step_over_a_call_ends_behind_it(void **state)
{
    (void)state;
    prepare(WRITE0, TEXT);
    rsp_ask(rsp, "vCont;s");
    assert_memory_equal(rsp->reply, "T05", 3);
    assert_string_equal(rsp->console, "name");
    assert_int_equal(get_register(15), CODE + 2);
    prepare(WRITE0, TEXT);
    rsp_ask(rsp, "vCont;r%x,%x", CODE, CODE + 2);
    assert_memory_equal(rsp->reply, "T05", 3);
    assert_string_equal(rsp->console, "name");
    assert_int_equal(get_register(15), CODE + 2);
}

/* gdb takes its breakpoint away, steps, and sets it again. */
static void a_breakpoint_on_a_call_comes_before_it_and_loses_it_not(void **state)
{
    (void)state;
    prepare(WRITE0, TEXT);
    assert_string_equal(rsp_ask(rsp, "Z0,%x,2", CODE), "OK");
    assert_memory_equal(rsp_ask(rsp, "vCont;c"), "T05", 3);
    assert_string_equal(rsp->console, "");
    assert_int_equal(get_register(15), CODE);
    assert_string_equal(rsp_ask(rsp, "z0,%x,2", CODE), "OK");
    assert_memory_equal(rsp_ask(rsp, "vCont;s"), "T05", 3);
    assert_string_equal(rsp->console, "name");
    assert_int_equal(get_register(15), CODE + 2);
}

/* 1: movs r0, #4; mov r1, r4; bkpt 0xAB; adds r5, #1; b 1b */
static void start_talking(void)
{
    static const uint16_t loop[] = { 0x2004, 0x4621, 0xBEAB, 0x3501, 0xE7FA };
    assert_true(rsp_write(rsp, CODE, loop, sizeof loop));
    put_register(4, TEXT);
    put_register(5, 0);
    put_register(15, CODE);
    rsp_forget_console(rsp);
}

static void every_ctrl_c_stops_a_program_that_talks_all_the_time(void **state)
{
    (void)state;
    start_talking();
    for (int i = 0; i < 40; i++) {
        rsp_send(rsp, "vCont;c", 7);
        board_run_ms(rsp->board, 2 + 0.037 * i);
        rsp_send_raw(rsp, "\003", 1);
        assert_memory_equal(rsp_reply(rsp, 500), "T02", 3);
    }
    unsigned said = (unsigned)strlen(rsp->console) / 4, counted = get_register(5);
    assert_true(said >= 40);
    assert_true(said - counted <= 1);                   /* none lost, none twice */
}

/* Erased flash. */
static void ctrl_c_ends_a_text_without_an_end(void **state)
{
    (void)state;
    prepare(WRITE0, rsp->board->target->flash_base + 0x400);
    rsp_send(rsp, "vCont;c", 7);
    board_run_ms(rsp->board, 5);
    rsp_send_raw(rsp, "\003", 1);
    double pressed = rsp_now_ms(rsp);
    assert_memory_equal(rsp_reply(rsp, 500), "T02", 3);
    assert_true(rsp_now_ms(rsp) - pressed < 20);
    assert_int_equal(get_register(15), CODE + 2);
}

static void who_closes_the_port_while_gdb_is_asked_leaves_a_program_that_runs(void **state)
{
    (void)state;
    words(TEXT, 0, 4, 0);
    assert_string_equal(call(OPEN, WORDS), "Fopen,20000200/5,0,1b6");
    cdc_host_open(rsp->cdc, 0, false);
    board_run_ms(rsp->board, 50);
    assert_false(rsp->board->target->cpu->halted);
    assert_int_equal(rsp->board->target->cpu->r[15] & ~3u, CODE);
    assert_int_equal(rsp->board->target->cpu->r[0], UINT32_MAX);
}

static void a_target_that_goes_while_gdb_is_asked_is_lost(void **state)
{
    (void)state;
    words(TEXT, 0, 4, 0);
    assert_string_equal(call(OPEN, WORDS), "Fopen,20000200/5,0,1b6");
    board_power_target(rsp->board, false);
    rsp_send(rsp, "F3", 2);
    assert_string_equal(rsp_reply(rsp, 3000), "X1D");
    board_power_target(rsp->board, true);
    board_run_ms(rsp->board, 50);
    assert_true(rsp_attach(rsp));
}

static uint32_t counted(void) { return rsp->board->target->cpu->r[5]; }

static void assert_it_goes_on(void)
{
    uint32_t before = counted();
    board_run_ms(rsp->board, 50);
    assert_in_range(counted() - before, 10, 1000000);
}

/* Without a debugger a BKPT would be a HardFault. */
static void a_program_that_gdb_leaves_goes_on_with_its_calls(void **state)
{
    (void)state;
    start_talking();
    rsp_send(rsp, "vCont;c", 7);
    board_run_ms(rsp->board, 20);
    rsp_send_raw(rsp, "\003", 1);
    assert_memory_equal(rsp_reply(rsp, 500), "T02", 3);
    assert_string_equal(rsp_ask(rsp, "D"), "OK");
    assert_it_goes_on();
    assert_string_equal(rsp_ask(rsp, "m20000000,4"), "E07");    /* gdb has no target any more */
    cdc_host_open(rsp->cdc, 0, false);
    board_run_ms(rsp->board, 20);
    assert_it_goes_on();
    cdc_host_open(rsp->cdc, 0, true);
    board_run_ms(rsp->board, 20);
    assert_it_goes_on();
    rsp->no_ack = false;
    assert_true(rsp_attach(rsp));
    assert_in_range(get_register(15), CODE, CODE + 8);
    rsp_send(rsp, "vCont;c", 7);
    board_run_ms(rsp->board, 20);
    cdc_host_open(rsp->cdc, 0, false);                          /* gdb is killed while it runs */
    board_run_ms(rsp->board, 20);
    assert_it_goes_on();
}

static void leave_it_talking(void)
{
    start_talking();
    rsp_send(rsp, "vCont;c", 7);
    board_run_ms(rsp->board, 20);
    cdc_host_open(rsp->cdc, 0, false);
    board_run_ms(rsp->board, 20);
}

static void what_it_says_then_comes_by_the_second_port(void **state)
{
    char text[2000] = "";
    (void)state;
    cdc_host_open(rsp->cdc, SECOND, true);
    leave_it_talking();
    cdc_host_read(rsp->cdc, SECOND, text, sizeof text - 1);
    board_run_ms(rsp->board, 50);
    int n = cdc_host_read(rsp->cdc, SECOND, text, sizeof text - 1);
    assert_in_range(n, 40, sizeof text);
    text[n] = '\0';
    assert_non_null(strstr(text, "namenamename"));
    assert_it_goes_on();
}

/* RTT is read beside it, if the user wants that without gdb. */
static void rtt_goes_on_beside_it(void **state)
{
    enum { BLOCK = RAM + 0x400, DATA = RAM + 0x500 };
    static const uint32_t counts[2] = { 1, 1 }, up[6] = { 0, DATA, 64, 0, 0, 0 },
                          down[6] = { 0, DATA + 64, 16, 0, 0, 0 }, write = 5;
    static char text[8000];
    (void)state;
    cdc_host_open(rsp->cdc, SECOND, true);
    assert_true(rsp_write(rsp, BLOCK + 16, counts, sizeof counts));
    assert_true(rsp_write(rsp, BLOCK + 24, up, sizeof up));
    assert_true(rsp_write(rsp, BLOCK + 48, down, sizeof down));
    assert_true(rsp_write(rsp, BLOCK, "SEGGER RTT\0\0\0\0\0", 16));
    assert_true(rsp_write(rsp, DATA, "<rtt>", 5));
    rsp_monitor(rsp, "rtt enable");
    leave_it_talking();
    assert_true(bus_load(rsp->board->target->bus, BLOCK + 24 + 12, &write, 4));
    board_run_ms(rsp->board, 1500);
    int n = cdc_host_read(rsp->cdc, SECOND, text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    assert_non_null(strstr(text, "<rtt>"));
    assert_non_null(strstr(text, "name"));
    assert_it_goes_on();
}

/* And at its end the core stands still, and a file cannot be opened. */
static void its_files_fail_and_its_end_is_heard_by_nobody(void **state)
{
    static const uint16_t code[] = { 0x4620, 0xBEAB, 0x0002, 0x2018, 0x4B01, 0x4619, 0xBEAB, 0xE7FE,
                                     0x0026, 0x0002 };          /* open; exit(0x20026) */
    (void)state;
    start_talking();
    rsp_send(rsp, "vCont;c", 7);
    board_run_ms(rsp->board, 20);
    rsp_send_raw(rsp, "\003", 1);
    assert_memory_equal(rsp_reply(rsp, 500), "T02", 3);
    assert_true(rsp_write(rsp, CODE, code, sizeof code));
    words(TEXT, 0, 4, 0);
    put_register(4, OPEN);
    put_register(1, WORDS);
    put_register(15, CODE);
    assert_string_equal(rsp_ask(rsp, "D"), "OK");
    board_run_ms(rsp->board, 50);
    assert_int_equal(rsp->board->target->cpu->r[2], UINT32_MAX);
    assert_true(rsp->board->target->cpu->halted);
    assert_int_equal(rsp->board->target->cpu->r[15], CODE + 12);
    assert_memory_equal(rsp_ask(rsp, "vAttach;1"), "T05", 3);
}

static void a_dap_host_gets_the_wire_from_it(void **state)
{
    struct dap dap;
    (void)state;
    leave_it_talking();
    assert_true(dap_find(&dap, rsp->board, rsp->cdc));
    assert_string_equal(dap_hex(&dap, "02 01"), "02 01");
    assert_string_equal(dap_hex(&dap, "03"), "03 00");
}

/* A button starts what has ended anew, with nobody there. */
static void a_reset_starts_a_program_that_had_ended(void **state)
{
    (void)state;
    assert_string_equal(call(EXIT, 0x20026), "W00");
    cdc_host_open(rsp->cdc, 0, false);
    board_run_ms(rsp->board, 50);
    assert_true(rsp->board->target->cpu->halted);
    rsp->board->target->reset(rsp->board->target, RESET_PIN);
    board_run_ms(rsp->board, 5);
    assert_false(rsp->board->target->cpu->halted);
}

/* What is not there for gdb, it would make room for: gdb 13 ends by a signal. */
static void absurd_lengths_do_not_reach_gdb(void **state)
{
    static const uint32_t absurd[] = { 1024, 0x7FFFFFF0, 0xFFFFFFFF };
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        words(TEXT, 0, absurd[i], 0);
        RUNS_ON(OPEN, WORDS);
        assert_int_equal(result(), UINT32_MAX);
        words(TEXT, absurd[i], 0, 0);
        RUNS_ON(REMOVE, WORDS);
        assert_int_equal(result(), UINT32_MAX);
    }
    words(TEXT, 0, 3, 0);                               /* and the name does not end there */
    RUNS_ON(OPEN, WORDS);
    assert_int_equal(result(), UINT32_MAX);
    words(4, TEXT, 0xFFFFFFFF, 0);
    assert_string_equal(call(READ, WORDS), "Fread,3,20000200,100000");
    rsp_send(rsp, "Fa", 2);
    board_run_ms(rsp->board, 5);
    assert_int_equal(result(), 0xFFFFFFFF - 10);
}

static void the_programs_end_is_gdbs_with_its_status(void **state)
{
    static const struct { uint32_t number, argument, code; const char *says; } ends[] = {
        { EXIT, 0x20026, 0, "W00" }, { EXIT, 0x20023, 0, "W01" }, { EXIT_EXTENDED, 0x20026, 42, "W2a" },
        { EXIT_EXTENDED, 0x20026, 0, "W00" }, { EXIT_EXTENDED, 0x20026, 0x100, "Wff" },
        { EXIT_EXTENDED, 0x20024, 0, "W01" },
    };
    (void)state;
    rsp_ask(rsp, "!");                                  /* else `?` attaches */
    for (unsigned i = 0; i < sizeof ends / sizeof *ends; i++) {
        words(ends[i].argument, ends[i].code, 0, 0);
        assert_string_equal(call(ends[i].number, ends[i].number == EXIT ? ends[i].argument : WORDS),
                            ends[i].says);
        assert_true(rsp->board->target->cpu->halted);
        assert_string_equal(rsp_ask(rsp, "?"), "W00");          /* gdb has no process any more */
        assert_string_equal(rsp_ask(rsp, "qfThreadInfo"), "l");
        assert_memory_equal(rsp_ask(rsp, "vAttach;1"), "T05", 3);
        assert_int_equal(get_register(15), CODE);               /* ended: not a step further */
    }
}

static void other_breakpoints_of_a_program_stop_it_as_ever(void **state)
{
    static const uint16_t bkpt = 0xBEAA;
    (void)state;
    assert_true(rsp_write(rsp, CODE, &bkpt, 2));
    assert_memory_equal(call(WRITE0, TEXT), "T05", 3);
    assert_int_equal(get_register(15), CODE);
}

static void command_line_and_heap_are_told(void **state)
{
    char line[16] = "";
    (void)state;
    rsp_ask(rsp, "vRun;;6f6e65;74776f");                /* one two */
    assert_memory_equal(rsp->reply, "T05", 3);
    words(TEXT, sizeof line, 0, 0);
    RUNS_ON(GET_CMDLINE, WORDS);
    assert_int_equal(result(), 0);
    assert_true(rsp_read(rsp, TEXT, line, sizeof line));
    assert_string_equal(line, "- one two");             /* the first is the program's name */
    assert_int_equal(get(WORDS + 4), 9);
    words(TEXT, 9, 0, 0);                               /* no room for the 0 */
    RUNS_ON(GET_CMDLINE, WORDS);
    assert_int_equal(result(), UINT32_MAX);
    rsp_monitor(rsp, "heapinfo 0x20001000 0x20002000 0x20005000 0x20004000");
    words(TEXT, 0, 0, 0);
    RUNS_ON(HEAPINFO, WORDS);
    assert_int_equal(result(), 0);
    assert_int_equal(get(TEXT), 0x20001000);
    assert_int_equal(get(TEXT + 12), 0x20004000);
    assert_non_null(strstr(rsp_monitor(rsp, "heapinfo 1 2 3"), "Usage"));
}

static void its_features_can_be_read(void **state)
{
    char bytes[8] = "";
    (void)state;
    assert_true(rsp_write(rsp, TEXT, ":semihosting-features", 22));
    words(TEXT, 0, 21, 0);
    RUNS_ON(OPEN, WORDS);
    uint32_t handle = result();
    assert_int_not_equal(handle, -1);
    words(handle, RAM + 0x300, 4, 0);
    RUNS_ON(READ, WORDS);
    assert_int_equal(result(), 0);
    words(handle, RAM + 0x304, 4, 0);
    RUNS_ON(READ, WORDS);
    assert_int_equal(result(), 3);
    assert_true(rsp_read(rsp, RAM + 0x300, bytes, 5));
    assert_string_equal(bytes, "SHFB\3");
    RUNS_ON(FLEN, WORDS);
    assert_int_equal(result(), 5);
}

static void its_text_may_go_to_the_second_port(void **state)
{
    char text[64] = "";
    (void)state;
    rsp_monitor(rsp, "redirect_stdout enable");
    RUNS_ON(WRITE0, TEXT);                              /* nobody listens */
    assert_string_equal(rsp->console, "");
    result();
    cdc_host_open(rsp->cdc, SECOND, true);
    board_run_ms(rsp->board, 20);
    cdc_host_read(rsp->cdc, SECOND, text, sizeof text - 1);
    RUNS_ON(WRITE0, TEXT);
    board_run_ms(rsp->board, 20);
    memset(text, 0, sizeof text);
    cdc_host_read(rsp->cdc, SECOND, text, sizeof text - 1);
    assert_string_equal(text, "name");
    result();
}

/* lldb. */
static void who_has_no_file_io_is_not_asked(void **state)
{
    (void)state;
    rsp_ask(rsp, "QEnableErrorStrings");
    words(TEXT, 0, 4, 0);
    RUNS_ON(OPEN, WORDS);
    assert_int_equal(result(), UINT32_MAX);
    RUNS_ON(TIME, 0);
    assert_int_equal(result(), UINT32_MAX);
    RUNS_ON(WRITE0, TEXT);
    assert_string_equal(rsp->console, "name");
    result();
}

int main(int argc, char **argv)
{
#define ON(chip, test) cmocka_unit_test_setup_teardown(test, chip, power_off)
    const struct CMUnitTest tests[] = {
        ON(stm32f103, text_comes_to_gdbs_console_and_the_program_runs_on),
        ON(samd21, text_comes_to_gdbs_console_and_the_program_runs_on),
        ON(stm32f103, a_text_without_an_end_and_an_absurd_length_are_bounded),
        ON(stm32f103, pointers_to_nowhere_make_the_call_fail),
        ON(stm32f103, calls_that_nobody_has_fail),
        ON(stm32f103, files_are_gdbs),
        ON(samd21, files_are_gdbs),
        ON(stm32f103, a_length_a_time_and_a_character_are_what_gdb_writes),
        ON(stm32f103, ctrl_c_while_gdb_is_asked_stops_behind_the_call),
        ON(stm32f103, an_answer_that_nobody_asked_for_changes_nothing),
        ON(stm32f103, who_leaves_while_gdb_is_asked_leaves_a_program_that_runs),
        ON(stm32f103, a_step_over_a_call_ends_behind_it),
        ON(samd21, a_step_over_a_call_ends_behind_it),
        ON(stm32f103, a_breakpoint_on_a_call_comes_before_it_and_loses_it_not),
        ON(samd21, a_breakpoint_on_a_call_comes_before_it_and_loses_it_not),
        ON(stm32f103, every_ctrl_c_stops_a_program_that_talks_all_the_time),
        ON(samd21, every_ctrl_c_stops_a_program_that_talks_all_the_time),
        ON(stm32f103, ctrl_c_ends_a_text_without_an_end),
        ON(stm32f103, who_closes_the_port_while_gdb_is_asked_leaves_a_program_that_runs),
        ON(stm32f103, a_program_that_gdb_leaves_goes_on_with_its_calls),
        ON(samd21, a_program_that_gdb_leaves_goes_on_with_its_calls),
        ON(stm32f103, what_it_says_then_comes_by_the_second_port),
        ON(stm32f103, rtt_goes_on_beside_it),
        ON(stm32f103, its_files_fail_and_its_end_is_heard_by_nobody),
        ON(stm32f103, a_dap_host_gets_the_wire_from_it),
        ON(stm32f103, a_target_that_goes_while_gdb_is_asked_is_lost),
        ON(stm32f103, a_reset_starts_a_program_that_had_ended),
        ON(stm32f103, absurd_lengths_do_not_reach_gdb),
        ON(stm32f103, the_programs_end_is_gdbs_with_its_status),
        ON(samd21, the_programs_end_is_gdbs_with_its_status),
        ON(stm32f103, other_breakpoints_of_a_program_stop_it_as_ever),
        ON(stm32f103, command_line_and_heap_are_told),
        ON(stm32f103, its_features_can_be_read),
        ON(stm32f103, its_text_may_go_to_the_second_port),
        ON(stm32f103, who_has_no_file_io_is_not_asked),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("semihosting", tests, NULL, NULL);
}
