#!/bin/sh
# udev.sh - `make udev`: installs 60-pillbug.rules, so that no root is needed to use the board.
set -u
rules=$(dirname "$0")/60-pillbug.rules
place=${UDEV_RULES:-/etc/udev/rules.d}

if [ ! -d "$place" ]; then
    echo "There is no $place here: udev is a Linux thing.  Nothing to do on macOS; on Windows" \
         "the board brings its own driver binding."
    exit 1
fi
as_root=""
[ -w "$place" ] || as_root=sudo
echo "Installing $place/60-pillbug.rules"
$as_root install -m 644 "$rules" "$place/60-pillbug.rules" || exit 1
if command -v udevadm >/dev/null; then
    $as_root udevadm control --reload && $as_root udevadm trigger --subsystem-match=usb \
        --subsystem-match=tty
    echo "Done.  Unplug the board and plug it in again."
else
    echo "Installed, but udevadm is not here: restart udev (or the machine) yourself."
fi
