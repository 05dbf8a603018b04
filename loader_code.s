@ loader_code.s - the program that our flash jobs run in the target's RAM.
@
@ It programs what lies in one slot while the probe fills the other, so the flash controller
@ never waits for the wire.  loader.c puts it at the start of the target's RAM and starts it;
@ nothing here knows where that is.  ARMv6-M instructions only: the same code runs on every
@ Cortex-M.  It uses no stack and takes no interrupts (PRIMASK is set).
@
@ How flash is erased and programmed it does not know either: it follows the controller's
@ steps (struct step in flash.h), which lie behind it as they lie in our tables.
@
@ A slot (struct header in loader.c) holds a chunk of a piece, and what is to be done:
@   1. FIRST bytes of the piece are summed up.  They are as they should be: on to 4.
@   2. They are looked through.  They are not blank: their block is erased.
@   3. The chunk's data are programmed.
@   4. WHOLE bytes of the piece are summed up, as they now read from the flash.
@ A number of 0 leaves that out.  With LOOK in GO only step 2's finding is wanted, and with
@ PROGRAM the piece is known to be blank.
@ loader.c compares; here nothing is judged.  Slots are served in turn, for ever.
@
@ Sources: ES096 2.2.8 (BSY comes a cycle late: a step takes longer); DDI 0419 (ARMv6-M).

        .syntax unified
        .thumb
        .cpu    cortex-m0

        .equ    NEXT, 0                 @ the slot to be served after this one
        .equ    CONTROLLER, 4           @ its registers' address
        .equ    PIECE, 8
        .equ    NUMBER, 12              @ of the block: what PUT_NUMBER puts, shifted
        .equ    FIRST, 16
        .equ    TO, 20                  @ where in the piece the data go
        .equ    WHOLE, 24
        .equ    SUM, 28                 @ of the piece as it should be; then as it is; to LOOK:
                                        @ how many bytes from the first that is not blank
        .equ    GO, 32                  @ not 0: served; 0: the probe may fill it
        .equ    DATA, 36                @ 256 bytes
        .equ    LOOK, 2                 @ in GO
        .equ    PROGRAM, 3

        .section .rodata.loader, "a"
        .balign 4
        .global loader_code

@ r7 slot, r6 controller, r9 0: the piece is as it should be.
loader_code:
        adr     r7, slots
serve:
        ldr     r0, [r7, #GO]
        cmp     r0, #0
        beq     serve
        cmp     r0, #PROGRAM
        bne     1f
        mov     r9, r0
1:      ldr     r6, [r7, #CONTROLLER]
        ldr     r0, feed                @ a watchdog that runs with the core
        ldr     r1, feed_at
        str     r0, [r1]
        ldr     r2, [r7, #FIRST]
        cmp     r2, #0
        beq     program
        ldr     r0, [r7, #GO]
        cmp     r0, #LOOK
        beq     look
        ldr     r3, [r7, #PIECE]        @ its first word tells of most that they are not so
        ldr     r3, [r3]
        ldr     r4, [r7, #DATA]
        mov     r9, r7                  @ not 0
        cmp     r3, r4
        bne     look
        bl      sum_up
        ldr     r1, [r7, #SUM]
        subs    r0, r1
        mov     r9, r0
        beq     written
look:
        ldr     r2, [r7, #FIRST]
        ldr     r3, [r7, #PIECE]
        mov     r1, r3
2:      ldmia   r1!, {r0}
        adds    r0, #1
        bne     3f
        subs    r2, #4
        bne     2b
3:      ldr     r0, [r7, #GO]
        cmp     r0, #LOOK
        beq     answer                  @ r2 bytes
        cmp     r2, #0
        beq     program
        adr     r5, steps               @ erase
        bl      follow
program:
        mov     r0, r9
        cmp     r0, #0
        beq     written
        ldr     r3, [r7, #TO]
        movs    r4, #DATA
        adds    r4, r7
1:      adr     r5, steps
        ldr     r0, program_at
        adds    r5, r0
        bl      follow                  @ r3, r4 are behind what was stored
        lsls    r0, r3, #32 - 8         @ 256 bytes: the chunk
        bne     1b
written:
        ldr     r2, [r7, #WHOLE]
        bl      sum_up
        mov     r2, r0
answer:
        str     r2, [r7, #SUM]
        movs    r0, #0
        str     r0, [r7, #GO]
        ldr     r7, [r7, #NEXT]
        b       serve

@ r0 := the sum of r2 bytes of the piece.  A step cannot be undone by another word, so any
@ damage to one word shows, and to several with odds of 4,000,000,000 to 1.
sum_up:
        ldr     r0, factor
        mov     r3, r0
        movs    r4, #15
        ldr     r1, [r7, #PIECE]
        cmp     r2, #0
        beq     2f
1:      ldmia   r1!, {r5}
        eors    r0, r5
        muls    r0, r3, r0
        rors    r0, r4
        subs    r2, #4
        bne     1b
2:      bx      lr

@ The steps from r5 on, up to END.  r3 the address they are about, r4 the data.  In each: r0
@ the verb, r1 the value, r2 the register's address.
follow:
        ldrb    r2, [r5, #1]
        lsls    r2, #2
        adds    r2, r6
        ldrh    r1, [r5, #2]
        ldrb    r0, [r5]
        adds    r5, #4
        lsls    r0, #25                 @ HIGH to carry
        bcc     1f
        lsls    r1, #16
1:      lsrs    r0, #24                 @ twice the verb: the table's step
        add     pc, r0
        nop
        b       end
        b       put
        b       put_address
        b       put_number
        b       set
        b       wait_clear
        b       wait_set
        b       store
@ UNTIL: the data that follow belong to it, too.
        subs    r1, #1
        tst     r3, r1
        beq     follow
        bx      lr
@ As many bytes as the controller takes in one go.
store:
        ldr     r1, burst
        adds    r1, r3
        ldr     r2, width
        cmp     r2, #2
        beq     2f
        bhi     3f
1:      ldrb    r0, [r4]
        strb    r0, [r3]
        adds    r4, #1
        adds    r3, #1
        cmp     r3, r1
        bne     1b
        b       follow
2:      ldrh    r0, [r4]
        strh    r0, [r3]
        adds    r4, #2
        adds    r3, #2
        cmp     r3, r1
        bne     2b
        b       follow
3:      ldmia   r4!, {r0}
        stmia   r3!, {r0}
        cmp     r3, r1
        bne     3b
        b       follow
put_address:
        mov     r1, r3
        ldr     r0, address_shift
        lsrs    r1, r0
        b       put
put_number:
        ldr     r0, [r7, #NUMBER]
        b       4f
set:
        ldr     r0, [r2]
4:      orrs    r1, r0
put:
        str     r1, [r2]
        b       follow
wait_clear:
        ldr     r0, [r2]
        tst     r0, r1
        bne     wait_clear
        b       follow
wait_set:
        ldr     r0, [r2]
        tst     r0, r1
        beq     wait_set
        b       follow
end:
        bx      lr

        .balign 4
factor:     .word 0x9E3779B1
@ From here on loader.c fills in (struct settings).
feed_at:    .word 0
feed:       .word 0
address_shift: .word 0
width:      .word 0
burst:      .word 0
program_at: .word 0                     @ where its steps begin, behind those of erase
steps:      .space 16 * 4               @ at LOADER_CODE; LOADER_STEPS of them
slots:                                  @ two of them follow
