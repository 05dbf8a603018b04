# A program with hard floats on a Cortex-M4: gdb shows the FPU's registers, changes them, calls
# functions with them, and sees them in a handler, before and after the core has saved them.
set pagination off
set confirm off
file $PILLBUG_ELF
target extended-remote localhost:$PILLBUG_GDB
monitor swdp_scan
attach 1
# At reset the FPU is shut, and a debugger may look all the same.
tbreak *main
run
# expect: Temporary breakpoint 1, main
p/x *(int*)0xe000ed88 & 0xf00000
# expect: = 0x0\n
set $d15 = 6.25
p $d15
# expect: = 6.25
tbreak half
continue
# expect: Temporary breakpoint 2, half \(x=3\)
p $s0
# expect: = 3
set $s0 = 5
finish
# expect: Value returned is \$\d+ = 2.5
p half(7)
# expect: = 3.5
p sum(0.5, 2)
# expect: = 2.5
set $d0 = 1.5
p $d0
# expect: = 1.5
p $s0
# expect: = 0\n
p $s1
# expect: = 1.9375
p/x $d0
# expect: = 0x3ff8000000000000
set $s1 = 2
p $d0
# expect: = 2\n
set $fpscr = 0x03000010
p/x $fpscr
# expect: = 0x3000010
maintenance flush register-cache
p/x $fpscr
# expect: = 0x3000010
p $d0
# expect: = 2\n
set $fpscr = 0
info float
info all-registers
# expect: d15 +6.25
# expect: fpscr +0x0
# expect: s31 +2.390625
set $s0 = 12
delete
# The handler does not use it: LSPACT is 1, the registers hold what main() had.
break before_use
continue
# expect: Breakpoint \d+, before_use
p *(int*)0xe000ef34 & 1
# expect: = 1\n
p/x $xpsr & 0x1ff
# expect: = 0xb\n
backtrace
# expect: #1 .*handler.*#2 .*signal handler called.*#3 .*across_svc.*#4 .*main
up 3
p $s15
# expect: = 12\n
down 3
p $s15
# expect: = 12\n
set $s15 = 40
delete
break after_round
continue
# expect: Breakpoint \d+, after_round
p seen
# expect: = 40\n
# It does: its first instruction saves what waits, a debugger's change too.
delete
set var greedy = 1
break before_use
break after_use
continue
# expect: before_use
set $s15 = 48
set $fpscr = 0x90000000
p *(int*)0xe000ef34 & 1
# expect: = 1\n
continue
# expect: after_use
p *(int*)0xe000ef34 & 1
# expect: = 0\n
p/x $fpscr
# expect: = 0x0\n
p $s15
# expect: = 0.5\n
p *(float*)(*(int*)0xe000ef38 + 60)
# expect: = 48\n
# In an outer frame this gdb knows d7, saved; its s15 would be the core's.
up 3
p/x $d7
# expect: = 0x42400000[0-9a-f]{8}\n
down 3
set $s15 = 99
delete
break after_round
continue
p seen
# expect: = 48\n
p weight
# expect: = 0.5\n
detach
