/* gdb_fakes.c - everything below gdb_remote.c and monitor.c, as small as it can be. */
#include "gdb_fakes.h"
#include "adi.h"
#include "crash.h"
#include "crc.h"
#include "fault.h"
#include "gdb_remote.h"
#include "say.h"
#include "wire.h"
#include <stdio.h>
#include <string.h>

struct fake fake;
struct crash_record crash;
struct target_options target_options;
static char sent[sizeof fake.out + 1], payload[5000], console[sizeof fake.out];

/* The port. */
static bool all_fresh;                  /* nothing that waits is from before the opening */

int cdc_look(int port, const uint8_t **bytes)
{
    int count = fake.in_count - fake.in_at, seam = 4096 - fake.in_at % 4096;

    *bytes = fake.in + fake.in_at;
    if (fake.reopens)
        fake.openings += 2, fake.reopens = false, all_fresh = true;
    if (port != CDC_GDB)
        return 0;
    return count < seam ? count : seam;     /* as around the end of a ring */
}
void cdc_taken(int port, int count)
{
    (void)port;
    fake.in_at += count;
    if (fake.in_at == fake.in_count)
        fake.in_at = fake.in_count = 0;
}
bool cdc_peek(int port, uint8_t byte)
{
    return port == CDC_GDB &&
           memchr(fake.in + fake.in_at, byte, (size_t)(fake.in_count - fake.in_at)) != NULL;
}
static struct { const uint8_t *bytes; int head, tail; } lent;

/* The host takes what it has room for at once. */
static void host_takes(void)
{
    while (lent.tail < lent.head && fake.out_room > 0
           && fake.out_count < (int)sizeof fake.out) {
        fake.out[fake.out_count++] = lent.bytes[lent.tail++];
        fake.out_room--;
    }
}
void cdc_lend(int port, const uint8_t *bytes)
{
    (void)port;
    lent.bytes = bytes;
    lent.head = lent.tail = 0;
}
void cdc_send(int port, int length, bool end)
{
    (void)port, (void)end;
    lent.head = length;
    host_takes();
}
int cdc_unsent(int port)
{
    (void)port;
    host_takes();
    return lent.head - lent.tail;
}
bool cdc_open(int port) { (void)port; return fake.open; }
uint32_t cdc_openings(int port) { (void)port; return fake.openings; }
void cdc_drop(int port)
{
    (void)port;
    if (!all_fresh)
        fake.in_count = fake.in_at = 0;
    all_fresh = false;
}
uint8_t cdc_control_lines(int port) { (void)port; return 1; }
const struct line_coding *cdc_line_coding(int port)
{
    static const struct line_coding coding = { 115200, 0, 0, 8 };
    (void)port;
    return &coding;
}

/* Time. */
uint32_t clock_hz(void) { return 72000000; }
bool clock_from_crystal(void) { return true; }
uint32_t clock_ms(void) { fake.ms += ++fake.looks % 50 == 0; return fake.ms; }
uint32_t clock_cycles(void) { return clock_ms() * 72000 + fake.looks % 50 * 1440; }
void clock_wait_us(uint32_t us) { fake.ms += us / 1000; }
void watchdog_feed(void) { }
uint32_t crash_reset_flags(void) { return 0; }

/* Our chip's CRC unit. */
static uint32_t crc_so_far;
void crc_start(void) { crc_so_far = 0xFFFFFFFF; }
uint32_t crc_add(const uint8_t *bytes, uint32_t length)
{
    for (uint32_t i = 0; i < 8 * length; i++) {
        uint32_t bit = crc_so_far >> 31 ^ (bytes[i / 8] >> (7 - i % 8) & 1);
        crc_so_far = crc_so_far << 1 ^ bit * 0x04C11DB7;
    }
    return crc_so_far;
}

/* The wire. */
static struct adi_counters counters = { 1, 2, 3, 4, 5 };
const struct adi_counters *adi_counters(void) { return &counters; }
uint32_t adi_dpidr(void) { return 0x0BC11477; }
uint32_t adi_targetid(void) { return 0; }
int adi_dp_read(uint8_t a, uint32_t *v) { *v = 0x0BC11470u + a; return OK; }
int adi_dp_write(uint8_t a, uint32_t v) { (void)a, (void)v; return OK; }
int adi_ap_read(uint8_t ap, uint8_t a, uint32_t *v) { *v = ap * 256u + a; return OK; }
int adi_ap_write(uint8_t ap, uint8_t a, uint32_t v) { (void)ap, (void)a, (void)v; return OK; }
uint32_t wire_set_frequency(uint32_t hz) { return fake.hz = hz; }
uint32_t wire_frequency(void) { return fake.hz; }
void wire_set_nrst(bool low) { fake.nrst_low = low; }
void wire_release(enum wire_owner who) { (void)who; fake.owner = WIRE_NOBODY; }
enum wire_owner wire_owner(void) { return fake.owner; }
const char *error_text(int error)
{
    static char text[32];
    snprintf(text, sizeof text, "error %d", error);
    return text;
}

/* The core. */
static struct cortexm_info core;
const struct cortexm_info *cortexm_core(void)
{
    core = (struct cortexm_info){ !fake.v6m, fake.fpu, 0x410CC601, 4, 2 };
    return &core;
}
int cortexm_poll(struct stop *stop)
{
    if (fake.poll_error != OK)
        return fake.poll_error;
    if (fake.running && fake.polls_left >= 0 && fake.polls_left-- == 0)
        fake.running = false;
    *stop = fake.next;
    stop->pc = fake.registers[REG_PC][0];
    if (fake.running)
        stop->reason = STOP_RUNNING;
    return OK;
}
int cortexm_halt(void)
{
    fake.halts++;
    if (!fake.no_halt) {
        fake.next.reason = STOP_REQUEST;
        fake.polls_left = 0;
    }
    return OK;
}
int cortexm_halt_wait(uint32_t ms)
{
    (void)ms;
    cortexm_halt();
    fake.running = false;
    return OK;
}
uint8_t cortexm_step_interrupts;
int cortexm_look(void) { return fake.really_runs ? ERR_RUNNING : OK; }
bool cortexm_was_reset(void)
{
    bool was = fake.was_reset;
    fake.was_reset = false;
    return was;
}
int cortexm_resume(void) { fake.running = true; return OK; }
int cortexm_step(void)
{
    fake.steps++;
    fake.registers[REG_PC][0] += 2;
    fake.next.reason = STOP_STEP;
    return OK;
}
int cortexm_step_range(uint32_t start, uint32_t size, struct stop *stop)
{
    for (int n = 0; n < 8 && fake.registers[REG_PC][0] - start < size; n++)
        cortexm_step();
    if (fake.registers[REG_PC][0] - start < size)
        stop->reason = STOP_RUNNING;
    return OK;
}
void fault_explain(void) { say("HardFault: it went wrong at 0x%x\n", 0x100); }
int cortexm_read_register(int number, void *value)
{
    memcpy(value, fake.registers[number], number >= REG_D0 ? 8 : 4);
    return OK;
}
int cortexm_write_register(int number, const void *value)
{
    memcpy(fake.registers[number], value, number >= REG_D0 ? 8 : 4);
    return OK;
}
int cortexm_read_registers(uint32_t *values)
{
    for (int i = 0; i <= REG_CONTROL; i++)
        values[i] = fake.registers[i][0];
    return OK;
}
int cortexm_read_row(uint32_t first, uint32_t count, uint32_t *values)
{
    for (uint32_t i = 0; i < count; i++)
        values[i] = fake.registers[first + i][0];
    return OK;
}
int cortexm_write_registers(const uint32_t *values) { (void)values; return OK; }
int cortexm_set_breakpoint(uint32_t address)
{
    if (fake.breakpoint_count == 4)
        return ERR_RESOURCES;
    fake.breakpoints[fake.breakpoint_count++] = address;
    return OK;
}
int cortexm_clear_breakpoint(uint32_t address)
{
    for (int i = 0; i < fake.breakpoint_count; i++)
        if (fake.breakpoints[i] == address) {
            fake.breakpoints[i] = fake.breakpoints[--fake.breakpoint_count];
            break;
        }
    return OK;
}
int cortexm_set_watchpoint(enum watch type, uint32_t address, uint32_t length)
{
    fake.watch_type = type, fake.watch_address = address, fake.watch_length = length;
    return OK;
}
int cortexm_clear_watchpoint(enum watch type, uint32_t address, uint32_t length)
{
    (void)type, (void)address, (void)length;
    fake.watch_type = 0;
    return OK;
}
uint32_t cortexm_vector_catch(void) { return fake.catch_bits; }
int cortexm_set_vector_catch(uint32_t bits) { fake.catch_bits = bits; return OK; }

/* The chip. */
static struct target_info info;
int target_scan(void)
{
    fake.attached = false;
    return fake.count > 0 ? OK : ERR_NO_ANSWER;
}
int target_count(void) { return fake.count; }
const struct target_info *target_info(int index)
{
    (void)index;
    info = (struct target_info){ "ATSAMD21G18A", "M0+", 0x10010005, fake.locked,
                                 fake.attached, FAKE_FLASH };
    return &info;
}
int target_attach(int index)
{
    if (fake.attach_error != OK)
        return fake.attach_error;
    if (index < 0 || index >= fake.count)
        return ERR_INDEX;
    fake.attached = true;
    fake.running = false;
    return OK;
}
void target_detach(void) { fake.attached = fake.watched = false; fake.running = true; fake.detaches++; }
void target_leave(enum leave how)
{
    fake.attached = false;
    fake.watched = how == LEAVE_RUNNING;
    fake.ends_halted += how == LEAVE_HALTED;
    fake.running |= fake.watched;
}
bool target_watched(void) { return fake.watched; }
bool target_attached(void) { return fake.attached; }
void target_lost(void) { fake.attached = false; }
int target_regions(const struct region **regions)
{
    static const struct region list[] = {
        { .kind = REGION_RAM, .base = FAKE_RAM_BASE, .size = FAKE_RAM },
        { .kind = REGION_FLASH, .size = FAKE_FLASH, .page = 256 },
        { .kind = REGION_ROM, .base = 0x800000, .size = 0x10000 },
    };
    *regions = list;
    return fake.attached ? 3 : 0;
}
void target_piece(uint32_t from, struct region *piece)
{
    static const struct region list[] = {
        { .kind = REGION_FLASH, .size = FAKE_FLASH, .page = 256 },
        { .kind = REGION_RAM, .base = FAKE_FLASH, .size = 0x800000 - FAKE_FLASH },
        { .kind = REGION_ROM, .base = 0x800000, .size = 0x10000 },
        { .kind = REGION_RAM, .base = 0x810000, .size = 0 - 0x810000u },
    };
    const struct region *r = list;
    while (from - r->base >= r->size)
        r++;
    *piece = *r;
    piece->base = from;
    piece->size -= from - r->base;
}
bool target_has_controller(uint32_t address) { return address >> 8 == 0x410040; }
static uint8_t *memory(uint32_t address, uint32_t length)
{
    if (length <= FAKE_FLASH && address <= FAKE_FLASH - length)
        return fake.flash + address;
    if (length <= FAKE_RAM && address - FAKE_RAM_BASE <= FAKE_RAM - length)
        return fake.ram + (address - FAKE_RAM_BASE);
    if (length <= sizeof fake.fuses && address - 0x804000 <= sizeof fake.fuses - length)
        return fake.fuses + (address - 0x804000);
    return NULL;
}
int target_read(uint32_t address, void *bytes, uint32_t length)
{
    uint8_t *from = memory(address, length);

    if (length == 0)
        return OK;
    if (fake.read_error != OK || from == NULL)
        return fake.read_error != OK ? fake.read_error : ERR_FAULT;
    memcpy(bytes, from, length);
    return OK;
}
bool adi_holds(uint32_t address, const uint8_t *bytes, uint32_t length)
{
    uint8_t *from = memory(address, length);
    return from != NULL && memcmp(from, bytes, length) == 0;
}
int target_write(uint32_t address, const void *bytes, uint32_t length)
{
    uint8_t *to = memory(address, length);

    fake.sent_before_write = fake.out_count;
    if (fake.write_error != OK || to == NULL)
        return fake.write_error != OK ? fake.write_error : ERR_FAULT;
    if (address >= FAKE_FLASH)
        memcpy(to, bytes, length);
    return OK;
}
int target_reset(bool pin, bool halt)
{
    (void)pin;
    fake.resets++;
    fake.running = !halt;
    return OK;
}
int flash_begin(void) { fake.begins++; return fake.flash_error; }
int flash_erase(uint32_t address, uint32_t length)
{
    if (length > FAKE_FLASH || address > FAKE_FLASH - length)
        return ERR_RANGE;
    fake.erase_at = address & ~255u;
    fake.erase_left = (length + 255) & ~255u;
    return OK;
}
int flash_erase_rest(uint32_t *left)
{
    if (fake.erase_left > 0) {
        memset(fake.flash + fake.erase_at, 0xFF, 256);
        fake.erase_at += 256;
        fake.erase_left -= 256;
        fake.ms += 6;
    }
    *left = fake.erase_left;
    return *left > 0 ? ERR_BUSY : OK;
}
void flash_settle(void) { fake.settles++; }
int flash_write(uint32_t address, const uint8_t *bytes, uint32_t length)
{
    uint32_t left;
    fake.sent_before_write = fake.out_count;
    if (length > FAKE_FLASH || address > FAKE_FLASH - length || fake.flash_error != OK)
        return fake.flash_error != OK ? fake.flash_error : ERR_RANGE;
    while (fake.erase_left > 0 && fake.erase_at <= address)
        flash_erase_rest(&left);
    memcpy(fake.flash + address, bytes, length);
    return OK;
}
int flash_end(int error) { fake.ends++; return error; }
int flash_mass_erase(void) { fake.mass_polls = 5; return fake.flash_error; }
int flash_poll(void) { fake.ms += 600; return fake.mass_polls-- > 0 ? ERR_BUSY : OK; }

int option_read(unsigned index, struct option *option)
{
    if (!fake.attached)
        return ERR_NO_TARGET;
    if (index >= 2)
        return ERR_RANGE;
    *option = (struct option){ 0x804000 + 4 * index, fake.options[index], "" };
    return OK;
}
int option_write(uint32_t address, uint32_t value)
{
    if (!fake.attached || address - 0x804000 >= 8)
        return fake.attached ? ERR_RANGE : ERR_NO_TARGET;
    fake.option_writes++;
    if (value == 0)
        return ERR_REFUSED;
    fake.options[(address - 0x804000) / 4] = value;
    return OK;
}
int option_erase(void)
{
    return option_write(0x804000, 0xD8E0C7FF);
}
int chip_number(unsigned index, uint32_t *word)
{
    *word = index == 0 ? 0x01234567 : 0x89ABCDEF;
    return !fake.attached ? ERR_NO_TARGET : index < 2 ? OK : ERR_RANGE;
}
int flash_lock(bool lock)
{
    fake.regions_locked = lock;
    return fake.locked ? ERR_LOCKED : OK;
}

/* What the tests use. */
void fake_power_on(void)
{
    memset(&fake, 0, sizeof fake);
    fake.out_room = 1 << 30;
    fake.open = true;
    fake.count = 1;
    fake.polls_left = -1;
    fake.hz = 4000000;
    fake.options[0] = 0xD8E0C7FF;
    fake.options[1] = 0xFFFFFC5D;
    crash.magic = 0;
    target_options = (struct target_options){ .halt_timeout_ms = 500 };
    gdb_start();
}
void fake_host_sends(const void *bytes, int length)
{
    memcpy(fake.in + fake.in_count, bytes, (size_t)length);
    fake.in_count += length;
}
void fake_host_packet(const void *text, int length)
{
    const uint8_t *bytes = text;
    unsigned sum = 0;
    char tail[4];

    if (length < 0)
        length = (int)strlen(text);
    for (int i = 0; i < length; i++)
        sum += bytes[i];
    snprintf(tail, sizeof tail, "#%02x", sum & 255);
    fake_host_sends("$", 1);
    fake_host_sends(text, length);
    fake_host_sends(tail, 3);
}
void fake_run(int rounds)
{
    while (rounds-- > 0)
        gdb_poll();
}
const char *fake_sent(void)
{
    memcpy(sent, fake.out, (size_t)fake.out_count);
    sent[fake.out_count] = '\0';
    fake.out_count = 0;
    return sent;
}
/* Takes what was sent apart: console text, and the last packet that is none. */
static void take_apart(int count)
{
    int text = 0;

    payload[0] = console[0] = '\0';
    for (int i = 0; i < count; i++) {
        if (sent[i] != '$')
            continue;
        int end = i + 1;
        while (end < count && sent[end] != '#')
            end++;
        if (sent[i + 1] == 'O' && sent[i + 2] != 'K') {
            for (int k = i + 2; k + 1 < end; k += 2) {
                unsigned byte;
                sscanf(sent + k, "%2x", &byte);
                console[text++] = (char)byte;
            }
            console[text] = '\0';
        } else {
            memcpy(payload, sent + i + 1, (size_t)(end - i - 1));
            payload[end - i - 1] = '\0';
        }
        i = end + 2;
    }
}
const char *fake_payload(void)
{
    int count = fake.out_count;

    fake_sent();
    take_apart(count);
    return payload;
}
const char *fake_console(void) { return console; }
const char *fake_ask_bytes(const void *bytes, int length)
{
    fake_host_packet(bytes, length);
    fake_run(200);
    return fake_payload();
}
const char *fake_ask(const char *text) { return fake_ask_bytes(text, -1); }
