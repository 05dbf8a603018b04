/* sam.h - what the peripherals of the simulated chips of Atmel's and Microchip's SAM family share:
 * an ATSAMD21G18A, and others as sam_models.c has them.
 *
 *   sam.c           the chip: core, memories, debug port, resets
 *   sam_models.c    which chips there are, as data
 *   sam_sysctrl.c   clocks of the D21: PM, SYSCTRL, GCLK
 *   sam_mclk.c      clocks of the others: OSCCTRL, GCLK, MCLK
 *   sam_nvm.c       NVMCTRL and the flash, pages of 64 bytes
 *   sam_nvm512.c    the same of the D51, pages of 512 bytes; CMCC
 *   sam_port.c      PORT              sam_dsu.c     DSU, MTB, PAC
 *   sam_sercom.c    SERCOM as USART   sam_timer.c   WDT; TC3-5 and RTC of the D21
 *   sam_eic.c       EIC of the D21
 *
 * Registers of this family are 8, 16 and 32 bits wide, packed, and may be accessed in any
 * of these widths.  A block sees 32-bit words: reads give the whole word, writes come with
 * a mask of the bytes that are written, so that `mask & 0xFF00` asks whether the register
 * at offset 1 is.
 *
 * Sources: SAM D21/DA1 Family Data Sheet DS40001882; errata DS80000760.  Others: sam_models.c. */
#ifndef SAM_H
#define SAM_H

#include "chip.h"
#include "swdp.h"

/* Interrupts and generic clocks of what only the D21 has here. */
enum { SAM_IRQ_RTC = 3, SAM_IRQ_EIC = 4, SAM_IRQ_TC3 = 18 };
enum { GCLK_ID_DFLL = 0, GCLK_ID_WDT = 3, GCLK_ID_RTC, GCLK_ID_EIC, GCLK_ID_TC3 = 0x1B,
       GCLK_ID_TC4_TC5 = 0x1C, GCLK_IDS = 0x25 };

enum sam_bridge { BRIDGE_A, BRIDGE_B, BRIDGE_C, BRIDGE_D, BRIDGE_E, BRIDGES };

struct sam;

/* Where a peripheral is: its address, its bridge, its bit in the bridge's masks. */
struct sam_place { uint32_t base; enum sam_bridge bridge; int bit; };

struct sam_block {
    const char *name;               /* as the data sheet calls it */
    uint32_t base;                  /* 1 KB each, the DSU more */
    enum sam_bridge bridge;
    int bit;                        /* in APBxMASK and in the bridge's PAC */
    uint32_t (*read)(void *ctx, uint32_t word);
    void (*write)(void *ctx, uint32_t word, uint32_t value, uint32_t mask);
    void (*reset)(void *ctx);
    void *ctx;
    uint32_t size;                  /* 0 = 0x400 */
    struct sam *chip;            /* private to sam.c */
};

enum { SAM_BLOCKS = 40, SAM_PINS = 64, SAM_SERCOMS = 6 };

/* Where clocks come from; one kind per family. */
struct sam_clock_kind {
    void (*create)(struct sam *sam);
    void (*destroy)(struct sam *sam);
    void (*reset_cause)(struct sam *sam, enum reset_cause cause);
    sim_time (*gclk)(const struct sam *sam, int id);        /* ticks a cycle, 0: stopped */
    bool (*gate_open)(const struct sam *sam, enum sam_bridge bridge, int bit);
};

/* The flash and its controller. */
struct sam_nvm_kind {
    void (*create)(struct sam *sam);
    void (*destroy)(struct sam *sam);
    void (*power)(struct sam *sam, bool on);
    bool (*protected)(const struct sam *sam);               /* security bit */
    bool (*erase_locked)(const struct sam *sam);            /* against the DSU's chip erase */
    void (*busy)(struct sam *sam, sim_time until);          /* it has begun */
    void (*chip_erase)(struct sam *sam);                    /* it is over */
    void (*check_speed)(struct sam *sam);                   /* after the core's clock changed */
    uint64_t (*fuses)(const struct sam *sam);               /* the user row's first 64 bits */
};
extern const struct sam_clock_kind sam_sysctrl_kind, sam_mclk_kind;
extern const struct sam_nvm_kind sam_nvm64, sam_nvm512;

/* Clock ids beside GCLK's: the 1.024 kHz of OSCULP32K. */
enum { SAM_CLOCK_1K = -1 };

/* Where sam_mclk.c finds what: bases and bits in APBAMASK are of MCLK, PM, RSTC, OSCCTRL,
 * OSC32KCTRL, SUPC, GCLK. */
enum sam_oscillator { SAM_OSC_NONE, SAM_OSC_GEN1, SAM_OSC_ULP, SAM_OSC_32K, SAM_OSC_XTAL32K,
                      SAM_OSC_48M, SAM_OSC_16M, SAM_OSC_DFLL, SAM_OSC_DPLL0, SAM_OSC_DPLL1 };
struct sam_mclk_map {
    uint32_t base[7];
    int bit[7];
    uint32_t apbmask[5];            /* after reset */
    uint32_t cpudiv_at;             /* in MCLK */
    int generators;
    uint32_t source_mask;           /* of GENCTRL.SRC */
    uint8_t sources[9];             /* enum sam_oscillator of each value of it */
    /* In OSCCTRL: */
    uint32_t osc_intenclr;          /* then INTENSET, INTFLAG, STATUS */
    uint32_t osc_at, osc_reset, osc_ready;          /* the main oscillator; its bit in STATUS */
    uint32_t dfll_at, dfll_ready;
    uint32_t xosc_at, dpll_at, osc_syncbusy;
    bool has_dplls, performance_levels;
    int trace_channel;              /* of GCLK: the trace clock; 0: there is no SWO */
};

/* Pads of SERCOMs by pin: C and D are SERCOM * 4 + pad, -1 none.  Ends with pin < 0. */
struct sam_pads { int8_t pin, c, d; };

struct sam_model {
    const char *name;               /* as --target has it */
    struct cpu_config core;
    struct swdp_config port;
    struct coredebug_config debug;
    uint32_t flash_size, ram_size, rwwee_size, lp_ram_size;     /* 0: none of the latter */
    int flash_mhz;                  /* sam_nvm64: for each wait state and one more */
    const struct sam_clock_kind *clock;
    const struct sam_nvm_kind *nvm;
    const struct sam_mclk_map *mclk;        /* of sam_mclk_kind */
    uint32_t did;                   /* DSU.DID */
    sim_time chip_erase_time;
    uint32_t serial_at[4];          /* words 0 to 3 of the serial number */
    uint32_t user_row[8];           /* from the factory */
    struct sam_place nvmctrl, dsu, portmux, wdt;
    int nvmctrl_irq, wdt_irq;
    int wdt_gclk, wdt_fuse;         /* its clock; first of its bits in the user row */
    uint32_t wdt_clear;             /* offset of WDT.CLEAR */
    uint32_t mtb, iobus;            /* 0: none */
    int debug_mux;                  /* the function that makes PA30 SWCLK */
    const struct sam_pads *pads;
    uint32_t bonded[2];             /* pins of PA and PB that the package has */
    struct sam_sercom_place { struct sam_place at; int gclk, irq; } sercom[SAM_SERCOMS];
    int sercom_lines;               /* interrupts each: 1, or 4 (DRE, TXC, RXC, others) */
    bool is_d21;                    /* a PAC for each bridge; EIC, TC and RTC are modelled */
    struct sam_place pac;           /* or one for all */
    const struct sam_absent { const char *name; uint32_t base; } *absent;
};

struct sam;
bool sam_has_swo(const struct sam *sam);

struct sam {
    struct chip chip;
    const char *name;
    const struct sam_model *model;
    struct sim *sim;
    struct cpu *cpu;
    struct bus *bus;
    struct sam_block blocks[SAM_BLOCKS];
    int block_count;

    void *clock, *nvm;              /* the model's kinds' own */
    struct sam_dsu *dsu;
    struct sam_port *port;
    struct sam_eic *eic;
    struct sam_sercom *sercom[SAM_SERCOMS];
    struct sam_timer *timer;
    struct coredebug *coredebug;

    struct bus_region *flash_region;
    struct pin nrst;
    char nrst_name[32];
    bool in_reset, nrst_ours;
    enum reset_cause cause;
    struct alarm reset_done;
};

struct chip *sam_new(struct sim *sim, const char *name, const struct sam_model *model,
                     uint32_t unique_id);
struct sam_block *sam_add_block(struct sam *sam, const struct sam_block *block);
void sam_report(struct sam *sam, enum sim_problem kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void sam_irq(struct sam *sam, int line, bool level);
void sam_reset_internal(struct sam *sam, enum reset_cause cause);

static inline uint32_t sam_merge(uint32_t old, uint32_t value, uint32_t mask)
{
    return (old & ~mask) | (value & mask);
}

/* A generic clock's ticks a cycle, 0 while it is stopped. */
static inline sim_time sam_gclk(const struct sam *sam, int id)
{
    return sam->model->clock->gclk(sam, id);
}

/* sam_dsu.c */
void sam_dsu_new(struct sam *sam, uint32_t unique_id);
void sam_dsu_free(struct sam_dsu *dsu);
void sam_dsu_hold_core(struct sam_dsu *dsu);          /* cold plug */
bool sam_dsu_holds_core(const struct sam_dsu *dsu);
bool sam_dsu_allows(void *sam, uint32_t address, bool write);
bool sam_write_protected(struct sam *sam, const struct sam_block *block);
void sam_core_released(struct sam *sam);           /* CRSTEXT cleared */

/* sam_port.c.  Pins by number: PA00 = 0, PB00 = 32. */
void sam_port_new(struct sam *sam);
void sam_port_free(struct sam_port *port);
void sam_port_power(struct sam_port *port, bool on);
struct pin *sam_port_pin(struct sam_port *port, const char *name);
int sam_port_level(struct sam_port *port, int pin);
/* The pin that PMUX has given to pad n of a SERCOM, -1 if none. */
int sam_port_sercom_pin(const struct sam_port *port, int sercom, int pad);
/* A peripheral drives one of its pins; on = false lets go. */
void sam_port_swo(void *port, int level);           /* the TPIU's pin */
void sam_port_drive(struct sam_port *port, int pin, bool on, int level);

/* sam_eic.c */
void sam_eic_new(struct sam *sam);
void sam_eic_free(struct sam_eic *eic);
void sam_eic_edge(struct sam_eic *eic, int pin, int level);

/* sam_sercom.c */
void sam_sercom_new(struct sam *sam, int number);
void sam_sercom_free(struct sam_sercom *sercom);
void sam_sercom_pins_changed(struct sam_sercom *sercom);
void sam_sercom_edge(struct sam_sercom *sercom, int pin, int level);

/* sam_timer.c */
void sam_timer_new(struct sam *sam);
void sam_timer_free(struct sam_timer *timer);
void sam_timer_power_off(struct sam_timer *timer);

#endif
