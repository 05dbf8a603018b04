/* wire.c - who has the wire to the target, its other pins, and how fast it is to be.
 *
 *   called by  adi.c, target.c, monitor.c, cmsis_dap.c      calls  swd.c, the GPIO ports
 *
 * gdb and a CMSIS-DAP host both want the wire, and neither can know what the other has
 * left in SELECT, CSW or TAR: so one of them has it at a time, with its own frequency. */
#include "wire.h"
#include "board.h"
#include "clock.h"
#include "swd.h"

enum { GDB_HZ = 9000000, DAP_HZ = 1000000 };    /* until somebody asks for another */

static struct {
    enum wire_owner owner;
    uint32_t asked[2];                  /* Hz, of gdb and of DAP; 0: nothing yet */
} wire;

static bool is_dap(void)
{
    return wire.owner == WIRE_DAP;
}

uint32_t wire_frequency(void)
{
    uint32_t hz = wire.asked[is_dap()], cycles = clock_hz() * 16;  /* 1152 million: fits */

    if (hz == 0)
        hz = is_dap() ? DAP_HZ : GDB_HZ;
    return swd_set_period((cycles - 1) / hz + 1);
}

uint32_t wire_set_frequency(uint32_t hz)
{
    wire.asked[is_dap()] = hz ? hz : 1;
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
