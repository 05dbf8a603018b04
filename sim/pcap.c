/* pcap.c - USB traffic to a file that Wireshark and tshark read.
 *
 * Two records a transfer, as Linux's usbmon makes them: 'S' when it is submitted, 'C'
 * when it has ended, with the data where it is known (OUT with S, IN with C).  Times
 * are simulated and start at 1970.  The file is flushed after every record, so that it
 * can be looked at while the board runs and is whole after a crash.
 *
 *   called by  main.c, tests      calls  usb_host.c (as an observer)
 *
 * Sources: pcap file format (tcpdump.org, pcap-savefile(5));
 * LINKTYPE_USB_LINUX_MMAPPED; Linux Documentation/usb/usbmon.rst, "struct
 * usbmon_packet". */
#include "pcap.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINKTYPE_USB_LINUX_MMAPPED = 220, SNAPLEN = 262144, BUS = 1 };

struct file_header {
    uint32_t magic;
    uint16_t major, minor;
    int32_t zone;
    uint32_t accuracy, snaplen, linktype;
};
struct record_header { uint32_t seconds, microseconds, captured, length; };

struct usbmon {
    uint64_t id;                        /* joins S and C */
    uint8_t event, transfer_type, endpoint, device;
    uint16_t bus;
    uint8_t no_setup, no_data;          /* 0 = present, else why not, as a character */
    int64_t seconds;
    int32_t microseconds, status;
    uint32_t length, captured;
    uint8_t setup[8];
    int32_t interval, start_frame;
    uint32_t flags, iso_descriptors;
};
_Static_assert(sizeof(struct usbmon) == 64,
               "usbmon.rst: the mmapped form has 64 bytes");

struct pcap {
    FILE *file;
    struct sim *sim;
};

static const uint8_t transfer_types[] = { [URB_CONTROL] = 2, [URB_BULK] = 3,
                                          [URB_INTERRUPT] = 1 };

/* Linux errno values, which is what dissectors know. */
static const int32_t errnos[] = {
    [URB_PENDING] = -115,   [URB_OK] = 0,         [URB_STALL] = -32,
    [URB_NO_DEVICE] = -19,  [URB_TIMEOUT] = -110, [URB_OVERFLOW] = -75,
    [URB_CANCELLED] = -104, [URB_PROTOCOL] = -71
};

static bool is_in(const struct urb *urb)
{
    return (urb->type == URB_CONTROL ? urb->setup[0] : urb->endpoint) & 0x80;
}

static void write_record(struct pcap *pcap, const struct urb *urb, char event)
{
    bool done = event == 'C', in = is_in(urb), with_data = in == done;
    uint64_t us = pcap->sim->now / SIM_US;
    uint32_t length = (uint32_t)(done ? urb->actual : urb->length);
    uint32_t captured = with_data ? length : 0;
    struct usbmon mon = {
        .id = (uintptr_t)urb, .event = (uint8_t)event,
        .transfer_type = transfer_types[urb->type],
        .endpoint = (uint8_t)((urb->endpoint & 15) | (in ? 0x80 : 0)),
        .device = urb->address, .bus = BUS,
        .no_setup = urb->type == URB_CONTROL && !done ? 0 : '-',
        .no_data = captured ? 0 : in ? '<' : '>',
        .seconds = (int64_t)(us / 1000000), .microseconds = (int32_t)(us % 1000000),
        .status = errnos[done ? urb->status : URB_PENDING],
        .length = length, .captured = captured, .interval = urb->interval,
    };
    struct record_header record = { (uint32_t)(us / 1000000), (uint32_t)(us % 1000000),
        (uint32_t)sizeof mon + captured, (uint32_t)sizeof mon + captured };
    if (!mon.no_setup)
        memcpy(mon.setup, urb->setup, 8);
    fwrite(&record, sizeof record, 1, pcap->file);
    fwrite(&mon, sizeof mon, 1, pcap->file);
    if (captured)
        fwrite(urb->data, captured, 1, pcap->file);
    fflush(pcap->file);
}

static void submitted(void *ctx, const struct urb *urb) { write_record(ctx, urb, 'S'); }
static void done(void *ctx, const struct urb *urb) { write_record(ctx, urb, 'C'); }

struct pcap *pcap_new(struct sim *sim, struct usb_host *host, const char *path,
                      char *error, int error_size)
{
    static const struct file_header header = { 0xA1B2C3D4, 2, 4, 0, 0, SNAPLEN,
                                               LINKTYPE_USB_LINUX_MMAPPED };
    FILE *file = fopen(path, "wb");
    if (!file) {
        snprintf(error, (size_t)error_size, "cannot write USB traffic to %s: %s", path,
                 strerror(errno));
        return NULL;
    }
    struct pcap *pcap = calloc(1, sizeof *pcap);
    pcap->file = file;
    pcap->sim = sim;
    fwrite(&header, sizeof header, 1, file);
    usb_host_observe(host, &(struct usb_host_observer){ .urb_submitted = submitted,
                                                        .urb_done = done,
                                                        .ctx = pcap });
    return pcap;
}

void pcap_free(struct pcap *pcap)
{
    if (!pcap)
        return;
    fclose(pcap->file);
    free(pcap);
}
