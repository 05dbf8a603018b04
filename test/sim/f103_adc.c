/* f103_adc.c - the converters of the simulated STM32F103: both groups and how they meet,
 * what starts them, the analog watchdog.
 *
 * Channel 0 to 7 are PA0 to PA7 and convert to 0 or 4095; 16 is 1775, 17 is 1489. */
#include "f103_alone.h"

enum {
    ADC1 = 0x40012400, TIM1 = 0x40012C00, TIM2 = 0x40000000, TIM3 = 0x40000400,
    TIM4 = 0x40000800, EXTI = 0x40010400,
    SR = 0x00, CR1 = 0x04, CR2 = 0x08, SMPR2 = 0x10, JOFR1 = 0x14, HTR = 0x24, LTR = 0x28,
    SQR1 = 0x2C, SQR3 = 0x34, JSQR = 0x38, JDR1 = 0x3C, DR = 0x4C,
    AWD = 1, EOC = 2, JEOC = 4, JSTRT = 8, STRT = 16,
    JEOCIE = 1 << 7, SCAN = 1 << 8, AWDSGL = 1 << 9, JAUTO = 1 << 10, DISCEN = 1 << 11,
    JDISCEN = 1 << 12, JAWDEN = 1 << 22, AWDEN = 1 << 23,
    ADON = 1, CONT = 2, ALIGN = 1 << 11, JSOFT = 7 << 12 | 1 << 15, SOFT = 7 << 17 | 1 << 20,
    JSWSTART = 1 << 21, SWSTART = 1 << 22, TSVREFE = 1 << 23,
};
static struct pin inputs[8];

/* One conversion at 4 MHz and 1.5 cycles: 3.5 us. */
static void on(uint32_t cr2)
{
    wr(APB2ENR, 0x80F | 1 << 9);
    wr(APB1ENR, 7);
    wr(ADC1 + CR2, cr2 | TSVREFE | ADON);
}

static void go(uint32_t bit) { set_bits(ADC1 + CR2, bit); }

static void high(int channel)
{
    char name[8];
    snprintf(name, sizeof name, "PA%d", channel);
    outside(&inputs[channel], name, DRIVE_HIGH);
}

/* --- the injected group ------------------------------------------------------------ */

static void injected_channels_end_at_jsq4(void **state)
{
    (void)state;
    on(JSOFT);
    high(3);
    wr(ADC1 + CR1, SCAN);
    wr(ADC1 + JSQR, 1 << 20 | 16 << 15 | 3 << 10 | 5 << 5);     /* two: JSQ3, JSQ4 */
    go(JSWSTART);
    assert_int_equal(rd(ADC1 + SR), JSTRT);
    assert_int_equal(rd(ADC1 + CR2) & JSWSTART, 0);
    run_us(7.5);
    assert_int_equal(rd(ADC1 + SR), JSTRT | JEOC | EOC);
    assert_int_equal(rd(ADC1 + JDR1), 4095);
    assert_int_equal(rd(ADC1 + JDR1 + 4), 1775);
    assert_int_equal(rd(ADC1 + JDR1 + 8), 0);
    wr(ADC1 + SR, 0);
    assert_int_equal(rd(ADC1 + SR), 0);
    run_us(50);
    assert_int_equal(rd(ADC1 + SR), 0);
    no_complaints();
}

static void offsets_are_taken_off_and_the_sign_is_kept(void **state)
{
    (void)state;
    on(JSOFT);
    wr(ADC1 + JSQR, 17 << 15);
    wr(ADC1 + JOFR1, 2000);
    go(JSWSTART);
    run_us(5);
    assert_int_equal(rd(ADC1 + JDR1), 0xFFFF & (1489 - 2000));
    wr(ADC1 + CR2, TSVREFE | ADON | JSOFT | ALIGN);
    go(JSWSTART);
    run_us(5);
    assert_int_equal(rd(ADC1 + JDR1), 0xFFFF & ((1489 - 2000) * 8));
    wr(ADC1 + JOFR1, 0xF000 | 100);
    assert_int_equal(rd(ADC1 + JOFR1), 100);
    no_complaints();
}

static void injected_interrupts_a_regular_conversion(void **state)
{
    (void)state;
    on(JSOFT | SOFT);
    high(1);
    wr(ADC1 + CR1, JEOCIE);
    wr(ADC1 + SQR3, 1);
    wr(ADC1 + SMPR2, 3 << 3);                   /* channel 1: 28.5 + 12.5 = 10.25 us */
    wr(ADC1 + JSQR, 16 << 15);
    go(SWSTART);
    run_us(8);
    go(JSWSTART);
    run_us(4);
    assert_int_equal(rd(ADC1 + SR), STRT | JSTRT | JEOC | EOC);
    assert_true(rd(0xE000E200) & 1 << 18);
    assert_int_equal(rd(ADC1 + JDR1), 1775);
    wr(ADC1 + SR, 0);
    run_us(9);
    assert_int_equal(rd(ADC1 + SR), 0);         /* began anew behind the injected one */
    run_us(1.5);
    assert_int_equal(rd(ADC1 + SR), EOC);
    assert_int_equal(rd(ADC1 + DR), 4095);
    no_complaints();
}

static void a_scan_goes_on_where_it_was_interrupted(void **state)
{
    (void)state;
    on(JSOFT | SOFT);
    wr(ADC1 + CR1, SCAN);
    wr(ADC1 + SQR1, 2 << 20);
    wr(ADC1 + SQR3, 2 << 10 | 1 << 5);
    wr(ADC1 + JSQR, 16 << 15);
    go(SWSTART);
    run_us(5);                                  /* in the second */
    go(JSWSTART);
    run_us(3.6 + 3.5 + 2.5);
    assert_int_equal(rd(ADC1 + SR) & (JEOC | EOC), JEOC | EOC);
    wr(ADC1 + SR, 0);
    run_us(1.5);
    assert_int_equal(rd(ADC1 + SR), EOC);
    no_complaints();
}

static void jauto_converts_the_injected_behind_the_regular(void **state)
{
    (void)state;
    on(SOFT);
    wr(ADC1 + CR1, JAUTO | SCAN);
    wr(ADC1 + SQR3, 17);
    wr(ADC1 + JSQR, 16 << 15);
    go(SWSTART);
    run_us(4);
    assert_int_equal(rd(ADC1 + SR), STRT | EOC | JSTRT);
    run_us(3.5);
    assert_int_equal(rd(ADC1 + SR), STRT | EOC | JSTRT | JEOC);
    assert_int_equal(rd(ADC1 + DR), 1489);
    assert_int_equal(rd(ADC1 + JDR1), 1775);
    wr(ADC1 + CR2, TSVREFE | ADON | SOFT | CONT);
    wr(ADC1 + SR, 0);
    go(SWSTART);
    for (int i = 0; i < 3; i++) {
        run_us(7.1);
        assert_int_equal(rd(ADC1 + SR) & (EOC | JEOC), EOC | JEOC);
        wr(ADC1 + SR, 0);
    }
    no_complaints();
}

static void discontinuous_groups_take_a_trigger_for_each_part(void **state)
{
    (void)state;
    on(JSOFT | SOFT);
    wr(ADC1 + CR1, SCAN | DISCEN | 1 << 13);    /* two a trigger */
    wr(ADC1 + SQR1, 2 << 20);
    wr(ADC1 + SQR3, 17 << 10 | 16 << 5);
    go(SWSTART);
    run_us(20);
    assert_int_equal(rd(ADC1 + SR), STRT);
    assert_int_equal(rd(ADC1 + DR), 1775);
    go(SWSTART);
    run_us(20);
    assert_int_equal(rd(ADC1 + SR), STRT | EOC);
    assert_int_equal(rd(ADC1 + DR), 1489);
    wr(ADC1 + CR1, SCAN | JDISCEN);
    wr(ADC1 + JSQR, 1 << 20 | 17 << 15 | 16 << 10);
    wr(ADC1 + SR, 0);
    go(JSWSTART);
    run_us(20);
    assert_int_equal(rd(ADC1 + SR), JSTRT);
    assert_int_equal(rd(ADC1 + JDR1), 1775);
    go(JSWSTART);
    run_us(20);
    assert_int_equal(rd(ADC1 + SR), JSTRT | JEOC | EOC);
    assert_int_equal(rd(ADC1 + JDR1 + 4), 1489);
    no_complaints();
}

/* --- triggers ---------------------------------------------------------------------- */

static void software_starts_only_what_selects_it(void **state)
{
    (void)state;
    on(0);
    go(SWSTART);
    run_us(10);
    assert_int_equal(rd(ADC1 + SR), 0);
    assert_said(SIM_NOTE, "ADC1: SWSTART");
    on(1 << 15);
    go(JSWSTART);
    run_us(10);
    assert_int_equal(rd(ADC1 + SR), 0);
    assert_said(SIM_NOTE, "ADC1: JSWSTART");
    no_complaints();
}

/* A timer whose channel n (from 0) has a rising edge after 50 us, and an update after 100. */
static void run_timer(uint32_t tim, int n, uint32_t cr2)
{
    wr(tim + 0x2C, 799);
    wr(tim + 0x34 + 4 * (uint32_t)n, 400);
    wr(tim + 0x18 + 4 * (uint32_t)(n / 2), 0x70u << 8 * (n % 2));
    wr(tim + 0x14, 1);
    wr(tim + 0x20, 1u << 4 * n);
    wr(tim + 4, cr2);
    if (tim == TIM1)
        wr(tim + 0x44, 1 << 15);
    wr(tim, 1);
}

static void regular_conversions_start_by_timers(void **state)
{
    static const struct { uint32_t select, tim; int n; uint32_t cr2, at; } rows[] = {
        { 0, TIM1, 0, 0, 50 }, { 1, TIM1, 1, 0, 50 }, { 2, TIM1, 2, 0, 50 },
        { 3, TIM2, 1, 0, 50 }, { 4, TIM3, 0, 2 << 4, 100 }, { 4, TIM3, 0, 3 << 4, 50 },
        { 4, TIM3, 1, 5 << 4, 50 }, { 5, TIM4, 3, 0, 50 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        on(0);
        run_timer(rows[i].tim, rows[i].n, rows[i].cr2);     /* its UG may be a TRGO */
        on(1 << 20 | rows[i].select << 17);
        run_us(rows[i].at - 2);
        assert_int_equal(rd(ADC1 + SR), 0);
        run_us(3);
        assert_int_equal(rd(ADC1 + SR), STRT);
        run_us(5);
        assert_int_equal(rd(ADC1 + SR), STRT | EOC);
        no_complaints();
        throw_away(state);
        power_up(state);
    }
}

static void injected_conversions_start_by_timers(void **state)
{
    static const struct { uint32_t select, tim; int n; uint32_t cr2, at; } rows[] = {
        { 0, TIM1, 0, 2 << 4, 100 }, { 1, TIM1, 3, 0, 50 }, { 2, TIM2, 0, 4 << 4, 50 },
        { 3, TIM2, 0, 0, 50 }, { 4, TIM3, 3, 0, 50 }, { 5, TIM4, 0, 2 << 4, 100 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        on(0);
        run_timer(rows[i].tim, rows[i].n, rows[i].cr2);     /* its UG may be a TRGO */
        on(1 << 15 | rows[i].select << 12);
        run_us(rows[i].at - 2);
        assert_int_equal(rd(ADC1 + SR), 0);
        run_us(3);
        assert_int_equal(rd(ADC1 + SR), JSTRT);
        no_complaints();
        throw_away(state);
        power_up(state);
    }
}

static void exti_lines_11_and_15_start_conversions(void **state)
{
    (void)state;
    on(1 << 20 | 6 << 17 | 1 << 15 | 6 << 12);
    outside(&inputs[0], "PA11", DRIVE_LOW);
    outside(&inputs[1], "PA15", DRIVE_LOW);
    wr(EXTI + 4, 1 << 11 | 1 << 15);
    wr(EXTI + 8, 1 << 11 | 1 << 15);
    pin_drive(&inputs[0], DRIVE_HIGH);
    assert_int_equal(rd(ADC1 + SR), STRT);
    pin_drive(&inputs[1], DRIVE_HIGH);
    assert_int_equal(rd(ADC1 + SR), STRT | JSTRT);
    no_complaints();
}

/* --- the analog watchdog ----------------------------------------------------------- */

static void convert_regular(uint32_t channel)
{
    wr(ADC1 + SQR3, channel);
    wr(ADC1 + SR, 0);
    go(SWSTART);
    run_us(5);
}

static void the_watchdog_looks_at_both_thresholds(void **state)
{
    (void)state;
    on(SOFT);
    wr(ADC1 + HTR, 1600);
    wr(ADC1 + LTR, 1000);
    wr(ADC1 + CR1, AWDEN | 1 << 6);             /* all regular channels, AWDIE */
    convert_regular(17);
    assert_int_equal(rd(ADC1 + SR) & AWD, 0);
    convert_regular(16);
    assert_int_equal(rd(ADC1 + SR) & AWD, AWD);
    assert_true(rd(0xE000E200) & 1 << 18);
    convert_regular(0);
    assert_int_equal(rd(ADC1 + SR) & AWD, AWD);
    wr(ADC1 + HTR, 1775);
    convert_regular(16);
    assert_int_equal(rd(ADC1 + SR) & AWD, 0);   /* above, not from */
    no_complaints();
}

static void the_watchdog_minds_one_channel_and_the_groups(void **state)
{
    (void)state;
    on(SOFT | JSOFT);
    wr(ADC1 + HTR, 1000);
    wr(ADC1 + CR1, AWDEN | AWDSGL | 17);
    convert_regular(16);
    assert_int_equal(rd(ADC1 + SR) & AWD, 0);
    convert_regular(17);
    assert_int_equal(rd(ADC1 + SR) & AWD, AWD);
    wr(ADC1 + CR1, JAWDEN);
    convert_regular(17);
    assert_int_equal(rd(ADC1 + SR) & AWD, 0);
    wr(ADC1 + JSQR, 17 << 15);
    wr(ADC1 + JOFR1, 1400);                     /* the offset does not matter to it */
    go(JSWSTART);
    run_us(5);
    assert_int_equal(rd(ADC1 + SR) & AWD, AWD);
    no_complaints();
}

static void what_is_not_modelled_says_so(void **state)
{
    (void)state;
    on(0);
    wr(ADC1 + CR1, 6 << 16);
    assert_said(SIM_UNMODELLED, "ADC1: dual mode");
}

static void a_program_mixes_both_groups(void **state)
{
    (void)state;
    high(3);
    start_program("adc_injected");
    assert_int_equal(verdict(30), 0);
    no_complaints();
}

static const struct CMUnitTest tests[] = {
    T(injected_channels_end_at_jsq4),
    T(offsets_are_taken_off_and_the_sign_is_kept),
    T(injected_interrupts_a_regular_conversion),
    T(a_scan_goes_on_where_it_was_interrupted),
    T(jauto_converts_the_injected_behind_the_regular),
    T(discontinuous_groups_take_a_trigger_for_each_part),
    T(software_starts_only_what_selects_it),
    T(regular_conversions_start_by_timers),
    T(injected_conversions_start_by_timers),
    T(exti_lines_11_and_15_start_conversions),
    T(the_watchdog_looks_at_both_thresholds),
    T(the_watchdog_minds_one_channel_and_the_groups),
    T(what_is_not_modelled_says_so),
    T(a_program_mixes_both_groups),
};

int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("f103_adc", tests, NULL, NULL);
}
