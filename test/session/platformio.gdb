# What PlatformIO 6.1 has gdb do with debug_tool = blackmagic: its script (blackmagic.py, with the
# defaults debug_load_cmds = load and debug_init_break = tbreak main), then what its buttons send.
define pio_reset_halt_target
    set language c
    set *0xE000ED0C = 0x05FA0004
    set $busy = (*0xE000ED0C & 0x4)
    while ($busy)
        set $busy = (*0xE000ED0C & 0x4)
    end
    set language auto
end
define pio_reset_run_target
    pio_reset_halt_target
end
set pagination off
set confirm off
file $PILLBUG_ELF
target extended-remote localhost:$PILLBUG_GDB
monitor swdp_scan
# expect: 1\s
attach 1
set mem inaccessible-by-default off
load
# expect: Transfer rate
tbreak main
set language c
set *0xE000ED0C = 0x05FA0004
set $busy = (*0xE000ED0C & 0x4)
while ($busy)
    set $busy = (*0xE000ED0C & 0x4)
end
set language auto
define pio_restart_target
    pio_reset_halt_target
    tbreak main
    continue
end
echo PlatformIO: Initialization completed\n
# expect: Initialization completed
continue
# expect: Temporary breakpoint 1, main
# the user's
break take_reading
continue
# expect: Breakpoint 2, take_reading
next
backtrace
# expect: #1 [^\n]*main
pio_restart_target
# expect: Temporary breakpoint 3, main
continue
# expect: Breakpoint 2, take_reading
print thermometer.count
# expect: = 0
# Stop
pio_reset_run_target
quit
