/* fpu.c - the FPU as a part of the core: CPACR, extended frames, lazy state.
 *
 *   called by  cpu.c, nvic.c, thumb_fp.c      calls  bus.h, nvic.h
 *
 * An FPU instruction sets CONTROL.FPCA; an exception that comes then makes its frame 72
 * bytes longer, clears FPCA, and writes S0 to S15 and FPSCR there
 *
 *   at once                  FPCCR.LSPEN = 0
 *   or marks only the place  FPCCR.LSPEN = 1: LSPACT = 1, FPCAR = the address.  The next
 *                            FPU instruction writes first; if none comes until the return,
 *                            the registers still hold what they held
 *
 * EXC_RETURN bit 4 is 0 for such a frame.  A debugger that reads S0 while LSPACT is 1 sees
 * the value that waits.
 *
 * Sources: Armv7-M ARM (DDI 0403E) B1.5.6 to B1.5.8, B3.2.20 to B3.2.23; MVFRs: Cortex-M4 TRM
 * table 7-2, Cortex-M7 TRM table 8-2. */
#include "fpu.h"
#include "fp.h"
#include "nvic.h"
#include "thumb.h"

enum { CPACR = 0xD88, FPCCR = 0xF34, FPCAR = 0xF38, FPDSCR = 0xF3C, MVFR0 = 0xF40,
       MVFR1 = 0xF44, MVFR2 = 0xF48 };
enum { LSPACT = 1 << 0, USER = 1 << 1, THREAD = 1 << 3, HFRDY = 1 << 4, MMRDY = 1 << 5,
       BFRDY = 1 << 6, MONRDY = 1 << 8, LSPEN = 1 << 30 };
#define ASPEN (1u << 31)
enum { STATE_CYCLES = 17 };                 /* one a word (M4 TRM 3.3.1: entry of 29) */
enum { CP10_AND_CP11 = 0xF << 20 };
enum { DEFAULTS = FPSCR_AHP | FPSCR_DN | FPSCR_FZ | FPSCR_RMODE };

void fpu_reset(struct cpu *cpu)
{
    struct fpu *fpu = &cpu->fpu;
    fpu->cpacr = fpu->fpcar = fpu->fpdscr = fpu->fpscr = 0;
    fpu->fpccr = ASPEN | LSPEN;
}

/* --- its registers in the System Control Space --------------------------------------- */

uint32_t fpu_read_register(const struct cpu *cpu, uint32_t offset)
{
    static const uint32_t mvfr[][3] = {
        [CPU_NO_FPU]  = { 0, 0, 0 },
        [CPU_FPV4_SP] = { 0x10110021, 0x11000011, 0 },
        [CPU_FPV5_SP] = { 0x10110021, 0x11000011, 0x00000040 },
        [CPU_FPV5_DP] = { 0x10110221, 0x12000011, 0x00000040 },
    };
    if (!cpu->config.fpu)
        return 0;
    switch (offset) {
    case CPACR:  return cpu->fpu.cpacr;
    case FPCCR:  return cpu->fpu.fpccr;
    case FPCAR:  return cpu->fpu.fpcar;
    case FPDSCR: return cpu->fpu.fpdscr;
    case MVFR0: case MVFR1: case MVFR2:
        return mvfr[cpu->config.fpu][(offset - MVFR0) / 4];
    }
    return 0;
}

void fpu_write_register(struct cpu *cpu, uint32_t offset, uint32_t value)
{
    struct fpu *fpu = &cpu->fpu;
    if (!cpu->config.fpu)
        return;
    switch (offset) {
    case CPACR:  fpu->cpacr = value & CP10_AND_CP11; break;
    case FPCCR:  fpu->fpccr = value & (ASPEN | LSPEN | MONRDY | BFRDY | MMRDY | HFRDY |
                                       THREAD | USER | LSPACT); break;
    case FPCAR:  fpu->fpcar = value & ~7u; break;
    case FPDSCR: fpu->fpdscr = value & DEFAULTS; break;
    }
}

/* --- access -------------------------------------------------------------------------- */

/* CheckVFPEnabled(): coprocessor 11's field follows that of 10. */
static bool enabled(const struct cpu *cpu)
{
    uint32_t access = cpu->fpu.cpacr >> 20 & 3;
    return access == 3 || (access == 1 && privileged(cpu));
}

bool fpu_let_in(struct cpu *cpu)
{
    if (!enabled(cpu))
        raise_fault(cpu, EXC_USAGEFAULT, NOCP);
    return enabled(cpu);
}

static bool write_state(struct cpu *cpu, uint32_t at)
{
    bool good = true;
    for (uint32_t i = 0; i < 16; i++)
        good &= bus_write(cpu->bus, BUS_DATA, at + 4 * i, 4, cpu->fpu.s[i]);
    return good & bus_write(cpu->bus, BUS_DATA, at + 64, 4, cpu->fpu.fpscr);
}

/* A bus error of the late store: which exception it is was decided when the frame was made
 * (B1.5.7).  True: it comes now, so the instruction does not. */
static bool late_fault(struct cpu *cpu)
{
    struct nvic *nvic = cpu->nvic;
    bool bus_fault = cpu->fpu.fpccr & BFRDY;
    nvic->cfsr |= LSPERR;
    if (!bus_fault)
        nvic->hfsr |= HFSR_FORCED;
    nvic_pend(nvic, bus_fault ? EXC_BUSFAULT : EXC_HARDFAULT);
    if (!cpu->exception_due)
        return false;
    cpu->r[15] = cpu->pc;
    cpu->it_state = cpu->it_now;
    return true;
}

/* PreserveFPState() */
static bool save_late(struct cpu *cpu)
{
    cpu->cost += STATE_CYCLES;
    if (!write_state(cpu, cpu->fpu.fpcar) && late_fault(cpu))
        return false;
    cpu->fpu.fpccr &= ~(uint32_t)LSPACT;
    return true;
}

bool fpu_ready(struct cpu *cpu)
{
    struct fpu *fpu = &cpu->fpu;
    if (!fpu_let_in(cpu))
        return false;
    if (fpu->fpccr & LSPACT && !save_late(cpu))
        return false;
    if (fpu->fpccr & ASPEN && !(cpu->control & CONTROL_FPCA)) {
        fpu->fpscr = fpu->fpdscr;               /* a new context; its flags are clear */
        cpu->control |= CONTROL_FPCA;
    }
    return true;
}

/* --- frames -------------------------------------------------------------------------- */

/* Could this exception be taken now? */
static uint32_t ready_bit(const struct cpu *cpu, int exception, bool on, uint32_t bit)
{
    return on && nvic_priority(cpu->nvic, exception) < nvic_execution_priority(cpu->nvic)
           ? bit : 0;
}

/* UpdateFPCCR() */
static void save_later(struct cpu *cpu, uint32_t at)
{
    const struct nvic *nvic = cpu->nvic;
    cpu->fpu.fpcar = at & ~7u;
    cpu->fpu.fpccr = (cpu->fpu.fpccr & (ASPEN | LSPEN)) | LSPACT |
        (privileged(cpu) ? 0 : USER) | (cpu->exception ? 0 : THREAD) |
        (nvic_execution_priority(nvic) > PRIORITY_HARDFAULT ? HFRDY : 0) |
        ready_bit(cpu, EXC_MEMMANAGE, nvic_is_enabled(nvic, EXC_MEMMANAGE), MMRDY) |
        ready_bit(cpu, EXC_BUSFAULT, nvic_is_enabled(nvic, EXC_BUSFAULT), BFRDY) |
        ready_bit(cpu, EXC_DEBUGMON, cpu->monitor_enabled, MONRDY);
}

uint32_t fpu_push(struct cpu *cpu, uint32_t at)
{
    if (cpu->fpu.fpccr & LSPEN) {
        save_later(cpu, at);
        return 0;
    }
    if (!enabled(cpu))
        return NOCP;
    spend(cpu, STATE_CYCLES);
    return write_state(cpu, at) ? 0 : STKERR;
}

uint32_t fpu_pop(struct cpu *cpu, uint32_t at)
{
    struct fpu *fpu = &cpu->fpu;
    bool good = true;
    if (fpu->fpccr & LSPACT) {
        fpu->fpccr &= ~(uint32_t)LSPACT;        /* nobody has touched the registers */
        return 0;
    }
    if (!enabled(cpu))
        return NOCP;
    spend(cpu, STATE_CYCLES);
    for (uint32_t i = 0; i < 16; i++)
        good &= bus_read(cpu->bus, BUS_DATA, at + 4 * i, 4, &fpu->s[i]);
    good &= bus_read(cpu->bus, BUS_DATA, at + 64, 4, &fpu->fpscr);
    fpu->fpscr &= FPSCR_BITS;
    return good ? 0 : UNSTKERR;
}
