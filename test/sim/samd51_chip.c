/* samd51_chip.c - does the simulated ATSAMD51J20A do what its data sheet says?
 *
 * Registers are driven as the core would, on its bus, and memory as a debugger would; the core
 * executes nothing.  Addresses are written out from the data sheet again. */
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
    RAM = 0x20000000, USER = 0x00804000, NVM = 0x41004000, CTRLA = NVM, CTRLB = NVM + 4,
    PARAM = NVM + 8, INTFLAG = NVM + 0x10, STATUS = NVM + 0x12, ADDR = NVM + 0x14,
    RUNLOCK = NVM + 0x18, SEESTAT = NVM + 0x2C, DSU = 0x41002000, DSU_EXT = 0x41002100,
    PAC = 0x40000000, WDT = 0x40002000, RCAUSE = 0x40000C00, GCLK = 0x40001C00,
    OSCCTRL = 0x40001000, MCLK = 0x40000800, PORT = 0x41008000, SERCOM3 = 0x41014000,
    CMCC = 0x41006000,
};
enum { EP = 0x00, EB = 0x01, WP = 0x03, WQW = 0x04, LR = 0x11, UR = 0x12, PBC = 0x15, SSB = 0x16,
       BKSWRST = 0x17, CELCK = 0x18, SBPDIS = 0x1A, CBPDIS = 0x1B };
enum { DONE = 1, ADDRE = 2, PROGE = 4, LOCKE = 8 };

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

static int power_on(void **state)
{
    (void)state;
    char error[256];
    struct board_options options = { .target = "samd51" };
    board = board_new(&options, error, sizeof error);
    if (!board)
        fail_msg("%s", error);
    chip = board->target;
    board->sim->report = listen_to_reports;
    board_run_ms(board, 4);
    memset(said, 0, sizeof said);
    return 0;
}

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

static double busy_us(void)
{
    sim_time start = board->sim->now;
    while (!(get(STATUS, 2) & 1))
        board_run_ms(board, board->sim->now - start > 10 * SIM_MS ? 1 : 0.01);
    return (double)(board->sim->now - start) / (double)SIM_US;
}

/* Gives a command and what INTFLAG says when it is over; how long is in `took`. */
static double took;
static uint32_t command(uint32_t code)
{
    put(INTFLAG, 0xFFFF, 2);
    put(CTRLB, 0xA500 | code, 2);
    took = busy_us();
    board_run_ms(board, 0.001);
    return get(INTFLAG, 2);
}

static uint32_t command_at(uint32_t address, uint32_t code)
{
    put(ADDR, address, 4);
    return command(code);
}

static void load(uint32_t address, uint32_t words, uint32_t value)
{
    for (uint32_t i = 0; i < words; i++)
        put(address + 4 * i, value + i, 4);
}

/* The user page with one word changed. */
static void set_fuse(int word, uint32_t value)
{
    uint32_t page[4];
    for (int i = 0; i < 4; i++)
        page[i] = get(USER + 4 * (uint32_t)i, 4);
    page[word] = value;
    assert_int_equal(command_at(USER, EP), DONE);
    for (int i = 0; i < 4; i++)
        put(USER + 4 * (uint32_t)i, page[i], 4);
    assert_int_equal(command(WQW), DONE);
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
    board_run_ms(board, 0.01);
    dp_ap_access(dp, write, 0xC, *value);
    board_run_ms(board, 0.01);
    *value = dp_read(dp, DP_RDBUFF);
    bool good = !(dp->flags & STICKYERR);
    dp_write(dp, DP_ABORT, 0x1E);
    return good;
}

static bool debugger_reads(uint32_t address)
{
    uint32_t value = 0;
    return debugger_accesses(address, false, &value);
}

/* --- identification, memories --------------------------------------------------------- */

static void it_identifies_itself_as_samd51j20a(void **state)
{
    (void)state;
    assert_int_equal(get(DSU + 0x18, 4), 0x60060304);
    assert_int_equal(get(DSU_EXT + 0x18, 4), 0x60060304);
    assert_int_equal(get(PARAM, 4) & 0x7FFFF, 6 << 16 | 2048);
    assert_int_equal(get(0xE000ED00, 4), 0x410FC241);
    assert_int_equal(get(0x41003000, 4), 0x9F0FC003);       /* to the core's ROM table */
    assert_int_equal(get(0x41003004, 4), 0);                /* no MTB */
    assert_int_equal(get(0xE00FFFE0, 4), 0xC4);
    assert_int_not_equal(get(0x008061FC, 4), 0xFFFFFFFF);
    put(RAM + 0x3FFFC, 7, 4);
    assert_int_equal(get(RAM + 0x3FFFC, 4), 7);
    assert_true(faults(RAM + 0x40000, 0, 4));
    assert_int_equal(get(0xFFFFC, 4), 0xFFFFFFFF);
    assert_false(bus_read(chip->bus, BUS_DATA, 0x100000, 4, &(uint32_t){ 0 }));
    nobody_complained();
}

static void it_wakes_up_at_48_mhz_and_a_dpll_makes_120(void **state)
{
    (void)state;
    assert_int_equal(chip->cpu->cycle, (SIM_SECOND + 24000000) / 48000000);
    put(GCLK + 0x24, 1 << 8 | 6 | 24 << 16, 4);             /* generator 1: 2 MHz */
    put(GCLK + 0x80 + 4, 1 << 6 | 1, 4);                    /* channel 1: DPLL0 */
    put(OSCCTRL + 0x34, 59, 4);
    put(OSCCTRL + 0x38, 0, 4);
    put(OSCCTRL + 0x30, 2, 1);
    assert_int_equal(get(OSCCTRL + 0x40, 4) & 3, 3);
    put(GCLK + 0x20, 1 << 8 | 7, 4);
    assert_int_equal(chip->cpu->cycle, (SIM_SECOND + 60000000) / 120000000);
    put(MCLK + 5, 2, 1);                                    /* CPUDIV */
    assert_int_equal(chip->cpu->cycle, (SIM_SECOND + 30000000) / 60000000);
    nobody_complained();
    put(CTRLA, 1 << 8, 2);                                  /* RWS 1, AUTOWS off */
    assert_said(SIM_RULE, "60 MHz with 1 flash wait states (NVMCTRL.CTRLA.RWS); 2 are needed");
}

/* --- programming ------------------------------------------------------------------------- */

static void a_page_is_written_from_the_buffer_in_1500_us(void **state)
{
    (void)state;
    assert_int_equal(command(PBC), DONE);
    load(0x2000, 128, 0x1000);
    assert_int_equal(get(STATUS, 2) & 4, 4);                /* LOAD */
    assert_int_equal(get(0x2000, 4), 0xFFFFFFFF);           /* not before the command */
    assert_int_equal(command(WP), DONE);
    assert_in_range((int)took, 1490, 1520);
    assert_int_equal(get(STATUS, 2) & 4, 0);
    assert_int_equal(get(0x2000, 4), 0x1000);
    assert_int_equal(get(0x21FC, 4), 0x107F);
    assert_int_equal(get(0x2200, 4), 0xFFFFFFFF);
    nobody_complained();
}

static void addr_follows_the_stores_and_can_be_set(void **state)
{
    (void)state;
    load(0x2000, 4, 1);
    assert_int_equal(get(ADDR, 4), 0x200C);
    assert_int_equal(command_at(0x4000, WQW), DONE);
    assert_int_equal(get(0x2000, 4), 0xFFFFFFFF);
    assert_int_equal(get(0x400C, 4), 4);
    nobody_complained();
}

static void stores_of_less_than_a_word_are_bus_errors(void **state)
{
    (void)state;
    assert_true(faults(0x2000, 0, 1));
    assert_true(faults(0x2000, 0, 2));
    assert_said(SIM_RULE, "16-bit write to the NVM page buffer");
    assert_int_equal(get(STATUS, 2) & 4, 0);
}

static void a_double_word_is_programmed_once(void **state)
{
    (void)state;
    load(0x2000, 2, 0xFFFF0000);
    command(WQW);
    put(0x2008, 5, 4);                                      /* the same quad word, its other half */
    command(WQW);
    nobody_complained();
    put(0x2000, 0, 4);
    command(WQW);
    assert_said(SIM_RULE, "the double word at 0x00002000 is programmed again");
    put(0x4000, 0, 4);
    command(WQW);
    command_at(0x4000, EB);                                 /* an erase starts anew */
    put(0x4000, 0, 4);
    command(WQW);
    nobody_complained();
}

static void a_block_of_8_kb_is_erased_alone(void **state)
{
    (void)state;
    memset(chip->flash, 0, 0x8000);
    assert_int_equal(command_at(0x2FFC, EB), DONE);
    assert_in_range((int)took, 199000, 202000);
    for (int i = 0; i < 0x8000; i++)
        assert_int_equal(chip->flash[i], i / 0x2000 == 1 ? 0xFF : 0);
    nobody_complained();
}

static void wmode_writes_by_itself(void **state)
{
    (void)state;
    put(CTRLA, 1 << 2 | 2 << 4, 2);                         /* AQW */
    load(0x2000, 3, 1);
    assert_int_equal(get(STATUS, 2) & 1, 1);
    put(0x200C, 4, 4);
    assert_int_equal(get(STATUS, 2) & 1, 0);
    busy_us();
    assert_int_equal(get(0x200C, 4), 4);
    put(CTRLA, 1 << 2 | 1 << 4, 2);                         /* ADW */
    load(0x2010, 2, 1);
    busy_us();
    assert_int_equal(get(0x2014, 4), 2);
    put(CTRLA, 1 << 2 | 3 << 4, 2);                         /* AP */
    load(0x2200, 128, 9);
    assert_int_equal(get(STATUS, 2) & 1, 0);
    busy_us();
    assert_int_equal(get(0x2200, 4), 9);
    nobody_complained();
}

static void what_is_no_command_sets_an_error_flag(void **state)
{
    (void)state;
    chip->flash[0x2000] = 0;
    put(ADDR, 0x2000, 4);
    put(CTRLB, 0x5A00 | EB, 2);
    assert_int_equal(get(INTFLAG, 2), PROGE);
    assert_int_equal(command_at(0x2000, 0x2A) & ~DONE, PROGE);
    assert_int_equal(command_at(0x2000, EP) & ~DONE, PROGE);        /* not for the main array */
    assert_int_equal(command_at(USER, EB) & ~DONE, PROGE);          /* nor these for the other */
    assert_int_equal(command_at(USER, WP) & ~DONE, PROGE);
    assert_int_equal(command_at(0x100000, EB) & ~DONE, ADDRE);
    assert_int_equal(command_at(0x00800000, EP) & ~DONE, ADDRE);
    assert_int_equal(command_at(0x200000, LR) & ~DONE, ADDRE);
    assert_int_equal(chip->flash[0x2000], 0);
    nobody_complained();
    put(ADDR, 0x2000, 4);
    put(CTRLB, 0xA500 | EB, 2);
    put(CTRLB, 0xA500 | EB, 2);
    assert_said(SIM_RULE, "command 0x01 while STATUS.READY is 0");
    assert_int_equal(get(INTFLAG, 2) & PROGE, PROGE);
    busy_us();
}

static void one_bank_is_read_while_the_other_is_busy(void **state)
{
    (void)state;
    put(ADDR, 0x2000, 4);
    put(CTRLB, 0xA500 | EB, 2);
    struct bus_region *first = bus_find(chip->bus, 0), *second = bus_find(chip->bus, 0x80000);
    assert_true(*bus_busy(first, false) > board->sim->now);
    assert_true(*bus_busy(second, false) <= board->sim->now);
    assert_true(*bus_busy(second, true) > board->sim->now);
    busy_us();
    put(ADDR, 0x80000, 4);
    put(CTRLB, 0xA500 | EB, 2);
    assert_true(*bus_busy(first, false) <= board->sim->now);
    assert_true(*bus_busy(second, false) > board->sim->now);
}

static void power_that_fails_while_it_erases_leaves_a_mixture(void **state)
{
    (void)state;
    memset(chip->flash, 0, 0x6000);
    put(ADDR, 0x2000, 4);
    put(CTRLB, 0xA500 | EB, 2);
    board_run_ms(board, 100);
    board_power_target(board, false);
    board_power_target(board, true);
    board_run_ms(board, 4);
    int zeros = 0, ones = 0;
    for (int i = 0x2000; i < 0x4000; i++) {
        zeros += chip->flash[i] == 0;
        ones += chip->flash[i] == 0xFF;
    }
    assert_true(zeros < 0x2000 && ones < 0x2000);
    assert_int_equal(chip->flash[0x1FFF] | chip->flash[0x4000], 0);
}

/* --- locks, boot loader, user page ---------------------------------------------------------- */

static void a_region_is_locked_until_a_reset_or_for_good(void **state)
{
    (void)state;
    assert_int_equal(get(RUNLOCK, 4), 0xFFFFFFFF);
    assert_int_equal(command_at(0x8000, LR), DONE);         /* region 1 of 32 KB */
    assert_int_equal(get(RUNLOCK, 4), 0xFFFFFFFD);
    assert_int_equal(command_at(0xE000, EB) & ~DONE, LOCKE);
    put(0x8000, 0, 4);
    assert_int_equal(command(WP) & ~DONE, LOCKE);
    assert_int_equal(command_at(0x6000, EB), DONE);
    assert_int_equal(command_at(0x8000, UR), DONE);
    assert_int_equal(command_at(0xE000, EB), DONE);
    set_fuse(2, 0x7FFFFFFF);
    assert_int_equal(get(RUNLOCK, 4), 0xFFFFFFFF);
    reset();
    assert_int_equal(get(RUNLOCK, 4), 0x7FFFFFFF);
    assert_int_equal(command_at(0xFE000, EB) & ~DONE, LOCKE);
    nobody_complained();
}

static void bootprot_keeps_the_first_blocks_unless_sbpdis(void **state)
{
    (void)state;
    assert_int_equal(get(STATUS, 2) >> 8 & 15, 15);
    set_fuse(0, (0xFE9A9239 & ~(15u << 26)) | 13u << 26);   /* 16 KB */
    reset();
    assert_int_equal(get(STATUS, 2) >> 8 & 15, 13);
    assert_int_equal(command_at(0x2000, EB) & ~DONE, LOCKE);
    assert_int_equal(command_at(0x4000, EB), DONE);
    assert_int_equal(command(SBPDIS), DONE);
    assert_int_equal(get(STATUS, 2) & 0x20, 0x20);
    assert_int_equal(command_at(0x2000, EB), DONE);
    assert_int_equal(command(CBPDIS), DONE);
    assert_int_equal(command_at(0x2000, EB) & ~DONE, LOCKE);
}

static void an_erased_user_page_leaves_the_watchdog_always_on(void **state)
{
    (void)state;
    assert_int_equal(get(USER, 4), 0xFE9A9239);
    assert_int_equal(get(USER + 4, 4), 0xAEECFF80);
    assert_int_equal(command_at(USER, EP), DONE);
    reset();
    assert_int_equal(get(WDT, 1) & 0x82, 0x82);             /* always on */
    assert_said(SIM_UNMODELLED, "SEESBLK");
}

static void smart_eeprom_is_named(void **state)
{
    (void)state;
    assert_int_equal(command(0x32) & ~DONE, PROGE);
    assert_said(SIM_UNMODELLED, "SmartEEPROM, command 0x32");
    put(NVM + 0x2A, 1, 1);
    assert_said(SIM_UNMODELLED, "SEECFG");
    assert_int_equal(get(SEESTAT, 4) >> 8 & 15, 0);
}

static void bkswrst_swaps_the_banks_and_resets(void **state)
{
    (void)state;
    chip->flash[0x100] = 0x11;
    chip->flash[0x80100] = 0x22;
    assert_int_equal(get(STATUS, 2) & 0x10, 0x10);          /* AFIRST */
    put(CTRLB, 0xA500 | BKSWRST, 2);
    board_run_ms(board, 1);
    assert_int_equal(get(0x100, 1), 0x22);
    assert_int_equal(get(0x80100, 1), 0x11);
    assert_int_equal(get(STATUS, 2) & 0x10, 0);
    assert_int_equal(get(RCAUSE, 1), 1 << 6);
    board_power_target(board, false);
    board_power_target(board, true);
    board_run_ms(board, 4);
    assert_int_equal(get(0x100, 1), 0x22);
    assert_int_equal(get(STATUS, 2) & 0x10, 0);
    put(DSU_EXT, 1 << 4, 1);                                /* with no boot loader to spare */
    board_run_ms(board, 15100);
    assert_int_equal(get(STATUS, 2) & 0x10, 0x10);
}

static void what_was_programmed_goes_with_its_bank(void **state)
{
    (void)state;
    put(0x200, 0, 4);
    command(WQW);
    put(CTRLB, 0xA500 | BKSWRST, 2);
    board_run_ms(board, 1);
    put(0x200, 0, 4);
    command(WQW);
    nobody_complained();
    put(0x80200, 0, 4);
    command(WQW);
    assert_said(SIM_RULE, "the double word at 0x00080200");
}

/* --- DSU -------------------------------------------------------------------------------------- */

static void chip_erase_takes_15_s_and_spares_user_page_and_boot_loader(void **state)
{
    (void)state;
    set_fuse(0, (0xFE9A9239 & ~(15u << 26)) | 14u << 26);   /* 8 KB */
    reset();
    memset(chip->flash, 0, chip->flash_size);
    put(RAM, 0x5EC4E700, 4);
    put(DSU_EXT, 1 << 4, 1);
    board_run_ms(board, 14900);
    assert_int_equal(get(DSU + 1, 1) & 1, 0);
    board_run_ms(board, 200);
    assert_int_equal(get(DSU + 1, 1) & 1, 1);
    for (uint32_t i = 0; i < chip->flash_size; i++)
        assert_int_equal(chip->flash[i], i < 0x2000 ? 0 : 0xFF);
    assert_int_equal(get(RAM, 4), 0);
    assert_int_equal(get(USER + 4, 4), 0xAEECFF80);
}

static void the_security_bit_shuts_all_but_the_dsu_from_the_next_reset_on(void **state)
{
    (void)state;
    assert_int_equal(command(SSB), DONE);
    assert_true(debugger_reads(0));
    reset();
    assert_int_equal(get(DSU + 2, 1) & 1, 1);               /* STATUSB.PROT */
    assert_false(debugger_reads(0));
    assert_false(debugger_reads(RAM));
    assert_false(debugger_reads(0xE000ED00));
    assert_false(debugger_reads(DSU + 0x18));
    uint32_t value = 0;
    assert_true(debugger_accesses(DSU_EXT + 0x18, false, &value));
    assert_int_equal(value, 0x60060304);
    value = 1 << 4;
    assert_true(debugger_accesses(DSU_EXT, true, &value));
    board_run_ms(board, 15100);
    assert_true(debugger_reads(0));
    assert_int_equal(get(DSU + 2, 1) & 1, 0);
}

static void celck_locks_chip_erase(void **state)
{
    (void)state;
    chip->flash[0x5000] = 0;
    assert_int_equal(command(CELCK), DONE);
    assert_int_equal(get(DSU + 2, 1) & 0x20, 0x20);
    put(DSU_EXT, 1 << 4, 1);
    board_run_ms(board, 15100);
    assert_int_equal(chip->flash[0x5000], 0);
    assert_int_equal(command(0x19), DONE);                  /* CEULCK */
    assert_int_equal(get(DSU + 2, 1) & 0x20, 0);
}

static void pac_keeps_the_core_from_the_dsus_inner_half(void **state)
{
    (void)state;
    assert_int_equal(get(PAC + 0x38, 4), 1 << 1);           /* STATUSB */
    assert_true(faults(DSU + 4, 0, 4));
    assert_said(SIM_RULE, "PAC protects");
    put(PAC, 1 << 16 | 33, 4);
    put(DSU + 4, 0x100, 4);
    assert_int_equal(get(DSU + 4, 4), 0x100);
    put(PAC, 2 << 16 | 33, 4);
    assert_true(faults(DSU + 4, 0, 4));
}

/* --- watchdog, pins, cache ------------------------------------------------------------------------ */

static void the_watchdog_bites_and_stands_still_in_a_halt(void **state)
{
    (void)state;
    put(WDT + 1, 0x04, 1);                                  /* 128 cycles of 1.024 kHz */
    put(WDT, 2, 1);
    board_run_ms(board, 100);
    put(WDT + 0xC, 0xA5, 1);
    board_run_ms(board, 100);
    assert_int_equal(get(RCAUSE, 1), 1);
    chip->cpu->halted = true;
    board_run_ms(board, 1000);
    assert_int_equal(get(RCAUSE, 1), 1);
    chip->cpu->halted = false;
    board_run_ms(board, 40);
    assert_int_equal(get(RCAUSE, 1), 1 << 5);
    put(WDT + 1, 0x0B, 1);
    put(WDT, 2, 1);
    put(WDT + 0xC, 0x11, 1);                                /* a wrong key resets at once */
    board_run_ms(board, 1);
    assert_int_equal(get(WDT, 1), 0);
}

static void a_sercom_talks_to_itself_over_a_wire(void **state)
{
    (void)state;
    struct net *wire = net_new(board->sim, "wire");
    struct pin *tx = chip->pin(chip, "PB12"), *rx = chip->pin(chip, "PB13");
    net_attach(wire, tx, false);
    net_attach(wire, rx, false);
    put(0x43000000, 0, 4);                                  /* SERCOM4: its clock is off */
    assert_said(SIM_RULE, "SERCOM4");
    put(MCLK + 0x20, 1, 4);
    put(GCLK + 0x80 + 4 * 34, 1 << 6, 4);
    put(PORT + 0x80 + 0x40 + 12, 1, 1);
    put(PORT + 0x80 + 0x40 + 13, 1, 1);
    put(PORT + 0x80 + 0x30 + 6, 0x22, 1);                   /* function C */
    put(0x43000004, 3 << 16, 4);
    put(0x4300000C, 63019, 2);                              /* 115200 from 48 MHz */
    put(0x43000000, 1 << 30 | 1 << 20 | 1 << 2 | 1 << 1, 4);
    put(0x43000016, 4 | 1 << 7, 1);                         /* RXC, ERROR */
    put(0x43000028, 0xA5, 2);
    board_run_ms(board, 0.1);
    assert_int_equal(get(0xE000E204, 4) >> 30, 0);          /* DRE and TXC are others: 62, 63 */
    assert_int_equal(get(0xE000E208, 4), 1);                /* 64 is RXC */
    assert_int_equal(get(0x43000018, 1) & 4, 4);            /* RXC */
    assert_int_equal(get(0x43000028, 2), 0xA5);
    nobody_complained();
    for (int i = 0; i < 3; i++) {                           /* two are kept */
        put(0x43000028, 1, 2);
        board_run_ms(board, 0.1);
    }
    assert_int_equal(get(0xE000E208, 4) & 2, 2);            /* 65 is all that is left: BUFOVF */
    net_free(wire);
}

static void pa30_is_swclk_by_function_h(void **state)
{
    (void)state;
    assert_int_equal(get(PORT + 0x40 + 30, 1), 1);
    assert_int_equal(get(PORT + 0x30 + 15, 1) & 15, 7);
    assert_int_equal(chip->pin(chip, "PA31")->drive, DRIVE_PULL_UP);
    put(PORT + 0x40 + 30, 0, 1);                            /* given away */
    assert_int_equal(chip->pin(chip, "PA31")->drive, DRIVE_OPEN);
}

static void the_cache_takes_the_wait_states_away(void **state)
{
    (void)state;
    assert_int_equal(bus_find(chip->bus, 0)->read_wait, 1);
    put(CMCC + 8, 1, 4);
    assert_int_equal(get(CMCC + 0xC, 4), 1);
    assert_int_equal(bus_find(chip->bus, 0)->read_wait, 0);
    get(0x40002800, 4);
    assert_said(SIM_UNMODELLED, "EIC");
}

#define T(name) cmocka_unit_test_setup_teardown(name, power_on, power_off)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        T(it_identifies_itself_as_samd51j20a),
        T(it_wakes_up_at_48_mhz_and_a_dpll_makes_120),
        T(a_page_is_written_from_the_buffer_in_1500_us),
        T(addr_follows_the_stores_and_can_be_set),
        T(stores_of_less_than_a_word_are_bus_errors),
        T(a_double_word_is_programmed_once),
        T(a_block_of_8_kb_is_erased_alone),
        T(wmode_writes_by_itself),
        T(what_is_no_command_sets_an_error_flag),
        T(one_bank_is_read_while_the_other_is_busy),
        T(power_that_fails_while_it_erases_leaves_a_mixture),
        T(a_region_is_locked_until_a_reset_or_for_good),
        T(bootprot_keeps_the_first_blocks_unless_sbpdis),
        T(an_erased_user_page_leaves_the_watchdog_always_on),
        T(smart_eeprom_is_named),
        T(bkswrst_swaps_the_banks_and_resets),
        T(what_was_programmed_goes_with_its_bank),
        T(chip_erase_takes_15_s_and_spares_user_page_and_boot_loader),
        T(the_security_bit_shuts_all_but_the_dsu_from_the_next_reset_on),
        T(celck_locks_chip_erase),
        T(pac_keeps_the_core_from_the_dsus_inner_half),
        T(the_watchdog_bites_and_stands_still_in_a_halt),
        T(a_sercom_talks_to_itself_over_a_wire),
        T(pa30_is_swclk_by_function_h),
        T(the_cache_takes_the_wait_states_away),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
