#!/bin/sh
# tshark.sh - does Wireshark's USB dissector agree with what the probe says when it is
# plugged in?  Records a start of the virtual board and asks tshark for every packet.
set -u
build=${BUILD:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$build/bluepill" --flash "$build/pillbug.bin" --target samd21 --gdb 0 --strict --speed max --for 2 \
    --pcap "$work/usb.pcap" 2>"$work/board.log" || { cat "$work/board.log"; exit 1; }
tshark -r "$work/usb.pcap" -V >"$work/text" 2>"$work/errors"
packets=$(tshark -r "$work/usb.pcap" 2>/dev/null | wc -l)
echo "tshark decoded $packets packets"
bad=0
# One is cut by the host: of a device that it does not know yet it reads the first packet of
# the device descriptor, and resets it.  Ours are of 16 bytes, and the descriptor has 18.
first='usb.device_address == 0 and frame.number == 2 and usb.bDescriptorType == 1
       and usb.data_len == 16 and usb.bMaxPacketSize0 == 16'
if [ "$(tshark -r "$work/usb.pcap" -Y "$first" 2>/dev/null | wc -l)" != 1 ]; then
    echo "the first answer is not 16 bytes of a device descriptor"; bad=1
fi
if [ "$(tshark -r "$work/usb.pcap" -Y "(_ws.malformed or _ws.expert.severity >= error)
        and not ($first)" 2>/dev/null | wc -l)" != 0 ]; then
    echo "there are malformed packets"; bad=1
fi
if grep -i 'dissector bug' "$work/text"; then bad=1; fi
# What a probe must be: two serial functions with a GDB server on the first.
for wanted in "idVendor" "bDeviceClass: Miscellaneous" "INTERFACE ASSOCIATION DESCRIPTOR" \
              "CDC" "SET CONFIGURATION" "bNumInterfaces"; do
    grep -qi "$wanted" "$work/text" || { echo "tshark does not show: $wanted"; bad=1; }
done
[ "$packets" -gt 20 ] || { echo "only $packets packets"; bad=1; }
exit $bad
