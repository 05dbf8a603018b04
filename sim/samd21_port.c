/* samd21_port.c - the SAM D21's pins: PORT, and who owns a pin.
 *
 *   called by  samd21.c, SERCOMs (drive, level)      calls  wires.h, SERCOMs, EIC (edges)
 *
 *   PINCFG.PMUXEN = 0   the pin is PORT's: DIR, OUT, pull by OUT
 *   PINCFG.PMUXEN = 1   PMUX names a peripheral: A = EIC, C and D = SERCOM, G = debug port
 *   PINCFG.INEN         the input buffer: without it IN reads 0
 *
 * PA30 (SWCLK) starts as G with a pull-up; PA31 (SWDIO) is the debug port's as long as
 * SWCLK is.  The registers appear twice: at 0x41004400 behind the APB bridge, and at
 * 0x60000000 on the core's single-cycle bus.
 *
 * Which pad is where is the data sheet's table "PORT Function Multiplexing", for the
 * 48-pin package.  Not modelled: input sampling delay, drive strength. */
#include "samd21.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GROUPS = 2, SWCLK = 30, SWDIO = 31 };
enum { PMUXEN = 1 << 0, INEN = 1 << 1, PULLEN = 1 << 2 };
enum { MUX_A = 0, MUX_C = 2, MUX_D = 3, MUX_G = 6 };
#define WRPMUX   (1u << 28)
#define WRPINCFG (1u << 30)
#define HWSEL    (1u << 31)

/* Pads of SERCOMs by pin: C and D are SERCOM * 4 + pad, -1 none. */
struct pads { int8_t pin, c, d; };
static const struct pads pads[] = {
    { 0, -1, 4 }, { 1, -1, 5 }, { 4, -1, 0 }, { 5, -1, 1 }, { 6, -1, 2 }, { 7, -1, 3 },
    { 8, 0, 8 }, { 9, 1, 9 }, { 10, 2, 10 }, { 11, 3, 11 },
    { 12, 8, 16 }, { 13, 9, 17 }, { 14, 10, 18 }, { 15, 11, 19 },
    { 16, 4, 12 }, { 17, 5, 13 }, { 18, 6, 14 }, { 19, 7, 15 },
    { 20, 22, 14 }, { 21, 23, 15 }, { 22, 12, 20 }, { 23, 13, 21 },
    { 24, 14, 22 }, { 25, 15, 23 }, { 30, -1, 6 }, { 31, -1, 7 },
    { 32 + 2, -1, 20 }, { 32 + 3, -1, 21 }, { 32 + 8, -1, 16 }, { 32 + 9, -1, 17 },
    { 32 + 10, -1, 18 }, { 32 + 11, -1, 19 }, { 32 + 22, -1, 22 }, { 32 + 23, -1, 23 },
};
enum { PADS = sizeof pads / sizeof pads[0] };

/* Pins that the 48-pin package has. */
static const uint32_t bonded[GROUPS] = { 0xDBFFFFFF, 0x00C00F0C };

struct port_pin {
    struct pin pin;
    char name[24];
    struct samd21_port *port;
    bool driven;                    /* by a peripheral */
    int level;
};

struct samd21_port {
    struct samd21 *chip;
    bool powered;
    struct port_pin pins[SAMD21_PINS];
    uint32_t dir[GROUPS], out[GROUPS], ctrl[GROUPS];
    uint8_t pmux[SAMD21_PINS / 2], pincfg[SAMD21_PINS];
};

static bool exists(int pin) { return bonded[pin / 32] >> (pin % 32) & 1; }

/* The function that PMUX gives a pin, -1 while it is PORT's. */
static int function(const struct samd21_port *port, int pin)
{
    if (!(port->pincfg[pin] & PMUXEN))
        return -1;
    return pin & 1 ? port->pmux[pin / 2] >> 4 : port->pmux[pin / 2] & 15;
}

static bool is_debug_port(const struct samd21_port *port, int pin)
{
    return (pin == SWCLK || pin == SWDIO) && function(port, SWCLK) == MUX_G;
}

static enum drive drive_of(const struct samd21_port *port, int pin)
{
    bool dir = port->dir[pin / 32] >> (pin % 32) & 1, out = port->out[pin / 32] >> (pin % 32) & 1;
    const struct port_pin *p = &port->pins[pin];
    if (!port->powered)
        return DRIVE_OPEN;
    if (is_debug_port(port, pin))
        return DRIVE_PULL_UP;
    if (function(port, pin) >= 0 && p->driven)
        return p->level ? DRIVE_HIGH : DRIVE_LOW;
    if (function(port, pin) < 0 && dir)
        return out ? DRIVE_HIGH : DRIVE_LOW;
    if (port->pincfg[pin] & PULLEN)
        return out ? DRIVE_PULL_UP : DRIVE_PULL_DOWN;
    return DRIVE_OPEN;
}

static void settle(struct samd21_port *port, int pin)
{
    if (exists(pin))
        pin_drive(&port->pins[pin].pin, drive_of(port, pin));
}

static void settle_group(struct samd21_port *port, int group, uint32_t which)
{
    for (int i = 0; i < 32; i++)
        if (which >> i & 1)
            settle(port, group * 32 + i);
}

static void mux_changed(struct samd21_port *port)
{
    for (int i = 0; i < 6; i++)
        if (port->chip->sercom[i])
            samd21_sercom_pins_changed(port->chip->sercom[i]);
    if (port->chip->chip.debug_port)
        swdp_enable(port->chip->chip.debug_port, function(port, SWCLK) == MUX_G);
    settle_group(port, 0, ~0u);
    settle_group(port, 1, ~0u);
}

/* --- as peripherals see it ----------------------------------------------------------- */

int samd21_port_sercom_pin(const struct samd21_port *port, int sercom, int pad)
{
    int wanted = sercom * 4 + pad;
    for (int i = 0; i < PADS; i++) {
        int mux = function(port, pads[i].pin);
        if ((mux == MUX_C && pads[i].c == wanted) || (mux == MUX_D && pads[i].d == wanted))
            return pads[i].pin;
    }
    return -1;
}

void samd21_port_drive(struct samd21_port *port, int pin, bool on, int level)
{
    port->pins[pin].driven = on;
    port->pins[pin].level = level;
    settle(port, pin);
}

int samd21_port_level(struct samd21_port *port, int pin)
{
    return pin_sample(&port->pins[pin].pin);
}

static void pin_changed(void *ctx, int level)
{
    struct port_pin *p = ctx;
    struct samd21 *chip = p->port->chip;
    int pin = (int)(p - p->port->pins);
    for (int i = 0; i < 6; i++)
        if (chip->sercom[i])
            samd21_sercom_edge(chip->sercom[i], pin, level);
    if (chip->eic && function(p->port, pin) == MUX_A)
        samd21_eic_edge(chip->eic, pin, level);
}

/* "PA22", "PB02" or "PB2". */
struct pin *samd21_port_pin(struct samd21_port *port, const char *name)
{
    char *end;
    if (name[0] != 'P' || (name[1] != 'A' && name[1] != 'B') || !name[2])
        return NULL;
    long number = strtol(name + 2, &end, 10);
    if (*end || number < 0 || number > 31)
        return NULL;
    int pin = (int)number + (name[1] == 'B' ? 32 : 0);
    return exists(pin) ? &port->pins[pin].pin : NULL;
}

/* --- registers ------------------------------------------------------------------------ */

static uint32_t read_in(struct samd21_port *port, int group)
{
    uint32_t levels = 0;
    for (int i = 0; i < 32; i++) {
        int pin = group * 32 + i;
        if (exists(pin) && port->pincfg[pin] & INEN && samd21_port_level(port, pin))
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
    struct samd21_port *port = ctx;
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
    case 0:  *reg = samd21_merge(*reg, value, mask); break;
    case 1:  *reg &= ~value; break;
    case 2:  *reg |= value; break;
    default: *reg ^= value; break;
    }
}

static void write_wrconfig(struct samd21_port *port, unsigned group, uint32_t value)
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
    struct samd21_port *port = ctx;
    unsigned group = word / 0x80, reg = word % 0x80;
    if (group >= GROUPS)
        return;
    if (reg < 0x20) {
        uint32_t *one = reg < 0x10 ? &port->dir[group] : &port->out[group], before = *one;
        write_four_ways(one, reg / 4 % 4, value, mask);
        settle_group(port, (int)group, *one ^ before);
    } else if (reg == 0x24) {
        port->ctrl[group] = samd21_merge(port->ctrl[group], value, mask);
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
    struct samd21_port *port = ctx;
    memset(port->dir, 0, sizeof port->dir);
    memset(port->out, 0, sizeof port->out);
    memset(port->ctrl, 0, sizeof port->ctrl);
    memset(port->pmux, 0, sizeof port->pmux);
    memset(port->pincfg, 0, sizeof port->pincfg);
    for (int i = 0; i < SAMD21_PINS; i++)
        port->pins[i].driven = false;
    port->pincfg[SWCLK] = PMUXEN;
    port->pmux[SWCLK / 2] = MUX_G;
    mux_changed(port);
}

void samd21_port_power(struct samd21_port *port, bool on)
{
    port->powered = on;
    settle_group(port, 0, ~0u);
    settle_group(port, 1, ~0u);
}

void samd21_port_new(struct samd21 *samd21)
{
    struct samd21_port *port = samd21->port = calloc(1, sizeof *port);
    port->chip = samd21;
    for (int i = 0; i < SAMD21_PINS; i++) {
        struct port_pin *p = &port->pins[i];
        p->port = port;
        snprintf(p->name, sizeof p->name, "%.10s P%c%02d", samd21->name, "AB"[i / 32], i % 32);
        pin_init(&p->pin, samd21->sim, p->name, pin_changed, p);
    }
    samd21_add_block(samd21, &(struct samd21_block){
        .name = "PORT", .base = 0x41004400, .bridge = BRIDGE_B, .bit = 3, .read = port_read,
        .write = port_write, .reset = port_reset, .ctx = port });
    bus_add(samd21->bus, &(struct bus_region){
        .base = 0x60000000, .size = 0x200, .name = "PORT on the IOBUS", .read = iobus_read,
        .write = iobus_write, .ctx = port });
}

void samd21_port_free(struct samd21_port *port)
{
    free(port);
}
