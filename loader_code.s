@ loader_code.s - the program that our flash jobs run in the target's RAM.
@
@ It programs what lies in one slot while the probe fills the other, so the flash
@ controller never waits for the wire.  loader.c puts it at the start of the target's RAM
@ and starts it; nothing here knows where that is.  ARMv6-M instructions only: the same
@ code runs on every Cortex-M.  It uses no stack and takes no interrupts (PRIMASK is set).
@
@ A slot (struct slot in loader.c) holds a chunk of a page.  The first chunk of a
@ page looks at the page before: what holds the right data already is left alone, what is
@ not erased is erased.  The last one sums the page up as it now reads from the flash.
@ loader.c compares; here nothing is judged.  Slots are served in turn, for ever.
@
@ Sources: SAM D21 data sheet DS40001882 chapter 22 (NVMCTRL); PM0075 2.3 and 3 (FPEC);
@ ES096 2.2.8 (BSY comes a cycle late); RM0008 19.4 (IWDG); DDI 0419 (ARMv6-M).

        .syntax unified
        .thumb
        .cpu    cortex-m0

        .equ    NEXT, 0                 @ the slot to be served after this one
        .equ    CONTROLLER, 4           @ NVMCTRL or FPEC, of this page's bank
        .equ    PAGE, 8
        .equ    TO, 12                  @ where in the page the data go
        .equ    FIRST, 16               @ first chunk: bytes of the page, otherwise 0
        .equ    LAST, 20                @ last chunk: bytes of the page, otherwise 0
        .equ    SUM, 24                 @ of the page as it should be; last: as it is
        .equ    GO, 28                  @ not 0: served; 0: the probe may fill it
        .equ    DATA, 32                @ 256 bytes

        .equ    ADDR, 0x1C              @ NVMCTRL
        .equ    INTFLAG, 0x14
        .equ    SR, 0x0C                @ FPEC
        .equ    CR, 0x10
        .equ    AR, 0x14

        .section .rodata.loader, "a"
        .balign 4
        .global loader_code

@ It begins with where to begin, for each family.
@ r7 slot, r6 controller, r8 the family's routine, r9 0: the page is as it should be.
loader_code:
        adr     r0, samd                @ LOADER_SAMD, 0
        b       1f
        adr     r0, stm32               @ LOADER_STM32, 4
1:      mov     r8, r0
        adr     r7, slots
next:
        ldr     r0, [r7, #GO]
        cmp     r0, #0
        beq     next
        ldr     r6, [r7, #CONTROLLER]
        ldr     r2, [r7, #FIRST]
        cmp     r2, #0
        beq     program
        bl      sum_up
        ldr     r1, [r7, #SUM]
        subs    r0, r1
        mov     r9, r0
        ldr     r1, [r7, #PAGE]
        ldr     r2, [r7, #FIRST]
2:      ldmia   r1!, {r0}               @ erased already?
        adds    r0, #1
        bne     program                 @ no, and r2 is not 0
        subs    r2, #4
        bne     2b
program:
        mov     r0, r9
        cmp     r0, #0
        beq     written
        ldr     r1, [r7, #PAGE]
        ldr     r3, [r7, #TO]
        movs    r4, #DATA
        adds    r4, r7
        mov     pc, r8
written:
        ldr     r2, [r7, #LAST]
        bl      sum_up
        str     r0, [r7, #SUM]
        movs    r0, #0
        str     r0, [r7, #GO]
        ldr     r7, [r7, #NEXT]
        b       next

@ r0 := the sum of r2 bytes of the page.  A step cannot be undone by another word, so any
@ damage to one word shows, and to several with odds of 4,000,000,000 to 1.
sum_up:
        ldr     r0, factor
        mov     r3, r0
        movs    r4, #15
        ldr     r1, [r7, #PAGE]
        cmp     r2, #0
        beq     2f
1:      ldmia   r1!, {r5}
        eors    r0, r5
        muls    r0, r3, r0
        rors    r0, r4
        subs    r2, #4
        bne     1b
2:      bx      lr

@ The families.  r1 page, r2 not 0: erase it, r3 where to, r4 from where.
        .balign 4
samd:
        movs    r5, #0xA5               @ the key of all commands
        lsls    r5, #8
        cmp     r2, #0
        beq     1f
        lsrs    r1, #1                  @ ADDR counts halfwords
        str     r1, [r6, #ADDR]
        adds    r0, r5, #0x02           @ erase row
        bl      samd_command
1:      ldmia   r4!, {r0, r1}           @ into the page buffer
        stmia   r3!, {r0, r1}
        lsls    r0, r3, #32 - 6         @ 64 bytes: a page
        bne     1b
        adds    r0, r5, #0x04           @ write page
        bl      samd_command
        lsls    r0, r3, #32 - 8         @ 256 bytes: the row
        bne     1b
        b       written
samd_command:
        str     r0, [r6]
1:      ldr     r0, [r6, #INTFLAG]
        lsrs    r0, #1                  @ READY
        bcc     1b
        bx      lr

@ A store to flash that is busy waits on the bus: no polling between halfwords.
        .balign 4
stm32:
        ldr     r5, iwdg                @ if the watchdog runs, it is ours to feed
        ldr     r0, iwdg_feed
        str     r0, [r5]
        cmp     r2, #0
        beq     1f
        movs    r0, #0x02               @ PER
        str     r0, [r6, #CR]
        str     r1, [r6, #AR]
        movs    r0, #0x42               @ PER, STRT
        str     r0, [r6, #CR]
        bl      stm32_wait
1:      movs    r0, #0x01               @ PG
        str     r0, [r6, #CR]
2:      ldrh    r0, [r4]
        strh    r0, [r3]
        adds    r4, #2
        adds    r3, #2
        lsls    r0, r3, #32 - 8
        bne     2b
        bl      stm32_wait
        b       written
stm32_wait:
        ldr     r0, [r6, #SR]           @ the first look is too early
1:      ldr     r0, [r6, #SR]
        lsrs    r0, #1                  @ BSY
        bcs     1b
        bx      lr

        .balign 4
factor:     .word 0x9E3779B1
iwdg:       .word 0x40003000
iwdg_feed:  .word 0xAAAA
        .space  224 - (. - loader_code) @ LOADER_CODE
slots:                                  @ two of them follow
