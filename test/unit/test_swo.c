/* test_swo.c - which text is in a stream of the ITM's packets, at which rates does it come, and
 * what is set in the target for it?  Linked with swo.c, pin.c and reg.c: the registers here are
 * variables, the target's a list of what was written.
 *
 * Packets: Armv7-M ARM D4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "adi.h"
#include "cdc.h"
#include "clock.h"
#include "flash.h"
#include "live.h"
#include "say.h"
#include "stm32f103.h"
#include "swo.h"

struct rcc RCC;
struct gpio GPIOA;
struct usart USART2;
struct dma DMA1;

static uint32_t hz, room;
static bool is_open;
static uint8_t port[8192];
static uint32_t port_count;
static char said[1024];

uint32_t clock_hz(void) { return hz; }
uint32_t interrupts_off(void) { return 0; }
void interrupts_restore(uint32_t state) { (void)state; }
bool cdc_open(int n) { return n == CDC_UART && is_open; }
uint32_t live_put(const uint8_t *bytes, uint32_t length)
{
    uint32_t n = length < room ? length : room;
    memcpy(port + port_count, bytes, n);
    port_count += n;
    room -= n;
    return n;
}
void say(const char *format, ...)
{
    va_list list;
    size_t n = strlen(said);
    va_start(list, format);
    vsnprintf(said + n, sizeof said - n, format, list);
    va_end(list);
}

/* --- the target ------------------------------------------------------------------------- */

enum { WORDS = 32 };
static struct { uint32_t at, value; } words[WORDS];
static int word_count, write_count;
static struct { uint32_t at, value; } writes[64];
static struct chip chip;

const struct chip *target_chip(void) { return &chip; }

static uint32_t *word(uint32_t at)
{
    int i = 0;
    while (i < word_count && words[i].at != at)
        i++;
    if (i == word_count)
        words[word_count++].at = at;
    return &words[i].value;
}

int adi_read32(uint32_t at, uint32_t *value) { *value = *word(at); return OK; }
int adi_write32(uint32_t at, uint32_t value)
{
    *word(at) = value;
    writes[write_count].at = at;
    writes[write_count++].value = value;
    return OK;
}

static int first_write(uint32_t at)
{
    for (int i = 0; i < write_count; i++)
        if (writes[i].at == at)
            return i;
    return -1;
}

/* --- the line --------------------------------------------------------------------------- */

/* Where the DMA writes: of the address only 32 bits go into its register. */
static uint8_t *circle(void)
{
    return (uint8_t *)(((uintptr_t)&DMA1 & ~(uintptr_t)0xFFFFFFFF) | DMA1.CH[5].CMAR);
}

static uint32_t circle_size;

static void come(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        circle()[circle_size - DMA1.CH[5].CNDTR] = bytes[i];
        if (--DMA1.CH[5].CNDTR == 0)
            DMA1.CH[5].CNDTR = circle_size;
    }
}

static void receive(uint32_t baud, uint32_t ports)
{
    port_count = 0;
    room = sizeof port;
    assert_true(swo_receive(baud, ports));
    circle_size = DMA1.CH[5].CNDTR;
}

static int power_on(void **state)
{
    (void)state;
    hz = 72000000;
    is_open = true;
    memset((void *)&USART2, 0, sizeof USART2);
    word_count = write_count = 0;
    memset(words, 0, sizeof words);
    chip = (struct chip){ .core = "M3", .cpuid = 0x411FC231 };
    swo_stop();
    said[0] = '\0';
    return 0;
}

/* --- text -------------------------------------------------------------------------------- */

/* Everything that the ITM and the DWT of an Armv7-M can send, with "Pillbug" on port 0 in
 * between, and other text on ports 1 and 31. */
static const uint8_t everything[] = {
    0, 0, 0, 0, 0, 0x80,                                /* synchronization */
    0x01, 'P',                                          /* a byte */
    0x70,                                               /* overflow */
    0xC0, 0x05,                                         /* local time stamps: long ... */
    0xD0, 0x81, 0x81, 0x01,
    0xE0, 0xFF, 0xFF, 0xFF, 0x7F,
    0xF0, 0x81, 0x00,
    0x10, 0x60,                                         /* ... and short */
    0x02, 'i', 'l',                                     /* a halfword */
    0x94, 0x81, 0x81, 0x81, 0x01,                       /* global time stamps */
    0xB4, 0x81, 0x81, 0x81, 0x81, 0x81, 0x01,
    0x08, 0x88, 0x81, 0x01,                             /* extensions */
    0x09, 'A', 0xFA, 'B', 'C', 0x0B, 'D', 'E', 'F', 'G',        /* ports 1, 31, 1 */
    0x03, 'l', 'b', 'u', 'g',                           /* a word */
    0x05, 0x01,                                         /* event counter */
    0x0E, 0x03, 0x11,                                   /* exception trace */
    0x17, 0x01, 0x02, 0x03, 0x04, 0x15, 0x00,           /* PC samples; asleep */
    0x47, 0x80, 0x80, 0x80, 0x80, 0x4E, 0x00, 0x00, 0x8D, 0x01,         /* data trace */
    0xC0, 0x80, 0x80, 0x00,
    0, 0, 0, 0, 0, 0, 0, 0x80,                          /* a longer synchronization */
    0x03, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80,              /* zeros as text, and right behind it */
    0x01, '!',
};
static const char in_port_0[] = "Pillbug\0\0\0\0!";

static void assert_text(const char *text, size_t length)
{
    assert_int_equal(port_count, length);
    assert_memory_equal(port, text, length);
}

static void text_comes_out_wherever_the_stream_is_cut(void **state)
{
    (void)state;
    for (size_t cut = 0; cut <= sizeof everything; cut++) {
        receive(2250000, 1);
        come(everything, cut);
        swo_frame();
        come(everything + cut, sizeof everything - cut);
        swo_frame();
        assert_text(in_port_0, sizeof in_port_0 - 1);
    }
    receive(2250000, 1);
    for (size_t i = 0; i < sizeof everything; i++) {
        come(everything + i, 1);
        swo_frame();
    }
    assert_text(in_port_0, sizeof in_port_0 - 1);
}

static void only_the_ports_that_were_chosen_are_text(void **state)
{
    (void)state;
    receive(2250000, 1u << 1 | 1u << 31);
    come(everything, sizeof everything);
    swo_frame();
    assert_text("ABCDEFG", 7);
    receive(2250000, 1u << 2);
    come(everything, sizeof everything);
    swo_frame();
    assert_int_equal(port_count, 0);
}

static void raw_is_every_byte(void **state)
{
    (void)state;
    receive(2250000, 0);
    come(everything, sizeof everything);
    swo_frame();
    assert_text((const char *)everything, sizeof everything);
}

/* Wherever one begins to listen, behind the next synchronization all is right. */
static void a_stream_that_is_joined_in_the_middle_is_right_from_synchronization_on(void **state)
{
    (void)state;
    for (size_t from = 0; from < sizeof everything - 24; from++) {
        receive(2250000, 1);
        come(everything + from, sizeof everything - from);
        swo_frame();
        assert_true(port_count >= 5);
        assert_memory_equal(port + port_count - 5, "\0\0\0\0!", 5);
    }
}

static void whatever_was_cut_ends_in_synchronization(void **state)
{
    static const uint8_t rest[] = { 0, 0, 0, 0, 0, 0x80, 0x01, '!' };
    (void)state;
    for (unsigned header = 0; header < 256; header++) {
        uint8_t first = (uint8_t)header;
        receive(2250000, 0xFFFFFFFF);
        come(&first, 1);
        come(rest, sizeof rest);
        swo_frame();
        assert_true(port_count >= 1);
        assert_int_equal(port[port_count - 1], '!');
        for (uint32_t i = 0; i + 1 < port_count; i++)
            assert_int_equal(port[i], 0);
    }
}

static void the_circle_goes_round(void **state)
{
    (void)state;
    receive(2250000, 0);
    for (uint32_t i = 0; i < 20; i++) {
        uint8_t bytes[225];
        for (uint32_t n = 0; n < sizeof bytes; n++)
            bytes[n] = (uint8_t)(i * sizeof bytes + n);
        come(bytes, sizeof bytes);
        swo_frame();
    }
    assert_int_equal(port_count, 20 * 225);
    for (uint32_t i = 0; i < port_count; i++)
        assert_int_equal(port[i], (uint8_t)i);
}

/* --- what is told ------------------------------------------------------------------------- */

static void assert_state(const char *text)
{
    said[0] = '\0';
    swo_say_state();
    if (!strstr(said, text))
        fail_msg("it says \"%s\", not \"%s\"", said, text);
}

static void what_finds_no_room_is_lost_and_counted(void **state)
{
    (void)state;
    receive(2250000, 0);
    room = 100;
    come(everything, sizeof everything);
    come(everything, sizeof everything);
    swo_frame();
    assert_int_equal(port_count, 100);
    char text[64];
    snprintf(text, sizeof text, "on: %zu bytes, %zu lost;", 2 * sizeof everything,
             2 * sizeof everything - 100);
    assert_state(text);
}

static void while_nobody_has_the_port_open_nothing_is_kept_or_lost(void **state)
{
    (void)state;
    receive(2250000, 1);
    is_open = false;
    come(everything, sizeof everything - 1);
    swo_frame();
    assert_int_equal(port_count, 0);
    is_open = true;
    come(everything + sizeof everything - 1, 1);
    swo_frame();
    assert_text("!", 1);                        /* it knew where it was */
    assert_state(", 0 lost;");
}

/* The flag stays until a byte more has come: it is one error. */
static void each_error_of_the_line_is_counted_once(void **state)
{
    (void)state;
    receive(2250000, 0);
    come(everything, 1);
    USART2.SR = USART_SR_FE;
    swo_frame();
    swo_frame();
    swo_frame();
    assert_state("line errors (another baud?) 1\n");
    come(everything, 1);
    USART2.SR = USART_SR_ORE;
    swo_frame();
    assert_state("line errors (another baud?) 2\n");
    receive(2250000, 0);
    assert_state("line errors (another baud?) 0\n");
}

static void when_it_is_off_nothing_is_done(void **state)
{
    (void)state;
    receive(2250000, 0);
    swo_stop();
    come(everything, 20);
    swo_frame();
    assert_int_equal(port_count, 0);
    assert_state("off");
}

static void rates_are_made_within_3_percent_or_refused_with_what_would_be(void **state)
{
    static const struct { uint32_t baud, divider; const char *says; } rates[] = {
        { 2250000, 16, "SWO: 2250000 baud" }, { 2000000, 18, "SWO: 2000000 baud" },
        { 1000000, 36, "1000000" }, { 115200, 313, "SWO: 115015 baud" },
        { 2310000, 16, "2250000" }, { 2330000, 0, "Not within 3 %: 2250000 baud" },
        { 4500000, 0, "2250000 baud" }, { 2185000, 16, "2250000" },
        { 2180000, 17, "2117647" }, { 4000000000u, 0, "2250000 baud" },
        { 9600, 3750, "9600" }, { 4800, 7500, "4800" }, { 4000, 0, "4394 baud" },
        { 1, 0, "4394 baud" }, { 0, 0, "baud" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        said[0] = '\0';
        USART2.BRR = 0;
        assert_int_equal(swo_receive(rates[i].baud, 0), rates[i].divider != 0);
        assert_int_equal(USART2.BRR, rates[i].divider);
        if (!strstr(said, rates[i].says))
            fail_msg("%u: \"%s\"", (unsigned)rates[i].baud, said);
    }
}

/* A refusal leaves what is as it is. */
static void a_refused_rate_changes_nothing(void **state)
{
    (void)state;
    receive(2000000, 0);
    assert_false(swo_receive(3000000, 1));
    come(everything, sizeof everything);
    swo_frame();
    assert_int_equal(port_count, sizeof everything);
}

/* --- the target ---------------------------------------------------------------------------- */

#define DBGMCU_CR 0xE0042004u
static const struct half pb3[] = { { DBGMCU_CR | HALF_LAST, 7 << 5, 1 << 5 } };
static const struct half two[] = { { 0x4000000E, 0xF00, 0x700 }, { 0x40000010 | HALF_LAST, 1, 1 } };

static void the_trace_units_are_set_and_the_pin_comes_behind_nrz(void **state)
{
    (void)state;
    chip.pin = pb3;
    *word(DBGMCU_CR) = 0xC7;
    *word(0xE000EDFC) = 0x010007F1;
    *word(0xE0001000) = 0x40000000;
    assert_int_equal(swo_set_up(72000000, 2250000), OK);
    assert_int_equal(*word(0xE000EDFC), 0x010007F1);
    assert_int_equal(*word(0xE0040010), 31);
    assert_int_equal(*word(0xE00400F0), 2);
    assert_int_equal(*word(0xE0040304) & 2, 0);
    assert_int_equal(*word(0xE0000E00), 0xFFFFFFFF);
    assert_int_equal(*word(0xE0000E80) & 0xD, 0xD);
    assert_int_equal(*word(0xE0001000), 0x40000401);
    assert_int_equal(*word(DBGMCU_CR), 0x27);
    assert_int_equal(first_write(0xE000EDFC), 0);
    assert_true(first_write(0xE0000FB0) < first_write(0xE0000E00));
    assert_int_equal(writes[first_write(0xE0000FB0)].value, 0xC5ACCE55);
    assert_true(first_write(DBGMCU_CR) > first_write(0xE00400F0));
    assert_true(first_write(DBGMCU_CR) > first_write(0xE0040010));
    assert_non_null(strstr(said, "2250000 baud"));
}

static void a_pin_is_given_back_when_nobody_listens(void **state)
{
    (void)state;
    chip.pin = two;
    *word(0x4000000C) = 0x12345678;
    *word(0x40000010) = 0xA0;
    assert_int_equal(swo_set_up(8000000, 1000000), OK);
    assert_int_equal(*word(0x4000000C), 0x17345678);
    assert_int_equal(*word(0x40000010), 0xA1);
    assert_int_equal(swo_set_up(8000000, 2000000), OK);         /* again: found is what it was */
    *word(0x40000010) |= 0x100;                                 /* the program's own */
    swo_leave();
    assert_int_equal(*word(0x4000000C), 0x12345678);
    assert_int_equal(*word(0x40000010), 0x1A0);
    int before = write_count;
    swo_leave();
    assert_int_equal(write_count, before);
}

static void a_pin_stays_with_trace_while_somebody_listens(void **state)
{
    (void)state;
    chip.pin = two;
    assert_int_equal(swo_set_up(8000000, 2000000), OK);
    receive(2000000, 1);
    swo_leave();
    assert_int_equal(*word(0x40000010), 1);
    swo_stop();
    swo_leave();                                /* another time: it is not ours any more */
    assert_int_equal(*word(0x40000010), 1);
}

static void a_second_set_up_while_somebody_listens_still_knows_what_was_found(void **state)
{
    (void)state;
    chip.pin = two;
    *word(0x4000000C) = 0x12345678;
    assert_int_equal(swo_set_up(8000000, 2000000), OK);
    receive(2000000, 1);
    assert_int_equal(swo_set_up(8000000, 1000000), OK);
    swo_stop();
    swo_leave();
    assert_int_equal(*word(0x4000000C), 0x12345678);
    assert_int_equal(*word(0x40000010), 0);
}

static void another_chip_does_not_get_back_what_was_found_in_this_one(void **state)
{
    (void)state;
    chip.pin = two;
    assert_int_equal(swo_set_up(8000000, 2000000), OK);
    chip.pin = pb3;
    int before = write_count;
    swo_leave();
    assert_int_equal(write_count, before);
}

/* A Cortex-M0 or M0+, or a chip whose pin is not known. */
static void a_chip_without_a_pin_for_trace_is_left_alone(void **state)
{
    (void)state;
    assert_int_equal(swo_set_up(16000000, 2000000), ERR_UNSUPPORTED);
    assert_int_equal(write_count, 0);
}

static void a_rate_that_the_target_cannot_make_is_refused(void **state)
{
    (void)state;
    chip.pin = pb3;
    assert_int_not_equal(swo_set_up(8000000, 2250000), OK);
    assert_non_null(strstr(said, "2000000 baud"));
    assert_int_not_equal(swo_set_up(72000000, 1000), OK);
    assert_int_not_equal(swo_set_up(0, 1000000), OK);
    assert_int_not_equal(swo_set_up(8000000, 0), OK);
    assert_int_equal(write_count, 0);
}

#define SWO(name) cmocka_unit_test_setup(name, power_on)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SWO(text_comes_out_wherever_the_stream_is_cut),
        SWO(only_the_ports_that_were_chosen_are_text),
        SWO(raw_is_every_byte),
        SWO(a_stream_that_is_joined_in_the_middle_is_right_from_synchronization_on),
        SWO(whatever_was_cut_ends_in_synchronization),
        SWO(the_circle_goes_round),
        SWO(what_finds_no_room_is_lost_and_counted),
        SWO(while_nobody_has_the_port_open_nothing_is_kept_or_lost),
        SWO(each_error_of_the_line_is_counted_once),
        SWO(when_it_is_off_nothing_is_done),
        SWO(rates_are_made_within_3_percent_or_refused_with_what_would_be),
        SWO(a_refused_rate_changes_nothing),
        SWO(the_trace_units_are_set_and_the_pin_comes_behind_nrz),
        SWO(a_pin_is_given_back_when_nobody_listens),
        SWO(a_pin_stays_with_trace_while_somebody_listens),
        SWO(a_second_set_up_while_somebody_listens_still_knows_what_was_found),
        SWO(another_chip_does_not_get_back_what_was_found_in_this_one),
        SWO(a_chip_without_a_pin_for_trace_is_left_alone),
        SWO(a_rate_that_the_target_cannot_make_is_refused),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
