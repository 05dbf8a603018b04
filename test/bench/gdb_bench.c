/* gdb_bench.c - the probe as gdb meets it: attach, step, load, dump, compare.
 *
 *   called by  bench.c      calls  rsp_client.h, which sends what gdb sends
 *
 * The wire and RAM are measured against the STM32F103 at the 8 MHz it wakes up with.  (A
 * SAMD21 wakes up at 1 MHz, and its debug port answers WAIT to anything fast.)
 *
 * The flash of a chip can do no better than its erase and program times add up to.  They
 * are those of the models, which take them from the data sheets: SAMD21 (37.13) 6 ms a row
 * of 256 bytes, 2.5 ms a page of 64; STM32F103 (DS5319 table 28) 30 ms a page of 1 KB,
 * 52.5 us a half-word.  A share is that sum over the time from the first packet of `load`
 * to the last answer.
 *
 * Time per KB does not stay flat down to 1 KB.  A packet's checksum comes last, so it can be
 * written only when it is there: the first one's way over USB (51.3 us for 64 bytes; 0.9 ms
 * for 1 KB, 3.4 ms for the 4 KB that gdb puts into one) and the last one's writing are hidden
 * behind nothing.  1 KB to the STM32F103's RAM: 0.94 ms USB, 0.93 wire, 0.31 for two answers
 * and the PC; in a long load both go on at once, 1.4 ms a KB.  4 KB to the SAMD21's flash:
 * 256 ms erase and program, and 0.6 to begin, 4.0 USB, 3.1 to save RAM and start the loader,
 * 3.1 between its 16 rows, 4.6 to check the last rows and put back RAM. */
#include "bench.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RAM TARGET_RAM

struct flash_chip {
    const char *name;
    uint32_t base, block;           /* block: what one erase erases */
    double erase_ms, program_kb_ms; /* of a block; of 1 KB */
};

static const struct flash_chip flash_chips[] = {
    { "samd21", 0, 256, 6.0, 16 * 2.5 },
    { "stm32f103", 0x08000000, 1024, 30.0, 512 * 0.0525 },
    { "stm32f405", 0x08000000, 16384, 250.0, 256 * 0.016 },
    { "stm32l476", 0x08000000, 2048, 22.02, 128 * 0.08169 },
    { "stm32g071", 0x08000000, 2048, 22.0, 128 * 0.085 },
    { "nrf52840", 0, 4096, 85.0, 256 * 0.041 },
    { "samd51", 0, 8192, 200.0, 2 * 1.5 },
};

static const struct flash_chip *flash_chip(const char *name)
{
    const struct flash_chip *chip = flash_chips;

    while (strcmp(chip->name, name) != 0)
        chip++;
    return chip;
}

static double least_ms(const struct flash_chip *chip, int kb)
{
    return kb * (chip->erase_ms * 1024 / chip->block + chip->program_kb_ms);
}

/* --- the wire, seen by an observer of SWCLK ---------------------------------------- */

enum { READING, WRITING };

struct edges {
    struct pin *swdio;              /* the probe's: strong drive = it is writing */
    sim_time first, last, previous;
    bool previous_wrote;
    sim_time best[2];               /* shortest sustained period: [reading, writing] */
    sim_time window[2][8];          /* the last 8 periods of a kind */
    int count[2];
};

/* The sustained rate is the best of any eight successive clocks of one kind: a single
 * short period could be an accident at a change of direction. */
static void keep_period(struct edges *e, int writing, sim_time period)
{
    sim_time sum = 0;

    e->window[writing][e->count[writing]++ % 8] = period;
    if (e->count[writing] < 8)
        return;
    for (int i = 0; i < 8; i++)
        sum += e->window[writing][i];
    if (!e->best[writing] || sum / 8 < e->best[writing])
        e->best[writing] = sum / 8;
}

static void see_clock(void *ctx, const struct net *net)
{
    struct edges *e = ctx;
    sim_time now = net->sim->now;

    if (!e->first)
        e->first = now;
    e->last = now;
    if (net->level != LEVEL_HIGH)
        return;
    bool wrote = e->swdio->drive == DRIVE_LOW || e->swdio->drive == DRIVE_HIGH;
    if (e->previous && wrote == e->previous_wrote)
        keep_period(e, wrote, now - e->previous);
    else
        e->count[wrote] = 0;
    e->previous = now;
    e->previous_wrote = wrote;
}

static double edges_ms(const struct edges *e)
{
    return (double)(e->last - e->first) / (double)SIM_MS;
}

static double megahertz(sim_time period)
{
    return 1e-6 * (double)SIM_SECOND / (double)period;
}

/* One packet each way.  Counted is from the first clock to the last. */
static void bench_wire(const struct task *task)
{
    struct rsp *rsp = bench_attached(task);
    struct edges e = { .swdio = rsp->board->probe->pin(rsp->board->probe, "PA13") };
    uint8_t back[1024];

    net_watch(rsp->board->net[SIG_SWCLK], see_clock, &e);
    work_begins(rsp->board, "write_1k");
    bool good = rsp_load_ram(rsp, RAM, bench_data(), sizeof back);
    rsp_ask(rsp, "qC");             /* a write may be answered before it is done */
    work_ends("write_1k");
    measured_at(task->fast, "write_1k_ms", edges_ms(&e));
    e.first = 0;
    work_begins(rsp->board, "read_1k");
    good = good && rsp_read(rsp, RAM, back, sizeof back);
    work_ends("read_1k");
    measured_at(task->fast, "read_1k_ms", edges_ms(&e));
    if (!good || memcmp(bench_data(), back, sizeof back) != 0)
        bench_fail("what was read is not what was written");
    measured_at(task->fast, "swclk_write_mhz", megahertz(e.best[WRITING]));
    measured_at(task->fast, "swclk_read_mhz", megahertz(e.best[READING]));
    rsp_power_off(rsp);
}

/* --- to be there, and run control ------------------------------------------------------ */

/* 142 ms of the time to be configured are the host's, and USB 2.0 asks for them: 100 until it
 * believes in the connection (7.1.7.3, TATTDB), a reset of 10 (7.1.7.5, TDRST; the aim of 100
 * leaves no room for the first two), 10 to recover from it (7.1.7.5, TRSTRCY), and 2 behind
 * SET_ADDRESS (9.2.6.3).  The reset comes twice, around the first look at the device
 * descriptor, as Linux and Windows do it; a root port makes each one of 50 (TDRSTR), so this
 * is a board behind a hub.  The rest is ours: 1.4 at 8 MHz, most of it to clear RAM, 2.2 until
 * crystal and PLL run, 1 with D+ low, so that a host that knew us sees us gone, and 1.8 for 18
 * control transfers. */
static void bench_configured(const struct task *task)
{
    struct rsp *rsp = bench_power_on(task->chip);
    double start = rsp_now_ms(rsp);

    board_reset_probe(rsp->board);
    board_run_ms(rsp->board, 50);
    if (!rsp_plug_in(rsp))
        bench_fail("the board does not come back after a reset");
    measured("usb_configured_ms",
             (double)cdc_host_configured_at(rsp->cdc) / (double)SIM_MS - start);
    rsp_power_off(rsp);
}

static void set_pc(struct rsp *rsp, uint32_t pc)
{
    rsp_ask(rsp, "Pf=%08x", __builtin_bswap32(pc));
}

/* In RAM, so that nothing in flash is needed:
 *      movs r0, #200 / loop: subs r0, #1 / bne loop / b .                             */
static const uint8_t loop[] = { 0xC8, 0x20, 0x01, 0x38, 0xFD, 0xD1, 0xFE, 0xE7 };
enum { LOOP = 2, AFTER_LOOP = 6 };  /* offsets */

static void bench_steps(struct rsp *rsp, bool fast)
{
    enum { TIMES = 20 };
    double start = rsp_now_ms(rsp);

    work_begins(rsp->board, "step");
    for (int i = 0; i < TIMES; i++)
        rsp_ask(rsp, "vCont;s:1");
    work_ends("step");
    measured_at(fast, "step_ms", (rsp_now_ms(rsp) - start) / TIMES);
    start = rsp_now_ms(rsp);
    for (int i = 0; i < TIMES; i++)
        rsp_ask(rsp, "g");
    measured_at(fast, "regs_ms", (rsp_now_ms(rsp) - start) / TIMES);
}

/* Ctrl-C at moments that are spread over the frame of USB. */
static void bench_halt(struct rsp *rsp, bool fast)
{
    enum { TIMES = 8 };
    double sum = 0;

    set_pc(rsp, RAM + AFTER_LOOP);
    for (int i = 0; i < TIMES; i++) {
        rsp_send(rsp, "vCont;c", 7);
        board_run_ms(rsp->board, 5.13);
        double start = rsp_now_ms(rsp);
        rsp_send_raw(rsp, "\3", 1);
        if (!rsp_receive(rsp, 1000) || rsp->reply[0] != 'T')
            bench_fail("Ctrl-C does not stop the target: %s", rsp->reply);
        sum += rsp_now_ms(rsp) - start;
    }
    measured_at(fast, "halt_ms", sum / TIMES);
}

static void bench_range(struct rsp *rsp, bool fast)
{
    uint64_t executed = rsp->board->target->cpu->instructions;

    set_pc(rsp, RAM);
    double start = rsp_now_ms(rsp);
    work_begins(rsp->board, "range_step");
    const char *reply = rsp_ask(rsp, "vCont;r%x,%x:1;c", RAM, RAM + AFTER_LOOP);
    work_ends("range_step");
    executed = rsp->board->target->cpu->instructions - executed;
    if (reply[0] != 'T' || executed != 401)
        bench_fail("range stepping: %s after %d instructions", reply, (int)executed);
    measured_at(fast, "range_step_ips",
                (double)executed / (rsp_now_ms(rsp) - start) * 1000);
}

static void bench_control(const struct task *task)
{
    struct rsp *rsp = bench_power_on(task->chip);

    if (task->fast)
        rsp_monitor(rsp, "frequency 36M");
    double start = rsp_now_ms(rsp);
    if (!rsp_attach(rsp))
        bench_fail("cannot attach: %s %s", rsp->console, rsp->reply);
    measured_at(task->fast, "attach_ms", rsp_now_ms(rsp) - start);
    if (!rsp_write(rsp, RAM, loop, sizeof loop))
        bench_fail("cannot write RAM: %s", rsp->reply);
    set_pc(rsp, RAM + LOOP);
    bench_steps(rsp, task->fast);
    bench_halt(rsp, task->fast);
    bench_range(rsp, task->fast);
    rsp_power_off(rsp);
}

/* --- load, dump, compare ----------------------------------------------------------------- */

/* The probe may answer a write before it is done.  gdb ends a load with setting the PC, so
 * the answer to that is where the time ends. */
static double ram_load_ms(struct rsp *rsp, int kb)
{
    double start = rsp_now_ms(rsp);

    if (!rsp_send_ram(rsp, RAM, bench_data(), kb * 1024))
        bench_fail("load to RAM failed: %s", rsp->reply);
    set_pc(rsp, RAM);
    if (strcmp(rsp->reply, "OK") != 0)
        bench_fail("load to RAM failed: %s", rsp->reply);
    return rsp_now_ms(rsp) - start;
}

/* least_ms(): what the flash alone needs. */
static double flash_load_ms(struct rsp *rsp, const struct flash_chip *chip, int kb)
{
    struct chip *target = rsp->board->target;
    double start = rsp_now_ms(rsp);

    if (!rsp_load_flash(rsp, chip->base, bench_data(), kb * 1024, chip->block))
        bench_fail("load to flash of %s failed: %s", chip->name, rsp->reply);
    double took = rsp_now_ms(rsp) - start;
    if (memcmp(target->flash, bench_data(), (size_t)kb * 1024) != 0)
        bench_fail("the flash of %s does not hold what was loaded", chip->name);
    return took;
}

/* An old program is there: an erased chip would flatter whoever looks before erasing. */
static void old_program(struct rsp *rsp)
{
    memset(rsp->board->target->flash, 0x5A, rsp->board->target->flash_size);
}

static void bench_ram(const struct task *task)
{
    static const int sizes[] = { 1, 4, 16, 24, 32 };
    bool f103 = strcmp(task->chip, "stm32f103") == 0;
    struct rsp *rsp = bench_attached(task);
    char id[64];

    for (int i = 0; i < (f103 ? 3 : 5); i++) {
        bool usual = f103 && sizes[i] == 16;
        work_begins(rsp->board, usual ? "load_ram" : "");
        double ms = ram_load_ms(rsp, sizes[i]);
        work_ends("load_ram");
        plot_line("ram_%s %d %.6f", task->chip, sizes[i], ms);
        snprintf(id, sizeof id, "load_ram_%s_%dk_kbps", task->chip, sizes[i]);
        if (sizes[i] > 1)
            measured(usual ? "load_ram_kbps" : id, sizes[i] / ms * 1000);
    }
    rsp_power_off(rsp);
}

static void bench_ram_default(const struct task *task)
{
    struct rsp *rsp = bench_attached(task);

    measured(strcmp(task->chip, "samd21") == 0 ? "load_ram_samd21_default_kbps"
                                               : "load_ram_default_kbps",
             task->kb / ram_load_ms(rsp, task->kb) * 1000);
    rsp_power_off(rsp);
}

static void bench_dump(const struct task *task)
{
    static uint8_t back[16 * 1024];
    struct rsp *rsp = bench_attached(task);

    ram_load_ms(rsp, 16);
    for (int binary = 0; binary < 2; binary++) {
        const char *name = binary ? "dump_ram_binary_kbps" : "dump_ram_kbps";
        double start = rsp_now_ms(rsp);
        work_begins(rsp->board, binary ? "dump_ram_binary" : "dump_ram");
        bool good = rsp_dump(rsp, RAM, back, sizeof back, binary);
        work_ends(name);
        measured_at(task->fast, name, 16 / (rsp_now_ms(rsp) - start) * 1000);
        if (!good || memcmp(back, bench_data(), sizeof back) != 0)
            bench_fail("what was dumped is not what was loaded: %s", rsp->reply);
    }
    rsp_power_off(rsp);
}

/* The same 32 KB, again, and the answer to qCRC. */
static void load_again_and_compare(struct rsp *rsp, const struct task *task)
{
    const struct flash_chip *chip = flash_chip(task->chip);
    char id[64];

    if (task->fast) {
        snprintf(id, sizeof id, "load_again_%s_kbps", task->chip);
        measured(id, 32 / flash_load_ms(rsp, chip, 32) * 1000);
    }
    double start = rsp_now_ms(rsp);
    work_begins(rsp->board, "compare");
    if (rsp_ask(rsp, "qCRC:%x,8000", chip->base)[0] != 'C')
        bench_fail("qCRC: %s", rsp->reply);
    work_ends("compare");
    snprintf(id, sizeof id, "compare_%s_kbps", task->chip);
    measured_at(task->fast, id, 32 / (rsp_now_ms(rsp) - start) * 1000);
}

static void bench_flash_32k(const struct task *task)
{
    const struct flash_chip *chip = flash_chip(task->chip);
    struct rsp *rsp = bench_attached(task);
    char id[64];

    old_program(rsp);
    snprintf(id, sizeof id, "load_flash_%s", task->chip);
    work_begins(rsp->board, id);
    double ms = flash_load_ms(rsp, chip, 32);
    work_ends(id);
    if (task->fast) {
        snprintf(id, sizeof id, "load_flash_%s_kbps", task->chip);
        measured(id, 32 / ms * 1000);
        plot_line("flash_%s 32 %.6f", task->chip, ms);
    }
    snprintf(id, sizeof id, "load_flash_%s_share", task->chip);
    measured_at(task->fast, id, 100 * least_ms(chip, 32) / ms);
    load_again_and_compare(rsp, task);
    rsp_power_off(rsp);
}

/* One size, or the small ones with task->kb 0. */
static void bench_flash_size(const struct task *task)
{
    static const int small[] = { 1, 4, 16, 0 };
    const int one[] = { task->kb, 0 };
    const struct flash_chip *chip = flash_chip(task->chip);
    struct rsp *rsp = bench_attached(task);
    char id[64];

    for (const int *kb = task->kb ? one : small; *kb; kb++) {
        old_program(rsp);
        double ms = flash_load_ms(rsp, chip, *kb);
        plot_line("flash_%s %d %.6f", task->chip, *kb, ms);
        snprintf(id, sizeof id, "load_flash_%s_%dk_share", task->chip, *kb);
        if (*kb == 4 || *kb == 200 || *kb == 60)
            measured(id, 100 * least_ms(chip, *kb) / ms);
    }
    rsp_power_off(rsp);
}

/* The other controllers, one chip each. */
static void bench_flash_other(const struct task *task)
{
    const struct flash_chip *chip = flash_chip(task->chip);
    struct rsp *rsp = bench_attached(task);
    char id[64];

    old_program(rsp);
    double ms = flash_load_ms(rsp, chip, 32);
    snprintf(id, sizeof id, "load_flash_%s_kbps", task->chip);
    measured(id, 32 / ms * 1000);
    snprintf(id, sizeof id, "load_flash_%s_share", task->chip);
    measured(id, 100 * least_ms(chip, 32) / ms);
    rsp_power_off(rsp);
}

#define CHIPS(name, run, fast, works) \
    { name "_samd21", run, "samd21", fast, 0, works, NULL }, \
    { name "_stm32f103", run, "stm32f103", fast, 0, works, NULL }

const struct task gdb_tasks[] = {
    { "flash_256k", bench_flash_size, "samd21", true, 256, NULL, NULL },
    { "flash_200k", bench_flash_size, "samd21", true, 200, NULL, NULL },
    { "flash_64k", bench_flash_size, "samd21", true, 64, NULL, NULL },
    { "flash_60k", bench_flash_size, "stm32f103", true, 60, NULL, NULL },
    CHIPS("flash_32k", bench_flash_32k, true, "load_flash_samd21 load_flash_stm32f103 compare"),
    { "flash_f405", bench_flash_other, "stm32f405", true, 0, NULL, NULL },
    { "flash_l476", bench_flash_other, "stm32l476", true, 0, NULL, NULL },
    { "flash_g071", bench_flash_other, "stm32g071", true, 0, NULL, NULL },
    { "flash_nrf52840", bench_flash_other, "nrf52840", true, 0, NULL, NULL },
    { "flash_samd51", bench_flash_other, "samd51", true, 0, NULL, NULL },
    CHIPS("flash_32k_default", bench_flash_32k, false, NULL),
    CHIPS("flash_small", bench_flash_size, true, NULL),
    CHIPS("ram", bench_ram, true, "load_ram"),
    { "ram_default_samd21", bench_ram_default, "samd21", false, 32, NULL, NULL },
    { "ram_default_stm32f103", bench_ram_default, "stm32f103", false, 16, NULL, NULL },
    { "wire", bench_wire, "stm32f103", true, 0, "write_1k read_1k", NULL },
    { "wire_default", bench_wire, "stm32f103", false, 0, NULL, NULL },
    { "dump", bench_dump, "stm32f103", true, 0, "dump_ram dump_ram_binary", NULL },
    { "dump_default", bench_dump, "stm32f103", false, 0, NULL, NULL },
    { "control", bench_control, "samd21", true, 0, "step range_step", NULL },
    { "control_default", bench_control, "samd21", false, 0, NULL, NULL },
    { "configured", bench_configured, "samd21", false, 0, NULL, NULL },
    { NULL, NULL, NULL, false, 0, NULL, NULL },
};
