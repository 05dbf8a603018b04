/* test_semihost.c - is each call of a program answered as Arm's document says, whatever gdb
 * says to it, and whatever the program meant?
 *
 * A fake core stands at a BKPT 0xAB with a call in r0 and r1; a fake gdb gets what is asked. */
#include "gdb_fakes.h"
#include "semihost.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { RAM = FAKE_RAM_BASE, PC = RAM + 0x1000, BLOCK = RAM + 0x100, TEXT = RAM + 0x200,
       OTHER = RAM + 0x300, NOWHERE = 0xF0000000, END = RAM + FAKE_RAM };
enum { OPEN = 0x01, CLOSE, WRITEC, WRITE0, WRITE, READ, READC, ISERROR, ISTTY, SEEK,
       FLEN = 0x0C, TMPNAM, REMOVE, RENAME, CLOCK, TIME, SYSTEM, ERRNO, GET_CMDLINE = 0x15,
       HEAPINFO, EXIT = 0x18, EXIT_EXTENDED = 0x20, ELAPSED = 0x30, TICKFREQ };

static int attached(void **state)
{
    (void)state;
    fake_power_on();
    fake_ask("QStartNoAckMode");
    fake_host_sends("+", 1);
    fake_ask("!");
    fake_ask("vAttach;1");
    return 0;
}

static void put(uint32_t address, uint32_t word)
{
    memcpy(fake.ram + (address - RAM), &word, 4);
}

static uint32_t get(uint32_t address)
{
    uint32_t word;
    memcpy(&word, fake.ram + (address - RAM), 4);
    return word;
}

static void put_text(uint32_t address, const char *text)
{
    memcpy(fake.ram + (address - RAM), text, strlen(text) + 1);
}

static uint32_t r0(void) { return fake.registers[0][0]; }

/* Stands at the BKPT, and somebody resumes it. */
static void stand_at(uint32_t number, uint32_t r1, uint16_t instruction)
{
    memcpy(fake.ram + (PC - RAM), &instruction, 2);
    fake.registers[0][0] = number;
    fake.registers[1][0] = r1;
    fake.registers[REG_PC][0] = PC;
}

static void resume(const char *packet)
{
    fake.next.reason = STOP_SW_BREAKPOINT;
    fake.polls_left = 0;
    fake_host_packet(packet, -1);
    fake_run(2000);
}

static const char *call(uint32_t number, uint32_t r1)
{
    stand_at(number, r1, 0xBEAB);
    fake.running = false;
    resume("vCont;c");
    return fake_payload();
}

static const char *call_with(uint32_t number, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    uint32_t words[] = { a, b, c, d };
    memcpy(fake.ram + (BLOCK - RAM), words, sizeof words);
    return call(number, BLOCK);
}

#define RUNS_ON(result) (assert_true(fake.running), assert_int_equal(r0(), (uint32_t)(result)), \
                         assert_int_equal(fake.registers[REG_PC][0], PC + 2))
/* Nobody is asked, and the program has its answer. */
#define ANSWERS(result, number, a, b, c, d) \
    (assert_string_equal(call_with(number, a, b, c, d), ""), RUNS_ON(result))
/* gdb is asked; what it says, and what the program hears. */
#define ASKS(request, number, a, b, c, d) \
    assert_string_equal(call_with(number, a, b, c, d), request)
#define REPLY(reply, result) (assert_string_equal(fake_ask(reply), ""), RUNS_ON(result))

/* --- console --------------------------------------------------------------------------- */

static void text_is_shown_and_the_core_goes_on(void **state)
{
    (void)state;
    put_text(TEXT, "hello\n");
    assert_string_equal(call(WRITE0, TEXT), "");
    assert_string_equal(fake_console(), "hello\n");
    assert_true(fake.running);
    assert_string_equal(call(WRITEC, TEXT + 1), "");
    assert_string_equal(fake_console(), "e");
    ANSWERS(0, WRITE, 2, TEXT, 4, 0);
    assert_string_equal(fake_console(), "hell");
    ANSWERS(0, WRITE, 3, TEXT, 6, 0);
    assert_string_equal(fake_console(), "hello\n");
    ANSWERS(0, WRITE, 2, TEXT, 0, 0);
    assert_string_equal(fake_console(), "");
}

static void text_of_any_length_is_shown_whole(void **state)
{
    char text[1000];
    (void)state;
    for (int i = 0; i < 999; i++)
        text[i] = (char)('a' + i % 26);
    text[999] = '\0';
    put_text(TEXT + 3, text);
    call(WRITE0, TEXT + 3);
    assert_string_equal(fake_console(), text);
    ANSWERS(0, WRITE, 2, TEXT + 3, 999, 0);
    assert_string_equal(fake_console(), text);
}

static void text_ends_where_the_memory_does(void **state)
{
    (void)state;
    memset(fake.ram + FAKE_RAM - 300, 'x', 300);
    call(WRITE0, END - 300);
    assert_int_equal(strlen(fake_console()), 300);
    assert_true(fake.running);
    ANSWERS(0xFFFFFFFF - 300, WRITE, 2, END - 300, 0xFFFFFFFF, 0);
    assert_int_equal(strlen(fake_console()), 300);
    ANSWERS(5, WRITE, 2, 0x90000000, 5, 0);
    assert_string_equal(fake_console(), "");
    call(WRITE0, 0x90000000);
    assert_string_equal(fake_console(), "");
    assert_true(fake.running);
    call(WRITEC, 0xFFFFFFFF);
    assert_true(fake.running);
}

/* Flash of 256 KB without a 0. */
static void a_string_without_an_end_is_cut(void **state)
{
    (void)state;
    memset(fake.flash, 'y', sizeof fake.flash);
    call(WRITE0, 0);
    assert_int_equal(strlen(fake_console()), 0x10000);
    assert_true(fake.running);
}

static void ctrl_c_cuts_a_long_text_short_and_stops_the_program(void **state)
{
    (void)state;
    memset(fake.flash, 'y', sizeof fake.flash);
    stand_at(WRITE0, 0, 0xBEAB);
    fake.next.reason = STOP_SW_BREAKPOINT;
    fake.polls_left = 0;
    fake_host_packet("vCont;c", -1);
    fake_run(30);
    assert_false(fake.running);
    fake_host_sends("\x03", 1);
    fake_run(300);
    assert_memory_equal(fake_payload(), "T02", 3);
    assert_in_range(strlen(fake_console()), 1, 0xFFFF);
    assert_int_equal(fake.registers[REG_PC][0], PC + 2);
}

/* --- files ----------------------------------------------------------------------------- */

static void files_are_gdbs_whose_handle_0_is_the_programs_1(void **state)
{
    (void)state;
    put_text(TEXT, "name.txt");
    put_text(OTHER, "other");
    ASKS("Fopen,20000200/9,602,1b6", OPEN, TEXT, 7, 8, 0);
    REPLY("F3", 4);
    ASKS("Fopen,20000200/9,0,1b6", OPEN, TEXT, 0, 8, 0);
    REPLY("F0", 1);
    ASKS("Fopen,20000200/9,209,1b6", OPEN, TEXT, 8, 8, 0);
    REPLY("F-1,2", -1);
    ANSWERS(2, ERRNO, 0, 0, 0, 0);
    ASKS("Fwrite,3,20000200,8", WRITE, 4, TEXT, 8, 0);
    REPLY("F8", 0);
    ASKS("Fwrite,3,20000200,8", WRITE, 4, TEXT, 8, 0);
    REPLY("F5", 3);
    ASKS("Fwrite,3,20000200,8", WRITE, 4, TEXT, 8, 0);
    REPLY("F-1,1c", 8);
    ANSWERS(0x1C, ERRNO, 0, 0, 0, 0);
    ASKS("Fread,3,20000200,10", READ, 4, TEXT, 16, 0);
    REPLY("Fa", 6);
    ASKS("Fread,3,20000200,10", READ, 4, TEXT, 16, 0);
    REPLY("F0", 16);
    ASKS("Fread,3,20000200,10", READ, 4, TEXT, 16, 0);
    REPLY("F-1,9", 16);
    ASKS("Flseek,3,12345678,0", SEEK, 4, 0x12345678, 0, 0);
    REPLY("F12345678", 0);
    ASKS("Flseek,3,4,0", SEEK, 4, 4, 0, 0);
    REPLY("F-1,1d", -1);
    ASKS("Fisatty,3", ISTTY, 4, 0, 0, 0);
    REPLY("F0", 0);
    ASKS("Fclose,3", CLOSE, 4, 0, 0, 0);
    REPLY("F0", 0);
    ASKS("Fclose,ffffffff", CLOSE, 0, 0, 0, 0);
    REPLY("F-1,9", -1);
    ASKS("Funlink,20000200/9", REMOVE, TEXT, 8, 0, 0);
    REPLY("F0", 0);
    ASKS("Frename,20000200/9,20000300/6", RENAME, TEXT, 8, OTHER, 5);
    REPLY("F-1,2", -1);
    ASKS("Fsystem,20000200/9", SYSTEM, TEXT, 8, 0, 0);
    REPLY("F-1,1", -1);
}

/* struct stat and struct timeval of the protocol have their highest byte first. */
static void lengths_times_and_characters_are_what_gdb_writes_for_us(void **state)
{
    static const char stat[] = "Xf0000000,40:\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
        "\0\x01\x02\x03\x04\x05\x06\x07\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    (void)state;
    ASKS("Ffstat,3,f0000000", FLEN, 4, 0, 0, 0);
    assert_string_equal(fake_ask_bytes(stat, 13 + 64), "OK");
    REPLY("F0", 0x05060708);
    ASKS("Ffstat,3,f0000000", FLEN, 4, 0, 0, 0);
    REPLY("F-1,9", -1);
    assert_string_equal(call(TIME, 0), "Fgettimeofday,f0000000,0");
    assert_string_equal(fake_ask("Xf0000000,0:"), "OK");
    assert_string_equal(fake_ask_bytes("Xf0000000,c:\x6B\x0E\x01\x02\0\0\0\0\0\x01\x02\x03", 24), "OK");
    REPLY("F0", 0x6B0E0102);
    assert_string_equal(call(READC, 0), "Fread,0,f0000000,1");
    assert_string_equal(fake_ask("Mf0000000,1:fe"), "OK");
    REPLY("F1", 0xFE);
    assert_string_equal(call(READC, 0), "Fread,0,f0000000,1");
    REPLY("F0", -1);                                    /* end of the input */
    assert_string_equal(fake_ask("Xf0000000,1:a"), "E03");      /* and else it is no memory */
}

static void the_console_has_handles_by_its_mode(void **state)
{
    (void)state;
    put_text(TEXT, ":tt");
    for (uint32_t mode = 0; mode < 12; mode++)
        ANSWERS(1 + mode / 4, OPEN, TEXT, mode, 3, 0);
    for (uint32_t handle = 1; handle <= 3; handle++) {
        ANSWERS(1, ISTTY, handle, 0, 0, 0);
        ANSWERS(0, CLOSE, handle, 0, 0, 0);
    }
    ANSWERS(-1, OPEN, TEXT, 12, 3, 0);
    ANSWERS(-1, OPEN, TEXT, 0xFFFFFFFF, 3, 0);
    ASKS("Fread,0,20000200,40", READ, 1, TEXT, 64, 0);
    REPLY("F5", 59);
    put_text(TEXT, ":ttx");
    ASKS("Fopen,20000200/5,0,1b6", OPEN, TEXT, 0, 4, 0);
    REPLY("F-1,2", -1);
}

static void features_say_that_a_status_is_heard(void **state)
{
    uint32_t handle;
    (void)state;
    put_text(TEXT, ":semihosting-features");
    call_with(OPEN, TEXT, 0, 21, 0);
    handle = r0();
    assert_int_not_equal(handle, 0);
    assert_int_not_equal(handle, 0xFFFFFFFF);
    ANSWERS(5, FLEN, handle, 0, 0, 0);
    ANSWERS(0, ISTTY, handle, 0, 0, 0);
    ANSWERS(0, READ, handle, OTHER, 4, 0);
    assert_memory_equal(fake.ram + 0x300, "SHFB", 5);
    ANSWERS(15, READ, handle, OTHER, 16, 0);
    assert_int_equal(fake.ram[0x300], 3);
    ANSWERS(16, READ, handle, OTHER, 16, 0);
    ANSWERS(0, SEEK, handle, 4, 0, 0);
    ANSWERS(0, READ, handle, OTHER + 8, 1, 0);
    assert_int_equal(fake.ram[0x308], 3);
    ANSWERS(-1, SEEK, handle, 6, 0, 0);
    ANSWERS(0, SEEK, handle, 0, 0, 0);
    ANSWERS(0xFFFFFFFF - 5, READ, handle, OTHER, 0xFFFFFFFF, 0);
    ANSWERS(0, SEEK, handle, 0, 0, 0);
    ANSWERS(5, READ, handle, 0x90000000, 5, 0);
    ANSWERS(3, WRITE, handle, OTHER, 3, 0);
    ANSWERS(0, CLOSE, handle, 0, 0, 0);
    call_with(OPEN, TEXT, 0, 21, 0);
    assert_int_equal(r0(), handle);
    ANSWERS(0, READ, handle, OTHER, 4, 0);
    assert_memory_equal(fake.ram + 0x300, "SHFB", 4);
}

static void ctrl_c_in_gdbs_answer_stops_the_program(void **state)
{
    (void)state;
    ASKS("Fread,0,20000200,40", READ, 1, TEXT, 64, 0);
    assert_memory_equal(fake_ask("F-1,4,C"), "T02", 3);
    assert_int_equal(r0(), 64);
    assert_int_equal(fake.registers[REG_PC][0], PC + 2);
    ASKS("Fread,0,20000200,40", READ, 1, TEXT, 64, 0);
    assert_memory_equal(fake_ask("F3,0,C"), "T02", 3);
    assert_int_equal(r0(), 61);
}

/* gdb had not seen the request when it was pressed. */
static void ctrl_c_that_crosses_a_request_stops_the_program_behind_it(void **state)
{
    (void)state;
    ASKS("Fread,0,20000200,40", READ, 1, TEXT, 64, 0);
    fake_host_sends("\x03", 1);
    fake_run(500);
    assert_string_equal(fake_payload(), "");
    assert_memory_equal(fake_ask("F5"), "T02", 3);
    assert_int_equal(r0(), 59);
}

static void memory_is_served_while_gdb_is_asked(void **state)
{
    (void)state;
    put_text(TEXT, "abc");
    ASKS("Fwrite,3,20000200,3", WRITE, 4, TEXT, 3, 0);
    assert_string_equal(fake_ask("Hg0"), "OK");
    assert_string_equal(fake_ask("m20000200,3"), "616263");
    assert_string_equal(fake_ask("x20000200,3"), "babc");
    assert_string_equal(fake_ask("X20000201,1:x"), "OK");
    assert_string_equal(fake_ask("M20000202,1:79"), "OK");
    assert_memory_equal(fake.ram + 0x200, "axy", 3);
    REPLY("F3", 0);
}

static void a_reply_that_nobody_asked_for_does_nothing(void **state)
{
    (void)state;
    put(BLOCK, 1);
    assert_string_equal(fake_ask("F3"), "");
    fake.registers[0][0] = 77;
    assert_string_equal(fake_ask("F-1,4,C"), "");
    assert_int_equal(r0(), 77);
    ASKS("Fclose,8", CLOSE, 9, 0, 0, 0);
    REPLY("Fx", -1);                    /* and one that makes no sense is a failure */
}

static void what_gdb_did_not_answer_has_failed(void **state)
{
    (void)state;
    ASKS("Fclose,8", CLOSE, 9, 0, 0, 0);
    assert_int_equal(r0(), 0xFFFFFFFF);
    assert_int_equal(fake.registers[REG_PC][0], PC + 2);
    assert_string_equal(fake_ask("D;1"), "OK");
    assert_true(fake.running);
    fake_ask("vAttach;1");
    fake.registers[0][0] = 5;
    assert_string_equal(fake_ask("F3"), "");
    assert_int_equal(r0(), 5);
}

static void lldb_has_text_but_no_files(void **state)
{
    (void)state;
    fake_ask("QEnableErrorStrings");
    put_text(TEXT, "name");
    call(WRITE0, TEXT);
    assert_string_equal(fake_console(), "name");
    ANSWERS(-1, OPEN, TEXT, 4, 4, 0);
    ANSWERS(88, ERRNO, 0, 0, 0, 0);     /* ENOSYS */
    ANSWERS(9, READ, 1, TEXT, 9, 0);
    ANSWERS(1, ISTTY, 2, 0, 0, 0);
    ANSWERS(-1, TIME, 0, 0, 0, 0);
    ANSWERS(-1, READC, 0, 0, 0, 0);
}

/* --- what the probe answers ------------------------------------------------------------ */

static void the_command_line_is_what_run_was_given(void **state)
{
    (void)state;
    ANSWERS(0, GET_CMDLINE, TEXT, 80, 0, 0);
    assert_string_equal(fake.ram + 0x200, "");
    assert_int_equal(get(BLOCK + 4), 0);
    fake_ask("vRun;;6f6e65;7477");
    ANSWERS(0, GET_CMDLINE, TEXT, 80, 0, 0);
    assert_string_equal(fake.ram + 0x200, "- one tw");
    assert_int_equal(get(BLOCK + 4), 8);
    fake_ask("vRun;612e656c66;6f6e65");
    ANSWERS(-1, GET_CMDLINE, TEXT, 9, 0, 0);            /* no room for the 0 */
    ANSWERS(0, GET_CMDLINE, TEXT, 10, 0, 0);
    assert_string_equal(fake.ram + 0x200, "a.elf one");
    ANSWERS(-1, GET_CMDLINE, 0x90000000, 80, 0, 0);
    ANSWERS(-1, GET_CMDLINE, TEXT, 0, 0, 0);
    fake_ask("vRun;");
    ANSWERS(0, GET_CMDLINE, TEXT, 80, 0, 0);
    assert_string_equal(fake.ram + 0x200, "-");
    fake_ask("vRun");
    ANSWERS(0, GET_CMDLINE, TEXT, 80, 0, 0);
    assert_string_equal(fake.ram + 0x200, "");
}

static void a_command_line_that_is_too_long_or_no_hex_is_cut(void **state)
{
    char packet[1000] = "vRun;";
    (void)state;
    for (int i = 0; i < 400; i++)
        strcat(packet, "61");
    fake_ask(packet);
    ANSWERS(0, GET_CMDLINE, TEXT, 1000, 0, 0);
    assert_in_range(get(BLOCK + 4), 60, 100);
    assert_int_equal(strlen((char *)fake.ram + 0x200), get(BLOCK + 4));
    fake_ask("vRun;zz;6");
    fake_ask("vRun;;;;;");
    ANSWERS(0, GET_CMDLINE, TEXT, 1000, 0, 0);
}

static void heap_and_stack_are_what_the_user_says(void **state)
{
    (void)state;
    memset(fake.ram + 0x200, 0xFF, 16);
    ANSWERS(0, HEAPINFO, TEXT, 0, 0, 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(get(TEXT + 4 * (uint32_t)i), 0);       /* the linker's */
    fake_ask("qRcmd,68656170696e666f203078313020307832302030783330203078343030");
    ANSWERS(0, HEAPINFO, TEXT, 0, 0, 0);
    assert_int_equal(get(TEXT), 0x10);
    assert_int_equal(get(TEXT + 12), 0x400);
    ANSWERS(-1, HEAPINFO, 0x90000000, 0, 0, 0);
    fake_ask("qRcmd,68656170696e666f2030203020302030");
}

static void small_questions_are_answered(void **state)
{
    (void)state;
    ANSWERS(1, ISERROR, 0xFFFFFFFF, 0, 0, 0);
    ANSWERS(0, ISERROR, 0, 0, 0, 0);
    ANSWERS(0, ISERROR, 5, 0, 0, 0);
    ANSWERS(0, TMPNAM, TEXT, 0, 8, 0);
    char first[8];
    memcpy(first, fake.ram + 0x200, 8);
    ANSWERS(0, TMPNAM, TEXT, 255, 8, 0);
    assert_string_not_equal(fake.ram + 0x200, first);
    ANSWERS(-1, TMPNAM, 0x90000000, 0, 8, 0);
    ANSWERS(-1, TMPNAM, TEXT, 0, 3, 0);
    fake.ms = 5000;
    call(CLOCK, 0);
    assert_in_range(r0(), 500, 600);
    call(TICKFREQ, 0);
    assert_int_equal(r0(), 1000);
    fake.ms = 7000;
    assert_string_equal(call(ELAPSED, BLOCK), "");
    RUNS_ON(0);
    assert_in_range(get(BLOCK), 7000, 7500);
    assert_int_equal(get(BLOCK + 4), 0);
    call(ELAPSED, 0x90000000);
    RUNS_ON(-1);
}

static void unknown_calls_fail(void **state)
{
    static const uint32_t unknown[] = { 0, 0x0B, 0x14, 0x17, 0x19, 0x1F, 0x21, 0x32, 0x100, 0x101,
                                        0x80000000, 0xFFFFFFFF };
    (void)state;
    for (unsigned i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        assert_string_equal(call(unknown[i], BLOCK), "");
        RUNS_ON(-1);
    }
}

static void a_block_or_a_name_that_is_not_there_fails(void **state)
{
    static const uint32_t with_block[] = { OPEN, CLOSE, WRITE, READ, ISERROR, ISTTY, SEEK, FLEN,
        TMPNAM, REMOVE, RENAME, SYSTEM, GET_CMDLINE, HEAPINFO, EXIT_EXTENDED };
    (void)state;
    for (unsigned i = 0; i < sizeof with_block / sizeof with_block[0]; i++) {
        assert_string_equal(call(with_block[i], 0x90000000), "");
        RUNS_ON(-1);
        assert_string_equal(call(with_block[i], 0xFFFFFFFE), "");
        RUNS_ON(-1);
    }
    put(END - 4, 4);
    assert_string_equal(call(CLOSE, END - 4), "Fclose,3");      /* a block ends where memory does */
    REPLY("F0", 0);
    ANSWERS(-1, OPEN, 0x90000000, 0, 4, 0);
    put_text(TEXT, "name");
    put_text(OTHER, "other");
    ANSWERS(-1, OPEN, TEXT, 0, 3, 0);                   /* no 0 behind it */
    ANSWERS(-1, OPEN, TEXT, 0, 0xFFFFFFFF, 0);
    ANSWERS(-1, OPEN, TEXT, 0, 0x7FFFFFFF, 0);
    ANSWERS(-1, REMOVE, TEXT, 3, 0, 0);
    ANSWERS(-1, SYSTEM, TEXT, 0x10000, 0, 0);
    ANSWERS(-1, RENAME, TEXT, 4, OTHER, 4);
    ANSWERS(-1, RENAME, TEXT, 3, OTHER, 5);
    ANSWERS(-1, RENAME, TEXT, 4, 0x90000000, 5);
}

/* gdb gets itself so much memory first. */
static void absurd_lengths_are_cut_for_gdb_and_counted_in_full(void **state)
{
    (void)state;
    ASKS("Fread,3,20000200,100000", READ, 4, TEXT, 0xFFFFFFFF, 0);
    REPLY("F10", 0xFFFFFFFF - 16);
    ASKS("Fwrite,3,20000200,100000", WRITE, 4, TEXT, 0x80000000, 0);
    REPLY("F-1,e", 0x80000000);
}

/* --- the BKPT -------------------------------------------------------------------------- */

static void other_bkpts_stop_the_program(void **state)
{
    (void)state;
    put_text(TEXT, "hello\n");
    stand_at(WRITE0, TEXT, 0xBE00);
    resume("vCont;c");
    assert_memory_equal(fake_payload(), "T05", 3);
    stand_at(WRITE0, TEXT, 0xBEAC);
    resume("vCont;c");
    assert_memory_equal(fake_payload(), "T05", 3);
    assert_int_equal(fake.registers[REG_PC][0], PC);
}

static void gdbs_own_breakpoint_on_it_comes_first(void **state)
{
    (void)state;
    put_text(TEXT, "hello\n");
    stand_at(WRITE0, TEXT, 0xBEAB);
    assert_string_equal(fake_ask("Z0,20001000,2"), "OK");
    fake.next.reason = STOP_SW_BREAKPOINT;
    fake.polls_left = 0;
    assert_memory_equal(fake_ask("vCont;c"), "T05", 3);
    assert_int_equal(fake.registers[REG_PC][0], PC);
    assert_string_equal(fake_console(), "");
    fake_ask("z0,20001000,2");
}

static void exits_end_the_program_with_a_status_and_leave_it_halted(void **state)
{
    static const struct { uint32_t number, r1, reason, code; const char *reply; } rows[] = {
        { EXIT, 0x20026, 0, 0, "W00" },
        { EXIT, 0x20023, 0, 0, "W01" },
        { EXIT, 0, 0, 0, "W01" },
        { EXIT_EXTENDED, BLOCK, 0x20026, 0, "W00" },
        { EXIT_EXTENDED, BLOCK, 0x20026, 42, "W2a" },
        { EXIT_EXTENDED, BLOCK, 0x20026, 255, "Wff" },
        { EXIT_EXTENDED, BLOCK, 0x20026, 0xFFFFFFFF, "Wff" },
        { EXIT_EXTENDED, BLOCK, 0x20026, 256, "Wff" },          /* not 0, which is good */
        { EXIT_EXTENDED, BLOCK, 0x20023, 0, "W01" },
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        attached(state);
        put(BLOCK, rows[i].reason);
        put(BLOCK + 4, rows[i].code);
        assert_string_equal(call(rows[i].number, rows[i].r1), rows[i].reply);
        assert_false(fake.running);
        assert_int_equal(fake.registers[REG_PC][0], PC);
        assert_int_equal(fake.ends_halted, 1);
        assert_int_equal(fake.detaches, 0);
        assert_string_equal(fake_ask("?"), "W00");
        assert_string_equal(fake_ask("qfThreadInfo"), "l");
        assert_memory_equal(fake_ask("vRun;"), "T05", 3);
    }
}

#define TEST(name) cmocka_unit_test_setup(name, attached)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(text_is_shown_and_the_core_goes_on),
        TEST(text_of_any_length_is_shown_whole),
        TEST(text_ends_where_the_memory_does),
        TEST(a_string_without_an_end_is_cut),
        TEST(ctrl_c_cuts_a_long_text_short_and_stops_the_program),
        TEST(files_are_gdbs_whose_handle_0_is_the_programs_1),
        TEST(lengths_times_and_characters_are_what_gdb_writes_for_us),
        TEST(the_console_has_handles_by_its_mode),
        TEST(features_say_that_a_status_is_heard),
        TEST(ctrl_c_in_gdbs_answer_stops_the_program),
        TEST(ctrl_c_that_crosses_a_request_stops_the_program_behind_it),
        TEST(memory_is_served_while_gdb_is_asked),
        TEST(a_reply_that_nobody_asked_for_does_nothing),
        TEST(what_gdb_did_not_answer_has_failed),
        TEST(lldb_has_text_but_no_files),
        TEST(the_command_line_is_what_run_was_given),
        TEST(a_command_line_that_is_too_long_or_no_hex_is_cut),
        TEST(heap_and_stack_are_what_the_user_says),
        TEST(small_questions_are_answered),
        TEST(unknown_calls_fail),
        TEST(a_block_or_a_name_that_is_not_there_fails),
        TEST(absurd_lengths_are_cut_for_gdb_and_counted_in_full),
        TEST(other_bkpts_stop_the_program),
        TEST(gdbs_own_breakpoint_on_it_comes_first),
        TEST(exits_end_the_program_with_a_status_and_leave_it_halted),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
