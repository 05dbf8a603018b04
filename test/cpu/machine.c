/* machine.c - our core on the smallest bus that the test image needs.
 *
 *   called by  run.sh      calls  sim/cpu.h
 *
 *   machine IMAGE.bin CORE [-v]    runs until the program exits; writes the files that it
 *                                  saves through semihosting here, and the rows of the
 *                                  decode tables that were executed to `coverage`.
 *                                  CORE is m3, m4 or m7.  -v traces every PC.
 *
 * The bus is that of mps2-an385, -an386 and -an500 as far as used: 4 MB of code at 0, 4 MB
 * of RAM at 0x20000000, bit-band.  Time does not matter; the priorities have 8 bits, as
 * QEMU's have. */
#include "cpu.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEGABYTE = 1 << 20, LIMIT_SECONDS = 100 };
enum { SYS_OPEN = 1, SYS_CLOSE = 2, SYS_WRITE = 5, SYS_EXIT = 0x18 };

struct machine {
    struct sim *sim;
    struct cpu *cpu;
    uint8_t *code, *ram;
    FILE *file;
    bool over;
};

static uint32_t word(struct machine *m, uint32_t address)
{
    uint32_t value = 0;
    bus_read(m->cpu->bus, BUS_DEBUG, address, 4, &value);
    return value;
}

/* Arm semihosting: r0 = operation, r1 = its arguments; execution goes on behind. */
static bool semihost(void *ctx, uint8_t number)
{
    struct machine *m = ctx;
    uint32_t arguments = m->cpu->r[1], result = 0;
    if (number != 0xAB)
        return false;
    switch (m->cpu->r[0]) {
    case SYS_OPEN: {
        char name[32] = "";
        for (uint32_t i = 0; i < word(m, arguments + 8) && i < sizeof name - 1; i++)
            name[i] = (char)m->code[(word(m, arguments) + i) % (4 * MEGABYTE)];
        m->file = fopen(name, "wb");
        result = 3;
        break;
    }
    case SYS_WRITE:
        fwrite(m->ram + (word(m, arguments + 4) - 0x20000000), 1, word(m, arguments + 8),
               m->file);
        break;
    case SYS_CLOSE:
        fclose(m->file);
        break;
    case SYS_EXIT:
        m->over = true;
        m->cpu->halted = true;
        break;
    }
    m->cpu->r[0] = result;
    m->cpu->pc += 2;                        /* "stays on the BKPT": the one behind */
    return true;
}

static bool trace(void *ctx, uint32_t pc)
{
    (void)ctx;
    printf("%08x\n", pc);
    return false;
}

static const struct core {
    const char *name;
    enum cpu_arch arch;
    enum cpu_fpu fpu;
    uint32_t cpuid;
} cores[] = {                               /* as QEMU's machines have them */
    { "m3", CPU_ARMV7M,  CPU_NO_FPU,  0x411FC231 },
    { "m4", CPU_ARMV7EM, CPU_FPV4_SP, 0x410FC241 },
    { "m7", CPU_ARMV7EM, CPU_FPV5_DP, 0x411FC272 },     /* m4f, m7f: the same */
};

static const struct core *core_named(const char *name)
{
    for (size_t i = 0; i < sizeof cores / sizeof *cores; i++)
        if (strncmp(cores[i].name, name, 2) == 0)
            return &cores[i];
    return NULL;
}

static struct machine *build(const struct core *core)
{
    const struct cpu_config config = {
        .name = "machine", .arch = core->arch, .fpu = core->fpu, .cpuid = core->cpuid,
        .irq_count = 32, .priority_bits = 8, .has_vtor = true,
    };
    struct machine *m = calloc(1, sizeof *m);
    m->sim = sim_new();
    struct bus *bus = bus_new(m->sim, "machine");
    bus->bit_band = true;
    m->code = calloc(1, 4 * MEGABYTE);
    m->ram = calloc(1, 4 * MEGABYTE);
    bus_add(bus, &(struct bus_region){ .base = 0, .size = 4 * MEGABYTE, .name = "code",
                                       .memory = m->code });
    bus_add(bus, &(struct bus_region){ .base = 0x20000000, .size = 2 * MEGABYTE * 2,
                                       .name = "ram", .memory = m->ram, .writable = true });
    m->cpu = cpu_new(m->sim, bus, &config);
    m->cpu->hooks.breakpoint = semihost;
    m->cpu->hooks.ctx = m;
    return m;
}

static void write_row(void *ctx, const char *mnemonic, uint64_t executed)
{
    fprintf(ctx, "%llu\t%s\n", (unsigned long long)executed, mnemonic);
}

int main(int count, char **arguments)
{
    const struct core *core = count > 2 ? core_named(arguments[2]) : NULL;
    if (!core) {
        fprintf(stderr, "usage: machine IMAGE.bin m3|m4|m7 [-v]\n");
        return 2;
    }
    struct machine *m = build(core);
    FILE *image = fopen(arguments[1], "rb");
    if (!image || !fread(m->code, 1, 4 * MEGABYTE, image)) {
        fprintf(stderr, "machine: cannot read the image\n");
        return 2;
    }
    if (count > 3)
        m->cpu->hooks.before_instruction = trace;
    cpu_reset(m->cpu);
    for (int ms = 1; !m->over && !m->cpu->lockup && ms < LIMIT_SECONDS * 1000; ms += 10)
        sim_run_until(m->sim, (sim_time)ms * SIM_MS);
    FILE *coverage = fopen("coverage", "w");
    cpu_coverage(m->cpu, write_row, coverage);
    fclose(coverage);
    printf("%llu instructions, %llu cycles\n", (unsigned long long)m->cpu->instructions,
           (unsigned long long)m->cpu->cycles);
    return !m->over;
}
