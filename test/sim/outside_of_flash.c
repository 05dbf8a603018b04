/* outside_of_flash.c - what is loaded or written to where no flash is; option bytes and fuses.
 *
 * The shipped image and both virtual chips, asked as gdb asks: a load into fuses, ROM, behind
 * the flash, behind the RAM; an image linked at the alias of the flash at 0; fuses that a
 * script burns step by step; and the `monitor` commands that do it.  What is written by them
 * is looked at as the chip reads it back, and after its next start. */
#include "rsp_client.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static struct rsp *rsp;
static uint8_t data[4096];

static struct kind {
    const char *name;
    uint32_t base, size, page, rom, options, options_size, ram_end;
} kinds[] = {
    { "samd21", 0, 0x40000, 256, 0x806000, 0x804000, 256, 0x20008000 },
    { "stm32f103", 0x08000000, 0x10000, 1024, 0x1FFFF000, 0x1FFFF800, 16, 0x20005000 },
}, *kind;

static int power_on(struct kind *which)
{
    kind = which;
    rsp = rsp_power_on(kind->name);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7 + i / 256);
    return rsp_attach(rsp) ? 0 : 1;
}

static int samd21(void **state) { (void)state; return power_on(&kinds[0]); }
static int stm32f103(void **state) { (void)state; return power_on(&kinds[1]); }

static int power_off(void **state)
{
    (void)state;
    return rsp_power_off(rsp);
}

static const char *monitor(const char *text)
{
    rsp_forget_console(rsp);
    return rsp_monitor(rsp, text);
}
#define SAYS(command, text) assert_non_null(strstr(monitor(command), text))

static uint32_t word(uint32_t address)
{
    uint32_t value = 0;
    assert_true(rsp_read(rsp, address, &value, 4));
    return value;
}

static void put(uint32_t address, uint32_t value)
{
    const uint8_t *b = (const uint8_t *)&value;
    assert_string_equal(rsp_ask(rsp, "M%x,4:%02x%02x%02x%02x", address, b[0], b[1], b[2], b[3]),
                        "OK");
}

static void gdb_is_let_through_to_option_bytes_and_rom(void **state)
{
    (void)state;
    assert_null(strstr(rsp_ask(rsp, "qXfer:memory-map:read::0,fff"), "'rom'"));
    assert_non_null(strstr(rsp->reply, "'flash'"));
}

static void a_load_into_rom_or_options_names_the_command(void **state)
{
    uint32_t places[] = { kind->options, kind->rom };
    (void)state;
    for (int i = 0; i < 2; i++)
        for (int length = 1; length <= 256; length = length < 8 ? length + 1 : 4 * length) {
            uint32_t before = word(places[i]);
            assert_false(rsp_send_ram(rsp, places[i], data, length));
            assert_int_equal(rsp->reply[0], 'E');
            SAYS("version", "monitor option ADDRESS VALUE");
            assert_int_equal(word(places[i]), before);
        }
    rsp_ask(rsp, "qSupported:error-message+");
    rsp_send_ram(rsp, kind->options, data, 8);
    assert_non_null(strstr(rsp->reply, "E.ROM stays"));
}

static void a_program_larger_than_the_flash_erases_nothing_and_is_told(void **state)
{
    (void)state;
    assert_true(rsp_load_flash(rsp, kind->base, data, 4096, kind->page));
    for (uint32_t base = kind->base;; base = 0) {
        assert_int_equal(rsp_ask(rsp, "vFlashErase:%x,%x", base, kind->size + 1024)[0], 'E');
        SAYS("targets", "flash ends before");
        assert_non_null(strstr(rsp->console, kind->base ? " 64 KB flash" : " 256 KB flash"));
        if (base == 0)
            break;
    }
    assert_memory_equal(rsp->board->target->flash, data, 4096);
    assert_false(rsp_send_ram(rsp, kind->ram_end - 64, data, 128));
    SAYS("version", "outside of this chip's memory");
}

static void an_image_linked_at_0_is_loaded_run_and_compared(void **state)
{
    static const uint8_t program[16] = {                /* b . */
        0x00, 0x10, 0x00, 0x20, 0x09, 0, 0, 0, 0xFE, 0xE7
    };
    (void)state;
    memcpy(data, program, sizeof program);
    assert_true(rsp_load_flash(rsp, 0, data, 3000, kind->page));
    assert_memory_equal(rsp->board->target->flash, data, 3000);
    char expected[16];
    snprintf(expected, sizeof expected, "C%x", rsp_crc(data, 3000));
    assert_string_equal(rsp_ask(rsp, "qCRC:0,%x", 3000), expected);
    monitor("reset");
    assert_string_equal(rsp_ask(rsp, "pf"), "08000000");
    assert_string_equal(rsp_ask(rsp, "Z0,8,2"), "OK");
    assert_non_null(strstr(rsp_ask(rsp, "vCont;c"), "0f:08000000"));
}

/* As a script does with gdb's `set`: PM0075 2.4, DS40001882 22.6.4. */
static void burn_by_hand(uint32_t value)
{
    if (kind->base) {
        put(0x40022004, 0x45670123), put(0x40022004, 0xCDEF89AB);
        put(0x40022008, 0x45670123), put(0x40022008, 0xCDEF89AB);
        put(0x40022010, 0x220), put(0x40022010, 0x260);
        while (word(0x4002200C) & 1)
            ;
        put(0x40022010, 0x210);
        assert_string_equal(rsp_ask(rsp, "M1ffff800,2:a55a"), "OK");
        assert_string_equal(rsp_ask(rsp, "M1ffff804,2:%02x00", value & 255), "OK");
        put(0x40022010, 0x80);
        return;
    }
    put(0x41004004, 0x80);
    put(0x4100401C, 0x804000 / 2), put(0x41004000, 0xA505);
    while (!(word(0x41004014) & 1))
        ;
    put(0x804000, value), put(0x804004, 0xFFFFFC5D);
    put(0x4100401C, 0x804000 / 2), put(0x41004000, 0xA506);
    while (!(word(0x41004014) & 1))
        ;
}

static void fuses_burnt_step_by_step_are_not_stopped_in_the_middle(void **state)
{
    (void)state;
    burn_by_hand(kind->base ? 0x42 : 0xD8E0C7FA);
    assert_int_equal(word(kind->options + (kind->base ? 4 : 0)),
                     kind->base ? 0xFFFFBD42 : 0xD8E0C7FA);
}

static void an_option_is_written_and_the_others_stay(void **state)
{
    uint32_t before[64], after[64];
    (void)state;
    assert_true(rsp_read(rsp, kind->options, before, (int)kind->options_size));
    if (kind->base) {
        SAYS("option 0x1ffff804 0x42", "0x1ffff804: 0xbd42\n");
        before[1] = 0x00FFBD42;
    } else {
        SAYS("option 0x804000 0xd8e0c7fa", "0x804000: 0xd8e0c7fa\n");
        before[0] = 0xD8E0C7FA;
    }
    assert_non_null(strstr(rsp->console, "turn it off and on"));
    assert_string_equal(rsp->reply, "OK");
    assert_true(rsp_read(rsp, kind->options, after, (int)kind->options_size));
    assert_memory_equal(before, after, kind->options_size);
    assert_true(rsp_load_flash(rsp, kind->base ? kind->base : 0x8000, data, 4096, kind->page));
}

static void what_would_lock_the_chip_for_ever_is_refused(void **state)
{
    uint32_t before = word(kind->options);
    (void)state;
    SAYS(kind->base ? "option 0x1ffff800 0xcc" : "option 0x804000 0", "refused: it locks");
    SAYS(kind->base ? "option 0x1ffff7fe 0" : "option 0x803ffc 0", "Usage");
    SAYS("option 0 0", "Usage");
    assert_int_equal(word(kind->options), before);
}

/* ... and protects it until it is opened again, if that is asked for. */
static void read_protection_by_option_is_taken_off_by_erase_mass(void **state)
{
    (void)state;
    SAYS("option 0x1ffff800 0", "0x1ffff800: 0xff00\n");
    board_power_target(rsp->board, false);
    board_run_ms(rsp->board, 20);
    board_power_target(rsp->board, true);
    board_run_ms(rsp->board, 20);
    SAYS("swd_scan", "LOCKED");
    assert_int_equal(rsp_ask(rsp, "vAttach;1")[0], 'T');
    SAYS("option 0x1ffff800 0xa5", "erase_mass");       /* it would erase the flash */
    SAYS("unlock_flash", "erase_mass");
    SAYS("unlock", "The chip is open");
}

static void start_again(void)
{
    board_power_target(rsp->board, false);
    board_run_ms(rsp->board, 20);
    board_power_target(rsp->board, true);
    board_run_ms(rsp->board, 20);
    monitor("swd_scan");
}

/* The power goes at forty moments of the writing.  What is left can be mended by commands. */
static void a_power_cut_while_options_are_written_is_mended(void **state)
{
    int erased = 0;
    (void)state;
    for (int moment = 0; moment < 40; moment++) {
        char packet[200] = "qRcmd,", command[60];
        snprintf(command, sizeof command, kind->base ? "option 0x1ffff804 0x%x"
                 : "option 0x804000 0xd8e0c7%x", (kind->base ? 0x10 : 0xC0) + moment);
        for (size_t i = 0; command[i]; i++)
            sprintf(packet + strlen(packet), "%02x", command[i]);
        rsp_send(rsp, packet, (int)strlen(packet));
        board_run_ms(rsp->board, 1 + 2.0 * moment / (kind->base ? 2 : 4));
        board_power_target(rsp->board, false);
        while (rsp_receive(rsp, 3000) && rsp->reply[0] == 'O' && rsp->reply[1] != 'K')
            ;
        start_again();
        bool locked = strstr(rsp->console, "LOCKED") != NULL;
        rsp_ask(rsp, "vAttach;1");
        if (locked) {
            SAYS("erase_mass", "open");
            start_again();
            assert_null(strstr(rsp->console, "LOCKED"));
            rsp_ask(rsp, "vAttach;1");
        }
        bool blank = word(kind->options) == 0xFFFFFFFF;
        erased += locked || blank;
        if (kind->base)
            SAYS("option erase", "0x1ffff800: 0x5aa5\n0x1ffff802: 0xff\n0x1ffff804: 0xff\n");
        SAYS(kind->base ? "option 0x1ffff804 0x42" : "option 0x804000 0xd8e0c7ff", "in force");
        if (blank && !kind->base)
            SAYS("option 0x804004 0xfffffc5d", "0x804000: 0xd8e0c7ff\n0x804004: 0xfffffc5d\n");
    }
    assert_true(erased > 0);
}

#define TEST(name, kind) { #kind ": " #name, name, kind, power_off, NULL }
#define BOTH(name) TEST(name, samd21), TEST(name, stm32f103)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        BOTH(gdb_is_let_through_to_option_bytes_and_rom),
        BOTH(a_load_into_rom_or_options_names_the_command),
        BOTH(a_program_larger_than_the_flash_erases_nothing_and_is_told),
        BOTH(an_image_linked_at_0_is_loaded_run_and_compared),
        BOTH(fuses_burnt_step_by_step_are_not_stopped_in_the_middle),
        BOTH(an_option_is_written_and_the_others_stay),
        BOTH(what_would_lock_the_chip_for_ever_is_refused),
        BOTH(a_power_cut_while_options_are_written_is_mended),
        TEST(read_protection_by_option_is_taken_off_by_erase_mass, stm32f103),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
