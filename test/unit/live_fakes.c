/* live_fakes.c - rtt.c and live.c for tests of the GDB server: nobody looks. */
#include "live.h"
#include "rtt.h"
#include "say.h"
#include "uart.h"

void rtt_set_mode(enum rtt_mode mode) { (void)mode; }
bool rtt_set_channel(uint32_t channel) { return channel < 16; }
void rtt_say_state(void) { say("RTT\n"); }
uint32_t fake_rtt_symbol;
void rtt_symbol(uint32_t address) { fake_rtt_symbol = address; }
void rtt_forget(void) { }
void live_give_way(void) { }
uint32_t live_put(const uint8_t *bytes, uint32_t length) { (void)bytes; return length; }
void uart_mute(bool yes) { (void)yes; }
