/* main.c - the program build/bluepill: options, the passing of time, the exit status.
 *
 *   called by  a person, the tests' scripts      calls  board.h, control.h, ports.h,
 *                                                       usbip.h, vcd.h, pcap.h
 *
 * Options are rows of a table; each puts its argument into struct settings or says in one
 * sentence what is wrong with it.  Exit status: 0 all was well; 1 the firmware broke a rule
 * of the chip, locked up, or touched something that is not modelled; 2 wrong usage.  What a
 * program on the target does wrong by itself is printed, and is not the probe's status.
 *
 * Time passes in slices.  Between two of them the TCP ports are looked at.  With
 * --speed real a slice ends no earlier than the wall clock says; the wait is a poll(2) on
 * all sockets, so input is answered at once and an idle board costs next to nothing.  A
 * board that falls behind the wall clock does not hurry later: it was just slow. */
#define _GNU_SOURCE                     /* ppoll */
#include "board.h"
#include "cdc_host.h"
#include "control.h"
#include "pcap.h"
#include "ports.h"
#include "usbip.h"
#include "vcd.h"
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

enum { NOT_WANTED = -1, USAGE = 2, FDS = 64 };
enum serial_port { GDB_PORT, UART_PORT, SERIAL_PORTS };

struct settings {
    struct board_options board;
    int serial[SERIAL_PORTS], control, usbip;   /* TCP ports, NOT_WANTED, or 0 for any */
    const char *vcd, *pcap, *record, *symbols, *dump;
    bool real_time, stats, stop;            /* stop: --help and --version have spoken */
    double seconds;                         /* simulated; 0 = until told to stop */
};

/* All that runs. */
struct machine {
    const struct settings *settings;
    struct board *board;
    struct cdc_host *cdc;                   /* NULL with --usbip: a real kernel has it */
    struct ports *ports;
    struct usbip *usbip;
    struct control *control;
    struct vcd *vcd;
    struct pcap *pcap;
    FILE *record;
};

static volatile sig_atomic_t interrupted;

static const char *const port_names[SERIAL_PORTS] = { "gdb", "uart" };

/* --- options --------------------------------------------------------------------------- */

/* An option's reader: false says why not, in error. */
static char error[1024];

__attribute__((format(printf, 1, 2)))
static bool wrong(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error, sizeof error, format, args);
    va_end(args);
    return false;
}

static bool whole_number(const char *text, long *value)
{
    char *end;
    errno = 0;
    *value = strtol(text, &end, 10);
    return end != text && !*end && !errno;
}

static bool set_flash(struct settings *settings, const char *text)
{
    struct board_options *board = &settings->board;
    int room = sizeof board->flash / sizeof board->flash[0];
    if (board->flash_count == room)
        return wrong("--flash: at most %d files.", room);
    board->flash[board->flash_count++] = text;
    return true;
}

static bool set_flash_kb(struct settings *settings, const char *text)
{
    if (strcmp(text, "64") != 0 && strcmp(text, "128") != 0)
        return wrong("--flash-kb %s: use 64 or 128.", text);
    settings->board.flash_kb = atoi(text);
    return true;
}

static bool set_board(struct settings *settings, const char *text)
{
    settings->board.board = text;       /* board_new() knows the names */
    return true;
}

static bool set_one_wire(struct settings *settings, const char *text)
{
    const char *equals = strchr(text, '=');
    if (!equals || !equals[1])
        return wrong("--wire %s: write SIGNAL=PIN, such as SWDIO=PB14.", text);
    for (int i = 0; i < SIG_COUNT; i++)
        if (strlen(signal_names[i]) == (size_t)(equals - text) &&
            strncasecmp(signal_names[i], text, (size_t)(equals - text)) == 0) {
            settings->board.wire[i] = equals + 1;
            return true;
        }
    return wrong("--wire %s: there is no such signal; use SWDIO SWCLK TDI TDO NRST TX RX or "
                 "SWO.", text);
}

static bool set_wire(struct settings *settings, const char *text)
{
    char *copy = strdup(text), *rest = copy;    /* pin names live until the end */
    bool any = false;
    for (char *one; (one = strtok_r(rest, ",", &rest)); any = true)
        if (!set_one_wire(settings, one))
            return false;
    return any || wrong("--wire: write SIGNAL=PIN, such as SWDIO=PB14.");
}

static bool set_boot1(struct settings *settings, const char *text)
{
    if (strcmp(text, "0") != 0 && strcmp(text, "1") != 0)
        return wrong("--boot1 %s: use 0 or 1.", text);
    settings->board.boot1 = *text == '1';
    return true;
}

static bool set_i2c(struct settings *settings, const char *text)
{
    struct board_options *board = &settings->board;
    if (board->i2c_count == BOARD_I2C)
        return wrong("--i2c: at most %d parts.", BOARD_I2C);
    board->i2c[board->i2c_count++] = text;
    return true;
}

/* What the chips are, and what of them is not here, in lines of 79 characters. */
static void say_wrapped(const char *label, const char *text)
{
    int column = printf("  %-12s", label);
    while (*text) {
        int word = (int)strcspn(text, " ");
        if (column + word > 78)
            column = printf("\n  %-12s", "") - 1;
        column += printf(" %.*s", word, text);
        text += word + (text[word] == ' ');
    }
    putchar('\n');
}

static bool say_targets(struct settings *settings)
{
    for (const struct target_chip *row = target_chips; row->name; row++) {
        say_wrapped(row->name, row->what);
        say_wrapped(" not here:", row->lacks);
    }
    say_wrapped("none", "the pins are open");
    return settings->stop = true;
}

static bool set_target(struct settings *settings, const char *text)
{
    if (strcmp(text, "list") == 0)
        return say_targets(settings);
    settings->board.target = text;
    return true;
}

static bool set_port(const char *option, int *port, const char *text)
{
    long value;
    if (!whole_number(text, &value) || value < 0 || value > 65535)
        return wrong("%s %s: a TCP port is a number from 1 to 65535, or 0 for any free one.",
                     option, text);
    *port = (int)value;
    return true;
}

static bool set_gdb(struct settings *settings, const char *text)
{
    return set_port("--gdb", &settings->serial[GDB_PORT], text);
}

static bool set_uart(struct settings *settings, const char *text)
{
    return set_port("--uart", &settings->serial[UART_PORT], text);
}

static bool set_control(struct settings *settings, const char *text)
{
    return set_port("--control", &settings->control, text);
}

static bool set_usbip(struct settings *settings, const char *text)
{
    return set_port("--usbip", &settings->usbip, text);
}

static bool set_vcd(struct settings *settings, const char *text)
{
    settings->vcd = text;
    return true;
}

static bool set_pcap(struct settings *settings, const char *text)
{
    settings->pcap = text;
    return true;
}

static bool set_record(struct settings *settings, const char *text)
{
    settings->record = text;
    return true;
}

static bool set_symbols(struct settings *settings, const char *text)
{
    settings->symbols = text;
    return true;
}

static bool set_dump(struct settings *settings, const char *text)
{
    settings->dump = text;
    return true;
}

static bool set_speed(struct settings *settings, const char *text)
{
    settings->real_time = strcmp(text, "real") == 0;
    return settings->real_time || strcmp(text, "max") == 0 ||
           wrong("--speed %s: use real or max.", text);
}

static bool set_for(struct settings *settings, const char *text)
{
    char *end;
    settings->seconds = strtod(text, &end);
    if (end == text || *end || !(settings->seconds > 0 && settings->seconds <= 1e6))
        return wrong("--for %s: a number of seconds is needed, such as 2 or 0.5.", text);
    return true;
}

static bool set_stats(struct settings *settings, const char *text)
{
    (void)text;
    return settings->stats = true;
}

static bool set_no_crystal(struct settings *settings, const char *text)
{
    (void)text;
    return settings->board.no_crystal = true;
}

static bool set_loop(struct settings *settings, const char *text)
{
    (void)text;
    return settings->board.loop = true;
}

static bool set_strict(struct settings *settings, const char *text)
{
    (void)text;
    return settings->board.strict = true;
}

static bool say_version(struct settings *settings, const char *text)
{
    (void)text;
    puts("bluepill, the virtual Blue Pill of Pillbug");
    return settings->stop = true;
}

static bool say_help(struct settings *settings, const char *text);

static const struct option {
    const char *name, *argument;        /* argument NULL: takes none */
    bool (*set)(struct settings *settings, const char *text);
    const char *help;
} options[] = {
    { "--flash", "FILE[@ADDR]", set_flash, "load .bin, .hex or .elf; may be repeated" },
    { "--flash-kb", "64|128", set_flash_kb, "size of the probe's flash (64)" },
    { "--board", "NAME", set_board, "bluepill (default) or stlink: which pin is what" },
    { "--wire", "SIG=PIN,...", set_wire, "other pins for SWDIO SWCLK TDI TDO NRST TX RX SWO" },
    { "--loop", NULL, set_loop, "a wire from TX to RX: what is sent comes back" },
    { "--boot1", "0|1", set_boot1, "the jumper (0)" },
    { "--i2c", "PART", set_i2c,
      "24c02[@0x50][:SDA=PB7,SCL=PB6][:FILE], an EEPROM; may be repeated" },
    { "--target", "NAME[:FILE]", set_target, "a chip, see --target list, or none (default); its flash" },
    { "--gdb", "PORT", set_gdb, "TCP port for the first serial port of the board; 0: any" },
    { "--uart", "PORT", set_uart, "TCP port for the second one" },
    { "--control", "PORT", set_control, "TCP port for commands: reset, cut SWDIO, help, ..." },
    { "--usbip", "PORT", set_usbip, "TCP port for USB/IP: usbip attach -r HOST -b 1-1" },
    { "--vcd", "FILE", set_vcd, "waveforms of the wires, for GTKWave or sigrok" },
    { "--pcap", "FILE", set_pcap, "USB traffic, for Wireshark" },
    { "--record", "FILE", set_record, "SWD transfers, one a line" },
    { "--symbols", "FILE.elf", set_symbols, "names for reports, when --flash has a .bin" },
    { "--dump-target", "FILE", set_dump, "on exit, the target's whole flash" },
    { "--speed", "real|max", set_speed, "as fast as the wall clock (default), or as possible" },
    { "--for", "SECONDS", set_for, "stop after so much simulated time" },
    { "--stats", NULL, set_stats, "on exit, counters as JSON on standard output" },
    { "--no-crystal", NULL, set_no_crystal, "the 8 MHz crystal is missing" },
    { "--strict", NULL, set_strict, "exit status 1 also for what the chip forgives" },
    { "--help", NULL, say_help, "this" },
    { "--version", NULL, say_version, "what this is" },
};
enum { OPTIONS = sizeof options / sizeof options[0] };

static bool say_help(struct settings *settings, const char *text)
{
    (void)text;
    puts("bluepill: runs firmware for an STM32F103C8 on a virtual Blue Pill.\n");
    for (int i = 0; i < OPTIONS; i++)
        if (options[i].help)
            printf("  %-12s %-12s %s\n", options[i].name,
                   options[i].argument ? options[i].argument : "", options[i].help);
    puts("\nExit status: 0 all was well, 1 the firmware broke a rule or locked up, "
         "2 wrong usage.");
    return settings->stop = true;
}

/* Accepts "--name value" and "--name=value". */
static bool read_option(struct settings *settings, char **argv, int *at)
{
    const char *word = argv[*at], *equals = strchr(word, '=');
    size_t length = equals ? (size_t)(equals - word) : strlen(word);

    for (int i = 0; i < OPTIONS; i++) {
        const struct option *option = &options[i];
        if (strlen(option->name) != length || strncmp(option->name, word, length) != 0)
            continue;
        if (!option->argument)
            return equals ? wrong("%s takes no argument.", option->name)
                          : option->set(settings, NULL);
        const char *argument = equals ? equals + 1 : argv[++*at];
        if (!argument || !*argument)
            return wrong("%s needs an argument: %s.", option->name, option->argument);
        return option->set(settings, argument);
    }
    return wrong("There is no option %s; --help lists what there is.", word);
}

static bool read_options(struct settings *settings, char **argv)
{
    for (int i = 1; argv[i] && !settings->stop; i++)
        if (!read_option(settings, argv, &i))
            return false;
    return true;
}

/* --- starting ----------------------------------------------------------------------------- */

static void report(void *ctx, enum sim_problem kind, const char *text)
{
    static const char *const words[SIM_PROBLEM_KINDS] = {
        "note", "forgiven", "broken rule", "not modelled", "fatal",
    };
    const struct sim *sim = ((const struct machine *)ctx)->board->sim;
    fprintf(stderr, "%s%s: %.6f s: %s\n", words[kind],
            sim->reports_target && kind != SIM_NOTE ? " (the target's own program)" : "",
            (double)sim->now / (double)SIM_SECOND, text);
}

static void say_what_was_loaded(const struct chip *chip, const char *who)
{
    struct load_range ranges[32];
    int count = load_ranges(chip, ranges, 32);
    for (int i = 0; i < count && i < 32; i++)
        fprintf(stderr, "%s: %s, %u bytes at 0x%08X\n", who, ranges[i].file, ranges[i].size,
                ranges[i].address);
}

static bool start_board(struct machine *machine)
{
    const struct settings *settings = machine->settings;
    machine->board = board_new(&settings->board, error, sizeof error);
    if (!machine->board)
        return false;
    machine->board->sim->report = report;
    machine->board->sim->report_ctx = machine;
    if (settings->symbols && !load_symbols(machine->board->probe, settings->symbols, error,
                                           sizeof error))
        return false;
    if (!settings->board.flash_count)
        fprintf(stderr, "note: the flash is empty; --flash FILE puts a program into it\n");
    say_what_was_loaded(machine->board->probe, "probe");
    if (machine->board->target)
        say_what_was_loaded(machine->board->target, "target");
    return true;
}

static bool start_port(struct machine *machine, enum serial_port port)
{
    int wanted = machine->settings->serial[port];
    if (wanted == NOT_WANTED)
        return true;
    int bound = ports_listen(machine->ports, port, port_names[port], wanted,
                             port == UART_PORT, error, sizeof error);
    if (bound < 0)
        return false;
    fprintf(stderr, "%s: 127.0.0.1:%d\n", port_names[port], bound);
    return true;
}

static bool start_serial(struct machine *machine)
{
    machine->cdc = cdc_host_new(machine->board->usb);
    machine->ports = ports_new(machine->cdc);
    for (int i = 0; i < SERIAL_PORTS; i++)
        if (!start_port(machine, i))
            return false;
    return true;
}

static bool start_usbip(struct machine *machine)
{
    const struct settings *settings = machine->settings;
    int bound;
    if (settings->serial[GDB_PORT] != NOT_WANTED || settings->serial[UART_PORT] != NOT_WANTED)
        return wrong("--usbip gives the whole board to another kernel, which makes its own "
                     "serial ports; leave --gdb and --uart away.");
    machine->usbip = usbip_new(machine->board->usb, settings->usbip, &bound, error,
                               sizeof error);
    if (machine->usbip)
        fprintf(stderr, "usbip: 127.0.0.1:%d\n", bound);
    return machine->usbip;
}

static bool start_ports(struct machine *machine)
{
    int bound;
    bool by_usbip = machine->settings->usbip != NOT_WANTED;
    if (!(by_usbip ? start_usbip : start_serial)(machine))
        return false;
    if (machine->settings->control == NOT_WANTED)
        return true;
    machine->control = control_new(machine->board, machine->settings->control, &bound, error,
                                   sizeof error);
    if (machine->control)
        fprintf(stderr, "control: 127.0.0.1:%d\n", bound);
    return machine->control;
}

static void write_record(void *ctx, const char *text)
{
    fprintf(ctx, "%s\n", text);
}

static bool start_files(struct machine *machine)
{
    const struct settings *settings = machine->settings;
    struct board *board = machine->board;

    if (settings->pcap && !(machine->pcap = pcap_new(board->sim, board->usb, settings->pcap,
                                                     error, sizeof error)))
        return false;
    if (settings->vcd) {
        machine->vcd = vcd_open(board->sim, settings->vcd);
        if (!machine->vcd)
            return wrong("--vcd %s: cannot be written (%s).", settings->vcd, strerror(errno));
        for (int i = 0; i < SIG_COUNT; i++)
            if (board->net[i] && (i != SIG_SWO || board->net[i] != board->net[SIG_TDO]))
                vcd_add(machine->vcd, board->net[i]);
        vcd_add(machine->vcd, board->parts.led);
        for (int i = 0; i < board->wire_count; i++)
            vcd_add(machine->vcd, board->wires[i]);
    }
    if (!settings->record)
        return true;
    if (!board->target)
        return wrong("--record: there is no target whose transfers could be recorded; name "
                     "one with --target.");
    machine->record = fopen(settings->record, "w");
    if (!machine->record)
        return wrong("--record %s: cannot be written (%s).", settings->record,
                     strerror(errno));
    swdp_record(board->target->debug_port, write_record, machine->record);
    return true;
}

static bool start(struct machine *machine)
{
    return start_board(machine) && start_files(machine) && start_ports(machine);
}

/* --- time --------------------------------------------------------------------------------- */

static double wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Waits until the wall clock shows `until`, or a socket wants something: true then. */
static bool wait_for_wall(struct machine *machine, double until)
{
    struct pollfd fds[FDS];
    int count = machine->usbip ? usbip_fds(machine->usbip, fds, FDS)
                               : ports_fds(machine->ports, fds, FDS);
    if (machine->control)
        count += control_fds(machine->control, fds + count, FDS - count);
    double left = until - wall_ms();
    struct timespec timeout = { 0 };
    if (left > 0)
        timeout = (struct timespec){ (time_t)(left / 1e3),
                                     (long)((left - 1e3 * (double)(long)(left / 1e3)) * 1e6) };
    return ppoll(fds, (nfds_t)count, &timeout, NULL) > 0;
}

static void look_at_sockets(struct machine *machine)
{
    if (machine->usbip)
        usbip_poll(machine->usbip);
    else
        ports_poll(machine->ports, 0);
    if (machine->control)
        control_poll(machine->control);
}

/* Slices are short while somebody talks to the board, so that an answer is not late, and
 * long while nobody does, so that an idle board costs little.  Input lets a slice begin
 * before its time, but the board never runs further ahead of the wall clock than LEAD. */
enum { SLICE_BUSY_MS = 1, SLICE_IDLE_MS = 10, TALK_MS = 200, LAG_MS = 50, LEAD_MS = 10 };

static void pace(struct machine *machine, double *wall_zero, double *talked)
{
    double due = *wall_zero + (double)machine->board->sim->now / (double)SIM_MS;
    double lag = wall_ms() - due;
    if (lag > LAG_MS)
        *wall_zero += lag;
    if (lag < -LEAD_MS)
        usleep((useconds_t)((-lag - LEAD_MS) * 1e3));
    if (wait_for_wall(machine, due)) {
        look_at_sockets(machine);
        *talked = wall_ms();
    }
}

static void run(struct machine *machine)
{
    const struct settings *settings = machine->settings;
    struct sim *sim = machine->board->sim;
    sim_time end = settings->seconds > 0 ?
        (sim_time)(settings->seconds * (double)SIM_SECOND) : SIM_NEVER;
    double wall_zero = wall_ms(), talked = 0;

    while (!interrupted && sim->now < end &&
           !(machine->control && control_wants_quit(machine->control))) {
        double now = wall_ms();
        int slice = now - talked < TALK_MS || !settings->real_time ? SLICE_BUSY_MS
                                                                   : SLICE_IDLE_MS;
        sim_time next = sim->now + (sim_time)slice * SIM_MS;
        sim_run_until(sim, next < end ? next : end);
        look_at_sockets(machine);
        if (settings->real_time)
            pace(machine, &wall_zero, &talked);
    }
}

/* --- ending ------------------------------------------------------------------------------- */

static void summary(const struct machine *machine)
{
    const unsigned *problems = machine->board->sim->problems;
    if (stats_exit_status(machine->board))
        fprintf(stderr, "bluepill: %u broken rules, %u accesses to what is not modelled, "
                "%u fatal events, %u things that the chip forgives\n", problems[SIM_RULE],
                problems[SIM_UNMODELLED], problems[SIM_FATAL], problems[SIM_FORGIVEN]);
}

static void print_stats(const struct machine *machine)
{
    static char text[8192];
    stats_write(machine->board, text, sizeof text);
    puts(text);
    fflush(stdout);
}

static bool dump_target(const struct machine *machine)
{
    const char *name = machine->settings->dump;
    const struct chip *target = machine->board->target;
    if (!name || !target)
        return !name || wrong("--dump-target: there is no target (--target none)");
    FILE *file = fopen(name, "wb");
    bool good = file && fwrite(target->flash, 1, target->flash_size, file) ==
                target->flash_size;
    if (file && fclose(file) != 0)
        good = false;
    return good || wrong("\"%s\" cannot be written: %s.", name, strerror(errno));
}

static void finish(struct machine *machine)
{
    control_free(machine->control);
    usbip_free(machine->usbip);
    if (machine->ports)
        ports_free(machine->ports);
    if (machine->cdc)
        cdc_host_free(machine->cdc);
    if (machine->record)
        swdp_record(machine->board->target->debug_port, NULL, NULL);
    vcd_close(machine->vcd);
    board_free(machine->board);
    pcap_free(machine->pcap);
    if (machine->record)
        fclose(machine->record);
}

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

int main(int argc, char **argv)
{
    static struct settings settings = {
        .board = { .flash_kb = 64, .board = "bluepill", .target = "none" },
        .serial = { NOT_WANTED, NOT_WANTED }, .control = NOT_WANTED, .usbip = NOT_WANTED,
        .real_time = true,
    };
    struct machine machine = { .settings = &settings };
    int status = USAGE;

    (void)argc;
    setvbuf(stderr, NULL, _IOLBF, 0);           /* scripts wait for lines of it */
    signal(SIGPIPE, SIG_IGN);
    sigaction(SIGINT, &(struct sigaction){ .sa_handler = on_signal }, NULL);
    sigaction(SIGTERM, &(struct sigaction){ .sa_handler = on_signal }, NULL);
    if (!read_options(&settings, argv)) {
        fprintf(stderr, "bluepill: %s\n", error);
        return USAGE;
    }
    if (settings.stop)
        return 0;
    if (start(&machine)) {
        run(&machine);
        if (settings.stats)
            print_stats(&machine);
        summary(&machine);
        status = stats_exit_status(machine.board);
        if (!dump_target(&machine)) {
            fprintf(stderr, "bluepill: %s\n", error);
            status = USAGE;
        }
    } else {
        fprintf(stderr, "bluepill: %s\n", error);
    }
    finish(&machine);
    return status;
}
