# lib.sh - what the test scripts in tests/ share; they run in the guest, as root, in bash.
#
#   board OPTIONS...    a new virtual board on the host (boards.py), its files from BUILD
#   plug                usbip attach, and wait until the kernel has configured it
#   keep_plugged        from now on, plug it in again whenever it comes back as another
#   unplug              usbip detach
#   control WORDS...    a line to the board's control port; prints the answer
#   check SENTENCE COMMAND...     one test: does the command succeed?
#   stop_board          unplugs and stops it; its exit status is a test
#   finish              the same, and the summary, the script's last words
#
# Waiting is always for something that can be seen, and bounded.

build=/run/pillbug/build
repo=/run/pillbug/repo
host=10.0.2.2
vhci=/sys/devices/platform/vhci_hcd.0
work=$(mktemp -d)
passed=0 failed=0

# check SENTENCE COMMAND...: the command's output is shown only if it fails.
check() {
    local sentence=$1 status
    shift
    "$@" >"$work/check.log" 2>&1
    status=$?
    if [ $status = 0 ]; then
        passed=$((passed + 1))
        echo "  ok      $sentence"
    else
        failed=$((failed + 1))
        echo "  FAILED  $sentence (status $status)"
        tail -30 "$work/check.log" | sed 's/^/        | /'
    fi
}

# wait_for SECONDS COMMAND...: until the command succeeds; false if it does not in time.
wait_for() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -ge $end ] && return 1
        sleep 0.1
    done
}

board() {
    local words
    exec 8<>/dev/tcp/$host/"$PILLBUG_BOARDS"
    echo "start $*" >&8
    read -r -a words <&8
    if [ "${words[0]}" != usbip ]; then
        echo "  FAILED  the board does not start: ${words[*]}"
        echo "$passed passed, $((failed + 1)) failed"
        exit 1
    fi
    usbip_port=${words[1]} control_port=${words[3]}
}

control() {
    local answer
    exec 7<>/dev/tcp/$host/"$control_port"
    echo "$*" >&7
    read -r answer <&7
    exec 7<&-
    echo "$answer"
}

# Port states of drivers/usb/usbip: 006 is in use.
imported() { grep -q '^[hs]s *[0-9]* 006' $vhci/status; }

attach() { usbip --tcp-port "$usbip_port" attach -r $host -b 1-1; }

# The folder of the device in sysfs, once the kernel has chosen a configuration.
sysfs() {
    local file
    for file in /sys/bus/usb/devices/*/bConfigurationValue; do
        case $file in */usb[0-9]*) continue ;; esac
        [ -n "$(cat "$file" 2>/dev/null)" ] && dirname "$file" && return
    done
    return 1
}

plug() {
    wait_for 20 attach || { echo "  usbip attach fails:"; attach; return 1; }
    wait_for 20 sysfs
}

keep_plugged() {
    while true; do
        imported || attach
        sleep 0.3
    done >/dev/null 2>&1 &
    keeper=$!
}

stop_keeper() {
    [ -n "${keeper:-}" ] && kill "$keeper" && wait "$keeper" 2>/dev/null
    keeper=""
}

absent() { ! imported && ! sysfs; }
gone() { ! kill -0 "$1"; }
refused() { ! "$@"; }

# lsusb marks what it does not understand with these words, or says so on stderr.
lsusb_is_content() {
    lsusb -v -d "$1" >"$work/lsusb" 2>"$work/lsusb.err" || return 1
    grep -Ei 'invalid|unknown|unexpected|error|warning|junk|unrecognized|bogus|bad |cannot' \
        "$work/lsusb" "$work/lsusb.err" && return 1
    cat "$work/lsusb.err"
    [ ! -s "$work/lsusb.err" ] && grep -q bNumConfigurations "$work/lsusb"
}

# "vhci_device speed not set" is vhci_hcd's own, at each reset of its port.
dmesg_is_content() {
    ! dmesg | grep -v 'vhci_device speed not set' |
        grep -Ei 'usb.*(error|fail|invalid|unable|not accept|cannot|can.t|reset |timed out)'
}

# add_summary LOG: a program's own checks, in lines "[ok] ..." and a last "N passed, ...".
add_summary() {
    local line=$(grep -E '[0-9]+ passed, [0-9]+ failed' "$1" | tail -1)
    local good=$(echo "$line" | grep -oE '[0-9]+ passed' | cut -d' ' -f1)
    local bad=$(echo "$line" | grep -oE '[0-9]+ failed' | cut -d' ' -f1)
    passed=$((passed + ${good:-0})) failed=$((failed + ${bad:-1}))
    echo "  ${line:-no summary}"
    [ "${bad:-1}" = 0 ] || tail -60 "$1" | sed 's/^/        | /'
}

unplug() {
    local port
    stop_keeper
    for port in $(awk '$3 == "006" { print $2 }' $vhci/status); do
        usbip detach -p "$port"
    done
    wait_for 20 absent
}

stop_board() {
    local line status
    unplug >/dev/null 2>&1
    echo stop >&8
    read -r line status <&8
    while read -r line <&8 && [ "$line" != end ]; do
        echo "$line"
    done >"$work/board.log"
    exec 8<&-
    check "the virtual board found no fault with the firmware" \
        sh -c "cat $work/board.log; echo exit status '$status'; [ '$status' = 0 ]"
}

finish() {
    stop_board
    echo "$passed passed, $failed failed"
    [ $failed = 0 ]
    exit
}
