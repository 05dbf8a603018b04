/* test_monitor.c - does every command do what its line in `help` says, and say so?
 *
 * monitor.c through gdb_remote.c, against the fake target of gdb_fakes.c. */
#include "gdb_fakes.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static int power_on(void **state)
{
    (void)state;
    fake_power_on();
    fake_ask("QStartNoAckMode");
    fake_ask("!");
    return 0;
}

static int attached(void **state)
{
    power_on(state);
    fake_ask("vAttach;1");
    return 0;
}

/* Types a command; gives its output.  ok tells whether gdb saw success. */
static bool ok;
static const char *type(const char *command)
{
    char packet[600] = "qRcmd,";
    for (size_t i = 0; command[i] != '\0'; i++)
        sprintf(packet + 6 + 2 * i, "%02x", (uint8_t)command[i]);
    ok = strcmp(fake_ask(packet), "OK") == 0;
    return fake_console();
}
#define SAYS(command, text) assert_non_null(strstr(type(command), text))

static void help_fits_a_screen(void **state)
{
    int lines = 0;
    (void)state;
    for (const char *s = type("help"); *s != '\0'; s = strchr(s, '\n') + 1, lines++)
        assert_true(strchr(s, '\n') - s < 80);
    assert_true(ok);
    assert_in_range(lines, 10, 24);
}

static void a_beginning_of_a_name_will_do(void **state)
{
    (void)state;
    SAYS("freq", "SWCLK is 4000000 Hz");
    SAYS("swd", "ATSAMD21G18A");
    SAYS("  targets  ", "ATSAMD21G18A");
    SAYS("t", "`t` may be targets traceswo|swo|rtt|");
    assert_false(ok);
    SAYS("xyz", "No command `xyz`");
    assert_false(ok);
}

static void scan_lists_or_explains(void **state)
{
    (void)state;
    fake.locked = true;
    SAYS("swdp_scan", "1  ATSAMD21G18A         Cortex-M0+   id 0x10010005  LOCKED");
    assert_true(ok);
    fake.count = 0;
    SAYS("swdp_scan", "Failed: error 1");
    assert_false(ok);
    SAYS("targets", error_text(ERR_NO_TARGET));
    SAYS("jtag_scan", "SWD only");
    assert_false(ok);
}

static void scan_while_attached_detaches(void **state)
{
    (void)state;
    SAYS("auto_scan", "Detached");
    assert_int_equal(fake.detaches, 1);
}

static void frequency_takes_suffixes(void **state)
{
    static const struct { const char *text; uint32_t hz; } cases[] = {
        { "frequency 4000000", 4000000 }, { "frequency 4M", 4000000 },
        { "frequency 500k", 500000 }, { "frequency 2.5M", 2500000 },
        { "frequency 0x100000", 0x100000 }, { "frequency 0.125m", 125000 },
    };
    static const char *const bad[] = { "frequency x", "frequency 4G", "frequency 0",
                                       "frequency 2.5", "frequency 99999999999",
                                       "frequency 4M1", "frequency 5000M", "frequency 0x",
                                       "frequency 1.5.5M", "frequency 1.0000000001M",
                                       "frequency 0.0000000000000000000000000000000001M" };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        type(cases[i].text);
        assert_true(ok);
        assert_int_equal(fake.hz, cases[i].hz);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        SAYS(bad[i], "Usage");
        assert_false(ok);
        assert_int_equal(fake.hz, 125000);
    }
}

static void reset_halts_runs_or_pulls_the_pin(void **state)
{
    (void)state;
    type("reset");
    assert_true(ok && !fake.running && fake.resets == 1);
    type("reset run");
    assert_true(ok && fake.running && fake.resets == 2);
    type("reset pin 20");
    assert_true(ok && !fake.running && fake.resets == 3);
    SAYS("reset never", "Usage");
    SAYS("reset pin x", "Usage");
    SAYS("reset pin 2000", "Usage");
    assert_false(fake.nrst_low);
}

static void reset_without_a_target_moves_the_pin_only(void **state)
{
    (void)state;
    type("reset pin");
    assert_true(ok);
    SAYS("reset", "Failed: error 7");
    assert_false(ok);
}

static void options_are_shown_and_set(void **state)
{
    (void)state;
    SAYS("connect_rst", "under reset: off");
    SAYS("connect_srst enable", "under reset: on");
    SAYS("flash_skip disable", "alone: off");
    SAYS("flash_skip", "alone: off");
    assert_true(target_options.connect_under_reset);
    assert_false(target_options.flash_skip);
    assert_true(target_options.connect_under_reset);
    type("connect_rst off");
    assert_false(target_options.connect_under_reset);
    SAYS("connect_rst maybe", "Usage");
    SAYS("halt_timeout", "500 ms");
    SAYS("halt_timeout 2000", "2000 ms");
    SAYS("halt_timeout 0", "Usage");
    assert_int_equal(target_options.halt_timeout_ms, 2000);
}

static void vector_catch_changes_what_is_named(void **state)
{
    (void)state;
    SAYS("vector_catch", "Catching: nothing");
    SAYS("vector_catch enable hard bus", "Catching: bus hard\n");
    assert_int_equal(fake.catch_bits, 1 << 10 | 1 << 8);
    SAYS("vector_catch disable bus", "Catching: hard\n");
    SAYS("vector_catch enable", "Catching: mm nocp chk stat bus int hard\n");
    SAYS("vector_catch disable all", "Catching: nothing\n");
    SAYS("vector_catch enable nothing", "Usage");
    SAYS("vector_catch hard", "Usage");
}

static void erasing_shows_that_it_is_alive(void **state)
{
    (void)state;
    SAYS("erase_mass", ".....Erased\n");
    assert_true(ok);
    SAYS("erase_range 0x100 0x10000", " KB to be erased\n");
    assert_true(ok);
    assert_int_equal(fake.flash[0xFF], 0);
    assert_int_equal(fake.flash[0x100], 0xFF);
    assert_int_equal(fake.flash[0x100FF], 0xFF);
    assert_int_equal(fake.flash[0x10100], 0);
    SAYS("erase_range 0x3ff00 0x1000", "Failed: error 12");
    assert_false(ok);
    SAYS("erase_range 0", "Usage");
    fake.flash_error = ERR_LOCKED;
    SAYS("erase_mass", "Failed: error 10");
}

static void raw_registers_are_reached(void **state)
{
    (void)state;
    SAYS("dpreg 4", "0x0bc11474\n");
    SAYS("apreg 1 0xfc", "0x000001fc\n");
    type("dpreg 4 0x50000000");
    assert_true(ok);
    type("apreg 0 4 1");
    assert_true(ok);
    SAYS("dpreg", "Usage");
    SAYS("apreg 0", "Usage");
    SAYS("wire", "mended 5\n");
    fake.owner = 2;                             /* SWD_DAP */
    SAYS("wire", error_text(ERR_WIRE_TAKEN));
    type("wire free");
    assert_int_equal(fake.owner, 0);
    SAYS("uart", "115200 baud 8N1, DTR 1, RTS 0");
}

static void other_probes_commands_are_understood(void **state)
{
    static const char *const commands[] = {
        "tpwr enable", "traceswo", "swo enable", "rtt", "heapinfo", "morse",
        "tdi_low_reset", "redirect_stdout enable",
    };
    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        assert_int_not_equal(strlen(type(commands[i])), 0);
        assert_true(ok);
    }
}

static void commands_of_the_family_come_with_the_target(void **state)
{
    (void)state;
    SAYS("option a b", "option: 3 words, b");
    SAYS("help", "option        show or set");
    fake_ask("D");
    SAYS("option", "No command");
}

static void lines_of_any_length_are_survived(void **state)
{
    char line[251];
    (void)state;
    memset(line, 'a', sizeof line);
    line[250] = '\0';
    type(line);
    assert_false(ok);
    for (int i = 0; i < 200; i += 2)
        line[i] = ' ';
    line[200] = '\0';
    type(line);
    assert_false(ok);
}

#define BEFORE_ATTACH(test) cmocka_unit_test_setup(test, power_on)
#define ATTACHED(test) cmocka_unit_test_setup(test, attached)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ATTACHED(help_fits_a_screen),
        BEFORE_ATTACH(a_beginning_of_a_name_will_do),
        BEFORE_ATTACH(scan_lists_or_explains),
        ATTACHED(scan_while_attached_detaches),
        ATTACHED(frequency_takes_suffixes),
        ATTACHED(reset_halts_runs_or_pulls_the_pin),
        BEFORE_ATTACH(reset_without_a_target_moves_the_pin_only),
        BEFORE_ATTACH(options_are_shown_and_set),
        ATTACHED(vector_catch_changes_what_is_named),
        ATTACHED(erasing_shows_that_it_is_alive),
        ATTACHED(raw_registers_are_reached),
        BEFORE_ATTACH(other_probes_commands_are_understood),
        ATTACHED(commands_of_the_family_come_with_the_target),
        ATTACHED(lines_of_any_length_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
