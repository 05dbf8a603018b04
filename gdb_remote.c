/* gdb_remote.c - the GDB remote serial protocol: packets to target operations.
 *
 * A conversation, as `set debug remote 1` shows it (host -> probe, probe <- ):
 *
 *   -> qSupported:...      <- PacketSize=1000;...      what each side can do
 *   -> !  -> ?             <- OK  <- W00               extended; nothing is running
 *   -> qRcmd,737764..      <- O<text> ... <- OK        monitor swd_scan
 *   -> vAttach;1           <- T05thread:p1.1;...       attach 1: halted
 *   -> vFlashErase:...     -> vFlashWrite:... -> vFlashDone                 load
 *   -> Z1,100,2            -> vCont;c                  breakpoint, continue: no answer
 *   <- T05hwbreak:;thread:p1.1;0f:...                  ... until the target stops
 *   -> D                   <- OK                       detach: it runs on
 *
 * There is one process (1 after `attach 1`) with one thread (1), and none of either before
 * the attach: every answer about threads follows from target_attached(), and names the
 * process too, so gdb never sees a thread that it cannot place ("New inferior 2").
 * A client that did not send '!' has no attach command (`target remote`, lldb's
 * gdb-remote): for it, '?' attaches to the first target.
 *
 * Here are the tables of packets and what takes and leaves a target; gdb_run.c and
 * gdb_memory.c do what is done with it.
 *
 * Rules: each request is answered exactly once (a resume: when the target stops), also if
 * it makes no sense; what is unknown gets the empty answer.  Fields are all taken before
 * anything is done.  Nothing waits without a bound.
 * Source: GDB manual, appendix E: Packets, Stop Reply Packets, General Query Packets;
 * lldb's docs/lldb-gdb-remote.txt. */
#include "gdb_remote.h"
#include "gdb_server.h"
#include "gdb_xml.h"
#include "live.h"
#include "monitor.h"
#include "print.h"
#include "rsp.h"
#include "rtt.h"
#include "say.h"
#include "semihost.h"
#include "swbreak.h"
#include "swo.h"

/* Handlers share one type, and not each needs all of it. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

enum { COMMAND_MAX = 200 };

struct gdb gdb;

/* The console. */
void gdb_console_opens(void)
{
    gdb.console = true;
    gdb_tell_reset();
}

void gdb_tell_reset(void)
{
    if (cortexm_was_reset())
        say("The target was reset\n");
}

/* Clients before gdb 16 show a number or nothing, so the words are kept for `monitor`, until
 * something that a user asks for works; but of what gdb tries on its own it tells enough
 * itself. */
static void put_error(int error)
{
    if (gdb.reads_messages) {
        rsp_print("E.%s", error_text(error));
        return;
    }
    if (error != ERR_FAULT && error != ERR_NO_TARGET)
        gdb.unsaid = error;
    rsp_print("E%02x", error);
    if (gdb.error_strings) {
        rsp_char(';');
        rsp_hex_text(error_text(error));
    }
}

int gdb_owed(void)
{
    int error = gdb.owed;

    gdb.owed = OK;
    return error;
}

/* Taking and leaving a target. */
static void nothing_is_under_way(void)
{
    gdb.running = gdb.flash_job = false;
    gdb.call = CALL_NONE;
    gdb.ctrl_c = CTRL_C_NONE;
    gdb.owed = OK;
}

void gdb_forget_target(void)
{
    swbreak_forget();
    nothing_is_under_way();
}

void gdb_detach(void)
{
    gdb_drop_flash_job();
    live_give_way();
    if (target_attached()) {
        swbreak_remove_all();           /* the target as the program wants it */
        swo_leave();
        if (semihost_used)
            target_leave(LEAVE_RUNNING);
        else
            target_detach();
    }
    nothing_is_under_way();
}

static int attach(int index)
{
    gdb_detach();
    swbreak_forget();
    int error = target_attach(index);
    if (error == OK) {
        gdb.target = index;
        gdb.stop.reason = STOP_STEP;    /* SIGTRAP, as ever */
    }
    return error;
}

static int stop_or(int error)
{
    if (error != OK)
        return error;
    gdb.unsaid = OK;
    return gdb_put_stop(0, 0, 0);
}

static int handle_non_stop(uint32_t a, uint32_t b, struct scan *rest)
{
    gdb.non_stop = a;
    return OK;
}

/* Behind a notification: are there more of its kind? */
static int handle_stopped(uint32_t a, uint32_t b, struct scan *rest)
{
    return OK;
}

static int handle_attach(uint32_t a, uint32_t b, struct scan *rest)
{
    uint32_t number = scan_hex(rest);

    int error = scan_done(rest) ? attach((int)number - 1) : ERR_INDEX;

    return gdb.non_stop ? error : stop_or(error);       /* gdb will ask for the stop */
}

/* Without '!' there is no attach command. */
static int handle_why(uint32_t a, uint32_t b, struct scan *rest)
{
    if (!target_attached() && !gdb.extended)
        attach(0);                      /* if not: W00 */
    if (gdb.non_stop && (gdb.running || !target_attached()))
        return OK;                      /* nothing stands still */
    return gdb_put_stop(0, 0, 0);
}

static int handle_detach(uint32_t a, uint32_t b, struct scan *rest)
{
    int error = gdb_owed();

    if (error == OK)
        gdb_detach();
    return error;
}

static int handle_kill_process(uint32_t a, uint32_t b, struct scan *rest)
{
    if (target_attached()) {
        swbreak_remove_all();           /* RAM outlives the reset */
        rtt_forget();
        target_reset(false, true);
    }
    gdb_detach();
    return OK;
}

static int handle_kill(uint32_t a, uint32_t b, struct scan *rest)
{
    handle_kill_process(0, 0, 0);
    if (gdb.error_strings)
        return rsp_print("X09");        /* lldb waits for an answer */
    return LATER;                       /* never, says the protocol */
}

static int restart_program(void)
{
    int error = target_attached() ? OK : attach(gdb.target);

    if (error == OK) {
        rtt_forget();
        error = target_reset(false, true);
    }
    gdb.stop.reason = STOP_STEP;
    gdb.running = false;
    gdb.call = CALL_NONE;
    gdb.ctrl_c = CTRL_C_NONE;
    return error;
}

/* Its name and arguments are what semihosting tells the program. */
static int handle_run(uint32_t a, uint32_t b, struct scan *rest)
{
    semihost_command_line(rest);
    return stop_or(restart_program());
}

static int handle_restart(uint32_t a, uint32_t b, struct scan *rest)
{
    restart_program();
    return LATER;                       /* never */
}

/* What the client says about itself. */
static int handle_extended(uint32_t a, uint32_t b, struct scan *rest)
{
    gdb.extended = true;
    return OK;
}

static int handle_supported(uint32_t a, uint32_t b, struct scan *rest)
{
    gdb.names_breakpoints = gdb.reads_messages = gdb.multiprocess = false;
    while (rest->at < rest->end) {
        gdb.multiprocess |= scan_pattern(rest, "multiprocess+*", 0);
        gdb.names_breakpoints |= scan_pattern(rest, "hwbreak+*", 0);
        gdb.reads_messages |= scan_pattern(rest, "error-message+*", 0);
        rest->at += rest->at < rest->end;
    }
    return rsp_print("PacketSize=%x;qXfer:features:read+;qXfer:memory-map:read+;"
                     "QStartNoAckMode+;vContSupported+;hwbreak+;swbreak+;binary-upload+;"
                     "error-message+;multiprocess+;QNonStop+", RSP_PACKET_MAX);
}

static int handle_no_acks(uint32_t a, uint32_t b, struct scan *rest)
{
    rsp_stop_acks();
    return OK;
}

static int handle_error_strings(uint32_t a, uint32_t b, struct scan *rest)
{
    gdb.error_strings = true;
    return OK;
}

/* Questions. */
bool gdb_scan_thread(struct scan *s)
{
    if (scan_skip(s, 'p')) {
        scan_hex(s);                    /* there is no process but ours */
        if (!scan_skip(s, '.'))
            return !s->bad;
    }
    bool all = scan_skip(s, '-');       /* -1; and 0 is any */

    return (scan_hex(s) <= 1 || all) && !s->bad;
}

/* "p1.1", with its process, to whom knows that.  By "1" in a stop reply gdb 10 is led to a
 * second inferior; and without one gdb leaves the registers unused that come with it. */
const char *gdb_thread(void)
{
    static char name[] = "p1.1";

    name[1] = (char)('1' + gdb.target);
    return gdb.multiprocess ? name : name + 3;
}

static int handle_thread_named(uint32_t a, uint32_t b, struct scan *rest)
{
    return gdb_scan_thread(rest) && scan_done(rest) ? OK : ERR_RANGE;
}

static int handle_current_thread(uint32_t a, uint32_t b, struct scan *rest)
{
    return rsp_print("QC%s", gdb_thread());
}

static int handle_first_threads(uint32_t a, uint32_t b, struct scan *rest)
{
    return target_attached() ? rsp_print("m%s", gdb_thread()) : rsp_print("l");
}

static int handle_no_more_threads(uint32_t a, uint32_t b, struct scan *rest)
{
    return rsp_print("l");
}

/* Yes: so gdb detaches when it quits, and does not kill. */
static int handle_is_attached(uint32_t a, uint32_t b, struct scan *rest)
{
    return rsp_print("1");
}

static int handle_actions(uint32_t a, uint32_t b, struct scan *rest)
{
    return rsp_print("vCont;c;C;s;S;t;r");
}

/* What `info threads` shows behind "Thread 1". */
static int handle_thread_info(uint32_t a, uint32_t b, struct scan *rest)
{
    rsp_hex_text(target_info(gdb.target)->name);
    return OK;
}

/* lldb asks before it knows the target.  Instructions of ARMv7E-M include the others'. */
static int handle_host_info(uint32_t a, uint32_t b, struct scan *rest)
{
    rsp_print("triple:");
    rsp_hex_text("thumbv7em-unknown-unknown");
    return rsp_print(";endian:little;ptrsize:4;watchpoint_exceptions_received:after;");
}

static int handle_process_info(uint32_t a, uint32_t b, struct scan *rest)
{
    if (!target_attached() && !gdb.extended)
        attach(0);
    if (!target_attached())
        return ERR_NO_TARGET;
    rsp_print("pid:1;");
    return handle_host_info(0, 0, 0);
}

/* gdb asks which symbols we want, after each file that has some: "::", or the last one's address
 * (none: it has no such) and its name. */
static int handle_symbols(uint32_t a, uint32_t b, struct scan *rest)
{
    bool known = !scan_skip(rest, ':');

    if (!known && !scan_left(rest)) {
        rsp_print("qSymbol:");
        rsp_hex_text("_SEGGER_RTT");
        return OK;
    }
    rtt_symbol(known ? scan_hex(rest) : 0);
    return OK;
}

static int handle_watchpoint_info(uint32_t a, uint32_t b, struct scan *rest)
{
    return rsp_print("num:%x;", cortexm_core()->watchpoints);
}

static int handle_monitor(uint32_t a, uint32_t b, struct scan *rest)
{
    char line[COMMAND_MAX + 1];
    uint32_t length = scan_left(rest) / 2;

    if (length > COMMAND_MAX) {
        gdb_console_opens();
        say("This is longer than any command.\n");
        return ERR_RANGE;
    }
    scan_bytes(rest, line, length);
    line[length] = '\0';
    if (!scan_done(rest))
        return ERR_RANGE;
    gdb_drop_flash_job();               /* no load has a command in its middle */
    gdb_console_opens();
    if (gdb.unsaid != OK)
        say("The last error was: %s\n", error_text(gdb.unsaid));
    gdb.unsaid = OK;
    int error = monitor_run(line);
    return error == OK ? OK : rsp_print("E%02x", error);    /* monitor has explained it */
}

/* The tables: patterns as in hex.h, by what must be true for them.  The first match wins:
 * what begins like another packet stands before it. */
struct packet {
    const char *pattern;
    gdb_handler *handle;
};

static const struct packet at_any_time[] = {
    { "!",                      handle_extended },
    { "?",                      handle_why },
    { "c*",                     gdb_continue },
    { "C#*",                    gdb_continue },
    { "s*",                     gdb_step },
    { "S#*",                    gdb_step },
    { "Hg*",                    handle_thread_named },
    { "Hc*",                    handle_thread_named },
    { "D*",                     handle_detach },
    { "k",                      handle_kill },
    { "r",                      handle_restart },
    { "R*",                     handle_restart },
    { "vCont?",                 handle_actions },
    { "vCont*",                 gdb_vcont },
    { "vAttach;*",              handle_attach },
    { "vRun*",                  handle_run },
    { "vKill*",                 handle_kill_process },
    { "vFlashDone",             gdb_flash_done },
    { "F*",                     semihost_reply },
    { "qSupported*",            handle_supported },
    { "qRcmd,*",                handle_monitor },
    { "qfThreadInfo",           handle_first_threads },
    { "qsThreadInfo",           handle_no_more_threads },
    { "qThreadStopInfo*",       gdb_put_stop },
    { "qAttached*",             handle_is_attached },
    { "qHostInfo",              handle_host_info },
    { "qProcessInfo",           handle_process_info },
    { "qSymbol:*",              handle_symbols },
    { "QNonStop:#",             handle_non_stop },
    { "vStopped",               handle_stopped },
    { "QStartNoAckMode",        handle_no_acks },
    { "QEnableErrorStrings",    handle_error_strings },
};
static const struct packet when_attached[] = {
    { "m#,#",                   gdb_read_hex },
    { "M#,#:*",                 gdb_write_hex },
    { "x#,#",                   gdb_read_binary },
    { "X#,#:*",                 gdb_write_binary },
    { "Z#,#,*",                 gdb_insert },
    { "z#,#,*",                 gdb_remove },
    { "T*",                     handle_thread_named },
    { "qC",                     handle_current_thread },
    { "qCRC:#,#",               gdb_crc },
    { "qSearch:memory:#;#;*",   gdb_search },
    { "qThreadExtraInfo,*",     handle_thread_info },
    { "qWatchpointSupportInfo:", handle_watchpoint_info },
    { "qXfer:features:read:target.xml:#,#", gdb_target_xml },
    { "qXfer:memory-map:read::#,#", gdb_memory_map },
};
static const struct packet when_halted[] = {
    { "g",                      gdb_read_registers },
    { "G*",                     gdb_write_registers },
    { "p#",                     gdb_read_register },
    { "P#=*",                   gdb_write_register },
    { "vFlashErase:#,#",        gdb_flash_erase },
    { "vFlashWrite:#:*",        gdb_flash_write },
};

#define ROWS(table) table, table + sizeof table / sizeof table[0]
static const struct {
    const struct packet *first, *end;
} tables[] = { { ROWS(at_any_time) }, { ROWS(when_attached) }, { ROWS(when_halted) } };

static int obstacle(int table)
{
    if (table > 0 && !target_attached())
        return ERR_NO_TARGET;
    if (table > 0 && gdb.owed != OK)
        return gdb_owed();
    if (table > 1 && gdb.running)
        return ERR_RUNNING;
    return table > 1 && !gdb.flash_job ? cortexm_look() : OK;
}

static int execute(void)
{
    uint32_t numbers[2] = { 0, 0 };
    int length;
    const uint8_t *packet = rsp_packet(&length);

    for (int table = 0; table < 3; table++) {
        const struct packet *row = tables[table].first;
        for (; row < tables[table].end; row++) {
            struct scan rest = { packet, packet + length, false };
            if (*packet != *row->pattern || !scan_pattern(&rest, row->pattern, numbers))
                continue;
            if (gdb.ctrl_c == CTRL_C_SPENT)
                gdb.ctrl_c = CTRL_C_NONE;
            int error = rest.bad ? ERR_RANGE : obstacle(table);
            if (row->handle != gdb_flash_write)
                flash_settle();
            if (error != OK)
                return error;
            return row->handle(numbers[0], numbers[1], &rest);
        }
    }
    return EMPTY;                       /* also to vMustReplyEmpty */
}

static void answer_packet(int result)
{
    gdb.console = gdb.running && !gdb.non_stop;
    if (result == LATER)
        return;
    if (rsp_begun() || result == EMPTY)
        ;                               /* what was put, or nothing, is the answer */
    else if (result == OK)
        rsp_print("OK");
    else
        put_error(result);
    rsp_end();
}

/* Whoever opens the port next shall find everything as after power-on. */
static void conversation_ends(void)
{
    gdb_detach();
    if (target_watched())
        cortexm_resume();               /* a call was under way */
    else
        target_detach();                /* after a mere scan, too */
    gdb = (struct gdb){ 0 };
}

/* What lower layers say goes to gdb's console, when it listens. */
static void to_console(const char *format, va_list list)
{
    if (!gdb.console)
        return;
    rsp_char('O');
    print_list(rsp_hex_char, format, list);
    rsp_end();
}

void gdb_start(void)
{
    rsp_start();
    say_through(to_console);
    gdb_forget_target();
    gdb = (struct gdb){ 0 };
}

void gdb_poll(void)
{
    enum rsp_event event = rsp_poll();

    if (event == RSP_CLOSED || event == RSP_FIRST_PACKET)
        conversation_ends();
    if (event == RSP_PACKET || event == RSP_FIRST_PACKET)
        answer_packet(execute());
    if (event == RSP_DAMAGED)
        answer_packet(ERR_PARITY);
    if (event == RSP_INTERRUPT)
        gdb_interrupt();
    gdb_watch_target();
}
