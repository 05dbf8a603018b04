/* bad_input.c - does anything a user, a cable or a target does wrong wedge the probe, lose
 * something, or make it lie?
 *
 * Each test takes the shipped image on the virtual board, does the wrong thing through USB
 * or to the wires, and then asks for honest work: a packet answered, a load that verifies.
 * What is done over and over is done at the default frequency and at the maximum in turn.
 * All in simulated time. */
#define _GNU_SOURCE
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

static int power_on(void **state)
{
    (void)state;
    rsp = rsp_power_on("samd21");
    return 0;
}

static int power_on_stm32(void **state)
{
    (void)state;
    rsp = rsp_power_on("stm32f103");
    return 0;
}

/* After every test the chip must have kept the rules of its manual. */
static int power_off(void **state)
{
    (void)state;
    return rsp_power_off(rsp);
}

/* ... unless the test itself damaged a wire: then a chip may see edges and commands that
 * nobody meant, and the simulator rightly says so. */
static int power_off_after_damage(void **state)
{
    (void)state;
    rsp_power_off(rsp);
    return 0;
}

static void fill(uint8_t *bytes, int length, uint32_t seed)
{
    for (int i = 0; i < length; i++) {
        seed = seed * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(seed >> 24);
    }
}

/* Two paces, two loops in swd.c: what one of them survives, the other need not. */
static void change_pace(int turn)
{
    const char *said = rsp_monitor(rsp, turn % 2 ? "frequency 36M" : "frequency 9M");

    assert_non_null(strstr(said, turn % 2 ? "SWCLK is 18000000 Hz" : "SWCLK is 8"));
}

/* The probe is well: it answers, attaches, and loads 4 KB that are then in the flash. */
static void assert_works(uint32_t seed)
{
    static uint8_t data[4096];
    struct chip *target = rsp->board->target;
    uint32_t page = target->flash_base ? 1024 : 256;

    fill(data, sizeof data, seed);
    assert_true(rsp_attach(rsp));
    assert_true(rsp_load_flash(rsp, target->flash_base + 0x2000, data, sizeof data, page));
    assert_memory_equal(target->flash + 0x2000, data, sizeof data);
}

/* --- packets ----------------------------------------------------------------------- */

static void unknown_packets_get_an_empty_answer(void **state)
{
    (void)state;
    const char *unknown[] = { "qNonsense", "vNonsense:1", "Nonsense", "b", "\x01", "QSet:1" };

    for (unsigned i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        rsp_ask(rsp, "%s", unknown[i]);
        assert_int_equal(rsp->length, 0);
    }
    assert_string_equal(rsp_ask(rsp, "vMustReplyEmpty"), "");
    assert_works(1);
}

static void a_damaged_packet_is_refused_and_its_repetition_executed(void **state)
{
    (void)state;
    assert_true(rsp_attach(rsp));
    assert_true(rsp_write(rsp, 0x20000000, "abcd", 4));
    assert_int_equal(rsp_power_off(rsp), 0);
    rsp = rsp_power_on("samd21");       /* acks are on again */
    rsp_monitor(rsp, "swdp_scan");
    assert_int_equal(rsp_ask(rsp, "vAttach;1")[0], 'T');
    rsp_ask(rsp, "M20000000,4:61626364");
    unsigned naks = rsp->naks;
    rsp_send_raw(rsp, "$M20000000,4:78787878#00", 24);      /* wrong checksum */
    board_run_ms(rsp->board, 20);
    assert_string_equal(rsp_ask(rsp, "m20000000,4"), "61626364");
    assert_int_equal(rsp->naks, naks + 1);
}

static void truncated_packets_and_noise_between_them_are_survived(void **state)
{
    (void)state;
    const char *broken[] = { "$", "$m2000", "$m20000000,4#", "$m20000000,4#1", "$$$$", "}}}#",
                             "$X20000000,4:}", "#00#00", "+++---+", "$vFlashWrite:0:}#" };

    for (unsigned i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        rsp_send_raw(rsp, broken[i], (int)strlen(broken[i]));
        board_run_ms(rsp->board, 5);
        rsp_ask(rsp, "qSupported");
        /* A '$' always starts afresh, so the question is heard whatever came before. */
        assert_non_null(strstr(rsp->reply, "PacketSize="));
    }
    assert_works(2);
}

static void an_oversized_packet_is_swallowed_and_answered(void **state)
{
    (void)state;
    static char big[60000];

    memset(big, 'a', sizeof big);
    memcpy(big, "X20000000,ea00:", 15);
    rsp_send(rsp, big, sizeof big);
    rsp_receive(rsp, 3000);             /* an error or nothing, but not OK */
    assert_string_not_equal(rsp->reply, "OK");
    board_run_ms(rsp->board, 100);
    assert_works(3);
}

static void malformed_arguments_get_an_error_and_change_nothing(void **state)
{
    (void)state;
    const char *bad[] = { "m", "mzz,4", "m20000000", "m20000000,", "M20000000,4:6",
                          "M20000000,4:zz", "M20000000,8:6162", "X20000000,8:ab",
                          "Z1,zz,2", "Z9,0,2", "Z1,20000000",
                          "p", "pzz", "pffff", "P", "P0", "P0=", "P0=12", "Pff=00000000", "G00",
                          "vFlashErase:", "vFlashErase:0", "vFlashErase:zz,100",
                          "vFlashWrite:", "vFlashWrite:zz:a", "vCont;", "vCont;q", "vAttach;",
                          "vAttach;zz", "vAttach;99", "qCRC:", "qCRC:0", "qRcmd,7", "qRcmd,zz",
                          "qXfer:memory-map:read::", "qXfer:features:read:target.xml:zz,10",
                          "qXfer:features:read:nothing.xml:0,10", "qSearch:memory:0",
                          "vCont;r20000000", "Hgzz" };

    assert_true(rsp_attach(rsp));
    assert_true(rsp_write(rsp, 0x20000000, "unharmed", 8));
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        rsp_ask(rsp, "%s", bad[i]);
        bool fine = rsp->length == 0 || rsp->reply[0] == 'E' || rsp->reply[0] == 'l';
        if (!fine && bad[i][0] != 'v' && bad[i][0] != 'H')
            fail_msg("%s was answered with %s", bad[i], rsp->reply);
        if (rsp->reply[0] == 'T' || bad[i][1] == 'A')
            rsp_attach(rsp);
    }
    char back[8];
    assert_true(rsp_read(rsp, 0x20000000, back, 8));
    assert_memory_equal(back, "unharmed", 8);
    assert_works(4);
}

/* Bytes from 0x80 on are print.c's own. */
static void a_command_in_another_alphabet_is_named_without_it(void **state)
{
    (void)state;
    assert_string_equal(rsp_monitor(rsp, "\x80\xFFz"),
                        "No command `??z`: `monitor help` lists them.\n");
}

static void a_storm_of_interrupts_stops_the_target_once(void **state)
{
    (void)state;
    static const uint8_t loop[] = { 0x01, 0x30, 0xFD, 0xE7 };

    assert_true(rsp_attach(rsp));
    assert_true(rsp_write(rsp, 0x20000000, loop, sizeof loop));
    rsp_ask(rsp, "Pf=00000020");
    for (int round = 0; round < 20; round++) {
        char storm[200];
        memset(storm, 3, sizeof storm);
        rsp_send(rsp, "vCont;c:1", 9);
        board_run_ms(rsp->board, 3);
        rsp_send_raw(rsp, storm, sizeof storm);
        assert_true(rsp_receive(rsp, 1000));
        assert_memory_equal(rsp->reply, "T02", 3);
        board_run_ms(rsp->board, 20);
        assert_string_equal(rsp_ask(rsp, "m20000000,4"), "0130fde7");
    }
    assert_works(5);
}

static void a_packet_cut_by_an_unplug_is_forgotten(void **state)
{
    (void)state;
    assert_true(rsp_attach(rsp));
    for (int cut = 0; cut < 8; cut++) {
        rsp_send_raw(rsp, "$X20000000,400:partial partial partial", 10 + 3 * cut);
        board_run_ms(rsp->board, 0.2 * cut);
        usb_host_plug(rsp->board->usb, false);
        board_run_ms(rsp->board, 50);
        usb_host_plug(rsp->board->usb, true);
        assert_true(rsp_plug_in(rsp));
        assert_non_null(strstr(rsp_ask(rsp, "qSupported"), "PacketSize="));
    }
    assert_works(6);
}

static void closing_the_port_in_the_middle_of_a_packet_starts_afresh(void **state)
{
    (void)state;
    assert_true(rsp_attach(rsp));
    rsp_send_raw(rsp, "$m2000", 6);
    board_run_ms(rsp->board, 2);
    cdc_host_open(rsp->cdc, 0, false);
    board_run_ms(rsp->board, 20);
    cdc_host_open(rsp->cdc, 0, true);
    board_run_ms(rsp->board, 20);
    rsp->no_ack = false;
    rsp->raw_length = 0;
    assert_works(7);
}

/* A gdb that was killed has left whole packets behind: the next one must not get answers
 * to them, nor have them executed. */
static void packets_of_a_killed_client_die_with_it(void **state)
{
    (void)state;
    char bytes[256];
    uint8_t zeros[4] = { 0 }, word[4];

    assert_true(rsp_attach(rsp));
    assert_true(rsp_write(rsp, 0x20000000, zeros, 4));
    /* Longer than the probe can be at work with the first of them. */
    rsp_send(rsp, "qSearch:memory:0;20000;Not here at all", 38);
    for (int i = 0; i < 3; i++)
        rsp_send(rsp, "qSupported", 10);
    board_run_ms(rsp->board, 1.5);
    cdc_host_open(rsp->cdc, 0, false);
    board_run_ms(rsp->board, 2500);
    while (cdc_host_read(rsp->cdc, 0, bytes, sizeof bytes) > 0) { }
    cdc_host_open(rsp->cdc, 0, true);
    board_run_ms(rsp->board, 100);
    int n = cdc_host_read(rsp->cdc, 0, bytes, sizeof bytes);
    if (n > 0)
        fail_msg("%d bytes: %.*s", n, n, bytes);
    rsp->no_ack = false;
    rsp->raw_length = 0;
    assert_true(rsp_attach(rsp));
    assert_true(rsp_read(rsp, 0x20000000, word, 4));
    assert_works(8);
}

/* --- memory and flash addresses ------------------------------------------------------ */

static void memory_that_is_not_there_is_an_error_in_words_or_number(void **state)
{
    (void)state;
    assert_true(rsp_attach(rsp));
    assert_int_equal(rsp_ask(rsp, "m30000000,4")[0], 'E');
    assert_int_equal(rsp_ask(rsp, "M30000000,4:00000000")[0], 'E');
    assert_int_equal(rsp_ask(rsp, "m2000fffe,10")[0], 'E');     /* RAM ends at 8000 */
    char word[4];
    assert_true(rsp_read(rsp, 0x20000001, word, 3));            /* unaligned is fine */
    assert_works(8);
}

static void flash_requests_outside_the_flash_are_refused_before_anything_is_erased(void **state)
{
    (void)state;
    static const char *requests[] = { "vFlashErase:30000000,100", "vFlashErase:0003ff00,200",
                                      "vFlashErase:fffffff0,100", "vFlashErase:00000001,100",
                                      "vFlashErase:00000000,ffffffff" };
    struct chip *target = rsp->board->target;

    assert_true(rsp_attach(rsp));
    memset(target->flash, 0x5A, target->flash_size);
    for (unsigned i = 0; i < sizeof requests / sizeof requests[0]; i++)
        assert_int_equal(rsp_ask(rsp, "%s", requests[i])[0], 'E');
    for (uint32_t at = 0; at < target->flash_size; at++)
        assert_int_equal(target->flash[at], 0x5A);
    rsp_ask(rsp, "vFlashWrite:30000000:abcd");
    rsp_ask(rsp, "vFlashDone");
    assert_works(9);
}

/* --- targets that are not there, locked, or go away ------------------------------------- */

static void without_a_target_a_scan_says_what_to_check(void **state)
{
    (void)state;
    board_power_target(rsp->board, false);
    assert_false(rsp_attach(rsp));
    assert_int_not_equal(strlen(rsp->console), 0);
    assert_string_not_equal(rsp->reply, "OK");
    assert_int_equal(rsp_ask(rsp, "vAttach;1")[0], 'E');
    assert_int_equal(rsp_ask(rsp, "m0,4")[0], 'E');
    assert_int_equal(rsp_ask(rsp, "g")[0], 'E');
    board_power_target(rsp->board, true);
    board_run_ms(rsp->board, 50);
    assert_works(10);
}

/* SAMD21: the security bit (NVMCTRL command SSB) refuses the debugger everything but the
 * DSU.  STM32: readout protection.  Either way a load must say so, and one mass erase must
 * give the chip back. */
static void lock_samd21(void)
{
    assert_true(rsp_attach(rsp));
    assert_string_equal(rsp_ask(rsp, "M41004000,2:45a5"), "OK");    /* CTRLA := SSB */
    board_run_ms(rsp->board, 20);
    board_power_target(rsp->board, false);
    board_run_ms(rsp->board, 10);
    board_power_target(rsp->board, true);
    board_run_ms(rsp->board, 50);
}

static void a_locked_chip_says_so_and_a_mass_erase_gives_it_back(void **state)
{
    (void)state;
    static uint8_t data[1024];

    lock_samd21();
    rsp_monitor(rsp, "swdp_scan");
    assert_non_null(strcasestr(rsp->console, "lock"));
    rsp_ask(rsp, "vAttach;1");
    assert_false(rsp_load_flash(rsp, 0, data, sizeof data, 256));
    assert_int_equal(rsp->reply[0], 'E');
    rsp_monitor(rsp, "erase_mass");
    board_run_ms(rsp->board, 200);
    assert_works(20);
}

/* The option bytes: RDP := 0x00 by the sequence of PM0075 2.4.2, typed by the debugger. */
static void write_word(uint32_t address, uint32_t value)
{
    assert_string_equal(rsp_ask(rsp, "M%x,4:%02x%02x%02x%02x", address, value & 255,
                                value >> 8 & 255, value >> 16 & 255, value >> 24), "OK");
    board_run_ms(rsp->board, 50);
}

static void lock_stm32(void)
{
    enum { KEYR = 0x40022004, OPTKEYR = 0x40022008, CR = 0x40022010 };

    assert_true(rsp_attach(rsp));
    write_word(KEYR, 0x45670123);
    write_word(KEYR, 0xCDEF89AB);
    write_word(OPTKEYR, 0x45670123);
    write_word(OPTKEYR, 0xCDEF89AB);
    write_word(CR, 0x220);                                          /* OPTER */
    write_word(CR, 0x260);                                          /* STRT */
    write_word(CR, 0x210);                                          /* OPTPG */
    assert_string_equal(rsp_ask(rsp, "M1ffff800,2:00ff"), "OK");
    board_run_ms(rsp->board, 50);
    board_power_target(rsp->board, false);
    board_run_ms(rsp->board, 10);
    board_power_target(rsp->board, true);
    board_run_ms(rsp->board, 50);
}

static void a_read_protected_stm32_says_so_and_unlock_gives_it_back(void **state)
{
    (void)state;
    static uint8_t data[1024];

    lock_stm32();
    rsp_monitor(rsp, "swdp_scan");
    assert_non_null(strcasestr(rsp->console, "lock"));
    rsp_ask(rsp, "vAttach;1");
    assert_false(rsp_load_flash(rsp, 0x08000000, data, sizeof data, 1024));
    assert_int_equal(rsp->reply[0], 'E');
    rsp_monitor(rsp, "unlock");
    board_power_target(rsp->board, false);
    board_run_ms(rsp->board, 10);
    board_power_target(rsp->board, true);
    board_run_ms(rsp->board, 50);
    assert_works(21);
}

/* Most of a packet of flash data: what follows is answered when it is nearly all written. */
enum { PIECE = 3072 };

static void send_flash_write(const uint8_t *data)
{
    char packet[PIECE + 64];
    int n = snprintf(packet, sizeof packet, "vFlashWrite:%x:", rsp->board->target->flash_base);

    memcpy(packet + n, data, PIECE);
    rsp_send(rsp, packet, n + PIECE);
}

/* A load during which something happens to the wire at 40 different moments.  Erasing is
 * done when the data come, so it is the data that are waited for. */
static void disturb_loads(void (*hurt)(void), void (*mend)(void))
{
    static uint8_t data[8192];
    struct chip *target = rsp->board->target;
    int refused = 0;

    fill(data, sizeof data, 99);
    for (int moment = 0; moment < 40; moment++) {
        change_pace(moment);
        assert_true(rsp_attach(rsp));
        memset(target->flash, 0, sizeof data);      /* to be erased; nothing that runs */
        assert_string_equal(rsp_ask(rsp, "vFlashErase:%08x,00002000", target->flash_base),
                            "OK");
        send_flash_write(data);
        board_run_ms(rsp->board, 0.3 + 5.3 * moment);
        hurt();
        board_run_ms(rsp->board, 30);
        mend();
        board_run_ms(rsp->board, 30);
        assert_true(rsp_receive(rsp, 60000));       /* OK or an error, but an answer */
        if (strcmp(rsp->reply, "OK") != 0 || strcmp(rsp_ask(rsp, "vFlashDone"), "OK") != 0)
            refused++;
        else
            assert_memory_equal(target->flash, data, PIECE);
        if (rsp_load_flash(rsp, target->flash_base, data, sizeof data,
                           target->flash_base ? 1024 : 256))
            assert_memory_equal(target->flash, data, sizeof data);
    }
    assert_true(refused > 0);                       /* the disturbance was one */
}

static void cut_swdio(void) { board_cut(rsp->board, "SWDIO", true); }
static void mend_swdio(void) { board_cut(rsp->board, "SWDIO", false); }
static void target_off(void) { board_power_target(rsp->board, false); }
static void target_on(void) { board_power_target(rsp->board, true); }

static void a_cut_wire_is_reported_and_the_next_load_works(void **state)
{
    (void)state;
    disturb_loads(cut_swdio, mend_swdio);
    assert_works(11);
}

static void target_power_lost_is_reported_and_the_next_load_works(void **state)
{
    (void)state;
    disturb_loads(target_off, target_on);
    assert_works(12);
}

static void a_target_lost_while_it_runs_is_reported(void **state)
{
    (void)state;
    assert_true(rsp_attach(rsp));
    rsp_send(rsp, "vCont;c:1", 9);
    board_run_ms(rsp->board, 50);
    board_power_target(rsp->board, false);
    bool stopped = false;
    while (!stopped && rsp_receive(rsp, 5000))
        stopped = rsp->reply[0] == 'X' || rsp->reply[0] == 'W' || rsp->reply[0] == 'T';
    assert_true(stopped);
    board_power_target(rsp->board, true);
    board_run_ms(rsp->board, 50);
    assert_works(13);
}

/* --- noise ------------------------------------------------------------------------------ */

static void noise_on_swdio_never_makes_a_load_silently_wrong(void **state)
{
    (void)state;
    static uint8_t data[16384];
    struct chip *target = rsp->board->target;
    int good = 0;

    assert_true(board_noise(rsp->board, "SWDIO", 1e-4));
    for (int round = 0; round < 4; round++) {
        change_pace(round);
        fill(data, sizeof data, 1000 + (uint32_t)round);
        if (!rsp_attach(rsp))
            continue;                               /* said so: that is allowed */
        if (!rsp_load_flash(rsp, target->flash_base, data, sizeof data,
                            target->flash_base ? 1024 : 256))
            continue;
        good++;
        assert_memory_equal(target->flash, data, sizeof data);
    }
    assert_true(rsp->board->net[SIG_SWDIO]->flips > 100);       /* there was noise */
    assert_true(good >= 3);                         /* and it is recovered from, not just seen */
    assert_true(board_noise(rsp->board, "SWDIO", 0));
    assert_works(14);
}

/* The loader in the target's RAM is at work when the wire gets bad: the pages on their way
 * are looked at, and made again by hand. */
static void noise_that_begins_in_the_middle_of_a_load_is_survived(void **state)
{
    (void)state;
    static uint8_t data[PIECE];
    struct chip *target = rsp->board->target;
    int good = 0;

    for (int round = 0; round < 8; round++) {
        change_pace(round);
        fill(data, sizeof data, 2000 + (uint32_t)round);
        if (!rsp_attach(rsp))
            continue;
        assert_string_equal(rsp_ask(rsp, "vFlashErase:%08x,1000", target->flash_base), "OK");
        send_flash_write(data);
        board_run_ms(rsp->board, 8 + 17 * round);
        assert_true(board_noise(rsp->board, "SWDIO", 2e-4));
        assert_true(rsp_receive(rsp, 60000));
        if (strcmp(rsp->reply, "OK") == 0 && strcmp(rsp_ask(rsp, "vFlashDone"), "OK") == 0) {
            good++;
            assert_memory_equal(target->flash, data, sizeof data);
        }
        assert_true(board_noise(rsp->board, "SWDIO", 0));
    }
    assert_true(rsp->board->net[SIG_SWDIO]->flips > 100);
    assert_true(good >= 6);
    assert_works(18);
}

/* Parity is one bit: two flips in one word pass unseen, at 1e-4 once in 190,000 words.  A
 * load is read back and so survives even that; a plain read cannot be better than the
 * wire's code.  So the rate here is one at which two flips do not meet. */
static void noise_on_swdio_never_makes_a_read_silently_wrong(void **state)
{
    (void)state;
    static uint8_t data[8192], back[8192];
    int good = 0;

    fill(data, sizeof data, 77);
    assert_true(rsp_attach(rsp));
    assert_true(rsp_write(rsp, 0x20000000, data, sizeof data));
    assert_true(board_noise(rsp->board, "SWDIO", 2e-5));
    for (int round = 0; round < 20; round++) {
        change_pace(round);
        if (rsp_read(rsp, 0x20000000, back, sizeof back)) {
            good++;
            assert_memory_equal(back, data, sizeof data);
        }
    }
    assert_true(rsp->board->net[SIG_SWDIO]->flips > 20);
    assert_true(good >= 19);
    assert_true(board_noise(rsp->board, "SWDIO", 0));
    assert_works(15);
}

/* --- USB ------------------------------------------------------------------------------- */

static void reset_done(void *ctx) { *(bool *)ctx = true; }

static void usb_resets_in_the_middle_of_a_load_are_survived(void **state)
{
    (void)state;
    static uint8_t data[PIECE];

    fill(data, sizeof data, 98);
    for (int moment = 0; moment < 20; moment++) {
        change_pace(moment);
        assert_true(rsp_attach(rsp));
        assert_string_equal(rsp_ask(rsp, "vFlashErase:00000000,00004000"), "OK");
        send_flash_write(data);
        board_run_ms(rsp->board, 0.1 + 3.1 * moment);
        usb_host_plug(rsp->board->usb, false);
        board_run_ms(rsp->board, 1 + moment);
        usb_host_plug(rsp->board->usb, true);
        assert_true(rsp_plug_in(rsp));
    }
    assert_works(16);
}

static void a_bare_bus_reset_returns_the_device_to_the_default_state(void **state)
{
    (void)state;
    bool done = false;

    usb_host_reset_port(rsp->board->usb, reset_done, &done);
    board_run_ms(rsp->board, 30);
    assert_true(done);
    usb_host_plug(rsp->board->usb, false);
    board_run_ms(rsp->board, 5);
    usb_host_plug(rsp->board->usb, true);
    assert_true(rsp_plug_in(rsp));
    assert_works(17);
}

static void suspend_and_resume_in_the_middle_of_a_read_lose_nothing(void **state)
{
    (void)state;
    static uint8_t data[8192], back[8192];

    fill(data, sizeof data, 5);
    assert_true(rsp_attach(rsp));
    assert_true(rsp_write(rsp, 0x20000000, data, sizeof data));
    for (int moment = 0; moment < 10; moment++) {
        change_pace(moment);
        rsp_send(rsp, "m20000000,7f0", 13);
        board_run_ms(rsp->board, 0.2 * moment);
        usb_host_suspend(rsp->board->usb, true);
        board_run_ms(rsp->board, 25);
        usb_host_suspend(rsp->board->usb, false);
        assert_true(rsp_receive(rsp, 5000));
        assert_int_equal(rsp->length, 2 * 0x7f0);
        assert_true(rsp_read(rsp, 0x20000000, back, sizeof back));
        assert_memory_equal(back, data, sizeof data);
    }
    assert_works(18);
}

static void a_host_that_stops_reading_does_not_wedge_the_probe(void **state)
{
    (void)state;
    assert_true(rsp_attach(rsp));
    cdc_host_pause(rsp->cdc, 0, true);
    for (int i = 0; i < 10; i++)
        rsp_send(rsp, "m20000000,7f0", 13);
    board_run_ms(rsp->board, 5000);
    cdc_host_pause(rsp->cdc, 0, false);
    board_run_ms(rsp->board, 200);
    cdc_host_open(rsp->cdc, 0, false);
    board_run_ms(rsp->board, 50);
    cdc_host_open(rsp->cdc, 0, true);
    board_run_ms(rsp->board, 50);
    while (cdc_host_read(rsp->cdc, 0, rsp->raw, sizeof rsp->raw) > 0)
        ;
    rsp->raw_length = 0;
    rsp->no_ack = false;
    assert_works(19);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
#define SAMD21(test) cmocka_unit_test_setup_teardown(test, power_on, power_off)
#define STM32(test) cmocka_unit_test_setup_teardown(test, power_on_stm32, power_off)
#define SAMD21_HURT(test) \
        cmocka_unit_test_setup_teardown(test, power_on, power_off_after_damage)
#define STM32_HURT(test) \
        cmocka_unit_test_setup_teardown(test, power_on_stm32, power_off_after_damage)
        SAMD21(a_command_in_another_alphabet_is_named_without_it),
        SAMD21(unknown_packets_get_an_empty_answer),
        SAMD21(a_damaged_packet_is_refused_and_its_repetition_executed),
        SAMD21(truncated_packets_and_noise_between_them_are_survived),
        SAMD21(an_oversized_packet_is_swallowed_and_answered),
        SAMD21(malformed_arguments_get_an_error_and_change_nothing),
        SAMD21(a_storm_of_interrupts_stops_the_target_once),
        SAMD21(a_packet_cut_by_an_unplug_is_forgotten),
        SAMD21(packets_of_a_killed_client_die_with_it),
        SAMD21(closing_the_port_in_the_middle_of_a_packet_starts_afresh),
        SAMD21(memory_that_is_not_there_is_an_error_in_words_or_number),
        SAMD21(flash_requests_outside_the_flash_are_refused_before_anything_is_erased),
        SAMD21(without_a_target_a_scan_says_what_to_check),
        SAMD21(a_locked_chip_says_so_and_a_mass_erase_gives_it_back),
        STM32(a_read_protected_stm32_says_so_and_unlock_gives_it_back),
        SAMD21_HURT(a_cut_wire_is_reported_and_the_next_load_works),
        STM32_HURT(a_cut_wire_is_reported_and_the_next_load_works),
        SAMD21_HURT(target_power_lost_is_reported_and_the_next_load_works),
        STM32_HURT(target_power_lost_is_reported_and_the_next_load_works),
        SAMD21_HURT(a_target_lost_while_it_runs_is_reported),
        SAMD21_HURT(noise_on_swdio_never_makes_a_load_silently_wrong),
        STM32_HURT(noise_on_swdio_never_makes_a_load_silently_wrong),
        SAMD21_HURT(noise_that_begins_in_the_middle_of_a_load_is_survived),
        STM32_HURT(noise_that_begins_in_the_middle_of_a_load_is_survived),
        SAMD21_HURT(noise_on_swdio_never_makes_a_read_silently_wrong),
        SAMD21(usb_resets_in_the_middle_of_a_load_are_survived),
        SAMD21(a_bare_bus_reset_returns_the_device_to_the_default_state),
        SAMD21(suspend_and_resume_in_the_middle_of_a_read_lose_nothing),
        SAMD21(a_host_that_stops_reading_does_not_wedge_the_probe),
    };
    if (argc > 1)                       /* some of them */
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
