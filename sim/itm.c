/* itm.c - Instrumentation Trace Macrocell: a program's own trace, and the order of all of it.
 *
 *   called by  coresight.c (registers), dwt_trace.c (hardware's packets), tpiu.c (room)
 *   calls      tpiu.c
 *
 *   stimulus port n   header n << 3 | size, then 1, 2 or 4 bytes as the store was wide
 *   synchronization   five 00, 80
 *   overflow          70: something was lost here
 *   local time stamp  0ttt0000 for 1 to 6 cycles, else 11cc0000 and 7 bits a byte, bit 7 of all
 *                     but the last 1; cc 1: the stamp came late, 2: the packet, 3: both
 *
 * First goes synchronization, then the program's packets, then hardware's, then the stamp
 * (Armv7-M ARM C1.7.1).  A store to a port while the last one's packet still waits is lost;
 * FIFOREADY tells.  CoreSight's lock keeps the control registers from all who did not write the
 * key, debuggers too; it is shut at power-on.
 *
 * Chosen: one packet of the program's waits, and four of hardware's, besides the one that is on
 * its way to the TPIU.  The time stamp counter has 21 bits (TRM); that it was full is told by
 * an overflow packet ahead of the next packet, with the counter from 0 again.
 *
 * Not modelled, and reported: global time stamps.
 *
 * Sources: Armv7-M ARM (DDI 0403E) C1.7, D4 (packets); Cortex-M3 TRM r1p1 (DDI 0337E) 15. */
#include "trace.h"
#include <stdlib.h>
#include <string.h>

enum { PORTS_END = 0x80, TER = 0xE00, TPR = 0xE40, TCR = 0xE80, LAR = 0xFB0, LSR = 0xFB4 };
enum { ITMENA = 1 << 0, TSENA = 1 << 1, SYNCENA = 1 << 2, TXENA = 1 << 3, SWOENA = 1 << 4,
       TS_PRESCALE = 8, GTSFREQ = 3 << 10, BUS_ID = 16, BUSY = 1 << 23, TCR_BITS = 0x007F0F1F };
enum { FIFOREADY = 1, HARDWARE_PACKETS = 4, OVERFLOW = 0x70, STAMP_LIMIT = 1 << 21 };
#define KEY 0xC5ACCE55u

struct packet {
    uint8_t bytes[6];
    int length;
    bool timed;                     /* a time stamp may follow */
    uint64_t born;                  /* cycles */
};

struct itm {
    struct coredebug *debug;
    uint32_t ter, tpr, tcr;
    bool unlocked;

    struct packet software, hardware[HARDWARE_PACKETS];     /* length 0: none */
    int hardware_waiting;
    bool software_lost, hardware_lost, sync_due;
    struct packet out;              /* on its way, from byte out_at on */
    int out_at;

    bool stamp_due, packet_late;
    uint64_t stamped;               /* cycles when the counter was 0 */
    uint64_t told;                  /* cycles when the packet before the stamp went */
    bool pumping;
};

/* The core's cycles at sim->now, also in an alarm, when the core has run ahead a little. */
static uint64_t cycles_now(const struct itm *itm)
{
    const struct cpu *cpu = itm->debug->cpu;
    if (cpu->sim->running == cpu)
        return cpu->cycles;
    int64_t ahead = (int64_t)(cpu->local - cpu->sim->now) / (int64_t)cpu->cycle;
    return cpu->cycles - (uint64_t)ahead;
}

unsigned itm_bus_id(const struct itm *itm) { return itm->tcr >> BUS_ID & 0x7F; }
bool itm_synchronizes(const struct itm *itm) { return itm->tcr & SYNCENA; }

static bool enabled(const struct itm *itm)
{
    return itm->tcr & ITMENA && itm->debug->demcr & TRCENA;
}

bool itm_takes_hardware(const struct itm *itm) { return enabled(itm) && itm->tcr & TXENA; }

/* --- packets ------------------------------------------------------------------------ */

static struct packet make(const struct itm *itm, uint8_t header, uint32_t payload, int bytes)
{
    struct packet packet = { .length = 1 + bytes, .timed = true, .born = cycles_now(itm) };
    packet.bytes[0] = header;
    memcpy(packet.bytes + 1, &payload, (size_t)bytes);
    return packet;
}

static struct packet overflow(void)
{
    return (struct packet){ .bytes = { OVERFLOW }, .length = 1 };
}

static struct packet synchronization(void)
{
    return (struct packet){ .bytes = { 0, 0, 0, 0, 0, 0x80 }, .length = 6 };
}

/* Where something was lost, that is told in its place. */
static struct packet take_software(struct itm *itm)
{
    struct packet packet = itm->software;
    itm->software = itm->software_lost ? overflow() : (struct packet){ 0 };
    itm->software_lost = false;
    return packet;
}

static struct packet take_hardware(struct itm *itm)
{
    struct packet packet = itm->hardware[0];
    itm->hardware_waiting--;
    memmove(itm->hardware, itm->hardware + 1,
            sizeof *itm->hardware * (size_t)itm->hardware_waiting);
    if (itm->hardware_lost && itm->hardware[itm->hardware_waiting - 1].bytes[0] != OVERFLOW)
        itm->hardware[itm->hardware_waiting++] = overflow();
    itm->hardware_lost = false;
    return packet;
}

/* --- time stamps -------------------------------------------------------------------- */

static uint32_t cycles_per_count(const struct itm *itm)
{
    if (itm->tcr & SWOENA)
        return tpiu_prescaler(itm->debug->tpiu);
    return 1u << 2 * (itm->tcr >> TS_PRESCALE & 3);
}

static uint64_t stamp_count(const struct itm *itm)
{
    return (cycles_now(itm) - itm->stamped) / cycles_per_count(itm);
}

static struct packet stamp(struct itm *itm)
{
    struct packet packet = { .length = 1 };
    uint32_t count = (uint32_t)stamp_count(itm);
    unsigned late = (itm->told != cycles_now(itm)) | (unsigned)itm->packet_late << 1;
    itm->stamped = cycles_now(itm);
    itm->stamp_due = itm->packet_late = false;
    if (!late && count >= 1 && count <= 6) {
        packet.bytes[0] = (uint8_t)(count << 4);
        return packet;
    }
    packet.bytes[0] = (uint8_t)(0xC0 | late << 4);
    do {
        packet.bytes[packet.length++] = (uint8_t)((count & 0x7F) | (count > 0x7F) << 7);
        count >>= 7;
    } while (count);
    return packet;
}

/* --- what goes next ----------------------------------------------------------------- */

static bool nothing_waits(const struct itm *itm)
{
    return !itm->software.length && !itm->hardware_waiting && !itm->sync_due;
}

static bool next_packet(struct itm *itm)
{
    itm->out_at = itm->out.length = 0;
    if (nothing_waits(itm) && !itm->stamp_due)
        return false;
    if (nothing_waits(itm)) {
        itm->out = stamp(itm);
        return true;
    }
    if (itm->sync_due) {
        itm->sync_due = false;
        itm->out = synchronization();
        return true;
    }
    if (itm->tcr & TSENA && stamp_count(itm) >= STAMP_LIMIT) {
        itm->stamped = cycles_now(itm);
        itm->out = overflow();
        return true;
    }
    itm->out = itm->software.length ? take_software(itm) : take_hardware(itm);
    if (itm->out.timed && itm->tcr & TSENA) {
        itm->stamp_due = true;
        itm->told = cycles_now(itm);
        itm->packet_late |= itm->out.born != itm->told;
    }
    return true;
}

/* The TPIU asks for more while it is given some: once round is enough. */
void itm_pump(struct itm *itm)
{
    if (itm->pumping)
        return;
    itm->pumping = true;
    while (tpiu_has_room(itm->debug->tpiu) && (itm->out_at < itm->out.length || next_packet(itm)))
        tpiu_put(itm->debug->tpiu, itm->out.bytes[itm->out_at++]);
    itm->pumping = false;
}

void itm_hardware(struct itm *itm, uint8_t header, uint32_t payload, int bytes)
{
    if (!itm_takes_hardware(itm))
        return;
    if (itm->hardware_waiting == HARDWARE_PACKETS)
        itm->hardware_lost = true;
    else
        itm->hardware[itm->hardware_waiting++] = make(itm, header, payload, bytes);
    itm_pump(itm);
}

void itm_sync(struct itm *itm)
{
    if (!enabled(itm) || !itm_synchronizes(itm))
        return;
    itm->sync_due = true;
    tpiu_sync(itm->debug->tpiu);
    itm_pump(itm);
}

/* --- registers ---------------------------------------------------------------------- */

static bool privileged(const struct cpu *cpu) { return cpu->exception || !(cpu->control & 1); }

/* TPR gives eight ports a bit to privileged code alone. */
static uint32_t ports_allowed(const struct itm *itm)
{
    const struct cpu *cpu = itm->debug->cpu;
    uint32_t mask = 0;
    if (cpu->bus->master == BUS_DEBUG || privileged(cpu))
        return UINT32_MAX;
    for (int i = 0; i < 4; i++)
        mask |= itm->tpr >> i & 1 ? 0 : 0xFFu << 8 * i;
    return mask;
}

static void stimulate(struct itm *itm, uint32_t port, uint32_t value, int width)
{
    uint32_t bit = 1u << port;
    if (!enabled(itm) || !(itm->ter & bit & ports_allowed(itm)))
        return;
    if (itm->software.length)
        itm->software_lost = true;
    else
        itm->software = make(itm, (uint8_t)(port << 3 | (width == 4 ? 3u : (unsigned)width)),
                             value, width);
    itm_pump(itm);
}

static bool busy(const struct itm *itm)
{
    return !nothing_waits(itm) || itm->stamp_due || itm->out_at < itm->out.length;
}

uint32_t itm_read(struct itm *itm, uint32_t offset)
{
    if (offset < PORTS_END)
        return itm->software.length ? 0 : FIFOREADY;
    switch (offset) {
    case TER: return itm->ter;
    case TPR: return itm->tpr;
    case TCR: return itm->tcr | (busy(itm) ? BUSY : 0);
    case LSR: return 1 | (itm->unlocked ? 0 : 2);
    default:  return 0;
    }
}

static void write_control(struct itm *itm, uint32_t value)
{
    bool stamps = !(itm->tcr & TSENA) && value & TSENA;
    if (value & GTSFREQ)
        sim_report(itm->debug->cpu->sim, SIM_UNMODELLED, "%s: global time stamps of the ITM",
                   itm->debug->cpu->config.name);
    itm->tcr = value & TCR_BITS & ~(uint32_t)GTSFREQ;
    if (stamps)
        itm->stamped = cycles_now(itm);
    dwt_trace_update(itm->debug->dwt_trace);
}

void itm_write(struct itm *itm, uint32_t offset, uint32_t value, int width)
{
    if (offset < PORTS_END) {
        stimulate(itm, offset / 4, value, width);
        return;
    }
    if (offset == LAR)
        itm->unlocked = value == KEY;
    if (!itm->unlocked)
        return;
    switch (offset) {
    case TER: {
        uint32_t may = ports_allowed(itm);
        itm->ter = (itm->ter & ~may) | (value & may);
        break;
    }
    case TPR: itm->tpr = value & 0xF; break;
    case TCR: write_control(itm, value); break;
    default:  break;
    }
}

/* --- life --------------------------------------------------------------------------- */

void itm_reset(struct itm *itm)
{
    struct coredebug *debug = itm->debug;
    *itm = (struct itm){ .debug = debug, .stamped = debug->cpu->cycles };
}

struct itm *itm_new(struct coredebug *debug)
{
    struct itm *itm = calloc(1, sizeof *itm);
    itm->debug = debug;
    return itm;
}

void itm_free(struct itm *itm) { free(itm); }
