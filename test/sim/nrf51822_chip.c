/* nrf51822_chip.c - does the simulated nRF51822 do what its reference manual says, where it is
 * not an nRF52840?  What both have, test/sim/nrf52840_chip.c looks at.
 *
 * Registers are driven as the core would, on its bus, and memory as a debugger would; the core
 * executes nothing.  Addresses are written out from the manual again. */
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
    FICR = 0x10000000, UICR = 0x10001000, CLENR0 = UICR, RBPCONF = UICR + 4, RAM = 0x20000000,
    POWER = 0x40000000, RESETREAS = POWER + 0x400, POWER_RESET = POWER + 0x544,
    PROTENSET0 = 0x40000600, PROTENSET1 = 0x40000604, DISABLEINDEBUG = 0x40000608,
    UART = 0x40002000, NVMC = 0x4001E000, READY = NVMC + 0x400, CONFIG = NVMC + 0x504,
    ERASEPAGE = NVMC + 0x508, ERASEALL = NVMC + 0x50C, ERASEPCR0 = NVMC + 0x510,
    ERASEUICR = NVMC + 0x514, P0 = 0x50000000,
};
enum { REN, WEN, EEN };

static struct board *board;
static struct chip *chip;
static struct pin host_dio, host_clk;           /* a debugger's ends of the wires */
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
    struct board_options options = { .target = "nrf51822" };
    board = board_new(&options, error, sizeof error);
    if (!board)
        fail_msg("%s", error);
    chip = board->target;
    board->sim->report = listen_to_reports;
    pin_init(&host_dio, board->sim, "host SWDIO", NULL, NULL);
    pin_init(&host_clk, board->sim, "host SWCLK", NULL, NULL);
    net_attach(chip->pin(chip, "SWDIO")->net, &host_dio, true);
    net_attach(chip->pin(chip, "SWCLK")->net, &host_clk, true);
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

static void erase(uint32_t reg, uint32_t value)
{
    put(CONFIG, EEN);
    put(reg, value);
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

/* An access of AP 0; the debug port is what dp.h shows first (swdp.c). */
static bool ap(uint32_t reg, bool write, uint32_t *value)
{
    struct dp *dp = (struct dp *)chip->debug_port;
    dp_write(dp, DP_CTRL_STAT, CDBGPWRUPREQ | CSYSPWRUPREQ);
    dp_write(dp, DP_SELECT, reg & 0xF0);
    dp_ap_access(dp, write, reg & 0xC, *value);
    board_run_ms(board, 0.01);
    *value = dp_read(dp, DP_RDBUFF);
    bool good = !(dp->flags & STICKYERR);
    dp_write(dp, DP_ABORT, 0x1E);
    return good;
}

static uint32_t ap_register(uint32_t reg)
{
    uint32_t value = 0;
    assert_true(ap(reg, false, &value));
    return value;
}

static uint32_t debugger_gets(uint32_t address)
{
    uint32_t value = 0;
    assert_true(ap(4, true, &address));
    assert_true(ap(0xC, false, &value));
    return value;
}

static bool debugger_puts(uint32_t address, uint32_t value)
{
    assert_true(ap(4, true, &address));
    bool good = ap(0xC, true, &value);
    board_run_ms(board, 0.1);
    return good;
}

/* --- identification, map ------------------------------------------------------------ */

static void it_identifies_itself_as_nrf51822_qfaa(void **state)
{
    (void)state;
    assert_int_equal(get(FICR + 0x010), 1024);              /* CODEPAGESIZE */
    assert_int_equal(get(FICR + 0x014), 256);               /* CODESIZE */
    assert_int_equal(get(FICR + 0x028), 0xFFFFFFFF);        /* CLENR0 */
    assert_int_equal(get(FICR + 0x02C), 0xFFFFFFFF);        /* PPFC */
    assert_int_equal(get(FICR + 0x034) * get(FICR + 0x038), 16384);
    assert_int_equal(get(FICR + 0x05C) & 0xFFFF, 0x0072);   /* HWID */
    assert_int_not_equal(get(FICR + 0x060), 0xFFFFFFFF);    /* DEVICEID */
    assert_true(faults(FICR + 0x010, 0, 4));
    assert_int_equal(get(0xE000ED00), 0x410CC200);          /* Cortex-M0 r0p0 */
    assert_int_equal(ap_register(0xFC), 0x04770021);
    assert_int_equal(ap_register(0xF8), 0xF0000003);
    assert_int_equal(chip->cpu->cycle, SIM_SECOND / 16000000);
    nobody_complained();
}

static void two_rom_tables_lead_to_a_cortex_m0(void **state)
{
    (void)state;
    assert_int_equal(get(0xF0000FE0), 0x01);                /* part 0x001, Nordic 0x244 */
    assert_int_equal(get(0xF0000FE4), 0x40);
    assert_int_equal(get(0xF0000FE8), 0x3C);                /* third revision */
    assert_int_equal(get(0xF0000FD0), 0x02);
    assert_int_equal(get(0xF0000FF4), 0x10);
    uint32_t entry = get(0xF0000000);
    assert_int_equal(entry & 3, 3);
    assert_int_equal(0xF0000000 + (entry & ~0xFFFu), 0xE00FF000);
    assert_int_equal(get(0xF0000004), 0);
    assert_int_equal(get(0xE00FFFE0), 0x71);
}

static void it_has_one_access_port(void **state)
{
    (void)state;
    struct dp *dp = (struct dp *)chip->debug_port;
    assert_int_equal(dp_read(dp, DP_DPIDR), 0x0BB11477);
    dp_write(dp, DP_CTRL_STAT, CDBGPWRUPREQ | CSYSPWRUPREQ);
    dp_write(dp, DP_SELECT, 1u << 24 | 0xF0);
    dp_ap_access(dp, false, 0xC, 0);
    board_run_ms(board, 0.01);
    assert_int_equal(dp_read(dp, DP_RDBUFF), 0);            /* no CTRL-AP */
}

static void memories_end_where_they_end(void **state)
{
    (void)state;
    put(RAM + 0x3FFC, 0x12345678);
    assert_int_equal(get(RAM + 0x3FFC), 0x12345678);
    assert_false(bus_read(chip->bus, BUS_DATA, RAM + 0x4000, 4, &(uint32_t){ 0 }));
    assert_int_equal(get(0x3FFFC), 0xFFFFFFFF);
    assert_false(bus_read(chip->bus, BUS_DATA, 0x40000, 4, &(uint32_t){ 0 }));
    assert_false(bus_read(chip->bus, BUS_DATA, 0x00800000, 4, &(uint32_t){ 0 }));
    assert_false(bus_read(chip->bus, BUS_DATA, UICR + 0x400, 4, &(uint32_t){ 0 }));
    assert_null(chip->pin(chip, "P1.00"));
    assert_null(chip->signal_pin("NRST"));
}

/* --- NVMC --------------------------------------------------------------------------- */

static void a_word_takes_46_us_and_a_page_of_1_kb_22_ms(void **state)
{
    (void)state;
    put(CONFIG, WEN);
    put(0x1000, 0x12345678);
    assert_in_range((int)(busy_us() * 10 + 0.5), 463, 475);
    assert_int_equal(get(0x1000), 0x12345678);
    memset(chip->flash, 0, 0x2000);
    put(CONFIG, EEN);
    put(ERASEPAGE, 0x1400);
    assert_in_range((int)(busy_us() / 100 + 0.5), 223, 225);
    for (int i = 0; i < 0x2000; i++)
        assert_int_equal(chip->flash[i], i / 0x400 == 5 ? 0xFF : 0);
    nobody_complained();
    put(ERASEPAGE, 0x1200);
    assert_said(SIM_RULE, "begins no page");
}

static void a_second_store_waits_for_the_first(void **state)
{
    (void)state;
    struct bus_region *flash = bus_find(chip->bus, 0);
    put(CONFIG, WEN);
    put(0x1000, 1);
    assert_true(*bus_busy(flash, true) > board->sim->now);
    assert_int_equal(get(NVMC + 0x408), 0);                 /* there is no READYNEXT */
}

static void what_an_nrf52_has_is_not_here(void **state)
{
    (void)state;
    chip->flash[0x1000] = 0;
    put(CONFIG, EEN);
    put(NVMC + 0x51C, 100);
    put(NVMC + 0x518, 0x1000);                              /* ERASEPAGEPARTIAL */
    put(NVMC + 0x540, 1);                                   /* ICACHECNF */
    assert_int_equal(get(NVMC + 0x540), 0);
    assert_int_equal(get(READY), 1);
    assert_int_equal(chip->flash[0x1000], 0);
    put(NVMC + 0x800, 0x1000);                              /* ACL */
    put(NVMC + 0x804, 0x1000);
    put(NVMC + 0x808, 2);
    put(ERASEPAGE, 0x1000);
    busy_us();
    assert_int_equal(chip->flash[0x1000], 0xFF);
}

static void narrow_stores_and_those_without_wen_are_bus_errors(void **state)
{
    (void)state;
    assert_true(faults(0x1000, 0, 4));
    assert_said(SIM_RULE, "not Wen");
    put(CONFIG, WEN);
    assert_true(faults(0x1000, 0, 2));
    assert_said(SIM_RULE, "whole words");
    assert_int_equal(get(0x1000), 0xFFFFFFFF);
}

static void eraseall_takes_flash_and_uicr_together(void **state)
{
    (void)state;
    store(UICR + 0x80, 0x12345678);
    memset(chip->flash, 0, chip->flash_size);
    put(CONFIG, EEN);
    put(ERASEALL, 1);
    assert_in_range((int)(busy_us() / 100 + 0.5), 223, 225);
    for (uint32_t i = 0; i < chip->flash_size; i++)
        assert_int_equal(chip->flash[i], 0xFF);
    assert_int_equal(get(UICR + 0x80), 0xFFFFFFFF);
}

static void eraseuicr_does_nothing_on_a_chip_that_came_empty(void **state)
{
    (void)state;
    store(UICR + 0x80, 0x12345678);
    erase(ERASEUICR, 1);
    assert_int_equal(get(UICR + 0x80), 0x12345678);
    assert_said(SIM_NOTE, "PPFC");
}

/* --- region 0 ----------------------------------------------------------------------- */

static void region_0_begins_with_a_reset_that_finds_clenr0(void **state)
{
    (void)state;
    memset(chip->flash, 0, 0x2000);
    store(CLENR0, 0x1000);
    chip->cpu->pc = 0x1800;                                 /* code behind the region */
    erase(ERASEPAGE, 0xC00);
    assert_int_equal(chip->flash[0xC00], 0xFF);
    reset(RESET_SOFTWARE);
    chip->cpu->pc = 0x1800;
    erase(ERASEPAGE, 0x800);
    assert_int_equal(chip->flash[0x800], 0);
    assert_said(SIM_NOTE, "region 0 protects 0x00000800 from erasing");
    put(CONFIG, WEN);
    assert_true(faults(0xC00, 0, 4));
    assert_said(SIM_NOTE, "region 0 protects 0x00000C00 from writing");
    erase(ERASEPAGE, 0x1000);                               /* the first behind it */
    assert_int_equal(chip->flash[0x1000], 0xFF);
    nobody_complained();
}

static void its_own_code_erases_in_region_0_by_erasepcr0(void **state)
{
    (void)state;
    memset(chip->flash, 0, 0x2000);
    store(CLENR0, 0x1000);
    reset(RESET_SOFTWARE);
    chip->cpu->pc = 0x100;
    erase(ERASEPCR0, 0x800);
    assert_int_equal(chip->flash[0x800], 0xFF);
    store(0x800, 5);
    assert_int_equal(get(0x800), 5);
    nobody_complained();
    erase(ERASEPCR0, 0x1000);
    assert_said(SIM_RULE, "not in region 0");
    assert_int_equal(chip->flash[0x1000], 0);
}

static void a_debugger_has_eraseall_for_region_0(void **state)
{
    (void)state;
    memset(chip->flash, 0, 0x2000);
    store(CLENR0, 0x1000);
    reset(RESET_SOFTWARE);
    chip->cpu->pc = 0x100;                                  /* wherever the core is */
    debugger_puts(CONFIG, EEN);
    debugger_puts(ERASEPCR0, 0);
    board_run_ms(board, 30);
    assert_int_equal(chip->flash[0], 0);
    debugger_puts(ERASEALL, 1);
    board_run_ms(board, 30);
    assert_int_equal(chip->flash[0], 0xFF);
    assert_int_equal(get(CLENR0), 0xFFFFFFFF);
}

/* --- readback protection -------------------------------------------------------------- */

static void with_pall_a_debugger_reads_zeros_from_the_next_reset_on(void **state)
{
    (void)state;
    store(0x3FFFC, 0x12345678);
    put(RAM + 0x100, 0x5EC4E700);
    store(RBPCONF, 0xFFFF00FF);
    assert_int_equal(debugger_gets(0x3FFFC), 0x12345678);
    reset(RESET_SOFTWARE);
    assert_int_equal(debugger_gets(0x3FFFC), 0);
    assert_int_equal(debugger_gets(0), 0);
    assert_int_equal(debugger_gets(RBPCONF), 0xFFFF00FF);
    assert_int_equal(debugger_gets(RAM + 0x100), 0x5EC4E700);
    assert_int_equal(debugger_gets(FICR + 0x10), 1024);
    assert_int_equal(get(0x3FFFC), 0x12345678);             /* the core still does */
    power_cycle();
    assert_int_equal(debugger_gets(0x3FFFC), 0);
}

static void with_pall_only_eraseall_is_a_debuggers(void **state)
{
    (void)state;
    store(0x3FFFC, 0x12345678);
    store(RBPCONF, 0xFFFF00FF);
    reset(RESET_SOFTWARE);
    debugger_puts(CONFIG, EEN);
    debugger_puts(ERASEPAGE, 0x3FC00);
    board_run_ms(board, 30);
    assert_said(SIM_NOTE, "only ERASEALL");
    assert_int_equal(get(0x3FFFC), 0x12345678);
    debugger_puts(CONFIG, WEN);
    debugger_puts(0x1000, 0);
    assert_int_equal(get(0x1000), 0xFFFFFFFF);
    debugger_puts(CONFIG, EEN);
    debugger_puts(ERASEALL, 1);
    board_run_ms(board, 30);
    assert_int_equal(debugger_gets(0x3FFFC), 0);            /* until a reset */
    reset(RESET_SOFTWARE);
    assert_int_equal(debugger_gets(0x3FFFC), 0xFFFFFFFF);
    assert_int_equal(debugger_gets(RBPCONF), 0xFFFFFFFF);
}

static void with_pr0_region_0_reads_as_zeros(void **state)
{
    (void)state;
    store(CLENR0, 0x1000);
    store(RBPCONF, 0xFFFFFF00);
    reset(RESET_SOFTWARE);
    assert_int_equal(debugger_gets(0xFFC), 0);
    assert_int_equal(debugger_gets(0x1000), 0xFFFFFFFF);
}

/* --- MPU ------------------------------------------------------------------------------ */

static void protected_blocks_of_4_kb_stay_until_a_reset(void **state)
{
    (void)state;
    memset(chip->flash, 0, 0x3000);
    put(PROTENSET0, 1 << 1);
    put(PROTENSET0, 0);
    assert_int_equal(get(PROTENSET0), 1 << 1);
    put(PROTENSET1, 1u << 31);                              /* the last 4 KB */
    erase(ERASEPAGE, 0x1C00);
    assert_said(SIM_NOTE, "MPU protects 0x00001C00 from erasing");
    assert_int_equal(chip->flash[0x1C00], 0);
    put(CONFIG, WEN);
    assert_true(faults(0x3F000, 0, 4));
    erase(ERASEPAGE, 0x2000);
    assert_int_equal(chip->flash[0x2000], 0xFF);
    reset(RESET_SOFTWARE);
    erase(ERASEPAGE, 0x1C00);
    assert_int_equal(chip->flash[0x1C00], 0xFF);
    nobody_complained();
}

static void clock(int level_of_dio)
{
    pin_drive(&host_dio, level_of_dio ? DRIVE_HIGH : DRIVE_LOW);
    pin_drive(&host_clk, DRIVE_HIGH);
    board_run_ms(board, 0.001);
    pin_drive(&host_clk, DRIVE_LOW);
    board_run_ms(board, 0.001);
}

static void in_debug_mode_they_are_open_unless_disableindebug_is_0(void **state)
{
    (void)state;
    assert_int_equal(get(DISABLEINDEBUG), 1);
    clock(1);
    put(PROTENSET0, 1);
    chip->flash[0] = 0;
    erase(ERASEPAGE, 0);
    assert_int_equal(chip->flash[0], 0xFF);
    put(DISABLEINDEBUG, 0);
    chip->flash[0] = 0;
    erase(ERASEPAGE, 0);
    assert_int_equal(chip->flash[0], 0);
}

/* --- SWDIO is nRESET ---------------------------------------------------------------------- */

static void swdio_low_is_a_reset_until_a_debugger_clocks(void **state)
{
    (void)state;
    put(RESETREAS, ~0u);
    pin_drive(&host_dio, DRIVE_LOW);
    board_run_ms(board, 0.1);
    assert_true(chip->cpu->held_in_reset);
    pin_drive(&host_dio, DRIVE_OPEN);
    board_run_ms(board, 1);
    assert_false(chip->cpu->held_in_reset);
    assert_int_equal(get(RESETREAS), 1);
    clock(1);                                               /* debug interface mode */
    put(RAM, 0x600DCAFE);
    for (int i = 0; i < 8; i++)
        clock(0);
    board_run_ms(board, 1);
    assert_false(chip->cpu->held_in_reset);
    assert_int_equal(get(RAM), 0x600DCAFE);
    power_cycle();                                          /* ends it */
    pin_drive(&host_dio, DRIVE_LOW);
    board_run_ms(board, 1);
    assert_true(chip->cpu->held_in_reset);
    pin_drive(&host_dio, DRIVE_OPEN);
}

static void in_debug_mode_power_reset_has_to_allow_it(void **state)
{
    (void)state;
    put(RESETREAS, ~0u);
    clock(1);
    pin_drive(&host_dio, DRIVE_LOW);
    board_run_ms(board, 1);
    assert_false(chip->cpu->held_in_reset);
    pin_drive(&host_dio, DRIVE_HIGH);
    put(POWER_RESET, 1);
    pin_drive(&host_dio, DRIVE_LOW);
    board_run_ms(board, 0.09);
    assert_false(chip->cpu->held_in_reset);
    pin_drive(&host_clk, DRIVE_HIGH);                       /* both have to be low */
    board_run_ms(board, 1);
    assert_false(chip->cpu->held_in_reset);
    pin_drive(&host_clk, DRIVE_LOW);
    board_run_ms(board, 0.11);
    assert_true(chip->cpu->held_in_reset);
    pin_drive(&host_dio, DRIVE_HIGH);
    board_run_ms(board, 1);
    assert_false(chip->cpu->held_in_reset);
    assert_int_equal(get(RESETREAS), 1);
    assert_int_equal(get(POWER_RESET), 0);
    pin_drive(&host_dio, DRIVE_LOW);                        /* normal mode again */
    board_run_ms(board, 0.01);
    assert_true(chip->cpu->held_in_reset);
}

static void a_chip_held_from_power_on_starts_when_let_go(void **state)
{
    (void)state;
    chip->power(chip, false);
    pin_drive(&host_dio, DRIVE_LOW);
    chip->power(chip, true);
    board_run_ms(board, 4);
    assert_true(chip->cpu->held_in_reset);
    pin_drive(&host_dio, DRIVE_OPEN);
    board_run_ms(board, 1);
    assert_false(chip->cpu->held_in_reset);
}

/* --- the rest ----------------------------------------------------------------------------- */

static void registers_that_only_the_nrf51_has(void **state)
{
    (void)state;
    assert_int_equal(get(POWER + 0x524), 3);                /* RAMON */
    assert_int_equal(get(POWER + 0x550), 0xFF);             /* XTALFREQ */
    put(POWER + 0x550, 0);
    assert_int_equal(get(POWER + 0x550), 0);
    put(POWER + 0x000, 1);
    board_run_ms(board, 0.4);
    assert_int_equal(get(POWER + 0x40C), 0x10001);
    get(0x4000C500);
    assert_said(SIM_UNMODELLED, "TEMP");
    get(0x40007500);
    assert_said(SIM_UNMODELLED, "ADC");
}

static void the_uart_talks_to_itself_over_a_wire(void **state)
{
    (void)state;
    struct net *wire = net_new(board->sim, "wire");
    net_attach(wire, chip->pin(chip, "P0.04"), false);
    net_attach(wire, chip->pin(chip, "P0.05"), false);
    put(UART + 0x50C, 4);
    put(UART + 0x514, 5);
    put(UART + 0x524, 0x01D7E000);
    put(UART + 0x500, 4);
    put(UART + 0x008, 1);
    put(UART + 0x000, 1);
    put(UART + 0x51C, 0xA5);
    board_run_ms(board, 0.1);
    assert_int_equal(get(UART + 0x108), 1);
    assert_int_equal(get(UART + 0x518), 0xA5);
    nobody_complained();
    net_free(wire);
}

#define T(name) cmocka_unit_test_setup_teardown(name, power_on, power_off)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        T(it_identifies_itself_as_nrf51822_qfaa),
        T(two_rom_tables_lead_to_a_cortex_m0),
        T(it_has_one_access_port),
        T(memories_end_where_they_end),
        T(a_word_takes_46_us_and_a_page_of_1_kb_22_ms),
        T(a_second_store_waits_for_the_first),
        T(what_an_nrf52_has_is_not_here),
        T(narrow_stores_and_those_without_wen_are_bus_errors),
        T(eraseall_takes_flash_and_uicr_together),
        T(eraseuicr_does_nothing_on_a_chip_that_came_empty),
        T(region_0_begins_with_a_reset_that_finds_clenr0),
        T(its_own_code_erases_in_region_0_by_erasepcr0),
        T(a_debugger_has_eraseall_for_region_0),
        T(with_pall_a_debugger_reads_zeros_from_the_next_reset_on),
        T(with_pall_only_eraseall_is_a_debuggers),
        T(with_pr0_region_0_reads_as_zeros),
        T(protected_blocks_of_4_kb_stay_until_a_reset),
        T(in_debug_mode_they_are_open_unless_disableindebug_is_0),
        T(swdio_low_is_a_reset_until_a_debugger_clocks),
        T(in_debug_mode_power_reset_has_to_allow_it),
        T(a_chip_held_from_power_on_starts_when_let_go),
        T(registers_that_only_the_nrf51_has),
        T(the_uart_talks_to_itself_over_a_wire),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
