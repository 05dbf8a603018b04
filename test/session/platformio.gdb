# What PlatformIO sends with debug_tool = blackmagic (upload, then debugging).
define pio_reset_halt_target
    monitor swdp_scan
    attach 1
    set mem inaccessible-by-default off
end
define pio_reset_run_target
    pio_reset_halt_target
end
set pagination off
set confirm off
set mi-async on
file $PILLBUG_ELF
target extended-remote localhost:$PILLBUG_GDB
monitor swdp_scan
# expect: 1\s
attach 1
set mem inaccessible-by-default off
load
# expect: Transfer rate
tbreak main
run
# expect: main
compare-sections
# expect: matched
kill
# expect: killed|Inferior
