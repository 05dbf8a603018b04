/* usb.h - as much of a USB device as the small class programs share, polled, after RM0008 23
 * and USB 2.0 chapter 9.  A program brings descriptors and its class:
 *
 *   device, configuration    descriptors
 *   configured()             endpoints are to be opened
 *   class_request()          a request that is not standard, or names an interface: gives
 *                            what to answer (its length), or -1 to stall
 *   class_data()             the data of such a request from the host
 *   received(), sent()       a packet has come, one has gone
 *
 * Then usb_begin() and usb_poll() for ever. */
#include "start.h"

#define USB(reg) REG(0x40005C00 + (reg))
#define EPR(n)   USB(4 * (n))
#define PMA(at)  (*(volatile uint16_t *)(0x40006000 + 2 * (at)))
enum { CNTR = 0x40, ISTR = 0x44, DADDR = 0x4C, BTABLE = 0x50 };
enum { CTR = 1 << 15, RESET = 1 << 10, CTR_RX = 1 << 15, SETUP = 1 << 11, CTR_TX = 1 << 7,
       STAT_RX = 3 << 12, STAT_TX = 3 << 4, DTOG_RX = 1 << 14, DTOG_TX = 1 << 6,
       RX_VALID = 3 << 12, RX_STALL = 1 << 12, TX_VALID = 3 << 4, TX_NAK = 2 << 4,
       TX_STALL = 1 << 4, KEPT = 0x070F };
enum { BULK = 0 << 9, CONTROL = 1 << 9, INTERRUPT = 3 << 9 };
enum { PACKET = 64, TX = 0, RX = 4 };

static const uint8_t device[18];
static const uint8_t configuration[];
static void configured(void);
static int class_request(const uint8_t *setup, const uint8_t **answer);
static void class_data(const uint8_t *setup, const uint8_t *data, int length);
static void received(int endpoint, const uint8_t *data, int length);
static void sent(int endpoint);

static struct {
    uint8_t setup[8], packet[PACKET];
    const uint8_t *answer;
    int left, address;              /* address: to be taken when the status is over, -1 none */
    bool short_due, takes_data;
    uint8_t active;                 /* configuration */
} usb;

/* --- packets and endpoints --------------------------------------------------------- */

static uint32_t buffer_of(int n, int way) { return 0x40 + 128u * (unsigned)n + (way ? 64 : 0); }

static void set_status(int n, uint32_t mask, uint32_t status)
{
    uint32_t now = EPR(n);
    EPR(n) = (now & KEPT) | CTR_RX | CTR_TX | ((now ^ status) & mask);
}

static void open_endpoint(int n, uint32_t type, bool in, bool out)
{
    uint32_t now = EPR(n);
    PMA(8 * n + TX) = (uint16_t)buffer_of(n, TX);
    PMA(8 * n + RX) = (uint16_t)buffer_of(n, RX);
    PMA(8 * n + RX + 2) = 1 << 15 | 1 << 10;    /* 64 bytes */
    EPR(n) = type | (uint32_t)n | CTR_RX | CTR_TX | (now & (DTOG_RX | DTOG_TX)) |
             ((now ^ ((in ? TX_NAK : 0) | (out ? RX_VALID : 0))) & (STAT_RX | STAT_TX));
}

static void send_packet(int n, const uint8_t *data, int length)
{
    for (int i = 0; i < length; i += 2)
        PMA(buffer_of(n, TX) + (uint32_t)i) =
            (uint16_t)(data[i] | (i + 1 < length ? data[i + 1] << 8 : 0));
    PMA(8 * n + TX + 2) = (uint16_t)length;
    set_status(n, STAT_TX, TX_VALID);
}

static int take_packet(int n)
{
    int length = PMA(8 * n + RX + 2) & 0x3FF;
    for (int i = 0; i < length; i += 2) {
        uint16_t two = PMA(buffer_of(n, RX) + (uint32_t)i);
        usb.packet[i] = (uint8_t)two;
        if (i + 1 < PACKET)
            usb.packet[i + 1] = (uint8_t)(two >> 8);
    }
    return length;
}

/* --- endpoint 0 -------------------------------------------------------------------- */

static void answer_more(void)
{
    int length = usb.left < PACKET ? usb.left : PACKET;
    if (!length && !usb.short_due)
        return;
    usb.short_due = usb.short_due && length == PACKET;
    send_packet(0, usb.answer, length);
    usb.answer += length;
    usb.left -= length;
}

static void answer(const uint8_t *data, int length)
{
    int wanted = usb.setup[6] | usb.setup[7] << 8;
    usb.answer = data;
    usb.short_due = length < wanted || wanted == 0;
    usb.left = length < wanted ? length : wanted;
    answer_more();
    set_status(0, STAT_RX, RX_VALID);           /* for the status */
}

static int descriptor(const uint8_t **data)
{
    static const uint8_t language[] = { 4, 3, 9, 4 }, name[] = { 10, 3, 'T', 0, 'e', 0, 's', 0,
                                                                't', 0 };
    switch (usb.setup[3]) {
    case 1:  *data = device; return 18;
    case 2:  *data = configuration; return configuration[2] | configuration[3] << 8;
    case 3:  *data = usb.setup[2] ? name : language; return **data;
    default: return -1;
    }
}

static void change_halt(bool halt)
{
    int n = usb.setup[4] & 15;
    bool in = usb.setup[4] & 0x80;
    if (halt)
        set_status(n, in ? STAT_TX : STAT_RX, in ? TX_STALL : RX_STALL);
    else if (in)                                /* with its toggle back at DATA0 */
        EPR(n) = (EPR(n) & (KEPT | DTOG_TX)) | CTR_RX | CTR_TX |
                 ((EPR(n) ^ TX_NAK) & STAT_TX);
    else
        EPR(n) = (EPR(n) & (KEPT | DTOG_RX)) | CTR_RX | CTR_TX |
                 ((EPR(n) ^ RX_VALID) & STAT_RX);
}

static int standard_request(const uint8_t **data)
{
    static uint8_t zero[2], value[1];
    *data = zero;
    switch (usb.setup[1]) {
    case 0:  return 2;                          /* GET_STATUS */
    case 1:                                     /* CLEAR_FEATURE */
    case 3:                                     /* SET_FEATURE */
        if (usb.setup[0] == 2)
            change_halt(usb.setup[1] == 3);
        return 0;
    case 5:  usb.address = usb.setup[2]; return 0;
    case 6:  return descriptor(data);
    case 8:  value[0] = usb.active; *data = value; return 1;
    case 9:
        usb.active = usb.setup[2];
        configured();
        return 0;
    case 10: return 1;                          /* GET_INTERFACE: setting 0 */
    case 11: return 0;
    default: return -1;
    }
}

static void take_setup(void)
{
    const uint8_t *data = NULL;
    take_packet(0);
    for (int i = 0; i < 8; i++)
        usb.setup[i] = usb.packet[i];
    usb.takes_data = !(usb.setup[0] & 0x80) && usb.setup[6];
    bool for_class = usb.setup[0] & 0x60 || usb.setup[0] == 0x81;
    int length = for_class ? class_request(usb.setup, &data) : standard_request(&data);
    if (length < 0)
        set_status(0, STAT_TX | STAT_RX, TX_STALL | RX_STALL);
    else if (usb.takes_data)
        set_status(0, STAT_RX, RX_VALID);
    else
        answer(data, length);
}

static void endpoint_0(uint32_t state)
{
    if (state & CTR_TX) {
        EPR(0) = (EPR(0) & KEPT) | CTR_RX;
        if (usb.address >= 0)
            USB(DADDR) = 0x80 | (uint32_t)usb.address;
        usb.address = -1;
        answer_more();
    }
    if (state & CTR_RX) {
        bool setup = EPR(0) & SETUP;
        EPR(0) = (EPR(0) & KEPT) | CTR_TX;
        if (setup) {
            take_setup();
        } else if (usb.takes_data) {
            int length = take_packet(0);
            usb.takes_data = false;
            class_data(usb.setup, usb.packet, length);
            usb.setup[6] = usb.setup[7] = 0;
            answer(NULL, 0);
        } else {
            set_status(0, STAT_RX, RX_VALID);
        }
    }
}

/* --- events ------------------------------------------------------------------------ */

static void bus_reset(void)
{
    USB(BTABLE) = 0;
    usb.active = 0;
    usb.address = -1;
    usb.left = 0;
    usb.short_due = usb.takes_data = false;
    open_endpoint(0, CONTROL, true, true);
    USB(DADDR) = 0x80;
}

static void endpoint_event(int n)
{
    uint32_t state = EPR(n);
    if (n == 0) {
        endpoint_0(state);
        return;
    }
    if (state & CTR_TX) {
        EPR(n) = (EPR(n) & KEPT) | CTR_RX;
        sent(n);
    }
    if (state & CTR_RX) {
        EPR(n) = (EPR(n) & KEPT) | CTR_TX;
        int length = take_packet(n);
        received(n, usb.packet, length);
    }
}

static void usb_poll(void)
{
    uint32_t istr = USB(ISTR);
    if (istr & RESET) {
        USB(ISTR) = (uint16_t)~RESET;
        bus_reset();
    } else if (istr & CTR) {
        endpoint_event((int)(istr & 15));
    }
}

static void usb_begin(void)
{
    REG(0x40022000) = 0x12;
    REG(0x40021000) |= 1 << 16;
    while (!(REG(0x40021000) & 1 << 17))
        ;
    REG(0x40021004) = 0x001D0400;           /* 72 MHz, PCLK1 36, USB 48 */
    REG(0x40021000) |= 1 << 24;
    while (!(REG(0x40021000) & 1 << 25))
        ;
    REG(0x40021004) |= 2;
    while ((REG(0x40021004) & 0xC) != 8)
        ;
    REG(0x4002101C) |= 1 << 23;
    USB(CNTR) = 1;                          /* out of power-down, still in reset */
    for (volatile int i = 0; i < 100; i++)  /* tSTARTUP: 1 us */
        ;
    USB(CNTR) = 0;
    USB(ISTR) = 0;
    bus_reset();
}
