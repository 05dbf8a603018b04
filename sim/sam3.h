/* sam3.h - what the files of the simulated ATSAM3X8E and ATSAM4S16C share.
 *
 *   sam3.c        the chips, as tables: core, memories, boot, resets; RSTC, WDT, CHIPID
 *   sam3_eefc.c   EEFC: the flash, its latch, lock bits, GPNVM bits
 *   sam3_pmc.c    PMC: clocks and gates
 *   sam3_pio.c    PIO: the pins, MATRIX's CCFG_SYSIO
 *   sam3_uart.c   the UART
 *
 * A block sees whole registers: an offset that is a multiple of 4, and 32 bits.
 *
 * Sources: SAM3X/SAM3A data sheet (Atmel 11057), SAM4S data sheet (Atmel 11100).  They were not at
 * hand as text: no section numbers here, and what is a choice of ours is called so.  OpenOCD's
 * drivers at91sam3 and at91sam4 are the check. */
#ifndef SAM3_H
#define SAM3_H

#include "chip.h"
#include "swdp.h"

enum { SAM3_PORTS = 4, SAM3_PLANES = 2, SAM3_BLOCKS = 20, SAM3_RAMS = 2 };

struct sam3_type {
    const char *name;               /* as --target has it */
    uint32_t cpuid, cidr, chipid;   /* CHIPID's value and address */
    int irqs;
    struct { uint32_t base, size; } ram[SAM3_RAMS];
    uint32_t rom;
    /* Flash: planes of one size, each with its EEFC. */
    uint32_t flash, plane_size, page, lock_region, eefc[SAM3_PLANES];
    int planes, gpnvm_bits;
    bool erases_pages;              /* EPA; and EWP only in the first 16 KB (SAM4S) */
    int flash_mhz;                  /* for each wait state and one more */
    sim_time write, erase_write, erase_pages[4], erase_all;
    uint32_t matrix, pmc, uart, rstc, wdt;
    int ports;
    uint32_t pins[SAM3_PORTS];      /* that the package has */
    bool has_sysio;                 /* CCFG_SYSIO gives the debug pins away, bits 4 to 7 */
    const char *const *signals;     /* pairs of signal and pin, NULL ends */
    int tx, rx;                     /* of the UART, both on PIOA */
};

struct sam3;

struct sam3_block {
    const char *name;
    uint32_t base, size;
    int id;                         /* whose bit in PMC_PCSR0 clocks it; -1: always */
    uint32_t (*read)(void *ctx, uint32_t reg);
    void (*write)(void *ctx, uint32_t reg, uint32_t value);
    void (*reset)(void *ctx);
    void *ctx;
    struct sam3 *sam3;              /* private to sam3.c */
};

struct sam3 {
    struct chip chip;
    const struct sam3_type *type;
    const char *name;
    struct sim *sim;
    struct cpu *cpu;
    struct bus *bus;
    struct sam3_block blocks[SAM3_BLOCKS];
    int block_count;

    struct sam3_pmc *pmc;
    struct sam3_flash *flash;
    struct sam3_pio *pio;
    struct sam3_uart *uart;
    struct coredebug *coredebug;

    uint8_t *rom, *ram_memory[SAM3_RAMS];
    bool boots_from_flash;          /* GPNVM1, as the last reset found it */
    bool in_reset, nrst_ours;
    enum reset_cause cause;
    uint32_t reset_type;            /* RSTC_SR */
    struct alarm reset_done, vector_reset;
    struct pin nrst;
    char nrst_name[32];

    uint32_t wdt_mr, wdt_sr;        /* WDT: MR is written once */
    bool wdt_written;
    sim_time wdt_left;              /* while it stands still; 0: it counts, or is off */
    struct alarm wdt_bites, wdt_looks;
};

void sam3_add_block(struct sam3 *sam3, const struct sam3_block *block);
void sam3_report(struct sam3 *sam3, enum sim_problem kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void sam3_reset_internal(struct sam3 *sam3, enum reset_cause cause);
void sam3_apply_debug_port(struct sam3 *sam3);

/* sam3_eefc.c */
void sam3_flash_new(struct sam3 *sam3, uint32_t unique_id);
void sam3_flash_free(struct sam3_flash *flash);
void sam3_flash_power(struct sam3_flash *flash, bool on);
void sam3_flash_map(struct sam3_flash *flash);      /* what is seen at 0 has changed */
void sam3_flash_costs(struct sam3_flash *flash);
unsigned sam3_flash_wait_states(const struct sam3_flash *flash);
bool sam3_flash_gpnvm(const struct sam3_flash *flash, int bit);
bool sam3_flash_debug_allowed(void *sam3, uint32_t address, bool write);

/* sam3_pmc.c */
void sam3_pmc_new(struct sam3 *sam3);
void sam3_pmc_free(struct sam3_pmc *pmc);
bool sam3_pmc_gate_open(const struct sam3_pmc *pmc, int id);
sim_time sam3_pmc_mck(const struct sam3_pmc *pmc);
void sam3_pmc_check_flash(struct sam3_pmc *pmc);

/* sam3_pio.c.  Pins by number: port * 32 + number. */
void sam3_pio_new(struct sam3 *sam3);
void sam3_pio_free(struct sam3_pio *pio);
void sam3_pio_power(struct sam3_pio *pio, bool on);
struct pin *sam3_pio_pin(struct sam3_pio *pio, const char *name);
bool sam3_pio_is_peripheral_a(const struct sam3_pio *pio, int pin);
void sam3_pio_drive(struct sam3_pio *pio, int pin, bool on, bool level);
bool sam3_pio_level(struct sam3_pio *pio, int pin);
bool sam3_pio_debug_pins(const struct sam3_pio *pio);

/* sam3_uart.c */
void sam3_uart_new(struct sam3 *sam3);
void sam3_uart_free(struct sam3_uart *uart);
void sam3_uart_edge(struct sam3_uart *uart, int pin, int level);
void sam3_uart_pins_changed(struct sam3_uart *uart);

#endif
