/* board.c - the virtual board: two chips, the wires between them, a USB socket.
 *
 *   called by  main.c, control.c, tests      calls  targets.c, f103.c, wires.c,
 *                                                 usb_host.c, board_i2c.c
 *
 *   probe (STM32F103) --- near | far --- target        SWDIO SWCLK TDI TDO NRST TX RX SWO
 *   PA12 --- 1.5 kOhm to 3.3 V, USB host               BOOT0, BOOT1 --- jumpers (100 kOhm)
 *   PC13 or PA9 --- LED
 *
 * A wire is a net with one pin of each chip; it can be cut and be noisy.  The names are
 * the probe's view: TX is where the probe talks, so it goes to the target's RX.  A target whose
 * TDO is its SWO, too, has one wire for both, with two pins of the probe on it.
 *
 * Where the probe's pins are is a table, one row a board (DESIGN: "The board"); --wire
 * overrides single signals so that foreign firmware with other pins runs too. */
#include "board.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *const signal_names[SIG_COUNT] = {
    "SWDIO", "SWCLK", "TDI", "TDO", "NRST", "TX", "RX", "SWO",
};

/* The target's end of each signal, by the names of its data sheet's usual board. */
static const char *const far_names[SIG_COUNT] = {
    "SWDIO", "SWCLK", "TDI", "TDO", "NRST", "RX", "TX", "SWO",
};

static const struct layout {
    const char *name;
    const char *pin[SIG_COUNT];     /* NULL: the board does not bring it out */
    const char *led;
    int led_on;                     /* level that lights it */
} layouts[] = {
    { "bluepill", { "PA13", "PA14", "PA15", "PB3", "PB4", "PB6", "PB7", "PA3" }, "PC13", 0 },
    { "stlink", { "PB14", "PB13", NULL, NULL, "PB0", "PA2", "PA3", NULL }, "PA9", 1 },
};
enum { LAYOUTS = sizeof layouts / sizeof layouts[0] };

/* --- options ----------------------------------------------------------------------- */

static const struct layout *layout_of(const struct board *board)
{
    const char *name = board->options.board ? board->options.board : "bluepill";
    for (int i = 0; i < LAYOUTS; i++)
        if (strcmp(layouts[i].name, name) == 0)
            return &layouts[i];
    return NULL;
}

static bool find_board(struct board *board)
{
    if (layout_of(board))
        return true;
    snprintf(board->error, sizeof board->error, "There is no board \"%s\": use bluepill or "
             "stlink.", board->options.board);
    return false;
}

static bool make_probe(struct board *board)
{
    int kb = board->options.flash_kb ? board->options.flash_kb : 64;
    if (kb != 64 && kb != 128) {
        snprintf(board->error, sizeof board->error, "An STM32F103 with %d KB of flash is not "
                 "here: use 64 or 128.", kb);
        return false;
    }
    board->probe = f103_new(board->sim, "probe", kb, 0x20261122);
    f103_set_crystal(board->probe, !board->options.no_crystal);
    for (int i = 0; i < board->options.flash_count; i++)
        if (!load_file(board->probe, board->options.flash[i], board->error,
                       (int)sizeof board->error))
            return false;
    return true;
}

static bool make_target(struct board *board)
{
    const char *wanted = board->options.target ? board->options.target : "none";
    const char *colon = strchr(wanted, ':');
    size_t length = colon ? (size_t)(colon - wanted) : strlen(wanted);

    if (strncmp(wanted, "none", length) != 0 || length != 4) {
        const struct target_chip *row = target_chip_named(wanted, length);
        if (!row) {
            snprintf(board->error, sizeof board->error, "There is no target chip \"%.*s\": use "
                     "one that --target list names, or none.", (int)length, wanted);
            return false;
        }
        board->target = row->make(board->sim);
    }
    if (!colon)
        return true;
    if (board->target)
        return load_file(board->target, colon + 1, board->error, (int)sizeof board->error);
    snprintf(board->error, sizeof board->error, "\"--target %s\": no chip, so nothing to load a "
             "file into. Name a chip, or leave the file away.", wanted);
    return false;
}

/* --- wires ------------------------------------------------------------------------- */

/* The net of a pin, made on first use: two signals may share a pin (TDO and SWO). */
static struct net *net_of(struct board *board, struct pin *pin, const char *name)
{
    if (!pin->net)
        net_attach(net_new(board->sim, name), pin, false);
    return pin->net;
}

static struct pin *target_pin(struct board *board, enum signal signal)
{
    const char *name = board->target ? board->target->signal_pin(far_names[signal]) : NULL;
    return name ? board->target->pin(board->target, name) : NULL;
}

static bool two_wires_on_one_pin(struct board *board, enum signal signal, const char *name)
{
    snprintf(board->error, sizeof board->error, "\"--wire %s=%s\": another wire goes to %s, and "
             "would join two of the target's outputs. Take it away, as in --wire RX=none,%s=%s.",
             signal_names[signal], name, name, signal_names[signal], name);
    return false;
}

static bool wire_signal(struct board *board, enum signal signal)
{
    const char *name = board->options.wire[signal];
    if (!name)
        name = layout_of(board)->pin[signal];
    if (!name || strcasecmp(name, "none") == 0)
        return true;
    struct pin *pin = board->probe->pin(board->probe, name);
    if (!pin) {
        snprintf(board->error, sizeof board->error, "\"--wire %s=%s\": the probe's chip has "
                 "no pin %s. Pins are called PA0 to PA15, PB0 to PB15, PC13 to PC15.",
                 signal_names[signal], name, name);
        return false;
    }
    if (signal == SIG_RX && board->options.loop && board->net[SIG_TX] && !pin->net) {
        board->net[SIG_RX] = board->net[SIG_TX];    /* and the target's TX hangs open */
        net_attach(board->net[SIG_TX], pin, false);
        return true;
    }
    struct pin *far_pin = target_pin(board, signal);
    if (far_pin && far_pin->net && !pin->net)
        net_attach(far_pin->net, pin, false);
    board->net[signal] = net_of(board, pin, signal_names[signal]);
    if (far_pin && far_pin->net && far_pin->net != pin->net)
        return two_wires_on_one_pin(board, signal, name);
    if (far_pin && !far_pin->net)
        net_attach(board->net[signal], far_pin, true);
    return true;
}

static bool wire_all(struct board *board)
{
    for (int i = 0; i < SIG_COUNT; i++)
        if (!wire_signal(board, i))
            return false;
    return true;
}

static struct net *debug_net(struct board *board, enum signal signal)
{
    return board->target->signal_pin(far_names[signal]) ? board->net[signal] : NULL;
}

static void wire_debug_port(struct board *board)
{
    if (board->target)
        swdp_attach(board->target->debug_port, debug_net(board, SIG_SWDIO),
                    debug_net(board, SIG_SWCLK), debug_net(board, SIG_TDI),
                    debug_net(board, SIG_TDO));
}

/* Resistors and jumpers: a pin that pulls. */
static struct net *solder(struct board *board, struct pin *part, const char *part_name,
                          const char *chip_pin, enum drive drive)
{
    pin_init(part, board->sim, part_name, NULL, NULL);
    struct net *net = net_of(board, board->probe->pin(board->probe, chip_pin), part_name);
    net_attach(net, part, false);
    pin_drive(part, drive);
    return net;
}

static void solder_parts(struct board *board)
{
    struct board_parts *parts = &board->parts;

    parts->boot0 = solder(board, &parts->boot0_jumper, "BOOT0 jumper", "BOOT0",
                          DRIVE_PULL_DOWN);
    parts->boot1 = solder(board, &parts->boot1_jumper, "BOOT1 jumper", "PB2",
                          board->options.boot1 ? DRIVE_PULL_UP : DRIVE_PULL_DOWN);
    parts->dplus = solder(board, &parts->usb_pullup, "D+ pull-up", "PA12", DRIVE_OPEN);
    parts->led = net_of(board, board->probe->pin(board->probe, layout_of(board)->led),
                        "LED");
}

/* --- life -------------------------------------------------------------------------- */

static bool build(struct board *board)
{
    if (!find_board(board) || !make_probe(board) || !make_target(board) || !wire_all(board))
        return false;
    wire_debug_port(board);
    solder_parts(board);
    if (!board_solder_i2c(board))
        return false;
    board->usb = usb_host_new(board->sim, chip_usb(board->probe),
                              board->probe->pin(board->probe, "PA12"));
    board_power_target(board, true);
    board_power_probe(board, true);
    return true;
}

struct board *board_new(const struct board_options *options, char *error, int error_size)
{
    struct board *board = calloc(1, sizeof *board);
    board->options = *options;
    board->sim = sim_new();
    if (build(board))
        return board;
    snprintf(error, (size_t)error_size, "%s", board->error);
    board_free(board);
    return NULL;
}

/* Takes a chip's nets away, each once: parts and both chips may hang on one. */
static void free_nets(struct board *board)
{
    struct net *nets[SIG_COUNT + 4] = { board->parts.boot0, board->parts.boot1,
                                        board->parts.dplus, board->parts.led };
    memcpy(nets + 4, board->net, sizeof board->net);
    for (int i = 0; i < SIG_COUNT + 4; i++) {
        bool again = false;
        for (int j = 0; j < i; j++)
            again |= nets[j] == nets[i];
        if (!again)
            net_free(nets[i]);
    }
}

static void free_chip(struct chip *chip)
{
    if (!chip)
        return;
    if (chip->powered)
        chip->power(chip, false);
    load_forget(chip);
    chip_free(chip);
}

void board_free(struct board *board)
{
    if (!board)
        return;
    if (board->usb)
        usb_host_free(board->usb);
    free_nets(board);                       /* before the pins, which the chips own */
    board_free_i2c(board);
    free_chip(board->target);
    free_chip(board->probe);
    sim_free(board->sim);
    free(board);
}

/* --- time -------------------------------------------------------------------------- */

static sim_time ticks_of_ms(double ms)
{
    return (sim_time)(ms * (double)SIM_MS + 0.5);
}

void board_run_ms(struct board *board, double ms)
{
    sim_run_until(board->sim, board->sim->now + ticks_of_ms(ms));
}

/* Looks every 20 us: shorter than a USB transaction, so what is measured with it is
 * exact enough, and longer than the looking takes. */
bool board_run_while(struct board *board, bool (*busy)(void *ctx), void *ctx, double limit_ms)
{
    sim_time end = board->sim->now + ticks_of_ms(limit_ms);
    while (busy(ctx)) {
        if (board->sim->now >= end)
            return false;
        sim_time next = board->sim->now + 20 * SIM_US;
        sim_run_until(board->sim, next < end ? next : end);
    }
    return true;
}

/* --- buttons, plugs, scissors ------------------------------------------------------ */

void board_reset_probe(struct board *board)
{
    board->probe->reset(board->probe, RESET_PIN);
}

void board_power_probe(struct board *board, bool on)
{
    pin_drive(&board->parts.usb_pullup, on ? DRIVE_PULL_UP : DRIVE_OPEN);
    if (board->probe->powered != on)
        board->probe->power(board->probe, on);
}

void board_power_target(struct board *board, bool on)
{
    if (board->target && board->target->powered != on)
        board->target->power(board->target, on);
}

void board_set_boot1(struct board *board, int level)
{
    board->options.boot1 = level;
    pin_drive(&board->parts.boot1_jumper, level ? DRIVE_PULL_UP : DRIVE_PULL_DOWN);
}

static struct net *find_wire(struct board *board, const char *signal)
{
    for (int i = 0; i < SIG_COUNT; i++) {
        if (strcasecmp(signal, signal_names[i]) != 0)
            continue;
        if (!board->net[i])
            snprintf(board->error, sizeof board->error, "%s is not wired on this board",
                     signal_names[i]);
        return board->net[i];
    }
    snprintf(board->error, sizeof board->error, "there is no signal \"%.64s\": use SWDIO SWCLK "
             "TDI TDO NRST TX RX or SWO", signal);
    return NULL;
}

bool board_cut(struct board *board, const char *signal, bool cut)
{
    struct net *net = find_wire(board, signal);
    if (net)
        net_cut(net, cut);
    return net;
}

bool board_noise(struct board *board, const char *signal, double rate)
{
    struct net *net = find_wire(board, signal);
    if (net && !(rate >= 0 && rate <= 1)) {
        snprintf(board->error, sizeof board->error, "a noise rate is a share of wrong samples "
                 "between 0 and 1, such as 0.0001");
        return false;
    }
    if (net)
        net_set_noise(net, rate);
    return net;
}

bool board_led(const struct board *board)
{
    return board->probe->powered && board->parts.led->level == layout_of(board)->led_on;
}
