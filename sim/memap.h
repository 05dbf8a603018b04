/* memap.h - the AHB-AP of a simulated chip: a debugger's master on the chip's bus.
 *
 *   called by  swdp.c      calls  bus.h, cpu.h (to let the core catch up) */
#ifndef MEMAP_H
#define MEMAP_H

#include "swdp.h"

struct memap;

struct memap *memap_new(struct chip *chip, const struct swdp_config *config);
void memap_free(struct memap *ap);
void memap_reset(struct memap *ap);
void memap_stop(struct memap *ap, bool (*unclocked)(void *ctx), void *ctx);
void memap_hide(struct memap *ap, bool (*hidden)(void *ctx, uint32_t address), void *ctx);
void memap_restrict(struct memap *ap,
                    bool (*allowed)(void *ctx, uint32_t address, bool write), void *ctx);

void memap_enable(struct memap *ap, bool enabled);   /* CSW.DeviceEn */

/* Registers by their address in the AP (0x00 CSW to 0xFC IDR).  False: bus error. */
bool memap_read(struct memap *ap, uint32_t reg, uint32_t *value);
bool memap_write(struct memap *ap, uint32_t reg, uint32_t value);

/* An access to reg made now: when can the bus take it (a busy flash stalls), and how
 * long does it take from there. */
sim_time memap_ready_at(struct memap *ap, uint32_t reg, bool write);
sim_time memap_duration(struct memap *ap, uint32_t reg);

/* Lets a core that lags behind execute up to sim->now, so that what a debugger sees is
 * what it would see at this moment. */
void sim_catch_up(struct sim *sim, struct cpu *cpu);

#endif
