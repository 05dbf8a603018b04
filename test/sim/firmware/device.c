/* device.c - a USB device with nothing but endpoint 0: enough for a host to enumerate it.
 *
 *   called by  the vectors (start.s)      calls  one of the other files here
 *
 * Buffers: table at 0, endpoint 0 receives at 0x40 and sends from 0x80. */
#include "device.h"

enum { SIZE = 64, RX = 0x40, TX = 0x80 };
enum { CTR_RX = 0x8000, SETUP = 0x0800, CONTROL = 0x0200, CTR_TX = 0x0080, KEEP = 0x070F,
       RX_VALID = 0x3000, TX_STALL = 0x10, TX_NAK = 0x20, TX_VALID = 0x30 };

static const uint8_t device[18] = { 18, 1, 0, 2, 255, 0, 0, SIZE, 9, 18, 1, 0, 0, 1, 0, 0, 0, 1 };
static const uint8_t configuration[18] = { 9, 2, 18, 0, 1, 1, 0, 0x80, 50,
                                           9, 4, 0, 0, 0, 255, 0, 0, 0 };

static uint8_t address;

__attribute__((weak)) void configured(void) { }

void wait_for(uint32_t at, uint32_t bits)
{
    while (!(R32(at) & bits))
        ;
}

void pause(unsigned loops)
{
    while (loops--)
        __asm volatile("nop");
}

static void set_stat(unsigned mask, unsigned stat)
{
    unsigned now = R16(EP0R);
    R16(EP0R) = (uint16_t)((now & KEEP) | CTR_RX | CTR_TX | ((now ^ stat) & mask));
}

static void clear_ctr(unsigned ctr)
{
    R16(EP0R) = (uint16_t)((R16(EP0R) & KEEP) | ((CTR_RX | CTR_TX) & ~ctr));
}

static void bus_reset(void)
{
    R16(ISTR) = (uint16_t)~RESETM;
    R16(BTABLE) = 0;
    set_table(0, TX);
    set_table(4, RX);
    set_table(6, 0x8400);
    R16(EP0R) = CONTROL | RX_VALID | TX_NAK;    /* toggled from 0, where the reset left it */
    R16(DADDR) = 0x80;
}

static void send(const void *data, unsigned length, unsigned wanted)
{
    length = length < wanted ? length : wanted;
    copy_out(TX, data, length);
    set_table(2, length);
    set_stat(TX_VALID, TX_VALID);
}

static void answer(const uint8_t *setup)
{
    unsigned wanted = setup[6] | setup[7] << 8, request = setup[0] << 8 | setup[1];
    if (request == 0x8006 && setup[3] == 1) {
        send(device, sizeof device, wanted);
    } else if (request == 0x8006 && setup[3] == 2) {
        send(configuration, sizeof configuration, wanted);
    } else if (request == 0x0005 || request == 0x0009) {
        address = request == 5 ? setup[2] : 0;
        send(device, 0, 0);
        if (request == 9)
            configured();
    } else {
        set_stat(TX_VALID, TX_STALL);
    }
}

static void received(void)
{
    uint8_t packet[SIZE];
    unsigned length = table(6) & 0x3FF;
    bool setup = R16(EP0R) & SETUP;
    copy_in(packet, RX, length);
    if (!clears_ctr_last)
        clear_ctr(CTR_RX);
    set_stat(RX_VALID, RX_VALID);
    if (setup && length == 8)
        answer(packet);
    if (clears_ctr_last)
        clear_ctr(CTR_RX);
}

void usb_poll(void)
{
    unsigned istr = R16(ISTR);
    if (istr & RESETM)
        bus_reset();
    else if (istr & CTRM && R16(EP0R) & CTR_RX)
        received();
    else if (istr & CTRM) {
        clear_ctr(CTR_TX);
        if (address)
            R16(DADDR) = 0x80 | address;
        address = 0;
    }
    if (istr & SUSPM)
        R16(ISTR) = (uint16_t)~SUSPM;
    if (istr & WKUPM)
        R16(ISTR) = (uint16_t)~WKUPM;
}

void program(void);
void program(void)
{
    address = 0;
    start();
    for (;;)
        usb_poll();
}
