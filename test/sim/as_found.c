/* as_found.c - does a program find its chip as it left it, whatever a debugger did to it?
 *
 * Small programs run on the virtual chips; the shipped image debugs them through gdb's
 * packets, and the tests look at the chip itself.
 *
 *   - a software breakpoint gives back what the program has there, not what once was
 *   - the program's TRCENA and DebugMonitor are its own, and the cycle counter counts on
 *   - watchdogs stand still while the core does, and DBGMCU is as found afterwards
 *   - a program that has taken the debug pins is found under reset
 *
 * Sources: GDB manual E.2 (Z0); Armv7-M ARM (DDI 0403E) A7.7.17 (BKPT), C1.6.5 (DEMCR), C1.8
 * (DWT); RM0008 31.16 (DBGMCU). */
#include "rsp_client.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { RAM = 0x20000000, RAMFN = RAM + 0x100 };

static struct rsp *rsp;
static struct chip *target;

static int power_on(const char *name)
{
    rsp = rsp_power_on(name);
    target = rsp->board->target;
    return !rsp_attach(rsp);
}

static int samd21(void **state) { (void)state; return power_on("samd21"); }
static int stm32f103(void **state) { (void)state; return power_on("stm32f103"); }

static int power_off(void **state)
{
    (void)state;
    return rsp_power_off(rsp);
}

static uint32_t of_target(uint32_t address)
{
    uint32_t value = 0;
    assert_true(bus_read(target->bus, BUS_DEBUG, address, 4, &value));
    return value;
}

static uint32_t register_of_target(int number) { return target->cpu->r[number]; }

/* What `load` does, behind a stack pointer and the vectors; then `monitor reset`. */
static void load(const uint16_t *program, size_t size)
{
    uint8_t image[0x200] = { 0 };
    uint32_t vectors[] = { RAM + 0x800, target->flash_base | 0x41 };

    memcpy(image, vectors, sizeof vectors);
    memcpy(image + 0x40, program, size);
    assert_true(rsp_load_flash(rsp, target->flash_base, image, sizeof image,
                               target->flash_base ? 1024 : 256));
    rsp_monitor(rsp, "reset");
}

/* Until it stops, as gdb waits for it. */
static const char *go(const char *packet)
{
    rsp_send(rsp, packet, (int)strlen(packet));
    assert_true(rsp_receive(rsp, 1000));
    return rsp->reply;
}

static void assert_stops_at(const char *packet, uint32_t address)
{
    assert_memory_equal(go(packet), "T05", 3);
    assert_int_equal(register_of_target(15), address);
}

/* --- a function that start-up code copies to RAM ------------------------------------------- */

enum { MAIN = 0x48, MAIN_BYTEWISE = 0x54, FUNCTION = 0x37023701 };

/*      ldr r0, =RAMFN;  adr r1, function;  ldmia r1!, {r2, r3};  stmia r0!, {r2, r3}
 * main:  movs r7, #0;  ldr r0, =RAMFN + 1;  again: blx r0;  b again
 * function: adds r7, #1;  adds r7, #2;  bx lr;  nop                                        */
static const uint16_t copies_words[] = {
    0x4805, 0xA103, 0xC90C, 0xC00C, 0x2700, 0x4804, 0x4780, 0xE7FD,
    0x3701, 0x3702, 0x4770, 0x46C0, 0x0100, 0x2000, 0x0101, 0x2000,
};
/* The same with movs r3, #8;  1: ldrb r2, [r1];  strb r2, [r0];  adds r1, #1;  adds r0, #1;
 * subs r3, #1;  bne 1b;  b main                                                            */
static const uint16_t copies_bytes[] = {
    0x4808, 0xA106, 0x2308, 0x780A, 0x7002, 0x3101, 0x3001, 0x3B01, 0xD1F9, 0xE7FF,
    0x2700, 0x4804, 0x4780, 0xE7FD,
    0x3701, 0x3702, 0x4770, 0x46C0, 0x0100, 0x2000, 0x0101, 0x2000,
};

static void set(uint32_t address) { assert_string_equal(rsp_ask(rsp, "Z0,%x,2", address), "OK"); }
static void clear(uint32_t address) { assert_string_equal(rsp_ask(rsp, "z0,%x,2", address), "OK"); }

static void assert_function_is_read(void)
{
    uint32_t word;
    assert_true(rsp_read(rsp, RAMFN, &word, sizeof word));
    assert_int_equal(word, FUNCTION);
}

/* From power-on: load, monitor reset, break ramfn, tbreak main, continue, continue.  gdb takes
 * all breakpoints out at each stop, and sets them again when it goes on. */
static void a_breakpoint_in_copied_code_is_hit_and_gives_the_code_back(void **state)
{
    (void)state;
    load(copies_words, sizeof copies_words);
    uint32_t main = target->flash_base + MAIN;
    set(RAMFN);
    set(main);
    assert_stops_at("vCont;c", main);
    clear(RAMFN);
    clear(main);
    assert_function_is_read();
    assert_int_equal(of_target(RAMFN), FUNCTION);
    set(RAMFN);
    assert_stops_at("vCont;c", RAMFN);
    clear(RAMFN);
    assert_stops_at("vCont;s:1", RAMFN + 2);
    assert_int_equal(register_of_target(7), 1);
    assert_int_equal(of_target(RAMFN), FUNCTION);
}

/* lldb leaves them in, and gdb does with `set breakpoint always-inserted on`. */
static void a_breakpoint_that_stays_in_is_set_anew_over_the_copy(void **state)
{
    (void)state;
    load(copies_words, sizeof copies_words);
    uint32_t main = target->flash_base + MAIN;
    set(RAMFN);
    set(RAMFN + 2);
    set(main);
    assert_stops_at("vCont;c", main);
    clear(main);
    assert_function_is_read();
    assert_stops_at("vCont;c", RAMFN);
    clear(RAMFN);
    assert_stops_at("vCont;c", RAMFN + 2);
    assert_int_equal(register_of_target(7), 1);
    assert_string_equal(rsp_ask(rsp, "D"), "OK");
    assert_int_equal(of_target(RAMFN), FUNCTION);
    assert_false(target->cpu->halted);
}

/* Each instruction of a byte-wise copy is a stop, also those between two bytes of a BKPT. */
static void a_copy_may_be_stepped_through(void **state)
{
    (void)state;
    load(copies_bytes, sizeof copies_bytes);
    set(RAMFN);
    set(RAMFN + 2);
    for (int i = 0; register_of_target(15) != target->flash_base + MAIN_BYTEWISE; i++) {
        assert_in_range(i, 0, 100);
        if (i % 3 == 0)
            clear(RAMFN);
        if (i % 3 == 1)
            set(RAMFN);
        assert_memory_equal(go("vCont;s:1"), "T05", 3);
    }
    set(RAMFN);
    assert_stops_at("vCont;c", RAMFN);
    assert_function_is_read();
    clear(RAMFN);
    clear(RAMFN + 2);
    assert_int_equal(of_target(RAMFN), FUNCTION);
}

/* RAM outlives a reset: what a debugger forgot there would be executed one day. */
static void nothing_of_a_breakpoint_is_left(const char *how)
{
    load(copies_words, sizeof copies_words);
    uint32_t main = target->flash_base + MAIN, before = of_target(RAMFN + 8);
    set(main);
    assert_stops_at("vCont;c", main);
    clear(main);
    set(RAMFN);
    set(RAMFN + 8);
    assert_stops_at("vCont;c", RAMFN);
    if (how)
        rsp_ask(rsp, "%s", how);
    else
        cdc_host_open(rsp->cdc, 0, false);
    board_run_ms(rsp->board, 100);
    assert_false(target->cpu->halted);
    assert_int_equal(of_target(RAMFN), FUNCTION);
    assert_int_equal(of_target(RAMFN + 8), before);
}

static void detach_leaves_no_breakpoint_in_ram(void **state)
{
    (void)state;
    nothing_of_a_breakpoint_is_left("D");
}

static void kill_leaves_no_breakpoint_in_ram(void **state)
{
    (void)state;
    nothing_of_a_breakpoint_is_left("vKill;1");
}

static void a_closed_port_leaves_no_breakpoint_in_ram(void **state)
{
    (void)state;
    nothing_of_a_breakpoint_is_left(NULL);
}

/* --- the trace enable, and the rest of DEMCR ------------------------------------------------ */

enum { DEMCR = 0xE000EDFC, TRCENA = 1 << 24, MON_EN = 1 << 16, DWT_CTRL = 0xE0001000 };

/*      ldr r0, =DEMCR;  ldr r1, [r0];  orr r1, #TRCENA;  str r1, [r0]
 *      ldr r2, =DWT_CTRL;  movs r1, #1;  str r1, [r2]             CYCCNTENA
 *      mov r3, #0x20000000;  movs r7, #0
 * 0: ldr r4, [r2, #4];  1: ldr r5, [r2, #4];  subs r5, r5, r4;  cmp r5, #200;  blo 1b
 *      adds r7, #1;  str r7, [r3];  b 0b                                                   */
static const uint16_t waits_on_cyccnt[] = {
    0x4809, 0x6801, 0xF041, 0x7180, 0x6001, 0x4A08, 0x2101, 0x6011, 0xF04F, 0x5300, 0x2700,
    0x6854, 0x6855, 0x1B2D, 0x2DC8, 0xD3FB, 0x3701, 0x601F, 0xE7F7, 0x0000,
    0xEDFC, 0xE000, 0x1000, 0xE000,
};
/* 1: b 1b */
static const uint16_t stays[] = { 0xE7FE };

static void start(const uint16_t *program, size_t size)
{
    load(program, size);
    assert_string_equal(rsp_ask(rsp, "D"), "OK");
    board_run_ms(rsp->board, 10);
}

static void assert_counts(void)
{
    uint32_t before = of_target(RAM);
    board_run_ms(rsp->board, 10);
    assert_false(target->cpu->halted);
    assert_int_equal(target->cpu->exception, 0);
    assert_in_range(of_target(RAM) - before, 100, 100000);
}

static void interrupt(void)
{
    rsp_send_raw(rsp, "\x03", 1);
    assert_true(rsp_receive(rsp, 1000));
}

static void a_cycle_counter_counts_on_after_attach_and_detach(void **state)
{
    (void)state;
    start(waits_on_cyccnt, sizeof waits_on_cyccnt);
    assert_counts();
    assert_true(rsp_attach(rsp));
    assert_string_equal(rsp_ask(rsp, "D"), "OK");
    assert_counts();
}

static void a_cycle_counter_counts_on_after_kill(void **state)
{
    (void)state;
    load(waits_on_cyccnt, sizeof waits_on_cyccnt);
    rsp_ask(rsp, "vKill;1");
    board_run_ms(rsp->board, 50);
    assert_counts();
}

static void a_cycle_counter_counts_on_after_the_port_is_closed(void **state)
{
    (void)state;
    load(waits_on_cyccnt, sizeof waits_on_cyccnt);
    rsp_send(rsp, "vCont;c", 7);
    board_run_ms(rsp->board, 50);
    cdc_host_open(rsp->cdc, 0, false);
    board_run_ms(rsp->board, 50);
    assert_counts();
}

/* The program turned the counter on when it was being debugged. */
static void a_cycle_counter_counts_on_after_watchpoints_and_resets(void **state)
{
    (void)state;
    load(waits_on_cyccnt, sizeof waits_on_cyccnt);
    rsp_ask(rsp, "Z2,%x,4", RAM);
    assert_memory_equal(go("vCont;c"), "T05watch", 8);
    assert_memory_equal(go("vCont;c"), "T05watch", 8);
    rsp_monitor(rsp, "reset");
    assert_memory_equal(go("vCont;c"), "T05watch", 8);
    rsp_ask(rsp, "z2,%x,4", RAM);
    rsp_monitor(rsp, "vector_catch enable bus");
    rsp_send(rsp, "vCont;c", 7);
    board_run_ms(rsp->board, 50);
    target->reset(target, RESET_PIN);
    board_run_ms(rsp->board, 50);
    interrupt();
    assert_string_equal(rsp_ask(rsp, "D"), "OK");
    assert_counts();
    assert_int_equal(of_target(DEMCR), TRCENA);
    assert_int_equal(of_target(DWT_CTRL) & 0xFFFFFFF, 1);
}

/* ... or does so after the last stop, or turns it off and on again. */
static void a_watchpoint_works_whatever_the_program_does_with_trcena(void **state)
{
    (void)state;
    load(stays, sizeof stays);
    rsp_ask(rsp, "Z2,%x,4", RAM);
    assert_true(bus_write(target->bus, BUS_DATA, DEMCR, 4, 0));
    rsp_ask(rsp, "z2,%x,4", RAM);
    assert_true(bus_write(target->bus, BUS_DATA, DEMCR, 4, TRCENA));
    assert_int_equal(of_target(DWT_CTRL + 0x28), 0);
}

static void demcr_is_as_found(void **state)
{
    (void)state;
    load(stays, sizeof stays);
    rsp_ask(rsp, "Z2,%x,4", RAM);
    rsp_ask(rsp, "Z1,%x,2", target->flash_base + 0x80);
    rsp_send(rsp, "vCont;c", 7);
    board_run_ms(rsp->board, 10);
    interrupt();
    assert_string_equal(rsp_ask(rsp, "D"), "OK");
    assert_int_equal(of_target(DEMCR), 0);
    assert_int_equal(of_target(0xE000EDF0) & 0xF, 0);
    assert_int_equal(of_target(0xE0002000) & 1, 0);
    assert_false(target->cpu->halted);
    assert_true(rsp_attach(rsp));
    assert_int_equal(of_target(DEMCR) & TRCENA, 0);
    assert_string_equal(rsp_ask(rsp, "D"), "OK");
    assert_int_equal(of_target(DEMCR), 0);
}

static void a_debug_monitor_stays_enabled(void **state)
{
    (void)state;
    start(stays, sizeof stays);
    assert_true(bus_write(target->bus, BUS_DATA, DEMCR, 4, MON_EN));
    assert_true(rsp_attach(rsp));
    rsp_monitor(rsp, "vector_catch enable all");
    rsp_ask(rsp, "Z2,%x,4", RAM);
    assert_int_equal(of_target(DEMCR) & MON_EN, MON_EN);
    assert_string_equal(rsp_ask(rsp, "D"), "OK");
    assert_int_equal(of_target(DEMCR), MON_EN);
}

/* Nobody attaches after a scan that caught the reset: the program must not wait for it. */
static void a_scan_under_reset_leaves_the_program_running(void **state)
{
    (void)state;
    start(stays, sizeof stays);
    rsp_monitor(rsp, "connect_rst enable");
    assert_non_null(strstr(rsp_monitor(rsp, "swdp_scan"), "Cortex"));
    assert_int_equal(target->cpu->held_in_reset, false);
    cdc_host_open(rsp->cdc, 0, false);
    board_run_ms(rsp->board, 100);
    assert_false(target->cpu->halted);
    assert_int_equal(of_target(DEMCR), 0);
    assert_int_equal(of_target(0xE000EDF0) & 0xF, 0);
}

/* --- watchdogs ------------------------------------------------------------------------------ */

enum { RCC_CSR = 0x40021024, DBGMCU_CR = 0xE0042004, TRACE_IOEN = 1 << 5, DBG_STOP = 1 << 1,
       WATCHDOG_RESETS = 3 << 29 };
enum { IWDG_LOOP = 0x64, WWDG_LOOP = 0x58 };

/* IWDG: 1000 x 4 of 40 kHz, 100 ms.
 *      ldr r0, =IWDG;  movw r1, #0x5555;  str r1, [r0];  movw r1, #999;  str r1, [r0, #8]
 * 1: ldr r1, [r0, #12];  cmp r1, #0;  bne 1b;  movw r1, #0xCCCC;  str r1, [r0]
 *      movw r2, #0xAAAA;  mov r3, #0x20000000;  movs r7, #0
 * loop: str r2, [r0];  adds r7, #1;  str r7, [r3];  b loop                                 */
static const uint16_t feeds_iwdg[] = {
    0x480A, 0xF245, 0x5155, 0x6001, 0xF240, 0x31E7, 0x6081, 0x68C1, 0x2900, 0xD1FC,
    0xF64C, 0x41CC, 0x6001, 0xF64A, 0x22AA, 0xF04F, 0x5300, 0x2700,
    0x6002, 0x3701, 0x601F, 0xE7FB, 0x3000, 0x4000,
};
/* WWDG: 64 x 4096 x 8 of 8 MHz, 262 ms.
 *      ldr r0, =RCC_APB1ENR;  mov r1, #1 << 11;  str r1, [r0];  ldr r0, =WWDG
 *      movw r1, #0x1FF;  str r1, [r0, #4];  movs r2, #0xFF;  mov r3, #0x20000000;  movs r7, #0
 * loop: as above                                                                           */
static const uint16_t feeds_wwdg[] = {
    0x4807, 0xF44F, 0x6100, 0x6001, 0x4806, 0xF240, 0x11FF, 0x6041, 0x22FF, 0xF04F, 0x5300,
    0x2700, 0x6002, 0x3701, 0x601F, 0xE7FB, 0x101C, 0x4002, 0x2C00, 0x4000,
};

static void sit(uint32_t at)
{
    assert_stops_at("vCont;c", at);
    uint32_t count = register_of_target(7);
    board_run_ms(rsp->board, 1000);
    clear(at);
    assert_stops_at("vCont;s:1", at + 2);
    assert_stops_at("vCont;s:1", at + 4);
    assert_int_equal(register_of_target(7), count + 1);
    set(at);
}

static void sit_at_breakpoints(const uint16_t *program, size_t size, uint32_t loop)
{
    load(program, size);
    set(target->flash_base + loop);
    sit(target->flash_base + loop);
    sit(target->flash_base + loop);
    rsp_monitor(rsp, "reset");
    sit(target->flash_base + loop);
    assert_int_equal(of_target(RCC_CSR) & WATCHDOG_RESETS, 0);
    assert_string_equal(rsp_ask(rsp, "D"), "OK");
    board_run_ms(rsp->board, 1000);
    assert_counts();
    assert_int_equal(of_target(RCC_CSR) & WATCHDOG_RESETS, 0);
    assert_int_equal(of_target(DBGMCU_CR), 0);
}

static void the_independent_watchdog_waits_at_a_breakpoint(void **state)
{
    (void)state;
    sit_at_breakpoints(feeds_iwdg, sizeof feeds_iwdg, IWDG_LOOP);
}

static void the_window_watchdog_waits_at_a_breakpoint(void **state)
{
    (void)state;
    sit_at_breakpoints(feeds_wwdg, sizeof feeds_wwdg, WWDG_LOOP);
}

/* It is in the hardware, and nothing has to be set for it. */
static void the_samd21s_watchdog_waits_by_itself(void **state)
{
    (void)state;
    load(stays, sizeof stays);
    assert_string_equal(rsp_ask(rsp, "M40001001,1:03"), "OK");      /* 64 clocks of 1 kHz */
    assert_string_equal(rsp_ask(rsp, "M40001000,1:02"), "OK");
    board_run_ms(rsp->board, 1000);
    assert_string_equal(rsp_ask(rsp, "m40000438,1"), "40");         /* RCAUSE: SYST */
    rsp_send(rsp, "vCont;c", 7);
    board_run_ms(rsp->board, 100);
    interrupt();
    assert_string_equal(rsp_ask(rsp, "m40000438,1"), "20");         /* WDT */
}

static void leave_by_detach(void) { assert_string_equal(rsp_ask(rsp, "D"), "OK"); }
static void leave_by_kill(void) { rsp_ask(rsp, "vKill;1"); }
static void leave_by_scan(void) { rsp_monitor(rsp, "swdp_scan"); }
static void leave_by_closing(void) { cdc_host_open(rsp->cdc, 0, false); }
static void leave_after_reset(void)
{
    rsp_monitor(rsp, "reset");
    rsp_ask(rsp, "vRun;");
    rsp_ask(rsp, "D");
}
static void leave_after_loss(void)
{
    rsp_send(rsp, "vCont;c", 7);
    board_run_ms(rsp->board, 10);
    board_cut(rsp->board, "SWDIO", true);
    do
        assert_true(rsp_receive(rsp, 5000));
    while (rsp->reply[0] == 'O');
    assert_string_equal(rsp->reply, "X1D");
    board_cut(rsp->board, "SWDIO", false);
    assert_true(rsp_attach(rsp));
    rsp_ask(rsp, "D");
}

/* What the program had set, what it had not, and what it set meanwhile. */
static void dbgmcu_is_as_found(void **state)
{
    static void (*const ways[])(void) = {
        leave_by_detach, leave_by_kill, leave_by_scan, leave_after_reset, leave_after_loss,
        leave_by_closing,
    };

    (void)state;
    start(stays, sizeof stays);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        uint32_t found = i % 2 ? DBG_STOP | 1 << 8 : 0;
        assert_true(bus_write(target->bus, BUS_DATA, DBGMCU_CR, 4, found));
        assert_true(rsp_attach(rsp));
        assert_int_equal(of_target(DBGMCU_CR), 0x307);
        assert_true(bus_write(target->bus, BUS_DATA, DBGMCU_CR, 4, 0x307 | TRACE_IOEN));
        ways[i]();
        board_run_ms(rsp->board, 100);
        assert_int_equal(of_target(DBGMCU_CR), found | TRACE_IOEN);
        assert_false(target->cpu->halted);
    }
}

/* --- debug pins that the program takes ------------------------------------------------------ */

/* ldr r0, =a;  ldr r1, =b;  str r1, [r0];  ldr r0, =c;  ldr r1, =d;  str(b) r1, [r0];  b .
 * The first store opens the gate of what the second one changes. */
static const struct { const char *name; uint32_t a, b, c, d; bool byte; } takes_pins[] = {
    { "samd21", RAM, 0, 0x4100445E, 0, true },                  /* PINCFG of SWCLK, PA30 */
    { "stm32f103", 0x40021018, 1, 0x40010004, 4 << 24, false }, /* SWJ_CFG */
    { "stm32f205", 0x40023830, 1, 0x40020000, 0, false },       /* MODER of port A */
    { "stm32f405", 0x40023830, 1, 0x40020000, 0, false },
    { "stm32f429", 0x40023830, 1, 0x40020000, 0, false },
    { "stm32f746", 0x40023830, 1, 0x40020000, 0, false },
    { "stm32f767", 0x40023830, 1, 0x40020000, 0, false },
    { "stm32l476", 0x4002104C, 1, 0x48000000, 0, false },
    { "stm32g071", 0x40021034, 1, 0x50000000, 0, false },
};

static void run_what_takes_the_pins(size_t n)
{
    uint16_t program[] = { 0x4803, 0x4904, 0x6001, 0x4804, 0x4904, 0x6001, 0xE7FE, 0x46C0 };
    uint32_t image[28] = { RAM + 0x800, target->flash_base | 0x41 };
    uint32_t words[] = { takes_pins[n].a, takes_pins[n].b, takes_pins[n].c, takes_pins[n].d };

    if (takes_pins[n].byte)
        program[5] = 0x7001;
    memcpy(image + 16, program, sizeof program);
    memcpy(image + 20, words, sizeof words);
    memcpy(target->flash, image, sizeof image);
    board_power_target(rsp->board, false);
    board_power_target(rsp->board, true);
    board_run_ms(rsp->board, 50);
}

static void a_chip_whose_program_took_the_debug_pins_is_found_under_reset(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof takes_pins / sizeof *takes_pins; n++) {
        uint8_t start[2];

        rsp = rsp_power_on(takes_pins[n].name);
        target = rsp->board->target;
        run_what_takes_the_pins(n);
        if (strstr(rsp_monitor(rsp, "swdp_scan"), "Cortex"))
            fail_msg("%s: the program did not take the pins", takes_pins[n].name);
        rsp_monitor(rsp, "connect_rst enable");
        if (!rsp_attach(rsp))
            fail_msg("%s: not found under reset: %s", takes_pins[n].name, rsp->console);
        assert_true(target->cpu->halted);
        assert_true(rsp_read(rsp, target->flash_base + 0x40, start, sizeof start));
        assert_memory_equal(start, "\x03\x48", 2);
        rsp_power_off(rsp);
    }
}

#define ON(chip, name) { #chip ": " #name, name, chip, power_off, NULL }
#define BOTH(name) ON(samd21, name), ON(stm32f103, name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(a_breakpoint_in_copied_code_is_hit_and_gives_the_code_back),
        BOTH(a_breakpoint_that_stays_in_is_set_anew_over_the_copy),
        BOTH(a_copy_may_be_stepped_through),
        BOTH(detach_leaves_no_breakpoint_in_ram),
        BOTH(kill_leaves_no_breakpoint_in_ram),
        BOTH(a_closed_port_leaves_no_breakpoint_in_ram),
        ON(stm32f103, a_cycle_counter_counts_on_after_attach_and_detach),
        ON(stm32f103, a_cycle_counter_counts_on_after_kill),
        ON(stm32f103, a_cycle_counter_counts_on_after_the_port_is_closed),
        ON(stm32f103, a_cycle_counter_counts_on_after_watchpoints_and_resets),
        ON(stm32f103, a_watchpoint_works_whatever_the_program_does_with_trcena),
        BOTH(demcr_is_as_found),
        ON(stm32f103, a_debug_monitor_stays_enabled),
        BOTH(a_scan_under_reset_leaves_the_program_running),
        ON(stm32f103, the_independent_watchdog_waits_at_a_breakpoint),
        ON(stm32f103, the_window_watchdog_waits_at_a_breakpoint),
        ON(samd21, the_samd21s_watchdog_waits_by_itself),
        ON(stm32f103, dbgmcu_is_as_found),
        cmocka_unit_test(a_chip_whose_program_took_the_debug_pins_is_found_under_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
