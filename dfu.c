/* dfu.c - Device Firmware Upgrade 1.1: states and requests.
 *
 *   IDLE --DNLOAD--> DNLOAD-SYNC --GETSTATUS--> DNLOAD-IDLE --DNLOAD--> DNLOAD-SYNC ...
 *                                               DNLOAD-IDLE --DNLOAD, empty-->
 *     MANIFEST-SYNC --GETSTATUS--> MANIFEST-WAIT-RESET --reset, or a second--> application
 *   IDLE --UPLOAD--> UPLOAD-IDLE --UPLOAD--> ... the short one --> IDLE
 *   everything else: STALL, ERROR, until CLRSTATUS
 *
 * How long a block is, from one byte to wTransferSize, is the host's choice each time (6.1,
 * 6.2).  Blocks are gathered, and written a page at a time: when it is full, or when the host
 * says that this was all.
 *
 * A half image never starts.  The first two words, stack and entry, are struck out before
 * anything is erased, kept in RAM while the rest is written, and programmed at the end:
 * the entry first, then the stack, whose upper half comes last.  It must read exactly
 * 0x2000; before that, and in any state between, the bootloader finds no application.
 *
 * A full page is written between the status stage of its DNLOAD and whatever the host says
 * next, which waits (NAK) for some 60 ms.  So no buffer can be overwritten meanwhile,
 * GETSTATUS never has to answer DNBUSY, and no time is guessed.
 *
 * dfu-util calls a download good or bad by these: an image that cannot be right is refused
 * with its first eight bytes, before anything is touched; when the end is missing or cannot
 * be written, the empty DNLOAD is refused; and after MANIFEST-WAIT-RESET we must still be
 * there, with the same descriptors, when its bus reset comes.
 *
 * To compare before the application starts: after the empty DNLOAD, ABORT and UPLOAD; then
 * DETACH, which here too means "to the application".
 *
 * Source: DFU 1.1, sections 3, 6 and A.2. */
#include "dfu.h"
#include "clock.h"
#include "mem.h"
#include "selfflash.h"

enum {
    DETACH, DNLOAD, UPLOAD, GETSTATUS, CLRSTATUS, GETSTATE, ABORT,
    OUT = USB_CLASS | USB_TO_INTERFACE, IN = OUT | USB_FROM_DEVICE,

    /* Until we leave.  The host takes its time to come back after its reset. */
    DETACH_MS = 50, NO_RESET_MS = 1000, RESET_MS = 3000, CONFIGURED_MS = 400
};

/* All written by the USB interrupt. */
static struct {
    uint8_t state, status;
    uint16_t block;                     /* the number of the next */
    uint32_t at;                        /* ... and where its first byte belongs */
    struct vectors vectors;             /* of the image that is being written */
    uint32_t blocks;
    bool complete;                      /* the next bus reset is the end */
    volatile bool leaving;
    volatile uint32_t leave_at;         /* ms */
    uint8_t reply[6];
} dfu;

/* The page that is not full yet, and a block that goes on into the next.  UPLOAD copies to
 * here, for packets leave in eights (usb_ep.h), and behind the flash's last byte a look is a
 * fault. */
static uint8_t page[FLASH_PAGE + DFU_TRANSFER_SIZE];

static void leave_in(uint32_t ms)
{
    dfu.leave_at = clock_in_ms(ms);
    dfu.leaving = true;
}

static int fail(enum dfu_status status)
{
    dfu.state = DFU_ERROR;
    dfu.status = (uint8_t)status;
    return USB_REFUSE;
}

static void idle(void)
{
    dfu.state = DFU_IDLE;
    dfu.status = DFU_OK;
}

/* --- download ------------------------------------------------------------------------ */

/* What went wrong in flash has the number that DFU gives it. */
_Static_assert((int)SELFFLASH_OK == DFU_OK && (int)SELFFLASH_PROTECTED == DFU_ERR_WRITE
               && (int)SELFFLASH_ERASE == DFU_ERR_ERASE
               && (int)SELFFLASH_NOT_ERASED == DFU_ERR_CHECK_ERASED
               && (int)SELFFLASH_PROGRAM == DFU_ERR_PROG
               && (int)SELFFLASH_VERIFY == DFU_ERR_VERIFY
               && (int)SELFFLASH_ADDRESS == DFU_ERR_ADDRESS, "DFU 1.1 6.1.2");

/* The next part of the slot, whichever way it goes.  Blocks are numbered without a gap, from
 * 0 and after 65535 from 0 again. */
static bool in_sequence(const struct usb_setup *setup)
{
    if (dfu.state == DFU_IDLE)
        dfu.block = 0, dfu.at = SLOT_START;
    dfu.leaving = dfu.complete = false;
    return setup->wValue == dfu.block;
}

static uint32_t room_left(void)
{
    return selfflash_end() - dfu.at;
}

/* Takes the two words out of the block that completes them, if they can be right. */
static enum dfu_status check_vectors(uint32_t end)
{
    uint32_t complete = SLOT_START + sizeof dfu.vectors;
    if (dfu.at >= complete || end < complete)
        return DFU_OK;
    memcpy(&dfu.vectors, page, sizeof dfu.vectors);
    if (!selfflash_sp_plausible(dfu.vectors.sp))
        return DFU_ERR_FILE;            /* text, a .hex, an archive, nothing */
    if (!selfflash_entry_plausible(dfu.vectors.reset)
        || dfu.vectors.reset >= selfflash_end())
        return DFU_ERR_TARGET;          /* linked for another place, or a larger chip */
    return DFU_OK;
}

/* All of a block is here. */
static int accept_block(const struct usb_setup *setup, const uint8_t **data)
{
    if (!in_sequence(setup) || setup->wLength > room_left())
        return fail(DFU_ERR_ADDRESS);
    memcpy(page + dfu.at % FLASH_PAGE, *data, setup->wLength);
    enum dfu_status status = check_vectors(dfu.at + setup->wLength);
    return status ? fail(status) : 0;
}

/* The first `length` bytes of a page; behind them it stays erased. */
static enum selfflash_error write_page(uint32_t to, uint32_t length)
{
    uint32_t held = to == SLOT_START ? sizeof dfu.vectors : 0;
    if (held)
        selfflash_strike_out(to, held);
    enum selfflash_error error = selfflash_erase(to);
    return error ? error : selfflash_program(to + held, page + held, length - held);
}

/* The host knows that it was accepted; now there is time. */
void dfu_done(const struct usb_setup *setup)
{
    enum selfflash_error error = SELFFLASH_OK;
    if (setup->bmRequestType != OUT || setup->bRequest != DNLOAD || setup->wLength == 0)
        return;
    uint32_t start = dfu.at & ~(uint32_t)(FLASH_PAGE - 1);
    dfu.at += setup->wLength;
    if (dfu.at - start >= FLASH_PAGE) {
        error = write_page(start, FLASH_PAGE);
        memcpy(page, page + FLASH_PAGE, dfu.at % FLASH_PAGE);
    }
    dfu.block++;
    dfu.blocks++;
    dfu.state = DFU_DNLOAD_SYNC;
    if (error)
        fail((enum dfu_status)error);
}

static enum selfflash_error program_word(uint32_t address, const uint32_t *value)
{
    return selfflash_program(address, (const uint8_t *)value, sizeof *value);
}

/* The empty DNLOAD: that was all.  An entry point behind the last byte means it was not. */
static int manifest(const struct usb_setup *setup, const uint8_t **data)
{
    enum selfflash_error error = SELFFLASH_OK;
    uint32_t left = dfu.at % FLASH_PAGE;
    (void)setup, (void)data;
    if (dfu.at < SLOT_START + sizeof dfu.vectors || dfu.vectors.reset >= dfu.at)
        return fail(DFU_ERR_NOTDONE);
    if (left)
        error = write_page(dfu.at - left, left);
    if (!error)
        error = program_word(SLOT_START + 4, &dfu.vectors.reset);
    if (!error)
        error = program_word(SLOT_START, &dfu.vectors.sp);
    if (error)
        return fail((enum dfu_status)error);
    dfu.state = DFU_MANIFEST_SYNC;
    return 0;
}

/* --- upload -------------------------------------------------------------------------- */

static int upload(const struct usb_setup *setup, const uint8_t **data)
{
    if (!in_sequence(setup) || setup->wLength > DFU_TRANSFER_SIZE)
        return fail(DFU_ERR_ADDRESS);
    uint32_t left = room_left();
    uint32_t length = setup->wLength < left ? setup->wLength : left;
    memcpy(page, (const void *)(uintptr_t)dfu.at, length);
    *data = page;
    dfu.at += length;
    dfu.block++;
    dfu.complete = length < setup->wLength;
    dfu.state = dfu.complete ? DFU_IDLE : DFU_UPLOAD_IDLE;
    return (int)length;
}

/* --- the rest ------------------------------------------------------------------------- */

static int tell_status(const struct usb_setup *setup, const uint8_t **data)
{
    (void)setup;
    dfu.reply[0] = dfu.status;          /* bwPollTimeout and iString stay 0 */
    dfu.reply[4] = dfu.state;
    *data = dfu.reply;
    return sizeof dfu.reply;
}

/* Who asks goes on: to the next block, or to the end. */
static int get_status(const struct usb_setup *setup, const uint8_t **data)
{
    if (dfu.state == DFU_DNLOAD_SYNC)
        dfu.state = DFU_DNLOAD_IDLE;
    if (dfu.state == DFU_MANIFEST_SYNC) {
        dfu.state = DFU_MANIFEST_WAIT_RESET;
        dfu.complete = true;
        leave_in(NO_RESET_MS);
    }
    return tell_status(setup, data);
}

static int get_state(const struct usb_setup *setup, const uint8_t **data)
{
    (void)setup;
    *data = &dfu.state;
    return sizeof dfu.state;
}

static int abandon(const struct usb_setup *setup, const uint8_t **data)
{
    (void)setup, (void)data;
    idle();
    return 0;
}

static int detach(void)
{
    dfu.state = DFU_APP_DETACH;
    leave_in(DETACH_MS);
    return 0;
}

/* As dfu-util -R does it: DETACH, then a reset of the bus, through which we must still be
 * here; how soon it comes is the host's affair. */
static int leave(const struct usb_setup *setup, const uint8_t **data)
{
    (void)setup, (void)data;
    dfu.complete = true;
    leave_in(NO_RESET_MS);
    return 0;
}

/* --- who may ask what, when ------------------------------------------------------------- */

struct rule {
    uint8_t type, request;
    uint16_t when;                      /* bit n: in state n; and whether with data */
    int (*answer)(const struct usb_setup *setup, const uint8_t **data);
};
enum {
    ANY = 0x7FF,
    START = 1 << DFU_IDLE,
    DOWN = 1 << DFU_DNLOAD_IDLE, UP = 1 << DFU_UPLOAD_IDLE,
    WRITTEN = 1 << DFU_MANIFEST_SYNC, BAD = 1 << DFU_ERROR,
    DATA = 1 << 15                      /* wLength is not 0 */
};

static const struct rule in_bootloader[] = {
    { OUT, DETACH,           ANY,          leave },
    { OUT, DNLOAD,    DATA | START | DOWN, accept_block },
    { OUT, DNLOAD,                   DOWN, manifest },
    { IN,  UPLOAD,    DATA | START | UP,   upload },
    { IN,  GETSTATUS, DATA | ANY,          get_status },
    { OUT, CLRSTATUS,        BAD,          abandon },
    { IN,  GETSTATE,  DATA | ANY,          get_state },
    { OUT, ABORT,            START | DOWN | UP | WRITTEN, abandon },
};

/* An error that has not been cleared stays: the first is the cause. */
int dfu_control(const struct usb_setup *setup, const uint8_t **data)
{
    const struct rule *rule = in_bootloader;
    int now = 1 << dfu.state, length = setup->wLength ? DATA : 0;
    for (size_t left = sizeof in_bootloader / sizeof *rule; left > 0; left--, rule++) {
        if (rule->type == setup->bmRequestType && rule->request == setup->bRequest
            && rule->when & now && (rule->when & DATA) == length)
            return rule->answer(setup, data);
    }
    return dfu.state == DFU_ERROR ? USB_REFUSE : fail(DFU_ERR_STALLEDPKT);
}

/* In the application: three of them, in any state. */
int dfu_runtime_control(const struct usb_setup *setup, const uint8_t **data)
{
    bool to_host = setup->bmRequestType == IN && setup->wLength;
    if (setup->bmRequestType == OUT && setup->bRequest == DETACH && !setup->wLength)
        return detach();
    if (to_host && setup->bRequest == GETSTATUS)
        return tell_status(setup, data);
    if (to_host && setup->bRequest == GETSTATE)
        return get_state(setup, data);
    return USB_REFUSE;
}

/* --- the bus, and main -------------------------------------------------------------------- */

void dfu_start(void)
{
    idle();
}

/* A reset of the bus starts over.  At the end of a transfer it means "now go": but not
 * before the host has found us again. */
void dfu_configured(bool yes)
{
    if (!yes && !dfu.complete)
        idle();
    else if (!yes)
        leave_in(RESET_MS);
    else if (dfu.leaving)
        leave_in(CONFIGURED_MS);
}

uint32_t dfu_blocks(void)
{
    return dfu.blocks;
}

bool dfu_finished(void)
{
    return dfu.leaving && clock_passed(dfu.leave_at);
}
