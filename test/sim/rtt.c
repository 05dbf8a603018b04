/* rtt.c - does the probe carry RTT between a program and the second port, and never show what
 * is none?
 *
 * examples/rtt.c runs on the virtual target, or the test itself writes control blocks into its
 * RAM: stale ones, absurd ones, ones that change meanwhile.  All in simulated time.
 *
 * Source: SEGGER UM08001 16 (layout and modes). */
#include "dap_client.h"
#include "rsp_client.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { GDB, SECOND, RAM = 0x20000000, RAM_SIZE = 0x5000 };
enum { NAME, BUFFER, SIZE, WRITE, READ, FLAGS, CHANNEL };       /* words of a channel */

static struct rsp *rsp;
static char came[200000];
static int length;

static void empty(void)
{
    length = 0;
    came[0] = '\0';
}

/* What the second port says in so many milliseconds. */
static const char *listen(double ms)
{
    length += rsp_listen(rsp, SECOND, ms, came + length, (int)sizeof came - length);
    return came;
}

static void type(const char *text)
{
    cdc_host_write(rsp->cdc, SECOND, text, (int)strlen(text));
}

static int power_on(const char *chip, const char *example)
{
    const char *build = getenv("BUILD") ? getenv("BUILD") : "build";
    char target[600];
    snprintf(target, sizeof target, example ? "%s:%s/examples/%s-%s.elf" : "%s", chip, build,
             example, chip);
    rsp = rsp_power_on(target);
    cdc_host_open(rsp->cdc, SECOND, true);
    board_run_ms(rsp->board, 20);
    empty();
    return 0;
}

static int stm32f103(void **state) { (void)state; return power_on("stm32f103", "rtt"); }
static int samd21(void **state) { (void)state; return power_on("samd21", "rtt"); }
static int bare(void **state) { (void)state; return power_on("stm32f103", NULL); }

static int none(void **state) { (void)state; return 0; }       /* the test does it */

static int power_off(void **state)
{
    (void)state;
    return rsp_power_off(rsp);
}

static uint32_t word(uint32_t at)
{
    uint32_t value = 0;
    assert_true(rsp_read(rsp, at, &value, 4));
    return value;
}

static void put(uint32_t at, uint32_t value)
{
    assert_true(rsp_write(rsp, at, &value, 4));
}

/* Where the example has its block. */
static uint32_t block_of_example(void)
{
    static uint8_t ram[RAM_SIZE];
    assert_true(rsp_read(rsp, RAM, ram, sizeof ram));
    for (uint32_t at = 0; at < RAM_SIZE - 16; at += 4)
        if (memcmp(ram + at, "SEGGER RTT\0\0\0\0\0", 16) == 0)
            return RAM + at;
    fail_msg("the example has no block");
    return 0;
}

static void halt(void)
{
    rsp_send_raw(rsp, "\003", 1);
    rsp_receive(rsp, 3000);
}

/* Attached and running; gdb has said where the symbol is. */
static uint32_t attach_and_run(bool symbol)
{
    char packet[64];
    assert_true(rsp_attach(rsp));
    rsp_send(rsp, "vCont;c", 7);
    listen(300);
    halt();
    uint32_t block = block_of_example();
    assert_string_equal(rsp_ask(rsp, "qSymbol::"), "qSymbol:5f5345474745525f525454");
    snprintf(packet, sizeof packet, "qSymbol:%x:5f5345474745525f525454", symbol ? block : 0);
    if (!symbol)
        strcpy(packet, "qSymbol::5f5345474745525f525454");
    assert_string_equal(rsp_ask(rsp, "%s", packet), "OK");
    empty();
    rsp_send(rsp, "vCont;c", 7);
    return block;
}

/* --- what it is for ---------------------------------------------------------------------- */

static void a_program_is_heard_when_gdb_knows_its_symbol(void **state)
{
    (void)state;
    attach_and_run(true);
    assert_non_null(strstr(listen(300), "RTT on "));
    assert_non_null(strstr(came, "tick 0\r\ntick 1\r\n"));
}

static void without_a_symbol_nothing_is_searched_until_it_is_asked_for(void **state)
{
    (void)state;
    attach_and_run(false);
    assert_string_equal(listen(300), "");
    halt();
    assert_non_null(strstr(rsp_monitor(rsp, "rtt"), "auto"));
    assert_non_null(strstr(rsp_monitor(rsp, "rtt enable"), "RTT is on"));
    rsp_send(rsp, "vCont;c", 7);
    assert_non_null(strstr(listen(500), "tick 0\r\ntick 1\r\n"));
}

/* All of it, without a gap: each tick behind the one before. */
static void assert_no_tick_is_lost(void)
{
    const char *at = strstr(came, "tick ");
    int tick = at ? atoi(at + 5) : -1, ticks = 0;
    for (; at && strchr(at, '\n'); at = strstr(at + 1, "tick "), tick++, ticks++)
        assert_int_equal(atoi(at + 5), tick);
    assert_true(ticks > 50);
}

static void no_gdb_is_needed_and_the_core_is_never_halted(void **state)
{
    (void)state;
    attach_and_run(true);
    halt();
    rsp_monitor(rsp, "rtt enable");
    assert_string_equal(rsp_ask(rsp, "D"), "OK");
    cdc_host_open(rsp->cdc, GDB, false);
    board_run_ms(rsp->board, 1500);
    empty();
    listen(1500);
    assert_no_tick_is_lost();
    for (int i = 0; i < 1000; i++) {
        board_run_ms(rsp->board, 0.037);
        assert_false(rsp->board->target->cpu->halted);
    }
}

static void gdb_gets_the_wire_at_once_and_gives_it_back(void **state)
{
    (void)state;
    no_gdb_is_needed_and_the_core_is_never_halted(state);
    cdc_host_open(rsp->cdc, GDB, true);
    rsp->no_ack = false;
    board_run_ms(rsp->board, 20);
    assert_true(rsp_attach(rsp));
    assert_int_equal(word(0xE000EDF0) >> 17 & 1, 1);    /* S_HALT */
    rsp_send(rsp, "vCont;c", 7);
    empty();
    listen(1000);
    assert_no_tick_is_lost();
    halt();
    rsp_ask(rsp, "D");
    cdc_host_open(rsp->cdc, GDB, false);
    empty();
    listen(3000);
    assert_no_tick_is_lost();
}

static void a_dap_host_gets_the_wire_at_once(void **state)
{
    struct dap dap;
    no_gdb_is_needed_and_the_core_is_never_halted(state);
    assert_true(dap_find(&dap, rsp->board, rsp->cdc));
    assert_string_equal(dap_hex(&dap, "02 01"), "02 01");
    listen(20);                                         /* what was under way */
    empty();
    assert_string_equal(listen(1500), "");
    assert_string_equal(dap_hex(&dap, "03"), "03 00");
    listen(1500);
    assert_no_tick_is_lost();
}

static void what_is_typed_comes_to_the_program_and_not_to_the_uart(void **state)
{
    (void)state;
    attach_and_run(true);
    listen(300);
    empty();
    type("pillbug, over the end of the ring\r\n");
    listen(500);
    char capitals[100] = "";
    int count = 0;
    for (const char *c = came; *c && count < 99; c++)
        if (*c >= 'A' && *c <= 'Z')
            capitals[count++] = *c;
    assert_string_equal(capitals, "PILLBUGOVERTHEENDOFTHERING");
    assert_int_equal(cdc_host_pending(rsp->cdc, SECOND), 0);
    halt();
    rsp_monitor(rsp, "rtt disable");
    rsp_send(rsp, "vCont;c", 7);
    listen(50);
    empty();
    type("uart");
    assert_string_equal(listen(100), "");               /* the target's UART is silent */
    assert_int_equal(cdc_host_pending(rsp->cdc, SECOND), 0);
}

static void any_channel_can_be_chosen(void **state)
{
    (void)state;
    attach_and_run(true);
    halt();
    assert_non_null(strstr(rsp_monitor(rsp, "rtt channel 1"), "channel 1"));
    rsp_send(rsp, "vCont;c", 7);
    assert_non_null(strstr(listen(300), ">beat:"));
    halt();
    assert_non_null(strstr(rsp_monitor(rsp, "rtt channel 16"), "Usage"));
    assert_non_null(strstr(rsp_monitor(rsp, "rtt channel"), "Usage"));
    assert_non_null(strstr(rsp_monitor(rsp, "rtt enable 1"), "Usage"));
    assert_non_null(strstr(rsp_monitor(rsp, "rtt nonsense"), "Usage"));
    assert_non_null(strstr(rsp_monitor(rsp, "rtt channel 15"), "no control block"));
    rsp_send(rsp, "vCont;c", 7);
    empty();
    assert_string_equal(listen(200), "");               /* it has three */
}

/* The probe's TX is wired to its own RX: what is typed and is nobody's comes back by the UART. */
static void only_leaves_out_what_the_uart_says(void **state)
{
    static struct board_options options = { .target = "none", .loop = true };
    const char *build = getenv("BUILD") ? getenv("BUILD") : "build";
    static char image[600];
    (void)state;
    snprintf(image, sizeof image, "%s/pillbug.bin", build);
    options.flash[0] = image;
    options.flash_count = 1;
    rsp = rsp_power_on_with(&options);
    cdc_host_open(rsp->cdc, SECOND, true);
    listen(20);
    empty();
    type("heard");
    assert_string_equal(listen(50), "heard");
    rsp_monitor(rsp, "rtt only");
    empty();
    type("not heard");
    assert_string_equal(listen(50), "");
    rsp_monitor(rsp, "rtt enable");
    type("heard again");
    assert_string_equal(listen(50), "heard again");
}

/* --- what is none, and what is stale ------------------------------------------------------- */

enum { BLOCK = RAM + 0x100, DATA = RAM + 0x400, DATA_SIZE = 64 };

static void make_block(uint32_t at, uint32_t ups, uint32_t downs)
{
    static const char id[16] = "SEGGER RTT";
    uint32_t up[6] = { 0, DATA, DATA_SIZE, 5, 0, 0 }, down[6] = { 0, DATA + 0x100, 16, 0, 0, 0 };
    assert_true(rsp_write(rsp, DATA, "stale", 5));
    put(at + 16, ups);
    put(at + 20, downs);
    assert_true(rsp_write(rsp, at + 24, up, sizeof up));
    assert_true(rsp_write(rsp, at + 48, down, sizeof down));
    assert_true(rsp_write(rsp, at, id, sizeof id));
}

static void up_word(int which, uint32_t value) { put(BLOCK + 24 + 4 * (uint32_t)which, value); }

static void attach_bare(void)
{
    assert_true(rsp_attach(rsp));
    for (uint32_t at = RAM; at < RAM + 0x800; at += 4)
        put(at, 0);
    rsp_monitor(rsp, "rtt enable");
}

static void a_block_is_found_by_a_search_of_ram(void **state)
{
    (void)state;
    attach_bare();
    make_block(BLOCK, 1, 1);
    assert_string_equal(listen(1500), "stale");
    assert_int_equal(word(BLOCK + 24 + 4 * READ), 5);
    assert_non_null(strstr(rsp_monitor(rsp, "rtt"), "block at 0x20000100, 64 bytes up, 16 down"));
}

static void a_block_that_makes_no_sense_is_none(void **state)
{
    static const struct { int which; uint32_t value; } wrong[] = {
        { BUFFER, 0 }, { BUFFER, 0x40000000 }, { BUFFER, 0xFFFFFFF0 }, { SIZE, 0 },
        { SIZE, 0xFFFFFFFF }, { WRITE, DATA_SIZE }, { WRITE, 0xFFFFFFFF }, { READ, DATA_SIZE },
        { READ, 0x80000000 }, { BUFFER, 0x3FFFFFF0 },
    };
    static const uint32_t counts[][2] = { { 0, 1 }, { 17, 1 }, { 0xFFFFFFFF, 1 }, { 1, 17 },
                                          { 1, 0x80000000 } };
    (void)state;
    attach_bare();
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        make_block(BLOCK, 1, 1);
        put(BLOCK, 0);
        up_word(wrong[i].which, wrong[i].value);
        put(BLOCK, 0x47474553);
        assert_string_equal(listen(1300), "");
        assert_non_null(strstr(rsp_monitor(rsp, "rtt"), "no control block"));
    }
    for (unsigned i = 0; i < sizeof counts / sizeof *counts; i++) {
        make_block(BLOCK + 1024, counts[i][0], counts[i][1]);
        put(BLOCK, 0);
        assert_string_equal(listen(1300), "");
        put(BLOCK + 1024, 0);
    }
    make_block(BLOCK, 1, 0);
    assert_string_equal(listen(1300), "stale");
}

/* Two pieces, in their order; and the byte that is never used. */
static void text_around_the_end_of_the_buffer_stays_in_order(void **state)
{
    uint8_t ring[DATA_SIZE];
    (void)state;
    attach_bare();
    make_block(BLOCK, 1, 1);
    listen(1300);
    empty();
    for (int i = 0; i < DATA_SIZE; i++)
        ring[i] = (uint8_t)('A' + (i + DATA_SIZE - 5) % DATA_SIZE);
    assert_true(rsp_write(rsp, DATA, ring, sizeof ring));
    up_word(WRITE, 4);
    listen(100);
    assert_int_equal(length, DATA_SIZE - 1);
    for (int i = 0; i < length; i++)
        assert_int_equal(came[i], 'A' + i);
}

static void a_block_that_became_nonsense_is_left_alone_and_found_again(void **state)
{
    (void)state;
    attach_bare();
    make_block(BLOCK, 1, 1);
    listen(1300);
    empty();
    up_word(WRITE, 0x12345678);
    assert_string_equal(listen(100), "");
    up_word(READ, 0);                           /* begun anew: all of it is looked at again */
    up_word(WRITE, 3);
    assert_string_equal(listen(1500), "sta");
}

static void what_a_reset_leaves_in_ram_is_not_shown(void **state)
{
    (void)state;
    attach_bare();
    make_block(BLOCK, 1, 1);
    listen(1300);
    empty();
    up_word(WRITE, 20);                         /* more of it, and the reset comes at once */
    rsp_monitor(rsp, "reset halt");
    empty();
    assert_string_equal(listen(1500), "");
    assert_int_equal(word(BLOCK), 0);
}

static void what_a_load_leaves_in_ram_is_not_shown(void **state)
{
    uint8_t image[1024] = { 0 };
    (void)state;
    attach_bare();
    make_block(BLOCK, 1, 1);
    listen(1300);
    empty();
    assert_true(rsp_load_flash(rsp, 0x08000000, image, sizeof image, 1024));
    assert_string_equal(listen(1500), "");
    assert_int_equal(word(BLOCK), 0);
}

static void a_program_that_waits_for_its_reader_goes_on_without(void **state)
{
    uint32_t flags = BLOCK + 24 + 4 * FLAGS;
    (void)state;
    attach_bare();
    make_block(BLOCK, 1, 1);
    put(flags, 0x5A2);                          /* mode 2, and bits of somebody else's */
    listen(1300);
    assert_int_equal(word(flags), 0x5A2);
    cdc_host_open(rsp->cdc, SECOND, false);
    board_run_ms(rsp->board, 200);
    assert_int_equal(word(flags), 0x5A0);
    cdc_host_open(rsp->cdc, SECOND, true);
    listen(1500);
    assert_int_equal(word(flags), 0x5A2);
    rsp_monitor(rsp, "rtt disable");
    board_run_ms(rsp->board, 50);
    assert_int_equal(word(flags), 0x5A0);
}

/* The port was closed in between: where the block was is known yet. */
static void what_a_reset_leaves_while_nobody_listens_is_not_shown(void **state)
{
    (void)state;
    attach_bare();
    make_block(BLOCK, 1, 1);
    listen(1300);
    cdc_host_open(rsp->cdc, SECOND, false);
    board_run_ms(rsp->board, 50);
    up_word(WRITE, 20);
    rsp_monitor(rsp, "reset halt");
    cdc_host_open(rsp->cdc, SECOND, true);
    empty();
    assert_string_equal(listen(1500), "");
    assert_int_equal(word(BLOCK), 0);
}

/* Another channel, and another program at the same place, keep the mode they have. */
static void a_mode_is_given_back_to_its_own_channel_only(void **state)
{
    uint32_t flags = BLOCK + 24 + 4 * FLAGS;
    (void)state;
    attach_bare();
    make_block(BLOCK, 1, 1);
    put(flags, 2);
    listen(1300);
    cdc_host_open(rsp->cdc, SECOND, false);
    board_run_ms(rsp->board, 50);
    put(flags, 1);
    cdc_host_open(rsp->cdc, SECOND, true);
    listen(1300);
    assert_int_equal(word(flags), 1);
}

static void nothing_is_written_to_a_block_but_our_own_index(void **state)
{
    uint8_t before[64], after[64];
    (void)state;
    attach_bare();
    make_block(BLOCK, 1, 1);
    assert_true(rsp_read(rsp, BLOCK + 8, before, sizeof before));
    listen(1300);
    assert_true(rsp_read(rsp, BLOCK + 8, after, sizeof after));
    before[16 + 4 * READ] = 5;
    assert_memory_equal(before, after, sizeof before);
}

static void power_that_goes_while_it_is_read_is_no_trouble(void **state)
{
    no_gdb_is_needed_and_the_core_is_never_halted(state);
    board_power_target(rsp->board, false);
    listen(2500);
    empty();
    board_power_target(rsp->board, true);
    listen(3000);
    assert_no_tick_is_lost();
}

int main(void)
{
#define ON(chip, test) cmocka_unit_test_setup_teardown(test, chip, power_off)
    const struct CMUnitTest tests[] = {
        ON(stm32f103, a_program_is_heard_when_gdb_knows_its_symbol),
        ON(samd21, a_program_is_heard_when_gdb_knows_its_symbol),
        ON(stm32f103, without_a_symbol_nothing_is_searched_until_it_is_asked_for),
        ON(stm32f103, no_gdb_is_needed_and_the_core_is_never_halted),
        ON(stm32f103, gdb_gets_the_wire_at_once_and_gives_it_back),
        ON(stm32f103, a_dap_host_gets_the_wire_at_once),
        ON(stm32f103, what_is_typed_comes_to_the_program_and_not_to_the_uart),
        ON(samd21, what_is_typed_comes_to_the_program_and_not_to_the_uart),
        ON(stm32f103, any_channel_can_be_chosen),
        ON(none, only_leaves_out_what_the_uart_says),
        ON(bare, a_block_is_found_by_a_search_of_ram),
        ON(bare, a_block_that_makes_no_sense_is_none),
        ON(bare, text_around_the_end_of_the_buffer_stays_in_order),
        ON(bare, a_block_that_became_nonsense_is_left_alone_and_found_again),
        ON(bare, what_a_reset_leaves_in_ram_is_not_shown),
        ON(bare, what_a_load_leaves_in_ram_is_not_shown),
        ON(bare, a_program_that_waits_for_its_reader_goes_on_without),
        ON(bare, what_a_reset_leaves_while_nobody_listens_is_not_shown),
        ON(bare, a_mode_is_given_back_to_its_own_channel_only),
        ON(bare, nothing_is_written_to_a_block_but_our_own_index),
        ON(stm32f103, power_that_goes_while_it_is_read_is_no_trouble),
    };
    return cmocka_run_group_tests_name("RTT", tests, NULL, NULL);
}
