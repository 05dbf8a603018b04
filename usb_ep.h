/* usb_ep.h - endpoint registers and packet memory of the USB block: what usb.c needs from
 * the silicon, and nothing about requests.  All calls come from the USB interrupt or with
 * interrupts off, except ep_attach(). */
#ifndef USB_EP_H
#define USB_EP_H

#include <stdbool.h>
#include <stdint.h>

enum ep_type { EP_BULK, EP_CONTROL, EP_ISO, EP_INTERRUPT };             /* as in EPnR */
enum ep_state { EP_DISABLED, EP_STALL, EP_NAK, EP_VALID };              /* STAT_TX, STAT_RX */
enum ep_direction { EP_OUT, EP_IN };
enum {                                                  /* ep_events(): as in EPnR */
    EP_SENT = 1 << 7, EP_RECEIVED = 1 << 15,
    EP_SETUP = 1 << 11                                  /* with EP_RECEIVED: it is a SETUP */
};
enum {                                                  /* ep_bus_events(): as in ISTR */
    BUS_ENDPOINT = 7, BUS_FRAME = 1 << 9, BUS_RESET = 1 << 10, BUS_SUSPEND = 1 << 11,
    BUS_WAKEUP = 1 << 12, BUS_TRANSFER = 1 << 15
};

void ep_attach(void);                   /* re-enumerates: 1 ms of "unplugged" first */
void ep_detach(void);                   /* "unplugged", until ep_attach() */
/* BUS_TRANSFER: endpoint BUS_ENDPOINT has events.  Otherwise the others, which are taken as
 * seen to. */
int ep_bus_events(void);
void ep_sleep(bool asleep);             /* low-power side of suspend */
void ep_address(uint8_t address);       /* answers at this device address from now on */

/* A direction that is opened starts with DATA0 and EP_NAK; buffer is its offset in packet
 * memory. */
void ep_type(int n, enum ep_type type);
void ep_open(int n, enum ep_direction direction, uint16_t buffer, int max_packet);
void ep_close(int n, enum ep_direction direction);
enum ep_state ep_state(int n, enum ep_direction direction);
void ep_set(int n, enum ep_direction direction, enum ep_state state);
void ep_data0(int n, enum ep_direction direction);
/* It neither has a packet, nor one with which nobody has dealt yet, nor is halted nor closed.
 * Who gives an OUT buffer to the next packet while EP_RECEIVED waits for its interrupt loses
 * the packet in it. */
bool ep_free(int n, enum ep_direction direction);
int ep_events(int n);
void ep_clear(int n, int events);
int ep_take_event(int n);               /* clears and returns one; EP_SENT first */

int ep_read(int n, uint8_t *bytes, int size);           /* the packet that arrived */
/* A packet that is to leave, in two steps: its bytes go to packet memory, then it is the one
 * that EP_VALID sends.  `other` is 0, or for an endpoint with two buffers the XOR of their
 * offsets: then the bytes may be written while the packet before them is on its way.  Moves
 * eight at a time: up to seven behind them are read, and written to packet memory, too. */
void ep_write(int n, int other, const uint8_t *bytes, int length);
void ep_next(int n, int other, int length);
void ep_send(int n, int other, int length);             /* the same, and EP_NAK to EP_VALID */

#endif
