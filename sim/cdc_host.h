/* cdc_host.h - what an operating system does when the board is plugged in: enumerate
 * (USB 2.0 chapter 9), then drive every CDC-ACM function found (CDC PSTN 1.2).
 *
 * Used when no real kernel has the bus: --gdb and --uart bridge its ports to TCP, tests
 * call it directly.  All in simulated time.
 *
 *   called by  main.c, ports.c, tests      calls  usb_host.h */
#ifndef CDC_HOST_H
#define CDC_HOST_H

#include "usb_host.h"

struct cdc_host;

struct cdc_host *cdc_host_new(struct usb_host *host);   /* enumerates at each attach */
void cdc_host_free(struct cdc_host *cdc);           /* before the host; pulls the plug */
bool cdc_host_configured(const struct cdc_host *cdc);
sim_time cdc_host_configured_at(const struct cdc_host *cdc);
int cdc_host_ports(const struct cdc_host *cdc);         /* CDC-ACM functions found */

/* Why the last enumeration failed, in words; NULL if it did not. */
const char *cdc_host_failure(const struct cdc_host *cdc);

/* Descriptors as they came, for tests. */
const uint8_t *cdc_host_device_descriptor(const struct cdc_host *cdc);
const uint8_t *cdc_host_config_descriptor(const struct cdc_host *cdc, int *length);
const uint8_t *cdc_host_bos_descriptor(const struct cdc_host *cdc, int *length);
const char *cdc_host_string(const struct cdc_host *cdc, int index);     /* NULL: none */

/* Ports in the order of their interfaces: 0 = GDB, 1 = UART on our probe.  What is
 * asked of a port before it is there is done when it is: open, line coding, bytes to
 * send.
 *
 * DTR and RTS follow open.  Closing first waits until all is sent, 2 s at the most.  It is
 * over when the device has known for 10 ms that DTR is low: no program is opened sooner
 * by a person's system, and firmware may look at DTR now and then only. */
void cdc_host_open(struct cdc_host *cdc, int port, bool open);
bool cdc_host_closing(const struct cdc_host *cdc, int port);
void cdc_host_line_coding(struct cdc_host *cdc, int port, uint32_t baud, int bits,
                          char parity, int stop);
void cdc_host_control_lines(struct cdc_host *cdc, int port, bool dtr, bool rts);
void cdc_host_break(struct cdc_host *cdc, int port, uint16_t ms);
/* The last SERIAL_STATE notification. */
uint16_t cdc_host_serial_state(const struct cdc_host *cdc, int port);

/* Queues bytes to send (copied, any number); pending() says how many are unsent. */
void cdc_host_write(struct cdc_host *cdc, int port, const void *bytes, int length);
int cdc_host_pending(const struct cdc_host *cdc, int port);
/* Takes bytes that came; 0 = none.  While pause is set the device is not asked for more
 * (at most 256 bytes that were asked for already still come). */
int cdc_host_read(struct cdc_host *cdc, int port, void *bytes, int size);
void cdc_host_pause(struct cdc_host *cdc, int port, bool pause);

#endif
