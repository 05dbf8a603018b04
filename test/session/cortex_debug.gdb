# What the VS Code extension cortex-debug sends for "servertype": "bmp", then a breakpoint.
set pagination off
set confirm off
file $PILLBUG_ELF
target extended-remote localhost:$PILLBUG_GDB
monitor swdp_scan
# expect: Available Targets|1\s
attach 1
set mem inaccessible-by-default off
load
# expect: Transfer rate
compare-sections
# expect: matched
monitor traceswo
break main
run
# expect: Breakpoint 1, main
x/4wx 0xE000ED00
# expect: 0xe000ed00:\s+0x41
tbreak take_reading
continue
# expect: take_reading
detach
