# From the running probe into the bootloader and back, as a person updates it.
. ./lib.sh

probe=1209:0001 loader=1209:0002
running() { timeout 20 dfu-util -l | grep -q "Found Runtime: \[$probe\]"; }
waiting() { timeout 20 dfu-util -l | grep -q "Found DFU: \[$loader\]"; }

board --flash pillbug.bin --target samd21
check "the probe is plugged in" plug
check "dfu-util -l finds its run-time interface" wait_for 5 running
keep_plugged
check "dfu-util -e ends well" timeout 60 dfu-util -d $probe -e
check "the bootloader is there" wait_for 20 waiting
check "dfu-util -D probe.dfu ends well" timeout 60 dfu-util -d $probe,$loader -D $build/probe.dfu
check "the new probe runs, without a replug" wait_for 20 running
check "with both ports" wait_for 5 test -c /dev/ttyACM1
check "-D straight from the running probe ends well" \
    timeout 60 dfu-util -d $probe,$loader -D $build/probe.dfu
check "and it runs again" wait_for 20 running
make_dfu() { make -s -C $repo -o firmware BUILD=$build VERSION=built "$@" dfu; }
number=$(cat /sys/bus/usb/devices/*/serial | grep -v : | head -1)
refused() { ! make_dfu "$@" >"$work/said" 2>&1 && grep -q "SERIAL=123" "$work/said"; }
check "make dfu SERIAL=123 is refused" refused SERIAL=123
check "make dfu SERIAL=$number ends well" make_dfu "SERIAL=$number"
check "and it runs again" wait_for 20 running
check "-e once more" timeout 60 dfu-util -d $probe -e
check "the bootloader is there" wait_for 20 waiting
check "-e -R: back to the probe without a download" \
    timeout 60 dfu-util -d $probe,$loader -e -R
check "and it runs again" wait_for 20 running
finish
