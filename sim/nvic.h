/* nvic.h - the System Control Space below 0xE000EDF0: NVIC, SCB, SysTick.
 *
 * Pending, enabled and active exceptions are bit sets by exception number (external
 * interrupt n is 16 + n).  After any change nvic_update() works out what is due and
 * leaves it in cpu->exception_due and cpu->wake_due, so that the run loop looks at
 * nothing else.
 *
 *   called by  cpu.c      calls  bus.h (adds its regions), sim.h (SysTick's alarm) */
#ifndef NVIC_H
#define NVIC_H

#include "cpu.h"

enum { EXCEPTIONS = 256, EXCEPTION_WORDS = EXCEPTIONS / 32 };

/* Priority of execution when nothing is active; the fixed ones are -3 to -1. */
enum { PRIORITY_THREAD = 256, PRIORITY_HARDFAULT = -1, PRIORITY_NMI = -2 };

enum { CCR_NONBASETHRDENA = 1 << 0, CCR_USERSETMPEND = 1 << 1, CCR_UNALIGN_TRP = 1 << 3,
       CCR_DIV_0_TRP = 1 << 4, CCR_BFHFNMIGN = 1 << 8, CCR_STKALIGN = 1 << 9,
       CCR_DC = 1 << 16, CCR_IC = 1 << 17, CCR_BP = 1 << 18 };
enum { SCR_SLEEPONEXIT = 1 << 1, SCR_SLEEPDEEP = 1 << 2, SCR_SEVONPEND = 1 << 4 };
enum { HFSR_VECTTBL = 1 << 1, HFSR_FORCED = 1 << 30 };
#define HFSR_DEBUGEVT (1u << 31)

struct systick {
    uint32_t control, reload;
    uint32_t value;                 /* of the counter... */
    uint64_t since;                 /* ...at this count of cpu->cycles */
    struct alarm alarm;             /* at its next zero, while that interrupts */
};

struct nvic {
    struct cpu *cpu;
    uint32_t pending[EXCEPTION_WORDS], enabled[EXCEPTION_WORDS];
    uint32_t active[EXCEPTION_WORDS], line[EXCEPTION_WORDS];
    uint32_t escaped[EXCEPTION_WORDS];              /* C_MASKINTS came too late for these */
    uint8_t priority[EXCEPTIONS];
    uint32_t vtor, prigroup, scr, ccr, cfsr, hfsr, mmfar, bfar, actlr;
    struct systick systick;
};

struct nvic *nvic_new(struct cpu *cpu);
void nvic_free(struct nvic *nvic);
void nvic_reset(struct nvic *nvic);
void nvic_update(struct nvic *nvic);

void nvic_pend(struct nvic *nvic, int exception);
void nvic_activate(struct nvic *nvic, int exception);      /* and no longer pending */
void nvic_deactivate(struct nvic *nvic, int exception);
bool nvic_is_active(const struct nvic *nvic, int exception);
int nvic_active_count(const struct nvic *nvic);
bool nvic_is_enabled(const struct nvic *nvic, int exception);

/* Group priority of an exception; and of what is executed now, masks included. */
int nvic_priority(const struct nvic *nvic, int exception);
int nvic_execution_priority(const struct nvic *nvic);

void systick_hold(struct nvic *nvic, uint64_t cycles);     /* Debug state: not counted */
void systick_new_clock(struct nvic *nvic);

#endif
