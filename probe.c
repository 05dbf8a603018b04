/* probe.c - the probe's main: its start, its loop, and what it looks like on USB.
 *
 * Two kinds of work.  Serial bytes, both ways, move in interrupts (usb.c, cdc.c, uart.c).
 * Everything that thinks is called in turn from one loop, and returns soon.  When there is
 * nothing to do the core sleeps until the next interrupt, at most a millisecond.
 *
 * LED: blinks while no host has configured us; then dark, with a short wink every two
 * seconds; lit while a debugger has the GDB port open, or a CMSIS-DAP host is connected.
 *
 * DFU_DETACH, from dfu-util -e or the update page, leaves a note for the bootloader and
 * resets; whatever has crashed before, ten good seconds make up for it.
 *
 * USB, and the 512 bytes of packet memory:
 *
 *   offset   bytes  what                                    endpoint
 *        0      48  buffer description table                0 to 5, 8 bytes each
 *       48  16 + 16 control                                 0  OUT, IN
 *       80      32  UART, data                              2  OUT
 *      112   8 +  8 UART, GDB server: notifications         4, 5  IN
 *      128  64 + 64 GDB server, data, in turn (cdc.c)       1  IN
 *      256      64  GDB server, data                        1  OUT
 *      320      64  UART, data                              2  IN
 *      384  64 + 64 CMSIS-DAP                               3  OUT, IN
 *
 * Endpoint 0 and what goes to the UART have smaller packets than they might have, to make
 * room for the second buffer: nobody waits for the one, and a host that sends does not wait
 * between packets as it does when it receives.
 *
 * CMSIS-DAP is the first interface, because some hosts look no further; they know it by its
 * name, or the product's, and by its endpoints: bulk, OUT before IN.
 *
 * Sources: USB 2.0 9.6, the interface association ECN, CDC 1.2 5.2, PSTN 1.2 5.3, DFU 1.1
 * 4.1, CMSIS-DAP (USB bulk), Microsoft OS 2.0 descriptors, WebUSB 4.1. */
#include "backup.h"
#include "board.h"
#include "cdc.h"
#include "clock.h"
#include "cmsis_dap.h"
#include "crash.h"
#include "dfu.h"
#include "gdb_remote.h"
#include "live.h"
#include "swo.h"
#include "uart.h"
#include "usb.h"
#include "usb_descriptors.h"

enum {
    DAP_INTERFACE = 0, DFU_INTERFACE = 5, INTERFACES,
    GDB_DATA_INTERFACE = GDB_INTERFACE + 1, UART_DATA_INTERFACE = UART_INTERFACE + 1,
    IN = 0x80
};
enum {
    EP0_SIZE = 16, DATA_SIZE = 64, UART_OUT_SIZE = 32, NOTIFY_SIZE = 8,
    EP0_OUT = 48, EP0_IN = 64, UART_OUT = 80, UART_NOTIFY = 112, GDB_NOTIFY = 120,
    GDB_IN = 128, GDB_OUT = 256, UART_IN = 320, DAP_OUT = 384, DAP_IN = 448
};
_Static_assert(GDB_IN % (2 * GDB_OTHER_IN) == 0, "both buffers where the XOR finds them");
enum strings { NO_STRING, MANUFACTURER, PRODUCT, SERIAL, DAP_NAME, GDB_NAME, UART_NAME,
               DFU_NAME, STRINGS };

enum { WELL_MS = 10000 };               /* see above */

/* --- descriptors ------------------------------------------------------------------------- */

static const uint8_t device_descriptor[] = {
    18, 1,                              /* DEVICE */
    LE16(0x0210),                       /* USB 2.0, and there is a BOS */
    0xEF, 2, 1,                         /* made of functions: interface associations */
    EP0_SIZE,
    LE16(USB_VID), LE16(USB_PID), LE16(BCD_DEVICE),
    MANUFACTURER, PRODUCT, SERIAL,
    1                                   /* configuration */
};

enum {
    ACM_LINES = 1 << 1, ACM_BREAK = 1 << 2,     /* PSTN 5.3.2: what we support */
    PORT_LENGTH = 8 + 9 + 5 + 5 + 4 + 5 + 7 + 9 + 7 + 7,
    DAP_LENGTH = 9 + 7 + 7, DFU_LENGTH = 9 + DFU_FUNCTIONAL_LENGTH,
    CONFIGURATION_LENGTH = 9 + DAP_LENGTH + 2 * PORT_LENGTH + DFU_LENGTH,
    MILLIAMPERES = 300
};

/* One serial port: a communication interface for control, a data interface for bytes. */
#define SERIAL_PORT(interface, name, notify, data, out)                                   \
    8, 11, interface, 2, 2, 2, 0, name,         /* association: CDC, ACM */               \
    9, 4, interface, 0, 1, 2, 2, 0, name,                                                 \
    5, 0x24, 0, LE16(0x0110),                   /* CDC header */                          \
    5, 0x24, 1, 0, (interface) + 1,             /* call management: none */               \
    4, 0x24, 2, ACM_LINES | ACM_BREAK,                                                    \
    5, 0x24, 6, interface, (interface) + 1,     /* union */                               \
    7, 5, IN | (notify), EP_INTERRUPT_BITS, LE16(NOTIFY_SIZE), 16,                        \
    9, 4, (interface) + 1, 0, 2, 10, 0, 0, NO_STRING,                                     \
    7, 5, data, EP_BULK_BITS, LE16(out), 0,                                               \
    7, 5, IN | (data), EP_BULK_BITS, LE16(DATA_SIZE), 0
enum { EP_BULK_BITS = 2, EP_INTERRUPT_BITS = 3 };       /* USB 2.0 9.6.6: not as in EPnR */

static const uint8_t configuration_descriptor[] = {
    9, 2, LE16(CONFIGURATION_LENGTH), INTERFACES, 1, NO_STRING, BUS_POWERED,
    MILLIAMPERES / 2,
    9, 4, DAP_INTERFACE, 0, 2, 0xFF, 0, 0, DAP_NAME,
    7, 5, DAP_EP, EP_BULK_BITS, LE16(DATA_SIZE), 0,
    7, 5, IN | DAP_EP, EP_BULK_BITS, LE16(DATA_SIZE), 0,
    SERIAL_PORT(GDB_INTERFACE, GDB_NAME, GDB_NOTIFY_EP, GDB_EP, DATA_SIZE),
    SERIAL_PORT(UART_INTERFACE, UART_NAME, UART_NOTIFY_EP, UART_EP, UART_OUT_SIZE),
    9, 4, DFU_INTERFACE, 0, 0, 0xFE, 1, 1, DFU_NAME,    /* DFU, at run time */
    DFU_FUNCTIONAL,
};
_Static_assert(sizeof configuration_descriptor == CONFIGURATION_LENGTH, "USB 2.0 9.6.3");

/* Of two functions: each has its subset of the set. */
struct winusb_function {
    uint16_t header[4];
    struct winusb winusb;
};
#define WINUSB_FUNCTION(interface, guid)                                                  \
    { { 8, 2, interface, sizeof(struct winusb_function) }, WINUSB(guid) }
static const struct {
    uint16_t set[5], configuration[4];
    struct winusb_function dap, dfu;
} ms_os_set = {
    MS_OS_HEADER(sizeof ms_os_set),
    { 8, 1, 0, sizeof ms_os_set - MS_OS_HEADER_LENGTH },        /* its index, 0 */
    WINUSB_FUNCTION(DAP_INTERFACE, u"{CDB3B5AD-293B-4663-AA36-1AAE46463776}"),  /* ARM's */
    WINUSB_FUNCTION(DFU_INTERFACE, u"{0E6E9B54-2C0D-4D53-8A7C-6F1B3D0C9E21}"),
};

/* No landing page: WebUSB only says that a browser's page may open us. */
static const uint8_t bos_descriptor[] = { BOS(NO_STRING, sizeof ms_os_set) };
_Static_assert(sizeof bos_descriptor == BOS_LENGTH, "USB 3.2 9.6.2");

static int vendor_request(const struct usb_setup *setup, const uint8_t **data)
{
    if (!(setup->bmRequestType & USB_FROM_DEVICE) || setup->bRequest != MS_OS_REQUEST
        || setup->wIndex != MS_OS_GET_SET)
        return USB_REFUSE;
    *data = (const uint8_t *)&ms_os_set;
    return sizeof ms_os_set;
}

static const char *const strings[STRINGS] = {
    [MANUFACTURER] = "Pillbug",
    [PRODUCT] = "Pillbug CMSIS-DAP probe",
    [SERIAL] = NULL,                    /* the unique id */
    [DAP_NAME] = "Pillbug CMSIS-DAP",
    [GDB_NAME] = "Pillbug GDB server",
    [UART_NAME] = "Pillbug UART",
    [DFU_NAME] = "Pillbug update",
};

/* --- who answers what --------------------------------------------------------------------- */

static usb_control *const interfaces[INTERFACES] = {
    [GDB_INTERFACE]  = cdc_control,
    [UART_INTERFACE] = uart_control,
    [DFU_INTERFACE]  = dfu_runtime_control,
};

static const struct usb_endpoint endpoints[] = {
    { DAP_EP,       EP_BULK, DATA_SIZE, DAP_INTERFACE,      DAP_OUT, dap_event },
    { IN | DAP_EP,  EP_BULK, DATA_SIZE, DAP_INTERFACE,      DAP_IN,  dap_event },
    { GDB_EP,       EP_BULK, DATA_SIZE, GDB_DATA_INTERFACE, GDB_OUT, cdc_out_event },
    { IN | GDB_EP,  EP_BULK, DATA_SIZE, GDB_DATA_INTERFACE, GDB_IN,  cdc_in_event },
    { UART_EP,      EP_BULK, UART_OUT_SIZE, UART_DATA_INTERFACE, UART_OUT, uart_data_event },
    { IN | UART_EP, EP_BULK, DATA_SIZE, UART_DATA_INTERFACE,     UART_IN,  cdc_in_event },
    { IN | GDB_NOTIFY_EP,  EP_INTERRUPT, NOTIFY_SIZE, GDB_INTERFACE,  GDB_NOTIFY,
      cdc_notification_event },
    { IN | UART_NOTIFY_EP, EP_INTERRUPT, NOTIFY_SIZE, UART_INTERFACE, UART_NOTIFY,
      cdc_notification_event },
};

static void configured(bool yes)
{
    cdc_configured(yes);
    dap_configured(yes);
}

/* The UART's comes last: it sends what there is. */
static void frame(void)
{
    swo_frame();
    uart_frame();
}

static uint8_t control_buffer[64];      /* the longest string is the serial number: 50 */

const struct usb_device usb_device = {
    .device = device_descriptor,
    .configuration = configuration_descriptor,
    .bos = bos_descriptor,
    .strings = strings, .string_count = STRINGS,
    .interfaces = interfaces, .interface_count = INTERFACES,
    .endpoints = endpoints, .endpoint_count = sizeof endpoints / sizeof endpoints[0],
    .ep0_out = EP0_OUT, .ep0_in = EP0_IN,
    .buffer = control_buffer, .buffer_size = sizeof control_buffer,
    .vendor = vendor_request,
    .configured = configured,
    .frame = frame,
};

/* --- main --------------------------------------------------------------------------------- */

/* The debug port's pins become ours where the board says so; from here on an ST-Link gets
 * in only under reset or in the bootloader. */
static void board_start(void)
{
    RCC.APB2ENR |= RCC_APB2_AFIO | RCC_APB2_GPIOA | RCC_APB2_GPIOB | RCC_APB2_GPIOC;
    AFIO.MAPR = PIN_REMAP;              /* never read-modify-write: SWJ_CFG reads as junk */
    pin_write(&LED_PORT, LED_PIN, !LED_ON);
    pin_mode(&LED_PORT, LED_PIN, PIN_OUTPUT_SLOW);
}

static void led_poll(void)
{
    uint32_t ms = clock_ms();
    int lit = cdc_open(CDC_GDB) || dap_lit() ? 1
            : usb_configured()               ? ms % 2048 < 16
            :                                  ms % 512 < 256;
    pin_write(&LED_PORT, LED_PIN, lit ? LED_ON : !LED_ON);
}

/* With interrupts off, nothing can arrive between the look and the sleep. */
static void sleep_if_idle(void)
{
    uint32_t state = interrupts_off();
    if (!cdc_waiting(CDC_GDB) && !gdb_busy() && !dap_waiting() && !live_busy())
        wait_for_interrupt();
    interrupts_restore(state);
}

static void good_start_poll(void)
{
    static bool told;                   /* once is enough */
    if (!told && clock_ms() >= WELL_MS) {
        backup_forget_crashes();
        told = true;
    }
}

static void detach_poll(void)
{
    if (!dfu_finished())
        return;
    backup_ask_to_stay();
    usb_stop();
    SCB.AIRCR = SCB_AIRCR_SYSRESET;
}

int main(void);
int main(void)
{
    crash_start();                      /* what happened before */
    clock_start();                      /* 72 MHz, milliseconds */
    watchdog_start();                   /* 2 s */
    board_start();                      /* pins */
    gdb_start();                        /* debugger */
    usb_start();                        /* the host may come, not before 100 ms from now */
    uart_start();                       /* serial bridge, into the ports of USB */

    for (;;) {
        watchdog_feed();
        gdb_poll();
        dap_poll();
        live_poll();
        led_poll();
        good_start_poll();
        detach_poll();
        sleep_if_idle();
    }
}
