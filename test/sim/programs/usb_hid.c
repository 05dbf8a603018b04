/* usb_hid.c - a mouse that goes round in a square, and a keyboard's LEDs: HID 1.11, an
 * interrupt IN endpoint of 10 ms and an OUT endpoint of 20 ms. */
#include "usb.h"

static const uint8_t device[18] = { 18, 1, 0, 2, 0, 0, 0, 64, 0x09, 0x12, 0x11, 0, 0, 1, 1, 2,
                                    3, 1 };
static const uint8_t report[] = {
    0x05, 1, 0x09, 2, 0xA1, 1, 0x09, 1, 0xA1, 0, 0x05, 9, 0x19, 1, 0x29, 3, 0x15, 0, 0x25, 1,
    0x95, 3, 0x75, 1, 0x81, 2, 0x95, 1, 0x75, 5, 0x81, 1, 0x05, 1, 0x09, 0x30, 0x09, 0x31,
    0x15, 0x81, 0x25, 0x7F, 0x75, 8, 0x95, 2, 0x81, 6, 0xC0, 0x05, 8, 0x19, 1, 0x29, 5,
    0x15, 0, 0x25, 1, 0x95, 5, 0x75, 1, 0x91, 2, 0x95, 1, 0x75, 3, 0x91, 1, 0xC0,
};
static const uint8_t configuration[] = {
    9, 2, 41, 0, 1, 1, 0, 0x80, 50,
    9, 4, 0, 0, 2, 3, 0, 0, 0,
    9, 0x21, 0x11, 1, 0, 1, 0x22, sizeof report, 0,
    7, 5, 0x81, 3, 8, 0, 10,
    7, 5, 0x02, 3, 8, 0, 20,
};
enum { STEPS = 4 };
static const int8_t square[STEPS][2] = { { 5, 0 }, { 0, 5 }, { -5, 0 }, { 0, -5 } };

static uint32_t moves, leds, idle;

static void move(void)
{
    const int8_t *step = square[moves++ % STEPS];
    send_packet(1, (const uint8_t[]){ 0, (uint8_t)step[0], (uint8_t)step[1] }, 3);
}

static void configured(void)
{
    open_endpoint(1, INTERRUPT, true, false);
    open_endpoint(2, INTERRUPT, false, true);
    move();
}

static int class_request(const uint8_t *setup, const uint8_t **answer)
{
    static const uint8_t still[3];
    static uint8_t idle_rate[1];
    switch (setup[0] << 8 | setup[1]) {
    case 0x8106:                            /* GET_DESCRIPTOR of the interface */
        *answer = setup[3] == 0x22 ? report : configuration + 18;
        return setup[3] == 0x22 ? (int)sizeof report : setup[3] == 0x21 ? 9 : -1;
    case 0xA101: *answer = still; return 3;
    case 0xA102: idle_rate[0] = (uint8_t)idle; *answer = idle_rate; return 1;
    case 0x210A: idle = setup[3]; return 0;
    case 0x2109: return 0;                  /* SET_REPORT: data follow */
    default:     return -1;
    }
}

static void class_data(const uint8_t *setup, const uint8_t *data, int length)
{
    (void)setup;
    if (length)
        leds = data[0];
}

static void received(int endpoint, const uint8_t *data, int length)
{
    (void)endpoint;
    if (length)
        leds = data[0];
    REG(0x20000008) = leds;
    set_status(2, STAT_RX, RX_VALID);
}

static void sent(int endpoint)
{
    (void)endpoint;
    move();
}

int main(void)
{
    usb_begin();
    for (;;)
        usb_poll();
}
