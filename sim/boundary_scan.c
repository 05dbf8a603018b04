/* boundary_scan.c - the cells between an STM32F103's core and its pins.
 *
 *   called by  jtagdp.c, through swdp.h      calls  gpio.c
 *
 * 232 cells on a line from TDI (231) to TDO (0), in the order in which pins follow each
 * other round the largest package; those that a smaller one does not bring out are there
 * too.  A pin has three, BOOT0 one:
 *
 *   CONTROL n     1: the output is off       captures whether the chip drives
 *   OUTPUT  n-1   its level                  captures what it drives
 *   INPUT   n-2   looks only                 captures the pin
 *
 * JTAG's own pins have none.  In EXTEST the latched cells drive the pins instead of the
 * ports, of USB too, until another instruction comes.
 *
 * Sources: IEEE 1149.1 11; the BSDL description of the medium-density LQFP48, of which the
 * length, the kinds and places of its 37 bonded pins' cells are public knowledge. */
#include "f103.h"
#include "swdp.h"
#include <stddef.h>

enum { PORT_E = 64, NO_PIN = -1, BOOT0_CELL = 12, CELLS = 232 };

/* From TDI on: a first pin, and how many follow it by number. */
static const struct run { int first, count; } runs[] = {
    { PORT_E + 2, 5 }, { PC + 13, 3 }, { PD + 0, 2 }, { PC + 0, 4 },    /* PD0, PD1: OSC */
    { PA + 0, 8 }, { PC + 4, 2 }, { PB + 0, 3 }, { PORT_E + 7, 9 }, { PB + 10, 2 },
    { PB + 12, 4 }, { PD + 8, 8 }, { PC + 6, 4 }, { PA + 8, 5 }, { PC + 10, 3 },
    { NO_PIN, 2 }, { PD + 2, 6 }, { PB + 5, 3 },        /* PD0, PD1 beside the crystal */
    { PB + 8, 2 }, { PORT_E + 0, 2 },                   /* behind BOOT0 */
};

/* Calls visit() for each pin with the number of its CONTROL cell. */
static void each_pin(struct f103 *f103, void *cells,
                     void (*visit)(struct f103 *f103, void *cells, int pin, int control))
{
    int control = CELLS - 1;
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++)
        for (int n = 0; n < runs[i].count; n++, control -= 3) {
            if (control == BOOT0_CELL)
                control--;
            if (runs[i].first != NO_PIN)
                visit(f103, cells, runs[i].first + n, control);
        }
}

static void capture_pin(struct f103 *f103, void *context, int pin, int control)
{
    uint8_t *cells = context;
    enum drive drive = gpio_pin_number(f103->gpio, pin)->drive;
    cells[control] = drive != DRIVE_LOW && drive != DRIVE_HIGH;
    cells[control - 1] = drive == DRIVE_HIGH;
    cells[control - 2] = (uint8_t)gpio_level(f103->gpio, pin);
}

static void capture(void *ctx, uint8_t *cells)
{
    struct f103 *f103 = ctx;
    for (int i = 0; i < CELLS; i++)
        cells[i] = 0;
    each_pin(f103, cells, capture_pin);
    cells[BOOT0_CELL] = f103->boot0.net && pin_sample(&f103->boot0);
}

static void drive_pin(struct f103 *f103, void *context, int pin, int control)
{
    const uint8_t *cells = context;
    if (!cells)
        gpio_scan(f103->gpio, pin, false, DRIVE_OPEN);
    else
        gpio_scan(f103->gpio, pin, true, cells[control] ? DRIVE_OPEN :
                                         cells[control - 1] ? DRIVE_HIGH : DRIVE_LOW);
}

static void drive(void *ctx, uint8_t *cells) { each_pin(ctx, cells, drive_pin); }

void boundary_scan_new(struct f103 *f103)
{
    swdp_scan(f103->chip.debug_port, &(struct scan_cells){
        .count = CELLS, .capture = capture, .drive = drive, .ctx = f103 });
}
