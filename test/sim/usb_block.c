/* usb_block.c - does the USB block do to its registers what RM0008 23 says, and does
 * the host do to the bus what USB 2.0 chapter 8 says?
 *
 * No firmware runs: the test writes the registers as a driver would, over a bus that
 * holds nothing but the block and the interrupt controller, and is the cable at the
 * other end. Numbers are what a logic analyser or a debugger would show. */
#include "board.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { EP0R = 0x40005C00, EP1R = 0x40005C04, CNTR = 0x40005C40, ISTR = 0x40005C44,
       FNR = 0x40005C48, DADDR = 0x40005C4C, BTABLE = 0x40005C50, PMA = 0x40006000 };
enum { CTR_RX = 0x8000, DTOG_RX = 0x4000, SETUP = 0x0800, CTR_TX = 0x80, DTOG_TX = 0x40,
       RX_VALID = 0x3000, RX_NAK = 0x2000, RX_STALL = 0x1000, STAT_RX = 0x3000,
       TX_VALID = 0x30, TX_NAK = 0x20, TX_STALL = 0x10, STAT_TX = 0x30,
       CONTROL = 0x0200, KIND = 0x0100 };
enum {
    I_CTR = 0x8000,
    I_ERR = 0x2000,
    I_WKUP = 0x1000,
    I_SUSP = 0x0800,
    I_RESET = 0x0400,
    I_SOF = 0x0200,
    I_ESOF = 0x0100,
    FSUSP = 8
};

/* A chip with a halted core, so that nothing moves but what the test does. */
static struct sim *sim;
static struct chip chip;
static struct pin dplus, pullup;
static struct usbfs *usb;
static struct usb_host *host;
static char last_report[256];
static int reports;                     /* that were told, not only counted */

static void note_report(void *ctx, enum sim_problem kind, const char *text)
{
    (void)ctx;
    (void)kind;
    strncpy(last_report, text, sizeof last_report - 1);
    reports++;
}

static unsigned reg(uint32_t address)
{
    uint32_t value = 0xDEAD;
    assert_true(bus_read(chip.bus, BUS_DATA, address, 2, &value));
    return value;
}

static void set(uint32_t address, unsigned value)
{
    assert_true(bus_write(chip.bus, BUS_DATA, address, 2, value));
}

static unsigned pma(unsigned offset) { return reg(PMA + offset * 2); }
static void set_pma(unsigned offset, unsigned value) { set(PMA + offset * 2, value); }

/* What drivers do: reaches STAT by toggling, keeps CTR. */
static void set_stat(uint32_t epr, unsigned mask, unsigned stat)
{
    unsigned now = reg(epr);
    set(epr, (now & 0x070F) | 0x8080 | ((now ^ stat) & mask));
}

static void clear_ctr(uint32_t epr, unsigned ctr)
{
    set(epr, (reg(epr) & 0x070F) | (0x8080 & ~ctr));
}

static bool pending(int irq)
{
    uint32_t value = 0;
    bus_read(chip.bus, BUS_DATA, 0xE000E200 + (uint32_t)(irq / 32) * 4, 4, &value);
    return value >> irq % 32 & 1;
}

static void unpend(int irq)
{
    bus_write(chip.bus, BUS_DATA, 0xE000E280 + (uint32_t)(irq / 32) * 4, 4,
              1u << irq % 32);
}

static void run_us(double us)
{
    sim_run_until(sim, sim->now + (sim_time)(us * SIM_US));
}

/* Table at 0; endpoint 0 has 0x40 to send and 0x80 to receive, endpoint 1 0xC0 and
 * 0x100. */
static void make_tables(void)
{
    set(BTABLE, 0);
    set_pma(0, 0x40);
    set_pma(2, 0);
    set_pma(4, 0x80);
    set_pma(6, 0x8400);                 /* 64 bytes */
    set_pma(8, 0xC0);
    set_pma(10, 0);
    set_pma(12, 0x100);
    set_pma(14, 0x8400);
}

static void power_up(void)
{
    usbfs_clock(usb, true, 48000000);
    set(CNTR, 0x0001);
    run_us(2);
    set(CNTR, 0x0000);
    set(ISTR, 0);
}

/* As a driver leaves it after a bus reset. */
static void make_ready(void)
{
    power_up();
    make_tables();
    set(EP0R, CONTROL | RX_VALID | TX_NAK);
    set(EP1R, 1 | RX_VALID | TX_NAK);
    set(DADDR, 0x80);
}

static int fresh_chip(void **state)
{
    (void)state;
    sim = sim_new();
    sim->report = note_report;
    last_report[0] = '\0';
    reports = 0;
    chip = (struct chip){ .name = "block", .sim = sim, .bus = bus_new(sim, "block") };
    chip.cpu = cpu_new(sim, chip.bus, &(struct cpu_config){ .name = "block",
        .arch = CPU_ARMV7M, .cpuid = 0x411FC231, .irq_count = 60, .priority_bits = 4,
        .has_vtor = true });
    chip.cpu->halted = true;
    cpu_set_clock(chip.cpu, 7000);
    pin_init(&dplus, sim, "PA12", NULL, NULL);
    pin_init(&pullup, sim, "pull-up", NULL, NULL);
    struct net *net = net_new(sim, "D+");
    net_attach(net, &dplus, false);
    net_attach(net, &pullup, false);
    usb = usbfs_new(&chip, NULL, &dplus);
    usbfs_reset(usb);
    host = NULL;
    return 0;
}

static int throw_away(void **state)
{
    (void)state;
    usb_host_free(host);
    usbfs_free(usb);
    cpu_free(chip.cpu);
    bus_free(chip.bus);
    sim_free(sim);
    return 0;
}

static const uint8_t get_device[8] = { 0x80, 6, 0, 1, 0, 0, 18, 0 };

static enum usb_handshake out(int endpoint, bool data1, const void *data, int length)
{
    return usbfs_out(usb, USB_OUT, 0, (uint8_t)endpoint, data1, data, length);
}

static enum usb_handshake setup_token(void)
{
    return usbfs_out(usb, USB_SETUP, 0, 0, false, get_device, 8);
}

static uint8_t in_data[1024];
static int in_length;
static bool in_data1;

static enum usb_handshake in(int endpoint, bool acknowledged)
{
    enum usb_handshake answer = usbfs_in(usb, 0, (uint8_t)endpoint, &in_data1, in_data,
                                         &in_length);
    if (answer == USB_ACK)
        usbfs_in_done(usb, (uint8_t)endpoint, acknowledged);
    return answer;
}

/* --- Registers ----------------------------------------------------------------- */

static void registers_have_the_manual_s_reset_values(void **state)
{
    (void)state;
    usbfs_clock(usb, true, 48000000);
    assert_int_equal(reg(CNTR), 0x0003);
    assert_int_equal(reg(ISTR), 0);
    assert_int_equal(reg(DADDR), 0);
    assert_int_equal(reg(BTABLE), 0);
    for (uint32_t n = 0; n < 8; n++)
        assert_int_equal(reg(EP0R + n * 4), 0);
    assert_false(usbfs_owns_pins(usb));
}

static void writing_one_toggles_stat_and_dtog_and_writing_zero_leaves_them(void **state)
{
    (void)state;
    power_up();
    make_tables();
    set(EP1R, 1 | RX_NAK | TX_STALL);
    assert_int_equal(reg(EP1R), 1 | RX_NAK | TX_STALL);
    set(EP1R, 1);
    assert_int_equal(reg(EP1R), 1 | RX_NAK | TX_STALL);
    set(EP1R, 1 | RX_STALL | DTOG_RX | DTOG_TX);
    assert_int_equal(reg(EP1R), 1 | RX_VALID | TX_STALL | DTOG_RX | DTOG_TX);
    set(EP1R, 1 | DTOG_RX | RX_VALID | TX_STALL);
    assert_int_equal(reg(EP1R), 1 | DTOG_TX);
}

static void ctr_bits_can_be_cleared_but_not_set(void **state)
{
    (void)state;
    make_ready();
    set(EP0R, CONTROL | CTR_RX | CTR_TX | SETUP);
    assert_int_equal(reg(EP0R) & (CTR_RX | CTR_TX | SETUP), 0);
    assert_int_equal(setup_token(), USB_ACK);
    set(EP0R, CONTROL | CTR_RX | CTR_TX);
    assert_int_equal(reg(EP0R) & CTR_RX, CTR_RX);
    set(EP0R, CONTROL | CTR_TX);
    assert_int_equal(reg(EP0R) & CTR_RX, 0);
}

static void istr_flags_are_cleared_by_writing_zero_only(void **state)
{
    (void)state;
    power_up();
    usbfs_sof(usb, 5);
    usbfs_bus_reset(usb, true);
    usbfs_bus_reset(usb, false);
    assert_int_equal(reg(ISTR), I_RESET | I_SOF);
    set(ISTR, (unsigned)~I_SOF & 0xFFFF);
    assert_int_equal(reg(ISTR), I_RESET);
    set(ISTR, 0xFFFF);
    assert_int_equal(reg(ISTR), I_RESET);
}

static void frame_number_follows_the_sofs_and_locks_after_two(void **state)
{
    (void)state;
    power_up();
    usbfs_sof(usb, 0x123);
    assert_int_equal(reg(FNR) & 0x3FFF, 0x0123);
    usbfs_sof(usb, 0x124);
    assert_int_equal(reg(FNR) & 0x3FFF, 0x2124);
}

/* --- Packet memory ------------------------------------------------------------- */

static void packet_memory_is_256_halfwords_four_bytes_apart(void **state)
{
    (void)state;
    usbfs_clock(usb, true, 48000000);
    for (unsigned i = 0; i < 512; i += 2)
        set_pma(i, 0x5A00 + i / 2);
    for (unsigned i = 0; i < 512; i += 2)
        assert_int_equal(pma(i), 0x5A00 + i / 2);
    assert_int_equal(sim->problems[SIM_RULE], 0);
}

/* A popular library copies so: silicon takes the low half.  One word about it, not one for
 * each place of the memory, and none of the millions that follow takes any time. */
static void a_32_bit_access_to_packet_memory_gives_the_low_half_and_is_noted_once(void **state)
{
    (void)state;
    uint32_t value;
    usbfs_clock(usb, true, 48000000);
    set_pma(0, 0x1234);
    assert_true(bus_read(chip.bus, BUS_DATA, PMA, 4, &value));
    assert_int_equal(value, 0x1234);
    assert_non_null(strstr(last_report, "32 bits"));
    bus_write(chip.bus, BUS_DATA, PMA, 4, 0xABCD5678);
    assert_int_equal(pma(0), 0x5678);
    for (uint32_t i = 0; i < 1000000; i++)
        bus_write(chip.bus, BUS_DATA, PMA + i % 256 * 4, 4, i);
    assert_int_equal(sim->problems[SIM_FORGIVEN], 1000002);
    assert_int_equal(sim->problems[SIM_RULE], 0);
    assert_int_equal(reports, 1);
    set_pma(0, 1);
    bus_read(chip.bus, BUS_DATA, PMA + 2, 2, &value);   /* a real one stands out */
    assert_int_equal(reports, 2);
}

/* A byte can be read; one that is written lands in both halves, and between two halfwords
 * there is nothing. */
static void byte_writes_and_upper_halves_of_packet_memory_are_reported(void **state)
{
    (void)state;
    uint32_t value;
    usbfs_clock(usb, true, 48000000);
    set_pma(0, 0x1234);
    bus_read(chip.bus, BUS_DATA, PMA + 1, 1, &value);
    assert_int_equal(value, 0x12);
    assert_int_equal(sim->problems[SIM_FORGIVEN], 1);
    assert_int_equal(sim->problems[SIM_RULE], 0);
    bus_read(chip.bus, BUS_DATA, PMA + 2, 2, &value);
    assert_int_equal(sim->problems[SIM_RULE], 1);
    bus_write(chip.bus, BUS_DATA, PMA, 1, 0x56);
    assert_int_equal(pma(0), 0x5656);
    assert_int_equal(sim->problems[SIM_RULE], 2);
}

static void access_without_clock_is_ignored_and_reported(void **state)
{
    (void)state;
    set(BTABLE, 8);
    assert_int_equal(sim->problems[SIM_FORGIVEN], 1);
    assert_int_equal(reg(BTABLE), 0);
    assert_int_equal(sim->problems[SIM_RULE], 0);
}

/* As libopencm3 and the vendor's library start: no pause, and the reset flag of the block
 * itself.  The transceiver has its microsecond long before a host comes. */
static void a_driver_that_does_not_wait_for_start_up_is_served(void **state)
{
    (void)state;
    usbfs_clock(usb, true, 48000000);
    assert_int_equal(reg(CNTR), 3);
    set(CNTR, 0);
    set(BTABLE, 0);
    set(ISTR, 0);
    set(CNTR, I_RESET | I_CTR | I_SUSP | I_WKUP);
    assert_int_equal(sim->problems[SIM_RULE], 0);
    usbfs_bus_reset(usb, true);
    usbfs_bus_reset(usb, false);
    assert_int_equal(reg(ISTR) & I_RESET, I_RESET);
    set(ISTR, (unsigned)~I_RESET & 0xFFFF);
    make_tables();
    set(EP0R, CONTROL | RX_VALID | TX_NAK);
    set(DADDR, 0x80);
    assert_int_equal(setup_token(), USB_ACK);
    assert_int_equal(sim->problems[SIM_RULE], 0);
}

/* The vendor's HAL gives the size of the receive buffer again and again, also 0 for the
 * empty packet of a status stage. */
static void a_receive_count_may_be_written_anew_and_0_takes_an_empty_packet(void **state)
{
    (void)state;
    make_ready();
    set_pma(6, 0);
    assert_int_equal(out(0, false, NULL, 0), USB_ACK);
    assert_int_equal(reg(EP0R) & CTR_RX, CTR_RX);
    assert_int_equal(sim->problems[SIM_RULE], 0);
    clear_ctr(EP0R, CTR_RX);
    set_pma(6, 0x8400);
    set_stat(EP0R, STAT_RX, RX_VALID);
    set_pma(6, 0x8400);
    set_pma(4, 0x80);
    assert_int_equal(sim->problems[SIM_RULE], 0);
    set_pma(4, 0x84);                   /* another place, under a packet that may come */
    assert_int_equal(sim->problems[SIM_RULE], 1);
}

static void releasing_reset_too_soon_after_power_up_is_reported(void **state)
{
    (void)state;
    usbfs_clock(usb, true, 48000000);
    set(CNTR, 1);
    run_us(0.5);
    set(CNTR, 0);
    assert_non_null(strstr(last_report, "1 us after PDWN"));
}

static void a_buffer_over_the_table_is_reported(void **state)
{
    (void)state;
    power_up();
    make_tables();
    set_pma(4, 0x04);
    set(EP0R, CONTROL | RX_VALID);
    assert_non_null(strstr(last_report, "overlaps row 0"));
}

static void a_buffer_that_leaves_the_packet_memory_is_reported(void **state)
{
    (void)state;
    power_up();
    make_tables();
    set_pma(12, 0x1D0);
    set(EP1R, 1 | RX_VALID);
    assert_non_null(strstr(last_report, "leaves the packet memory"));
}

static void two_endpoints_in_the_same_memory_are_reported(void **state)
{
    (void)state;
    power_up();
    make_tables();
    set_pma(12, 0xA0);
    set(EP0R, CONTROL | RX_VALID);
    assert_string_equal(last_report, "");
    set(EP1R, 1 | RX_VALID);
    assert_non_null(strstr(last_report, "EP1R: buffer 0x0a0+64 overlaps one of EP0R"));
}

static void a_buffer_that_is_given_away_with_its_packet_is_reported(void **state)
{
    (void)state;
    make_ready();
    assert_int_equal(out(1, false, "abc", 3), USB_ACK);
    assert_string_equal(last_report, "");
    set_stat(EP1R, STAT_RX, RX_VALID);
    assert_non_null(strstr(last_report, "EP1R: STAT_RX is made VALID while CTR_RX is set"));
    assert_int_equal(sim->problems[SIM_FORGIVEN], 1);
    assert_int_equal(out(1, true, "def", 3), USB_ACK);
    assert_int_equal(pma(0x100), 'd' | 'e' << 8);       /* as the chip has it */
    clear_ctr(EP1R, CTR_RX);
    set_stat(EP1R, STAT_RX, RX_VALID);
    assert_int_equal(sim->problems[SIM_FORGIVEN], 1);
}

static void memory_of_a_packet_on_its_way_is_not_to_be_touched(void **state)
{
    (void)state;
    make_ready();
    set_pma(10, 5);
    set_pma(0xC0, 1);
    assert_string_equal(last_report, "");
    set_stat(EP1R, STAT_TX, TX_VALID);
    set_pma(0xC6, 1);                   /* behind the packet */
    pma(0xC0);
    assert_int_equal(sim->problems[SIM_RULE], 0);
    set_pma(0xC4, 1);
    assert_non_null(strstr(last_report, "0x0c4 is written while EP1R may send it"));
    set_pma(10, 6);
    assert_non_null(strstr(last_report, "table 0x00a is written while EP1R is VALID"));
    pma(0x13E);
    assert_non_null(strstr(last_report, "0x13e is read while EP1R may receive into it"));
    assert_int_equal(sim->problems[SIM_RULE], 2);
    assert_int_equal(sim->problems[SIM_FORGIVEN], 1);
    set_stat(EP1R, STAT_TX | STAT_RX, TX_NAK | RX_NAK);
    set_pma(0xC4, 1);
    pma(0x13E);
    assert_int_equal(sim->problems[SIM_RULE] + sim->problems[SIM_FORGIVEN], 3);
}

static void a_receive_buffer_of_size_zero_is_reported(void **state)
{
    (void)state;
    power_up();
    make_tables();
    set_pma(14, 0);
    set(EP1R, 1 | RX_VALID);
    assert_non_null(strstr(last_report, "allots no memory"));
}

/* --- SETUP --------------------------------------------------------------------- */

static void setup_is_taken_whatever_stat_says_unless_disabled(void **state)
{
    (void)state;
    static const unsigned stats[] = { RX_VALID, RX_NAK, RX_STALL };
    make_ready();
    for (int i = 0; i < 3; i++) {
        set_stat(EP0R, STAT_RX, stats[i]);
        assert_int_equal(setup_token(), USB_ACK);
        clear_ctr(EP0R, CTR_RX);
    }
    set_stat(EP0R, STAT_RX, 0);
    assert_int_equal(setup_token(), USB_NONE);
}

static void setup_leaves_both_directions_nak_with_data1_next(void **state)
{
    (void)state;
    make_ready();
    set_stat(EP0R, STAT_TX, TX_STALL);
    assert_int_equal(setup_token(), USB_ACK);
    assert_int_equal(reg(EP0R),
                     CTR_RX | DTOG_RX | RX_NAK | SETUP | CONTROL | DTOG_TX | TX_NAK);
    assert_int_equal(reg(ISTR), I_CTR | 0x10);
    assert_int_equal(pma(6), 0x8408);
    assert_int_equal(pma(0x80), 0x0680);
    assert_int_equal(pma(0x82), 0x0100);
    assert_int_equal(pma(0x86), 0x0012);
}

static void setup_gets_no_answer_while_the_last_packet_is_unserved(void **state)
{
    (void)state;
    make_ready();
    assert_int_equal(setup_token(), USB_ACK);
    assert_int_equal(setup_token(), USB_NONE);
    clear_ctr(EP0R, CTR_RX);
    assert_int_equal(setup_token(), USB_ACK);
}

static void setup_on_a_bulk_endpoint_gets_no_answer(void **state)
{
    (void)state;
    make_ready();
    assert_int_equal(usbfs_out(usb, USB_SETUP, 0, 1, false, get_device, 8), USB_NONE);
}

static void status_out_stalls_data_but_takes_a_zero_length_packet(void **state)
{
    (void)state;
    make_ready();
    set(EP0R, CONTROL | KIND | CTR_RX | CTR_TX);
    assert_int_equal(out(0, false, "x", 1), USB_STALL);
    assert_int_equal(reg(EP0R) & CTR_RX, 0);
    assert_int_equal(out(0, false, "", 0), USB_ACK);
    assert_int_equal(reg(EP0R) & CTR_RX, CTR_RX);
}

/* --- OUT and IN ---------------------------------------------------------------- */

static void out_stores_toggles_and_naks_until_armed_again(void **state)
{
    (void)state;
    make_ready();
    assert_int_equal(out(1, false, "abc", 3), USB_ACK);
    assert_int_equal(reg(EP1R), CTR_RX | DTOG_RX | RX_NAK | TX_NAK | 1);
    assert_int_equal(pma(14), 0x8403);
    assert_int_equal(pma(0x100), 'a' | 'b' << 8);
    assert_int_equal(pma(0x102) & 0xFF, 'c');
    assert_int_equal(out(1, true, "d", 1), USB_NAK);
    clear_ctr(EP1R, CTR_RX);
    set_stat(EP1R, STAT_RX, RX_VALID);
    assert_int_equal(out(1, true, "d", 1), USB_ACK);
    assert_int_equal(reg(EP1R) & DTOG_RX, 0);
}

static void out_with_the_wrong_toggle_is_acknowledged_and_dropped(void **state)
{
    (void)state;
    make_ready();
    assert_int_equal(out(1, true, "again", 5), USB_ACK);
    assert_int_equal(reg(EP1R), RX_VALID | TX_NAK | 1);
    assert_int_equal(reg(ISTR), 0);
}

static void out_longer_than_its_buffer_is_stalled_and_reported(void **state)
{
    (void)state;
    static const char long_packet[64];
    make_ready();
    set_pma(14, 0x8000);                /* 32 bytes */
    set_pma(0x120, 0x7777);
    assert_int_equal(out(1, false, long_packet, 64), USB_STALL);
    assert_int_equal(pma(0x120), 0x7777);
    assert_int_equal(reg(EP1R) & CTR_RX, 0);
    assert_non_null(strstr(last_report, "64 bytes for a buffer of 32"));
}

static void block_sizes_are_of_two_and_of_thirty_two_bytes(void **state)
{
    (void)state;
    static const char packet[64];
    make_ready();
    set_pma(14, 31 << 10);              /* BL_SIZE 0: 62 bytes */
    assert_int_equal(out(1, false, packet, 63), USB_STALL);
    assert_int_equal(out(1, false, packet, 62), USB_ACK);
    assert_int_equal(pma(14), 31 << 10 | 62);
}

static void in_sends_toggles_and_naks_until_armed_again(void **state)
{
    (void)state;
    make_ready();
    assert_int_equal(in(1, true), USB_NAK);
    set_pma(0xC0, 'h' | 'e' << 8);
    set_pma(0xC2, 'y');
    set_pma(10, 3);
    set_stat(EP1R, STAT_TX, TX_VALID);
    assert_int_equal(in(1, true), USB_ACK);
    assert_int_equal(in_length, 3);
    assert_memory_equal(in_data, "hey", 3);
    assert_false(in_data1);
    assert_int_equal(reg(EP1R), RX_VALID | CTR_TX | DTOG_TX | TX_NAK | 1);
    assert_int_equal(reg(ISTR), I_CTR | 1);
    assert_int_equal(in(1, true), USB_NAK);
}

static void in_without_handshake_is_sent_again_with_the_same_toggle(void **state)
{
    (void)state;
    make_ready();
    set_pma(10, 1);
    set_stat(EP1R, STAT_TX, TX_VALID);
    assert_int_equal(in(1, false), USB_ACK);
    assert_int_equal(reg(EP1R), RX_VALID | TX_VALID | 1);
    assert_int_equal(reg(ISTR), I_ERR);
    assert_int_equal(in(1, true), USB_ACK);
    assert_false(in_data1);
}

static void stalled_endpoints_stall_both_ways(void **state)
{
    (void)state;
    make_ready();
    set_stat(EP1R, STAT_RX, RX_STALL);
    set_stat(EP1R, STAT_TX, TX_STALL);
    assert_int_equal(out(1, false, "x", 1), USB_STALL);
    assert_int_equal(in(1, true), USB_STALL);
    assert_int_equal(reg(ISTR), 0);
}

static void another_address_and_a_cleared_ef_get_no_answer(void **state)
{
    (void)state;
    make_ready();
    set(DADDR, 0x85);
    assert_int_equal(setup_token(), USB_NONE);
    assert_int_equal(usbfs_out(usb, USB_SETUP, 5, 0, false, get_device, 8), USB_ACK);
    set(DADDR, 0x00);
    assert_int_equal(setup_token(), USB_NONE);
}

static void a_wrong_usb_clock_silences_the_block_and_is_reported(void **state)
{
    (void)state;
    make_ready();
    usbfs_clock(usb, true, 72000000);
    assert_int_equal(setup_token(), USB_NONE);
    assert_non_null(strstr(last_report, "72000000 Hz instead of 48 MHz"));
}

/* --- Double buffering ---------------------------------------------------------- */

static void double_buffered_out_fills_both_buffers_then_naks(void **state)
{
    (void)state;
    make_ready();
    set(EP1R, 1 | RX_VALID);            /* toggles: both directions off */
    set(EP1R, 1 | TX_NAK);
    set_pma(10, 0x8400);                /* the TX slot is buffer 0 now */
    set(EP1R, 1 | KIND | RX_VALID | DTOG_TX);
    assert_int_equal(out(1, false, "A", 1), USB_ACK);
    assert_int_equal(pma(0xC0) & 0xFF, 'A');
    assert_int_equal(pma(10), 0x8401);
    assert_int_equal(reg(EP1R), CTR_RX | DTOG_RX | RX_VALID | KIND | DTOG_TX | 1);
    assert_int_equal(out(1, true, "B", 1), USB_NAK);
    set(EP1R, 1 | KIND | CTR_TX | DTOG_TX);     /* CTR_RX off, SW_BUF over */
    assert_int_equal(out(1, true, "B", 1), USB_ACK);
    assert_int_equal(pma(0x100) & 0xFF, 'B');
    assert_int_equal(pma(14), 0x8401);
    assert_int_equal(out(1, false, "C", 1), USB_NAK);
}

static void double_buffered_in_takes_the_buffers_in_turn(void **state)
{
    (void)state;
    make_ready();
    set(EP1R, 1 | RX_VALID | TX_NAK);
    set_pma(10, 1);
    set_pma(0xC0, '0');
    set_pma(14, 1);
    set_pma(0x100, '1');
    set(EP1R, 1 | KIND | TX_VALID | DTOG_RX);   /* DTOG 0, SW_BUF 1 */
    assert_int_equal(in(1, true), USB_ACK);
    assert_int_equal(in_data[0], '0');
    assert_int_equal(in(1, true), USB_NAK);
    set(EP1R, 1 | KIND | CTR_RX | DTOG_RX);
    assert_int_equal(in(1, true), USB_ACK);
    assert_int_equal(in_data[0], '1');
    assert_true(in_data1);
}

static void double_buffered_transfers_interrupt_on_line_19_and_come_first(void **state)
{
    (void)state;
    make_ready();
    set(CNTR, I_CTR);
    assert_int_equal(setup_token(), USB_ACK);
    assert_false(pending(19));
    assert_true(pending(20));
    assert_int_equal(reg(ISTR), I_CTR | 0x10 | 0);
    set(EP1R, 1 | RX_VALID | TX_NAK);
    set_pma(10, 0x8400);
    set(EP1R, 1 | KIND | RX_VALID | DTOG_TX);
    assert_int_equal(out(1, false, "A", 1), USB_ACK);
    assert_true(pending(19));
    assert_int_equal(reg(ISTR), I_CTR | 0x10 | 1);
}

/* --- Interrupts, reset, suspend ------------------------------------------------ */

static void masked_flags_do_not_interrupt_and_unmasked_ones_do(void **state)
{
    (void)state;
    power_up();
    usbfs_sof(usb, 1);
    assert_false(pending(20));
    set(CNTR, I_SOF);
    assert_true(pending(20));
    set(ISTR, 0);
    unpend(20);
    assert_false(pending(20));
    usbfs_sof(usb, 2);
    assert_true(pending(20));
}

static void
bus_reset_forgets_address_and_endpoints_but_not_a_finished_transfer(void **state)
{
    (void)state;
    make_ready();
    set(CNTR, I_RESET);
    assert_int_equal(setup_token(), USB_ACK);
    usbfs_bus_reset(usb, true);
    assert_int_equal(reg(EP0R), CTR_RX);
    assert_int_equal(reg(EP1R), 0);
    assert_int_equal(reg(DADDR), 0);
    assert_int_equal(reg(BTABLE), 0);
    assert_true(pending(20));
}

static void nothing_is_answered_until_the_reset_flag_is_cleared(void **state)
{
    (void)state;
    make_ready();
    usbfs_bus_reset(usb, true);
    usbfs_bus_reset(usb, false);
    set(EP0R, CONTROL | RX_VALID);
    set(DADDR, 0x80);
    assert_int_equal(setup_token(), USB_NONE);
    set(ISTR, (unsigned)~I_RESET & 0xFFFF);
    assert_int_equal(setup_token(), USB_ACK);
}

static void three_missing_sofs_are_a_suspend(void **state)
{
    (void)state;
    power_up();
    usbfs_sof(usb, 1);
    set(ISTR, 0);
    run_us(1500);
    assert_int_equal(reg(ISTR), I_ESOF);
    run_us(1000);
    assert_int_equal(reg(ISTR), I_ESOF);
    run_us(1000);
    assert_int_equal(reg(ISTR), I_ESOF | I_SUSP);
}

static void a_suspended_block_is_woken_by_resume_and_by_reset(void **state)
{
    (void)state;
    power_up();
    run_us(4000);
    set(CNTR, FSUSP);
    set(ISTR, 0);
    run_us(10000);
    assert_int_equal(reg(ISTR), 0);
    usbfs_bus_suspend(usb, false);
    assert_int_equal(reg(ISTR), I_WKUP);
    assert_true(pending(42));
    set(ISTR, 0);
    usbfs_bus_reset(usb, true);
    assert_int_equal(reg(ISTR), I_WKUP | I_RESET);
}

/* --- The host ------------------------------------------------------------------ */

static int attach_changes, reset_dones;
static void count_change(void *ctx, bool attached)
{
    (void)ctx;
    (void)attached;
    attach_changes++;
}
static void count_reset(void *ctx) { (void)ctx; reset_dones++; }

/* Plugged in, reset, endpoint 1 open at both ends, address 0. */
static void start_host(void)
{
    attach_changes = reset_dones = 0;
    host = usb_host_new(sim, usb, &dplus);
    usb_host_on_attach(host, count_change, NULL);
    power_up();
    pin_drive(&pullup, DRIVE_PULL_UP);
    run_us(101e3);
    assert_int_equal(attach_changes, 1);
    usb_host_reset_port(host, count_reset, NULL);
    run_us(11e3);
    set(ISTR, 0);
    make_tables();
    set(EP0R, CONTROL | RX_VALID | TX_NAK);
    set(EP1R, 1 | RX_VALID | TX_NAK);
    set(DADDR, 0x80);
    run_us(10e3);
    assert_int_equal(reset_dones, 1);
    usb_host_open_endpoint(host, 0x01, 64);
    usb_host_open_endpoint(host, 0x81, 64);
}

static void ended(void *ctx, struct urb *urb)
{
    (void)urb;
    ++*(int *)ctx;
}

static void attach_is_seen_after_100_ms_and_detach_at_once(void **state)
{
    (void)state;
    host = usb_host_new(sim, usb, &dplus);
    attach_changes = 0;
    usb_host_on_attach(host, count_change, NULL);
    pin_drive(&pullup, DRIVE_PULL_UP);
    run_us(50e3);
    pin_drive(&dplus, DRIVE_LOW);
    run_us(10);
    pin_drive(&dplus, DRIVE_OPEN);
    run_us(99e3);
    assert_false(usb_host_attached(host));
    run_us(2e3);
    assert_true(usb_host_attached(host));
    pin_drive(&dplus, DRIVE_LOW);
    run_us(1);
    pin_drive(&dplus, DRIVE_OPEN);
    run_us(5);
    assert_true(usb_host_attached(host));       /* a glitch below 2.5 us */
    pin_drive(&dplus, DRIVE_LOW);
    run_us(5);
    assert_false(usb_host_attached(host));
    assert_int_equal(attach_changes, 2);
}

static void sofs_come_every_millisecond(void **state)
{
    (void)state;
    start_host();
    uint64_t before = usb_host_stats(host)->frames;
    unsigned frame = reg(FNR) & 0x7FF;
    run_us(100e3);
    assert_int_equal(usb_host_stats(host)->frames - before, 100);
    assert_int_equal((reg(FNR) - frame) & 0x7FF, 100);
}

/* Re-arms endpoint 1 whenever it has done something: the fastest of firmwares. */
static struct alarm server;
static void serve(void *ctx)
{
    (void)ctx;
    if (reg(EP1R) & CTR_RX) {
        clear_ctr(EP1R, CTR_RX);
        set_stat(EP1R, STAT_RX, RX_VALID);
    }
    if (reg(EP1R) & CTR_TX) {
        clear_ctr(EP1R, CTR_TX);
        set_stat(EP1R, STAT_TX, TX_VALID);
    }
    alarm_set(sim, &server, sim->now + SIM_US / 2);
}

static void nineteen_bulk_packets_of_64_bytes_fit_into_a_frame(void **state)
{
    (void)state;
    static uint8_t data[64 * 1000];
    int done = 0;
    start_host();
    alarm_init(&server, serve, NULL);
    serve(NULL);
    struct urb urb = { .endpoint = 1,
                       .type = URB_BULK,
                       .data = data,
                       .length = sizeof data,
                       .done = ended,
                       .ctx = &done };
    usb_host_submit(host, &urb);
    run_us(10e3);
    int before = urb.actual;
    run_us(10e3);
    assert_int_equal((urb.actual - before) / 64, 190);
    usb_host_plug(host, false);
}

static void a_naked_endpoint_does_not_keep_the_bus_from_another(void **state)
{
    (void)state;
    static uint8_t data[64 * 1000], room[64];
    int done = 0;
    start_host();
    alarm_init(&server, serve, NULL);
    serve(NULL);
    struct urb in_urb = { .endpoint = 0x81,
                          .type = URB_BULK,
                          .data = room,
                          .length = 64,
                          .done = ended,
                          .ctx = &done };
    struct urb out_urb = { .endpoint = 1, .type = URB_BULK, .data = data,
                           .length = sizeof data, .done = ended, .ctx = &done };
    usb_host_submit(host, &in_urb);
    usb_host_submit(host, &out_urb);
    run_us(10e3);
    assert_in_range(out_urb.actual / 64, 150, 190);
    assert_true(usb_host_stats(host)->ep[1].naks > 100);
    assert_int_equal(done, 0);
    usb_host_plug(host, false);
}

static void in_transfer_ends_with_a_short_packet(void **state)
{
    (void)state;
    uint8_t data[200];
    start_host();
    set_pma(10, 5);
    set_stat(EP1R, STAT_TX, TX_VALID);
    assert_int_equal(usb_host_transfer(host, URB_BULK, 0x81, data, 200, 100), 5);
}

static void in_packet_larger_than_there_is_room_for_is_an_overflow(void **state)
{
    (void)state;
    uint8_t data[4];
    start_host();
    set_pma(10, 5);
    set_stat(EP1R, STAT_TX, TX_VALID);
    assert_int_equal(usb_host_transfer(host, URB_BULK, 0x81, data, 4, 100),
                     -URB_OVERFLOW);
}

static void transfer_that_is_only_naked_times_out(void **state)
{
    (void)state;
    uint8_t data[64];
    start_host();
    sim_time before = sim->now;
    assert_int_equal(usb_host_transfer(host, URB_BULK, 0x81, data, 64, 20),
                     -URB_TIMEOUT);
    assert_in_range((sim->now - before) / SIM_MS, 20, 21);
}

static void three_unanswered_attempts_end_a_transfer(void **state)
{
    (void)state;
    uint8_t data[64];
    start_host();
    usb_host_open_endpoint(host, 0x85, 64);     /* the device has none */
    sim_time before = sim->now;
    assert_int_equal(usb_host_transfer(host, URB_BULK, 0x85, data, 64, 0),
                     -URB_PROTOCOL);
    assert_in_range((sim->now - before) / SIM_MS, 1, 4);
}

static void stall_ends_a_transfer(void **state)
{
    (void)state;
    start_host();
    set_stat(EP1R, STAT_TX, TX_STALL);
    uint8_t data[64];
    assert_int_equal(usb_host_transfer(host, URB_BULK, 0x81, data, 64, 0), -URB_STALL);
}

static void a_lost_handshake_costs_neither_a_byte_nor_sends_one_twice(void **state)
{
    (void)state;
    static uint8_t data[64 * 4];
    start_host();
    alarm_init(&server, serve, NULL);
    serve(NULL);
    usb_host_lose_handshakes(host, 1);
    assert_int_equal(usb_host_transfer(host, URB_BULK, 1, data, 256, 0), 256);
    assert_int_equal(usb_host_stats(host)->ep[1].out_packets, 4);
    assert_int_equal(reg(EP1R) & DTOG_RX, 0);

    set_pma(10, 64);
    set_pma(0xC0, 0x1111);
    set_stat(EP1R, STAT_TX, TX_VALID);
    usb_host_lose_handshakes(host, 1);
    assert_int_equal(usb_host_transfer(host, URB_BULK, 0x81, data, 64, 0), 64);
    run_us(100);
    assert_int_equal(usb_host_transfer(host, URB_BULK, 0x81, data, 64, 0), 64);
    assert_int_equal(usb_host_stats(host)->ep[1].in_packets, 2);
}

static void control_transfer_has_its_three_stages(void **state)
{
    (void)state;
    uint8_t data[18] = { 0 };
    int done = 0;
    start_host();
    struct urb urb = { .type = URB_CONTROL, .data = data, .length = 18, .done = ended,
                       .ctx = &done };
    memcpy(urb.setup, get_device, 8);
    usb_host_submit(host, &urb);
    run_us(100);
    assert_int_equal(reg(EP0R) & (CTR_RX | SETUP), CTR_RX | SETUP);
    clear_ctr(EP0R, CTR_RX);
    set_pma(2, 18);
    set_pma(0x40, 0x0112);
    set_stat(EP0R, STAT_TX, TX_VALID);
    run_us(100);
    assert_int_equal(reg(EP0R) & CTR_TX, CTR_TX);
    assert_int_equal(done, 0);                  /* the status stage is NAKed */
    clear_ctr(EP0R, CTR_TX);
    set_stat(EP0R, STAT_RX, RX_VALID);
    run_us(100);
    assert_int_equal(done, 1);
    assert_int_equal(urb.status, URB_OK);
    assert_int_equal(urb.actual, 18);
    assert_int_equal(data[0] | data[1] << 8, 0x0112);
}

static void setup_is_repeated_until_the_device_listens(void **state)
{
    (void)state;
    int done = 0;
    start_host();
    set_stat(EP0R, STAT_RX, RX_VALID);
    assert_int_equal(setup_token(), USB_ACK);   /* CTR_RX is set: the next is ignored */
    struct urb urb = { .type = URB_CONTROL, .done = ended, .ctx = &done,
                       .setup = { 0, 9, 1, 0, 0, 0, 0, 0 } };
    usb_host_submit(host, &urb);
    run_us(900);
    assert_int_equal(pma(0x82), 0x0100);
    clear_ctr(EP0R, CTR_RX);
    run_us(1000);
    assert_int_equal(pma(0x82), 0x0001);
    assert_int_equal(done, 0);
    usb_host_plug(host, false);
}

static void cancelling_ends_a_transfer_once(void **state)
{
    (void)state;
    uint8_t data[64];
    int done = 0;
    start_host();
    struct urb urb = { .endpoint = 0x81, .type = URB_BULK, .data = data, .length = 64,
                       .done = ended, .ctx = &done };
    usb_host_submit(host, &urb);
    run_us(203);
    usb_host_cancel(host, &urb);
    run_us(100);
    usb_host_cancel(host, &urb);
    assert_int_equal(done, 1);
    assert_int_equal(urb.status, URB_CANCELLED);
}

static void unplugging_ends_every_transfer(void **state)
{
    (void)state;
    uint8_t data[64];
    int done = 0;
    start_host();
    struct urb urbs[3];
    for (int i = 0; i < 3; i++) {
        urbs[i] = (struct urb){ .endpoint = 0x81, .type = URB_BULK, .data = data,
                                .length = 64, .done = ended, .ctx = &done };
        usb_host_submit(host, &urbs[i]);
    }
    run_us(100);
    usb_host_plug(host, false);
    assert_int_equal(done, 3);
    assert_int_equal(urbs[2].status, URB_NO_DEVICE);
    assert_false(usb_host_attached(host));
    usb_host_plug(host, true);
    run_us(101e3);
    assert_true(usb_host_attached(host));
}

static void interrupt_endpoints_are_asked_once_an_interval(void **state)
{
    (void)state;
    uint8_t data[8];
    int done = 0;
    start_host();
    struct urb urb = { .endpoint = 0x81,
                       .type = URB_INTERRUPT,
                       .data = data,
                       .length = 8,
                       .interval = 4,
                       .done = ended,
                       .ctx = &done };
    usb_host_submit(host, &urb);
    run_us(40e3);
    assert_in_range(usb_host_stats(host)->ep[1].naks, 10, 11);
    usb_host_plug(host, false);
}

static void suspend_and_resume_are_seen_by_the_device(void **state)
{
    (void)state;
    start_host();
    set(ISTR, 0);
    usb_host_suspend(host, true);
    run_us(5e3);
    assert_int_equal(reg(ISTR) & I_SUSP, I_SUSP);
    set(CNTR, FSUSP);
    set(ISTR, 0);
    usb_host_suspend(host, false);
    assert_int_equal(reg(ISTR), I_WKUP);
    set(CNTR, 0);
    set(ISTR, 0);
    run_us(25e3);
    assert_int_equal(reg(ISTR) & (I_SOF | I_SUSP), I_SOF);
}

#define BLOCK_TEST(name) cmocka_unit_test_setup_teardown(name, fresh_chip, throw_away)

static const struct CMUnitTest tests[] = {
    BLOCK_TEST(registers_have_the_manual_s_reset_values),
    BLOCK_TEST(writing_one_toggles_stat_and_dtog_and_writing_zero_leaves_them),
    BLOCK_TEST(ctr_bits_can_be_cleared_but_not_set),
    BLOCK_TEST(istr_flags_are_cleared_by_writing_zero_only),
    BLOCK_TEST(frame_number_follows_the_sofs_and_locks_after_two),
    BLOCK_TEST(packet_memory_is_256_halfwords_four_bytes_apart),
    BLOCK_TEST(a_32_bit_access_to_packet_memory_gives_the_low_half_and_is_noted_once),
    BLOCK_TEST(byte_writes_and_upper_halves_of_packet_memory_are_reported),
    BLOCK_TEST(access_without_clock_is_ignored_and_reported),
    BLOCK_TEST(a_driver_that_does_not_wait_for_start_up_is_served),
    BLOCK_TEST(a_receive_count_may_be_written_anew_and_0_takes_an_empty_packet),
    BLOCK_TEST(releasing_reset_too_soon_after_power_up_is_reported),
    BLOCK_TEST(a_buffer_over_the_table_is_reported),
    BLOCK_TEST(a_buffer_that_leaves_the_packet_memory_is_reported),
    BLOCK_TEST(two_endpoints_in_the_same_memory_are_reported),
    BLOCK_TEST(a_buffer_that_is_given_away_with_its_packet_is_reported),
    BLOCK_TEST(memory_of_a_packet_on_its_way_is_not_to_be_touched),
    BLOCK_TEST(a_receive_buffer_of_size_zero_is_reported),
    BLOCK_TEST(setup_is_taken_whatever_stat_says_unless_disabled),
    BLOCK_TEST(setup_leaves_both_directions_nak_with_data1_next),
    BLOCK_TEST(setup_gets_no_answer_while_the_last_packet_is_unserved),
    BLOCK_TEST(setup_on_a_bulk_endpoint_gets_no_answer),
    BLOCK_TEST(status_out_stalls_data_but_takes_a_zero_length_packet),
    BLOCK_TEST(out_stores_toggles_and_naks_until_armed_again),
    BLOCK_TEST(out_with_the_wrong_toggle_is_acknowledged_and_dropped),
    BLOCK_TEST(out_longer_than_its_buffer_is_stalled_and_reported),
    BLOCK_TEST(block_sizes_are_of_two_and_of_thirty_two_bytes),
    BLOCK_TEST(in_sends_toggles_and_naks_until_armed_again),
    BLOCK_TEST(in_without_handshake_is_sent_again_with_the_same_toggle),
    BLOCK_TEST(stalled_endpoints_stall_both_ways),
    BLOCK_TEST(another_address_and_a_cleared_ef_get_no_answer),
    BLOCK_TEST(a_wrong_usb_clock_silences_the_block_and_is_reported),
    BLOCK_TEST(double_buffered_out_fills_both_buffers_then_naks),
    BLOCK_TEST(double_buffered_in_takes_the_buffers_in_turn),
    BLOCK_TEST(double_buffered_transfers_interrupt_on_line_19_and_come_first),
    BLOCK_TEST(masked_flags_do_not_interrupt_and_unmasked_ones_do),
    BLOCK_TEST(bus_reset_forgets_address_and_endpoints_but_not_a_finished_transfer),
    BLOCK_TEST(nothing_is_answered_until_the_reset_flag_is_cleared),
    BLOCK_TEST(three_missing_sofs_are_a_suspend),
    BLOCK_TEST(a_suspended_block_is_woken_by_resume_and_by_reset),
    BLOCK_TEST(attach_is_seen_after_100_ms_and_detach_at_once),
    BLOCK_TEST(sofs_come_every_millisecond),
    BLOCK_TEST(nineteen_bulk_packets_of_64_bytes_fit_into_a_frame),
    BLOCK_TEST(a_naked_endpoint_does_not_keep_the_bus_from_another),
    BLOCK_TEST(in_transfer_ends_with_a_short_packet),
    BLOCK_TEST(in_packet_larger_than_there_is_room_for_is_an_overflow),
    BLOCK_TEST(transfer_that_is_only_naked_times_out),
    BLOCK_TEST(three_unanswered_attempts_end_a_transfer),
    BLOCK_TEST(stall_ends_a_transfer),
    BLOCK_TEST(a_lost_handshake_costs_neither_a_byte_nor_sends_one_twice),
    BLOCK_TEST(control_transfer_has_its_three_stages),
    BLOCK_TEST(setup_is_repeated_until_the_device_listens),
    BLOCK_TEST(cancelling_ends_a_transfer_once),
    BLOCK_TEST(unplugging_ends_every_transfer),
    BLOCK_TEST(interrupt_endpoints_are_asked_once_an_interval),
    BLOCK_TEST(suspend_and_resume_are_seen_by_the_device),
};

int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("usb_block", tests, NULL, NULL);
}
