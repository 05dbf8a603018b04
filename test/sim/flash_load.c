/* flash_load.c - is a load to flash fast, exact, and without a trace elsewhere?
 *
 * The shipped image writes the flash of both virtual chips, mostly with its loader in the
 * target's RAM (loader.c).  Asked here: the share of what the flash can do, at the default
 * frequency; that RAM and registers are as before; that what holds its data already is
 * left alone; that erasing noted for later is done; and a target whose core must not run.
 * What happens when wires fail in the middle is asked in bad_input.c. */
#include "rsp_client.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static struct rsp *rsp;
static uint8_t data[32768];

static struct kind {
    const char *name;
    uint32_t base, page;
    double erase_ms, kilobyte_ms;       /* what the model's flash takes */
} kinds[] = {
    { "samd21", 0, 256, 6, 16 * 2.5 },
    { "stm32f103", 0x08000000, 1024, 30, 512 * 0.0525 },
}, *kind;

static void fill(uint32_t seed)
{
    for (size_t i = 0; i < sizeof data; i++) {
        seed = seed * 1664525 + 1013904223;
        data[i] = (uint8_t)(seed >> 24);
    }
}

static int power_on(struct kind *which)
{
    kind = which;
    rsp = rsp_power_on(kind->name);
    memset(rsp->board->target->flash, 0, rsp->board->target->flash_size);
    fill(1);
    return rsp_attach(rsp) ? 0 : 1;
}

static int samd21(void **state) { (void)state; return power_on(&kinds[0]); }
static int stm32f103(void **state) { (void)state; return power_on(&kinds[1]); }

static int power_off(void **state)
{
    (void)state;
    return rsp_power_off(rsp);
}

/* How long it takes; and the flash holds it then. */
static double load(int length)
{
    double start = rsp_now_ms(rsp);
    assert_true(rsp_load_flash(rsp, kind->base, data, length, kind->page));
    double took = rsp_now_ms(rsp) - start;
    assert_memory_equal(rsp->board->target->flash, data, (size_t)length);
    return took;
}

static void a_load_takes_hardly_longer_than_the_flash(void **state)
{
    (void)state;
    double least = 32 * kind->kilobyte_ms + 32768 / kind->page * kind->erase_ms;
    double took = load(32768);
    printf("%s: 32 KB in %.1f ms, %.2f %% of what its flash can do\n", kind->name, took,
           100 * least / took);
    assert_true(least / took >= 0.97);
}

static void ram_and_registers_are_as_before_a_load(void **state)
{
    (void)state;
    static uint8_t before[4096], after[4096];
    char registers[1024];
    const char *set[] = { "P0=11111111", "P7=77777777", "P8=88888888", "P9=99999999",
                          "Pe=eeeeeeee", "Pf=00010020", "Pd=00080020" };

    memcpy(before, data + 100, sizeof before);
    assert_true(rsp_write(rsp, 0x20000000, before, sizeof before));
    for (size_t i = 0; i < sizeof set / sizeof set[0]; i++)
        assert_string_equal(rsp_ask(rsp, "%s", set[i]), "OK");
    snprintf(registers, sizeof registers, "%s", rsp_ask(rsp, "g"));
    load(8192);
    assert_string_equal(rsp_ask(rsp, "g"), registers);
    assert_true(rsp_read(rsp, 0x20000000, after, sizeof after));
    assert_memory_equal(after, before, sizeof before);
}

/* Who asks in the middle of a load gets the target's own RAM, not the loader's. */
static void a_question_in_the_middle_finds_the_target_settled(void **state)
{
    (void)state;
    char packet[2100], back[64];

    assert_true(rsp_write(rsp, 0x20000000, data + 500, sizeof back));
    assert_string_equal(rsp_ask(rsp, "vFlashErase:%x,1000", kind->base), "OK");
    for (uint32_t at = 0; at < 4096; at += 1024) {
        int n = snprintf(packet, sizeof packet, "vFlashWrite:%x:", kind->base + at);
        memcpy(packet + n, data + at, 1024);
        rsp_send(rsp, packet, n + 1024);
        assert_true(rsp_receive(rsp, 10000));
        assert_string_equal(rsp->reply, "OK");
        assert_true(rsp_read(rsp, 0x20000000, back, sizeof back));
        assert_memory_equal(back, data + 500, sizeof back);
    }
    assert_string_equal(rsp_ask(rsp, "vFlashDone"), "OK");
    assert_memory_equal(rsp->board->target->flash, data, 4096);
}

static void the_same_load_again_is_many_times_faster(void **state)
{
    (void)state;
    double first = load(16384), again = load(16384);
    printf("%s: 16 KB in %.1f ms, again in %.1f ms\n", kind->name, first, again);
    assert_true(again * 8 < first);
    data[5000] ^= 1;                            /* one page is made anew */
    double third = load(16384);
    assert_true(third > again + kind->erase_ms);
    assert_true(third < again + kind->erase_ms + 64);
    rsp_monitor(rsp, "flash_skip off");
    assert_true(load(16384) > first * 0.98);
}

static void what_is_erased_and_not_written_is_erased_when_done(void **state)
{
    (void)state;
    const uint8_t *flash = rsp->board->target->flash;

    assert_string_equal(rsp_ask(rsp, "vFlashErase:%x,1400", kind->base + 0x400), "OK");
    assert_string_equal(rsp_ask(rsp, "vFlashWrite:%x:abcd", kind->base + 0x800), "OK");
    assert_string_equal(rsp_ask(rsp, "vFlashDone"), "OK");
    for (int i = 0; i < 0x2000; i++) {
        int left = i < 0x400 || i >= 0x1800 ? 0 : 0xFF;
        assert_int_equal(flash[i], i / 4 == 0x200 ? "abcd"[i % 4] : left);
    }
}

/* lldb erases each section's pages in front of its data, and sections share pages. */
static void pages_may_be_asked_for_one_section_after_the_other(void **state)
{
    (void)state;
    static const struct { unsigned erase, data, end; } sections[] = {
        { 0, 0, 0x7DD }, { 0x800, 0x7DD, 0xD01 }, { 0x1000, 0xD01, 0x1200 },
    };
    char packet[2100];

    for (int i = 0; i < 3; i++) {
        unsigned at = sections[i].data, length = sections[i].end - at;
        assert_string_equal(rsp_ask(rsp, "vFlashErase:%x,800", kind->base + sections[i].erase),
                            "OK");
        int n = snprintf(packet, sizeof packet, "vFlashWrite:%x:", kind->base + at);
        memcpy(packet + n, data + at, length);
        rsp_send(rsp, packet, n + (int)length);
        assert_true(rsp_receive(rsp, 10000));
        assert_string_equal(rsp->reply, "OK");
    }
    assert_string_equal(rsp_ask(rsp, "vFlashDone"), "OK");
    assert_memory_equal(rsp->board->target->flash, data, 0x1200);
}

/* By the probe's own CRC unit, at the pace of the wire. */
static void a_crc_is_right_wherever_it_begins_and_ends(void **state)
{
    (void)state;
    static const struct { uint32_t from, length; } parts[] = {
        { 0, 4 }, { 0, 1 }, { 1, 2 }, { 3, 3 }, { 2, 255 }, { 5, 1000 }, { 0, 16384 },
    };
    char expected[16];

    memcpy(rsp->board->target->flash, data, sizeof data);
    assert_true(rsp_write(rsp, 0x20000000, data, 1024));
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        uint32_t from = parts[i].from, length = parts[i].length;
        snprintf(expected, sizeof expected, "C%x", rsp_crc(data + from, length));
        double start = rsp_now_ms(rsp);
        assert_string_equal(rsp_ask(rsp, "qCRC:%x,%x", kind->base + from, length), expected);
        double took = rsp_now_ms(rsp) - start;
        if (length == 16384) {
            printf("%s: qCRC of 16 KB in %.1f ms\n", kind->name, took);
            assert_true(took < 46);
        } else if (from + length <= 1024) {
            assert_string_equal(rsp_ask(rsp, "qCRC:%x,%x", 0x20000000 + from, length),
                                expected);
        }
    }
}

/* The SAM D21's watchdog stands still while a debugger holds the core, and only then. */
static void a_core_under_a_watchdog_is_left_alone(void **state)
{
    (void)state;
    assert_string_equal(rsp_ask(rsp, "M40001001,1:00"), "OK");  /* CONFIG: 8 clocks of 1 kHz */
    assert_string_equal(rsp_ask(rsp, "M40001000,1:02"), "OK");  /* CTRL: ENABLE */
    board_run_ms(rsp->board, 5);
    assert_true(rsp_write(rsp, 0x20001000, data, 64));
    load(8192);
    char back[64];
    assert_true(rsp_read(rsp, 0x20001000, back, sizeof back));
    assert_memory_equal(back, data, sizeof back);
    assert_string_equal(rsp_ask(rsp, "m40001000,1"), "02");     /* no reset has been */
}

/* The STM32's independent watchdog cannot be stopped, and runs when the core does. */
static void a_watchdog_that_runs_already_is_fed(void **state)
{
    (void)state;
    static const char *const start[] = {        /* IWDG: 1000 x 4 of 40 kHz, 100 ms */
        "M40003000,4:55550000", "M40003004,4:00000000", "M40003008,4:e8030000",
        "M40003000,4:cccc0000",
    };
    uint32_t before, after;

    for (size_t i = 0; i < sizeof start / sizeof start[0]; i++) {
        assert_string_equal(rsp_ask(rsp, "%s", start[i]), "OK");
        board_run_ms(rsp->board, 1);            /* RLR takes a while to arrive */
    }
    assert_true(rsp_read(rsp, 0x40021024, &before, sizeof before));     /* RCC_CSR */
    double took = load(16384);
    assert_true(took > 500);
    assert_true(rsp_read(rsp, 0x40021024, &after, sizeof after));
    assert_int_equal(after & 1 << 29, 0);       /* IWDGRSTF */
    assert_int_equal(after, before);
}

/* A slot in the target's RAM, as loader.c lays it out: behind 388 of code and steps. */
enum { SLOT_0 = 0x20000000 + 388, SLOT_STEP = 292, SLOT_SUM = 28, SLOT_GO = 32 };

static struct slot_watch {
    struct alarm alarm;
    uint32_t go[2], sum[2];
    sim_time settled[2];                        /* until then SUM must not change */
    int done, late;
} watch;

static uint32_t of_target(uint32_t address)
{
    uint32_t value = 0;
    assert_true(bus_read(rsp->board->target->bus, BUS_DATA, address, 4, &value));
    return value;
}

/* Three times a cycle of the target; the probe takes over 1 us to write a word. */
static void look_at_slots(void *ctx)
{
    struct sim *sim = ctx;

    for (uint32_t n = 0; n < 2; n++) {
        uint32_t go = of_target(SLOT_0 + n * SLOT_STEP + SLOT_GO);
        uint32_t sum = of_target(SLOT_0 + n * SLOT_STEP + SLOT_SUM);
        if (watch.go[n] == 1 && go == 0) {
            watch.done++;
            watch.settled[n] = sim->now + SIM_US;
        } else if (sim->now < watch.settled[n] && sum != watch.sum[n]) {
            watch.late++;
        }
        watch.go[n] = go;
        watch.sum[n] = sum;
    }
    alarm_set(sim, &watch.alarm, sim->now + 40 * SIM_NS);
}

/* What the probe reads after GO is 0 must be the sum; it might look in between. */
static void the_sum_is_there_before_the_chunk_is_said_to_be_done(void **state)
{
    (void)state;
    load(2048);
    memset(&watch, 0, sizeof watch);
    alarm_init(&watch.alarm, look_at_slots, rsp->board->sim);
    alarm_set(rsp->board->sim, &watch.alarm, rsp->board->sim->now);
    load(2048);                                 /* the same: takes a few milliseconds */
    alarm_cancel(rsp->board->sim, &watch.alarm);
    assert_true(watch.done >= 8);
    assert_int_equal(watch.late, 0);
}

#define BOTH(name) { "samd21: " #name, name, samd21, power_off, NULL },                  \
                   { "stm32f103: " #name, name, stm32f103, power_off, NULL }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(a_load_takes_hardly_longer_than_the_flash),
        BOTH(ram_and_registers_are_as_before_a_load),
        BOTH(a_question_in_the_middle_finds_the_target_settled),
        BOTH(the_same_load_again_is_many_times_faster),
        BOTH(what_is_erased_and_not_written_is_erased_when_done),
        BOTH(pages_may_be_asked_for_one_section_after_the_other),
        BOTH(a_crc_is_right_wherever_it_begins_and_ends),
        cmocka_unit_test_setup_teardown(a_watchdog_that_runs_already_is_fed, stm32f103,
                                        power_off),
        cmocka_unit_test_setup_teardown(
            the_sum_is_there_before_the_chunk_is_said_to_be_done, stm32f103, power_off),
        cmocka_unit_test_setup_teardown(a_core_under_a_watchdog_is_left_alone, samd21,
                                        power_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
