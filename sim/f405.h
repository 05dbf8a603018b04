/* f405.h - what the files of the simulated STM32F405RG share.
 *
 *   f405.c         the chip: core, memories, debug port, resets
 *   f405_rcc.c     clocks, gates, reset flags; PWR
 *   f405_flash.c   flash interface: keys, erasing, programming, options, protection
 *   f405_gpio.c    ports A to D and H, alternate functions; SYSCFG
 *   f405_usart.c   USART1, 2, 3, 6
 *   f405_debug.c   DBGMCU, the two watchdogs that it freezes, system memory
 *
 * A block sees whole registers: an offset that is a multiple of 4, and 32 bits.
 *
 * Sources: RM0090 rev 19 (registers), DS8626 rev 9 (times, pins), ES0182 (errata). */
#ifndef F405_H
#define F405_H

#include "chip.h"
#include "swdp.h"

/* Names of the pins: port * 16 + number. */
enum { F405_PA = 0, F405_PB = 16, F405_PC = 32, F405_PD = 48, F405_PH = 112,
       F405_PINS = 144 };

/* RM0090 table 61. */
enum { F405_IRQ_WWDG = 0, F405_IRQ_FLASH = 4, F405_IRQ_USART1 = 37, F405_IRQ_USART2,
       F405_IRQ_USART3, F405_IRQ_USART6 = 71, F405_IRQS = 82 };

/* In the order of the registers in RCC. */
enum f405_bus { F405_AHB1, F405_AHB2, F405_AHB3, F405_APB1 = 4, F405_APB2, F405_BUSES };

struct f405;

struct f405_block {
    const char *name;               /* as the manual calls it */
    uint32_t base, size;
    enum f405_bus bus;
    int bit;                        /* in its bus' ENR and RSTR; -1: no gate */
    int narrowest;                  /* access that the manual allows: 1, 2, 4 bytes */
    uint32_t (*read)(void *ctx, uint32_t reg);
    void (*write)(void *ctx, uint32_t reg, uint32_t value);
    void (*reset)(void *ctx);
    void *ctx;
    struct f405 *f405;              /* private to f405.c */
    struct bus_region *region;
};

enum { F405_BLOCKS = 40, F405_USARTS = 4, F405_PORTS = 9 };

struct f405 {
    struct chip chip;
    const char *name;
    struct sim *sim;
    struct cpu *cpu;
    struct bus *bus;
    struct f405_block blocks[F405_BLOCKS];
    int block_count;

    struct f405_rcc *rcc;
    struct f405_flash *flash;
    struct f405_gpio *gpio;
    struct f405_usart *usart[F405_USARTS];
    struct f405_debug *debug;
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

struct f405_block *f405_add_block(struct f405 *f405, const struct f405_block *block);
void f405_report(struct f405 *f405, enum sim_problem kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void f405_irq(struct f405 *f405, int line, bool level);
void f405_set_costs(struct f405 *f405);             /* clocks or FLASH_ACR changed */
void f405_reset_internal(struct f405 *f405, enum reset_cause cause);
void f405_apply_debug_port(struct f405 *f405);      /* its pins or its permission changed */

/* f405_rcc.c */
void f405_rcc_new(struct f405 *f405);
void f405_rcc_free(struct f405_rcc *rcc);
void f405_rcc_power_on(struct f405_rcc *rcc);
void f405_rcc_reset_cause(struct f405_rcc *rcc, enum reset_cause cause);
bool f405_rcc_gate_open(const struct f405_rcc *rcc, enum f405_bus bus, int bit);
sim_time f405_rcc_hclk(const struct f405_rcc *rcc);
sim_time f405_rcc_clock(const struct f405_rcc *rcc, enum f405_bus bus); /* ticks a cycle */
void f405_rcc_check_flash(struct f405_rcc *rcc);
void f405_rcc_lsi_force_on(struct f405_rcc *rcc);

/* f405_flash.c */
void f405_flash_new(struct f405 *f405);
void f405_flash_free(struct f405_flash *flash);
void f405_flash_power(struct f405_flash *flash, bool on);
void f405_flash_reset_over(struct f405_flash *flash);   /* options are loaded */
uint32_t f405_flash_acr(const struct f405_flash *flash);
bool f405_flash_debugger_allowed(void *f405, uint32_t address, bool write);
bool f405_flash_debug_port_open(const struct f405_flash *flash);    /* RDP is not level 2 */
bool f405_flash_software_watchdog(const struct f405_flash *flash);

/* f405_gpio.c */
void f405_gpio_new(struct f405 *f405);
void f405_gpio_free(struct f405_gpio *gpio);
void f405_gpio_power(struct f405_gpio *gpio, bool on);
struct pin *f405_gpio_pin(struct f405_gpio *gpio, const char *name);
/* The alternate function that a pin has been given, -1 if none. */
int f405_gpio_function(const struct f405_gpio *gpio, int pin);
void f405_gpio_drive(struct f405_gpio *gpio, int pin, bool on, bool level);
bool f405_gpio_level(struct f405_gpio *gpio, int pin);
bool f405_gpio_debug_pins(const struct f405_gpio *gpio);    /* PA13, PA14 are SWJ-DP's */

/* f405_usart.c */
void f405_usart_new(struct f405 *f405, int index);
void f405_usart_free(struct f405_usart *usart);
void f405_usart_pins_changed(struct f405_usart *usart);
void f405_usart_edge(struct f405_usart *usart, int pin, int level);

/* f405_debug.c */
void f405_debug_new(struct f405 *f405);
void f405_debug_free(struct f405_debug *debug);
void f405_debug_power(struct f405_debug *debug, bool on);
void f405_debug_chip_starts(struct f405_debug *debug);      /* reset is over */
void f405_debug_system_memory(struct f405 *f405, uint32_t unique_id);

#endif
