/* wire_trouble.c - does trouble on the wire cost more than time, at full speed as at the
 * default?
 *
 * WAIT, FAULT, damaged bits, a cut wire, a target that is reset or loses power: while a
 * long write is under way whose answer has been given already, while a block of CMSIS-DAP
 * is, while memory is summed up.  What was said to be done must be done, what was not must
 * be told; and what has become slow to be safe becomes fast again.  Loads to flash are in
 * bad_input.c.  All in simulated time. */
#include "dap_client.h"
#include "rsp_client.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { RAM = 0x20000000, PIECE = 3072, STEP_US = 310 };

static struct rsp *rsp;
static uint8_t data[8192];

static void fill(uint32_t seed)
{
    for (size_t i = 0; i < sizeof data; i++) {
        seed = seed * 1664525 + 1013904223;
        data[i] = (uint8_t)(seed >> 24);
    }
}

static void set_pace(bool full)
{
    const char *said = rsp_monitor(rsp, full ? "frequency 36M" : "frequency 9M");

    assert_non_null(strstr(said, full ? "SWCLK is 18000000 Hz" : "SWCLK is 8"));
}

static int power_on(const char *target, bool full)
{
    rsp = rsp_power_on(target);
    fill(1);
    set_pace(full);
    return rsp_attach(rsp) ? 0 : -1;
}

static int samd21_full(void **state) { (void)state; return power_on("samd21", true); }
static int stm32(void **state) { (void)state; return power_on("stm32f103", false); }
static int stm32_full(void **state) { (void)state; return power_on("stm32f103", true); }

static int power_off(void **state)
{
    (void)state;
    return rsp_power_off(rsp);
}

/* A chip on a damaged wire may see edges and commands that nobody meant. */
static int power_off_after_damage(void **state)
{
    (void)state;
    rsp_power_off(rsp);
    return 0;
}

/* A long write to RAM: answered before it is done, and so under way when this returns. */
static bool begin_write(uint32_t address, const uint8_t *bytes)
{
    char packet[PIECE + 64];
    int n = snprintf(packet, sizeof packet, "X%x,%x:", address, PIECE);

    memcpy(packet + n, bytes, PIECE);
    rsp_send(rsp, packet, n + PIECE);
    return rsp_receive(rsp, 10000) && strcmp(rsp->reply, "OK") == 0;
}

/* What the target's RAM really holds: not by the wire. */
static void assert_ram_holds(const uint8_t *bytes, uint32_t length)
{
    struct chip *target = rsp->board->target;
    uint32_t word;

    for (uint32_t at = 0; at < length; at += 4) {
        assert_true(bus_read(target->bus, BUS_DEBUG, RAM + at, 4, &word));
        assert_memory_equal(&word, bytes + at, 4);
    }
}

static void assert_works(void)
{
    fill(99);
    assert_true(rsp_attach(rsp));
    assert_true(rsp_load_ram(rsp, RAM, data, sizeof data));
    assert_ram_holds(data, sizeof data);
}

/* --- WAIT ------------------------------------------------------------------------------- */

/* Up to 16 in a block are answered where they come, more by adi.c. */
static void waits_in_a_write_cost_time_and_nothing_else(void **state)
{
    static const int waits[] = { 1, 2, 15, 16, 17, 18, 100 };

    (void)state;
    for (int round = 0; round < 21; round++) {
        fill(100 + (uint32_t)round);
        assert_true(begin_write(RAM, data));
        board_run_ms(rsp->board, 0.13 * round);
        swdp_inject_wait(rsp->board->target->debug_port, waits[round % 7]);
        assert_string_equal(rsp_ask(rsp, "qC"), "QC1");
        assert_ram_holds(data, PIECE);
    }
}

/* At 20 kHz 256 words take long as it is.  The probe's own watchdog must not take that for
 * a crash, nor may the idle clocks behind a word become more and more. */
static void a_slow_wire_and_a_busy_target_do_not_look_like_a_crash(void **state)
{
    (void)state;
    fill(7);
    assert_non_null(rsp_monitor(rsp, "frequency 20k"));
    assert_true(begin_write(RAM, data));
    for (int ms = 0; ms < 4000; ms += 8) {
        swdp_inject_wait(rsp->board->target->debug_port, 12);
        board_run_ms(rsp->board, 8);
    }
    assert_string_equal(rsp_ask(rsp, "qC"), "QC1");
    assert_ram_holds(data, PIECE);
}

static double load_ms(void)
{
    double start = rsp_now_ms(rsp);

    assert_true(rsp_load_ram(rsp, RAM, data, sizeof data));
    return rsp_now_ms(rsp) - start;
}

static void a_pace_that_waits_have_slowed_down_comes_back(void **state)
{
    double before, after, now = 0;

    (void)state;
    load_ms();
    before = load_ms();
    for (int i = 0; i < 30; i++) {
        assert_true(begin_write(RAM, data));
        board_run_ms(rsp->board, 0.5);          /* now the words are under way */
        swdp_inject_wait(rsp->board->target->debug_port, 16);
        assert_string_equal(rsp_ask(rsp, "qC"), "QC1");
    }
    after = load_ms();
    for (int i = 0; i < 12; i++)
        now = load_ms();
    printf("8 KB in %.2f ms, after WAITs in %.2f, then again in %.2f\n", before, after, now);
    assert_true(after > before * 1.05);         /* else this asks nothing */
    assert_true(now < before * 1.12);
}

/* --- FAULT ------------------------------------------------------------------------------ */

static void what_ends_in_the_middle_of_a_block_is_read_so_far_and_no_further(void **state)
{
    struct chip *target = rsp->board->target;
    uint32_t end = target->ram_base + target->ram_size;
    char back[64];

    (void)state;
    for (uint32_t before = 4; before <= 64; before += 12) {
        assert_true(rsp_write(rsp, end - before, data, (int)before));
        assert_int_equal(rsp_ask(rsp, "X%x,4:abcd", end)[0], 'E');
        /* gdb takes a short answer for what it is. */
        assert_int_equal(strlen(rsp_ask(rsp, "m%x,100", end - before)), 2 * before);
        assert_true(rsp_read(rsp, end - before, back, (int)before));
        assert_memory_equal(back, data, before);
    }
}

/* --- a target that goes away, or is reset, during a write ---------------------------------- */

static struct pin button;                       /* the target's reset button */

static void cut_swdio(bool hurt) { board_cut(rsp->board, "SWDIO", hurt); }
static void cut_swclk(bool hurt) { board_cut(rsp->board, "SWCLK", hurt); }
static void power_cut(bool hurt) { board_power_target(rsp->board, !hurt); }
static void press(bool hurt) { pin_drive(&button, hurt ? DRIVE_LOW : DRIVE_OPEN); }
static void make_noise(bool hurt) { board_noise(rsp->board, "SWDIO", hurt ? 1e-4 : 0); }

/* Two writes, the second given while the first is hurt; true: said to be done. */
static bool write_hurt(int moment, void (*hurt)(bool))
{
    bool good = begin_write(RAM, data);

    board_run_ms(rsp->board, moment * STEP_US / 1000.0);
    hurt(true);
    board_run_ms(rsp->board, 0.1 + 1.5 * (moment % 3));
    hurt(false);
    return begin_write(RAM + PIECE, data + PIECE) && good
        && strcmp(rsp_ask(rsp, "qC"), "QC1") == 0;
}

static int writes_hurt(void (*hurt)(bool), int *done)
{
    int refused = 0;

    *done = 0;
    for (int moment = 0; moment < 16; moment++) {
        fill(1000 + (uint32_t)moment);
        assert_true(rsp_attach(rsp));
        if (write_hurt(moment, hurt)) {
            ++*done;
            assert_ram_holds(data, 2 * PIECE);
        } else {
            refused++;
            assert_int_equal(rsp->reply[0], 'E');
        }
        board_run_ms(rsp->board, 20);
    }
    assert_works();
    return refused;
}

static void a_cut_wire_never_makes_a_write_silently_wrong(void **state)
{
    int done;

    (void)state;
    writes_hurt(cut_swdio, &done);
    assert_true(rsp_attach(rsp));
    writes_hurt(cut_swclk, &done);
}

static void lost_power_never_makes_a_write_silently_wrong(void **state)
{
    int done;

    (void)state;
    assert_true(writes_hurt(power_cut, &done) >= 15);   /* RAM is lost, whenever it was */
}

static void a_burst_of_noise_never_makes_a_write_silently_wrong(void **state)
{
    int done;

    (void)state;
    writes_hurt(make_noise, &done);
    assert_true(done >= 12);
}

/* RAM and debug port survive this, the core's state does not. */
static void a_reset_of_the_target_never_makes_a_write_silently_wrong(void **state)
{
    int done;

    (void)state;
    pin_init(&button, rsp->board->sim, "reset button", NULL, NULL);
    net_attach(rsp->board->net[SIG_NRST], &button, true);
    writes_hurt(press, &done);
}

/* The core leaves the loader and runs what is in the flash; nobody clears a slot's GO. */
static void a_reset_of_the_target_never_makes_a_load_silently_wrong(void **state)
{
    struct chip *target = rsp->board->target;
    uint32_t page = target->flash_base ? 1024 : 256;
    char packet[PIECE + 64];
    int good = 0;

    (void)state;
    pin_init(&button, rsp->board->sim, "reset button", NULL, NULL);
    net_attach(rsp->board->net[SIG_NRST], &button, true);
    for (int moment = 0; moment < 5; moment++) {
        fill(3000 + (uint32_t)moment);
        assert_true(rsp_attach(rsp));
        memset(target->flash, 0, sizeof data);
        assert_string_equal(rsp_ask(rsp, "vFlashErase:%x,1000", target->flash_base), "OK");
        int n = snprintf(packet, sizeof packet, "vFlashWrite:%x:", target->flash_base);
        memcpy(packet + n, data, PIECE);
        rsp_send(rsp, packet, n + PIECE);
        assert_true(rsp_receive(rsp, 10000));
        board_run_ms(rsp->board, 0.5 + 27.3 * moment);
        press(true);
        board_run_ms(rsp->board, 5);
        press(false);
        if (strcmp(rsp->reply, "OK") == 0 && strcmp(rsp_ask(rsp, "vFlashDone"), "OK") == 0) {
            good++;
            assert_memory_equal(target->flash, data, PIECE);
        }
    }
    printf("%d of 5 loads survived a reset\n", good);
    assert_true(rsp_attach(rsp));
    assert_true(rsp_load_flash(rsp, target->flash_base, data, PIECE, page));
    assert_memory_equal(target->flash, data, PIECE);
}

/* --- sums -------------------------------------------------------------------------------- */

/* At a rate at which two flips do not meet in one word: that no parity would tell. */
static void noise_never_makes_a_sum_wrong(void **state)
{
    struct chip *target = rsp->board->target;
    char expected[16];
    int good = 0;

    (void)state;
    memcpy(target->flash, data, sizeof data);
    snprintf(expected, sizeof expected, "C%x", rsp_crc(data, sizeof data));
    assert_true(board_noise(rsp->board, "SWDIO", 2e-5));
    for (int round = 0; round < 10; round++) {
        rsp_ask(rsp, "qCRC:%x,%x", target->flash_base, (unsigned)sizeof data);
        good += rsp->reply[0] == 'C';
        if (rsp->reply[0] == 'C')
            assert_string_equal(rsp->reply, expected);
    }
    assert_true(rsp->board->net[SIG_SWDIO]->flips > 10);
    assert_true(good >= 9);
    assert_true(board_noise(rsp->board, "SWDIO", 0));
    assert_works();
}

/* --- CMSIS-DAP ------------------------------------------------------------------------------ */

static struct dap dap;
static uint32_t hz;

static int power_on_dap(uint32_t clock)
{
    rsp = rsp_power_on("stm32f103");
    fill(7);
    hz = clock;
    return dap_find(&dap, rsp->board, rsp->cdc) && dap_start(&dap, hz) ? 0 : -1;
}

static int dap_default(void **state) { (void)state; return power_on_dap(9000000); }
static int dap_full(void **state) { (void)state; return power_on_dap(36000000); }

static void aim(uint32_t address)
{
    const uint8_t request[] = { 5, 0, 2, 1, 0x52, 0, 0, 0x23, 5, (uint8_t)address,
                                (uint8_t)(address >> 8), (uint8_t)(address >> 16),
                                (uint8_t)(address >> 24) };

    dap_ask(&dap, request, sizeof request);
}

static void put_words(const uint8_t *bytes, uint32_t length)
{
    for (uint32_t at = 0; at < length; at += 4) {
        uint32_t word;
        memcpy(&word, bytes + at, 4);
        bus_write(rsp->board->target->bus, BUS_DEBUG, RAM + at, 4, word);
    }
}

/* A block gives as many words as it says, and these are right. */
static void noise_never_makes_a_word_of_a_dap_block_wrong(void **state)
{
    static const uint8_t read_words[] = { 6, 0, 14, 0, 0x0F };
    int whole = 0, broken = 0;

    (void)state;
    put_words(data, 1024);
    for (int round = 0; round < 300; round++) {
        uint32_t at = (uint32_t)(round % 16) * 56;
        board_noise(rsp->board, "SWDIO", 0);
        if (round == 0 || dap.answer[3] != 1)
            assert_true(dap_start(&dap, hz) != 0);
        aim(RAM + at);
        assert_int_equal(dap.answer[2], 1);
        board_noise(rsp->board, "SWDIO", 1e-4);
        assert_true(dap_ask(&dap, read_words, sizeof read_words) >= 4);
        int count = dap.answer[1] | dap.answer[2] << 8;
        assert_int_equal(dap.answered, 4 + 4 * count);
        assert_memory_equal(dap.answer + 4, data + at, (size_t)count * 4);
        assert_true((dap.answer[3] == 1) == (count == 14));
        whole += count == 14;
        broken += count < 14;
    }
    board_noise(rsp->board, "SWDIO", 0);
    printf("%d blocks whole, %d broken off\n", whole, broken);
    assert_true(whole > 200 && broken > 5);
}

static void noise_never_makes_a_dap_write_silently_wrong(void **state)
{
    uint8_t request[5 + 56] = { 6, 0, 14, 0, 0x0D };
    int whole = 0, broken = 0;

    (void)state;
    for (int round = 0; round < 300; round++) {
        uint8_t *bytes = data + round % 64 * 60;
        board_noise(rsp->board, "SWDIO", 0);
        if (round == 0 || dap.answer[3] != 1)
            assert_true(dap_start(&dap, hz) != 0);
        aim(RAM);
        memcpy(request + 5, bytes, 56);
        board_noise(rsp->board, "SWDIO", 1e-4);
        assert_int_equal(dap_ask(&dap, request, sizeof request), 4);
        int count = dap.answer[1] | dap.answer[2] << 8;
        if (dap.answer[3] == 1) {
            assert_int_equal(count, 14);
            assert_ram_holds(bytes, 56);
        }
        whole += dap.answer[3] == 1;
        broken += dap.answer[3] != 1;
    }
    printf("%d blocks whole, %d broken off\n", whole, broken);
    assert_true(whole > 200 && broken > 5);
}

static void waits_in_dap_blocks_cost_time_and_nothing_else(void **state)
{
    static const int waits[] = { 1, 2, 15, 16, 17, 18, 60 };
    uint8_t write_words[5 + 56] = { 6, 0, 14, 0, 0x0D }, read_words[] = { 6, 0, 14, 0, 0x0F };

    (void)state;
    for (int round = 0; round < 14; round++) {
        struct swdp *port = rsp->board->target->debug_port;
        aim(RAM);
        memcpy(write_words + 5, data + 64 * round, 56);
        swdp_inject_wait(port, waits[round % 7]);
        dap_ask(&dap, write_words, sizeof write_words);
        assert_memory_equal(dap.answer, "\x06\x0E\x00\x01", 4);
        assert_ram_holds(data + 64 * round, 56);
        aim(RAM);
        swdp_inject_wait(port, waits[round % 7]);
        assert_int_equal(dap_ask(&dap, read_words, sizeof read_words), 4 + 56);
        assert_memory_equal(dap.answer, "\x06\x0E\x00\x01", 4);
        assert_memory_equal(dap.answer + 4, data + 64 * round, 56);
    }
}

static void a_fault_ends_a_dap_block_and_is_told(void **state)
{
    enum { NOTHING = 0x60000000, END = 0x1FFFF810 };    /* the option bytes', RM0008 3.3.3 */
    uint8_t write_words[5 + 56] = { 6, 0, 14, 0, 0x0D }, read_words[] = { 6, 0, 14, 0, 0x0F };

    (void)state;
    for (uint32_t before = 0; before <= 52; before += 4) {
        aim(END - before);
        dap_ask(&dap, read_words, sizeof read_words);
        assert_int_equal(dap.answer[3], 4);
        assert_int_equal(dap.answer[1], before / 4);
        assert_string_equal(dap_hex(&dap, "08 00 1E 00 00 00"), "08 00");
    }
    aim(NOTHING);
    dap_ask(&dap, write_words, sizeof write_words);
    assert_int_equal(dap.answer[3], 4);
    assert_true(dap.answer[1] < 14);
    assert_string_equal(dap_hex(&dap, "08 00 1E 00 00 00"), "08 00");
    aim(RAM);
    assert_int_equal(dap.answer[2], 1);
}

/* --- two who want the wire ---------------------------------------------------------------- */

/* The answers of one never change what the other does, wherever it is. */
static void a_dap_host_that_tries_again_and_again_does_not_disturb_a_load(void **state)
{
    struct chip *target = rsp->board->target;
    char packet[PIECE + 64];

    (void)state;
    assert_true(dap_find(&dap, rsp->board, rsp->cdc));
    memset(target->flash, 0, 4096);
    assert_string_equal(rsp_ask(rsp, "vFlashErase:%x,1000", target->flash_base), "OK");
    int n = snprintf(packet, sizeof packet, "vFlashWrite:%x:", target->flash_base);
    memcpy(packet + n, data, PIECE);
    rsp_send(rsp, packet, n + PIECE);
    for (int i = 0; i < 8; i++) {
        assert_string_equal(dap_hex(&dap, "02 01"), "02 00");
        assert_string_equal(dap_hex(&dap, "12 08 FF"), "12 FF");
        assert_string_equal(dap_hex(&dap, "03"), "03 00");
        assert_string_equal(dap_hex(&dap, "05 00 01 02"), "05 00 00");
        dap_hex(&dap, "10 00 83 00 00 00 00");          /* all three low */
        dap_hex(&dap, "11 40 42 0F 00");                /* 1 MHz */
        dap_hex(&dap, "13 07");
    }
    assert_true(rsp_receive(rsp, 10000));
    assert_string_equal(rsp->reply, "OK");
    assert_string_equal(rsp_ask(rsp, "vFlashDone"), "OK");
    assert_memory_equal(target->flash, data, PIECE);
    assert_works();
}

static void a_gdb_that_tries_everything_does_not_disturb_a_dap_host(void **state)
{
    static const char *tries[] = { "vAttach;1", "m20000000,4", "g", "vCont;c", "vRun;", "R00",
                                   "vFlashErase:8000000,400", "k", "D", "vKill;1", "?" };
    static const char *commands[] = { "swdp_scan", "reset", "erase_mass", "frequency 1M",
                                      "connect_rst enable", "swdp_scan", "connect_rst disable" };
    uint32_t words[64];

    (void)state;
    put_words(data, sizeof words);
    memset(rsp->board->target->flash, 0x5A, 1024);
    for (int i = 0; i < 18; i++) {
        if (i < 11 && tries[i][0] != 'k' && tries[i][0] != 'R')
            rsp_ask(rsp, "%s", tries[i]);
        else if (i < 11)
            rsp_send(rsp, tries[i], (int)strlen(tries[i]));     /* these have no answer */
        else
            rsp_monitor(rsp, commands[i - 11]);
        assert_true(dap_read(&dap, RAM, words, 64, 0, 4));
        assert_memory_equal(words, data, sizeof words);
        assert_int_equal(rsp->board->net[SIG_NRST]->level, LEVEL_HIGH);
    }
    assert_int_equal(rsp->board->target->flash[512], 0x5A);
}

#define AT(test, on, off) { #on ": " #test, test, on, off, NULL }
/* Each kind of pace, and each of the chips at the fastest. */
#define ALL(test, off) AT(test, samd21_full, off), AT(test, stm32_full, off), \
                       AT(test, stm32, off)
#define DAP(test, off) AT(test, dap_default, off), AT(test, dap_full, off)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ALL(waits_in_a_write_cost_time_and_nothing_else, power_off),
        AT(a_slow_wire_and_a_busy_target_do_not_look_like_a_crash, stm32, power_off),
        AT(a_pace_that_waits_have_slowed_down_comes_back, stm32, power_off),
        AT(a_pace_that_waits_have_slowed_down_comes_back, stm32_full, power_off),
        ALL(what_ends_in_the_middle_of_a_block_is_read_so_far_and_no_further, power_off),
        ALL(a_cut_wire_never_makes_a_write_silently_wrong, power_off_after_damage),
        ALL(lost_power_never_makes_a_write_silently_wrong, power_off_after_damage),
        ALL(a_burst_of_noise_never_makes_a_write_silently_wrong, power_off_after_damage),
        ALL(a_reset_of_the_target_never_makes_a_write_silently_wrong, power_off_after_damage),
        AT(a_reset_of_the_target_never_makes_a_load_silently_wrong, samd21_full,
           power_off_after_damage),
        AT(a_reset_of_the_target_never_makes_a_load_silently_wrong, stm32_full,
           power_off_after_damage),
        ALL(noise_never_makes_a_sum_wrong, power_off_after_damage),
        DAP(noise_never_makes_a_word_of_a_dap_block_wrong, power_off_after_damage),
        DAP(noise_never_makes_a_dap_write_silently_wrong, power_off_after_damage),
        DAP(waits_in_dap_blocks_cost_time_and_nothing_else, power_off),
        DAP(a_fault_ends_a_dap_block_and_is_told, power_off),
        ALL(a_dap_host_that_tries_again_and_again_does_not_disturb_a_load, power_off),
        DAP(a_gdb_that_tries_everything_does_not_disturb_a_dap_host, power_off),
    };
    if (argc > 1)                       /* some of them */
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
