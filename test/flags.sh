#!/bin/sh
# flags.sh [FOLDER] - what is each flag in the Makefile's SMALL and CALLS worth?
#
# Builds both images once as they are, then once without each flag, in FOLDER (default
# build/flags), and prints how many bytes that costs: the first table of docs/size.md.  Takes a
# quarter of a minute a flag.  CC_ARM in the environment is another compiler.
#
#   called by  a person      calls  make
set -u
cd "$(dirname "$0")/.."
folder=${1:-build/flags}
: "${CC_ARM:=arm-none-eabi-gcc}"
unset MAKEFLAGS

flags=$(make -pn help 2>/dev/null | sed -n 's/^\(SMALL\|CALLS\) := \(-.*\)/\2/p' | sort -u)

# size FLAG...: bytes of bootloader and probe when the Makefile does not have them.
size() {
    rm -rf "$folder"
    mkdir -p "$folder"
    cp Makefile "$folder/Makefile"
    for flag; do
        sed -i "s/ $flag\( \|\$\)/ \1/" "$folder/Makefile"
    done
    make -s -f "$folder/Makefile" BUILD="$folder/images" CC_ARM="$CC_ARM" VERSION=flags \
        "$folder/images/boot.bin" "$folder/images/probe.bin" >&2 || return 1
    echo $(($(wc -c <"$folder/images/boot.bin"))) $(($(wc -c <"$folder/images/probe.bin")))
}
# row TEXT FLAG...
row() {
    text=$1; shift
    now=$(size "$@") || exit 1
    printf '%-40s %+6d %+6d\n' "$text" $((${now% *} - boot)) $((${now#* } - probe))
}

all=$(size) || exit 1
boot=${all% *} probe=${all#* }
$CC_ARM --version | head -1
printf '%-40s %6s %6s\n' "" boot probe "as it is" $boot $probe
for flag in $flags; do
    row "without $flag" "$flag"
done
row "without all of them" $flags
rm -rf "$folder"
