# What `make flash` says when it cannot: to somebody with the board in his other hand.
. ./lib.sh

# make_flash SAYS ARGUMENTS...: it fails, and says so.
make_flash() {
    local says=$1
    shift
    make -s -C $repo -o firmware BUILD=$build VERSION=built "$@" flash >"$work/said" 2>&1 &&
        return 1
    cat "$work/said"
    grep -q "$says" "$work/said"
}
openocd_does() { timeout 60 openocd -f interface/cmsis-dap.cfg -f target/stm32f1x.cfg -c "$1"; }

check "an unknown PROBE" make_flash "stlink, cmsis-dap or pillbug" PROBE=magic
check "no ST-Link" make_flash "No such probe"
check "no CMSIS-DAP probe" make_flash "No such probe" PROBE=cmsis-dap
check "no Pillbug" make_flash "No Pillbug is plugged in" PROBE=pillbug
board --flash pillbug.bin --target stm32f103
check "a probe is plugged in" plug
wait_for 5 test -c /dev/ttyACM1
check "not the one asked for" make_flash "SERIAL=123" PROBE=cmsis-dap SERIAL=123
check "nor by gdb" make_flash "SERIAL=123" PROBE=pillbug SERIAL=123
check "a port that is not there" make_flash "cannot be opened" PROBE=pillbug PORT=/dev/ttyACM9
control power target off >/dev/null
check "a chip without power" make_flash "does not answer" PROBE=cmsis-dap
check "   by gdb" make_flash "No STM32F103 answers" PROBE=pillbug
control power target on >/dev/null
check "the chip is locked" openocd_does "init; reset halt; stm32f1x lock 0; exit"
control power target off >/dev/null
control power target on >/dev/null
check "   which is said" make_flash "may be locked" PROBE=cmsis-dap
openocd_says=$(sed -n "s/^  openocd .* -c '\(.*\)'$/\1/p" "$work/said")
check "   by gdb, too" make_flash "The chip is locked" PROBE=pillbug
check "   the command that is offered: ${openocd_says:-none}" openocd_does "$openocd_says"
control power target off >/dev/null
control power target on >/dev/null
check "   opens it" \
    make -s -C $repo -o firmware BUILD=$build VERSION=built PROBE=cmsis-dap flash
finish
