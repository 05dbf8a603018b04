/* stm32l4_chips.c - do the simulated STM32s with the L4's flash controller do what their
 * manuals say, and complain where these forbid?
 *
 *   STM32G071RB   one bank                    STM32G0B1RE   two banks, swapped by an option
 *   STM32L476RG   two banks, BFB2, FB_MODE    STM32G474RE   two banks, or one of 4 KB pages
 *
 * Registers are driven as the core would, on its bus; the core executes nothing but a small
 * loop where a test needs it.  Addresses and bits are written out from the manuals again.  Each
 * test runs on each chip that it concerns; an argument chooses tests by a pattern. */
#include "board.h"
#include "l4.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum {
    FLASH = 0x08000000, SYSTEM = 0x1FFF0000, OTP = 0x1FFF7000, OPTIONS = 0x1FFF7800,
    RAM = 0x20000000, USART2 = 0x40004400, WWDG = 0x40002C00, IWDG = 0x40003000,
    SYSCFG = 0x40010000, RCC = 0x40021000, ACR = 0x40022000, KEYR = ACR + 8,
    OPTKEYR = ACR + 0xC, SR = ACR + 0x10, CR = ACR + 0x14, ECCR = ACR + 0x18, OPTR = ACR + 0x20,
    PCROP1SR = ACR + 0x24, PCROP1ER = ACR + 0x28, WRP1AR = ACR + 0x2C, WRP1BR = ACR + 0x30,
    PCROP2SR = ACR + 0x44, PCROP2ER = ACR + 0x48, WRP2AR = ACR + 0x4C, WRP2BR = ACR + 0x50,
};
enum { EOP = 1, OPERR = 2, PROGERR = 8, WRPERR = 0x10, PGAERR = 0x20, SIZERR = 0x40,
       PGSERR = 0x80, MISERR = 0x100, FASTERR = 0x200, RDERR = 0x4000, OPTVERR = 0x8000,
       BSY = 0x10000, BSY2 = 0x20000, CFGBSY = 0x40000, ANY_BUSY = 0x70000 };
enum { PG = 1, PER = 2, MER1 = 4, MER2 = 0x8000, STRT = 0x10000, OPTSTRT = 0x20000,
       FSTPG = 0x40000, EOPIE = 1 << 24, ERRIE = 1 << 25, RDERRIE = 1 << 26,
       OBL_LAUNCH = 1 << 27 };
#define LOCKED 0xC0000000u
#define OPTLOCK 0x40000000u

/* What the manuals say of each. */
static const struct part {
    const char *name;
    uint32_t idcode, dbgmcu, cpuid, gpioa, optr, acr, csr, enr_gpio, enr_apb1, enr_apb2;
    uint32_t kb, bank, page, bker, hz, gpioa_moder, gpioa_pupdr;
    int word_us, page_ms, flash_irq, usart_function;
    bool m0;
} parts[] = {
    { "stm32g071", 0x20006460, 0x40015800, 0x410CC601, 0x50000000, 0xFFFFFEAA, 0x40600,
      0x60, 0x34, 0x3C, 0x40, 128, 0x20000, 2048, 0, 16000000, 0xEBFFFFFF, 0x24000000,
      85, 22, 3, 1, true },
    { "stm32l476", 0x10076415, 0xE0042000, 0x410FC241, 0x48000000, 0xFFEFF8AA, 0x600,
      0x94, 0x4C, 0x58, 0x60, 1024, 0x80000, 2048, 1 << 11, 4000000, 0xABFFFFFF, 0x64000000,
      82, 22, 4, 7, false },
    { "stm32g0b1", 0x10006467, 0x40015800, 0x410CC601, 0x50000000, 0xFFFFFEAA, 0x40600,
      0x60, 0x34, 0x3C, 0x40, 512, 0x40000, 2048, 1 << 13, 16000000, 0xEBFFFFFF, 0x24000000,
      85, 22, 3, 1, true },
    { "stm32g474", 0x20036469, 0xE0042000, 0x410FC241, 0x48000000, 0xFFEFF8AA, 0x40600,
      0x94, 0x4C, 0x58, 0x60, 512, 0x40000, 2048, 1 << 11, 16000000, 0xABFFFFFF, 0x64000000,
      82, 22, 4, 7, false },
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

static unsigned rules_broken(void)
{
    return board->sim->problems[SIM_RULE] + board->sim->of_target[SIM_RULE];
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
static void set_bits(uint32_t address, uint32_t bits) { put(address, get(address) | bits); }
static bool faults(uint32_t address, uint32_t value)
{
    return !bus_write(chip->bus, BUS_DATA, address, 4, value);
}
static bool readable(enum bus_master master, uint32_t address)
{
    return bus_read(chip->bus, master, address, 2, &(uint32_t){ 0 });
}

/* A debugger's accesses, as the AHB-AP makes them. */
static bool debugger_reads(uint32_t address)
{
    uint32_t value;
    return l4_controller.debugger_allowed(chip->state, address, false) &&
           bus_read(chip->bus, BUS_DEBUG, address, 4, &value);
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

static void unlock(void)
{
    put(KEYR, 0x45670123);
    put(KEYR, 0xCDEF89AB);
}

static void unlock_options(void)
{
    unlock();
    put(OPTKEYR, 0x08192A3B);
    put(OPTKEYR, 0x4C5D6E7F);
}

static double busy_us(void)
{
    sim_time start = board->sim->now;
    while (get(SR) & ANY_BUSY)
        board_run_ms(board, board->sim->now - start > SIM_MS ? 1 : 0.001);
    return (double)(board->sim->now - start) / (double)SIM_US;
}

static void put_double(uint32_t address, uint32_t low, uint32_t high)
{
    put(address, low);
    put(address + 4, high);
}

static uint32_t page_bits(uint32_t n)
{
    uint32_t in_bank = n % (is->bank / is->page);
    return PER | in_bank << 3 | (n == in_bank ? 0 : is->bker);
}

/* Leaves page n neither erased nor as it was. */
static void spoil_page(uint32_t n)
{
    memset(chip->flash + n * is->page, 0, is->page);
    unlock();
    put(CR, page_bits(n) | STRT);
    board_run_ms(board, 10);
    power_cycle();
}

static bool is_erased(uint32_t offset, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++)
        if (chip->flash[offset + i] != 0xFF)
            return false;
    return true;
}

static void erase_page(uint32_t n)
{
    put(CR, page_bits(n));
    put(CR, page_bits(n) | STRT);
    busy_us();
    put(CR, 0);
}

/* Writes the registers as they are now, and loads them. */
static void start_options(void)
{
    put(CR, OPTSTRT);
    busy_us();
}

static void launch_options(void)
{
    start_options();
    put(CR, OBL_LAUNCH);
    board_run_ms(board, 1);
}

static void set_option(uint32_t reg, uint32_t value)
{
    unlock_options();
    put(reg, value);
    launch_options();
}

/* --- identification, map ------------------------------------------------------------ */

static void it_identifies_itself(void **state)
{
    (void)state;
    uint32_t rom = is->m0 ? 0xF0000000 : 0xE00FF000;
    assert_int_equal(get(is->dbgmcu), is->idcode);
    assert_int_equal(get(0xE000ED00), is->cpuid);
    assert_int_equal(get_sized(0x1FFF75E0, 2), is->kb);
    assert_int_not_equal(get(0x1FFF7590), 0xFFFFFFFF);
    assert_int_equal(get(rom + 0xFE0) | get(rom + 0xFE4) << 8 | get(rom + 0xFE8) << 16,
                     0x0A0000 | (is->idcode & 0xFFF));
    if (is->m0)
        assert_int_equal(rom + (get(rom) & ~0xFFFu), 0xE00FF000);
}

static void flash_is_seen_at_0_too(void **state)
{
    (void)state;
    chip->flash[0x12345] = 0x5A;
    assert_int_equal(get_sized(FLASH + 0x12345, 1), 0x5A);
    assert_int_equal(get_sized(0x12345, 1), 0x5A);
    assert_true(readable(BUS_DATA, FLASH + is->kb * 1024 - 4));
    assert_false(readable(BUS_DATA, FLASH + is->kb * 1024));
}

static void an_absent_peripheral_is_reported_by_name(void **state)
{
    (void)state;
    get(0x40012C00);
    assert_said(SIM_UNMODELLED, "TIM1");
}

/* --- flash: keys and locks ---------------------------------------------------------- */

static void two_keys_open_it_and_lock_closes_it(void **state)
{
    (void)state;
    assert_int_equal(get(CR), LOCKED);
    unlock();
    assert_int_equal(get(CR), OPTLOCK);
    put(CR, 0x80000000);
    assert_int_equal(get(CR), LOCKED);
    put(CR, PER);                                           /* ignored now */
    assert_int_equal(get(CR), LOCKED);
    assert_said(SIM_RULE, "while locked");
    unlock();
    assert_int_equal(get(CR), OPTLOCK);
    nobody_complained();
}

static void a_wrong_key_faults_and_locks_until_reset(void **state)
{
    static const uint32_t wrong[][2] = { { 0x45670124, 0 }, { 0x45670123, 0x45670123 },
                                         { 0xCDEF89AB, 0 } };
    (void)state;
    for (int i = 0; i < 3; i++) {
        if (wrong[i][1])
            put(KEYR, wrong[i][0]);
        assert_true(faults(KEYR, wrong[i][wrong[i][1] != 0]));
        assert_true(faults(KEYR, 0x45670123));
        assert_true(faults(KEYR, 0xCDEF89AB));
        assert_int_equal(rules_broken(), 3 * (i + 1));
        assert_int_equal(get(CR), LOCKED);
        reset();
        unlock();
        assert_int_equal(get(CR), OPTLOCK);
        reset();
    }
}

static void keys_when_it_is_open_lock_it_until_reset(void **state)
{
    (void)state;
    unlock();
    assert_true(faults(KEYR, 0x45670123));
    assert_int_equal(get(CR), LOCKED);
    assert_true(faults(KEYR, 0x45670123));
    reset();
    unlock_options();
    assert_int_equal(get(CR), 0);
    assert_true(faults(KEYR, 0xCDEF89AB));
    assert_int_equal(get(CR), LOCKED);
}

static void the_options_have_keys_of_their_own_behind_the_first(void **state)
{
    (void)state;
    assert_int_equal(get(OPTR), is->optr);
    unlock();
    put(OPTR, is->optr & ~0x10000u);
    assert_int_equal(get(OPTR), is->optr);
    assert_said(SIM_RULE, "OPTLOCK is set");
    put(CR, OPTSTRT);
    assert_said(SIM_RULE, "OPTLOCK is set");
    put(OPTKEYR, 0x08192A3B);
    put(OPTKEYR, 0x4C5D6E7F);
    assert_int_equal(get(CR), 0);
    put(OPTR, is->optr & ~0x10000u);
    assert_int_equal(get(OPTR), is->optr & ~0x10000u);
    put(CR, OPTLOCK);
    assert_int_equal(get(CR), OPTLOCK);
    assert_true(faults(OPTKEYR, 0x45670123));
    assert_true(faults(OPTKEYR, 0x08192A3B));
    reset();
    assert_true(faults(OPTKEYR, 0x08192A3B));               /* LOCK comes first */
    reset();
    unlock_options();
    assert_int_equal(get(CR), 0);
    put(CR, 0x80000000);                                    /* LOCK brings OPTLOCK back */
    assert_int_equal(get(CR), LOCKED);
}

/* --- flash: erasing ----------------------------------------------------------------- */

static void each_page_is_erased_alone_in_its_time(void **state)
{
    uint32_t pages = is->kb * 1024 / is->page, in_bank = is->bank / is->page;
    uint32_t some[] = { 0, 1, 31, in_bank - 1, in_bank % pages, (in_bank + 1) % pages,
                        pages - 1 };
    (void)state;
    chip->cpu->halted = true;
    unlock();
    for (int i = 0; i < 7; i++) {
        uint32_t n = some[i];
        memset(chip->flash, 0, chip->flash_size);
        put(CR, page_bits(n));
        put(CR, page_bits(n) | STRT);
        assert_int_equal(get(CR), page_bits(n) | STRT | OPTLOCK);
        assert_in_range((int)(busy_us() / 1000 + 0.5), is->page_ms, is->page_ms + 1);
        assert_int_equal(get(CR), page_bits(n) | OPTLOCK);  /* STRT goes by itself */
        assert_true(is_erased(n * is->page, is->page));
        assert_true(n == 0 || chip->flash[n * is->page - 1] == 0);
        assert_true(n == pages - 1 || chip->flash[(n + 1) * is->page] == 0);
    }
    assert_int_equal(get(SR), 0);                           /* no EOP without EOPIE */
    nobody_complained();
}

static void a_mass_erase_takes_all_but_otp_and_options(void **state)
{
    (void)state;
    unlock();
    put(CR, PG);
    put_double(OTP + 8, 1, 2);
    busy_us();
    chip->cpu->halted = true;
    memset(chip->flash, 0, chip->flash_size);
    put(CR, MER1 | MER2);
    put(CR, MER1 | MER2 | STRT);
    assert_in_range((int)(busy_us() / 1000 + 0.5), is->page_ms, is->page_ms + 1);
    assert_true(is_erased(0, chip->flash_size));
    assert_int_equal(get(OTP + 8), 1);
    assert_int_equal(get(OPTR), is->optr);
    nobody_complained();
}

static void an_erase_mixed_with_another_or_programming_is_pgserr(void **state)
{
    static const uint32_t bad[] = { PER | MER1, PER | PG, MER1 | PG, PER | FSTPG, MER1 | FSTPG };
    (void)state;
    memset(chip->flash, 0, chip->flash_size);
    unlock();
    for (int i = 0; i < 5; i++) {
        put(CR, bad[i]);
        put(CR, bad[i] | STRT);
        assert_int_equal(get(SR), PGSERR);
        put(SR, PGSERR);
        assert_int_equal(get(SR), 0);
        put(CR, 0);
    }
    assert_said(SIM_RULE, "PGSERR");
    put(CR, STRT);
    assert_int_equal(get(SR), 0);
    assert_said(SIM_RULE, "neither PER nor MER");
    for (uint32_t i = 0; i < chip->flash_size; i += 64)
        assert_int_equal(chip->flash[i], 0);
}

/* --- flash: programming ------------------------------------------------------------- */

static void a_double_word_is_two_stores_of_32_bits(void **state)
{
    (void)state;
    unlock();
    put(CR, PG);
    put(FLASH + 0x40, 0x12345678);
    assert_int_equal(get(SR), is->m0 ? CFGBSY : 0);
    board_run_ms(board, 1);
    assert_true(is_erased(0x40, 8));                        /* half of it does nothing */
    put(FLASH + 0x44, 0x9ABCDEF0);
    assert_int_equal(get(SR) & BSY, BSY);
    assert_in_range((int)(busy_us() + 0.5), is->word_us, is->word_us + 1);
    assert_memory_equal(chip->flash + 0x40, "\x78\x56\x34\x12\xF0\xDE\xBC\x9A", 8);
    assert_int_equal(get(SR), 0);
    assert_true(is_erased(0x48, 8));
    nobody_complained();
}

static void a_narrow_store_is_sizerr(void **state)
{
    (void)state;
    unlock();
    put(CR, PG);
    for (int width = 1; width <= 2; width *= 2) {
        put_sized(FLASH + 0x40, 0, width);
        assert_int_equal(get(SR), SIZERR);
        put(SR, SIZERR);
        put(FLASH + 0x40, 0);
        put_sized(FLASH + 0x44, 0, width);                  /* nor as the second half */
        assert_int_equal(get(SR), SIZERR);
        put(SR, SIZERR);
    }
    assert_said(SIM_RULE, "SIZERR");
    assert_true(is_erased(0x40, 8));
}

static void a_store_out_of_its_double_word_is_pgaerr(void **state)
{
    (void)state;
    unlock();
    put(CR, PG);
    put(FLASH + 0x44, 0);                                   /* the second half first */
    assert_int_equal(get(SR), PGAERR);
    assert_said(SIM_RULE, "PGAERR");
    put(SR, PGAERR);
    put(FLASH + 0x40, 0);
    put(FLASH + 0x48, 0);                                   /* another's first half */
    assert_int_equal(get(SR), PGAERR);
    put(SR, PGAERR);
    put(FLASH + 0x40, 0);
    put(FLASH + 0x40, 0);                                   /* the same twice */
    assert_int_equal(get(SR), PGAERR);
    assert_true(is_erased(0x40, 16));
}

static void what_is_programmed_takes_only_zeros(void **state)
{
    (void)state;
    unlock();
    put(CR, PG);
    put_double(FLASH + 0x40, 0xFFFFFFFF, 0xFFFFFFFE);
    busy_us();
    put_double(FLASH + 0x40, 0xFFFFFFFF, 0xFFFFFFFE);       /* not even the same again */
    assert_int_equal(get(SR), PROGERR);
    assert_said(SIM_RULE, "PROGERR");
    put(SR, PROGERR);
    put_double(FLASH + 0x40, 0, 1);
    assert_int_equal(get(SR), PROGERR);
    put(SR, PROGERR);
    said[SIM_RULE][0] = '\0';
    put_double(FLASH + 0x40, 0, 0);
    busy_us();
    assert_int_equal(get(SR), 0);
    assert_int_equal(get(FLASH + 0x40) | get(FLASH + 0x44), 0);
    nobody_complained();
}

static void a_store_without_pg_is_pgserr(void **state)
{
    static const uint32_t modes[] = { 0, PG | PER, PG | MER1, PG | FSTPG };
    (void)state;
    put(FLASH + 0x40, 0);                                   /* locked, even */
    assert_int_equal(get(SR), PGSERR);
    put(SR, PGSERR);
    unlock();
    for (int i = 0; i < 4; i++) {
        put(CR, modes[i]);
        put(FLASH + 0x40, 0);
        assert_int_equal(get(SR), PGSERR);
        put(SR, PGSERR);
    }
    assert_said(SIM_RULE, "PGSERR");
    assert_true(is_erased(0x40, 8));
}

static void an_error_that_stands_stops_all_further_work(void **state)
{
    (void)state;
    unlock();
    put(CR, PG);
    put_sized(FLASH + 0x40, 0, 1);
    put_double(FLASH + 0x40, 0, 0);
    assert_int_equal(get(SR), SIZERR | PGSERR);
    assert_true(is_erased(0x40, 8));
    chip->flash[0x1000] = 0;
    put(CR, page_bits(0x1000 / is->page) | STRT);
    assert_int_equal(get(SR), SIZERR | PGSERR);
    assert_int_equal(chip->flash[0x1000], 0);
    put(SR, SIZERR);                                        /* one left is enough */
    put(CR, page_bits(0x1000 / is->page) | STRT);
    assert_int_equal(get(SR), PGSERR);
    put(SR, PGSERR);
    put(CR, page_bits(0x1000 / is->page) | STRT);
    busy_us();
    assert_int_equal(chip->flash[0x1000], 0xFF);
}

static void half_a_double_word_is_lost_when_cr_is_written(void **state)
{
    (void)state;
    unlock();
    put(CR, PG);
    put(FLASH + 0x40, 0);
    put(CR, 0);
    assert_said(SIM_RULE, "one half of a double word");
    put(CR, PG);
    put_double(FLASH + 0x48, 1, 2);
    busy_us();
    assert_true(is_erased(0x40, 8));
    assert_int_equal(get(FLASH + 0x48), 1);
    nobody_complained();
}

static void eop_and_operr_come_only_with_their_interrupts(void **state)
{
    (void)state;
    uint32_t pending = 1u << is->flash_irq;
    unlock();
    put(CR, PG | EOPIE | ERRIE);
    put_double(FLASH + 0x40, 0, 0);
    busy_us();
    assert_int_equal(get(SR), EOP);
    assert_int_equal(get(0xE000E200) & pending, pending);
    put(SR, EOP);
    assert_int_equal(get(SR), 0);
    put(0xE000E280, pending);                               /* ICPR */
    put_sized(FLASH + 0x48, 0, 2);
    assert_int_equal(get(SR), SIZERR | OPERR);
    assert_int_equal(get(0xE000E200) & pending, pending);
    put(SR, SIZERR | OPERR);
    assert_int_equal(get(SR), 0);
}

static void who_reads_the_bank_or_writes_cr_while_busy_waits(void **state)
{
    (void)state;
    struct bus_region *flash = bus_find(chip->bus, FLASH), *cr = bus_find(chip->bus, CR);
    struct bus_region *sr = bus_find(chip->bus, SR);
    unlock();
    put(CR, PER | 1 << 3 | STRT);
    assert_true(*bus_busy(flash, false) > board->sim->now);
    assert_true(*bus_busy(flash, true) > board->sim->now);
    assert_true(*bus_busy(bus_find(chip->bus, 0), false) > board->sim->now);
    assert_true(*bus_busy(cr, true) > board->sim->now);
    assert_true(*bus_busy(bus_find(chip->bus, OPTR), true) > board->sim->now);
    assert_true(*bus_busy(bus_find(chip->bus, OTP), false) > board->sim->now);
    assert_null(bus_busy(cr, false));
    assert_null(bus_busy(sr, false));
    assert_int_equal(get(SR), BSY | (is->m0 ? CFGBSY : 0));
    busy_us();
    assert_true(*bus_busy(flash, false) <= board->sim->now);
}

static void power_that_fails_while_it_erases_leaves_a_mixture_with_wrong_ecc(void **state)
{
    (void)state;
    uint32_t at = 4 * is->page;
    spoil_page(4);
    assert_false(is_erased(at, is->page));
    int zeros = 0;
    for (uint32_t i = 0; i < is->page; i++)
        zeros += chip->flash[at + i] == 0;
    assert_true(zeros < (int)is->page);
    assert_int_equal(get(ECCR), 0);
    get(FLASH + 0x10);                                      /* elsewhere all is well */
    assert_int_equal(get(ECCR), 0);
    for (uint32_t i = 0; i < 64 && !get(ECCR); i += 8)
        get(FLASH + at + i);
    assert_int_equal(get(ECCR) >> 31, 1);                   /* ECCD */
    uint32_t address = (get(ECCR) & 0x7FFFF) << (is->m0 ? 3 : 0);
    assert_in_range(address, at, at + 63);
    uint32_t first = get(ECCR);
    for (uint32_t i = 64; i < is->page; i += 8)
        get(FLASH + at + i);
    assert_int_equal(get(ECCR), first);                     /* it keeps the first */
    assert_int_equal(get(0xE000ED04) >> 31, 1);             /* the NMI is pending */
    put(ECCR, 1u << 31);
    assert_int_equal(get(ECCR) >> 31, 0);
    unlock();
    erase_page(4);
    for (uint32_t i = 0; i < is->page; i += 4)
        get(FLASH + at + i);
    assert_int_equal(get(ECCR) >> 31, 0);
}

static void a_reset_forgets_the_ecc_error(void **state)
{
    (void)state;
    spoil_page(4);
    for (uint32_t i = 0; i < 64; i += 8)
        get(FLASH + 4 * is->page + i);
    assert_int_equal(get(ECCR) >> 31, 1);
    reset();
    assert_int_equal(get(ECCR), 0);
}

static void otp_is_written_once_and_no_zeros_after(void **state)
{
    (void)state;
    unlock();
    put(CR, PG);
    put_double(OTP + 0x3F8, 0xFFFFFFFF, 0xFFFFFFFE);
    assert_int_equal(get(SR) & BSY, BSY);
    busy_us();
    assert_int_equal(get(OTP + 0x3FC), 0xFFFFFFFE);
    put_double(OTP + 0x3F8, 0, 0);
    assert_int_equal(get(SR), PROGERR);
    assert_int_equal(get(OTP + 0x3FC), 0xFFFFFFFE);
    put(SR, PROGERR);
    put(CR, PER | STRT);
    busy_us();
    assert_int_equal(get(OTP + 0x3FC), 0xFFFFFFFE);
}

static void system_memory_and_option_bytes_are_never_programmed(void **state)
{
    (void)state;
    put(SYSTEM, 0);
    assert_int_equal(get(SR), PGSERR);
    put(SR, PGSERR);
    unlock();
    put(CR, PG);
    put(SYSTEM, 0);
    assert_int_equal(get(SR), WRPERR);
    put(SR, WRPERR);
    put(OPTIONS, 0);
    assert_int_equal(get(SR), WRPERR);
    assert_int_equal(get(OPTIONS), is->optr);
    assert_int_equal(get(OPTIONS + 4), ~is->optr);
}

/* --- flash: rows at once ------------------------------------------------------------ */

static void store_when_free(uint32_t address, uint32_t value)
{
    const sim_time *until = bus_busy(bus_find(chip->bus, address), true);
    if (*until > board->sim->now)
        board_run_ms(board, (double)(*until - board->sim->now) / (double)SIM_MS);
    put(address, value);
}

static void a_row_is_programmed_faster_than_its_double_words(void **state)
{
    (void)state;
    unlock();
    erase_page(4);
    put(CR, FSTPG);
    sim_time start = board->sim->now;
    for (uint32_t i = 0; i < 64; i++)
        store_when_free(FLASH + 4 * is->page + 4 * i, i);
    busy_us();
    double us = (double)(board->sim->now - start) / (double)SIM_US;
    assert_true(us > 0.6 * 32 * is->word_us && us < 0.75 * 32 * is->word_us);
    assert_int_equal(get(SR), 0);
    for (uint32_t i = 0; i < 64; i++)
        assert_int_equal(get(FLASH + 4 * is->page + 4 * i), i);
    put(CR, 0);
    nobody_complained();
}

static void a_row_with_a_pause_is_miserr(void **state)
{
    (void)state;
    unlock();
    erase_page(4);
    put(CR, FSTPG);
    for (uint32_t i = 0; i < 6; i++)
        store_when_free(FLASH + 4 * is->page + 4 * i, i);
    board_run_ms(board, 1);
    assert_int_equal(get(SR), MISERR | FASTERR);
    assert_said(SIM_RULE, "MISERR");
}

static void a_row_with_a_gap_is_pgaerr_and_one_not_just_erased_pgserr(void **state)
{
    (void)state;
    unlock();
    erase_page(4);
    put(CR, FSTPG);
    store_when_free(FLASH + 4 * is->page, 0);
    store_when_free(FLASH + 4 * is->page + 4, 0);
    store_when_free(FLASH + 4 * is->page + 16, 0);
    store_when_free(FLASH + 4 * is->page + 20, 0);
    assert_int_equal(get(SR) & (PGAERR | FASTERR), PGAERR | FASTERR);
    put(CR, 0);
    busy_us();
    put(SR, 0xC3FA);
    erase_page(5);
    put(CR, FSTPG);
    put_double(FLASH + 4 * is->page + 256, 1, 2);
    assert_int_equal(get(SR), PGSERR | FASTERR);
    put(SR, 0xC3FA);
    put_double(FLASH + 5 * is->page + 8, 1, 2);             /* not at the row's start */
    assert_int_equal(get(SR), PGAERR | FASTERR);
    put(SR, 0xC3FA);
    for (uint32_t i = 0; i < 64; i++)
        store_when_free(FLASH + 5 * is->page + 4 * i, i);
    busy_us();
    assert_int_equal(get(SR), 0);
    put_double(FLASH + 5 * is->page, 0, 0);                 /* no second time */
    assert_int_equal(get(SR), PGSERR | FASTERR);
    put(SR, 0xC3FA);
    put_double(OTP, 1, 2);
    assert_int_equal(get(SR), PGSERR | FASTERR);
    put(SR, 0xC3FA);
    put(CR, 0);
    put(CR, FSTPG);
    board_run_ms(board, 8);
    assert_int_equal(get(SR), FASTERR);                     /* more than 7 ms */
}

/* --- options ------------------------------------------------------------------------ */

static void options_are_in_force_when_loaded_and_not_before(void **state)
{
    (void)state;
    uint32_t changed = is->optr & ~0x40000u;                /* IWDG_STDBY */
    unlock_options();
    put(OPTR, changed);
    reset();
    assert_int_equal(get(OPTR), is->optr);                  /* it was never started */
    unlock_options();
    put(OPTR, changed);
    put(CR, OPTSTRT);
    assert_int_equal(get(CR), OPTSTRT);
    double us = busy_us();
    assert_int_equal(get(CR), 0);                           /* it goes by itself */
    assert_true(us > 22000 && us < 30000);                  /* a page, and its words */
    assert_int_equal(get(OPTIONS), changed);
    assert_int_equal(get(OPTIONS + 4), ~changed);
    reset();
    assert_int_equal(get(OPTR), is->optr);                  /* a reset loads nothing */
    unlock_options();
    put(CR, OBL_LAUNCH);
    board_run_ms(board, 1);
    assert_int_equal(get(OPTR), changed);
    assert_int_equal(get(RCC + is->csr) >> 25 & 1, 1);      /* OBLRSTF */
    assert_int_equal(get(CR), LOCKED);
    unlock_options();
    put(OPTR, is->optr);
    start_options();
    power_cycle();                                          /* power-on loads them too */
    assert_int_equal(get(OPTR), is->optr);
    nobody_complained();
}

/* The debug port goes, and with it what a debugger had set. */
static void loading_options_is_the_end_of_a_debug_session(void **state)
{
    (void)state;
    put(0xE000EDF0, 0xA05F0001);                            /* C_DEBUGEN, by a debugger */
    assert_true(bus_write(chip->bus, BUS_DEBUG, 0xE000EDF0, 4, 0xA05F0003));
    assert_true(bus_write(chip->bus, BUS_DEBUG, 0xE000EDFC, 4, 1));
    board_run_ms(board, 0.1);
    assert_true(chip->cpu->halted);
    unlock_options();
    put(CR, OBL_LAUNCH);
    board_run_ms(board, 1);
    assert_false(chip->cpu->halted);
    assert_int_equal(get(0xE000EDF0) & 3, 0);
    assert_int_equal(get(0xE000EDFC) & 1, 0);
}

static void write_protection_is_by_pages_from_the_loading_on(void **state)
{
    (void)state;
    memset(chip->flash + 2 * is->page, 0, 6 * is->page);
    unlock_options();
    put(WRP1AR, (get(WRP1AR) & 0xFF00FF00) | 3 | 5 << 16);
    put(WRP1BR, (get(WRP1BR) & 0xFF00FF00) | 7 | 7 << 16);
    launch_options();
    unlock();
    static const int shut[] = { 3, 4, 5, 7 };
    for (int i = 0; i < 4; i++) {
        put(CR, page_bits((uint32_t)shut[i]) | STRT);
        assert_int_equal(get(SR), WRPERR);
        put(SR, WRPERR);
        put(CR, PG);
        put_double(FLASH + (uint32_t)shut[i] * is->page, 0, 0);
        assert_int_equal(get(SR) & WRPERR, WRPERR);
        put(SR, WRPERR | PGSERR);
    }
    put(CR, MER1 | STRT);                                   /* nor with the rest */
    assert_int_equal(get(SR), WRPERR);
    put(SR, WRPERR);
    assert_int_equal(chip->flash[3 * is->page], 0);
    for (uint32_t n = 2; n <= 6; n += 4) {
        erase_page(n);
        assert_true(is_erased(n * is->page, is->page));
    }
    assert_int_equal(chip->flash[5 * is->page], 0);
    put(CR, 0);
    put(OPTKEYR, 0x08192A3B);
    put(OPTKEYR, 0x4C5D6E7F);
    put(WRP1AR, (get(WRP1AR) & 0xFF00FF00) | 5 | 4 << 16);  /* begins behind its end: none */
    launch_options();
    unlock();
    erase_page(4);
    assert_true(is_erased(4 * is->page, is->page));
}

static uint32_t pcrop_granule(void) { return is->m0 ? 512 : 8; }

/* An area from page 4 to the end of page 5 of bank 1. */
static void set_pcrop(uint32_t also_end)
{
    uint32_t first = 4 * is->page / pcrop_granule(), behind = 6 * is->page / pcrop_granule();
    unlock_options();
    put(PCROP1SR, first);
    put(PCROP1ER, (behind - 1) | also_end);
    launch_options();
}

static void pcrop_is_only_executed(void **state)
{
    (void)state;
    uint32_t at = FLASH + 4 * is->page;
    memset(chip->flash + 4 * is->page, 0x12, 2 * is->page);
    set_pcrop(0);
    assert_true(readable(BUS_CODE, at));
    assert_int_equal(get(SR), 0);
    assert_int_equal(get(at), 0);
    assert_int_equal(get(SR), RDERR);
    put(SR, RDERR);
    assert_true(bus_read(chip->bus, BUS_DEBUG, at + 2 * is->page - 4, 4, &(uint32_t){ 0 }));
    assert_int_equal(get(SR), RDERR);
    put(SR, RDERR);
    get(at - 4);
    get(at + 2 * is->page);
    assert_int_equal(get(SR), 0);
    unlock();
    put(CR, RDERRIE);
    get(at);
    assert_int_equal(get(0xE000E200) >> is->flash_irq & 1, 1);
    put(SR, RDERR);
    put(CR, page_bits(5) | STRT);
    assert_int_equal(get(SR), WRPERR);
    put(SR, WRPERR);
    put(CR, MER1 | STRT);
    assert_int_equal(get(SR), WRPERR);
}

static void pcrop_from_a_place_to_itself(void **state)
{
    (void)state;
    memset(chip->flash + 4 * is->page, 0x12, is->page);
    unlock_options();
    put(PCROP1SR, 4 * is->page / pcrop_granule());
    put(PCROP1ER, 4 * is->page / pcrop_granule());
    launch_options();
    get(FLASH + 4 * is->page);
    assert_int_equal(get(SR), is->m0 ? RDERR : 0);          /* G0: one; others: none */
    put(SR, RDERR);
    get(FLASH + 4 * is->page + pcrop_granule());
    assert_int_equal(get(SR), 0);
}

static void reserved_bits_of_option_words_stay(void **state)
{
    (void)state;
    uint32_t wrp = get(WRP1AR), fields = is->page == 2048 && is->kb == 128 ? 0x3F003F
                                         : is->kb == 1024 ? 0xFF00FF : 0x7F007F;
    unlock_options();
    put(WRP1AR, 0);
    assert_int_equal(get(WRP1AR), wrp & ~fields);
    put(WRP1AR, 0xFFFFFFFF);
    assert_int_equal(get(WRP1AR), (wrp & ~fields) | fields);
}

static void pcrop_only_grows(void **state)
{
    (void)state;
    set_pcrop(0);
    uint32_t first = get(PCROP1SR), last = get(PCROP1ER);
    unlock_options();
    put(PCROP1ER, (last & 0x80000000) | (first + 1));
    launch_options();
    assert_said(SIM_RULE, "PCROP area made smaller");
    assert_int_equal(get(PCROP1ER), last);
    unlock_options();
    put(PCROP1SR, first + 1);                               /* nor from its start */
    launch_options();
    assert_int_equal(get(PCROP1SR), first);
    unlock_options();
    put(PCROP1ER, last + 1);
    launch_options();
    assert_int_equal(get(PCROP1ER), last + 1);
}

static void set_rdp(uint32_t rdp)
{
    set_option(OPTR, (get(OPTR) & ~0xFFu) | rdp);
}

static void open_from_level_1(void)
{
    unlock_options();
    put(OPTR, (get(OPTR) & ~0xFFu) | 0xAA);
    launch_options();
}

static void pcrop_outlives_the_way_to_level_0_unless_pcrop_rdp(void **state)
{
    (void)state;
    memset(chip->flash + 0x200, 0x12, 0x4000);
    set_pcrop(0);
    set_rdp(0);
    power_cycle();
    unlock_options();
    put(OPTR, (get(OPTR) & ~0xFFu) | 0xAA);
    put(CR, OPTSTRT);                                       /* page by page, and the options */
    assert_true(busy_us() > 22000.0 * (is->kb / 2 - 1));
    put(CR, OBL_LAUNCH);
    board_run_ms(board, 1);
    assert_int_equal(chip->flash[4 * is->page], 0x12);
    assert_int_equal(chip->flash[6 * is->page - 1], 0x12);
    assert_true(is_erased(0, 4 * is->page) && is_erased(6 * is->page, 8 * is->page));
    unlock_options();
    put(PCROP1ER, get(PCROP1ER) | 0x80000000);
    launch_options();
    set_rdp(0);
    power_cycle();
    open_from_level_1();
    assert_true(is_erased(0, chip->flash_size));
    assert_int_equal(get(PCROP1ER) >> 31, 0);
    get(FLASH + 4 * is->page);
    assert_int_equal(get(SR) & RDERR, 0);
}

static void level_1_shuts_the_flash_once_a_debugger_has_come(void **state)
{
    (void)state;
    chip->flash[0x100] = 0x11;
    set_rdp(0x55);
    power_cycle();
    assert_int_equal(get_sized(FLASH + 0x100, 1), 0x11);    /* its own program reads */
    assert_true(debugger_reads(RAM));                       /* one access is enough */
    assert_true(debugger_reads(is->dbgmcu));
    assert_true(debugger_reads(OPTR));
    assert_false(debugger_reads(FLASH));
    assert_false(debugger_reads(0));
    assert_false(readable(BUS_CODE, FLASH));
    assert_true(faults(FLASH + 0x108, 0));
    reset();                                                /* no reset helps */
    assert_false(readable(BUS_CODE, FLASH));
    unlock();
    put(CR, PER | STRT);
    assert_int_equal(get(SR), WRPERR);
    power_cycle();
    assert_int_equal(get_sized(FLASH + 0x100, 1), 0x11);
}

static void the_way_back_to_level_0_erases_everything(void **state)
{
    (void)state;
    memset(chip->flash + 0x100, 0, chip->flash_size - 0x100);
    unlock_options();
    put(WRP1AR, get(WRP1AR) & 0xFF00FF00);                  /* page 0 protected, too */
    launch_options();
    set_rdp(0);
    power_cycle();
    debugger_reads(RAM);
    unlock_options();
    put(OPTR, (get(OPTR) & ~0xFFu) | 0xAA);
    put(CR, OPTSTRT);
    assert_true(busy_us() > 44000);                         /* options, and the flash */
    assert_true(is_erased(0, chip->flash_size));
    assert_false(debugger_reads(FLASH));                    /* open from the loading on */
    put(CR, OBL_LAUNCH);
    board_run_ms(board, 1);
    assert_true(debugger_reads(FLASH));
    assert_int_equal(get(WRP1AR) & 0x003F003F, 0);          /* the other options stay */
}

static void more_protection_erases_nothing(void **state)
{
    (void)state;
    chip->flash[0x107] = 7;
    set_rdp(0);
    set_rdp(0x33);                                          /* level 1 still */
    assert_int_equal(chip->flash[0x107], 7);
}

static void level_2_ends_debugging_and_options_for_good(void **state)
{
    (void)state;
    struct l4 *l4 = chip->state;
    chip->flash[0x107] = 7;
    assert_true(l4_controller.debug_port_open(l4));
    set_rdp(0xCC);
    assert_false(l4_controller.debug_port_open(l4));
    unlock_options();
    put(OPTR, is->optr);
    put(CR, OPTSTRT);
    assert_int_equal(get(SR), WRPERR);
    assert_said(SIM_RULE, "level 2");
    power_cycle();
    assert_int_equal(get(OPTR) & 0xFF, 0xCC);
    assert_int_equal(get_sized(FLASH + 0x107, 1), 7);
}

static void options_that_power_cuts_off_are_level_1_and_optverr(void **state)
{
    (void)state;
    unlock_options();
    put(OPTR, is->optr & ~0x40000u);
    put(CR, OPTSTRT);
    board_run_ms(board, 10);
    power_cycle();
    assert_int_equal(get(OPTR), is->optr | 0xFF);
    assert_int_equal(get(SR), OPTVERR);
    unlock();                                               /* which hinders nothing */
    put(CR, PG);
    put_double(FLASH + 0x100, 1, 2);
    busy_us();
    assert_int_equal(get(FLASH + 0x100), 1);
    put(SR, OPTVERR);
    assert_int_equal(get(SR), 0);
    put(CR, 0);
    put(OPTKEYR, 0x08192A3B);
    put(OPTKEYR, 0x4C5D6E7F);
    start_options();                                        /* written anew, they fit */
    power_cycle();
    assert_int_equal(get(SR), 0);
}

/* --- caches, clocks ----------------------------------------------------------------- */

static void a_cache_is_reset_only_while_it_is_off(void **state)
{
    (void)state;
    assert_int_equal(get(ACR), is->acr);
    put(ACR, is->acr | 1 << 11);
    assert_said(SIM_RULE, "reset while it is enabled");
    put(ACR, is->acr & ~0x600u);
    put(ACR, (is->acr & ~0x600u) | 1 << 11);
    put(ACR, is->acr);
    nobody_complained();
}

static void step_at(uint32_t address, int times)
{
    chip->cpu->halted = false;
    chip->cpu->r[15] = address;
    while (times--)
        cpu_step(chip->cpu);
    chip->cpu->halted = true;
}

static void code_from_an_old_line_of_the_cache_is_reported(void **state)
{
    (void)state;
    chip->cpu->halted = true;
    step_at(FLASH + 0x10, 2);
    unlock();
    erase_page(0);
    put(CR, PG);
    put_double(FLASH + 0x10, 0xE7FEBF00, 0);                /* nop; b . */
    busy_us();
    nobody_complained();
    step_at(FLASH + 0x10, 2);
    assert_said(SIM_RULE, "old line of the instruction cache");
    put(ACR, is->acr & ~0x200u);
    put(ACR, (is->acr & ~0x200u) | 1 << 11);
    put(ACR, is->acr);
    unsigned before = rules_broken();
    step_at(FLASH + 0x10, 2);
    assert_int_equal(rules_broken(), before);
    put_double(FLASH + 0x18, 0xE7FEE7FE, 0);                /* programmed only */
    busy_us();
    step_at(FLASH + 0x18, 1);
    assert_int_equal(rules_broken(), before + 1);
    memcpy(chip->flash, program, sizeof program);
    reset();                                                /* which empties it */
    chip->cpu->halted = true;
    before = rules_broken();
    step_at(FLASH + 0x10, 2);
    assert_int_equal(rules_broken(), before);
    unlock();
    erase_page(0);                                          /* erased only */
    step_at(FLASH + 0x18, 1);
    assert_int_equal(rules_broken(), before + 1);
}

static void too_few_wait_states_are_reported(void **state)
{
    (void)state;
    assert_int_equal(chip->cpu->cycle, SIM_SECOND / is->hz);
    if (is->m0) {
        put(RCC, 0x500 | 2 << 11);                          /* HSIDIV: by 4 */
        assert_int_equal(chip->cpu->cycle, SIM_SECOND / 4000000);
        put(RCC, 0x500);                                    /* PLL: 16 MHz * 8 / 2 */
        put(RCC + 0xC, 2 | 8 << 8 | 1 << 28 | 1 << 29);
        set_bits(RCC, 1 << 24);
        board_run_ms(board, 0.1);
        assert_true(get(RCC) & 1 << 25);
        put(ACR, is->acr | 2);
        put(RCC + 8, 2);
        assert_int_equal(get(RCC + 8), 2 | 2 << 3);
        assert_int_equal(chip->cpu->cycle, (SIM_SECOND + 32000000) / 64000000);
        nobody_complained();
        put(ACR, is->acr | 1);
        assert_said(SIM_RULE, "1 wait states at HCLK 64 MHz, which allow 48");
    }
}

static void a_source_that_is_not_ready_is_not_switched_to(void **state)
{
    (void)state;
    uint32_t before = get(RCC + 8);
    put(RCC + 8, is->m0 ? 1 : 3);
    assert_said(SIM_RULE, "not ready");
    assert_int_equal(get(RCC + 8) & 0x38, before & 0x38);
}

static void a_register_behind_a_closed_gate_reads_0(void **state)
{
    (void)state;
    put(USART2 + 0xC, 0x1234);
    assert_said(SIM_FORGIVEN, "USART2");
    assert_int_equal(get(USART2 + 0xC), 0);
    set_bits(RCC + is->enr_apb1, 1 << 17);
    put(USART2 + 0xC, 0x1234);
    assert_int_equal(get(USART2 + 0xC), 0x1234);
    uint32_t rstr = RCC + is->enr_apb1 - (is->m0 ? 0x10 : 0x20);
    put(rstr, 1 << 17);
    put(rstr, 0);
    assert_int_equal(get(USART2 + 0xC), 0);
}

/* --- resets, watchdogs, DBGMCU ------------------------------------------------------ */

static uint32_t reset_flags(void) { return get(RCC + is->csr) >> 24; }

static void every_reset_leaves_its_flag(void **state)
{
    (void)state;
    assert_int_equal(reset_flags(), 0x0C);                  /* BOR, PIN */
    put(RCC + is->csr, 1 << 23);
    assert_int_equal(reset_flags(), 0);
    reset();
    assert_int_equal(reset_flags(), 0x14);
    put(RCC + is->csr, 1 << 23);
    put(IWDG, 0xCCCC);
    board_run_ms(board, 520);
    assert_int_equal(reset_flags(), 0x24);
}

static void open_dbgmcu(void)
{
    if (is->m0)
        set_bits(RCC + is->enr_apb1, 1 << 27);
}

static void a_reset_by_the_core_leaves_dbgmcu_alone(void **state)
{
    (void)state;
    open_dbgmcu();
    put(is->dbgmcu + 4, 7);
    assert_int_equal(get(is->dbgmcu + 4), is->m0 ? 6 : 7);  /* an M0+ has no DBG_SLEEP */
    put(is->dbgmcu + 4, 6);
    put(is->dbgmcu + 8, 0x1800);
    put(0xE000ED0C, 0x05FA0004);
    board_run_ms(board, 1);
    assert_int_equal(get(is->dbgmcu + 4), 6);
    assert_int_equal(get(is->dbgmcu + 8), 0x1800);
    power_cycle();
    assert_int_equal(get(is->dbgmcu + 4), 0);
    assert_int_equal(get(is->dbgmcu + 8), 0);
}

static void dbg_of_a_g0_is_written_only_with_its_clock(void **state)
{
    (void)state;
    put(is->dbgmcu + 8, 0x1800);
    assert_int_equal(get(is->dbgmcu), is->idcode);
    assert_int_equal(get(is->dbgmcu + 8), 0);
    open_dbgmcu();
    put(is->dbgmcu + 8, 0x1800);
    assert_int_equal(get(is->dbgmcu + 8), 0x1800);
}

static void the_watchdogs_stand_still_in_a_halt_when_told_so(void **state)
{
    (void)state;
    open_dbgmcu();
    set_bits(RCC + is->enr_apb1, 1 << 11);
    put(RCC + is->csr, 1 << 23);
    put(WWDG, 0xFF);
    put(IWDG, 0xCCCC);
    put(is->dbgmcu + 8, 0x1800);
    chip->cpu->halted = true;
    board_run_ms(board, 2000);
    assert_int_equal(reset_flags(), 0);
    chip->cpu->halted = false;
    board_run_ms(board, 100);
    assert_true(reset_flags());
}

static void without_that_they_bite_in_a_halt(void **state)
{
    (void)state;
    put(RCC + is->csr, 1 << 23);
    put(IWDG, 0xCCCC);
    chip->cpu->halted = true;
    board_run_ms(board, 600);
    assert_int_equal(reset_flags() & 0x20, 0x20);
}

static void a_reload_outside_its_window_bites(void **state)
{
    (void)state;
    put(RCC + is->csr, 1 << 23);
    put(IWDG, 0xCCCC);
    put(IWDG, 0x5555);
    put(IWDG + 0x10, 0x100);                                /* WINR */
    board_run_ms(board, 1);
    assert_int_equal(reset_flags(), 0);
    put(IWDG, 0xAAAA);
    board_run_ms(board, 1);
    assert_int_equal(reset_flags() & 0x20, 0x20);
    set_bits(RCC + is->enr_apb1, 1 << 11);
    put(RCC + is->csr, 1 << 23);
    put(WWDG + 4, 0x50);
    put(WWDG, 0xFF);
    put(WWDG, 0xFF);                                        /* above the window */
    board_run_ms(board, 1);
    assert_int_equal(reset_flags(), 0x44);
}

static void the_window_watchdog_counts_by_its_prescaler(void **state)
{
    uint32_t by_8 = is->acr == 0x600 ? 3 << 7 : 3 << 11;
    double step_ms = 4096 * 8 * 1000.0 / is->hz;
    (void)state;
    set_bits(RCC + is->enr_apb1, 1 << 11);
    put(WWDG + 4, 0x7F | by_8);
    put(WWDG, 0xFF);
    board_run_ms(board, 3.5 * step_ms);
    assert_int_equal(get(WWDG), 0xFF - 3);
}

static void a_hardware_watchdog_runs_from_reset_on(void **state)
{
    static const uint32_t software[] = { 1 << 16, 1 << 19 };
    static const uint32_t flag[] = { 0x20, 0x40 };
    (void)state;
    for (int i = 0; i < 2; i++) {
        set_option(OPTR, is->optr & ~software[i]);
        put(RCC + is->csr, 1 << 23);
        board_run_ms(board, 530);
        assert_int_equal(reset_flags() & flag[i], flag[i]);
        power_cycle();
    }
}

/* --- boot --------------------------------------------------------------------------- */

static bool runs_system_memory(void)
{
    return chip->cpu->r[15] - SYSTEM < 0x7000 && get(4) == 0x1FFF0009;
}

static void an_empty_chip_runs_the_boot_loader_until_options_are_loaded(void **state)
{
    (void)state;
    memset(chip->flash, 0xFF, 0x100);
    power_cycle();
    assert_true(runs_system_memory());
    assert_said(SIM_NOTE, "empty");
    assert_int_equal(get(ACR), is->acr | 1 << 16);
    unlock();
    put(CR, PG);
    put_double(0x800, 0, 0);                                /* at 0 is no flash now */
    assert_int_equal(get(SR), 0);
    assert_true(is_erased(0x800, 8));
    put_double(FLASH, program[0], program[1]);
    busy_us();
    put_double(FLASH + 8, program[2], program[3]);
    busy_us();
    put_double(FLASH + 16, program[4], 0);
    busy_us();
    reset();
    assert_true(runs_system_memory());                      /* the trap */
    put(ACR, is->acr);                                      /* EMPTY may be cleared */
    reset();
    assert_int_equal(chip->cpu->r[15], FLASH + 0x10);
    put(ACR, is->acr | 1 << 16);                            /* and set */
    reset();
    assert_true(runs_system_memory());
    unlock_options();
    put(CR, OBL_LAUNCH);
    board_run_ms(board, 1);
    assert_int_equal(chip->cpu->r[15], FLASH + 0x10);
}

/* G0: nBOOT_SEL 24, nBOOT1 25, nBOOT0 26. */
static void options_of_a_g0_choose_where_it_boots(void **state)
{
    (void)state;
    set_option(OPTR, is->optr & ~(1u << 26));               /* nBOOT0 = 0 */
    assert_true(runs_system_memory());
    set_option(OPTR, is->optr & ~(1u << 26 | 1u << 25));    /* and nBOOT1 = 0: SRAM */
    assert_said(SIM_UNMODELLED, "SRAM");
    set_option(OPTR, is->optr);
    assert_int_equal(chip->cpu->r[15], FLASH + 0x10);
    static struct pin high;
    pin_init(&high, board->sim, "high", NULL, NULL);
    net_attach(chip->pin(chip, "PA14")->net, &high, false);
    pin_drive(&high, DRIVE_HIGH);
    reset();
    assert_int_equal(chip->cpu->r[15], FLASH + 0x10);       /* the pin does not count */
    set_option(OPTR, is->optr & ~(1u << 24));
    assert_true(runs_system_memory());
    unlock_options();
    put(ACR + 0x80, 1 << 16);                               /* SECR.BOOT_LOCK */
    launch_options();
    assert_int_equal(chip->cpu->r[15], FLASH + 0x10);       /* whatever the pin says */
    put(ACR, get(ACR) | 1 << 16);                           /* nor does EMPTY count */
    reset();
    assert_int_equal(chip->cpu->r[15], FLASH + 0x10);
    pin_drive(&high, DRIVE_OPEN);
}

static void boot_lock_with_level_1_starts_without_a_debug_port(void **state)
{
    (void)state;
    struct l4 *l4 = chip->state;
    uint32_t secr = is->m0 ? ACR + 0x80 : ACR + 0x70;
    unlock_options();
    put(secr, get(secr) | 1 << 16);
    launch_options();
    assert_true(l4_controller.debug_port_open(l4));
    set_rdp(0);
    assert_false(l4_controller.debug_port_open(l4));
    put(ACR, get(ACR) | 1 << 18);                           /* its program opens it */
    assert_true(l4_controller.debug_port_open(l4));
    unlock_options();
    put(secr, get(secr) & ~0x10000u);
    launch_options();
    assert_int_equal(get(secr) >> 16 & 1, 1);               /* not at level 1 */
    open_from_level_1();
    unlock_options();
    put(secr, get(secr) & ~0x10000u);
    launch_options();
    assert_int_equal(get(secr) >> 16 & 1, 0);
}

static void a_program_may_shut_the_debug_port(void **state)
{
    (void)state;
    struct l4 *l4 = chip->state;
    put(ACR, is->acr & ~0x40000u);
    assert_false(l4_controller.debug_port_open(l4));
    reset();
    assert_true(l4_controller.debug_port_open(l4));
}

static void a_secured_area_is_gone_until_reset(void **state)
{
    (void)state;
    memset(chip->flash + 0x100, 0x33, 2 * is->page);
    uint32_t secr = is->m0 ? ACR + 0x80 : ACR + 0x70;
    unlock_options();
    put(secr, (get(secr) & ~0xFFu) | 2);                    /* two pages */
    launch_options();
    assert_true(readable(BUS_DATA, FLASH + 0x100));
    unlock();
    put(CR, 1 << 28);                                       /* SEC_PROT */
    assert_false(readable(BUS_DATA, FLASH + 0x100));
    assert_false(readable(BUS_CODE, FLASH + 2 * is->page - 2));
    assert_true(readable(BUS_DATA, FLASH + 2 * is->page));
    put(CR, 0);
    assert_int_equal(get(CR) >> 28 & 1, 1);
    put(CR, page_bits(1) | STRT);
    assert_int_equal(get(SR), WRPERR);
    reset();
    assert_int_equal(get_sized(FLASH + 0x100, 1), 0x33);
}

static void the_second_bank_has_a_secured_area_too(void **state)
{
    (void)state;
    if (!is->bker)
        return;
    uint32_t secr = is->m0 ? ACR + 0x80 : ACR + 0x74;
    unlock_options();
    put(secr, is->m0 ? (get(secr) & ~0xFF000FFu) | 1 << 20 : (get(secr) & ~0xFFu) | 1);
    launch_options();
    unlock();
    put(CR, 1 << 29);                                       /* SEC_PROT2 */
    assert_true(readable(BUS_DATA, FLASH));
    assert_false(readable(BUS_DATA, FLASH + is->bank));
    assert_true(readable(BUS_DATA, FLASH + is->bank + is->page));
}

static void nrst_may_be_no_reset_pin(void **state)
{
    (void)state;
    static struct pin hand;
    pin_init(&hand, board->sim, "hand", NULL, NULL);
    net_attach(chip->pin(chip, "NRST")->net, &hand, false);
    pin_drive(&hand, DRIVE_LOW);
    board_run_ms(board, 0.1);
    assert_true(chip->cpu->held_in_reset);
    pin_drive(&hand, DRIVE_OPEN);
    board_run_ms(board, 1);
    assert_false(chip->cpu->held_in_reset);
    uint32_t mode = is->m0 ? 27 : 28;
    set_option(OPTR, (is->optr & ~(3u << mode)) | 2u << mode);
    pin_drive(&hand, DRIVE_LOW);
    board_run_ms(board, 0.1);
    assert_false(chip->cpu->held_in_reset);
    pin_drive(&hand, DRIVE_OPEN);
}

/* --- two banks ---------------------------------------------------------------------- */

static bool waits(uint32_t address)
{
    const sim_time *until = bus_busy(bus_find(chip->bus, address), false);
    return until && *until > board->sim->now;
}

static void one_bank_reads_on_while_the_other_is_busy(void **state)
{
    uint32_t in_bank = is->bank / is->page;
    (void)state;
    unlock();
    for (uint32_t bank = 0; bank < 2; bank++) {
        put(CR, page_bits(bank * in_bank + 4) | STRT);
        assert_int_equal(waits(FLASH + is->bank - 4), bank == 0);
        assert_int_equal(waits(FLASH + is->bank), bank == 1);
        assert_int_equal(waits(0), bank == 0);
        assert_int_equal(get(SR), (is->m0 ? CFGBSY : 0) | (is->m0 && bank ? BSY2 : BSY));
        assert_true(*bus_busy(bus_find(chip->bus, FLASH + is->bank), true) > board->sim->now);
        assert_true(*bus_busy(bus_find(chip->bus, FLASH), true) > board->sim->now);
        busy_us();
        put(CR, PG);
        put_double(FLASH + bank * is->bank + 0x800, 0, 0);
        assert_int_equal(waits(FLASH), bank == 0);
        assert_int_equal(waits(FLASH + is->bank), bank == 1);
        busy_us();
    }
    nobody_complained();
}

static void each_bank_is_erased_alone(void **state)
{
    static const uint32_t mer[] = { MER1, MER2 };
    (void)state;
    chip->cpu->halted = true;
    unlock();
    for (uint32_t bank = 0; bank < 2; bank++) {
        memset(chip->flash, 0, chip->flash_size);
        put(CR, mer[bank]);
        put(CR, mer[bank] | STRT);
        assert_int_equal(waits(FLASH), bank == 0);
        busy_us();
        assert_true(is_erased(bank * is->bank, is->bank));
        assert_int_equal(chip->flash[(1 - bank) * is->bank], 0);
        assert_int_equal(chip->flash[(2 - bank) * is->bank - 1], 0);
    }
}

static void the_second_bank_has_areas_of_its_own(void **state)
{
    uint32_t in_bank = is->bank / is->page, at = FLASH + is->bank + 4 * is->page;
    (void)state;
    unlock_options();
    put(WRP2AR, (get(WRP2AR) & 0xFF00FF00) | 1 | 2 << 16);
    put(PCROP2SR, 4 * is->page / pcrop_granule());
    put(PCROP2ER, 5 * is->page / pcrop_granule() - 1);
    launch_options();
    unlock();
    for (uint32_t n = 0; n <= 5; n++) {
        bool shut = n == 1 || n == 2 || n == 4;
        put(CR, page_bits(in_bank + n) | STRT);
        assert_int_equal(get(SR) & WRPERR, shut ? WRPERR : 0);
        busy_us();
        put(SR, WRPERR);
        put(CR, page_bits(n) | STRT);                       /* bank 1 knows nothing of it */
        assert_int_equal(get(SR) & WRPERR, 0);
        busy_us();
    }
    get(FLASH + 4 * is->page);
    assert_int_equal(get(SR), 0);
    get(at);
    assert_int_equal(get(SR), RDERR);
    put(SR, RDERR);
    put(CR, MER1 | STRT);
    assert_int_equal(get(SR) & WRPERR, 0);
    busy_us();
    put(CR, MER2 | STRT);
    assert_int_equal(get(SR), WRPERR);
    put(SR, WRPERR);
    put(CR, MER1 | MER2 | STRT);
    assert_int_equal(get(SR), WRPERR);
}

static void fb_mode_shows_the_second_bank_first(void **state)
{
    (void)state;
    chip->cpu->halted = true;
    chip->flash[0x104] = 1;
    chip->flash[is->bank + 0x104] = 2;
    set_bits(RCC + is->enr_apb2, 1);
    put(SYSCFG, 0x100);
    assert_int_equal(get_sized(FLASH + 0x104, 1), 2);
    assert_int_equal(get_sized(0x104, 1), 2);
    assert_int_equal(get_sized(FLASH + is->bank + 0x104, 1), 1);
    unlock();
    put(CR, PG);
    put_double(FLASH + 0x800, 5, 6);                        /* where it is seen */
    assert_int_equal(waits(FLASH), 1);
    assert_int_equal(waits(FLASH + is->bank), 0);
    busy_us();
    assert_int_equal(chip->flash[is->bank + 0x800], 5);
    put(CR, PER | 1 << 3 | is->bker);                       /* its number as ever */
    put(CR, PER | 1 << 3 | is->bker | STRT);
    busy_us();
    assert_true(is_erased(is->bank + 0x800, 8));
    put(SYSCFG, 0);
    assert_int_equal(get_sized(FLASH + 0x104, 1), 1);
}

static void bfb2_boots_the_second_bank_if_a_program_is_there(void **state)
{
    (void)state;
    set_option(OPTR, is->optr | 1 << 20);
    assert_int_equal(chip->cpu->r[15], FLASH + 0x10);       /* nothing there */
    memcpy(chip->flash + is->bank, program, sizeof program);
    memcpy(chip->flash + is->bank + 4, &(uint32_t){ FLASH + 0x21 }, 4);
    reset();
    assert_int_equal(chip->cpu->r[15], FLASH + 0x20);
    set_bits(RCC + is->enr_apb2, 1);
    assert_int_equal(get(SYSCFG), 0x100);
    set_option(OPTR, is->optr);
    assert_int_equal(chip->cpu->r[15], FLASH + 0x10);
}

static void eccr_tells_which_bank(void **state)
{
    uint32_t bank_2 = is->acr == 0x600 ? 1 << 19 : 1 << 21;
    (void)state;
    spoil_page(is->bank / is->page + 4);
    for (uint32_t i = 0; i < 64 && !get(ECCR); i += 8)
        get(FLASH + is->bank + 4 * is->page + i);
    assert_int_equal(get(ECCR) >> 31, 1);
    assert_int_equal(get(ECCR) & (1 << 19 | 1 << 21), bank_2);
    assert_in_range(get(ECCR) & 0x7FFFF & ~bank_2, 4 * is->page, 4 * is->page + 63);
    put(ECCR, 1u << 31);
    spoil_page(4);
    for (uint32_t i = 0; i < 64 && !get(ECCR); i += 8)
        get(FLASH + 4 * is->page + i);
    assert_int_equal(get(ECCR) & (1 << 19 | 1 << 21), 0);
}

static uint32_t secret_ram(void) { return 0x10000000; }

static void level_1_shuts_the_ram_beside_the_flash_too(void **state)
{
    (void)state;
    put(secret_ram(), 0x12345678);
    assert_true(debugger_reads(secret_ram()));
    set_rdp(0);
    put(RAM, 1);
    assert_false(readable(BUS_DATA, secret_ram()));
    assert_true(faults(secret_ram(), 0));
    assert_true(readable(BUS_DATA, RAM));
    open_from_level_1();
    assert_int_equal(get(secret_ram()), 0);
    assert_int_equal(get(RAM), 1);
}

/* --- a G0B1's two banks ------------------------------------------------------------- */

/* The manual counts pages of bank 2 from 256, ST's library from 0; on silicon both work. */
static void pages_of_bank_2_have_two_numbers(void **state)
{
    (void)state;
    unlock();
    for (uint32_t first = 0; first <= 256; first += 256) {
        memset(chip->flash + 0x800, 0, 0x7F800);
        put(CR, PER | (first + 5) << 3 | 1 << 13);
        put(CR, PER | (first + 5) << 3 | 1 << 13 | STRT);
        busy_us();
        assert_true(is_erased(0x40000 + 5 * 2048, 2048));
        assert_int_equal(chip->flash[5 * 2048], 0);
        assert_int_equal(chip->flash[0x40000 + 6 * 2048], 0);
    }
}

static void nswap_bank_shows_the_second_bank_first(void **state)
{
    (void)state;
    memcpy(chip->flash + 0x40000, program, sizeof program);
    chip->flash[0x108] = 1;
    chip->flash[0x40108] = 2;
    set_option(OPTR, is->optr & ~(1u << 20));
    assert_int_equal(get_sized(FLASH + 0x108, 1), 2);
    assert_int_equal(get_sized(0x108, 1), 2);
    assert_int_equal(get_sized(FLASH + 0x40108, 1), 1);
    reset();
    assert_int_equal(get_sized(FLASH + 0x108, 1), 2);
    unlock();
    put(CR, PER | 4 << 3 | STRT);                           /* bank 1, wherever it is */
    assert_int_equal(waits(FLASH + 0x40000), 1);
    assert_int_equal(waits(FLASH), 0);
    busy_us();
    put(CR, MER2 | STRT);
    busy_us();
    assert_true(is_erased(0x40000, 0x40000));
    power_cycle();                                          /* what it would boot is empty */
    assert_true(runs_system_memory());
    set_option(OPTR, is->optr);
    assert_int_equal(get_sized(FLASH + 0x108, 1), 1);
    assert_int_equal(chip->cpu->r[15], FLASH + 0x10);
}

static void a_g0b1_as_one_bank_waits_as_a_whole_and_still_has_bker(void **state)
{
    (void)state;
    chip->cpu->halted = true;
    memset(chip->flash + 0x40000, 0, 0x1000);
    set_option(OPTR, is->optr & ~(1u << 21 | 1u << 20));    /* nor does it swap */
    chip->cpu->halted = true;
    assert_int_equal(get(FLASH), program[0]);
    unlock();
    put(CR, PER | 1 << 13 | STRT);
    assert_int_equal(waits(FLASH), 1);
    assert_int_equal(waits(FLASH + 0x40000), 1);
    busy_us();
    assert_true(is_erased(0x40000, 0x800));
    put(CR, PER | 129 << 3 | STRT);                         /* page 1, not 129 */
    busy_us();
    assert_int_equal(chip->flash[0x40800], 0);
}

static void each_bank_of_a_g0b1_tells_of_its_own_ecc(void **state)
{
    uint32_t at = 0x40000 + 4 * 2048;
    (void)state;
    spoil_page(128 + 4);
    for (uint32_t i = 0; i < 64; i += 8)
        get(FLASH + at + i);
    assert_int_equal(get(ECCR), 0);
    assert_int_equal(get(ECCR + 4) >> 31, 1);
    assert_in_range((get(ECCR + 4) & 0x3FFF) << 3, 4 * 2048, 4 * 2048 + 63);
}

/* --- a G474's one bank -------------------------------------------------------------- */

static void as_one_bank_a_g474_has_pages_of_4_kb_across_both(void **state)
{
    (void)state;
    memcpy(chip->flash + 0x40000, program, sizeof program);
    memset(chip->flash + 0x1000, 0, 128);
    memset(chip->flash + 0x41000, 1, 128);
    set_option(OPTR, is->optr & ~(1u << 22));
    chip->cpu->halted = true;
    for (uint32_t i = 0; i < 256; i++)                      /* 64 bits of each, in turn */
        assert_int_equal(get_sized(FLASH + 0x2000 + i, 1), i >> 3 & 1);
    unlock();
    memset(chip->flash, 0, chip->flash_size);
    put(CR, PER | 127 << 3 | STRT);
    assert_int_equal(waits(FLASH), 1);
    assert_int_equal(waits(FLASH + 0x40000), 1);
    busy_us();
    assert_true(is_erased(0x7F000, 0x1000));
    assert_int_equal(chip->flash[0x7EFFF], 0);
    nobody_complained();
    put(CR, PER | 2 << 3 | 1 << 11 | STRT);
    busy_us();
    assert_true(is_erased(0x2000, 0x1000));
    assert_said(SIM_RULE, "BKER");
    put(CR, MER1 | STRT);
    assert_int_equal(get(SR), PGSERR);
    put(SR, PGSERR);
    put(CR, MER1 | MER2 | STRT);
    busy_us();
    assert_true(is_erased(0, chip->flash_size));
    set_bits(RCC + is->enr_apb2, 1);
    put(CR, PG);
    put_double(FLASH, 1, 2);
    busy_us();
    put(SYSCFG, 0x100);                                     /* nothing to swap */
    assert_int_equal(get(FLASH), 1);
    reset();
    set_option(OPTR, is->optr);
    assert_int_equal(get(FLASH), 1);
    assert_int_equal(get(FLASH + 8), 0xFFFFFFFF);
}

static void as_one_bank_areas_of_a_g474_cover_all_of_it(void **state)
{
    (void)state;
    set_option(OPTR, is->optr & ~(1u << 22));
    unlock_options();
    put(WRP2AR, (get(WRP2AR) & 0xFF80FF80) | 3 | 3 << 16);
    put(PCROP1SR, 0x40000 / 16);
    put(PCROP1ER, 0x41000 / 16 - 1);
    launch_options();
    unlock();
    put(CR, PER | 3 << 3 | STRT);
    assert_int_equal(get(SR), WRPERR);
    put(SR, WRPERR);
    put(CR, PER | 2 << 3 | STRT);
    assert_int_equal(get(SR) & WRPERR, 0);
    busy_us();
    get(FLASH + 0x3FFF8);
    get(FLASH + 0x41000);
    assert_int_equal(get(SR), 0);
    get(FLASH + 0x40FFC);
    assert_int_equal(get(SR), RDERR);
}

static void boot0_of_a_g4_is_pb8_or_an_option(void **state)
{
    static struct pin high;
    (void)state;
    struct net *net = net_new(board->sim, "BOOT0");
    pin_init(&high, board->sim, "high", NULL, NULL);
    net_attach(net, &high, false);
    net_attach(net, chip->pin(chip, "PB8"), false);
    assert_ptr_equal(chip->pin(chip, "BOOT0"), chip->pin(chip, "PB8"));
    pin_drive(&high, DRIVE_HIGH);
    reset();
    assert_true(runs_system_memory());
    set_option(OPTR, is->optr & ~(1u << 26));               /* nSWBOOT0 = 0: nBOOT0 */
    assert_int_equal(chip->cpu->r[15], FLASH + 0x10);
    set_option(OPTR, is->optr & ~(1u << 26 | 1u << 27));
    assert_true(runs_system_memory());
    unlock_options();
    put(ACR + 0x70, get(ACR + 0x70) | 1 << 16);             /* SEC1R.BOOT_LOCK */
    launch_options();
    assert_int_equal(chip->cpu->r[15], FLASH + 0x10);
    net_free(net);
}

static void a_g4_runs_at_170_mhz_with_its_boost_only(void **state)
{
    (void)state;
    assert_int_equal(get(RCC + 8), 5);
    put(RCC + 0xC, 2 | 3 << 4 | 85 << 8 | 1 << 24);         /* HSI 16 / 4 * 85 / 2 */
    set_bits(RCC, 1 << 24);
    board_run_ms(board, 0.1);
    set_bits(RCC + is->enr_apb1, 1 << 28);
    put(0x40007080, 0);                                     /* PWR_CR5.R1MODE = 0 */
    put(ACR, is->acr | 4);
    put(RCC + 8, 3);
    assert_int_equal(get(RCC + 8), 3 | 3 << 2);
    assert_int_equal(chip->cpu->cycle, (SIM_SECOND + 85000000) / 170000000);
    nobody_complained();
    put(0x40007080, 1 << 8);
    put(ACR, is->acr | 4);
    assert_said(SIM_RULE, "4 wait states at HCLK 170 MHz, which allow 150");
}

static void ccm_sram_of_a_g4_executes(void **state)
{
    (void)state;
    put(0x10000000, 0xE7FEE7FE);
    chip->cpu->halted = true;
    step_at(0x10000000, 2);
    assert_int_equal(chip->cpu->r[15], 0x10000000);
    put(0x20013FFC, 1);                                     /* SRAM1 and 2 are one run */
    put(0x20014000, 2);
    assert_int_equal(get(0x20013FFC) + get(0x20014000), 3);
    assert_false(readable(BUS_DATA, 0x10008000));
}

/* --- an L4's boot and clocks -------------------------------------------------------- */

static void boot0_of_an_l4_is_a_pin(void **state)
{
    static struct pin high;
    (void)state;
    struct net *net = net_new(board->sim, "BOOT0");
    pin_init(&high, board->sim, "high", NULL, NULL);
    net_attach(net, &high, false);
    net_attach(net, chip->pin(chip, "BOOT0"), false);
    pin_drive(&high, DRIVE_HIGH);
    reset();
    assert_true(runs_system_memory());
    set_option(OPTR, is->optr & ~(1u << 23));               /* nBOOT1 = 0 */
    assert_said(SIM_UNMODELLED, "SRAM");
    pin_drive(&high, DRIVE_LOW);
    reset();
    assert_int_equal(chip->cpu->r[15], FLASH + 0x10);
    net_free(net);
}

static void an_empty_l4_locks_up_instead(void **state)
{
    (void)state;
    memset(chip->flash, 0xFF, 0x100);
    power_cycle();
    assert_true(chip->cpu->lockup);
    assert_false(runs_system_memory());
}

static void msi_has_twelve_ranges(void **state)
{
    (void)state;
    assert_int_equal(get(RCC), 0x63);
    put(ACR, is->acr | 4);
    put(RCC, 0x9B);                                         /* MSIRGSEL, 24 MHz */
    assert_int_equal(chip->cpu->cycle, SIM_SECOND / 24000000);
    put(RCC, 0xB);
    assert_int_equal(chip->cpu->cycle, SIM_SECOND / 100000);
    put(RCC, 0x6B);
    put(RCC + 0xC, 1 | 40 << 8 | 1 << 24);                  /* MSI 4 MHz * 40 / 2 */
    set_bits(RCC, 1 << 24);
    board_run_ms(board, 0.1);
    put(RCC + 8, 3);
    assert_int_equal(get(RCC + 8), 3 | 3 << 2);
    assert_int_equal(chip->cpu->cycle, (SIM_SECOND + 40000000) / 80000000);
    nobody_complained();
    put(ACR, is->acr | 3);
    assert_said(SIM_RULE, "3 wait states at HCLK 80 MHz, which allow 64");
}

/* --- pins, serial port -------------------------------------------------------------- */

static void the_debug_pins_are_the_debug_ports_after_reset(void **state)
{
    (void)state;
    set_bits(RCC + is->enr_gpio, 3);
    assert_int_equal(get(is->gpioa), is->gpioa_moder);
    assert_int_equal(get(is->gpioa + 0xC), is->gpioa_pupdr);
    assert_int_equal(get(is->gpioa + 0x400), is->m0 ? 0xFFFFFFFF : 0xFFFFFEBF);
    assert_int_equal(chip->pin(chip, "PA13")->drive, DRIVE_PULL_UP);
    assert_int_equal(chip->pin(chip, "PA14")->drive, DRIVE_PULL_DOWN);
    assert_int_equal(chip->pin(chip, "PA1")->drive, DRIVE_OPEN);
}

static void a_port_drives_reads_and_pulls(void **state)
{
    (void)state;
    uint32_t a = is->gpioa, moder = is->gpioa_moder & ~0xCu;
    set_bits(RCC + is->enr_gpio, 1);
    put(a, moder | 1 << 2);                                 /* PA1: output */
    put(a + 0x18, 1 << 1);
    assert_int_equal(chip->pin(chip, "PA1")->drive, DRIVE_HIGH);
    put(a + 0x28, 1 << 1);                                  /* BRR */
    assert_int_equal(chip->pin(chip, "PA1")->drive, DRIVE_LOW);
    put(a + 4, 1 << 1);                                     /* open drain */
    put(a + 0x14, 1 << 1);
    assert_int_equal(chip->pin(chip, "PA1")->drive, DRIVE_OPEN);
    put(a + 0xC, is->gpioa_pupdr | 1 << 2);
    assert_int_equal(chip->pin(chip, "PA1")->drive, DRIVE_PULL_UP);
}

static void a_usart_talks_to_itself_over_a_wire(void **state)
{
    (void)state;
    struct net *wire = net_new(board->sim, "wire");
    uint32_t function = (uint32_t)is->usart_function;
    net_attach(wire, chip->pin(chip, "PA2"), false);
    net_attach(wire, chip->pin(chip, "PA3"), false);
    set_bits(RCC + is->enr_gpio, 1);
    set_bits(RCC + is->enr_apb1, 1 << 17);
    put(is->gpioa + 0x20, function << 8 | function << 12);
    put(is->gpioa, (is->gpioa_moder & ~0xF0u) | 2 << 4 | 2 << 6);
    put(USART2 + 0xC, (is->hz + 57600) / 115200);
    put(USART2, 1 << 3 | 1 << 2 | 1);
    put(USART2 + 0x28, 0xA5);
    assert_true(get(USART2 + 0x1C) & 1 << 7);               /* TXE: on its way */
    board_run_ms(board, 0.05);
    assert_false(get(USART2 + 0x1C) & 1 << 5);
    board_run_ms(board, 0.05);
    assert_int_equal(get(USART2 + 0x1C) & 0x60, 0x60);      /* RXNE, TC */
    assert_int_equal(get(USART2 + 0x24), 0xA5);
    assert_false(get(USART2 + 0x1C) & 1 << 5);
    put(USART2 + 0x28, 1);
    board_run_ms(board, 0.1);
    put(USART2 + 0x28, 2);
    board_run_ms(board, 0.1);
    assert_true(get(USART2 + 0x1C) & 1 << 3);               /* ORE */
    put(USART2 + 0x20, 1 << 3);
    assert_false(get(USART2 + 0x1C) & 1 << 3);
    put(USART2, 0);
    put(USART2 + 8, 1 << 12);                               /* OVRDIS */
    uint32_t div = 2 * (is->hz + 57600) / 115200;           /* OVER8 */
    put(USART2 + 0xC, (div & ~15u) | (div & 15) >> 1);
    put(USART2, 1 << 15 | 1 << 3 | 1 << 2 | 1);
    for (uint32_t c = 1; c <= 2; c++) {
        put(USART2 + 0x28, c);
        board_run_ms(board, 0.08);
        assert_false(get(USART2 + 0x1C) & 1 << 6);          /* 10 bits are 87 us */
        board_run_ms(board, 0.02);
        assert_true(get(USART2 + 0x1C) & 1 << 6);
    }
    assert_int_equal(get(USART2 + 0x24), 2);
    assert_false(get(USART2 + 0x1C) & 1 << 3);
    nobody_complained();
    net_free(wire);
}

#define T(name) cmocka_unit_test_setup_teardown(name, power_on, power_off)

static const struct CMUnitTest of_all[] = {
    T(it_identifies_itself),
    T(flash_is_seen_at_0_too),
    T(an_absent_peripheral_is_reported_by_name),
    T(two_keys_open_it_and_lock_closes_it),
    T(a_wrong_key_faults_and_locks_until_reset),
    T(keys_when_it_is_open_lock_it_until_reset),
    T(the_options_have_keys_of_their_own_behind_the_first),
    T(each_page_is_erased_alone_in_its_time),
    T(a_mass_erase_takes_all_but_otp_and_options),
    T(an_erase_mixed_with_another_or_programming_is_pgserr),
    T(a_double_word_is_two_stores_of_32_bits),
    T(a_narrow_store_is_sizerr),
    T(a_store_out_of_its_double_word_is_pgaerr),
    T(what_is_programmed_takes_only_zeros),
    T(a_store_without_pg_is_pgserr),
    T(an_error_that_stands_stops_all_further_work),
    T(half_a_double_word_is_lost_when_cr_is_written),
    T(eop_and_operr_come_only_with_their_interrupts),
    T(who_reads_the_bank_or_writes_cr_while_busy_waits),
    T(power_that_fails_while_it_erases_leaves_a_mixture_with_wrong_ecc),
    T(a_reset_forgets_the_ecc_error),
    T(otp_is_written_once_and_no_zeros_after),
    T(system_memory_and_option_bytes_are_never_programmed),
    T(a_row_is_programmed_faster_than_its_double_words),
    T(a_row_with_a_pause_is_miserr),
    T(a_row_with_a_gap_is_pgaerr_and_one_not_just_erased_pgserr),
    T(options_are_in_force_when_loaded_and_not_before),
    T(loading_options_is_the_end_of_a_debug_session),
    T(write_protection_is_by_pages_from_the_loading_on),
    T(pcrop_is_only_executed),
    T(pcrop_from_a_place_to_itself),
    T(reserved_bits_of_option_words_stay),
    T(pcrop_only_grows),
    T(pcrop_outlives_the_way_to_level_0_unless_pcrop_rdp),
    T(level_1_shuts_the_flash_once_a_debugger_has_come),
    T(the_way_back_to_level_0_erases_everything),
    T(more_protection_erases_nothing),
    T(level_2_ends_debugging_and_options_for_good),
    T(options_that_power_cuts_off_are_level_1_and_optverr),
    T(a_cache_is_reset_only_while_it_is_off),
    T(code_from_an_old_line_of_the_cache_is_reported),
    T(too_few_wait_states_are_reported),
    T(a_source_that_is_not_ready_is_not_switched_to),
    T(a_register_behind_a_closed_gate_reads_0),
    T(every_reset_leaves_its_flag),
    T(a_reset_by_the_core_leaves_dbgmcu_alone),
    T(the_watchdogs_stand_still_in_a_halt_when_told_so),
    T(without_that_they_bite_in_a_halt),
    T(a_reload_outside_its_window_bites),
    T(the_window_watchdog_counts_by_its_prescaler),
    T(a_hardware_watchdog_runs_from_reset_on),
    T(the_debug_pins_are_the_debug_ports_after_reset),
    T(a_port_drives_reads_and_pulls),
    T(a_usart_talks_to_itself_over_a_wire),
};

static const struct CMUnitTest of_g0[] = {
    T(dbg_of_a_g0_is_written_only_with_its_clock),
    T(an_empty_chip_runs_the_boot_loader_until_options_are_loaded),
    T(options_of_a_g0_choose_where_it_boots),
};

static const struct CMUnitTest of_two_banks[] = {
    T(one_bank_reads_on_while_the_other_is_busy),
    T(each_bank_is_erased_alone),
    T(the_second_bank_has_areas_of_its_own),
};

static const struct CMUnitTest of_m4[] = {
    T(fb_mode_shows_the_second_bank_first),
    T(bfb2_boots_the_second_bank_if_a_program_is_there),
    T(eccr_tells_which_bank),
    T(level_1_shuts_the_ram_beside_the_flash_too),
};

static const struct CMUnitTest of_g0b1[] = {
    T(pages_of_bank_2_have_two_numbers),
    T(nswap_bank_shows_the_second_bank_first),
    T(a_g0b1_as_one_bank_waits_as_a_whole_and_still_has_bker),
    T(each_bank_of_a_g0b1_tells_of_its_own_ecc),
};

static const struct CMUnitTest of_g4[] = {
    T(as_one_bank_a_g474_has_pages_of_4_kb_across_both),
    T(as_one_bank_areas_of_a_g474_cover_all_of_it),
    T(boot0_of_a_g4_is_pb8_or_an_option),
    T(a_g4_runs_at_170_mhz_with_its_boost_only),
    T(ccm_sram_of_a_g4_executes),
};

static const struct CMUnitTest of_l4[] = {
    T(boot0_of_an_l4_is_a_pin),
    T(an_empty_l4_locks_up_instead),
    T(msi_has_twelve_ranges),
};

static const struct CMUnitTest of_g0_and_g4[] = {
    T(boot_lock_with_level_1_starts_without_a_debug_port),
    T(a_program_may_shut_the_debug_port),
    T(a_secured_area_is_gone_until_reset),
    T(the_second_bank_has_a_secured_area_too),
    T(nrst_may_be_no_reset_pin),
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
        if (is->m0)
            failed += cmocka_run_group_tests(of_g0, NULL, NULL);
        if (is->bker)
            failed += cmocka_run_group_tests(of_two_banks, NULL, NULL);
        if (!is->m0)
            failed += cmocka_run_group_tests(of_m4, NULL, NULL);
        if (is->m0 && is->bker)
            failed += cmocka_run_group_tests(of_g0b1, NULL, NULL);
        if (!is->m0 && is->acr & 0x40000)
            failed += cmocka_run_group_tests(of_g4, NULL, NULL);
        if (is->acr == 0x600)
            failed += cmocka_run_group_tests(of_l4, NULL, NULL);
        if (is->acr & 0x40000)
            failed += cmocka_run_group_tests(of_g0_and_g4, NULL, NULL);
    }
    return failed;
}
