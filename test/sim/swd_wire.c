/* swd_wire.c - does the simulated target speak Serial Wire Debug as ADIv5.2 has it?
 *
 * A host made of two pins (test/lib/bitbang.h) talks to an STM32F103's debug port; the
 * literals are what the specification puts on the wire.  With SWD_VCD and SWD_RECORD set
 * to file names, the last test leaves waveform and record for test/sigrok/compare.py.
 *
 * Sources: ARM IHI 0031C (ADIv5.2) B2, B4, B5, C2. */
#include "bitbang.h"
#include "vcd.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { RAM = 0x20000000 };
enum { STICKYORUN = 1 << 1, STICKYERR = 1 << 5, WDATAERR = 1 << 7, READOK = 1 << 6 };
enum { BYTES = 0x23000010, HALVES = 0x23000011, WORDS = 0x23000012,
       PACKED_HALVES = 0x23000021, PACKED_BYTES = 0x23000020 };

/* Vectors, then a branch to itself. */
static const uint32_t endless_loop[] = { 0x20001000, 0x08000009, 0xE7FEE7FE };

static int power_on(void **state)
{
    *state = host_new(endless_loop, sizeof endless_loop);
    return 0;
}
static int power_on_connected(void **state)
{
    power_on(state);
    return host_connect(*state) == 0x1BA01477 ? 0 : -1;
}
static int power_off(void **state)
{
    host_free(*state);
    return 0;
}

static uint32_t ctrl_stat(struct host *host)
{
    uint32_t value = 0;
    assert_int_equal(host_read(host, DP, CTRL_STAT, &value), ACK_OK);
    return value;
}

/* --- finding the port ------------------------------------------------------------ */

static void port_starts_in_jtag_and_is_silent_until_switched(void **state)
{
    struct host *host = *state;
    uint32_t value = 0;
    host_line_reset(host);
    assert_int_equal(host_read(host, DP, DPIDR, &value), ACK_SILENT);
    host_jtag_to_swd(host);
    assert_int_equal(host_read(host, DP, DPIDR, &value), ACK_OK);
    assert_int_equal(value, 0x1BA01477);
    assert_false(host->parity_error);
}

static void swd_to_jtag_sequence_silences_the_port_again(void **state)
{
    struct host *host = *state;
    uint32_t value;
    host_send(host, UINT64_MAX, 56);
    host_send(host, 0xE73C, 16);
    host_line_reset(host);
    assert_int_equal(host_read(host, DP, DPIDR, &value), ACK_SILENT);
}

static void forty_nine_clocks_are_no_line_reset(void **state)
{
    struct host *host = *state;
    uint32_t value;
    host_send(host, 0xFF, 8);           /* malformed: the port locks out */
    host_idle(host, 2);
    host_send(host, UINT64_MAX, 49);
    host_idle(host, 2);
    assert_int_equal(host_read(host, DP, DPIDR, &value), ACK_SILENT);
    host_idle(host, 2);
    host_send(host, UINT64_MAX, 50);
    host_idle(host, 2);
    assert_int_equal(host_read(host, DP, DPIDR, &value), ACK_OK);
}

static void only_a_read_of_dpidr_is_accepted_after_a_line_reset(void **state)
{
    struct host *host = *state;
    uint32_t value;
    host_line_reset(host);
    assert_int_equal(host_read(host, DP, CTRL_STAT, &value), ACK_SILENT);
    host_line_reset(host);
    assert_int_equal(host_read(host, DP, DPIDR, &value), ACK_OK);
    assert_int_equal(host_read(host, DP, CTRL_STAT, &value), ACK_OK);
}

static void line_reset_keeps_the_debug_power_up(void **state)
{
    struct host *host = *state;
    uint32_t value;
    host_line_reset(host);
    host_read(host, DP, DPIDR, &value);
    assert_int_equal(ctrl_stat(host) >> 28, 0xF);
}

static void power_up_is_acknowledged_a_little_later(void **state)
{
    struct host *host = *state;
    uint32_t value;
    host->half = 20 * SIM_NS;
    host_jtag_to_swd(host);
    host_read(host, DP, DPIDR, &value);
    host_write(host, DP, CTRL_STAT, POWER_UP);
    assert_int_equal(ctrl_stat(host) >> 28, 0x5);
    host_wait(host, 10 * SIM_US);
    assert_int_equal(ctrl_stat(host) >> 28, 0xF);
}

static void ap_access_without_power_is_a_fault(void **state)
{
    struct host *host = *state;
    uint32_t value;
    host_jtag_to_swd(host);
    host_read(host, DP, DPIDR, &value);
    assert_int_equal(host_read(host, AP, CSW, &value), ACK_FAULT);
    assert_true(ctrl_stat(host) & STICKYERR);
}

/* --- registers ------------------------------------------------------------------- */

static void ap_read_is_posted_and_rdbuff_gives_its_result(void **state)
{
    struct host *host = *state;
    uint32_t first, second;
    host_write(host, DP, SELECT, 0xF0);
    assert_int_equal(host_read_patiently(host, AP, 0xC, &first), ACK_OK);   /* IDR */
    assert_int_equal(host_read_patiently(host, AP, 0x8, &second), ACK_OK);  /* BASE */
    assert_int_equal(second, 0x14770011);
    assert_int_equal(host_read_patiently(host, DP, RDBUFF, &first), ACK_OK);
    assert_int_equal(first, 0xE00FF003);
    assert_true(ctrl_stat(host) & READOK);
}

static void resend_repeats_the_last_word(void **state)
{
    struct host *host = *state;
    uint32_t value;
    host_write_word(host, RAM, 0x12345678);
    host_read_word(host, RAM, &value);
    value = 0;
    assert_int_equal(host_read(host, DP, RESEND, &value), ACK_OK);
    assert_int_equal(value, 0x12345678);
}

static void absent_ap_reads_as_zero(void **state)
{
    struct host *host = *state;
    uint32_t value = 1;
    host_write(host, DP, SELECT, 0x010000F0);
    host_read(host, AP, 0xC, &value);
    host_read(host, DP, RDBUFF, &value);
    assert_int_equal(value, 0);
}

/* --- memory ---------------------------------------------------------------------- */

static void words_written_are_read_back_and_tar_counts(void **state)
{
    struct host *host = *state;
    uint32_t value;
    host_write(host, AP, CSW, WORDS);
    host_write_patiently(host, AP, TAR, RAM);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(host_write_patiently(host, AP, DRW, 0xA0B0C000 + i), ACK_OK);
    host_read_patiently(host, AP, TAR, &value);
    host_read_patiently(host, DP, RDBUFF, &value);
    assert_int_equal(value, RAM + 16);
    host_write_patiently(host, AP, TAR, RAM);
    host_read_patiently(host, AP, DRW, &value);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(host_read_patiently(host, AP, DRW, &value), ACK_OK);
        assert_int_equal(value, 0xA0B0C000 + i);
    }
}

static void tar_wraps_at_four_kilobytes(void **state)      /* Cortex-M3 TRM 11, AHB-AP CSW */
{
    struct host *host = *state;
    uint32_t value;
    host_write(host, AP, CSW, WORDS);
    host_write_patiently(host, AP, TAR, RAM + 0xFFC);
    host_write_patiently(host, AP, DRW, 1);
    host_read_patiently(host, AP, TAR, &value);
    host_read_patiently(host, DP, RDBUFF, &value);
    assert_int_equal(value, RAM);
}

static void bytes_and_halfwords_use_the_lanes_of_their_address(void **state)
{
    struct host *host = *state;
    uint32_t value;
    host_write_word(host, RAM, 0x44332211);
    host_write_patiently(host, AP, CSW, BYTES);
    host_write_patiently(host, AP, TAR, RAM + 3);
    host_write_patiently(host, AP, DRW, 0xEE000000);
    host_write_patiently(host, AP, CSW, HALVES);
    host_write_patiently(host, AP, TAR, RAM + 2);
    host_read_patiently(host, AP, DRW, &value);
    host_read_patiently(host, DP, RDBUFF, &value);
    assert_int_equal(value & 0xFFFF0000, 0xEE330000);
}

static void packed_transfer_moves_a_word_in_pieces(void **state)
{
    struct host *host = *state;
    uint32_t value;
    static const uint32_t modes[] = { PACKED_HALVES, PACKED_BYTES };
    for (uint32_t i = 0; i < 2; i++) {
        host_write_patiently(host, AP, CSW, modes[i]);
        host_write_patiently(host, AP, TAR, RAM + 4 * i);
        host_write_patiently(host, AP, DRW, 0x87654321 + i);
        host_read_patiently(host, AP, TAR, &value);
        host_read_patiently(host, DP, RDBUFF, &value);
        assert_int_equal(value, RAM + 4 * i + 4);
        host_write_patiently(host, AP, CSW, WORDS);
        host_read_word(host, RAM + 4 * i, &value);
        assert_int_equal(value, 0x87654321 + i);
    }
}

static void banked_registers_reach_four_words_around_tar(void **state)
{
    struct host *host = *state;
    uint32_t value;
    host_write_patiently(host, AP, TAR, RAM + 0x24);
    host_write_patiently(host, DP, SELECT, 0x10);
    for (uint32_t i = 0; i < 4; i++)
        host_write_patiently(host, AP, 4 * i, 0x55AA0000 + i);
    host_write_patiently(host, DP, SELECT, 0);
    for (uint32_t i = 0; i < 4; i++) {
        host_read_word(host, RAM + 0x20 + 4 * i, &value);
        assert_int_equal(value, 0x55AA0000 + i);
    }
}

static void modes_the_ap_lacks_are_found_by_reading_csw_back(void **state)
{
    struct host *host = *state;
    uint32_t value;
    host_write_patiently(host, AP, CSW, 0x23000000 | 3 << 4 | 5);
    host_read_patiently(host, AP, CSW, &value);
    host_read_patiently(host, DP, RDBUFF, &value);
    assert_int_equal(value & 0x37, 2);
    assert_string_equal(host->problems, "");
    host_read_patiently(host, AP, DRW, &value);         /* but not by using them */
    host_read_patiently(host, DP, RDBUFF, &value);
    assert_non_null(strstr(host->problems, "which this AP has not"));
}

/* --- WAIT, FAULT, recovery ------------------------------------------------------- */

static void slow_bus_behind_a_fast_wire_answers_wait(void **state)
{
    struct host *host = *state;
    uint32_t value;
    host->half = 28 * SIM_NS;           /* 18 MHz in front of a chip at 8 MHz */
    host_write(host, AP, TAR, RAM);
    int ack = host_write(host, AP, DRW, 0xCAFE0001);
    assert_int_equal(ack, ACK_OK);
    assert_int_equal(host_write(host, AP, DRW, 0xCAFE0002), ACK_WAIT);
    assert_int_equal(host_read(host, DP, DPIDR, &value), ACK_OK);   /* never WAIT */
    host_wait(host, SIM_US);
    host_read_word(host, RAM, &value);
    assert_int_equal(value, 0xCAFE0001);
}

static void injected_waits_are_answered_and_counted(void **state)
{
    struct host *host = *state;
    struct swdp *port = host->chip->debug_port;
    uint32_t value;
    uint64_t before = swdp_stats(port)->wait;
    swdp_inject_wait(port, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(host_read(host, AP, CSW, &value), ACK_WAIT);
    assert_int_equal(host_read(host, AP, CSW, &value), ACK_OK);
    assert_int_equal(swdp_stats(port)->wait - before, 3);
}

static void bus_error_faults_what_follows_until_abort(void **state)
{
    struct host *host = *state;
    uint32_t value;
    assert_int_equal(host_read_word(host, 0x60000000, &value), ACK_FAULT);
    assert_true(ctrl_stat(host) & STICKYERR);
    assert_int_equal(host_read(host, AP, CSW, &value), ACK_FAULT);
    assert_int_equal(host_write(host, DP, SELECT, 0), ACK_FAULT);
    assert_int_equal(host_read(host, DP, DPIDR, &value), ACK_OK);
    assert_int_equal(host_write(host, DP, ABORT, CLEAR_STICKY), ACK_OK);
    assert_false(ctrl_stat(host) & STICKYERR);
    assert_int_equal(host_read_word(host, RAM, &value), ACK_OK);
}

static void failed_access_leaves_tar_alone(void **state)
{
    struct host *host = *state;
    uint32_t value;
    host_write(host, AP, CSW, WORDS);
    host_read_word(host, 0x60000000, &value);
    host_write(host, DP, ABORT, CLEAR_STICKY);
    host_read_patiently(host, AP, TAR, &value);
    host_read_patiently(host, DP, RDBUFF, &value);
    assert_int_equal(value, 0x60000000);
}

static void misaligned_word_is_an_error(void **state)
{
    struct host *host = *state;
    uint32_t value;
    assert_int_equal(host_read_word(host, RAM + 2, &value), ACK_FAULT);
}

static void write_with_bad_parity_is_not_done_and_sets_wdataerr(void **state)
{
    struct host *host = *state;
    uint32_t value;
    host_write_word(host, RAM, 0x11111111);
    host->bad_parity = true;
    assert_int_equal(host_write(host, AP, DRW, 0x22222222), ACK_OK);
    assert_true(ctrl_stat(host) & WDATAERR);
    assert_int_equal(host_write(host, AP, TAR, RAM), ACK_FAULT);
    host_write(host, DP, ABORT, CLEAR_STICKY);
    host_read_word(host, RAM, &value);
    assert_int_equal(value, 0x11111111);
    assert_int_equal(swdp_stats(host->chip->debug_port)->parity_errors, 1);
}

static void malformed_request_locks_the_port_until_a_line_reset(void **state)
{
    struct host *host = *state;
    static const uint8_t spoil[] = { 0x20, 0x40, 0x80 };    /* parity, stop, park */
    uint32_t value;
    for (int i = 0; i < 3; i++) {
        uint8_t request = host_request(DP, true, DPIDR) ^ spoil[i];
        assert_int_equal(host_transfer(host, request, &value), ACK_SILENT);
        assert_int_equal(host_read(host, DP, DPIDR, &value), ACK_SILENT);
        host_line_reset(host);
        assert_int_equal(host_read(host, DP, DPIDR, &value), ACK_OK);
    }
    assert_int_equal(swdp_stats(host->chip->debug_port)->protocol_errors, 3);
}

static void overrun_mode_has_a_data_phase_always_and_remembers(void **state)
{
    struct host *host = *state;
    uint32_t value;
    host_write(host, DP, CTRL_STAT, POWER_UP | 1);
    host->always_data = true;
    swdp_inject_wait(host->chip->debug_port, 1);
    assert_int_equal(host_write(host, AP, TAR, RAM), ACK_WAIT);
    assert_int_equal(host_write(host, AP, TAR, RAM), ACK_FAULT);
    assert_int_equal(host_read(host, AP, TAR, &value), ACK_FAULT);
    assert_true(ctrl_stat(host) & STICKYORUN);
    host_write(host, DP, ABORT, CLEAR_STICKY);
    assert_int_equal(host_write(host, AP, TAR, RAM), ACK_OK);
}

static void longer_turnaround_is_kept_until_a_line_reset(void **state)
{
    struct host *host = *state;
    uint32_t value;
    host_write(host, DP, SELECT, 1);
    host_write(host, DP, CTRL_STAT, 1 << 8);        /* DLCR.TURNROUND: 2 clocks */
    host_send(host, host_request(DP, true, DPIDR), 8);
    host_receive(host, 2);
    assert_int_equal(host_receive(host, 3), ACK_OK);
    assert_int_equal((uint32_t)host_receive(host, 33), 0x1BA01477);
    host_receive(host, 2);
    host_line_reset(host);
    assert_int_equal(host_read(host, DP, DPIDR, &value), ACK_OK);
    assert_int_equal(value, 0x1BA01477);
}

static void write_reaches_the_bus_only_after_two_more_clocks(void **state)
{
    struct host *host = *state;
    host_write_word(host, RAM, 0x11111111);
    host_write(host, AP, DRW, 0x22222222);
    host_wait(host, SIM_MS);
    uint32_t value;
    bus_read(host->chip->bus, BUS_DEBUG, RAM, 4, &value);
    assert_int_equal(value, 0x11111111);
    host_idle(host, 2);
    bus_read(host->chip->bus, BUS_DEBUG, RAM, 4, &value);
    assert_int_equal(value, 0x22222222);
}

/* --- the copper ------------------------------------------------------------------ */

static void unpowered_target_leaves_the_line_to_its_pull_up(void **state)
{
    struct host *host = *state;
    uint32_t value;
    host->chip->power(host->chip, false);
    assert_int_equal(host_read(host, DP, DPIDR, &value), ACK_SILENT);
    host->chip->power(host->chip, true);
    assert_int_equal(host_read(host, DP, DPIDR, &value), ACK_SILENT);
    assert_int_equal(host_connect(host), 0x1BA01477);
}

static void cut_wire_is_silent_and_mended_wire_needs_a_line_reset(void **state)
{
    struct host *host = *state;
    uint32_t value;
    net_cut(host->swdio, true);
    assert_int_equal(host_read(host, DP, DPIDR, &value), ACK_SILENT);
    net_cut(host->swdio, false);
    host_line_reset(host);
    assert_int_equal(host_read(host, DP, DPIDR, &value), ACK_OK);
    net_cut(host->swclk, true);
    assert_int_equal(host_read(host, DP, DPIDR, &value), ACK_SILENT);
}

static void noise_turns_over_the_share_of_samples_it_was_asked_to(void **state)
{
    struct host *host = *state;
    net_set_noise(host->swdio, 0.01);
    uint64_t before = host->swdio->flips;
    for (int i = 0; i < 20000; i++)
        pin_sample(&host->dio);
    assert_in_range(host->swdio->flips - before, 140, 260);
}

static void noisy_wire_is_noticed_and_survived(void **state)
{
    struct host *host = *state;
    uint32_t value;
    int bad = 0;
    net_set_noise(host->swdio, 0.002);
    for (int i = 0; i < 400; i++) {
        int ack = host_read(host, DP, DPIDR, &value);
        if (ack == ACK_OK && !host->parity_error && value == 0x1BA01477)
            continue;
        bad++;
        host_line_reset(host);
    }
    assert_in_range(bad, 10, 200);
    net_set_noise(host->swdio, 0);
    host_line_reset(host);
    assert_int_equal(host_read(host, DP, DPIDR, &value), ACK_OK);
}

static void drive_fight_is_reported_once_with_both_names(void **state)
{
    struct host *host = *state;
    host_send(host, host_request(DP, true, DPIDR), 8);
    pin_drive(&host->dio, DRIVE_HIGH);              /* a host that does not let go */
    for (int i = 0; i < 20; i++) {
        pin_drive(&host->clk, DRIVE_LOW);
        host_wait(host, host->half);
        pin_drive(&host->clk, DRIVE_HIGH);
        host_wait(host, host->half);
    }
    pin_drive(&host->dio, DRIVE_PULL_UP);
    assert_non_null(strstr(host->problems, "drive fight on SWDIO: host SWDIO drives high"));
    assert_int_equal(host->sim->problems[SIM_RULE], 1);
}

static void overlap_of_a_few_ns_is_no_fight(void **state)
{
    struct host *host = *state;
    struct pin *other = calloc(1, sizeof *other);
    pin_init(other, host->sim, "other", NULL, NULL);
    net_attach(host->swdio, other, true);
    pin_drive(&host->dio, DRIVE_HIGH);
    pin_drive(other, DRIVE_LOW);
    host_wait(host, 20 * SIM_NS);
    pin_drive(&host->dio, DRIVE_OPEN);
    assert_int_equal(host->sim->problems[SIM_RULE], 0);
}

static void data_that_changes_at_the_rising_edge_breaks_set_up_time(void **state)
{
    struct host *host = *state;
    pin_drive(&host->dio, DRIVE_LOW);
    host_idle(host, 4);
    pin_drive(&host->clk, DRIVE_LOW);
    host_wait(host, host->half);
    pin_drive(&host->dio, DRIVE_HIGH);
    host_wait(host, 2 * SIM_NS);
    pin_drive(&host->clk, DRIVE_HIGH);
    assert_non_null(strstr(host->problems, "set-up time"));
}

static void clock_is_measured(void **state)
{
    struct host *host = *state;
    host->half = 35 * SIM_NS;
    host_idle(host, 2000);
    const struct swdp_stats *stats = swdp_stats(host->chip->debug_port);
    assert_int_equal(stats->shortest_period, 70 * SIM_NS);
    assert_int_equal(stats->shortest_high, 35 * SIM_NS);
    assert_int_equal(stats->shortest_low, 35 * SIM_NS);
    assert_in_range(stats->median_period, 69 * SIM_NS, 71 * SIM_NS);
}

/* --- JTAG ------------------------------------------------------------------------ */

/* The boundary scan TAP is in BYPASS: 5 ones of IR, one bit of DR, at the TDI end. */
static uint64_t jtag_access(struct host *host, int ir, bool read, uint32_t address,
                            uint32_t value)
{
    jtag_scan(host, true, 0x1F0 | (uint64_t)ir, 9);
    return jtag_scan(host, false, (uint64_t)value << 3 | (address & 12) >> 1 | read, 36) &
           0x7FFFFFFFF;
}

static void jtag_port_gives_idcode_and_reaches_memory(void **state)
{
    enum { DPACC = 10, APACC = 11, IDCODE = 14, BYPASS = 15 };
    struct host *host = *state;
    for (int i = 0; i < 5; i++)
        jtag_clock(host, 1, 0);
    jtag_clock(host, 0, 0);
    assert_int_equal(jtag_scan(host, false, 0, 64), 0x164100413BA00477);
    assert_int_equal(jtag_scan(host, true, 0x1F0 | BYPASS, 9), 0x011);
    assert_int_equal(jtag_scan(host, false, 0x5A, 8), 0x168 & 0xFF);

    jtag_access(host, DPACC, false, CTRL_STAT, POWER_UP);
    host_wait(host, 10 * SIM_US);
    jtag_access(host, DPACC, true, CTRL_STAT, 0);
    assert_int_equal(jtag_access(host, DPACC, true, RDBUFF, 0) & 7, 2);
    jtag_access(host, APACC, false, CSW, 0x23000002);
    jtag_access(host, APACC, false, TAR, RAM);
    jtag_access(host, APACC, false, DRW, 0x600DF00D);
    host_wait(host, 10 * SIM_US);
    jtag_access(host, APACC, true, DRW, 0);
    host_wait(host, 10 * SIM_US);
    assert_int_equal(jtag_access(host, DPACC, true, RDBUFF, 0) >> 3, 0x600DF00D);
}

/* A firmware that uses its debug pins, as our probe on the other side would. */
static void chip_that_gave_its_debug_pins_away_can_be_unsoldered(void **state)
{
    enum { APB2ENR = 0x40021018, AFIO_MAPR = 0x40010004, NO_DEBUG = 4 << 24 };
    struct board_options options = { .target = "stm32f103" };
    char error[256];
    struct board *board = board_new(&options, error, sizeof error);
    struct pin clock;
    (void)state;
    assert_non_null(board);
    board_run_ms(board, 5);
    pin_init(&clock, board->sim, "a probe's SWCLK", NULL, NULL);
    net_attach(board->net[SIG_SWCLK], &clock, false);
    pin_drive(&clock, DRIVE_HIGH);
    assert_true(bus_write(board->target->bus, BUS_DATA, APB2ENR, 4, 1));
    assert_true(bus_write(board->target->bus, BUS_DATA, AFIO_MAPR, 4, NO_DEBUG));
    board_free(board);              /* nets first: the reset of power-off found none */
}

/* --- for sigrok ------------------------------------------------------------------ */

static void write_line(void *file, const char *text) { fprintf(file, "%s\n", text); }

static void session_is_recorded_for_sigrok(void **state)
{
    struct host *host = *state;
    struct vcd *vcd = getenv("SWD_VCD") ? vcd_open(host->sim, getenv("SWD_VCD")) : NULL;
    FILE *record = getenv("SWD_RECORD") ? fopen(getenv("SWD_RECORD"), "w") : tmpfile();
    uint32_t value;
    if (vcd) {
        vcd_add(vcd, host->swclk);
        vcd_add(vcd, host->swdio);
    }
    swdp_record(host->chip->debug_port, write_line, record);
    host->half = 40 * SIM_NS;
    assert_int_equal(host_connect(host), 0x1BA01477);
    host_write_patiently(host, AP, CSW, WORDS);
    for (uint32_t i = 0; i < 64; i++) {
        host_write_word(host, RAM + 4 * i, 0x9E3779B9 * i);
        host_read_word(host, RAM + 4 * i, &value);
        assert_int_equal(value, 0x9E3779B9 * i);
    }
    host_read_word(host, 0x60000000, &value);
    host_write(host, DP, ABORT, CLEAR_STICKY);
    swdp_inject_wait(host->chip->debug_port, 3);
    host_read_patiently(host, AP, CSW, &value);
    host_line_reset(host);
    host_read(host, DP, DPIDR, &value);
    host_idle(host, 8);
    swdp_record(host->chip->debug_port, NULL, NULL);
    assert_true(vcd_close(vcd));
    assert_true(ftell(record) > 1000);
    fclose(record);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, power_on, power_off)
#define CONNECTED(name) cmocka_unit_test_setup_teardown(name, power_on_connected, power_off)

int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        TEST(port_starts_in_jtag_and_is_silent_until_switched),
        CONNECTED(swd_to_jtag_sequence_silences_the_port_again),
        CONNECTED(forty_nine_clocks_are_no_line_reset),
        CONNECTED(only_a_read_of_dpidr_is_accepted_after_a_line_reset),
        CONNECTED(line_reset_keeps_the_debug_power_up),
        TEST(power_up_is_acknowledged_a_little_later),
        TEST(ap_access_without_power_is_a_fault),
        CONNECTED(ap_read_is_posted_and_rdbuff_gives_its_result),
        CONNECTED(resend_repeats_the_last_word),
        CONNECTED(absent_ap_reads_as_zero),
        CONNECTED(words_written_are_read_back_and_tar_counts),
        CONNECTED(tar_wraps_at_four_kilobytes),
        CONNECTED(bytes_and_halfwords_use_the_lanes_of_their_address),
        CONNECTED(packed_transfer_moves_a_word_in_pieces),
        CONNECTED(banked_registers_reach_four_words_around_tar),
        CONNECTED(modes_the_ap_lacks_are_found_by_reading_csw_back),
        CONNECTED(slow_bus_behind_a_fast_wire_answers_wait),
        CONNECTED(injected_waits_are_answered_and_counted),
        CONNECTED(bus_error_faults_what_follows_until_abort),
        CONNECTED(failed_access_leaves_tar_alone),
        CONNECTED(misaligned_word_is_an_error),
        CONNECTED(write_with_bad_parity_is_not_done_and_sets_wdataerr),
        CONNECTED(malformed_request_locks_the_port_until_a_line_reset),
        CONNECTED(overrun_mode_has_a_data_phase_always_and_remembers),
        CONNECTED(longer_turnaround_is_kept_until_a_line_reset),
        CONNECTED(write_reaches_the_bus_only_after_two_more_clocks),
        CONNECTED(unpowered_target_leaves_the_line_to_its_pull_up),
        CONNECTED(cut_wire_is_silent_and_mended_wire_needs_a_line_reset),
        CONNECTED(noise_turns_over_the_share_of_samples_it_was_asked_to),
        CONNECTED(noisy_wire_is_noticed_and_survived),
        CONNECTED(drive_fight_is_reported_once_with_both_names),
        CONNECTED(overlap_of_a_few_ns_is_no_fight),
        CONNECTED(data_that_changes_at_the_rising_edge_breaks_set_up_time),
        CONNECTED(clock_is_measured),
        cmocka_unit_test(chip_that_gave_its_debug_pins_away_can_be_unsoldered),
        TEST(jtag_port_gives_idcode_and_reaches_memory),
        TEST(session_is_recorded_for_sigrok),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
