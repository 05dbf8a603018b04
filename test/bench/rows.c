/* rows.c - the table of what is measured, with the bar and the aim of each.
 *
 *   called by  bench.c      calls  nothing
 *
 * The ids are relied on from outside (build/bench.json), so they stay.  Where two
 * frequencies are measured, the plain id is at the fastest SWCLK that there is, as the
 * budgets want it, and "default" in the id is at the SWCLK the probe starts with.  A row
 * without a bar is there to be looked at. */
#include "bench.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum better { LOWER, HIGHER };

struct row {
    const char *id, *unit, *what;   /* what NULL: id is the title of a group */
    double bar, aim;                /* 0: none */
    enum better better;
};

static const struct row rows[] = {
    { "Size", NULL, NULL, 0, 0, LOWER },
    { "boot_bytes", "B", "bootloader image", 6144, 4096, LOWER },
    { "probe_bytes", "B", "probe image", 56320, 45000, LOWER },
    { "ram_bytes", "B", "RAM with the worst-case stack", 20480, 20480, LOWER },

    { "To be there", NULL, NULL, 0, 0, LOWER },
    { "usb_configured_ms", "ms", "USB configured after reset", 150, 100, LOWER },
    { "attach_ms", "ms", "scan and attach", 0, 0, LOWER },
    { "attach_default_ms", "ms", "  at the default frequency", 0, 0, LOWER },

    { "The wire", NULL, NULL, 0, 0, LOWER },
    { "swclk_write_mhz", "MHz", "SWCLK, writing bits", 12, 18, HIGHER },
    { "swclk_write_default_mhz", "MHz", "  at the default frequency", 0, 0, HIGHER },
    { "swclk_read_mhz", "MHz", "SWCLK, reading bits", 8, 12, HIGHER },
    { "swclk_read_default_mhz", "MHz", "  at the default frequency", 0, 0, HIGHER },
    { "write_1k_ms", "ms", "1 KB of words written to target RAM", 1.6, 1.2, LOWER },
    { "write_1k_default_ms", "ms", "  at the default frequency", 0, 0, LOWER },
    { "read_1k_ms", "ms", "1 KB of words read", 2.2, 1.6, LOWER },
    { "read_1k_default_ms", "ms", "  at the default frequency", 0, 0, LOWER },

    { "Run control, through gdb's packets", NULL, NULL, 0, 0, LOWER },
    { "step_ms", "ms", "one stepi, until gdb has the registers", 0, 0, LOWER },
    { "step_default_ms", "ms", "  at the default frequency", 0, 0, LOWER },
    { "regs_ms", "ms", "all registers (g)", 0, 0, LOWER },
    { "regs_default_ms", "ms", "  at the default frequency", 0, 0, LOWER },
    { "halt_ms", "ms", "Ctrl-C until gdb has the prompt", 0, 0, LOWER },
    { "halt_default_ms", "ms", "  at the default frequency", 0, 0, LOWER },
    { "range_step_ips", "1/s", "instructions a second, `next` over a loop", 0, 0, HIGHER },
    { "range_step_default_ips", "1/s", "  at the default frequency", 0, 0, HIGHER },

    { "Target RAM, through gdb's packets", NULL, NULL, 0, 0, LOWER },
    { "load_ram_kbps", "KB/s", "load, 16 KB, STM32F103", 400, 600, HIGHER },
    { "load_ram_default_kbps", "KB/s", "  at the default frequency", 0, 0, HIGHER },
    { "load_ram_stm32f103_4k_kbps", "KB/s", "load, 4 KB, STM32F103", 0, 0, HIGHER },
    { "load_ram_samd21_4k_kbps", "KB/s", "load, 4 KB, SAMD21", 0, 0, HIGHER },
    { "load_ram_samd21_16k_kbps", "KB/s", "load, 16 KB, SAMD21", 0, 0, HIGHER },
    { "load_ram_samd21_24k_kbps", "KB/s", "load, 24 KB, SAMD21", 0, 0, HIGHER },
    { "load_ram_samd21_32k_kbps", "KB/s", "load, 32 KB, SAMD21", 0, 0, HIGHER },
    { "load_ram_samd21_default_kbps", "KB/s", "  at the default frequency", 0, 0, HIGHER },
    { "dump_ram_kbps", "KB/s", "dump, 16 KB (m packets), STM32F103", 0, 0, HIGHER },
    { "dump_ram_default_kbps", "KB/s", "  at the default frequency", 0, 0, HIGHER },
    { "dump_ram_binary_kbps", "KB/s", "dump, 16 KB (x packets, gdb 16)", 0, 0, HIGHER },
    { "dump_ram_binary_default_kbps", "KB/s", "  at the default frequency", 0, 0, HIGHER },

    { "Target flash, through gdb's packets; share = of what its controller can do",
      NULL, NULL, 0, 0, LOWER },
    { "load_flash_samd21_kbps", "KB/s", "load, 32 KB, SAMD21", 0, 0, HIGHER },
    { "load_flash_samd21_share", "%", "  share", 90, 97, HIGHER },
    { "load_flash_samd21_default_share", "%", "  share at the default frequency", 90, 97,
      HIGHER },
    { "load_flash_samd21_4k_share", "%", "  share, 4 KB", 0, 0, HIGHER },
    { "load_flash_samd21_200k_share", "%", "  share, 200 KB", 90, 97, HIGHER },
    { "load_again_samd21_kbps", "KB/s", "the same 32 KB once more, SAMD21", 0, 0, HIGHER },
    { "compare_samd21_kbps", "KB/s", "compare-sections, 32 KB, SAMD21", 0, 0, HIGHER },
    { "compare_samd21_default_kbps", "KB/s", "  at the default frequency", 0, 0, HIGHER },
    { "load_flash_stm32f103_kbps", "KB/s", "load, 32 KB, STM32F103", 0, 0, HIGHER },
    { "load_flash_stm32f103_share", "%", "  share", 90, 97, HIGHER },
    { "load_flash_stm32f103_default_share", "%", "  share at the default frequency", 90, 97,
      HIGHER },
    { "load_flash_stm32f103_4k_share", "%", "  share, 4 KB", 0, 0, HIGHER },
    { "load_flash_stm32f103_60k_share", "%", "  share, 60 KB", 90, 97, HIGHER },
    { "load_again_stm32f103_kbps", "KB/s", "the same 32 KB once more, STM32F103", 0, 0,
      HIGHER },
    { "compare_stm32f103_kbps", "KB/s", "compare-sections, 32 KB, STM32F103", 0, 0, HIGHER },
    { "compare_stm32f103_default_kbps", "KB/s", "  at the default frequency", 0, 0, HIGHER },
    { "load_flash_stm32f405_kbps", "KB/s", "load, 32 KB, STM32F405", 0, 0, HIGHER },
    { "load_flash_stm32f405_share", "%", "  share", 90, 95, HIGHER },
    { "load_flash_stm32l476_kbps", "KB/s", "load, 32 KB, STM32L476", 0, 0, HIGHER },
    { "load_flash_stm32l476_share", "%", "  share", 90, 95, HIGHER },
    { "load_flash_stm32g071_kbps", "KB/s", "load, 32 KB, STM32G071", 0, 0, HIGHER },
    { "load_flash_stm32g071_share", "%", "  share", 90, 95, HIGHER },
    { "load_flash_nrf52840_kbps", "KB/s", "load, 32 KB, nRF52840", 0, 0, HIGHER },
    { "load_flash_nrf52840_share", "%", "  share", 90, 95, HIGHER },
    { "load_flash_samd51_kbps", "KB/s", "load, 32 KB, SAMD51", 0, 0, HIGHER },
    { "load_flash_samd51_share", "%", "  share", 90, 95, HIGHER },

    { "Target RAM through CMSIS-DAP, 16 KB, STM32F103", NULL, NULL, 0, 0, LOWER },
    { "dap_read_kbps", "KiB/s", "read, 12 words a packet, 3 in flight", 250, 400, HIGHER },
    { "dap_read_default_kbps", "KiB/s", "  at the default frequency", 0, 0, HIGHER },
    { "dap_write_kbps", "KiB/s", "write, the same (as OpenOCD 0.12)", 250, 400, HIGHER },
    { "dap_write_default_kbps", "KiB/s", "  at the default frequency", 0, 0, HIGHER },
    { "dap_block_read_kbps", "KiB/s", "read, blocks of 14 words, 4 in flight", 0, 0, HIGHER },
    { "dap_block_read_default_kbps", "KiB/s", "  at the default frequency", 0, 0, HIGHER },
    { "dap_block_write_kbps", "KiB/s", "write, the same (as pyOCD)", 0, 0, HIGHER },
    { "dap_block_write_default_kbps", "KiB/s", "  at the default frequency", 0, 0, HIGHER },

    { "RS-485: driver off after the last stop bit, worst of 8", NULL, NULL, 0, 0, LOWER },
    { "rs485_off_9600_us", "us", "at 9,600 baud", 0, 0, LOWER },
    { "rs485_off_115200_us", "us", "at 115,200 baud", 0, 0, LOWER },
    { "rs485_off_1m_us", "us", "at 1 Mbaud", 0, 0, LOWER },

    { "To the second port, while a program runs", NULL, NULL, 0, 0, LOWER },
    { "swo_kbps", "KB/s", "SWO at 2.25 Mbaud, nothing lost", 220, 225, HIGHER },
    { "rtt_kbps", "KiB/s", "RTT up, out of 1 KB that is kept full, STM32F103", 250, 0, HIGHER },

    { "Growth: most time per KB / least, over all sizes", NULL, NULL, 0, 0, LOWER },
    { "growth_flash_samd21", "x", "flash, SAMD21, 1 to 256 KB", 0, 0, LOWER },
    { "growth_flash_stm32f103", "x", "flash, STM32F103, 1 to 60 KB", 0, 0, LOWER },
    { "growth_ram_samd21", "x", "RAM, SAMD21, 1 to 32 KB", 0, 0, LOWER },
    { "growth_ram_stm32f103", "x", "RAM, STM32F103, 1 to 16 KB", 0, 0, LOWER },

    { "Time the probe's core sleeps", NULL, NULL, 0, 0, LOWER },
    { "idle_asleep_share", "%", "plugged in, port open, nothing asked", 0, 0, HIGHER },
    { "running_asleep_share", "%", "the target runs, gdb waits", 0, 0, HIGHER },
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static struct { double value; bool known; } found[ROWS];

void rows_set(const char *id, double value)
{
    for (int i = 0; i < ROWS; i++)
        if (strcmp(rows[i].id, id) == 0) {
            found[i].value = value;
            found[i].known = true;
            return;
        }
    bench_fail("there is no row \"%s\"", id);
}

static bool reaches(const struct row *row, double value, double limit)
{
    return row->better == LOWER ? value <= limit : value >= limit;
}

/* Four digits that mean something; counts are whole. */
static void print_row(const struct row *row, double value)
{
    int digits = value >= 1000 ? 0 : value >= 100 ? 1 : value >= 10 ? 2 : 3;

    printf("  %-42s %9.*f %-5s", row->what, digits, value, row->unit);
    if (row->bar != 0)
        printf(" %8.5g %8.5g  %s", row->bar, row->aim,
               reaches(row, value, row->aim) ? "aim reached"
               : reaches(row, value, row->bar) ? "bar passed" : "BELOW THE BAR");
    printf("\n");
}

int rows_print(void)
{
    int missed = 0;

    printf("%-44s %9s %-5s %8s %8s\n", "", "measured", "", "bar", "aim");
    for (int i = 0; i < ROWS; i++) {
        if (!rows[i].what)
            printf("%s\n", rows[i].id);
        if (!found[i].known)
            continue;
        print_row(&rows[i], found[i].value);
        missed += rows[i].bar != 0 && !reaches(&rows[i], found[i].value, rows[i].bar);
    }
    return missed;
}

static void write_row(FILE *file, const struct row *row, double value)
{
    fprintf(file, "  {\"id\": \"%s\", \"value\": %.6g, \"unit\": \"%s\", ", row->id,
            value, row->unit);
    if (row->bar != 0)
        fprintf(file, "\"bar\": %g, \"aim\": %g, ", row->bar, row->aim);
    else
        fprintf(file, "\"bar\": null, \"aim\": null, ");
    fprintf(file, "\"better\": \"%s\"}", row->better == LOWER ? "lower" : "higher");
}

void rows_write(const char *path)
{
    FILE *file = fopen(path, "w");
    const char *comma = "";

    if (!file)
        bench_fail("%s cannot be written", path);
    fprintf(file, "{\"rows\": [\n");
    for (int i = 0; i < ROWS; i++)
        if (found[i].known) {
            fprintf(file, "%s", comma);
            write_row(file, &rows[i], found[i].value);
            comma = ",\n";
        }
    fprintf(file, "\n]}\n");
    fclose(file);
}
