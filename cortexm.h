/* cortexm.h - run control of one Cortex-M core through its debug registers. */
#ifndef CORTEXM_H
#define CORTEXM_H

#include "error.h"
#include <stdbool.h>
#include <stdint.h>

/* Registers in the order GDB sees them (our target.xml).  0 to 15 as in the core. */
enum cortexm_register {
    REG_R0, REG_SP = 13, REG_LR = 14, REG_PC = 15, REG_XPSR = 16,
    REG_MSP, REG_PSP, REG_PRIMASK, REG_BASEPRI, REG_FAULTMASK, REG_CONTROL,
    REG_FPSCR, REG_D0,                  /* D0 to D15: 64 bits each, only with an FPU */
    REG_COUNT = REG_D0 + 16
};

struct cortexm_info {
    bool v7m;                           /* BASEPRI, FAULTMASK, CFSR exist */
    bool fpu;
    uint32_t cpuid;
    int breakpoints, watchpoints;       /* comparators in FPB and DWT */
};

/* Takes the core under debug: reads what it is, enables halting debug, clears all
 * comparators, for they are the debugger's.  Asks it to halt, and does not wait for that. */
int cortexm_attach(void);
const struct cortexm_info *cortexm_core(void);
/* Comparators cleared, vector catch off; the rest of DEMCR is the program's, and TRCENA off only if
 * it was and nobody needs it.  Then the core stands still, or runs, or C_DEBUGEN is off, too. */
enum leave { LEAVE_HALTED, LEAVE_RUNNING, LEAVE_ALONE };
void cortexm_detach(enum leave how);

int cortexm_halt(void);                 /* asks; cortexm_poll() says when it has happened */
int cortexm_halt_wait(uint32_t timeout_ms);
int cortexm_resume(void);
/* Of a halted M7: off while memory changes behind it, then as found and with nothing in it. */
void cortexm_data_cache(bool on);
/* Somebody has written to memory: the core must see it as instructions, too. */
void cortexm_memory_changed(void);
/* One instruction, and interrupts that are pending run before it.  Waits (bounded).  Of a core
 * that somebody let run it asks to halt. */
int cortexm_step(void);
enum {
    STEP_BETWEEN,                       /* interrupts run, but no step shows their handlers */
    STEP_INTO,                          /* a step may enter a handler */
    STEP_WITHOUT                        /* they wait until the core runs */
};
extern uint8_t cortexm_step_interrupts;     /* one of these; the first at power-on */

enum stop_reason {
    STOP_RUNNING, STOP_SLEEPING,        /* not stopped (sleeping: in WFI, or locked up... ) */
    STOP_REQUEST, STOP_STEP, STOP_HW_BREAKPOINT, STOP_SW_BREAKPOINT,
    STOP_WATCH_WRITE, STOP_WATCH_READ, STOP_WATCH_ACCESS,
    STOP_WATCH_GONE,                    /* ... and the watchpoint was taken away since then */
    STOP_FAULT,                         /* vector catch; fault_explain() says which */
    STOP_RESET,                         /* vector catch of reset */
    STOP_LOCKUP, STOP_LOST              /* the target does not answer any more */
};
struct stop {
    enum stop_reason reason;
    uint32_t address;                   /* watchpoints: the watched address */
    uint32_t pc;                        /* breakpoints */
};
/* Has it stopped?  Returns an error only when the target is lost for good. */
int cortexm_poll(struct stop *stop);
/* After a step: more of them, as long as PC is in the range and nothing else stops the
 * core, as *stop tells then.  After 2 ms it says STOP_RUNNING: poll, and call again. */
int cortexm_step_range(uint32_t start, uint32_t size, struct stop *stop);

/* Registers, core halted.  value points to 4 bytes, or 8 for D0 to D15. */
int cortexm_read_register(int number, void *value);
int cortexm_write_register(int number, const void *value);
/* Some of R0 to PSP, count words; R0 to CONTROL (23). */
int cortexm_read_row(uint32_t first, uint32_t count, uint32_t *values);
int cortexm_read_registers(uint32_t *values);
int cortexm_write_registers(const uint32_t *values);

/* Comparators. */
int cortexm_set_breakpoint(uint32_t address);
int cortexm_clear_breakpoint(uint32_t address);
enum watch { WATCH_WRITE = 2, WATCH_READ = 3, WATCH_ACCESS = 4 };   /* GDB's Z number */
int cortexm_set_watchpoint(enum watch type, uint32_t address, uint32_t length);
int cortexm_clear_watchpoint(enum watch type, uint32_t address, uint32_t length);

/* DEMCR vector catch bits (VC_CORERESET 0, VC_MMERR 4 ... VC_HARDERR 10). */
uint32_t cortexm_vector_catch(void);
int cortexm_set_vector_catch(uint32_t bits);

/* Resets through AIRCR.SYSRESETREQ, halted at the first instruction if halt. */
int cortexm_reset(bool halt);
/* The same for a reset that somebody else makes in between (nRST). */
int cortexm_before_reset(bool halt);
int cortexm_after_reset(bool halt);
/* A reset by somebody else while the core stood still leaves it halted at its first
 * instruction; what needs it halted finds out by itself.  This only looks: ERR_RUNNING. */
int cortexm_look(void);
bool cortexm_was_reset(void);           /* there was one, which nobody has been told of */
/* Nothing is known of the core yet, nRST is low: stop it when it starts. */
int cortexm_catch_reset(void);

/* "M3" for a CPUID: what stands behind "Cortex-". */
const char *cortexm_name(uint32_t cpuid);

#endif
