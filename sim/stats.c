/* stats.c - what the board counted, as one line of JSON.
 *
 *   called by  main.c (--stats, on exit), control.c (stats)      calls  nothing: it reads
 *
 * Times and clocks are simulated.  "swd" is what the target's debug port saw, so it is
 * all zero with --target none; periods are null until there were two clocks. */
#include "board.h"
#include <stdarg.h>
#include <stdio.h>

struct text { char *at; int size, length; };

__attribute__((format(printf, 2, 3)))
static void add(struct text *text, const char *format, ...)
{
    va_list args;
    int room = text->size - text->length;
    if (room <= 0)
        return;
    va_start(args, format);
    text->length += vsnprintf(text->at + text->length, (size_t)room, format, args);
    va_end(args);
}

static unsigned long long u(uint64_t value) { return (unsigned long long)value; }

static void add_ns(struct text *text, const char *key, sim_time time)
{
    if (time == 0 || time == SIM_NEVER)
        add(text, "\"%s\": null, ", key);
    else
        add(text, "\"%s\": %.2f, ", key, (double)time / (double)SIM_NS);
}

static void add_core(struct text *text, const char *key, const struct chip *chip)
{
    if (!chip) {
        add(text, "\"%s\": null, ", key);
        return;
    }
    add(text, "\"%s\": {\"chip\": \"%s\", \"powered\": %s, \"cycles\": %llu, "
        "\"instructions\": %llu, \"clock_mhz\": %.4f, \"pc\": \"0x%08X\", \"halted\": %s, "
        "\"lockup\": %s}, ", key, chip->name, chip->powered ? "true" : "false",
        u(chip->cpu->cycles), u(chip->cpu->instructions),
        (double)SIM_US / (double)chip->cpu->cycle, chip->cpu->r[15],
        chip->cpu->halted ? "true" : "false", chip->cpu->lockup ? "true" : "false");
}

static void add_swd(struct text *text, const struct board *board)
{
    static const struct swdp_stats silence;
    const struct swdp_stats *swd = board->target && board->target->debug_port ?
        swdp_stats(board->target->debug_port) : &silence;

    add(text, "\"swclk_clocks\": %llu, ", u(swd->clocks));
    add_ns(text, "swclk_shortest_period_ns", swd->shortest_period);
    add_ns(text, "swclk_median_period_ns", swd->median_period);
    add_ns(text, "swclk_shortest_high_ns", swd->shortest_high);
    add_ns(text, "swclk_shortest_low_ns", swd->shortest_low);
    add(text, "\"swd_acks\": {\"ok\": %llu, \"wait\": %llu, \"fault\": %llu, \"none\": %llu}, "
        "\"swd_parity_errors\": %llu, \"swd_protocol_errors\": %llu, "
        "\"swd_line_resets\": %llu, ", u(swd->ok), u(swd->wait), u(swd->fault),
        u(swd->silent), u(swd->parity_errors), u(swd->protocol_errors), u(swd->line_resets));
}

static void add_usb(struct text *text, const struct board *board)
{
    const struct usb_host_stats *usb = usb_host_stats(board->usb);
    const char *comma = "";

    add(text, "\"usb_attached\": %s, \"usb_frames\": %llu, \"usb_endpoints\": {",
        usb_host_attached(board->usb) ? "true" : "false", u(usb->frames));
    for (int i = 0; i < 16; i++) {
        if (!usb->ep[i].in_packets && !usb->ep[i].out_packets && !usb->ep[i].naks)
            continue;
        add(text, "%s\"%d\": {\"in_bytes\": %llu, \"out_bytes\": %llu, \"in_packets\": %llu, "
            "\"out_packets\": %llu, \"naks\": %llu, \"stalls\": %llu}", comma, i,
            u(usb->ep[i].in_bytes), u(usb->ep[i].out_bytes), u(usb->ep[i].in_packets),
            u(usb->ep[i].out_packets), u(usb->ep[i].naks), u(usb->ep[i].stalls));
        comma = ", ";
    }
    add(text, "}, ");
}

static void add_problems(struct text *text, const char *key, const unsigned *problems)
{
    add(text, "\"%s\": {\"note\": %u, \"forgiven\": %u, \"rule\": %u, \"unmodelled\": %u, "
        "\"fatal\": %u}", key, problems[SIM_NOTE], problems[SIM_FORGIVEN], problems[SIM_RULE],
        problems[SIM_UNMODELLED], problems[SIM_FATAL]);
}

int stats_write(struct board *board, char *text, int size)
{
    struct text out = { text, size, 0 };
    const struct cpu *cpu = board->probe->cpu;

    add(&out, "{\"simulated_seconds\": %.9f, \"cycles\": %llu, \"instructions\": %llu, ",
        (double)board->sim->now / (double)SIM_SECOND, u(cpu->cycles), u(cpu->instructions));
    add_core(&out, "probe", board->probe);
    add_core(&out, "target", board->target);
    add_swd(&out, board);
    add_usb(&out, board);
    add(&out, "\"led\": %s, \"boot1\": %d, \"unmodelled\": %u, ",
        board_led(board) ? "true" : "false", board->options.boot1,
        board->sim->problems[SIM_UNMODELLED]);
    add_problems(&out, "problems", board->sim->problems);
    add(&out, ", ");
    add_problems(&out, "target_problems", board->sim->of_target);
    add(&out, "}");
    return out.length;
}

int stats_exit_status(const struct board *board)
{
    int first = board->options.strict ? SIM_FORGIVEN : SIM_RULE;
    for (int kind = first; kind < SIM_PROBLEM_KINDS; kind++)
        if (board->sim->problems[kind])
            return 1;
    return 0;
}
