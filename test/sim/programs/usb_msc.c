/* usb_msc.c - a disk of 16 KB in RAM: mass storage, bulk only transport, SCSI. */
#include "usb.h"

static const uint8_t device[18] = { 18, 1, 0, 2, 0, 0, 0, 64, 0x09, 0x12, 0x12, 0, 0, 1, 1, 2,
                                    3, 1 };
static const uint8_t configuration[] = {
    9, 2, 32, 0, 1, 1, 0, 0x80, 50,
    9, 4, 0, 0, 2, 8, 6, 0x50, 0,
    7, 5, 0x81, 2, 64, 0, 0,
    7, 5, 0x02, 2, 64, 0, 0,
};
enum { BLOCK = 512, BLOCKS = 32 };

static uint8_t disk[BLOCKS * BLOCK];
static uint8_t command[31], status[13], reply[36], sense;
static enum { COMMAND, TO_HOST, FROM_HOST, STATUS } phase;
static const uint8_t *out;                      /* to the host */
static uint8_t *in;                             /* from the host */
static uint32_t left, wanted, moved;            /* wanted: what the host's command says */
static bool in_halted, out_halted;              /* the host has to clear it first */

static uint32_t big(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t little(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put_big(uint8_t *p, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void say_status(bool good)
{
    uint32_t residue = wanted - moved;
    for (int i = 0; i < 8; i++)
        status[i] = i < 4 ? (uint8_t)"USBS"[i] : command[i];
    for (int i = 0; i < 4; i++)
        status[8 + i] = (uint8_t)(residue >> 8 * i);
    status[12] = !good;
    phase = STATUS;
    send_packet(1, status, 13);
}

static void send_more(void)
{
    uint32_t length = left < PACKET ? left : PACKET;
    if (!length) {
        say_status(!sense);
        return;
    }
    phase = TO_HOST;
    send_packet(1, out, (int)length);
    out += length;
    left -= length;
    moved += length;
}

static void give(const uint8_t *data, uint32_t length)
{
    out = data;
    left = length < wanted ? length : wanted;
    send_more();
}

/* What cannot be done: the data stage is ended by a stall, the status says why to ask. */
static void refuse(uint8_t why)
{
    sense = why;
    if (!wanted) {
        say_status(false);
    } else if (command[12] & 0x80) {
        in_halted = true;                       /* the status goes when that is cleared */
        set_status(1, STAT_TX, TX_STALL);
    } else {
        out_halted = true;
        set_status(2, STAT_RX, RX_STALL);
        say_status(false);
    }
}

static bool inside(uint32_t block, uint32_t count)
{
    return block <= BLOCKS && count <= BLOCKS - block;
}

static void read_or_write(const uint8_t *scsi)
{
    uint32_t block = big(scsi + 2), count = (uint32_t)scsi[7] << 8 | scsi[8];
    if (!inside(block, count)) {
        refuse(0x21);
    } else if (scsi[0] == 0x28) {
        give(disk + block * BLOCK, count * BLOCK);
    } else {
        in = disk + block * BLOCK;
        left = count * BLOCK;
        phase = FROM_HOST;
    }
}

static void execute(const uint8_t *scsi)
{
    for (uint32_t i = 0; i < sizeof reply; i++)
        reply[i] = 0;
    uint8_t last_sense = sense;
    sense = 0;
    switch (scsi[0]) {
    case 0x03:                                  /* REQUEST SENSE */
        reply[0] = 0x70;
        reply[2] = last_sense ? 5 : 0;
        reply[7] = 10;
        reply[12] = last_sense;
        give(reply, 18);
        return;
    case 0x12:                                  /* INQUIRY */
        reply[1] = 0x80;
        reply[2] = 4;
        reply[3] = 2;
        reply[4] = 31;
        for (int i = 0; i < 28; i++)
            reply[8 + i] = (uint8_t)"Pillbug RAM disk        1.0 "[i];
        give(reply, 36);
        return;
    case 0x1A:                                  /* MODE SENSE(6) */
        reply[0] = 3;
        give(reply, 4);
        return;
    case 0x25:                                  /* READ CAPACITY(10) */
        put_big(reply, BLOCKS - 1);
        put_big(reply + 4, BLOCK);
        give(reply, 8);
        return;
    case 0x28:
    case 0x2A:
        read_or_write(scsi);
        return;
    case 0x00:                                  /* TEST UNIT READY */
    case 0x1B:                                  /* START STOP UNIT */
    case 0x1E:                                  /* PREVENT ALLOW MEDIUM REMOVAL */
    case 0x35:                                  /* SYNCHRONIZE CACHE */
        say_status(true);
        return;
    default:
        refuse(0x20);
    }
}

static void received(int endpoint, const uint8_t *data, int length)
{
    (void)endpoint;
    out_halted = false;
    if (phase == FROM_HOST) {
        for (int i = 0; i < length && left; i++, left--, moved++)
            *in++ = data[i];
        if (!left)
            say_status(true);
    } else if (length == 31 && little(data) == 0x43425355) {
        for (int i = 0; i < 31; i++)
            command[i] = data[i];
        wanted = little(command + 8);
        moved = 0;
        execute(command + 15);
    }
    if (!out_halted)
        set_status(2, STAT_RX, RX_VALID);
}

static void sent(int endpoint)
{
    (void)endpoint;
    if (phase == TO_HOST)
        send_more();
    else
        phase = COMMAND;
}

static int class_request(const uint8_t *setup, const uint8_t **answer)
{
    static const uint8_t one_unit[1];
    *answer = one_unit;
    if (setup[0] == 0xA1 && setup[1] == 0xFE)   /* GET MAX LUN */
        return 1;
    if (setup[0] != 0x21 || setup[1] != 0xFF)   /* BULK-ONLY RESET */
        return -1;
    phase = COMMAND;
    in_halted = false;
    return 0;
}

static void class_data(const uint8_t *setup, const uint8_t *data, int length)
{
    (void)setup;
    (void)data;
    (void)length;
}

static void configured(void)
{
    open_endpoint(1, BULK, true, false);
    open_endpoint(2, BULK, false, true);
    phase = COMMAND;
    sense = 0;
    in_halted = out_halted = false;
}

int main(void)
{
    for (uint32_t i = 0; i < sizeof disk; i++)
        disk[i] = (uint8_t)(i / BLOCK);
    usb_begin();
    for (;;) {
        usb_poll();
        if (in_halted && (EPR(1) & STAT_TX) == TX_NAK) {
            in_halted = false;
            say_status(false);
        }
    }
}
