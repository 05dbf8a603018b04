/* can_filter.c - the acceptance filters of bxCAN.
 *
 *   called by  can.c      calls  nothing
 *
 * A bank is two words: one 32-bit filter with a mask, two 32-bit identifiers, two 16-bit
 * filters with masks, or four 16-bit identifiers.  Filters are numbered through the banks
 * of each FIFO, whether active or not.  Of those that a message passes, the one counts
 * that is 32 bits wide, else a list, else the lowest number (24.7.4).
 *
 * Source: RM0008 24.7.4, 24.9.4. */
#include "can.h"

/* A filter of a bank: passes what equals `id` where `mask` is one. */
struct filter { uint32_t id, mask; };

/* The form of a message that 16-bit filters look at: STID, RTR, IDE, EXID[17:15]. */
static uint32_t short_form(uint32_t id)
{
    return (id >> 21) << 5 | (id & CAN_RTR ? 1 << 4 : 0) | (id & CAN_IDE ? 1 << 3 : 0) |
           (id >> 18 & 7);
}

/* Takes a bank apart; returns how many filters it has. */
static int filters_of(const struct can_filters *filters, int bank, struct filter filter[4])
{
    const uint32_t *r = filters->bank[bank];
    bool list = filters->list >> bank & 1, wide = filters->wide >> bank & 1;
    if (wide && list) {
        filter[0] = (struct filter){ r[0], ~1u };
        filter[1] = (struct filter){ r[1], ~1u };
        return 2;
    }
    if (wide) {
        filter[0] = (struct filter){ r[0], r[1] & ~1u };
        return 1;
    }
    if (list) {
        for (int i = 0; i < 4; i++)
            filter[i] = (struct filter){ r[i / 2] >> 16 * (i % 2) & 0xFFFF, 0xFFFF };
        return 4;
    }
    for (int i = 0; i < 2; i++)
        filter[i] = (struct filter){ r[i] & 0xFFFF, r[i] >> 16 };
    return 2;
}

/* Lower is better. */
static int rank(const struct can_filters *filters, int bank)
{
    bool list = filters->list >> bank & 1, wide = filters->wide >> bank & 1;
    return (wide ? 0 : 2) + (list ? 0 : 1);
}

bool can_filter(const struct can_filters *filters, uint32_t id, int *fifo, int *index)
{
    int next[2] = { 0, 0 }, best = 4;
    for (int bank = 0; bank < CAN_BANKS; bank++) {
        struct filter filter[4];
        int to = filters->fifo >> bank & 1, count = filters_of(filters, bank, filter);
        uint32_t form = filters->wide >> bank & 1 ? id & ~1u : short_form(id);
        bool active = filters->active >> bank & 1;
        for (int i = 0; i < count && active; i++)
            if (((form ^ filter[i].id) & filter[i].mask) == 0 && rank(filters, bank) < best) {
                best = rank(filters, bank);
                *fifo = to;
                *index = next[to] + i;
            }
        next[to] += count;
    }
    return best < 4;
}
