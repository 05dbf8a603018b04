/* test_cortexm.c - does cortexm.c say the right words to the debug registers?
 *
 * adi.c is replaced by a core modelled from DDI 0403 C1.6: DHCSR with its key and its
 * bit that reading clears, DCRSR/DCRDR, FPB, DWT, fault registers, and some RAM. */
#include "adi.h"
#include "clock.h"
#include "cortexm.h"
#include "fault.h"
#include "target.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { RAM = 0x20000000 };
enum { S_REGRDY = 1 << 16, S_HALT = 1 << 17, S_LOCKUP = 1 << 19, S_RETIRE = 1 << 24,
       S_RESET = 1 << 25 };

static struct {
    uint32_t cpuid, dhcsr, demcr, dfsr, dcrdr, regs[128], fp_ctrl, comp[8];
    uint32_t dwt_comp[4], dwt_mask[4], dwt_function[4], mask_limit;
    uint32_t icsr, cfsr, hfsr, bfar, mvfr0, ms, resets;
    uint8_t ram[4096];
    bool gone, never_halts;
    int steps;
    int event_at;                       /* this step ends with ... */
    uint32_t event;                     /* ... these bits of DFSR, ... */
    uint32_t event_pc;                  /* ... here */
    bool always_retires;                /* so it says */
    int slow, busy;                     /* looks at DHCSR that a register transfer takes */
    uint32_t under_way;                 /* DCRSR */
    int lingers, leaving;               /* looks at DHCSR that show S_HALT yet */
    int dfsr_reads, dfsr_writes, demcr_writes;
    uint32_t dwt_ctrl, itm_tcr;
} cpu;

uint32_t clock_ms(void) { return cpu.ms++ / 16; }
void clock_wait_us(uint32_t us) { cpu.ms += us * 16 / 1000; }
void watchdog_feed(void) {}
bool adi_connected(void) { return !cpu.gone; }

static char said[300];
void say(const char *format, ...)
{
    size_t length = strlen(said);
    va_list list;

    va_start(list, format);
    vsnprintf(said + length, sizeof said - length, format, list);
    va_end(list);
}
static const char *explanation(void)
{
    said[0] = '\0';
    fault_explain();
    return said;
}

static struct cortexm_info info;

/* What stops in front of an instruction retires none; a watchpoint stops behind it. */
static void step(void)
{
    bool event = ++cpu.steps == cpu.event_at;

    cpu.regs[15] = event ? cpu.event_pc : cpu.regs[15] + 2;
    cpu.dfsr |= event ? cpu.event : 1;
    cpu.dhcsr |= S_HALT | (event && cpu.event != 4 && !cpu.always_retires ? 0 : S_RETIRE);
}

static void leave_debug_state(void)
{
    cpu.dhcsr &= ~(uint32_t)S_HALT;
    if ((cpu.dhcsr & 5) == 5)
        step();
}

static void write_dhcsr(uint32_t value)
{
    bool was_halted = cpu.dhcsr & S_HALT;

    assert_int_equal(value >> 16, 0xA05F);
    if ((value ^ cpu.dhcsr) & 8)
        assert_true(was_halted && (value & 2));     /* C_MASKINTS: C1.6.2 */
    cpu.dhcsr = (cpu.dhcsr & 0xFFFF0000) | (value & 0xF);
    cpu.leaving = 0;
    if ((value & 3) == 3) {
        if (!cpu.never_halts)
            cpu.dfsr |= was_halted ? 0 : 1, cpu.dhcsr |= S_HALT;
    } else if (was_halted && cpu.lingers) {
        cpu.leaving = cpu.lingers + 1;
    } else {
        leave_debug_state();
    }
}

static void end_transfer(void)
{
    if (cpu.under_way >> 16 & 1)
        cpu.regs[cpu.under_way & 0x7F] = cpu.dcrdr;
    else
        cpu.dcrdr = cpu.regs[cpu.under_way & 0x7F];
    cpu.dhcsr |= S_REGRDY;
}

/* A second one before the first has ended disturbs both (C1.6.3). */
static void write_dcrsr(uint32_t value)
{
    cpu.under_way = cpu.busy ? 0x7F : value;
    cpu.regs[0x7F] = 0xBAD;
    cpu.busy = cpu.slow;
    cpu.dhcsr &= ~(uint32_t)S_REGRDY;
    if (!cpu.busy)
        end_transfer();
}

static uint32_t read_dhcsr(void)
{
    if (cpu.leaving && --cpu.leaving == 0)
        leave_debug_state();
    uint32_t value = cpu.dhcsr;
    if (cpu.busy && --cpu.busy == 0)
        end_transfer();
    cpu.dhcsr &= ~(uint32_t)(S_RESET | S_RETIRE);
    return value;
}

/* A Cortex-M7's caches: what has been done to them. */
static struct {
    bool looked_into;                   /* by the access port */
    uint32_t ccr, csselr;
    int lines, instructions;            /* emptied */
} cache;

void adi_look_into_cache(bool look) { cache.looked_into = look; }

static bool is_cache(uint32_t address)
{
    return address == 0xE000ED14 || address == 0xE000EF50 || address == 0xE000EF74 ||
           (address >= 0xE000ED80 && address <= 0xE000ED84);
}

static void write_cache(uint32_t address, uint32_t value)
{
    switch (address) {
    case 0xE000ED14: cache.ccr = value; break;
    case 0xE000ED84: cache.csselr = value; break;
    case 0xE000EF50: cache.instructions++; break;
    case 0xE000EF74:
        assert_int_equal(value & 0x3FFFF01F, 0);        /* 128 sets, 4 ways */
        cache.lines++;
        break;
    }
}

static uint32_t *plain(uint32_t address)
{
    uint32_t i = (address - 0xE0001020) / 16;
    switch (address) {
    case 0xE000ED00: return &cpu.cpuid;
    case 0xE000ED04: return &cpu.icsr;
    case 0xE000ED28: return &cpu.cfsr;
    case 0xE000ED2C: return &cpu.hfsr;
    case 0xE000ED38: return &cpu.bfar;
    case 0xE000EDF8: return &cpu.dcrdr;
    case 0xE000EDFC: return &cpu.demcr;
    case 0xE000EF40: return &cpu.mvfr0;
    case 0xE0000E80: return cpu.cpuid >> 16 & 1 ? &cpu.itm_tcr : NULL;
    case 0xE0002000: return &cpu.fp_ctrl;
    }
    if (address >= 0xE0002008 && address < 0xE0002028)
        return &cpu.comp[(address - 0xE0002008) / 4];
    if (address >= 0xE0001020 && address < 0xE0001060)
        return (uint32_t *[]){ cpu.dwt_comp, cpu.dwt_mask, cpu.dwt_function }
               [(address & 12) / 4] + i;
    return NULL;
}

/* Deaf while TRCENA is 0 (C1.6.5). */
static bool is_dwt(uint32_t address) { return address >> 12 == 0xE0001; }

int adi_read32(uint32_t address, uint32_t *value)
{
    if (cpu.gone)
        return ERR_LOST;
    if (is_cache(address)) {
        *value = address == 0xE000ED14 ? cache.ccr
               : address == 0xE000ED84 ? cache.csselr : cache.csselr ? 0x001FE009 : 0xF00FE019;
    } else if (address == 0xE000EDF0) {
        *value = read_dhcsr();
    } else if (address == 0xE000ED30) {
        *value = cpu.dfsr, cpu.dfsr_reads++;
    } else if (is_dwt(address) && !(cpu.demcr & 1 << 24)) {
        *value = 0;
    } else if (address == 0xE0001000) {
        *value = 4u << 28 | cpu.dwt_ctrl;
    } else if (plain(address)) {
        *value = *plain(address);
    } else {
        return ERR_FAULT;
    }
    return OK;
}

int adi_write32(uint32_t address, uint32_t value)
{
    if (cpu.gone)
        return ERR_LOST;
    if (is_cache(address))
        write_cache(address, value);
    else if (address == 0xE000EDF0)
        write_dhcsr(value);
    else if (is_dwt(address) && !(cpu.demcr & 1 << 24))
        return OK;
    else if (address == 0xE000EDFC)
        cpu.demcr = value, cpu.demcr_writes++;
    else if (address == 0xE000EDF4)
        write_dcrsr(value);
    else if (address == 0xE000ED30)
        cpu.dfsr &= ~value, cpu.dfsr_writes++;
    else if (address == 0xE000ED0C) {
        assert_int_equal(value, 0x05FA0004);
        cpu.resets++;
        cpu.dhcsr = (cpu.dhcsr & ~2u & ~(uint32_t)S_HALT) | S_RESET;
        if (cpu.demcr & 1)
            cpu.dhcsr |= S_HALT, cpu.dfsr |= 8;
    } else if (address == 0xE0002000)
        cpu.fp_ctrl = (cpu.fp_ctrl & ~1u) | (value & 1);
    else if (address >= 0xE0001020 && address < 0xE0001060 && (address & 12) == 4)
        *plain(address) = value > cpu.mask_limit ? cpu.mask_limit : value;
    else if (plain(address))
        *plain(address) = value;
    else
        return ERR_FAULT;
    return OK;
}

int adi_query(const uint32_t *at, uint32_t command, uint32_t *results, int count,
              struct adi_status *status)
{
    int error = OK;

    *status = (struct adi_status){ UINT32_MAX, 0 };
    for (int i = 0; i < count && !error; i++) {
        error = adi_write32(at[0], command + (uint32_t)i);
        if (!error)
            error = adi_read32(at[1], &results[i]);
        status->all &= results[i];
        status->any |= results[i];
        if (!error && at[2])
            error = adi_read32(at[2], &results[i]);
    }
    return error;
}

int adi_read(uint32_t address, void *bytes, uint32_t length)
{
    if (address < RAM || address + length > RAM + sizeof cpu.ram)
        return ERR_FAULT;
    memcpy(bytes, cpu.ram + (address - RAM), length);
    return OK;
}

int adi_read16(uint32_t address, uint16_t *value)
{
    return adi_read(address, value, 2);
}

/* --- helpers ---------------------------------------------------------------------- */

static int attached(void **state)
{
    (void)state;
    if (!cpu.cpuid) {
        cpu.cpuid = 0x411FC231;
        cpu.fp_ctrl = 0x260;
    }
    cpu.mask_limit = 15;
    cpu.regs[13] = cpu.regs[17] = RAM + 0x800;
    assert_int_equal(cortexm_attach(), OK);
    info = *cortexm_core();
    assert_int_equal(cortexm_halt_wait(100), OK);
    return 0;
}

static int m3(void **state)
{
    memset(&cpu, 0, sizeof cpu);
    return attached(state);
}

static int m0(void **state)
{
    memset(&cpu, 0, sizeof cpu);
    cpu.cpuid = 0x410CC601;
    cpu.fp_ctrl = 0x40;
    return attached(state);
}

static int m4f(void **state)
{
    memset(&cpu, 0, sizeof cpu);
    cpu.cpuid = 0x410FC241;
    cpu.fp_ctrl = 0x10000260;           /* revision 2 */
    cpu.mvfr0 = 0x10110021;
    return attached(state);
}

static int m7(void **state)
{
    memset(&cpu, 0, sizeof cpu);
    memset(&cache, 0, sizeof cache);
    cpu.cpuid = 0x411FC270;
    cpu.fp_ctrl = 0x10000080;
    return attached(state);
}

static enum stop_reason why(void)
{
    struct stop stop;
    assert_int_equal(cortexm_poll(&stop), OK);
    return stop.reason;
}

static void put16(uint32_t address, uint16_t value)
{
    memcpy(cpu.ram + (address - RAM), &value, 2);
}

/* --- tests ------------------------------------------------------------------------ */

static void attach_knows_the_core(void **state)
{
    (void)state;
    assert_string_equal(cortexm_name(info.cpuid), "M3");
    assert_true(info.v7m);
    assert_false(info.fpu);
    assert_int_equal(info.breakpoints, 6);
    assert_int_equal(info.watchpoints, 4);
    assert_int_equal(cpu.demcr, 1 << 10 | 1);
    assert_int_equal(why(), STOP_REQUEST);
    assert_int_equal(cortexm_resume(), OK);
    assert_int_equal(cpu.demcr, 1 << 10);
}

static void registers_go_out_and_come_in_gdb_order(void **state)
{
    uint32_t out[REG_FPSCR], in[REG_FPSCR], byte = 0x40;
    (void)state;
    for (int i = 0; i < REG_FPSCR; i++)
        out[i] = 0x1000u + (uint32_t)i;
    for (int i = REG_PRIMASK; i <= REG_CONTROL; i++)
        out[i] = (uint32_t)i;
    out[REG_MSP] = out[REG_SP];
    assert_int_equal(cortexm_write_registers(out), OK);
    assert_int_equal(cortexm_read_registers(in), OK);
    assert_memory_equal(in, out, sizeof out);
    assert_int_equal(cpu.regs[20], 0x16151413);
    assert_int_equal(cortexm_write_register(REG_BASEPRI, &byte), OK);
    assert_int_equal(cpu.regs[20], 0x16154013);
    assert_int_equal(cortexm_read_register(REG_D0, in), ERR_UNSUPPORTED);
}

static void a_running_core_has_no_registers(void **state)
{
    uint32_t value;
    (void)state;
    cortexm_resume();
    assert_int_equal(cortexm_read_register(REG_PC, &value), ERR_RUNNING);
    assert_int_equal(why(), STOP_RUNNING);
}

static void double_registers_are_two_singles(void **state)
{
    uint64_t value = 0x1122334455667788;
    (void)state;
    assert_int_equal(cortexm_write_register(REG_D0 + 3, &value), OK);
    assert_int_equal(cpu.regs[0x46], 0x55667788);
    assert_int_equal(cpu.regs[0x47], 0x11223344);
    value = 0;
    assert_int_equal(cortexm_read_register(REG_D0 + 3, &value), OK);
    assert_true(value == 0x1122334455667788);
}

static void step_masks_interrupts_and_resume_does_not(void **state)
{
    (void)state;
    assert_int_equal(cortexm_step(), OK);
    assert_int_equal(cpu.steps, 1);
    assert_true(cpu.dhcsr & 8);
    assert_int_equal(why(), STOP_STEP);
    assert_int_equal(cortexm_resume(), OK);
    assert_int_equal(cpu.dhcsr & 0xF, 1);
}

/* A core at 32 kHz, say. */
static void a_register_that_takes_long_is_waited_for(void **state)
{
    uint32_t in[REG_FPSCR], value = 0x55;
    (void)state;
    cpu.slow = 3;
    for (unsigned i = 0; i < 19; i++)
        cpu.regs[i] = 0x100 + i;
    assert_int_equal(cortexm_read_registers(in), OK);
    for (unsigned i = 0; i < 19; i++)
        assert_int_equal(in[i], 0x100 + i);
    assert_int_equal(cortexm_write_register(3, &value), OK);
    assert_int_equal(cpu.regs[3], 0x55);
    cpu.slow = 1000000;
    assert_int_equal(cortexm_read_register(3, &value), ERR_TIMEOUT);
}

static void dfsr_is_written_only_when_it_says_something(void **state)
{
    (void)state;
    cpu.dfsr_writes = cpu.dfsr_reads = 0;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(cortexm_step(), OK);
        assert_int_equal(why(), STOP_STEP);
    }
    assert_int_equal(cpu.dfsr_reads, 5);
    assert_int_equal(cpu.dfsr_writes, 0);
}

/* The flash loader, say, whose run nobody explains. */
static void what_stopped_the_core_for_somebody_else_is_no_reason_later(void **state)
{
    (void)state;
    assert_int_equal(cortexm_resume(), OK);
    cpu.dfsr = 2;
    cpu.dhcsr |= S_HALT;
    assert_int_equal(cortexm_halt_wait(100), OK);
    assert_int_equal(cortexm_step(), OK);
    assert_int_equal(why(), STOP_STEP);
}

/* The reset button, and then the program ran into a BKPT: gdb thinks that it stands still. */
static void reset_while_it_stood_still(void)
{
    cortexm_set_breakpoint(0x08000100);
    memset(cpu.comp, 0, sizeof cpu.comp);
    cpu.dhcsr = S_RESET | S_HALT | 3;
    cpu.dfsr = 2;
}

static void a_reset_while_it_stood_still_arms_everything_before_a_step(void **state)
{
    (void)state;
    reset_while_it_stood_still();
    assert_int_equal(cortexm_step(), OK);
    assert_int_equal(cpu.comp[0], 0x48000101);
    assert_int_equal(why(), STOP_STEP);
}

static void a_reset_while_it_stood_still_arms_everything_before_it_runs(void **state)
{
    (void)state;
    reset_while_it_stood_still();
    assert_int_equal(cortexm_resume(), OK);
    assert_int_equal(cpu.comp[0], 0x48000101);
    assert_int_equal(why(), STOP_RUNNING);
    cortexm_halt();
    assert_int_equal(why(), STOP_REQUEST);
}

/* The vector catch held it. */
static void reset_while_it_was_held(void)
{
    reset_while_it_stood_still();
    assert_true(cpu.demcr & 1);
    cpu.dfsr = 8;
}

static void a_reset_while_it_stood_still_is_found_by_whatever_comes_first(void **state)
{
    uint32_t value;
    (void)state;
    for (int i = 0; i < 4; i++) {
        reset_while_it_was_held();
        assert_int_equal(i == 0 ? cortexm_look() :
                         i == 1 ? cortexm_read_register(REG_PC, &value) :
                         i == 2 ? cortexm_step() : cortexm_resume(), OK);
        assert_int_equal(cpu.comp[0], 0x48000101);
        assert_true(cortexm_was_reset());
        assert_false(cortexm_was_reset());
    }
    assert_int_equal(cpu.resets, 0);
}

static void one_that_ran_away_by_a_reset_is_brought_back_by_another(void **state)
{
    (void)state;
    reset_while_it_stood_still();
    cpu.dhcsr = S_RESET | 1;
    cpu.dfsr = cpu.demcr = 0;
    assert_int_equal(cortexm_look(), OK);
    assert_int_equal(cpu.resets, 1);
    assert_true(cpu.dhcsr & S_HALT);
    assert_int_equal(cpu.comp[0], 0x48000101);
    assert_true(cortexm_was_reset());
}

static void comparators_are_set_again_when_it_stopped_before_anybody_looked(void **state)
{
    (void)state;
    cortexm_set_watchpoint(WATCH_WRITE, RAM, 4);
    cortexm_resume();
    reset_while_it_stood_still();
    assert_int_equal(why(), STOP_SW_BREAKPOINT);
    assert_int_equal(cpu.comp[0], 0x48000101);
    assert_int_equal(cpu.resets, 0);
}

/* `monitor reset run`: gdb thinks that it stands still. */
static void one_that_was_let_run_is_halted_by_a_step(void **state)
{
    uint32_t value;
    (void)state;
    assert_int_equal(cortexm_step(), OK);
    assert_int_equal(cortexm_reset(false), OK);
    assert_int_equal(cortexm_look(), ERR_RUNNING);
    assert_int_equal(cortexm_read_register(REG_PC, &value), ERR_RUNNING);
    assert_int_equal(cortexm_step(), OK);
    assert_int_equal(cpu.steps, 1);
    assert_int_equal(why(), STOP_REQUEST);
    assert_int_equal(cortexm_step(), OK);
    assert_int_equal(cpu.steps, 2);
    assert_int_equal(why(), STOP_STEP);
}

/* --- ranges ----------------------------------------------------------------------- */

static struct stop stop_in_range(uint32_t size)
{
    struct stop stop;

    cpu.regs[15] = 0x08000200;
    cpu.steps = 0;
    assert_int_equal(cortexm_step(), OK);
    assert_int_equal(cortexm_poll(&stop), OK);
    do {
        assert_int_equal(stop.reason, STOP_STEP);
        assert_int_equal(cortexm_step_range(0x08000200, size, &stop), OK);
    } while (stop.reason == STOP_RUNNING && cortexm_poll(&stop) == OK);
    return stop;
}

/* A slow core has not left Debug state yet when we look for the first time. */
static void a_core_that_lingers_is_not_taken_for_one_that_has_stopped(void **state)
{
    (void)state;
    cpu.lingers = 1;
    cpu.regs[15] = 0x08000200;
    assert_int_equal(cortexm_step(), OK);
    assert_int_equal(cpu.steps, 1);
    assert_int_equal(why(), STOP_STEP);
    assert_int_equal(stop_in_range(20).reason, STOP_STEP);
    assert_int_equal(cpu.steps, 10);
    assert_int_equal(cortexm_resume(), OK);
    assert_int_equal(why(), STOP_RUNNING);
}

static void a_range_is_left_after_its_last_instruction(void **state)
{
    (void)state;
    assert_int_equal(stop_in_range(20).reason, STOP_STEP);
    assert_int_equal(cpu.regs[15], 0x08000214);
    assert_int_equal(cpu.steps, 10);
}

static void a_long_range_is_given_back_in_between(void **state)
{
    struct stop stop;
    (void)state;
    cpu.regs[15] = 0x08000200;
    assert_int_equal(cortexm_step(), OK);
    assert_int_equal(cortexm_poll(&stop), OK);
    assert_int_equal(cortexm_step_range(0x08000200, 0x1000, &stop), OK);
    assert_int_equal(stop.reason, STOP_RUNNING);
    assert_true(cpu.steps < 100);
    assert_int_equal(stop_in_range(0x1000).reason, STOP_STEP);
    assert_int_equal(cpu.steps, 0x800);
}

static void steps_of_a_range_do_without_dfsr(void **state)
{
    (void)state;
    cpu.dfsr_reads = 0;
    stop_in_range(20);
    assert_true(cpu.dfsr_reads <= 2);   /* of the first step, and if it is given back */
}

static void what_stops_a_range_is_told(void **state)
{
    static const struct { uint32_t event, pc; enum stop_reason reason; } rows[] = {
        { 2, 0x08000208, STOP_HW_BREAKPOINT },
        { 2, 0x0800020A, STOP_SW_BREAKPOINT },
        { 8, 0x0800020C, STOP_FAULT },          /* its handler is in the range */
        { 8, 0x08000400, STOP_FAULT },
        { 4, 0x0800020C, STOP_WATCH_WRITE },
    };
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        m3(state);
        cortexm_set_breakpoint(0x08000208);
        if (rows[i].reason == STOP_WATCH_WRITE)
            cortexm_set_watchpoint(WATCH_WRITE, RAM, 4);
        cpu.event_at = rows[i].pc == 0x08000208 ? 5 : 6;
        cpu.always_retires = rows[i].event == 2;        /* the PC tells it, too */
        cpu.event = rows[i].event;
        cpu.event_pc = rows[i].pc;
        cpu.dwt_function[0] |= 1 << 24;
        struct stop stop = stop_in_range(0x100);
        assert_int_equal(stop.reason, rows[i].reason);
        assert_int_equal(cpu.steps, cpu.event_at);
        if (rows[i].event == 2)
            assert_int_equal(stop.pc, rows[i].pc);
    }
}

/* --- comparators ------------------------------------------------------------------ */

static void breakpoints_use_the_half_of_the_word_they_are_in(void **state)
{
    (void)state;
    assert_int_equal(cortexm_set_breakpoint(0x08000100), OK);
    assert_int_equal(cortexm_set_breakpoint(0x08000106), OK);
    assert_int_equal(cpu.comp[0], 0x48000101);
    assert_int_equal(cpu.comp[1], 0x88000105);
    assert_int_equal(cortexm_set_breakpoint(0x20000100), ERR_UNSUPPORTED);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(cortexm_set_breakpoint(0x08000200 + 4 * i), OK);
    assert_int_equal(cortexm_set_breakpoint(0x08000300), ERR_RESOURCES);
    assert_int_equal(cortexm_clear_breakpoint(0x08000100), OK);
    assert_int_equal(cpu.comp[0], 0);
    assert_int_equal(cortexm_set_breakpoint(0x08000300), OK);
}

static void fpb_revision_2_takes_any_address(void **state)
{
    (void)state;
    assert_int_equal(cortexm_set_breakpoint(0x20000102), OK);
    assert_int_equal(cpu.comp[0], 0x20000103);
}

static void odd_areas_are_watched_in_aligned_pieces(void **state)
{
    (void)state;
    assert_int_equal(cortexm_set_watchpoint(WATCH_WRITE, 0x20000002, 6), OK);
    assert_int_equal(cpu.dwt_comp[0], 0x20000002);
    assert_int_equal(cpu.dwt_mask[0], 1);
    assert_int_equal(cpu.dwt_comp[1], 0x20000004);
    assert_int_equal(cpu.dwt_mask[1], 2);
    assert_int_equal(cpu.dwt_function[0], 6);
    assert_int_equal(cortexm_clear_watchpoint(WATCH_WRITE, 0x20000002, 6), OK);
    assert_int_equal(cpu.dwt_function[0] | cpu.dwt_function[1], 0);
}

static void a_watchpoint_too_large_leaves_nothing_behind(void **state)
{
    (void)state;
    cpu.mask_limit = 4;
    assert_int_equal(cortexm_set_watchpoint(WATCH_READ, 0x20000000, 64), ERR_RESOURCES);
    assert_int_equal(cortexm_set_watchpoint(WATCH_READ, 0x20000001, 100), ERR_RESOURCES);
    assert_int_equal(cortexm_set_watchpoint(WATCH_READ, 0xFFFFFFFF, 2), ERR_RANGE);
    for (int i = 0; i < 4; i++)
        assert_int_equal(cpu.dwt_function[i], 0);
}

static void watch_hits_say_which_kind_and_where(void **state)
{
    struct stop stop;
    (void)state;
    cortexm_set_watchpoint(WATCH_READ, 0x20000010, 4);
    cortexm_set_watchpoint(WATCH_ACCESS, 0x20000020, 4);
    cortexm_resume();
    cpu.dhcsr |= S_HALT;
    cpu.dfsr = 4;
    cpu.dwt_function[1] |= 1 << 24;
    assert_int_equal(cortexm_poll(&stop), OK);
    assert_int_equal(stop.reason, STOP_WATCH_ACCESS);
    assert_int_equal(stop.address, 0x20000020);
}

static void breakpoint_hits_are_told_apart(void **state)
{
    (void)state;
    cortexm_set_breakpoint(0x08000100);
    cortexm_resume();
    cpu.regs[15] = 0x08000100;
    cpu.dhcsr |= S_HALT;
    cpu.dfsr = 2;
    assert_int_equal(why(), STOP_HW_BREAKPOINT);
    cortexm_step();
    assert_int_equal(why(), STOP_STEP);
    cortexm_resume();
    cpu.regs[15] = RAM + 0x10;
    cpu.dhcsr |= S_HALT;
    cpu.dfsr = 2;
    assert_int_equal(why(), STOP_SW_BREAKPOINT);
}

static void a_compiled_in_bkpt_is_stepped_over_when_going_on(void **state)
{
    (void)state;
    put16(RAM + 0x10, 0xBE01);
    cortexm_resume();
    cpu.regs[15] = RAM + 0x10;
    cpu.dhcsr |= S_HALT;
    cpu.dfsr = 2;
    assert_int_equal(why(), STOP_SW_BREAKPOINT);
    assert_int_equal(cortexm_resume(), OK);
    assert_int_equal(cpu.regs[15], RAM + 0x12);
}

static void gdbs_own_bkpt_is_not_skipped_once_it_is_gone(void **state)
{
    (void)state;
    put16(RAM + 0x10, 0xBE00);
    cortexm_resume();
    cpu.regs[15] = RAM + 0x10;
    cpu.dhcsr |= S_HALT;
    cpu.dfsr = 2;
    why();
    put16(RAM + 0x10, 0xBF00);
    assert_int_equal(cortexm_step(), OK);
    assert_int_equal(cpu.steps, 1);
}

static void reset_halts_at_the_first_instruction(void **state)
{
    (void)state;
    assert_int_equal(cortexm_reset(true), OK);
    assert_int_equal(cpu.resets, 1);
    assert_true(cpu.dhcsr & S_HALT);
    assert_int_equal(why(), STOP_REQUEST);
    assert_int_equal(cortexm_reset(false), OK);
    assert_int_equal(cpu.demcr & 1, 0);
    assert_false(cpu.dhcsr & S_HALT);
    assert_false(cortexm_was_reset());
}

static void a_reset_button_while_running_arms_everything_again(void **state)
{
    (void)state;
    cortexm_set_breakpoint(0x08000100);
    cortexm_resume();
    memset(cpu.comp, 0, sizeof cpu.comp);
    cpu.dhcsr = S_RESET;
    assert_int_equal(why(), STOP_RUNNING);
    assert_int_equal(cpu.comp[0], 0x48000101);
    assert_int_equal(cpu.dhcsr & 1, 1);
}

static void lockup_is_halted_and_said(void **state)
{
    (void)state;
    cortexm_resume();
    cpu.dhcsr |= S_LOCKUP;
    assert_int_equal(why(), STOP_LOCKUP);
    assert_true(cpu.dhcsr & S_HALT);
}

static void a_lost_target_is_said(void **state)
{
    struct stop stop;
    (void)state;
    cpu.gone = true;
    assert_int_equal(cortexm_poll(&stop), ERR_LOST);
    assert_int_equal(stop.reason, STOP_LOST);
}

static void a_core_that_never_halts_is_given_up(void **state)
{
    (void)state;
    cortexm_resume();
    cpu.never_halts = true;
    assert_int_equal(cortexm_halt_wait(100), ERR_TIMEOUT);
}

static void stop_in_a_fault(uint32_t pc, uint32_t xpsr)
{
    const uint32_t frame[8] = { 0x30000000, 1, 2, 3, 12, 0x08000201, pc, xpsr };
    memcpy(cpu.ram + 0x800, frame, sizeof frame);
    cortexm_resume();
    cpu.regs[14] = 0xFFFFFFF9;
    cpu.regs[16] = 0x01000003;
    cpu.dhcsr |= S_HALT;
    cpu.dfsr = 8;
    assert_int_equal(why(), STOP_FAULT);
}

static void faults_without_a_readable_stack_are_explained_as_far_as_it_goes(void **state)
{
    (void)state;
    stop_in_a_fault(0x08000200, 0x01000000);
    cpu.regs[17] = 0x1FFF0000;          /* MSP */
    cpu.cfsr = 1 << 12 | 1 << 16;
    assert_string_equal(explanation(), "HardFault: bus error while stacking: bad SP? (STKERR), "
                        "undefined instruction (UNDEFINSTR), stack unreadable at 0x1fff0000\n");
}

static void a_fetch_from_where_no_code_can_be_needs_no_mpu(void **state)
{
    (void)state;
    stop_in_a_fault(0xE0000000, 0x01000000);
    cpu.cfsr = 1;
    assert_string_equal(explanation(), "HardFault: instruction fetch from where no code can be "
                        "(IACCVIOL), from pc 0xe0000000 lr 0x08000201\n");
    cpu.cfsr = 1 << 1 | 1 << 4;
    assert_memory_equal(explanation(), "HardFault: the MPU refused data access (DACCVIOL), the MPU "
                        "refused stacking (MSTKERR)", 80);
}

static void a_blank_chip_is_asked_for_its_program(void **state)
{
    (void)state;
    stop_in_a_fault(0xFFFFFFFE, 0x01000000);
    cpu.regs[17] = 0xFFFFFFDC;
    assert_non_null(strstr(explanation(), "stack unreadable at 0xffffffdc: is the flash empty?\n"));
}

static void a_bus_fault_is_explained_on_v7m(void **state)
{
    (void)state;
    stop_in_a_fault(0x08000200, 0x01000000);
    cpu.cfsr = 0x8200;
    cpu.hfsr = 1u << 30;
    cpu.bfar = 0x30000000;
    assert_string_equal(explanation(), "HardFault: bus error on a data access (PRECISERR) at "
                        "0x30000000, from pc 0x08000200 lr 0x08000201\n");
}

static void faults_are_explained_from_the_instruction_on_v6m(void **state)
{
    static const struct { uint16_t op; uint32_t xpsr; const char *words; } rows[] = {
        { 0x6801, 0x01000000, "HardFault: bus error at 0x30000000, from" },
        { 0x8843, 0x01000000, "HardFault: bus error at 0x30000002, from" },
        { 0x5841, 0x01000000, "HardFault: unaligned access at 0x30000001, from" },
        { 0xDE00, 0x01000000, "HardFault: undefined instruction, from" },
        { 0xBE00, 0x01000000, "HardFault: BKPT, from" },
        { 0x6801, 0x00000000, "HardFault: jump to an even address, from" },
    };
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        put16(RAM + 0x100, rows[i].op);
        stop_in_a_fault(RAM + 0x100, rows[i].xpsr);
        assert_memory_equal(explanation(), rows[i].words, strlen(rows[i].words));
    }
    stop_in_a_fault(0x40000000, 0x01000000);
    assert_string_equal(explanation(), "HardFault: jump to where there is no memory, from pc "
                        "0x40000000 lr 0x08000201\n");
}

static void detach_leaves_the_core_running_and_free(void **state)
{
    (void)state;
    cortexm_set_breakpoint(0x08000100);
    cortexm_step();
    cortexm_detach(LEAVE_ALONE);
    assert_int_equal(cpu.comp[0], 0);
    assert_int_equal(cpu.demcr, 0);
    assert_int_equal(cpu.dhcsr & (S_HALT | 0xF), 0);
}

enum { TRCENA = 1 << 24, MON_EN = 1 << 16, CAUGHT = 1 << 10 | 1 };    /* HARDERR, CORERESET */

static void trcena_is_set_only_for_watchpoints(void **state)
{
    (void)state;
    assert_int_equal(cpu.demcr, CAUGHT);
    assert_int_equal(cortexm_set_watchpoint(WATCH_WRITE, RAM, 4), OK);
    assert_int_equal(cpu.demcr, TRCENA | CAUGHT);
    assert_int_equal(cortexm_clear_watchpoint(WATCH_WRITE, RAM, 4), OK);
    cortexm_detach(LEAVE_ALONE);
    assert_int_equal(cpu.demcr, 0);
}

static void detach_clears_watchpoints_and_keeps_trcena_for_who_uses_it(void **state)
{
    static const struct { bool before; uint32_t dwt_ctrl, itm_tcr, after; } rows[] = {
        { false, 0, 0, 0 }, { true, 0, 0, TRCENA }, { false, 1, 0, TRCENA },
        { false, 0, 1, TRCENA }, { true, 1, 1, TRCENA },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cpu.demcr = rows[i].before ? TRCENA : 0;
        attached(NULL);
        cortexm_set_watchpoint(WATCH_WRITE, RAM, 4);
        cortexm_resume();
        cpu.dwt_ctrl = rows[i].dwt_ctrl, cpu.itm_tcr = rows[i].itm_tcr;
        cortexm_detach(LEAVE_ALONE);
        assert_int_equal(cpu.demcr, rows[i].after);
        assert_int_equal(cpu.dwt_function[0], 0);
        assert_int_equal(cpu.dwt_ctrl, rows[i].dwt_ctrl);
        cpu.dwt_ctrl = cpu.itm_tcr = 0;
    }
}

/* As code does that turns the cycle counter on from a known state. */
static void a_watchpoint_is_taken_out_though_the_program_cleared_trcena(void **state)
{
    (void)state;
    cortexm_set_watchpoint(WATCH_WRITE, RAM, 4);
    cpu.demcr &= ~(uint32_t)TRCENA;
    assert_int_equal(cortexm_clear_watchpoint(WATCH_WRITE, RAM, 4), OK);
    assert_int_equal(cpu.dwt_function[0], 0);
}

static void what_another_debugger_watched_is_forgotten(void **state)
{
    (void)state;
    cpu.dwt_function[2] = 6;
    attached(NULL);
    assert_int_equal(cpu.dwt_function[2], 0);
    assert_int_equal(cpu.demcr, CAUGHT);
}

static void a_debug_monitors_bits_are_the_programs(void **state)
{
    (void)state;
    cpu.demcr |= MON_EN;
    cortexm_set_vector_catch(0x7F0);
    assert_int_equal(cpu.demcr, MON_EN | 0x7F1);
    cortexm_set_watchpoint(WATCH_WRITE, RAM, 4);
    assert_int_equal(cortexm_reset(true), OK);
    assert_int_equal(cpu.demcr, TRCENA | MON_EN | 0x7F1);
    assert_int_equal(cortexm_catch_reset(), OK);
    assert_int_equal(cpu.demcr, TRCENA | MON_EN | 0x7F1);
    cortexm_detach(LEAVE_ALONE);
    assert_int_equal(cpu.demcr, MON_EN);
}

/* The program runs, and may change it between our reading and our writing. */
static void demcr_is_not_written_when_it_is_right(void **state)
{
    (void)state;
    cortexm_set_watchpoint(WATCH_WRITE, RAM, 4);
    cortexm_resume();
    cpu.demcr_writes = 0;
    cpu.dhcsr = S_RESET;                /* somebody presses the button */
    assert_int_equal(why(), STOP_RUNNING);
    assert_int_equal(cpu.demcr_writes, 0);
}

static void the_access_port_sees_what_an_m7_has_in_its_cache(void **state)
{
    (void)state;
    assert_true(cache.looked_into);
    m3(state);
    assert_false(cache.looked_into);
}

/* A breakpoint in RAM that stays in the data cache is none. */
static void what_was_written_is_in_memory_before_an_m7_runs(void **state)
{
    (void)state;
    cache.ccr = 3 << 16;
    cache.csselr = 1;                                   /* the program looks at the other one */
    cortexm_memory_changed();
    cortexm_resume();
    assert_int_equal(cache.lines, 128 * 4);
    assert_int_equal(cache.instructions, 1);
    assert_int_equal(cache.csselr, 1);
    cortexm_halt_wait(100);
    cortexm_resume();
    assert_int_equal(cache.lines, 128 * 4);             /* nothing new */
    assert_int_equal(cache.instructions, 2);
    cortexm_halt_wait(100);
    cache.ccr = 0;
    cortexm_memory_changed();
    cortexm_resume();
    assert_int_equal(cache.lines, 128 * 4);             /* it is off */
}

static void a_data_cache_is_off_while_memory_changes_behind_it(void **state)
{
    (void)state;
    cache.ccr = 1 << 16 | 0x200;
    cortexm_data_cache(false);
    assert_int_equal(cache.ccr, 0x200);
    assert_int_equal(cache.lines, 0);
    cortexm_data_cache(true);
    assert_int_equal(cache.ccr, 1 << 16 | 0x200);
    assert_int_equal(cache.lines, 128 * 4);
    cache.ccr = 0x200;                                  /* not on: left alone */
    cortexm_data_cache(false);
    cortexm_data_cache(true);
    assert_int_equal(cache.ccr, 0x200);
    assert_int_equal(cache.lines, 128 * 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_access_port_sees_what_an_m7_has_in_its_cache, m7),
        cmocka_unit_test_setup(what_was_written_is_in_memory_before_an_m7_runs, m7),
        cmocka_unit_test_setup(a_data_cache_is_off_while_memory_changes_behind_it, m7),
        cmocka_unit_test_setup(attach_knows_the_core, m3),
        cmocka_unit_test_setup(registers_go_out_and_come_in_gdb_order, m3),
        cmocka_unit_test_setup(a_running_core_has_no_registers, m3),
        cmocka_unit_test_setup(double_registers_are_two_singles, m4f),
        cmocka_unit_test_setup(step_masks_interrupts_and_resume_does_not, m3),
        cmocka_unit_test_setup(a_core_that_lingers_is_not_taken_for_one_that_has_stopped,
                               m3),
        cmocka_unit_test_setup(a_register_that_takes_long_is_waited_for, m3),
        cmocka_unit_test_setup(dfsr_is_written_only_when_it_says_something, m3),
        cmocka_unit_test_setup(what_stopped_the_core_for_somebody_else_is_no_reason_later,
                               m3),
        cmocka_unit_test_setup(a_reset_while_it_stood_still_arms_everything_before_a_step,
                               m3),
        cmocka_unit_test_setup(a_reset_while_it_stood_still_arms_everything_before_it_runs,
                               m3),
        cmocka_unit_test_setup(
            a_reset_while_it_stood_still_is_found_by_whatever_comes_first, m3),
        cmocka_unit_test_setup(one_that_ran_away_by_a_reset_is_brought_back_by_another, m3),
        cmocka_unit_test_setup(
            comparators_are_set_again_when_it_stopped_before_anybody_looked, m3),
        cmocka_unit_test_setup(one_that_was_let_run_is_halted_by_a_step, m3),
        cmocka_unit_test_setup(a_range_is_left_after_its_last_instruction, m3),
        cmocka_unit_test_setup(a_long_range_is_given_back_in_between, m3),
        cmocka_unit_test_setup(steps_of_a_range_do_without_dfsr, m3),
        cmocka_unit_test_setup(what_stops_a_range_is_told, m3),
        cmocka_unit_test_setup(breakpoints_use_the_half_of_the_word_they_are_in, m3),
        cmocka_unit_test_setup(fpb_revision_2_takes_any_address, m4f),
        cmocka_unit_test_setup(odd_areas_are_watched_in_aligned_pieces, m3),
        cmocka_unit_test_setup(a_watchpoint_too_large_leaves_nothing_behind, m3),
        cmocka_unit_test_setup(watch_hits_say_which_kind_and_where, m3),
        cmocka_unit_test_setup(breakpoint_hits_are_told_apart, m3),
        cmocka_unit_test_setup(a_compiled_in_bkpt_is_stepped_over_when_going_on, m3),
        cmocka_unit_test_setup(gdbs_own_bkpt_is_not_skipped_once_it_is_gone, m3),
        cmocka_unit_test_setup(reset_halts_at_the_first_instruction, m3),
        cmocka_unit_test_setup(a_reset_button_while_running_arms_everything_again, m3),
        cmocka_unit_test_setup(lockup_is_halted_and_said, m3),
        cmocka_unit_test_setup(a_lost_target_is_said, m3),
        cmocka_unit_test_setup(a_core_that_never_halts_is_given_up, m3),
        cmocka_unit_test_setup(a_fetch_from_where_no_code_can_be_needs_no_mpu, m3),
        cmocka_unit_test_setup(a_blank_chip_is_asked_for_its_program, m3),
        cmocka_unit_test_setup(a_bus_fault_is_explained_on_v7m, m3),
        cmocka_unit_test_setup(
            faults_without_a_readable_stack_are_explained_as_far_as_it_goes, m3),
        cmocka_unit_test_setup(faults_are_explained_from_the_instruction_on_v6m, m0),
        cmocka_unit_test_setup(detach_leaves_the_core_running_and_free, m3),
        cmocka_unit_test_setup(trcena_is_set_only_for_watchpoints, m3),
        cmocka_unit_test_setup(
            detach_clears_watchpoints_and_keeps_trcena_for_who_uses_it, m3),
        cmocka_unit_test_setup(
            a_watchpoint_is_taken_out_though_the_program_cleared_trcena, m3),
        cmocka_unit_test_setup(what_another_debugger_watched_is_forgotten, m3),
        cmocka_unit_test_setup(a_debug_monitors_bits_are_the_programs, m3),
        cmocka_unit_test_setup(demcr_is_not_written_when_it_is_right, m3),
        cmocka_unit_test_setup(trcena_is_set_only_for_watchpoints, m0),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
