/* ports.c - TCP ports on 127.0.0.1 bridged to the board's serial ports.
 *
 *     gdb ---- TCP client --.                     .-- bulk OUT --> device
 *                            >-- struct service --<
 *     nc ----- TCP client --'    (one per port)   '-- bulk IN <--- device
 *
 * Real time and simulated time meet here, so nothing waits: every socket is
 * non-blocking and what a client cannot take yet is kept for it.  A client that stops
 * reading fills its own backlog; then the device's port is paused until it has caught
 * up, so that the firmware sees the back pressure and no byte is lost.
 *
 *   called by  main.c      calls  cdc_host.c */
#define _GNU_SOURCE
#include "ports.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SERVICES = 4, CLIENTS = 8, CHUNK = 4096, CHUNKS = 64, WAIT_MS = 2000,
       BACKLOG_HIGH = 64 * 1024, BACKLOG_LOW = 16 * 1024, TO_DEVICE_HIGH = 64 * 1024 };

struct client {
    int fd;                             /* -1: free place */
    uint8_t *backlog;               /* from the device, not yet taken by the client */
    size_t length, capacity;
};

struct service {
    int listener, port;
    const char *name;
    bool shared, paused, warned;
    struct client clients[CLIENTS];
    int waiting;                        /* connected, and not served yet; -1: nobody */
    int64_t waits_since;                /* ms, while a client who does not leave is why */
};

struct ports {
    struct cdc_host *cdc;
    struct service services[SERVICES];
    int count;
    bool was_configured;
    sim_time configured_at;
};

static int count_clients(const struct service *service)
{
    int count = 0;
    for (int i = 0; i < CLIENTS; i++)
        count += service->clients[i].fd >= 0;
    return count;
}

/* --- Clients ------------------------------------------------------------------- */

static void drop(struct ports *ports, struct service *service, struct client *client)
{
    close(client->fd);
    free(client->backlog);
    *client = (struct client){ .fd = -1 };
    if (count_clients(service) == 0)
        cdc_host_open(ports->cdc, service->port, false);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static struct client *free_place(struct service *service)
{
    if (!service->shared && count_clients(service) > 0)
        return NULL;
    for (int i = 0; i < CLIENTS; i++)
        if (service->clients[i].fd < 0)
            return &service->clients[i];
    return NULL;
}

/* The others wait in the listener's queue. */
static void accept_client(struct service *service)
{
    int one = 1;
    if (service->waiting >= 0)
        return;
    service->waiting = accept4(service->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    service->waits_since = now_ms();
    if (service->waiting >= 0)
        setsockopt(service->waiting, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static void turn_away(struct service *service)
{
    fprintf(stderr, "%s: a connection was turned away: this port serves %s\n", service->name,
            service->shared ? "no more clients" : "one client at a time");
    close(service->waiting);
    service->waiting = -1;
}

/* A port that is still closing has bytes of the last client to send and a DTR to lower;
 * the next client is served after that, so that the firmware sees the change.  True when one
 * has taken his place: there may be another behind him. */
static bool seat_client(struct ports *ports, struct service *service)
{
    struct client *place = free_place(service);
    if (service->waiting < 0)
        return false;
    if (place && !cdc_host_closing(ports->cdc, service->port)) {
        *place = (struct client){ .fd = service->waiting };
        service->waiting = -1;
        cdc_host_open(ports->cdc, service->port, true);
        return true;
    }
    if (place)
        service->waits_since = now_ms();
    else if (now_ms() - service->waits_since > WAIT_MS)
        turn_away(service);
    return false;
}

static void keep(struct client *client, const uint8_t *data, size_t length)
{
    if (client->length + length > client->capacity) {
        client->capacity = (client->length + length) * 2;
        client->backlog = realloc(client->backlog, client->capacity);
    }
    memcpy(client->backlog + client->length, data, length);
    client->length += length;
}

/* False: the connection is broken. */
static bool send_backlog(struct client *client)
{
    size_t sent = 0;
    while (sent < client->length) {
        ssize_t n = send(client->fd, client->backlog + sent, client->length - sent,
                         MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            return false;
        if (n < 0)
            break;
        sent += (size_t)n;
    }
    client->length -= sent;
    memmove(client->backlog, client->backlog + sent, client->length);
    return true;
}

/* False: the client has gone.  Bytes for a device that is not asking for any stay in
 * the socket, so that the client feels it, unless another waits for this one's end. */
static bool receive(struct ports *ports, struct service *service, struct client *client)
{
    uint8_t data[CHUNK];
    for (int i = 0; i < CHUNKS; i++) {
        if (service->waiting < 0 &&
            cdc_host_pending(ports->cdc, service->port) >= TO_DEVICE_HIGH)
            break;
        ssize_t n = recv(client->fd, data, sizeof data, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN;
        if (n == 0)
            return false;
        cdc_host_write(ports->cdc, service->port, data, (int)n);
    }
    return true;
}

/* --- A service ----------------------------------------------------------------- */

static size_t longest_backlog(const struct service *service)
{
    size_t longest = 0;
    for (int i = 0; i < CLIENTS; i++)
        if (service->clients[i].fd >= 0 && service->clients[i].length > longest)
            longest = service->clients[i].length;
    return longest;
}

static void set_pause(struct ports *ports, struct service *service)
{
    size_t backlog = longest_backlog(service);
    bool pause = service->paused ? backlog > BACKLOG_LOW : backlog > BACKLOG_HIGH;
    if (pause != service->paused)
        cdc_host_pause(ports->cdc, service->port, pause);
    service->paused = pause;
}

static void from_device(struct ports *ports, struct service *service)
{
    uint8_t data[CHUNK];
    int n;
    while (longest_backlog(service) <= BACKLOG_HIGH &&
           (n = cdc_host_read(ports->cdc, service->port, data, sizeof data)) > 0)
        for (int i = 0; i < CLIENTS; i++)
            if (service->clients[i].fd >= 0)
                keep(&service->clients[i], data, (size_t)n);
}

/* What has come from the device still goes out; then the connections are closed. */
static void hang_up(struct ports *ports, struct service *service)
{
    from_device(ports, service);
    for (int i = 0; i < CLIENTS; i++) {
        struct client *client = &service->clients[i];
        if (client->fd >= 0) {
            send_backlog(client);
            drop(ports, service, client);
        }
    }
}

/* All who have come take part in what is said from now on: so first of all they sit down. */
static void serve(struct ports *ports, struct service *service)
{
    do
        accept_client(service);
    while (seat_client(ports, service));
    from_device(ports, service);
    for (int i = 0; i < CLIENTS; i++) {
        struct client *client = &service->clients[i];
        if (client->fd >= 0 &&
            !(send_backlog(client) && receive(ports, service, client)))
            drop(ports, service, client);
    }
    seat_client(ports, service);
    set_pause(ports, service);
}

/* The board went away, or came back as something new: hang up, as a tty does. */
static void follow_device(struct ports *ports)
{
    struct cdc_host *cdc = ports->cdc;
    bool configured = cdc_host_configured(cdc);
    bool gone = ports->was_configured &&
                (!configured || cdc_host_configured_at(cdc) != ports->configured_at);
    for (int i = 0; i < ports->count; i++) {
        struct service *service = &ports->services[i];
        bool missing = configured && service->port >= cdc_host_ports(cdc);
        if (missing && count_clients(service) && !service->warned)
            fprintf(stderr,
                    "%s: the firmware has %d serial port(s), number %d is needed\n",
                    service->name, cdc_host_ports(cdc), service->port + 1);
        service->warned |= missing && count_clients(service);
        if (gone || missing)
            hang_up(ports, service);
    }
    ports->was_configured = configured;
    ports->configured_at = cdc_host_configured_at(cdc);
}

/* --- What main.c calls --------------------------------------------------------- */

int ports_fds(const struct ports *ports, struct pollfd *fds, int room)
{
    int count = 0;
    for (int i = 0; i < ports->count; i++) {
        const struct service *service = &ports->services[i];
        bool full = cdc_host_pending(ports->cdc, service->port) >= TO_DEVICE_HIGH;
        if (count < room && service->waiting < 0)
            fds[count++] = (struct pollfd){ .fd = service->listener, .events = POLLIN };
        for (int c = 0; c < CLIENTS; c++) {
            const struct client *client = &service->clients[c];
            short events =
                (short)((full ? 0 : POLLIN) | (client->length ? POLLOUT : 0));
            if (client->fd >= 0 && count < room)
                fds[count++] = (struct pollfd){ .fd = client->fd, .events = events };
        }
    }
    return count;
}

void ports_poll(struct ports *ports, int timeout_ms)
{
    struct pollfd fds[SERVICES * (CLIENTS + 1)];
    int count = ports_fds(ports, fds, (int)(sizeof fds / sizeof fds[0]));
    follow_device(ports);
    if (timeout_ms != 0)
        poll(fds, (nfds_t)count, timeout_ms);
    for (int i = 0; i < ports->count; i++)
        serve(ports, &ports->services[i]);
}

int ports_clients(const struct ports *ports)
{
    int count = 0;
    for (int i = 0; i < ports->count; i++)
        count += count_clients(&ports->services[i]);
    return count;
}

static int fail(int fd, const char *name, int tcp_port, char *error, int error_size)
{
    snprintf(error, (size_t)error_size, "cannot listen on 127.0.0.1:%d for --%s: %s%s",
             tcp_port, name, strerror(errno),
             errno == EADDRINUSE
                 ? " (another program has it; choose another port, or 0 for "
                   "any free one)"
                 : "");
    if (fd >= 0)
        close(fd);
    return -1;
}

int ports_listen(struct ports *ports, int port, const char *name, int tcp_port,
                 bool shared, char *error, int error_size)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)tcp_port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    int one = 1, fd;
    errno = EINVAL;
    if (tcp_port < 0 || tcp_port > 65535 || ports->count == SERVICES)
        return fail(-1, name, tcp_port, error, error_size);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
        bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, 8) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) < 0)
        return fail(fd, name, tcp_port, error, error_size);

    struct service *service = &ports->services[ports->count++];
    *service = (struct service){ .listener = fd, .port = port, .name = name,
                                 .shared = shared, .waiting = -1 };
    for (int i = 0; i < CLIENTS; i++)
        service->clients[i].fd = -1;
    return ntohs(address.sin_port);
}

struct ports *ports_new(struct cdc_host *cdc)
{
    struct ports *ports = calloc(1, sizeof *ports);
    ports->cdc = cdc;
    return ports;
}

void ports_free(struct ports *ports)
{
    if (!ports)
        return;
    for (int i = 0; i < ports->count; i++) {
        hang_up(ports, &ports->services[i]);
        if (ports->services[i].waiting >= 0)
            close(ports->services[i].waiting);
        close(ports->services[i].listener);
    }
    free(ports);
}
