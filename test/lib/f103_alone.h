/* f103_alone.h - for tests of the simulated STM32F103's peripherals: one chip with
 * nothing around it but what a test solders on, its registers from the core's side, and
 * a way to give it a program.
 *
 *   called by  test/sim/f103_*.c      calls  sim/f103.h */
#ifndef F103_ALONE_H
#define F103_ALONE_H

#include "f103.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum {
    FLASH_BASE = 0x08000000, RAM_BASE = 0x20000000,
    RCC = 0x40021000, AHBENR = RCC + 0x14, APB2ENR = RCC + 0x18, APB1ENR = RCC + 0x1C,
    AFIO = 0x40010000, GPIOA = 0x40010800, GPIOB = 0x40010C00, GPIOC = 0x40011000,
    DMA1 = 0x40020000, FPEC = 0x40022000,
};

static struct sim *sim;
static struct chip *chip;
static char said[SIM_PROBLEM_KINDS][256];       /* the last report of each kind */

static inline void listen_to_reports(void *ctx, enum sim_problem kind, const char *text)
{
    (void)ctx;
    snprintf(said[kind], sizeof said[kind], "%s", text);
}

static inline void assert_said(enum sim_problem kind, const char *words)
{
    if (!strstr(said[kind], words))
        fail_msg("nobody said \"%s\" but \"%s\"", words, said[kind]);
    said[kind][0] = '\0';
}

static inline void no_complaints(void)
{
    assert_string_equal(said[SIM_FORGIVEN], "");
    assert_string_equal(said[SIM_RULE], "");
    assert_string_equal(said[SIM_UNMODELLED], "");
    assert_string_equal(said[SIM_FATAL], "");
}

static inline void run_us(double us)
{
    sim_run_until(sim, sim->now + (sim_time)(us * (double)SIM_US));
}

static inline void run_ms(double ms) { run_us(ms * 1000); }

static inline uint32_t rd(uint32_t address)
{
    uint32_t value;
    assert_true(bus_read(chip->bus, BUS_DATA, address, 4, &value));
    return value;
}

static inline void wr(uint32_t address, uint32_t value)
{
    assert_true(bus_write(chip->bus, BUS_DATA, address, 4, value));
}

static inline void set_bits(uint32_t address, uint32_t bits)
{
    wr(address, rd(address) | bits);
}

static inline void clear_bits(uint32_t address, uint32_t bits)
{
    wr(address, rd(address) & ~bits);
}

/* Waits until the bits are set; says how long that took, in us. */
static inline double wait_for(uint32_t address, uint32_t bits)
{
    sim_time from = sim->now;
    for (int i = 0; (rd(address) & bits) != bits; i++) {
        if (i == 20000)
            fail_msg("0x%08X is 0x%X and never got 0x%X", address, rd(address), bits);
        run_us(0.5);
    }
    return (double)(sim->now - from) / (double)SIM_US;
}

static inline struct pin *pin(const char *name) { return chip->pin(chip, name); }
static inline int level(const char *name) { return pin_sample(pin(name)); }

/* Joins a pin of the chip, and its net if it has one, with a driver of ours. */
static inline struct pin *outside(struct pin *ours, const char *name, enum drive drive)
{
    struct pin *theirs = pin(name);
    if (!theirs->net)
        net_attach(net_new(sim, name), theirs, false);
    pin_init(ours, sim, "outside", NULL, NULL);
    net_attach(theirs->net, ours, false);
    pin_drive(ours, drive);
    return ours;
}

/* The edges of a net, with their times. */
enum { EDGES = 256 };
static int edges;
static sim_time edge_at[EDGES];
static int edge_to[EDGES];

static inline void see_edge(void *ctx, const struct net *net)
{
    (void)ctx;
    if (edges == EDGES)
        return;
    edge_at[edges] = sim->now;
    edge_to[edges++] = net->level;
}

static inline void watch_edges(const char *name)
{
    edges = 0;
    if (!pin(name)->net)
        net_attach(net_new(sim, name), pin(name), false);
    net_watch(pin(name)->net, see_edge, NULL);
}

/* --- a program ---------------------------------------------------------------------- */

/* Vectors, then: 0x08000008 wfi; b . - 2 */
static const uint8_t sleeper[] = {
    0x00, 0x50, 0x00, 0x20, 0x09, 0x00, 0x00, 0x08, 0x30, 0xBF, 0xFD, 0xE7,
};

/* Puts BUILD/programs/NAME.bin into flash and resets the chip. */
static inline void start_program(const char *name)
{
    static uint8_t image[16384];
    const char *build = getenv("BUILD") ? getenv("BUILD") : "build";
    char path[512];
    snprintf(path, sizeof path, "%s/programs/%s.bin", build, name);
    FILE *bin = fopen(path, "rb");
    if (!bin)
        fail_msg("%s is not there: make tests-board", path);
    memset(image, 0xFF, sizeof image);
    assert_true(fread(image, 1, sizeof image, bin) > 0x100);
    fclose(bin);
    chip->power(chip, false);
    assert_true(bus_load(chip->bus, FLASH_BASE, image, sizeof image));
    chip->power(chip, true);
}

/* Runs until the program leaves its verdict in the first words of RAM. */
static inline uint32_t verdict(double limit_ms)
{
    for (double ms = 0; ms < limit_ms && rd(RAM_BASE) != 0xC0DEC0DE; ms += 0.5)
        run_ms(0.5);
    assert_int_equal(rd(RAM_BASE), 0xC0DEC0DE);
    return rd(RAM_BASE + 4);
}

/* --- life --------------------------------------------------------------------------- */

static inline int power_up(void **state)
{
    (void)state;
    sim = sim_new();
    sim->report = listen_to_reports;
    memset(said, 0, sizeof said);
    chip = f103_new(sim, "probe", 64, 42);
    assert_true(bus_load(chip->bus, FLASH_BASE, sleeper, sizeof sleeper));
    chip->power(chip, true);
    run_ms(3);
    return 0;
}

static inline int throw_away(void **state)
{
    (void)state;
    chip_free(chip);
    sim_free(sim);
    return 0;
}

static inline void clock_72_mhz(void)
{
    wr(FPEC, 0x12);                             /* two wait states, prefetch */
    set_bits(RCC, 1 << 16);
    run_ms(3);
    assert_true(rd(RCC) & 1 << 17);
    wr(RCC + 4, 0x001D8400);                    /* HSE x 9, PPRE1 / 2, ADCPRE / 6 */
    set_bits(RCC, 1 << 24);
    run_us(250);
    assert_true(rd(RCC) & 1 << 25);
    set_bits(RCC + 4, 2);
}

#define T(name) cmocka_unit_test_setup_teardown(name, power_up, throw_away)

#endif
