/* boot.c - the first code after reset: start the application, or stay.
 *
 *   called by  startup.s      calls  clock.c
 *
 * The application starts when its first two words can be a stack and an entry point, and
 * the board's jumper or pin does not say "stay".  It finds the chip as after reset: not a
 * clock is changed, no interrupt enabled, and the one port that was looked at is switched
 * off again.  So anything linked for 0x08002000 runs, whatever it assumes.
 *
 * Staying, the LED blinks slowly, for ever.  The debug pins are never touched: an ST-Link
 * gets in whenever this code runs. */
#include "board.h"
#include "clock.h"
#include <stdbool.h>

enum {
    RAM_START = 0x20000000, RAM_SIZE = 20 * 1024,
    SLOT_START = 0x08002000, SLOT_END = 0x08010000,     /* 64 KB, whatever the chip says */
    BLINK_MS = 500,
    SETTLE_TRIES = 20000                /* some 25 ms at 8 MHz */
};

struct vectors { uint32_t sp, reset; };

void start_image(uint32_t sp, uint32_t entry) __attribute__((noreturn));
int main(void);

/* Erased flash and text both fail here.  SP may be the very end of RAM, and in an image
 * with its stack at the bottom it is near the start. */
static bool plausible(const struct vectors *vectors)
{
    return vectors->sp % 4 == 0
        && vectors->sp > RAM_START && vectors->sp <= RAM_START + RAM_SIZE
        && vectors->reset % 2 == 1      /* Thumb */
        && vectors->reset >= SLOT_START + sizeof *vectors && vectors->reset < SLOT_END;
}

/* The Blue Pill's jumper comes with a resistor.  A pin that says "stay" when low needs our
 * pull-up, and patience: 40 kOhm and the capacitor of a target's reset line take some
 * milliseconds.  Afterwards the port is as after reset. */
static bool told_to_stay(void)
{
    RCC.APB2ENR = RCC_APB2_GPIOB;
    if (BOOT_STAY == 0) {
        pin_write(&GPIOB, BOOT_PIN, 1);
        pin_mode(&GPIOB, BOOT_PIN, PIN_INPUT_PULL);
    }
    int tries = SETTLE_TRIES;
    while (pin_read(&GPIOB, BOOT_PIN) == BOOT_STAY && tries > 0)
        tries--;
    RCC.APB2RSTR = RCC_APB2_GPIOB;
    RCC.APB2RSTR = 0;
    RCC.APB2ENR = 0;
    return tries == 0;
}

static void wait_for_ever(void)
{
    clock_start();
    RCC.APB2ENR = RCC_APB2_GPIOA | RCC_APB2_GPIOC;
    pin_mode(&LED_PORT, LED_PIN, PIN_OUTPUT_SLOW);
    for (;;) {
        watchdog_feed();                /* option bytes may have started it */
        pin_write(&LED_PORT, LED_PIN, (clock_ms() / BLINK_MS % 2 == 0) == LED_ON);
        wait_for_interrupt();
    }
}

int main(void)
{
    const struct vectors *application = (const struct vectors *)SLOT_START;
    if (plausible(application) && !told_to_stay()) {
        SCB.VTOR = SLOT_START;
        start_image(application->sp, application->reset);
    }
    wait_for_ever();
    return 0;
}
