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
void cdc_host_free(struct cdc_host *cdc);
bool cdc_host_configured(const struct cdc_host *cdc);
sim_time cdc_host_configured_at(const struct cdc_host *cdc);
int cdc_host_ports(const struct cdc_host *cdc);         /* CDC-ACM functions found */

/* Descriptors as they came, for tests. */
const uint8_t *cdc_host_device_descriptor(const struct cdc_host *cdc);
const uint8_t *cdc_host_config_descriptor(const struct cdc_host *cdc, int *length);
const char *cdc_host_string(const struct cdc_host *cdc, int index);

/* Ports in the order of their interfaces: 0 = GDB, 1 = UART on our probe. */
void cdc_host_open(struct cdc_host *cdc, int port, bool open);  /* DTR and RTS follow */
void cdc_host_line_coding(struct cdc_host *cdc, int port, uint32_t baud, int bits,
                          char parity, int stop);
void cdc_host_control_lines(struct cdc_host *cdc, int port, bool dtr, bool rts);
void cdc_host_break(struct cdc_host *cdc, int port, uint16_t ms);
uint16_t cdc_host_serial_state(const struct cdc_host *cdc, int port);   /* last notification */

/* Queues bytes to send (copied, any number); returns bytes still unsent with pending(). */
void cdc_host_write(struct cdc_host *cdc, int port, const void *bytes, int length);
int cdc_host_pending(const struct cdc_host *cdc, int port);
/* Takes bytes that came; 0 = none.  Reading stops (the device sees NAK-less silence) while
 * pause is set. */
int cdc_host_read(struct cdc_host *cdc, int port, void *bytes, int size);
void cdc_host_pause(struct cdc_host *cdc, int port, bool pause);

#endif
