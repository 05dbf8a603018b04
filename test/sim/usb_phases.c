/* usb_phases.c - does anything depend on WHEN the host sends?
 *
 * A bug in the handling of an endpoint may show only when a packet comes within a few
 * cycles of something else: another interrupt, main making room, an answer on its way.
 * The virtual host is as regular as a clock and seldom gets there; a real one does.  So:
 *
 *   - sweeps: the board is brought to a point where something is about to happen.  From
 *     there one copy after the other of the whole simulation (fork) lets the host go on k
 *     cycles later, for k over the whole of it;
 *   - jitter: a host that pauses at random while all three ports are busy.
 *
 * Every byte and every answer is checked, and the rules of the chip as in all tests.
 * USB_PHASES=10 does ten times as much, USB_SEED=n another ten thousand dice; what fails
 * says its k or its seed. */
#include "dap_client.h"
#include "rsp_client.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define CYCLE (SIM_US / 72)

enum { GDB, UART, PACKET = 64, RAM = 0x20000000, DAP_AHEAD = 12, UART_AHEAD = 1024 };

static struct rsp *rsp;
static struct dap dap;

/* --- failing, in a copy ----------------------------------------------------------------- */

static const char *scene;
static unsigned phase;                  /* k of a sweep, or the seed */

__attribute__((noreturn, format(printf, 1, 2)))
static void wrong(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fprintf(stderr, "%s, %u, at %.3f ms: ", scene, phase, rsp_now_ms(rsp));
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
    _exit(1);
}

/* A copy of this process plays the scene; false: it failed. */
static bool play(const char *name, void (*scenario)(unsigned), unsigned k)
{
    int status;
    pid_t copy;

    fflush(NULL);
    copy = fork();
    if (copy == 0) {
        scene = name;
        phase = k;
        scenario(k);
        if (stats_exit_status(rsp->board))
            wrong("a rule was broken");
        _exit(0);
    }
    return copy > 0 && waitpid(copy, &status, 0) == copy && status == 0;
}

static unsigned often(void)
{
    const char *times = getenv("USB_PHASES");
    return times && atoi(times) > 0 ? (unsigned)atoi(times) : 1;
}

/* Every k from first to last; with USB_PHASES=n, in steps n times as fine.  Three failures
 * tell enough. */
static void sweep(const char *name, void (*scenario)(unsigned), unsigned first,
                  unsigned last, unsigned step)
{
    int failures = 0;

    step = step > often() ? step / often() : 1;
    for (unsigned k = first; k <= last && failures < 3; k += step)
        failures += !play(name, scenario, k);
    assert_int_equal(failures, 0);
}

/* --- dice --------------------------------------------------------------------------------- */

static uint32_t dice = 1;

static uint32_t roll(uint32_t sides)
{
    dice = dice * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)dice * sides >> 32);
}

/* Many packets are short: the shorter, the sooner behind the one before. */
static int any_length(int most)
{
    switch (roll(4)) {
    case 0:  return most;
    case 1:  return (int)roll((uint32_t)most + 1);
    default: return (int)roll(4);
    }
}

/* --- OUT: packets of any length, one transfer each ----------------------------------------- */

struct pipe {
    int (*next)(uint8_t *data, int most);       /* a packet's length; -1: none now */
    uint8_t endpoint;
    int max_packet;
    bool busy, held;
    uint8_t data[PACKET];
    struct urb urb;
};

static struct pipe to_gdb, to_uart, to_dap;

static void push(struct pipe *pipe);

static void pushed(void *ctx, struct urb *urb)
{
    struct pipe *pipe = ctx;

    pipe->busy = false;
    if (urb->status != URB_OK && !pipe->held)
        wrong("endpoint %d: a transfer ended with status %d", urb->endpoint, urb->status);
    push(pipe);
}

static void push(struct pipe *pipe)
{
    if (pipe->busy || pipe->held)
        return;
    int length = pipe->next(pipe->data, pipe->max_packet);
    if (length < 0)
        return;
    pipe->urb = (struct urb){ .endpoint = pipe->endpoint, .type = URB_BULK,
                              .data = pipe->data, .length = length,
                              .done = pushed, .ctx = pipe };
    pipe->busy = true;
    usb_host_submit(rsp->board->usb, &pipe->urb);
}

/* Lengths that a scene wants next; then they are left to the dice. */
static const int *lengths;

static int wanted(int most)
{
    if (lengths && *lengths >= 0)
        return *lengths < most ? *lengths++ : (lengths++, most);
    return any_length(most);
}

/* --- the UART: what is sent comes back ------------------------------------------------------ */

static struct { int sent, back, total; } uart;

static uint8_t nth(int n)               /* every value, in no simple order */
{
    return (uint8_t)(n * 167 + (n >> 8) * 31);
}

static int next_of_uart(uint8_t *data, int most)
{
    if (uart.sent >= uart.total || uart.sent - uart.back > UART_AHEAD - most)
        return -1;
    int length = wanted(most);
    for (int i = 0; i < length; i++)
        data[i] = nth(uart.sent++);
    return length;
}

static void check_uart(void)
{
    uint8_t bytes[256];
    int n;

    while ((n = cdc_host_read(rsp->cdc, UART, bytes, sizeof bytes)) > 0)
        for (int i = 0; i < n; i++, uart.back++)
            if (uart.back >= uart.sent || bytes[i] != nth(uart.back))
                wrong("UART: byte %d of %d came back as %02x, not %02x", uart.back,
                      uart.sent, bytes[i], nth(uart.back));
    push(&to_uart);
}

/* --- CMSIS-DAP: each question has another answer --------------------------------------------- */

/* ExecuteCommands of so many DAP_Info; the answers differ in length and contents. */
static const struct { uint8_t id; const char *answer; int length; } infos[] = {
    { 0xFE, "\0\1\x08", 3 }, { 0xFF, "\0\2\x40\0", 4 }, { 0xF0, "\0\2\x31\1", 4 },
    { 0x05, "\0\0", 2 },
};
enum { INFOS = sizeof infos / sizeof infos[0], INFOS_MOST = 15 };

static struct {
    struct question { uint8_t answer[PACKET]; int length; } questions[16];
    int asked, answered, total;
    bool busy, held;
    uint8_t data[PACKET];
    struct urb urb;
} asked;

static int next_of_dap(uint8_t *data, int most)
{
    if (asked.asked >= asked.total || asked.asked - asked.answered >= DAP_AHEAD)
        return -1;
    struct question *q = &asked.questions[asked.asked++ % 16];
    int count = roll(2) ? (int)roll(3) : (int)roll(INFOS_MOST + 1), length = 2;

    data[0] = q->answer[0] = 0x7F;
    data[1] = q->answer[1] = (uint8_t)count;
    q->length = 2;
    for (int i = 0; i < count; i++) {
        int info = (int)roll(INFOS);
        data[length++] = 0;
        data[length++] = infos[info].id;
        memcpy(q->answer + q->length, infos[info].answer, (size_t)infos[info].length);
        q->length += infos[info].length;
    }
    (void)most;
    return length;
}

static void ask_more(void);

static void answered(void *ctx, struct urb *urb)
{
    struct question *q = &asked.questions[asked.answered % 16];

    (void)ctx;
    asked.busy = false;
    if (asked.held)
        return;
    if (urb->status != URB_OK)
        wrong("DAP: an answer ended with status %d", urb->status);
    if (asked.answered >= asked.asked)
        wrong("DAP: an answer that nobody asked for");
    if (urb->actual != q->length || memcmp(asked.data, q->answer, (size_t)q->length) != 0)
        wrong("DAP: answer %d of %d is another: %d bytes, not %d", asked.answered,
              asked.asked, urb->actual, q->length);
    asked.answered++;
    ask_more();
}

static void ask_more(void)
{
    push(&to_dap);
    if (asked.busy || asked.held || asked.answered == asked.asked)
        return;
    asked.urb = (struct urb){ .endpoint = dap.in, .type = URB_BULK, .data = asked.data,
                              .length = PACKET, .done = answered };
    asked.busy = true;
    usb_host_submit(rsp->board->usb, &asked.urb);
}

/* --- gdb: memory is written and read back in one breath ---------------------------------------- */

static struct { uint8_t bytes[8192]; int length, taken; } frames;

static int next_of_gdb(uint8_t *data, int most)
{
    int left = frames.length - frames.taken;
    if (left == 0)
        return -1;
    int length = wanted(most);
    length = length < left ? length : left;
    memcpy(data, frames.bytes + frames.taken, (size_t)length);
    frames.taken += length;
    return length;
}

static void add_frame(const uint8_t *packet, int length)
{
    uint8_t *to = frames.bytes + frames.length, *start = to, sum = 0;

    *to++ = '$';
    for (int i = 0; i < length; i++) {
        bool special = memchr("$#}*", packet[i], 4);
        if (special)
            *to++ = '}';
        *to++ = (uint8_t)(special ? packet[i] ^ 0x20 : packet[i]);
    }
    for (uint8_t *p = start + 1; p < to; p++)
        sum = (uint8_t)(sum + *p);
    to += sprintf((char *)to, "#%02x", sum);
    frames.length = (int)(to - frames.bytes);
}

static uint8_t memory[2048];            /* what was written last */
static int memory_length;

static void begin_gdb(int length)
{
    uint8_t packet[2100];
    int n = sprintf((char *)packet, "X%x,%x:", RAM, length);

    memory_length = length;
    frames.length = frames.taken = 0;
    for (int i = 0; i < length; i++)
        packet[n + i] = memory[i] = (uint8_t)roll(256);
    add_frame(packet, n + length);
    n = sprintf((char *)packet, "m%x,%x", RAM, length);
    add_frame(packet, n);
    push(&to_gdb);
}

static void end_gdb(void)
{
    if (!rsp_receive(rsp, 500) || strcmp(rsp->reply, "OK") != 0)
        wrong("gdb: X was answered by \"%.20s\"", rsp->reply);
    if (!rsp_receive(rsp, 500) || rsp->length != 2 * memory_length)
        wrong("gdb: m was answered by %d digits, not %d", rsp->length, 2 * memory_length);
    for (int i = 0; i < memory_length; i++) {
        char digits[3] = { rsp->reply[2 * i], rsp->reply[2 * i + 1], 0 };
        if (strtol(digits, NULL, 16) != memory[i])
            wrong("gdb: byte %d of %d is %s, not %02x", i, memory_length, digits,
                  memory[i]);
    }
}

/* --- all of them ------------------------------------------------------------------------------- */

/* Whenever a transfer has ended, there may be more to do. */
static void go_on(void *ctx, const struct urb *urb)
{
    (void)ctx;
    (void)urb;
    check_uart();
    ask_more();
}

static bool streams_busy(void *ctx)
{
    (void)ctx;
    check_uart();
    ask_more();
    return uart.back < uart.total || asked.answered < asked.total
        || to_uart.busy || to_dap.busy;
}

/* Until all that was asked for has come. */
static void finish(void)
{
    if (!board_run_while(rsp->board, streams_busy, NULL, 100))
        wrong("%d of %d bytes came back, %d of %d answers", uart.back, uart.sent,
              asked.answered, asked.asked);
    board_run_ms(rsp->board, 1.5);
    streams_busy(NULL);
    if (uart.back != uart.sent)
        wrong("UART: %d bytes came back, %d were sent", uart.back, uart.sent);
}

/* The bulk OUT endpoints are in the order GDB, UART, as their interfaces. */
static void find_pipes(void)
{
    int length, port = 0;
    const uint8_t *d = cdc_host_config_descriptor(rsp->cdc, &length), *end = d + length;
    struct pipe *const pipes[] = { &to_gdb, &to_uart };
    bool data = false;

    for (; d < end; d += d[0]) {
        if (d[1] == 4)
            data = d[5] == 10;
        if (d[1] == 5 && data && !(d[2] & 0x80) && port < 2) {
            pipes[port]->endpoint = d[2];
            pipes[port++]->max_packet = d[4];
        }
    }
    to_dap.endpoint = dap.out;
    to_dap.max_packet = DAP_PACKET;
    to_gdb.next = next_of_gdb;
    to_uart.next = next_of_uart;
    to_dap.next = next_of_dap;
}

/* TX is wired to RX; gdb has the target, which is halted. */
static int power_on(void **state)
{
    char image[512];
    const char *build = getenv("BUILD");
    struct board_options options = {
        .flash = { image }, .flash_count = 1, .flash_kb = 64, .board = "bluepill",
        .target = "stm32f103", .loop = true,
    };
    struct usb_host_observer observer = { .urb_done = go_on };

    (void)state;
    snprintf(image, sizeof image, "%s/pillbug.bin", build ? build : "build");
    rsp = rsp_power_on_with(&options);
    if (!dap_find(&dap, rsp->board, rsp->cdc) || !rsp_attach(rsp))
        return -1;
    find_pipes();
    cdc_host_open(rsp->cdc, UART, true);
    cdc_host_line_coding(rsp->cdc, UART, 1000000, 8, 'N', 1);
    board_run_ms(rsp->board, 20);
    usb_host_observe(rsp->board->usb, &observer);
    return 0;
}

static int power_off(void **state)
{
    (void)state;
    return rsp_power_off(rsp);
}

/* --- jitter --------------------------------------------------------------------------------------- */

static void pause_sometimes(void *ctx, uint8_t pid, const uint8_t *bytes, int length)
{
    (void)ctx;
    (void)bytes;
    (void)length;
    if (pid != USB_ACK && pid != USB_NAK)
        return;
    uint32_t way = roll(2048);
    if (way == 0)
        usb_host_pause(rsp->board->usb, (1000 + roll(2000)) * SIM_US);
    else if (way < 512)
        usb_host_pause(rsp->board->usb, roll(60 * 72) * CYCLE);
    else if (way < 1024)
        usb_host_pause(rsp->board->usb, roll(4 * 72) * CYCLE);
}

static void all_at_once(unsigned seed)
{
    struct usb_host_observer observer = { .packet = pause_sometimes };

    dice = seed;
    cdc_host_line_coding(rsp->cdc, UART, seed % 2 ? 1000000 : 4500000, 8, 'N', 1);
    board_run_ms(rsp->board, 5);
    usb_host_observe(rsp->board->usb, &observer);
    uart.total = asked.total = 1 << 30;
    double end = rsp_now_ms(rsp) + 200;
    go_on(NULL, NULL);
    while (rsp_now_ms(rsp) < end) {
        begin_gdb(1 + (int)roll(roll(2) ? 40 : 1500));
        end_gdb();
    }
    uart.total = uart.sent;
    asked.total = asked.asked;
    finish();
}

static void nothing_hangs_on_a_hosts_pauses(void **state)
{
    (void)state;
    const char *seed = getenv("USB_SEED");
    unsigned first = seed ? (unsigned)atoi(seed) : 1;

    sweep("jitter", all_at_once, first, first + 5 * often(), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_hangs_on_a_hosts_pauses),
    };
    return cmocka_run_group_tests(tests, power_on, power_off);
}
