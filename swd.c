/* swd.c - Serial Wire Debug: two pins become 32-bit registers of the target.
 *
 *   called by  adi.c, target.c, monitor.c, cmsis_dap.c      calls  the GPIO port, clock.c
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
 *   - Nothing here waits for the target: WAIT and FAULT are answers, not loops.
 *   - An interrupt may come anywhere; it makes a clock longer, never shorter.
 *
 * Both pins share a port, so one BSRR store drops the clock and presents the bit; bits
 * set win over bits reset (RM0008 9.2.5), hence "both low, and this data bit".  A store
 * takes the APB2 bridge two cycles.  The bits are assembly, because GCC would first
 * compute and then emit all stores in a burst:
 *
 *   full    str lo+bit, bfi, str hi, lsrs                       4 cycles, 18 MHz
 *   read    str lo, ldr, str hi, lsrs, adcs                     8 cycles, 9 MHz
 *   even    str lo+bit, bfi, 2 nop, str hi, lsrs, 2 nop         8 cycles, 8.7 MHz
 *   quick   a loop for both directions                         18 cycles, 4 MHz
 *   paced   the same with two waits                             3 MHz and slower
 *
 * Full speed writes with `full`, all others that are not paced with `even`.  What
 * swd_frequency() says is the clock while a word is written.  The last two are measured
 * at start with the cycle counter, so their figures are right on clones with faster flash.
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
enum { FULL_CYCLES = 4 };                       /* a bit, written */
enum { EVEN_SIXTEENTHS = 8 * 16 + 4 };          /* the same, with its share of the jump */
enum { BACK_OFF = 44 };                         /* clocks: data phase, and 10 more */
enum { GDB_HZ = 9000000, DAP_HZ = 1000000 };    /* until somebody asks for another */

static struct {
    uint32_t crh_drive, crh_listen;     /* SWDIO output or input, the rest unchanged */
    enum pace pace;
    uint32_t wait_low, wait_high;       /* turns of the waiting loops, when paced */
    uint32_t hz;
    uint32_t quick, paced, turn;        /* measured, in sixteenths of a cycle: a bit;
                                           one without waits, and what a turn adds */
    enum swd_owner owner;
    uint32_t asked[2];                  /* Hz, of gdb and of DAP; 0: nothing yet */
    uint8_t turnaround;                 /* clocks less one */
    bool always_data;                   /* a data phase even after WAIT and FAULT */
} wire;

/* --- straight lines --------------------------------------------------------------- */

/* Eight request bits, then listening: the turnaround and three bits of ACK, which is
 * the result.  The last request bit is Park, 1: SWDIO is high when we let go.  pad is 0
 * or 2, the nops in each phase. */
__attribute__((always_inline)) static inline int ask_straight(uint32_t request,
                                                              const int pad)
{
    uint32_t level = BOTH_LOW, ack = 0;

    asm volatile(
        "   bfi   %[level], %[bits], %[dio], #1\n"
        "   lsrs  %[bits], %[bits], #1\n"
        "   .balign 8\n"
        "   .rept 8\n"
        "   str   %[level], [%[port], %[bsrr]]\n"       /* clock falls, data appears */
        "   bfi   %[level], %[bits], %[dio], #1\n"
        "   .rept %c[pad]\n nop\n .endr\n"
        "   str   %[high], [%[port], %[bsrr]]\n"        /* clock rises */
        "   lsrs  %[bits], %[bits], #1\n"
        "   .rept %c[pad]\n nop\n .endr\n"
        "   .endr\n"
        "   str   %[listen], [%[port], %[crh]]\n"
        "   .rept 4\n"
        "   str   %[low], [%[port], %[bsrr]]\n"         /* clock falls */
        "   ldr   %[level], [%[port], %[idr]]\n"
        "   str   %[high], [%[port], %[bsrr]]\n"        /* clock rises */
        "   lsrs  %[level], %[level], %[dio] + 1\n"     /* the pin to the carry */
        "   adcs  %[ack], %[ack]\n"
        "   .endr\n"
        "   rbit  %[ack], %[ack]\n"                     /* the first bit lowest */
        : [level] "+l"(level), [bits] "+l"(request), [ack] "+l"(ack)
        : [port] "l"(&SWD_PORT), [high] "l"(CLOCK_HIGH), [low] "l"(CLOCK_LOW),
          [listen] "l"(wire.crh_listen), [dio] "i"(SWDIO_PIN), [pad] "i"(pad),
          [bsrr] "i"(offsetof(struct gpio, BSRR)), [idr] "i"(offsetof(struct gpio, IDR)),
          [crh] "i"(offsetof(struct gpio, CRH))
        : "cc", "memory");
    return (int)(ack >> 29);
}

/* The turnaround, 32 bits of data, and parity, in `turns` turns of a loop: 1 at full
 * speed; 4 with two nops more in each phase.  In the last bit of a turn the jump takes
 * the place of the nops, and a little more. */
__attribute__((always_inline)) static inline void put_straight(uint32_t word,
                                                               uint32_t last,
                                                               const int turns)
{
    const int pad = turns == 1 ? 0 : 2;
    uint32_t level = BOTH_LOW, left = (uint32_t)turns;

    asm volatile(
        "   str   %[low], [%[port], %[bsrr]]\n"
        "   bfi   %[level], %[word], %[dio], #1\n"
        "   lsrs  %[word], %[word], #1\n"
        "   nop\n"
        "   str   %[high], [%[port], %[bsrr]]\n"
        "   str   %[drive], [%[port], %[crh]]\n"
        "   .balign 8\n"
        "1: .rept 32 / %c[turns] - 1\n"
        "   str   %[level], [%[port], %[bsrr]]\n"       /* clock falls, data appears */
        "   bfi   %[level], %[word], %[dio], #1\n"
        "   .rept %c[pad]\n nop\n .endr\n"
        "   str   %[high], [%[port], %[bsrr]]\n"        /* clock rises */
        "   lsrs  %[word], %[word], #1\n"
        "   .rept %c[pad]\n nop\n .endr\n"
        "   .endr\n"
        "   str   %[level], [%[port], %[bsrr]]\n"
        "   bfi   %[level], %[word], %[dio], #1\n"
        "   .if %c[turns] > 1\n"
        "   lsrs  %[word], %[word], #1\n"
        "   subs  %[left], #1\n"
        "   .endif\n"
        "   str   %[high], [%[port], %[bsrr]]\n"
        "   .if %c[turns] > 1\n"
        "   bne   1b\n"
        "   .endif\n"
        "   bfi   %[level], %[last], %[dio], #1\n"
        "   str   %[level], [%[port], %[bsrr]]\n"
        "   nop\n"
        "   nop\n"
        "   str   %[high], [%[port], %[bsrr]]\n"
        : [level] "+l"(level), [word] "+l"(word), [left] "+l"(left)
        : [last] "l"(last), [turns] "i"(turns), [port] "l"(&SWD_PORT), [high] "l"(CLOCK_HIGH),
          [low] "l"(CLOCK_LOW), [drive] "l"(wire.crh_drive), [dio] "i"(SWDIO_PIN),
          [pad] "i"(pad), [bsrr] "i"(offsetof(struct gpio, BSRR)),
          [crh] "i"(offsetof(struct gpio, CRH))
        : "cc", "memory");
}

/* 32 bits of data, parity into the upper word, and the turnaround.  The bits are
 * shifted in from the right, through the carry, and turned round at the end. */
__attribute__((always_inline)) static inline uint64_t get_straight(void)
{
    uint32_t word = 0, last = 0, sample;

    asm volatile(
        "   .balign 8\n"
        "   .rept 32\n"
        "   str   %[low], [%[port], %[bsrr]]\n"         /* clock falls */
        "   ldr   %[sample], [%[port], %[idr]]\n"
        "   str   %[high], [%[port], %[bsrr]]\n"        /* clock rises */
        "   lsrs  %[sample], %[sample], %[dio] + 1\n"   /* the pin to the carry */
        "   adcs  %[word], %[word]\n"
        "   .endr\n"
        "   str   %[low], [%[port], %[bsrr]]\n"
        "   ldr   %[sample], [%[port], %[idr]]\n"
        "   str   %[high], [%[port], %[bsrr]]\n"
        "   ubfx  %[last], %[sample], %[dio], #1\n"
        "   nop\n"
        "   str   %[low], [%[port], %[bsrr]]\n"
        "   rbit  %[word], %[word]\n"
        "   nop\n"
        "   str   %[high], [%[port], %[bsrr]]\n"
        "   str   %[drive], [%[port], %[crh]]\n"
        : [word] "+l"(word), [last] "+l"(last), [sample] "=&l"(sample)
        : [port] "l"(&SWD_PORT), [low] "l"(CLOCK_LOW), [high] "l"(CLOCK_HIGH),
          [drive] "l"(wire.crh_drive), [dio] "i"(SWDIO_PIN),
          [bsrr] "i"(offsetof(struct gpio, BSRR)), [idr] "i"(offsetof(struct gpio, IDR)),
          [crh] "i"(offsetof(struct gpio, CRH))
        : "cc", "memory");
    return (uint64_t)last << 32 | word;
}

/* --- the loop that can be slow ---------------------------------------------------- */

/* Sends and samples count bits at once, so that there is one pace for both directions:
 * while the target drives, our data bits only hold the pull-up (send ones).  This one
 * does not wait, and the nops make it 18 cycles a bit. */
__attribute__((noinline)) static uint32_t exchange_quick(uint32_t bits, uint32_t count)
{
    uint32_t level = BOTH_LOW, seen = 0, left = count, sample;

    asm volatile(
        "   .balign 8\n"
        "1: bfi   %[level], %[bits], %[dio], #1\n"
        "   str   %[level], [%[port], %[bsrr]]\n"       /* clock falls, data appears */
        "   lsrs  %[bits], %[bits], #1\n"
        "   nop\n"
        "   nop\n"
        "   ldr   %[sample], [%[port], %[idr]]\n"
        "   str   %[high], [%[port], %[bsrr]]\n"        /* clock rises */
        "   lsrs  %[sample], %[sample], %[dio] + 1\n"   /* the pin to the carry */
        "   rrx   %[seen], %[seen]\n"
        "   subs  %[left], #1\n"
        "   bne   1b\n"
        : [level] "+l"(level), [bits] "+l"(bits), [seen] "+l"(seen), [left] "+l"(left),
          [sample] "=&l"(sample)
        : [port] "l"(&SWD_PORT), [high] "r"(CLOCK_HIGH), [dio] "i"(SWDIO_PIN),
          [bsrr] "i"(offsetof(struct gpio, BSRR)), [idr] "i"(offsetof(struct gpio, IDR))
        : "cc", "memory");
    return seen >> (32 - count);
}

/* The waits are loops in lines of flash (8 bytes) of their own, so that a turn always
 * costs the same. */
__attribute__((noinline)) static uint32_t exchange(uint32_t bits, uint32_t count)
{
    uint32_t level = BOTH_LOW, seen = 0, left = count, turns;

    if (count == 0)
        return 0;
    if (wire.wait_low == 0)
        return exchange_quick(bits, count);
    asm volatile(
        "   .balign 8\n"
        "1: bfi   %[level], %[bits], %[dio], #1\n"
        "   str   %[level], [%[port], %[bsrr]]\n"       /* clock falls, data appears */
        "   lsrs  %[bits], %[bits], #1\n"
        "   mov   %[turns], %[wait_low]\n"
        "   .balign 8\n"
        "2: subs  %[turns], #1\n"
        "   bne   2b\n"
        "   ldr   %[turns], [%[port], %[idr]]\n"
        "   str   %[high], [%[port], %[bsrr]]\n"        /* clock rises */
        "   lsrs  %[turns], %[turns], %[dio] + 1\n"     /* the pin to the carry */
        "   rrx   %[seen], %[seen]\n"
        "   mov   %[turns], %[wait_high]\n"
        "   .balign 8\n"
        "3: subs  %[turns], #1\n"
        "   bne   3b\n"
        "   subs  %[left], #1\n"
        "   bne   1b\n"
        : [level] "+l"(level), [bits] "+l"(bits), [seen] "+l"(seen), [left] "+l"(left),
          [turns] "=&l"(turns)
        : [port] "l"(&SWD_PORT), [high] "r"(CLOCK_HIGH), [wait_low] "r"(wire.wait_low),
          [wait_high] "r"(wire.wait_high), [dio] "i"(SWDIO_PIN),
          [bsrr] "i"(offsetof(struct gpio, BSRR)), [idr] "i"(offsetof(struct gpio, IDR))
        : "cc", "memory");
    return seen >> (32 - count);
}

static void take_over(void)
{
    exchange(0xF, 1u + wire.turnaround);
    SWD_PORT.CRH = wire.crh_drive;
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

/* Straight, at 7 MHz. */
static void idle_straight(uint32_t clocks)
{
    asm volatile(
        "   .balign 8\n"
        "1: str   %[level], [%[port], %[bsrr]]\n"
        "   subs  %[clocks], #1\n"
        "   nop\n"
        "   str   %[high], [%[port], %[bsrr]]\n"
        "   bne   1b\n"
        : [clocks] "+l"(clocks)
        : [level] "l"(BOTH_LOW), [port] "l"(&SWD_PORT), [high] "l"(CLOCK_HIGH),
          [bsrr] "i"(offsetof(struct gpio, BSRR))
        : "cc", "memory");
}

void swd_idle(uint32_t clocks)
{
    if (wire.pace == PACED)
        exchange(0, clocks);
    else
        idle_straight(clocks);
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
    SWD_PORT.CRH = wire.crh_listen;
    return (int)(exchange(0x7F, 4u + wire.turnaround) >> (1 + wire.turnaround));
}

static uint64_t get_paced(void)
{
    uint32_t word = exchange(0xFFFFFFFF, 32), last = exchange(1, 1);

    take_over();
    return (uint64_t)last << 32 | word;
}

/* Straight reading serves full speed too: most of it is as fast as the port can be read
 * anyway. */
int swd_read(uint8_t request, uint32_t *value)
{
    bool paced = wire.pace == PACED;
    int ack = paced ? ask_paced(request) : ask_straight(request, 2);
    if (ack != SWD_OK)
        return refused(ack, request);
    uint64_t answer = paced ? get_paced() : get_straight();
    if (parity((uint32_t)answer) != (uint32_t)(answer >> 32))
        return SWD_PARITY;
    *value = (uint32_t)answer;
    return SWD_OK;
}

static int write_full(uint32_t request, uint32_t value)
{
    uint32_t last = parity(value);
    int ack = ask_straight(request, 0);
    if (ack != SWD_OK)
        return refused(ack, request);
    put_straight(value, last, 1);
    return SWD_OK;
}

static int write_even(uint32_t request, uint32_t value)
{
    uint32_t last = parity(value);
    int ack = ask_straight(request, 2);
    if (ack != SWD_OK)
        return refused(ack, request);
    put_straight(value, last, 4);
    return SWD_OK;
}

static int write_paced(uint32_t request, uint32_t value)
{
    int ack = ask_paced(request);
    if (ack != SWD_OK)
        return refused(ack, request);
    take_over();
    exchange(value, 32);
    exchange(parity(value), 1);
    return SWD_OK;
}

int swd_write(uint8_t request, uint32_t value)
{
    if (wire.pace == FULL)
        return write_full(request, value);
    return wire.pace == EVEN ? write_even(request, value) : write_paced(request, value);
}

/* --- raw bits ----------------------------------------------------------------- */

/* Of any count: the loop, without long waits at the faster paces. */
void swd_send_bits(uint64_t bits, int count)
{
    SWD_PORT.CRH = wire.crh_drive;
    exchange((uint32_t)bits, (uint32_t)(count < 32 ? count : 32));
    if (count > 32)
        exchange((uint32_t)(bits >> 32), (uint32_t)count - 32);
}

uint64_t swd_receive_bits(int count)
{
    SWD_PORT.BSRR = SWDIO;              /* the pull goes where ODR says: up */
    SWD_PORT.CRH = wire.crh_listen;
    uint64_t bits = exchange(0xFFFFFFFF, (uint32_t)(count < 32 ? count : 32));
    if (count > 32)
        bits |= (uint64_t)exchange(0xFFFFFFFF, (uint32_t)count - 32) << 32;
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

/* Sixteenths of a core cycle that a bit may take at least; 20 kHz is the end. */
static void set_period(uint32_t period)
{
    uint32_t turns = 2, slowest = clock_hz() / 20000 * 16;

    if (wire.turnaround == 0 && period <= FULL_CYCLES * 16) {
        wire.pace = FULL;
        period = FULL_CYCLES * 16;
    } else if (wire.turnaround == 0 && period <= EVEN_SIXTEENTHS) {
        wire.pace = EVEN;
        period = EVEN_SIXTEENTHS;
    } else {
        wire.pace = PACED;
        if (period > slowest)
            period = slowest;
        if (period > wire.paced + turns * wire.turn)
            turns = (period - wire.paced + wire.turn - 1) / wire.turn;
        else if (period <= wire.quick)
            turns = 0;
        period = turns ? wire.paced + turns * wire.turn : wire.quick;
    }
    wire.hz = clock_hz() * 16 / period;
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
    swd_configure(1, false);
    SWD_PORT.BSRR = SWDIO | SWCLK;
    uint32_t crh = crh_with(SWD_PORT.CRH, SWCLK_PIN, PIN_OUTPUT);
    wire.crh_drive = crh_with(crh, SWDIO_PIN, PIN_OUTPUT);
    wire.crh_listen = crh_with(crh, SWDIO_PIN, PIN_INPUT_PULL);
    SWD_PORT.CRH = wire.crh_drive;
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
