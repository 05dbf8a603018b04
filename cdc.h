/* cdc.h - serial ports over USB: the CDC-ACM function, twice.
 *
 * Bytes go through rings that the USB interrupt fills and empties; these calls never
 * wait.  When a receive ring cannot take another packet the endpoint answers NAK, so
 * nothing is lost and the host slows down. */
#ifndef CDC_H
#define CDC_H

#include "usb.h"

enum { CDC_GDB, CDC_UART, CDC_PORTS };

/* CDC PSTN 1.2, 6.3.11: seven bytes, as they come over USB. */
struct __attribute__((packed)) line_coding {
    uint32_t baud;
    uint8_t stop;                       /* 0 = 1, 1 = 1.5, 2 = 2 */
    uint8_t parity;                     /* 0 none, 1 odd, 2 even, 3 mark, 4 space */
    uint8_t bits;
};

/* Where the bytes lie that have arrived, and how many of them in one piece (0 = none yet); then
 * how many of them are no longer needed. */
int cdc_look(int port, const uint8_t **bytes);
void cdc_taken(int port, int count);
/* True if this byte is among those that have arrived (Ctrl-C). */
bool cdc_peek(int port, uint8_t byte);
/* Gives up to length bytes to be sent; returns how many it has taken.  That may be fewer than
 * there is room for, at the end of the ring: 0 means that it is full. */
int cdc_write(int port, const uint8_t *bytes, int length);
int cdc_room(int port);                 /* bytes that cdc_write() would take now */
/* What was written may be sent now, even if it does not fill a packet. */
void cdc_flush(int port);
/* For CDC_GDB, instead of cdc_write(): bytes leave from the caller's own memory, at most
 * 32 KB.  cdc_lend() says where (what had not left from there before is forgotten),
 * cdc_send() how many of them are ready by now, and whether these are all.  Until
 * cdc_unsent() is 0 the memory must not change. */
void cdc_lend(int port, const uint8_t *bytes);
void cdc_send(int port, int length, bool end);
int cdc_unsent(int port);
/* The host has configured us and holds DTR high: somebody has opened the port. */
bool cdc_open(int port);
/* Counts openings and closings, so that a close and reopen between two looks is seen. */
uint32_t cdc_openings(int port);
/* The host's last SET_LINE_CODING and SET_CONTROL_LINE_STATE (bit 0 DTR, 1 RTS). */
const struct line_coding *cdc_line_coding(int port);
uint8_t cdc_control_lines(int port);
/* Throws away what arrived before the port was last opened, closed or configured; and, if
 * nobody has it open, a packet that waits to be fetched.  Whoever opens it shall not get
 * answers to another's requests. */
void cdc_drop(int port);
/* Bytes that have arrived and are not taken yet. */
int cdc_waiting(int port);

/* From an interrupt: tells the host of something that has happened on the line, PSTN 6.5.4. */
enum {
    CDC_DCD = 1 << 0, CDC_DSR = 1 << 1, CDC_BREAK = 1 << 2, CDC_RING = 1 << 3,
    CDC_FRAMING = 1 << 4, CDC_PARITY = 1 << 5, CDC_OVERRUN = 1 << 6
};
void cdc_notify(int port, uint16_t events);

/* For the tables of probe.c: where in the device the ports are. */
enum {
    GDB_INTERFACE = 1, GDB_EP = 1, GDB_NOTIFY_EP = 5,           /* odd ... */
    UART_INTERFACE = 3, UART_EP = 2, UART_NOTIFY_EP = 4,        /* ... and even endpoints */
    GDB_OTHER_IN = 64                   /* XOR of the offsets of the two IN buffers */
};
int cdc_control(const struct usb_setup *setup, const uint8_t **data);
void cdc_out_event(int endpoint, enum usb_event event);
void cdc_in_event(int endpoint, enum usb_event event);
void cdc_notification_event(int endpoint, enum usb_event event);
void cdc_configured(bool yes);

#endif
