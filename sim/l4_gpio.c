/* l4_gpio.c - the pins of STM32 L4, G4, G0, L0, L1, F0 and F3: GPIOA to GPIOH, and SYSCFG.
 *
 *   called by  l4.c, l4_usart.c (drive, level)   calls  wires.h, l4_usart.c (edges)
 *
 *   MODER 00 input   01 output, by ODR   10 alternate function, which AFR names   11 analog
 *   PUPDR pulls in every mode but the last; OTYPER 1 is open drain
 *
 * Out of reset all pins are analog (of an L1, F0, F3: inputs) but the debug port's: PA13 and PA14, of a
 * Cortex-M3 or M4 PA15, PB3 and PB4 too.  A program that makes PA13 or PA14 anything else shuts the debugger out.
 *
 * Not modelled: LCKR (reported when the key is written), output speeds, EXTI; of SYSCFG only
 * MEMRMP, whose FB_MODE puts bank 2 of an L4 or G4 first.
 *
 * Sources: RM0444, RM0351, RM0440, RM0367, RM0038, chapters GPIO, SYSCFG; the data sheets, 64-pin packages. */
#include "l4.h"
#include <stdio.h>
#include <stdlib.h>

enum { MODER = 0x00, OTYPER = 0x04, OSPEEDR = 0x08, PUPDR = 0x0C, IDR = 0x10, ODR = 0x14,
       BSRR = 0x18, LCKR = 0x1C, AFRL = 0x20, AFRH = 0x24, BRR = 0x28 };
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
    struct l4_gpio *gpio;
    int number;                     /* 0 = A */
    uint32_t moder, otyper, ospeedr, pupdr, odr, lckr, afr[2];
    struct pad pads[16];
};

struct l4_gpio {
    struct l4 *l4;
    bool powered;
    struct port ports[L4_PORTS];
    uint32_t memrmp;
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

static bool exists(const struct l4_gpio *gpio, int pin)
{
    return gpio->l4->type->pins[pin / 16] >> pin % 16 & 1;
}

int l4_gpio_function(const struct l4_gpio *gpio, int pin)
{
    const struct port *port = &gpio->ports[pin / 16];
    if (!exists(gpio, pin) || mode_of(port, pin % 16) != ALTERNATE)
        return -1;
    return (int)function_of(port, pin % 16);
}

bool l4_gpio_debug_pins(const struct l4_gpio *gpio)
{
    return l4_gpio_function(gpio, L4_PA + 13) == 0 &&
           l4_gpio_function(gpio, L4_PA + 14) == 0;
}

void l4_gpio_drive(struct l4_gpio *gpio, int pin, bool on, bool level)
{
    struct pad *pad = &gpio->ports[pin / 16].pads[pin % 16];
    pad->driven = on;
    pad->level = level;
    apply(pad->port, 1u << pad->number);
}

bool l4_gpio_level(struct l4_gpio *gpio, int pin)
{
    return pin_sample(&gpio->ports[pin / 16].pads[pin % 16].pin);
}

static void pin_changed(void *ctx, int level)
{
    struct pad *pad = ctx;
    struct l4 *l4 = pad->port->gpio->l4;
    for (int i = 0; i < L4_USARTS; i++)
        if (l4->usart[i])
            l4_usart_edge(l4->usart[i], pad->port->number * 16 + pad->number, level);
}

/* Pins have changed hands. */
static void configured(struct port *port)
{
    struct l4 *l4 = port->gpio->l4;
    for (int i = 0; i < L4_USARTS; i++)
        if (l4->usart[i])
            l4_usart_pins_changed(l4->usart[i]);
    l4_apply_debug_port(l4);
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
    case BRR:     write_odr(port, port->odr & ~value); break;
    case BSRR:    write_odr(port, (port->odr & ~(value >> 16)) | (value & 0xFFFF)); break;
    case LCKR:
        port->lckr = value & 0xFFFF;
        if (value >> 16)
            l4_report(port->gpio->l4, SIM_UNMODELLED, "GPIO%c_LCKR: locking pins",
                      'A' + port->number);
        break;
    case AFRL:    port->afr[0] = value; configured(port); break;
    case AFRH:    port->afr[1] = value; configured(port); break;
    default:      break;
    }
}

static void port_reset(void *ctx)
{
    struct port *port = ctx;
    const struct l4_port_reset *given = port->gpio->l4->type->ports;
    int which = port->number < 2 ? port->number : 2;
    port->moder = given->moder[which];
    port->ospeedr = which ? 0 : 0x0C000000;
    port->pupdr = given->pupdr[which];
    port->otyper = port->odr = port->lckr = port->afr[0] = port->afr[1] = 0;
    configured(port);
}

/* SYSCFG_CFGR1 of a G0 has MEM_MODE in the same place. */
static uint32_t syscfg_read(void *ctx, uint32_t reg)
{
    const struct l4_gpio *gpio = ctx;
    return reg == MEMRMP ? gpio->memrmp : 0;
}

static void syscfg_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct l4_gpio *gpio = ctx;
    if (reg != MEMRMP)
        return;
    gpio->memrmp = value;
    if (value & 7)
        l4_report(gpio->l4, SIM_UNMODELLED, "SYSCFG: MEM_MODE = %u, other memory at 0", value & 7);
    if (gpio->l4->type->swap == L4_SWAP_FB_MODE)
        l4_flash_bank_mode(gpio->l4->flash, value & FB_MODE);
}

void l4_gpio_show_bank_mode(struct l4_gpio *gpio, bool swapped)
{
    gpio->memrmp = swapped ? FB_MODE : 0;
}

static void syscfg_reset(void *ctx)
{
    struct l4_gpio *gpio = ctx;
    gpio->memrmp = 0;
}

/* --- construction ------------------------------------------------------------------- */

/* "PA13"; only pins that the package has. */
struct pin *l4_gpio_pin(struct l4_gpio *gpio, const char *name)
{
    char letter, end;
    int n;
    if (sscanf(name, "P%c%d%c", &letter, &n, &end) != 2 || letter < 'A' ||
        letter >= 'A' + L4_PORTS || n < 0 || n > 15 || !exists(gpio, (letter - 'A') * 16 + n))
        return NULL;
    return &gpio->ports[letter - 'A'].pads[n].pin;
}

void l4_gpio_power(struct l4_gpio *gpio, bool on)
{
    gpio->powered = on;
    for (int p = 0; p < L4_PORTS; p++)
        apply(&gpio->ports[p], 0xFFFF);
}

static void new_port(struct l4_gpio *gpio, int number)
{
    static const char *const names[L4_PORTS] = {
        "GPIOA", "GPIOB", "GPIOC", "GPIOD", "GPIOE", "GPIOF", "GPIOG", "GPIOH",
    };
    struct port *port = &gpio->ports[number];
    port->gpio = gpio;
    port->number = number;
    for (int n = 0; n < 16; n++) {
        struct pad *pad = &port->pads[n];
        pad->port = port;
        pad->number = n;
        snprintf(pad->name, sizeof pad->name, "%s P%c%d", gpio->l4->name, 'A' + number, n);
        pin_init(&pad->pin, gpio->l4->sim, pad->name, pin_changed, pad);
    }
    if (!gpio->l4->type->has_all_ports && !gpio->l4->type->pins[number])
        return;                             /* a G0 has fewer ports, whatever its package */
    l4_add_block(gpio->l4, &(struct l4_block){
        .name = names[number],
        .base = gpio->l4->type->gpio_base + 0x400u * (uint32_t)number, .size = 0x400,
        .bus = L4_AHB, .enr = l4_rcc_enr_gpio(gpio->l4), .bit = (uint8_t)(l4_rcc_bit_gpio(gpio->l4) + number),
        .narrowest = 1, .read = port_read, .write = port_write, .reset = port_reset,
        .ctx = port });
}

void l4_gpio_new(struct l4 *l4)
{
    struct l4_gpio *gpio = l4->gpio = calloc(1, sizeof *gpio);
    gpio->l4 = l4;
    for (int p = 0; p < L4_PORTS; p++)
        new_port(gpio, p);
    for (int p = 0; p < L4_PORTS; p++)
        port_reset(&gpio->ports[p]);
    l4_add_block(l4, &(struct l4_block){
        .name = "SYSCFG", .base = 0x40010000, .size = 0x100, .bus = L4_APB2,
        .enr = l4_rcc_enr(l4, L4_APB2), .bit = 0, .narrowest = 1, .read = syscfg_read,
        .write = syscfg_write, .reset = syscfg_reset, .ctx = gpio });
}

void l4_gpio_free(struct l4_gpio *gpio) { free(gpio); }
