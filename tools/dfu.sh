#!/bin/sh
# dfu.sh [IMAGE] - `make dfu`: updates a plugged-in board over USB with dfu-util.
#
# Works from the running probe (which is asked to detach) and from the bootloader.
# SERIAL=... in the environment says which of several boards.  Without an image it only looks
# whether there is one to update, as the Makefile does before it builds.  Says what is missing
# when something is; the exit status is dfu-util's.
set -u
image=${1:-}
serial=${SERIAL:-}

give_up() {
    printf '%s\n' "$@"
    exit 1
}
id_of() { printf '%04x' "$1"; }         # as dfu-util writes it
vid=$(id_of "${USB_VID:-0x1209}")
probe=$vid:$(id_of "${USB_PID:-0x0001}")
loader=$vid:$(id_of "${USB_PID_BOOT:-0x0002}")

[ -z "${1+x}" ] || [ -f "$image" ] || give_up "$image is not there: run make first."
command -v dfu-util >/dev/null 2>&1 ||
    give_up "dfu-util is not installed.  On Debian: apt-get install dfu-util"

# A board is listed once for each of its alternate settings: its serial number is looked at.
boards=$(dfu-util -l 2>/dev/null | grep "Found .*\($probe\|$loader\)" |
         sed 's/.*serial="\([^"]*\)".*/\1/' | sort -u)
[ -n "$boards" ] || give_up "No Pillbug is plugged in, or it may not be opened." \
    "  - Is the board on USB?  lsusb should list $probe or $loader." \
    "  - On Linux, 'make udev' once lets you open it without being root." \
    "  - A board that does not answer: BOOT1 to 1, press reset, and try again."
if [ -n "$serial" ]; then
    echo "$boards" | grep -qx -- "$serial" ||
        give_up "No Pillbug with SERIAL=$serial is plugged in; these are:" "$boards"
elif [ "$(echo "$boards" | wc -l)" -gt 1 ]; then
    give_up "Several boards are plugged in; SERIAL=... says which:" "$boards"
fi
[ -n "$image" ] || exit 0

echo "Writing $image to the application slot at 0x08002000 over USB."
dfu-util -d "$probe,$loader" ${serial:+-S "$serial"} -D "$image"
status=$?
if [ $status = 0 ]; then
    echo "Written and verified; the new firmware is starting."
else
    echo "dfu-util ended with status $status.  The bootloader is never touched by an update:" \
         "put BOOT1 to 1, press reset, and try again."
fi
exit $status
