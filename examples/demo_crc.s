@ demo_crc.s - the eight tables of a sliced CRC-32, computed by the assembler.
@
@ Table k, entry n is what 8 * (k + 1) steps of the reflected polynomial make of n.

    .syntax unified
    .section .rodata.crc_table, "a"
    .global crc_table
    .balign 4
crc_table:
    .set k, 0
    .rept 8
        .set n, 0
        .rept 256
            .set c, n
            .rept 8 * (k + 1)
                .set c, (c >> 1 & 0x7FFFFFFF) ^ (0xEDB88320 & -(c & 1))
            .endr
            .word c & 0xFFFFFFFF
            .set n, n + 1
        .endr
        .set k, k + 1
    .endr
    .size crc_table, . - crc_table
