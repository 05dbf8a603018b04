@ start.s - vectors of the programs in this folder: reset, and interrupt 20 (USB).
    .syntax unified
    .cpu cortex-m3
    .thumb
    .section .vectors, "a"
    .word 0x20005000, program
    .rept 34
    .word hang
    .endr
    .word usb_poll
    .text
    .thumb_func
hang: b hang
