@ swd_words.s - the words of a block over SWD, in straight lines.
@
@   uint32_t swd_words(uint32_t request, struct wire_block *block, const uint32_t crh[2],
@                      bool full)
@
@ Sends the request and moves one word a turn, until the block is done or an answer is not
@ OK.  There are two loops: `full` is the quickest the pins allow; `even` has nops, so that
@ clock and data are even and slower.  Returns the last answer as it was heard, its first bit
@ highest (1 is FAULT, 2 WAIT, 4 OK), or 8 for a word of the wrong parity; block tells how far
@ it came.  crh is how SWD_PORT.CRH drives SWDIO, and how it listens.
@
@ WAIT is asked again at once, which is quicker than anything around it; each one adds an idle
@ clock behind what is written.
@
@ What the pins do is told at the head of swd.c.  Each register keeps its meaning all through:
@
@   r0   low     SWCLK low                       r7   high    SWCLK high
@   r1   bits    to be sent; a count              r8   bytes   of the next word
@   r2   idle    clocks behind a write            r9   tries   until WAIT is the answer
@   r3   left    words                            r10  listen  } for CRH
@   r4   sample  IDR; a count                     r12  drive   }
@   r5   level   what the next falling edge       r11  fold    the word, folded to its parity
@                stores; what was heard           lr   request and above it, from bit 9 on,
@   r6   port                                                  how often it may be asked
@
@ A store waits for the store before it, so an instruction between two costs nothing: there
@ the parity is worked out.  16-bit instructions are wanted where bits are moved, for the
@ flash brings 8 bytes at a time: so the registers of the bits are low ones.
@
@ Source: ARM IHI 0031 (ADIv5.2) B4.  docs/speed.md tells what else was tried.
#include "board.h"

        .syntax unified
        .thumb
        .cpu    cortex-m3

        .equ    CRH, 4                  @ RM0008 9.2
        .equ    IDR, 8
        .equ    BSRR, 16
        .equ    DIO, SWDIO_PIN
        .equ    CLOCK_HIGH, 1 << SWCLK_PIN
        .equ    CLOCK_LOW, CLOCK_HIGH << 16
        .equ    BOTH_LOW, CLOCK_LOW | 1 << (SWDIO_PIN + 16)
        .equ    READING, 4              @ in the request
        .equ    OK, 4                   @ answers
        .equ    WAIT, 2
        .equ    ODD, 8

low     .req    r0
bits    .req    r1
idle    .req    r2
left    .req    r3
sample  .req    r4
level   .req    r5
port    .req    r6
high    .req    r7
bytes   .req    r8
tries   .req    r9
listen  .req    r10
fold    .req    r11
drive   .req    r12
request .req    lr

@ The clock falls, and what level holds appears; the clock rises, and the target acts.
        .macro  falls with
        str     \with, [port, #BSRR]
        .endm
        .macro  rises
        str     high, [port, #BSRR]
        .endm
        .macro  wait nops
        .rept   \nops
        nop
        .endr
        .endm

@ n bits, least significant first.
        .macro  send n, pad
        .rept   \n
        falls   level
        bfi     level, bits, #DIO, #1
        wait    \pad
        rises
        lsrs    bits, bits, #1
        wait    \pad
        .endr
        .endm

@ The same as a turn of a loop that counts sample down; its jump is the last bit's nops.
        .macro  send_turn n
        send    \n - 1, 2
        falls   level
        bfi     level, bits, #DIO, #1
        lsrs    bits, bits, #1
        subs    sample, #1
        rises
        .endm

@ n bits, into the top of level.  An insert takes the pin and the pins below it out of the
@ sample; the next one, a place lower, writes over what was not wanted.
        .macro  hear n, pad
        .set    place, 31 - DIO
        .rept   \n
        falls   low
        ldr     sample, [port, #IDR]
        rises
        bfi     level, sample, #place, #DIO + 1
        wait    \pad / 2
        .set    place, place - 1
        .endr
        .endm

        .section .text.swd_words, "ax"
        .global swd_words
        .type   swd_words, %function
        .thumb_func
swd_words:
        cmp     r3, #0                  @ full?  Nothing up to the branch changes the flags
        push    {r1, r4-r11, lr}
        ldr     tries, [r1, #12]
        orr     request, r0, tries, lsl #9
        ldr     drive, [r2]
        ldr     listen, [r2, #4]
        ldr     bytes, [r1]
        ldrd    left, idle, [r1, #4]
        ldr     port, =SWD_PORT
        mov     high, #CLOCK_HIGH
        mov     low, #CLOCK_LOW
        beq     even

@ A loop; pad is 0 or 2, step the bits heard in a turn.  A turn begins with a line of flash,
@ or late halfwords after it: this is what was found to be quickest.
        .macro  words pad, step, late
        .balign 8
        wait    \late
next_to_write\@:
        ldr     fold, [bytes]
@ The request; its last bit is Park, 1, so SWDIO is high when we let go.
again\@:
        mov     bits, request
        mov     level, #BOTH_LOW
        bfi     level, bits, #DIO, #1
        lsrs    bits, bits, #1
        .if     \pad
        movs    sample, #2
        .balign 8
1:      send_turn 4
        bne     1b
        .else
        .balign 8
        send    8, 0
        .endif
        str     listen, [port, #CRH]
        eor     fold, fold, fold, lsr #16
        wait    \pad
        falls   low                     @ the turnaround
        eor     fold, fold, fold, lsr #8
        wait    \pad
        rises
        eor     fold, fold, fold, lsr #4
        wait    \pad
        hear    3, \pad
        lsrs    level, level, #29
        cmp     level, #OK
        bne     not_ok\@
        mov     tries, bits             @ what stood above the request
        tst     request, #READING
        beq     write\@

        movs    bits, #32 / \step
        .balign 8
1:      hear    \step, \pad
        lsrs    level, level, #32 - \step
        orr     fold, level, fold, lsl #\step
        subs    bits, #1
        bne     1b
        falls   low                     @ the parity
        ldr     sample, [port, #IDR]
        rises
        eor     bits, fold, fold, lsr #16
        eor     bits, bits, bits, lsr #8
        falls   low                     @ the turnaround
        eor     bits, bits, bits, lsr #4
        rbit    fold, fold
        wait    \pad / 2
        rises
        eor     bits, bits, bits, lsr #2
        str     drive, [port, #CRH]
        eor     bits, bits, bits, lsr #1
        eor     bits, bits, sample, lsr #DIO
        lsrs    bits, bits, #1
        bcs     odd
        str     fold, [bytes], #4
        movs    bits, idle
        bne     idle_after_read\@
        subs    left, #1
        bne     again\@
        b       moved
idle_after_read\@:
        mov     level, #BOTH_LOW
        b       idle\@

write\@:
        falls   low                     @ the turnaround
        ldr     bits, [bytes], #4
        mov     level, #BOTH_LOW
        wait    \pad / 2
        rises
        eor     fold, fold, fold, lsr #2
        str     drive, [port, #CRH]
        bfi     level, bits, #DIO, #1
        lsrs    bits, bits, #1
        eor     fold, fold, fold, lsr #1
        .if     \pad
        movs    sample, #4
        .balign 8
1:      send_turn 8
        bne     1b
        .else
        .balign 8
        send    32, 0
        .endif
        bfi     level, fold, #DIO, #1
        wait    \pad
        falls   level                   @ the parity
        mov     level, #BOTH_LOW
        movs    bits, idle
        wait    \pad / 2
        rises
        wait    \pad
        beq     written\@
idle\@: falls   level
        subs    bits, #1
        wait    2
        rises
        bne     idle\@
written\@:
        subs    left, #1
        bne     next_to_write\@
        b       moved

not_ok\@:
        cmp     level, #WAIT
        bne     leave
        subs    tries, #1
        beq     leave
        falls   low                     @ the turnaround
        tst     request, #READING
        it      eq
        addeq   idle, #1
        rises
        str     drive, [port, #CRH]
        b       next_to_write\@
        .endm

        words   0, 16, 2
even:
        words   2, 8, 0

odd:
        movs    level, #ODD
        b       leave
moved:
        movs    level, #OK
leave:
        mov     r0, level
        pop     {r1}
        str     bytes, [r1]
        strd    left, idle, [r1, #4]
        pop     {r4-r11, pc}
        .ltorg
        .size   swd_words, . - swd_words
