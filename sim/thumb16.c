/* thumb16.c - the 16-bit Thumb instructions.
 *
 *   called by  cpu.c, through the table      calls  thumb.h
 *
 * The table at the end is Armv7-M ARM A5.2, one row an instruction; above it are the
 * handlers, in the same order.  Rules that hold for all of them:
 *   - inside an IT block the data-processing ones leave the flags alone, except the
 *     compares (A7.3.2, "setflags = !InITBlock()");
 *   - an instruction that Armv6-M lacks is undefined there: the row says so. */
#include "thumb.h"

/* Result to a low register, flags N and Z unless in an IT block. */
static void result_nz(struct cpu *cpu, uint32_t d, uint32_t result)
{
    cpu->r[d] = result;
    if (!in_it_block(cpu))
        set_nz(cpu, result);
}

static void result_nzc(struct cpu *cpu, uint32_t d, uint32_t result, uint32_t carry)
{
    result_nz(cpu, d, result);
    if (!in_it_block(cpu))
        cpu->c = carry;
}

static void add(struct cpu *cpu, uint32_t d, uint32_t x, uint32_t y, uint32_t carry)
{
    if (in_it_block(cpu))
        cpu->r[d] = x + y + carry;
    else
        cpu->r[d] = add_with_carry(cpu, x, y, carry);
}

/* --- shift, add, subtract, move, compare (A5.2.1) ----------------------------------- */

static void shift_imm(struct cpu *cpu, uint32_t op, enum shift type)
{
    uint32_t amount = bits(op, 6, 5), carry = cpu->c;
    if (amount == 0 && type != LSL)
        amount = 32;                        /* DecodeImmShift() */
    uint32_t result = shift_c(cpu->r[bits(op, 3, 3)], type, amount, &carry);
    result_nzc(cpu, bits(op, 0, 3), result, carry);
}

static void lsl_imm(struct cpu *cpu, uint32_t op) { shift_imm(cpu, op, LSL); }
static void lsr_imm(struct cpu *cpu, uint32_t op) { shift_imm(cpu, op, LSR); }
static void asr_imm(struct cpu *cpu, uint32_t op) { shift_imm(cpu, op, ASR); }

static void add_reg(struct cpu *cpu, uint32_t op)
{
    add(cpu, bits(op, 0, 3), cpu->r[bits(op, 3, 3)], cpu->r[bits(op, 6, 3)], 0);
}
static void sub_reg(struct cpu *cpu, uint32_t op)
{
    add(cpu, bits(op, 0, 3), cpu->r[bits(op, 3, 3)], ~cpu->r[bits(op, 6, 3)], 1);
}
static void add_imm3(struct cpu *cpu, uint32_t op)
{
    add(cpu, bits(op, 0, 3), cpu->r[bits(op, 3, 3)], bits(op, 6, 3), 0);
}
static void sub_imm3(struct cpu *cpu, uint32_t op)
{
    add(cpu, bits(op, 0, 3), cpu->r[bits(op, 3, 3)], ~bits(op, 6, 3), 1);
}
static void mov_imm8(struct cpu *cpu, uint32_t op)
{
    result_nz(cpu, bits(op, 8, 3), bits(op, 0, 8));
}
static void cmp_imm8(struct cpu *cpu, uint32_t op)
{
    add_with_carry(cpu, cpu->r[bits(op, 8, 3)], ~bits(op, 0, 8), 1);
}
static void add_imm8(struct cpu *cpu, uint32_t op)
{
    add(cpu, bits(op, 8, 3), cpu->r[bits(op, 8, 3)], bits(op, 0, 8), 0);
}
static void sub_imm8(struct cpu *cpu, uint32_t op)
{
    add(cpu, bits(op, 8, 3), cpu->r[bits(op, 8, 3)], ~bits(op, 0, 8), 1);
}

/* --- data processing (A5.2.2): Rdn in 2:0, Rm in 5:3 --------------------------------- */

static uint32_t dn(const struct cpu *cpu, uint32_t op) { return cpu->r[op & 7]; }
static uint32_t m(const struct cpu *cpu, uint32_t op) { return cpu->r[op >> 3 & 7]; }

static void and_reg(struct cpu *cpu, uint32_t op)
{
    result_nz(cpu, op & 7, dn(cpu, op) & m(cpu, op));
}
static void eor_reg(struct cpu *cpu, uint32_t op)
{
    result_nz(cpu, op & 7, dn(cpu, op) ^ m(cpu, op));
}
static void shift_reg(struct cpu *cpu, uint32_t op, enum shift type)
{
    uint32_t carry = cpu->c;
    uint32_t result = shift_c(dn(cpu, op), type, m(cpu, op) & 0xFF, &carry);
    result_nzc(cpu, op & 7, result, carry);
}
static void lsl_reg(struct cpu *cpu, uint32_t op) { shift_reg(cpu, op, LSL); }
static void lsr_reg(struct cpu *cpu, uint32_t op) { shift_reg(cpu, op, LSR); }
static void asr_reg(struct cpu *cpu, uint32_t op) { shift_reg(cpu, op, ASR); }
static void ror_reg(struct cpu *cpu, uint32_t op) { shift_reg(cpu, op, ROR); }

static void adc_reg(struct cpu *cpu, uint32_t op)
{
    add(cpu, op & 7, dn(cpu, op), m(cpu, op), cpu->c);
}
static void sbc_reg(struct cpu *cpu, uint32_t op)
{
    add(cpu, op & 7, dn(cpu, op), ~m(cpu, op), cpu->c);
}
static void tst_reg(struct cpu *cpu, uint32_t op) { set_nz(cpu, dn(cpu, op) & m(cpu, op)); }
static void rsb_imm0(struct cpu *cpu, uint32_t op) { add(cpu, op & 7, ~m(cpu, op), 0, 1); }
static void cmp_reg(struct cpu *cpu, uint32_t op)
{
    add_with_carry(cpu, dn(cpu, op), ~m(cpu, op), 1);
}
static void cmn_reg(struct cpu *cpu, uint32_t op)
{
    add_with_carry(cpu, dn(cpu, op), m(cpu, op), 0);
}
static void orr_reg(struct cpu *cpu, uint32_t op)
{
    result_nz(cpu, op & 7, dn(cpu, op) | m(cpu, op));
}
static void mul_reg(struct cpu *cpu, uint32_t op)
{
    result_nz(cpu, op & 7, dn(cpu, op) * m(cpu, op));
    if (is_v6m(cpu) && !cpu->config.single_cycle_multiply)
        cpu->cost = 32;
}
static void bic_reg(struct cpu *cpu, uint32_t op)
{
    result_nz(cpu, op & 7, dn(cpu, op) & ~m(cpu, op));
}
static void mvn_reg(struct cpu *cpu, uint32_t op) { result_nz(cpu, op & 7, ~m(cpu, op)); }

/* --- special data and branch exchange (A5.2.3): any register -------------------------- */

static uint32_t high_dn(uint32_t op) { return bits(op, 7, 1) << 3 | bits(op, 0, 3); }

/* No flags are written; a result for the PC is a branch. */
static void result_any(struct cpu *cpu, uint32_t d, uint32_t result)
{
    if (d == 15)
        branch_to(cpu, result);
    else
        set_reg(cpu, d, result);
}
static void add_high(struct cpu *cpu, uint32_t op)
{
    uint32_t d = high_dn(op);
    result_any(cpu, d, reg(cpu, d) + reg(cpu, bits(op, 3, 4)));
}
static void cmp_high(struct cpu *cpu, uint32_t op)
{
    add_with_carry(cpu, reg(cpu, high_dn(op)), ~reg(cpu, bits(op, 3, 4)), 1);
}
static void mov_high(struct cpu *cpu, uint32_t op)
{
    result_any(cpu, high_dn(op), reg(cpu, bits(op, 3, 4)));
}
static void bx(struct cpu *cpu, uint32_t op) { bx_write_pc(cpu, reg(cpu, bits(op, 3, 4))); }
static void blx(struct cpu *cpu, uint32_t op)
{
    uint32_t target = reg(cpu, bits(op, 3, 4));
    cpu->r[14] = cpu->r[15] | 1;
    cpu->thumb = target & 1;
    branch_to(cpu, target);
}

/* --- loads and stores (A5.2.4) ---------------------------------------------------- */

static uint32_t sign_extend(uint32_t value, int width)
{
    return width == 1 ? (uint32_t)(int8_t)value
         : width == 2 ? (uint32_t)(int16_t)value : value;
}

static void load_to(struct cpu *cpu, uint32_t t, uint32_t address, int width, bool is_signed)
{
    uint32_t value;
    if (load(cpu, address, width, &value))
        cpu->r[t] = is_signed ? sign_extend(value, width) : value;
}

static void ldr_literal(struct cpu *cpu, uint32_t op)
{
    cost_of_load(cpu, 15, 15, bits(op, 8, 3));
    load_to(cpu, bits(op, 8, 3), ((cpu->pc + 4) & ~3u) + 4 * bits(op, 0, 8), 4, false);
}

static uint32_t base_plus_reg(const struct cpu *cpu, uint32_t op)
{
    return cpu->r[bits(op, 3, 3)] + cpu->r[bits(op, 6, 3)];
}
static void str_by_reg(struct cpu *cpu, uint32_t op, int width)
{
    cost_of_store(cpu);
    store(cpu, base_plus_reg(cpu, op), width, cpu->r[op & 7]);
}
static void str_reg(struct cpu *cpu, uint32_t op) { str_by_reg(cpu, op, 4); }
static void strh_reg(struct cpu *cpu, uint32_t op) { str_by_reg(cpu, op, 2); }
static void strb_reg(struct cpu *cpu, uint32_t op) { str_by_reg(cpu, op, 1); }

static void ldr_by_reg(struct cpu *cpu, uint32_t op, int width, bool is_signed)
{
    cost_of_load(cpu, bits(op, 3, 3), bits(op, 6, 3), op & 7);
    load_to(cpu, op & 7, base_plus_reg(cpu, op), width, is_signed);
}
static void ldr_reg(struct cpu *cpu, uint32_t op) { ldr_by_reg(cpu, op, 4, false); }
static void ldrh_reg(struct cpu *cpu, uint32_t op) { ldr_by_reg(cpu, op, 2, false); }
static void ldrb_reg(struct cpu *cpu, uint32_t op) { ldr_by_reg(cpu, op, 1, false); }
static void ldrsh_reg(struct cpu *cpu, uint32_t op) { ldr_by_reg(cpu, op, 2, true); }
static void ldrsb_reg(struct cpu *cpu, uint32_t op) { ldr_by_reg(cpu, op, 1, true); }

static uint32_t base_plus_imm5(const struct cpu *cpu, uint32_t op, int width)
{
    return cpu->r[bits(op, 3, 3)] + bits(op, 6, 5) * (uint32_t)width;
}
static void str_by_imm(struct cpu *cpu, uint32_t op, int width)
{
    cost_of_store(cpu);
    store(cpu, base_plus_imm5(cpu, op, width), width, cpu->r[op & 7]);
}
static void str_imm(struct cpu *cpu, uint32_t op) { str_by_imm(cpu, op, 4); }
static void strh_imm(struct cpu *cpu, uint32_t op) { str_by_imm(cpu, op, 2); }
static void strb_imm(struct cpu *cpu, uint32_t op) { str_by_imm(cpu, op, 1); }

static void ldr_by_imm(struct cpu *cpu, uint32_t op, int width)
{
    cost_of_load(cpu, bits(op, 3, 3), 15, op & 7);
    load_to(cpu, op & 7, base_plus_imm5(cpu, op, width), width, false);
}
static void ldr_imm(struct cpu *cpu, uint32_t op) { ldr_by_imm(cpu, op, 4); }
static void ldrh_imm(struct cpu *cpu, uint32_t op) { ldr_by_imm(cpu, op, 2); }
static void ldrb_imm(struct cpu *cpu, uint32_t op) { ldr_by_imm(cpu, op, 1); }

static void str_sp(struct cpu *cpu, uint32_t op)
{
    cost_of_store(cpu);
    store(cpu, cpu->r[13] + 4 * bits(op, 0, 8), 4, cpu->r[bits(op, 8, 3)]);
}
static void ldr_sp(struct cpu *cpu, uint32_t op)
{
    cost_of_load(cpu, 13, 15, bits(op, 8, 3));
    load_to(cpu, bits(op, 8, 3), cpu->r[13] + 4 * bits(op, 0, 8), 4, false);
}

static void adr(struct cpu *cpu, uint32_t op)
{
    cpu->r[bits(op, 8, 3)] = ((cpu->pc + 4) & ~3u) + 4 * bits(op, 0, 8);
}
static void add_rd_sp(struct cpu *cpu, uint32_t op)
{
    cpu->r[bits(op, 8, 3)] = cpu->r[13] + 4 * bits(op, 0, 8);
}

/* --- miscellaneous (A5.2.5) ---------------------------------------------------------- */

static void add_sp(struct cpu *cpu, uint32_t op) { cpu->r[13] += 4 * bits(op, 0, 7); }
static void sub_sp(struct cpu *cpu, uint32_t op) { cpu->r[13] -= 4 * bits(op, 0, 7); }

static void cbz(struct cpu *cpu, uint32_t op)
{
    if ((cpu->r[op & 7] != 0) == bits(op, 11, 1))
        branch_to(cpu, cpu->pc + 4 + (bits(op, 9, 1) << 6 | bits(op, 3, 5) << 1));
}

static void sxth(struct cpu *cpu, uint32_t op) { cpu->r[op & 7] = sign_extend(m(cpu, op), 2); }
static void sxtb(struct cpu *cpu, uint32_t op) { cpu->r[op & 7] = sign_extend(m(cpu, op), 1); }
static void uxth(struct cpu *cpu, uint32_t op) { cpu->r[op & 7] = m(cpu, op) & 0xFFFF; }
static void uxtb(struct cpu *cpu, uint32_t op) { cpu->r[op & 7] = m(cpu, op) & 0xFF; }

static void rev(struct cpu *cpu, uint32_t op)
{
    cpu->r[op & 7] = __builtin_bswap32(m(cpu, op));
}
static void rev16(struct cpu *cpu, uint32_t op)
{
    uint32_t value = m(cpu, op);
    cpu->r[op & 7] = (value & 0xFF00FF) << 8 | (value >> 8 & 0xFF00FF);
}
static void revsh(struct cpu *cpu, uint32_t op)
{
    cpu->r[op & 7] = sign_extend(__builtin_bswap16((uint16_t)m(cpu, op)), 2);
}

/* One cycle, and one for each register (Cortex-M3 TRM 18.2). */
static void push(struct cpu *cpu, uint32_t op)
{
    uint32_t list = bits(op, 0, 8) | bits(op, 8, 1) << 14;
    uint32_t address = cpu->r[13] - 4 * (uint32_t)__builtin_popcount(list);
    uint32_t bottom = address;
    for (int n = 0; n < 15; n++)
        if (list >> n & 1) {
            cpu->cost++;
            if (!store_aligned(cpu, address, 4, cpu->r[n]))
                return;
            address += 4;
        }
    cpu->r[13] = bottom;
}

static void pop(struct cpu *cpu, uint32_t op)
{
    uint32_t list = bits(op, 0, 8), address = cpu->r[13], value[9];
    int count = __builtin_popcount(list) + (int)bits(op, 8, 1), next = 0;
    for (int i = 0; i < count; i++, address += 4) {
        cpu->cost++;
        if (!load_aligned(cpu, address, 4, &value[i]))
            return;
    }
    for (int n = 0; n < 8; n++)
        if (list >> n & 1)
            cpu->r[n] = value[next++];
    cpu->r[13] = address;
    if (bits(op, 8, 1))
        load_write_pc(cpu, value[next]);
}

static void cps(struct cpu *cpu, uint32_t op)
{
    change_mask(cpu, bits(op, 4, 1), bits(op, 1, 1), bits(op, 0, 1));
}
static void bkpt(struct cpu *cpu, uint32_t op) { software_breakpoint(cpu, (uint8_t)op); }

static void nop(struct cpu *cpu, uint32_t op) { (void)cpu; (void)op; }
static void wfe(struct cpu *cpu, uint32_t op) { (void)op; wait_for_event(cpu); }
static void wfi(struct cpu *cpu, uint32_t op) { (void)op; wait_for_interrupt(cpu); }
static void sev(struct cpu *cpu, uint32_t op)
{
    (void)op;
    for (int i = 0; i < cpu->sim->core_count; i++)
        if (cpu->sim->cores[i]->bus == cpu->bus)
            cpu_send_event(cpu->sim->cores[i]);
    cpu_send_event(cpu);
}
static void it(struct cpu *cpu, uint32_t op)
{
    if (in_it_block(cpu))
        unpredictable(cpu, op);
    cpu->it_state = (uint8_t)op;
}

/* --- multiple, branches, calls ------------------------------------------------------ */

static void stm(struct cpu *cpu, uint32_t op)
{
    uint32_t base = bits(op, 8, 3), address = cpu->r[base];
    for (int n = 0; n < 8; n++)
        if (op >> n & 1) {
            cpu->cost++;
            if (!store_aligned(cpu, address, 4, cpu->r[n]))
                return;
            address += 4;
        }
    cpu->r[base] = address;
}

static void ldm(struct cpu *cpu, uint32_t op)
{
    uint32_t base = bits(op, 8, 3), address = cpu->r[base], value[8];
    for (int n = 0; n < 8; n++)
        if (op >> n & 1) {
            cpu->cost++;
            if (!load_aligned(cpu, address, 4, &value[n]))
                return;
            address += 4;
        }
    for (int n = 0; n < 8; n++)
        if (op >> n & 1)
            cpu->r[n] = value[n];
    if (!(op >> base & 1))
        cpu->r[base] = address;
}

static void b_cond(struct cpu *cpu, uint32_t op)
{
    if (condition_passed(cpu, bits(op, 8, 4)))
        branch_to(cpu, cpu->pc + 4 + (uint32_t)((int32_t)(op << 24) >> 23));
}
static void b(struct cpu *cpu, uint32_t op)
{
    branch_to(cpu, cpu->pc + 4 + (uint32_t)((int32_t)(op << 21) >> 20));
}
static void svc(struct cpu *cpu, uint32_t op) { (void)op; raise_fault(cpu, EXC_SVCALL, 0); }

const struct op thumb16[] = {
    { 0xF800, 0x0000, lsl_imm,     "LSL Rd, Rm, #imm5",     V6M },
    { 0xF800, 0x0800, lsr_imm,     "LSR Rd, Rm, #imm5",     V6M },
    { 0xF800, 0x1000, asr_imm,     "ASR Rd, Rm, #imm5",     V6M },
    { 0xFE00, 0x1800, add_reg,     "ADD Rd, Rn, Rm",        V6M },
    { 0xFE00, 0x1A00, sub_reg,     "SUB Rd, Rn, Rm",        V6M },
    { 0xFE00, 0x1C00, add_imm3,    "ADD Rd, Rn, #imm3",     V6M },
    { 0xFE00, 0x1E00, sub_imm3,    "SUB Rd, Rn, #imm3",     V6M },
    { 0xF800, 0x2000, mov_imm8,    "MOV Rd, #imm8",         V6M },
    { 0xF800, 0x2800, cmp_imm8,    "CMP Rn, #imm8",         V6M },
    { 0xF800, 0x3000, add_imm8,    "ADD Rdn, #imm8",        V6M },
    { 0xF800, 0x3800, sub_imm8,    "SUB Rdn, #imm8",        V6M },
    { 0xFFC0, 0x4000, and_reg,     "AND Rdn, Rm",           V6M },
    { 0xFFC0, 0x4040, eor_reg,     "EOR Rdn, Rm",           V6M },
    { 0xFFC0, 0x4080, lsl_reg,     "LSL Rdn, Rm",           V6M },
    { 0xFFC0, 0x40C0, lsr_reg,     "LSR Rdn, Rm",           V6M },
    { 0xFFC0, 0x4100, asr_reg,     "ASR Rdn, Rm",           V6M },
    { 0xFFC0, 0x4140, adc_reg,     "ADC Rdn, Rm",           V6M },
    { 0xFFC0, 0x4180, sbc_reg,     "SBC Rdn, Rm",           V6M },
    { 0xFFC0, 0x41C0, ror_reg,     "ROR Rdn, Rm",           V6M },
    { 0xFFC0, 0x4200, tst_reg,     "TST Rn, Rm",            V6M },
    { 0xFFC0, 0x4240, rsb_imm0,    "RSB Rd, Rn, #0",        V6M },
    { 0xFFC0, 0x4280, cmp_reg,     "CMP Rn, Rm",            V6M },
    { 0xFFC0, 0x42C0, cmn_reg,     "CMN Rn, Rm",            V6M },
    { 0xFFC0, 0x4300, orr_reg,     "ORR Rdn, Rm",           V6M },
    { 0xFFC0, 0x4340, mul_reg,     "MUL Rdm, Rn",           V6M },
    { 0xFFC0, 0x4380, bic_reg,     "BIC Rdn, Rm",           V6M },
    { 0xFFC0, 0x43C0, mvn_reg,     "MVN Rd, Rm",            V6M },
    { 0xFF00, 0x4400, add_high,    "ADD Rdn, Rm (any)",     V6M },
    { 0xFF00, 0x4500, cmp_high,    "CMP Rn, Rm (any)",      V6M },
    { 0xFF00, 0x4600, mov_high,    "MOV Rd, Rm (any)",      V6M },
    { 0xFF80, 0x4700, bx,          "BX Rm",                 V6M },
    { 0xFF80, 0x4780, blx,         "BLX Rm",                V6M },
    { 0xF800, 0x4800, ldr_literal, "LDR Rt, label",         V6M },
    { 0xFE00, 0x5000, str_reg,     "STR Rt, [Rn, Rm]",      V6M },
    { 0xFE00, 0x5200, strh_reg,    "STRH Rt, [Rn, Rm]",     V6M },
    { 0xFE00, 0x5400, strb_reg,    "STRB Rt, [Rn, Rm]",     V6M },
    { 0xFE00, 0x5600, ldrsb_reg,   "LDRSB Rt, [Rn, Rm]",    V6M },
    { 0xFE00, 0x5800, ldr_reg,     "LDR Rt, [Rn, Rm]",      V6M },
    { 0xFE00, 0x5A00, ldrh_reg,    "LDRH Rt, [Rn, Rm]",     V6M },
    { 0xFE00, 0x5C00, ldrb_reg,    "LDRB Rt, [Rn, Rm]",     V6M },
    { 0xFE00, 0x5E00, ldrsh_reg,   "LDRSH Rt, [Rn, Rm]",    V6M },
    { 0xF800, 0x6000, str_imm,     "STR Rt, [Rn, #imm5]",   V6M },
    { 0xF800, 0x6800, ldr_imm,     "LDR Rt, [Rn, #imm5]",   V6M },
    { 0xF800, 0x7000, strb_imm,    "STRB Rt, [Rn, #imm5]",  V6M },
    { 0xF800, 0x7800, ldrb_imm,    "LDRB Rt, [Rn, #imm5]",  V6M },
    { 0xF800, 0x8000, strh_imm,    "STRH Rt, [Rn, #imm5]",  V6M },
    { 0xF800, 0x8800, ldrh_imm,    "LDRH Rt, [Rn, #imm5]",  V6M },
    { 0xF800, 0x9000, str_sp,      "STR Rt, [SP, #imm8]",   V6M },
    { 0xF800, 0x9800, ldr_sp,      "LDR Rt, [SP, #imm8]",   V6M },
    { 0xF800, 0xA000, adr,         "ADR Rd, label",         V6M },
    { 0xF800, 0xA800, add_rd_sp,   "ADD Rd, SP, #imm8",     V6M },
    { 0xFF80, 0xB000, add_sp,      "ADD SP, #imm7",         V6M },
    { 0xFF80, 0xB080, sub_sp,      "SUB SP, #imm7",         V6M },
    { 0xFD00, 0xB100, cbz,         "CBZ Rn, label",       V7M },
    { 0xFD00, 0xB900, cbz,         "CBNZ Rn, label",      V7M },
    { 0xFFC0, 0xB200, sxth,        "SXTH Rd, Rm",           V6M },
    { 0xFFC0, 0xB240, sxtb,        "SXTB Rd, Rm",           V6M },
    { 0xFFC0, 0xB280, uxth,        "UXTH Rd, Rm",           V6M },
    { 0xFFC0, 0xB2C0, uxtb,        "UXTB Rd, Rm",           V6M },
    { 0xFE00, 0xB400, push,        "PUSH {list}",           V6M },
    { 0xFFE8, 0xB660, cps,         "CPS",                   V6M },
    { 0xFFC0, 0xBA00, rev,         "REV Rd, Rm",            V6M },
    { 0xFFC0, 0xBA40, rev16,       "REV16 Rd, Rm",          V6M },
    { 0xFFC0, 0xBAC0, revsh,       "REVSH Rd, Rm",          V6M },
    { 0xFE00, 0xBC00, pop,         "POP {list}",            V6M },
    { 0xFF00, 0xBE00, bkpt,        "BKPT #imm8",            V6M },
    { 0xFFFF, 0xBF00, nop,         "NOP",                   V6M },
    { 0xFFFF, 0xBF10, nop,         "YIELD",                 V6M },
    { 0xFFFF, 0xBF20, wfe,         "WFE",                   V6M },
    { 0xFFFF, 0xBF30, wfi,         "WFI",                   V6M },
    { 0xFFFF, 0xBF40, sev,         "SEV",                   V6M },
    { 0xFF0F, 0xBF00, nop,         "hint, unallocated",     V6M },
    { 0xFF00, 0xBF00, it,          "IT",                  V7M },
    { 0xF800, 0xC000, stm,         "STM Rn!, {list}",       V6M },
    { 0xF800, 0xC800, ldm,         "LDM Rn!, {list}",       V6M },
    { 0xFF00, 0xDE00, undefined,   "UDF #imm8",             V6M },
    { 0xFF00, 0xDF00, svc,         "SVC #imm8",             V6M },
    { 0xF000, 0xD000, b_cond,      "B<c> label",            V6M },
    { 0xF800, 0xE000, b,           "B label",               V6M },
    { 0x0000, 0x0000, undefined,   "undefined, 16 bits",    V6M },
};
const int thumb16_rows = sizeof thumb16 / sizeof *thumb16;
