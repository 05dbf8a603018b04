/* control.c - the board's hands: buttons, plugs, wires, over a TCP port.
 *
 *   called by  main.c      calls  board.c, stats.c
 *
 * Commands are rows of a table: name, number of words after it, what they are, function.
 * A function answers through answer[]; if it says nothing the answer is "ok".
 *
 * Everything happens at the present simulated time, between two slices of it, so what a
 * command changes is seen by the chips as an outside event. */
#include "control.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENTS = 8, LINE = 256, ANSWER = 8192, WORDS = 4 };

struct client { int fd, length; bool overlong; char line[LINE]; };

struct control {
    struct board *board;
    int listener;
    struct client clients[CLIENTS];     /* fd -1: free */
    bool quit;
};

struct order { struct board *board; char **words; char *answer; int size; };

/* --- commands ------------------------------------------------------------------------ */

__attribute__((format(printf, 2, 3)))
static void reply(struct order *order, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(order->answer, (size_t)order->size, format, args);
    va_end(args);
}

static void do_reset(struct order *order) { board_reset_probe(order->board); }

/* The board takes its power from the cable, as a real one does. */
static void do_plug(struct order *order)
{
    board_power_probe(order->board, true);
    usb_host_plug(order->board->usb, true);
}

static void do_unplug(struct order *order)
{
    usb_host_plug(order->board->usb, false);
    board_power_probe(order->board, false);
}

static void do_boot1(struct order *order)
{
    const char *level = order->words[1];
    if (strcmp(level, "0") != 0 && strcmp(level, "1") != 0)
        reply(order, "error: boot1 takes 0 or 1");
    else
        board_set_boot1(order->board, *level == '1');
}

static void do_power(struct order *order)
{
    bool on = strcmp(order->words[2], "on") == 0;
    if (strcmp(order->words[1], "target") != 0 || (!on && strcmp(order->words[2], "off") != 0))
        reply(order, "error: say power target on, or power target off");
    else if (!order->board->target)
        reply(order, "error: there is no target (--target none)");
    else
        board_power_target(order->board, on);
}

static void cut(struct order *order, bool cut_it)
{
    if (!board_cut(order->board, order->words[1], cut_it))
        reply(order, "error: %s", order->board->error);
}

static void do_cut(struct order *order)  { cut(order, true); }
static void do_mend(struct order *order) { cut(order, false); }

static void do_noise(struct order *order)
{
    char *end;
    double rate = strtod(order->words[2], &end);
    if (*end)
        rate = -1;                      /* board_noise() says what is meant */
    if (!board_noise(order->board, order->words[1], rate))
        reply(order, "error: %s", order->board->error);
}

static void do_stats(struct order *order)
{
    stats_write(order->board, order->answer, order->size);
}

static void do_time(struct order *order)
{
    reply(order, "%.6f", (double)order->board->sim->now / (double)SIM_MS);
}

static void do_help(struct order *order);

static const struct command {
    const char *name;
    int words;                          /* after the name */
    const char *use;
    void (*run)(struct order *order);   /* NULL: quit, which main.c does */
} commands[] = {
    { "reset",  0, "reset",               do_reset },
    { "plug",   0, "plug",                do_plug },
    { "unplug", 0, "unplug",              do_unplug },
    { "boot1",  1, "boot1 0|1",           do_boot1 },
    { "power",  2, "power target on|off", do_power },
    { "cut",    1, "cut SIGNAL",          do_cut },
    { "mend",   1, "mend SIGNAL",         do_mend },
    { "noise",  2, "noise SIGNAL RATE",   do_noise },
    { "stats",  0, "stats",               do_stats },
    { "time",   0, "time",                do_time },
    { "help",   0, "help",                do_help },
    { "quit",   0, "quit",                NULL },
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void do_help(struct order *order)
{
    int length = snprintf(order->answer, (size_t)order->size, "commands:");
    for (int i = 0; i < COMMANDS; i++)
        length += snprintf(order->answer + length, (size_t)(order->size - length), "%s %s",
                           i ? "," : "", commands[i].use);
    snprintf(order->answer + length, (size_t)(order->size - length),
             "; signals: SWDIO SWCLK TDI TDO NRST TX RX SWO");
}

bool control_obey(struct board *board, const char *line, char *answer, int size)
{
    char copy[LINE], *words[WORDS] = { 0 }, *rest = copy;
    int count = 0;

    snprintf(copy, sizeof copy, "%s", line);
    snprintf(answer, (size_t)size, "ok");
    for (char *word; count < WORDS && (word = strtok_r(rest, " \t\r", &rest)); )
        words[count++] = word;
    if (count == 0)
        return true;
    for (int i = 0; i < COMMANDS; i++) {
        const struct command *command = &commands[i];
        if (strcmp(command->name, words[0]) != 0)
            continue;
        if (count != command->words + 1)
            snprintf(answer, (size_t)size, "error: the command is: %s", command->use);
        else if (command->run)
            command->run(&(struct order){ board, words, answer, size });
        else
            return false;
        return true;
    }
    snprintf(answer, (size_t)size, "error: \"%s\" is not a command; help lists them", words[0]);
    return true;
}

/* --- sockets ------------------------------------------------------------------------- */

static void hang_up(struct client *client)
{
    close(client->fd);
    client->fd = -1;
}

/* An answer is far smaller than a socket's buffer: what does not fit means a client that
 * does not read, and is dropped with it. */
static void send_line(struct client *client, const char *text)
{
    char line[ANSWER + 1];
    int length = snprintf(line, sizeof line, "%s\n", text);
    if (send(client->fd, line, (size_t)length, MSG_NOSIGNAL) != length)
        hang_up(client);
}

static void obey(struct control *control, struct client *client)
{
    static char answer[ANSWER];
    if (client->overlong)
        snprintf(answer, sizeof answer, "error: the line is too long");
    else if (!control_obey(control->board, client->line, answer, sizeof answer))
        control->quit = true;
    send_line(client, answer);
}

static void take_byte(struct control *control, struct client *client, char byte)
{
    if (byte != '\n') {
        if (client->length < LINE - 1)
            client->line[client->length++] = byte;
        else
            client->overlong = true;
        return;
    }
    client->line[client->length] = 0;
    obey(control, client);
    client->length = 0;
    client->overlong = false;
}

static void read_client(struct control *control, struct client *client)
{
    char bytes[512];
    ssize_t n = recv(client->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        hang_up(client);
        return;
    }
    for (ssize_t i = 0; i < n && client->fd >= 0; i++)
        take_byte(control, client, bytes[i]);
}

static int free_place(const struct control *control)
{
    int place = 0;
    while (place < CLIENTS && control->clients[place].fd >= 0)
        place++;
    return place;
}

/* While all places are taken, the next client waits in the listener's queue. */
static void accept_client(struct control *control)
{
    int place = free_place(control);
    int fd = place < CLIENTS ? accept(control->listener, NULL, NULL) : -1;
    if (fd < 0)
        return;
    control->clients[place] = (struct client){ .fd = fd };
    fcntl(fd, F_SETFL, O_NONBLOCK);
}

void control_poll(struct control *control)
{
    for (int i = 0; i < CLIENTS; i++)
        if (control->clients[i].fd >= 0)
            read_client(control, &control->clients[i]);
    accept_client(control);
}

int control_fds(const struct control *control, struct pollfd *fds, int room)
{
    int count = 0;
    if (count < room && free_place(control) < CLIENTS)
        fds[count++] = (struct pollfd){ .fd = control->listener, .events = POLLIN };
    for (int i = 0; i < CLIENTS && count < room; i++)
        if (control->clients[i].fd >= 0)
            fds[count++] = (struct pollfd){ .fd = control->clients[i].fd, .events = POLLIN };
    return count;
}

bool control_wants_quit(const struct control *control)
{
    return control->quit;
}

struct control *control_new(struct board *board, int tcp_port, int *bound, char *error,
                            int error_size)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)tcp_port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, CLIENTS) < 0
        || getsockname(fd, (struct sockaddr *)&address, &length) < 0) {
        snprintf(error, (size_t)error_size, "--control %d: cannot listen on that port (%s). "
                 "Choose another, or 0 for any free one.", tcp_port, strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    struct control *control = calloc(1, sizeof *control);
    control->board = board;
    control->listener = fd;
    for (int i = 0; i < CLIENTS; i++)
        control->clients[i].fd = -1;
    *bound = ntohs(address.sin_port);
    return control;
}

void control_free(struct control *control)
{
    if (!control)
        return;
    for (int i = 0; i < CLIENTS; i++)
        if (control->clients[i].fd >= 0)
            close(control->clients[i].fd);
    close(control->listener);
    free(control);
}
