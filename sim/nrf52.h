/* nrf52.h - what the files of the simulated nRF52840 share.
 *
 *   nrf52.c         the chip: core, memories, FICR, debug port with CTRL-AP, resets
 *   nrf52_nvmc.c    flash, UICR and their controller, ACL
 *   nrf52_power.c   CLOCK, POWER, access port protection, WDT
 *   nrf52_gpio.c    P0, P1
 *   nrf52_uart.c    UART0
 *
 * Peripherals of this family have tasks (write 1: do), events (read: has it happened;
 * write 0: forget it) and registers, at the same offsets in each: 0x000, 0x100, 0x300.
 *
 * Source: nRF52840 Product Specification v1.7. */
#ifndef NRF52_H
#define NRF52_H

#include "chip.h"
#include "swdp.h"

enum { NRF52_IRQ_POWER_CLOCK = 0, NRF52_IRQ_UART0 = 2, NRF52_IRQ_WDT = 16, NRF52_IRQS = 48 };
enum { NRF52_PINS = 48 };           /* P0.n is n, P1.n is 32 + n */

struct nrf52;

struct nrf52_block {
    const char *name;               /* as the specification calls it */
    uint32_t base, size;
    uint32_t (*read)(void *ctx, uint32_t reg);
    void (*write)(void *ctx, uint32_t reg, uint32_t value);
    void (*reset)(void *ctx);
    void *ctx;
    struct nrf52 *nrf52;            /* private to nrf52.c */
};

/* Events and which of them interrupt: bit n is the event at 0x100 + 4n. */
struct nrf52_events { uint32_t happened, enabled; int irq; struct nrf52 *nrf52; };

enum { NRF52_BLOCKS = 12 };

struct nrf52 {
    struct chip chip;
    const char *name;
    struct sim *sim;
    struct cpu *cpu;
    struct bus *bus;
    bool hardened;                  /* build code Fxx: closed unless it is opened */
    struct nrf52_block blocks[NRF52_BLOCKS];
    int block_count;

    struct nrf52_nvmc *nvmc;
    struct nrf52_power *power;
    struct nrf52_gpio *gpio;
    struct nrf52_uart *uart;
    struct coredebug *coredebug;

    uint32_t ficr[0x400];
    uint32_t ctrl_reset, ctrl_eraseall;     /* CTRL-AP's registers */
    bool in_reset;
    enum reset_cause cause;
    struct alarm reset_done;
    struct pin swdio, swclk;
    char swdio_name[24], swclk_name[24];
};

struct nrf52_block *nrf52_add_block(struct nrf52 *nrf52, const struct nrf52_block *block);
void nrf52_report(struct nrf52 *nrf52, enum sim_problem kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void nrf52_reset_internal(struct nrf52 *nrf52, enum reset_cause cause);
void nrf52_pin_reset(struct nrf52 *nrf52, int level);       /* P0.18 changed */
void nrf52_clear_ram(struct nrf52 *nrf52);                  /* ERASEALL of CTRL-AP */

void nrf52_event(struct nrf52_events *events, uint32_t offset);
/* Registers 0x100 to 0x308; false: it is none of them. */
bool nrf52_events_read(const struct nrf52_events *events, uint32_t reg, uint32_t *value);
bool nrf52_events_write(struct nrf52_events *events, uint32_t reg, uint32_t value);
void nrf52_events_reset(struct nrf52_events *events);

/* nrf52_nvmc.c */
void nrf52_nvmc_new(struct nrf52 *nrf52);
void nrf52_nvmc_free(struct nrf52_nvmc *nvmc);
void nrf52_nvmc_power_off(struct nrf52_nvmc *nvmc);
uint32_t nrf52_uicr(const struct nrf52_nvmc *nvmc, uint32_t offset);
void nrf52_nvmc_erase_by_debugger(struct nrf52_nvmc *nvmc);     /* CTRL-AP.ERASEALL */
bool nrf52_nvmc_erasing(const struct nrf52_nvmc *nvmc);         /* that is under way */

/* nrf52_power.c */
void nrf52_power_new(struct nrf52 *nrf52);
void nrf52_power_free(struct nrf52_power *power);
void nrf52_power_reset_cause(struct nrf52_power *power, enum reset_cause cause);
void nrf52_power_apply_protection(struct nrf52_power *power);   /* as reset finds UICR */
void nrf52_power_erased(struct nrf52_power *power);             /* by CTRL-AP, all of it */
bool nrf52_power_protected(const struct nrf52_power *power);
void nrf52_power_off(struct nrf52_power *power);

/* nrf52_gpio.c */
void nrf52_gpio_new(struct nrf52 *nrf52);
void nrf52_gpio_free(struct nrf52_gpio *gpio);
void nrf52_gpio_power(struct nrf52_gpio *gpio, bool on);
void nrf52_gpio_apply(struct nrf52_gpio *gpio, int pin);
struct pin *nrf52_gpio_pin(struct nrf52_gpio *gpio, const char *name);
void nrf52_gpio_drive(struct nrf52_gpio *gpio, int pin, bool on, bool level);
bool nrf52_gpio_level(struct nrf52_gpio *gpio, int pin);

/* nrf52_uart.c */
void nrf52_uart_new(struct nrf52 *nrf52);
void nrf52_uart_free(struct nrf52_uart *uart);
void nrf52_uart_edge(struct nrf52_uart *uart, int pin, int level);

#endif
