/* usb_ep.h - endpoint registers and packet memory of the USB block.  Requests are usb.c's.
 *
 * Call these in the USB interrupt, or with interrupts off.  ep_attach() is the exception. */
#ifndef USB_EP_H
#define USB_EP_H

#include <stdbool.h>
#include <stdint.h>

enum ep_type { EP_BULK, EP_CONTROL, EP_ISO, EP_INTERRUPT };             /* as in EPnR */
enum ep_state { EP_DISABLED, EP_STALL, EP_NAK, EP_VALID };              /* STAT_TX, STAT_RX */
enum ep_direction { EP_OUT, EP_IN };
enum {                                                  /* ep_events(): as in EPnR */
    EP_SENT = 1 << 7, EP_RECEIVED = 1 << 15,
    EP_SETUP = 1 << 11                  /* with EP_RECEIVED: what was received is a SETUP */
};
enum {                                                  /* ep_bus_events(): as in ISTR */
    BUS_ENDPOINT = 7, BUS_FRAME = 1 << 9, BUS_RESET = 1 << 10, BUS_SUSPEND = 1 << 11,
    BUS_WAKEUP = 1 << 12, BUS_TRANSFER = 1 << 15
};

void ep_attach(void);                   /* re-enumerates: 1 ms of "unplugged" first */
void ep_detach(void);                   /* "unplugged", until ep_attach() */
/* What has happened.  With BUS_TRANSFER, endpoint number BUS_ENDPOINT has events, and the other
 * bits come again next time.  Without it, the other bits are cleared. */
int ep_bus_events(void);
void ep_sleep(bool asleep);             /* low-power side of suspend */
void ep_address(uint8_t address);       /* answers at this device address from now on */

/* ep_open() starts one direction with DATA0 and EP_NAK; buffer: an offset in packet memory. */
void ep_type(int n, enum ep_type type);
void ep_open(int n, enum ep_direction direction, uint16_t buffer, int max_packet);
void ep_close(int n, enum ep_direction direction);
enum ep_state ep_state(int n, enum ep_direction direction);
void ep_set(int n, enum ep_direction direction, enum ep_state state);
void ep_data0(int n, enum ep_direction direction);
/* True when the endpoint is open, not halted, and its buffer may be used: no packet is on its
 * way, and none waits for the interrupt.  (An OUT buffer that is opened while EP_RECEIVED
 * waits loses the packet in it.) */
bool ep_free(int n, enum ep_direction direction);
int ep_events(int n);
void ep_clear(int n, int events);
int ep_take_event(int n);               /* clears and returns one; EP_SENT first */

int ep_read(int n, uint8_t *bytes, int size);           /* the packet that arrived */
/* A packet leaves in two steps: ep_write() puts its bytes into packet memory, ep_next() makes
 * it the one that EP_VALID sends.  An endpoint may have two buffers: then `other` is the XOR
 * of their offsets, and one is written while the other is on its way.  Else it is 0.
 *
 * ep_write() moves eight bytes at a time: it reads, and writes to packet memory, up to seven
 * too many. */
void ep_write(int n, int other, const uint8_t *bytes, int length);
void ep_next(int n, int other, int length);
void ep_send(int n, int other, int length);             /* ep_next(), and EP_NAK to EP_VALID */

#endif
