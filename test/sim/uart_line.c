/* uart_line.c - is what the serial bridge says on its pins what a UART would say, and does
 * it understand one?
 *
 * The other end is ours and knows nothing of the firmware: it remembers each edge of TX,
 * RTS and DTR and reads frames out of them afterwards; and it drives RX bit by bit, right
 * or wrong.  RTS and DTR come out on nets that have no other use here. */
#include "rsp_client.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { EDGES = 20000, RTS_NET = SIG_SWO, DTR_NET = SIG_TDI };

static struct rsp *rsp;

/* --- the far end listens ---------------------------------------------------------------- */

struct trace { int count; struct { sim_time at; int level; } edge[EDGES]; };
static struct trace tx, rts;

static void remember(void *ctx, const struct net *net)
{
    struct trace *trace = ctx;

    if (trace->count < EDGES) {
        trace->edge[trace->count].at = net->sim->now;
        trace->edge[trace->count++].level = net->level;
    }
}

static int level_at(const struct trace *trace, sim_time at)
{
    int level = 1;
    for (int i = 0; i < trace->count && trace->edge[i].at <= at; i++)
        level = trace->edge[i].level;
    return level;
}

struct format { int bits; char parity; double stop; };

static int parity_of(unsigned byte, char parity)
{
    int odd = __builtin_parity(byte);
    return parity == 'E' ? odd : parity == 'O' ? !odd : parity == 'M';
}

/* What a receiver makes of the trace; returns how many bytes, -1 when a frame is wrong.
 * last_stop: when the last stop bit was over. */
static sim_time last_stop;

static int listen_to(const struct trace *trace, double baud, struct format f, uint8_t *bytes,
                     int size)
{
    double bit = (double)SIM_SECOND / baud;
    int count = 0;
    sim_time from = 0;

    for (int i = 0; i < trace->count && count < size; i++) {
        sim_time start = trace->edge[i].at;
        if (trace->edge[i].level != LEVEL_LOW || start < from)
            continue;
        int n = 0;
        unsigned byte = 0;
        for (; n < f.bits; n++)
            byte |= (unsigned)level_at(trace, start + (sim_time)((n + 1.5) * bit)) << n;
        if (f.parity != 'N' && level_at(trace, start + (sim_time)((n++ + 1.5) * bit)) !=
                               parity_of(byte, f.parity))
            return -1;
        for (double s = 0.5; s < f.stop; s += 0.5)
            if (level_at(trace, start + (sim_time)((n + 1 + s) * bit)) != 1)
                return -1;
        bytes[count++] = (uint8_t)byte;
        last_stop = start + (sim_time)((n + 1 + f.stop) * bit);
        from = last_stop - (sim_time)(0.4 * bit);
    }
    return count;
}

/* --- the far end speaks ------------------------------------------------------------------- */

static struct {
    struct pin pin;
    struct alarm next;
    char bits[20000];                   /* '0' and '1' */
    int at;
    sim_time bit;
} speaker;

static void speak(void *ctx)
{
    (void)ctx;
    char bit = speaker.bits[speaker.at];
    pin_drive(&speaker.pin, bit == '0' ? DRIVE_LOW : DRIVE_HIGH);
    if (bit) {
        speaker.at++;
        alarm_set(rsp->board->sim, &speaker.next, rsp->board->sim->now + speaker.bit);
    }
}

static void say_bits(const char *bits, double baud)
{
    speaker.at = 0;
    strcpy(speaker.bits, bits);
    speaker.bit = (sim_time)((double)SIM_SECOND / baud);
    alarm_set(rsp->board->sim, &speaker.next, rsp->board->sim->now + 1);
    board_run_ms(rsp->board, 1e3 * (double)strlen(bits) / baud + 5);
}

static void say(const uint8_t *bytes, int count, double baud, struct format f)
{
    static char bits[20000];
    char *to = bits;

    for (int i = 0; i < count; i++) {
        *to++ = '0';
        for (int n = 0; n < f.bits; n++)
            *to++ = bytes[i] >> n & 1 ? '1' : '0';
        if (f.parity != 'N')
            *to++ = parity_of(bytes[i] & ((1u << f.bits) - 1), f.parity) ? '1' : '0';
        for (double s = 0; s < f.stop; s++)     /* 1.5 is 2: no receiver minds */
            *to++ = '1';
    }
    *to = 0;
    say_bits(bits, baud);
}

/* --- the board ---------------------------------------------------------------------------- */

static int power_on(void **state)
{
    (void)state;
    static char image[512];
    const char *build = getenv("BUILD");
    snprintf(image, sizeof image, "%s/pillbug.bin", build ? build : "build");
    struct board_options options = {
        .flash = { image }, .flash_count = 1, .flash_kb = 64, .board = "bluepill",
        .target = "none", .wire = { [RTS_NET] = "PB8", [DTR_NET] = "PB9" },
    };
    rsp = rsp_power_on_with(&options);
    memset(&speaker, 0, sizeof speaker);
    pin_init(&speaker.pin, rsp->board->sim, "far end", NULL, NULL);
    pin_drive(&speaker.pin, DRIVE_HIGH);
    net_attach(rsp->board->net[SIG_RX], &speaker.pin, false);
    alarm_init(&speaker.next, speak, NULL);
    net_watch(rsp->board->net[SIG_TX], remember, &tx);
    net_watch(rsp->board->net[RTS_NET], remember, &rts);
    tx.count = rts.count = 0;
    cdc_host_open(rsp->cdc, 1, true);
    board_run_ms(rsp->board, 20);
    return 0;
}

static int power_off(void **state)
{
    (void)state;
    return rsp_power_off(rsp);
}

static void set(uint32_t baud, int bits, char parity, int stop)
{
    cdc_host_line_coding(rsp->cdc, 1, baud, bits, parity, stop);
    board_run_ms(rsp->board, 60);
    tx.count = rts.count = 0;
}

/* Twenty bytes each way, back to back, at exactly the rate that was asked for. */
static void both_ways(uint32_t baud, struct format f, int stop)
{
    uint8_t out[20], back[64] = { 0 };
    uint8_t mask = (uint8_t)((1 << f.bits) - 1);

    set(baud, f.bits, f.parity, stop);
    for (int i = 0; i < 20; i++)
        out[i] = (uint8_t)(i * 89 + 7) & mask;
    cdc_host_write(rsp->cdc, 1, out, 20);
    board_run_ms(rsp->board, 14e3 * 20 / baud + 10);
    if (listen_to(&tx, baud, f, back, 64) != 20 || memcmp(back, out, 20) != 0)
        fail_msg("towards the target: %u baud %d%c%.1f", baud, f.bits, f.parity, f.stop);
    say(out, 20, baud, f);
    if (cdc_host_read(rsp->cdc, 1, back, 64) != 20 || memcmp(back, out, 20) != 0)
        fail_msg("towards the host: %u baud %d%c%.1f", baud, f.bits, f.parity, f.stop);
}

static void every_rate_from_300_to_4500000_baud_works(void **state)
{
    (void)state;
    static const uint32_t rates[] = {
        50, 300, 600, 1098, 1099, 1200, 2400, 4800, 9600, 14400, 19200, 38400, 57600, 74880,
        115200, 128000, 230400, 250000, 460800, 500000, 921600, 1000000, 1500000, 2000000,
        3000000, 4500000,
    };
    for (unsigned i = 0; i < sizeof rates / sizeof rates[0]; i++)
        both_ways(rates[i], (struct format) { 8, 'N', 1 }, 1);
}

static void every_format_works_at_9600_baud(void **state)
{
    (void)state;
    static const char parities[] = "NOEMS";
    for (int bits = 7; bits <= 8; bits++)
        for (int p = 0; p < 5; p++)
            for (int stop = 1; stop <= 2; stop++)
                if (!(bits == 8 && parities[p] == 'M' && stop == 2) &&
                    !(bits == 7 && parities[p] == 'N' && stop == 1))
                    both_ways(9600, (struct format) { bits, parities[p], stop }, stop);
}

static void every_format_works_at_300_baud(void **state)
{
    (void)state;
    static const char parities[] = "NOEMS";
    for (int bits = 5; bits <= 8; bits++)
        for (int p = 0; p < 5; p++)
            both_ways(300, (struct format) { bits, parities[p], 1 + p % 2 }, 1 + p % 2);
    both_ways(2400, (struct format) { 7, 'N', 1 }, 1);
}

/* The old coding stays: what comes at 115200 is still understood. */
static void what_cannot_be_done_is_refused_and_counted(void **state)
{
    (void)state;
    static const struct { uint32_t baud; int bits; char parity; int stop; } wrong[] = {
        { 9600, 7, 'N', 1 }, { 9600, 8, 'M', 2 }, { 9600, 5, 'N', 1 }, { 30, 8, 'N', 1 },
        { 5000000, 8, 'N', 1 }, { 4650000, 8, 'N', 1 }, { 0xFFFFFFFF, 8, 'N', 1 },
    };
    const uint8_t byte = 0xA5;
    uint8_t back = 0;

    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        set(wrong[i].baud, wrong[i].bits, wrong[i].parity, wrong[i].stop);
    say(&byte, 1, 115200, (struct format) { 8, 'N', 1 });
    assert_int_equal(cdc_host_read(rsp->cdc, 1, &back, 1), 1);
    assert_int_equal(back, 0xA5);
    assert_non_null(strstr(rsp_monitor(rsp, "uart"), "115200 baud 8N1"));
    assert_non_null(strstr(rsp->console, "codings refused 7"));
}

static void monitor_uart_tells_the_true_rate(void **state)
{
    (void)state;
    static const struct { uint32_t baud; const char *says; } rates[] = {
        { 9600, "True rate 9600 (+0.00 %)" }, { 300, "True rate 300 (+0.00 %)" },
        { 921600, "True rate 923077 (+0.16 %)" }, { 3100000, "True rate 3130435 (+0.98 %)" },
        { 4200000, "True rate 4235294 (+0.84 %)" }, { 3500000, "True rate 3428571 (-2.04 %)" },
    };
    for (unsigned i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        set(rates[i].baud, 8, 'N', 1);
        if (!strstr(rsp_monitor(rsp, "uart"), rates[i].says))
            fail_msg("%s is not in: %s", rates[i].says, rsp->console);
    }
}

/* --- errors ------------------------------------------------------------------------------- */

enum { BREAK = 1 << 2, FRAMING = 1 << 4, PARITY = 1 << 5, OVERRUN = 1 << 6 };

/* 10: a start bit, eight ones, a low stop bit, then silence. */
static void errors_on_the_line_are_reported(void **state)
{
    (void)state;
    static const uint32_t rates[] = { 300, 1200, 115200, 1000000 };
    static const uint8_t odd[] = { 0x01 };
    const struct format even = { 8, 'E', 1 }, uneven = { 8, 'O', 1 };
    uint8_t back[64];

    for (unsigned i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        set(rates[i], 8, 'N', 1);
        say_bits("0111111110" "11111111111111111111", rates[i]);
        assert_int_equal(cdc_host_serial_state(rsp->cdc, 1) & 0x7C, FRAMING);
        assert_int_equal(cdc_host_read(rsp->cdc, 1, back, 64), 1);
        assert_int_equal(back[0], 0xFF);
        say_bits("000000000000000" "11111111111111111111", rates[i]);
        assert_int_equal(cdc_host_serial_state(rsp->cdc, 1) & 0x7C, BREAK | FRAMING);
        cdc_host_read(rsp->cdc, 1, back, 64);
        set(rates[i], 8, 'E', 1);
        say(odd, 1, rates[i], uneven);
        assert_int_equal(cdc_host_serial_state(rsp->cdc, 1) & 0x7C, PARITY);
        assert_int_equal(cdc_host_read(rsp->cdc, 1, back, 64), 1);
        say(odd, 1, rates[i], even);
        assert_int_equal(cdc_host_read(rsp->cdc, 1, back, 64), 1);
        assert_int_equal(back[0], odd[0]);
    }
    assert_non_null(strstr(rsp_monitor(rsp, "uart"), "framing 4, parity 4, overrun 0, "
                           "bytes lost 0; breaks 4"));
}

static void a_wrong_rate_is_noticed_and_left_behind(void **state)
{
    (void)state;
    static const uint8_t text[] = "UUUU\1\2\3\4";
    uint8_t back[64];

    set(115200, 8, 'N', 1);
    say(text, 8, 38400, (struct format) { 8, 'N', 1 });
    assert_true(cdc_host_serial_state(rsp->cdc, 1) & FRAMING);
    while (cdc_host_read(rsp->cdc, 1, back, 64) > 0) { }
    say(text, 8, 115200, (struct format) { 8, 'N', 1 });
    assert_int_equal(cdc_host_read(rsp->cdc, 1, back, 64), 8);
    assert_memory_equal(back, text, 8);
}

/* The host does not read: the ring takes 1 KB, the rest is lost, told, and counted. */
static void what_the_host_does_not_fetch_is_counted(void **state)
{
    (void)state;
    static uint8_t bytes[1900], back[4096];
    int lost, got, n;

    for (int i = 0; i < 1900; i++)
        bytes[i] = (uint8_t)i;
    set(1000000, 8, 'N', 1);
    cdc_host_pause(rsp->cdc, 1, true);
    board_run_ms(rsp->board, 5);
    say(bytes, 1900, 1000000, (struct format) { 8, 'N', 1 });
    assert_true(cdc_host_serial_state(rsp->cdc, 1) & OVERRUN);
    cdc_host_pause(rsp->cdc, 1, false);
    board_run_ms(rsp->board, 20);
    for (got = 0; (n = cdc_host_read(rsp->cdc, 1, back, sizeof back)) > 0; got += n) { }
    assert_true(got >= 1024);
    const char *said = strstr(rsp_monitor(rsp, "uart"), "bytes lost ");
    assert_non_null(said);
    assert_int_equal(sscanf(said, "bytes lost %d", &lost), 1);
    assert_int_equal(got + lost, 1900);
}

/* --- break, control lines ----------------------------------------------------------------- */

static void a_break_lasts_as_long_as_it_should(void **state)
{
    (void)state;
    static const uint32_t rates[] = { 300, 9600 };
    for (unsigned i = 0; i < 2; i++) {
        set(rates[i], 8, 'N', 1);
        cdc_host_break(rsp->cdc, 1, 50);
        board_run_ms(rsp->board, 80);
        assert_int_equal(tx.count, 2);
        double ms = (double)(tx.edge[1].at - tx.edge[0].at) / (double)SIM_MS;
        assert_true(ms >= 50 && ms < 52.5);
        cdc_host_break(rsp->cdc, 1, 0xFFFF);
        board_run_ms(rsp->board, 500);
        assert_int_equal(tx.count, 3);
        cdc_host_break(rsp->cdc, 1, 0);
        board_run_ms(rsp->board, 10);
        assert_int_equal(tx.count, 4);
        assert_int_equal(tx.edge[3].level, LEVEL_HIGH);
    }
}

/* From a USART to a timer, back, and among themselves. */
static void another_rate_moves_no_pin(void **state)
{
    (void)state;
    static const uint32_t rates[] = { 9600, 300, 600, 115200, 9600 };
    for (int i = 0; i < 5; i++) {
        cdc_host_line_coding(rsp->cdc, 1, rates[i], 8, 'N', 1);
        board_run_ms(rsp->board, 10);
        if (tx.count)
            fail_msg("%d edges with %u baud", tx.count, rates[i]);
    }
}

/* What the host has said first is said first on the line, at the rate of that time. */
static void order_is_kept_between_bytes_breaks_and_rates(void **state)
{
    (void)state;
    uint8_t out[300], back[400];
    const struct format f = { 8, 'N', 1 };

    for (int i = 0; i < 300; i++)
        out[i] = (uint8_t)(i * 31);
    set(9600, 8, 'N', 1);
    cdc_host_write(rsp->cdc, 1, out, 300);
    while (cdc_host_pending(rsp->cdc, 1))
        board_run_ms(rsp->board, 1);
    cdc_host_line_coding(rsp->cdc, 1, 115200, 8, 'N', 1);
    board_run_ms(rsp->board, 400);
    assert_int_equal(listen_to(&tx, 9600, f, back, 400), 300);
    assert_memory_equal(back, out, 300);
    set(9600, 8, 'N', 1);
    cdc_host_write(rsp->cdc, 1, out, 300);
    while (cdc_host_pending(rsp->cdc, 1))
        board_run_ms(rsp->board, 1);
    cdc_host_break(rsp->cdc, 1, 30);
    board_run_ms(rsp->board, 400);
    assert_int_equal(listen_to(&tx, 9600, f, back, 300), 300);
    assert_memory_equal(back, out, 300);
    double ms = (double)(tx.edge[tx.count - 1].at - tx.edge[tx.count - 2].at) / (double)SIM_MS;
    assert_true(ms >= 30 && ms < 32.5);
}

/* Two requests wait, with bytes between them. */
static void bytes_between_a_rate_and_a_break_have_the_new_rate(void **state)
{
    (void)state;
    uint8_t out[100];

    memset(out, 'U', sizeof out);       /* an edge a bit */
    set(9600, 8, 'N', 1);
    cdc_host_write(rsp->cdc, 1, out, 100);
    while (cdc_host_pending(rsp->cdc, 1))
        board_run_ms(rsp->board, 1);
    cdc_host_line_coding(rsp->cdc, 1, 19200, 8, 'N', 1);
    cdc_host_write(rsp->cdc, 1, out, 100);
    while (cdc_host_pending(rsp->cdc, 1))
        board_run_ms(rsp->board, 1);
    cdc_host_break(rsp->cdc, 1, 30);
    cdc_host_write(rsp->cdc, 1, out, 1);
    board_run_ms(rsp->board, 400);
    assert_int_equal(tx.count, 201 * 10 + 2);
    for (int i = 1; i < 2000; i++) {
        double us = (double)(tx.edge[i].at - tx.edge[i - 1].at) / (double)SIM_US;
        if (i % 1000 && fabs(us - (i < 1000 ? 104.2 : 52.1)) > 1)
            fail_msg("bit %d: %.1f us", i, us);
    }
    double ms = (double)(tx.edge[2001].at - tx.edge[2000].at) / (double)SIM_MS;
    assert_true(ms >= 30 && ms < 32.5);
}

/* Waits until the board has taken all of it. */
static void write_all(const uint8_t *bytes, int count)
{
    cdc_host_write(rsp->cdc, 1, bytes, count);
    while (cdc_host_pending(rsp->cdc, 1))
        board_run_ms(rsp->board, 1);
}

/* Three requests wait, and behind each some bytes. */
static void each_byte_has_the_rate_of_its_time(void **state)
{
    (void)state;
    static const uint32_t rates[] = { 9600, 19200, 1000, 4800 };   /* 1000: bit by bit */
    uint8_t out[30];

    memset(out, 'U', sizeof out);       /* an edge a bit */
    for (int i = 0; i < 4; i++) {
        if (i == 0)
            set(rates[i], 8, 'N', 1);
        else
            cdc_host_line_coding(rsp->cdc, 1, rates[i], 8, 'N', 1);
        write_all(out, 30);
    }
    board_run_ms(rsp->board, 1000);
    assert_int_equal(tx.count, 4 * 300);
    for (int i = 1; i < tx.count; i++) {
        double bit = 1e6 / rates[i / 300];
        double us = (double)(tx.edge[i].at - tx.edge[i - 1].at) / (double)SIM_US;
        if (i % 300 && fabs(us - bit) > bit / 50 + 1)
            fail_msg("edge %d: %.1f us", i, us);
    }
}

/* The line is low for `ms` between these two edges. */
static void was_a_break(int edge, double ms)
{
    double took = (double)(tx.edge[edge + 1].at - tx.edge[edge].at) / (double)SIM_MS;
    assert_int_equal(tx.edge[edge].level, LEVEL_LOW);
    if (took < ms || took > ms + 2.5)
        fail_msg("edge %d: a break of %.1f ms, not %.1f", edge, took, ms);
}

/* As a LIN master does that is ahead of its bus. */
static void each_break_stands_between_its_bytes(void **state)
{
    (void)state;
    uint8_t out[40];

    memset(out, 'U', sizeof out);
    set(2400, 8, 'N', 1);
    for (int i = 0; i < 3; i++) {
        write_all(out, 40);
        cdc_host_break(rsp->cdc, 1, (uint16_t)(20 + 10 * i));
    }
    write_all(out, 1);
    board_run_ms(rsp->board, 1000);
    assert_int_equal(tx.count, 3 * 402 + 10);
    for (int i = 0; i < 3; i++)
        was_a_break(402 * i + 400, 20 + 10 * i);
}

/* On and off, twice, before the first could begin. */
static void a_break_that_waits_does_not_lose_its_end_to_the_next(void **state)
{
    (void)state;
    uint8_t out[40];

    memset(out, 'U', sizeof out);
    set(1200, 8, 'N', 1);
    for (int i = 0; i < 2; i++) {
        write_all(out, 40);
        cdc_host_break(rsp->cdc, 1, 0xFFFF);
        board_run_ms(rsp->board, 30);
        cdc_host_break(rsp->cdc, 1, 0);
    }
    board_run_ms(rsp->board, 1500);
    assert_int_equal(tx.count, 2 * 402);
    was_a_break(400, 30);
    was_a_break(802, 30);
}

static void between_two_breaks_the_line_rests(void **state)
{
    (void)state;
    set(300, 8, 'N', 1);
    cdc_host_break(rsp->cdc, 1, 20);
    cdc_host_break(rsp->cdc, 1, 30);
    board_run_ms(rsp->board, 100);
    assert_int_equal(tx.count, 4);
    was_a_break(0, 20);
    was_a_break(2, 30);
    double us = (double)(tx.edge[2].at - tx.edge[1].at) / (double)SIM_US;
    if (us < 3333)
        fail_msg("%.1f us", us);
}

/* More than can be remembered: what was wanted last is what the line has at the end. */
static void of_many_rates_the_last_one_counts(void **state)
{
    (void)state;
    uint8_t out[100];

    memset(out, 'U', sizeof out);
    set(9600, 8, 'N', 1);
    write_all(out, 100);
    for (uint32_t i = 1; i <= 20; i++)
        cdc_host_line_coding(rsp->cdc, 1, 1000 * i, 8, 'N', 1);
    cdc_host_break(rsp->cdc, 1, 0xFFFF);
    cdc_host_break(rsp->cdc, 1, 0);
    cdc_host_break(rsp->cdc, 1, 0xFFFF);
    for (uint32_t i = 1; i <= 20; i++)
        cdc_host_line_coding(rsp->cdc, 1, 1000 * i, 8, 'N', 1);
    write_all(out, 10);
    board_run_ms(rsp->board, 400);
    cdc_host_break(rsp->cdc, 1, 0);
    board_run_ms(rsp->board, 100);
    assert_true(tx.count >= 1100);
    double us = (double)(tx.edge[tx.count - 1].at - tx.edge[tx.count - 2].at) / (double)SIM_US;
    if (fabs(us - 50) > 1)
        fail_msg("%.1f us", us);
}

/* tcsendbreak() switches it on and off again, and does not know how long the bytes take. */
static void a_break_that_is_over_before_it_could_begin_is_made_all_the_same(void **state)
{
    (void)state;
    uint8_t out[100];

    memset(out, 'U', sizeof out);
    set(1200, 8, 'N', 1);
    cdc_host_write(rsp->cdc, 1, out, 100);
    board_run_ms(rsp->board, 10);
    cdc_host_break(rsp->cdc, 1, 0xFFFF);
    board_run_ms(rsp->board, 250);
    cdc_host_break(rsp->cdc, 1, 0);
    board_run_ms(rsp->board, 1500);
    assert_int_equal(tx.count, 100 * 10 + 2);
    double ms = (double)(tx.edge[1001].at - tx.edge[1000].at) / (double)SIM_MS;
    assert_true(ms >= 250 && ms < 255);
}

/* A program that dies in the middle of a break must not leave the port mute. */
static void closing_the_port_ends_a_break(void **state)
{
    (void)state;
    set(9600, 8, 'N', 1);
    cdc_host_break(rsp->cdc, 1, 0xFFFF);
    board_run_ms(rsp->board, 50);
    cdc_host_open(rsp->cdc, 1, false);
    board_run_ms(rsp->board, 50);
    assert_int_equal(tx.count, 2);
    cdc_host_open(rsp->cdc, 1, true);
    board_run_ms(rsp->board, 20);
    cdc_host_write(rsp->cdc, 1, "U", 1);
    board_run_ms(rsp->board, 20);
    assert_int_equal(tx.count, 12);
}

/* A receiver needs a stop bit's time of rest to find the next start bit. */
static void behind_a_break_the_line_rests(void **state)
{
    (void)state;
    for (int late = 0; late < 8; late++) {
        set(9600, 8, 'N', 1);
        cdc_host_break(rsp->cdc, 1, 20);
        board_run_ms(rsp->board, 5 + 0.13 * late);
        cdc_host_write(rsp->cdc, 1, "U", 1);
        board_run_ms(rsp->board, 60);
        assert_int_equal(tx.count, 12);
        double us = (double)(tx.edge[2].at - tx.edge[1].at) / (double)SIM_US;
        if (us < 104)
            fail_msg("%.1f us", us);
    }
}

static void dtr_and_rts_come_out_inverted(void **state)
{
    (void)state;
    for (int lines = 0; lines < 4; lines++) {
        cdc_host_control_lines(rsp->cdc, 1, lines & 1, lines & 2);
        board_run_ms(rsp->board, 10);
        assert_int_equal(rsp->board->net[DTR_NET]->level, !(lines & 1));
        assert_int_equal(rsp->board->net[RTS_NET]->level, !(lines & 2));
    }
}

/* --- RS-485 ------------------------------------------------------------------------------- */

static double us(sim_time from, sim_time to)
{
    return ((double)to - (double)from) / (double)SIM_US;
}

/* 300 bytes: several chunks and USB packets, one enable.  Off within 5 us or a bit. */
static void the_driver_is_on_for_exactly_the_message(void **state)
{
    (void)state;
    static const uint32_t rates[] = { 300, 1200, 9600, 115200, 1000000, 4500000 };
    uint8_t out[300], back[400];

    rsp_monitor(rsp, "uart rs485 on");
    for (unsigned i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        int length = rates[i] < 2000 ? 20 : 300;
        double bit_us = 1e6 / rates[i];
        set(rates[i], 8, 'N', 1);
        assert_int_equal(rsp->board->net[RTS_NET]->level, LEVEL_LOW);
        for (int n = 0; n < length; n++)
            out[n] = (uint8_t)(n * 31);
        cdc_host_write(rsp->cdc, 1, out, length);
        board_run_ms(rsp->board, 12e3 * length / rates[i] + 20);
        assert_int_equal(listen_to(&tx, rates[i], (struct format) { 8, 'N', 1 }, back, 400),
                         length);
        assert_memory_equal(back, out, (size_t)length);
        assert_int_equal(rts.edge[0].level, LEVEL_HIGH);
        double lead = us(rts.edge[0].at, tx.edge[0].at);
        double lag = us(last_stop, rts.edge[rts.count - 1].at);
        print_message("%7u baud: on %.2f us before, off %.2f us after, %d times\n", rates[i],
                      lead, lag, rts.count / 2);
        if (rates[i] <= 1000000)        /* faster than USB brings it */
            assert_int_equal(rts.count, 2);
        assert_true(lead > 0 && lead < (bit_us > 20 ? bit_us : 20));
        /* Made by the timer, edges move by some microseconds of several hundred. */
        double early = rates[i] < 1099 ? bit_us / 100 : 0;
        assert_true(lag >= -early && lag < (bit_us > 5 ? bit_us : 5));
        for (int e = 0; e < tx.count; e++)
            assert_int_equal(level_at(&rts, tx.edge[e].at), LEVEL_HIGH);
    }
    rsp_monitor(rsp, "uart rs485 off");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define LINE(test) cmocka_unit_test_setup_teardown(test, power_on, power_off)
        LINE(every_rate_from_300_to_4500000_baud_works),
        LINE(every_format_works_at_9600_baud),
        LINE(every_format_works_at_300_baud),
        LINE(what_cannot_be_done_is_refused_and_counted),
        LINE(monitor_uart_tells_the_true_rate),
        LINE(errors_on_the_line_are_reported),
        LINE(a_wrong_rate_is_noticed_and_left_behind),
        LINE(what_the_host_does_not_fetch_is_counted),
        LINE(a_break_lasts_as_long_as_it_should),
        LINE(order_is_kept_between_bytes_breaks_and_rates),
        LINE(bytes_between_a_rate_and_a_break_have_the_new_rate),
        LINE(a_break_that_is_over_before_it_could_begin_is_made_all_the_same),
        LINE(another_rate_moves_no_pin),
        LINE(each_byte_has_the_rate_of_its_time),
        LINE(each_break_stands_between_its_bytes),
        LINE(a_break_that_waits_does_not_lose_its_end_to_the_next),
        LINE(between_two_breaks_the_line_rests),
        LINE(of_many_rates_the_last_one_counts),
        LINE(closing_the_port_ends_a_break),
        LINE(behind_a_break_the_line_rests),
        LINE(dtr_and_rts_come_out_inverted),
        LINE(the_driver_is_on_for_exactly_the_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
