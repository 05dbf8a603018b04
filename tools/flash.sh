#!/bin/sh
# flash.sh IMAGE - `make flash`: writes the whole chip (bootloader and probe) through an
# ST-Link, with OpenOCD or else st-flash.  Says what is missing when something is.
set -u
image=$1

if [ "${PROBE:-stlink}" != stlink ]; then
    echo "PROBE=$PROBE is not known here: this version writes through an ST-Link only."
    exit 1
fi
echo "Writing $image to 0x08000000 through an ST-Link."
echo "Wires: ST-Link SWDIO, SWCLK, GND, 3.3V to the four-pin header of the Blue Pill;" \
     "BOOT1 jumper at 1, so that the probe does not take the debug pins away."
if command -v openocd >/dev/null; then
    openocd -f interface/stlink.cfg -f target/stm32f1x.cfg \
        -c "reset_config none" -c "program $image 0x08000000 verify reset exit" && {
        echo "Written and verified.  Put BOOT1 back to 0 and plug the board into USB."
        exit 0
    }
elif command -v st-flash >/dev/null; then
    st-flash --reset write "$image" 0x08000000 && {
        echo "Written.  Put BOOT1 back to 0 and plug the board into USB."
        exit 0
    }
else
    echo "Neither openocd nor st-flash is installed.  On Debian: apt-get install openocd"
    exit 1
fi
echo "That did not work.  Is the ST-Link plugged in, and the board powered?  A chip that" \
     "answers with a wrong id may be a clone: try openocd with -c 'set CPUTAPID 0'."
exit 1
