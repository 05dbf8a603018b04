/* fuzz_rsp.c - can any bytes at all wedge or crash the GDB server?
 *
 *   fuzz_rsp [PACKETS [SEED]]          default a million, always the same
 *
 * rsp.c, gdb_*.c, swbreak.c and monitor.c under ASan and UBSan, with the fake target
 * of test/unit/gdb_fakes.c.  Packets are real ones with bytes changed, dropped, doubled
 * and joined; the target fails, stops and vanishes at random; the port closes, the host
 * stops reading.  What comes back must be whole packets with right checksums, and every
 * thousand packets the server must still answer '!' with OK.
 *
 * Linked with the files of unit_rsp. */
#include "../unit/gdb_fakes.h"
#include "gdb_remote.h"
#include "rsp.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const seeds[] = {
    "qSupported:multiprocess+;swbreak+;hwbreak+;error-message+", "!", "?", "g", "k", "D",
    "QStartNoAckMode", "QEnableErrorStrings", "QNonStop:1", "Hg0", "Hc-1", "Hgp1.-1", "T1",
    "vAttach;1", "vAttach;1", "vAttach;1", "vRun;", "vKill;1", "R00", "r", "qC", "qfThreadInfo",
    "G0000000000000000000000000000000000000000", "p10", "p18", "P3=12345678",
    "P18=0102030405060708", "m20000000,40", "m2000fff0,ffff", "mffffffff,ffffffff",
    "M20000000,4:12345678", "x20000000,100", "x0,ffffffff", "X20000000,4:abcd",
    "X20000000,3:}\x03}\x04}]", "X0,0:", "Z0,20000100,2", "z0,20000100,2", "Z0,100,2",
    "Z1,200,3", "z1,200,3", "Z2,20000010,4", "Z3,20000010,4", "Z4,20000010,4",
    "z2,20000010,4", "c", "s", "C05", "S05;300", "c200", "vCont?", "vCont;c", "vCont;s:1;c",
    "vCont;r100,180:1", "vCont;t", "vCont;S05:p1.1;C05", "vFlashErase:0,1000",
    "vFlashErase:fffffff0,20", "vFlashWrite:100:abcdefgh", "vFlashDone",
    "qXfer:features:read:target.xml:0,fff", "qXfer:features:read:target.xml:100,ffffffff",
    "qXfer:memory-map:read::0,40", "qXfer:memory-map:read::ffffffff,ffffffff",
    "qCRC:20000000,100", "qSearch:memory:20000000;8000;abcd", "qSearch:memory:0;ffffffff;a",
    "qMemoryRegionInfo:20000000", "qThreadExtraInfo,1", "qThreadStopInfo1", "qHostInfo",
    "qProcessInfo", "qWatchpointSupportInfo:", "qAttached:1", "vMustReplyEmpty",
    "qRcmd,68656c70", "qRcmd,76657273696f6e", "qRcmd,737764705f7363616e",
    "qRcmd,6572617365206d617373", "qRcmd,65726173655f72616e676520302031303030",
    "qRcmd,766563746f725f636174636820656e61626c652068617264", "qRcmd,7265736574203130",
    "qRcmd,6672657120322e354d", "qRcmd,647072656720302031", "qRcmd,61707265672030203078666320",
    "qRcmd,6120622063206420652066206720682069206a206b206c206d206e206f20702071207220732074",
};
enum { SEEDS = sizeof seeds / sizeof seeds[0], LONGEST = 5000 };

static uint64_t dice;

static uint32_t roll(uint32_t sides)
{
    dice ^= dice << 13, dice ^= dice >> 7, dice ^= dice << 17;
    return (uint32_t)(dice >> 32) % sides;
}

static int mutate(uint8_t *bytes, int length)
{
    for (uint32_t n = roll(4); n > 0 && length > 0; n--) {
        int at = (int)roll((uint32_t)length);
        switch (roll(6)) {
        case 0: bytes[at] = (uint8_t)roll(256); break;
        case 1: bytes[at] ^= (uint8_t)(1 << roll(8)); break;
        case 2: length = at; break;
        case 3: memmove(bytes + at, bytes + at + 1, (size_t)(length - at - 1)); length--; break;
        case 4: bytes[at] = (uint8_t)",;:#$}0f\x03-p+."[roll(13)]; break;
        case 5:
            for (uint32_t k = roll(300); k > 0 && length < LONGEST; k--)
                bytes[length++] = bytes[at];
            break;
        }
    }
    return length;
}

/* A load's packet, escaped where it must be: answered before it is executed. */
static int long_write(uint8_t *bytes)
{
    uint32_t count = 200 + roll(3700);
    int length = snprintf((char *)bytes, 40, roll(4) ? "X%x,%x:" : "vFlashWrite:%x:",
                          roll(4) ? 0x20000000 + roll(100) : roll(0x40000), count);

    while (count-- > 0 && length < RSP_PACKET_MAX - 1) {
        uint8_t byte = (uint8_t)roll(256);
        if (byte == '#' || byte == '$' || byte == '}') {
            bytes[length++] = '}';
            byte ^= 0x20;
        }
        bytes[length++] = byte;
    }
    return length;
}

static void send_one(void)
{
    static uint8_t bytes[2 * LONGEST];
    const char *seed = seeds[roll(SEEDS)];
    int length = (int)strlen(seed);

    memcpy(bytes, seed, (size_t)length);
    if (roll(30) == 0)
        length = long_write(bytes);
    if (length < 100 || roll(3) == 0)
        length = mutate(bytes, length);
    if (roll(2000) == 0)
        for (int i = length; i < LONGEST; i++)
            bytes[length++] = (uint8_t)('%' + roll(80));    /* nothing that ends it early */
    if (roll(20) == 0)
        fake_host_sends(bytes, length);             /* no frame at all */
    else
        fake_host_packet(bytes, length);
    if (roll(8) == 0)
        fake_host_sends(&"\x03+-\x04$#"[roll(6)], 1);
}

/* The world has a life of its own. */
static void disturb(void)
{
    fake.polls_left = (int)roll(4) - 1;
    fake.next.reason = (enum stop_reason)roll(STOP_LOST + 1);
    fake.next.address = roll(0xFFFFFFFF);
    fake.attach_error = roll(50) == 0 ? (int)roll(ERR_COUNT) : OK;
    fake.read_error = roll(20) == 0 ? (int)roll(ERR_COUNT) : OK;
    fake.write_error = roll(20) == 0 ? (int)roll(ERR_COUNT) : OK;
    fake.poll_error = roll(40) == 0 ? (int)roll(ERR_COUNT) : OK;
    fake.flash_error = roll(20) == 0 ? (int)roll(ERR_COUNT) : OK;
    fake.fpu = roll(2) == 0;
    fake.v6m = roll(2) == 0;
    fake.no_halt = roll(10) == 0;
    fake.count = roll(10) > 0;
    if (roll(100) == 0)
        fake.attached = false;
    if (roll(500) == 0)
        fake.openings++;
    if (roll(10) == 0)
        fake.ms += roll(3000);
    fake.out_room = roll(200) == 0 ? (int)roll(100) : 1 << 20;
}

static void fail(const char *what)
{
    printf("fuzz_rsp: %s\n", what);
    exit(1);
}

static long packets_seen;

/* Whole packets, right checksums, acks between them.  Not when output was cut. */
static void check_output(void)
{
    for (int i = 0; i < fake.out_count; i++) {
        uint8_t sum = 0;
        char tail[3] = "";
        if (fake.out[i] == '+' || fake.out[i] == '-')
            continue;
        if (fake.out[i] != '$')
            fail("a byte between packets");
        int start = ++i;
        for (; i < fake.out_count && fake.out[i] != '#'; i++) {
            sum = (uint8_t)(sum + fake.out[i]);
            if (fake.out[i] == '$')
                fail("a packet in a packet");
        }
        if (i + 2 >= fake.out_count)
            fail("half a packet");
        if (i - start > RSP_PACKET_MAX)
            fail("a packet that is too long");
        snprintf(tail, sizeof tail, "%02x", sum);
        if (memcmp(tail, fake.out + i + 1, 2) != 0)
            fail("a wrong checksum");
        i += 2;
        packets_seen++;
    }
}

static void must_be_alive(void)
{
    fake_run(200);
    fake.poll_error = fake.read_error = OK;
    fake.openings++;                                /* whatever it was: afresh */
    fake_run(200);
    fake.in_count = fake.in_at = fake.out_count = 0;
    fake.out_room = 1 << 20;
    if (strcmp(fake_ask("!"), "OK") != 0)
        fail("no answer any more");
    if (roll(2) == 0)
        fake_ask("QStartNoAckMode");
}

int main(int argc, char **argv)
{
    long packets = argc > 1 ? atol(argv[1]) : 1000000;

    dice = argc > 2 ? strtoull(argv[2], NULL, 0) : 0x9E3779B97F4A7C15;
    fake_power_on();
    for (long n = 0; n < packets; n++) {
        uint32_t openings = fake.openings;
        disturb();
        send_one();
        fake_run(4);
        if (fake.in_count > (int)sizeof fake.in / 2)
            fail("bytes are not taken any more");
        if (fake.out_room > 100 && fake.openings == openings && roll(4) == 0) {
            fake_run(50);
            fake.out_count = 0;
        }
        if (n % 1000 == 999)
            must_be_alive();
        if (n % 100 == 0) {                         /* a clean stretch, looked at closely */
            must_be_alive();
            send_one();
            fake_run(300);
            check_output();
        }
        fake.out_count = 0;
    }
    printf("fuzz_rsp: %ld packets sent, %ld answers looked at\n", packets, packets_seen);
    return 0;
}
