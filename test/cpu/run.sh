#!/bin/sh
# run.sh - is our core what QEMU says a Cortex-M3, an M4 and an M7 are?
#
#   test/cpu/run.sh BUILD_DIR
#
# Generates for each core a program of 131,072 random instructions and some thousand directed
# cases, runs the same image on qemu-system-arm (mps2-an385, -an386, -an500) and on sim/cpu.c,
# compares what both recorded byte by byte, lists rows of the decode tables that nothing
# executed, and runs the tests of time and of Armv6-M in test_cpu.c.  Ends with
# "N passed, N failed".
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${1:?usage: test/cpu/run.sh BUILD_DIR}/test-cpu
mkdir -p "$build"
build=$(cd "$build" && pwd)
sim=$here/../../sim
core="$sim/cpu.c $sim/thumb16.c $sim/thumb32.c $sim/thumb_dsp.c $sim/thumb_fp.c $sim/fp.c $sim/fpu.c
    $sim/nvic.c $sim/l1.c $sim/bus.c $sim/clock.c $sim/report.c"
flags="-std=gnu11 -O2 -g -Wall -Wextra -Wshadow -Werror -I$sim"
fail() { echo "cpu: $1"; echo "0 passed, 1 failed"; exit 1; }

for tool in arm-none-eabi-gcc qemu-system-arm python3; do
    command -v $tool > /dev/null || fail "$tool is not installed: make deps"
done

gcc $flags -o "$build/machine" "$here/machine.c" $core
gcc $flags -o "$build/test_cpu" "$here/test_cpu.c" $core -lcmocka

passed=0 failed=0

# same CORE MACHINE: the same image on both, in its own directory.
same() {
    dir=$build/$1
    mkdir -p "$dir/qemu" "$dir/ours"
    rm -f "$dir"/qemu/* "$dir"/ours/*
    python3 "$here/generate.py" "$dir" 131072 "$1"
    arm-none-eabi-gcc -mcpu=cortex-m3 -mthumb -O1 -g -ffreestanding -nostdlib -Wall -Wextra \
        -fno-tree-loop-distribute-patterns -Wl,--no-warn-rwx-segments -Wl,--build-id=none \
        -T "$here/image.ld" -o "$dir/image.elf" "$here/image.c" "$dir/cases.s" -lgcc
    arm-none-eabi-objcopy -O binary "$dir/image.elf" "$dir/image.bin"
    (cd "$dir/qemu" && timeout 60 qemu-system-arm -M "$2" -nographic -monitor none \
        -serial null -semihosting-config enable=on,target=native -kernel ../image.elf \
        < /dev/null) || fail "QEMU's $2 did not come to the end of the image"
    (cd "$dir/ours" && timeout 60 "$build/machine" ../image.bin "$1" > log) ||
        fail "our $1 did not come to the end of the image: $(cat "$dir/ours/log")"
    python3 "$here/compare.py" "$dir/cases.txt" "$dir/qemu" "$dir/ours" "$dir/image.bin" "$1" \
        > "$dir/compared" || true
    sed '$d' "$dir/compared"
    set -- $(tail -n 1 "$dir/compared" | tr -d ,)
    passed=$((passed + $1)) failed=$((failed + $3))
}
same m3 mps2-an385
same m4 mps2-an386
same m7 mps2-an500
same m4f mps2-an386
same m7f mps2-an500

# A row counts when any of them executed it.
awk -F'\t' '{ n[FNR] += $1; name[FNR] = $2 }
    END { for (i = 1; i <= FNR; i++) print n[i] "\t" name[i] }' \
    "$build"/m*/ours/coverage > "$build/coverage"
never=$(grep -c '^0	' "$build/coverage" || true)
if [ "$never" = 0 ]; then
    echo "cpu: all $(wc -l < "$build/coverage") rows of the decode tables were executed"
    passed=$((passed + 1))
else
    echo "cpu: $never rows of the decode tables were never executed:"
    sed -n 's/^0	/    /p' "$build/coverage"
    failed=$((failed + 1))
fi

"$build/test_cpu" > "$build/test_cpu.log" 2>&1 || true
good=$(grep -c '^\[       OK' "$build/test_cpu.log" || true)
bad=$(grep -c '^\[  FAILED  \] [a-z]' "$build/test_cpu.log" || true)
grep -E '^\[  ERROR|^\[   LINE|^\[  FAILED  \] [a-z]' "$build/test_cpu.log" || true
[ "$good" -gt 0 ] || bad=$((bad + 1))
echo "cpu: $good tests of cycle costs, sleep, priorities and Armv6-M pass, $bad fail"
passed=$((passed + good)) failed=$((failed + bad))

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
