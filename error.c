/* error.c - the words for every error that the lower layers can return.
 *
 *   called by  gdb_remote.c, monitor.c      calls  nothing
 *
 * One table, in the order of enum error.  A sentence names what was seen and then what
 * the user can do about it; there is no full stop, so that a caller may add to it. */
#include "error.h"

static const char *const texts[ERR_COUNT] = {
    [OK]              = "done",
    [ERR_NO_ANSWER]   = "no answer on SWD: check power, GND, SWDIO and SWCLK, or try "
                        "'monitor connect_rst enable'",
    [ERR_WAIT]        = "the target's bus is stuck: reset the target",
    [ERR_FAULT]       = "the target refused this address",
    [ERR_PARITY]      = "damaged data on SWD: shorten the wires or lower 'monitor "
                        "frequency'",
    [ERR_PROTOCOL]    = "damaged answers on SWD: shorten the wires or lower 'monitor "
                        "frequency'",
    [ERR_LOST]        = "the target stopped answering: check power and wires, then scan "
                        "again",
    [ERR_NO_TARGET]   = "no target attached: 'monitor swdp_scan', then 'attach 1'",
    [ERR_RUNNING]     = "the core is running: halt it first",
    [ERR_TIMEOUT]     = "the target did not finish in time: reset it and try again",
    [ERR_LOCKED]      = "the chip is locked: 'monitor erase_mass' erases it and opens it",
    [ERR_PROTECTED]   = "this flash area is write protected: unlock it first",
    [ERR_RANGE]       = "address outside of this chip's memory",
    [ERR_ALIGNMENT]   = "address or length not aligned as the chip needs it",
    [ERR_ERASE]       = "the flash controller reports a failed erase",
    [ERR_PROGRAM]     = "the flash controller reports a failed write: erase first",
    [ERR_VERIFY]      = "memory reads back differently from what was written",
    [ERR_RESOURCES]   = "all hardware comparators are in use: delete a breakpoint or "
                        "watchpoint",
    [ERR_UNSUPPORTED] = "this chip or core cannot do that",
    [ERR_BUSY]        = "still busy",
};

const char *error_text(int error)
{
    if (error < 0 || error >= ERR_COUNT)
        return "unknown error";
    return texts[error];
}
