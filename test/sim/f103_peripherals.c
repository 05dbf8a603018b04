/* f103_peripherals.c - does the simulated STM32F103 behave as RM0008 says, and complain
 * where RM0008 forbids?
 *
 * The peripherals are driven as a bus master would, register by register, while the
 * core sleeps in a two-instruction loop; the last tests run a small program on the
 * core. Addresses and bits are written out here from the manual: a second reading of
 * it. */
#include "f103.h"
#include "swdp.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum {
    FLASH_BASE = 0x08000000,
    TIM2 = 0x40000000, TIM3 = 0x40000400, RTC = 0x40002800, WWDG = 0x40002C00,
    IWDG = 0x40003000, USART2 = 0x40004400, I2C1 = 0x40005400, BKP = 0x40006C00,
    PWR = 0x40007000, AFIO = 0x40010000, EXTI = 0x40010400, GPIOA = 0x40010800,
    GPIOB = 0x40010C00, ADC1 = 0x40012400, SPI1 = 0x40013000, USART1 = 0x40013800,
    DMA1 = 0x40020000, RCC = 0x40021000, FPEC = 0x40022000, CRC = 0x40023000,
};
#define DBGMCU 0xE0042000u
enum { AHBENR = RCC + 0x14, APB2ENR = RCC + 0x18, APB1ENR = RCC + 0x1C };
enum { FLASH_SR = FPEC + 0x0C, FLASH_CR = FPEC + 0x10, FLASH_AR = FPEC + 0x14 };

static struct sim *sim;
static struct chip *chip;
static char said[SIM_PROBLEM_KINDS][256];       /* the last report of each kind */
static const char *program_path;

static void listen(void *ctx, enum sim_problem kind, const char *text)
{
    (void)ctx;
    snprintf(said[kind], sizeof said[kind], "%s", text);
}

static void assert_said(enum sim_problem kind, const char *words)
{
    if (!strstr(said[kind], words))
        fail_msg("nobody said \"%s\" but \"%s\"", words, said[kind]);
    said[kind][0] = '\0';
    sim->problems[kind] = 0;
}

static void run_us(double us)
{
    sim_run_until(sim, sim->now + (sim_time)(us * SIM_US));
}

static void run_ms(double ms) { run_us(ms * 1000); }

static uint32_t read_sized(uint32_t address, int width)
{
    uint32_t value;
    assert_true(bus_read(chip->bus, BUS_DATA, address, width, &value));
    return value;
}

static bool write_sized(uint32_t address, uint32_t value, int width)
{
    return bus_write(chip->bus, BUS_DATA, address, width, value);
}

static uint32_t rd(uint32_t address) { return read_sized(address, 4); }
static void wr(uint32_t address, uint32_t value)
{
    assert_true(write_sized(address, value, 4));
}

static void set(uint32_t address, uint32_t bits) { wr(address, rd(address) | bits); }
static struct pin *pin(const char *name) { return chip->pin(chip, name); }
static int level(const char *name) { return pin_sample(pin(name)); }

/* Joins a pin of the chip with a driver of ours. */
static struct pin *outside(struct pin *ours, const char *name, enum drive drive)
{
    struct net *net = net_new(sim, name);
    pin_init(ours, sim, "outside", NULL, NULL);
    net_attach(net, pin(name), false);
    net_attach(net, ours, false);
    pin_drive(ours, drive);
    return ours;
}

/* Vectors, then: 0x08000008 wfi; b . - 2 */
static const uint8_t sleeper[] = {
    0x00, 0x50, 0x00, 0x20, 0x09, 0x00, 0x00, 0x08, 0x30, 0xBF, 0xFD, 0xE7,
};

static int power_up(void **state)
{
    (void)state;
    sim = sim_new();
    sim->report = listen;
    memset(said, 0, sizeof said);
    chip = f103_new(sim, "probe", 64, 42);
    assert_true(bus_load(chip->bus, FLASH_BASE, sleeper, sizeof sleeper));
    chip->power(chip, true);
    run_ms(3);
    return 0;
}

static int throw_away(void **state)
{
    (void)state;
    chip_free(chip);
    sim_free(sim);
    return 0;
}

static void no_complaints(void)
{
    assert_string_equal(said[SIM_FORGIVEN], "");
    assert_string_equal(said[SIM_RULE], "");
    assert_string_equal(said[SIM_UNMODELLED], "");
    assert_string_equal(said[SIM_FATAL], "");
}

static void clock_everything(void)
{
    wr(AHBENR, 0x55);
    wr(APB2ENR, 0x5E7D);
    wr(APB1ENR, 0x18067807 & 0x1AE64807);
}

static void clock_72_mhz(void)
{
    wr(FPEC, 0x12);                             /* two wait states, prefetch */
    set(RCC, 1 << 16);
    run_ms(3);
    assert_true(rd(RCC) & 1 << 17);
    wr(RCC + 4, 0x001D8400);                    /* HSE x 9, PPRE1 / 2, ADCPRE / 6 */
    set(RCC, 1 << 24);
    run_us(250);
    assert_true(rd(RCC) & 1 << 25);
    set(RCC + 4, 2);
    assert_int_equal(rd(RCC + 4) & 0xC, 8);
}

/* --- reset, clocks ---------------------------------------------------------------- */

static void registers_come_up_as_the_manual_says(void **state)
{
    static const struct { uint32_t at, value; } reset[] = {
        { RCC + 4, 0 }, { AHBENR, 0x14 }, { APB2ENR, 0 }, { APB1ENR, 0 },
        { RCC + 0x24, 0x0C000000 }, { FPEC, 0x30 }, { FLASH_CR, 0x80 },
        { FPEC + 0x1C, 0x03FFFFFC }, { FPEC + 0x20, 0xFFFFFFFF }, { EXTI, 0 },
    }, after_clock[] = {
        { GPIOA, 0x44444444 }, { GPIOA + 4, 0x44444444 }, { USART1, 0xC0 },
        { TIM2 + 0x2C, 0xFFFF }, { CRC, 0xFFFFFFFF }, { SPI1 + 8, 2 },
        { SPI1 + 0x10, 7 }, { WWDG, 0x7F }, { IWDG + 8, 0xFFF }, { RTC + 4, 0x20 | 8 },
        { ADC1 + 0x24, 0xFFF },
    };
    (void)state;
    assert_int_equal(rd(RCC) & 0xFFFF00FF, 0x83);
    for (size_t i = 0; i < sizeof reset / sizeof *reset; i++)
        assert_int_equal(rd(reset[i].at), reset[i].value);
    clock_everything();
    for (size_t i = 0; i < sizeof after_clock / sizeof *after_clock; i++)
        assert_int_equal(rd(after_clock[i].at), after_clock[i].value);
    no_complaints();
}

static void clock_runs_at_72_mhz_when_all_is_set_up(void **state)
{
    (void)state;
    clock_72_mhz();
    assert_int_equal(chip->cpu->cycle, 7000);
    no_complaints();
}

static void too_few_wait_states_are_reported(void **state)
{
    (void)state;
    set(RCC, 1 << 16);
    run_ms(3);
    wr(RCC + 4, 0x001D8400);
    set(RCC, 1 << 24);
    run_us(250);
    set(RCC + 4, 2);
    assert_said(SIM_RULE, "0 wait states at HCLK 72 MHz, needs 2");
}

static void pclk1_above_36_mhz_is_reported(void **state)
{
    (void)state;
    clock_72_mhz();
    wr(RCC + 4, rd(RCC + 4) & ~0x700u);
    assert_said(SIM_RULE, "PCLK1 is 72 MHz");
}

static void changing_a_running_pll_is_reported_and_does_nothing(void **state)
{
    (void)state;
    clock_72_mhz();
    wr(RCC + 4, (rd(RCC + 4) & ~(0xFu << 18)) | 4 << 18);
    assert_said(SIM_FORGIVEN, "PLL set-up changed");
    assert_int_equal(rd(RCC + 4) >> 18 & 0xF, 7);
}

/* What RM0008 7.3 says "cannot be written" then: warm starts out of a boot loader do it. */
static void the_chip_ignores_what_would_stop_its_clock(void **state)
{
    (void)state;
    clock_72_mhz();
    wr(RCC, rd(RCC) & ~(1u << 24));
    assert_said(SIM_FORGIVEN, "PLL switched off while SYSCLK runs on it");
    wr(RCC, rd(RCC) & ~(1u << 16));
    assert_said(SIM_FORGIVEN, "HSE switched off");
    set(RCC, 1 << 18);
    assert_said(SIM_FORGIVEN, "HSEBYP changed while HSE is on");
    assert_int_equal(rd(RCC) & 0x03070000, 0x03030000);
    assert_int_equal(chip->cpu->cycle, 7000);
    wr(FPEC, 0x02);
    assert_said(SIM_FORGIVEN, "prefetch switched");
    wr(FPEC + 0x1C, 0);
    assert_said(SIM_FORGIVEN, "FLASH+0x1C is not for writing");
    wr(RCC + 0x20, 1 << 8);
    assert_said(SIM_FORGIVEN, "RCC_BDCR written while PWR_CR.DBP is 0");
    assert_int_equal(rd(RCC + 0x20), 0);
    wr(0xE000ED0C, 0x700);
    assert_said(SIM_FORGIVEN, "AIRCR written without its key");
    no_complaints();
}

/* A library chooses the RTC's clock by clearing the field first. */
static void the_rtc_keeps_its_clock_until_the_domain_is_reset(void **state)
{
    (void)state;
    clock_everything();
    wr(PWR, 0x100);
    wr(RCC + 0x20, 2 << 8);
    wr(RCC + 0x20, 0);
    assert_said(SIM_FORGIVEN, "RTCSEL changed");
    assert_int_equal(rd(RCC + 0x20), 2 << 8);
    no_complaints();
}

/* Clocked before ADCPRE is set is usual; converting so is not. */
static void the_adc_s_clock_counts_from_when_the_adc_is_on(void **state)
{
    (void)state;
    clock_72_mhz();
    wr(RCC + 4, rd(RCC + 4) & ~(3u << 14));
    wr(APB2ENR, 0x204);
    no_complaints();
    wr(ADC1 + 8, 1);
    assert_said(SIM_RULE, "ADC clock is 36.0 MHz, limit 14");
}

static void hse_never_starts_without_a_crystal(void **state)
{
    (void)state;
    f103_set_crystal(chip, false);
    set(RCC, 1 << 16);
    run_ms(50);
    assert_false(rd(RCC) & 1 << 17);
}

static void unclocked_peripheral_reads_0_and_forgets_writes(void **state)
{
    (void)state;
    assert_int_equal(rd(GPIOA), 0);
    assert_said(SIM_FORGIVEN, "read of GPIOA+0x00 while its clock is off");
    wr(GPIOA, 0x33333333);
    assert_said(SIM_FORGIVEN, "write of GPIOA+0x00 while its clock is off");
    wr(APB2ENR, 4);
    assert_int_equal(rd(GPIOA), 0x44444444);
}

static void reset_bits_reset_one_peripheral(void **state)
{
    (void)state;
    clock_everything();
    wr(GPIOA, 0x33333333);
    wr(GPIOB, 0x33333333);
    wr(RCC + 0x0C, 1 << 2);
    assert_int_equal(rd(GPIOA), 0x44444444);
    assert_int_equal(rd(GPIOB), 0x33333333);
}

static void what_is_not_modelled_says_so(void **state)
{
    (void)state;
    wr(APB1ENR, 1 << 21);
    rd(I2C1 + 0x30);
    assert_said(SIM_UNMODELLED, "I2C1+0x30 read");
}

/* --- pins ------------------------------------------------------------------------- */

static void outputs_follow_odr_and_set_wins_over_reset(void **state)
{
    (void)state;
    wr(APB2ENR, 0xC);
    wr(GPIOB, 0x44444473);                      /* PB0 push-pull, PB1 open drain */
    wr(GPIOB + 0x10, 0x00010001);               /* both: set wins */
    assert_int_equal(level("PB0"), 1);
    assert_int_equal(rd(GPIOB + 0xC), 1);
    wr(GPIOB + 0x14, 1);
    assert_int_equal(level("PB0"), 0);
    assert_int_equal(pin("PB1")->drive, DRIVE_LOW);
    wr(GPIOB + 0x10, 2);
    assert_int_equal(pin("PB1")->drive, DRIVE_OPEN);
    no_complaints();
}

static void inputs_are_read_and_pulled(void **state)
{
    struct pin button;
    (void)state;
    wr(APB2ENR, 0xC);
    outside(&button, "PB5", DRIVE_OPEN);
    wr(GPIOB, 0x44844444);                      /* PB5 pulled */
    assert_int_equal(rd(GPIOB + 8) >> 5 & 1, 0);
    wr(GPIOB + 0x10, 1 << 5);
    assert_int_equal(rd(GPIOB + 8) >> 5 & 1, 1);
    pin_drive(&button, DRIVE_LOW);
    assert_int_equal(rd(GPIOB + 8) >> 5 & 1, 0);
    wr(GPIOB, 0x44044444);                      /* analog reads 0 */
    pin_drive(&button, DRIVE_HIGH);
    assert_int_equal(rd(GPIOB + 8) >> 5 & 1, 0);
}

static void locked_pins_keep_their_configuration(void **state)
{
    (void)state;
    wr(APB2ENR, 0xC);
    wr(GPIOA + 0x18, 0x10001);
    wr(GPIOA + 0x18, 0x00001);
    wr(GPIOA + 0x18, 0x10001);
    assert_int_equal(rd(GPIOA + 0x18), 0x00001);
    assert_int_equal(rd(GPIOA + 0x18), 0x10001);
    wr(GPIOA, 0x33333333);
    assert_int_equal(rd(GPIOA), 0x33333334);
}

static void debug_pins_are_not_the_ports_until_swj_cfg_frees_them(void **state)
{
    (void)state;
    wr(APB2ENR, 0xD);
    wr(GPIOA + 4, 0x33344444);                  /* PA13-15 outputs, low */
    assert_int_equal(pin("PA13")->drive, DRIVE_PULL_UP);
    assert_int_equal(pin("PA14")->drive, DRIVE_PULL_DOWN);
    wr(AFIO + 4, 2 << 24);                      /* SW-DP only */
    assert_int_equal(pin("PA13")->drive, DRIVE_PULL_UP);
    assert_int_equal(pin("PA15")->drive, DRIVE_LOW);
    wr(AFIO + 4, 4 << 24);
    assert_int_equal(pin("PA13")->drive, DRIVE_LOW);
    assert_int_equal(pin("PA14")->drive, DRIVE_LOW);
}

/* RM0008 9.4.2 calls the read value undefined.  Firmware in use reads, changes, and writes
 * MAPR, and keeps its pins: what was written reads back. */
static void swj_cfg_survives_a_read_modify_write_of_mapr(void **state)
{
    (void)state;
    wr(APB2ENR, 0xD);
    wr(GPIOA + 4, 0x33344444);
    wr(AFIO + 4, 2 << 24);
    assert_int_equal(rd(AFIO + 4), 2 << 24);
    set(AFIO + 4, 1 << 8);                      /* TIM2 moves, PA15 stays free */
    assert_int_equal(rd(AFIO + 4), 2 << 24 | 1 << 8);
    assert_int_equal(pin("PA15")->drive, DRIVE_LOW);
    wr(AFIO + 4, (rd(AFIO + 4) & ~(7u << 24)) | 4 << 24);
    assert_int_equal(pin("PA13")->drive, DRIVE_LOW);
    set(AFIO + 4, 1 << 2);
    assert_int_equal(pin("PA13")->drive, DRIVE_LOW);
    no_complaints();
}

/* "Other combinations: no effect"; vendor libraries write 111 with every remap. */
static void swj_cfg_111_changes_nothing_but_the_remap(void **state)
{
    (void)state;
    wr(APB2ENR, 0xD);
    wr(GPIOA + 4, 0x33344444);
    wr(AFIO + 4, 7 << 24 | 1 << 2);
    assert_int_equal(pin("PA13")->drive, DRIVE_PULL_UP);
    assert_int_equal(pin("PA15")->drive, DRIVE_PULL_UP);
    assert_int_equal(rd(AFIO + 4) & 0x1FFFFF, 1 << 2);
    wr(AFIO + 4, 2 << 24);
    wr(AFIO + 4, 7 << 24);
    assert_int_equal(pin("PA13")->drive, DRIVE_PULL_UP);
    assert_int_equal(pin("PA15")->drive, DRIVE_LOW);
    set(AFIO + 4, 1 << 2);
    assert_int_equal(pin("PA15")->drive, DRIVE_LOW);
    no_complaints();
    wr(AFIO + 4, 6 << 24);
    assert_said(SIM_FORGIVEN, "SWJ_CFG = 6 has no effect");
    assert_int_equal(pin("PA13")->drive, DRIVE_PULL_UP);
}

enum { USB_CNTR = 0x40005C40, USBEN = 1 << 23 };

/* While USB is powered PA11 and PA12 are its own, whatever the port drives. */
static void usb_has_its_pins_while_it_is_powered(void **state)
{
    struct pin pull_up;
    (void)state;
    clock_72_mhz();
    outside(&pull_up, "PA12", DRIVE_PULL_UP);
    wr(APB2ENR, 0xD);
    wr(APB1ENR, USBEN);
    wr(GPIOA + 0x14, 1 << 12);
    wr(GPIOA + 4, 0x44464444);                  /* PA12: open drain, 2 MHz, low */
    assert_int_equal(level("PA12"), 0);
    wr(USB_CNTR, 1);                            /* PDWN cleared */
    assert_int_equal(level("PA12"), 1);
    wr(GPIOA + 0x10, 1 << 12);
    wr(GPIOA + 0x14, 1 << 12);
    wr(GPIOA + 4, 0x44433444);                  /* push-pull, PA11 too */
    assert_int_equal(level("PA12"), 1);
    assert_int_equal(pin("PA11")->drive, DRIVE_OPEN);
    wr(APB1ENR, 0);                             /* without a clock, still the block's */
    wr(GPIOA + 0x14, 1 << 12);
    assert_int_equal(level("PA12"), 1);
    wr(APB1ENR, USBEN);
    wr(USB_CNTR, 3);
    assert_int_equal(level("PA12"), 0);
    assert_int_equal(pin("PA11")->drive, DRIVE_LOW);
    wr(USB_CNTR, 0);
    assert_int_equal(level("PA12"), 1);
    wr(RCC + 0x10, USBEN);                      /* its reset powers it down */
    assert_int_equal(level("PA12"), 0);
}

static void pin_edge_raises_its_exti_line(void **state)
{
    struct pin button;
    (void)state;
    wr(APB2ENR, 0xD);
    outside(&button, "PB4", DRIVE_HIGH);
    wr(AFIO + 0xC, 1);                          /* EXTI4 from port B */
    wr(EXTI, 1 << 4);
    wr(EXTI + 0xC, 1 << 4);                     /* falling */
    pin_drive(&button, DRIVE_LOW);
    assert_int_equal(rd(EXTI + 0x14), 1 << 4);
    wr(EXTI + 0x14, 1 << 4);
    pin_drive(&button, DRIVE_HIGH);
    assert_int_equal(rd(EXTI + 0x14), 0);
    wr(EXTI + 0x10, 1 << 4);                    /* by software */
    assert_int_equal(rd(EXTI + 0x14), 1 << 4);
}

static void narrow_access_to_a_port_is_reported(void **state)
{
    (void)state;
    wr(APB2ENR, 0xC);
    write_sized(GPIOA + 0xC, 0x12, 1);
    assert_said(SIM_FORGIVEN, "8-bit access to GPIOA+0x0C");
    assert_int_equal(rd(GPIOA + 0xC), 0x1212);  /* the bridge fills all lanes */
}

static void pin_faster_than_its_mode_is_reported(void **state)
{
    (void)state;
    clock_72_mhz();
    wr(APB2ENR, 0xC);
    wr(GPIOA, 0x44444442);                      /* 2 MHz */
    run_us(1);
    wr(GPIOA + 0x10, 1);
    run_us(0.1);
    wr(GPIOA + 0x14, 1);
    assert_said(SIM_FORGIVEN, "PA0 toggles faster");
}

/* --- flash ------------------------------------------------------------------------ */

static void unlock(void)
{
    wr(FPEC + 4, 0x45670123);
    wr(FPEC + 4, 0xCDEF89AB);
}

static void finish_flash(void)
{
    for (int i = 0; i < 100 && (run_ms(1), rd(FLASH_SR) & 1); i++)
        ;
}

static void locked_flash_refuses(void **state)
{
    (void)state;
    wr(FLASH_CR, 1);
    assert_said(SIM_RULE, "FLASH_CR written while locked");
    write_sized(FLASH_BASE + 0x400, 0x1234, 2);
    assert_said(SIM_RULE, "PG is 0");
    assert_int_equal(read_sized(FLASH_BASE + 0x400, 2), 0xFFFF);
}

static void a_wrong_key_locks_until_reset(void **state)
{
    (void)state;
    assert_false(write_sized(FPEC + 4, 0x45670124, 4));
    assert_said(SIM_RULE, "wrong key");
    write_sized(FPEC + 4, 0x45670123, 4);
    write_sized(FPEC + 4, 0xCDEF89AB, 4);
    assert_int_equal(rd(FLASH_CR), 0x80);
    chip->reset(chip, RESET_PIN);
    run_ms(1);
    unlock();
    assert_int_equal(rd(FLASH_CR), 0);
}

static void flash_programs_and_erases_in_its_time(void **state)
{
    (void)state;
    unlock();
    wr(FLASH_CR, 1);
    assert_true(write_sized(FLASH_BASE + 0x402, 0x1234, 2));
    run_us(50);
    assert_true(rd(FLASH_SR) & 1);
    run_us(5);
    assert_int_equal(rd(FLASH_SR), 0x20);
    assert_int_equal(rd(FLASH_BASE + 0x400), 0x1234FFFF);
    wr(FLASH_SR, 0x20);
    wr(FLASH_CR, 2);
    wr(FLASH_AR, FLASH_BASE + 0x400);
    wr(FLASH_CR, 0x42);
    assert_false(rd(FLASH_SR) & 1);             /* ES096 2.2.8: a cycle late */
    run_ms(20);
    assert_true(rd(FLASH_SR) & 1);
    run_ms(20);
    assert_int_equal(rd(FLASH_SR), 0x20);
    assert_int_equal(rd(FLASH_BASE + 0x400), 0xFFFFFFFF);
    assert_int_equal(rd(FLASH_BASE), 0x20005000);
    no_complaints();
}

static void flash_over_something_sets_pgerr_except_for_zero(void **state)
{
    (void)state;
    unlock();
    wr(FLASH_CR, 1);
    write_sized(FLASH_BASE + 0x400, 0x1234, 2);
    run_us(60);
    write_sized(FLASH_BASE + 0x400, 0x1230, 2);
    assert_int_equal(rd(FLASH_SR) & 4, 4);
    assert_said(SIM_RULE, "PGERR");
    write_sized(FLASH_BASE + 0x400, 0, 2);
    run_us(60);
    assert_int_equal(read_sized(FLASH_BASE + 0x400, 2), 0);
    assert_string_equal(said[SIM_RULE], "");
}

static void flash_takes_16_bits_only(void **state)
{
    (void)state;
    unlock();
    wr(FLASH_CR, 1);
    assert_false(write_sized(FLASH_BASE + 0x400, 0x12345678, 4));
    assert_said(SIM_RULE, "it takes 16");
    assert_false(write_sized(FLASH_BASE + 0x400, 0x12, 1));
}

static void power_cut_leaves_a_half_erased_page(void **state)
{
    uint8_t page[1024];
    (void)state;
    memset(page, 0, sizeof page);
    assert_true(bus_load(chip->bus, FLASH_BASE + 0x400, page, sizeof page));
    unlock();
    wr(FLASH_CR, 2);
    wr(FLASH_AR, FLASH_BASE + 0x400);
    wr(FLASH_CR, 0x42);
    run_ms(5);
    chip->power(chip, false);
    run_ms(5);
    chip->power(chip, true);
    run_ms(5);
    int ones = 0;
    for (int i = 0; i < 1024; i += 4)
        ones += __builtin_popcount(rd(FLASH_BASE + 0x400 + (uint32_t)i));
    assert_in_range(ones, 1000, 7000);
}

static void read_protection_shuts_out_the_debugger_until_all_is_erased(void **state)
{
    (void)state;
    unlock();
    wr(FPEC + 8, 0x45670123);
    wr(FPEC + 8, 0xCDEF89AB);
    assert_int_equal(rd(FLASH_CR), 0x200);
    wr(FLASH_CR, 0x220);
    wr(FLASH_CR, 0x260);
    finish_flash();
    assert_int_equal(rd(0x1FFFF800), 0xFFFFFFFF);
    chip->reset(chip, RESET_PIN);               /* erased option bytes are protected */
    run_ms(1);
    assert_int_equal(rd(FPEC + 0x1C) & 2, 2);
    assert_false(fpec_debug_allowed(((struct f103 *)chip->state)->fpec, FLASH_BASE));
    assert_false(fpec_debug_allowed(((struct f103 *)chip->state)->fpec, 0));
    assert_true(fpec_debug_allowed(((struct f103 *)chip->state)->fpec, 0x20000000));
    unlock();
    wr(FPEC + 8, 0x45670123);
    wr(FPEC + 8, 0xCDEF89AB);
    wr(FLASH_CR, 0x210);
    assert_true(write_sized(0x1FFFF800, 0xA5, 2));
    finish_flash();
    assert_int_equal(read_sized(0x1FFFF800, 2), 0x5AA5);
    assert_int_equal(rd(FLASH_BASE), 0xFFFFFFFF);
    chip->reset(chip, RESET_PIN);
    run_ms(1);
    assert_true(fpec_debug_allowed(((struct f103 *)chip->state)->fpec, FLASH_BASE));
}

/* --- serial ----------------------------------------------------------------------- */

static void usart_on(void)
{
    wr(AHBENR, 0x15);
    wr(APB2ENR, 0x400D);
    wr(GPIOA + 4, 0x444444B4);                  /* PA9 AF push-pull, PA10 input */
    wr(USART1 + 8, 70);                         /* 8 MHz / 70 = 114286 baud */
    wr(USART1 + 0xC, 0x200C);
    run_us(200);                                /* the idle frame that TE sends */
}

static void loop_back(void)
{
    struct net *net = net_new(sim, "loop");
    net_attach(net, pin("PA9"), false);
    net_attach(net, pin("PA10"), false);
}

static int edges;
static sim_time edge_at[64];
static void see_edge(void *ctx, const struct net *net)
{
    (void)ctx;
    (void)net;
    if (edges < 64)
        edge_at[edges++] = sim->now;
}

static void usart_bits_last_brr_cycles(void **state)
{
    (void)state;
    usart_on();
    loop_back();
    edges = 0;
    net_watch(pin("PA9")->net, see_edge, NULL);
    wr(USART1 + 4, 0x55);
    run_us(200);
    assert_int_equal(edges, 10);                /* start 1 0 1 0 1 0 1 0 stop */
    for (int i = 1; i < 10; i++)
        assert_int_equal(edge_at[i] - edge_at[i - 1], 70 * (SIM_SECOND / 8000000));
    no_complaints();
}

static void usart_hears_itself(void **state)
{
    (void)state;
    usart_on();
    loop_back();
    wr(USART1 + 4, 0xA7);
    assert_true(rd(USART1) & 0x80);             /* moved on at once: TXE */
    run_us(100);
    assert_int_equal(rd(USART1) & 0x2F, 0x20);
    run_us(200);
    assert_int_equal(rd(USART1), 0xF0);         /* TXE TC RXNE IDLE */
    assert_int_equal(read_sized(USART1 + 4, 2), 0xA7);
    assert_int_equal(rd(USART1), 0xC0);
    wr(USART1 + 4, 1);
    wr(USART1 + 4, 2);
    run_us(250);
    assert_int_equal(rd(USART1) & 0x28, 0x28);  /* the second overran */
    assert_int_equal(rd(USART1 + 4), 1);
    assert_int_equal(rd(USART1) & 0x28, 0);
    no_complaints();
}

static void usart_checks_parity_and_sees_a_break(void **state)
{
    struct pin other;
    (void)state;
    usart_on();
    outside(&other, "PA10", DRIVE_HIGH);
    wr(USART1 + 0xC, 0x240C);                   /* even parity, in bit 7 */
    run_us(10);
    pin_drive(&other, DRIVE_LOW);
    run_us(8.75 * 2);                           /* start, bit 0 = 0 */
    pin_drive(&other, DRIVE_HIGH);
    run_us(8.75 * 1);                           /* one bit: odd */
    pin_drive(&other, DRIVE_LOW);
    run_us(8.75 * 6);                           /* bits 2 to 6, parity 0 */
    pin_drive(&other, DRIVE_HIGH);
    run_us(20);
    assert_int_equal(rd(USART1) & 0x27, 0x21);  /* RXNE PE */
    assert_int_equal(rd(USART1 + 4), 2);
    pin_drive(&other, DRIVE_LOW);
    run_us(8.75 * 12);
    assert_int_equal(rd(USART1) & 0x27, 0x22);  /* RXNE FE */
    assert_int_equal(rd(USART1 + 4), 0);
}

static void usart_sends_a_break(void **state)
{
    (void)state;
    usart_on();
    loop_back();
    wr(USART1 + 0xC, 0x200D);
    run_us(200);
    assert_int_equal(rd(USART1 + 0xC) & 1, 0);
    assert_int_equal(rd(USART1) & 0x22, 0x22);
}

static void usart1_moves_to_port_b(void **state)
{
    (void)state;
    usart_on();
    wr(GPIOB, 0x4B444444);                      /* PB6 AF push-pull, PB7 input */
    net_attach(net_new(sim, "TX"), pin("PB6"), false);
    assert_int_equal(pin("PA9")->drive, DRIVE_HIGH);
    assert_int_equal(pin("PB6")->drive, DRIVE_OPEN);
    wr(AFIO + 4, 4);
    assert_int_equal(pin("PA9")->drive, DRIVE_OPEN);
    assert_int_equal(pin("PB6")->drive, DRIVE_HIGH);
    net_attach(pin("PB6")->net, pin("PB7"), false);
    wr(USART1 + 4, 0x81);
    run_us(100);
    assert_int_equal(rd(USART1 + 4), 0x81);
    wr(USART1 + 0xC, 0);                        /* off: the pin is let go */
    assert_int_equal(pin("PB6")->drive, DRIVE_OPEN);
}

static void usart_waits_for_clear_to_send(void **state)
{
    struct pin other;
    (void)state;
    wr(APB2ENR, 0x400D);
    wr(APB1ENR, 1 << 17);
    outside(&other, "PA0", DRIVE_HIGH);         /* USART2_CTS: stop */
    wr(GPIOA, 0x44444B44);
    wr(USART2 + 8, 70);
    wr(USART2 + 0x14, 1 << 9);
    wr(USART2 + 0xC, 0x200C);
    run_us(200);
    wr(USART2 + 4, 'x');
    run_us(200);
    assert_int_equal(rd(USART2) & 0x80, 0);
    pin_drive(&other, DRIVE_LOW);
    run_us(200);
    assert_int_equal(rd(USART2) & 0x2C0, 0x2C0);    /* CTS TXE TC */
}

static void noise_on_the_wire_sets_ne(void **state)
{
    struct pin other;
    int noisy = 0;
    (void)state;
    usart_on();
    outside(&other, "PA10", DRIVE_HIGH);
    net_set_noise(pin("PA10")->net, 0.05);
    for (int i = 0; i < 20; i++) {
        pin_drive(&other, DRIVE_LOW);
        run_us(8.75 * 6);
        pin_drive(&other, DRIVE_HIGH);
        run_us(8.75 * 10);
        noisy += rd(USART1) >> 2 & 1;
        rd(USART1 + 4);
    }
    assert_in_range(noisy, 5, 20);
}

static void dma_goes_round_in_circles(void **state)
{
    (void)state;
    clock_everything();
    wr(TIM2 + 0x28, 7);
    wr(TIM2 + 0x2C, 9);                         /* an update every 10 us */
    wr(TIM2 + 0x14, 1);
    wr(TIM2 + 0xC, 0x100);                      /* UDE: channel 2 */
    wr(DMA1 + 0x20, 3);
    wr(DMA1 + 0x24, TIM2 + 0x24);
    wr(DMA1 + 0x28, 0x20000000);
    wr(DMA1 + 0x1C, 0x5A1);                     /* circular, 16 bits, MINC */
    wr(TIM2, 1);
    run_us(75);
    assert_int_equal(rd(DMA1 + 0x20), 2);       /* seven served: 3 + 3 + 1 */
    assert_int_equal(rd(DMA1) >> 4 & 2, 2);
    wr(DMA1 + 0x20, 5);
    assert_said(SIM_RULE, "CNDTR2 written while the channel is enabled");
}

static void dma_feeds_and_empties_a_usart(void **state)
{
    (void)state;
    usart_on();
    loop_back();
    for (uint32_t i = 0; i < 8; i++)
        write_sized(0x20000000 + i, 'a' + i, 1);
    wr(DMA1 + 0x48, 8);                         /* channel 4 sends */
    wr(DMA1 + 0x4C, USART1 + 4);
    wr(DMA1 + 0x50, 0x20000000);
    wr(DMA1 + 0x5C, 8);                         /* channel 5 receives */
    wr(DMA1 + 0x60, USART1 + 4);
    wr(DMA1 + 0x64, 0x20000100);
    wr(DMA1 + 0x58, 0x81);
    wr(DMA1 + 0x44, 0x91);
    wr(USART1 + 0x14, 0xC0);
    run_ms(1);
    assert_int_equal(rd(DMA1 + 0x48), 0);
    assert_int_equal(rd(DMA1 + 0x5C), 0);
    assert_int_equal(rd(DMA1) >> 12 & 0xF, 7);  /* GIF TCIF HTIF of channel 4 */
    assert_memory_equal(bus_find(chip->bus, 0x20000000)->memory + 0x100, "abcdefgh", 8);
    wr(DMA1 + 4, 0x1000);                       /* CGIF4 */
    assert_int_equal(rd(DMA1) >> 12 & 0xF, 0);
    no_complaints();
}

static void dma_copies_memory(void **state)
{
    (void)state;
    wr(AHBENR, 0x15);
    for (uint32_t i = 0; i < 16; i++)
        wr(0x20000000 + 4 * i, i * 0x01010101);
    wr(DMA1 + 0x0C, 16);
    wr(DMA1 + 0x10, 0x20000000);
    wr(DMA1 + 0x14, 0x20000200);
    wr(DMA1 + 0x08, 0x4AC1);                    /* M2M, words, both increment */
    run_us(50);
    assert_int_equal(rd(DMA1) & 7, 7);
    assert_int_equal(rd(0x2000023C), 0x0F0F0F0F);
}

/* --- timers ----------------------------------------------------------------------- */

static void timer_counts_and_updates(void **state)
{
    (void)state;
    clock_everything();
    wr(TIM2 + 0x28, 7);                         /* 1 MHz */
    wr(TIM2 + 0x2C, 999);
    wr(TIM2 + 0x14, 1);                         /* UG loads PSC */
    wr(TIM2 + 0x10, 0);
    wr(TIM2, 1);
    run_us(500.5);
    assert_int_equal(rd(TIM2 + 0x24), 500);
    assert_int_equal(rd(TIM2 + 0x10) & 1, 0);
    run_us(600);
    assert_int_equal(rd(TIM2 + 0x24), 100);
    assert_int_equal(rd(TIM2 + 0x10) & 1, 1);
    wr(TIM2 + 0x10, ~1u);
    run_ms(100);                                /* nobody watched: still right */
    assert_int_equal(rd(TIM2 + 0x24), 100);
    assert_int_equal(rd(TIM2 + 0x10) & 1, 1);
}

static void timer_makes_pwm(void **state)
{
    (void)state;
    clock_everything();
    net_attach(net_new(sim, "PWM"), pin("PA6"), false);
    wr(GPIOA, 0x4B444444);                      /* PA6 = TIM3_CH1 */
    wr(TIM3 + 0x28, 7);
    wr(TIM3 + 0x2C, 99);
    wr(TIM3 + 0x34, 30);
    wr(TIM3 + 0x18, 0x68);                      /* PWM1, preload */
    wr(TIM3 + 0x14, 1);
    wr(TIM3 + 0x20, 1);
    edges = 0;
    wr(TIM3, 1);
    net_watch(pin("PA6")->net, see_edge, NULL);
    run_us(1000);
    assert_in_range(edges, 19, 21);
    assert_int_equal(edge_at[1] - edge_at[0], 70 * SIM_US);
    assert_int_equal(edge_at[2] - edge_at[1], 30 * SIM_US);
}

static void timer_captures_an_edge(void **state)
{
    struct pin signal;
    (void)state;
    clock_everything();
    outside(&signal, "PA0", DRIVE_LOW);
    wr(TIM2 + 0x28, 7);
    wr(TIM2 + 0x14, 1);
    wr(TIM2 + 0x18, 0x01);                      /* IC1 on TI1 */
    wr(TIM2 + 0x20, 1);
    wr(TIM2, 1);
    run_us(123.2);
    pin_drive(&signal, DRIVE_HIGH);
    run_us(10);
    assert_int_equal(rd(TIM2 + 0x10) & 2, 2);
    assert_int_equal(rd(TIM2 + 0x34), 123);
    assert_int_equal(rd(TIM2 + 0x10) & 2, 0);   /* reading it took the flag */
}

/* What a receiver of SWO's Manchester code does: each edge captures and restarts. */
static void timer_measures_with_reset_mode(void **state)
{
    struct pin signal;
    (void)state;
    clock_everything();
    outside(&signal, "PA6", DRIVE_LOW);
    wr(TIM3 + 0x28, 7);
    wr(TIM3 + 0x14, 1);
    wr(TIM3 + 0x18, 0x0201);                    /* IC1 and IC2 both on TI1 */
    wr(TIM3 + 0x20, 0x31);                      /* rising, falling */
    wr(TIM3 + 8, 0x54);                         /* reset by TI1FP1 */
    wr(TIM3, 5);
    run_us(77);
    pin_drive(&signal, DRIVE_HIGH);
    run_us(20.5);
    pin_drive(&signal, DRIVE_LOW);
    run_us(30);
    pin_drive(&signal, DRIVE_HIGH);
    assert_int_equal(rd(TIM3 + 0x38), 20);      /* pulse */
    assert_int_equal(rd(TIM3 + 0x34), 50);      /* period */
    assert_int_equal(rd(TIM3 + 0x10) & 0x40, 0x40);
    no_complaints();
}

static void one_pulse_stops_the_timer(void **state)
{
    (void)state;
    clock_everything();
    wr(TIM2 + 0x2C, 79);
    wr(TIM2, 9);
    run_us(100);
    assert_int_equal(rd(TIM2), 8);
    assert_int_equal(rd(TIM2 + 0x24), 0);
}

/* --- backup domain, watchdogs ----------------------------------------------------- */

static void backup_registers_outlive_reset_but_not_power(void **state)
{
    (void)state;
    clock_everything();
    wr(BKP + 4, 0x4F42);
    assert_said(SIM_FORGIVEN, "BKP written while PWR_CR.DBP is 0");
    wr(PWR, 0x100);
    wr(BKP + 4, 0x4F42);
    chip->reset(chip, RESET_SOFTWARE);
    run_ms(1);
    assert_int_equal(read_sized(BKP + 4, 2), 0x4F42);   /* as bootloaders do: no clock yet */
    wr(BKP + 4, 0);                                     /* which writing needs */
    assert_said(SIM_FORGIVEN, "write of BKP+0x04 while its clock is off");
    clock_everything();
    assert_int_equal(rd(BKP + 4), 0x4F42);
    assert_int_equal(rd(RCC + 0x24) >> 24, 0x1C);   /* SFT, PIN, and POR not cleared */
    chip->power(chip, false);
    chip->power(chip, true);
    run_ms(3);
    clock_everything();
    assert_int_equal(rd(BKP + 4), 0);
}

static void rtc_counts_seconds_from_lsi(void **state)
{
    (void)state;
    clock_everything();
    wr(PWR, 0x100);
    wr(RCC + 0x24, 1);
    run_ms(1);
    wr(RCC + 0x20, 0x8200);                     /* LSI, RTCEN */
    wr(RTC + 4, 0x10);
    wr(RTC + 0xC, 39999);
    wr(RTC + 8, 0);
    wr(RTC + 4, 0);
    run_ms(1);
    assert_int_equal(rd(RTC + 4) & 0x20, 0x20);
    run_ms(3500);
    assert_int_equal(rd(RTC + 0x1C), 3);
    assert_int_equal(rd(RTC + 4) & 1, 1);
}

static void independent_watchdog_resets_unless_reloaded(void **state)
{
    (void)state;
    wr(IWDG + 8, 40);
    assert_said(SIM_RULE, "IWDG_RLR written without the key");
    wr(IWDG, 0x5555);
    wr(IWDG + 8, 999);                          /* 1000 * 4 / 40 kHz = 100 ms */
    wr(IWDG, 0xCCCC);
    run_ms(90);
    wr(IWDG, 0xAAAA);
    run_ms(90);
    assert_int_equal(rd(RCC + 0x24) & 1 << 29, 0);
    run_ms(20);
    assert_int_equal(rd(RCC + 0x24) & 1 << 29, 1 << 29);
    assert_int_equal(rd(IWDG + 8), 0xFFF);
}

static void window_watchdog_resets_when_reloaded_early(void **state)
{
    (void)state;
    wr(APB1ENR, 1 << 11);
    wr(WWDG + 4, 0x50);
    wr(WWDG, 0xFF);
    run_us(100);
    wr(WWDG, 0xFF);
    run_ms(1);
    assert_int_equal(rd(RCC + 0x24) >> 30 & 1, 1);
}

/* While the core is halted, as for a breakpoint; what was left is left when it goes on. */
static void frozen_watchdogs_stand_still_while_the_core_does(void **state)
{
    (void)state;
    wr(DBGMCU + 4, 1 << 8 | 1 << 9);
    wr(IWDG, 0x5555);
    wr(IWDG + 8, 999);                          /* 100 ms */
    wr(IWDG, 0xCCCC);
    wr(APB1ENR, 1 << 11);
    wr(WWDG + 4, 0x7F | 3 << 7);
    wr(WWDG, 0xFF);                             /* 64 x 4096 x 8 at 8 MHz: 262 ms */
    run_ms(90);
    chip->cpu->halted = true;
    run_us(20);
    uint32_t count = rd(WWDG) & 0x7F;
    run_ms(1000);
    assert_in_range(rd(WWDG) & 0x7F, count - 1, count);
    chip->cpu->halted = false;
    run_ms(9);
    assert_int_equal(rd(RCC + 0x24) >> 29, 0);
    wr(IWDG, 0xAAAA);
    run_ms(90);
    wr(IWDG, 0xAAAA);
    run_ms(70);                                 /* 259 ms in all */
    assert_int_equal(rd(RCC + 0x24) >> 29, 0);
    wr(IWDG, 0xAAAA);
    run_ms(6);
    assert_int_equal(rd(RCC + 0x24) >> 30 & 1, 1);
}

/* SLEEPDEEP is set from here; the core already sleeps in its WFI. */
static void stop_mode_ends_on_hsi_and_freezes_timers(void **state)
{
    (void)state;
    clock_everything();
    clock_72_mhz();
    wr(TIM2 + 0x28, 71);
    wr(TIM2 + 0x14, 1);
    wr(TIM2, 1);
    wr(PWR, 1);                                 /* LPDS */
    wr(0xE000ED10, 4);
    run_us(20);
    uint32_t count = rd(TIM2 + 0x24);
    run_ms(1);
    assert_int_equal(rd(TIM2 + 0x24), count);
    assert_int_equal(rd(RCC + 4) & 0xC, 8);
    wr(0xE000ED10, 0);                          /* as good as waking up */
    run_us(20);
    assert_int_equal(rd(RCC + 4) & 0xC, 0);
    assert_int_equal(rd(RCC) & 0x03030003, 3);
}

static void standby_ends_in_a_reset_by_wkup(void **state)
{
    struct pin wkup;
    (void)state;
    outside(&wkup, "PA0", DRIVE_LOW);
    clock_everything();
    wr(PWR + 4, 0x100);
    wr(PWR, 2);                                 /* PDDS */
    wr(0xE000ED10, 4);
    run_us(30);
    assert_true(chip->cpu->held_in_reset);
    pin_drive(&wkup, DRIVE_HIGH);
    run_us(50);
    assert_false(chip->cpu->held_in_reset);
    wr(APB1ENR, 1 << 28);
    assert_int_equal(rd(PWR + 4) & 3, 3);       /* WUF SBF */
}

/* --- the rest --------------------------------------------------------------------- */

static void crc_unit_computes_the_ethernet_polynomial(void **state)
{
    (void)state;
    wr(AHBENR, 0x54);
    wr(CRC, 0x00000000);
    assert_int_equal(rd(CRC), 0xC704DD7B);
    wr(CRC + 8, 1);
    assert_int_equal(rd(CRC), 0xFFFFFFFF);
}

static void adc_converts_its_reference(void **state)
{
    (void)state;
    wr(APB2ENR, 0x204);
    wr(ADC1 + 0x34, 17);
    wr(ADC1 + 8, 0x800001);
    run_us(10);
    wr(ADC1 + 8, 0x800001);
    run_us(50);
    assert_int_equal(rd(ADC1) & 2, 2);
    assert_int_equal(rd(ADC1 + 0x4C), 1489);
    assert_int_equal(rd(ADC1) & 2, 0);
}

static void spi_shifts_out_and_in(void **state)
{
    (void)state;
    wr(APB2ENR, 0x1004);
    wr(GPIOA, 0xB4B44444);                      /* PA5 SCK, PA7 MOSI; PA6 MISO */
    struct net *net = net_new(sim, "MOSI to MISO");
    net_attach(net, pin("PA7"), false);
    net_attach(net, pin("PA6"), false);
    wr(SPI1, 0x344);                            /* SSM SSI SPE MSTR, PCLK / 2 */
    wr(SPI1 + 0xC, 0xC5);
    run_us(10);
    assert_int_equal(rd(SPI1 + 8), 3);
    assert_int_equal(rd(SPI1 + 0xC), 0xC5);
    no_complaints();
}

/* RM0008 25.3.10, with the port's NSS and with the software's. */
static void spi_mode_fault_needs_a_running_master_and_nss_low(void **state)
{
    struct pin nss;
    (void)state;
    wr(APB2ENR, 0x1004);
    outside(&nss, "PA4", DRIVE_HIGH);
    wr(SPI1, 0x004);                            /* MSTR, then SSM and SSI, then SPE */
    wr(SPI1, 0x204);
    assert_int_equal(rd(SPI1 + 8), 2);
    wr(SPI1, 0x304);
    wr(SPI1, 0x344);
    assert_int_equal(rd(SPI1), 0x344);
    assert_int_equal(rd(SPI1 + 8), 2);
    wr(SPI1, 0x244);                            /* SSI falls under the running master */
    assert_int_equal(rd(SPI1), 0x200);
    assert_int_equal(rd(SPI1 + 8), 0x22);
    wr(SPI1, 0x344);                            /* SR was read: the fault is over */
    assert_int_equal(rd(SPI1), 0x344);
    assert_int_equal(rd(SPI1 + 8), 2);
    wr(SPI1, 0);
    wr(SPI1, 0x044);                            /* NSS by its pin */
    assert_int_equal(rd(SPI1 + 8), 2);
    pin_drive(&nss, DRIVE_LOW);
    assert_int_equal(rd(SPI1), 0);
    assert_int_equal(rd(SPI1 + 8), 0x22);
    wr(SPI1 + 4, 4);                            /* SSOE: NSS is an output */
    wr(SPI1, 0x044);
    assert_int_equal(rd(SPI1), 0x044);
    no_complaints();
}

static void idcode_is_for_debuggers(void **state)
{
    uint32_t value;
    (void)state;
    assert_int_equal(rd(DBGMCU), 0);
    assert_true(bus_read(chip->bus, BUS_DEBUG, DBGMCU, 4, &value));
    assert_int_equal(value, 0x20036410);
    assert_int_equal(rd(DBGMCU), 0x20036410);
    assert_int_equal(read_sized(0x1FFFF7E0, 2), 64);
}

static void nrst_low_holds_the_chip_and_own_reset_pulls_it(void **state)
{
    struct pin button;
    (void)state;
    outside(&button, "NRST", DRIVE_OPEN);
    assert_int_equal(level("NRST"), 1);
    wr(RCC + 0x24, 1 << 24);
    pin_drive(&button, DRIVE_LOW);
    run_ms(1);
    assert_true(chip->cpu->held_in_reset);
    pin_drive(&button, DRIVE_OPEN);
    run_ms(1);
    assert_false(chip->cpu->held_in_reset);
    assert_int_equal(rd(RCC + 0x24), 0x04000000);
    chip->reset(chip, RESET_SOFTWARE);
    run_us(10);
    assert_int_equal(level("NRST"), 0);
    run_us(20);
    assert_int_equal(level("NRST"), 1);
}

static void ram_is_random_after_power_up(void **state)
{
    (void)state;
    assert_int_not_equal(rd(0x20000000), rd(0x20000004));
    assert_int_not_equal(rd(0x20000000), 0);
}

/* --- a program on the core -------------------------------------------------------- */

/* At 8 MHz: toggles PC13, sends "ok" by USART1 through DMA, writes 0xBEEF into its own
 * flash at 0x08000800, reads it back into RAM, and sleeps. */
static const char program[] =
    ".syntax unified\n .cpu cortex-m3\n .thumb\n"
    ".word 0x20005000, start\n"
    "text: .ascii \"ok\"\n"
    ".macro put address, value\n ldr r0, =\\address\n ldr r1, =\\value\n str r1, [r0]\n"
    ".endm\n"
    ".global start\n.thumb_func\nstart:\n"
    " put 0x40021014, 0x15\n put 0x40021018, 0x401D\n"
    " put 0x40011004, 0x44344444\n"             /* PC13 output, 50 MHz */
    " put 0x40011010, 0x00002000\n put 0x40011010, 0x20000000\n"
    " put 0x40010804, 0x444444B4\n"
    " put 0x40013808, 70\n put 0x4001380C, 0x2008\n"
    " put 0x40020048, 2\n put 0x4002004C, 0x40013804\n"
    " put 0x40020050, text\n put 0x40020044, 0x91\n"
    " put 0x40013814, 0x80\n"
    " put 0x40022004, 0x45670123\n put 0x40022004, 0xCDEF89AB\n"
    " put 0x40022010, 2\n put 0x40022014, 0x08000800\n put 0x40022010, 0x42\n"
    " nop\n ldr r0, =0x4002200C\n1: ldr r1, [r0]\n lsls r1, #31\n bne 1b\n"
    " put 0x40022010, 1\n ldr r2, =0x08000800\n ldr r1, =0xBEEF\n strh r1, [r2]\n"
    " ldr r0, =0x4002200C\n2: ldr r1, [r0]\n lsls r1, #31\n bne 2b\n"
    " ldrh r1, [r2]\n ldr r0, =0x20000010\n str r1, [r0]\n"
    "3: wfi\n b 3b\n";

static void assemble(uint8_t *image, size_t size)
{
    char command[1024];
    snprintf(command, sizeof command,
             "arm-none-eabi-gcc -nostdlib -Wl,-Ttext=0x08000000 -Wl,-e,start "
             "-x assembler -o %s.elf - && "
             "arm-none-eabi-objcopy -O binary %s.elf %s.bin",
             program_path, program_path, program_path);
    FILE *gcc = popen(command, "w");
    fputs(program, gcc);
    assert_int_equal(pclose(gcc), 0);
    snprintf(command, sizeof command, "%s.bin", program_path);
    FILE *bin = fopen(command, "rb");
    assert_non_null(bin);
    memset(image, 0xFF, size);
    assert_true(fread(image, 1, size, bin) > 100);
    fclose(bin);
}

static void a_program_blinks_talks_and_writes_its_flash(void **state)
{
    uint8_t image[2048];
    (void)state;
    assemble(image, sizeof image);
    chip->power(chip, false);
    bus_load(chip->bus, FLASH_BASE, image, sizeof image);
    memset(image, 0, sizeof image);
    bus_load(chip->bus, FLASH_BASE + 2048, image, 1024);
    struct net *led = net_new(sim, "LED"), *tx = net_new(sim, "TX");
    net_attach(led, pin("PC13"), false);
    net_attach(tx, pin("PA9"), false);
    edges = 0;
    net_watch(led, see_edge, NULL);
    chip->power(chip, true);
    run_ms(4);
    assert_true(edges >= 2);
    edges = 0;
    net_watch(tx, see_edge, NULL);
    run_ms(40);
    no_complaints();
    assert_int_equal(rd(0x20000010), 0xBEEF);
    assert_int_equal(read_sized(FLASH_BASE + 0x802, 2), 0xFFFF);
    assert_int_equal(rd(0x40020048), 0);
    assert_true(chip->cpu->asleep);
    no_complaints();
}

#define T(name) cmocka_unit_test_setup_teardown(name, power_up, throw_away)

static const struct CMUnitTest tests[] = {
    T(registers_come_up_as_the_manual_says),
    T(clock_runs_at_72_mhz_when_all_is_set_up),
    T(too_few_wait_states_are_reported),
    T(pclk1_above_36_mhz_is_reported),
    T(changing_a_running_pll_is_reported_and_does_nothing),
    T(the_chip_ignores_what_would_stop_its_clock),
    T(the_rtc_keeps_its_clock_until_the_domain_is_reset),
    T(the_adc_s_clock_counts_from_when_the_adc_is_on),
    T(hse_never_starts_without_a_crystal),
    T(unclocked_peripheral_reads_0_and_forgets_writes),
    T(reset_bits_reset_one_peripheral),
    T(what_is_not_modelled_says_so),
    T(outputs_follow_odr_and_set_wins_over_reset),
    T(inputs_are_read_and_pulled),
    T(locked_pins_keep_their_configuration),
    T(debug_pins_are_not_the_ports_until_swj_cfg_frees_them),
    T(swj_cfg_survives_a_read_modify_write_of_mapr),
    T(swj_cfg_111_changes_nothing_but_the_remap),
    T(usb_has_its_pins_while_it_is_powered),
    T(pin_edge_raises_its_exti_line),
    T(narrow_access_to_a_port_is_reported),
    T(pin_faster_than_its_mode_is_reported),
    T(locked_flash_refuses),
    T(a_wrong_key_locks_until_reset),
    T(flash_programs_and_erases_in_its_time),
    T(flash_over_something_sets_pgerr_except_for_zero),
    T(flash_takes_16_bits_only),
    T(power_cut_leaves_a_half_erased_page),
    T(read_protection_shuts_out_the_debugger_until_all_is_erased),
    T(usart_bits_last_brr_cycles),
    T(usart_hears_itself),
    T(usart_checks_parity_and_sees_a_break),
    T(usart_sends_a_break),
    T(usart1_moves_to_port_b),
    T(usart_waits_for_clear_to_send),
    T(noise_on_the_wire_sets_ne),
    T(dma_goes_round_in_circles),
    T(dma_feeds_and_empties_a_usart),
    T(dma_copies_memory),
    T(timer_counts_and_updates),
    T(timer_makes_pwm),
    T(timer_captures_an_edge),
    T(timer_measures_with_reset_mode),
    T(one_pulse_stops_the_timer),
    T(backup_registers_outlive_reset_but_not_power),
    T(rtc_counts_seconds_from_lsi),
    T(independent_watchdog_resets_unless_reloaded),
    T(window_watchdog_resets_when_reloaded_early),
    T(frozen_watchdogs_stand_still_while_the_core_does),
    T(stop_mode_ends_on_hsi_and_freezes_timers),
    T(standby_ends_in_a_reset_by_wkup),
    T(crc_unit_computes_the_ethernet_polynomial),
    T(adc_converts_its_reference),
    T(spi_shifts_out_and_in),
    T(spi_mode_fault_needs_a_running_master_and_nss_low),
    T(idcode_is_for_debuggers),
    T(nrst_low_holds_the_chip_and_own_reset_pulls_it),
    T(ram_is_random_after_power_up),
    T(a_program_blinks_talks_and_writes_its_flash),
};

int main(int argc, char **argv)
{
    program_path = argv[0];
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("f103_peripherals", tests, NULL, NULL);
}
