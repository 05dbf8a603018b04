/* stm32f429_chip.c - does the simulated STM32F429ZI do what RM0090 says of the F42x and F43x
 * that an F405 does not?
 *
 * What both do alike is in stm32f405_chip.c: the two are rows of one model. */
#include "f4_alone.h"

enum { OPTCR1 = OPTCR + 4, OPTIONS_2 = 0x1FFEC000, BANK_2 = 0x100000, MER1 = 0x8000,
       RDERR = 0x100, FB_MODE = 0x100 };
#define SPRMOD 0x80000000u

static int power_on(void **state) { (void)state; return power_on_chip("stm32f429"); }

/* The 24 sectors, and what SNB calls them (3.9.8). */
static const struct { uint32_t at, size, snb; int ms; } sectors[24] = {
    { 0x000000, 0x4000, 0x00, 250 },   { 0x004000, 0x4000, 0x01, 250 },
    { 0x008000, 0x4000, 0x02, 250 },   { 0x00C000, 0x4000, 0x03, 250 },
    { 0x010000, 0x10000, 0x04, 550 },  { 0x020000, 0x20000, 0x05, 1000 },
    { 0x040000, 0x20000, 0x06, 1000 }, { 0x060000, 0x20000, 0x07, 1000 },
    { 0x080000, 0x20000, 0x08, 1000 }, { 0x0A0000, 0x20000, 0x09, 1000 },
    { 0x0C0000, 0x20000, 0x0A, 1000 }, { 0x0E0000, 0x20000, 0x0B, 1000 },
    { 0x100000, 0x4000, 0x10, 250 },   { 0x104000, 0x4000, 0x11, 250 },
    { 0x108000, 0x4000, 0x12, 250 },   { 0x10C000, 0x4000, 0x13, 250 },
    { 0x110000, 0x10000, 0x14, 550 },  { 0x120000, 0x20000, 0x15, 1000 },
    { 0x140000, 0x20000, 0x16, 1000 }, { 0x160000, 0x20000, 0x17, 1000 },
    { 0x180000, 0x20000, 0x18, 1000 }, { 0x1A0000, 0x20000, 0x19, 1000 },
    { 0x1C0000, 0x20000, 0x1A, 1000 }, { 0x1E0000, 0x20000, 0x1B, 1000 },
};

static void fill(uint8_t value) { memset(chip->flash, value, chip->flash_size); }

/* That exactly this part of the flash is erased, and the rest is 0. */
static void only_erased(uint32_t at, uint32_t size)
{
    for (uint32_t i = 0; i < chip->flash_size; i += 0x1000) {
        bool inside = i - at < size;
        assert_int_equal(chip->flash[i], inside ? 0xFF : 0);
        assert_int_equal(chip->flash[i + 0xFFF], inside ? 0xFF : 0);
    }
}

/* A write of both option registers in the manual's order (3.7.2). */
static void write_both_options(uint32_t optcr, uint32_t optcr1)
{
    unlock_options();
    put(OPTCR1, optcr1);
    put(OPTCR, optcr);
    put(OPTCR, optcr | 2);
    busy_us();
    put(OPTCR, optcr | 1);
}

static uint32_t refused(void)
{
    uint32_t sr = get(SR);
    put(SR, sr & 0x1F3);
    return sr;
}

/* --- identification, map ------------------------------------------------------------ */

static void it_identifies_itself_as_stm32f429zi(void **state)
{
    (void)state;
    assert_int_equal(get(DBGMCU) & 0xFFF, 0x419);
    assert_int_equal(get(0xE000ED00), 0x410FC241);
    assert_int_equal(get_sized(0x1FFF7A22, 2), 2048);
    assert_int_equal(get(0xE00FFFE0) | get(0xE00FFFE4) << 8 | get(0xE00FFFE8) << 16, 0x0A0419);
}

static void two_mb_of_flash_are_seen_twice(void **state)
{
    (void)state;
    chip->flash[0x12345] = 0x5A;
    chip->flash[0x1FFFFF] = 0xA5;
    assert_int_equal(get_sized(FLASH + 0x12345, 1), 0x5A);
    assert_int_equal(get_sized(0x12345, 1), 0x5A);
    assert_int_equal(get_sized(FLASH + 0x1FFFFF, 1), 0xA5);
    assert_int_equal(get_sized(0x1FFFFF, 1), 0xA5);
    assert_false(bus_read(chip->bus, BUS_DATA, FLASH + 0x200000, 4, &(uint32_t){ 0 }));
}

static void three_srams_are_one_run_of_192_kb_and_the_ccm_is_elsewhere(void **state)
{
    (void)state;
    put(RAM + 0x1FFFC, 1);
    put(RAM + 0x20000, 2);
    put(RAM + 0x2FFFC, 3);
    put(CCM + 0xFFFC, 4);
    assert_int_equal(get(RAM + 0x1FFFC) + get(RAM + 0x20000) + get(RAM + 0x2FFFC) +
                     get(CCM + 0xFFFC), 10);
    assert_false(bus_read(chip->bus, BUS_DATA, RAM + 0x30000, 4, &(uint32_t){ 0 }));
}

static void its_package_has_seven_whole_ports(void **state)
{
    (void)state;
    assert_non_null(chip->pin(chip, "PG15"));
    assert_non_null(chip->pin(chip, "PH1"));
    assert_null(chip->pin(chip, "PH2"));
    set_bits(AHB1ENR, 1 << 10);                             /* GPIOK has registers, no pins */
    put(GPIOA + 0x2800, 1);
    assert_int_equal(get(GPIOA + 0x2800), 1);
}

/* --- sectors and banks -------------------------------------------------------------- */

static void each_of_24_sectors_has_its_code_and_its_time(void **state)
{
    (void)state;
    unlock();
    for (int n = 0; n < 24; n++) {
        fill(0);
        put(CR, X32 | SER | sectors[n].snb << 3 | STRT);
        assert_int_equal(get(CR), X32 | SER | sectors[n].snb << 3 | STRT);
        assert_in_range((int)(busy_us() / 1000 + 0.5), sectors[n].ms, sectors[n].ms + 1);
        only_erased(sectors[n].at, sectors[n].size);
    }
    assert_int_equal(get(SR), 0);
    nobody_complained();
}

static void codes_that_are_no_sector_are_refused(void **state)
{
    static const uint32_t codes[] = { 0x0C, 0x0D, 0x0E, 0x0F, 0x1C, 0x1D, 0x1E, 0x1F };
    (void)state;
    fill(0);
    unlock();
    for (int i = 0; i < 8; i++) {
        put(CR, X32 | SER | codes[i] << 3 | STRT);
        assert_int_equal(refused(), WRPERR);
    }
    only_erased(0, 0);
}

static void mer_takes_bank_1_and_mer1_bank_2_and_both_take_all(void **state)
{
    static const struct { uint32_t bits, at, size; } rows[] = {
        { MER, 0, BANK_2 }, { MER1, BANK_2, BANK_2 }, { MER | MER1, 0, 2 * BANK_2 },
    };
    (void)state;
    unlock();
    for (int i = 0; i < 3; i++) {
        fill(0);
        put(CR, X32 | rows[i].bits | STRT);
        assert_in_range((int)(busy_us() / 1000 + 0.5), 8000, 8001);
        only_erased(rows[i].at, rows[i].size);
    }
    nobody_complained();
    put(CR, X32 | MER1 | SER | STRT);
    assert_int_equal(refused(), WRPERR);
}

static void bank_2_is_programmed_as_bank_1_is(void **state)
{
    static const uint32_t at[] = { 0, 0xFFFFC, 0x100000, 0x110004, 0x1FFFFC };
    (void)state;
    unlock();
    put(CR, X32 | PG);
    for (int i = 0; i < 5; i++) {
        put(FLASH + at[i], 0x12345678);
        assert_int_equal(get(SR), BSY);
        assert_in_range((int)(busy_us() + 0.5), 16, 17);
        assert_int_equal(get(FLASH + at[i]), 0x12345678);
    }
    nobody_complained();
}

/* 3.6.5: a bank is read while the other works; a store waits for either. */
static void one_bank_is_read_while_the_other_is_erased(void **state)
{
    (void)state;
    struct bus_region *bank[2] = { bus_find(chip->bus, FLASH),
                                   bus_find(chip->bus, FLASH + BANK_2) };
    struct bus_region *alias[2] = { bus_find(chip->bus, 0), bus_find(chip->bus, BANK_2) };
    unlock();
    for (int n = 0; n < 2; n++) {
        put(CR, X32 | SER | (n ? 0x10 : 0) << 3 | STRT);
        sim_time now = board->sim->now;
        for (int i = 0; i < 2; i++) {
            assert_int_equal(*bus_busy(bank[i], false) > now, i == n);
            assert_int_equal(*bus_busy(alias[i], false) > now, i == n);
            assert_true(*bus_busy(bank[i], true) > now);
        }
        assert_int_equal(*bus_busy(bus_find(chip->bus, OTP), false) > now, n == 0);
        busy_us();
    }
    put(CR, X32 | PG);
    put(FLASH + BANK_2, 0);
    assert_true(*bus_busy(bank[0], false) <= board->sim->now);
    assert_true(*bus_busy(bank[1], false) > board->sim->now);
    busy_us();
    put(CR, X32 | MER | MER1 | STRT);
    assert_true(*bus_busy(bank[0], false) > board->sim->now);
    assert_true(*bus_busy(bank[1], false) > board->sim->now);
}

static void program_in_bank_1_runs_on_while_bank_2_is_erased(void **state)
{
    (void)state;
    start_program();
    unlock();
    put(CR, X32 | SER | 0x10 << 3 | STRT);
    uint64_t start = chip->cpu->cycles;
    step_at(FLASH + 0x10, 100);
    assert_true(chip->cpu->cycles - start < 1000);
    busy_us();
    put(CR, X32 | SER | 1 << 3 | STRT);
    start = chip->cpu->cycles;
    step_at(FLASH + 0x10, 1);
    assert_in_range(chip->cpu->cycles - start, 16000 * 249, 16000 * 251);   /* at 16 MHz */
}

/* 9.2.1: the banks change places, not their numbers. */
static void fb_mode_exchanges_the_banks_and_sectors_keep_their_numbers(void **state)
{
    (void)state;
    fill(0);
    chip->flash[0x800] = 0x11;
    chip->flash[BANK_2 + 0x800] = 0x22;
    set_bits(APB2ENR, 1 << 14);
    put(SYSCFG, FB_MODE);
    assert_int_equal(get_sized(FLASH + 0x800, 1), 0x22);
    assert_int_equal(get_sized(0x800, 1), 0x22);
    assert_int_equal(get_sized(FLASH + BANK_2 + 0x800, 1), 0x11);
    unlock();
    put(CR, X32 | SER | 0x10 << 3 | STRT);
    assert_true(*bus_busy(bus_find(chip->bus, FLASH), false) > board->sim->now);
    assert_true(*bus_busy(bus_find(chip->bus, FLASH + BANK_2), false) <= board->sim->now);
    busy_us();
    assert_int_equal(get_sized(FLASH, 1), 0xFF);
    only_erased(BANK_2, 0x4000);
    put(CR, X32 | PG);
    put(FLASH + 0x10, 0x12345678);
    busy_us();
    assert_memory_equal(chip->flash + BANK_2 + 0x10, "\x78\x56\x34\x12", 4);
    reset();
    assert_int_equal(get_sized(FLASH + BANK_2 + 0x10, 1), 0x78);
    assert_int_equal(get_sized(FLASH + 0x10, 1), 0);
}

/* --- options ------------------------------------------------------------------------ */

static void it_is_delivered_with_nothing_protected(void **state)
{
    (void)state;
    assert_int_equal(get(OPTCR), 0x0FFFAAED);
    assert_int_equal(get(OPTCR1), 0x0FFF0000);
    assert_int_equal(get(OPTIONS) & 0xFFFF, 0xAAEF);
    assert_int_equal(get(OPTIONS + 8) & 0xFFFF, 0x3FFF);
    assert_int_equal(get(OPTIONS_2) & 0xFFFF, 0xFFFF);
    assert_int_equal(get(OPTIONS_2 + 8) & 0xFFFF, 0xFFFF);
}

static void optlock_shuts_both_registers(void **state)
{
    (void)state;
    put(OPTCR1, 0x0FFE0000);
    assert_int_equal(get(OPTCR1), 0x0FFF0000);
    assert_said(SIM_RULE, "OPTCR1 written while locked");
    unlock_options();
    put(OPTCR1, 0xFFFEFFFF);                                /* 12 bits are there */
    assert_int_equal(get(OPTCR1), 0x0FFE0000);
    reset();
    assert_int_equal(get(OPTCR1), 0x0FFF0000);
}

static void sectors_12_to_23_are_protected_by_optcr1(void **state)
{
    (void)state;
    fill(0);
    write_both_options(0x07FFAAEC, 0x0BFE0000);             /* 11; 12 and 22 */
    assert_int_equal(get(OPTIONS_2 + 8) & 0xFFFF, 0xFBFE);
    reset();
    assert_int_equal(get(OPTCR), 0x07FFAAED);
    assert_int_equal(get(OPTCR1), 0x0BFE0000);
    unlock();
    for (int n = 0; n < 24; n++) {
        bool shut = n == 11 || n == 12 || n == 22;
        put(CR, X32 | SER | sectors[n].snb << 3 | STRT);
        assert_int_equal(get(SR), shut ? WRPERR : BSY);
        busy_us();
        put(SR, WRPERR);
        assert_int_equal(chip->flash[sectors[n].at], shut ? 0 : 0xFF);
    }
    put(CR, X32 | PG);
    put(FLASH + 0x103FFC, 0);
    assert_int_equal(refused(), WRPERR);
    put(FLASH + 0x104000, 0);
    assert_int_equal(get(SR), BSY);
    busy_us();
    static const uint32_t mass[] = { MER, MER1, MER | MER1 };
    for (int i = 0; i < 3; i++) {
        put(CR, X32 | mass[i] | STRT);
        assert_int_equal(refused(), WRPERR);
    }
}

static void a_bank_without_protected_sectors_is_erased_beside_one_with(void **state)
{
    (void)state;
    fill(0);
    write_both_options(0x0FFFAAEC, 0x0FFE0000);
    reset();
    unlock();
    put(CR, X32 | MER | STRT);
    busy_us();
    assert_int_equal(get(SR), 0);
    only_erased(0, BANK_2);
}

static void bfb2_boots_from_system_memory(void **state)
{
    (void)state;
    write_both_options(0x0FFFAAFC, 0x0FFF0000);
    nobody_complained();
    reset();
    assert_said(SIM_UNMODELLED, "BFB2");
    assert_int_equal(get(4), 0x1FFF0009);                   /* the boot loader's vectors */
    assert_int_equal(get(BANK_2), 0);
}

/* --- another row of the model ----------------------------------------------------------- */

/* A part of 1 MB, which is two banks if DB1M says so (table 9). */
static void a_part_of_1_mb_is_what_db1m_says(void **state)
{
    (void)state;
    power_off(state);
    static struct f4_part part;
    part = f4_parts[F4_STM32F429];
    part.flash.size = 1024 * 1024;
    part.flash.unit[0] = part.flash.unit[1];
    part.flash.banks = F4_DB1M;
    power_on_part(&part);
    assert_int_equal(get_sized(0x1FFF7A22, 2), 1024);
    fill(0);
    unlock();
    put(CR, X32 | SER | 11 << 3 | STRT);
    busy_us();
    only_erased(0xE0000, 0x20000);
    put(CR, X32 | SER | 0x10 << 3 | STRT);
    assert_int_equal(refused(), WRPERR);
    write_both_options(0x4FFFAAEC, 0x0FFF0000);
    assert_int_equal(get(OPTIONS + 8) & 0xFFFF, 0x7FFF);
    put(CR, X32 | SER | 11 << 3 | STRT);                    /* from the next reset on */
    assert_int_equal(get(SR), BSY);
    busy_us();
    reset();
    fill(0);
    unlock();
    put(CR, X32 | SER | 8 << 3 | STRT);                     /* "is not performed" */
    assert_int_equal(refused(), WRPERR);
    put(CR, X32 | SER | 0x14 << 3 | STRT);
    assert_true(*bus_busy(bus_find(chip->bus, FLASH), false) <= board->sim->now);
    assert_true(*bus_busy(bus_find(chip->bus, FLASH + 0x80000), false) > board->sim->now);
    busy_us();
    only_erased(0x90000, 0x10000);
    put(CR, X32 | SER | 0x17 << 3 | STRT);
    busy_us();
    assert_int_equal(chip->flash[0xFFFFF], 0xFF);
    put(CR, X32 | SER | 0x18 << 3 | STRT);
    assert_int_equal(refused(), WRPERR);
    put(CR, X32 | MER1 | STRT);
    busy_us();
    only_erased(0x80000, 0x80000);
}

/* --- PCROP -------------------------------------------------------------------------- */

/* Sectors 2 and 13: with SPRMOD a 1 in nWRP marks them. */
static void protect_code(void)
{
    write_both_options(SPRMOD | 0x0004AAEC, 0x00020000);
    reset();
}

static void pcrop_lets_code_be_fetched_and_nothing_else(void **state)
{
    (void)state;
    fill(0x55);
    protect_code();
    uint32_t value = 0;
    assert_true(bus_read(chip->bus, BUS_CODE, FLASH + 0x8000, 4, &value));
    assert_int_equal(value, 0x55555555);
    assert_int_equal(get(SR), 0);
    assert_int_equal(get(FLASH + 0x8000), 0);
    assert_int_equal(refused(), RDERR);
    assert_int_equal(get(FLASH + 0x107FFC), 0);
    assert_int_equal(refused(), RDERR);
    assert_true(debugger_reads(FLASH + 0x8000));
    assert_int_equal(refused(), RDERR);
    assert_int_equal(get(FLASH + 0x7FFC), 0x55555555);
    assert_int_equal(get(FLASH + 0x108000), 0x55555555);
    assert_int_equal(get(0xC000), 0x55555555);
    assert_int_equal(get(SR), 0);
    unlock();
    put(CR, X32 | ERRIE);
    get(FLASH + 0x8000);
    assert_int_equal(refused(), RDERR | OPERR);
}

static void pcrop_keeps_from_erasing_and_programming(void **state)
{
    (void)state;
    fill(0x55);
    protect_code();
    unlock();
    put(CR, X32 | SER | 2 << 3 | STRT);
    assert_int_equal(refused(), WRPERR);
    put(CR, X32 | SER | 0x11 << 3 | STRT);
    assert_int_equal(refused(), WRPERR);
    put(CR, X32 | MER | STRT);
    assert_int_equal(refused(), WRPERR);
    put(CR, X32 | PG);
    put(FLASH + 0x8000, 0);
    assert_int_equal(refused(), WRPERR);
    put(FLASH + 0x4000, 0);                                 /* nWRP 0 means open now */
    assert_int_equal(get(SR), BSY);
}

static void pcrop_goes_only_with_level_1(void **state)
{
    static const uint32_t tries[][2] = {
        { 0x0FFFAAEC, 0x0FFF0000 },                         /* SPRMOD off */
        { SPRMOD | 0x0000AAEC, 0x00020000 },                /* a sector less */
        { SPRMOD | 0x0004AAEC, 0x00000000 },
        { 0x0FFF00EC, 0x0FFF0000 },                         /* with more protection */
    };
    (void)state;
    fill(0x55);
    protect_code();
    for (int i = 0; i < 4; i++) {
        unlock_options();
        put(OPTCR1, tries[i][1]);
        put(OPTCR, tries[i][0]);
        put(OPTCR, tries[i][0] | 2);
        assert_int_equal(refused(), WRPERR);
        reset();
        assert_int_equal(get(OPTCR), SPRMOD | 0x0004AAED);
        assert_int_equal(get(OPTCR1), 0x00020000);
    }
    write_both_options(SPRMOD | 0x0006AAE8, 0x00020000);    /* more, and another BOR_LEV */
    reset();
    assert_int_equal(get(OPTCR), SPRMOD | 0x0006AAE9);
    write_both_options(SPRMOD | 0x000600EC, 0x00020000);
    reset();
    write_both_options(0x0FFFAAEC, 0x0FFF0000);
    reset();
    assert_int_equal(get(OPTCR), 0x0FFFAAED);
    for (uint32_t i = 0; i < chip->flash_size; i += 64)
        assert_int_equal(chip->flash[i], 0xFF);
}

/* --- protection levels -------------------------------------------------------------- */

static void level_1_shuts_both_banks_and_the_otp(void **state)
{
    (void)state;
    fill(0x11);
    write_both_options(0x0FFF55EC, 0x0FFF0000);
    power_cycle();
    assert_int_equal(get_sized(FLASH + BANK_2, 1), 0x11);
    assert_true(debugger_reads(RAM));
    static const uint32_t shut[] = { FLASH, FLASH + BANK_2, 0, BANK_2, OTP };
    for (int i = 0; i < 5; i++)
        assert_false(debugger_reads(shut[i]));
    assert_true(debugger_reads(0x1FFF7A20));
    assert_true(debugger_reads(OPTIONS));
    assert_true(debugger_reads(OPTCR1));
    assert_false(bus_read(chip->bus, BUS_CODE, FLASH + BANK_2, 2, &(uint32_t){ 0 }));
    unlock();
    put(CR, PG | X8);
    put_sized(OTP, 0, 1);
    assert_int_equal(refused(), WRPERR);
}

static void the_way_back_erases_both_banks(void **state)
{
    (void)state;
    fill(0);
    write_both_options(0x0FFF00EC, 0x0FFD0000);
    reset();
    write_both_options(0x0FFFAAEC, 0x0FFD0000);
    reset();
    assert_int_equal(get(OPTCR1), 0x0FFD0000);              /* the other options stay */
    for (uint32_t i = 0; i < chip->flash_size; i += 64)
        assert_int_equal(chip->flash[i], 0xFF);
}

static void options_that_power_cuts_off_are_level_1_without_pcrop(void **state)
{
    (void)state;
    unlock_options();
    put(OPTCR, 0x0FFEAAEC);
    put(OPTCR, 0x0FFEAAEE);
    board_run_ms(board, 10);
    power_cycle();
    assert_int_equal(get(OPTCR), 0x0FFFFFED);
    assert_int_equal(get(OPTCR1), 0x0FFF0000);
}

/* --- clocks ------------------------------------------------------------------------- */

static void go_to_180_mhz(void)
{
    set_bits(RCC, 1 << 16);
    board_run_ms(board, 2.1);
    put(RCC + 4, 8 | 360 << 6 | 1 << 22 | 7 << 24);
    set_bits(RCC, 1 << 24);
    board_run_ms(board, 0.3);
    put(ACR, 5 | 1 << 8 | 1 << 9 | 1 << 10);
    put(RCC + 8, 5 << 10 | 4 << 13);
    put(RCC + 8, 5 << 10 | 4 << 13 | 2);
}

static void it_reaches_180_mhz_in_over_drive(void **state)
{
    (void)state;
    set_bits(APB1ENR, 1 << 28);
    assert_int_equal(get(PWR), 0xC000);
    set_bits(PWR, 1 << 16);
    assert_true(get(PWR + 4) & 1 << 16);                    /* ODRDY */
    set_bits(PWR, 1 << 17);
    assert_true(get(PWR + 4) & 1 << 17);                    /* ODSWRDY */
    go_to_180_mhz();
    assert_int_equal(chip->cpu->cycle, SIM_SECOND / 180000000);
    nobody_complained();
}

static void and_without_it_breaks_a_rule(void **state)
{
    (void)state;
    go_to_180_mhz();
    assert_said(SIM_RULE, "limit");
}

static void sixteen_wait_states_can_be_asked_for(void **state)
{
    (void)state;
    put(ACR, 0xF);
    assert_int_equal(get(ACR), 0xF);
}

#define T(name) cmocka_unit_test_setup_teardown(name, power_on, power_off)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        T(it_identifies_itself_as_stm32f429zi),
        T(two_mb_of_flash_are_seen_twice),
        T(three_srams_are_one_run_of_192_kb_and_the_ccm_is_elsewhere),
        T(its_package_has_seven_whole_ports),
        T(each_of_24_sectors_has_its_code_and_its_time),
        T(codes_that_are_no_sector_are_refused),
        T(mer_takes_bank_1_and_mer1_bank_2_and_both_take_all),
        T(bank_2_is_programmed_as_bank_1_is),
        T(one_bank_is_read_while_the_other_is_erased),
        T(program_in_bank_1_runs_on_while_bank_2_is_erased),
        T(fb_mode_exchanges_the_banks_and_sectors_keep_their_numbers),
        T(it_is_delivered_with_nothing_protected),
        T(optlock_shuts_both_registers),
        T(sectors_12_to_23_are_protected_by_optcr1),
        T(a_bank_without_protected_sectors_is_erased_beside_one_with),
        T(bfb2_boots_from_system_memory),
        T(a_part_of_1_mb_is_what_db1m_says),
        T(pcrop_lets_code_be_fetched_and_nothing_else),
        T(pcrop_keeps_from_erasing_and_programming),
        T(pcrop_goes_only_with_level_1),
        T(level_1_shuts_both_banks_and_the_otp),
        T(the_way_back_erases_both_banks),
        T(options_that_power_cuts_off_are_level_1_without_pcrop),
        T(it_reaches_180_mhz_in_over_drive),
        T(and_without_it_breaks_a_rule),
        T(sixteen_wait_states_can_be_asked_for),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
