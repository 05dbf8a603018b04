/* usb.c - chapter 9 of USB: the requests that every device answers.
 *
 * A control transfer, and where we are in it:
 *
 *   SETUP  -> IN ... IN    -> OUT (empty)      DATA_IN   then STATUS_OUT
 *   SETUP  -> OUT ... OUT  -> IN (empty)       DATA_OUT  then STATUS_IN
 *   SETUP                  -> IN (empty)                      STATUS_IN
 *
 * What the device is stands in usb_device, which the top level owns.
 *
 * Rules:
 *   - All of it runs in the USB interrupt, and nothing there waits.
 *   - A SETUP is always taken, and ends what was going on.
 *   - The host may begin the status stage early: that ends the data stage.
 *   - The end of data is a short packet, unless it is all that the host asked for.  When the
 *     last packet is full, an empty one follows.
 *   - A new address counts when the status stage that confirms it is over.
 *   - A request that is not known is answered with STALL, in both directions, until a SETUP.
 *
 * Sources: USB 2.0 8.5.3, 9.4; RM0008 23.4.2, 23.5.2. */
#include "usb.h"
#include "clock.h"
#include "stm32f103.h"

enum {
    GET_STATUS = 0, CLEAR_FEATURE = 1, SET_FEATURE = 3, SET_ADDRESS = 5, GET_DESCRIPTOR = 6,
    GET_CONFIGURATION = 8, SET_CONFIGURATION = 9, GET_INTERFACE = 10, SET_INTERFACE = 11,

    DEVICE = 1, CONFIGURATION = 2, STRING = 3, BOS = 15,        /* descriptor types */
    ENDPOINT_HALT = 0,
    ENGLISH_US = 0x0409,
    UNPLUGGED_MS = 20                   /* long enough for any host to notice */
};
enum stage { IDLE, DATA_IN, DATA_OUT, STATUS_IN, STATUS_OUT };

/* All written by the interrupt, read by anybody. */
static struct {
    volatile uint8_t configuration;
    uint8_t address;                    /* 0 = not yet addressed */
    enum stage stage;
    struct usb_setup setup;
    const uint8_t *from;                /* DATA_IN: what is still to go */
    uint16_t left;                      /* ... and DATA_OUT: how much is still to come */
    bool empty_packet;                  /* DATA_IN: one is due at the end */
} usb;

static const struct usb_endpoint *rows[8][2];   /* the device's endpoints: found at once */

static int ep0_size(void)
{
    return usb_device.device[7];        /* bMaxPacketSize0 */
}

/* --- endpoints --------------------------------------------------------------------- */

static enum ep_direction direction_of(uint8_t address)
{
    return address & 0x80 ? EP_IN : EP_OUT;
}

void usb_send(int n, const uint8_t *bytes, int length)
{
    ep_write(n, 0, bytes, length);
    ep_send(n, 0, length);
}

void usb_receive(int n)
{
    ep_set(n, EP_OUT, EP_VALID);
}

bool usb_configured(void)
{
    return usb.configuration != 0;
}

static void open_endpoints(bool open)
{
    for (int i = 0; i < usb_device.endpoint_count; i++) {
        const struct usb_endpoint *row = &usb_device.endpoints[i];
        int n = row->address & 0xF;
        rows[n][direction_of(row->address)] = row;
        ep_type(n, (enum ep_type)row->type);
        if (open)
            ep_open(n, direction_of(row->address), row->buffer, row->size);
        else
            ep_close(n, direction_of(row->address));
    }
}

static void configure(uint8_t value)
{
    usb.configuration = value;
    open_endpoints(value != 0);
    if (usb_device.configured)
        usb_device.configured(value != 0);
}

static const struct usb_endpoint *find_endpoint(uint16_t address)
{
    return address & ~0x87 ? NULL : rows[address & 7][address >> 7];
}

static void clear_halt(const struct usb_endpoint *row)
{
    int n = row->address & 0xF;
    enum ep_direction direction = direction_of(row->address);
    ep_data0(n, direction);             /* USB 2.0 9.4.5: even when it was not halted */
    if (ep_state(n, direction) == EP_STALL)
        ep_set(n, direction, EP_NAK);
    row->event(n, USB_RESUMED);
}

/* --- answers ------------------------------------------------------------------------- */

static const struct usb_setup *setup(void)
{
    return &usb.setup;
}

static int reply(int length, uint16_t value)
{
    usb_device.buffer[0] = (uint8_t)value;
    usb_device.buffer[1] = (uint8_t)(value >> 8);
    return length;
}

static char capital_digit(uint32_t nibble)
{
    return (char)(nibble < 10 ? '0' + nibble : 'A' + nibble - 10);
}

void usb_serial_number(char *text)
{
    for (int i = 0; i < 24; i++)
        text[i] = capital_digit(UID.WORD[i / 8] >> (28 - i % 8 * 4) & 0xF);
    text[24] = '\0';
}

/* ASCII to UTF-16, into the buffer; a string that does not fit is cut. */
static int string_descriptor(const char *text)
{
    uint8_t *out = usb_device.buffer;
    int size = 2;
    for (; *text && size + 2 <= usb_device.buffer_size && size < 254; text++) {
        out[size++] = (uint8_t)*text;
        out[size++] = 0;
    }
    out[0] = (uint8_t)size;
    out[1] = STRING;
    return size;
}

static int get_string(uint8_t index)
{
    char serial[25];
    if (index == 0) {
        reply(4, 4 | STRING << 8);
        usb_device.buffer[2] = (uint8_t)ENGLISH_US;
        usb_device.buffer[3] = (uint8_t)(ENGLISH_US >> 8);
        return 4;
    }
    if (index >= usb_device.string_count || setup()->wIndex != ENGLISH_US)
        return USB_REFUSE;
    const char *text = usb_device.strings[index];
    if (!text) {
        usb_serial_number(serial);
        text = serial;
    }
    return string_descriptor(text);
}

/* Configuration and BOS keep the length of all that follows in bytes 2 and 3. */
static int with_total_length(const uint8_t *descriptor)
{
    usb.from = descriptor;
    return descriptor[2] | descriptor[3] << 8;
}

/* Those that are there once; a full-speed device has no qualifier. */
static int get_descriptor(void)
{
    if (setup()->wValue >> 8 == STRING)
        return get_string((uint8_t)setup()->wValue);
    switch (setup()->wValue) {
    case DEVICE << 8:
        usb.from = usb_device.device;
        return usb_device.device[0];
    case CONFIGURATION << 8:
        return with_total_length(usb_device.configuration);
    case BOS << 8:
        return usb_device.bos ? with_total_length(usb_device.bos) : USB_REFUSE;
    default:
        return USB_REFUSE;
    }
}

/* Endpoint 0 exists in every state and is never halted; others when configured. */
static int endpoint_request(void)
{
    uint16_t address = setup()->wIndex;
    const struct usb_endpoint *row = usb.configuration ? find_endpoint(address) : NULL;
    bool zero = (address & ~0x80) == 0, status = setup()->bRequest == GET_STATUS;
    if ((!zero && !row) || (!status && setup()->wValue != ENDPOINT_HALT))
        return USB_REFUSE;
    if (zero)
        return status ? reply(2, 0) : 0;
    int n = row->address & 0xF;
    enum ep_direction direction = direction_of(row->address);
    if (status)
        return reply(2, ep_state(n, direction) == EP_STALL);
    if (setup()->bRequest == CLEAR_FEATURE)
        clear_halt(row);
    else
        ep_set(n, direction, EP_STALL);
    return 0;
}

/* Setting the configuration that is already set starts all endpoints anew (9.1.1.5). */
static int set_configuration(void)
{
    uint16_t value = setup()->wValue;
    if (!usb.address || (value && value != usb_device.configuration[5]))
        return USB_REFUSE;
    configure((uint8_t)value);
    return 0;
}

/* Only alternate setting 0 exists; choosing it starts the data toggles anew (9.1.1.5). */
static int set_interface(void)
{
    if (setup()->wValue != 0)
        return USB_REFUSE;
    for (int i = 0; i < usb_device.endpoint_count; i++) {
        if (usb_device.endpoints[i].interface == setup()->wIndex)
            clear_halt(&usb_device.endpoints[i]);
    }
    return 0;
}

/* USB 2.0 table 9-3: bRequest and bmRequestType, as one halfword. */
static int standard_request(void)
{
    uint16_t value = setup()->wValue;
    bool interface = usb.configuration && setup()->wIndex < usb_device.interface_count;
    switch (setup()->bRequest << 8 | setup()->bmRequestType) {
    case GET_STATUS << 8 | 0x80:        /* bit 0: self-powered; bit 1, remote wake-up: no */
        return reply(2, usb_device.configuration[7] >> 6 & 1);
    case GET_STATUS << 8 | 0x81:
        return interface ? reply(2, 0) : USB_REFUSE;
    case GET_STATUS << 8 | 0x82:
    case CLEAR_FEATURE << 8 | 0x02:
    case SET_FEATURE << 8 | 0x02:
        return endpoint_request();
    case SET_ADDRESS << 8 | 0x00:       /* used in status_done(); 9.4.6 leaves it open when */
        return value < 128 && !usb.configuration ? 0 : USB_REFUSE;      /* configured */
    case GET_DESCRIPTOR << 8 | 0x80:
        return get_descriptor();
    case GET_CONFIGURATION << 8 | 0x80:
        return reply(1, usb.configuration);
    case SET_CONFIGURATION << 8 | 0x00:
        return set_configuration();
    case GET_INTERFACE << 8 | 0x81:
        return interface ? reply(1, 0) : USB_REFUSE;
    case SET_INTERFACE << 8 | 0x01:
        return interface ? set_interface() : USB_REFUSE;
    default:
        return USB_REFUSE;
    }
}

/* Of a class or a vendor. */
static int interface_request(void)
{
    uint8_t n = (uint8_t)setup()->wIndex;
    if (!usb.configuration || n >= usb_device.interface_count || !usb_device.interfaces[n])
        return USB_REFUSE;
    return usb_device.interfaces[n](setup(), &usb.from);
}

static int answer_request(void)
{
    int type = setup()->bmRequestType & USB_TYPE;
    int recipient = setup()->bmRequestType & USB_RECIPIENT;
    usb.from = usb_device.buffer;
    if (type == USB_STANDARD)
        return standard_request();
    if (recipient == USB_TO_INTERFACE)
        return interface_request();
    if (type == USB_VENDOR && recipient == USB_TO_DEVICE && usb_device.vendor)
        return usb_device.vendor(setup(), &usb.from);
    return USB_REFUSE;
}

/* --- control transfers --------------------------------------------------------------- */

static bool packet_waits(void)
{
    return ep_events(0) & EP_RECEIVED;
}

/* Not when a packet waits.  If it is a SETUP, it lies in the OUT buffer and has made NAK of
 * both directions, and what is ready here is not an answer to it.  If it is the status stage,
 * no more data is wanted.  When one comes while we set, we take it back: the host asks again
 * 3 us later at the earliest. */
static void set(enum ep_direction direction, enum ep_state state)
{
    if (!packet_waits())
        ep_set(0, direction, state);
    if (packet_waits())
        ep_set(0, direction, EP_NAK);
}

static void arm(enum stage stage, enum ep_state out, enum ep_state in)
{
    usb.stage = stage;
    set(EP_IN, in);
    set(EP_OUT, out);
}

static void stall(void)
{
    arm(IDLE, EP_STALL, EP_STALL);
}

/* OUT is open since the SETUP, for the host may go on to the status stage at any time.  It must
 * not be opened again before that packet is taken. */
static void send_next(void)
{
    int n = usb.left < ep0_size() ? usb.left : ep0_size();
    if (n == 0 && !usb.empty_packet) {
        usb.stage = STATUS_OUT;
        return;
    }
    if (n < ep0_size())
        usb.empty_packet = false;       /* this packet is short: that is an end, too */
    ep_write(0, 0, usb.from, n);
    ep_next(0, 0, n);
    usb.from += n;
    usb.left = (uint16_t)(usb.left - n);
    set(EP_IN, EP_VALID);
}

static void begin_answer(int result)
{
    if (result < 0) {
        stall();
    } else if (setup()->bmRequestType & USB_FROM_DEVICE && setup()->wLength) {
        usb.left = result < setup()->wLength ? (uint16_t)result : setup()->wLength;
        usb.empty_packet = usb.left < setup()->wLength;
        arm(DATA_IN, EP_VALID, EP_NAK);
        send_next();
    } else {
        ep_next(0, 0, 0);
        arm(STATUS_IN, EP_NAK, EP_VALID);
    }
}

/* The host may ask for the status stage as soon as its last packet is accepted.  We may not
 * have seen that packet yet: NAK.  To ask sooner is against the rules: STALL. */
static void expect_data(void)
{
    arm(DATA_OUT, EP_VALID, usb.left > ep0_size() ? EP_STALL : EP_NAK);
}

static void setup_arrived(void)
{
    ep_read(0, (uint8_t *)&usb.setup, sizeof usb.setup);
    /* Cleared now, not before: until then no other SETUP can overwrite the buffer. */
    ep_clear(0, EP_RECEIVED | EP_SENT);
    bool to_device = !(setup()->bmRequestType & USB_FROM_DEVICE) && setup()->wLength;
    if (!to_device) {
        begin_answer(answer_request());
    } else if (setup()->wLength > usb_device.buffer_size) {
        stall();
    } else {
        usb.left = setup()->wLength;
        expect_data();
    }
}

/* A packet of a data stage to the device. */
static void data_arrived(void)
{
    uint8_t *to = usb_device.buffer + (setup()->wLength - usb.left);
    int n = ep_read(0, to, usb.left);
    usb.left = (uint16_t)(usb.left - n);
    ep_clear(0, EP_RECEIVED);
    if (usb.left == 0)
        begin_answer(answer_request());
    else if (n < ep0_size())
        stall();                        /* less than it promised */
    else
        expect_data();
}

/* A packet that is no SETUP: data to the device, or the status stage, early or in time. */
static void packet_arrived(void)
{
    if (usb.stage == DATA_OUT) {
        data_arrived();
        return;
    }
    ep_clear(0, EP_RECEIVED);
    if (usb.stage == STATUS_OUT || usb.stage == DATA_IN)
        arm(IDLE, EP_NAK, EP_NAK);
    else
        stall();
}

static void status_done(void)
{
    usb.stage = IDLE;
    if (setup()->bmRequestType == 0x00 && setup()->bRequest == SET_ADDRESS) {
        usb.address = (uint8_t)setup()->wValue;
        ep_address(usb.address);
    } else if (usb_device.done) {
        usb_device.done(setup());
    }
}

/* Both events may be there at once.  The host does one thing after the other: what was sent was
 * sent before the other packet came.  While that waits, nothing new is loaded. */
__attribute__((noinline)) static void control_event(void)
{
    int events = ep_events(0);
    if (events & EP_SENT) {
        ep_clear(0, EP_SENT);
        if (usb.stage == STATUS_IN)
            status_done();
        else if (usb.stage == DATA_IN && !(events & EP_RECEIVED))
            send_next();
    }
    if (events & EP_RECEIVED) {
        if (events & EP_SETUP)
            setup_arrived();
        else
            packet_arrived();
    }
}

/* --- the interrupt ---------------------------------------------------------------------- */

static void bus_reset(void)
{
    configure(0);
    usb.address = 0;
    usb.stage = IDLE;
    ep_type(0, EP_CONTROL);
    ep_open(0, EP_OUT, usb_device.ep0_out, ep0_size());
    ep_open(0, EP_IN, usb_device.ep0_in, ep0_size());
    ep_address(0);
}

/* Not inline, like control_event(): so usb_interrupt() saves few registers. */
__attribute__((noinline)) static void bus_event(int bus)
{
    if (bus & (BUS_WAKEUP | BUS_RESET))
        ep_sleep(false);
    if (bus & BUS_RESET)
        bus_reset();
    if (bus & BUS_FRAME && usb.configuration && usb_device.frame)
        usb_device.frame();
    if (bus & BUS_SUSPEND && !(bus & BUS_RESET))
        ep_sleep(true);
}

/* The endpoint with a packet that came before the SETUP, or 0.  ISTR names endpoint 0 first,
 * but bytes that were written before a break, or before the port was closed, have their turn
 * before it. */
static int before_control(void)
{
    int n = 7;
    while (n > 0 && !ep_events(n))
        n--;
    return n;
}

/* One thing each time: the interrupt comes again until all is done.  Endpoints go before the
 * bus, for there the host asks for the next packet already. */
void usb_interrupt(void);
void usb_interrupt(void)
{
    int bus = ep_bus_events(), n = bus & BUS_ENDPOINT;
    if (!(bus & BUS_TRANSFER)) {
        bus_event(bus);
        return;
    }
    if (n == 0) {
        n = before_control();
        if (n == 0) {
            control_event();
            return;
        }
    }
    int event = ep_take_event(n);
    enum ep_direction direction = event == EP_SENT ? EP_IN : EP_OUT;
    if (event && rows[n][direction])
        rows[n][direction]->event(n, event == EP_SENT ? USB_SENT : USB_RECEIVED);
}

void usb_start(void)
{
    usb.configuration = 0;
    ep_attach();
}

void usb_stop(void)
{
    ep_detach();
    clock_wait_us(UNPLUGGED_MS * 1000);
}
