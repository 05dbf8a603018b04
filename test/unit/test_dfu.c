/* test_dfu.c - does every request do in every state what DFU 1.1 says, and every length of a
 * block?  Linked with dfu.c and nothing else: flash and clock below are fakes.  The flash is
 * plain memory at its true address, and behind the largest there is nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "clock.h"
#include "dfu.h"
#include "selfflash.h"

/* --- what dfu.c stands on ----------------------------------------------------------- */

enum { SLOT_SIZE = 8192, LARGEST_SLOT = 120 * 1024 };
static uint8_t *flash;                  /* the slot: LARGEST_SLOT bytes at SLOT_START */
static uint32_t slot_size;
static char calls[4096];                /* in order: s strike out, e erase, p program */
static enum selfflash_error erase_error, program_error;
static int programs_before;             /* so many succeed first */
static uint32_t now;

uint32_t clock_ms(void) { return now; }
uint32_t selfflash_end(void) { return SLOT_START + slot_size; }
bool selfflash_sp_plausible(uint32_t sp) { return sp == 0x20000800; }
bool selfflash_entry_plausible(uint32_t reset)
{
    return reset % 2 == 1 && reset > SLOT_START + 8 && reset < SLOT_START + LARGEST_SLOT;
}

static void note(char call)
{
    size_t n = strlen(calls);
    assert_true(n + 1 < sizeof calls);
    calls[n] = call;
    calls[n + 1] = '\0';
}

static uint8_t *at(uint32_t address, uint32_t length)
{
    assert_true(address >= SLOT_START && address + length <= SLOT_START + slot_size);
    return flash + (address - SLOT_START);
}

enum selfflash_error selfflash_erase(uint32_t page)
{
    note('e');
    assert_int_equal(page % FLASH_PAGE, 0);
    memset(at(page, FLASH_PAGE), 0xFF, FLASH_PAGE);
    return erase_error;
}

enum selfflash_error selfflash_program(uint32_t address, const uint8_t *bytes,
                                       uint32_t length)
{
    note('p');
    for (uint32_t i = 0; i < length; i++)
        assert_int_equal(at(address, length)[i], 0xFF);
    if (program_error && programs_before-- <= 0)
        return program_error;
    memcpy(at(address, length), bytes, length);
    return SELFFLASH_OK;
}

void selfflash_strike_out(uint32_t address, uint32_t length)
{
    note('s');
    memset(at(address, length), 0, length);
}

/* --- the host --------------------------------------------------------------------------- */

enum { DETACH, DNLOAD, UPLOAD, GETSTATUS, CLRSTATUS, GETSTATE, ABORT };
enum { STALL = -1 };

static uint8_t buffer[1024];            /* what usb.c would have received */
static uint8_t image[LARGEST_SLOT];
static const uint8_t *reply;

static int request_of(usb_control *control, int type, int request, int value, int length)
{
    const struct usb_setup setup = {
        (uint8_t)type, (uint8_t)request, (uint16_t)value, 0, (uint16_t)length
    };
    reply = buffer;
    int result = control(&setup, &reply);
    if (result >= 0 && !(type & 0x80))
        dfu_done(&setup);               /* the status stage */
    return result;
}

static int ask(int type, int request, int value, int length)
{
    return request_of(dfu_control, type, request, value, length);
}

static int status(void)                 /* bState; bStatus is reply[0] */
{
    assert_int_equal(ask(0xA1, GETSTATUS, 0, 6), 6);
    return reply[4];
}

static int state(void)
{
    assert_int_equal(ask(0xA1, GETSTATE, 0, 1), 1);
    return reply[0];
}

static void fill_image(void)
{
    const uint32_t start[] = { 0x20000800, SLOT_START + 9 };
    for (size_t i = 0; i < sizeof buffer; i++)
        buffer[i] = (uint8_t)(i % 250);
    memcpy(buffer, start, sizeof start);
}

static int power_on(void **unused)
{
    void *wanted = (void *)(uintptr_t)SLOT_START;
    (void)unused;
    if (!flash)
        flash = mmap(wanted, LARGEST_SLOT, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (flash != wanted)
        return -1;
    memset(flash, 0x55, LARGEST_SLOT);
    slot_size = SLOT_SIZE;
    erase_error = program_error = SELFFLASH_OK;
    programs_before = 0;
    dfu_start();
    dfu_configured(false);              /* enumeration */
    dfu_configured(true);
    calls[0] = '\0';
    fill_image();
    return 0;
}

/* --- tests -------------------------------------------------------------------------------- */

static void go_to(int wanted)
{
    ask(0x21, ABORT, 0, 0);
    if (state() == DFU_ERROR)
        ask(0x21, CLRSTATUS, 0, 0);
    assert_int_equal(state(), DFU_IDLE);
    fill_image();
    switch (wanted) {
    case DFU_DNLOAD_SYNC:
    case DFU_DNLOAD_IDLE:
    case DFU_MANIFEST_SYNC:
    case DFU_MANIFEST_WAIT_RESET:
        assert_int_equal(ask(0x21, DNLOAD, 0, 1024), 0);
        if (wanted == DFU_DNLOAD_SYNC)
            break;
        status();
        if (wanted == DFU_DNLOAD_IDLE)
            break;
        assert_int_equal(ask(0x21, DNLOAD, 1, 0), 0);
        if (wanted == DFU_MANIFEST_WAIT_RESET)
            status();
        break;
    case DFU_UPLOAD_IDLE:
        assert_int_equal(ask(0xA1, UPLOAD, 0, 64), 64);
        break;
    case DFU_ERROR:
        assert_int_equal(ask(0x21, DNLOAD, 7, 64), STALL);
        break;
    }
    assert_int_equal(state(), wanted);
}

/* DFU 1.1 A.2, and what we add: GETSTATUS and GETSTATE are always answered, DETACH always
 * taken.  A dot is STALL, after which the state is dfuERROR. */
static void every_request_in_every_state(void **unused)
{
    (void)unused;
    enum { X = DFU_ERROR };
    static const struct {
        int state;
        /* DETACH, DNLOAD, empty DNLOAD, UPLOAD, GETSTATUS, CLRSTATUS, GETSTATE, ABORT */
        int next[8];
        bool stalls[8];
    } table[] = {
        { DFU_IDLE,        { 2, 3, X, 9, 2, X, 2, 2 }, { 0, 0, 1, 0, 0, 1, 0, 0 } },
        { DFU_DNLOAD_SYNC, { 3, X, X, X, 5, X, 3, X }, { 0, 1, 1, 1, 0, 1, 0, 1 } },
        { DFU_DNLOAD_IDLE, { 5, 3, 6, X, 5, X, 5, 2 }, { 0, 0, 0, 1, 0, 1, 0, 0 } },
        { DFU_MANIFEST_SYNC,       { 6, X, X, X, 8, X, 6, 2 }, { 0, 1, 1, 1, 0, 1, 0, 0 } },
        { DFU_MANIFEST_WAIT_RESET, { 8, X, X, X, 8, X, 8, X }, { 0, 1, 1, 1, 0, 1, 0, 1 } },
        { DFU_UPLOAD_IDLE, { 9, X, X, 9, 9, X, 9, 2 }, { 0, 1, 1, 0, 0, 1, 0, 0 } },
        { DFU_ERROR,       { X, X, X, X, X, 2, X, X }, { 0, 1, 1, 1, 0, 0, 0, 1 } },
    };
    static const struct { int type, request, length; } requests[8] = {
        { 0x21, DETACH, 0 }, { 0x21, DNLOAD, 1024 }, { 0x21, DNLOAD, 0 },
        { 0xA1, UPLOAD, 64 }, { 0xA1, GETSTATUS, 6 }, { 0x21, CLRSTATUS, 0 },
        { 0xA1, GETSTATE, 1 }, { 0x21, ABORT, 0 },
    };
    for (size_t row = 0; row < sizeof table / sizeof table[0]; row++) {
        for (int r = 0; r < 8; r++) {
            go_to(table[row].state);
            int block = table[row].state == DFU_DNLOAD_IDLE
                     || table[row].state == DFU_UPLOAD_IDLE;
            int got = ask(requests[r].type, requests[r].request, block, requests[r].length);
            int is = requests[r].request == GETSTATE ? reply[0] : state();
            if (is != table[row].next[r] || (got == STALL) != table[row].stalls[r])
                fail_msg("state %d, request %d: result %d, then state %d",
                         table[row].state, r, got, is);
        }
    }
}

static void other_requests_stall_and_are_an_error(void **unused)
{
    (void)unused;
    static const struct { int type, request, length; } wrong[] = {
        { 0x21, 7, 0 }, { 0xA1, 7, 1 }, { 0x21, 255, 0 }, { 0xA1, DNLOAD, 64 },
        { 0x21, UPLOAD, 64 }, { 0xA1, UPLOAD, 0 }, { 0x21, GETSTATUS, 0 },
        { 0xA1, GETSTATUS, 0 }, { 0x21, DETACH, 2 }, { 0x21, ABORT, 1 },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        go_to(DFU_IDLE);
        assert_int_equal(ask(wrong[i].type, wrong[i].request, 0, wrong[i].length), STALL);
        assert_int_equal(status(), DFU_ERROR);
        assert_int_equal(reply[0], DFU_ERR_STALLEDPKT);
    }
}

static void the_first_error_is_the_one_that_is_told(void **unused)
{
    (void)unused;
    go_to(DFU_ERROR);
    assert_int_equal(ask(0x21, DNLOAD, 0, 64), STALL);
    assert_int_equal(status(), DFU_ERROR);
    assert_int_equal(reply[0], DFU_ERR_ADDRESS);
    assert_int_equal(ask(0x21, CLRSTATUS, 0, 0), 0);
    assert_int_equal(status(), DFU_IDLE);
    assert_int_equal(reply[0], DFU_OK);
}

static void the_first_words_are_struck_out_first_and_written_last(void **unused)
{
    (void)unused;
    memcpy(image, buffer, 1024);
    assert_int_equal(ask(0x21, DNLOAD, 0, 1024), 0);
    assert_string_equal(calls, "sep");
    for (int i = 0; i < 8; i++)
        assert_int_equal(flash[i], 0xFF);
    assert_memory_equal(flash + 8, image + 8, 1016);
    status();
    memset(buffer, 0x11, sizeof buffer);        /* other requests use it meanwhile */
    assert_int_equal(ask(0x21, DNLOAD, 1, 500), 0);
    status();
    assert_int_equal(flash[0], 0xFF);
    assert_int_equal(ask(0x21, DNLOAD, 2, 0), 0);
    assert_string_equal(calls, "sepeppp");
    assert_memory_equal(flash, image, 1024);
    assert_int_equal(flash[1024 + 499], 0x11);
    assert_int_equal(flash[1024 + 500], 0xFF);
}

static void nothing_is_touched_before_the_first_block_is_good(void **unused)
{
    (void)unused;
    buffer[3] = 0x30;
    assert_int_equal(ask(0x21, DNLOAD, 0, 1024), STALL);
    assert_int_equal(status(), DFU_ERROR);
    assert_int_equal(reply[0], DFU_ERR_FILE);
    assert_string_equal(calls, "");
}

/* The status stage never came: the host gave up, and may ask for something else. */
static void a_block_whose_transfer_was_broken_off_is_not_written(void **unused)
{
    (void)unused;
    const struct usb_setup dnload = { 0x21, DNLOAD, 0, 0, 1024 };
    reply = buffer;
    assert_int_equal(dfu_control(&dnload, &reply), 0);
    assert_int_equal(status(), DFU_IDLE);
    assert_int_equal(ask(0x21, ABORT, 0, 0), 0);
    assert_string_equal(calls, "");
    assert_int_equal(ask(0x21, DNLOAD, 0, 1024), 0);
    assert_int_equal(status(), DFU_DNLOAD_IDLE);
}

static void what_flash_says_is_what_the_host_hears(void **unused)
{
    (void)unused;
    static const struct { enum selfflash_error error; int status; } table[] = {
        { SELFFLASH_ADDRESS, DFU_ERR_ADDRESS }, { SELFFLASH_PROTECTED, DFU_ERR_WRITE },
        { SELFFLASH_ERASE, DFU_ERR_ERASE }, { SELFFLASH_NOT_ERASED, DFU_ERR_CHECK_ERASED },
        { SELFFLASH_PROGRAM, DFU_ERR_PROG }, { SELFFLASH_VERIFY, DFU_ERR_VERIFY },
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        for (int where = 0; where < 2; where++) {
            go_to(DFU_IDLE);
            *(where ? &program_error : &erase_error) = table[i].error;
            assert_int_equal(ask(0x21, DNLOAD, 0, 1024), 0);
            assert_int_equal(status(), DFU_ERROR);
            assert_int_equal(reply[0], table[i].status);
            erase_error = program_error = SELFFLASH_OK;
        }
    }
    go_to(DFU_DNLOAD_IDLE);
    program_error = SELFFLASH_VERIFY;   /* of the first words: the end is refused */
    assert_int_equal(ask(0x21, DNLOAD, 1, 0), STALL);
    assert_int_equal(status(), DFU_ERROR);
    assert_int_equal(reply[0], DFU_ERR_VERIFY);
}

/* The entry fails, then the stack: without the stack there is no application. */
static void an_end_that_cannot_be_written_is_refused_and_no_application(void **unused)
{
    (void)unused;
    for (int good = 0; good < 2; good++) {
        go_to(DFU_DNLOAD_IDLE);
        program_error = SELFFLASH_PROGRAM;
        programs_before = good;
        calls[0] = '\0';
        assert_int_equal(ask(0x21, DNLOAD, 1, 0), STALL);
        assert_string_equal(calls, good ? "pp" : "p");
        assert_int_equal(status(), DFU_ERROR);
        assert_int_equal(reply[0], DFU_ERR_PROG);
        for (int i = 0; i < 4; i++)
            assert_int_equal(flash[i], 0xFF);
        now += 10000;
        assert_false(dfu_finished());
        assert_int_equal(ask(0x21, CLRSTATUS, 0, 0), 0);
        assert_int_equal(ask(0x21, DNLOAD, 0, 0), STALL);       /* nor by asking again */
        program_error = SELFFLASH_OK;
    }
}

static void blocks_stay_in_the_slot(void **unused)
{
    (void)unused;
    go_to(DFU_DNLOAD_IDLE);
    for (int n = 1; n < SLOT_SIZE / 1024; n++) {
        assert_int_equal(ask(0x21, DNLOAD, n, 1024), 0);
        status();
    }
    assert_int_equal(ask(0x21, DNLOAD, SLOT_SIZE / 1024, 1), STALL);
    assert_int_equal(status(), DFU_ERROR);
    assert_int_equal(reply[0], DFU_ERR_ADDRESS);
}

/* --- blocks of any length: DFU 1.1, 6.1 and 6.2, leave it to the host --------------------- */

static void make_image(uint32_t entry)
{
    const uint32_t start[] = { 0x20000800, entry };
    for (size_t i = 0; i < sizeof image; i++)
        image[i] = (uint8_t)(i % 251);
    memcpy(image, start, sizeof start);
}

/* The block's length is `length`, or with 0 another one each time. */
static int length_of_block(int length, int n)
{
    return length ? length : 1 + n * 389 % 1024;
}

/* Up to the first `total` bytes of the image; how many blocks it took. */
static int send_image(int total, int length)
{
    int n = 0;
    for (int at = 0, size; at < total; at += size, n++) {
        size = length_of_block(length, n);
        size = size < total - at ? size : total - at;
        memcpy(buffer, image + at, (size_t)size);
        assert_int_equal(ask(0x21, DNLOAD, n & 0xFFFF, size), 0);
        memset(buffer, 0xA5, sizeof buffer);    /* other requests use it meanwhile */
        assert_int_equal(status(), DFU_DNLOAD_IDLE);
    }
    return n;
}

/* As packets leave: eight at a time, so that up to seven behind them are read (usb_ep.h).
 * Behind the end of the flash that is a fault. */
static void expect_sent(const uint8_t *bytes, int length)
{
    uintptr_t from = (uintptr_t)reply, to = from + ((unsigned)length + 7) / 8 * 8;
    assert_memory_equal(reply, bytes, length);
    if (from >= SLOT_START && from < selfflash_end())
        assert_true(to <= selfflash_end());
}

static void expect_uploads(int length)
{
    int at = 0, n = 0, got, size;
    do {
        size = length_of_block(length, n);
        got = ask(0xA1, UPLOAD, n++ & 0xFFFF, size);
        assert_true(got >= 0 && got <= size && at + got <= (int)slot_size);
        expect_sent(flash + at, got);
        at += got;
    } while (got == size);
    assert_int_equal(at, slot_size);
    assert_int_equal(state(), DFU_IDLE);
}

static void blocks_of_any_length_are_stored_and_read_back(void **unused)
{
    (void)unused;
    static const int lengths[] = { 0, 1, 2, 3, 7, 8, 9, 37, 63, 64, 65, 100, 511, 999, 1000, 1022,
                                   1023, 1024 };
    static const int totals[] = { 10, 11, 1023, 1024, 1025, 2048, 3001, SLOT_SIZE - 1,
                                  SLOT_SIZE };
    make_image(SLOT_START + 9);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        for (size_t j = 0; j < sizeof totals / sizeof totals[0]; j++) {
            int total = totals[j], pages = (total + FLASH_PAGE - 1) / FLASH_PAGE * FLASH_PAGE;
            power_on(NULL);
            int n = send_image(total, lengths[i]);
            for (int k = 0; k < 8; k++)         /* not yet */
                assert_int_equal(flash[k], total < FLASH_PAGE ? 0x55 : 0xFF);
            assert_int_equal(ask(0x21, DNLOAD, n & 0xFFFF, 0), 0);
            assert_memory_equal(flash, image, total);
            for (int k = total; k < SLOT_SIZE; k++)
                assert_int_equal(flash[k], k < pages ? 0xFF : 0x55);
            ask(0x21, ABORT, 0, 0);
            expect_uploads(lengths[i]);
        }
    }
}

/* The number has 16 bits, and the largest chip's slot more than 65,536 bytes. */
static void block_numbers_start_anew_after_the_largest(void **unused)
{
    (void)unused;
    slot_size = LARGEST_SLOT;
    make_image(SLOT_START + 9);
    int n = send_image(LARGEST_SLOT, 1);
    assert_int_equal(ask(0x21, DNLOAD, n & 0xFFFF, 0), 0);
    assert_memory_equal(flash, image, LARGEST_SLOT);
    ask(0x21, ABORT, 0, 0);
    expect_uploads(1);
}

/* What can be seen in the first eight bytes is seen before anything is touched, in however
 * many blocks they come. */
static void an_image_that_cannot_be_right_leaves_the_old_one_alone(void **unused)
{
    (void)unused;
    static const struct { uint32_t sp, entry; int status; } wrong[] = {
        { 0x30303A31, SLOT_START + 9, DFU_ERR_FILE },
        { 0x20000800, 0x08000101, DFU_ERR_TARGET },
        { 0x20000800, SLOT_START + SLOT_SIZE + 1, DFU_ERR_TARGET },     /* a larger chip's */
    };
    static const int lengths[] = { 1, 3, 7, 8, 9, 1024 };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        for (size_t j = 0; j < sizeof lengths / sizeof lengths[0]; j++) {
            int whole = 7 / lengths[j];         /* blocks before the one that tells */
            go_to(DFU_IDLE);
            make_image(wrong[i].entry);
            memcpy(image, &wrong[i].sp, 4);
            send_image(whole * lengths[j], lengths[j]);
            memcpy(buffer, image + whole * lengths[j], (size_t)lengths[j]);
            assert_int_equal(ask(0x21, DNLOAD, whole, lengths[j]), STALL);
            assert_int_equal(status(), DFU_ERROR);
            assert_int_equal(reply[0], wrong[i].status);
            assert_string_equal(calls, "");
        }
    }
}

static void an_image_that_ends_before_its_entry_leaves_the_old_one_alone(void **unused)
{
    (void)unused;
    make_image(SLOT_START + 1001);
    for (int total = 1; total <= 1001; total += total < 20 ? 1 : 109) {
        go_to(DFU_IDLE);
        assert_int_equal(ask(0x21, DNLOAD, send_image(total, 37), 0), STALL);
        assert_int_equal(status(), DFU_ERROR);
        assert_int_equal(reply[0], DFU_ERR_NOTDONE);
        assert_string_equal(calls, "");
    }
}

/* The last page is written when the host says that it was the last. */
static void an_end_that_flash_does_not_take_is_refused(void **unused)
{
    (void)unused;
    static const int ends[] = { 500, 1500 };
    for (size_t i = 0; i < 2; i++) {
        for (int where = 0; where < 2; where++) {
            go_to(DFU_IDLE);
            make_image(SLOT_START + 9);
            int n = send_image(ends[i], 99);
            *(where ? &program_error : &erase_error) = SELFFLASH_PROTECTED;
            assert_int_equal(ask(0x21, DNLOAD, n, 0), STALL);
            assert_int_equal(status(), DFU_ERROR);
            assert_int_equal(reply[0], DFU_ERR_WRITE);
            erase_error = program_error = SELFFLASH_OK;
            for (int k = 0; k < 4; k++)
                assert_int_equal(flash[k], 0xFF);
        }
    }
}

/* The entry point's instruction is two bytes, behind the Thumb bit. */
static void an_image_that_ends_in_its_first_instruction_is_not_done(void **unused)
{
    (void)unused;
    for (int length = 8; length <= 10; length++) {
        go_to(DFU_IDLE);
        assert_int_equal(ask(0x21, DNLOAD, 0, length), 0);
        assert_int_equal(status(), DFU_DNLOAD_IDLE);
        assert_int_equal(ask(0x21, DNLOAD, 1, 0), length == 10 ? 0 : STALL);
        status();
        assert_int_equal(reply[0], length == 10 ? DFU_OK : DFU_ERR_NOTDONE);
    }
}

static void uploads_end_with_a_short_block(void **unused)
{
    (void)unused;
    for (int n = 0; n < SLOT_SIZE / 1024; n++) {
        flash[1024 * n] = (uint8_t)n;
        assert_int_equal(ask(0xA1, UPLOAD, n, 1024), 1024);
        assert_memory_equal(reply, flash + 1024 * n, 1024);
    }
    assert_int_equal(ask(0xA1, UPLOAD, SLOT_SIZE / 1024, 1024), 0);
    assert_int_equal(state(), DFU_IDLE);
    assert_int_equal(ask(0xA1, UPLOAD, 0, 1000), 1000);
    for (int n = 1; n < 8; n++)
        assert_int_equal(ask(0xA1, UPLOAD, n, 1000), 1000);
    assert_int_equal(ask(0xA1, UPLOAD, 8, 1000), 192);
    assert_int_equal(ask(0xA1, UPLOAD, 0, 1025), STALL);
}

static void it_leaves_when_it_should_and_not_before(void **unused)
{
    (void)unused;
    assert_false(dfu_finished());
    go_to(DFU_MANIFEST_WAIT_RESET);
    now += 900;
    assert_false(dfu_finished());
    dfu_configured(false);              /* the host's reset */
    now += 900;
    assert_false(dfu_finished());
    assert_int_equal(state(), DFU_MANIFEST_WAIT_RESET);
    dfu_configured(true);
    now += 300;
    assert_false(dfu_finished());
    now += 200;
    assert_true(dfu_finished());
}

static void a_reset_in_the_middle_starts_over(void **unused)
{
    (void)unused;
    static const int states[] = { DFU_DNLOAD_SYNC, DFU_DNLOAD_IDLE, DFU_MANIFEST_SYNC,
                                  DFU_UPLOAD_IDLE, DFU_ERROR };
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        go_to(states[i]);
        dfu_configured(false);
        dfu_configured(true);
        assert_int_equal(status(), DFU_IDLE);
        assert_int_equal(reply[0], DFU_OK);
        now += 10000;
        assert_false(dfu_finished());
    }
}

/* Must be the last: it ends in appDETACH. */
static void at_run_time_only_detach_does_something(void **unused)
{
    (void)unused;
    static const int wrong[] = { UPLOAD, CLRSTATUS, ABORT, 7 };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(request_of(dfu_runtime_control, 0x21, wrong[i], 0, 0), STALL);
    assert_int_equal(request_of(dfu_runtime_control, 0x21, DNLOAD, 0, 64), STALL);
    assert_int_equal(request_of(dfu_runtime_control, 0xA1, GETSTATE, 0, 1), 1);
    assert_int_not_equal(reply[0], DFU_ERROR);
    assert_false(dfu_finished());
    assert_int_equal(request_of(dfu_runtime_control, 0x21, DETACH, 1000, 0), 0);
    assert_false(dfu_finished());       /* the status stage has to get through */
    now += 60;
    assert_true(dfu_finished());
    assert_string_equal(calls, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_request_in_every_state, power_on),
        cmocka_unit_test_setup(other_requests_stall_and_are_an_error, power_on),
        cmocka_unit_test_setup(the_first_error_is_the_one_that_is_told, power_on),
        cmocka_unit_test_setup(the_first_words_are_struck_out_first_and_written_last, power_on),
        cmocka_unit_test_setup(nothing_is_touched_before_the_first_block_is_good, power_on),
        cmocka_unit_test_setup(a_block_whose_transfer_was_broken_off_is_not_written, power_on),
        cmocka_unit_test_setup(what_flash_says_is_what_the_host_hears, power_on),
        cmocka_unit_test_setup(an_end_that_cannot_be_written_is_refused_and_no_application,
                               power_on),
        cmocka_unit_test_setup(blocks_stay_in_the_slot, power_on),
        cmocka_unit_test_setup(blocks_of_any_length_are_stored_and_read_back, power_on),
        cmocka_unit_test_setup(block_numbers_start_anew_after_the_largest, power_on),
        cmocka_unit_test_setup(an_image_that_cannot_be_right_leaves_the_old_one_alone,
                               power_on),
        cmocka_unit_test_setup(an_image_that_ends_before_its_entry_leaves_the_old_one_alone,
                               power_on),
        cmocka_unit_test_setup(an_end_that_flash_does_not_take_is_refused, power_on),
        cmocka_unit_test_setup(an_image_that_ends_in_its_first_instruction_is_not_done, power_on),
        cmocka_unit_test_setup(uploads_end_with_a_short_block, power_on),
        cmocka_unit_test_setup(it_leaves_when_it_should_and_not_before, power_on),
        cmocka_unit_test_setup(a_reset_in_the_middle_starts_over, power_on),
        cmocka_unit_test_setup(at_run_time_only_detach_does_something, power_on),
    };
    return cmocka_run_group_tests_name("dfu", tests, NULL, NULL);
}
