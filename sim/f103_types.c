/* f103_types.c - the STM32F1s of f103.c: what differs, as tables.
 *
 *   called by  targets.c      read by  f103.c, rcc.c, gpio.c, dbgmcu.c, fpec.c
 *
 *                flash, pages                        SRAM     besides
 *   STM32F103C8  64 KB of 1 KB                       20 KB
 *   STM32F103RG  1 MB of 2 KB, a controller for      96 KB    reads of one half do not wait for
 *                each half                                    the other
 *   STM32F107RC  256 KB of 2 KB                      64 KB    PREDIV1, no USB device of this kind
 *
 * What a larger chip has more (timers, UARTs, ports, DMA2, FSMC, Ethernet, OTG) is not here.
 * Flash times: DS5319 table 28.  Half-word: typical of 40, 52.5, 70 us.  Erase gives only a
 * range, 20 to 40 ms: the middle.
 *
 * Sources: RM0008; DS5319 (C8), DS6058 (RG), DS5753 (F107). */
#include "f103.h"

#define TIMES .program = 52500 * SIM_NS, .erase = 30 * SIM_MS, .user = 7

const struct f103_type f103_c8 = {
    .name = "stm32f103", .idcode = 0x20036410, .flash_kb = 64, .ram_kb = 20,
    .pins = { 0xFFFF, 0xFFFF, 0xE000, 0x0003, 0 },      /* PD0 and PD1 are the crystal's */
    .lqfp48 = true, .fpec = { .page = 1024, TIMES },
};

static const struct f103_type f103_rg = {
    .name = "stm32f103xg", .idcode = 0x10036430, .flash_kb = 1024, .ram_kb = 96,
    .pins = { 0xFFFF, 0xFFFF, 0xFFFF, 0x0007, 0 },
    .fpec = { .page = 2048, .bank2 = 512 * 1024, .program = 52500 * SIM_NS,
              .erase = 30 * SIM_MS, .user = 15 },       /* BFB2, too */
};

static const struct f103_type f107_rc = {
    .name = "stm32f107", .idcode = 0x10186418, .flash_kb = 256, .ram_kb = 64,
    .pins = { 0xFFFF, 0xFFFF, 0xFFFF, 0x0007, 0 }, .connectivity = true,
    .fpec = { .page = 2048, TIMES },
};

struct chip *stm32f103xg_new(struct sim *sim, const char *name, uint32_t unique_id)
{
    return f103_type_new(sim, &f103_rg, name, f103_rg.flash_kb, unique_id);
}

struct chip *stm32f107_new(struct sim *sim, const char *name, uint32_t unique_id)
{
    return f103_type_new(sim, &f107_rc, name, f107_rc.flash_kb, unique_id);
}
