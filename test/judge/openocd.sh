#!/bin/sh
# openocd.sh [CHIP WIRE] - OpenOCD 0.12 as judge of the simulated target chips, with none of
# our firmware in between: bitbang.c is the adapter, openocd.tcl what is asked.
#
# Three runs: SAM D21 over SWD, STM32F103 over SWD and over JTAG.  What OpenOCD's proven
# drivers cannot do with a chip of ours is a mistake in the chip's model.
set -u
build=${BUILD:-build}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
adapter=""
trap 'kill $adapter 2>/dev/null; rm -rf "$work"' EXIT
status=0

symbol() { arm-none-eabi-nm "$elf" | awk -v name="$1" '$3 == name { print "0x" $1 }'; }

# judge CHIP WIRE TARGET_CFG FLASH_BASE RESET_CONFIG
judge() {
    chip=$1 wire=$2
    elf=$build/examples/demo-$chip.elf
    # The demo, and a pattern behind it up to 32 KB.
    { cat "$build/examples/demo-$chip.bin"; seq 1000 9999; } | head -c 32768 >"$work/image.bin"
    "$build/judge/bitbang" "$chip" "$wire" >"$work/port" 2>"$work/log" &
    adapter=$!
    tail -f "$work/port" --pid=$adapter 2>/dev/null | head -1 >"$work/first"
    port=$(sed 's/port //' "$work/first")
    if [ "$wire" = swd ]; then
        driver="adapter driver buspirate; buspirate port $port; buspirate speed fast;
                transport select swd"
    else
        driver="adapter driver remote_bitbang; remote_bitbang host localhost;
                remote_bitbang port $port"
    fi
    echo "=== $chip over $wire"
    timeout 300 openocd -c "$driver" -c "reset_config $5" -f "target/$3" \
        -c "gdb_port disabled; telnet_port disabled; tcl_port disabled" \
        -c "set chip $chip; set image $work/image.bin; set scratch $work/scratch" \
        -c "set base $4; set main $(symbol main); set measure $(symbol measure)" \
        -c "set take_reading $(symbol take_reading); set heartbeat $(symbol heartbeat)" \
        -c "set wish $(symbol wish); set ram_code 0x20001800" \
        -c "set stack $(od -An -tx4 -N4 "$work/image.bin" | sed 's/ */0x/')" \
        -c "set reset_handler $(od -An -tx4 -j4 -N4 "$work/image.bin" | sed 's/ */0x/')" \
        -f "$here/openocd.tcl" >"$work/said" 2>&1 || status=1
    cat "$work/said"
    grep -q '^[0-9]* passed' "$work/said" || { echo "0 passed, 1 failed"; kill $adapter; }
    wait $adapter || { echo "The chip's model complains:"; cat "$work/log"; status=1; }
    adapter=""
}

case "${1:-all} ${2:-}" in
*all*|*samd21*)   judge samd21 swd at91samdXX.cfg 0 none ;; esac
case "${1:-all} ${2:-}" in
*all*|*103?swd*)  judge stm32f103 swd stm32f1x.cfg 0x08000000 none ;; esac
case "${1:-all} ${2:-}" in
*all*|*103?jtag*) judge stm32f103 jtag stm32f1x.cfg 0x08000000 none ;; esac
exit $status
