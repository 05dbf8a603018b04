# Three stores in a row and a return, in RAM: gdb tells each of them, where it is done.
set pagination off
set confirm off
set arch armv7
target extended-remote localhost:$PILLBUG_GDB
monitor swdp_scan
attach 1
# movs r0, #11; str r0, [r1]; movs r0, #22; str r0, [r1]; str r2, [r1]; bx lr; b .
set {short[7]}0x20000400 = {0x200b, 0x6008, 0x2016, 0x6008, 0x600a, 0x4770, 0xe7fe}
set {int}0x20000500 = 5
set $r1 = 0x20000500
set $r2 = 33
set $lr = 0x2000040d
set $sp = 0x20000480
set $pc = 0x20000400
set $xpsr = 0x01000000
watch *(int*)0x20000500
continue
# expect: Old value = 5\s+New value = 11
p/x $pc
# expect: 0x20000404
continue
# expect: Old value = 11\s+New value = 22
continue
# expect: Old value = 22\s+New value = 33
p/x $pc
# expect: 0x2000040a
stepi
p/x $pc
# expect: 0x2000040c
delete
set $pc = 0x20000400
watch *(int*)0x20000500 if *(int*)0x20000500 > 20
continue
# expect: New value = 22
delete
set $pc = 0x20000400
watch *(int*)0x20000500
stepi
p/x $pc
# expect: 0x20000402
stepi
# expect: New value = 11
p/x $pc
# expect: 0x20000404
detach
