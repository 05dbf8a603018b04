/* nrf52840_chip.c - does the simulated nRF52840 do what its Product Specification says?
 *
 * Registers are driven as the core would, on its bus, and CTRL-AP as a debugger would; the
 * core executes nothing but a small loop where a test needs it.  Addresses are written out
 * from the specification again. */
#include "board.h"
#include "nrf5.h"
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
    FICR = 0x10000000, UICR = 0x10001000, APPROTECT = UICR + 0x208, PSELRESET = UICR + 0x200,
    RAM = 0x20000000, POWER = 0x40000000, RESETREAS = POWER + 0x400, GPREGRET = POWER + 0x51C,
    UART = 0x40002000, WDT = 0x40010000, NVMC = 0x4001E000, READY = NVMC + 0x400,
    READYNEXT = NVMC + 0x408, CONFIG = NVMC + 0x504, ERASEPAGE = NVMC + 0x508,
    ERASEALL = NVMC + 0x50C, ERASEUICR = NVMC + 0x514, PARTIAL = NVMC + 0x518,
    PARTIALCFG = NVMC + 0x51C, ACL = NVMC + 0x800, P0 = 0x50000000, P1 = 0x50000300,
};
enum { REN, WEN, EEN };

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

static int power_on(const char *name)
{
    char error[256];
    struct board_options options = { .target = name };
    board = board_new(&options, error, sizeof error);
    if (!board)
        fail_msg("%s", error);
    chip = board->target;
    board->sim->report = listen_to_reports;
    board_run_ms(board, 4);
    memset(said, 0, sizeof said);
    return 0;
}

static int usual(void **state) { (void)state; return power_on("nrf52840"); }
static int hardened(void **state) { (void)state; return power_on("nrf52840-f0"); }

static int power_off(void **state)
{
    (void)state;
    board_free(board);
    return 0;
}

static uint32_t get(uint32_t address)
{
    uint32_t value = 0;
    assert_true(bus_read(chip->bus, BUS_DATA, address, 4, &value));
    return value;
}

static void put(uint32_t address, uint32_t value)
{
    assert_true(bus_write(chip->bus, BUS_DATA, address, 4, value));
}

static bool faults(uint32_t address, uint32_t value, int width)
{
    return !bus_write(chip->bus, BUS_DATA, address, width, value);
}

static double busy_us(void)
{
    sim_time start = board->sim->now;
    while (!get(READY))
        board_run_ms(board, board->sim->now - start > SIM_MS ? 0.1 : 0.001);
    return (double)(board->sim->now - start) / (double)SIM_US;
}

static void store(uint32_t address, uint32_t value)
{
    put(CONFIG, WEN);
    put(address, value);
    busy_us();
    put(CONFIG, REN);
}

static void reset(enum reset_cause cause)
{
    chip->reset(chip, cause);
    board_run_ms(board, 1);
}

static void power_cycle(void)
{
    board_power_target(board, false);
    board_power_target(board, true);
    board_run_ms(board, 4);
}

/* An access to AP 0 or 1; the debug port is what dp.h shows first (swdp.c). */
static bool ap(uint32_t number, uint32_t reg, bool write, uint32_t *value)
{
    struct dp *dp = (struct dp *)chip->debug_port;
    dp_write(dp, DP_CTRL_STAT, CDBGPWRUPREQ | CSYSPWRUPREQ);
    dp_write(dp, DP_SELECT, number << 24 | (reg & 0xF0));
    dp_ap_access(dp, write, reg & 0xC, *value);
    board_run_ms(board, 0.01);
    *value = dp_read(dp, DP_RDBUFF);
    bool good = !(dp->flags & STICKYERR);
    dp_write(dp, DP_ABORT, 0x1E);
    return good;
}

static uint32_t ctrl(uint32_t reg)
{
    uint32_t value = 0;
    assert_true(ap(1, reg, false, &value));
    return value;
}

static void ctrl_put(uint32_t reg, uint32_t value) { assert_true(ap(1, reg, true, &value)); }

static uint32_t csw(void)
{
    uint32_t value = 0;
    assert_true(ap(0, 0, false, &value));
    return value;
}

static bool debugger_reads(uint32_t address)
{
    uint32_t value = 0;
    assert_true(ap(0, 0xFC, false, &value));
    assert_int_equal(value, 0x24770011);
    assert_true(ap(0, 4, true, &address));
    return ap(0, 0xC, false, &value);
}

/* --- identification, map ------------------------------------------------------------ */

static void it_identifies_itself_as_nrf52840(void **state)
{
    (void)state;
    assert_int_equal(get(FICR + 0x010), 4096);
    assert_int_equal(get(FICR + 0x014), 256);
    assert_int_equal(get(FICR + 0x100), 0x52840);
    assert_int_equal(get(FICR + 0x104), 0x41414430);
    assert_int_equal(get(FICR + 0x10C), 256);
    assert_int_equal(get(FICR + 0x110), 1024);
    assert_int_equal(get(0xE000ED00), 0x410FC241);
    assert_int_equal(get(0xE00FFFE0) | get(0xE00FFFE4) << 8 | get(0xE00FFFE8) << 16 |
                     get(0xE00FFFD0) << 24, 0x020C4008);
    assert_true(faults(FICR + 0x010, 0, 4));                /* nobody writes it */
}

static void ram_is_seen_twice_and_flash_begins_at_0(void **state)
{
    (void)state;
    put(RAM + 0x3FFFC, 0x12345678);
    assert_int_equal(get(0x00800000 + 0x3FFFC), 0x12345678);
    assert_false(bus_read(chip->bus, BUS_DATA, RAM + 0x40000, 4, &(uint32_t){ 0 }));
    chip->flash[0xFFFFC] = 0x55;
    assert_int_equal(get(0xFFFFC), 0xFFFFFF55);
    assert_false(bus_read(chip->bus, BUS_DATA, 0x100000, 4, &(uint32_t){ 0 }));
}

static void it_runs_at_64_mhz_and_its_clocks_start_when_asked(void **state)
{
    (void)state;
    assert_int_equal(chip->cpu->cycle, SIM_SECOND / 64000000);
    put(POWER + 0x000, 1);
    assert_int_equal(get(POWER + 0x100), 0);
    board_run_ms(board, 0.4);
    assert_int_equal(get(POWER + 0x100), 1);
    assert_int_equal(get(POWER + 0x40C), 0x10001);
    put(POWER + 0x518, 1);
    put(POWER + 0x008, 1);
    board_run_ms(board, 200);
    assert_int_equal(get(POWER + 0x104), 0);
    board_run_ms(board, 60);
    assert_int_equal(get(POWER + 0x104), 1);
    assert_int_equal(get(POWER + 0x418), 0x10001);
    nobody_complained();
}

static void an_absent_peripheral_is_reported_by_name(void **state)
{
    (void)state;
    get(0x40007500);
    assert_said(SIM_UNMODELLED, "SAADC");
}

/* --- NVMC: writing ------------------------------------------------------------------ */

static void a_word_is_written_in_41_us_while_config_is_wen(void **state)
{
    (void)state;
    assert_int_equal(get(READY), 1);
    put(CONFIG, WEN);
    put(0x1000, 0x12345678);
    assert_int_equal(get(READY), 0);
    assert_in_range((int)(busy_us() + 0.5), 41, 42);
    assert_int_equal(get(0x1000), 0x12345678);
    assert_int_equal(get(0x1004), 0xFFFFFFFF);
    nobody_complained();
}

static void without_wen_a_store_is_a_bus_error(void **state)
{
    (void)state;
    assert_true(faults(0x1000, 0, 4));
    assert_said(SIM_RULE, "not Wen");
    put(CONFIG, EEN);
    assert_true(faults(0x1000, 0, 4));
    assert_int_equal(get(0x1000), 0xFFFFFFFF);
}

static void bytes_and_half_words_are_a_bus_error(void **state)
{
    (void)state;
    put(CONFIG, WEN);
    assert_true(faults(0x1000, 0, 1));
    assert_true(faults(0x1000, 0, 2));
    assert_said(SIM_RULE, "whole words");
    assert_int_equal(get(0x1000), 0xFFFFFFFF);
}

static void one_word_may_be_given_ahead_and_comes_after(void **state)
{
    (void)state;
    put(CONFIG, WEN);
    assert_int_equal(get(READYNEXT), 1);
    put(0x1000, 1);
    assert_int_equal(get(READYNEXT), 1);
    put(0x1004, 2);
    assert_int_equal(get(READYNEXT), 0);
    assert_in_range((int)(busy_us() + 0.5), 82, 83);
    assert_int_equal(get(READYNEXT), 1);
    assert_int_equal(get(0x1000) + get(0x1004), 3);
    nobody_complained();
}

static void who_reads_waits_and_who_writes_waits_for_readynext(void **state)
{
    (void)state;
    struct bus_region *flash = bus_find(chip->bus, 0);
    put(CONFIG, WEN);
    put(0x1000, 1);
    assert_true(*bus_busy(flash, false) > board->sim->now);
    assert_true(*bus_busy(flash, true) <= board->sim->now);
    put(0x1004, 2);
    assert_true(*bus_busy(flash, true) > board->sim->now);
    assert_ptr_equal(bus_busy(bus_find(chip->bus, UICR), true), bus_busy(flash, true));
    busy_us();
    put(CONFIG, EEN);
    put(ERASEPAGE, 0x1000);
    assert_true(*bus_busy(flash, true) > board->sim->now);
    assert_null(bus_busy(bus_find(chip->bus, READY), false));
}

static void a_third_write_of_a_word_is_a_broken_rule(void **state)
{
    (void)state;
    store(0x1000, 0xFFFF0000);
    store(0x1000, 0xFF000000);
    nobody_complained();
    assert_int_equal(get(0x1000), 0xFF000000);
    store(0x1000, 0xF0000000);
    assert_said(SIM_RULE, "the word at 0x00001000 is written for the 3. time");
    put(CONFIG, EEN);
    put(ERASEPAGE, 0x1000);
    busy_us();
    store(0x1000, 0);                                       /* an erase starts anew */
    nobody_complained();
}

static void writing_only_clears_bits(void **state)
{
    (void)state;
    store(0x1000, 0x0F0F0F0F);
    store(0x1000, 0x3C3C3C3C);
    assert_int_equal(get(0x1000), 0x0C0C0C0C);
    assert_said(SIM_RULE, "ones written over zeros");
}

/* --- NVMC: erasing ------------------------------------------------------------------ */

static void a_page_is_erased_alone_in_85_ms(void **state)
{
    (void)state;
    memset(chip->flash, 0, 0x4000);
    put(CONFIG, EEN);
    put(ERASEPAGE, 0x1000);
    assert_in_range((int)(busy_us() / 1000 + 0.5), 85, 86);
    for (int i = 0; i < 0x4000; i++)
        assert_int_equal(chip->flash[i], i / 0x1000 == 1 ? 0xFF : 0);
    put(NVMC + 0x510, 0x2000);                              /* ERASEPCR0: the same */
    busy_us();
    assert_int_equal(chip->flash[0x2000], 0xFF);
    nobody_complained();
}

static void what_no_erase_is_erases_nothing(void **state)
{
    (void)state;
    chip->flash[0x1000] = 0;
    put(ERASEPAGE, 0x1000);
    assert_said(SIM_RULE, "ERASEPAGE while CONFIG is not Een");
    put(CONFIG, WEN);
    put(ERASEALL, 1);
    assert_said(SIM_RULE, "ERASEALL while CONFIG is not Een");
    put(CONFIG, EEN);
    put(ERASEPAGE, 0x1004);
    assert_said(SIM_RULE, "begins no page");
    put(ERASEPAGE, 0x100000);
    assert_said(SIM_RULE, "begins no page");
    put(ERASEALL, 0);
    put(ERASEUICR, 0);
    assert_int_equal(get(READY), 1);
    assert_int_equal(chip->flash[0x1000], 0);
    put(ERASEPAGE, 0x2000);
    put(ERASEPAGE, 0x1000);
    assert_said(SIM_RULE, "ERASEPAGE while READY is 0");
    busy_us();
    assert_int_equal(chip->flash[0x1000], 0);
}

static void config_is_left_alone_while_it_is_busy(void **state)
{
    (void)state;
    put(CONFIG, EEN);
    put(ERASEPAGE, 0);
    put(CONFIG, REN);
    assert_said(SIM_RULE, "CONFIG written while READY is 0");
}

static void eraseall_takes_flash_and_uicr_in_169_ms(void **state)
{
    (void)state;
    store(UICR + 0x080, 0x12345678);
    memset(chip->flash, 0, chip->flash_size);
    put(CONFIG, EEN);
    put(ERASEALL, 1);
    assert_in_range((int)(busy_us() / 1000 + 0.5), 169, 170);
    for (uint32_t i = 0; i < chip->flash_size; i++)
        assert_int_equal(chip->flash[i], 0xFF);
    assert_int_equal(get(UICR + 0x080), 0xFFFFFFFF);
    assert_int_equal(get(FICR + 0x100), 0x52840);
}

static void uicr_is_written_like_flash_and_erased_on_its_own(void **state)
{
    (void)state;
    chip->flash[0] = 0;
    store(UICR + 0x080, 0x12345678);
    assert_int_equal(get(UICR + 0x080), 0x12345678);
    put(CONFIG, EEN);
    put(ERASEPAGE, UICR);                                   /* not that way */
    assert_said(SIM_RULE, "begins no page");
    put(ERASEUICR, 1);
    busy_us();
    assert_int_equal(get(UICR + 0x080), 0xFFFFFFFF);
    assert_int_equal(chip->flash[0], 0);
}

static void a_page_may_be_erased_in_parts(void **state)
{
    (void)state;
    memset(chip->flash + 0x1000, 0, 0x1000);
    put(CONFIG, EEN);
    assert_int_equal(get(PARTIALCFG), 10);
    put(PARTIALCFG, 30);
    put(PARTIAL, 0x1000);
    assert_in_range((int)(busy_us() / 1000 + 0.5), 31, 32);
    put(PARTIAL, 0x1000);
    busy_us();
    int whole = 0;
    for (int i = 0x1000; i < 0x2000; i++)
        whole += chip->flash[i] == 0xFF;
    assert_true(whole < 0x1000);
    put(PARTIAL, 0x1000);                                   /* 90 ms together */
    busy_us();
    for (int i = 0x1000; i < 0x2000; i++)
        assert_int_equal(chip->flash[i], 0xFF);
    nobody_complained();
}

static void acl_keeps_a_page_until_the_next_reset(void **state)
{
    (void)state;
    chip->flash[0x1000] = 0;
    put(ACL, 0x1000);
    put(ACL + 4, 0x1000);
    put(ACL + 8, 2);
    put(ACL + 8, 0);                                        /* once only */
    assert_int_equal(get(ACL + 8), 2);
    put(CONFIG, WEN);
    assert_true(faults(0x1004, 0, 4));
    put(CONFIG, EEN);
    put(ERASEPAGE, 0x1000);
    assert_int_equal(get(READY), 1);
    assert_int_equal(chip->flash[0x1000], 0);
    reset(RESET_SOFTWARE);
    put(CONFIG, EEN);
    put(ERASEPAGE, 0x1000);
    busy_us();
    assert_int_equal(chip->flash[0x1000], 0xFF);
    nobody_complained();
}

static void power_that_fails_while_it_erases_leaves_a_mixture(void **state)
{
    (void)state;
    memset(chip->flash, 0, 0x2000);
    put(CONFIG, EEN);
    put(ERASEPAGE, 0x1000);
    board_run_ms(board, 40);
    power_cycle();
    int zeros = 0, ones = 0;
    for (int i = 0x1000; i < 0x2000; i++) {
        zeros += chip->flash[i] == 0;
        ones += chip->flash[i] == 0xFF;
    }
    assert_true(zeros < 0x1000 && ones < 0x1000);
    assert_int_equal(chip->flash[0xFFF], 0);
}

/* --- access port protection --------------------------------------------------------- */

static void the_port_is_open_until_a_reset_finds_approtect(void **state)
{
    (void)state;
    assert_int_equal(ctrl(0x0C), 1);
    store(APPROTECT, 0xFFFFFF00);
    assert_int_equal(ctrl(0x0C), 1);
    assert_true(debugger_reads(RAM));
    reset(RESET_SOFTWARE);
    assert_int_equal(ctrl(0x0C), 0);
    assert_false(debugger_reads(RAM));
    assert_int_equal(csw() & 0x40, 0);
    power_cycle();
    assert_false(debugger_reads(RAM));
}

static void a_closed_port_keeps_uicr_from_being_erased(void **state)
{
    (void)state;
    store(APPROTECT, 0xFFFFFF00);
    reset(RESET_SOFTWARE);
    put(CONFIG, EEN);
    put(ERASEUICR, 1);
    assert_int_equal(get(READY), 1);
    assert_int_equal(get(APPROTECT), 0xFFFFFF00);
}

static void ctrl_ap_erases_everything_and_opens_it(void **state)
{
    (void)state;
    chip->flash[0x5000] = 0;
    store(APPROTECT, 0xFFFFFF00);
    put(RAM + 0x100, 0x5EC4E700);
    reset(RESET_SOFTWARE);
    assert_int_equal(ctrl(0xFC), 0x02880000);
    assert_int_equal(ctrl(0x08), 0);
    ctrl_put(0x04, 1);
    assert_int_equal(ctrl(0x08), 1);
    board_run_ms(board, 168);
    assert_int_equal(ctrl(0x08), 1);
    board_run_ms(board, 2);
    assert_int_equal(ctrl(0x08), 0);
    assert_int_equal(ctrl(0x0C), 0);                        /* it opens with the reset */
    ctrl_put(0x00, 1);
    board_run_ms(board, 1);
    assert_true(chip->cpu->held_in_reset);
    ctrl_put(0x00, 0);
    ctrl_put(0x04, 0);
    board_run_ms(board, 1);
    assert_false(chip->cpu->held_in_reset);
    assert_int_equal(ctrl(0x0C), 1);
    assert_true(debugger_reads(RAM));
    assert_int_equal(csw() & 0x40, 0x40);
    assert_int_equal(get(RAM + 0x100), 0);
    assert_int_equal(get(APPROTECT), 0xFFFFFFFF);
    assert_int_equal(chip->flash[0x5000], 0xFF);
}

static void a_hardened_chip_is_closed_from_the_factory(void **state)
{
    (void)state;
    assert_int_equal(ctrl(0x0C), 0);
    assert_false(debugger_reads(RAM));
    ctrl_put(0x04, 1);
    board_run_ms(board, 171);
    assert_int_equal(ctrl(0x0C), 1);                        /* at once */
    assert_true(debugger_reads(RAM));
    assert_int_equal(get(FICR + 0x104), 0x41414630);
    ctrl_put(0x00, 1);
    ctrl_put(0x00, 0);
    board_run_ms(board, 1);
    assert_true(debugger_reads(RAM));                       /* soft resets leave it */
    reset(RESET_SOFTWARE);
    assert_true(debugger_reads(RAM));
    power_cycle();
    assert_false(debugger_reads(RAM));                      /* hard ones do not */
}

static void a_hardened_chip_opens_when_uicr_and_program_agree(void **state)
{
    (void)state;
    ctrl_put(0x04, 1);
    board_run_ms(board, 171);
    store(APPROTECT, 0x5A);
    power_cycle();
    assert_false(debugger_reads(RAM));
    put(POWER + 0x558, 0x11);
    assert_false(debugger_reads(RAM));
    put(POWER + 0x558, 0x5A);
    assert_true(debugger_reads(RAM));
    reset(RESET_PIN);
    assert_false(debugger_reads(RAM));
    put(POWER + 0x558, 0x5A);
    assert_true(debugger_reads(RAM));
    put(POWER + 0x550, 0);                                  /* FORCEPROTECT */
    assert_false(debugger_reads(RAM));
}

/* --- resets ------------------------------------------------------------------------- */

static void resetreas_gathers_until_it_is_cleared(void **state)
{
    (void)state;
    assert_int_equal(get(RESETREAS), 0);                    /* power-on */
    put(0xE000ED0C, 0x05FA0004);
    board_run_ms(board, 1);
    assert_int_equal(get(RESETREAS), 4);
    ctrl_put(0x00, 1);
    ctrl_put(0x00, 0);
    board_run_ms(board, 1);
    reset(RESET_PIN);
    assert_int_equal(get(RESETREAS), 5);
    put(RESETREAS, 4);
    assert_int_equal(get(RESETREAS), 1);
    power_cycle();
    assert_int_equal(get(RESETREAS), 0);
}

static void what_is_retained_lives_through_a_soft_reset(void **state)
{
    (void)state;
    put(GPREGRET, 0x57);
    put(CONFIG, WEN);
    reset(RESET_SOFTWARE);
    assert_int_equal(get(GPREGRET), 0x57);
    assert_int_equal(get(CONFIG), REN);
    reset(RESET_PIN);
    assert_int_equal(get(GPREGRET), 0);
}

static void ctrl_ap_holds_a_chip_that_is_about_to_start(void **state)
{
    (void)state;
    chip->reset(chip, RESET_SOFTWARE);
    ctrl_put(0x00, 1);
    board_run_ms(board, 1);
    assert_true(chip->cpu->held_in_reset);
    ctrl_put(0x00, 0);
    board_run_ms(board, 1);
    assert_false(chip->cpu->held_in_reset);
}

/* The board's wire to P0.18, low: nothing at first. */
static void p0_18_resets_once_uicr_says_so(void **state)
{
    (void)state;
    static struct pin button;           /* the net outlives us */
    struct pin *pin = chip->pin(chip, "P0.18");
    pin_init(&button, board->sim, "button", NULL, NULL);
    net_attach(pin->net, &button, true);
    pin_drive(&button, DRIVE_LOW);
    board_run_ms(board, 1);
    assert_false(chip->cpu->held_in_reset);
    pin_drive(&button, DRIVE_OPEN);
    store(PSELRESET, 18);
    store(PSELRESET + 4, 18);
    reset(RESET_SOFTWARE);
    put(RESETREAS, ~0u);
    pin_drive(&button, DRIVE_LOW);
    board_run_ms(board, 1);
    assert_true(chip->cpu->held_in_reset);
    pin_drive(&button, DRIVE_OPEN);
    board_run_ms(board, 1);
    assert_false(chip->cpu->held_in_reset);
    assert_int_equal(get(RESETREAS), 1);
    power_cycle();                                          /* held from the start, too */
    pin_drive(&button, DRIVE_LOW);
    chip->power(chip, false);
    chip->power(chip, true);
    board_run_ms(board, 4);
    assert_true(chip->cpu->held_in_reset);
    pin_drive(&button, DRIVE_OPEN);
    board_run_ms(board, 1);
    assert_false(chip->cpu->held_in_reset);
}

/* --- watchdog ----------------------------------------------------------------------- */

static void start_wdt(uint32_t config)
{
    put(WDT + 0x504, 32767 / 10);                           /* 0.1 s */
    put(WDT + 0x508, 3);
    put(WDT + 0x50C, config);
    put(WDT, 1);
}

static void the_watchdog_bites_unless_all_requests_come(void **state)
{
    (void)state;
    start_wdt(1);
    assert_int_equal(get(WDT + 0x400), 1);
    put(WDT + 0x504, 5);                                    /* locked now */
    assert_int_equal(get(WDT + 0x504), 3276);
    board_run_ms(board, 90);
    put(WDT + 0x600, 0x6E524635);
    assert_int_equal(get(WDT + 0x404), 2);
    put(WDT + 0x604, 0x6E524635);
    board_run_ms(board, 90);
    assert_int_equal(get(RESETREAS), 0);
    put(WDT + 0x600, 0x6E524635);
    board_run_ms(board, 15);
    assert_int_equal(get(RESETREAS), 2);
    assert_int_equal(get(WDT + 0x400), 0);
}

static void it_stands_still_in_a_halt_unless_config_says_no(void **state)
{
    (void)state;
    start_wdt(1);
    chip->cpu->halted = true;
    board_run_ms(board, 1000);
    assert_int_equal(get(RESETREAS), 0);
    chip->cpu->halted = false;
    board_run_ms(board, 105);
    assert_int_equal(get(RESETREAS), 2);
    put(RESETREAS, ~0u);
    start_wdt(9);                                           /* HALT: run on */
    chip->cpu->halted = true;
    board_run_ms(board, 105);
    assert_int_equal(get(RESETREAS), 2);
}

static void it_lives_through_a_soft_reset(void **state)
{
    (void)state;
    start_wdt(1);
    reset(RESET_SOFTWARE);
    assert_int_equal(get(WDT + 0x400), 1);
    board_run_ms(board, 105);
    assert_int_equal(get(RESETREAS), 6);
}

/* --- pins, serial port -------------------------------------------------------------- */

static void a_pin_drives_reads_and_pulls(void **state)
{
    (void)state;
    assert_int_equal(get(P0 + 0x700 + 4 * 3), 2);
    put(P0 + 0x518, 1 << 3);                                /* DIRSET */
    assert_int_equal(chip->pin(chip, "P0.03")->drive, DRIVE_LOW);
    put(P0 + 0x508, 1 << 3);
    assert_int_equal(chip->pin(chip, "P0.3")->drive, DRIVE_HIGH);
    put(P0 + 0x700 + 4 * 3, 1 | 6 << 8);                    /* S0D1: open drain */
    assert_int_equal(chip->pin(chip, "P0.03")->drive, DRIVE_OPEN);
    put(P1 + 0x700 + 4 * 15, 3 << 2);
    assert_int_equal(chip->pin(chip, "P1.15")->drive, DRIVE_PULL_UP);
    assert_null(chip->pin(chip, "P1.16"));
    struct net *net = net_new(board->sim, "net");
    net_attach(net, chip->pin(chip, "P1.15"), false);
    assert_int_equal(get(P1 + 0x510), 1 << 15);
    put(P1 + 0x700 + 4 * 15, 3 << 2 | 2);                   /* buffer off */
    assert_int_equal(get(P1 + 0x510), 0);
    net_free(net);
}

static void the_uart_talks_to_itself_over_a_wire(void **state)
{
    (void)state;
    struct net *wire = net_new(board->sim, "wire");
    net_attach(wire, chip->pin(chip, "P0.04"), false);
    net_attach(wire, chip->pin(chip, "P1.05"), false);
    put(UART + 0x50C, 4);
    put(UART + 0x514, 32 + 5);
    put(UART + 0x524, 0x01D7E000);
    put(UART + 0x51C, 'x');                                 /* not enabled: nothing */
    put(UART + 0x500, 4);
    put(UART + 0x008, 1);
    put(UART + 0x000, 1);
    put(UART + 0x51C, 0xA5);
    board_run_ms(board, 0.07);
    assert_int_equal(get(UART + 0x108), 0);
    board_run_ms(board, 0.03);
    assert_int_equal(get(UART + 0x11C), 1);
    assert_int_equal(get(UART + 0x108), 1);
    put(UART + 0x108, 0);
    assert_int_equal(get(UART + 0x518), 0xA5);
    for (uint32_t i = 1; i <= 7; i++) {                     /* six are kept */
        put(UART + 0x51C, i);
        board_run_ms(board, 0.1);
    }
    assert_int_equal(get(UART + 0x480), 1);                 /* OVERRUN */
    for (uint32_t i = 1; i <= 6; i++) {
        assert_int_equal(get(UART + 0x108), 1);
        put(UART + 0x108, 0);
        assert_int_equal(get(UART + 0x518), i);
    }
    assert_int_equal(get(UART + 0x108), 0);
    nobody_complained();
    net_free(wire);
}

#define T(name) cmocka_unit_test_setup_teardown(name, usual, power_off)
#define HARDENED(name) cmocka_unit_test_setup_teardown(name, hardened, power_off)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        T(it_identifies_itself_as_nrf52840),
        T(ram_is_seen_twice_and_flash_begins_at_0),
        T(it_runs_at_64_mhz_and_its_clocks_start_when_asked),
        T(an_absent_peripheral_is_reported_by_name),
        T(a_word_is_written_in_41_us_while_config_is_wen),
        T(without_wen_a_store_is_a_bus_error),
        T(bytes_and_half_words_are_a_bus_error),
        T(one_word_may_be_given_ahead_and_comes_after),
        T(who_reads_waits_and_who_writes_waits_for_readynext),
        T(a_third_write_of_a_word_is_a_broken_rule),
        T(writing_only_clears_bits),
        T(a_page_is_erased_alone_in_85_ms),
        T(what_no_erase_is_erases_nothing),
        T(config_is_left_alone_while_it_is_busy),
        T(eraseall_takes_flash_and_uicr_in_169_ms),
        T(uicr_is_written_like_flash_and_erased_on_its_own),
        T(a_page_may_be_erased_in_parts),
        T(acl_keeps_a_page_until_the_next_reset),
        T(power_that_fails_while_it_erases_leaves_a_mixture),
        T(the_port_is_open_until_a_reset_finds_approtect),
        T(a_closed_port_keeps_uicr_from_being_erased),
        T(ctrl_ap_erases_everything_and_opens_it),
        HARDENED(a_hardened_chip_is_closed_from_the_factory),
        HARDENED(a_hardened_chip_opens_when_uicr_and_program_agree),
        T(resetreas_gathers_until_it_is_cleared),
        T(what_is_retained_lives_through_a_soft_reset),
        T(ctrl_ap_holds_a_chip_that_is_about_to_start),
        T(p0_18_resets_once_uicr_says_so),
        T(the_watchdog_bites_unless_all_requests_come),
        T(it_stands_still_in_a_halt_unless_config_says_no),
        T(it_lives_through_a_soft_reset),
        T(a_pin_drives_reads_and_pulls),
        T(the_uart_talks_to_itself_over_a_wire),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
