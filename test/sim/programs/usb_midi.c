/* usb_midi.c - a MIDI port that sends back each event a semitone higher: USB MIDI 1.0, an
 * audio control interface without endpoints and a streaming one with two bulk endpoints,
 * whose descriptors have the audio class's nine bytes. */
#include "usb.h"

static const uint8_t device[18] = { 18, 1, 0, 2, 0, 0, 0, 64, 0x09, 0x12, 0x13, 0, 0, 1, 1, 2,
                                    3, 1 };
static const uint8_t configuration[] = {
    9, 2, 101, 0, 2, 1, 0, 0x80, 50,
    9, 4, 0, 0, 0, 1, 1, 0, 0,
    9, 0x24, 1, 0, 1, 9, 0, 1, 1,
    9, 4, 1, 0, 2, 1, 3, 0, 0,
    7, 0x24, 1, 0, 1, 65, 0,
    6, 0x24, 2, 1, 1, 0,
    6, 0x24, 2, 2, 2, 0,
    9, 0x24, 3, 1, 3, 1, 2, 1, 0,
    9, 0x24, 3, 2, 4, 1, 1, 1, 0,
    9, 5, 0x01, 2, 64, 0, 0, 0, 0,
    5, 0x25, 1, 1, 1,
    9, 5, 0x81, 2, 64, 0, 0, 0, 0,
    5, 0x25, 1, 1, 3,
};

static void configured(void) { open_endpoint(1, BULK, true, true); }

static int class_request(const uint8_t *setup, const uint8_t **answer)
{
    (void)setup;
    (void)answer;
    return -1;
}

static void class_data(const uint8_t *setup, const uint8_t *data, int length)
{
    (void)setup;
    (void)data;
    (void)length;
}

static uint8_t events[PACKET];

/* An event is cable and kind, then three bytes of MIDI; 8 and 9 are notes. */
static void received(int endpoint, const uint8_t *data, int length)
{
    (void)endpoint;
    for (int i = 0; i < length; i++)
        events[i] = data[i];
    for (int i = 0; i + 3 < length; i += 4)
        if ((events[i] & 0xE) == 8)
            events[i + 2]++;
    send_packet(1, events, length);             /* the next is taken when this has gone */
}

static void sent(int endpoint)
{
    (void)endpoint;
    set_status(1, STAT_RX, RX_VALID);
}

int main(void)
{
    usb_begin();
    for (;;)
        usb_poll();
}
