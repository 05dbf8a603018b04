#!/bin/sh
# values.sh GOALS OVERRIDES NAME=VALUE... - is what was typed after `make` possible?
#
# The Makefile asks before it does anything.  Each value that cannot be right is told in one
# sentence; then the status is 1.  OVERRIDES are the words NAME=VALUE of make's command line,
# of which only the names are looked at: a name that was mistyped would be passed over.
#
#   called by  Makefile      calls  flash.sh, dfu.sh, which look whether their tools are there
set -u
goals=" $1 " overrides=$2
shift 2
here=$(dirname "$0")
wrong=0

tell() {
    printf '%s\n' "$*"
    wrong=1
}
# wanted GOAL...: is one of them asked for?  (No goal at all is "all".)
wanted() {
    for goal; do
        case $goals in *" $goal "*) return 0 ;; esac
    done
    return 1
}

# one_of NAME VALUE CHOICE...: exactly one of the choices.
one_of() {
    name=$1 value=$2 last="" list=""
    shift 2
    if [ -z "$value" ]; then
        tell "$name= is empty: say $name=$1, or leave it out."
        return
    fi
    for choice; do
        [ "$value" != "$choice" ] || return
        list=${list:+$list, }$last last=$choice
    done
    list=${list#, }
    tell "$name=$value is not known here: ${list:+$list or }$last."
}

# A number of USB ends up in C, in a .dfu file and in udev's rules: one way to write it.
usb_number() {
    digits=${2#0[xX]}
    if [ -z "$2" ]; then
        tell "$1= is empty: say $1=0x1209, or leave it out."
    elif [ "$digits" = "$2" ] || [ -z "$digits" ] || [ ${#digits} -gt 4 ] ||
         [ -n "$(printf %s "$digits" | tr -d 0-9a-fA-F)" ]; then
        tell "$1=$2 is not a number of USB: write it as 0x1209."
    else
        eval "$1=$(printf %04x "$2")"
    fi
}

tcp_port() {
    [ -n "$2" ] || return
    if [ -n "$(printf %s "$2" | tr -d 0-9)" ] || [ ${#2} -gt 5 ] || [ "$2" -gt 65535 ]; then
        tell "$1=$2 is not a TCP port: a number up to 65535, or 0 for any free one."
    fi
}

web_address() {
    case $1 in
    *://*) tell "WEBUSB_URL=$1: write it without https://, which the browser puts before it." ;;
    *[!A-Za-z0-9._~:/?#@!\&+,\;=%-]*)
        tell "WEBUSB_URL=$1 has a character that an address cannot have." ;;
    esac
}

# `make clean` removes it, and make cannot do with blanks in names.
build_folder() {
    case $1 in
    "") tell "BUILD= is empty: say BUILD=build, or leave it out." ;;
    *[!A-Za-z0-9._/+-]*) tell "BUILD=$1 is no name for a folder that make can use." ;;
    / | . | .. | */.. | */. | "$HOME" | "$HOME/")
        tell "BUILD=$1 is not a folder to put things into, and to remove." ;;
    esac
}

# It goes into file names and into C.
version() {
    case $RELEASE in
    [0-9].[0-9].[0-9]) ;;
    *) tell "The file VERSION has to say one digit . digit . digit, as bcdDevice can: $RELEASE." ;;
    esac
    case $VERSION in
    "" | *[!A-Za-z0-9._+-]*) tell "VERSION=$VERSION cannot be part of a file's name." ;;
    esac
}

compiler() {
    set -- $1                           # gcc -m64
    command -v "${1:-gcc}" >/dev/null 2>&1 || tell "${1:-gcc} is not installed: make deps"
}

# What make looks at stands in the Makefile or in a script that it calls.
known_names() {
    for word in $overrides; do
        name=${word%%=*}
        case $name in *[!A-Za-z0-9_]* | "" | [0-9]*) continue ;; esac
        [ "$name" != "$word" ] || continue
        grep -qw -- "$name" "$here/../Makefile" "$here"/*.sh "$here/../test/deps.sh" \
            "$here"/../test/session/*.sh || tell "There is no variable $name: see make help."
    done
}

# Set by the loop below, which knows only these.
BUILD="" BOARD="" TARGET="" TARGETS="" USB_VID="" USB_PID="" USB_PID_BOOT="" WEBUSB_URL=""
PROBE="" PORT="" SERIAL="" CPUTAPID="" GDB_PORT="" UART_PORT="" CONTROL_PORT=""
CC_ARM="" CC_HOST="" RELEASE="" VERSION=""
for pair; do
    eval "${pair%%=*}=\${pair#*=}"
done

known_names
build_folder "$BUILD"
one_of BOARD "$BOARD" bluepill stlink
usb_number USB_VID "$USB_VID"
usb_number USB_PID "$USB_PID"
usb_number USB_PID_BOOT "$USB_PID_BOOT"
[ "$USB_PID" != "$USB_PID_BOOT" ] ||
    tell "USB_PID and USB_PID_BOOT are the same: hosts could not tell probe and bootloader."
web_address "$WEBUSB_URL"
version
if wanted board; then
    one_of TARGET "$TARGET" $TARGETS
    tcp_port GDB_PORT "$GDB_PORT"
    tcp_port UART_PORT "$UART_PORT"
    tcp_port CONTROL_PORT "$CONTROL_PORT"
fi
if wanted flash; then
    one_of PROBE "$PROBE" stlink cmsis-dap pillbug
    case $CPUTAPID in
    "" | 0) ;;
    0x | 0x*[!0-9a-fA-F]* | [!0]* | 0[!x]*)
        tell "CPUTAPID=$CPUTAPID is not an id: 0 for any chip, or 0x and hex digits." ;;
    esac
fi
# The goals that install what is missing come back here when they have.
if [ "$goals" = "  " ] || wanted all firmware flash dfu; then
    compiler "$CC_ARM"
    compiler "$CC_HOST"
fi
[ $wrong = 0 ] || exit 1

export USB_VID=0x$USB_VID USB_PID=0x$USB_PID USB_PID_BOOT=0x$USB_PID_BOOT
export PROBE PORT SERIAL CPUTAPID
if wanted flash; then sh "$here/flash.sh" || wrong=1; fi
if wanted dfu; then sh "$here/dfu.sh" || wrong=1; fi
exit $wrong
