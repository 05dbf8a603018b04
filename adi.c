/* adi.c - the Arm Debug Interface: SWD transfers become words of the target's memory.
 *
 *   called by  cortexm.c, target.c, flash_*.c, monitor.c      calls  wire.c, swd.c, clock.c
 *
 *   host --- SWD ---> DP --- SELECT ---> AP 0 (MEM-AP): CSW  TAR  DRW --> target bus
 *                                        AP 1 ...            BD0-3
 *
 * AP reads are posted: each answers with the result of the one before, and RDBUFF
 * fetches the last.  TAR counts up by itself, but only within 1 KB (ADIv5.2 C2.2.2).
 * What was last written to SELECT, CSW and TAR is remembered and not written again.
 *
 * Rules:
 *   - WAIT is repeated for at most 100 ms, then the transfer is aborted.
 *   - After any other trouble nothing remembered is trusted: line reset, DPIDR, sticky
 *     bits cleared, SELECT, CSW and TAR written anew.  Reading goes on with the first
 *     word that has not arrived.
 *   - A write is done when its answer was OK, unless the next transfer says FAULT: then
 *     its data had arrived damaged, and it is repeated.  After a damaged answer swd.c
 *     sends no data, so that write has not been done and is repeated, and the one before
 *     is not.  So each is done once, as commands to controllers want it.
 *   - Two flips in one word pass its parity.  Once the wire has needed mending, blocks
 *     written to memory are therefore read back.
 *
 * Source: ARM IHI 0031 (ADIv5.2) B1 (DP), B2 (DP registers), B4 (SWD), C2 (MEM-AP). */
#include "adi.h"
#include "clock.h"
#include "mem.h"
#include "wire.h"

enum {                                      /* DP registers, ADIv5.2 B2.2 */
    DP_DPIDR = 0x0, DP_ABORT = 0x0, DP_CTRL_STAT = 0x4, DP_TARGETID = 0x4,
    DP_SELECT = 0x8, DP_RDBUFF = 0xC,
    ABORT_DAPABORT = 1 << 0,
    ABORT_CLEAR = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4,    /* all the sticky bits */
    STICKYERR = 1 << 5,
    BANK_TARGETID = 2,
};
#define POWER_REQUEST   (1u << 28 | 1u << 30)       /* debug and system power-up */
#define POWER_ACK       (1u << 29 | 1u << 31)

enum {                                      /* MEM-AP registers, ADIv5.2 C2.6 */
    AP_CSW = 0x00, AP_TAR = 0x04, AP_DRW = 0x0C, AP_BD0 = 0x10,
    AP_BASE = 0xF8, AP_IDR = 0xFC,
    CSW_SIZE_AND_INCREMENT = 0x37, CSW_INCREMENT_SINGLE = 1 << 4,
    CSW_PRIVILEGED_DATA = 3 << 24,          /* HPROT[1:0] */
    TAR_BLOCK = 0x400,                      /* auto-increment may wrap here */
    WINDOW = 16,                            /* what BD0 to BD3 cover */
    AROUND = 32,                            /* bytes of memory, read for some of them */
};
enum { WAIT_LIMIT_MS = 100, POWER_LIMIT_MS = 100, TRIES = 16, LINE_RESETS = 8 };
#define NOTHING 0xFFFFFFFFu                 /* no valid SELECT, CSW or TAR looks so */
/* Code and data memory is below this in every Cortex-M (B3.1 of its manual). */
#define PERIPHERALS 0x40000000u

static struct {
    bool connected;
    uint8_t ap;                             /* the one that memory accesses use */
    uint32_t dpidr, targetid, rom_table;
    uint32_t csw_base;                      /* its CSW without size and increment */
    uint32_t select, csw, tar;              /* last written; NOTHING when in doubt */
    struct adi_counters count;
} port;

/* --- one transfer, and what can be wrong with it ------------------------------ */

static void forget(void)
{
    port.select = port.csw = port.tar = NOTHING;
}

/* ADIv5.2 B4.1.1: before the clock may stop, 8 idle cycles let the DP finish. */
static void rest(void)
{
    if (wire_owner() == WIRE_GDB)
        wire_idle(8);
}

/* One word from bytes or to bytes, as the request says; the answer, whatever it is. */
static int try_word(uint8_t request, void *bytes)
{
    struct wire_block block = { bytes, 1, 0, WIRE_ASKS };
    return wire_words(request, &block);
}

static int meaning(int ack)
{
    switch (ack) {
    case WIRE_OK:     return OK;
    case WIRE_FAULT:  return ERR_FAULT;
    case WIRE_PARITY: port.count.parity++; return ERR_PARITY;
    case WIRE_SILENT: port.count.silent++; return ERR_NO_ANSWER;
    default:         port.count.silent++; return ERR_PROTOCOL;
    }
}

/* The bus behind the AP is slow, or stuck. */
static int wait_for(uint8_t request, void *bytes)
{
    uint32_t deadline = 0;
    int ack;

    for (uint32_t tries = 0;; tries++) {
        port.count.waits++;
        ack = try_word(request, bytes);
        if (ack != WIRE_WAIT || (tries > 2 && clock_passed(deadline)))
            break;
        if (tries == 2)                     /* most waits are over before */
            deadline = clock_in_ms(WAIT_LIMIT_MS);
    }
    watchdog_feed();                    /* whoever calls may try again, and again */
    if (ack != WIRE_WAIT)
        return meaning(ack);
    wire_write(wire_request(WIRE_DP | WIRE_WRITE, DP_ABORT), ABORT_DAPABORT | ABORT_CLEAR);
    return ERR_WAIT;
}

static int not_ok(int ack, uint8_t request, void *bytes)
{
    return ack == WIRE_WAIT ? wait_for(request, bytes) : meaning(ack);
}

static int transfer_word(uint8_t request, uint32_t *value)
{
    if (!port.connected)
        return ERR_NO_TARGET;
    int ack = try_word(request, value);
    return ack == WIRE_OK ? OK : not_ok(ack, request, value);
}

/* count words with the same request; *done is how many came through. */
static int transfer_words(uint8_t request, uint8_t *bytes, uint32_t count, uint32_t *done)
{
    struct wire_block block = { bytes, count, 0, WIRE_ASKS };
    int error = OK;

    while (block.left && !error) {
        int ack = wire_words(request, &block);
        if (ack == WIRE_OK)
            break;
        error = not_ok(ack, request, block.bytes);
        if (!error)
            block.bytes += 4, block.left--;
    }
    *done = count - block.left;
    return error;
}

static int dp_read(uint8_t address, uint32_t *value)
{
    return transfer_word(wire_request(WIRE_DP | WIRE_READ, address), value);
}

static int dp_write(uint8_t address, uint32_t value)
{
    return transfer_word(wire_request(WIRE_DP | WIRE_WRITE, address), &value);
}

/* --- mending ------------------------------------------------------------------ */

/* ADIv5.2 B4.3.3: after a line reset the DP hears nothing but a read of DPIDR. */
static int line_reset(uint32_t *dpidr)
{
    wire_resynchronize();
    return dp_read(DP_DPIDR, dpidr);
}

/* Both ends of the wire agree again, or the target is gone.  A target that has lost
 * power in between answers, but with its debug power-up gone: all that was set up in it
 * is lost as well. */
static int recover(void)
{
    uint32_t dpidr, status;

    for (int i = 0; i < LINE_RESETS; i++) {
        watchdog_feed();                /* a slow wire, and tries upon tries */
        if (line_reset(&dpidr) || dpidr != port.dpidr ||
            dp_write(DP_ABORT, ABORT_CLEAR) || dp_write(DP_SELECT, 0) ||
            dp_read(DP_CTRL_STAT, &status))
            continue;
        if ((status & POWER_ACK) != POWER_ACK)
            break;
        port.count.recoveries++;
        return OK;
    }
    port.connected = false;
    return ERR_LOST;
}

/* FAULT: the sticky bits say why.  STICKYERR is the bus's refusal and final; anything
 * else (WDATAERR: our data arrived damaged) is repeated. */
static int explain_fault(void)
{
    uint32_t status;

    if (dp_read(DP_CTRL_STAT, &status))
        return recover();
    int error = dp_write(DP_ABORT, ABORT_CLEAR) ? recover() : OK;
    if (status & STICKYERR) {
        port.count.faults++;
        return ERR_FAULT;
    }
    port.count.parity++;
    return error;
}

/* After *error: true when the job may be done again, false when *error is final. */
static bool again(int *error, int *tries)
{
    int first = *error;

    forget();
    if (first == ERR_WAIT || first == ERR_NO_TARGET)
        return false;
    *error = first == ERR_FAULT ? explain_fault() : recover();
    if (*error)
        return false;
    if (++*tries < TRIES)
        return true;
    *error = first == ERR_NO_ANSWER ? ERR_PROTOCOL : first;
    return false;
}

/* --- registers ---------------------------------------------------------------- */

static int select_bank(uint8_t ap, uint8_t address)
{
    uint32_t select = (uint32_t)ap << 24 | (address & 0xF0u);

    if (port.select == select)
        return OK;
    int error = dp_write(DP_SELECT, select);
    port.select = error ? NOTHING : select;
    return error;
}

static int ap_write(uint8_t address, uint32_t value)
{
    int error = select_bank(port.ap, address);
    return error ? error : transfer_word(wire_request(WIRE_AP | WIRE_WRITE, address), &value);
}

/* What a DP register wants first: bits 7:4 of its address as DPBANKSEL, so that 0x24 is
 * TARGETID. */
static int select_dp_bank(uint8_t address)
{
    if (address & 0xF0) {
        port.select = NOTHING;
        return dp_write(DP_SELECT, address >> 4);
    }
    if (address == DP_CTRL_STAT && port.select == NOTHING)
        return select_bank(port.ap, 0);
    return OK;
}

/* RDBUFF has the result of a read, and hears the fate of a write. */
static int access_once(uint8_t what, uint8_t ap, uint8_t address, uint32_t *value)
{
    const bool of_ap = what & WIRE_AP;
    uint32_t ignored;
    int error = of_ap ? select_bank(ap, address) : select_dp_bank(address);

    if (!error)
        error = transfer_word(wire_request(what, address), value);
    if (!error && of_ap)
        error = dp_read(DP_RDBUFF, what & WIRE_READ ? value : &ignored);
    return error;
}

static int access(uint8_t what, uint8_t ap, uint8_t address, uint32_t *value)
{
    int error, tries = 0;

    do
        error = access_once(what, ap, address, value);
    while (error && again(&error, &tries));
    if (!(what & WIRE_READ))
        forget();                       /* it may have been SELECT, CSW or TAR */
    rest();
    return error;
}

int adi_ap_read(uint8_t ap, uint8_t address, uint32_t *value)
{
    return access(WIRE_AP | WIRE_READ, ap, address, value);
}

int adi_ap_write(uint8_t ap, uint8_t address, uint32_t value)
{
    return access(WIRE_AP | WIRE_WRITE, ap, address, &value);
}

int adi_dp_read(uint8_t address, uint32_t *value)
{
    return access(WIRE_DP | WIRE_READ, 0, address, value);
}

int adi_dp_write(uint8_t address, uint32_t value)
{
    return access(WIRE_DP | WIRE_WRITE, 0, address, &value);
}

int adi_ap_idr(uint8_t ap, uint32_t *idr)
{
    return adi_ap_read(ap, AP_IDR, idr);
}

int adi_select_ap(uint8_t ap)
{
    uint32_t csw;
    int error = adi_ap_read(ap, AP_CSW, &csw);

    if (!error)
        error = adi_ap_read(ap, AP_BASE, &port.rom_table);
    if (error)
        return error;
    port.ap = ap;
    port.csw_base = (csw & 0x7F000000u) | CSW_PRIVILEGED_DATA;
    port.csw = port.tar = NOTHING;
    port.rom_table = port.rom_table == NOTHING ? 0 : port.rom_table & ~0xFFFu;
    return OK;
}

uint32_t adi_rom_table(void)
{
    return port.rom_table;
}

/* --- memory: one run within a 1 KB block -------------------------------------- */

/* Points CSW and TAR at items of 1 << size bytes from address on. */
static int aim(uint32_t address, int size)
{
    uint32_t csw = port.csw_base | CSW_INCREMENT_SINGLE | (uint32_t)size;
    int error = OK;

    if (port.csw != csw) {
        error = ap_write(AP_CSW, csw);
        port.csw = error ? NOTHING : csw;
    }
    if (!error && port.tar != address) {
        error = ap_write(AP_TAR, address);
        port.tar = error ? NOTHING : address;
    }
    /* TAR may just be right by itself, but DRW needs bank 0 all the same. */
    return error ? error : select_bank(port.ap, AP_DRW);
}

static void tar_has_moved(uint32_t bytes)
{
    port.tar += bytes;
    if (port.tar % TAR_BLOCK == 0)
        port.tar = NOTHING;                 /* it may have wrapped: ADIv5.2 C2.2.2 */
}

/* A word near the last one: BD0 to BD3 reach all of TAR's 16 bytes and leave it alone,
 * so polling a status register needs no TAR. */
static bool in_window(uint32_t address, int size, uint32_t count)
{
    return size == 2 && count == 1 && port.tar != NOTHING &&
           port.csw == (port.csw_base | CSW_INCREMENT_SINGLE | 2) &&
           port.tar / WINDOW == address / WINDOW;
}

static uint8_t bd(uint32_t address)
{
    return (uint8_t)(AP_BD0 + address % WINDOW);
}

struct job {
    uint32_t address;
    uint8_t *bytes;
    uint32_t count;                         /* of items */
    uint8_t size;                           /* log2 of an item's bytes */
    uint8_t direction;                      /* WIRE_READ, WIRE_WRITE */
};

/* Words need nothing done to them.  What is smaller travels in the byte lanes that its
 * address has in a word (C2.2.6). */
static int transfer_items(uint8_t request, const struct job *job, uint32_t count, uint32_t *done)
{
    int error = OK;

    if (job->size == 2)
        return transfer_words(request, job->bytes, count, done);
    for (*done = 0; *done < count && !error; ) {
        uint32_t word = 0, one, at = *done << job->size;
        memcpy(&word, job->bytes + at, 1u << job->size);
        word <<= 8 * ((job->address + at) % 4);
        error = transfer_words(request, (uint8_t *)&word, 1, &one);
        *done += one;
    }
    return error;
}

/* The first count items of a job, all within one TAR block; *done is how many the target
 * took, or gave. */
static int move_within_block(const struct job *job, uint32_t count, uint32_t *done)
{
    const bool banked = in_window(job->address, job->size, count);
    const uint8_t reg = banked ? bd(job->address) : AP_DRW;
    const uint8_t request = wire_request(WIRE_AP | job->direction, reg);
    const bool reading = job->direction == WIRE_READ;
    uint32_t value;

    *done = 0;
    int error = banked ? select_bank(port.ap, reg) : aim(job->address, job->size);
    if (!error && reading)
        error = transfer_word(request, &value);  /* each word comes with the next request */
    if (!error)
        error = transfer_items(request, job, count - reading, done);
    if (!error)                             /* ... and the last one with this */
        error = dp_read(DP_RDBUFF, &value); /* waits for the last, and hears its fate */
    if (!error && reading) {
        value >>= 8 * (job->address % 4);
        memcpy(job->bytes + (*done << job->size), &value, 1u << job->size);
        ++*done;
    }
    if (!error && !banked)
        tar_has_moved(count << job->size);
    return error;
}

/* --- memory: any amount ------------------------------------------------------- */

static int move_items(struct job job)
{
    int error = OK, tries = 0;

    while (job.count) {
        uint32_t room = (TAR_BLOCK - job.address % TAR_BLOCK) >> job.size, done;

        if (job.size < 2 && job.direction == WIRE_READ)
            room = 1;                       /* each from lanes of its own */
        error = move_within_block(&job, job.count < room ? job.count : room, &done);
        watchdog_feed();
        if (error == ERR_FAULT && job.direction == WIRE_WRITE && done)
            done--;                         /* its data had arrived damaged */
        if (done)
            tries = 0;
        if (error && !again(&error, &tries))
            break;
        job.count -= done;
        job.address += done << job.size;
        job.bytes += done << job.size;
    }
    rest();
    return error;
}

/* Bytes that do not fill their words: the words are read, and they are taken out of them. */
static int read_around(uint32_t address, uint8_t *bytes, uint32_t length)
{
    uint8_t words[AROUND];
    uint32_t offset = address % 4;
    int error = move_items((struct job){ address - offset, words, (offset + length + 3) / 4, 2,
                                   WIRE_READ });

    if (!error)
        memcpy(bytes, words + offset, length);
    return error;
}

/* Words, and what is left at both ends in bytes, or in halfwords where that fits: so one
 * run for each end, or a single one for a word that lies across two.  Memory does not mind
 * being read, so there even a byte is a word, without a change of CSW. */
static int move_bytes(uint8_t direction, uint32_t address, uint8_t *bytes,
                      uint32_t length)
{
    const bool around = direction == WIRE_READ && address < PERIPHERALS;
    int error = OK;

    while (length && !error) {
        uint32_t moved = address % 4 ? 4 - address % 4 : length & ~3u;
        if ((address | length) % 4 && length <= (around ? AROUND - 4 : 4))
            moved = length;
        uint8_t size = (address | moved) % 2 ? 0 : (address | moved) % 4 ? 1 : 2;
        if (around && size < 2)
            error = read_around(address, bytes, moved);
        else
            error = move_items((struct job){ address, bytes, moved >> size, size, direction });
        address += moved;
        length -= moved;
        bytes += moved;
    }
    return error;
}

int adi_read(uint32_t address, void *bytes, uint32_t length)
{
    return move_bytes(WIRE_READ, address, bytes, length);
}

bool adi_wire_is_bad(void)
{
    return port.count.parity || port.count.silent;
}

bool adi_holds(uint32_t address, const uint8_t *bytes, uint32_t length)
{
    uint8_t seen[128];

    for (uint32_t at = 0, n; at < length; at += n) {
        n = length - at < sizeof seen ? length - at : (uint32_t)sizeof seen;
        if (adi_read(address + at, seen, n))
            return false;
        for (uint32_t i = 0; i < n; i++)
            if (seen[i] != (bytes ? bytes[at + i] : 0xFF))
                return false;
    }
    return true;
}

int adi_write(uint32_t address, const void *bytes, uint32_t length)
{
    for (int i = 0; i < 4; i++) {
        int error = move_bytes(WIRE_WRITE, address, (uint8_t *)bytes, length);
        if (error || !adi_wire_is_bad() || address >= PERIPHERALS || length <= 4)
            return error;
        if (adi_holds(address, bytes, length) || adi_holds(address, bytes, length))
            return OK;
        if (!port.connected)
            return ERR_LOST;
    }
    return ERR_VERIFY;
}

static int write_items(uint32_t address, const void *bytes, uint32_t length, uint8_t size)
{
    if ((address | length) % (1u << size))
        return ERR_ALIGNMENT;
    return move_items((struct job){ address, (uint8_t *)bytes, length >> size, size, WIRE_WRITE });
}

int adi_write16s(uint32_t address, const void *bytes, uint32_t length)
{
    return write_items(address, bytes, length, 1);
}

int adi_write32s(uint32_t address, const void *bytes, uint32_t length)
{
    return write_items(address, bytes, length, 2);
}

int adi_query(const uint32_t at[3], uint32_t command, uint32_t *results, int count,
              struct adi_status *status)
{
    const int last = at[2] ? 3 : 2;
    uint8_t requests[4];
    uint32_t words[4];                      /* the answer to a read is one place further */
    int first = 0;                          /* request to be sent: 1 when the command has arrived */
    bool aimed = false;
    int error = OK, tries = 0, i;

    for (i = 0; i < last; i++)              /* BD0 to BD3 have A[3:2] as the window has */
        requests[i] = wire_request(WIRE_AP | (i ? WIRE_READ : WIRE_WRITE), (uint8_t)at[i]);
    requests[last] = wire_request(WIRE_DP | WIRE_READ, DP_RDBUFF);
    status->all = UINT32_MAX;
    status->any = 0;
    while (count && (!error || again(&error, &tries))) {
        if (!aimed)
            error = in_window(at[0], 2, 1) ? OK : aim(at[0] & ~(WINDOW - 1u), 2);
        if (!aimed && !error)
            error = select_bank(port.ap, AP_BD0);
        words[0] = command;
        for (i = first; i <= last && !error; i++)
            error = transfer_word(requests[i], &words[i]);
        aimed = !error;
        if (error) {
            if (i > first)                  /* FAULT: its data had arrived damaged */
                first = i > 1 && error != ERR_FAULT ? 1 : 0;
            continue;
        }
        status->all &= words[2];
        status->any |= words[2];
        *results++ = words[last];
        first = 0;
        command++, count--, tries = 0;
    }
    rest();
    return error;
}

int adi_read32(uint32_t address, uint32_t *value)
{
    return adi_read(address, value, 4);
}

__attribute__((noinline)) int adi_write32(uint32_t address, uint32_t value)
{
    return adi_write(address, &value, 4);
}

int adi_read16(uint32_t address, uint16_t *value)
{
    return adi_read(address, value, 2);
}

/* --- connecting --------------------------------------------------------------- */

static int find_dp(uint32_t *dpidr)
{
    int error = ERR_NO_ANSWER;

    for (int round = 0; round < 3; round++)
        for (int how = 0; how < WIRE_WAKINGS; how++) {
            wire_wake(how);
            int e = line_reset(dpidr);
            if (e == OK && *dpidr != 0 && *dpidr != NOTHING)
                return OK;
            if (e && e != ERR_NO_ANSWER)
                error = e;                  /* somebody is there, but garbled */
        }
    return error;
}

static int power_up(void)
{
    uint32_t deadline = clock_in_ms(POWER_LIMIT_MS), status;
    int tries = 0, error;

    do {
        error = dp_write(DP_ABORT, ABORT_CLEAR);
        if (!error)
            error = dp_write(DP_SELECT, 0);
        if (!error)
            error = dp_write(DP_CTRL_STAT, POWER_REQUEST);
        if (!error)
            error = dp_read(DP_CTRL_STAT, &status);
        if (error && line_reset(&status) && ++tries == TRIES)
            return error;
        if (!error && (status & POWER_ACK) == POWER_ACK)
            return OK;
    } while (!clock_passed(deadline));
    return error ? error : ERR_TIMEOUT;
}

int adi_connect(uint32_t *dpidr)
{
    if (!wire_take(WIRE_GDB))
        return ERR_WIRE_TAKEN;
    forget();
    port.connected = true;                  /* transfers may go out */
    int error = find_dp(&port.dpidr);
    if (!error)
        error = power_up();
    port.count = (struct adi_counters){ 0 };
    port.targetid = 0;
    if (!error && (port.dpidr >> 12 & 0xF) >= 2)
        error = adi_dp_read(BANK_TARGETID << 4 | DP_TARGETID, &port.targetid);
    port.connected = error == OK;
    if (!error && dpidr)
        *dpidr = port.dpidr;
    rest();
    return error;
}

void adi_disconnect(void)
{
    if (port.connected) {
        adi_dp_write(DP_CTRL_STAT, 0);
        rest();
    }
    port.connected = false;
    wire_release(WIRE_GDB);
}

__attribute__((noinline)) bool adi_connected(void)
{
    return port.connected;
}

uint32_t adi_dpidr(void)
{
    return port.dpidr;
}

uint32_t adi_targetid(void)
{
    return port.targetid;
}

const struct adi_counters *adi_counters(void)
{
    return &port.count;
}
