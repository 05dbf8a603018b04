/* nrf5_models.c - the chips of Nordic's that there are, as data.
 *
 *   called by  targets.c      calls  nrf5.c
 *
 *   nrf51822     QFAA, build code H0 (third revision): Cortex-M0, 256 KB in pages of 1 KB, 16 KB
 *   nrf52840     build code AAD0, or AAF0 (hardened): Cortex-M4, 1 MB in pages of 4 KB, 256 KB
 *
 * There is no bit-banding.
 *
 * Sources: nRF52840 Product Specification v1.7 (4.3.9 times of the flash, 4.4 FICR); nRF51
 * reference manual v3.0 (7 FICR), nRF51822 Product Specification v3.1 (times: at most 46.3 us a
 * word, 22.3 ms a page and all; no typical ones are given), ROM table as its start-up code
 * reads it; Armv6-M and Armv7-M ARM for the core's table. */
#include "nrf5.h"

static const uint32_t rom_m0[] = { 0xFFF0F003, 0xFFF02003, 0xFFF03003, 0 };
/* Armv7-M ARM table C1-3; the last entry, the ETM, says "not present". */
static const uint32_t rom_m4[] = {
    0xFFF0F003, 0xFFF02003, 0xFFF03003, 0xFFF01003, 0xFFF41003, 0xFFF42002, 0,
};

static const struct nrf5_absent absent_51[] = {
    { "RADIO", 0x40001000 }, { "SPI0, TWI0", 0x40003000 }, { "SPI1, TWI1, SPIS1", 0x40004000 },
    { "GPIOTE", 0x40006000 }, { "ADC", 0x40007000 }, { "TIMER0", 0x40008000 },
    { "TIMER1", 0x40009000 }, { "TIMER2", 0x4000A000 }, { "RTC0", 0x4000B000 },
    { "TEMP", 0x4000C000 }, { "RNG", 0x4000D000 }, { "ECB", 0x4000E000 },
    { "AAR, CCM", 0x4000F000 }, { "RTC1", 0x40011000 }, { "QDEC", 0x40012000 },
    { "LPCOMP", 0x40013000 }, { "SWI0", 0x40014000 }, { "SWI1", 0x40015000 },
    { "SWI2", 0x40016000 }, { "SWI3", 0x40017000 }, { "SWI4", 0x40018000 },
    { "SWI5", 0x40019000 }, { "PPI", 0x4001F000 }, { NULL, 0 },
};

static const struct nrf5_absent absent_52[] = {
    { "RADIO", 0x40001000 }, { "SPIM0, TWIM0", 0x40003000 }, { "SPIM1, TWIM1", 0x40004000 },
    { "NFCT", 0x40005000 }, { "GPIOTE", 0x40006000 }, { "SAADC", 0x40007000 },
    { "TIMER0", 0x40008000 }, { "TIMER1", 0x40009000 }, { "TIMER2", 0x4000A000 },
    { "RTC0", 0x4000B000 }, { "TEMP", 0x4000C000 }, { "RNG", 0x4000D000 },
    { "ECB", 0x4000E000 }, { "AAR, CCM", 0x4000F000 }, { "RTC1", 0x40011000 },
    { "QDEC", 0x40012000 }, { "COMP, LPCOMP", 0x40013000 }, { "EGU0, SWI0", 0x40014000 },
    { "EGU1, SWI1", 0x40015000 }, { "EGU2, SWI2", 0x40016000 }, { "EGU3, SWI3", 0x40017000 },
    { "EGU4, SWI4", 0x40018000 }, { "EGU5, SWI5", 0x40019000 }, { "TIMER3", 0x4001A000 },
    { "TIMER4", 0x4001B000 }, { "PWM0", 0x4001C000 }, { "PDM", 0x4001D000 },
    { "PPI", 0x4001F000 }, { "MWU", 0x40020000 }, { "PWM1", 0x40021000 },
    { "PWM2", 0x40022000 }, { "SPIM2", 0x40023000 }, { "RTC2", 0x40024000 },
    { "I2S", 0x40025000 }, { "FPU", 0x40026000 }, { "USBD", 0x40027000 },
    { "UARTE1", 0x40028000 }, { "QSPI", 0x40029000 }, { "PWM3", 0x4002D000 },
    { "SPIM3", 0x4002F000 }, { "CRYPTOCELL", 0x5002A000 }, { NULL, 0 },
};

/* CODEPAGESIZE, CODESIZE, two blocks of RAM of 8 KB, CONFIGID (HWID 0x0072), DEVICEADDRTYPE.
 * CLENR0 and PPFC, all ones: no code came with it. */
static const struct nrf5_word ficr_51[] = {
    { 0x010, 1024 }, { 0x014, 256 }, { 0x034, 2 }, { 0x038, 8192 }, { 0x03C, 8192 },
    { 0x05C, 0xFFFF0072 }, { 0x0A0, 1 }, { 0, 0 },
};

/* PART, PACKAGE QIAA, RAM and FLASH in KB.  VARIANT is nrf5.c's. */
static const struct nrf5_word ficr_52[] = {
    { 0x010, 4096 }, { 0x014, 256 }, { 0x0A0, 1 }, { 0x100, 0x52840 }, { 0x108, 0x2004 },
    { 0x10C, 256 }, { 0x110, 1024 }, { 0, 0 },
};

static const struct nrf5_model nrf51822 = {
    .name = "nrf51822", .is_51 = true,
    .flash_size = 256 * 1024, .page = 1024, .ram_size = 16 * 1024, .hz = 16000000,
    .write_time = 46300 * SIM_NS, .page_time = 22300 * SIM_US, .all_time = 22300 * SIM_US,
    .port_pins = { 32, 0 },
    .core = { .arch = CPU_ARMV6M, .cpuid = 0x410CC200, .irq_count = 32, .priority_bits = 2,
              .single_cycle_multiply = true },
    .port = { .idcode = 0x0BB11477, .ap_idr = 0x04770021, .rom_table = 0xF0000000,
              .tar_wrap = 0x400 },
    .debug = { .breakpoints = 4, .watchpoints = 2,
               .peripheral_id = { 0x71, 0xB4, 0x0B, 0x00, 0x04 },   /* Cortex-M0 TRM */
               .component_id = { 0x0D, 0x10, 0x05, 0xB1 },
               .rom_base = 0xE00FF000, .rom_entries = rom_m0 },
    .ficr = ficr_51, .absent = absent_51,
};

static const struct nrf5_model nrf52840 = {
    .name = "nrf52840",
    .flash_size = 1024 * 1024, .page = 4096, .ram_size = 256 * 1024, .hz = 64000000,
    .wait_states = 2,
    .write_time = 41 * SIM_US, .page_time = 85 * SIM_MS, .all_time = 169 * SIM_MS,
    .port_pins = { 32, 16 },
    .core = { .arch = CPU_ARMV7EM, .fpu = CPU_FPV4_SP, .cpuid = 0x410FC241 /* r0p1 */,
              .irq_count = 48, .priority_bits = 3, .has_vtor = true },
    .port = { .idcode = 0x2BA01477, .ap_idr = 0x24770011, .rom_table = 0xE00FF000,
              .packed_transfers = true, .tar_wrap = 0x1000 },
    .debug = { .breakpoints = 6, .literals = 2, .watchpoints = 4,
               .peripheral_id = { 0x08, 0x40, 0x0C, 0x00, 0x02 },   /* part 0x008 by Nordic */
               .component_id = { 0x0D, 0x10, 0x05, 0xB1 },
               .rom_base = 0xE00FF000, .rom_entries = rom_m4 },
    .ficr = ficr_52, .absent = absent_52,
};

struct chip *nrf51_new(struct sim *sim, const char *name, uint32_t unique_id)
{
    return nrf5_new(sim, name, &nrf51822, false, unique_id);
}

struct chip *nrf52_new(struct sim *sim, const char *name, bool hardened, uint32_t unique_id)
{
    return nrf5_new(sim, name, &nrf52840, hardened, unique_id);
}
