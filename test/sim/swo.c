/* swo.c - does what a running chip tells come out of its pin SWO as the manuals have it?
 *
 * An STM32F103 at 8 MHz; the host of test/lib/bitbang.h sets its trace up over the wire, and
 * a receiver of this file's own reads PB3: edges, bits, bytes.  Packets are given as bytes.
 *
 * Sources: Armv7-M ARM (DDI 0403E) C1.7, C1.8, C1.10, D4; Cortex-M3 TRM r1p1 11.5, 15, 17;
 * CoreSight components TRM (DDI 0314) 10; RM0008 31.4.2, 31.16.3, 31.17. */
#include "bitbang.h"
#include "vcd.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { DHCSR = 0xE000EDF0, DCRSR = 0xE000EDF4, DCRDR = 0xE000EDF8, DEMCR = 0xE000EDFC };
enum { DEBUGEN = 1, HALT = 2, S_SLEEP = 1 << 18, TRCENA = 1 << 24 };
enum { ITM = 0xE0000000, TER = 0xE0000E00, TPR = 0xE0000E40, TCR = 0xE0000E80,
       LAR = 0xE0000FB0, LSR = 0xE0000FB4 };
enum { ITMENA = 1, TSENA = 2, SYNCENA = 4, DWTENA = 8, BUSY = 1 << 23 };
enum { DWT = 0xE0001000, CYCCNT = DWT + 4, CPICNT = DWT + 8, EXCCNT = DWT + 12,
       SLEEPCNT = DWT + 16, LSUCNT = DWT + 20, FOLDCNT = DWT + 24, PCSR = DWT + 28,
       COMP0 = DWT + 32, MASK0 = COMP0 + 4, FUNCTION0 = COMP0 + 8 };
enum { CYCCNTENA = 1, CYCTAP = 1 << 9, SYNCTAP_24 = 1 << 10, PCSAMPLENA = 1 << 12,
       EXCTRCENA = 1 << 16, CPIEVTENA = 1 << 17, EXCEVTENA = 1 << 18, SLEEPEVTENA = 1 << 19,
       LSUEVTENA = 1 << 20, FOLDEVTENA = 1 << 21, CYCEVTENA = 1 << 22 };
enum { CSPSR = 0xE0040004, ACPR = 0xE0040010, SPPR = 0xE00400F0, FFCR = 0xE0040304,
       CLAIMSET = 0xE0040FA0, CLAIMCLR = 0xE0040FA4 };
enum { DBGMCU_CR = 0xE0042004, DBG_SLEEP = 1, DBG_STOP = 2, TRACE_IOEN = 1 << 5, TRACE_MODE_1 = 1 << 6 };
enum { TRACECONFIG = 0x4000055C };
enum { RCC_AHBENR = 0x40021014, RCC_APB2ENR = 0x40021018, AFIO_MAPR = 0x40010004,
       JTAG_OFF = 2 << 24 };
enum { SCR = 0xE000ED10, SLEEPDEEP = 4, ICSR = 0xE000ED04, SHPR3 = 0xE000ED20, SYST_CSR = 0xE000E010, SYST_RVR = 0xE000E014,
       SYST_CVR = 0xE000E018 };
enum { PC = 15 };

#define CYCLE (125 * SIM_NS)            /* at 8 MHz */
#define BIT   (8 * CYCLE)               /* with ACPR = 7: 1 Mbaud */

enum { LOOP = 0x08000040, COUNT = 0x08000044, STORE = 0x08000050, SLEEP = 0x08000060,
       SVC = 0x08000068, TEXT = 0x08000070, TWICE = 0x08000078, TICK = 0x080000A0, CELL = 0x20000100 };

static const uint16_t program[] = {
    [0x00 / 2] = 0x1000, 0x2000,            /* SP 0x20001000 */
    [0x04 / 2] = 0x0041, 0x0800,            /* reset */
    [0x2C / 2] = 0x00A1, 0x0800,            /* SVCall */
    [0x38 / 2] = 0x00A1, 0x0800,            /* PendSV */
    [0x3C / 2] = 0x00A1, 0x0800,            /* SysTick */
    [0x40 / 2] = 0xE7FE,                    /* loop:  b    . */
    [0x44 / 2] = 0x3401, 0xE7FD,            /* count: adds r4, #1;  b count */
    [0x50 / 2] = 0x6008, 0x680A, 0x700B,    /* store: str r0, [r1]; ldr r2, [r1]; strb r3, [r1] */
                 0x880A, 0xE7FE,            /*        ldrh r2, [r1];  b . */
    [0x60 / 2] = 0xBF30, 0xE7FD,            /* sleep: wfi;  b sleep */
    [0x68 / 2] = 0xDF00, 0xE7FE,            /*        svc 0;  b . */
    [0x70 / 2] = 0x6008, 0x6008, 0x6008,    /* text:  str r0, [r1] x 3;  b . */
                 0xE7FE,
    [0x78 / 2] = 0x7008,                    /* twice: strb r0, [r1] */
                 0x2264,                    /*        movs r2, #100 */
                 0x3A01, 0xD1FD,            /*        subs r2, #1;  bne . - 2 */
                 0x7008, 0xE7FE,            /*        strb r0, [r1];  b . */
    [0xA0 / 2] = 0x4770,                    /*        bx lr */
};

/* --- the receiver ------------------------------------------------------------------- */

enum { MAX_EDGES = 40000, MAX_BYTES = 4096 };
static struct { sim_time at; int level; } edge[MAX_EDGES];
static int edges;
static uint8_t byte[MAX_BYTES];
static sim_time byte_at[MAX_BYTES];             /* of its start bit */
static int bytes;

static void see(void *ctx, const struct net *net)
{
    struct host *host = ctx;
    if (edges < MAX_EDGES) {
        edge[edges].at = host->sim->now;
        edge[edges++].level = net->level;
    }
}

static int level_at(sim_time t)
{
    int low = 0, high = edges;
    while (low < high) {
        int middle = (low + high) / 2;
        if (edge[middle].at <= t)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? edge[low - 1].level : LEVEL_OPEN;
}

/* Bytes of NRZ: a fall, eight bits in the middle of their time, and the stop bit. */
static void receive(sim_time bit)
{
    sim_time from = 0;
    bytes = 0;
    for (int i = 0; i < edges; i++) {
        if (edge[i].level != LEVEL_LOW || edge[i].at < from)
            continue;
        sim_time start = edge[i].at;
        unsigned value = 0;
        for (unsigned n = 0; n < 8; n++)
            value |= (unsigned)(level_at(start + (n + 1) * bit + bit / 2) == LEVEL_HIGH) << n;
        assert_int_equal(level_at(start + 9 * bit + bit / 2), LEVEL_HIGH);
        byte_at[bytes] = start;
        byte[bytes++] = (uint8_t)value;
        from = start + 9 * bit + bit / 2;
    }
}

static void assert_bytes(int from, const uint8_t *expected, int count)
{
    for (int i = 0; i < count; i++)
        if (from + i >= bytes || byte[from + i] != expected[i])
            fail_msg("byte %d of %d is %02X, not %02X", from + i, bytes,
                     from + i < bytes ? byte[from + i] : 0, expected[i]);
}

#define HEARD(...) do { \
        static const uint8_t expected_[] = { __VA_ARGS__ }; \
        receive(BIT); \
        assert_bytes(0, expected_, sizeof expected_); \
        assert_int_equal(bytes, sizeof expected_); \
    } while (0)

static void heard_nothing(void) { receive(BIT); assert_int_equal(bytes, 0); }

/* --- the host ----------------------------------------------------------------------- */

static uint32_t get(struct host *host, uint32_t address)
{
    uint32_t word = 0;
    assert_int_equal(host_read_word(host, address, &word), ACK_OK);
    return word;
}

static void put(struct host *host, uint32_t address, uint32_t word)
{
    assert_int_equal(host_write_word(host, address, word), ACK_OK);
}

static void put_register(struct host *host, uint32_t number, uint32_t value)
{
    put(host, DCRDR, value);
    put(host, DCRSR, number | 1 << 16);
}

static uint32_t get_register(struct host *host, uint32_t number)
{
    put(host, DCRSR, number);
    return get(host, DCRDR);
}

static void halt(struct host *host) { put(host, DHCSR, 0xA05F0000 | DEBUGEN | HALT); }

static void run_from(struct host *host, uint32_t address)
{
    halt(host);
    put_register(host, PC, address);
    put(host, DHCSR, 0xA05F0000 | DEBUGEN);
}

/* A store of the program's, at this moment. */
static void tell(struct host *host, int port, uint32_t value, int width)
{
    assert_true(bus_write(host->chip->bus, BUS_DATA, ITM + 4 * (uint32_t)port, width, value));
}

static void wait_us(struct host *host, int us) { host_wait(host, (sim_time)us * SIM_US); }

static void listen(struct host *host)
{
    edges = 0;
    see(host, host->tdo);
}

static void protocol(struct host *host, uint32_t sppr, uint32_t acpr, uint32_t ffcr)
{
    put(host, SPPR, sppr);
    put(host, ACPR, acpr);
    put(host, FFCR, ffcr);
}

static void open_itm(struct host *host, uint32_t tcr)
{
    put(host, LAR, 0xC5ACCE55);
    put(host, TER, UINT32_MAX);
    put(host, TCR, tcr);
}

static int power_on(void **state)
{
    struct host *host = host_new(program, sizeof program);
    *state = host;
    net_attach(host->tdo, host->chip->pin(host->chip, "PB3"), true);
    net_watch(host->tdo, see, host);
    if (host_connect(host) != 0x1BA01477)
        return -1;
    put(host, DEMCR, TRCENA);
    return 0;
}

/* NRZ at 1 Mbaud, formatter off, all ports on, the core halted. */
static int ready(void **state)
{
    if (power_on(state))
        return -1;
    struct host *host = *state;
    halt(host);
    put(host, DBGMCU_CR, TRACE_IOEN);
    protocol(host, 2, 7, 0x100);
    open_itm(host, 0x10000 | ITMENA | DWTENA);
    listen(host);
    return 0;
}

static int power_off(void **state)
{
    struct host *host = *state;
    assert_null(strstr(host->problems, "unmodelled"));
    host_free(host);
    return 0;
}

/* --- the pin ------------------------------------------------------------------------ */

static void pin_is_swo_only_with_trace_ioen_in_asynchronous_mode(void **state)
{
    struct host *host = *state;
    put(host, DBGMCU_CR, 0);
    assert_int_equal(host->tdo->level, LEVEL_OPEN);
    put(host, DBGMCU_CR, TRACE_IOEN | TRACE_MODE_1);
    assert_int_equal(host->tdo->level, LEVEL_OPEN);
    put(host, DBGMCU_CR, TRACE_IOEN);
    assert_int_equal(host->tdo->level, LEVEL_HIGH);
    put(host, SPPR, 1);
    assert_int_equal(host->tdo->level, LEVEL_LOW);
}

static void jtag_keeps_its_tdo_and_swd_gives_it_to_swo(void **state)
{
    struct host *host = *state;
    host_send(host, UINT64_MAX, 56);
    host_send(host, 0xE73C, 16);
    assert_int_equal(host->tdo->level, LEVEL_OPEN);
    for (int i = 0; i < 6; i++)
        jtag_clock(host, 1, 0);
    jtag_clock(host, 0, 0);
    assert_int_equal(jtag_scan(host, false, 0, 32), 0x3BA00477);
    host_jtag_to_swd(host);
    assert_int_equal(host->tdo->level, LEVEL_HIGH);
    assert_null(strstr(host->problems, "fight"));
}

static void without_a_debugger_the_program_has_to_take_jtag_away(void **state)
{
    struct host *host = *state;
    struct bus *bus = host->chip->bus;
    host_send(host, UINT64_MAX, 56);
    host_send(host, 0xE73C, 16);
    bus_write(bus, BUS_DATA, RCC_APB2ENR, 4, 1);
    bus_write(bus, BUS_DATA, AFIO_MAPR, 4, 1 << 24);
    assert_int_equal(host->tdo->level, LEVEL_OPEN);
    bus_write(bus, BUS_DATA, AFIO_MAPR, 4, JTAG_OFF);
    assert_int_equal(host->tdo->level, LEVEL_HIGH);
    listen(host);
    tell(host, 0, 'x', 1);
    wait_us(host, 50);
    HEARD(0x01, 'x');
}

static void trace_set_up_lives_through_a_reset_and_not_through_power_off(void **state)
{
    struct host *host = *state;
    host->chip->reset(host->chip, RESET_PIN);
    wait_us(host, 1000);
    listen(host);
    tell(host, 0, 'r', 1);
    wait_us(host, 50);
    HEARD(0x01, 'r');
    host->chip->power(host->chip, false);
    host->chip->power(host->chip, true);
    wait_us(host, 10000);
    host_connect(host);
    assert_int_equal(get(host, FFCR), 0x102);
    assert_int_equal(get(host, SPPR), 1);
    put(host, DEMCR, TRCENA);
    assert_int_equal(get(host, TCR), 0);
    assert_int_equal(get(host, LSR), 3);
}

/* --- NRZ, Manchester, frames -------------------------------------------------------- */

static void a_bit_takes_acpr_plus_1_cycles_exactly(void **state)
{
    static const int runs[] = { 1, 1, 7, 1, 1, 2, 2, 1, 1, 1, 1 };  /* 01, then 53 */
    struct host *host = *state;
    for (uint32_t acpr = 0; acpr < 100; acpr += 33) {
        put(host, ACPR, acpr);
        wait_us(host, 10);
        listen(host);
        tell(host, 0, 0x53, 1);
        host_wait(host, 40 * (acpr + 1) * CYCLE);
        assert_int_equal(edges, 1 + 12);
        sim_time at = edge[1].at;
        assert_int_equal(at % ((acpr + 1) * CYCLE), 0);
        for (int i = 0; i < 11; i++, at = edge[1 + i].at)
            assert_int_equal(edge[2 + i].at - at, (sim_time)runs[i] * (acpr + 1) * CYCLE);
    }
}

static void bytes_follow_each_other_without_a_gap(void **state)
{
    struct host *host = *state;
    tell(host, 0, 0x55AA00FF, 4);
    wait_us(host, 100);
    HEARD(0x03, 0xFF, 0x00, 0xAA, 0x55);
    for (int i = 1; i < bytes; i++)
        assert_int_equal(byte_at[i] - byte_at[i - 1], 10 * BIT);
}

static void the_line_follows_the_cores_clock(void **state)
{
    struct host *host = *state;
    put(host, 0x40021004, 8 << 4);              /* CFGR.HPRE: HCLK = 4 MHz */
    listen(host);
    tell(host, 0, 'c', 1);
    wait_us(host, 100);
    receive(2 * BIT);
    assert_bytes(0, (const uint8_t[]){ 1, 'c' }, 2);
}

/* A start bit of 1 and two bytes, 1 is high-low; then low. */
static void manchester_has_a_start_bit_and_two_units_a_bit(void **state)
{
    static const uint8_t sent[] = { 0x01, 0xA5 };
    struct host *host = *state;
    put(host, SPPR, 1);
    wait_us(host, 10);
    listen(host);
    assert_int_equal(host->tdo->level, LEVEL_LOW);
    tell(host, 0, sent[1], 1);
    wait_us(host, 100);
    sim_time start = edge[1].at;
    for (unsigned i = 0; i < 17; i++) {
        int bit = i == 0 ? 1 : sent[(i - 1) / 8] >> (i - 1) % 8 & 1;
        assert_int_equal(level_at(start + 2 * i * BIT + BIT / 2), bit);
        assert_int_equal(level_at(start + (2 * i + 1) * BIT + BIT / 2), !bit);
    }
    for (unsigned i = 34; i < 60; i++)
        assert_int_equal(level_at(start + i * BIT + BIT / 2), LEVEL_LOW);
}

/* Ten bytes: eight, two low bits, then another start bit and the last two. */
static void manchester_pauses_after_eight_bytes(void **state)
{
    struct host *host = *state;
    put(host, SPPR, 1);
    wait_us(host, 10);
    listen(host);
    tell(host, 0, 0, 4);
    wait_us(host, 4);
    tell(host, 1, 0, 4);
    wait_us(host, 400);
    sim_time start = edge[1].at, again = start + (2 + 8 * 16 + 4) * BIT;
    assert_int_equal(level_at(again - BIT / 2), LEVEL_LOW);
    assert_int_equal(level_at(again + BIT / 2), LEVEL_HIGH);
    assert_int_equal(level_at(again + BIT + BIT / 2), LEVEL_LOW);
    assert_int_equal(edge[edges - 1].at - again, (2 + 2 * 16) * BIT);
}

static void formatter_makes_frames_of_16_bytes(void **state)
{
    struct host *host = *state;
    put(host, FFCR, 0x102);
    listen(host);
    tell(host, 0, 'F', 1);
    wait_us(host, 400);
    HEARD(0xFF, 0xFF, 0xFF, 0x7F,               /* then source 1 speaks: 01 at once, ... */
          0x03, 0x01, 0x01, 'F', 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
          0x00, 0x02);                          /* ... 'F', and source 0 from there on */
}

/* An ITM that synchronizes has the formatter do so too, between frames; else once is enough. */
static void frames_begin_with_a_full_sync_as_often_as_the_itm_does(void **state)
{
    static const uint8_t full_sync[] = { 0xFF, 0xFF, 0xFF, 0x7F };
    struct host *host = *state;
    put(host, FFCR, 0x102);
    run_from(host, LOOP);
    listen(host);
    for (int i = 0; i < 2; i++) {
        tell(host, 0, 'F', 1);
        wait_us(host, 400);
        put(host, FFCR, 0x102);                 /* is on already */
    }
    receive(BIT);
    assert_int_equal(bytes, 4 + 16 + 16);
    put(host, TCR, 0x10000 | ITMENA | SYNCENA);
    put(host, DWT, CYCCNTENA | SYNCTAP_24);
    listen(host);
    put(host, CYCCNT, (1 << 24) - 200);
    wait_us(host, 400);
    receive(BIT);
    assert_int_equal(bytes, 4 + 16);
    assert_bytes(0, full_sync, 4);
    put(host, FFCR, 0x100);
    put(host, FFCR, 0x102);
    listen(host);
    tell(host, 0, 'F', 1);
    wait_us(host, 400);
    receive(BIT);
    assert_int_equal(bytes, 4 + 16);
    assert_bytes(0, full_sync, 4);
}

static void the_tpius_registers_keep_what_they_have_bits_for(void **state)
{
    struct host *host = *state;
    static const uint32_t sizes[] = { 1, 2, 8 };
    for (int i = 0; i < 3; i++) {
        put(host, CSPSR, sizes[i]);
        put(host, CSPSR, 4);                    /* a width of three pins */
        assert_int_equal(get(host, CSPSR), sizes[i]);
    }
    put(host, ACPR, UINT32_MAX);
    assert_int_equal(get(host, ACPR), 0x1FFF);
    put(host, SPPR, 3);
    assert_int_equal(get(host, SPPR), 2);
    put(host, CLAIMSET, 0x15);
    assert_int_equal(get(host, CLAIMSET), 0xF);
    assert_int_equal(get(host, CLAIMCLR), 0x5);
    put(host, CLAIMCLR, 1);
    assert_int_equal(get(host, CLAIMCLR), 4);
}

static void a_frame_holds_14_bytes_of_a_new_source_and_15_of_the_same(void **state)
{
    struct host *host = *state;
    put(host, FFCR, 0x102);
    listen(host);
    for (int i = 0; i < 7; i++) {
        tell(host, 0, 0x41414141u + (unsigned)i * 0x02020202u, 4);
        if (i == 3)
            wait_us(host, 50);                  /* the first frame is on its way */
    }
    wait_us(host, 2000);
    receive(BIT);
    static const uint8_t first[] = { 0xFF, 0xFF, 0xFF, 0x7F, 0x03, 0x03, 0x40, 0x41, 0x40, 0x41,
                                     0x02, 0x43 };
    assert_bytes(0, first, sizeof first);
    assert_int_equal(bytes, 4 + 3 * 16);
    assert_int_equal(byte[4 + 16] & 1, 0);      /* the second frame begins with data */
    uint8_t data[64];
    int count = 0;
    unsigned source = 0;
    for (int at = 4; at + 16 <= bytes; at += 16) {
        const uint8_t *frame = byte + at;
        for (int pair = 0; pair < 8; pair++) {
            bool low = frame[15] >> pair & 1;
            unsigned even = frame[2 * pair], next = even & 1 ? even >> 1 : source;
            if (!(even & 1) && source)
                data[count++] = (uint8_t)(even | low);
            if (!low && even & 1)
                source = next;
            if (pair < 7 && source)
                data[count++] = frame[2 * pair + 1];
            if (even & 1)
                source = next;
        }
    }
    assert_int_equal(count, 35);
    for (int i = 0; i < 35; i++)
        assert_int_equal(data[i], i % 5 ? 0x41 + 2 * (i / 5) : 0x03);
}

/* --- ports -------------------------------------------------------------------------- */

static void a_store_is_a_packet_as_wide_as_it_was(void **state)
{
    struct host *host = *state;
    tell(host, 0, 'A', 1);
    wait_us(host, 100);
    tell(host, 1, 0x1234, 2);
    wait_us(host, 100);
    tell(host, 31, 0x89ABCDEF, 4);
    wait_us(host, 100);
    HEARD(0x01, 'A', 0x0A, 0x34, 0x12, 0xFB, 0xEF, 0xCD, 0xAB, 0x89);
}

static void a_port_that_is_off_says_nothing(void **state)
{
    struct host *host = *state;
    put(host, TER, 2);
    tell(host, 0, 'n', 1);
    tell(host, 1, 'y', 1);
    wait_us(host, 50);
    HEARD(0x09, 'y');
    listen(host);
    put(host, TCR, 0);
    tell(host, 1, 'n', 1);
    wait_us(host, 50);
    heard_nothing();
    put(host, TCR, ITMENA);
    put(host, DEMCR, 0);
    listen(host);
    tell(host, 1, 'n', 1);
    wait_us(host, 50);
    heard_nothing();
}

static void unprivileged_code_has_the_ports_that_tpr_leaves_it(void **state)
{
    struct host *host = *state;
    put(host, TPR, 0xE);                        /* 0 to 7 */
    host->chip->cpu->control = 1;
    tell(host, 8, 'n', 1);
    tell(host, 7, 'y', 1);
    assert_true(bus_write(host->chip->bus, BUS_DATA, TER, 4, 0));
    wait_us(host, 50);
    HEARD(0x39, 'y');
    assert_int_equal(get(host, TER), 0xFFFFFF00);
    put(host, TER, UINT32_MAX);                 /* a debugger may */
    assert_int_equal(get(host, TER), UINT32_MAX);
    host->chip->cpu->exception = 15;            /* and so may a handler */
    listen(host);
    tell(host, 8, 'h', 1);
    wait_us(host, 50);
    HEARD(0x41, 'h');
    host->chip->cpu->exception = host->chip->cpu->control = 0;
}

static void the_lock_keeps_control_registers_and_not_the_ports(void **state)
{
    struct host *host = *state;
    assert_int_equal(get(host, LSR), 1);
    put(host, LAR, 0);
    assert_int_equal(get(host, LSR), 3);
    put(host, TER, 0);
    put(host, TCR, 0);
    put(host, TPR, 0xF);
    assert_int_equal(get(host, TER), UINT32_MAX);
    assert_int_equal(get(host, TCR), 0x10009);
    assert_int_equal(get(host, TPR), 0);
    listen(host);
    tell(host, 0, 'l', 1);
    wait_us(host, 50);
    HEARD(0x01, 'l');
}

/* Two packets are in the TPIU's four bytes, the third has the port's place. */
static void a_store_to_a_full_port_is_lost_and_told(void **state)
{
    struct host *host = *state;
    for (int i = 0; i < 6; i++)
        tell(host, 0, (unsigned)'a' + (unsigned)i, 1);
    uint32_t ready_now;
    bus_read(host->chip->bus, BUS_DATA, ITM, 4, &ready_now);
    assert_int_equal(ready_now, 0);
    wait_us(host, 200);
    HEARD(0x01, 'a', 0x01, 'b', 0x01, 'c', 0x70);
    bus_read(host->chip->bus, BUS_DATA, ITM, 4, &ready_now);
    assert_int_equal(ready_now, 1);
}

static void tcr_is_busy_until_the_last_packet_has_gone_to_the_tpiu(void **state)
{
    struct host *host = *state;
    assert_false(get(host, TCR) & BUSY);
    put(host, ACPR, 799);                       /* 0.1 ms a bit */
    for (int i = 0; i < 3; i++)
        tell(host, 0, 1, 4);
    assert_true(get(host, TCR) & BUSY);
    wait_us(host, 30000);
    assert_false(get(host, TCR) & BUSY);
}

/* Three stores back to back: the second has room, the third is the program's own fault. */
static void stores_of_a_real_program_come_out_in_order(void **state)
{
    struct host *host = *state;
    put_register(host, 0, 0x64636261);
    put_register(host, 1, ITM);
    listen(host);
    run_from(host, TEXT);
    wait_us(host, 300);
    HEARD(0x03, 'a', 'b', 'c', 'd', 0x03, 'a', 'b', 'c', 'd', 0x70);
}

/* --- time stamps, synchronization ---------------------------------------------------- */

static void a_time_stamp_counts_cycles_since_the_last(void **state)
{
    struct host *host = *state;
    put(host, TCR, ITMENA | TSENA);
    wait_us(host, 100);
    tell(host, 0, 'a', 1);                      /* how long ago is the wire's business */
    wait_us(host, 100);
    listen(host);
    tell(host, 0, 'b', 1);
    host_wait(host, 1000 * CYCLE);
    tell(host, 0, 'c', 1);
    wait_us(host, 100);
    receive(BIT);
    assert_bytes(0, (const uint8_t[]){ 0x01, 'b', 0xC0, 0xA0, 0x06 }, 5);   /* 800 */
    assert_bytes(5, (const uint8_t[]){ 0x01, 'c', 0xC0, 0xE8, 0x07 }, 5);   /* 1000 */
    assert_int_equal(bytes, 10);
}

/* strb 1, movs 1, 100 subs, 99 bne taken at 3, the last at 1. */
static void a_programs_time_stamps_are_exact(void **state)
{
    struct host *host = *state;
    put(host, ACPR, 0);
    put(host, TCR, ITMENA | TSENA);
    put_register(host, 0, 'x');
    put_register(host, 1, ITM);
    listen(host);
    run_from(host, TWICE);
    wait_us(host, 200);
    receive(CYCLE);
    assert_int_equal(byte[2], 0xC0);
    assert_bytes(bytes - 5, (const uint8_t[]){ 0x01, 'x', 0xC0, 0x90, 0x03 }, 5);   /* 400 */
}

/* What comes with the second of two packets so many cycles apart. */
static const uint8_t *stamp_after(struct host *host, uint32_t prescale, unsigned cycles)
{
    put(host, TCR, ITMENA | TSENA | prescale << 8);
    wait_us(host, 100);
    tell(host, 0, 'f', 1);
    host_wait(host, 100 * CYCLE);
    tell(host, 0, 'f', 1);
    host_wait(host, cycles * CYCLE);
    listen(host);
    tell(host, 0, 'g', 1);
    wait_us(host, 100);
    receive(CYCLE);
    assert_int_equal(byte[bytes - (byte[bytes - 2] == 'g' ? 3 : 4)], 0x01);
    return byte + bytes - (byte[bytes - 2] == 'g' ? 1 : 2);
}

static void a_time_stamp_of_1_to_6_is_one_byte(void **state)
{
    struct host *host = *state;
    put(host, ACPR, 0);
    for (unsigned n = 1; n <= 6; n++) {
        assert_int_equal(stamp_after(host, 3, 64 * n)[0], n << 4);  /* a count is 64 cycles */
        assert_int_equal(stamp_after(host, 2, 100 + 16 * n)[0], 0xC0);
    }
    assert_int_equal(stamp_after(host, 3, 64 * 7)[1], 7);
    assert_int_equal(stamp_after(host, 1, 4 * 127)[1], 127);
    assert_int_equal(stamp_after(host, 0, 127)[1], 127);
}

/* The line is full: the packets come late, and so does the stamp for all of them. */
static void a_late_time_stamp_says_so(void **state)
{
    struct host *host = *state;
    put(host, TCR, ITMENA | TSENA);
    wait_us(host, 10);
    listen(host);
    tell(host, 0, 0x11111111, 4);
    tell(host, 0, 0x22222222, 4);
    wait_us(host, 300);
    receive(BIT);
    assert_bytes(0, (const uint8_t[]){ 0x03, 0x11, 0x11, 0x11, 0x11,
                                       0x03, 0x22, 0x22, 0x22, 0x22 }, 10);
    assert_int_equal(byte[10] & 0xF0, 0xF0);
}

static void a_full_time_stamp_counter_is_told(void **state)
{
    struct host *host = *state;
    put(host, TCR, ITMENA | TSENA);
    host_wait(host, (1 << 21) * CYCLE);
    listen(host);
    tell(host, 0, 'o', 1);
    wait_us(host, 100);
    HEARD(0x70, 0x01, 'o', 0xC0, 0x00);
}

static void synchronization_comes_as_often_as_synctap_says(void **state)
{
    struct host *host = *state;
    run_from(host, LOOP);
    put(host, TCR, ITMENA | SYNCENA);
    put(host, DWT, CYCCNTENA | SYNCTAP_24);
    listen(host);
    put(host, CYCCNT, (1 << 24) - 2000);
    wait_us(host, 200);
    heard_nothing();
    wait_us(host, 200);
    HEARD(0x00, 0x00, 0x00, 0x00, 0x00, 0x80);
    put(host, TCR, SYNCENA);                    /* ITMENA is 0 */
    put(host, CYCCNT, (1 << 24) - 200);
    wait_us(host, 200);
    put(host, TCR, ITMENA | SYNCENA);
    put(host, CYCCNT, 0xFFFFFF00);              /* each change of the bit */
    wait_us(host, 200);
    HEARD(0x00, 0x00, 0x00, 0x00, 0x00, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80);
}

/* --- PC samples ----------------------------------------------------------------------- */

static void pcsr_shows_a_running_core_and_not_a_halted_one(void **state)
{
    struct host *host = *state;
    assert_int_equal(get(host, PCSR), UINT32_MAX);
    run_from(host, COUNT);
    for (int i = 0; i < 20; i++) {
        uint32_t pc = get(host, PCSR);
        assert_true(pc == COUNT || pc == COUNT + 2);
    }
    uint32_t before = get_register(host, 4);
    assert_int_equal(get_register(host, 4), before);    /* DCRSR needs a halt; it still runs */
    assert_false(host->chip->cpu->halted);
}

static void pc_is_sampled_every_1024_cycles_of_postcnt(void **state)
{
    struct host *host = *state;
    run_from(host, LOOP);
    put(host, CYCCNT, 0);
    listen(host);
    put(host, DWT, CYCCNTENA | CYCTAP | PCSAMPLENA | 1 << 1);   /* each second change */
    wait_us(host, 2048 * 10 / 8 + 100);
    halt(host);
    wait_us(host, 2000);
    receive(BIT);
    assert_int_equal(bytes % 5, 0);
    assert_true(bytes / 5 >= 10 && bytes / 5 <= 11);
    for (int i = 0; i < bytes; i += 5)
        assert_bytes(i, (const uint8_t[]){ 0x17, 0x40, 0x00, 0x00, 0x08 }, 5);
    for (int i = 10; i < bytes; i += 5)
        assert_true((byte_at[i] - byte_at[i - 5] + BIT) / CYCLE - 2048 <= 16);
}

static void a_sleeping_core_is_sampled_as_such(void **state)
{
    struct host *host = *state;
    put(host, DBGMCU_CR, TRACE_IOEN | DBG_SLEEP);
    run_from(host, SLEEP);
    put(host, DWT, CYCCNTENA | CYCTAP | PCSAMPLENA);
    wait_us(host, 10);
    listen(host);
    wait_us(host, 128 * 3 + 50);
    HEARD(0x15, 0x00, 0x15, 0x00, 0x15, 0x00);
}

static void samples_that_the_line_cannot_carry_are_lost_and_told(void **state)
{
    struct host *host = *state;
    run_from(host, LOOP);
    put(host, CYCCNT, 0);
    listen(host);
    put(host, DWT, CYCCNTENA | PCSAMPLENA);     /* 50 bits each 64 cycles, of 8 cycles */
    wait_us(host, 5000);
    put(host, DWT, CYCCNTENA);
    wait_us(host, 500);
    receive(BIT);
    int samples = 0, overflows = 0;
    for (int i = 0; i + 5 <= bytes;) {
        if (byte[i] == 0x70) {
            overflows++;
            i++;
        } else {
            assert_bytes(i, (const uint8_t[]){ 0x17, 0x40, 0x00, 0x00, 0x08 }, 5);
            samples++;
            i += 5;
        }
    }
    assert_true(samples > 80 && overflows > 20);
    assert_true(byte_at[bytes - 1] - byte_at[0] == (sim_time)(bytes - 1) * 10 * BIT);
}

static void postcnt_may_tell_its_zero_as_an_event(void **state)
{
    struct host *host = *state;
    run_from(host, LOOP);
    put(host, CYCCNT, 0);
    put(host, DWT, CYCCNTENA | CYCTAP | CYCEVTENA);
    wait_us(host, 10);
    listen(host);
    wait_us(host, 128 * 3 + 50);
    HEARD(0x05, 0x20, 0x05, 0x20, 0x05, 0x20);
}

/* --- exceptions ----------------------------------------------------------------------- */

static void exceptions_are_entered_left_and_returned_from(void **state)
{
    struct host *host = *state;
    put(host, DWT, EXCTRCENA);
    listen(host);
    run_from(host, SVC);
    wait_us(host, 200);
    HEARD(0x0E, 0x0B, 0x10, 0x0E, 0x0B, 0x20, 0x0E, 0x00, 0x30);
}

/* PendSV and SysTick at once: the second begins where the first ends. */
static void a_tail_chained_exception_returns_to_nothing_between(void **state)
{
    struct host *host = *state;
    put(host, DWT, EXCTRCENA);
    run_from(host, LOOP);
    listen(host);
    put(host, ICSR, 1 << 28 | 1 << 26);
    wait_us(host, 300);
    HEARD(0x0E, 0x0E, 0x10, 0x0E, 0x0E, 0x20, 0x0E, 0x0F, 0x10, 0x0E, 0x0F, 0x20,
          0x0E, 0x00, 0x30);
}

/* --- counters -------------------------------------------------------------------------- */

/* adds and b: 1 + 3 cycles. */
static void cpicnt_counts_what_instructions_take_behind_their_first_cycle(void **state)
{
    struct host *host = *state;
    run_from(host, COUNT);
    put(host, DWT, CYCCNTENA | CPIEVTENA | LSUEVTENA | EXCEVTENA | FOLDEVTENA);
    listen(host);
    wait_us(host, 1000);
    receive(BIT);
    assert_true(bytes >= 2 * 14 && bytes <= 2 * 17);    /* 8000 cycles, half of them: 15 x 256 */
    for (int i = 0; i < bytes; i += 2)
        assert_bytes(i, (const uint8_t[]){ 0x05, 0x01 }, 2);
    assert_int_equal(get(host, LSUCNT) | get(host, EXCCNT) | get(host, FOLDCNT), 0);
}

static void lsucnt_counts_loads_and_exccnt_exceptions(void **state)
{
    struct host *host = *state;
    put_register(host, 1, CELL);
    put(host, DWT, CYCCNTENA | LSUEVTENA | EXCEVTENA);
    run_from(host, STORE);
    wait_us(host, 100);
    assert_int_equal(get(host, LSUCNT), 2);             /* two loads of two cycles */
    assert_int_equal(get(host, EXCCNT), 0);
    put(host, ICSR, 1 << 28);
    wait_us(host, 100);
    assert_int_equal(get(host, EXCCNT), 24);            /* in and out */
    put(host, DWT, CYCCNTENA | LSUEVTENA);
    put(host, DWT, CYCCNTENA | LSUEVTENA | EXCEVTENA);
    assert_int_equal(get(host, EXCCNT), 0);             /* it begins at 0 */
}

static void sleepcnt_tells_each_256_cycles_asleep(void **state)
{
    struct host *host = *state;
    put(host, DBGMCU_CR, TRACE_IOEN | DBG_SLEEP);
    run_from(host, SLEEP);
    put(host, DWT, CYCCNTENA | SLEEPEVTENA);
    wait_us(host, 10);
    listen(host);
    wait_us(host, 320);
    put(host, DWT, CYCCNTENA);
    wait_us(host, 50);
    receive(BIT);
    assert_true(bytes >= 20 && bytes <= 24);            /* 32 us each; the wire took its time */
    for (int i = 0; i < bytes; i += 2)
        assert_bytes(i, (const uint8_t[]){ 0x05, 0x04 }, 2);
}

/* --- data trace ------------------------------------------------------------------------ */

/* str r0, ldr r2, strb r3, ldrh r2 at STORE, with one comparator. */
static void trace_data(struct host *host, int n, uint32_t function)
{
    put(host, COMP0 + 16 * (uint32_t)n, CELL);
    put(host, MASK0 + 16 * (uint32_t)n, 2);
    put(host, FUNCTION0 + 16 * (uint32_t)n, function);
    put_register(host, 0, 0x44332211);
    put_register(host, 1, CELL);
    put_register(host, 3, 0x99);
    wait_us(host, 500);
    listen(host);
    run_from(host, STORE);
    wait_us(host, 500);
    halt(host);
}

static void data_that_is_read_and_written_is_told(void **state)
{
    struct host *host = *state;
    trace_data(host, 0, 2);
    HEARD(0x8F, 0x11, 0x22, 0x33, 0x44, 0x87, 0x11, 0x22, 0x33, 0x44,
          0x8D, 0x99, 0x86, 0x99, 0x22);
    assert_true(get(host, FUNCTION0) & 1 << 24);
}

static void reads_or_writes_alone_are_told(void **state)
{
    struct host *host = *state;
    trace_data(host, 1, 12);
    HEARD(0x97, 0x11, 0x22, 0x33, 0x44, 0x96, 0x99, 0x22);
    trace_data(host, 1, 13);
    HEARD(0x9F, 0x11, 0x22, 0x33, 0x44, 0x9D, 0x99);
}

static void the_place_of_an_access_is_told(void **state)
{
    struct host *host = *state;
    trace_data(host, 3, 1);
    HEARD(0x77, 0x50, 0x00, 0x00, 0x08, 0x77, 0x52, 0x00, 0x00, 0x08,
          0x77, 0x54, 0x00, 0x00, 0x08, 0x77, 0x56, 0x00, 0x00, 0x08);
    trace_data(host, 3, 1 | 1 << 5);
    HEARD(0x7E, 0x00, 0x01, 0x7E, 0x00, 0x01, 0x7E, 0x00, 0x01, 0x7E, 0x00, 0x01);
}

static void the_place_comes_before_the_data(void **state)
{
    struct host *host = *state;
    put(host, ACPR, 0);
    trace_data(host, 2, 15);
    receive(CYCLE);
    assert_bytes(0, (const uint8_t[]){ 0x67, 0x50, 0x00, 0x00, 0x08, 0xAF, 0x11, 0x22, 0x33, 0x44,
                                       0x67, 0x54, 0x00, 0x00, 0x08, 0xAD, 0x99 }, 17);
    trace_data(host, 2, 14 | 1 << 5);
    receive(CYCLE);
    assert_bytes(0, (const uint8_t[]){ 0x6E, 0x00, 0x01, 0xA7, 0x11, 0x22, 0x33, 0x44,
                                       0x6E, 0x00, 0x01, 0xA6, 0x99, 0x22 }, 14);
}

/* str and ldr of a word; FUNCTION, bit 5 EMITRANGE. */
static void each_setting_of_function_tells_what_the_manual_has(void **state)
{
    enum { PLACE = 1, OFFSET = 2, DATA = 4, RANGE = 1 << 5 };
    static const struct { uint32_t function; int written, read; } settings[] = {
        { 1, PLACE, PLACE }, { 2, DATA, DATA }, { 3, PLACE | DATA, PLACE | DATA },
        { 12, 0, DATA }, { 13, DATA, 0 }, { 14, 0, PLACE | DATA }, { 15, PLACE | DATA, 0 },
        { 1 | RANGE, OFFSET, OFFSET }, { 2 | RANGE, OFFSET | DATA, OFFSET | DATA },
        { 3 | RANGE, OFFSET | DATA, OFFSET | DATA }, { 12 | RANGE, 0, OFFSET },
        { 13 | RANGE, OFFSET, 0 }, { 14 | RANGE, 0, OFFSET | DATA },
        { 15 | RANGE, OFFSET | DATA, 0 },
    };
    struct host *host = *state;
    put(host, ACPR, 0);
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        trace_data(host, 0, settings[i].function);
        receive(CYCLE);
        int at = 0;
        for (int access = 0; access < 2; access++) {
            int tells = access ? settings[i].read : settings[i].written;
            if (tells & PLACE)
                assert_bytes(at, (const uint8_t[]){ 0x47, (uint8_t)(0x50 + 2 * access) }, 2);
            at += tells & PLACE ? 5 : 0;
            if (tells & OFFSET)
                assert_bytes(at, (const uint8_t[]){ 0x4E, 0x00, 0x01 }, 3);
            at += tells & OFFSET ? 3 : 0;
            if (tells & DATA)
                assert_bytes(at, (const uint8_t[]){ access ? 0x87 : 0x8F, 0x11 }, 2);
            at += tells & DATA ? 5 : 0;
        }
    }
}

static void dwt_is_silent_unless_the_itm_lets_it_through(void **state)
{
    struct host *host = *state;
    put(host, TCR, ITMENA);
    trace_data(host, 0, 2);
    heard_nothing();
}

static void programs_and_hardwares_packets_share_the_line(void **state)
{
    struct host *host = *state;
    put(host, DWT, CYCCNTENA | CYCTAP | PCSAMPLENA | 1 << 1);
    run_from(host, LOOP);
    listen(host);
    for (int i = 0; i < 20; i++) {
        tell(host, 0, 'A' + (unsigned)i, 1);
        wait_us(host, 97);
    }
    halt(host);
    wait_us(host, 200);
    receive(BIT);
    unsigned texts = 0, samples = 0;
    for (int i = 0; i < bytes;) {
        if (byte[i] == 0x01) {
            assert_int_equal(byte[i + 1], 'A' + texts++);
            i += 2;
        } else {
            assert_bytes(i, (const uint8_t[]){ 0x17, 0x40, 0x00, 0x00, 0x08 }, 5);
            samples++;
            i += 5;
        }
    }
    assert_int_equal(texts, 20);
    assert_true(samples >= 7 && samples <= 8);
}

static void tracing_costs_the_core_no_cycle(void **state)
{
    static const uint32_t controls[] = {
        CYCCNTENA, CYCCNTENA | PCSAMPLENA, CYCCNTENA | EXCTRCENA | CPIEVTENA | LSUEVTENA,
    };
    struct host *host = *state;
    const struct cpu *cpu = host->chip->cpu;
    for (int i = 0; i < 3; i++) {
        put(host, DWT, controls[i]);
        run_from(host, COUNT);
        uint64_t instructions = cpu->instructions, cycles = cpu->cycles;
        wait_us(host, 1000);
        instructions = cpu->instructions - instructions;
        cycles = cpu->cycles - cycles;
        assert_true(instructions > 3990 && instructions <= 4010);
        assert_true(cycles >= 2 * instructions - 2 && cycles <= 2 * instructions + 2);
    }
}

/* --- on the board ----------------------------------------------------------------------- */

/* The probe is an empty chip; the host's two pins are soldered beside its own. */
static struct board *board_with(const char *target, const char *swo, const char *rx)
{
    struct board_options options = { .target = target };
    char error[256];
    options.wire[SIG_SWO] = swo;
    options.wire[SIG_RX] = rx;
    struct board *board = board_new(&options, error, sizeof error);
    if (!board)
        fail_msg("%s", error);
    return board;
}

static struct host *solder_host(struct board *board)
{
    struct host *host = calloc(1, sizeof *host);
    host->sim = board->sim;
    host->sim->report = host_report;
    host->sim->report_ctx = host;
    host->chip = board->target;
    host->half = 50 * SIM_NS;
    host->tdo = board->net[SIG_SWO];
    pin_init(&host->dio, host->sim, "host SWDIO", NULL, NULL);
    pin_init(&host->clk, host->sim, "host SWCLK", NULL, NULL);
    net_attach(board->net[SIG_SWDIO], &host->dio, false);
    net_attach(board->net[SIG_SWCLK], &host->clk, false);
    host_wait(host, 10 * SIM_MS);
    return host;
}

/* Of a SAMD51: function H.  Its trace clock is channel 47 of GCLK, here at generator 0. */
static void give_pb30_to_trace(struct host *host)
{
    put(host, 0x410080B0 + 12, 7u << 24);
    put(host, 0x410080C0 + 28, 1u << 16);
    put(host, 0x40001C80 + 4 * 47, 0x40);
}

static void trace_text(struct host *host, uint32_t acpr)
{
    host_connect(host);
    halt(host);                                 /* its flash is empty */
    put(host, DEMCR, TRCENA);
    if (strcmp(host->chip->name, "nrf52840") == 0)
        put(host, TRACECONFIG, 1 << 16 | 3);    /* serial, 4 MHz */
    else if (strcmp(host->chip->name, "samd51") == 0)
        give_pb30_to_trace(host);
    else
        put(host, DBGMCU_CR, TRACE_IOEN);
    protocol(host, 2, acpr, 0x100);
    open_itm(host, ITMENA | DWTENA);
    net_watch(host->tdo, see, host);
    listen(host);
    tell(host, 0, 'o', 1);
    tell(host, 0, 'k', 1);
    wait_us(host, 200);
}

/* Out of reset; nRF52840 and SAMD51 have a clock of its own for it. */
static void each_chip_with_an_swo_pin_speaks_at_its_own_clock(void **state)
{
    static const struct { const char *name; int mhz; } chips[] = {
        { "stm32f103", 8 }, { "stm32f405", 16 }, { "stm32f429", 16 }, { "stm32f746", 16 },
        { "stm32f205", 16 }, { "stm32f767", 16 },
        { "stm32l476", 4 }, { "stm32g474", 16 }, { "nrf52840", 4 },
        { "samd51", 48 }, { "stm32f303", 8 }, { "stm32f103xg", 8 }, { "stm32f107", 8 },
        { "stm32l152", 2 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof chips / sizeof chips[0]; i++) {
        struct board *board = board_with(chips[i].name, NULL, NULL);
        struct host *host = solder_host(board);
        trace_text(host, (uint32_t)chips[i].mhz - 1);
        if (strstr(host->problems, "fight"))
            fail_msg("%s: %s", chips[i].name, host->problems);
        HEARD(0x01, 'o', 0x01, 'k');
        board_free(board);
        free(host);
    }
}

/* No ITM, but the register that shows where it is; M0 and M0+ with a DWT have it. */
static void a_cortex_m0_shows_its_pc_too(void **state)
{
    static const char *const chips[] = { "samd21", "samd51", "nrf51822", "stm32g071" };
    (void)state;
    for (size_t i = 0; i < sizeof chips / sizeof chips[0]; i++) {
        struct board *board = board_with(chips[i], NULL, NULL);
        struct host *host = solder_host(board);
        assert_int_not_equal(host_connect(host), 0);
        halt(host);
        put(host, DEMCR, TRCENA);
        put(host, 0x20000100, 0xE7FEE7FE);      /* b . */
        assert_int_equal(get(host, PCSR), UINT32_MAX);
        put_register(host, 16, 1 << 24);
        run_from(host, 0x20000100);
        assert_int_equal(get(host, PCSR), 0x20000100);
        board_free(board);
        free(host);
    }
}

static void trace_waits_while_a_samd51_gives_it_no_clock(void **state)
{
    (void)state;
    struct board *board = board_with("samd51", NULL, NULL);
    struct host *host = solder_host(board);
    trace_text(host, 47);
    put(host, 0x40001C80 + 4 * 47, 0);
    listen(host);
    tell(host, 0, 'w', 1);
    wait_us(host, 1000);
    heard_nothing();
    put(host, 0x40001C80 + 4 * 47, 0x40);
    wait_us(host, 100);
    HEARD(0x01, 'w');
    board_free(board);
    free(host);
}

static bool is_on(struct net *net, struct board *board, const char *name)
{
    for (const struct pin *pin = net->pins; pin; pin = pin->next)
        if (pin == board->probe->pin(board->probe, name))
            return true;
    return false;
}

static void one_wire_goes_to_the_probes_tdo_and_to_its_receiver(void **state)
{
    (void)state;
    struct board *board = board_with("stm32f103", NULL, NULL);
    assert_ptr_equal(board->net[SIG_SWO], board->net[SIG_TDO]);
    assert_true(is_on(board->net[SIG_SWO], board, "PB3"));
    assert_true(is_on(board->net[SIG_SWO], board, "PA3"));
    board_free(board);
    board = board_with("samd21", NULL, NULL);           /* has none */
    assert_ptr_not_equal(board->net[SIG_SWO], board->net[SIG_TDO]);
    board_free(board);
}

static void swo_may_go_to_the_serial_port_instead_of_tx(void **state)
{
    (void)state;
    struct board *board = board_with("stm32f103", "PB7", "none");
    assert_true(is_on(board->net[SIG_SWO], board, "PB7"));
    assert_ptr_equal(board->net[SIG_SWO], board->net[SIG_TDO]);
    board_free(board);
    char error[256];
    struct board_options options = { .target = "stm32f103" };
    options.wire[SIG_SWO] = "PB7";
    assert_null(board_new(&options, error, sizeof error));
    assert_non_null(strstr(error, "--wire RX=none,SWO=PB7"));
}

/* --- sleep ------------------------------------------------------------------------------ */

static void a_sleeping_core_hides_its_memory_unless_dbg_sleep_is_set(void **state)
{
    struct host *host = *state;
    put(host, CELL, 0x12345678);
    run_from(host, SLEEP);
    wait_us(host, 10);
    assert_true(get(host, DHCSR) & S_SLEEP);
    assert_int_equal(get(host, CELL), 0);
    assert_int_equal(get(host, 0x08000000), 0);
    put(host, CELL, 1);                                 /* lost */
    put(host, DBGMCU_CR, TRACE_IOEN | DBG_SLEEP);
    assert_int_equal(get(host, CELL), 0x12345678);
    assert_int_equal(get(host, 0x08000000), 0x20001000);
    put(host, DBGMCU_CR, 0);
    assert_int_equal(get(host, CELL), 0);
    bus_write(host->chip->bus, BUS_DATA, RCC_AHBENR, 4, 0x15);  /* DMA1 keeps the bus alive */
    assert_int_equal(get(host, CELL), 0x12345678);
    bus_write(host->chip->bus, BUS_DATA, RCC_AHBENR, 4, 0x14);
    halt(host);
    assert_int_equal(get(host, CELL), 0x12345678);
}

static void itm_and_dwt_answer_while_the_core_sleeps(void **state)
{
    struct host *host = *state;
    put(host, DWT, CYCCNTENA);
    run_from(host, SLEEP);
    wait_us(host, 10);
    uint32_t before = get(host, CYCCNT);
    wait_us(host, 100);
    assert_true(get(host, CYCCNT) - before >= 800);
    assert_int_equal(get(host, TER), UINT32_MAX);
}

/* Nothing gets through, not even a halt; the debug port itself answers. */
static void a_core_in_stop_mode_has_no_bus_unless_dbg_stop_is_set(void **state)
{
    struct host *host = *state;
    uint32_t word;
    put(host, DBGMCU_CR, DBG_SLEEP);
    put(host, SCR, SLEEPDEEP);
    run_from(host, SLEEP);
    wait_us(host, 100);
    assert_int_equal(host_write(host, AP, TAR, DHCSR), ACK_OK);
    assert_int_equal(host_read(host, AP, DRW, &word), ACK_OK);
    for (int i = 0; i < 100; i++)
        assert_int_equal(host_read(host, DP, RDBUFF, &word), ACK_WAIT);
    assert_int_equal(host_read(host, DP, CTRL_STAT, &word), ACK_OK);
    assert_int_equal(word >> 28, 0xF);
    assert_int_equal(host_write(host, DP, ABORT, 1), ACK_OK);
    assert_int_equal(host_read(host, DP, RDBUFF, &word), ACK_OK);
    assert_int_equal(host_read(host, AP, DRW, &word), ACK_OK);
    assert_int_equal(host_read(host, DP, RDBUFF, &word), ACK_WAIT);
    cpu_irq_pulse(host->chip->cpu, 0);          /* masked; it wakes the core all the same */
    bus_write(host->chip->bus, BUS_DATA, 0xE000E100, 4, 1);
    wait_us(host, 20);
    assert_int_equal(host_read(host, DP, RDBUFF, &word), ACK_OK);
}

static void dbg_stop_keeps_the_bus_in_stop_mode(void **state)
{
    struct host *host = *state;
    put(host, DBGMCU_CR, DBG_SLEEP | DBG_STOP);
    put(host, SCR, SLEEPDEEP);
    run_from(host, SLEEP);
    wait_us(host, 100);
    assert_true(get(host, DHCSR) & S_SLEEP);
    halt(host);
    assert_int_equal(get(host, 0x08000000), 0x20001000);
}

/* --- sigrok ------------------------------------------------------------------------------- */

/* With SWO_VCD and SWO_RECORD set, these leave a waveform and what sigrok's arm_itm ought to
 * say of it, line by line, for test/sigrok/compare_swo.py. */
static FILE *record;
static struct vcd *vcd;

static void begin_record(struct host *host, const char *kind)
{
    const char *waves = getenv("SWO_VCD"), *lines = getenv("SWO_RECORD");
    char path[512];
    snprintf(path, sizeof path, "%s.%s", waves ? waves : "/dev/null", kind);
    vcd = waves ? vcd_open(host->sim, path) : NULL;
    if (vcd)
        vcd_add(vcd, host->tdo);
    snprintf(path, sizeof path, "%s.%s", lines ? lines : "/dev/null", kind);
    record = fopen(lines ? path : "/dev/null", "w");
    assert_non_null(record);
}

static void end_record(struct host *host)
{
    wait_us(host, 1000);
    assert_true(vcd_close(vcd));
    fclose(record);
}

/* Letters that a byte each goes out, then a pause that ends them. */
static void tell_text(struct host *host, const char *text)
{
    for (const char *c = text; *c; c++) {
        tell(host, 0, (uint8_t)*c, 1);
        wait_us(host, 25);
    }
    wait_us(host, 1000);
    fprintf(record, "0: \"%s\"\n", text);
}

static void tell_value(struct host *host, int port, uint32_t value, int width)
{
    tell(host, port, value, width);
    wait_us(host, 1000);
    fprintf(record, "%d: 0x%0*x\n", port, 2 * width, (unsigned)value);
}

static void record_exception(struct host *host)
{
    put(host, DWT, EXCTRCENA);
    run_from(host, SVC);
    wait_us(host, 1000);
    halt(host);
    fprintf(record, "Enter: SVCall\nExit: SVCall\nResume: Thread\n");
}

static void record_samples(struct host *host)
{
    listen(host);
    run_from(host, LOOP);
    put(host, DWT, CYCCNTENA | CYCTAP | PCSAMPLENA);
    wait_us(host, 5000);
    put(host, DWT, CYCCNTENA);
    wait_us(host, 1000);
    halt(host);
    receive(BIT);
    for (int i = 0; i < bytes; i += 5)
        fprintf(record, "PC: 0x%08x\n", LOOP);
}

static void record_data(struct host *host)
{
    trace_data(host, 1, 2);
    put(host, FUNCTION0 + 16, 0);
    fprintf(record, "Watchpoint 1: Write data 0x44332211\nWatchpoint 1: Read data 0x44332211\n"
            "Watchpoint 1: Write data 0x99\nWatchpoint 1: Read data 0x2299\n");
    trace_data(host, 2, 13 | 1 << 5);
    put(host, FUNCTION0 + 32, 0);
    fprintf(record, "Watchpoint 2: address 0x????0100\nWatchpoint 2: address 0x????0100\n");
}

static void record_overflow(struct host *host)
{
    for (int i = 0; i < 5; i++)
        tell(host, 3, 0x10u + (unsigned)i, 1);
    wait_us(host, 1000);
    fprintf(record, "3: 0x10\n3: 0x11\n3: 0x12\nOverflow\n");
}

/* The first counts from when stamps were switched on; sigrok adds them up. */
static void record_time_stamps(struct host *host)
{
    put(host, TCR, 0x10000 | ITMENA | DWTENA | TSENA);
    listen(host);
    tell(host, 3, 1, 1);
    wait_us(host, 1000);
    tell(host, 3, 2, 1);
    wait_us(host, 1000);
    receive(BIT);
    unsigned first = (byte[3] & 0x7F) | (byte[3] & 0x80 ? (byte[4] & 0x7Fu) << 7 : 0);
    fprintf(record, "3: 0x01\nTimestamp: %u (exact)\n3: 0x02\nTimestamp: %u (exact)\n", first,
            first + 8000);
    put(host, TCR, 0x10000 | ITMENA | DWTENA);
}

static void a_session_is_recorded_for_sigrok(void **state)
{
    struct host *host = *state;
    begin_record(host, "nrz");
    tell_text(host, "Pillbug");
    tell_value(host, 1, 0x1234, 2);
    tell_value(host, 31, 0x89ABCDEF, 4);
    record_exception(host);
    record_samples(host);
    record_data(host);
    record_overflow(host);
    record_time_stamps(host);
    tell_text(host, "the end");
    tell_value(host, 1, 0, 2);                  /* has sigrok print what was before it */
    end_record(host);
}

static void a_session_in_frames_is_recorded_for_sigrok(void **state)
{
    struct host *host = *state;
    put(host, FFCR, 0x102);
    begin_record(host, "frames");
    for (int i = 0; i < 3; i++)
        tell_value(host, 1 + i, 0x1000u + (unsigned)i, i % 2 ? 4 : 2);
    record_exception(host);
    record_data(host);
    end_record(host);
}

#define ON(name) cmocka_unit_test_setup_teardown(name, ready, power_off)

int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        ON(pin_is_swo_only_with_trace_ioen_in_asynchronous_mode),
        ON(jtag_keeps_its_tdo_and_swd_gives_it_to_swo),
        ON(without_a_debugger_the_program_has_to_take_jtag_away),
        ON(trace_set_up_lives_through_a_reset_and_not_through_power_off),
        ON(a_bit_takes_acpr_plus_1_cycles_exactly),
        ON(bytes_follow_each_other_without_a_gap),
        ON(the_line_follows_the_cores_clock),
        ON(manchester_has_a_start_bit_and_two_units_a_bit),
        ON(manchester_pauses_after_eight_bytes),
        ON(formatter_makes_frames_of_16_bytes),
        ON(frames_begin_with_a_full_sync_as_often_as_the_itm_does),
        ON(the_tpius_registers_keep_what_they_have_bits_for),
        ON(a_frame_holds_14_bytes_of_a_new_source_and_15_of_the_same),
        ON(a_store_is_a_packet_as_wide_as_it_was),
        ON(a_port_that_is_off_says_nothing),
        ON(unprivileged_code_has_the_ports_that_tpr_leaves_it),
        ON(the_lock_keeps_control_registers_and_not_the_ports),
        ON(a_store_to_a_full_port_is_lost_and_told),
        ON(tcr_is_busy_until_the_last_packet_has_gone_to_the_tpiu),
        ON(stores_of_a_real_program_come_out_in_order),
        ON(a_time_stamp_counts_cycles_since_the_last),
        ON(a_programs_time_stamps_are_exact),
        ON(a_time_stamp_of_1_to_6_is_one_byte),
        ON(a_late_time_stamp_says_so),
        ON(a_full_time_stamp_counter_is_told),
        ON(synchronization_comes_as_often_as_synctap_says),
        ON(pcsr_shows_a_running_core_and_not_a_halted_one),
        ON(pc_is_sampled_every_1024_cycles_of_postcnt),
        ON(a_sleeping_core_is_sampled_as_such),
        ON(samples_that_the_line_cannot_carry_are_lost_and_told),
        ON(postcnt_may_tell_its_zero_as_an_event),
        ON(exceptions_are_entered_left_and_returned_from),
        ON(a_tail_chained_exception_returns_to_nothing_between),
        ON(cpicnt_counts_what_instructions_take_behind_their_first_cycle),
        ON(lsucnt_counts_loads_and_exccnt_exceptions),
        ON(sleepcnt_tells_each_256_cycles_asleep),
        ON(data_that_is_read_and_written_is_told),
        ON(reads_or_writes_alone_are_told),
        ON(the_place_of_an_access_is_told),
        ON(the_place_comes_before_the_data),
        ON(each_setting_of_function_tells_what_the_manual_has),
        ON(dwt_is_silent_unless_the_itm_lets_it_through),
        ON(programs_and_hardwares_packets_share_the_line),
        ON(tracing_costs_the_core_no_cycle),
        cmocka_unit_test(each_chip_with_an_swo_pin_speaks_at_its_own_clock),
        cmocka_unit_test(a_cortex_m0_shows_its_pc_too),
        cmocka_unit_test(trace_waits_while_a_samd51_gives_it_no_clock),
        cmocka_unit_test(one_wire_goes_to_the_probes_tdo_and_to_its_receiver),
        cmocka_unit_test(swo_may_go_to_the_serial_port_instead_of_tx),
        ON(a_sleeping_core_hides_its_memory_unless_dbg_sleep_is_set),
        ON(itm_and_dwt_answer_while_the_core_sleeps),
        ON(a_core_in_stop_mode_has_no_bus_unless_dbg_stop_is_set),
        ON(dbg_stop_keeps_the_bus_in_stop_mode),
        ON(a_session_is_recorded_for_sigrok),
        ON(a_session_in_frames_is_recorded_for_sigrok),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
