/* fp.h - floating-point arithmetic as an Arm FPU does it, on the bits of its registers.
 *
 *   called by  thumb_fp.c      calls  nothing
 *
 * A value is the bits of a half, a single or a double, in the low end of 64.  Each function
 * rounds as FPSCR says and sets FPSCR's cumulative flags; it treats NaNs, denormal numbers
 * and half precision as FPSCR's DN, FZ and AHP say.  Names are those of the pseudo code
 * (Armv7-M ARM D6.4). */
#ifndef FP_H
#define FP_H

#include <stdbool.h>
#include <stdint.h>

enum fp_format { FP_HALF, FP_SINGLE, FP_DOUBLE };

/* FPSCR, Armv7-M ARM A2.5.3. */
enum { FPSCR_IOC = 1 << 0, FPSCR_DZC = 1 << 1, FPSCR_OFC = 1 << 2, FPSCR_UFC = 1 << 3,
       FPSCR_IXC = 1 << 4, FPSCR_IDC = 1 << 7, FPSCR_RMODE = 3 << 22, FPSCR_FZ = 1 << 24,
       FPSCR_DN = 1 << 25, FPSCR_AHP = 1 << 26 };
#define FPSCR_NZCV 0xF0000000u
#define FPSCR_BITS 0xF7C0009Fu      /* that can be written */

/* FPSCR.RMode's numbers, and what only some instructions can ask for. */
enum fp_rounding { FP_NEAREST, FP_UP, FP_DOWN, FP_TO_ZERO, FP_NEAREST_AWAY };
static inline enum fp_rounding fp_rounding(uint32_t fpscr)
{
    return (enum fp_rounding)(fpscr >> 22 & 3);
}

typedef uint64_t fp_binary(uint32_t *fpscr, enum fp_format format, uint64_t x, uint64_t y);
fp_binary fp_add, fp_sub, fp_mul, fp_div, fp_max_num, fp_min_num;
uint64_t fp_mul_add(uint32_t *fpscr, enum fp_format format, uint64_t addend, uint64_t x,
                    uint64_t y);
uint64_t fp_sqrt(uint32_t *fpscr, enum fp_format format, uint64_t x);
uint64_t fp_neg(enum fp_format format, uint64_t x);
uint64_t fp_abs(enum fp_format format, uint64_t x);

/* NZCV in bits 31:28.  signals: quiet NaNs are invalid, too (VCMPE). */
uint32_t fp_compare(uint32_t *fpscr, enum fp_format format, uint64_t x, uint64_t y,
                    bool signals);

uint64_t fp_convert(uint32_t *fpscr, enum fp_format from, enum fp_format to, uint64_t x);
/* An integer in a float; exact: tells FPSCR.IXC when that changed the value (VRINTX). */
uint64_t fp_round_int(uint32_t *fpscr, enum fp_format format, uint64_t x,
                      enum fp_rounding rounding, bool exact);

/* Integers and fixed point numbers, of `size` bits with `fraction` of them behind the point;
 * the result of fp_to_fixed() has size bits, and the value given to fp_from_fixed() is
 * already extended. */
uint64_t fp_to_fixed(uint32_t *fpscr, enum fp_format format, uint64_t x, int size,
                     int fraction, bool is_signed, enum fp_rounding rounding);
uint64_t fp_from_fixed(uint32_t *fpscr, enum fp_format format, int64_t value, int fraction,
                       enum fp_rounding rounding);

/* VFPExpandImm() */
uint64_t fp_expand_imm(enum fp_format format, uint32_t imm8);

#endif
