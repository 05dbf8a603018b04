# Devices that are no serial port, each with the kernel's own driver: HID, storage, MIDI.
. ./lib.sh

# device PROGRAM PRODUCT DRIVER NODE...: a board with that program, until its node is there.
device() {
    board --flash "programs/$1.bin" --speed max
    check "$1: the kernel enumerates it" plug
    check "   lsusb -v reads every descriptor without a complaint" lsusb_is_content "1209:$2"
    check "   $3 binds it" wait_for 10 sh -c "ls -d /sys/bus/usb/drivers/$3/*:1.*"
    check "   and makes $4" wait_for 20 sh -c "ls $4"
}

device usb_hid 0011 usbhid '/dev/hidraw*'
check "   a mouse moves" python3 classes.py mouse $(ls /dev/hidraw* | head -1)
check "   the kernel has nothing to complain of" dmesg_is_content
stop_board
dmesg -c >/dev/null
device usb_msc 0012 usb-storage '/dev/sd?'
check "   a disk is read and written" python3 classes.py disk $(ls /dev/sd? | head -1)
check "   the kernel has nothing to complain of" dmesg_is_content
stop_board
dmesg -c >/dev/null
device usb_midi 0013 snd-usb-audio '/dev/snd/midi*'
check "   a port plays and records" python3 classes.py midi $(ls /dev/snd/midi* | head -1)
check "   the kernel has nothing to complain of" dmesg_is_content
finish
