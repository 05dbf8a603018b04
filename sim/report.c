/* report.c - the list of what went wrong.
 *
 *   called by  everything in sim/        calls  cpu.h (names of cores and places)
 *
 * A text is told once, with its place, and then only counted.  What a firmware does in a
 * loop it may do millions of times, so a place is a line of the simulator (its format)
 * and an instruction of the program: after WORDED reports from one place no more text is
 * made for it, which leaves a look into a table.
 *
 * Whose fault is it?  The first core is the probe's.  A problem that another core's own
 * program makes is counted apart: the probe cannot help it.  What the probe does to the
 * target through its pins happens while the probe's core acts, or in an alarm. */
#include "cpu.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLACES = 1024, WORDED = 16 };

struct place {
    const char *format;                 /* NULL: free */
    const struct cpu *core;
    uint32_t pc;
    unsigned worded;
};

struct text {
    struct text *next;
    enum sim_problem kind;
    char words[];
};

struct reports {
    struct place places[PLACES];
    struct text *texts;
};

static const char *const kind_names[SIM_PROBLEM_KINDS] = {
    "note", "forgiven", "broken rule", "unmodelled", "fatal",
};

void sim_forget_reports(struct sim *sim)
{
    struct text *next;
    for (struct text *t = sim->reports ? sim->reports->texts : NULL; t; t = next) {
        next = t->next;
        free(t);
    }
    free(sim->reports);
    sim->reports = NULL;
}

/* The place's entry; an older one that hashes alike makes room. */
static struct place *find_place(struct sim *sim, const char *format)
{
    struct place here = { format, sim->running, sim->running ? sim->running->pc : 0, 0 };
    uintptr_t hash = (uintptr_t)format / 8 * 31 + here.pc / 2;
    struct place *place = &sim->reports->places[hash % PLACES];
    if (place->format != here.format || place->core != here.core || place->pc != here.pc)
        *place = here;
    return place;
}

static bool is_new(struct sim *sim, enum sim_problem kind, const char *words)
{
    for (struct text *t = sim->reports->texts; t; t = t->next)
        if (t->kind == kind && !strcmp(t->words, words))
            return false;
    struct text *text = malloc(sizeof *text + strlen(words) + 1);
    assert(text);
    text->kind = kind;
    strcpy(text->words, words);
    text->next = sim->reports->texts;
    sim->reports->texts = text;
    return true;
}

/* "probe at 0x08000124 (main+0x10): ", or nothing when no core acts. */
static int describe_place(struct sim *sim, char *text, size_t size)
{
    const struct cpu *cpu = sim->running;
    if (!cpu)
        return snprintf(text, size, "%s", "");
    uint32_t offset = 0;
    const char *symbol = cpu_symbol ? cpu_symbol(cpu, cpu->pc, &offset) : NULL;
    if (!symbol)
        return snprintf(text, size, "%s at 0x%08X: ", cpu->config.name, cpu->pc);
    return snprintf(text, size, "%s at 0x%08X (%s+0x%X): ", cpu->config.name, cpu->pc,
                    symbol, offset);
}

static void tell(struct sim *sim, enum sim_problem kind, bool of_target, const char *words)
{
    char line[768];
    int length = describe_place(sim, line, sizeof line);
    snprintf(line + length, sizeof line - (size_t)length, "%s", words);
    sim->reports_target = of_target;
    if (sim->report)
        sim->report(sim->report_ctx, kind, line);
    else
        fprintf(stderr, "%s: %s\n", kind_names[kind], line);
    sim->reports_target = false;
}

static bool is_target(const struct sim *sim, const struct cpu *by)
{
    return by && sim->core_count && by != sim->cores[0];
}

__attribute__((format(printf, 5, 0)))
static void report(struct sim *sim, const struct cpu *by, const char *name,
                   enum sim_problem kind, const char *format, va_list args)
{
    bool of_target = is_target(sim, by);
    (of_target ? sim->of_target : sim->problems)[kind]++;
    if (!sim->reports) {
        sim->reports = calloc(1, sizeof *sim->reports);
        assert(sim->reports);
    }
    struct place *place = find_place(sim, format);
    if (place->worded == WORDED)
        return;
    place->worded++;

    char words[512];
    int length = name ? snprintf(words, sizeof words, "%s: ", name) : 0;
    vsnprintf(words + length, sizeof words - (size_t)length, format, args);
    if (!is_new(sim, kind, words))
        return;
    sim->distinct[kind]++;
    tell(sim, kind, of_target, words);
}

void sim_report(struct sim *sim, enum sim_problem kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report(sim, sim->running, NULL, kind, format, args);
    va_end(args);
}

void sim_report_chip(struct sim *sim, const struct cpu *owner, const char *name,
                     enum sim_problem kind, const char *format, va_list args)
{
    report(sim, sim->running ? sim->running : sim->ringing ? owner : NULL, name, kind, format,
           args);
}

void sim_report_debugger(struct sim *sim, enum sim_problem kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report(sim, NULL, NULL, kind, format, args);
    va_end(args);
}
