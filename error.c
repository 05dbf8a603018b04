/* error.c - the words for every error that the lower layers can return.
 *
 *   called by  gdb_remote.c, monitor.c      calls  nothing
 *
 * One table, in the order of enum error.  A sentence names what was seen and then what
 * the user can do about it; there is no full stop, so that a caller may add to it. */
#include "error.h"

#define DAMAGED "bits damaged on SWD: shorten the wires or lower 'monitor frequency'"

static const char *const texts[ERR_COUNT] = {
    [OK]              = "done",
    [ERR_NO_ANSWER]   = "no answer: check power, GND and wires, or try 'monitor "
                        "connect_rst enable'",
    [ERR_WAIT]        = "the target's bus is stuck: reset it",
    [ERR_FAULT]       = "the target refused this address",
    [ERR_PARITY]      = DAMAGED,
    [ERR_PROTOCOL]    = DAMAGED,
    [ERR_LOST]        = "target lost: check power and wires, then scan again",
    [ERR_NO_TARGET]   = "no target: 'monitor swdp_scan', then 'attach 1'",
    [ERR_RUNNING]     = "the core is running: halt it first",
    [ERR_TIMEOUT]     = "not done in time: reset the target and try again",
    [ERR_LOCKED]      = "the chip is locked: 'monitor erase_mass' erases and opens it",
    [ERR_PROTECTED]   = "this flash is write protected: unlock it first",
    [ERR_RANGE]       = "address outside of this chip's memory",
    [ERR_ALIGNMENT]   = "address or length not aligned",
    [ERR_ERASE]       = "the flash controller reports a failed erase",
    [ERR_PROGRAM]     = "the flash controller reports a failed write: erase first",
    [ERR_VERIFY]      = "memory reads back differently",
    [ERR_RESOURCES]   = "no comparator free: delete a breakpoint or watchpoint",
    [ERR_UNSUPPORTED] = "this chip or core cannot do that",
    [ERR_WIRE_TAKEN]  = "a CMSIS-DAP host (OpenOCD, pyOCD, probe-rs) has the wire: close it, "
                        "or 'monitor wire free'",
    [ERR_BUSY]        = "still busy",
};

const char *error_text(int error)
{
    if (error < 0 || error >= ERR_COUNT)
        return "unknown error";
    return texts[error];
}
