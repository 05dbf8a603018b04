/* test_cpu.c - what QEMU cannot judge: time, sleep, lockup, and the Armv6-M core.
 *
 * Everything happens in simulated time, so a number of cycles is exact.  The chip is as
 * small as it can be: flash at 0, RAM, and one device that notes when it was written.
 * The rows of costs[] are those of "What a cycle costs" in sim/README.md. */
#include "cpu.h"
#include "nvic.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { RAM = 0x20000000, DEVICE = 0x40010C00, STACK = RAM + 0x1000, CODE = 0x400,
       HANDLER = 0x800, CYCLE = 7000, ICSR = 0xE000ED04, NVIC_ISER = 0xE000E100,
       BAD = 0x70000000 };

struct rig {
    struct sim *sim;
    struct bus *bus;
    struct cpu *cpu;
    struct bus_region *flash, *device;
    uint8_t code[0x10000], ram[0x2000];
    uint64_t written_at[16];
    int writes, resets;
    unsigned reports[SIM_PROBLEM_KINDS];
    char last_report[256];
    char order[16];
};

static void note_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct rig *rig = ctx;
    (void)offset, (void)value, (void)width;
    if (rig->writes < 16)
        rig->written_at[rig->writes++] = rig->cpu->cycles;
}
static uint32_t read_device(void *ctx, uint32_t offset, int width)
{
    (void)ctx, (void)width;
    return offset;
}
static void note_report(void *ctx, enum sim_problem kind, const char *text)
{
    struct rig *rig = ctx;
    rig->reports[kind]++;
    snprintf(rig->last_report, sizeof rig->last_report, "%s", text);
}
static void note_reset(void *ctx, bool system)
{
    struct rig *rig = ctx;
    rig->resets += system ? 1 : 100;
    cpu_reset(rig->cpu);
}

static void put_word(struct rig *rig, uint32_t at, uint32_t word)
{
    memcpy(rig->code + at, &word, 4);
}
static void put_code(struct rig *rig, uint32_t at, const uint16_t *halves, size_t size)
{
    memcpy(rig->code + at, halves, size);
}
#define PUT(rig, at, ...) \
    put_code(rig, at, (const uint16_t[]){ __VA_ARGS__ }, \
             sizeof (const uint16_t[]){ __VA_ARGS__ })

static void setup_arch(struct rig *rig, enum cpu_arch arch)
{
    struct cpu_config config = {
        .name = "test", .arch = arch, .irq_count = 32,
        .cpuid = arch == CPU_ARMV7M ? 0x411FC231 : arch == CPU_ARMV7EM ? 0x410FC241 : 0x410CC601,
        .fpu = arch == CPU_ARMV7EM ? CPU_FPV4_SP : CPU_NO_FPU,
        .priority_bits = arch == CPU_ARMV6M ? 2 : 4, .has_vtor = true,
        .single_cycle_multiply = true,
    };
    memset(rig, 0, sizeof *rig);
    rig->sim = sim_new();
    rig->sim->report = note_report;
    rig->sim->report_ctx = rig;
    rig->bus = bus_new(rig->sim, "test");
    rig->bus->bit_band = arch != CPU_ARMV6M;
    rig->flash = bus_add(rig->bus, &(struct bus_region){
        .base = 0, .size = sizeof rig->code, .name = "flash", .memory = rig->code });
    bus_add(rig->bus, &(struct bus_region){
        .base = RAM, .size = sizeof rig->ram, .name = "RAM", .memory = rig->ram,
        .writable = true });
    rig->device = bus_add(rig->bus, &(struct bus_region){
        .base = DEVICE, .size = 0x400, .name = "device", .read = read_device,
        .write = note_write, .ctx = rig, .write_wait = 1, .read_wait = 1 });
    rig->cpu = cpu_new(rig->sim, rig->bus, &config);
    rig->cpu->reset_request = note_reset;
    rig->cpu->chip = rig;
    cpu_set_clock(rig->cpu, CYCLE);
    for (uint32_t at = 0; at < sizeof rig->code; at += 2)
        PUT(rig, at, 0xBF00);
    put_word(rig, 0, STACK);
    put_word(rig, 4, CODE | 1);
    for (uint32_t n = 2; n < 48; n++)
        put_word(rig, 4 * n, (HANDLER + 16 * n) | 1);
    for (uint32_t n = 2; n < 48; n++)
        PUT(rig, HANDLER + 16 * n, 0x4770);             /* BX LR */
    cpu_reset(rig->cpu);
}

static struct rig m3_rig, m4_rig, m0_rig;
static struct rig *m3(void) { setup_arch(&m3_rig, CPU_ARMV7M); return &m3_rig; }
static struct rig *m4(void) { setup_arch(&m4_rig, CPU_ARMV7EM); return &m4_rig; }
static struct rig *m0(void) { setup_arch(&m0_rig, CPU_ARMV6M); return &m0_rig; }

/* Steps n instructions and returns how many cycles they took. */
static unsigned steps(struct rig *rig, int n)
{
    uint64_t before = rig->cpu->cycles;
    while (n--)
        cpu_step(rig->cpu);
    return (unsigned)(rig->cpu->cycles - before);
}

static void flash_waits(struct rig *rig, int wait)
{
    rig->flash->read_wait = (uint8_t)wait;
    rig->flash->prefetch = wait > 0;
}

/* --- cycle costs ----------------------------------------------------------------------- */

/* Registers: r0 = RAM, r1 = 4, r2 = 0x12345678, r3 = 3, r4 = device, r5 = CODE + 0x41. */
static const struct cost { const char *what; uint16_t code[2]; unsigned m3, m0; } costs[] = {
    { "NOP",                         { 0xBF00 },         1, 1 },
    { "ADDS r2, r1, r3",             { 0x18CA },         1, 1 },
    { "LSRS r2, r2, #3",             { 0x08D2 },         1, 1 },
    { "MULS r2, r3",                 { 0x435A },         1, 1 },
    { "LDR r2, [r0]",                { 0x6802 },         2, 2 },
    { "LDRB r2, [r0]",               { 0x7802 },         2, 2 },
    { "STR r2, [r0]",                { 0x6002 },         1, 2 },
    { "LDR r2, [device]",            { 0x6822 },         3, 3 },
    { "STR r2, [device]",            { 0x6022 },         1, 3 },
    { "PUSH {r0-r3}",                { 0xB40F },         5, 5 },
    { "STM r0!, {r1-r3}",            { 0xC00E },         4, 4 },
    { "LDM r0!, {r1-r3}",            { 0xC80E },         4, 4 },
    { "B, taken",                    { 0xE010 },         3, 2 },
    { "BEQ, not taken",              { 0xD010 },         1, 1 },
    { "BNE, taken",                  { 0xD110 },         3, 2 },
    { "BX r5",                       { 0x4728 },         3, 2 },
    { "BL",                          { 0xF000, 0xF810 }, 3, 2 },
    { "DMB",                         { 0xF3BF, 0x8F5F }, 1, 3 },
    { "MRS r2, PRIMASK",             { 0xF3EF, 0x8210 }, 1, 3 },
    { "CBNZ r1, taken",              { 0xB9F9 },         3, 0 },
    { "IT EQ",                       { 0xBF08 },         1, 0 },
    { "ADD.W r2, r1, r3",            { 0xEB01, 0x0203 }, 1, 0 },
    { "MLA r2, r1, r3, r0",          { 0xFB01, 0x0203 }, 2, 0 },
    { "MLS r2, r1, r3, r0",          { 0xFB01, 0x0213 }, 2, 0 },
    { "UMULL r2, r6, r1, r3",        { 0xFBA1, 0x2603 }, 3, 0 },
    { "UMULL r2, r6, r0, r2",        { 0xFBA0, 0x2602 }, 5, 0 },
    { "SMLAL r2, r6, r1, r3",        { 0xFBC1, 0x2603 }, 4, 0 },
    { "UDIV r2, r1, r0: short",      { 0xFBB1, 0xF2F0 }, 2, 0 },
    { "UDIV r2, r2, r3: long",       { 0xFBB2, 0xF2F3 }, 10, 0 },
    { "LDRD r2, r6, [r0]",           { 0xE9D0, 0x2600 }, 3, 0 },
    { "STRD r2, r6, [r0]",           { 0xE9C0, 0x2600 }, 3, 0 },
    { "LDR r2, [r0, #1]: unaligned", { 0xF8D0, 0x2001 }, 4, 0 },
    { "LDR r2, [r0, #2]: halves",    { 0xF8D0, 0x2002 }, 3, 0 },
    { "LDR PC, [r0]",                { 0xF8D0, 0xF000 }, 5, 0 },
    { "TBB [r0, r1]",                { 0xE8D0, 0xF001 }, 6, 0 },
};

static void prepare_cost(struct rig *rig, const struct cost *cost)
{
    const uint32_t registers[] = { RAM, 4, 0x12345678, 3, DEVICE, CODE + 0x41 };
    const uint32_t target = CODE + 0x41;
    PUT(rig, CODE + 2, cost->code[0]);
    if (cost->code[0] >= 0xE800)
        PUT(rig, CODE + 4, cost->code[1]);
    memcpy(rig->ram, &target, 4);
    steps(rig, 1);
    memcpy(rig->cpu->r, registers, sizeof registers);
}

static void every_instruction_costs_what_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof costs / sizeof *costs; i++) {
        struct rig *rig = m3();
        prepare_cost(rig, &costs[i]);
        unsigned m3_cycles = steps(rig, 1), m0_cycles = 0;
        rig = m0();
        prepare_cost(rig, &costs[i]);
        if (costs[i].m0)
            m0_cycles = steps(rig, 1);
        if (m3_cycles != costs[i].m3 || m0_cycles != costs[i].m0)
            fail_msg("%s: M3 %u cycles instead of %u, M0+ %u instead of %u", costs[i].what,
                     m3_cycles, costs[i].m3, m0_cycles, costs[i].m0);
    }
}

/* A Cortex-M4's, with r0 to r5 as above, s0 = 1.0. */
static const struct { const char *what; uint16_t code[2]; unsigned m4; } costs_m4[] = {
    { "MLA r2, r1, r3, r0",          { 0xFB01, 0x0203 }, 1 },
    { "UMULL r2, r6, r0, r2",        { 0xFBA0, 0x2602 }, 1 },
    { "SMLALD r2, r6, r0, r2",       { 0xFBC0, 0x26C2 }, 1 },
    { "SADD8 r2, r0, r2",            { 0xFA80, 0xF202 }, 1 },
    { "VADD.F32 s1, s0, s0",         { 0xEE70, 0x0A00 }, 1 },
    { "VMUL.F32 s1, s0, s0",         { 0xEE60, 0x0A00 }, 1 },
    { "VMLA.F32 s1, s0, s0",         { 0xEE40, 0x0A00 }, 3 },
    { "VFMA.F32 s1, s0, s0",         { 0xEEE0, 0x0A00 }, 3 },
    { "VDIV.F32 s1, s0, s0",         { 0xEEC0, 0x0A00 }, 14 },
    { "VSQRT.F32 s1, s0",            { 0xEEF1, 0x0AC0 }, 14 },
    { "VMOV r2, s0",                 { 0xEE10, 0x2A10 }, 1 },
    { "VMOV r2, r6, d0",             { 0xEC56, 0x2B10 }, 2 },
    { "VLDR s1, [r0]",               { 0xEDD0, 0x0A00 }, 2 },
    { "VLDR d1, [r0]",               { 0xED90, 0x1B00 }, 3 },
    { "VSTM r0, {s0-s7}",            { 0xEC80, 0x0A08 }, 9 },
};

static void an_m4_multiplies_quicker_and_its_fpu_costs_what_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof costs_m4 / sizeof *costs_m4; i++) {
        const struct cost cost = { .code = { costs_m4[i].code[0], costs_m4[i].code[1] } };
        struct rig *rig = m4();
        prepare_cost(rig, &cost);
        rig->cpu->fpu.cpacr = 0xF << 20;
        rig->cpu->fpu.s[0] = 0x3F800000;
        unsigned cycles = steps(rig, 1);
        if (cycles != costs_m4[i].m4 || rig->cpu->nvic->cfsr)
            fail_msg("%s: %u cycles instead of %u", costs_m4[i].what, cycles, costs_m4[i].m4);
    }
}

/* A core that has just used its FPU, with an exception pending. */
static struct rig *fpu_in_use(bool lazy)
{
    struct rig *rig = m4();
    rig->cpu->fpu.cpacr = 0xF << 20;
    rig->cpu->fpu.fpccr = 1u << 31 | (uint32_t)lazy << 30;
    PUT(rig, CODE, 0xEEB7, 0x0A00);                     /* VMOV.F32 s0, #1.0 */
    steps(rig, 1);
    cpu_irq_pulse(rig->cpu, 0);
    bus_write(rig->bus, BUS_DEBUG, NVIC_ISER, 4, 1);
    return rig;
}

static void an_extended_frame_costs_17_cycles_more_only_when_it_is_written(void **state)
{
    (void)state;
    struct rig *rig = fpu_in_use(true);
    assert_int_equal(steps(rig, 1), 12);
    assert_int_equal(rig->cpu->r[13], STACK - 0x68);
    assert_int_equal(rig->cpu->r[14], 0xFFFFFFE9);
    assert_int_equal(steps(rig, 1), 12);                /* BX LR: nothing to be read */
    rig = fpu_in_use(false);
    assert_int_equal(steps(rig, 1), 29);
    assert_int_equal(steps(rig, 1), 29);
    rig = fpu_in_use(true);
    PUT(rig, HANDLER + 16 * 16, 0xEEB7, 0x0A00);        /* the handler uses it, too */
    steps(rig, 1);
    assert_int_equal(steps(rig, 1), 18);
}

/* B1.5.7: whatever CCR.STKALIGN says; QEMU goes by STKALIGN alone. */
static void an_extended_frame_is_aligned_without_stkalign_too(void **state)
{
    (void)state;
    struct rig *rig = fpu_in_use(true);
    rig->cpu->nvic->ccr &= ~(uint32_t)CCR_STKALIGN;
    rig->cpu->r[13] = STACK - 4;
    steps(rig, 1);
    assert_int_equal(rig->cpu->r[13], STACK - 0x70);
    steps(rig, 1);
    assert_int_equal(rig->cpu->r[13], STACK - 4);
}

static void a_core_without_fpu_knows_no_extended_frame(void **state)
{
    (void)state;
    struct rig *rig = m3();
    PUT(rig, HANDLER + 16 * 16, 0xF06F, 0x0016, 0x4700);    /* r0 = 0xFFFFFFE9;  BX r0 */
    steps(rig, 1);
    cpu_irq_pulse(rig->cpu, 0);
    bus_write(rig->bus, BUS_DEBUG, NVIC_ISER, 4, 1);
    steps(rig, 3);
    assert_int_equal(rig->cpu->nvic->cfsr, 1 << 18);        /* INVPC */
    assert_int_equal(rig->cpu->exception, EXC_HARDFAULT);
}

static void neighbouring_loads_share_a_cycle_unless_one_needs_the_other(void **state)
{
    (void)state;
    struct rig *rig = m3();
    PUT(rig, CODE + 2, 0x6801, 0x6842, 0x6883);         /* LDR r1, r2, r3, [r0..] */
    steps(rig, 1);
    rig->cpu->r[0] = RAM;
    assert_int_equal(steps(rig, 3), 4);
    memcpy(rig->ram, &(uint32_t){ RAM }, 4);
    PUT(rig, CODE + 8, 0xBF00, 0x6800, 0x6801);         /* LDR r0, [r0]; LDR r1, [r0] */
    steps(rig, 1);
    assert_int_equal(steps(rig, 2), 4);
}

static void sixteen_bit_code_does_not_wait_for_the_flash(void **state)
{
    (void)state;
    struct rig *rig = m3();
    flash_waits(rig, 2);
    steps(rig, 4);
    assert_int_equal(steps(rig, 400), 400);
}

static void thirty_two_bit_code_waits_one_cycle_in_every_line(void **state)
{
    (void)state;
    struct rig *rig = m3();
    flash_waits(rig, 2);
    for (uint32_t at = CODE; at < CODE + 0x200; at += 4)
        PUT(rig, at, 0xEB01, 0x0203);
    steps(rig, 2);
    assert_int_equal(steps(rig, 100), 150);
}

static void a_taken_branch_waits_for_the_flash(void **state)
{
    (void)state;
    struct rig *rig = m3();
    flash_waits(rig, 2);
    PUT(rig, CODE + 8, 0xE010);
    steps(rig, 4);
    assert_int_equal(steps(rig, 2), 3 + 2 + 1);
}

static void without_the_prefetch_buffer_every_line_waits(void **state)
{
    (void)state;
    struct rig *rig = m3();
    flash_waits(rig, 1);
    rig->flash->prefetch = false;
    steps(rig, 4);
    assert_int_equal(steps(rig, 40), 40 + 10);
}

static void a_literal_waits_for_the_flash_as_well(void **state)
{
    (void)state;
    struct rig *rig = m3();
    flash_waits(rig, 2);
    PUT(rig, CODE + 6, 0x4804);                         /* LDR r0, [PC, #16] */
    steps(rig, 3);
    assert_int_equal(steps(rig, 1), 2 + 2);
}

static void stores_to_gpio_come_every_two_cycles(void **state)
{
    (void)state;
    struct rig *rig = m3();
    PUT(rig, CODE + 2, 0x6004, 0x6004, 0x6004, 0x6004);
    steps(rig, 1);
    rig->cpu->r[0] = DEVICE;
    steps(rig, 4);
    for (int i = 1; i < 4; i++)
        assert_int_equal(rig->written_at[i] - rig->written_at[i - 1], 2);
}

static void an_instruction_between_stores_to_gpio_is_free(void **state)
{
    (void)state;
    struct rig *rig = m3();
    PUT(rig, CODE + 2, 0x6004, 0x1C52, 0x6004, 0x1C52, 0x1C52, 0x6004);
    steps(rig, 1);
    rig->cpu->r[0] = DEVICE;
    steps(rig, 6);
    assert_int_equal(rig->written_at[1] - rig->written_at[0], 2);
    assert_int_equal(rig->written_at[2] - rig->written_at[1], 3);
}

static void code_in_ram_shares_the_bus_with_its_data(void **state)
{
    (void)state;
    struct rig *rig = m3();
    const uint16_t code[] = { 0xBF00, 0x6801, 0x6001, 0xE000, 0xBF00, 0xBF00 };
    memcpy(rig->ram, code, sizeof code);
    rig->cpu->r[15] = RAM;
    steps(rig, 1);
    rig->cpu->r[0] = RAM + 0x100;
    assert_int_equal(steps(rig, 1), 3);                 /* LDR */
    assert_int_equal(steps(rig, 1), 2);                 /* STR */
    assert_int_equal(steps(rig, 2), 3 + 1 + 1);         /* B, NOP */
}

static void busy_flash_stalls_who_wants_it(void **state)
{
    (void)state;
    struct rig *rig = m3();
    steps(rig, 1);
    sim_time until = rig->cpu->local + 1000 * CYCLE;
    rig->flash->busy_until = &until;
    rig->cpu->r[15] = CODE + 0x40;
    assert_in_range(steps(rig, 1), 1000, 1002);
    rig->flash->busy_until = NULL;
}

/* --- exceptions in time ------------------------------------------------------------------- */

static void entry_takes_12_cycles_exit_12_and_a_tail_chain_6(void **state)
{
    (void)state;
    struct rig *rig = m3();
    steps(rig, 1);
    cpu_irq_pulse(rig->cpu, 0);
    cpu_irq_pulse(rig->cpu, 1);
    bus_write(rig->bus, BUS_DEBUG, NVIC_ISER, 4, 3);
    assert_int_equal(steps(rig, 1), 12);
    assert_int_equal(rig->cpu->exception, 16);
    assert_int_equal(steps(rig, 1), 6);
    assert_int_equal(rig->cpu->exception, 17);
    assert_int_equal(steps(rig, 1), 12);
    assert_int_equal(rig->cpu->exception, 0);
    assert_int_equal(rig->cpu->r[15], CODE + 2);
    assert_int_equal(rig->cpu->r[13], STACK);
}

static void a_line_that_stays_high_interrupts_again(void **state)
{
    (void)state;
    struct rig *rig = m3();
    bus_write(rig->bus, BUS_DEBUG, NVIC_ISER, 4, 1 << 5);
    cpu_irq(rig->cpu, 5, true);
    steps(rig, 2);
    assert_int_equal(rig->cpu->exception, 21);
    cpu_irq(rig->cpu, 5, false);
    steps(rig, 1);
    assert_int_equal(rig->cpu->exception, 0);
    steps(rig, 3);
    assert_int_equal(rig->cpu->exception, 0);
}

static void the_more_urgent_interrupt_goes_first_and_preempts(void **state)
{
    (void)state;
    struct rig *rig = m3();
    bus_write(rig->bus, BUS_DEBUG, NVIC_ISER, 4, 7);
    bus_write(rig->bus, BUS_DEBUG, 0xE000E400, 4, 0x104020);
    cpu_irq_pulse(rig->cpu, 1);
    steps(rig, 1);
    assert_int_equal(rig->cpu->exception, 17);
    cpu_irq_pulse(rig->cpu, 0);
    steps(rig, 1);
    assert_int_equal(rig->cpu->exception, 16);
    cpu_irq_pulse(rig->cpu, 2);
    steps(rig, 1);
    assert_int_equal(rig->cpu->exception, 18);
    steps(rig, 3);
    assert_int_equal(rig->cpu->exception, 0);
}

static void a_debugger_can_hold_interrupts_back_but_not_faults(void **state)
{
    (void)state;
    struct rig *rig = m3();
    bus_write(rig->bus, BUS_DEBUG, NVIC_ISER, 4, 1);
    cpu_mask_interrupts(rig->cpu, true);
    cpu_irq_pulse(rig->cpu, 0);
    steps(rig, 2);
    assert_int_equal(rig->cpu->exception, 0);
    cpu_mask_interrupts(rig->cpu, false);
    steps(rig, 1);
    assert_int_equal(rig->cpu->exception, 16);
}

/* --- sleep and SysTick -------------------------------------------------------------------- */

static void start_systick(struct rig *rig, uint32_t reload, uint32_t control)
{
    bus_write(rig->bus, BUS_DEBUG, 0xE000E014, 4, reload);
    bus_write(rig->bus, BUS_DEBUG, 0xE000E018, 4, 0);
    bus_write(rig->bus, BUS_DEBUG, 0xE000E010, 4, control);
}
static uint32_t systick_value(struct rig *rig)
{
    uint32_t value;
    bus_read(rig->bus, BUS_DEBUG, 0xE000E018, 4, &value);
    return value;
}

static void wfi_sleeps_until_systick_and_cycles_go_on(void **state)
{
    (void)state;
    struct rig *rig = m3();
    PUT(rig, CODE, 0xBF30, 0xE7FD);                     /* again: WFI; B again */
    start_systick(rig, 71999, 7);
    sim_run_until(rig->sim, 10 * SIM_MS + 10 * SIM_US);
    assert_in_range(rig->cpu->instructions, 30, 33);    /* WFI, B and BX a tick */
    assert_in_range(rig->cpu->cycles, 720700, 720800);
    assert_int_equal(rig->sim->problems[SIM_FATAL], 0);
}

static void systick_counts_every_cycle_or_every_eighth(void **state)
{
    (void)state;
    struct rig *rig = m3();
    start_systick(rig, 999, 5);
    steps(rig, 101);
    assert_int_equal(systick_value(rig), 999 - 100);
    rig = m3();
    start_systick(rig, 999, 1);
    steps(rig, 408);
    assert_int_equal(systick_value(rig), 999 - 50);
}

static void systick_stands_still_in_debug_state(void **state)
{
    (void)state;
    struct rig *rig = m3();
    start_systick(rig, 71999, 7);
    rig->cpu->halted = true;
    sim_run_until(rig->sim, 5 * SIM_MS);
    assert_int_equal(systick_value(rig), 0);
    assert_in_range(rig->cpu->cycles, 360000, 360001);
    assert_int_equal(rig->cpu->instructions, 0);
}

static void wfi_wakes_although_primask_is_set(void **state)
{
    (void)state;
    struct rig *rig = m3();
    PUT(rig, CODE, 0xB672, 0xBF30, 0xE7FE);             /* CPSID i; WFI; B . */
    bus_write(rig->bus, BUS_DEBUG, NVIC_ISER, 4, 1);
    sim_run_until(rig->sim, SIM_US);
    assert_true(cpu_idle(rig->cpu));
    cpu_irq_pulse(rig->cpu, 0);
    assert_false(cpu_idle(rig->cpu));
    sim_run_until(rig->sim, 2 * SIM_US);
    assert_int_equal(rig->cpu->exception, 0);
    assert_int_equal(rig->cpu->r[15], CODE + 4);
}

static void wfe_waits_for_an_event(void **state)
{
    (void)state;
    struct rig *rig = m3();
    PUT(rig, CODE, 0xBF40, 0xBF20, 0xBF20, 0xE7FE);     /* SEV; WFE; WFE; B . */
    sim_run_until(rig->sim, SIM_US);
    assert_true(rig->cpu->asleep);
    assert_int_equal(rig->cpu->r[15], CODE + 6);
    cpu_send_event(rig->cpu);
    sim_run_until(rig->sim, 2 * SIM_US);
    assert_false(rig->cpu->asleep);
}

static void sleep_on_exit_goes_back_to_sleep(void **state)
{
    (void)state;
    struct rig *rig = m3();
    bus_write(rig->bus, BUS_DEBUG, 0xE000ED10, 4, 2);
    bus_write(rig->bus, BUS_DEBUG, NVIC_ISER, 4, 1);
    cpu_irq_pulse(rig->cpu, 0);
    steps(rig, 2);
    assert_true(rig->cpu->asleep);
}

/* --- lockup, resets, reports -------------------------------------------------------------- */

static void a_fault_in_hardfault_locks_up_and_is_reported_once(void **state)
{
    (void)state;
    struct rig *rig = m3();
    PUT(rig, CODE, 0xDE00);
    PUT(rig, HANDLER + 16 * 3, 0xDE00);
    sim_run_until(rig->sim, SIM_MS);
    assert_true(rig->cpu->lockup);
    assert_true(cpu_idle(rig->cpu));
    assert_int_equal(rig->reports[SIM_FATAL], 1);
    assert_int_equal(rig->sim->problems[SIM_FATAL], 1);
    cpu_reset(rig->cpu);
    assert_false(rig->cpu->lockup);
}

static void blank_flash_locks_up_without_blame(void **state)
{
    (void)state;
    struct rig *rig = m3();
    memset(rig->code, 0xFF, sizeof rig->code);
    cpu_reset(rig->cpu);
    sim_run_until(rig->sim, SIM_MS);
    assert_true(rig->cpu->lockup);
    assert_int_equal(rig->reports[SIM_FATAL], 0);
    assert_int_equal(rig->reports[SIM_NOTE], 1);
}

static void sysresetreq_takes_effect_after_the_store(void **state)
{
    (void)state;
    struct rig *rig = m3();
    PUT(rig, CODE, 0x6001, 0x2207);                     /* STR r1, [r0]; MOVS r2, #7 */
    rig->cpu->r[0] = 0xE000ED0C;
    rig->cpu->r[1] = 0x05FA0004;
    steps(rig, 1);
    assert_int_equal(rig->resets, 1);
    assert_int_equal(rig->cpu->r[15], CODE);
    assert_int_equal(rig->cpu->r[2], 0);
    assert_int_equal(rig->cpu->r[13], STACK);
}

static void aircr_without_its_key_does_nothing_and_is_told(void **state)
{
    (void)state;
    struct rig *rig = m3();
    bus_write(rig->bus, BUS_DEBUG, 0xE000ED0C, 4, 4);
    assert_int_equal(rig->resets, 0);
    assert_int_equal(rig->reports[SIM_FORGIVEN], 1);
}

static void a_miss_is_reported_where_registers_are_and_only_to_programs(void **state)
{
    (void)state;
    struct rig *rig = m3();
    uint32_t value;
    assert_false(bus_read(rig->bus, BUS_DATA, 0x20010000, 4, &value));
    assert_false(bus_read(rig->bus, BUS_DEBUG, 0x40000000, 4, &value));
    assert_int_equal(rig->reports[SIM_UNMODELLED], 0);
    assert_false(bus_read(rig->bus, BUS_DATA, 0x40000000, 4, &value));
    assert_false(bus_write(rig->bus, BUS_DATA, 0xE0040000, 4, 0));
    assert_int_equal(rig->reports[SIM_UNMODELLED], 2);
    assert_false(bus_read(rig->bus, BUS_DATA, 0x40000000, 4, &value));
    assert_int_equal(rig->reports[SIM_UNMODELLED], 2);
    assert_int_equal(rig->sim->problems[SIM_UNMODELLED], 3);
}

static const char *symbol(const struct cpu *cpu, uint32_t address, uint32_t *offset)
{
    (void)cpu;
    *offset = address - CODE;
    return "main";
}

static void a_report_names_the_core_its_pc_and_the_symbol(void **state)
{
    (void)state;
    struct rig *rig = m3();
    cpu_symbol = symbol;
    PUT(rig, CODE + 2, 0x6801);
    rig->cpu->r[0] = 0x40020000;
    steps(rig, 2);
    cpu_symbol = NULL;
    assert_string_equal(rig->last_report, "test at 0x00000402 (main+0x2): test: 32-bit read "
                        "of 0x40020000, where nothing is");
}

static void bit_band_writes_change_one_bit(void **state)
{
    (void)state;
    struct rig *rig = m3();
    uint32_t value;
    bus_write(rig->bus, BUS_DATA, 0x22000000 + 32 * 0x10 + 4 * 3, 4, 1);
    assert_int_equal(rig->ram[0x10], 8);
    bus_read(rig->bus, BUS_DATA, 0x22000000 + 32 * 0x10 + 4 * 3, 4, &value);
    assert_int_equal(value, 1);
    bus_read(rig->bus, BUS_DATA, 0x42000000 + (0x10C08 * 32) + 4 * 3, 4, &value);
    assert_int_equal(value, 1);                         /* the device reads as its offset */
}

/* Through the alias, the device's waits are the same (TRM 4.2.2); a store is a read and a
 * write of it, and what follows waits for both. */
static void bit_band_accesses_wait_for_the_device(void **state)
{
    (void)state;
    static const uint16_t ldr = 0x6822, str = 0x6022, next = 0x6802;
    const uint32_t alias = 0x42000000 + (DEVICE & 0xFFFFF) * 32;
    struct rig *rig = m3();
    PUT(rig, CODE, ldr);
    rig->cpu->r[4] = alias;
    assert_int_equal(steps(rig, 1), 3);
    rig = m3();
    PUT(rig, CODE, str, next);
    rig->cpu->r[0] = RAM;
    rig->cpu->r[4] = DEVICE;
    unsigned plain = steps(rig, 2);
    rig = m3();
    PUT(rig, CODE, str, next);
    rig->cpu->r[0] = RAM;
    rig->cpu->r[4] = alias;
    assert_int_equal(steps(rig, 2), plain + 1 + 1);     /* the read: 1, and its wait */
}

static void dsp_instructions_are_undefined(void **state)
{
    (void)state;
    static const uint16_t dsp[][2] = {
        { 0xF321, 0x0203 }, { 0xF3A1, 0x0203 },         /* SSAT16, USAT16 */
        { 0xFA81, 0xF282 }, { 0xFA91, 0xF202 },         /* QADD, SADD16 */
        { 0xFB11, 0xF202 }, { 0xFBE1, 0x2362 },         /* SMULBB, UMAAL */
        { 0xEAC1, 0x0202 },                             /* PKHBT */
    };
    for (size_t i = 0; i < sizeof dsp / sizeof *dsp; i++) {
        struct rig *rig = m3();
        PUT(rig, CODE, dsp[i][0], dsp[i][1]);
        steps(rig, 2);
        assert_int_equal(rig->cpu->exception, EXC_HARDFAULT);
    }
}

static void a_step_is_one_instruction_or_one_exception(void **state)
{
    (void)state;
    struct rig *rig = m3();
    steps(rig, 1);
    assert_int_equal(rig->cpu->instructions, 1);
    assert_int_equal(rig->cpu->r[15], CODE + 2);
    bus_write(rig->bus, BUS_DEBUG, ICSR, 4, 1 << 28);
    steps(rig, 1);
    assert_int_equal(rig->cpu->instructions, 1);
    assert_int_equal(rig->cpu->r[15], HANDLER + 16 * EXC_PENDSV);
}

/* --- Armv6-M ---------------------------------------------------------------------------- */

static void armv6m_refuses_what_only_armv7m_has(void **state)
{
    (void)state;
    static const uint16_t refused[][2] = {
        { 0xB101 }, { 0xBF08 },                         /* CBZ, IT */
        { 0xF240, 0x0001 }, { 0xEB01, 0x0203 },         /* MOVW, ADD.W */
        { 0xFBB1, 0xF2F3 }, { 0xE8D0, 0xF001 },         /* UDIV, TBB */
        { 0xF8D0, 0x1000 }, { 0xE850, 0x1F00 },         /* LDR.W, LDREX */
        { 0xF000, 0x8010 }, { 0xF000, 0xB810 },         /* BEQ.W, B.W */
        { 0xF3BF, 0x8F2F }, { 0xEE10, 0x0F10 },         /* CLREX, MRC */
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct rig *rig = m0();
        PUT(rig, CODE, refused[i][0], refused[i][1]);
        rig->cpu->r[0] = RAM;
        steps(rig, 2);
        assert_int_equal(rig->cpu->exception, EXC_HARDFAULT);
    }
}

static void armv6m_refuses_unaligned_accesses(void **state)
{
    (void)state;
    static const uint16_t codes[] = { 0x6801, 0x6001, 0x8801, 0x8001 };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        struct rig *rig = m0();
        PUT(rig, CODE, codes[i]);
        rig->cpu->r[0] = RAM + 1;
        steps(rig, 2);
        assert_int_equal(rig->cpu->exception, EXC_HARDFAULT);
        uint32_t stacked;
        memcpy(&stacked, rig->ram + (rig->cpu->r[13] - RAM) + 24, 4);
        assert_int_equal(stacked, CODE);
    }
}

static void armv6m_has_no_basepri_and_two_priority_bits(void **state)
{
    (void)state;
    struct rig *rig = m0();
    uint32_t value;
    PUT(rig, CODE, 0xF380, 0x8811);                     /* MSR BASEPRI, r0 */
    rig->cpu->r[0] = 0x80;
    steps(rig, 1);
    assert_int_equal(cpu_special(rig->cpu), 0);
    bus_write(rig->bus, BUS_DEBUG, 0xE000E400, 4, 0xFFFFFFFF);
    bus_read(rig->bus, BUS_DEBUG, 0xE000E400, 4, &value);
    assert_int_equal(value, 0xC0C0C0C0);
}

/* --- the clock -------------------------------------------------------------------------- */

struct bell { struct rig *rig; char name; struct alarm alarm; };
static void ring(void *ctx)
{
    struct bell *bell = ctx;
    size_t length = strlen(bell->rig->order);
    bell->rig->order[length] = bell->name;
    bell->rig->order[length + 1] = 0;
    assert_int_equal(bell->rig->sim->now, 1000 * SIM_US);
}

static void alarms_of_equal_time_ring_in_the_order_of_setting(void **state)
{
    (void)state;
    struct rig *rig = m3();
    struct bell bells[8];
    rig->cpu->held_in_reset = true;
    for (int i = 0; i < 8; i++) {
        bells[i] = (struct bell){ .rig = rig, .name = (char)('a' + i) };
        alarm_init(&bells[i].alarm, ring, &bells[i]);
        alarm_set(rig->sim, &bells[i].alarm, (sim_time)(i + 1));
    }
    for (int i = 7; i >= 0; i--)
        alarm_set(rig->sim, &bells[i].alarm, 1000 * SIM_US);
    alarm_cancel(rig->sim, &bells[3].alarm);
    sim_run_until(rig->sim, SIM_SECOND);
    assert_string_equal(rig->order, "hgfecba");
    assert_int_equal(rig->sim->now, SIM_SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_instruction_costs_what_the_table_says),
        cmocka_unit_test(an_m4_multiplies_quicker_and_its_fpu_costs_what_the_table_says),
        cmocka_unit_test(an_extended_frame_costs_17_cycles_more_only_when_it_is_written),
        cmocka_unit_test(an_extended_frame_is_aligned_without_stkalign_too),
        cmocka_unit_test(a_core_without_fpu_knows_no_extended_frame),
        cmocka_unit_test(neighbouring_loads_share_a_cycle_unless_one_needs_the_other),
        cmocka_unit_test(sixteen_bit_code_does_not_wait_for_the_flash),
        cmocka_unit_test(thirty_two_bit_code_waits_one_cycle_in_every_line),
        cmocka_unit_test(a_taken_branch_waits_for_the_flash),
        cmocka_unit_test(without_the_prefetch_buffer_every_line_waits),
        cmocka_unit_test(a_literal_waits_for_the_flash_as_well),
        cmocka_unit_test(stores_to_gpio_come_every_two_cycles),
        cmocka_unit_test(an_instruction_between_stores_to_gpio_is_free),
        cmocka_unit_test(code_in_ram_shares_the_bus_with_its_data),
        cmocka_unit_test(busy_flash_stalls_who_wants_it),
        cmocka_unit_test(entry_takes_12_cycles_exit_12_and_a_tail_chain_6),
        cmocka_unit_test(a_line_that_stays_high_interrupts_again),
        cmocka_unit_test(the_more_urgent_interrupt_goes_first_and_preempts),
        cmocka_unit_test(a_debugger_can_hold_interrupts_back_but_not_faults),
        cmocka_unit_test(wfi_sleeps_until_systick_and_cycles_go_on),
        cmocka_unit_test(systick_counts_every_cycle_or_every_eighth),
        cmocka_unit_test(systick_stands_still_in_debug_state),
        cmocka_unit_test(wfi_wakes_although_primask_is_set),
        cmocka_unit_test(wfe_waits_for_an_event),
        cmocka_unit_test(sleep_on_exit_goes_back_to_sleep),
        cmocka_unit_test(a_fault_in_hardfault_locks_up_and_is_reported_once),
        cmocka_unit_test(blank_flash_locks_up_without_blame),
        cmocka_unit_test(sysresetreq_takes_effect_after_the_store),
        cmocka_unit_test(aircr_without_its_key_does_nothing_and_is_told),
        cmocka_unit_test(a_miss_is_reported_where_registers_are_and_only_to_programs),
        cmocka_unit_test(a_report_names_the_core_its_pc_and_the_symbol),
        cmocka_unit_test(bit_band_writes_change_one_bit),
        cmocka_unit_test(bit_band_accesses_wait_for_the_device),
        cmocka_unit_test(dsp_instructions_are_undefined),
        cmocka_unit_test(a_step_is_one_instruction_or_one_exception),
        cmocka_unit_test(armv6m_refuses_what_only_armv7m_has),
        cmocka_unit_test(armv6m_refuses_unaligned_accesses),
        cmocka_unit_test(armv6m_has_no_basepri_and_two_priority_bits),
        cmocka_unit_test(alarms_of_equal_time_ring_in_the_order_of_setting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
