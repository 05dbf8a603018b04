/* usb_host.h - a full-speed host controller: frames, transfers, a hub port.
 *
 * Schedules real frames: 1 ms, SOF first, each transaction takes its bit times (token,
 * data, handshake, turnaround), at most 19 bulk packets of 64 bytes fit (USB 2.0
 * 5.8.4).  NAKed bulk transactions are tried again in the same frame while there is
 * room.  Clients queue transfers ("URBs"); completion is called back in simulated time.
 * The same interface serves our own CDC driver, the tests, and USB/IP (which carries
 * URBs of a real Linux kernel), so nothing here knows any device class.
 *
 * An endpoint that answers NAK is asked again after NAK_PAUSE, other endpoints first; a
 * transaction that gets no answer is repeated in the next frame, three times in all.
 *
 *   called by  cdc_host.c, pcap.c, usbip.c, tests      calls  usbfs.h, wires.h */
#ifndef USB_HOST_H
#define USB_HOST_H

#include "usbfs.h"

enum urb_status { URB_PENDING, URB_OK, URB_STALL, URB_NO_DEVICE, URB_TIMEOUT,
                  URB_OVERFLOW, URB_CANCELLED, URB_PROTOCOL };

struct urb {
    uint8_t endpoint;               /* number; bit 7 = IN.  0 = control */
    enum urb_type { URB_CONTROL, URB_BULK, URB_INTERRUPT } type;
    uint8_t setup[8];               /* control only; direction from bmRequestType */
    uint8_t *data;                  /* caller's, alive until done() */
    int length;                     /* to send, or room to receive */
    int actual;                     /* bytes done */
    bool zero_packet;               /* bulk OUT: end with a zero-length packet if due */
    bool short_not_ok;              /* IN: a short packet is an error */
    uint8_t interval;               /* interrupt: in frames */
    uint32_t timeout_ms;            /* simulated; 0 = none */
    enum urb_status status;
    void (*done)(void *ctx, struct urb *urb);
    void *ctx;
    /* private to usb_host.c */
    struct urb *next;
    uint8_t address;
    int stage, errors;
    bool cancelled;
    sim_time started;
};

struct usb_host;

/* dp is the chip's PA12; the pull-up that announces the device is on the same net, so
 * join that net first.  The cable is plugged in from the start. */
struct usb_host *usb_host_new(struct sim *sim, struct usbfs *device, struct pin *dp);
void usb_host_free(struct usb_host *host);
struct sim *usb_host_sim(const struct usb_host *host);

/* The cable.  Unplugged, D+ is not seen, and every URB ends with URB_NO_DEVICE. */
void usb_host_plug(struct usb_host *host, bool plugged);
/* D+ pulled up for 100 ms: something is there.  Called at each change, and at once when
 * it is there already.  Several clients may listen; NULL ends it for that ctx. */
void usb_host_on_attach(struct usb_host *host,
                        void (*changed)(void *ctx, bool attached), void *ctx);
bool usb_host_attached(const struct usb_host *host);

/* Bus reset of 10 ms + 10 ms recovery, then the device answers at address 0.  Toggles
 * and halts are forgotten.  done is called when transfers may start. */
void usb_host_reset_port(struct usb_host *host, void (*done)(void *ctx), void *ctx);
void usb_host_suspend(struct usb_host *host, bool suspend);
void usb_host_set_address(struct usb_host *host,
                          uint8_t address); /* used by new URBs */
void usb_host_set_ep0_size(struct usb_host *host, int size);
/* The client has set a configuration or cleared a halt: toggle back to DATA0.  The
 * sizes come from the descriptors; 0 keeps the size that was given before. */
void usb_host_open_endpoint(struct usb_host *host, uint8_t endpoint, int max_packet);

void usb_host_submit(struct usb_host *host, struct urb *urb);
/* done() is called with URB_CANCELLED, perhaps only when the transaction under way has
 * ended; nothing happens if the transfer has ended already. */
void usb_host_cancel(struct usb_host *host, struct urb *urb);

/* For tests, outside of callbacks: one control transfer from start to end.  setup's
 * wLength bytes are sent from or received in data; returns how many, or -status. */
int usb_host_control(struct usb_host *host, const uint8_t setup[8], void *data);
/* The same for a bulk or interrupt endpoint. */
int usb_host_transfer(struct usb_host *host, enum urb_type type, uint8_t endpoint,
                      void *data, int length, uint32_t timeout_ms);
/* The next count handshakes are lost on the cable (tests of toggles and retries). */
void usb_host_lose_handshakes(struct usb_host *host, int count);
/* The host begins no transaction for so long, as a busy one does (USB 2.0 has no shortest
 * rate for bulk and control); frames go on, and so does what is on the wire.  From an
 * observer: a pause behind that packet. */
void usb_host_pause(struct usb_host *host, sim_time time);
/* Of the bulk endpoints it is this one's turn next: hosts differ in their order. */
void usb_host_turn(struct usb_host *host, uint8_t endpoint);

/* Everything on the cable, for pcap and tests.  Any function may be NULL.  A packet is
 * given with the PID and what follows it, without CRC. */
struct usb_host_observer {
    void (*urb_submitted)(void *ctx, const struct urb *urb);
    void (*urb_done)(void *ctx, const struct urb *urb);
    void (*packet)(void *ctx, uint8_t pid, const uint8_t *bytes, int length);
    void *ctx;
};
void usb_host_observe(struct usb_host *host, const struct usb_host_observer *observer);

struct usb_host_stats {
    struct {
        uint64_t in_bytes, out_bytes, in_packets, out_packets, naks, stalls;
    } ep[16];
    uint64_t frames;
};
const struct usb_host_stats *usb_host_stats(const struct usb_host *host);

#endif
