/* sam3_pio.c - the pins of a SAM3X or SAM4S: PIOA to PIOD, and who has the debug port's.
 *
 *   called by  sam3.c, sam3_uart.c (drive, level)      calls  wires.h, sam3_uart.c (edges)
 *
 *   PSR 1  the port has the pin: OSR says whether it drives ODSR
 *       0  a peripheral has it: A with ABCDSR1 and 2 (SAM3X: ABSR) 0
 *
 * Pull-ups are on out of reset.  A SAM4S's CCFG_SYSIO gives PB4 to PB7, the debug port's, to the
 * port; a SAM3X's debug pins are always the debug port's (assumed).
 *
 * Kept without effect: filters, interrupts, write protection, drive strength.  PDSR is read
 * without its clock, too.
 *
 * Sources: data sheets, chapters PIO, bus matrix. */
#include "sam3.h"
#include <stdio.h>
#include <stdlib.h>

enum { PER = 0x00, OER = 0x10, SODR = 0x30, CODR = 0x34, ODSR = 0x38, PDSR = 0x3C, MDER = 0x50,
       PUDR = 0x60, ABCDSR1 = 0x70, ABCDSR2 = 0x74, PPDDR = 0x90, OWER = 0xA0 };
enum { SYSIO = 0x114, SYSIO_DEBUG = 3 << 6 };

struct pad {
    struct pin pin;
    char name[24];
    struct port *port;
    int number;
    bool driven, level;             /* by a peripheral */
};

struct port {
    struct sam3_pio *pio;
    int number;                     /* 0 = A */
    uint32_t psr, osr, odsr, mdsr, pusr, ppdsr, owsr, absr[2];
    struct pad pads[32];
};

struct sam3_pio {
    struct sam3 *sam3;
    bool powered;
    uint32_t sysio;
    struct port ports[SAM3_PORTS];
};

/* --- what a pin drives -------------------------------------------------------------- */

static enum drive pull(const struct port *port, int n)
{
    if (!(port->pusr >> n & 1))             /* 0: on */
        return DRIVE_PULL_UP;
    return port->ppdsr >> n & 1 ? DRIVE_OPEN : DRIVE_PULL_DOWN;
}

static enum drive drive_of(const struct port *port, int n)
{
    const struct pad *pad = &port->pads[n];
    bool own = port->psr >> n & 1;
    if (!port->pio->powered)
        return DRIVE_OPEN;
    if (own ? !(port->osr >> n & 1) : !pad->driven)
        return pull(port, n);
    bool level = own ? port->odsr >> n & 1 : pad->level;
    if (level && port->mdsr >> n & 1)
        return pull(port, n);
    return level ? DRIVE_HIGH : DRIVE_LOW;
}

static void apply(struct port *port, uint32_t pins)
{
    for (int n = 0; n < 32; n++)
        if (pins >> n & 1 && port->pads[n].pin.drive != drive_of(port, n))
            pin_drive(&port->pads[n].pin, drive_of(port, n));
}

bool sam3_pio_is_peripheral_a(const struct sam3_pio *pio, int pin)
{
    const struct port *port = &pio->ports[pin / 32];
    return !((port->psr | port->absr[0] | port->absr[1]) >> pin % 32 & 1);
}

void sam3_pio_drive(struct sam3_pio *pio, int pin, bool on, bool level)
{
    struct pad *pad = &pio->ports[pin / 32].pads[pin % 32];
    pad->driven = on;
    pad->level = level;
    apply(pad->port, 1u << pad->number);
}

bool sam3_pio_level(struct sam3_pio *pio, int pin)
{
    return pin_sample(&pio->ports[pin / 32].pads[pin % 32].pin);
}

bool sam3_pio_debug_pins(const struct sam3_pio *pio) { return !(pio->sysio & SYSIO_DEBUG); }

static void pin_changed(void *ctx, int level)
{
    struct pad *pad = ctx;
    struct sam3 *sam3 = pad->port->pio->sam3;
    if (sam3->uart)
        sam3_uart_edge(sam3->uart, pad->port->number * 32 + pad->number, level);
}

/* --- registers ---------------------------------------------------------------------- */

static uint32_t read_pdsr(struct port *port)
{
    uint32_t pdsr = 0;
    for (int n = 0; n < 32; n++)
        if (pin_sample(&port->pads[n].pin))
            pdsr |= 1u << n;
    return pdsr;
}

/* A status that two registers before it set and clear. */
static uint32_t *status_of(struct port *port, uint32_t first)
{
    switch (first) {
    case PER:   return &port->psr;
    case OER:   return &port->osr;
    case MDER:  return &port->mdsr;
    case PUDR:  return &port->pusr;
    case PPDDR: return &port->ppdsr;
    case OWER:  return &port->owsr;
    default:    return NULL;
    }
}

static uint32_t port_read(void *ctx, uint32_t reg)
{
    struct port *port = ctx;
    const uint32_t *status = (reg & 15) == 8 ? status_of(port, reg - 8) : NULL;
    switch (reg) {
    case ODSR:    return port->odsr;
    case PDSR:    return read_pdsr(port);
    case ABCDSR1: return port->absr[0];
    case ABCDSR2: return port->absr[1];
    default:      return status ? *status : 0;
    }
}

static void write_odsr(struct port *port, uint32_t odsr)
{
    uint32_t changed = port->odsr ^ odsr;
    port->odsr = odsr;
    apply(port, changed);
}

static void configured(struct port *port)
{
    struct sam3 *sam3 = port->pio->sam3;
    if (sam3->uart)
        sam3_uart_pins_changed(sam3->uart);
    apply(port, ~0u);
}

static void port_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct port *port = ctx;
    uint32_t *set = status_of(port, reg), *clear = reg >= 4 ? status_of(port, reg - 4) : NULL;
    switch (reg) {
    case SODR: write_odsr(port, port->odsr | value); return;
    case CODR: write_odsr(port, port->odsr & ~value); return;
    case ODSR: write_odsr(port, (port->odsr & ~port->owsr) | (value & port->owsr)); return;
    case ABCDSR1: port->absr[0] = value; break;
    case ABCDSR2: port->absr[1] = port->pio->sam3->type->has_sysio ? value : 0; break;
    default:
        if (set)
            *set |= value;
        else if (clear)
            *clear &= ~value;
        break;
    }
    configured(port);
}

static void port_reset(void *ctx)
{
    struct port *port = ctx;
    port->psr = ~0u;
    port->ppdsr = ~0u;
    port->osr = port->odsr = port->mdsr = port->pusr = port->owsr = 0;
    port->absr[0] = port->absr[1] = 0;
    configured(port);
}

static uint32_t matrix_read(void *ctx, uint32_t reg)
{
    const struct sam3_pio *pio = ctx;
    return reg == SYSIO ? pio->sysio : 0;
}

static void matrix_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct sam3_pio *pio = ctx;
    if (reg != SYSIO || !pio->sam3->type->has_sysio)
        return;
    pio->sysio = value & 0x1CF0;
    sam3_apply_debug_port(pio->sam3);
}

static void matrix_reset(void *ctx) { matrix_write(ctx, SYSIO, 0); }

/* --- construction ------------------------------------------------------------------- */

/* "PA13"; only pins that the package has. */
struct pin *sam3_pio_pin(struct sam3_pio *pio, const char *name)
{
    char letter, end;
    int n;
    if (sscanf(name, "P%c%d%c", &letter, &n, &end) != 2 || letter < 'A' ||
        letter >= 'A' + SAM3_PORTS || n < 0 || n > 31 ||
        !(pio->sam3->type->pins[letter - 'A'] >> n & 1))
        return NULL;
    return &pio->ports[letter - 'A'].pads[n].pin;
}

void sam3_pio_power(struct sam3_pio *pio, bool on)
{
    pio->powered = on;
    for (int p = 0; p < SAM3_PORTS; p++)
        apply(&pio->ports[p], ~0u);
}

static void new_port(struct sam3_pio *pio, int number)
{
    static const char *const names[SAM3_PORTS] = { "PIOA", "PIOB", "PIOC", "PIOD" };
    struct port *port = &pio->ports[number];
    struct sam3 *sam3 = pio->sam3;
    port->pio = pio;
    port->number = number;
    for (int n = 0; n < 32; n++) {
        struct pad *pad = &port->pads[n];
        pad->port = port;
        pad->number = n;
        snprintf(pad->name, sizeof pad->name, "%s P%c%d", sam3->name, 'A' + number, n);
        pin_init(&pad->pin, sam3->sim, pad->name, pin_changed, pad);
    }
    port_reset(port);
    if (number >= sam3->type->ports)
        return;
    sam3_add_block(sam3, &(struct sam3_block){
        .name = names[number], .base = 0x400E0E00u + 0x200u * (uint32_t)number, .size = 0x200,
        .id = -1, .read = port_read, .write = port_write, .reset = port_reset, .ctx = port });
}

void sam3_pio_new(struct sam3 *sam3)
{
    struct sam3_pio *pio = sam3->pio = calloc(1, sizeof *pio);
    pio->sam3 = sam3;
    for (int p = 0; p < SAM3_PORTS; p++)
        new_port(pio, p);
    sam3_add_block(sam3, &(struct sam3_block){
        .name = "MATRIX", .base = sam3->type->matrix, .size = 0x200, .id = -1, .read = matrix_read,
        .write = matrix_write, .reset = matrix_reset, .ctx = pio });
}

void sam3_pio_free(struct sam3_pio *pio) { free(pio); }
