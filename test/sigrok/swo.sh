#!/bin/sh
# swo.sh - lets sigrok judge the trace pin: the sessions of test/sim/swo.c; and whether what came
# by the second port is what was on the wire, that of test/sim/swo_port.c.
#
# BUILD names the build folder; both must have been built (make tests-board).
set -eu
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
export SWO_VCD="$BUILD/swo.vcd" SWO_RECORD="$BUILD/swo.record"
for test in swo swo_port; do
    "$BUILD/test-sim/$test" '*recorded_for_sigrok' > "$BUILD/swo.log" 2>&1 || {
        cat "$BUILD/swo.log"
        exit 1
    }
done
python3 test/sigrok/compare_swo.py "$SWO_VCD.nrz" "$SWO_RECORD.nrz" arm_itm
python3 test/sigrok/compare_swo.py "$SWO_VCD.frames" "$SWO_RECORD.frames" arm_tpiu,arm_itm
python3 test/sigrok/compare_port.py "$SWO_VCD.port" "$SWO_RECORD.port" 2000000
