/* thumb.h - what the files of the core share, and nobody else sees.
 *
 *   thumb16.c, thumb32.c, thumb_dsp.c, thumb_fp.c
 *                          decode tables and handlers: what an instruction does
 *   cpu.c                  the machine around them: memory, branches, faults, time
 *
 * A handler does one instruction.  It finds cpu->pc at the instruction, r[15] at the next
 * one, and cpu->cost at 1; it raises cost when the instruction takes longer.  When
 * an access fails it returns at once with nothing written back: the fault is recorded,
 * and taken by the run loop.
 *
 * The pseudo code's names are kept (Armv7-M ARM, D6): AddWithCarry, Shift_C, ... */
#ifndef THUMB_H
#define THUMB_H

#include "cpu.h"

/* Which cores have an instruction: from Armv7-M on, Armv6-M too, or with an extension. */
enum cores { V7M, V6M, DSP, FPV4, FPV5, DOUBLE };

/* A row of a decode table; the first row that matches wins, of those that the core has. */
struct op {
    uint32_t mask, match;
    void (*execute)(struct cpu *cpu, uint32_t op);
    const char *mnemonic;
    enum cores cores;
};
bool core_has(const struct cpu *cpu, enum cores cores);

/* A 32-bit opcode is looked for in thumb_dsp first, then thumb_fp, thumb32. */
extern const struct op thumb16[], thumb32[], thumb_dsp[], thumb_fp[];
extern const int thumb16_rows, thumb32_rows, thumb_dsp_rows, thumb_fp_rows;

/* Decoding remembered, as numbers of rows: those of all tables, one behind the other.  It
 * is keyed by the opcode and not by the address, so code may change under it. */
enum { DECODED_32 = 4096, ALL_ROWS = 512 };
struct thumb_cache {
    const struct op *row[ALL_ROWS];
    uint16_t narrow[1 << 16];               /* every 16-bit opcode */
    struct { uint32_t op; uint16_t row; } wide[DECODED_32];
};

/* Bits of CFSR that instructions raise (Armv7-M ARM B3.2.15). */
enum {
    IACCVIOL = 1 << 0, MUNSTKERR = 1 << 3, MSTKERR = 1 << 4,
    IBUSERR = 1 << 8, PRECISERR = 1 << 9, UNSTKERR = 1 << 11, STKERR = 1 << 12,
    LSPERR = 1 << 13, BFARVALID = 1 << 15,
    UNDEFINSTR = 1 << 16, INVSTATE = 1 << 17, INVPC = 1 << 18, NOCP = 1 << 19,
    UNALIGNED = 1 << 24, DIVBYZERO = 1 << 25
};

static inline bool is_v6m(const struct cpu *cpu)
{
    return cpu->config.arch == CPU_ARMV6M;
}

static inline bool privileged(const struct cpu *cpu)
{
    return cpu->exception || !(cpu->control & 1);
}

/* Time goes by on this core. */
static inline void spend(struct cpu *cpu, uint64_t cycles)
{
    cpu->cycles += cycles;
    cpu->sim->now += cycles * cpu->cycle;
}

/* --- the opcode --------------------------------------------------------------- */

static inline uint32_t bits(uint32_t op, int low, int count)
{
    return op >> low & ((1u << count) - 1);
}

/* Of 32-bit instructions. */
static inline uint32_t field_n(uint32_t op) { return bits(op, 16, 4); }
static inline uint32_t field_t(uint32_t op) { return bits(op, 12, 4); }    /* Rt, Ra, RdLo */
static inline uint32_t field_d(uint32_t op) { return bits(op, 8, 4); }     /* Rd, Rt2, RdHi */
static inline uint32_t field_m(uint32_t op) { return bits(op, 0, 4); }

/* --- registers --------------------------------------------------------------- */

/* R[n] as an operand: the PC reads as the instruction's address + 4. */
static inline uint32_t reg(const struct cpu *cpu, uint32_t n)
{
    return n == 15 ? cpu->pc + 4 : cpu->r[n];
}

/* Writes a register that is not the PC.  The stack pointer's low bits are zero. */
static inline void set_reg(struct cpu *cpu, uint32_t n, uint32_t value)
{
    cpu->r[n] = n == 13 ? value & ~3u : value;
}

static inline bool in_it_block(const struct cpu *cpu)
{
    return cpu->it_now & 0xF;
}

static inline void set_nz(struct cpu *cpu, uint32_t result)
{
    cpu->n = result >> 31;
    cpu->z = result == 0;
}

/* AddWithCarry(), writing the flags. */
static inline uint32_t add_with_carry(struct cpu *cpu, uint32_t x, uint32_t y,
                                      uint32_t carry)
{
    uint64_t wide = (uint64_t)x + y + carry;
    uint32_t result = (uint32_t)wide;
    set_nz(cpu, result);
    cpu->c = (uint32_t)(wide >> 32);
    cpu->v = ((x ^ result) & (y ^ result)) >> 31;
    return result;
}

enum shift { LSL, LSR, ASR, ROR, RRX };
/* Shift_C(): any amount; *carry is the carry flag before and after. */
uint32_t shift_c(uint32_t value, enum shift type, uint32_t amount, uint32_t *carry);
bool condition_passed(const struct cpu *cpu, uint32_t condition);

/* --- memory ------------------------------------------------------------------ */

/* One data access.  False: it faulted, return.  The plain ones allow unaligned addresses
 * as far as the architecture does (MemU); the aligned ones never (MemA). */
bool load(struct cpu *cpu, uint32_t address, int width, uint32_t *value);
bool store(struct cpu *cpu, uint32_t address, int width, uint32_t value);
bool load_aligned(struct cpu *cpu, uint32_t address, int width, uint32_t *value);
bool store_aligned(struct cpu *cpu, uint32_t address, int width, uint32_t value);

/* A single load is about to be made of which the address comes from rn and rm: charges 2
 * cycles, or 1 when it pipelines with a load just before. */
void cost_of_load(struct cpu *cpu, uint32_t rn, uint32_t rm, uint32_t target);
void cost_of_store(struct cpu *cpu);

/* --- flow -------------------------------------------------------------------- */

void branch_to(struct cpu *cpu, uint32_t address);      /* BranchWritePC */
void bx_write_pc(struct cpu *cpu, uint32_t address);    /* BX, and exception return */
void load_write_pc(struct cpu *cpu, uint32_t address);  /* LDR, LDM, POP to PC */

/* Raises a fault in the present instruction; cfsr bits say why. */
void raise_fault(struct cpu *cpu, int exception, uint32_t cfsr);
bool traps_division(const struct cpu *cpu);              /* CCR.DIV_0_TRP */
void undefined(struct cpu *cpu, uint32_t op);
void unpredictable(struct cpu *cpu, uint32_t op);
void software_breakpoint(struct cpu *cpu, uint8_t number);
void wait_for_interrupt(struct cpu *cpu);
void wait_for_event(struct cpu *cpu);
uint32_t read_special(const struct cpu *cpu, uint32_t sysm);        /* MRS */
void write_special(struct cpu *cpu, uint32_t sysm, uint32_t mask, uint32_t value);
void change_mask(struct cpu *cpu, bool disable, bool primask, bool faultmask);  /* CPS */

#endif
