/* cpu.c - one Armv6-M or Armv7-M core: fetch, memory, exceptions, the run loop.
 *
 *   called by  clock.c, the chip, coredebug.c
 *   calls      thumb16.c, thumb32.c, thumb_dsp.c, thumb_fp.c; nvic.c, fpu.c
 *
 * The loop in cpu_run() does one thing a turn: take the exception that is due, or
 * execute the instruction at r[15].  Everything that needs rarer care (asleep, halted,
 * locked up, in reset) is one test.
 *
 * A fault inside an instruction is recorded by raise_fault() and taken when the handler
 * has returned: with the PC and IT state of that instruction, as if it had never
 * started.  SVC goes the same way, with the PC of the next one.
 *
 * What a cycle costs, and why, is in sim/README.md; the pipeline section below is its
 * only implementation.
 *
 * Sources: Armv7-M ARM (DDI 0403) B1.5 exceptions, D6 pseudo code; Armv6-M ARM (DDI 0419);
 * Cortex-M3 TRM r1p1 (DDI 0337) chapter 18 timing. */
#include "thumb.h"
#include "fpu.h"
#include "nvic.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

const char *(*cpu_symbol)(const struct cpu *cpu, uint32_t address, uint32_t *offset);

enum {
    ENTRY_CYCLES_M3 = 12, EXIT_CYCLES_M3 = 12, TAIL_CHAIN_CYCLES = 6,   /* TRM 5.1 */
    ENTRY_CYCLES_M0 = 15, EXIT_CYCLES_M0 = 13,          /* M0+ TRM: latency of 15 */
    BRANCH_REFILL_M3 = 2, BRANCH_REFILL_M0 = 1,
    FRAME_BYTES = 32
};

/* --- arithmetic -------------------------------------------------------------------- */

uint32_t shift_c(uint32_t value, enum shift type, uint32_t amount, uint32_t *carry)
{
    if (amount == 0)
        return value;
    switch (type) {
    case LSL:
        *carry = amount > 32 ? 0 : value >> (32 - amount) & 1;
        return amount > 31 ? 0 : value << amount;
    case LSR:
        *carry = amount > 32 ? 0 : value >> (amount - 1) & 1;
        return amount > 31 ? 0 : value >> amount;
    case ASR:
        if (amount > 31)
            amount = 32;
        *carry = (uint32_t)((int64_t)(int32_t)value >> (amount - 1)) & 1;
        return (uint32_t)((int64_t)(int32_t)value >> amount);
    case ROR:
        amount &= 31;
        value = amount ? value >> amount | value << (32 - amount) : value;
        *carry = value >> 31;
        return value;
    case RRX:
        break;
    }
    uint32_t result = *carry << 31 | value >> 1;
    *carry = value & 1;
    return result;
}

bool condition_passed(const struct cpu *cpu, uint32_t condition)
{
    bool result = true;
    switch (condition >> 1) {
    case 0: result = cpu->z; break;
    case 1: result = cpu->c; break;
    case 2: result = cpu->n; break;
    case 3: result = cpu->v; break;
    case 4: result = cpu->c && !cpu->z; break;
    case 5: result = cpu->n == cpu->v; break;
    case 6: result = cpu->n == cpu->v && !cpu->z; break;
    case 7: return true;
    }
    return result != (condition & 1);
}

/* --- faults --------------------------------------------------------------------------- */

void raise_fault(struct cpu *cpu, int exception, uint32_t cfsr)
{
    if (is_v6m(cpu) && exception != EXC_SVCALL)
        exception = EXC_HARDFAULT;          /* there is no other */
    else
        cpu->nvic->cfsr |= cfsr;
    cpu->fault = exception;
}

void undefined(struct cpu *cpu, uint32_t op)
{
    (void)op;
    raise_fault(cpu, EXC_USAGEFAULT, UNDEFINSTR);
}

/* The chip would do something; nobody may rely on it. */
void unpredictable(struct cpu *cpu, uint32_t op)
{
    sim_report(cpu->sim, SIM_RULE, "%s: UNPREDICTABLE instruction 0x%X",
               cpu->config.name, op);
    undefined(cpu, op);
}

bool traps_division(const struct cpu *cpu) { return cpu->nvic->ccr & CCR_DIV_0_TRP; }

static bool bus_error(struct cpu *cpu, uint32_t address, uint32_t why)
{
    cpu->nvic->bfar = address;
    /* B3.2.8: at priority -1 or -2 a load or store may ask to be spared; the mark stays. */
    if (why == PRECISERR && cpu->nvic->ccr & CCR_BFHFNMIGN
        && nvic_execution_priority(cpu->nvic) <= PRIORITY_HARDFAULT) {
        cpu->nvic->cfsr |= PRECISERR | BFARVALID;
        return true;
    }
    raise_fault(cpu, EXC_BUSFAULT, why | (why == PRECISERR ? BFARVALID : 0));
    return false;
}

static void lock_up(struct cpu *cpu, const char *why)
{
    cpu->lockup = true;
    /* A chip whose flash is blank locks up by design; that is nobody's mistake.  Nor is a
     * target that locks up, as one does that is loaded and let go without a reset: only the
     * probe must not. */
    uint32_t vector = ~0u;              /* of HardFault; erased flash is 0 on some chips */
    bus_read(cpu->bus, BUS_DATA, 4 * EXC_HARDFAULT, 4, &vector);
    bool blank = cpu->pc == 0xFFFFFFFE || (cpu->pc == 0 && !vector);
    bool probe = cpu == cpu->sim->cores[0];
    sim_report(cpu->sim, probe && !blank ? SIM_FATAL : SIM_NOTE, "%s: locked up: %s",
               cpu->config.name, blank ? "nothing but erased flash to execute" : why);
}

/* Which exception a fault becomes: its own, or HardFault by escalation (B1.5.14). */
static int escalate(struct cpu *cpu, int exception)
{
    struct nvic *nvic = cpu->nvic;
    int running_at = nvic_execution_priority(nvic);
    if (exception != EXC_HARDFAULT && nvic_is_enabled(nvic, exception) &&
        nvic_priority(nvic, exception) < running_at)
        return exception;
    if (running_at <= PRIORITY_HARDFAULT) {
        lock_up(cpu, "a fault inside HardFault or NMI");
        return 0;
    }
    if (exception != EXC_HARDFAULT)
        nvic->hfsr |= HFSR_FORCED;
    return EXC_HARDFAULT;
}

/* After the instruction: makes the fault that it raised pending. */
static void take_fault(struct cpu *cpu)
{
    int exception = cpu->fault;
    cpu->fault = 0;
    if (exception != EXC_SVCALL) {
        cpu->r[15] = cpu->pc;
        cpu->it_state = cpu->it_now;
    }
    exception = escalate(cpu, exception);
    if (exception == 0) {
        cpu->r[15] = cpu->pc;
        return;
    }
    nvic_pend(cpu->nvic, exception);
}

/* --- pipeline: what the flash, the store buffer and the refill cost ---------------------- */

/* Not even the line before any: nothing is in sequence with it. */
static uint32_t no_line(void) { return UINT32_MAX - 1; }

/* Flash that is being programmed or erased stalls whoever wants it. */
static void wait_until_not_busy(struct cpu *cpu, const struct bus_region *region, bool write)
{
    const sim_time *until = bus_busy(region, write);
    if (!until || *until <= cpu->sim->now)
        return;
    sim_time wait = *until - cpu->sim->now;
    spend(cpu, (wait + cpu->cycle - 1) / cpu->cycle);
}

/* Execution enters another 8-byte line.  In sequence and with the prefetch buffer on, it
 * may have been read meanwhile; else it is read now, and the next one behind it. */
static void enter_line(struct cpu *cpu, const struct bus_region *region, uint32_t line)
{
    struct cpu_pipeline *pipe = &cpu->pipeline;
    bool sequential = line == pipe->line + 1;
    wait_until_not_busy(cpu, region, false);
    if (region->executed)
        region->executed(region->ctx, (line << 3) - region->base);
    if (sequential && region->prefetch) {
        if (pipe->next_ready > cpu->cycles)
            spend(cpu, pipe->next_ready - cpu->cycles);
    } else if (region->read_wait) {
        spend(cpu, region->read_wait);
    }
    if (!sequential && line >= 0x20000000u >> 3)
        spend(cpu, 1);                      /* fetch over the system bus (TRM 14.5) */
    pipe->line = line;
    uint64_t start = pipe->port_free > cpu->cycles ? pipe->port_free : cpu->cycles;
    pipe->next_ready = start + 1 + region->read_wait;
}

static bool never_executable(uint32_t address)
{
    return address >> 29 == 2 || address >= 0xA0000000;
}

/* One halfword.  False: fault raised. */
static bool fetch_from(struct cpu *cpu, uint32_t address, uint32_t *half)
{
    struct bus_region *region = bus_quick(cpu->bus, address);
    *half = 0;
    if (never_executable(address)) {
        raise_fault(cpu, EXC_MEMMANAGE, IACCVIOL);
        return false;
    }
    if (!region)
        region = bus_find(cpu->bus, address);
    if (!region || (!region->memory && !region->read) || region->data_only)
        return bus_error(cpu, address, IBUSERR);
    cpu->pipeline.region = region;
    if (address >> 3 != cpu->pipeline.line)
        enter_line(cpu, region, address >> 3);
    if (region->memory) {
        memcpy(half, region->memory + (address - region->base), 2);
        return true;
    }
    return bus_read(cpu->bus, BUS_CODE, address, 2, half) ||
           bus_error(cpu, address, IBUSERR);
}

static inline bool fetch(struct cpu *cpu, uint32_t address, uint32_t *half)
{
    const struct bus_region *region = cpu->pipeline.region;
    if (region && address - region->base < region->size && region->memory &&
        address >> 3 == cpu->pipeline.line) {
        uint16_t value;
        memcpy(&value, region->memory + (address - region->base), 2);
        *half = value;
        return true;
    }
    return fetch_from(cpu, address, half);
}

/* A taken branch: the refill, and the line will have to be read anew. */
static void refill(struct cpu *cpu)
{
    cpu->cost += is_v6m(cpu) ? BRANCH_REFILL_M0 : BRANCH_REFILL_M3;
    cpu->pipeline.line = no_line();
}

/* Neighbouring loads pipeline their address and data phases: the second then takes one
 * cycle, unless its address needs what the first one loads (TRM 18.3). */
void cost_of_load(struct cpu *cpu, uint32_t rn, uint32_t rm, uint32_t target)
{
    struct cpu_pipeline *pipe = &cpu->pipeline;
    bool pipelined = !is_v6m(cpu) && pipe->load_end == cpu->cycles &&
                     pipe->load_target != rn && pipe->load_target != rm;
    cpu->cost = pipelined ? 1 : 2;
    pipe->load_target = (uint8_t)target;
}

void cost_of_store(struct cpu *cpu) { cpu->cost = is_v6m(cpu) ? 2 : 1; }

/* Charges all of the instruction's cycles but the last, in which the bus is used. */
static void spend_all_but_one(struct cpu *cpu)
{
    if (cpu->cost > 1)
        spend(cpu, cpu->cost - 1);
    cpu->cost = 1;
}

static void wait_for_store_buffer(struct cpu *cpu)
{
    uint64_t now = cpu->cycles + cpu->cost - 1;
    if (cpu->pipeline.buffer_free > now)
        cpu->cost += (unsigned)(cpu->pipeline.buffer_free - now);
}

/* Instructions come over the system bus too when they are in SRAM: both want it. */
static void contend(struct cpu *cpu, uint32_t address)
{
    if (address >= 0x20000000 && cpu->pc >= 0x20000000 && !is_v6m(cpu))
        cpu->cost++;
}

/* A data read from the flash that also feeds the instructions: it waits for a read ahead
 * that is under way, takes the full wait states, and holds up the next read ahead. */
static void read_flash_data(struct cpu *cpu, const struct bus_region *region)
{
    struct cpu_pipeline *pipe = &cpu->pipeline;
    uint64_t now = cpu->cycles + cpu->cost - 1;
    if (region->prefetch && region == pipe->region && pipe->next_ready > now)
        cpu->cost += (unsigned)(pipe->next_ready - now);
    cpu->cost += region->read_wait;
    pipe->port_free = cpu->cycles + cpu->cost;
}

/* --- data accesses --------------------------------------------------------------------- */

static struct bus_region *find(struct cpu *cpu, uint32_t address)
{
    struct bus_region *quick = bus_quick(cpu->bus, address);
    return quick ? quick : bus_find(cpu->bus, address);
}

/* Fixed sizes, for speed: the compiler makes each a single move. */
static uint32_t get(const uint8_t *memory, int width)
{
    uint16_t half;
    uint32_t whole;
    switch (width) {
    case 1: return *memory;
    case 2: memcpy(&half, memory, 2); return half;
    }
    memcpy(&whole, memory, 4);
    return whole;
}

static void put(uint8_t *memory, int width, uint32_t value)
{
    uint16_t half = (uint16_t)value;
    switch (width) {
    case 1: *memory = (uint8_t)value; break;
    case 2: memcpy(memory, &half, 2); break;
    case 4: memcpy(memory, &value, 4); break;
    }
}

static bool read_unit(struct cpu *cpu, uint32_t address, int width, uint32_t *value)
{
    struct bus_region *region = find(cpu, address);
    wait_for_store_buffer(cpu);
    contend(cpu, address);
    if (region && region->busy_until)
        wait_until_not_busy(cpu, region, false);
    if (region && region->memory) {
        if (region->read_wait)
            read_flash_data(cpu, region);
        *value = get(region->memory + (address - region->base), width);
    } else {
        if (!region)
            region = bus_behind(cpu->bus, address);
        if (region)
            cpu->cost += region->read_wait;
        spend_all_but_one(cpu);
        if (!bus_read(cpu->bus, BUS_DATA, address, width, value))
            return bus_error(cpu, address, PRECISERR);
    }
    if (cpu->hooks.data_access)
        cpu->hooks.data_access(cpu->hooks.ctx, address, width, false, *value);
    return true;
}

static bool write_unit(struct cpu *cpu, uint32_t address, int width, uint32_t value)
{
    struct bus_region *region = find(cpu, address);
    wait_for_store_buffer(cpu);
    contend(cpu, address);
    if (region)
        wait_until_not_busy(cpu, region, true);
    if (region && region->memory && region->writable) {
        put(region->memory + (address - region->base), width, value);
    } else {
        spend_all_but_one(cpu);
        if (!bus_write(cpu->bus, BUS_DATA, address, width, value))
            return bus_error(cpu, address, PRECISERR);
    }
    if (region && region->write_wait) {
        if (is_v6m(cpu))
            cpu->cost += region->write_wait;        /* no store buffer */
        else
            cpu->pipeline.buffer_free = cpu->cycles + cpu->cost + region->write_wait;
    }
    if (!region && (region = bus_behind(cpu->bus, address)))   /* a read and a write */
        cpu->pipeline.buffer_free = cpu->cycles + cpu->cost + 1 + region->read_wait
                                  + region->write_wait;
    if (cpu->hooks.data_access)
        cpu->hooks.data_access(cpu->hooks.ctx, address, width, true, value);
    return true;
}

/* An unaligned access, if it is allowed, is split into aligned ones: bytes at the ends
 * (TRM 14.6). */
static bool may_be_unaligned(struct cpu *cpu)
{
    if (!is_v6m(cpu) && !(cpu->nvic->ccr & CCR_UNALIGN_TRP))
        return true;
    raise_fault(cpu, EXC_USAGEFAULT, UNALIGNED);
    return false;
}

static int unit_at(uint32_t address, int left)
{
    return address & 1 || left < 2 ? 1 : address & 2 || left < 4 ? 2 : 4;
}

static bool load_split(struct cpu *cpu, uint32_t address, int width, uint32_t *value)
{
    uint32_t part, result = 0;
    if (!may_be_unaligned(cpu))
        return false;
    for (int done = 0, unit; done < width; done += unit) {
        unit = unit_at(address + (uint32_t)done, width - done);
        if (!read_unit(cpu, address + (uint32_t)done, unit, &part))
            return false;
        result |= part << 8 * done;
        cpu->cost += done + unit < width;
    }
    *value = result;
    return true;
}

static bool store_split(struct cpu *cpu, uint32_t address, int width, uint32_t value)
{
    if (!may_be_unaligned(cpu))
        return false;
    for (int done = 0, unit; done < width; done += unit) {
        unit = unit_at(address + (uint32_t)done, width - done);
        uint32_t mask = unit == 4 ? ~0u : (1u << 8 * unit) - 1;
        if (!write_unit(cpu, address + (uint32_t)done, unit, value >> 8 * done & mask))
            return false;
        cpu->cost += done + unit < width;
    }
    return true;
}

bool load(struct cpu *cpu, uint32_t address, int width, uint32_t *value)
{
    bool good = address & (uint32_t)(width - 1) ? load_split(cpu, address, width, value)
                                                : read_unit(cpu, address, width, value);
    if (good)
        cpu->pipeline.load_end = cpu->cycles + cpu->cost;
    return good;
}

bool store(struct cpu *cpu, uint32_t address, int width, uint32_t value)
{
    if (address & (uint32_t)(width - 1))
        return store_split(cpu, address, width, value);
    return write_unit(cpu, address, width, width == 4 ? value
                                                      : value & ((1u << 8 * width) - 1));
}

static bool aligned(struct cpu *cpu, uint32_t address, int width)
{
    if (!(address & (uint32_t)(width - 1)))
        return true;
    raise_fault(cpu, EXC_USAGEFAULT, UNALIGNED);
    return false;
}

bool load_aligned(struct cpu *cpu, uint32_t address, int width, uint32_t *value)
{
    return aligned(cpu, address, width) && read_unit(cpu, address, width, value);
}

bool store_aligned(struct cpu *cpu, uint32_t address, int width, uint32_t value)
{
    return aligned(cpu, address, width) && write_unit(cpu, address, width, value);
}

/* --- special registers ------------------------------------------------------------------ */

static bool on_psp(const struct cpu *cpu)
{
    return !cpu->exception && cpu->control & 2;
}

/* Changes what the choice of stack depends on, and swaps the two if it changed. */
static void set_mode(struct cpu *cpu, int exception, uint8_t control)
{
    bool was = on_psp(cpu);
    cpu->exception = exception;
    cpu->control = control;
    if (was != on_psp(cpu)) {
        uint32_t sp = cpu->r[13];
        cpu->r[13] = cpu->other_sp;
        cpu->other_sp = sp;
    }
}

uint32_t cpu_msp(const struct cpu *cpu) { return on_psp(cpu) ? cpu->other_sp : cpu->r[13]; }
uint32_t cpu_psp(const struct cpu *cpu) { return on_psp(cpu) ? cpu->r[13] : cpu->other_sp; }

void cpu_set_msp(struct cpu *cpu, uint32_t value)
{
    *(on_psp(cpu) ? &cpu->other_sp : &cpu->r[13]) = value & ~3u;
}

void cpu_set_psp(struct cpu *cpu, uint32_t value)
{
    *(on_psp(cpu) ? &cpu->r[13] : &cpu->other_sp) = value & ~3u;
}

static uint32_t apsr(const struct cpu *cpu)
{
    return cpu->n << 31 | cpu->z << 30 | cpu->c << 29 | cpu->v << 28 | cpu->q << 27 |
           cpu->ge << 16;
}

uint32_t cpu_xpsr(const struct cpu *cpu)
{
    return apsr(cpu) | (uint32_t)(cpu->it_state & 3) << 25 | (uint32_t)cpu->thumb << 24 |
           (uint32_t)(cpu->it_state >> 2) << 10 | (uint32_t)cpu->exception;
}

static void set_ge(struct cpu *cpu, uint32_t value)
{
    if (core_has(cpu, DSP))
        cpu->ge = value >> 16 & 0xF;
}

static void set_nzcvq(struct cpu *cpu, uint32_t value)
{
    cpu->n = value >> 31;
    cpu->z = value >> 30 & 1;
    cpu->c = value >> 29 & 1;
    cpu->v = value >> 28 & 1;
    if (!is_v6m(cpu))
        cpu->q = value >> 27 & 1;
}

static void set_apsr(struct cpu *cpu, uint32_t value)
{
    set_nzcvq(cpu, value);
    set_ge(cpu, value);
}

static void set_epsr(struct cpu *cpu, uint32_t value)
{
    cpu->thumb = value >> 24 & 1;
    cpu->it_state = is_v6m(cpu) ? 0 : (uint8_t)((value >> 25 & 3) | (value >> 10 & 0x3F) << 2);
}

void cpu_set_xpsr(struct cpu *cpu, uint32_t value)
{
    set_apsr(cpu, value);
    set_epsr(cpu, value);
    set_mode(cpu, (int)(value & 0x1FF), cpu->control);
}

uint32_t cpu_special(const struct cpu *cpu)
{
    return (uint32_t)cpu->control << 24 | (uint32_t)cpu->faultmask << 16 |
           (uint32_t)cpu->basepri << 8 | cpu->primask;
}

static uint8_t fpca(const struct cpu *cpu, uint32_t control)
{
    return cpu->config.fpu ? control & CONTROL_FPCA : 0;
}

void cpu_set_special(struct cpu *cpu, uint32_t value)
{
    set_mode(cpu, cpu->exception, (value >> 24 & 3) | fpca(cpu, value >> 24));
    cpu->primask = value & 1;
    if (!is_v6m(cpu)) {
        cpu->faultmask = value >> 16 & 1;
        cpu->basepri = (uint8_t)(value >> 8);
    }
    nvic_update(cpu->nvic);
}

enum { SYSM_MSP = 8, SYSM_PSP = 9, SYSM_PRIMASK = 16, SYSM_BASEPRI, SYSM_BASEPRI_MAX,
       SYSM_FAULTMASK, SYSM_CONTROL };

/* SYSm 0 to 7 are views of xPSR; EPSR reads as zero (B5.2.2). */
uint32_t read_special(const struct cpu *cpu, uint32_t sysm)
{
    if (sysm < SYSM_MSP)
        return (sysm & 4 ? 0 : apsr(cpu)) | (sysm & 1 ? (uint32_t)cpu->exception : 0);
    if (sysm == SYSM_CONTROL)
        return cpu->control;
    if (!privileged(cpu))
        return 0;
    switch (sysm) {
    case SYSM_MSP:     return cpu_msp(cpu);
    case SYSM_PSP:     return cpu_psp(cpu);
    case SYSM_PRIMASK: return cpu->primask;
    case SYSM_BASEPRI: case SYSM_BASEPRI_MAX: return cpu->basepri;
    case SYSM_FAULTMASK: return cpu->faultmask;
    }
    return 0;
}

static void write_basepri(struct cpu *cpu, uint32_t sysm, uint32_t value)
{
    uint8_t implemented = (uint8_t)(0xFF00u >> cpu->config.priority_bits);
    uint8_t level = (uint8_t)value & implemented;
    bool raises = level && (!cpu->basepri || level < cpu->basepri);
    if (sysm == SYSM_BASEPRI || raises)
        cpu->basepri = level;
}

void write_special(struct cpu *cpu, uint32_t sysm, uint32_t mask, uint32_t value)
{
    if (sysm < 4) {
        if (mask & 2 || is_v6m(cpu))
            set_nzcvq(cpu, value);
        if (mask & 1)
            set_ge(cpu, value);
        return;
    }
    if (!privileged(cpu))
        return;
    if (is_v6m(cpu) && (sysm == SYSM_BASEPRI || sysm == SYSM_BASEPRI_MAX ||
                        sysm == SYSM_FAULTMASK))
        return;
    switch (sysm) {
    case SYSM_MSP: cpu_set_msp(cpu, value); break;
    case SYSM_PSP: cpu_set_psp(cpu, value); break;
    case SYSM_PRIMASK: cpu->primask = value & 1; break;
    case SYSM_BASEPRI: case SYSM_BASEPRI_MAX: write_basepri(cpu, sysm, value); break;
    case SYSM_FAULTMASK:
        if (nvic_execution_priority(cpu->nvic) > PRIORITY_HARDFAULT || !(value & 1))
            cpu->faultmask = value & 1;
        break;
    case SYSM_CONTROL:                      /* SPSEL only changes in Thread mode */
        set_mode(cpu, cpu->exception, (uint8_t)((value & 1) | fpca(cpu, value) |
                 (cpu->exception ? cpu->control & 2 : value & 2)));
        break;
    }
    nvic_update(cpu->nvic);
}

void change_mask(struct cpu *cpu, bool disable, bool primask, bool faultmask)
{
    if (!privileged(cpu))
        return;
    if (primask)
        cpu->primask = disable;
    if (faultmask && !is_v6m(cpu) &&
        (!disable || nvic_execution_priority(cpu->nvic) > PRIORITY_HARDFAULT))
        cpu->faultmask = disable;
    nvic_update(cpu->nvic);
}

/* --- exceptions --------------------------------------------------------------------------- */

/* Pushes or pops a frame word. */
static bool stack_access(struct cpu *cpu, bool write, uint32_t address, uint32_t *value)
{
    return write ? bus_write(cpu->bus, BUS_DATA, address, 4, *value)
                 : bus_read(cpu->bus, BUS_DATA, address, 4, value);
}

static uint32_t frame_bytes(bool extended)
{
    return FRAME_BYTES + (extended ? FPU_FRAME_BYTES : 0);
}

/* Pushes the frame.  What went wrong, as CFSR bits. */
static uint32_t stack_frame(struct cpu *cpu)
{
    bool extended = cpu->control & CONTROL_FPCA;
    bool pad = (extended || cpu->nvic->ccr & CCR_STKALIGN) && cpu->r[13] & 4;
    uint32_t frame = (cpu->r[13] & ~3u) - frame_bytes(extended) - (pad ? 4 : 0);
    uint32_t words[8] = { cpu->r[0], cpu->r[1], cpu->r[2], cpu->r[3], cpu->r[12],
                          cpu->r[14], cpu->r[15], cpu_xpsr(cpu) | (uint32_t)pad << 9 };
    bool good = true;
    cpu->r[13] = frame;
    for (uint32_t i = 0; i < 8; i++)
        good &= stack_access(cpu, true, frame + 4 * i, &words[i]);
    uint32_t wrong = extended ? fpu_push(cpu, frame + FRAME_BYTES) : 0;
    return wrong | (good ? 0 : STKERR);
}

/* Pops the frame that r[13] points to.  What went wrong, as CFSR bits. */
static uint32_t unstack_frame(struct cpu *cpu, bool extended, uint32_t *xpsr)
{
    uint32_t words[8] = { 0 }, frame = cpu->r[13];
    for (uint32_t i = 0; i < 8; i++)
        if (!stack_access(cpu, false, frame + 4 * i, &words[i]))
            return UNSTKERR;
    uint32_t wrong = extended ? fpu_pop(cpu, frame + FRAME_BYTES) : 0;
    if (wrong)
        return wrong;
    memcpy(cpu->r, words, 4 * sizeof *words);
    cpu->r[12] = words[4];
    cpu->r[14] = words[5];
    cpu->r[15] = words[6] & ~1u;
    *xpsr = words[7];
    bool padded = (extended || cpu->nvic->ccr & CCR_STKALIGN) && words[7] >> 9 & 1;
    cpu->r[13] = frame + frame_bytes(extended) + (padded ? 4 : 0);
    return 0;
}

static void trace_exception(struct cpu *cpu, int exception, enum exception_step step)
{
    if (cpu->hooks.exception)
        cpu->hooks.exception(cpu->hooks.ctx, exception, step);
}

static void spend_on_exception(struct cpu *cpu, unsigned cycles)
{
    cpu->in_exceptions += cycles;
    spend(cpu, cycles);
}

/* ExceptionTaken(): the handler of `exception` begins. */
static void enter_handler(struct cpu *cpu, int exception, uint32_t exc_return)
{
    uint32_t vector, at = cpu->nvic->vtor + 4 * (uint32_t)exception;
    if (!bus_read(cpu->bus, BUS_CODE, at, 4, &vector)) {
        cpu->nvic->hfsr |= HFSR_VECTTBL;
        if (exception == EXC_HARDFAULT || exception == EXC_NMI ||
            !bus_read(cpu->bus, BUS_CODE, cpu->nvic->vtor + 4 * EXC_HARDFAULT, 4,
                      &vector)) {
            lock_up(cpu, "no vector to be read for an exception");
            return;
        }
        exception = EXC_HARDFAULT;
    }
    set_mode(cpu, exception, cpu->control & 1);         /* neither SPSEL nor FPCA */
    cpu->r[14] = exc_return;
    cpu->r[15] = vector & ~1u;
    cpu->thumb = vector & 1;
    cpu->it_state = 0;
    cpu->exclusive = false;
    cpu->event = true;
    cpu->pipeline.line = no_line();
    nvic_activate(cpu->nvic, exception);
    trace_exception(cpu, exception, EXCEPTION_ENTERED);
    if (cpu->hooks.exception_entry)
        cpu->hooks.exception_entry(cpu->hooks.ctx, exception);
}

/* A stacking error is a fault of its own, which may be the one to run first. */
static void derived_fault(struct cpu *cpu, uint32_t cfsr)
{
    int own = cfsr & NOCP ? EXC_USAGEFAULT : EXC_BUSFAULT;
    if (!is_v6m(cpu))
        cpu->nvic->cfsr |= cfsr;
    int exception = escalate(cpu, is_v6m(cpu) ? EXC_HARDFAULT : own);
    if (exception)
        nvic_pend(cpu->nvic, exception);
}

static void take_exception(struct cpu *cpu)
{
    uint32_t exc_return = cpu->exception ? 0xFFFFFFF1 : on_psp(cpu) ? 0xFFFFFFFD
                                                                   : 0xFFFFFFF9;
    if (cpu->control & CONTROL_FPCA)
        exc_return &= ~(uint32_t)EXC_RETURN_BASIC;
    spend_on_exception(cpu, is_v6m(cpu) ? ENTRY_CYCLES_M0 : ENTRY_CYCLES_M3);
    int exception = cpu->exception_due;
    uint32_t wrong = stack_frame(cpu);
    if (wrong)
        derived_fault(cpu, wrong);
    if (cpu->lockup)
        return;
    /* Late arrival: what became more urgent during stacking goes first (B1.5.12). */
    if (cpu->exception_due)
        exception = cpu->exception_due;
    enter_handler(cpu, exception, exc_return);
}

static void tail_chain(struct cpu *cpu, int exception, uint32_t exc_return)
{
    spend_on_exception(cpu, TAIL_CHAIN_CYCLES);
    enter_handler(cpu, exception, exc_return);
}

/* A return that makes no sense: UsageFault with the stack as it is (B1.5.8). */
static void refuse_return(struct cpu *cpu, uint32_t exc_return)
{
    if (!is_v6m(cpu))
        cpu->nvic->cfsr |= INVPC;
    int exception = escalate(cpu, is_v6m(cpu) ? EXC_HARDFAULT : EXC_USAGEFAULT);
    if (exception)
        tail_chain(cpu, exception, exc_return);
}

static bool return_is_valid(const struct cpu *cpu, uint32_t exc_return)
{
    int nested = nvic_active_count(cpu->nvic);
    uint32_t basic = cpu->config.fpu ? exc_return | EXC_RETURN_BASIC : exc_return;
    switch (basic & 0xFFFFFFF) {
    case 0xFFFFFF1: return nested != 1;     /* to a handler that must exist */
    case 0xFFFFFF9:
    case 0xFFFFFFD: return nested == 1 || cpu->nvic->ccr & CCR_NONBASETHRDENA;
    }
    return false;
}

static void sleep_on_exit(struct cpu *cpu)
{
    if (!cpu->exception && cpu->nvic->scr & SCR_SLEEPONEXIT)
        wait_for_interrupt(cpu);
}

static void exception_return(struct cpu *cpu, uint32_t exc_return)
{
    struct nvic *nvic = cpu->nvic;
    int returning = cpu->exception;
    cpu->cost = 0;
    if (!nvic_is_active(nvic, returning) || !return_is_valid(cpu, exc_return)) {
        nvic_deactivate(nvic, returning);
        refuse_return(cpu, 0xF0000000 | exc_return);
        return;
    }
    if (returning != EXC_NMI)
        cpu->faultmask = 0;
    nvic_deactivate(nvic, returning);
    trace_exception(cpu, returning, EXCEPTION_LEFT);
    cpu->event = true;
    if (cpu->exception_due) {
        tail_chain(cpu, cpu->exception_due, exc_return);
        return;
    }
    spend_on_exception(cpu, is_v6m(cpu) ? EXIT_CYCLES_M0 : EXIT_CYCLES_M3);
    bool to_handler = (exc_return & 0xF) == 1, to_psp = (exc_return & 0xF) == 0xD;
    bool extended = !(exc_return & EXC_RETURN_BASIC);
    set_mode(cpu, to_handler ? returning : 0,
             (uint8_t)((cpu->control & 1) | (to_psp ? 2 : 0) | (extended ? CONTROL_FPCA : 0)));
    uint32_t xpsr, wrong = unstack_frame(cpu, extended, &xpsr);
    if (wrong) {
        set_mode(cpu, returning, cpu->control & 1);
        derived_fault(cpu, wrong);
        if (cpu->exception_due)
            tail_chain(cpu, cpu->exception_due, exc_return);
        return;
    }
    set_apsr(cpu, xpsr);
    set_epsr(cpu, xpsr);
    if (to_handler)
        cpu->exception = (int)(xpsr & 0x1FF);
    cpu->exclusive = false;
    cpu->pipeline.line = no_line();
    if (to_handler != ((xpsr & 0x1FF) != 0)) {
        cpu->pc = cpu->r[15];
        raise_fault(cpu, EXC_USAGEFAULT, INVPC);
        return;
    }
    trace_exception(cpu, cpu->exception, EXCEPTION_RETURNED_TO);
    sleep_on_exit(cpu);
    nvic_update(nvic);
}

/* --- branches, sleep, breakpoints ------------------------------------------------------- */

void branch_to(struct cpu *cpu, uint32_t address)
{
    cpu->r[15] = address & ~1u;
    refill(cpu);
}

void bx_write_pc(struct cpu *cpu, uint32_t address)
{
    if (cpu->exception && address >> 28 == 0xF) {
        exception_return(cpu, address);
        return;
    }
    cpu->thumb = address & 1;
    branch_to(cpu, address);
}

void load_write_pc(struct cpu *cpu, uint32_t address) { bx_write_pc(cpu, address); }

static void fall_asleep(struct cpu *cpu, bool for_event)
{
    if (cpu->nvic->scr & SCR_SLEEPDEEP)
        sim_report(cpu->sim, SIM_UNMODELLED, "%s: deep sleep (SCR.SLEEPDEEP): the clocks "
                   "keep running here", cpu->config.name);
    cpu->asleep = true;
    cpu->awaits_event = for_event;
}

void wait_for_interrupt(struct cpu *cpu)
{
    if (!cpu->wake_due)
        fall_asleep(cpu, false);
}

void wait_for_event(struct cpu *cpu)
{
    if (cpu->event)
        cpu->event = false;
    else
        fall_asleep(cpu, true);
}

bool cpu_sleeps_deeply(const struct cpu *cpu)
{
    return cpu->asleep && cpu->nvic->scr & SCR_SLEEPDEEP;
}

void cpu_send_event(struct cpu *cpu) { cpu->event = true; }

/* Without a debugger that halts: the monitor if it is on, else HardFault (C1.5.3). */
void software_breakpoint(struct cpu *cpu, uint8_t number)
{
    if (cpu->hooks.breakpoint && cpu->hooks.breakpoint(cpu->hooks.ctx, number)) {
        cpu->r[15] = cpu->pc;
        cpu->it_state = cpu->it_now;
        return;
    }
    bool monitor = cpu->monitor_enabled && nvic_priority(cpu->nvic, EXC_DEBUGMON) <
                                           nvic_execution_priority(cpu->nvic);
    if (!monitor)
        cpu->nvic->hfsr |= HFSR_DEBUGEVT;
    raise_fault(cpu, monitor ? EXC_DEBUGMON : EXC_HARDFAULT, 0);
}

/* --- execution ---------------------------------------------------------------------------- */

bool core_has(const struct cpu *cpu, enum cores cores)
{
    switch (cores) {
    case V6M:    return true;
    case V7M:    return !is_v6m(cpu);
    case DSP:    return cpu->config.arch == CPU_ARMV7EM;
    case FPV4:   return cpu->config.fpu >= CPU_FPV4_SP;
    case FPV5:   return cpu->config.fpu >= CPU_FPV5_SP;
    case DOUBLE: return cpu->config.fpu == CPU_FPV5_DP;
    }
    return false;
}

/* From row number `row` on; the last row of thumb16 and of thumb32 matches everything, and
 * is "undefined". */
static uint16_t find_row(const struct cpu *cpu, int row, uint32_t op)
{
    const struct op *const *rows = cpu->decoded->row;
    while ((op & rows[row]->mask) != rows[row]->match || !core_has(cpu, rows[row]->cores))
        row++;
    return (uint16_t)row;
}

static uint16_t decode_wide(struct cpu *cpu, uint32_t op)
{
    uint32_t slot = (op * 0x9E3779B1u) >> 20;
    struct thumb_cache *cache = cpu->decoded;
    if (cache->wide[slot].op != op) {
        cache->wide[slot].op = op;
        cache->wide[slot].row = find_row(cpu, thumb16_rows, op);
    }
    return cache->wide[slot].row;
}

static int all_rows(void)
{
    return thumb16_rows + thumb_dsp_rows + thumb_fp_rows + thumb32_rows;
}

static int add_rows(struct thumb_cache *cache, int at, const struct op *table, int rows)
{
    for (int i = 0; i < rows; i++)
        cache->row[at + i] = &table[i];
    return at + rows;
}

static void prepare_decoding(struct cpu *cpu)
{
    struct thumb_cache *cache = calloc(1, sizeof *cache);
    assert(cache && all_rows() <= ALL_ROWS);
    int at = add_rows(cache, 0, thumb16, thumb16_rows);
    at = add_rows(cache, at, thumb_dsp, thumb_dsp_rows);
    at = add_rows(cache, at, thumb_fp, thumb_fp_rows);
    add_rows(cache, at, thumb32, thumb32_rows);
    cpu->decoded = cache;
    for (uint32_t op = 0; op < 1u << 16; op++)
        cache->narrow[op] = find_row(cpu, 0, op);
}

/* ITAdvance() */
static uint8_t it_advance(uint8_t state)
{
    return state & 7 ? (uint8_t)((state & 0xE0) | (state << 1 & 0x1F)) : 0;
}

/* The instruction at r[15]. */
static inline void execute(struct cpu *cpu)
{
    uint32_t op, second;
    uint16_t row;
    cpu->pc = cpu->r[15];
    cpu->it_now = cpu->it_state;
    cpu->cost = 1;
    if (!fetch(cpu, cpu->pc, &op))
        goto faulted;
    if (!cpu->thumb) {
        raise_fault(cpu, EXC_USAGEFAULT, INVSTATE);
        goto faulted;
    }
    if (op < 0xE800) {
        cpu->r[15] = cpu->pc + 2;
        row = cpu->decoded->narrow[op];
    } else {
        if (!fetch(cpu, cpu->pc + 2, &second))
            goto faulted;
        cpu->r[15] = cpu->pc + 4;
        op = op << 16 | second;
        row = decode_wide(cpu, op);
    }
    cpu->it_state = it_advance(cpu->it_now);
    /* A breakpoint is unconditional even in an IT block (A7.7.17). */
    if (!(cpu->it_now & 0xF) || condition_passed(cpu, cpu->it_now >> 4) ||
        op >> 8 == 0xBE) {
        cpu->executed[row]++;
        cpu->decoded->row[row]->execute(cpu, op);
    }
    cpu->instructions++;
faulted:
    if (cpu->fault)
        take_fault(cpu);
    spend(cpu, cpu->cost);
}

static void reset_now(struct cpu *cpu)
{
    uint32_t sp = 0xFFFFFFFC, pc = 0xFFFFFFFE;
    cpu->reset_due = false;
    memset(cpu->r, 0, sizeof cpu->r);
    cpu->other_sp = 0;
    cpu->n = cpu->z = cpu->c = cpu->v = cpu->q = cpu->ge = 0;
    cpu->primask = cpu->faultmask = cpu->basepri = cpu->control = 0;
    cpu->exception = 0;
    cpu->it_state = cpu->it_now = 0;
    cpu->fault = 0;
    cpu->asleep = cpu->event = cpu->lockup = cpu->exclusive = false;
    cpu->pipeline = (struct cpu_pipeline){ .line = no_line(), .load_end = UINT64_MAX };
    nvic_reset(cpu->nvic);
    fpu_reset(cpu);
    bus_read(cpu->bus, BUS_CODE, cpu->config.vector_base, 4, &sp);
    bus_read(cpu->bus, BUS_CODE, cpu->config.vector_base + 4, 4, &pc);
    cpu->r[13] = sp & ~3u;
    cpu->r[14] = 0xFFFFFFFF;
    cpu->r[15] = cpu->pc = pc & ~1u;
    cpu->thumb = pc & 1;
}

/* A chip resets its core from within the core's own store to AIRCR: the instruction must
 * not go on with half of the new state, so that reset waits for its end. */
void cpu_reset(struct cpu *cpu)
{
    if (cpu->sim->running == cpu)
        cpu->reset_due = true;
    else
        reset_now(cpu);
}

/* Nothing is executed until the horizon; SysTick stands still in Debug state (B3.3.1). */
static void pass_time(struct cpu *cpu)
{
    if (cpu->sim->now >= cpu->sim->horizon)
        return;
    if (cpu->held_in_reset) {
        cpu->sim->now = cpu->sim->horizon;
        return;
    }
    uint64_t cycles = (cpu->sim->horizon - cpu->sim->now + cpu->cycle - 1) / cpu->cycle;
    spend(cpu, cycles);
    if (cpu->asleep)
        cpu->slept += cycles;
    if (cpu->halted)
        systick_hold(cpu->nvic, cycles);
}

static bool stays_asleep(const struct cpu *cpu)
{
    return cpu->asleep && !cpu->wake_due && !(cpu->awaits_event && cpu->event);
}

bool cpu_idle(const struct cpu *cpu)
{
    return !cpu->reset_due && (cpu->held_in_reset || cpu->halted || cpu->lockup ||
                               stays_asleep(cpu));
}

/* False: time passes, nothing is done.  A core that wakes goes on. */
static bool ready(struct cpu *cpu)
{
    if (cpu->reset_due)
        reset_now(cpu);
    if (cpu->halted)
        cpu->asleep = false;                /* Debug state ends the wait (B1.5.17) */
    if (cpu_idle(cpu)) {
        pass_time(cpu);
        return false;
    }
    if (cpu->asleep) {
        cpu->asleep = false;
        if (cpu->awaits_event)
            cpu->event = false;
    }
    return true;
}

void cpu_run(struct cpu *cpu)
{
    struct sim *sim = cpu->sim;
    while (sim->now < sim->horizon) {
        if ((cpu->asleep | cpu->halted | cpu->lockup | cpu->held_in_reset |
             cpu->reset_due) && !ready(cpu))
            continue;
        if (cpu->exception_due)
            take_exception(cpu);
        else if (!cpu->hooks.before_instruction ||
                 !cpu->hooks.before_instruction(cpu->hooks.ctx, cpu->r[15]))
            execute(cpu);
    }
}

/* Called by a debugger, so some other core may be acting: this one's time is its own. */
void cpu_step(struct cpu *cpu)
{
    struct sim *sim = cpu->sim;
    struct cpu *running = sim->running;
    sim_time now = sim->now;
    if (cpu->reset_due)
        reset_now(cpu);
    if (cpu->held_in_reset || cpu->lockup)
        return;
    if (running != cpu)
        sim->now = cpu->local;
    sim->running = cpu;
    cpu->asleep = false;
    if (cpu->exception_due)
        take_exception(cpu);
    else
        execute(cpu);
    sim->running = running;
    if (running != cpu) {
        cpu->local = sim->now;
        sim->now = now;
    }
    if (cpu->reset_due && running != cpu)
        reset_now(cpu);
}

void cpu_set_clock(struct cpu *cpu, sim_time ticks_per_cycle)
{
    assert(ticks_per_cycle);
    cpu->cycle = ticks_per_cycle;
    systick_new_clock(cpu->nvic);
}

int cpu_coverage(const struct cpu *cpu, void (*row)(void *ctx, const char *mnemonic,
                 uint64_t executed), void *ctx)
{
    int never = 0;
    for (int i = 0; i < all_rows(); i++) {
        row(ctx, cpu->decoded->row[i]->mnemonic, cpu->executed[i]);
        never += cpu->executed[i] == 0;
    }
    return never;
}

struct cpu *cpu_new(struct sim *sim, struct bus *bus, const struct cpu_config *config)
{
    struct cpu *cpu = calloc(1, sizeof *cpu);
    assert(cpu && config->irq_count <= 240);
    cpu->sim = sim;
    cpu->bus = bus;
    cpu->config = *config;
    cpu->cycle = SIM_SECOND / 8000000;      /* until the chip says otherwise */
    cpu->local = sim->now;
    cpu->pipeline.line = no_line();
    cpu->executed = calloc((size_t)all_rows(), sizeof *cpu->executed);
    assert(cpu->executed);
    prepare_decoding(cpu);
    cpu->nvic = nvic_new(cpu);
    nvic_reset(cpu->nvic);
    assert(sim->core_count < (int)(sizeof sim->cores / sizeof *sim->cores));
    sim->cores[sim->core_count++] = cpu;
    return cpu;
}

void cpu_free(struct cpu *cpu)
{
    if (!cpu)
        return;
    struct sim *sim = cpu->sim;
    for (int i = 0; i < sim->core_count; i++)
        if (sim->cores[i] == cpu) {
            memmove(&sim->cores[i], &sim->cores[i + 1],
                    sizeof *sim->cores * (size_t)(sim->core_count - i - 1));
            sim->core_count--;
        }
    nvic_free(cpu->nvic);
    free(cpu->executed);
    free(cpu->decoded);
    free(cpu);
}
