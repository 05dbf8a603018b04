/* uart_bench.c - the second serial port: as an RS-485 bus meets it, and as RTT and SWO fill it.
 *
 *   called by  bench.c      calls  rsp_client.h, the host's port 1
 *
 * RS-485: how long does the driver stay on after the message?  The answer of the other side
 * must not meet it.  The last byte of a message is 0, so its last edge is where the stop bit
 * begins, and the low before it is nine bits long: no rate needs to be assumed. */
#include "bench.h"
#include <stdio.h>

struct driver {
    sim_time fell, rose;            /* TX: last edges */
    sim_time off;                   /* RTS: last time it fell */
};

static void see_tx(void *ctx, const struct net *net)
{
    struct driver *driver = ctx;

    *(net->level == LEVEL_LOW ? &driver->fell : &driver->rose) = net->sim->now;
}

static void see_rts(void *ctx, const struct net *net)
{
    struct driver *driver = ctx;

    if (net->level == LEVEL_LOW)
        driver->off = net->sim->now;
}

static struct net *net_of(struct board *board, const char *name)
{
    struct pin *pin = board->probe->pin(board->probe, name);

    if (!pin->net)
        net_attach(net_new(board->sim, name), pin, false);
    return pin->net;
}

static double late_us(struct rsp *rsp, struct driver *driver, uint32_t baud, int length)
{
    uint8_t message[64] = { 0 };

    *driver = (struct driver){ 0, 0, 0 };
    cdc_host_write(rsp->cdc, 1, message, length);
    board_run_ms(rsp->board, 12e3 * length / baud + 20);
    if (!driver->off)
        bench_fail("RS-485: the driver stays on at %u baud", (unsigned)baud);
    sim_time stop = driver->rose + (driver->rose - driver->fell) / 9;
    return ((double)driver->off - (double)stop) / (double)SIM_US;
}

static void bench_rs485(const struct task *task)
{
    static const struct { uint32_t baud; const char *id; } rates[] = {
        { 9600, "rs485_off_9600_us" }, { 115200, "rs485_off_115200_us" },
        { 1000000, "rs485_off_1m_us" } };
    struct rsp *rsp = bench_power_on(task->chip);
    struct driver driver;

    cdc_host_open(rsp->cdc, 1, true);
    rsp_monitor(rsp, "uart rs485 on");
    net_watch(net_of(rsp->board, "PB6"), see_tx, &driver);
    net_watch(net_of(rsp->board, "PB8"), see_rts, &driver);
    for (int i = 0; i < 3; i++) {
        double worst = 0;
        cdc_host_line_coding(rsp->cdc, 1, rates[i].baud, 8, 'N', 1);
        board_run_ms(rsp->board, 10);
        for (int n = 0; n < 8; n++) {
            double late = late_us(rsp, &driver, rates[i].baud, 1 + 5 * n);
            worst = late > worst ? late : worst;
        }
        measured(rates[i].id, worst);
    }
    rsp_power_off(rsp);
}

/* RTT out of a buffer of 1 KB that a running program keeps full: it puts the writer's index just
 * behind the reader's, over and over.  gdb is attached. */
static void bench_rtt(const struct task *task)
{
    enum { MS = 500, CODE = 0x20000000, BLOCK = 0x20000100, UP = BLOCK + 24, DATA = 0x20001000 };
    static const uint16_t fill[] = {
        0x6901,                         /* ldr  r1, [r0, #16] */
        0x3901,                         /* subs r1, #1 */
        0x4011,                         /* ands r1, r2 */
        0x60C1,                         /* str  r1, [r0, #12] */
        0xE7FA                          /* b    to the ldr */
    };
    static const struct { char id[16]; uint32_t counts[2], up[6]; } block = {
        "SEGGER RTT", { 1, 0 }, { 0, DATA, 1024, 0, 0, 0 }
    };
    static uint8_t bytes[4096];
    int n, count = 0;
    struct rsp *rsp = bench_power_on(task->chip);

    cdc_host_open(rsp->cdc, 1, true);
    rsp_monitor(rsp, "frequency 36M");
    rsp_monitor(rsp, "rtt enable");
    if (!rsp_attach(rsp) || !rsp_write(rsp, CODE, fill, sizeof fill) ||
        !rsp_write(rsp, BLOCK, &block, sizeof block))
        bench_fail("cannot attach: %s %s", rsp->console, rsp->reply);
    rsp_ask(rsp, "P0=%08x", __builtin_bswap32(UP));
    rsp_ask(rsp, "P2=%08x", __builtin_bswap32(1023));
    rsp_ask(rsp, "Pf=%08x", __builtin_bswap32(CODE));
    rsp_send(rsp, "vCont;c", 7);
    board_run_ms(rsp->board, 1500);
    while (cdc_host_read(rsp->cdc, 1, bytes, sizeof bytes) > 0)
        ;
    for (int ms = 0; ms < MS; ms++) {
        board_run_ms(rsp->board, 1);
        while ((n = cdc_host_read(rsp->cdc, 1, bytes, sizeof bytes)) > 0)
            count += n;
    }
    measured("rtt_kbps", count / 1024.0 / (MS / 1e3));
    rsp_power_off(rsp);
}

/* Says bytes at SWO's highest rate, without a pause. */
struct speaker { struct pin pin; struct alarm next; unsigned bit, frame; };

static void speak(void *ctx)
{
    struct speaker *s = ctx;

    if (s->bit == 10) {
        s->frame = (s->frame + 2) % 512 | 512;          /* 0, eight bits, 1 */
        s->bit = 0;
    }
    pin_drive(&s->pin, s->frame >> s->bit++ & 1 ? DRIVE_HIGH : DRIVE_LOW);
    alarm_set(s->pin.sim, &s->next, s->pin.sim->now + SIM_SECOND / 2250000);
}

/* On PA3, raw to the second port; each byte must be the next one. */
static void bench_swo(const struct task *task)
{
    enum { MS = 500 };
    static uint8_t bytes[4096];
    int count = 0;
    uint8_t last = 0;
    struct rsp *rsp = bench_power_on(task->chip);
    struct speaker speaker = { .bit = 10, .frame = 512 };

    cdc_host_open(rsp->cdc, 1, true);
    pin_init(&speaker.pin, rsp->board->sim, "speaker", NULL, NULL);
    pin_drive(&speaker.pin, DRIVE_HIGH);
    net_attach(net_of(rsp->board, "PA3"), &speaker.pin, false);
    rsp_monitor(rsp, "swo enable");
    alarm_init(&speaker.next, speak, &speaker);
    speak(&speaker);
    for (int ms = 0; ms < MS; ms++) {
        board_run_ms(rsp->board, 1);
        for (int n; (n = cdc_host_read(rsp->cdc, 1, bytes, sizeof bytes)) > 0; count += n)
            for (int i = 0; i < n; i++, last++)
                if (bytes[i] != (uint8_t)(last + 1))
                    bench_fail("SWO: byte %d is %02x", count + i, bytes[i]);
    }
    measured("swo_kbps", count / 1000.0 / (MS / 1e3));
    rsp_power_off(rsp);
}

const struct task uart_tasks[] = {
    { "rtt", bench_rtt, "stm32f103", false, 0, NULL, NULL },
    { "swo", bench_swo, "samd21", false, 0, NULL, NULL },
    { "rs485", bench_rs485, "samd21", false, 0, NULL, NULL },
    { NULL, NULL, NULL, false, 0, NULL, NULL },
};
