#!/bin/sh
# settings.sh BUILD CHIP FOLDER - what openocd.tcl has to know, as a Tcl file on standard
# output: the demo program's symbols and vectors, and an image of 32 KB that it writes to
# FOLDER (the demo, and a pattern behind it).
#
#   called by  openocd.sh, test/host/tests/openocd.sh      calls  arm-none-eabi-nm
set -eu
build=$1 chip=$2 folder=$3
elf=$build/examples/demo-$chip.elf image=$folder/image.bin

{ cat "$build/examples/demo-$chip.bin"; seq 1000 9999; } | head -c 32768 >"$image"
vector() { od -An -tx4 -j"$1" -N4 "$image" | tr -d ' '; }

echo "set chip $chip"
echo "set image $image"
echo "set scratch $folder/scratch"
echo "set base $(arm-none-eabi-nm "$elf" | awk '$3 == "FLASH_START" { print "0x" $1 }')"
echo "set stack 0x$(vector 0)"
echo "set reset_handler 0x$(vector 4)"
echo "set ram_code 0x20001800"
for symbol in main measure heartbeat wish; do
    echo "set $symbol $(arm-none-eabi-nm "$elf" |
        awk -v name=$symbol '$3 == name { print "0x" $1 }')"
done
