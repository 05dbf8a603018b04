/* sam_models.c - the chips of Atmel's and Microchip's SAM family that there are, as data.
 *
 *   called by  targets.c      calls  sam.c
 *
 *   samd21   ATSAMD21G18A: Cortex-M0+, 256 KB, 32 KB of RAM, 48 pins
 *   samc21   ATSAMC21J18A: Cortex-M0+, 256 KB and 8 KB of RWWEE, 32 KB of RAM, 64 pins
 *   saml21   ATSAML21J18B: the same, and 8 KB of RAM for low power
 *   samd51   ATSAMD51J20A: Cortex-M4, 1 MB, 256 KB of RAM, 64 pins
 *
 * Which pad is where is the data sheet's table "PORT Function Multiplexing"; masks and interrupts
 * are from its chapters "Peripherals Configuration Summary" and "Nested Vector Interrupt
 * Controller".
 *
 * Sources: SAM D21/DA1 Family Data Sheet DS40001882; SAM C20/C21 DS60001479; SAM L21 DS60001477;
 * SAM D5x/E5x DS60001507. */
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
    .flash_size = 256 * 1024, .ram_size = 32 * 1024, .flash_mhz = 24,
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

/* --- SAM C21, SAM L21 ------------------------------------------------------------------- */

/* The 64-pin packages' pads are the same on both. */
static const struct sam_pads pads_64[] = {
    { 0, -1, 4 }, { 1, -1, 5 }, { 4, -1, 0 }, { 5, -1, 1 }, { 6, -1, 2 }, { 7, -1, 3 },
    { 8, 0, 8 }, { 9, 1, 9 }, { 10, 2, 10 }, { 11, 3, 11 },
    { 12, 8, 16 }, { 13, 9, 17 }, { 14, 10, 18 }, { 15, 11, 19 },
    { 16, 4, 12 }, { 17, 5, 13 }, { 18, 6, 14 }, { 19, 7, 15 },
    { 20, 22, 14 }, { 21, 23, 15 }, { 22, 12, 20 }, { 23, 13, 21 },
    { 24, 14, 22 }, { 25, 15, 23 }, { 30, -1, 6 }, { 31, -1, 7 },
    { 32 + 0, -1, 22 }, { 32 + 1, -1, 23 }, { 32 + 2, -1, 20 }, { 32 + 3, -1, 21 },
    { 32 + 8, -1, 16 }, { 32 + 9, -1, 17 }, { 32 + 10, -1, 18 }, { 32 + 11, -1, 19 },
    { 32 + 12, 16, -1 }, { 32 + 13, 17, -1 }, { 32 + 14, 18, -1 }, { 32 + 15, 19, -1 },
    { 32 + 16, 20, -1 }, { 32 + 17, 21, -1 }, { 32 + 22, -1, 22 }, { 32 + 23, -1, 23 },
    { 32 + 30, -1, 20 }, { 32 + 31, -1, 21 }, { -1, -1, -1 },
};

static const struct sam_absent absent_c21[] = {
    { "RTC", 0x40002400 }, { "EIC", 0x40002800 }, { "FREQM", 0x40002C00 },
    { "TSENS", 0x40003000 }, { "DMAC", 0x41006000 }, { "HMATRIX", 0x4100A000 },
    { "EVSYS", 0x42000000 }, { "CAN0", 0x42001C00 }, { "CAN1", 0x42002000 },
    { "TCC0", 0x42002400 }, { "TCC1", 0x42002800 }, { "TCC2", 0x42002C00 },
    { "TC0", 0x42003000 }, { "TC1", 0x42003400 }, { "TC2", 0x42003800 },
    { "TC3", 0x42003C00 }, { "TC4", 0x42004000 }, { "ADC0", 0x42004400 },
    { "ADC1", 0x42004800 }, { "SDADC", 0x42004C00 }, { "AC", 0x42005000 },
    { "DAC", 0x42005400 }, { "PTC", 0x42005800 }, { "CCL", 0x42005C00 },
    { "DIVAS", 0x48000000 }, { NULL, 0 },
};

static const struct sam_absent absent_l21[] = {
    { "RTC", 0x40002000 }, { "EIC", 0x40002400 }, { "USB", 0x41000000 },
    { "TCC0", 0x42001400 }, { "TCC1", 0x42001800 }, { "TCC2", 0x42001C00 },
    { "TC0", 0x42002000 }, { "TC1", 0x42002400 }, { "TC2", 0x42002800 },
    { "TC3", 0x42002C00 }, { "DAC", 0x42003000 }, { "AES", 0x42003400 },
    { "TRNG", 0x42003800 }, { "EVSYS", 0x43000000 }, { "TC4", 0x43000800 },
    { "ADC", 0x43000C00 }, { "AC", 0x43001000 }, { "PTC", 0x43001400 },
    { "OPAMP", 0x43001800 }, { "CCL", 0x43001C00 }, { "DMAC", 0x44000400 }, { NULL, 0 },
};

static const struct sam_mclk_map clocks_c21 = {
    .base = { 0x40000800, 0x40000400, 0x40000C00, 0x40001000, 0x40001400, 0x40001800,
              0x40001C00 },
    .bit = { 2, 1, 3, 4, 5, 6, 7 },
    .apbmask = { 0xFFF, 0x7, 0 }, .cpudiv_at = 0x04,
    .generators = 9, .source_mask = 7,
    .sources = { SAM_OSC_NONE, SAM_OSC_NONE, SAM_OSC_GEN1, SAM_OSC_ULP, SAM_OSC_32K,
                 SAM_OSC_XTAL32K, SAM_OSC_48M },
    .osc_intenclr = 0x00, .osc_at = 0x14, .osc_reset = 0x0B82 /* divided by 12 */,
    .osc_ready = 1 << 4, .xosc_at = 0x10, .dpll_at = 0x1C, .osc_syncbusy = 0x18,
};

static const struct sam_mclk_map clocks_l21 = {
    .base = { 0x40000400, 0x40000000, 0x40000800, 0x40000C00, 0x40001000, 0x40001400,
              0x40001800 },
    .bit = { 1, 0, 2, 3, 4, 5, 6 },
    .apbmask = { 0x1FFF, 0x17, 0x7FFF, 0xFF, 0xD }, .cpudiv_at = 0x04,
    .generators = 9, .source_mask = 31,
    .sources = { SAM_OSC_NONE, SAM_OSC_NONE, SAM_OSC_GEN1, SAM_OSC_ULP, SAM_OSC_32K,
                 SAM_OSC_XTAL32K, SAM_OSC_16M, SAM_OSC_DFLL },
    .osc_intenclr = 0x00, .osc_at = 0x14, .osc_reset = 0x82 /* 4 MHz */, .osc_ready = 1 << 4,
    .dfll_at = 0x18, .dfll_ready = 1 << 8, .xosc_at = 0x10, .dpll_at = 0x28,
    .osc_syncbusy = 0x24, .performance_levels = true,
};

static const struct sam_model samc21 = {
    .name = "samc21",
    .core = { .arch = CPU_ARMV6M, .cpuid = 0x410CC601 /* r0p1 */, .irq_count = 32,
              .priority_bits = 2, .has_vtor = true, .single_cycle_multiply = true },
    .port = { .idcode = 0x0BC11477, .ap_idr = 0x04770031, .rom_table = 0x41003000,
              .tar_wrap = 0x400 },
    .debug = { .breakpoints = 4, .watchpoints = 2,
               .peripheral_id = { 0xC0, 0xB4, 0x0B, 0x00, 0x04 },       /* Cortex-M0+ TRM */
               .component_id = { 0x0D, 0x10, 0x05, 0xB1 },
               .rom_base = 0xE00FF000, .rom_entries = rom_m0plus },
    .flash_size = 256 * 1024, .ram_size = 32 * 1024, .rwwee_size = 8 * 1024, .flash_mhz = 19,
    .clock = &sam_mclk_kind, .nvm = &sam_nvm64, .mclk = &clocks_c21,
    .did = 0x11010500 /* die revision F */, .chip_erase_time = 240 * SIM_MS,
    .serial_at = { 0x0080A00C, 0x0080A040, 0x0080A044, 0x0080A048 },
    .user_row = { 0xB15088FF, 0xFFFFF8BB, [2 ... 7] = 0xFFFFFFFF },
    .nvmctrl = { 0x41004000, BRIDGE_B, 2 }, .dsu = { 0x41002000, BRIDGE_B, 1 },
    .portmux = { 0x41000000, BRIDGE_B, 0 }, .wdt = { 0x40002000, BRIDGE_A, 8 },
    .nvmctrl_irq = 6, .wdt_irq = 1, .wdt_gclk = SAM_CLOCK_1K, .wdt_fuse = 26, .wdt_clear = 0x0C,
    .mtb = 0x41008000, .iobus = 0x60000000, .debug_mux = 6 /* G */,
    .pads = pads_64, .bonded = { 0xDBFFFFFF, 0xC0C3FFFF },
    .sercom = {
        { { 0x42000400, BRIDGE_C, 1 }, 19, 9 }, { { 0x42000800, BRIDGE_C, 2 }, 20, 10 },
        { { 0x42000C00, BRIDGE_C, 3 }, 21, 11 }, { { 0x42001000, BRIDGE_C, 4 }, 22, 12 },
        { { 0x42001400, BRIDGE_C, 5 }, 23, 13 }, { { 0x42001800, BRIDGE_C, 6 }, 25, 14 } },
    .sercom_lines = 1, .pac = { 0x40000000, BRIDGE_A, 0 }, .absent = absent_c21,
};

static const struct sam_model saml21 = {
    .name = "saml21",
    .core = { .arch = CPU_ARMV6M, .cpuid = 0x410CC601 /* r0p1 */, .irq_count = 29,
              .priority_bits = 2, .has_vtor = true, .single_cycle_multiply = true },
    .port = { .idcode = 0x0BC11477, .ap_idr = 0x04770031, .rom_table = 0x41003000,
              .tar_wrap = 0x400 },
    .debug = { .breakpoints = 4, .watchpoints = 2,
               .peripheral_id = { 0xC0, 0xB4, 0x0B, 0x00, 0x04 },       /* Cortex-M0+ TRM */
               .component_id = { 0x0D, 0x10, 0x05, 0xB1 },
               .rom_base = 0xE00FF000, .rom_entries = rom_m0plus },
    .flash_size = 256 * 1024, .ram_size = 32 * 1024, .rwwee_size = 8 * 1024,
    .lp_ram_size = 8 * 1024, .flash_mhz = 24,
    .clock = &sam_mclk_kind, .nvm = &sam_nvm64, .mclk = &clocks_l21,
    .did = 0x1081020F /* die revision C */, .chip_erase_time = 240 * SIM_MS,
    .serial_at = { 0x0080A00C, 0x0080A040, 0x0080A044, 0x0080A048 },
    .user_row = { 0xB11E86FF, 0xFFFFF8BB, [2 ... 7] = 0xFFFFFFFF },
    .nvmctrl = { 0x41004000, BRIDGE_B, 2 }, .dsu = { 0x41002000, BRIDGE_B, 1 },
    .portmux = { 0x40002800, BRIDGE_A, 10 }, .wdt = { 0x40001C00, BRIDGE_A, 7 },
    .nvmctrl_irq = 4, .wdt_irq = 1, .wdt_gclk = SAM_CLOCK_1K, .wdt_fuse = 26, .wdt_clear = 0x0C,
    .mtb = 0x41006000, .iobus = 0x60000000, .debug_mux = 6 /* G */,
    .pads = pads_64, .bonded = { 0xCBFFFFFF, 0xC0C3FFFF },
    .sercom = {
        { { 0x42000000, BRIDGE_C, 0 }, 18, 8 }, { { 0x42000400, BRIDGE_C, 1 }, 19, 9 },
        { { 0x42000800, BRIDGE_C, 2 }, 20, 10 }, { { 0x42000C00, BRIDGE_C, 3 }, 21, 11 },
        { { 0x42001000, BRIDGE_C, 4 }, 22, 12 }, { { 0x43000400, BRIDGE_D, 1 }, 24, 13 } },
    .sercom_lines = 1, .pac = { 0x44000000, BRIDGE_E, 0 }, .absent = absent_l21,
};

/* --- SAM D51 ---------------------------------------------------------------------------- */

/* Armv7-M ARM table C1-3; the last entry, the ETM, says "not present": it is not modelled. */
static const uint32_t rom_m4[] = {
    0xFFF0F003, 0xFFF02003, 0xFFF03003, 0xFFF01003, 0xFFF41003, 0xFFF42002, 0,
};

/* Function D has the first two pads of a SERCOM crossed on many pins. */
static const struct sam_pads pads_d51[] = {
    { 0, -1, 4 }, { 1, -1, 5 }, { 4, -1, 0 }, { 5, -1, 1 }, { 6, -1, 2 }, { 7, -1, 3 },
    { 8, 0, 9 }, { 9, 1, 8 }, { 10, 2, 10 }, { 11, 3, 11 },
    { 12, 8, 17 }, { 13, 9, 16 }, { 14, 10, 18 }, { 15, 11, 19 },
    { 16, 4, 13 }, { 17, 5, 12 }, { 18, 6, 14 }, { 19, 7, 15 },
    { 20, 22, 14 }, { 21, 23, 15 }, { 22, 12, 21 }, { 23, 13, 20 },
    { 24, 14, 22 }, { 25, 15, 23 }, { 30, -1, 6 }, { 31, -1, 7 },
    { 32 + 0, -1, 22 }, { 32 + 1, -1, 23 }, { 32 + 2, -1, 20 }, { 32 + 3, -1, 21 },
    { 32 + 8, -1, 16 }, { 32 + 9, -1, 17 }, { 32 + 10, -1, 18 }, { 32 + 11, -1, 19 },
    { 32 + 12, 16, -1 }, { 32 + 13, 17, -1 }, { 32 + 14, 18, -1 }, { 32 + 15, 19, -1 },
    { 32 + 16, 20, -1 }, { 32 + 17, 21, -1 }, { 32 + 22, 6, 22 }, { 32 + 23, 7, 23 },
    { 32 + 30, -1, 21 }, { 32 + 31, -1, 20 }, { -1, -1, -1 },
};

static const struct sam_absent absent_d51[] = {
    { "RTC", 0x40002400 }, { "EIC", 0x40002800 }, { "FREQM", 0x40002C00 },
    { "TC0", 0x40003800 }, { "TC1", 0x40003C00 }, { "USB", 0x41000000 },
    { "DMAC", 0x4100A000 }, { "HMATRIX", 0x4100C000 }, { "EVSYS", 0x4100E000 },
    { "TCC0", 0x41016000 }, { "TCC1", 0x41018000 }, { "TC2", 0x4101A000 },
    { "TC3", 0x4101C000 }, { "RAMECC", 0x41020000 }, { "TCC2", 0x42000C00 },
    { "TCC3", 0x42001000 }, { "TC4", 0x42001400 }, { "TC5", 0x42001800 },
    { "PDEC", 0x42001C00 }, { "AC", 0x42002000 }, { "AES", 0x42002400 },
    { "TRNG", 0x42002800 }, { "ICM", 0x42002C00 }, { "QSPI", 0x42003400 },
    { "CCL", 0x42003800 }, { "TCC4", 0x43001000 }, { "ADC0", 0x43001C00 },
    { "ADC1", 0x43002000 }, { "DAC", 0x43002400 }, { "I2S", 0x43002800 },
    { "PCC", 0x43002C00 }, { NULL, 0 },
};

static const struct sam_mclk_map clocks_d51 = {
    .base = { 0x40000800, 0x40000400, 0x40000C00, 0x40001000, 0x40001400, 0x40001800,
              0x40001C00 },
    .bit = { 2, 1, 3, 4, 5, 6, 7 },
    .apbmask = { 0x7FF, 0x18056, 0, 0 }, .cpudiv_at = 0x05,
    .generators = 12, .source_mask = 15,
    .sources = { SAM_OSC_NONE, SAM_OSC_NONE, SAM_OSC_NONE, SAM_OSC_GEN1, SAM_OSC_ULP,
                 SAM_OSC_XTAL32K, SAM_OSC_DFLL, SAM_OSC_DPLL0, SAM_OSC_DPLL1 },
    .osc_intenclr = 0x04, .osc_at = 0x1C, .osc_reset = 0x82, .osc_ready = 1 << 8,
    .dfll_at = 0x1C, .dfll_ready = 1 << 8, .xosc_at = 0x14, .osc_syncbusy = 0x2C,
    .has_dplls = true, .trace_channel = 47,
};

static const struct sam_model samd51 = {
    .name = "samd51",
    .core = { .arch = CPU_ARMV7EM, .fpu = CPU_FPV4_SP, .cpuid = 0x410FC241 /* r0p1 */,
              .irq_count = 137, .priority_bits = 3, .has_vtor = true },
    .port = { .idcode = 0x2BA01477, .ap_idr = 0x24770011, .rom_table = 0x41003000,
              .packed_transfers = true, .tar_wrap = 0x1000 },
    .debug = { .breakpoints = 6, .literals = 2, .watchpoints = 4,
               .peripheral_id = { 0xC4, 0xB4, 0x0B, 0x00, 0x04 },       /* Cortex-M4 TRM */
               .component_id = { 0x0D, 0x10, 0x05, 0xB1 },
               .rom_base = 0xE00FF000, .rom_entries = rom_m4 },
    .flash_size = 1024 * 1024, .ram_size = 256 * 1024,
    .clock = &sam_mclk_kind, .nvm = &sam_nvm512, .mclk = &clocks_d51,
    .did = 0x60060304 /* die revision D */, .chip_erase_time = 15 * SIM_SECOND,
    .serial_at = { 0x008061FC, 0x00806010, 0x00806014, 0x00806018 },
    .user_row = { 0xFE9A9239, 0xAEECFF80, [2 ... 7] = 0xFFFFFFFF },
    .nvmctrl = { 0x41004000, BRIDGE_B, 2 }, .dsu = { 0x41002000, BRIDGE_B, 1 },
    .portmux = { 0x41008000, BRIDGE_B, 4 }, .wdt = { 0x40002000, BRIDGE_A, 8 },
    .nvmctrl_irq = 29, .wdt_irq = 10, .wdt_gclk = SAM_CLOCK_1K, .wdt_fuse = 48,
    .wdt_clear = 0x0C, .debug_mux = 7 /* H */,
    .pads = pads_d51, .bonded = { 0xCBFFFFFF, 0xC0C3FFFF },
    .sercom = {
        { { 0x40003000, BRIDGE_A, 12 }, 7, 46 }, { { 0x40003400, BRIDGE_A, 13 }, 8, 50 },
        { { 0x41012000, BRIDGE_B, 9 }, 23, 54 }, { { 0x41014000, BRIDGE_B, 10 }, 24, 58 },
        { { 0x43000000, BRIDGE_D, 0 }, 34, 62 }, { { 0x43000400, BRIDGE_D, 1 }, 35, 66 } },
    .sercom_lines = 4, .pac = { 0x40000000, BRIDGE_A, 0 }, .absent = absent_d51,
};

struct chip *samd21_new(struct sim *sim, const char *name, uint32_t unique_id)
{
    return sam_new(sim, name, &samd21, unique_id);
}

struct chip *samd51_new(struct sim *sim, const char *name, uint32_t unique_id)
{
    return sam_new(sim, name, &samd51, unique_id);
}

struct chip *samc21_new(struct sim *sim, const char *name, uint32_t unique_id)
{
    return sam_new(sim, name, &samc21, unique_id);
}

struct chip *saml21_new(struct sim *sim, const char *name, uint32_t unique_id)
{
    return sam_new(sim, name, &saml21, unique_id);
}
