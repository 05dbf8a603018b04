/* core_debug.c - can a debugger hold the simulated core as the Armv7-M manual has it?
 *
 * A small program runs on an STM32F103; the host of test/lib/bitbang.h reaches its debug
 * registers through the wire, the debug port and the bus, as a probe would.
 *
 * Sources: Armv7-M ARM (DDI 0403E) C1.5, C1.6 (halting), C1.8 (DWT), C1.11 (FPB). */
#include "bitbang.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { DFSR = 0xE000ED30, ICSR = 0xE000ED04, AIRCR = 0xE000ED0C };
enum { DHCSR = 0xE000EDF0, DCRSR = 0xE000EDF4, DCRDR = 0xE000EDF8, DEMCR = 0xE000EDFC };
enum { FP_CTRL = 0xE0002000, FP_COMP0 = 0xE0002008 };
enum { DWT_CTRL = 0xE0001000, DWT_CYCCNT = 0xE0001004, DWT_COMP0 = 0xE0001020 };
enum { KEY = (int)0xA05F0000 };
enum { DEBUGEN = 1, HALT = 2, STEP = 4, MASKINTS = 8 };
enum { S_HALT = 1 << 17, S_SLEEP = 1 << 18, S_RETIRE_ST = 1 << 24, S_RESET_ST = 1 << 25 };
enum { HALTED = 1, BKPT = 2, DWTTRAP = 4, VCATCH = 8 };
enum { PC = 15, XPSR = 16, MSP = 17, PSP = 18, SPECIAL = 20 };
enum { TRCENA = 1 << 24, VC_HARDERR = 1 << 10, VC_CORERESET = 1 };

enum { MAIN = 0x08000040, LOOP = 0x08000044, STORE = 0x08000046, LOAD = 0x08000048,
       NOP = 0x0800004A, ON_BKPT = 0x08000050, ON_UDF = 0x08000054, ON_WFI = 0x08000058,
       HARDFAULT = 0x08000080, SYSTICK = 0x080000A0 };
enum { COUNTER = 0x20000100 };

static const uint16_t program[] = {
    [0x00 / 2] = 0x1000, 0x2000,            /* SP 0x20001000 */
    [0x04 / 2] = 0x0041, 0x0800,            /* reset */
    [0x0C / 2] = 0x0081, 0x0800,            /* HardFault */
    [0x3C / 2] = 0x00A1, 0x0800,            /* SysTick */
    [0x40 / 2] = 0x2000,                    /* main:  movs r0, #0 */
                 0x4907,                    /*        ldr  r1, =COUNTER */
                 0x3001,                    /* loop:  adds r0, #1 */
                 0x6008,                    /*        str  r0, [r1] */
                 0x680A,                    /*        ldr  r2, [r1] */
                 0xBF00,                    /*        nop */
                 0xE7FA,                    /*        b    loop */
    [0x50 / 2] = 0xBE00, 0xE7FE,            /*        bkpt;  b . */
    [0x54 / 2] = 0xDE00, 0xE7FE,            /*        udf;   b . */
    [0x58 / 2] = 0xBF30, 0xE7FE,            /*        wfi;   b . */
    [0x60 / 2] = 0x0100, 0x2000,            /*        COUNTER */
    [0x80 / 2] = 0x3701, 0xE7FD,            /* fault: adds r7, #1;  b fault */
    [0xA0 / 2] = 0x3601, 0x4770,            /* tick:  adds r6, #1;  bx lr */
};

static int power_on(void **state)
{
    struct host *host = host_new(program, sizeof program);
    *state = host;
    return host_connect(host) == 0x1BA01477 ? 0 : -1;
}
static int power_off(void **state)
{
    host_free(*state);
    return 0;
}

static uint32_t get(struct host *host, uint32_t address)
{
    uint32_t word = 0;
    assert_int_equal(host_read_word(host, address, &word), ACK_OK);
    return word;
}
static void put(struct host *host, uint32_t address, uint32_t word)
{
    assert_int_equal(host_write_word(host, address, word), ACK_OK);
}

static void control(struct host *host, uint32_t bits) { put(host, DHCSR, (uint32_t)KEY | bits); }
static bool is_halted(struct host *host) { return get(host, DHCSR) & S_HALT; }
static void halt(struct host *host) { control(host, DEBUGEN | HALT); }
static void run(struct host *host) { control(host, DEBUGEN); }

static uint32_t get_register(struct host *host, uint32_t number)
{
    put(host, DCRSR, number);
    return get(host, DCRDR);
}
static void put_register(struct host *host, uint32_t number, uint32_t value)
{
    put(host, DCRDR, value);
    put(host, DCRSR, number | 1 << 16);
}

/* Halted at an address of the program, DFSR empty. */
static void halt_at(struct host *host, uint32_t address)
{
    halt(host);
    put_register(host, PC, address);
    put(host, DFSR, 0x1F);
}

static void assert_halted(struct host *host, uint32_t pc, uint32_t dfsr)
{
    assert_true(is_halted(host));
    assert_int_equal(get_register(host, PC), pc);
    assert_int_equal(get(host, DFSR), dfsr);
}

static void step(struct host *host, uint32_t bits)
{
    control(host, DEBUGEN | HALT | bits);
    control(host, DEBUGEN | STEP | bits);
}

/* --- halting --------------------------------------------------------------------- */

static void memory_is_read_while_the_core_runs(void **state)
{
    struct host *host = *state;
    uint32_t before = get(host, COUNTER);
    host_wait(host, SIM_MS);
    assert_true(get(host, COUNTER) > before);
    uint32_t dhcsr = get(host, DHCSR);
    assert_false(dhcsr & S_HALT);
    assert_true(dhcsr & S_RETIRE_ST);
}

static void halt_stops_the_core_and_dfsr_says_so(void **state)
{
    struct host *host = *state;
    halt(host);
    assert_true(is_halted(host));
    assert_int_equal(get(host, DFSR), HALTED);
    uint32_t before = get(host, COUNTER);
    host_wait(host, SIM_MS);
    assert_int_equal(get(host, COUNTER), before);
    assert_false(get(host, DHCSR) & S_RETIRE_ST);
    put(host, DFSR, HALTED);
    assert_int_equal(get(host, DFSR), 0);
}

static void resumed_core_goes_on_counting(void **state)
{
    struct host *host = *state;
    halt(host);
    uint32_t before = get(host, COUNTER);
    run(host);
    host_wait(host, SIM_MS);
    assert_true(get(host, COUNTER) > before + 100);
}

static void dhcsr_without_its_key_is_ignored(void **state)
{
    struct host *host = *state;
    put(host, DHCSR, DEBUGEN | HALT);
    assert_int_equal(get(host, DHCSR) & 0xF, 0);
    assert_false(is_halted(host));
}

static void core_cannot_halt_itself_through_dhcsr(void **state)
{
    struct host *host = *state;
    run(host);
    bus_write(host->chip->bus, BUS_DATA, DHCSR, 4, (uint32_t)KEY | DEBUGEN | HALT);
    assert_false(is_halted(host));
}

static void clearing_debugen_lets_the_core_go(void **state)
{
    struct host *host = *state;
    halt(host);
    control(host, 0);
    assert_int_equal(get(host, DHCSR) & (S_HALT | 0xF), 0);
}

static void sleeping_core_is_seen_and_can_be_halted(void **state)
{
    struct host *host = *state;
    halt_at(host, ON_WFI);
    run(host);
    host_wait(host, SIM_MS);
    assert_true(get(host, DHCSR) & S_SLEEP);
    halt(host);
    assert_halted(host, ON_WFI + 2, HALTED);
}

/* --- registers ------------------------------------------------------------------- */

static void registers_written_are_read_back(void **state)
{
    struct host *host = *state;
    halt(host);
    for (uint32_t n = 0; n < 13; n++)
        put_register(host, n, 0x1000 + n);
    put_register(host, 14, 0xFFFFFFF9);
    put_register(host, PC, LOOP);
    put_register(host, XPSR, 0xF9000000);
    put_register(host, PSP, 0x20000800);
    put_register(host, MSP, 0x20000900);
    for (uint32_t n = 0; n < 13; n++)
        assert_int_equal(get_register(host, n), 0x1000 + n);
    assert_int_equal(get_register(host, 13), 0x20000900);
    assert_int_equal(get_register(host, 14), 0xFFFFFFF9);
    assert_int_equal(get_register(host, PC), LOOP);
    assert_int_equal(get_register(host, XPSR), 0xF9000000);
    assert_int_equal(get_register(host, PSP), 0x20000800);
}

static void special_registers_share_one_transfer(void **state)
{
    struct host *host = *state;
    halt(host);
    put_register(host, PSP, 0x20000800);
    put_register(host, SPECIAL, 0x02015001);    /* CONTROL, FAULTMASK, BASEPRI, PRIMASK */
    assert_int_equal(get_register(host, SPECIAL), 0x02015001);
    assert_int_equal(get_register(host, 13), 0x20000800);
}

/* --- stepping -------------------------------------------------------------------- */

static void step_executes_one_instruction(void **state)
{
    struct host *host = *state;
    halt_at(host, LOOP);
    put_register(host, 0, 41);
    step(host, 0);
    assert_halted(host, STORE, HALTED);
    assert_int_equal(get_register(host, 0), 42);
    step(host, 0);
    assert_halted(host, LOAD, HALTED);
    assert_int_equal(get(host, COUNTER), 42);
}

static void step_over_wfi_does_not_sleep(void **state)
{
    struct host *host = *state;
    halt_at(host, ON_WFI);
    step(host, 0);
    assert_halted(host, ON_WFI + 2, HALTED);
}

static void step_enters_a_pending_interrupt(void **state)
{
    struct host *host = *state;
    halt_at(host, LOOP);
    put(host, ICSR, 1 << 26);                   /* PENDSTSET */
    step(host, 0);
    assert_halted(host, SYSTICK, HALTED);
    assert_int_equal(get_register(host, XPSR) & 0x1FF, 15);
}

static void masked_step_leaves_interrupts_pending(void **state)
{
    struct host *host = *state;
    halt_at(host, LOOP);
    put(host, ICSR, 1 << 26);
    step(host, MASKINTS);
    assert_halted(host, STORE, HALTED);
    assert_true(get(host, ICSR) & 1 << 26);
    control(host, DEBUGEN | HALT);
    step(host, 0);
    assert_halted(host, SYSTICK, HALTED);
    assert_int_equal(host->sim->problems[SIM_RULE], 0);
}

static void maskints_changed_by_the_resuming_write_breaks_a_rule(void **state)
{
    struct host *host = *state;
    halt(host);
    control(host, DEBUGEN | STEP | MASKINTS);
    assert_non_null(strstr(host->problems, "C_MASKINTS changed by the write that clears"));
}

/* --- breakpoints ----------------------------------------------------------------- */

static void comparator_count_is_that_of_the_chip(void **state)
{
    struct host *host = *state;
    assert_int_equal(get(host, FP_CTRL), 0x260);
    put(host, DEMCR, TRCENA);
    assert_int_equal(get(host, DWT_CTRL), 0x40000000);
}

static void breakpoint_stops_before_either_halfword(void **state)
{
    struct host *host = *state;
    static const struct { uint32_t at, replace; } rows[] = {
        { LOOP, 1u << 30 }, { STORE, 2u << 30 }, { NOP, 3u << 30 },
    };
    halt(host);
    put(host, FP_CTRL, 3);
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t comp = FP_COMP0 + 4 * (5 - i);
        halt_at(host, MAIN);
        put(host, comp, rows[i].replace | (rows[i].at & ~3u) | 1);
        run(host);
        host_wait(host, 100 * SIM_US);
        assert_halted(host, i < 2 ? rows[i].at : LOAD, BKPT);
        put(host, comp, 0);
    }
}

static void breakpoint_under_the_pc_stops_again_at_once(void **state)
{
    struct host *host = *state;
    halt_at(host, LOOP);
    put(host, FP_CTRL, 3);
    put(host, FP_COMP0, 1u << 30 | LOOP | 1);
    run(host);
    assert_halted(host, LOOP, BKPT);
    step(host, 0);
    assert_halted(host, LOOP, BKPT);
}

static void disabled_unit_does_not_stop_the_core(void **state)
{
    struct host *host = *state;
    halt(host);
    put(host, FP_COMP0, 1u << 30 | LOOP | 1);
    put(host, FP_CTRL, 3);
    put(host, FP_CTRL, 0);                      /* no key: not heard */
    assert_int_equal(get(host, FP_CTRL) & 1, 1);
    put(host, FP_CTRL, 2);
    run(host);
    host_wait(host, SIM_MS);
    assert_false(is_halted(host));
}

static void bkpt_instruction_halts_on_itself(void **state)
{
    struct host *host = *state;
    halt_at(host, ON_BKPT);
    run(host);
    assert_halted(host, ON_BKPT, BKPT);
}

/* --- watchpoints ----------------------------------------------------------------- */

/* Sets comparator n and lets the program run into it. */
static void run_into_watchpoint(struct host *host, uint32_t n, uint32_t address,
                                uint32_t mask, uint32_t function)
{
    put(host, DEMCR, TRCENA);
    halt_at(host, LOOP);
    put(host, DWT_COMP0 + 16 * n, address);
    put(host, DWT_COMP0 + 16 * n + 4, mask);
    put(host, DWT_COMP0 + 16 * n + 8, function);
    run(host);
    host_wait(host, 100 * SIM_US);
}

static void watchpoint_stops_after_the_access_it_names(void **state)
{
    struct host *host = *state;
    static const struct { uint32_t function, stops_at; } rows[] = {
        { 6, LOAD }, { 5, NOP }, { 7, LOAD },           /* written, read, either */
    };
    for (uint32_t i = 0; i < 3; i++) {
        run_into_watchpoint(host, i, COUNTER, 0, rows[i].function);
        assert_halted(host, rows[i].stops_at, DWTTRAP);
        uint32_t function = DWT_COMP0 + 16 * i + 8;
        assert_true(get(host, function) & 1 << 24);     /* MATCHED, until it is read */
        assert_false(get(host, function) & 1 << 24);
        put(host, function, 0);
    }
}

static void watchpoint_on_one_byte_sees_a_word_that_covers_it(void **state)
{
    struct host *host = *state;
    run_into_watchpoint(host, 0, COUNTER + 3, 0, 6);
    assert_halted(host, LOAD, DWTTRAP);
}

static void watchpoint_mask_widens_it(void **state)
{
    struct host *host = *state;
    run_into_watchpoint(host, 0, COUNTER + 4, 2, 6);
    assert_false(is_halted(host));
    run_into_watchpoint(host, 0, COUNTER + 4, 3, 6);
    assert_halted(host, LOAD, DWTTRAP);
}

static void cycle_counter_runs_with_the_core_only(void **state)
{
    struct host *host = *state;
    put(host, DEMCR, TRCENA);
    put(host, DWT_CTRL, 1);
    uint32_t before = get(host, DWT_CYCCNT);
    host_wait(host, SIM_MS);                            /* 8000 cycles of HSI */
    assert_in_range(get(host, DWT_CYCCNT) - before, 8000, 8500);
    halt(host);
    before = get(host, DWT_CYCCNT);
    host_wait(host, SIM_MS);
    assert_int_equal(get(host, DWT_CYCCNT), before);
}

/* --- vector catch, reset --------------------------------------------------------- */

static void hardfault_is_caught_at_its_handler(void **state)
{
    struct host *host = *state;
    put(host, DEMCR, VC_HARDERR);
    halt_at(host, ON_UDF);
    run(host);
    assert_halted(host, HARDFAULT, VCATCH);
    assert_int_equal(get_register(host, XPSR) & 0x1FF, 3);
}

static void uncaught_hardfault_runs_its_handler(void **state)
{
    struct host *host = *state;
    halt_at(host, ON_UDF);
    run(host);
    host_wait(host, SIM_MS);
    assert_false(is_halted(host));
    halt(host);
    assert_int_equal(get_register(host, XPSR) & 0x1FF, 3);
}

static void reset_is_caught_before_the_first_instruction(void **state)
{
    struct host *host = *state;
    halt(host);
    put_register(host, 0, 0x5A);
    put(host, DFSR, 0x1F);
    put(host, DEMCR, VC_CORERESET);
    put(host, AIRCR, 0x05FA0004);
    host_wait(host, 10 * SIM_MS);
    uint32_t dhcsr = get(host, DHCSR);
    assert_true(dhcsr & S_RESET_ST);
    assert_false(get(host, DHCSR) & S_RESET_ST);
    assert_halted(host, MAIN, VCATCH);
    assert_int_equal(get_register(host, 13), 0x20001000);
}

static void reset_without_catch_sets_a_halted_core_free(void **state)
{
    struct host *host = *state;
    halt(host);
    put(host, AIRCR, 0x05FA0004);
    host_wait(host, 10 * SIM_MS);
    assert_false(is_halted(host));
    assert_int_equal(get(host, DHCSR) & 0xF, DEBUGEN);
}

/* --- finding one's way ----------------------------------------------------------- */

static void rom_table_leads_to_the_debug_units(void **state)
{
    struct host *host = *state;
    static const struct { uint32_t base, pidr0; } units[] = {
        { 0xE000E000, 0x00 }, { 0xE0001000, 0x02 }, { 0xE0002000, 0x03 },
        { 0xE0000000, 0x01 }, { 0xE0040000, 0x23 },
    };
    for (uint32_t i = 0; i < 5; i++) {
        uint32_t entry = get(host, 0xE00FF000 + 4 * i);
        assert_int_equal(0xE00FF000 + (entry & ~3u), units[i].base);
        assert_int_equal(get(host, units[i].base + 0xFE0), units[i].pidr0);
        assert_int_equal(get(host, units[i].base + 0xFD0), 0x04);
        assert_int_equal(get(host, units[i].base + 0xFFC), 0xB1);
    }
    assert_int_equal(get(host, 0xE00FF000 + 20), 0);
    assert_int_equal(get(host, 0xE00FFFF4), 0x10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, power_on, power_off)

int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        TEST(memory_is_read_while_the_core_runs),
        TEST(halt_stops_the_core_and_dfsr_says_so),
        TEST(resumed_core_goes_on_counting),
        TEST(dhcsr_without_its_key_is_ignored),
        TEST(core_cannot_halt_itself_through_dhcsr),
        TEST(clearing_debugen_lets_the_core_go),
        TEST(sleeping_core_is_seen_and_can_be_halted),
        TEST(registers_written_are_read_back),
        TEST(special_registers_share_one_transfer),
        TEST(step_executes_one_instruction),
        TEST(step_over_wfi_does_not_sleep),
        TEST(step_enters_a_pending_interrupt),
        TEST(masked_step_leaves_interrupts_pending),
        TEST(maskints_changed_by_the_resuming_write_breaks_a_rule),
        TEST(comparator_count_is_that_of_the_chip),
        TEST(breakpoint_stops_before_either_halfword),
        TEST(breakpoint_under_the_pc_stops_again_at_once),
        TEST(disabled_unit_does_not_stop_the_core),
        TEST(bkpt_instruction_halts_on_itself),
        TEST(watchpoint_stops_after_the_access_it_names),
        TEST(watchpoint_on_one_byte_sees_a_word_that_covers_it),
        TEST(watchpoint_mask_widens_it),
        TEST(cycle_counter_runs_with_the_core_only),
        TEST(hardfault_is_caught_at_its_handler),
        TEST(uncaught_hardfault_runs_its_handler),
        TEST(reset_is_caught_before_the_first_instruction),
        TEST(reset_without_catch_sets_a_halted_core_free),
        TEST(rom_table_leads_to_the_debug_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
