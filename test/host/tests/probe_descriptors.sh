# The probe as the kernel and lsusb see it.
. ./lib.sh

board --flash pillbug.bin --target samd21
check "the kernel enumerates the probe" plug
dir=$(sysfs)
check "lsusb -v reads every descriptor without a complaint" lsusb_is_content 1209:0001
check "the kernel has nothing to complain of" dmesg_is_content
check "it is the probe" grep -q 'Pillbug' "$dir/product"
check "the serial number is twelve bytes of the chip's id" grep -Eq '^[0-9A-F]{24}$' "$dir/serial"
for port in 0 1; do
    check "cdc_acm binds port $port" wait_for 5 test -c /dev/ttyACM$port
done
check "usbip detach takes it away" unplug
check "and it can be plugged in again" plug
check "with both ports" wait_for 5 test -c /dev/ttyACM1
finish
