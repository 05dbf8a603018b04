/* thumb32.c - the 32-bit Thumb instructions.
 *
 *   called by  cpu.c, through the table      calls  thumb.h
 *
 * An opcode is both halfwords, the first in bits 31:16.  The table at the end follows
 * Armv7-M ARM A5.3; as the first row that matches wins, special cases (TST is ANDS to
 * PC, MOV is ORR from PC, PLD is LDRB to PC) stand above the general one.
 * The data-processing opcodes share one arithmetic unit, alu(), numbered as the
 * instructions' own op field is.
 *
 * The extensions are in thumb_dsp.c and thumb_fp.c; what a core without them meets here of
 * theirs is undefined, or, in coprocessor space, raises NOCP.  Armv6-M has seven of these
 * instructions. */
#include "thumb.h"

/* --- data processing --------------------------------------------------------------- */

/* The op field, bits 24:21; the missing numbers belong to the DSP extension. */
enum { OP_AND, OP_BIC, OP_ORR, OP_ORN, OP_EOR, OP_ADD = 8, OP_ADC = 10, OP_SBC,
       OP_SUB = 13, OP_RSB };

static uint32_t sum(struct cpu *cpu, uint32_t x, uint32_t y, uint32_t carry, bool set_flags)
{
    return set_flags ? add_with_carry(cpu, x, y, carry) : x + y + carry;
}

/* carry is the shifter's, for the logical operations. */
static uint32_t alu(struct cpu *cpu, uint32_t operation, uint32_t x, uint32_t y,
                    uint32_t carry, bool set_flags)
{
    uint32_t result = 0;
    switch (operation) {
    case OP_ADD: return sum(cpu, x, y, 0, set_flags);
    case OP_ADC: return sum(cpu, x, y, cpu->c, set_flags);
    case OP_SBC: return sum(cpu, x, ~y, cpu->c, set_flags);
    case OP_SUB: return sum(cpu, x, ~y, 1, set_flags);
    case OP_RSB: return sum(cpu, ~x, y, 1, set_flags);
    case OP_AND: result = x & y; break;
    case OP_BIC: result = x & ~y; break;
    case OP_ORR: result = x | y; break;
    case OP_ORN: result = x | ~y; break;
    case OP_EOR: result = x ^ y; break;
    }
    if (set_flags) {
        set_nz(cpu, result);
        cpu->c = carry;
    }
    return result;
}

/* The second operand is worked out; the rest is the same for registers and immediates. */
static void data_process(struct cpu *cpu, uint32_t op, uint32_t y, uint32_t carry)
{
    uint32_t operation = bits(op, 21, 4), n = field_n(op), d = field_d(op);
    bool set_flags = bits(op, 20, 1);
    /* ORR and ORN from "PC" are MOV and MVN: their first operand is zero. */
    uint32_t x = n == 15 ? 0 : cpu->r[n];
    uint32_t result = alu(cpu, operation, x, y, carry, set_flags);
    if (d != 15)
        set_reg(cpu, d, result);            /* else TST, TEQ, CMP, CMN: flags only */
}

static void data_shifted(struct cpu *cpu, uint32_t op)
{
    uint32_t amount = bits(op, 12, 3) << 2 | bits(op, 6, 2), carry = cpu->c;
    enum shift type = (enum shift)bits(op, 4, 2);
    if (amount == 0 && type == ROR)
        type = RRX, amount = 1;             /* DecodeImmShift() */
    else if (amount == 0 && type != LSL)
        amount = 32;
    uint32_t y = shift_c(reg(cpu, field_m(op)), type, amount, &carry);
    data_process(cpu, op, y, carry);
}

static uint32_t imm12(uint32_t op)
{
    return bits(op, 26, 1) << 11 | bits(op, 12, 3) << 8 | bits(op, 0, 8);
}

/* ThumbExpandImm_C() */
static uint32_t expand_imm(uint32_t imm, uint32_t *carry)
{
    uint32_t byte = imm & 0xFF;
    switch (imm >> 8) {
    case 0: return byte;
    case 1: return byte << 16 | byte;
    case 2: return byte << 24 | byte << 8;
    case 3: return byte * 0x01010101u;
    }
    return shift_c(0x80 | (imm & 0x7F), ROR, imm >> 7, carry);
}

static void data_imm(struct cpu *cpu, uint32_t op)
{
    uint32_t carry = cpu->c, y = expand_imm(imm12(op), &carry);
    data_process(cpu, op, y, carry);
}

static void shift_by_reg(struct cpu *cpu, uint32_t op)
{
    uint32_t carry = cpu->c;
    uint32_t result = shift_c(cpu->r[field_n(op)], (enum shift)bits(op, 21, 2),
                              cpu->r[field_m(op)] & 0xFF, &carry);
    if (bits(op, 20, 1)) {
        set_nz(cpu, result);
        cpu->c = carry;
    }
    set_reg(cpu, field_d(op), result);
}

/* --- plain immediates, bit fields, saturation (A5.3.3) ------------------------------- */

static void addw(struct cpu *cpu, uint32_t op)
{
    set_reg(cpu, field_d(op), cpu->r[field_n(op)] + imm12(op));
}
static void subw(struct cpu *cpu, uint32_t op)
{
    set_reg(cpu, field_d(op), cpu->r[field_n(op)] - imm12(op));
}
static void adr_add(struct cpu *cpu, uint32_t op)
{
    set_reg(cpu, field_d(op), ((cpu->pc + 4) & ~3u) + imm12(op));
}
static void adr_sub(struct cpu *cpu, uint32_t op)
{
    set_reg(cpu, field_d(op), ((cpu->pc + 4) & ~3u) - imm12(op));
}
static void movw(struct cpu *cpu, uint32_t op)
{
    set_reg(cpu, field_d(op), field_n(op) << 12 | imm12(op));
}
static void movt(struct cpu *cpu, uint32_t op)
{
    uint32_t d = field_d(op);
    set_reg(cpu, d, (field_n(op) << 12 | imm12(op)) << 16 | (cpu->r[d] & 0xFFFF));
}

static uint32_t field_lsb(uint32_t op) { return bits(op, 12, 3) << 2 | bits(op, 6, 2); }
static uint32_t ones(uint32_t count) { return count == 32 ? ~0u : (1u << count) - 1; }

/* BFI and BFC (which inserts zeros, its Rn being "PC"). */
static void bfi(struct cpu *cpu, uint32_t op)
{
    uint32_t lsb = field_lsb(op), msb = bits(op, 0, 5), d = field_d(op), n = field_n(op);
    if (msb < lsb) {
        unpredictable(cpu, op);
        return;
    }
    uint32_t mask = ones(msb - lsb + 1) << lsb;
    uint32_t from = n == 15 ? 0 : cpu->r[n] << lsb;
    set_reg(cpu, d, (cpu->r[d] & ~mask) | (from & mask));
}
static void ubfx(struct cpu *cpu, uint32_t op)
{
    uint32_t lsb = field_lsb(op), width = bits(op, 0, 5) + 1;
    if (lsb + width > 32)
        unpredictable(cpu, op);
    else
        set_reg(cpu, field_d(op), cpu->r[field_n(op)] >> lsb & ones(width));
}
static void sbfx(struct cpu *cpu, uint32_t op)
{
    uint32_t lsb = field_lsb(op), width = bits(op, 0, 5) + 1;
    if (lsb + width > 32)
        unpredictable(cpu, op);
    else
        set_reg(cpu, field_d(op),
                (uint32_t)((int32_t)(cpu->r[field_n(op)] << (32 - lsb - width)) >>
                           (32 - width)));
}

static int32_t saturand(struct cpu *cpu, uint32_t op)
{
    uint32_t amount = field_lsb(op), carry = 0, value = cpu->r[field_n(op)];
    if (!bits(op, 21, 1))
        return (int32_t)shift_c(value, LSL, amount, &carry);
    return (int32_t)shift_c(value, ASR, amount, &carry);
}
static void saturate(struct cpu *cpu, uint32_t op, int64_t low, int64_t high)
{
    if (bits(op, 21, 1) && field_lsb(op) == 0) {
        undefined(cpu, op);                 /* SSAT16, USAT16 without DSP extension */
        return;
    }
    int64_t value = saturand(cpu, op);
    int64_t result = value < low ? low : value > high ? high : value;
    if (result != value)
        cpu->q = 1;
    set_reg(cpu, field_d(op), (uint32_t)result);
}
static void ssat(struct cpu *cpu, uint32_t op)
{
    int64_t limit = (int64_t)1 << bits(op, 0, 5);
    saturate(cpu, op, -limit, limit - 1);
}
static void usat(struct cpu *cpu, uint32_t op)
{
    saturate(cpu, op, 0, ((int64_t)1 << bits(op, 0, 5)) - 1);
}

/* --- extend, reverse, count, multiply, divide (A5.3.12 to A5.3.17) -------------------- */

static uint32_t rotated(struct cpu *cpu, uint32_t op)
{
    uint32_t carry = 0;
    return shift_c(cpu->r[field_m(op)], ROR, 8 * bits(op, 4, 2), &carry);
}
static void sxth(struct cpu *cpu, uint32_t op)
{
    set_reg(cpu, field_d(op), (uint32_t)(int16_t)rotated(cpu, op));
}
static void uxth(struct cpu *cpu, uint32_t op)
{
    set_reg(cpu, field_d(op), (uint16_t)rotated(cpu, op));
}
static void sxtb(struct cpu *cpu, uint32_t op)
{
    set_reg(cpu, field_d(op), (uint32_t)(int8_t)rotated(cpu, op));
}
static void uxtb(struct cpu *cpu, uint32_t op)
{
    set_reg(cpu, field_d(op), (uint8_t)rotated(cpu, op));
}
static void rev(struct cpu *cpu, uint32_t op)
{
    set_reg(cpu, field_d(op), __builtin_bswap32(cpu->r[field_m(op)]));
}
static void rev16(struct cpu *cpu, uint32_t op)
{
    uint32_t value = cpu->r[field_m(op)];
    set_reg(cpu, field_d(op), (value & 0xFF00FF) << 8 | (value >> 8 & 0xFF00FF));
}
static void revsh(struct cpu *cpu, uint32_t op)
{
    uint16_t half = (uint16_t)cpu->r[field_m(op)];
    set_reg(cpu, field_d(op), (uint32_t)(int16_t)__builtin_bswap16(half));
}
static void rbit(struct cpu *cpu, uint32_t op)
{
    uint32_t value = __builtin_bswap32(cpu->r[field_m(op)]);
    value = (value & 0x0F0F0F0F) << 4 | (value >> 4 & 0x0F0F0F0F);
    value = (value & 0x33333333) << 2 | (value >> 2 & 0x33333333);
    value = (value & 0x55555555) << 1 | (value >> 1 & 0x55555555);
    set_reg(cpu, field_d(op), value);
}
static void clz(struct cpu *cpu, uint32_t op)
{
    uint32_t value = cpu->r[field_m(op)];
    set_reg(cpu, field_d(op), value ? (uint32_t)__builtin_clz(value) : 32);
}

static uint32_t product(const struct cpu *cpu, uint32_t op)
{
    return cpu->r[field_n(op)] * cpu->r[field_m(op)];
}
static void mul(struct cpu *cpu, uint32_t op)
{
    set_reg(cpu, field_d(op), product(cpu, op));
}
/* All multiplications take one cycle in a Cortex-M4 (its TRM, table 3-1). */
static unsigned multiply_cost(const struct cpu *cpu, unsigned m3)
{
    return core_has(cpu, DSP) ? 1 : m3;
}
static void mla(struct cpu *cpu, uint32_t op)
{
    cpu->cost = multiply_cost(cpu, 2);
    set_reg(cpu, field_d(op), cpu->r[field_t(op)] + product(cpu, op));
}
static void mls(struct cpu *cpu, uint32_t op)
{
    cpu->cost = multiply_cost(cpu, 2);
    set_reg(cpu, field_d(op), cpu->r[field_t(op)] - product(cpu, op));
}

/* 3 to 5 cycles, 4 to 7 with accumulation, "depending on the size of the source values"
 * (TRM 18.2); that each operand above 16 bits takes one more is assumed. */
static unsigned long_multiply_cost(const struct cpu *cpu, uint32_t op, unsigned minimum)
{
    return multiply_cost(cpu, minimum + (cpu->r[field_n(op)] >> 16 != 0) +
                              (cpu->r[field_m(op)] >> 16 != 0));
}
static void write_long(struct cpu *cpu, uint32_t op, uint64_t value)
{
    set_reg(cpu, field_t(op), (uint32_t)value);
    set_reg(cpu, field_d(op), (uint32_t)(value >> 32));
}
static uint64_t read_long(const struct cpu *cpu, uint32_t op)
{
    return (uint64_t)cpu->r[field_d(op)] << 32 | cpu->r[field_t(op)];
}
static uint64_t signed_product(const struct cpu *cpu, uint32_t op)
{
    return (uint64_t)((int64_t)(int32_t)cpu->r[field_n(op)] *
                      (int32_t)cpu->r[field_m(op)]);
}
static uint64_t unsigned_product(const struct cpu *cpu, uint32_t op)
{
    return (uint64_t)cpu->r[field_n(op)] * cpu->r[field_m(op)];
}
static void smull(struct cpu *cpu, uint32_t op)
{
    cpu->cost = long_multiply_cost(cpu, op, 3);
    write_long(cpu, op, signed_product(cpu, op));
}
static void umull(struct cpu *cpu, uint32_t op)
{
    cpu->cost = long_multiply_cost(cpu, op, 3);
    write_long(cpu, op, unsigned_product(cpu, op));
}
static void smlal(struct cpu *cpu, uint32_t op)
{
    cpu->cost = long_multiply_cost(cpu, op, 4);
    write_long(cpu, op, read_long(cpu, op) + signed_product(cpu, op));
}
static void umlal(struct cpu *cpu, uint32_t op)
{
    cpu->cost = long_multiply_cost(cpu, op, 4);
    write_long(cpu, op, read_long(cpu, op) + unsigned_product(cpu, op));
}

/* 2 to 12 cycles with early termination (TRM 18.2); how the quotient's length
 * spreads over them is assumed. */
static unsigned divide_cost(uint32_t dividend, uint32_t divisor)
{
    if (divisor == 0 || dividend < divisor)
        return 2;
    return 3 + (unsigned)(__builtin_clz(divisor) - __builtin_clz(dividend)) * 9 / 31;
}
/* x / 0 is 0, or a fault when CCR.DIV_0_TRP asks for it. */
static bool division_by_zero(struct cpu *cpu, uint32_t op);

static void udiv(struct cpu *cpu, uint32_t op)
{
    uint32_t n = cpu->r[field_n(op)], m = cpu->r[field_m(op)];
    cpu->cost = divide_cost(n, m);
    if (!division_by_zero(cpu, op))
        set_reg(cpu, field_d(op), n / m);
}
static void sdiv(struct cpu *cpu, uint32_t op)
{
    int64_t n = (int32_t)cpu->r[field_n(op)], m = (int32_t)cpu->r[field_m(op)];
    cpu->cost = divide_cost((uint32_t)(n < 0 ? -n : n), (uint32_t)(m < 0 ? -m : m));
    if (!division_by_zero(cpu, op))
        set_reg(cpu, field_d(op), (uint32_t)(n / m));
}

/* --- loads and stores --------------------------------------------------------------- */

/* The address of an access with 8-bit offset: P (index), U (add), W (write back). */
static uint32_t indexed(const struct cpu *cpu, uint32_t op, uint32_t offset, bool p, bool u,
                        uint32_t *written_back)
{
    uint32_t base = cpu->r[field_n(op)];
    *written_back = u ? base + offset : base - offset;
    return p ? *written_back : base;
}

static uint32_t sign_extend(uint32_t value, uint32_t size)
{
    return size == 0 ? (uint32_t)(int8_t)value
         : size == 1 ? (uint32_t)(int16_t)value : value;
}

/* Bits 22:21 hold the size, bit 24 the sign.  Rt = PC is a branch for a word, and a hint
 * that is done without an access for anything shorter. */
static bool load_into(struct cpu *cpu, uint32_t op, uint32_t address, uint32_t rm,
                      uint32_t *value)
{
    uint32_t size = bits(op, 21, 2);
    cost_of_load(cpu, field_n(op), rm, field_t(op));
    if (!load(cpu, address, 1 << size, value))
        return false;
    if (bits(op, 24, 1))
        *value = sign_extend(*value, size);
    return true;
}
static void finish_load(struct cpu *cpu, uint32_t op, uint32_t value)
{
    if (field_t(op) != 15) {
        set_reg(cpu, field_t(op), value);
    } else {
        cpu->cost++;                        /* LDR PC: 2 + 3 cycles (TRM 18.3) */
        load_write_pc(cpu, value);
    }
}
static void ldr_at(struct cpu *cpu, uint32_t op, uint32_t address, uint32_t rm)
{
    uint32_t value;
    if (load_into(cpu, op, address, rm, &value))
        finish_load(cpu, op, value);
}
static void ldr_literal(struct cpu *cpu, uint32_t op)
{
    uint32_t base = (cpu->pc + 4) & ~3u, offset = bits(op, 0, 12);
    ldr_at(cpu, op, bits(op, 23, 1) ? base + offset : base - offset, 15);
}
static void ldr_imm12(struct cpu *cpu, uint32_t op)
{
    ldr_at(cpu, op, cpu->r[field_n(op)] + bits(op, 0, 12), 15);
}
static void ldr_reg(struct cpu *cpu, uint32_t op)
{
    ldr_at(cpu, op, cpu->r[field_n(op)] + (cpu->r[field_m(op)] << bits(op, 4, 2)),
           field_m(op));
}
static void ldr_imm8(struct cpu *cpu, uint32_t op)
{
    uint32_t new_base, value;
    uint32_t address = indexed(cpu, op, bits(op, 0, 8), bits(op, 10, 1), bits(op, 9, 1),
                               &new_base);
    if (!load_into(cpu, op, address, 15, &value))
        return;
    if (bits(op, 8, 1))
        set_reg(cpu, field_n(op), new_base);
    finish_load(cpu, op, value);
}
/* LDRT and STRT: as an unprivileged program would.  Without an MPU that only matters in the
 * System Control Space, which is not for them. */
static void ldrt(struct cpu *cpu, uint32_t op)
{
    ldr_at(cpu, op, cpu->r[field_n(op)] + bits(op, 0, 8), 15);
}

static bool str_at(struct cpu *cpu, uint32_t op, uint32_t address)
{
    cost_of_store(cpu);
    return store(cpu, address, 1 << bits(op, 21, 2), cpu->r[field_t(op)]);
}
static void str_imm12(struct cpu *cpu, uint32_t op)
{
    str_at(cpu, op, cpu->r[field_n(op)] + bits(op, 0, 12));
}
static void str_reg(struct cpu *cpu, uint32_t op)
{
    str_at(cpu, op, cpu->r[field_n(op)] + (cpu->r[field_m(op)] << bits(op, 4, 2)));
}
static void str_imm8(struct cpu *cpu, uint32_t op)
{
    uint32_t new_base;
    uint32_t address = indexed(cpu, op, bits(op, 0, 8), bits(op, 10, 1), bits(op, 9, 1),
                               &new_base);
    if (str_at(cpu, op, address) && bits(op, 8, 1))
        set_reg(cpu, field_n(op), new_base);
}
static void strt(struct cpu *cpu, uint32_t op)
{
    str_at(cpu, op, cpu->r[field_n(op)] + bits(op, 0, 8));
}
static void hint(struct cpu *cpu, uint32_t op) { (void)cpu; (void)op; }

/* One cycle, and one a word. */
static void ldrd(struct cpu *cpu, uint32_t op)
{
    uint32_t new_base, low, high, address;
    if (field_n(op) == 15) {
        new_base = (cpu->pc + 4) & ~3u;
        address = bits(op, 23, 1) ? new_base + 4 * bits(op, 0, 8)
                                  : new_base - 4 * bits(op, 0, 8);
    } else {
        address = indexed(cpu, op, 4 * bits(op, 0, 8), bits(op, 24, 1), bits(op, 23, 1),
                          &new_base);
    }
    cpu->cost++;
    if (!load_aligned(cpu, address, 4, &low))
        return;
    cpu->cost++;
    if (!load_aligned(cpu, address + 4, 4, &high))
        return;
    if (bits(op, 21, 1) && field_n(op) != 15)
        set_reg(cpu, field_n(op), new_base);
    set_reg(cpu, field_t(op), low);
    set_reg(cpu, field_d(op), high);
}
static void strd(struct cpu *cpu, uint32_t op)
{
    uint32_t new_base;
    uint32_t address = indexed(cpu, op, 4 * bits(op, 0, 8), bits(op, 24, 1),
                               bits(op, 23, 1), &new_base);
    cpu->cost++;
    if (!store_aligned(cpu, address, 4, cpu->r[field_t(op)]))
        return;
    cpu->cost++;
    if (!store_aligned(cpu, address + 4, 4, cpu->r[field_d(op)]))
        return;
    if (bits(op, 21, 1))
        set_reg(cpu, field_n(op), new_base);
}

static void ldm_at(struct cpu *cpu, uint32_t op, uint32_t address, uint32_t new_base)
{
    uint32_t value[16], n = field_n(op);
    for (int i = 0; i < 16; i++)
        if (op >> i & 1) {
            cpu->cost++;
            if (!load_aligned(cpu, address, 4, &value[i]))
                return;
            address += 4;
        }
    for (uint32_t i = 0; i < 15; i++)
        if (op >> i & 1)
            set_reg(cpu, i, value[i]);
    if (bits(op, 21, 1))
        set_reg(cpu, n, new_base);
    if (op >> 15 & 1)
        load_write_pc(cpu, value[15]);
}
static void stm_at(struct cpu *cpu, uint32_t op, uint32_t address, uint32_t new_base)
{
    for (int i = 0; i < 15; i++)
        if (op >> i & 1) {
            cpu->cost++;
            if (!store_aligned(cpu, address, 4, cpu->r[i]))
                return;
            address += 4;
        }
    if (bits(op, 21, 1))
        set_reg(cpu, field_n(op), new_base);
}
static uint32_t list_bytes(uint32_t op)
{
    return 4 * (uint32_t)__builtin_popcount(op & 0xFFFF);
}
static void ldmia(struct cpu *cpu, uint32_t op)
{
    uint32_t base = cpu->r[field_n(op)];
    ldm_at(cpu, op, base, base + list_bytes(op));
}
static void ldmdb(struct cpu *cpu, uint32_t op)
{
    uint32_t bottom = cpu->r[field_n(op)] - list_bytes(op);
    ldm_at(cpu, op, bottom, bottom);
}
static void stmia(struct cpu *cpu, uint32_t op)
{
    uint32_t base = cpu->r[field_n(op)];
    stm_at(cpu, op, base, base + list_bytes(op));
}
static void stmdb(struct cpu *cpu, uint32_t op)
{
    uint32_t bottom = cpu->r[field_n(op)] - list_bytes(op);
    stm_at(cpu, op, bottom, bottom);
}

/* The local monitor of a single core: LDREX arms it, STREX succeeds once if it is armed,
 * whatever the address (A3.4.4 allows it; Cortex-M3 has no address tag). */
static void ldrex_of(struct cpu *cpu, uint32_t op, uint32_t address, int width)
{
    uint32_t value;
    cost_of_load(cpu, field_n(op), 15, field_t(op));
    if (!load_aligned(cpu, address, width, &value))
        return;
    cpu->exclusive = true;
    set_reg(cpu, field_t(op), value);
}
static void strex_of(struct cpu *cpu, uint32_t op, uint32_t d, uint32_t address, int width)
{
    cpu->cost = 2;
    if (cpu->exclusive) {
        if (!store_aligned(cpu, address, width, cpu->r[field_t(op)]))
            return;
    }
    set_reg(cpu, d, !cpu->exclusive);
    cpu->exclusive = false;
}
static void ldrex(struct cpu *cpu, uint32_t op)
{
    ldrex_of(cpu, op, cpu->r[field_n(op)] + 4 * bits(op, 0, 8), 4);
}
static void strex(struct cpu *cpu, uint32_t op)
{
    strex_of(cpu, op, field_d(op), cpu->r[field_n(op)] + 4 * bits(op, 0, 8), 4);
}
static void ldrexb(struct cpu *cpu, uint32_t op) { ldrex_of(cpu, op, cpu->r[field_n(op)], 1); }
static void ldrexh(struct cpu *cpu, uint32_t op) { ldrex_of(cpu, op, cpu->r[field_n(op)], 2); }
static void strexb(struct cpu *cpu, uint32_t op)
{
    strex_of(cpu, op, field_m(op), cpu->r[field_n(op)], 1);
}
static void strexh(struct cpu *cpu, uint32_t op)
{
    strex_of(cpu, op, field_m(op), cpu->r[field_n(op)], 2);
}
static void clrex(struct cpu *cpu, uint32_t op) { (void)op; cpu->exclusive = false; }

/* 2 cycles load, 1 add, 3 refill (TRM 18.3). */
static void table_branch(struct cpu *cpu, uint32_t op, int width)
{
    uint32_t offset, index = cpu->r[field_m(op)] * (uint32_t)width;
    cpu->cost = 2;
    if (!load(cpu, reg(cpu, field_n(op)) + index, width, &offset))
        return;
    cpu->cost += 2;
    branch_to(cpu, cpu->pc + 4 + 2 * offset);
}
static void tbb(struct cpu *cpu, uint32_t op) { table_branch(cpu, op, 1); }
static void tbh(struct cpu *cpu, uint32_t op) { table_branch(cpu, op, 2); }

/* --- branches and control (A5.3.4) --------------------------------------------------- */

static uint32_t sign_extend_from(uint32_t value, int sign_bit)
{
    return (uint32_t)((int32_t)(value << (31 - sign_bit)) >> (31 - sign_bit));
}
static void b_cond(struct cpu *cpu, uint32_t op)
{
    if (!condition_passed(cpu, bits(op, 22, 4)))
        return;
    uint32_t offset = bits(op, 26, 1) << 20 | bits(op, 11, 1) << 19 |
                      bits(op, 13, 1) << 18 | bits(op, 16, 6) << 12 | bits(op, 0, 11) << 1;
    branch_to(cpu, cpu->pc + 4 + sign_extend_from(offset, 20));
}
/* I1 = NOT(J1 EOR S): the encoding's way of staying compatible with 16-bit BL pairs. */
static uint32_t long_offset(uint32_t op)
{
    uint32_t s = bits(op, 26, 1);
    uint32_t i1 = bits(op, 13, 1) ^ s ^ 1, i2 = bits(op, 11, 1) ^ s ^ 1;
    return sign_extend_from(s << 24 | i1 << 23 | i2 << 22 | bits(op, 16, 10) << 12 |
                            bits(op, 0, 11) << 1, 24);
}
static void b_long(struct cpu *cpu, uint32_t op)
{
    branch_to(cpu, cpu->pc + 4 + long_offset(op));
}
static void bl(struct cpu *cpu, uint32_t op)
{
    cpu->r[14] = cpu->r[15] | 1;
    branch_to(cpu, cpu->pc + 4 + long_offset(op));
}
static void msr(struct cpu *cpu, uint32_t op)
{
    cpu->cost = is_v6m(cpu) ? 3 : 1;
    write_special(cpu, op & 0xFF, bits(op, 10, 2), reg(cpu, field_n(op)));
}
static void mrs(struct cpu *cpu, uint32_t op)
{
    cpu->cost = is_v6m(cpu) ? 3 : 1;
    set_reg(cpu, field_d(op), read_special(cpu, op & 0xFF));
}
/* Memory is strongly ordered here anyway; a barrier waits for the store buffer. */
static void barrier(struct cpu *cpu, uint32_t op)
{
    (void)op;
    if (cpu->pipeline.buffer_free > cpu->cycles)
        cpu->cost += (unsigned)(cpu->pipeline.buffer_free - cpu->cycles);
    if (is_v6m(cpu))
        cpu->cost += 2;
}
static void wfe(struct cpu *cpu, uint32_t op) { (void)op; wait_for_event(cpu); }
static void wfi(struct cpu *cpu, uint32_t op) { (void)op; wait_for_interrupt(cpu); }
static void sev(struct cpu *cpu, uint32_t op) { (void)op; cpu_send_event(cpu); }
static void coprocessor(struct cpu *cpu, uint32_t op)
{
    (void)op;
    raise_fault(cpu, EXC_USAGEFAULT, NOCP);
}

static bool division_by_zero(struct cpu *cpu, uint32_t op)
{
    if (cpu->r[field_m(op)])
        return false;
    if (traps_division(cpu))
        raise_fault(cpu, EXC_USAGEFAULT, DIVBYZERO);
    else
        set_reg(cpu, field_d(op), 0);
    return true;
}

const struct op thumb32[] = {
    /* Load and store multiple, A5.3.5 */
    { 0xFFD00000, 0xE8800000, stmia,        "STM Rn, {list}",         V7M },
    { 0xFFFF0000, 0xE8BD0000, ldmia,        "POP.W {list}",           V7M },
    { 0xFFD00000, 0xE8900000, ldmia,        "LDM Rn, {list}",         V7M },
    { 0xFFFF0000, 0xE92D0000, stmdb,        "PUSH.W {list}",          V7M },
    { 0xFFD00000, 0xE9000000, stmdb,        "STMDB Rn, {list}",       V7M },
    { 0xFFD00000, 0xE9100000, ldmdb,        "LDMDB Rn, {list}",       V7M },
    /* Dual, exclusive, table branch, A5.3.6 */
    { 0xFFF00000, 0xE8400000, strex,        "STREX",                  V7M },
    { 0xFFF00F00, 0xE8500F00, ldrex,        "LDREX",                  V7M },
    { 0xFFF00FF0, 0xE8C00F40, strexb,       "STREXB",                 V7M },
    { 0xFFF00FF0, 0xE8C00F50, strexh,       "STREXH",                 V7M },
    { 0xFFF0FFF0, 0xE8D0F000, tbb,          "TBB",                    V7M },
    { 0xFFF0FFF0, 0xE8D0F010, tbh,          "TBH",                    V7M },
    { 0xFFF00FFF, 0xE8D00F4F, ldrexb,       "LDREXB",                 V7M },
    { 0xFFF00FFF, 0xE8D00F5F, ldrexh,       "LDREXH",                 V7M },
    { 0xFF700000, 0xE8600000, strd,         "STRD, post-indexed",     V7M },
    { 0xFF500000, 0xE9400000, strd,         "STRD, offset",           V7M },
    { 0xFF700000, 0xE8700000, ldrd,         "LDRD, post-indexed",     V7M },
    { 0xFF7F0000, 0xE95F0000, ldrd,         "LDRD, literal",          V7M },
    { 0xFF500000, 0xE9500000, ldrd,         "LDRD, offset",           V7M },
    /* Data processing, shifted register, A5.3.11 */
    { 0xFFF08F00, 0xEA100F00, data_shifted, "TST Rn, Rm, shift",      V7M },
    { 0xFFE08000, 0xEA000000, data_shifted, "AND Rd, Rn, Rm, shift",  V7M },
    { 0xFFE08000, 0xEA200000, data_shifted, "BIC Rd, Rn, Rm, shift",  V7M },
    { 0xFFEF8030, 0xEA4F0000, data_shifted, "MOV/LSL Rd, Rm, #n",     V7M },
    { 0xFFEF8030, 0xEA4F0010, data_shifted, "LSR Rd, Rm, #n",         V7M },
    { 0xFFEF8030, 0xEA4F0020, data_shifted, "ASR Rd, Rm, #n",         V7M },
    { 0xFFEFF0F0, 0xEA4F0030, data_shifted, "RRX Rd, Rm",             V7M },
    { 0xFFEF8030, 0xEA4F0030, data_shifted, "ROR Rd, Rm, #n",         V7M },
    { 0xFFE08000, 0xEA400000, data_shifted, "ORR Rd, Rn, Rm, shift",  V7M },
    { 0xFFEF8000, 0xEA6F0000, data_shifted, "MVN Rd, Rm, shift",      V7M },
    { 0xFFE08000, 0xEA600000, data_shifted, "ORN Rd, Rn, Rm, shift",  V7M },
    { 0xFFF08F00, 0xEA900F00, data_shifted, "TEQ Rn, Rm, shift",      V7M },
    { 0xFFE08000, 0xEA800000, data_shifted, "EOR Rd, Rn, Rm, shift",  V7M },
    { 0xFFF08F00, 0xEB100F00, data_shifted, "CMN Rn, Rm, shift",      V7M },
    { 0xFFE08000, 0xEB000000, data_shifted, "ADD Rd, Rn, Rm, shift",  V7M },
    { 0xFFE08000, 0xEB400000, data_shifted, "ADC Rd, Rn, Rm, shift",  V7M },
    { 0xFFE08000, 0xEB600000, data_shifted, "SBC Rd, Rn, Rm, shift",  V7M },
    { 0xFFF08F00, 0xEBB00F00, data_shifted, "CMP Rn, Rm, shift",      V7M },
    { 0xFFE08000, 0xEBA00000, data_shifted, "SUB Rd, Rn, Rm, shift",  V7M },
    { 0xFFE08000, 0xEBC00000, data_shifted, "RSB Rd, Rn, Rm, shift",  V7M },
    { 0xEF000000, 0xEF000000, undefined,    "Advanced SIMD",          V7M },
    { 0xEC000000, 0xEC000000, coprocessor,  "coprocessor",            V7M },
    /* Data processing, modified immediate, A5.3.1 */
    { 0xFBF08F00, 0xF0100F00, data_imm,     "TST Rn, #const",         V7M },
    { 0xFBE08000, 0xF0000000, data_imm,     "AND Rd, Rn, #const",     V7M },
    { 0xFBE08000, 0xF0200000, data_imm,     "BIC Rd, Rn, #const",     V7M },
    { 0xFBEF8000, 0xF04F0000, data_imm,     "MOV Rd, #const",         V7M },
    { 0xFBE08000, 0xF0400000, data_imm,     "ORR Rd, Rn, #const",     V7M },
    { 0xFBEF8000, 0xF06F0000, data_imm,     "MVN Rd, #const",         V7M },
    { 0xFBE08000, 0xF0600000, data_imm,     "ORN Rd, Rn, #const",     V7M },
    { 0xFBF08F00, 0xF0900F00, data_imm,     "TEQ Rn, #const",         V7M },
    { 0xFBE08000, 0xF0800000, data_imm,     "EOR Rd, Rn, #const",     V7M },
    { 0xFBF08F00, 0xF1100F00, data_imm,     "CMN Rn, #const",         V7M },
    { 0xFBE08000, 0xF1000000, data_imm,     "ADD Rd, Rn, #const",     V7M },
    { 0xFBE08000, 0xF1400000, data_imm,     "ADC Rd, Rn, #const",     V7M },
    { 0xFBE08000, 0xF1600000, data_imm,     "SBC Rd, Rn, #const",     V7M },
    { 0xFBF08F00, 0xF1B00F00, data_imm,     "CMP Rn, #const",         V7M },
    { 0xFBE08000, 0xF1A00000, data_imm,     "SUB Rd, Rn, #const",     V7M },
    { 0xFBE08000, 0xF1C00000, data_imm,     "RSB Rd, Rn, #const",     V7M },
    /* Plain binary immediate, A5.3.3 */
    { 0xFBFF8000, 0xF20F0000, adr_add,      "ADR Rd, label after",    V7M },
    { 0xFBF08000, 0xF2000000, addw,         "ADDW Rd, Rn, #imm12",    V7M },
    { 0xFBF08000, 0xF2400000, movw,         "MOVW Rd, #imm16",        V7M },
    { 0xFBFF8000, 0xF2AF0000, adr_sub,      "ADR Rd, label before",   V7M },
    { 0xFBF08000, 0xF2A00000, subw,         "SUBW Rd, Rn, #imm12",    V7M },
    { 0xFBF08000, 0xF2C00000, movt,         "MOVT Rd, #imm16",        V7M },
    { 0xFFD08020, 0xF3000000, ssat,         "SSAT",                   V7M },
    { 0xFFF08020, 0xF3400000, sbfx,         "SBFX",                   V7M },
    { 0xFFFF8020, 0xF36F0000, bfi,          "BFC",                    V7M },
    { 0xFFF08020, 0xF3600000, bfi,          "BFI",                    V7M },
    { 0xFFD08020, 0xF3800000, usat,         "USAT",                   V7M },
    { 0xFFF08020, 0xF3C00000, ubfx,         "UBFX",                   V7M },
    /* Branches and miscellaneous control, A5.3.4 */
    { 0xFFE0D000, 0xF3808000, msr,          "MSR",                    V6M },
    { 0xFFFFD7FF, 0xF3AF8000, hint,         "NOP.W",                  V7M },
    { 0xFFFFD7FF, 0xF3AF8001, hint,         "YIELD.W",                V7M },
    { 0xFFFFD7FF, 0xF3AF8002, wfe,          "WFE.W",                  V7M },
    { 0xFFFFD7FF, 0xF3AF8003, wfi,          "WFI.W",                  V7M },
    { 0xFFFFD7FF, 0xF3AF8004, sev,          "SEV.W",                  V7M },
    { 0xFFFFD700, 0xF3AF8000, hint,         "hint, unallocated or DBG", V7M },
    { 0xFFFFD0F0, 0xF3BF8020, clrex,        "CLREX",                  V7M },
    { 0xFFFFD0F0, 0xF3BF8040, barrier,      "DSB",                    V6M },
    { 0xFFFFD0F0, 0xF3BF8050, barrier,      "DMB",                    V6M },
    { 0xFFFFD0F0, 0xF3BF8060, barrier,      "ISB",                    V6M },
    { 0xFFFFD000, 0xF3EF8000, mrs,          "MRS",                    V6M },
    { 0xFFF0F000, 0xF7F0A000, undefined,    "UDF.W",                  V6M },
    { 0xFB80D000, 0xF3808000, undefined,    "undefined control",      V7M },
    { 0xF800D000, 0xF0008000, b_cond,       "B<c>.W label",           V7M },
    { 0xF800D000, 0xF0009000, b_long,       "B.W label",              V7M },
    { 0xF800D000, 0xF000D000, bl,           "BL label",               V6M },
    /* Loads and hints, A5.3.7 to A5.3.9.  "PC" as target of a short load is a hint. */
    { 0xFE5FF000, 0xF81FF000, hint,         "PLD/PLI label",          V7M },
    { 0xFED0F000, 0xF890F000, hint,         "PLD/PLI [Rn, #imm12]",   V7M },
    { 0xFED0FF00, 0xF810FC00, hint,         "PLD/PLI [Rn, #-imm8]",   V7M },
    { 0xFED0FFC0, 0xF810F000, hint,         "PLD/PLI [Rn, Rm]",       V7M },
    { 0xFE7F0000, 0xF81F0000, ldr_literal,  "LDR(S)B Rt, label",      V7M },
    { 0xFEF00000, 0xF8900000, ldr_imm12,    "LDR(S)B Rt, [Rn, #imm12]", V7M },
    { 0xFEF00F00, 0xF8100E00, ldrt,         "LDR(S)BT",               V7M },
    { 0xFEF00800, 0xF8100800, ldr_imm8,     "LDR(S)B Rt, [Rn, #imm8]",V7M },
    { 0xFEF00FC0, 0xF8100000, ldr_reg,      "LDR(S)B Rt, [Rn, Rm]",   V7M },
    { 0xFE7F0000, 0xF83F0000, ldr_literal,  "LDR(S)H Rt, label",      V7M },
    { 0xFEF00000, 0xF8B00000, ldr_imm12,    "LDR(S)H Rt, [Rn, #imm12]", V7M },
    { 0xFEF00F00, 0xF8300E00, ldrt,         "LDR(S)HT",               V7M },
    { 0xFEF00800, 0xF8300800, ldr_imm8,     "LDR(S)H Rt, [Rn, #imm8]",V7M },
    { 0xFEF00FC0, 0xF8300000, ldr_reg,      "LDR(S)H Rt, [Rn, Rm]",   V7M },
    { 0xFF7F0000, 0xF85F0000, ldr_literal,  "LDR Rt, label",          V7M },
    { 0xFFF00000, 0xF8D00000, ldr_imm12,    "LDR Rt, [Rn, #imm12]",   V7M },
    { 0xFFF00F00, 0xF8500E00, ldrt,         "LDRT",                   V7M },
    { 0xFFF00800, 0xF8500800, ldr_imm8,     "LDR Rt, [Rn, #imm8]",    V7M },
    { 0xFFF00FC0, 0xF8500000, ldr_reg,      "LDR Rt, [Rn, Rm]",       V7M },
    /* Stores, A5.3.10 */
    { 0xFF1F0000, 0xF80F0000, undefined,    "STR Rt, [PC]",           V7M },
    { 0xFFF00000, 0xF8800000, str_imm12,    "STRB Rt, [Rn, #imm12]",  V7M },
    { 0xFFF00F00, 0xF8000E00, strt,         "STRBT",                  V7M },
    { 0xFFF00800, 0xF8000800, str_imm8,     "STRB Rt, [Rn, #imm8]",   V7M },
    { 0xFFF00FC0, 0xF8000000, str_reg,      "STRB Rt, [Rn, Rm]",      V7M },
    { 0xFFF00000, 0xF8A00000, str_imm12,    "STRH Rt, [Rn, #imm12]",  V7M },
    { 0xFFF00F00, 0xF8200E00, strt,         "STRHT",                  V7M },
    { 0xFFF00800, 0xF8200800, str_imm8,     "STRH Rt, [Rn, #imm8]",   V7M },
    { 0xFFF00FC0, 0xF8200000, str_reg,      "STRH Rt, [Rn, Rm]",      V7M },
    { 0xFFF00000, 0xF8C00000, str_imm12,    "STR Rt, [Rn, #imm12]",   V7M },
    { 0xFFF00F00, 0xF8400E00, strt,         "STRT",                   V7M },
    { 0xFFF00800, 0xF8400800, str_imm8,     "STR Rt, [Rn, #imm8]",    V7M },
    { 0xFFF00FC0, 0xF8400000, str_reg,      "STR Rt, [Rn, Rm]",       V7M },
    /* Data processing, register, A5.3.12 */
    { 0xFFE0F0F0, 0xFA00F000, shift_by_reg, "LSL Rd, Rn, Rm",         V7M },
    { 0xFFE0F0F0, 0xFA20F000, shift_by_reg, "LSR Rd, Rn, Rm",         V7M },
    { 0xFFE0F0F0, 0xFA40F000, shift_by_reg, "ASR Rd, Rn, Rm",         V7M },
    { 0xFFE0F0F0, 0xFA60F000, shift_by_reg, "ROR Rd, Rn, Rm",         V7M },
    { 0xFFFFF0C0, 0xFA0FF080, sxth,         "SXTH.W",                 V7M },
    { 0xFFFFF0C0, 0xFA1FF080, uxth,         "UXTH.W",                 V7M },
    { 0xFFFFF0C0, 0xFA4FF080, sxtb,         "SXTB.W",                 V7M },
    { 0xFFFFF0C0, 0xFA5FF080, uxtb,         "UXTB.W",                 V7M },
    { 0xFFF0F0F0, 0xFA90F080, rev,          "REV.W",                  V7M },
    { 0xFFF0F0F0, 0xFA90F090, rev16,        "REV16.W",                V7M },
    { 0xFFF0F0F0, 0xFA90F0A0, rbit,         "RBIT",                   V7M },
    { 0xFFF0F0F0, 0xFA90F0B0, revsh,        "REVSH.W",                V7M },
    { 0xFFF0F0F0, 0xFAB0F080, clz,          "CLZ",                    V7M },
    /* Multiply and divide, A5.3.16, A5.3.17 */
    { 0xFFF0F0F0, 0xFB00F000, mul,          "MUL.W",                  V7M },
    { 0xFFF000F0, 0xFB000000, mla,          "MLA",                    V7M },
    { 0xFFF000F0, 0xFB000010, mls,          "MLS",                    V7M },
    { 0xFFF000F0, 0xFB800000, smull,        "SMULL",                  V7M },
    { 0xFFF000F0, 0xFB9000F0, sdiv,         "SDIV",                   V7M },
    { 0xFFF000F0, 0xFBA00000, umull,        "UMULL",                  V7M },
    { 0xFFF000F0, 0xFBB000F0, udiv,         "UDIV",                   V7M },
    { 0xFFF000F0, 0xFBC00000, smlal,        "SMLAL",                  V7M },
    { 0xFFF000F0, 0xFBE00000, umlal,        "UMLAL",                  V7M },
    { 0x00000000, 0x00000000, undefined,    "undefined, 32 bits",     V6M },
};
const int thumb32_rows = sizeof thumb32 / sizeof *thumb32;
