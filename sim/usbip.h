/* usbip.h - the board's plug, carried over TCP: a USB/IP server, protocol 1.1.1.
 *
 * `usbip attach -r HOST -b 1-1` on a Linux machine plugs the virtual board into that
 * machine's own kernel.  It drives the device instead of cdc_host.c, never beside it.
 *
 *   called by  main.c      calls  usb_host.h */
#ifndef USBIP_H
#define USBIP_H

#include "usb_host.h"
#include <poll.h>

struct usbip;

/* Listens on 127.0.0.1:tcp_port (0 = any free one) and enumerates whatever is plugged
 * in.  Returns NULL with a sentence in error; else *bound is the port. */
struct usbip *usbip_new(struct usb_host *host, int tcp_port, int *bound, char *error,
                        int error_size);
void usbip_free(struct usbip *usbip);       /* before the host; pulls the plug */

/* Accepts, reads, submits, sends.  Never waits. */
void usbip_poll(struct usbip *usbip);
int usbip_fds(const struct usbip *usbip, struct pollfd *fds, int room);

#endif
