# A short session: what a look at a chip takes.  Its waveform is what sigrok judges.
set pagination off
set confirm off
file $PILLBUG_ELF
target extended-remote localhost:$PILLBUG_GDB
monitor swdp_scan
# expect: 1\s
attach 1
info registers
# expect: xpsr
x/32wx 0x20000000
# expect: 0x20000000
set var *(int *)0x20000100 = 0x12345678
print/x *(int *)0x20000100
# expect: 0x12345678
print/x *(char *)0x20000101
# expect: 0x56
stepi
detach
