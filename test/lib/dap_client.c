/* dap_client.c - see dap_client.h.  CMSIS-DAP 2.1; ADIv5.2 B2, C2. */
#include "dap_client.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- finding it --------------------------------------------------------------------- */

static bool is_bulk(const uint8_t *d, int direction)
{
    return d[1] == 5 && (d[2] & 0x80) == direction && d[3] == 2 && d[4] == DAP_PACKET;
}

/* pyOCD wants class FF, subclass 0, two or three endpoints, OUT first. */
static bool is_dap(const uint8_t *d, const uint8_t *end, struct cdc_host *cdc)
{
    const char *name = d[1] == 4 && d[8] ? cdc_host_string(cdc, d[8]) : NULL;

    return name && strstr(name, "CMSIS-DAP") && d[5] == 0xFF && d[6] == 0 && d[4] >= 2
        && d[4] <= 3 && d + 9 + 14 <= end && is_bulk(d + 9, 0) && is_bulk(d + 16, 0x80);
}

bool dap_find(struct dap *dap, struct board *board, struct cdc_host *cdc)
{
    int length;
    const uint8_t *d = cdc_host_config_descriptor(cdc, &length), *end = d + length;

    *dap = (struct dap){ .board = board };
    for (; d < end; d += d[0])
        if (is_dap(d, end, cdc)) {
            dap->interface = d[2];
            dap->out = d[9 + 2];
            dap->in = d[16 + 2];
            usb_host_open_endpoint(board->usb, dap->out, DAP_PACKET);
            usb_host_open_endpoint(board->usb, dap->in, DAP_PACKET);
            return true;
        }
    return false;
}

/* --- scripts ------------------------------------------------------------------------- */

static void pump(struct dap *dap);

static void out_done(void *ctx, struct urb *urb)
{
    struct dap *dap = ctx;

    dap->out_busy = false;
    dap->failed += urb->status != URB_OK;
    pump(dap);
}

static void in_done(void *ctx, struct urb *urb)
{
    struct dap *dap = ctx;

    dap->in_busy = false;
    if (urb->status == URB_OK)
        dap->script[dap->received++].answered = urb->actual;
    else
        dap->failed++;
    pump(dap);
}

static void submit_out(struct dap *dap)
{
    struct dap_exchange *next = &dap->script[dap->sent++];

    dap->out_urb = (struct urb){ .endpoint = dap->out, .type = URB_BULK,
                                 .data = next->request, .length = next->length,
                                 .done = out_done, .ctx = dap };
    dap->out_busy = true;
    usb_host_submit(dap->board->usb, &dap->out_urb);
}

static void submit_in(struct dap *dap)
{
    struct dap_exchange *next = &dap->script[dap->received];

    dap->in_urb = (struct urb){ .endpoint = dap->in, .type = URB_BULK,
                                .data = next->answer, .length = DAP_PACKET,
                                .done = in_done, .ctx = dap };
    dap->in_busy = true;
    usb_host_submit(dap->board->usb, &dap->in_urb);
}

/* What has no answer takes no place among those that wait for one. */
static bool may_send(const struct dap *dap)
{
    return dap->sent < dap->count && (dap->sent - dap->received < dap->in_flight
                                      || dap->script[dap->sent].no_answer);
}

static void pump(struct dap *dap)
{
    if (dap->failed)
        return;
    if (!dap->out_busy && may_send(dap))
        submit_out(dap);
    while (dap->received < dap->sent && dap->script[dap->received].no_answer)
        dap->received++;
    if (!dap->in_busy && dap->received < dap->sent)
        submit_in(dap);
}

void dap_begin(struct dap *dap, struct dap_exchange *script, int count, int in_flight)
{
    for (int i = 0; i < count; i++)
        script[i].answered = -1;
    dap->script = script;
    dap->count = count;
    dap->in_flight = in_flight;
    dap->sent = dap->received = dap->failed = 0;
    pump(dap);
}

bool dap_busy(void *ctx)
{
    struct dap *dap = ctx;

    return dap->out_busy || dap->in_busy
        || (!dap->failed && (dap->sent < dap->count || dap->received < dap->count));
}

static bool urbs_busy(void *ctx)
{
    struct dap *dap = ctx;

    return dap->out_busy || dap->in_busy;
}

bool dap_end(struct dap *dap, double limit_ms)
{
    if (!board_run_while(dap->board, dap_busy, dap, limit_ms)) {
        dap->failed++;
        if (dap->out_busy)
            usb_host_cancel(dap->board->usb, &dap->out_urb);
        if (dap->in_busy)
            usb_host_cancel(dap->board->usb, &dap->in_urb);
        board_run_while(dap->board, urbs_busy, dap, 100);
    }
    return !dap->failed && dap->received == dap->count;
}

bool dap_run(struct dap *dap, struct dap_exchange *script, int count, int in_flight)
{
    dap_begin(dap, script, count, in_flight);
    return dap_end(dap, DAP_LIMIT_MS + count);
}

int dap_ask(struct dap *dap, const void *request, int length)
{
    static struct dap_exchange one;

    one.no_answer = false;
    one.length = length;
    memcpy(one.request, request, (size_t)length);
    dap->answered = dap_run(dap, &one, 1, 1) ? one.answered : -1;
    memcpy(dap->answer, one.answer, sizeof dap->answer);
    return dap->answered;
}

const char *dap_hex(struct dap *dap, const char *text)
{
    static char answer[3 * DAP_PACKET + 1];
    uint8_t bytes[DAP_PACKET];
    int count = 0;

    for (char *end; count < DAP_PACKET && *text; text = end) {
        unsigned long byte = strtoul(text, &end, 16);
        if (end == text)
            break;
        bytes[count++] = (uint8_t)byte;
    }
    answer[0] = '\0';
    if (dap_ask(dap, bytes, count) < 0)
        return "no answer";
    for (int i = 0; i < dap->answered; i++)
        sprintf(answer + 3 * i, i + 1 < dap->answered ? "%02X " : "%02X", dap->answer[i]);
    return answer;
}

/* --- the usual start ------------------------------------------------------------------ */

static uint32_t word_at(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static bool says(struct dap *dap, const char *request, const char *answer)
{
    return strcmp(dap_hex(dap, request), answer) == 0;
}

uint32_t dap_start(struct dap *dap, uint32_t hz)
{
    char clock[32];

    snprintf(clock, sizeof clock, "11 %x %x %x %x", hz & 0xFF, hz >> 8 & 0xFF,
             hz >> 16 & 0xFF, hz >> 24);
    if (!says(dap, "02 01", "02 01") || !says(dap, clock, "11 00")
        || !says(dap, "04 00 40 00 00 00", "04 00") || !says(dap, "13 00", "13 00")
        || !says(dap, "01 00 01", "01 00")
        || !says(dap, "12 33 FF FF FF FF FF FF FF", "12 00")
        || !says(dap, "12 10 9E E7", "12 00")
        || !says(dap, "12 33 FF FF FF FF FF FF FF", "12 00")
        || !says(dap, "12 08 00", "12 00"))
        return 0;
    dap_hex(dap, "05 00 01 02");
    uint32_t dpidr = dap->answered == 7 && dap->answer[2] == 1 ? word_at(dap->answer + 3) : 0;
    /* ABORT: sticky bits; SELECT 0; CTRL/STAT: power up, and read until it has. */
    if (!says(dap, "05 00 03  00 1E 00 00 00  08 00 00 00 00  04 00 00 00 50", "05 03 01"))
        return 0;
    for (int i = 0; i < 20; i++) {
        dap_hex(dap, "05 00 01 06");
        if (dap->answered == 7 && (dap->answer[6] & 0xF0) == 0xF0)
            return dpidr;
    }
    return 0;
}

/* --- target memory -------------------------------------------------------------------- */

enum { AP_WRITE = 1, AP_READ = 3, CSW = 0x0, TAR = 0x4, DRW = 0xC, OPENOCD = 12,
       BLOCK = 14, TAR_BLOCK = 0x400, CSW_WORDS = 0x23000052 };

struct job {
    struct dap_exchange *script;
    int count, room;                    /* exchanges */
    int per_packet;
};

static struct dap_exchange *next_packet(struct job *job)
{
    if (job->count == job->room) {
        job->room = job->room ? 2 * job->room : 64;
        job->script = realloc(job->script, (size_t)job->room * sizeof *job->script);
    }
    struct dap_exchange *e = &job->script[job->count++];
    memset(e, 0, sizeof *e);
    return e;
}

static void put_word(struct dap_exchange *e, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        e->request[e->length++] = (uint8_t)(value >> 8 * i);
}

/* One operation of a DAP_Transfer, in the last packet if there is room. */
static void add(struct job *job, int request, uint32_t value)
{
    struct dap_exchange *e = job->count ? &job->script[job->count - 1] : NULL;
    int most = job->per_packet ? job->per_packet : OPENOCD;

    if (!e || e->request[0] != 5 || e->request[2] == most) {
        e = next_packet(job);
        memcpy(e->request, "\5\0\0", 3);
        e->length = 3;
    }
    e->request[2]++;
    e->request[e->length++] = (uint8_t)request;
    if (!(request & 2))
        put_word(e, value);
}

static void add_block(struct job *job, int request, const uint32_t *words, int count)
{
    struct dap_exchange *e = next_packet(job);

    e->request[0] = 6;
    e->request[2] = (uint8_t)count;
    e->request[4] = (uint8_t)request;
    e->length = 5;
    for (int i = 0; i < count && words; i++)
        put_word(e, words[i]);
}

/* words NULL: to be read. */
static struct job plan(uint32_t address, const uint32_t *words, int count, int per_packet)
{
    struct job job = { .per_packet = per_packet };
    int request = (words ? AP_WRITE : AP_READ) | DRW;

    add(&job, AP_WRITE | CSW, CSW_WORDS);
    for (int i = 0, n; i < count; i += n) {
        uint32_t at = address + 4 * (uint32_t)i;
        int most = per_packet ? 1 : BLOCK, block = (int)(TAR_BLOCK - at % TAR_BLOCK) / 4;
        if (i == 0 || at % TAR_BLOCK == 0)
            add(&job, AP_WRITE | TAR, at);
        n = count - i < most ? count - i : most;
        n = n < block ? n : block;
        if (per_packet)
            add(&job, request, words ? words[i] : 0);
        else
            add_block(&job, request, words ? words + i : NULL, n);
    }
    return job;
}

/* The answers' data in order; false unless all of it is there and each was OK. */
static bool collect(const struct job *job, uint32_t *words, int count)
{
    int got = 0;

    for (const struct dap_exchange *e = job->script; e < job->script + job->count; e++) {
        int head = e->request[0] == 5 ? 3 : 4, done = e->answer[1];
        if (e->answered < head || e->answer[0] != e->request[0] || done != e->request[2]
            || e->answer[head - 1] != 1)
            return false;
        for (int at = head; at + 4 <= e->answered && got < count; at += 4)
            words[got++] = word_at(e->answer + at);
    }
    return got == count;
}

static bool run_job(struct dap *dap, struct job *job, uint32_t *words, int count,
                    int in_flight)
{
    bool ok = dap_run(dap, job->script, job->count, in_flight)
           && collect(job, words, count);

    free(job->script);
    return ok;
}

bool dap_read(struct dap *dap, uint32_t address, uint32_t *words, int count,
              int per_packet, int in_flight)
{
    struct job job = plan(address, NULL, count, per_packet);

    return run_job(dap, &job, words, count, in_flight);
}

bool dap_write(struct dap *dap, uint32_t address, const uint32_t *words, int count,
               int per_packet, int in_flight)
{
    struct job job = plan(address, words, count, per_packet);

    return run_job(dap, &job, NULL, 0, in_flight);
}
