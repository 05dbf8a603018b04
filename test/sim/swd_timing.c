/* swd_timing.c - is the wire as fast as swd.c says, and as gentle as a target needs it?
 *
 * The shipped image on the whole virtual board writes and reads words of a target at every
 * frequency setting.  An observer of SWCLK and SWDIO, and of the probe's reads of the port,
 * takes times; what must come out is written down below in cycles of 72 MHz, so that the
 * table at the head of swd.c cannot go stale.  What interrupts stretch does not count: of
 * what may be longer, the shortest is taken.
 *
 *   calls  test/lib/rsp_client.h */
#include "rsp_client.h"
#include "cpu.h"
#include "swdp.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { RAM = 0x20000000, GPIOA_IDR = 0x40010808, WORDS = 16, LONG = 4096 };
static const sim_time cycle = SIM_SECOND / 72000000;

static const struct row {
    const char *asked;
    int send, hear;             /* cycles of a bit */
    int low, high;              /* the shortest of each, anywhere */
    int heard;                  /* the shortest from a rising edge to the look at what it
                                   brought */
    double hz;                  /* as reported and as measured */
} rows[] = {
    { "36M",  4, 7,  2,  2,  6, 18e6 },
    { "18M",  4, 7,  2,  2,  6, 18e6 },
    { "17M",  8, 8,  4,  3,  7, 8.727272e6 },
    { "9M",   8, 8,  4,  3,  7, 8.727272e6 },
    { "6M",  18, 18, 8, 10, 17, 4e6 },
    { "4M",  18, 18, 8, 10, 17, 4e6 },
    { "3M",  24, 24, 11, 13, 23, 3e6 },
    { "2M",  36, 36, 17, 19, 35, 2e6 },
    { "1M",  72, 72, 35, 37, 71, 1e6 },
    { "500k", 144, 144, 71, 73, 143, 500e3 },
    { "100k", 720, 720, 359, 361, 719, 100e3 },
    { "20k", 3600, 3600, 1799, 1801, 3599, 20e3 },
};

static struct rsp *rsp;

static struct watcher {
    struct pin *dio;
    bool drove;                 /* the probe drove SWDIO at the last edge */
    bool looked;                /* it has read the port since the clock fell */
    sim_time rose, fell, changed, look;
    sim_time low, high, setup, hold, heard, before_rise;    /* the shortest */
    int turned_while_low, heard_while_high;
    int run;                    /* clocks in a row that the probe drove */
    sim_time began;
    sim_time word;              /* shortest time of 31 clocks within data that is written */
    int periods[2][LONG];       /* how often each many cycles: hearing, sending */
} w;

static bool drives(void)
{
    return w.dio->drive == DRIVE_LOW || w.dio->drive == DRIVE_HIGH;
}

static void least(sim_time *shortest, sim_time now, sim_time then)
{
    if (then && (*shortest == 0 || now - then < *shortest))
        *shortest = now - then;
}

/* The first 32 clocks of a long run of our own are a word: after the turnaround. */
static void count_run(sim_time now, bool driven)
{
    w.run = driven && w.drove ? w.run + 1 : driven;
    if (w.run == 1)
        w.began = now;
    if (w.run == 32 && (w.word == 0 || now - w.began < w.word))
        w.word = now - w.began;
}

static void clock_rises(sim_time now)
{
    bool driven = drives();

    least(&w.low, now, w.fell);
    w.turned_while_low += driven != w.drove;
    if (driven)
        least(&w.setup, now, w.changed > w.fell ? w.changed : w.fell);
    else if (w.looked)
        least(&w.before_rise, now, w.look);
    long cycles = w.rose ? (long)((now - w.rose + cycle / 2) / cycle) : LONG;
    if (cycles < LONG)
        w.periods[driven][cycles]++;
    count_run(now, driven);
    w.rose = now;
}

static void see_clock(void *ctx, const struct net *net)
{
    sim_time now = net->sim->now;

    (void)ctx;
    if (net->level == LEVEL_HIGH) {
        clock_rises(now);
    } else {
        least(&w.high, now, w.rose);
        w.fell = now;
        w.looked = false;
    }
    w.drove = drives();
}

/* While the probe drives; the target's changes are its own. */
static void see_data(void *ctx, const struct net *net)
{
    (void)ctx;
    if (!drives())
        return;
    w.changed = net->sim->now;
    least(&w.hold, w.changed, w.rose);
}

static void see_access(void *ctx, uint32_t address, int width, bool write, uint32_t value)
{
    (void)ctx, (void)width, (void)value;
    if (address != GPIOA_IDR || write || drives())
        return;
    w.look = rsp->board->sim->now;
    w.looked = true;
    w.heard_while_high += w.fell < w.rose;
    least(&w.heard, w.look, w.rose);
}

static int most_common(int sending)
{
    int best = 0;

    for (int i = 1; i < LONG; i++)
        if (w.periods[sending][i] > w.periods[sending][best])
            best = i;
    return best;
}

static double in_cycles(sim_time time) { return (double)time / (double)cycle; }

/* Writes and reads back under observation. */
static void exercise(const char *asked, double *reported)
{
    uint8_t out[4 * WORDS], in[4 * WORDS];
    char command[40];

    for (int i = 0; i < 4 * WORDS; i++)
        out[i] = (uint8_t)(i * 0x9D ^ i << 3);
    snprintf(command, sizeof command, "frequency %s", asked);
    assert_int_equal(sscanf(rsp_monitor(rsp, command), "SWCLK is %lf Hz", reported), 1);
    struct pin *dio = w.dio;
    w = (struct watcher){ .dio = dio };
    w.drove = drives();
    assert_true(rsp_write(rsp, RAM, out, sizeof out));
    assert_true(rsp_read(rsp, RAM, in, sizeof in));
    assert_memory_equal(in, out, sizeof out);
}

static void every_frequency_is_true_and_gentle(void **state)
{
    (void)state;
    print_message("asked    reports Hz  measured Hz  send hear   low high setup hold"
                  "  heard after rise, before next\n");
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        double reported;
        exercise(row->asked, &reported);
        double measured = 31.0 * (double)SIM_SECOND / (double)w.word;
        print_message("%-6s %12.0f %12.0f %5d %4d %5.0f %4.0f %5.0f %4.0f %6.0f %6.0f\n",
                      row->asked, reported, measured, most_common(1), most_common(0),
                      in_cycles(w.low), in_cycles(w.high), in_cycles(w.setup),
                      in_cycles(w.hold), in_cycles(w.heard), in_cycles(w.before_rise));
        assert_true(reported > row->hz * 0.999 && reported < row->hz * 1.001);
        assert_true(measured > reported * 0.99 && measured < reported * 1.01);
        assert_int_equal(most_common(1), row->send);
        assert_int_equal(most_common(0), row->hear);
        assert_true(w.low == (sim_time)row->low * cycle);
        assert_true(w.high == (sim_time)row->high * cycle);
        /* Data changes as the clock falls: set-up is the low phase, hold the high one. */
        assert_true(w.setup >= w.low);
        assert_true(w.hold >= w.high);
        /* The target had all the time there is, and a look just before the rise. */
        assert_true(w.heard == (sim_time)row->heard * cycle);
        assert_true(w.before_rise == cycle);
        assert_int_equal(w.heard_while_high, 0);
        assert_int_equal(w.turned_while_low, 0);
    }
}

/* What is reported may be asked for, and is what one gets. */
static void no_clock_is_faster_than_asked_for(void **state)
{
    static const int asked[] = {
        20000, 20001, 33333, 99999, 123456, 765432, 999999, 1000000, 1000001, 1714285,
        2999999, 3000000, 3000001, 3999999, 4000000, 4000001, 8727272, 8727273, 8727274,
        17999999, 18000000, 18000001, 2000000000
    };
    char text[20];
    double reported, again;

    (void)state;
    for (unsigned i = 0; i < sizeof asked / sizeof *asked; i++) {
        snprintf(text, sizeof text, "%d", asked[i]);
        exercise(text, &reported);
        double measured = 31.0 * (double)SIM_SECOND / (double)w.word;
        assert_true(reported <= asked[i]);
        assert_true(measured > reported * 0.99 && measured < reported * 1.01);
        snprintf(text, sizeof text, "%.0f", reported);
        exercise(text, &again);
        assert_true(again == reported);
    }
}

/* At 1 MHz a bus access of the target takes 6 us: longer than our way to the next word.
 * After a few WAITs the wire runs no faster than the target.  Three words of four without
 * one is less than what comes out, and far from one WAIT for each. */
static void a_slow_target_is_seldom_asked_in_vain(void **state)
{
    static uint8_t bytes[4096];
    (void)state;
    struct rsp *slow = rsp_power_on("samd21");
    assert_true(rsp_attach(slow));
    const struct swdp_stats *stats = swdp_stats(slow->board->target->debug_port);
    assert_true(rsp_load_ram(slow, RAM, bytes, sizeof bytes));
    uint64_t before = stats->wait;
    assert_true(rsp_load_ram(slow, RAM, bytes, sizeof bytes));
    print_message("%d waits for 1024 words\n", (int)(stats->wait - before));
    assert_in_range(stats->wait - before, 1, sizeof bytes / 4 / 4);
    assert_int_equal(rsp_power_off(slow), 0);
}

/* --- idle clocks, which WAITs teach ------------------------------------------------------ */

enum { TRANSFER = 46, MOST_IDLE = 48, LEAST_IDLE = 2, KB = 1024 };

static const struct swdp_stats *port_stats(void)
{
    return swdp_stats(rsp->board->target->debug_port);
}

/* WAITs in the middle of long writes, until there is nothing more to be learnt. */
static void teach(void)
{
    static char packet[40 + 3 * KB];

    for (int i = 0; i < 12; i++) {
        int head = snprintf(packet, sizeof packet, "X%x,%x:", RAM, 3 * KB);
        memset(packet + head, 'x', 3 * KB);
        rsp_send(rsp, packet, head + 3 * KB);
        assert_true(rsp_receive(rsp, 1000));
        board_run_ms(rsp->board, 0.5);
        swdp_inject_wait(rsp->board->target->debug_port, 16);
        assert_string_equal(rsp_ask(rsp, "qC"), "QC1");
    }
}

static double idle_clocks_a_word(void)
{
    static const uint8_t bytes[KB];
    uint64_t clocks = port_stats()->clocks, ok = port_stats()->ok;

    assert_true(rsp_write(rsp, RAM, bytes, sizeof bytes));
    assert_string_equal(rsp_ask(rsp, "qC"), "QC1");
    ok = port_stats()->ok - ok;
    return (double)(port_stats()->clocks - clocks - TRANSFER * ok) / (KB / 4.0);
}

static int clocks_of_one_word(void)
{
    uint64_t clocks = port_stats()->clocks;

    assert_true(rsp_write(rsp, RAM, "word", 4));
    assert_string_equal(rsp_ask(rsp, "qC"), "QC1");
    return (int)(port_stats()->clocks - clocks);
}

/* The target's clock may have been raised meanwhile.  Two stay: a DP without a write buffer
 * answers every write that follows at once with WAIT. */
static void idle_clocks_are_unlearnt_but_for_two(void **state)
{
    double slow, now;

    (void)state;
    teach();
    slow = idle_clocks_a_word();
    for (int i = 0; i < 20; i++)
        idle_clocks_a_word();
    now = idle_clocks_a_word();
    print_message("%.2f, after 20 KB %.2f", slow, now);
    assert_true(slow > 0.8 * MOST_IDLE && slow < MOST_IDLE + 1);
    assert_true(now < slow / 3);                /* (15/16) to the 20th is 0.275 */
    for (int i = 0; i < 60; i++)
        now = idle_clocks_a_word();
    print_message(", after 80 KB %.2f idle clocks a word\n", now);
    assert_true(now > LEAST_IDLE - 0.01 && now < LEAST_IDLE + 0.5);
}

static void a_lone_write_has_two_idle_clocks_at_most(void **state)
{
    int before, after;

    (void)state;
    clocks_of_one_word();                       /* CSW, once */
    before = clocks_of_one_word();
    teach();
    after = clocks_of_one_word();
    print_message("%d clocks for one word, %d when idle clocks are learnt\n", before, after);
    /* TAR and DRW. */
    assert_int_equal(after - before, 2 * LEAST_IDLE);
}

static int power_on(void **state)
{
    (void)state;
    rsp = rsp_power_on("stm32f103");
    if (!rsp_attach(rsp))
        return 1;
    w.dio = rsp->board->probe->pin(rsp->board->probe, "PA13");
    net_watch(rsp->board->net[SIG_SWCLK], see_clock, NULL);
    net_watch(rsp->board->net[SIG_SWDIO], see_data, NULL);
    rsp->board->probe->cpu->hooks.data_access = see_access;
    return 0;
}

static int power_off(void **state)
{
    (void)state;
    return rsp_power_off(rsp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_frequency_is_true_and_gentle, power_on,
                                        power_off),
        cmocka_unit_test_setup_teardown(no_clock_is_faster_than_asked_for, power_on,
                                        power_off),
        cmocka_unit_test(a_slow_target_is_seldom_asked_in_vain),
        cmocka_unit_test_setup_teardown(idle_clocks_are_unlearnt_but_for_two, power_on,
                                        power_off),
        cmocka_unit_test_setup_teardown(a_lone_write_has_two_idle_clocks_at_most, power_on,
                                        power_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
