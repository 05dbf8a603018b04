/* dap_fakes.c - see dap_fakes.h. */
#include "dap_fakes.h"
#include "clock.h"
#include "stm32f103.h"
#include "target.h"
#include <assert.h>
#include <sanitizer/asan_interface.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct fake fake;

/* --- the bus ------------------------------------------------------------------------- */

static void *poisoned[16];
static int poisoned_size[16], poisoned_count;

static void unpoison(void)
{
    while (poisoned_count) {
        poisoned_count--;
        ASAN_UNPOISON_MEMORY_REGION(poisoned[poisoned_count], poisoned_size[poisoned_count]);
    }
}

static void poison(void *at, int size)
{
    if (size == 0 || poisoned_count == 16)
        return;
    ASAN_POISON_MEMORY_REGION(at, size);
    poisoned[poisoned_count] = at;
    poisoned_size[poisoned_count++] = size;
}

int ep_read(int n, uint8_t *bytes, int size)
{
    int count = fake.packet_length < size ? fake.packet_length : size;

    assert(n == DAP_EP);
    ASAN_UNPOISON_MEMORY_REGION(bytes, size);
    memcpy(bytes, fake.packet, (size_t)count);
    if (size == 64)
        poison(bytes + count, size - count);
    return count;
}
enum ep_state ep_state(int n, enum ep_direction direction)
{
    assert(n == DAP_EP);
    return direction == EP_OUT ? fake.out : fake.in;
}
bool ep_free(int n, enum ep_direction direction)
{
    return ep_state(n, direction) == EP_NAK && !(direction == EP_OUT && fake.received);
}
void ep_set(int n, enum ep_direction direction, enum ep_state state)
{
    assert(n == DAP_EP);
    *(direction == EP_OUT ? &fake.out : &fake.in) = state;
}
void usb_receive(int n)
{
    assert(ep_free(n, EP_OUT));         /* else the packet in it could be run over */
    fake.out = EP_VALID;
}
void usb_send(int n, const uint8_t *bytes, int length)
{
    assert(n == DAP_EP && fake.in == EP_NAK && length >= 1 && length <= 64);
    memcpy(fake.sent, bytes, (size_t)length);
    fake.sent_length = length;
    fake.in = EP_VALID;
}
void usb_serial_number(char *text) { strcpy(text, "0123456789ABCDEF01234567"); }
uint32_t interrupts_off(void) { unpoison(); return 0; }
void interrupts_restore(uint32_t state) { (void)state; }

bool fake_packet_arrives(const void *bytes, int length)
{
    if (fake.out != EP_VALID)
        return false;
    memcpy(fake.packet, bytes, (size_t)length);
    fake.packet_length = length;
    fake.out = EP_NAK;
    fake.received = true;
    return true;
}

void fake_out_interrupt(void)
{
    fake.received = false;
    dap_event(DAP_EP, USB_RECEIVED);
}

bool fake_host_sends(const void *bytes, int length)
{
    if (!fake_packet_arrives(bytes, length))
        return false;
    fake_out_interrupt();
    return true;
}

int fake_host_fetches(void)
{
    int length = fake.sent_length;

    if (fake.in != EP_VALID)
        return -1;
    memcpy(fake.fetched, fake.sent, (size_t)length);
    fake.in = EP_NAK;
    dap_event(DAP_EP, USB_SENT);
    return length;
}

/* --- the wire ------------------------------------------------------------------------ */

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...)
{
    va_list list;

    if (fake.no_log || fake.log_length > FAKE_LOG - 64)
        return;
    va_start(list, format);
    if (fake.log_length)
        fake.log[fake.log_length++] = ' ';
    fake.log_length += vsnprintf(fake.log + fake.log_length, 60, format, list);
    va_end(list);
}

static int next_ack(void)
{
    if (fake.ack_at < fake.ack_count)
        return fake.acks[fake.ack_at++];
    if (fake.random_ack)
        return fake.random_ack();
    return fake.ack_for_ever ? fake.ack_for_ever : WIRE_OK;
}

static int one_word(uint32_t request, uint8_t *bytes)
{
    int ack = next_ack();
    char port = request & WIRE_AP ? 'A' : 'D';
    int address = request & WIRE_ADDRESS;
    uint32_t value;

    assert(fake.owner == WIRE_DAP);
    fake.words++;
    if (request & WIRE_READ) {
        note("r%c%02X", port, address);
        if (ack == WIRE_OK) {
            memcpy(bytes, &fake.value, 4);
            fake.value += 0x01010101;
        }
    } else {
        memcpy(&value, bytes, 4);
        note("w%c%02X=%08X", port, address, value);
    }
    if (ack != WIRE_OK)
        note("ack%d", ack);
    return ack;
}

int wire_words(uint32_t request, struct wire_block *block)
{
    uint32_t asks = 0;
    int ack = WIRE_OK;

    assert(block->asks >= 1 && block->asks <= WIRE_ASKS);
    while (block->left) {
        ack = one_word(request, block->bytes);
        if (ack == WIRE_WAIT && ++asks < block->asks)
            continue;
        if (ack != WIRE_OK)
            break;
        if (block->idle)
            note("i%u", block->idle);
        asks = 0;
        block->bytes += 4;
        block->left--;
    }
    return ack;
}
void wire_send_bits(uint32_t bits, uint32_t count)
{
    assert(count <= 32 && fake.owner == WIRE_DAP);
    if (count)
        note("s%u:%X", count, bits & (uint32_t)((1ull << count) - 1));
    else
        note("drive");
}
uint32_t wire_receive_bits(uint32_t count)
{
    uint64_t bits = fake.bits_in;

    assert(count >= 1 && count <= 32 && fake.owner == WIRE_DAP);
    note("g%u", count);
    fake.bits_in = bits >> count | bits << (64 - count);
    return (uint32_t)(bits & ((1ull << count) - 1));
}
bool wire_take(enum wire_owner who)
{
    if (fake.owner != WIRE_NOBODY && fake.owner != who)
        return false;
    fake.owner = who;
    swd_configure(1, false);
    return true;
}
void wire_release(enum wire_owner who)
{
    if (fake.owner == who)
        fake.owner = WIRE_NOBODY;
}
enum wire_owner wire_owner(void) { return fake.owner; }
uint32_t wire_set_frequency(uint32_t hz)
{
    assert(hz && fake.owner == WIRE_DAP);
    return fake.hz = hz;
}
void swd_configure(int turnaround, bool always_data)
{
    assert(turnaround >= 1 && turnaround <= 4);
    fake.turnaround = turnaround;
    fake.always_data = always_data;
}
void wire_set_pins(int which, int levels)
{
    fake.driven |= which;
    fake.levels = (fake.levels & ~which) | (levels & which);
}
int wire_pins(void)
{
    return fake.levels & ~fake.pulled_low
         & (WIRE_PIN_CLK | WIRE_PIN_DIO | WIRE_PIN_NRST);
}

/* --- the rest ------------------------------------------------------------------------- */

bool target_attached(void) { return fake.attached; }
void live_give_way(void)
{
}

void target_detach(void)
{
    fake.detaches++;
    wire_release(WIRE_GDB);
}
uint32_t clock_hz(void) { return 72000000; }
static void pass(uint32_t ms)
{
    fake.ms += ms;
    fake.cycles += ms * 72000;
}
uint32_t clock_ms(void) { pass(fake.ms_per_look); return fake.ms; }
uint32_t clock_cycles(void) { pass(fake.ms_per_look); return fake.cycles; }
void clock_wait_us(uint32_t us)
{
    assert(us <= 1000000);
    pass((us + 999) / 1000);
}
void watchdog_feed(void)
{
    if (fake.ms - fake.fed_ms > fake.longest_ms)
        fake.longest_ms = fake.ms - fake.fed_ms;
    fake.fed_ms = fake.ms;
    if (fake.while_waiting)
        fake.while_waiting();
}

void fake_power_on(void)
{
    unpoison();
    fake = (struct fake){
        .out = EP_NAK, .in = EP_NAK, .value = 0x11223344, .bits_in = 0x8899AABBCCDDEEFF,
        .levels = WIRE_PIN_CLK | WIRE_PIN_DIO | WIRE_PIN_NRST, .ms_per_look = 1
    };
    dap_configured(true);
    dap_poll();
}
