/* run_transfers.c - how many transfers of the wire does run control take?
 *
 * The shipped image steps, runs and stops a virtual chip through gdb's packets, and the
 * target's debug port records each transfer.  Each limit here is what it takes today: who
 * makes it more sees this test fail, with the list of what went over the wire, in the
 * words of the registers.  A WAIT is a transfer, too. */
#include "rsp_client.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { RAM = 0x20000000, LOOP = 2, AFTER_LOOP = 6 };
enum { A_POLL = 2 };                /* may be due meanwhile: every millisecond, at the most */
/*      movs r0, #200 / loop: subs r0, #1 / bne loop / b .                             */
static const uint8_t program[] = { 0xC8, 0x20, 0x01, 0x38, 0xFD, 0xD1, 0xFE, 0xE7 };

static struct rsp *rsp;
static struct {
    int transfers, length;
    unsigned bank, tar;             /* SELECT's APBANKSEL; TAR */
    char text[60000];
} wire;

/* --- the record, in words ----------------------------------------------------------- */

static void say(const char *what, const char *direction, const char *data)
{
    wire.length += snprintf(wire.text + wire.length, sizeof wire.text - (size_t)wire.length,
                            "  %s %s %s\n", direction, what, data);
    if (wire.length > (int)sizeof wire.text - 100)
        wire.length = 0;
}

static const char *memory_name(unsigned address)
{
    static char number[16];
    static const struct { unsigned address; const char *name; } names[] = {
        { 0xE000EDF0, "DHCSR" }, { 0xE000EDF4, "DCRSR" }, { 0xE000EDF8, "DCRDR" },
        { 0xE000EDFC, "DEMCR" }, { 0xE000ED30, "DFSR" },
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].address == address)
            return names[i].name;
    snprintf(number, sizeof number, "0x%08x", address);
    return number;
}

/* "TIME_NS AP|DP R|W ADDRESS OK|WAIT|FAULT DATA|-", of swdp_record(). */
static void note(void *ctx, const char *line)
{
    static const char *const dp[] = { "ABORT/DPIDR", "CTRL/STAT", "SELECT", "RDBUFF" };
    char port[8], direction[4], ack[8], data[16];
    unsigned address;

    (void)ctx;
    if (sscanf(line, "%*s %7s %3s %x %7s %15s", port, direction, &address, ack, data) != 5)
        return;
    wire.transfers++;
    unsigned value = (unsigned)strtoul(data, NULL, 16), reg = address & 0xC;
    if (strcmp(ack, "OK") != 0)
        strcpy(data, ack);
    if (port[0] == 'D') {
        if (reg == 8)
            wire.bank = value & 0xF0;
        say(dp[reg / 4], direction, data);
    } else if (wire.bank == 0x10) {
        say(memory_name((wire.tar & ~15u) | reg), direction, data);
    } else if (wire.bank == 0 && reg == 0xC) {
        say(memory_name(wire.tar), direction, data);
        wire.tar += strcmp(ack, "OK") == 0 ? 4 : 0;
    } else {
        if (reg == 4 && direction[0] == 'W')
            wire.tar = value;
        say(reg == 4 ? "TAR" : reg == 0 ? "CSW" : "AP?", direction, data);
    }
}

/* From here on; and how many there may have been. */
static void begin(void)
{
    wire.transfers = wire.length = 0;
    wire.text[0] = '\0';
}

static void at_most(const char *what, int limit)
{
    printf("%s: %d transfers\n", what, wire.transfers);
    if (wire.transfers > limit || getenv("RUN_TRANSFERS"))
        fputs(wire.text, stdout);
    assert_true(wire.transfers <= limit);
}

/* --- the board ---------------------------------------------------------------------- */

static int power_on(void **state)
{
    (void)state;
    rsp = rsp_power_on("stm32f103");
    if (!rsp_attach(rsp) || !rsp_write(rsp, RAM, program, sizeof program))
        return 1;
    rsp_ask(rsp, "Pf=%08x", __builtin_bswap32(RAM + LOOP));
    swdp_record(rsp->board->target->debug_port, note, NULL);
    rsp_ask(rsp, "vCont;s:1");      /* as after any other */
    begin();
    return 0;
}

static int power_off(void **state)
{
    (void)state;
    return rsp_power_off(rsp);
}

/* --- tests -------------------------------------------------------------------------- */

/* 2 to look whether it is halted, 3 for the step, 6 for DFSR, 4 for each of r0 to psp. */
static void a_step(void **state)
{
    (void)state;
    assert_int_equal(rsp_ask(rsp, "vCont;s:1")[0], 'T');
    at_most("vCont;s", 5 + 6 + 19 * 4);
}

/* And 2 to look whether it is halted. */
static void all_registers_after_a_step(void **state)
{
    (void)state;
    assert_int_equal(strlen(rsp_ask(rsp, "g")), 23 * 8);
    at_most("g", 20 * 4 + 2);
}

/* 3 for a step and 4 for its PC, and now and then a look round. */
static void a_range_of_401_steps(void **state)
{
    (void)state;
    rsp_ask(rsp, "Pf=%08x", __builtin_bswap32(RAM));
    begin();
    assert_int_equal(rsp_ask(rsp, "vCont;r%x,%x:1;c", RAM, RAM + AFTER_LOOP)[0], 'T');
    at_most("vCont;r, 401 instructions", 401 * 8);
}

/* Five of them look whether the BKPT in RAM is still there, one read for each that is set.  2
 * take the vector catch of reset away, and 2 put it back; 4 look at the rest of DEMCR, which
 * is the program's. */
static void a_breakpoint_is_reached(void **state)
{
    (void)state;
    assert_string_equal(rsp_ask(rsp, "P0=02000000"), "OK");
    assert_string_equal(rsp_ask(rsp, "Z0,%x,2", RAM + AFTER_LOOP), "OK");
    begin();
    assert_int_equal(rsp_ask(rsp, "vCont;c:1")[0], 'T');
    at_most("vCont;c up to a breakpoint", 116 + 2 * A_POLL);    /* as Ctrl-C: two clocks */
}

static void ctrl_c(void **state)
{
    (void)state;
    rsp_send(rsp, "vCont;c", 7);
    board_run_ms(rsp->board, 100.13);
    begin();
    rsp_send_raw(rsp, "\3", 1);
    assert_true(rsp_receive(rsp, 1000));
    assert_int_equal(rsp->reply[0], 'T');
    at_most("Ctrl-C", 87 + 2 * A_POLL);     /* before the frame that brings it, and before the halt */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_step, power_on, power_off),
        cmocka_unit_test_setup_teardown(all_registers_after_a_step, power_on, power_off),
        cmocka_unit_test_setup_teardown(a_range_of_401_steps, power_on, power_off),
        cmocka_unit_test_setup_teardown(a_breakpoint_is_reached, power_on, power_off),
        cmocka_unit_test_setup_teardown(ctrl_c, power_on, power_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
