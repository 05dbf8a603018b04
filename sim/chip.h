/* chip.h - a chip: a core, a bus with memories and peripherals, pins, a debug port.
 *
 * The same model serves on both sides of the wire: `stm32f103` is the probe itself and
 * may also be the target.
 *
 *   f103.c    STM32F103, F107     sam.c      SAM family        f4.c     STM32F405, F429, F746
 *   nrf5.c    nRF52840, nRF51822            l4.c     STM32G071RB, G0B1RE, L476RG, G474RE,
 *   sam3.c    SAM3X8E, SAM4S16                         L053R8, L152RC, L152RB, F030R8, F303RC
 *
 *   called by  board.c      calls  cpu.h, bus.h, wires.h, the chip's peripherals */
#ifndef CHIP_H
#define CHIP_H

#include "cpu.h"
#include "wires.h"

struct swdp;

/* Ways of resetting a chip. */
enum reset_cause { RESET_POWER, RESET_PIN, RESET_SOFTWARE, RESET_WATCHDOG, RESET_STANDBY };

struct chip {
    const char *name;               /* "stm32f103", "samd21" */
    struct sim *sim;
    struct cpu *cpu;
    struct bus *bus;
    struct swdp *debug_port;        /* NULL until debug_attach() */

    uint32_t flash_base, flash_size;
    uint8_t *flash;
    uint32_t ram_base, ram_size;

    /* Which pin carries a signal on this chip's usual board: "SWDIO", "SWCLK", "TDI",
     * "TDO", "SWO", "NRST", "TX", "RX" (TX = the chip's output). */
    const char *(*signal_pin)(const char *signal);
    /* A pin by its data sheet name ("PA13", "NRST", "BOOT0"); NULL if it has none. */
    struct pin *(*pin)(struct chip *chip, const char *name);

    void (*power)(struct chip *chip, bool on);      /* off: pins open, RAM lost */
    void (*reset)(struct chip *chip, enum reset_cause cause);
    bool powered;
    struct usbfs *usb;              /* NULL for a chip without a USB macrocell */
    void (*free)(struct chip *chip);
    void *state;                    /* the chip's own struct */
};

/* flash_kb 64 or 128, both the size register and the real memory; unique_id seeds the
 * 96-bit id so that two chips differ.  The chip comes unpowered with erased flash. */
struct chip *f103_new(struct sim *sim, const char *name, int flash_kb, uint32_t unique_id);
struct chip *stm32f103xg_new(struct sim *sim, const char *name, uint32_t unique_id);
struct chip *stm32f107_new(struct sim *sim, const char *name, uint32_t unique_id);
struct chip *samd21_new(struct sim *sim, const char *name, uint32_t unique_id);
struct chip *samc21_new(struct sim *sim, const char *name, uint32_t unique_id);
struct chip *saml21_new(struct sim *sim, const char *name, uint32_t unique_id);
struct chip *samd51_new(struct sim *sim, const char *name, uint32_t unique_id);
struct chip *sam3x8e_new(struct sim *sim, const char *name, uint32_t unique_id);
struct chip *sam4s16_new(struct sim *sim, const char *name, uint32_t unique_id);
struct chip *stm32f205_new(struct sim *sim, const char *name, uint32_t unique_id);
struct chip *stm32f405_new(struct sim *sim, const char *name, uint32_t unique_id);
struct chip *stm32f429_new(struct sim *sim, const char *name, uint32_t unique_id);
struct chip *stm32f746_new(struct sim *sim, const char *name, uint32_t unique_id);
struct chip *stm32f767_new(struct sim *sim, const char *name, uint32_t unique_id);
struct chip *nrf51_new(struct sim *sim, const char *name, uint32_t unique_id);
struct chip *stm32g071_new(struct sim *sim, const char *name, uint32_t unique_id);
struct chip *stm32g0b1_new(struct sim *sim, const char *name, uint32_t unique_id);
struct chip *stm32f030_new(struct sim *sim, const char *name, uint32_t unique_id);
struct chip *stm32f303_new(struct sim *sim, const char *name, uint32_t unique_id);
struct chip *stm32l053_new(struct sim *sim, const char *name, uint32_t unique_id);
struct chip *stm32l152_new(struct sim *sim, const char *name, uint32_t unique_id);
struct chip *stm32l152rb_new(struct sim *sim, const char *name, uint32_t unique_id);
struct chip *stm32l476_new(struct sim *sim, const char *name, uint32_t unique_id);
struct chip *stm32g474_new(struct sim *sim, const char *name, uint32_t unique_id);
/* hardened: from build code Fxx on, where the access port is closed unless opened. */
struct chip *nrf52_new(struct sim *sim, const char *name, bool hardened, uint32_t unique_id);

/* Chips that can be behind the pins (targets.c); the last row has no name. */
struct target_chip {
    const char *name;               /* as --target has it */
    struct chip *(*make)(struct sim *sim);
    const char *what;               /* the part, and what of it is modelled */
    const char *lacks;              /* and what is not */
};
extern const struct target_chip target_chips[];
const struct target_chip *target_chip_named(const char *name, size_t length);   /* or NULL */
static inline void chip_free(struct chip *chip) { if (chip) chip->free(chip); }

/* The USB macrocell of an F103, NULL for a chip without one (see usbfs.h). */
static inline struct usbfs *chip_usb(struct chip *chip) { return chip->usb; }

/* F103 only: without a crystal HSE never becomes ready (and stops if it ran). */
void f103_set_crystal(struct chip *chip, bool fitted);

#endif
