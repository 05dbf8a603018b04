/* nrf5.h - what the files of the simulated nRF52840 and nRF51822 share.
 *
 *   nrf5.c         the chip: core, memories, debug port with CTRL-AP, resets
 *   nrf5_models.c  which chips there are: sizes, times, FICR, ids, what is not modelled
 *   nrf5_nvmc.c    flash, UICR and their controller, ACL (52), code regions and MPU (51)
 *   nrf5_power.c   CLOCK, POWER, access port protection (52), readback protection (51), WDT
 *   nrf5_gpio.c    P0, P1
 *   nrf5_uart.c    UART0
 *
 * Peripherals of this family have tasks (write 1: do), events (read: has it happened;
 * write 0: forget it) and registers, at the same offsets in each: 0x000, 0x100, 0x300.
 *
 * What differs between the two is a row of data, struct nrf5_model (nrf5.c); `is_51` stands for
 * what one of them has and the other has not.
 *
 * Sources: nRF52840 Product Specification v1.7; nRF51 Series Reference Manual v3.0 and
 * nRF51822 Product Specification v3.1. */
#ifndef NRF5_H
#define NRF5_H

#include "chip.h"
#include "swdp.h"

enum { NRF5_IRQ_POWER_CLOCK = 0, NRF5_IRQ_UART0 = 2, NRF5_IRQ_WDT = 16 };
enum { NRF5_PINS = 48 };            /* P0.n is n, P1.n is 32 + n */

struct nrf5_model {
    const char *name;               /* as --target has it */
    bool is_51;
    uint32_t flash_size, page, ram_size;
    uint32_t hz;
    int wait_states;                /* of the flash without a cache */
    sim_time write_time, page_time, all_time;
    int port_pins[2];
    struct cpu_config core;
    struct swdp_config port;
    struct coredebug_config debug;
    const struct nrf5_word { uint32_t at, value; } *ficr;      /* ends with at = 0 */
    const struct nrf5_absent { const char *name; uint32_t base; } *absent;
};

struct nrf5;

struct nrf5_block {
    const char *name;               /* as the specification calls it */
    uint32_t base, size;
    uint32_t (*read)(void *ctx, uint32_t reg);
    void (*write)(void *ctx, uint32_t reg, uint32_t value);
    void (*reset)(void *ctx);
    void *ctx;
    struct nrf5 *nrf5;            /* private to nrf5.c */
};

/* Events and which of them interrupt: bit n is the event at 0x100 + 4n. */
struct nrf5_events { uint32_t happened, enabled; int irq; struct nrf5 *nrf5; };

enum { NRF5_BLOCKS = 12 };

struct nrf5 {
    struct chip chip;
    const char *name;
    struct sim *sim;
    struct cpu *cpu;
    struct bus *bus;
    const struct nrf5_model *model;
    bool hardened;                  /* 52: build code Fxx, closed unless it is opened */
    struct nrf5_block blocks[NRF5_BLOCKS];
    int block_count;

    struct nrf5_nvmc *nvmc;
    struct nrf5_power *power;
    struct nrf5_gpio *gpio;
    struct nrf5_uart *uart;
    struct coredebug *coredebug;

    uint32_t ficr[0x400];
    uint32_t ctrl_reset, ctrl_eraseall;     /* CTRL-AP's registers */
    bool in_reset;
    bool debug_mode;                /* 51: SWDIO is SWDIO, and resets nothing */
    enum reset_cause cause;
    struct alarm reset_done, pin_reset;
    struct pin swdio, swclk;
    char swdio_name[24], swclk_name[24];
};

struct chip *nrf5_new(struct sim *sim, const char *name, const struct nrf5_model *model,
                      bool hardened, uint32_t unique_id);
struct nrf5_block *nrf5_add_block(struct nrf5 *nrf5, const struct nrf5_block *block);
void nrf5_report(struct nrf5 *nrf5, enum sim_problem kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void nrf5_reset_internal(struct nrf5 *nrf5, enum reset_cause cause);
void nrf5_pin_reset(struct nrf5 *nrf5, int level);         /* 52: P0.18 changed */
void nrf5_clear_ram(struct nrf5 *nrf5);                  /* ERASEALL of CTRL-AP */

void nrf5_event(struct nrf5_events *events, uint32_t offset);
/* Registers 0x100 to 0x308; false: it is none of them. */
bool nrf5_events_read(const struct nrf5_events *events, uint32_t reg, uint32_t *value);
bool nrf5_events_write(struct nrf5_events *events, uint32_t reg, uint32_t value);
void nrf5_events_reset(struct nrf5_events *events);

/* nrf5_nvmc.c */
void nrf5_nvmc_new(struct nrf5 *nrf5);
void nrf5_nvmc_free(struct nrf5_nvmc *nvmc);
void nrf5_nvmc_power_off(struct nrf5_nvmc *nvmc);
uint32_t nrf5_uicr(const struct nrf5_nvmc *nvmc, uint32_t offset);
void nrf5_nvmc_erase_by_debugger(struct nrf5_nvmc *nvmc);     /* CTRL-AP.ERASEALL */
/* 51: the MPU's registers 0x528 to 0x60C, in POWER's block; and what reset finds in UICR. */
uint32_t nrf5_mpu_read(const struct nrf5_nvmc *nvmc, uint32_t reg);
void nrf5_mpu_write(struct nrf5_nvmc *nvmc, uint32_t reg, uint32_t value);
void nrf5_nvmc_reset_over(struct nrf5_nvmc *nvmc);
bool nrf5_nvmc_hides(void *nrf5, uint32_t address);         /* from a debugger */
bool nrf5_nvmc_erasing(const struct nrf5_nvmc *nvmc);         /* that is under way */

/* nrf5_power.c */
void nrf5_power_new(struct nrf5 *nrf5);
void nrf5_power_free(struct nrf5_power *power);
void nrf5_power_reset_cause(struct nrf5_power *power, enum reset_cause cause);
void nrf5_power_apply_protection(struct nrf5_power *power);   /* as reset finds UICR */
void nrf5_power_erased(struct nrf5_power *power);             /* by CTRL-AP, all of it */
bool nrf5_power_pin_resets(const struct nrf5_power *power);     /* 51: in debug mode, too */
bool nrf5_power_protected(const struct nrf5_power *power);
void nrf5_power_connect_swo(struct nrf5 *nrf5);
void nrf5_power_off(struct nrf5_power *power);

/* nrf5_gpio.c */
void nrf5_gpio_new(struct nrf5 *nrf5);
void nrf5_gpio_free(struct nrf5_gpio *gpio);
void nrf5_gpio_power(struct nrf5_gpio *gpio, bool on);
void nrf5_gpio_apply(struct nrf5_gpio *gpio, int pin);
struct pin *nrf5_gpio_pin(struct nrf5_gpio *gpio, const char *name);
void nrf5_gpio_drive(struct nrf5_gpio *gpio, int pin, bool on, bool level);
bool nrf5_gpio_level(struct nrf5_gpio *gpio, int pin);

/* nrf5_uart.c */
void nrf5_uart_new(struct nrf5 *nrf5);
void nrf5_uart_free(struct nrf5_uart *uart);
void nrf5_uart_edge(struct nrf5_uart *uart, int pin, int level);

#endif
