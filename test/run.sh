#!/bin/sh
# run.sh TIER... - runs test tiers, shows each as it goes, and ends in "N passed, N failed".
#
#   unit     host unit tests under AddressSanitizer and UBSan, fuzzing
#   static   cppcheck, the rule that calls go down the layer table, sizes and stack; what a
#            person types
#   cpu      the simulated core against QEMU
#   sim      the simulator's own tests, the shipped images on the virtual board, the release
#   session  real gdb and lldb against the virtual board
#   judge    sigrok's decoders of SWD and SWO, tshark, OpenOCD, QEMU's stm32vldiscovery
#   web      the pages of web/ in a headless Chromium, with the virtual board
#   host     lsusb, gdb, dfu-util on a real Linux kernel, the board plugged in over USB/IP
#
# A test is any program; it is counted by its "N passed, N failed" line, by cmocka's
# summary, or else as one test by its exit status.  Logs stay in BUILD/log.
set -u

build=${BUILD:-build}
logs=$build/log
mkdir -p "$logs"
passed=0 failed=0 broken="" whys=""

# count LOG STATUS: adds what a finished test says of itself.
count() {
    sums=$(awk '
        /^([^ ]+: )?[0-9]+ passed, [0-9]+ failed/ {
            line = $0; sub(/^[^ ]+: /, "", line); split(line, w, " ")
            p += w[1]; f += w[3]; seen = 1 }
        /^\[  PASSED  \] [0-9]+ test/ { p += $4; seen = 1 }
        /^\[  FAILED  \] [0-9]+ test/ { f += $4; seen = 1 }
        END { print p + 0, f + 0, seen + 0 }' "$1")
    set -- "$2" $sums
    if [ "$4" = 0 ]; then
        [ "$1" = 0 ] && set -- "$1" 1 0 1 || set -- "$1" 0 1 1
    elif [ "$1" != 0 ] && [ "$3" = 0 ]; then
        set -- "$1" "$2" 1 1                # failed without saying which: a crash, say
    fi
    passed=$((passed + $2)) failed=$((failed + $3))
    if [ "$3" = 0 ]; then echo "ok ($2)"; else echo "FAILED ($3 of $(($2 + $3)))"; return 1; fi
}

# try NAME COMMAND...: one test, its output in a log that is shown when it fails.
try() {
    name=$1; shift
    printf '  %-42s ' "$name"
    log=$logs/$(echo "$name" | tr ' /' '__').log
    "$@" >"$log" 2>&1
    count "$log" $? && return
    broken="$broken
  $name"
    echo "  ---- the end of $log:"
    tail -25 "$log" | sed 's/^/  | /'
    whys="$whys
$name:
$(grep -aE -A12 'FAILED|no summary|ERROR:|runtime error' "$log" | head -20 | sed 's/^/  | /')"
}

exec 3>&1                               # a long test may show there that it is alive
for tier; do
    echo "$tier:"
    case $tier in
    unit)
        for t in "$build"/unit/test_* "$build"/fuzz/fuzz_*; do
            case ${t##*/} in *.*|*\**) continue ;; esac
            try "$(basename "$t")" "$t"
        done ;;
    static)
        try "cppcheck" sh -c 'cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr \
            --enable=warning,portability --suppress=missingIncludeSystem -I. *.c &&
            cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr \
            --enable=warning,portability --suppress=missingIncludeSystem -Isim sim/*.c'
        try "layers" sh test/layers.sh
        try "names of functions" sh test/names.sh
        try "walks through the code" sh test/walks.sh
        try "the page of chips" python3 tools/chips.py check
        try "commands that a person types" sh test/commands.sh
        try "sizes and the depth of the stack" python3 test/size.py "$build" ;;
    cpu)
        try "core against QEMU" sh test/cpu/run.sh "$build" ;;
    sim)
        # What has a dot in its name was written by a test, or by the compiler.
        for t in "$build"/test-sim/*; do
            case ${t##*/} in *.*|*\**) continue ;; esac
            try "$(basename "$t")" env BUILD="$build" "$t"
        done
        try "options of bluepill" env BUILD="$build" sh test/sim/options.sh
        try "several clients of the serial port" python3 test/sim/uart_clients.py \
            "$build/bluepill" "$build/pillbug.bin"
        try "one client after the other at the port for gdb" python3 test/sim/gdb_clients.py \
            "$build/bluepill" "$build/pillbug.bin"
        try "make release" sh test/release.sh "$build"
        try "USB/IP server" python3 test/sim/usbip_server.py "$build/bluepill" \
            "$build/pillbug.bin" ;;
    session)
        for chip in samd21 stm32f103; do
            try "gdb with $chip" env BUILD="$build" sh test/session/run.sh $chip
            try "lldb with $chip" env BUILD="$build" sh test/session/run.sh $chip lldb
            try "lldb by socat with $chip" env BUILD="$build" \
                sh test/session/run.sh $chip lldb_serial
            try "gdb through a bridge with $chip" env BUILD="$build" \
                sh test/session/run.sh $chip bridge
            try "programs that talk with $chip" env BUILD="$build" SPEED=max \
                sh test/session/run.sh $chip talk
            for script in cortex_debug cortex_debug_1_12 platformio platformio_upload \
                watchpoints non_stop; do
                try "$script with $chip" env BUILD="$build" sh test/session/run.sh $chip $script
            done
        done
        try "the flash of each chip" env BUILD="$build" sh test/session/chips.sh flash
        try "fpu with stm32f405" env BUILD="$build" sh test/session/run.sh stm32f405 fpu ;;
    judge)
        try "sigrok decodes awkward transfers" env BUILD="$build" sh test/sigrok/run.sh
        try "sigrok decodes SWO" env BUILD="$build" sh test/sigrok/swo.sh
        try "sigrok decodes a gdb session" env BUILD="$build" sh test/judge/sigrok.sh
        try "tshark decodes the enumeration" env BUILD="$build" sh test/judge/tshark.sh
        try "OpenOCD drives each chip" env BUILD="$build" sh test/judge/openocd_all.sh
        try "bootloader and example in QEMU" env BUILD="$build" sh test/judge/vldiscovery.sh ;;
    web)
        try "web pages update the board and show its port" sh test/web/run.sh "$build" ;;
    host)
        try "real tools in a Linux guest" env BUILD="$build" PROGRESS=3 \
            sh test/host/run.sh "$build" ;;
    *)  echo "no such tier: $tier"; exit 2 ;;
    esac
done

# At the end once more: of a long run often only the last lines are kept.
[ -n "$broken" ] && printf 'Failed:%s\n%s\n' "$broken" "$whys"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
