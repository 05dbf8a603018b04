/* sam_models.c - the chips of Atmel's and Microchip's SAM family that there are, as data.
 *
 *   called by  targets.c      calls  sam.c
 *
 *   samd21   ATSAMD21G18A: Cortex-M0+, 256 KB, 32 KB of RAM, 48 pins
 *
 * Which pad is where is the data sheet's table "PORT Function Multiplexing"; masks and interrupts
 * are from its chapters "Peripherals Configuration Summary" and "Nested Vector Interrupt
 * Controller".
 *
 * Source: SAM D21/DA1 Family Data Sheet DS40001882. */
#include "sam.h"

/* Armv6-M: SCS, DWT, BPU. */
static const uint32_t rom_m0plus[] = { 0xFFF0F003, 0xFFF02003, 0xFFF03003, 0 };

/* --- SAM D21 ---------------------------------------------------------------------------- */

/* Pin, SERCOM * 4 + pad of function C and of D. */
static const struct sam_pads pads_d21[] = {
    { 0, -1, 4 }, { 1, -1, 5 }, { 4, -1, 0 }, { 5, -1, 1 }, { 6, -1, 2 }, { 7, -1, 3 },
    { 8, 0, 8 }, { 9, 1, 9 }, { 10, 2, 10 }, { 11, 3, 11 },
    { 12, 8, 16 }, { 13, 9, 17 }, { 14, 10, 18 }, { 15, 11, 19 },
    { 16, 4, 12 }, { 17, 5, 13 }, { 18, 6, 14 }, { 19, 7, 15 },
    { 20, 22, 14 }, { 21, 23, 15 }, { 22, 12, 20 }, { 23, 13, 21 },
    { 24, 14, 22 }, { 25, 15, 23 }, { 30, -1, 6 }, { 31, -1, 7 },
    { 32 + 2, -1, 20 }, { 32 + 3, -1, 21 }, { 32 + 8, -1, 16 }, { 32 + 9, -1, 17 },
    { 32 + 10, -1, 18 }, { 32 + 11, -1, 19 }, { 32 + 22, -1, 22 }, { 32 + 23, -1, 23 },
    { -1, -1, -1 },
};

static const struct sam_absent absent_d21[] = {
    { "DMAC", 0x41004800 }, { "USB", 0x41005000 },
    { "SBMATRIX", 0x41007000 }, { "EVSYS", 0x42000400 }, { "TCC0", 0x42002000 },
    { "TCC1", 0x42002400 }, { "TCC2", 0x42002800 }, { "ADC", 0x42004000 },
    { "AC", 0x42004400 }, { "DAC", 0x42004800 }, { "PTC", 0x42004C00 }, { "I2S", 0x42005000 }, { NULL, 0 },
};

static const struct sam_model samd21 = {
    .name = "samd21",
    .core = { .arch = CPU_ARMV6M, .cpuid = 0x410CC601 /* r0p1 */, .irq_count = 28,
              .priority_bits = 2, .has_vtor = true, .single_cycle_multiply = true },
    .port = { .idcode = 0x0BC11477, .ap_idr = 0x04770031, .rom_table = 0x41003000,
              .tar_wrap = 0x400 },
    .debug = { .breakpoints = 4, .watchpoints = 2,
               .peripheral_id = { 0xC0, 0xB4, 0x0B, 0x00, 0x04 },       /* Cortex-M0+ TRM */
               .component_id = { 0x0D, 0x10, 0x05, 0xB1 },
               .rom_base = 0xE00FF000, .rom_entries = rom_m0plus },
    .flash_size = 256 * 1024, .ram_size = 32 * 1024,
    .clock = &sam_sysctrl_kind, .nvm = &sam_nvm64,
    .did = 0x10010305 /* die revision D */, .chip_erase_time = 240 * SIM_MS,
    .serial_at = { 0x0080A00C, 0x0080A040, 0x0080A044, 0x0080A048 },
    .user_row = { 0xD8E0C7FF, 0xFFFFFC5D, [2 ... 7] = 0xFFFFFFFF },
    .nvmctrl = { 0x41004000, BRIDGE_B, 2 }, .dsu = { 0x41002000, BRIDGE_B, 1 },
    .portmux = { 0x41004400, BRIDGE_B, 3 }, .wdt = { 0x40001000, BRIDGE_A, 4 },
    .nvmctrl_irq = 5, .wdt_irq = 2, .wdt_gclk = GCLK_ID_WDT, .wdt_fuse = 25, .wdt_clear = 0x08,
    .mtb = 0x41006000, .iobus = 0x60000000, .debug_mux = 6 /* G */,
    .pads = pads_d21, .bonded = { 0xDBFFFFFF, 0x00C00F0C },
    .sercom = {
        { { 0x42000800, BRIDGE_C, 2 }, 0x14, 9 }, { { 0x42000C00, BRIDGE_C, 3 }, 0x15, 10 },
        { { 0x42001000, BRIDGE_C, 4 }, 0x16, 11 }, { { 0x42001400, BRIDGE_C, 5 }, 0x17, 12 },
        { { 0x42001800, BRIDGE_C, 6 }, 0x18, 13 }, { { 0x42001C00, BRIDGE_C, 7 }, 0x19, 14 } },
    .sercom_lines = 1, .is_d21 = true, .absent = absent_d21,
};

struct chip *samd21_new(struct sim *sim, const char *name, uint32_t unique_id)
{
    return sam_new(sim, name, &samd21, unique_id);
}
