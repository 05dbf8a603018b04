/* wires.h - pins and the nets that join them.
 *
 * A pin belongs to a chip (or to a button, a resistor); a net joins pins.  Each pin
 * says how it drives; the net's level follows: a strong driver wins over a pull, two
 * strong drivers that differ are a drive fight (reported as a broken rule), nobody
 * leaves the net open.
 *
 *   called by  gpio.c, usart.c (through gpio.c), swdp.c, board.c, vcd.c   calls  sim.h
 */
#ifndef WIRES_H
#define WIRES_H

#include "sim.h"

enum drive { DRIVE_OPEN, DRIVE_PULL_DOWN, DRIVE_PULL_UP, DRIVE_LOW, DRIVE_HIGH };
enum { LEVEL_LOW = 0, LEVEL_HIGH = 1, LEVEL_OPEN = 2 };

struct net;

struct pin {
    const char *name;               /* "probe PA13" */
    struct sim *sim;
    struct net *net;                /* NULL: connected to nothing */
    enum drive drive;
    int seen;                       /* level at this pin; when open, the last one driven */
    bool far;                       /* on the far side of a cut (the target's side) */
    /* The level at this pin changed (not called for LEVEL_OPEN: an input keeps what it
     * last saw, as a floating CMOS input does for a while). */
    void (*changed)(void *ctx, int level);
    void *ctx;
    struct pin *next;               /* in the net */
};

struct net {
    const char *name;               /* "SWDIO" */
    struct sim *sim;
    struct pin *pins;
    int level;                      /* LEVEL_*, as seen from the near side */
    int far_level;                  /* the same unless cut */
    bool cut;
    uint32_t noise;                 /* chance that a sample is wrong, in parts per 2^32 */
    uint64_t flips;                 /* samples that noise turned over */
    /* Private to wires.c: how many pins of each side drive in each way, so that a change
     * of drive costs no walk along the net; and the present drive fight. */
    uint16_t drivers[2][DRIVE_HIGH + 1];
    sim_time fight_since;           /* SIM_NEVER: nobody fights */
    bool fight_told;                /* reported once */
    /* Observers (VCD, tests), called at each change of level. */
    struct watch { void (*see)(void *ctx, const struct net *net); void *ctx; } watch[4];
    int watches;
};

void pin_init(struct pin *pin, struct sim *sim, const char *name,
              void (*changed)(void *ctx, int level), void *ctx);
/* Changes how the pin drives, and settles the net at once. */
void pin_drive(struct pin *pin, enum drive drive);
/* The level as an input buffer sees it, 0 or 1.  On a noisy net this is a sample, and
 * may be wrong: sample once per bit. */
int pin_sample(struct pin *pin);

struct net *net_new(struct sim *sim, const char *name);
void net_attach(struct net *net, struct pin *pin, bool far);
void net_watch(struct net *net, void (*see)(void *ctx, const struct net *net), void *ctx);
void net_unwatch(struct net *net, const void *ctx);
void net_cut(struct net *net, bool cut);            /* near and far pins come apart */
void net_free(struct net *net);                     /* its pins then hang in the air */
void net_set_noise(struct net *net, double rate);   /* 0.0001 = 1 sample in 10,000 */

#endif
