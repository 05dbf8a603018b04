/* ports.h - TCP ports on 127.0.0.1 bridged to the board's serial ports.
 *
 * A connection is what opening /dev/ttyACMn is on a real machine: DTR rises with the
 * first client and falls with the last.  When the board goes away the connections are
 * closed, as a tty hangs up.
 *
 * A client that finds its port in use waits: the one before it may be just leaving, and its
 * system tells us in its own time.  After two seconds it is turned away.
 *
 *   called by  main.c      calls  cdc_host.h */
#ifndef PORTS_H
#define PORTS_H

#include "cdc_host.h"
#include <poll.h>

struct ports;

struct ports *ports_new(struct cdc_host *cdc);
void ports_free(struct ports *ports);       /* closes listeners and clients */

/* Listens on tcp_port (0 = any free one) for serial port number `port` of the board.
 * name ("gdb", "uart") is used in messages.  shared: several clients at once, all see
 * the output and all may type; else there is one at a time.  Returns the TCP
 * port, or -1 with a sentence for the user in error. */
int ports_listen(struct ports *ports, int port, const char *name, int tcp_port,
                 bool shared, char *error, int error_size);

/* Moves bytes both ways; waits up to timeout_ms for a socket to have something to do
 * (0 = only look, -1 = for ever).  Call it between slices of simulated time. */
void ports_poll(struct ports *ports, int timeout_ms);

/* The sockets that ports_poll() looks at, for a caller who has others to wait for and
 * calls poll(2) itself (then ports_poll(ports, 0)).  Returns how many there are. */
int ports_fds(const struct ports *ports, struct pollfd *fds, int room);
int ports_clients(const struct ports *ports);

#endif
