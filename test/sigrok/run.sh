#!/bin/sh
# run.sh - lets sigrok judge the simulated wire: the session of test/sim/swd_wire.c.
#
# BUILD names the build folder; swd_wire must have been built (make tests-board).
set -eu
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
export SWD_VCD="$BUILD/swd_wire.vcd" SWD_RECORD="$BUILD/swd_wire.record"
"$BUILD/test-sim/swd_wire" session_is_recorded_for_sigrok > "$BUILD/swd_wire.log" 2>&1 || {
    cat "$BUILD/swd_wire.log"
    exit 1
}
exec python3 test/sigrok/compare.py "$SWD_VCD" "$SWD_RECORD"
