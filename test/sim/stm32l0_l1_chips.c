/* stm32l0_l1_chips.c - do the simulated STM32L0 and L1 do what their manuals say, and complain
 * where these forbid?
 *
 *   STM32L053R8   pages of 128 bytes, 2 KB of EEPROM
 *   STM32L152RC   category 3: pages of 256 bytes, 8 KB     STM32L152RB   category 1: 4 KB
 *
 * Registers are driven as the core would, on its bus; the core executes nothing but a small
 * loop where a test needs it.  Addresses and bits are written out from the manuals again
 * (RM0367, RM0038).  Each test runs on each chip that it concerns; an argument chooses tests by
 * a pattern. */
#include "board.h"
#include "l4.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { FLASH = 0x08000000, EEPROM = 0x08080000, OPTIONS = 0x1FF80000, RAM = 0x20000000,
       IWDG = 0x40003000, WWDG = 0x40002C00, USART2 = 0x40004400, PWR = 0x40007000 };
/* Behind the base of FLASH. */
enum { ACR = 0x00, PECR = 0x04, PEKEYR = 0x0C, PRGKEYR = 0x10, OPTKEYR = 0x14, SR = 0x18,
       OBR = 0x1C, WRPR = 0x20, WRPR2 = 0x80 };
enum { PELOCK = 1, PRGLOCK = 2, OPTLOCK = 4, PROG = 8, DATA = 0x10, FIX = 0x100, ERASE = 0x200,
       FPRG = 0x400, EOPIE = 0x10000, ERRIE = 0x20000, OBL_LAUNCH = 0x40000,
       NZDISABLE = 1 << 23 };
enum { BSY = 1, EOP = 2, ENDHV = 4, READY = 8, WRPERR = 0x100, PGAERR = 0x200, SIZERR = 0x400,
       OPTVERR = 0x800, RDERR = 0x2000, NOTZEROERR = 0x10000, FWWERR = 0x20000 };

static const struct part {
    const char *name;
    uint32_t flash, rcc, dbgmcu, gpioa, idcode, cpuid, size_at, uid, obr, kb, page, eeprom;
    uint32_t gpio_gate, apb1_gate, apb2_gate, csr, rmvf, moder, delivered[2];
    int irq, af;
    bool l0, cat1;
} parts[] = {
    { "stm32l053", 0x40022000, 0x40021000, 0x40015800, 0x50000000, 0x10386417, 0x410CC601,
      0x1FF8007C, 0x1FF80050, 0x807000AA, 64, 128, 2048, 0x2C, 0x38, 0x34, 0x50, 1 << 23,
      0xEBFFFCFF, { 0xFF5500AA, 0x7F8F8070 }, 3, 4, true, false },
    { "stm32l152", 0x40023C00, 0x40023800, 0xE0042000, 0x40020000, 0x10386427, 0x412FC230,
      0x1FF800CC, 0x1FF800D0, 0x00F800AA, 256, 256, 8192, 0x1C, 0x24, 0x20, 0x34, 1 << 24,
      0xA8000000, { 0xFF5500AA, 0xFF0700F8 }, 4, 7, false, false },
    { "stm32l152rb", 0x40023C00, 0x40023800, 0xE0042000, 0x40020000, 0x10786416, 0x412FC230,
      0x1FF8004C, 0x1FF80050, 0x007800AA, 128, 256, 4096, 0x1C, 0x24, 0x20, 0x34, 1 << 24,
      0xA8000000, { 0xFF5500AA, 0xFF870078 }, 4, 7, false, true },
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
static uint32_t reg(uint32_t offset) { return get(is->flash + offset); }
static void set_reg(uint32_t offset, uint32_t value) { put(is->flash + offset, value); }
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
    return pecr_controller.debugger_allowed(chip->state, address, false) &&
           readable(BUS_DEBUG, address);
}

static uint32_t errors(void)
{
    uint32_t sr = reg(SR) & ~(uint32_t)(BSY | EOP | ENDHV | READY);
    set_reg(SR, 0xFFFFFFFF);
    return sr;
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

static void unlock_eeprom(void)
{
    set_reg(PEKEYR, 0x89ABCDEF);
    set_reg(PEKEYR, 0x02030405);
}

static void unlock(void)
{
    unlock_eeprom();
    set_reg(PRGKEYR, 0x8C9DAEBF);
    set_reg(PRGKEYR, 0x13141516);
}

static void unlock_options(void)
{
    unlock_eeprom();
    set_reg(OPTKEYR, 0xFBEAD9C8);
    set_reg(OPTKEYR, 0x24252627);
}

static double busy_ms(void)
{
    sim_time start = board->sim->now;
    while (reg(SR) & BSY)
        board_run_ms(board, 0.01);
    return (double)(board->sim->now - start) / (double)SIM_MS;
}

static void assert_takes(double ms)
{
    double is_ms = busy_ms();
    if (is_ms < ms || is_ms > ms + 0.05)
        fail_msg("busy for %.3f ms, not %.2f", is_ms, ms);
}

static uint32_t half_words(void) { return is->page / 8; }

static void put_half_page(uint32_t address)
{
    for (uint32_t i = 0; i < half_words(); i++)
        put(address + 4 * i, 0xA0000000 + i);
}

static uint32_t with_complement(uint32_t value) { return value | ~value << 16; }

static void set_option(int word, uint32_t value)
{
    unlock_options();
    put(OPTIONS + 4 * (uint32_t)word, with_complement(value));
    busy_ms();
    set_reg(PECR, OBL_LAUNCH);
    board_run_ms(board, 1);
}

static bool all_zero(const uint8_t *bytes, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++)
        if (bytes[i])
            return false;
    return true;
}

/* --- identification, map ------------------------------------------------------------ */

static void it_identifies_itself(void **state)
{
    uint32_t rom = is->l0 ? 0xF0000000 : 0xE00FF000;
    (void)state;
    assert_int_equal(get(is->dbgmcu), is->idcode);
    assert_int_equal(get(0xE000ED00), is->cpuid);
    assert_int_equal(get_sized(is->size_at, 2), is->kb);
    assert_int_not_equal(get(is->uid), 0xFFFFFFFF);
    assert_int_not_equal(get(is->uid + 0x14), 0xFFFFFFFF);
    assert_int_equal(get(rom + 0xFE0) | get(rom + 0xFE4) << 8, is->idcode & 0xFFF);
    nobody_complained();
}

static void flash_and_eeprom_are_0_when_delivered_and_end_where_they_end(void **state)
{
    (void)state;
    assert_int_equal(get(FLASH + is->kb * 1024 - 4), 0);
    assert_false(readable(BUS_DATA, FLASH + is->kb * 1024));
    assert_int_equal(get(EEPROM), 0);
    assert_int_equal(get(EEPROM + is->eeprom - 4), 0);
    assert_false(readable(BUS_DATA, EEPROM + is->eeprom));
    assert_int_equal(get(0x10), get(FLASH + 0x10));
}

static void a_blank_chip_locks_up_and_that_is_but_a_note(void **state)
{
    (void)state;
    memset(chip->flash, 0, 64);
    power_cycle();
    assert_true(chip->cpu->lockup);
    assert_said(SIM_NOTE, "nothing but erased flash");
    nobody_complained();
}

/* --- keys --------------------------------------------------------------------------- */

static void three_locks_open_one_behind_the_other(void **state)
{
    (void)state;
    assert_int_equal(reg(PECR), 7);
    unlock_eeprom();
    assert_int_equal(reg(PECR), PRGLOCK | OPTLOCK);
    unlock();
    assert_int_equal(reg(PECR), OPTLOCK);
    unlock_options();
    assert_int_equal(reg(PECR), 0);
    set_reg(PECR, PRGLOCK | PROG);
    assert_int_equal(reg(PECR), PRGLOCK | PROG);
    set_reg(PECR, PELOCK | PROG);
    assert_int_equal(reg(PECR), 7);
    nobody_complained();
    set_reg(PECR, PROG);
    assert_int_equal(reg(PECR), 7);
    assert_said(SIM_RULE, "PELOCK");
}

static void a_wrong_key_is_a_bus_error_and_locks_until_reset(void **state)
{
    static const struct { uint32_t at, key; } registers[] = {
        { PEKEYR, 0x89ABCDEF }, { PRGKEYR, 0x8C9DAEBF }, { OPTKEYR, 0xFBEAD9C8 } };
    (void)state;
    for (int i = 0; i < 3; i++) {
        if (i)
            unlock_eeprom();
        set_reg(registers[i].at, registers[i].key);
        assert_true(faults(is->flash + registers[i].at, registers[i].key));
        assert_said(SIM_RULE, "wrong key");
        assert_true(faults(is->flash + registers[i].at, registers[i].key));
        assert_true(reg(PECR) >> i & 1);
        reset();
    }
}

static void keys_of_the_flash_are_wrong_before_those_of_the_eeprom(void **state)
{
    (void)state;
    assert_true(faults(is->flash + PRGKEYR, 0x8C9DAEBF));
    assert_true(faults(is->flash + OPTKEYR, 0xFBEAD9C8));
}

static void a_reset_locks_all(void **state)
{
    (void)state;
    unlock();
    set_reg(PECR, PROG | ERASE);
    reset();
    assert_int_equal(reg(PECR), 7);
    assert_int_equal(reg(SR), ENDHV | READY);
}

/* --- flash -------------------------------------------------------------------------- */

static void a_page_is_erased_by_a_store_into_it(void **state)
{
    (void)state;
    memset(chip->flash + 4 * is->page, 0x55, 3 * is->page);
    unlock();
    set_reg(PECR, PROG | ERASE);
    put(FLASH + 5 * is->page, 0);
    assert_int_equal(reg(SR) & (BSY | ENDHV), BSY);
    assert_takes(3.28);
    assert_true(all_zero(chip->flash + 5 * is->page, is->page));
    assert_int_equal(chip->flash[5 * is->page - 1], 0x55);
    assert_int_equal(chip->flash[6 * is->page], 0x55);
    put(FLASH + 4 * is->page + 0x44, 0x12345678);           /* anywhere in it */
    busy_ms();
    assert_true(all_zero(chip->flash + 4 * is->page, is->page));
    nobody_complained();
}

static void an_erase_wants_prog_and_32_bits(void **state)
{
    (void)state;
    memset(chip->flash + 4 * is->page, 0x55, is->page);
    unlock();
    set_reg(PECR, ERASE);
    put(FLASH + 4 * is->page, 0);
    assert_int_equal(errors(), PGAERR);
    set_reg(PECR, PROG | ERASE);
    put_sized(FLASH + 4 * is->page, 0, 2);
    assert_int_equal(errors(), SIZERR);
    assert_int_equal(chip->flash[4 * is->page], 0x55);
}

static void a_word_is_programmed_by_a_store(void **state)
{
    (void)state;
    unlock();
    put(FLASH + 0x1004, 0x12345678);
    assert_takes(3.28);
    assert_int_equal(get(FLASH + 0x1004), 0x12345678);
    assert_int_equal(reg(SR), EOP | ENDHV | READY);
    set_reg(SR, EOP);
    assert_int_equal(reg(SR), ENDHV | READY);
    nobody_complained();
}

static void a_store_of_less_than_a_word_is_sizerr(void **state)
{
    (void)state;
    unlock();
    put_sized(FLASH + 0x1000, 0x55, 1);
    assert_int_equal(errors(), SIZERR);
    put_sized(FLASH + 0x1000, 0x5555, 2);
    assert_int_equal(errors(), SIZERR);
    assert_int_equal(get(FLASH + 0x1000), 0);
}

static void a_store_to_locked_flash_is_wrperr(void **state)
{
    (void)state;
    put(FLASH + 0x1000, 1);
    assert_int_equal(errors(), WRPERR);
    unlock_eeprom();
    put(FLASH + 0x1000, 1);
    assert_int_equal(errors(), WRPERR);
    assert_int_equal(get(FLASH + 0x1000), 0);
}

static void what_is_not_erased_gets_more_bits_or_notzeroerr(void **state)
{
    (void)state;
    unlock();
    put(FLASH + 0x1000, 0x0F0F0F0F);
    busy_ms();
    put(FLASH + 0x1000, 0x00FF00FF);
    assert_said(SIM_RULE, "not erased");
    busy_ms();
    assert_int_equal(errors(), is->l0 ? NOTZEROERR : 0);
    assert_int_equal(get(FLASH + 0x1000), is->l0 ? 0x0F0F0F0F : 0x0FFF0FFF);
    if (!is->l0)
        return;
    set_reg(PECR, NZDISABLE);
    put(FLASH + 0x1000, 0x00FF00FF);
    busy_ms();
    assert_int_equal(errors(), 0);
    assert_int_equal(get(FLASH + 0x1000), 0x0FFF0FFF);
}

static void half_a_page_takes_the_time_of_a_word(void **state)
{
    (void)state;
    unlock();
    set_reg(PECR, PROG | FPRG);
    put_half_page(FLASH + 0x1000);
    assert_takes(3.28);
    put_half_page(FLASH + 0x1000 + is->page / 2);
    assert_takes(3.28);
    assert_int_equal(get(FLASH + 0x1000), 0xA0000000);
    assert_int_equal(get(FLASH + 0x1000 + is->page - 4), 0xA0000000 + half_words() - 1);
    assert_int_equal(errors(), 0);
    nobody_complained();
}

static void nothing_happens_before_the_last_word_of_half_a_page(void **state)
{
    (void)state;
    unlock();
    set_reg(PECR, PROG | FPRG);
    for (uint32_t i = 0; i + 1 < half_words(); i++)
        put(FLASH + 0x1000 + 4 * i, 1);
    assert_int_equal(reg(SR) & BSY, 0);
    assert_true(all_zero(chip->flash + 0x1000, is->page));
    put(FLASH + 0x1000 + 4 * (half_words() - 1), 1);
    assert_int_equal(reg(SR) & BSY, BSY);
}

static void half_a_page_begins_at_its_start_and_goes_on_in_order(void **state)
{
    (void)state;
    unlock();
    set_reg(PECR, PROG | FPRG);
    put(FLASH + 0x1004, 1);
    assert_int_equal(errors(), PGAERR);
    put(FLASH + 0x1000, 1);
    put(FLASH + 0x1008, 1);
    assert_int_equal(errors(), PGAERR);
    put(FLASH + 0x1000, 1);
    put_sized(FLASH + 0x1004, 1, 2);
    assert_int_equal(errors(), SIZERR);
    assert_true(all_zero(chip->flash + 0x1000, is->page));
}

static void who_reads_the_flash_meanwhile_breaks_half_a_page_off(void **state)
{
    (void)state;
    unlock();
    set_reg(PECR, PROG | FPRG);
    put(FLASH + 0x1000, 1);
    assert_int_equal(get(FLASH), program[0]);
    assert_int_equal(errors(), is->l0 ? FWWERR : SIZERR);
    assert_said(SIM_RULE, "between the words of a half page");
    put_half_page(FLASH + 0x1000);                          /* it begins anew */
    busy_ms();
    assert_int_equal(get(FLASH + 0x1000), 0xA0000000);
}

static void who_executes_from_flash_meanwhile_breaks_half_a_page_off(void **state)
{
    (void)state;
    unlock();
    set_reg(PECR, PROG | FPRG);
    put(FLASH + 0x1000, 1);
    board_run_ms(board, 0.1);                               /* b . */
    assert_int_equal(errors(), is->l0 ? FWWERR : SIZERR);
}

static void half_a_page_over_something_is_refused_by_an_l0(void **state)
{
    (void)state;
    chip->flash[0x1000 + is->page / 2 - 1] = 0x80;
    unlock();
    set_reg(PECR, PROG | FPRG);
    put_half_page(FLASH + 0x1000);
    busy_ms();
    assert_int_equal(errors(), is->l0 ? NOTZEROERR : 0);
    assert_int_equal(get(FLASH + 0x1000), is->l0 ? 0 : 0xA0000000);
}

static void the_core_waits_while_it_is_busy(void **state)
{
    (void)state;
    /* adds r0,#1 / b .-2 */
    memcpy(chip->flash + 0x10, &(uint32_t){ 0xE7FD3001 }, 4);
    reset();
    unlock();
    uint32_t before = chip->cpu->r[0];
    board_run_ms(board, 1);
    assert_true(chip->cpu->r[0] - before > 300);
    put(FLASH + 0x1000, 1);
    before = chip->cpu->r[0];
    board_run_ms(board, 3);
    assert_in_range(chip->cpu->r[0] - before, 0, 2);
    board_run_ms(board, 2);
    assert_true(chip->cpu->r[0] - before > 300);
}

static void the_interrupt_comes_at_the_end_or_with_an_error(void **state)
{
    (void)state;
    put(0xE000E100, 1u << is->irq);
    unlock();
    set_reg(PECR, EOPIE);
    put(FLASH + 0x1000, 1);
    assert_int_equal(get(0xE000E200) >> is->irq & 1, 0);
    chip->cpu->halted = true;
    busy_ms();
    assert_int_equal(get(0xE000E200) >> is->irq & 1, 1);
    set_reg(SR, EOP);
    put(0xE000E280, 1u << is->irq);
    assert_int_equal(get(0xE000E200) >> is->irq & 1, 0);
    set_reg(PECR, ERRIE);
    put_sized(FLASH + 0x1000, 1, 1);
    assert_int_equal(get(0xE000E200) >> is->irq & 1, 1);
}

static void power_that_fails_leaves_a_page_between_both(void **state)
{
    (void)state;
    memset(chip->flash + 4 * is->page, 0xFF, is->page);
    unlock();
    set_reg(PECR, PROG | ERASE);
    put(FLASH + 4 * is->page, 0);
    board_run_ms(board, 1);
    power_cycle();
    uint32_t ones = 0;
    for (uint32_t i = 0; i < is->page; i++)
        ones += (uint32_t)__builtin_popcount(chip->flash[4 * is->page + i]);
    assert_in_range(ones, is->page, 7 * is->page);
}

/* --- EEPROM ------------------------------------------------------------------------- */

static void the_eeprom_takes_all_widths_behind_the_first_lock(void **state)
{
    (void)state;
    put(EEPROM, 1);
    assert_int_equal(errors(), WRPERR);
    said[SIM_RULE][0] = '\0';
    unlock_eeprom();
    put(EEPROM, 0x12345678);
    assert_takes(3.28);
    put_sized(EEPROM + 1, 0xAB, 1);
    assert_takes(6.56);                                     /* erases before */
    put_sized(EEPROM + 2, 0xCDEF, 2);
    busy_ms();
    assert_int_equal(get(EEPROM), 0xCDEFAB78);
    put(EEPROM, 0x11111111);
    assert_takes(6.56);
    assert_int_equal(get(EEPROM), 0x11111111);
    nobody_complained();
}

static void fix_erases_always(void **state)
{
    (void)state;
    unlock_eeprom();
    set_reg(PECR, FIX);
    put(EEPROM + 8, 1);
    assert_takes(6.56);
}

static void a_word_of_the_eeprom_is_erased_with_data_and_erase(void **state)
{
    (void)state;
    unlock_eeprom();
    put(EEPROM + 4, 0x12345678);
    busy_ms();
    set_reg(PECR, ERASE);
    put(EEPROM + 4, 0);
    assert_int_equal(errors(), PGAERR);
    set_reg(PECR, DATA | ERASE);
    put_sized(EEPROM + 4, 0, 1);
    assert_int_equal(errors(), SIZERR);
    assert_int_equal(get(EEPROM + 4), 0x12345678);
    put(EEPROM + 4, 0x55);
    assert_takes(3.28);
    assert_int_equal(get(EEPROM + 4), 0);
}

static void a_byte_of_0_does_not_get_into_a_category_1_chip(void **state)
{
    (void)state;
    unlock_eeprom();
    put(EEPROM, 0x12345678);
    busy_ms();
    put_sized(EEPROM, 0, 1);
    busy_ms();
    assert_int_equal(get(EEPROM), is->cat1 ? 0x12345678 : 0x12345600);
    if (is->cat1)
        assert_said(SIM_RULE, "category 1");
}

/* --- options ------------------------------------------------------------------------ */

static void options_are_as_delivered(void **state)
{
    (void)state;
    assert_int_equal(get(OPTIONS), is->delivered[0]);
    assert_int_equal(get(OPTIONS + 4), is->delivered[1]);
    assert_int_equal(get(OPTIONS + 8), 0xFFFF0000);
    assert_int_equal(reg(OBR), is->obr);
    assert_int_equal(reg(WRPR), 0);
}

static void an_option_word_is_written_with_its_complement_and_loaded_later(void **state)
{
    (void)state;
    put(OPTIONS + 8, with_complement(2));
    assert_int_equal(errors(), WRPERR);
    unlock_options();
    put_sized(OPTIONS + 8, 2, 2);
    assert_int_equal(errors(), SIZERR);
    put(OPTIONS + 8, with_complement(2));
    assert_takes(6.56);
    assert_int_equal(reg(WRPR), 0);
    reset();
    assert_int_equal(reg(WRPR), 0);                         /* not by any reset */
    unlock_options();
    set_reg(PECR, OBL_LAUNCH);
    board_run_ms(board, 1);
    assert_int_equal(reg(WRPR), 2);
    assert_int_equal(reg(PECR), 7);
    power_cycle();
    assert_int_equal(reg(WRPR), 2);
}

static void loading_wants_the_options_open(void **state)
{
    (void)state;
    unlock();
    set_reg(PECR, OBL_LAUNCH);
    assert_said(SIM_RULE, "OPTLOCK");
    assert_int_equal(reg(PECR), OPTLOCK);
}

static void a_complement_that_does_not_fit_is_optverr_and_the_safe_value(void **state)
{
    (void)state;
    unlock_options();
    put(OPTIONS, 0x00AA00AA);
    assert_said(SIM_RULE, "complement");
    busy_ms();
    put(OPTIONS + 4, 0);
    busy_ms();
    put(OPTIONS + 8, 0);
    busy_ms();
    power_cycle();
    assert_int_equal(reg(SR) & OPTVERR, OPTVERR);
    assert_int_equal(reg(OBR) & 0xFF, 0);                   /* level 1 */
    assert_int_equal(reg(OBR) >> 16, is->obr >> 16);
    assert_int_equal(reg(WRPR) & 0xFFFF, 0xFFFF);
}

static void power_that_fails_during_options_protects(void **state)
{
    (void)state;
    unlock_options();
    put(OPTIONS, with_complement(0x55));
    board_run_ms(board, 2);
    power_cycle();
    assert_int_equal(reg(SR) & OPTVERR, OPTVERR);
    assert_int_not_equal(reg(OBR) & 0xFF, 0xAA);
}

static void wrpr_protects_4_kb_for_each_bit(void **state)
{
    (void)state;
    memset(chip->flash + 0x1000, 0x55, 0x2000);
    set_option(2, 1 << 1);
    unlock();
    put(FLASH + 0x1FFC, 1);
    assert_int_equal(errors(), WRPERR);
    set_reg(PECR, PROG | ERASE);
    put(FLASH + 0x1000, 0);
    assert_int_equal(errors(), WRPERR);
    assert_int_equal(chip->flash[0x1000], 0x55);
    put(FLASH + 0x2000, 0);
    busy_ms();
    assert_int_equal(errors(), 0);
    assert_int_equal(chip->flash[0x2000], 0);
}

static void a_second_register_protects_from_128_kb_on(void **state)
{
    (void)state;
    if (is->kb <= 128)
        return;
    set_option(5, 0x8000);
    assert_int_equal(reg(WRPR2), 0x80000000);
    unlock();
    put(FLASH + is->kb * 1024 - 4, 1);
    assert_int_equal(errors(), WRPERR);
    put(FLASH + is->kb * 1024 - 0x1004, 1);
    busy_ms();
    assert_int_equal(errors(), 0);
}

static void with_wprmod_a_0_is_execute_only(void **state)
{
    uint32_t value;
    (void)state;
    chip->flash[0x1000] = 0x12;
    unlock_options();
    for (uint32_t word = 2; word < (is->kb > 128 ? 6u : 4u); word++) {
        put(OPTIONS + 4 * word, with_complement(word == 2 ? 0xFFFD : 0xFFFF));
        busy_ms();
    }
    set_option(0, 0x1AA);
    assert_int_equal(get(FLASH + 0x1000), 0);
    assert_int_equal(errors(), RDERR);
    assert_true(bus_read(chip->bus, BUS_CODE, FLASH + 0x1000, 2, &value));
    assert_int_equal(value, 0x12);
    assert_int_equal(get(FLASH), program[0]);
    unlock();
    put(FLASH + 0x1004, 1);
    assert_int_equal(errors(), WRPERR);
    put(FLASH + 0x2000, 1);
    busy_ms();
    assert_int_equal(errors(), 0);
}

static void level_1_shuts_both_memories_once_a_debugger_comes(void **state)
{
    (void)state;
    set_option(0, 0x55);
    assert_int_equal(get(FLASH), program[0]);
    assert_false(debugger_reads(FLASH));
    assert_false(debugger_reads(EEPROM));
    assert_true(debugger_reads(RAM));
    assert_true(debugger_reads(OPTIONS));
    assert_true(debugger_reads(is->flash + OBR));
    assert_false(readable(BUS_DATA, FLASH));
    assert_false(readable(BUS_CODE, FLASH));
    unlock();
    assert_true(faults(FLASH + 0x1000, 1));
    assert_true(faults(EEPROM, 1));
    power_cycle();
    assert_int_equal(get(FLASH), program[0]);
}

static void the_way_from_level_1_to_0_erases_flash_and_eeprom(void **state)
{
    (void)state;
    unlock_eeprom();
    put(EEPROM + 4, 0x12345678);
    busy_ms();
    set_option(0, 0);
    assert_int_equal(get(EEPROM + 4), 0x12345678);
    unlock_options();
    put(OPTIONS, with_complement(0xBB));                    /* from 1 to 1 */
    busy_ms();
    assert_int_equal(get(EEPROM + 4), 0x12345678);
    put(OPTIONS, with_complement(0xAA));
    assert_takes((is->kb * 1024 / is->page + 2) * 3.28);
    assert_true(all_zero(chip->flash, chip->flash_size));
    set_reg(PECR, OBL_LAUNCH);
    board_run_ms(board, 1);
    assert_true(debugger_reads(FLASH));
    assert_int_equal(get(EEPROM + 4), 0);
    assert_int_equal(reg(OBR), is->obr);
}

static void level_0_stays_level_0_without_an_erase(void **state)
{
    (void)state;
    set_option(0, 0xAA);
    assert_int_equal(get(FLASH), program[0]);
}

static void level_2_ends_debugging_and_options_for_good(void **state)
{
    struct l4 *l4 = chip->state;
    (void)state;
    assert_true(pecr_controller.debug_port_open(l4));
    set_option(0, 0xCC);
    assert_false(pecr_controller.debug_port_open(l4));
    unlock_options();
    put(OPTIONS, with_complement(0xAA));
    assert_int_equal(errors(), WRPERR);
    power_cycle();
    assert_false(pecr_controller.debug_port_open(l4));
    assert_int_equal(get(FLASH), program[0]);
}

/* --- clocks, watchdogs, pins -------------------------------------------------------- */

static void it_starts_at_2_mhz_and_goes_up_to_32(void **state)
{
    uint32_t cfgr = is->rcc + (is->l0 ? 0x0C : 0x08);
    (void)state;
    assert_in_range(SIM_SECOND / chip->cpu->cycle, 2097000, 2097300);
    put(is->rcc, get(is->rcc) | 1);
    board_run_ms(board, 0.1);
    put(is->rcc + is->apb1_gate, 1 << 28);
    put(PWR, 0x0800);                                       /* range 1 */
    if (!is->l0)
        set_reg(ACR, 4);
    set_reg(ACR, is->l0 ? 1 : 5);
    put(cfgr, 1 << 18 | 1 << 22);                           /* HSI * 4 / 2 */
    put(is->rcc, get(is->rcc) | 1 << 24);
    board_run_ms(board, 1);
    put(cfgr, 1 << 18 | 1 << 22 | 3);
    assert_int_equal(get(cfgr) >> 2 & 3, 3);
    assert_int_equal(SIM_SECOND / chip->cpu->cycle, 32000000);
    nobody_complained();
    set_reg(ACR, is->l0 ? 0 : 4);
    assert_said(SIM_RULE, "wait states");
}

static void an_l1_wants_64_bits_before_a_wait_state(void **state)
{
    (void)state;
    if (is->l0)
        return;
    set_reg(ACR, 1);
    assert_said(SIM_RULE, "ACC64");
}

static uint32_t reset_flags(void) { return get(is->rcc + is->csr) >> 24; }

static void every_reset_leaves_its_flag(void **state)
{
    (void)state;
    assert_int_equal(reset_flags() & 0x7E, 0x0C);           /* POR, PIN */
    put(is->rcc + is->csr, is->rmvf);
    assert_int_equal(reset_flags(), 0);
    reset();
    assert_int_equal(reset_flags(), 0x14);
    put(is->rcc + is->csr, is->rmvf);
    put(IWDG, 0xCCCC);
    board_run_ms(board, 450);                               /* 4096 * 4 / 37 kHz */
    assert_int_equal(reset_flags(), 0x24);
    put(is->rcc + is->csr, is->rmvf);
    set_option(2, 0);
    assert_int_equal(reset_flags(), 0x06);
}

static void open_dbgmcu(void)
{
    if (is->l0)
        put(is->rcc + is->apb2_gate, 1 << 22);
}

static void the_watchdogs_stand_still_in_a_halt_when_told_so(void **state)
{
    (void)state;
    open_dbgmcu();
    put(is->rcc + is->csr, is->rmvf);
    put(is->rcc + is->apb1_gate, 1 << 11);
    put(WWDG, 0xFF);
    put(IWDG, 0xCCCC);
    put(is->dbgmcu + 8, 0x1800);
    chip->cpu->halted = true;
    board_run_ms(board, 2000);
    assert_int_equal(reset_flags(), 0);
    chip->cpu->halted = false;
    board_run_ms(board, 200);
    assert_true(reset_flags());
}

static void without_that_they_bite_in_a_halt(void **state)
{
    (void)state;
    put(is->rcc + is->csr, is->rmvf);
    chip->cpu->halted = true;
    put(IWDG, 0xCCCC);
    board_run_ms(board, 450);
    assert_int_equal(reset_flags(), 0x24);
}

static void a_closed_gate_keeps_dbgmcu_of_an_l0_from_being_written(void **state)
{
    (void)state;
    put(is->dbgmcu + 4, 6);
    assert_int_equal(get(is->dbgmcu + 4), is->l0 ? 0 : 6);
    open_dbgmcu();
    put(is->dbgmcu + 4, 6);
    assert_int_equal(get(is->dbgmcu + 4), 6);
    assert_int_equal(get(is->dbgmcu), is->idcode);
}

static void a_hardware_watchdog_runs_from_reset_on(void **state)
{
    (void)state;
    set_option(1, is->delivered[1] & 0xFFFF & ~0x10u);
    put(is->rcc + is->csr, is->rmvf);
    board_run_ms(board, 450);
    assert_int_equal(reset_flags(), 0x24);
}

static void a_program_may_take_the_debug_pins(void **state)
{
    struct l4 *l4 = chip->state;
    (void)state;
    put(is->rcc + is->gpio_gate, get(is->rcc + is->gpio_gate) | 1);
    assert_int_equal(get(is->gpioa), is->moder);
    assert_true(l4_gpio_debug_pins(l4->gpio));
    put(is->gpioa, is->moder & ~(3u << 26));                /* PA13 an input */
    assert_false(l4_gpio_debug_pins(l4->gpio));
    reset();
    assert_true(l4_gpio_debug_pins(l4->gpio));
}

static void boot0_starts_system_memory(void **state)
{
    (void)state;
    struct net *net = net_new(board->sim, "BOOT0");
    static struct pin high;
    pin_init(&high, board->sim, "high", NULL, NULL);
    net_attach(net, &high, false);
    net_attach(net, chip->pin(chip, "BOOT0"), false);
    pin_drive(&high, DRIVE_HIGH);
    reset();
    assert_said(SIM_NOTE, "system memory");
    assert_int_equal(chip->cpu->r[15] & ~0xFFFu, 0x1FF00000);
    net_free(net);
}

static void a_usart_sends_at_its_rate(void **state)
{
    uint32_t status = USART2 + (is->l0 ? 0x1C : 0x00), data = USART2 + (is->l0 ? 0x28 : 0x04);
    uint32_t cr1 = USART2 + (is->l0 ? 0x00 : 0x0C), brr = USART2 + (is->l0 ? 0x0C : 0x08);
    (void)state;
    put(is->rcc + is->gpio_gate, get(is->rcc + is->gpio_gate) | 1);
    put(is->rcc + is->apb1_gate, 1 << 17);
    put(is->gpioa + 0x20, (uint32_t)is->af << 8 | (uint32_t)is->af << 12);
    put(is->gpioa, (is->moder & ~0xF0u) | 0xA0);
    put(brr, 218);                                          /* 9600 */
    put(cr1, is->l0 ? 1 | 8 | 4 : 1 << 13 | 8 | 4);
    struct pin *tx = chip->pin(chip, "PA2");
    assert_true(pin_sample(tx));
    put(data, 0x00);
    assert_int_equal(get(status) & 0xC0, 0x80);             /* TXE, not TC */
    board_run_ms(board, 0.5);
    assert_false(pin_sample(tx));
    board_run_ms(board, 1);
    assert_true(pin_sample(tx));
    assert_int_equal(get(status) & 0xC0, 0xC0);
    nobody_complained();
}

#define T(name) cmocka_unit_test_setup_teardown(name, power_on, power_off)

static const struct CMUnitTest tests[] = {
    T(it_identifies_itself),
    T(flash_and_eeprom_are_0_when_delivered_and_end_where_they_end),
    T(a_blank_chip_locks_up_and_that_is_but_a_note),
    T(three_locks_open_one_behind_the_other),
    T(a_wrong_key_is_a_bus_error_and_locks_until_reset),
    T(keys_of_the_flash_are_wrong_before_those_of_the_eeprom),
    T(a_reset_locks_all),
    T(a_page_is_erased_by_a_store_into_it),
    T(an_erase_wants_prog_and_32_bits),
    T(a_word_is_programmed_by_a_store),
    T(a_store_of_less_than_a_word_is_sizerr),
    T(a_store_to_locked_flash_is_wrperr),
    T(what_is_not_erased_gets_more_bits_or_notzeroerr),
    T(half_a_page_takes_the_time_of_a_word),
    T(nothing_happens_before_the_last_word_of_half_a_page),
    T(half_a_page_begins_at_its_start_and_goes_on_in_order),
    T(who_reads_the_flash_meanwhile_breaks_half_a_page_off),
    T(who_executes_from_flash_meanwhile_breaks_half_a_page_off),
    T(half_a_page_over_something_is_refused_by_an_l0),
    T(the_core_waits_while_it_is_busy),
    T(the_interrupt_comes_at_the_end_or_with_an_error),
    T(power_that_fails_leaves_a_page_between_both),
    T(the_eeprom_takes_all_widths_behind_the_first_lock),
    T(fix_erases_always),
    T(a_word_of_the_eeprom_is_erased_with_data_and_erase),
    T(a_byte_of_0_does_not_get_into_a_category_1_chip),
    T(options_are_as_delivered),
    T(an_option_word_is_written_with_its_complement_and_loaded_later),
    T(loading_wants_the_options_open),
    T(a_complement_that_does_not_fit_is_optverr_and_the_safe_value),
    T(power_that_fails_during_options_protects),
    T(wrpr_protects_4_kb_for_each_bit),
    T(a_second_register_protects_from_128_kb_on),
    T(with_wprmod_a_0_is_execute_only),
    T(level_1_shuts_both_memories_once_a_debugger_comes),
    T(the_way_from_level_1_to_0_erases_flash_and_eeprom),
    T(level_0_stays_level_0_without_an_erase),
    T(level_2_ends_debugging_and_options_for_good),
    T(it_starts_at_2_mhz_and_goes_up_to_32),
    T(an_l1_wants_64_bits_before_a_wait_state),
    T(every_reset_leaves_its_flag),
    T(the_watchdogs_stand_still_in_a_halt_when_told_so),
    T(without_that_they_bite_in_a_halt),
    T(a_closed_gate_keeps_dbgmcu_of_an_l0_from_being_written),
    T(a_hardware_watchdog_runs_from_reset_on),
    T(a_program_may_take_the_debug_pins),
    T(boot0_starts_system_memory),
    T(a_usart_sends_at_its_rate),
};

int main(int argc, char **argv)
{
    int failed = 0;
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    for (is = parts; is < parts + sizeof parts / sizeof parts[0]; is++) {
        printf("%s:\n", is->name);
        fflush(stdout);
        failed += cmocka_run_group_tests(tests, NULL, NULL);
    }
    return failed;
}
