#!/bin/sh
# demo.sh - `make run`: the real gdb debugs a program on two virtual chips, through the
# image that goes on the board.  Prints the sessions as they happen, then a summary.
set -u
here=$(dirname "$0")
out=$(mktemp)
trap 'rm -f "$out"' EXIT
bad=0

for chip in samd21 stm32f103; do
    echo
    echo "=== gdb-multiarch debugs a $chip through the virtual Blue Pill ==="
    # tee hides the status of the left side, so that travels in a file.
    { sh "$here/run.sh" $chip gdb; echo $? >"$out.status"; } | tee -a "$out"
    [ "$(cat "$out.status")" = 0 ] || bad=1
    rm -f "$out.status"
done

echo
echo "=== summary ==="
grep -E '^(load: |[a-z0-9]+: [0-9]+ passed|  failed: |The virtual board|The session did)' "$out"
if [ $bad = 0 ]; then
    echo "All of it worked.  Try it yourself: make board, or make board TARGET=stm32f405: make help"
    echo "lists the chips, make chips tries them all."
else
    echo "Something did not work: see above."
fi
exit $bad
