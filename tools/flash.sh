#!/bin/sh
# flash.sh [IMAGE] - `make flash`: writes the whole chip, bootloader and probe, through a
# debug probe on the SWD header of the board.
#
#   PROBE=stlink       an ST-Link, with OpenOCD or else st-flash (default)
#   PROBE=cmsis-dap    any CMSIS-DAP probe, with OpenOCD: a Pillbug, DAPLink, Picoprobe ...
#   PROBE=pillbug      a Pillbug, with gdb on its first serial port
#   SERIAL=TEXT        which probe, when there are several
#   PORT=/dev/...      which serial port, for PROBE=pillbug
#   CPUTAPID=0         accept a clone of the chip, which answers with another id
#
# Needs nothing but sh and one of these tools, and says what is missing when something is.
# Without an image it only looks whether tool and probe are there, as the Makefile does before
# it builds.  Ends with 0 only if what was written was read back and is the same.
set -u
image=${1:-}
probe=${PROBE:-stlink}
serial=${SERIAL:-}
vid=$(printf %04x "${USB_VID:-0x1209}")
pid=$(printf %04x "${USB_PID:-0x0001}")         # as the kernel writes them
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
log=$work/log
devices=${USB_DEVICES:-/sys/bus/usb/devices}    # Linux; elsewhere nothing is found, and said

give_up() {
    printf '%s\n' "$@"
    exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }

# run COMMAND...: its words as they come, and in the log; its status (sh's pipe has none).
run() {
    { "$@" </dev/null; echo $? >"$work/status"; } 2>&1 | tee "$log"
    return "$(cat "$work/status")"
}
said() { grep -Eqi "$1" "$log"; }

wires() {
    echo "Wires: the probe's SWDIO, SWCLK, GND and 3.3V to the four-pin header of the board to"
    echo "be written; its BOOT1 jumper at 1, so that it leaves the debug pins alone."
}

# --- the probes that are plugged in ---------------------------------------------------------

# "SERIAL PORT" of every Pillbug; PORT is the first of its two serial ports.
pillbugs() {
    for device in $devices/*; do
        [ "$(cat "$device/idVendor" 2>/dev/null)" = "$vid" ] &&
            [ "$(cat "$device/idProduct" 2>/dev/null)" = "$pid" ] || continue
        for tty in "$device/${device##*/}":1.1/tty/*; do
            [ -e "$tty" ] && echo "$(cat "$device/serial") /dev/${tty##*/}"
        done
    done
}

# "SERIAL PRODUCT" of every CMSIS-DAP probe: the name is in a string (CMSIS-DAP 2.1).
cmsis_daps() {
    for device in $devices/*; do
        [ -e "$device/idVendor" ] &&
            grep -qs "CMSIS-DAP" "$device/product" "$device/${device##*/}":*/interface &&
            echo "$(cat "$device/serial" 2>/dev/null) $(cat "$device/product")"
    done
}

# one_of LIST: at most one line is left once SERIAL has chosen.
one_of() {
    [ -z "$serial" ] || { grep "^$serial " "$1" >"$1.one"; mv "$1.one" "$1"; }
    [ "$(wc -l <"$1")" -le 1 ] ||
        give_up "Several probes are plugged in; SERIAL=... says which:" "$(cat "$1")"
}

# --- with OpenOCD ------------------------------------------------------------------------------

explain_openocd() {
    if said "gdb has the wire"; then
        echo "A gdb has this probe's wire: detach it there, then try again."
    elif said "unable to find a matching CMSIS-DAP|no device found|open failed"; then
        echo "No such probe is plugged in${serial:+ (SERIAL=$serial)}, or it may not be opened:"
        echo "see lsusb; on Linux a rule of udev lets users open it ('make udev' for a Pillbug)."
    elif said "access denied|LIBUSB_ERROR_ACCESS|permission"; then
        echo "The probe is there and may not be opened: 'make udev' once, or be root."
    elif said "UNEXPECTED idcode|expected 1 of 1"; then
        echo "This chip's id is not that of an STM32F103; some clones (CKS, APM, GD) have"
        echo "another and work.  To accept it:  make flash CPUTAPID=0"
    elif said "cannot read IDR|no answer|init mode failed|unable to connect to the target"; then
        echo "The chip does not answer.  Is it powered, are SWDIO and SWCLK not swapped?"
        wires
    elif said "protected|failed erasing|Failed to read memory at 0x1ffff7e0"; then
        echo "The chip may be locked (read protection).  This erases and opens it:"
        echo "  openocd $* -c 'init; reset halt; stm32f1x unlock 0; exit'"
        echo "then take its power away for a moment, and try again."
    else
        echo "OpenOCD's last words are above."
    fi
}

need_openocd() {
    has openocd || give_up "openocd is not installed.  On Debian: apt-get install openocd"
}

# with_openocd INTERFACE: the commands are OpenOCD's own "program".
with_openocd() {
    set -- -f "interface/$1" ${serial:+-c "adapter serial $serial"} \
        ${CPUTAPID:+-c "set CPUTAPID $CPUTAPID"} -f target/stm32f1x.cfg
    run openocd "$@" -c "reset_config none" \
        -c "program $image 0x08000000 verify reset exit" && return
    echo
    explain_openocd "$@"
    exit 1
}

look_for_stlink() { has st-flash || need_openocd; }
with_stlink() {
    if has openocd; then
        with_openocd stlink.cfg
        return
    fi
    run st-flash ${serial:+--serial "$serial"} --reset write "$image" 0x08000000 &&
        said "written and verified" ||
        give_up "st-flash failed.  Is the ST-Link plugged in, and the board powered?"
}

look_for_cmsis_dap() {
    need_openocd
    cmsis_daps >"$work/probes"
    one_of "$work/probes"
    # OpenOCD asks USB itself; where this list cannot be had, it is the one to say.
    [ -z "$serial" ] || [ ! -d $devices ] || [ -s "$work/probes" ] ||
        give_up "No such probe is plugged in with SERIAL=$serial."
}
with_cmsis_dap() { with_openocd cmsis-dap.cfg; }

# --- with gdb --------------------------------------------------------------------------------

explain_gdb() {
    if said "CMSIS-DAP host has it"; then
        echo "A program uses this probe as CMSIS-DAP: close it (or, if it died: 'monitor wire"
        echo "free' in gdb), then try again."
    elif said "LOCKED"; then
        echo "The chip is locked (read protection).  In gdb, 'monitor unlock' erases and opens"
        echo "it; then take its power away for a moment, and try again."
    elif said "No such file|could not open|Permission denied|Device or resource busy"; then
        echo "$port cannot be opened, or another program has it."
    elif ! said "STM32F10"; then
        echo "No STM32F103 answers.  Is the board powered, are SWDIO and SWCLK not swapped?"
        wires
    else
        echo "gdb's last words are above."
    fi
}

look_for_pillbug() {
    gdb=""
    for name in gdb-multiarch arm-none-eabi-gdb; do
        [ -n "$gdb" ] || ! has $name || gdb=$name
    done
    [ -n "$gdb" ] ||
        give_up "gdb-multiarch is not installed.  On Debian: apt-get install gdb-multiarch"
    port=${PORT:-}
    case $port in
    "") ;;
    /*) [ -e "$port" ] || give_up "PORT=$port cannot be opened: it is not there."
        return ;;
    *)  return ;;                       # COM3, HOST:PORT: gdb knows them
    esac
    pillbugs >"$work/probes"
    one_of "$work/probes"
    read -r _ port <"$work/probes" ||
        give_up "No Pillbug is plugged in${serial:+ with SERIAL=$serial}, or this system names" \
            "its ports in a way of its own: PORT=/dev/... says which (the first of the two)."
}

with_pillbug() {
    # A script ends at its first error: without a probe, "attach 1" would mean process 1.
    cat >"$work/script" <<TEXT
set confirm off
target extended-remote $port
monitor swdp_scan
attach 1
load
compare-sections
monitor reset run
detach
TEXT
    # gdb takes its addresses from the .hex beside the .bin.
    run $gdb -nx -batch -x "$work/script" "${image%.bin}.hex"
    said "Transfer rate" && said "matched" && ! said "MIS-MATCHED" && return
    echo
    explain_gdb
    exit 1
}

# --- the one asked for -------------------------------------------------------------------------

case $probe in
stlink | pillbug) kind=$probe ;;
cmsis-dap)        kind=cmsis_dap ;;
*) give_up "PROBE=$probe is not known here: stlink, cmsis-dap or pillbug." ;;
esac
[ -z "${1+x}" ] || [ -f "$image" ] || give_up "$image is not there: run make first."
look_for_$kind
[ -n "$image" ] || exit 0
echo "Writing $image to 0x08000000 with PROBE=$probe."
wires
with_$kind
echo "Written and verified.  Put BOOT1 back to 0 and plug the board into USB."
