#!/bin/sh
# dfu.sh IMAGE - `make dfu`: updates a plugged-in board over USB with dfu-util.
#
# Works from the running probe (which is asked to detach) and from the bootloader.  Says
# what is missing when something is; the exit status is dfu-util's.
set -u
image=$1
probe=${USB_VID:-0x1209}:${USB_PID:-0x0001}
loader=${USB_VID:-0x1209}:${USB_PID_BOOT:-0x0002}
plain() { echo "$1" | sed 's/0x//g'; }

if ! command -v dfu-util >/dev/null; then
    echo "dfu-util is not installed.  On Debian: apt-get install dfu-util"
    exit 1
fi
found=$(dfu-util -l 2>&1 | grep -c "Found .*\($(plain "$probe")\|$(plain "$loader")\)")
if [ "$found" = 0 ]; then
    echo "No Pillbug is plugged in, or it may not be opened."
    echo "  - Is the board on USB?  lsusb should list $(plain "$probe") or $(plain "$loader")."
    echo "  - On Linux, 'make udev' once lets you open it without being root."
    echo "  - A board that does not answer: BOOT1 to 1, press reset, and try again."
    exit 1
fi
echo "Writing $image to the application slot at 0x08002000 over USB."
dfu-util -d "$(plain "$probe"),$(plain "$loader")" -D "$image"
status=$?
if [ $status = 0 ]; then
    echo "Written and verified; the new firmware is starting."
else
    echo "dfu-util ended with status $status.  The bootloader is never touched by an update:" \
         "put BOOT1 to 1, press reset, and try again."
fi
exit $status
