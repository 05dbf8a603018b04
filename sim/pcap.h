/* pcap.h - USB traffic to a file that Wireshark and tshark read.
 *
 *   called by  main.c, tests      calls  usb_host.h (as an observer) */
#ifndef PCAP_H
#define PCAP_H

#include "usb_host.h"

struct pcap;

/* Records every transfer of host from now on.  NULL with a sentence in error when the
 * file cannot be written. */
struct pcap *pcap_new(struct sim *sim, struct usb_host *host, const char *path,
                      char *error, int error_size);
/* After usb_host_free(), or when no more traffic will come. */
void pcap_free(struct pcap *pcap);

#endif
