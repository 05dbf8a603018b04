/* as_found.c - does a program find its chip as it left it, whatever a debugger did to it?
 *
 * Small programs run on the virtual chips; the shipped image debugs them through gdb's
 * packets, and the tests look at the chip itself.
 *
 *   - a software breakpoint gives back what the program has there, not what once was
 *
 * Sources: GDB manual E.2 (Z0); Armv7-M ARM (DDI 0403E) A7.7.17 (BKPT). */
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
    uint8_t image[0x100] = { 0 };
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
