/* startup.s - the first instructions, the vectors, and what C cannot say.
 *
 * The processor loads SP and PC from the first two words of the image (ARMv7-M B1.5.5).
 * reset then makes C possible: .data copied, .bss cleared, and interrupts as after reset
 * even when a foreign bootloader left some on.
 *
 * Handlers belong to drivers; where an image lacks the driver, link.ld makes its vector a
 * crash.  A board has its serial port on USART1 or USART2, never both, so both vectors
 * lead to the same driver; the same holds for their DMA channels. */

    .syntax unified
    .cpu    cortex-m3
    .thumb

    .macro function name
    .section .text.\name, "ax"
    .global \name
    .type   \name, %function
    .thumb_func
\name:
    .endm

    .section .vectors, "a"
    .global vectors
vectors:
    .word   stack_top
    .word   reset
    .rept   13                          @ NMI to PendSV: none is expected
    .word   crash_entry
    .endr
    .word   systick_interrupt
    @ RM0008 10.1.2, table 63, medium density: 43 interrupts
    .rept   14                          @  0 to 13
    .word   crash_entry
    .endr
    .word   uart_tx_dma_interrupt       @ 14 DMA1 channel 4: USART1 TX
    .word   uart_rx_dma_interrupt       @ 15         channel 5: USART1 RX
    .word   uart_rx_dma_interrupt       @ 16         channel 6: USART2 RX
    .word   uart_tx_dma_interrupt       @ 17         channel 7: USART2 TX
    .word   crash_entry                 @ 18
    .word   crash_entry                 @ 19 USB high priority: not used
    .word   usb_interrupt               @ 20 USB low priority
    @ The rest is left out of the bootloader: link.ld
    .section .vectors.serial, "a"
    .global serial_vectors
serial_vectors:
    .rept   8                           @ 21 to 28
    .word   crash_entry
    .endr
    .word   uart_timer_interrupt        @ 29 TIM3
    .rept   7                           @ 30 to 36
    .word   crash_entry
    .endr
    .word   uart_interrupt              @ 37 USART1
    .word   uart_interrupt              @ 38 USART2
    .if     . - serial_vectors - (39 - 21) * 4
    .error  "the vector table has the wrong length"
    .endif                              @ 39 to 42 are off from the first instructions on

    function reset
    cpsid   i
    ldr     r0, =stack_top              @ a bootloader may have set SP or may not
    msr     msp, r0
    ldr     r0, =0xE000ED08             @ SCB.VTOR
    ldr     r1, =vectors
    str     r1, [r0]
    ldr     r0, =0xE000E180             @ NVIC.ICER0, ICER1: 43 interrupts off ...
    mov     r1, #-1
    str     r1, [r0]
    str     r1, [r0, #4]
    add     r0, #0x100                  @ ... and NVIC.ICPR: none left pending
    str     r1, [r0]
    str     r1, [r0, #4]

    ldr     r0, =data_start
    ldr     r1, =data_end
    ldr     r2, =data_image
copy:
    cmp     r0, r1
    itt     lo
    ldrlo   r3, [r2], #4
    strlo   r3, [r0], #4
    blo     copy

    ldr     r0, =bss_start
    ldr     r1, =bss_end
    movs    r2, #0                      @ 16 bytes at a time: at 8 MHz it is 2 ms less to USB
    movs    r3, #0
    movs    r4, #0
    movs    r5, #0
clear:
    cmp     r0, r1
    itt     lo
    stmialo r0!, {r2-r5}
    blo     clear

    cpsie   i
    bl      main
    b       crash_entry                 @ main() does not return
    .ltorg

@ Every fault, and every interrupt that nobody serves.  The frame the processor pushed is
@ at SP.  When the stack has run over there is no frame and no room: crash_write() is told
@ so (r0 = 0) and gets the whole stack, whose contents are lost anyway.
    function crash_entry
    mov     r1, lr
    mrs     r0, msp
    ldr     r2, =stack_bottom + 64
    cmp     r0, r2
    ittt    lo
    movlo   r0, #0
    ldrlo   r2, =stack_top
    msrlo   msp, r2
    b       crash_write
    .ltorg

@ uint32_t interrupts_off(void)
    function interrupts_off
    mrs     r0, primask
    cpsid   i
    bx      lr

@ void interrupts_restore(uint32_t state)
    function interrupts_restore
    msr     primask, r0
    bx      lr

@ void faults_off(void), faults_on(void): FAULTMASK
    function faults_off
    cpsid   f
    bx      lr
    function faults_on
    cpsie   f
    bx      lr

@ void wait_for_interrupt(void): WFI ends when an interrupt pends, even one that PRIMASK
@ holds back (ARMv7-M B1.5.19), so "look, then sleep" has no gap between the two.
    function wait_for_interrupt
    dsb
    wfi
    bx      lr

@ void start_image(uint32_t sp, uint32_t entry): as the processor does after reset.
    function start_image
    msr     msp, r0
    mov     lr, #-1
    bx      r1
