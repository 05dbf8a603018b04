/* bootloader.c - can a person update the board, and can anything break it?
 *
 * boot.bin runs on the virtual board; a host downloads small programs made here.  Each of
 * them writes its name to RAM, so that the test sees which one runs.  Whatever a test did,
 * at its end the bootloader's own 8 KB must be what they were, and no rule of the chip
 * broken.  Simulated time. */
#include "usb_user.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { DETACH, DNLOAD, UPLOAD, GETSTATUS, CLRSTATUS, GETSTATE, ABORT };
enum { IDLE = 2, SYNC, BUSY, DNLOAD_IDLE, MANIFEST_SYNC, MANIFEST, WAIT_RESET, UPLOAD_IDLE,
       ERROR };
enum { OK, ERR_TARGET, ERR_FILE, ERR_WRITE, ERR_ERASE, ERR_CHECK_ERASED, ERR_PROG,
       ERR_VERIFY, ERR_ADDRESS, ERR_NOTDONE, ERR_STALLEDPKT = 15 };
enum { SLOT = 0x08002000, SLOT_OFFSET = 0x2000, SLOT_SIZE = 56 * 1024, BLOCK = 1024 };
enum { PROBE_ID = 1, BOOTLOADER_ID = 2 };
enum { NAME_AT = 0x20001000 };          /* where a running program writes its name */
#define VTOR 0xE000ED08                 /* tells who was started last */

static struct board *board;
static int cut_block;                   /* the size of blocks among which the power is cut */
static uint8_t bootloader[SLOT_OFFSET];         /* as it was */
static uint8_t image_a[SLOT_SIZE], image_b[SLOT_SIZE];

/* --- programs ------------------------------------------------------------------------ */

/* A program of the given size: writes its name to NAME_AT and stays there.  Everything
 * behind is a pattern, never 0xFF, so that what is missing is seen. */
static void make_image(uint8_t *image, uint32_t size, uint32_t name)
{
    const uint32_t start[] = {
        0x20000800, SLOT + 8 + 1,
        0x49024801,                     /* ldr r0, [pc, #4]; ldr r1, [pc, #8] */
        0xE7FE6001,                     /* str r1, [r0]; b . */
        NAME_AT, name,
    };
    for (uint32_t i = 0; i < size; i++)
        image[i] = (uint8_t)((i * 31 + (i >> 8) * 7 + name) % 251);
    memcpy(image, start, sizeof start);
}

/* Starts the independent watchdog at its shortest and does not feed it. */
static void make_crasher(uint8_t *image)
{
    const uint32_t start[] = {
        0x20000800, SLOT + 8 + 1,
        0x49034802,                     /* ldr r0, [pc, #8]; ldr r1, [pc, #12] */
        0x4A036001,                     /* str r1, [r0]; ldr r2, [pc, #12] */
        0xE7FE6002,                     /* str r2, [r0]; b . */
        0x40003000, 0xCCCC, 0xAAAA,     /* IWDG_KR: start, feed once */
    };
    memcpy(image, start, sizeof start);
}

static uint32_t peek(uint32_t address)
{
    uint32_t value = 0;
    assert_true(bus_read(board->probe->bus, BUS_DATA, address, 4, &value));
    return value;
}

static void poke(uint32_t address, uint32_t value)
{
    assert_true(bus_write(board->probe->bus, BUS_DATA, address, 4, value));
}

static bool runs(uint32_t name)
{
    return peek(NAME_AT) == name;
}

static const uint8_t *slot(void)
{
    return board->probe->flash + SLOT_OFFSET;
}

/* --- the board ------------------------------------------------------------------------- */

static int power_on_with(const char *application)
{
    static char boot[512], other[512];
    const char *files[3] = { boot };

    snprintf(boot, sizeof boot, "%s@0x08000000", built("boot.bin"));
    if (application) {
        snprintf(other, sizeof other, "%s@0x08002000", built(application));
        files[1] = other;
    }
    board = user_board(files);
    memcpy(bootloader, board->probe->flash, sizeof bootloader);
    return 0;
}

static int power_on(void **state)
{
    (void)state;
    cut_block = BLOCK;
    return power_on_with(NULL);
}

static int power_on_with_probe(void **state)
{
    (void)state;
    return power_on_with("probe.bin");
}

static int power_off(void **state)
{
    (void)state;
    bool harmed = memcmp(bootloader, board->probe->flash, sizeof bootloader) != 0;
    int status = stats_exit_status(board);
    board_free(board);
    if (harmed)
        fprintf(stderr, "the bootloader has changed itself\n");
    return harmed || user_complaints ? -1 : status;
}

/* Programs are put into flash by hand where the way they came does not matter. */
static void install(const uint8_t *image, uint32_t size)
{
    memset(board->probe->flash + SLOT_OFFSET, 0xFF, SLOT_SIZE);
    memcpy(board->probe->flash + SLOT_OFFSET, image, size);
}

static void power_cycle(void)
{
    board_power_probe(board, false);
    board_run_ms(board, 20);
    board_power_probe(board, true);
}

/* --- DFU, as a host does it --------------------------------------------------------------- */

static uint8_t answer[6];

static int status_of(void)              /* bStatus, and answer[4] is the state */
{
    assert_int_equal(user_control(board, 0xA1, GETSTATUS, 0, 0, answer, 6), 6);
    return answer[0];
}

static int state_of(void)
{
    uint8_t state = 0xFF;
    assert_int_equal(user_control(board, 0xA1, GETSTATE, 0, 0, &state, 1), 1);
    return state;
}

static int send_block(int number, const uint8_t *bytes, int length)
{
    return user_control(board, 0x21, DNLOAD, number, 0, (void *)(uintptr_t)bytes, length);
}

static int command(int request)
{
    return user_control(board, 0x21, request, 0, 0, NULL, 0);
}

/* All blocks, each of them asked after; 0, or what went wrong. */
static int send_blocks(const uint8_t *image, int size, int block)
{
    for (int at = 0, n = 0; at < size; at += block, n++) {
        int length = size - at < block ? size - at : block;
        int sent = send_block(n, image + at, length);
        if (sent != length)
            return sent ? sent : -1;
        int got = user_control(board, 0xA1, GETSTATUS, 0, 0, answer, 6);
        if (got != 6)
            return got ? got : -1;
        if (answer[0] != OK || answer[4] != DNLOAD_IDLE)
            return -1000 - answer[0];
    }
    return 0;
}

static int download_in(const uint8_t *image, int size, int block)
{
    int error = send_blocks(image, size, block);
    if (!error)
        error = send_block((size + block - 1) / block, NULL, 0);
    if (!error && user_control(board, 0xA1, GETSTATUS, 0, 0, answer, 6) != 6)
        error = -1;
    return error ? error : answer[4] == WAIT_RESET ? 0 : -2000;
}

static int download(const uint8_t *image, int size)
{
    return download_in(image, size, BLOCK);
}

/* The slot as UPLOAD gives it, in blocks of one size, or with 0 of another each time; how
 * many bytes, or what went wrong. */
static int upload_in(int block)
{
    uint8_t bytes[BLOCK];
    int total = 0, asked, got;

    for (int n = 0; ; n++) {
        asked = block ? block : 1 + n * 389 % BLOCK;
        got = user_control(board, 0xA1, UPLOAD, n, 0, bytes, asked);
        if (got < 0)
            return got;
        if (total + got > (int)board->probe->flash_size - SLOT_OFFSET
            || memcmp(bytes, slot() + total, (size_t)got) != 0)
            return -1000 - total;
        total += got;
        if (got < asked)
            return total;
    }
}

static void expect_application_soon(uint32_t name, double limit_ms)
{
    poke(NAME_AT, 0);
    assert_true(user_unplugged(board, limit_ms));
    board_run_ms(board, 40);
    assert_true(runs(name));
}

static void enter_bootloader(void)
{
    assert_int_equal(user_enumerate(board), BOOTLOADER_ID);
}

/* --- the usual way ------------------------------------------------------------------------ */

static void a_download_is_stored_whole_and_starts_after_the_bus_reset(void **state)
{
    (void)state;
    make_image(image_a, 5000, 'A');
    enter_bootloader();
    assert_int_equal(download(image_a, 5000), 0);
    assert_memory_equal(slot(), image_a, 5000);
    board_run_ms(board, 300);
    enter_bootloader();                 /* the host's reset: still there, and the same */
    board_run_ms(board, 200);
    assert_int_equal(state_of(), WAIT_RESET);
    expect_application_soon('A', 600);
}

static void without_a_bus_reset_it_starts_after_a_second(void **state)
{
    (void)state;
    make_image(image_a, 1024, 'A');
    enter_bootloader();
    assert_int_equal(download(image_a, 1024), 0);
    board_run_ms(board, 800);
    assert_int_equal(state_of(), WAIT_RESET);
    expect_application_soon('A', 400);
}

static void the_whole_slot_can_be_written_and_read_back(void **state)
{
    (void)state;
    static uint8_t back[SLOT_SIZE + BLOCK];
    int total = 0, got = BLOCK;

    make_image(image_a, SLOT_SIZE, 'A');
    enter_bootloader();
    assert_int_equal(send_blocks(image_a, SLOT_SIZE, BLOCK), 0);
    assert_int_equal(send_block(SLOT_SIZE / BLOCK, NULL, 0), 0);
    assert_int_equal(command(ABORT), 0);        /* to compare before it starts */
    for (int n = 0; got == BLOCK; n++, total += got) {
        got = user_control(board, 0xA1, UPLOAD, n, 0, back + total, BLOCK);
        assert_true(got >= 0);
    }
    assert_int_equal(total, SLOT_SIZE);
    assert_memory_equal(back, image_a, SLOT_SIZE);
    assert_int_equal(state_of(), IDLE);
    assert_int_equal(command(DETACH), 0);
    expect_application_soon('A', 1500);         /* it waits a second for a reset of the bus */
}

/* The probe's settings lie in the last page: they outlive the largest probe there can be. */
static void a_download_leaves_what_lies_behind_its_last_page(void **state)
{
    (void)state;
    static const int sizes[] = { SLOT_SIZE - BLOCK, SLOT_SIZE - BLOCK - 1, BLOCK + 1, 25 };

    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        int size = sizes[i], pages = (size + BLOCK - 1) / BLOCK;
        make_image(image_a, (uint32_t)size, 'a' + i);
        memset(board->probe->flash + SLOT_OFFSET, 0x55, SLOT_SIZE);
        power_cycle();
        enter_bootloader();
        assert_int_equal(download(image_a, size), 0);
        for (int k = pages * BLOCK; k < SLOT_SIZE; k++)
            assert_int_equal(slot()[k], 0x55);
        expect_application_soon('a' + i, 1500);
    }
}

/* DFU 1.1 leaves it to the host: 6.1, 6.2.  dfu-util -t. */
static void a_download_may_come_in_blocks_of_any_size(void **state)
{
    (void)state;
    static const int blocks[] = { 1, 2, 3, 7, 37, 63, 64, 65, 100, 512, 999, 1000, 1023 };
    static const int sizes[] = { 3001, 1024, 500, 25 };

    for (unsigned i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        int size = sizes[i % 4];
        make_image(image_a, (uint32_t)size, 'a' + i);
        memset(board->probe->flash + SLOT_OFFSET, 0x55, SLOT_SIZE);
        power_cycle();
        enter_bootloader();
        assert_int_equal(download_in(image_a, size, blocks[i]), 0);
        assert_memory_equal(slot(), image_a, size);
        for (int k = size; k % BLOCK; k++)
            assert_int_equal(slot()[k], 0xFF);
        expect_application_soon('a' + i, 1500);
    }
    make_image(image_a, SLOT_SIZE, 'A');
    power_cycle();
    board_set_boot1(board, 1);
    power_cycle();
    enter_bootloader();
    assert_int_equal(download_in(image_a, SLOT_SIZE, 999), 0);
    assert_memory_equal(slot(), image_a, SLOT_SIZE);
}

/* Behind the last byte there is nothing, and looking there would be a fault. */
static void an_upload_may_ask_in_blocks_of_any_size(void **state)
{
    (void)state;
    static const int blocks[] = { 0, 13, 37, 63, 64, 65, 100, 999, 1000, 1023, 1024 };
    uint8_t bytes[BLOCK];

    make_image(image_a, SLOT_SIZE, 'A');
    install(image_a, SLOT_SIZE);
    board_set_boot1(board, 1);
    power_cycle();
    enter_bootloader();
    for (unsigned i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
        assert_int_equal(upload_in(blocks[i]), SLOT_SIZE);
    for (int n = 0; n < 10; n++)        /* broken off, and another size */
        assert_int_equal(user_control(board, 0xA1, UPLOAD, n, 0, bytes, 1 + 2 * n), 1 + 2 * n);
    assert_int_equal(command(ABORT), 0);
    assert_int_equal(upload_in(1001), SLOT_SIZE);
    assert_int_equal(user_control(board, 0xA1, UPLOAD, 58, 0, bytes, BLOCK), USER_STALL);
    assert_int_equal(status_of(), ERR_ADDRESS);         /* it was over */
    assert_int_equal(command(CLRSTATUS), 0);
    assert_int_equal(upload_in(1000), SLOT_SIZE);
}

/* Down to single bytes, where the flash ends. */
static void an_upload_may_end_in_any_place(void **state)
{
    (void)state;
    static uint8_t bytes[BLOCK];

    make_image(image_a, SLOT_SIZE, 'A');
    install(image_a, SLOT_SIZE);
    board_set_boot1(board, 1);
    power_cycle();
    enter_bootloader();
    for (int last = 1; last < 20; last++) {
        int at = 0, n = 0;
        for (; at < SLOT_SIZE - 2 * last; n++) {
            int left = SLOT_SIZE - 2 * last - at, size = left < BLOCK ? left : BLOCK;
            assert_int_equal(user_control(board, 0xA1, UPLOAD, n, 0, bytes, size), size);
            at += size;
        }
        for (; at < SLOT_SIZE; at += last, n++) {
            assert_int_equal(user_control(board, 0xA1, UPLOAD, n, 0, bytes, last), last);
            assert_memory_equal(bytes, image_a + at, last);
        }
        assert_int_equal(user_control(board, 0xA1, UPLOAD, n, 0, bytes, last), 0);
        assert_int_equal(state_of(), IDLE);
    }
}

static void an_upload_ended_by_a_bus_reset_starts_the_application(void **state)
{
    (void)state;
    uint8_t bytes[BLOCK];

    make_image(image_a, 2000, 'A');
    install(image_a, 2000);
    board_set_boot1(board, 1);
    power_cycle();
    enter_bootloader();
    for (int n = 0; n < SLOT_SIZE / BLOCK; n++)
        assert_int_equal(user_control(board, 0xA1, UPLOAD, n, 0, bytes, BLOCK), BLOCK);
    assert_int_equal(user_control(board, 0xA1, UPLOAD, SLOT_SIZE / BLOCK, 0, bytes, BLOCK), 0);
    board_run_ms(board, 5000);
    assert_int_equal(state_of(), IDLE); /* not by itself */
    board_set_boot1(board, 0);
    enter_bootloader();
    expect_application_soon('A', 600);
}

/* --- what is refused ---------------------------------------------------------------------- */

static void an_image_that_cannot_be_right_is_refused_before_anything_is_erased(void **state)
{
    (void)state;
    static const struct { uint32_t sp, entry; int status; } wrong[] = {
        { 0xFFFFFFFF, 0xFFFFFFFF, ERR_FILE },           /* erased flash */
        { 0x30303A31, 0x30303030, ERR_FILE },           /* text: a .hex */
        { 0x464C457F, 0x00010101, ERR_FILE },           /* an .elf */
        { 0x00000000, SLOT + 9, ERR_FILE },
        { 0x20000000, SLOT + 9, ERR_FILE },             /* below it is no RAM */
        { 0x20000802, SLOT + 9, ERR_FILE },
        { 0x20005004, SLOT + 9, ERR_FILE },             /* behind the end of RAM */
        { 0x20000800, 0x08000101, ERR_TARGET },         /* for address 0x08000000 */
        { 0x20000800, SLOT + 7, ERR_TARGET },           /* inside the vectors */
        { 0x20000800, SLOT + 8, ERR_TARGET },           /* not Thumb */
        { 0x20000800, 0x20000101, ERR_TARGET },         /* in RAM */
        { 0x20000800, 0x08010001, ERR_TARGET },         /* behind this flash */
        { 0x20000800, 0x08020001, ERR_TARGET },         /* behind the largest flash */
    };
    uint8_t bad[BLOCK];

    make_image(image_a, 2000, 'A');
    install(image_a, 2000);
    board_set_boot1(board, 1);
    power_cycle();
    enter_bootloader();
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        memcpy(bad, image_a, BLOCK);
        memcpy(bad, &wrong[i], 8);
        assert_int_equal(send_block(0, bad, BLOCK), USER_STALL);
        assert_int_equal(status_of(), wrong[i].status);
        assert_int_equal(answer[4], ERROR);
        assert_int_equal(command(CLRSTATUS), 0);
        assert_int_equal(state_of(), IDLE);
    }
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        memcpy(bad, &wrong[i], 8);      /* in small pieces, too */
        assert_int_equal(send_blocks(bad, 6, 3), 0);
        assert_int_equal(send_block(2, bad + 6, 3), USER_STALL);
        assert_int_equal(status_of(), wrong[i].status);
        assert_int_equal(command(CLRSTATUS), 0);
    }
    assert_int_equal(send_block(0, image_a, 4), 4);
    assert_int_equal(status_of(), OK);
    assert_int_equal(send_block(1, NULL, 0), USER_STALL);
    assert_int_equal(status_of(), ERR_NOTDONE);
    assert_int_equal(command(CLRSTATUS), 0);
    assert_int_equal(send_block(0, bootloader, BLOCK), USER_STALL);
    assert_int_equal(status_of(), ERR_TARGET);          /* the bootloader's own image */
    assert_memory_equal(slot(), image_a, 2000);
    board_set_boot1(board, 0);
    poke(NAME_AT, 0);
    board_reset_probe(board);
    board_run_ms(board, 20);
    assert_true(runs('A'));
}

static void a_truncated_image_is_refused_at_its_end_and_never_starts(void **state)
{
    (void)state;
    uint32_t entry = SLOT + 4000 + 1;

    make_image(image_a, 5000, 'A');
    memcpy(image_a + 4, &entry, 4);
    enter_bootloader();
    assert_int_equal(send_blocks(image_a, 3000, BLOCK), 0);
    assert_int_equal(send_block(3, NULL, 0), USER_STALL);
    assert_int_equal(status_of(), ERR_NOTDONE);
    power_cycle();
    enter_bootloader();
}

static void an_image_larger_than_the_slot_is_refused(void **state)
{
    (void)state;
    make_image(image_a, SLOT_SIZE, 'A');
    enter_bootloader();
    assert_int_equal(send_blocks(image_a, SLOT_SIZE, BLOCK), 0);
    assert_int_equal(send_block(SLOT_SIZE / BLOCK, image_a, 2), USER_STALL);
    assert_int_equal(status_of(), ERR_ADDRESS);
    power_cycle();
    enter_bootloader();                 /* and what is there does not start */
}

static void block_numbers_lengths_and_orders_lead_nowhere_else(void **state)
{
    (void)state;
    static const int numbers[] = { 1, 2, 8, 56, 57, 0x7FFF, 0x8000, 0xFFF8, 0xFFFF };
    static uint8_t before[SLOT_SIZE], big[BLOCK + 1];

    make_image(image_a, 4096, 'A');
    install(image_a, 4096);
    board_set_boot1(board, 1);
    power_cycle();
    enter_bootloader();
    memcpy(before, slot(), SLOT_SIZE);
    for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        assert_int_equal(send_block(numbers[i], image_a, BLOCK), USER_STALL);
        assert_int_equal(status_of(), ERR_ADDRESS);
        command(CLRSTATUS);
        assert_int_equal(user_control(board, 0xA1, UPLOAD, numbers[i], 0, big, BLOCK),
                         USER_STALL);
        assert_int_equal(status_of(), ERR_ADDRESS);
        command(CLRSTATUS);
    }
    assert_int_equal(send_block(0, big, BLOCK + 1), USER_STALL);
    assert_int_equal(send_block(0, NULL, 0), USER_STALL);       /* an end without a start */
    assert_int_equal(status_of(), ERR_STALLEDPKT);
    command(CLRSTATUS);
    assert_memory_equal(before, slot(), SLOT_SIZE);

    assert_int_equal(send_block(0, image_a, 1001), 1001);
    assert_int_equal(status_of(), OK);
    assert_int_equal(send_block(2, image_a, 8), USER_STALL);    /* 1 is missing */
    assert_int_equal(status_of(), ERR_ADDRESS);
    command(CLRSTATUS);
    assert_memory_equal(before, slot(), SLOT_SIZE);             /* not yet a page */
    assert_int_equal(send_block(0, image_a, BLOCK), BLOCK);
    assert_int_equal(status_of(), OK);
    assert_int_equal(send_block(0, image_a, BLOCK), USER_STALL);        /* once more */
    command(CLRSTATUS);
    assert_int_equal(send_block(0, image_a, BLOCK), BLOCK);
    assert_int_equal(send_block(1, image_a, BLOCK), USER_STALL);        /* not asked after */
    assert_int_equal(status_of(), ERR_STALLEDPKT);
    assert_memory_equal(before + BLOCK, slot() + BLOCK, SLOT_SIZE - BLOCK);
}

static void a_page_that_is_write_protected_fails_the_download(void **state)
{
    (void)state;
    /* Write protection of pages 12 to 15 by option bytes: WRP1 bit 3 (PM0075 2.4). */
    static const uint8_t options[16] = {
        0xA5, 0x5A, 0xFF, 0x00, 0xFF, 0x00, 0xFF, 0x00,
        0xF7, 0x08, 0xFF, 0x00, 0xFF, 0x00, 0xFF, 0x00,
    };
    board_run_ms(board, 10);            /* out of power-on reset */
    assert_true(bus_load(board->probe->bus, 0x1FFFF800, options, sizeof options));
    board_reset_probe(board);           /* option bytes take effect */
    make_image(image_a, 8192, 'A');
    enter_bootloader();
    assert_int_equal(send_blocks(image_a, 8192, BLOCK), -1000 - ERR_WRITE);
    assert_int_equal(answer[4], ERROR);
    assert_int_equal(send_block(5, NULL, 0), USER_STALL);
    power_cycle();
    enter_bootloader();
}

static struct alarm cell_alarm;
static uint32_t bad_cell;               /* where in the slot a bit does not take its 0 */

static void spoil_cell(void *ctx)
{
    struct sim *sim = ctx;
    uint8_t *cell = board->probe->flash + SLOT_OFFSET + bad_cell;

    if (*cell != 0xFF)
        *cell |= 0x04;
    alarm_set(sim, &cell_alarm, sim->now + 10 * SIM_US);
}

/* The controller reports nothing (no PGERR); only reading back tells.  In the middle, in
 * the entry, and in the upper half of the stack, with which the image would be valid. */
static void a_cell_that_does_not_keep_its_value_fails_the_download(void **state)
{
    (void)state;
    static const uint32_t cells[] = { 1502, 4, 3 };
    struct sim *sim = board->sim;

    make_image(image_a, 2048, 'A');
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        bad_cell = cells[i];
        assert_int_equal(image_a[bad_cell] & 0x04, 0);
        enter_bootloader();
        alarm_init(&cell_alarm, spoil_cell, sim);
        alarm_set(sim, &cell_alarm, sim->now);
        assert_true(download(image_a, 2048) != 0);
        assert_int_equal(status_of(), ERR_VERIFY);
        assert_int_equal(answer[4], ERROR);
        alarm_cancel(sim, &cell_alarm);
        power_cycle();
        board_run_ms(board, 40);
        assert_false(runs('A'));
    }
    enter_bootloader();                 /* and the next one may succeed */
    assert_int_equal(download(image_a, 2048), 0);
    expect_application_soon('A', 1500);
}

/* --- stay or start ------------------------------------------------------------------------ */

static void the_jumper_decides_when_there_is_an_application(void **state)
{
    (void)state;
    make_image(image_a, 2000, 'A');
    install(image_a, 2000);
    power_cycle();
    board_run_ms(board, 5);
    assert_true(runs('A'));
    board_set_boot1(board, 1);
    poke(NAME_AT, 0);
    board_reset_probe(board);
    enter_bootloader();
    assert_false(runs('A'));
    board_set_boot1(board, 0);
    board_reset_probe(board);
    board_run_ms(board, 5);
    assert_true(runs('A'));
}

static void without_an_application_it_stays(void **state)
{
    (void)state;
    enter_bootloader();
    make_image(image_a, 2000, 'A');
    static const uint32_t wrong[][2] = {
        { 0x20000800, 0xFFFFFFFF }, { 0xFFFFFFFF, SLOT + 9 }, { 0, 0 },
        { 0xFFFF0800, SLOT + 9 }, { 0x20000800, 0xFFFF2009 },   /* half programmed */
    };
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        memcpy(image_a, wrong[i], 8);
        install(image_a, 2000);
        power_cycle();
        enter_bootloader();
    }
}

/* The application's hand: RM0008 5.4.1, 6.4.1, 7.3.8. */
static void write_backup(int n, uint32_t value)
{
    poke(0x4002101C, 3u << 27);         /* RCC_APB1ENR: PWR, BKP */
    poke(0x40007000, 1 << 8);           /* PWR_CR.DBP */
    poke(0x40006C00 + 4u * (uint32_t)n, value);
}

static void an_application_can_ask_for_it_once_as_with_dapboot(void **state)
{
    (void)state;
    make_image(image_a, 2000, 'A');
    install(image_a, 2000);
    power_cycle();
    board_run_ms(board, 5);
    write_backup(1, 0x4F42);
    poke(NAME_AT, 0);
    board_reset_probe(board);
    enter_bootloader();
    board_reset_probe(board);
    board_run_ms(board, 5);
    assert_true(runs('A'));
    write_backup(1, 0x1234);            /* something of its own: left alone */
    write_backup(10, 0x4321);
    board_reset_probe(board);
    board_run_ms(board, 5);
    assert_true(runs('A'));
    poke(0x4002101C, 3u << 27);
    assert_int_equal(peek(0x40006C04), 0x1234);
    assert_int_equal(peek(0x40006C28), 0x4321);
}

static void the_application_finds_the_chip_as_after_reset(void **state)
{
    (void)state;
    static const struct { uint32_t address, value; } after_reset[] = {
        { 0x40021004, 0 }, { 0x40021014, 0x14 }, { 0x40021018, 0 }, { 0x4002101C, 0 },
        { 0xE000E100, 0 }, { 0xE000E200, 0 },                   /* no interrupts */
        { 0xE000E010, 0 },                                      /* no SysTick */
        { 0x40022000, 0x30 }, { 0x40022010, 0x80 },             /* flash: as it was, locked */
        { VTOR, SLOT },
    };
    make_image(image_a, 2000, 'A');
    install(image_a, 2000);
    power_cycle();
    board_run_ms(board, 5);
    assert_true(runs('A'));
    for (unsigned i = 0; i < sizeof after_reset / sizeof after_reset[0]; i++) {
        if (peek(after_reset[i].address) != after_reset[i].value)
            fail_msg("0x%08X is 0x%X", (unsigned)after_reset[i].address,
                     (unsigned)peek(after_reset[i].address));
    }
    poke(0x40021018, 1 << 3);
    poke(0x4002101C, 3u << 27);
    assert_int_equal(peek(0x40010C00), 0x44444444);             /* GPIOB */
    assert_int_equal(peek(0x40007000), 0);                      /* PWR_CR */
}

static void three_watchdog_resets_in_a_row_end_in_the_bootloader(void **state)
{
    (void)state;
    memset(image_a, 0xFF, 2000);
    make_crasher(image_a);
    install(image_a, 2000);
    power_cycle();
    sim_time start = board->sim->now;
    int stays = 0;                      /* ms; when it starts the program it is gone in one */
    while (stays < 10 && board->sim->now - start < 3 * SIM_SECOND) {
        board_run_ms(board, 1);
        stays = peek(VTOR) == SLOT ? 0 : stays + 1;
    }
    /* 4 x 4096 / 40 kHz each. */
    assert_in_range((board->sim->now - start) / SIM_MS, 3 * 410, 3 * 410 + 15);
    enter_bootloader();
    make_image(image_b, 2000, 'B');     /* the repair */
    assert_int_equal(download(image_b, 2000), 0);
    expect_application_soon('B', 1500);
}

static void the_button_makes_a_fresh_start(void **state)
{
    (void)state;
    memset(image_a, 0xFF, 2000);
    make_crasher(image_a);
    install(image_a, 2000);
    power_cycle();
    for (int press = 0; press < 3; press++) {
        board_run_ms(board, 900);       /* twice: 410 ms each at 40 kHz */
        assert_int_equal(peek(VTOR), SLOT);
        board_reset_probe(board);
        board_run_ms(board, 1);
    }
    board_run_ms(board, 1600);
    assert_true(usb_host_attached(board->usb));
    enter_bootloader();
    board_reset_probe(board);           /* another chance */
    board_run_ms(board, 5);
    assert_int_equal(peek(VTOR), SLOT);
}

static void the_probe_goes_to_the_bootloader_and_comes_back(void **state)
{
    (void)state;
    assert_int_equal(user_enumerate(board), PROBE_ID);
    assert_int_equal(user_control(board, 0xA1, GETSTATUS, 0, 5, answer, 6), 6);
    assert_int_equal(answer[4], 0);                             /* appIDLE */
    assert_int_equal(user_control(board, 0x21, DNLOAD, 0, 5, answer, 6), USER_STALL);
    assert_int_equal(user_control(board, 0x21, DETACH, 1000, 5, NULL, 0), 0);
    assert_true(user_unplugged(board, 500));
    enter_bootloader();
    assert_int_equal(command(DETACH), 0);
    assert_true(user_unplugged(board, 1500));   /* it waits a second for a reset of the bus */
    assert_int_equal(user_enumerate(board), PROBE_ID);
}

/* An interrupt that nobody serves: crash.c writes its record and resets. */
static void crash_the_probe(void)
{
    poke(0xE000E100, 1);                /* NVIC_ISER0, ISPR0: WWDG */
    poke(0xE000E200, 1);
    board_run_ms(board, 300);
}

static void three_crashes_of_the_probe_in_a_row_end_in_the_bootloader(void **state)
{
    (void)state;
    assert_int_equal(user_enumerate(board), PROBE_ID);
    crash_the_probe();
    crash_the_probe();
    board_run_ms(board, 11000);         /* well again */
    crash_the_probe();
    crash_the_probe();
    assert_int_equal(user_enumerate(board), PROBE_ID);
    crash_the_probe();
    enter_bootloader();
    board_reset_probe(board);
    assert_int_equal(user_enumerate(board), PROBE_ID);
}

/* --- what chips there are ----------------------------------------------------------------- */

static void a_size_register_that_lies_is_not_believed(void **state)
{
    (void)state;
    static const uint16_t claims[] = { 64, 128, 0xFFFF, 0, 32 };

    enter_bootloader();
    for (unsigned i = 0; i < sizeof claims / sizeof claims[0]; i++) {
        assert_true(bus_load(board->probe->bus, 0x1FFFF7E0, &claims[i], 2));
        assert_int_equal(upload_in(BLOCK), SLOT_SIZE);
    }
}

static void a_larger_chip_is_used_to_its_end(void **state)
{
    (void)state;
    struct board_options options = {
        .flash = { built("boot.hex") }, .flash_count = 1, .flash_kb = 128,
        .board = "bluepill", .target = "none"
    };
    char error[512];
    struct board *small = board;

    board = board_new(&options, error, sizeof error);
    assert_non_null(board);
    enter_bootloader();
    assert_int_equal(upload_in(BLOCK), 120 * 1024);
    board_free(board);
    board = small;
}

static void it_works_without_a_crystal(void **state)
{
    (void)state;
    f103_set_crystal(board->probe, false);
    board_reset_probe(board);
    make_image(image_a, 2000, 'A');
    enter_bootloader();
    assert_int_equal(download(image_a, 2000), 0);
    expect_application_soon('A', 1500);
}

static int led_changes(int ms)
{
    int changes = 0;
    bool lit = board_led(board);
    for (int i = 0; i < ms; i++) {
        board_run_ms(board, 1);
        changes += board_led(board) != lit;
        lit = board_led(board);
    }
    return changes;
}

static void the_led_blinks_slowly_while_waiting(void **state)
{
    (void)state;
    enter_bootloader();
    int changes = led_changes(5000);
    assert_in_range(changes, 9, 11);
}

/* --- the power goes ----------------------------------------------------------------------- */

static struct alarm cut_alarm;

static void cut_power(void *ctx)
{
    board_power_probe(ctx, false);
}

/* Downloads and cuts the power so long after the start; true if that was before the end.
 * Afterwards the power is on again. */
static bool download_cut_after(const uint8_t *image, int size, sim_time after)
{
    struct sim *sim = board->sim;

    alarm_init(&cut_alarm, cut_power, board);
    alarm_set(sim, &cut_alarm, sim->now + after);
    int error = download_in(image, size, cut_block);
    alarm_cancel(sim, &cut_alarm);
    bool cut = !board->probe->powered;
    assert_true(cut || error == 0);
    power_cycle();
    return cut;
}

static int outcomes[3];                 /* A runs, B runs, the bootloader waits */

/* Either a whole image runs, or the bootloader waits. */
static void expect_old_new_or_bootloader(int size)
{
    poke(NAME_AT, 0);
    board_run_ms(board, 3);
    outcomes[runs('A') ? 0 : runs('B') ? 1 : 2]++;
    if (runs('A')) {
        assert_memory_equal(slot(), image_a, size);
    } else if (runs('B')) {
        assert_memory_equal(slot(), image_b, size);
    } else {
        assert_int_not_equal(peek(VTOR), SLOT);
        enter_bootloader();
    }
    assert_memory_equal(bootloader, board->probe->flash, sizeof bootloader);
}

/* From A, or from whatever the last cut left, to B and the other way round. */
static void cut_at(sim_time after, int size)
{
    static bool to_b;

    to_b = !to_b;
    board_set_boot1(board, 1);          /* into the bootloader, whatever there is */
    board_reset_probe(board);
    enter_bootloader();
    board_set_boot1(board, 0);
    download_cut_after(to_b ? image_b : image_a, size, after);
    expect_old_new_or_bootloader(size);
}

static sim_time download_time(int size)
{
    make_image(image_a, (uint32_t)size, 'A');
    make_image(image_b, (uint32_t)size, 'B');
    enter_bootloader();
    sim_time start = board->sim->now;
    assert_int_equal(download_in(image_a, size, cut_block), 0);
    return board->sim->now - start;
}

/* The next download, from wherever the cut left the board. */
static void next_download_succeeds(int size)
{
    board_set_boot1(board, 1);
    board_reset_probe(board);
    enter_bootloader();
    board_set_boot1(board, 0);
    assert_int_equal(download(image_a, size), 0);
    assert_memory_equal(slot(), image_a, size);
    expect_application_soon('A', 1500);
}

static void a_power_cut_at_320_moments_never_leaves_half_an_image(void **state)
{
    (void)state;
    enum { SIZE = 3 * BLOCK + 500, CUTS = 320 };
    sim_time whole = download_time(SIZE);

    for (int i = 0; i < CUTS; i++) {
        cut_at(whole * (sim_time)i / CUTS + (sim_time)i * 977, SIZE);
        next_download_succeeds(SIZE);
    }
}

/* Blocks that end in the middle of pages and halfwords, and an odd image. */
static void nor_does_one_when_blocks_are_of_odd_sizes(void **state)
{
    (void)state;
    static const int blocks[] = { 37, 63, 999, 1023 };
    enum { SIZE = 2 * BLOCK + 501, CUTS = 60 };

    for (unsigned b = 0; b < sizeof blocks / sizeof blocks[0]; b++) {
        cut_block = blocks[b];
        sim_time whole = download_time(SIZE);
        memset(outcomes, 0, sizeof outcomes);
        for (int i = 0; i < CUTS; i++) {
            install(image_a, SIZE);
            cut_at(whole * (sim_time)i / CUTS + (sim_time)i * 977, SIZE);
        }
        assert_true(outcomes[2] > CUTS / 4);
        for (int i = 0; i < 60; i++)            /* the words are written */
            cut_at(whole - (sim_time)i * 13 * SIM_US, SIZE);
        for (int i = 0; i < 3; i++)
            assert_true(outcomes[i] >= 5);
    }
    cut_block = BLOCK;
    next_download_succeeds(SIZE);
}

/* Each microsecond or so around the two moments that decide. */
static void nor_does_one_around_the_first_and_the_last_halfwords(void **state)
{
    (void)state;
    enum { SIZE = BLOCK };
    sim_time whole = download_time(SIZE);

    next_download_succeeds(SIZE);
    memset(outcomes, 0, sizeof outcomes);
    for (int i = 0; i < 60; i++) {      /* the words are struck out, the page is erased */
        install(image_a, SIZE);
        cut_at(500 * SIM_US + (sim_time)i * 13 * SIM_US, SIZE);
    }
    assert_true(outcomes[0] > 10 && outcomes[2] > 10);
    memset(outcomes, 0, sizeof outcomes);
    for (int i = 0; i < 60; i++)        /* the words are written */
        cut_at(whole - (sim_time)i * 13 * SIM_US, SIZE);
    for (int i = 0; i < 3; i++)         /* or the moments were not the right ones */
        assert_true(outcomes[i] >= 5);
    next_download_succeeds(SIZE);
}

static void nor_does_one_in_any_page_of_a_full_slot(void **state)
{
    (void)state;
    sim_time whole = download_time(SLOT_SIZE);

    for (int page = 0; page < SLOT_SIZE / BLOCK; page++) {
        sim_time start = whole * (sim_time)page / (SLOT_SIZE / BLOCK);
        cut_at(start + (sim_time)(page * 7 % 30) * SIM_MS, SLOT_SIZE);          /* erase */
        cut_at(start + (sim_time)(32 + page * 5 % 24) * SIM_MS, SLOT_SIZE);     /* program */
    }
    next_download_succeeds(SLOT_SIZE);
}

/* --- anything at all ---------------------------------------------------------------------- */

static uint32_t random_state = 1;

static uint32_t any(uint32_t limit)     /* xorshift, the same on every machine */
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state % limit;
}

static void ten_thousand_arbitrary_requests_harm_nothing(void **state)
{
    (void)state;
    static const uint8_t types[] = { 0x21, 0xA1, 0x21, 0xA1, 0x00, 0x80, 0x01, 0x81, 0x02,
                                     0x82, 0x40, 0xC0, 0x41, 0xC1, 0x22, 0xA2, 0x7F, 0xFF };
    static uint8_t bytes[2048];

    make_image(image_a, 3000, 'A');
    enter_bootloader();
    for (int i = 0; i < 10000; i++) {
        int type = types[any(sizeof types)], request = (int)any(any(4) ? 13 : 256);
        int value = any(3) ? (int)any(4) : (int)any(65536);
        int length = any(3) ? (int)any(70) : (int)any(1200);
        if (any(4) == 0)
            memcpy(bytes, image_a, sizeof bytes);
        /* But not these, which would only make it leave. */
        bool leaves = (type == 0x21 && request == DETACH) || (type == 0 && request == 5);
        if (!leaves)
            user_control(board, type, request, value, any(8) ? 0 : (int)any(65536), bytes,
                         length);
        if (!usb_host_attached(board->usb) || any(500) == 0)
            enter_bootloader();
    }
    enter_bootloader();
    assert_int_equal(download(image_a, 3000), 0);
    expect_application_soon('A', 1500);
}

int main(void)
{
#define ON_A_BOARD(test) cmocka_unit_test_setup_teardown(test, power_on, power_off)
    const struct CMUnitTest tests[] = {
        ON_A_BOARD(a_download_is_stored_whole_and_starts_after_the_bus_reset),
        ON_A_BOARD(without_a_bus_reset_it_starts_after_a_second),
        ON_A_BOARD(the_whole_slot_can_be_written_and_read_back),
        ON_A_BOARD(a_download_leaves_what_lies_behind_its_last_page),
        ON_A_BOARD(a_download_may_come_in_blocks_of_any_size),
        ON_A_BOARD(an_upload_may_ask_in_blocks_of_any_size),
        ON_A_BOARD(an_upload_may_end_in_any_place),
        ON_A_BOARD(an_upload_ended_by_a_bus_reset_starts_the_application),
        ON_A_BOARD(an_image_that_cannot_be_right_is_refused_before_anything_is_erased),
        ON_A_BOARD(a_truncated_image_is_refused_at_its_end_and_never_starts),
        ON_A_BOARD(an_image_larger_than_the_slot_is_refused),
        ON_A_BOARD(block_numbers_lengths_and_orders_lead_nowhere_else),
        ON_A_BOARD(a_page_that_is_write_protected_fails_the_download),
        ON_A_BOARD(a_cell_that_does_not_keep_its_value_fails_the_download),
        ON_A_BOARD(the_jumper_decides_when_there_is_an_application),
        ON_A_BOARD(without_an_application_it_stays),
        ON_A_BOARD(an_application_can_ask_for_it_once_as_with_dapboot),
        ON_A_BOARD(the_application_finds_the_chip_as_after_reset),
        ON_A_BOARD(three_watchdog_resets_in_a_row_end_in_the_bootloader),
        ON_A_BOARD(the_button_makes_a_fresh_start),
        cmocka_unit_test_setup_teardown(the_probe_goes_to_the_bootloader_and_comes_back,
                                        power_on_with_probe, power_off),
        cmocka_unit_test_setup_teardown(
            three_crashes_of_the_probe_in_a_row_end_in_the_bootloader, power_on_with_probe,
            power_off),
        ON_A_BOARD(a_size_register_that_lies_is_not_believed),
        ON_A_BOARD(a_larger_chip_is_used_to_its_end),
        ON_A_BOARD(it_works_without_a_crystal),
        ON_A_BOARD(the_led_blinks_slowly_while_waiting),
        ON_A_BOARD(a_power_cut_at_320_moments_never_leaves_half_an_image),
        ON_A_BOARD(nor_does_one_when_blocks_are_of_odd_sizes),
        ON_A_BOARD(nor_does_one_around_the_first_and_the_last_halfwords),
        ON_A_BOARD(nor_does_one_in_any_page_of_a_full_slot),
        ON_A_BOARD(ten_thousand_arbitrary_requests_harm_nothing),
    };
    return cmocka_run_group_tests_name("bootloader", tests, NULL, NULL);
}
