/* selfflash.c - the chip's own flash: the slot above the bootloader.
 *
 * While the controller works, every fetch from flash waits, and our code is in flash: so
 * the processor stands still for 20 to 40 ms an erase, 40 to 70 us a halfword, and the
 * loops that wait for BSY go round once or twice.  They are bounded all the same, for
 * chips that run from a cache.
 *
 * Rules:
 *   - nothing below SLOT_START is ever touched: every write goes through in_slot();
 *   - written for the copies of this chip too: keys always (on some LOCK reads 0 while
 *     locked), old error flags cleared before, every result read back, no timing;
 *   - the controller is locked again after each call.
 *
 * Sources: PM0075 2.3 (procedures), 3 (registers); ES096 2.2.8 (BSY comes a cycle after
 * STRT); RM0008 3.3.3, 30.1. */
#include "selfflash.h"
#include "clock.h"
#include "stm32f103.h"

enum {
    FLASH_START = 0x08000000, KIB = 1024, SMALLEST_KIB = 16, USUAL_KIB = 64,
    LARGEST_KIB = 128,
    RAM_START = 0x20000000, RAM_SIZE = 20 * 1024,
    FLASH_SR_ALL = FLASH_SR_PGERR | FLASH_SR_WRPRTERR | FLASH_SR_EOP,
    BUSY_TURNS = 4000000                /* more than 200 ms at any clock */
};
enum { KEY1 = 0x45670123 };
static const uint32_t KEY2 = 0xCDEF89AB;        /* too large for an enum */

static volatile uint16_t *halfword(uint32_t address)
{
    return (volatile uint16_t *)(uintptr_t)address;
}

/* SP may be the very end of RAM.  In an image with its stack at the bottom it is near the
 * start. */
bool selfflash_sp_plausible(uint32_t sp)
{
    return sp % 4 == 0 && sp > RAM_START && sp <= RAM_START + RAM_SIZE;
}

bool selfflash_entry_plausible(uint32_t reset)
{
    return reset % 2 == 1               /* Thumb */
        && reset >= SLOT_START + sizeof(struct vectors)
        && reset < FLASH_START + LARGEST_KIB * KIB;
}

/* With FAULTMASK and BFHFNMIGN a load from nowhere is not a fault, but leaves a mark
 * (ARMv7-M B3.2.8, B1.5.14). */
static bool readable(uint32_t address)
{
    uint32_t old = SCB.CCR;
    faults_off();
    SCB.CCR = old | SCB_CCR_BFHFNMIGN;
    SCB.CFSR = SCB_CFSR_PRECISERR;      /* 1 clears */
    (void)*halfword(address);
    bool failed = SCB.CFSR & SCB_CFSR_PRECISERR;
    SCB.CFSR = SCB_CFSR_PRECISERR | SCB_CFSR_BFARVALID;
    SCB.CCR = old;
    faults_on();
    return !failed;
}

/* The size register is empty or wrong in some copies; what does not answer is not there. */
uint32_t selfflash_end(void)
{
    uint32_t kib = FLASH_SIZE;
    if (kib < USUAL_KIB)
        kib = USUAL_KIB;
    if (kib > LARGEST_KIB)
        kib = LARGEST_KIB;
    while (kib > SMALLEST_KIB && !readable(FLASH_START + kib * KIB - 2))
        kib /= 2;
    return FLASH_START + kib * KIB;
}

static bool in_slot(uint32_t address, uint32_t length)
{
    uint32_t end = selfflash_end();
    return address % 2 == 0 && address >= SLOT_START && address <= end
        && length <= end - address;
}

/* Not inline: two calls of it are smaller. */
__attribute__((noinline)) static void unlock(uint32_t how)
{
    FLASH.KEYR = KEY1;
    FLASH.KEYR = KEY2;
    FLASH.SR = FLASH_SR_ALL;            /* 1 clears */
    FLASH.CR = how;
}

static void lock(void)
{
    FLASH.CR = FLASH_CR_LOCK;
}

/* Waits for the end.  Failure is what it means when anything but protection is in the way;
 * not to come to an end at all is one too. */
static enum selfflash_error wait_for_end(enum selfflash_error failure)
{
    int turns = BUSY_TURNS;
    (void)FLASH.SR;                     /* BSY is not there yet (ES096 2.2.8) */
    while (FLASH.SR & FLASH_SR_BSY && turns > 0) {
        watchdog_feed();
        turns--;
    }
    uint32_t flags = FLASH.SR;
    FLASH.SR = FLASH_SR_ALL;
    if (flags & FLASH_SR_WRPRTERR)
        return SELFFLASH_PROTECTED;
    return flags & (FLASH_SR_BSY | FLASH_SR_PGERR) ? failure : SELFFLASH_OK;
}

/* --- erase ------------------------------------------------------------------------- */

static bool blank(uint32_t page)
{
    uint32_t end = page + FLASH_PAGE;
    while (page < end && *halfword(page) == 0xFFFF)
        page += 2;
    return page == end;
}

enum selfflash_error selfflash_erase(uint32_t page)
{
    if (!in_slot(page, FLASH_PAGE))
        return SELFFLASH_ADDRESS;
    unlock(FLASH_CR_PER);
    FLASH.AR = page;
    FLASH.CR = FLASH_CR_PER | FLASH_CR_STRT;
    enum selfflash_error error = wait_for_end(SELFFLASH_ERASE);
    lock();
    return error || blank(page) ? error : SELFFLASH_NOT_ERASED;
}

/* --- program ------------------------------------------------------------------------- */

/* With the controller unlocked and told to program. */
static enum selfflash_error program_halfword(uint32_t address, uint32_t value)
{
    *halfword(address) = (uint16_t)value;
    enum selfflash_error error = wait_for_end(SELFFLASH_PROGRAM);
    return error || *halfword(address) == value ? error : SELFFLASH_VERIFY;
}

enum selfflash_error selfflash_program(uint32_t address, const uint8_t *bytes,
                                       uint32_t length)
{
    enum selfflash_error error = SELFFLASH_OK;
    if (!in_slot(address, length))
        return SELFFLASH_ADDRESS;
    unlock(FLASH_CR_PG);
    for (uint32_t i = 0; i < length && !error; i += 2) {
        uint32_t high = i + 1 < length ? bytes[i + 1] : 0xFF;
        error = program_halfword(address + i, bytes[i] | high << 8);
    }
    lock();
    return error;
}

/* The one thing that may be programmed over anything (PM0075 2.3.3).  A chip that does not
 * agree keeps what it had; the caller erases next anyway. */
void selfflash_strike_out(uint32_t address, uint32_t length)
{
    static const uint8_t nothing[8];
    if (length <= sizeof nothing)
        selfflash_program(address, nothing, length);
}
