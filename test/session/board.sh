#!/bin/sh
# board.sh CHIP - `make board`: the virtual board with the shipped image and a chip, left
# running for your own gdb.  Ctrl-C ends it.
#
# The board says "gdb: 127.0.0.1:PORT" and so on once it listens, control last: only then is
# there something to connect to, and told how.
build=${BUILD:-build}
chip=${1:-samd21}
work=$(mktemp -d)
mkfifo "$work/said"

how_to_connect() {
    cat <<TEXT
A virtual Blue Pill with a virtual $chip behind it, until Ctrl-C.  In another terminal:

  gdb-multiarch $build/examples/demo-$chip.elf -ex 'target extended-remote localhost:$gdb'
  (gdb) monitor swdp_scan
  (gdb) attach 1
  (gdb) load
  (gdb) run                      gdb asks whether to start it again: y

  serial port of the target:   nc localhost $uart
  pull wires, cut power:       nc localhost $control      (type help)

TEXT
}

"$build/bluepill" --flash "$build/pillbug.bin" --target "$chip" --gdb "${GDB_PORT:-3333}" \
    --uart "${UART_PORT:-3334}" --control "${CONTROL_PORT:-3335}" 2>"$work/said" &
board=$!
trap 'kill $board 2>/dev/null' INT TERM HUP
trap 'rm -rf "$work"' EXIT

while IFS= read -r line; do
    case $line in
    gdb:*)     gdb=${line##*:} ;;
    uart:*)    uart=${line##*:} ;;
    control:*) control=${line##*:}; how_to_connect ;;
    *)         echo "$line" ;;
    esac
done <"$work/said"
wait $board
