#!/bin/sh
# commands.sh - what a person types: is a mistake told in plain words, with a status that
# is not 0, before anything is built?  And does a script claim success only when it is so?
#
#   called by  test/run.sh      calls  make, tools/*.sh, test/deps.sh
#
# Nothing is built here, installed, or written to a board: the tools that would do it are
# played by scripts in a folder of their own, and PATH holds nothing else but what sh needs.
set -u
cd "$(dirname "$0")/.."
# What was said to the make that called us, or stands in somebody's environment, is not meant.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES BUILD BOARD TARGET USB_VID USB_PID USB_PID_BOOT WEBUSB_URL \
    PROBE PORT SERIAL CPUTAPID GDB_PORT UART_PORT CONTROL_PORT CC_HOST UDEV_RULES VERSION
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
passed=0 failed=0

good() { passed=$((passed + 1)); }
bad() {
    failed=$((failed + 1))
    echo "FAILED  $*"
    sed 's/^/  | /' "$work/said"
}

# refused WORDS ARGUMENTS...: make ends with an error that says so, in few lines, and has
# built nothing.
refused() {
    words=$1; shift
    rm -rf "$work/build"
    if timeout 60 make -s BUILD="$work/build" "$@" >"$work/said" 2>&1; then
        bad "make $* ends with status 0"
    elif ! grep -qF -- "$words" "$work/said"; then
        bad "make $* does not say \"$words\""
    elif [ "$(wc -l <"$work/said")" -gt 5 ]; then
        bad "make $* says too much"
    elif [ -e "$work/build" ]; then
        bad "make $* has built something"
    else
        good
    fi
}

# accepted ARGUMENTS...: make has nothing against them (and, with -n, does nothing).
accepted() {
    if make -n BUILD="$work/build" "$@" >"$work/said" 2>&1; then good
    else bad "make $* is refused"; fi
}

# --- a value that cannot be right --------------------------------------------------------

refused "BOARD=bluepil is not known here: bluepill or stlink" BOARD=bluepil
refused "BOARD=bluepil" BOARD=bluepil run
refused "BOARD=Bluepill" BOARD=Bluepill firmware
refused "BOARD=bluepill stlink" BOARD="bluepill stlink" firmware
refused "BOARD= is empty" BOARD=
refused "samd21, samd51, " board TARGET=samd12
refused "TARGET= is empty" board TARGET=
refused "USB_VID=1209 is not a number of USB: write it as 0x1209" USB_VID=1209
refused "USB_VID=0x12095" USB_VID=0x12095
refused "USB_VID=0x12095" USB_VID=0x12095 flash
refused "USB_PID=0xlaser" USB_PID=0xlaser firmware
refused "USB_PID=0x" USB_PID=0x firmware
refused "USB_PID_BOOT= is empty" USB_PID_BOOT= dfu
refused "USB_PID_BOOT=2" USB_PID_BOOT=2 udev
refused "USB_PID and USB_PID_BOOT are the same" USB_PID=0x00AB USB_PID_BOOT=0x00ab
refused "without https://" WEBUSB_URL=https://example.org/dfu
refused "WEBUSB_URL=exa mple.org" WEBUSB_URL="exa mple.org"
refused 'WEBUSB_URL=a"b' WEBUSB_URL='a"b'
refused "WEBUSB_URL=it's" WEBUSB_URL="it's"
refused "VERSION=a b" VERSION="a b"
refused "VERSION= " VERSION=
refused "The file VERSION" RELEASE=1.10.0
refused "BUILD=a b" BUILD="a b"
refused "BUILD= is empty" BUILD=
refused "BUILD=/ " -n BUILD=/ clean
refused "PROBE=stlnk is not known here: stlink, cmsis-dap or pillbug" flash PROBE=stlnk
refused "PROBE= is empty" flash PROBE=
refused "CPUTAPID=any" flash CPUTAPID=any
refused "GDB_PORT=gdb is not a TCP port" board GDB_PORT=gdb
refused "UART_PORT=70000" board UART_PORT=70000
refused "CONTROL_PORT=-1" board CONTROL_PORT=-1
refused "no variable TARGE" board TARGE=stm32f103
refused "no variable USBVID" USBVID=0x1209
refused "no-such-compiler is not installed: make deps" CC_ARM=no-such-compiler
refused "no-such-compiler is not installed: make deps" CC_HOST=no-such-compiler
refused "flsh" flsh

: >"$work/empty.hex"
printf ':020000040800F2\n:042000007856341AC0\n:00000001FF\n' >"$work/slot.hex"
printf ':0400000001020304F2\n:00000001FF\n' >"$work/zero.hex"
printf ':020000040800F2\n:042000007856341AC0\n:020000041FFFDC\n:02F800005AA507\n:00000001FF\n' \
    >"$work/option_bytes.hex"
printf '\177ELF' >"$work/program.elf"
refused "make hex2bin IN=program.hex OUT=program.bin" hex2bin
refused "make hex2bin IN=program.hex OUT=program.bin" hex2bin IN="$work/slot.hex"
refused "IN=$work/none.hex is not there" hex2bin IN="$work/none.hex" OUT="$work/out.bin"
refused "is not an Intel HEX" hex2bin IN="$work/program.elf" OUT="$work/out.bin"
refused "is not an Intel HEX" hex2bin IN="$work/empty.hex" OUT="$work/out.bin"
refused "OUT=$work/no/out.bin cannot be written" hex2bin IN="$work/slot.hex" OUT="$work/no/out.bin"
refused "OUT=$work cannot be written" hex2bin IN="$work/slot.hex" OUT="$work"
refused "IN and OUT are the same" hex2bin IN="$work/slot.hex" OUT="$work/slot.hex"
refused "starts at 0x00000000" hex2bin IN="$work/zero.hex" OUT="$work/out.bin"
refused "0x1ffff800, behind the application slot" hex2bin IN="$work/option_bytes.hex" OUT="$work/out.bin"
[ ! -e "$work/out.bin" ] && good || bad "hex2bin leaves a file that it refused to make"

accepted BOARD=stlink firmware
accepted USB_VID=0x1D50 USB_PID=0x6018 USB_PID_BOOT=0x6017 firmware
accepted WEBUSB_URL=example.org/dfu.html?board=1 firmware
accepted TARGET=stm32f103 GDB_PORT=0 CC_HOST="gcc -m64" BOARD=bluepill firmware
accepted SMALL=-fno-x help

make -s hex2bin IN="$work/slot.hex" OUT="$work/out.bin" >"$work/said" 2>&1 &&
    [ "$(cat "$work/out.bin")" = "$(printf '\170\126\064\032')" ] && good ||
    bad "hex2bin does not make the .bin of a .hex"

# --- make help ---------------------------------------------------------------------------

# What the Makefile makes for itself is not for typing.
make -s help >"$work/said"
for goal in $(sed -n 's/^\.PHONY: *//p' Makefile); do
    case $goal in FORCE|tests-fast|tests-board|all) continue ;; esac
    if grep -q "make \(.*, \)*$goal\b" "$work/said"; then good
    else bad "make help says nothing of make $goal"; fi
done
for name in BUILD BOARD TARGET USB_VID USB_PID USB_PID_BOOT WEBUSB_URL PROBE PORT SERIAL \
            CPUTAPID IN OUT GDB_PORT; do
    if grep -q "\b$name\b" "$work/said"; then good
    else bad "make help says nothing of $name=..."; fi
done

# --- the scripts, with tools that are played -----------------------------------------------

mkdir "$work/bin" "$work/fake"
for tool in sh bash sed grep cat tee mktemp rm mv cp install dirname basename id printf wc \
            chmod mkdir ls tr head tail sort uniq cmp timeout env setpriv; do
    ln -s "$(command -v "$tool")" "$work/bin/$tool" 2>/dev/null
done

# fake NAME: what follows is the script NAME.
fake() { { echo '#!/bin/sh'; cat; } >"$work/fake/$1"; chmod 755 "$work/fake/$1"; }
no_fakes() { rm -f "$work"/fake/*; }

# said_by COMMAND...: runs it with those tools alone.
said_by() {
    env PATH="$work/fake:$work/bin" HOME="$work" TMPDIR="$work" timeout 60 "$@" \
        </dev/null >"$work/said" 2>&1
}
# fails WORDS SENTENCE COMMAND...: a status that is not 0, these words, and no claim.
fails() {
    words=$1 sentence=$2; shift 2
    if said_by "$@"; then bad "$sentence: status 0"
    elif ! grep -q -- "$words" "$work/said"; then bad "$sentence: does not say \"$words\""
    elif grep -q "Done\|Written and\|^Installed" "$work/said"; then bad "$sentence: a claim"
    else good; fi
}
works() {
    words=$1 sentence=$2; shift 2
    if ! said_by "$@"; then bad "$sentence: a status that is not 0"
    elif ! grep -q -- "$words" "$work/said"; then bad "$sentence: does not say \"$words\""
    else good; fi
}

fails "udev is a Linux thing" "udev: a system without it" env UDEV_RULES="$work/rules" sh tools/udev.sh
mkdir "$work/rules"
fails "udevadm is not here" "udev: without udevadm" env UDEV_RULES="$work/rules" sh tools/udev.sh
fake udevadm <<'TEXT'
echo "Failed to send reload request: No such file or directory" >&2
exit 1
TEXT
fails "udev does not run here" "udev: it does not run" env UDEV_RULES="$work/rules" sh tools/udev.sh
fake udevadm <<'TEXT'
[ "$1" = control ] || { echo "Failed to write: Read-only file system" >&2; exit 1; }
TEXT
fails "could not be told" "udev: it cannot be told of the devices that are there" env UDEV_RULES="$work/rules" sh tools/udev.sh
fake udevadm </dev/null
works "Done" "udev: all is well" env UDEV_RULES="$work/rules" sh tools/udev.sh
cmp -s tools/60-pillbug.rules "$work/rules/60-pillbug.rules" && good ||
    bad "udev: the rules that were installed are others"
works "Done" "udev: ids of a product" env UDEV_RULES="$work/rules" USB_VID=0x1D50 USB_PID=0x6018 USB_PID_BOOT=0x6017 sh tools/udev.sh
[ "$(grep -c '"1d50".*"601[87]"' "$work/rules/60-pillbug.rules")" = 3 ] && good ||
    bad "udev: the rules are not for the ids of the product"
chmod 555 "$work/rules"
nobody=$([ "$(id -u)" != 0 ] || echo "setpriv --reuid 65534 --clear-groups")
fails "as root: *sh tools/udev.sh" "udev: a user without sudo" \
    env UDEV_RULES="$work/rules" $nobody sh tools/udev.sh
fake sudo <<'TEXT'
echo "user is not in the sudoers file."
exit 1
TEXT
fails "as root: *sh tools/udev.sh" "udev: sudo refuses" \
    env UDEV_RULES="$work/rules" $nobody sh tools/udev.sh
no_fakes

image=$work/probe.dfu
echo x >"$image"
fails "dfu-util is not installed" "dfu: no dfu-util" sh tools/dfu.sh "$image"
fake dfu-util </dev/null
fails "No Pillbug is plugged in" "dfu: no board" sh tools/dfu.sh "$image"
one='Found DFU: [1209:0002] ver=0110, devnum=3, cfg=1, intf=0, path="1-1", alt=0, name="slot", serial="AAAA"'
two='Found Runtime: [1209:0001] ver=0110, devnum=4, cfg=1, intf=5, path="1-2", alt=0, name="DFU", serial="BBBB"'
fake dfu-util <<TEXT
case " \$* " in *" -l "*) echo '$one'; echo '$two' ;; *) echo "\$*" ;; esac
TEXT
fails "SERIAL=" "dfu: two boards" sh tools/dfu.sh "$image"
works "Written and" "dfu: one of them" env SERIAL=BBBB sh tools/dfu.sh "$image"
grep -q -- "-S BBBB" "$work/said" && good || bad "dfu-util is not told which"
fails "SERIAL=CCCC" "dfu: neither of them" env SERIAL=CCCC sh tools/dfu.sh "$image"
fake dfu-util <<TEXT
case " \$* " in *" -l "*) echo '$one' ;; *) echo "Error sending"; exit 74 ;; esac
TEXT
fails "status 74" "dfu: it does not work" sh tools/dfu.sh "$image"
fake dfu-util <<TEXT
case " \$* " in *" -l "*) echo '$one' | sed s/1209:0002/1d50:6017/ ;; esac
TEXT
works "Written and" "dfu: ids in capitals" env USB_VID=0x1D50 USB_PID_BOOT=0x6017 \
    sh tools/dfu.sh "$image"
fails "is not there" "dfu: no image" env USB_VID=0x1D50 USB_PID_BOOT=0x6017 \
    sh tools/dfu.sh "$work/none.dfu"
no_fakes

image=$work/pillbug.bin
echo x >"$image"
echo x >"$work/pillbug.hex"
fails "openocd is not installed" "flash: neither OpenOCD nor st-flash" sh tools/flash.sh "$image"
fake openocd <<'TEXT'
echo "Error: open failed"
exit 1
TEXT
fails "No such probe" "flash: OpenOCD finds none" sh tools/flash.sh "$image"
fake openocd </dev/null
works "Written and verified" "flash: OpenOCD is content" sh tools/flash.sh "$image"
fails "is not there" "flash: no image" sh tools/flash.sh "$work/none.bin"
# plugged NAME VENDOR PRODUCT SERIAL TEXT: what the kernel would show of a device.
plugged() {
    mkdir -p "$work/usb/$1"
    echo "$2" >"$work/usb/$1/idVendor"
    echo "$3" >"$work/usb/$1/idProduct"
    echo "$4" >"$work/usb/$1/serial"
    echo "$5" >"$work/usb/$1/product"
}
dap() { echo "env USB_DEVICES=$work/usb PROBE=cmsis-dap $* sh tools/flash.sh $image"; }
plugged 1-1 1209 0001 AAAA "Pillbug CMSIS-DAP"
works "Written and verified" "flash: one CMSIS-DAP probe" $(dap)
fails "with SERIAL=nobody" "flash: no probe with this serial number" $(dap SERIAL=nobody)
plugged 1-2 0d28 0204 BBBB "DAPLink CMSIS-DAP"
fails "SERIAL=... says which" "flash: two probes" $(dap)
works "Written and verified" "flash: one of them" $(dap SERIAL=BBBB)
no_fakes
fake st-flash <<'TEXT'
echo "Couldn't find any ST-Link devices"
exit 255
TEXT
fails "st-flash failed" "flash: st-flash finds none" sh tools/flash.sh "$image"
fake st-flash <<'TEXT'
echo "Couldn't find any ST-Link devices"
TEXT
fails "st-flash failed" "flash: st-flash says so with status 0" sh tools/flash.sh "$image"
fake st-flash <<'TEXT'
echo "Flash written and verified! jolly good!"
TEXT
works "Written and verified" "flash: st-flash is content" sh tools/flash.sh "$image"
no_fakes
fails "gdb-multiarch is not installed" "flash: no gdb" env PROBE=pillbug sh tools/flash.sh "$image"
fake gdb-multiarch <<'TEXT'
echo "STM32F10x"; echo "Transfer rate: 9 KB/sec"; echo "Section .sec1: MIS-MATCHED!"
TEXT
fails "last words" "flash: gdb finds a difference" env PROBE=pillbug PORT=localhost:1 sh tools/flash.sh "$image"
fake gdb-multiarch <<'TEXT'
echo "STM32F10x"; echo "Transfer rate: 9 KB/sec"; echo "Remote connection closed"; exit 1
TEXT
fails "last words" "flash: gdb loses the probe" env PROBE=pillbug PORT=localhost:1 sh tools/flash.sh "$image"
fails "PORT=/dev/ttyNONE cannot be opened" "flash: no such port" \
    env PROBE=pillbug PORT=/dev/ttyNONE sh tools/flash.sh "$image"
no_fakes

# --- make board, with a board that is played ------------------------------------------------

mkdir "$work/played"
# played: what follows is the script `bluepill`.
played() { { echo '#!/bin/sh'; cat; } >"$work/played/bluepill"; chmod 755 "$work/played/bluepill"; }
board() { BUILD=$work/played timeout 60 sh test/session/board.sh samd21 >"$work/said" 2>&1; }
played <<'TEXT'
echo "bluepill: cannot listen on 127.0.0.1:3333" >&2
exit 2
TEXT
board
[ $? = 2 ] && grep -q "cannot listen" "$work/said" && ! grep -q "until Ctrl-C" "$work/said" &&
    good || bad "board: says how to connect to a board that did not start"
played <<'TEXT'
for port in gdb:1 uart:2 control:3; do echo "${port%:*}: 127.0.0.1:${port#*:}" >&2; done
TEXT
board && grep -q "localhost:1'" "$work/said" && grep -q "nc localhost 2$" "$work/said" &&
    good || bad "board: does not say where to connect"

# --- what deps.sh asks for -----------------------------------------------------------------

fake apt-get </dev/null             # it "succeeds", and nothing is there afterwards
fails "still missing" "deps: apt-get installs nothing" sh test/deps.sh run
fake apt-get <<'TEXT'
echo "E: Unable to fetch some archives"
exit 100
TEXT
fails "could not install" "deps: apt-get fails" sh test/deps.sh run
for tier in build run board check bench; do
    said_by sh test/deps.sh $tier
    if grep -q "chromium\|nodejs\|npm\|qemu\|tshark\|sigrok\|lldb\|openocd" "$work/said" ||
       ! grep -q "gcc-arm-none-eabi" "$work/said"; then
        bad "deps: $tier does not need that, or more than that"
    else good; fi
done
fails "no such tier" "deps: a tier that is none" sh test/deps.sh rum
for package in gdb-multiarch python3 make; do
    said_by sh test/deps.sh run
    grep -q "\b$package\b" "$work/said" && good || bad "deps: run needs $package"
done
no_fakes
fails "no apt-get" "deps: a system without apt" sh test/deps.sh run

# --- the release ----------------------------------------------------------------------------

grep -q "^## $(cat VERSION)" CHANGELOG.md && good || bad "CHANGELOG.md has no heading for $(cat VERSION)"

# --- README ----------------------------------------------------------------------------------

# The launch.json in it is one, with what cortex-debug needs for a probe of this kind.
sed -n '/^ *```json/,/^ *```/p' README.md | grep -v '```' >"$work/launch.json"
if python3 - "$work/launch.json" >"$work/said" 2>&1 <<'TEXT'
import json, sys
one = json.load(open(sys.argv[1]))["configurations"][0]
missing = {"name", "type", "request", "servertype", "BMPGDBSerialPort", "gdbPath",
           "executable"} - set(one)
sys.exit("missing: %s" % missing if missing else 0)
TEXT
then good; else bad "README: the launch.json cannot be right"; fi

echo "$passed passed, $failed failed"
[ $failed = 0 ]
