/* f4_parts.c - the parts of the families STM32F2, F4 and F7 that are modelled, as data.
 *
 *   called by  targets.c      calls  f4.c
 *
 *   part        flash               RAM from 0x20000000   CCM     id     manual, data sheet
 *   STM32F205RG 1 MB, one bank      112 + 16 KB                   0x411  RM0033, DS6329
 *   STM32F405RG 1 MB, one bank      112 + 16 KB           64 KB   0x413  RM0090, DS8626
 *   STM32F429ZI 2 MB, two banks     112 + 16 + 64 KB      64 KB   0x419  RM0090, DS9405
 *   STM32F746ZG 1 MB, one bank      64 (DTCM) + 240 + 16 KB  ITCM 16 KB  0x449  RM0385, DS10916
 *   STM32F767ZI 2 MB, one bank      128 (DTCM) + 368 + 16 KB
 *               or two, by nDBANK                         ITCM 16 KB  0x451  RM0410, DS11532
 *
 * A further part is a further row.  Times are the typical ones of the data sheets (DS8626
 * table 48, DS9405 table 49, DS10916 table 46; an F7's sectors are twice an F4's and take as
 * long).  Those of an F205 and an F767 are taken to be the same.
 *
 * An F767's clock enables for sleep (LPENR) are one for each that it has. */
#include "f4.h"

#define KB(n) ((n) * 1024u)
#define OPTION_KEEP 0x0FFFFFECu         /* of OPTCR: nWRP[11:0], RDP, USER, BOR_LEV */

/* Of an M3, too.  Armv7-M ARM table C1-3; the last entry, the ETM, says "not present". */
static const uint32_t rom_m4[] = {
    0xFFF0F003, 0xFFF02003, 0xFFF03003, 0xFFF01003, 0xFFF41003, 0xFFF42002, 0,
};

/* RM0090 38.6.2, 38.6.3: an M4's SWJ-DP, and a boundary scan TAP before it. */
#define PORT_M4(scan) { \
    .idcode = 0x2BA01477, .ap_idr = 0x24770011, .rom_table = 0xE00FF000, \
    .packed_transfers = true, .tar_wrap = 0x1000, .has_jtag = true, \
    .jtag_idcode = 0x4BA00477, .scan_idcode = scan }

/* The ROM table says the part, by ST. */
#define DEBUG_M4(part) { \
    .breakpoints = 6, .literals = 2, .watchpoints = 4, \
    .peripheral_id = { part & 0xFF, part >> 8, 0x0A, 0x00, 0x00 }, \
    .component_id = { 0x0D, 0x10, 0x05, 0xB1 }, \
    .rom_base = 0xE00FF000, .rom_entries = rom_m4 }

/* An M7's three ROM tables (TRM 9.1.1, 9.1.2): ST's leads to the processor's and to the TPIU,
 * that to the PPB's; ETM and CTI are left out ("not present"). */
static const uint32_t rom_f7[] = { 0x00001003, 0xFFF43003, 0 };
static const uint32_t rom_m7[] = { 0x00001003, 0xFFF43002, 0xFFF44002, 0x1FF02002, 0 };
static const uint32_t rom_m7_ppb[] = {
    0xFFF0F003, 0xFFF02003, 0xFFF03003, 0xFFF01003, 0xFFF41002, 0xFFF42002, 0,
};
static const struct rom_table more_tables_f7[] = {
    { 0xE00FE000, rom_m7, { 0xC8, 0xB4, 0x0B, 0x00, 0x04 } },
    { 0xE00FF000, rom_m7_ppb, { 0xC7, 0xB4, 0x0B, 0x00, 0x04 } },
    { 0, NULL, { 0 } },
};

/* RM0385 40.6; the AHB-AP of an M7 has all of HPROT, and asks for no cache by itself.  TARGETID
 * as H7s have it: assumed. */
#define PORT_M7(part) { \
    .idcode = 0x5BA02477, .targetid = part << 16 | 0x41, .ap_idr = 0x74770001, \
    .rom_table = 0xE00FD000, .packed_transfers = true, .tar_wrap = 0x400, \
    .csw_prot = 0x6F000000, .has_jtag = true, .jtag_idcode = 0x5BA00477, \
    .scan_idcode = 0x06000041 | part << 12 }
#define DEBUG_M7(part) { \
    .fpb_version = 2, .breakpoints = 8, .watchpoints = 4, \
    .peripheral_id = { part & 0xFF, part >> 8, 0x0A, 0x00, 0x00 }, \
    .component_id = { 0x0D, 0x10, 0x05, 0xB1 }, \
    .rom_base = 0xE00FD000, .rom_entries = rom_f7, .more_tables = more_tables_f7 }

static const struct f4_memory memories_f20x[] = {
    { "SRAM", 0x20000000, KB(128), F4_RAM }, { NULL, 0, 0, F4_RAM },
};
static const struct f4_memory memories_f405[] = {
    { "SRAM", 0x20000000, KB(128), F4_RAM },
    { "CCM", 0x10000000, KB(64), F4_DATA_ONLY }, { NULL, 0, 0, F4_RAM },
};
static const struct f4_memory memories_f42x[] = {
    { "SRAM", 0x20000000, KB(192), F4_RAM },
    { "CCM", 0x10000000, KB(64), F4_DATA_ONLY }, { NULL, 0, 0, F4_RAM },
};
static const struct f4_memory memories_f74x[] = {
    { "DTCM", 0x20000000, KB(64), F4_RAM }, { "SRAM1", 0x20010000, KB(240), F4_CACHED },
    { "SRAM2", 0x2004C000, KB(16), F4_CACHED },
    { "ITCM RAM", 0x00000000, KB(16), F4_RAM }, { NULL, 0, 0, F4_RAM },
};

static const struct f4_memory memories_f76x[] = {
    { "DTCM", 0x20000000, KB(128), F4_RAM }, { "SRAM1", 0x20020000, KB(368), F4_CACHED },
    { "SRAM2", 0x2007C000, KB(16), F4_CACHED },
    { "ITCM RAM", 0x00000000, KB(16), F4_RAM }, { NULL, 0, 0, F4_RAM },
};

#define ABSENT_F4 \
    { "TIM2", 0x40000000, 0x400 }, { "TIM3", 0x40000400, 0x400 }, \
    { "TIM4", 0x40000800, 0x400 }, { "TIM5", 0x40000C00, 0x400 }, \
    { "TIM6", 0x40001000, 0x400 }, { "TIM7", 0x40001400, 0x400 }, \
    { "TIM12", 0x40001800, 0x400 }, { "TIM13", 0x40001C00, 0x400 }, \
    { "TIM14", 0x40002000, 0x400 }, { "RTC and BKP", 0x40002800, 0x400 }, \
    { "SPI2", 0x40003800, 0x400 }, { "SPI3", 0x40003C00, 0x400 }, \
    { "UART4", 0x40004C00, 0x400 }, { "UART5", 0x40005000, 0x400 }, \
    { "I2C1", 0x40005400, 0x400 }, { "I2C2", 0x40005800, 0x400 }, \
    { "I2C3", 0x40005C00, 0x400 }, { "CAN1", 0x40006400, 0x400 }, \
    { "CAN2", 0x40006800, 0x400 }, { "DAC", 0x40007400, 0x400 }, \
    { "TIM1", 0x40010000, 0x400 }, { "TIM8", 0x40010400, 0x400 }, \
    { "ADC", 0x40012000, 0x400 }, { "SDIO", 0x40012C00, 0x400 }, \
    { "SPI1", 0x40013000, 0x400 }, { "EXTI", 0x40013C00, 0x400 }, \
    { "TIM9", 0x40014000, 0x400 }, { "TIM10", 0x40014400, 0x400 }, \
    { "TIM11", 0x40014800, 0x400 }, { "CRC", 0x40023000, 0x400 }, \
    { "BKPSRAM", 0x40024000, 0x1000 }, { "DMA1", 0x40026000, 0x400 }, \
    { "DMA2", 0x40026400, 0x400 }, { "ETHERNET", 0x40028000, 0x1400 }, \
    { "USB OTG HS", 0x40040000, 0x40000 }, { "USB OTG FS", 0x50000000, 0x40000 }, \
    { "DCMI", 0x50050000, 0x400 }, { "RNG", 0x50060800, 0x400 }

static const struct f4_area absent_f405[] = { ABSENT_F4, { NULL, 0, 0 } };
static const struct f4_area absent_f42x[] = {
    ABSENT_F4, { "UART7", 0x40007800, 0x400 }, { "UART8", 0x40007C00, 0x400 },
    { "SPI4", 0x40013400, 0x400 }, { "SPI5", 0x40015000, 0x400 },
    { "SPI6", 0x40015400, 0x400 }, { "SAI1", 0x40015800, 0x400 },
    { "LTDC", 0x40016800, 0x400 }, { "DMA2D", 0x4002B000, 0x1000 },
    { "CRYP", 0x50060000, 0x400 }, { "HASH", 0x50060400, 0x400 },
    { "FMC", 0xA0000000, 0x1000 }, { NULL, 0, 0 },
};

#define ABSENT_F7 \
    ABSENT_F4, { "LPTIM1", 0x40002400, 0x400 }, { "SPDIFRX", 0x40004000, 0x400 }, \
    { "I2C4", 0x40006000, 0x400 }, { "HDMI-CEC", 0x40006C00, 0x400 }, \
    { "UART7", 0x40007800, 0x400 }, { "UART8", 0x40007C00, 0x400 }, \
    { "SPI4", 0x40013400, 0x400 }, { "SPI5", 0x40015000, 0x400 }, \
    { "SPI6", 0x40015400, 0x400 }, { "SAI1", 0x40015800, 0x400 }, \
    { "SAI2", 0x40015C00, 0x400 }, { "LTDC", 0x40016800, 0x400 }, \
    { "DMA2D", 0x4002B000, 0x1000 }, { "CRYP", 0x50060000, 0x400 }, \
    { "HASH", 0x50060400, 0x400 }, { "FMC", 0xA0000000, 0x1000 }, \
    { "QUADSPI", 0xA0001000, 0x400 }

static const struct f4_area absent_f74x[] = { ABSENT_F7, { NULL, 0, 0 } };
static const struct f4_area absent_f76x[] = {
    ABSENT_F7, { "CAN3", 0x40003400, 0x400 }, { "SDMMC2", 0x40011C00, 0x400 },
    { "DSI HOST", 0x40016C00, 0x400 }, { "DFSDM1", 0x40017400, 0x400 },
    { "MDIOS", 0x40017800, 0x400 }, { "JPEG", 0x50051000, 0x1000 }, { NULL, 0, 0 },
};

#define SECTOR_TIMES { { 400, 300, 250, 250 }, { 1200, 700, 550, 550 }, \
                       { 2000, 1300, 1000, 1000 } }
#define MASS_TIMES   { 16000, 11000, 8000, 8000 }

/* RM0090 3.9: what is in ACR, SR and CR of all. */
enum { ACR_F4 = 0x1F07, SR_F4 = 0xF3, CR_F4 = 0x0300037F };

const struct f4_part f4_parts[] = {
    [F4_STM32F205] = {
        .name = "stm32f205", .arch = CPU_ARMV7M, .cpuid = 0x412FC230, .irqs = 81,   /* r2p0 */
        .systick_calib = 15000, 
        .port = PORT_M4(0x06411041), .debug = DEBUG_M4(0x411),
        .idcode = 0x20036411, .freeze_bits = { 0x06E01DFF, 0x00070003 },    /* revision X */
        .memories = memories_f20x, .absent = absent_f405, .ram_size = KB(128),
        .bonded = { 0xFFFF, 0xFFFF, 0xFFFF, 0x0004, 0, 0, 0, 0x0003 }, .ports = 9,  /* LQFP64 */
        .limits = { { 120, 30, 60 }, { 120, 30, 60 } },
        .lpenr = { 0x7E6791FF, 0xF1, 0x1, 0, 0x36FEC9FF, 0x00075F33 },
        .plli2scfgr = 0x20003000, .pwr_cr = 0, .pwr_cr_bits = 0x3F3,
        .system_base = 0x1FFF0000, .system_size = 0x7800, .signature = 0x1FFF7A10,
        .flash = {
            .size = KB(1024), .unit = { KB(16) }, .banks = F4_ONE_BANK,
            .acr_bits = ACR_F4, .sr_flags = SR_F4, .cr_bits = CR_F4,
            .option_bits = { OPTION_KEEP, 0 }, .delivered = { 0x0FFFAAEC, 0 },
            .erased = { 0x0FFFFFEC, 0 },
            .option_words = { { 0x1FFFC000, 0, 0, 3 }, { 0x1FFFC008, 0, 16, 0xF000 } },
            .sequence_error = "PGSERR", .otp_base = 0x1FFF7800, .otp_block = 32, .cache_line = 16,
            .erase_ms = SECTOR_TIMES, .mass_ms = MASS_TIMES, .bank_ms = MASS_TIMES,
        },
    },
    [F4_STM32F405] = {
        .name = "stm32f405", .arch = CPU_ARMV7EM, .cpuid = 0x410FC241,  /* r0p1 */
        .fpu = CPU_FPV4_SP, .irqs = 82,
        .systick_calib = 18750,         /* RM0090 12.1.1 */
        .port = PORT_M4(0x06413041), .debug = DEBUG_M4(0x413),
        .idcode = 0x10076413, .freeze_bits = { 0x06E01DFF, 0x00070003 },
        .memories = memories_f405, .absent = absent_f405, .ram_size = KB(128),
        .bonded = { 0xFFFF, 0xFFFF, 0xFFFF, 0x0004, 0, 0, 0, 0x0003 }, .ports = 9,  /* LQFP64 */
        .limits = { { 168, 42, 84 }, { 168, 42, 84 } },
        .lpenr = { 0x7E6791FF, 0xF1, 0x1, 0, 0x36FEC9FF, 0x00075F33 },
        .plli2scfgr = 0x20003000, .pwr_cr = 0x4000, .pwr_cr_bits = 0x43F3,
        .system_base = 0x1FFF0000, .system_size = 0x7800, .signature = 0x1FFF7A10,
        .flash = {
            .size = KB(1024), .unit = { KB(16) }, .banks = F4_ONE_BANK,
            .acr_bits = ACR_F4, .sr_flags = SR_F4, .cr_bits = CR_F4,
            .option_bits = { OPTION_KEEP, 0 }, .delivered = { 0x0FFFAAEC, 0 },
            .erased = { 0x0FFFFFEC, 0 },
            .option_words = { { 0x1FFFC000, 0, 0, 3 }, { 0x1FFFC008, 0, 16, 0xF000 } },
            .sequence_error = "PGSERR", .otp_base = 0x1FFF7800, .otp_block = 32, .cache_line = 16,
            .erase_ms = SECTOR_TIMES, .mass_ms = MASS_TIMES, .bank_ms = MASS_TIMES,
        },
    },
    [F4_STM32F429] = {
        .name = "stm32f429", .arch = CPU_ARMV7EM, .cpuid = 0x410FC241,
        .fpu = CPU_FPV4_SP, .irqs = 91,
        .systick_calib = 22500,
        .port = PORT_M4(0x06419041), .debug = DEBUG_M4(0x419),
        .idcode = 0x20016419, .freeze_bits = { 0x06E01DFF, 0x00070003 },    /* revision 3 */
        .memories = memories_f42x, .absent = absent_f42x, .ram_size = KB(192),
        .bonded = { 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0x0003 },
        .ports = 11,                                                    /* LQFP144 */
        .limits = { { 168, 42, 84 }, { 180, 45, 90 } },
        .lpenr = { 0x7E6791FF, 0xF1, 0x1, 0, 0xF6FEC9FF, 0x04777F33 },
        .plli2scfgr = 0x20003000, .pllsaicfgr = 0x24003000,
        .pwr_cr = 0xC000, .pwr_cr_bits = 0xFEFF3,
        .system_base = 0x1FFF0000, .system_size = 0x7800, .signature = 0x1FFF7A10,
        .flash = {
            .size = KB(2048), .unit = { 0, KB(16) }, .banks = F4_TWO_BANKS,
            .acr_bits = ACR_F4 | 0xF, .sr_flags = SR_F4 | 1 << 8,       /* RDERR */
            .cr_bits = CR_F4 | 1 << 7 | 1 << 15,                        /* SNB[4], MER1 */
            .option_bits = { OPTION_KEEP | 0xC0000010, 0x0FFF0000 },
            .delivered = { 0x0FFFAAEC, 0x0FFF0000 }, .erased = { 0x0FFFFFEC, 0x0FFF0000 },
            .option_words = { { 0x1FFFC000, 0, 0, 3 }, { 0x1FFFC008, 0, 16, 0x3000 },
                              { 0x1FFEC000, 1, 0, 0xFFFF }, { 0x1FFEC008, 1, 16, 0xF000 } },
            .pcrop = true, .sequence_error = "PGSERR",
            .otp_base = 0x1FFF7800, .otp_block = 32, .cache_line = 16,
            .erase_ms = SECTOR_TIMES, .mass_ms = MASS_TIMES, .bank_ms = MASS_TIMES,
        },
    },
    [F4_STM32F746] = {
        .name = "stm32f746", .f7 = true, .arch = CPU_ARMV7EM, .cpuid = 0x410FC271,  /* r0p1 */
        .fpu = CPU_FPV5_SP,
        .l1_bytes = KB(4), .irqs = 98, .systick_calib = 18750,
        .port = PORT_M7(0x449), .debug = DEBUG_M7(0x449),
        .idcode = 0x10016449, .freeze_bits = { 0x07E01FFF, 0x00070003 },    /* revision Z */
        .memories = memories_f74x, .absent = absent_f74x, .ram_size = KB(320),
        .bonded = { 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0x0003 },
        .ports = 11,                                                    /* LQFP144 */
        .limits = { { 180, 45, 90 }, { 216, 54, 108 } },
        .lpenr = { 0x7EF7B7FF, 0xF1, 0x3, 0, 0xFFFFCBFF, 0x04F77F33 },
        .plli2scfgr = 0x24003000, .pllsaicfgr = 0x24003000,
        .pwr_cr = 0xC000, .pwr_cr_bits = 0xFEFF3,
        .system_base = 0x1FF00000, .system_size = 0xEDC0, .signature = 0x1FF0F420,
        .system_itcm = 0x00100000,
        .flash = {
            .size = KB(1024), .unit = { KB(32) }, .itcm_base = 0x00200000, .banks = F4_ONE_BANK,
            .acr_bits = 0xB0F, .sr_flags = SR_F4, .cr_bits = CR_F4,     /* PRFTEN ARTEN ARTRST */
            .option_bits = { 0xC0FFFFFC, 0xFFFFFFFF },
            .delivered = { 0xC0FFAAFC, 0x00400080 }, .erased = { 0xC0FFFFFC, 0xFFFFFFFF },
            .option_words = { { 0x1FFF0000, 0, 0, 3 }, { 0x1FFF0008, 0, 16, 0x3F00 },
                              { 0x1FFF0010, 1, 0, 0 }, { 0x1FFF0018, 1, 16, 0 } },
            .sequence_error = "ERSERR", .otp_base = 0x1FF0F000, .otp_block = 64,
            .cache_line = 32,
            .erase_ms = SECTOR_TIMES, .mass_ms = MASS_TIMES, .bank_ms = MASS_TIMES,
        },
    },
    [F4_STM32F767] = {
        .name = "stm32f767", .f7 = true, .arch = CPU_ARMV7EM, .cpuid = 0x411FC270,  /* r1p0 */
        .fpu = CPU_FPV5_DP,
        .l1_bytes = KB(16), .irqs = 110, .systick_calib = 18750,
        .port = PORT_M7(0x451), .debug = DEBUG_M7(0x451),
        .idcode = 0x10016451, .freeze_bits = { 0x07E03FFF, 0x00070003 },    /* revision Z */
        .memories = memories_f76x, .absent = absent_f76x, .ram_size = KB(512),
        .bonded = { 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0x0003 },
        .ports = 11,                                                    /* LQFP144 */
        .limits = { { 180, 45, 90 }, { 216, 54, 108 } },
        .lpenr = { 0x7EF7B7FF, 0xF3, 0x3, 0, 0xFFFFEFFF, 0x64F77FB3 },
        .plli2scfgr = 0x24003000, .pllsaicfgr = 0x24003000,
        .pwr_cr = 0xC000, .pwr_cr_bits = 0xFEFF3,
        .system_base = 0x1FF00000, .system_size = 0xEDC0, .signature = 0x1FF0F420,
        .system_itcm = 0x00100000,
        .flash = {
            .size = KB(2048), .unit = { KB(32), KB(16) }, .itcm_base = 0x00200000,
            .banks = F4_NDBANK, .nwrp_pairs = true,
            .acr_bits = 0xB0F, .sr_flags = SR_F4,                       /* PRFTEN ARTEN ARTRST */
            .cr_bits = CR_F4 | 1 << 7 | 1 << 15,                        /* SNB[4], MER2 */
            .option_bits = { 0xFFFFFFFC, 0xFFFFFFFF },
            .delivered = { 0xFFFFAAFC, 0x00400080 }, .erased = { 0xFFFFFFFC, 0xFFFFFFFF },
            .option_words = { { 0x1FFF0000, 0, 0, 3 }, { 0x1FFF0008, 0, 16, 0 },
                              { 0x1FFF0010, 1, 0, 0 }, { 0x1FFF0018, 1, 16, 0 } },
            .sequence_error = "ERSERR", .otp_base = 0x1FF0F000, .otp_block = 64,
            .cache_line = 32,
            .erase_ms = SECTOR_TIMES, .mass_ms = MASS_TIMES, .bank_ms = MASS_TIMES,
        },
    },
};
