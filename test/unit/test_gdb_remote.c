/* test_gdb_remote.c - is every packet answered, once, with what gdb expects?
 *
 * The command layer against a fake target (gdb_fakes.c).  Most tests skip the acks. */
#include "gdb_fakes.h"
#include "gdb_remote.h"
#include "rsp.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define EXPECT(packet, reply) assert_string_equal(fake_ask(packet), reply)

static int power_on(void **state)
{
    (void)state;
    fake_power_on();
    fake_ask("QStartNoAckMode");
    fake_host_sends("+", 1);
    fake_ask("!");
    return 0;
}

static int attached(void **state)
{
    power_on(state);
    fake_ask("vAttach;1");
    return 0;
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* Resumes with a packet, then the target stops for that reason after some polls. */
static const char *stops_with(const char *packet, enum stop_reason reason, uint32_t address)
{
    assert_string_equal(fake_ask(packet), "");          /* no answer while it runs */
    fake.next = (struct stop){ .reason = reason, .address = address };
    fake.polls_left = 3;
    fake_run(5000);
    return fake_payload();
}

static void nothing_is_said_about_threads_before_attach(void **state)
{
    (void)state;
    EXPECT("?", "W00");
    EXPECT("qfThreadInfo", "l");
    EXPECT("qC", "E07");
    EXPECT("T1", "E07");
    EXPECT("Hg0", "OK");
    EXPECT("g", "E07");
    EXPECT("m0,4", "E07");
    EXPECT("qXfer:features:read:target.xml:0,fff", "E07");
    EXPECT("vCont;c", "X1D");
}

static void attach_stops_and_names_the_thread(void **state)
{
    (void)state;
    assert_true(begins(fake_ask("vAttach;1"), "T05thread:1;"));
    EXPECT("qC", "QC1");
    EXPECT("qfThreadInfo", "m1");
    EXPECT("qsThreadInfo", "l");
    EXPECT("T1", "OK");
    EXPECT("T2", "E0c");
    EXPECT("Hc-1", "OK");
    EXPECT("Hg1", "OK");
    EXPECT("Hg2", "E0c");
    EXPECT("qAttached", "1");
    assert_true(begins(fake_ask("?"), "T05thread:1;"));
}

/* What Debian 11's gdb 10.1 sends for `attach 1`, `break`, `continue`, `stepi` and `kill`.  By
 * a thread without its process it is led to a second inferior, whose registers it then has
 * no description of. */
static void gdb_10_hears_of_one_process_only(void **state)
{
    (void)state;
    assert_non_null(strstr(fake_ask("qSupported:multiprocess+;swbreak+;hwbreak+;qRelocInsn+;"
        "fork-events+;vfork-events+;exec-events+;vContSupported+;QThreadEvents+;no-resumed+;"
        "xmlRegisters=i386"), ";multiprocess+"));
    EXPECT("Hg0", "OK");
    EXPECT("?", "W00");
    assert_true(begins(fake_ask("vAttach;1"), "T05thread:p1.1;00:"));
    EXPECT("qC", "QCp1.1");
    EXPECT("Hgp1.1", "OK");
    EXPECT("qfThreadInfo", "mp1.1");
    EXPECT("Hcp1.0", "OK");
    EXPECT("qAttached:1", "1");
    assert_true(begins(fake_ask("vCont;s:p1.1;c:p1.-1"), "T05thread:p1.1;00:"));
    EXPECT("Z1,200,2", "OK");
    assert_true(begins(stops_with("vCont;c:p1.-1", STOP_HW_BREAKPOINT, 0),
                       "T05hwbreak:;thread:p1.1;00:"));
    EXPECT("Tp1.1", "OK");
    EXPECT("qThreadExtraInfo,p1.1", fake_ask("qThreadExtraInfo,1"));
    EXPECT("vKill;1", "OK");
    EXPECT("qfThreadInfo", "l");
    assert_true(begins(fake_ask("vRun;"), "T05thread:p1.1;00:"));
    EXPECT("D;1", "OK");
}

static void the_process_is_the_number_that_was_attached(void **state)
{
    (void)state;
    fake.count = 2;
    fake_ask("qSupported:multiprocess+");
    assert_true(begins(fake_ask("vAttach;2"), "T05thread:p2.1;"));
    EXPECT("qfThreadInfo", "mp2.1");
    EXPECT("Hgp2.1", "OK");
    EXPECT("Hgp2.2", "E0c");
    EXPECT("Hgp2", "OK");
    EXPECT("Hgp2.-1", "OK");
    EXPECT("Hg-1", "OK");
    EXPECT("Hgp", "E0c");
    EXPECT("Hgp2.", "E0c");
    EXPECT("Hg", "E0c");
    fake_ask("qSupported:hwbreak+");                    /* another client, of the old kind */
    EXPECT("qC", "QC1");
}

static void attach_that_fails_says_why_on_the_next_console(void **state)
{
    (void)state;
    fake.attach_error = ERR_LOCKED;
    EXPECT("vAttach;1", "E0a");
    fake_ask("qRcmd,68656c70");
    assert_non_null(strstr(fake_console(), "The last error was: error 10"));
    fake_ask("qRcmd,68656c70");
    assert_null(strstr(fake_console(), "error 10"));
}

static void attach_to_a_number_that_is_none_of_the_list_says_so(void **state)
{
    static const char *const numbers[] = { "0", "2", "63", "7fffffff", "80000001", "ffffffff",
                                           "100000001", "", "zz", "-1", "1x" };
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char packet[40];
        snprintf(packet, sizeof packet, "vAttach;%s", numbers[i]);
        EXPECT(packet, "E19");
        fake_ask("qRcmd,68656c70");
        assert_non_null(strstr(fake_console(), "The last error was: error 25"));
        assert_false(fake.attached);
    }
}

static void errors_have_words_for_clients_that_can_read_them(void **state)
{
    (void)state;
    fake.attach_error = ERR_LOCKED;
    fake_ask("qSupported:error-message+");
    EXPECT("vAttach;1", "E.error 10");
    fake_ask("qSupported:multiprocess+");
    EXPECT("QEnableErrorStrings", "OK");
    EXPECT("vAttach;1", "E0a;6572726f72203130");
}

static void client_without_extended_mode_is_attached_by_its_question(void **state)
{
    (void)state;
    fake_power_on();
    fake_ask("QStartNoAckMode");
    assert_true(begins(fake_ask("?"), "T05thread:1;"));
    fake_power_on();
    fake_ask("QStartNoAckMode");
    assert_true(begins(fake_ask("qProcessInfo"), "pid:1;"));
    fake_power_on();
    fake_ask("QStartNoAckMode");
    fake.count = 0;
    EXPECT("?", "W00");
}

static void packet_size_and_features_are_told(void **state)
{
    (void)state;
    const char *reply = fake_ask("qSupported:multiprocess+;swbreak+;hwbreak+;xmlRegisters=i386");
    assert_true(begins(reply, "PacketSize=1000;"));
    assert_non_null(strstr(reply, "qXfer:memory-map:read+"));
    assert_non_null(strstr(reply, "binary-upload+"));
}

static void memory_is_read_in_hex_and_in_binary(void **state)
{
    (void)state;
    memcpy(fake.ram, "\x01#$}*\xff", 6);
    EXPECT("m20000000,6", "0123247d2aff");
    EXPECT("m20000001,1", "23");
    EXPECT("m20000000,0", "");
    fake_host_packet("x20000000,6", -1);
    fake_run(100);
    assert_string_equal(fake_sent(), "$b\x01}\x03}\x04}]}\n\xff#c4");
    EXPECT("x0,0", "b");
}

static void long_reads_fill_the_packet_and_no_more(void **state)
{
    (void)state;
    assert_int_equal(strlen(fake_ask("m20000000,800")), 4096);
    assert_int_equal(strlen(fake_ask("m20000000,fff0")), 4096);
    assert_int_equal(strlen(fake_ask("m20000000,7ff")), 4094);
}

static void read_that_fails_further_on_gives_what_came_before(void **state)
{
    (void)state;
    assert_int_equal(strlen(fake_ask("m2000ff00,200")), 512);
    assert_int_equal(strlen(fake_ask("m2000f803,1000")), 2 * 0x7FD);
    EXPECT("m20010000,4", "E03");
}

static void memory_is_written_in_hex_and_in_binary(void **state)
{
    (void)state;
    EXPECT("M20000000,4:78563412", "OK");
    EXPECT("m20000000,4", "78563412");
    assert_string_equal(fake_ask_bytes("X20000003,4:a}\x03" "b\x03", 17), "OK");
    EXPECT("m20000000,8", "7856346123620300");
    EXPECT("X20000000,0:", "OK");
    EXPECT("X20000000,4:ab", "E0c");
    EXPECT("X20000000,2:abc", "E0c");
    EXPECT("M20000000,4:785634", "E0c");
    EXPECT("M20000000,2:78563412", "E0c");
    EXPECT("M20000000,2:7z56", "E0c");
    EXPECT("M30000000,2:7856", "E03");
    EXPECT("M20000000,2", "E0c");
    EXPECT("M", "E0c");
}

static void registers_are_read_and_written(void **state)
{
    (void)state;
    EXPECT("P3=78563412", "OK");
    EXPECT("p3", "78563412");
    assert_int_equal(fake.registers[3][0], 0x12345678);
    assert_int_equal(strlen(fake_ask("g")), 23 * 8);
    EXPECT("P18=0000000000000000", "E0c");              /* d0, and there is no FPU */
    EXPECT("p18", "E0c");
    EXPECT("pff", "E0c");
    EXPECT("P3=7856", "E0c");
    fake.fpu = true;
    EXPECT("P18=0102030405060708", "OK");
    EXPECT("p18", "0102030405060708");
    assert_int_equal(strlen(fake_ask("g")), 23 * 8);    /* the FPU's: p */
    fake.fpu = false;
    fake.v6m = true;
    assert_int_equal(strlen(fake_ask("g")), 21 * 8);
    EXPECT("p14", "E0c");                               /* BASEPRI */
}

static void writing_all_registers_leaves_those_alone_that_stay_the_same(void **state)
{
    char packet[1 + 23 * 8 + 1];
    (void)state;
    fake.registers[REG_MSP][0] = 0x20001000;
    fake.registers[REG_SP][0] = 0x20001000;
    strcpy(packet, "G");
    strcat(packet, fake_ask("g"));
    memcpy(packet + 1 + 13 * 8, "00080020", 8);
    EXPECT(packet, "OK");
    assert_int_equal(fake.registers[REG_SP][0], 0x20000800);
    EXPECT("G0011", "E0c");
}

static void stop_reply_has_reason_thread_and_registers(void **state)
{
    (void)state;
    fake_ask("qSupported:swbreak+;hwbreak+");
    EXPECT("Z1,200,2", "OK");
    fake.registers[REG_PC][0] = 0x200;
    fake.registers[REG_PSP][0] = 0x20000400;
    const char *reply = stops_with("vCont;c", STOP_HW_BREAKPOINT, 0);
    assert_true(begins(reply, "T05hwbreak:;thread:1;00:00000000;"));
    /* Without msp and psp gdb 13 would ask for all of them. */
    assert_non_null(strstr(reply, "0f:00020000;10:00000000;11:00000000;12:00040020;"));
    reply = stops_with("c", STOP_WATCH_WRITE, 0x20000010);
    assert_true(begins(reply, "T05watch:20000010;thread:1;"));
    reply = stops_with("C05", STOP_WATCH_READ, 0x20000010);
    assert_true(begins(reply, "T05rwatch:20000010;thread:1;"));
    reply = stops_with("vCont;C05:1;c", STOP_WATCH_ACCESS, 0x20000010);
    assert_true(begins(reply, "T05awatch:20000010;thread:1;"));
    reply = stops_with("vCont;c:-1", STOP_REQUEST, 0);
    assert_true(begins(reply, "T02thread:1;"));
}

static void breakpoint_kind_is_not_told_to_those_who_did_not_ask(void **state)
{
    (void)state;
    assert_true(begins(stops_with("c", STOP_HW_BREAKPOINT, 0), "T05thread:1;"));
}

static void fault_is_explained_before_the_stop_reply(void **state)
{
    (void)state;
    assert_true(begins(stops_with("c", STOP_FAULT, 0), "T0bthread:1;"));
    assert_string_equal(fake_console(), "HardFault: it went wrong at 0x100\n");
}

static void every_way_to_step_steps_once_and_reports(void **state)
{
    static const char *const packets[] = { "s", "S05", "vCont;s", "vCont;S05", "vCont;s:1;c",
                                           "vCont;c:2;s:1", "vCont;s:1;c:-1" };
    (void)state;
    for (size_t i = 0; i < sizeof packets / sizeof packets[0]; i++) {
        int before = fake.steps;
        assert_true(begins(fake_ask(packets[i]), "T05thread:1;"));
        assert_int_equal(fake.steps, before + 1);
    }
    assert_true(begins(fake_ask("s300"), "T05thread:1;"));
    assert_int_equal(fake.registers[REG_PC][0], 0x302);
}

static void range_stepping_goes_on_until_outside(void **state)
{
    (void)state;
    fake.registers[REG_PC][0] = 0x100;
    const char *reply = fake_ask("vCont;r100,200:1;c");
    assert_true(begins(reply, "T05thread:1;"));
    assert_non_null(strstr(reply, ";0f:00020000;"));
    assert_int_equal(fake.registers[REG_PC][0], 0x200);
    fake.registers[REG_PC][0] = 0x100;
    fake_ask("vCont;r100,100:1");
    assert_int_equal(fake.registers[REG_PC][0], 0x102);
}

static void control_c_ends_a_long_range_and_a_run(void **state)
{
    (void)state;
    EXPECT("c", "");
    fake_host_sends("\x03", 1);
    fake_run(3000);
    assert_true(begins(fake_payload(), "T02thread:1;"));
    assert_int_equal(fake.halts, 1);
    fake_host_sends("\x03", 1);                         /* nothing runs: no answer */
    fake_run(100);
    assert_string_equal(fake_payload(), "");
}

static void control_c(void)
{
    fake_host_sends("\x03", 1);
    fake_run(20);
}

/* The GDB manual's "Interrupts": "queued", and it ends the next resume. */
static void control_c_while_it_stands_still_ends_the_next_resume_at_once(void **state)
{
    static const char *const resumes[] = { "c", "s", "vCont;c", "vCont;s:1", "vCont;r100,200:1" };
    (void)state;
    for (size_t i = 0; i < sizeof resumes / sizeof *resumes; i++) {
        fake.registers[REG_PC][0] = 0x100;
        fake.steps = 0;
        control_c();
        assert_string_equal(fake_payload(), "");
        const char *reply = fake_ask(resumes[i]);
        assert_true(begins(reply, "T02thread:1;"));
        assert_non_null(strstr(reply, ";0f:00010000;"));
        assert_false(fake.running);
        assert_int_equal(fake.steps, 0);
        assert_true(begins(fake_ask("vCont;s:1"), "T05thread:1;"));     /* it was answered */
        assert_int_equal(fake.steps, 1);
    }
}

/* gdb in a software watchpoint or at a condition: what it asks in between changes nothing. */
static void a_kept_control_c_outlives_what_gdb_asks_at_a_stop(void **state)
{
    (void)state;
    control_c();
    EXPECT("z1,100,2", "OK");
    fake_ask("m20000000,4");
    fake_ask("g");
    EXPECT("P0=01000000", "OK");
    EXPECT("X20000000,1:a", "OK");
    fake_ask("qRcmd,76657273696f6e");                   /* a breakpoint's commands */
    control_c();
    control_c();
    assert_true(begins(fake_ask("vCont;c"), "T02thread:1;"));
    fake.polls_left = -1;
    assert_string_equal(fake_ask("vCont;c"), "");       /* all of them are one */
}

static void control_c_that_meets_another_stop_ends_the_next_resume(void **state)
{
    (void)state;
    assert_string_equal(fake_ask("vCont;c"), "");
    fake.no_halt = true;
    control_c();
    fake.next.reason = STOP_HW_BREAKPOINT;
    fake.polls_left = 0;
    fake_run(5000);
    fake.no_halt = false;
    assert_true(begins(fake_payload(), "T05"));
    assert_true(begins(fake_ask("vCont;s:1"), "T02"));
    assert_true(begins(fake_ask("vCont;s:1"), "T05"));
}

/* It was meant for a program that is gone, or for the packet that was at work. */
static void a_kept_control_c_goes_stale(void **state)
{
    static const char *const packets[] = {
        "vRun;", "vAttach;1", "R00",
        "vFlashDone", "qSearch:memory:20000000;100;needle",
    };
    (void)state;
    for (size_t i = 0; i < sizeof packets / sizeof *packets; i++) {
        control_c();
        fake_ask(packets[i]);
        assert_string_equal(fake_ask("vCont;c"), "");
        control_c();
        fake_run(3000);
    }
    control_c();
    EXPECT("D", "OK");
    control_c();                                        /* there is nothing to stop */
    assert_true(begins(fake_ask("vAttach;1"), "T05"));
    assert_string_equal(fake_ask("vCont;c"), "");
    control_c();
    fake_run(3000);
    control_c();
    fake.openings++;                                    /* another client */
    fake_run(2);
    fake_ask("QStartNoAckMode");
    fake_host_sends("+", 1);
    assert_true(begins(fake_ask("vAttach;1"), "T05"));
    assert_string_equal(fake_ask("vCont;c"), "");
}

/* Those in the ring behind a packet that is at work were meant for that. */
static void control_c_for_a_load_or_a_search_is_none_for_the_program(void **state)
{
    static const char *const packets[] = {
        "vFlashErase:0,2000", "vFlashWrite:0:abcd", "vFlashDone",
        "qSearch:memory:0;10000;nowhere",
    };
    (void)state;
    for (size_t i = 0; i < sizeof packets / sizeof *packets; i++) {
        fake_host_packet(packets[i], -1);
        fake_host_sends("+++\x03\x03", 5);
        fake_run(50);
        fake_payload();
        if (packets[i][0] == 'v')
            fake_ask("vFlashDone");
        assert_string_equal(fake_ask("vCont;c"), "");
        control_c();
        fake_run(3000);
    }
    fake_ask("vFlashDone");
    fake_ask("m0,4");
    control_c();                                        /* but this one is */
    assert_true(begins(fake_ask("vCont;c"), "T02"));
}

static void control_c_that_has_no_effect_is_reported_as_a_loss(void **state)
{
    (void)state;
    fake.no_halt = true;
    EXPECT("c", "");
    fake_host_sends("\x03", 1);
    fake_run(200000);
    assert_string_equal(fake_payload(), "X1D");
    assert_non_null(strstr(fake_console(), "target lost: error 9"));
}

static void all_that_vcont_offers_is_answered(void **state)
{
    (void)state;
    EXPECT("vCont?", "vCont;c;C;s;S;t;r");
    assert_true(begins(fake_ask("vCont;t"), "T02thread:1;"));
    EXPECT("vCont", "E12");
    EXPECT("vCont;", "E12");
    EXPECT("vCont;q", "E12");
    EXPECT("vCont;c:2", "E12");
    EXPECT("vCont;r100", "E12");
}

static void lost_target_is_reported_and_can_be_attached_again(void **state)
{
    (void)state;
    EXPECT("c", "");
    fake.poll_error = ERR_LOST;
    fake_run(2000);
    assert_string_equal(fake_payload(), "X1D");
    assert_non_null(strstr(fake_console(), "target lost"));
    EXPECT("qfThreadInfo", "l");
    fake.poll_error = OK;
    assert_true(begins(fake_ask("vAttach;1"), "T05thread:1;"));
}

static void memory_is_read_while_the_target_runs(void **state)
{
    (void)state;
    EXPECT("c", "");
    EXPECT("m20000000,4", "00000000");
    EXPECT("g", "E08");
    EXPECT("vFlashErase:0,100", "E08");
    assert_true(fake.running);
}

static void software_breakpoint_in_ram_is_a_bkpt_that_nobody_sees(void **state)
{
    (void)state;
    fake_ask("qSupported:swbreak+;hwbreak+");
    memcpy(fake.ram, "abcdefgh", 8);
    EXPECT("Z0,20000002,2", "OK");
    assert_memory_equal(fake.ram, "ab\xBE\xBE" "efgh", 8);
    EXPECT("m20000000,8", "6162636465666768");
    EXPECT("m20000003,1", "64");
    EXPECT("M20000001,2:3132", "OK");
    assert_memory_equal(fake.ram, "a1\xBE\xBE" "efgh", 8);
    fake.registers[REG_PC][0] = 0x20000002;
    assert_true(begins(stops_with("c", STOP_SW_BREAKPOINT, 0), "T05swbreak:;thread:1;"));
    EXPECT("z0,20000002,2", "OK");
    assert_memory_equal(fake.ram, "a12defgh", 8);
    EXPECT("z0,20000002,2", "OK");
    assert_true(begins(stops_with("c", STOP_SW_BREAKPOINT, 0), "T05thread:1;"));
    assert_non_null(strstr(fake_console(), "BKPT in the program itself"));
}

static void software_breakpoint_in_flash_takes_a_comparator(void **state)
{
    (void)state;
    fake_ask("qSupported:swbreak+;hwbreak+");
    EXPECT("Z0,100,2", "OK");
    EXPECT("Z0,100,2", "OK");
    assert_int_equal(fake.breakpoint_count, 1);
    fake.registers[REG_PC][0] = 0x100;
    assert_true(begins(stops_with("c", STOP_HW_BREAKPOINT, 0), "T05swbreak:;thread:1;"));
    for (int i = 1; i < 4; i++)
        EXPECT(i == 1 ? "Z1,200,2" : i == 2 ? "Z1,202,2" : "Z0,204,2", "OK");
    EXPECT("Z1,300,2", "E11");
    EXPECT("z0,100,2", "OK");
    EXPECT("Z1,300,2", "OK");
}

static const uint8_t bkpt_bytes[2] = { 0xBE, 0xBE };

static const char *bkpt_packet(char z, int n)
{
    static char packet[32];
    snprintf(packet, sizeof packet, "%c0,%x,2", z, 0x20000000 + 4 * n);
    return packet;
}

/* In any order, and no more than there is room for. */
static void software_breakpoints_come_and_go(void **state)
{
    uint8_t program[25 * 4];
    (void)state;
    for (int i = 0; i < (int)sizeof program; i++)
        fake.ram[i] = program[i] = (uint8_t)i;
    for (int n = 0; n < 24; n++)
        EXPECT(bkpt_packet('Z', n), "OK");
    EXPECT(bkpt_packet('Z', 24), "E11");
    EXPECT(bkpt_packet('z', 0), "OK");
    EXPECT(bkpt_packet('z', 23), "OK");
    EXPECT(bkpt_packet('z', 7), "OK");
    for (int n = 0; n < 25; n++) {
        bool set = n != 0 && n != 7 && n < 23;
        assert_memory_equal(fake.ram + 4 * n, set ? bkpt_bytes : program + 4 * n, 2);
        assert_memory_equal(fake.ram + 4 * n + 2, program + 4 * n + 2, 2);
    }
    EXPECT("m2000001c,8", "1c1d1e1f20212223");
    for (int n = 24; n >= 0; n--)
        EXPECT(bkpt_packet(n == 24 ? 'Z' : 'z', n), "OK");
    EXPECT("D", "OK");
    assert_memory_equal(fake.ram, program, sizeof program);
}

static void detach_puts_everything_back(void **state)
{
    (void)state;
    memcpy(fake.ram, "abcd", 4);
    EXPECT("Z0,20000000,2", "OK");
    EXPECT("D", "OK");
    assert_memory_equal(fake.ram, "abcd", 4);
    assert_false(fake.attached);
    assert_true(fake.running);
    EXPECT("qfThreadInfo", "l");
    EXPECT("D;1", "OK");
}

/* Start-up code copies .data over a breakpoint that was set in it. */
static void what_the_program_wrote_over_a_bkpt_is_the_programs(void **state)
{
    (void)state;
    memcpy(fake.ram, "abcd", 4);
    EXPECT("Z0,20000000,2", "OK");
    memcpy(fake.ram, "1234", 4);
    EXPECT("m20000000,4", "31323334");
    EXPECT("z0,20000000,2", "OK");
    assert_memory_equal(fake.ram, "1234", 4);
    EXPECT("z0,20000000,2", "OK");
    assert_memory_equal(fake.ram, "1234", 4);
}

static void a_byte_that_the_program_wrote_over_a_bkpt_is_the_programs(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        memcpy(fake.ram, "abcd", 4);
        EXPECT("Z0,20000000,2", "OK");
        fake.ram[k] = '1';
        EXPECT("m20000000,4", k ? "61316364" : "31626364");
        EXPECT("z0,20000000,2", "OK");
        assert_memory_equal(fake.ram, k ? "a1cd" : "1bcd", 4);
    }
}

/* lldb leaves them in at a stop, and gdb does with `set breakpoint always-inserted on`. */
static void a_bkpt_that_was_written_over_is_set_anew_at_the_next_stop(void **state)
{
    (void)state;
    memcpy(fake.ram, "abcdefgh", 8);
    EXPECT("Z0,20000000,2", "OK");
    EXPECT("Z0,20000002,2", "OK");
    EXPECT("Z0,20000004,2", "OK");
    EXPECT("c", "");
    memcpy(fake.ram, "12345", 5);
    stops_with("vCont;s", STOP_STEP, 0);
    assert_memory_equal(fake.ram, "\xBE\xBE\xBE\xBE\xBE\xBEgh", 8);
    EXPECT("m20000000,8", "3132333435666768");
    EXPECT("D", "OK");
    assert_memory_equal(fake.ram, "12345fgh", 8);
}

/* A byte-wise copy may be stopped between the two bytes of a BKPT. */
static void a_copy_that_is_stopped_in_the_middle_of_a_bkpt_goes_on(void **state)
{
    (void)state;
    memcpy(fake.ram, "abcd", 4);
    EXPECT("Z0,20000000,2", "OK");
    fake.ram[0] = '1';
    stops_with("c", STOP_REQUEST, 0);
    fake.ram[1] = '2';
    stops_with("c", STOP_REQUEST, 0);
    assert_memory_equal(fake.ram, "\xBE\xBE" "cd", 4);
    EXPECT("D", "OK");
    assert_memory_equal(fake.ram, "12cd", 4);
}

static void a_port_closed_while_running_takes_no_stale_bytes_back(void **state)
{
    (void)state;
    memcpy(fake.ram, "abcdefgh", 8);
    EXPECT("Z0,20000000,2", "OK");
    EXPECT("Z0,20000004,2", "OK");
    EXPECT("c", "");
    memcpy(fake.ram, "12", 2);
    fake.openings++;
    fake_run(10);
    assert_false(fake.attached);
    assert_memory_equal(fake.ram, "12cdefgh", 8);
}

/* Also what looks like a part of a BKPT of ours. */
static void gdbs_own_bytes_over_a_bkpt_are_kept_as_they_are(void **state)
{
    (void)state;
    memcpy(fake.ram, "abcd", 4);
    EXPECT("Z0,20000000,2", "OK");
    EXPECT("M20000000,2:be20", "OK");
    assert_memory_equal(fake.ram, "\xBE\xBE" "cd", 4);
    EXPECT("m20000000,2", "be20");
    fake.ram[1] = '1';                  /* the program, and then gdb beside it */
    EXPECT("M20000000,1:bd", "OK");
    EXPECT("z0,20000000,2", "OK");
    assert_memory_equal(fake.ram, "\xBD" "1cd", 4);
}

static void a_bkpt_of_the_program_stays_where_one_of_ours_was(void **state)
{
    (void)state;
    memcpy(fake.ram, "\xBE\xBE\x00\xBE", 4);
    EXPECT("Z0,20000000,2", "OK");
    EXPECT("Z0,20000002,2", "OK");
    EXPECT("m20000000,4", "bebe00be");
    EXPECT("z0,20000000,2", "OK");
    EXPECT("z0,20000002,2", "OK");
    assert_memory_equal(fake.ram, "\xBE\xBE\x00\xBE", 4);
}

static void a_bkpt_that_could_not_be_taken_out_is_tried_again(void **state)
{
    (void)state;
    memcpy(fake.ram, "abcd", 4);
    EXPECT("Z0,20000000,2", "OK");
    fake.write_error = ERR_PARITY;
    assert_true(begins(fake_ask("z0,20000000,2"), "E"));
    assert_true(begins(fake_ask("M20000000,1:31"), "E"));
    fake.write_error = OK;
    EXPECT("m20000000,4", "61626364");
    EXPECT("z0,20000000,2", "OK");
    assert_memory_equal(fake.ram, "abcd", 4);
}

static void kill_takes_the_bkpts_out_of_ram_before_the_reset(void **state)
{
    (void)state;
    memcpy(fake.ram, "abcd", 4);
    EXPECT("Z0,20000000,2", "OK");
    EXPECT("vKill;1", "OK");
    assert_memory_equal(fake.ram, "abcd", 4);
    assert_true(fake.running);
}

static void a_checksum_is_of_the_programs_bytes(void **state)
{
    char before[20];
    (void)state;
    memcpy(fake.ram + 250, "abcdef", 6);
    snprintf(before, sizeof before, "%s", fake_ask("qCRC:20000000,309"));
    EXPECT("Z0,200000fe,2", "OK");
    EXPECT("Z0,20000300,2", "OK");
    EXPECT("qCRC:20000000,309", before);
}

static void watchpoints_reach_the_core_with_hex_length(void **state)
{
    (void)state;
    EXPECT("Z3,20000000,10", "OK");
    assert_int_equal(fake.watch_type, WATCH_READ);
    assert_int_equal(fake.watch_length, 16);
    EXPECT("z3,20000000,10", "OK");
    assert_int_equal(fake.watch_type, 0);
    EXPECT("Z5,0,1", "");
    EXPECT("Z1", "E0c");
    EXPECT("Z1,100", "E0c");
}

static void documents_are_the_same_in_any_pieces(void **state)
{
    static char whole[5000], pieces[5000];
    char ask[80];
    static const char *const names[] = { "features:read:target.xml", "memory-map:read:" };
    (void)state;
    fake.fpu = true;
    for (int i = 0; i < 2; i++)
        for (unsigned step = 1; step < 700; step += 66) {
            snprintf(ask, sizeof ask, "qXfer:%s:0,fff", names[i]);
            strcpy(whole, fake_ask(ask));
            assert_int_equal(whole[0], 'l');
            pieces[0] = '\0';
            for (unsigned at = 0; ; at += step) {
                snprintf(ask, sizeof ask, "qXfer:%s:%x,%x", names[i], at, step);
                const char *piece = fake_ask(ask);
                strcat(pieces, piece + 1);
                if (piece[0] == 'l')
                    break;
                assert_int_equal(piece[0], 'm');
                assert_int_equal(strlen(piece), step + 1);
            }
            assert_string_equal(pieces, whole + 1);
        }
    EXPECT("qXfer:memory-map:read::fff0,10", "l");
    EXPECT("qXfer:memory-map:read::", "E0c");
    EXPECT("qXfer:auxv:read::0,10", "");
}

/* A function that gdb calls must leave msp as gdb's copy of sp has it, and primask alone. */
static void no_register_is_left_out_when_gdb_saves_them(void **state)
{
    (void)state;
    const char *document = fake_ask("qXfer:features:read:target.xml:0,fff");
    assert_non_null(strstr(document, "<reg name='msp' bitsize='32' regnum='17' type='data_ptr'/>"));
    assert_non_null(strstr(document, "<reg name='control' bitsize='32' regnum='22' type='int'/>"));
    assert_null(strstr(document, "save-restore"));
}

static void memory_map_has_no_holes(void **state)
{
    (void)state;
    EXPECT("qXfer:memory-map:read::0,fff", "l<memory-map>"
           "<memory type='flash' start='0x0' length='0x40000'>"
           "<property name='blocksize'>0x100</property></memory>"
           "<memory type='ram' start='0x40000' length='0x7c0000'></memory>"
           "<memory type='ram' start='0x800000' length='0x10000'></memory>"     /* our ROM */
           "<memory type='ram' start='0x810000' length='0xff7f0000'></memory></memory-map>");
}

static void flash_is_erased_written_and_closed(void **state)
{
    (void)state;
    EXPECT("vFlashErase:100,200", "OK");
    int settled = fake.settles;
    EXPECT("vFlashWrite:100:abc}\x03", "OK");
    assert_int_equal(fake.settles, settled);            /* the flash goes on meanwhile */
    EXPECT("vFlashDone", "OK");
    assert_memory_equal(fake.flash + 0x100, "abc#", 4);
    assert_int_equal(fake.flash[0xFF], 0);
    assert_int_equal(fake.flash[0x104], 0xFF);
    assert_int_equal(fake.flash[0x2FF], 0xFF);
    assert_int_equal(fake.flash[0x300], 0);
    assert_int_equal(fake.begins, 1);
    assert_int_equal(fake.ends, 1);
}

static void flash_errors_end_the_job(void **state)
{
    (void)state;
    EXPECT("vFlashErase:3ff00,200", "E0c");
    assert_int_equal(fake.ends, 1);
    EXPECT("vFlashErase:fffffff0,20", "E0c");
    EXPECT("vFlashErase:0,", "E0c");
    EXPECT("vFlashWrite:50000:x", "E0c");
    EXPECT("vFlashWrite:0", "E0c");
    fake.flash_error = ERR_LOCKED;
    EXPECT("vFlashErase:0,100", "E0a");
    EXPECT("vFlashWrite:0:abcd", "E0a");                /* itself, not the next packet */
    EXPECT("vFlashDone", "OK");
}

/* "X<address>,<length>:" and as many bytes. */
static const char *write_ram(uint32_t address, int length)
{
    static char packet[4200];
    int n = snprintf(packet, sizeof packet, "X%x,%x:", address, (unsigned)length);

    memset(packet + n, 'p', (size_t)length);
    return fake_ask_bytes(packet, n + length);
}

static void long_write_to_ram_is_confirmed_before_it_is_done(void **state)
{
    (void)state;
    assert_string_equal(write_ram(FAKE_RAM_BASE + 5, 256), "OK");
    assert_int_equal(fake.sent_before_write, 6);        /* $OK#9a */
    assert_int_equal(fake.ram[4], 0);
    assert_int_equal(fake.ram[5 + 255], 'p');
    assert_string_equal(write_ram(FAKE_RAM_BASE, 255), "OK");   /* a user's, perhaps */
    assert_int_equal(fake.sent_before_write, 0);
}

static void long_write_to_where_no_ram_is_known_is_done_before_it_is_confirmed(void **state)
{
    (void)state;
    assert_string_equal(write_ram(FAKE_RAM_BASE + FAKE_RAM - 255, 256), "E03");
    assert_string_equal(write_ram(FAKE_RAM_BASE - 1, 256), "E03");
    assert_string_equal(write_ram(0x40000000, 4000), "E03");
    assert_int_equal(fake.sent_before_write, 0);
    assert_string_equal(write_ram(0x100, 256), "OK");   /* flash, by X */
    assert_int_equal(fake.sent_before_write, 0);
    EXPECT("m20000000,1", "00");
}

static const char *console_of(const char *command_in_hex)
{
    char packet[100];
    snprintf(packet, sizeof packet, "qRcmd,%s", command_in_hex);
    fake_ask(packet);
    return fake_console();
}
#define HELP "68656c70"

static void kill_is_answered_to_who_waits_for_it(void **state)
{
    (void)state;
    EXPECT("k", "");                            /* gdb does not */
    fake_ask("QEnableErrorStrings");            /* lldb does */
    fake_ask("vAttach;1");
    EXPECT("k", "X09");
    assert_false(fake.attached);
    EXPECT("k", "X09");                         /* though nothing is left to be killed */
}

static void a_command_longer_than_any_is_refused_in_words(void **state)
{
    char packet[600] = "qRcmd,";
    (void)state;
    for (int i = 0; i < 201; i++)
        strcat(packet, i == 0 ? "74" : i == 1 ? "61" : "20");   /* ta, and blanks */
    EXPECT(packet, "E0c");
    assert_non_null(strstr(fake_console(), "longer than any command"));
    packet[6 + 400] = '\0';
    EXPECT(packet, "OK");
}

static void a_load_into_fuses_is_refused_and_told_the_command(void **state)
{
    static const char *const packets[] = {
        "X804000,8:12345678", "X804000,1:1", "M804004,4:11223344", "M80ffff,1:00",
        "X804000,10:1234567890123456",
    };
    (void)state;
    for (size_t i = 0; i < sizeof packets / sizeof packets[0]; i++) {
        EXPECT(packets[i], "E15");
        assert_true(begins(console_of(HELP), "The last error was: error 21\n"));
    }
    for (int i = 0; i < 256; i++)
        assert_int_equal(fake.fuses[i], 0);
    fake_ask("qSupported:error-message+");
    EXPECT("X804000,8:12345678", "E.error 21");
    EXPECT("m804000,4", "00000000");
}

static void who_drives_the_flash_controller_writes_fuses_by_hand(void **state)
{
    (void)state;
    EXPECT("M41004000,4:05a50000", "E03");      /* the fake's bus has nothing there */
    console_of(HELP);                           /* a question in between does no harm */
    EXPECT("M804000,4:ffc7e0d8", "OK");
    EXPECT("X804004,4:1234", "OK");
    EXPECT("m804000,8", "ffc7e0d831323334");
    EXPECT("X804000,10:1234567890123456", "E15");       /* that is no `set` */
    fake.polls_left = 0;
    fake.next.reason = STOP_STEP;
    fake_ask("vCont;c");
    EXPECT("M804000,4:00000000", "E15");        /* another story */
    fake_ask("M41004000,4:05a50000");
    EXPECT("M804000,4:00000000", "OK");
    fake_ask("vFlashErase:0,100");
    fake_ask("vFlashDone");
    EXPECT("M804000,4:00000000", "E15");
}

static void a_program_larger_than_the_ram_is_told_so(void **state)
{
    (void)state;
    write_ram(FAKE_RAM_BASE + FAKE_RAM, 64);
    assert_true(begins(console_of(HELP), "The last error was: error 12\n"));
    EXPECT("M50000000,4:00000000", "E03");      /* a user's: gdb says enough */
    assert_false(begins(console_of(HELP), "The last"));
}

static void a_load_broken_off_does_not_outlive_the_next_command(void **state)
{
    (void)state;
    EXPECT("vFlashErase:0,100", "OK");
    console_of(HELP);
    assert_int_equal(fake.ends, 1);
    assert_int_equal(fake.erase_left, 256);     /* nothing was erased */
    EXPECT("vFlashErase:0,100", "OK");
    assert_int_equal(fake.begins, 2);
}

static void write_that_fails_after_its_confirmation_fails_the_next_packet(void **state)
{
    static const char *const next[] = { "m20000000,4", "g", "Pf=00000020", "Z1,100,2",
        "qCRC:20000000,100", "c", "s", "vCont;c", "vCont;s:1;c", "vFlashErase:0,100",
        "vFlashWrite:0:abcd", "vFlashDone" };
    (void)state;
    for (size_t i = 0; i < sizeof next / sizeof next[0]; i++) {
        fake.write_error = ERR_PARITY;
        assert_string_equal(write_ram(FAKE_RAM_BASE, 256), "OK");
        fake.write_error = OK;
        EXPECT(next[i], "E04");                         /* and it is not executed: */
        assert_false(fake.running);
        assert_int_equal(fake.begins + fake.steps + fake.breakpoint_count, 0);
        EXPECT("m20000000,4", "00000000");              /* said once */
    }
    fake.write_error = ERR_PARITY;
    write_ram(FAKE_RAM_BASE, 256);
    assert_string_equal(write_ram(FAKE_RAM_BASE, 256), "E04");
}

static void error_after_a_confirmation_is_also_told_on_the_console(void **state)
{
    (void)state;
    fake.write_error = ERR_PARITY;
    write_ram(FAKE_RAM_BASE, 256);
    fake_ask("qRcmd,68656c70");                         /* help */
    assert_true(begins(fake_console(), "The last error was: error 4\n"));
    EXPECT("m20000000,4", "E04");                       /* still owed */
}

/* gdb inserts breakpoints when it resumes: what is refused then is over with the next resume
 * that is not. */
static void an_error_is_told_only_to_the_command_that_follows_it(void **state)
{
    static const char *const fine[] = { "vCont;c", "vCont;s:1", "s", "vRun;", "vAttach;1",
                                        "vFlashDone" };
    char set[] = "Z1,100,2";

    (void)state;
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        fake.breakpoint_count = 4;
        EXPECT("Z1,200,2", "E11");
        fake.breakpoint_count = 0;
        EXPECT(set, "OK");
        fake_ask(fine[i]);
        assert_string_equal(fake_console(), "");
        fake_host_sends("\x03", 1);
        fake_run(3000);
        fake_payload();
        assert_string_equal(fake_console(), "");
        fake_ask("qRcmd,68656c70");
        assert_null(strstr(fake_console(), "last error"));
        fake_ask("vRun;");
        set[5]++;
    }
    fake.breakpoint_count = 4;
    EXPECT("Z1,200,2", "E11");
    EXPECT("z1,100,2", "OK");
    fake_ask("m0,4");
    fake_ask("qRcmd,68656c70");
    assert_true(begins(fake_console(), "The last error was: error 17\n"));
}

static void what_is_owed_is_said_before_the_target_is_left(void **state)
{
    (void)state;
    fake.write_error = ERR_PARITY;
    write_ram(FAKE_RAM_BASE, 256);
    EXPECT("D", "E04");
    EXPECT("m20000000,4", "00000000");                  /* it is still there */
    EXPECT("D", "OK");
    fake.write_error = OK;
    fake_ask("vAttach;1");
    EXPECT("m20000000,4", "00000000");
}

static void with_acknowledgments_nothing_is_confirmed_beforehand(void **state)
{
    (void)state;
    fake.openings++;                                    /* acknowledges again */
    fake_run(2);
    fake_ask("vAttach;1");
    fake.write_error = ERR_PARITY;
    assert_string_equal(write_ram(FAKE_RAM_BASE, 256), "E04");
    assert_int_equal(fake.sent_before_write, 1);        /* + */
}

static void flash_write_is_confirmed_before_it_is_done(void **state)
{
    (void)state;
    EXPECT("vFlashErase:100,200", "OK");
    EXPECT("vFlashWrite:100:abcd", "OK");
    assert_int_equal(fake.sent_before_write, 6);
    fake.flash_error = ERR_VERIFY;
    EXPECT("vFlashWrite:104:abcd", "OK");
    assert_int_equal(fake.ends, 1);                     /* the controller is locked */
    fake.flash_error = OK;
    EXPECT("vFlashWrite:108:abcd", "E10");
    EXPECT("vFlashErase:100,200", "OK");
    fake.flash_error = ERR_VERIFY;
    EXPECT("vFlashWrite:100:abcd", "OK");
    EXPECT("vFlashDone", "E10");
}

static void ctrl_c_ends_the_erasing_of_what_got_no_data(void **state)
{
    (void)state;
    EXPECT("vFlashErase:0,2000", "OK");
    fake_host_packet("vFlashDone", -1);
    for (int i = 0; i < 64; i++)        /* comes when the packet has been taken */
        fake_host_sends("+", 1);
    fake_host_sends("\x03", 1);
    fake_run(20);
    assert_string_equal(fake_payload(), "E09");
    assert_int_equal(fake.ends, 1);
    assert_int_equal(fake.flash[0x1FFF], 0);
}

static void other_packets_find_the_target_settled(void **state)
{
    (void)state;
    EXPECT("vFlashErase:0,100", "OK");
    EXPECT("vFlashWrite:0:abcd", "OK");
    int settled = fake.settles;
    fake_ask("g");
    assert_int_equal(fake.settles, settled + 1);
    EXPECT("vFlashDone", "OK");
}

static void port_closed_in_the_middle_of_a_load_ends_the_job(void **state)
{
    (void)state;
    EXPECT("vFlashErase:0,100", "OK");
    fake.openings++;
    fake_run(2);
    assert_int_equal(fake.ends, 1);
    assert_false(fake.attached);
}

static void crc_and_search_answer(void **state)
{
    (void)state;
    memcpy(fake.ram, "123456789", 9);
    EXPECT("qCRC:20000000,9", "C376e6e7");      /* CRC-32/MPEG-2 check value */
    EXPECT("qCRC:20000000,0", "Cffffffff");
    EXPECT("qCRC:30000000,10", "E03");
    EXPECT("qCRC:20000000", "E0c");
    memcpy(fake.ram + 254, "needle", 6);                /* over a seam */
    EXPECT("qSearch:memory:20000000;1000;needle", "1,200000fe");
    EXPECT("qSearch:memory:20000000;103;needle", "0");
    EXPECT("qSearch:memory:20000000;104;needle", "1,200000fe");
    EXPECT("qSearch:memory:20000000;3;needle", "0");
    EXPECT("qSearch:memory:200000fe;6;needle", "1,200000fe");
    EXPECT("qSearch:memory:20000000;1000;", "E0c");
    EXPECT("qSearch:memory:2000fff0;1000;needle", "E03");
}

static void ctrl_c_ends_a_search(void **state)
{
    (void)state;
    fake_host_packet("qSearch:memory:0;10000;nowhere", -1);
    for (int i = 0; i < 64; i++)        /* comes when the packet has been taken */
        fake_host_sends("+", 1);
    fake_host_sends("\x03", 1);
    fake_run(20);
    assert_string_equal(fake_payload(), "E09");
}

static void restart_and_kill(void **state)
{
    (void)state;
    assert_true(begins(fake_ask("vRun;"), "T05thread:1;"));
    assert_int_equal(fake.resets, 1);
    EXPECT("R00", "");
    assert_int_equal(fake.resets, 2);
    EXPECT("vKill;1", "OK");
    assert_int_equal(fake.resets, 3);
    assert_false(fake.attached);
    assert_true(begins(fake_ask("vRun;"), "T05thread:1;"));     /* attaches again */
    EXPECT("k", "");
    assert_false(fake.attached);
}

/* gdb asks what we want to know, then says it: with an address, or that it has none. */
static void gdb_is_asked_for_the_symbol_of_rtt(void **state)
{
    static const struct { const char *packet, *answer; uint32_t symbol; } told[] = {
        { "qSymbol::", "qSymbol:5f5345474745525f525454", 1 },
        { "qSymbol:20000434:5f5345474745525f525454", "OK", 0x20000434 },
        { "qSymbol::", "qSymbol:5f5345474745525f525454", 0x20000434 },
        { "qSymbol::5f5345474745525f525454", "OK", 0 },
    };
    char answer[64];
    (void)state;
    fake_rtt_symbol = 1;
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        fake_host_packet(told[i].packet, -1);
        fake_run(50);
        snprintf(answer, sizeof answer, "$%s#", told[i].answer);
        assert_memory_equal(fake_sent(), answer, strlen(answer));
        assert_int_equal(fake_rtt_symbol, told[i].symbol);
    }
}

static void what_is_unknown_is_answered_with_nothing(void **state)
{
    static const char *const packets[] = {
        "", "vMustReplyEmpty", "vFile:setfs:0", "qOffsets", "qTStatus",
        "QThreadSuffixSupported", "QListThreadsInStopReply", "jThreadsInfo", "qCfoo",
        "qRegisterInfo0", "_M100,rwx", "A4,0,61", "qGetWorkingDir", "gfoo", "vCtrlC",
        "QPassSignals:0",
    };
    (void)state;
    for (size_t i = 0; i < sizeof packets / sizeof packets[0]; i++) {
        fake_host_packet(packets[i], -1);
        fake_run(50);
        assert_string_equal(fake_sent(), "$#00");
    }
}

/* As if it had opened the port: the target runs, and nothing is left of who was there. */
static void client_that_begins_anew_finds_what_power_on_gives(void **state)
{
    (void)state;
    fake_ask("qSupported:hwbreak+");
    EXPECT("vFlashErase:0,100", "OK");
    EXPECT("c", "");
    fake_host_sends("+", 1);
    fake_host_packet("qSupported:multiprocess+", -1);
    fake_run(50);
    assert_true(begins(fake_sent(), "+$PacketSize"));
    fake_host_sends("+", 1);
    fake_ask("QStartNoAckMode");
    fake_host_sends("+", 1);
    assert_false(fake.attached);
    assert_int_equal(fake.begins, fake.ends);
    assert_true(fake.running);
    EXPECT("!", "OK");
    EXPECT("?", "W00");
    EXPECT("qfThreadInfo", "l");
    assert_true(begins(fake_ask("vAttach;1"), "T05thread:p1.1;"));
    assert_string_equal(fake_ask("c"), "");
    fake_host_sends("+", 1);                            /* `target remote` */
    fake_ask("qSupported:multiprocess+");
    fake_host_sends("+", 1);
    assert_true(begins(fake_ask("?"), "T05thread:p1.1;"));
}

static void monitor_command_prints_and_ends_with_ok_or_an_error(void **state)
{
    (void)state;
    fake_host_packet("qRcmd,6672657175656e6379", -1);   /* frequency */
    fake_run(50);
    assert_string_equal(fake_sent(), "$O5357434c4b206973203430303030303020487a0a#04$OK#9a");
    EXPECT("qRcmd,6e6f6e65", "E12");
    EXPECT("qRcmd,6e6f6", "E0c");
    EXPECT("qRcmd,zz", "E0c");
    EXPECT("qRcmd,", "OK");
}

#define BEFORE_ATTACH(test) cmocka_unit_test_setup(test, power_on)
#define ATTACHED(test) cmocka_unit_test_setup(test, attached)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BEFORE_ATTACH(nothing_is_said_about_threads_before_attach),
        BEFORE_ATTACH(attach_stops_and_names_the_thread),
        BEFORE_ATTACH(gdb_10_hears_of_one_process_only),
        BEFORE_ATTACH(the_process_is_the_number_that_was_attached),
        BEFORE_ATTACH(attach_that_fails_says_why_on_the_next_console),
        BEFORE_ATTACH(attach_to_a_number_that_is_none_of_the_list_says_so),
        BEFORE_ATTACH(errors_have_words_for_clients_that_can_read_them),
        BEFORE_ATTACH(client_without_extended_mode_is_attached_by_its_question),
        BEFORE_ATTACH(packet_size_and_features_are_told),
        ATTACHED(memory_is_read_in_hex_and_in_binary),
        ATTACHED(long_reads_fill_the_packet_and_no_more),
        ATTACHED(read_that_fails_further_on_gives_what_came_before),
        ATTACHED(memory_is_written_in_hex_and_in_binary),
        ATTACHED(registers_are_read_and_written),
        ATTACHED(writing_all_registers_leaves_those_alone_that_stay_the_same),
        ATTACHED(stop_reply_has_reason_thread_and_registers),
        ATTACHED(breakpoint_kind_is_not_told_to_those_who_did_not_ask),
        ATTACHED(fault_is_explained_before_the_stop_reply),
        ATTACHED(every_way_to_step_steps_once_and_reports),
        ATTACHED(range_stepping_goes_on_until_outside),
        ATTACHED(control_c_ends_a_long_range_and_a_run),
        ATTACHED(control_c_while_it_stands_still_ends_the_next_resume_at_once),
        ATTACHED(a_kept_control_c_outlives_what_gdb_asks_at_a_stop),
        ATTACHED(control_c_that_meets_another_stop_ends_the_next_resume),
        ATTACHED(a_kept_control_c_goes_stale),
        ATTACHED(control_c_for_a_load_or_a_search_is_none_for_the_program),
        ATTACHED(control_c_that_has_no_effect_is_reported_as_a_loss),
        ATTACHED(all_that_vcont_offers_is_answered),
        ATTACHED(lost_target_is_reported_and_can_be_attached_again),
        ATTACHED(memory_is_read_while_the_target_runs),
        ATTACHED(software_breakpoint_in_ram_is_a_bkpt_that_nobody_sees),
        ATTACHED(software_breakpoint_in_flash_takes_a_comparator),
        ATTACHED(software_breakpoints_come_and_go),
        ATTACHED(what_the_program_wrote_over_a_bkpt_is_the_programs),
        ATTACHED(a_byte_that_the_program_wrote_over_a_bkpt_is_the_programs),
        ATTACHED(a_bkpt_that_was_written_over_is_set_anew_at_the_next_stop),
        ATTACHED(a_copy_that_is_stopped_in_the_middle_of_a_bkpt_goes_on),
        ATTACHED(a_port_closed_while_running_takes_no_stale_bytes_back),
        ATTACHED(gdbs_own_bytes_over_a_bkpt_are_kept_as_they_are),
        ATTACHED(a_bkpt_of_the_program_stays_where_one_of_ours_was),
        ATTACHED(a_bkpt_that_could_not_be_taken_out_is_tried_again),
        ATTACHED(kill_takes_the_bkpts_out_of_ram_before_the_reset),
        ATTACHED(a_checksum_is_of_the_programs_bytes),
        ATTACHED(detach_puts_everything_back),
        ATTACHED(watchpoints_reach_the_core_with_hex_length),
        ATTACHED(documents_are_the_same_in_any_pieces),
        ATTACHED(no_register_is_left_out_when_gdb_saves_them),
        ATTACHED(memory_map_has_no_holes),
        ATTACHED(flash_is_erased_written_and_closed),
        ATTACHED(flash_errors_end_the_job),
        ATTACHED(long_write_to_ram_is_confirmed_before_it_is_done),
        ATTACHED(long_write_to_where_no_ram_is_known_is_done_before_it_is_confirmed),
        ATTACHED(a_load_into_fuses_is_refused_and_told_the_command),
        ATTACHED(who_drives_the_flash_controller_writes_fuses_by_hand),
        ATTACHED(a_program_larger_than_the_ram_is_told_so),
        ATTACHED(kill_is_answered_to_who_waits_for_it),
        ATTACHED(a_command_longer_than_any_is_refused_in_words),
        ATTACHED(a_load_broken_off_does_not_outlive_the_next_command),
        ATTACHED(write_that_fails_after_its_confirmation_fails_the_next_packet),
        ATTACHED(error_after_a_confirmation_is_also_told_on_the_console),
        ATTACHED(an_error_is_told_only_to_the_command_that_follows_it),
        ATTACHED(what_is_owed_is_said_before_the_target_is_left),
        ATTACHED(with_acknowledgments_nothing_is_confirmed_beforehand),
        ATTACHED(flash_write_is_confirmed_before_it_is_done),
        ATTACHED(ctrl_c_ends_the_erasing_of_what_got_no_data),
        ATTACHED(other_packets_find_the_target_settled),
        ATTACHED(port_closed_in_the_middle_of_a_load_ends_the_job),
        ATTACHED(crc_and_search_answer),
        ATTACHED(ctrl_c_ends_a_search),
        ATTACHED(restart_and_kill),
        ATTACHED(gdb_is_asked_for_the_symbol_of_rtt),
        ATTACHED(what_is_unknown_is_answered_with_nothing),
        ATTACHED(client_that_begins_anew_finds_what_power_on_gives),
        ATTACHED(monitor_command_prints_and_ends_with_ok_or_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
