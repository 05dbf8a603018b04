/* f4.h - what the files of the simulated STM32F405RG share.
 *
 *   f4.c         the chip: core, memories, debug port, resets
 *   f4_rcc.c     clocks, gates, reset flags; PWR
 *   f4_flash.c   flash interface: keys, erasing, programming, options, protection
 *   f4_gpio.c    ports A to D and H, alternate functions; SYSCFG
 *   f4_usart.c   USART1, 2, 3, 6
 *   f4_debug.c   DBGMCU, the two watchdogs that it freezes, system memory
 *
 * A block sees whole registers: an offset that is a multiple of 4, and 32 bits.
 *
 * Sources: RM0090 rev 19 (registers), DS8626 rev 9 (times, pins), ES0182 (errata). */
#ifndef F4_H
#define F4_H

#include "chip.h"
#include "swdp.h"

/* Names of the pins: port * 16 + number. */
enum { F4_PA = 0, F4_PB = 16, F4_PC = 32, F4_PD = 48, F4_PH = 112,
       F4_PINS = 144 };

/* RM0090 table 61. */
enum { F4_IRQ_WWDG = 0, F4_IRQ_FLASH = 4, F4_IRQ_USART1 = 37, F4_IRQ_USART2,
       F4_IRQ_USART3, F4_IRQ_USART6 = 71, F4_IRQS = 82 };

/* In the order of the registers in RCC. */
enum f4_bus { F4_AHB1, F4_AHB2, F4_AHB3, F4_APB1 = 4, F4_APB2, F4_BUSES };

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
    struct f4 *f4;              /* private to f4.c */
    struct bus_region *region;
};

enum { F4_BLOCKS = 40, F4_USARTS = 4, F4_PORTS = 9 };

struct f4 {
    struct chip chip;
    const char *name;
    struct sim *sim;
    struct cpu *cpu;
    struct bus *bus;
    struct f4_block blocks[F4_BLOCKS];
    int block_count;

    struct f4_rcc *rcc;
    struct f4_flash *flash;
    struct f4_gpio *gpio;
    struct f4_usart *usart[F4_USARTS];
    struct f4_debug *debug;
    struct coredebug *coredebug;

    struct bus_region *flash_region, *boot_region;  /* at 0x08000000, and at 0 */
    uint8_t *system_memory;
    bool in_reset;
    bool nrst_ours;                 /* we hold our own nRST low for a moment */
    enum reset_cause cause;
    bool window_watchdog;           /* RESET_WATCHDOG came from WWDG, not IWDG */
    struct alarm reset_done, vector_reset;
    struct pin nrst, boot0;
    char nrst_name[32], boot0_name[32];
};

struct f4_block *f4_add_block(struct f4 *f4, const struct f4_block *block);
void f4_report(struct f4 *f4, enum sim_problem kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void f4_irq(struct f4 *f4, int line, bool level);
void f4_set_costs(struct f4 *f4);             /* clocks or FLASH_ACR changed */
void f4_reset_internal(struct f4 *f4, enum reset_cause cause);
void f4_apply_debug_port(struct f4 *f4);      /* its pins or its permission changed */

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

/* f4_flash.c */
void f4_flash_new(struct f4 *f4);
void f4_flash_free(struct f4_flash *flash);
void f4_flash_power(struct f4_flash *flash, bool on);
void f4_flash_reset_over(struct f4_flash *flash);   /* options are loaded */
uint32_t f4_flash_acr(const struct f4_flash *flash);
bool f4_flash_debugger_allowed(void *f4, uint32_t address, bool write);
bool f4_flash_debug_port_open(const struct f4_flash *flash);    /* RDP is not level 2 */
bool f4_flash_software_watchdog(const struct f4_flash *flash);

/* f4_gpio.c */
void f4_gpio_new(struct f4 *f4);
void f4_gpio_free(struct f4_gpio *gpio);
void f4_gpio_power(struct f4_gpio *gpio, bool on);
struct pin *f4_gpio_pin(struct f4_gpio *gpio, const char *name);
/* The alternate function that a pin has been given, -1 if none. */
int f4_gpio_function(const struct f4_gpio *gpio, int pin);
void f4_gpio_drive(struct f4_gpio *gpio, int pin, bool on, bool level);
bool f4_gpio_level(struct f4_gpio *gpio, int pin);
bool f4_gpio_debug_pins(const struct f4_gpio *gpio);    /* PA13, PA14 are SWJ-DP's */

/* f4_usart.c */
void f4_usart_new(struct f4 *f4, int index);
void f4_usart_free(struct f4_usart *usart);
void f4_usart_pins_changed(struct f4_usart *usart);
void f4_usart_edge(struct f4_usart *usart, int pin, int level);

/* f4_debug.c */
void f4_debug_new(struct f4 *f4);
void f4_debug_free(struct f4_debug *debug);
void f4_debug_power(struct f4_debug *debug, bool on);
void f4_debug_chip_starts(struct f4_debug *debug);      /* reset is over */
void f4_debug_system_memory(struct f4 *f4, uint32_t unique_id);

#endif
