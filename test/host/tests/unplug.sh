# The plug pulled while programs have the ports open.
. ./lib.sh

board --flash pillbug.bin --target samd21
check "the probe is plugged in" plug
wait_for 5 test -c /dev/ttyACM1
cat /dev/ttyACM1 >"$work/read" 2>&1 &
reader=$!
sleep 0.5
check "a port is open" kill -0 $reader
check "the plug is pulled" test "$(control unplug)" = ok
check "the kernel sees the device go" wait_for 10 absent
check "whoever reads the port is told" wait_for 10 gone $reader
check "nothing can be attached meanwhile" refused attach
check "the plug is put back" test "$(control plug)" = ok
check "the kernel enumerates it again" plug
check "with both ports" wait_for 5 test -c /dev/ttyACM1
check "the reset button is a replug" test "$(control reset)" = ok
check "the kernel sees it go" wait_for 10 absent
check "and come back" plug
check "a second kernel is turned away while the first has it" refused attach
check "a bus id that is not there is refused" \
    refused usbip --tcp-port "$usbip_port" attach -r $host -b 1-2
finish
