/* test_selfflash.c - does anything lead outside of the slot?  Linked with selfflash.c and
 * nothing else; flash is plain memory at its true address, registers are variables.
 *
 * Variables do not clear a bit when it is written as 1, so here every flash looks as if it
 * ended after 16 KB, and every operation as if it had met a protected page.  That is all
 * the better for what is asked here; that writing works is asked on the virtual board. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "clock.h"
#include "selfflash.h"
#include "stm32f103.h"

enum { FLASH_START = 0x08000000, END = FLASH_START + 16 * 1024, MEMORY = 256 * 1024 };

struct flash FLASH;
struct scb SCB;
const volatile uint16_t FLASH_SIZE = 64;
static uint8_t *memory;
static uint8_t before[MEMORY];

void watchdog_feed(void) { }
void faults_off(void) { }
void faults_on(void) { }

static int power_on(void **state)
{
    (void)state;
    void *wanted = (void *)(uintptr_t)FLASH_START;
    if (!memory)
        memory = mmap(wanted, MEMORY, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (memory != wanted)
        return -1;
    memset(memory, 0x5A, MEMORY);
    memcpy(before, memory, MEMORY);
    memset((void *)(uintptr_t)&FLASH, 0, sizeof FLASH);
    return 0;
}

static const struct { uint32_t address, length; } outside[] = {
    { 0, 2 }, { FLASH_START, 2 }, { FLASH_START + 0x1000, 1024 }, { SLOT_START - 2, 2 },
    { SLOT_START - 1024, 2048 }, { SLOT_START + 1, 2 }, { END, 2 }, { END - 2, 4 },
    { SLOT_START, END - SLOT_START + 1 }, { SLOT_START, 0xFFFFFFFF },
    { SLOT_START, 0xF7FFE000 }, { END - 2, 0xFFFFFFFE }, { 0xFFFFFFFE, 4 },
    { 0x20000000, 2 }, { 0x1FFFF800, 16 }, { 0x10002000, 2 },
};

static void nothing_outside_of_the_slot_is_touched(void **state)
{
    (void)state;
    static const uint8_t bytes[2048];
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        uint32_t address = outside[i].address, length = outside[i].length;
        if (address < SLOT_START || address > END - FLASH_PAGE || address % 2)
            assert_int_equal(selfflash_erase(address), SELFFLASH_ADDRESS);
        assert_int_equal(selfflash_program(address, bytes, length), SELFFLASH_ADDRESS);
        selfflash_strike_out(address, length);
    }
    assert_memory_equal(memory, before, MEMORY);
    assert_int_equal(FLASH.CR, 0);
    assert_int_equal(FLASH.KEYR, 0);    /* not even unlocked */
    assert_int_equal(FLASH.AR, 0);
}

static void an_error_of_an_erase_is_told_and_the_controller_locked(void **state)
{
    (void)state;
    assert_int_equal(selfflash_erase(END - FLASH_PAGE), SELFFLASH_PROTECTED);
    assert_int_equal(FLASH.AR, END - FLASH_PAGE);
    assert_int_equal(FLASH.CR, FLASH_CR_LOCK);
}

static void programming_stops_at_the_first_error_and_locks(void **state)
{
    (void)state;
    static const uint8_t bytes[4] = { 1, 2, 3, 4 };
    assert_int_equal(selfflash_program(SLOT_START, bytes, 4), SELFFLASH_PROTECTED);
    assert_int_equal(memory[SLOT_START - FLASH_START], 1);
    assert_int_equal(memory[SLOT_START - FLASH_START + 2], 0x5A);
    assert_int_equal(FLASH.CR, FLASH_CR_LOCK);
    assert_int_equal(selfflash_program(SLOT_START + 6, bytes, 1), SELFFLASH_PROTECTED);
    assert_int_equal(memory[SLOT_START - FLASH_START + 7], 0xFF);       /* odd: padded */
}

static void stacks_are_in_ram_and_entries_in_the_slot(void **state)
{
    (void)state;
    static const struct { uint32_t sp; bool good; } stacks[] = {
        { 0, false }, { 0x20000000, false }, { 0x20000004, true }, { 0x20000006, false },
        { 0x20005000, true }, { 0x20005004, false }, { 0xFFFFFFFF, false },
        { 0x20010800, false }, { 0x30000800, false },
    };
    static const struct { uint32_t reset; bool good; } entries[] = {
        { 0, false }, { 0xFFFFFFFF, false }, { SLOT_START + 1, false },
        { SLOT_START + 7, false }, { SLOT_START + 8, false }, { SLOT_START + 9, true },
        { 0x08000101, false }, { 0x0800FFFF, true }, { 0x0801FFFF, true },
        { 0x08020001, false }, { 0x20000101, false },
    };
    for (size_t i = 0; i < sizeof stacks / sizeof stacks[0]; i++)
        assert_int_equal(selfflash_sp_plausible(stacks[i].sp), stacks[i].good);
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++)
        assert_int_equal(selfflash_entry_plausible(entries[i].reset), entries[i].good);
}

/* The commit is the upper half of SP: no half that lacks a bit may pass. */
static void a_half_programmed_stack_is_never_plausible(void **state)
{
    (void)state;
    for (uint32_t sp = 0x20000004; sp <= 0x20005000; sp += 0xFFC) {
        for (uint32_t extra = 1; extra < 0x10000; extra++) {
            uint32_t half = 0x2000 | extra;
            if (half != 0x2000)
                assert_false(selfflash_sp_plausible((sp & 0xFFFF) | half << 16));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_outside_of_the_slot_is_touched, power_on),
        cmocka_unit_test_setup(an_error_of_an_erase_is_told_and_the_controller_locked, power_on),
        cmocka_unit_test_setup(programming_stops_at_the_first_error_and_locks, power_on),
        cmocka_unit_test(stacks_are_in_ram_and_entries_in_the_slot),
        cmocka_unit_test(a_half_programmed_stack_is_never_plausible),
    };
    return cmocka_run_group_tests_name("selfflash", tests, NULL, NULL);
}
