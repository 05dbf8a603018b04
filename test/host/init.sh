#!/bin/busybox sh
# init.sh - the guest's first process: modules, network, the host's root, then inside.sh.
#
#   called by  the guest's kernel      calls  inside.sh, in the host's root
#
# The host's root is mounted read-only over 9p, so every tool of the machine is here
# unchanged.  /tmp and /run are the guest's own; the repository and the build folder, which
# may lie under one of them on the host, are mounted at /run/pillbug/repo and .../build.
#
# Source: QEMU user networking (10.0.2.15 is the guest, 10.0.2.2 the host).
busybox=/bin/busybox
$busybox --install -s /bin
export PATH=/bin:/usr/bin:/sbin:/usr/sbin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
# The console is for the tests; the kernel's messages are printed after each.
echo 1 >/proc/sys/kernel/printk
exec </dev/console >/dev/console 2>&1

while read -r module; do
    insmod "/modules/$module" || echo "guest: $module does not load"
done </modules/order

# share TAG FOLDER: a folder of the host, read-only.  msize: fewer, larger requests.
share() {
    mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose "$1" "$2" ||
        echo "guest: $1 cannot be mounted"
}
share host /host
for dir in proc sys dev; do
    mount -o bind /$dir /host/$dir
done
mkdir -p /host/dev/pts /host/dev/shm
mount -t devpts devpts /host/dev/pts
mount -t tmpfs tmp /host/tmp
mount -t tmpfs run /host/run
mkdir -p /host/run/lock /host/run/pillbug/repo /host/run/pillbug/build
share repo /host/run/pillbug/repo
share build /host/run/pillbug/build

ip link set lo up
ip addr add 10.0.2.15/24 dev eth0
ip link set eth0 up
ip route add default via 10.0.2.2

service=$(sed -n 's/.*pillbug\.boards=\([0-9]*\).*/\1/p' /proc/cmdline)
tests=$(sed -n 's/.*pillbug\.tests=\([^ ]*\).*/\1/p' /proc/cmdline | tr , ' ')
# As a tool would find it at its owner's desk: a plain environment, the repository at hand.
chroot /host /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME=/tmp LC_ALL=C.UTF-8 TERM=dumb PILLBUG_BOARDS="$service" \
    /bin/bash /run/pillbug/repo/test/host/inside.sh $tests
poweroff -f
