#!/bin/sh
# vldiscovery.sh - do the bootloader and an example start on a Cortex-M3 that is not ours?
#
# QEMU's stm32vldiscovery has the same core and addresses as our chip (and 8 KB of RAM, no
# USB).  boot.bin at 0x08000000 must start hello at 0x08002000, which talks on USART1.
set -u
build=${BUILD:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp "$build/boot.bin" "$work/image.bin"
truncate -s 8192 "$work/image.bin"
cat "$build/examples/hello.bin" >> "$work/image.bin"
mkfifo "$work/uart"
# The test ends at the third line (or after a generous bound); nothing sleeps.
timeout 60 qemu-system-arm -M stm32vldiscovery -kernel "$work/image.bin" -nographic \
    -monitor none -serial "file:$work/uart" >"$work/qemu.log" 2>&1 &
qemu=$!
head -3 "$work/uart" >"$work/text"
kill $qemu 2>/dev/null
cat "$work/text"
grep -q "Hello from the application slot 2" "$work/text" || {
    echo "the example did not say its third hello"; cat "$work/qemu.log"; exit 1; }
