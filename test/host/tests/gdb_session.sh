# The session of `make run`, with gdb on /dev/ttyACM0 and the target's text on ttyACM1.
. ./lib.sh

board --flash pillbug.bin --target samd21
check "the probe is plugged in" plug
wait_for 5 test -c /dev/ttyACM1
PILLBUG_GDB=/dev/ttyACM0 PILLBUG_UART=/dev/ttyACM1 PILLBUG_CONTROL=$host:$control_port \
    PILLBUG_CHIP=samd21 PILLBUG_ELF=$build/examples/demo-samd21.elf PILLBUG_TIME_LIMIT=200 \
    python3 $repo/test/session/session.py >"$work/session.log" 2>&1
echo "  (the session took $SECONDS s)"
add_summary "$work/session.log"
finish
