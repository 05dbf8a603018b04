/* usbip.c - the board's plug, carried over TCP: a USB/IP server, protocol 1.1.1.
 *
 *     Linux: cdc_acm, usbfs ... -- vhci_hcd --- TCP --- usbip.c -- usb_host.c -- device
 *
 * A connection begins with one question, in network byte order: DEVLIST (then we hang
 * up) or IMPORT of bus id 1-1, after which it carries URBs both ways until either side
 * closes it.  A lost connection is a pulled plug for the kernel, and a pulled plug a
 * lost connection for us.  One importer at a time, any number one after the other.
 *
 * What the client's kernel believes it does to the bus, it does to its own virtual hub:
 * SET_ADDRESS and port resets are never sent.  So we enumerate the device ourselves
 * (reset, SET_ADDRESS, descriptors) at each attach and after each importer; and we know
 * a reset of the virtual port by what Linux always sends next and at no other time, 64
 * bytes of device descriptor (hub_port_init() at address 0).  Then the device gets the
 * reset that was meant for it, before that request is passed on.
 *
 * A submitted URB names its endpoint but not its type; that, and the packet sizes, come
 * from the descriptors.  While the device is being enumerated no request is looked at;
 * the bytes wait in their buffer.
 *
 *   called by  main.c      calls  usb_host.c
 *
 * Sources: Linux Documentation/usb/usbip_protocol.rst; USB 2.0 chapter 9. */
#define _GNU_SOURCE
#include "usbip.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { VERSION = 0x0111, REQ_DEVLIST = 0x8005, REP_DEVLIST = 0x0005,
       REQ_IMPORT = 0x8003, REP_IMPORT = 0x0003 };
enum { ST_OK = 0, ST_DEV_BUSY = 2, ST_NODEV = 4 };
enum { CMD_SUBMIT = 1, CMD_UNLINK = 2, RET_SUBMIT = 3, RET_UNLINK = 4 };
enum { FLAG_SHORT_NOT_OK = 0x01, FLAG_ZERO_PACKET = 0x40 };
enum { OP_SIZE = 8, BUS_ID_SIZE = 32, PATH_SIZE = 256, HEADER_SIZE = 48 };
enum { SPEED_FULL = 2, BUS_NUMBER = 1, ADDRESS = 1,
       DEVICE_ID = BUS_NUMBER << 16 | ADDRESS };

/* USB 2.0 9.4 and 11.24.2.13. */
enum { CLEAR_FEATURE = 1, SET_FEATURE = 3, SET_ADDRESS = 5, GET_DESCRIPTOR = 6,
       SET_CONFIGURATION = 9, SET_INTERFACE = 11 };
enum { DESCRIPTOR_DEVICE = 1, DESCRIPTOR_CONFIG = 2, DESCRIPTOR_INTERFACE = 4,
       DESCRIPTOR_ENDPOINT = 5, DEVICE_SIZE = 18, CONFIG_HEAD = 9, PORT_RESET = 4,
       ADDRESS_0_LENGTH = 64 };

enum { CLIENTS = 8, CONFIGS = 4, CONFIG_MAX = 4096, TRIES = 3, CONTROL_LIMIT_MS = 5000,
       READ_CHUNK = 64 * 1024, URB_MAX = 16 << 20 };
#define ADDRESS_TIME    (2 * SIM_MS)        /* USB 2.0 9.2.6.3 */

static const char bus_id[BUS_ID_SIZE] = "1-1";

/* One URB of the importer's kernel. */
struct job {
    struct usbip *usbip;
    struct client *client;              /* NULL: it has gone, nobody wants the answer */
    uint32_t seqnum, unlink_seqnum;     /* of SUBMIT; of UNLINK if any, or 0 */
    struct urb urb;
    struct job *next;
};

struct client {
    int fd;                             /* -1: free place */
    bool imported, hang_up;             /* hang_up: when all has been sent */
    uint8_t *in, *out;
    size_t in_length, in_room, out_length, out_room;
};

/* Steps of our own enumeration, in order. */
enum step { ABSENT, RESET, DEVICE_8, GIVE_ADDRESS, DEVICE_ALL, CONFIG_9, CONFIG_ALL,
            READY, MUTE };

struct usbip {
    struct usb_host *host;
    int listener;
    struct client clients[CLIENTS];
    struct job *jobs;

    enum step step;
    int tries;
    bool fresh;                         /* no URB passed since the enumeration */
    struct urb urb;                     /* of the enumeration */
    bool urb_busy;
    struct alarm address_alarm;
    uint8_t device[DEVICE_SIZE], config[CONFIGS][CONFIG_MAX];
    int config_index;                   /* being read */
    int active;                         /* bConfigurationValue; 0: not configured */
    uint8_t setting[256];               /* alternate setting of each interface */
};

static void enumerate(struct usbip *usbip);

static uint16_t little16(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put16(uint8_t *p, unsigned value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

static void put32(uint8_t *p, uint32_t value)
{
    put16(p, value >> 16);
    put16(p + 2, value & 0xFFFF);
}

/* --- descriptors ------------------------------------------------------------------ */

static int configs(const struct usbip *usbip)
{
    int count = usbip->device[17];
    return count < CONFIGS ? count : CONFIGS;
}

static const uint8_t *active_config(const struct usbip *usbip)
{
    for (int i = 0; i < configs(usbip); i++)
        if (usbip->active && usbip->config[i][5] == usbip->active)
            return usbip->config[i];
    return NULL;
}

/* The descriptor after this one (NULL: the first); NULL at the end or at nonsense. */
static const uint8_t *next_descriptor(const uint8_t *config, const uint8_t *at)
{
    const uint8_t *end = config + little16(config + 2);
    at = at ? at + at[0] : config;
    return at + 2 <= end && at[0] >= 2 && at + at[0] <= end ? at : NULL;
}

/* Endpoint descriptors of the settings in force, one after the other. */
static const uint8_t *next_endpoint(const struct usbip *usbip, const uint8_t *at,
                                    int *interface)
{
    const uint8_t *config = active_config(usbip);
    bool in_force = at != NULL;
    if (!config)
        return NULL;
    while ((at = next_descriptor(config, at))) {
        if (at[1] == DESCRIPTOR_INTERFACE && at[0] >= 9) {
            *interface = at[2];
            in_force = usbip->setting[at[2]] == at[3];
        } else if (at[1] == DESCRIPTOR_ENDPOINT && at[0] >= 7 && in_force) {
            return at;
        }
    }
    return NULL;
}

static const uint8_t *find_endpoint(const struct usbip *usbip, uint8_t address)
{
    const uint8_t *at = NULL;
    int interface;
    while ((at = next_endpoint(usbip, at, &interface)) && at[2] != address)
        ;
    return at;
}

/* Their toggles start again; -1 means every interface. */
static void open_endpoints(struct usbip *usbip, int of_interface)
{
    const uint8_t *at = NULL;
    int interface = 0;
    while ((at = next_endpoint(usbip, at, &interface)))
        if (of_interface < 0 || interface == of_interface)
            usb_host_open_endpoint(usbip->host, at[2], little16(at + 4) & 0x7FF);
}

/* --- sending ---------------------------------------------------------------------- */

static void grow(uint8_t **buffer, size_t *room, size_t wanted)
{
    if (wanted <= *room)
        return;
    *room = wanted * 2;
    *buffer = realloc(*buffer, *room);
    if (!*buffer)
        abort();
}

static void send_out(struct client *client)
{
    size_t sent = 0;
    while (sent < client->out_length) {
        ssize_t n = send(client->fd, client->out + sent, client->out_length - sent,
                         MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            client->hang_up = true;
        if (n < 0)
            break;
        sent += (size_t)n;
    }
    client->out_length -= sent;
    memmove(client->out, client->out + sent, client->out_length);
}

static void say(struct client *client, const void *bytes, size_t length)
{
    grow(&client->out, &client->out_room, client->out_length + length);
    memcpy(client->out + client->out_length, bytes, length);
    client->out_length += length;
}

/* --- URBs ------------------------------------------------------------------------- */

static int linux_status(const struct urb *urb)
{
    static const int codes[] = {
        [URB_OK] = 0, [URB_STALL] = -EPIPE, [URB_NO_DEVICE] = -ESHUTDOWN,
        [URB_TIMEOUT] = -ETIMEDOUT, [URB_OVERFLOW] = -EOVERFLOW,
        [URB_CANCELLED] = -ECONNRESET, [URB_PROTOCOL] = -EPROTO,
    };
    bool too_short = urb->status == URB_PROTOCOL && urb->short_not_ok &&
                     urb->actual > 0;
    return too_short ? -EREMOTEIO : codes[urb->status];
}

static void reply_header(struct client *client, uint32_t command, uint32_t seqnum,
                         int status, int actual)
{
    uint8_t header[HEADER_SIZE] = { 0 };
    put32(header, command);
    put32(header + 4, seqnum);
    put32(header + 20, (uint32_t)status);
    put32(header + 24, (uint32_t)actual);
    say(client, header, sizeof header);
}

static void reply_submit(struct client *client, uint32_t seqnum, const struct urb *urb)
{
    bool in = urb->type == URB_CONTROL ? urb->setup[0] & 0x80 : urb->endpoint & 0x80;
    reply_header(client, RET_SUBMIT, seqnum, linux_status(urb), urb->actual);
    if (in)
        say(client, urb->data, (size_t)urb->actual);
}

/* What a request that the device has accepted means for us. */
static void follow_request(struct usbip *usbip, const uint8_t *setup)
{
    switch (setup[0] << 8 | setup[1]) {
    case 0x0000 | SET_CONFIGURATION:
        usbip->active = setup[2];
        memset(usbip->setting, 0, sizeof usbip->setting);
        open_endpoints(usbip, -1);
        break;
    case 0x0100 | SET_INTERFACE:
        usbip->setting[setup[4]] = setup[2];
        open_endpoints(usbip, setup[4]);
        break;
    case 0x0200 | CLEAR_FEATURE:                /* ENDPOINT_HALT is the only one */
        usb_host_open_endpoint(usbip->host, setup[4], 0);
        break;
    }
}

static void forget_job(struct usbip *usbip, struct job *job)
{
    struct job **link = &usbip->jobs;
    while (*link != job)
        link = &(*link)->next;
    *link = job->next;
    free(job->urb.data);
    free(job);
}

/* An unlinked URB is answered once, by RET_UNLINK - unless it ended by itself after
 * all: then its result is sent first, so that no byte is lost. */
static void job_done(void *ctx, struct urb *urb)
{
    struct job *job = ctx;
    struct usbip *usbip = job->usbip;
    struct client *client = job->client;

    if (urb->type == URB_CONTROL && urb->status == URB_OK)
        follow_request(usbip, urb->setup);
    if (client) {
        bool unlinked = job->unlink_seqnum && urb->status == URB_CANCELLED;
        if (!unlinked)
            reply_submit(client, job->seqnum, urb);
        if (job->unlink_seqnum)
            reply_header(client, RET_UNLINK, job->unlink_seqnum,
                         unlinked ? -ECONNRESET : 0, 0);
        send_out(client);
    }
    forget_job(usbip, job);
}

/* --- enumeration ------------------------------------------------------------------ */

static void drop_importer(struct usbip *usbip)
{
    for (int i = 0; i < CLIENTS; i++)
        if (usbip->clients[i].imported)
            usbip->clients[i].hang_up = true;
}

static bool enumerating(const struct usbip *usbip)
{
    return usbip->step > ABSENT && usbip->step < READY;
}

static void reset_done(void *ctx)
{
    struct usbip *usbip = ctx;
    usbip->step = DEVICE_8;
    enumerate(usbip);
}

static void reset_device(struct usbip *usbip)
{
    usbip->step = RESET;
    usbip->active = usbip->config_index = 0;
    memset(usbip->setting, 0, sizeof usbip->setting);
    usb_host_reset_port(usbip->host, reset_done, usbip);
}

static void start_enumeration(struct usbip *usbip)
{
    usbip->tries = 0;
    reset_device(usbip);
}

static void address_settled(void *ctx) { enumerate(ctx); }

static void next_step(struct usbip *usbip)
{
    uint8_t *config = usbip->config[usbip->config_index];
    switch (usbip->step) {
    case DEVICE_8:
        usb_host_set_ep0_size(usbip->host, usbip->device[7]);
        break;
    case GIVE_ADDRESS:
        usb_host_set_address(usbip->host, ADDRESS);
        usbip->step = DEVICE_ALL;
        alarm_set(usb_host_sim(usbip->host), &usbip->address_alarm,
                  usb_host_sim(usbip->host)->now + ADDRESS_TIME);
        return;
    case CONFIG_ALL:
        put16(config + 2, 0);
        config[2] = (uint8_t)usbip->urb.actual;         /* what there is of it */
        config[3] = (uint8_t)(usbip->urb.actual >> 8);
        if (++usbip->config_index < configs(usbip)) {
            usbip->step = CONFIG_9;
            enumerate(usbip);
            return;
        }
        usbip->fresh = true;
        break;
    default:
        break;
    }
    if (++usbip->step != READY)
        enumerate(usbip);
}

static void step_done(void *ctx, struct urb *urb)
{
    struct usbip *usbip = ctx;
    usbip->urb_busy = false;
    if (!enumerating(usbip) || urb->status == URB_CANCELLED)
        return;
    bool whole = usbip->step == CONFIG_ALL ? urb->actual >= CONFIG_HEAD
                                           : urb->actual == urb->length;
    if (urb->status == URB_OK && whole) {
        next_step(usbip);
    } else if (urb->status == URB_NO_DEVICE) {
        usbip->step = ABSENT;
    } else if (++usbip->tries < TRIES) {
        reset_device(usbip);
    } else {
        fprintf(stderr, "usbip: the device does not answer as USB wants it: request "
                "%u, value 0x%04X\n", urb->setup[1], little16(urb->setup + 2));
        usbip->step = MUTE;
        drop_importer(usbip);
    }
}

/* Sends what the present step asks for. */
static void enumerate(struct usbip *usbip)
{
    uint8_t *config = usbip->config[usbip->config_index];
    int config_length = little16(config + 2);
    if (config_length > CONFIG_MAX)
        config_length = CONFIG_MAX;
    const struct { int request, value, length; uint8_t *data; } ask[] = {
        [DEVICE_8] = { GET_DESCRIPTOR, DESCRIPTOR_DEVICE << 8, 8, usbip->device },
        [GIVE_ADDRESS] = { SET_ADDRESS, ADDRESS, 0, NULL },
        [DEVICE_ALL] = { GET_DESCRIPTOR, DESCRIPTOR_DEVICE << 8, DEVICE_SIZE,
                         usbip->device },
        [CONFIG_9] = { GET_DESCRIPTOR, DESCRIPTOR_CONFIG << 8 | usbip->config_index,
                       CONFIG_HEAD, config },
        [CONFIG_ALL] = { GET_DESCRIPTOR, DESCRIPTOR_CONFIG << 8 | usbip->config_index,
                         config_length, config },
    }, *a = &ask[usbip->step];

    usbip->urb = (struct urb){
        .type = URB_CONTROL, .data = a->data, .length = a->length,
        .setup = { (uint8_t)(a->length ? 0x80 : 0), (uint8_t)a->request,
                   (uint8_t)a->value, (uint8_t)(a->value >> 8), 0, 0,
                   (uint8_t)a->length, (uint8_t)(a->length >> 8) },
        .timeout_ms = CONTROL_LIMIT_MS, .done = step_done, .ctx = usbip,
    };
    usbip->urb_busy = true;
    usb_host_submit(usbip->host, &usbip->urb);
}

static void attach_changed(void *ctx, bool attached)
{
    struct usbip *usbip = ctx;
    alarm_cancel(usb_host_sim(usbip->host), &usbip->address_alarm);
    usbip->step = ABSENT;
    if (attached)
        start_enumeration(usbip);
    else
        drop_importer(usbip);
}

/* --- requests of an importer ------------------------------------------------------ */

static bool bad(struct client *client, const char *why)
{
    fprintf(stderr, "usbip: a client was hung up on: %s\n", why);
    client->hang_up = true;
    return false;
}

/* What Linux sends first after it has reset its virtual port. */
static bool follows_reset(const struct urb *urb)
{
    const uint8_t *setup = urb->setup;
    if (urb->type != URB_CONTROL)
        return false;
    return setup[0] == 0x80 && setup[1] == GET_DESCRIPTOR &&
           setup[3] == DESCRIPTOR_DEVICE && little16(setup + 6) == ADDRESS_0_LENGTH;
}

/* Only from a client that is not vhci_hcd; the address is ours to give. */
static bool is_set_address(const struct urb *urb)
{
    return urb->type == URB_CONTROL && urb->setup[0] == 0 &&
           urb->setup[1] == SET_ADDRESS;
}

/* The stub driver of Linux takes it for a reset of the device, though it names a hub's
 * port. */
static bool is_port_reset(const struct urb *urb)
{
    return urb->type == URB_CONTROL && urb->setup[0] == 0x23 &&
           urb->setup[1] == SET_FEATURE && little16(urb->setup + 2) == PORT_RESET;
}

/* Fills in what the header says; false: no such endpoint, or it contradicts itself. */
static bool read_urb(const struct usbip *usbip, const uint8_t *header, struct urb *urb)
{
    static const int types[] = { -1, -1, URB_BULK, URB_INTERRUPT };
    uint32_t in = get32(header + 12), number = get32(header + 16);
    uint32_t flags = get32(header + 20);

    urb->length = (int)get32(header + 24);
    urb->interval = (uint8_t)get32(header + 36);
    urb->short_not_ok = in && (flags & FLAG_SHORT_NOT_OK);
    urb->zero_packet = !in && (flags & FLAG_ZERO_PACKET);
    memcpy(urb->setup, header + 40, 8);
    if (in > 1 || number > 15)
        return false;
    urb->endpoint = (uint8_t)(number | (in && number ? 0x80 : 0));
    if (number == 0) {
        urb->type = URB_CONTROL;
        return urb->length == little16(urb->setup + 6) &&
               (!urb->length || in == urb->setup[0] >> 7);
    }
    const uint8_t *endpoint = find_endpoint(usbip, urb->endpoint);
    int type = endpoint ? types[endpoint[3] & 3] : -1;
    urb->type = type < 0 ? URB_BULK : (enum urb_type)type;
    return type >= 0;
}

static void submit(struct usbip *usbip, struct client *client, uint32_t seqnum,
                   const struct urb *urb, const uint8_t *payload)
{
    struct job *job = calloc(1, sizeof *job);
    job->usbip = usbip;
    job->client = client;
    job->seqnum = seqnum;
    job->urb = *urb;
    job->urb.data = calloc(1, urb->length ? (size_t)urb->length : 1);
    if (payload)
        memcpy(job->urb.data, payload, (size_t)urb->length);
    job->urb.done = job_done;
    job->urb.ctx = job;
    job->next = usbip->jobs;
    usbip->jobs = job;
    usbip->fresh = false;
    usb_host_submit(usbip->host, &job->urb);
}

/* Each of these returns how many bytes it has used; 0: more are needed, or time. */
static size_t take_submit(struct usbip *usbip, struct client *client)
{
    const uint8_t *header = client->in;
    uint32_t length = get32(header + 24), packets = get32(header + 32);
    size_t payload = get32(header + 12) ? 0 : length;
    uint32_t seqnum = get32(header + 4);
    struct urb urb = { 0 };

    if (length > URB_MAX || (packets != 0 && packets != UINT32_MAX))
        return bad(client, "an isochronous or an endless transfer");
    if (client->in_length < HEADER_SIZE + payload)
        return 0;
    bool sound = read_urb(usbip, header, &urb);
    if (sound && !usbip->fresh && follows_reset(&urb)) {
        start_enumeration(usbip);
        return 0;                           /* it comes first after the reset */
    }
    if (!sound) {
        reply_header(client, RET_SUBMIT, seqnum, -EPIPE, 0);
    } else if (is_port_reset(&urb)) {
        start_enumeration(usbip);
        reply_header(client, RET_SUBMIT, seqnum, 0, 0);
    } else if (is_set_address(&urb)) {
        reply_header(client, RET_SUBMIT, seqnum, 0, 0);
    } else {
        submit(usbip, client, seqnum, &urb, payload ? header + HEADER_SIZE : NULL);
    }
    return HEADER_SIZE + payload;
}

static size_t take_unlink(struct usbip *usbip, struct client *client)
{
    uint32_t seqnum = get32(client->in + 4), victim = get32(client->in + 20);
    struct job *job = usbip->jobs;
    while (job && !(job->client == client && job->seqnum == victim))
        job = job->next;
    if (job && !job->unlink_seqnum) {
        job->unlink_seqnum = seqnum;
        usb_host_cancel(usbip->host, &job->urb);
    } else {
        reply_header(client, RET_UNLINK, seqnum, 0, 0);     /* answered already */
    }
    return HEADER_SIZE;
}

static size_t take_request(struct usbip *usbip, struct client *client)
{
    if (client->in_length < HEADER_SIZE)
        return 0;
    if (get32(client->in + 8) != DEVICE_ID)
        return bad(client, "a request for another device");
    switch (get32(client->in)) {
    case CMD_SUBMIT:
        return take_submit(usbip, client);
    case CMD_UNLINK:
        return take_unlink(usbip, client);
    default:
        return bad(client, "neither SUBMIT nor UNLINK");
    }
}

/* --- the first question ----------------------------------------------------------- */

static void say_operation(struct client *client, unsigned code, uint32_t status)
{
    uint8_t head[OP_SIZE];
    put16(head, VERSION);
    put16(head + 2, code);
    put32(head + 4, status);
    say(client, head, sizeof head);
}

static void say_device(const struct usbip *usbip, struct client *client)
{
    uint8_t device[PATH_SIZE + BUS_ID_SIZE + 24] = "/sys/devices/pillbug/usb1/1-1";
    uint8_t *p = device + PATH_SIZE;
    const uint8_t *descriptor = usbip->device;

    memcpy(p, bus_id, BUS_ID_SIZE);
    p += BUS_ID_SIZE;
    put32(p, BUS_NUMBER);
    put32(p + 4, ADDRESS);
    put32(p + 8, SPEED_FULL);
    put16(p + 12, little16(descriptor + 8));        /* idVendor, idProduct, bcdDevice */
    put16(p + 14, little16(descriptor + 10));
    put16(p + 16, little16(descriptor + 12));
    memcpy(p + 18, descriptor + 4, 3);              /* class, subclass, protocol */
    p[21] = (uint8_t)usbip->active;
    p[22] = descriptor[17];                         /* bNumConfigurations */
    p[23] = usbip->config[0][4];                    /* bNumInterfaces */
    say(client, device, sizeof device);
}

/* Class, subclass and protocol of each interface; exactly bNumInterfaces of them. */
static void say_interfaces(const struct usbip *usbip, struct client *client)
{
    const uint8_t *config = usbip->config[0], *at = NULL;
    int left = config[4];
    while (left > 0 && (at = next_descriptor(config, at)))
        if (at[1] == DESCRIPTOR_INTERFACE && at[0] >= 9 && at[3] == 0) {
            say(client, (uint8_t[]){ at[5], at[6], at[7], 0 }, 4);
            left--;
        }
    for (; left > 0; left--)
        say(client, (uint8_t[4]){ 0 }, 4);
}

static bool in_use(const struct usbip *usbip)
{
    for (int i = 0; i < CLIENTS; i++)
        if (usbip->clients[i].fd >= 0 && usbip->clients[i].imported)
            return true;
    return false;
}

/* As usbipd does, a device that is taken is not listed. */
static size_t answer_devlist(struct usbip *usbip, struct client *client)
{
    uint8_t count[4] = { 0 };
    count[3] = usbip->step == READY && !in_use(usbip);
    say_operation(client, REP_DEVLIST, ST_OK);
    say(client, count, sizeof count);
    if (count[3]) {
        say_device(usbip, client);
        say_interfaces(usbip, client);
    }
    client->hang_up = true;
    return OP_SIZE;
}

static size_t answer_import(struct usbip *usbip, struct client *client)
{
    if (client->in_length < OP_SIZE + BUS_ID_SIZE)
        return 0;
    bool named = memcmp(client->in + OP_SIZE, bus_id, sizeof "1-1") == 0;
    uint32_t status = !named || usbip->step != READY ? ST_NODEV
                      : in_use(usbip)                ? ST_DEV_BUSY
                                                     : ST_OK;
    say_operation(client, REP_IMPORT, status);
    if (status == ST_OK)
        say_device(usbip, client);
    client->imported = status == ST_OK;
    client->hang_up = status != ST_OK;
    return OP_SIZE + BUS_ID_SIZE;
}

static size_t take_operation(struct usbip *usbip, struct client *client)
{
    if (client->in_length < OP_SIZE)
        return 0;
    if ((client->in[0] << 8 | client->in[1]) != VERSION)
        return bad(client, "this is not USB/IP 1.1.1");
    switch (client->in[2] << 8 | client->in[3]) {
    case REQ_DEVLIST:
        return answer_devlist(usbip, client);
    case REQ_IMPORT:
        return answer_import(usbip, client);
    default:
        return bad(client, "neither DEVLIST nor IMPORT");
    }
}

/* --- connections ------------------------------------------------------------------ */

/* The next importer finds a device as after plugging in, and the firmware sees that its
 * ports were closed. */
static void drop(struct usbip *usbip, struct client *client)
{
    bool imported = client->imported;
    for (struct job *job = usbip->jobs, *next; job; job = next) {
        next = job->next;
        if (job->client == client) {
            job->client = NULL;
            usb_host_cancel(usbip->host, &job->urb);
        }
    }
    close(client->fd);
    free(client->in);
    free(client->out);
    *client = (struct client){ .fd = -1 };
    if (imported && usbip->step == READY)
        start_enumeration(usbip);
}

static void use_input(struct usbip *usbip, struct client *client)
{
    size_t used = 1;
    while (used && !client->hang_up && !enumerating(usbip)) {
        used = client->imported ? take_request(usbip, client)
                                : take_operation(usbip, client);
        client->in_length -= used;
        memmove(client->in, client->in + used, client->in_length);
    }
}

/* Reads on while a whole request may still be missing, and not further. */
static bool wants_input(const struct usbip *usbip, const struct client *client)
{
    return !client->hang_up &&
           (client->in_length < READ_CHUNK || !enumerating(usbip));
}

static void read_input(struct usbip *usbip, struct client *client)
{
    if (!wants_input(usbip, client))
        return;
    grow(&client->in, &client->in_room, client->in_length + READ_CHUNK);
    ssize_t n = recv(client->fd, client->in + client->in_length, READ_CHUNK, 0);
    if (n > 0)
        client->in_length += (size_t)n;
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        client->hang_up = true;
}

static void accept_client(struct usbip *usbip)
{
    int fd = accept4(usbip->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    int one = 1;
    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    for (int i = 0; i < CLIENTS; i++)
        if (usbip->clients[i].fd < 0) {
            usbip->clients[i] = (struct client){ .fd = fd };
            return;
        }
    close(fd);
}

/* What a client that is hung up on has been told still goes out, if it fits. */
static void serve(struct usbip *usbip, struct client *client)
{
    read_input(usbip, client);
    use_input(usbip, client);
    send_out(client);
    if (client->hang_up)
        drop(usbip, client);
}

void usbip_poll(struct usbip *usbip)
{
    accept_client(usbip);
    for (int i = 0; i < CLIENTS; i++)
        if (usbip->clients[i].fd >= 0)
            serve(usbip, &usbip->clients[i]);
}

int usbip_fds(const struct usbip *usbip, struct pollfd *fds, int room)
{
    int count = 0;
    if (count < room)
        fds[count++] = (struct pollfd){ .fd = usbip->listener, .events = POLLIN };
    for (int i = 0; i < CLIENTS && count < room; i++) {
        const struct client *client = &usbip->clients[i];
        int events = (wants_input(usbip, client) ? POLLIN : 0) |
                     (client->out_length ? POLLOUT : 0);
        if (client->fd >= 0)
            fds[count++] = (struct pollfd){ .fd = client->fd, .events = (short)events };
    }
    return count;
}

static int listen_on(int tcp_port, int *bound)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)tcp_port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&address, size) == 0 && listen(fd, CLIENTS) == 0 &&
        getsockname(fd, (struct sockaddr *)&address, &size) == 0) {
        *bound = ntohs(address.sin_port);
        return fd;
    }
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

struct usbip *usbip_new(struct usb_host *host, int tcp_port, int *bound, char *error,
                        int error_size)
{
    int fd = listen_on(tcp_port, bound);
    if (fd < 0) {
        snprintf(error, (size_t)error_size, "--usbip %d: cannot listen on that port "
                 "(%s). Choose another, or 0 for any free one.", tcp_port,
                 strerror(errno));
        return NULL;
    }
    struct usbip *usbip = calloc(1, sizeof *usbip);
    usbip->host = host;
    usbip->listener = fd;
    for (int i = 0; i < CLIENTS; i++)
        usbip->clients[i].fd = -1;
    alarm_init(&usbip->address_alarm, address_settled, usbip);
    usb_host_on_attach(host, attach_changed, usbip);
    return usbip;
}

void usbip_free(struct usbip *usbip)
{
    if (!usbip)
        return;
    usb_host_on_attach(usbip->host, NULL, usbip);
    alarm_cancel(usb_host_sim(usbip->host), &usbip->address_alarm);
    usbip->step = ABSENT;
    usb_host_plug(usbip->host, false);      /* every URB ends, and is answered */
    for (int i = 0; i < CLIENTS; i++)
        if (usbip->clients[i].fd >= 0)
            drop(usbip, &usbip->clients[i]);
    close(usbip->listener);
    free(usbip);
}
