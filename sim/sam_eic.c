/* sam_eic.c - the SAM D21's external interrupts.
 *
 *   called by  sam_port.c (edges of pins with function A)      calls  cpu.h
 *
 * Sixteen lines, each with a sense (none, rise, fall, both, high, low).  Not modelled:
 * the filter, events to EVSYS (reported), the NMI line (reported).
 *
 * Source: data sheet chapter EIC; line of each pin from the multiplexing table. */
#include "sam.h"
#include <stdlib.h>

enum sense { SENSE_NONE, SENSE_RISE, SENSE_FALL, SENSE_BOTH, SENSE_HIGH, SENSE_LOW };

struct sam_eic {
    struct sam *chip;
    bool enabled;
    uint32_t intenset, intflag, wakeup, config[2];
};

/* Line = pin number modulo 16, except for these (and PA08, which is the NMI). */
static int line_of(int pin)
{
    switch (pin) {
    case 8:  return -1;
    case 24: return 12;
    case 25: return 13;
    case 27: return 15;
    case 28: return 8;
    case 30: return 10;
    case 31: return 11;
    default: return pin % 16;
    }
}

static void update_irq(struct sam_eic *eic)
{
    sam_irq(eic->chip, SAM_IRQ_EIC, eic->intflag & eic->intenset);
}

static bool senses(enum sense sense, int level)
{
    switch (sense) {
    case SENSE_RISE: case SENSE_HIGH: return level;
    case SENSE_FALL: case SENSE_LOW:  return !level;
    case SENSE_BOTH:                  return true;
    default:                          return false;
    }
}

void sam_eic_edge(struct sam_eic *eic, int pin, int level)
{
    int line = line_of(pin);
    if (!eic->enabled || line < 0)
        return;
    if (senses(eic->config[line / 8] >> (line % 8 * 4) & 7, level))
        eic->intflag |= 1u << line;
    update_irq(eic);
}

static uint32_t eic_read(void *ctx, uint32_t word)
{
    struct sam_eic *eic = ctx;
    switch (word) {
    case 0x00: return eic->enabled ? 2 : 0;
    case 0x08: case 0x0C: return eic->intenset;
    case 0x10: return eic->intflag;
    case 0x14: return eic->wakeup;
    case 0x18: case 0x1C: return eic->config[(word - 0x18) / 4];
    default:   return 0;
    }
}

static void eic_reset(void *ctx)
{
    struct sam_eic *eic = ctx;
    *eic = (struct sam_eic){ .chip = eic->chip };
    update_irq(eic);
}

static void eic_control(struct sam_eic *eic, uint32_t value, uint32_t mask)
{
    if (mask & value & 1)
        eic_reset(eic);
    else if (mask & 0xFF)
        eic->enabled = value & 2;
    if (mask & value & 0x00070000)
        sam_report(eic->chip, SIM_UNMODELLED, "EIC: the NMI line");
}

static void eic_write(void *ctx, uint32_t word, uint32_t value, uint32_t mask)
{
    struct sam_eic *eic = ctx;
    value &= mask;
    switch (word) {
    case 0x00: eic_control(eic, value, mask); break;
    case 0x04:
        if (value)
            sam_report(eic->chip, SIM_UNMODELLED, "EIC: events");
        break;
    case 0x08: eic->intenset &= ~value; break;
    case 0x0C: eic->intenset |= value; break;
    case 0x10: eic->intflag &= ~value; break;
    case 0x14: eic->wakeup = sam_merge(eic->wakeup, value, mask); break;
    case 0x18: case 0x1C:
        eic->config[(word - 0x18) / 4] = sam_merge(eic->config[(word - 0x18) / 4], value,
                                                      mask);
        break;
    default: break;
    }
    update_irq(eic);
}

void sam_eic_new(struct sam *sam)
{
    struct sam_eic *eic = sam->eic = calloc(1, sizeof *eic);
    eic->chip = sam;
    sam_add_block(sam, &(struct sam_block){
        .name = "EIC", .base = 0x40001800, .bridge = BRIDGE_A, .bit = 6, .read = eic_read,
        .write = eic_write, .reset = eic_reset, .ctx = eic });
}

void sam_eic_free(struct sam_eic *eic)
{
    free(eic);
}
