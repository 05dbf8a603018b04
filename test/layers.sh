#!/bin/sh
# layers.sh - does every firmware file call, and include, only what its layer may know?
#
# The table in README is the one truth: a file uses files of its own layer and of those below.
# Asked are the objects (which symbol of whom does each use) and the includes.  startup.s alone
# may name what is above it: the vectors have to; and usb.c the table of what the device is,
# which each image has its own of.  sim/ and the firmware include nothing of
# each other: they are two independent readings of the manual.
set -u
cd "$(dirname "$0")/.."
objects=${BUILD:-build}/arm

{
    # "layer N file": the rows of README's table
    sed -n 's/^| \([0-9]\) | \(`[^|]*\) |.*/\1 \2/p' README.md |
        while read -r layer files; do
            for file in $files; do echo "layer $layer $(echo "$file" | tr -d '\`,')"; done
        done
    for file in *.c; do
        echo "exists $file"
        sed -n "s/^#include \"\(.*\)\"/includes $file \1/p" "$file"
        # "has FILE SYMBOL" and "uses FILE SYMBOL"
        arm-none-eabi-nm "$objects/${file%.c}.o" |
            awk -v file="$file" '$1 == "U" { print "uses", file, $2 }
                                 $2 ~ /[TDBRCV]/ { print "has", file, $3 }'
    done
} | awk '
    function stem(name) { sub(/\.[a-z]*$/, "", name); return name }
    $1 == "layer"    { layer[$3] = $2; if (!(stem($3) in of)) of[stem($3)] = $2 }
    $1 == "exists"   { files[$2] }
    $1 == "has"      { home[$3] = home[$3] " " $2 }
    $1 == "uses" && $2 " " $3 != "usb.c usb_device" { uses[$2 " " $3] }
    $1 == "includes" { includes[$2 " " $3] }
    function check(file, needed, what,    n) {
        if (of[stem(needed)] == "") { print needed " stands in no row of the table in README"; bad = 1 }
        else if (of[stem(needed)] > of[stem(file)]) {
            print file " (layer " of[stem(file)] ") " what " of " needed " (layer " of[stem(needed)] ")"
            bad = 1
        }
    }
    END {
        for (file in files)
            if (!(file in layer)) { print file " stands in no row of the table in README"; bad = 1 }
        for (pair in includes) { split(pair, p, " "); check(p[1], p[2], "includes the header") }
        for (pair in uses) {
            split(pair, p, " ")
            count = split(home[p[2]], homes, " ")
            lowest = homes[1]               # probe and bootloader may each have one of a name
            for (i = 2; i <= count; i++) if (of[stem(homes[i])] < of[stem(lowest)]) lowest = homes[i]
            if (count) { checked++; check(p[1], lowest, "uses " p[2]) }
        }
        if (checked < 100) { print "only " checked + 0 " uses of symbols seen: is the image built?"; bad = 1 }
        exit bad
    }' || bad=1
for file in sim/*.[ch]; do
    for header in $(sed -n 's/^#include "\(.*\)"/\1/p' "$file"); do
        [ -e "sim/$header" ] || { echo "$file includes $header, which is not the simulator's"; bad=1; }
    done
done
exit ${bad:-0}
