/* cpu.h - one Armv6-M, Armv7-M or Armv7E-M core: registers, instructions, exceptions, cycles.
 *
 *   cpu.c      the run loop, fetching, exceptions, cycle costs   (calls bus.c)
 *   thumb16.c, thumb32.c, thumb_dsp.c, thumb_fp.c
 *              the instructions: decode tables and what each does
 *   fp.c       floating-point arithmetic;  fpu.c  CPACR, extended frames, lazy state
 *   nvic.c     NVIC, SCB, SysTick, MPU stub: the System Control Space below 0xE000EDF0
 *   coredebug.c  DHCSR..DEMCR, DFSR, FPB, DWT: what a debugger sees (uses the hooks)
 *
 * The core knows nothing of any chip.  It meets the chip through its bus, its
 * interrupt lines and its reset; it meets a debugger through the hooks below. */
#ifndef CPU_H
#define CPU_H

#include "bus.h"

/* What a core can execute; Armv7E-M is Armv7-M with the DSP extension.  Cortex-M4: CPU_ARMV7EM,
 * cpuid 0x410FC241 (r0p1), CPU_FPV4_SP or none; M7: CPU_ARMV7EM, 0x410FC271 and up, CPU_FPV5_SP,
 * _DP or none. */
enum cpu_arch { CPU_ARMV6M, CPU_ARMV7M, CPU_ARMV7EM };
enum cpu_fpu { CPU_NO_FPU, CPU_FPV4_SP, CPU_FPV5_SP, CPU_FPV5_DP };

struct cpu_config {
    const char *name;               /* "probe", "samd21": for reports */
    enum cpu_arch arch;
    enum cpu_fpu fpu;
    uint32_t cpuid;                 /* SCB CPUID: Cortex-M3 r1p1 0x411FC231, M0+ 0x410CC601 */
    int irq_count;                  /* external interrupts, 1 to 240 */
    int priority_bits;              /* F103: 4, v6-M: 2 */
    bool has_vtor;                  /* v7-M always; M0+ usually; M0 not */
    bool single_cycle_multiply;     /* v6-M: 1 or 32 cycles */
    uint32_t systick_calib;         /* SYST_CALIB as the chip ties it; F103: 9000 */
    uint32_t vector_base;           /* VTOR out of reset; an M7's chip may change it before one */
};

/* Exception numbers, Armv7-M ARM B1.5.2.  External interrupt n is 16 + n. */
enum {
    EXC_RESET = 1, EXC_NMI, EXC_HARDFAULT, EXC_MEMMANAGE, EXC_BUSFAULT, EXC_USAGEFAULT,
    EXC_SVCALL = 11, EXC_DEBUGMON, EXC_PENDSV = 14, EXC_SYSTICK
};

/* What an exception trace tells; the numbers are those of its packets (Armv7-M ARM D4.3). */
enum exception_step { EXCEPTION_ENTERED = 1, EXCEPTION_LEFT, EXCEPTION_RETURNED_TO };

/* What a debug unit plugs in.  All may be NULL: a core without a debugger pays one
 * test.  coredebug.c installs them only while something is armed. */
struct cpu_hooks {
    /* Before the instruction at pc is executed: true = enter Debug state instead
     * (FPB match, vector catch, DWT PC match, a pending halt or completed step). */
    bool (*before_instruction)(void *ctx, uint32_t pc);
    /* After a data access of the core succeeded (DWT comparators). */
    void (*data_access)(void *ctx, uint32_t address, int width, bool write, uint32_t value);
    /* A BKPT instruction: true = Debug state was entered, PC stays on the BKPT;
     * false = no halting debug, take the DebugMonitor or HardFault path. */
    bool (*breakpoint)(void *ctx, uint8_t number);
    /* Exception entry (vector catch).  Called after stacking, before the first
     * instruction of the handler; true = enter Debug state there. */
    bool (*exception_entry)(void *ctx, int number);
    /* The core enters a handler, leaves it, or is back in what it had interrupted (exception
     * trace; 0 is Thread mode). */
    void (*exception)(void *ctx, int number, enum exception_step step);
    void *ctx;
};

/* The fetch unit and the store buffer, as far as they cost time (sim/README.md).  All
 * times are counts of cpu->cycles. */
struct cpu_pipeline {
    struct bus_region *region;      /* the region that instructions come from */
    uint32_t line;                  /* address / 8 of the flash line in use */
    uint64_t next_ready;            /* the line after it will have been read by then */
    uint64_t port_free;             /* flash: the last data read is over by then */
    uint64_t buffer_free;           /* the store buffer is empty again by then */
    uint64_t load_end;              /* cycles at which the last single load ended */
    uint8_t load_target;            /* and the register it filled */
};

/* The FPU's registers, and those of the System Control Space that are about it. */
struct fpu {
    uint32_t s[32], fpscr;
    uint32_t cpacr, fpccr, fpcar, fpdscr;
};

struct cpu {
    struct sim *sim;
    struct bus *bus;
    struct cpu_config config;

    uint32_t r[16];                 /* r[13] is the active stack pointer, r[15] the
                                       address of the next instruction to execute */
    uint32_t other_sp;              /* the stack pointer that is not active */
    uint32_t n, z, c, v, q;         /* each 0 or 1 */
    uint32_t ge;                    /* APSR.GE, four bits, with the DSP extension */
    uint8_t it_state;               /* EPSR.IT */
    bool thumb;                     /* EPSR.T */
    int exception;                  /* IPSR */
    uint8_t primask, faultmask, basepri, control;
    struct fpu fpu;

    sim_time local;                 /* this core's time while it is not running */
    sim_time cycle;                 /* ticks a core clock takes */
    uint64_t cycles;                /* core clocks since power-on, asleep ones too */
    uint64_t instructions;
    uint64_t slept, in_exceptions;  /* clocks of `cycles` asleep; in entries and returns */

    bool asleep;                    /* in WFI or WFE */
    bool awaits_event;              /* ...and it is WFE */
    bool event;                     /* the event register */
    bool halted;                    /* Debug state: executes nothing, time goes on */
    bool lockup;
    bool held_in_reset;             /* nRST low or chip unpowered */

    /* The instruction under way. */
    uint32_t pc;                    /* its address; r[15] is already that of the next */
    uint8_t it_now;                 /* EPSR.IT that governs it; it_state is the next's */
    int fault;                      /* exception that it raised, 0 = none */
    unsigned cost;                  /* cycles it takes that are not charged yet */
    bool exclusive;                 /* local monitor: LDREX was, STREX may */
    struct cpu_pipeline pipeline;

    int exception_due;              /* to be taken before the next instruction, 0 = none */
    bool wake_due;                  /* something pending ends WFI (nvic.c keeps both) */
    bool mask_interrupts;           /* DHCSR.C_MASKINTS: call cpu_mask_interrupts() */
    bool monitor_enabled;           /* DEMCR.MON_EN, written by coredebug.c */
    bool reset_due;                 /* cpu_reset() was called by its own instruction */
    uint64_t *executed;             /* how often each row of the decode tables ran */
    struct thumb_cache *decoded;    /* 32-bit instructions met before */

    struct cpu_hooks hooks;
    struct nvic *nvic;              /* nvic.c */
    struct l1 *l1;                  /* l1.c: a Cortex-M7's caches, NULL for all others */
    struct coredebug *debug;        /* coredebug.c, NULL until attached */

    /* The chip: SYSRESETREQ or VECTRESET was written to AIRCR. */
    void (*reset_request)(void *ctx, bool system);
    void *chip;
};

/* CPUID.PARTNO, where the cores differ in ids and timing. */
enum { CPU_M3 = 0xC23, CPU_M4 = 0xC24, CPU_M7 = 0xC27 };
static inline unsigned cpu_part(const struct cpu *cpu) { return cpu->config.cpuid >> 4 & 0xFFF; }

struct cpu *cpu_new(struct sim *sim, struct bus *bus, const struct cpu_config *config);
void cpu_free(struct cpu *cpu);

/* Reset: registers, NVIC and SCS to their reset values, SP and PC from the vectors at
 * address 0 (so the chip must have mapped something there).  Debug registers live on
 * (they are on the power-on reset), so a vector catch on reset works. */
void cpu_reset(struct cpu *cpu);

/* Executes until sim->now >= sim->horizon (asleep or halted: just lets time pass). */
void cpu_run(struct cpu *cpu);

/* Executes exactly one instruction or exception entry: what C_STEP does. */
void cpu_step(struct cpu *cpu);

/* True while nothing but an alarm or a debugger can make this core do something. */
bool cpu_idle(const struct cpu *cpu);

void cpu_set_clock(struct cpu *cpu, sim_time ticks_per_cycle);

/* Level of external interrupt line n.  A level that is still high when its handler
 * returns pends again. */
void cpu_irq(struct cpu *cpu, int n, bool level);
/* Pulse: pends once. */
void cpu_irq_pulse(struct cpu *cpu, int n);
void cpu_nmi(struct cpu *cpu);
bool cpu_sleeps_deeply(const struct cpu *cpu);      /* with SCR.SLEEPDEEP set */
void cpu_send_event(struct cpu *cpu);      /* wakes WFE */

/* DHCSR.C_MASKINTS: PendSV, SysTick and external interrupts wait. */
void cpu_mask_interrupts(struct cpu *cpu, bool masked);

/* xPSR, and the special registers as DCRSR and MRS number them. */
uint32_t cpu_xpsr(const struct cpu *cpu);
void cpu_set_xpsr(struct cpu *cpu, uint32_t value);
uint32_t cpu_msp(const struct cpu *cpu);
uint32_t cpu_psp(const struct cpu *cpu);
void cpu_set_msp(struct cpu *cpu, uint32_t value);
void cpu_set_psp(struct cpu *cpu, uint32_t value);
/* CONTROL[31:24] FAULTMASK[23:16] BASEPRI[15:8] PRIMASK[7:0], as DCRSR 20 has it. */
uint32_t cpu_special(const struct cpu *cpu);
void cpu_set_special(struct cpu *cpu, uint32_t value);

/* Decode rows that never ran, one call each; returns how many there are (tests). */
int cpu_coverage(const struct cpu *cpu, void (*row)(void *ctx, const char *mnemonic,
                 uint64_t executed), void *ctx);

/* Name of the symbol that holds an address, for reports; set by the loader. */
extern const char *(*cpu_symbol)(const struct cpu *cpu, uint32_t address, uint32_t *offset);

#endif
