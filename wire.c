/* wire.c - who has the wire to the target, its other pins, and how fast it is to be.
 *
 * gdb and a CMSIS-DAP host both want the wire, and neither can know what the other has
 * left in SELECT, CSW or TAR: so one of them has it at a time, with its own frequency. */
#include "wire.h"
#include "board.h"
#include "clock.h"
#include "swd.h"

enum { SLOWEST_HZ = 20000 };

static struct {
    enum wire_owner owner;
    uint32_t wanted[2];                 /* Hz, by gdb and by DAP */
} wire = { .wanted = { 9000000, 1000000 } };

static uint32_t *wanted(void)
{
    return &wire.wanted[wire.owner == WIRE_DAP];
}

/* A period in sixteenths of a cycle from Hz, or back.  Up: who asks for a frequency that was
 * told gets it. */
static uint32_t inverse(uint32_t x)
{
    return (clock_hz() * 16 - 1) / x + 1;           /* 1152 million: fits */
}

uint32_t wire_frequency(void)
{
    return inverse(swd_set_period(inverse(*wanted())));
}

uint32_t wire_set_frequency(uint32_t hz)
{
    *wanted() = hz > SLOWEST_HZ ? hz : SLOWEST_HZ;
    return wire_frequency();
}

bool wire_take(enum wire_owner who)
{
    if (wire.owner != WIRE_NOBODY && wire.owner != who)
        return false;
    wire.owner = who;
    swd_configure(1, false);
    wire_frequency();                   /* measures with loose pins, the first time */
    swd_take();
    return true;
}

void wire_release(enum wire_owner who)
{
    if (wire.owner != WIRE_NOBODY && wire.owner != who)
        return;
    wire.owner = WIRE_NOBODY;
    wire_set_nrst(false);
    swd_release();
}

/* Not inline: there are so many calls of it. */
__attribute__((noinline)) enum wire_owner wire_owner(void)
{
    return wire.owner;
}

void wire_set_nrst(bool low)
{
    pin_write(&NRST_PORT, NRST_PIN, !low);
    pin_mode(&NRST_PORT, NRST_PIN, PIN_OPEN_DRAIN);
}

bool wire_nrst_is_low(void)
{
    return pin_read(&NRST_PORT, NRST_PIN) == 0;
}

/* While nobody has the wire SWCLK and SWDIO are inputs, and only nRST moves. */
void wire_set_pins(int which, int levels)
{
    if (which & WIRE_PIN_CLK)
        pin_write(&SWD_PORT, SWCLK_PIN, levels & WIRE_PIN_CLK);
    if (which & WIRE_PIN_DIO)
        pin_write(&SWD_PORT, SWDIO_PIN, levels & WIRE_PIN_DIO);
    if (which & WIRE_PIN_NRST)
        wire_set_nrst(!(levels & WIRE_PIN_NRST));
}

int wire_pins(void)
{
    return pin_read(&SWD_PORT, SWCLK_PIN) * WIRE_PIN_CLK
         | pin_read(&SWD_PORT, SWDIO_PIN) * WIRE_PIN_DIO
         | (wire_nrst_is_low() ? 0 : WIRE_PIN_NRST);
}
