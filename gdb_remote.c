/* gdb_remote.c - the GDB remote serial protocol: packets to target operations.
 *
 * A conversation, as `set debug remote 1` shows it (host -> probe, probe <- ):
 *
 *   -> qSupported:...      <- PacketSize=1000;...      what each side can do
 *   -> !  -> ?             <- OK  <- W00               extended; nothing is running
 *   -> qRcmd,737764..      <- O<text> ... <- OK        monitor swd_scan
 *   -> vAttach;1           <- T05thread:1;...          attach 1: halted
 *   -> vFlashErase:...     -> vFlashWrite:... -> vFlashDone                 load
 *   -> Z1,100,2            -> vCont;c                  breakpoint, continue: no answer
 *   <- T05hwbreak:;thread:1;0f:...                     ... until the target stops
 *   -> D                   <- OK                       detach: it runs on
 *
 * There is one process (1) with one thread (1), and none of either before the attach:
 * every answer about threads follows from target_attached(), so gdb never sees a thread
 * that it cannot place ("New inferior 2").  A client that did not send '!' has no attach
 * command (`target remote`, lldb's gdb-remote): for it, '?' attaches to the first target.
 *
 *   called by  probe.c (gdb_poll), monitor.c (gdb_console)
 *   calls      rsp.c, gdb_xml.c, swbreak.c, target.c, cortexm.c, monitor.c
 *
 * Rules: each request is answered exactly once (a resume: when the target stops), also if
 * it makes no sense; what is unknown gets the empty answer.  Fields are all taken before
 * anything is done.  Nothing waits without a bound.
 * Source: GDB manual, appendix E: Packets, Stop Reply Packets, General Query Packets;
 * lldb's docs/lldb-gdb-remote.txt. */
#include "gdb_remote.h"
#include "cdc.h"
#include "clock.h"
#include "gdb_xml.h"
#include "hex.h"
#include "monitor.h"
#include "print.h"
#include "rsp.h"
#include "swbreak.h"
#include "target.h"

enum {
    GDB_SIGINT = 2, GDB_SIGTRAP = 5, GDB_SIGSEGV = 11,  /* gdb's own numbers */
    PIECE = 256,                        /* memory goes through the stack in pieces */
    COMMAND_MAX = 200, PATTERN_MAX = 64,
    STEPS_AT_ONCE = 8,                  /* of a range, before the main loop goes round */
    SEARCH_MS = 4000,                   /* gdb gives up after 6 s */
};

static struct {
    /* What the client said about itself. */
    bool extended;                      /* '!' */
    bool reads_messages;                /* error-message: "E.text" */
    bool error_strings;                 /* lldb: "E01;text in hex" */
    bool hwbreak, swbreak;              /* wants to hear the kind of breakpoint */

    bool console;                       /* "O" packets are allowed now */
    int unsaid;                         /* an error gdb showed as a number only */
    int target;                         /* index of the last attach, for `run` */
    bool flash_job;                     /* between flash_begin() and flash_end() */

    /* While the target runs on gdb's behalf. */
    bool running;
    bool ranged;                        /* vCont;r: steps until outside of the range */
    uint32_t range_start, range_end;
    bool interrupted;                   /* Ctrl-C: cortexm_halt() was asked for */
    uint32_t halt_deadline;
    uint32_t resumed_ms, polled;        /* polled in core cycles */
    struct stop stop;                   /* why it stands still */
} gdb;

/* Answers. */
static void reply_text(const char *text)
{
    rsp_begin();
    rsp_text(text);
    rsp_end();
}

static void reply_ok(void) { reply_text("OK"); }
static void reply_nothing(void) { reply_text(""); }

static void reply_error(int error)
{
    const char byte = (char)error;

    rsp_begin();
    rsp_char('E');
    rsp_hex(&byte, 1);
    if (gdb.error_strings) {
        rsp_char(';');
        rsp_hex_text(error_text(error));
    }
    rsp_end();
}

/* An error that ends what the user wanted to do.  Clients before gdb 16 show a number or
 * nothing, so the words are kept for the next time that there is a console. */
static void reply_failure(int error)
{
    if (!gdb.reads_messages) {
        gdb.unsaid = error;
        reply_error(error);
        return;
    }
    rsp_begin();
    rsp_text("E.");
    rsp_text(error_text(error));
    rsp_end();
}

static void reply_result(int error)
{
    if (error == OK)
        reply_ok();
    else
        reply_failure(error);
}

void gdb_console(const char *text, int length)
{
    if (!gdb.console || length <= 0)
        return;
    rsp_begin();
    rsp_char('O');
    rsp_hex(text, (uint32_t)length);
    rsp_end();
}

static void console_opens(void)
{
    gdb.console = true;
    if (gdb.unsaid != OK)
        monitor_print("The last error was: %s\n", error_text(gdb.unsaid));
    gdb.unsaid = OK;
}

/* Stop replies: the reason in gdb's words, and the registers it will ask for next. */
static const struct { uint8_t signal; const char *key; } stops[] = {
    [STOP_RUNNING]       = { 0, "" },
    [STOP_SLEEPING]      = { 0, "" },
    [STOP_REQUEST]       = { GDB_SIGINT, "" },
    [STOP_STEP]          = { GDB_SIGTRAP, "" },
    [STOP_HW_BREAKPOINT] = { GDB_SIGTRAP, "hwbreak" },
    [STOP_SW_BREAKPOINT] = { GDB_SIGTRAP, "swbreak" },
    [STOP_WATCH_WRITE]   = { GDB_SIGTRAP, "watch" },
    [STOP_WATCH_READ]    = { GDB_SIGTRAP, "rwatch" },
    [STOP_WATCH_ACCESS]  = { GDB_SIGTRAP, "awatch" },
    [STOP_FAULT]         = { GDB_SIGSEGV, "" },
    [STOP_RESET]         = { GDB_SIGTRAP, "" },
    [STOP_LOCKUP]        = { GDB_SIGSEGV, "" },
    [STOP_LOST]          = { 0, "" },
};

static uint32_t program_counter(void)
{
    uint32_t pc = 0;

    cortexm_read_register(REG_PC, &pc);
    return pc;
}

static void put_stop_key(void)
{
    enum stop_reason reason = gdb.stop.reason;
    uint32_t pc;

    if (reason >= STOP_WATCH_WRITE && reason <= STOP_WATCH_ACCESS) {
        rsp_text(stops[reason].key);
        rsp_char(':');
        rsp_number(gdb.stop.address);
        rsp_char(';');
    }
    if (reason != STOP_HW_BREAKPOINT && reason != STOP_SW_BREAKPOINT)
        return;
    /* A Z0 in flash is a comparator; and a BKPT that nobody set is the program's own. */
    pc = program_counter();
    if (swbreak_at(pc))
        rsp_text(gdb.swbreak ? "swbreak:;" : "");
    else if (reason == STOP_HW_BREAKPOINT)
        rsp_text(gdb.hwbreak ? "hwbreak:;" : "");
}

static void put_stop_registers(void)
{
    uint32_t values[REG_CONTROL + 1];

    if (cortexm_read_registers(values) != OK)
        return;
    for (uint8_t number = 0; number <= REG_XPSR; number++) {
        rsp_hex(&number, 1);
        rsp_char(':');
        rsp_hex(&values[number], 4);
        rsp_char(';');
    }
}

static void reply_stop(void)
{
    if (!target_attached()) {
        reply_text("W00");
        return;
    }
    rsp_begin();
    rsp_char('T');
    rsp_hex(&stops[gdb.stop.reason].signal, 1);
    put_stop_key();
    rsp_text("thread:1;");
    put_stop_registers();
    rsp_end();
}

/* Leaving: the target as the program wants it. */
static void forget_target(void)
{
    swbreak_forget();
    gdb.running = false;
    gdb.flash_job = false;
    gdb.console = false;
}

static void detach(void)
{
    if (gdb.flash_job)
        flash_end();
    if (target_attached()) {
        swbreak_remove_all();
        target_detach();
    }
    forget_target();
}

static void reply_lost(int error)
{
    console_opens();
    monitor_print("target lost: %s.\n", error_text(error));
    target_lost();
    forget_target();
    reply_text("X1D");                  /* gdb's SIGLOST */
}

static int attach(int index)
{
    if (target_attached())
        detach();
    swbreak_forget();
    int error = target_attach(index);
    if (error == OK) {
        gdb.target = index;
        gdb.stop.reason = STOP_STEP;    /* GDB_SIGTRAP, as ever */
    }
    return error;
}

/* Running. */
static void started(void)
{
    gdb.running = true;
    gdb.interrupted = false;
    gdb.resumed_ms = clock_ms();
    gdb.polled = clock_cycles() - clock_hz();           /* look at once */
    console_opens();
}

static void go_on(bool step)
{
    int error = !target_attached() ? ERR_LOST : step ? cortexm_step() : cortexm_resume();

    if (error == OK)
        started();
    else if (error == ERR_LOST || error == ERR_NO_ANSWER)
        reply_lost(error);
    else
        reply_failure(error);
}

static void interrupt(void)
{
    if (!gdb.running || gdb.interrupted)
        return;
    gdb.interrupted = true;
    gdb.ranged = false;
    gdb.halt_deadline = clock_in_ms(target_options.halt_timeout_ms);
    cortexm_halt();                     /* an error shows when we poll */
}

static void explain_stop(void)
{
    char text[160];

    if (gdb.stop.reason == STOP_FAULT && cortexm_fault_text(text, sizeof text) > 0)
        monitor_print("%s\n", text);
    if (gdb.stop.reason == STOP_LOCKUP)
        monitor_print("Lockup: a fault inside of a fault handler (or no vector table)\n");
    if (gdb.stop.reason == STOP_RESET)
        monitor_print("The target was reset\n");
    if (gdb.stop.reason == STOP_SW_BREAKPOINT && !swbreak_at(program_counter()))
        monitor_print("BKPT in the program itself; `continue` goes on behind it\n");
}

static void stopped(void)
{
    explain_stop();
    gdb.running = false;
    gdb.console = false;
    reply_stop();
}

static bool poll_is_due(void)
{
    uint32_t per_ms = clock_hz() / 1000;
    uint32_t wait = clock_ms() - gdb.resumed_ms < 20 ? per_ms / 10 : per_ms;

    if (clock_cycles() - gdb.polled < wait)
        return false;
    gdb.polled = clock_cycles();
    return true;
}

/* A step of a range was done: is another one wanted?  gdb asked not to be told of each
 * instruction of a source line. */
static bool stays_in_range(void)
{
    if (!gdb.ranged || gdb.stop.reason != STOP_STEP)
        return false;
    return program_counter() - gdb.range_start < gdb.range_end - gdb.range_start;
}

static bool is_running(void)
{
    return gdb.stop.reason == STOP_RUNNING || gdb.stop.reason == STOP_SLEEPING;
}

static void watch_target(void)
{
    int error = target_attached() ? cortexm_poll(&gdb.stop) : ERR_LOST;

    for (int n = 0; error == OK && stays_in_range() && n < STEPS_AT_ONCE; n++) {
        error = cortexm_step();
        if (error == OK)
            error = cortexm_poll(&gdb.stop);
    }
    if (error != OK || gdb.stop.reason == STOP_LOST) {
        reply_lost(error == OK ? ERR_LOST : error);
    } else if (is_running()) {
        if (gdb.interrupted && clock_passed(gdb.halt_deadline))
            reply_lost(ERR_TIMEOUT);
    } else if (!stays_in_range()) {
        stopped();
    } else {
        gdb.polled = clock_cycles() - clock_hz();
    }
}

/* Packets.  Each handler gets what stands behind the prefix in the table below. */
static void handle_why(struct scan *s)
{
    (void)s;
    if (!target_attached() && !gdb.extended)
        attach(0);                      /* if not: W00 */
    reply_stop();
}

static void handle_extended(struct scan *s)
{
    (void)s;
    gdb.extended = true;
    reply_ok();
}

/* "1", "0", "-1", "p1.1": 1 is our thread (or process), 0 any, -1 all. */
static bool scan_thread(struct scan *s)
{
    bool process = scan_skip(s, 'p'), all = scan_skip(s, '-'), ours = scan_hex(s) <= 1;

    if (process && scan_skip(s, '.')) {
        all |= scan_skip(s, '-');
        ours &= scan_hex(s) <= 1;
    }
    return ours || all;
}

static void handle_thread_select(struct scan *s)
{
    s->at += s->at < s->end;            /* for which operation: g, c, ... */
    bool ours = scan_thread(s);
    if (ours && scan_done(s))
        reply_ok();
    else
        reply_error(ERR_RANGE);
}

static void handle_thread_alive(struct scan *s)
{
    if (scan_thread(s) && scan_done(s) && target_attached())
        reply_ok();
    else
        reply_error(ERR_NO_TARGET);
}

static void handle_current_thread(struct scan *s)
{
    (void)s;
    if (target_attached())
        reply_text("QC1");
    else
        reply_error(ERR_NO_TARGET);
}

static void handle_first_threads(struct scan *s)
{
    (void)s;
    reply_text(target_attached() ? "m1" : "l");
}

static void handle_more_threads(struct scan *s)
{
    (void)s;
    reply_text("l");
}

static void handle_thread_info(struct scan *s)
{
    (void)s;
    if (!target_attached()) {
        reply_error(ERR_NO_TARGET);
        return;
    }
    rsp_begin();
    rsp_hex_text(target_info(gdb.target)->name);
    rsp_hex_text(gdb.running ? ", running" : ", halted");
    rsp_end();
}

static void handle_thread_stop(struct scan *s)
{
    (void)s;
    reply_stop();
}

/* Registers.  `g` has those that exist, in order; gdb knows which from target.xml. */
static bool registers_readable(void)
{
    if (target_attached() && !gdb.running)
        return true;
    reply_error(target_attached() ? ERR_RUNNING : ERR_NO_TARGET);
    return false;
}

static void handle_read_registers(struct scan *s)
{
    uint32_t values[REG_CONTROL + 1], wide[2];
    (void)s;

    if (!registers_readable())
        return;
    int error = cortexm_read_registers(values);
    if (error != OK) {
        reply_error(error);
        return;
    }
    rsp_begin();
    for (int number = 0; number < REG_COUNT; number++) {
        if (!gdb_register_exists(number))
            continue;
        if (number <= REG_CONTROL)
            rsp_hex(&values[number], 4);
        else if (cortexm_read_register(number, wide) == OK)
            rsp_hex(wide, gdb_register_size(number));
        else
            rsp_text(number >= REG_D0 ? "xxxxxxxxxxxxxxxx" : "xxxxxxxx");
    }
    rsp_end();
}

static int write_if_changed(int number, const uint32_t *wanted)
{
    uint32_t is[2] = { 0, 0 };
    int error = cortexm_read_register(number, is);

    if (error != OK || (is[0] == wanted[0] && (number < REG_D0 || is[1] == wanted[1])))
        return error;
    return cortexm_write_register(number, wanted);
}

/* Only what differs is written: sp is also msp or psp, and the packet has both. */
static void handle_write_registers(struct scan *s)
{
    int error = OK;

    if (!registers_readable())
        return;
    for (int number = 0; number < REG_COUNT && error == OK; number++) {
        uint32_t value[2] = { 0, 0 };
        if (!gdb_register_exists(number) || scan_left(s) == 0)
            continue;                   /* gdb may leave out the last ones */
        scan_bytes(s, (uint8_t *)value, gdb_register_size(number));
        if (s->bad)
            error = ERR_RANGE;
        else
            error = write_if_changed(number, value);
    }
    reply_result(error);
}

static void handle_read_register(struct scan *s)
{
    uint32_t value[2], number = scan_hex(s);

    if (!registers_readable())
        return;
    int error = ERR_RANGE;
    if (scan_done(s) && number < REG_COUNT && gdb_register_exists((int)number))
        error = cortexm_read_register((int)number, value);
    if (error != OK) {
        reply_error(error);
        return;
    }
    rsp_begin();
    rsp_hex(value, gdb_register_size((int)number));
    rsp_end();
}

static void handle_write_register(struct scan *s)
{
    uint32_t value[2], number = scan_hex(s);

    if (!registers_readable())
        return;
    scan_expect(s, '=');
    if (s->bad || number >= REG_COUNT || !gdb_register_exists((int)number)) {
        reply_error(ERR_RANGE);
        return;
    }
    scan_bytes(s, (uint8_t *)value, gdb_register_size((int)number));
    reply_result(scan_done(s) ? cortexm_write_register((int)number, value) : ERR_RANGE);
}

/* Memory, also while the target runs. */
static void scan_area(struct scan *s, uint32_t *address, uint32_t *length)
{
    *address = scan_hex(s);
    scan_expect(s, ',');
    *length = scan_hex(s);
}

static int area_error(const struct scan *s)
{
    if (s->bad)
        return ERR_RANGE;
    return target_attached() ? OK : ERR_NO_TARGET;
}

/* The first piece decides between data and an error; an answer may be shorter than asked
 * for, and that is how an error further on shows.  While a piece is read from the target,
 * the one before it travels over USB. */
static void read_memory(uint32_t address, uint32_t length, bool binary)
{
    uint8_t bytes[PIECE];
    uint32_t count = length < PIECE ? length : PIECE;
    int error = count == 0 ? OK : swbreak_read(address, bytes, count);

    if (error != OK) {
        reply_error(error);
        return;
    }
    rsp_begin();
    if (binary)
        rsp_char('b');
    while (count > 0 && error == OK) {
        for (uint32_t i = 0; i < count && rsp_room() >= 2; i++) {
            if (binary)
                rsp_binary(bytes[i]);
            else
                rsp_hex(&bytes[i], 1);
        }
        address += count;
        length -= count;
        if (rsp_room() < 2)
            break;
        count = length < PIECE ? length : PIECE;
        if (count > 0)
            error = swbreak_read(address, bytes, count);
    }
    rsp_end();
}

static void handle_read_hex(struct scan *s)
{
    uint32_t address, length;

    scan_area(s, &address, &length);
    s->bad |= !scan_done(s);
    if (area_error(s) != OK)
        reply_error(area_error(s));
    else
        read_memory(address, length, false);
}

static void handle_read_binary(struct scan *s)
{
    uint32_t address, length;

    scan_area(s, &address, &length);
    s->bad |= !scan_done(s);
    if (area_error(s) != OK)
        reply_error(area_error(s));
    else
        read_memory(address, length, true);
}

static void handle_write_hex(struct scan *s)
{
    uint32_t address, length;
    uint8_t *bytes = rsp_payload();     /* two digits become one byte: in place */

    scan_area(s, &address, &length);
    scan_expect(s, ':');
    s->bad |= scan_left(s) / 2 != length;
    if (!s->bad)
        scan_bytes(s, bytes, length);
    s->bad |= !scan_done(s);
    int error = area_error(s);
    if (error == OK && length > 0)
        error = swbreak_write(address, bytes, length);
    if (error == OK)
        reply_ok();
    else
        reply_error(error);
}

/* Length 0 asks whether we know the packet. */
static void handle_write_binary(struct scan *s)
{
    uint32_t address, length;

    scan_area(s, &address, &length);
    scan_expect(s, ':');
    s->bad |= scan_left(s) != length;
    int error = length == 0 && !s->bad ? OK : area_error(s);
    if (error == OK && length > 0)
        error = swbreak_write(address, s->at, length);
    if (error == OK)
        reply_ok();
    else
        reply_error(error);
}

static void handle_crc(struct scan *s)
{
    uint32_t address, length, crc;

    scan_area(s, &address, &length);
    s->bad |= !scan_done(s);
    int error = area_error(s);
    if (error == OK)
        error = target_crc32(address, length, &crc);
    if (error != OK) {
        reply_error(error);
        return;
    }
    rsp_begin();
    rsp_char('C');
    rsp_number(crc);
    rsp_end();
}

static bool bytes_equal(const uint8_t *a, const uint8_t *b, uint32_t count)
{
    while (count > 0 && *a == *b)
        a++, b++, count--;
    return count == 0;
}

/* Pieces overlap by the pattern's length less one, so none is missed at a seam.
 * Gives ERR_VERIFY when it is not there. */
static int search(uint32_t *address, uint32_t length, const uint8_t *pattern,
                  uint32_t size)
{
    uint8_t bytes[PIECE];
    uint32_t deadline = clock_in_ms(SEARCH_MS);

    while (length >= size) {
        uint32_t count = length < PIECE ? length : PIECE;
        int error = swbreak_read(*address, bytes, count);
        if (error != OK)
            return error;
        for (uint32_t i = 0; i + size <= count; i++)
            if (bytes_equal(bytes + i, pattern, size)) {
                *address += i;
                return OK;
            }
        *address += count - size + 1;
        length -= count - size + 1;
        watchdog_feed();
        if (clock_passed(deadline) || cdc_peek(CDC_GDB, 0x03))
            return ERR_TIMEOUT;
    }
    return ERR_VERIFY;
}

static void handle_search(struct scan *s)
{
    uint8_t pattern[PATTERN_MAX];
    uint32_t address = scan_hex(s);

    scan_expect(s, ';');
    uint32_t length = scan_hex(s);
    scan_expect(s, ';');
    uint32_t size = scan_left(s);
    s->bad |= size == 0 || size > PATTERN_MAX;
    for (uint32_t i = 0; i < size && !s->bad; i++)
        pattern[i] = s->at[i];
    int error = area_error(s);
    if (error == OK)
        error = search(&address, length, pattern, size);
    if (error == ERR_VERIFY) {
        reply_text("0");
    } else if (error != OK) {
        reply_error(error);
    } else {
        rsp_begin();
        rsp_text("1,");
        rsp_number(address);
        rsp_end();
    }
}

/* What lldb knows instead of the memory map. */
static void handle_region_info(struct scan *s)
{
    struct region piece;
    uint32_t address = scan_hex(s);

    if (!scan_done(s) || !target_attached()) {
        reply_error(ERR_NO_TARGET);
        return;
    }
    gdb_memory_piece(address, &piece);
    rsp_begin();
    rsp_text("start:");
    rsp_number(piece.base);
    rsp_text(";size:");
    rsp_number(piece.size);
    rsp_text(piece.kind == REGION_RAM ? ";permissions:rwx;" : ";permissions:rx;");
    rsp_end();
}

/* Breakpoints and watchpoints: Z0 and Z1, Z2 to Z4; z takes them away. */
static void handle_point(struct scan *s, bool insert)
{
    uint32_t type = scan_hex(s), address, size;
    int error = ERR_NO_TARGET;

    scan_expect(s, ',');
    scan_area(s, &address, &size);
    if (type > WATCH_ACCESS) {
        reply_nothing();
        return;
    }
    if (s->bad) {                       /* ";cond" may follow: we never offered it */
        reply_error(ERR_RANGE);
        return;
    }
    if (target_attached()) {
        int kind = size == 4 ? 4 : size == 3 ? 3 : 2;      /* lldb says 0 */
        enum watch watch = (enum watch)type;
        if (type == 0)
            error = insert ? swbreak_set(address, kind) : swbreak_clear(address, kind);
        else if (type == 1)
            error = insert ? cortexm_set_breakpoint(address, kind)
                           : cortexm_clear_breakpoint(address, kind);
        else
            error = insert ? cortexm_set_watchpoint(watch, address, size)
                           : cortexm_clear_watchpoint(watch, address, size);
    }
    reply_result(error);
}

static void handle_insert(struct scan *s) { handle_point(s, true); }
static void handle_remove(struct scan *s) { handle_point(s, false); }

/* Resuming.  c, s [address]; C, S signal[;address].  Signals mean nothing to a core. */
static void resume_at(struct scan *s, bool step)
{
    if (!registers_readable())
        return;
    if (scan_left(s) > 0) {
        uint32_t pc = scan_hex(s);
        int error = scan_done(s) ? cortexm_write_register(REG_PC, &pc) : ERR_RANGE;
        if (error != OK) {
            reply_error(error);
            return;
        }
    }
    gdb.ranged = false;
    go_on(step);
}

static void skip_signal(struct scan *s)
{
    scan_hex(s);
    scan_skip(s, ';');
}

static void handle_continue(struct scan *s) { resume_at(s, false); }
static void handle_step(struct scan *s) { resume_at(s, true); }
static void handle_continue_signal(struct scan *s) { skip_signal(s); resume_at(s, false); }
static void handle_step_signal(struct scan *s) { skip_signal(s); resume_at(s, true); }

static void handle_vcont_query(struct scan *s)
{
    (void)s;
    reply_text("vCont;c;C;s;S;t;r");
}

/* The action for our thread is the leftmost that names it, or no thread at all. */
static char scan_action(struct scan *s, uint32_t *start, uint32_t *end)
{
    while (scan_skip(s, ';') && s->at < s->end) {
        char action = (char)*s->at++;
        if (action == 'C' || action == 'S')
            scan_hex(s);
        if (action == 'r') {
            *start = scan_hex(s);
            scan_expect(s, ',');
            *end = scan_hex(s);
        }
        if (!scan_skip(s, ':') || scan_thread(s))
            return s->bad ? '\0' : action;
    }
    return '\0';
}

static void halt_now(void)
{
    int error = target_attached() ? cortexm_halt_wait(target_options.halt_timeout_ms)
                                  : ERR_NO_TARGET;

    if (error != OK) {
        reply_failure(error);
        return;
    }
    gdb.running = gdb.console = false;
    gdb.stop.reason = STOP_REQUEST;
    reply_stop();
}

static void handle_vcont(struct scan *s)
{
    uint32_t start = 0, end = 0;
    char action = scan_action(s, &start, &end);

    gdb.ranged = action == 'r' && end > start;
    gdb.range_start = start;
    gdb.range_end = end;
    switch (action) {
    case 'c': case 'C':           go_on(false); break;
    case 's': case 'S': case 'r': go_on(true); break;
    case 't':                     halt_now(); break;
    default:                      reply_error(ERR_UNSUPPORTED); break;
    }
}

/* Beginning and end. */
static void handle_attach(struct scan *s)
{
    uint32_t number = scan_hex(s);
    int error = scan_done(s) && number >= 1 && number <= TARGET_MAX
              ? attach((int)number - 1) : ERR_RANGE;

    if (error == OK)
        reply_stop();
    else
        reply_failure(error);
}

static void handle_detach(struct scan *s)
{
    (void)s;
    detach();
    reply_ok();
}

static void kill(void)
{
    if (target_attached()) {
        swbreak_forget();
        target_reset(false, false);
    }
    detach();
}

static void handle_kill(struct scan *s)
{
    (void)s;
    kill();                             /* no answer, says the protocol */
}

static void handle_kill_process(struct scan *s)
{
    (void)s;
    kill();
    reply_ok();
}

static int restart(void)
{
    int error = target_attached() ? OK : attach(gdb.target);

    if (error == OK)
        error = target_reset(false, true);
    gdb.stop.reason = STOP_STEP;
    gdb.running = false;
    return error;
}

static void handle_run(struct scan *s)
{
    (void)s;                            /* a file name and arguments: for others */
    int error = restart();
    if (error == OK)
        reply_stop();
    else
        reply_failure(error);
}

static void handle_restart(struct scan *s)
{
    (void)s;
    restart();                          /* R and r: no answer */
}

/* Flash.  There is no console here: gdb takes an "O" packet for the answer. */
static int flash_job(void)
{
    if (!target_attached())
        return ERR_NO_TARGET;
    if (gdb.running)
        return ERR_RUNNING;
    int error = gdb.flash_job ? OK : flash_begin();
    gdb.flash_job = error == OK;
    return error;
}

static void flash_result(int error)
{
    if (error != OK && gdb.flash_job) {
        flash_end();
        gdb.flash_job = false;
    }
    reply_result(error);
}

static void handle_flash_erase(struct scan *s)
{
    uint32_t address, length;

    scan_area(s, &address, &length);
    int error = scan_done(s) && length > 0 && address + length - 1 >= address
              ? flash_job() : ERR_RANGE;
    uint32_t last = address + length - 1, before = address;
    if (error == OK)
        error = flash_may_erase(address, length);   /* before the first page goes */
    while (error == OK && address <= last && address >= before) {
        before = address;
        error = flash_erase_page(&address);
        watchdog_feed();
    }
    flash_result(error);
}

static void handle_flash_write(struct scan *s)
{
    uint32_t address = scan_hex(s);

    scan_expect(s, ':');
    int error = s->bad ? ERR_RANGE : flash_job();
    if (error == OK)
        error = flash_write(address, s->at, scan_left(s));
    flash_result(error);
}

static void handle_flash_done(struct scan *s)
{
    (void)s;
    int error = gdb.flash_job ? flash_end() : OK;
    gdb.flash_job = false;
    reply_result(error);
}

/* Questions. */
static bool offers(struct scan s, const char *feature)
{
    for (; s.at < s.end; s.at++)
        if (scan_word(&s, feature))
            return true;
    return false;
}

static void handle_supported(struct scan *s)
{
    gdb.hwbreak = offers(*s, "hwbreak+");
    gdb.swbreak = offers(*s, "swbreak+");
    gdb.reads_messages = offers(*s, "error-message+");
    rsp_begin();
    rsp_text("PacketSize=");
    rsp_number(RSP_PACKET_MAX);
    rsp_text(";qXfer:features:read+;qXfer:memory-map:read+;qXfer:threads:read+"
             ";QStartNoAckMode+;vContSupported+;hwbreak+;swbreak+;binary-upload+"
             ";error-message+");
    rsp_end();
}

static void handle_no_acks(struct scan *s)
{
    (void)s;
    reply_ok();
    rsp_stop_acks();
}

static void handle_error_strings(struct scan *s)
{
    (void)s;
    gdb.error_strings = true;
    reply_ok();
}

static void handle_non_stop(struct scan *s)
{
    if (scan_skip(s, '0') && scan_done(s))
        reply_ok();
    else
        reply_error(ERR_UNSUPPORTED);   /* one core: it runs or it does not */
}

static void handle_attached(struct scan *s)
{
    (void)s;
    reply_text("1");                    /* so gdb detaches when it quits */
}

/* lldb asks before it knows the target.  Instructions of ARMv7E-M include the others'. */
static void put_triple(void)
{
    rsp_text("triple:");
    rsp_hex_text("thumbv7em-unknown-unknown");
    rsp_text(";endian:little;ptrsize:4;");
}

static void handle_host_info(struct scan *s)
{
    (void)s;
    rsp_begin();
    put_triple();
    rsp_end();
}

static void handle_process_info(struct scan *s)
{
    (void)s;
    if (!target_attached() && !gdb.extended)
        attach(0);
    if (!target_attached()) {
        reply_error(ERR_NO_TARGET);
        return;
    }
    rsp_begin();
    rsp_text("pid:1;");
    put_triple();
    rsp_end();
}

static void handle_watchpoint_info(struct scan *s)
{
    (void)s;
    rsp_begin();
    rsp_text("num:");
    rsp_number(target_attached() ? (uint32_t)target_core()->watchpoints : 0);
    rsp_char(';');
    rsp_end();
}

static void handle_monitor(struct scan *s)
{
    char line[COMMAND_MAX + 1];
    uint32_t length = scan_left(s) / 2;

    if (length > COMMAND_MAX)
        length = COMMAND_MAX;           /* too long for any command of ours: bad */
    scan_bytes(s, (uint8_t *)line, length);
    line[length] = '\0';
    if (!scan_done(s)) {
        reply_error(ERR_RANGE);
        return;
    }
    console_opens();
    int error = monitor_run(line);
    gdb.console = gdb.running;
    if (error == OK)
        reply_ok();
    else
        reply_error(error);             /* monitor has explained it */
}

/* First match wins: what begins like another packet stands before it.  A row without
 * arguments wants the packet to end there (or behind a ';' or ':' that starts them). */
static const struct packet {
    const char *prefix;
    bool arguments;
    void (*handle)(struct scan *s);
} packets[] = {
    { "?",                 false, handle_why },
    { "!",                 false, handle_extended },
    { "g",                 false, handle_read_registers },
    { "G",                 true,  handle_write_registers },
    { "p",                 true,  handle_read_register },
    { "P",                 true,  handle_write_register },
    { "m",                 true,  handle_read_hex },
    { "M",                 true,  handle_write_hex },
    { "x",                 true,  handle_read_binary },
    { "X",                 true,  handle_write_binary },
    { "Z",                 true,  handle_insert },
    { "z",                 true,  handle_remove },
    { "c",                 true,  handle_continue },
    { "s",                 true,  handle_step },
    { "C",                 true,  handle_continue_signal },
    { "S",                 true,  handle_step_signal },
    { "H",                 true,  handle_thread_select },
    { "T",                 true,  handle_thread_alive },
    { "D",                 true,  handle_detach },
    { "k",                 false, handle_kill },
    { "r",                 false, handle_restart },
    { "R",                 true,  handle_restart },
    { "vCont?",            false, handle_vcont_query },
    { "vCont",             true,  handle_vcont },
    { "vAttach;",          true,  handle_attach },
    { "vRun",              true,  handle_run },
    { "vKill",             true,  handle_kill_process },
    { "vFlashErase:",      true,  handle_flash_erase },
    { "vFlashWrite:",      true,  handle_flash_write },
    { "vFlashDone",        false, handle_flash_done },
    { "qSupported",        true,  handle_supported },
    { "qRcmd,",            true,  handle_monitor },
    { "qXfer:",            true,  gdb_xml_reply },
    { "qCRC:",             true,  handle_crc },
    { "qSearch:memory:",   true,  handle_search },
    { "qC",                false, handle_current_thread },
    { "qfThreadInfo",      false, handle_first_threads },
    { "qsThreadInfo",      false, handle_more_threads },
    { "qThreadExtraInfo,", true,  handle_thread_info },
    { "qThreadStopInfo",   true,  handle_thread_stop },
    { "qAttached",         true,  handle_attached },
    { "qHostInfo",         false, handle_host_info },
    { "qProcessInfo",      false, handle_process_info },
    { "qMemoryRegionInfo:", true, handle_region_info },
    { "qWatchpointSupportInfo:", false, handle_watchpoint_info },
    { "QStartNoAckMode",   false, handle_no_acks },
    { "QEnableErrorStrings", false, handle_error_strings },
    { "QNonStop:",         true,  handle_non_stop },
};

static void execute(void)
{
    int length;
    const uint8_t *packet = rsp_packet(&length);

    for (unsigned i = 0; i < sizeof packets / sizeof packets[0]; i++) {
        struct scan s = { packet, packet + length, false };
        if (scan_word(&s, packets[i].prefix) &&
            (packets[i].arguments || scan_left(&s) == 0)) {
            packets[i].handle(&s);
            return;
        }
    }
    reply_nothing();                    /* also to vMustReplyEmpty */
}

/* Whoever opens the port next shall find everything as after power-on. */
static void conversation_ends(void)
{
    detach();
    gdb.extended = gdb.reads_messages = gdb.error_strings = false;
    gdb.hwbreak = gdb.swbreak = false;
    gdb.unsaid = OK;
}

void gdb_start(void)
{
    rsp_start();
    forget_target();
    gdb.target = 0;
    gdb.extended = gdb.reads_messages = gdb.error_strings = false;
    gdb.hwbreak = gdb.swbreak = false;
    gdb.unsaid = OK;
}

void gdb_poll(void)
{
    switch (rsp_poll()) {
    case RSP_NOTHING:   break;
    case RSP_PACKET:    execute(); break;
    case RSP_DAMAGED:   reply_error(ERR_PARITY); break;
    case RSP_INTERRUPT: interrupt(); break;
    case RSP_CLOSED:    conversation_ends(); break;
    }
    if (gdb.running && rsp_idle() && poll_is_due())
        watch_target();
}
