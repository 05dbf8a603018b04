/* test_cmsis_dap.c - what does each request of CMSIS-DAP 2.1 get, byte by byte, and what
 * goes over the wire for it?  And: are packets answered in order, dropped, aborted and
 * held back as they should be?  Requests and answers are those of the definition, written
 * here by hand. */
#include "dap_fakes.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char *hex(const uint8_t *bytes, int length)
{
    static char text[3 * 64 + 1];

    text[0] = '\0';
    for (int i = 0; i < length; i++)
        sprintf(text + 3 * i, i + 1 < length ? "%02X " : "%02X", bytes[i]);
    return text;
}

static int unhex(const char *text, uint8_t *bytes)
{
    int count = 0;

    for (char *end; *text && count < 64; text = end) {
        bytes[count] = (uint8_t)strtoul(text, &end, 16);
        if (end == text)
            break;
        count++;
    }
    return count;
}

static bool sends(const char *request)
{
    uint8_t bytes[64];

    return fake_host_sends(bytes, unhex(request, bytes));
}

static const char *fetches(void)
{
    int length = fake_host_fetches();

    return length < 0 ? "nothing" : hex(fake.fetched, length);
}

static const char *ask(const char *request)
{
    fake.log_length = 0;
    fake.log[0] = '\0';
    assert_true(sends(request));
    dap_poll();
    return fetches();
}

/* A request, its answer, and what went over the wire. */
static void expect(const char *request, const char *answer, const char *wire)
{
    assert_string_equal(ask(request), answer);
    assert_string_equal(fake.log, wire);
}

static void acks(int count, ...)
{
    va_list list;

    fake.ack_at = 0;
    fake.ack_count = count;
    va_start(list, count);
    for (int i = 0; i < count; i++)
        fake.acks[i] = va_arg(list, int);
    va_end(list);
}

static int power_on(void **state)
{
    (void)state;
    fake_power_on();
    ask("04 00 02 00 03 00");
    ask("13 00");
    ask("11 40 42 0F 00");
    return 0;
}

static int connected(void **state)
{
    power_on(state);
    return strcmp(ask("02 01"), "02 01");
}

static int nothing_left(void **state)
{
    (void)state;
    return fake.in == EP_NAK && fake.longest_ms < 1500 ? 0 : -1;
}

/* --- commands in general ------------------------------------------------------------ */

static void info_answers_each_question(void **state)
{
    (void)state;
    expect("00 01", "00 08 50 69 6C 6C 62 75 67 00", "");
    expect("00 02", "00 12 50 69 6C 6C 62 75 67 20 43 4D 53 49 53 2D 44 41 50 00", "");
    expect("00 03", "00 19 30 31 32 33 34 35 36 37 38 39 41 42 43 44 45 46 30 31 32 33 34 35 "
                    "36 37 00", "");
    expect("00 04", "00 06 32 2E 31 2E 30 00", "");
    for (int id = 5; id <= 8; id++) {
        char request[8], answer[8];
        sprintf(request, "00 %02X", id);
        sprintf(answer, "00 00");
        expect(request, answer, "");
    }
    expect("00 09", "00 05 74 65 73 74 00", "");                /* VERSION of this test */
    expect("00 F0", "00 02 11 01", "");         /* SWD, atomic; a COM port */
    expect("00 F1", "00 00", "");               /* no timer */
    expect("00 FB", "00 00", "");
    expect("00 FD", "00 00", "");
    expect("00 FE", "00 01 08", "");
    expect("00 FF", "00 02 40 00", "");
}

static void what_is_not_there_is_one_byte_ff(void **state)
{
    static const char *const requests[] = {
        "07 00", "0B", "0C 00", "17 01", "18 01", "19 00 00 01 00", "1A 01", "1B", "1C 04 00",
        "1E 00", "1F 01", "20 00", "21 00", "22 00", "23 00", "7E", "7F", "80", "9F 01", "A0",
        "FE", "FF",
    };
    (void)state;
    for (unsigned i = 1; i < sizeof requests / sizeof requests[0]; i++) {
        bool held = strcmp(requests[i], "7E") == 0;
        assert_true(sends(requests[i]));
        if (held)
            assert_true(sends("7F"));
        dap_poll();
        assert_string_equal(fetches(), "FF");
        if (held)
            assert_string_equal(fetches(), "FF");
    }
}

/* Main listens behind an answer just when a packet has come: its buffer may not be given to
 * the next. */
static void a_packet_that_waits_for_its_interrupt_is_not_run_over(void **state)
{
    (void)state;
    assert_true(sends("1E 00"));
    assert_true(fake_packet_arrives("\x00\xFF", 2));
    dap_poll();
    assert_false(fake_packet_arrives("\x00\xFE", 2));
    fake_out_interrupt();
    assert_true(sends("00 FE"));
    dap_poll();
    dap_poll();
    assert_string_equal(fetches(), "FF");
    assert_string_equal(fetches(), "00 02 40 00");
    assert_string_equal(fetches(), "00 01 08");
}

static void a_request_that_is_too_short_is_one_byte_ff(void **state)
{
    static const char *const requests[] = {
        "00", "01", "01 00", "02", "04", "04 00 00 00 00", "05", "05 00", "06", "06 00 01 00",
        "08", "08 00 00 00 00", "09", "09 00", "10", "10 00 00 00 00 00", "11", "11 00 00 00",
        "12", "12 09 FF", "12 00 FF", "13", "1D", "1D 01", "1D 01 08", "1D 02 08 FF 01",
    };
    (void)state;
    for (unsigned i = 0; i < sizeof requests / sizeof requests[0]; i++)
        assert_string_equal(ask(requests[i]), "FF");
}

static void jtag_is_refused(void **state)
{
    (void)state;
    expect("02 02", "02 00", "");
    expect("02 03", "02 00", "");
    expect("14 01 08 FF", "14 FF", "");
    expect("15 01 04", "15 FF", "");
    expect("16 00", "16 FF", "");
    assert_int_equal(fake.owner, WIRE_NOBODY);
}

static void host_status_lights_the_led_while_connected(void **state)
{
    (void)state;
    assert_false(dap_lit());
    expect("01 00 01", "01 00", "");
    assert_false(dap_lit());
    ask("02 01");
    assert_true(dap_lit());
    expect("01 01 01", "01 00", "");
    expect("01 00 00", "01 00", "");
    assert_false(dap_lit());
    expect("01 02 01", "01 FF", "");
}

static void delay_waits(void **state)
{
    uint32_t start = fake.ms;

    (void)state;
    expect("09 10 27", "09 00", "");
    assert_in_range(fake.ms - start, 10, 12);
}

static void reset_target_knows_no_sequence(void **state)
{
    (void)state;
    expect("0A", "0A 00 00", "");
}

/* --- who has the wire --------------------------------------------------------------- */

static void connect_takes_the_wire_with_what_was_set_before(void **state)
{
    (void)state;
    expect("11 00 09 3D 00", "11 00", "");              /* 4 MHz */
    expect("13 06", "13 00", "");
    expect("02 00", "02 01", "");
    assert_int_equal(fake.owner, WIRE_DAP);
    assert_int_equal(fake.hz, 4000000);
    assert_int_equal(fake.turnaround, 3);
    assert_true(fake.always_data);
    expect("11 00 00 00 00", "11 FF", "");
    assert_int_equal(fake.hz, 4000000);
    expect("11 40 42 0F 00", "11 00", "");
    assert_int_equal(fake.hz, 1000000);
    expect("13 00", "13 00", "");
    assert_int_equal(fake.turnaround, 1);
    assert_false(fake.always_data);
    expect("02 01", "02 01", "");                       /* again */
    expect("03", "03 00", "");
    assert_int_equal(fake.owner, WIRE_NOBODY);
    expect("03", "03 00", "");
}

static void nothing_is_sent_without_the_wire(void **state)
{
    (void)state;
    expect("05 00 01 02", "05 00 00", "");
    expect("06 00 01 00 02", "06 00 00 00", "");
    expect("08 00 1E 00 00 00", "08 FF", "");
    expect("12 08 FF", "12 FF", "");
    expect("1D 01 08 FF", "1D FF", "");
}

static void gdb_with_a_target_is_not_disturbed(void **state)
{
    (void)state;
    fake.owner = WIRE_GDB;
    fake.attached = true;
    expect("02 01", "02 00", "");
    expect("05 00 01 02", "05 00 00", "");
    expect("03", "03 00", "");
    expect("10 00 80 00 00 00 00", "10 AF", "");        /* nRESET stays */
    assert_int_equal(fake.driven, 0);
    assert_int_equal(fake.owner, WIRE_GDB);
    assert_int_equal(fake.detaches, 0);
    ask("00 03");
    assert_string_equal((char *)fake.fetched + 2, "gdb has the wire: detach it first");
    ask("00 09");
    assert_string_equal((char *)fake.fetched + 2, "gdb has the wire: detach it first");
    fake.attached = false;                              /* a mere scan */
    expect("02 01", "02 01", "");
    assert_int_equal(fake.owner, WIRE_DAP);
    assert_int_equal(fake.detaches, 1);
}

static void a_wire_taken_by_force_ends_transfers(void **state)
{
    (void)state;
    wire_release(WIRE_DAP);                               /* monitor wire free */
    expect("05 00 01 02", "05 00 00", "");
    expect("02 01", "02 01", "");
    expect("05 00 01 02", "05 01 01 44 33 22 11", "rD00");
}

/* --- pins and raw bits -------------------------------------------------------------- */

static void pins_are_driven_and_read(void **state)
{
    (void)state;
    expect("10 00 03 00 00 00 00", "10 AC", "");
    assert_int_equal(fake.driven, 3);
    expect("10 81 83 00 00 00 00", "10 AD", "");
    assert_int_equal(fake.driven, 0x83);
    expect("10 FF 2C 00 00 00 00", "10 AD", "");        /* pins that are not there */
    assert_int_equal(fake.driven, 0x83);
}

static void reset_pin_works_before_connect_and_others_do_not(void **state)
{
    (void)state;
    expect("10 00 83 00 00 00 00", "10 2F", "");
    assert_int_equal(fake.driven, 0x80);
}

static void pins_wait_until_they_are_as_asked_and_no_longer(void **state)
{
    uint32_t start = fake.ms;

    (void)state;
    expect("10 80 80 FF FF FF FF", "10 AF", "");        /* at once */
    assert_in_range(fake.ms - start, 0, 5);
    fake.pulled_low = WIRE_PIN_NRST;
    start = fake.ms;
    expect("10 80 80 20 4E 00 00", "10 2F", "");        /* 20 ms */
    assert_in_range(fake.ms - start, 20, 24);
    start = fake.ms;
    expect("10 80 80 FF FF FF FF", "10 2F", "");        /* 3 s at most */
    assert_in_range(fake.ms - start, 3000, 3010);
    start = fake.ms;
    expect("10 28 28 FF FF FF FF", "10 2F", "");        /* none of them is ours */
    assert_in_range(fake.ms - start, 0, 5);
}

static void let_go(void)
{
    if (fake.ms > 1000)
        fake.pulled_low = 0;
}

static void pins_end_waiting_when_the_reset_line_rises(void **state)
{
    (void)state;
    fake.pulled_low = WIRE_PIN_NRST;
    fake.while_waiting = let_go;
    expect("10 80 80 80 84 1E 00", "10 AF", "");
    assert_in_range(fake.ms, 1000, 1010);
}

static void swj_sequence_sends_up_to_256_bits(void **state)
{
    char request[200] = "12 00", wire[400] = "";

    (void)state;
    expect("12 01 01", "12 00", "s1:1");
    expect("12 08 A5", "12 00", "s8:A5");
    expect("12 0B 9E E7", "12 00", "s8:9E s3:7");
    for (int i = 0; i < 32; i++) {
        sprintf(request + strlen(request), " %02X", i + 16);
        sprintf(wire + strlen(wire), "%ss8:%X", i ? " " : "", i + 16);
    }
    expect(request, "12 00", wire);                     /* 0 means 256 */
}

static void swd_sequence_sends_and_receives(void **state)
{
    (void)state;
    expect("1D 01 08 A5", "1D 00", "s8:A5 drive");
    expect("1D 03 08 A5 84 21 FF FF FF FF 01", "1D 00 0F",
           "s8:A5 g4 s8:FF s8:FF s8:FF s8:FF s1:1 drive");
    fake.bits_in = 0x17;
    expect("1D 02 81 83", "1D 00 01 03", "g1 g3 drive");        /* not driven in between */
    fake.bits_in = 0x8899AABBCCDDEEFF;
    expect("1D 01 80", "1D 00 FF EE DD CC BB AA 99 88", "g8 g8 g8 g8 g8 g8 g8 g8 drive");
    expect("1D 01 8B", "1D 00 FF 06", "g8 g3 drive");
    expect("1D 01 00 01 02 03 04 05 06 07 08", "1D 00",
           "s8:1 s8:2 s8:3 s8:4 s8:5 s8:6 s8:7 s8:8 drive");
    expect("1D 01 0B AA 02", "1D 00", "s8:AA s3:2 drive");
    expect("1D 00", "1D 00", "drive");
    fake.bits_in = 0x8899AABBCCDDEEFF;
    assert_string_equal(ask("1D 07 80 80 80 80 80 80 80"),
           "1D 00 FF EE DD CC BB AA 99 88 FF EE DD CC BB AA 99 88 FF EE DD CC BB AA 99 88 "
           "FF EE DD CC BB AA 99 88 FF EE DD CC BB AA 99 88 FF EE DD CC BB AA 99 88 "
           "FF EE DD CC BB AA 99 88");
    assert_string_equal(ask("1D 08 80 80 80 80 80 80 80 80"), "FF");    /* no room */
    /* Without the wire the bits are read over. */
    wire_release(WIRE_DAP);
    expect("7F 02 12 09 FF 01 0A", "7F 02 12 FF 0A 00 00", "");
}

/* --- DAP_Transfer ------------------------------------------------------------------- */

static void dp_reads_answer_at_once(void **state)
{
    (void)state;
    expect("05 00 01 02", "05 01 01 44 33 22 11", "rD00");
    expect("05 00 02 06 0E", "05 02 01 45 34 23 12 46 35 24 13", "rD04 rD0C");
}

static void writes_end_with_a_look_at_rdbuff(void **state)
{
    (void)state;
    expect("05 00 02 08 F0 00 00 00 05 00 00 00 20", "05 02 01",
           "wD08=000000F0 wA04=20000000 rD0C");
    acks(2, WIRE_OK, WIRE_FAULT);
    expect("05 00 01 0D 78 56 34 12", "05 01 04", "wA0C=12345678 rD0C ack4");
}

static void ap_reads_are_posted(void **state)
{
    (void)state;
    expect("05 00 01 0F", "05 01 01 45 34 23 12", "rA0C rD0C");
    expect("05 00 03 0F 0F 0F", "05 03 01 47 36 25 14 48 37 26 15 49 38 27 16",
           "rA0C rA0C rA0C rD0C");
    /* Another AP register goes on with it, too ... */
    expect("05 00 02 03 0F", "05 02 01 4B 3A 29 18 4C 3B 2A 19", "rA00 rA0C rD0C");
    /* ... but a read of the DP, or a write, fetches it first. */
    expect("05 00 02 0F 06", "05 02 01 4E 3D 2C 1B 4F 3E 2D 1C", "rA0C rD0C rD04");
    expect("05 00 02 0F 05 01 00 00 00", "05 02 01 51 40 2F 1E",
           "rA0C rD0C wA04=00000001 rD0C");
}

static void a_read_after_a_write_needs_no_other_look(void **state)
{
    (void)state;
    expect("05 00 02 05 00 00 00 20 0F", "05 02 01 45 34 23 12", "wA04=20000000 rA0C rD0C");
}

static void the_first_fault_ends_it_and_the_count_says_where(void **state)
{
    (void)state;
    acks(2, WIRE_OK, WIRE_FAULT);
    expect("05 00 04 02 02 06 02", "05 01 04 44 33 22 11", "rD00 rD00 ack4");
    acks(3, WIRE_OK, WIRE_OK, WIRE_FAULT);
    expect("05 00 05 0D 01 00 00 00 0D 02 00 00 00 0D 03 00 00 00 08 04 00 00 00 02",
           "05 02 04", "wA0C=00000001 wA0C=00000002 wA0C=00000003 ack4");
    acks(3, WIRE_OK, WIRE_OK, WIRE_FAULT);         /* a posted one, its result, the next */
    expect("05 00 03 0F 0F 0F", "05 02 04 46 35 24 13", "rA0C rA0C rA0C ack4");
    acks(1, WIRE_SILENT);
    expect("05 00 01 02", "05 00 07", "rD00 ack7");
    acks(1, WIRE_PARITY);
    expect("05 00 01 02", "05 00 08", "rD00 ack8");
    acks(1, 3);                                 /* an answer that is none */
    expect("05 00 01 02", "05 00 03", "rD00 ack3");
}

static void wait_is_asked_again_as_often_as_configured(void **state)
{
    (void)state;
    acks(3, WIRE_WAIT, WIRE_WAIT, WIRE_OK);        /* two retries, as in power_on() */
    expect("05 00 01 02", "05 01 01 44 33 22 11", "rD00 ack2 rD00 ack2 rD00");
    fake.ack_for_ever = WIRE_WAIT;
    expect("05 00 02 02 02", "05 00 02", "rD00 ack2 rD00 ack2 rD00 ack2");
    expect("04 00 00 00 00 00", "04 00", "");
    expect("05 00 01 02", "05 00 02", "rD00 ack2");     /* never less than once */
    fake.ack_for_ever = 0;
    acks(2, WIRE_OK, WIRE_WAIT);
    expect("06 00 02 00 0D 01 00 00 00 02 00 00 00", "06 01 00 02",
           "wA0C=00000001 wA0C=00000002 ack2");
}

static void each_word_has_its_own_retries(void **state)
{
    (void)state;
    expect("04 00 01 00 00 00", "04 00", "");           /* one */
    acks(7, WIRE_OK, WIRE_WAIT, WIRE_OK, WIRE_WAIT, WIRE_OK, WIRE_OK, WIRE_OK);
    expect("05 00 02 02 06", "05 02 01 44 33 22 11 45 34 23 12", "rD00 rD04 ack2 rD04");
    acks(6, WIRE_WAIT, WIRE_OK, WIRE_WAIT, WIRE_OK, WIRE_WAIT, WIRE_WAIT);
    expect("06 00 03 00 06", "06 02 00 02 46 35 24 13 47 36 25 14",
           "rD04 ack2 rD04 rD04 ack2 rD04 rD04 ack2 rD04 ack2");
}

/* More than swd.c does by itself, and neither less than that nor a multiple of it. */
static void any_count_of_retries_is_kept(void **state)
{
    static const int counts[] = { 0, 1, 15, 16, 17, 18, 33, 34, 35, 100, 255, 256, 1000 };

    (void)state;
    for (unsigned i = 0; i < sizeof counts / sizeof *counts; i++) {
        char request[40];
        sprintf(request, "04 00 %02X %02X 00 00", counts[i] & 0xFF, counts[i] >> 8);
        fake.ack_for_ever = 0;
        expect(request, "04 00", "");
        for (int first = 0; first < 3; first++) {       /* words that are there at once */
            acks(3, WIRE_OK, WIRE_OK, WIRE_OK);
            fake.ack_count = first;
            fake.ack_for_ever = WIRE_WAIT;
            fake.words = 0;
            ask("06 00 03 00 0D 01 00 00 00 02 00 00 00 03 00 00 00");
            assert_int_equal(fake.fetched[1], first);
            assert_int_equal(fake.fetched[3], WIRE_WAIT);
            assert_int_equal(fake.words, first + counts[i] + 1);
        }
    }
}

static void waiting_for_ever_has_an_end(void **state)
{
    (void)state;
    fake.ack_for_ever = WIRE_WAIT;
    fake.no_log = true;
    fake.ms_per_look = 20;
    uint32_t start = fake.ms;
    expect("04 00 FF FF FF FF", "04 00", "");
    expect("05 00 01 02", "05 00 02", "");
    assert_in_range(fake.ms - start, 780, 1000);
    expect("06 00 01 00 0D 00 00 00 00", "06 00 00 02", "");
}

static void idle_clocks_follow_each_transfer(void **state)
{
    (void)state;
    expect("04 07 02 00 03 00", "04 00", "");
    expect("05 00 02 0D 01 00 00 00 02", "05 02 01 44 33 22 11", "wA0C=00000001 i7 rD00 i7");
    expect("05 00 02 0F 0F", "05 02 01 46 35 24 13 47 36 25 14",
           "rA0C i7 rA0C i7 rD0C i7");
    expect("06 00 02 00 0D 01 00 00 00 02 00 00 00", "06 02 00 01",
           "wA0C=00000001 i7 wA0C=00000002 i7 rD0C i7");
}

static void value_match_reads_until_it_matches(void **state)
{
    (void)state;
    expect("05 00 01 20 FF FF 00 00", "05 01 01", "");          /* mask; nothing is sent */
    fake.value = 0x55550001;
    /* 0001, 0102, 0203, 0304: the fourth matches, and three retries are allowed. */
    expect("05 00 01 16 04 03 00 00", "05 01 01", "rD04 rD04 rD04 rD04");
    fake.value = 0x55550001;
    expect("05 00 02 16 05 04 00 00 02", "05 00 11", "rD04 rD04 rD04 rD04");
    fake.value = 0;
    expect("05 00 01 1F 01 01 00 00", "05 01 01", "rA0C rA0C");         /* posted */
    acks(2, WIRE_OK, WIRE_FAULT);
    expect("05 00 01 16 FF FF 00 00", "05 00 04", "rD04 rD04 ack4");
}

static void a_match_fetches_what_was_posted_before(void **state)
{
    (void)state;
    ask("05 00 01 20 00 00 00 00");             /* anything matches 0 */
    fake.value = 0;
    expect("05 00 02 0F 1F 00 00 00 00", "05 02 01 01 01 01 01", "rA0C rD0C rA0C rA0C");
}

static void who_asks_for_the_time_gets_the_data_only(void **state)
{
    (void)state;                                /* we said that we have no timer */
    expect("05 00 01 82", "05 01 01 44 33 22 11", "rD00");
    expect("05 00 02 8F 8F", "05 02 01 46 35 24 13 47 36 25 14", "rA0C rA0C rD0C");
    expect("05 00 01 8D 01 00 00 00", "05 01 01", "wA0C=00000001 rD0C");
}

static void no_transfers_are_none(void **state)
{
    (void)state;
    expect("05 00 00", "05 00 00", "");
    expect("06 00 00 00 02", "06 00 00 00", "");
}

static void a_packet_that_ends_too_soon_is_done_as_far_as_it_goes(void **state)
{
    (void)state;
    expect("05 00 03 02 02", "05 02 08 44 33 22 11 45 34 23 12", "rD00 rD00");
    expect("05 00 02 0D 01 00 00 00 0D 02 00 00", "05 01 08", "wA0C=00000001");
    expect("05 00 01", "05 00 08", "");
    expect("06 00 03 00 0D 01 00 00 00 02 00 00", "06 01 00 08", "wA0C=00000001 rD0C");
}

static void an_answer_that_is_too_long_is_cut_and_said_so(void **state)
{
    (void)state;
    /* 15 words and the head are 63 bytes. */
    ask("05 00 10 02 02 02 02 02 02 02 02 02 02 02 02 02 02 02 02");
    assert_memory_equal(fake.fetched, "\x05\x0F\x08", 3);
    ask("05 00 0F 0F 0F 0F 0F 0F 0F 0F 0F 0F 0F 0F 0F 0F 0F 0F");
    assert_memory_equal(fake.fetched, "\x05\x0F\x01", 3);
    assert_string_equal(fake.log, "rA0C rA0C rA0C rA0C rA0C rA0C rA0C rA0C rA0C rA0C rA0C "
                                  "rA0C rA0C rA0C rA0C rD0C");
    ask("06 00 10 00 02");
    assert_memory_equal(fake.fetched, "\x06\x0F\x00\x08", 4);
    ask("06 00 FF FF 02");
    assert_memory_equal(fake.fetched, "\x06\x0F\x00\x08", 4);
}

/* --- DAP_TransferBlock -------------------------------------------------------------- */

static void a_block_is_read(void **state)
{
    (void)state;
    expect("06 00 03 00 0F", "06 03 00 01 45 34 23 12 46 35 24 13 47 36 25 14",
           "rA0C rA0C rA0C rD0C");
    expect("06 00 02 00 06", "06 02 00 01 48 37 26 15 49 38 27 16", "rD04 rD04");
    expect("06 00 01 00 0F", "06 01 00 01 4B 3A 29 18", "rA0C rD0C");
    acks(3, WIRE_OK, WIRE_OK, WIRE_FAULT);
    expect("06 00 03 00 0F", "06 01 00 04 4D 3C 2B 1A", "rA0C rA0C rA0C ack4");
    acks(1, WIRE_FAULT);
    expect("06 00 03 00 0F", "06 00 00 04", "rA0C ack4");
}

static void a_block_is_written(void **state)
{
    (void)state;
    expect("06 00 02 00 0D 01 00 00 00 02 00 00 00", "06 02 00 01",
           "wA0C=00000001 wA0C=00000002 rD0C");
    acks(2, WIRE_OK, WIRE_FAULT);
    expect("06 00 02 00 0D 01 00 00 00 02 00 00 00", "06 01 00 04",
           "wA0C=00000001 wA0C=00000002 ack4");
    acks(3, WIRE_OK, WIRE_OK, WIRE_FAULT);
    expect("06 00 02 00 0D 01 00 00 00 02 00 00 00", "06 02 00 04",
           "wA0C=00000001 wA0C=00000002 rD0C ack4");
    acks(2, WIRE_OK, WIRE_WAIT);
    ask("06 00 02 00 0D 01 00 00 00 02 00 00 00");
    assert_memory_equal(fake.fetched, "\x06\x02\x00\x01", 4);
}

static void write_abort_writes_abort(void **state)
{
    (void)state;
    expect("08 00 1E 00 00 00", "08 00", "wD00=0000001E");
    acks(1, WIRE_FAULT);
    expect("08 00 1E 00 00 00", "08 FF", "wD00=0000001E ack4");
}

/* --- several commands in one packet ------------------------------------------------- */

static void execute_commands_answers_each(void **state)
{
    (void)state;
    expect("7F 03 03 02 01 05 00 01 02", "7F 03 03 00 02 01 05 01 01 44 33 22 11", "rD00");
    expect("7F 00", "7F 00", "");
    /* After a fault the next command is found all the same. */
    acks(1, WIRE_FAULT);
    expect("7F 02 05 00 02 0D 01 00 00 00 0D 02 00 00 00 0A", "7F 02 05 00 04 0A 00 00",
           "wA0C=00000001 ack4");
    acks(1, WIRE_FAULT);
    expect("7F 02 06 00 02 00 0D 01 00 00 00 02 00 00 00 0A", "7F 02 06 00 00 04 0A 00 00",
           "wA0C=00000001 ack4");
}

static void what_is_unknown_ends_execute_commands(void **state)
{
    (void)state;
    expect("7F 03 03 99 0A", "7F 02 03 00 FF", "");
    expect("7F 02 7F 01 0A", "7F 01 FF", "");
    expect("7F 02 7E 01 0A", "7F 01 FF", "");
    expect("7F 05 0A", "7F 01 0A 00 00", "");           /* fewer than promised */
    expect("7F 02 0A 11 00", "7F 02 0A 00 00 FF", "");
}

static void answers_of_execute_commands_do_not_overflow(void **state)
{
    (void)state;
    /* Each of these needs 20 bytes: three fit, and 2 bytes are left. */
    ask("7F 04 00 02 00 02 00 02 00 02");
    assert_int_equal(fake.fetched[0], 0x7F);
    assert_int_equal(fake.fetched[1], 4);
    ask("7F 1E 0A 0A 0A 0A 0A 0A 0A 0A 0A 0A 0A 0A 0A 0A 0A 0A 0A 0A 0A 0A 0A 0A 0A 0A 0A 0A "
        "0A 0A 0A 0A");
    assert_in_range(fake.fetched[1], 19, 30);
    for (int count = 10; count <= 20; count++) {        /* up to each distance from the end */
        char request[200] = "7F 20";
        for (int i = 0; i < count; i++)
            strcat(request, " 0A");
        for (int i = 0; i < 4; i++)
            strcat(request, " 00 04");
        ask(request);
        assert_true(fake.fetched[1] > count - 2);
    }
    ask("7F 04 06 00 05 00 02 06 00 05 00 02 06 00 05 00 02 06 00 05 00 02");
    assert_in_range(fake.fetched[1], 2, 4);
}

static void queued_commands_wait_for_another(void **state)
{
    (void)state;
    assert_true(sends("7E 01 05 00 01 02"));
    assert_true(sends("7E 02 0A 0A"));
    dap_poll();
    assert_false(dap_waiting());
    assert_string_equal(fetches(), "nothing");
    assert_true(sends("7F 01 05 00 01 06"));
    assert_true(dap_waiting());
    dap_poll();
    assert_string_equal(fetches(), "7F 01 05 01 01 44 33 22 11");
    assert_string_equal(fetches(), "7F 02 0A 00 00 0A 00 00");
    assert_string_equal(fetches(), "7F 01 05 01 01 45 34 23 12");
    assert_string_equal(fetches(), "nothing");
}

static void a_ring_full_of_queued_commands_does_not_wait(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++)
        assert_true(sends("7E 01 0A"));
    assert_true(dap_waiting());
    dap_poll();
    for (int i = 0; i < 8; i++) {
        dap_poll();
        if (i == 0)
            assert_string_equal(fetches(), "7F 01 0A 00 00");
    }
    assert_true(sends("0A"));
    dap_poll();
    for (int i = 0; i < 7; i++)
        assert_string_equal(fetches(), "7F 01 0A 00 00");
    assert_string_equal(fetches(), "0A 00 00");
}

/* --- the ring ----------------------------------------------------------------------- */

static void a_full_ring_naks_and_loses_nothing(void **state)
{
    char request[16], answer[16];
    int sent = 0, answered = 0;

    (void)state;
    for (int round = 0; round < 300; round++) {
        for (int i = 0; i < 20; i++) {
            sprintf(request, "7F 01 09 %02X 00", sent & 1);
            if (sends(request))
                sent++;
        }
        assert_int_equal(fake.out, EP_NAK);
        assert_in_range(sent - answered, 9, 10);        /* and one in each buffer */
        if (round % 3)
            dap_poll();
        strcpy(answer, "7F 01 09 00");
        for (int i = 0; i < round % 10; i++)
            if (strcmp(fetches(), "nothing") != 0) {
                answered++;
                assert_memory_equal(fake.fetched, "\x7F\x01\x09\x00", 4);
            }
    }
    while (answered < sent) {
        dap_poll();
        assert_string_not_equal(fetches(), "nothing");
        answered++;
    }
    dap_poll();
    assert_string_equal(fetches(), "nothing");
}

static void packets_are_answered_in_order(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++)
        assert_true(sends(i % 2 ? "0A" : "03"));
    dap_poll();
    for (int i = 0; i < 8; i++)
        assert_string_equal(fetches(), i % 2 ? "0A 00 00" : "03 00");
}

static void abort_now(void)
{
    fake.while_waiting = NULL;
    fake.ack_count = 0;
    assert_true(sends("07"));
}

static void abort_ends_waiting_and_has_no_answer(void **state)
{
    (void)state;
    expect("04 00 FF FF FF FF", "04 00", "");
    fake.no_log = true;
    fake.ack_for_ever = WIRE_WAIT;
    assert_true(sends("05 00 01 02"));
    fake.ms_per_look = 0;
    int looks = fake.ms;
    fake.while_waiting = abort_now;
    dap_poll();
    assert_int_equal(fake.ms, looks);
    assert_string_equal(fetches(), "05 00 02");
    assert_string_equal(fetches(), "nothing");
    fake.ack_for_ever = 0;                              /* and it does not last */
    assert_string_equal(ask("05 00 01 02"), "05 01 01 44 33 22 11");
    ask("05 00 01 20 FF FF FF FF");
    assert_true(sends("05 00 01 16 00 00 00 00"));
    fake.while_waiting = abort_now;
    dap_poll();
    assert_string_equal(fetches(), "05 00 11");
}

static void abort_gets_through_a_full_ring(void **state)
{
    (void)state;
    expect("04 00 FF FF FF FF", "04 00", "");
    fake.no_log = true;
    fake.ack_for_ever = WIRE_WAIT;
    fake.ms_per_look = 0;
    for (int i = 0; i < 8; i++)
        assert_true(sends("05 00 01 02"));
    fake.while_waiting = abort_now;
    dap_poll();                                         /* all that were sent before it */
    for (int i = 0; i < 8; i++)
        assert_string_equal(fetches(), "05 00 02");
    assert_string_equal(fetches(), "nothing");
}

static void abort_of_nothing_is_nothing(void **state)
{
    (void)state;
    assert_true(sends("07"));
    dap_poll();
    assert_string_equal(fetches(), "nothing");
    fake.ack_for_ever = 0;
    acks(1, WIRE_WAIT);
    assert_string_equal(ask("05 00 01 02"), "05 01 01 44 33 22 11");
}

static void resume(void)
{
    dap_event(DAP_EP, USB_RESUMED);
}

static void configure_again(void)
{
    fake.out = fake.in = EP_NAK;
    dap_configured(true);
}

static void new_beginning(void (*begin)(void))
{
    assert_true(sends("02 01"));
    for (int i = 0; i < 4; i++)
        assert_true(sends("0A"));
    dap_poll();
    for (int i = 0; i < 3; i++)
        assert_true(sends("03"));
    assert_int_equal(fake.in, EP_VALID);
    begin();
    assert_int_equal(fake.in, EP_NAK);
    assert_true(sends("00 04"));                        /* before main has noticed */
    dap_poll();
    assert_int_equal(fake.owner, WIRE_NOBODY);
    assert_string_equal(fetches(), "00 06 32 2E 31 2E 30 00");
    assert_string_equal(fetches(), "nothing");
    for (int i = 0; i < 8; i++)
        assert_true(sends("0A"));                       /* all of the ring is there */
    dap_poll();
    for (int i = 0; i < 8; i++)
        assert_string_equal(fetches(), "0A 00 00");
}

static void stale_packets_are_dropped(void **state)
{
    (void)state;
    new_beginning(resume);
    new_beginning(configure_again);
}

static void reset_now(void)
{
    fake.while_waiting = NULL;
    configure_again();
    assert_true(sends("00 04"));
}

static void a_reset_ends_what_is_going_on(void **state)
{
    (void)state;
    expect("04 00 FF FF FF FF", "04 00", "");
    fake.no_log = true;
    fake.ack_for_ever = WIRE_WAIT;
    fake.ms_per_look = 0;
    assert_true(sends("05 00 01 02"));
    fake.while_waiting = reset_now;
    dap_poll();
    dap_poll();
    assert_string_equal(fetches(), "00 06 32 2E 31 2E 30 00");
    assert_string_equal(fetches(), "nothing");
    assert_int_equal(fake.owner, WIRE_NOBODY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, power_on, nothing_left)
#define CONNECTED(name) cmocka_unit_test_setup_teardown(name, connected, nothing_left)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(info_answers_each_question),
        TEST(what_is_not_there_is_one_byte_ff),
        CONNECTED(a_packet_that_waits_for_its_interrupt_is_not_run_over),
        CONNECTED(a_request_that_is_too_short_is_one_byte_ff),
        TEST(jtag_is_refused),
        TEST(host_status_lights_the_led_while_connected),
        TEST(delay_waits),
        TEST(reset_target_knows_no_sequence),
        TEST(connect_takes_the_wire_with_what_was_set_before),
        TEST(nothing_is_sent_without_the_wire),
        TEST(gdb_with_a_target_is_not_disturbed),
        CONNECTED(a_wire_taken_by_force_ends_transfers),
        CONNECTED(pins_are_driven_and_read),
        TEST(reset_pin_works_before_connect_and_others_do_not),
        CONNECTED(pins_wait_until_they_are_as_asked_and_no_longer),
        CONNECTED(pins_end_waiting_when_the_reset_line_rises),
        CONNECTED(swj_sequence_sends_up_to_256_bits),
        CONNECTED(swd_sequence_sends_and_receives),
        CONNECTED(dp_reads_answer_at_once),
        CONNECTED(writes_end_with_a_look_at_rdbuff),
        CONNECTED(ap_reads_are_posted),
        CONNECTED(a_read_after_a_write_needs_no_other_look),
        CONNECTED(the_first_fault_ends_it_and_the_count_says_where),
        CONNECTED(wait_is_asked_again_as_often_as_configured),
        CONNECTED(each_word_has_its_own_retries),
        CONNECTED(any_count_of_retries_is_kept),
        CONNECTED(waiting_for_ever_has_an_end),
        CONNECTED(idle_clocks_follow_each_transfer),
        CONNECTED(value_match_reads_until_it_matches),
        CONNECTED(a_match_fetches_what_was_posted_before),
        CONNECTED(who_asks_for_the_time_gets_the_data_only),
        CONNECTED(no_transfers_are_none),
        CONNECTED(a_packet_that_ends_too_soon_is_done_as_far_as_it_goes),
        CONNECTED(an_answer_that_is_too_long_is_cut_and_said_so),
        CONNECTED(a_block_is_read),
        CONNECTED(a_block_is_written),
        CONNECTED(write_abort_writes_abort),
        CONNECTED(execute_commands_answers_each),
        CONNECTED(what_is_unknown_ends_execute_commands),
        CONNECTED(answers_of_execute_commands_do_not_overflow),
        CONNECTED(queued_commands_wait_for_another),
        TEST(a_ring_full_of_queued_commands_does_not_wait),
        TEST(a_full_ring_naks_and_loses_nothing),
        TEST(packets_are_answered_in_order),
        CONNECTED(abort_ends_waiting_and_has_no_answer),
        CONNECTED(abort_gets_through_a_full_ring),
        CONNECTED(abort_of_nothing_is_nothing),
        TEST(stale_packets_are_dropped),
        CONNECTED(a_reset_ends_what_is_going_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
