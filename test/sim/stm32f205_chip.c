/* stm32f205_chip.c - is the simulated STM32F205RG what RM0033 says where it is less than an F405?
 *
 * What all rows of the model do alike is in stm32f405_chip.c. */
#include "f4_alone.h"

static int power_on(void **state) { (void)state; return power_on_chip("stm32f205"); }

static void it_identifies_itself_as_stm32f205rg(void **state)
{
    (void)state;
    assert_int_equal(get(DBGMCU) & 0xFFF, 0x411);
    assert_int_equal(get(0xE000ED00), 0x412FC230);
    assert_int_equal(get_sized(0x1FFF7A22, 2), 1024);
    assert_int_equal(get(0xE000ED14), 0x200);               /* CCR.STKALIGN, from r2p0 on */
    assert_int_equal(get(0xE00FFFE0) | get(0xE00FFFE4) << 8 | get(0xE00FFFE8) << 16, 0x0A0411);
    assert_int_equal(get(0xE000EFE0), 0x00);                /* the SCS of a Cortex-M3 */
}

static void it_has_128_kb_of_sram_and_no_ccm(void **state)
{
    (void)state;
    put(RAM + 0x1FFFC, 1);
    assert_int_equal(get(RAM + 0x1FFFC), 1);
    assert_false(bus_read(chip->bus, BUS_DATA, RAM + 0x20000, 4, &(uint32_t){ 0 }));
    assert_false(bus_read(chip->bus, BUS_DATA, CCM, 4, &(uint32_t){ 0 }));
}

static void it_has_neither_fpu_nor_dsp(void **state)
{
    static const uint32_t codes[] = { 0x0A0EEE37, 0xF002FB21 };     /* vadd.f32, smuad */
    (void)state;
    for (int i = 0; i < 2; i++) {
        start_program();
        put(0xE000ED88, 0xF << 20);
        assert_int_equal(get(0xE000ED88), 0);               /* CPACR */
        put(RAM, codes[i]);
        step_at(RAM, 1);
        assert_true(get(0xE000ED28) & (1 << 19 | 1 << 16)); /* CFSR: NOCP, UNDEFINSTR */
    }
}

static void its_flash_is_an_f405s(void **state)
{
    (void)state;
    memset(chip->flash, 0, chip->flash_size);
    assert_int_equal(get(OPTCR), 0x0FFFAAED);
    unlock();
    put(CR, X32 | SER | 4 << 3 | STRT);
    assert_in_range((int)(busy_us() / 1000 + 0.5), 550, 551);
    assert_int_equal(chip->flash[0xFFFF], 0);
    assert_int_equal(chip->flash[0x10000], 0xFF);
    assert_int_equal(chip->flash[0x1FFFF], 0xFF);
    assert_int_equal(chip->flash[0x20000], 0);
    put(CR, X32 | SER | 12 << 3 | STRT);
    assert_int_equal(get(SR), WRPERR);
    put(SR, WRPERR);
    put(CR, X32 | PG);
    put(FLASH + 0x10000, 0x12345678);
    assert_in_range((int)(busy_us() + 0.5), 16, 18);
    assert_int_equal(get(0x10000), 0x12345678);             /* the alias */
    nobody_complained();
    unlock_options();
    put(OPTCR + 4, 0x1234);                                 /* OPTCR1: none */
    assert_int_equal(get(OPTCR + 4), 0);
}

static void level_1_goes_with_all_of_the_flash(void **state)
{
    (void)state;
    memset(chip->flash, 0, chip->flash_size);
    write_options(0x0FFF55EC);
    power_cycle();
    assert_false(debugger_reads(FLASH));
    assert_true(debugger_reads(RAM));
    write_options(0x0FFFAAEC);
    reset();
    assert_int_equal(get(FLASH), 0xFFFFFFFF);
    assert_int_equal(get(FLASH + 0xFFFFC), 0xFFFFFFFF);
}

static void pll(uint32_t n)
{
    set_bits(RCC, 1 << 16);
    board_run_ms(board, 2.1);
    put(RCC + 4, 8 | n << 6 | 1 << 22 | 5 << 24);
    set_bits(RCC, 1 << 24);
    board_run_ms(board, 0.3);
    put(ACR, 3 | 7 << 8);
    put(RCC + 8, 5 << 10 | 4 << 13);
    put(RCC + 8, 5 << 10 | 4 << 13 | 2);
}

static void it_reaches_120_mhz_with_three_wait_states(void **state)
{
    (void)state;
    pll(240);
    assert_in_range(chip->cpu->cycle * 120 / (SIM_SECOND / 1000000), 0, 1);
    nobody_complained();
    put(ACR, 2);
    assert_said(SIM_RULE, "2 wait states at HCLK 120 MHz");
}

static void beyond_that_it_breaks_a_rule(void **state)
{
    (void)state;
    pll(242);
    assert_true(rules_broken() > 0);
}

/* No VOS, and so no VOSRDY. */
static void its_regulator_has_one_voltage(void **state)
{
    (void)state;
    set_bits(APB1ENR, 1 << 28);
    put(PWR, 0xC000);
    assert_int_equal(get(PWR), 0);
    assert_int_equal(get(PWR + 4), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, power_on, power_off)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        T(it_identifies_itself_as_stm32f205rg),
        T(it_has_128_kb_of_sram_and_no_ccm),
        T(it_has_neither_fpu_nor_dsp),
        T(its_flash_is_an_f405s),
        T(level_1_goes_with_all_of_the_flash),
        T(it_reaches_120_mhz_with_three_wait_states),
        T(beyond_that_it_breaks_a_rule),
        T(its_regulator_has_one_voltage),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
