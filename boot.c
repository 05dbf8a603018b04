/* boot.c - the first code after reset: start the application, or stay and be updated.
 *
 * The application starts when its first two words can be a stack and an entry point, and
 * nothing says "stay": the board's jumper or pin, a note from the application, or three
 * crashes in a row.  It finds the chip as after reset: not a clock is changed, no interrupt
 * enabled, and the one port that was looked at is switched off again.  So anything linked
 * for 0x08002000 runs, whatever it assumes.
 *
 * Staying, we are a DFU device, the LED blinks slowly, and at every block that comes
 * it changes.  When DFU is done the chip is reset, and the application starts from there.
 * The debug pins are never touched: an ST-Link gets in whenever this code runs.
 *
 * A crash is a watchdog reset, whoever's watchdog it was, or a fault in the probe, which
 * counts for itself (crash.c).  A reset by power or by the button makes a fresh start.
 *
 * Sources: DFU 1.1 4; USB 2.0 9.6; WebUSB 4 and 5; Microsoft OS 2.0 descriptors. */
#include "backup.h"
#include "board.h"
#include "clock.h"
#include "crash.h"
#include "dfu.h"
#include "selfflash.h"
#include "usb.h"
#include "usb_descriptors.h"

enum {
    BLINK_MS = 500,
    SETTLE_TRIES = 20000,               /* some 25 ms at 8 MHz */
    CRASHES_TOO_MANY = 3
};
enum { EP0_SIZE = 64, EP0_OUT = 64, EP0_IN = 128 };
enum strings { NO_STRING, MANUFACTURER, PRODUCT, SERIAL, SLOT_NAME, STRINGS };

/* --- descriptors --------------------------------------------------------------------- */

static const uint8_t device_descriptor[] = {
    18, 1,                              /* DEVICE */
    LE16(0x0210),                       /* there is a BOS */
    0, 0, 0,                            /* one function: its class stands in its interface */
    EP0_SIZE,
    LE16(USB_VID), LE16(USB_PID_BOOT), LE16(BCD_DEVICE),
    MANUFACTURER, PRODUCT, SERIAL,
    1                                   /* configuration */
};

enum { CONFIGURATION_LENGTH = 9 + 9 + DFU_FUNCTIONAL_LENGTH, MILLIAMPERES = 100 };

static const uint8_t configuration_descriptor[] = {
    9, 2, LE16(CONFIGURATION_LENGTH), 1, 1, NO_STRING, BUS_POWERED, MILLIAMPERES / 2,
    9, 4, 0, 0, 0, 0xFE, 1, 2, SLOT_NAME,       /* DFU, in DFU mode; no endpoints */
    DFU_FUNCTIONAL,
};
_Static_assert(sizeof configuration_descriptor == CONFIGURATION_LENGTH, "USB 2.0 9.6.3");

static const struct {
    uint16_t header[5];
    struct winusb dfu;
} ms_os_set = {
    MS_OS_HEADER(sizeof ms_os_set), WINUSB(u"{5F0C8D3A-7B61-4E0B-9C55-1E9A4B8D2F70}")
};

/* WEBUSB_URL, without "https://", comes from the Makefile; when it is empty the browser
 * is shown no page. */
static const struct {
    uint8_t bLength, bDescriptorType, bScheme;
    char url[sizeof WEBUSB_URL];
} landing_page = { 3 + sizeof WEBUSB_URL - 1, 3, 1, WEBUSB_URL };
enum { LANDING_PAGE = sizeof WEBUSB_URL > 1 };

static const uint8_t bos_descriptor[] = { BOS(LANDING_PAGE, sizeof ms_os_set) };
_Static_assert(sizeof bos_descriptor == BOS_LENGTH, "USB 3.2 9.6.2");

static int vendor_request(const struct usb_setup *setup, const uint8_t **data)
{
    if (!(setup->bmRequestType & USB_FROM_DEVICE))
        return USB_REFUSE;
    if (setup->bRequest == MS_OS_REQUEST && setup->wIndex == MS_OS_GET_SET) {
        *data = (const uint8_t *)&ms_os_set;
        return sizeof ms_os_set;
    }
    if (LANDING_PAGE && setup->bRequest == WEBUSB_REQUEST && setup->wIndex == WEBUSB_GET_URL
        && setup->wValue == LANDING_PAGE) {
        *data = (const uint8_t *)&landing_page;
        return landing_page.bLength;
    }
    return USB_REFUSE;
}

static const char *const strings[STRINGS] = {
    [MANUFACTURER] = "Pillbug",
    [PRODUCT] = "Pillbug DFU bootloader",
    [SERIAL] = NULL,                    /* the unique id */
    [SLOT_NAME] = "Application, 0x08002000",
};

static usb_control *const interfaces[] = { dfu_control };

/* The only large buffer: a whole block of DNLOAD. */
static uint8_t transfer_buffer[DFU_TRANSFER_SIZE];

const struct usb_device usb_device = {
    .device = device_descriptor,
    .configuration = configuration_descriptor,
    .bos = bos_descriptor,
    .strings = strings, .string_count = STRINGS,
    .interfaces = interfaces, .interface_count = 1,
    .ep0_out = EP0_OUT, .ep0_in = EP0_IN,
    .buffer = transfer_buffer, .buffer_size = sizeof transfer_buffer,
    .vendor = vendor_request,
    .done = dfu_done,
    .configured = dfu_configured,
};

/* --- stay, or start? ------------------------------------------------------------------- */

void start_image(uint32_t sp, uint32_t entry) __attribute__((noreturn));
void crash_write(void) __attribute__((noreturn));
int main(void);

/* The Blue Pill's jumper comes with a resistor.  A pin that says "stay" when low needs our
 * pull-up, and patience: 40 kOhm and the capacitor of a target's reset line take some
 * milliseconds.  Afterwards the port is as after reset. */
static bool told_to_stay(void)
{
    RCC.APB2ENR = RCC_APB2_GPIOB;
    if (BOOT_STAY == 0) {
        pin_write(&GPIOB, BOOT_PIN, 1);
        pin_mode(&GPIOB, BOOT_PIN, PIN_INPUT_PULL);
    }
    int tries = SETTLE_TRIES;
    while (pin_read(&GPIOB, BOOT_PIN) == BOOT_STAY && tries > 0)
        tries--;
    RCC.APB2RSTR = RCC_APB2_GPIOB;
    RCC.APB2RSTR = 0;
    RCC.APB2ENR = 0;
    return tries == 0;
}

/* A watchdog's flag stays until it is erased, so it is, or the next reset would look like
 * one more.  Applications that never erase flags leave RESET_BY_SOFTWARE behind too; then
 * the button is not recognised, and only power makes a fresh start. */
static bool crashes_too_often(void)
{
    uint32_t cause = RCC.CSR >> 26;
    if (cause & (RESET_BY_WATCHDOG | RESET_BY_WATCHDOG << 1)) {         /* IWDG, WWDG */
        RCC.CSR |= RCC_CSR_RMVF;
        backup_count_crash(true);
    } else if (!(cause & RESET_BY_SOFTWARE)) {
        backup_forget_crashes();
    }
    return backup_crashes() >= CRASHES_TOO_MANY;
}

static bool may_start(const struct vectors *application)
{
    bool asked = backup_asked_to_stay();        /* always: both have effects */
    bool crashing = crashes_too_often();
    return !asked && !crashing && selfflash_sp_plausible(application->sp)
        && selfflash_entry_plausible(application->reset) && !told_to_stay();
}

static void led_poll(void)
{
    uint32_t phase = clock_ms() / BLINK_MS + dfu_blocks();
    pin_write(&LED_PORT, LED_PIN, (phase % 2 == 0) == LED_ON);
}

static void update(void)
{
    backup_forget_crashes();            /* the next reset tries again */
    clock_start();
    RCC.APB2ENR |= RCC_APB2_GPIOA | RCC_APB2_GPIOC;
    pin_mode(&LED_PORT, LED_PIN, PIN_OUTPUT_SLOW);
    dfu_start();
    usb_start();
    while (!dfu_finished()) {
        watchdog_feed();                /* option bytes may have started it */
        led_poll();
        wait_for_interrupt();
    }
    usb_stop();
}

/* The end of an update; and what startup.s calls after a fault, instead of crash.c, which
 * would write over the probe's record. */
void crash_write(void)
{
    SCB.AIRCR = SCB_AIRCR_SYSRESET;
    for (;;) {                          /* it takes a few cycles to arrive */
    }
}

int main(void)
{
    const struct vectors *application = (const struct vectors *)SLOT_START;
    if (may_start(application)) {
        SCB.VTOR = SLOT_START;
        start_image(application->sp, application->reset);
    }
    update();
    crash_write();
}
