/* fp.c - floating-point arithmetic as an Arm FPU does it.
 *
 *   called by  thumb_fp.c      calls  nothing
 *
 * unpack() takes a number apart, the operation makes an exact result or one with its lost
 * bits gathered in the lowest ("sticky"), round_to() packs it.  In between a number is
 *
 *   value = significand x 2^(exponent - 63), with bit 63 of the significand set
 *
 * and where an operation needs more room, twice as wide.  Nothing depends on the host's own
 * floating point.
 *
 * Rounding decides on underflow before it rounds; flushing to zero looks at inputs (IDC) and
 * results (UFC), and leaves half precision alone (Armv7-M ARM A2.5, D6.4). */
#include "fp.h"

__extension__ typedef unsigned __int128 wide;

static const struct layout { int exponent_bits, fraction_bits; } layouts[] = {
    [FP_HALF] = { 5, 10 }, [FP_SINGLE] = { 8, 23 }, [FP_DOUBLE] = { 11, 52 },
};

enum kind { ZERO, FINITE, INFINITE, QUIET_NAN, SIGNALLING_NAN };
struct number { enum kind kind; bool sign; int exponent; uint64_t significand; };

/* --- the bits of a format ------------------------------------------------------------ */

static int fraction_bits(enum fp_format format) { return layouts[format].fraction_bits; }

static int exponent_ones(enum fp_format format)
{
    return (1 << layouts[format].exponent_bits) - 1;
}

/* Of a normal number. */
static int smallest_exponent(enum fp_format format) { return 1 - exponent_ones(format) / 2; }

static uint64_t sign_bit(enum fp_format format)
{
    return 1ull << (layouts[format].exponent_bits + fraction_bits(format));
}

static uint64_t quiet_bit(enum fp_format format) { return 1ull << (fraction_bits(format) - 1); }

static uint64_t with_sign(enum fp_format format, bool sign, uint64_t magnitude)
{
    return magnitude | (sign ? sign_bit(format) : 0);
}

static uint64_t infinity(enum fp_format format, bool sign)
{
    return with_sign(format, sign, (uint64_t)exponent_ones(format) << fraction_bits(format));
}

static uint64_t default_nan(enum fp_format format)
{
    return infinity(format, false) | quiet_bit(format);
}

static uint64_t zero(enum fp_format format, bool sign) { return with_sign(format, sign, 0); }

static uint64_t invalid(uint32_t *fpscr, enum fp_format format)
{
    *fpscr |= FPSCR_IOC;
    return default_nan(format);
}

uint64_t fp_neg(enum fp_format format, uint64_t x) { return x ^ sign_bit(format); }
uint64_t fp_abs(enum fp_format format, uint64_t x) { return x & ~sign_bit(format); }

/* --- in: FPUnpack() ------------------------------------------------------------------ */

/* Shifts left until bit 63 is set; the value stays. */
static void normalise(struct number *x)
{
    int shift = __builtin_clzll(x->significand);
    x->significand <<= shift;
    x->exponent -= shift;
}

static bool alternative(uint32_t fpscr, enum fp_format format)
{
    return format == FP_HALF && fpscr & FPSCR_AHP;
}

static struct number unpack(uint32_t *fpscr, enum fp_format format, uint64_t bits)
{
    int width = fraction_bits(format), ones = exponent_ones(format);
    uint64_t fraction = bits & ((1ull << width) - 1);
    int exponent = (int)(bits >> width) & ones;
    struct number x = { .kind = FINITE, .sign = bits & sign_bit(format) };
    if (exponent == 0 && fraction && *fpscr & FPSCR_FZ && format != FP_HALF) {
        *fpscr |= FPSCR_IDC;
        fraction = 0;
    }
    if (exponent == 0 && fraction == 0) {
        x.kind = ZERO;
    } else if (exponent == ones && !alternative(*fpscr, format)) {
        x.kind = !fraction ? INFINITE : fraction & quiet_bit(format) ? QUIET_NAN
                                                                     : SIGNALLING_NAN;
    } else {
        x.significand = fraction | (exponent ? 1ull << width : 0);
        x.exponent = (exponent ? exponent : 1) + smallest_exponent(format) - 1 + 63 - width;
        normalise(&x);
    }
    return x;
}

/* --- out: FPRound() ------------------------------------------------------------------ */

/* value >> shift, the lost bits gathered in the lowest one. */
static uint64_t shift_sticky(uint64_t value, int shift)
{
    if (shift <= 0)
        return value;
    if (shift > 63)
        return value != 0;
    return value >> shift | (value << (64 - shift) != 0);
}

static wide wide_shift_sticky(wide value, int shift)
{
    if (shift <= 0)
        return value;
    if (shift > 127)
        return value != 0;
    return value >> shift | (value << (128 - shift) != 0);
}

/* rest: what lies behind the point, as a fraction of 2^64. */
static bool rounds_up(enum fp_rounding rounding, bool sign, bool odd, uint64_t rest)
{
    const uint64_t half = 1ull << 63;
    switch (rounding) {
    case FP_NEAREST:      return rest > half || (rest == half && odd);
    case FP_NEAREST_AWAY: return rest >= half;
    case FP_UP:           return rest && !sign;
    case FP_DOWN:         return rest && sign;
    case FP_TO_ZERO:      break;
    }
    return false;
}

static uint64_t overflow(uint32_t *fpscr, enum fp_format format, enum fp_rounding rounding,
                         bool sign)
{
    if (alternative(*fpscr, format)) {
        *fpscr |= FPSCR_IOC;
        return with_sign(format, sign, sign_bit(format) - 1);
    }
    bool infinite = rounding == FP_NEAREST || (rounding == FP_UP && !sign) ||
                    (rounding == FP_DOWN && sign);
    *fpscr |= FPSCR_OFC | FPSCR_IXC;
    return infinity(format, sign) - !infinite;
}

static uint64_t round_to(uint32_t *fpscr, enum fp_format format, enum fp_rounding rounding,
                         struct number x)
{
    int width = fraction_bits(format), smallest = smallest_exponent(format);
    bool denormal = x.exponent < smallest;
    if (denormal && *fpscr & FPSCR_FZ && format != FP_HALF) {
        *fpscr |= FPSCR_UFC;
        return zero(format, x.sign);
    }
    int biased = denormal ? 0 : x.exponent - smallest + 1;
    uint64_t exact = denormal ? shift_sticky(x.significand, smallest - x.exponent)
                              : x.significand;
    uint64_t kept = exact >> (63 - width), rest = exact << (width + 1);
    if (rest && denormal)
        *fpscr |= FPSCR_UFC;
    kept += rounds_up(rounding, x.sign, kept & 1, rest);
    /* The leading one of a normal number makes its exponent one more; so does the carry of
     * rounding, in either. */
    uint64_t magnitude = kept + ((uint64_t)(biased ? biased - 1 : 0) << width);
    int largest = exponent_ones(format) - !alternative(*fpscr, format);
    if (biased > largest || magnitude >> width > (uint64_t)largest)
        return overflow(fpscr, format, rounding, x.sign);
    if (rest)
        *fpscr |= FPSCR_IXC;
    return with_sign(format, x.sign, magnitude);
}

static uint64_t round_as_set(uint32_t *fpscr, enum fp_format format, struct number x)
{
    return round_to(fpscr, format, fp_rounding(*fpscr), x);
}

/* The same of a wide significand, of which any bit may be the highest:
 * value = significand x 2^(exponent - 127). */
static uint64_t round_wide(uint32_t *fpscr, enum fp_format format, bool sign, int exponent,
                           wide significand)
{
    uint64_t high = (uint64_t)(significand >> 64);
    int shift = high ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)significand);
    significand <<= shift;
    struct number x = { FINITE, sign, exponent - shift,
                        (uint64_t)(significand >> 64) | ((uint64_t)significand != 0) };
    return round_as_set(fpscr, format, x);
}

/* --- NaNs: FPProcessNaNs() ----------------------------------------------------------- */

static bool is_nan(struct number x) { return x.kind >= QUIET_NAN; }

/* FPProcessNaN() */
static uint64_t pass_nan(uint32_t *fpscr, enum fp_format format, uint64_t bits, bool signalling)
{
    if (signalling)
        *fpscr |= FPSCR_IOC;
    return *fpscr & FPSCR_DN ? default_nan(format) : bits | quiet_bit(format);
}

/* The first signalling NaN of the operands, else the first quiet one.  False: there is none. */
static bool any_nan(uint32_t *fpscr, enum fp_format format, int count,
                    const struct number *numbers, const uint64_t *bits, uint64_t *result)
{
    for (int kind = SIGNALLING_NAN; kind >= QUIET_NAN; kind--)
        for (int i = 0; i < count; i++)
            if (numbers[i].kind == (enum kind)kind) {
                *result = pass_nan(fpscr, format, bits[i], kind == SIGNALLING_NAN);
                return true;
            }
    return false;
}

/* Takes both operands of an operation apart.  True: a NaN is the result already. */
static bool unpack_two(uint32_t *fpscr, enum fp_format format, uint64_t x, uint64_t y,
                       struct number *numbers, uint64_t *result)
{
    numbers[0] = unpack(fpscr, format, x);
    numbers[1] = unpack(fpscr, format, y);
    return any_nan(fpscr, format, 2, numbers, (const uint64_t[]){ x, y }, result);
}

/* --- add, multiply, both ------------------------------------------------------------- */

/* What x - x is: +0, but -0 when rounding down. */
static uint64_t difference_of_equals(uint32_t fpscr, enum fp_format format)
{
    return zero(format, fp_rounding(fpscr) == FP_DOWN);
}

/* Both finite and not zero, their significands with two bits of room at the top:
 * value = significand x 2^(exponent - 125). */
static uint64_t add_wide(uint32_t *fpscr, enum fp_format format, bool x_sign, int x_exponent,
                         wide x, bool y_sign, int y_exponent, wide y)
{
    int exponent = x_exponent > y_exponent ? x_exponent : y_exponent;
    x = wide_shift_sticky(x, exponent - x_exponent);
    y = wide_shift_sticky(y, exponent - y_exponent);
    bool sign = x_sign;
    wide sum = x + y;
    if (x_sign != y_sign) {
        sign = x >= y ? x_sign : y_sign;
        sum = x >= y ? x - y : y - x;
    }
    if (sum == 0)
        return difference_of_equals(*fpscr, format);
    return round_wide(fpscr, format, sign, exponent + 2, sum);
}

static wide with_room(uint64_t significand) { return (wide)significand << 62; }

uint64_t fp_add(uint32_t *fpscr, enum fp_format format, uint64_t x, uint64_t y)
{
    struct number n[2];
    uint64_t result;
    if (unpack_two(fpscr, format, x, y, n, &result))
        return result;
    if (n[0].kind == INFINITE && n[1].kind == INFINITE && n[0].sign != n[1].sign)
        return invalid(fpscr, format);
    for (int i = 0; i < 2; i++)
        if (n[i].kind == INFINITE)
            return infinity(format, n[i].sign);
    if (n[0].kind == ZERO && n[1].kind == ZERO)
        return n[0].sign == n[1].sign ? zero(format, n[0].sign)
                                      : difference_of_equals(*fpscr, format);
    for (int i = 0; i < 2; i++)
        if (n[i].kind == ZERO)
            return round_as_set(fpscr, format, n[1 - i]);
    return add_wide(fpscr, format, n[0].sign, n[0].exponent, with_room(n[0].significand),
                    n[1].sign, n[1].exponent, with_room(n[1].significand));
}

/* Unlike fp_add() of the negated: a NaN keeps its sign. */
uint64_t fp_sub(uint32_t *fpscr, enum fp_format format, uint64_t x, uint64_t y)
{
    bool nan = fp_abs(format, y) > infinity(format, false);
    return fp_add(fpscr, format, x, nan ? y : fp_neg(format, y));
}

static bool infinity_times_zero(struct number x, struct number y)
{
    return (x.kind == INFINITE && y.kind == ZERO) || (x.kind == ZERO && y.kind == INFINITE);
}

uint64_t fp_mul(uint32_t *fpscr, enum fp_format format, uint64_t x, uint64_t y)
{
    struct number n[2];
    uint64_t result;
    if (unpack_two(fpscr, format, x, y, n, &result))
        return result;
    bool sign = n[0].sign != n[1].sign;
    if (infinity_times_zero(n[0], n[1]))
        return invalid(fpscr, format);
    if (n[0].kind == INFINITE || n[1].kind == INFINITE)
        return infinity(format, sign);
    if (n[0].kind == ZERO || n[1].kind == ZERO)
        return zero(format, sign);
    return round_wide(fpscr, format, sign, n[0].exponent + n[1].exponent + 1,
                      (wide)n[0].significand * n[1].significand);
}

/* A product has at most 106 significant bits, so whichever of the two is shifted away from
 * the other loses bits only when they are too far apart to cancel. */
static uint64_t add_product(uint32_t *fpscr, enum fp_format format, struct number addend,
                            struct number x, struct number y)
{
    bool sign = x.sign != y.sign;
    int exponent = x.exponent + y.exponent;
    wide product = (wide)x.significand * y.significand;
    if (addend.kind == ZERO)
        return round_wide(fpscr, format, sign, exponent + 1, product);
    return add_wide(fpscr, format, addend.sign, addend.exponent, with_room(addend.significand),
                    sign, exponent + 1, product >> 2);
}

uint64_t fp_mul_add(uint32_t *fpscr, enum fp_format format, uint64_t addend, uint64_t x,
                    uint64_t y)
{
    const uint64_t bits[] = { addend, x, y };
    struct number n[3];
    uint64_t result;
    for (int i = 0; i < 3; i++)
        n[i] = unpack(fpscr, format, bits[i]);
    bool sign = n[1].sign != n[2].sign, nonsense = infinity_times_zero(n[1], n[2]);
    bool infinite = n[1].kind == INFINITE || n[2].kind == INFINITE;
    if (n[0].kind == QUIET_NAN && nonsense)
        return invalid(fpscr, format);
    if (any_nan(fpscr, format, 3, n, bits, &result))
        return result;
    if (nonsense || (n[0].kind == INFINITE && infinite && n[0].sign != sign))
        return invalid(fpscr, format);
    if (n[0].kind == INFINITE)
        return infinity(format, n[0].sign);
    if (infinite)
        return infinity(format, sign);
    if (n[1].kind == FINITE && n[2].kind == FINITE)
        return add_product(fpscr, format, n[0], n[1], n[2]);
    if (n[0].kind == FINITE)
        return round_as_set(fpscr, format, n[0]);
    return n[0].sign == sign ? zero(format, sign) : difference_of_equals(*fpscr, format);
}

/* --- divide, square root ------------------------------------------------------------- */

uint64_t fp_div(uint32_t *fpscr, enum fp_format format, uint64_t x, uint64_t y)
{
    struct number n[2];
    uint64_t result;
    if (unpack_two(fpscr, format, x, y, n, &result))
        return result;
    bool sign = n[0].sign != n[1].sign;
    if (n[0].kind == n[1].kind && n[0].kind != FINITE)
        return invalid(fpscr, format);
    if (n[0].kind == INFINITE || n[1].kind == ZERO) {
        if (n[0].kind != INFINITE)
            *fpscr |= FPSCR_DZC;
        return infinity(format, sign);
    }
    if (n[0].kind == ZERO || n[1].kind == INFINITE)
        return zero(format, sign);
    wide dividend = (wide)n[0].significand << 63;
    uint64_t quotient = (uint64_t)(dividend / n[1].significand);
    quotient |= dividend % n[1].significand != 0;
    return round_wide(fpscr, format, sign, n[0].exponent - n[1].exponent + 64, quotient);
}

/* The root of a 128-bit number, a bit at a time; the lowest bit is set if it is not exact. */
static uint64_t root(wide square)
{
    uint64_t result = 0;
    for (int i = 63; i >= 0; i--) {
        uint64_t tried = result | 1ull << i;
        if ((wide)tried * tried <= square)
            result = tried;
    }
    return result | ((wide)result * result != square);
}

uint64_t fp_sqrt(uint32_t *fpscr, enum fp_format format, uint64_t x)
{
    struct number n = unpack(fpscr, format, x);
    uint64_t result;
    if (any_nan(fpscr, format, 1, &n, &x, &result))
        return result;
    if (n.kind == ZERO)
        return zero(format, n.sign);
    if (n.sign)
        return invalid(fpscr, format);
    if (n.kind == INFINITE)
        return infinity(format, false);
    bool odd = n.exponent & 1;
    return round_as_set(fpscr, format, (struct number){
        FINITE, false, (n.exponent - odd) / 2, root((wide)n.significand << (63 + odd)) });
}

/* --- compare, larger, smaller -------------------------------------------------------- */

/* -1, 0 or 1; no NaNs. */
static int order(struct number x, struct number y)
{
    if (x.kind == ZERO && y.kind == ZERO)
        return 0;
    int x_sign = x.kind == ZERO ? 0 : x.sign ? -1 : 1;
    int y_sign = y.kind == ZERO ? 0 : y.sign ? -1 : 1;
    if (x_sign != y_sign)
        return x_sign > y_sign ? 1 : -1;
    if (x.kind != y.kind)
        return x.kind > y.kind ? x_sign : -x_sign;
    if (x.exponent != y.exponent)
        return x.exponent > y.exponent ? x_sign : -x_sign;
    return x.significand == y.significand ? 0 : x.significand > y.significand ? x_sign : -x_sign;
}

uint32_t fp_compare(uint32_t *fpscr, enum fp_format format, uint64_t x, uint64_t y,
                    bool signals)
{
    struct number a = unpack(fpscr, format, x), b = unpack(fpscr, format, y);
    if (is_nan(a) || is_nan(b)) {
        if (signals || a.kind == SIGNALLING_NAN || b.kind == SIGNALLING_NAN)
            *fpscr |= FPSCR_IOC;
        return 0x30000000;
    }
    int result = order(a, b);
    return result == 0 ? 0x60000000 : result < 0 ? 0x80000000 : 0x20000000;
}

/* A quiet NaN loses against a number (VMAXNM, VMINNM); -0 is less than +0. */
static uint64_t extreme(uint32_t *fpscr, enum fp_format format, uint64_t x, uint64_t y, int wanted)
{
    struct number n[2] = { unpack(fpscr, format, x), unpack(fpscr, format, y) };
    uint64_t result;
    for (int i = 0; i < 2; i++)
        if (n[i].kind == QUIET_NAN && !is_nan(n[1 - i]))
            n[i] = n[1 - i];
    if (any_nan(fpscr, format, 2, n, (const uint64_t[]){ x, y }, &result))
        return result;
    if (n[0].kind == ZERO && n[1].kind == ZERO)
        return zero(format, wanted > 0 ? n[0].sign && n[1].sign : n[0].sign || n[1].sign);
    struct number best = order(n[0], n[1]) == wanted ? n[0] : n[1];
    if (best.kind == FINITE)
        return round_as_set(fpscr, format, best);
    return best.kind == ZERO ? zero(format, best.sign) : infinity(format, best.sign);
}

uint64_t fp_max_num(uint32_t *fpscr, enum fp_format format, uint64_t x, uint64_t y)
{
    return extreme(fpscr, format, x, y, 1);
}
uint64_t fp_min_num(uint32_t *fpscr, enum fp_format format, uint64_t x, uint64_t y)
{
    return extreme(fpscr, format, x, y, -1);
}

/* --- between formats ----------------------------------------------------------------- */

/* FPConvertNaN(): the payload's upper bits; alternative half precision has no NaN. */
static uint64_t convert_nan(uint32_t *fpscr, enum fp_format from, enum fp_format to,
                            uint64_t x, struct number n)
{
    int shift = fraction_bits(to) - fraction_bits(from);
    uint64_t payload = x & ((1ull << fraction_bits(from)) - 1);
    if (n.kind == SIGNALLING_NAN || alternative(*fpscr, to))
        *fpscr |= FPSCR_IOC;
    if (alternative(*fpscr, to))
        return zero(to, n.sign);
    if (*fpscr & FPSCR_DN)
        return default_nan(to);
    payload = shift > 0 ? payload << shift : payload >> -shift;
    return infinity(to, n.sign) | quiet_bit(to) | payload;
}

uint64_t fp_convert(uint32_t *fpscr, enum fp_format from, enum fp_format to, uint64_t x)
{
    struct number n = unpack(fpscr, from, x);
    if (is_nan(n))
        return convert_nan(fpscr, from, to, x, n);
    if (n.kind == ZERO)
        return zero(to, n.sign);
    if (n.kind == FINITE)
        return round_as_set(fpscr, to, n);
    if (!alternative(*fpscr, to))
        return infinity(to, n.sign);
    *fpscr |= FPSCR_IOC;
    return with_sign(to, n.sign, sign_bit(to) - 1);
}

/* --- integers ------------------------------------------------------------------------ */

/* |x| x 2^scale in whole units, rounded; the exponent is below 64 then.  *exact: nothing was
 * lost. */
static uint64_t whole(struct number x, int scale, enum fp_rounding rounding, bool *exact)
{
    int exponent = x.exponent + scale;
    uint64_t units = exponent >= 0 ? x.significand >> (63 - exponent) : 0;
    uint64_t rest = exponent == 63 ? 0
                  : exponent >= 0 ? x.significand << (exponent + 1)
                  : shift_sticky(x.significand, -1 - exponent);
    *exact = rest == 0;
    return units + rounds_up(rounding, x.sign, units & 1, rest);
}

uint64_t fp_round_int(uint32_t *fpscr, enum fp_format format, uint64_t x,
                      enum fp_rounding rounding, bool exact)
{
    struct number n = unpack(fpscr, format, x);
    uint64_t result;
    bool unchanged;
    if (any_nan(fpscr, format, 1, &n, &x, &result))
        return result;
    if (n.kind == ZERO)
        return zero(format, n.sign);
    if (n.kind == INFINITE || n.exponent >= fraction_bits(format))
        return x;
    uint64_t units = whole(n, 0, rounding, &unchanged);
    if (exact && !unchanged)
        *fpscr |= FPSCR_IXC;
    if (units == 0)
        return zero(format, n.sign);
    struct number integer = { FINITE, n.sign, 63, units };
    normalise(&integer);
    return round_as_set(fpscr, format, integer);
}

static uint64_t saturated(uint32_t *fpscr, int size, bool is_signed, bool negative)
{
    uint64_t top = 1ull << (size - 1);
    *fpscr |= FPSCR_IOC;
    if (!is_signed)
        return negative ? 0 : 2 * top - 1;
    return negative ? top : top - 1;
}

uint64_t fp_to_fixed(uint32_t *fpscr, enum fp_format format, uint64_t x, int size,
                     int fraction, bool is_signed, enum fp_rounding rounding)
{
    struct number n = unpack(fpscr, format, x);
    bool exact;
    if (is_nan(n)) {
        *fpscr |= FPSCR_IOC;
        return 0;
    }
    if (n.kind == ZERO)
        return 0;
    if (n.kind == INFINITE || n.exponent + fraction > 62)
        return saturated(fpscr, size, is_signed, n.sign);
    uint64_t units = whole(n, fraction, rounding, &exact);
    uint64_t limit = n.sign ? (is_signed ? 1ull << (size - 1) : 0)
                            : (1ull << (is_signed ? size - 1 : size)) - 1;
    if (units > limit)
        return saturated(fpscr, size, is_signed, n.sign);
    if (!exact)
        *fpscr |= FPSCR_IXC;
    return (n.sign ? 0 - units : units) & ((1ull << size) - 1);
}

uint64_t fp_from_fixed(uint32_t *fpscr, enum fp_format format, int64_t value, int fraction,
                       enum fp_rounding rounding)
{
    if (value == 0)
        return zero(format, false);
    struct number n = { FINITE, value < 0, 63 - fraction,
                        value < 0 ? 0 - (uint64_t)value : (uint64_t)value };
    normalise(&n);
    return round_to(fpscr, format, rounding, n);
}

/* imm8 = a b cd efgh: sign a; exponent NOT(b) b...b cd; fraction efgh0... */
uint64_t fp_expand_imm(enum fp_format format, uint32_t imm8)
{
    int exponent_bits = layouts[format].exponent_bits;
    uint64_t b = imm8 >> 6 & 1, repeated = b ? (1ull << (exponent_bits - 3)) - 1 : 0;
    uint64_t exponent = (b ^ 1) << (exponent_bits - 1) | repeated << 2 | (imm8 >> 4 & 3);
    return with_sign(format, imm8 >> 7 & 1, exponent << fraction_bits(format) |
                     (uint64_t)(imm8 & 15) << (fraction_bits(format) - 4));
}
