/* clock.h - 72 MHz and time. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* 72 MHz from the 8 MHz crystal; when that does not start within 100 ms, 48 MHz from the
 * internal oscillator (USB then works with luck only).  SysTick counts milliseconds, the
 * DWT counts cycles.  Returns true when the crystal runs. */
bool clock_start(void);
bool clock_from_crystal(void);
uint32_t clock_hz(void);

uint32_t clock_ms(void);                /* since clock_start(); wraps after 49 days */
uint32_t clock_cycles(void);            /* core cycles; wraps after 59 s */
void clock_wait_us(uint32_t us);        /* busy; at most 1,000,000 */

/* A bound on a wait:  uint32_t deadline = clock_in_ms(100);
 *                     while (busy()) if (clock_passed(deadline)) return ERR_TIMEOUT; */
uint32_t clock_in_ms(uint32_t ms);
bool clock_passed(uint32_t deadline);

/* The independent watchdog: without a feed for about 2 s the chip resets.  The main loop
 * feeds it, and so does a bounded wait that may take longer than a second. */
void watchdog_start(void);
void watchdog_feed(void);

#endif
