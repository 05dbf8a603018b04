/* control.h - the board's hands: buttons, plugs, wires, over a TCP port.
 *
 * A line is a command; every command answers one line, "ok", "error: ..." or what was
 * asked for.
 *
 *   called by  main.c      calls  board.h */
#ifndef CONTROL_H
#define CONTROL_H

#include "board.h"
#include <poll.h>

struct control;

/* Listens on 127.0.0.1:tcp_port (0 = any free one).  Returns NULL with a sentence in
 * error; else *bound is the port. */
struct control *control_new(struct board *board, int tcp_port, int *bound, char *error,
                            int error_size);
void control_free(struct control *control);

/* Accepts, reads, obeys.  Never waits. */
void control_poll(struct control *control);
int control_fds(const struct control *control, struct pollfd *fds, int room);
bool control_wants_quit(const struct control *control);

/* One command; the answer (without newline) goes to answer.  False for quit. */
bool control_obey(struct board *board, const char *line, char *answer, int size);

#endif
