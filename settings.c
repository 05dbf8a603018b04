/* settings.c - a byte that survives a power cycle, in the last two pages of flash.
 *
 *   called by  uart.c      calls  nothing
 *
 *   record: [ bits 7:0 | generation 15:8 | the complement of both 31:16 ]
 *
 * A page is a list of records; the last valid one counts, and a change appends one.  When
 * a page is full the other is erased and begun, with the next generation: the higher one
 * is the newer page.  So at every moment there is a whole record, old or new:
 *   - the complement is programmed last, and programming only turns ones into zeros: what
 *     is not finished is no complement.  It stays behind as junk, and is passed over;
 *   - a page is erased only while the other one holds the newest record.
 *
 * The processor stands still while flash is written: 50 us a halfword, 40 ms an erase,
 * during which the serial port would lose bytes.  So a full page is turned at start.
 *
 * The pages lie in the application's slot, 0x0800F800 and 0x0800FC00: images of ours end
 * before (Makefile).  Another application may write there; then the settings are gone, or
 * what looks like a record by chance (one word in 65536) is one.
 *
 * Sources: PM0075 2.3 (procedures), 3 (registers); ES096 2.2.8 (BSY comes a cycle late). */
#include "settings.h"
#include "stm32f103.h"

enum { RECORDS = 256, PAGE_SIZE = 1024, BUSY_TURNS = 4000000 };
enum { KEY1 = 0x45670123 };
static const uint32_t KEY2 = 0xCDEF89AB, BLANK = 0xFFFFFFFF;    /* too large for an enum */

extern volatile uint32_t SETTINGS[2][RECORDS];   /* link.ld */

static struct {
    bool found;                         /* a record at all */
    int page, next;                     /* where the next goes; RECORDS: the page is full */
    uint16_t value;                     /* bits and generation of the newest */
} settings;

static bool valid(uint32_t record)
{
    return (uint16_t)(record ^ record >> 16) == 0xFFFF;
}

static void read_page(int page)
{
    int next = 0;
    bool found = false;
    uint16_t value = 0;
    for (int i = 0; i < RECORDS; i++) {
        uint32_t record = SETTINGS[page][i];
        if (record != BLANK)
            next = i + 1;
        if (valid(record)) {
            found = true;
            value = (uint16_t)record;
        }
    }
    bool newer = (int8_t)((value >> 8) - (settings.value >> 8)) > 0;
    if (page == 0 || (found && (newer || !settings.found))) {
        settings.found = found;
        settings.page = page;
        settings.next = next;
        settings.value = value;
    }
}

/* --- flash ------------------------------------------------------------------------------- */

/* Erases the page, or programs the halfword, at that address.  What went wrong shows when
 * the record is read. */
static void change(uint32_t how, volatile void *at, uint16_t value)
{
    FLASH.KEYR = KEY1;
    FLASH.KEYR = KEY2;
    FLASH.SR = FLASH_SR_PGERR | FLASH_SR_WRPRTERR | FLASH_SR_EOP;       /* 1 clears */
    FLASH.CR = how;
    if (how == FLASH_CR_PG) {
        *(volatile uint16_t *)at = value;
    } else {
        FLASH.AR = (uint32_t)(uintptr_t)at;
        FLASH.CR = how | FLASH_CR_STRT;
    }
    (void)FLASH.SR;
    for (int turns = BUSY_TURNS; FLASH.SR & FLASH_SR_BSY && turns > 0; turns--) {
    }
    FLASH.CR = FLASH_CR_LOCK;
}

/* What could not be written is not the newest: so the next call tries again. */
static bool append(uint8_t bits)
{
    if (settings.next == RECORDS) {
        settings.page ^= 1;
        settings.next = 0;
        settings.value = (uint16_t)(settings.value + 0x100);
        change(FLASH_CR_PER, SETTINGS[settings.page], 0);
    }
    volatile uint32_t *record = &SETTINGS[settings.page][settings.next++];
    uint16_t value = (uint16_t)((settings.value & 0xFF00) | bits);
    change(FLASH_CR_PG, record, value);
    change(FLASH_CR_PG, (volatile uint16_t *)record + 1, (uint16_t)~value);
    if (!valid(*record) || (uint16_t)*record != value)
        return false;
    settings.value = value;
    return true;
}

/* --- what uart.c calls ------------------------------------------------------------------- */

void settings_start(void)
{
    read_page(0);
    read_page(1);
    if (settings.next == RECORDS)
        append(settings_get());
}

uint8_t settings_get(void)
{
    return (uint8_t)settings.value;
}

bool settings_set(uint8_t bits)
{
    return bits == settings_get() || append(bits);
}
