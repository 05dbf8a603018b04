/* adi.c - the Arm Debug Interface: SWD transfers become words of the target's memory.
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
    CSW_CACHEABLE = 1 << 27,                /* HPROT[3]: an M7 looks into its data cache */
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
    uint8_t tries;                          /* mended ones, since the job came on */
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

static int meaning(int ack)
{
    if (ack == WIRE_OK)
        return OK;
    if (ack == WIRE_FAULT)
        return ERR_FAULT;
    if (ack == WIRE_PARITY) {
        port.count.parity++;
        return ERR_PARITY;
    }
    port.count.silent++;
    return ack == WIRE_SILENT ? ERR_NO_ANSWER : ERR_PROTOCOL;
}

/* The bus behind the AP is stuck.  ABORT itself is never answered with WAIT (B2.2.1). */
static void give_up(void)
{
    uint32_t value = ABORT_DAPABORT | ABORT_CLEAR;
    struct wire_block block = { (uint8_t *)&value, 1, 0, 1 };

    wire_words(WIRE_DP | WIRE_WRITE | DP_ABORT, &block);
}

/* The bus behind the AP is slow, or something is wrong. */
__attribute__((noinline)) static int not_ok(int ack, uint32_t request, struct wire_block *block)
{
    uint32_t late = 0, deadline = 0;    /* so many were left when one had to wait, until then */

    while (ack == WIRE_WAIT) {
        port.count.waits++;
        if (late != block->left)
            deadline = clock_in_ms(WAIT_LIMIT_MS);
        else if (clock_passed(deadline)) {
            give_up();
            return ERR_WAIT;
        }
        late = block->left;
        block->idle = 0;                /* it has grown; wire.c knows what is enough */
        watchdog_feed();
        ack = wire_words(request, block);
    }
    return meaning(ack);
}

/* Words with the same request.  *block tells how far that came. */
static int transfer_words(uint32_t request, struct wire_block *block)
{
    if (!port.connected)
        return ERR_NO_TARGET;
    int ack = wire_words(request, block);
    return ack == WIRE_OK ? OK : not_ok(ack, request, block);
}

static int transfer_word(uint32_t request, uint32_t *value)
{
    struct wire_block block = { (uint8_t *)value, 1, 0, WIRE_ASKS };
    return transfer_words(request, &block);
}

static int dp_read(uint8_t address, uint32_t *value)
{
    return transfer_word(WIRE_DP | WIRE_READ | address, value);
}

static int dp_write(uint8_t address, uint32_t value)
{
    return transfer_word(WIRE_DP | WIRE_WRITE | address, &value);
}

/* --- mending ------------------------------------------------------------------ */

/* ADIv5.2 B4.3.3: after a line reset the DP hears nothing but a read of DPIDR. */
static int line_reset(uint32_t *dpidr)
{
    wire_resynchronize();
    return dp_read(DP_DPIDR, dpidr);
}

/* Clears the sticky bits, selects bank 0, asks for power if that is wanted; and how is it? */
static int look_at_power(uint32_t request, uint32_t *status)
{
    int error = dp_write(DP_ABORT, ABORT_CLEAR);

    if (!error)
        error = dp_write(DP_SELECT, 0);
    if (!error && request)
        error = dp_write(DP_CTRL_STAT, request);
    return error ? error : dp_read(DP_CTRL_STAT, status);
}

/* Both ends of the wire agree again, or the target is gone.  A target that has lost
 * power in between answers, but with its debug power-up gone: all that was set up in it
 * is lost as well. */
static int recover(void)
{
    uint32_t dpidr, status;

    for (int i = 0; i < LINE_RESETS; i++) {
        watchdog_feed();                /* a slow wire, and tries upon tries */
        if (line_reset(&dpidr) || dpidr != port.dpidr || look_at_power(0, &status))
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

/* After an error: OK when the job may be done again, or the error that is final. */
static int mend(int first)
{
    forget();
    if (first == ERR_WAIT || first == ERR_NO_TARGET)
        return first;
    int error = first == ERR_FAULT ? explain_fault() : recover();
    if (error || ++port.tries < TRIES)
        return error;
    return first == ERR_NO_ANSWER ? ERR_PROTOCOL : first;
}

/* --- registers ---------------------------------------------------------------- */

static int set_select(uint32_t select)
{
    if (port.select == select)
        return OK;
    int error = dp_write(DP_SELECT, select);
    port.select = error ? NOTHING : select;
    return error;
}

static int select_bank(uint8_t ap, uint8_t address)
{
    return set_select((uint32_t)ap << 24 | (address & 0xF0u));
}

static int ap_write(uint8_t address, uint32_t value)
{
    int error = select_bank(port.ap, address);
    return error ? error : transfer_word(WIRE_AP | WIRE_WRITE | address, &value);
}

/* What a DP register wants first: bits 7:4 of its address as DPBANKSEL, so that 0x24 is
 * TARGETID.  Those at 0, 8 and C have no banks. */
static int select_dp_bank(uint8_t address)
{
    return address % 16 == DP_CTRL_STAT ? set_select((port.select & ~15u) | address >> 4) : OK;
}

/* RDBUFF has the result of a read, and hears the fate of a write. */
static int access_once(uint8_t what, uint8_t ap, uint8_t address, uint32_t *value)
{
    const bool of_ap = what & WIRE_AP;
    uint32_t ignored;
    int error = of_ap ? select_bank(ap, address) : select_dp_bank(address);

    if (!error)
        error = transfer_word((uint32_t)what | address, value);
    if (!error && of_ap)
        error = dp_read(DP_RDBUFF, what & WIRE_READ ? value : &ignored);
    return error;
}

static int access(uint8_t what, uint8_t ap, uint8_t address, uint32_t *value)
{
    int error;

    port.tries = 0;
    do
        error = access_once(what, ap, address, value);
    while (error && !(error = mend(error)));
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
    uint32_t csw, base;
    int error = adi_ap_read(ap, AP_CSW, &csw);

    if (!error)
        error = adi_ap_read(ap, AP_BASE, &base);
    if (error)
        return error;
    port.ap = ap;
    port.csw_base = (csw & 0x77000000u) | CSW_PRIVILEGED_DATA | (port.csw_base & CSW_CACHEABLE);
    port.csw = port.tar = NOTHING;
    port.rom_table = base == NOTHING ? 0 : base & ~0xFFFu;
    return OK;
}

void adi_look_into_cache(bool look)
{
    port.csw_base = (port.csw_base & ~(uint32_t)CSW_CACHEABLE) | (look ? CSW_CACHEABLE : 0);
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

/* BD0 to BD3 reach all of TAR's 16 bytes and leave it alone: so polling a status register
 * needs no TAR. */
__attribute__((noinline)) static bool in_window(uint32_t address)
{
    return port.tar != NOTHING && port.tar / WINDOW == address / WINDOW &&
           port.csw == (port.csw_base | CSW_INCREMENT_SINGLE | 2);
}

static uint8_t bd(uint32_t address)
{
    return (uint8_t)(AP_BD0 + address % WINDOW);
}

/* What is left to be moved. */
struct job {
    uint32_t address;
    uint8_t *bytes;
    uint32_t count;                         /* of items */
    uint8_t size;                           /* log2 of an item's bytes */
    uint8_t direction;                      /* WIRE_READ, WIRE_WRITE */
};

/* What is smaller than a word travels in the lanes that its address has in one (C2.2.6). */
static uint32_t lane(uint32_t address)
{
    return 8 * (address % 4);
}

static int write_small_items(const struct job *job, struct wire_block *block)
{
    uint32_t address = job->address, size = 1u << job->size;

    for (; block->left; block->left--, block->bytes += size, address += size) {
        uint32_t item = 0;
        memcpy(&item, block->bytes, size);
        item <<= lane(address);
        int error = transfer_word(WIRE_AP | WIRE_WRITE | AP_DRW, &item);
        if (error)
            return error;
    }
    return OK;
}

/* The first count items of a job, all within one TAR block; *done is how many the target
 * took, or gave. */
static int move_run(const struct job *job, uint32_t count, uint32_t *done)
{
    const bool banked = job->size == 2 && count == 1 && in_window(job->address);
    const uint8_t reg = banked ? bd(job->address) : AP_DRW;
    const uint32_t request = (uint32_t)WIRE_AP | job->direction | reg;
    const bool reading = job->direction == WIRE_READ;
    struct wire_block block = { job->bytes, count - reading, 0, WIRE_ASKS };
    uint32_t value;

    int error = banked ? select_bank(port.ap, reg) : aim(job->address, job->size);
    if (!error && reading)
        error = transfer_word(request, &value); /* each word comes with the next request */
    if (!error)
        error = reading || job->size == 2 ? transfer_words(request, &block)
                                          : write_small_items(job, &block);
    if (!error)                             /* ... and the last one with this */
        error = dp_read(DP_RDBUFF, &value); /* waits for the last, and hears its fate */
    *done = count - reading - block.left;
    if (!error && reading) {
        value >>= lane(job->address);
        memcpy(block.bytes, &value, 1u << job->size);
        ++*done;
    }
    if (!error && !banked)
        tar_has_moved(count << job->size);
    return error;
}

/* --- memory: any amount ------------------------------------------------------- */

static int move_items(struct job job)
{
    int error = OK;

    port.tries = 0;
    while (job.count && !error) {
        uint32_t room = (TAR_BLOCK - job.address % TAR_BLOCK) >> job.size, done;

        if (job.size < 2 && job.direction == WIRE_READ)
            room = 1;                       /* each from lanes of its own */
        error = move_run(&job, job.count < room ? job.count : room, &done);
        watchdog_feed();
        if (error == ERR_FAULT && job.direction == WIRE_WRITE && done)
            done--;                         /* its data had arrived damaged */
        if (done)
            port.tries = 0;
        if (error)
            error = mend(error);
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
static int move_unaligned(uint8_t direction, uint32_t address, uint8_t *bytes,
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
    return move_unaligned(WIRE_READ, address, bytes, length);
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
        int error = move_unaligned(WIRE_WRITE, address, (uint8_t *)bytes, length);
        if (error || !adi_wire_is_bad() || address >= PERIPHERALS || length <= 4)
            return error;
        if (adi_holds(address, bytes, length) || adi_holds(address, bytes, length))
            return OK;
        if (!port.connected)
            return ERR_LOST;
    }
    return ERR_VERIFY;
}

/* Not inline: the stack is deepest there. */
__attribute__((noinline)) int adi_write_items(uint32_t address, const void *bytes, uint32_t length, unsigned size)
{
    if ((address | length) & (size - 1))
        return ERR_ALIGNMENT;
    return move_items((struct job){ address, (uint8_t *)bytes, length / size,
                                    (uint8_t)(size / 2), WIRE_WRITE });
}

static int aim_window(uint32_t address)
{
    int error = in_window(address) ? OK : aim(address & ~(WINDOW - 1u), 2);

    return error ? error : select_bank(port.ap, AP_BD0);
}

/* What each transfer reads is the answer to the one before. */
int adi_query(const uint32_t *at, uint32_t command, uint32_t *results, int count,
              struct adi_status *status)
{
    bool aimed = false;
    int error = OK, i = 0;                  /* which transfer */

    port.tries = 0;
    status->all = UINT32_MAX;
    status->any = 0;
    while (count && (!error || !(error = mend(error)))) {
        uint32_t value = command, request = WIRE_DP | WIRE_READ | DP_RDBUFF;
        if (at[i])                          /* BD0 to BD3 have A[3:2] as the window has */
            request = WIRE_AP | (i == 0 ? WIRE_WRITE : WIRE_READ) | at[i];
        error = aimed ? OK : aim_window(at[0]);
        aimed = !error;
        if (error)
            continue;
        error = transfer_word(request, &value);
        if (error) {                        /* FAULT: the command had arrived damaged */
            i = i == 0 || error == ERR_FAULT ? 0 : 1;
            aimed = false;
            continue;
        }
        if (i == 2) {
            status->all &= value;
            status->any |= value;
        }
        if (at[i++])
            continue;
        *results++ = value;
        i = port.tries = 0;
        command++, count--;
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

    for (int i = 0; i < 3 * WIRE_WAKINGS; i++) {
        wire_wake(i % WIRE_WAKINGS);
        int e = line_reset(dpidr);
        if (e == OK && *dpidr != 0 && *dpidr != NOTHING)
            return OK;
        if (e && e != ERR_NO_ANSWER)
            error = e;                      /* somebody is there, but garbled */
    }
    return error;
}

static int power_up(void)
{
    uint32_t deadline = clock_in_ms(POWER_LIMIT_MS), status;
    int tries = 0, error;

    do {
        error = look_at_power(POWER_REQUEST, &status);
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
