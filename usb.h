/* usb.h - a USB full-speed device: chapter 9 and endpoints.  What the device is stands in
 * one const struct, usb_device, that the top level (probe.c, boot.c) owns; usb.c walks it.
 * Its name is known, so that the compiler sees what is in it: 120 bytes of the probe, 290 of
 * the bootloader. */
#ifndef USB_H
#define USB_H

#include "usb_ep.h"
#include <stddef.h>

struct usb_setup {                      /* USB 2.0 9.3: eight bytes, as they come */
    uint8_t bmRequestType, bRequest;
    uint16_t wValue, wIndex, wLength;
};
enum {                                  /* bmRequestType */
    USB_FROM_DEVICE = 0x80,
    USB_STANDARD = 0x00, USB_CLASS = 0x20, USB_VENDOR = 0x40, USB_TYPE = 0x60,
    USB_TO_DEVICE = 0, USB_TO_INTERFACE = 1, USB_TO_ENDPOINT = 2, USB_RECIPIENT = 0x1F
};
enum { USB_REFUSE = -1 };               /* the host sees STALL */

/* Answers a control request.  *data points to the device's buffer.
 *   Data to the device: called when all wLength bytes have arrived there; 0 or USB_REFUSE.
 *   Data to the host: fill the buffer, or point *data elsewhere; how many bytes, cut to
 *   wLength by the caller.  No data: 0.
 * Called in the USB interrupt. */
typedef int usb_control(const struct usb_setup *setup, const uint8_t **data);

enum usb_event {
    USB_SENT, USB_RECEIVED,             /* a packet: load or take the next */
    USB_RESUMED                         /* the host has cleared a halt, or what is none */
};
struct usb_endpoint {
    uint8_t address;                    /* 0x81 = IN of endpoint 1 */
    uint8_t type;                       /* enum ep_type */
    uint8_t size;
    uint8_t interface;
    uint16_t buffer;                    /* offset in packet memory */
    void (*event)(int endpoint, enum usb_event event);
};

struct usb_device {
    const uint8_t *device;              /* descriptors; lengths are inside of them */
    const uint8_t *configuration;       /* the only one, with everything behind it */
    const uint8_t *bos;                 /* or NULL */
    const char *const *strings;         /* [0] is not used; NULL = the serial number */
    int string_count;
    usb_control *const *interfaces;     /* class and vendor requests to each; may be NULL */
    int interface_count;
    const struct usb_endpoint *endpoints;
    int endpoint_count;
    uint16_t ep0_out, ep0_in;           /* offsets in packet memory */
    uint8_t *buffer;                    /* data stages; at least 64 bytes */
    uint16_t buffer_size;
    usb_control *vendor;                /* vendor requests to the device; or NULL */
    /* A request, of whatever kind, without data to the host is confirmed: now one may detach.
     * Or NULL. */
    void (*done)(const struct usb_setup *setup);
    void (*configured)(bool yes);       /* endpoints are open, or gone; or NULL */
    void (*frame)(void);                /* every millisecond while configured; or NULL */
};

extern const struct usb_device usb_device;
void usb_start(void);                               /* "plugs in" */
void usb_stop(void);                                /* "unplugs", for 20 ms at least */
bool usb_configured(void);

/* For the owners of the endpoints, in the interrupt or with interrupts off; only when
 * ep_free(). */
void usb_send(int n, const uint8_t *bytes, int length);
void usb_receive(int n);

/* The unique id as 24 hexadecimal digits; text has 25 bytes. */
void usb_serial_number(char *text);

#endif
