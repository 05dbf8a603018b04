/* coredebug.h - inside the debug units of a core; the rest of sim/ includes swdp.h.
 *
 *   coredebug.c    halting, stepping, vector catch: DHCSR, DCRSR, DCRDR, DEMCR, DFSR
 *   comparators.c  FPB (BPU on v6-M) and DWT: what stops the core by itself
 *   coresight.c    what a debugger finds its way by: ROM table, ID registers
 *   trace.h        what the core tells while it runs: DWT's packets, ITM, TPIU */
#ifndef COREDEBUG_H
#define COREDEBUG_H

#include "swdp.h"

/* DHCSR, Armv7-M ARM C1.6.2 */
enum { C_DEBUGEN = 1 << 0, C_HALT = 1 << 1, C_STEP = 1 << 2, C_MASKINTS = 1 << 3,
       C_SNAPSTALL = 1 << 5, S_REGRDY = 1 << 16, S_HALT = 1 << 17, S_SLEEP = 1 << 18,
       S_LOCKUP = 1 << 19, S_RETIRE_ST = 1 << 24, S_RESET_ST = 1 << 25 };
/* DEMCR, C1.6.5 */
enum { VC_CORERESET = 1 << 0, VC_MMERR = 1 << 4, VC_NOCPERR = 1 << 5, VC_CHKERR = 1 << 6,
       VC_STATERR = 1 << 7, VC_BUSERR = 1 << 8, VC_INTERR = 1 << 9, VC_HARDERR = 1 << 10,
       MON_EN = 1 << 16, MON_PEND = 1 << 17, MON_STEP = 1 << 18, MON_REQ = 1 << 19,
       TRCENA = 1 << 24 };
/* DFSR, C1.6.1 */
enum { DFSR_HALTED = 1 << 0, DFSR_BKPT = 1 << 1, DFSR_DWTTRAP = 1 << 2,
       DFSR_VCATCH = 1 << 3, DFSR_EXTERNAL = 1 << 4 };

enum { MAX_COMPARATORS = 16 };
enum step { NOT_STEPPING, STEP_ARMED, STEP_DONE };

struct coredebug {
    struct cpu *cpu;
    struct coredebug_config config;

    uint32_t dhcsr;                 /* the C_ bits */
    uint32_t dcrdr, demcr, dfsr;
    bool reset_seen;                /* S_RESET_ST */
    uint64_t retired_seen;          /* cpu->instructions when DHCSR was read last */
    enum step step;
    uint32_t pending;               /* DFSR bit of a halt before the next instruction */

    uint32_t fp_ctrl, fp_remap, fp_comp[MAX_COMPARATORS];
    bool breakpoints_armed;

    struct dwt_comparator { uint32_t comp, mask, function; } dwt[MAX_COMPARATORS];
    uint32_t cyccnt;                /* its value when it last stood still */
    uint64_t cyccnt_from;           /* cpu->cycles since then it counts */
    bool counting;
    bool data_armed, pc_armed;

    /* v7-M only, else NULL: trace.h. */
    struct dwt_trace *dwt_trace;
    struct itm *itm;
    struct tpiu *tpiu;
    sim_time trace_clock;           /* 0: the core's; SIM_NEVER: stopped */
};

/* coredebug.c */
bool coredebug_is_v6m(const struct coredebug *debug);
void coredebug_enter(struct coredebug *debug, uint32_t dfsr);   /* Debug state, now */
void coredebug_update_hooks(struct coredebug *debug);

/* comparators.c */
void comparators_new(struct coredebug *debug);
void comparators_reset(struct coredebug *debug);
bool comparators_break_at(struct coredebug *debug, uint32_t pc);    /* FPB */
void comparators_executed(struct coredebug *debug, uint32_t pc);    /* DWT, PC match */
void comparators_data(void *debug, uint32_t address, int width, bool write,
                      uint32_t value);
void comparators_count_cycles(struct coredebug *debug);     /* halted or not, TRCENA */
uint32_t comparators_cyccnt(const struct coredebug *debug);

/* coresight.c */
void coresight_new(struct coredebug *debug);
/* The 4 KB block's last registers: part is PIDR0 and PIDR2's low nibble is 0xB (Arm). */
uint32_t coresight_id(uint32_t offset, uint32_t part, uint32_t revision);

#endif
