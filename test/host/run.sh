#!/bin/sh
# run.sh BUILD [TEST...] - real tools on a real Linux kernel, with the virtual board
# plugged into it: boots one guest, runs tests/*.sh in it, and sums up.
#
#   guest (QEMU, tcg)                                   this machine
#   lsusb dfu-util gdb -- cdc_acm, usbfs -- vhci_hcd ---TCP--- BUILD/bluepill --usbip
#   tests/*.sh --------------------------------------- TCP --- boards.py (starts them)
#
#   called by  test/run.sh, a person      calls  guest.sh, boards.py, qemu; init.sh and
#                                                inside.sh run in the guest
#
# KVM is not used: it is not there in most containers.  One boot takes about ten seconds.
# The guest cannot write to this machine's disk; what it says goes to its console, which
# is kept in BUILD/log/host-console.log.  Bounded by LIMIT seconds (default 1500).
# PROGRESS=FD: a dot there every few seconds.
set -u

here=$(cd "$(dirname "$0")" && pwd)
repo=$(cd "$here/../.." && pwd)
build=$(cd "${1:-${BUILD:-build}}" && pwd) || exit 2
[ $# -gt 0 ] && shift
limit=${LIMIT:-1500}
logs=$build/log
console=$logs/host-console.log
mkdir -p "$logs"

missing=""
PATH=$PATH:/usr/sbin:/sbin
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need qemu-system-x86_64 qemu-system-x86
need cpio               cpio
need usbip              usbip
need lsusb              usbutils
need dfu-util           dfu-util
need gdb-multiarch      gdb-multiarch
need openocd            openocd
need node               nodejs
need npm                npm
need apt-get            apt
if [ -n "$missing" ]; then
    echo "The Linux guest needs these Debian packages:$missing (sh test/deps.sh)"
    echo "0 passed, 1 failed"
    exit 1
fi
if ! sh "$here/guest.sh" "$build/guest"; then
    echo "0 passed, 1 failed"
    exit 1
fi
# What node needs in the guest, exactly as package-lock.json has it; no scripts are run.
modules=$build/dapjs
mkdir -p "$modules"
if ! cmp -s "$here/dapjs/package-lock.json" "$modules/package-lock.json" ||
   [ ! -d "$modules/node_modules/usb" ]; then
    cp "$here/dapjs/package.json" "$here/dapjs/package-lock.json" "$modules"
    (cd "$modules" && npm ci --ignore-scripts --no-audit --no-fund --silent) || {
        rm -f "$modules/package-lock.json"
        echo "npm ci could not install dapjs and usb; the test dapjs will fail."
    }
fi
[ $# -gt 0 ] || set -- $(cd "$here/tests" && ls ./*.sh | sed 's|^\./||; s|\.sh$||')
tests=$(echo "$*" | tr ' ' ,)

# --- the boards' service, the guest, and the end of both --------------------------------
service=$(mktemp)
python3 "$here/boards.py" "$build" >"$service" &
boards=$!
qemu=""
trap 'kill $boards $qemu 2>/dev/null; rm -f "$service"' EXIT
trap 'exit 1' INT TERM
for _ in $(seq 100); do
    [ -s "$service" ] && break
    sleep 0.1
done

share() {
    echo "-virtfs local,path=$1,mount_tag=$2,security_model=none,readonly=on,multidevs=remap"
}
: >"$console"
# nokaslr and mitigations=off: less work for an emulated processor.
qemu-system-x86_64 -accel tcg -m 512 -nodefaults -no-user-config -display none -no-reboot \
    -kernel "$build/guest/vmlinuz" -initrd "$build/guest/initrd" \
    -append "console=ttyS0 quiet panic=-1 mitigations=off nokaslr \
pillbug.boards=$(cat "$service") pillbug.tests=$tests" \
    -serial "file:$console" $(share / host) $(share "$repo" repo) $(share "$build" build) \
    -netdev user,id=net -device virtio-net-pci,netdev=net,romfile= >"$logs/host-qemu.log" 2>&1 &
qemu=$!

begin=$(date +%s)
while kill -0 $qemu 2>/dev/null; do
    if [ $(($(date +%s) - begin)) -gt "$limit" ]; then
        echo "The guest was stopped after $limit s."
        kill $qemu
        break
    fi
    sleep 3
    [ -n "${PROGRESS:-}" ] && printf . >&"$PROGRESS"
done
wait $qemu

# --- what the console says; of the sums only the last stands at the start of a line -------
tr -d '\r' <"$console" | sed '/^dmesg: /d; s/^[0-9]* passed, /  &/'
tr -d '\r' <"$console" | awk -v wanted=$# -v took=$(($(date +%s) - begin)) '
    /^=== [^ ]+$/              { inside = 1; said = 0 }
    /^[0-9]+ passed, [0-9]+ failed$/ && inside { pass += $1; fail += $3; bad = $3; said = 1 }
    /^=== [^ ]+ ended [0-9]+$/ {
        ended++; inside = 0
        if (!said || ($4 != 0 && bad == 0)) { fail++; print "no summary: " $2 ", status " $4 }
    }
    END {
        if (ended < wanted) { fail += wanted - ended; print wanted - ended " tests not run" }
        print "The guest and " ended " tests took " took " s."
        print pass + 0 " passed, " fail + 0 " failed"
        exit fail > 0 || pass == 0
    }'
status=$?
[ -s "$logs/host-qemu.log" ] && sed 's/^/qemu: /' "$logs/host-qemu.log"
exit $status
