/* gpio.c - the ports A to E, the pins they drive, and AFIO which hands pins around.
 *
 *   called by  f103.c, and every peripheral that has a pin      calls  wires.h, exti.c
 *
 * One rule decides what a pin does (drive_of): if the debug port has the pin, or USB while
 * it is powered, the port's registers do not reach it; else CNF and MODE say who drives
 * and how:
 *
 *   MODE 00  CNF 00 analog   01 floating input   10 input, pulled to ODR's bit
 *   else     CNF 00 ODR push-pull  01 ODR open drain  10, 11 the same by a peripheral
 *
 * Firmware bit-bangs here millions of times a second, so a store to BSRR compares words
 * and touches only pins whose output really changed.
 *
 * Not modelled: the two-flip-flop synchroniser of IDR (one or two PCLK2 cycles), the
 * event output (AFIO_EVCR), rise times; a pin that toggles faster than its MODE allows
 * is reported instead.
 *
 * Sources: RM0008 9 (registers), DS5319 table 5 (pins of the LQFP48), table 37
 * (speeds). */
#include "f103.h"
#include "swdp.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PORTS = 5, LISTENERS = 64 };
enum { CRL = 0x00, CRH = 0x04, IDR = 0x08, ODR = 0x0C, BSRR = 0x10, BRR = 0x14,
       LCKR = 0x18 };
enum { LCKK = 1 << 16 };
enum { EVCR = 0x00, MAPR = 0x04, EXTICR1 = 0x08, EXTICR4 = 0x14 };
enum { SWJ_CFG = 7 << 24, MAPR_BITS = 0x001FFFFF };

struct pad {
    struct pin pin;
    struct port *port;
    int number;                     /* 0 to 15 */
    const char *af_owner;           /* peripheral whose output the pin may carry */
    bool af_out;
    enum drive scan;                /* while the port's `scanned` has it */
    sim_time toggled;
    char name[32];
};

struct port {
    struct gpio *gpio;
    struct block *block;
    int number;                     /* 0 = A */
    uint32_t config[2];             /* CRL, CRH */
    uint16_t odr;
    uint32_t lckr;
    int lock_step;                  /* of the key sequence, RM0008 9.2.7 */
    bool locked;
    uint16_t follows_odr;           /* pins whose drive depends on ODR */
    uint16_t analog;                /* read as 0 */
    uint16_t slow;                  /* outputs limited to 2 or 10 MHz */
    uint16_t taken;                 /* by the debug port, or by boundary scan */
    uint16_t scanned;               /* by boundary scan */
    uint16_t exti;                  /* lines that AFIO_EXTICR gives to this port */
    uint16_t heard;                 /* pins that a peripheral listens to */
    uint16_t levels;                /* what the pins have last seen */
    uint16_t wired;                 /* pins on a net, as found at wired_at */
    sim_time wired_at;
    struct pad pads[16];
};

struct gpio {
    struct f103 *f103;
    struct port ports[PORTS];
    bool powered, traced;
    int swo;                        /* the TPIU's level */
    uint32_t mapr, exticr[4];
    struct listener {
        int pin;
        void (*changed)(void *ctx, int pin, int level);
        void *ctx;
    } listeners[LISTENERS];
    int listening;
};

/* --- what a pin drives ------------------------------------------------------------ */

/* The debug port's pins and their pulls, RM0008 9.3.5 and 31.4.3. */
static const struct { uint8_t pin, free_from; enum drive pull; } debug_pins[] = {
    { PA + 13, 4, DRIVE_PULL_UP },      /* JTMS, SWDIO: free when SWJ_CFG is 100 */
    { PA + 14, 4, DRIVE_PULL_DOWN },    /* JTCK, SWCLK */
    { PA + 15, 2, DRIVE_PULL_UP },      /* JTDI: free from 010 on */
    { PB + 3,  2, DRIVE_OPEN },         /* JTDO, TRACESWO */
    { PB + 4,  1, DRIVE_PULL_UP },      /* NJTRST: free from 001 on */
};

static unsigned swj_cfg(const struct gpio *gpio)
{
    return (gpio->mapr & SWJ_CFG) >> 24;
}

/* JTDO and SWO share PB3: SWO needs TRACE_IOEN, and a debug port that speaks SWD or has JTAG's
 * pins taken away (RM0008 31.4.2, 31.17.2). */
static bool carries_swo(const struct gpio *gpio, int pin)
{
    const struct swdp *port = gpio->f103->chip.debug_port;
    return pin == PB + 3 && gpio->traced &&
           (swj_cfg(gpio) >= 2 || (port && !swdp_speaks_jtag(port)));
}

static enum drive debug_drive(const struct gpio *gpio, int pin)
{
    if (carries_swo(gpio, pin))
        return gpio->swo ? DRIVE_HIGH : DRIVE_LOW;
    for (size_t i = 0; i < sizeof debug_pins / sizeof debug_pins[0]; i++)
        if (debug_pins[i].pin == pin)
            return debug_pins[i].pull;
    return DRIVE_OPEN;
}

static unsigned config_of(const struct port *port, int n)
{
    return port->config[n / 8] >> 4 * (n % 8) & 0xF;
}

static enum drive output(bool level, bool open_drain)
{
    return !level ? DRIVE_LOW : open_drain ? DRIVE_OPEN : DRIVE_HIGH;
}

/* A powered USB block's transceiver is on PA11 and PA12; the host drives their levels. */
static bool usb_has(const struct port *port, int n)
{
    struct usbfs *usb = port->gpio->f103->chip.usb;
    return port->number == 0 && (n == 11 || n == 12) && usb && usbfs_owns_pins(usb);
}

static enum drive drive_of(const struct port *port, int n)
{
    unsigned config = config_of(port, n), mode = config & 3, cnf = config >> 2;
    bool odr = port->odr >> n & 1;
    if (!port->gpio->powered)
        return DRIVE_OPEN;
    if (port->taken >> n & 1)
        return port->scanned >> n & 1 ? port->pads[n].scan
                                      : debug_drive(port->gpio, port->number * 16 + n);
    if (usb_has(port, n))
        return DRIVE_OPEN;
    if (mode == 0)
        return cnf != 2 ? DRIVE_OPEN : odr ? DRIVE_PULL_UP : DRIVE_PULL_DOWN;
    if (cnf < 2)
        return output(odr, cnf == 1);
    if (!port->pads[n].af_owner)    /* RM0008 9.1.4: then the output is not specified */
        return DRIVE_OPEN;
    return output(port->pads[n].af_out, cnf == 3);
}

static void apply_pin(struct port *port, int n)
{
    struct pin *pin = &port->pads[n].pin;
    enum drive drive = drive_of(port, n);
    if (drive != pin->drive)
        pin_drive(pin, drive);
}

static void apply(struct port *port, uint32_t pins)
{
    for (; pins; pins &= pins - 1)
        apply_pin(port, __builtin_ctz(pins));
}

void gpio_scan(struct gpio *gpio, int pin, bool taken, enum drive drive)
{
    struct port *port = &gpio->ports[pin / 16];
    uint16_t bit = (uint16_t)(1u << pin % 16);
    port->scanned = (uint16_t)(taken ? port->scanned | bit : port->scanned & ~bit);
    port->taken = (uint16_t)(taken ? port->taken | bit : port->taken & ~bit);
    port->pads[pin % 16].scan = drive;
    apply_pin(port, pin % 16);
}

/* Who drives a pin has changed outside of GPIO (USB's PDWN). */
void gpio_apply(struct gpio *gpio, int pin)
{
    apply_pin(&gpio->ports[pin / 16], pin % 16);
}

/* --- levels ----------------------------------------------------------------------- */

static int sample(struct pin *pin)
{
    return pin->net && pin->net->noise ? pin_sample(pin) : pin->seen & 1;
}

/* Nets are soldered on without a word to us, but not often. */
static void look_for_wires(struct port *port)
{
    sim_time now = port->gpio->f103->sim->now;
    if (now - port->wired_at < SIM_MS && port->wired_at)
        return;
    port->wired_at = now;
    port->wired = 0;
    for (int n = 0; n < 16; n++)
        if (port->pads[n].pin.net)
            port->wired |= (uint16_t)(1u << n);
}

/* Levels are kept as they change; only pins on noisy nets have to be sampled. */
static uint32_t read_idr(struct port *port)
{
    uint32_t idr = port->levels;
    look_for_wires(port);
    for (uint32_t left = port->wired; left; left &= left - 1) {
        int n = __builtin_ctz(left);
        struct pin *pin = &port->pads[n].pin;
        if (pin->net && pin->net->noise)
            idr = (idr & ~(1u << n)) | (uint32_t)pin_sample(pin) << n;
    }
    return idr & ~(uint32_t)port->analog;
}

int gpio_level(struct gpio *gpio, int pin)
{
    return sample(&gpio->ports[pin / 16].pads[pin % 16].pin);
}

static void pin_changed(void *ctx, int level)
{
    struct pad *pad = ctx;
    struct port *port = pad->port;
    struct gpio *gpio = port->gpio;
    unsigned bit = 1u << pad->number;
    port->levels = (uint16_t)(level ? port->levels | bit : port->levels & ~bit);
    if (port->exti & bit)
        exti_edge(gpio->f103->exti, pad->number, level);
    if (!(port->heard & bit))
        return;
    int pin = port->number * 16 + pad->number;
    for (int i = 0; i < gpio->listening; i++)
        if (gpio->listeners[i].pin == pin)
            gpio->listeners[i].changed(gpio->listeners[i].ctx, pin, level);
}

bool gpio_is_noticed(const struct gpio *gpio, int pin)
{
    const struct port *port = &gpio->ports[pin / 16];
    const struct pin *pad = &port->pads[pin % 16].pin;
    return (pad->net && (pad->net->pins->next || pad->net->watches)) ||
           (port->heard | port->exti) >> pin % 16 & 1;
}

static void update_heard(struct gpio *gpio)
{
    for (int p = 0; p < PORTS; p++)
        gpio->ports[p].heard = 0;
    for (int i = 0; i < gpio->listening; i++)
        gpio->ports[gpio->listeners[i].pin / 16].heard |=
            (uint16_t)(1u << gpio->listeners[i].pin % 16);
}

void gpio_listen(struct gpio *gpio, int pin,
                 void (*changed)(void *ctx, int pin, int level), void *ctx)
{
    if (gpio->listening == LISTENERS)
        abort();
    gpio->listeners[gpio->listening++] = (struct listener){ pin, changed, ctx };
    update_heard(gpio);
}

void gpio_unlisten(struct gpio *gpio, int pin,
                   void (*changed)(void *ctx, int pin, int level), void *ctx)
{
    for (int i = 0; i < gpio->listening; i++) {
        struct listener *l = &gpio->listeners[i];
        if (l->pin == pin && l->changed == changed && l->ctx == ctx) {
            *l = gpio->listeners[--gpio->listening];
            break;
        }
    }
    update_heard(gpio);
}

/* --- alternate functions ---------------------------------------------------------- */

/* The last to claim a pin has it.  Two peripherals enabled on one pin are a mistake
 * that RM0008 leaves undefined (9.3), except that a disabled one does not count. */
void gpio_af_claim(struct gpio *gpio, int pin, const char *owner)
{
    struct port *port = &gpio->ports[pin / 16];
    port->pads[pin % 16].af_owner = owner;
    apply_pin(port, pin % 16);
}

void gpio_af_output(struct gpio *gpio, int pin, bool level)
{
    struct pad *pad = &gpio->ports[pin / 16].pads[pin % 16];
    if (pad->af_out == level)
        return;
    pad->af_out = level;
    apply_pin(pad->port, pad->number);
}

/* --- port registers --------------------------------------------------------------- */

static void update_masks(struct port *port)
{
    port->follows_odr = port->analog = port->slow = 0;
    for (int n = 0; n < 16; n++) {
        unsigned config = config_of(port, n), mode = config & 3, cnf = config >> 2;
        uint16_t bit = (uint16_t)(1u << n);
        if (mode ? cnf < 2 : cnf == 2)
            port->follows_odr |= bit;
        if (config == 0)
            port->analog |= bit;
        if (mode == 1 || mode == 2)
            port->slow |= bit;
    }
}

/* DS5319 table 37: MODE 10 is good for 2 MHz, 01 for 10 MHz, at 50 pF. */
static void check_speed(struct port *port, uint32_t changed)
{
    sim_time now = port->gpio->f103->sim->now;
    for (uint32_t left = changed; left; left &= left - 1) {
        int n = __builtin_ctz(left);
        bool fast = (config_of(port, n) & 3) == 1;
        if (now - port->pads[n].toggled < (fast ? 50 : 250) * SIM_NS)
            f103_report(port->gpio->f103, SIM_FORGIVEN, "%s toggles faster than its MODE, "
                        "%d MHz", port->pads[n].name, fast ? 10 : 2);
        port->pads[n].toggled = now;
    }
}

static void write_odr(struct port *port, uint32_t odr)
{
    uint32_t changed = (port->odr ^ odr) & port->follows_odr & ~(uint32_t)port->taken;
    port->odr = (uint16_t)odr;
    if (changed & port->slow)
        check_speed(port, changed & port->slow);
    apply(port, changed);
}

/* Locked pins keep their four configuration bits (RM0008 9.2.7). */
static void write_config(struct port *port, int half, uint32_t value)
{
    if (port->locked)
        for (int n = 0; n < 8; n++)
            if (port->lckr >> (half * 8 + n) & 1) {
                uint32_t nibble = 0xFu << 4 * n;
                value = (value & ~nibble) | (port->config[half] & nibble);
            }
    port->config[half] = value;
    update_masks(port);
    apply(port, 0xFFu << 8 * half);
}

/* Write 1, 0, 1 to LCKK with the same pins, then read. */
static void write_lckr(struct port *port, uint32_t value)
{
    static const bool key[3] = { true, false, true };
    if (port->locked)
        return;
    bool lckk = value & LCKK, same = (value & 0xFFFF) == (port->lckr & 0xFFFF);
    if (port->lock_step == 0 || (lckk == key[port->lock_step % 3] && same))
        port->lock_step = lckk == key[port->lock_step % 3] ? port->lock_step + 1 : 0;
    else
        port->lock_step = 0;
    port->lckr = value & 0xFFFF;
}

static uint32_t read_lckr(struct port *port)
{
    uint32_t value = port->lckr | (port->locked ? LCKK : 0);
    if (port->lock_step == 3)           /* this read still shows 0, the next one 1 */
        port->locked = true;
    return value;
}

static uint32_t port_read(void *ctx, uint32_t reg)
{
    struct port *port = ctx;
    switch (reg) {
    case CRL:  return port->config[0];
    case CRH:  return port->config[1];
    case IDR:  return read_idr(port);
    case ODR:  return port->odr;
    case BSRR:
    case BRR:  return 0;                /* write only */
    case LCKR: return read_lckr(port);
    }
    f103_report(port->gpio->f103, SIM_UNMODELLED, "%s+0x%02X read", port->block->name,
                reg);
    return 0;
}

static void port_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct port *port = ctx;
    switch (reg) {
    case BSRR: write_odr(port, (port->odr & ~(value >> 16)) | (value & 0xFFFF)); return;
    case BRR:  write_odr(port, port->odr & ~(value & 0xFFFF)); return;
    case CRL:  write_config(port, 0, value); return;
    case CRH:  write_config(port, 1, value); return;
    case IDR:  return;                  /* read only */
    case ODR:  write_odr(port, value & 0xFFFF); return;
    case LCKR: write_lckr(port, value); return;
    }
    f103_report(port->gpio->f103, SIM_UNMODELLED, "%s+0x%02X written",
                port->block->name, reg);
}

static void port_reset(void *ctx)
{
    struct port *port = ctx;
    port->config[0] = port->config[1] = 0x44444444;     /* floating inputs */
    port->odr = 0;
    port->lckr = 0;
    port->lock_step = 0;
    port->locked = false;
    update_masks(port);
    apply(port, 0xFFFF);
}

/* --- AFIO ------------------------------------------------------------------------- */

uint32_t afio_mapr(const struct gpio *gpio) { return gpio->mapr; }

int afio_exti_port(const struct gpio *gpio, int line)
{
    return (int)(gpio->exticr[line / 4] >> 4 * (line % 4) & 0xF);
}

static void apply_debug_pins(struct gpio *gpio)
{
    for (size_t i = 0; i < sizeof debug_pins / sizeof debug_pins[0]; i++) {
        struct port *port = &gpio->ports[debug_pins[i].pin / 16];
        int n = debug_pins[i].pin % 16;
        bool taken = swj_cfg(gpio) < debug_pins[i].free_from ||
                     (gpio->traced && debug_pins[i].pin == PB + 3);
        port->taken = (uint16_t)((port->taken & ~(1u << n)) | (unsigned)taken << n);
        apply_pin(port, n);
    }
    if (gpio->f103->chip.debug_port)
        swdp_enable(gpio->f103->chip.debug_port, swj_cfg(gpio) != 4);
}

void gpio_trace_pin(struct gpio *gpio, bool traced)
{
    gpio->traced = traced;
    apply_debug_pins(gpio);
}

void gpio_swo(void *ctx, int level)
{
    struct gpio *gpio = ctx;
    gpio->swo = level;
    if (gpio->traced)
        gpio_apply(gpio, PB + 3);
}

void gpio_port_spoke(void *ctx) { gpio_apply(ctx, PB + 3); }

static void remap(struct gpio *gpio)
{
    struct f103 *f103 = gpio->f103;
    for (int i = 0; i < 3; i++)
        if (f103->usart[i])
            usart_remapped(f103->usart[i]);
    for (int i = 0; i < 4; i++)
        if (f103->tim[i])
            tim_remapped(f103->tim[i]);
    for (int i = 0; i < 2; i++)
        if (f103->spi[i])
            spi_remapped(f103->spi[i]);
    for (int i = 0; i < 2; i++)
        if (f103->i2c[i])
            i2c_remapped(f103->i2c[i]);
    if (f103->can)
        can_remapped(f103->can);
}

/* RM0008 9.4.2: combinations of SWJ_CFG that the table lacks have no effect.  111 is what
 * vendor libraries write to leave it alone; any other is more likely a mistake. */
static uint32_t swj_cfg_after(struct gpio *gpio, uint32_t value)
{
    unsigned swj = (value & SWJ_CFG) >> 24;
    if (swj == 0 || swj == 1 || swj == 2 || swj == 4)
        return value & SWJ_CFG;
    if (swj != 7)
        f103_report(gpio->f103, SIM_FORGIVEN, "AFIO_MAPR.SWJ_CFG = %u has no effect", swj);
    return gpio->mapr & SWJ_CFG;
}

static void write_mapr(struct gpio *gpio, uint32_t value)
{
    if (value & 1 << 15)
        f103_report(gpio->f103, SIM_UNMODELLED, "PD0 and PD1 as port pins");
    gpio->mapr = (value & MAPR_BITS) | swj_cfg_after(gpio, value);
    apply_debug_pins(gpio);
    remap(gpio);
}

static void update_exti(struct gpio *gpio)
{
    for (int p = 0; p < PORTS; p++) {
        gpio->ports[p].exti = 0;
        for (int line = 0; line < 16; line++)
            if (afio_exti_port(gpio, line) == p)
                gpio->ports[p].exti |= (uint16_t)(1u << line);
    }
}

/* What SWJ_CFG reads is undefined (RM0008 9.4.2).  A choice, after what firmware in use
 * relies on when it reads, changes and writes MAPR: the setting that is in force. */
static uint32_t afio_read(void *ctx, uint32_t reg)
{
    struct gpio *gpio = ctx;
    if (reg == EVCR)
        return 0;
    if (reg == MAPR)
        return gpio->mapr;
    if (reg >= EXTICR1 && reg <= EXTICR4)
        return gpio->exticr[(reg - EXTICR1) / 4];
    f103_report(gpio->f103, SIM_UNMODELLED, "AFIO+0x%02X read", reg);
    return 0;
}

static void afio_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct gpio *gpio = ctx;
    if (reg == MAPR) {
        write_mapr(gpio, value);
    } else if (reg >= EXTICR1 && reg <= EXTICR4) {
        gpio->exticr[(reg - EXTICR1) / 4] = value & 0xFFFF;
        update_exti(gpio);
    } else if (reg != EVCR || value & 1 << 7) {
        f103_report(gpio->f103, SIM_UNMODELLED, "AFIO+0x%02X written", reg);
    }
}

static void afio_reset(void *ctx)
{
    struct gpio *gpio = ctx;
    gpio->mapr = 0;
    for (int i = 0; i < 4; i++)
        gpio->exticr[i] = 0;
    update_exti(gpio);
    apply_debug_pins(gpio);
    remap(gpio);
}

/* --- construction ----------------------------------------------------------------- */

/* "PA13"; only pins that the package has. */
struct pin *gpio_pin(struct gpio *gpio, const char *name)
{
    char end;
    char letter;
    int n;
    if (sscanf(name, "P%c%d%c", &letter, &n, &end) != 2 || letter < 'A' ||
            letter >= 'A' + PORTS || n < 0 || n > 15 ||
            !(gpio->f103->type->pins[letter - 'A'] >> n & 1))
        return NULL;
    return &gpio->ports[letter - 'A'].pads[n].pin;
}

struct pin *gpio_pin_number(struct gpio *gpio, int pin)
{
    return &gpio->ports[pin / 16].pads[pin % 16].pin;
}

void gpio_power(struct gpio *gpio, bool on)
{
    gpio->powered = on;
    for (int p = 0; p < PORTS; p++)
        apply(&gpio->ports[p], 0xFFFF);
}

static void new_port(struct gpio *gpio, int number)
{
    static const char *const name[] = { "GPIOA", "GPIOB", "GPIOC", "GPIOD", "GPIOE" };
    struct port *port = &gpio->ports[number];
    port->gpio = gpio;
    port->number = number;
    for (int n = 0; n < 16; n++) {
        struct pad *pad = &port->pads[n];
        pad->port = port;
        pad->number = n;
        snprintf(pad->name, sizeof pad->name, "%s P%c%d", gpio->f103->name,
                 'A' + number, n);
        pin_init(&pad->pin, gpio->f103->sim, pad->name, pin_changed, pad);
    }
    port->block = f103_add_block(gpio->f103, &(struct block){
        .name = name[number], .base = 0x40010800 + 0x400u * (unsigned)number,
        .size = 0x400, .bridge = ON_APB2, .enable_bit = 2 + number,
        .access = WORDS_ONLY, .read = port_read, .write = port_write,
        .reset = port_reset, .ctx = port });
    port->config[0] = port->config[1] = 0x44444444;
    update_masks(port);
}

void gpio_new(struct f103 *f103)
{
    struct gpio *gpio = calloc(1, sizeof *gpio);
    f103->gpio = gpio;
    gpio->f103 = f103;
    for (int p = 0; p < PORTS; p++)
        new_port(gpio, p);
    update_exti(gpio);
    f103_add_block(f103, &(struct block){
        .name = "AFIO", .base = 0x40010000, .size = 0x400, .bridge = ON_APB2,
        .enable_bit = 0, .access = WORDS_ONLY, .read = afio_read, .write = afio_write,
        .reset = afio_reset, .ctx = gpio });
    apply_debug_pins(gpio);
}

void gpio_free(struct gpio *gpio) { free(gpio); }
