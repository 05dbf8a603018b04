/* sam_port.c - the SAM D21's pins: PORT, and who owns a pin.
 *
 *   called by  sam.c, SERCOMs (drive, level)      calls  wires.h, SERCOMs, EIC (edges)
 *
 *   PINCFG.PMUXEN = 0   the pin is PORT's: DIR, OUT, pull by OUT
 *   PINCFG.PMUXEN = 1   PMUX names a peripheral: A = EIC, C and D = SERCOM, G = debug port,
 *                           of a SAMD51 H = debug port and PB30 SWO
 *   PINCFG.INEN         the input buffer: without it IN reads 0
 *
 * PA30 (SWCLK) starts as G with a pull-up; PA31 (SWDIO) is the debug port's as long as
 * SWCLK is.  The registers appear twice: at 0x41004400 behind the APB bridge, and at
 * 0x60000000 on the core's single-cycle bus.
 *
 * Which pad is where is the data sheet's table "PORT Function Multiplexing", for the
 * 48-pin package.  Not modelled: input sampling delay, drive strength. */
#include "sam.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GROUPS = 2, SWCLK = 30, SWDIO = 31, SWO = 62 };
enum { PMUXEN = 1 << 0, INEN = 1 << 1, PULLEN = 1 << 2 };
enum { MUX_A = 0, MUX_C = 2, MUX_D = 3, MUX_H = 7 };
#define WRPMUX   (1u << 28)
#define WRPINCFG (1u << 30)
#define HWSEL    (1u << 31)

struct port_pin {
    struct pin pin;
    char name[24];
    struct sam_port *port;
    bool driven;                    /* by a peripheral */
    int level;
};

struct sam_port {
    struct sam *chip;
    bool powered;
    struct port_pin pins[SAM_PINS];
    uint32_t dir[GROUPS], out[GROUPS], ctrl[GROUPS];
    uint8_t pmux[SAM_PINS / 2], pincfg[SAM_PINS];
    int swo;                        /* the TPIU's level */
};

static bool exists(const struct sam_port *port, int pin)
{
    return port->chip->model->bonded[pin / 32] >> (pin % 32) & 1;
}

/* The function that PMUX gives a pin, -1 while it is PORT's. */
static int function(const struct sam_port *port, int pin)
{
    if (!(port->pincfg[pin] & PMUXEN))
        return -1;
    return pin & 1 ? port->pmux[pin / 2] >> 4 : port->pmux[pin / 2] & 15;
}

static bool is_debug_port(const struct sam_port *port, int pin)
{
    return (pin == SWCLK || pin == SWDIO) && function(port, SWCLK) == port->chip->model->debug_mux;
}

static enum drive drive_of(const struct sam_port *port, int pin)
{
    bool dir = port->dir[pin / 32] >> (pin % 32) & 1, out = port->out[pin / 32] >> (pin % 32) & 1;
    const struct port_pin *p = &port->pins[pin];
    if (!port->powered)
        return DRIVE_OPEN;
    if (is_debug_port(port, pin))
        return DRIVE_PULL_UP;
    if (pin == SWO && sam_has_swo(port->chip) && function(port, pin) == MUX_H)
        return port->swo ? DRIVE_HIGH : DRIVE_LOW;
    if (function(port, pin) >= 0 && p->driven)
        return p->level ? DRIVE_HIGH : DRIVE_LOW;
    if (function(port, pin) < 0 && dir)
        return out ? DRIVE_HIGH : DRIVE_LOW;
    if (port->pincfg[pin] & PULLEN)
        return out ? DRIVE_PULL_UP : DRIVE_PULL_DOWN;
    return DRIVE_OPEN;
}

static void settle(struct sam_port *port, int pin)
{
    if (exists(port, pin))
        pin_drive(&port->pins[pin].pin, drive_of(port, pin));
}

static void settle_group(struct sam_port *port, int group, uint32_t which)
{
    for (int i = 0; i < 32; i++)
        if (which >> i & 1)
            settle(port, group * 32 + i);
}

static void mux_changed(struct sam_port *port)
{
    for (int i = 0; i < SAM_SERCOMS; i++)
        if (port->chip->sercom[i])
            sam_sercom_pins_changed(port->chip->sercom[i]);
    if (port->chip->chip.debug_port)
        swdp_enable(port->chip->chip.debug_port, function(port, SWCLK) == port->chip->model->debug_mux);
    settle_group(port, 0, ~0u);
    settle_group(port, 1, ~0u);
}

/* --- as peripherals see it ----------------------------------------------------------- */

int sam_port_sercom_pin(const struct sam_port *port, int sercom, int pad)
{
    int wanted = sercom * 4 + pad;
    for (const struct sam_pads *row = port->chip->model->pads; row->pin >= 0; row++) {
        int mux = function(port, row->pin);
        if ((mux == MUX_C && row->c == wanted) || (mux == MUX_D && row->d == wanted))
            return row->pin;
    }
    return -1;
}

void sam_port_swo(void *ctx, int level)
{
    struct sam_port *port = ctx;
    port->swo = level;
    settle(port, SWO);
}

void sam_port_drive(struct sam_port *port, int pin, bool on, int level)
{
    port->pins[pin].driven = on;
    port->pins[pin].level = level;
    settle(port, pin);
}

int sam_port_level(struct sam_port *port, int pin)
{
    return pin_sample(&port->pins[pin].pin);
}

static void pin_changed(void *ctx, int level)
{
    struct port_pin *p = ctx;
    struct sam *chip = p->port->chip;
    int pin = (int)(p - p->port->pins);
    for (int i = 0; i < SAM_SERCOMS; i++)
        if (chip->sercom[i])
            sam_sercom_edge(chip->sercom[i], pin, level);
    if (chip->eic && function(p->port, pin) == MUX_A)
        sam_eic_edge(chip->eic, pin, level);
}

/* "PA22", "PB02" or "PB2". */
struct pin *sam_port_pin(struct sam_port *port, const char *name)
{
    char *end;
    if (name[0] != 'P' || (name[1] != 'A' && name[1] != 'B') || !name[2])
        return NULL;
    long number = strtol(name + 2, &end, 10);
    if (*end || number < 0 || number > 31)
        return NULL;
    int pin = (int)number + (name[1] == 'B' ? 32 : 0);
    return exists(port, pin) ? &port->pins[pin].pin : NULL;
}

/* --- registers ------------------------------------------------------------------------ */

static uint32_t read_in(struct sam_port *port, int group)
{
    uint32_t levels = 0;
    for (int i = 0; i < 32; i++) {
        int pin = group * 32 + i;
        if (exists(port, pin) && port->pincfg[pin] & INEN && sam_port_level(port, pin))
            levels |= 1u << i;
    }
    return levels;
}

static uint32_t read_bytes(const uint8_t *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, 4);
    return word;
}

static uint32_t port_read(void *ctx, uint32_t word)
{
    struct sam_port *port = ctx;
    unsigned group = word / 0x80, reg = word % 0x80;
    if (group >= GROUPS)
        return 0;
    if (reg >= 0x30 && reg < 0x40)
        return read_bytes(port->pmux + group * 16 + reg - 0x30);
    if (reg >= 0x40 && reg < 0x60)
        return read_bytes(port->pincfg + group * 32 + reg - 0x40);
    switch (reg) {
    case 0x00: case 0x04: case 0x08: case 0x0C: return port->dir[group];
    case 0x10: case 0x14: case 0x18: case 0x1C: return port->out[group];
    case 0x20: return read_in(port, (int)group);
    case 0x24: return port->ctrl[group];
    default:   return 0;
    }
}

static void write_bytes(uint8_t *bytes, uint32_t value, uint32_t mask)
{
    for (int i = 0; i < 4; i++)
        if (mask >> 8 * i & 0xFF)
            bytes[i] = (uint8_t)(value >> 8 * i);
}

/* DIR and OUT: plain, clear, set, toggle, each 4 bytes on. */
static void write_four_ways(uint32_t *reg, unsigned way, uint32_t value, uint32_t mask)
{
    value &= mask;
    switch (way) {
    case 0:  *reg = sam_merge(*reg, value, mask); break;
    case 1:  *reg &= ~value; break;
    case 2:  *reg |= value; break;
    default: *reg ^= value; break;
    }
}

static void write_wrconfig(struct sam_port *port, unsigned group, uint32_t value)
{
    for (unsigned i = 0; i < 16; i++) {
        unsigned pin = group * 32 + i + (value & HWSEL ? 16 : 0);
        uint8_t *pmux = &port->pmux[pin / 2];
        if (!(value >> i & 1))
            continue;
        if (value & WRPINCFG)
            port->pincfg[pin] = (uint8_t)(value >> 16 & 0x47);
        if (value & WRPMUX)
            *pmux = (uint8_t)(pin & 1 ? (*pmux & 0x0F) | (value >> 24 & 15) << 4
                                      : (*pmux & 0xF0) | (value >> 24 & 15));
    }
    mux_changed(port);
}

static void port_write(void *ctx, uint32_t word, uint32_t value, uint32_t mask)
{
    struct sam_port *port = ctx;
    unsigned group = word / 0x80, reg = word % 0x80;
    if (group >= GROUPS)
        return;
    if (reg < 0x20) {
        uint32_t *one = reg < 0x10 ? &port->dir[group] : &port->out[group], before = *one;
        write_four_ways(one, reg / 4 % 4, value, mask);
        settle_group(port, (int)group, *one ^ before);
    } else if (reg == 0x24) {
        port->ctrl[group] = sam_merge(port->ctrl[group], value, mask);
    } else if (reg == 0x28) {
        write_wrconfig(port, group, value & mask);
    } else if (reg >= 0x30 && reg < 0x40) {
        write_bytes(port->pmux + group * 16 + reg - 0x30, value, mask);
        mux_changed(port);
    } else if (reg >= 0x40 && reg < 0x60) {
        write_bytes(port->pincfg + group * 32 + reg - 0x40, value & 0x47474747, mask);
        mux_changed(port);
    }
}

/* --- the same on the single-cycle bus -------------------------------------------------- */

static uint32_t iobus_read(void *ctx, uint32_t offset, int width)
{
    (void)width;
    return port_read(ctx, offset & ~3u) >> 8 * (offset & 3);
}

static void iobus_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    unsigned lane = 8 * (offset & 3);
    uint32_t mask = width == 4 ? ~0u : ((1u << 8 * width) - 1) << lane;
    port_write(ctx, offset & ~3u, value << lane, mask);
}

/* --- reset, power, construction --------------------------------------------------------- */

static void port_reset(void *ctx)
{
    struct sam_port *port = ctx;
    memset(port->dir, 0, sizeof port->dir);
    memset(port->out, 0, sizeof port->out);
    memset(port->ctrl, 0, sizeof port->ctrl);
    memset(port->pmux, 0, sizeof port->pmux);
    memset(port->pincfg, 0, sizeof port->pincfg);
    for (int i = 0; i < SAM_PINS; i++)
        port->pins[i].driven = false;
    port->pincfg[SWCLK] = PMUXEN;
    port->pmux[SWCLK / 2] = (uint8_t)port->chip->model->debug_mux;
    mux_changed(port);
}

void sam_port_power(struct sam_port *port, bool on)
{
    port->powered = on;
    settle_group(port, 0, ~0u);
    settle_group(port, 1, ~0u);
}

void sam_port_new(struct sam *sam)
{
    struct sam_port *port = sam->port = calloc(1, sizeof *port);
    port->chip = sam;
    for (int i = 0; i < SAM_PINS; i++) {
        struct port_pin *p = &port->pins[i];
        p->port = port;
        snprintf(p->name, sizeof p->name, "%.10s P%c%02d", sam->name, "AB"[i / 32], i % 32);
        pin_init(&p->pin, sam->sim, p->name, pin_changed, p);
    }
    sam_add_block(sam, &(struct sam_block){
        .name = "PORT", .base = sam->model->portmux.base, .bridge = sam->model->portmux.bridge,
        .bit = sam->model->portmux.bit, .read = port_read, .write = port_write,
        .reset = port_reset, .ctx = port });
    if (!sam->model->iobus)
        return;
    bus_add(sam->bus, &(struct bus_region){
        .base = sam->model->iobus, .size = 0x200, .name = "PORT on the IOBUS", .read = iobus_read,
        .write = iobus_write, .ctx = port });
}

void sam_port_free(struct sam_port *port)
{
    free(port);
}
