# The bootloader and dfu-util: what ends well ends with 0, and what does not, does not.
. ./lib.sh

device=1209:0002
dfu() { timeout 60 dfu-util -d $device "$@"; }
here() { dfu -l | grep -q "Found DFU: \[$device\]"; }

# The kernel counts: whoever comes back after a restart has another number.
number() { cat "$(sysfs)/devnum"; }
back() { [ "$(number)" != "$1" ] && here; }

# outcome good|bad SENTENCE ARGUMENTS...: dfu-util's exit status, with the board in reach.
# What ends well ends in a restart, which comes a moment after dfu-util is done.
outcome() {
    local want=$1 sentence=$2 before
    shift 2
    wait_for 20 here
    before=$(number)
    if [ "$want" = good ]; then
        check "$sentence" dfu "$@"
        wait_for 20 back "$before"
    else
        check "$sentence" refused dfu "$@"
    fi
}

# slot_is FILE: read back, the slot begins with it, and the rest of its last page is erased
# (pages behind that keep what they had).  Odd files get a byte more.
slot_is() {
    local size=$(stat -c %s "$1") left
    left=$((size % 1024 ? 1022 - size % 1024 : 0))
    wait_for 20 here
    rm -f "$work/slot"
    dfu -U "$work/slot" || return
    cmp -n "$size" "$1" "$work/slot" &&
        [ "$(tail -c +$((size + 3)) "$work/slot" | head -c $((left > 0 ? left : 0)) |
            tr -d '\377' | wc -c)" = 0 ]
}

# --- files, good and bad ------------------------------------------------------------------
cp $build/probe.bin $build/probe.dfu $build/examples/blinky.bin $build/boot.bin "$work"
cd "$work" || exit
head -c 4096 /dev/urandom >noise.bin
yes "this is a text, not a program" | head -c 4096 >text.bin
head -c 4096 /dev/zero | tr '\0' '\377' >erased.bin
{ cat blinky.bin; head -c 60000 /dev/zero; } >large.bin
head -c 57344 large.bin >largest.bin
head -c 4 blinky.bin >stack_only.bin
: >empty.bin
suffix() { cp "$1" "$2" && dfu-suffix -v "$3" -p "$4" -a "$2" >/dev/null; }
suffix blinky.bin other.dfu 0483 df11
{ head -c 2000 probe.dfu; printf X; tail -c +2002 probe.dfu; } >damaged.dfu
head -c -7 probe.dfu >cut.dfu

cd "$repo/test/host" || exit
board --flash pillbug.bin --boot1 1
check "the kernel enumerates the bootloader" plug
check "lsusb -v reads every descriptor without a complaint" lsusb_is_content $device
check "the kernel has nothing to complain of" dmesg_is_content
check "dfu-util -l finds it, with its serial number" \
    sh -c "dfu-util -l | grep -E 'Found DFU: \[$device\].*serial=\"[0-9A-F]{24}\"'"
keep_plugged

cd "$work" || exit
outcome good "-D blinky.bin"                            -D blinky.bin
check "   is in the slot, and not more of a page"       slot_is blinky.bin
outcome good "-D probe.dfu, a file with a suffix"       -D probe.dfu
check "   is in the slot, without its suffix"           slot_is probe.bin
outcome good "-D probe.bin -R"                          -D probe.bin -R
check "   is in the slot"                               slot_is probe.bin
outcome good "-D the largest file"                      -D largest.bin
check "   is in the slot"                               slot_is largest.bin
outcome good "-D blinky.bin over it"                    -D blinky.bin
outcome bad  "-D noise is refused"                      -D noise.bin
check "   the old program is whole"                     slot_is blinky.bin
outcome bad  "-D a text is refused"                     -D text.bin
outcome bad  "-D a bootloader is refused"               -D boot.bin
outcome bad  "-D erased flash is refused"               -D erased.bin
outcome bad  "-D four bytes are refused"                -D stack_only.bin
outcome bad  "-D nothing is refused"                    -D empty.bin
outcome bad  "-D a file for another device is refused"  -D other.dfu
outcome bad  "-D a file that is not there fails"        -D no_such_file.bin
check "   the old program is still whole"               slot_is blinky.bin
outcome bad  "-U over a file that is there fails"       -U blinky.bin
outcome bad  "-D a file too large fails"                -D large.bin
outcome good "-D blinky.bin after that"                 -D blinky.bin
check "   is in the slot"                               slot_is blinky.bin

outcome good "-U, then -R"                              -U slot_and_reset -R
check "   reads the same"                               cmp slot_and_reset slot

# dfu-util 0.11 takes a file whose suffix is damaged for one without a suffix: it warns,
# sends all of it, and ends well.
outcome good "-D a .dfu with a wrong checksum: a warning" -D damaged.dfu
check "   is in the slot, with its suffix"              slot_is damaged.dfu
outcome good "-D a .dfu cut short: a warning"           -D cut.dfu

# --- blocks of other sizes; dfu-util makes at least 64 of them, bMaxPacketSize0 -------------
head -c 5001 largest.bin >odd.bin
for size in 37 65 100 999 1023; do
    outcome good "-t $size -D odd.bin"                  -t $size -D odd.bin
    check "   is in the slot"                           slot_is odd.bin
    check "-t $size -U"                                 dfu -t $size -U slot_$size
    check "   reads the same, to the flash's last byte" cmp slot slot_$size
done
outcome bad  "-t 2048 -D is refused: it is too much"    -t 2048 -D odd.bin
outcome bad  "-t 2048 -U is, too"                       -t 2048 -U slot_2048
outcome good "-t 65 -D the largest file"                -t 65 -D largest.bin
check "   is in the slot"                               slot_is largest.bin
wait_for 20 here
(sleep 1; control unplug >/dev/null) &
outcome bad  "-t 100 -D with the plug pulled fails"     -t 100 -D largest.bin
control plug >/dev/null
outcome good "-t 999 -D blinky.bin after that"          -t 999 -D blinky.bin
check "   is in the slot"                               slot_is blinky.bin

# --- the plug pulled in the middle ---------------------------------------------------------
wait_for 20 here
(sleep 1; control unplug >/dev/null) &
outcome bad  "-D with the plug pulled fails"            -D largest.bin
control plug >/dev/null
outcome good "-D blinky.bin after that"                 -D blinky.bin
check "   is in the slot"                               slot_is blinky.bin

# --- leaving it -----------------------------------------------------------------------------
control boot1 0 >/dev/null
gone_from_bus() { ! here; }
check "with the jumper low, -D probe.bin"               dfu -D probe.bin
check "   starts the probe"                             wait_for 20 test -c /dev/ttyACM1
finish
