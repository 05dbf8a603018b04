/* samd21.h - what the peripherals of the simulated ATSAMD21G18A share.
 *
 *   samd21.c          the chip: core, memories, debug port, resets
 *   samd21_clock.c    PM, SYSCTRL, GCLK        samd21_port.c    PORT
 *   samd21_nvm.c      NVMCTRL and the flash    samd21_dsu.c     DSU, PAC
 *   samd21_sercom.c   SERCOM as USART          samd21_timer.c   WDT, TC3-5, RTC
 *   samd21_eic.c      EIC
 *
 * Registers of this family are 8, 16 and 32 bits wide, packed, and may be accessed in any
 * of these widths.  A block sees 32-bit words: reads give the whole word, writes come with
 * a mask of the bytes that are written, so that `mask & 0xFF00` asks whether the register
 * at offset 1 is.
 *
 * Source: SAM D21/DA1 Family Data Sheet DS40001882; errata DS80000760. */
#ifndef SAMD21_H
#define SAMD21_H

#include "chip.h"
#include "swdp.h"

enum { SAMD21_IRQ_WDT = 2, SAMD21_IRQ_RTC, SAMD21_IRQ_EIC, SAMD21_IRQ_NVMCTRL,
       SAMD21_IRQ_SERCOM0 = 9, SAMD21_IRQ_TC3 = 18, SAMD21_IRQS = 28 };

/* Generic clock channels, data sheet table "GCLK_CLKCTRL.ID". */
enum { GCLK_ID_DFLL = 0, GCLK_ID_WDT = 3, GCLK_ID_RTC, GCLK_ID_EIC,
       GCLK_ID_SERCOM0 = 0x14, GCLK_ID_TC3 = 0x1B, GCLK_ID_TC4_TC5 = 0x1C, GCLK_IDS = 0x25 };

enum samd21_bridge { BRIDGE_A, BRIDGE_B, BRIDGE_C, BRIDGES };

struct samd21;

struct samd21_block {
    const char *name;               /* as the data sheet calls it */
    uint32_t base;                  /* 1 KB each, the DSU more */
    enum samd21_bridge bridge;
    int bit;                        /* in APBxMASK and in the bridge's PAC */
    uint32_t (*read)(void *ctx, uint32_t word);
    void (*write)(void *ctx, uint32_t word, uint32_t value, uint32_t mask);
    void (*reset)(void *ctx);
    void *ctx;
    uint32_t size;                  /* 0 = 0x400 */
    struct samd21 *chip;            /* private to samd21.c */
};

enum { SAMD21_BLOCKS = 32, SAMD21_PINS = 64 };

struct samd21 {
    struct chip chip;
    const char *name;
    struct sim *sim;
    struct cpu *cpu;
    struct bus *bus;
    struct samd21_block blocks[SAMD21_BLOCKS];
    int block_count;

    struct samd21_clock *clock;
    struct samd21_nvm *nvm;
    struct samd21_dsu *dsu;
    struct samd21_port *port;
    struct samd21_eic *eic;
    struct samd21_sercom *sercom[6];
    struct samd21_timer *timer;
    struct coredebug *coredebug;

    struct bus_region *flash_region;
    struct pin nrst;
    char nrst_name[32];
    bool in_reset, nrst_ours;
    enum reset_cause cause;
    struct alarm reset_done;
};

struct samd21_block *samd21_add_block(struct samd21 *samd21, const struct samd21_block *block);
void samd21_report(struct samd21 *samd21, enum sim_problem kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void samd21_irq(struct samd21 *samd21, int line, bool level);
void samd21_reset_internal(struct samd21 *samd21, enum reset_cause cause);

static inline uint32_t samd21_merge(uint32_t old, uint32_t value, uint32_t mask)
{
    return (old & ~mask) | (value & mask);
}

/* samd21_clock.c.  Times are ticks a cycle, 0 while stopped. */
void samd21_clock_new(struct samd21 *samd21);
void samd21_clock_free(struct samd21_clock *clock);
void samd21_clock_reset_cause(struct samd21_clock *clock, enum reset_cause cause);
sim_time samd21_gclk(const struct samd21_clock *clock, int id);
bool samd21_gate_open(const struct samd21_clock *clock, enum samd21_bridge bridge, int bit);

/* samd21_nvm.c */
void samd21_nvm_new(struct samd21 *samd21);
void samd21_nvm_free(struct samd21_nvm *nvm);
void samd21_nvm_power(struct samd21_nvm *nvm, bool on);
bool samd21_nvm_protected(const struct samd21_nvm *nvm);    /* security bit */
void samd21_nvm_chip_erase(struct samd21_nvm *nvm);         /* DSU: at its end */
void samd21_nvm_busy(struct samd21_nvm *nvm, sim_time until);
int samd21_nvm_wait_states(const struct samd21_nvm *nvm);
void samd21_nvm_check_speed(struct samd21_nvm *nvm);

/* samd21_dsu.c */
void samd21_dsu_new(struct samd21 *samd21, uint32_t unique_id);
void samd21_dsu_free(struct samd21_dsu *dsu);
void samd21_dsu_hold_core(struct samd21_dsu *dsu);          /* cold plug */
bool samd21_dsu_holds_core(const struct samd21_dsu *dsu);
bool samd21_dsu_allows(void *samd21, uint32_t address, bool write);
bool samd21_write_protected(struct samd21 *samd21, const struct samd21_block *block);
void samd21_core_released(struct samd21 *samd21);           /* CRSTEXT cleared */

/* samd21_port.c.  Pins by number: PA00 = 0, PB00 = 32. */
void samd21_port_new(struct samd21 *samd21);
void samd21_port_free(struct samd21_port *port);
void samd21_port_power(struct samd21_port *port, bool on);
struct pin *samd21_port_pin(struct samd21_port *port, const char *name);
int samd21_port_level(struct samd21_port *port, int pin);
/* The pin that PMUX has given to pad n of a SERCOM, -1 if none. */
int samd21_port_sercom_pin(const struct samd21_port *port, int sercom, int pad);
/* A peripheral drives one of its pins; on = false lets go. */
void samd21_port_drive(struct samd21_port *port, int pin, bool on, int level);

/* samd21_eic.c */
void samd21_eic_new(struct samd21 *samd21);
void samd21_eic_free(struct samd21_eic *eic);
void samd21_eic_edge(struct samd21_eic *eic, int pin, int level);

/* samd21_sercom.c */
void samd21_sercom_new(struct samd21 *samd21, int number);
void samd21_sercom_free(struct samd21_sercom *sercom);
void samd21_sercom_pins_changed(struct samd21_sercom *sercom);
void samd21_sercom_edge(struct samd21_sercom *sercom, int pin, int level);

/* samd21_timer.c */
void samd21_timer_new(struct samd21 *samd21);
void samd21_timer_free(struct samd21_timer *timer);
void samd21_timer_power_off(struct samd21_timer *timer);

#endif
