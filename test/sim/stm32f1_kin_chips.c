/* stm32f1_kin_chips.c - do the simulated chips with the F1's flash controller do what their
 * manuals say, where they differ from the STM32F103C8 (f103_peripherals.c)?
 *
 *   STM32F030R8   pages of 1 KB, levels of protection      STM32F303RC   pages of 2 KB, levels
 *   STM32F107RC   pages of 2 KB                            STM32F103RG   two controllers
 *
 * Registers are driven as the core would, on its bus; the core executes nothing but a small
 * loop where a test needs it.  Addresses and bits are written out from the manuals again
 * (RM0360, RM0316, RM0008, PM0068).  Each test runs on each chip that it concerns; an argument
 * chooses tests by a pattern. */
#include "board.h"
#include "f103.h"
#include "l4.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { FLASH = 0x08000000, BANK2 = 0x08080000, OPTIONS = 0x1FFFF800, RAM = 0x20000000,
       IWDG = 0x40003000, WWDG = 0x40002C00, RCC = 0x40021000, CSR = RCC + 0x24,
       CFGR = RCC + 4 };
enum { ACR = 0x40022000, KEYR = ACR + 4, OPTKEYR = ACR + 8, SR = ACR + 0xC, CR = ACR + 0x10,
       AR = ACR + 0x14, OBR = ACR + 0x1C, WRPR = ACR + 0x20, SECOND = 0x40 };
enum { BSY = 1, PGERR = 4, WRPRTERR = 0x10, EOP = 0x20 };
enum { PG = 1, PER = 2, MER = 4, OPTPG = 0x10, OPTER = 0x20, STRT = 0x40, LOCK = 0x80,
       OPTWRE = 0x200, ERRIE = 0x400, EOPIE = 0x1000, OBL_LAUNCH = 0x2000 };

static const struct part {
    const char *name;
    uint32_t idcode, dbgmcu, cpuid, size_at, uid, obr, kb, page, rdp_open;
    uint32_t ram_kb;
    int irq;
    double word_us;
    bool levels, two;
} parts[] = {
    { "stm32f030", 0x20006440, 0x40015800, 0x410CC200, 0x1FFFF7CC, 0x1FFFF7AC, 0xFFFFFF00, 64,
      1024, 0xAA, 8, 3, 53.5, true, false },
    { "stm32f303", 0x10036422, 0xE0042000, 0x410FC241, 0x1FFFF7CC, 0x1FFFF7AC, 0xFFFFFF00, 256,
      2048, 0xAA, 40, 4, 53.5, true, false },
    { "stm32f107", 0x10186418, 0xE0042000, 0x411FC231, 0x1FFFF7E0, 0x1FFFF7E8, 0x03FFFFFC, 256,
      2048, 0xA5, 64, 4, 52.5, false, false },
    { "stm32f103xg", 0x10036430, 0xE0042000, 0x411FC231, 0x1FFFF7E0, 0x1FFFF7E8, 0x03FFFFFC,
      1024, 2048, 0xA5, 96, 4, 52.5, false, true },
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
static bool faults(uint32_t address, uint32_t value)
{
    return !bus_write(chip->bus, BUS_DATA, address, 4, value);
}
static bool readable(enum bus_master master, uint32_t address)
{
    return bus_read(chip->bus, master, address, 4, &(uint32_t){ 0 });
}

/* A debugger's accesses, as the AHB-AP makes them. */
static bool debugger_reads(uint32_t address)
{
    bool allowed = is->levels
        ? fpec_controller.debugger_allowed(chip->state, address, false)
        : fpec_debug_allowed(((struct f103 *)chip->state)->fpec, address);
    return allowed && readable(BUS_DEBUG, address);
}

static bool debug_port_is_open(void)
{
    return !is->levels || fpec_controller.debug_port_open(chip->state);
}

/* Vectors, and two loops: 0x08000010 b .   0x08000020 b . (NMI's and HardFault's).  It is what
 * the chip starts with, so that nothing locks up. */
static const uint32_t program[] = { RAM + 0x1000, FLASH + 0x11, FLASH + 0x21, FLASH + 0x21,
                                    0xE7FEE7FE, 0, 0, 0, 0xE7FEE7FE };

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

/* bank: 0, or SECOND. */
static void unlock(uint32_t bank)
{
    put(KEYR + bank, 0x45670123);
    put(KEYR + bank, 0xCDEF89AB);
}

static void unlock_options(void)
{
    unlock(0);
    put(OPTKEYR, 0x45670123);
    put(OPTKEYR, 0xCDEF89AB);
}

static double busy_ms(uint32_t bank)
{
    sim_time start = board->sim->now;
    board_run_ms(board, 0.001);
    while (get(SR + bank) & BSY)
        board_run_ms(board, 0.001);
    return (double)(board->sim->now - start) / (double)SIM_MS;
}

static void assert_takes(uint32_t bank, double ms)
{
    double is_ms = busy_ms(bank);
    if (is_ms < ms - 0.002 || is_ms > ms + 0.02)
        fail_msg("busy for %.3f ms, not %.3f", is_ms, ms);
}

static uint32_t errors(uint32_t bank)
{
    uint32_t sr = get(SR + bank) & (PGERR | WRPRTERR);
    put(SR + bank, 0xFFFFFFFF);
    return sr;
}

static void erase_page(uint32_t bank, uint32_t address)
{
    put(CR + bank, PER);
    put(AR + bank, address);
    put(CR + bank, PER | STRT);
}

static void erase_options(void)
{
    unlock_options();
    put(CR, OPTWRE | OPTER);
    put(CR, OPTWRE | OPTER | STRT);
    busy_ms(0);
    put(CR, OPTWRE | OPTPG);
}

static void put_option(int at, uint8_t value)
{
    put_sized(OPTIONS + (uint32_t)at, value, 2);
    busy_ms(0);
}

/* As a program has to: an F0 or F3 by OBL_LAUNCH. */
static void load_options(void)
{
    if (is->levels)
        put(CR, OBL_LAUNCH | OPTWRE);
    else
        reset();
    board_run_ms(board, 1);
}

static void set_options(uint8_t rdp, uint8_t wrp0)
{
    erase_options();
    put_option(0, rdp);
    put_option(8, wrp0);
    load_options();
}

static bool is_filled(uint32_t offset, uint32_t size, uint8_t with)
{
    for (uint32_t i = 0; i < size; i++)
        if (chip->flash[offset + i] != with)
            return false;
    return true;
}

/* --- all of them -------------------------------------------------------------------- */

static void it_identifies_itself(void **state)
{
    uint32_t rom = is->dbgmcu == 0x40015800 ? 0xF0000000 : 0xE00FF000, value;
    (void)state;
    assert_true(bus_read(chip->bus, BUS_DEBUG, is->dbgmcu, 4, &value));
    assert_int_equal(value, is->idcode);
    assert_int_equal(get(0xE000ED00), is->cpuid);
    assert_int_equal(get_sized(is->size_at, 2), is->kb);
    assert_int_not_equal(get(is->uid), 0xFFFFFFFF);
    assert_int_equal(get(rom + 0xFE0) | get(rom + 0xFE4) << 8, is->idcode & 0xFFF);
}

static void flash_and_ram_end_where_they_end(void **state)
{
    (void)state;
    assert_true(readable(BUS_DATA, FLASH + is->kb * 1024 - 4));
    assert_false(readable(BUS_DATA, FLASH + is->kb * 1024));
    assert_true(readable(BUS_DATA, RAM + is->ram_kb * 1024 - 4));
    assert_false(readable(BUS_DATA, RAM + is->ram_kb * 1024));
    chip->flash[is->kb * 1024 - 4] = 0x12;
    assert_int_equal(get_sized(is->kb * 1024 - 4, 1), 0x12);
}

static void a_page_is_erased_alone(void **state)
{
    uint32_t at = 5 * is->page;
    (void)state;
    memset(chip->flash + at - is->page, 0x55, 3 * is->page);
    unlock(0);
    erase_page(0, FLASH + at + is->page / 2);
    assert_takes(0, 30);
    assert_true(is_filled(at, is->page, 0xFF));
    assert_true(is_filled(at - is->page, is->page, 0x55));
    assert_true(is_filled(at + is->page, is->page, 0x55));
    assert_int_equal(get(SR), EOP);
    nobody_complained();
}

static void a_halfword_is_programmed_once(void **state)
{
    (void)state;
    unlock(0);
    put(CR, PG);
    put_sized(FLASH + 0x1000, 0x1234, 2);
    assert_takes(0, is->word_us / 1000);
    put_sized(FLASH + 0x1000, 0x1034, 2);
    assert_int_equal(errors(0), PGERR);
    assert_said(SIM_RULE, "not erased");
    put_sized(FLASH + 0x1000, 0, 2);                        /* but zeros */
    busy_ms(0);
    assert_int_equal(get_sized(FLASH + 0x1000, 2), 0);
    assert_true(faults(FLASH + 0x1004, 0x12345678));
    assert_false(bus_write(chip->bus, BUS_DATA, FLASH + 0x1004, 1, 0x12));
}

static void a_wrong_key_is_a_bus_error_and_locks_until_reset(void **state)
{
    (void)state;
    put(KEYR, 0x45670123);
    assert_true(faults(KEYR, 0x45670123));
    assert_true(faults(KEYR, 0x45670123));
    assert_int_equal(get(CR), LOCK);
    reset();
    unlock(0);
    assert_int_equal(get(CR), 0);
    put(CR, LOCK);
    put(CR, PG);
    assert_int_equal(get(CR), LOCK);
    assert_said(SIM_RULE, "while locked");
}

static void a_bit_of_wrpr_protects_4_kb(void **state)
{
    (void)state;
    memset(chip->flash + 0x1000, 0x55, 0x2000);
    set_options((uint8_t)is->rdp_open, 0xFD);
    assert_int_equal(get(WRPR), 0xFFFFFFFD);
    unlock(0);
    erase_page(0, FLASH + 0x1FFC);
    assert_int_equal(errors(0), WRPRTERR);
    put(CR, PG);
    put_sized(FLASH + 0x1000, 0, 2);
    assert_int_equal(errors(0), WRPRTERR);
    put(CR, MER);
    put(CR, MER | STRT);
    assert_int_equal(errors(0), WRPRTERR);
    assert_true(is_filled(0x1000, 0x2000, 0x55));
    erase_page(0, FLASH + 0x2000);
    busy_ms(0);
    assert_int_equal(errors(0), 0);
    assert_true(is_filled(0x2000, is->page, 0xFF));
}

static void power_that_fails_leaves_a_page_between_both(void **state)
{
    uint32_t ones = 0;
    (void)state;
    memset(chip->flash + 4 * is->page, 0, is->page);
    unlock(0);
    erase_page(0, FLASH + 4 * is->page);
    board_run_ms(board, 10);
    power_cycle();
    for (uint32_t i = 0; i < is->page; i++)
        ones += (uint32_t)__builtin_popcount(chip->flash[4 * is->page + i]);
    assert_in_range(ones, is->page, 7 * is->page);
}

static void the_interrupt_comes_at_the_end_or_with_an_error(void **state)
{
    (void)state;
    put(0xE000E100, 1u << is->irq);
    chip->cpu->halted = true;
    unlock(0);
    put(CR, EOPIE | PG);
    put_sized(FLASH + 0x1000, 1, 2);
    assert_int_equal(get(0xE000E200) >> is->irq & 1, 0);
    busy_ms(0);
    assert_int_equal(get(0xE000E200) >> is->irq & 1, 1);
    put(SR, EOP);
    put(0xE000E280, 1u << is->irq);
    put(CR, ERRIE | PG);
    put_sized(FLASH + 0x1000, 2, 2);
    assert_int_equal(get(0xE000E200) >> is->irq & 1, 1);
}

static void the_watchdog_bites_and_stands_still_in_a_halt_when_told_so(void **state)
{
    uint32_t gates = is->levels && is->dbgmcu == 0x40015800 ? 1 << 22 : 0;
    (void)state;
    put(RCC + 0x18, gates);
    put(CSR, 1 << 24);
    if (is->levels)
        put(is->dbgmcu + 8, 0x1800);
    else
        put(is->dbgmcu + 4, 0x300);
    chip->cpu->halted = true;
    put(IWDG, 0xCCCC);
    board_run_ms(board, 2000);
    assert_int_equal(get(CSR) >> 24, 0);
    chip->cpu->halted = false;
    board_run_ms(board, 420);                               /* 4096 * 4 / 40 kHz */
    assert_int_equal(get(CSR) >> 24, 0x24);
}

/* --- F0 and F3 ---------------------------------------------------------------------- */

static void options_are_loaded_by_power_or_when_told_so(void **state)
{
    (void)state;
    assert_int_equal(get(OBR), is->obr);
    erase_options();
    put_option(0, (uint8_t)is->rdp_open);
    put_option(8, 0xFE);
    reset();
    assert_int_equal(get(WRPR), 0xFFFFFFFF);
    unlock_options();
    put(CR, OBL_LAUNCH | OPTWRE);
    board_run_ms(board, 1);
    assert_int_equal(get(WRPR), 0xFFFFFFFE);
    assert_int_equal(get(CSR) >> 25 & 1, 1);                /* OBLRSTF */
    erase_options();
    put_option(0, (uint8_t)is->rdp_open);
    power_cycle();
    assert_int_equal(get(WRPR), 0xFFFFFFFF);
}

static void level_1_shuts_the_flash_once_a_debugger_comes(void **state)
{
    (void)state;
    set_options(0x55, 0xFF);
    assert_int_equal(get(OBR) & 6, 2);
    assert_int_equal(get(FLASH), program[0]);
    assert_false(debugger_reads(FLASH));
    assert_true(debugger_reads(RAM));
    assert_true(debugger_reads(OBR));
    assert_false(readable(BUS_CODE, FLASH));
    unlock(0);
    erase_page(0, FLASH + 0x1000);
    assert_int_equal(errors(0), WRPRTERR);
    put(CR, MER);
    put(CR, MER | STRT);
    assert_int_equal(errors(0), WRPRTERR);
    put(CR, PG);
    assert_false(bus_write(chip->bus, BUS_DATA, FLASH + 0x1000, 2, 1));
    power_cycle();
    assert_int_equal(get(FLASH), program[0]);
    unlock(0);                                              /* the program may go on */
    erase_page(0, FLASH + 0x1000);
    busy_ms(0);
    assert_int_equal(errors(0), 0);
}

static void the_way_from_level_1_to_0_erases_all(void **state)
{
    (void)state;
    set_options(0x55, 0xFF);
    assert_false(debugger_reads(FLASH));
    erase_options();
    assert_int_equal(chip->flash[4], program[1] & 0xFF);
    put_option(0, 0xAA);
    assert_true(is_filled(0, is->kb * 1024, 0xFF));
    load_options();
    assert_int_equal(get(OBR), is->obr);
    assert_true(debugger_reads(FLASH));
}

static void level_2_ends_debugging_and_options_for_good(void **state)
{
    (void)state;
    assert_true(debug_port_is_open());
    set_options(0xCC, 0xFF);
    assert_false(debug_port_is_open());
    assert_int_equal(get(OBR) & 6, 6);
    unlock_options();
    put(CR, OPTWRE | OPTER);
    put(CR, OPTWRE | OPTER | STRT);
    assert_int_equal(errors(0), WRPRTERR);
    put(CR, OPTWRE | OPTPG);
    put_sized(OPTIONS, 0xAA, 2);
    assert_int_equal(errors(0), WRPRTERR);
    power_cycle();
    assert_false(debug_port_is_open());
    assert_int_equal(get(FLASH), program[0]);
}

static void options_that_are_erased_or_broken_are_level_1(void **state)
{
    (void)state;
    erase_options();
    load_options();
    assert_int_equal(get(OBR) & 6, 2);
    power_cycle();
    unlock_options();
    put(CR, OPTWRE | OPTER);
    put(CR, OPTWRE | OPTER | STRT);
    board_run_ms(board, 10);
    power_cycle();
    assert_int_equal(get(OBR) & 6, 2);
}

static void a_hardware_watchdog_runs_from_reset_on(void **state)
{
    (void)state;
    erase_options();
    put_option(0, 0xAA);
    put_option(2, 0xFE);
    load_options();
    put(CSR, 1 << 24);
    board_run_ms(board, 430);
    assert_int_equal(get(CSR) >> 24, 0x24);
}

static void it_starts_at_8_mhz_and_goes_up_by_its_pll(void **state)
{
    uint32_t mul = is->kb == 64 ? 10 : 7;                   /* HSI / 2 * 12 = 48; * 9 = 36 */
    (void)state;
    assert_int_equal(SIM_SECOND / chip->cpu->cycle, 8000000);
    put(CFGR, mul << 18);
    put(RCC, get(RCC) | 1 << 24);
    board_run_ms(board, 1);
    put(ACR, 0x11);
    put(CFGR, mul << 18 | 2);
    assert_int_equal(get(CFGR) >> 2 & 3, 2);
    assert_int_equal(SIM_SECOND / chip->cpu->cycle, is->kb == 64 ? 48000000 : 36000000);
    nobody_complained();
    put(ACR, 0x10);
    assert_said(SIM_RULE, "wait states");
}

static void a_closed_gate_keeps_dbgmcu_of_an_f0_from_being_written(void **state)
{
    bool f0 = is->dbgmcu == 0x40015800;
    (void)state;
    put(is->dbgmcu + 4, 6);
    assert_int_equal(get(is->dbgmcu + 4), f0 ? 0 : 6);
    put(RCC + 0x18, 1 << 22);
    put(is->dbgmcu + 4, 6);
    assert_int_equal(get(is->dbgmcu + 4), 6);
}

static void a_program_may_take_the_debug_pins(void **state)
{
    struct l4 *l4 = chip->state;
    (void)state;
    put(RCC + 0x14, 1 << 17);
    assert_true(l4_gpio_debug_pins(l4->gpio));
    put(0x48000000, get(0x48000000) & ~(3u << 26));         /* PA13 an input */
    assert_false(l4_gpio_debug_pins(l4->gpio));
    reset();
    assert_true(l4_gpio_debug_pins(l4->gpio));
}

/* --- F103 with two controllers, F107 ------------------------------------------------- */

static void read_protection_keeps_a_debugger_out_of_all_flash(void **state)
{
    (void)state;
    set_options(0x55, 0xFF);
    assert_false(debugger_reads(FLASH));
    assert_false(debugger_reads(FLASH + is->kb * 1024 - 4));
    assert_true(debugger_reads(RAM));
    assert_int_equal(get(FLASH), program[0]);
    erase_options();
    put_option(0, 0xA5);
    assert_true(is_filled(0, is->kb * 1024, 0xFF));
    load_options();
    assert_true(debugger_reads(FLASH));
}

static void each_controller_has_keys_of_its_own(void **state)
{
    (void)state;
    unlock(0);
    assert_int_equal(get(CR), 0);
    assert_int_equal(get(CR + SECOND), LOCK);
    put(CR + SECOND, PG);
    assert_said(SIM_RULE, "while locked");
    unlock(SECOND);
    assert_int_equal(get(CR + SECOND), 0);
    put(CR, LOCK);
    assert_int_equal(get(CR + SECOND), 0);
    assert_true(faults(KEYR + SECOND, 0));
    assert_int_equal(get(CR), LOCK);
}

static void each_controller_has_its_half_of_the_flash(void **state)
{
    (void)state;
    unlock(0);
    unlock(SECOND);
    put(CR, PG);
    put_sized(BANK2, 0x1234, 2);
    assert_said(SIM_RULE, "PG is 0");
    assert_int_equal(get_sized(BANK2, 2), 0xFFFF);
    put(CR, 0);
    put(CR + SECOND, PG);
    put_sized(BANK2, 0x1234, 2);
    assert_int_equal(get(SR) & BSY, 0);
    assert_takes(SECOND, is->word_us / 1000);
    assert_int_equal(get_sized(BANK2, 2), 0x1234);
    assert_int_equal(get(SR), 0);
    assert_int_equal(get(SR + SECOND), EOP);
    put(CR + SECOND, 0);
    erase_page(0, BANK2);
    assert_said(SIM_RULE, "where no flash of this controller is");
    assert_int_equal(get_sized(BANK2, 2), 0x1234);
    put(CR, 0);
    erase_page(SECOND, BANK2);
    assert_takes(SECOND, 30);
    assert_int_equal(get_sized(BANK2, 2), 0xFFFF);
}

static void a_mass_erase_takes_one_half(void **state)
{
    (void)state;
    memset(chip->flash + 0x70000, 0x55, 0x20000);
    unlock(SECOND);
    put(CR + SECOND, MER);
    put(CR + SECOND, MER | STRT);
    busy_ms(SECOND);
    assert_true(is_filled(0x80000, 0x80000, 0xFF));
    assert_true(is_filled(0x70000, 0x10000, 0x55));
}

/* adds r0,#1 / b .-2 */
static void one_half_executes_on_while_the_other_is_busy(void **state)
{
    uint32_t before;
    (void)state;
    memcpy(chip->flash + 0x10, &(uint32_t){ 0xE7FD3001 }, 4);
    reset();
    unlock(SECOND);
    erase_page(SECOND, BANK2);
    before = chip->cpu->r[0];
    board_run_ms(board, 10);
    assert_true(chip->cpu->r[0] - before > 5000);
    board_run_ms(board, 30);
    unlock(0);
    erase_page(0, FLASH + 0x1000);
    before = chip->cpu->r[0];
    board_run_ms(board, 10);
    assert_in_range(chip->cpu->r[0] - before, 0, 2);
}

static void both_halves_are_busy_at_once(void **state)
{
    (void)state;
    chip->cpu->halted = true;
    unlock(0);
    unlock(SECOND);
    erase_page(0, FLASH + 0x1000);
    erase_page(SECOND, BANK2 + 0x1000);
    board_run_ms(board, 1);
    assert_int_equal(get(SR) & get(SR + SECOND) & BSY, BSY);
    board_run_ms(board, 30);
    assert_int_equal(get(SR), EOP);
    assert_int_equal(get(SR + SECOND), EOP);
}

static void the_last_bit_of_wrpr_covers_all_that_follows(void **state)
{
    (void)state;
    erase_options();
    put_option(0, 0xA5);
    put_option(14, 0x7F);
    load_options();
    assert_int_equal(get(WRPR), 0x7FFFFFFF);
    unlock(0);
    erase_page(0, FLASH + 0x1F000);
    assert_int_equal(errors(0), WRPRTERR);
    erase_page(0, FLASH + 0x1E800);
    busy_ms(0);
    assert_int_equal(errors(0), 0);
    if (is->two) {
        unlock(SECOND);
        erase_page(SECOND, BANK2 + 0x7F800);
        assert_int_equal(errors(SECOND), WRPRTERR);
    }
}

static void an_f107_has_prediv1_and_no_usb(void **state)
{
    (void)state;
    put(RCC + 0x2C, 1);                                     /* HSE / 2 = 4 MHz */
    put(RCC, get(RCC) | 1 << 16);
    board_run_ms(board, 3);
    put(CFGR, 1 << 16 | 7 << 18 | 4 << 8);                  /* * 9 */
    put(RCC, get(RCC) | 1 << 24);
    board_run_ms(board, 1);
    put(ACR, 0x11);
    put(CFGR, 1 << 16 | 7 << 18 | 4 << 8 | 2);
    assert_int_equal(SIM_SECOND / chip->cpu->cycle, 36000000);
    nobody_complained();
    assert_null(chip->usb);
    assert_false(readable(BUS_DATA, 0x40005C40));
    put(RCC, get(RCC) | 1 << 26);
    assert_said(SIM_UNMODELLED, "PLL2");
}

#define T(name) cmocka_unit_test_setup_teardown(name, power_on, power_off)

static const struct CMUnitTest of_all[] = {
    T(it_identifies_itself),
    T(flash_and_ram_end_where_they_end),
    T(a_page_is_erased_alone),
    T(a_halfword_is_programmed_once),
    T(a_wrong_key_is_a_bus_error_and_locks_until_reset),
    T(a_bit_of_wrpr_protects_4_kb),
    T(power_that_fails_leaves_a_page_between_both),
    T(the_interrupt_comes_at_the_end_or_with_an_error),
    T(the_watchdog_bites_and_stands_still_in_a_halt_when_told_so),
};

static const struct CMUnitTest of_f0_and_f3[] = {
    T(options_are_loaded_by_power_or_when_told_so),
    T(level_1_shuts_the_flash_once_a_debugger_comes),
    T(the_way_from_level_1_to_0_erases_all),
    T(level_2_ends_debugging_and_options_for_good),
    T(options_that_are_erased_or_broken_are_level_1),
    T(a_hardware_watchdog_runs_from_reset_on),
    T(it_starts_at_8_mhz_and_goes_up_by_its_pll),
    T(a_closed_gate_keeps_dbgmcu_of_an_f0_from_being_written),
    T(a_program_may_take_the_debug_pins),
};

static const struct CMUnitTest of_f1[] = {
    T(read_protection_keeps_a_debugger_out_of_all_flash),
    T(the_last_bit_of_wrpr_covers_all_that_follows),
};

static const struct CMUnitTest of_two_controllers[] = {
    T(each_controller_has_keys_of_its_own),
    T(each_controller_has_its_half_of_the_flash),
    T(a_mass_erase_takes_one_half),
    T(one_half_executes_on_while_the_other_is_busy),
    T(both_halves_are_busy_at_once),
};

static const struct CMUnitTest of_f107[] = {
    T(an_f107_has_prediv1_and_no_usb),
};

int main(int argc, char **argv)
{
    int failed = 0;
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    for (is = parts; is < parts + sizeof parts / sizeof parts[0]; is++) {
        printf("%s:\n", is->name);
        fflush(stdout);
        failed += cmocka_run_group_tests(of_all, NULL, NULL);
        if (is->levels)
            failed += cmocka_run_group_tests(of_f0_and_f3, NULL, NULL);
        else
            failed += cmocka_run_group_tests(of_f1, NULL, NULL);
        if (is->two)
            failed += cmocka_run_group_tests(of_two_controllers, NULL, NULL);
        else if (!is->levels)
            failed += cmocka_run_group_tests(of_f107, NULL, NULL);
    }
    return failed;
}
