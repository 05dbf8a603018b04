/* l4_types.c - the STM32s with the ports and clocks of the L4: what differs, as tables.
 *
 *   called by  targets.c      read by  all of l4_*.c
 *
 *                 pages               banks                          options, protection
 *   STM32G071RB   64 of 2 KB          one                            PCROP by 512 bytes, twice
 *   STM32G0B1RE   256 of 2 KB         two, or one by DUAL_BANK;      the same in each bank
 *                                     swapped by nSWAP_BANK
 *   STM32L476RG   512 of 2 KB         two; swapped by FB_MODE, BFB2  PCROP by 8 bytes
 *   STM32G474RE   256 of 2 KB, or     two or one by DBANK; swapped   PCROP by 8 or 16 bytes
 *                 128 of 4 KB         by FB_MODE, BFB2
 *   STM32F030R8   64 of 1 KB          one                            an F1's (fpec.c), with levels
 *   STM32F303RC   128 of 2 KB         the same
 *   STM32L053R8   512 of 128 bytes    one, of zeros when erased      write protection or PCROP
 *   STM32L152RC   1024 of 256 bytes   (pecr.c)                       by 4 KB
 *   STM32L152RB   512 of 256 bytes    the same, category 1
 *
 * Reserved bits of option words read as here delivered.  Times are typical ones: DS12232
 * and DS13560 table "Flash memory characteristics" (G0), DS10198 (L476), DS12288 (G474), DS10182
 * (L053), DS10262 and DS6876 (L152RC, RB: categories 3 and 1), DS9773 (F030),
 * DS9118 (F303). */
#include "l4.h"
#include "pecr.h"

#define KB 1024u
#define WORD_TIME_G0 (85 * SIM_US)
#define WORD_TIME_L4 (81690 * SIM_NS)

/* G0: the first address of the area, the last one; both in one bank. */
#define PCROPS_G0   { { 0x24, 0x28, 0 }, { 0x34, 0x38, 0 }, { 0x44, 0x48, 1 }, { 0x54, 0x58, 1 } }
#define PCROPS_L4   { { 0x24, 0x28, 0 }, { 0x44, 0x48, 1 } }
#define WRPS        { { 0x2C, 0x2C, 0 }, { 0x30, 0x30, 0 }, { 0x4C, 0x4C, 1 }, { 0x50, 0x50, 1 } }

#define L4_COMMON   .controller = &l4_controller, .usarts = 3, \
                    .system_memory = 0x1FFF0000, .system_size = 0x7000, \
                    .signature = { 0x1FFF7500, { 0x90, 0x94, 0x98 }, 0xE0 }

/* All analog but the debug port's pins. */
static const struct l4_port_reset ports_m0 = {
    { 0xEBFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF }, { 0x24000000, 0, 0 },
}, ports_m4 = {
    { 0xABFFFFFF, 0xFFFFFEBF, 0xFFFFFFFF }, { 0x64000000, 0x100, 0 },
}, ports_l0 = {
    { 0xEBFFFCFF, 0xFFFFFFFF, 0xFFFFFFFF }, { 0x24000000, 0, 0 },
}, ports_f0 = {                             /* inputs */
    { 0x28000000, 0, 0 }, { 0x24000000, 0, 0 },
}, ports_l1 = {                             /* inputs; an F3's too */
    { 0xA8000000, 0x00000280, 0 }, { 0x64000000, 0x100, 0 },
};

static const uint8_t functions_g0[3][2] = { { 1, 0 }, { 1, 0 }, { 4, 1 } };
static const uint8_t functions_f0[2][2] = { { 1, 0 }, { 1, 1 } };
static const uint8_t functions_l0[2][2] = { { 4, 0 }, { 4, 4 } };

static const struct l4_type g071 = {
    .name = "stm32g071", .cpuid = 0x410CC601, .idcode = 0x20006460, .irqs = 32, .m0 = true,
    .ram = { { "SRAM", 0x20000000, 36 * KB } }, .secret_ram = -1, .ram_kb = 36,
    .pins = { 0xFFFF, 0xFFFF, 0xFFFF, 0x037F, 0, 0x0007 },
    L4_COMMON, .ports = &ports_m0, .usart_function = functions_g0, .dbgmcu = 0x40015800,
    .gpio_base = 0x50000000, .clocks = L4_CLOCKS_G0, .boot_pin = L4_BOOT_PA14,
    .flash_size = 128 * KB, .page = 2 * KB, .single_page = 2 * KB, .banks = 1,
    .pnb = 0x3F, .busy_by_bank = true, .has_empty = true, .has_swen = true,
    .has_nrst_mode = true, .ecc_shift = 3,
    .pcrop_shift = 9, .pcrop_single_shift = 9, .pcrop_one = true,
    .pcrop = PCROPS_G0, .pcrops = 2, .wrp = WRPS, .wrps = 2,
    .options = {
        { L4_OPTR, 0x00, 0xFFFFFEAA, 0x3F7FFFFF },
        { 0x24, 0x08, 0xFF, 0xFF }, { 0x28, 0x10, 0, 0x800000FF },
        { 0x2C, 0x18, 0x3F, 0x003F003F }, { 0x30, 0x20, 0x3F, 0x003F003F },
        { 0x34, 0x28, 0xFF, 0xFF }, { 0x38, 0x30, 0, 0xFF },
        { L4_SECR, 0x70, 0, 0x0001007F },
    },
    .option_count = 8,
    .program = WORD_TIME_G0, .page_erase = 22000 * SIM_US, .mass_erase = 22100 * SIM_US,
    .fast = 53125 * SIM_NS, .latency_mhz = 24, .latency_bits = 7,
};

static const struct l4_type g0b1 = {
    .name = "stm32g0b1", .cpuid = 0x410CC601, .idcode = 0x10006467, .irqs = 32, .m0 = true,
    .ram = { { "SRAM", 0x20000000, 144 * KB } }, .secret_ram = -1, .ram_kb = 144,
    .pins = { 0xFFFF, 0xFFFF, 0xFFFF, 0x037F, 0, 0x0007 },
    L4_COMMON, .ports = &ports_m0, .usart_function = functions_g0, .dbgmcu = 0x40015800,
    .gpio_base = 0x50000000, .clocks = L4_CLOCKS_G0, .boot_pin = L4_BOOT_PA14,
    .flash_size = 512 * KB, .page = 2 * KB, .single_page = 2 * KB, .banks = 2,
    .dual_option = 1 << 21, .swap = L4_SWAP_OPTION,
    .bker = 1 << 13, .pnb = 0x3FF, .busy_by_bank = true, .has_empty = true, .has_swen = true,
    .has_nrst_mode = true, .ecc_shift = 3,
    .pcrop_shift = 9, .pcrop_single_shift = 9, .pcrop_one = true,
    .pcrop = PCROPS_G0, .pcrops = 4, .wrp = WRPS, .wrps = 4,
    .options = {
        { L4_OPTR, 0x00, 0xFFFFFEAA, 0x3F7FFFFF },
        { 0x24, 0x08, 0x1FF, 0x1FF }, { 0x28, 0x10, 0, 0x800001FF },
        { 0x2C, 0x18, 0x7F, 0x007F007F }, { 0x30, 0x20, 0x7F, 0x007F007F },
        { 0x34, 0x28, 0x1FF, 0x1FF }, { 0x38, 0x30, 0, 0x1FF },
        { 0x44, 0x38, 0x1FF, 0x1FF }, { 0x48, 0x40, 0, 0x1FF },
        { 0x4C, 0x48, 0x7F, 0x007F007F }, { 0x50, 0x50, 0x7F, 0x007F007F },
        { 0x54, 0x58, 0x1FF, 0x1FF }, { 0x58, 0x60, 0, 0x1FF },
        { L4_SECR, 0x70, 0, 0x0FF100FF },
    },
    .option_count = 14,
    .program = WORD_TIME_G0, .page_erase = 22000 * SIM_US, .mass_erase = 22100 * SIM_US,
    .fast = 53125 * SIM_NS, .latency_mhz = 24, .latency_bits = 7,
};

static const struct l4_type l476 = {
    .name = "stm32l476", .cpuid = 0x410FC241, .idcode = 0x10076415, .irqs = 82,
    .ram = { { "SRAM1", 0x20000000, 96 * KB }, { "SRAM2", 0x10000000, 32 * KB } },
    .secret_ram = 1, .ram_kb = 96,
    .pins = { 0xFFFF, 0xFFFF, 0xFFFF, 0x0004, 0, 0, 0, 0x0003 },
    L4_COMMON, .ports = &ports_m4, .has_all_ports = true, .dbgmcu = 0xE0042000,
    .gpio_base = 0x48000000, .clocks = L4_CLOCKS_L4, .boot_pin = L4_BOOT_OWN,
    .flash_size = 1024 * KB, .page = 2 * KB, .single_page = 2 * KB, .banks = 2,
    .swap = L4_SWAP_FB_MODE, .bker = 1 << 11, .pnb = 0xFF,
    .has_power_down = true, .has_dcache = true, .ecc_bank = 1 << 19,
    .pcrop_shift = 3, .pcrop_single_shift = 3,
    .pcrop = PCROPS_L4, .pcrops = 2, .wrp = WRPS, .wrps = 4,
    .options = {
        { L4_OPTR, 0x0000, 0xFFEFF8AA, 0x03BF77FF },
        { 0x24, 0x0008, 0xFFFFFFFF, 0xFFFF }, { 0x28, 0x0010, 0x0FFF0000, 0x8000FFFF },
        { 0x2C, 0x0018, 0xFF00FFFF, 0x00FF00FF }, { 0x30, 0x0020, 0xFF00FFFF, 0x00FF00FF },
        { 0x44, 0x8008, 0xFFFFFFFF, 0xFFFF }, { 0x48, 0x8010, 0xFFFF0000, 0xFFFF },
        { 0x4C, 0x8018, 0xFF00FFFF, 0x00FF00FF }, { 0x50, 0x8020, 0xFF00FFFF, 0x00FF00FF },
    },
    .option_count = 9,
    .program = WORD_TIME_L4, .page_erase = 22020 * SIM_US, .mass_erase = 22130 * SIM_US,
    .fast = 59690 * SIM_NS, .latency_mhz = 16, .latency_bits = 7,
};

static const struct l4_type g474 = {
    .name = "stm32g474", .cpuid = 0x410FC241, .idcode = 0x20036469, .irqs = 102,
    .ram = { { "SRAM1", 0x20000000, 80 * KB }, { "SRAM2", 0x20014000, 16 * KB },
             { "CCM SRAM", 0x10000000, 32 * KB } },
    .secret_ram = 2, .ram_kb = 96,
    .pins = { 0xFFFF, 0xFFFF, 0xFFFF, 0x0004, 0, 0x0003 },
    L4_COMMON, .ports = &ports_m4, .has_all_ports = true, .dbgmcu = 0xE0042000,
    .gpio_base = 0x48000000, .clocks = L4_CLOCKS_G4, .boot_pin = L4_BOOT_PB8,
    .flash_size = 512 * KB, .page = 2 * KB, .single_page = 4 * KB, .banks = 2,
    .dual_option = 1 << 22, .swap = L4_SWAP_FB_MODE, .bker = 1 << 11, .pnb = 0x7F,
    .has_swen = true, .has_power_down = true, .has_dcache = true, .has_nrst_mode = true,
    .ecc_bank = 1 << 21,
    .pcrop_shift = 3, .pcrop_single_shift = 4,
    .pcrop = PCROPS_L4, .pcrops = 2, .wrp = WRPS, .wrps = 4,
    .options = {
        { L4_OPTR, 0x0000, 0xFFEFF8AA, 0x7FDF77FF },
        { 0x24, 0x0008, 0xFFFFFFFF, 0x7FFF }, { 0x28, 0x0010, 0x00FF0000, 0x80007FFF },
        { 0x2C, 0x0018, 0xFF80FFFF, 0x007F007F }, { 0x30, 0x0020, 0xFF80FFFF, 0x007F007F },
        { L4_SEC1R, 0x0028, 0xFF00FF00, 0x000100FF },
        { 0x44, 0x8008, 0xFFFFFFFF, 0x7FFF }, { 0x48, 0x8010, 0xFFFF0000, 0x7FFF },
        { 0x4C, 0x8018, 0xFF80FFFF, 0x007F007F }, { 0x50, 0x8020, 0xFF80FFFF, 0x007F007F },
        { L4_SEC2R, 0x8028, 0xFFFFFF00, 0x000000FF },
    },
    .option_count = 11,
    .program = WORD_TIME_L4, .page_erase = 22020 * SIM_US, .mass_erase = 22130 * SIM_US,
    .fast = 59690 * SIM_NS, .latency_mhz = 34, .latency_bits = 15,
};

static const struct pecr_type pecr_l053 = {
    .registers = 0x40022000, .l0 = true, .page = 128, .half_page = 64, .eeprom_size = 2 * KB,
    .flash_irq = 3, .option_words = 4, .wrprs = 1, .delivered = { 0x00AA, 0x8070 },
    .time = 3280 * SIM_US,
};

static const struct l4_type l053 = {
    .name = "stm32l053", .cpuid = 0x410CC601, .idcode = 0x10386417, .irqs = 32, .m0 = true,
    .ram = { { "SRAM", 0x20000000, 8 * KB } }, .secret_ram = -1, .ram_kb = 8,
    .pins = { 0xFFFF, 0xFFFF, 0xFFFF, 0x0004, 0, 0, 0, 0x0003 },
    .gpio_base = 0x50000000, .ports = &ports_l0, .usarts = 2, .usart_function = functions_l0,
    .dbgmcu = 0x40015800, .signature = { 0x1FF80040, { 0x10, 0x14, 0x24 }, 0x3C },
    .system_memory = 0x1FF00000, .system_size = 4 * KB,
    .clocks = L4_CLOCKS_L0, .boot_pin = L4_BOOT_OWN, .banks = 1,
    .controller = &pecr_controller, .pecr = &pecr_l053, .flash_size = 64 * KB,
    .latency_mhz = 16,
};

static const struct pecr_type pecr_l152rc = {
    .registers = 0x40023C00, .has_64_bits = true, .page = 256, .half_page = 128,
    .eeprom_size = 8 * KB, .flash_irq = 4, .option_words = 6, .wrprs = 2,
    .delivered = { 0x00AA, 0x00F8 }, .time = 3280 * SIM_US,
}, pecr_l152rb = {
    .registers = 0x40023C00, .has_64_bits = true, .loses_zero_bytes = true, .page = 256,
    .half_page = 128, .eeprom_size = 4 * KB, .flash_irq = 4, .option_words = 4, .wrprs = 1,
    .delivered = { 0x00AA, 0x0078 }, .time = 3280 * SIM_US,
};

#define L1_COMMON \
    .cpuid = 0x412FC230, .irqs = 57, .secret_ram = -1, \
    .pins = { 0xFFFF, 0xFFFF, 0xFFFF, 0x0004 }, \
    .gpio_base = 0x40020000, .ports = &ports_l1, .old_usart = true, .usarts = 3, \
    .dbgmcu = 0xE0042000, .system_memory = 0x1FF00000, .system_size = 4 * KB, \
    .clocks = L4_CLOCKS_L1, .boot_pin = L4_BOOT_OWN, .banks = 1, \
    .controller = &pecr_controller, .latency_mhz = 16

static const struct l4_type l152rc = {
    L1_COMMON, .name = "stm32l152", .idcode = 0x10386427,
    .ram = { { "SRAM", 0x20000000, 32 * KB } }, .ram_kb = 32, .pecr = &pecr_l152rc,
    .flash_size = 256 * KB, .signature = { 0x1FF80040, { 0x90, 0x94, 0xA4 }, 0x8C },
}, l152rb = {
    L1_COMMON, .name = "stm32l152rb", .idcode = 0x10786416,
    .ram = { { "SRAM", 0x20000000, 16 * KB } }, .ram_kb = 16, .pecr = &pecr_l152rb,
    .flash_size = 128 * KB, .signature = { 0x1FF80040, { 0x10, 0x14, 0x24 }, 0x0C },
};

static const struct l4_type f030 = {
    .name = "stm32f030", .cpuid = 0x410CC200, .idcode = 0x20006440, .irqs = 32, .m0 = true,
    .ram = { { "SRAM", 0x20000000, 8 * KB } }, .secret_ram = -1, .ram_kb = 8,
    .pins = { 0xFFFF, 0xFFFF, 0xFFFF, 0x0004, 0, 0x00F3 },
    .gpio_base = 0x48000000, .ports = &ports_f0, .usarts = 2, .usart_function = functions_f0,
    .dbgmcu = 0x40015800, .signature = { 0x1FFFF700, { 0xAC, 0xB0, 0xB4 }, 0xCC },
    .system_memory = 0x1FFFEC00, .system_size = 0xB00,
    .clocks = L4_CLOCKS_F0, .boot_pin = L4_BOOT_OWN, .banks = 1,
    .controller = &fpec_controller, .flash_size = 64 * KB, .latency_mhz = 24,
    .fpec = { .page = 1 * KB, .levels = true, .user = 0xFF, .program = 53500 * SIM_NS,
              .erase = 30 * SIM_MS },
};

static const struct l4_type f303 = {
    .name = "stm32f303", .cpuid = 0x410FC241, .idcode = 0x10036422, .irqs = 82,
    .ram = { { "SRAM", 0x20000000, 40 * KB }, { "CCM SRAM", 0x10000000, 8 * KB } },
    .secret_ram = -1, .ram_kb = 40,
    .pins = { 0xFFFF, 0xFFFF, 0xFFFF, 0x0004, 0, 0x0013 },
    .gpio_base = 0x48000000, .ports = &ports_l1, .usarts = 3,
    .dbgmcu = 0xE0042000, .signature = { 0x1FFFF700, { 0xAC, 0xB0, 0xB4 }, 0xCC },
    .system_memory = 0x1FFFD800, .system_size = 0x1F00,
    .clocks = L4_CLOCKS_F3, .boot_pin = L4_BOOT_OWN, .banks = 1,
    .controller = &fpec_controller, .flash_size = 256 * KB, .latency_mhz = 24,
    .fpec = { .page = 2 * KB, .levels = true, .user = 0xFF, .program = 53500 * SIM_NS,
              .erase = 30 * SIM_MS },
};

struct chip *stm32f030_new(struct sim *sim, const char *name, uint32_t unique_id)
{
    return l4_new(sim, &f030, name, unique_id);
}

struct chip *stm32f303_new(struct sim *sim, const char *name, uint32_t unique_id)
{
    return l4_new(sim, &f303, name, unique_id);
}

struct chip *stm32l053_new(struct sim *sim, const char *name, uint32_t unique_id)
{
    return l4_new(sim, &l053, name, unique_id);
}

struct chip *stm32l152_new(struct sim *sim, const char *name, uint32_t unique_id)
{
    return l4_new(sim, &l152rc, name, unique_id);
}

struct chip *stm32l152rb_new(struct sim *sim, const char *name, uint32_t unique_id)
{
    return l4_new(sim, &l152rb, name, unique_id);
}

struct chip *stm32g071_new(struct sim *sim, const char *name, uint32_t unique_id)
{
    return l4_new(sim, &g071, name, unique_id);
}

struct chip *stm32g0b1_new(struct sim *sim, const char *name, uint32_t unique_id)
{
    return l4_new(sim, &g0b1, name, unique_id);
}

struct chip *stm32l476_new(struct sim *sim, const char *name, uint32_t unique_id)
{
    return l4_new(sim, &l476, name, unique_id);
}

struct chip *stm32g474_new(struct sim *sim, const char *name, uint32_t unique_id)
{
    return l4_new(sim, &g474, name, unique_id);
}
