/* usb_user.h - a program on a computer that speaks to the board by control transfers, one
 * after the other: what libusb is on a real host.
 *
 *   called by  test/sim          calls  sim/board.h */
#ifndef USB_USER_H
#define USB_USER_H

#include "board.h"

enum { USER_STALL = -URB_STALL };

/* BUILD/name, where BUILD comes from the environment. */
const char *built(const char *name);
/* A Blue Pill with the given flash files (up to four, then NULL), powered. */
struct board *user_board(const char *const files[]);

/* One control transfer; bytes done, or minus an urb_status. */
int user_control(struct board *board, int type, int request, int value, int index,
                 void *data, int length);
/* Waits for something at the port, resets it; it answers at address 0 then. */
bool user_plugged_in(struct board *board);
/* ... and gives it address and configuration.  The product id, or 0. */
int user_enumerate(struct board *board);
/* Waits until nothing is at the port. */
bool user_unplugged(struct board *board, double limit_ms);

/* What the board complains about goes here instead of to stderr. */
extern char user_complaint[512];
extern int user_complaints;             /* but notes */

#endif
