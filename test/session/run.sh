#!/bin/sh
# run.sh CHIP [gdb|chip|talk|lldb|lldb_serial|bridge|SCRIPT.gdb] - a session of real debuggers with the virtual board.
#
# (fpu.gdb is for a Cortex-M4F: it brings its own program.)
#
# Starts build/bluepill with the shipped image and a virtual CHIP behind it, on ports that
# the system chooses, lets the debugger work, and stops the board.  Exit status 0 only if
# the session and the board are both content.  Environment: BUILD (default build).
set -u

chip=$1
client=${2:-gdb}
here=$(dirname "$0")
build=${BUILD:-build}
work=$(mktemp -d)
log=$work/board.log

# A program of its own, for the FPU of an STM32F4.
elf=$build/examples/demo-$chip.elf
if [ "$client" = fpu ]; then
    elf=$work/fpu.elf
    arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16 -O1 -g -Wall \
        -Wextra -Werror -ffreestanding -nostdlib -T "$here/../../examples/example.ld" \
        -Wl,--defsym=FLASH_START=0x08000000 -Wl,--defsym=FLASH_SIZE=1M \
        -Wl,--defsym=RAM_SIZE=64K -Wl,-e,main -Wl,--no-warn-rwx-segments \
        -o "$elf" "$here/fpu.c" -lgcc || exit 1
fi

# lldb has no `load` of its own: it finds the program in the chip already.  So does gdb on a
# chip of which our firmware does not know the flash.
preload=""
case $client in lldb*|fpu) preload=":$elf" ;; esac

"$build/bluepill" --flash "$build/pillbug.bin" --target "$chip$preload" --gdb 0 --uart 0 \
    --control 0 --strict --speed "${SPEED:-real}" ${BOARD_OPTIONS:-} 2>"$log" &
board=$!
trap 'kill $board 2>/dev/null; rm -rf "$work"' EXIT INT TERM

# The board prints "gdb: 127.0.0.1:PORT" and so on, once it listens.
port() {
    for _ in $(seq 100); do
        found=$(sed -n "s/^$1: .*:\([0-9][0-9]*\).*/\1/p" "$log" | head -1)
        [ -n "$found" ] && echo "$found" && return
        kill -0 $board 2>/dev/null || break
        sleep 0.05
    done
}
PILLBUG_GDB=$(port gdb) PILLBUG_UART=$(port uart) PILLBUG_CONTROL=$(port control)
PILLBUG_CHIP=$chip PILLBUG_ELF=$elf
export PILLBUG_GDB PILLBUG_UART PILLBUG_CONTROL PILLBUG_CHIP PILLBUG_ELF
if [ -z "$PILLBUG_CONTROL" ]; then
    echo "The virtual board did not start:"
    cat "$log"
    exit 1
fi

case $client in
gdb)    python3 "$here/session.py"; status=$? ;;
chip)   python3 "$here/chip_session.py"; status=$? ;;
lldb)   python3 "$here/lldb_session.py"; status=$? ;;
bridge) python3 "$here/bridge_session.py"; status=$? ;;
talk)   python3 "$here/talk_session.py"; status=$? ;;
lldb_serial) python3 "$here/lldb_serial.py"; status=$? ;;
*)      if [ -f "$here/$client.mi" ]; then
            python3 "$here/mi_session.py" "$client"
        else
            python3 "$here/script_session.py" "$client"
        fi
        status=$? ;;
esac

kill -TERM $board 2>/dev/null
wait $board
board_status=$?
trap 'rm -rf "$work"' EXIT
if [ $board_status -ne 0 ]; then
    echo "The virtual board found fault with the firmware (exit status $board_status):"
    grep -v '^\(gdb\|uart\|control\): ' "$log"
    exit 1
fi
exit $status
