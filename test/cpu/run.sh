#!/bin/sh
# run.sh - is our core what QEMU says a Cortex-M3 is?
#
#   test/cpu/run.sh BUILD_DIR
#
# Generates a program of 131,072 random instructions and some thousand directed cases, runs
# the same image on qemu-system-arm (mps2-an385) and on sim/cpu.c, compares what both
# recorded byte by byte, lists rows of the decode tables that nothing executed, and runs
# the tests of time and of Armv6-M in test_cpu.c.  Ends with "N passed, N failed".
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${1:?usage: test/cpu/run.sh BUILD_DIR}/test-cpu
mkdir -p "$build/qemu" "$build/ours"
build=$(cd "$build" && pwd)
sim=$here/../../sim
core="$sim/cpu.c $sim/thumb16.c $sim/thumb32.c $sim/nvic.c $sim/bus.c $sim/clock.c $sim/report.c"
flags="-std=gnu11 -O2 -g -Wall -Wextra -Wshadow -Werror -I$sim"
fail() { echo "cpu: $1"; echo "0 passed, 1 failed"; exit 1; }

for tool in arm-none-eabi-gcc qemu-system-arm python3; do
    command -v $tool > /dev/null || fail "$tool is not installed: make deps"
done

python3 "$here/generate.py" "$build" 131072
arm-none-eabi-gcc -mcpu=cortex-m3 -mthumb -O1 -g -ffreestanding -nostdlib -Wall -Wextra \
    -fno-tree-loop-distribute-patterns -Wl,--no-warn-rwx-segments -Wl,--build-id=none \
    -T "$here/image.ld" -o "$build/image.elf" "$here/image.c" "$build/cases.s" -lgcc
arm-none-eabi-objcopy -O binary "$build/image.elf" "$build/image.bin"
gcc $flags -o "$build/machine" "$here/machine.c" $core
gcc $flags -o "$build/test_cpu" "$here/test_cpu.c" $core -lcmocka

rm -f "$build"/qemu/* "$build"/ours/*
(cd "$build/qemu" && timeout 60 qemu-system-arm -M mps2-an385 -nographic -monitor none \
    -serial null -semihosting-config enable=on,target=native -kernel ../image.elf \
    < /dev/null) || fail "QEMU did not come to the end of the image"
(cd "$build/ours" && timeout 60 ../machine ../image.bin > log) ||
    fail "our core did not come to the end of the image: $(cat "$build/ours/log")"

passed=0 failed=0
python3 "$here/compare.py" "$build/cases.txt" "$build/qemu" "$build/ours" \
    "$build/image.bin" > "$build/compared" || true
sed '$d' "$build/compared"
set -- $(tail -n 1 "$build/compared" | tr -d ,)
passed=$((passed + $1)) failed=$((failed + $3))

never=$(grep -c '^0	' "$build/ours/coverage" || true)
if [ "$never" = 0 ]; then
    echo "cpu: all $(wc -l < "$build/ours/coverage") rows of the decode tables were executed"
    passed=$((passed + 1))
else
    echo "cpu: $never rows of the decode tables were never executed:"
    sed -n 's/^0	/    /p' "$build/ours/coverage"
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
