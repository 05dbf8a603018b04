/* semihost.c - semihosting: what a program asks of its debugger.
 *
 *   mov r0, #4                 the call's number: SYS_WRITE0
 *   ldr r1, =text              a value, or a block of arguments
 *   bkpt 0xAB                  the core stops; the answer comes in r0
 *
 * Text goes to gdb's console at once, a piece at a time, or to the second port.  Files are gdb's:
 *
 *   -> vCont;c                 continue
 *   <- Fopen,20000100/6,601,1b6        the request is the answer to that
 *   -> m20000100,6             meanwhile gdb reads and writes memory
 *   -> F3                      so is this to our request: the core goes on, and nothing is said
 *
 * SYS_EXIT ends the program in gdb, with its status: then the core stands still at that BKPT.
 *
 * Rules:
 *   - First of all the core is moved behind the BKPT, and r0 is a failure as long as gdb is asked.
 *     Whatever comes in between (gdb leaves, or is gone; Ctrl-C) finds a call that is over.
 *   - Each number and pointer is the program's, and may be wrong.  What gdb is asked for has a
 *     length that it can bear, and each name has an end: else gdb 13 ends by a signal.
 *   - lldb has text and status, but no File-I/O, and in gdb's non-stop mode there is no place for
 *     it: all of that fails, with ENOSYS.
 *   - Where gdb leaves a program that makes calls, we stay: without a debugger a BKPT is a
 *     HardFault.  Until somebody else wants the wire.
 *
 * Sources: Arm, Semihosting for AArch32 and AArch64 2.0; GDB manual, appendix E, File-I/O. */
#include "semihost.h"
#include "adi.h"
#include "cdc.h"
#include "clock.h"
#include "live.h"
#include "mem.h"
#include "rsp.h"

/* Handlers share one type, and not each needs all of it. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

enum {
    OPEN = 0x01, CLOSE, WRITEC, WRITE0, WRITE, READ, READC, ISERROR, ISTTY, SEEK,
    FLEN = 0x0C, TMPNAM, REMOVE, RENAME, CLOCK, TIME, SYSTEM, ERRNO,
    GET_CMDLINE = 0x15, HEAPINFO, EXIT = 0x18, EXIT_EXTENDED = 0x20, ELAPSED = 0x30, TICKFREQ,
};
enum {
    FAILED = -1,
    ENOSYS = 88,                        /* gdb's numbers are newlib's */
    APPLICATION_EXIT = 0x20026,
    /* Handles: gdb's number and one, because 0 is none. */
    STDIN = 1, STDOUT, STDERR, FEATURES = 0x7F000000,
    PIECE = 64,                         /* of text: all memory is a multiple of that */
    TEXT_MAX = 0x10000,                 /* of a string, if it has no end */
    SLOW_MS = 500,                      /* so long the second port's reader may take */
    NAME_MAX = 1024, BLOCK_MAX = 0x100000,      /* no program's is longer; gdb makes room for it */
    /* What gdb is to write for us it writes here, where no memory is. */
    NOWHERE = (int)0xF0000000,
    STAT_SIZE = 32,                     /* the lower half of st_size, in a struct stat */
};

/* So many words are in the block. */
static const uint8_t words[] = {
    [OPEN] = 3, [CLOSE] = 1, [WRITE] = 3, [READ] = 3, [ISERROR] = 1, [ISTTY] = 1, [SEEK] = 2,
    [FLEN] = 1, [TMPNAM] = 3, [REMOVE] = 2, [RENAME] = 4, [SYSTEM] = 2, [GET_CMDLINE] = 2,
    [HEAPINFO] = 1, [EXIT_EXTENDED] = 2,
};

/* What gdb is asked for each call, by number; behind an 'F'. */
static const char requests[] =
    "\0open,%x/%x,%x,1b6\0close,%x\0\0\0write,%x,%x,%x\0read,%x,%x,%x\0read,0,f0000000,1"
    "\0\0isatty,%x\0lseek,%x,%x,0\0\0fstat,%x,f0000000\0\0unlink,%x/%x\0rename,%x/%x,%x/%x"
    "\0\0gettimeofday,f0000000,0\0system,%x/%x";

/* Bit 0: EXIT_EXTENDED; 1: standard output and error are two. */
static const uint8_t features[] = { 'S', 'H', 'F', 'B', 3 };

static struct {
    uint32_t number, block;             /* r0 and r1 */
    uint32_t word[4];                   /* of the block */
    uint32_t failed;                    /* r0 if nothing is done */
    uint32_t at, left, deadline;        /* text not shown yet */
    uint32_t error;                     /* of the last that failed */
    uint32_t answer;                    /* if what gdb says is not it */
    uint32_t features_at;               /* that file's position */
} call;

uint32_t semihost_heap[4];
bool semihost_redirect, semihost_used;

static struct {
    uint32_t length;
    char text[64];                      /* with a 0 */
} line;

static bool is_transfer(void)
{
    return call.number - WRITE <= READ - WRITE;
}

static bool gdb_listens(void)
{
    return gdb.running && !gdb.non_stop;
}

static void finish(uint32_t result)
{
    gdb.call = CALL_NONE;
    cortexm_write_register(REG_R0, &result);
    gdb_goes_on();
}

/* --- console --------------------------------------------------------------------------- */

static uint32_t show(uint32_t at, uint32_t length)
{
    call.at = at;
    call.left = length;
    call.deadline = clock_in_ms(SLOW_MS);
    gdb.call = CALL_TEXT;
    return 0;
}

/* How much of it was taken.  A second port that nobody has open, or reads, holds up nothing. */
static uint32_t put(const uint8_t *bytes, uint32_t length)
{
    if (semihost_redirect || !gdb_listens())
        return cdc_open(CDC_UART) && !clock_passed(call.deadline) ? live_put(bytes, length) : length;
    rsp_char('O');
    rsp_hex(bytes, length);
    rsp_end();
    return length;
}

/* Up to where a piece ends: so it is there or not as a whole. */
static void show_piece(void)
{
    uint32_t most = PIECE - call.at % PIECE, count = call.left < most ? call.left : most, n = 0;
    uint8_t *bytes = rsp_scratch(PIECE);

    if (target_read(call.at, bytes, count))
        count = 0;
    while (n < count && (call.number != WRITE0 || bytes[n] != '\0'))
        n++;
    uint32_t taken = n ? put(bytes, n) : 0;
    call.at += taken;
    call.left -= taken;
    if (taken == n && (n < most || gdb.ctrl_c == CTRL_C_OPEN))
        finish(call.left);
}

/* --- files ----------------------------------------------------------------------------- */

static uint32_t ask(void)
{
    const uint32_t *word = call.word;
    const char *request = requests;

    call.error = ENOSYS;
    if (gdb.error_strings || !gdb_listens())
        return call.failed;
    for (uint32_t n = call.number; n > 0; n--)
        while (*request++ != '\0')
            ;
    cortexm_write_register(REG_R0, &call.failed);
    rsp_char('F');
    rsp_print(request, word[0], word[1], word[2], word[3]);
    rsp_end();
    gdb.call = CALL_ASKED;
    return 0;
}

/* gdb would look for the end, and its lengths count the 0. */
static uint32_t ask_with_names(void)
{
    uint32_t *name = call.word;

    do {
        if (name[1] >= NAME_MAX || !adi_holds(name[0] + name[1]++, (const uint8_t *)"", 1))
            return call.failed;
        name += 2;
    } while (call.number == RENAME && name < call.word + 4);
    return ask();
}

/* r, r+, w, w+, a, a+; each of them without and with a b, which means nothing. */
static uint32_t open_file(void)
{
    static const uint16_t flags[] = { 0, 2, 0x601, 0x602, 0x209, 0x20A };
    uint32_t mode = call.word[1];

    if (mode >= 12)
        return call.failed;
    if (adi_holds(call.word[0], (const uint8_t *)":tt", 4))
        return STDIN + mode / 4;
    if (adi_holds(call.word[0], (const uint8_t *)":semihosting-features", 22)) {
        call.features_at = 0;
        return FEATURES;
    }
    call.word[1] = call.word[2];
    call.word[2] = flags[mode / 2];
    return ask_with_names();
}

static uint32_t with_features(void)
{
    uint32_t at = call.features_at, count = call.failed, rest = sizeof features - at;

    if (call.number == FLEN)
        return sizeof features;
    if (call.number == SEEK) {
        if (call.word[1] > sizeof features)
            return call.failed;
        call.features_at = call.word[1];
    }
    if (call.number == READ) {
        count = count < rest ? count : rest;
        if (target_write(call.word[1], features + at, count))
            return call.failed;
        call.features_at += count;
        return call.failed - count;
    }
    return call.number == WRITE ? count : 0;
}

static uint32_t with_file(void)
{
    uint32_t handle = call.word[0]--;

    if (handle == FEATURES)
        return with_features();
    if (handle - STDIN <= STDERR - STDIN) {
        if (call.number == WRITE)
            return show(call.word[1], call.failed);
        if (call.number == CLOSE)
            return 0;
        if (call.number == ISTTY)
            return 1;
    }
    if (call.word[2] > BLOCK_MAX)
        call.word[2] = BLOCK_MAX;
    return ask();
}

/* What gdb says, as the program expects it. */
static uint32_t answer_of(uint32_t result)
{
    const uint32_t answered = 1 << SEEK | 1 << READC | 1 << FLEN | 1 << TIME;

    if (call.number == OPEN)
        return result + 1;
    if (is_transfer())
        return call.failed - result;
    return answered >> call.number & 1 ? call.answer : result;
}

/* "F3", "F-1,2", "F-1,4,C": a result, gdb's errno, and whether somebody has pressed Ctrl-C. */
int semihost_reply(uint32_t a, uint32_t b, struct scan *rest)
{
    bool good = !scan_skip(rest, '-');
    uint32_t result = scan_hex(rest);

    if (gdb.call != CALL_ASKED || !gdb.running)
        return EMPTY;
    good &= !rest->bad;
    if (scan_skip(rest, ','))
        call.error = scan_hex(rest);
    if (scan_skip(rest, ','))
        gdb_interrupt();
    finish(good ? answer_of(result) : call.failed);
    return LATER;
}

/* Numbers in it have their highest byte first. */
bool semihost_keep(uint32_t address, const uint8_t *bytes, uint32_t length)
{
    uint32_t at = call.number == FLEN ? STAT_SIZE : 0;

    if (gdb.call != CALL_ASKED || address != (uint32_t)NOWHERE)
        return false;
    call.answer = length < at + 4 ? *bytes
                : __builtin_bswap32(((const struct word *)(bytes + at))->value);
    return true;
}

/* --- what we answer ourselves ---------------------------------------------------------- */

static uint32_t give(uint32_t to, const void *from, uint32_t length)
{
    return target_write(to, from, length) ? call.failed : 0;
}

static uint32_t temporary_name(void)
{
    uint32_t id = call.word[1], name = 0x00744040 | (id & 15) | (id & 0xF0) << 4;

    return call.word[2] < sizeof name ? call.failed : give(call.word[0], &name, sizeof name);
}

static uint32_t command_line(void)
{
    if (call.word[1] <= line.length || give(call.block + 4, &line.length, 4))
        return call.failed;
    return give(call.word[0], line.text, line.length + 1);
}

static uint32_t elapsed(void)
{
    call.word[0] = clock_ms();
    call.word[1] = 0;
    return give(call.block, call.word, 8);
}

static uint32_t serve(void)
{
    switch (call.number) {
    case OPEN:        return open_file();
    case WRITEC:      return show(call.block, 1);
    case WRITE0:      return show(call.block, TEXT_MAX);
    case CLOSE:
    case WRITE:
    case READ:
    case ISTTY:
    case SEEK:
    case FLEN:        return with_file();
    case REMOVE:
    case RENAME:
    case SYSTEM:      return ask_with_names();
    case READC:
    case TIME:        return ask();
    case ISERROR:     return call.word[0] >> 31;
    case TMPNAM:      return temporary_name();
    case CLOCK:       return clock_ms() / 10;
    case ERRNO:       return call.error;
    case GET_CMDLINE: return command_line();
    case HEAPINFO:    return give(call.word[0], semihost_heap, sizeof semihost_heap);
    }
    return call.number == ELAPSED ? elapsed() : call.number == TICKFREQ ? 1000 : call.failed;
}

/* --- the BKPT -------------------------------------------------------------------------- */

/* Without its block it is no call. */
static void read_block(void)
{
    uint32_t count = call.number < sizeof words ? words[call.number] : 0;

    if (target_read(call.block, call.word, 4 * count))
        call.number = 0;
    call.failed = is_transfer() ? call.word[2] : (uint32_t)FAILED;
    call.answer = call.number == SEEK ? 0 : (uint32_t)FAILED;
}

/* What does not fit into a process' status is none that is good. */
static bool ends(void)
{
    uint32_t reason = call.word[0], code = call.word[1];

    if (call.number == EXIT) {
        reason = call.block;
        code = 0;
    } else if (call.number != EXIT_EXTENDED) {
        return false;
    }
    gdb_program_ended(reason != APPLICATION_EXIT ? 1 : code < 255 ? code : 255);
    return true;
}

/* Not inline: it would be, in main(), where the stack is deepest. */
__attribute__((noinline)) bool semihost_takes(void)
{
    uint32_t behind = gdb.stop.pc + 2, result;

    if (gdb.stop.reason != STOP_SW_BREAKPOINT ||
        !adi_holds(gdb.stop.pc, (const uint8_t *)"\xAB\xBE", 2) ||
        cortexm_read_row(REG_R0, 2, &call.number))
        return false;
    semihost_used = true;
    read_block();
    if (ends())
        return true;
    if (cortexm_write_register(REG_PC, &behind))
        return false;
    result = serve();
    if (gdb.call == CALL_NONE)
        finish(result);
    return true;
}

__attribute__((noinline)) bool semihost_poll(void)
{
    if (gdb.call == CALL_TEXT)
        show_piece();
    return gdb.call != CALL_NONE;
}

/* Without a file the program's name is "-". */
void semihost_command_line(struct scan *s)
{
    uint32_t n = 0;

    line.text[0] = '-';
    if (scan_skip(s, ';') && hex_digit(*s->at) < 0)     /* behind a packet is a 0 */
        n = 1;
    for (; n < sizeof line.text - 1 && s->at < s->end; n++) {
        line.text[n] = ' ';
        if (!scan_skip(s, ';'))
            scan_bytes(s, &line.text[n], 1);
    }
    line.text[n] = '\0';
    line.length = n;
}
