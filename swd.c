/* swd.c - Serial Wire Debug: two pins become 32-bit registers of the target.
 *
 * One transfer is 46 clocks.  H = we drive SWDIO, T = the target does, - = nobody:
 *
 *   write  1 A R a a P 0 1 | - | T T T | - | H x 32 data | H parity
 *   read   1 A R a a P 0 1 | - | T T T | T x 32 data | T parity | -
 *          start  ..  park  trn   ack   trn (only when the direction changes)
 *
 * The rules every primitive keeps, so that any may follow any other:
 *   - SWCLK rests high.  A bit is one low pulse, and we leave the clock high again.
 *   - Sending, SWDIO changes with the falling edge; the target acts on the rising one.
 *   - Receiving, we look just before the clock rises: the target changes SWDIO after
 *     a rising edge, so it has had the whole period.
 *   - SWDIO is given away and taken back while the clock is high.  Before we let go we
 *     have driven it high, and our pull-up keeps it there: silence reads as ones.
 *   - Nothing here waits for the target for long: a word is asked for as often as the
 *     caller allows; then WAIT is the answer.
 *   - An interrupt may come anywhere; it makes a clock longer, never shorter.
 *
 * Both pins share a port, so one BSRR store drops the clock and presents the bit; bits
 * set win over bits reset (RM0008 9.2.5), hence "both low, and this data bit".  A store
 * takes the APB2 bridge two cycles, a load four, one of them beside the store before it.
 * The bits are assembly, because GCC would first compute and then emit all stores in a
 * burst:
 *
 *   full    send    str lo+bit, bfi, str hi, lsrs               4 cycles, 18 MHz
 *           hear    str lo, ldr, str hi, bfi                    7 cycles, 10.3 MHz
 *   even    send    str lo+bit, bfi, 2 nop, str hi, lsrs, 2 nop 8 cycles, 8.7 MHz
 *           hear    str lo, ldr, str hi, bfi, nop               8 cycles, 9 MHz
 *   quick   a loop for both directions                         18 cycles, 4 MHz
 *   paced   the same with two waits                             3 MHz and slower
 *
 * The first two are straight lines, in swd_words.s.  What swd_set_period() returns is the clock
 * while a word is written.  The last two are measured at start with the cycle counter, so
 * their figures are right on clones with faster flash.  docs/speed.md tells what else was
 * tried, test/sim/swd_timing.c measures every figure here.
 *
 * Default is 8.7 MHz: 55 ns from data to the rising edge is what 10 to 20 cm of loose
 * jumper wire settles in with room to spare; full speed is for a short ribbon and for
 * those who ask for it.
 *
 * Source: ARM IHI 0031 (ADIv5.2) B4, "The Serial Wire Debug protocol". */
#include "swd.h"
#include "board.h"
#include "clock.h"
#include "mem.h"
#include "wire.h"

#define SWDIO       (1u << SWDIO_PIN)
#define SWCLK       (1u << SWCLK_PIN)
#define BOTH_LOW    ((SWDIO | SWCLK) << 16)
#define CLOCK_LOW   (SWCLK << 16)
#define CLOCK_HIGH  SWCLK

_Static_assert(SWDIO_PIN >= 8 && SWCLK_PIN >= 8, "both are configured by CRH");

enum pace { PACED, EVEN, FULL };
enum { DRIVE, LISTEN };
enum { FULL_CYCLES = 4 };                       /* a bit, written */
enum { EVEN_SIXTEENTHS = 8 * 16 + 4 };          /* the same, with its share of the jump */
enum { BACK_OFF = 44 };                         /* clocks: data phase, and 10 more */
enum { PAUSE_MAX = 48 };                        /* idle clocks behind a write */

static struct {
    enum pace pace;
    uint8_t turnaround;                 /* clocks less one */
    bool always_data;                   /* a data phase even after WAIT and FAULT */
    uint32_t crh[2];                    /* SWDIO output or input, the rest unchanged */
    uint32_t wait_low, wait_high;       /* turns of the waiting loops, when paced */
    uint32_t quick, paced, turn;               /* measured, in sixteenths of a cycle: a bit
                                           without waits, and what a turn adds */
    uint32_t pause;                     /* behind writes, in 256ths of a clock */
} swd;

/* swd_words.s */
enum { HEARD_OK = 4, HEARD_ODD = 8 };   /* odd: the parity */
uint32_t swd_words(uint32_t request, struct wire_block *block, const uint32_t crh[2], bool full);

/* --- the loop that can be slow ---------------------------------------------------- */

/* Sends and samples count bits at once, so that there is one pace for both directions:
 * while the target drives, our data bits only hold the pull-up (send ones).  What is heard
 * takes the place of what was sent.
 *
 * The first loop does not wait, and its nops make it 18 cycles a bit.  The waits of the
 * second are loops in lines of flash (8 bytes) of their own, so that a turn always costs
 * the same. */
__attribute__((noinline)) static uint32_t exchange(uint32_t bits, uint32_t count)
{
    uint32_t level = BOTH_LOW, left = count, sample;

    if (count == 0)
        return 0;
    asm volatile(
        "   cmp   %[wait_low], #0\n"
        "   bne   2f\n"
        "   .balign 8\n"
        "1: bfi   %[level], %[bits], %[dio], #1\n"
        "   str   %[level], [%[port], %[bsrr]]\n"       /* clock falls, data appears */
        "   nop\n"
        "   nop\n"
        "   nop\n"
        "   ldr   %[sample], [%[port], %[idr]]\n"
        "   str   %[high], [%[port], %[bsrr]]\n"        /* clock rises */
        "   lsrs  %[sample], %[sample], %[dio] + 1\n"   /* the pin to the carry */
        "   rrx   %[bits], %[bits]\n"
        "   subs  %[left], #1\n"
        "   bne   1b\n"
        "   b     5f\n"
        "   .balign 8\n"
        "2: bfi   %[level], %[bits], %[dio], #1\n"
        "   str   %[level], [%[port], %[bsrr]]\n"
        "   nop\n"
        "   mov   %[sample], %[wait_low]\n"
        "   .balign 8\n"
        "3: subs  %[sample], #1\n"
        "   bne   3b\n"
        "   ldr   %[sample], [%[port], %[idr]]\n"
        "   str   %[high], [%[port], %[bsrr]]\n"
        "   lsrs  %[sample], %[sample], %[dio] + 1\n"
        "   rrx   %[bits], %[bits]\n"
        "   mov   %[sample], %[wait_high]\n"
        "4: subs  %[sample], #1\n"
        "   bne   4b\n"
        "   subs  %[left], #1\n"
        "   bne   2b\n"
        "5:\n"
        : [level] "+l"(level), [bits] "+l"(bits), [left] "+l"(left), [sample] "=&l"(sample)
        : [port] "l"(&SWD_PORT), [high] "l"(CLOCK_HIGH), [wait_low] "r"(swd.wait_low),
          [wait_high] "r"(swd.wait_high), [dio] "i"(SWDIO_PIN),
          [bsrr] "i"(offsetof(struct gpio, BSRR)), [idr] "i"(offsetof(struct gpio, IDR))
        : "cc", "memory");
    return bits >> (32 - count);
}

/* The same bits, 32 of them and more. */
__attribute__((noinline)) static void fill(uint32_t bits, uint32_t more)
{
    exchange(bits, 32);
    exchange(bits, more);
}

static void take_over(void)
{
    exchange(0xF, 1u + swd.turnaround);
    SWD_PORT.CRH = swd.crh[DRIVE];
}

/* --- transfers -------------------------------------------------------------------- */

static inline uint32_t parity_of_4(uint32_t bits)
{
    return 0x6996u >> bits & 1;
}

__attribute__((noinline)) static uint32_t parity(uint32_t word)
{
    word ^= word >> 16;
    word ^= word >> 8;
    word ^= word >> 4;
    return parity_of_4(word & 15);
}

/* As it goes over the wire: start, APnDP, RnW, A[3:2], parity, stop, park. */
enum { READING = WIRE_READ << 1 };
static uint32_t framed(uint32_t request)
{
    uint32_t middle = request & (WIRE_AP | WIRE_READ | WIRE_ADDRESS);

    return 0x81 | middle << 1 | parity_of_4(middle) << 5;
}

void wire_idle(uint32_t clocks)
{
    exchange(0, clocks);
}

static int reversed(uint32_t heard)
{
    return (int)((heard & 1) << 2 | (heard & 2) | heard >> 2);
}

/* A data phase follows WAIT and FAULT only if the DP was told so (ORUNDETECT, ADIv5.2
 * B4.2.4); it is of zeros when we send it.  After an answer that is none the target may be
 * sending all the same, or about to, if it heard another request and later than ours: let
 * it finish before we drive. */
__attribute__((noinline)) static int refused(int ack, uint32_t request)
{
    bool known = ack == WIRE_WAIT || ack == WIRE_FAULT;

    if (!known || (swd.always_data && request & READING))
        fill(0xFFFFFFFF, known ? 1 : BACK_OFF - 32 - 1);
    take_over();
    if (known && swd.always_data && !(request & READING))
        fill(0, 1);
    return ack;
}

static int ask_paced(uint32_t request)
{
    exchange(request, 8);
    SWD_PORT.CRH = swd.crh[LISTEN];
    return (int)(exchange(0x7F, 4u + swd.turnaround) >> (1 + swd.turnaround));
}

static int word_paced(uint32_t request, uint8_t *bytes)
{
    struct word *word = (struct word *)bytes;
    bool reading = request & READING;
    int ack = ask_paced(request);

    if (ack != WIRE_OK)
        return refused(ack, request);
    if (!reading)
        take_over();
    uint32_t sent = reading ? 0xFFFFFFFF : word->value, heard = exchange(sent, 32);
    uint32_t odd = exchange(reading | parity(sent), 1);
    if (reading) {
        take_over();
        if (parity(heard) != odd)
            return WIRE_PARITY;
        word->value = heard;
    }
    return WIRE_OK;
}

__attribute__((noinline)) static int words_paced(uint32_t request, struct wire_block *block)
{
    uint32_t tries = block->asks;

    while (block->left) {
        int ack = word_paced(request, block->bytes);
        watchdog_feed();                    /* 17 times 256 words at 20 kHz: 4 s */
        if (ack == WIRE_WAIT && --tries) {
            block->idle += !(request & READING) && block->idle < PAUSE_MAX;
            continue;
        }
        if (ack != WIRE_OK)
            return ack;
        exchange(0, block->idle);
        tries = block->asks;
        block->left--;
        block->bytes += 4;
    }
    return WIRE_OK;
}

static int words(uint32_t request, struct wire_block *block)
{
    if (swd.pace == PACED || block->left == 0)
        return words_paced(request, block);
    uint32_t heard = swd_words(request, block, swd.crh, swd.pace == FULL);
    if (heard == HEARD_OK)
        return WIRE_OK;
    return heard == HEARD_ODD ? WIRE_PARITY : refused(reversed(heard), request);
}

/* A write that follows a write too soon is answered with WAIT, by a DP without a write
 * buffer or in front of a slow bus.  Idle clocks between them cost less.  So a block begins
 * with as many as the last one needed; a lone write is seldom followed by another, and pays
 * for the missing buffer only. */
static uint32_t pause_within(uint32_t count, uint32_t pause)
{
    uint32_t most = count > 1 ? PAUSE_MAX : 2;
    return pause < most ? pause : most;
}

/* Each WAIT has added a clock.  Without any, down to two, a sixteenth less with every 256
 * words, for the target's clock may become faster. */
static void learn_pause(uint32_t count, uint32_t before, uint32_t after)
{
    uint32_t pause = pause_within(count, after);

    if (after > before && pause > swd.pause / 256)
        swd.pause = pause * 256 + 255;
    else if (after == before && swd.pause >= 3 * 256)
        swd.pause -= count * swd.pause / 4096;
}

int wire_words(uint32_t request, struct wire_block *block)
{
    request = framed(request);
    if (request & READING)
        return words(request, block);
    uint32_t count = block->left, pause = pause_within(count, swd.pause / 256);
    if (block->idle < pause)
        block->idle = pause;
    pause = block->idle;
    int ack = words(request, block);
    learn_pause(count, pause, block->idle);
    return ack;
}

/* --- raw bits ----------------------------------------------------------------- */

/* By the loop, whatever the pace. */
void wire_send_bits(uint32_t bits, uint32_t count)
{
    SWD_PORT.CRH = swd.crh[DRIVE];
    exchange(bits, count);
}

uint32_t wire_receive_bits(uint32_t count)
{
    SWD_PORT.BSRR = SWDIO;              /* the pull goes where ODR says: up */
    SWD_PORT.CRH = swd.crh[LISTEN];
    return exchange(0xFFFFFFFF, count);
}

static void send_56_ones(void)
{
    SWD_PORT.CRH = swd.crh[DRIVE];
    fill(0xFFFFFFFF, 24);
}

/* 56 clocks high and 4 low: line reset, ADIv5.2 B4.3.3. */
void wire_resynchronize(void)
{
    send_56_ones();
    wire_send_bits(0, 4);
}

/* ADIv5.2 B5.2.1: 0xE79E, sent LSB first between two runs of at least 50 ones. */
static void from_jtag(void)
{
    send_56_ones();
    wire_send_bits(0xE79E, 16);
    wire_resynchronize();
}

/* B5.3.4: 8 clocks high, the 128-bit selection alert, 4 clocks low, activation code 0x1A for
 * SW-DP; and 4 more low. */
static void from_dormant(void)
{
    static const uint8_t alert[] = {
        0xFF, 0x92, 0xF3, 0x09, 0x62, 0x95, 0x2D, 0x85, 0x86,
        0xE9, 0xAF, 0xDD, 0xE3, 0xA2, 0x0E, 0xBC, 0x19, 0xA0, 0x01,
    };

    for (uint32_t i = 0; i < sizeof alert; i++)
        wire_send_bits(alert[i], 8);
}

/* Gentlest first: the DP may listen to SWD already; an SWJ-DP starts in JTAG; a DPv2
 * multi-drop part may be dormant. */
void wire_wake(int how)
{
    if (how == 1)
        from_jtag();
    if (how == 2)
        from_dormant();
}

/* --- pace --------------------------------------------------------------------- */

/* The shortest of several runs: an interrupt can only make one longer. */
static uint32_t cycles_of(uint32_t count)
{
    uint32_t best = UINT32_MAX;

    for (int i = 0; i < 6; i++) {
        uint32_t start = clock_cycles();
        exchange(0, count);
        uint32_t taken = clock_cycles() - start;
        if (taken < best)
            best = taken;
    }
    return best;
}

/* Sixteenths of a cycle for one bit; what does not belong to the bits cancels out. */
static uint32_t time_bits(uint32_t turns)
{
    swd.wait_low = swd.wait_high = turns;
    return cycles_of(32) - cycles_of(16);
}

/* The pins are inputs without pull meanwhile, so the target sees nothing of it. */
static void calibrate(void)
{
    enum { TURNS = 32 };

    if (swd.turn)
        return;
    swd_release();
    uint32_t quickest = time_bits(1);

    swd.turn = (time_bits(TURNS + 1) - quickest) / (2 * TURNS);
    swd.paced = quickest - 2 * swd.turn;
    swd.quick = time_bits(0);
}

/* Where the straight lines are not used the loop sends the odd bits, at its quickest. */
uint32_t swd_set_period(uint32_t period)
{
    uint32_t turns = 0;
    bool plain = swd.turnaround == 0 && !swd.always_data;

    calibrate();
    swd.pace = PACED;
    if (plain && period <= FULL_CYCLES * 16) {
        swd.pace = FULL;
        period = FULL_CYCLES * 16;
    } else if (plain && period <= EVEN_SIXTEENTHS) {
        swd.pace = EVEN;
        period = EVEN_SIXTEENTHS;
    } else if (period <= swd.quick) {
        period = swd.quick;
    } else {
        turns = 2;
        if (period > swd.paced + 2 * swd.turn)
            turns = (period - swd.paced + swd.turn - 1) / swd.turn;
        period = swd.paced + turns * swd.turn;
    }
    swd.wait_low = (turns + 1) / 2;
    swd.wait_high = turns / 2;
    return period;
}

void swd_configure(int turnaround, bool always_data)
{
    swd.turnaround = (uint8_t)(turnaround - 1);
    swd.always_data = always_data;
}

/* --- pins --------------------------------------------------------------------- */

static uint32_t crh_with(uint32_t crh, int pin, enum pin_mode mode)
{
    int shift = (pin - 8) * 4;
    return (crh & ~(0xFu << shift)) | (uint32_t)mode << shift;
}

void swd_take(void)
{
    swd.pause = 0;
    SWD_PORT.BSRR = SWDIO | SWCLK;
    uint32_t crh = crh_with(SWD_PORT.CRH, SWCLK_PIN, PIN_OUTPUT);
    swd.crh[DRIVE] = crh_with(crh, SWDIO_PIN, PIN_OUTPUT);
    swd.crh[LISTEN] = crh_with(crh, SWDIO_PIN, PIN_INPUT_PULL);
    SWD_PORT.CRH = swd.crh[DRIVE];
}

void swd_release(void)
{
    pin_mode(&SWD_PORT, SWCLK_PIN, PIN_INPUT);
    pin_mode(&SWD_PORT, SWDIO_PIN, PIN_INPUT);
}
