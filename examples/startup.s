@ startup.s - from reset to main(), for every example here: vectors, .data, .bss.
@ Runs on any Cortex-M, so it uses Armv6-M instructions only.

    .syntax unified
    .cpu    cortex-m0plus
    .thumb

    .section .vectors, "a"
    .word   stack_top
    .word   reset
    .rept   14
    .word   trap                        @ NMI, HardFault, ... SysTick
    .endr
    .ifndef IRQS                        @ a chip with more says so to the assembler
    .set    IRQS, 44
    .endif
    .rept   IRQS
    .word   interrupt                   @ every peripheral of the chip
    .endr
    .weak   interrupt                   @ a program that wants interrupts defines it
    .thumb_set interrupt, trap

    .text
    .global reset
    .type   reset, %function
    .thumb_func
reset:
    .cfi_startproc
    ldr     r0, =data_start
    ldr     r1, =data_end
    ldr     r2, =data_load
1:  cmp     r0, r1
    bhs     2f
    ldmia   r2!, {r3}
    stmia   r0!, {r3}
    b       1b
2:  ldr     r1, =bss_end
    movs    r3, #0
3:  cmp     r0, r1
    bhs     4f
    stmia   r0!, {r3}
    b       3b
4:  bl      main
    .cfi_endproc
    .size   reset, . - reset

    .type   trap, %function
    .thumb_func
trap:                                   @ no debugger caught it: wait for one
    .cfi_startproc
    b       trap
    .cfi_endproc
    .size   trap, . - trap
