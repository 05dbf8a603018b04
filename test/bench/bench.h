/* bench.h - what the parts of the benchmark share.
 *
 *   bench.c    main: which tasks, two at a time      gdb_bench.c   what gdb would notice
 *   rows.c     the table of what is measured         dap_bench.c   what OpenOCD would
 *   profile.c  in which functions the cycles go      uart_bench.c  what an RS-485 bus would
 *   plot.py    the pictures                          time_bench.c  where the time goes
 *
 * A task builds a board of its own, so tasks do not depend on each other and may run in
 * processes of their own.  What it finds it says with measured() and point(). */
#ifndef BENCH_H
#define BENCH_H

#include "rsp_client.h"

struct task {
    const char *name;
    void (*run)(const struct task *task);
    const char *chip;               /* what the task runs with; each uses what it needs */
    bool fast;                      /* fastest SWCLK, not the default */
    int kb;
    const char *works;              /* names given to work_begins(), for --profile */
    const char *memory;             /* time_bench.c: "flash" or "ram" */
};
/* Each ends with a name of NULL. */
extern const struct task gdb_tasks[], dap_tasks[], uart_tasks[], time_tasks[];

/* bench.c: one row's value; one line for plot.py. */
void measured(const char *id, double value);
/* The same, with "_default" before the unit of the id if not fast: a_ms, a_default_ms. */
void measured_at(bool fast, const char *id, double value);
void plot_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Ends the program: a benchmark of something that does not work says nothing. */
void bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
/* A board with chip behind it, plugged in, port open.  A rule of the chip that is broken
 * ends the program. */
struct rsp *bench_power_on(const char *chip);
/* Attached as gdb does it; fast: at the highest frequency. */
struct rsp *bench_attached(const struct task *task);
/* BENCH_DATA bytes that are random, so a part of them has to be escaped. */
enum { BENCH_DATA = 256 * 1024 };
const uint8_t *bench_data(void);
#define TARGET_RAM 0x20000000u      /* of both chips */

/* Around each kind of work, so that --profile can look at just that. */
void work_begins(const struct board *board, const char *name);
void work_ends(const char *name);

/* rows.c: printed as a table, written as JSON; returns how many bars are missed. */
void rows_set(const char *id, double value);
int rows_print(void);
void rows_write(const char *path);

#endif
