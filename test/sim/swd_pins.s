@ swd_pins.s - what swd.c calls, for the image that wire_pins.c runs on the simulated core.
@ The host sets r0 to r3, PC to a function and LR to `done`.
    .syntax unified
    .thumb
    .section .vectors, "a"
    .word 0x20005000, done + 1

    .text
    .macro function name
    .global \name
    .thumb_func
\name:
    .endm

function done
    b     done
function clock_cycles
    ldr   r0, =0xE0001004           @ DWT CYCCNT
    ldr   r0, [r0]
    bx    lr
function clock_hz
    ldr   r0, =72000000
    bx    lr
function interrupts_off
    movs  r0, #0
    bx    lr
function interrupts_restore
    bx    lr
function watchdog_feed
    bx    lr
    .ltorg
