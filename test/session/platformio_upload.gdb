# What PlatformIO has gdb do with upload_protocol = blackmagic, each an -ex.
file $PILLBUG_ELF
target extended-remote localhost:$PILLBUG_GDB
monitor swdp_scan
# expect: 1\s
attach 1
load
# expect: Transfer rate
compare-sections
# expect: Section .*matched
kill
# expect: Inferior 1 .*killed
