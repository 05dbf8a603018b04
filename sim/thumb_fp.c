/* thumb_fp.c - the instructions of the FPU: FPv4-SP (Cortex-M4F), FPv5-SP and -DP (M7).
 *
 *   called by  cpu.c, through the table      calls  fp.c (arithmetic), fpu.c (access), thumb.h
 *
 * A row is for one precision: bit 8 of the opcode says which.  A single is numbered by four
 * bits and a lower fifth, a double by four bits alone; with the fifth set it would be one of
 * D16 to D31, which no Cortex-M has, so the rows of doubles ask for a zero there.  What no
 * row knows is undefined, if CPACR lets the FPU be used at all, and NOCP otherwise.
 *
 *   22 15:12   D Vd, the result          19:16 7   Vn N          3:0 5   Vm M
 *
 * Order: Armv7-M ARM A6.4 (data processing), A6.5 (load and store), A6.6, A6.7 (transfers).
 * Cycles: Cortex-M4 TRM table 7-1; an M7, which is quicker, takes as many here. */
#include "thumb.h"
#include "fp.h"
#include "fpu.h"

enum { DIVIDE_CYCLES = 14, ACCUMULATE_CYCLES = 3 };

/* --- registers ----------------------------------------------------------------------- */

static enum fp_format format_of(uint32_t op) { return bits(op, 8, 1) ? FP_DOUBLE : FP_SINGLE; }

static uint32_t numbered(enum fp_format format, uint32_t four, uint32_t fifth)
{
    return format == FP_DOUBLE ? four : four << 1 | fifth;
}
static uint32_t vd(uint32_t op, enum fp_format format)
{
    return numbered(format, bits(op, 12, 4), bits(op, 22, 1));
}
static uint32_t vn(uint32_t op, enum fp_format format)
{
    return numbered(format, bits(op, 16, 4), bits(op, 7, 1));
}
static uint32_t vm(uint32_t op, enum fp_format format)
{
    return numbered(format, bits(op, 0, 4), bits(op, 5, 1));
}

static uint64_t get(const struct cpu *cpu, enum fp_format format, uint32_t n)
{
    const uint32_t *s = cpu->fpu.s;
    return format == FP_DOUBLE ? (uint64_t)s[2 * n + 1] << 32 | s[2 * n] : s[n];
}

static void put(struct cpu *cpu, enum fp_format format, uint32_t n, uint64_t value)
{
    uint32_t *s = cpu->fpu.s;
    if (format == FP_DOUBLE) {
        s[2 * n] = (uint32_t)value;
        s[2 * n + 1] = (uint32_t)(value >> 32);
    } else {
        s[n] = (uint32_t)value;
    }
}

/* --- three registers ----------------------------------------------------------------- */

static void three(struct cpu *cpu, uint32_t op, fp_binary *operation)
{
    enum fp_format f = format_of(op);
    if (fpu_ready(cpu))
        put(cpu, f, vd(op, f), operation(&cpu->fpu.fpscr, f, get(cpu, f, vn(op, f)),
                                         get(cpu, f, vm(op, f))));
}
static uint64_t negated_product(uint32_t *fpscr, enum fp_format f, uint64_t x, uint64_t y)
{
    return fp_neg(f, fp_mul(fpscr, f, x, y));
}

static void vadd(struct cpu *cpu, uint32_t op)   { three(cpu, op, fp_add); }
static void vsub(struct cpu *cpu, uint32_t op)   { three(cpu, op, fp_sub); }
static void vmul(struct cpu *cpu, uint32_t op)   { three(cpu, op, fp_mul); }
static void vnmul(struct cpu *cpu, uint32_t op)  { three(cpu, op, negated_product); }
static void vmaxnm(struct cpu *cpu, uint32_t op) { three(cpu, op, fp_max_num); }
static void vminnm(struct cpu *cpu, uint32_t op) { three(cpu, op, fp_min_num); }
static void vdiv(struct cpu *cpu, uint32_t op)
{
    cpu->cost = DIVIDE_CYCLES;
    three(cpu, op, fp_div);
}

/* Twice rounded.  Which of the two terms is negated the encoding says twice over. */
static void multiply_then_add(struct cpu *cpu, uint32_t op, bool negate_d, bool negate_product)
{
    enum fp_format f = format_of(op);
    uint32_t *fpscr = &cpu->fpu.fpscr;
    cpu->cost = ACCUMULATE_CYCLES;
    if (!fpu_ready(cpu))
        return;
    uint64_t d = get(cpu, f, vd(op, f));
    uint64_t product = fp_mul(fpscr, f, get(cpu, f, vn(op, f)), get(cpu, f, vm(op, f)));
    put(cpu, f, vd(op, f), fp_add(fpscr, f, negate_d ? fp_neg(f, d) : d,
                                  negate_product ? fp_neg(f, product) : product));
}
static void vmla(struct cpu *cpu, uint32_t op)  { multiply_then_add(cpu, op, false, false); }
static void vmls(struct cpu *cpu, uint32_t op)  { multiply_then_add(cpu, op, false, true); }
static void vnmla(struct cpu *cpu, uint32_t op) { multiply_then_add(cpu, op, true, true); }
static void vnmls(struct cpu *cpu, uint32_t op) { multiply_then_add(cpu, op, true, false); }

/* Rounded once. */
static void fused(struct cpu *cpu, uint32_t op, bool negate_d, bool negate_n)
{
    enum fp_format f = format_of(op);
    cpu->cost = ACCUMULATE_CYCLES;
    if (!fpu_ready(cpu))
        return;
    uint64_t d = get(cpu, f, vd(op, f)), n = get(cpu, f, vn(op, f));
    put(cpu, f, vd(op, f), fp_mul_add(&cpu->fpu.fpscr, f, negate_d ? fp_neg(f, d) : d,
                                      negate_n ? fp_neg(f, n) : n, get(cpu, f, vm(op, f))));
}
static void vfma(struct cpu *cpu, uint32_t op)  { fused(cpu, op, false, false); }
static void vfms(struct cpu *cpu, uint32_t op)  { fused(cpu, op, false, true); }
static void vfnma(struct cpu *cpu, uint32_t op) { fused(cpu, op, true, true); }
static void vfnms(struct cpu *cpu, uint32_t op) { fused(cpu, op, true, false); }

/* EQ, VS, GE or GT. */
static void vsel(struct cpu *cpu, uint32_t op)
{
    enum fp_format f = format_of(op);
    uint32_t cc = bits(op, 20, 2), condition = cc << 2 | ((cc ^ cc >> 1) & 1) << 1;
    if (fpu_ready(cpu))
        put(cpu, f, vd(op, f), get(cpu, f, condition_passed(cpu, condition) ? vn(op, f)
                                                                           : vm(op, f)));
}

/* --- one register to another --------------------------------------------------------- */

static void vmov_imm(struct cpu *cpu, uint32_t op)
{
    enum fp_format f = format_of(op);
    if (fpu_ready(cpu))
        put(cpu, f, vd(op, f), fp_expand_imm(f, bits(op, 16, 4) << 4 | bits(op, 0, 4)));
}

typedef uint64_t unary(uint32_t *fpscr, enum fp_format format, uint64_t x);
static void two(struct cpu *cpu, uint32_t op, unary *operation)
{
    enum fp_format f = format_of(op);
    if (fpu_ready(cpu))
        put(cpu, f, vd(op, f), operation(&cpu->fpu.fpscr, f, get(cpu, f, vm(op, f))));
}
static uint64_t copy(uint32_t *fpscr, enum fp_format f, uint64_t x)
{
    (void)fpscr, (void)f;
    return x;
}
static uint64_t absolute(uint32_t *fpscr, enum fp_format f, uint64_t x)
{
    (void)fpscr;
    return fp_abs(f, x);
}
static uint64_t negative(uint32_t *fpscr, enum fp_format f, uint64_t x)
{
    (void)fpscr;
    return fp_neg(f, x);
}
static void vmov_reg(struct cpu *cpu, uint32_t op) { two(cpu, op, copy); }
static void vabs(struct cpu *cpu, uint32_t op)     { two(cpu, op, absolute); }
static void vneg(struct cpu *cpu, uint32_t op)     { two(cpu, op, negative); }
static void vsqrt(struct cpu *cpu, uint32_t op)
{
    cpu->cost = DIVIDE_CYCLES;
    two(cpu, op, fp_sqrt);
}

static void compare(struct cpu *cpu, uint32_t op, bool with_zero)
{
    enum fp_format f = format_of(op);
    uint32_t *fpscr = &cpu->fpu.fpscr;
    if (!fpu_ready(cpu))
        return;
    uint64_t m = with_zero ? 0 : get(cpu, f, vm(op, f));
    uint32_t nzcv = fp_compare(fpscr, f, get(cpu, f, vd(op, f)), m, bits(op, 7, 1));
    *fpscr = (*fpscr & ~FPSCR_NZCV) | nzcv;
}
static void vcmp(struct cpu *cpu, uint32_t op)      { compare(cpu, op, false); }
static void vcmp_zero(struct cpu *cpu, uint32_t op) { compare(cpu, op, true); }

/* --- conversions --------------------------------------------------------------------- */

/* Bits 17:16 of VRINTA to M and VCVTA to M. */
static enum fp_rounding named_rounding(uint32_t op)
{
    static const enum fp_rounding rounding[] = { FP_NEAREST_AWAY, FP_NEAREST, FP_UP, FP_DOWN };
    return rounding[bits(op, 16, 2)];
}

static void round_int(struct cpu *cpu, uint32_t op, enum fp_rounding rounding, bool exact)
{
    enum fp_format f = format_of(op);
    if (fpu_ready(cpu))
        put(cpu, f, vd(op, f), fp_round_int(&cpu->fpu.fpscr, f, get(cpu, f, vm(op, f)), rounding,
                                            exact));
}
/* FPSCR.RMode may change in fpu_ready(), when a new context begins: so that comes first. */
static void vrintr(struct cpu *cpu, uint32_t op)
{
    if (fpu_ready(cpu))
        round_int(cpu, op, fp_rounding(cpu->fpu.fpscr), false);
}
static void vrintx(struct cpu *cpu, uint32_t op)
{
    if (fpu_ready(cpu))
        round_int(cpu, op, fp_rounding(cpu->fpu.fpscr), true);
}
static void vrintz(struct cpu *cpu, uint32_t op) { round_int(cpu, op, FP_TO_ZERO, false); }
static void vrint_named(struct cpu *cpu, uint32_t op)
{
    round_int(cpu, op, named_rounding(op), false);
}

/* The result is a single register's worth, whatever the precision of the source. */
static void to_integer(struct cpu *cpu, uint32_t op, bool is_signed, enum fp_rounding rounding)
{
    enum fp_format f = format_of(op);
    put(cpu, FP_SINGLE, vd(op, FP_SINGLE),
        fp_to_fixed(&cpu->fpu.fpscr, f, get(cpu, f, vm(op, f)), 32, 0, is_signed, rounding));
}
static void vcvt_to_int(struct cpu *cpu, uint32_t op)
{
    if (fpu_ready(cpu))
        to_integer(cpu, op, bits(op, 16, 1),
                   bits(op, 7, 1) ? FP_TO_ZERO : fp_rounding(cpu->fpu.fpscr));
}
static void vcvt_named(struct cpu *cpu, uint32_t op)
{
    if (fpu_ready(cpu))
        to_integer(cpu, op, bits(op, 7, 1), named_rounding(op));
}
static void vcvt_from_int(struct cpu *cpu, uint32_t op)
{
    enum fp_format f = format_of(op);
    uint32_t *fpscr = &cpu->fpu.fpscr;
    if (!fpu_ready(cpu))
        return;
    uint32_t m = cpu->fpu.s[vm(op, FP_SINGLE)];
    int64_t value = bits(op, 7, 1) ? (int32_t)m : (int64_t)m;
    put(cpu, f, vd(op, f), fp_from_fixed(fpscr, f, value, 0, fp_rounding(*fpscr)));
}

static uint64_t fixed_to_float(uint32_t *fpscr, enum fp_format f, uint32_t raw, int size,
                               int fraction, bool is_signed)
{
    int64_t value = size == 16 ? (is_signed ? (int16_t)raw : (uint16_t)raw)
                  : is_signed ? (int32_t)raw : (int64_t)raw;
    return fp_from_fixed(fpscr, f, value, fraction, FP_NEAREST);
}
static uint64_t float_to_fixed(uint32_t *fpscr, enum fp_format f, uint64_t x, int size,
                               int fraction, bool is_signed)
{
    uint64_t value = fp_to_fixed(fpscr, f, x, size, fraction, is_signed, FP_TO_ZERO);
    if (is_signed)
        value = (uint64_t)((int64_t)(value << (64 - size)) >> (64 - size));
    return f == FP_DOUBLE ? value : (uint32_t)value;
}
/* In place: the register holds the fixed point number, or the float. */
static void vcvt_fixed(struct cpu *cpu, uint32_t op)
{
    enum fp_format f = format_of(op);
    uint32_t *fpscr = &cpu->fpu.fpscr, d = vd(op, f);
    int size = bits(op, 7, 1) ? 32 : 16;
    int fraction = size - (int)(bits(op, 0, 4) << 1 | bits(op, 5, 1));
    bool is_signed = !bits(op, 16, 1);
    if (!fpu_ready(cpu))
        return;
    if (fraction < 0)
        unpredictable(cpu, op);
    else if (bits(op, 18, 1))
        put(cpu, f, d, float_to_fixed(fpscr, f, get(cpu, f, d), size, fraction, is_signed));
    else
        put(cpu, f, d, fixed_to_float(fpscr, f, (uint32_t)get(cpu, f, d), size, fraction,
                                      is_signed));
}

static void vcvt_precision(struct cpu *cpu, uint32_t op)
{
    enum fp_format from = format_of(op), to = from == FP_DOUBLE ? FP_SINGLE : FP_DOUBLE;
    if (fpu_ready(cpu))
        put(cpu, to, vd(op, to), fp_convert(&cpu->fpu.fpscr, from, to,
                                            get(cpu, from, vm(op, from))));
}

/* VCVTB, VCVTT: a half lies in the bottom or the top of a single register. */
static void vcvt_from_half(struct cpu *cpu, uint32_t op)
{
    enum fp_format f = format_of(op);
    if (!fpu_ready(cpu))
        return;
    uint32_t half = cpu->fpu.s[vm(op, FP_SINGLE)] >> (bits(op, 7, 1) ? 16 : 0) & 0xFFFF;
    put(cpu, f, vd(op, f), fp_convert(&cpu->fpu.fpscr, FP_HALF, f, half));
}
static void vcvt_to_half(struct cpu *cpu, uint32_t op)
{
    enum fp_format f = format_of(op);
    uint32_t *s = &cpu->fpu.s[vd(op, FP_SINGLE)], shift = bits(op, 7, 1) ? 16 : 0;
    if (!fpu_ready(cpu))
        return;
    uint32_t half = (uint32_t)fp_convert(&cpu->fpu.fpscr, f, FP_HALF, get(cpu, f, vm(op, f)));
    *s = (*s & 0xFFFF0000u >> shift) | half << shift;
}

/* --- load and store ------------------------------------------------------------------ */

/* Registers in words: S numbers, of which a double has two. */
static uint32_t first_word(uint32_t op)
{
    enum fp_format f = format_of(op);
    return f == FP_DOUBLE ? 2 * vd(op, f) : vd(op, f);
}

static bool load_words(struct cpu *cpu, uint32_t s, uint32_t count, uint32_t address)
{
    uint32_t value[32];
    for (uint32_t i = 0; i < count; i++) {
        cpu->cost++;
        if (!load_aligned(cpu, address + 4 * i, 4, &value[i]))
            return false;
    }
    for (uint32_t i = 0; i < count; i++)
        cpu->fpu.s[s + i] = value[i];
    return true;
}
static bool store_words(struct cpu *cpu, uint32_t s, uint32_t count, uint32_t address)
{
    for (uint32_t i = 0; i < count; i++) {
        cpu->cost++;
        if (!store_aligned(cpu, address + 4 * i, 4, cpu->fpu.s[s + i]))
            return false;
    }
    return true;
}
static bool transfer(struct cpu *cpu, uint32_t op, uint32_t count, uint32_t address)
{
    uint32_t s = first_word(op);
    return bits(op, 20, 1) ? load_words(cpu, s, count, address)
                           : store_words(cpu, s, count, address);
}

static void vldr_vstr(struct cpu *cpu, uint32_t op)
{
    uint32_t n = field_n(op), base = n == 15 ? (cpu->pc + 4) & ~3u : cpu->r[n];
    uint32_t offset = 4 * bits(op, 0, 8);
    if (fpu_ready(cpu))
        transfer(cpu, op, format_of(op) == FP_DOUBLE ? 2 : 1,
                 bits(op, 23, 1) ? base + offset : base - offset);
}

/* imm8 counts words.  Of doubles an odd number means FLDMX or FSTMX, old forms that leave a
 * word of room behind the last. */
static void vldm_vstm(struct cpu *cpu, uint32_t op)
{
    uint32_t n = field_n(op), imm8 = bits(op, 0, 8);
    uint32_t words = format_of(op) == FP_DOUBLE ? imm8 & ~1u : imm8;
    bool up = bits(op, 23, 1);
    if (!fpu_ready(cpu))
        return;
    if (!words || first_word(op) + words > 32 || (n == 15 && bits(op, 21, 1))) {
        unpredictable(cpu, op);
        return;
    }
    uint32_t base = n == 15 ? (cpu->pc + 4) & ~3u : cpu->r[n];
    uint32_t moved = up ? base + 4 * imm8 : base - 4 * imm8;
    if (transfer(cpu, op, words, up ? base : moved) && bits(op, 21, 1))
        set_reg(cpu, n, moved);
}

/* --- transfers with the core's registers --------------------------------------------- */

/* Bit 20: from the FPU to the core. */
static void move_word(struct cpu *cpu, uint32_t op, uint32_t s)
{
    if (!fpu_ready(cpu))
        return;
    if (bits(op, 20, 1))
        set_reg(cpu, field_t(op), cpu->fpu.s[s]);
    else
        cpu->fpu.s[s] = cpu->r[field_t(op)];
}
static void vmov_single(struct cpu *cpu, uint32_t op) { move_word(cpu, op, vn(op, FP_SINGLE)); }
static void vmov_half_of_double(struct cpu *cpu, uint32_t op)
{
    move_word(cpu, op, 2 * bits(op, 16, 4) + bits(op, 21, 1));
}

/* Rt and Rt2, and two singles or a double. */
static void vmov_two(struct cpu *cpu, uint32_t op)
{
    enum fp_format f = format_of(op);
    uint32_t s = f == FP_DOUBLE ? 2 * vm(op, f) : vm(op, f);
    cpu->cost = 2;
    if (!fpu_ready(cpu))
        return;
    if (s == 31) {
        unpredictable(cpu, op);
    } else if (bits(op, 20, 1)) {
        set_reg(cpu, field_t(op), cpu->fpu.s[s]);
        set_reg(cpu, field_n(op), cpu->fpu.s[s + 1]);
    } else {
        cpu->fpu.s[s] = cpu->r[field_t(op)];
        cpu->fpu.s[s + 1] = cpu->r[field_n(op)];
    }
}

static void vmsr(struct cpu *cpu, uint32_t op)
{
    if (fpu_ready(cpu))
        cpu->fpu.fpscr = cpu->r[field_t(op)] & FPSCR_BITS;
}
/* To "PC": the flags alone, to the core's. */
static void vmrs(struct cpu *cpu, uint32_t op)
{
    uint32_t fpscr, t = field_t(op);
    if (!fpu_ready(cpu))
        return;
    fpscr = cpu->fpu.fpscr;
    if (t != 15) {
        set_reg(cpu, t, fpscr);
        return;
    }
    cpu->n = fpscr >> 31;
    cpu->z = fpscr >> 30 & 1;
    cpu->c = fpscr >> 29 & 1;
    cpu->v = fpscr >> 28 & 1;
}

static void no_such_instruction(struct cpu *cpu, uint32_t op)
{
    if (fpu_let_in(cpu))
        undefined(cpu, op);
}

const struct op thumb_fp[] = {
    /* Data processing, three registers */
    { 0xFFB00F50, 0xEE000A00, vmla,         "VMLA.F32",                FPV4 },
    { 0xFFF00FF0, 0xEE000B00, vmla,         "VMLA.F64",              DOUBLE },
    { 0xFFB00F50, 0xEE000A40, vmls,         "VMLS.F32",                FPV4 },
    { 0xFFF00FF0, 0xEE000B40, vmls,         "VMLS.F64",              DOUBLE },
    { 0xFFB00F50, 0xEE100A00, vnmls,        "VNMLS.F32",               FPV4 },
    { 0xFFF00FF0, 0xEE100B00, vnmls,        "VNMLS.F64",             DOUBLE },
    { 0xFFB00F50, 0xEE100A40, vnmla,        "VNMLA.F32",               FPV4 },
    { 0xFFF00FF0, 0xEE100B40, vnmla,        "VNMLA.F64",             DOUBLE },
    { 0xFFB00F50, 0xEE200A00, vmul,         "VMUL.F32",                FPV4 },
    { 0xFFF00FF0, 0xEE200B00, vmul,         "VMUL.F64",              DOUBLE },
    { 0xFFB00F50, 0xEE200A40, vnmul,        "VNMUL.F32",               FPV4 },
    { 0xFFF00FF0, 0xEE200B40, vnmul,        "VNMUL.F64",             DOUBLE },
    { 0xFFB00F50, 0xEE300A00, vadd,         "VADD.F32",                FPV4 },
    { 0xFFF00FF0, 0xEE300B00, vadd,         "VADD.F64",              DOUBLE },
    { 0xFFB00F50, 0xEE300A40, vsub,         "VSUB.F32",                FPV4 },
    { 0xFFF00FF0, 0xEE300B40, vsub,         "VSUB.F64",              DOUBLE },
    { 0xFFB00F50, 0xEE800A00, vdiv,         "VDIV.F32",                FPV4 },
    { 0xFFF00FF0, 0xEE800B00, vdiv,         "VDIV.F64",              DOUBLE },
    { 0xFFB00F50, 0xEE900A00, vfnms,        "VFNMS.F32",               FPV4 },
    { 0xFFF00FF0, 0xEE900B00, vfnms,        "VFNMS.F64",             DOUBLE },
    { 0xFFB00F50, 0xEE900A40, vfnma,        "VFNMA.F32",               FPV4 },
    { 0xFFF00FF0, 0xEE900B40, vfnma,        "VFNMA.F64",             DOUBLE },
    { 0xFFB00F50, 0xEEA00A00, vfma,         "VFMA.F32",                FPV4 },
    { 0xFFF00FF0, 0xEEA00B00, vfma,         "VFMA.F64",              DOUBLE },
    { 0xFFB00F50, 0xEEA00A40, vfms,         "VFMS.F32",                FPV4 },
    { 0xFFF00FF0, 0xEEA00B40, vfms,         "VFMS.F64",              DOUBLE },
    { 0xFF800F50, 0xFE000A00, vsel,         "VSEL.F32",                FPV5 },
    { 0xFFC00FF0, 0xFE000B00, vsel,         "VSEL.F64",              DOUBLE },
    { 0xFFB00F50, 0xFE800A00, vmaxnm,       "VMAXNM.F32",              FPV5 },
    { 0xFFF00FF0, 0xFE800B00, vmaxnm,       "VMAXNM.F64",            DOUBLE },
    { 0xFFB00F50, 0xFE800A40, vminnm,       "VMINNM.F32",              FPV5 },
    { 0xFFF00FF0, 0xFE800B40, vminnm,       "VMINNM.F64",            DOUBLE },
    /* One or two registers */
    { 0xFFB00FF0, 0xEEB00A00, vmov_imm,     "VMOV.F32 Sd, #imm",       FPV4 },
    { 0xFFF00FF0, 0xEEB00B00, vmov_imm,     "VMOV.F64 Dd, #imm",     DOUBLE },
    { 0xFFBF0FD0, 0xEEB00A40, vmov_reg,     "VMOV.F32 Sd, Sm",         FPV4 },
    { 0xFFFF0FF0, 0xEEB00B40, vmov_reg,     "VMOV.F64 Dd, Dm",       DOUBLE },
    { 0xFFBF0FD0, 0xEEB00AC0, vabs,         "VABS.F32",                FPV4 },
    { 0xFFFF0FF0, 0xEEB00BC0, vabs,         "VABS.F64",              DOUBLE },
    { 0xFFBF0FD0, 0xEEB10A40, vneg,         "VNEG.F32",                FPV4 },
    { 0xFFFF0FF0, 0xEEB10B40, vneg,         "VNEG.F64",              DOUBLE },
    { 0xFFBF0FD0, 0xEEB10AC0, vsqrt,        "VSQRT.F32",               FPV4 },
    { 0xFFFF0FF0, 0xEEB10BC0, vsqrt,        "VSQRT.F64",             DOUBLE },
    { 0xFFBF0F50, 0xEEB20A40, vcvt_from_half, "VCVTB/T.F32.F16",       FPV4 },
    { 0xFFFF0F50, 0xEEB20B40, vcvt_from_half, "VCVTB/T.F64.F16",     DOUBLE },
    { 0xFFBF0F50, 0xEEB30A40, vcvt_to_half, "VCVTB/T.F16.F32",         FPV4 },
    { 0xFFBF0F70, 0xEEB30B40, vcvt_to_half, "VCVTB/T.F16.F64",       DOUBLE },
    { 0xFFBF0F50, 0xEEB40A40, vcmp,         "VCMP(E).F32",             FPV4 },
    { 0xFFFF0F70, 0xEEB40B40, vcmp,         "VCMP(E).F64",           DOUBLE },
    { 0xFFBF0F7F, 0xEEB50A40, vcmp_zero,    "VCMP(E).F32 Sd, #0",      FPV4 },
    { 0xFFFF0F7F, 0xEEB50B40, vcmp_zero,    "VCMP(E).F64 Dd, #0",    DOUBLE },
    { 0xFFBF0FD0, 0xEEB60A40, vrintr,       "VRINTR.F32",              FPV5 },
    { 0xFFFF0FF0, 0xEEB60B40, vrintr,       "VRINTR.F64",            DOUBLE },
    { 0xFFBF0FD0, 0xEEB60AC0, vrintz,       "VRINTZ.F32",              FPV5 },
    { 0xFFFF0FF0, 0xEEB60BC0, vrintz,       "VRINTZ.F64",            DOUBLE },
    { 0xFFBF0FD0, 0xEEB70A40, vrintx,       "VRINTX.F32",              FPV5 },
    { 0xFFFF0FF0, 0xEEB70B40, vrintx,       "VRINTX.F64",            DOUBLE },
    { 0xFFFF0FD0, 0xEEB70AC0, vcvt_precision, "VCVT.F64.F32",        DOUBLE },
    { 0xFFBF0FF0, 0xEEB70BC0, vcvt_precision, "VCVT.F32.F64",        DOUBLE },
    { 0xFFBF0F50, 0xEEB80A40, vcvt_from_int, "VCVT.F32.int",           FPV4 },
    { 0xFFFF0F50, 0xEEB80B40, vcvt_from_int, "VCVT.F64.int",         DOUBLE },
    { 0xFFBA0F50, 0xEEBA0A40, vcvt_fixed,   "VCVT.F32, fixed point",   FPV4 },
    { 0xFFFA0F50, 0xEEBA0B40, vcvt_fixed,   "VCVT.F64, fixed point", DOUBLE },
    { 0xFFBE0F50, 0xEEBC0A40, vcvt_to_int,  "VCVT(R).int.F32",         FPV4 },
    { 0xFFBE0F70, 0xEEBC0B40, vcvt_to_int,  "VCVT(R).int.F64",       DOUBLE },
    { 0xFFBC0FD0, 0xFEB80A40, vrint_named,  "VRINTA N P M.F32",        FPV5 },
    { 0xFFFC0FF0, 0xFEB80B40, vrint_named,  "VRINTA N P M.F64",      DOUBLE },
    { 0xFFBC0F50, 0xFEBC0A40, vcvt_named,   "VCVTA N P M.int.F32",     FPV5 },
    { 0xFFBC0F70, 0xFEBC0B40, vcvt_named,   "VCVTA N P M.int.F64",   DOUBLE },
    /* Load and store */
    { 0xFF200F00, 0xED000A00, vldr_vstr,    "VLDR/VSTR Sd",            FPV4 },
    { 0xFF600F00, 0xED000B00, vldr_vstr,    "VLDR/VSTR Dd",            FPV4 },
    { 0xFF800F00, 0xEC800A00, vldm_vstm,    "VLDM/VSTM Rn(!), {S}",    FPV4 },
    { 0xFFC00F00, 0xEC800B00, vldm_vstm,    "VLDM/VSTM Rn(!), {D}",    FPV4 },
    { 0xFFA00F00, 0xED200A00, vldm_vstm,    "VLDMDB/VSTMDB Rn!, {S}",  FPV4 },
    { 0xFFE00F00, 0xED200B00, vldm_vstm,    "VLDMDB/VSTMDB Rn!, {D}",  FPV4 },
    /* Transfers */
    { 0xFFE00FD0, 0xEC400A10, vmov_two,     "VMOV Sm, Sm1, Rt, Rt2",   FPV4 },
    { 0xFFE00FF0, 0xEC400B10, vmov_two,     "VMOV Dm, Rt, Rt2",        FPV4 },
    { 0xFFE00F7F, 0xEE000A10, vmov_single,  "VMOV Sn, Rt",             FPV4 },
    { 0xFFC00FFF, 0xEE000B10, vmov_half_of_double, "VMOV Dd[x], Rt",   FPV4 },
    { 0xFFFF0FFF, 0xEEE10A10, vmsr,         "VMSR FPSCR, Rt",          FPV4 },
    { 0xFFFF0FFF, 0xEEF10A10, vmrs,         "VMRS Rt, FPSCR",          FPV4 },
    /* Coprocessors 10 and 11 otherwise */
    { 0xEF000E00, 0xEE000A00, no_such_instruction, "undefined, FPU's data processing", FPV4 },
    { 0xEE000E00, 0xEC000A00, no_such_instruction, "undefined, FPU's load and store",  FPV4 },
};
const int thumb_fp_rows = sizeof thumb_fp / sizeof *thumb_fp;
