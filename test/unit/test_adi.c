/* test_adi.c - does adi.c get every word across, whatever the wire does?
 *
 * adi.c is linked with a fake swd.c: a debug port with one MEM-AP and 64 KB of RAM,
 * modelled from ADIv5.2 B2, B4 and C2.  Bits on the fake wire can be flipped at random,
 * in the request, the answer or the data, and each has the effect that the standard
 * gives it. */
#include "adi.h"
#include "clock.h"
#include "wire.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { PERIPHERALS = 0x40000000, RAM = 0x20000000, RAM_SIZE = 0x10000, ID = 0x2BA01477 };

static struct {
    bool plugged, swd_mode, deaf, must_read_id;
    bool sticky_error, write_damage;
    uint32_t ctrl, select, csw, tar, result;
    uint8_t ram[RAM_SIZE];
    int wait, transfers, blocks, line_resets, aborts;
    uint32_t flip;                      /* chance of a bit, in parts per 2^32 */
    uint32_t accesses[3];               /* by width */
    uint32_t writes;
    uint32_t random, ms;
    bool accept_faults;
    enum wire_owner owner;
} fake;

/* --- clock.h ------------------------------------------------------------------ */

uint32_t clock_ms(void)
{
    return fake.ms++ / 16;
}

void watchdog_feed(void) {}

/* --- the wire ----------------------------------------------------------------- */

static uint32_t random32(void)
{
    fake.random ^= fake.random << 13;
    fake.random ^= fake.random >> 17;
    return fake.random ^= fake.random << 5;
}

static uint64_t noisy(uint64_t bits, int count)
{
    for (int i = 0; i < count && fake.flip; i++)
        if (random32() < fake.flip)
            bits ^= 1ull << i;
    return bits;
}

static uint64_t with_parity(uint32_t word)
{
    return word | (uint64_t)__builtin_parity(word) << 32;
}

/* As it goes over the wire (ADIv5.2 B4.2.1). */
static uint8_t framed(uint32_t request)
{
    uint32_t middle = (request & 15) << 1;
    return (uint8_t)(0x81 | middle | (uint32_t)__builtin_parity(middle) << 5);
}

bool wire_take(enum wire_owner who) { return fake.owner != WIRE_DAP && (fake.owner = who); }
void wire_release(enum wire_owner who) { if (fake.owner == who) fake.owner = WIRE_NOBODY; }
enum wire_owner wire_owner(void) { return fake.owner; }
uint32_t wire_frequency(void) { return 1000000; }
void wire_send_bits(uint32_t bits, uint32_t count) { (void)bits, (void)count; }
void wire_idle(uint32_t clocks)
{
    if (noisy(0, (int)clocks))
        fake.deaf = true;               /* a start bit that was none */
}
void wire_resynchronize(void)
{
    fake.line_resets++;
    if (noisy(0, 56) == 0) {
        fake.deaf = false;
        fake.must_read_id = true;
        fake.select &= ~0xFu;
    }
}
void wire_wake(int how)                 /* the one from JTAG */
{
    if (how == 1)
        fake.swd_mode = true;
}

/* --- the access port ---------------------------------------------------------- */

/* At 0x40000000 it is seen once more, as if it were peripherals. */
static uint8_t *memory(uint32_t address)
{
    if (address >> 28 == 4)
        address -= 0x20000000;
    return address >= RAM && address < RAM + RAM_SIZE ? fake.ram + (address - RAM) : NULL;
}

static uint32_t bus(uint32_t address, const uint32_t *write)
{
    int size = fake.csw & 7, bytes = 1 << size;
    uint8_t *at = memory(address & ~(uint32_t)(bytes - 1));
    uint32_t lanes = address & 3u & ~(uint32_t)(bytes - 1), value = 0;

    assert_true(address % (uint32_t)bytes == 0);
    fake.accesses[size]++;
    fake.writes += write != NULL;
    if (!at) {
        assert_true(fake.accept_faults);
        fake.sticky_error = true;
        return 0xDEAD;
    }
    for (int i = 0; i < bytes; i++)
        if (write)
            at[i] = (uint8_t)(*write >> 8 * (lanes + (uint32_t)i));
        else
            value |= (uint32_t)at[i] << 8 * (lanes + (uint32_t)i);
    return value;
}

static void increment(void)
{
    if (fake.csw >> 4 & 3)              /* wraps within 1 KB, as silicon may */
        fake.tar = (fake.tar & ~0x3FFu) | ((fake.tar + (1u << (fake.csw & 7))) & 0x3FF);
}

static uint32_t ap_access(uint8_t address, const uint32_t *write)
{
    uint32_t value = 0;

    if (fake.select >> 24)
        return 0;
    switch ((fake.select & 0xF0) | address) {
    case 0x00:
        if (write) fake.csw = *write;
        return fake.csw;
    case 0x04:
        if (write) fake.tar = *write;
        return fake.tar;
    case 0x0C:
        value = bus(fake.tar, write);
        increment();
        return value;
    case 0x10: case 0x14: case 0x18: case 0x1C:
        return bus((fake.tar & ~15u) | address, write);
    case 0xF8: return 0xE00FF003;
    case 0xFC: return 0x24770011;
    }
    fail_msg("AP register that nobody needs: %02x", (fake.select & 0xF0) | address);
    return 0;
}

/* --- the debug port ----------------------------------------------------------- */

static uint32_t stat(void)
{
    return fake.ctrl | (fake.ctrl & 0x50000000) << 1 | (uint32_t)fake.sticky_error << 5 |
           (uint32_t)fake.write_damage << 7;
}

static uint32_t dp_access(uint8_t address, const uint32_t *write)
{
    switch (address) {
    case 0x0:
        if (write) {
            if (*write & 1) fake.aborts++, fake.wait = 0;
            if (*write & 4) fake.sticky_error = false;
            if (*write & 8) fake.write_damage = false;
        }
        fake.must_read_id = fake.must_read_id && write;
        return ID;
    case 0x4:
        if (write) fake.ctrl = *write & 0x50000000;
        return fake.select & 15 ? 0x01234567 : stat();
    case 0x8:
        if (write) fake.select = *write;
        return 0;
    }
    return fake.result;                 /* RDBUFF */
}

/* What the target answers to a request as it arrived; 7 = nothing. */
static int answer(uint8_t request)
{
    bool ap = request & 2, read = request & 4;
    int address = (request >> 1) & 0xC;

    if (!fake.plugged || !fake.swd_mode || fake.deaf)
        return 7;
    if ((request & 0xC1) != 0x81 || __builtin_parity(request & 0x3E) ||
        (fake.must_read_id && request != 0xA5)) {
        fake.deaf = true;
        return 7;
    }
    bool always = !ap && ((read && address <= 4) || (!read && address == 0));
    if (!always && (fake.sticky_error || fake.write_damage))
        return 4;
    if (!always && (ap || (read && address == 12)) && fake.wait) {
        if (fake.wait > 0) fake.wait--;
        return 2;
    }
    return 1;
}

static int write_word(uint8_t request, uint32_t value)
{
    fake.transfers++;
    uint8_t arrived = (uint8_t)noisy(request, 8);
    int said = answer(arrived), heard = (int)noisy((uint64_t)said, 3);

    if (said == 1 && heard != 1)
        fake.write_damage = true;       /* what it takes for data is all ones */
    if (said != 1 || heard != 1)
        return heard;
    uint64_t data = noisy(with_parity(value), 33);
    uint32_t word = (uint32_t)data;
    if (arrived != request || __builtin_parityll(data))
        fake.write_damage = true;
    else if (request & 2)
        ap_access((request >> 1) & 0xC, &word);
    else
        dp_access((request >> 1) & 0xC, &word);
    return 1;
}

static int read_word(uint8_t request, uint32_t *value)
{
    fake.transfers++;
    uint8_t arrived = (uint8_t)noisy(request, 8);
    int said = answer(arrived), heard = (int)noisy((uint64_t)said, 3);
    uint32_t word = 0;

    if (said == 1) {
        if (arrived & 2) {              /* posted: this answers the one before */
            word = fake.result;
            fake.result = ap_access((arrived >> 1) & 0xC, NULL);
        } else {
            word = dp_access((arrived >> 1) & 0xC, NULL);
        }
    }
    if (said != 1 || heard != 1)
        return heard;
    uint64_t data = noisy(with_parity(word), 33);
    if (__builtin_parityll(data))
        return WIRE_PARITY;
    *value = (uint32_t)data;
    return 1;
}

int wire_words(uint32_t request, struct wire_block *block)
{
    fake.blocks++;
    for (; block->left; block->left--, block->bytes += 4) {
        uint32_t word;
        memcpy(&word, block->bytes, 4);
        int ack = request & WIRE_READ ? read_word(framed(request), &word)
                                      : write_word(framed(request), word);
        if (ack != WIRE_OK)
            return ack;
        if (request & WIRE_READ)
            memcpy(block->bytes, &word, 4);
        else
            wire_idle(block->idle);
    }
    return WIRE_OK;
}

/* --- tests -------------------------------------------------------------------- */

static int connected(void **state)
{
    uint32_t id = 0;

    (void)state;
    memset(&fake, 0, sizeof fake);
    fake.plugged = true;
    fake.random = 12345;
    fake.csw = 0x23000040;
    assert_int_equal(adi_connect(&id), OK);
    assert_int_equal(id, ID);
    assert_int_equal(adi_select_ap(0), OK);
    return 0;
}

static void fill(uint8_t *bytes, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)random32();
}

static void connect_powers_up_debug_and_system(void **state)
{
    (void)state;
    assert_int_equal(fake.ctrl, 0x50000000);
    assert_int_equal(adi_rom_table(), 0xE00FF000);
}

static void connect_says_no_answer_when_nothing_is_plugged(void **state)
{
    (void)state;
    fake.plugged = false;
    assert_int_equal(adi_connect(NULL), ERR_NO_ANSWER);
    assert_false(adi_connected());
    assert_int_equal(adi_write32(RAM, 1), ERR_NO_TARGET);
}

static void a_wire_that_a_dap_host_has_is_left_alone(void **state)
{
    uint32_t value;

    (void)state;
    adi_disconnect();
    fake.owner = WIRE_DAP;
    fake.transfers = fake.line_resets = 0;
    assert_int_equal(adi_connect(NULL), ERR_WIRE_TAKEN);
    assert_int_not_equal(adi_dp_read(0, &value), OK);
    assert_false(adi_connected());
    adi_disconnect();
    assert_int_equal(fake.transfers + fake.line_resets, 0);
    assert_int_equal(fake.owner, WIRE_DAP);
}

static void every_alignment_and_length_survives_the_round_trip(void **state)
{
    uint8_t out[48], in[48];

    (void)state;
    for (uint32_t n = 0; n < 16; n++)
        for (uint32_t length = 0; length <= sizeof out; length++) {
            uint32_t start = (n < 8 ? RAM : PERIPHERALS) + 0x3F0 + n % 8;
            memset(fake.ram, 0x55, 0x800);
            fill(out, sizeof out);
            assert_int_equal(adi_write(start, out, length), OK);
            assert_memory_equal(memory(start), out, length);
            assert_int_equal(*memory(start - 1), 0x55);
            assert_int_equal(*memory(start + length), 0x55);
            assert_int_equal(adi_read(start, in, length), OK);
            assert_memory_equal(in, out, length);
        }
}

static void aligned_small_access_is_one_bus_access_of_its_width(void **state)
{
    static const uint16_t half = 0xBEEF;
    static const uint8_t byte = 0x42;
    uint16_t half_in;
    uint8_t byte_in;

    (void)state;
    adi_write(PERIPHERALS + 2, &half, 2);
    adi_read(PERIPHERALS + 2, &half_in, 2);
    adi_write(PERIPHERALS + 7, &byte, 1);
    adi_read(PERIPHERALS + 7, &byte_in, 1);
    assert_int_equal(half_in, half);
    assert_int_equal(byte_in, byte);
    assert_int_equal(fake.accesses[0], 2);
    assert_int_equal(fake.accesses[1], 2);
    assert_int_equal(fake.accesses[2], 0);
    adi_write(RAM + 2, &half, 2);
    adi_write(RAM + 7, &byte, 1);
    assert_int_equal(fake.accesses[0], 3);
    assert_int_equal(fake.accesses[1], 3);
}

/* Transfers, once CSW says words: TAR, each word, RDBUFF. */
static void a_ragged_read_of_memory_takes_whole_words(void **state)
{
    uint8_t in[28];
    uint32_t value;

    (void)state;
    fill(fake.ram, 64);
    for (uint32_t offset = 0; offset < 4; offset++)
        for (uint32_t length = 1; length <= sizeof in; length++) {
            adi_read32(RAM + 0x200, &value);
            fake.transfers = 0;
            assert_int_equal(adi_read(RAM + offset, in, length), OK);
            assert_memory_equal(in, fake.ram + offset, length);
            assert_int_equal(fake.transfers, 2 + (offset + length + 3) / 4);
        }
    assert_int_equal(fake.accesses[0] + fake.accesses[1], 0);
}

static void a_ragged_read_of_peripherals_touches_nothing_else(void **state)
{
    uint8_t in[6];

    (void)state;
    memcpy(memory(RAM), "0123456789ABCDEF", 16);
    assert_int_equal(adi_read(PERIPHERALS + 3, in, 6), OK);
    assert_memory_equal(in, "345678", 6);
    assert_int_equal(fake.accesses[0], 2);
    assert_int_equal(fake.accesses[2], 1);
}

/* What is beside the bytes may change meanwhile, so it is not written: each end is a run of
 * bytes, or a halfword.  A change of CSW and a RDBUFF for each run, and TAR once. */
static void a_ragged_write_takes_one_run_for_each_end(void **state)
{
    static const uint8_t transfers[8][4] = {        /* length less one; offset */
        { 4, 4, 4, 4 }, { 4, 5, 4, 5 }, { 6, 6, 6, 6 }, { 3, 7, 5, 7 },
        { 6, 9, 9, 7 }, { 6, 10, 7, 10 }, { 8, 9, 10, 10 }, { 4, 12, 10, 12 },
    };
    const uint8_t out[8] = "abcdefgh";
    uint32_t value;

    (void)state;
    for (uint32_t length = 1; length <= 8; length++)
        for (uint32_t offset = 0; offset < 4; offset++) {
            memset(fake.ram, 0x55, 64);
            adi_read32(RAM + 0x200, &value);
            fake.transfers = 0;
            assert_int_equal(adi_write(RAM + 32 + offset, out, length), OK);
            assert_int_equal(fake.transfers, transfers[length - 1][offset]);
            assert_memory_equal(memory(RAM + 32 + offset), out, length);
            assert_int_equal(*memory(RAM + 31 + offset), 0x55);
            assert_int_equal(*memory(RAM + 32 + offset + length), 0x55);
        }
}

static void one_kilobyte_costs_one_transfer_a_word(void **state)
{
    static uint8_t bytes[1024];

    (void)state;
    fake.transfers = 0;
    adi_write(RAM, bytes, sizeof bytes);
    assert_true(fake.transfers <= 256 + 4);
    fake.transfers = 0;
    adi_read(RAM, bytes, sizeof bytes);
    assert_true(fake.transfers <= 256 + 3);
}

static void polling_a_register_costs_two_transfers(void **state)
{
    uint32_t value;

    (void)state;
    adi_read32(RAM + 0x100, &value);
    adi_read32(RAM + 0x104, &value);
    fake.transfers = 0;
    adi_read32(RAM + 0x104, &value);
    assert_int_equal(fake.transfers, 2);
}

static void a_query_writes_one_and_reads_two_in_four_transfers(void **state)
{
    const uint32_t at[4] = { RAM + 0x14, RAM + 0x10, RAM + 0x18 };
    struct adi_status status;
    uint32_t result;

    (void)state;
    memcpy(memory(RAM + 0x10), "\x01\0\0\0\0\0\0\0\x02\0\0\0", 12);
    adi_query(at, 0xABCD, &result, 1, &status);
    fake.transfers = 0;
    assert_int_equal(adi_query(at, 0xABCD, &result, 1, &status), OK);
    assert_int_equal(fake.transfers, 4);
    assert_int_equal(status.all, 1);
    assert_int_equal(result, 2);
    assert_int_equal(*memory(RAM + 0x14), 0xCD);
}

static void a_query_for_a_status_only_takes_three_transfers(void **state)
{
    const uint32_t at[4] = { RAM + 0x10, RAM + 0x10, 0 };
    struct adi_status status;
    uint32_t result;

    (void)state;
    adi_query(at, 0xABCD, &result, 1, &status);
    fake.transfers = 0;
    assert_int_equal(adi_query(at, 0xABCD, &result, 1, &status), OK);
    assert_int_equal(fake.transfers, 3);
    assert_int_equal(result, 0xABCD);
}

static void queries_in_a_row_count_their_command_up(void **state)
{
    const uint32_t at[4] = { RAM + 0x14, RAM + 0x10, RAM + 0x14 };
    struct adi_status status;
    uint32_t results[5];

    (void)state;
    adi_query(at, 7, results, 1, &status);
    fake.transfers = 0;
    assert_int_equal(adi_query(at, 7, results, 5, &status), OK);
    assert_int_equal(fake.transfers, 20);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(results[i], 7 + i);
}

/* A command that arrived is not given twice, not even when an answer behind it is
 * damaged: it may have been "step". */
static void a_bad_wire_repeats_no_command_of_a_query(void **state)
{
    const uint32_t at[4] = { RAM + 0x14, RAM + 0x10, RAM + 0x14 };
    struct adi_status status;
    uint32_t results[5];
    int mended = 0, repeated = 0;

    for (uint32_t seed = 1; seed <= 400; seed++) {
        connected(state);
        fake.random = seed * 2654435761u;
        fake.flip = 4294967 / 2;        /* 1 in 2000 bits: in each third query or so */
        fake.accept_faults = true;
        fake.writes = 0;
        if (adi_query(at, 100, results, 5, &status) != OK)
            continue;
        repeated += fake.writes != 5;
        mended += adi_counters()->recoveries > 0;
        for (uint32_t i = 0; i < 5; i++)
            assert_int_equal(results[i], 100 + i);
    }
    assert_true(mended > 50);
    assert_true(repeated <= 2);         /* two faults at once may still hide */
}

static void bus_error_is_reported_and_the_next_access_works(void **state)
{
    uint32_t value;

    (void)state;
    fake.accept_faults = true;
    assert_int_equal(adi_read32(0x30000000, &value), ERR_FAULT);
    assert_int_equal(adi_write32(0x30000000, 1), ERR_FAULT);
    assert_int_equal(adi_write32(RAM, 0x11223344), OK);
    assert_int_equal(adi_read32(RAM, &value), OK);
    assert_int_equal(value, 0x11223344);
    assert_int_equal(adi_counters()->faults, 2);
}

static void a_slow_bus_is_waited_for(void **state)
{
    uint32_t value;

    (void)state;
    fake.wait = 100;
    assert_int_equal(adi_read32(RAM, &value), OK);
    assert_int_equal(adi_counters()->waits, 100);
}

static void a_stuck_bus_is_given_up_and_aborted(void **state)
{
    uint32_t value;

    (void)state;
    fake.wait = -1;
    assert_int_equal(adi_read32(RAM, &value), ERR_WAIT);
    assert_int_equal(fake.aborts, 1);
    assert_int_equal(adi_read32(RAM, &value), OK);
}

static void a_pulled_plug_is_lost_at_once(void **state)
{
    uint32_t value;

    (void)state;
    fake.plugged = false;
    fake.transfers = 0;
    assert_int_equal(adi_read32(RAM, &value), ERR_LOST);
    assert_true(fake.transfers < 50);
    assert_false(adi_connected());
}

static void a_power_cycle_is_noticed(void **state)
{
    uint32_t value;

    (void)state;
    fake.ctrl = 0;
    fake.deaf = true;
    assert_int_equal(adi_read32(RAM, &value), ERR_LOST);
}

static void target_that_went_deaf_is_woken(void **state)
{
    uint32_t value;

    (void)state;
    memcpy(memory(RAM), "\x78\x56\x34\x12", 4);
    fake.deaf = true;
    assert_int_equal(adi_read32(RAM, &value), OK);
    assert_int_equal(value, 0x12345678);
    assert_int_equal(adi_counters()->recoveries, 1);
}

/* 1 bit in 10,000 and 1 in 2,000: right, or an error, never silently wrong. */
static void noise_never_damages_a_load(void **state)
{
    static uint8_t bytes[32768];
    int loaded = 0;

    for (uint32_t seed = 1; seed <= 60; seed++) {
        connected(state);
        fake.random = seed * 2654435761u;
        fill(bytes, sizeof bytes);
        fake.accept_faults = true;
        fake.flip = seed <= 50 ? 429497 : 2147484;
        int error = OK;
        for (uint32_t at = 0; at < sizeof bytes && !error; at += 4096)
            error = adi_write(RAM + at, bytes + at, 4096);
        if (error)
            continue;
        loaded++;
        assert_memory_equal(fake.ram, bytes, sizeof bytes);
        assert_true(adi_counters()->recoveries > 0);
    }
    assert_true(loaded >= 55);
}

static void noise_never_skips_or_repeats_a_word_when_reading(void **state)
{
    static uint8_t bytes[8192];

    for (uint32_t seed = 1; seed <= 30; seed++) {
        connected(state);
        fake.random = seed * 2654435761u;
        fill(fake.ram, sizeof bytes);
        fake.flip = 42950;              /* rare enough for no double flip here */
        assert_int_equal(adi_read(RAM, bytes, sizeof bytes), OK);
        assert_memory_equal(fake.ram, bytes, sizeof bytes);
    }
}

/* A command register must not be told twice what it has heard. */
static void a_damaged_answer_does_not_repeat_a_write(void **state)
{
    int repeated = 0;

    for (uint32_t seed = 1; seed <= 200; seed++) {
        connected(state);
        fake.random = seed * 2654435761u;
        fake.flip = 42949673 / 8;       /* 1 in 800 bits */
        fake.accept_faults = true;
        uint32_t before = fake.accesses[2];
        if (adi_write32(RAM + 0x40, seed) != OK)
            continue;
        repeated += fake.accesses[2] != before + 1;
    }
    assert_true(repeated <= 2);         /* two faults at once may still hide */
}

static void halfwords_go_out_one_bus_access_each(void **state)
{
    uint8_t bytes[10] = "abcdefghi";

    (void)state;
    assert_int_equal(adi_write_items(RAM + 0x3FE, bytes, 10, 2), OK);
    assert_memory_equal(memory(RAM + 0x3FE), bytes, 10);
    assert_int_equal(fake.accesses[1], 5);
    assert_int_equal(adi_write_items(RAM + 1, bytes, 2, 2), ERR_ALIGNMENT);
    assert_int_equal(adi_write_items(RAM, bytes, 6, 4), ERR_ALIGNMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(connect_powers_up_debug_and_system, connected),
        cmocka_unit_test_setup(connect_says_no_answer_when_nothing_is_plugged, connected),
        cmocka_unit_test_setup(a_wire_that_a_dap_host_has_is_left_alone, connected),
        cmocka_unit_test_setup(every_alignment_and_length_survives_the_round_trip,
                               connected),
        cmocka_unit_test_setup(aligned_small_access_is_one_bus_access_of_its_width,
                               connected),
        cmocka_unit_test_setup(a_ragged_read_of_memory_takes_whole_words, connected),
        cmocka_unit_test_setup(a_ragged_read_of_peripherals_touches_nothing_else, connected),
        cmocka_unit_test_setup(a_ragged_write_takes_one_run_for_each_end, connected),
        cmocka_unit_test_setup(one_kilobyte_costs_one_transfer_a_word, connected),
        cmocka_unit_test_setup(polling_a_register_costs_two_transfers, connected),
        cmocka_unit_test_setup(a_query_writes_one_and_reads_two_in_four_transfers,
                               connected),
        cmocka_unit_test_setup(a_query_for_a_status_only_takes_three_transfers, connected),
        cmocka_unit_test_setup(queries_in_a_row_count_their_command_up, connected),
        cmocka_unit_test_setup(a_bad_wire_repeats_no_command_of_a_query, connected),
        cmocka_unit_test_setup(bus_error_is_reported_and_the_next_access_works, connected),
        cmocka_unit_test_setup(a_slow_bus_is_waited_for, connected),
        cmocka_unit_test_setup(a_stuck_bus_is_given_up_and_aborted, connected),
        cmocka_unit_test_setup(a_pulled_plug_is_lost_at_once, connected),
        cmocka_unit_test_setup(a_power_cycle_is_noticed, connected),
        cmocka_unit_test_setup(target_that_went_deaf_is_woken, connected),
        cmocka_unit_test_setup(noise_never_damages_a_load, connected),
        cmocka_unit_test_setup(noise_never_skips_or_repeats_a_word_when_reading,
                               connected),
        cmocka_unit_test_setup(a_damaged_answer_does_not_repeat_a_write, connected),
        cmocka_unit_test_setup(halfwords_go_out_one_bus_access_each, connected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
