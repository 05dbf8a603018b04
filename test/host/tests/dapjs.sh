# A CMSIS-DAP host that nobody here wrote: dapjs on node, see dapjs/session.js.
. ./lib.sh

board --flash pillbug.bin --target samd21:examples/demo-samd21.elf
check "the probe is plugged in" plug
NODE_PATH=$build/dapjs/node_modules timeout 120 node dapjs/session.js >"$work/session" 2>&1
add_summary "$work/session"
finish
