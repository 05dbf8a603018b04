/* stm32f767_chip.c - does the simulated STM32F767ZI do what RM0410 says that an F746 does not: a
 * flash that is one bank or two by an option, banks exchanged, a boot that chooses between them?
 *
 * What an M7 and its caches do is in stm32f746_chip.c, what all rows of the model do alike in
 * stm32f405_chip.c. */
#include "f4_alone.h"

enum { ITCM_FLASH = 0x00200000, SYSTEM = 0x1FF00000, OPTIONS_F7 = 0x1FFF0000, DTCM = 0x20000000,
       SRAM1 = 0x20020000, SRAM2 = 0x2007C000, OPTCR1 = OPTCR + 4, MER2 = 0x8000,
       HALF = 0x100000, SWP_FB = 0x100, BOOT = 0x00400080 };
#define ONE_BANK  0xFFFFAAFCu
#define TWO_BANKS (ONE_BANK & ~(1u << 29))
#define DUAL_BOOT (TWO_BANKS & ~(1u << 28))
#define VTOR      0xE000ED08u

static int power_on(void **state) { (void)state; return power_on_chip("stm32f767"); }

static void write_both_options(uint32_t optcr, uint32_t optcr1)
{
    unlock_options();
    put(OPTCR1, optcr1);
    put(OPTCR, optcr & ~3u);
    put(OPTCR, (optcr & ~3u) | 2);
    busy_us();
    put(OPTCR, optcr | 1);
}

static void be_two_banks(void)
{
    write_both_options(TWO_BANKS, BOOT);
    reset();
}

static uint32_t refused(void)
{
    uint32_t sr = get(SR);
    put(SR, sr & 0xF3);
    return sr;
}

static void fill(void) { memset(chip->flash, 0, chip->flash_size); }

static void only_erased(uint32_t at, uint32_t size)
{
    for (uint32_t i = 0; i < chip->flash_size; i += 0x1000) {
        bool inside = i - at < size;
        assert_int_equal(chip->flash[i], inside ? 0xFF : 0);
        assert_int_equal(chip->flash[i + 0xFFF], inside ? 0xFF : 0);
    }
}

/* Erases what SNB says; its milliseconds. */
static int erase(uint32_t snb)
{
    fill();
    put(CR, X32 | SER | snb << 3 | STRT);
    return (int)(busy_us() / 1000 + 0.5);
}

/* --- identification, map ------------------------------------------------------------ */

static void it_identifies_itself_as_stm32f767(void **state)
{
    (void)state;
    assert_int_equal(get(DBGMCU), 0x10016451);
    assert_int_equal(get(0xE000ED00), 0x411FC270);
    assert_int_equal(get_sized(0x1FF0F442, 2), 2048);
    assert_int_equal(get(0xE00FDFE0) | get(0xE00FDFE4) << 8 | get(0xE00FDFE8) << 16, 0x0A0451);
    assert_int_equal(get(0xE000EF40), 0x10110221);          /* MVFR0: double precision */
    put(0xE000ED84, 0);
    assert_int_equal(get(0xE000ED80) >> 13 & 0x7FFF, 127);  /* 16 KB of data cache */
    put(0xE000ED84, 1);
    assert_int_equal(get(0xE000ED80) >> 13 & 0x7FFF, 255);  /* and of instructions */
}

static void its_memories_are_where_the_manual_has_them(void **state)
{
    static const uint32_t words[] = { 0, 0x3FFC, DTCM, SRAM1 - 4, SRAM1, SRAM2 - 4, SRAM2,
                                      SRAM2 + 0x3FFC };
    (void)state;
    for (uint32_t i = 0; i < 8; i++)
        put(words[i], i + 1);
    for (uint32_t i = 0; i < 8; i++)
        assert_int_equal(get(words[i]), i + 1);
    assert_false(bus_read(chip->bus, BUS_DATA, SRAM2 + 0x4000, 4, &(uint32_t){ 0 }));
    chip->flash[0x1FFFFF] = 0x5A;
    assert_int_equal(get_sized(FLASH + 0x1FFFFF, 1), 0x5A);
    assert_int_equal(get_sized(ITCM_FLASH + 0x1FFFFF, 1), 0x5A);
    assert_false(bus_read(chip->bus, BUS_DATA, FLASH + 0x200000, 4, &(uint32_t){ 0 }));
    assert_false(bus_read(chip->bus, BUS_DATA, ITCM_FLASH + 0x200000, 4, &(uint32_t){ 0 }));
}

static void an_m7_r1_holds_back_what_was_pending(void **state)
{
    (void)state;
    static const uint32_t vectors[] = { DTCM + 0x1000, FLASH + 0x101 };
    assert_true(bus_load(chip->bus, ITCM_FLASH, vectors, sizeof vectors));
    assert_true(bus_load(chip->bus, FLASH + 0x100, "\x00\xBF\x00\xBF\xFE\xE7", 6));
    reset();
    put(0xE000E100, 1);
    put(0xE000E200, 1);
    assert_true(bus_write(chip->bus, BUS_DEBUG, 0xE000EDF0, 4, 0xA05F0003));
    assert_true(bus_write(chip->bus, BUS_DEBUG, 0xE000EDF0, 4, 0xA05F000B));
    chip->cpu->r[15] = FLASH + 0x100;
    assert_true(bus_write(chip->bus, BUS_DEBUG, 0xE000EDF0, 4, 0xA05F000D));
    board_run_ms(board, 0.01);
    assert_true(chip->cpu->halted);
    assert_int_equal(chip->cpu->exception, 0);
    assert_int_equal(chip->cpu->r[15], FLASH + 0x102);
}

/* --- one bank, two banks -------------------------------------------------------------- */

static void it_is_delivered_as_one_bank_of_12_sectors(void **state)
{
    (void)state;
    assert_int_equal(get(OPTCR), 0xFFFFAAFD);
    assert_int_equal(get(OPTCR1), BOOT);
    assert_int_equal(get(OPTIONS_F7 + 8) & 0xFFFF, 0xFFFF);
    unlock();
    for (uint32_t n = 0, at = 0; n < 12; n++) {
        uint32_t size = n < 4 ? 0x8000 : n == 4 ? 0x20000 : 0x40000;
        int ms = n < 4 ? 250 : n == 4 ? 550 : 1000;
        assert_in_range(erase(n), ms, ms + 1);
        only_erased(at, size);
        at += size;
    }
    put(CR, X32 | SER | 0x10 << 3 | STRT);
    assert_int_equal(refused(), WRPERR);
    fill();
    put(CR, X32 | MER | MER2 | STRT);
    busy_us();
    only_erased(0, 2 * HALF);
    nobody_complained();
}

static void with_ndbank_0_it_is_two_banks_of_12(void **state)
{
    (void)state;
    be_two_banks();
    assert_int_equal(get(OPTIONS_F7 + 8) & 0xFFFF, 0xDFFF);
    unlock();
    for (uint32_t n = 0, at = 0; n < 24; n++) {
        uint32_t size = n % 12 < 4 ? 0x4000 : n % 12 == 4 ? 0x10000 : 0x20000;
        int ms = n % 12 < 4 ? 250 : n % 12 == 4 ? 550 : 1000;
        assert_in_range(erase(n < 12 ? n : n + 4), ms, ms + 1);
        only_erased(at, size);
        at += size;
    }
    put(CR, X32 | SER | 12 << 3 | STRT);
    assert_int_equal(refused(), WRPERR);
    nobody_complained();
}

static void mer_takes_bank_1_and_mer2_bank_2(void **state)
{
    (void)state;
    be_two_banks();
    unlock();
    fill();
    put(CR, X32 | MER2 | STRT);
    busy_us();
    only_erased(HALF, HALF);
    fill();
    put(CR, X32 | MER | STRT);
    busy_us();
    only_erased(0, HALF);
    put(CR, X32 | MER | MER2 | STRT);
    busy_us();
    only_erased(0, 2 * HALF);
}

static void ndbank_counts_from_the_next_reset_on(void **state)
{
    (void)state;
    write_both_options(TWO_BANKS, BOOT);
    unlock();
    erase(0);
    only_erased(0, 0x8000);
    reset();
    unlock();
    erase(0);
    only_erased(0, 0x4000);
}

/* One bank is read 256 bits at a time, 128 of each half (3.3.2). */
static void what_one_bank_held_lies_elsewhere_in_two(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 2 * HALF; i += 16)
        memcpy(chip->flash + i, &i, 4);
    be_two_banks();
    assert_int_equal(get(FLASH), 0);
    assert_int_equal(get(FLASH + 16), 32);
    assert_int_equal(get(FLASH + HALF - 16), 2 * HALF - 32);
    assert_int_equal(get(FLASH + HALF), 16);
    assert_int_equal(get(FLASH + 2 * HALF - 16), 2 * HALF - 16);
    write_both_options(ONE_BANK, BOOT);
    reset();
    for (uint32_t i = 0; i < 2 * HALF; i += 16)
        assert_int_equal(get(FLASH + i), i);
}

static void a_bit_of_nwrp_is_for_a_pair_of_sectors_in_two_banks(void **state)
{
    (void)state;
    write_both_options(TWO_BANKS & ~(1u << 16 | 1u << 22), BOOT);   /* 0 and 1, 12 and 13 */
    reset();
    unlock();
    static const uint32_t shut[] = { 0, 1, 0x10, 0x11 }, open[] = { 2, 11, 0x12, 0x1B };
    for (int i = 0; i < 4; i++) {
        put(CR, X32 | SER | shut[i] << 3 | STRT);
        assert_int_equal(refused(), WRPERR);
        put(CR, X32 | SER | open[i] << 3 | STRT);
        assert_int_equal(get(SR), BSY);
        busy_us();
    }
    put(CR, X32 | PG);
    put(FLASH + HALF + 0x7FFC, 0);
    assert_int_equal(refused(), WRPERR);
    put(FLASH + HALF + 0x8000, 0);
    assert_int_equal(get(SR), BSY);
    busy_us();
    write_both_options(ONE_BANK & ~(1u << 22), BOOT);
    reset();
    unlock();
    put(CR, X32 | SER | 6 << 3 | STRT);                     /* one bank: one sector */
    assert_int_equal(refused(), WRPERR);
    put(CR, X32 | SER | 7 << 3 | STRT);
    assert_int_equal(get(SR), BSY);
}

static bool waits(uint32_t address)
{
    return *bus_busy(bus_find(chip->bus, address), false) > board->sim->now;
}

static void one_bank_is_read_by_both_buses_while_the_other_is_erased(void **state)
{
    (void)state;
    unlock();
    put(CR, X32 | SER | STRT);
    assert_true(waits(FLASH) && waits(FLASH + HALF));       /* one bank */
    busy_us();
    be_two_banks();
    unlock();
    put(CR, X32 | SER | 0x10 << 3 | STRT);
    assert_false(waits(FLASH) || waits(ITCM_FLASH));
    assert_true(waits(FLASH + HALF) && waits(ITCM_FLASH + HALF));
}

static void swp_fb_exchanges_two_banks_on_both_buses(void **state)
{
    (void)state;
    chip->flash[0] = 0x11;
    chip->flash[16] = 0x22;                                 /* bank 2's first byte, once two */
    set_bits(APB2ENR, 1 << 14);
    put(SYSCFG, SWP_FB);
    assert_int_equal(get_sized(FLASH, 1), 0x11);            /* nothing to exchange yet */
    be_two_banks();
    assert_int_equal(get_sized(FLASH, 1), 0x11);
    set_bits(APB2ENR, 1 << 14);
    put(SYSCFG, SWP_FB);
    assert_int_equal(get_sized(FLASH, 1), 0x22);
    assert_int_equal(get_sized(ITCM_FLASH, 1), 0x22);
    assert_int_equal(get_sized(FLASH + HALF, 1), 0x11);
    unlock();
    put(CR, X32 | SER | STRT);                              /* sectors keep their numbers */
    busy_us();
    assert_int_equal(get_sized(FLASH + HALF, 1), 0xFF);
    assert_int_equal(get_sized(FLASH, 1), 0x22);
}

/* --- boot, protection ----------------------------------------------------------------- */

/* 2.5: ST's boot loader then looks for a program in both banks. */
static void with_ndboot_0_two_banks_boot_from_system_memory(void **state)
{
    (void)state;
    write_both_options(ONE_BANK & ~(1u << 28), BOOT);  /* one bank: nDBOOT is nothing */
    reset();
    assert_int_equal(get(VTOR), ITCM_FLASH);
    nobody_complained();
    write_both_options(DUAL_BOOT, BOOT);
    reset();
    assert_int_equal(get(VTOR), SYSTEM);
    assert_said(SIM_UNMODELLED, "boot loader");
    write_both_options(DUAL_BOOT, 0x00408000);              /* DTCM stays DTCM */
    reset();
    assert_int_equal(get(VTOR), DTCM);
    write_both_options(TWO_BANKS, BOOT);
    reset();
    assert_int_equal(get(VTOR), ITCM_FLASH);
}

static void it_may_boot_from_bank_2(void **state)
{
    (void)state;
    write_both_options(TWO_BANKS, 0x00400000 | (FLASH + HALF) >> 14);
    reset();
    assert_int_equal(get(VTOR), FLASH + HALF);
}

static void level_1_shuts_both_banks_and_the_way_back_erases_both(void **state)
{
    (void)state;
    be_two_banks();
    fill();
    write_both_options(TWO_BANKS ^ 0xFF00, BOOT);
    power_cycle();
    assert_false(debugger_reads(FLASH));
    assert_false(debugger_reads(FLASH + HALF));
    assert_false(debugger_reads(ITCM_FLASH + HALF));
    assert_true(debugger_reads(DTCM));
    unlock();
    put(CR, X32 | MER | MER2 | STRT);
    assert_int_equal(refused(), WRPERR);
    write_both_options(TWO_BANKS, BOOT);
    reset();
    only_erased(0, 2 * HALF);
}

#define T(name) cmocka_unit_test_setup_teardown(name, power_on, power_off)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        T(it_identifies_itself_as_stm32f767),
        T(its_memories_are_where_the_manual_has_them),
        T(an_m7_r1_holds_back_what_was_pending),
        T(it_is_delivered_as_one_bank_of_12_sectors),
        T(with_ndbank_0_it_is_two_banks_of_12),
        T(mer_takes_bank_1_and_mer2_bank_2),
        T(ndbank_counts_from_the_next_reset_on),
        T(what_one_bank_held_lies_elsewhere_in_two),
        T(a_bit_of_nwrp_is_for_a_pair_of_sectors_in_two_banks),
        T(one_bank_is_read_by_both_buses_while_the_other_is_erased),
        T(swp_fb_exchanges_two_banks_on_both_buses),
        T(with_ndboot_0_two_banks_boot_from_system_memory),
        T(it_may_boot_from_bank_2),
        T(level_1_shuts_both_banks_and_the_way_back_erases_both),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
