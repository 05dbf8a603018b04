#!/bin/sh
# deps.sh - installs what building and testing Pillbug needs and this machine lacks.
#
# `make run` and `make test` call it first; when nothing is missing it says nothing.
# On Debian and Ubuntu it uses apt (as root, or with sudo); elsewhere it prints the list.
set -u

missing=""
# need COMMAND-OR-FILE PACKAGE: remembers the package when the thing is not there.
need() {
    case "$1" in
        /*) [ -e "$1" ] ;;
        *)  command -v "$1" >/dev/null 2>&1 ;;
    esac || missing="$missing $2"
}

need gcc                    gcc
need make                   make
need git                    git
need python3                python3
need arm-none-eabi-gcc      gcc-arm-none-eabi
need arm-none-eabi-objcopy  binutils-arm-none-eabi
need gdb-multiarch          gdb-multiarch
need /usr/include/cmocka.h  libcmocka-dev
need lldb                   lldb
need qemu-system-arm        qemu-system-arm
need tshark                 tshark
need sigrok-cli             sigrok-cli
need cppcheck               cppcheck
need openocd                openocd
# The Linux guest of test/host; its kernel and busybox are fetched, not installed.
need qemu-system-x86_64     qemu-system-x86
need cpio                   cpio
need /usr/sbin/usbip        usbip
need lsusb                  usbutils
need dfu-util               dfu-util
need /usr/bin/chromium      chromium
need node                   nodejs
need npm                    npm
need /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf fonts-dejavu-core
[ -z "$missing" ] && exit 0

echo "Pillbug needs these Debian packages, which are not here yet:$missing"
if ! command -v apt-get >/dev/null 2>&1; then
    echo "This system has no apt-get: please install them (or what your system calls them)" \
         "yourself, then try again."
    exit 1
fi
as_root=""
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "Not root and no sudo here: please run as root:  apt-get install$missing"
        exit 1
    fi
    as_root="sudo"
fi

echo "Installing them with apt-get (this takes a minute or two) ..."
log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
if $as_root apt-get update >"$log" 2>&1 &&
   $as_root env DEBIAN_FRONTEND=noninteractive \
       apt-get install -y --no-install-recommends $missing >>"$log" 2>&1; then
    echo "Installed:$missing"
    rm -f "$log"
else
    tail -20 "$log"
    echo "apt-get could not install them; the whole log is in $log"
    exit 1
fi
