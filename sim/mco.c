/* mco.c - the microcontroller clock output: one of the clocks on PA8.
 *
 *   called by  rcc.c      calls  gpio.c, rcc.c
 *
 * An edge costs an alarm, and a clock has many.  So PA8 moves only while somebody could
 * notice: another part on its net, an observer, an EXTI line, a timer that listens.  Else
 * it is looked again now and then.
 *
 * Source: RM0008 7.2.10, 7.3.2. */
#include "f103.h"
#include <stdlib.h>

#define LOOK_AGAIN (10 * SIM_US)

enum { MCO_PIN = PA + 8 };

struct mco {
    struct f103 *f103;
    sim_time half;                  /* a period; 0: nothing to show */
    bool owns, level;
    struct alarm edge;
};

static void edge(void *ctx)
{
    struct mco *mco = ctx;
    struct sim *sim = mco->f103->sim;
    if (!gpio_is_noticed(mco->f103->gpio, MCO_PIN)) {
        alarm_set(sim, &mco->edge, sim->now + LOOK_AGAIN);
        return;
    }
    mco->level = !mco->level;
    gpio_af_output(mco->f103->gpio, MCO_PIN, mco->level);
    alarm_set(sim, &mco->edge, sim->now + mco->half);
}

void mco_clock(struct mco *mco, bool chosen, sim_time period)
{
    struct sim *sim = mco->f103->sim;
    if (chosen != mco->owns)
        gpio_af_claim(mco->f103->gpio, MCO_PIN, chosen ? "MCO" : NULL);
    mco->owns = chosen;
    mco->half = period / 2;
    if (!chosen || !period)
        alarm_cancel(sim, &mco->edge);
    else if (!alarm_is_set(&mco->edge))
        alarm_set(sim, &mco->edge, sim->now + mco->half);
}

void mco_new(struct f103 *f103)
{
    struct mco *mco = calloc(1, sizeof *mco);
    f103->mco = mco;
    mco->f103 = f103;
    alarm_init(&mco->edge, edge, mco);
}

void mco_free(struct mco *mco)
{
    alarm_cancel(mco->f103->sim, &mco->edge);
    free(mco);
}
