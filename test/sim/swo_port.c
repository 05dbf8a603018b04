/* swo_port.c - does what a program tells by SWO come to the second port, all of it, and as text?
 *
 * Real streams: examples/itm.c, or a loop that the test puts into the target's RAM.  Full ones:
 * a speaker of the test's own on PA3, and another on the serial port's RX.  In simulated time.
 *
 * Source: Armv7-M ARM (DDI 0403E) D4 (packets). */
#include "rsp_client.h"
#include "vcd.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { GDB, SECOND };

static struct rsp *rsp;
static char came[600000];
static int length;

static void empty(void)
{
    length = 0;
    came[0] = '\0';
}

/* What the second port says in so many milliseconds. */
static const char *listen(double ms)
{
    length += rsp_listen(rsp, SECOND, ms, came + length, (int)sizeof came - length);
    return came;
}

static void power_on(const char *target, const char *swo)
{
    static char image[512];
    const char *build = getenv("BUILD") ? getenv("BUILD") : "build";
    snprintf(image, sizeof image, "%s/pillbug.bin", build);
    struct board_options options = { .flash = { image }, .flash_count = 1, .target = target,
                                     .strict = true };
    options.wire[SIG_SWO] = swo;
    rsp = rsp_power_on_with(&options);
    cdc_host_open(rsp->cdc, SECOND, true);
    board_run_ms(rsp->board, 20);
    empty();
}

static int itm(void **state)
{
    static char target[512];
    const char *build = getenv("BUILD") ? getenv("BUILD") : "build";
    (void)state;
    snprintf(target, sizeof target, "stm32f103:%s/examples/itm-stm32f103.elf", build);
    power_on(target, NULL);
    return 0;
}

static int power_off(void **state)
{
    (void)state;
    return rsp_power_off(rsp);
}

static uint32_t word(uint32_t at)
{
    uint32_t value = 0;
    assert_true(rsp_read(rsp, at, &value, 4));
    return value;
}

static void put(uint32_t at, uint32_t value)
{
    assert_true(rsp_write(rsp, at, &value, 4));
}

static void assert_says(const char *command, const char *text)
{
    const char *said = rsp_monitor(rsp, command);
    if (!strstr(said, text))
        fail_msg("monitor %s says \"%s\", not \"%s\"", command, said, text);
}

static unsigned errors(void)
{
    static const char what[] = "line errors (another baud?) ";
    const char *at = strstr(rsp_monitor(rsp, "swo"), what);
    assert_non_null(at);
    return (unsigned)atoi(at + strlen(what));
}

static unsigned lost(void)
{
    const char *said = rsp_monitor(rsp, "swo");
    unsigned bytes, n;
    assert_int_equal(sscanf(said, "SWO on: %u bytes, %u lost;", &bytes, &n), 2);
    return n;
}

static void halt(void)
{
    rsp_send_raw(rsp, "\003", 1);
    rsp_receive(rsp, 3000);
}

/* --- a real program ----------------------------------------------------------------------- */

/* Each tick behind the one before. */
static void assert_ticks(int at_least)
{
    const char *at = strstr(came, "tick ");
    int tick = at ? atoi(at + 5) : -1, ticks = 0;
    for (; at && strchr(at, '\n'); at = strstr(at + 1, "tick "), tick++, ticks++) {
        assert_int_equal(atoi(at + 5), tick);
        const char *end = strchr(at, '\n') + 1;         /* and nothing in between */
        assert_true(!*end || memcmp(end, "tick ", strlen(end) < 5 ? strlen(end) : 5) == 0);
    }
    assert_in_range(ticks, at_least, 100000);
}

static void text_comes_while_values_and_samples_go_by(void **state)
{
    (void)state;
    assert_says("swo enable uart 2000000 decode 0", "SWO: 2000000 baud");
    listen(1000);
    assert_ticks(10);
    assert_int_equal(lost(), 0);
    assert_int_equal(errors(), 0);
}

/* Nothing is said for a while behind "tick 1": what has been said is there. */
static void text_does_not_wait_for_more(void **state)
{
    (void)state;
    assert_true(rsp_attach(rsp));
    rsp_monitor(rsp, "swo enable 2000000 decode 0");
    rsp_monitor(rsp, "reset halt");
    rsp_send(rsp, "vCont;c", 7);
    const char *text = "ITM on STM32F103C8\r\n";
    listen(5);
    assert_ptr_equal(strstr(came, text), came);
    assert_non_null(strstr(came, "tick 0\r\n"));
}

static void raw_is_the_stream_that_orbuculum_reads(void **state)
{
    char text[20000] = "";
    int samples = 0, counts = 0, i = 0;
    (void)state;
    assert_says("traceswo enable 2000000", "SWO: 2000000 baud");    /* as cortex-debug has it */
    rsp_monitor(rsp, "swo disable");
    empty();
    assert_true(rsp_attach(rsp));
    rsp_monitor(rsp, "traceswo enable 2000000");
    rsp_send(rsp, "vCont;c", 7);
    listen(1000);
    for (; i + 4 < length; i += 1 + (came[i] & 3) + ((came[i] & 3) == 3)) {
        if (came[i] == 0x01)
            strncat(text, &came[i + 1], 1);
        counts += came[i] == 0x0B;
        samples += came[i] == 0x17;
        assert_true(came[i] == 0x01 || came[i] == 0x0B || came[i] == 0x12 || came[i] == 0x17);
    }
    assert_non_null(strstr(text, "tick "));
    assert_true(samples > 400 && counts > 5);
}

static void stepping_and_stopping_loses_nothing(void **state)
{
    (void)state;
    assert_true(rsp_attach(rsp));
    rsp_monitor(rsp, "swo enable 2000000 decode 0");
    for (int i = 0; i < 20; i++) {
        rsp_send(rsp, "vCont;c", 7);
        listen(37);
        halt();
        for (int n = 0; n < 10; n++)
            rsp_ask(rsp, "vCont;s");
        listen(1);
    }
    assert_ticks(3);
    assert_int_equal(lost(), 0);
}

static void it_is_off_when_it_is_switched_off(void **state)
{
    (void)state;
    assert_says("swo disable", "SWO off: 0 bytes");     /* which it is at first, too */
    rsp_monitor(rsp, "swo enable 2000000");
    assert_true(strlen(listen(300)) > 0);
    assert_says("swo disable", "SWO off");
    listen(10);
    empty();
    listen(300);
    assert_int_equal(length, 0);
}

static void while_the_port_is_closed_nothing_old_is_kept(void **state)
{
    (void)state;
    cdc_host_open(rsp->cdc, SECOND, false);
    board_run_ms(rsp->board, 20);
    rsp_monitor(rsp, "swo enable 2000000 decode 0");
    board_run_ms(rsp->board, 1000);
    assert_int_equal(lost(), 0);
    cdc_host_open(rsp->cdc, SECOND, true);
    board_run_ms(rsp->board, 20);
    empty();
    listen(500);
    assert_true(atoi(strstr(came, "tick ") + 5) > 15);
    assert_ticks(5);
}

static void a_wrong_rate_is_counted_and_left_behind(void **state)
{
    (void)state;
    rsp_monitor(rsp, "swo enable 1500000");
    listen(300);
    assert_true(errors() > 10);
    rsp_monitor(rsp, "swo enable 2000000 decode 0");
    listen(2);
    empty();
    listen(500);
    assert_ticks(5);
    assert_int_equal(errors(), 0);
}

static void after_an_unplug_it_goes_on(void **state)
{
    (void)state;
    rsp_monitor(rsp, "swo enable 2000000 decode 0");
    listen(300);
    board_power_probe(rsp->board, false);
    board_run_ms(rsp->board, 50);
    board_power_probe(rsp->board, true);
    assert_true(rsp_plug_in(rsp));
    rsp->no_ack = false;
    cdc_host_open(rsp->cdc, SECOND, true);
    empty();
    listen(300);
    assert_int_equal(length, 0);                /* as after any power-on */
    rsp_monitor(rsp, "swo enable 2000000 decode 0");
    usb_host_plug(rsp->board->usb, false);    /* only the data lines */
    board_run_ms(rsp->board, 300);
    usb_host_plug(rsp->board->usb, true);
    assert_true(rsp_plug_in(rsp));
    cdc_host_open(rsp->cdc, SECOND, true);
    board_run_ms(rsp->board, 20);
    empty();
    listen(500);
    assert_ticks(5);
}

/* With SWO_VCD and SWO_RECORD: the wire as it is, and what has come of it, for
 * test/sigrok/swo.sh.  Begins while the line rests, so each byte is in both. */
static void all_is_recorded_for_sigrok(void **state)
{
    const char *path = getenv("SWO_VCD"), *record = getenv("SWO_RECORD");
    char file[600];
    (void)state;
    assert_true(rsp_attach(rsp));
    assert_says("swo setup 8M 2M", "2000000");
    assert_says("swo enable 2M", "2000000");
    listen(5);
    empty();
    snprintf(file, sizeof file, "%s.port", path ? path : "/dev/null");
    struct vcd *vcd = path ? vcd_open(rsp->board->sim, file) : NULL;
    if (vcd)
        vcd_add(vcd, rsp->board->net[SIG_SWO]);
    rsp_send(rsp, "vCont;c", 7);
    listen(300);
    halt();
    listen(5);
    assert_true(length > 400);
    if (!vcd)
        return;
    assert_true(vcd_close(vcd));
    snprintf(file, sizeof file, "%s.port", record);
    FILE *f = fopen(file, "wb");
    assert_int_equal(fwrite(came, 1, (size_t)length, f), length);
    fclose(f);
}

/* --- set up by the probe ---------------------------------------------------------------------- */

static const uint16_t loop[] = {
    0x6801, 0x2900,                             /* wait: ldr r1, [r0];  cmp r1, #0 */
    0xD0FC,                                     /*       beq wait */
    0x7002,                                     /*       strb r2, [r0] */
    0x3201,                                     /*       adds r2, #1 */
    0xE7F9,                                     /*       b wait */
};

static void run_loop(void)
{
    assert_true(rsp_write(rsp, 0x20000000, loop, sizeof loop));
    rsp_ask(rsp, "P0=000000e0");
    rsp_ask(rsp, "P2=20000000");
    rsp_ask(rsp, "Pf=00000020");
    empty();
    rsp_send(rsp, "vCont;c", 7);
}

static void assert_all_bytes_in_order(void)
{
    assert_true(length > 2000);
    for (int i = 1; i < length; i++)
        if ((uint8_t)came[i] != (uint8_t)(came[i - 1] + 1))
            fail_msg("%d: %02x behind %02x", i, (uint8_t)came[i], (uint8_t)came[i - 1]);
}

static const struct set_up { const char *chip, *hz; uint32_t pin, mask, on; } set_ups[] = {
    { "stm32f103", "8M", 0xE0042004, 0xE0, 0x20 },
    { "stm32f303", "8M", 0xE0042004, 0xE0, 0x20 },
    { "stm32f205", "16M", 0xE0042004, 0xE0, 0x20 },
    { "stm32f405", "16M", 0xE0042004, 0xE0, 0x20 },
    { "stm32f746", "16M", 0xE0042004, 0xE0, 0x20 },
    { "stm32l476", "4M", 0xE0042004, 0xE0, 0x20 },
    { "stm32g474", "16M", 0xE0042004, 0xE0, 0x20 },
    { "nrf52840", "32M", 0x4000055C, 0x30000, 0x10000 },
    { "samd51", "48M", 0x40001D3C, 0x40, 0x40 },
};

static void set_up_is_heard(const struct set_up *row)
{
    char command[60];
    power_on(row->chip, NULL);
    assert_true(rsp_attach(rsp));
    uint32_t found = word(row->pin) & row->mask;
    snprintf(command, sizeof command, "swo setup %s 2M", row->hz);
    assert_says(command, "SWO: 2000000 baud");
    assert_int_equal(word(row->pin) & row->mask, row->on);
    assert_says("swo enable 2M decode", "SWO: 2000000 baud");
    run_loop();
    listen(100);
    assert_all_bytes_in_order();
    assert_int_equal(errors(), 0);
    halt();
    assert_string_equal(rsp_ask(rsp, "D"), "OK");
    listen(5);
    empty();
    listen(100);                                /* it is still listened to */
    assert_all_bytes_in_order();
    rsp->no_ack = false;
    assert_true(rsp_attach(rsp));
    put(row->pin, (word(row->pin) & ~row->mask) | found);
    assert_says("swo disable", "SWO off");
    assert_says(command, "SWO: 2000000 baud");
    assert_string_equal(rsp_ask(rsp, "D"), "OK");
    assert_true(rsp_attach(rsp));
    if ((word(row->pin) & row->mask) != found)
        fail_msg("%s: the pin is not as found", row->chip);
    assert_int_equal(word(0xE0000E80) & 1, 1);  /* a program may be waiting for the ITM */
    if (rsp_power_off(rsp))
        fail_msg("%s: a rule was broken", row->chip);
}

static void each_chip_that_can_is_set_up_and_heard(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof set_ups / sizeof *set_ups; i++)
        set_up_is_heard(&set_ups[i]);
}

static void a_cortex_m0_says_that_it_cannot(void **state)
{
    static const char *const chips[] = { "samd21", "stm32f030", "nrf51822", "stm32g071" };
    (void)state;
    for (int i = 0; i < 4; i++) {
        power_on(chips[i], NULL);
        assert_says("swo setup 8M 1M", "no target");
        assert_true(rsp_attach(rsp));
        assert_says("swo setup 8M 1M", "this chip or core cannot do that");
        assert_int_equal(rsp_power_off(rsp), 0);
    }
}

static void a_rate_that_cannot_be_made_is_refused_in_words(void **state)
{
    (void)state;
    assert_true(rsp_attach(rsp));
    assert_says("swo enable 4500000", "Not within 3 %: 2250000 baud");
    assert_says("swo setup 8M 2250000", "Not within 3 %: 2000000 baud");
    assert_says("swo enable manchester", "NRZ");
}

/* --- full streams --------------------------------------------------------------------------- */

/* Says bytes without a pause; the nth is first + (n & mask). */
struct speaker {
    struct pin pin;
    struct net *net;                    /* ours; or NULL */
    struct alarm next;
    sim_time bit, due;
    uint32_t bits;
    int left;
    uint8_t first, mask;
    unsigned sent, limit;
};
static struct speaker on_swo, on_rx;

static void speak(void *ctx)
{
    struct speaker *s = ctx;
    if (!s->left) {
        if (s->sent == s->limit)
            return;
        s->bits = 1u << 9 | (uint32_t)(s->first + (s->sent++ & s->mask)) << 1;
        s->left = 10;
    }
    pin_drive(&s->pin, s->bits & 1 ? DRIVE_HIGH : DRIVE_LOW);
    uint32_t level = s->bits & 1;
    do {
        s->bits >>= 1;
        s->left--;
        s->due += s->bit;
    } while (s->left && (s->bits & 1) == level);
    alarm_set(rsp->board->sim, &s->next, s->due);
}

static void speak_at(struct speaker *s, const char *pin, double baud, uint8_t first)
{
    struct pin *its = rsp->board->probe->pin(rsp->board->probe, pin);
    *s = (struct speaker){ .first = first, .mask = 0x7F, .limit = ~0u };
    pin_init(&s->pin, rsp->board->sim, pin, NULL, NULL);
    pin_drive(&s->pin, DRIVE_HIGH);
    if (!its->net)
        net_attach(s->net = net_new(rsp->board->sim, pin), its, false);
    net_attach(its->net, &s->pin, false);
    s->bit = (sim_time)((double)SIM_SECOND / baud);
    s->due = rsp->board->sim->now + SIM_MS;
    alarm_init(&s->next, speak, s);
    alarm_set(rsp->board->sim, &s->next, s->due);
}

static void hush(struct speaker *s) { s->limit = s->sent; }

static int full(void **state)
{
    (void)state;
    power_on("stm32f103", "none");
    assert_true(rsp_attach(rsp));
    assert_non_null(strstr(rsp_monitor(rsp, "swo enable"), "2250000"));
    return 0;
}

static int full_off(void **state)
{
    (void)state;
    int status = rsp_power_off(rsp);
    if (on_swo.net)
        net_free(on_swo.net);
    on_swo.net = NULL;
    return status;
}

/* All that one of the speakers has said, in order. */
static void assert_all_of(const struct speaker *s)
{
    unsigned n = 0;
    for (int i = 0; i < length; i++)
        if (((uint8_t)came[i] & 0x80) == s->first) {
            if ((uint8_t)came[i] != s->first + (n & s->mask))
                fail_msg("byte %u of %u is %02x", n, s->sent, (uint8_t)came[i]);
            n++;
        }
    assert_int_equal(n, s->sent);
}

static void nothing_is_lost_at_2250000_baud(void **state)
{
    (void)state;
    speak_at(&on_swo, "PA3", 2250000, 0x80);
    listen(500);
    hush(&on_swo);
    listen(10);
    assert_true(length > 224 * 490);
    assert_all_of(&on_swo);
    assert_int_equal(lost(), 0);
}

static void nothing_is_lost_beside_a_uart_at_1_megabaud(void **state)
{
    (void)state;
    cdc_host_line_coding(rsp->cdc, SECOND, 1000000, 8, 'N', 1);
    board_run_ms(rsp->board, 10);
    speak_at(&on_swo, "PA3", 2250000, 0x80);
    speak_at(&on_rx, "PB7", 1000000, 0);
    listen(400);
    hush(&on_swo);
    hush(&on_rx);
    listen(10);
    assert_all_of(&on_swo);
    assert_all_of(&on_rx);
    assert_int_equal(lost(), 0);
}

static void nothing_is_lost_while_gdb_loads_and_reads(void **state)
{
    static uint8_t bytes[24 * 1024], back[4096];
    (void)state;
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7 + (i >> 8));
    cdc_host_line_coding(rsp->cdc, SECOND, 1000000, 8, 'N', 1);
    board_run_ms(rsp->board, 10);
    speak_at(&on_swo, "PA3", 2250000, 0x80);
    speak_at(&on_rx, "PB7", 1000000, 0);
    for (int i = 0; i < 20; i++) {
        assert_true(rsp_load_ram(rsp, 0x20000000, bytes, 16 * 1024));
        listen(0.5);
        assert_true(rsp_dump(rsp, 0x20000000, back, sizeof back, false));
        assert_memory_equal(back, bytes, sizeof back);
        listen(0.5);
    }
    assert_true(rsp_load_flash(rsp, 0x08000000, bytes, 8 * 1024, 1024));
    hush(&on_swo);
    hush(&on_rx);
    listen(10);
    assert_int_equal(lost(), 0);
    assert_all_of(&on_swo);
    assert_all_of(&on_rx);
}

static void what_the_host_does_not_fetch_is_counted(void **state)
{
    (void)state;
    cdc_host_pause(rsp->cdc, SECOND, true);
    speak_at(&on_swo, "PA3", 2250000, 0x80);
    board_run_ms(rsp->board, 20);
    hush(&on_swo);
    board_run_ms(rsp->board, 5);
    cdc_host_pause(rsp->cdc, SECOND, false);
    listen(20);
    assert_true(length >= 1024);
    assert_int_equal((unsigned)length + lost(), on_swo.sent);
}

#define ITM(name)  cmocka_unit_test_setup_teardown(name, itm, power_off)
#define FULL(name) cmocka_unit_test_setup_teardown(name, full, full_off)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ITM(text_comes_while_values_and_samples_go_by),
        ITM(text_does_not_wait_for_more),
        ITM(raw_is_the_stream_that_orbuculum_reads),
        ITM(stepping_and_stopping_loses_nothing),
        ITM(it_is_off_when_it_is_switched_off),
        ITM(while_the_port_is_closed_nothing_old_is_kept),
        ITM(a_wrong_rate_is_counted_and_left_behind),
        ITM(after_an_unplug_it_goes_on),
        ITM(all_is_recorded_for_sigrok),
        ITM(a_rate_that_cannot_be_made_is_refused_in_words),
        cmocka_unit_test(each_chip_that_can_is_set_up_and_heard),
        cmocka_unit_test(a_cortex_m0_says_that_it_cannot),
        FULL(nothing_is_lost_at_2250000_baud),
        FULL(nothing_is_lost_beside_a_uart_at_1_megabaud),
        FULL(nothing_is_lost_while_gdb_loads_and_reads),
        FULL(what_the_host_does_not_fetch_is_counted),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
