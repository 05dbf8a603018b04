/* cdc_host.c - the operating system's part: enumeration, then serial ports.
 *
 * Enumeration is a table of requests in the order in which Linux makes them
 * (hub_port_init and usb_new_device): eight bytes of the device descriptor at address
 * 0, a second reset, SET_ADDRESS, descriptors, strings, SET_CONFIGURATION.  Each row
 * asks and each row checks what came; what is wrong is said in words, because this is
 * where firmware for USB fails first.  Three more attempts are made before the device
 * is given up.
 *
 * A port behaves as cdc_acm does: it is only read while it is open, with two bulk IN
 * transfers of two packets outstanding; a transfer that is refused (STALL) is followed
 * by CLEAR_FEATURE(HALT), one without an answer is tried again 100 ms later.  open() and
 * the ioctls end when the device has answered, and only then the program can write on: no
 * byte overtakes the DTR of its own opening.
 *
 *   called by  ports.c, main.c, tests      calls  usb_host.c
 *
 * Sources: USB 2.0 9.1 to 9.6; IAD ECN; CDC 1.2 5.2; CDC PSTN 1.2 6.3. */
#include "cdc_host.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PORTS = 4, READS = 2, READ_SIZE = 128, WRITE_SIZE = 1280, CONFIG_SIZE = 4096,
       STRINGS = 256, ATTEMPTS = 4, ADDRESS = 1, REQUEST_TIMEOUT = 5000 };

#define CLOSED_TIME (10 * SIM_MS)

enum { DEVICE = 1, CONFIG, STRING, INTERFACE, ENDPOINT, IAD = 0x0B, BOS = 0x0F,
       CS_INTERFACE = 0x24, UNION = 6, CLASS_CDC = 2, SUBCLASS_ACM = 2, CLASS_DATA = 10,
       BULK = 2, INTERRUPT = 3 };

enum { CLASS_REQUEST = 0x21, SET_LINE_CODING = 0x20, SET_CONTROL_LINE_STATE = 0x22,
       SEND_BREAK = 0x23, SERIAL_STATE = 0x20 };

/* A queue of bytes that grows as needed. */
struct bytes { uint8_t *data; int start, end, capacity; };

struct port {
    struct cdc_host *cdc;
    int control_interface, data_interface;
    uint8_t in, out, notify;            /* endpoint addresses */
    enum { ABSENT, CLOSED, OPEN, CLOSING } state;

    bool wanted, paused, dtr, rts;      /* asked for by the user; survives unplugging */
    uint8_t coding[7];
    struct bytes received, to_send;
    uint16_t serial_state;
    int asked;                          /* class requests that are not answered yet */
    sim_time answered_at;               /* the last of them was */
    int failures;                       /* transfers in a row without an answer */

    struct urb read[READS], write, notification;
    uint8_t read_data[READS][READ_SIZE], write_data[WRITE_SIZE], notify_data[64];
    struct alarm retry, give_up;
};

struct cdc_host {
    struct usb_host *host;
    struct sim *sim;
    bool freed, configured;
    sim_time configured_at;
    int step, attempt;
    bool reset_next;
    struct alarm pause;                 /* of enumeration */
    struct urb urb;
    uint8_t answer[CONFIG_SIZE];
    char failure[200];

    uint8_t device[18], config[CONFIG_SIZE], bos[CONFIG_SIZE];
    int config_length, bos_length;
    char *strings[STRINGS];
    int string;                         /* index asked for */
    uint16_t language;
    int port_count;
    struct port ports[PORTS];
};

static const char *const status_words[] = {
    [URB_PENDING] = "still pending", [URB_OK] = "done", [URB_STALL] = "refused (STALL)",
    [URB_NO_DEVICE] = "the device went away", [URB_TIMEOUT] = "not finished within 5 s",
    [URB_OVERFLOW] = "the device sent more than was asked for",
    [URB_CANCELLED] = "cancelled", [URB_PROTOCOL] = "no answer"
};

static int le16(const uint8_t *bytes) { return bytes[0] | bytes[1] << 8; }

/* --- Bytes --------------------------------------------------------------------- */

static int bytes_count(const struct bytes *b) { return b->end - b->start; }
static void bytes_clear(struct bytes *b) { b->start = b->end = 0; }

static void bytes_put(struct bytes *b, const void *data, int length)
{
    if (b->start > 0 && b->end + length > b->capacity) {
        memmove(b->data, b->data + b->start, (size_t)bytes_count(b));
        b->end -= b->start;
        b->start = 0;
    }
    if (b->end + length > b->capacity) {
        b->capacity = (b->end + length) * 2;
        b->data = realloc(b->data, (size_t)b->capacity);
    }
    memcpy(b->data + b->end, data, (size_t)length);
    b->end += length;
}

static int bytes_take(struct bytes *b, void *data, int size)
{
    int count = bytes_count(b) < size ? bytes_count(b) : size;
    if (count <= 0)
        return 0;
    memcpy(data, b->data + b->start, (size_t)count);
    b->start += count;
    if (b->start == b->end)
        bytes_clear(b);
    return count;
}

/* --- Requests that nobody waits for -------------------------------------------- */

struct request {
    struct urb urb;
    struct cdc_host *cdc;
    void (*then)(struct port *port);    /* may be NULL */
    struct port *port;
    uint8_t data[8];
};

static void write_more(struct port *port);

static void request_done(void *ctx, struct urb *urb)
{
    struct request *request = ctx;
    struct cdc_host *cdc = request->cdc;
    if (!cdc->freed && urb->status != URB_OK && urb->status != URB_NO_DEVICE)
        sim_report(cdc->sim, SIM_NOTE, "USB host: request %02x %02x value %d: %s",
                   urb->setup[0], urb->setup[1], le16(urb->setup + 2),
                   status_words[urb->status]);
    if (!cdc->freed && request->then && urb->status == URB_OK)
        request->then(request->port);
    if (!cdc->freed && urb->setup[0] == CLASS_REQUEST) {
        request->port->asked--;
        request->port->answered_at = cdc->sim->now;
        write_more(request->port);
    }
    free(request);
}

static void request(struct port *port, uint8_t type, uint8_t code, int value, int index,
                    const uint8_t *data, int length, void (*then)(struct port *port))
{
    struct request *r = calloc(1, sizeof *r);
    r->cdc = port->cdc;
    r->port = port;
    r->then = then;
    if (length)
        memcpy(r->data, data, (size_t)length);
    r->urb = (struct urb){ .type = URB_CONTROL, .data = r->data, .length = length,
        .setup = { type, code, (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)index, 0,
                   (uint8_t)length, 0 },
        .timeout_ms = REQUEST_TIMEOUT, .done = request_done, .ctx = r };
    if (type == CLASS_REQUEST)
        port->asked++;
    usb_host_submit(port->cdc->host, &r->urb);
}

static void send_line_coding(struct port *port)
{
    request(port, CLASS_REQUEST, SET_LINE_CODING, 0, port->control_interface,
            port->coding, 7, NULL);
}

static void send_control_lines(struct port *port)
{
    int lines = (port->dtr ? 1 : 0) | (port->rts ? 2 : 0);
    request(port, CLASS_REQUEST, SET_CONTROL_LINE_STATE, lines, port->control_interface,
            NULL, 0, NULL);
}

/* --- A port's transfers -------------------------------------------------------- */

static bool running(const struct port *port)
{
    return !port->cdc->freed && (port->state == OPEN || port->state == CLOSING);
}

static void submit(struct port *port, struct urb *urb)
{
    if (urb->status != URB_PENDING) {
        urb->status = URB_PENDING;
        usb_host_submit(port->cdc->host, urb);
    }
}

static void close_now(struct port *port);

static void write_more(struct port *port)
{
    struct urb *urb = &port->write;
    if (!running(port) || urb->status == URB_PENDING || port->asked)
        return;
    urb->length = bytes_take(&port->to_send, port->write_data, WRITE_SIZE);
    if (urb->length)
        submit(port, urb);
    else if (port->state == CLOSING)
        close_now(port);
}

static void read_more(struct port *port)
{
    for (int i = 0; i < READS; i++)
        if (running(port) && !port->paused)
            submit(port, &port->read[i]);
    if (running(port) && port->notify)
        submit(port, &port->notification);
}

/* The unsent rest of a failed write goes back to the head of the queue. */
static void unsend(struct port *port)
{
    struct urb *urb = &port->write;
    struct bytes rest = { 0 };
    bytes_put(&rest, port->write_data + urb->actual, urb->length - urb->actual);
    bytes_put(&rest, port->to_send.data + port->to_send.start,
              bytes_count(&port->to_send));
    free(port->to_send.data);
    port->to_send = rest;
    urb->length = urb->actual = 0;
}

static void retry(void *ctx)
{
    struct port *port = ctx;
    read_more(port);
    write_more(port);
}

static void in_toggle_cleared(struct port *port)
{
    usb_host_open_endpoint(port->cdc->host, port->in, 0);
    retry(port);
}

static void out_toggle_cleared(struct port *port)
{
    usb_host_open_endpoint(port->cdc->host, port->out, 0);
    retry(port);
}

/* True if the transfer went well; else sees to it that it is tried again. */
static bool went_well(struct port *port, struct urb *urb)
{
    struct cdc_host *cdc = port->cdc;
    if (urb->status == URB_OK)
        port->failures = 0;
    if (urb->status == URB_OK || urb->status == URB_CANCELLED || !running(port))
        return running(port);           /* cancelled and running: reopened meanwhile */
    if (urb->status == URB_STALL && urb->type == URB_BULK) {
        request(port, 0x02, 1, 0, urb->endpoint, NULL, 0,
                urb->endpoint & 0x80 ? in_toggle_cleared : out_toggle_cleared);
    } else if (urb->status != URB_NO_DEVICE) {
        if (++port->failures == 5)      /* a reset looks like this for a moment */
            sim_report(cdc->sim, SIM_NOTE, "USB host: endpoint 0x%02x: %s",
                       urb->endpoint, status_words[urb->status]);
        alarm_set(cdc->sim, &port->retry, cdc->sim->now + 100 * SIM_MS);
    }
    return false;
}

static void read_done(void *ctx, struct urb *urb)
{
    struct port *port = ctx;
    bytes_put(&port->received, urb->data, urb->actual);
    if (went_well(port, urb) && !port->paused)
        submit(port, urb);
}

static void write_done(void *ctx, struct urb *urb)
{
    struct port *port = ctx;
    if (went_well(port, urb))
        write_more(port);
    else if (running(port))
        unsend(port);
}

static void notified(void *ctx, struct urb *urb)
{
    struct port *port = ctx;
    const uint8_t *n = port->notify_data;
    if (!went_well(port, urb))
        return;
    if (urb->actual >= 10 && n[0] == 0xA1 && n[1] == SERIAL_STATE)
        port->serial_state = (uint16_t)le16(n + 8);
    submit(port, urb);
}

static void open_now(struct port *port)
{
    port->state = OPEN;
    send_line_coding(port);
    send_control_lines(port);
    read_more(port);
    write_more(port);
}

static void close_now(struct port *port)
{
    struct usb_host *host = port->cdc->host;
    port->state = CLOSED;
    alarm_cancel(port->cdc->sim, &port->give_up);
    bytes_clear(&port->to_send);
    for (int i = 0; i < READS; i++)
        if (port->read[i].status == URB_PENDING)
            usb_host_cancel(host, &port->read[i]);
    if (port->write.status == URB_PENDING)
        usb_host_cancel(host, &port->write);
    if (port->notification.status == URB_PENDING)
        usb_host_cancel(host, &port->notification);
    send_control_lines(port);
}

static void drained_too_long(void *ctx) { close_now(ctx); }

static void port_init(struct cdc_host *cdc, struct port *port)
{
    static const uint8_t coding_115200_8n1[7] = { 0x00, 0xC2, 0x01, 0x00, 0, 0, 8 };
    port->cdc = cdc;
    memcpy(port->coding, coding_115200_8n1, 7);
    alarm_init(&port->retry, retry, port);
    alarm_init(&port->give_up, drained_too_long, port);
}

static struct urb port_urb(struct port *port, enum urb_type type, uint8_t endpoint,
                           uint8_t *data, int length,
                           void (*done)(void *ctx, struct urb *urb))
{
    return (struct urb){ .type = type, .endpoint = endpoint, .data = data,
                         .length = length, .done = done, .ctx = port, .interval = 1,
                         .status = URB_OK };
}

/* The device has been configured: everything starts afresh. */
static void port_start(struct port *port)
{
    for (int i = 0; i < READS; i++)
        port->read[i] = port_urb(port, URB_BULK, port->in, port->read_data[i],
                                 READ_SIZE, read_done);
    port->write = port_urb(port, URB_BULK, port->out, port->write_data, 0, write_done);
    port->notification = port_urb(port, URB_INTERRUPT, port->notify, port->notify_data,
                                  sizeof port->notify_data, notified);
    bytes_clear(&port->received);
    port->serial_state = 0;
    port->failures = 0;
    port->answered_at = 0;
    port->state = CLOSED;
    if (port->wanted)
        open_now(port);
}

static void port_gone(struct port *port)
{
    port->state = ABSENT;
    bytes_clear(&port->to_send);
    alarm_cancel(port->cdc->sim, &port->retry);
    alarm_cancel(port->cdc->sim, &port->give_up);
}

/* --- What the configuration descriptor says ------------------------------------ */

/* The descriptor behind d; NULL at the end, or when lengths do not add up. */
static const uint8_t *next_descriptor(const struct cdc_host *cdc, const uint8_t *d)
{
    d += d[0];
    const uint8_t *end = cdc->config + cdc->config_length;
    return d + 2 <= end && d[0] >= 2 && d + d[0] <= end ? d : NULL;
}

static const uint8_t *find_interface(const struct cdc_host *cdc, int number, int class)
{
    for (const uint8_t *d = cdc->config; d; d = next_descriptor(cdc, d))
        if (d[1] == INTERFACE && d[2] == number && d[5] == class)
            return d;
    return NULL;
}

/* The first endpoint of an interface with these attributes; 0 = none. */
static uint8_t find_endpoint(const struct cdc_host *cdc, const uint8_t *interface,
                             int transfer_type, int direction)
{
    const uint8_t *d = next_descriptor(cdc, interface);
    for (; d && d[1] != INTERFACE; d = next_descriptor(cdc, d))
        if (d[1] == ENDPOINT && d[0] >= 7 && (d[3] & 3) == transfer_type &&
            (d[2] & 0x80) == direction)
            return d[2];
    return 0;
}

/* Which data interface belongs to a control interface: the union descriptor says so;
 * without one it is the next interface (which is what an IAD of two means, too). */
static int data_interface_of(const struct cdc_host *cdc, const uint8_t *control)
{
    const uint8_t *d = next_descriptor(cdc, control);
    for (; d && d[1] != INTERFACE; d = next_descriptor(cdc, d))
        if (d[1] == CS_INTERFACE && d[2] == UNION && d[0] >= 5)
            return d[4];
    return control[2] + 1;
}

static void find_port(struct cdc_host *cdc, const uint8_t *control)
{
    int number = data_interface_of(cdc, control);
    const uint8_t *data = find_interface(cdc, number, CLASS_DATA);
    if (!data || cdc->port_count == PORTS) {
        sim_report(cdc->sim, SIM_NOTE,
                   "USB host: interface %d is CDC-ACM, but interface %d "
                   "is not its data interface",
                   control[2], number);
        return;
    }
    struct port *port = &cdc->ports[cdc->port_count];
    port->control_interface = control[2];
    port->data_interface = number;
    port->in = find_endpoint(cdc, data, BULK, 0x80);
    port->out = find_endpoint(cdc, data, BULK, 0);
    port->notify = find_endpoint(cdc, control, INTERRUPT, 0x80);
    if (port->in && port->out)
        cdc->port_count++;
    else
        sim_report(cdc->sim, SIM_NOTE,
                   "USB host: data interface %d has no bulk IN and OUT", number);
}

static void open_endpoints(struct cdc_host *cdc)
{
    cdc->port_count = 0;
    for (const uint8_t *d = cdc->config; d; d = next_descriptor(cdc, d)) {
        if (d[1] == ENDPOINT && d[0] >= 7)
            usb_host_open_endpoint(cdc->host, d[2], le16(d + 4) & 0x7FF);
        if (d[1] == INTERFACE && d[0] >= 9 && d[5] == CLASS_CDC && d[6] == SUBCLASS_ACM)
            find_port(cdc, d);
    }
}

/* --- Enumeration: the rows ----------------------------------------------------- */

/* What is wrong with an answer, NULL if nothing. */
typedef const char *(*checker)(struct cdc_host *cdc, int length);

static void get_descriptor(struct cdc_host *cdc, int type, int index, int language,
                           int length)
{
    struct urb *urb = &cdc->urb;
    const uint8_t setup[8] = {
        0x80, 6, (uint8_t)index, (uint8_t)type, (uint8_t)language,
        (uint8_t)(language >> 8), (uint8_t)length, (uint8_t)(length >> 8)
    };
    memcpy(urb->setup, setup, 8);
    urb->length = length;
}

static bool ask_first(struct cdc_host *cdc)
{
    get_descriptor(cdc, DEVICE, 0, 0, 64);
    return true;
}

static const char *check_first(struct cdc_host *cdc, int length)
{
    int size = cdc->answer[7];
    if (length < 8)
        return "fewer than 8 bytes";
    if (cdc->answer[0] != 18 || cdc->answer[1] != DEVICE)
        return "not a device descriptor";
    if (size != 8 && size != 16 && size != 32 && size != 64)
        return "bMaxPacketSize0 is not 8, 16, 32 or 64";
    return NULL;
}

static bool ask_address(struct cdc_host *cdc)
{
    usb_host_set_ep0_size(cdc->host, cdc->answer[7]);
    memcpy(cdc->device, cdc->answer, 8);
    memcpy(cdc->urb.setup, (uint8_t[]){ 0, 5, ADDRESS, 0, 0, 0, 0, 0 }, 8);
    return true;
}

static const char *take_address(struct cdc_host *cdc, int length)
{
    (void)length;
    usb_host_set_address(cdc->host, ADDRESS);
    return NULL;
}

static bool ask_device(struct cdc_host *cdc)
{
    get_descriptor(cdc, DEVICE, 0, 0, 18);
    return true;
}

static const char *take_device(struct cdc_host *cdc, int length)
{
    if (length != 18 || cdc->answer[0] != 18 || cdc->answer[1] != DEVICE)
        return "not the 18 bytes of a device descriptor";
    if (cdc->answer[7] != cdc->device[7])
        return "bMaxPacketSize0 is not what it was at first";
    memcpy(cdc->device, cdc->answer, 18);
    return cdc->device[17] ? NULL : "bNumConfigurations is 0";
}

static bool ask_bos_head(struct cdc_host *cdc)
{
    cdc->bos_length = 0;
    get_descriptor(cdc, BOS, 0, 0, 5);
    return le16(cdc->device + 2) >= 0x0201;
}

static const char *check_bos_head(struct cdc_host *cdc, int length)
{
    if (length != 5 || cdc->answer[0] != 5 || cdc->answer[1] != BOS)
        return "not the head of a BOS descriptor";
    cdc->bos_length = le16(cdc->answer + 2);
    return cdc->bos_length > CONFIG_SIZE ? "wTotalLength is more than 4096" : NULL;
}

static bool ask_bos(struct cdc_host *cdc)
{
    get_descriptor(cdc, BOS, 0, 0, cdc->bos_length);
    return cdc->bos_length > 0;
}

static const char *take_bos(struct cdc_host *cdc, int length)
{
    if (length != cdc->bos_length)
        return "shorter than its wTotalLength";
    memcpy(cdc->bos, cdc->answer, (size_t)length);
    int count = 0, at = 5;
    for (; at + 3 <= length && cdc->bos[at] >= 3; at += cdc->bos[at])
        count++;
    return at == length && count == cdc->bos[4]
               ? NULL
               : "capabilities do not add up to the total";
}

static bool ask_config_head(struct cdc_host *cdc)
{
    get_descriptor(cdc, CONFIG, 0, 0, 9);
    return true;
}

static const char *check_config_head(struct cdc_host *cdc, int length)
{
    if (length != 9 || cdc->answer[0] != 9 || cdc->answer[1] != CONFIG)
        return "not the head of a configuration descriptor";
    cdc->config_length = le16(cdc->answer + 2);
    return cdc->config_length < 9 || cdc->config_length > CONFIG_SIZE
               ? "wTotalLength is not between 9 and 4096" : NULL;
}

static bool ask_config(struct cdc_host *cdc)
{
    get_descriptor(cdc, CONFIG, 0, 0, cdc->config_length);
    return true;
}

static const char *take_config(struct cdc_host *cdc, int length)
{
    bool seen[256] = { false };
    int interfaces = 0, endpoints_left = 0, total = 0;
    if (length != cdc->config_length)
        return "shorter than its wTotalLength";
    memcpy(cdc->config, cdc->answer, (size_t)length);
    for (const uint8_t *d = cdc->config; d; d = next_descriptor(cdc, d)) {
        total += d[0];
        if (d[1] == INTERFACE) {
            if (endpoints_left)
                return "an interface has fewer endpoints than it says";
            endpoints_left = d[4];
            interfaces += !seen[d[2]];
            seen[d[2]] = true;
        } else if (d[1] == ENDPOINT) {
            endpoints_left--;
        }
    }
    if (total != length || endpoints_left)
        return "the descriptors in it do not add up to wTotalLength";
    return interfaces == cdc->config[4] ? NULL : "bNumInterfaces is wrong";
}

static bool ask_languages(struct cdc_host *cdc)
{
    get_descriptor(cdc, STRING, 0, 0, 255);
    const uint8_t *d = cdc->device;
    return d[14] || d[15] || d[16];
}

static const char *take_language(struct cdc_host *cdc, int length)
{
    if (length < 4 || cdc->answer[0] != length || cdc->answer[1] != STRING)
        return "not a list of languages";
    cdc->language = (uint16_t)le16(cdc->answer + 2);
    return NULL;
}

/* The next string that a descriptor names and that has not been read; 0 = none. */
static int next_string(const struct cdc_host *cdc)
{
    int next = STRINGS;
    for (int i = 14; i <= 16; i++)
        if (cdc->device[i] > cdc->string && cdc->device[i] < next)
            next = cdc->device[i];
    for (const uint8_t *d = cdc->config; d; d = next_descriptor(cdc, d)) {
        int index = d[1] == INTERFACE ? d[8] : d[1] == CONFIG ? d[6] : 0;
        if (index > cdc->string && index < next)
            next = index;
    }
    return next == STRINGS ? 0 : next;
}

static bool ask_string(struct cdc_host *cdc)
{
    int index = next_string(cdc);
    cdc->string = index;
    get_descriptor(cdc, STRING, index, cdc->language, 255);
    return index != 0;
}

/* UTF-16LE of the basic plane to UTF-8. */
static char *utf8(const uint8_t *utf16, int length)
{
    char *text = calloc(1, (size_t)length * 2 + 1), *p = text;
    for (int i = 0; i + 1 < length; i += 2) {
        int c = le16(utf16 + i);
        if (c < 0x80) {
            *p++ = (char)c;
        } else if (c < 0x800) {
            *p++ = (char)(0xC0 | c >> 6);
            *p++ = (char)(0x80 | (c & 63));
        } else {
            *p++ = (char)(0xE0 | c >> 12);
            *p++ = (char)(0x80 | (c >> 6 & 63));
            *p++ = (char)(0x80 | (c & 63));
        }
    }
    return text;
}

static const char *take_string(struct cdc_host *cdc, int length)
{
    if (length < 2 || (length & 1) || cdc->answer[0] != length ||
        cdc->answer[1] != STRING)
        return "not a string descriptor, or its bLength is wrong";
    free(cdc->strings[cdc->string]);
    cdc->strings[cdc->string] = utf8(cdc->answer + 2, length - 2);
    return NULL;
}

static bool ask_configure(struct cdc_host *cdc)
{
    memcpy(cdc->urb.setup, (uint8_t[]){ 0, 9, cdc->config[5], 0, 0, 0, 0, 0 }, 8);
    return true;
}

static const char *start_ports(struct cdc_host *cdc, int length)
{
    (void)length;
    open_endpoints(cdc);
    cdc->configured = true;
    cdc->configured_at = cdc->sim->now;
    cdc->failure[0] = '\0';
    for (int i = 0; i < cdc->port_count; i++)
        port_start(&cdc->ports[i]);
    return NULL;
}

static const struct step {
    const char *what;
    bool (*ask)(struct cdc_host *cdc);  /* fills in the URB; false: skip this row */
    checker check;
    bool optional;                      /* a failure is noted and passed over */
    enum { GO_ON, RESET_PORT, PAUSE_2_MS, SAME_AGAIN } then;
} steps[] = {
    { "GET_DESCRIPTOR(device) at address 0", ask_first, check_first, false,
      RESET_PORT },
    { "SET_ADDRESS", ask_address, take_address, false, PAUSE_2_MS },
    { "GET_DESCRIPTOR(device)", ask_device, take_device, false, GO_ON },
    { "GET_DESCRIPTOR(BOS), 5 bytes", ask_bos_head, check_bos_head, true, GO_ON },
    { "GET_DESCRIPTOR(BOS)", ask_bos, take_bos, true, GO_ON },
    { "GET_DESCRIPTOR(configuration), 9 bytes", ask_config_head, check_config_head,
      false, GO_ON },
    { "GET_DESCRIPTOR(configuration)", ask_config, take_config, false, GO_ON },
    { "GET_DESCRIPTOR(string 0)", ask_languages, take_language, true, GO_ON },
    { "GET_DESCRIPTOR(string)", ask_string, take_string, true, SAME_AGAIN },
    { "SET_CONFIGURATION", ask_configure, start_ports, false, GO_ON },
};
enum { STEPS = sizeof steps / sizeof steps[0] };

/* --- Enumeration: walking them ------------------------------------------------- */

static void ask(struct cdc_host *cdc)
{
    for (; cdc->step < STEPS; cdc->step++) {
        cdc->urb.length = 0;
        if (steps[cdc->step].ask(cdc)) {
            usb_host_submit(cdc->host, &cdc->urb);
            return;
        }
    }
}

static void after_reset(void *ctx) { ask(ctx); }
static void after_pause(void *ctx)
{
    struct cdc_host *cdc = ctx;
    if (cdc->reset_next)
        usb_host_reset_port(cdc->host, after_reset, cdc);
    else
        ask(cdc);
    cdc->reset_next = false;
}

static void pause_for(struct cdc_host *cdc, sim_time time)
{
    alarm_set(cdc->sim, &cdc->pause, cdc->sim->now + time);
}

static void start_over(struct cdc_host *cdc, const char *why)
{
    cdc->attempt++;
    snprintf(cdc->failure, sizeof cdc->failure, "%s: %s", steps[cdc->step].what, why);
    cdc->step = cdc->string = 0;
    cdc->reset_next = true;
    if (cdc->attempt < ATTEMPTS)
        pause_for(cdc, 100 * SIM_MS);
    else
        sim_report(cdc->sim, SIM_NOTE,
                   "USB host: the device cannot be enumerated (%d attempts): %s",
                   ATTEMPTS, cdc->failure);
}

static void step_done(void *ctx, struct urb *urb)
{
    struct cdc_host *cdc = ctx;
    const struct step *step = &steps[cdc->step];
    const char *wrong = NULL;
    if (cdc->freed || urb->status == URB_NO_DEVICE)
        return;
    if (urb->status != URB_OK)
        wrong = status_words[urb->status];
    else
        wrong = step->check(cdc, urb->actual);
    if (wrong && !step->optional) {
        start_over(cdc, wrong);
        return;
    }
    if (wrong)
        sim_report(cdc->sim, SIM_NOTE, "USB host: %s (index %d): %s", step->what,
                   urb->setup[2], wrong);
    if (wrong && step->ask == ask_bos_head)
        cdc->bos_length = 0;
    cdc->step += step->then != SAME_AGAIN;
    cdc->reset_next = step->then == RESET_PORT;
    if (step->then == RESET_PORT)           /* no driver is quicker than that */
        pause_for(cdc, 200 * SIM_US);
    else if (step->then == PAUSE_2_MS)      /* USB 2.0 9.2.6.3 */
        pause_for(cdc, 2 * SIM_MS);
    else
        ask(cdc);
}

static void attach_changed(void *ctx, bool attached)
{
    struct cdc_host *cdc = ctx;
    cdc->step = cdc->attempt = cdc->string = 0;
    cdc->configured = cdc->reset_next = false;
    cdc->failure[0] = '\0';
    alarm_cancel(cdc->sim, &cdc->pause);
    for (int i = 0; i < PORTS; i++)
        if (cdc->ports[i].state != ABSENT)
            port_gone(&cdc->ports[i]);
    cdc->port_count = 0;
    for (int i = 0; i < STRINGS; i++) {
        free(cdc->strings[i]);
        cdc->strings[i] = NULL;
    }
    if (attached)
        usb_host_reset_port(cdc->host, after_reset, cdc);
}

/* --- The user's calls ---------------------------------------------------------- */

void cdc_host_open(struct cdc_host *cdc, int port_number, bool open)
{
    struct port *port = &cdc->ports[port_number];
    bool changed = port->wanted != open;
    port->wanted = port->dtr = port->rts = open;
    if (!changed || port->state == ABSENT)
        return;
    if (open && port->state == CLOSING)
        close_now(port);                /* the device sees DTR fall and rise again */
    if (open) {
        open_now(port);
    } else {
        port->state = CLOSING;
        alarm_set(cdc->sim, &port->give_up, cdc->sim->now + 2 * SIM_SECOND);
        write_more(port);
    }
}

bool cdc_host_closing(const struct cdc_host *cdc, int port_number)
{
    const struct port *port = &cdc->ports[port_number];
    if (port->state != CLOSED || !port->answered_at)
        return port->state == CLOSING;
    return port->asked || cdc->sim->now < port->answered_at + CLOSED_TIME;
}

void cdc_host_line_coding(struct cdc_host *cdc, int port_number, uint32_t baud,
                          int bits, char parity, int stop)
{
    struct port *port = &cdc->ports[port_number];
    static const char parities[] = "NOEMS";
    const char *found = strchr(parities, parity & ~0x20);
    for (int i = 0; i < 4; i++)
        port->coding[i] = (uint8_t)(baud >> i * 8);
    port->coding[4] = stop == 2 ? 2 : 0;
    port->coding[5] = (uint8_t)(found && *found ? found - parities : 0);
    port->coding[6] = (uint8_t)bits;
    if (running(port))
        send_line_coding(port);
}

void cdc_host_control_lines(struct cdc_host *cdc, int port_number, bool dtr, bool rts)
{
    struct port *port = &cdc->ports[port_number];
    port->dtr = dtr;
    port->rts = rts;
    if (running(port))
        send_control_lines(port);
}

void cdc_host_break(struct cdc_host *cdc, int port_number, uint16_t ms)
{
    struct port *port = &cdc->ports[port_number];
    if (running(port))
        request(port, CLASS_REQUEST, SEND_BREAK, ms, port->control_interface, NULL, 0,
                NULL);
}

uint16_t cdc_host_serial_state(const struct cdc_host *cdc, int port)
{
    return cdc->ports[port].serial_state;
}

void cdc_host_write(struct cdc_host *cdc, int port_number, const void *bytes,
                    int length)
{
    struct port *port = &cdc->ports[port_number];
    bytes_put(&port->to_send, bytes, length);
    if (port->state == OPEN)
        write_more(port);
}

int cdc_host_pending(const struct cdc_host *cdc, int port_number)
{
    const struct port *port = &cdc->ports[port_number];
    int on_the_way = port->state != ABSENT && port->write.status == URB_PENDING
                         ? port->write.length - port->write.actual : 0;
    return bytes_count(&port->to_send) + on_the_way;
}

int cdc_host_read(struct cdc_host *cdc, int port, void *bytes, int size)
{
    return bytes_take(&cdc->ports[port].received, bytes, size);
}

void cdc_host_pause(struct cdc_host *cdc, int port_number, bool pause)
{
    struct port *port = &cdc->ports[port_number];
    port->paused = pause;
    read_more(port);
}

bool cdc_host_configured(const struct cdc_host *cdc) { return cdc->configured; }
sim_time cdc_host_configured_at(const struct cdc_host *cdc)
{
    return cdc->configured_at;
}
int cdc_host_ports(const struct cdc_host *cdc) { return cdc->port_count; }
const uint8_t *cdc_host_device_descriptor(const struct cdc_host *cdc)
{
    return cdc->device;
}

const char *cdc_host_failure(const struct cdc_host *cdc)
{
    return cdc->failure[0] ? cdc->failure : NULL;
}

const uint8_t *cdc_host_config_descriptor(const struct cdc_host *cdc, int *length)
{
    *length = cdc->config_length;
    return cdc->config;
}

const uint8_t *cdc_host_bos_descriptor(const struct cdc_host *cdc, int *length)
{
    *length = cdc->bos_length;
    return cdc->bos;
}

const char *cdc_host_string(const struct cdc_host *cdc, int index)
{
    return index >= 0 && index < STRINGS ? cdc->strings[index] : NULL;
}

struct cdc_host *cdc_host_new(struct usb_host *host)
{
    struct cdc_host *cdc = calloc(1, sizeof *cdc);
    cdc->host = host;
    cdc->sim = usb_host_sim(host);
    cdc->urb = (struct urb){ .type = URB_CONTROL,
                             .data = cdc->answer,
                             .done = step_done,
                             .timeout_ms = REQUEST_TIMEOUT,
                             .ctx = cdc };
    alarm_init(&cdc->pause, after_pause, cdc);
    for (int i = 0; i < PORTS; i++)
        port_init(cdc, &cdc->ports[i]);
    usb_host_on_attach(host, attach_changed, cdc);
    return cdc;
}

void cdc_host_free(struct cdc_host *cdc)
{
    if (!cdc)
        return;
    usb_host_plug(cdc->host, false);    /* ends every transfer, so none refers to us */
    cdc->freed = true;
    usb_host_on_attach(cdc->host, NULL, cdc);
    for (int i = 0; i < PORTS; i++) {
        free(cdc->ports[i].received.data);
        free(cdc->ports[i].to_send.data);
    }
    free(cdc);
}
