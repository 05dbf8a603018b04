/* thumb_dsp.c - the DSP extension: what Armv7E-M has and Armv7-M has not.
 *
 *   called by  cpu.c, through the table      calls  thumb.h
 *
 * Most of it works on lanes: a register as two signed or unsigned halves, or four bytes.
 * What does not fit its lane wraps, saturates or is halved, as the opcode's first letters
 * say (S and U, Q and UQ, SH and UH); S and U leave a bit for each byte in APSR.GE, for
 * SEL.  A sum or a saturation that does not fit a whole register sets Q.
 *
 * Each takes one cycle (Cortex-M4 TRM, table 3-1).  Rows and handlers stand in the order of
 * Armv7-M ARM A5.3.  This table is looked at before thumb32's, so "Rn = 15" and "Ra = 15",
 * which are the instructions without an addend, are met here. */
#include "thumb.h"

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* SignedSatQ() and UnsignedSatQ(): to `width` bits, and Q. */
static uint32_t saturate(struct cpu *cpu, int64_t value, uint32_t width, bool is_signed)
{
    int64_t high = ((int64_t)1 << (is_signed ? width - 1 : width)) - 1;
    int64_t result = clamp(value, is_signed ? -high - 1 : 0, high);
    if (result != value)
        cpu->q = 1;
    return (uint32_t)result;
}

static int64_t as_signed(uint32_t value) { return (int32_t)value; }

/* The signed half of a register. */
static int64_t half(uint32_t value, bool top)
{
    return (int16_t)(top ? value >> 16 : value);
}

static uint32_t swapped(uint32_t value, bool swap)
{
    return swap ? value >> 16 | value << 16 : value;
}

/* Rn and Ra read as zero where their number is 15: there is no such operand. */
static uint32_t addend(const struct cpu *cpu, uint32_t n) { return n == 15 ? 0 : cpu->r[n]; }

/* --- PKH, SSAT16, USAT16 (A5.3.11, A5.3.3) ------------------------------------------- */

static void pkh(struct cpu *cpu, uint32_t op)
{
    uint32_t amount = bits(op, 12, 3) << 2 | bits(op, 6, 2), carry = 0;
    bool top_first = bits(op, 5, 1);        /* PKHTB: ASR, of which 0 means 32 */
    uint32_t n = cpu->r[field_n(op)];
    uint32_t m = shift_c(cpu->r[field_m(op)], top_first ? ASR : LSL,
                         top_first && !amount ? 32 : amount, &carry);
    uint32_t low = top_first ? m : n, high = top_first ? n : m;
    set_reg(cpu, field_d(op), (high & 0xFFFF0000) | (low & 0xFFFF));
}

static void saturate_halves(struct cpu *cpu, uint32_t op, uint32_t width, bool is_signed)
{
    uint32_t n = cpu->r[field_n(op)];
    uint32_t low = saturate(cpu, half(n, false), width, is_signed);
    uint32_t high = saturate(cpu, half(n, true), width, is_signed);
    set_reg(cpu, field_d(op), high << 16 | (low & 0xFFFF));
}
static void ssat16(struct cpu *cpu, uint32_t op)
{
    saturate_halves(cpu, op, bits(op, 0, 4) + 1, true);
}
static void usat16(struct cpu *cpu, uint32_t op)
{
    saturate_halves(cpu, op, bits(op, 0, 4), false);
}

/* --- extend and add (A5.3.12) -------------------------------------------------------- */

static uint32_t rotated(const struct cpu *cpu, uint32_t op)
{
    uint32_t carry = 0;
    return shift_c(cpu->r[field_m(op)], ROR, 8 * bits(op, 4, 2), &carry);
}
static void extend_add(struct cpu *cpu, uint32_t op, uint32_t extended)
{
    set_reg(cpu, field_d(op), addend(cpu, field_n(op)) + extended);
}
static void sxtah(struct cpu *cpu, uint32_t op)
{
    extend_add(cpu, op, (uint32_t)(int16_t)rotated(cpu, op));
}
static void uxtah(struct cpu *cpu, uint32_t op)
{
    extend_add(cpu, op, (uint16_t)rotated(cpu, op));
}
static void sxtab(struct cpu *cpu, uint32_t op)
{
    extend_add(cpu, op, (uint32_t)(int8_t)rotated(cpu, op));
}
static void uxtab(struct cpu *cpu, uint32_t op)
{
    extend_add(cpu, op, (uint8_t)rotated(cpu, op));
}

static void extend_add_halves(struct cpu *cpu, uint32_t op, uint32_t low, uint32_t high)
{
    uint32_t n = addend(cpu, field_n(op));
    set_reg(cpu, field_d(op), ((n >> 16) + high) << 16 | ((n + low) & 0xFFFF));
}
static void sxtab16(struct cpu *cpu, uint32_t op)
{
    uint32_t m = rotated(cpu, op);
    extend_add_halves(cpu, op, (uint32_t)(int8_t)m, (uint32_t)(int8_t)(m >> 16));
}
static void uxtab16(struct cpu *cpu, uint32_t op)
{
    uint32_t m = rotated(cpu, op);
    extend_add_halves(cpu, op, (uint8_t)m, (uint8_t)(m >> 16));
}

/* --- parallel addition and subtraction (A5.3.13, A5.3.14) ---------------------------- */

enum { WRAPPING, SATURATING, HALVING };

static int32_t lane(uint32_t value, int low, int width, bool is_signed)
{
    uint32_t lane = bits(value, low, width), sign = is_signed ? lane >> (width - 1) : 0;
    return (int32_t)lane - (int32_t)(sign << width);
}

/* What a wrapping lane tells GE: no borrow, a carry; signed: not negative. */
static bool greater_or_equal(int32_t result, int width, bool is_signed, bool subtracts)
{
    return is_signed || subtracts ? result >= 0 : result >> width != 0;
}

/* subtracts: a bit for each lane.  crossed: the lanes of Rm change places. */
static void parallel(struct cpu *cpu, uint32_t op, int width, uint32_t subtracts, bool crossed)
{
    bool is_signed = !bits(op, 6, 1);
    uint32_t n = cpu->r[field_n(op)], m = swapped(cpu->r[field_m(op)], crossed);
    uint32_t kind = bits(op, 4, 2), result = 0, ge = 0;
    int32_t low = is_signed ? -(1 << (width - 1)) : 0, high = low + (1 << width) - 1;
    if (kind > HALVING) {
        undefined(cpu, op);
        return;
    }
    for (int at = 0; at < 32; at += width, subtracts >>= 1) {
        int32_t x = lane(n, at, width, is_signed), y = lane(m, at, width, is_signed);
        int32_t value = subtracts & 1 ? x - y : x + y;
        if (greater_or_equal(value, width, is_signed, subtracts & 1))
            ge |= (width == 8 ? 1u : 3u) << at / 8;
        if (kind == SATURATING)
            value = (int32_t)clamp(value, low, high);
        if (kind == HALVING)
            value >>= 1;
        result |= ((uint32_t)value & ((1u << width) - 1)) << at;
    }
    if (kind == WRAPPING)
        cpu->ge = ge;
    set_reg(cpu, field_d(op), result);
}
static void add8(struct cpu *cpu, uint32_t op)  { parallel(cpu, op, 8, 0, false); }
static void sub8(struct cpu *cpu, uint32_t op)  { parallel(cpu, op, 8, 0xF, false); }
static void add16(struct cpu *cpu, uint32_t op) { parallel(cpu, op, 16, 0, false); }
static void sub16(struct cpu *cpu, uint32_t op) { parallel(cpu, op, 16, 3, false); }
static void asx(struct cpu *cpu, uint32_t op)   { parallel(cpu, op, 16, 1, true); }
static void sax(struct cpu *cpu, uint32_t op)   { parallel(cpu, op, 16, 2, true); }

/* --- QADD and its kin, SEL (A5.3.15): Rm comes first --------------------------------- */

static void q_arithmetic(struct cpu *cpu, uint32_t op)
{
    bool doubles = bits(op, 4, 1), subtracts = bits(op, 5, 1);
    int64_t n = as_signed(cpu->r[field_n(op)]), m = as_signed(cpu->r[field_m(op)]);
    if (doubles)
        n = as_signed(saturate(cpu, 2 * n, 32, true));
    set_reg(cpu, field_d(op), saturate(cpu, subtracts ? m - n : m + n, 32, true));
}

static void sel(struct cpu *cpu, uint32_t op)
{
    uint32_t mask = 0;
    for (int i = 0; i < 4; i++)
        if (cpu->ge >> i & 1)
            mask |= 0xFFu << 8 * i;
    set_reg(cpu, field_d(op), (cpu->r[field_n(op)] & mask) | (cpu->r[field_m(op)] & ~mask));
}

/* --- multiplications with a result of 32 bits (A5.3.16) ------------------------------ */

/* Adds Ra, if there is one, and tells Q when the result does not fit. */
static void accumulate(struct cpu *cpu, uint32_t op, int64_t value)
{
    value += as_signed(addend(cpu, field_t(op)));
    if (value != as_signed((uint32_t)value))
        cpu->q = 1;
    set_reg(cpu, field_d(op), (uint32_t)value);
}

static int64_t product_of_halves(const struct cpu *cpu, uint32_t op)
{
    return half(cpu->r[field_n(op)], bits(op, 5, 1)) * half(cpu->r[field_m(op)], bits(op, 4, 1));
}

/* Low times low plus, or minus, high times high; bit 4 exchanges the halves of Rm. */
static int64_t dual_product(const struct cpu *cpu, uint32_t op, bool subtracts)
{
    uint32_t n = cpu->r[field_n(op)], m = swapped(cpu->r[field_m(op)], bits(op, 4, 1));
    int64_t low = half(n, false) * half(m, false), high = half(n, true) * half(m, true);
    return subtracts ? low - high : low + high;
}

static void smla_xy(struct cpu *cpu, uint32_t op)
{
    accumulate(cpu, op, product_of_halves(cpu, op));
}
static void smlad(struct cpu *cpu, uint32_t op)
{
    accumulate(cpu, op, dual_product(cpu, op, false));
}
static void smlsd(struct cpu *cpu, uint32_t op)
{
    accumulate(cpu, op, dual_product(cpu, op, true));
}
static void smlaw(struct cpu *cpu, uint32_t op)
{
    int64_t m = half(cpu->r[field_m(op)], bits(op, 4, 1));
    accumulate(cpu, op, as_signed(cpu->r[field_n(op)]) * m >> 16);
}

/* The upper word of Ra:0 plus or minus the product, perhaps rounded. */
static void most_significant(struct cpu *cpu, uint32_t op, bool subtracts)
{
    uint64_t product = (uint64_t)(as_signed(cpu->r[field_n(op)]) *
                                  as_signed(cpu->r[field_m(op)]));
    uint64_t sum = ((uint64_t)addend(cpu, field_t(op)) << 32) +
                   (subtracts ? 0 - product : product) + (bits(op, 4, 1) ? 1u << 31 : 0);
    set_reg(cpu, field_d(op), (uint32_t)(sum >> 32));
}
static void smmla(struct cpu *cpu, uint32_t op) { most_significant(cpu, op, false); }
static void smmls(struct cpu *cpu, uint32_t op) { most_significant(cpu, op, true); }

static void usada8(struct cpu *cpu, uint32_t op)
{
    uint32_t sum = addend(cpu, field_t(op));
    for (int at = 0; at < 32; at += 8) {
        uint32_t n = bits(cpu->r[field_n(op)], at, 8), m = bits(cpu->r[field_m(op)], at, 8);
        sum += n > m ? n - m : m - n;
    }
    set_reg(cpu, field_d(op), sum);
}

/* --- ... and of 64 bits (A5.3.17) ---------------------------------------------------- */

static void add_long(struct cpu *cpu, uint32_t op, int64_t value)
{
    uint64_t sum = (uint64_t)cpu->r[field_d(op)] << 32 | cpu->r[field_t(op)];
    sum += (uint64_t)value;
    set_reg(cpu, field_t(op), (uint32_t)sum);
    set_reg(cpu, field_d(op), (uint32_t)(sum >> 32));
}
static void smlal_xy(struct cpu *cpu, uint32_t op)
{
    add_long(cpu, op, product_of_halves(cpu, op));
}
static void smlald(struct cpu *cpu, uint32_t op)
{
    add_long(cpu, op, dual_product(cpu, op, false));
}
static void smlsld(struct cpu *cpu, uint32_t op)
{
    add_long(cpu, op, dual_product(cpu, op, true));
}
static void umaal(struct cpu *cpu, uint32_t op)
{
    uint64_t sum = (uint64_t)cpu->r[field_n(op)] * cpu->r[field_m(op)] +
                   cpu->r[field_t(op)] + cpu->r[field_d(op)];
    set_reg(cpu, field_t(op), (uint32_t)sum);
    set_reg(cpu, field_d(op), (uint32_t)(sum >> 32));
}

const struct op thumb_dsp[] = {
    { 0xFFF08010, 0xEAC00000, pkh,          "PKHBT, PKHTB",             DSP },
    { 0xFFF0F0F0, 0xF3200000, ssat16,       "SSAT16",                   DSP },
    { 0xFFF0F0F0, 0xF3A00000, usat16,       "USAT16",                   DSP },
    { 0xFFF0F0C0, 0xFA00F080, sxtah,        "SXTAH",                    DSP },
    { 0xFFF0F0C0, 0xFA10F080, uxtah,        "UXTAH",                    DSP },
    { 0xFFF0F0C0, 0xFA20F080, sxtab16,      "SXTAB16",                  DSP },
    { 0xFFF0F0C0, 0xFA30F080, uxtab16,      "UXTAB16",                  DSP },
    { 0xFFF0F0C0, 0xFA40F080, sxtab,        "SXTAB",                    DSP },
    { 0xFFF0F0C0, 0xFA50F080, uxtab,        "UXTAB",                    DSP },
    { 0xFFF0F080, 0xFA80F000, add8,         "SADD8 and its kin",        DSP },
    { 0xFFF0F080, 0xFA90F000, add16,        "SADD16 and its kin",       DSP },
    { 0xFFF0F080, 0xFAA0F000, asx,          "SASX and its kin",         DSP },
    { 0xFFF0F080, 0xFAC0F000, sub8,         "SSUB8 and its kin",        DSP },
    { 0xFFF0F080, 0xFAD0F000, sub16,        "SSUB16 and its kin",       DSP },
    { 0xFFF0F080, 0xFAE0F000, sax,          "SSAX and its kin",         DSP },
    { 0xFFF0F0C0, 0xFA80F080, q_arithmetic, "QADD QDADD QSUB QDSUB",    DSP },
    { 0xFFF0F0F0, 0xFAA0F080, sel,          "SEL",                      DSP },
    { 0xFFF000C0, 0xFB100000, smla_xy,      "SMLAxy, SMULxy",           DSP },
    { 0xFFF000E0, 0xFB200000, smlad,        "SMLAD, SMUAD",             DSP },
    { 0xFFF000E0, 0xFB300000, smlaw,        "SMLAWy, SMULWy",           DSP },
    { 0xFFF000E0, 0xFB400000, smlsd,        "SMLSD, SMUSD",             DSP },
    { 0xFFF000E0, 0xFB500000, smmla,        "SMMLA, SMMUL",             DSP },
    { 0xFFF000E0, 0xFB600000, smmls,        "SMMLS",                    DSP },
    { 0xFFF000F0, 0xFB700000, usada8,       "USADA8, USAD8",            DSP },
    { 0xFFF000C0, 0xFBC00080, smlal_xy,     "SMLALxy",                  DSP },
    { 0xFFF000E0, 0xFBC000C0, smlald,       "SMLALD",                   DSP },
    { 0xFFF000E0, 0xFBD000C0, smlsld,       "SMLSLD",                   DSP },
    { 0xFFF000F0, 0xFBE00060, umaal,        "UMAAL",                    DSP },
};
const int thumb_dsp_rows = sizeof thumb_dsp / sizeof *thumb_dsp;
