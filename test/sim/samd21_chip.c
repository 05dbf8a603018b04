/* samd21_chip.c - does the simulated ATSAMD21G18A do what its data sheet says?
 *
 * The chip's own core executes nothing here (its flash is blank); the tests make the
 * core's accesses for it, on its bus, and look at pins, memory and time. */
#include "board.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum {
    PM_APBCMASK = 0x40000420, PM_RCAUSE = 0x40000438, SYSCTRL_PCLKSR = 0x4000080C,
    SYSCTRL_OSC8M = 0x40000820, SYSCTRL_DFLLCTRL = 0x40000824, GCLK_CLKCTRL = 0x40000C02,
    GCLK_GENCTRL = 0x40000C04, GCLK_GENDIV = 0x40000C08, WDT_CTRL = 0x40001000,
    WDT_CONFIG = 0x40001001, PAC1_WPCLR = 0x41000000,
    DSU = 0x41002000, DSU_EXT = 0x41002100,
    NVM_CTRLA = 0x41004000, NVM_CTRLB = 0x41004004, NVM_PARAM = 0x41004008,
    NVM_INTFLAG = 0x41004014, NVM_STATUS = 0x41004018, NVM_ADDR = 0x4100401C,
    NVM_LOCK = 0x41004020, PORT = 0x41004400, SERCOM3 = 0x42001400, TC3 = 0x42002C00,
    USER_ROW = 0x00804000, RAM = 0x20000000,
};

static struct board *board;
static struct chip *chip;
static char last_problem[256];

static void remember(void *ctx, enum sim_problem kind, const char *text)
{
    (void)ctx, (void)kind;
    snprintf(last_problem, sizeof last_problem, "%s", text);
}

static int power_on(void **state)
{
    (void)state;
    char error[256];
    struct board_options options = { .target = "samd21" };
    board = board_new(&options, error, sizeof error);
    if (!board)
        fail_msg("%s", error);
    chip = board->target;
    board->sim->report = remember;
    board_run_ms(board, 1);
    last_problem[0] = 0;
    return 0;
}

static int power_off(void **state)
{
    (void)state;
    board_free(board);
    return 0;
}

static unsigned rules_broken(void) { return board->sim->problems[SIM_RULE]; }

static uint32_t get(uint32_t address, int width)
{
    uint32_t value = 0;
    assert_true(bus_read(chip->bus, BUS_DATA, address, width, &value));
    return value;
}

static void put(uint32_t address, uint32_t value, int width)
{
    assert_true(bus_write(chip->bus, BUS_DATA, address, width, value));
}

static bool debugger_reads(uint32_t address)
{
    uint32_t value;
    return bus_read(chip->bus, BUS_DEBUG, address, 4, &value);
}

/* --- identification ---------------------------------------------------------------- */

static void it_identifies_itself_as_samd21g18a(void **state)
{
    (void)state;
    assert_int_equal(get(DSU + 0x18, 4) & 0xFFFFF0FF, 0x10010005);
    assert_int_equal(get(DSU_EXT + 0x18, 4), get(DSU + 0x18, 4));
    assert_int_equal(get(0xE000ED00, 4), 0x410CC601);
    assert_int_equal(get(NVM_PARAM, 4), 0x00031000);            /* 4096 pages of 64 bytes */
}

static void its_rom_table_names_atmel_and_leads_to_the_core(void **state)
{
    (void)state;
    assert_int_equal(get(0x41003000, 4), 0x9F0FC003);
    assert_int_equal(0x41003000 + (get(0x41003000, 4) & 0xFFFFF000), 0xE00FF000);
    assert_int_equal(get(0x41003008, 4), 0);                    /* the end of the table */
    assert_int_equal(get(0x41003FE0, 4), 0xD0);
    assert_int_equal(get(0x41003FE4, 4), 0xFC);
    assert_int_equal(get(0x41003FE8, 4), 0x09);
}

/* CoreSight MTB-M0+ TRM (DDI 0486) 3: what a debugger sees that follows entry 1. */
static void its_rom_table_leads_to_the_micro_trace_buffer(void **state)
{
    static const struct { uint16_t at; uint8_t value; } id[] = {
        { 0xFD0, 0x04 }, { 0xFE0, 0x32 }, { 0xFE4, 0xB9 }, { 0xFE8, 0x0B }, { 0xFEC, 0x00 },
        { 0xFF0, 0x0D }, { 0xFF4, 0x90 }, { 0xFF8, 0x05 }, { 0xFFC, 0xB1 }, { 0xFCC, 0x31 },
    };
    (void)state;
    uint32_t mtb = 0x41003000 + (get(0x41003004, 4) & 0xFFFFF000);
    assert_int_equal(mtb, 0x41006000);
    for (size_t i = 0; i < sizeof id / sizeof id[0]; i++)
        assert_int_equal(get(mtb + id[i].at, 4), id[i].value);
    assert_int_equal(get(mtb + 0xC, 4), 0x20000000);            /* BASE: its SRAM */
    put(mtb, 0xFFFFFFFF, 4);
    assert_int_equal(get(mtb, 4), 0x00007FFC);                  /* POSITION: 32 KB */
    put(mtb + 4, 0x80000007, 4);                                /* MASTER.EN, MASK */
    assert_int_equal(get(mtb + 4, 4), 7);
    assert_int_equal(board->sim->problems[SIM_UNMODELLED], 1);
    assert_non_null(strstr(last_problem, "MTB: tracing"));
}

static void two_samples_have_different_serial_numbers(void **state)
{
    (void)state;
    struct chip *other = samd21_new(board->sim, "other", 7);
    uint32_t value;
    assert_true(bus_read(other->bus, BUS_DEBUG, 0x0080A00C, 4, &value));
    assert_int_equal(value, 7);
    assert_int_not_equal(get(0x0080A00C, 4), 7);
    board->sim->core_count--;
    chip_free(other);
}

/* --- clocks ------------------------------------------------------------------------- */

static void the_core_starts_at_1_mhz_and_follows_generator_0(void **state)
{
    (void)state;
    assert_int_equal(chip->cpu->cycle, SIM_US);
    put(SYSCTRL_OSC8M, get(SYSCTRL_OSC8M, 4) & ~(3u << 8), 4);
    assert_int_equal(chip->cpu->cycle, SIM_US / 8);
    put(NVM_CTRLB, 1 << 1, 4);
    put(SYSCTRL_DFLLCTRL, 1 << 1, 2);
    put(GCLK_GENCTRL, 1 << 16 | 7 << 8, 4);
    assert_int_equal(chip->cpu->cycle, SIM_US / 48);
    assert_int_equal(rules_broken(), 0);
}

static void running_faster_than_the_flash_allows_is_reported(void **state)
{
    (void)state;
    put(SYSCTRL_DFLLCTRL, 1 << 1, 2);
    put(GCLK_GENCTRL, 1 << 16 | 7 << 8, 4);
    assert_int_equal(rules_broken(), 1);
    assert_non_null(strstr(last_problem, "wait state"));
}

static void a_divided_generator_reaches_the_peripheral(void **state)
{
    (void)state;
    put(GCLK_GENDIV, 4 << 8 | 3, 4);
    put(GCLK_GENCTRL, 1 << 16 | 6 << 8 | 3, 4);     /* generator 3: 1 MHz / 4 */
    put(GCLK_CLKCTRL, 1 << 14 | 3 << 8 | 0x1B, 2);
    put(PM_APBCMASK, 1 << 11, 4);
    put(TC3, 1 << 1, 2);
    board_run_ms(board, 2);
    assert_in_range(get(TC3 + 0x10, 2), 499, 501);
}

static void a_register_behind_a_closed_gate_reads_0_and_is_reported(void **state)
{
    (void)state;
    put(SERCOM3 + 0x0C, 0x1234, 2);
    assert_int_equal(get(SERCOM3 + 0x0C, 2), 0);
    assert_int_equal(rules_broken(), 2);
    assert_non_null(strstr(last_problem, "SERCOM3"));
    assert_true(debugger_reads(SERCOM3));
    assert_int_equal(rules_broken(), 2);            /* a debugger may look anywhere */
}

static void an_absent_peripheral_is_reported_by_name(void **state)
{
    (void)state;
    get(0x42004000, 1);
    assert_int_equal(board->sim->problems[SIM_UNMODELLED], 1);
    assert_non_null(strstr(last_problem, "ADC"));
}

/* --- flash ---------------------------------------------------------------------------- */

static void command(uint32_t code, uint32_t address)
{
    put(NVM_ADDR, address / 2, 4);
    put(NVM_CTRLA, 0xA500 | code, 2);
}

static double busy_ms(void)
{
    sim_time start = board->sim->now;
    while (!(get(NVM_INTFLAG, 1) & 1))
        board_run_ms(board, 0.01);
    return (double)(board->sim->now - start) / (double)SIM_MS;
}

static void fill_buffer(uint32_t address, uint32_t word)
{
    for (int i = 0; i < 64; i += 4)
        put(address + (uint32_t)i, word, 4);
}

static void a_row_is_erased_in_6_ms_and_a_page_written_in_2_5(void **state)
{
    (void)state;
    put(NVM_CTRLB, 1 << 7, 4);
    memset(chip->flash + 0x300, 0, 0x300);
    command(0x02, 0x400);
    assert_in_range((int)(busy_ms() * 100), 595, 605);
    for (int i = 0; i < 0x300; i++)
        assert_int_equal(chip->flash[0x300 + i], i >= 0x100 && i < 0x200 ? 0xFF : 0);
    fill_buffer(0x440, 0x12345678);
    command(0x04, 0x440);
    assert_in_range((int)(busy_ms() * 100), 245, 255);
    assert_memory_equal(chip->flash + 0x440, "\x78\x56\x34\x12", 4);
    assert_int_equal(chip->flash[0x43F], 0xFF);
    assert_int_equal(chip->flash[0x480], 0xFF);
}

static void programming_only_clears_bits(void **state)
{
    (void)state;
    put(NVM_CTRLB, 1 << 7, 4);
    fill_buffer(0, 0x0F0F0F0F);
    command(0x04, 0);
    busy_ms();
    put(0, 0x3C3C3C3C, 4);              /* the other words of the buffer are ones again */
    command(0x04, 0);
    busy_ms();
    assert_memory_equal(chip->flash, "\x0C\x0C\x0C\x0C\x0F\x0F\x0F\x0F", 8);
}

static void a_full_page_is_written_by_itself_when_manw_is_0(void **state)
{
    (void)state;
    assert_int_equal(get(NVM_CTRLB, 4) & 0x80, 0);      /* errata 13134 */
    fill_buffer(0x1000, 0xCAFEF00D);
    assert_int_equal(get(NVM_INTFLAG, 1) & 1, 0);
    busy_ms();
    assert_memory_equal(chip->flash + 0x103C, "\x0D\xF0\xFE\xCA", 4);
}

static void bytes_into_the_page_buffer_are_a_bus_error(void **state)
{
    (void)state;
    assert_false(bus_write(chip->bus, BUS_DATA, 0x100, 1, 0));
    assert_int_equal(rules_broken(), 1);
    assert_true(bus_write(chip->bus, BUS_DATA, 0x100, 2, 0));
}

static void a_wrong_key_and_an_unknown_command_are_refused(void **state)
{
    (void)state;
    put(NVM_CTRLA, 0x5A02, 2);
    assert_int_equal(get(NVM_STATUS, 2), 4);
    assert_int_equal(get(NVM_INTFLAG, 1), 3);
    put(NVM_STATUS, 0x1C, 2);
    put(NVM_INTFLAG, 2, 1);
    assert_int_equal(get(NVM_INTFLAG, 1), 1);
    put(NVM_CTRLA, 0xA57F, 2);
    assert_int_equal(get(NVM_STATUS, 2), 4);
}

static void a_locked_region_is_not_erased(void **state)
{
    (void)state;
    chip->flash[0x4000] = 0x55;
    assert_int_equal(get(NVM_LOCK, 2), 0xFFFF);
    command(0x40, 0x4000);                              /* the second of 16 regions */
    assert_int_equal(get(NVM_LOCK, 2), 0xFFFD);
    command(0x02, 0x4000);
    assert_int_equal(get(NVM_STATUS, 2), 8);
    assert_int_equal(chip->flash[0x4000], 0x55);
    command(0x41, 0x4000);
    command(0x02, 0x4000);
    busy_ms();
    assert_int_equal(chip->flash[0x4000], 0xFF);
}

/* What a refused command left in the page buffer is still there for the next one. */
static void a_refused_write_leaves_the_page_buffer_as_it_is(void **state)
{
    (void)state;
    put(NVM_CTRLB, 1 << 7, 4);
    command(0x40, 0x4000);
    fill_buffer(0x4040, 0x12345678);
    command(0x04, 0x4040);
    assert_int_equal(get(NVM_STATUS, 2), 8 | 2);        /* LOCKE, and LOAD still */
    put(NVM_STATUS, 8, 2);
    command(0x41, 0x4000);
    command(0x04, 0x4040);
    busy_ms();
    assert_memory_equal(chip->flash + 0x4040, "\x78\x56\x34\x12", 4);
    assert_memory_equal(chip->flash + 0x407C, "\x78\x56\x34\x12", 4);
    assert_int_equal(get(NVM_STATUS, 2), 0);
    command(0x04, 0x4080);                              /* and now it is empty */
    busy_ms();
    assert_memory_equal(chip->flash + 0x4080, "\xFF\xFF\xFF\xFF", 4);
}

static void the_boot_section_of_the_fuses_is_protected_after_reset(void **state)
{
    (void)state;
    put(NVM_CTRLB, 1 << 7, 4);
    assert_int_equal(get(USER_ROW, 4), 0xD8E0C7FF);
    command(0x05, USER_ROW);
    busy_ms();
    put(USER_ROW, 0xD8E0C7FA, 4);                       /* BOOTPROT 2: 8 KB */
    put(USER_ROW + 4, 0xFFFFFC5D, 4);
    command(0x06, USER_ROW);
    busy_ms();
    assert_int_equal(get(USER_ROW, 4), 0xD8E0C7FA);
    chip->reset(chip, RESET_PIN);
    board_run_ms(board, 1);
    command(0x02, 0x1F00);
    assert_int_equal(get(NVM_STATUS, 2), 8);
    put(NVM_STATUS, 8, 2);
    command(0x02, 0x2000);
    assert_int_equal(get(NVM_STATUS, 2), 0);
}

static void a_command_while_busy_is_a_broken_rule(void **state)
{
    (void)state;
    command(0x02, 0);
    command(0x02, 0x100);
    assert_int_equal(rules_broken(), 1);
    assert_int_equal(get(NVM_STATUS, 2), 4);
}

/* --- protection, DSU --------------------------------------------------------------------- */

static void the_security_bit_leaves_the_debugger_the_dsu_until_a_chip_erase(void **state)
{
    (void)state;
    put(NVM_CTRLA, 0xA545, 2);
    assert_int_equal(get(NVM_STATUS, 2) & 0x100, 0x100);
    assert_int_equal(get(DSU_EXT + 2, 1) & 1, 1);
    assert_int_equal(get(0x41003000, 4), 0x9F0FC002);   /* nothing to be found there */
    chip->flash[100] = 0;
    put(DSU_EXT, 1 << 4, 1);
    board_run_ms(board, 200);
    assert_int_equal(get(DSU_EXT + 1, 1) & 1, 0);
    board_run_ms(board, 50);
    assert_int_equal(get(DSU_EXT + 1, 1) & 1, 1);
    assert_int_equal(chip->flash[100], 0xFF);
    assert_int_equal(get(DSU_EXT + 2, 1) & 1, 0);
}

static void the_dsu_computes_the_crc32_of_ethernet(void **state)
{
    (void)state;
    memcpy(chip->flash + 0x100, "123456789012", 12);
    put(DSU_EXT + 4, 0x100, 4);
    put(DSU_EXT + 8, 12, 4);
    put(DSU_EXT + 12, 0xFFFFFFFF, 4);
    put(DSU_EXT, 1 << 2, 1);
    board_run_ms(board, 1);
    assert_int_equal(get(DSU_EXT + 1, 1), 1);
    assert_int_equal(~get(DSU_EXT + 12, 4), 0x5D34EB96);
}

static void the_dsu_s_inner_half_is_write_protected_by_pac1(void **state)
{
    (void)state;
    assert_false(bus_write(chip->bus, BUS_DATA, DSU + 4, 4, 0x100));
    put(DSU_EXT + 4, 0x100, 4);
    put(PAC1_WPCLR, 1 << 1, 4);
    put(DSU + 4, 0x200, 4);
    assert_int_equal(get(DSU + 4, 4), 0x200);
}

/* Data sheet 11.6.1: "write-protection is ignored so that the debugger can update". */
static void pac_protects_nothing_from_a_debugger(void **state)
{
    (void)state;
    assert_true(bus_write(chip->bus, BUS_DEBUG, DSU + 4, 4, 0x100));
    assert_int_equal(get(DSU + 4, 4), 0x100);
}

static void swclk_low_as_reset_ends_keeps_the_core_in_reset(void **state)
{
    (void)state;
    static struct pin probe_clock, probe_reset;
    pin_init(&probe_clock, board->sim, "a probe's SWCLK", NULL, NULL);
    pin_init(&probe_reset, board->sim, "a probe's nRST", NULL, NULL);
    net_attach(board->net[SIG_SWCLK], &probe_clock, false);
    net_attach(board->net[SIG_NRST], &probe_reset, false);
    pin_drive(&probe_clock, DRIVE_LOW);
    pin_drive(&probe_reset, DRIVE_LOW);
    board_run_ms(board, 1);
    pin_drive(&probe_reset, DRIVE_OPEN);
    board_run_ms(board, 1);
    assert_int_equal(get(DSU_EXT + 1, 1), 2);           /* CRSTEXT */
    assert_true(chip->cpu->held_in_reset);
    uint32_t dhcsr = 0;
    bus_read(chip->bus, BUS_DEBUG, 0xE000EDF0, 4, &dhcsr);
    assert_int_equal(dhcsr & 0x020E0000, 0x02000000);   /* in reset: no S_LOCKUP */
    put(DSU_EXT + 1, 2, 1);
    assert_false(chip->cpu->held_in_reset);
    assert_int_equal(get(PM_RCAUSE, 1), 1 << 4);
    pin_drive(&probe_clock, DRIVE_OPEN);
}

/* --- pins --------------------------------------------------------------------------------- */

static void a_pin_is_driven_read_and_pulled_as_its_registers_say(void **state)
{
    (void)state;
    struct pin *pin = chip->pin(chip, "PA17");
    assert_ptr_equal(pin, chip->pin(chip, "PA17"));
    put(PORT + 0x18, 1 << 17, 4);                       /* OUTSET */
    put(PORT + 0x40 + 17, 4 | 2, 1);                    /* PULLEN, INEN */
    assert_int_equal(pin->drive, DRIVE_PULL_UP);
    assert_int_equal(get(PORT + 0x20, 4) & 1 << 17, 1 << 17);
    put(PORT + 0x08, 1 << 17, 4);                       /* DIRSET */
    assert_int_equal(pin->drive, DRIVE_HIGH);
    put(0x6000001C, 1 << 17, 4);                        /* OUTTGL, the fast way */
    assert_int_equal(pin->drive, DRIVE_LOW);
    assert_int_equal(get(0x60000020, 4) & 1 << 17, 0);
    put(PORT + 0x40 + 17, 0, 1);
    put(PORT + 0x18, 1 << 17, 4);
    assert_int_equal(get(PORT + 0x20, 4) & 1 << 17, 0); /* no input buffer */
}

static void pins_that_the_package_lacks_are_not_there(void **state)
{
    (void)state;
    assert_null(chip->pin(chip, "PA26"));
    assert_null(chip->pin(chip, "PB04"));
    assert_null(chip->pin(chip, "PC00"));
    assert_null(chip->pin(chip, "PA32"));
    assert_non_null(chip->pin(chip, "PB23"));
    assert_non_null(chip->pin(chip, "PB2"));
}

/* --- SERCOM as USART ---------------------------------------------------------------------- */

static struct { sim_time at[64]; int level[64], count; } edges;

static void see_edge(void *ctx, const struct net *net)
{
    (void)ctx;
    if (edges.count < 64 && net->level != LEVEL_OPEN) {
        edges.at[edges.count] = board->sim->now;
        edges.level[edges.count++] = net->level;
    }
}

static void start_usart(uint32_t ctrla, uint32_t ctrlb)
{
    put(SYSCTRL_OSC8M, get(SYSCTRL_OSC8M, 4) & ~(3u << 8), 4);
    put(PM_APBCMASK, 1 << 5, 4);
    put(GCLK_CLKCTRL, 1 << 14 | 0x17, 2);
    put(PORT + 0x30 + 11, 0x22, 1);                     /* PA22 and PA23: function C */
    put(PORT + 0x40 + 22, 1, 1);
    put(PORT + 0x40 + 23, 1, 1);
    put(SERCOM3 + 0x00, ctrla | 1 << 20 | 1 << 30 | 1 << 2, 4);
    put(SERCOM3 + 0x04, ctrlb | 3 << 16, 4);
    put(SERCOM3 + 0x0C, 65536 - 15099, 2);              /* 115200 baud at 8 MHz */
    put(SERCOM3 + 0x00, ctrla | 1 << 20 | 1 << 30 | 1 << 2 | 1 << 1, 4);
}

static void usart_bits_come_out_lsb_first_at_the_baud_rate(void **state)
{
    (void)state;
    start_usart(0, 0);
    board_run_ms(board, 0.1);
    edges.count = 0;
    net_watch(board->net[SIG_RX], see_edge, NULL);      /* the probe's RX */
    assert_int_equal(get(SERCOM3 + 0x18, 1), 1);        /* DRE */
    put(SERCOM3 + 0x28, 0x55, 2);
    board_run_ms(board, 0.2);
    assert_int_equal(edges.count, 10);                  /* start, 8 alternating, stop */
    assert_int_equal(edges.level[0], 0);
    double bit = (double)(edges.at[9] - edges.at[0]) / 9 / (double)SIM_NS;
    assert_in_range((int)bit, 8670, 8690);              /* 1 / 115200 = 8680 ns */
    assert_int_equal(get(SERCOM3 + 0x18, 1), 3);        /* DRE, TXC */
    assert_int_equal(rules_broken(), 0);
}

static void send_bits(struct pin *pin, uint32_t bits, int count, double bit_us)
{
    for (int i = 0; i < count; i++) {
        pin_drive(pin, bits >> i & 1 ? DRIVE_HIGH : DRIVE_LOW);
        board_run_ms(board, bit_us / 1000);
    }
    pin_drive(pin, DRIVE_HIGH);
}

static void usart_receives_two_bytes_and_says_when_a_third_is_lost(void **state)
{
    (void)state;
    static struct pin pin;
    pin_init(&pin, board->sim, "a terminal's TX", NULL, NULL);
    net_attach(board->net[SIG_TX], &pin, false);
    pin_drive(&pin, DRIVE_HIGH);
    start_usart(0, 0);
    send_bits(&pin, 0x200 | 'A' << 1, 10, 8.68);
    assert_int_equal(get(SERCOM3 + 0x18, 1) & 4, 4);    /* RXC */
    send_bits(&pin, 0x200 | 'B' << 1, 10, 8.68);
    send_bits(&pin, 0x200 | 'C' << 1, 10, 8.68);
    board_run_ms(board, 0.1);
    assert_int_equal(get(SERCOM3 + 0x1A, 2) & 4, 4);    /* BUFOVF */
    assert_int_equal(get(SERCOM3 + 0x28, 2), 'A');
    assert_int_equal(get(SERCOM3 + 0x28, 2), 'B');
    assert_int_equal(get(SERCOM3 + 0x18, 1) & 4, 0);
}

static void usart_checks_parity_and_the_stop_bit(void **state)
{
    (void)state;
    static struct pin pin;
    pin_init(&pin, board->sim, "a terminal's TX", NULL, NULL);
    net_attach(board->net[SIG_TX], &pin, false);
    pin_drive(&pin, DRIVE_HIGH);
    start_usart(1 << 24, 0);                            /* even parity */
    send_bits(&pin, 0x400 | 1 << 9 | 0x07 << 1, 11, 8.68);
    board_run_ms(board, 0.1);
    assert_int_equal(get(SERCOM3 + 0x1A, 2), 0);
    send_bits(&pin, 0x400 | 0x07 << 1, 11, 8.68);
    board_run_ms(board, 0.1);
    assert_int_equal(get(SERCOM3 + 0x1A, 2), 1);        /* PERR */
    put(SERCOM3 + 0x1A, 7, 2);
    get(SERCOM3 + 0x28, 2);
    send_bits(&pin, 0x0FF << 1 & 0x1FE, 11, 8.68);      /* no stop bit */
    board_run_ms(board, 0.1);
    assert_int_equal(get(SERCOM3 + 0x1A, 2) & 2, 2);    /* FERR */
}

static void changing_a_protected_register_while_enabled_is_a_broken_rule(void **state)
{
    (void)state;
    start_usart(0, 0);
    put(SERCOM3 + 0x0C, 1000, 2);
    assert_int_equal(rules_broken(), 1);
}

/* --- time, reset, power ------------------------------------------------------------------- */

static void the_watchdog_resets_the_chip_unless_it_is_cleared(void **state)
{
    (void)state;
    put(WDT_CONFIG, 8, 1);                      /* 2048 clocks of 32.768 kHz: 62.5 ms */
    put(WDT_CTRL, 2, 1);
    for (int i = 0; i < 4; i++) {
        board_run_ms(board, 50);
        put(WDT_CTRL + 8, 0xA5, 1);
    }
    assert_int_equal(get(PM_RCAUSE, 1), 1);
    board_run_ms(board, 70);
    assert_int_equal(get(PM_RCAUSE, 1), 1 << 5);
    assert_int_equal(get(WDT_CTRL, 1), 0);
}

static void the_watchdog_stands_still_while_a_debugger_halts_the_core(void **state)
{
    (void)state;
    put(WDT_CONFIG, 8, 1);                      /* 62.5 ms */
    put(WDT_CTRL, 2, 1);
    board_run_ms(board, 40);
    chip->cpu->halted = true;
    board_run_ms(board, 1040);
    chip->cpu->halted = false;
    board_run_ms(board, 20);
    assert_int_equal(get(PM_RCAUSE, 1), 1);
    board_run_ms(board, 5);
    assert_int_equal(get(PM_RCAUSE, 1), 1 << 5);
}

static void a_timer_s_match_and_overflow_set_flags_and_interrupt(void **state)
{
    (void)state;
    put(GCLK_CLKCTRL, 1 << 14 | 0x1B, 2);
    put(PM_APBCMASK, 1 << 11, 4);
    put(TC3 + 0x18, 999, 2);
    put(TC3 + 0x0D, 1 << 4, 1);                         /* INTENSET.MC0 */
    put(TC3, 1 << 1 | 1 << 5, 2);                       /* match frequency */
    board_run_ms(board, 0.5);
    assert_int_equal(get(TC3 + 0x0E, 1) & 0x31, 0);
    board_run_ms(board, 0.6);
    assert_int_equal(get(TC3 + 0x0E, 1) & 0x11, 0x11);
    assert_int_equal(get(0xE000E200, 4) >> 18 & 1, 1);  /* pending in the NVIC */
}

static void without_power_ram_is_lost_and_flash_is_not(void **state)
{
    (void)state;
    put(RAM, 0x12345678, 4);
    put(RAM + 4, 0x9ABCDEF0, 4);
    chip->flash[5] = 0x33;
    board_power_target(board, false);
    board_run_ms(board, 10);
    board_power_target(board, true);
    board_run_ms(board, 10);
    assert_false(get(RAM, 4) == 0x12345678 && get(RAM + 4, 4) == 0x9ABCDEF0);
    assert_int_equal(chip->flash[5], 0x33);
    assert_int_equal(get(PM_RCAUSE, 1), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, power_on, power_off)
    const struct CMUnitTest tests[] = {
        TEST(it_identifies_itself_as_samd21g18a),
        TEST(its_rom_table_names_atmel_and_leads_to_the_core),
        TEST(its_rom_table_leads_to_the_micro_trace_buffer),
        TEST(two_samples_have_different_serial_numbers),
        TEST(the_core_starts_at_1_mhz_and_follows_generator_0),
        TEST(running_faster_than_the_flash_allows_is_reported),
        TEST(a_divided_generator_reaches_the_peripheral),
        TEST(a_register_behind_a_closed_gate_reads_0_and_is_reported),
        TEST(an_absent_peripheral_is_reported_by_name),
        TEST(a_row_is_erased_in_6_ms_and_a_page_written_in_2_5),
        TEST(programming_only_clears_bits),
        TEST(a_full_page_is_written_by_itself_when_manw_is_0),
        TEST(bytes_into_the_page_buffer_are_a_bus_error),
        TEST(a_wrong_key_and_an_unknown_command_are_refused),
        TEST(a_locked_region_is_not_erased),
        TEST(a_refused_write_leaves_the_page_buffer_as_it_is),
        TEST(the_boot_section_of_the_fuses_is_protected_after_reset),
        TEST(a_command_while_busy_is_a_broken_rule),
        TEST(the_security_bit_leaves_the_debugger_the_dsu_until_a_chip_erase),
        TEST(the_dsu_computes_the_crc32_of_ethernet),
        TEST(the_dsu_s_inner_half_is_write_protected_by_pac1),
        TEST(pac_protects_nothing_from_a_debugger),
        TEST(swclk_low_as_reset_ends_keeps_the_core_in_reset),
        TEST(a_pin_is_driven_read_and_pulled_as_its_registers_say),
        TEST(pins_that_the_package_lacks_are_not_there),
        TEST(usart_bits_come_out_lsb_first_at_the_baud_rate),
        TEST(usart_receives_two_bytes_and_says_when_a_third_is_lost),
        TEST(usart_checks_parity_and_the_stop_bit),
        TEST(changing_a_protected_register_while_enabled_is_a_broken_rule),
        TEST(the_watchdog_resets_the_chip_unless_it_is_cleared),
        TEST(the_watchdog_stands_still_while_a_debugger_halts_the_core),
        TEST(a_timer_s_match_and_overflow_set_flags_and_interrupt),
        TEST(without_power_ram_is_lost_and_flash_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
