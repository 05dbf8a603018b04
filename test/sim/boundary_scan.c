/* boundary_scan.c - the boundary scan TAP of the simulated STM32F103: looking at pins and
 * moving them by JTAG alone.
 *
 * What a BSDL file says of the LQFP48: an IR of 5 bits, 232 cells; most pins have three in
 * a row, CONTROL (1: not driven), OUTPUT3 and INPUT, and BOOT0 has one. */
#include "bitbang.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { EXTEST = 0, IDCODE = 1, SAMPLE = 2, BYPASS = 31 };
enum { CELLS = 232, SHIFT = CELLS + 1 };        /* the Cortex-M3 TAP adds its bypass bit */
enum { APB2ENR = 0x40021018, GPIOA = 0x40010800, GPIOB = 0x40010C00, GPIOC = 0x40011000 };

static struct pin parts[4];
static struct net *nets[4];
static uint8_t in[SHIFT], out[SHIFT];
static uint8_t *const seen = out + 1;           /* by cell number; out[0] is the bypass bit */

/* Vectors, then a branch to itself. */
static const uint32_t endless_loop[] = { 0x20001000, 0x08000009, 0xE7FEE7FE };

static int power_on(void **state)
{
    struct host *host = host_new(endless_loop, sizeof endless_loop);
    *state = host;
    memset(nets, 0, sizeof nets);
    for (int i = 0; i < 5; i++)
        jtag_clock(host, 1, 0);
    jtag_clock(host, 0, 0);
    memset(in, 1, sizeof in);                   /* safe: nothing is driven */
    return 0;
}

static int power_off(void **state)
{
    for (int i = 0; i < 4; i++)
        net_free(nets[i]);
    host_free(*state);
    return 0;
}

static struct pin *pin(struct host *host, const char *name)
{
    return host->chip->pin(host->chip, name);
}

static struct pin *outside(struct host *host, int n, const char *name, enum drive drive)
{
    nets[n] = net_new(host->sim, name);
    net_attach(nets[n], pin(host, name), false);
    pin_init(&parts[n], host->sim, "outside", NULL, NULL);
    net_attach(nets[n], &parts[n], false);
    pin_drive(&parts[n], drive);
    return &parts[n];
}

/* Nearest to TDO is the Cortex-M3's IR, which gets BYPASS. */
static void instruct(struct host *host, unsigned instruction)
{
    jtag_scan(host, true, (uint64_t)instruction << 4 | 15, 9);
}

static void set_cell(int cell, int value) { in[cell] = (uint8_t)value; }

/* The first bit that goes in ends farthest on: in the bypass bit of the Cortex-M3. */
static void scan(struct host *host)
{
    uint8_t shifted[SHIFT];
    shifted[0] = 0;
    memcpy(shifted + 1, in, CELLS);
    jtag_scan_bits(host, shifted, out, SHIFT);
}

static void wr(struct host *host, uint32_t address, uint32_t value)
{
    assert_true(bus_write(host->chip->bus, BUS_DATA, address, 4, value));
}

static void its_ir_selects_idcode_bypass_or_the_cells(void **state)
{
    struct host *host = *state;
    assert_int_equal(jtag_scan(host, false, 0, 64), 0x164100413BA00477);
    instruct(host, BYPASS);
    assert_int_equal(jtag_scan(host, false, 1, 3), 4);          /* a bit each */
    instruct(host, IDCODE);
    assert_int_equal(jtag_scan(host, false, 0, 33) >> 1, 0x16410041);
    instruct(host, 0x15);                                       /* any other is BYPASS */
    assert_int_equal(jtag_scan(host, false, 1, 3), 4);
    assert_int_equal(jtag_scan(host, true, 0x1FF, 9), 0x011);
    instruct(host, SAMPLE);
    scan(host);
    memset(in, 0, sizeof in);
    set_cell(CELLS - 1, 1);
    scan(host);                         /* what is shifted in comes out 232 clocks later */
    jtag_enter(host, false);
    for (int i = 0; i < 2 * SHIFT; i++) {
        int tdo = jtag_clock(host, i == 2 * SHIFT - 1, i == 0);
        if (i >= SHIFT)
            assert_int_equal(tdo, i == SHIFT);
    }
    jtag_leave(host);
    assert_string_equal(host->problems, "");
}

static void sample_sees_pins_and_what_drives_them(void **state)
{
    struct host *host = *state;
    outside(host, 0, "PA0", DRIVE_HIGH);
    outside(host, 1, "PB9", DRIVE_LOW);
    outside(host, 2, "BOOT0", DRIVE_HIGH);
    wr(host, APB2ENR, 0x1C);
    wr(host, GPIOC + 4, 0x44344444);                /* PC13 output, high */
    wr(host, GPIOC + 16, 1 << 13);
    instruct(host, SAMPLE);
    scan(host);
    assert_int_equal(seen[187], 1);                 /* PA0 */
    assert_int_equal(seen[189], 1);                 /* not driven */
    assert_int_equal(seen[6], 0);                   /* PB9 */
    assert_int_equal(seen[12], 1);                  /* BOOT0 */
    assert_int_equal(seen[216], 0);                 /* PC13 is driven */
    assert_int_equal(seen[215], 1);
    assert_int_equal(seen[214], 1);
    wr(host, GPIOC + 16, 1u << 29);
    scan(host);
    assert_int_equal(seen[215], 0);
    assert_int_equal(seen[214], 0);
    assert_int_equal(pin(host, "PC13")->drive, DRIVE_LOW);      /* the program's still */
    assert_string_equal(host->problems, "");
}

static void extest_moves_pins_as_they_were_preloaded(void **state)
{
    struct host *host = *state;
    outside(host, 0, "PA9", DRIVE_OPEN);
    wr(host, APB2ENR, 0x1C);
    wr(host, GPIOC + 4, 0x44344444);
    instruct(host, SAMPLE);
    set_cell(66, 0);                                /* PA9 driven */
    set_cell(65, 1);                                /* high */
    scan(host);
    assert_int_equal(pin(host, "PA9")->drive, DRIVE_OPEN);
    assert_int_equal(pin(host, "PC13")->drive, DRIVE_LOW);
    instruct(host, EXTEST);
    assert_int_equal(pin(host, "PA9")->drive, DRIVE_HIGH);
    assert_int_equal(pin(host, "PC13")->drive, DRIVE_OPEN);     /* taken from the program */
    set_cell(65, 0);
    scan(host);
    assert_int_equal(seen[64], 1);                  /* as it was at Capture-DR */
    assert_int_equal(pin(host, "PA9")->drive, DRIVE_LOW);
    scan(host);
    assert_int_equal(seen[64], 0);
    wr(host, GPIOC + 16, 1 << 13);                  /* the program cannot move it now */
    assert_int_equal(pin(host, "PC13")->drive, DRIVE_OPEN);
    instruct(host, BYPASS);
    assert_int_equal(pin(host, "PA9")->drive, DRIVE_OPEN);
    assert_int_equal(pin(host, "PC13")->drive, DRIVE_HIGH);
    assert_string_equal(host->problems, "");
}

static void extest_ends_with_test_logic_reset(void **state)
{
    struct host *host = *state;
    instruct(host, SAMPLE);
    set_cell(8, 0);                                 /* PB9 */
    set_cell(7, 1);
    scan(host);
    instruct(host, EXTEST);
    assert_int_equal(pin(host, "PB9")->drive, DRIVE_HIGH);
    for (int i = 0; i < 5; i++)
        jtag_clock(host, 1, 0);
    assert_int_equal(pin(host, "PB9")->drive, DRIVE_OPEN);
}

/* A pin a side of each group of the package. */
static void cells_are_where_the_description_has_them(void **state)
{
    static const struct { const char *name; int input; } rows[] = {
        { "PC13", 214 }, { "PC14", 211 }, { "PC15", 208 }, { "PA0", 187 }, { "PA7", 166 },
        { "PB0", 157 }, { "PB2", 151 }, { "PB10", 121 }, { "PB12", 115 }, { "PB15", 106 },
        { "PA8", 67 }, { "PA12", 55 }, { "PB5", 19 }, { "PB7", 13 }, { "PB8", 9 }, { "PB9", 6 },
        { "PD0", 205 }, { "PD1", 202 },
    };
    struct host *host = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        memset(in, 1, sizeof in);
        set_cell(rows[i].input + 2, 0);
        set_cell(rows[i].input + 1, 1);
        instruct(host, SAMPLE);
        scan(host);
        instruct(host, EXTEST);
        assert_int_equal(pin(host, rows[i].name)->drive, DRIVE_HIGH);
        scan(host);
        assert_int_equal(seen[rows[i].input], 1);
        set_cell(rows[i].input + 1, 0);
        scan(host);
        assert_int_equal(pin(host, rows[i].name)->drive, DRIVE_LOW);
    }
    assert_string_equal(host->problems, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, power_on, power_off)

static const struct CMUnitTest tests[] = {
    TEST(its_ir_selects_idcode_bypass_or_the_cells),
    TEST(sample_sees_pins_and_what_drives_them),
    TEST(extest_moves_pins_as_they_were_preloaded),
    TEST(extest_ends_with_test_logic_reset),
    TEST(cells_are_where_the_description_has_them),
};

int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("boundary_scan", tests, NULL, NULL);
}
