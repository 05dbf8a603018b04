/* fuzz_cmsis_dap.c - a million and more packets: random ones, commands with random tails,
 * and good ones with a few bytes or their end changed; on a wire that answers at random,
 * with a host that fetches answers or does not, aborts, and resets the bus.
 *
 * What must hold is asserted on the way and in dap_fakes.c: no byte behind a packet is
 * read (poisoned), no answer is longer than a packet, calls of swd.c are in range, the
 * watchdog is fed, and at the end all that was sent and not aborted or dropped has been
 * answered. */
#include "../unit/dap_fakes.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PACKETS = 2000000, GOOD = 14 };

static uint32_t state = 2463534242u;

static uint32_t any(uint32_t limit)
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % limit;
}

static int random_ack(void)
{
    static const uint8_t acks[] = { WIRE_WAIT, WIRE_FAULT, WIRE_SILENT, WIRE_PARITY, 0, 3, 5 };

    return any(12) ? WIRE_OK : acks[any(sizeof acks)];
}

static const uint8_t good[GOOD][64] = {
    { 3, 0x02, 0x01 },
    { 7, 0x05, 0x00, 0x03, 0x0F, 0x0F, 0x02 },
    { 14, 0x05, 0x00, 0x02, 0x0D, 1, 2, 3, 4, 0x0D, 5, 6, 7, 8 },
    { 15, 0x05, 0x00, 0x03, 0x20, 0xFF, 0, 0, 0, 0x1F, 9, 0, 0, 0, 0x8F },
    { 6, 0x06, 0x00, 0x0E, 0x00, 0x0F },
    { 14, 0x06, 0x00, 0x02, 0x00, 0x0D, 1, 2, 3, 4, 5, 6, 7, 8 },
    { 6, 0x04, 0x00, 0x20, 0x00, 0x10 },
    { 8, 0x10, 0x80, 0x80, 0x10, 0x00, 0x00, 0x00 },
    { 6, 0x11, 0x40, 0x42, 0x0F, 0x00 },
    { 5, 0x12, 0x10, 0x9E, 0xE7 },
    { 9, 0x1D, 0x03, 0x08, 0xA5, 0x84, 0x0B, 0xFF, 0x07 },
    { 12, 0x7F, 0x03, 0x03, 0x02, 0x01, 0x05, 0x00, 0x02, 0x0F, 0x0F, 0x0A },
    { 9, 0x7E, 0x02, 0x05, 0x00, 0x01, 0x0F, 0x00, 0xF0 },
    { 3, 0x00, 0xF0 },
};

static int make(uint8_t *packet)
{
    const uint8_t *model = good[any(GOOD)];
    int length = model[0] - 1;

    memcpy(packet, model + 1, 63);
    switch (any(4)) {
    case 0:
        break;
    case 1:
        length = 1 + (int)any(64);
        for (int i = 0; i < length; i++)
            packet[i] = (uint8_t)any(256);
        break;
    case 2:
        length = 1 + (int)any(64);
        for (int i = 1; i < length; i++)
            packet[i] = (uint8_t)any(any(2) ? 16 : 256);
        break;
    default:
        for (int i = (int)any(4); i >= 0; i--)
            packet[any((uint32_t)length)] ^= (uint8_t)(1 << any(8));
        length = any(3) ? length : 1 + (int)any((uint32_t)length);
    }
    return length;
}

static void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    abort();
}

static void interfere(void)
{
    if (any(50) == 0)
        fake_host_sends("\x07", 1);
}

int main(void)
{
    uint8_t packet[64];
    long sent = 0, answered = 0, packets = 0;

    fake_power_on();
    fake.no_log = true;
    fake.ms_per_look = 20;
    fake.random_ack = random_ack;
    fake.while_waiting = interfere;
    for (; packets < PACKETS; packets++) {
        int length = make(packet);
        if (fake_host_sends(packet, length))
            sent += packet[0] != 0x07;
        if (any(4))
            dap_poll();
        while (any(3) && fake_host_fetches() > 0)
            answered++;
        fake.pulled_low = any(10) ? 0 : 0x80;
        if (any(64) == 0)
            fake.owner = WIRE_DAP;
        if (any(1000) == 0) {
            fake.in = fake.out = EP_NAK;
            dap_configured(true);
            sent = answered = 0;
        }
    }
    /* What is held back is let go by another command. */
    for (int i = 0; i < 64; i++) {
        sent += i < 32 && fake_host_sends("\x03", 1);
        dap_poll();
        while (fake_host_fetches() > 0)
            answered++;
    }
    if (sent != answered || sent < 32)
        fail("packets without an answer, or answers without a packet");
    if (fake.longest_ms > 1500)
        fail("the watchdog would have bitten");
    printf("%ld packets\n", packets);
    return 0;
}
