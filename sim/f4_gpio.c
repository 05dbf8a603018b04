/* f4_gpio.c - the pins of an STM32F2, F4 or F7: its ports, and SYSCFG.
 *
 *   called by  f4.c, f4_usart.c (drive, level)   calls  wires.h, f4_usart.c (edges)
 *
 *   MODER 00 input   01 output, by ODR   10 alternate function, which AFR names   11 analog
 *   PUPDR pulls in every mode but the last; OTYPER 1 is open drain
 *
 * Out of reset PA13, PA14, PA15, PB3 and PB4 are function 0, the debug port's, with its
 * pulls (RM0090 8.3.2).  A program that makes PA13 or PA14 anything else shuts the debugger
 * out.
 *
 * Not modelled: LCKR (reported when the key is written), output speeds, EXTI.
 *
 * Sources: RM0090 8 (GPIO), 9 (SYSCFG), 2.4 (boot); DS8626 table 7 (LQFP64). */
#include "f4.h"
#include <stdio.h>
#include <stdlib.h>

enum { MODER = 0x00, OTYPER = 0x04, OSPEEDR = 0x08, PUPDR = 0x0C, IDR = 0x10, ODR = 0x14,
       BSRR = 0x18, LCKR = 0x1C, AFRL = 0x20, AFRH = 0x24 };
enum { INPUT, OUTPUT, ALTERNATE, ANALOG };
enum { MEMRMP = 0x00, FB_MODE = 1 << 8 };

struct pad {
    struct pin pin;
    char name[24];
    struct port *port;
    int number;
    bool driven, level;             /* by a peripheral */
};

struct port {
    struct f4_gpio *gpio;
    int number;                     /* 0 = A */
    uint32_t moder, otyper, ospeedr, pupdr, odr, lckr, afr[2];
    struct pad pads[16];
};

struct f4_gpio {
    struct f4 *f4;
    bool powered;
    struct port ports[F4_PORTS];
    uint32_t syscfg[9];
};

/* --- what a pin drives -------------------------------------------------------------- */

static unsigned mode_of(const struct port *port, int n) { return port->moder >> 2 * n & 3; }

static unsigned function_of(const struct port *port, int n)
{
    return port->afr[n / 8] >> 4 * (n % 8) & 15;
}

static enum drive pull(const struct port *port, int n)
{
    switch (port->pupdr >> 2 * n & 3) {
    case 1:  return DRIVE_PULL_UP;
    case 2:  return DRIVE_PULL_DOWN;
    default: return DRIVE_OPEN;
    }
}

static enum drive drive_of(const struct port *port, int n)
{
    const struct pad *pad = &port->pads[n];
    unsigned mode = mode_of(port, n);
    if (!port->gpio->powered || mode == ANALOG)
        return DRIVE_OPEN;
    if (mode == INPUT || (mode == ALTERNATE && !pad->driven))
        return pull(port, n);
    bool level = mode == OUTPUT ? port->odr >> n & 1 : pad->level;
    if (level && port->otyper >> n & 1)
        return pull(port, n);
    return level ? DRIVE_HIGH : DRIVE_LOW;
}

static void apply(struct port *port, uint32_t pins)
{
    for (int n = 0; n < 16; n++)
        if (pins >> n & 1 && port->pads[n].pin.drive != drive_of(port, n))
            pin_drive(&port->pads[n].pin, drive_of(port, n));
}

static bool exists(const struct f4_gpio *gpio, int pin)
{
    return gpio->f4->part->bonded[pin / 16] >> pin % 16 & 1;
}

int f4_gpio_function(const struct f4_gpio *gpio, int pin)
{
    const struct port *port = &gpio->ports[pin / 16];
    if (!exists(gpio, pin) || mode_of(port, pin % 16) != ALTERNATE)
        return -1;
    return (int)function_of(port, pin % 16);
}

bool f4_gpio_debug_pins(const struct f4_gpio *gpio)
{
    return f4_gpio_function(gpio, F4_PA + 13) == 0 &&
           f4_gpio_function(gpio, F4_PA + 14) == 0;
}

void f4_gpio_drive(struct f4_gpio *gpio, int pin, bool on, bool level)
{
    struct pad *pad = &gpio->ports[pin / 16].pads[pin % 16];
    pad->driven = on;
    pad->level = level;
    apply(pad->port, 1u << pad->number);
}

bool f4_gpio_level(struct f4_gpio *gpio, int pin)
{
    return pin_sample(&gpio->ports[pin / 16].pads[pin % 16].pin);
}

static void pin_changed(void *ctx, int level)
{
    struct pad *pad = ctx;
    struct f4 *f4 = pad->port->gpio->f4;
    for (int i = 0; i < F4_USARTS; i++)
        if (f4->usart[i])
            f4_usart_edge(f4->usart[i], pad->port->number * 16 + pad->number, level);
}

/* Pins have changed hands. */
static void configured(struct port *port)
{
    struct f4 *f4 = port->gpio->f4;
    for (int i = 0; i < F4_USARTS; i++)
        if (f4->usart[i])
            f4_usart_pins_changed(f4->usart[i]);
    f4_apply_debug_port(f4);
    apply(port, 0xFFFF);
}

/* --- registers ---------------------------------------------------------------------- */

static uint32_t read_idr(struct port *port)
{
    uint32_t idr = 0;
    for (int n = 0; n < 16; n++)
        if (mode_of(port, n) != ANALOG && exists(port->gpio, port->number * 16 + n) &&
            pin_sample(&port->pads[n].pin))
            idr |= 1u << n;
    return idr;
}

static uint32_t port_read(void *ctx, uint32_t reg)
{
    struct port *port = ctx;
    switch (reg) {
    case MODER:   return port->moder;
    case OTYPER:  return port->otyper;
    case OSPEEDR: return port->ospeedr;
    case PUPDR:   return port->pupdr;
    case IDR:     return read_idr(port);
    case ODR:     return port->odr;
    case LCKR:    return port->lckr;
    case AFRL:    return port->afr[0];
    case AFRH:    return port->afr[1];
    default:      return 0;
    }
}

static void write_odr(struct port *port, uint32_t odr)
{
    uint32_t changed = port->odr ^ odr;
    port->odr = odr & 0xFFFF;
    apply(port, changed & 0xFFFF);
}

static void port_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct port *port = ctx;
    switch (reg) {
    case MODER:   port->moder = value; configured(port); break;
    case OTYPER:  port->otyper = value & 0xFFFF; apply(port, 0xFFFF); break;
    case OSPEEDR: port->ospeedr = value; break;
    case PUPDR:   port->pupdr = value; apply(port, 0xFFFF); break;
    case ODR:     write_odr(port, value); break;
    case BSRR:    write_odr(port, (port->odr & ~(value >> 16)) | (value & 0xFFFF)); break;
    case LCKR:
        port->lckr = value & 0xFFFF;
        if (value >> 16)
            f4_report(port->gpio->f4, SIM_UNMODELLED, "GPIO%c_LCKR: locking pins",
                      'A' + port->number);
        break;
    case AFRL:    port->afr[0] = value; configured(port); break;
    case AFRH:    port->afr[1] = value; configured(port); break;
    default:      break;
    }
}

/* RM0090 8.4: ports A and B have the debug port's pins. */
static void port_reset(void *ctx)
{
    struct port *port = ctx;
    port->moder = port->number == 0 ? 0xA8000000 : port->number == 1 ? 0x280 : 0;
    port->ospeedr = port->number == 0 ? 0x0C000000 : port->number == 1 ? 0xC0 : 0;
    port->pupdr = port->number == 0 ? 0x64000000 : port->number == 1 ? 0x100 : 0;
    port->otyper = port->odr = port->lckr = port->afr[0] = port->afr[1] = 0;
    configured(port);
}

static uint32_t syscfg_read(void *ctx, uint32_t reg)
{
    const struct f4_gpio *gpio = ctx;
    return reg == 0x20 ? 1 << 8 : reg < 0x20 ? gpio->syscfg[reg / 4] : 0;   /* CMPCR.READY */
}

static void syscfg_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct f4_gpio *gpio = ctx;
    if (reg < 0x20)
        gpio->syscfg[reg / 4] = value;
    if (reg == MEMRMP)
        f4_flash_swap(gpio->f4->flash, value & FB_MODE);
    if (reg == MEMRMP && value & 7)
        f4_report(gpio->f4, SIM_UNMODELLED, "SYSCFG_MEMRMP = %u: other memory at 0",
                  value & 7);
}

static void syscfg_reset(void *ctx)
{
    struct f4_gpio *gpio = ctx;
    for (int i = 0; i < 9; i++)
        gpio->syscfg[i] = 0;
    f4_flash_swap(gpio->f4->flash, false);
}

/* --- construction ------------------------------------------------------------------- */

/* "PA13"; only pins that the package has. */
struct pin *f4_gpio_pin(struct f4_gpio *gpio, const char *name)
{
    char letter, end;
    int n;
    if (sscanf(name, "P%c%d%c", &letter, &n, &end) != 2 || letter < 'A' ||
        letter >= 'A' + gpio->f4->part->ports || n < 0 || n > 15 ||
        !exists(gpio, (letter - 'A') * 16 + n))
        return NULL;
    return &gpio->ports[letter - 'A'].pads[n].pin;
}

void f4_gpio_power(struct f4_gpio *gpio, bool on)
{
    gpio->powered = on;
    for (int p = 0; p < gpio->f4->part->ports; p++)
        apply(&gpio->ports[p], 0xFFFF);
}

static void new_port(struct f4_gpio *gpio, int number)
{
    static const char *const names[F4_PORTS] = {
        "GPIOA", "GPIOB", "GPIOC", "GPIOD", "GPIOE", "GPIOF", "GPIOG", "GPIOH", "GPIOI",
        "GPIOJ", "GPIOK",
    };
    struct port *port = &gpio->ports[number];
    port->gpio = gpio;
    port->number = number;
    for (int n = 0; n < 16; n++) {
        struct pad *pad = &port->pads[n];
        pad->port = port;
        pad->number = n;
        snprintf(pad->name, sizeof pad->name, "%s P%c%d", gpio->f4->name, 'A' + number, n);
        pin_init(&pad->pin, gpio->f4->sim, pad->name, pin_changed, pad);
    }
    f4_add_block(gpio->f4, &(struct f4_block){
        .name = names[number], .base = 0x40020000 + 0x400u * (uint32_t)number, .size = 0x400,
        .bus = F4_AHB1, .bit = number, .narrowest = 1, .read = port_read,
        .write = port_write, .reset = port_reset, .ctx = port });
}

void f4_gpio_new(struct f4 *f4)
{
    struct f4_gpio *gpio = f4->gpio = calloc(1, sizeof *gpio);
    gpio->f4 = f4;
    for (int p = 0; p < gpio->f4->part->ports; p++)
        new_port(gpio, p);
    for (int p = 0; p < gpio->f4->part->ports; p++)
        port_reset(&gpio->ports[p]);
    f4_add_block(f4, &(struct f4_block){
        .name = "SYSCFG", .base = 0x40013800, .size = 0x400, .bus = F4_APB2, .bit = 14,
        .narrowest = 2, .read = syscfg_read, .write = syscfg_write, .reset = syscfg_reset,
        .ctx = gpio });
}

void f4_gpio_free(struct f4_gpio *gpio) { free(gpio); }
