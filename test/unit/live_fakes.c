/* live_fakes.c - rtt.c, swo.c and live.c for tests of the GDB server: nobody looks. */
#include "error.h"
#include "live.h"
#include "rtt.h"
#include "say.h"
#include "swo.h"
#include "uart.h"
#include "watch.h"

void rtt_set_mode(enum rtt_mode mode) { (void)mode; }
bool rtt_set_channel(uint32_t channel) { return channel < 16; }
void rtt_say_state(void) { say("RTT\n"); }
uint32_t fake_rtt_symbol;
void rtt_symbol(uint32_t address) { fake_rtt_symbol = address; }
void rtt_forget(void) { }
void live_give_way(void) { }
uint32_t live_put(const uint8_t *bytes, uint32_t length) { (void)bytes; return length; }
void uart_mute(bool yes) { (void)yes; }

bool swo_receive(uint32_t baud, uint32_t ports)
{
    say("SWO at %u, ports %08x\n", (unsigned)baud, (unsigned)ports);
    return baud <= SWO_FASTEST;
}
void swo_stop(void) { say("SWO stopped\n"); }
void swo_say_state(void) { say("SWO state\n"); }
int swo_set_up(uint32_t hz, uint32_t baud)
{
    say("SWO set up: %u, %u\n", (unsigned)hz, (unsigned)baud);
    return OK;
}
void swo_leave(void) { }
bool watch_add(const char *name, uint32_t address, char kind, uint32_t bits, uint32_t hz)
{
    (void)name, (void)address, (void)kind, (void)bits;
    return hz - 1 < 1000;
}
void watch_clear(void) { }
