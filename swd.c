/* swd.c - Serial Wire Debug: two pins become 32-bit registers of the target.
 *
 *   called by  adi.c, target.c, monitor.c, cmsis_dap.c      calls  swd_words.s, clock.c
 *
 * gdb and a CMSIS-DAP host both want the wire, and neither can know what the other has
 * left in SELECT, CSW or TAR: so one of them has it at a time, with its own frequency.
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
 * The first two are straight lines, in swd_words.s.  What swd_frequency() says is the clock
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
enum { GDB_HZ = 9000000, DAP_HZ = 1000000 };    /* until somebody asks for another */

static struct {
    uint32_t crh[2];                    /* SWDIO output or input, the rest unchanged */
    enum pace pace;
    uint32_t wait_low, wait_high;       /* turns of the waiting loops, when paced */
    uint32_t hz;
    uint32_t quick, paced, turn;               /* measured, in sixteenths of a cycle: a bit
                                           without waits, and what a turn adds */
    enum swd_owner owner;
    uint32_t asked[2];                  /* Hz, of gdb and of DAP; 0: nothing yet */
    uint8_t turnaround;                 /* clocks less one */
    uint32_t pause;                     /* behind writes, in 256ths of a clock */
    bool always_data;                   /* a data phase even after WAIT and FAULT */
} wire;

/* swd_words.s */
enum { HEARD_OK = 4, HEARD_ODD = 8 };   /* odd: the parity */
uint32_t swd_words_full(uint32_t request, struct swd_block *block, const uint32_t crh[2]);
uint32_t swd_words_even(uint32_t request, struct swd_block *block, const uint32_t crh[2]);

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
        : [port] "l"(&SWD_PORT), [high] "l"(CLOCK_HIGH), [wait_low] "r"(wire.wait_low),
          [wait_high] "r"(wire.wait_high), [dio] "i"(SWDIO_PIN),
          [bsrr] "i"(offsetof(struct gpio, BSRR)), [idr] "i"(offsetof(struct gpio, IDR))
        : "cc", "memory");
    return bits >> (32 - count);
}

static void take_over(void)
{
    exchange(0xF, 1u + wire.turnaround);
    SWD_PORT.CRH = wire.crh[DRIVE];
}

/* --- transfers -------------------------------------------------------------------- */

static inline uint32_t parity(uint32_t word)
{
    word ^= word >> 16;
    word ^= word >> 8;
    word ^= word >> 4;
    return 0x6996u >> (word & 15) & 1;
}

uint8_t swd_request(uint8_t port_and_direction, uint8_t address)
{
    uint32_t middle = port_and_direction | (address & 0xCu) << 1;   /* A[3:2] to 4:3 */

    return (uint8_t)(0x81 | middle | parity(middle) << 5);
}

void swd_idle(uint32_t clocks)
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
    bool known = ack == SWD_WAIT || ack == SWD_FAULT;

    if (!known || (wire.always_data && request & SWD_READ)) {
        exchange(0xFFFFFFFF, 32);
        exchange(0xFFFFFFFF, known ? 1 : BACK_OFF - 32 - 1);
    }
    take_over();
    if (known && wire.always_data && !(request & SWD_READ)) {
        exchange(0, 32);
        exchange(0, 1);
    }
    return ack;
}

static int ask_paced(uint32_t request)
{
    exchange(request, 8);
    SWD_PORT.CRH = wire.crh[LISTEN];
    return (int)(exchange(0x7F, 4u + wire.turnaround) >> (1 + wire.turnaround));
}

static int word_paced(uint32_t request, uint8_t *bytes)
{
    uint32_t word;
    int ack = ask_paced(request);

    if (ack != SWD_OK)
        return refused(ack, request);
    if (request & SWD_READ) {
        word = exchange(0xFFFFFFFF, 32);
        bool odd = parity(word) != exchange(1, 1);
        take_over();
        if (odd)
            return SWD_PARITY;
        __builtin_memcpy(bytes, &word, 4);
    } else {
        __builtin_memcpy(&word, bytes, 4);
        take_over();
        exchange(word, 32);
        exchange(parity(word), 1);
    }
    return SWD_OK;
}

__attribute__((noinline)) static int words_paced(uint32_t request, struct swd_block *block)
{
    uint32_t tries = block->asks;

    while (block->left) {
        int ack = word_paced(request, block->bytes);
        watchdog_feed();                    /* 17 times 256 words at 20 kHz: 4 s */
        if (ack == SWD_WAIT && --tries) {
            block->idle += !(request & SWD_READ) && block->idle < PAUSE_MAX;
            continue;
        }
        if (ack != SWD_OK)
            return ack;
        exchange(0, block->idle);
        tries = block->asks;
        block->left--;
        block->bytes += 4;
    }
    return SWD_OK;
}

static int words(uint32_t request, struct swd_block *block)
{
    uint32_t heard;

    if (wire.pace == PACED || block->left == 0)
        return words_paced(request, block);
    if (wire.pace == EVEN)
        heard = swd_words_even(request, block, wire.crh);
    else
        heard = swd_words_full(request, block, wire.crh);
    if (heard == HEARD_OK)
        return SWD_OK;
    return heard == HEARD_ODD ? SWD_PARITY : refused(reversed(heard), request);
}

/* A write that follows a write too soon is answered with WAIT, by a DP without a write
 * buffer or in front of a slow bus.  Idle clocks between them cost less.  So a block begins
 * with as many as the last one needed; a lone write is seldom followed by another, and pays
 * for the missing buffer only. */
static uint32_t at_most(uint32_t count, uint32_t pause)
{
    uint32_t most = count > 1 ? PAUSE_MAX : 2;
    return pause < most ? pause : most;
}

/* Each WAIT has added a clock.  Without any, down to two, a sixteenth less with every 256
 * words, for the target's clock may become faster. */
static void learn_pause(uint32_t count, uint32_t before, uint32_t after)
{
    uint32_t pause = at_most(count, after);

    if (after > before && pause > wire.pause / 256)
        wire.pause = pause * 256 + 255;
    else if (after == before && wire.pause >= 3 * 256)
        wire.pause -= count * wire.pause / 4096;
}

int swd_words(uint8_t request, struct swd_block *block)
{
    uint32_t count = block->left, pause = at_most(count, wire.pause / 256);

    if (request & SWD_READ)
        return words(request, block);
    if (block->idle < pause)
        block->idle = pause;
    pause = block->idle;
    int ack = words(request, block);
    learn_pause(count, pause, block->idle);
    return ack;
}

int swd_read(uint8_t request, uint32_t *value)
{
    struct swd_block block = { (uint8_t *)value, 1, 0, 1 };
    return swd_words(request, &block);
}

int swd_write(uint8_t request, uint32_t value)
{
    return swd_read(request, &value);
}

/* --- raw bits ----------------------------------------------------------------- */

/* By the loop, whatever the pace. */
void swd_send_bits(uint32_t bits, uint32_t count)
{
    SWD_PORT.CRH = wire.crh[DRIVE];
    exchange(bits, count);
}

uint32_t swd_receive_bits(uint32_t count)
{
    SWD_PORT.BSRR = SWDIO;              /* the pull goes where ODR says: up */
    SWD_PORT.CRH = wire.crh[LISTEN];
    return exchange(0xFFFFFFFF, count);
}

static void send_56_ones(void)
{
    swd_send_bits(0xFFFFFFFF, 32);
    swd_send_bits(0xFFFFFFFF, 24);
}

void swd_line_reset(void)
{
    send_56_ones();
    swd_send_bits(0, 4);
}

/* ADIv5.2 B5.2.1: 0xE79E, sent LSB first between two runs of at least 50 ones. */
void swd_from_jtag(void)
{
    send_56_ones();
    swd_send_bits(0xE79E, 16);
    swd_line_reset();
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
static uint32_t measure(uint32_t turns)
{
    wire.wait_low = wire.wait_high = turns;
    return cycles_of(32) - cycles_of(16);
}

/* The pins are inputs without pull meanwhile, so the target sees nothing of it. */
static void calibrate(void)
{
    enum { TURNS = 32 };

    if (wire.turn)
        return;
    pin_mode(&SWD_PORT, SWCLK_PIN, PIN_INPUT);
    pin_mode(&SWD_PORT, SWDIO_PIN, PIN_INPUT);
    uint32_t quickest = measure(1);

    wire.turn = (measure(TURNS + 1) - quickest) / (2 * TURNS);
    wire.paced = quickest - 2 * wire.turn;
    wire.quick = measure(0);
}

/* Sixteenths of a core cycle that a bit may take at least; 20 kHz is the end.  Where the
 * straight lines are not used the loop sends the odd bits, at its quickest. */
static void set_period(uint32_t period)
{
    uint32_t turns = 0, slowest = clock_hz() / 20000 * 16;
    bool plain = wire.turnaround == 0 && !wire.always_data;

    wire.pace = PACED;
    if (plain && period <= FULL_CYCLES * 16) {
        wire.pace = FULL;
        period = FULL_CYCLES * 16;
    } else if (plain && period <= EVEN_SIXTEENTHS) {
        wire.pace = EVEN;
        period = EVEN_SIXTEENTHS;
    } else if (period <= wire.quick) {
        period = wire.quick;
    } else {
        if (period > slowest)
            period = slowest;
        turns = 2;
        if (period > wire.paced + 2 * wire.turn)
            turns = (period - wire.paced + wire.turn - 1) / wire.turn;
        period = wire.paced + turns * wire.turn;
    }
    wire.hz = (clock_hz() * 16 - 1) / period + 1;       /* up: who asks for it, gets it */
    wire.wait_low = (turns + 1) / 2;
    wire.wait_high = turns / 2;
}

static bool is_dap(void)
{
    return wire.owner == SWD_DAP;
}

/* As the owner has asked for, with whatever else has changed since. */
static void apply_frequency(void)
{
    uint32_t hz = wire.asked[is_dap()], cycles = clock_hz() * 16;  /* 1152 million: fits */

    if (hz == 0)
        hz = is_dap() ? DAP_HZ : GDB_HZ;
    calibrate();
    set_period((cycles - 1) / hz + 1);
}

uint32_t swd_set_frequency(uint32_t hz)
{
    wire.asked[is_dap()] = hz ? hz : 1;
    apply_frequency();
    return wire.hz;
}

uint32_t swd_frequency(void)
{
    apply_frequency();
    return wire.hz;
}

void swd_configure(int turnaround, bool always_data)
{
    wire.turnaround = (uint8_t)(turnaround - 1);
    wire.always_data = always_data;
    apply_frequency();
}

/* --- pins --------------------------------------------------------------------- */

static uint32_t crh_with(uint32_t crh, int pin, enum pin_mode mode)
{
    int shift = (pin - 8) * 4;
    return (crh & ~(0xFu << shift)) | (uint32_t)mode << shift;
}

bool swd_take(enum swd_owner who)
{
    if (wire.owner != SWD_NOBODY && wire.owner != who)
        return false;
    wire.owner = who;
    wire.pause = 0;
    swd_configure(1, false);
    SWD_PORT.BSRR = SWDIO | SWCLK;
    uint32_t crh = crh_with(SWD_PORT.CRH, SWCLK_PIN, PIN_OUTPUT);
    wire.crh[DRIVE] = crh_with(crh, SWDIO_PIN, PIN_OUTPUT);
    wire.crh[LISTEN] = crh_with(crh, SWDIO_PIN, PIN_INPUT_PULL);
    SWD_PORT.CRH = wire.crh[DRIVE];
    return true;
}

void swd_release(enum swd_owner who)
{
    if (wire.owner != SWD_NOBODY && wire.owner != who)
        return;
    wire.owner = SWD_NOBODY;
    swd_set_nrst(false);
    pin_mode(&SWD_PORT, SWCLK_PIN, PIN_INPUT);
    pin_mode(&SWD_PORT, SWDIO_PIN, PIN_INPUT);
}

enum swd_owner swd_owner(void)
{
    return wire.owner;
}

void swd_set_nrst(bool low)
{
    pin_write(&NRST_PORT, NRST_PIN, !low);
    pin_mode(&NRST_PORT, NRST_PIN, PIN_OPEN_DRAIN);
}

bool swd_nrst_is_low(void)
{
    return pin_read(&NRST_PORT, NRST_PIN) == 0;
}

/* While nobody has the wire SWCLK and SWDIO are inputs, and only nRST moves. */
void swd_set_pins(int which, int levels)
{
    if (which & SWD_PIN_CLK)
        pin_write(&SWD_PORT, SWCLK_PIN, levels & SWD_PIN_CLK);
    if (which & SWD_PIN_DIO)
        pin_write(&SWD_PORT, SWDIO_PIN, levels & SWD_PIN_DIO);
    if (which & SWD_PIN_NRST)
        swd_set_nrst(!(levels & SWD_PIN_NRST));
}

int swd_pins(void)
{
    return pin_read(&SWD_PORT, SWCLK_PIN) * SWD_PIN_CLK
         | pin_read(&SWD_PORT, SWDIO_PIN) * SWD_PIN_DIO
         | (swd_nrst_is_low() ? 0 : SWD_PIN_NRST);
}
