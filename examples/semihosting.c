/* semihosting.c - a program that has its debugger do what an operating system would.
 *
 * Each request is a BKPT 0xAB with its number in r0 and, as a rule, the address of its arguments
 * in r1; the answer comes in r0.  It writes to the console, asks for time, memory and command
 * line, writes a file and reads it back, asks what else there is, and ends with a status: in gdb the number behind
 * "exited with code".  Any Cortex-M; without a debugger it stops at the first request, in trap().
 *
 * `status` is what it ends with if all went well; else it is the number of what did not.
 *
 * Arm: Semihosting for AArch32 and AArch64 2.0. */
#include <stdint.h>

enum { OPEN = 0x01, CLOSE, WRITEC, WRITE0, WRITE, READ, READC, ISERROR, ISTTY, SEEK,
       FLEN = 0x0C, TMPNAM, REMOVE, RENAME, CLOCK, TIME, SYSTEM, ERRNO, GET_CMDLINE = 0x15,
       HEAPINFO, EXIT = 0x18, EXIT_EXTENDED = 0x20, ELAPSED = 0x30, TICKFREQ };
enum { MODE_R = 0, MODE_R_B = 1, MODE_W = 4, MODE_WPLUS_B = 7, MODE_A = 8 };
enum { APPLICATION_EXIT = 0x20026 };

volatile uint32_t status;               /* a debugger may set it */
volatile uint32_t asks;                 /* 1: reads a line from the console first */
volatile uint32_t step;                 /* the test under way */
static uint32_t failed;

static intptr_t request(uint32_t number, const void *arguments)
{
    register uint32_t r0 __asm__ ("r0") = number;
    register const void *r1 __asm__ ("r1") = arguments;
    __asm__ volatile ("bkpt 0xAB" : "+r" (r0) : "r" (r1) : "memory", "cc");
    return (intptr_t)r0;
}

#define ASK(number, ...) request(number, (uint32_t[]){ __VA_ARGS__ })

static uint32_t address(const volatile void *p) { return (uint32_t)(uintptr_t)p; }

static uint32_t length(const char *text)
{
    uint32_t n = 0;
    while (text[n])
        n++;
    return n;
}

static int same(const char *a, const char *b, uint32_t n)
{
    while (n && *a == *b)
        a++, b++, n--;
    return n == 0;
}

static void say(const char *text) { request(WRITE0, text); }

static void say_number(const char *text, uint32_t number)
{
    char line[16], *at = line + sizeof line;
    *--at = '\0';
    *--at = '\n';
    do
        *--at = (char)('0' + number % 10);
    while (number /= 10);
    say(text);
    say(at);
}

static intptr_t open(const char *name, uint32_t mode)
{
    return ASK(OPEN, address(name), mode, length(name));
}

static void check(int good, const char *what)
{
    step++;
    if (good)
        return;
    say("failed: ");
    say(what);
    say("\n");
    if (!failed)
        failed = step;
}

/* --- what it does ---------------------------------------------------------------------- */

static void console(void)
{
    intptr_t out = open(":tt", MODE_W), in = open(":tt", MODE_R);
    static const char text[] = "written by SYS_WRITE\n";
    say("Semihosting on " CHIP_NAME "\n");
    request(WRITEC, "c");
    request(WRITEC, "\n");
    check(out > 0 && in > 0, "open :tt");
    check(ASK(WRITE, (uint32_t)out, address(text), sizeof text - 1) == 0, "write to the console");
    check(ASK(ISTTY, (uint32_t)out) == 1, "istty of the console");
    if (asks) {
        char line[16];
        intptr_t left = ASK(READ, (uint32_t)in, address(line), sizeof line);
        check(left >= 0 && left < 16, "read from the console");
        ASK(WRITE, (uint32_t)out, address(line), (uint32_t)(16 - left));
    }
    check(ASK(CLOSE, (uint32_t)out) == 0, "close the console");
}

static void file(void)
{
    static const char name[] = "pillbug-semihosting.txt", moved[] = "pillbug-moved.txt";
    static const char text[] = "0123456789";
    char back[16];
    intptr_t handle = open(name, MODE_WPLUS_B);
    check(handle > 0, "open a file to write");
    check(ASK(WRITE, (uint32_t)handle, address(text), 10) == 0, "write to a file");
    check(ASK(FLEN, (uint32_t)handle) == 10, "length of a file");
    check(ASK(SEEK, (uint32_t)handle, 4) == 0, "seek");
    check(ASK(READ, (uint32_t)handle, address(back), 16) == 10 && same(back, "456789", 6),
          "read from a file");
    check(ASK(READ, (uint32_t)handle, address(back), 16) == 16, "end of a file");
    check(ASK(ISTTY, (uint32_t)handle) == 0, "istty of a file");
    check(ASK(CLOSE, (uint32_t)handle) == 0, "close");
    check(ASK(RENAME, address(name), length(name), address(moved), length(moved)) == 0, "rename");
    check(open(name, MODE_R_B) == -1 && request(ERRNO, 0) != 0, "a file that is gone");
    check(ASK(REMOVE, address(moved), length(moved)) == 0, "remove");
}

static void time(void)
{
    intptr_t before = request(CLOCK, 0);
    check(before >= 0 && request(CLOCK, 0) >= before, "clock");
    say_number("seconds since 1970: ", (uint32_t)request(TIME, 0));
}

static void surroundings(void)
{
    static char line[80];
    static uint32_t block[4];
    struct { uint32_t buffer, size; } where = { address(line), sizeof line };
    if (request(GET_CMDLINE, &where) == 0) {
        say("command line: ");
        say(line);
        say("\n");
    }
    request(HEAPINFO, &(uint32_t){ address(block) });
    say_number("stack base: ", block[2]);
}

/* A debugger may answer -1 to what it has not. */
static void the_rest(void)
{
    static char name[16];
    static uint32_t ticks[2];
    check(ASK(ISERROR, (uint32_t)-1) != 0 && ASK(ISERROR, 0) == 0, "iserror");
    check(ASK(TMPNAM, address(name), 7, sizeof name) == -1 || length(name) > 0, "tmpnam");
    check(request(TICKFREQ, 0) == -1 || (request(ELAPSED, ticks) == 0 && (ticks[0] | ticks[1])),
          "elapsed");
    check(request(0x7F, 0) == -1, "a call that there is not");
    if (asks) {
        ASK(SYSTEM, address("true"), 4);        /* gdb: only if the user allows it */
        say_number("next character: ", (uint32_t)request(READC, 0));
    }
}

/* ":semihosting-features" tells whether EXIT_EXTENDED is there. */
static int exits_with_a_status(void)
{
    uint8_t bytes[5] = { 0 };
    intptr_t handle = open(":semihosting-features", MODE_R);
    if (handle < 0)
        return 0;
    intptr_t left = ASK(READ, (uint32_t)handle, address(bytes), sizeof bytes);
    ASK(CLOSE, (uint32_t)handle);
    return left == 0 && same((const char *)bytes, "SHFB", 4) && bytes[4] & 1;
}

int main(void)
{
    console();
    time();
    surroundings();
    file();
    the_rest();
    say(failed ? "It did not go well.\n" : "All went well.\n");
    uint32_t result = failed ? failed : status;
    if (exits_with_a_status())
        ASK(EXIT_EXTENDED, APPLICATION_EXIT, result);
    request(EXIT, (const void *)(uintptr_t)(result ? 0x20023 : APPLICATION_EXIT));
    for (;;)
        ;
}
