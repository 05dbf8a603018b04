#!/bin/sh
# deps.sh [TIER] - installs what building and testing Pillbug needs and this machine lacks.
#
#   build     compilers                       check     and cmocka, cppcheck
#   run       and gdb                         bench     like build
#   board     and netcat, to look at ports    test      everything (default)
#
# `make run`, `make test` and so on call it first; when nothing is missing it says nothing.
# On Debian and Ubuntu it uses apt (as root, or with sudo); elsewhere it prints the list.
set -u

tier=${1:-test}
# for_ TIERS COMMAND-OR-FILE PACKAGE: needs it in these tiers.
for_() { case " $1 " in *" $tier "*) need "$2" "$3" ;; esac }
# need COMMAND-OR-FILE PACKAGE: remembers the package when the thing is not there.
need() {
    case "$1" in
        /*) [ -e "$1" ] ;;
        *)  command -v "$1" >/dev/null 2>&1 ;;
    esac || missing="$missing $2"
}

case $tier in build|run|board|check|bench|test) ;; *)
    echo "There is no such tier as $tier: build, run, board, check, bench or test."
    exit 2 ;;
esac

what_is_missing() {
    missing=""
    need gcc                    gcc
    need /usr/include/stdio.h   libc6-dev
    need make                   make
    need python3                python3
    need arm-none-eabi-gcc      gcc-arm-none-eabi
    need arm-none-eabi-objcopy  binutils-arm-none-eabi
    for_ "run board test"  gdb-multiarch          gdb-multiarch
    for_ "board test"      nc                     netcat-openbsd
    for_ "check test"      /usr/include/cmocka.h  libcmocka-dev
    for_ "check test"      cppcheck               cppcheck
    [ $tier = test ] || return
    need git                    git
    need lldb                   lldb
    need socat                  socat
    need qemu-system-arm        qemu-system-arm
    need tshark                 tshark
    need sigrok-cli             sigrok-cli
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
}

what_is_missing
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
    installed=$missing
    what_is_missing
    if [ -n "$missing" ]; then
        echo "apt-get was content, but these are still missing:$missing (its log: $log)"
        exit 1
    fi
    echo "Installed:$installed"
    rm -f "$log"
else
    tail -20 "$log"
    echo "apt-get could not install them; the whole log is in $log"
    exit 1
fi
