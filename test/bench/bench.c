/* bench.c - how fast is the probe?  In simulated time, so the answer is the same on every
 * machine and to the cycle.
 *
 * Plays gdb with the shipped image on the virtual board and measures the rows of the
 * budget table.  Prints the table; with a file name as argument, writes it as JSON too:
 * {"rows": [{"id", "value", "unit", "bar", "aim", "better"}, ...]}.
 * Image sizes come from the environment (BOOT_BYTES, PROBE_BYTES, RAM_BYTES), where
 * `make bench` puts what size.py found.
 *
 * Where do the probe's cycles go?  By function, exact, for each kind of work:
 *     make BUILD=build build/bench all && BUILD=build build/bench --profile
 *     BUILD=build build/bench --profile read_1k 40      one of them, and the 40 dearest
 *                                                       instructions, for build/probe.lst
 *
 *   calls  test/lib/rsp_client.h, profile.h */
#include "profile.h"
#include "rsp_client.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
    const char *id, *unit, *what;
    double value, bar, aim;         /* bar and aim 0: none */
    bool lower_is_better;
};

static struct row rows[] = {
    { "boot_bytes", "B", "bootloader image", 0, 6144, 4096, true },
    { "probe_bytes", "B", "probe image", 0, 57344, 45000, true },
    { "ram_bytes", "B", "RAM with the worst-case stack", 0, 20480, 20480, true },
    { "usb_configured_ms", "ms", "USB configured after reset", 0, 150, 100, true },
    { "swclk_write_mhz", "MHz", "SWCLK, writing bits", 0, 12, 18, false },
    { "swclk_read_mhz", "MHz", "SWCLK, reading bits", 0, 8, 12, false },
    { "write_1k_ms", "ms", "1 KB of words written to target RAM", 0, 1.6, 1.2, true },
    { "read_1k_ms", "ms", "1 KB of words read", 0, 2.2, 1.6, true },
    { "load_ram_kbps", "KB/s", "gdb load to target RAM", 0, 400, 600, false },
    { "load_flash_samd21_kbps", "KB/s", "gdb load of 32 KB to SAMD21 flash", 0, 0, 0, false },
    { "load_flash_samd21_share", "%", "  of what its flash can do", 0, 90, 97, false },
    { "load_flash_stm32f103_kbps", "KB/s", "gdb load of 32 KB to STM32F103 flash",
      0, 0, 0, false },
    { "load_flash_stm32f103_share", "%", "  of what its flash can do", 0, 90, 97, false },
    { "attach_ms", "ms", "scan and attach", 0, 0, 0, true },
    { "step_ms", "ms", "one stepi, as gdb does it", 0, 0, 0, true },
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static void measured(const char *id, double value)
{
    for (int i = 0; i < ROWS; i++)
        if (strcmp(rows[i].id, id) == 0)
            rows[i].value = value;
}

/* --- what is profiled: --profile [NAME [ADDRESSES]] --------------------------------- */

static struct {
    bool on;
    const char *only;               /* NULL: each */
    int addresses;
    struct profile *running;
} profiling;

static void work_begins(const struct rsp *rsp, const char *name)
{
    static char elf[512];

    if (!profiling.on || (profiling.only && strcmp(name, profiling.only) != 0))
        return;
    snprintf(elf, sizeof elf, "%s/probe.elf", getenv("BUILD") ? getenv("BUILD") : "build");
    profiling.running = profile_start(rsp->board, elf);
}

static void work_ends(const char *name)
{
    if (profiling.running)
        profile_stop(profiling.running, name, profiling.addresses);
    profiling.running = NULL;
}

/* --- the wire, seen by an observer of SWCLK ---------------------------------------- */

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

/* --- rows ----------------------------------------------------------------------------- */

static struct rsp *attached(const char *chip)
{
    struct rsp *rsp = rsp_power_on(chip);

    if (!rsp_attach(rsp)) {
        fprintf(stderr, "bench: cannot attach to %s: %s %s\n", chip, rsp->console, rsp->reply);
        exit(1);
    }
    return rsp;
}

static void fill(uint8_t *bytes, int length)
{
    uint32_t x = 12345;

    for (int i = 0; i < length; i++) {
        x = x * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(x >> 24);
    }
}

static void bench_wire(struct rsp *rsp)
{
    static struct edges e;
    static uint8_t kilobyte[1024], back[1024];
    static char packet[2048];

    e.swdio = rsp->board->probe->pin(rsp->board->probe, "PA13");
    net_watch(rsp->board->net[SIG_SWCLK], see_clock, &e);
    rsp_monitor(rsp, "frequency 36M");
    fill(kilobyte, sizeof kilobyte);

    int n = snprintf(packet, sizeof packet, "X20000000,400:");
    memcpy(packet + n, kilobyte, sizeof kilobyte);
    e.first = 0;
    work_begins(rsp, "write_1k");
    rsp_send(rsp, packet, n + (int)sizeof kilobyte);
    rsp_receive(rsp, 1000);
    work_ends("write_1k");
    measured("write_1k_ms", (double)(e.last - e.first) / (double)SIM_MS);
    e.first = 0;
    work_begins(rsp, "read_1k");
    bool read = rsp_read(rsp, 0x20000000, back, sizeof back);
    work_ends("read_1k");
    measured("read_1k_ms", (double)(e.last - e.first) / (double)SIM_MS);
    if (!read || memcmp(kilobyte, back, sizeof back) != 0) {
        fprintf(stderr, "bench: what was read is not what was written\n");
        exit(1);
    }
    if (e.best[1])
        measured("swclk_write_mhz", 1e-6 * (double)SIM_SECOND / (double)e.best[1]);
    if (e.best[0])
        measured("swclk_read_mhz", 1e-6 * (double)SIM_SECOND / (double)e.best[0]);
}

static void bench_ram_load(struct rsp *rsp)
{
    static uint8_t data[16384];
    static char packet[70000];
    int size = rsp_packet_size(rsp);
    double start = rsp_now_ms(rsp);

    fill(data, sizeof data);
    work_begins(rsp, "load_ram");
    for (int done = 0; done < (int)sizeof data;) {
        int used = 0, head, wire, length = 0;
        /* gdb fills a packet with as much data as fits once escaped. */
        head = snprintf(packet, sizeof packet, "X%x,%x:", 0x20000000 + done, 0xFFF);
        for (wire = head; done + used < (int)sizeof data && wire < size - 1; used++) {
            uint8_t c = data[done + used];
            wire += c == '$' || c == '#' || c == '}' || c == '*' ? 2 : 1;
        }
        length = snprintf(packet, sizeof packet, "X%x,%x:", 0x20000000 + done, used);
        memcpy(packet + length, data + done, (size_t)used);
        rsp_send(rsp, packet, length + used);
        if (!rsp_receive(rsp, 5000) || strcmp(rsp->reply, "OK") != 0) {
            fprintf(stderr, "bench: load to RAM failed: %s\n", rsp->reply);
            exit(1);
        }
        done += used;
    }
    work_ends("load_ram");
    measured("load_ram_kbps", sizeof data / 1024.0 / (rsp_now_ms(rsp) - start) * 1000);
}

/* least_ms: what the flash alone needs, erase and program, by the times of the model. */
static void bench_flash_load(struct rsp *rsp, const char *chip, uint32_t base, uint32_t page,
                             double least_ms)
{
    static uint8_t data[32768];
    char id[64];

    fill(data, sizeof data);
    /* An old program is there: an erased chip would flatter whoever looks before erasing. */
    memset(rsp->board->target->flash, 0x5A, rsp->board->target->flash_size);
    snprintf(id, sizeof id, "load_flash_%s", chip);
    double start = rsp_now_ms(rsp);
    work_begins(rsp, id);
    if (!rsp_load_flash(rsp, base, data, sizeof data, page)) {
        fprintf(stderr, "bench: load to %s flash failed: %s\n", chip, rsp->reply);
        exit(1);
    }
    work_ends(id);
    double took = rsp_now_ms(rsp) - start;
    snprintf(id, sizeof id, "load_flash_%s_kbps", chip);
    measured(id, 32 / took * 1000);
    snprintf(id, sizeof id, "load_flash_%s_share", chip);
    measured(id, 100 * least_ms / took);
    if (memcmp(rsp->board->target->flash + (base - rsp->board->target->flash_base), data,
               sizeof data) != 0) {
        fprintf(stderr, "bench: the flash of %s does not hold what was loaded\n", chip);
        exit(1);
    }
}

static void bench_attach_and_step(void)
{
    struct rsp *rsp = rsp_power_on("samd21");

    /* The reset button; 140 ms of what follows are the host's: debouncing, two resets. */
    double start = rsp_now_ms(rsp);
    board_reset_probe(rsp->board);
    board_run_ms(rsp->board, 50);
    if (!rsp_plug_in(rsp))
        exit(1);
    measured("usb_configured_ms",
             (double)cdc_host_configured_at(rsp->cdc) / (double)SIM_MS - start);
    rsp_monitor(rsp, "frequency 36M");
    start = rsp_now_ms(rsp);
    if (!rsp_attach(rsp))
        exit(1);
    measured("attach_ms", rsp_now_ms(rsp) - start);
    /* B . in RAM, so that stepping needs no program in flash. */
    static const uint8_t loop[] = { 0x01, 0x30, 0xFD, 0xE7 };      /* adds r0, #1; b . - 2 */
    rsp_write(rsp, 0x20000000, loop, sizeof loop);
    rsp_ask(rsp, "Pf=00000020");
    start = rsp_now_ms(rsp);
    work_begins(rsp, "step");
    for (int i = 0; i < 20; i++) {
        rsp_ask(rsp, "vCont;s:1");
        rsp_ask(rsp, "g");
    }
    work_ends("step");
    measured("step_ms", (rsp_now_ms(rsp) - start) / 20);
    rsp_power_off(rsp);
}

/* --- output ------------------------------------------------------------------------ */

static const char *verdict(const struct row *row)
{
    if (row->bar == 0)
        return "";
    bool aim = row->lower_is_better ? row->value <= row->aim : row->value >= row->aim;
    bool bar = row->lower_is_better ? row->value <= row->bar : row->value >= row->bar;
    return aim ? "aim reached" : bar ? "bar passed" : "below the bar";
}

static void print_table(void)
{
    printf("%-38s %10s %-5s %9s %9s\n", "", "measured", "", "bar", "aim");
    for (int i = 0; i < ROWS; i++) {
        const struct row *row = &rows[i];
        printf("%-38s %10.4g %-5s ", row->what, row->value, row->unit);
        if (row->bar != 0)
            printf("%9.5g %9.5g  %s", row->bar, row->aim, verdict(row));
        printf("\n");
    }
}

static void write_json(const char *path)
{
    FILE *file = fopen(path, "w");

    if (!file) {
        perror(path);
        exit(1);
    }
    fprintf(file, "{\"rows\": [\n");
    for (int i = 0; i < ROWS; i++) {
        const struct row *row = &rows[i];
        fprintf(file, "  {\"id\": \"%s\", \"value\": %.6g, \"unit\": \"%s\", ", row->id,
                row->value, row->unit);
        if (row->bar != 0)
            fprintf(file, "\"bar\": %g, \"aim\": %g, ", row->bar, row->aim);
        else
            fprintf(file, "\"bar\": null, \"aim\": null, ");
        fprintf(file, "\"better\": \"%s\"}%s\n", row->lower_is_better ? "lower" : "higher",
                i + 1 < ROWS ? "," : "");
    }
    fprintf(file, "]}\n");
    fclose(file);
}

static double from_environment(const char *name)
{
    const char *text = getenv(name);
    return text ? atof(text) : 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--profile") == 0) {
        profiling.on = true;
        profiling.only = argc > 2 ? argv[2] : NULL;
        profiling.addresses = argc > 3 ? atoi(argv[3]) : 0;
    }
    measured("boot_bytes", from_environment("BOOT_BYTES"));
    measured("probe_bytes", from_environment("PROBE_BYTES"));
    measured("ram_bytes", from_environment("RAM_BYTES"));

    bench_attach_and_step();
    struct rsp *rsp = attached("samd21");
    rsp_monitor(rsp, "frequency 36M");
    bench_flash_load(rsp, "samd21", 0, 256, 128 * 6.0 + 512 * 2.5);
    rsp_power_off(rsp);
    /* The wire is measured against the STM32F103 at the 8 MHz it wakes up with.  (A SAMD21
     * wakes up at 1 MHz, and its debug port answers WAIT to anything fast.) */
    rsp = attached("stm32f103");
    bench_wire(rsp);
    bench_ram_load(rsp);
    bench_flash_load(rsp, "stm32f103", 0x08000000, 1024, 32 * 30.0 + 16384 * 0.0525);
    rsp_power_off(rsp);

    if (profiling.on)
        return 0;
    print_table();
    if (argc > 1)
        write_json(argv[1]);
    return 0;
}
