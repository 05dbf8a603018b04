/* usb_ep.c - endpoint registers and packet memory of the USB block.
 *
 * EPnR, RM0008 23.5.2, has three kinds of bits:
 *
 *   15 CTR_RX   14 DTOG_RX  13:12 STAT_RX  11 SETUP  10:9 EP_TYPE  8 EP_KIND
 *    7 CTR_TX    6 DTOG_TX   5:4  STAT_TX                           3:0 EA
 *
 *   CTR         0 clears, 1 leaves alone
 *   STAT, DTOG  1 toggles, 0 leaves alone.  So one writes "old XOR wanted": to get VALID (11)
 *               from NAK (10), 01
 *   the rest    plain: what was read is written back
 *
 * The two directions have the same five bits, eight apart; code is indexed by direction.
 *
 * Packet memory is 512 bytes.  For us its halfwords lie a word apart:
 *
 *   USB's offset   0  1   2  3   4  5        ADDR and COUNT in the table at the start
 *   our address   +0 +1  +4 +5  +8 +9        are USB's offsets, not ours
 *
 * Rules: packet memory takes 16-bit accesses only; ISTR is written with ~flag, never
 * read-modify-write; the bus reset clears all EPnR by itself. */
#include "usb_ep.h"
#include "clock.h"
#include "mem.h"
#include "stm32f103.h"

enum {
    EPR_CTR = 1 << 7, EPR_DTOG = 1 << 6, EPR_STAT = 3 << 4,     /* IN; OUT is << 8 */
    PULL_DOWN_MS = 1,                   /* USB 2.0 7.1.7.3: 2.5 us is a detach */
    DP_PIN = 12                         /* PA12 */
};

/* EP_TYPE, EP_KIND, EA, and SETUP, which takes no write; CTR of both directions.  Each of them
 * twice, for such a number fits into an instruction: of a word that is written the upper half
 * goes nowhere. */
#define EPR_PLAIN    0x0F0F0F0Fu
#define EPR_KEEP_CTR 0x80808080u

/* One entry of the buffer description table, 23.5.3: for each direction ADDR and COUNT,
 * IN first. */
static struct pma *entry(int n, enum ep_direction direction)
{
    return &PMA[n * 4 + (direction == EP_OUT ? 2 : 0)];
}

static int shift(enum ep_direction direction)
{
    return direction == EP_OUT ? 8 : 0;
}

/* Toggle bits of the mask take the wanted value; everything else stays. */
static void toggle_to(int n, uint32_t mask, uint32_t wanted)
{
    uint32_t old = USB.EPR[n];
    USB.EPR[n] = (old & EPR_PLAIN) | EPR_KEEP_CTR | ((old ^ wanted) & mask);
}

enum ep_state ep_state(int n, enum ep_direction direction)
{
    return (enum ep_state)(USB.EPR[n] >> shift(direction) >> 4 & 3);
}

bool ep_free(int n, enum ep_direction direction)
{
    int bits = (int)USB.EPR[n] >> shift(direction);
    return (bits & (EPR_STAT | EPR_CTR)) == (int)EP_NAK << 4;
}

/* A packet may end while toggle_to() is between its read and its write.  The block then makes
 * NAK of VALID, and the toggles make something wrong of that.  It happens once at most, so the
 * second time is right.  To VALID there is no second time: that would let in another packet. */
void ep_set(int n, enum ep_direction direction, enum ep_state state)
{
    for (int times = state == EP_VALID; times < 2; times++)
        toggle_to(n, (uint32_t)EPR_STAT << shift(direction),
                  (uint32_t)state << 4 << shift(direction));
}

void ep_data0(int n, enum ep_direction direction)
{
    toggle_to(n, (uint32_t)EPR_DTOG << shift(direction), 0);
}

void ep_type(int n, enum ep_type type)
{
    USB.EPR[n] = EPR_KEEP_CTR | (uint32_t)type << 9 | (USB.EPR[n] & 0x0100) | (uint32_t)n;
}

/* Closes it first: while it is VALID, its row of the table is the block's. */
void ep_open(int n, enum ep_direction direction, uint16_t buffer, int max_packet)
{
    ep_close(n, direction);
    entry(n, direction)[0].half = buffer;
    /* NUM_BLOCK counts in twos up to 62 bytes; with BL_SIZE, which is the bit above it and
     * what 64 becomes, in 32s, where 0 means one. */
    int blocks = max_packet << 9 | (max_packet & 64) << 4;
    entry(n, direction)[1].half = (uint16_t)(direction == EP_OUT ? blocks : 0);
    ep_clear(n, direction == EP_OUT ? EP_RECEIVED : EP_SENT);
    ep_data0(n, direction);
    ep_set(n, direction, EP_NAK);
}

void ep_close(int n, enum ep_direction direction)
{
    ep_set(n, direction, EP_DISABLED);
}

int ep_events(int n)
{
    return (int)USB.EPR[n] & (EP_SENT | EP_RECEIVED | EP_SETUP);
}

int ep_take_event(int n)
{
    uint32_t epr = USB.EPR[n], event = epr & EP_SENT ? EP_SENT : epr & EP_RECEIVED;
    USB.EPR[n] = (epr & EPR_PLAIN) | (EPR_KEEP_CTR & ~event);
    return (int)event;
}

__attribute__((noinline)) void ep_clear(int n, int events)
{
    USB.EPR[n] = (USB.EPR[n] & EPR_PLAIN) | (EPR_KEEP_CTR & ~(uint32_t)events);
}

/* These two loops are most of what a byte costs on its way through USB. */
__attribute__((optimize("O2", "align-loops=8")))
int ep_read(int n, uint8_t *bytes, int size)
{
    struct pma *from = &PMA[entry(n, EP_OUT)[0].half / 2];
    int count = entry(n, EP_OUT)[1].half & 0x3FF;
    if (count > size)
        count = size;
    int left = count;
    for (; left >= 4; left -= 4, from += 2, bytes += 4)
        ((struct word *)bytes)->value = from[0].half | (uint32_t)from[1].half << 16;
    for (; left > 0; left -= 2, from++, bytes += 2) {
        uint32_t pair = from->half;
        bytes[0] = (uint8_t)pair;
        if (left > 1)
            bytes[1] = (uint8_t)(pair >> 8);
    }
    return count;
}

/* A store to packet memory takes the bus four cycles.  In this order the core does something
 * else meanwhile; GCC would put the stores together at the end. */
__attribute__((optimize("O2", "align-loops=8", "no-schedule-insns", "no-schedule-insns2")))
void ep_write(int n, int other, const uint8_t *bytes, int length)
{
    struct pma *to = &PMA[(entry(n, EP_IN)[0].half ^ other) / 2];
    for (; length > 0; length -= 8, to += 4, bytes += 8) {
        uint32_t first = ((const struct word *)bytes)[0].value;
        uint32_t second = ((const struct word *)bytes)[1].value;
        to[0].half = (uint16_t)first;
        to[1].half = (uint16_t)(first >> 16);
        to[2].half = (uint16_t)second;
        to[3].half = (uint16_t)(second >> 16);
    }
}

void ep_next(int n, int other, int length)
{
    struct pma *row = entry(n, EP_IN);
    row[0].half = (uint16_t)(row[0].half ^ other);
    row[1].half = (uint16_t)length;
}

__attribute__((noinline)) void ep_send(int n, int other, int length)
{
    ep_next(n, other, length);
    USB.EPR[n] = (USB.EPR[n] & EPR_PLAIN) | EPR_KEEP_CTR | (EP_NAK ^ EP_VALID) << 4;
}

_Static_assert((int)BUS_RESET == USB_RESET && (int)BUS_SUSPEND == USB_SUSP
               && (int)BUS_WAKEUP == USB_WKUP && (int)BUS_FRAME == USB_SOF
               && (int)BUS_TRANSFER == USB_CTR && (BUS_ENDPOINT & USB_ISTR_EP_ID) == 7,
               "RM0008 23.5.1");

int ep_bus_events(void)
{
    int istr = (int)USB.ISTR;
    if (!(istr & BUS_TRANSFER))
        USB.ISTR = (uint16_t)~istr;
    return istr;
}

void ep_address(uint8_t address)
{
    USB.DADDR = (uint32_t)(USB_DADDR_EF | address);
}

void ep_sleep(bool asleep)
{
    uint32_t cntr = USB.CNTR & ~(uint32_t)USB_CNTR_FSUSP;
    USB.CNTR = asleep ? cntr | USB_CNTR_FSUSP : cntr;
}

/* The pull-up on D+ is a resistor that nobody can switch, so "unplugged" means holding D+
 * low.  As long as the block is powered, PA12 is its pin and not ours (23.4.2). */
void ep_detach(void)
{
    NVIC.ICER[IRQ_USB_LP / 32] = 1 << IRQ_USB_LP % 32;
    RCC.APB1ENR |= RCC_APB1_USB;
    USB.CNTR = USB_CNTR_FRES | USB_CNTR_PDWN;
    RCC.APB2ENR |= RCC_APB2_GPIOA;
    pin_write(&GPIOA, DP_PIN, 0);
    pin_mode(&GPIOA, DP_PIN, PIN_OUTPUT_SLOW);
}

void ep_attach(void)
{
    ep_detach();
    clock_wait_us(PULL_DOWN_MS * 1000);
    pin_mode(&GPIOA, DP_PIN, PIN_INPUT);

    USB.CNTR = USB_CNTR_FRES;           /* 23.4.2: analog part on, ... */
    clock_wait_us(2);                   /* ... t_STARTUP is 1 us, ... */
    USB.CNTR = 0;                       /* ... then out of reset */
    USB.ISTR = 0;
    USB.BTABLE = 0;
    USB.CNTR = USB_CTR | USB_RESET | USB_SUSP | USB_WKUP | USB_SOF;
    NVIC.ISER[IRQ_USB_LP / 32] = 1 << IRQ_USB_LP % 32;
}
