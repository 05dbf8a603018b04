/* time_bench.c - where does each microsecond of a load go?
 *
 *   called by  bench.c      calls  rsp_client.h; observers of the simulator
 *
 * Four things are watched while gdb loads a program:
 *
 *   flash   the target's flash controller is busy (erase or program)
 *   wire    SWCLK moves: edges less than 300 ns apart belong together
 *   USB     a packet that the other side takes is on the cable, token to handshake
 *   asleep  the probe's core is in WFI
 *
 * They overlap.  To see what the next bottleneck is, each moment is given to the one that
 * the others wait for: flash if it is busy; else the wire; else computing, if the core is
 * awake; else USB, if a packet is on its way; else nobody (a pause between two packets, or
 * of the host).  These five make 100 %.  Beside them stands what is hidden behind another:
 * the core awake while flash is busy, and USB while flash, wire or core are. */
#include "bench.h"
#include <stdlib.h>
#include <string.h>

struct span { sim_time from, to; };
struct lane { struct span *spans; int count, room; };

enum lane_name { FLASH, WIRE, USB, ASLEEP, LANES };

struct watch_all {
    struct board *board;
    struct lane lane[LANES];
    sim_time token;                 /* USB: when it began */
    uint32_t pc;                    /* core: the last instruction, and when it began */
    sim_time since;
    const sim_time *busy_until;     /* flash */
    sim_time busy_seen, program_time, erase_time;
    struct alarm look;
};

#define TOGETHER   (300 * SIM_NS)
#define LOOK_EVERY (20 * SIM_US)    /* less than the shortest operation, 52.5 us */
enum { WFI = 0xBF30 };

/* A span that begins where the last one ends makes that longer. */
static void add_span(struct lane *lane, sim_time from, sim_time to, sim_time together)
{
    if (lane->count && from <= lane->spans[lane->count - 1].to + together) {
        lane->spans[lane->count - 1].to = to;
        return;
    }
    if (lane->count == lane->room) {
        lane->room = lane->room ? 2 * lane->room : 1024;
        lane->spans = realloc(lane->spans, (size_t)lane->room * sizeof *lane->spans);
    }
    lane->spans[lane->count++] = (struct span){ from, to };
}

/* --- the four observers ------------------------------------------------------------------ */

static void see_clock(void *ctx, const struct net *net)
{
    struct watch_all *watch = ctx;

    add_span(&watch->lane[WIRE], net->sim->now, net->sim->now, TOGETHER);
}

static void see_packet(void *ctx, uint8_t pid, const uint8_t *bytes, int length)
{
    struct watch_all *watch = ctx;
    sim_time now = watch->board->sim->now;

    (void)bytes, (void)length;
    if (pid == USB_IN || pid == USB_OUT || pid == USB_SETUP)
        watch->token = now;
    else if (pid == USB_ACK)
        add_span(&watch->lane[USB], watch->token, now, 0);
}

/* Time asleep is between a WFI and the instruction after it. */
static bool see_instruction(void *ctx, uint32_t pc)
{
    struct watch_all *watch = ctx;
    const struct chip *probe = watch->board->probe;
    uint32_t at = watch->pc - probe->flash_base;
    sim_time now = watch->board->sim->now;

    if (at < probe->flash_size && (probe->flash[at] | probe->flash[at + 1] << 8) == WFI)
        add_span(&watch->lane[ASLEEP], watch->since, now, 0);
    watch->pc = pc;
    watch->since = now;
    return false;
}

/* The controller says until when it is busy; how long its operations take is known. */
static void look_at_flash(void *ctx)
{
    struct watch_all *watch = ctx;
    struct sim *sim = watch->board->sim;
    sim_time until = *watch->busy_until;

    if (until > sim->now && until != watch->busy_seen) {
        bool program = until - sim->now <= watch->program_time;
        sim_time took = program ? watch->program_time : watch->erase_time;
        add_span(&watch->lane[FLASH], until - took, until, 0);
        watch->busy_seen = until;
    }
    alarm_set(sim, &watch->look, sim->now + LOOK_EVERY);
}

static void watch_start(struct watch_all *watch, struct board *board)
{
    bool samd21 = strcmp(board->options.target, "samd21") == 0;
    struct usb_host_observer observer = { .packet = see_packet, .ctx = watch };

    *watch = (struct watch_all){ .board = board, .pc = 0xFFFFFFFF };
    watch->program_time = samd21 ? 2500 * SIM_US : 52500 * SIM_NS;
    watch->erase_time = samd21 ? 6 * SIM_MS : 30 * SIM_MS;
    watch->busy_until = bus_find(board->target->bus, board->target->flash_base)->busy_until;
    net_watch(board->net[SIG_SWCLK], see_clock, watch);
    usb_host_observe(board->usb, &observer);
    board->probe->cpu->hooks = (struct cpu_hooks){ .before_instruction = see_instruction,
                                                   .ctx = watch };
    alarm_init(&watch->look, look_at_flash, watch);
    look_at_flash(watch);
}

/* The board is not used after this. */
static void watch_stop(struct watch_all *watch)
{
    see_instruction(watch, 0);
    alarm_cancel(watch->board->sim, &watch->look);
    watch->board->probe->cpu->hooks = (struct cpu_hooks){ 0 };
}

/* --- adding up ---------------------------------------------------------------------------- */

enum share { BY_FLASH, BY_WIRE, BY_CORE, BY_USB, BY_NOBODY, FIVE,
             AWAKE_BEHIND_FLASH = FIVE, USB_BEHIND, SHARES };

static void count(double share[SHARES], const bool on[LANES], double time)
{
    bool awake = !on[ASLEEP];

    share[on[FLASH] ? BY_FLASH : on[WIRE] ? BY_WIRE : awake ? BY_CORE
          : on[USB] ? BY_USB : BY_NOBODY] += time;
    if (on[FLASH] && awake)
        share[AWAKE_BEHIND_FLASH] += time;
    if (on[USB] && (on[FLASH] || awake))
        share[USB_BEHIND] += time;
}

/* Goes through all lanes at once, from one change to the next. */
static void add_up(const struct watch_all *watch, sim_time from, sim_time to,
                   double share[SHARES])
{
    int at[LANES] = { 0 };

    memset(share, 0, SHARES * sizeof *share);
    while (from < to) {
        bool on[LANES];
        sim_time next = to;
        for (int i = 0; i < LANES; i++) {
            const struct lane *lane = &watch->lane[i];
            while (at[i] < lane->count && lane->spans[at[i]].to <= from)
                at[i]++;
            const struct span *span = at[i] < lane->count ? &lane->spans[at[i]] : NULL;
            on[i] = span && span->from <= from;
            sim_time change = !span ? to : on[i] ? span->to : span->from;
            next = change < next ? change : next;
        }
        count(share, on, (double)(next - from) / (double)SIM_MS);
        from = next;
    }
}

/* What plot.py draws as lanes: the first milliseconds, gaps of less than 2 us filled. */
static void tell_lanes(const struct watch_all *watch, const char *load, sim_time from,
                       sim_time to)
{
    static const char *const names[LANES] = { "flash", "wire", "usb", "asleep" };

    for (int i = 0; i < LANES; i++) {
        struct lane coarse = { NULL, 0, 0 };
        for (int n = 0; n < watch->lane[i].count; n++) {
            struct span span = watch->lane[i].spans[n];
            if (span.to > from && span.from < to)
                add_span(&coarse, span.from < from ? from : span.from,
                         span.to > to ? to : span.to, 2 * SIM_US);
        }
        for (int n = 0; n < coarse.count; n++)
            plot_line("lane %s %s %.1f %.1f", load, names[i],
                      (double)(coarse.spans[n].from - from) / (double)SIM_US,
                      (double)(coarse.spans[n].to - from) / (double)SIM_US);
        free(coarse.spans);
    }
}

/* --- tasks -------------------------------------------------------------------------------- */

static bool load(struct rsp *rsp, const struct task *task)
{
    bool samd21 = strcmp(task->chip, "samd21") == 0;

    if (task->memory[0] == 'f')
        return rsp_load_flash(rsp, rsp->board->target->flash_base, bench_data(),
                              task->kb * 1024, samd21 ? 256 : 1024);
    return rsp_send_ram(rsp, TARGET_RAM, bench_data(), task->kb * 1024)
        && strcmp(rsp_ask(rsp, "Pf=00000020"), "OK") == 0;
}

static void bench_time(const struct task *task)
{
    struct rsp *rsp = bench_attached(task);
    struct watch_all watch;
    double share[SHARES];

    memset(rsp->board->target->flash, 0x5A, rsp->board->target->flash_size);
    watch_start(&watch, rsp->board);
    sim_time start = rsp->board->sim->now;
    if (!load(rsp, task))
        bench_fail("%s: %s", task->name, rsp->reply);
    sim_time end = rsp->board->sim->now;
    watch_stop(&watch);
    add_up(&watch, start, end, share);
    plot_line("time %s %s %d %.4f %.4f %.4f %.4f %.4f %.4f %.4f %.4f", task->memory, task->chip,
              task->kb, (double)(end - start) / (double)SIM_MS, share[BY_FLASH],
              share[BY_WIRE], share[BY_CORE], share[BY_USB], share[BY_NOBODY],
              share[AWAKE_BEHIND_FLASH], share[USB_BEHIND]);
    if (task->memory[0] == 'r')
        tell_lanes(&watch, task->chip, start, start + 12 * SIM_MS);
}

static double asleep_share(struct rsp *rsp)
{
    enum { MS = 200 };
    struct watch_all watch;
    double asleep = 0;

    watch_start(&watch, rsp->board);
    board_run_ms(rsp->board, MS);
    watch_stop(&watch);
    const struct span *span = watch.lane[ASLEEP].spans;
    for (int i = 0; i < watch.lane[ASLEEP].count; i++)
        asleep += (double)(span[i].to - span[i].from);
    return 100 * asleep / (MS * (double)SIM_MS);
}

static void bench_idle(const struct task *task)
{
    struct rsp *rsp = bench_power_on(task->chip);

    measured("idle_asleep_share", asleep_share(rsp));
}

static void bench_running(const struct task *task)
{
    struct rsp *rsp = bench_attached(task);
    static const uint8_t loop[] = { 0xFE, 0xE7 };               /* b . */

    rsp_write(rsp, TARGET_RAM, loop, sizeof loop);
    rsp_ask(rsp, "Pf=00000020");
    rsp_send(rsp, "vCont;c", 7);
    board_run_ms(rsp->board, 10);
    measured("running_asleep_share", asleep_share(rsp));
}

const struct task time_tasks[] = {
    { "time_flash_samd21", bench_time, "samd21", true, 32, NULL, "flash" },
    { "time_flash_stm32f103", bench_time, "stm32f103", true, 32, NULL, "flash" },
    { "time_ram_samd21", bench_time, "samd21", true, 32, NULL, "ram" },
    { "time_ram_stm32f103", bench_time, "stm32f103", true, 16, NULL, "ram" },
    { "idle", bench_idle, "samd21", false, 0, NULL, NULL },
    { "running", bench_running, "samd21", false, 0, NULL, NULL },
    { NULL, NULL, NULL, false, 0, NULL, NULL },
};
