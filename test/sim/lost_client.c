/* lost_client.c - gdb is killed, or USB goes away under it, in each state there is: does the
 * next one find a probe as after power-on?  Also where the port was never closed, because
 * another program holds it open or a TCP bridge does.
 *
 * The next client opens the port at once or later, perhaps while the probe is still at the
 * dead one's work.  It must get no answer but those to its own questions, be able to attach
 * and to load, and nothing of what the other had begun may come after it.  All in simulated
 * time. */
#include "rsp_client.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { RAM = 0x20000000, PIECE = 3072 };

static struct rsp *rsp;
static uint8_t data[4096];
static struct chip *target;

static void fill(uint32_t seed)
{
    for (size_t i = 0; i < sizeof data; i++) {
        seed = seed * 1664525 + 1013904223;
        data[i] = (uint8_t)(seed >> 24);
    }
}

static int power_on(const char *name)
{
    rsp = rsp_power_on(name);
    target = rsp->board->target;
    fill(1);
    return 0;
}

static int samd21(void **state) { (void)state; return power_on("samd21"); }
static int stm32f103(void **state) { (void)state; return power_on("stm32f103"); }

static int power_off(void **state)
{
    (void)state;
    return rsp_power_off(rsp);
}

/* --- what the dead one was doing ---------------------------------------------------------- */

static void send(const char *packet)
{
    rsp_send(rsp, packet, (int)strlen(packet));
}

static void idle(void) { }

static void erasing(void)
{
    char packet[64];

    memset(target->flash, 0, target->flash_size);
    snprintf(packet, sizeof packet, "vFlashErase:%x,8000", target->flash_base);
    rsp_ask(rsp, "%s", packet);
    send("vFlashDone");
}

static void erasing_all(void)
{
    memset(target->flash, 0, target->flash_size);
    send("qRcmd,65726173655f6d617373");         /* erase_mass */
}

static void loading(void)
{
    char packet[PIECE + 64];
    int n = snprintf(packet, sizeof packet, "vFlashWrite:%x:", target->flash_base);

    memset(target->flash, 0, target->flash_size);
    rsp_ask(rsp, "vFlashErase:%x,1000", target->flash_base);
    memcpy(packet + n, data, PIECE);
    rsp_send(rsp, packet, n + PIECE);
    send("vFlashDone");
}

/* A second write waits behind the first: it dies with its client. */
static void writing(void)
{
    char packet[PIECE + 64];

    for (unsigned at = 0; at < 2; at++) {
        int n = snprintf(packet, sizeof packet, "X%x,%x:", RAM + at * PIECE, PIECE);
        memcpy(packet + n, data, PIECE);
        rsp_send(rsp, packet, n + PIECE);
    }
}

static void searching(void)
{
    char packet[64];

    snprintf(packet, sizeof packet, "qSearch:memory:%x;10000;Not here at all",
             target->flash_base);
    send(packet);
}

static void summing(void)
{
    char packet[64];

    snprintf(packet, sizeof packet, "qCRC:%x,10000", target->flash_base);
    send(packet);
    send(packet);
}

/* 1: adds r0, #1; b 1b */
static void start_loop(const char *how)
{
    static const uint8_t loop[] = { 0x01, 0x30, 0xFD, 0xE7 };

    rsp_write(rsp, RAM, loop, sizeof loop);
    rsp_ask(rsp, "Pf=00000020");
    send(how);
}

static void running(void) { start_loop("vCont;c"); }
static void stepping(void) { start_loop("vCont;r20000000,20000004:1"); }
static void reading(void)
{
    for (int i = 0; i < 4; i++)
        send("m20000000,7f0");
}

static void halting(void)
{
    start_loop("vCont;c");
    board_run_ms(rsp->board, 10);
    rsp_send_raw(rsp, "\x03", 1);
}

static const struct work {
    const char *name;
    void (*begin)(void);
    double last;                        /* the latest moment it is still going on, in ms */
    int answers;
    bool stop;                          /* the last of them comes after Ctrl-C */
} works[] = {
    { "idle", idle, 5, 0, false },
    { "erasing", erasing, 150, 1, false },
    { "erasing all", erasing_all, 60, 1, false },
    { "loading", loading, 200, 2, false },
    { "writing", writing, 12, 2, false },
    { "searching", searching, 60, 1, false },
    { "summing", summing, 90, 2, false },
    { "running", running, 30, 1, true },
    { "stepping", stepping, 30, 1, true },
    { "reading", reading, 8, 4, false },
    { "halting", halting, 1, 1, false },
};
enum { WORKS = sizeof works / sizeof works[0] };

/* --- the next one ------------------------------------------------------------------------- */

static void assert_silent(const char *work, double ms)
{
    char bytes[512];

    board_run_ms(rsp->board, ms);
    int n = cdc_host_read(rsp->cdc, 0, bytes, sizeof bytes);
    if (n > 0)
        fail_msg("%s: %d bytes nobody asked for: %.*s", work, n, n, bytes);
}

static void assert_next_one_attaches(const char *work)
{
    assert_silent(work, 5);
    if (!rsp_attach(rsp))
        fail_msg("%s: no attach: %s %s", work, rsp->reply, rsp->console);
    fill(7);
    assert_true(rsp_load_ram(rsp, RAM, data, 512));
    assert_true(rsp_load_flash(rsp, target->flash_base, data, 2048, 1024));
    assert_memory_equal(target->flash, data, 2048);
    fill(1);
}

static void assert_next_one_works(const char *work)
{
    rsp->no_ack = false;
    rsp->raw_length = 0;
    rsp_ask(rsp, "qSupported:hwbreak+");
    if (!strstr(rsp->reply, "PacketSize="))
        fail_msg("%s: qSupported was answered with %s", work, rsp->reply);
    assert_next_one_attaches(work);
}

/* What the kernel has of a dead client's answers, it throws away. */
static void reopen(double away)
{
    char bytes[512];

    cdc_host_open(rsp->cdc, 0, false);
    board_run_ms(rsp->board, away);
    while (cdc_host_closing(rsp->cdc, 0))
        board_run_ms(rsp->board, 1);
    board_run_ms(rsp->board, 1);
    while (cdc_host_read(rsp->cdc, 0, bytes, sizeof bytes) > 0) { }
    cdc_host_open(rsp->cdc, 0, true);
}

static void pull_and_plug(double away)
{
    usb_host_plug(rsp->board->usb, false);
    board_run_ms(rsp->board, away);
    usb_host_plug(rsp->board->usb, true);
    assert_true(rsp_plug_in(rsp));
}

static void lose(const struct work *work, int third, void (*how)(double), double away)
{
    rsp->no_ack = false;
    rsp->raw_length = 0;
    assert_true(rsp_attach(rsp));
    work->begin();
    board_run_ms(rsp->board, 0.3 + work->last * third / 3);
    how(away);
    assert_silent(work->name, 40);
    assert_next_one_works(work->name);
}

/* The probe may still be at work when the next one comes. */
static void a_gdb_that_comes_at_once_gets_no_answer_to_another(void **state)
{
    (void)state;
    for (int i = 0; i < WORKS; i++)
        lose(&works[i], (i + (target->flash_base == 0)) % 3, reopen, 2);
}

static void a_gdb_that_comes_later_gets_no_answer_to_another(void **state)
{
    (void)state;
    for (int i = 0; i < WORKS; i++)
        lose(&works[i], i % 3, reopen, i % 2 ? 1100 : 150);
}

static void who_is_plugged_in_again_gets_no_answer_to_another(void **state)
{
    (void)state;
    for (int i = 0; i < WORKS; i++)
        lose(&works[i], i % 3, pull_and_plug, 1);
}

/* --- the port stays open ------------------------------------------------------------------ */

/* What gdb begins with.  It passes over packets until its own is acknowledged; the dead one's
 * answers may be among them, some of many kilobytes. */
static void begin_on_open_port(const char *work, const char *first)
{
    static char came[70000];
    int n = 0;

    rsp->no_ack = false;
    rsp->raw_length = 0;
    rsp_send_raw(rsp, "+", 1);
    send(first);
    for (double end = rsp_now_ms(rsp) + 2000; rsp_now_ms(rsp) < end;) {
        n += cdc_host_read(rsp->cdc, 0, came + n, (int)sizeof came - 1 - n);
        came[n] = '\0';
        const char *at = strstr(came, "+$");
        if (at && strchr(at, '#') && strlen(strchr(at, '#')) == 3) {
            rsp_send_raw(rsp, "+", 1);
            board_run_ms(rsp->board, 1);
            return;
        }
        board_run_ms(rsp->board, 1);
    }
    fail_msg("%s: %s is not acknowledged: %.300s", work, first, came);
}

static void drain(void)
{
    char bytes[512];

    while (cdc_host_read(rsp->cdc, 0, bytes, sizeof bytes) > 0) { }
}

static void a_gdb_that_comes_to_an_open_port_is_acknowledged(void **state)
{
    (void)state;
    for (int i = 0; i < WORKS; i++) {
        rsp->no_ack = false;
        assert_true(rsp_attach(rsp));
        works[i].begin();
        board_run_ms(rsp->board, 0.3 + works[i].last * (i % 3) / 3);
        drain();
        begin_on_open_port(works[i].name, "qSupported:hwbreak+");
        assert_next_one_attaches(works[i].name);
        drain();
        begin_on_open_port(works[i].name, "QStartNoAckMode");      /* lldb */
        rsp->no_ack = true;
        assert_memory_equal(rsp_ask(rsp, "qSupported:multiprocess+"), "PacketSize", 10);
    }
}

/* It died before it asked for no acks, or never does; its last answer was not taken, and is
 * perhaps still being repeated. */
static void nor_does_one_with_acks_leave_anything(void **state)
{
    static const double later[] = { 5, 3000, 10000 };

    (void)state;
    for (int i = 0; i < 3; i++) {
        begin_on_open_port("acks", "qSupported:hwbreak+");
        assert_true(rsp_ask(rsp, "vAttach;1")[0] == 'T');
        rsp_ask(rsp, "!");
        start_loop("vCont;c");
        board_run_ms(rsp->board, 10);
        rsp_send_raw(rsp, "\x03", 1);
        board_run_ms(rsp->board, later[i]);
        drain();
        begin_on_open_port("acks", "qSupported:hwbreak+");
        assert_string_equal(rsp_ask(rsp, "qfThreadInfo"), "l");
        board_run_ms(rsp->board, 1);
    }
    assert_next_one_attaches("acks");
}

/* Breakpoints are out of the program, and it runs on; whole packets or not. */
static void a_target_left_with_breakpoints_runs_on_when_the_next_one_comes(void **state)
{
    static const char half[] = "$X20000100,40:half a packe";
    static const uint8_t loop[] = { 0x01, 0x30, 0xFD, 0xE7 };
    uint8_t now[4];

    (void)state;
    assert_true(rsp_attach(rsp));
    rsp_ask(rsp, "!");
    rsp_write(rsp, RAM, loop, sizeof loop);
    rsp_ask(rsp, "Pf=00000020");
    rsp_ask(rsp, "P0=00000000");
    assert_string_equal(rsp_ask(rsp, "Z0,%x,2", RAM), "OK");
    assert_string_equal(rsp_ask(rsp, "Z1,200,2"), "OK");
    assert_string_equal(rsp_ask(rsp, "Z2,20000100,4"), "OK");
    send("vCont;c");
    board_run_ms(rsp->board, 10);
    rsp_send_raw(rsp, half, sizeof half - 1);
    board_run_ms(rsp->board, 10);
    drain();
    begin_on_open_port("breakpoints", "qSupported:multiprocess+");
    assert_string_equal(rsp_ask(rsp, "!"), "OK");
    assert_string_equal(rsp_ask(rsp, "?"), "W00");
    board_run_ms(rsp->board, 10);
    assert_true(rsp_ask(rsp, "vAttach;1")[0] == 'T');
    assert_true(rsp_read(rsp, RAM, now, sizeof now));
    assert_memory_equal(now, loop, sizeof loop);
    assert_string_not_equal(rsp_ask(rsp, "p0"), "00000000");        /* it ran */
    for (int i = 0; i < 2; i++)
        assert_string_equal(rsp_ask(rsp, "Z2,%x,4", RAM + 0x200 + 4 * i), "OK");
}

/* --- the same client goes on --------------------------------------------------------------- */

static void one_answer(const struct work *work)
{
    do {
        if (!rsp_receive(rsp, 10000))
            fail_msg("%s: no answer", work->name);
    } while (rsp->reply[0] == 'O' && rsp->reply[1] != 'K');
    if (rsp->reply[0] == 'E')
        fail_msg("%s: %s", work->name, rsp->reply);
}

static void suspend_and_resume_lose_no_answer(void **state)
{
    (void)state;
    for (int i = 0; i < WORKS; i++) {
        const struct work *work = &works[i];
        assert_true(rsp_attach(rsp));
        work->begin();
        board_run_ms(rsp->board, 0.3 + work->last * (i % 3) / 3);
        usb_host_suspend(rsp->board->usb, true);
        board_run_ms(rsp->board, 25 + 7 * i);
        usb_host_suspend(rsp->board->usb, false);
        board_run_ms(rsp->board, 3);
        if (work->stop)
            rsp_send_raw(rsp, "\x03", 1);
        for (int n = 0; n < work->answers; n++)
            one_answer(work);
        if (work->begin == loading)
            assert_memory_equal(target->flash, data, PIECE);
        assert_silent(work->name, 5);
    }
    assert_next_one_works("the end");
}

/* --- who cannot wait ---------------------------------------------------------------------- */

/* A program writes as soon as it has opened the port, and a driver lets it only when the
 * device knows of the opening: so it is not taken for the other one's. */
static void what_is_sent_at_once_is_answered(void **state)
{
    static const char ask[] = "$qSupported#37";
    char answer[1000];

    (void)state;
    rsp = rsp_build_usual("samd21");
    cdc_host_open(rsp->cdc, 0, true);
    for (int i = 0; i < 50; i++) {
        rsp_send_raw(rsp, ask, sizeof ask - 1);
        board_run_ms(rsp->board, i ? 5 : 300);
        int n = cdc_host_read(rsp->cdc, 0, answer, sizeof answer - 1);
        answer[n > 0 ? n : 0] = '\0';
        if (!strstr(answer, "PacketSize"))
            fail_msg("round %d: %d bytes: %s", i, n, answer);
        cdc_host_open(rsp->cdc, 0, false);
        board_run_ms(rsp->board, 10 + 0.037 * i);
        cdc_host_open(rsp->cdc, 0, true);
        board_run_ms(rsp->board, 0.005 * i);
    }
}

#define ONE(chip, name) { #chip ": " #name, name, chip, power_off, NULL }
#define BOTH(name) ONE(samd21, name), ONE(stm32f103, name)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        BOTH(a_gdb_that_comes_at_once_gets_no_answer_to_another),
        ONE(stm32f103, a_gdb_that_comes_later_gets_no_answer_to_another),
        ONE(samd21, who_is_plugged_in_again_gets_no_answer_to_another),
        BOTH(a_gdb_that_comes_to_an_open_port_is_acknowledged),
        BOTH(nor_does_one_with_acks_leave_anything),
        BOTH(a_target_left_with_breakpoints_runs_on_when_the_next_one_comes),
        BOTH(suspend_and_resume_lose_no_answer),
        { "what_is_sent_at_once_is_answered", what_is_sent_at_once_is_answered, NULL,
          power_off, NULL },
    };
    if (argc > 1)                       /* some of them */
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
