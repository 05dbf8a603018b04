/* nrf5_gpio.c - the pins: P0.00 to P0.31, and the nRF52840's P1.00 to P1.15.
 *
 *   called by  nrf5.c, nrf5_uart.c (drive, level)      calls  wires.h, nrf5_uart.c (edges)
 *
 * A pin is PORT's unless a peripheral's PSEL names it.  PIN_CNF says direction, whether the
 * input buffer is connected (else IN reads 0), pulls and how hard each level is driven.
 *
 * 52: P0.18 resets the chip when UICR.PSELRESET[0] and [1] both name it.
 *
 * Not modelled: SENSE, LATCH, DETECT (reported when asked for).
 *
 * Sources: nRF52840 PS v1.7 6.9; nRF51 reference manual v3.0 14. */
#include "nrf5.h"
#include <stdio.h>
#include <stdlib.h>

enum { OUT = 0x504, OUTSET = 0x508, OUTCLR = 0x50C, IN = 0x510, DIR = 0x514, DIRSET = 0x518,
       DIRCLR = 0x51C, LATCH = 0x520, DETECTMODE = 0x524, PIN_CNF = 0x700 };
enum { PORTS = 2, PORT_STRIDE = 0x300, CNF_DIR = 1 << 0, CNF_DISCONNECT = 1 << 1,
       CNF_SENSE = 3 << 16, CNF_RESET = CNF_DISCONNECT, RESET_PIN_NUMBER = 18 };

struct pad {
    struct pin pin;
    char name[24];
    struct nrf5_gpio *gpio;
    uint32_t cnf;
    bool driven, level;             /* by a peripheral */
};

struct nrf5_gpio {
    struct nrf5 *nrf5;
    bool powered;
    uint32_t out[PORTS];
    struct pad pads[NRF5_PINS];
};

static int pins_of(const struct nrf5_gpio *gpio, int port)
{
    return gpio->nrf5->model->port_pins[port];
}

/* DRIVE: S0S1 H0S1 S0H1 H0H1 D0S1 D0H1 S0D1 H0D1; D is "disconnected". */
static enum drive output(unsigned drive, bool level)
{
    bool silent = level ? drive >= 6 : drive == 4 || drive == 5;
    return silent ? DRIVE_OPEN : level ? DRIVE_HIGH : DRIVE_LOW;
}

static bool resets(const struct nrf5_gpio *gpio, int pin)
{
    return !gpio->nrf5->model->is_51 && pin == RESET_PIN_NUMBER &&
           nrf5_uicr(gpio->nrf5->nvmc, 0x200) == RESET_PIN_NUMBER &&
           nrf5_uicr(gpio->nrf5->nvmc, 0x204) == RESET_PIN_NUMBER;
}

static enum drive drive_of(const struct nrf5_gpio *gpio, int pin)
{
    static const enum drive pulls[4] = { DRIVE_OPEN, DRIVE_PULL_DOWN, DRIVE_OPEN,
                                         DRIVE_PULL_UP };
    const struct pad *pad = &gpio->pads[pin];
    if (!gpio->powered)
        return DRIVE_OPEN;
    if (resets(gpio, pin))
        return DRIVE_PULL_UP;
    enum drive drive = DRIVE_OPEN;
    if (pad->driven)
        drive = output(pad->cnf >> 8 & 7, pad->level);
    else if (pad->cnf & CNF_DIR)
        drive = output(pad->cnf >> 8 & 7, gpio->out[pin / 32] >> pin % 32 & 1);
    return drive == DRIVE_OPEN ? pulls[pad->cnf >> 2 & 3] : drive;
}

void nrf5_gpio_apply(struct nrf5_gpio *gpio, int pin)
{
    enum drive drive = drive_of(gpio, pin);
    if (gpio->pads[pin].pin.drive != drive)
        pin_drive(&gpio->pads[pin].pin, drive);
}

void nrf5_gpio_drive(struct nrf5_gpio *gpio, int pin, bool on, bool level)
{
    gpio->pads[pin].driven = on;
    gpio->pads[pin].level = level;
    nrf5_gpio_apply(gpio, pin);
}

bool nrf5_gpio_level(struct nrf5_gpio *gpio, int pin)
{
    return pin_sample(&gpio->pads[pin].pin);
}

static void pin_changed(void *ctx, int level)
{
    struct pad *pad = ctx;
    int pin = (int)(pad - pad->gpio->pads);
    if (resets(pad->gpio, pin))
        nrf5_pin_reset(pad->gpio->nrf5, level);
    if (pad->gpio->nrf5->uart)
        nrf5_uart_edge(pad->gpio->nrf5->uart, pin, level);
}

/* --- registers ---------------------------------------------------------------------- */

static uint32_t read_in(struct nrf5_gpio *gpio, int port)
{
    uint32_t in = 0;
    for (int n = 0; n < pins_of(gpio, port); n++) {
        struct pad *pad = &gpio->pads[32 * port + n];
        if (!(pad->cnf & CNF_DISCONNECT) && pin_sample(&pad->pin))
            in |= 1u << n;
    }
    return in;
}

static uint32_t read_dir(const struct nrf5_gpio *gpio, int port)
{
    uint32_t dir = 0;
    for (int n = 0; n < pins_of(gpio, port); n++)
        dir |= (gpio->pads[32 * port + n].cnf & CNF_DIR) << n;
    return dir;
}

static int port_of(uint32_t *reg)
{
    int port = *reg >= 0x800;
    *reg -= port ? PORT_STRIDE : 0;
    return port;
}

static uint32_t gpio_read(void *ctx, uint32_t reg)
{
    struct nrf5_gpio *gpio = ctx;
    int port = port_of(&reg), n = (int)(reg - PIN_CNF) / 4;
    if (reg >= PIN_CNF)
        return n < pins_of(gpio, port) ? gpio->pads[32 * port + n].cnf : 0;
    switch (reg) {
    case OUT: case OUTSET: case OUTCLR: return gpio->out[port];
    case IN:  return read_in(gpio, port);
    case DIR: case DIRSET: case DIRCLR: return read_dir(gpio, port);
    default:  return 0;
    }
}

static void set_out(struct nrf5_gpio *gpio, int port, uint32_t out)
{
    uint32_t changed = gpio->out[port] ^ out;
    gpio->out[port] = out;
    for (int n = 0; n < pins_of(gpio, port); n++)
        if (changed >> n & 1)
            nrf5_gpio_apply(gpio, 32 * port + n);
}

static void set_dir(struct nrf5_gpio *gpio, int port, uint32_t dir)
{
    for (int n = 0; n < pins_of(gpio, port); n++) {
        struct pad *pad = &gpio->pads[32 * port + n];
        pad->cnf = (pad->cnf & ~(uint32_t)CNF_DIR) | (dir >> n & 1);
        nrf5_gpio_apply(gpio, 32 * port + n);
    }
}

static void set_cnf(struct nrf5_gpio *gpio, int port, int n, uint32_t value)
{
    if (n >= pins_of(gpio, port))
        return;
    if (value & CNF_SENSE)
        nrf5_report(gpio->nrf5, SIM_UNMODELLED, "P%d.PIN_CNF[%d].SENSE", port, n);
    gpio->pads[32 * port + n].cnf = value & 0x3070F;
    nrf5_gpio_apply(gpio, 32 * port + n);
}

static void gpio_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct nrf5_gpio *gpio = ctx;
    int port = port_of(&reg);
    if (reg >= PIN_CNF) {
        set_cnf(gpio, port, (int)(reg - PIN_CNF) / 4, value);
        return;
    }
    switch (reg) {
    case OUT:    set_out(gpio, port, value); break;
    case OUTSET: set_out(gpio, port, gpio->out[port] | value); break;
    case OUTCLR: set_out(gpio, port, gpio->out[port] & ~value); break;
    case DIR:    set_dir(gpio, port, value); break;
    case DIRSET: set_dir(gpio, port, read_dir(gpio, port) | value); break;
    case DIRCLR: set_dir(gpio, port, read_dir(gpio, port) & ~value); break;
    case DETECTMODE:
        if (value)
            nrf5_report(gpio->nrf5, SIM_UNMODELLED, "P%d.DETECTMODE", port);
        break;
    default: break;
    }
}

static void gpio_reset(void *ctx)
{
    struct nrf5_gpio *gpio = ctx;
    gpio->out[0] = gpio->out[1] = 0;
    for (int i = 0; i < NRF5_PINS; i++) {
        gpio->pads[i].cnf = CNF_RESET;
        nrf5_gpio_apply(gpio, i);
    }
}

/* --- construction ------------------------------------------------------------------- */

/* "P0.06", "P0.6". */
struct pin *nrf5_gpio_pin(struct nrf5_gpio *gpio, const char *name)
{
    int port, n;
    char end;
    if (sscanf(name, "P%d.%d%c", &port, &n, &end) != 2 || port < 0 || port >= PORTS || n < 0 ||
        n >= pins_of(gpio, port))
        return NULL;
    return &gpio->pads[32 * port + n].pin;
}

void nrf5_gpio_power(struct nrf5_gpio *gpio, bool on)
{
    gpio->powered = on;
    for (int i = 0; i < NRF5_PINS; i++)
        nrf5_gpio_apply(gpio, i);
}

void nrf5_gpio_new(struct nrf5 *nrf5)
{
    struct nrf5_gpio *gpio = nrf5->gpio = calloc(1, sizeof *gpio);
    gpio->nrf5 = nrf5;
    for (int i = 0; i < NRF5_PINS; i++) {
        struct pad *pad = &gpio->pads[i];
        pad->gpio = gpio;
        pad->cnf = CNF_RESET;
        snprintf(pad->name, sizeof pad->name, "%s P%d.%02d", nrf5->name, i / 32, i % 32);
        pin_init(&pad->pin, nrf5->sim, pad->name, pin_changed, pad);
    }
    nrf5_add_block(nrf5, &(struct nrf5_block){
        .name = "GPIO", .base = 0x50000000, .size = 0x1000, .read = gpio_read,
        .write = gpio_write, .reset = gpio_reset, .ctx = gpio });
}

void nrf5_gpio_free(struct nrf5_gpio *gpio) { free(gpio); }
