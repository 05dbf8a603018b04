/* uart_bridge.c - does the serial bridge lose a byte?
 *
 * A wire joins the probe's TX to its RX, so every byte goes out of USB, through the USART,
 * along the wire bit by bit, and all the way back.  At several rates, with and without
 * gdb keeping the probe busy at the same time.  In simulated time. */
#include "rsp_client.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct rsp *rsp;
static struct pin far_end;              /* drives the RX net as the TX net goes */

static void follow(void *ctx, const struct net *net)
{
    (void)ctx;
    if (net->level != LEVEL_OPEN)
        pin_drive(&far_end, net->level == LEVEL_HIGH ? DRIVE_HIGH : DRIVE_LOW);
}

/* The target's UART is never started, so its pins stay open and the wire has the net to
 * itself.  An STM32 takes gdb's bytes as fast as they come; a SAM D21 starts at 1 MHz. */
static int power_on(void **state)
{
    (void)state;
    rsp = rsp_power_on("stm32f103");
    pin_init(&far_end, rsp->board->sim, "loop wire", NULL, NULL);
    pin_drive(&far_end, DRIVE_HIGH);
    net_attach(rsp->board->net[SIG_RX], &far_end, false);
    net_watch(rsp->board->net[SIG_TX], follow, NULL);
    cdc_host_open(rsp->cdc, 1, true);
    board_run_ms(rsp->board, 20);
    return 0;
}

static int power_off(void **state)
{
    (void)state;
    return rsp_power_off(rsp);
}

static uint8_t nth(int n)               /* every value, in no simple order */
{
    return (uint8_t)(n * 167 + (n >> 8) * 31);
}

static int sent, received;

/* Keeps the host's queue filled and checks what comes back. */
static void exchange(int total)
{
    uint8_t bytes[4096];
    int n;

    while (sent < total && cdc_host_pending(rsp->cdc, 1) < 1024) {
        for (n = 0; n < 512 && sent < total; n++)
            bytes[n] = nth(sent++);
        cdc_host_write(rsp->cdc, 1, bytes, n);
    }
    while ((n = cdc_host_read(rsp->cdc, 1, bytes, sizeof bytes)) > 0)
        for (int i = 0; i < n; i++, received++)
            if (bytes[i] != nth(received))
                fail_msg("byte %d came back as %02x, not %02x", received, bytes[i],
                         nth(received));
}

static void loop(uint32_t baud, int total)
{
    double wire_ms = 10e3 * total / baud;

    cdc_host_line_coding(rsp->cdc, 1, baud, 8, 'N', 1);
    board_run_ms(rsp->board, 20);
    sent = received = 0;
    double end = rsp_now_ms(rsp) + wire_ms * 1.5 + 200;
    while (received < total && rsp_now_ms(rsp) < end) {
        exchange(total);
        board_run_ms(rsp->board, 0.5);
    }
    assert_int_equal(received, total);
}

static void nothing_is_lost_at_9600_baud(void **state)
{
    (void)state;
    loop(9600, 2000);
}

static void nothing_is_lost_at_115200_baud(void **state)
{
    (void)state;
    loop(115200, 20000);
}

static void nothing_is_lost_at_1_megabaud_in_both_directions(void **state)
{
    (void)state;
    loop(1000000, 100000);
}

/* 64 KB each way; UART_BYTES=1048576 for the long run. */
static int total(void)
{
    const char *bytes = getenv("UART_BYTES");
    return bytes ? atoi(bytes) : 65536;
}

/* gdb writes memory as fast as the probe takes it: a packet as soon as the one before is
 * confirmed.  Returns KB/s. */
static double load_and_exchange(uint32_t baud)
{
    static char packet[2200];
    int head = snprintf(packet, sizeof packet, "X20000000,800:");
    int packets = 0;

    memset(packet + head, 0x55, 2048);
    assert_true(rsp_attach(rsp));
    cdc_host_line_coding(rsp->cdc, 1, baud, 8, 'N', 1);
    board_run_ms(rsp->board, 20);
    sent = received = 0;
    double begin = rsp_now_ms(rsp), end = begin + 20e3 * total() / baud + 500;
    rsp_send(rsp, packet, head + 2048);
    while (received < total() && rsp_now_ms(rsp) < end) {
        exchange(total());
        if (rsp_receive(rsp, 0.3)) {
            assert_string_equal(rsp->reply, "OK");
            packets++;
            rsp_send(rsp, packet, head + 2048);
        }
    }
    double kbps = packets * 2.048e3 / (rsp_now_ms(rsp) - begin);
    print_message("%u baud: %d of %d bytes back, %.0f KB/s; gdb wrote %.0f KB/s\n", baud,
                  received, total(), received / (rsp_now_ms(rsp) - begin), kbps);
    if (received < total())
        print_message("%s", rsp_monitor(rsp, "uart"));
    return kbps;
}

static void nothing_is_lost_at_1_megabaud_while_gdb_loads(void **state)
{
    (void)state;
    assert_true(load_and_exchange(1000000) > 400);
    assert_int_equal(received, total());
}

static void nothing_is_lost_at_2_megabaud(void **state)
{
    (void)state;
    loop(2000000, total());
}

static void other_formats_come_back_too(void **state)
{
    (void)state;
    static const struct { uint32_t baud; int bits; char parity; int stop; } formats[] = {
        { 57600, 8, 'E', 1 }, { 57600, 8, 'O', 2 }, { 230400, 7, 'E', 1 }, { 460800, 8, 'N', 2 },
    };

    for (unsigned f = 0; f < sizeof formats / sizeof formats[0]; f++) {
        uint8_t mask = formats[f].bits == 7 ? 0x7F : 0xFF, bytes[256];
        cdc_host_line_coding(rsp->cdc, 1, formats[f].baud, formats[f].bits, formats[f].parity,
                             formats[f].stop);
        board_run_ms(rsp->board, 20);
        for (int i = 0; i < 256; i++)
            bytes[i] = (uint8_t)i & mask;
        cdc_host_write(rsp->cdc, 1, bytes, 256);
        board_run_ms(rsp->board, 150);
        uint8_t back[300];
        assert_int_equal(cdc_host_read(rsp->cdc, 1, back, sizeof back), 256);
        assert_memory_equal(back, bytes, 256);
    }
}

/* Edges of the TX net: the shortest time between two is one bit. */
static sim_time last_edge, shortest;

static void time_edges(void *ctx, const struct net *net)
{
    (void)ctx;
    sim_time gap = net->sim->now - last_edge;

    if (last_edge && gap < shortest)
        shortest = gap;
    last_edge = net->sim->now;
}

static void the_wire_has_the_rate_that_was_asked_for(void **state)
{
    (void)state;
    static const uint32_t rates[] = { 1200, 9600, 38400, 115200, 921600, 1000000, 2000000 };

    net_watch(rsp->board->net[SIG_TX], time_edges, NULL);
    for (unsigned r = 0; r < sizeof rates / sizeof rates[0]; r++) {
        cdc_host_line_coding(rsp->cdc, 1, rates[r], 8, 'N', 1);
        board_run_ms(rsp->board, 30);
        uint8_t byte = 0x55, back = 0;
        last_edge = 0;
        shortest = SIM_NEVER;
        cdc_host_write(rsp->cdc, 1, &byte, 1);
        board_run_ms(rsp->board, 12e3 / rates[r] + 10);
        double measured = (double)SIM_SECOND / (double)shortest;
        assert_true(measured > 0.99 * rates[r] && measured < 1.01 * rates[r]);
        assert_int_equal(cdc_host_read(rsp->cdc, 1, &back, 1), 1);
        assert_int_equal(back, 0x55);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define BRIDGE(test) cmocka_unit_test_setup_teardown(test, power_on, power_off)
        BRIDGE(nothing_is_lost_at_9600_baud),
        BRIDGE(nothing_is_lost_at_115200_baud),
        BRIDGE(nothing_is_lost_at_1_megabaud_in_both_directions),
        BRIDGE(nothing_is_lost_at_1_megabaud_while_gdb_loads),
        BRIDGE(nothing_is_lost_at_2_megabaud),
        BRIDGE(other_formats_come_back_too),
        BRIDGE(the_wire_has_the_rate_that_was_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
