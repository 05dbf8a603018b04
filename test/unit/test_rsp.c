/* test_rsp.c - is a packet a packet, and nothing else one?
 *
 * rsp.c under gdb_remote.c, spoken to byte by byte; the literals are what is on the
 * wire. */
#include "gdb_fakes.h"
#include "gdb_remote.h"
#include "rsp.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static int power_on(void **state) { (void)state; fake_power_on(); return 0; }

static const char *says(const char *bytes)
{
    fake_host_sends(bytes, (int)strlen(bytes));
    fake_run(50);
    return fake_sent();
}

static void stop_acks(void)
{
    assert_string_equal(says("$QStartNoAckMode#b0"), "+$OK#9a");
    assert_string_equal(says("+"), "");
}

static void unknown_packet_gets_an_ack_and_an_empty_reply(void **state)
{
    (void)state;
    assert_string_equal(says("$qNonsense#ba"), "+$#00");
}

static void bad_checksum_is_nacked_and_not_executed(void **state)
{
    static const char *const bad[] = { "$!#00", "$!#2x", "$!#x1", "$!#\x01\x02",
                                       "$\xFF#zz", "$\xF1#z1" };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_string_equal(says(bad[i]), "-");
    assert_string_equal(says("$!#21"), "+$OK#9a");
}

static void bad_checksum_without_acks_is_answered_with_an_error(void **state)
{
    (void)state;
    stop_acks();
    assert_string_equal(says("$!#00"), "$E04#a9");
}

static void packet_may_arrive_in_any_pieces(void **state)
{
    static const char packet[] = "$qNonsense#ba";
    (void)state;
    for (size_t i = 0; i + 2 < sizeof packet; i++) {
        fake_host_sends(packet + i, 1);
        fake_run(3);
        assert_string_equal(fake_sent(), "");
    }
    assert_string_equal(says("a"), "+$#00");
}

static void dollar_in_the_middle_starts_anew(void **state)
{
    (void)state;
    assert_string_equal(says("$m2000$!#21"), "+$OK#9a");
    assert_string_equal(says("$m2000}$!#21"), "+$OK#9a");
    assert_string_equal(says("$m2000#$!#21"), "+$OK#9a");
    assert_string_equal(says("$m2000#1$!#21"), "+$OK#9a");
    for (int length = 0; length < 9; length++) {        /* at any place in a word */
        char bytes[40];
        snprintf(bytes, sizeof bytes, "$%.*s$qNonsense#ba", length, "m20000000");
        assert_string_equal(says(bytes), "+$#00");
    }
}

static void noise_between_packets_is_ignored(void **state)
{
    (void)state;
    assert_string_equal(says("+-xyz}#00+\r\n$!#21"), "+$OK#9a");
}

static void nack_brings_the_reply_again_and_ack_ends_it(void **state)
{
    (void)state;
    assert_string_equal(says("$!#21"), "+$OK#9a");
    assert_string_equal(says("-"), "$OK#9a");
    assert_string_equal(says("+"), "");
    assert_string_equal(says("-"), "");
}

static void reply_is_repeated_when_no_ack_comes_but_not_for_ever(void **state)
{
    (void)state;
    assert_string_equal(says("$!#21"), "+$OK#9a");
    for (int i = 0; i < 10; i++) {
        fake.ms += 2500;
        assert_string_equal(says(""), i < 3 ? "$OK#9a" : "");
    }
}

static void without_acks_nothing_is_acknowledged_or_repeated(void **state)
{
    (void)state;
    stop_acks();
    assert_string_equal(says("$!#21"), "$OK#9a");
    assert_string_equal(says("-"), "");
    fake.ms += 10000;
    assert_string_equal(says(""), "");
}

static void packet_of_the_longest_size_is_taken_a_longer_one_refused(void **state)
{
    static char text[RSP_PACKET_MAX * 3];
    (void)state;
    stop_acks();
    memset(text, 'j', sizeof text);             /* no such packet */
    assert_string_equal(fake_ask_bytes(text, RSP_PACKET_MAX), "");
    assert_string_equal(fake_ask_bytes(text, RSP_PACKET_MAX + 1), "E04");
    assert_string_equal(fake_ask_bytes(text, sizeof text), "E04");
    assert_string_equal(fake_ask("!"), "OK");
}

static int next_random(void)
{
    static uint32_t x = 1;
    x = x * 1664525 + 1013904223;
    return (int)(x >> 24);
}

/* Lengths, places and pieces of any alignment; specials often, and side by side. */
static void all_bytes_arrive_whatever_they_are_and_however_they_are_cut(void **state)
{
    static uint8_t data[1000], packet[2100];
    (void)state;
    stop_acks();
    fake_ask("vAttach;1");
    for (int round = 0; round < 500; round++) {
        int length = 1 + next_random() * 4 % 990, at = next_random() % 8, n;
        uint8_t sum = 0;
        for (int i = 0; i < length; i++)
            data[i] = (uint8_t)(next_random() % 4 ? next_random() : "#$}*"[next_random() % 4]);
        n = sprintf((char *)packet, "$X%x,%x:", FAKE_RAM_BASE + at, (unsigned)length);
        for (int i = 0; i < length; i++) {
            bool special = data[i] == '#' || data[i] == '$' || data[i] == '}';
            if (special)
                packet[n++] = '}';
            packet[n++] = special ? data[i] ^ 0x20 : data[i];
        }
        for (int i = 1; i < n; i++)
            sum = (uint8_t)(sum + packet[i]);
        n += sprintf((char *)packet + n, "#%02x", sum);
        for (int sent = 0, piece; sent < n; sent += piece) {
            piece = next_random() % 70;
            if (piece > n - sent)
                piece = n - sent;
            fake_host_sends(packet + sent, piece);
            fake_run(1);
        }
        fake_run(50);
        assert_string_equal(fake_sent(), "$OK#9a");
        assert_memory_equal(fake.ram + at, data, length);
    }
}

static void all_bytes_are_read_in_any_number(void **state)
{
    char expected[1200];
    (void)state;
    stop_acks();
    fake_ask("vAttach;1");
    for (int i = 0; i < 600; i++)
        fake.ram[i] = (uint8_t)(i * 7);
    for (int length = 1; length < 590; length++) {
        int at = length % 5;
        char ask[30];
        for (int i = 0; i < length; i++)
            sprintf(expected + 2 * i, "%02x", fake.ram[at + i]);
        sprintf(ask, "m%x,%x", FAKE_RAM_BASE + at, (unsigned)length);
        assert_string_equal(fake_ask(ask), expected);
    }
}

static void nack_with_the_next_packet_behind_it_gets_both_replies(void **state)
{
    (void)state;
    assert_string_equal(says("$!#21"), "+$OK#9a");
    fake.out_room = 4;
    assert_string_equal(says("-$qNonsense#ba"), "$OK#");
    fake.out_room = 1 << 20;
    assert_string_equal(says(""), "9a+$#00");
}

static void reopened_port_starts_afresh(void **state)
{
    (void)state;
    stop_acks();
    says("$X20000000,8:abc");                   /* and the cable comes out */
    fake.openings += 2;
    fake_run(2);
    assert_string_equal(says("+$!#21"), "+$OK#9a");     /* acknowledged again */
}

static void reopened_in_the_middle_of_a_look_is_answered_to_the_new_one(void **state)
{
    (void)state;
    stop_acks();
    fake.reopens = true;
    assert_string_equal(says("$!#21"), "+$OK#9a");      /* and not without '+' */
}

static void control_d_and_a_closed_port_detach(void **state)
{
    (void)state;
    stop_acks();
    fake_ask("vAttach;1");
    assert_true(fake.attached);
    says("\x04");
    assert_false(fake.attached);
    fake_ask("vAttach;1");
    fake.openings++, fake.open = false;
    fake_run(2);
    assert_false(fake.attached);
    assert_true(fake.running);
}

static void host_that_does_not_read_gets_the_reply_when_it_does(void **state)
{
    (void)state;
    stop_acks();
    fake.out_room = 3;
    assert_string_equal(says("$!#21$?#3f"), "$OK");
    fake.ms += 60000;
    assert_string_equal(says(""), "");
    fake.out_room = 1 << 20;
    assert_string_equal(says("") , "#9a$W00#b7");
}

static void console_flood_to_a_host_that_does_not_read_ends_in_bounded_time(void **state)
{
    (void)state;
    stop_acks();
    says("$!#21");
    fake.out_room = 10;
    uint32_t before = fake.ms;
    fake_ask("qRcmd,68656c70");                 /* help: many lines */
    assert_true(fake.ms - before < 3000);
    fake.out_room = 1 << 20;
    assert_non_null(strstr(says(""), "$OK#9a"));
    assert_string_equal(says("$!#21"), "$OK#9a");
}

/* The port was never closed.  Every client acknowledges whatever may have come before it, and
 * asks qSupported (gdb) or for no acks (lldb). */
static void client_that_begins_anew_is_acknowledged(void **state)
{
    (void)state;
    stop_acks();
    for (int i = 0; i < 3; i++) {
        assert_memory_equal(says("+$qSupported#37"), "+$PacketSize", 12);
        says("+");
        stop_acks();
        assert_string_equal(says("$!#21"), "$OK#9a");
    }
}

static void lldb_that_begins_anew_is_acknowledged(void **state)
{
    (void)state;
    stop_acks();
    for (int i = 0; i < 3; i++) {
        assert_string_equal(says("+$QStartNoAckMode#b0"), "+$OK#9a");
        assert_memory_equal(says("+$qSupported#37"), "$PacketSize", 11);
        assert_string_equal(says("$!#21"), "$OK#9a");
    }
}

static void client_after_one_that_died_in_a_packet_is_acknowledged(void **state)
{
    static const char *const cut[] = { "$", "$m2000", "$X20000000,4:ab", "$X20000000,4:ab}",
                                       "$m2000#" };
    (void)state;
    for (size_t i = 0; i < sizeof cut / sizeof cut[0]; i++) {
        stop_acks();
        assert_string_equal(says(cut[i]), "");
        assert_memory_equal(says("+$qSupported#37"), "+$PacketSize", 12);
        says("+");
    }
}

static void client_after_one_that_did_not_take_its_answer_is_acknowledged(void **state)
{
    (void)state;
    assert_string_equal(says("$!#21"), "+$OK#9a");      /* no ack comes, nor ever will */
    for (int i = 0; i < 5; i++) {
        fake.ms += 2100;
        says("");
    }
    assert_string_equal(says("$?#3f"), "+$W00#b7");     /* extended */
    for (int i = 0; i < 5; i++) {
        fake.ms += 2100;
        says("");
    }
    assert_memory_equal(says("+$qSupported#37"), "+$PacketSize", 12);
    says("+");
    assert_memory_equal(says("$?#3f"), "+$T05", 5);     /* another one, that is not */
}

/* The '+' of the new one is taken for the one that is owed; its question shows who it is. */
static void client_after_one_that_just_now_owes_an_ack_finds_nothing_of_it(void **state)
{
    (void)state;
    assert_memory_equal(says("+$qSupported#37"), "+$PacketSize", 12);
    says("+");
    assert_memory_equal(says("$vAttach;1#37"), "+$T05", 5);
    assert_memory_equal(says("+$qSupported#37"), "+$PacketSize", 12);
    assert_false(fake.attached);
}

/* lldb asks qSupported without acks, and some ask more than once; and one who goes on with his
 * acks does no harm. */
static void client_that_goes_on_is_not_taken_for_another(void **state)
{
    (void)state;
    fake_ask("!");
    stop_acks();
    fake_ask("vAttach;1");
    assert_memory_equal(says("$qSupported#37"), "$PacketSize", 11);
    assert_memory_equal(says("$qSupported#37"), "$PacketSize", 11);
    assert_string_equal(says("+$!#21"), "$OK#9a");
    assert_string_equal(says("+$qC#b4"), "$QC1#c5");
    assert_int_equal(fake.detaches, 0);
}

/* Each line of the console is a packet, and acknowledged. */
static void acks_of_many_packets_are_not_those_of_another_client(void **state)
{
    (void)state;
    fake_ask("vAttach;1");
    says("+");
    fake_host_packet("qRcmd,6672657175656e6379", -1);
    fake_run(50);
    assert_string_equal(fake_sent(), "+$O5357434c4b206973203430303030303020487a0a#04$OK#9a");
    assert_memory_equal(says("++$qSupported#37"), "+$PacketSize", 12);
    assert_true(fake.attached);
    assert_memory_equal(says("++$qSupported#37"), "+$PacketSize", 12);
    assert_false(fake.attached);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(unknown_packet_gets_an_ack_and_an_empty_reply, power_on),
        cmocka_unit_test_setup(bad_checksum_is_nacked_and_not_executed, power_on),
        cmocka_unit_test_setup(bad_checksum_without_acks_is_answered_with_an_error,
                               power_on),
        cmocka_unit_test_setup(packet_may_arrive_in_any_pieces, power_on),
        cmocka_unit_test_setup(dollar_in_the_middle_starts_anew, power_on),
        cmocka_unit_test_setup(noise_between_packets_is_ignored, power_on),
        cmocka_unit_test_setup(nack_brings_the_reply_again_and_ack_ends_it, power_on),
        cmocka_unit_test_setup(reply_is_repeated_when_no_ack_comes_but_not_for_ever,
                               power_on),
        cmocka_unit_test_setup(without_acks_nothing_is_acknowledged_or_repeated, power_on),
        cmocka_unit_test_setup(packet_of_the_longest_size_is_taken_a_longer_one_refused,
                               power_on),
        cmocka_unit_test_setup(
            all_bytes_arrive_whatever_they_are_and_however_they_are_cut, power_on),
        cmocka_unit_test_setup(all_bytes_are_read_in_any_number, power_on),
        cmocka_unit_test_setup(nack_with_the_next_packet_behind_it_gets_both_replies,
                               power_on),
        cmocka_unit_test_setup(reopened_port_starts_afresh, power_on),
        cmocka_unit_test_setup(reopened_in_the_middle_of_a_look_is_answered_to_the_new_one,
                               power_on),
        cmocka_unit_test_setup(control_d_and_a_closed_port_detach, power_on),
        cmocka_unit_test_setup(host_that_does_not_read_gets_the_reply_when_it_does,
                               power_on),
        cmocka_unit_test_setup(
            console_flood_to_a_host_that_does_not_read_ends_in_bounded_time, power_on),
        cmocka_unit_test_setup(client_that_begins_anew_is_acknowledged, power_on),
        cmocka_unit_test_setup(lldb_that_begins_anew_is_acknowledged, power_on),
        cmocka_unit_test_setup(client_after_one_that_died_in_a_packet_is_acknowledged,
                               power_on),
        cmocka_unit_test_setup(client_after_one_that_did_not_take_its_answer_is_acknowledged,
                               power_on),
        cmocka_unit_test_setup(
            client_after_one_that_just_now_owes_an_ack_finds_nothing_of_it, power_on),
        cmocka_unit_test_setup(client_that_goes_on_is_not_taken_for_another, power_on),
        cmocka_unit_test_setup(acks_of_many_packets_are_not_those_of_another_client,
                               power_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
