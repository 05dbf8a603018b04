/* sim.h - simulated time, and the list of what went wrong.
 *
 * Everything in the virtual board happens at a time counted in ticks of 1/504 ns.
 * The number is chosen so that every clock we meet is a whole number of ticks a
 * cycle (72 MHz = 7000, 48 MHz = 10500, 8 MHz = 63000, 12 Mbit/s = 42000), so a
 * run is exact, repeatable, and independent of the machine it runs on.
 *
 *   called by  everything in sim/        calls  nothing
 *
 * There are several processor cores and one clock.  A core executes until
 * sim->horizon; while it does, sim->now is that core's own time.  sim_run() then
 * lets the next core catch up and rings the alarms that are due.  Setting an alarm
 * earlier than the horizon pulls the horizon in, so alarms are never missed.
 * A core that follows another is at most SIM_QUANTUM behind it. */
#ifndef SIM_H
#define SIM_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

typedef uint64_t sim_time;

#define SIM_NS       ((sim_time)504)
#define SIM_US       (1000 * SIM_NS)
#define SIM_MS       (1000 * SIM_US)
#define SIM_SECOND   (1000 * SIM_MS)
#define SIM_NEVER    UINT64_MAX
#define SIM_QUANTUM  SIM_US

struct cpu;

/* A one-shot alarm.  Its owner embeds it and keeps it alive while it is set. */
struct alarm {
    sim_time at;                    /* SIM_NEVER when not set */
    void (*ring)(void *ctx);        /* runs with sim->now == at */
    void *ctx;
    int slot;                       /* place in the queue, -1 when not set */
    uint64_t order;                 /* of setting; decides between equal times */
};

/* Kinds of problem.  From SIM_RULE on they make bluepill exit with status 1, and with
 * --strict from SIM_FORGIVEN on, which is how the tests hold our own firmware. */
enum sim_problem {
    SIM_NOTE,           /* worth knowing, harms nothing */
    SIM_FORGIVEN,       /* the manual forbids it or leaves it open; the chip is known to
                           ignore it, or to do what was meant, and so does the model */
    SIM_RULE,           /* the chip may fail: a drive fight, too few wait states, ... */
    SIM_UNMODELLED,     /* the chip would do something here that we do not */
    SIM_FATAL,          /* lockup, or an unhandled fault */
    SIM_PROBLEM_KINDS
};

struct sim {
    sim_time now;                   /* time of whoever is acting */
    sim_time horizon;               /* the running core stops when now >= horizon */
    struct alarm **queue;           /* binary heap by time, then by order of setting */
    int queued, capacity;
    uint64_t alarms_set;
    struct cpu *cores[4];           /* in the order in which they run; probe first */
    int core_count;
    struct cpu *running;            /* the core that is acting, NULL in alarms */
    bool ringing;                   /* an alarm is acting */

    /* How often: by the first core's program or through its pins, that is the probe's;
     * and by another core's own program, which is not the probe's fault. */
    unsigned problems[SIM_PROBLEM_KINDS], of_target[SIM_PROBLEM_KINDS];
    unsigned distinct[SIM_PROBLEM_KINDS];       /* texts, both together */
    /* Where problem reports go.  NULL prints to stderr.  Each distinct text is
     * reported once with its place, then only counted. */
    void (*report)(void *ctx, enum sim_problem kind, const char *text);
    void *report_ctx;
    bool reports_target;            /* while report() runs: it is one of of_target */
    struct reports *reports;        /* private to report.c */
    uint64_t random_state;
};

struct sim *sim_new(void);
void sim_free(struct sim *sim);

/* Runs cores and alarms until simulated time t; skips ahead while all cores sleep. */
void sim_run_until(struct sim *sim, sim_time t);

void alarm_init(struct alarm *alarm, void (*ring)(void *ctx), void *ctx);
void alarm_set(struct sim *sim, struct alarm *alarm, sim_time at);  /* moves it if set */
void alarm_cancel(struct sim *sim, struct alarm *alarm);
static inline bool alarm_is_set(const struct alarm *alarm) { return alarm->slot >= 0; }

/* Says that something is wrong, with the running core's name, PC and symbol (report.c).
 * One that comes again and again from the same place costs next to nothing. */
void sim_report(struct sim *sim, enum sim_problem kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same about a chip; `name` stands before the text.  In an alarm nobody runs: then it
 * is the doing of `owner`, the chip's core. */
void sim_report_chip(struct sim *sim, const struct cpu *owner, const char *name,
                     enum sim_problem kind, const char *format, va_list args)
    __attribute__((format(printf, 5, 0)));

/* The same when a debugger left it behind, whichever core stumbles over it. */
void sim_report_debugger(struct sim *sim, enum sim_problem kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void sim_forget_reports(struct sim *sim);       /* for sim_free() */

/* A repeatable stream of random numbers (for noise on wires, reset contents of RAM). */
uint32_t sim_random(struct sim *sim);

#endif
