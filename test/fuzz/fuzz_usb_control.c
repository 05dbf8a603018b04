/* fuzz_usb_control.c - a million control transfers, right, wrong and broken off, against
 * usb.c and dfu.c as in the bootloader, under ASan and UBSan.
 *
 * The hardware below keeps RM0008's rules: a SETUP is always taken, and makes both
 * directions NAK; other packets only when VALID.  Buffers have their exact sizes, flash ends
 * where nothing is mapped, so that one byte too many is seen.  What must hold: packets fit,
 * reads and writes stay in the slot, an image without its last words never looks whole, and
 * after all that the device still enumerates, takes a download, and gives the whole slot back.
 *
 *   fuzz_usb_control [TRANSFERS [SEED]] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "clock.h"
#include "dfu.h"
#include "selfflash.h"
#include "stm32f103.h"
#include "usb.h"

enum { FLASH_START = 0x08000000, FLASH_BYTES = 64 * 1024, EP0_SIZE = 64 };

void usb_interrupt(void);
const volatile struct uid UID = { { 1, 2, 3 } };

static void require(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "fuzz_usb_control: %s\n", what);
        abort();
    }
}

static uint32_t random_state = 1;

static uint32_t any(uint32_t limit)     /* xorshift, the same on every machine */
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state % limit;
}

/* --- hardware ------------------------------------------------------------------------ */

static struct {
    enum ep_state state[2];
    int events, bus, out_length, in_length, address;
    uint8_t out[EP0_SIZE], in[EP0_SIZE];
} hw;

void ep_attach(void) { }
void ep_detach(void) { }
int ep_bus_events(void)
{
    int bus = hw.bus & ~BUS_ENDPOINT;
    if (hw.events & ~EP_SETUP)
        return bus | BUS_TRANSFER;
    hw.bus = 0;
    return bus;
}
int ep_take_event(int n)
{
    int event = hw.events & EP_SENT ? EP_SENT : hw.events;
    (void)n;
    hw.events &= ~event;
    return event;
}
void ep_sleep(bool asleep) { (void)asleep; }
void ep_address(uint8_t address) { hw.address = address; }
void ep_type(int n, enum ep_type type) { (void)type; require(n == 0, "endpoint"); }
void ep_close(int n, enum ep_direction d) { (void)n; hw.state[d] = EP_DISABLED; }
enum ep_state ep_state(int n, enum ep_direction d) { (void)n; return hw.state[d]; }
void ep_data0(int n, enum ep_direction d) { (void)n; (void)d; }
int ep_events(int n) { return n ? 0 : hw.events; }
void ep_clear(int n, int events) { (void)n; hw.events &= ~events; }
void ep_set(int n, enum ep_direction d, enum ep_state state)
{
    require(n == 0, "endpoint");
    hw.state[d] = state;
}
void ep_open(int n, enum ep_direction d, uint16_t buffer, int max_packet)
{
    require(n == 0 && buffer + max_packet <= 512, "packet memory");
    hw.state[d] = EP_NAK;
}
int ep_read(int n, uint8_t *bytes, int size)
{
    (void)n;
    int count = hw.out_length < size ? hw.out_length : size;
    memcpy(bytes, hw.out, (size_t)count);
    return count;
}
void ep_write(int n, int other, const uint8_t *bytes, int length)
{
    require(n == 0 && length >= 0 && length <= EP0_SIZE, "a packet longer than its endpoint");
    require(other == 0, "endpoint 0 has one buffer");
    if (length)
        memcpy(hw.in, bytes, (size_t)length);
    uintptr_t at = (uintptr_t)bytes, end = FLASH_START + FLASH_BYTES;
    require(at < FLASH_START || at >= end || at + ((unsigned)length + 7) / 8 * 8 <= end,
            "a look behind the end of the flash");
}
void ep_next(int n, int other, int length)
{
    require(n == 0 && other == 0 && length <= EP0_SIZE, "not what was written");
    hw.in_length = length;
}
void ep_send(int n, int other, int length)
{
    ep_next(n, other, length);
    ep_set(n, EP_IN, EP_VALID);
}

static uint32_t ms;
uint32_t clock_ms(void) { return ms; }
void clock_wait_us(uint32_t us) { (void)us; }

static uint8_t *flash;
static bool committed;                  /* the first words have been written */

static uint8_t *in_slot(uint32_t address, uint32_t length)
{
    require(address >= SLOT_START && length <= FLASH_BYTES
            && address + length <= FLASH_START + FLASH_BYTES, "a write outside of the slot");
    return flash + (address - FLASH_START);
}
uint32_t selfflash_end(void) { return FLASH_START + FLASH_BYTES; }
bool selfflash_sp_plausible(uint32_t sp) { return sp >> 16 == 0x2000; }
bool selfflash_entry_plausible(uint32_t reset) { return reset >> 16 == 0x0800; }
enum selfflash_error selfflash_erase(uint32_t page)
{
    memset(in_slot(page, FLASH_PAGE), 0xFF, FLASH_PAGE);
    committed &= page > SLOT_START;
    return any(50) ? SELFFLASH_OK : SELFFLASH_ERASE;
}
enum selfflash_error selfflash_program(uint32_t address, const uint8_t *bytes,
                                       uint32_t length)
{
    memcpy(in_slot(address, length), bytes, length);
    require(address != SLOT_START || length == 4, "the first words with all the others");
    committed |= address == SLOT_START;
    return any(50) ? SELFFLASH_OK : SELFFLASH_VERIFY;
}
void selfflash_strike_out(uint32_t address, uint32_t length)
{
    memset(in_slot(address, length), 0, length);
    committed = false;
}

/* --- the device ------------------------------------------------------------------------ */

static const uint8_t device_descriptor[18] = { 18, 1, 0x10, 2, 0, 0, 0, EP0_SIZE, 9, 0x12, 2,
                                               0, 0, 1, 1, 2, 3, 1 };
static const uint8_t configuration_descriptor[27] = { 9, 2, 27, 0, 1, 1, 0, 0x80, 50,
    9, 4, 0, 0, 0, 0xFE, 1, 2, 0, 9, 0x21, 0x0B, 232, 3, 0, 4, 0x10, 1 };
static const uint8_t bos_descriptor[5] = { 5, 15, 5, 0, 0 };
static const char *const strings[4] = { NULL, "Maker", "Thing", NULL };
static usb_control *const interfaces[1] = { dfu_control };
static uint8_t buffer[DFU_TRANSFER_SIZE];
const struct usb_device usb_device = {
    .device = device_descriptor, .configuration = configuration_descriptor,
    .bos = bos_descriptor, .strings = strings, .string_count = 4,
    .interfaces = interfaces, .interface_count = 1, .ep0_out = 64, .ep0_in = 128,
    .done = dfu_done, .configured = dfu_configured, .buffer = buffer, .buffer_size = sizeof buffer
};

/* --- the host ---------------------------------------------------------------------------- */

static void setup_packet(const uint8_t raw[8])
{
    memcpy(hw.out, raw, 8);
    hw.out_length = 8;
    hw.state[EP_OUT] = hw.state[EP_IN] = EP_NAK;
    hw.events = (hw.events & EP_SENT) | EP_SETUP | EP_RECEIVED;
    if (any(16))
        usb_interrupt();                /* or the next packet is as fast as we are */
}

static int in_packet(void)
{
    if (hw.state[EP_IN] != EP_VALID)
        return -1;
    hw.state[EP_IN] = EP_NAK;
    hw.events |= EP_SENT;
    int length = hw.in_length;
    if (any(16))
        usb_interrupt();
    return length;
}

static int out_packet(const uint8_t *bytes, int length)
{
    if (hw.state[EP_OUT] != EP_VALID || hw.events & EP_RECEIVED)
        return -1;
    if (length)
        memcpy(hw.out, bytes, (size_t)length);
    hw.out_length = length;
    hw.state[EP_OUT] = EP_NAK;
    hw.events = (hw.events & ~EP_SETUP) | EP_RECEIVED;
    usb_interrupt();
    return length;
}

/* The data stage, mostly to its end, then the status stage. */
static bool transfer(const uint8_t raw[8], uint8_t *data, bool faithful)
{
    int left = raw[6] | raw[7] << 8, n;
    setup_packet(raw);
    if (faithful)
        usb_interrupt();
    if (raw[0] & 0x80 && left) {
        do {
            n = in_packet();
            usb_interrupt();
            left -= n;
        } while (n == EP0_SIZE && left > 0 && (faithful || any(20)));
        return n >= 0 && out_packet(NULL, 0) == 0;
    }
    for (; left > 0; left -= n, data += n) {
        n = left < EP0_SIZE ? left : EP0_SIZE;
        if (!faithful && any(40) == 0)
            n = (int)any((uint32_t)n + 1);
        if (out_packet(data, n) < 0)
            return false;
        if (!faithful && (n == 0 || any(40) == 0))
            return false;
    }
    n = in_packet();
    usb_interrupt();
    return n == 0;
}

static bool request(int type, int number, int value, int index, uint8_t *data, int length)
{
    const uint8_t raw[8] = { (uint8_t)type, (uint8_t)number, (uint8_t)value,
                             (uint8_t)(value >> 8), (uint8_t)index, (uint8_t)(index >> 8),
                             (uint8_t)length, (uint8_t)(length >> 8) };
    return transfer(raw, data, true);
}

static void bus_reset(void)
{
    hw.events = 0;
    hw.bus = BUS_RESET;
    hw.state[EP_IN] = hw.state[EP_OUT] = EP_DISABLED;
    usb_interrupt();
    require(hw.state[EP_OUT] == EP_NAK && hw.address == 0, "no answer after a reset");
}

static uint8_t data[65536 + EP0_SIZE];

static void enumerate(void)
{
    bus_reset();
    require(request(0x80, 6, 0x0100, 0, data, 18), "no device descriptor");
    require(request(0x00, 5, 9, 0, NULL, 0) && hw.address == 9, "no address");
    require(request(0x00, 9, 1, 0, NULL, 0), "no configuration");
}

/* The download that must work after anything. */
static void check_alive(void)
{
    const uint32_t start[] = { 0x20000800, 0x08002009 };
    enumerate();
    for (int tries = 0; tries < 100; tries++) {         /* flash fails now and then */
        request(0x21, 6, 0, 0, NULL, 0);                /* ABORT, CLRSTATUS */
        request(0x21, 4, 0, 0, NULL, 0);
        memcpy(data, start, sizeof start);
        if (request(0x21, 1, 0, 0, data, 100) && request(0xA1, 3, 0, 0, data, 6)
            && hw.in[4] == DFU_DNLOAD_IDLE && request(0x21, 1, 1, 0, NULL, 0)) {
            require(committed, "a download that has ended is not there");
            enumerate();
            return;
        }
        require(request(0xA1, 3, 0, 0, data, 6) && hw.in_length == 6, "no status");
    }
    require(false, "no download works any more");
}

/* The whole slot, in blocks of any one length: no look behind the end of the flash. */
static void read_all(void)
{
    int length = 512 + (int)any(513), blocks = 0;
    enumerate();
    if (!request(0x21, 6, 0, 0, NULL, 0))               /* ABORT, CLRSTATUS */
        request(0x21, 4, 0, 0, NULL, 0);
    do {
        require(request(0xA1, 2, blocks++, 0, data, length), "an upload breaks off");
        require(request(0xA1, 3, 0, 0, data, 6), "no status");
    } while (hw.in[4] == DFU_UPLOAD_IDLE);
    require(blocks == (FLASH_START + FLASH_BYTES - SLOT_START) / length + 1,
            "an upload has another length than the slot");
}

/* Mostly near to what there is. */
static void random_transfer(void)
{
    static const uint8_t types[] = { 0x00, 0x80, 0x01, 0x81, 0x02, 0x82, 0x21, 0xA1, 0x21,
                                     0xA1, 0x21, 0xA1, 0x40, 0xC0, 0x41, 0xC1, 0xC3, 0x9F };
    uint8_t raw[8];
    for (int i = 0; i < 8; i++)
        raw[i] = (uint8_t)any(256);
    if (any(20)) {
        raw[0] = types[any(sizeof types)];
        raw[1] = (uint8_t)any(13);
        raw[4] = any(4) ? 0 : raw[4];
        raw[5] = any(4) ? 0 : raw[5];
        raw[7] = (uint8_t)any(any(2) ? 1 : 6);
    }
    if (any(2)) {
        raw[2] = (uint8_t)any(4);
        raw[3] = (uint8_t)any(16);
    }
    if (any(3) == 0) {
        raw[2] = raw[3] = 0;
        const uint32_t start[] = { 0x20000800, 0x08002009 };
        memcpy(data, start, sizeof start);
    }
    transfer(raw, data, any(3) != 0);
}

static void ask_string(void)
{
    request(0x80, 6, 0x0300 | (int)any(6), any(4) ? 0x0409 : 0, data, (int)any(300));
}

/* What a host that means well does next; without it the deeper states are never seen. */
static void polite_transfer(void)
{
    static int block;
    static const uint32_t start[] = { 0x20000800, 0x08002009 };
    if (any(8) == 0)
        ask_string();
    if (!request(0xA1, 3, 0, 0, data, 6)) {
        enumerate();
        return;
    }
    int state = hw.in[4], length = (int)any(any(3) ? 1025 : 70);
    block = state == DFU_IDLE ? 0 : block;
    switch (state) {
    case DFU_ERROR:
        request(0x21, 4, 0, 0, NULL, 0);
        break;
    case DFU_IDLE:
        memcpy(data, start, sizeof start);
        /* fall through */
    case DFU_DNLOAD_IDLE:
        if (state == DFU_IDLE && any(3) == 0)
            block += request(0xA1, 2, 0, 0, data, length);
        else
            block += request(0x21, 1, block, 0, data, any(40) ? length : 0);
        break;
    case DFU_UPLOAD_IDLE:
        block += request(0xA1, 2, block, 0, data, any(60) ? 1000 + (int)any(25) : length);
        break;
    case DFU_MANIFEST_SYNC:
    case DFU_MANIFEST_WAIT_RESET:
        enumerate();
        break;
    }
}

int main(int argc, char **argv)
{
    long transfers = argc > 1 ? atol(argv[1]) : 1000000;
    random_state = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 0) : 20261122;
    void *wanted = (void *)(uintptr_t)FLASH_START;
    flash = mmap(wanted, FLASH_BYTES, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    require(flash == wanted, "no memory at 0x08000000");
    dfu_start();
    usb_start();
    check_alive();
    for (long i = 0; i < transfers; i++, ms++) {
        if (any(3))
            random_transfer();
        else
            polite_transfer();
        if (any(2000) == 0)
            check_alive();
        else if (any(2000) == 0)
            read_all();
        else if (any(100) == 0)
            enumerate();
        else if (any(100) == 0)
            hw.bus |= (int)any(16) << 9 & ~(any(8) ? BUS_RESET : 0);      /* BUS_FRAME and on */
        for (int packets = (int)any(4); packets > 0; packets--)     /* at any time */
            any(2) ? in_packet() : out_packet(data, (int)any(EP0_SIZE + 1));
    }
    usb_interrupt();
    check_alive();
    printf("fuzz_usb_control: %ld transfers\n", transfers);
    return 0;
}
