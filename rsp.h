/* rsp.h - packets of the GDB remote serial protocol, in and out of the first serial port.
 *
 * One buffer serves both directions.  A request lies in it until the first character of
 * the reply is put; from then on it holds the reply, which leaves from here by interrupt
 * and can be sent again when the host did not understand it.  So a handler reads all it
 * needs from the request before it puts anything.  Meanwhile the next request may come
 * in: it waits in the serial port's ring, which is as long. */
#ifndef RSP_H
#define RSP_H

#include <stdbool.h>
#include <stdint.h>

enum { RSP_PACKET_MAX = 4096 };         /* characters between '$' and '#' */

enum rsp_event {
    RSP_NOTHING,
    RSP_PACKET,                         /* rsp_packet() holds a request */
    RSP_FIRST_PACKET,                   /* the same, of a client that begins on a port which
                                         * the one before it did not close */
    RSP_DAMAGED,                        /* a request that cannot be executed: too long, or
                                         * a bad checksum where no NAK is possible */
    RSP_INTERRUPT,                      /* Ctrl-C: byte 0x03 between packets */
    RSP_CLOSED                          /* the port was closed (or closed and opened) */
};

void rsp_start(void);                   /* power-on state */
enum rsp_event rsp_poll(void);          /* never waits */
bool rsp_idle(void);                    /* no packet is half in or half out */
/* The request: escapes undone, a 0 after the last byte; may be decoded in place. */
uint8_t *rsp_packet(int *length);
void rsp_stop_acks(void);               /* from the next reply on: QStartNoAckMode */

/* The answer OK before the request has been executed, so that the host sends its next one
 * meanwhile.  The request stays in the buffer, and no other reply to it may follow.  False
 * where that is impossible: the host may yet ask for the reply again. */
bool rsp_confirm(void);
/* Room for count bytes, at most half of rsp_room(), that rsp_hex() or rsp_binary() can take
 * from there, all at once.  They lie where the request was. */
uint8_t *rsp_scratch(uint32_t count);

/* A reply: what is put, and its end.  The first put begins it, and waits (2 s at the most)
 * only when the packet before it has not left yet; rsp_end() does not wait, rsp_poll()
 * sends the rest.  What does not fit is left out. */
void rsp_char(char c);
int rsp_print(const char *format, ...)  /* see print.h; returns 0, which is OK */
    __attribute__((format(printf, 1, 2)));
void rsp_hex(const void *bytes, uint32_t length);       /* two digits a byte */
void rsp_hex_char(char c);
void rsp_hex_text(const char *text);
void rsp_binary(const void *bytes, uint32_t length);    /* escaped where it must be */
/* What is put from now on is a notification: nobody has asked for it, nobody confirms it. */
void rsp_notify(void);
uint32_t rsp_room(void);                /* characters that still fit */
bool rsp_begun(void);                   /* something has been put since the last end */
void rsp_end(void);                     /* nothing was put: an empty reply */

#endif
