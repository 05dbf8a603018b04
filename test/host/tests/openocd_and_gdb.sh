# OpenOCD and gdb on one probe: each reads what the other wrote, each is told plainly when
# the other has the wire; OpenOCD killed, the wire noisy, the plug pulled: nothing hangs.
. ./lib.sh

elf=$build/examples/demo-stm32f103.elf
large=$build/pillbug.hex                # takes seconds, time enough to come in between
said=$work/said

openocd=(openocd -f interface/cmsis-dap.cfg -f target/stm32f1x.cfg
    -c "adapter speed 8000; gdb_port disabled; telnet_port disabled; tcl_port disabled")

# openocd_does COMMANDS: output to $said as well.
openocd_does() {
    timeout 60 "${openocd[@]}" -c "$1" >"$said" 2>&1
    local status=$?
    cat "$said"
    return $status
}

# gdb_does COMMAND...: the same, with the probe's GDB server.
gdb_does() {
    printf '%s\n' "target extended-remote /dev/ttyACM0" "$@" >"$work/script"
    timeout 60 gdb-multiarch -nx -q -batch -x "$work/script" "$elf" >"$said" 2>&1
    local status=$?
    cat "$said"
    return $status
}
has() { grep -Eq "$1" "$said" || { cat "$said"; return 1; }; }
has_not() { ! has "$1" >/dev/null || { cat "$said"; return 1; }; }

# killed_while WORD COMMANDS: openocd is killed once it has said WORD.
killed_while() {
    "${openocd[@]}" -c "$2" >"$said" 2>&1 &
    wait_for 20 has "$1"
    kill -9 $!
    wait $! 2>/dev/null
}

board --flash pillbug.bin --target stm32f103
check "the probe is plugged in" plug
wait_for 5 test -c /dev/ttyACM1

# --- what one writes the other reads ---------------------------------------------------------
check "OpenOCD programs the demo" openocd_does "program $elf verify reset exit"
check "gdb compares it" gdb_does "monitor swdp_scan" "attach 1" "compare-sections" "detach"
check "   all sections match" has 'matched\.'
check "   and none does not" has_not 'MIS-MATCHED|^Error|rror:'
elf=$build/examples/hello.elf
check "gdb loads another program" gdb_does "monitor swdp_scan" "attach 1" "load" "detach"
check "   whole" has 'Transfer rate'
check "OpenOCD verifies it" openocd_does "init; reset halt; verify_image $elf; exit"
elf=$build/examples/demo-stm32f103.elf

# --- one owner at a time ---------------------------------------------------------------------
check "OpenOCD while gdb has the target" gdb_does "monitor swdp_scan" "attach 1" \
    "shell timeout 30 openocd -f interface/cmsis-dap.cfg -f target/stm32f1x.cfg -c init -c exit" \
    "info registers pc" "detach"
check "   is told so" has 'gdb has the wire: detach it first'
check "   fails" has 'failed to connect'
check "   and gdb goes on as if nothing was" has '^pc .*0x'
holds() {
    timeout 120 "${openocd[@]}" -c "init; while {![file exists $work/enough]} {sleep 100}" \
        -c "read_memory 0x20000000 32 1; exit" >"$said.2" 2>&1
}
holds &
holder=$!
wait_for 20 grep -q "processor detected" "$said.2"
gdb_does "monitor swdp_scan" "monitor wire" >/dev/null
touch "$work/enough"
wait $holder
check "   and OpenOCD goes on" test $? = 0
check "gdb while OpenOCD had the wire was told so" has 'CMSIS-DAP host'
check "OpenOCD is gone: gdb has it again" gdb_does "monitor swdp_scan" "attach 1" "detach"
check "   with its target" has 'STM32F1'

# --- killed ------------------------------------------------------------------------------------
killed_while "Programming Started" "program $large verify exit"
check "OpenOCD killed while it programs: the next one does" \
    openocd_does "program $elf verify reset exit"
killed_while "Programming Started" "program $large verify exit"
gdb_does "monitor swdp_scan" >/dev/null
check "killed again: gdb is told what to do" has 'monitor wire free'
check "   does it" gdb_does "monitor wire free" "monitor swdp_scan" "attach 1" "load" \
    "compare-sections" "detach"
check "   and loads" has 'Transfer rate'
check "   all of it" has_not 'MIS-MATCHED|^Error|rror:'

# --- noise -----------------------------------------------------------------------------------
control noise SWDIO 0.00002 >/dev/null
openocd_does "program $elf verify reset exit" >/dev/null
noisy=$?
check "a noisy wire ends in success or in an error, not in waiting" test $noisy != 124
check "   and success is true" \
    sh -c "[ $noisy != 0 ] || grep -q 'Verified OK' '$said'"
control noise SWDIO 0.02 >/dev/null
check "a very noisy wire ends" sh -c "[ $noisy != 124 ]"
openocd_does "init; mdw 0x20000000 256; exit" >/dev/null
check "   in an error" test $? = 1
control noise SWDIO 0 >/dev/null
check "without noise all is well" openocd_does "program $elf verify reset exit"

# --- the plug ----------------------------------------------------------------------------------
: >"$said"
openocd_does "program $large verify exit" >/dev/null &
pulled=$!
wait_for 20 has "Programming Started"
check "the plug is pulled while it programs" test "$(control unplug)" = ok
check "   OpenOCD ends" wait_for 40 gone $pulled
wait $pulled
pulled=$?
check "   with an error" test $pulled != 0 -a $pulled != 124
check "the plug is put back" test "$(control plug)" = ok
check "   the kernel enumerates it" plug
check "   and OpenOCD programs" openocd_does "program $elf verify reset exit"
finish
