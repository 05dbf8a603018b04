/* semihost.c - a program has its debugger do what an operating system would: semihosting.
 *
 *   movs r0, #4       SYS_WRITE0
 *   ldr  r1, =text    one argument, or the address of several
 *   bkpt 0xAB         stops; the answer goes to r0, and it runs on
 *
 * Text for the console goes to gdb at once (or to the second port), the clock is ours; for files
 * and the time gdb is asked by its File-I/O.  That is an answer to `continue`, as a stop is:
 *
 *   -> vCont;c         <- Fopen,20000400/9,601,1b6
 *   -> m20000400,9     <- ...                          gdb fetches the name
 *   -> F5                                              and we go on by ourselves
 *
 * The program's end is the end of gdb's process, with its status.
 *
 * Rules:
 *   - A handle is gdb's file descriptor and one: 0 is none.  1 to 3 are the console.
 *   - What is shown is bounded; memory that cannot be read ends the call, and it has failed.
 *   - A call that is broken off (Ctrl-C, detach) has failed: r0 is -1 as long as gdb is asked.
 *   - Whoever has no File-I/O (lldb) hears the console; files cannot be opened.
 *   - gdb puts a time, a status or a character below the program's stack.
 *
 * Sources: Arm, Semihosting for AArch32 and AArch64 2.0; GDB manual E.13 (File-I/O). */
#include "semihost.h"
#include "cdc.h"
#include "clock.h"
#include "gdb_server.h"
#include "live.h"
#include "mem.h"
#include "rsp.h"

enum call {
    OPEN = 0x01, CLOSE, WRITEC, WRITE0, WRITE, READ, READC, ISERROR, ISTTY, SEEK,
    FLEN = 0x0C, TMPNAM, REMOVE, RENAME, CLOCK, TIME, SYSTEM, ERRNO,
    GET_CMDLINE = 0x15, HEAPINFO, EXIT = 0x18, EXIT_EXTENDED = 0x20
};
enum { BKPT_AB = 0xBEAB, APPLICATION_EXIT = 0x20026, TEXT_MAX = 0x10000 };
enum { FIRST_FILE = 3, FEATURES = 0x100, FEATURES_SIZE = 5 };   /* file descriptors */
enum { SCRATCH = 64, STAT_SIZE = 32 };  /* bytes below the stack; there: bits 31:0 of st_size */
enum { FULL_MS = 500 };                 /* the second port's reader may be slow */

uint32_t semihost_heap[4];
bool semihost_redirect;

static struct {
    uint32_t call;                      /* r0 */
    uint32_t at;                        /* r1 */
    uint32_t words[4];                  /* what is there */
    uint32_t error;                     /* gdb's last */
    uint32_t features_read;
    uint32_t command_length;
    char command[64];                   /* ... and a 0 */
} host;

static enum semihost done(uint32_t result)
{
    cortexm_write_register(0, &result);
    return SEMIHOST_DONE;
}

static enum semihost failed_if(bool bad)
{
    return done(bad ? UINT32_MAX : 0);
}

/* --- the console ------------------------------------------------------------------------- */

static void show(const uint8_t *bytes, uint32_t n)
{
    uint32_t deadline = clock_in_ms(FULL_MS);

    if (!semihost_redirect && !gdb.non_stop) {
        rsp_char('O');
        rsp_hex(bytes, n);
        rsp_end();
        return;
    }
    for (uint32_t taken; n && cdc_open(CDC_UART) && !clock_passed(deadline); n -= taken)
        bytes += taken = live_put(bytes, n);
}

/* As it is in memory, or up to its 0.  Returns how much of it could not be shown. */
static uint32_t show_memory(uint32_t at, uint32_t length, bool text)
{
    uint8_t bytes[64];
    uint32_t end, n;

    for (uint32_t shown = 0; length && shown < TEXT_MAX; shown += n, length -= n) {
        n = sizeof bytes - at % sizeof bytes;   /* not over the end of RAM */
        n = length < n ? length : n;
        watchdog_feed();
        if (target_read(at, bytes, n))
            break;
        for (end = 0; end < n && !(text && bytes[end] == 0); end++)
            ;
        if (end)
            show(bytes, end);
        if (end < n)
            return 0;
        at += n;
    }
    return length;
}

/* --- calls that gdb answers ---------------------------------------------------------------- */

static uint32_t scratch(void)
{
    uint32_t sp = 0;

    cortexm_read_register(REG_SP, &sp);
    return sp - SCRATCH;
}

/* What gdb is asked: of a file, or of a name, of which it wants to know the length with its 0. */
static const char *const questions[] = {
    [OPEN] = "Fopen,%x/%x,%x,1b6", [CLOSE] = "Fclose,%x", [WRITE] = "Fwrite,%x,%x,%x",
    [READ] = "Fread,%x,%x,%x", [READC] = "Fread,0,%x,1", [ISTTY] = "Fisatty,%x",
    [SEEK] = "Flseek,%x,%x,0", [FLEN] = "Ffstat,%x,%x", [REMOVE] = "Funlink,%x/%x",
    [RENAME] = "Frename,%x/%x,%x/%x", [TIME] = "Fgettimeofday,%x,0", [SYSTEM] = "Fsystem,%x/%x",
};

/* r0 is -1 until it has answered. */
static enum semihost ask(uint32_t call)
{
    uint32_t *w = host.words;
    bool named = call == OPEN || call >= REMOVE;
    const char *question = call < sizeof questions / sizeof *questions ? questions[call] : 0;

    done(UINT32_MAX);
    if (!question || gdb.error_strings || gdb.non_stop)
        return SEMIHOST_DONE;           /* there is no such call; lldb; no place for it */
    uint32_t a = named ? w[0] : w[0] - 1, b = named ? w[1] + 1 : w[1];
    if (call == READC || call == TIME)
        a = scratch();
    if (call == FLEN)
        b = scratch();
    rsp_print(question, (unsigned)a, (unsigned)b, (unsigned)w[2], (unsigned)w[3] + 1);
    return SEMIHOST_ASKED;
}

/* Modes are "r", "w", "a", each with "b" and "+"; gdb's are O_ bits. */
static enum semihost open_file(uint32_t *w)
{
    static const uint16_t flags[] = { 0, 0x601, 0x209 };
    char text[24] = "";
    uint32_t mode = w[1], length = w[2];

    if (mode > 11 || target_read(w[0], text, length < sizeof text ? length : sizeof text))
        return done(UINT32_MAX);
    if (__builtin_memcmp(text, ":tt", 4) == 0)
        return done(mode / 4 + 1);
    if (__builtin_memcmp(text, ":semihosting-features", 22) == 0) {
        host.features_read = 0;
        return done(FEATURES + 1);
    }
    w[1] = length;
    w[2] = flags[mode / 4];
    if (mode & 2)
        w[2] = (w[2] & ~1u) | 2;
    return ask(OPEN);
}

/* Five bytes; the last says: EXIT_EXTENDED, and that stdout and stderr are two. */
static enum semihost read_features(uint32_t to, uint32_t count)
{
    uint32_t left = FEATURES_SIZE - host.features_read, n = count < left ? count : left;

    if (target_write(to, "SHFB\3" + host.features_read, n))
        n = 0;
    host.features_read += n;
    return done(count - n);
}

static enum semihost with_file(uint32_t call, const uint32_t *w)
{
    uint32_t fd = w[0] - 1;

    if (fd == FEATURES) {
        if (call == READ)
            return read_features(w[1], w[2]);
        if (call == SEEK)
            host.features_read = w[1] < FEATURES_SIZE ? w[1] : FEATURES_SIZE;
        return done(call == FLEN ? FEATURES_SIZE : 0);
    }
    if (fd < FIRST_FILE && call == WRITE)
        return done(show_memory(w[1], w[2], false));
    if (fd < FIRST_FILE && (call == ISTTY || call == CLOSE))
        return done(call == ISTTY);
    return ask(call);
}

enum semihost semihost_answer(int32_t result, uint32_t error)
{
    uint32_t call = host.call, got = 0;

    if (result < 0)
        host.error = error;
    if (call == WRITE || call == READ)
        return done(host.words[2] - (result < 0 ? 0 : (uint32_t)result));
    if (call == OPEN)
        result += result >= 0;
    if (call == SEEK)
        result = -(result < 0);
    if (call == READC && result != 1)
        result = -1;
    if (result >= 0 && (call == READC || call == TIME || call == FLEN)) {
        target_read(scratch() + (call == FLEN ? STAT_SIZE : 0), &got, 4);
        got = __builtin_bswap32(got);
        result = (int32_t)(call == READC ? got >> 24 : got);
    }
    return done((uint32_t)result);
}

/* --- and those that we do -------------------------------------------------------------------- */

static enum semihost end(uint32_t reason, uint32_t status)
{
    gdb_begin_stop();
    rsp_print("W%02x", reason == APPLICATION_EXIT ? (unsigned)status & 0xFF : 1u);
    return SEMIHOST_ENDED;
}

static enum semihost put_command_line(uint32_t to, uint32_t room)
{
    uint32_t length = host.command_length;

    return failed_if(room <= length || target_write(to, host.command, length + 1) ||
                     target_write(host.at + 4, &length, 4));
}

/* How many words its argument points to. */
static const uint8_t words[] = {
    [OPEN] = 3, [CLOSE] = 1, [WRITE] = 3, [READ] = 3, [ISERROR] = 1, [ISTTY] = 1, [SEEK] = 2,
    [FLEN] = 1, [REMOVE] = 2, [RENAME] = 4, [SYSTEM] = 2, [GET_CMDLINE] = 2, [HEAPINFO] = 1,
    [EXIT_EXTENDED] = 2,
};

static enum semihost serve(uint32_t call, uint32_t *w)
{
    switch (call) {
    case OPEN:          return open_file(w);
    case CLOSE: case WRITE: case READ: case ISTTY: case SEEK: case FLEN:
        return with_file(call, w);
    case WRITEC:        return done(show_memory(host.at, 1, false));
    case WRITE0:        return done(show_memory(host.at, UINT32_MAX, true));
    case ISERROR:       return done(w[0] >> 31);
    case CLOCK:         return done(clock_ms() / 10);
    case ERRNO:         return done(host.error);
    case GET_CMDLINE:   return put_command_line(w[0], w[1]);
    case HEAPINFO:      return failed_if(target_write(w[0], semihost_heap, sizeof semihost_heap));
    case EXIT:          return end(host.at, 0);
    case EXIT_EXTENDED: return end(w[0], w[1]);
    }
    return ask(call);
}

enum semihost semihost_call(uint32_t pc)
{
    uint16_t instruction;

    if (target_read(pc, &instruction, 2) || instruction != BKPT_AB ||
        cortexm_read_register(0, &host.call) || cortexm_read_register(1, &host.at))
        return SEMIHOST_NONE;
    uint32_t count = host.call < sizeof words ? words[host.call] : 0;
    return target_read(host.at, host.words, 4 * count) ? failed_if(true)
                                                       : serve(host.call, host.words);
}

void semihost_command_line(struct scan *rest)
{
    char *to = host.command;

    while (scan_skip(rest, ';'))
        ;
    for (; scan_left(rest) && to < host.command + sizeof host.command - 1; to++)
        if (scan_skip(rest, ';'))
            *to = ' ';
        else
            scan_bytes(rest, to, 1);
    *to = '\0';
    host.command_length = (uint32_t)(to - host.command);
}
