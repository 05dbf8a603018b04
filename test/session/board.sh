#!/bin/sh
# board.sh CHIP - `make board`: the virtual board with the shipped image and a chip, left
# running for your own gdb.  Ctrl-C ends it.
build=${BUILD:-build}
chip=${1:-samd21}
gdb=${GDB_PORT:-3333} uart=${UART_PORT:-3334} control=${CONTROL_PORT:-3335}

cat <<TEXT
A virtual Blue Pill with a virtual $chip behind it, until Ctrl-C.  In another terminal:

  gdb-multiarch $build/examples/demo-$chip.elf -ex 'target extended-remote localhost:$gdb'
  (gdb) monitor swdp_scan
  (gdb) attach 1
  (gdb) load
  (gdb) run

  serial port of the target:   nc localhost $uart
  pull wires, cut power:       nc localhost $control      (type help)

TEXT
exec "$build/bluepill" --flash "$build/pillbug.bin" --target "$chip" \
    --gdb "$gdb" --uart "$uart" --control "$control"
