#!/bin/sh
# openocd.sh [CHIP WIRE] - OpenOCD 0.12 as judge of the simulated target chips, with none of
# our firmware in between: bitbang.c is the adapter, openocd.tcl what is asked.
#
# SAM D21, C21, L21, D51, 3X8E, 4S16, nRF51822, nRF52840, STM32G071, STM32G0B1, STM32F030 and STM32L053 over SWD; STM32F103,
# F103RG, F107, F205, F303, F405, F429, F746, F767, STM32L476, STM32G474 and STM32L152 over SWD and over JTAG.  What OpenOCD's
# proven drivers cannot do with a chip of ours is a mistake in the model.
set -u
build=${BUILD:-build}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
mkfifo "$work/port"
adapter=""
trap 'kill $adapter 2>/dev/null; rm -rf "$work"' EXIT
status=0

# judge CHIP WIRE TARGET_CFG
judge() {
    chip=$1 wire=$2
    sh "$here/settings.sh" "$build" "$chip" "$work" >"$work/settings.tcl"
    "$build/judge/bitbang" "$chip" "$wire" >"$work/port" 2>"$work/log" &
    adapter=$!
    read -r _ port <"$work/port"
    if [ "$wire" = swd ]; then
        driver="adapter driver buspirate; buspirate port $port; buspirate speed fast;
                transport select swd"
    else
        driver="adapter driver remote_bitbang; remote_bitbang host localhost;
                remote_bitbang port $port"
    fi
    second_bank=
    [ "$chip" = stm32f103xg ] &&
        second_bank="flash bank second stm32f1x 0x08080000 0 0 0 stm32f1x.cpu"
    echo "=== $chip over $wire"
    timeout 300 openocd -c "$driver" -c "reset_config none" -f "target/$3" \
        -c "$second_bank" \
        -c "gdb_port disabled; telnet_port disabled; tcl_port disabled" \
        -f "$work/settings.tcl" -f "$here/openocd.tcl" >"$work/said" 2>&1 || status=1
    cat "$work/said"
    grep -q '^[0-9]* passed' "$work/said" || { echo "0 passed, 1 failed"; kill $adapter; }
    wait $adapter || { echo "The chip's model complains:"; cat "$work/log"; status=1; }
    adapter=""
}

case "${1:-all} ${2:-}" in
*all*|*samd21*)   judge samd21 swd at91samdXX.cfg ;; esac
case "${1:-all} ${2:-}" in
*all*|*f103?swd*)  judge stm32f103 swd stm32f1x.cfg ;; esac
case "${1:-all} ${2:-}" in
*all*|*f103?jtag*) judge stm32f103 jtag stm32f1x.cfg ;; esac
case "${1:-all} ${2:-}" in
*all*|*405?swd*)  judge stm32f405 swd stm32f4x.cfg ;; esac
case "${1:-all} ${2:-}" in
*all*|*405?jtag*) judge stm32f405 jtag stm32f4x.cfg ;; esac
case "${1:-all} ${2:-}" in
*all*|*429?swd*)  judge stm32f429 swd stm32f4x.cfg ;; esac
case "${1:-all} ${2:-}" in
*all*|*429?jtag*) judge stm32f429 jtag stm32f4x.cfg ;; esac
for wire in swd jtag; do
    case "${1:-all} ${2:-$wire}" in
    "all $wire"|"stm32f205 $wire") judge stm32f205 $wire stm32f2x.cfg ;; esac
    case "${1:-all} ${2:-$wire}" in
    "all $wire"|"stm32f767 $wire") judge stm32f767 $wire stm32f7x.cfg ;; esac
done
case "${1:-all} ${2:-}" in
*all*|*746?swd*)  judge stm32f746 swd stm32f7x.cfg ;; esac
case "${1:-all} ${2:-}" in
*all*|*746?jtag*) judge stm32f746 jtag stm32f7x.cfg ;; esac
for chip in samc21 saml21; do
    case "${1:-all} ${2:-}" in
    *all*|*$chip*) judge $chip swd at91samdXX.cfg ;; esac
done
case "${1:-all} ${2:-}" in
*all*|*samd51*)   judge samd51 swd atsame5x.cfg ;; esac
case "${1:-all} ${2:-}" in
*all*|*nrf51822*) judge nrf51822 swd nrf51.cfg ;; esac
case "${1:-all} ${2:-}" in
*all*|*nrf52840*) judge nrf52840 swd nrf52.cfg ;; esac
case "${1:-all} ${2:-}" in
*all*|*g071*)     judge stm32g071 swd stm32g0x.cfg ;; esac
case "${1:-all} ${2:-}" in
*all*|*g0b1*)     judge stm32g0b1 swd stm32g0x.cfg ;; esac
case "${1:-all} ${2:-}" in
*all*|*g474?swd*) judge stm32g474 swd stm32g4x.cfg ;; esac
case "${1:-all} ${2:-}" in
*all*|*g474?jtag*) judge stm32g474 jtag stm32g4x.cfg ;; esac
case "${1:-all} ${2:-}" in
*all*|*l476?swd*) judge stm32l476 swd stm32l4x.cfg ;; esac
case "${1:-all} ${2:-}" in
*all*|*l476?jtag*) judge stm32l476 jtag stm32l4x.cfg ;; esac
case "${1:-all} ${2:-}" in
*all*|*l053*)     judge stm32l053 swd stm32l0.cfg ;; esac
for chip in stm32l152 stm32l152rb; do
    for wire in swd jtag; do
        case "${1:-all} ${2:-$wire}" in
        "all $wire"|"$chip $wire") judge $chip $wire stm32l1.cfg ;; esac
    done
done
case "${1:-all} ${2:-}" in
*all*|*sam3x8e*)  judge sam3x8e swd at91sam3ax_8x.cfg ;; esac
case "${1:-all} ${2:-}" in
*all*|*sam4s16*)  judge sam4s16 swd at91sam4sXX.cfg ;; esac
case "${1:-all} ${2:-}" in
*all*|*f030*)     judge stm32f030 swd stm32f0x.cfg ;; esac
for wire in swd jtag; do
    case "${1:-all} ${2:-$wire}" in
    "all $wire"|"stm32f303 $wire") judge stm32f303 $wire stm32f3x.cfg ;; esac
    for chip in stm32f103xg stm32f107; do
        case "${1:-all} ${2:-$wire}" in
        "all $wire"|"$chip $wire") judge $chip $wire stm32f1x.cfg ;; esac
    done
done
exit $status
