/* fpu.h - the FPU as a part of the core: who may use it, and who saves its registers.
 *
 *   called by  cpu.c (exceptions), nvic.c (its registers), thumb_fp.c (before each
 *              instruction), coredebug.c (S0 to S31, FPSCR)      calls  bus.h, nvic.h
 *
 *   fp.c        what the operations give      thumb_fp.c  the instructions */
#ifndef FPU_H
#define FPU_H

#include "cpu.h"

enum { CONTROL_FPCA = 4 };                  /* S0 to S15 and FPSCR are in use */
enum { EXC_RETURN_BASIC = 1 << 4 };         /* the frame has no FPU registers */
enum { FPU_FRAME_BYTES = 72 };              /* S0 to S15, FPSCR, a word unused */

void fpu_reset(struct cpu *cpu);

/* CPACR, FPCCR, FPCAR, FPDSCR, MVFR0 to MVFR2, by their offset in the SCS. */
uint32_t fpu_read_register(const struct cpu *cpu, uint32_t offset);
void fpu_write_register(struct cpu *cpu, uint32_t offset, uint32_t value);

/* ExecuteFPCheck(): CPACR lets it in, state that waits to be saved has been saved, and a
 * context is there.  False: an exception is to be taken instead of the instruction. */
bool fpu_ready(struct cpu *cpu);
/* The first part of it, for what is undefined anyway. */
bool fpu_let_in(struct cpu *cpu);

/* The upper part of an extended frame, at its address.  What went wrong, as CFSR bits. */
uint32_t fpu_push(struct cpu *cpu, uint32_t at);
uint32_t fpu_pop(struct cpu *cpu, uint32_t at);

#endif
