/* f4_alone.h - a simulated STM32F2, F4 or F7 driven on its own bus, for the tests of its model.
 *
 * Registers are driven as the core would, on its bus.  Addresses and bits are written out from
 * the manuals again.
 *
 *   called by  test/sim/stm32f4*_chip.c, stm32f7*_chip.c      calls  sim/f4.h */
#ifndef F4_ALONE_H
#define F4_ALONE_H

#include "board.h"
#include "f4.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum {
    FLASH = 0x08000000, CCM = 0x10000000, OTP = 0x1FFF7800, OPTIONS = 0x1FFFC000,
    RAM = 0x20000000, USART2 = 0x40004400, USART1 = 0x40011000, SYSCFG = 0x40013800,
    WWDG = 0x40002C00, IWDG = 0x40003000, PWR = 0x40007000, GPIOA = 0x40020000,
    RCC = 0x40023800, AHB1ENR = RCC + 0x30, APB1ENR = RCC + 0x40, APB2ENR = RCC + 0x44,
    CSR = RCC + 0x74, ACR = 0x40023C00, KEYR = ACR + 4, OPTKEYR = ACR + 8, SR = ACR + 0xC,
    CR = ACR + 0x10, OPTCR = ACR + 0x14,
};
#define DBGMCU 0xE0042000u
enum { EOP = 1, OPERR = 2, WRPERR = 0x10, PGAERR = 0x20, PGPERR = 0x40, PGSERR = 0x80,
       BSY = 0x10000 };
enum { PG = 1, SER = 2, MER = 4, X8 = 0, X16 = 0x100, X32 = 0x200, X64 = 0x300,
       STRT = 0x10000, EOPIE = 1 << 24, ERRIE = 1 << 25 };
#define LOCK 0x80000000u

static struct board *board;
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

static inline void nobody_complained(void)
{
    for (int kind = SIM_FORGIVEN; kind < SIM_PROBLEM_KINDS; kind++)
        assert_string_equal(said[kind], "");
}

static inline unsigned rules_broken(void)
{
    return board->sim->problems[SIM_RULE] + board->sim->of_target[SIM_RULE];
}

static inline int power_on_chip(const char *name)
{
    char error[256];
    struct board_options options = { .target = name };
    board = board_new(&options, error, sizeof error);
    if (!board)
        fail_msg("%s", error);
    chip = board->target;
    board->sim->report = listen_to_reports;
    board_run_ms(board, 4);
    memset(said, 0, sizeof said);
    return 0;
}

/* The board with another row of the model in the place of its chip. */
static inline int power_on_part(const struct f4_part *part)
{
    power_on_chip("stm32f405");
    chip_free(chip);
    chip = board->target = f4_new(board->sim, "target", 1, part);
    board_power_target(board, true);
    board_run_ms(board, 4);
    memset(said, 0, sizeof said);
    return 0;
}

static inline int power_off(void **state)
{
    (void)state;
    board_free(board);
    return 0;
}

static inline uint32_t get_sized(uint32_t address, int width)
{
    uint32_t value = 0;
    assert_true(bus_read(chip->bus, BUS_DATA, address, width, &value));
    return value;
}

static inline uint32_t get(uint32_t address) { return get_sized(address, 4); }
static inline void put_sized(uint32_t address, uint32_t value, int width)
{
    assert_true(bus_write(chip->bus, BUS_DATA, address, width, value));
}
static inline void put(uint32_t address, uint32_t value) { put_sized(address, value, 4); }
static inline void set_bits(uint32_t address, uint32_t bits) { put(address, get(address) | bits); }
static inline bool faults(uint32_t address, uint32_t value)
{
    return !bus_write(chip->bus, BUS_DATA, address, 4, value);
}

/* A debugger's accesses, as the AHB-AP makes them. */
static inline bool debugger_reads(uint32_t address)
{
    uint32_t value;
    return f4_flash_debugger_allowed(chip->state, address, false) &&
           bus_read(chip->bus, BUS_DEBUG, address, 4, &value);
}

static inline void unlock(void)
{
    put(KEYR, 0x45670123);
    put(KEYR, 0xCDEF89AB);
}

static inline void unlock_options(void)
{
    put(OPTKEYR, 0x08192A3B);
    put(OPTKEYR, 0x4C5D6E7F);
}

static inline double busy_us(void)
{
    sim_time start = board->sim->now;
    while (get(SR) & BSY)
        board_run_ms(board, board->sim->now - start > SIM_MS ? 1 : 0.001);
    return (double)(board->sim->now - start) / (double)SIM_US;
}

static inline void power_cycle(void)
{
    board_power_target(board, false);
    board_power_target(board, true);
    board_run_ms(board, 4);
}

static inline void reset(void)
{
    chip->reset(chip, RESET_SOFTWARE);
    board_run_ms(board, 1);
}

/* Vectors, and two loops: 0x08000010 b .   0x08000020 b . (HardFault's) */
static inline void start_program(void)
{
    static const uint32_t image[] = { RAM + 0x1000, FLASH + 0x11, 0, FLASH + 0x21, 0xE7FEE7FE,
                                      0, 0, 0, 0xE7FEE7FE };
    assert_true(bus_load(chip->bus, FLASH, image, sizeof image));
    reset();
    assert_int_equal(chip->cpu->r[15], FLASH + 0x10);
}

static inline void step_at(uint32_t address, int times)
{
    chip->cpu->halted = false;
    chip->cpu->r[15] = address;
    while (times--)
        cpu_step(chip->cpu);
    chip->cpu->halted = true;
}

static inline void write_options(uint32_t value)
{
    unlock_options();
    put(OPTCR, value);
    put(OPTCR, value | 2);
    busy_us();
    put(OPTCR, value | 1);
}

#endif
