/* can.h - inside the CAN controller: what its three files share.
 *
 *   can.c         modes, mailboxes, FIFOs, errors; the bits' times
 *   can_frame.c   a message as the bits of a frame
 *   can_filter.c  which FIFO a message goes to, if any */
#ifndef CAN_H
#define CAN_H

#include <stdbool.h>
#include <stdint.h>

/* As in the mailbox registers: the identifier in bits 31:3 (a standard one in 31:21), IDE
 * in 2, RTR in 1; the length in bits 3:0. */
enum { CAN_RTR = 1 << 1, CAN_IDE = 1 << 2 };
struct can_message { uint32_t id, length, data[2]; };

enum { CAN_BITS = 192 };
struct can_frame {
    uint8_t bit[CAN_BITS];          /* stuffed, from start of frame on */
    int arbitrated;                 /* bits of the identifier and what decides with it */
    int acknowledge;                /* index of the slot */
    int end;                        /* behind the end of frame */
    int count;                      /* behind the intermission */
};
void can_frame_make(struct can_frame *frame, const struct can_message *message);

enum { CAN_BANKS = 14 };
struct can_filters {
    uint32_t list, wide, fifo, active;      /* FM1R, FS1R, FFA1R, FA1R: a bit a bank */
    uint32_t bank[CAN_BANKS][2];
};
/* True if the message passes: into which FIFO, and by which filter (FMI). */
bool can_filter(const struct can_filters *filters, uint32_t id, int *fifo, int *index);

#endif
