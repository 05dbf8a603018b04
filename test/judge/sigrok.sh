#!/bin/sh
# sigrok.sh - does sigrok's SWD decoder read the wire as our simulated target does?
#
# A short session of the real gdb with the shipped image: the waveform goes to sigrok, and
# the target's own record of what it was asked is compared with it, transfer by transfer.
set -u
build=${BUILD:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
here=$(dirname "$0")

for chip in samd21 stm32f103; do
    BOARD_OPTIONS="--vcd $work/wire.vcd --record $work/record.txt" BUILD="$build" \
        sh "$here/../session/run.sh" $chip short >"$work/log" 2>&1 || {
        cat "$work/log"
        exit 1
    }
    python3 "$here/../sigrok/compare.py" "$work/wire.vcd" "$work/record.txt" || exit 1
done
