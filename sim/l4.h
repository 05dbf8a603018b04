/* l4.h - what the files of the simulated STM32s with the ports and clocks of the L4 share.
 *
 *   l4_types.c    the chips: one table each.  A C0, U0, L4+, WB or WL is one more
 *   l4.c          the chip: core, memories, debug port, boot, resets
 *   pecr.c        the flash and EEPROM of an L0 or L1, and its option bytes
 *   fpec_l4.c     the flash of an F0 or F3: an F1's controller, fpec.c
 *   l4_flash.c    all others' flash: keys, erasing, programming by double words, ECC, busy banks
 *   l4_options.c  option bytes: writing, loading, read and write protection, PCROP
 *   l4_rcc.c      clocks, gates, reset flags; PWR
 *   l4_gpio.c     ports, alternate functions; SYSCFG
 *   l4_usart.c    USART1 to 3
 *   l4_debug.c    DBGMCU, the two watchdogs that it freezes, unique id
 *
 * A block sees whole registers: an offset that is a multiple of 4, and 32 bits.
 *
 * Sources: RM0444 (G0x1), RM0351 (L4x5, L4x6), RM0440 (G4), RM0367 (L0x3), RM0038
 * (L1), RM0360 (F030), RM0316 (F303); DS12232 and DS13560 (G071, G0B1),
 * DS10198 (L476), DS12288 (G474), DS10182 (L053), DS10262 (L152RC) for times and pins.  They were not at hand as text: no section
 * numbers here, and what is a choice of ours is called so.  OpenOCD's driver is the check. */
#ifndef L4_H
#define L4_H

#include "chip.h"
#include "fpec.h"
#include "swdp.h"

enum { L4_PORTS = 8, L4_USARTS = 3, L4_OPTIONS = 14, L4_RAMS = 3, L4_BANKS = 2 };

/* Names of the pins: port * 16 + number. */
enum { L4_PA = 0, L4_PB = 16, L4_PC = 32, L4_PD = 48 };

enum l4_bus { L4_AHB, L4_APB1, L4_APB2 };
enum l4_clocks { L4_CLOCKS_G0, L4_CLOCKS_L4, L4_CLOCKS_G4, L4_CLOCKS_L0, L4_CLOCKS_L1,
                 L4_CLOCKS_F0, L4_CLOCKS_F3 };
enum l4_swap { L4_NO_SWAP, L4_SWAP_OPTION, L4_SWAP_FB_MODE };
enum l4_boot_pin { L4_BOOT_PA14, L4_BOOT_OWN, L4_BOOT_PB8 };

struct l4;


/* An option word: its register, where it lies behind 0x1FFF7800, and its bits. */
struct l4_option {
    uint8_t reg;
    uint16_t at;
    uint32_t delivered, writable;
};

/* Where the bits of one PCROP or WRP area are: registers, and which bank. */
struct l4_area { uint8_t start, end, bank; };

/* A flash controller, as l4.c sees it. */
struct l4_controller {
    void (*make)(struct l4 *l4);
    void (*free)(struct l4 *l4);
    void (*power)(struct l4 *l4, bool on);
    void (*reset_over)(struct l4 *l4, bool load_options);
    void (*map)(struct l4 *l4);                 /* what is seen at 0 has changed */
    void (*costs)(struct l4 *l4);
    unsigned (*latency)(const struct l4 *l4);
    uint32_t (*options)(const struct l4 *l4);   /* in force, where the L4 has them in OPTR */
    bool (*empty)(const struct l4 *l4);         /* so that system memory is started */
    bool (*debug_port_open)(const struct l4 *l4);
    bool (*debugger_allowed)(void *l4, uint32_t address, bool write);
};
extern const struct l4_controller l4_controller, pecr_controller, fpec_controller;

/* GPIO registers out of reset: of port A, of port B, of the others. */
struct l4_port_reset { uint32_t moder[3], pupdr[3]; };

struct pecr_type;

struct l4_type {
    const char *name;               /* as --target has it */
    const struct l4_controller *controller;
    const struct pecr_type *pecr;   /* of an L0 or L1 */
    struct fpec_type fpec;          /* of an F0 or F3 */
    uint32_t cpuid, idcode;         /* of the core; DBGMCU_IDCODE */
    int irqs;
    bool m0;                        /* Cortex-M0+: SWD only, DBG in an APB with a gate */
    struct { const char *name; uint32_t base, size; } ram[L4_RAMS];
    int secret_ram;                 /* shut with the flash, erased with it; -1: none */
    uint32_t ram_kb;                /* in one run from 0x20000000 */
    uint16_t pins[L4_PORTS];        /* that the 64-pin package has */
    uint32_t gpio_base;
    const struct l4_port_reset *ports;
    bool has_all_ports;             /* registers of GPIOA to GPIOH, whatever has pins */
    bool old_usart;                 /* SR and DR, where others have ISR, RDR and TDR */
    int usarts;
    const uint8_t (*usart_function)[2];         /* AF of each one's two places; NULL: 7 */
    uint32_t dbgmcu;
    struct { uint32_t base; uint8_t uid[3], size; } signature;
    uint32_t system_memory, system_size;
    enum l4_clocks clocks;
    enum l4_boot_pin boot_pin;

    /* flash */
    uint32_t flash_size, page, single_page;     /* single_page: as one bank */
    int banks;
    uint32_t dual_option;           /* OPTR: two banks if set; 0: always as `banks` says */
    enum l4_swap swap;
    uint32_t bker, pnb;             /* CR: bank bit; page number bits, from bit 3 */
    bool busy_by_bank;              /* SR: BSY1, BSY2, CFGBSY; else one BSY */
    bool has_empty, has_swen, has_power_down, has_dcache, has_nrst_mode;
    uint32_t ecc_bank;              /* ECCR: the bit that tells bank 2; 0: ECC2R */
    int ecc_shift;                  /* ECCR's address counts 1 << this bytes */
    int pcrop_shift, pcrop_single_shift;
    bool pcrop_one;                 /* start = end is an area */
    struct l4_area pcrop[4], wrp[4];
    int pcrops, wrps;
    struct l4_option options[L4_OPTIONS];
    int option_count;
    sim_time program, page_erase, mass_erase, fast;     /* typical; fast: of a double word */
    uint8_t latency_mhz;            /* a wait state for each */
    uint32_t latency_bits;
};

/* Registers of option words that have a meaning here. */
enum { L4_OPTR = 0x20, L4_SECR = 0x80, L4_SEC1R = 0x70, L4_SEC2R = 0x74 };

/* Bits of OPTR that all have. */
enum { L4_IWDG_SW = 1 << 16, L4_WWDG_SW = 1 << 19 };

struct l4_block {
    const char *name;               /* as the manual calls it */
    uint32_t base, size;
    enum l4_bus bus;
    uint8_t enr, bit;               /* its gate: register of RCC, 0: none; bit */
    int narrowest;                  /* access that the manual allows: 1, 2, 4 bytes */
    uint32_t (*read)(void *ctx, uint32_t reg);
    void (*write)(void *ctx, uint32_t reg, uint32_t value);
    void (*reset)(void *ctx);
    void *ctx;
    struct l4 *l4;                  /* private to l4.c */
    struct bus_region *region;
};

enum { L4_BLOCKS = 32 };

struct l4 {
    struct chip chip;
    const struct l4_type *type;
    const char *name;
    struct sim *sim;
    struct cpu *cpu;
    struct bus *bus;
    struct l4_block blocks[L4_BLOCKS];
    int block_count;

    struct l4_rcc *rcc;
    struct l4_flash *flash;         /* one of these, as its controller is */
    struct pecr *pecr;
    struct l4_fpec *fpec;
    struct l4_gpio *gpio;
    struct l4_usart *usart[L4_USARTS];
    struct l4_debug *debug;
    struct coredebug *coredebug;

    struct bus_region *ram[L4_RAMS];
    uint8_t *ram_memory[L4_RAMS], *system_memory;
    bool boots_from_flash;          /* what is seen at 0 */
    bool in_reset;
    bool nrst_ours;                 /* we hold our own nRST low for a moment */
    bool load_options;              /* as this reset ends */
    enum reset_cause cause;
    bool window_watchdog, option_reset;     /* which one RESET_WATCHDOG, RESET_SOFTWARE was */
    struct alarm reset_done, vector_reset, debug_lost;
    struct pin nrst, boot0;
    char nrst_name[32], boot0_name[32];
};

struct chip *l4_new(struct sim *sim, const struct l4_type *type, const char *name,
                    uint32_t unique_id);
struct l4_block *l4_add_block(struct l4 *l4, const struct l4_block *block);
void l4_report(struct l4 *l4, enum sim_problem kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void l4_irq(struct l4 *l4, int line, bool level);
void l4_set_costs(struct l4 *l4);                   /* clocks or FLASH_ACR changed */
void l4_reset_internal(struct l4 *l4, enum reset_cause cause);
void l4_launch_options(struct l4 *l4);              /* OBL_LAUNCH: a reset that loads them */
void l4_apply_debug_port(struct l4 *l4);            /* its pins or its permission changed */

/* l4_rcc.c */
void l4_rcc_new(struct l4 *l4);
void l4_rcc_free(struct l4_rcc *rcc);
void l4_rcc_power_on(struct l4_rcc *rcc);
void l4_rcc_reset_cause(struct l4_rcc *rcc, enum reset_cause cause);
bool l4_rcc_gate_open(const struct l4_rcc *rcc, uint8_t enr, uint8_t bit);
bool l4_rcc_hsi_on(const struct l4_rcc *rcc);
sim_time l4_rcc_lsi(const struct l4_rcc *rcc);      /* a cycle of it */
bool l4_rcc_debug_gate_open(const struct l4_rcc *rcc);      /* of a Cortex-M0+'s DBG */
sim_time l4_rcc_hclk(const struct l4_rcc *rcc);
sim_time l4_rcc_clock(const struct l4_rcc *rcc, enum l4_bus bus);   /* ticks a cycle */
void l4_rcc_check_flash(struct l4_rcc *rcc);
void l4_rcc_lsi_force_on(struct l4_rcc *rcc);
/* Gates by what they open, for each layout of RCC. */
uint8_t l4_rcc_enr(const struct l4 *l4, enum l4_bus bus);
uint8_t l4_rcc_enr_gpio(const struct l4 *l4);
uint8_t l4_rcc_bit_gpio(const struct l4 *l4);      /* of GPIOA */

/* l4_flash.c */
void l4_flash_bank_mode(struct l4_flash *flash, bool swapped);      /* SYSCFG FB_MODE */
bool l4_flash_swapped(const struct l4_flash *flash);
uint32_t l4_flash_option(const struct l4_flash *flash, uint8_t reg);    /* as in force */
const uint8_t *l4_flash_bank(const struct l4_flash *flash, int bank);

/* l4_gpio.c */
void l4_gpio_new(struct l4 *l4);
void l4_gpio_free(struct l4_gpio *gpio);
void l4_gpio_power(struct l4_gpio *gpio, bool on);
struct pin *l4_gpio_pin(struct l4_gpio *gpio, const char *name);
/* The alternate function that a pin has been given, -1 if none. */
int l4_gpio_function(const struct l4_gpio *gpio, int pin);
void l4_gpio_drive(struct l4_gpio *gpio, int pin, bool on, bool level);
bool l4_gpio_level(struct l4_gpio *gpio, int pin);
bool l4_gpio_debug_pins(const struct l4_gpio *gpio);        /* PA13, PA14 are SWJ-DP's */
void l4_gpio_show_bank_mode(struct l4_gpio *gpio, bool swapped);

/* l4_usart.c */
void l4_usart_new(struct l4 *l4, int index);
void l4_usart_free(struct l4_usart *usart);
void l4_usart_pins_changed(struct l4_usart *usart);
void l4_usart_edge(struct l4_usart *usart, int pin, int level);

/* l4_debug.c */
void l4_debug_new(struct l4 *l4, uint32_t unique_id);
void l4_debug_free(struct l4_debug *debug);
void l4_debug_connect(struct l4 *l4);          /* SWO, what sleep hides */
void l4_debug_power(struct l4_debug *debug, bool on);
void l4_debug_chip_starts(struct l4_debug *debug);          /* reset is over */

#endif
