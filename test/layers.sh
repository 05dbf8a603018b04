#!/bin/sh
# layers.sh - does every firmware file include only what its layer may know?
#
# The table is the one in the README: a file may include its own header, those of lower
# layers, and the ones listed beside it.  sim/ and the firmware include nothing of each
# other: they are two independent readings of the manual.
set -u
cd "$(dirname "$0")/.."

# file: headers it may include
table='
boot.c:       backup.h board.h clock.h crash.h dfu.h selfflash.h usb.h
probe.c:      stm32f103.h board.h clock.h crash.h backup.h dfu.h usb.h cdc.h uart.h gdb_remote.h cmsis_dap.h
cmsis_dap.c:  cmsis_dap.h mem.h target.h wire.h swd.h usb.h clock.h stm32f103.h
gdb_remote.c: gdb_remote.h gdb_server.h gdb_xml.h swbreak.h rsp.h monitor.h mem.h
gdb_run.c:    gdb_remote.h gdb_server.h fault.h swbreak.h rsp.h clock.h
gdb_memory.c: gdb_server.h gdb_xml.h swbreak.h rsp.h mem.h cdc.h clock.h crc.h
gdb_xml.c:    gdb_xml.h rsp.h print.h hex.h target.h cortexm.h error.h
swbreak.c:    swbreak.h gdb_xml.h mem.h target.h cortexm.h error.h
rsp.c:        rsp.h hex.h print.h cdc.h clock.h
monitor.c:    monitor.h board.h hex.h print.h rsp.h gdb_remote.h gdb_server.h cdc.h uart.h target.h cortexm.h adi.h wire.h error.h clock.h crash.h
print.c:      print.h hex.h
hex.c:        hex.h
uart.c:       uart.h mem.h cdc.h clock.h settings.h stm32f103.h board.h
settings.c:   settings.h stm32f103.h
target.c:     target.h flash.h loader.h cortexm.h adi.h wire.h error.h clock.h
flash_job.c:  flash.h loader.h adi.h clock.h
options.c:    flash.h adi.h
crc.c:        crc.h stm32f103.h
loader.c:     loader.h adi.h clock.h
flash_samd.c: flash.h target.h cortexm.h adi.h error.h clock.h
flash_stm32.c: flash.h target.h cortexm.h adi.h error.h clock.h
fault.c:      fault.h target.h cortexm.h adi.h
cortexm.c:    cortexm.h adi.h error.h clock.h
adi.c:        adi.h wire.h error.h clock.h mem.h
wire.c:       wire.h swd.h stm32f103.h board.h clock.h
swd.c:        swd.h wire.h stm32f103.h board.h clock.h
cdc.c:        cdc.h usb.h mem.h stm32f103.h
usb.c:        usb.h usb_ep.h mem.h clock.h stm32f103.h
usb_ep.c:     usb_ep.h stm32f103.h board.h clock.h
deadline.c:   clock.h
pin.c:        stm32f103.h
clock.c:      clock.h stm32f103.h board.h
dfu.c:        dfu.h selfflash.h clock.h mem.h
selfflash.c:  selfflash.h clock.h stm32f103.h
crash.c:      crash.h backup.h stm32f103.h
backup.c:     backup.h stm32f103.h
error.c:      error.h
mem.c:        mem.h
'
bad=0
for file in *.c; do
    allowed=$(echo "$table" | sed -n "s/^$file: *//p")
    if [ -z "$allowed" ]; then
        echo "$file stands in no layer: add it to the table in test/layers.sh"
        bad=1
        continue
    fi
    for header in $(sed -n 's/^#include "\(.*\)"/\1/p' "$file"); do
        case " $allowed " in
        *" $header "*) ;;
        *) echo "$file may not include $header"; bad=1 ;;
        esac
    done
done
for file in sim/*.[ch]; do
    for header in $(sed -n 's/^#include "\(.*\)"/\1/p' "$file"); do
        [ -e "sim/$header" ] || { echo "$file includes $header, which is not the simulator's"; bad=1; }
    done
done
exit $bad
