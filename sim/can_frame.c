/* can_frame.c - a message as the bits of a frame, dominant 0 and recessive 1.
 *
 *   called by  can.c      calls  nothing
 *
 *   SOF  identifier  RTR  IDE  r0  DLC  data  CRC | delimiter ACK delimiter  EOF  pause
 *   '---------------- stuffed -------------------' 1         1   1          7    3 bits
 *
 * After five equal bits one of the other kind is stuffed in.  The CRC is of what was
 * there before.  Source: ISO 11898-1:2003 10.4, 10.5; Bosch CAN 2.0 part B, 3 and 5. */
#include "can.h"

struct writer {
    struct can_frame *frame;
    uint32_t crc;
    int equal;                      /* bits in a row */
};

static void put_raw(struct writer *w, bool bit)
{
    struct can_frame *frame = w->frame;
    bool same = frame->count && frame->bit[frame->count - 1] == bit;
    w->equal = same ? w->equal + 1 : 1;
    frame->bit[frame->count++] = bit;
}

static void put_bit(struct writer *w, bool bit)
{
    bool feed = bit != (w->crc >> 14 & 1);
    w->crc = (w->crc << 1 & 0x7FFF) ^ (feed ? 0x4599 : 0);
    put_raw(w, bit);
    if (w->equal == 5)
        put_raw(w, !bit);
}

static void put_bits(struct writer *w, uint32_t value, int count)
{
    while (count--)
        put_bit(w, value >> count & 1);
}

static void put_identifier(struct writer *w, uint32_t id)
{
    put_bits(w, id >> 21, 11);
    if (id & CAN_IDE) {
        put_bits(w, 3, 2);                  /* SRR, IDE */
        put_bits(w, id >> 3 & 0x3FFFF, 18);
        put_bit(w, id & CAN_RTR);
        w->frame->arbitrated = w->frame->count;
        put_bits(w, 0, 2);                  /* r1, r0 */
    } else {
        put_bit(w, id & CAN_RTR);
        w->frame->arbitrated = w->frame->count;
        put_bits(w, 0, 2);                  /* IDE, r0 */
    }
}

static void put_data(struct writer *w, const struct can_message *message)
{
    uint32_t length = message->length & 0xF, bytes = length > 8 ? 8 : length;
    put_bits(w, length, 4);
    for (uint32_t i = 0; i < bytes && !(message->id & CAN_RTR); i++)
        put_bits(w, message->data[i / 4] >> 8 * (i % 4) & 0xFF, 8);
}

void can_frame_make(struct can_frame *frame, const struct can_message *message)
{
    struct writer w = { .frame = frame };
    frame->count = 0;
    put_bit(&w, 0);
    put_identifier(&w, message->id);
    put_data(&w, message);
    put_bits(&w, w.crc, 15);
    frame->acknowledge = frame->count + 1;
    frame->end = frame->count + 1 + 1 + 1 + 7;
    while (frame->count < frame->end + 3)
        frame->bit[frame->count++] = 1;
}
