#!/bin/sh
# hex2bin.sh IN.hex OUT.bin - `make hex2bin`: for tool chains that only write HEX.
#
# A .hex knows its address and a .bin does not, so only what is linked for the application
# slot is turned into one.
set -u
in=$1 out=$2
slot=0x08002000 end=0x08010000

give_up() {
    printf '%s\n' "$@"
    exit 1
}

[ -n "$in" ] && [ -n "$out" ] || give_up "usage: make hex2bin IN=program.hex OUT=program.bin"
[ -f "$in" ] || give_up "IN=$in is not there."
[ "$in" != "$out" ] || give_up "IN and OUT are the same file."
[ ! -d "$out" ] && [ -d "$(dirname "$out")" ] && [ -w "$(dirname "$out")" ] ||
    give_up "OUT=$out cannot be written."
sections=$(arm-none-eabi-objdump -h -b ihex "$in" 2>/dev/null) && grep -q '^:' "$in" ||
    give_up "IN=$in is not an Intel HEX file, or damaged."
# Lines of objdump: number, name, size, address, ...
addresses=$(echo "$sections" | awk '$1 ~ /^[0-9]+$/ { print $4 }' | sort)
start=0x$(echo "$addresses" | head -1) last=0x$(echo "$addresses" | tail -1)
[ "$start" = "$slot" ] ||
    give_up "IN=$in starts at $start: what goes into the application slot is linked for $slot."
[ $((last)) -lt $((end)) ] ||
    give_up "IN=$in has something at $last, behind the application slot."
arm-none-eabi-objcopy -I ihex -O binary --gap-fill 0xFF "$in" "$out" || exit 1
echo "$out: $(($(wc -c <"$out"))) bytes for $slot"
