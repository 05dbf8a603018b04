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
    assert_in_range(lines, 10, 36);
}

static void a_beginning_of_a_name_will_do(void **state)
{
    (void)state;
    SAYS("freq", "SWCLK is 4000000 Hz");
    SAYS("swd", "ATSAMD21G18A");
    SAYS("  targets  ", "ATSAMD21G18A");
    SAYS("t", "`t` may be targets swo|traceswo");
    assert_false(ok);
    SAYS("xyz", "No command `xyz`");
    assert_false(ok);
}

static void scan_lists_or_explains(void **state)
{
    (void)state;
    fake.locked = true;
    SAYS("swdp_scan", "1  ATSAMD21G18A         Cortex-M0+   id 0x10010005  256 KB flash  LOCKED");
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
    SAYS("reset", "maintenance flush register-cache");
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
    SAYS("connect_rst", "connect_rst: off");
    SAYS("connect_srst enable", "connect_srst: on");
    SAYS("flash_skip disable", "flash_skip: off");
    SAYS("flash_skip", "flash_skip: off");
    assert_true(target_options.connect_under_reset);
    assert_false(target_options.flash_skip);
    assert_true(target_options.connect_under_reset);
    type("connect_rst off");
    assert_false(target_options.connect_under_reset);
    SAYS("connect_rst maybe", "Usage");
    SAYS("halt_timeout", "500 ms");
    SAYS("halt_timeout 2000", "2000 ms");
    SAYS("psize 8", "8 bits at once");
    assert_int_equal(target_options.psize, 1);
    SAYS("psize 64", "Usage");
    SAYS("psize 32", "32 bits at once");
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
    fake.owner = 2;                             /* WIRE_DAP */
    SAYS("wire", error_text(ERR_WIRE_TAKEN));
    type("wire free");
    assert_int_equal(fake.owner, 0);
    SAYS("uart", "115200 baud 8N1, DTR 1, RTS 0");
}

static void other_probes_commands_are_understood(void **state)
{
    static const char *const commands[] = {
        "tpwr enable", "traceswo", "swo enable", "rtt", "morse",
        "tdi_low_reset", "redirect_stdout enable",
    };
    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        assert_int_not_equal(strlen(type(commands[i])), 0);
        assert_true(ok);
    }
}

/* Of all in the list: more words than it has use for, and words that it does not know. */
static void what_is_typed_behind_a_command_is_used_or_is_misuse(void **state)
{
    static const char *const misused[] = {
        "version now", "swd_scan 1", "auto_scan x", "targets 1", "erase_mass 0x100",
        "help frequency", "help help help",
        "reset 10", "reset halt 10", "reset run 10", "reset pin 10 10", "reset pin -1",
        "frequency -1", "frequency 4M 8M", "frequency 4294967296",
        "connect_rst o", "connect_rst enable enable", "flash_skip 2",
        "halt_timeout x", "halt_timeout 10001", "halt_timeout 500 500", "halt_timeout -1",
        "vector_catch enable hard nonsense", "vector_catch on all all all all all all all all all all",
        "erase_range 0 0x100 0x100", "erase_range 0x100", "erase_range 0 0",
        "erase_range -256 256", "erase_range 0 4294967296", "erase_range 0 0x1000x",
        "wire taken", "wire free free", "dpreg", "dpreg 1", "dpreg 0x104", "dpreg 4 1 1",
        "dpreg x", "apreg 0", "apreg 0 2", "apreg 256 0", "apreg 0 0 1 1", "apreg 0 0 x",
        "swo 1x", "swo enable x", "swo decode x", "swo decode 32", "swo decode 1 -1", "swo setup",
        "swo setup 72M", "swo setup 72M x", "swo setup 72M 2M 1", "swo enable 4500000",
        "uart on", "uart rs485", "uart rs485 maybe", "uart rs485 on on",
        "option x", "option 0x804000", "option 0x804000 1 1", "option erase all",
        "option 0x804000 x", "option x 1", "option 0x804000 0x100000000",
        "user_row 1", "uid 1", "serial 0", "lock_flash 1", "unlock_flash all",
        "version 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20",
    };
    (void)state;
    for (size_t i = 0; i < sizeof misused / sizeof misused[0]; i++) {
        if (strstr(type(misused[i]), "Usage: monitor ") == NULL || ok)
            fail_msg("%s: %s%s", misused[i], fake_console(), ok ? "and OK" : "");
    }
    assert_int_equal(fake.resets + fake.mass_polls + fake.detaches + fake.begins, 0);
    assert_int_equal(fake.option_writes, 0);
    assert_true(target_attached());
}

static void every_command_that_help_lists_refuses_a_thirteenth_word(void **state)
{
    char list[3000], line[200];
    int commands = 0;
    (void)state;
    strcpy(list, type("help"));
    for (char *s = list; *s != '\0'; s = strchr(s, '\n') + 1, commands++) {
        sprintf(line, "%.*s a b c d e f g h i j k l", (int)strcspn(s, " |"), s);
        if (strstr(type(line), "Usage: monitor ") == NULL || ok)
            fail_msg("%s: %s", line, fake_console());
    }
    assert_true(commands > 15);
}

/* As guides have it, cortex-debug, and users of other probes. */
static void trace_is_switched_in_all_ways_that_are_known(void **state)
{
    static const char *const ways[][2] = {
        { "traceswo", "SWO at 2250000, ports 00000000\n" },
        { "traceswo 115200", "SWO at 115200, ports 00000000\n" },
        { "traceswo enable", "SWO at 2250000, ports 00000000\n" },
        { "traceswo enable 2000000", "SWO at 2000000, ports 00000000\n" },
        { "swo enable uart 2M decode", "SWO at 2000000, ports ffffffff\n" },
        { "swo enable uart decode 0 1 31", "SWO at 2250000, ports 80000003\n" },
        { "swo decode 0 1 2 3 4 5 6 7 8 9", "SWO at 2250000, ports 000003ff\n" },
        { "swo disable", "SWO stopped\n" },
        { "traceswo disable", "SWO stopped\n" },
        { "swo", "SWO state\n" },
        { "swo setup 72000000 2250000", "SWO set up: 72000000, 2250000\n" },
        { "traceswo setup 8M 2M", "SWO set up: 8000000, 2000000\n" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (strstr(type(ways[i][0]), ways[i][1]) != fake_console() || !ok)
            fail_msg("%s: %s", ways[i][0], fake_console());
        bool sets_up = strstr(ways[i][0], "setup");
        assert_true(!!strstr(fake_console(), "SWO state\n") == !sets_up);
    }
    SAYS("swo enable manchester 2000000", "NRZ");
    assert_false(ok);
    fake_ask("D");
    SAYS("swo setup 72M 2M", "Failed: error 7");
    SAYS("swo enable", "SWO at 2250000");       /* needs no target */
    assert_true(ok);
}

static void option_bytes_are_shown_written_and_reset(void **state)
{
    (void)state;
    SAYS("option", "0x804000: 0xd8e0c7ff\n0x804004: 0xfffffc5d\n");
    assert_true(ok);
    assert_int_equal(fake.option_writes, 0);
    SAYS("user_row 0x804000 0xd8e0c7fe", "0x804000: 0xd8e0c7fe\n");
    assert_true(ok);
    assert_int_equal(fake.options[0], 0xD8E0C7FE);
    SAYS("option", "0x804000: 0xd8e0c7fe\n");
    SAYS("option 0x804000 0", "Failed: error 24");
    assert_false(ok);
    SAYS("option 0x804008 0", "Usage");         /* no option byte there */
    assert_false(ok);
    SAYS("option erase", "0x804000: 0xd8e0c7ff\n");
    assert_int_equal(fake.option_writes, 3);
    fake_ask("D");
    SAYS("option", "Failed: error 7");
    assert_false(ok);
    SAYS("option erase", "Failed: error 7");
}

static void the_chips_number_has_the_names_that_others_use(void **state)
{
    static const char *const names[] = { "uid", "serial", "readuid" };
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(type(names[i]), "0x0123456789abcdef\n");
        assert_true(ok);
    }
    fake_ask("D");
    SAYS("uid", "Failed: error 7");
}

static void regions_are_locked_and_unlocked(void **state)
{
    (void)state;
    SAYS("lock_flash", "0x804000: ");           /* as `option` shows what is in force */
    assert_true(ok && fake.regions_locked);
    type("unlock_flash");
    assert_true(ok && !fake.regions_locked);
    SAYS("unlock_flash x", "Usage");
    fake.locked = true;
    SAYS("unlock_flash", "Failed: error 10");
    SAYS("unloc", "Failed: error 10");          /* what erases is typed in full */
    SAYS("unlock", "Erased");
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
        ATTACHED(what_is_typed_behind_a_command_is_used_or_is_misuse),
        ATTACHED(every_command_that_help_lists_refuses_a_thirteenth_word),
        ATTACHED(trace_is_switched_in_all_ways_that_are_known),
        ATTACHED(option_bytes_are_shown_written_and_reset),
        ATTACHED(the_chips_number_has_the_names_that_others_use),
        ATTACHED(regions_are_locked_and_unlocked),
        ATTACHED(lines_of_any_length_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
