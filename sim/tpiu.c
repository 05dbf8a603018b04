/* tpiu.c - Trace Port Interface Unit: bytes of trace on one pin, SWO.
 *
 *   called by  coresight.c (registers), itm.c (bytes)      calls  the chip's pin, itm_pump()
 *
 *   ITM -> 4 bytes of FIFO -> formatter, if on -> NRZ or Manchester -> SWO
 *
 * One unit of the line takes ACPR + 1 cycles of the trace clock, the core's if the chip says no more:
 *
 *   NRZ         a unit a bit: 0, eight data bits from bit 0 on, 1; rests high
 *   Manchester  two units a bit, 1 is high-low, 0 is low-high: a start bit of 1, one to eight
 *               bytes from bit 0 on, then low for two bits; rests low
 *
 * Formatter: frames of 16 bytes.  Byte 15 holds bit 0 of the even ones, which have in its place
 * a mark: 1 for the number of a source that speaks from here on (from the byte after the next
 * on, if byte 15 says 1), 0 for data.  FF FF FF 7F goes ahead of the first frame and at each
 * synchronization.
 *
 * Chosen, where nothing is written: units begin at multiples of their length since power-on; a
 * frame goes out with what is there when the line is free, filled up with source 0; a change
 * of ACPR or SPPR is heard from the next unit, or byte, on.
 *
 * Not modelled, and reported when trace goes there: the parallel port; EnFCont with triggers.
 *
 * Sources: Cortex-M3 TRM r1p1 (DDI 0337E) 17 (TPIU); Armv7-M ARM C1.10; CoreSight components
 * TRM (DDI 0314) 10 (SWO's two codes); CoreSight architecture (IHI 0029) D4 (formatter). */
#include "trace.h"
#include <stdlib.h>
#include <string.h>

enum { SSPSR = 0x000, CSPSR = 0x004, ACPR = 0x010, SPPR = 0x0F0, FFSR = 0x300, FFCR = 0x304,
       CLAIMSET = 0xFA0, CLAIMCLR = 0xFA4, TYPE = 0xFC8 };
enum { PARALLEL, MANCHESTER, NRZ };
enum { TRIG_IN = 1 << 8, EN_F_CONT = 1 << 1, CLAIMS = 0xF };
enum { FIFO = 4, FRAME = 16, FRAME_DATA = 15, PACKET_BYTES = 8 };

struct tpiu {
    struct coredebug *debug;
    uint32_t cspsr, acpr, sppr, ffcr, claims;

    uint8_t fifo[FRAME_DATA];
    int waiting;
    uint8_t frame[4 + FRAME];       /* the formatter's: on its way out */
    int frame_at, frame_bytes;
    unsigned source;                /* the one that speaks, as a decoder knows it */
    bool sync;                      /* due before the next frame */

    uint32_t units;                 /* of the line, the next one in bit 0 */
    int unit_count;
    int packet;                     /* Manchester: bytes of it so far; 0: none */
    int level;
    struct alarm edge;
    void (*drive)(void *ctx, int level);
    void *drive_ctx;
};

static struct sim *sim_of(const struct tpiu *tpiu) { return tpiu->debug->cpu->sim; }
static bool formats(const struct tpiu *tpiu) { return tpiu->ffcr & EN_F_CONT; }

uint32_t tpiu_prescaler(const struct tpiu *tpiu) { return tpiu->acpr + 1; }

static sim_time unit(const struct tpiu *tpiu)
{
    sim_time clock = tpiu->debug->trace_clock ? tpiu->debug->trace_clock : tpiu->debug->cpu->cycle;
    return clock * tpiu_prescaler(tpiu);
}

static bool stopped(const struct tpiu *tpiu) { return tpiu->debug->trace_clock == SIM_NEVER; }

static void set_level(struct tpiu *tpiu, int level)
{
    tpiu->level = level;
    if (tpiu->drive)
        tpiu->drive(tpiu->drive_ctx, level);
}

static void rest(struct tpiu *tpiu) { set_level(tpiu, tpiu->sppr == NRZ); }

/* --- frames ------------------------------------------------------------------------- */

/* Two bytes of a frame, the second of which the last pair has not.  How many of the `left`
 * data bytes went in. */
static int fill_pair(struct tpiu *tpiu, uint8_t *frame, int pair, const uint8_t *data, int left)
{
    unsigned id = itm_bus_id(tpiu->debug->itm);
    uint8_t *even = frame + 2 * pair, *odd = even + 1, *low_bits = frame + FRAME - 1;
    bool last = pair == 7;
    if (left == 0) {
        *even = tpiu->source ? 1 : 0;
        tpiu->source = 0;
        return 0;
    }
    if (tpiu->source != id || (left == 1 && !last)) {
        bool ends = tpiu->source == id;         /* source 0 speaks behind the odd byte */
        *even = (uint8_t)((ends ? 0 : id) << 1 | 1);
        *low_bits |= (uint8_t)(ends << pair);
        tpiu->source = ends ? 0 : id;
        if (!last)
            *odd = data[0];
        return !last;
    }
    *even = data[0] & 0xFE;
    *low_bits |= (uint8_t)((data[0] & 1) << pair);
    if (!last)
        *odd = data[1];
    return last ? 1 : 2;
}

static void make_frame(struct tpiu *tpiu)
{
    static const uint8_t full_sync[4] = { 0xFF, 0xFF, 0xFF, 0x7F };
    int head = tpiu->sync ? 4 : 0, used = 0;
    memset(tpiu->frame, 0, sizeof tpiu->frame);
    memcpy(tpiu->frame, full_sync, (size_t)head);
    for (int pair = 0; pair < 8; pair++)
        used += fill_pair(tpiu, tpiu->frame + head, pair, tpiu->fifo + used,
                          tpiu->waiting - used);
    tpiu->waiting -= used;
    memmove(tpiu->fifo, tpiu->fifo + used, (size_t)tpiu->waiting);
    tpiu->sync = false;
    tpiu->frame_at = 0;
    tpiu->frame_bytes = head + FRAME;
}

/* --- the line ----------------------------------------------------------------------- */

/* The next byte to go out, -1: none. */
static int take(struct tpiu *tpiu)
{
    if (formats(tpiu) && tpiu->frame_at == tpiu->frame_bytes && tpiu->waiting)
        make_frame(tpiu);
    if (tpiu->frame_at < tpiu->frame_bytes) {
        int byte = tpiu->frame[tpiu->frame_at++];
        itm_pump(tpiu->debug->itm);
        return byte;
    }
    if (!tpiu->waiting)
        return -1;
    int byte = tpiu->fifo[0];
    memmove(tpiu->fifo, tpiu->fifo + 1, (size_t)--tpiu->waiting);
    itm_pump(tpiu->debug->itm);
    return byte;
}

static void add_units(struct tpiu *tpiu, uint32_t units, int count)
{
    tpiu->units |= units << tpiu->unit_count;
    tpiu->unit_count += count;
}

static void add_manchester(struct tpiu *tpiu, unsigned bits, int count)
{
    for (int i = 0; i < count; i++)
        add_units(tpiu, bits >> i & 1 ? 1 : 2, 2);
}

static bool load_manchester(struct tpiu *tpiu)
{
    int byte = tpiu->packet < PACKET_BYTES ? take(tpiu) : -1;
    if (byte >= 0) {
        if (tpiu->packet++ == 0)
            add_manchester(tpiu, 1, 1);
        add_manchester(tpiu, (unsigned)byte, 8);
        return true;
    }
    if (!tpiu->packet)
        return false;
    tpiu->packet = 0;
    add_units(tpiu, 0, 4);
    return true;
}

static bool load_nrz(struct tpiu *tpiu)
{
    int byte = take(tpiu);
    if (byte >= 0)
        add_units(tpiu, 1u << 9 | (unsigned)byte << 1, 10);
    return byte >= 0;
}

static bool load_units(struct tpiu *tpiu)
{
    tpiu->units = 0;
    if (tpiu->sppr == MANCHESTER || tpiu->packet)
        return load_manchester(tpiu);
    return load_nrz(tpiu);
}

/* As many units as are alike go out at once. */
static void send(void *ctx)
{
    struct tpiu *tpiu = ctx;
    if (!tpiu->unit_count && !load_units(tpiu)) {
        rest(tpiu);
        return;
    }
    unsigned level = tpiu->units & 1;
    int run = 0;
    while (run < tpiu->unit_count && (tpiu->units >> run & 1) == level)
        run++;
    tpiu->units = (uint32_t)((uint64_t)tpiu->units >> run);
    tpiu->unit_count -= run;
    if ((int)level != tpiu->level)
        set_level(tpiu, (int)level);
    if (!stopped(tpiu))
        alarm_set(sim_of(tpiu), &tpiu->edge, sim_of(tpiu)->now + (sim_time)run * unit(tpiu));
}

/* At the next multiple of a unit. */
static void start(struct tpiu *tpiu)
{
    if (alarm_is_set(&tpiu->edge) || stopped(tpiu))
        return;
    sim_time now = sim_of(tpiu)->now, length = unit(tpiu);
    alarm_set(sim_of(tpiu), &tpiu->edge, (now / length + 1) * length);
}

void tpiu_clock_changed(struct tpiu *tpiu)
{
    if (tpiu->waiting || tpiu->unit_count)
        start(tpiu);
}

bool tpiu_has_room(const struct tpiu *tpiu)
{
    return tpiu->waiting < (formats(tpiu) ? FRAME_DATA : FIFO);
}

void tpiu_put(struct tpiu *tpiu, uint8_t byte)
{
    if (tpiu->sppr == PARALLEL) {
        sim_report(sim_of(tpiu), SIM_UNMODELLED, "%s: trace over the TPIU's parallel port",
                   tpiu->debug->cpu->config.name);
        return;
    }
    tpiu->fifo[tpiu->waiting++] = byte;
    start(tpiu);
}

void tpiu_sync(struct tpiu *tpiu) { tpiu->sync = true; }

/* --- registers ---------------------------------------------------------------------- */

uint32_t tpiu_read(const struct tpiu *tpiu, uint32_t offset)
{
    switch (offset) {
    case SSPSR:    return 0x0000000B;           /* port sizes 1, 2 and 4 */
    case CSPSR:    return tpiu->cspsr;
    case ACPR:     return tpiu->acpr;
    case SPPR:     return tpiu->sppr;
    case FFSR:     return 0x00000008;           /* the formatter cannot stop */
    case FFCR:     return tpiu->ffcr;
    case CLAIMSET: return CLAIMS;
    case CLAIMCLR: return tpiu->claims;
    case TYPE:     return 0x00000CA1;           /* NRZ and Manchester SWO, 4 bytes of FIFO */
    default:       return 0;
    }
}

static void write_protocol(struct tpiu *tpiu, uint32_t value)
{
    if (value > NRZ)                            /* reserved */
        return;
    tpiu->sppr = value;
    if (!alarm_is_set(&tpiu->edge))
        rest(tpiu);
}

static void write_formatter(struct tpiu *tpiu, uint32_t value)
{
    bool was_on = formats(tpiu);
    tpiu->ffcr = TRIG_IN | (value & EN_F_CONT);
    if (formats(tpiu) && !was_on) {
        tpiu->sync = true;
        tpiu->source = 0;
    }
}

void tpiu_write(struct tpiu *tpiu, uint32_t offset, uint32_t value)
{
    switch (offset) {
    case CSPSR:
        if (value == 1 || value == 2 || value == 8)     /* one of SSPSR's */
            tpiu->cspsr = value;
        break;
    case ACPR:     tpiu->acpr = value & (cpu_part(tpiu->debug->cpu) == CPU_M3 ? 0x1FFF : 0xFFFF); break;
    case SPPR:     write_protocol(tpiu, value); break;
    case FFCR:     write_formatter(tpiu, value); break;
    case CLAIMSET: tpiu->claims |= value & CLAIMS; break;
    case CLAIMCLR: tpiu->claims &= ~value; break;
    default:       break;
    }
}

/* --- life --------------------------------------------------------------------------- */

void tpiu_reset(struct tpiu *tpiu)
{
    alarm_cancel(sim_of(tpiu), &tpiu->edge);
    tpiu->cspsr = 1;
    tpiu->acpr = 0;
    tpiu->sppr = MANCHESTER;
    tpiu->ffcr = TRIG_IN | EN_F_CONT;
    tpiu->claims = 0;
    tpiu->waiting = tpiu->unit_count = tpiu->packet = 0;
    tpiu->frame_at = tpiu->frame_bytes = 0;
    tpiu->source = 0;
    tpiu->sync = true;
    rest(tpiu);
}

void tpiu_connect(struct tpiu *tpiu, void (*drive)(void *ctx, int level), void *ctx)
{
    tpiu->drive = drive;
    tpiu->drive_ctx = ctx;
}

struct tpiu *tpiu_new(struct coredebug *debug)
{
    struct tpiu *tpiu = calloc(1, sizeof *tpiu);
    tpiu->debug = debug;
    alarm_init(&tpiu->edge, send, tpiu);
    return tpiu;
}

void tpiu_free(struct tpiu *tpiu)
{
    if (tpiu)
        alarm_cancel(sim_of(tpiu), &tpiu->edge);
    free(tpiu);
}
