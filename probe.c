/* probe.c - the probe's main: its start, its loop, and what it looks like on USB.
 *
 *   called by  startup.s      calls  everything below
 *
 * Two kinds of work.  Serial bytes, both ways, move in interrupts (usb.c, cdc.c, uart.c).
 * Everything that thinks is called in turn from one loop, and returns soon.  When there is
 * nothing to do the core sleeps until the next interrupt, at most a millisecond.
 *
 * LED: blinks while no host has configured us; then dark, with a short wink every two
 * seconds; lit while a debugger has the GDB port open.
 *
 * USB, and the 512 bytes of packet memory.  Interface numbers must be consecutive, so those
 * of functions to come are not taken yet; the memory is laid out for all of them:
 *
 *   offset   bytes  what                                    endpoint
 *        0      48  buffer description table                0 to 5, 8 bytes each
 *       48  32 + 32 control                                 0  OUT, IN
 *      112  64 + 64 GDB server, data                        1  OUT, IN
 *      240  64 + 64 UART, data                              2  OUT, IN
 *      368  64 + 64 kept for CMSIS-DAP (first interface)    3  OUT, IN
 *      496   8 +  8 GDB server, UART: notifications         4, 5  IN
 *
 * Sources: USB 2.0 9.6, the interface association ECN, CDC 1.2 5.2, PSTN 1.2 5.3. */
#include "board.h"
#include "cdc.h"
#include "clock.h"
#include "crash.h"
#include "gdb_remote.h"
#include "uart.h"
#include "usb.h"

enum {
    GDB_INTERFACE, GDB_DATA_INTERFACE, UART_INTERFACE, UART_DATA_INTERFACE, INTERFACES
};
enum { GDB_EP = 1, UART_EP = 2, GDB_NOTIFY_EP = 4, UART_NOTIFY_EP = 5, IN = 0x80 };
enum {
    EP0_SIZE = 32, DATA_SIZE = 64, NOTIFY_SIZE = 8,
    EP0_OUT = 48, EP0_IN = 80, GDB_OUT = 112, GDB_IN = 176, UART_OUT = 240, UART_IN = 304,
    GDB_NOTIFY = 496, UART_NOTIFY = 504
};
enum strings { NO_STRING, MANUFACTURER, PRODUCT, SERIAL, GDB_NAME, UART_NAME, STRINGS };

/* --- descriptors ------------------------------------------------------------------------- */

/* Numbers of 16 bits, as two bytes of a descriptor. */
#define LE16(value) (value) & 0xFF, (value) >> 8

static const uint8_t device_descriptor[] = {
    18, 1,                              /* DEVICE */
    LE16(0x0200),                       /* USB 2.0 */
    0xEF, 2, 1,                         /* made of functions: interface associations */
    EP0_SIZE,
    LE16(USB_VID), LE16(USB_PID), LE16(0x0100),
    MANUFACTURER, PRODUCT, SERIAL,
    1                                   /* configuration */
};

enum {
    ACM_LINES = 1 << 1, ACM_BREAK = 1 << 2,     /* PSTN 5.3.2: what we support */
    PORT_LENGTH = 8 + 9 + 5 + 5 + 4 + 5 + 7 + 9 + 7 + 7,
    CONFIGURATION_LENGTH = 9 + 2 * PORT_LENGTH,
    BUS_POWERED = 0x80, MILLIAMPERES = 300
};

/* One serial port: a communication interface for control, a data interface for bytes. */
#define SERIAL_PORT(interface, name, notify, data)                                        \
    8, 11, interface, 2, 2, 2, 0, name,         /* association: CDC, ACM */              \
    9, 4, interface, 0, 1, 2, 2, 0, name,                                                 \
    5, 0x24, 0, LE16(0x0110),                   /* CDC header */                          \
    5, 0x24, 1, 0, (interface) + 1,             /* call management: none */               \
    4, 0x24, 2, ACM_LINES | ACM_BREAK,                                                    \
    5, 0x24, 6, interface, (interface) + 1,     /* union */                               \
    7, 5, IN | (notify), EP_INTERRUPT_BITS, LE16(NOTIFY_SIZE), 16,                        \
    9, 4, (interface) + 1, 0, 2, 10, 0, 0, NO_STRING,                                     \
    7, 5, data, EP_BULK_BITS, LE16(DATA_SIZE), 0,                                         \
    7, 5, IN | (data), EP_BULK_BITS, LE16(DATA_SIZE), 0
enum { EP_BULK_BITS = 2, EP_INTERRUPT_BITS = 3 };       /* USB 2.0 9.6.6: not as in EPnR */

static const uint8_t configuration_descriptor[] = {
    9, 2, LE16(CONFIGURATION_LENGTH), INTERFACES, 1, NO_STRING, BUS_POWERED,
    MILLIAMPERES / 2,
    SERIAL_PORT(GDB_INTERFACE, GDB_NAME, GDB_NOTIFY_EP, GDB_EP),
    SERIAL_PORT(UART_INTERFACE, UART_NAME, UART_NOTIFY_EP, UART_EP),
};
_Static_assert(sizeof configuration_descriptor == CONFIGURATION_LENGTH, "USB 2.0 9.6.3");

static const char *const strings[STRINGS] = {
    [MANUFACTURER] = "Pillbug",
    [PRODUCT] = "Pillbug debug probe",
    [SERIAL] = NULL,                    /* the unique id */
    [GDB_NAME] = "Pillbug GDB server",
    [UART_NAME] = "Pillbug UART",
};

/* --- who answers what ---------------------------------------------------------------------- */

const struct cdc_place cdc_places[CDC_PORTS] = {
    [CDC_GDB]  = { GDB_INTERFACE,  GDB_EP,  GDB_NOTIFY_EP },
    [CDC_UART] = { UART_INTERFACE, UART_EP, UART_NOTIFY_EP },
};

static const struct usb_interface interfaces[INTERFACES] = {
    [GDB_INTERFACE]  = { .control = cdc_control },
    [UART_INTERFACE] = { .control = cdc_control },
};

static const struct usb_endpoint endpoints[] = {
    { GDB_EP,              EP_BULK, DATA_SIZE, GDB_DATA_INTERFACE,  GDB_OUT,  cdc_data_event },
    { IN | GDB_EP,         EP_BULK, DATA_SIZE, GDB_DATA_INTERFACE,  GDB_IN,   cdc_data_event },
    { UART_EP,             EP_BULK, DATA_SIZE, UART_DATA_INTERFACE, UART_OUT, uart_data_event },
    { IN | UART_EP,        EP_BULK, DATA_SIZE, UART_DATA_INTERFACE, UART_IN,  cdc_data_event },
    { IN | GDB_NOTIFY_EP,  EP_INTERRUPT, NOTIFY_SIZE, GDB_INTERFACE,  GDB_NOTIFY,
      cdc_notification_event },
    { IN | UART_NOTIFY_EP, EP_INTERRUPT, NOTIFY_SIZE, UART_INTERFACE, UART_NOTIFY,
      cdc_notification_event },
};

static uint8_t control_buffer[64];      /* the longest string is the serial number: 50 */

static const struct usb_device device = {
    .device = device_descriptor,
    .configuration = configuration_descriptor,
    .strings = strings, .string_count = STRINGS,
    .interfaces = interfaces, .interface_count = INTERFACES,
    .endpoints = endpoints, .endpoint_count = sizeof endpoints / sizeof endpoints[0],
    .ep0_out = EP0_OUT, .ep0_in = EP0_IN,
    .buffer = control_buffer, .buffer_size = sizeof control_buffer,
    .configured = cdc_configured,
    .frame = uart_frame,
};

/* --- main ------------------------------------------------------------------------------------ */

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
    int lit = cdc_open(CDC_GDB)  ? 1
            : usb_configured()   ? ms % 2048 < 16
            :                      ms % 512 < 256;
    pin_write(&LED_PORT, LED_PIN, lit ? LED_ON : !LED_ON);
}

/* With interrupts off, nothing can arrive between the look and the sleep. */
static void sleep_if_idle(void)
{
    uint32_t state = interrupts_off();
    if (!cdc_waiting(CDC_GDB))
        wait_for_interrupt();
    interrupts_restore(state);
}

int main(void);
int main(void)
{
    crash_start();                      /* what happened before */
    clock_start();                      /* 72 MHz, milliseconds */
    watchdog_start();                   /* 2 s */
    board_start();                      /* pins */
    gdb_start();                        /* debugger */
    usb_start(&device);                 /* the host may come, not before 100 ms from now */
    uart_start();                       /* serial bridge, into the ports of USB */

    for (;;) {
        watchdog_feed();
        gdb_poll();
        led_poll();
        sleep_if_idle();
    }
}
