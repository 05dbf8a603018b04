/* test_flash.c - does a flash job end with the right bytes, or with the right error?
 *
 * target.c, flash_job.c, loader.c and both families on a fake adi.c, behind which sit the
 * registers of an STM32F103C8 (PM0075 3) and of a SAM D21 (DS40001882 13, 22), as strict
 * as the chips: locked until the keys came, one program operation per erase, page buffer,
 * busy.  What loader_code.s does in the chip's RAM is done here in C, by the same rules. */
#include "adi.h"
#include "clock.h"
#include "flash.h"
#include "loader.h"
#include "wire.h"
#include "target.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { STM_FLASH = 0x08000000, FPEC = 0x40022000, NVM = 0x41004000, DSU = 0x41002100 };
enum { SIZE = 0x10000, RAM = 0x20000000, RAM_SIZE = 4096 };
enum { F4 = 0x40023C00, F4_SIZE = 0x40000, F4_RAM_SIZE = 0x10000 };

static struct {
    bool samd, f4, connected, locked, security, write_protected, bad_cell, gone, bad_wire;
    bool stopped;                           /* its bus does not answer */
    bool asleep;                            /* without DBG_SLEEP its bus reads as 0 */
    bool boot0;                         /* something else than the flash at 0 */
    bool bad_erase, running, dead_ram, hangs, watched, will_not_run, will_not_halt;
    int starts, slot;
    uint32_t acr, cache_resets;             /* F4 */
    uint32_t optcr, optcr_keys, option_starts;
    int looks;                          /* at a chunk before it is done, 50 ms each */
    int looked;
    uint32_t page;
    uint32_t nvm_pages;                 /* if it has not SIZE */
    uint32_t protect_at;                /* flash from here on is write protected; 0: none */
    uint32_t registers[REG_CONTROL + 1];
    uint8_t ram[F4_RAM_SIZE];
    int lose;                           /* writes to flash until one goes missing */
    bool lose_ram;                      /* the next one to RAM goes missing */
    uint8_t flash[F4_SIZE];
    uint32_t cr, sr, ar;
    int keys, busy, erases, programs, attaches, detaches, scans;
    uint32_t cpuid, idcode;             /* 0: an STM32F103's */
    uint32_t rcc_apb2enr, dbgmcu_cr, dbgmcu_fz;
    uint32_t ctrlb, addr, osc8m;
    uint16_t status;
    uint8_t buffer[64], statusa;
    uint8_t options[16], user_row[256];
    int option_keys, option_erases;
    uint32_t regions;                   /* 1: unlocked */
    uint32_t ms;
    char said[400];
} chip;

uint32_t clock_ms(void) { return chip.ms++ / 4; }
void clock_wait_us(uint32_t us) { (void)us; }
void watchdog_feed(void) {}
bool wire_take(enum wire_owner who) { (void)who; return true; }
void wire_set_nrst(bool low) { (void)low; }
bool wire_nrst_is_low(void) { return false; }

void say(const char *format, ...)
{
    va_list list;
    size_t n = strlen(chip.said);
    va_start(list, format);
    vsnprintf(chip.said + n, sizeof chip.said - n, format, list);
    va_end(list);
}

/* --- the core: only that it was taken ------------------------------------------------ */

int cortexm_attach(void)
{
    chip.attaches++;
    return OK;
}
void cortexm_detach(enum leave how) { chip.detaches += how == LEAVE_ALONE; }
void cortexm_data_cache(bool on) { (void)on; }
void cortexm_memory_changed(void) { }
void adi_look_into_cache(bool look) { (void)look; }
int cortexm_halt_wait(uint32_t ms)
{
    (void)ms;
    chip.running = false;
    return chip.will_not_halt ? ERR_TIMEOUT : OK;
}
int cortexm_resume(void)
{
    if (chip.will_not_run)
        return ERR_TIMEOUT;
    chip.running = true;
    chip.starts++;
    chip.slot = 0;
    return OK;
}
int cortexm_read_registers(uint32_t *values)
{
    assert_false(chip.running);
    memcpy(values, chip.registers, sizeof chip.registers);
    return OK;
}
int cortexm_write_registers(const uint32_t *values)
{
    assert_false(chip.running);
    memcpy(chip.registers, values, sizeof chip.registers);
    return OK;
}
int cortexm_write_register(int number, const void *value)
{
    assert_false(chip.running);
    memcpy(&chip.registers[number], value, 4);
    return OK;
}
int cortexm_reset(bool halt) { (void)halt; return OK; }
int cortexm_before_reset(bool halt) { (void)halt; return OK; }
int cortexm_after_reset(bool halt) { (void)halt; return OK; }
int cortexm_look(void) { return chip.running ? ERR_RUNNING : OK; }
int cortexm_catch_reset(void) { return OK; }
const char *cortexm_name(uint32_t cpuid) { (void)cpuid; return "M"; }

/* --- the debug port ------------------------------------------------------------------ */

int adi_connect(uint32_t *id)
{
    (void)id;
    chip.scans++;
    chip.connected = !chip.gone;
    return chip.gone ? ERR_NO_ANSWER : OK;
}
void adi_disconnect(void) { chip.connected = false; }
bool adi_connected(void) { return chip.connected; }
int adi_ap_idr(uint8_t ap, uint32_t *idr) { *idr = ap ? 0 : 0x14770011; return OK; }
int adi_select_ap(uint8_t ap) { (void)ap; return OK; }
int adi_ap_read(uint8_t ap, uint8_t at, uint32_t *v) { (void)ap, (void)at, (void)v; return ERR_FAULT; }
int adi_ap_write(uint8_t ap, uint8_t at, uint32_t v) { (void)ap, (void)at, (void)v; return ERR_FAULT; }

/* --- STM32 -------------------------------------------------------------------------- */

static bool busy(void)
{
    return chip.busy > 0 && chip.busy--;
}

static bool is_f0(void) { return (chip.cpuid >> 16 & 0xF) == 0xC; }         /* and G0, C0 */
static bool is_wb(void) { return (chip.idcode & 0xFFF) == 0x495; }

/* Which of RCC's bits clocks the DBGMCU of an F0; of a G0. */
static uint32_t debug_clock(void)
{
    return (chip.cpuid >> 4 & 0xFFF) == 0xC20 ? 1u << 22 : 1u << 27;
}

static uint32_t *debug_word(uint32_t address)
{
    uint32_t offset = address - (is_f0() ? 0x40015800 : 0xE0042000);
    return offset == 4 ? &chip.dbgmcu_cr : offset == (is_wb() ? 0x3C : 8) ? &chip.dbgmcu_fz : NULL;
}

static int stm_write(uint32_t address, uint32_t value, int width)
{
    switch (address - FPEC) {
    case 0x04:
        if (chip.cr & 0x80 && value == (chip.keys ? 0xCDEF89AB : 0x45670123))
            chip.cr &= chip.keys++ ? ~0x80u : ~0u;
        else
            fail_msg("wrong key %08x: locked until reset", value);
        return OK;
    case 0x08:
        assert_false(chip.cr & 0x80);
        assert_int_equal(value, chip.option_keys++ % 2 ? 0xCDEF89AB : 0x45670123);
        return OK;
    case 0x0C: chip.sr &= ~value; return OK;
    case 0x10:
        if (chip.cr & 0x80)
            return OK;
        chip.cr = value;
        if (value & 0x30)
            assert_true(chip.option_keys && value & 0x200);
        chip.option_keys = value & 0x80 ? 0 : chip.option_keys;
        if (value == 0x260) {                           /* OPTER, STRT */
            chip.busy = 3;
            chip.option_erases++;
            memset(chip.options, 0xFF, 16);
            return OK;
        }
        chip.keys = value & 0x80 ? 0 : chip.keys;
        if (value & 0x40) {
            assert_int_equal(chip.busy, 0);
            chip.busy = value & 4 ? 30 : 3;
            chip.erases++;
            if (chip.write_protected ||
                (chip.protect_at && chip.ar - STM_FLASH >= chip.protect_at))
                chip.sr |= 1 << 4;
            else if (value & 4)
                memset(chip.flash, 0xFF, SIZE);
            else
                memset(chip.flash + (chip.ar - STM_FLASH), 0xFF,
                       chip.bad_erase ? 999 : chip.page);
        }
        return OK;
    case 0x14: chip.ar = value; return OK;
    }
    if (address - STM_FLASH < SIZE) {
        assert_int_equal(width, 2);
        uint8_t *at = chip.flash + (address - STM_FLASH);
        assert_true(chip.cr & 1);
        if (at[0] != 0xFF || at[1] != 0xFF) {
            chip.sr |= 1 << 2;
            return OK;
        }
        chip.programs++;
        at[0] = (uint8_t)value;
        at[1] = (uint8_t)(value >> 8);
        if (chip.bad_cell && address == STM_FLASH + 0x210)
            at[0] ^= 0x10;
        return OK;
    }
    if (address - 0x1FFFF800 < 16) {
        uint8_t *at = chip.options + (address - 0x1FFFF800);
        assert_int_equal(width, 2);
        assert_int_equal(chip.cr, 0x210);
        assert_int_equal(at[0] & at[1], 0xFF);
        at[0] = (uint8_t)value;
        at[1] = (uint8_t)~value;
        return OK;
    }
    if (address == (debug_clock() == 1u << 22 ? 0x40021018 : 0x4002103C))
        return chip.rcc_apb2enr = value, OK;
    uint32_t *word = debug_word(address);
    if (word && (chip.rcc_apb2enr & debug_clock() || !is_f0()))
        *word = value;
    return word ? OK : ERR_FAULT;
}

static int stm_read(uint32_t address, uint32_t *value)
{
    uint32_t *word = debug_word(address);

    if (word)
        return *value = chip.rcc_apb2enr & debug_clock() || !is_f0() ? *word : 0, OK;
    if (address == (is_f0() ? 0x40015800 : 0xE0042000))
        return *value = chip.idcode ? chip.idcode : chip.page == 2048 ? 0x414 : 0x20036410, OK;
    switch (address) {
    case 0xE000ED00: *value = chip.cpuid ? chip.cpuid : 0x411FC231; return OK;
    case 0x40021018: case 0x4002103C: *value = chip.rcc_apb2enr; return OK;
    case 0x1FFFF7E0: case 0x1FFFF7CC:
        *value = chip.asleep && !(chip.dbgmcu_cr & 1) ? 0 : 64;
        return OK;
    case 0x1FFFF7E8: case 0x1FFFF7EC: case 0x1FFFF7F0: *value = address; return OK;
    case FPEC: *value = 0x12; return OK;            /* ACR: no cache */
    case FPEC + 0x0C: *value = chip.sr | busy(); return OK;
    case FPEC + 0x10: *value = chip.cr; return OK;
    case FPEC + 0x1C: *value = chip.locked ? 2 : 0; return OK;
    }
    return ERR_FAULT;
}

/* --- STM32F405: four sectors of 16 KB, one of 64, one of 128 (RM0090 3) -------------------- */

static uint32_t f4_sector(uint32_t number, uint32_t *size)
{
    *size = number < 4 ? 0x4000 : number == 4 ? 0x10000 : 0x20000;
    return number < 4 ? number * 0x4000 : number == 4 ? 0x10000 : 0x20000;
}

static int f4_write(uint32_t address, uint32_t value, int width)
{
    uint32_t size, at;
    switch (address - F4) {
    case 0x04:
        assert_true(chip.cr >> 31 && value == (chip.keys ? 0xCDEF89AB : 0x45670123));
        chip.cr &= chip.keys++ ? 0x7FFFFFFF : 0xFFFFFFFF;
        return OK;
    case 0x00:
        if (~chip.acr & (value & 3 << 11) >> 2)
            chip.cache_resets |= value & 3 << 11;       /* of what is off only */
        chip.acr = value;
        return OK;
    case 0x08:
        assert_int_equal(value, chip.optcr_keys ? 0x4C5D6E7F : 0x08192A3B);
        if (chip.optcr_keys++)
            chip.optcr &= ~1u;
        return OK;
    case 0x14:
        assert_false(chip.optcr & 1 && value != chip.optcr);    /* it is locked */
        chip.option_starts += value >> 1 & 1;
        chip.optcr_keys = value & 1 ? 0 : chip.optcr_keys;
        chip.optcr = value & ~2u;
        return OK;
    case 0x0C: chip.sr &= ~value; return OK;
    case 0x10:
        if (chip.cr >> 31)
            return OK;
        chip.cr = value;
        chip.keys = value >> 31 ? 0 : chip.keys;
        if (!(value & 1 << 16))
            return OK;
        assert_int_equal(chip.busy, 0);
        chip.busy = 3;
        chip.erases++;
        at = f4_sector(value >> 3 & 0x1F, &size);
        assert_int_equal(value & 0x7, 2);
        assert_int_equal(1 << (value >> 8 & 3), target_options.psize);
        assert_true(at < F4_SIZE);
        if (chip.write_protected)
            chip.sr |= 1 << 4;
        else
            memset(chip.flash + at, 0xFF, size);
        return OK;
    }
    if (address - STM_FLASH < F4_SIZE) {
        assert_int_equal(width, target_options.psize);
        assert_int_equal(chip.cr & 3, 1);
        assert_int_equal(1 << (chip.cr >> 8 & 3), width);
        assert_false(chip.acr & 3 << 9);
        for (int i = 0; i < width; i++)
            chip.flash[address - STM_FLASH + (uint32_t)i] &= (uint8_t)(value >> 8 * i);
        chip.programs++;
        return OK;
    }
    return address == 0xE0042004 || address == 0xE0042008 ? OK : ERR_FAULT;
}

static int f4_read(uint32_t address, uint32_t *value)
{
    switch (address) {
    case 0xE000ED00: *value = 0x410FC241; return OK;
    case 0xE0042000: *value = 0x10076413; return OK;
    case 0xE0042004: case 0xE0042008: *value = 0; return OK;
    case 0x1FFF7A20: *value = F4_SIZE / 1024 << 16 | 0x1234; return OK;
    case F4 + 0x0C: *value = chip.sr | (uint32_t)busy() << 16; return OK;
    case F4 + 0x10: *value = chip.cr; return OK;
    case F4 + 0x00: *value = chip.acr; return OK;
    case F4 + 0x14: *value = chip.optcr; return OK;
    }
    return ERR_FAULT;
}

/* --- SAM D21 ------------------------------------------------------------------------ */

static int samd_command(uint32_t value)
{
    uint32_t at = chip.addr * 2;
    assert_int_equal(value >> 8, 0xA5);
    assert_int_equal(chip.busy, 0);
    chip.busy = 2;
    if ((chip.write_protected || (chip.protect_at && at >= chip.protect_at)) &&
        ((value & 0xFF) == 2 || (value & 0xFF) == 4)) {
        chip.status |= 1 << 3;
        return OK;
    }
    switch (value & 0xFF) {
    case 0x02:
        chip.erases++;
        memset(chip.flash + (at & ~255u), 0xFF, chip.bad_erase ? 199 : 256);
        break;
    case 0x04:
        chip.programs++;
        for (int i = 0; i < 64; i++)
            chip.flash[(at & ~63u) + (uint32_t)i] &= chip.buffer[i];
        __attribute__((fallthrough));           /* the buffer is cleared after it */
    case 0x44:
        memset(chip.buffer, 0xFF, 64);
        break;
    case 0x05:
        assert_int_equal(at & ~255u, 0x804000);
        chip.option_erases++;
        memset(chip.user_row, 0xFF, 256);
        break;
    case 0x06:
        assert_int_equal(at & ~255u, 0x804000);
        for (int i = 0; i < 64; i++)
            chip.user_row[(at & 192) + (uint32_t)i] &= chip.buffer[i];
        memset(chip.buffer, 0xFF, 64);
        break;
    case 0x40: chip.regions &= ~(1u << at / (SIZE / 16)); break;
    case 0x41: chip.regions |= 1u << at / (SIZE / 16); break;
    }
    return OK;
}

static int samd_write(uint32_t address, uint32_t value, int width)
{
    if (chip.security && (address < DSU || address >= DSU + 0x100))
        return ERR_FAULT;
    if (address == DSU && value & 0x10) {
        memset(chip.flash, 0xFF, SIZE);
        chip.busy = 5;
        chip.security = false;
        return OK;
    }
    switch (address) {
    case NVM: return samd_command(value);
    case NVM + 4: chip.ctrlb = value; return OK;
    case 0x40000820: chip.osc8m = value; return OK;
    case NVM + 0x18: chip.status &= (uint16_t)~value; return OK;
    case NVM + 0x1C: chip.addr = value; return OK;
    case DSU: chip.statusa &= (uint8_t)~(value >> 8); return OK;
    }
    if (address < SIZE || address - 0x804000 < 256) {
        assert_int_equal(width, 4);
        assert_true(chip.ctrlb & 0x80);
        memcpy(chip.buffer + address % 64, &value, 4);
        chip.addr = address / 2;
        return OK;
    }
    return ERR_FAULT;
}

static int samd_read(uint32_t address, uint32_t *value)
{
    if (chip.security && (address < DSU || address >= DSU + 0x100))
        return ERR_FAULT;
    switch (address) {
    case 0xE000ED00: *value = 0x410CC601; return OK;
    case DSU: *value = (busy() ? 0 : 1) << 8 | (uint32_t)chip.security << 16; return OK;
    case DSU + 0x18: *value = 0x10010305; return OK;
    case NVM + 0x04: *value = chip.ctrlb; return OK;
    case 0x40000820: *value = chip.osc8m; return OK;
    case 0x40001000: *value = chip.watched ? 2 : 0; return OK;
    case NVM + 0x08:
        *value = 3 << 16 | (chip.nvm_pages ? chip.nvm_pages : SIZE / 64);
        return OK;
    case NVM + 0x14: *value = !busy(); return OK;
    case NVM + 0x18: *value = chip.status; return OK;
    case NVM + 0x1C: *value = chip.addr; return OK;
    case NVM + 0x20: *value = chip.regions; return OK;
    case 0x80A00C: case 0x80A040: case 0x80A044: case 0x80A048: *value = address; return OK;
    }
    return ERR_FAULT;
}

static uint32_t flash_base(void) { return chip.samd ? 0 : STM_FLASH; }
static uint32_t controller_base(void) { return chip.samd ? NVM : chip.f4 ? F4 : FPEC; }
static uint32_t flash_size(void) { return chip.f4 ? F4_SIZE : SIZE; }
static uint32_t ram_size(void) { return chip.f4 ? F4_RAM_SIZE : RAM_SIZE; }

/* --- access ------------------------------------------------------------------------- */

static int put(uint32_t address, uint32_t value, int width)
{
    return chip.samd ? samd_write(address, value, width)
         : chip.f4 ? f4_write(address, value, width) : stm_write(address, value, width);
}

static int get(uint32_t address, uint32_t *value)
{
    if (chip.stopped)
        return ERR_WAIT;
    return chip.samd ? samd_read(address, value)
         : chip.f4 ? f4_read(address, value) : stm_read(address, value);
}

static void core(void);

int adi_read(uint32_t address, void *bytes, uint32_t length)
{
    uint32_t base = chip.samd ? 0 : STM_FLASH;
    if (address - RAM < ram_size()) {
        for (uint32_t i = 0; i < length; i++) {
            memcpy((uint8_t *)bytes + i, chip.ram + (address - RAM) + i, 1);
            if (i % 4 == 3)                     /* the core does not wait for us */
                core();
        }
        return OK;
    }
    uint32_t options = chip.samd ? 0x804000 : 0x1FFFF800, size = chip.samd ? 256 : 16;
    if (address >= options && address < options + size) {
        memcpy(bytes, (chip.samd ? chip.user_row : chip.options) + (address - options), length);
        return OK;
    }
    if (length <= 4 && address - base >= flash_size() && address >= flash_size()) {
        uint32_t value;
        int error = get(address, &value);
        memcpy(bytes, &value, length);
        return error;
    }
    if (!chip.samd && address < flash_size() && !chip.boot0)
        address += base;
    else if (!chip.samd && address < flash_size())
        return memset(bytes, 0x77, length), OK;
    if (chip.security || address - base >= flash_size())
        return ERR_FAULT;
    assert_int_equal(chip.busy, 0);             /* or the chip would be stalled */
    memcpy(bytes, chip.flash + (address - base), length);
    return OK;
}

bool adi_wire_is_bad(void) { return chip.bad_wire; }

bool adi_holds(uint32_t address, const uint8_t *bytes, uint32_t length)
{
    static uint8_t seen[F4_SIZE];
    assert_true(length <= sizeof seen);
    if (adi_read(address, seen, length))
        return false;
    for (uint32_t i = 0; i < length; i++)
        if (seen[i] != (bytes ? bytes[i] : 0xFF))
            return false;
    return true;
}

static bool goes_missing(uint32_t address)
{
    bool flash = address - flash_base() < flash_size() || address - 0x804000 < 256 ||
                 address - 0x1FFFF800 < 16;
    return flash && chip.lose && --chip.lose == 0;
}

static int write_items(uint32_t address, const void *bytes, uint32_t length, int width)
{
    int error = OK;
    for (uint32_t i = 0; i < length && !error; i += (uint32_t)width) {
        uint32_t value = 0;
        memcpy(&value, (const uint8_t *)bytes + i, (size_t)width);
        if (!goes_missing(address + i))
            error = put(address + i, value, width);
    }
    return error;
}

int adi_write_items(uint32_t a, const void *b, uint32_t n, unsigned size)
{
    return write_items(a, b, n, (int)size);
}
int adi_write(uint32_t a, const void *b, uint32_t n)
{
    if (a - RAM >= ram_size())
        return write_items(a, b, n, 1);
    if (!chip.dead_ram && !chip.lose_ram)
        memcpy(chip.ram + (a - RAM), b, n);
    chip.lose_ram = false;
    return OK;
}
int adi_read32(uint32_t address, uint32_t *value)
{
    return address - RAM < ram_size() ? adi_read(address, value, 4) : get(address, value);
}
int adi_write32(uint32_t address, uint32_t value)
{
    return address - RAM < ram_size() ? adi_write(address, &value, 4) : put(address, value, 4);
}
int adi_write16(uint32_t address, uint16_t value) { return put(address, value, 2); }
int adi_write8(uint32_t address, uint8_t value) { return put(address, value, 1); }
int adi_read16(uint32_t address, uint16_t *value)
{
    uint32_t word = 0;
    int error = get(address, &word);
    *value = (uint16_t)word;
    return error;
}
int adi_read8(uint32_t address, uint8_t *value)
{
    uint32_t word = 0;
    int error = get(address, &word);
    *value = (uint8_t)word;
    return error;
}

/* --- the target's core, with loader_code.s in it ----------------------------------------- */

enum { NEXT, CONTROLLER, PIECE, NUMBER, FIRST, TO, WHOLE, SUM, GO, HEADER };
enum { MAKE = 1, LOOK, PROGRAM };       /* in GO */
enum { STEPS = LOADER_CODE, SLOTS = STEPS + LOADER_STEPS * 4, SLOT = HEADER * 4 + 256 };
enum { FEED_AT, FEED, ADDRESS_SHIFT, WIDTH, BURST, PROGRAM_AT, SETTINGS };
const uint8_t loader_code[LOADER_CODE] = "the loader";

static uint32_t sum_of(const uint8_t *bytes, uint32_t length)
{
    uint32_t sum = 0x9E3779B1, word;
    for (; length; length -= 4, bytes += 4) {
        memcpy(&word, bytes, 4);
        sum = (sum ^ word) * 0x9E3779B1;
        sum = sum >> 15 | sum << 17;
    }
    return sum;
}

static void wait_for(uint32_t at, uint32_t bits, bool set)
{
    uint32_t value;
    do
        get(at, &value);
    while (!!(value & bits) != set);
}

/* The steps as they lie in the chip's RAM. */
static void core_follows(uint32_t from, const uint32_t *slot, uint32_t address,
                         const uint8_t *data)
{
    uint32_t settings[SETTINGS];
    memcpy(settings, chip.ram + LOADER_CODE - sizeof settings, sizeof settings);
    for (const uint8_t *step = chip.ram + STEPS + from; step[0] != END; step += 4) {
        uint32_t at = slot[CONTROLLER] + step[1] * 4u, value = step[2] | (uint32_t)step[3] << 8;
        uint32_t before = 0;
        if (step[0] & HIGH)
            value <<= 16;
        switch (step[0] & ~HIGH) {
        case PUT: put(at, value, 4); break;
        case PUT_ADDRESS: put(at, address >> settings[ADDRESS_SHIFT], 4); break;
        case PUT_NUMBER: put(at, value | slot[NUMBER], 4); break;
        case SET: get(at, &before); put(at, before | value, 4); break;
        case WAIT_CLEAR: wait_for(at, value, false); break;
        case WAIT_SET: wait_for(at, value, true); break;
        case STORE:
            write_items(address, data, settings[BURST], (int)settings[WIDTH]);
            break;
        default: fail_msg("step %d is not for the loader", step[0]);
        }
    }
}

static void core_programs(const uint32_t *slot, const uint8_t *data)
{
    uint32_t settings[SETTINGS];
    memcpy(settings, chip.ram + LOADER_CODE - sizeof settings, sizeof settings);
    for (uint32_t at = 0; at < 256; at += settings[BURST])
        core_follows(settings[PROGRAM_AT], slot, slot[TO] + at, data + at);
}

static uint32_t not_blank_at(const uint8_t *bytes, uint32_t length)
{
    uint32_t i = 0;
    while (i < length && bytes[i] == 0xFF)
        i++;
    return length - (i & ~3u);
}

static void core(void)
{
    static bool different;
    uint8_t *at = chip.ram + SLOTS + chip.slot * SLOT;
    uint32_t slot[HEADER];

    memcpy(slot, at, sizeof slot);
    if (!chip.running || !slot[GO] || chip.hangs)
        return;
    if (chip.looked++ < chip.looks) {
        chip.ms += 4 * 50;
        return;
    }
    chip.looked = 0;
    assert_memory_equal(chip.ram, loader_code, LOADER_CODE - SETTINGS * 4);
    assert_int_equal(chip.registers[REG_PC], RAM);
    assert_int_equal(chip.registers[REG_PRIMASK], 1);
    assert_int_equal(chip.registers[REG_XPSR],          /* Thumb, in the same exception */
                     1 << 24 | ((1000 + REG_XPSR) & 0x1FF));
    uint8_t *piece = chip.flash + (slot[PIECE] - flash_base());
    if (slot[FIRST] && slot[GO] == MAKE)
        different = sum_of(piece, slot[FIRST]) != slot[SUM];
    different |= slot[GO] == PROGRAM;
    uint32_t left = not_blank_at(piece, slot[FIRST]);
    if (slot[GO] == LOOK) {
        slot[SUM] = left;
    } else {
        assert_int_equal(slot[CONTROLLER], controller_base());
        if (different && left)
            core_follows(0, slot, slot[PIECE], 0);
        if (different)
            core_programs(slot, at + HEADER * 4);
        slot[SUM] = sum_of(piece, slot[WHOLE]);
    }
    slot[GO] = 0;
    memcpy(at, slot, sizeof slot);
    chip.slot ^= 1;
    assert_int_equal(slot[NEXT], RAM + SLOTS + chip.slot * SLOT);
}

/* --- helpers ------------------------------------------------------------------------ */

static int power_on(bool samd)
{
    target_lost();
    memset(&chip, 0, sizeof chip);
    memset(chip.flash, 0xFF, sizeof chip.flash);
    chip.samd = samd;
    chip.page = samd ? 256 : 1024;
    chip.cr = 0x80;
    chip.osc8m = 0x87070382;
    for (int i = 0; i < 16; i++)
        chip.options[i] = i % 2 ? 0x00 : 0xFF;
    chip.options[0] = 0xA5;
    chip.options[1] = 0x5A;
    chip.options[4] = 0x12;                     /* DATA0: the user's */
    chip.options[5] = 0xED;
    memcpy(chip.user_row, (uint32_t[2]){ 0xD8E0C7FF, 0xFFFFFC5D }, 8);
    for (int i = 8; i < 256; i++)
        chip.user_row[i] = (uint8_t)(i * 3);
    chip.regions = 0xFFFF;
    for (int i = 0; i < F4_RAM_SIZE; i++)
        chip.ram[i] = (uint8_t)(i * 5);
    for (uint32_t i = 0; i <= REG_CONTROL; i++)
        chip.registers[i] = 1000 + i;
    target_options.flash_skip = true;
    target_options.psize = 4;
    return 0;
}

static int stm32(void **state) { (void)state; return power_on(false); }
static int samd(void **state) { (void)state; return power_on(true); }
static int f4(void **state)
{
    (void)state;
    power_on(false);
    chip.f4 = true;
    chip.cr = 0x80000000;
    chip.optcr = 0x0FFFAAED;
    assert_int_equal(target_attach(0), OK);
    ((struct chip *)target_chip())->ram_size = F4_RAM_SIZE;     /* half of what it has */
    return 0;
}

/* A page fills all the room that flash_job.c has for pages. */
static int dense(void **state)
{
    stm32(state);
    chip.page = 2048;
    return 0;
}

static uint32_t base(void) { return flash_base(); }

static const struct controller *controller(void) { return target_flash(base())->controller; }

/* Whole pages: all those that have a byte of it. */
static void erase(uint32_t offset, uint32_t length)
{
    uint32_t page = chip.page, end = (offset + length + page - 1) & ~(page - 1);
    assert_int_equal(flash_erase(base() + offset, end - offset), OK);
}

static void assert_as_before_the_job(void)
{
    assert_false(chip.running);
    for (int i = 0; i < RAM_SIZE; i++)
        assert_int_equal(chip.ram[i], (uint8_t)(i * 5));
    for (uint32_t i = 0; i <= REG_CONTROL; i++)
        assert_int_equal(chip.registers[i], 1000 + i);
}

static void load_and_compare(uint32_t chunk)
{
    static uint8_t image[5000];
    uint32_t from = chip.page > 0x400 ? chip.page : 0x400;
    for (uint32_t i = 0; i < sizeof image; i++)
        image[i] = (uint8_t)(i * 7 + (i >> 8) + chunk);
    memset(chip.flash, 0x5A, 0x3000);
    assert_int_equal(flash_begin(), OK);
    erase(from, sizeof image);
    for (uint32_t at = 0, n; at < sizeof image; at += n) {
        n = sizeof image - at < chunk ? (uint32_t)sizeof image - at : chunk;
        assert_int_equal(flash_write(base() + from + at, image + at, n), OK);
    }
    assert_int_equal(flash_end(OK), OK);
    assert_as_before_the_job();
    assert_memory_equal(chip.flash + from, image, sizeof image);
    assert_int_equal(chip.flash[from - 1], 0x5A);
    assert_int_equal(chip.flash[from + sizeof image], 0xFF);
}

/* --- tests -------------------------------------------------------------------------- */

/* Address is that of a piece's start: all up to the next is of this kind. */
static void assert_piece(uint32_t address, enum region_kind kind, uint32_t size, uint32_t page)
{
    struct region piece;

    target_piece(address, &piece);
    assert_int_equal(piece.kind, kind);
    assert_int_equal(piece.base, address);
    assert_int_equal(piece.size, size);
    assert_int_equal(piece.page, page);
    target_piece(address + 12, &piece);
    assert_int_equal(piece.base, address + 12);
    assert_int_equal(piece.size, size - 12);
}

static void an_stm32_is_recognized_with_its_memory_map(void **state)
{
    (void)state;
    assert_int_equal(target_scan(), OK);
    assert_int_equal(target_count(), 1);
    assert_string_equal(target_info(0)->name, "STM32F10x x8/xB");
    assert_int_equal(target_attach(0), OK);
    for (uint32_t alias = 0; alias <= STM_FLASH; alias += STM_FLASH) {
        assert_piece(alias, REGION_FLASH, SIZE, 1024);
        assert_piece(alias + SIZE, REGION_FLASH, STM_FLASH - SIZE, 1024);   /* other parts' */
    }
    assert_piece(0x10000000, REGION_RAM, 0x0FF00000, 0);        /* what has no region */
    assert_piece(0x1FF00000, REGION_ROM, 0x100000, 1024);
    assert_piece(0x20000000, REGION_RAM, 0xE0000000, 0);        /* RAM, peripherals */
}

static void a_sleeping_stm32_is_not_taken_for_a_larger_one(void **state)
{
    (void)state;
    chip.asleep = true;
    chip.dbgmcu_cr = 0x20;
    assert_int_equal(target_scan(), OK);
    assert_int_equal(target_info(0)->flash_size, 64 * 1024);
    assert_int_equal(chip.dbgmcu_cr, 0x20);
}

static void a_bus_that_does_not_answer_is_said_to_be_so(void **state)
{
    (void)state;
    chip.stopped = true;
    assert_int_equal(target_scan(), ERR_WAIT);
    chip.stopped = false;
    assert_int_equal(target_scan(), OK);
}

static void a_samd21_is_recognized_by_name(void **state)
{
    (void)state;
    assert_int_equal(target_attach(0), OK);     /* scans by itself */
    assert_string_equal(target_info(0)->name, "ATSAMD21G18A");
    assert_int_equal(chip.scans, 1);
}

static void nothing_there_is_said_at_once(void **state)
{
    (void)state;
    chip.gone = true;
    assert_int_equal(target_attach(0), ERR_NO_ANSWER);
    assert_int_equal(flash_begin(), ERR_NO_TARGET);
    assert_int_equal(target_count(), 0);
}

static void loads_in_any_chunks_are_complete(void **state)
{
    static const uint32_t chunks[] = { 5000, 1024, 1000, 256, 64, 37, 3 };
    (void)state;
    assert_int_equal(target_attach(0), OK);
    for (unsigned i = 0; i < sizeof chunks / sizeof *chunks; i++)
        load_and_compare(chunks[i]);
}

static void erased_pages_are_left_alone(void **state)
{
    (void)state;
    assert_int_equal(target_attach(0), OK);
    chip.flash[0x1234] = 0;
    assert_int_equal(flash_begin(), OK);
    erase(0, 0x4000);
    assert_int_equal(chip.erases, 0);           /* only noted */
    assert_int_equal(flash_end(OK), OK);
    assert_int_equal(chip.erases, 1);
    assert_int_equal(chip.flash[0x1234], 0xFF);
}

static void a_gap_between_pieces_is_not_written(void **state)
{
    (void)state;
    assert_int_equal(target_attach(0), OK);
    assert_int_equal(flash_begin(), OK);
    assert_int_equal(flash_write(base() + 0x10, (const uint8_t *)"abcd", 4), OK);
    assert_int_equal(flash_write(base() + 0x80, (const uint8_t *)"efg", 3), OK);
    assert_int_equal(flash_end(OK), OK);
    assert_memory_equal(chip.flash + 0x10, "abcd\xFF", 5);
    assert_memory_equal(chip.flash + 0x80, "efg\xFF", 4);
    assert_true(chip.programs <= 4);
}

static void writing_over_data_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(target_attach(0), OK);
    memset(chip.flash, 0, 64);
    assert_int_equal(flash_begin(), OK);
    assert_int_equal(flash_write(base(), (const uint8_t *)"abcd", 4), OK);
    assert_true(flash_end(OK) != OK);
}

static void a_bad_cell_is_found_by_reading_back(void **state)
{
    static const uint8_t image[2048];
    (void)state;
    assert_int_equal(target_attach(0), OK);
    chip.bad_cell = true;
    assert_int_equal(flash_begin(), OK);
    erase(0, sizeof image);
    int error = flash_write(base(), image, sizeof image);
    assert_int_equal(flash_end(error), ERR_VERIFY);
    assert_as_before_the_job();
}

static void what_does_not_get_erased_is_found_by_reading_back(void **state)
{
    (void)state;
    assert_int_equal(target_attach(0), OK);
    chip.bad_erase = true;
    memset(chip.flash, 0, SIZE);
    assert_int_equal(flash_begin(), OK);
    erase(0, 1024);
    assert_int_equal(flash_end(OK), ERR_ERASE);
    assert_int_equal(chip.erases, 4);           /* it was tried */
}

static void what_is_erased_again_is_empty_again(void **state)
{
    (void)state;
    assert_int_equal(target_attach(0), OK);
    assert_int_equal(flash_begin(), OK);
    erase(0, 1024);
    assert_int_equal(flash_write(base(), (const uint8_t *)"abcd", 4), OK);
    erase(0, 1024);
    assert_int_equal(flash_write(base() + 8, (const uint8_t *)"efgh", 4), OK);
    assert_int_equal(flash_end(OK), OK);
    assert_memory_equal(chip.flash, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF" "efgh\xFF", 13);
}

/* A piece of a page that nobody asked to erase, while the loader is at work elsewhere. */
static void a_piece_in_the_middle_of_a_load_is_written_by_hand(void **state)
{
    static uint8_t image[4096];
    (void)state;
    assert_int_equal(target_attach(0), OK);
    for (uint32_t i = 0; i < sizeof image; i++)
        image[i] = (uint8_t)(i * 7 + (i >> 8));
    memset(chip.flash, 0x5A, sizeof image);
    assert_int_equal(flash_begin(), OK);
    erase(0, sizeof image);
    assert_int_equal(flash_write(base(), image, 2048), OK);
    assert_int_equal(flash_write(base() + 0x3004, (const uint8_t *)"abcd", 4), OK);
    assert_int_equal(flash_write(base() + 2048, image + 2048, 2048), OK);
    assert_int_equal(flash_end(OK), OK);
    assert_memory_equal(chip.flash, image, sizeof image);
    assert_memory_equal(chip.flash + 0x3000, "\xFF\xFF\xFF\xFF" "abcd\xFF", 9);
    assert_int_equal(chip.starts, 2);
    assert_as_before_the_job();
}

static void a_page_spoilt_on_the_wire_is_made_again(void **state)
{
    (void)state;
    assert_int_equal(target_attach(0), OK);
    for (int lost = 1; lost < 1200; lost += 97) {
        chip.lose = lost;
        load_and_compare(1000);
        assert_int_equal(chip.lose, 0);
    }
}

static void only_whole_pages_are_erased(void **state)
{
    uint32_t page = chip.page;
    (void)state;
    assert_int_equal(target_attach(0), OK);
    memset(chip.flash, 0, SIZE);
    assert_int_equal(flash_begin(), OK);
    assert_int_equal(flash_erase(base() + 1, page), ERR_ALIGNMENT);
    assert_int_equal(flash_erase(base(), page - 4), ERR_ALIGNMENT);
    assert_int_equal(flash_erase(base() + SIZE - page, 2 * page), ERR_FLASH_END);
    assert_int_equal(flash_erase(base(), ~page + 1), ERR_FLASH_END);
    assert_int_equal(flash_erase(base() + SIZE, page), ERR_FLASH_END);
    assert_int_equal(flash_end(OK), OK);
    assert_int_equal(chip.erases, 0);
}

static void write_protection_is_named(void **state)
{
    static const uint8_t image[8192];
    (void)state;
    assert_int_equal(target_attach(0), OK);
    chip.write_protected = true;
    chip.flash[0] = 0;
    assert_int_equal(flash_begin(), OK);
    erase(0, sizeof image);
    assert_int_equal(flash_end(OK), ERR_PROTECTED);
    assert_int_equal(flash_begin(), OK);
    erase(0, sizeof image);
    int error = flash_write(base(), image, sizeof image);
    assert_int_equal(flash_end(error), ERR_PROTECTED);
    assert_as_before_the_job();
}

/* Six pages are given at once; what comes after the bad one is not touched. */
static void an_error_in_the_third_page_is_told_and_ends_the_job(void **state)
{
    static const uint8_t image[6 * 1024];
    uint32_t page = chip.page;
    (void)state;
    assert_int_equal(target_attach(0), OK);
    memset(chip.flash, 0x5A, SIZE);
    chip.protect_at = 2 * page;
    assert_int_equal(flash_begin(), OK);
    erase(0, sizeof image);
    int error = flash_write(base(), image, 6 * page);
    if (!error)
        error = flash_write(base() + 6 * page, image, 4);
    assert_int_equal(flash_end(error), ERR_PROTECTED);
    assert_memory_equal(chip.flash, image, 2 * page);
    for (uint32_t i = 2 * page; i < SIZE; i++)
        assert_int_equal(chip.flash[i], 0x5A);
    assert_as_before_the_job();
}

/* The same data again cost nothing; a changed byte costs its page. */
static void pages_that_hold_their_data_are_left_alone(void **state)
{
    (void)state;
    assert_int_equal(target_attach(0), OK);
    uint8_t image[4096] = { 0 };
    for (int round = 0; round < 6; round++) {
        chip.erases = chip.programs = 0;
        chip.dead_ram = round == 2 || round == 5;       /* by hand as well */
        target_options.flash_skip = round < 4;
        if (round == 3)
            image[1500] = 1;
        assert_int_equal(flash_begin(), OK);
        erase(0, sizeof image);
        assert_int_equal(flash_write(base(), image, sizeof image), OK);
        assert_int_equal(flash_end(OK), OK);
        assert_memory_equal(chip.flash, image, sizeof image);
        int pages = chip.samd ? 16 : 4, expected[] = { 0, 0, 0, 1, pages, pages };
        assert_int_equal(chip.erases, expected[round]);
        assert_int_equal(chip.programs == 0, round == 1 || round == 2);
    }
}

static void without_a_loader_the_page_is_made_by_hand(void **state)
{
    (void)state;
    assert_int_equal(target_attach(0), OK);
    chip.dead_ram = true;
    load_and_compare(1000);
    assert_int_equal(chip.starts, 0);
    chip.dead_ram = false;
    chip.bad_wire = true;
    load_and_compare(1001);
    assert_int_equal(chip.starts, 0);
    chip.bad_wire = false;
    chip.hangs = true;                          /* a fault in the loader, say */
    load_and_compare(1002);
    assert_int_equal(chip.starts, 1);
}

/* The code does not arrive, or the core does not go: nobody may find a trace of that. */
static void a_start_that_fails_half_way_leaves_no_trace(void **state)
{
    (void)state;
    assert_int_equal(target_attach(0), OK);
    for (int where = 0; where < 2; where++) {
        chip.lose_ram = where == 0;
        chip.will_not_run = where == 1;
        assert_int_equal(loader_start(controller()), ERR_UNSUPPORTED);
        assert_false(chip.lose_ram);
        assert_null(loader.chip);
        assert_as_before_the_job();
    }
    load_and_compare(1000);
    assert_int_equal(chip.starts, 0);
}

static void a_loader_that_does_not_fit_is_not_begun(void **state)
{
    (void)state;
    assert_int_equal(target_attach(0), OK);
    struct chip *small = (struct chip *)target_chip();
    small->ram_size = SLOTS + 2 * SLOT;
    assert_int_equal(loader_start(controller()), OK);
    assert_int_equal(loader_stop(), OK);
    small->ram_size--;
    assert_int_equal(loader_start(controller()), ERR_UNSUPPORTED);
    assert_int_equal(chip.starts, 1);
    assert_as_before_the_job();
}

/* 300 ms each, of 500; and all together many seconds.  Old time limits do not count. */
static void each_chunk_has_its_own_time(void **state)
{
    uint32_t chunks = (5000 + chip.page - 1) / chip.page * (chip.page / LOADER_CHUNK);
    (void)state;
    assert_int_equal(target_attach(0), OK);
    chip.looks = 6;
    for (int round = 0; round < 2; round++) {
        load_and_compare(1000);
        assert_int_equal(loader.served, chunks);  /* none of them by hand */
        chip.ms += 4 * 10000;
    }
    assert_int_equal(chip.starts, 2);
    chip.looks = 12;                            /* 600 ms: that is not waited for */
    load_and_compare(1001);
    assert_int_equal(loader.served, 0);
}

/* There, each word is looked after: by hand. */
static void when_the_wire_goes_bad_the_loader_is_left(void **state)
{
    static uint8_t image[8192];
    (void)state;
    assert_int_equal(target_attach(0), OK);
    for (uint32_t i = 0; i < sizeof image; i++)
        image[i] = (uint8_t)(i * 7 + (i >> 8));
    memset(chip.flash, 0x5A, SIZE);
    assert_int_equal(flash_begin(), OK);
    erase(0, sizeof image);
    assert_int_equal(flash_write(base(), image, 4096), OK);
    assert_non_null(loader.chip);
    uint32_t put = loader.filled;
    chip.bad_wire = true;
    assert_int_equal(flash_write(base() + 4096, image + 4096, 4096), OK);
    assert_int_equal(loader.filled, put);
    assert_as_before_the_job();
    assert_int_equal(flash_end(OK), OK);
    assert_int_equal(chip.starts, 1);
    assert_memory_equal(chip.flash, image, sizeof image);
}

/* A bit a page is noted; the table of bits has an end. */
static void a_flash_of_more_pages_than_can_be_noted_is_refused(void **state)
{
    (void)state;
    chip.nvm_pages = 4 * 1024;
    assert_int_equal(target_attach(0), OK);
    assert_int_equal(flash_begin(), OK);
    assert_int_equal(flash_end(OK), OK);
    samd(state);
    chip.nvm_pages = 4 * 1025;
    assert_int_equal(target_attach(0), OK);
    assert_int_equal(flash_begin(), ERR_UNSUPPORTED);
    assert_int_equal(chip.ctrlb, 0);            /* and nothing begun */
}

static void a_core_under_a_watchdog_is_not_made_to_run(void **state)
{
    (void)state;
    assert_int_equal(target_attach(0), OK);
    chip.watched = true;
    load_and_compare(1000);
    assert_int_equal(chip.starts, 0);
}

static void a_settled_target_is_as_before_and_the_job_goes_on(void **state)
{
    static uint8_t image[5000];
    (void)state;
    assert_int_equal(target_attach(0), OK);
    memset(chip.flash, 0x5A, SIZE);
    for (uint32_t i = 0; i < sizeof image; i++)
        image[i] = (uint8_t)(i * 7 + (i >> 8));
    assert_int_equal(flash_begin(), OK);
    erase(0, sizeof image);
    for (uint32_t at = 0; at < sizeof image; at += 500) {
        assert_int_equal(flash_write(base() + at, image + at, 500), OK);
        flash_settle();
        assert_as_before_the_job();
    }
    assert_int_equal(flash_end(OK), OK);
    assert_memory_equal(chip.flash, image, sizeof image);
}

static void a_job_that_failed_elsewhere_leaves_the_rest_alone(void **state)
{
    static const uint8_t image[700];
    (void)state;
    assert_int_equal(target_attach(0), OK);
    memset(chip.flash, 0x5A, SIZE);
    assert_int_equal(flash_begin(), OK);
    erase(0, 0x4000);
    assert_int_equal(flash_write(base(), image, sizeof image), OK);
    assert_int_equal(flash_end(ERR_TIMEOUT), ERR_TIMEOUT);
    assert_int_equal(chip.flash[0x1000], 0x5A);
    assert_as_before_the_job();
    assert_int_equal(flash_end(OK), OK);        /* there is none any more */
}

static void addresses_outside_are_refused(void **state)
{
    uint8_t bytes[8] = { 0 };
    (void)state;
    assert_int_equal(target_attach(0), OK);
    assert_int_equal(flash_begin(), OK);
    assert_int_equal(flash_write(base() + SIZE - 4, bytes, 8), ERR_FLASH_END);
    assert_int_equal(flash_write(base() - 4, bytes, 8), ERR_FLASH_END);
    assert_int_equal(flash_end(OK), OK);
    assert_int_equal(chip.erases + chip.programs, 0);
}

static void an_image_linked_at_0_goes_to_the_flash_that_is_seen_there(void **state)
{
    uint8_t bytes[1500];
    (void)state;
    memset(bytes, 0x3C, sizeof bytes);
    assert_int_equal(target_attach(0), OK);
    memset(chip.flash, 0x5A, 0x1000);
    assert_int_equal(flash_begin(), OK);
    assert_int_equal(flash_erase(0x400, 0x800), OK);
    assert_int_equal(flash_write(0x400, bytes, sizeof bytes), OK);
    assert_int_equal(flash_end(OK), OK);
    assert_memory_equal(chip.flash + 0x400, bytes, sizeof bytes);
    assert_int_equal(chip.flash[0x3FF], 0x5A);
    assert_int_equal(chip.flash[0xC00], 0x5A);
    assert_int_equal(flash_begin(), OK);
    assert_int_equal(flash_erase(SIZE - 0x400, 0x800), ERR_FLASH_END);
    assert_int_equal(flash_end(OK), OK);
}

static void what_is_at_0_and_no_flash_is_not_taken_for_it(void **state)
{
    (void)state;
    chip.boot0 = true;
    assert_int_equal(target_attach(0), OK);
    assert_int_equal(flash_begin(), OK);
    assert_int_equal(flash_erase(0, 0x400), ERR_ALIAS);
    assert_int_equal(flash_erase(STM_FLASH, 0x400), OK);
    assert_int_equal(flash_end(ERR_LOST), ERR_LOST);
    assert_int_equal(chip.erases, 0);
}

static void flash_is_locked_again_after_a_job(void **state)
{
    (void)state;
    assert_int_equal(target_attach(0), OK);
    assert_int_equal(flash_begin(), OK);
    assert_int_equal(chip.cr & 0x80, 0);
    assert_int_equal(flash_end(OK), OK);
    assert_int_equal(chip.cr & 0x80, 0x80);
}

static void the_clock_is_raised_for_the_job_and_put_back(void **state)
{
    (void)state;
    assert_int_equal(target_attach(0), OK);
    assert_int_equal(flash_begin(), OK);
    assert_int_equal(chip.osc8m, 0x87070082);
    assert_int_equal(flash_end(OK), OK);
    assert_int_equal(chip.osc8m, 0x87070382);
}

static void mass_erase_is_polled_until_done(void **state)
{
    int error, polls = 0;
    (void)state;
    assert_int_equal(target_attach(0), OK);
    memset(chip.flash, 0, SIZE);
    assert_int_equal(flash_mass_erase(), OK);
    while ((error = flash_poll()) == ERR_BUSY)
        polls++;
    assert_int_equal(error, OK);
    assert_true(polls >= 2);
    assert_int_equal(chip.flash[SIZE - 1], 0xFF);
}

static void a_read_protected_stm32_says_locked(void **state)
{
    (void)state;
    chip.locked = true;
    assert_int_equal(target_attach(0), OK);
    assert_true(target_info(0)->locked);
    assert_int_equal(flash_begin(), ERR_LOCKED);
}

static void a_secured_samd_cannot_be_attached_but_erased(void **state)
{
    (void)state;
    chip.security = true;
    memset(chip.flash, 0x77, SIZE);
    assert_int_equal(target_attach(0), ERR_LOCKED);
    assert_true(target_info(0)->locked);
    assert_false(target_attached());
    assert_int_equal(flash_mass_erase(), OK);
    int error;
    while ((error = flash_poll()) == ERR_BUSY)
        ;
    assert_int_equal(error, OK);
    assert_non_null(strstr(chip.said, "open"));
    assert_int_equal(target_scan(), OK);
    assert_int_equal(target_attach(0), OK);
    assert_false(target_info(0)->locked);
}

/* --- option bytes ------------------------------------------------------------------- */

static void attach(void) { assert_int_equal(target_attach(0), OK); }

static void one_option_byte_changes_and_the_others_stay(void **state)
{
    struct option option;
    uint8_t before[16];
    (void)state;
    attach();
    memcpy(before, chip.options, 16);
    assert_int_equal(option_write(0x1FFFF808, 0xFE), OK);       /* pages 0 to 3 protected */
    before[8] = 0xFE, before[9] = 0x01;
    assert_memory_equal(chip.options, before, 16);
    assert_non_null(strstr(chip.said, "power on"));
    assert_int_equal(option_write(0x1FFFF806, 0xCC33), OK);     /* with its complement */
    assert_int_equal(chip.options[6], 0x33);
    assert_int_equal(chip.option_erases, 2);
    assert_int_equal(option_write(0x1FFFF806, 0x33), OK);       /* it is so already */
    assert_int_equal(chip.option_erases, 2);
    assert_int_equal(chip.cr, 0x80);                            /* locked again */
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(option_read(i, &option), OK);
        assert_int_equal(option.address, 0x1FFFF800 + 2 * i);
        assert_int_equal(option.value, chip.options[2 * i] | chip.options[2 * i + 1] << 8);
    }
    assert_int_equal(option_read(8, &option), OK);              /* OBR: what is in force */
    assert_int_equal(option.address, FPEC + 0x1C);
    assert_int_equal(option_read(9, &option), ERR_RANGE);
}

static void what_locks_for_ever_or_is_no_option_is_refused(void **state)
{
    static const struct { uint32_t address, value; int error; } rows[] = {
        { 0x1FFFF800, 0xCC, ERR_REFUSED }, { 0x1FFFF800, 0x33CC, ERR_REFUSED },
        { 0x1FFFF802, 0x1234, ERR_RANGE }, { 0x1FFFF802, 0x100FF, ERR_RANGE },
        { 0x1FFFF801, 0, ERR_RANGE }, { 0x1FFFF7FE, 0, ERR_RANGE },
        { 0x1FFFF810, 0, ERR_RANGE }, { 0, 0, ERR_RANGE }, { 0xFFFFFFFE, 0, ERR_RANGE },
    };
    (void)state;
    attach();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(option_write(rows[i].address, rows[i].value), rows[i].error);
    assert_int_equal(chip.option_erases, 0);
    assert_int_equal(option_write(0x1FFFF804, 0xCC), OK);       /* elsewhere it is a number */
}

static void erased_option_bytes_are_those_of_an_open_chip(void **state)
{
    static const uint8_t open[16] = { 0xA5, 0x5A, 0xFF, 0, 0xFF, 0, 0xFF, 0,
                                      0xFF, 0, 0xFF, 0, 0xFF, 0, 0xFF, 0 };
    (void)state;
    attach();
    assert_int_equal(option_erase(), OK);
    assert_memory_equal(chip.options, open, 16);
}

static void a_locked_chip_keeps_its_options(void **state)
{
    (void)state;
    chip.locked = true;
    attach();
    assert_int_equal(option_write(0x1FFFF800, 0xA5), ERR_LOCKED);   /* would erase the flash */
    assert_int_equal(option_erase(), ERR_LOCKED);
    assert_int_equal(flash_lock(false), ERR_LOCKED);
    assert_int_equal(chip.option_erases, 0);
}

static void options_spoilt_on_the_wire_are_made_again(void **state)
{
    (void)state;
    attach();
    chip.lose = 2;
    assert_int_equal(option_write(chip.samd ? 0x804000 : 0x1FFFF808,
                                  chip.samd ? 0xD8E0C7FE : 0xFE), OK);
    assert_int_equal(chip.option_erases, 2);
}

static void one_fuse_changes_and_the_rest_of_the_row_stays(void **state)
{
    struct option option;
    uint8_t before[256];
    (void)state;
    attach();
    memcpy(before, chip.user_row, 256);
    assert_int_equal(option_write(0x804000, 0xD8E0C7FA), OK);   /* BOOTPROT: 1 KB */
    before[0] = 0xFA;
    assert_memory_equal(chip.user_row, before, 256);
    assert_int_equal(option_write(0x804004, 0x00FFFC5D), OK);   /* half of the regions locked */
    before[7] = 0;
    assert_memory_equal(chip.user_row, before, 256);
    assert_int_equal(option_write(0x8040FC, 0x12345678), OK);   /* the user's own */
    memcpy(before + 252, (uint32_t[1]){ 0x12345678 }, 4);
    assert_memory_equal(chip.user_row, before, 256);
    assert_int_equal(chip.option_erases, 3);
    assert_int_equal(option_read(2, &option), OK);              /* LOCK */
    assert_int_equal(option.value, 0xFFFF);
    assert_int_equal(option_read(3, &option), ERR_RANGE);
}

static void bits_of_the_factory_stay(void **state)
{
    (void)state;
    attach();
    for (int bit = 0; bit < 64; bit++) {
        bool factorys = bit == 3 || bit == 7 || (bit >= 17 && bit <= 24) ||
                        (bit >= 41 && bit <= 47);
        uint32_t row[2] = { 0xD8E0C7FF, 0xFFFFFC5D }, old = row[bit / 32];
        memcpy(chip.user_row, row, 8);
        int error = option_write(0x804000 + (uint32_t)bit / 32 * 4, old ^ 1u << bit % 32);
        assert_int_equal(error, factorys ? ERR_REFUSED : OK);
    }
}

static void fuses_that_hold_the_chip_in_reset_are_refused(void **state)
{
    (void)state;
    attach();
    assert_int_equal(option_write(0x804000, 0xD8E0F1FF), ERR_REFUSED);  /* BOD33 level 49 */
    assert_int_equal(option_write(0x804000, 0xD8E0F0FF), OK);           /* 48 */
    assert_int_equal(option_write(0x804002, 0), ERR_RANGE);
    assert_int_equal(option_write(0x804100, 0), ERR_RANGE);
    assert_int_equal(option_erase(), ERR_UNSUPPORTED);
}

static void an_erased_user_row_takes_what_the_factory_wrote(void **state)
{
    (void)state;
    memset(chip.user_row, 0xFF, 256);
    attach();
    assert_int_equal(option_write(0x804000, 0xD8E0C7FF), OK);
    assert_int_equal(option_write(0x804004, 0xFFFFFC5D), OK);
    assert_int_equal(option_write(0x804000, 0xD8E2C7FF), ERR_REFUSED);
    assert_int_equal(chip.user_row[7], 0xFF);
}

static void a_core_that_runs_is_halted_first(void **state)
{
    (void)state;
    attach();
    chip.running = true;
    assert_int_equal(option_write(chip.samd ? 0x804000 : 0x1FFFF804, 0xD8E0C7FA & (chip.samd ? ~0u : 0xFF)),
                     ERR_RUNNING);
    assert_int_equal(flash_begin(), ERR_RUNNING);
    assert_int_equal(chip.option_erases + chip.erases, 0);
}

static void regions_are_locked_until_a_reset(void **state)
{
    (void)state;
    attach();
    assert_int_equal(flash_lock(true), OK);
    assert_int_equal(chip.regions, 0);
    assert_int_equal(flash_lock(false), OK);
    assert_int_equal(chip.regions, 0xFFFF);
}

static void the_chips_number_is_read_where_the_maker_put_it(void **state)
{
    static const uint32_t places[2][5] = { { 0x1FFFF7E8, 0x1FFFF7EC, 0x1FFFF7F0 },
                                           { 0x80A00C, 0x80A040, 0x80A044, 0x80A048 } };
    uint32_t word;
    (void)state;
    assert_int_equal(chip_number(0, &word), ERR_NO_TARGET);
    attach();
    for (unsigned i = 0; places[chip.samd][i] != 0; i++) {
        assert_int_equal(chip_number(i, &word), OK);
        assert_int_equal(word, places[chip.samd][i]);
    }
    assert_int_equal(chip_number(chip.samd ? 4 : 3, &word), ERR_RANGE);
}

/* --- DBGMCU ------------------------------------------------------------------------- */

static const struct debugged { uint32_t cpuid, idcode, cr, fz; } debugged[] = {
    { 0x410CC200, 0x20006440, 6, 0x1800 },      /* F0 */
    { 0x411FC231, 0x20036410, 0x307, 0 },       /* F1 */
    { 0x410FC241, 0x10036422, 7, 0x1800 },      /* F3 */
    { 0x410FC241, 0x10076413, 7, 0x1800 },      /* F4 */
    { 0x410FC241, 0x20016419, 7, 0x1800 },      /* F42x */
    { 0x411FC270, 0x10016449, 7, 0x1800 },      /* F7 */
    { 0x410FC241, 0x10076415, 7, 0x1800 },      /* L4 */
    { 0x410FC241, 0x10010470, 7, 0x1800 },      /* L4+ */
    { 0x410FC241, 0x20036469, 7, 0x1800 },      /* G4 */
    { 0x410FC241, 0x20010495, 7, 0x1800 },      /* WB: at 0x3C */
    { 0x410CC601, 0x20006460, 6, 0x1800 },      /* G0 */
    { 0x410CC601, 0x10010453, 6, 0x1800 },      /* C0 */
};
enum { DEBUGGED = sizeof debugged / sizeof *debugged };

static void be(const struct debugged *d, uint32_t cr, uint32_t fz)
{
    chip.cpuid = d->cpuid, chip.idcode = d->idcode;
    chip.dbgmcu_cr = cr, chip.dbgmcu_fz = fz, chip.rcc_apb2enr = 1;
    assert_int_equal(target_scan(), OK);
    assert_int_equal(target_attach(0), OK);
    assert_int_equal(chip.dbgmcu_cr, d->cr | cr);
    assert_int_equal(chip.dbgmcu_fz, d->fz | fz);
}

static void watchdogs_stand_still_while_it_is_attached_and_all_is_put_back(void **state)
{
    static const uint32_t found[][2] = {
        { 0, 0 }, { 2, 1 << 11 }, { 0x20, 1 }, { 0x322, 0x1C00 },
    };
    (void)state;
    for (int i = 0; i < DEBUGGED; i++)
        for (int k = 0; k < 4; k++) {
            be(&debugged[i], found[k][0], found[k][1]);
            target_detach();
            assert_int_equal(chip.dbgmcu_cr, found[k][0]);
            assert_int_equal(chip.dbgmcu_fz, found[k][1]);
            assert_int_equal(chip.rcc_apb2enr, 1);
        }
}

static void a_reset_does_not_make_the_probes_bits_the_programs(void **state)
{
    (void)state;
    for (int i = 0; i < DEBUGGED; i++) {
        be(&debugged[i], 0, 0);
        chip.rcc_apb2enr = 0;                   /* DBGMCU outlives it, its clock does not */
        assert_int_equal(target_reset(false, true), OK);
        assert_int_equal(chip.dbgmcu_cr, debugged[i].cr);
        chip.rcc_apb2enr = 4;                   /* the program has no use for it */
        target_detach();
        assert_int_equal(chip.dbgmcu_cr, 0);
        assert_int_equal(chip.dbgmcu_fz, 0);
        assert_int_equal(chip.rcc_apb2enr, 4);
    }
}

static void what_the_program_sets_in_dbgmcu_meanwhile_stays(void **state)
{
    (void)state;
    for (int i = 0; i < DEBUGGED; i++) {
        be(&debugged[i], 0, 0);
        chip.dbgmcu_cr |= 0x20, chip.dbgmcu_fz |= 1;
        target_detach();
        assert_int_equal(chip.dbgmcu_cr, 0x20);
        assert_int_equal(chip.dbgmcu_fz, 1);
    }
}

/* The wire was cut, and then the chip was off: its program has set a bit of those itself. */
static void after_a_loss_the_probes_bits_are_told_from_the_programs(void **state)
{
    (void)state;
    for (int i = 0; i < DEBUGGED; i++) {
        be(&debugged[i], 0x20, 0);
        target_lost();
        be(&debugged[i], chip.dbgmcu_cr, chip.dbgmcu_fz);
        target_detach();
        assert_int_equal(chip.dbgmcu_cr, 0x20);
        be(&debugged[i], 0, 0);
        target_lost();
        be(&debugged[i], 2, 0);
        target_detach();
        assert_int_equal(chip.dbgmcu_cr, 2);
        assert_int_equal(chip.dbgmcu_fz, 0);
    }
}

static void a_core_that_cannot_be_taken_is_let_go(void **state)
{
    (void)state;
    assert_int_equal(target_scan(), OK);
    chip.will_not_halt = true;
    assert_int_equal(target_attach(0), ERR_TIMEOUT);
    assert_int_equal(chip.attaches, 1);
    assert_int_equal(chip.detaches, 1);
    assert_false(target_attached());
}

/* --- large blocks: an STM32F405 ----------------------------------------------------------- */

static uint8_t big[0x20000];

static void f4_image(uint32_t seed)
{
    for (uint32_t i = 0; i < sizeof big; i++)
        big[i] = (uint8_t)(i * 7 + (i >> 8) + seed);
}

/* The blocks as gdb gives them, from the memory map. */
static void f4_erase(uint32_t offset, uint32_t length)
{
    for (uint32_t at = offset; at < offset + length; ) {
        uint32_t size, number = at < 0x10000 ? at / 0x4000 : at < 0x20000 ? 4 : 5;
        uint32_t block = f4_sector(number, &size);
        assert_int_equal(flash_erase(STM_FLASH + block, size), OK);
        at = block + size;
    }
}

static int f4_put(uint32_t offset, const uint8_t *bytes, uint32_t length)
{
    int error = OK;
    for (uint32_t at = 0, n; at < length && !error; at += n) {
        n = length - at < 1500 ? length - at : 1500;
        error = flash_write(STM_FLASH + offset + at, bytes + at, n);
    }
    return error;
}

static void f4_load(uint32_t offset, uint32_t length)
{
    chip.erases = chip.programs = 0;
    assert_int_equal(flash_begin(), OK);
    f4_erase(offset, length);
    assert_int_equal(f4_put(offset, big, length), OK);
    assert_int_equal(flash_end(OK), OK);
    assert_memory_equal(chip.flash + offset, big, length);
    assert_false(chip.running);
    for (int i = 0; i < SLOTS + 2 * SLOT; i++)          /* behind that is the shelf */
        assert_int_equal(chip.ram[i], (uint8_t)(i * 5));
}

static void assert_blank(uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++)
        assert_int_equal(chip.flash[i], 0xFF);
}

static void unequal_blocks_are_in_the_memory_map(void **state)
{
    const struct region *r;
    (void)state;
    assert_string_equal(target_info(0)->name, "STM32F405/F407");
    assert_true(target_regions(&r) >= 5);
    assert_int_equal(r[0].base, STM_FLASH);
    assert_int_equal(r[0].size, 0x10000);
    assert_int_equal(r[0].page, 0x4000);
    assert_int_equal(r[1].page, 0x10000);
    assert_int_equal(r[2].base, STM_FLASH + 0x20000);
    assert_int_equal(r[2].size, 0x20000);
    assert_int_equal(r[2].page, 0x20000);
    assert_int_equal(r[2].number, 5);
    for (uint32_t alias = 0; alias <= STM_FLASH; alias += STM_FLASH) {
        assert_piece(alias, REGION_FLASH, 0x10000, 0x4000);
        assert_piece(alias + 0x10000, REGION_FLASH, 0x10000, 0x10000);
        assert_piece(alias + 0x20000, REGION_FLASH, 0x20000, 0x20000);
    }
}

static void caches_are_off_for_a_job_and_empty_behind_it(void **state)
{
    static const uint32_t found[] = { 0x705, 0x205, 0x005 };
    (void)state;
    f4_image(3);
    for (int i = 0; i < 3; i++) {
        chip.acr = found[i];
        chip.cache_resets = 0;
        f4_load(0x10000 - 0x1000 * (uint32_t)i, 0x1000);
        assert_int_equal(chip.acr, found[i]);
        assert_int_equal(chip.cache_resets, (found[i] & 3 << 9) << 2);
    }
}

/* Each write on the way back from the shelf is lost once. */
static void what_stood_before_in_a_block_survives_a_bad_wire(void **state)
{
    (void)state;
    for (int lost = 1; lost < 0x2000 / 4; lost += 97) {
        f4_image(7);
        f4_load(0, 0x4000);
        big[0x2000] ^= 0xFF;
        chip.lose = lost;
        f4_load(0, 0x4000);
        assert_int_equal(chip.lose, 0);
        assert_in_range(chip.erases, 2, 3);
    }
}

static void an_f4_at_a_low_supply_takes_what_psize_says(void **state)
{
    (void)state;
    f4_image(4);
    for (int i = 0; i < 4; i++) {
        target_options.psize = i % 2 ? 1 : 2;
        chip.dead_ram = i > 1;
        f4_load(0x4000 * (uint32_t)i, 0x1000);
    }
    chip.dead_ram = false;
    memset(chip.flash, 0, F4_SIZE);
    f4_load(0, 0x4000);
    assert_int_equal(chip.erases, 1);
}

static void an_f4s_options_are_words_of_a_register(void **state)
{
    struct option option;
    (void)state;
    assert_int_equal(option_read(0, &option), OK);
    assert_int_equal(option.address, F4 + 0x14);
    assert_int_equal(option.value, 0x0FFFAAED);
    assert_int_equal(option_read(1, &option), ERR_RANGE);
    assert_int_equal(option_write(F4 + 0x14, 0x0FFFAAE3), OK);      /* BOR level 1 */
    assert_int_equal(chip.optcr, 0x0FFFAAE1);
    assert_int_equal(chip.option_starts, 1);
    assert_int_equal(option_write(F4 + 0x14, 0x0FFFCCED), ERR_REFUSED);
    assert_int_equal(option_write(F4 + 0x18, 0x0FFF0000), ERR_RANGE);       /* F42x has that */
    assert_int_equal(option_erase(), ERR_UNSUPPORTED);
    assert_int_equal(chip.option_starts, 1);
}

static void a_locked_f4_is_opened_and_its_other_options_stay(void **state)
{
    (void)state;
    target_detach();
    target_lost();
    chip.optcr = 0x0FF055E5;
    assert_int_equal(target_attach(0), OK);
    assert_true(target_info(0)->locked);
    assert_int_equal(flash_begin(), ERR_LOCKED);
    assert_int_equal(flash_mass_erase(), OK);
    assert_int_equal(chip.option_starts, 1);
    assert_int_equal(chip.optcr, 0x0FF0AAE4);
    int error;
    while ((error = flash_poll()) == ERR_BUSY)
        ;
    assert_int_equal(error, OK);
    assert_int_equal(chip.optcr, 0x0FF0AAE5);
}

static void large_blocks_are_written_and_left_alone_when_they_hold_their_data(void **state)
{
    (void)state;
    f4_image(1);
    for (int round = 0; round < 3; round++) {
        chip.dead_ram = round == 2;
        f4_load(0xA000, 0xC000);                        /* three blocks, none whole */
        assert_int_equal(chip.erases, 0);
        assert_int_equal(chip.programs == 0, round > 0);
    }
    chip.dead_ram = false;
    f4_image(2);
    f4_load(0xA000, 0xC000);
    assert_int_equal(chip.erases, 3);
    target_options.flash_skip = false;
    f4_load(0xA000, 0xC000);
    assert_int_equal(chip.erases, 3);
}

/* What had been found there already is not lost when the block has to be erased after all. */
static void a_change_in_the_middle_of_a_block_costs_its_block(void **state)
{
    static const uint32_t changes[] = { 0, 1023, 1024, 5000, 0x3FFF, 0x4000, 0x8FFF };
    (void)state;
    for (int hand = 0; hand < 2; hand++) {
        target_options.flash_skip = true;
        chip.will_not_run = hand;
        f4_image(3);
        f4_load(0, 0x9000);
        for (unsigned i = 0; i < sizeof changes / sizeof *changes; i++) {
            big[changes[i]] ^= 0x55;
            f4_load(0, 0x9000);
            assert_int_equal(chip.erases, 1);
            assert_blank(0x9000, 0xC000);
        }
    }
}

/* It was asked for the whole block. */
static void what_gets_no_data_in_a_large_block_is_blank_afterwards(void **state)
{
    (void)state;
    f4_image(4);
    for (int what = 0; what < 6; what++) {
        static const uint32_t junk[] = { 0x2800, 0x3FFF, 0x10, 0x4000, 0x7000, 0x1234 };
        memset(chip.flash, 0xFF, F4_SIZE);
        memcpy(chip.flash + 0x800, big, 0x1000);        /* is there already */
        chip.flash[junk[what]] = 0;
        if (junk[what] - 0x800 < 0x1000)
            chip.flash[junk[what]] = (uint8_t)~big[junk[what] - 0x800];
        assert_int_equal(flash_begin(), OK);
        f4_erase(0, 0x8000);
        assert_int_equal(f4_put(0x800, big, 0x1000), OK);
        assert_int_equal(f4_put(0x2C00, big, 0x123), OK);
        assert_int_equal(f4_put(0x5000, big, 0x400), OK);
        assert_int_equal(flash_end(OK), OK);
        assert_blank(0, 0x800);
        assert_memory_equal(chip.flash + 0x800, big, 0x1000);
        assert_blank(0x1800, 0x2C00);
        assert_memory_equal(chip.flash + 0x2C00, big, 0x123);
        assert_blank(0x2C00 + 0x123, 0x5000);
        assert_memory_equal(chip.flash + 0x5000, big, 0x400);
        assert_blank(0x5400, 0x8000);
    }
}

/* 128 KB, of which 63 at most can wait in the target's RAM. */
static void a_block_larger_than_the_shelf_is_written_anew(void **state)
{
    (void)state;
    f4_image(5);
    f4_load(0x20000, 0x20000);
    assert_int_equal(chip.erases, 0);
    f4_load(0x20000, 0xF000);                           /* fits, but for the old rest */
    assert_blank(0x2F000, 0x40000);
    f4_load(0x20000, 0x20000);
    big[0x1FFFF] ^= 1;
    f4_load(0x20000, 0x20000);
    assert_int_equal(chip.erases, 1);
}

static void other_blocks_are_not_touched(void **state)
{
    (void)state;
    f4_image(6);
    memset(chip.flash, 0x5A, F4_SIZE);
    f4_load(0x10000, 0x3000);
    for (uint32_t i = 0; i < F4_SIZE; i++)
        assert_int_equal(chip.flash[i], i - 0x10000 >= 0x10000 ? 0x5A
                                        : i - 0x10000 < 0x3000 ? big[i - 0x10000] : 0xFF);
}

static void a_piece_of_a_large_block_spoilt_on_the_wire_is_made_again(void **state)
{
    (void)state;
    for (int lost = 1; lost < 3000; lost += 271) {
        f4_image((uint32_t)lost);
        chip.lose = lost;
        f4_load(0, 0x5000);
        assert_int_equal(chip.lose, 0);
    }
}

static void going_back_in_a_large_block_loses_nothing(void **state)
{
    (void)state;
    f4_image(7);
    memset(chip.flash, 0x5A, F4_SIZE);
    assert_int_equal(flash_begin(), OK);
    f4_erase(0, 0x4000);
    assert_int_equal(f4_put(0x2000, big + 0x2000, 0x1000), OK);
    assert_int_equal(f4_put(0x0800, big + 0x0800, 0x0900), OK);
    assert_int_equal(f4_put(0x3000, big + 0x3000, 0x0400), OK);
    assert_int_equal(flash_end(OK), OK);
    assert_blank(0, 0x800);
    assert_memory_equal(chip.flash + 0x800, big + 0x800, 0x900);
    assert_blank(0x1100, 0x2000);
    assert_memory_equal(chip.flash + 0x2000, big + 0x2000, 0x1400);
    assert_blank(0x3400, 0x4000);
}

static void protection_of_a_large_block_is_named(void **state)
{
    (void)state;
    f4_image(8);
    memset(chip.flash, 0, F4_SIZE);
    chip.write_protected = true;
    assert_int_equal(flash_begin(), OK);
    f4_erase(0, 0x4000);
    int error = f4_put(0, big, 0x1000);
    assert_int_equal(flash_end(error), ERR_PROTECTED);
    assert_int_equal(chip.flash[0], 0);
}

#define BOTH(name) { "STM32: " #name, name, stm32, NULL, NULL },                      \
                   { "SAMD: " #name, name, samd, NULL, NULL }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(a_bus_that_does_not_answer_is_said_to_be_so),
        cmocka_unit_test_setup(a_sleeping_stm32_is_not_taken_for_a_larger_one, stm32),
        cmocka_unit_test_setup(an_stm32_is_recognized_with_its_memory_map, stm32),
        BOTH(a_core_that_cannot_be_taken_is_let_go),
        cmocka_unit_test_setup(watchdogs_stand_still_while_it_is_attached_and_all_is_put_back, stm32),
        cmocka_unit_test_setup(a_reset_does_not_make_the_probes_bits_the_programs, stm32),
        cmocka_unit_test_setup(what_the_program_sets_in_dbgmcu_meanwhile_stays, stm32),
        cmocka_unit_test_setup(after_a_loss_the_probes_bits_are_told_from_the_programs, stm32),
        cmocka_unit_test_setup(a_samd21_is_recognized_by_name, samd),
        BOTH(nothing_there_is_said_at_once),
        BOTH(loads_in_any_chunks_are_complete),
        BOTH(erased_pages_are_left_alone),
        BOTH(a_gap_between_pieces_is_not_written),
        BOTH(writing_over_data_is_an_error),
        cmocka_unit_test_setup(a_bad_cell_is_found_by_reading_back, stm32),
        { "2 KB pages: in any chunks", loads_in_any_chunks_are_complete, dense, NULL, NULL },
        { "2 KB pages: spoilt", a_page_spoilt_on_the_wire_is_made_again, dense, NULL, NULL },
        BOTH(what_does_not_get_erased_is_found_by_reading_back),
        BOTH(what_is_erased_again_is_empty_again),
        BOTH(a_piece_in_the_middle_of_a_load_is_written_by_hand),
        BOTH(a_page_spoilt_on_the_wire_is_made_again),
        BOTH(only_whole_pages_are_erased),
        BOTH(write_protection_is_named),
        BOTH(an_error_in_the_third_page_is_told_and_ends_the_job),
        BOTH(pages_that_hold_their_data_are_left_alone),
        BOTH(without_a_loader_the_page_is_made_by_hand),
        BOTH(a_start_that_fails_half_way_leaves_no_trace),
        BOTH(a_loader_that_does_not_fit_is_not_begun),
        BOTH(each_chunk_has_its_own_time),
        BOTH(when_the_wire_goes_bad_the_loader_is_left),
        cmocka_unit_test_setup(a_flash_of_more_pages_than_can_be_noted_is_refused, samd),
        cmocka_unit_test_setup(a_core_under_a_watchdog_is_not_made_to_run, samd),
        BOTH(a_settled_target_is_as_before_and_the_job_goes_on),
        BOTH(a_job_that_failed_elsewhere_leaves_the_rest_alone),
        BOTH(addresses_outside_are_refused),
        cmocka_unit_test_setup(flash_is_locked_again_after_a_job, stm32),
        cmocka_unit_test_setup(the_clock_is_raised_for_the_job_and_put_back, samd),
        BOTH(mass_erase_is_polled_until_done),
        cmocka_unit_test_setup(a_read_protected_stm32_says_locked, stm32),
        cmocka_unit_test_setup(a_secured_samd_cannot_be_attached_but_erased, samd),
#define STM32(test) cmocka_unit_test_setup(test, stm32)
#define SAMD(test) cmocka_unit_test_setup(test, samd)
        STM32(an_image_linked_at_0_goes_to_the_flash_that_is_seen_there),
        STM32(what_is_at_0_and_no_flash_is_not_taken_for_it),
        STM32(one_option_byte_changes_and_the_others_stay),
        STM32(what_locks_for_ever_or_is_no_option_is_refused),
        STM32(erased_option_bytes_are_those_of_an_open_chip),
        STM32(a_locked_chip_keeps_its_options),
        BOTH(options_spoilt_on_the_wire_are_made_again),
        SAMD(one_fuse_changes_and_the_rest_of_the_row_stays),
        SAMD(bits_of_the_factory_stay),
        SAMD(fuses_that_hold_the_chip_in_reset_are_refused),
        SAMD(an_erased_user_row_takes_what_the_factory_wrote),
        SAMD(regions_are_locked_until_a_reset),
        BOTH(a_core_that_runs_is_halted_first),
        BOTH(the_chips_number_is_read_where_the_maker_put_it),
        cmocka_unit_test_setup(unequal_blocks_are_in_the_memory_map, f4),
        cmocka_unit_test_setup(caches_are_off_for_a_job_and_empty_behind_it, f4),
        cmocka_unit_test_setup(what_stood_before_in_a_block_survives_a_bad_wire, f4),
        cmocka_unit_test_setup(an_f4_at_a_low_supply_takes_what_psize_says, f4),
        cmocka_unit_test_setup(an_f4s_options_are_words_of_a_register, f4),
        cmocka_unit_test_setup(a_locked_f4_is_opened_and_its_other_options_stay, f4),
        cmocka_unit_test_setup(
            large_blocks_are_written_and_left_alone_when_they_hold_their_data, f4),
        cmocka_unit_test_setup(a_change_in_the_middle_of_a_block_costs_its_block, f4),
        cmocka_unit_test_setup(what_gets_no_data_in_a_large_block_is_blank_afterwards, f4),
        cmocka_unit_test_setup(a_block_larger_than_the_shelf_is_written_anew, f4),
        cmocka_unit_test_setup(other_blocks_are_not_touched, f4),
        cmocka_unit_test_setup(a_piece_of_a_large_block_spoilt_on_the_wire_is_made_again, f4),
        cmocka_unit_test_setup(going_back_in_a_large_block_loses_nothing, f4),
        cmocka_unit_test_setup(protection_of_a_large_block_is_named, f4),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
