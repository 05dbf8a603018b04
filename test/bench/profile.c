/* profile.c - in which functions of the firmware the probe's cycles go.
 *
 *   called by  bench.c (--profile)      calls  sim/cpu.h, sim/board.h
 *
 * No sampling: the core tells of each instruction before it executes it (the hook that a
 * debugger would use), so every cycle is counted once, at the instruction that took it.
 * Time asleep is at the WFI, that is, in the function that sleeps.  What an exception
 * costs to enter is counted at the instruction that it came after. */
#include "profile.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLASH_SLOTS = 65536 / 2, RAM_SLOTS = 20480 / 2, SLOTS = FLASH_SLOTS + RAM_SLOTS };
#define FLASH_AT 0x08000000u
#define RAM_AT   0x20000000u

struct profile {
    struct cpu *cpu;
    uint32_t pc;                    /* of the instruction under way */
    uint64_t since;                 /* cycles when it began */
    uint64_t cycles[SLOTS];         /* by half-word of program memory */
    uint64_t times[SLOTS];          /* how often it was executed */
};

struct place { const char *name; uint64_t cycles; uint32_t address; };

static int slot_of(uint32_t pc)
{
    if (pc - FLASH_AT < 65536)
        return (int)(pc - FLASH_AT) / 2;
    return pc - RAM_AT < 20480 ? FLASH_SLOTS + (int)(pc - RAM_AT) / 2 : 0;
}

static uint32_t address_of(int slot)
{
    return slot < FLASH_SLOTS ? FLASH_AT + 2 * (uint32_t)slot
                              : RAM_AT + 2 * (uint32_t)(slot - FLASH_SLOTS);
}

static bool next_instruction(void *ctx, uint32_t pc)
{
    struct profile *profile = ctx;
    int slot = slot_of(profile->pc);

    profile->cycles[slot] += profile->cpu->cycles - profile->since;
    profile->times[slot]++;
    profile->since = profile->cpu->cycles;
    profile->pc = pc;
    return false;
}

struct profile *profile_start(const struct board *board, const char *elf)
{
    struct profile *profile = calloc(1, sizeof *profile);
    struct cpu *cpu = board->probe->cpu;
    char error[512];

    if (!load_symbols(board->probe, elf, error, sizeof error))
        fprintf(stderr, "profile: no names of functions: %s\n", error);
    profile->cpu = cpu;
    profile->pc = cpu->r[15];
    profile->since = cpu->cycles;
    cpu->hooks = (struct cpu_hooks){ .before_instruction = next_instruction, .ctx = profile };
    return profile;
}

static int most_first(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->cycles != y->cycles)
        return x->cycles < y->cycles ? 1 : -1;
    return x->address < y->address ? -1 : x->address > y->address;
}

static const char *name_of(const struct cpu *cpu, uint32_t address, uint32_t *offset)
{
    const char *name = cpu_symbol ? cpu_symbol(cpu, address, offset) : NULL;

    if (name)
        return name;
    *offset = address & 0xFF;
    return address >= RAM_AT ? "(in RAM)" : "(no name)";
}

/* Adds up neighbours of one name; they are in the order of their addresses. */
static int by_function(const struct profile *profile, struct place *places)
{
    int count = 0;

    for (int slot = 0; slot < SLOTS; slot++) {
        uint32_t offset;
        if (!profile->cycles[slot])
            continue;
        const char *name = name_of(profile->cpu, address_of(slot), &offset);
        if (!count || strcmp(places[count - 1].name, name) != 0)
            places[count++] = (struct place){ name, 0, address_of(slot) };
        places[count - 1].cycles += profile->cycles[slot];
    }
    qsort(places, (size_t)count, sizeof *places, most_first);
    return count;
}

static void print_functions(const struct profile *profile, const char *title)
{
    static struct place places[SLOTS];
    int count = by_function(profile, places);
    uint64_t all = 0;

    for (int i = 0; i < count; i++)
        all += places[i].cycles;
    printf("\n%s: %.1f us, %llu cycles\n", title,
           (double)(all * profile->cpu->cycle) / (double)SIM_US, (unsigned long long)all);
    for (int i = 0; i < count && places[i].cycles * 500 >= all; i++)
        printf("  %5.1f %% %10.1f us  %s\n", 100.0 * (double)places[i].cycles / (double)all,
               (double)(places[i].cycles * profile->cpu->cycle) / (double)SIM_US,
               places[i].name);
}

static void print_addresses(const struct profile *profile, int wanted)
{
    static struct place places[SLOTS];
    int count = 0;

    for (int slot = 0; slot < SLOTS; slot++)
        if (profile->cycles[slot])
            places[count++] = (struct place){ NULL, profile->cycles[slot], address_of(slot) };
    qsort(places, (size_t)count, sizeof *places, most_first);
    printf("  address     cycles   executed  cycles each\n");
    for (int i = 0; i < count && i < wanted; i++) {
        uint32_t offset;
        const char *name = name_of(profile->cpu, places[i].address, &offset);
        uint64_t times = profile->times[slot_of(places[i].address)];
        printf("  %08x %9llu %10llu %6.1f  %s+0x%x\n", places[i].address,
               (unsigned long long)places[i].cycles, (unsigned long long)times,
               (double)places[i].cycles / (double)times, name, offset);
    }
}

void profile_stop(struct profile *profile, const char *title, int addresses)
{
    next_instruction(profile, profile->pc);
    profile->cpu->hooks = (struct cpu_hooks){ 0 };
    print_functions(profile, title);
    if (addresses > 0)
        print_addresses(profile, addresses);
    free(profile);
}
