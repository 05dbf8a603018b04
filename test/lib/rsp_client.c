/* rsp_client.c - see rsp_client.h.  GDB manual, appendix E. */
#include "rsp_client.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the images are: the Makefile runs tests with BUILD in the environment. */
static const char *build_path(const char *name)
{
    static char path[512];
    const char *build = getenv("BUILD");

    snprintf(path, sizeof path, "%s/%s", build ? build : "build", name);
    return path;
}

static bool not_configured(void *ctx)
{
    struct rsp *rsp = ctx;
    return !cdc_host_configured(rsp->cdc);
}

bool rsp_plug_in(struct rsp *rsp)
{
    rsp->no_ack = false;
    rsp->raw_length = 0;
    rsp->packet_size = 0;
    if (!board_run_while(rsp->board, not_configured, rsp, 2000))
        return false;
    cdc_host_open(rsp->cdc, 0, true);
    board_run_ms(rsp->board, 5);
    return true;
}

struct rsp *rsp_build(const struct board_options *options)
{
    struct rsp *rsp = calloc(1, sizeof *rsp);
    char error[512];

    rsp->board = board_new(options, error, sizeof error);
    if (!rsp->board) {
        fprintf(stderr, "the board does not start: %s\n", error);
        exit(2);
    }
    rsp->cdc = cdc_host_new(rsp->board->usb);
    return rsp;
}

struct rsp *rsp_build_usual(const char *target)
{
    struct board_options options = {
        .flash = { build_path("pillbug.bin") }, .flash_count = 1, .flash_kb = 64,
        .board = "bluepill", .target = target,
    };

    return rsp_build(&options);
}

static struct rsp *plugged_in(struct rsp *rsp)
{
    if (!rsp_plug_in(rsp)) {
        fprintf(stderr, "the board does not enumerate\n");
        exit(2);
    }
    return rsp;
}

struct rsp *rsp_power_on_with(const struct board_options *options)
{
    return plugged_in(rsp_build(options));
}

struct rsp *rsp_power_on(const char *target)
{
    return plugged_in(rsp_build_usual(target));
}

int rsp_power_off(struct rsp *rsp)
{
    int status = stats_exit_status(rsp->board);

    cdc_host_free(rsp->cdc);
    board_free(rsp->board);
    free(rsp);
    return status;
}

double rsp_now_ms(const struct rsp *rsp)
{
    return (double)rsp->board->sim->now / (double)SIM_MS;
}

void rsp_send_raw(struct rsp *rsp, const void *bytes, int length)
{
    cdc_host_write(rsp->cdc, 0, bytes, length);
}

void rsp_send(struct rsp *rsp, const char *packet, int length)
{
    static char frame[140000];
    int n = 0;
    uint8_t sum = 0;

    frame[n++] = '$';
    for (int i = 0; i < length; i++) {
        char c = packet[i];
        if (c == '$' || c == '#' || c == '}' || c == '*') {
            frame[n++] = '}';
            c ^= 0x20;
        }
        frame[n++] = c;
    }
    for (int i = 1; i < n; i++)
        sum = (uint8_t)(sum + (uint8_t)frame[i]);
    n += snprintf(frame + n, 4, "#%02x", sum);
    rsp_send_raw(rsp, frame, n);
}

/* Moves what came into raw[]; true if nothing has come yet (for board_run_while). */
static bool nothing_came(void *ctx)
{
    struct rsp *rsp = ctx;
    int room = (int)sizeof rsp->raw - rsp->raw_length;
    int n = cdc_host_read(rsp->cdc, 0, rsp->raw + rsp->raw_length, room);

    rsp->raw_length += n;
    return n == 0;
}

/* Next byte of the stream, or -1 when none comes before the time is over. */
static int next_byte(struct rsp *rsp, double until_ms)
{
    if (rsp->raw_length == 0) {
        double left = until_ms - rsp_now_ms(rsp);
        if (left <= 0 || !board_run_while(rsp->board, nothing_came, rsp, left))
            return -1;
    }
    int byte = rsp->raw[0];
    memmove(rsp->raw, rsp->raw + 1, (size_t)--rsp->raw_length);
    return byte;
}

bool rsp_receive(struct rsp *rsp, double limit_ms)
{
    double until = rsp_now_ms(rsp) + limit_ms;
    int c;

    while ((c = next_byte(rsp, until)) != '$') {
        if (c < 0)
            return false;
        if (c == '-')
            rsp->naks++;
    }
    uint8_t sum = 0;
    rsp->length = 0;
    while ((c = next_byte(rsp, until)) != '#') {
        if (c < 0)
            return false;
        sum = (uint8_t)(sum + c);
        if (c == '}') {
            c = next_byte(rsp, until);
            if (c < 0)
                return false;
            sum = (uint8_t)(sum + c);
            c ^= 0x20;
        }
        if (rsp->length < (int)sizeof rsp->reply - 1)
            rsp->reply[rsp->length++] = (char)c;
    }
    rsp->reply[rsp->length] = 0;
    char digits[3] = { (char)next_byte(rsp, until), (char)next_byte(rsp, until), 0 };
    if (strtol(digits, NULL, 16) != sum) {
        fprintf(stderr, "reply with a wrong checksum: %s\n", rsp->reply);
        rsp_send_raw(rsp, "-", 1);
        return rsp_receive(rsp, until - rsp_now_ms(rsp));
    }
    if (!rsp->no_ack)
        rsp_send_raw(rsp, "+", 1);
    return true;
}

static int unhex(const char *hex, char *bytes)
{
    int n = 0;
    unsigned byte;

    while (sscanf(hex + 2 * n, "%2x", &byte) == 1)
        bytes[n++] = (char)byte;
    return n;
}

/* Takes packets until one is a reply; text of console packets is kept. */
const char *rsp_reply(struct rsp *rsp, double limit_ms)
{
    while (rsp_receive(rsp, limit_ms)) {
        bool console = rsp->reply[0] == 'O' && strcmp(rsp->reply, "OK") != 0;
        if (!console)
            return rsp->reply;
        size_t end = strlen(rsp->console);
        if (end + (size_t)rsp->length < sizeof rsp->console)
            rsp->console[end + (size_t)unhex(rsp->reply + 1, rsp->console + end)] = 0;
    }
    rsp->reply[rsp->length = 0] = 0;
    return rsp->reply;
}

const char *rsp_ask(struct rsp *rsp, const char *format, ...)
{
    static char packet[70000];
    va_list args;

    va_start(args, format);
    int n = vsnprintf(packet, sizeof packet, format, args);
    va_end(args);
    rsp_send(rsp, packet, n);
    return rsp_reply(rsp, 60000);
}

int rsp_listen(struct rsp *rsp, int port, double ms, char *text, int size)
{
    int length = 0;

    for (double end = rsp_now_ms(rsp) + ms; rsp_now_ms(rsp) < end;) {
        board_run_ms(rsp->board, 1);
        length += cdc_host_read(rsp->cdc, port, text + length, size - 1 - length);
    }
    text[length] = '\0';
    return length;
}

void rsp_forget_console(struct rsp *rsp)
{
    rsp->console[0] = 0;
}

const char *rsp_monitor(struct rsp *rsp, const char *text)
{
    char packet[1024] = "qRcmd,";

    for (size_t i = 0; text[i] && i < 500; i++)
        snprintf(packet + 6 + 2 * i, 3, "%02x", (uint8_t)text[i]);
    rsp_forget_console(rsp);
    rsp_ask(rsp, "%s", packet);
    return rsp->console;
}

bool rsp_attach(struct rsp *rsp)
{
    if (strcmp(rsp_ask(rsp, "QStartNoAckMode"), "OK") == 0)
        rsp->no_ack = true;
    rsp_monitor(rsp, "swdp_scan");
    if (strcmp(rsp->reply, "OK") != 0)
        return false;
    return rsp_ask(rsp, "vAttach;1")[0] == 'T';
}

bool rsp_read(struct rsp *rsp, uint32_t address, void *bytes, int length)
{
    char *to = bytes;

    while (length > 0) {
        int n = length < 1024 ? length : 1024;
        rsp_ask(rsp, "m%x,%x", address, n);
        if (rsp->length != 2 * n)
            return false;
        unhex(rsp->reply, to);
        address += (uint32_t)n;
        to += n;
        length -= n;
    }
    return true;
}

static bool is_special(uint8_t c)
{
    return c == '$' || c == '#' || c == '}' || c == '*';
}

/* How much data gdb puts into one packet of `room` bytes: as much as fits once escaped, but
 * so that the next packet begins at a multiple of 16 (align_for_efficient_write in gdb's
 * remote.c; compared with the log of a real gdb 13, see rsp_load_flash()). */
static int gdb_share(uint32_t address, const uint8_t *bytes, int length, int room)
{
    int used = 0;

    while (used < length && (room -= is_special(bytes[used]) ? 2 : 1) >= 0)
        used++;
    if (used == length)
        return used;
    int aligned = (int)(((address + (uint32_t)used) & ~15u) - address);
    return aligned > 0 ? aligned : used;
}

/* A packet "HEAD:binary" and its reply. */
static bool send_binary(struct rsp *rsp, const char *head, const uint8_t *bytes, int length)
{
    static char packet[70000];
    int n = snprintf(packet, sizeof packet, "%s", head);

    memcpy(packet + n, bytes, (size_t)length);
    rsp_send(rsp, packet, n + length);
    return strcmp(rsp_reply(rsp, 60000), "OK") == 0;
}

bool rsp_write(struct rsp *rsp, uint32_t address, const void *bytes, int length)
{
    const uint8_t *from = bytes;

    while (length > 0) {
        char head[40];
        int n = length < 900 ? length : 900;
        snprintf(head, sizeof head, "X%x,%x:", address, n);
        if (!send_binary(rsp, head, from, n))
            return false;
        address += (uint32_t)n;
        from += n;
        length -= n;
    }
    return true;
}

int rsp_packet_size(struct rsp *rsp)
{
    if (!rsp->packet_size) {
        const char *size = strstr(rsp_ask(rsp, "qSupported:hwbreak+;swbreak+"), "PacketSize=");
        rsp->packet_size = size ? (int)strtol(size + 11, NULL, 16) : 400;
    }
    return rsp->packet_size;
}

enum { FRAMING = 4 };                  /* "$" and "#xx" count towards PacketSize */

/* The packets of `load` are those that Debian's gdb 13.1 sent (set remotelogfile) for
 * 32 KB of random bytes into a SAMD21's flash and 16 KB into its RAM, with PacketSize=1000:
 * the same commands in the same order, and the same sizes packet by packet (4000, 4016, ...
 * bytes of data).  Not sent here are qCRC, which `load` does not send, and what gdb asks
 * around a load: g, and Pf=.  gdb's empty X packet, by which it asks once whether X is known,
 * is the caller's. */
bool rsp_load_flash(struct rsp *rsp, uint32_t address, const void *bytes, int length,
                    uint32_t page)
{
    const uint8_t *from = bytes;
    int size = rsp_packet_size(rsp);
    uint32_t first = address / page * page;
    uint32_t end = (address + (uint32_t)length + page - 1) / page * page;

    if (strcmp(rsp_ask(rsp, "vFlashErase:%08x,%08x", first, end - first), "OK") != 0)
        return false;
    while (length > 0) {
        char head[40];
        int room = size - FRAMING - snprintf(head, sizeof head, "vFlashWrite:%x:", address);
        int n = gdb_share(address, from, length, room);
        if (!send_binary(rsp, head, from, n))
            return false;
        address += (uint32_t)n;
        from += n;
        length -= n;
    }
    return strcmp(rsp_ask(rsp, "vFlashDone"), "OK") == 0;
}

bool rsp_send_ram(struct rsp *rsp, uint32_t address, const void *bytes, int length)
{
    const uint8_t *from = bytes;
    int size = rsp_packet_size(rsp);

    while (length > 0) {
        char head[40];
        int room = size - FRAMING - snprintf(head, sizeof head, "X%x,%x:", address,
                                             length < size ? length : size - 1);
        int n = gdb_share(address, from, length, room);
        snprintf(head, sizeof head, "X%x,%x:", address, n);
        if (!send_binary(rsp, head, from, n))
            return false;
        address += (uint32_t)n;
        from += n;
        length -= n;
    }
    return true;
}

/* A long write may be confirmed before it is done; qC comes after it. */
bool rsp_load_ram(struct rsp *rsp, uint32_t address, const void *bytes, int length)
{
    return rsp_send_ram(rsp, address, bytes, length)
        && strcmp(rsp_ask(rsp, "qC"), "QC1") == 0;
}

/* Bytes of a reply to m or x; -1: an error.  Fewer than asked for is no error. */
static int dumped(const struct rsp *rsp, char *to, int most, bool binary)
{
    if (!binary)
        return rsp->length > 0 && rsp->length <= 2 * most && rsp->length % 2 == 0 ?
            unhex(rsp->reply, to) : -1;
    if (rsp->reply[0] != 'b' || rsp->length > 1 + most)
        return -1;
    memcpy(to, rsp->reply + 1, (size_t)rsp->length - 1);
    return rsp->length - 1;
}

bool rsp_dump(struct rsp *rsp, uint32_t address, void *bytes, int length, bool binary)
{
    char *to = bytes;
    int most = rsp_packet_size(rsp) / 2;

    while (length > 0) {
        int asked = length < most ? length : most;
        rsp_ask(rsp, "%c%x,%x", binary ? 'x' : 'm', address, asked);
        int n = dumped(rsp, to, asked, binary);
        if (n <= 0)
            return false;
        address += (uint32_t)n;
        to += n;
        length -= n;
    }
    return true;
}

uint32_t rsp_crc(const uint8_t *bytes, uint32_t length)
{
    uint32_t crc = 0xFFFFFFFF;
    for (uint32_t i = 0; i < 8 * length; i++) {
        uint32_t bit = crc >> 31 ^ (bytes[i / 8] >> (7 - i % 8) & 1);
        crc = crc << 1 ^ bit * 0x04C11DB7;
    }
    return crc;
}
