#!/bin/sh
# udev.sh [--print] - `make udev`: installs 60-pillbug.rules, so that no root is needed to use
# the board; or only prints them.
#
# With other ids of USB in the environment, the rules are for those.  Ends with 0 only if
# udev has taken them.
set -u
here=$(dirname "$0")
place=${UDEV_RULES:-/etc/udev/rules.d}
rules=$(mktemp)
trap 'rm -f "$rules"' EXIT

give_up() {
    printf '%s\n' "$@"
    exit 1
}
id_of() { printf '%04x' "$1"; }         # as udev writes it

sed -e "s/\"1209\"/\"$(id_of "${USB_VID:-0x1209}")\"/" \
    -e "s/\"0001\"/\"$(id_of "${USB_PID:-0x0001}")\"/" \
    -e "s/\"0002\"/\"$(id_of "${USB_PID_BOOT:-0x0002}")\"/" "$here/60-pillbug.rules" >"$rules"
if [ "${1:-}" = --print ]; then
    cat "$rules"
    exit
fi

[ -d "$place" ] || give_up "There is no $place here: udev is a Linux thing.  Nothing to do on" \
    "macOS; on Windows the board brings its own driver binding."
echo "Installing $place/60-pillbug.rules"
as_root=""
if [ ! -w "$place" ]; then
    as_root="sudo"
    command -v sudo >/dev/null 2>&1 && sudo true ||
        give_up "You may not write there, and sudo does not help: as root: sh tools/udev.sh"
fi
$as_root install -m 644 "$rules" "$place/60-pillbug.rules" ||
    give_up "$place/60-pillbug.rules could not be written."
command -v udevadm >/dev/null 2>&1 ||
    give_up "The rules are there, but udevadm is not here to tell udev: restart the machine."
$as_root udevadm control --reload ||
    give_up "The rules are there, but udev does not run here (in a container, say); it reads" \
        "them when it starts.  The machine that the board is plugged into needs them."
$as_root udevadm trigger --subsystem-match=usb --subsystem-match=tty ||
    give_up "The rules are there, but udev could not be told of what is plugged in: unplug the" \
        "board and plug it in again."
echo "Done.  Unplug the board and plug it in again."
