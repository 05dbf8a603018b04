/* backup.c - two notes in the backup registers, which every reset leaves alone.
 *
 *   DR1    0x4F42: stay in the bootloader.  The number and the place are dapboot's, so
 *          that its applications find their way into ours, and ours into it.
 *   DR10   0x5Bwn: n crashes in a row; w = 8 when the last was ended by the watchdog.
 *          The bootloader has to erase the chip's own flag to tell one such reset from
 *          the next, so it says here what it erased.
 *
 * Foreign applications use these registers too (for the time of day, mostly), so a note is
 * written only when it says something new.  Clocks and write protection are left as they
 * were found: the application starts with the chip as after reset.
 *
 * Sources: RM0008 5.1.2, 6.3.1 (access to the backup domain), 6.4.1. */
#include "backup.h"
#include "stm32f103.h"

enum { REQUEST = 0, CRASHES = 9 };      /* DR1, DR10 */
enum { STAY = 0x4F42 };
enum { SIGNATURE = 0x5B00, WATCHDOG = 0x80, COUNT = 0x7F };

/* Reads a register and, if value is not negative and different, writes it. */
static int exchange_word(int n, int value)
{
    uint32_t clocks = RCC.APB1ENR;
    RCC.APB1ENR = clocks | RCC_APB1_PWR | RCC_APB1_BKP;
    int old = (int)(BKP.DR[n] & 0xFFFF);
    if (value >= 0 && value != old) {
        uint32_t protection = PWR.CR;
        PWR.CR = protection | PWR_CR_DBP;
        BKP.DR[n] = (uint32_t)value;
        PWR.CR = protection;
    }
    RCC.APB1ENR = clocks;
    return old;
}

static int read(int n)
{
    return exchange_word(n, -1);
}

void backup_ask_to_stay(void)
{
    exchange_word(REQUEST, STAY);
}

bool backup_asked_to_stay(void)
{
    if (read(REQUEST) != STAY)
        return false;
    exchange_word(REQUEST, 0);
    return true;
}

static int note(void)
{
    int value = read(CRASHES);
    return (value & 0xFF00) == SIGNATURE ? value & 0xFF : 0;
}

int backup_crashes(void)
{
    return note() & COUNT;
}

bool backup_take_watchdog(void)
{
    int value = note();
    if (value & WATCHDOG)
        exchange_word(CRASHES, SIGNATURE | (value & COUNT));
    return value & WATCHDOG;
}

void backup_count_crash(bool by_watchdog)
{
    int count = backup_crashes();
    if (count < COUNT)
        count++;
    exchange_word(CRASHES, SIGNATURE | (by_watchdog ? WATCHDOG : 0) | count);
}

void backup_forget_crashes(void)
{
    if (note())
        exchange_word(CRASHES, 0);
}
