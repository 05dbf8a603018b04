/* live.c - looking at a target while it runs, for the second serial port.
 *
 * Somebody looks when the second port is open, and the target can be read without halting it:
 *   - gdb is attached to it.  Between two packets, and not in the middle of a load.
 *   - Or nobody has the wire, gdb's port is closed, and the user wants it so (`monitor rtt
 *     enable`, `monitor watch`).  Then we take the wire ourselves: the core is neither halted
 *     nor reset, nor in debug mode.  When gdb or a CMSIS-DAP host comes, we go.  (Or we have it
 *     already, for the calls of a program that gdb has left: semihost.c.)
 *
 * Where no target answers, that is tried once a second. */
#include "live.h"
#include "adi.h"
#include "cdc.h"
#include "clock.h"
#include "rtt.h"
#include "stm32f103.h"
#include "target.h"
#include "uart.h"
#include "watch.h"
#include "wire.h"

enum { AGAIN_MS = 1000 };

static struct {
    bool looks;                         /* somebody does */
    bool busy;
    uint32_t next_ms;                   /* when to try again */
} live;

/* --- the second port ------------------------------------------------------------------- */

uint32_t live_room(void)
{
    return (uint32_t)cdc_room(CDC_UART);
}

/* In the ring's two halves; the UART's interrupt writes there, too. */
uint32_t live_put(const uint8_t *bytes, uint32_t length)
{
    uint32_t done = 0, state = interrupts_off();

    for (int taken = 1; taken > 0 && done < length; done += (uint32_t)taken)
        taken = cdc_write(CDC_UART, bytes + done, (int)(length - done));
    interrupts_restore(state);
    return done;
}

/* --- who may look ---------------------------------------------------------------------- */

static bool by_ourselves(void)
{
    return (rtt_mode() == RTT_ON || watch_any()) && !cdc_open(CDC_GDB);
}

static bool may_look(void)
{
    if (!cdc_open(CDC_UART))
        return false;
    if (target_attached())
        return !flash_is_open();
    if (target_looked_at() || target_watched())
        return by_ourselves();
    if (!by_ourselves() || wire_owner() != WIRE_NOBODY || !clock_passed(live.next_ms))
        return false;
    live.next_ms = clock_in_ms(AGAIN_MS);
    return target_look() == OK;
}

void live_give_way(void)
{
    if (live.looks)
        rtt_leave();
    live.looks = live.busy = false;
    if (target_looked_at())
        target_detach();
}

/* Not inline: main()'s frame, and so the deepest stack, would have the buffers of all that
 * looks. */
__attribute__((noinline)) void live_poll(void)
{
    if (!may_look()) {
        if (!flash_is_open())
            live_give_way();
        return;
    }
    live.looks = true;
    live.busy = rtt_poll();
    watch_poll();
    if (target_looked_at() && !adi_connected())
        target_lost();
}

bool live_busy(void)
{
    return live.busy;
}
