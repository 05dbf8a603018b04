/* fpec.h - the flash controller of STM32F0, F1 and F3: what differs, and what it asks its chip.
 *
 *   called by  f103.c (F1), fpec_l4.c (F0, F3) */
#ifndef FPEC_H
#define FPEC_H

#include "chip.h"

struct fpec_type {
    uint32_t page;
    uint32_t bank2;                 /* where a second controller's flash begins; 0: there is none */
    bool levels;                    /* F0, F3: three levels of protection, OBL_LAUNCH */
    uint8_t user;                   /* bits of the user option byte */
    sim_time program, erase;        /* a halfword; a page or all */
};

struct fpec_host {
    struct chip *chip;
    const char *name;               /* "target": which of the board's chips */
    void *ctx;
    bool (*hsi_on)(void *ctx);
    sim_time (*hclk)(void *ctx);
    void (*irq)(void *ctx, bool level);
    void (*latency_changed)(void *ctx, bool prefetch_too);
    void (*launch)(void *ctx);      /* OBL_LAUNCH */
};

/* host->chip->flash may come later. */
struct fpec *fpec_new(const struct fpec_host *host, const struct fpec_type *type,
                      uint32_t flash_size);
void fpec_free(struct fpec *fpec);
void fpec_reset(struct fpec *fpec);
void fpec_power(struct fpec *fpec, bool on);
void fpec_load_options(struct fpec *fpec);
const sim_time *fpec_busy_until(const struct fpec *fpec, int bank);
uint32_t fpec_acr(const struct fpec *fpec);
uint8_t fpec_user_option(const struct fpec *fpec);  /* in force */
int fpec_level(const struct fpec *fpec);            /* of read protection: 0, 1, 2 */

/* The registers at 0x40022000, and stores; `flash_write` takes an offset into all flash. */
uint32_t fpec_read(void *fpec, uint32_t reg);
void fpec_write(void *fpec, uint32_t reg, uint32_t value);
void fpec_flash_write(struct fpec *fpec, uint32_t offset, uint32_t value, int width);

/* F1: what a debugger may touch.  F0, F3: with level 1 it shuts the flash for all. */
bool fpec_debug_allowed(const struct fpec *fpec, uint32_t address);
void fpec_shut(struct fpec *fpec);
bool fpec_is_shut(const struct fpec *fpec);

#endif
