/* cdc.c - serial ports over USB: the CDC-ACM function, twice.
 *
 * Each port has a ring for each direction.  A ring has one writer and one reader; each
 * moves only its own index, so neither needs to stop the other:
 *
 *     host -> OUT packet -> [arrived]  -> cdc_look(), cdc_taken()    writer: the interrupt
 *     host <- IN packet  <- [leaving]  <- cdc_write(), cdc_lend()    reader: the interrupt
 *
 * Indices run freely through 65536; size is a power of two, so "used" is a subtraction.
 * Behind a ring's memory is room for one packet more: one that goes around the end lies
 * there in one piece, and so moves between ring and packet memory without a copy.  The
 * GDB port has no memory for leaving: its replies leave from where they are made.
 *
 * Behind an IN packet the host asks for the next one in 3 us, and if that is not there, again
 * after 10 us or more, where a packet takes 50.  So the GDB port has two IN buffers in packet
 * memory: while one is on its way the other is loaded, and takes its turn first of all.
 *
 * Rules:
 *   - OUT is open only while a whole packet fits; otherwise the host sees NAK and waits.
 *   - full IN packets leave at once.  What is left leaves when cdc_flush() was called, and
 *     if that is nothing and the last packet was full, an empty packet ends the transfer.
 *   - touching an endpoint outside the interrupt happens with interrupts off.
 *   - all interrupts have one priority, so uart.c's count as "the interrupt" here.
 *
 * Sources: CDC 1.2 (requests 6.2, notifications 6.3), PSTN 1.2 6.3, 6.5. */
#include "cdc.h"
#include "mem.h"
#include "stm32f103.h"

enum {
    SET_LINE_CODING = 0x20, GET_LINE_CODING = 0x21, SET_CONTROL_LINE_STATE = 0x22,
    SEND_BREAK = 0x23, SERIAL_STATE = 0x20,
    TO_INTERFACE = USB_CLASS | USB_TO_INTERFACE, FROM_INTERFACE = TO_INTERFACE | 0x80,

    PACKET = 64, NOTIFICATION_PACKET = 8,
    DTR = 1 << 0,
    /* GDB_OUT takes a whole request while the one before it is executed (rsp.h). */
    GDB_OUT = 4096, LENT = 0x8000, UART_OUT = 512, UART_IN = 1024
};

/* PSTN 6.5.4: a class request to the host, in the form of a SETUP packet.  Of the bits of state
 * DCD and DSR last; the others happen once. */
struct notification {
    struct usb_setup setup;
    uint16_t state;                     /* what the host was told last */
};
#define SERIAL_STATE_OF(interface) \
    { { FROM_INTERFACE, SERIAL_STATE, 0, interface, 2 }, 0 }

struct ring {
    uint8_t *bytes;                     /* size, and PACKET more */
    uint16_t size;
    volatile uint16_t head;             /* moved by the writer */
    volatile uint16_t tail;             /* moved by the reader */
};

static uint8_t gdb_out[GDB_OUT + PACKET], uart_out[UART_OUT + PACKET],
               uart_in[UART_IN + PACKET];

static struct port {
    uint8_t interface, data, notify;    /* the last two: endpoints */
    uint8_t other;                      /* see ep_write(): the GDB port's IN has two buffers */
    volatile bool flush;                /* set by the writer, cleared when it is done */
    /* All but the rings is written by the interrupt. */
    uint8_t loaded;                     /* IN packet that waits its turn: length + 1 */
    bool full_packet;                   /* the last IN packet was: an empty one may be due */
    volatile uint8_t lines;
    uint8_t notified;                   /* bytes of notification that are under way or done */
    uint16_t fresh;                     /* arrived.head when openings was counted */
    uint16_t events;                    /* to be told */
    volatile uint32_t openings;
    struct line_coding coding;
    struct ring arrived, leaving;
    struct notification notification;
} ports[CDC_PORTS] = {
    [CDC_GDB] = {
        GDB_INTERFACE, GDB_EP, GDB_NOTIFY_EP, GDB_OTHER_IN,
        .arrived = { gdb_out, GDB_OUT, 0, 0 }, .leaving = { NULL, LENT, 0, 0 },
        .coding = { 115200, 0, 0, 8 }, .notified = sizeof(struct notification),
        .notification = SERIAL_STATE_OF(GDB_INTERFACE)
    },
    [CDC_UART] = {
        UART_INTERFACE, UART_EP, UART_NOTIFY_EP, 0,
        .arrived = { uart_out, UART_OUT, 0, 0 }, .leaving = { uart_in, UART_IN, 0, 0 },
        .coding = { 115200, 0, 0, 8 }, .notified = sizeof(struct notification),
        .notification = SERIAL_STATE_OF(UART_INTERFACE)
    },
};

/* --- rings --------------------------------------------------------------------------- */

static int used(const struct ring *ring)
{
    return (uint16_t)(ring->head - ring->tail);
}

static int free_space(const struct ring *ring)
{
    return ring->size - used(ring);
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* --- packets: in the interrupt, or with interrupts off --------------------------------- */

static void open_out(struct port *port)
{
    int n = port->data;
    if (free_space(&port->arrived) >= PACKET && ep_free(n, EP_OUT))
        usb_receive(n);
}

/* The packet is read over the end of the ring; then what is there goes to the start. */
static void take_packet(struct port *port)
{
    struct ring *ring = &port->arrived;
    int at = ring->head & (ring->size - 1);
    int n = ep_read(port->data, ring->bytes + at, PACKET);
    if (at + n > ring->size)
        memcpy(ring->bytes, ring->bytes + ring->size, (size_t)(at + n - ring->size));
    ring->head = (uint16_t)(ring->head + n);
}

/* Puts the next packet into packet memory, if there is one.  Lent memory is only read, for it
 * is never full. */
static void load(struct port *port)
{
    struct ring *ring = &port->leaving;
    int n = least(used(ring), PACKET), at = ring->tail & (ring->size - 1);
    if (n < PACKET) {
        if (!port->flush)
            return;
        port->flush = false;
        if (n == 0 && !port->full_packet)
            return;
    }
    if (at + n > ring->size)
        memcpy(ring->bytes + ring->size, ring->bytes, (size_t)(at + n - ring->size));
    ep_write(port->data, port->other, ring->bytes + at, n);
    ring->tail = (uint16_t)(ring->tail + n);
    port->full_packet = n == PACKET;
    port->loaded = (uint8_t)(n + 1);
}

/* Where there are two buffers, one packet is loaded while the other is on its way, so that
 * the host, which asks again at once, gets it at once. */
static void send_packet(struct port *port)
{
    enum ep_state state = ep_state(port->data, EP_IN);
    if (!port->loaded && (state == EP_NAK || (state == EP_VALID && port->other)))
        load(port);
    if (state != EP_NAK || !port->loaded)
        return;
    ep_send(port->data, port->other, port->loaded - 1);
    port->loaded = 0;
    if (port->other)
        load(port);
}

/* Ten bytes through an endpoint of eight: two packets. */
static void notify(struct port *port)
{
    struct notification *notification = &port->notification;
    if (!ep_free(port->notify, EP_IN))
        return;
    if (port->notified == sizeof *notification) {
        if (!port->events)
            return;
        notification->state = (notification->state & (CDC_DCD | CDC_DSR)) | port->events;
        port->events = 0;
        port->notified = 0;
    }
    int n = least(NOTIFICATION_PACKET, (int)sizeof *notification - port->notified);
    usb_send(port->notify, (const uint8_t *)notification + port->notified, n);
    port->notified = (uint8_t)(port->notified + n);
}

/* Not inline: two calls of it are smaller. */
__attribute__((noinline)) static void tell(struct port *port, uint16_t events)
{
    port->events |= events;
    notify(port);
}

/* --- what usb.c calls ------------------------------------------------------------------- */

static struct port *port_of(int endpoint)
{
    return &ports[endpoint % 2 ? CDC_GDB : CDC_UART];
}

void cdc_out_event(int endpoint, enum usb_event event)
{
    struct port *port = port_of(endpoint);
    if (event == USB_RECEIVED)
        take_packet(port);
    open_out(port);
}

void cdc_in_event(int endpoint, enum usb_event event)
{
    (void)event;
    send_packet(port_of(endpoint));
}

void cdc_notification_event(int endpoint, enum usb_event event)
{
    (void)event;
    notify(port_of(endpoint));
}

__attribute__((noinline)) static void set_lines(struct port *port, uint8_t lines)
{
    bool was = port->lines & DTR, is = lines & DTR;
    port->lines = lines;
    if (was != is) {
        port->openings++;
        port->fresh = port->arrived.head;
    }
    if (is && !was)
        tell(port, CDC_DCD | CDC_DSR);
}

void cdc_configured(bool yes)
{
    for (struct port *port = ports; port < ports + CDC_PORTS; port++) {
        set_lines(port, 0);
        port->fresh = port->arrived.head;
        port->notification.state = port->events = 0;
        port->notified = sizeof port->notification;
        port->full_packet = false;
        port->loaded = 0;
        port->leaving.tail = port->leaving.head;    /* nobody is there to read it */
        if (yes)
            open_out(port);
    }
}

int cdc_control(const struct usb_setup *setup, const uint8_t **data)
{
    bool uart = setup->wIndex == UART_INTERFACE;
    struct port *port = &ports[uart ? CDC_UART : CDC_GDB];
    if (setup->wIndex != port->interface)
        return USB_REFUSE;
    switch (setup->bRequest << 8 | setup->bmRequestType) {
    case SET_LINE_CODING << 8 | TO_INTERFACE:
        if (setup->wLength != sizeof port->coding)
            return USB_REFUSE;
        memcpy(&port->coding, *data, sizeof port->coding);
        return 0;
    case GET_LINE_CODING << 8 | FROM_INTERFACE:
        *data = (const uint8_t *)&port->coding;
        return sizeof port->coding;
    case SET_CONTROL_LINE_STATE << 8 | TO_INTERFACE:
        set_lines(port, (uint8_t)setup->wValue);
        return 0;
    case SEND_BREAK << 8 | TO_INTERFACE:
        return 0;                       /* uart.c makes it */
    default:
        return USB_REFUSE;
    }
}

/* --- what the layers above call --------------------------------------------------------- */

__attribute__((noinline)) int cdc_look(int n, const uint8_t **bytes)
{
    const struct ring *ring = &ports[n].arrived;
    int at = ring->tail & (ring->size - 1);
    *bytes = ring->bytes + at;
    return least(used(ring), ring->size - at);
}

void cdc_taken(int n, int count)
{
    struct port *port = &ports[n];
    uint32_t state = interrupts_off();
    port->arrived.tail = (uint16_t)(port->arrived.tail + count);
    open_out(port);
    interrupts_restore(state);
}

bool cdc_peek(int n, uint8_t byte)
{
    const struct ring *ring = &ports[n].arrived;
    for (uint16_t i = ring->tail; i != ring->head; i++) {
        if (ring->bytes[i & (ring->size - 1)] == byte)
            return true;
    }
    return false;
}

int cdc_waiting(int n)
{
    return used(&ports[n].arrived);
}

void cdc_lend(int n, const uint8_t *bytes)
{
    struct ring *ring = &ports[n].leaving;
    uint32_t state = interrupts_off();
    ring->bytes = (uint8_t *)(uintptr_t)bytes;
    ring->head = ring->tail = 0;
    interrupts_restore(state);
}

void cdc_send(int n, int length, bool end)
{
    struct port *port = &ports[n];
    uint32_t state = interrupts_off();
    port->leaving.head = (uint16_t)length;
    port->flush |= end;
    send_packet(port);
    interrupts_restore(state);
}

int cdc_unsent(int n)
{
    return used(&ports[n].leaving);
}

int cdc_write(int n, const uint8_t *bytes, int length)
{
    struct ring *ring = &ports[n].leaving;
    int at = ring->head & (ring->size - 1);
    int count = least(least(length, free_space(ring)), ring->size - at);
    memcpy(ring->bytes + at, bytes, (size_t)count);
    cdc_send(n, ring->head + count, false);
    return count;
}

int cdc_room(int n)
{
    return free_space(&ports[n].leaving);
}

void cdc_flush(int n)
{
    cdc_send(n, ports[n].leaving.head, true);
}

bool cdc_open(int n)
{
    return usb_configured() && ports[n].lines & DTR;
}

uint32_t cdc_openings(int n)
{
    return ports[n].openings;
}

const struct line_coding *cdc_line_coding(int n)
{
    return &ports[n].coding;
}

uint8_t cdc_control_lines(int n)
{
    return ports[n].lines;
}

/* A packet is taken back out of packet memory only while no host should be fetching it:
 * else one that is on the wire could be overwritten by the next. */
void cdc_drop(int n)
{
    struct port *port = &ports[n];
    struct ring *ring = &port->arrived;
    uint32_t state = interrupts_off();
    if ((uint16_t)(port->fresh - ring->tail) <= used(ring))
        ring->tail = port->fresh;
    port->loaded = 0;
    if (!cdc_open(n) && ep_state(port->data, EP_IN) == EP_VALID)
        ep_set(port->data, EP_IN, EP_NAK);
    open_out(port);
    interrupts_restore(state);
}

void cdc_notify(int n, uint16_t events)
{
    tell(&ports[n], events);
}
