/* clock.c - simulated time: the alarm queue and the cores' turns.
 *
 *   called by  everything in sim/        calls  cpu.h (to let the cores run)
 *
 * Time goes forward in rounds.  A round ends at the horizon: the end asked for, the
 * first alarm, or one quantum ahead, whichever is first.  Every core runs up to it from
 * its own local time, then the alarms that are due ring.  While all cores are idle there
 * is nothing to interleave, and a round reaches to the next alarm at once.
 *
 * The queue is a binary heap ordered by time; equal times ring in the order in which
 * they were set, so a run does not depend on how the heap happens to lie. */
#include "cpu.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct sim *sim_new(void)
{
    struct sim *sim = calloc(1, sizeof *sim);
    assert(sim);
    sim->random_state = 0x9E3779B97F4A7C15u;
    return sim;
}

void sim_free(struct sim *sim)
{
    sim_forget_reports(sim);
    free(sim->queue);
    free(sim);
}

/* The alarm's place among equals is its order of setting, which `order` numbers. */
static bool earlier(const struct alarm *a, const struct alarm *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void place(struct sim *sim, int slot, struct alarm *alarm)
{
    sim->queue[slot] = alarm;
    alarm->slot = slot;
}

static void sift_up(struct sim *sim, struct alarm *alarm)
{
    int slot = alarm->slot;
    while (slot > 0 && earlier(alarm, sim->queue[(slot - 1) / 2])) {
        place(sim, slot, sim->queue[(slot - 1) / 2]);
        slot = (slot - 1) / 2;
    }
    place(sim, slot, alarm);
}

static void sift_down(struct sim *sim, struct alarm *alarm)
{
    int slot = alarm->slot;
    for (int child; (child = 2 * slot + 1) < sim->queued; slot = child) {
        if (child + 1 < sim->queued &&
            earlier(sim->queue[child + 1], sim->queue[child]))
            child++;
        if (!earlier(sim->queue[child], alarm))
            break;
        place(sim, slot, sim->queue[child]);
    }
    place(sim, slot, alarm);
}

void alarm_init(struct alarm *alarm, void (*ring)(void *ctx), void *ctx)
{
    *alarm = (struct alarm){ .at = SIM_NEVER, .ring = ring, .ctx = ctx, .slot = -1 };
}

void alarm_cancel(struct sim *sim, struct alarm *alarm)
{
    if (alarm->slot < 0)
        return;
    struct alarm *last = sim->queue[--sim->queued];
    if (last != alarm) {
        place(sim, alarm->slot, last);
        sift_up(sim, last);
        sift_down(sim, last);
    }
    alarm->slot = -1;
    alarm->at = SIM_NEVER;
}

void alarm_set(struct sim *sim, struct alarm *alarm, sim_time at)
{
    alarm_cancel(sim, alarm);
    if (at == SIM_NEVER)
        return;
    if (sim->queued == sim->capacity) {
        sim->capacity = sim->capacity ? 2 * sim->capacity : 64;
        sim->queue = realloc(sim->queue, sizeof *sim->queue * (size_t)sim->capacity);
        assert(sim->queue);
    }
    alarm->at = at;
    alarm->order = sim->alarms_set++;
    place(sim, sim->queued++, alarm);
    sift_up(sim, alarm);
    if (at < sim->horizon)
        sim->horizon = at;
}

static bool all_idle(const struct sim *sim)
{
    for (int i = 0; i < sim->core_count; i++)
        if (!cpu_idle(sim->cores[i]))
            return false;
    return true;
}

static void run_cores(struct sim *sim)
{
    for (int i = 0; i < sim->core_count; i++) {
        struct cpu *cpu = sim->cores[i];
        if (cpu->local >= sim->horizon)
            continue;
        sim->now = cpu->local;
        sim->running = cpu;
        cpu_run(cpu);
        cpu->local = sim->now;
        sim->running = NULL;
    }
}

static void ring_due(struct sim *sim, sim_time until)
{
    while (sim->queued && sim->queue[0]->at <= until) {
        struct alarm *alarm = sim->queue[0];
        sim->now = alarm->at;
        alarm_cancel(sim, alarm);
        sim->ringing = true;
        alarm->ring(alarm->ctx);
        sim->ringing = false;
    }
}

void sim_run_until(struct sim *sim, sim_time t)
{
    sim_time now = sim->now;
    ring_due(sim, now);
    sim->now = now;
    while (now < t) {
        sim_time horizon = t;
        if (!all_idle(sim) && now + SIM_QUANTUM < horizon)
            horizon = now + SIM_QUANTUM;
        if (sim->queued && sim->queue[0]->at < horizon)
            horizon = sim->queue[0]->at;
        sim->horizon = horizon;
        run_cores(sim);
        /* A core may have pulled the horizon in, but never to before this round. */
        if (sim->horizon > now)
            now = sim->horizon;
        ring_due(sim, now);
        sim->now = now;
    }
}

/* xorshift64*: Marsaglia 2003, Vigna 2016. */
uint32_t sim_random(struct sim *sim)
{
    uint64_t x = sim->random_state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    sim->random_state = x;
    return (uint32_t)(x * 0x2545F4914F6CDD1Du >> 32);
}
