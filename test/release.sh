#!/bin/sh
# release.sh BUILD - is what `make release` makes whole, and what it says it is?
#
#   called by  test/run.sh      calls  make release, BUILD/bluepill
set -u
cd "$(dirname "$0")/.."
build=$1
version=$(cat VERSION)+test
folder=$build/release/pillbug-$version
passed=0 failed=0
check() {
    sentence=$1; shift
    if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED  $sentence"; fi
}

# made IDS...: the release with these ids of USB.
made() { make -s BUILD="$build" VERSION="$version" "$@" release; }
same_sums() { (cd "$folder" && sha256sum --quiet -c SHA256SUMS); }
all_are_listed() {
    [ "$(awk '{ print $2 }' "$folder/SHA256SUMS" | sort)" = \
      "$(cd "$folder" && ls | grep -v SHA256SUMS | sort)" ]
}
# The whole chip is the bootloader and, at 0x2000, the probe.
probe_is_in() { tail -c +8193 "$folder/pillbug-$version-$1.bin" | cmp - "$folder/probe-$version-$1.bin"; }
says_version() { grep -aq "$version" "$folder/probe-$version-$1.bin"; }
is_for() { python3 test/dfu_suffix.py --check "$folder/probe-$version-$1.dfu" | grep -q "$2"; }
# The virtual board ends with status 0 if the firmware breaks no rule, and says what is plugged in.
runs_on() {
    "$build/bluepill" --flash "$folder/pillbug-$version-$1.hex" --board "$1" --target samd21 \
        --speed max --for 0.5
}
html_is_for() { grep -q "VENDOR = $1, PRODUCTS = \[$2, $3\]" "$folder/dfu-$version.html"; }
rules_are_for() { [ "$(grep -c "\"$1\"" "$folder/60-pillbug.rules")" = 3 ]; }
boards_differ() { ! cmp -s "$folder/probe-$version-bluepill.bin" "$folder/probe-$version-stlink.bin"; }
is_there() { [ -s "$folder/$1" ]; }

check "make release USB_VID=0x1D50 ends well" made USB_VID=0x1D50 USB_PID_BOOT=0x6017
check "the .dfu is for those ids" is_for bluepill 1d50:6017
check "so is the page" html_is_for 0x1D50 0x0001 0x6017
check "so are the rules" rules_are_for 1d50

check "make release ends well" made
for board in bluepill stlink; do
    check "pillbug.bin holds the probe: $board" probe_is_in $board
    check "the probe knows its version: $board" says_version $board
    check "the .dfu is for the bootloader: $board" is_for $board 1209:0002
    check "the image runs: $board" runs_on $board
done
check "each board has its own" boards_differ
check "the page is for our ids" html_is_for 0x1209 0x0001 0x0002
check "the rules are for our ids" rules_are_for 1209
for file in LICENSE CHANGELOG.md README.txt; do
    check "$file is there" is_there $file
done
check "the checksums are right" same_sums
check "and list everything" all_are_listed

echo "$passed passed, $failed failed"
[ $failed = 0 ]
