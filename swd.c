/* swd.c - Serial Wire Debug: two pins become 32-bit registers of the target.
 *
 *   called by  adi.c, target.c, cmsis_dap.c      calls  the GPIO port, clock.c
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
 *   - Nothing here waits for the target: WAIT and FAULT are answers, not loops.
 *   - An interrupt may come anywhere; it makes a clock longer, never shorter.
 *
 * Both pins share a port, so one BSRR store drops the clock and presents the bit; bits
 * set win over bits reset (RM0008 9.2.5), hence "both low, and this data bit".  A store
 * takes the APB2 bridge two cycles.  At full speed the code is straight-line assembly,
 * because GCC would first compute and then emit all stores in a burst:
 *
 *   full    str lo+bit, bfi, str hi, lsrs                   4 cycles, 18 MHz
 *   brisk   str lo+bit, bfi, nop, str hi, lsrs, nop         6 cycles, 12 MHz
 *   paced   a loop with two waits                           any slower clock
 *   read    str lo, ldr, str hi, lsrs, adcs                 8 cycles, 9 MHz (both)
 *
 * The figures that swd_frequency() gives are measured at start with the cycle counter,
 * so they are right on clones with faster flash as well.  The reads of full and brisk
 * are slower than the writes; that is never wrong.  Default is brisk: 41 ns from data
 * to the rising edge is what 10 to 20 cm of loose jumper wire settles in with room to
 * spare; full speed is for a short ribbon and for those who ask for it.
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

enum pace { PACED, BRISK, FULL };

static struct {
    uint32_t crh_drive, crh_listen;     /* SWDIO output or input, the rest unchanged */
    enum pace pace;
    uint32_t wait_low, wait_high;       /* turns of the waiting loops, when paced */
    uint32_t hz;
    /* Measured once, in thousandths of core cycles. */
    uint32_t full, brisk;               /* a bit */
    uint32_t paced, turn;               /* a bit without waits, and what a turn adds */
} wire;

/* --- one bit after the other -------------------------------------------------- */

/* Sends the low count bits (0 to 32), then one more.  Entered count bits before the
 * end: every step is `step` bytes long.  pad is 0 or 1, the nops in each phase. */
__attribute__((always_inline, optimize("O2")))
static inline void send_straight(uint32_t bits, uint32_t count, uint32_t last,
                                 const int pad)
{
    uint32_t level = BOTH_LOW, back = count * (pad ? 14 : 10), to;

    asm volatile(
        "   bfi   %[level], %[bits], %[dio], #1\n"      /* the first bit, ready */
        "   lsrs  %[bits], %[bits], #1\n"
        "   adr.w %[to], 1f\n"
        "   adds  %[to], #1\n"                          /* Thumb */
        "   subs  %[to], %[to], %[back]\n"
        "   bx    %[to]\n"
        "   .balign 8\n"
        "   .rept 32\n"
        "   str   %[level], [%[port], %[bsrr]]\n"       /* clock falls, data appears */
        "   bfi   %[level], %[bits], %[dio], #1\n"
        "   .rept %c[pad]\n nop\n .endr\n"
        "   str   %[high], [%[port], %[bsrr]]\n"        /* clock rises */
        "   lsrs  %[bits], %[bits], #1\n"
        "   .rept %c[pad]\n nop\n .endr\n"
        "   .endr\n"
        "   .balign 4\n"
        "1: bfi   %[level], %[last], %[dio], #1\n"
        "   str   %[level], [%[port], %[bsrr]]\n"
        "   nop\n"
        "   nop\n"
        "   str   %[high], [%[port], %[bsrr]]\n"
        : [level] "+l"(level), [bits] "+l"(bits), [to] "=&l"(to)
        : [back] "l"(back), [last] "l"(last), [port] "l"(&SWD_PORT),
          [high] "l"(CLOCK_HIGH), [dio] "i"(SWDIO_PIN), [pad] "i"(pad),
          [bsrr] "i"(offsetof(struct gpio, BSRR))
        : "cc", "memory");
}

__attribute__((noinline)) static void send_full(uint32_t bits, uint32_t count,
                                                uint32_t last)
{
    send_straight(bits, count, last, 0);
}

__attribute__((noinline)) static void send_brisk(uint32_t bits, uint32_t count,
                                                 uint32_t last)
{
    send_straight(bits, count, last, 1);
}

/* Clocks count + 1 bits in, count 0 to 32; the last comes in the upper word.  They are
 * shifted in from the right, through the carry, and turned round at the end. */
__attribute__((noinline)) static uint64_t receive_straight(uint32_t count)
{
    uint32_t bits = 0, last, sample, to, back = count * 10;

    asm volatile(
        "   adr.w %[to], 1f\n"
        "   adds  %[to], #1\n"
        "   subs  %[to], %[to], %[back]\n"
        "   bx    %[to]\n"
        "   .balign 8\n"
        "   .rept 32\n"
        "   str   %[low], [%[port], %[bsrr]]\n"         /* clock falls */
        "   ldr   %[sample], [%[port], %[idr]]\n"
        "   str   %[high], [%[port], %[bsrr]]\n"        /* clock rises */
        "   lsrs  %[sample], %[sample], %[dio] + 1\n"   /* the pin to the carry */
        "   adcs  %[bits], %[bits]\n"
        "   .endr\n"
        "   .balign 4\n"
        "1: str   %[low], [%[port], %[bsrr]]\n"
        "   ldr   %[last], [%[port], %[idr]]\n"
        "   str   %[high], [%[port], %[bsrr]]\n"
        "   ubfx  %[last], %[last], %[dio], #1\n"
        "   rbit  %[bits], %[bits]\n"
        : [bits] "+l"(bits), [last] "=&l"(last), [sample] "=&l"(sample), [to] "=&l"(to)
        : [back] "l"(back), [port] "l"(&SWD_PORT), [low] "l"(CLOCK_LOW),
          [high] "l"(CLOCK_HIGH), [dio] "i"(SWDIO_PIN),
          [bsrr] "i"(offsetof(struct gpio, BSRR)), [idr] "i"(offsetof(struct gpio, IDR))
        : "cc", "memory");
    if (count < 32)
        bits = count ? bits >> (32 - count) : 0;
    return (uint64_t)last << 32 | bits;
}

/* Turns of 1 or more.  Eight-byte aligned: the loop is one line of the flash. */
static inline void wait_turns(uint32_t turns)
{
    asm volatile("   .balign 8\n"
                 "1: subs %0, #1\n"
                 "   bne  1b\n" : "+l"(turns) : : "cc", "memory");
}

/* Sends and samples at once, so that there is one pace for both directions: while the
 * target drives, our data bits only hold the pull-up (send ones). */
__attribute__((noinline, optimize("O2")))
static uint32_t exchange(uint32_t bits, uint32_t count)
{
    uint32_t seen = 0;

    for (uint32_t i = 0; i < count; i++) {
        SWD_PORT.BSRR = BOTH_LOW | (bits & 1) << SWDIO_PIN;
        wait_turns(wire.wait_low);
        seen |= (SWD_PORT.IDR >> SWDIO_PIN & 1) << i;
        SWD_PORT.BSRR = CLOCK_HIGH;
        wait_turns(wire.wait_high);
        bits >>= 1;
    }
    return seen;
}

static void send(uint32_t bits, uint32_t count, uint32_t last)
{
    if (wire.pace == FULL) {
        send_full(bits, count, last);
    } else if (wire.pace == BRISK) {
        send_brisk(bits, count, last);
    } else {
        exchange(bits, count);
        exchange(last, 1);
    }
}

static uint64_t receive(uint32_t count)
{
    if (wire.pace != PACED)
        return receive_straight(count);
    uint32_t bits = exchange(0xFFFFFFFF, count);
    return (uint64_t)exchange(1, 1) << 32 | bits;
}

/* --- who drives SWDIO --------------------------------------------------------- */

/* One store each.  The other six pins of CRH keep the mode they had at swd_start(). */
static void listen(void)
{
    SWD_PORT.BSRR = SWDIO;              /* the pull goes where ODR says: up */
    SWD_PORT.CRH = wire.crh_listen;
}

/* The turnaround clock, then the line is ours. */
static void turn_to_drive(void)
{
    receive(0);
    SWD_PORT.CRH = wire.crh_drive;
}

/* --- transfers ---------------------------------------------------------------- */

static uint32_t parity(uint32_t word)
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

/* Park is 1, so SWDIO is high when we let go.  The turnaround's sample is dropped. */
static int ask(uint8_t request)
{
    send(request, 7, 1);
    SWD_PORT.CRH = wire.crh_listen;
    uint64_t answer = receive(3);
    return (int)((uint32_t)answer >> 1 | (uint32_t)(answer >> 32) << 2);
}

/* No data phase follows WAIT and FAULT.  After an answer that is none the target may be
 * sending all the same: let it finish before we drive. */
static int refused(uint8_t request, int ack)
{
    if (ack != SWD_WAIT && ack != SWD_FAULT && request & SWD_READ)
        receive(32);
    turn_to_drive();
    return ack;
}

int swd_read(uint8_t request, uint32_t *value)
{
    int ack = ask(request);

    if (ack != SWD_OK)
        return refused(request, ack);
    uint64_t answer = receive(32);
    turn_to_drive();
    if (parity((uint32_t)answer) != (uint32_t)(answer >> 32))
        return SWD_PARITY;
    *value = (uint32_t)answer;
    return SWD_OK;
}

int swd_write(uint8_t request, uint32_t value)
{
    int ack = ask(request);

    if (ack != SWD_OK)
        return refused(request, ack);
    turn_to_drive();
    send(value, 32, parity(value));
    return SWD_OK;
}

/* --- raw bits ----------------------------------------------------------------- */

static void send_some(uint32_t bits, int count)
{
    if (count > 0)
        send(bits, (uint32_t)count - 1, bits >> (count - 1) & 1);
}

void swd_send_bits(uint64_t bits, int count)
{
    send_some((uint32_t)bits, count < 32 ? count : 32);
    send_some((uint32_t)(bits >> 32), count - 32);
}

static uint32_t receive_some(int count)
{
    if (count <= 0)
        return 0;
    uint64_t answer = receive((uint32_t)count - 1);
    return (uint32_t)answer | (uint32_t)(answer >> 32) << (count - 1);
}

uint64_t swd_receive_bits(int count)
{
    listen();
    uint64_t bits = receive_some(count < 32 ? count : 32);
    bits |= (uint64_t)receive_some(count - 32) << 32;
    SWD_PORT.CRH = wire.crh_drive;
    return bits;
}

void swd_line_reset(void)
{
    swd_send_bits(UINT64_MAX, 56);
    swd_send_bits(0, 4);
}

/* ADIv5.2 B5.2.1: 0xE79E, sent LSB first between two runs of at least 50 ones. */
void swd_from_jtag(void)
{
    swd_send_bits(UINT64_MAX, 56);
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
        if (wire.pace == PACED)
            exchange(0, count);
        else
            send(0, count, 0);
        uint32_t taken = clock_cycles() - start;
        if (taken < best)
            best = taken;
    }
    return best;
}

/* Thousandths of a cycle for one bit; what does not belong to the bits cancels out. */
static uint32_t measure(enum pace pace, uint32_t low, uint32_t high)
{
    wire.pace = pace;
    wire.wait_low = low;
    wire.wait_high = high;
    return (cycles_of(32) - cycles_of(16)) * 1000 / 16;
}

/* The pins are inputs without pull meanwhile, so the target sees nothing of it. */
static void calibrate(void)
{
    enum { TURNS = 32 };

    wire.full = measure(FULL, 1, 1);
    wire.brisk = measure(BRISK, 1, 1);
    uint32_t quickest = measure(PACED, 1, 1);
    uint32_t slow = measure(PACED, TURNS + 1, TURNS + 1);
    wire.turn = (slow - quickest) / (2 * TURNS);
    wire.paced = quickest - 2 * wire.turn;
}

static uint32_t to_hz(uint32_t thousandths)
{
    return (uint32_t)((uint64_t)clock_hz() * 1000 / thousandths);
}

/* Turns of the waiting loops that make a bit at least so long. */
static uint32_t turns_for(uint64_t period)
{
    uint64_t slowest = clock_hz() / 10;         /* 10 kHz, in thousandths of a cycle */

    if (period > slowest)
        period = slowest;
    if (period <= wire.paced + 2 * wire.turn)
        return 2;
    return (uint32_t)((period - wire.paced + wire.turn - 1) / wire.turn);
}

static void set_period(uint64_t period)
{
    if (period <= wire.full) {
        wire.pace = FULL;
        wire.hz = to_hz(wire.full);
    } else if (period <= wire.brisk) {
        wire.pace = BRISK;
        wire.hz = to_hz(wire.brisk);
    } else {
        uint32_t turns = turns_for(period);
        wire.pace = PACED;
        wire.wait_low = (turns + 1) / 2;
        wire.wait_high = turns / 2;
        wire.hz = to_hz(wire.paced + turns * wire.turn);
    }
}

uint32_t swd_set_frequency(uint32_t hz)
{
    uint64_t cycles = (uint64_t)clock_hz() * 1000;

    set_period(hz ? (cycles + hz - 1) / hz : UINT64_MAX);
    return wire.hz;
}

uint32_t swd_frequency(void)
{
    return wire.hz;
}

/* --- pins --------------------------------------------------------------------- */

static uint32_t crh_with(uint32_t crh, int pin, enum pin_mode mode)
{
    int shift = (pin - 8) * 4;
    return (crh & ~(0xFu << shift)) | (uint32_t)mode << shift;
}

void swd_start(void)
{
    if (wire.hz == 0) {
        pin_mode(&SWD_PORT, SWCLK_PIN, PIN_INPUT);
        pin_mode(&SWD_PORT, SWDIO_PIN, PIN_INPUT);
        calibrate();
        set_period(wire.brisk);
    }
    SWD_PORT.BSRR = SWDIO | SWCLK;
    uint32_t crh = crh_with(SWD_PORT.CRH, SWCLK_PIN, PIN_OUTPUT);
    wire.crh_drive = crh_with(crh, SWDIO_PIN, PIN_OUTPUT);
    wire.crh_listen = crh_with(crh, SWDIO_PIN, PIN_INPUT_PULL);
    SWD_PORT.CRH = wire.crh_drive;
}

void swd_stop(void)
{
    swd_set_nrst(false);
    pin_mode(&SWD_PORT, SWCLK_PIN, PIN_INPUT);
    pin_mode(&SWD_PORT, SWDIO_PIN, PIN_INPUT);
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
