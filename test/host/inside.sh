#!/bin/bash
# inside.sh TEST... - runs test scripts in the guest, their output to the serial console.
#
#   called by  init.sh      calls  tests/*.sh
#
# run.sh reads the console: "=== NAME" begins a test, "=== NAME ended STATUS" ends it, and
# the line "N passed, M failed" between them is what counts.
limit=600                               # seconds a test may take
udev=/run/pillbug/build/guest/udev

# Without any rules: programs hear of devices, and nothing else happens.
(export LD_LIBRARY_PATH=$udev; exec -a systemd-udevd $udev/udevadm --daemon) || echo "guest: no udevd"
cd /run/pillbug/repo/test/host || exit
echo "=== guest is up: Linux $(uname -r), after $(cut -d' ' -f1 /proc/uptime) s"
dmesg -c >/dev/null
for test in "$@"; do
    echo "=== $test"
    timeout $limit bash "tests/$test.sh" 2>&1
    echo "=== $test ended $?"
    dmesg -c | sed 's/^/dmesg: /'
done
echo "=== all tests have ended after $(cut -d' ' -f1 /proc/uptime) s"
