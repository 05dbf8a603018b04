/* settings.c - a switch that survives a power cycle, in the last page of flash.
 *
 * The page is a log of halfwords.  Its last one that is not blank counts: ON means on, and
 * anything else, and a blank page, means off.  A change appends one halfword.
 *
 * When the power goes meanwhile, the old value is found or the new one.  Programming only
 * turns ones into zeros, and each of ON and OFF has ones where the other has zeros: half an
 * OFF is never ON, nor is half an ON, and off is then the new value or the old one.
 *
 * A full page is erased and begun again: once in 512 changes, and at start, for the
 * processor stands still meanwhile (40 ms; 50 us for a halfword) and the serial port would
 * lose bytes.  That is the one moment when a switch that was on can be lost: cut the power
 * in these 40 ms, and it may be off.  A second page would prevent it, and costs 1 KB.
 *
 * The page lies in the application's slot, at 0x0800FC00: images of ours end before
 * (link.ld).  Another application may write there; then the switch is off, or on when the
 * last halfword is ON by chance (one in 65536).
 *
 * Up to 1.1 there were two pages of records, [ bits | generation | both complemented ]; the
 * last halfword of a record is never ON.  And such an image finds no record in ours, since
 * ON and OFF have a one in common.
 *
 * Sources: PM0075 2.3 (procedures), 3 (registers); ES096 2.2.8 (BSY comes a cycle late). */
#include "settings.h"
#include "stm32f103.h"

enum { ON = 0x009A, OFF = 0x00E5, BLANK = 0xFFFF };     /* what a halfword says */
enum { CHANGES = 512, BUSY_TURNS = 4000000 };
enum { KEY1 = 0x45670123 };
static const uint32_t KEY2 = 0xCDEF89AB;        /* too large for an enum */

extern volatile uint16_t SETTINGS[CHANGES];     /* link.ld */

/* Behind the last that is not blank. */
static volatile uint16_t *log_end(void)
{
    volatile uint16_t *at = SETTINGS + CHANGES;
    while (at > SETTINGS && at[-1] == BLANK)
        at--;
    return at;
}

/* Erases the page, or programs the halfword, at that address.  What went wrong shows when
 * the log is read. */
static void erase_or_program(uint32_t how, volatile uint16_t *at, uint16_t value)
{
    FLASH.KEYR = KEY1;
    FLASH.KEYR = KEY2;
    FLASH.SR = FLASH_SR_PGERR | FLASH_SR_WRPRTERR | FLASH_SR_EOP;       /* 1 clears */
    FLASH.CR = how;
    if (how == FLASH_CR_PG) {
        *at = value;
    } else {
        FLASH.AR = (uint32_t)(uintptr_t)at;
        FLASH.CR = how | FLASH_CR_STRT;
    }
    (void)FLASH.SR;
    for (int turns = BUSY_TURNS; FLASH.SR & FLASH_SR_BSY && turns > 0; turns--) {
    }
    FLASH.CR = FLASH_CR_LOCK;
}

static void append(bool on)
{
    volatile uint16_t *at = log_end();
    if (at == SETTINGS + CHANGES)
        erase_or_program(FLASH_CR_PER, at = SETTINGS, 0);
    erase_or_program(FLASH_CR_PG, at, on ? ON : OFF);
}

/* --- what uart.c calls ------------------------------------------------------------------- */

void settings_start(void)
{
    if (log_end() == SETTINGS + CHANGES)
        append(settings_rs485());
}

bool settings_rs485(void)
{
    volatile uint16_t *at = log_end();
    return at > SETTINGS && at[-1] == ON;
}

bool settings_set_rs485(bool on)
{
    if (on != settings_rs485())
        append(on);
    return on == settings_rs485();
}
