/* dap_bench.c - the probe as OpenOCD and pyOCD meet it: target memory through CMSIS-DAP.
 *
 *   called by  bench.c      calls  dap_client.h, which sends what they send
 *
 * As OpenOCD 0.12: 12 words in a DAP_Transfer, 3 packets in flight.  As pyOCD and later
 * OpenOCDs: DAP_TransferBlock of 14 words, 4 in flight.  No gdb is attached: there is one
 * owner of the wire. */
#include "bench.h"
#include "dap_client.h"
#include <stdlib.h>
#include <string.h>

enum { WORDS = 4096, MOST_HZ = 36000000 };

/* What `monitor frequency` says the probe starts with; it cuts the fraction off. */
static uint32_t default_hz(struct rsp *rsp)
{
    const char *said = strstr(rsp_monitor(rsp, "frequency"), "is ");
    uint32_t hz = said ? (uint32_t)strtoul(said + 3, NULL, 10) : 0;

    return hz ? hz + 1 : MOST_HZ;
}

static double kib_per_second(const struct rsp *rsp, double start)
{
    return WORDS * 4 / 1024.0 / (rsp_now_ms(rsp) - start) * 1000;
}

static void bench_way(struct rsp *rsp, struct dap *dap, bool fast, bool block)
{
    static uint32_t out[WORDS], in[WORDS];
    int per_packet = block ? 0 : 12, in_flight = block ? 4 : 3;
    const char *write = block ? "dap_block_write_kbps" : "dap_write_kbps";
    const char *read = block ? "dap_block_read_kbps" : "dap_read_kbps";

    memcpy(out, bench_data(), sizeof out);
    memset(in, 0, sizeof in);
    double start = rsp_now_ms(rsp);
    work_begins(rsp->board, write);
    bool good = dap_write(dap, TARGET_RAM, out, WORDS, per_packet, in_flight);
    work_ends(write);
    measured_at(fast, write, kib_per_second(rsp, start));
    start = rsp_now_ms(rsp);
    work_begins(rsp->board, read);
    good = good && dap_read(dap, TARGET_RAM, in, WORDS, per_packet, in_flight);
    work_ends(read);
    measured_at(fast, read, kib_per_second(rsp, start));
    if (!good || memcmp(in, out, sizeof out) != 0)
        bench_fail("what CMSIS-DAP reads is not what it wrote");
}

static void bench_dap(const struct task *task)
{
    struct rsp *rsp = bench_power_on(task->chip);
    struct dap dap;
    uint32_t hz = task->fast ? MOST_HZ : default_hz(rsp);

    if (!dap_find(&dap, rsp->board, rsp->cdc) || !dap_start(&dap, hz))
        bench_fail("CMSIS-DAP does not connect");
    bench_way(rsp, &dap, task->fast, false);
    bench_way(rsp, &dap, task->fast, true);
    rsp_power_off(rsp);
}

const struct task dap_tasks[] = {
    { "dap", bench_dap, "stm32f103", true, 0,
      "dap_read_kbps dap_write_kbps dap_block_read_kbps dap_block_write_kbps", NULL },
    { "dap_default", bench_dap, "stm32f103", false, 0, NULL, NULL },
    { NULL, NULL, NULL, false, 0, NULL, NULL },
};
