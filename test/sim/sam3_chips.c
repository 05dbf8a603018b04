/* sam3_chips.c - do the simulated ATSAM3X8E and ATSAM4S16C do what their data sheets say, and
 * complain where these forbid?
 *
 *   ATSAM3X8E    two planes of 256 KB, pages of 256 bytes, erased as they are written
 *   ATSAM4S16C   one plane of 1 MB, pages of 512 bytes, erased 4 to 32 at a time
 *
 * Registers are driven as the core would, on its bus; the core executes nothing but a small
 * loop where a test needs it.  Addresses and bits are written out from the data sheets again.
 * Each test runs on each chip that it concerns; an argument chooses tests by a pattern. */
#include "board.h"
#include "sam3.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { RAM = 0x20000000, EEFC0 = 0x400E0A00, EEFC1 = 0x400E0C00, FMR = 0, FCR = 4, FSR = 8,
       FRR = 12, PIOA = 0x400E0E00, PIOB = 0x400E1000, SYSIO = 0x400E0314 };
enum { FRDY = 1, FCMDE = 2, FLOCKE = 4 };
enum { GETD, WP, WPL, EWP, EWPL, EA, EPA = 7, SLB, CLB, GLB, SGPB, CGPB, GGPB, STUI, SPUI };

static const struct part {
    const char *name;
    uint32_t flash, kb, page, plane, lock, cidr, cidr_at, cpuid, ram_end, rom;
    uint32_t pmc, uart, rstc, wdt, uart_pins;
    const char *tx;
    double write_ms;
    int gpnvms;
    bool is_4s;
} parts[] = {
    { "sam3x8e", 0x00080000, 512, 256, 0x40000, 0x4000, 0x285E0A60, 0x400E0940, 0x412FC230,
      0x20088000, 0x00100000, 0x400E0600, 0x400E0800, 0x400E1A00, 0x400E1A50, 3 << 8, "PA9",
      2.3, 3, false },
    { "sam4s16", 0x00400000, 1024, 512, 0x100000, 0x2000, 0x28AC0CE0, 0x400E0740, 0x410FC241,
      0x20020000, 0x00800000, 0x400E0400, 0x400E0600, 0x400E1400, 0x400E1450, 3 << 9, "PA10",
      1.5, 2, true },
};
static const struct part *is;

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

static uint32_t get_sized(uint32_t address, int width)
{
    uint32_t value = 0;
    assert_true(bus_read(chip->bus, BUS_DATA, address, width, &value));
    return value;
}

static uint32_t get(uint32_t address) { return get_sized(address, 4); }
static void put_sized(uint32_t address, uint32_t value, int width)
{
    assert_true(bus_write(chip->bus, BUS_DATA, address, width, value));
}
static void put(uint32_t address, uint32_t value) { put_sized(address, value, 4); }
static bool readable(enum bus_master master, uint32_t address)
{
    return bus_read(chip->bus, master, address, 4, &(uint32_t){ 0 });
}

static bool debugger_reads(uint32_t address)
{
    return sam3_flash_debug_allowed(chip->state, address, false) && readable(BUS_DEBUG, address);
}

/* Vectors, and a loop at 0x10: b .  It is what the chip starts with, so that nothing locks up. */
static const uint32_t program[] = { RAM + 0x1000, 0x11, 0x11, 0x11, 0xE7FEE7FE };

static void power_cycle(void)
{
    board_power_target(board, false);
    board_power_target(board, true);
    board_run_ms(board, 4);
}

static void reset(void)
{
    chip->reset(chip, RESET_SOFTWARE);
    board_run_ms(board, 1);
}

static int power_on(void **state)
{
    (void)state;
    char error[256];
    struct board_options options = { .target = is->name };
    board = board_new(&options, error, sizeof error);
    if (!board)
        fail_msg("%s", error);
    chip = board->target;
    memcpy(chip->flash, program, sizeof program);
    board->sim->report = listen_to_reports;
    power_cycle();
    memset(said, 0, sizeof said);
    return 0;
}

static int power_off(void **state)
{
    (void)state;
    board_free(board);
    return 0;
}

static void command(uint32_t eefc, uint32_t what, uint32_t argument)
{
    put(eefc + FCR, 0x5A000000 | argument << 8 | what);
}

static double busy_ms(uint32_t eefc)
{
    sim_time start = board->sim->now;
    while (!(get(eefc + FSR) & FRDY))
        board_run_ms(board, board->sim->now - start > 100 * SIM_MS ? 10 : 0.01);
    return (double)(board->sim->now - start) / (double)SIM_MS;
}

static void assert_takes(uint32_t eefc, double ms)
{
    double is_ms = busy_ms(eefc);
    if (is_ms < ms || is_ms > ms * 1.01 + 0.02)
        fail_msg("busy for %.3f ms, not %.3f", is_ms, ms);
}

static void fill_latch(uint32_t page, uint32_t with)
{
    for (uint32_t i = 0; i < is->page; i += 4)
        put(is->flash + page * is->page + i, with + i);
}

static bool is_filled(uint32_t offset, uint32_t size, uint8_t with)
{
    for (uint32_t i = 0; i < size; i++)
        if (chip->flash[offset + i] != with)
            return false;
    return true;
}

/* --- identification, map ------------------------------------------------------------ */

static void it_identifies_itself(void **state)
{
    (void)state;
    assert_int_equal(get(is->cidr_at), is->cidr);
    assert_int_equal(get(is->cidr_at + 4), 0);
    assert_int_equal(get(0xE000ED00), is->cpuid);
    command(EEFC0, GETD, 0);
    get(EEFC0 + FRR);
    assert_int_equal(get(EEFC0 + FRR), is->plane);
    assert_int_equal(get(EEFC0 + FRR), is->page);
    assert_int_equal(get(EEFC0 + FRR), 1);
    assert_int_equal(get(EEFC0 + FRR), is->plane);
    assert_int_equal(get(EEFC0 + FRR), is->plane / is->lock);
    assert_int_equal(get(EEFC0 + FRR), is->lock);
    assert_int_equal(get(EEFC0 + FRR), 0);
}

static void flash_and_ram_end_where_they_end(void **state)
{
    (void)state;
    assert_true(readable(BUS_DATA, is->flash + is->kb * 1024 - 4));
    assert_true(is->is_4s || get(0x20080000) == get(0x20080000));
    assert_true(readable(BUS_DATA, is->ram_end - 4));
    assert_false(readable(BUS_DATA, is->ram_end));
    if (!is->is_4s) {
        put(RAM + 4, 0x12345678);
        assert_int_equal(get(0x20070004), 0x12345678);      /* one run with SRAM1 */
    } else {
        assert_false(readable(BUS_DATA, is->flash + is->kb * 1024));
    }
}

/* --- flash -------------------------------------------------------------------------- */

static void a_page_goes_through_the_latch(void **state)
{
    (void)state;
    fill_latch(40, 0x12340000);
    assert_int_equal(get(is->flash + 40 * is->page), 0xFFFFFFFF);
    command(EEFC0, WP, 40);
    assert_int_equal(get(EEFC0 + FSR), 0);
    assert_takes(EEFC0, is->write_ms);
    assert_int_equal(get(is->flash + 40 * is->page), 0x12340000);
    assert_int_equal(get(is->flash + 41 * is->page - 4), 0x12340000 + is->page - 4);
    assert_int_equal(get(is->flash + 41 * is->page), 0xFFFFFFFF);
    command(EEFC0, WP, 41);                                 /* the latch is ones again */
    busy_ms(EEFC0);
    assert_true(is_filled(41 * is->page, is->page, 0xFF));
    nobody_complained();
}

static void the_page_number_decides_not_the_address(void **state)
{
    (void)state;
    put(is->flash + 8, 0x12345678);
    command(EEFC0, WP, 50);
    busy_ms(EEFC0);
    assert_int_equal(get(is->flash + 8), program[2]);
    assert_int_equal(get(is->flash + 50 * is->page + 8), 0x12345678);
}

static void wp_only_clears_bits(void **state)
{
    (void)state;
    put(is->flash, 0x0F0F0F0F);
    command(EEFC0, WP, 40);
    busy_ms(EEFC0);
    put(is->flash, 0x00F0FFFF);
    command(EEFC0, WP, 40);
    assert_said(SIM_RULE, "not erased");
    busy_ms(EEFC0);
    assert_int_equal(get(is->flash + 40 * is->page), 0x00000F0F);
}

static void a_narrow_store_is_lost(void **state)
{
    (void)state;
    put_sized(is->flash, 0x1234, 2);
    assert_said(SIM_RULE, "32 bits");
    put_sized(is->flash, 0x12, 1);
    command(EEFC0, WP, 40);
    busy_ms(EEFC0);
    assert_true(is_filled(40 * is->page, is->page, 0xFF));
}

static void ewp_erases_before(void **state)
{
    uint32_t page = 3;
    (void)state;
    memset(chip->flash + page * is->page, 0, is->page);
    fill_latch(page, 0xA5A50000);
    command(EEFC0, EWP, page);
    assert_takes(EEFC0, is->is_4s ? 11.5 : 4.6);
    assert_int_equal(get(is->flash + page * is->page), 0xA5A50000);
    command(EEFC0, EWP, 0x4000 / is->page);                 /* a SAM4S: in its first 16 KB only */
    assert_int_equal(get(EEFC0 + FSR) & FCMDE, is->is_4s ? FCMDE : 0);
}

static void a_wrong_key_or_command_or_page_is_fcmde_until_read(void **state)
{
    (void)state;
    put(EEFC0 + FCR, 0x5B000000 | WP);
    assert_int_equal(get(EEFC0 + FSR), FRDY | FCMDE);
    assert_int_equal(get(EEFC0 + FSR), FRDY);
    assert_said(SIM_RULE, "key");
    command(EEFC0, 0x1F, 0);
    assert_int_equal(get(EEFC0 + FSR), FRDY | FCMDE);
    command(EEFC0, WP, is->plane / is->page);
    assert_int_equal(get(EEFC0 + FSR), FRDY | FCMDE);
    command(EEFC0, SGPB, (uint32_t)is->gpnvms);
    assert_int_equal(get(EEFC0 + FSR), FRDY | FCMDE);
    command(EEFC0, EPA, 0x4000 / is->page | 1);
    assert_int_equal(get(EEFC0 + FSR) & FCMDE, is->is_4s ? 0 : FCMDE);
}

static void a_command_while_busy_is_fcmde(void **state)
{
    (void)state;
    command(EEFC0, WP, 40);
    command(EEFC0, WP, 41);
    assert_said(SIM_RULE, "FRDY is 0");
    assert_int_equal(get(EEFC0 + FSR), FCMDE);
    assert_takes(EEFC0, is->write_ms);
}

static void lock_bits_keep_their_region(void **state)
{
    uint32_t page = 2 * is->lock / is->page;
    (void)state;
    command(EEFC0, SLB, page);
    busy_ms(EEFC0);
    command(EEFC0, GLB, 0);
    assert_int_equal(get(EEFC0 + FRR), 1 << 2);
    put(is->flash, 0);
    command(EEFC0, WP, page);
    assert_int_equal(get(EEFC0 + FSR), FRDY | FLOCKE);
    command(EEFC0, WP, page + is->lock / is->page - 1);
    assert_int_equal(get(EEFC0 + FSR), FRDY | FLOCKE);
    command(EEFC0, EA, 0);
    assert_int_equal(get(EEFC0 + FSR), FRDY | FLOCKE);
    assert_int_equal(get(is->flash), program[0]);
    command(EEFC0, CLB, page);
    busy_ms(EEFC0);
    command(EEFC0, WP, page);
    assert_takes(EEFC0, is->write_ms);
    power_cycle();
    command(EEFC0, GLB, 0);
    assert_int_equal(get(EEFC0 + FRR), 0);
}

static void wpl_locks_what_it_wrote(void **state)
{
    (void)state;
    command(EEFC0, WPL, is->lock / is->page);
    busy_ms(EEFC0);
    power_cycle();
    command(EEFC0, GLB, 0);
    assert_int_equal(get(EEFC0 + FRR), 1 << 1);
}

static void all_is_erased_by_plane(void **state)
{
    (void)state;
    memset(chip->flash, 0x55, is->kb * 1024);
    chip->cpu->halted = true;
    command(EEFC0, EA, 0);
    assert_takes(EEFC0, is->is_4s ? 9000 : 10);
    assert_true(is_filled(0, is->plane, 0xFF));
    if (!is->is_4s)
        assert_true(is_filled(is->plane, is->plane, 0x55));
}

static void the_unique_id_is_shown_between_two_commands(void **state)
{
    uint32_t id[4];
    (void)state;
    chip->cpu->halted = true;
    command(EEFC0, STUI, 0);
    assert_int_equal(get(EEFC0 + FSR), 0);
    for (uint32_t i = 0; i < 4; i++)
        id[i] = get(is->flash + 4 * i);
    command(EEFC0, SPUI, 0);
    assert_int_equal(get(EEFC0 + FSR), FRDY);
    assert_int_equal(get(is->flash), program[0]);
    assert_true(id[0] != id[1] && id[1] != 0xFFFFFFFF);
}

static void power_that_fails_leaves_a_page_between_both(void **state)
{
    uint32_t ones = 0;
    (void)state;
    for (uint32_t i = 0; i < is->page; i += 4)
        put(is->flash + i, 0);
    command(EEFC0, WP, 40);
    board_run_ms(board, 0.5);
    power_cycle();
    for (uint32_t i = 0; i < is->page; i++)
        ones += (uint32_t)__builtin_popcount(chip->flash[40 * is->page + i]);
    assert_in_range(ones, is->page, 7 * is->page);
}

static void the_interrupt_is_frdy(void **state)
{
    (void)state;
    chip->cpu->halted = true;
    put(EEFC0 + FMR, FRDY);
    assert_int_equal(get(0xE000E200) >> 6 & 1, 1);
    command(EEFC0, WP, 40);
    put(0xE000E280, 1 << 6);
    assert_int_equal(get(0xE000E200) >> 6 & 1, 0);
    busy_ms(EEFC0);
    assert_int_equal(get(0xE000E200) >> 6 & 1, 1);
}

/* adds r0,#1 / b .-2, in plane 0 */
static void the_core_waits_for_its_own_plane(void **state)
{
    uint32_t before;
    (void)state;
    memcpy(chip->flash + 0x10, &(uint32_t){ 0xE7FD3001 }, 4);
    reset();
    command(EEFC0, WP, 40);
    before = chip->cpu->r[0];
    board_run_ms(board, 1);
    assert_in_range(chip->cpu->r[0] - before, 0, 4);
    board_run_ms(board, 4);
    assert_true(chip->cpu->r[0] - before > 500);
    if (is->is_4s)
        return;
    command(EEFC1, WP, 40);
    before = chip->cpu->r[0];
    board_run_ms(board, 1);
    assert_true(chip->cpu->r[0] - before > 500);
}

/* --- a SAM4S's erase, a SAM3X's second plane ------------------------------------------ */

static void epa_erases_4_to_32_pages(void **state)
{
    static const struct { uint32_t argument, from, pages; double ms; } cases[] = {
        { 4 | 0, 4, 4, 10 }, { 8 | 1, 8, 8, 10 }, { 64 | 1, 64, 8, 10 }, { 64 | 2, 64, 16, 20 },
        { 64 | 3, 64, 32, 40 }, { 2044 | 3, 2016, 32, 40 },
    };
    (void)state;
    chip->cpu->halted = true;
    for (int i = 0; i < 6; i++) {
        memset(chip->flash, 0x55, is->kb * 1024);
        command(EEFC0, EPA, cases[i].argument);
        assert_takes(EEFC0, cases[i].ms);
        assert_true(is_filled(cases[i].from * 512, cases[i].pages * 512, 0xFF));
        assert_true(is_filled(0, cases[i].from * 512, 0x55));
        if (cases[i].from + cases[i].pages < 2048)
            assert_int_equal(chip->flash[(cases[i].from + cases[i].pages) * 512], 0x55);
    }
    command(EEFC0, EPA, 64 | 0);                            /* 4 pages only in 8 KB sectors */
    assert_int_equal(get(EEFC0 + FSR), FRDY | FCMDE);
    command(EEFC0, EPA, 0 | 3);                             /* 32 pages not there */
    assert_int_equal(get(EEFC0 + FSR), FRDY | FCMDE);
}

static void each_plane_has_a_controller(void **state)
{
    (void)state;
    put(is->flash + is->plane, 0x12345678);
    command(EEFC0, WP, 40);                                 /* that latch is empty */
    busy_ms(EEFC0);
    assert_true(is_filled(40 * 256, 256, 0xFF));
    command(EEFC1, WP, 40);
    assert_int_equal(get(EEFC0 + FSR), FRDY);
    assert_takes(EEFC1, 2.3);
    assert_int_equal(get(is->flash + is->plane + 40 * 256), 0x12345678);
    command(EEFC1, SGPB, 1);
    assert_int_equal(get(EEFC1 + FSR), FRDY | FCMDE);
    command(EEFC1, SLB, 0);
    busy_ms(EEFC1);
    command(EEFC0, GLB, 0);
    assert_int_equal(get(EEFC0 + FRR), 0);
}

static void gpnvm_2_starts_the_second_plane(void **state)
{
    (void)state;
    memcpy(chip->flash + is->plane, program, sizeof program);
    chip->flash[is->plane + 0x20] = 0x77;
    command(EEFC0, SGPB, 2);
    busy_ms(EEFC0);
    reset();
    assert_int_equal(get_sized(0x20, 1), 0x77);
    assert_int_equal(get_sized(is->flash + 0x20, 1), 0xFF);
}

/* --- GPNVM, resets, watchdog ----------------------------------------------------------- */

static void without_gpnvm_1_it_starts_its_rom(void **state)
{
    (void)state;
    command(EEFC0, GGPB, 0);
    assert_int_equal(get(EEFC0 + FRR), 2);
    assert_int_equal(chip->cpu->r[15] & ~1u, 0x10);
    command(EEFC0, CGPB, 1);
    busy_ms(EEFC0);
    reset();
    assert_said(SIM_NOTE, "SAM-BA");
    assert_int_equal(chip->cpu->r[15] & ~0xFu, is->rom);
    command(EEFC0, SGPB, 1);
    busy_ms(EEFC0);
    power_cycle();
    assert_int_equal(chip->cpu->r[15] & ~1u, 0x10);
}

static void the_security_bit_ends_debugging_for_good(void **state)
{
    (void)state;
    assert_true(debugger_reads(is->flash));
    command(EEFC0, SGPB, 0);
    busy_ms(EEFC0);
    assert_false(debugger_reads(is->flash));
    assert_false(debugger_reads(RAM));
    assert_false(debugger_reads(0xE000EDF0));
    command(EEFC0, CGPB, 0);
    assert_int_equal(get(EEFC0 + FSR), FRDY | FCMDE);
    power_cycle();
    assert_false(debugger_reads(RAM));
    assert_int_equal(get(is->flash), program[0]);
}

static void rstc_tells_of_the_last_reset(void **state)
{
    (void)state;
    assert_int_equal(get(is->rstc + 4) >> 8 & 7, 0);
    reset();
    assert_int_equal(get(is->rstc + 4) >> 8 & 7, 3);
    put(is->rstc, 0xA500000D);
    board_run_ms(board, 1);
    assert_int_equal(get(is->rstc + 4) >> 8 & 7, 3);
    put(is->rstc, 0x0000000D);                              /* no key */
    assert_int_equal(get(is->rstc + 4) >> 16 & 1, 1);
}

static void the_watchdog_runs_from_reset_on(void **state)
{
    (void)state;
    assert_int_equal(get(is->wdt + 4), 0x3FFF2FFF);
    board_run_ms(board, 15900);
    assert_int_equal(get(is->rstc + 4) >> 8 & 7, 0);
    put(is->wdt, 0xA5000001);
    board_run_ms(board, 15900);
    assert_int_equal(get(is->rstc + 4) >> 8 & 7, 0);
    board_run_ms(board, 200);
    assert_int_equal(get(is->rstc + 4) >> 8 & 7, 2);
}

static void wdt_mr_is_written_once(void **state)
{
    (void)state;
    put(is->wdt + 4, 0x8000);
    put(is->wdt + 4, 0x2001);
    assert_said(SIM_FORGIVEN, "only the first");
    board_run_ms(board, 17000);
    assert_int_equal(get(is->rstc + 4) >> 8 & 7, 0);
}

static void the_watchdog_stands_still_in_a_halt_if_told_so(void **state)
{
    (void)state;
    chip->cpu->halted = true;                               /* WDDBGHLT is set out of reset */
    board_run_ms(board, 20000);
    assert_int_equal(get(is->rstc + 4) >> 8 & 7, 0);
    reset();
    put(is->wdt + 4, 0x2010);
    chip->cpu->halted = true;
    board_run_ms(board, 100);
    assert_int_equal(get(is->rstc + 4) >> 8 & 7, 2);
}

/* --- clocks, pins, UART ----------------------------------------------------------------- */

static void go_to_48_mhz(void)
{
    put(EEFC0 + FMR, 2 << 8);
    put(is->pmc + 0x20, 0x37 << 16 | 8 << 8 | 9);
    board_run_ms(board, 3);
    assert_int_equal(get(is->pmc + 0x68) & 1, 1);
    put(is->pmc + 0x20, 1 << 24 | 0x37 << 16 | 8 << 8 | 9);
    put(is->pmc + 0x28, 1 << 29 | 7 << 16 | 8 << 8 | 1);
    board_run_ms(board, 1);
    put(is->pmc + 0x30, 0x11);
    put(is->pmc + 0x30, 0x12);
}

static void it_starts_at_4_mhz_and_goes_up_by_its_plla(void **state)
{
    (void)state;
    assert_int_equal(SIM_SECOND / chip->cpu->cycle, 4000000);
    go_to_48_mhz();
    assert_int_equal(SIM_SECOND / chip->cpu->cycle, 48000000);
    nobody_complained();
    put(EEFC0 + FMR, 0);
    assert_said(SIM_RULE, "wait states");
}

static void the_main_oscillator_has_a_key(void **state)
{
    (void)state;
    put(is->pmc + 0x20, 9);
    assert_said(SIM_RULE, "0x37");
    assert_int_equal(get(is->pmc + 0x20), 8);
}

static void a_port_drives_reads_and_pulls(void **state)
{
    struct pin *pin = chip->pin(chip, "PA2");
    struct net *net = net_new(board->sim, "a wire");
    (void)state;
    net_attach(net, pin, false);
    assert_int_equal(get(PIOA + 8), 0xFFFFFFFF);            /* PSR */
    assert_int_equal(get(PIOA + 0x3C) >> 2 & 1, 1);         /* pulled up */
    put(PIOA + 0x34, 4);
    put(PIOA + 0x10, 4);                                    /* OER */
    assert_int_equal(get(PIOA + 0x3C) >> 2 & 1, 0);
    put(PIOA + 0x30, 4);
    assert_int_equal(get(PIOA + 0x3C) >> 2 & 1, 1);
    assert_int_equal(get(PIOA + 0x38), 4);
    put(PIOA + 0x14, 4);
    assert_int_equal(get(PIOA + 0x18), 0);
    net_free(net);
}

static void a_sam4s_may_give_its_debug_pins_away(void **state)
{
    struct sam3 *sam3 = chip->state;
    (void)state;
    assert_true(sam3_pio_debug_pins(sam3->pio));
    put(SYSIO, 1 << 5);                                     /* TDO alone */
    assert_true(sam3_pio_debug_pins(sam3->pio));
    put(SYSIO, 1 << 6);
    assert_false(sam3_pio_debug_pins(sam3->pio));
    reset();
    assert_true(sam3_pio_debug_pins(sam3->pio));
}

static void the_uart_sends_at_its_rate(void **state)
{
    struct pin *tx = chip->pin(chip, is->tx);
    (void)state;
    put(is->uart, 0x50);
    assert_said(SIM_FORGIVEN, "clock is off");
    put(is->pmc + 0x10, 1 << 8);
    put(PIOA + 4, is->uart_pins);
    put(is->uart + 4, 4 << 9);
    put(is->uart + 0x20, 26);                               /* 4 MHz / 16 / 26 = 9615 */
    put(is->uart, 0x50);
    assert_int_equal(get(is->uart + 0x14), 0x202);          /* TXEMPTY, TXRDY */
    assert_true(pin_sample(tx));
    put(is->uart + 0x1C, 0x00);
    assert_int_equal(get(is->uart + 0x14) & 0x202, 2);
    board_run_ms(board, 0.5);
    assert_false(pin_sample(tx));
    board_run_ms(board, 1);
    assert_true(pin_sample(tx));
    assert_int_equal(get(is->uart + 0x14), 0x202);
}

#define T(name) cmocka_unit_test_setup_teardown(name, power_on, power_off)

static const struct CMUnitTest of_both[] = {
    T(it_identifies_itself),
    T(flash_and_ram_end_where_they_end),
    T(a_page_goes_through_the_latch),
    T(the_page_number_decides_not_the_address),
    T(wp_only_clears_bits),
    T(a_narrow_store_is_lost),
    T(ewp_erases_before),
    T(a_wrong_key_or_command_or_page_is_fcmde_until_read),
    T(a_command_while_busy_is_fcmde),
    T(lock_bits_keep_their_region),
    T(wpl_locks_what_it_wrote),
    T(all_is_erased_by_plane),
    T(the_unique_id_is_shown_between_two_commands),
    T(power_that_fails_leaves_a_page_between_both),
    T(the_interrupt_is_frdy),
    T(the_core_waits_for_its_own_plane),
    T(without_gpnvm_1_it_starts_its_rom),
    T(the_security_bit_ends_debugging_for_good),
    T(rstc_tells_of_the_last_reset),
    T(the_watchdog_runs_from_reset_on),
    T(wdt_mr_is_written_once),
    T(the_watchdog_stands_still_in_a_halt_if_told_so),
    T(it_starts_at_4_mhz_and_goes_up_by_its_plla),
    T(the_main_oscillator_has_a_key),
    T(a_port_drives_reads_and_pulls),
    T(the_uart_sends_at_its_rate),
};

static const struct CMUnitTest of_3x[] = {
    T(each_plane_has_a_controller),
    T(gpnvm_2_starts_the_second_plane),
};

static const struct CMUnitTest of_4s[] = {
    T(epa_erases_4_to_32_pages),
    T(a_sam4s_may_give_its_debug_pins_away),
};

int main(int argc, char **argv)
{
    int failed = 0;
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    for (is = parts; is < parts + sizeof parts / sizeof parts[0]; is++) {
        printf("%s:\n", is->name);
        fflush(stdout);
        failed += cmocka_run_group_tests(of_both, NULL, NULL);
        if (is->is_4s)
            failed += cmocka_run_group_tests(of_4s, NULL, NULL);
        else
            failed += cmocka_run_group_tests(of_3x, NULL, NULL);
    }
    return failed;
}
