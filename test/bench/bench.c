/* bench.c - how fast is the probe?  In simulated time, so the answer is the same on every
 * machine and to the cycle.
 *
 *     bench FILE.json [FILE.plot]     every task, two at a time; prints the table, writes
 *                                     it as JSON, and what plot.py makes pictures of
 *     bench --only TASK               one task, to look at (--tasks lists them)
 *     bench --profile [WORK [N]]      where do the probe's cycles go?  By function, exact,
 *                                     for each kind of work or one of them; with N, the N
 *                                     dearest instructions too, for build/probe.lst.  As in
 *                                     BUILD=build build/bench --profile read_1k 40
 *
 * Plays the host with the shipped image on the virtual board.  What it plays takes no time
 * itself, except that it looks for answers every 20 us.  JSON is {"rows": [{"id", "value",
 * "unit", "bar", "aim", "better"}, ...]}.  Image sizes come from the environment
 * (BOOT_BYTES, PROBE_BYTES, RAM_BYTES), where `make bench` puts what size.py found.
 *
 *   calls  rows.c, the tables of tasks, profile.c */
#include "bench.h"
#include "profile.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct task *const all_tasks[] = { gdb_tasks, time_tasks, dap_tasks, uart_tasks };
enum { LISTS = sizeof all_tasks / sizeof all_tasks[0], MOST_TASKS = 64, AT_ONCE = 2 };

static FILE *out;                   /* where this process says what it finds */

void measured(const char *id, double value)
{
    fprintf(out, "row %s %.9g\n", id, value);
}

void measured_at(bool fast, const char *id, double value)
{
    const char *unit = strrchr(id, '_');

    if (fast)
        measured(id, value);
    else
        fprintf(out, "row %.*s_default%s %.9g\n", (int)(unit - id), id, unit, value);
}

void plot_line(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fprintf(out, "plot ");
    vfprintf(out, format, args);
    fprintf(out, "\n");
    va_end(args);
}

void bench_fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fprintf(stderr, "bench: ");
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
    exit(1);
}

/* --- what every task needs --------------------------------------------------------------- */

/* Notes (a core that finds nothing but erased flash) are left out; the rest is serious. */
static void report(void *ctx, enum sim_problem kind, const char *text)
{
    (void)ctx;
    if (kind != SIM_NOTE)
        bench_fail("the firmware broke a rule of the chip: %s", text);
}

struct rsp *bench_power_on(const char *chip)
{
    struct rsp *rsp = rsp_build_usual(chip);

    rsp->board->sim->report = report;
    if (!rsp_plug_in(rsp))
        bench_fail("the board does not enumerate");
    return rsp;
}

struct rsp *bench_attached(const struct task *task)
{
    struct rsp *rsp = bench_power_on(task->chip);

    rsp_packet_size(rsp);                   /* gdb's first question */
    if (task->fast)
        rsp_monitor(rsp, "frequency 36M");
    if (!rsp_attach(rsp))
        bench_fail("cannot attach: %s %s", rsp->console, rsp->reply);
    rsp_ask(rsp, "X%x,0:", TARGET_RAM);     /* gdb's question, once, whether X is known */
    return rsp;
}

const uint8_t *bench_data(void)
{
    static uint8_t bytes[BENCH_DATA];
    uint32_t x = 12345;

    for (int i = 0; i < BENCH_DATA && !bytes[BENCH_DATA - 1]; i++) {
        x = x * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(x >> 24);
    }
    return bytes;
}

/* --- the profile of a piece of work ------------------------------------------------- */

static struct {
    bool on;
    const char *only;               /* NULL: each */
    int addresses;
    struct profile *running;
} profiling;

void work_begins(const struct board *board, const char *name)
{
    static char elf[512];

    if (!profiling.on || (profiling.only && strcmp(name, profiling.only) != 0))
        return;
    snprintf(elf, sizeof elf, "%s/probe.elf", getenv("BUILD") ? getenv("BUILD") : "build");
    profiling.running = profile_start(board, elf);
}

void work_ends(const char *name)
{
    if (profiling.running)
        profile_stop(profiling.running, name, profiling.addresses);
    profiling.running = NULL;
}

/* --- tasks, in processes ------------------------------------------------------------- */

struct job { const struct task *task; FILE *found; pid_t process; };

static struct job jobs[MOST_TASKS];
static int job_count;

static void list_jobs(void)
{
    for (int i = 0; i < LISTS; i++)
        for (const struct task *task = all_tasks[i]; task->name; task++)
            jobs[job_count++] = (struct job){ .task = task };
}

static void start(struct job *job)
{
    job->found = tmpfile();
    fflush(NULL);
    if (!job->found || (job->process = fork()) < 0)
        bench_fail("no room for another process");
    if (job->process == 0) {
        out = job->found;
        job->task->run(job->task);
        fflush(NULL);
        _exit(0);
    }
}

static void wait_for_one(void)
{
    int status = 1;
    pid_t process = wait(&status);

    for (int i = 0; i < job_count; i++)
        if (jobs[i].process == process && status != 0)
            bench_fail("%s did not end well", jobs[i].task->name);
}

/* The list is in the order in which things are best begun: the longest first. */
static void run_all(void)
{
    for (int i = 0; i < job_count; i++) {
        if (i >= AT_ONCE)
            wait_for_one();
        if (isatty(STDERR_FILENO))
            fprintf(stderr, "%2d/%d %-40s\r", i + 1, job_count, jobs[i].task->name);
        start(&jobs[i]);
    }
    for (int i = 0; i < job_count && i < AT_ONCE; i++)
        wait_for_one();
}

/* A line "flash_samd21 4 123.4" is a point of a curve: so many KB took so many ms.  How
 * much more a KB may take in one size than in another is the row growth_flash_samd21. */
static void grow(const char *line)
{
    static struct { char name[32]; double most, least; } curves[8];
    char name[32], id[48];
    double kb, ms;
    int i = 0;

    if (sscanf(line, "%31[a-z0-9_] %lf %lf", name, &kb, &ms) != 3)
        return;
    while (curves[i].name[0] && strcmp(curves[i].name, name) != 0)
        i++;
    if (!curves[i].name[0]) {
        strcpy(curves[i].name, name);
        curves[i].most = curves[i].least = ms / kb;
    }
    curves[i].most = fmax(curves[i].most, ms / kb);
    curves[i].least = fmin(curves[i].least, ms / kb);
    snprintf(id, sizeof id, "growth_%s", name);
    rows_set(id, curves[i].most / curves[i].least);
}

/* "time flash samd21 32 2241.7 ...": time_bench.c says what the columns are. */
static void print_time(const char *line)
{
    static bool titled;
    char memory[8], chip[16];
    double ms[8];
    int kb;

    if (sscanf(line, "time %7s %15s %d %lf %lf %lf %lf %lf %lf %lf %lf", memory, chip, &kb,
               ms, ms + 1, ms + 2, ms + 3, ms + 4, ms + 5, ms + 6, ms + 7) != 11)
        return;
    if (!titled)
        printf("\nWhere the time of a load goes, in %% (hidden: the core is awake behind "
               "flash; USB behind another)\n%-28s %9s %7s %6s %6s %6s %7s %9s %6s\n", "", "ms",
               "flash", "wire", "core", "USB", "nobody", "hidden:", "core USB");
    titled = true;
    double percent = 100 / ms[0];
    printf("  %-9s %-5s %2d KB %17.1f %7.1f %6.1f %6.1f %6.1f %7.1f %9.1f %6.1f\n", chip,
           memory, kb, ms[0], ms[1] * percent, ms[2] * percent, ms[3] * percent,
           ms[4] * percent, ms[5] * percent, ms[6] * percent, ms[7] * percent);
}

static void collect(FILE *plot)
{
    char line[512], id[64];
    double value;

    for (int i = 0; i < job_count; i++) {
        rewind(jobs[i].found);
        while (fgets(line, sizeof line, jobs[i].found))
            if (sscanf(line, "row %63s %lf", id, &value) == 2) {
                rows_set(id, value);
            } else {
                grow(line + strlen("plot "));
                print_time(line + strlen("plot "));
                if (plot)
                    fputs(line + strlen("plot "), plot);
            }
        fclose(jobs[i].found);
    }
}

/* --- main ---------------------------------------------------------------------------- */

static void sizes_from_environment(void)
{
    static const char *const names[][2] = { { "BOOT_BYTES", "boot_bytes" },
        { "PROBE_BYTES", "probe_bytes" }, { "RAM_BYTES", "ram_bytes" } };

    for (int i = 0; i < 3; i++)
        if (getenv(names[i][0]))
            rows_set(names[i][1], atof(getenv(names[i][0])));
}

static int bench_all(const char *json, const char *plot_path)
{
    FILE *plot = plot_path ? fopen(plot_path, "w") : NULL;

    sizes_from_environment();
    run_all();
    collect(plot);
    if (plot)
        fclose(plot);
    printf("\n");
    int missed = rows_print();
    printf("%d %s missed\n", missed, missed == 1 ? "bar" : "bars");
    if (json)
        rows_write(json);
    return 0;
}

static bool wanted(const struct task *task, const char *only)
{
    if (profiling.on)
        return task->works && (!only || strstr(task->works, only));
    return strcmp(only, task->name) == 0;
}

static int one_by_one(const char *only)
{
    out = profiling.on ? fopen("/dev/null", "w") : stdout;
    for (int i = 0; i < job_count; i++)
        if (wanted(jobs[i].task, only))
            jobs[i].task->run(jobs[i].task);
    return 0;
}

int main(int argc, char **argv)
{
    const char *option = argc > 1 ? argv[1] : "";

    list_jobs();
    if (strcmp(option, "--tasks") == 0) {
        for (int i = 0; i < job_count; i++)
            printf("%s\n", jobs[i].task->name);
        return 0;
    }
    if (strcmp(option, "--only") == 0 && argc > 2)
        return one_by_one(argv[2]);
    if (strcmp(option, "--profile") == 0) {
        profiling.on = true;
        profiling.only = argc > 2 ? argv[2] : NULL;
        profiling.addresses = argc > 3 ? atoi(argv[3]) : 0;
        return one_by_one(profiling.only);
    }
    return bench_all(argc > 1 ? argv[1] : NULL, argc > 2 ? argv[2] : NULL);
}
