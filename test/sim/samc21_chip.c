/* samc21_chip.c - do the simulated ATSAMC21J18A and ATSAML21J18B do what their data sheets say,
 * where they are not an ATSAMD21?  What all three have, test/sim/samd21_chip.c looks at.
 *
 * Registers are driven as the core would, on its bus, and memory as a debugger would; the core
 * executes nothing.  Addresses are written out from the data sheets again. */
#include "board.h"
#include "dp.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum {
    RAM = 0x20000000, LP_RAM = 0x30000000, RWWEE = 0x00400000, USER = 0x00804000,
    CTRLA = 0x41004000, CTRLB = 0x41004004, PARAM = 0x41004008, INTFLAG = 0x41004014,
    STATUS = 0x41004018, ADDR = 0x4100401C, LOCK = 0x41004020, DSU = 0x41002000,
    DSU_EXT = 0x41002100,
};
enum { ER = 0x02, WP = 0x04, EAR = 0x05, WAP = 0x06, RWWEEER = 0x1A, RWWEEWP = 0x1C, PBC = 0x44,
       SSB = 0x45 };
enum { READY = 1, ERROR = 2, PROGE = 4, LOCKE = 8 };

/* Where the two differ. */
static const struct where {
    const char *name;
    uint32_t did, mclk, gclk, osc, rcause, wdt, port, pac, mtb, sercom4, fuses[2];
    int sercom4_bridge, sercom4_bit, sercom4_gclk;
} c21 = {
    "samc21", 0x11010500, 0x40000800, 0x40001C00, 0x40001000, 0x40000C00, 0x40002000,
    0x41000000, 0x40000000, 0x41008000, 0x42001400, { 0xB15088FF, 0xFFFFF8BB }, 2, 5, 23,
}, l21 = {
    "saml21", 0x1081020F, 0x40000400, 0x40001800, 0x40000C00, 0x40000800, 0x40001C00,
    0x40002800, 0x44000000, 0x41006000, 0x42001000, { 0xB11E86FF, 0xFFFFF8BB }, 2, 4, 22,
};

static const struct where *is;
static struct board *board;
static struct chip *chip;
static char said[SIM_PROBLEM_KINDS][256];       /* the last report of each kind */

static void listen_to_reports(void *ctx, enum sim_problem kind, const char *text)
{
    (void)ctx;
    snprintf(said[kind], sizeof said[kind], "%s", text);
}

static void assert_said(enum sim_problem kind, const char *words)
{
    if (!strstr(said[kind], words))
        fail_msg("nobody said \"%s\" but \"%s\"", words, said[kind]);
    said[kind][0] = '\0';
}

static void nobody_complained(void)
{
    for (int kind = SIM_FORGIVEN; kind < SIM_PROBLEM_KINDS; kind++)
        assert_string_equal(said[kind], "");
}

static int power_on(const struct where *which)
{
    char error[256];
    struct board_options options = { .target = which->name };
    is = which;
    board = board_new(&options, error, sizeof error);
    if (!board)
        fail_msg("%s", error);
    chip = board->target;
    board->sim->report = listen_to_reports;
    board_run_ms(board, 4);
    memset(said, 0, sizeof said);
    return 0;
}

static int a_c21(void **state) { (void)state; return power_on(&c21); }
static int an_l21(void **state) { (void)state; return power_on(&l21); }

static int power_off(void **state)
{
    (void)state;
    board_free(board);
    return 0;
}

static uint32_t get(uint32_t address, int width)
{
    uint32_t value = 0;
    assert_true(bus_read(chip->bus, BUS_DATA, address, width, &value));
    return value;
}

static void put(uint32_t address, uint32_t value, int width)
{
    assert_true(bus_write(chip->bus, BUS_DATA, address, width, value));
}

static bool faults(uint32_t address, uint32_t value, int width)
{
    return !bus_write(chip->bus, BUS_DATA, address, width, value);
}

/* Gives a command; what STATUS says of it, and how long it took. */
static double took_ms;
static uint32_t command(uint32_t code)
{
    put(STATUS, 0x1C, 2);
    put(CTRLA, 0xA500 | code, 2);
    sim_time start = board->sim->now;
    while (!(get(INTFLAG, 1) & READY))
        board_run_ms(board, 0.05);
    took_ms = (double)(board->sim->now - start) / (double)SIM_MS;
    return get(STATUS, 2) & (PROGE | LOCKE);
}

static uint32_t command_at(uint32_t address, uint32_t code)
{
    put(ADDR, address / 2, 4);
    return command(code);
}

static void reset(void)
{
    chip->reset(chip, RESET_SOFTWARE);
    board_run_ms(board, 1);
}

static bool debugger_accesses(uint32_t address, bool write, uint32_t *value)
{
    struct dp *dp = (struct dp *)chip->debug_port;
    dp_write(dp, DP_CTRL_STAT, CDBGPWRUPREQ | CSYSPWRUPREQ);
    dp_write(dp, DP_SELECT, 0);
    dp_ap_access(dp, true, 4, address);
    board_run_ms(board, 0.05);
    dp_ap_access(dp, write, 0xC, *value);
    board_run_ms(board, 0.05);
    *value = dp_read(dp, DP_RDBUFF);
    bool good = !(dp->flags & STICKYERR);
    dp_write(dp, DP_ABORT, 0x1E);
    return good;
}

/* --- identification, memories ------------------------------------------------------------ */

static void it_identifies_itself(void **state)
{
    (void)state;
    assert_int_equal(get(DSU + 0x18, 4), is->did);
    assert_int_equal(get(PARAM, 4), 128 << 20 | 3 << 16 | 4096);
    assert_int_equal(get(0xE000ED00, 4), 0x410CC601);
    assert_int_equal(get(USER, 4), is->fuses[0]);
    assert_int_equal(get(USER + 4, 4), is->fuses[1]);
    assert_int_not_equal(get(0x0080A00C, 4), 0xFFFFFFFF);
    uint32_t entry = get(0x41003004, 4);                    /* MTB */
    assert_int_equal(0x41003000 + (entry & ~0xFFFu), is->mtb);
    assert_int_equal(get(is->mtb + 0xFE0, 4), 0x32);
    nobody_complained();
}

static void low_power_ram_is_the_l21s(void **state)
{
    (void)state;
    put(RAM + 0x7FFC, 7, 4);
    assert_true(faults(RAM + 0x8000, 0, 4));
    if (is == &l21) {
        put(LP_RAM + 0x1FFC, 9, 4);
        assert_int_equal(get(LP_RAM + 0x1FFC, 4), 9);
    } else {
        assert_true(faults(LP_RAM, 0, 4));
    }
    assert_true(faults(LP_RAM + 0x2000, 0, 4));
}

/* --- NVMCTRL ------------------------------------------------------------------------------- */

static void manual_write_is_on_after_reset(void **state)
{
    (void)state;
    assert_int_equal(get(CTRLB, 4), 0x80);
    for (uint32_t i = 0; i < 64; i += 4)
        put(0x1000 + i, i, 4);
    assert_int_equal(get(INTFLAG, 1) & READY, READY);
    assert_int_equal(command(WP), 0);
    assert_true(took_ms > 2.4 && took_ms < 2.6);
    assert_int_equal(get(0x103C, 4), 0x3C);
    put(CTRLB, 0, 4);
    for (uint32_t i = 0; i < 64; i += 4)
        put(0x1040 + i, i, 4);
    assert_int_equal(get(INTFLAG, 1) & READY, 0);           /* by itself */
    nobody_complained();
}

static void rwwee_is_erased_and_written_by_its_own_commands(void **state)
{
    (void)state;
    put(RWWEE + 0x100, 0x12345678, 4);
    assert_int_equal(get(ADDR, 4), (RWWEE + 0x100) / 2);
    assert_int_equal(command(WP), PROGE);                   /* that is not in the main array */
    assert_int_equal(command(RWWEEWP), 0);
    assert_int_equal(get(RWWEE + 0x100, 4), 0x12345678);
    assert_int_equal(command_at(0x1000, RWWEEER), PROGE);
    assert_int_equal(command_at(RWWEE + 0x2000, RWWEEER), PROGE);
    assert_int_equal(command_at(RWWEE + 0x1F0, RWWEEER), 0);
    assert_true(took_ms > 5.9 && took_ms < 6.1);
    assert_int_equal(get(RWWEE + 0x100, 4), 0xFFFFFFFF);
    assert_false(bus_read(chip->bus, BUS_DATA, RWWEE + 0x2000, 4, &(uint32_t){ 0 }));
    nobody_complained();
}

static void one_array_is_read_while_the_other_is_busy(void **state)
{
    (void)state;
    struct bus_region *flash = bus_find(chip->bus, 0), *rwwee = bus_find(chip->bus, RWWEE);
    put(ADDR, RWWEE / 2, 4);
    put(CTRLA, 0xA500 | RWWEEER, 2);
    assert_true(*bus_busy(flash, false) <= board->sim->now);
    assert_true(*bus_busy(rwwee, false) > board->sim->now);
    assert_true(*bus_busy(flash, true) > board->sim->now);
    board_run_ms(board, 7);
    put(ADDR, 0, 4);
    put(CTRLA, 0xA500 | ER, 2);
    assert_true(*bus_busy(flash, false) > board->sim->now);
    assert_true(*bus_busy(rwwee, false) <= board->sim->now);
}

static void a_locked_region_is_refused(void **state)
{
    (void)state;
    assert_int_equal(get(LOCK, 2), 0xFFFF);
    assert_int_equal(command_at(0x4000, 0x40), 0);          /* LR: region 1 */
    assert_int_equal(get(LOCK, 2), 0xFFFD);
    assert_int_equal(command_at(0x4000, ER), LOCKE);
    assert_int_equal(command_at(0x4000, 0x41), 0);
    assert_int_equal(command_at(0x4000, ER), 0);
    put(CTRLA, 0x5A00 | ER, 2);
    assert_int_equal(get(STATUS, 2) & PROGE, PROGE);
    assert_int_equal(get(INTFLAG, 1) & ERROR, ERROR);
}

static void an_erased_user_row_leaves_the_watchdog_always_on(void **state)
{
    (void)state;
    assert_int_equal(get(is->wdt, 4) & 0xFFFFFF, 0x0BBB00);
    assert_int_equal(command_at(USER, EAR), 0);
    reset();
    assert_int_equal(get(is->wdt, 1), 0x86);
    put(is->wdt, 0, 1);
    assert_int_equal(get(is->wdt, 1), 0x86);
}

static void too_few_wait_states_are_a_broken_rule(void **state)
{
    (void)state;
    if (is == &l21)
        put(0x40000002, 2, 1);                              /* performance level 2 */
    nobody_complained();
    if (is == &c21) {
        put(is->osc + 0x15, 0, 1);                          /* 48 MHz */
        assert_said(SIM_RULE, "48 MHz with no flash wait state");
        put(CTRLB, 0x80 | 1 << 1, 4);
        assert_said(SIM_RULE, "too few flash wait states");
        put(CTRLB, 0x80 | 2 << 1, 4);
    } else {
        put(is->osc + 0x18, 2, 2);                          /* DFLL48M */
        put(is->gclk + 0x20, 1 << 8 | 7, 4);
        assert_said(SIM_RULE, "48 MHz with no flash wait state");
        put(CTRLB, 0x80 | 1 << 1, 4);
    }
    nobody_complained();
}

/* --- DSU, PAC --------------------------------------------------------------------------------- */

static void chip_erase_takes_rwwee_and_leaves_the_user_row(void **state)
{
    (void)state;
    memset(chip->flash, 0, chip->flash_size);
    put(RWWEE, 0, 4);
    command(RWWEEWP);
    put(DSU_EXT, 1 << 4, 1);
    board_run_ms(board, 239);
    assert_int_equal(get(DSU + 1, 1) & 1, 0);
    board_run_ms(board, 2);
    assert_int_equal(get(DSU + 1, 1) & 1, 1);
    for (uint32_t i = 0; i < chip->flash_size; i++)
        assert_int_equal(chip->flash[i], 0xFF);
    assert_int_equal(get(RWWEE, 4), 0xFFFFFFFF);
    assert_int_equal(get(USER, 4), is->fuses[0]);
}

static void a_secured_chip_shows_its_dsu_alone(void **state)
{
    (void)state;
    assert_int_equal(command(SSB), 0);
    reset();
    uint32_t value = 0;
    assert_false(debugger_accesses(0, false, &value));
    assert_false(debugger_accesses(DSU + 0x18, false, &value));
    assert_true(debugger_accesses(DSU_EXT + 0x18, false, &value));
    assert_int_equal(value, is->did);
    value = 1 << 4;
    assert_true(debugger_accesses(DSU_EXT, true, &value));
    board_run_ms(board, 241);
    assert_true(debugger_accesses(0, false, &value));
}

static void one_pac_protects_by_number(void **state)
{
    (void)state;
    assert_int_equal(get(is->pac + 0x38, 4), 1 << 1);
    assert_true(faults(DSU + 4, 0, 4));
    put(is->pac, 1 << 16 | 33, 4);
    put(DSU + 4, 0x100, 4);
    assert_int_equal(get(DSU + 4, 4), 0x100);
    put(is->pac, 2 << 16 | 34, 4);                          /* NVMCTRL */
    assert_true(faults(CTRLB, 0, 4));
    assert_said(SIM_RULE, "NVMCTRL");
    uint32_t value = 0x80;                                  /* not from a debugger */
    assert_true(debugger_accesses(CTRLB, true, &value));
}

/* --- clocks, watchdog, pins ------------------------------------------------------------------------ */

static void it_wakes_up_at_4_mhz(void **state)
{
    (void)state;
    assert_int_equal(chip->cpu->cycle, SIM_SECOND / 4000000);
    if (is == &c21)
        put(is->osc + 0x15, 2, 1);
    else
        put(is->osc + 0x14, 1 << 1 | 3 << 2, 1);
    assert_int_equal(chip->cpu->cycle, SIM_SECOND / 16000000);
    if (is == &l21)
        assert_said(SIM_RULE, "16 MHz in performance level 0 (PM.PLCFG), whose limit is 12");
    put(is->mclk + 4, 4, 1);
    assert_int_equal(chip->cpu->cycle, SIM_SECOND / 4000000);
    nobody_complained();
}

static void sleep_that_stops_clocks_is_reported(void **state)
{
    (void)state;
    uint32_t sleepcfg = is == &l21 ? 0x40000001 : 0x40000401;
    put(sleepcfg, 2, 1);                                    /* idle */
    nobody_complained();
    put(sleepcfg, is == &l21 ? 5 : 4, 1);
    assert_said(SIM_UNMODELLED, is == &l21 ? "sleep mode 5" : "sleep mode 4");
}

static void the_watchdog_runs_by_itself_and_is_fed_at_12(void **state)
{
    (void)state;
    put(is->wdt + 1, 0x04, 1);                              /* 128 cycles of 1.024 kHz */
    put(is->wdt, 2, 1);
    board_run_ms(board, 100);
    put(is->wdt + 0xC, 0xA5, 1);
    board_run_ms(board, 100);
    assert_int_equal(get(is->rcause, 1), 1);
    board_run_ms(board, 30);
    assert_int_equal(get(is->rcause, 1), 1 << 5);
}

static void a_sercom_talks_to_itself_over_a_wire(void **state)
{
    (void)state;
    uint32_t sercom = is->sercom4, mask = is->mclk + 0x14 + 4 * (uint32_t)is->sercom4_bridge;
    struct net *wire = net_new(board->sim, "wire");
    net_attach(wire, chip->pin(chip, "PB12"), false);
    net_attach(wire, chip->pin(chip, "PB13"), false);
    put(mask, get(mask, 4) | 1u << is->sercom4_bit, 4);
    put(is->gclk + 0x80 + 4 * (uint32_t)is->sercom4_gclk, 1 << 6, 4);
    put(is->port + 0x80 + 0x40 + 12, 1, 1);
    put(is->port + 0x80 + 0x40 + 13, 1, 1);
    put(is->port + 0x80 + 0x30 + 6, 0x22, 1);               /* function C */
    put(sercom + 4, 3 << 16, 4);
    put(sercom + 0xC, 63019, 2);                            /* 9600 from 4 MHz */
    put(sercom, 1 << 30 | 1 << 20 | 1 << 2 | 1 << 1, 4);
    put(sercom + 0x28, 0xA5, 2);
    board_run_ms(board, 1.2);
    assert_int_equal(get(sercom + 0x18, 1) & 4, 4);         /* RXC */
    assert_int_equal(get(sercom + 0x28, 2), 0xA5);
    assert_int_equal(get(0x60000080 + 0x40 + 12, 1), 1);    /* PORT in one cycle */
    nobody_complained();
    net_free(wire);
}

static void an_absent_peripheral_is_reported_by_name(void **state)
{
    (void)state;
    get(is == &c21 ? 0x42001C00 : 0x42003800, 4);
    assert_said(SIM_UNMODELLED, is == &c21 ? "CAN0" : "TRNG");
}

#define T(test) { "samc21: " #test, test, a_c21, power_off, NULL }, \
                { "saml21: " #test, test, an_l21, power_off, NULL }

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        T(it_identifies_itself),
        T(low_power_ram_is_the_l21s),
        T(manual_write_is_on_after_reset),
        T(rwwee_is_erased_and_written_by_its_own_commands),
        T(one_array_is_read_while_the_other_is_busy),
        T(a_locked_region_is_refused),
        T(an_erased_user_row_leaves_the_watchdog_always_on),
        T(too_few_wait_states_are_a_broken_rule),
        T(chip_erase_takes_rwwee_and_leaves_the_user_row),
        T(a_secured_chip_shows_its_dsu_alone),
        T(one_pac_protects_by_number),
        T(it_wakes_up_at_4_mhz),
        T(sleep_that_stops_clocks_is_reported),
        T(the_watchdog_runs_by_itself_and_is_fed_at_12),
        T(a_sercom_talks_to_itself_over_a_wire),
        T(an_absent_peripheral_is_reported_by_name),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
