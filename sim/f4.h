/* f4.h - what the files of the simulated STM32F2, F4 and F7 share.
 *
 *   f4_parts.c      the parts: what one has that another has not
 *   f4.c            the chip: core, memories, debug port, resets
 *   f4_rcc.c        clocks, gates, reset flags; PWR
 *   f4_flash.c      flash interface: keys, erasing, programming, options, protection
 *   f4_flash_map.c  where the flash is seen, its sectors and banks, who may read it
 *   f4_gpio.c       ports, alternate functions; SYSCFG
 *   f4_usart.c      USART1, 2, 3, 6
 *   f4_debug.c      DBGMCU, the two watchdogs that it freezes, system memory
 *
 * A block sees whole registers: an offset that is a multiple of 4, and 32 bits.
 *
 * Sources: RM0090 rev 19 and 21, RM0385 rev 8, RM0033, RM0410 (registers), DS8626 rev 9,
 * DS9405 rev 11, DS10916 (times, pins), ES0182, ES0290 (errata). */
#ifndef F4_H
#define F4_H

#include "chip.h"
#include "l1.h"
#include "swdp.h"

/* Names of the pins: port * 16 + number. */
enum { F4_PA = 0, F4_PB = 16, F4_PC = 32, F4_PD = 48, F4_PH = 112, F4_PORTS = 11,
       F4_PINS = F4_PORTS * 16 };

/* RM0090 table 61. */
enum { F4_IRQ_WWDG = 0, F4_IRQ_FLASH = 4, F4_IRQ_USART1 = 37, F4_IRQ_USART2,
       F4_IRQ_USART3, F4_IRQ_USART6 = 71 };

/* In the order of the registers in RCC. */
enum f4_bus { F4_AHB1, F4_AHB2, F4_AHB3, F4_APB1 = 4, F4_APB2, F4_BUSES };

/* --- what the parts differ in (f4_parts.c) --------------------------------------------- */

struct f4_memory {
    const char *name;               /* NULL ends the list */
    uint32_t base, size;
    enum { F4_RAM, F4_DATA_ONLY, F4_CACHED } kind;      /* the CCM has no path for fetches */
};

struct f4_area { const char *name; uint32_t base, size; };

struct f4_limits { uint16_t sysclk, pclk1, pclk2; };        /* MHz */

/* How many banks the flash is, and who says so: OPTCR.DB1M = 1 means two, nDBANK = 0 does. */
enum f4_banks { F4_ONE_BANK, F4_TWO_BANKS, F4_DB1M, F4_NDBANK };

/* 16 bits at an address of their own: those of a register from `shift` on, unused ones 1. */
struct f4_option_word { uint32_t address; uint8_t reg, shift; uint16_t unused; };

struct f4_flash_part {
    uint32_t size;
    uint32_t unit[2];               /* bytes: a bank is 4 of them, one of 4, then of 8; the
                                       first if it is the only one, the second if there are two */
    uint32_t itcm_base;             /* F7: where an M7's ITCM port sees it, too */
    enum f4_banks banks;
    uint32_t acr_bits, sr_flags, cr_bits;
    uint32_t option_bits[2];        /* of OPTCR and OPTCR1; 0: no such register */
    uint32_t delivered[2], erased[2];
    struct f4_option_word option_words[4];      /* address 0: no more */
    bool pcrop;                     /* OPTCR.SPRMOD */
    bool nwrp_pairs;                /* with two banks a bit of nWRP is for two sectors */
    const char *sequence_error;     /* what the manual calls SR bit 7 */
    uint32_t otp_base, otp_block;
    uint32_t cache_line;            /* bytes, of the flash's own instruction cache */
    uint16_t erase_ms[3][4];        /* a sector of 1, 4, 8 units, by PSIZE */
    uint16_t mass_ms[4], bank_ms[4];
};

struct f4_part {
    const char *name;
    bool f7;                        /* Cortex-M7, BOOT_ADDx, newer USART and watchdogs */
    enum cpu_arch arch;
    uint32_t cpuid;
    enum cpu_fpu fpu;
    uint32_t l1_bytes;              /* each of an M7's caches */
    int irqs;
    uint32_t systick_calib;
    struct swdp_config port;
    struct coredebug_config debug;
    uint32_t idcode, freeze_bits[2];            /* DBGMCU */
    const struct f4_memory *memories;           /* the first is at RAM_BASE */
    const struct f4_area *absent;               /* peripherals that are not modelled */
    uint32_t ram_size;                          /* of one run from 0x20000000 on */
    uint16_t bonded[F4_PORTS];                  /* pins that the package has */
    int ports;
    struct f4_limits limits[2];                 /* without and with over-drive */
    uint32_t lpenr[F4_BUSES], plli2scfgr, pllsaicfgr, pwr_cr, pwr_cr_bits;
    uint32_t system_base, system_size, signature;   /* unique id; size of flash in KB behind it */
    uint32_t system_itcm;                           /* F7: it is there, too */
    struct f4_flash_part flash;
};

extern const struct f4_part f4_parts[];         /* in the order of enum f4_part_number */
enum f4_part_number { F4_STM32F205, F4_STM32F405, F4_STM32F429, F4_STM32F746, F4_STM32F767 };

/* --- the chip --------------------------------------------------------------------------- */

struct f4;

struct f4_block {
    const char *name;               /* as the manual calls it */
    uint32_t base, size;
    enum f4_bus bus;
    int bit;                        /* in its bus' ENR and RSTR; -1: no gate */
    int narrowest;                  /* access that the manual allows: 1, 2, 4 bytes */
    uint32_t (*read)(void *ctx, uint32_t reg);
    void (*write)(void *ctx, uint32_t reg, uint32_t value);
    void (*reset)(void *ctx);
    void *ctx;
    struct f4 *f4;                  /* private to f4.c */
    struct bus_region *region;
};

enum { F4_BLOCKS = 40, F4_USARTS = 4, F4_MEMORIES = 4 };

struct f4_ram {
    struct f4 *f4;
    const struct f4_memory *what;
    uint8_t *bytes;
    struct bus_region *region;
};

struct f4 {
    struct chip chip;
    const struct f4_part *part;
    const char *name;
    struct sim *sim;
    struct cpu *cpu;
    struct bus *bus;
    struct f4_block blocks[F4_BLOCKS];
    int block_count;
    struct f4_ram rams[F4_MEMORIES];
    int ram_count;

    struct f4_rcc *rcc;
    struct f4_flash *flash;
    struct f4_gpio *gpio;
    struct f4_usart *usart[F4_USARTS];
    struct f4_debug *debug;
    struct coredebug *coredebug;

    int millivolts;                 /* VDD; an external Vpp is never there */
    uint8_t *system_memory;
    bool from_system_memory;        /* what the alias at 0 shows: ST's boot loader */
    bool booted_elsewhere;          /* than from flash */
    bool in_reset;
    bool nrst_ours;                 /* we hold our own nRST low for a moment */
    enum reset_cause cause;
    bool window_watchdog;           /* RESET_WATCHDOG came from WWDG, not IWDG */
    struct alarm reset_done, vector_reset;
    struct pin nrst, boot0;
    char nrst_name[32], boot0_name[32];
};

/* Any part, of f4_parts or not; it is not copied.  stm32f405_new() and so on give those rows. */
struct chip *f4_new(struct sim *sim, const char *name, uint32_t unique_id,
                    const struct f4_part *part);
struct f4_block *f4_add_block(struct f4 *f4, const struct f4_block *block);
void f4_report(struct f4 *f4, enum sim_problem kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void f4_irq(struct f4 *f4, int line, bool level);
void f4_set_costs(struct f4 *f4);                   /* clocks or FLASH_ACR changed */
void f4_reset_internal(struct f4 *f4, enum reset_cause cause);
void f4_apply_debug_port(struct f4 *f4);            /* its pins or its permission changed */

/* f4_rcc.c */
void f4_rcc_new(struct f4 *f4);
void f4_rcc_free(struct f4_rcc *rcc);
void f4_rcc_power_on(struct f4_rcc *rcc);
void f4_rcc_reset_cause(struct f4_rcc *rcc, enum reset_cause cause);
bool f4_rcc_gate_open(const struct f4_rcc *rcc, enum f4_bus bus, int bit);
sim_time f4_rcc_hclk(const struct f4_rcc *rcc);
sim_time f4_rcc_clock(const struct f4_rcc *rcc, enum f4_bus bus); /* ticks a cycle */
void f4_rcc_check_flash(struct f4_rcc *rcc);
void f4_rcc_lsi_force_on(struct f4_rcc *rcc);

/* f4_flash.c, f4_flash_map.c */
void f4_flash_new(struct f4 *f4);
void f4_flash_free(struct f4_flash *flash);
void f4_flash_power(struct f4_flash *flash, bool on);
void f4_flash_load_options(struct f4_flash *flash);
void f4_flash_reset_over(struct f4_flash *flash);   /* these and the boot pin are in force */
void f4_flash_set_costs(struct f4_flash *flash);
void f4_flash_swap(struct f4_flash *flash, bool swapped);   /* SYSCFG_MEMRMP.FB_MODE */
unsigned f4_flash_latency(const struct f4_flash *flash);
bool f4_flash_debugger_allowed(void *f4, uint32_t address, bool write);
bool f4_flash_debug_port_open(const struct f4_flash *flash);        /* RDP is not level 2 */
bool f4_flash_software_watchdog(const struct f4_flash *flash);
bool f4_flash_software_window_watchdog(const struct f4_flash *flash);
bool f4_flash_boots_twice(const struct f4_flash *flash);    /* BFB2, nDBOOT */
uint32_t f4_flash_boot_address(const struct f4_flash *flash, int pin);      /* F7: BOOT_ADDx */
void f4_flash_caches_switched(struct f4_flash *flash);      /* an M7's, on or off */

/* f4_gpio.c */
void f4_gpio_new(struct f4 *f4);
void f4_gpio_free(struct f4_gpio *gpio);
void f4_gpio_power(struct f4_gpio *gpio, bool on);
struct pin *f4_gpio_pin(struct f4_gpio *gpio, const char *name);
/* The alternate function that a pin has been given, -1 if none. */
int f4_gpio_function(const struct f4_gpio *gpio, int pin);
void f4_gpio_drive(struct f4_gpio *gpio, int pin, bool on, bool level);
bool f4_gpio_level(struct f4_gpio *gpio, int pin);
bool f4_gpio_debug_pins(const struct f4_gpio *gpio);        /* PA13, PA14 are SWJ-DP's */

/* f4_usart.c */
void f4_usart_new(struct f4 *f4, int index);
void f4_usart_free(struct f4_usart *usart);
void f4_usart_pins_changed(struct f4_usart *usart);
void f4_usart_edge(struct f4_usart *usart, int pin, int level);

/* f4_debug.c */
void f4_debug_new(struct f4 *f4);
void f4_debug_free(struct f4_debug *debug);
void f4_debug_connect(struct f4 *f4);          /* SWO, what sleep hides */
void f4_debug_power(struct f4_debug *debug, bool on);
void f4_debug_chip_starts(struct f4_debug *debug);  /* reset is over */
void f4_debug_system_memory(struct f4 *f4, uint32_t unique_id);

#endif
