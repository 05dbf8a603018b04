/* deadline.c - a bound on a wait, in milliseconds (see clock.h).
 *
 * Not in clock.c, so that a unit test can have its own clock.  Not inline: there are so
 * many waits that a call each is a quarter of a KB smaller. */
#include "clock.h"

/* The millisecond that has begun does not count. */
uint32_t clock_in_ms(uint32_t ms)
{
    return clock_ms() + ms + 1;
}

/* Also across the wrap after 49 days. */
bool clock_passed(uint32_t deadline)
{
    return (int32_t)(clock_ms() - deadline) >= 0;
}
