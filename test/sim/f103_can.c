/* f103_can.c - bxCAN of the simulated STM32F103: modes, mailboxes, filters, FIFOs, and the
 * bits of a frame on the pins, with what becomes of them when nobody acknowledges. */
#include "f103_alone.h"

enum {
    CAN = 0x40006400, MCR = CAN + 0x00, MSR = CAN + 0x04, TSR = CAN + 0x08, RF0R = CAN + 0x0C,
    RF1R = CAN + 0x10, IER = CAN + 0x14, ESR = CAN + 0x18, BTR = CAN + 0x1C, TI0R = CAN + 0x180,
    RI0R = CAN + 0x1B0, FMR = CAN + 0x200, FM1R = CAN + 0x204, FS1R = CAN + 0x20C,
    FFA1R = CAN + 0x214, FA1R = CAN + 0x21C, F0R1 = CAN + 0x240,
    INRQ = 1, SLEEP = 2, TXFP = 4, RFLM = 8, NART = 16, AWUM = 32, ABOM = 64, DBF = 1 << 16,
    INAK = 1, SLAK = 2, ERRI = 4, WKUI = 8, SLAKI = 16,
    LOOPBACK = 1 << 30, STD = 21, IDE = 4, RTR = 2, TXRQ = 1,
};
#define SILENT (1u << 31)
/* 8 MHz / (1 x (1 + 6 + 1)): 1 Mbit/s, looked at after 7/8. */
#define TIMING (0u << 20 | 5u << 16)
#define BIT (SIM_US)

static struct pin pull_up, other;

/* PB9 and PB8, tied together: a bus with nobody else on it.  Open drain and a pull-up stand
 * for the transceiver, so that a test may drive it low. */
static void tie(void)
{
    wr(APB2ENR, 0xD);
    wr(AFIO + 4, 2 << 13);
    wr(GPIOB + 4, 0x444444F4);
    outside(&pull_up, "PB8", DRIVE_PULL_UP);
    net_attach(pin("PB8")->net, pin("PB9"), false);
}

static void initialise(uint32_t btr)
{
    wr(APB1ENR, 1 << 25);
    wr(MCR, INRQ);
    wait_for(MSR, INAK);
    wr(BTR, btr | TIMING);
}

static void everything_to_fifo_0(void)
{
    wr(FMR, 1);
    wr(FS1R, 1);
    wr(FA1R, 1);
    wr(FMR, 0);
}

static void leave_init(uint32_t mcr)
{
    wr(MCR, mcr);
    run_us(12);
    assert_int_equal(rd(MSR) & (INAK | SLAK), 0);
}

static void loop(uint32_t mcr)
{
    initialise(LOOPBACK | SILENT);
    everything_to_fifo_0();
    leave_init(mcr);
}

static void send_from(uint32_t box, uint32_t id, uint32_t length, uint32_t low, uint32_t high)
{
    wr(TI0R + 16 * box + 4, length);
    wr(TI0R + 16 * box + 8, low);
    wr(TI0R + 16 * box + 12, high);
    wr(TI0R + 16 * box, id | TXRQ);
}

static void send(uint32_t id) { send_from(0, id, 0, 0, 0); }
static unsigned tec(void) { return rd(ESR) >> 16 & 0xFF; }
static unsigned lec(void) { return rd(ESR) >> 4 & 7; }

/* --- modes -------------------------------------------------------------------------- */

static void registers_come_up_as_the_manual_says(void **state)
{
    static const struct { uint32_t at, value; } rows[] = {
        { MCR, 0x10002 }, { MSR, 0xC02 }, { TSR, 0x1C000000 }, { RF0R, 0 }, { RF1R, 0 },
        { IER, 0 }, { ESR, 0 }, { BTR, 0x01230000 }, { FMR, 0x2A1C0E01 }, { FM1R, 0 },
        { FS1R, 0 }, { FFA1R, 0 }, { FA1R, 0 },
    };
    (void)state;
    wr(APB1ENR, 1 << 25);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(rd(rows[i].at), rows[i].value);
    no_complaints();
}

static void modes_change_with_a_handshake(void **state)
{
    (void)state;
    tie();
    wr(APB1ENR, 1 << 25);
    wr(MCR, INRQ);
    assert_int_equal(rd(MSR) & (INAK | SLAK), INAK);
    wr(BTR, TIMING);
    wr(MCR, 0);
    run_us(10);
    assert_int_equal(rd(MSR) & INAK, INAK);         /* 11 bits have to go by */
    run_us(1.5);
    assert_int_equal(rd(MSR) & (INAK | SLAK), 0);
    wr(MCR, SLEEP);
    assert_int_equal(rd(MSR) & (SLAK | SLAKI), SLAK | SLAKI);
    wr(MSR, SLAKI);
    assert_int_equal(rd(MSR) & (SLAK | SLAKI), SLAK);
    wr(MCR, 1 << 15);                               /* master reset */
    assert_int_equal(rd(MCR), DBF | SLEEP);
    no_complaints();
}

static void init_is_not_left_while_canrx_is_low(void **state)
{
    (void)state;
    tie();
    outside(&other, "PB8", DRIVE_LOW);
    initialise(0);
    wr(MCR, 0);
    run_ms(1);
    assert_int_equal(rd(MSR) & INAK, INAK);
    pin_drive(&other, DRIVE_OPEN);
    run_us(12);
    assert_int_equal(rd(MSR) & INAK, 0);
    no_complaints();
}

static void a_sleeper_wakes_when_the_bus_does(void **state)
{
    (void)state;
    tie();
    initialise(0);
    leave_init(AWUM);
    wr(MCR, AWUM | SLEEP);
    outside(&other, "PB8", DRIVE_LOW);
    assert_int_equal(rd(MSR) & WKUI, WKUI);
    assert_int_equal(rd(MCR) & SLEEP, 0);
    pin_drive(&other, DRIVE_OPEN);
    run_us(12);
    assert_int_equal(rd(MSR) & SLAK, 0);
}

/* --- loopback ----------------------------------------------------------------------- */

static void a_message_comes_back_in_silent_loopback(void **state)
{
    (void)state;
    tie();
    watch_edges("PB9");
    loop(0);
    send_from(1, 0x123u << STD, 5, 0x44332211, 0x55);
    assert_int_equal(rd(TSR) >> 26 & 7, 5);         /* TME1 is gone */
    assert_int_equal(rd(TI0R + 16) & TXRQ, TXRQ);
    run_us(110);
    assert_int_equal(rd(TSR), 0x1C000000 | 3 << 8); /* TXOK1, RQCP1 */
    assert_int_equal(rd(RF0R), 1);
    assert_int_equal(rd(RI0R), 0x123u << STD);
    assert_int_equal(rd(RI0R + 4), 5);
    assert_int_equal(rd(RI0R + 8), 0x44332211);
    assert_int_equal(rd(RI0R + 12), 0x55);
    wr(RF0R, 1 << 5);
    assert_int_equal(rd(RF0R), 0);
    wr(TSR, 1 << 8);                                /* RQCP1 takes TXOK1 with it */
    assert_int_equal(rd(TSR), 0x1C000000);
    assert_int_equal(edges, 0);                     /* and nothing on the pin */
    no_complaints();
}

static void extended_and_remote_frames_come_back_as_such(void **state)
{
    (void)state;
    loop(0);
    send(0x12345678u << 3 | IDE | RTR);
    run_us(110);
    assert_int_equal(rd(RI0R), 0x12345678u << 3 | IDE | RTR);
    wr(RF0R, 1 << 5);
    send_from(2, 0x7FFu << STD | RTR, 8, 1, 2);
    run_us(110);
    assert_int_equal(rd(RI0R), 0x7FFu << STD | RTR);
    assert_int_equal(rd(RI0R + 4), 8);
    no_complaints();
}

/* What a bus analyser would show, computed from CAN 2.0 by hand. */
static void assert_frame_on_pin(const char *bits)
{
    sim_time from = edge_at[0];
    int n = 0, now = 0;
    for (int i = 0; bits[i]; i++) {
        sim_time middle = from + (sim_time)i * BIT + BIT / 2;
        while (n + 1 < edges && edge_at[n + 1] < middle)
            now = edge_to[++n];
        if (bits[i] - '0' != now)
            fail_msg("bit %d of %s is %d", i, bits, now);
    }
}

static void loopback_shows_the_frame_on_cantx(void **state)
{
    static const struct { uint32_t id, length, data; const char *bits; } rows[] = {
        { 0x555u << STD, 0, 0, "01010101010100000100110011101001100" },
        { 0, 1, 0, "0000010000010000010001000001000100010000100110" },
        { 0x7FFu << STD, 2, 0x55FF, "01111101111101000001101111101110101010111110100000100001" },
        { 0x12345678u << 3 | IDE, 1, 0xA5,
          "0100100011011100010101100111100000100001101001011111001010010010" },
    };
    (void)state;
    tie();
    initialise(LOOPBACK);
    leave_init(0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        watch_edges("PB9");
        sim_time from = sim->now;
        send_from(0, rows[i].id, rows[i].length, rows[i].data, 0);
        run_us(150);
        assert_frame_on_pin(rows[i].bits);
        net_unwatch(pin("PB9")->net, NULL);
        assert_true(sim->now > from);
        wr(TSR, 1);
    }
    no_complaints();
}

static void nothing_passes_without_an_active_filter(void **state)
{
    (void)state;
    initialise(LOOPBACK | SILENT);
    leave_init(0);
    send(0x123u << STD);
    run_us(100);
    assert_int_equal(rd(TSR) & 3, 3);
    assert_int_equal(rd(RF0R) | rd(RF1R), 0);
    no_complaints();
}

/* --- mailboxes ---------------------------------------------------------------------- */

static uint32_t next_received(void)
{
    uint32_t id = rd(RI0R);
    assert_true(rd(RF0R) & 3);
    wr(RF0R, 1 << 5);
    return id;
}

static void three_requests(void)
{
    send_from(0, 0x300u << STD, 0, 0, 0);           /* under way at once */
    send_from(1, 0x200u << STD | IDE, 0, 0, 0);
    send_from(2, 0x200u << STD, 0, 0, 0);
    assert_int_equal(rd(TSR) >> 26, 0 | 1 << 3);    /* none empty; LOW0 */
    assert_int_equal(rd(TSR) >> 24 & 3, 0);
    run_us(300);
}

static void the_strongest_identifier_goes_first(void **state)
{
    (void)state;
    loop(0);
    three_requests();
    assert_int_equal(next_received(), 0x300u << STD);
    assert_int_equal(next_received(), 0x200u << STD);
    assert_int_equal(next_received(), 0x200u << STD | IDE);
    assert_int_equal(rd(TSR), 0x1C030303);
    no_complaints();
}

static void with_txfp_requests_go_in_order(void **state)
{
    (void)state;
    loop(TXFP);
    send_from(2, 0x300u << STD, 0, 0, 0);
    send_from(1, 0x200u << STD, 0, 0, 0);
    send_from(0, 0x100u << STD, 0, 0, 0);
    run_us(300);
    assert_int_equal(next_received(), 0x300u << STD);
    assert_int_equal(next_received(), 0x200u << STD);
    assert_int_equal(next_received(), 0x100u << STD);
    no_complaints();
}

static void a_request_can_be_taken_back(void **state)
{
    (void)state;
    loop(0);
    send_from(0, 0x300u << STD, 0, 0, 0);
    send_from(1, 0x200u << STD, 0, 0, 0);
    wr(TSR, 1 << 15);                               /* ABRQ1: not begun */
    assert_int_equal(rd(TSR) >> 8 & 0xFF, 1);
    wr(TSR, 1 << 7);                                /* ABRQ0: too late */
    run_us(100);
    assert_int_equal(rd(TSR) & 0xFF, 3);
    assert_int_equal(rd(RF0R) & 3, 1);
    wr(TI0R + 8, 7);
    send(0x300u << STD);
    wr(TI0R + 8, 8);
    assert_said(SIM_FORGIVEN, "transmit mailbox 0 written while it is not empty");
    assert_int_equal(rd(TI0R + 8), 0);
    no_complaints();
}

/* --- FIFOs -------------------------------------------------------------------------- */

static void fill(int messages)
{
    for (uint32_t i = 1; i <= (uint32_t)messages; i++) {
        send(i << STD);
        run_us(100);
    }
}

static void a_fourth_message_replaces_the_third(void **state)
{
    (void)state;
    loop(0);
    fill(3);
    assert_int_equal(rd(RF0R), 3 | 1 << 3);         /* FULL */
    fill(4);
    assert_int_equal(rd(RF0R), 3 | 1 << 3 | 1 << 4);
    wr(RF0R, 3 << 3);
    assert_int_equal(rd(RF0R), 3);
    assert_int_equal(next_received(), 1u << STD);
    assert_int_equal(next_received(), 2u << STD);
    assert_int_equal(next_received(), 4u << STD);
    no_complaints();
}

static void a_locked_fifo_keeps_the_third(void **state)
{
    (void)state;
    loop(RFLM);
    fill(4);
    assert_int_equal(rd(RF0R) & 0x1F, 3 | 1 << 3 | 1 << 4);
    next_received();
    next_received();
    assert_int_equal(next_received(), 3u << STD);
    no_complaints();
}

/* --- filters ------------------------------------------------------------------------ */

static void bank(uint32_t n, uint32_t r1, uint32_t r2)
{
    wr(F0R1 + 8 * n, r1);
    wr(F0R1 + 8 * n + 4, r2);
}

static uint32_t short_form(uint32_t std) { return std << 5; }

/* Which FIFO and which filter: -1 none, else 100 * FIFO + FMI. */
static int passes(uint32_t id)
{
    send(id);
    run_us(150);
    int result = -1;
    for (uint32_t fifo = 0; fifo < 2; fifo++)
        if (rd(RF0R + 4 * fifo) & 3) {
            assert_int_equal(rd(RI0R + 16 * fifo), id);
            result = (int)(100 * fifo + (rd(RI0R + 16 * fifo + 4) >> 8));
            wr(RF0R + 4 * fifo, 1 << 5);
        }
    return result;
}

static void filters_are_numbered_by_fifo_and_ranked_by_kind(void **state)
{
    (void)state;
    initialise(LOOPBACK | SILENT);
    wr(FMR, 1);
    wr(FM1R, 1 << 1 | 1 << 3 | 1 << 5);             /* 1, 3, 5: lists */
    wr(FS1R, 1 << 0 | 1 << 1 | 1 << 4);             /* 0, 1, 4: 32 bits */
    wr(FFA1R, 1 << 2 | 1 << 5);
    bank(0, 0x100u << STD, 0x700u << STD);          /* FIFO 0, filter 0 */
    bank(1, 0x123u << STD, 0x1234567u << 3 | IDE);  /* 1 and 2 */
    bank(2, 0xFFE0u << 16 | short_form(0x200),      /* FIFO 1: 0, masks; all of STID */
         0xE000u << 16 | short_form(0x300));        /* 1; the first three bits of it */
    bank(3, short_form(0x201) << 16 | short_form(0x202),        /* 3, 4, 5, 6 of FIFO 0 */
         (short_form(0x203) | 1 << 4) << 16 | short_form(0x204));
    bank(4, 0x400u << STD, 0x700u << STD | RTR);    /* 7, not active; data frames only */
    bank(5, short_form(0x500) << 16 | short_form(0x501),
         short_form(0x123) << 16 | short_form(0x502));
    bank(6, 0, 0);
    wr(FA1R, 0x2F);
    wr(FMR, 0);
    leave_init(0);
    assert_int_equal(passes(0x1FFu << STD), 0);
    assert_int_equal(passes(0x123u << STD), 1);     /* list before mask, 32 before 16 */
    assert_int_equal(passes(0x1234567u << 3 | IDE), 2);
    assert_int_equal(passes(0x1234566u << 3 | IDE), -1);
    assert_int_equal(passes(0x200u << STD), 100);
    assert_int_equal(passes(0x201u << STD), 4);
    assert_int_equal(passes(0x202u << STD), 3);
    assert_int_equal(passes(0x203u << STD), -1);    /* its entry is for remote frames */
    assert_int_equal(passes(0x203u << STD | RTR), 6);
    assert_int_equal(passes(0x3ABu << STD), 101);
    assert_int_equal(passes(0x401u << STD), -1);
    assert_int_equal(passes(0x502u << STD), 104);
    wr(FA1R, 0x3F);
    assert_int_equal(passes(0x401u << STD), 7);
    assert_int_equal(passes(0x401u << STD | RTR), -1);
    no_complaints();
}

static void filters_are_closed_while_they_work(void **state)
{
    (void)state;
    loop(0);
    wr(FS1R, 0);
    assert_said(SIM_FORGIVEN, "a filter register written while FINIT is 0: ignored");
    assert_int_equal(rd(FS1R), 1);
    wr(F0R1, 1);
    assert_said(SIM_FORGIVEN, "FINIT is 0 and the bank is active");
    assert_int_equal(rd(F0R1), 0);
    wr(F0R1 + 8, 5);                                /* bank 1 is not active */
    assert_int_equal(rd(F0R1 + 8), 5);
    no_complaints();
}

/* --- the bus ------------------------------------------------------------------------ */

static void without_an_acknowledge_the_sender_gets_passive_and_goes_on(void **state)
{
    (void)state;
    tie();
    initialise(0);
    leave_init(0);
    wr(IER, 1 << 15 | 1 << 8);                      /* ERRIE, EWGIE */
    send(0x555u << STD);
    run_us(45);
    assert_int_equal(tec(), 8);
    assert_int_equal(lec(), 3);
    assert_int_equal(rd(TSR), 0x18000000 | 1 << 24 | 8);    /* TERR0, still pending */
    assert_int_equal(rd(MSR) & ERRI, 0);
    run_ms(0.7);
    assert_int_equal(rd(ESR) & 7, 1);               /* EWGF */
    assert_int_equal(rd(MSR) & ERRI, ERRI);
    assert_true(rd(0xE000E200) & 1 << 22);          /* SCE */
    run_ms(20);
    assert_int_equal(tec(), 128);
    assert_int_equal(rd(ESR) & 7, 3);               /* EPVF, never BOFF */
    assert_int_equal(rd(TSR) >> 26 & 1, 0);
    no_complaints();
}

static void with_nart_there_is_one_attempt(void **state)
{
    (void)state;
    tie();
    initialise(0);
    leave_init(NART);
    send(0x555u << STD);
    run_us(100);
    assert_int_equal(rd(TSR), 0x1C000000 | 1 | 8);  /* RQCP0, TERR0 */
    assert_int_equal(tec(), 8);
    no_complaints();
}

static void an_acknowledge_makes_it_good(void **state)
{
    (void)state;
    tie();
    initialise(0);
    outside(&other, "PB8", DRIVE_OPEN);
    leave_init(NART);
    send(0x555u << STD);
    run_us(36.2);                                   /* 35 bits and the CRC delimiter */
    pin_drive(&other, DRIVE_LOW);
    run_us(1);
    pin_drive(&other, DRIVE_OPEN);
    run_us(20);
    assert_int_equal(rd(TSR), 0x1C000000 | 3);
    assert_int_equal(tec(), 0);
    assert_int_equal(lec(), 0);
    no_complaints();
}

static void a_canrx_that_does_not_follow_ends_in_bus_off(void **state)
{
    (void)state;
    wr(APB2ENR, 0xD);
    wr(AFIO + 4, 2 << 13);
    wr(GPIOB + 4, 0x444444B4);
    outside(&pull_up, "PB8", DRIVE_PULL_UP);
    initialise(0);
    leave_init(0);
    send(0x555u << STD);
    run_us(2);
    assert_int_equal(lec(), 5);                     /* dominant */
    run_ms(2);
    assert_int_equal(rd(ESR) & 7, 7);
    assert_int_equal(rd(TSR) >> 26 & 1, 0);
    run_ms(5);
    assert_int_equal(rd(ESR) & 4, 4);               /* it stays there */
    wr(MCR, INRQ);
    wr(MCR, 0);
    run_ms(1.3);
    assert_int_equal(rd(ESR) & 4, 4);
    run_ms(0.2);                                    /* 128 x 11 bits */
    assert_int_equal(rd(ESR) & 4, 0);
    no_complaints();
}

static void abom_comes_back_from_bus_off_by_itself(void **state)
{
    (void)state;
    wr(APB2ENR, 0xD);
    wr(AFIO + 4, 2 << 13);
    wr(GPIOB + 4, 0x444444B4);
    outside(&pull_up, "PB8", DRIVE_PULL_UP);
    initialise(0);
    leave_init(ABOM);
    send(0x555u << STD);
    run_ms(1);
    assert_int_equal(rd(ESR) & 4, 4);
    wr(TSR, 1 << 7);
    run_ms(1.5);
    assert_int_equal(rd(ESR) & 0xFF0007, 0);
    no_complaints();
}

static void silent_mode_does_not_send(void **state)
{
    (void)state;
    tie();
    initialise(SILENT);
    leave_init(0);
    watch_edges("PB9");
    send(0x555u << STD);
    run_ms(1);
    assert_int_equal(edges, 0);
    assert_int_equal(rd(TSR) >> 26 & 1, 0);
    no_complaints();
}

/* --- interrupts, reports ------------------------------------------------------------ */

static void each_line_has_its_causes(void **state)
{
    (void)state;
    loop(0);
    wr(IER, 1 | 1 << 1);                            /* TMEIE, FMPIE0 */
    send(0x123u << STD);
    assert_int_equal(rd(0xE000E200) >> 19 & 15, 0);
    run_us(100);
    assert_int_equal(rd(0xE000E200) >> 19 & 15, 3);
    wr(TSR, 1);
    wr(RF0R, 1 << 5);
    wr(0xE000E280, 15 << 19);
    assert_int_equal(rd(0xE000E200) >> 19 & 15, 0);
    wr(FMR, 1);
    wr(FFA1R, 1);
    wr(FMR, 0);
    wr(IER, 1 << 4);
    send(0x123u << STD);
    run_us(100);
    assert_int_equal(rd(0xE000E200) >> 19 & 15, 4);
    no_complaints();
}

static void btr_is_for_initialization_mode(void **state)
{
    (void)state;
    loop(0);
    wr(BTR, 0x00050003);
    assert_said(SIM_FORGIVEN, "BTR written outside of initialization mode");
    assert_int_equal(rd(BTR), LOOPBACK | SILENT | TIMING);
}

static void usb_and_can_at_once_are_reported(void **state)
{
    (void)state;
    wr(APB1ENR, 1 << 25 | 1 << 23);
    loop(0);
    no_complaints();
    wr(APB1ENR, 1 << 25 | 1 << 23);
    wr(0x40005C40, 1);                              /* USB_CNTR: PDWN cleared */
    assert_said(SIM_RULE, "USB and bxCAN are both on");
}

static void frames_of_others_are_not_modelled_and_that_is_said(void **state)
{
    (void)state;
    tie();
    initialise(0);
    leave_init(0);
    outside(&other, "PB8", DRIVE_LOW);
    assert_said(SIM_UNMODELLED, "bxCAN: a frame of another node");
    wr(MCR, 1 << 7);
    assert_said(SIM_UNMODELLED, "bxCAN: time triggered mode");
}

static void a_program_tests_itself(void **state)
{
    (void)state;
    start_program("can_loopback");
    assert_int_equal(verdict(50), 0);
    no_complaints();
}

static const struct CMUnitTest tests[] = {
    T(registers_come_up_as_the_manual_says),
    T(modes_change_with_a_handshake),
    T(init_is_not_left_while_canrx_is_low),
    T(a_sleeper_wakes_when_the_bus_does),
    T(a_message_comes_back_in_silent_loopback),
    T(extended_and_remote_frames_come_back_as_such),
    T(loopback_shows_the_frame_on_cantx),
    T(nothing_passes_without_an_active_filter),
    T(the_strongest_identifier_goes_first),
    T(with_txfp_requests_go_in_order),
    T(a_request_can_be_taken_back),
    T(a_fourth_message_replaces_the_third),
    T(a_locked_fifo_keeps_the_third),
    T(filters_are_numbered_by_fifo_and_ranked_by_kind),
    T(filters_are_closed_while_they_work),
    T(without_an_acknowledge_the_sender_gets_passive_and_goes_on),
    T(with_nart_there_is_one_attempt),
    T(an_acknowledge_makes_it_good),
    T(a_canrx_that_does_not_follow_ends_in_bus_off),
    T(abom_comes_back_from_bus_off_by_itself),
    T(silent_mode_does_not_send),
    T(each_line_has_its_causes),
    T(btr_is_for_initialization_mode),
    T(usb_and_can_at_once_are_reported),
    T(frames_of_others_are_not_modelled_and_that_is_said),
    T(a_program_tests_itself),
};

int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("f103_can", tests, NULL, NULL);
}
