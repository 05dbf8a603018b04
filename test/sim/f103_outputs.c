/* f103_outputs.c - TIM1's output stage (complementary outputs, dead time, break, idle
 * states, locks) and the clock output, on the simulated STM32F103's pins. */
#include "f103_alone.h"

enum {
    TIM1 = 0x40012C00, CR1 = 0x00, CR2 = 0x04, DIER = 0x0C, SR = 0x10, EGR = 0x14,
    CCMR1 = 0x18, CCMR2 = 0x1C, CCER = 0x20, CNT = 0x24, PSC = 0x28, ARR = 0x2C, CCR1 = 0x34,
    CCR2 = 0x38, CCR4 = 0x40, BDTR = 0x44,
    MOE = 1 << 15, AOE = 1 << 14, BKP = 1 << 13, BKE = 1 << 12, OSSR = 1 << 11,
    OSSI = 1 << 10, BIF = 1 << 7,
};
#define TICK (SIM_SECOND / 8000000)

static struct pin others[4];

static enum drive drive(const char *name) { return pin(name)->drive; }

/* PA8 CH1, PA11 CH4, PB13 CH1N alternate; PB12 BKIN; PWM of 10 in 100 ticks. */
static void on(void)
{
    wr(APB2ENR, 0x80D);
    wr(GPIOA + 4, 0x4444B44B);
    wr(GPIOB + 4, 0x44B44444);
    wr(TIM1 + ARR, 99);
    wr(TIM1 + CCR1, 40);
    wr(TIM1 + CCMR1, 0x68);
    wr(TIM1 + EGR, 1);
    wr(TIM1 + SR, 0);
}

static void force(bool active) { wr(TIM1 + CCMR1, active ? 0x50 : 0x40); }

/* --- the table of outputs, RM0008 14.4.9 ------------------------------------------- */

static void moe_gives_the_outputs_to_the_pins(void **state)
{
    (void)state;
    on();
    force(true);
    wr(TIM1 + CCER, 5);
    assert_int_equal(drive("PA8"), DRIVE_OPEN);
    assert_int_equal(drive("PB13"), DRIVE_OPEN);
    wr(TIM1 + BDTR, MOE);
    assert_int_equal(drive("PA8"), DRIVE_HIGH);
    assert_int_equal(drive("PB13"), DRIVE_LOW);
    force(false);
    assert_int_equal(drive("PA8"), DRIVE_LOW);
    assert_int_equal(drive("PB13"), DRIVE_HIGH);
    wr(TIM1 + CCER, 5 | 2 | 8);                 /* both active low */
    assert_int_equal(drive("PA8"), DRIVE_HIGH);
    assert_int_equal(drive("PB13"), DRIVE_LOW);
    wr(TIM1 + CCER, 0);
    assert_int_equal(drive("PA8"), DRIVE_OPEN);
    assert_int_equal(drive("PB13"), DRIVE_OPEN);
    no_complaints();
}

static void chn_alone_is_not_turned_over(void **state)
{
    (void)state;
    on();
    force(true);
    wr(TIM1 + BDTR, MOE);
    wr(TIM1 + CCER, 4);
    assert_int_equal(drive("PB13"), DRIVE_HIGH);
    assert_int_equal(drive("PA8"), DRIVE_OPEN);
    wr(TIM1 + CCER, 4 | 8);
    assert_int_equal(drive("PB13"), DRIVE_LOW);
    no_complaints();
}

static void ossr_holds_the_other_output_inactive(void **state)
{
    (void)state;
    on();
    force(true);
    wr(TIM1 + BDTR, MOE | OSSR);
    wr(TIM1 + CCER, 4);
    assert_int_equal(drive("PB13"), DRIVE_HIGH);
    assert_int_equal(drive("PA8"), DRIVE_LOW);
    wr(TIM1 + CCER, 4 | 2);
    assert_int_equal(drive("PA8"), DRIVE_HIGH);     /* CC1P: inactive is high */
    wr(TIM1 + CCER, 1);
    assert_int_equal(drive("PA8"), DRIVE_HIGH);
    assert_int_equal(drive("PB13"), DRIVE_LOW);
    wr(TIM1 + CCER, 0);
    assert_int_equal(drive("PA8"), DRIVE_OPEN);
    no_complaints();
}

static void idle_states_show_when_moe_is_off_and_ossi_on(void **state)
{
    (void)state;
    on();
    force(true);
    wr(TIM1 + CR2, 1 << 9 | 1 << 14);               /* OIS1N, OIS4 */
    wr(TIM1 + CCER, 5 | 1 << 12);
    assert_int_equal(drive("PB13"), DRIVE_OPEN);
    wr(TIM1 + BDTR, OSSI);
    assert_int_equal(drive("PA8"), DRIVE_LOW);
    assert_int_equal(drive("PB13"), DRIVE_HIGH);
    assert_int_equal(drive("PA11"), DRIVE_HIGH);
    wr(TIM1 + BDTR, OSSI | MOE);
    assert_int_equal(drive("PA8"), DRIVE_HIGH);
    assert_int_equal(drive("PB13"), DRIVE_LOW);
    assert_int_equal(drive("PA11"), DRIVE_LOW);     /* OC4REF */
    no_complaints();
}

/* --- dead time --------------------------------------------------------------------- */

static sim_time rises(sim_time after)
{
    for (int i = 0; i < edges; i++)
        if (edge_to[i] == 1 && edge_at[i] > after)
            return edge_at[i];
    return 0;
}

static sim_time falls(sim_time after)
{
    for (int i = 0; i < edges; i++)
        if (edge_to[i] == 0 && edge_at[i] > after)
            return edge_at[i];
    return 0;
}

/* How long both are low around each edge, in timer clocks. */
static void measure(uint32_t dtg, uint32_t ckd, unsigned *before_main, unsigned *before_n)
{
    wr(TIM1 + BDTR, MOE | dtg);
    wr(TIM1 + CR1, ckd << 8);
    wr(TIM1 + CNT, 0);
    watch_edges("PA8");
    wr(TIM1 + CR1, 1 | ckd << 8);
    run_ms(7);
    sim_time main_falls = falls(sim->now - 7 * SIM_MS + SIM_MS / 2);
    sim_time main_rises = rises(main_falls);
    net_unwatch(pin("PA8")->net, NULL);
    wr(TIM1 + CNT, 0);
    sim_time zero = sim->now;
    watch_edges("PB13");
    run_ms(7);
    sim_time n_rises = rises(zero + SIM_MS / 2), n_falls = falls(n_rises);
    net_unwatch(pin("PB13")->net, NULL);
    /* The period is 10,000 clocks, OC1REF high for 4,000 of them. */
    *before_main = (unsigned)(4000 - (10000 - (main_rises - main_falls) / TICK));
    *before_n = (unsigned)(6000 - (n_falls - n_rises) / TICK);
}

static void dead_time_delays_the_edge_that_switches_on(void **state)
{
    static const struct { uint32_t dtg, ckd; unsigned ticks; } times[] = {
        { 0, 0, 0 }, { 5, 0, 5 }, { 0x7F, 0, 127 }, { 0x80, 0, 128 }, { 0xBF, 0, 254 },
        { 0xC0, 0, 256 }, { 0xDF, 0, 504 }, { 0xE0, 0, 512 }, { 0xFF, 0, 1008 },
        { 5, 1, 10 }, { 0x41, 2, 260 },
    };
    (void)state;
    on();
    wr(TIM1 + PSC, 0);
    wr(TIM1 + ARR, 9999);
    wr(TIM1 + CCR1, 4000);
    wr(TIM1 + EGR, 1);
    wr(TIM1 + CCER, 5);
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        unsigned before_main, before_n;
        measure(times[i].dtg, times[i].ckd, &before_main, &before_n);
        assert_int_equal(before_main, times[i].ticks);
        assert_int_equal(before_n, times[i].ticks);
    }
    no_complaints();
}

static void a_pulse_shorter_than_the_dead_time_does_not_come(void **state)
{
    (void)state;
    on();
    wr(TIM1 + CCER, 5);
    wr(TIM1 + CNT, 50);
    wr(TIM1 + BDTR, MOE | 50);                      /* OC1REF is high for 40 */
    watch_edges("PA8");
    wr(TIM1 + CR1, 1);
    run_ms(1);
    assert_int_equal(edges, 0);
    assert_int_equal(drive("PA8"), DRIVE_LOW);
    no_complaints();
}

/* --- break ------------------------------------------------------------------------- */

static void break_input_takes_moe_at_once(void **state)
{
    (void)state;
    on();
    outside(&others[0], "PB12", DRIVE_HIGH);
    force(true);
    wr(TIM1 + CCER, 5);
    wr(TIM1 + DIER, BIF);
    wr(TIM1 + BDTR, MOE | BKE | OSSI);              /* active low */
    assert_int_equal(drive("PA8"), DRIVE_HIGH);
    pin_drive(&others[0], DRIVE_LOW);
    assert_int_equal(drive("PA8"), DRIVE_LOW);
    assert_int_equal(rd(TIM1 + BDTR), BKE | OSSI);
    assert_int_equal(rd(TIM1 + SR) & BIF, BIF);
    assert_true(rd(0xE000E200) & 1 << 24);          /* TIM1_BRK pending */
    wr(TIM1 + BDTR, MOE | BKE | OSSI);              /* not while it is active */
    assert_int_equal(rd(TIM1 + BDTR), BKE | OSSI);
    wr(TIM1 + SR, 0);
    assert_int_equal(rd(TIM1 + SR) & BIF, BIF);
    pin_drive(&others[0], DRIVE_HIGH);
    wr(TIM1 + SR, 0);
    assert_int_equal(rd(TIM1 + SR) & BIF, 0);
    wr(TIM1 + BDTR, MOE | BKE | OSSI);
    assert_int_equal(drive("PA8"), DRIVE_HIGH);
    no_complaints();
}

static void break_may_be_active_high_and_by_software(void **state)
{
    (void)state;
    on();
    outside(&others[0], "PB12", DRIVE_LOW);
    wr(TIM1 + BDTR, MOE | BKE | BKP);
    pin_drive(&others[0], DRIVE_HIGH);
    assert_int_equal(rd(TIM1 + BDTR), BKE | BKP);
    pin_drive(&others[0], DRIVE_LOW);
    wr(TIM1 + SR, 0);
    wr(TIM1 + BDTR, MOE);
    wr(TIM1 + EGR, BIF);                            /* BG */
    assert_int_equal(rd(TIM1 + BDTR), 0);
    assert_int_equal(rd(TIM1 + SR) & BIF, BIF);
    no_complaints();
}

static void aoe_sets_moe_at_the_next_update(void **state)
{
    (void)state;
    on();
    outside(&others[0], "PB12", DRIVE_HIGH);
    wr(TIM1 + BDTR, MOE | AOE | BKE);
    wr(TIM1 + CCER, 1);
    wr(TIM1 + CR1, 1);
    pin_drive(&others[0], DRIVE_LOW);
    run_us(50);
    assert_int_equal(rd(TIM1 + BDTR) & MOE, 0);     /* an update went by, the break holds */
    pin_drive(&others[0], DRIVE_HIGH);
    assert_int_equal(rd(TIM1 + BDTR) & MOE, 0);
    run_us(13);
    assert_int_equal(rd(TIM1 + BDTR) & MOE, MOE);
    no_complaints();
}

/* --- locks, preload, remap --------------------------------------------------------- */

static void lock_levels_keep_what_they_name(void **state)
{
    (void)state;
    on();
    wr(TIM1 + BDTR, 1 << 8 | 7);
    wr(TIM1 + BDTR, MOE | AOE | BKE | BKP | OSSR | 3 << 8 | 0xFF);
    assert_int_equal(rd(TIM1 + BDTR), MOE | OSSR | 1 << 8 | 7);
    assert_said(SIM_FORGIVEN, "TIM1: BDTR is locked");
    wr(TIM1 + CR2, 0x7F00);
    assert_int_equal(rd(TIM1 + CR2), 0);
    wr(RCC + 0x0C, 1 << 11);
    wr(RCC + 0x0C, 0);
    wr(TIM1 + BDTR, 2 << 8);
    wr(TIM1 + CCER, 0xF);
    assert_int_equal(rd(TIM1 + CCER), 5);
    wr(TIM1 + BDTR, OSSI);
    assert_int_equal(rd(TIM1 + BDTR), 2 << 8);
    wr(RCC + 0x0C, 1 << 11);
    wr(RCC + 0x0C, 0);
    wr(TIM1 + BDTR, 3 << 8);
    wr(TIM1 + CCMR1, 0x7878);
    assert_int_equal(rd(TIM1 + CCMR1), 0);
}

static void ccpc_waits_for_a_commutation(void **state)
{
    (void)state;
    on();
    wr(TIM1 + BDTR, MOE);
    wr(TIM1 + CR2, 1);
    force(true);
    wr(TIM1 + CCER, 1);
    assert_int_equal(rd(TIM1 + CCER), 1);
    assert_int_equal(drive("PA8"), DRIVE_OPEN);
    wr(TIM1 + EGR, 1 << 5);                         /* COMG */
    assert_int_equal(drive("PA8"), DRIVE_HIGH);
    assert_int_equal(rd(TIM1 + SR) & 1 << 5, 1 << 5);
    no_complaints();
}

static void remapping_moves_the_complements_too(void **state)
{
    (void)state;
    on();
    force(false);
    wr(GPIOA, 0xB4444444);
    wr(TIM1 + CCER, 5);
    wr(TIM1 + BDTR, MOE);
    assert_int_equal(drive("PB13"), DRIVE_HIGH);
    assert_int_equal(drive("PA7"), DRIVE_OPEN);
    wr(AFIO + 4, 1 << 6);
    assert_int_equal(drive("PB13"), DRIVE_OPEN);
    assert_int_equal(drive("PA7"), DRIVE_HIGH);
    no_complaints();
}

/* --- MCO --------------------------------------------------------------------------- */

static sim_time period_on_pa8(void)
{
    watch_edges("PA8");
    run_us(20);
    net_unwatch(pin("PA8")->net, NULL);
    return edges > 4 ? edge_at[4] - edge_at[2] : 0;
}

static void mco_shows_the_clock_that_is_chosen(void **state)
{
    (void)state;
    clock_72_mhz();
    wr(APB2ENR, 0xD);
    wr(GPIOA + 4, 0x4444444B);
    assert_int_equal(period_on_pa8(), 0);
    wr(RCC + 4, (rd(RCC + 4) & ~(7u << 24)) | 5 << 24);     /* HSI */
    assert_int_equal(period_on_pa8(), SIM_SECOND / 8000000);
    wr(RCC + 4, (rd(RCC + 4) & ~(7u << 24)) | 6 << 24);     /* HSE */
    assert_int_equal(period_on_pa8(), SIM_SECOND / 8000000);
    wr(RCC + 4, (rd(RCC + 4) & ~(7u << 24)) | 7 << 24);     /* PLL / 2 */
    assert_int_equal(period_on_pa8(), SIM_SECOND / 36000000);
    no_complaints();
    wr(RCC + 4, (rd(RCC + 4) & ~(7u << 24)) | 4u << 24);    /* SYSCLK */
    assert_int_equal(period_on_pa8(), SIM_SECOND / 72000000);
    assert_said(SIM_RULE, "MCO is 72 MHz, limit 50");
    wr(RCC + 4, rd(RCC + 4) & ~(7u << 24));
    assert_int_equal(period_on_pa8(), 0);
    assert_int_equal(drive("PA8"), DRIVE_OPEN);
}

/* --- a program --------------------------------------------------------------------- */

static void a_program_drives_a_half_bridge_until_the_break(void **state)
{
    (void)state;
    watch_edges("PA9");
    outside(&others[0], "PA6", DRIVE_LOW);
    start_program("tim1_bridge");
    verdict(20);
    edges = 0;
    run_us(30);
    assert_in_range(edges, 5, 7);
    int first = edge_to[0] ? 0 : 1;
    assert_int_equal(edge_at[first + 1] - edge_at[first], (216 - 72) * (SIM_SECOND / 72000000));
    assert_int_equal(edge_at[first + 2] - edge_at[first], 720 * (SIM_SECOND / 72000000));
    wr(RAM_BASE, 0);
    pin_drive(&others[0], DRIVE_HIGH);
    assert_int_equal(verdict(1), 0);
    assert_int_equal(drive("PA9"), DRIVE_OPEN);
    assert_int_equal(drive("PB0"), DRIVE_OPEN);
    no_complaints();
}

static const struct CMUnitTest tests[] = {
    T(moe_gives_the_outputs_to_the_pins),
    T(chn_alone_is_not_turned_over),
    T(ossr_holds_the_other_output_inactive),
    T(idle_states_show_when_moe_is_off_and_ossi_on),
    T(dead_time_delays_the_edge_that_switches_on),
    T(a_pulse_shorter_than_the_dead_time_does_not_come),
    T(break_input_takes_moe_at_once),
    T(break_may_be_active_high_and_by_software),
    T(aoe_sets_moe_at_the_next_update),
    T(lock_levels_keep_what_they_name),
    T(ccpc_waits_for_a_commutation),
    T(remapping_moves_the_complements_too),
    T(mco_shows_the_clock_that_is_chosen),
    T(a_program_drives_a_half_bridge_until_the_break),
};

int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("f103_outputs", tests, NULL, NULL);
}
