#!/bin/sh
# openocd_all.sh - OpenOCD judges every virtual chip that it has a driver for, two at a time.
set -u
build=${BUILD:-build}
here=$(cd "$(dirname "$0")" && pwd)

# one CHIP WIRE
if [ "${1:-}" = one ]; then
    log=$build/log/openocd_$2_$3.log
    sh "$here/openocd.sh" "$2" "$3" >"$log" 2>&1
    status=$?
    sum=$(sed -n 's/^\([0-9]* passed\), \([0-9]* failed\).*/\1, \2/p' "$log" | tail -1)
    [ $status = 0 ] || tail -20 "$log"
    echo "$2_$3: ${sum:-0 passed, 1 failed}"
    exit $status
fi

mkdir -p "$build/log"
{
    for chip in stm32f103 stm32f405 stm32f429 stm32f746 stm32l476 stm32g474 stm32l152 stm32f103xg; do
        echo "$chip swd"
        echo "$chip jtag"
    done
    for chip in samd21 samc21 saml21 samd51 sam3x8e sam4s16 nrf51822 nrf52840 stm32g071 stm32g0b1 \
                stm32l053 stm32f030 stm32f303 stm32f107 stm32f205 stm32f767; do
        echo "$chip swd"
    done
} | xargs -P 2 -L 1 sh "$here/openocd_all.sh" one
