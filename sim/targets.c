/* targets.c - the chips that can be behind the pins, and what `--target list` says of them.
 *
 *   called by  board.c, main.c, test/judge/bitbang.c      calls  each chip's file */
#include "chip.h"
#include <string.h>

static struct chip *samd21(struct sim *sim) { return samd21_new(sim, "target", 0x5A3D2100); }
static struct chip *samc21(struct sim *sim) { return samc21_new(sim, "target", 0x5A3DC210); }
static struct chip *saml21(struct sim *sim) { return saml21_new(sim, "target", 0x5A3D1210); }
static struct chip *sam3x8e(struct sim *sim) { return sam3x8e_new(sim, "target", 0x5A3A3800); }
static struct chip *sam4s16(struct sim *sim) { return sam4s16_new(sim, "target", 0x5A3A4516); }
static struct chip *samd51(struct sim *sim) { return samd51_new(sim, "target", 0x5A3D5100); }
static struct chip *f103(struct sim *sim) { return f103_new(sim, "target", 64, 0x0BADCAFE); }
static struct chip *f103xg(struct sim *sim) { return stm32f103xg_new(sim, "target", 0x0BADCAFE); }
static struct chip *f107(struct sim *sim) { return stm32f107_new(sim, "target", 0x0BADCAFE); }
static struct chip *f205(struct sim *sim) { return stm32f205_new(sim, "target", 0x0BADCAFE); }
static struct chip *f405(struct sim *sim) { return stm32f405_new(sim, "target", 0x0BADCAFE); }
static struct chip *f429(struct sim *sim) { return stm32f429_new(sim, "target", 0x0BADCAFE); }
static struct chip *f746(struct sim *sim) { return stm32f746_new(sim, "target", 0x0BADCAFE); }
static struct chip *f767(struct sim *sim) { return stm32f767_new(sim, "target", 0x0BADCAFE); }
static struct chip *nrf51(struct sim *sim) { return nrf51_new(sim, "target", 0x0BADCAFE); }
static struct chip *g071(struct sim *sim) { return stm32g071_new(sim, "target", 0x0BADCAFE); }
static struct chip *g0b1(struct sim *sim) { return stm32g0b1_new(sim, "target", 0x0BADCAFE); }
static struct chip *g474(struct sim *sim) { return stm32g474_new(sim, "target", 0x0BADCAFE); }
static struct chip *f030(struct sim *sim) { return stm32f030_new(sim, "target", 0x0BADCAFE); }
static struct chip *f303(struct sim *sim) { return stm32f303_new(sim, "target", 0x0BADCAFE); }
static struct chip *l053(struct sim *sim) { return stm32l053_new(sim, "target", 0x0BADCAFE); }
static struct chip *l152(struct sim *sim) { return stm32l152_new(sim, "target", 0x0BADCAFE); }
static struct chip *l152rb(struct sim *sim) { return stm32l152rb_new(sim, "target", 0x0BADCAFE); }
static struct chip *l476(struct sim *sim) { return stm32l476_new(sim, "target", 0x0BADCAFE); }

static struct chip *nrf52(struct sim *sim) { return nrf52_new(sim, "target", false, 0x0BADCAFE); }
static struct chip *nrf52_f(struct sim *sim) { return nrf52_new(sim, "target", true, 0x0BADCAFE); }

#define NRF52_LACKS "MPU, ETM, radio, timers, EasyDMA, GPIOTE and " \
                    "PPI, System OFF, the reset after a lockup, all other peripherals"

#define L4_MODELLED "Flash controller with option bytes, protection levels, PCROP and boot, " \
                    "clocks, GPIO, USART1 to 3, both watchdogs, DBGMCU"
#define PECR_MODELLED "Flash controller with half pages, option bytes, protection levels and " \
                      "PCROP, EEPROM, clocks, GPIO, USARTs, both watchdogs, DBGMCU"
#define SAM3_LACKS "MPU, ETM, SWO, SAM-BA, the pin ERASE, PLLB and UPLL, SUPC, PDC, all other " \
                   "peripherals"
#define F0_MODELLED "Flash controller with option bytes and protection levels, clocks, GPIO, " \
                    "USARTs, both watchdogs, DBGMCU"
#define L4_LACKS "MPU, boot from SRAM, ST's boot loader, low power modes, timers, DMA, EXTI, " \
                 "all other peripherals"

const struct target_chip target_chips[] = {
    { "samd21", samd21,
      "ATSAMD21G18A: Cortex-M0+, 256 KB of flash, 32 KB of RAM. NVMCTRL, DSU, clocks, PORT, "
      "EIC, SERCOM as USART, WDT, TC3 to TC5, RTC",
      "DMAC, USB, TCC, ADC and other analog, EVSYS, I2S" },
    { "samc21", samc21,
      "ATSAMC21J18A: Cortex-M0+, 256 KB of flash and 8 KB of RWWEE, 32 KB of RAM. NVMCTRL, DSU, "
      "clocks, PORT, SERCOM as USART, WDT, PAC",
      "XOSC and DPLL, standby, RTC, EIC, DMAC, timers, analog, all other peripherals" },
    { "saml21", saml21,
      "ATSAML21J18B: Cortex-M0+, 256 KB of flash and 8 KB of RWWEE, 32 and 8 KB of RAM. NVMCTRL, "
      "DSU, clocks and performance levels, PORT, SERCOM as USART, WDT, PAC",
      "XOSC and DPLL, standby, backup and off, RTC, EIC, DMAC, timers, analog, all other peripherals" },
    { "samd51", samd51,
      "ATSAMD51J20A: Cortex-M4, 1 MB of flash, 256 KB of RAM. NVMCTRL with its two banks and user "
      "page, DSU, clocks, PORT, SERCOM as USART, WDT, PAC, SWO",
      "MPU, ETM, SmartEEPROM, ECC's errors, what the cache holds, all other peripherals" },
    { "sam3x8e", sam3x8e,
      "ATSAM3X8E: Cortex-M3, 512 KB of flash with two controllers, 96 KB of RAM. EEFC with lock and "
      "GPNVM bits, PMC, PIO, UART, WDT, RSTC", SAM3_LACKS },
    { "sam4s16", sam4s16,
      "ATSAM4S16C: Cortex-M4, 1 MB of flash, 128 KB of RAM. EEFC with lock and GPNVM bits, PMC, PIO, "
      "UART0, WDT, RSTC", SAM3_LACKS },
    { "stm32f030", f030,
      "STM32F030R8: Cortex-M0, 64 KB of flash, 8 KB of RAM. " F0_MODELLED, L4_LACKS },
    { "stm32f303", f303,
      "STM32F303RC: Cortex-M4, 256 KB of flash, 40 KB of RAM, 8 KB of CCM. " F0_MODELLED ", SWO",
      "ETM, " L4_LACKS },
    { "stm32f103", f103,
      "STM32F103C8: Cortex-M3, 64 KB of flash, 20 KB of RAM. All that the probe's chip has, "
      "trace over SWO",
      "Other nodes on CAN, deep sleep with its clocks off, what sim/README.md says" },
    { "stm32f103xg", f103xg,
      "STM32F103RG: Cortex-M3, 1 MB of flash with two controllers, 96 KB of RAM. What the "
      "STM32F103C8 has", "as the STM32F103; boundary scan, BFB2, all other peripherals" },
    { "stm32f107", f107,
      "STM32F107RC: Cortex-M3, 256 KB of flash, 64 KB of RAM. What the STM32F103C8 has but USB",
      "as the STM32F103; boundary scan, PLL2 and PLL3, OTG, Ethernet, all other peripherals" },
    { "stm32f205", f205,
      "STM32F205RG: Cortex-M3, 1 MB of flash, 128 KB of RAM. Flash interface with options and "
      "protection levels, clocks, GPIO, USART1 2 3 6, both watchdogs, DBGMCU, SWO",
      "MPU, ETM, timers, DMA, EXTI, all other peripherals" },
    { "stm32f405", f405,
      "STM32F405RG: Cortex-M4, 1 MB of flash, 128 KB of RAM, 64 KB of CCM. Flash interface with "
      "options and protection levels, clocks, GPIO, USART1 2 3 6, both watchdogs, DBGMCU, SWO",
      "MPU, ETM, timers, DMA, EXTI, all other peripherals" },
    { "stm32f429", f429,
      "STM32F429ZI: the same with 2 MB of flash in two banks, PCROP, 192 KB of RAM",
      "as the STM32F405; LTDC, DMA2D, FMC and all other peripherals" },
    { "stm32f746", f746,
      "STM32F746ZG: Cortex-M7 r0p1 with both caches, 1 MB of flash by AXIM and ITCM, 64 KB of DTCM, "
      "256 KB of SRAM, 16 KB of ITCM RAM. Flash interface, boot addresses, clocks, GPIO, USART1 2 3 "
      "6, both watchdogs, DBGMCU, SWO",
      "as the STM32F429; QUADSPI, double width stores to flash, an M7's timing and MPU" },
    { "stm32f767", f767,
      "STM32F767ZI: Cortex-M7 r1p0 with double precision, the same with 2 MB of flash in one bank, "
      "or two by the option nDBANK, 128 KB of DTCM, 384 KB of SRAM",
      "as the STM32F746" },
    { "nrf51822", nrf51,
      "nRF51822-QFAA, build code H0: Cortex-M0, 256 KB of flash, 16 KB of RAM. NVMC, UICR with code "
      "region 0 and readback protection, MPU's blocks, SWDIO as nRESET, CLOCK, POWER, WDT, P0, UART0",
      "radio, timers, GPIOTE and PPI, System OFF, the reset after a lockup, all other peripherals" },
    { "stm32g071", g071,
      "STM32G071RB: Cortex-M0+, 128 KB of flash with ECC, 36 KB of RAM. " L4_MODELLED, L4_LACKS },
    { "stm32g0b1", g0b1,
      "STM32G0B1RE: Cortex-M0+, 512 KB of flash with ECC in two banks, 144 KB of RAM. "
      L4_MODELLED, L4_LACKS },
    { "stm32g474", g474,
      "STM32G474RE: Cortex-M4, 512 KB of flash with ECC in two banks or one, 96 and 32 KB of RAM. "
      L4_MODELLED ", SWO", "ETM, " L4_LACKS },
    { "stm32l053", l053,
      "STM32L053R8: Cortex-M0+, 64 KB of flash, 2 KB of EEPROM, 8 KB of RAM. " PECR_MODELLED,
      "ECC, " L4_LACKS },
    { "stm32l152", l152,
      "STM32L152RC, category 3: Cortex-M3, 256 KB of flash, 8 KB of EEPROM, 32 KB of RAM. "
      PECR_MODELLED ", SWO", "ECC, ETM, LCD, PH0 to PH2, " L4_LACKS },
    { "stm32l152rb", l152rb,
      "STM32L152RB, category 1: the same with 128 KB of flash, 4 KB of EEPROM, 16 KB of RAM",
      "as the STM32L152" },
    { "stm32l476", l476,
      "STM32L476RG: Cortex-M4, 1 MB of flash with ECC in two banks, 96 and 32 KB of RAM. "
      L4_MODELLED ", SWO", "ETM, " L4_LACKS },
    { "nrf52840", nrf52,
      "nRF52840, build code AAD0: Cortex-M4, 1 MB of flash, 256 KB of RAM. NVMC, UICR, ACL, "
      "CTRL-AP and access port protection, CLOCK, POWER, WDT, P0 and P1, UART0, SWO", NRF52_LACKS },
    { "nrf52840-f0", nrf52_f,
      "the same, build code AAF0: its access port is closed from the factory and after each hard "
      "reset, unless UICR and its program open it", NRF52_LACKS },
    { NULL, NULL, NULL, NULL },
};

const struct target_chip *target_chip_named(const char *name, size_t length)
{
    for (const struct target_chip *row = target_chips; row->name; row++)
        if (strlen(row->name) == length && strncmp(row->name, name, length) == 0)
            return row;
    return NULL;
}
