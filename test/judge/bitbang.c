/* bitbang.c - a debug adapter without any firmware of ours: OpenOCD moves the pins of a
 * simulated target chip itself.
 *
 *   called by  openocd.sh      calls  sim/ (one chip, five nets, no probe)
 *
 * Two adapters that Debian's OpenOCD 0.12 knows, since none of it does both:
 *
 *   jtag  "remote_bitbang", on a TCP port: a character sets TCK, TMS and TDI ('0' to '7'),
 *         samples TDO ('R') or moves the reset lines ('r' to 'u')
 *   swd   "buspirate", on a pseudo terminal: the Bus Pirate's raw-wire mode.  OpenOCD's
 *         driver forms every request, turnaround and parity bit of SWD itself
 *
 * Time is simulated.  It passes with the bits, and with every answer: LATENCY stands for
 * the cable between the adapter and its computer, and lets the chip's flash get on while
 * OpenOCD asks again and again.  Nothing looks at a clock on the wall.
 *
 *   bitbang CHIP[:FILE] jtag|swd
 *
 * Says "port N" or "port /dev/pts/N", serves one OpenOCD, and ends with it.  Exit status 1
 * if a rule of the chip was broken, or something is not modelled.
 *
 * Sources: OpenOCD manual, doc/manual/jtag/drivers/remote_bitbang.txt; Bus Pirate manual,
 * "Raw-wire binary mode". */
#define _GNU_SOURCE                     /* posix_openpt */
#include "board.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define HALF_PERIOD (500 * SIM_NS)      /* 1 MHz, as target/stm32f1x.cfg asks for */
#define LATENCY     (250 * SIM_US)
#define POWER_UP    (10 * SIM_MS)

enum wire { SWDIO, SWCLK, TDI, TDO, NRST, WIRES };      /* SWDIO is TMS, SWCLK is TCK */
static const char *const wire_names[WIRES] = { "SWDIO", "SWCLK", "TDI", "TDO", "NRST" };

struct adapter {
    struct sim *sim;
    struct chip *chip;
    struct net *net[WIRES];
    struct pin pin[WIRES];              /* the adapter's ends */
    int fd;
    uint8_t in[4096], out[4096];
    size_t in_at, in_length, out_length;
};

/* --- pins ------------------------------------------------------------------------- */

static void wait(struct adapter *adapter, sim_time time)
{
    sim_run_until(adapter->sim, adapter->sim->now + time);
}

static void set(struct adapter *adapter, enum wire wire, int level)
{
    pin_drive(&adapter->pin[wire], level ? DRIVE_HIGH : DRIVE_LOW);
}

static void hold_reset(struct adapter *adapter, bool hold)
{
    pin_drive(&adapter->pin[NRST], hold ? DRIVE_LOW : DRIVE_OPEN);
}

/* SWDIO is valid before the clock rises, and stays until it has fallen. */
static void send_bit(struct adapter *adapter, int bit)
{
    set(adapter, SWDIO, bit);
    wait(adapter, HALF_PERIOD);
    set(adapter, SWCLK, 1);
    wait(adapter, HALF_PERIOD);
    set(adapter, SWCLK, 0);
}

/* The Bus Pirate looks after the clock has risen: a target's bit comes with that edge. */
static int receive_bit(struct adapter *adapter)
{
    pin_drive(&adapter->pin[SWDIO], DRIVE_PULL_UP);
    wait(adapter, HALF_PERIOD);
    set(adapter, SWCLK, 1);
    wait(adapter, HALF_PERIOD);
    int bit = pin_sample(&adapter->pin[SWDIO]);
    set(adapter, SWCLK, 0);
    return bit;
}

static void tick(struct adapter *adapter)
{
    wait(adapter, HALF_PERIOD);
    set(adapter, SWCLK, 1);
    wait(adapter, HALF_PERIOD);
    set(adapter, SWCLK, 0);
}

/* --- the line to OpenOCD ------------------------------------------------------------ */

static void flush(struct adapter *adapter)
{
    if (!adapter->out_length)
        return;
    wait(adapter, LATENCY);
    for (size_t at = 0; at < adapter->out_length;) {
        ssize_t n = write(adapter->fd, adapter->out + at, adapter->out_length - at);
        if (n <= 0)
            break;
        at += (size_t)n;
    }
    adapter->out_length = 0;
}

static void answer(struct adapter *adapter, const void *bytes, size_t length)
{
    if (adapter->out_length + length > sizeof adapter->out)
        flush(adapter);
    memcpy(adapter->out + adapter->out_length, bytes, length);
    adapter->out_length += length;
}

static void answer_byte(struct adapter *adapter, int byte)
{
    answer(adapter, &(uint8_t){ (uint8_t)byte }, 1);
}

/* The next byte, -1 at the end.  What was answered leaves before we wait for more. */
static int next(struct adapter *adapter)
{
    if (adapter->in_at == adapter->in_length) {
        flush(adapter);
        ssize_t n = read(adapter->fd, adapter->in, sizeof adapter->in);
        if (n <= 0)
            return -1;
        adapter->in_at = 0;
        adapter->in_length = (size_t)n;
    }
    return adapter->in[adapter->in_at++];
}

/* --- remote_bitbang ------------------------------------------------------------------ */

static bool obey_character(struct adapter *adapter, int c)
{
    if (c >= '0' && c <= '7') {
        set(adapter, TDI, c & 1);
        set(adapter, SWDIO, c >> 1 & 1);
        wait(adapter, 20 * SIM_NS);
        set(adapter, SWCLK, c >> 2 & 1);
        wait(adapter, HALF_PERIOD - 20 * SIM_NS);
    } else if (c == 'R') {
        answer_byte(adapter, '0' + pin_sample(&adapter->pin[TDO]));
    } else if (c >= 'r' && c <= 'u') {
        hold_reset(adapter, (c - 'r') & 1);
        wait(adapter, LATENCY);
    } else if (c == 'Q') {
        return false;
    } else if (c != 'B' && c != 'b') {          /* a lamp */
        fprintf(stderr, "bitbang: '%c' is not remote_bitbang\n", c);
        exit(1);
    }
    return true;
}

/* --- Bus Pirate, raw-wire mode --------------------------------------------------------- */

enum { TO_BITBANG = 0x00, TO_RAW = 0x05, READ_BYTE = 0x06, READ_BIT = 0x07, RESET = 0x0F,
       SEND = 0x10, TICKS = 0x20, PERIPHERALS = 0x40, AUX = 0x02, SPEED = 0x60,
       MODE = 0x80, PINS_3V3 = 0x08 };

static void send_bytes(struct adapter *adapter, int count)
{
    answer_byte(adapter, 1);
    while (count--) {
        int byte = next(adapter);
        for (int i = 0; i < 8; i++)
            send_bit(adapter, byte >> i & 1);
        answer_byte(adapter, 1);
    }
}

static int receive_byte(struct adapter *adapter)
{
    int byte = 0;
    for (int i = 0; i < 8; i++)
        byte |= receive_bit(adapter) << i;
    return byte;
}

/* Pins are driven once their voltage is chosen; in HiZ the clock hangs open. */
static void set_mode(struct adapter *adapter, int mode)
{
    pin_drive(&adapter->pin[SWCLK], mode & PINS_3V3 ? DRIVE_LOW : DRIVE_OPEN);
    pin_drive(&adapter->pin[SWDIO], mode & PINS_3V3 ? DRIVE_PULL_UP : DRIVE_OPEN);
    answer_byte(adapter, 1);
}

static void obey_wire_command(struct adapter *adapter, int c)
{
    if (c == READ_BYTE || c == READ_BIT) {
        answer_byte(adapter, c == READ_BYTE ? receive_byte(adapter) : receive_bit(adapter));
    } else if ((c & 0xF0) == SEND) {
        send_bytes(adapter, (c & 15) + 1);
    } else if ((c & 0xF0) == TICKS) {
        for (int i = 0; i <= (c & 15); i++)
            tick(adapter);
        answer_byte(adapter, 1);
    } else if ((c & 0xF0) == PERIPHERALS) {     /* AUX is wired to nRST */
        hold_reset(adapter, !(c & AUX));
        answer_byte(adapter, 1);
    } else if ((c & 0xF0) == SPEED) {
        answer_byte(adapter, 1);                /* any: 1 MHz it stays */
    } else if ((c & 0xF0) == MODE) {
        set_mode(adapter, c);
    } else {
        fprintf(stderr, "bitbang: 0x%02X is not a raw-wire command\n", c);
        exit(1);
    }
}

/* It begins and ends in bit-bang mode, which OpenOCD asks for with twenty zeros. */
static bool obey_byte(struct adapter *adapter, int c)
{
    static bool raw, greeted;
    if (raw && c != TO_BITBANG) {
        obey_wire_command(adapter, c);
    } else if (c == TO_BITBANG && (raw || !greeted)) {
        raw = false;
        greeted = true;
        answer(adapter, "BBIO1", 5);
    } else if (c == TO_RAW) {
        raw = true;
        answer(adapter, "RAW1", 4);
    }
    return c != RESET || raw;
}

/* --- connecting ------------------------------------------------------------------------ */

static int listen_on_port(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&at, length) < 0 ||
        listen(listener, 1) < 0 ||
        getsockname(listener, (struct sockaddr *)&at, &length) < 0) {
        perror("bitbang: TCP port");
        exit(1);
    }
    printf("port %d\n", ntohs(at.sin_port));
    fflush(stdout);
    return accept(listener, NULL, NULL);
}

/* Our own hold on the far end keeps it alive until OpenOCD has opened it. */
static int open_terminal(void)
{
    int fd = posix_openpt(O_RDWR | O_NOCTTY);
    struct termios raw;
    if (fd < 0 || grantpt(fd) < 0 || unlockpt(fd) < 0 ||
        open(ptsname(fd), O_RDWR | O_NOCTTY) < 0) {
        perror("bitbang: pseudo terminal");
        exit(1);
    }
    tcgetattr(fd, &raw);
    cfmakeraw(&raw);
    tcsetattr(fd, TCSANOW, &raw);
    printf("port %s\n", ptsname(fd));
    fflush(stdout);
    return fd;
}

/* --- the chip, its wires, the program ---------------------------------------------------- */

static bool make_chip(struct adapter *adapter, const char *wanted)
{
    const char *colon = strchr(wanted, ':');
    size_t length = colon ? (size_t)(colon - wanted) : strlen(wanted);
    char why[512];
    const struct target_chip *row = target_chip_named(wanted, length);
    if (!row)
        return false;
    adapter->chip = row->make(adapter->sim);
    if (!colon || load_file(adapter->chip, colon + 1, why, sizeof why))
        return true;
    fprintf(stderr, "bitbang: %s\n", why);
    return false;
}

static void solder(struct adapter *adapter)
{
    struct chip *chip = adapter->chip;
    for (int i = 0; i < WIRES; i++) {
        const char *name = chip->signal_pin(wire_names[i]);
        adapter->net[i] = net_new(adapter->sim, wire_names[i]);
        pin_init(&adapter->pin[i], adapter->sim, wire_names[i], NULL, NULL);
        net_attach(adapter->net[i], &adapter->pin[i], false);
        if (name)
            net_attach(adapter->net[i], chip->pin(chip, name), true);
    }
    bool five = chip->signal_pin("TDO");
    swdp_attach(chip->debug_port, adapter->net[SWDIO], adapter->net[SWCLK],
                five ? adapter->net[TDI] : NULL, five ? adapter->net[TDO] : NULL);
}

static bool power_up(struct adapter *adapter, const char *chip)
{
    adapter->sim = sim_new();
    if (!make_chip(adapter, chip))
        return false;
    solder(adapter);
    adapter->chip->power(adapter->chip, true);
    wait(adapter, POWER_UP);
    return true;
}

int main(int argc, char **argv)
{
    static struct adapter adapter;
    bool jtag = argc == 3 && strcmp(argv[2], "jtag") == 0;
    if (argc != 3 || (!jtag && strcmp(argv[2], "swd") != 0) ||
        !power_up(&adapter, argv[1])) {
        fprintf(stderr, "usage: bitbang CHIP[:FILE] jtag|swd\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    adapter.fd = jtag ? listen_on_port() : open_terminal();
    for (int c; (c = next(&adapter)) >= 0;)
        if (!(jtag ? obey_character(&adapter, c) : obey_byte(&adapter, c)))
            break;
    fprintf(stderr, "bitbang: %.3f s of the chip's time\n",
            (double)adapter.sim->now / (double)SIM_SECOND);
    /* A core may lock up: one does whose flash was shut to it while it runs. */
    const unsigned *problems = adapter.sim->problems;
    return problems[SIM_FORGIVEN] || problems[SIM_RULE] || problems[SIM_UNMODELLED];
}
