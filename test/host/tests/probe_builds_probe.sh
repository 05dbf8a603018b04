# The probe builds a probe: `make flash` writes the whole image through a virtual Pillbug
# into an STM32F103 behind it; that chip, put on a board of its own, is a Pillbug.
. ./lib.sh

# As at a desk, with an image that is built already (the repository is read-only here).
make_flash() { make -s -C $repo -o firmware BUILD=$build VERSION=built "$@" flash; }
holds_image() { cmp -n "$(stat -c %s $build/pillbug.bin)" $build/pillbug.bin "$1"; }
rest_is_erased() {
    [ "$(tail -c +$(($(stat -c %s $build/pillbug.bin) + 1)) "$1" | tr -d '\377' | wc -c)" = 0 ]
}

# with PROBE: it is written, taken out, and started.
with() {
    local made=log/made-by-$1.bin
    board --flash pillbug.bin --target stm32f103 --dump-target $made
    check "$1: the probe is plugged in" plug
    wait_for 5 test -c /dev/ttyACM1
    check "make flash PROBE=$1" make_flash PROBE=$1
    stop_board
    check "   the chip holds pillbug.bin" holds_image $build/$made
    check "   and nothing else" rest_is_erased $build/$made

    board --flash $made --target samd21
    check "   it enumerates on a board of its own" plug
    wait_for 5 test -c /dev/ttyACM1
    check "   and gdb debugs with it" env PILLBUG_GDB=/dev/ttyACM0 PILLBUG_CHIP=samd21 \
        PILLBUG_ELF=$build/examples/demo-samd21.elf \
        python3 $repo/test/session/script_session.py short
    stop_board
}

with cmsis-dap
with pillbug
echo "$passed passed, $failed failed"
[ $failed = 0 ]
