#!/bin/sh
# chips.sh [flash] [CHIP ...] - the real gdb writes the flash of each virtual chip and, without
# the word flash, debugs a program in it; two at a time.  `make chips` then says which parts the
# probe knows, and what tried them.
set -u
cd "$(dirname "$0")/../.."
build=${BUILD:-build}
export build

# one CLIENT CHIP
if [ "${1:-}" = one ]; then
    log=$build/log/chip_$3_$2.log
    SPEED=max BUILD=$build sh test/session/run.sh "$3" "$2" >"$log" 2>&1
    status=$?
    sum=$(grep -E '^[a-z0-9-]+: [0-9]+ passed' "$log" | sed 's/^[^:]*: //')
    echo "$3_$2: ${sum:-0 passed, 1 failed}"
    [ $status = 0 ] || grep -E '^  failed: |not start|Traceback' "$log" || tail -5 "$log"
    exit $status
fi

clients="chip gdb"
[ "${1:-}" = flash ] && { clients=chip; shift; }
mkdir -p "$build/log"
all=$(python3 tools/chips.py virtual) || exit 1
for chip; do
    case " $all " in *" $chip "*) ;; *) echo "No CHIP=$chip: one of $all"; exit 2 ;; esac
done
bad=0
for chip in ${*:-$all}; do
    for client in $clients; do echo "$client $chip"; done
done | xargs -P 2 -L 1 sh test/session/chips.sh one || bad=1
if [ $# = 0 ] && [ "$clients" != chip ]; then
    echo
    python3 tools/chips.py | sed -n '/^## /,$p'
    python3 tools/chips.py check || bad=1
fi
exit $bad
