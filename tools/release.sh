#!/bin/sh
# release.sh - `make release`: all that somebody with a board needs, in one folder.
#
#   BUILD/release/pillbug-VERSION/      images of both boards, the web pages, the rule of udev,
#                                       licence, changes, a README.txt, and SHA256SUMS
#
# The images are built in folders of their own, whatever BOARD is; other ids of USB or another
# WEBUSB_URL go into everything here.  The same commit and compiler give the same checksums.
#
#   called by  Makefile, which says BUILD, VERSION and the ids      calls  make, udev.sh
set -eu
here=$(dirname "$0")
name=pillbug-$VERSION
folder=$BUILD/release/$name

rm -rf "$folder"
mkdir -p "$folder"
for board in bluepill stlink; do
    images=$BUILD/release/$board
    ${MAKE:-make} --no-print-directory --silent BUILD="$images" BOARD=$board firmware
    for kind in bin hex; do
        cp "$images/pillbug.$kind" "$folder/$name-$board.$kind"
    done
    for kind in bin hex dfu; do
        cp "$images/probe.$kind" "$folder/probe-$VERSION-$board.$kind"
    done
done

# The page looks for the ids that the images have.
for page in "$here"/../web/*.html; do
    title=$(basename "$page" .html)
    sed "s/VENDOR = 0x1209, PRODUCTS = \[0x0001, 0x0002\]/VENDOR = $USB_VID, PRODUCTS = [$USB_PID, $USB_PID_BOOT]/" \
        "$page" >"$folder/$title-$VERSION.html"
done
grep -q "VENDOR = $USB_VID, PRODUCTS = \[$USB_PID, $USB_PID_BOOT\]" "$folder/dfu-$VERSION.html" || {
    echo "web/dfu.html does not name its ids in one line any more: see tools/release.sh"
    exit 1
}
sh "$here/udev.sh" --print >"$folder/60-pillbug.rules"
cp "$here/../LICENSE" "$here/../CHANGELOG.md" "$folder"
cat >"$folder/README.txt" <<TEXT
Pillbug $VERSION: a debug probe on a Blue Pill (STM32F103C8T6)

BOARD below: bluepill, or stlink for the common ST-Link V2 clone dongle.

$name-BOARD.bin, .hex
    the whole chip, bootloader and probe, at 0x08000000: for the first time, with BOOT1 at 1,
    through an ST-Link or another probe, or with the serial boot loader in the chip's ROM
probe-$VERSION-BOARD.dfu
    the probe, over USB from then on: dfu-util -D, or open dfu-$VERSION.html in a Chromium
probe-$VERSION-BOARD.bin, .hex
    the same for other tools, at 0x08002000
live-$VERSION.html
    terminal and plot of the second serial port: open it in a Chromium
60-pillbug.rules
    Linux: into /etc/udev/rules.d, so that users may open the board
SHA256SUMS
    sha256sum -c SHA256SUMS
TEXT
sums=$(cd "$folder" && sha256sum -- *)
echo "$sums" >"$folder/SHA256SUMS"
echo "$folder:"
ls "$folder"
