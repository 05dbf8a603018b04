/* start.h - what the small programs of test/sim share: vectors, registers, a verdict.
 *
 * A program is one file: main() runs after reset at 8 MHz, variables are zero (there is no
 * .data), and verdict() ends it.  The host reads two words at the beginning of RAM: 0xC0DEC0DE and the
 * verdict, which is 0 or says where it went wrong. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))

static void verdict(uint32_t value)
{
    REG(0x20000004) = value;
    REG(0x20000000) = 0xC0DEC0DE;
    for (;;)
        __asm__ volatile ("wfi");
}

int main(void);
void start(void);
extern uint32_t bss_start[], bss_end[];
void start(void)
{
    REG(0x20000000) = 0;
    for (uint32_t *word = bss_start; word < bss_end; word++)
        *word = 0;
    verdict((uint32_t)main());
}

static void unexpected(void) { verdict(0xDEAD); }

/* Handlers by interrupt line; a program says which it has before it includes this. */
#ifndef HANDLERS
#define HANDLERS
#endif
__attribute__((section(".vectors"), used)) static void *const vectors[16 + 60] = {
    [0] = (void *)0x20005000, [1] = start, [2 ... 15] = unexpected, HANDLERS
};
