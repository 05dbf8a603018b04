/* wires.c - nets: what level a piece of copper has, given everyone who drives it.
 *
 *   called by  gpio.c, swdp.c, board.c, vcd.c      calls  sim.h
 *
 * A net counts its drivers by kind.  The level follows from five counts, so the usual
 * change of a pin (an output that toggles) costs two increments and one look; the pins
 * are only walked along when the level really changes.
 *
 *   a strong driver        wins over any pull
 *   two that differ        fight: the low one wins, as an N-channel transistor is the
 *                          stronger; longer than FIGHT_ALLOWED is reported, once a net
 *   only pulls             they give the level; up and down together give none
 *   nobody                 LEVEL_OPEN: inputs keep what they last saw
 *
 * A cut net has two sides which are settled by themselves.  Noise does not move the net:
 * it turns over samples, so that nothing oscillates and every flip is counted.
 *
 * Times: at a turn of the line's direction both ends drive for a few ns, which is
 * normal (ADIv5.2 B4.1.2 gives the turnaround period for it).  A core that lags behind
 * may drive its pin at an earlier time than the last change; differences are signed. */
#include "wires.h"
#include <stdlib.h>

#define FIGHT_ALLOWED (30 * SIM_NS)

void pin_init(struct pin *pin, struct sim *sim, const char *name,
              void (*changed)(void *ctx, int level), void *ctx)
{
    *pin = (struct pin){ .name = name, .sim = sim, .changed = changed, .ctx = ctx };
}

struct net *net_new(struct sim *sim, const char *name)
{
    struct net *net = calloc(1, sizeof *net);
    net->name = name;
    net->sim = sim;
    net->level = net->far_level = LEVEL_OPEN;
    net->fight_since = SIM_NEVER;
    return net;
}

void net_free(struct net *net)
{
    if (!net)
        return;
    for (struct pin *pin = net->pins; pin; pin = pin->next)
        pin->net = NULL;
    free(net);
}

/* --- who wins -------------------------------------------------------------------- */

static int level_of_counts(unsigned high, unsigned low, unsigned up, unsigned down)
{
    if (low)
        return LEVEL_LOW;
    if (high)
        return LEVEL_HIGH;
    if (up && !down)
        return LEVEL_HIGH;
    if (down && !up)
        return LEVEL_LOW;
    return LEVEL_OPEN;
}

static int level_of_drive(enum drive drive)
{
    static const int level[] = { LEVEL_OPEN, LEVEL_LOW, LEVEL_HIGH, LEVEL_LOW, LEVEL_HIGH };
    return level[drive];
}

static bool side_fights(const struct net *net, int far)
{
    const uint16_t *side = net->drivers[far], *other = net->drivers[!far];
    unsigned high = side[DRIVE_HIGH] + (net->cut ? 0 : other[DRIVE_HIGH]);
    unsigned low = side[DRIVE_LOW] + (net->cut ? 0 : other[DRIVE_LOW]);
    return high && low;
}

/* --- drive fights ---------------------------------------------------------------- */

/* Two pins of the net that drive against each other, for the report. */
static void tell_fight(struct net *net)
{
    const struct pin *high = NULL, *low = NULL;
    for (const struct pin *pin = net->pins; pin; pin = pin->next) {
        if (pin->drive == DRIVE_HIGH)
            high = pin;
        if (pin->drive == DRIVE_LOW)
            low = pin;
    }
    net->fight_told = true;
    /* On a noisy net the two ends may honestly disagree about whose turn it is: a flipped
     * idle bit looks like a start bit.  That is the noise's fault. */
    sim_report(net->sim, net->noise ? SIM_NOTE : SIM_RULE,
               "drive fight on %s: %s drives high, %s drives low", net->name,
               high ? high->name : "?", low ? low->name : "?");
}

/* Called before a change of drive, while the fighters are still there to be named. */
static void referee(struct net *net)
{
    int64_t lasted = (int64_t)(net->sim->now - net->fight_since);
    if (!net->fight_told && lasted > (int64_t)FIGHT_ALLOWED)
        tell_fight(net);
}

/* --- settling -------------------------------------------------------------------- */

/* Pins of one side learn a new level.  A pin's owner may drive a pin in turn (the
 * debug port answers on a clock edge), on another net usually. */
static void tell_pins(struct net *net, bool far, int level)
{
    if (level == LEVEL_OPEN)
        return;
    for (struct pin *pin = net->pins; pin; pin = pin->next) {
        if (pin->far != far || pin->seen == level)
            continue;
        pin->seen = level;
        if (pin->changed)
            pin->changed(pin->ctx, level);
    }
}

static void settle(struct net *net)
{
    const uint16_t *near = net->drivers[0], *far = net->drivers[1];
    int near_level, far_level;
    if (!net->cut) {
        near_level = far_level = level_of_counts(
            near[DRIVE_HIGH] + far[DRIVE_HIGH], near[DRIVE_LOW] + far[DRIVE_LOW],
            near[DRIVE_PULL_UP] + far[DRIVE_PULL_UP],
            near[DRIVE_PULL_DOWN] + far[DRIVE_PULL_DOWN]);
    } else {
        near_level = level_of_counts(near[DRIVE_HIGH], near[DRIVE_LOW],
                                     near[DRIVE_PULL_UP], near[DRIVE_PULL_DOWN]);
        far_level = level_of_counts(far[DRIVE_HIGH], far[DRIVE_LOW],
                                    far[DRIVE_PULL_UP], far[DRIVE_PULL_DOWN]);
    }
    if (near_level == net->level && far_level == net->far_level)
        return;
    net->level = near_level;
    net->far_level = far_level;
    for (int i = 0; i < net->watches; i++)
        net->watch[i].see(net->watch[i].ctx, net);
    tell_pins(net, false, near_level);
    tell_pins(net, true, far_level);
}

/* A change of drive that could begin or end a fight. */
static void look_for_fight(struct net *net)
{
    bool fights = side_fights(net, 0) || side_fights(net, 1);
    if (!fights)
        net->fight_since = SIM_NEVER;
    else if (net->fight_since == SIM_NEVER)
        net->fight_since = net->sim->now;
}

void pin_drive(struct pin *pin, enum drive drive)
{
    enum drive before = pin->drive;
    struct net *net = pin->net;
    if (drive == before)
        return;
    if (!net) {
        pin->drive = drive;
        int level = level_of_drive(drive);
        if (level != LEVEL_OPEN && level != pin->seen) {
            pin->seen = level;
            if (pin->changed)
                pin->changed(pin->ctx, level);
        }
        return;
    }
    if (net->fight_since != SIM_NEVER)
        referee(net);
    pin->drive = drive;
    net->drivers[pin->far][before]--;
    net->drivers[pin->far][drive]++;
    /* An output that toggles alone on its net cannot fight: skip the look. */
    uint16_t strong = net->drivers[0][DRIVE_LOW] + net->drivers[0][DRIVE_HIGH] +
                      net->drivers[1][DRIVE_LOW] + net->drivers[1][DRIVE_HIGH];
    if (strong > 1 || net->fight_since != SIM_NEVER)
        look_for_fight(net);
    settle(net);
}

int pin_sample(struct pin *pin)
{
    struct net *net = pin->net;
    if (!net)
        return pin->seen;
    if (net->fight_since != SIM_NEVER)
        referee(net);
    if (net->noise && sim_random(net->sim) < net->noise) {
        net->flips++;
        return !pin->seen;
    }
    return pin->seen;
}

/* --- building and breaking ------------------------------------------------------- */

void net_attach(struct net *net, struct pin *pin, bool far)
{
    pin->net = net;
    pin->far = far;
    pin->next = net->pins;
    net->pins = pin;
    net->drivers[far][pin->drive]++;
    look_for_fight(net);
    settle(net);
    /* The level did not change, but this pin has not seen it yet. */
    tell_pins(net, far, far ? net->far_level : net->level);
}

void net_watch(struct net *net, void (*see)(void *ctx, const struct net *net), void *ctx)
{
    if (net->watches == sizeof net->watch / sizeof *net->watch)
        abort();
    net->watch[net->watches].see = see;
    net->watch[net->watches++].ctx = ctx;
}

void net_unwatch(struct net *net, const void *ctx)
{
    int kept = 0;
    for (int i = 0; i < net->watches; i++)
        if (net->watch[i].ctx != ctx)
            net->watch[kept++] = net->watch[i];
    net->watches = kept;
}

void net_cut(struct net *net, bool cut)
{
    net->cut = cut;
    look_for_fight(net);
    settle(net);
    tell_pins(net, false, net->level);
    tell_pins(net, true, net->far_level);
}

void net_set_noise(struct net *net, double rate)
{
    double parts = rate * 4294967296.0;
    net->noise = parts <= 0 ? 0 : parts >= 4294967295.0 ? UINT32_MAX : (uint32_t)parts;
}
