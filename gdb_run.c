/* gdb_run.c - run control: continue, step, Ctrl-C, and why the target stopped.
 *
 *   -> vCont;c                         continue: no answer ...
 *   <- O48617264...                    ... but text for the user, if there is reason
 *   <- T05hwbreak:;thread:p1.1;0f:...  ... and when it stops: why, and the registers
 *                                      that gdb will ask for next
 *
 * gdb needs r0 to xpsr at each stop, and msp and psp for the frame's own stack pointer.
 * With one of them missing it asks for all of them: `g`, another packet each way.
 *
 * Rules: a resume is answered once, when the target stops or is lost.  A Ctrl-C that has
 * no effect in halt_timeout is a loss.  One that finds nothing running, or meets another
 * reason to stop, is kept and ends the next resume at once: gdb steps, or looks at a
 * condition, and it comes in between.  It goes stale with what it was meant for: attach,
 * run, kill, detach and another client end the program, and what comes while a load or a
 * search is at work is for that.
 *
 * Non-stop (`set non-stop on`): a resume is answered at once, so that gdb may ask for memory and
 * set breakpoints while the target runs; the stop comes as a notification, when it comes.
 *
 *   -> vCont;c             <- OK
 *   -> m20000000,4         <- 78563412
 *                          <- %Stop:T05hwbreak:;...    and this is confirmed:
 *   -> vStopped            <- OK                       there are no more
 *
 * There is no place for text then, but in the answer to a `monitor`.
 *
 * Source: GDB manual, appendix E: Packets ("vCont"), Stop Reply Packets, Notification Packets. */
#include "gdb_remote.h"
#include "gdb_server.h"
#include "clock.h"
#include "fault.h"
#include "rsp.h"
#include "say.h"
#include "semihost.h"
#include "swbreak.h"

/* Handlers share one type, and not each needs all of it. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

enum {
    GDB_SIGINT = 2, GDB_SIGTRAP = 5, GDB_SIGSEGV = 11,  /* gdb's own numbers */
    EAGER_MS = 20,                      /* most resumes are steps over a line or a call */
};

/* Stop replies. */
static int signal_of(enum stop_reason reason)
{
    if (reason == STOP_REQUEST)
        return gdb.non_stop ? 0 : GDB_SIGINT;
    return reason == STOP_FAULT || reason == STOP_LOCKUP ? GDB_SIGSEGV : GDB_SIGTRAP;
}

/* A Z0 in flash is a comparator; and a BKPT that nobody set is the program's own. */
static const char *breakpoint_kind(enum stop_reason reason)
{
    if (reason != STOP_HW_BREAKPOINT && reason != STOP_SW_BREAKPOINT)
        return "";
    if (swbreak_at(gdb.stop.pc))
        return "swbreak:;";
    return reason == STOP_HW_BREAKPOINT ? "hwbreak:;" : "";
}

/* "0f:00010020;", some at a time: they travel while the next are read. */
static void put_registers(void)
{
    enum { ROW = 5 };
    uint32_t values[ROW];

    for (uint8_t number = 0; number <= REG_PSP; number++) {
        uint32_t left = REG_PSP + 1u - number, *value = &values[number % ROW];
        if (value == values && cortexm_read_row(number, left < ROW ? left : ROW, values))
            return;                     /* gdb will ask, and get the error */
        rsp_hex(&number, 1);
        rsp_char(':');
        rsp_hex(value, 4);
        rsp_char(';');
    }
}

bool gdb_is_watch(enum stop_reason reason)
{
    return reason >= STOP_WATCH_WRITE && reason <= STOP_WATCH_ACCESS;
}

int gdb_put_stop(uint32_t a, uint32_t b, struct scan *rest)
{
    static const char watches[][7] = { "watch", "rwatch", "awatch" };
    enum stop_reason reason = gdb.stop.reason;

    if (!target_attached())
        return rsp_print("W00");
    rsp_print("T%02x", signal_of(reason));
    if (gdb_is_watch(reason))
        rsp_print("%s:%x;", watches[reason - STOP_WATCH_WRITE],
                  (unsigned)gdb.stop.address);
    if (gdb.names_breakpoints)
        rsp_print(breakpoint_kind(reason));
    rsp_print("thread:%s;", gdb_thread());
    put_registers();
    return OK;
}

static void explain_stop(void)
{
    swbreak_renew();
    if (gdb.stop.reason == STOP_FAULT)
        fault_explain();
    if (gdb.stop.reason == STOP_LOCKUP)
        say("Lockup: a fault inside of a fault handler (or no vector table)\n");
    gdb_tell_reset();
    if (gdb.stop.reason == STOP_SW_BREAKPOINT && !swbreak_at(gdb.stop.pc))
        say("BKPT in the program itself; `continue` goes on behind it\n");
}

static int put_lost(int error)
{
    gdb.console = !gdb.non_stop;
    say("target lost: %s.\n", error_text(error));
    target_lost();
    gdb_forget_target();
    return rsp_print("X1D");            /* gdb's SIGLOST */
}

static void ask_to_halt(void)
{
    gdb.range_size = 0;
    gdb.halt_deadline = clock_in_ms(target_options.halt_timeout_ms);
    cortexm_halt();                     /* an error shows when we poll */
}

void gdb_interrupt(void)
{
    if (gdb.ctrl_c != CTRL_C_NONE)
        return;
    gdb.ctrl_c = CTRL_C_OPEN;
    if (gdb.running)
        ask_to_halt();
}

/* Resuming.  gdb learns of a target that is gone by its end, not by an error.
 *
 * gdb holds that an Arm core stops before a watched access, and takes the watchpoint away to
 * step over that.  With the DWT the access is done, and so is this step.  (lldb has been told:
 * watchpoint_exceptions_received.) */
static int go_on(bool step)
{
    if (gdb.non_stop && gdb.running)
        return OK;                      /* it does already */
    int error = gdb_owed();
    bool done = step && gdb.stop.reason == STOP_WATCH_GONE && !gdb.error_strings;
    bool stops = gdb.ctrl_c == CTRL_C_OPEN && !done;

    if (error == OK)
        error = !target_attached() ? ERR_LOST : done || stops ? OK
              : step ? cortexm_step() : cortexm_resume();
    bool lost = error == ERR_LOST || error == ERR_NO_ANSWER;
    if (lost && !gdb.non_stop)
        return put_lost(error);
    if (error != OK && !lost)           /* of a loss the first poll will tell */
        return error;
    gdb.running = true;
    gdb.stepping = step;
    gdb.unsaid = OK;
    gdb.by_hand = false;
    if (stops)
        ask_to_halt();
    gdb.resumed_ms = clock_ms();
    gdb.polled = clock_cycles() - 0x80000000;           /* long ago: look at once */
    if (gdb.non_stop)
        return OK;
    gdb_console_opens();
    return LATER;
}

/* c, s [address]; C, S signal[;address].  Signals mean nothing to a core. */
static int resume_at(struct scan *rest, bool step)
{
    scan_skip(rest, ';');
    if (scan_left(rest) > 0 && target_attached()) {
        uint32_t pc = scan_hex(rest);
        int error = scan_done(rest) ? cortexm_write_register(REG_PC, &pc) : ERR_RANGE;
        if (error != OK)
            return error;
    }
    gdb.range_size = 0;
    return go_on(step);
}

int gdb_continue(uint32_t a, uint32_t b, struct scan *rest)
{
    return resume_at(rest, false);
}

int gdb_step(uint32_t a, uint32_t b, struct scan *rest)
{
    return resume_at(rest, true);
}

/* ";c", ";S05:1;c:-1", ";r8000100,8000104:1": the action for our thread, which is the
 * leftmost that names it, or no thread at all. */
static int scan_action(struct scan *s, uint32_t *range)
{
    while (scan_skip(s, ';') && s->at < s->end) {
        int action = *s->at++;
        range[0] = range[1] = 0;
        if (action == 'C' || action == 'S')
            scan_hex(s);
        if (action == 'r')
            scan_pattern(s, "#,#*", range);
        if (!scan_skip(s, ':') || gdb_scan_thread(s))
            return s->bad ? 0 : action;
    }
    return 0;
}

int gdb_vcont(uint32_t a, uint32_t b, struct scan *rest)
{
    uint32_t range[2];
    int action = scan_action(rest, range);

    gdb.range_start = range[0];
    gdb.range_size = range[1] > range[0] ? range[1] - range[0] : 0;
    switch (action) {
    case 'c': case 'C':           return go_on(false);
    case 's': case 'S': case 'r': return go_on(true);
    case 't':
        gdb_interrupt();
        return !gdb.running ? go_on(false) : gdb.non_stop ? OK : LATER;
    }
    return ERR_UNSUPPORTED;
}

/* While it runs: looked at ten times a millisecond when it was just resumed, because a
 * step over a call is over soon; then every millisecond, which leaves the wire to others. */
static bool eager(void)
{
    return gdb.range_size > 0 || clock_ms() - gdb.resumed_ms < EAGER_MS;
}

bool gdb_busy(void)
{
    return gdb.running && eager();
}

static bool poll_is_due(void)
{
    uint32_t wait = clock_hz() / (eager() ? 10000 : 1000);

    if (clock_cycles() - gdb.polled < wait)
        return false;
    gdb.polled = clock_cycles();
    return true;
}

/* In non-stop mode nobody waits for what is put next. */
static void begin_stop(void)
{
    if (!gdb.non_stop)
        return;
    rsp_notify();
    rsp_print("Stop:");
}

static void end_stop(void)
{
    rsp_end();
    gdb.console = false;
}

/* The core stands behind the call: there a step ends, or the next one follows, and a Ctrl-C has
 * its turn. */
void gdb_goes_on(void)
{
    if (!gdb.running || (!gdb.stepping && gdb.ctrl_c != CTRL_C_OPEN))
        cortexm_resume();               /* an error shows when we poll */
    gdb.resumed_ms = clock_ms();
}

/* And stands still: `run` or a new attach will find it. */
void gdb_program_ended(unsigned status)
{
    bool unheard = !gdb.running;

    swbreak_remove_all();
    target_leave(LEAVE_HALTED);
    gdb_forget_target();
    if (unheard)
        return;
    begin_stop();
    rsp_print("W%02x", status);
    end_stop();
}

/* A program that makes calls is watched though gdb has left it: as long as nothing else stops it. */
void gdb_watch_target(void)
{
    bool alone = target_watched();

    if (!(gdb.running || alone) || !rsp_idle() || semihost_poll() || !poll_is_due())
        return;
    int error = alone || target_attached() ? cortexm_poll(&gdb.stop) : ERR_LOST;
    if (error == OK && gdb.stop.reason == STOP_STEP)
        error = cortexm_step_range(gdb.range_start, gdb.range_size, &gdb.stop);
    bool halted = gdb.stop.reason > STOP_SLEEPING;
    if (error == OK && gdb.stop.reason == STOP_LOST)
        error = ERR_LOST;
    if (error == OK && !halted && gdb.ctrl_c == CTRL_C_OPEN && gdb.running &&
        clock_passed(gdb.halt_deadline))
        error = ERR_TIMEOUT;
    if (error == OK && (!halted || semihost_takes()))
        return;
    if (alone) {
        target_detach();
        return;
    }
    begin_stop();
    if (error == OK) {
        explain_stop();
        gdb.running = false;
        if (gdb.stop.reason == STOP_REQUEST)
            gdb.ctrl_c = CTRL_C_NONE;
        gdb_put_stop(0, 0, 0);
    } else {
        put_lost(error);
    }
    end_stop();
}
