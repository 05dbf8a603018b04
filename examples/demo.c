/* demo.c - a program worth debugging, for the chip at the other end of the wire.
 *
 * A thermometer that does not exist is read, averaged and remembered; what is typed on
 * the serial port comes back in capitals; a checksum of the program's own flash is
 * computed over and over.  `make run` sets breakpoints in it, watches its variables,
 * steps through it and makes it crash.
 *
 *   calls  demo_samd21.c or demo_stm32f103.c (clock and serial port), demo_crc.s */
#include "demo.h"

struct reading {
    uint32_t count;
    int last, lowest, highest, average;
};

struct reading thermometer = { 0, 20, 20, 20, 20 };
volatile uint32_t heartbeat;            /* main loop rounds */
volatile uint32_t wish;                 /* a debugger sets it: see grant() */
volatile uint32_t checksum;
const char greeting[] = "Pillbug demo on " CHIP_NAME ", type something\r\n";

static int recent[8];

/* What is typed, kept by the interrupt until the main loop has time. */
static volatile uint8_t typed[64];
static volatile uint32_t typed_in;      /* written by the interrupt */
static uint32_t typed_out;              /* written by echo() */

void interrupt(void)
{
    int c = serial_get();

    if (c >= 0)
        typed[typed_in++ % sizeof typed] = (uint8_t)c;
}

static void say(const char *text)
{
    while (*text)
        serial_put(*text++);
}

static void say_number(int number)
{
    char digits[12];
    int n = 0;
    unsigned rest = number < 0 ? 0u - (unsigned)number : (unsigned)number;

    do {
        digits[n++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (number < 0)
        serial_put('-');
    while (n)
        serial_put(digits[--n]);
}

/* A random walk: xorshift decides whether it gets warmer. */
int __attribute__((noinline)) measure(int previous)
{
    static uint32_t chance = 2463534242u;

    chance ^= chance << 13;
    chance ^= chance >> 17;
    chance ^= chance << 5;
    return previous + (int)(chance % 3) - 1;
}

int __attribute__((noinline)) average(const int *values, int count)
{
    int sum = 0;

    for (int i = 0; i < count; i++)
        sum += values[i];
    return sum / count;
}

void __attribute__((noinline)) take_reading(struct reading *reading)
{
    int value = measure(reading->last);

    recent[reading->count++ % 8] = value;
    reading->last = value;
    if (value < reading->lowest)
        reading->lowest = value;
    if (value > reading->highest)
        reading->highest = value;
    reading->average = average(recent, reading->count < 8 ? (int)reading->count : 8);
}

/* CRC-32 eight bytes at a time ("slicing by 8"): the tables are demo_crc.s. */
uint32_t __attribute__((noinline)) crc32(const uint32_t *words, uint32_t pairs)
{
    uint32_t crc = 0xFFFFFFFF;

    for (; pairs; pairs--, words += 2) {
        uint32_t a = words[0] ^ crc, b = words[1];
        crc = crc_table[7][a & 255] ^ crc_table[6][a >> 8 & 255]
            ^ crc_table[5][a >> 16 & 255] ^ crc_table[4][a >> 24]
            ^ crc_table[3][b & 255] ^ crc_table[2][b >> 8 & 255]
            ^ crc_table[1][b >> 16 & 255] ^ crc_table[0][b >> 24];
    }
    return ~crc;
}

/* Reads where this chip has nothing: a bus error, and so a hard fault. */
uint32_t __attribute__((noinline)) read_nowhere(void)
{
    return *(volatile uint32_t *)0x38000000;
}

/* Recursion gives a backtrace that is worth a look. */
uint32_t __attribute__((noinline)) factorial(uint32_t n)
{
    return n < 2 ? 1 : n * factorial(n - 1);
}

static void grant(void)
{
    uint32_t what = wish;

    wish = 0;
    if (what == 1)
        read_nowhere();
    if (what == 2)
        checksum = factorial(10);
}

static void echo(void)
{
    if (typed_out == typed_in)
        return;
    int c = typed[typed_out++ % sizeof typed];
    serial_put((char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c));
}

int main(void)
{
    serial_start();
    say(greeting);
    for (;;) {
        heartbeat++;
        echo();
        grant();
        if (heartbeat % 2048 == 0) {
            take_reading(&thermometer);
            checksum = crc32(crc_table[0], 64);
        }
        if (heartbeat % 131072 == 0) {
            say("It is ");
            say_number(thermometer.last);
            say(" degrees\r\n");
        }
    }
}
