# Debian's OpenOCD drives both chips through the probe, from USB to the flash: the same
# checks as test/judge/openocd.sh makes with no firmware in between.
. ./lib.sh

# openocd_judges CHIP TARGET_CFG
openocd_judges() {
    board --flash pillbug.bin --target $1
    check "the probe is plugged in" plug
    sh $repo/test/judge/settings.sh $build $1 "$work" >"$work/settings.tcl"
    timeout 200 openocd -f interface/cmsis-dap.cfg -c "reset_config none" -f target/$2.cfg \
        -c "adapter speed 8000; gdb_port disabled; telnet_port disabled; tcl_port disabled" \
        -f "$work/settings.tcl" -f $repo/test/judge/openocd.tcl >"$work/said" 2>&1
    echo "  ($1: $SECONDS s)"
    add_summary "$work/said"
    stop_board
}

openocd_judges samd21 at91samdXX
openocd_judges stm32f103 stm32f1x
echo "$passed passed, $failed failed"
[ $failed = 0 ]
