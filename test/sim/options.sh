#!/bin/sh
# options.sh - does bluepill say what is wrong, in one sentence, with exit status 2?
# And does it say nothing, with status 0, when nothing is?
set -u
build=${BUILD:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# try STATUS WORDS OPTIONS...: the status it must end with, and words of the message.
try() {
    want=$1 words=$2; shift 2
    timeout 60 "$build/bluepill" "$@" >"$work/out" 2>"$work/err"
    status=$?
    lines=$(grep -c '^bluepill: ' "$work/err")
    if [ $status != "$want" ] || ! grep -qF -- "$words" "$work/err" "$work/out" ||
       { [ "$want" = 2 ] && [ "$lines" != 1 ]; }; then
        echo "bluepill $*"
        echo "  wanted status $want and \"$words\", got status $status and:"
        sed 's/^/  | /' "$work/err" "$work/out"
        failed=$((failed + 1))
    else
        passed=$((passed + 1))
    fi
}

# A program for the F103: stack at the end of RAM, reset to a branch to itself; and files
# that are wrong in every way.  Offset 8: e7fe = b .
printf '\000\120\000\040\011\000\000\010\376\347\376\347' > "$work/loop.bin"
: > "$work/empty.bin"
printf ':0400000001020304F2\n:00000001FF\n' > "$work/good.hex"
printf ':0400000001020304F3\n:00000001FF\n' > "$work/sum.hex"
printf ':0400000001020304F2\n' > "$work/cut.hex"
printf ':04000000010203F6\n:00000001FF\n' > "$work/short.hex"
printf 'hello\n' > "$work/text.hex"
printf ':020000040800F2\n:0400000000500020 8C\n' > "$work/blank.hex"
printf '\177ELF\001\001\001' > "$work/cut.elf"
head -c 70000 /dev/zero > "$work/big.bin"

try 2 "There is no option --nonsense"     --nonsense
try 2 "There is no option file.bin"       file.bin
try 2 "--flash needs an argument"         --flash
try 2 "--stats takes no argument"         --stats=1
try 2 "use 64 or 128"                     --flash-kb 256
try 2 "use 0 or 1"                        --boot1 2
try 2 "no board \"nucleo\""               --board nucleo --for 1
try 2 "no target chip \"avr\""            --target avr --for 1
try 2 "no chip, so nothing to load"       --target none:x.bin --for 1
try 2 "there is no such signal"           --wire SWD=PA1
try 2 "write SIGNAL=PIN"                  --wire SWDIO
try 2 "has no pin PQ9"                    --wire SWDIO=PQ9 --for 1
try 2 "there is no part \"24c99\""        --i2c 24c99 --for 1
try 2 "answers at 0x50 to 0x57"           --i2c 24c02@0x60 --for 1
try 2 "in steps of 8"                     --i2c 24c16@0x51 --for 1
try 2 "the probe's chip has no pin PX1"   --i2c 24c02:SDA=PX1 --for 1
try 2 "need a pin each"                   --i2c 24c02:SDA=PB6 --for 1
try 2 "write TYPE@ADDRESS"                --i2c 24c02:SDA=PB7,SPL=PB6 --for 1
try 2 "another part on these wires"       --i2c 24c02 --i2c 24c04 --for 1
try 2 "--wire TX=none frees it"           --i2c 24c02 --target samd21 --for 1
try 2 "larger than the EEPROM"            --i2c 24c02:"$work/big.bin" --for 1
try 2 "cannot be the contents"            --i2c 24c02:"$work/no/where" --for 1
try 2 "--i2c needs an argument"           --i2c
try 2 "a TCP port is a number"            --gdb 70000
try 2 "a TCP port is a number"            --control x
try 2 "use real or max"                   --speed fast
try 2 "a number of seconds is needed"     --for ever
try 2 "a number of seconds is needed"     --for -1
try 2 "leave --gdb and --uart away"        --usbip 0 --gdb 0
try 2 "a TCP port is a number"             --usbip x
try 2 "cannot be read"                    --flash "$work/none.bin" --for 1
try 2 "is empty"                          --flash "$work/empty.bin" --for 1
try 2 "is not inside the flash"           --flash "$work/big.bin" --for 1
try 2 "is not inside the flash"           --flash "$work/loop.bin@0x20000000" --for 1
try 2 "is not an address"                 --flash "$work/loop.bin@here" --for 1
try 2 "overlaps with"                     --flash "$work/loop.bin" --flash "$work/loop.bin" --for 1
try 2 "brings its own addresses"          --flash "$work/good.hex@0x08000000" --for 1
try 2 "is not inside the flash"           --flash "$work/good.hex" --for 1
try 2 "line 1: wrong checksum"            --flash "$work/sum.hex" --for 1
try 2 "truncated"                         --flash "$work/cut.hex" --for 1
try 2 "line 1: the record says 4 bytes"   --flash "$work/short.hex" --for 1
try 2 "line 1: this is not an Intel HEX"  --flash "$work/text.hex" --for 1
try 2 "line 2: this is not an Intel HEX"  --flash "$work/blank.hex" --for 1
try 2 "truncated"                         --flash "$work/cut.elf" --for 1
try 2 "is not inside the flash"           --target samd21:"$work/loop.bin@0x08000000" --for 1
try 2 "cannot be written"                 --vcd "$work/no/where.vcd" --for 1
try 2 "cannot be written"                 --record "$work/no/where" --target samd21 --for 1
try 2 "no target whose transfers"         --record "$work/record" --for 1

try 0 "Exit status"                       --help
try 0 "bluepill"                          --version
try 0 "STM32F405RG"                       --target list
try 0 "STM32F429ZI"                       --target list
try 0 "STM32F746ZG"                       --target list
try 0 "STM32G071RB"                       --target list
try 0 "STM32G0B1RE"                       --target list
try 0 "STM32G474RE"                       --target list
try 0 "STM32L476RG"                       --target list
try 0 "build code AAF0"                   --target list
try 0 "12 bytes at 0x08000000"            --flash "$work/loop.bin" --speed max --for 0.01
try 0 "12 bytes at 0x08001000"            --flash="$work/loop.bin@0x08001000" --speed=max --for=0.01
try 0 '"simulated_seconds": 0.010000000'  --flash "$work/loop.bin" --speed max --for 0.01 --stats
try 0 '4 bytes at 0x00000000'             --target samd21:"$work/good.hex" --flash "$work/loop.bin" \
                                          --speed max --for 0.001
try 0 '"chip": "stm32f103"'               --flash-kb 128 --board stlink --target stm32f103 \
    --flash "$work/loop.bin" --wire SWDIO=PA1,SWCLK=PA2 --wire TX=none --boot1 1 --no-crystal \
    --speed max --for 0.01 --stats --vcd "$work/x.vcd" --pcap "$work/x.pcap" --record "$work/r"
python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$work/out" || {
    echo "--stats is not JSON"; failed=$((failed + 1)); }

try 0 '4 bytes at 0x00000000'             --target samd21:"$work/good.hex" --flash "$work/loop.bin" \
                                          --speed max --for 0.001 --dump-target "$work/dump"
[ "$(stat -c %s "$work/dump")" = 262144 ] || { echo "--dump-target"; failed=$((failed + 1)); }
try 2 "cannot be written"                 --target samd21 --flash "$work/loop.bin" \
                                          --speed max --for 0.001 --dump-target "$work/no/where"

# reads FILE ADDRESS (as \ooo bytes): a program that loads a word from there.
reads() {
    printf "\\000\\120\\000\\040\\011\\000\\000\\010\\001\\110\\001\\150\\376\\347\\000\\000$2" \
        > "$work/$1"
}
# What is not there must not end in 0: 0x40018000, where larger chips have SDIO.  What the
# chip puts up with does, unless strictness is asked for: GPIOA, its clock not yet enabled.
reads sdio.bin '\000\200\001\100'
reads gate.bin '\000\010\001\100'
try 1 "not modelled"                      --flash "$work/sdio.bin" --speed max --for 0.01
try 0 "forgiven: "                        --flash "$work/gate.bin" --speed max --for 0.01
try 1 "1 things that the chip forgives"   --flash "$work/gate.bin" --strict --speed max --for 0.01

# What the target's own program does is told, and is not the probe's fault.
try 0 "(the target's own program): "      --flash "$work/loop.bin" --strict \
    --target stm32f103:"$work/sdio.bin" --speed max --for 0.01
try 0 '"unmodelled": 1, "fatal": 0}}'     --flash "$work/loop.bin" --strict --stats \
    --target stm32f103:"$work/sdio.bin" --speed max --for 0.01

# EEPROMs: on the usual pins, on others, two on a bus, and beside a target.
head -c 100 /dev/zero > "$work/eeprom"
try 0 "12 bytes at 0x08000000"            --flash "$work/loop.bin" --speed max --for 0.001 \
    --i2c 24c02:"$work/eeprom" --i2c 24c02@0x57 --i2c 24c64@0x50:SDA=PB11,SCL=PB10 \
    --i2c 24c512:SCL=PB8,SDA=PB9:"$work/new" --vcd "$work/i2c.vcd"
try 0 "12 bytes at 0x08000000"            --flash "$work/loop.bin" --speed max --for 0.001 \
    --i2c 24c02 --target samd21 --wire TX=none,RX=none
[ "$(wc -c < "$work/eeprom") $(wc -c < "$work/new")" = "256 65536" ] || {
    echo "--i2c: a file is not filled up"; failed=$((failed + 1)); }
grep -q PB11 "$work/i2c.vcd" || { echo "--i2c: not in --vcd"; failed=$((failed + 1)); }

# What a program writes into an EEPROM is in its file, and there for the next program.
try 0 "bytes at 0x08000000"               --flash "$build/programs/i2c_eeprom.bin" --speed max --for 0.1 \
    --i2c 24c02:"$work/page"
[ "$(dd if="$work/page" bs=1 skip=8 count=8 2>"$work/dd")" = 01234567 ] || {
    echo "--i2c: the program's page is not in the file"; failed=$((failed + 1)); }

echo "$passed passed, $failed failed"
[ $failed = 0 ]
