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
 * USB_PHASES=10 does ten times as much, USB_SEED=n begins with other dice; what fails says
 * its k or its seed. */
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

enum { GDB, UART, PACKET = 64, RAM = 0x20000000, JITTER_MS = 100, DAP_AHEAD = 12,
       UART_AHEAD = 1024 };

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
    if (copy < 0 || waitpid(copy, &status, 0) != copy)
        return false;
    if (WIFSIGNALED(status))
        fprintf(stderr, "%s, %u: ended by signal %d\n", name, k, WTERMSIG(status));
    return status == 0;
}

static unsigned often(void)
{
    const char *times = getenv("USB_PHASES");
    return times && atoi(times) > 0 ? (unsigned)atoi(times) : 1;
}

/* Every k from first to last, in steps; with USB_PHASES=n in steps n times as fine.  Three
 * failures tell enough. */
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

/* --- OUT: packets of any length, one transfer each -------------------------------------- */

struct pipe {
    int (*next)(uint8_t *data, int most);       /* a packet's length; -1: none now */
    uint8_t endpoint;
    int max_packet;
    bool busy, held;
    uint8_t data[PACKET];
    struct urb urb;
};

static struct pipe to_gdb, to_uart, to_dap;

/* The host rests for so long behind the last of so many packets; the others follow one
 * another as closely as they can. */
static struct { const struct pipe *pipe; int packets; sim_time time; } rest;

static void push(struct pipe *pipe);

static void pushed(void *ctx, struct urb *urb)
{
    struct pipe *pipe = ctx;

    pipe->busy = false;
    if (pipe == rest.pipe)
        usb_host_turn(rsp->board->usb, pipe->endpoint);
    if (pipe == rest.pipe && --rest.packets == 0)
        usb_host_pause(rsp->board->usb, rest.time);
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

static bool full_packets;

static int wanted(int most)
{
    if (full_packets)
        return most;
    if (lengths && *lengths >= 0)
        return *lengths < most ? *lengths++ : (lengths++, most);
    return any_length(most);
}

/* --- the UART: what is sent comes back -------------------------------------------------- */

static struct { int sent, back, total; } uart;
static bool night;                      /* all is held, and what comes does not count */

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

    if (night)
        return;
    while ((n = cdc_host_read(rsp->cdc, UART, bytes, sizeof bytes)) > 0)
        for (int i = 0; i < n; i++, uart.back++)
            if (uart.back >= uart.sent || bytes[i] != nth(uart.back))
                wrong("UART: byte %d of %d came back as %02x, not %02x", uart.back,
                      uart.sent, bytes[i], nth(uart.back));
    push(&to_uart);
}

/* --- CMSIS-DAP: each question has another answer --------------------------------------- */

/* ExecuteCommands of so many DAP_Info: the answers differ in length and contents. */
static struct { uint8_t id; int length; uint8_t answer[PACKET]; } infos[] = {
    { 0x02, 0, "" }, { 0xFE, 0, "" }, { 0xFF, 0, "" }, { 0xF0, 0, "" }, { 0x05, 0, "" },
};
enum { INFOS = sizeof infos / sizeof infos[0], INFOS_MOST = 15 };

static struct {
    struct question { uint8_t answer[PACKET]; int length; } questions[16];
    int asked, answered, total;
    bool busy;
    uint8_t data[PACKET];
    struct urb urb;
} asked;

static int ask_infos(struct question *q, uint8_t *data, int count)
{
    int length = 2;

    data[0] = q->answer[0] = 0x7F;
    q->length = 2;
    for (int i = 0; i < count; i++) {
        int info = (int)roll(INFOS);
        if (q->length + (infos[info].length > 5 ? infos[info].length : 5) > PACKET)
            break;
        data[length++] = 0;
        data[length++] = infos[info].id;
        memcpy(q->answer + q->length, infos[info].answer, (size_t)infos[info].length);
        q->length += infos[info].length;
    }
    data[1] = q->answer[1] = (uint8_t)(length / 2 - 1);
    return length;
}

/* What follows behind the last command is not read, but has to be fetched. */
static int pad(int length)
{
    return roll(2) ? length : length + (int)roll((uint32_t)(PACKET - length + 1));
}

/* Once, while nothing else goes on. */
static void learn_infos(void)
{
    for (int i = 0; i < INFOS; i++) {
        infos[i].length = dap_ask(&dap, (const uint8_t[]){ 0, infos[i].id }, 2);
        memcpy(infos[i].answer, dap.answer, PACKET);
    }
}

/* One byte that no command begins with, which is the shortest question there is. */
static int ask_nonsense(struct question *q, uint8_t *data)
{
    data[0] = 0x9F;
    q->answer[0] = 0xFF;
    return q->length = 1;
}

/* An empty packet, and an abort when there is nothing to end, have no answer. */
static int next_of_dap(uint8_t *data, int most)
{
    uint32_t way = roll(8);

    (void)most;
    if (asked.asked >= asked.total || asked.asked - asked.answered >= DAP_AHEAD)
        return -1;
    if (way < 2) {
        data[0] = 0x07;
        return way == 1;
    }
    struct question *q = &asked.questions[asked.asked++ % 16];
    if (way < 4)
        return ask_nonsense(q, data);
    return pad(ask_infos(q, data, way < 6 ? (int)roll(3) : (int)roll(INFOS_MOST + 1)));
}

static void ask_more(void);

static void answered(void *ctx, struct urb *urb)
{
    struct question *q = &asked.questions[asked.answered % 16];

    (void)ctx;
    asked.busy = false;
    if (night)
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
    if (asked.busy || night || asked.answered == asked.asked)
        return;
    asked.urb = (struct urb){ .endpoint = dap.in, .type = URB_BULK, .data = asked.data,
                              .length = PACKET, .done = answered };
    asked.busy = true;
    usb_host_submit(rsp->board->usb, &asked.urb);
}

/* --- gdb: memory is written and read back in one breath -------------------------------- */

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

/* --- control requests ------------------------------------------------------------------ */

static struct urb control;
static uint8_t control_data[256];
static bool control_ended = true;
static uint32_t baud = 1000000;

static void ended(void *ctx, struct urb *urb)
{
    (void)ctx;
    control_ended = true;
    if (urb->status != URB_OK)
        wrong("request %02x %02x ended with status %d", urb->setup[0], urb->setup[1],
              urb->status);
}

/* What changes nothing that bytes depend on. */
static const uint8_t harmless[][8] = {
    { 0x21, 0x20, 0, 0, 3, 0, 7, 0 },           /* SET_LINE_CODING, to the same */
    { 0x21, 0x20, 0, 0, 1, 0, 7, 0 },
    { 0x21, 0x22, 1, 0, 3, 0, 0, 0 },           /* SET_CONTROL_LINE_STATE: no RTS */
    { 0x21, 0x22, 1, 0, 1, 0, 0, 0 },
    { 0xA1, 0x21, 0, 0, 3, 0, 7, 0 },           /* GET_LINE_CODING */
    { 0x80, 0x06, 0, 2, 0, 0, 200, 0 },         /* GET_DESCRIPTOR, configuration */
    { 0x82, 0x00, 0, 0, 2, 0, 2, 0 },           /* GET_STATUS of an endpoint */
};

static void ask_control(const uint8_t *setup)
{
    control = (struct urb){ .type = URB_CONTROL, .data = control_data,
                            .length = setup[6], .done = ended, .timeout_ms = 100 };
    memcpy(control.setup, setup, 8);
    for (int i = 0; i < 4; i++)
        control_data[i] = (uint8_t)(baud >> 8 * i);
    memcpy(control_data + 4, "\0\0\x08", 3);              /* 8N1 */
    control_ended = false;
    usb_host_submit(rsp->board->usb, &control);
}

static void ask_something_harmless(void)
{
    ask_control(harmless[roll(sizeof harmless / sizeof harmless[0])]);
}

/* --- all of them ---------------------------------------------------------------------- */

static bool with_control;

/* Whenever a transfer has ended, there may be more to do. */
static void go_on(void *ctx, const struct urb *urb)
{
    (void)ctx;
    (void)urb;
    check_uart();
    ask_more();
    if (with_control && control_ended)
        ask_something_harmless();
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
    learn_infos();
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

/* --- jitter --------------------------------------------------------------------------- */

/* CMSIS-DAP is the fastest, and has two directions that know of one another. */
static uint8_t any_endpoint(void)
{
    const struct pipe *pipes[] = { &to_gdb, &to_uart, &to_dap };
    uint8_t out = roll(2) ? dap.out : pipes[roll(3)]->endpoint;

    return (uint8_t)(roll(2) ? out | 0x80 : out);
}

static void pause_sometimes(void *ctx, uint8_t pid, const uint8_t *bytes, int length)
{
    (void)ctx;
    (void)bytes;
    (void)length;
    if (pid != USB_ACK && pid != USB_NAK)
        return;
    uint32_t way = roll(2048);
    if (way % 4)
        usb_host_turn(rsp->board->usb, any_endpoint());
    if (way == 0)
        usb_host_pause(rsp->board->usb, (1000 + roll(2000)) * SIM_US);
    else if (way < 100)
        usb_host_pause(rsp->board->usb, roll(60 * 72) * CYCLE);
    else if (way < 200)
        usb_host_pause(rsp->board->usb, roll(4 * 72) * CYCLE);
}

/* Bits of the seed say who is there; the more there are, the less each has to do. */
static void some_at_once(unsigned seed)
{
    struct usb_host_observer observer = { .packet = pause_sometimes };
    bool with_gdb = seed % 6 == 0;

    dice = seed;
    full_packets = seed % 3 == 1;
    cdc_host_open(rsp->cdc, GDB, with_gdb);
    baud = seed % 2 ? 4500000 : 1000000;
    cdc_host_line_coding(rsp->cdc, UART, baud, 8, 'N', 1);
    board_run_ms(rsp->board, 5);
    with_control = seed % 5 < 2;
    usb_host_observe(rsp->board->usb, &observer);
    uart.total = seed % 4 == 3 ? 0 : 1 << 30;
    asked.total = seed % 4 == 2 ? 0 : 1 << 30;
    double end = rsp_now_ms(rsp) + JITTER_MS;
    go_on(NULL, NULL);
    while (rsp_now_ms(rsp) < end) {
        if (with_gdb) {
            begin_gdb(1 + (int)roll(roll(2) ? 40 : 1500));
            end_gdb();
        } else {
            board_run_ms(rsp->board, 1);
        }
    }
    with_control = false;
    uart.total = uart.sent;
    asked.total = asked.asked;
    finish();
}

static void nothing_hangs_on_a_hosts_pauses(void **state)
{
    (void)state;
    const char *seed = getenv("USB_SEED");
    unsigned first = seed ? (unsigned)atoi(seed) : 1;

    sweep("jitter", some_at_once, first, first + 60 * often() - 1, 1);
}

/* --- sweeps: packets -------------------------------------------------------------------- */

/* 32 bytes leave the UART for 310 us; 128 wait in the ring, which came there meanwhile.  Then
 * come a few packets more around the moment when the first 32 have left. */
static void uart_packets(unsigned k, const int *after)
{
    static int plan[16] = { 32, 32, 32, 32, 32 };
    int count = 5;

    uart.total = 160;
    for (; *after >= 0; after++) {
        uart.total += *after;
        plan[count++] = *after;
    }
    plan[count] = -1;
    lengths = plan;
    rest.pipe = &to_uart;
    rest.packets = 5;
    rest.time = k * CYCLE;
    go_on(NULL, NULL);
    finish();
}

static void uart_one_byte_behind(unsigned k)
{
    uart_packets(k, (const int[]){ 32, 1, 1, 32, -1 });
}

static void uart_nothing_behind(unsigned k)
{
    uart_packets(k, (const int[]){ 32, 0, 31, 0, 2, -1 });
}

static void uart_full_packets(unsigned k)
{
    uart_packets(k, (const int[]){ 32, 32, 32, -1 });
}

static void packets_for_the_uart_meet_its_dma(void **state)
{
    (void)state;
    sweep("UART, one byte behind", uart_one_byte_behind, 1500, 9500, 20);
    sweep("UART, nothing behind", uart_nothing_behind, 1500, 9500, 20);
    sweep("UART, full packets", uart_full_packets, 1500, 9500, 20);
}

/* The host rests behind the n-th packet of two requests in one breath. */
static void gdb_packets(unsigned k, int n, const int *plan)
{
    dice = k;
    lengths = plan;
    rest.pipe = &to_gdb;
    rest.packets = n;
    rest.time = k * CYCLE;
    begin_gdb(150);
    end_gdb();
}

static void gdb_short_pieces(unsigned k)
{
    gdb_packets(k, 1, (const int[]){ 64, 1, 1, 0, 64, 0, 3, 1, 1, 1, 2, 0, -1 });
}

static void gdb_end_in_pieces(unsigned k)
{
    gdb_packets(k, 3, (const int[]){ 64, 64, 30, 1, 0, 1, 1, 1, 0, 1, 1, 1, 1, 1, 0, -1 });
}

static void gdb_second_request(unsigned k)
{
    gdb_packets(k, 4, (const int[]){ 64, 64, 40, 4, 1, 1, 1, 1, 1, 1, 1, -1 });
}

static void pieces_of_a_request_meet_the_one_who_reads(void **state)
{
    (void)state;
    sweep("gdb, short pieces", gdb_short_pieces, 0, 3000, 12);
    sweep("gdb, the end in pieces", gdb_end_in_pieces, 0, 3000, 12);
    sweep("gdb, second request", gdb_second_request, 0, 6000, 24);
}

static void dap_packets(unsigned k)
{
    dice = k;
    asked.total = 6 + (int)roll(8);
    rest.pipe = &to_dap;
    rest.packets = 1 + (int)roll(6);
    rest.time = k * CYCLE;
    go_on(NULL, NULL);
    finish();
}

static void requests_meet_the_one_who_answers(void **state)
{
    (void)state;
    sweep("DAP", dap_packets, 0, 6000, 8);
}

enum { BLOCK = 14, BLOCKS = 4 };

static void sent(void *ctx, struct urb *urb)
{
    (void)urb;
    *(bool *)ctx = true;
}

/* gdb is away, four blocks are being read, and k cycles later comes DAP_TransferAbort.  Each
 * block has its answer, if not all of its words; and the next one has all. */
static void abort_while_reading(unsigned k)
{
    static struct dap_exchange script[BLOCKS];
    uint8_t abort = 7;
    bool gone = false;
    struct urb urb = { .endpoint = dap.out, .type = URB_BULK, .data = &abort, .length = 1,
                       .done = sent, .ctx = &gone };
    uint32_t out[BLOCK], in[BLOCK];

    for (int i = 0; i < BLOCK; i++)
        out[i] = 0x01010101u * (uint32_t)(k + (unsigned)i);
    rsp_ask(rsp, "D");
    night = true;                       /* the answers are dap_client.c's */
    if (!dap_start(&dap, 10000000) || !dap_write(&dap, RAM, out, BLOCK, 0, 4))
        wrong("DAP: no target");
    for (int i = 0; i < BLOCKS; i++)
        script[i] = (struct dap_exchange){ .request = { 6, 0, BLOCK, 0, 0x0F }, .length = 5 };
    dap_begin(&dap, script, BLOCKS, BLOCKS);
    sim_run_until(rsp->board->sim, rsp->board->sim->now + k * CYCLE);
    usb_host_submit(rsp->board->usb, &urb);
    if (!dap_end(&dap, 100) || !gone)
        wrong("DAP: %d answers to %d requests", dap.received, BLOCKS);
    for (int i = 0; i < BLOCKS; i++)
        if (script[i].answer[0] != 6 || script[i].answered != 4 + 4 * script[i].answer[1])
            wrong("DAP: %d bytes answer block %d", script[i].answered, i);
    if (!dap_read(&dap, RAM, in, BLOCK, 0, 4) || memcmp(in, out, sizeof in) != 0)
        wrong("DAP: another memory behind an abort");
}

static void an_abort_meets_transfers(void **state)
{
    (void)state;
    sweep("DAP abort", abort_while_reading, 0, 26000, 130);
}

/* --- sweeps: control requests ---------------------------------------------------------- */

static bool control_busy(void *ctx)
{
    streams_busy(ctx);
    return !control_ended;
}

static void wait_for_control(void)
{
    if (!board_run_while(rsp->board, control_busy, NULL, 100))
        wrong("request %02x %02x has no end", control.setup[0], control.setup[1]);
}

/* All three ports have something to do. */
static void begin_all(unsigned k)
{
    dice = k;
    lengths = NULL;
    uart.total = asked.total = 1 << 30;
    begin_gdb(200);
    go_on(NULL, NULL);
    sim_run_until(rsp->board->sim, rsp->board->sim->now + 300 * SIM_US + k * CYCLE);
}

static void end_all(void)
{
    end_gdb();
    uart.total = uart.sent;
    asked.total = asked.asked;
    finish();
}

static void a_request_between(unsigned k)
{
    begin_all(k);
    ask_something_harmless();
    wait_for_control();
    end_all();
}

static bool pipe_busy(void *ctx)
{
    streams_busy(NULL);
    return ((struct pipe *)ctx)->busy;
}

/* No transfer is under way at the endpoint then, as the operating systems see to; the data
 * toggles begin anew. */
static void a_halt_is_cleared(unsigned k)
{
    struct pipe *pipe = roll(2) ? &to_uart : &to_gdb;

    begin_all(k);
    pipe->held = true;
    if (!board_run_while(rsp->board, pipe_busy, pipe, 100))
        wrong("endpoint %d: a packet is not taken", pipe->endpoint);
    ask_control((const uint8_t[]){ 0x02, 0x01, 0, 0, pipe->endpoint, 0, 0, 0 });
    wait_for_control();
    usb_host_open_endpoint(rsp->board->usb, pipe->endpoint, 0);
    pipe->held = false;
    push(pipe);
    end_all();
}

static void control_requests_come_between(void **state)
{
    (void)state;
    sweep("control", a_request_between, 0, 20000, 40);
    sweep("CLEAR_FEATURE", a_halt_is_cleared, 0, 20000, 80);
}

/* --- sweeps: new beginnings ------------------------------------------------------------ */

static void hold(bool yes)
{
    to_gdb.held = to_uart.held = to_dap.held = night = yes;
}

static void open_endpoints(void)
{
    int length;
    const uint8_t *d = cdc_host_config_descriptor(rsp->cdc, &length), *end = d + length;

    for (; d < end; d += d[0])
        if (d[1] == 5)
            usb_host_open_endpoint(rsp->board->usb, d[2], d[4]);
}

static void configure(void)
{
    const uint8_t setup[8] = { 0, 9, 1 };

    if (usb_host_control(rsp->board->usb, setup, NULL) < 0)
        wrong("SET_CONFIGURATION is refused");
    open_endpoints();
}

/* What was under way is lost, says USB.  But only that: each port serves the next one. */
static void a_new_day(void)
{
    uint8_t bytes[4096];

    board_run_ms(rsp->board, 8);
    while (cdc_host_read(rsp->cdc, UART, bytes, sizeof bytes)
           || cdc_host_read(rsp->cdc, GDB, bytes, sizeof bytes))
        board_run_ms(rsp->board, 1);
    rsp->raw_length = 0;
    rsp->no_ack = false;
    uart.sent = uart.back = asked.asked = asked.answered = 0;
    uart.total = 300;
    asked.total = 10;
    hold(false);
    go_on(NULL, NULL);
    if (!rsp_attach(rsp))
        wrong("gdb: \"%.20s\" instead of a target", rsp->reply);
    begin_gdb(200);
    end_gdb();
    finish();
}

static void note(void *ctx) { *(bool *)ctx = true; }

static void a_bus_reset(unsigned k)
{
    const uint8_t address[8] = { 0, 5, 1 };
    bool done = false;
    struct usb_host *host = rsp->board->usb;

    begin_all(k);
    hold(true);
    usb_host_reset_port(host, note, &done);
    board_run_ms(rsp->board, 25);
    if (!done)
        wrong("the bus reset has no end");
    usb_host_set_ep0_size(host, cdc_host_device_descriptor(rsp->cdc)[7]);
    if (usb_host_control(host, address, NULL) < 0)
        wrong("SET_ADDRESS is refused");
    usb_host_set_address(host, 1);
    board_run_ms(rsp->board, 2);
    configure();
    for (int port = GDB; port <= UART; port++) {
        cdc_host_control_lines(rsp->cdc, port, true, true);
        cdc_host_pause(rsp->cdc, port, false);          /* it asks for bytes again */
    }
    a_new_day();
}

static void cancel(bool busy, struct urb *urb)
{
    if (busy)
        usb_host_cancel(rsp->board->usb, urb);
}

/* The operating system takes its transfers back before. */
static void a_configuration(unsigned k)
{
    begin_all(k);
    hold(true);
    cancel(to_gdb.busy, &to_gdb.urb);
    cancel(to_uart.busy, &to_uart.urb);
    cancel(to_dap.busy, &to_dap.urb);
    cancel(asked.busy, &asked.urb);
    cdc_host_open(rsp->cdc, GDB, false);
    cdc_host_open(rsp->cdc, UART, false);
    configure();
    cdc_host_open(rsp->cdc, GDB, true);
    cdc_host_open(rsp->cdc, UART, true);
    a_new_day();
}

static void a_new_beginning_at_any_moment(void **state)
{
    (void)state;
    sweep("bus reset", a_bus_reset, 0, 10000, 100);
    sweep("SET_CONFIGURATION", a_configuration, 0, 10000, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_for_the_uart_meet_its_dma),
        cmocka_unit_test(pieces_of_a_request_meet_the_one_who_reads),
        cmocka_unit_test(requests_meet_the_one_who_answers),
        cmocka_unit_test(an_abort_meets_transfers),
        cmocka_unit_test(control_requests_come_between),
        cmocka_unit_test(a_new_beginning_at_any_moment),
        cmocka_unit_test(nothing_hangs_on_a_hosts_pauses),
    };
    return cmocka_run_group_tests(tests, power_on, power_off);
}
