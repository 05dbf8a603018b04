#!/bin/sh
# chips.sh [CHIP ...] - `make chips`: the real gdb writes the flash of each virtual chip, and
# debugs a program in it; then which parts the probe knows, and what tried them.
set -u
cd "$(dirname "$0")/../.."
build=${BUILD:-build}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
bad=0

for chip in ${*:-$(python3 tools/chips.py virtual)}; do
    for client in chip gdb; do
        printf '%-12s %s: ' "$chip" "$([ $client = chip ] && echo flash || echo session)"
        SPEED=max BUILD=$build sh test/session/run.sh "$chip" $client >"$log" 2>&1 || bad=1
        grep -E '^[a-z0-9]+: [0-9]+ passed' "$log" | sed 's/^[a-z0-9]*: //' | grep . || tail -3 "$log"
        grep '^  failed: ' "$log"
    done
done
if [ $# = 0 ]; then
    echo
    python3 tools/chips.py | sed -n '/^## /,$p'
    python3 tools/chips.py check || bad=1
fi
exit $bad
