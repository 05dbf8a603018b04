/* rtt.c - talks to a debugger through memory alone, while it runs: RTT.
 *
 * A control block in RAM names buffers; the program writes into the up buffers, whoever is at
 * the debug port takes it from there, and the other way round for the down buffer.  Nobody
 * halts.  Any Cortex-M: nothing of the chip is used.
 *
 *   up 0    "Terminal"   a line now and then; what comes down comes back in capitals
 *   up 1    "Plot"       ">beat:12 >wave:-3": what a serial plotter understands
 *   up 2    "Flood"      numbered lines without end, begun and ended by a "!" that comes down
 *   down 0  "Terminal"
 *
 * A debugger may set the variables below, and a channel's mode in its flags: 0 leaves away
 * what does not fit as a whole, 1 its end, 2 waits until there is room, for ever if nobody
 * reads.
 *
 *   block    id[16], number of up and of down channels, the channels
 *   channel  name, buffer, size, where the writer is, where the reader is, flags
 *
 * One of the two indices is the reader's, and moves when the data has been copied; the other
 * the writer's.  A buffer holds a byte less than its size. */
#include <stdint.h>

enum { UP = 3, DOWN = 1, SKIP = 0, TRIM = 1, BLOCK = 2, MODES = 3 };

struct channel {
    const char *name;
    volatile uint8_t *buffer;
    uint32_t size;
    volatile uint32_t write, read;
    volatile uint32_t flags;
};

/* The name is the one that debuggers ask for. */
struct {
    volatile char id[16];
    int32_t up_count, down_count;
    struct channel up[UP], down[DOWN];
} _SEGGER_RTT;

volatile uint32_t flood;                /* 1: numbered lines on up 2, as fast as it goes */
volatile uint32_t sleeps;               /* 1: WFI between rounds, a millisecond at 8 MHz */
volatile uint32_t pace = 2000;          /* rounds from line to line of up 0 and 1 */
volatile uint32_t rounds, flooded, lost, taken;     /* what happened, for a debugger to see */

static volatile uint8_t terminal_up[1024], plot_up[256], flood_up[512], terminal_down[16];

/* --- a channel ------------------------------------------------------------------------ */

static uint32_t room(const struct channel *c)
{
    return (c->read + c->size - c->write - 1) % c->size;
}

/* The data has to be there before its index says so. */
static void put(struct channel *c, const char *text, uint32_t length)
{
    uint32_t at = c->write;
    for (uint32_t i = 0; i < length; i++) {
        c->buffer[at] = (uint8_t)text[i];
        at = at + 1 == c->size ? 0 : at + 1;
    }
    __asm__ volatile ("dmb" ::: "memory");
    c->write = at;
}

/* The reader may make room at any moment: it is asked once a round. */
static void put_all(struct channel *c, const char *text, uint32_t length)
{
    while (length) {
        uint32_t free = room(c), now = free < length ? free : length;
        put(c, text, now);
        text += now;
        length -= now;
    }
}

/* How much of it went in. */
static uint32_t rtt_write(struct channel *c, const char *text, uint32_t length)
{
    uint32_t free = room(c), fits = free < length ? free : length;
    switch (c->flags % 4) {
    case BLOCK:
        put_all(c, text, length);
        return length;
    case TRIM:
        put(c, text, fits);
        return fits;
    default:
        if (fits < length)
            return 0;
        put(c, text, length);
        return length;
    }
}

static int rtt_read(struct channel *c)
{
    uint32_t at = c->read;
    if (at == c->write)
        return -1;
    int byte = c->buffer[at];
    __asm__ volatile ("dmb" ::: "memory");
    c->read = at + 1 == c->size ? 0 : at + 1;
    return byte;
}

static void open(struct channel *c, const char *name, volatile uint8_t *buffer, uint32_t size)
{
    c->name = name;
    c->buffer = buffer;
    c->size = size;
    c->write = c->read = 0;
    c->flags = SKIP;
}

/* The id comes last, and from a copy that runs backwards: nobody takes an unfinished block, or
 * the one in flash, for the real one. */
static void rtt_start(void)
{
    static const char backwards[] = "TTR REGGES";
    open(&_SEGGER_RTT.up[0], "Terminal", terminal_up, sizeof terminal_up);
    open(&_SEGGER_RTT.up[1], "Plot", plot_up, sizeof plot_up);
    open(&_SEGGER_RTT.up[2], "Flood", flood_up, sizeof flood_up);
    open(&_SEGGER_RTT.down[0], "Terminal", terminal_down, sizeof terminal_down);
    _SEGGER_RTT.up_count = UP;
    _SEGGER_RTT.down_count = DOWN;
    __asm__ volatile ("dmb" ::: "memory");
    for (uint32_t i = 0; i < 16; i++)
        _SEGGER_RTT.id[i] = i < sizeof backwards - 1 ? backwards[sizeof backwards - 2 - i] : 0;
}

/* --- what it says --------------------------------------------------------------------- */

/* Text and a number behind it; gives the end. */
static char *append(char *to, const char *text, int number)
{
    char digits[12];
    int n = 0;
    unsigned rest = number < 0 ? 0u - (unsigned)number : (unsigned)number;
    while (*text)
        *to++ = *text++;
    if (number < 0)
        *to++ = '-';
    do
        digits[n++] = (char)('0' + rest % 10);
    while (rest /= 10);
    while (n)
        *to++ = digits[--n];
    return to;
}

static void say(uint32_t channel, const char *text, int number)
{
    char line[48], *end = append(line, text, number);
    *end++ = '\r';
    *end++ = '\n';
    rtt_write(&_SEGGER_RTT.up[channel], line, (uint32_t)(end - line));
}

static void report(uint32_t count)
{
    char line[48], *end = append(line, ">beat:", (int)count);
    int wave = (int)(count % 20) - 10;
    say(0, "tick ", (int)count);
    end = append(end, "\r\n>wave:", wave < 0 ? wave + 5 : 5 - wave);
    *end++ = '\r';
    *end++ = '\n';
    rtt_write(&_SEGGER_RTT.up[1], line, (uint32_t)(end - line));
}

static void echo(void)
{
    int c = rtt_read(&_SEGGER_RTT.down[0]);
    if (c < 0)
        return;
    char back = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    taken++;
    if (c == '!')
        flood = !flood;
    rtt_write(&_SEGGER_RTT.up[0], &back, 1);
}

/* 32 bytes a line: a number of 8 digits, then letters that depend on it. */
static void pour(void)
{
    char line[32];
    uint32_t rest = flooded;
    for (int i = 7; i >= 0; i--, rest /= 10)
        line[i] = (char)('0' + rest % 10);
    for (uint32_t i = 8; i < 31; i++)
        line[i] = (char)('a' + (flooded + i) % 26);
    line[31] = '\n';
    lost += 32 - rtt_write(&_SEGGER_RTT.up[2], line, 32);
    flooded++;
}

/* SysTick wakes it and is not taken: interrupts stay off. */
static void nap(void)
{
    volatile uint32_t *systick = (volatile uint32_t *)0xE000E010;
    __asm__ volatile ("cpsid i");
    systick[1] = 7999;
    systick[2] = 0;
    systick[0] = 7;
    __asm__ volatile ("wfi");
    systick[0] = 0;
    *(volatile uint32_t *)0xE000ED04 = 1u << 25;        /* ICSR.PENDSTCLR */
    __asm__ volatile ("cpsie i");
}

int main(void)
{
    rtt_start();
    say(0, "RTT on " CHIP_NAME ", channels: ", UP);
    for (;; rounds++) {
        echo();
        if (rounds % pace == 0)
            report(rounds / pace);
        if (flood)
            pour();
        if (sleeps)
            nap();
    }
}
