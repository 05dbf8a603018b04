/* gdb_memory.c - what gdb reads and writes: registers, memory, breakpoints, flash.
 *
 *   m M x X        memory in hex and in binary, also while the target runs
 *   g G p P        registers; gdb knows from target.xml which there are
 *   Z z            breakpoints and watchpoints
 *   vFlash...      `load`: erase, write, done
 *   qCRC, qSearch  `compare-sections`, `find`: done here, so that memory stays here
 *
 * The answer to a long write comes before the write: while it is on the wire, the host
 * sends the next packet, and a load takes the longer of both times instead of their sum.
 * Nobody is misled: the area is one that the chip has, so that only the wire or the chip's
 * controller can fail it; and then the very next packet that reads, writes, resumes,
 * detaches or ends the load is not executed but answered with that error (gdb.owed).  Not
 * where the host may yet ask for an answer again: then it needs the place of the data.
 *
 * Rules: gdb_remote.c has checked that a target is attached (and halted, for registers
 * and flash) and that the numbers are numbers; lengths of data are checked here.
 * Source: GDB manual, appendix E: Packets, General Query Packets. */
#include "gdb_server.h"
#include "cdc.h"
#include "clock.h"
#include "crc.h"
#include "gdb_xml.h"
#include "mem.h"
#include "rsp.h"
#include "rtt.h"
#include "say.h"
#include "semihost.h"
#include "swbreak.h"

/* Handlers share one type, and not each needs all of it. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

enum {
    /* Memory goes in pieces: the first is waited for and the last one's way over USB, too; but
     * each costs 30 us besides what its bytes do. */
    PIECE = 344, SEARCHED = 256,
    PERIPHERALS = 0x40000000,           /* Armv7-M B3.1: from here on */
    AIRCR = 0xE000ED0C,                 /* whose bits reset the chip */
    LONG_WRITE = 256,                   /* of a load, hardly of a user's command */
    BY_HAND = 8,                        /* `set` writes no more than that */
    SEARCH_MS = 4000,                   /* gdb gives up after 6 s */
    SHOW_EVERY_MS = 500, CTRL_C = 0x03,
};

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Registers.  `g` has those of the core; gdb asks with `p` for those of an FPU. */
int gdb_read_registers(uint32_t a, uint32_t b, struct scan *rest)
{
    uint32_t values[REG_CONTROL + 1];
    int error = cortexm_read_registers(values);

    for (uint32_t number = 0; number <= REG_CONTROL && error == OK; number++)
        rsp_hex(&values[number], gdb_register_size(number));
    return error;
}

/* Only what differs is written: sp is also msp or psp, and the packet has both. */
int gdb_write_registers(uint32_t a, uint32_t b, struct scan *rest)
{
    uint32_t values[REG_CONTROL + 1];
    int error = cortexm_read_registers(values);

    for (int number = 0; number <= REG_CONTROL && error == OK; number++) {
        uint32_t value = values[number];
        if (scan_left(rest) > 0)        /* gdb may leave out the last ones */
            scan_bytes(rest, &value, gdb_register_size((uint32_t)number));
        if (rest->bad)
            return ERR_RANGE;
        if (value != values[number])
            error = cortexm_write_register(number, &value);
    }
    return error;
}

int gdb_read_register(uint32_t number, uint32_t b, struct scan *rest)
{
    uint32_t value[2], size = gdb_register_size(number);
    int error = size == 0 ? ERR_RANGE : cortexm_read_register((int)number, value);

    if (error == OK)
        rsp_hex(value, size);
    return error;
}

int gdb_write_register(uint32_t number, uint32_t b, struct scan *rest)
{
    uint32_t value[2], size = gdb_register_size(number);

    scan_bytes(rest, value, size);
    if (size == 0 || !scan_done(rest))
        return ERR_RANGE;
    return cortexm_write_register((int)number, value);
}

/* Memory.  An answer may be shorter than asked for: that is how an error further on shows,
 * and a packet that is full.  While a piece is read from the target, the one before it
 * travels over USB.  Where one fails, what comes before the fault is read byte by byte. */
static int read_memory(uint32_t address, uint32_t length,
                       void (*put)(const void *bytes, uint32_t length))
{
    uint32_t most = PIECE;
    int error = OK;

    while (length > 0 && rsp_room() > 1) {
        uint32_t count = smaller(smaller(length, most), rsp_room() / 2);
        uint8_t *bytes = rsp_scratch(count);
        error = swbreak_read(address, bytes, count);
        if (error == ERR_FAULT && count > 1 && address < PERIPHERALS) {
            most = 1;
            continue;
        }
        if (error != OK)
            break;
        if (put == rsp_binary && !rsp_begun())
            rsp_char('b');
        put(bytes, count);
        address += count;
        length -= count;
    }
    return error;
}

int gdb_read_hex(uint32_t address, uint32_t length, struct scan *rest)
{
    return length == 0 ? EMPTY : read_memory(address, length, rsp_hex);
}

int gdb_read_binary(uint32_t address, uint32_t length, struct scan *rest)
{
    return length == 0 ? rsp_print("b") : read_memory(address, length, rsp_binary);
}

/* An area of one kind that the chip is known to have; peripherals are no RAM here. */
static bool inside(enum region_kind kind, uint32_t address, uint32_t length)
{
    const struct region *region;
    bool found = false;

    for (int count = target_regions(&region); count > 0; count--, region++)
        found |= region->kind == kind && length <= region->size &&
                 region->base < PERIPHERALS &&
                 address - region->base <= region->size - length;
    return found;
}

/* The answer has been given already. */
static int owe(int error)
{
    gdb.owed = error;
    if (error != OK)
        gdb.unsaid = error;             /* for the console, should that come first */
    return LATER;
}

/* Length 0 asks whether we know the packet.  To ROM and option bytes only those may write who
 * drive the flash's controller themselves, word by word, since the core last ran: their
 * sequence is not broken in the middle.  A load is told which command does it. */
int gdb_write_binary(uint32_t address, uint32_t length, struct scan *rest)
{
    if (scan_left(rest) != length)
        return ERR_RANGE;
    if (length == 0 || semihost_keep(address, rest->at, length))
        return OK;
    if (inside(REGION_ROM, address, 1) && !(gdb.by_hand && length <= BY_HAND))
        return ERR_READ_ONLY;
    gdb.by_hand |= target_has_controller(address);
    bool confirmed = length >= LONG_WRITE && inside(REGION_RAM, address, length)
                  && rsp_confirm();
    int error = swbreak_write(address, rest->at, length);
    if (address >= PERIPHERALS && cortexm_look() == OK && AIRCR - address < length)
        error = OK;                     /* it may have been cut off by the reset */
    if (error == ERR_FAULT && length > BY_HAND)
        gdb.unsaid = ERR_RANGE;         /* a program that is too large: gdb says "failed" only */
    return confirmed ? owe(error) : error;
}

/* Two digits become one byte, so the packet's own place will do. */
int gdb_write_hex(uint32_t address, uint32_t length, struct scan *rest)
{
    int packet_length;
    uint8_t *bytes = rsp_packet(&packet_length);

    if (scan_left(rest) != 2 * length)
        return ERR_RANGE;
    scan_bytes(rest, bytes, length);
    *rest = (struct scan){ bytes, bytes + length, rest->bad };
    return rest->bad ? ERR_RANGE : gdb_write_binary(address, length, rest);
}

int gdb_crc(uint32_t address, uint32_t length, struct scan *rest)
{
    uint8_t bytes[SEARCHED];
    uint32_t crc = 0xFFFFFFFF, count;
    int error = OK;

    crc_start();
    for (; length > 0 && error == OK; address += count, length -= count) {
        count = smaller(length, SEARCHED);
        error = swbreak_read(address, bytes, count);
        crc = crc_add(bytes, count);
        watchdog_feed();
    }
    return error == OK ? rsp_print("C%x", (unsigned)crc) : error;
}

/* Pieces overlap by the pattern's length less one, so none is missed at a seam. */
int gdb_search(uint32_t address, uint32_t length, struct scan *rest)
{
    uint8_t bytes[SEARCHED];
    uint32_t size = scan_left(rest), deadline = clock_in_ms(SEARCH_MS);

    gdb.ctrl_c = CTRL_C_SPENT;
    if (size == 0 || size > SEARCHED / 2)
        return ERR_RANGE;
    while (length >= size) {
        uint32_t count = smaller(length, SEARCHED), places = count - size + 1;
        int error = swbreak_read(address, bytes, count);
        for (uint32_t i = 0; i < places && error == OK; i++)
            if (memcmp(bytes + i, rest->at, size) == 0)
                return rsp_print("1,%x", (unsigned)(address + i));
        address += places;
        length -= places;
        watchdog_feed();
        if (clock_passed(deadline) || cdc_peek(CDC_GDB, CTRL_C))
            error = ERR_TIMEOUT;
        if (error != OK)
            return error;
    }
    return rsp_print("0");
}

/* Z0 and Z1 are breakpoints, Z2 to Z4 watchpoints; z takes them away.  The last number is
 * the length that is watched, or the kind of instruction, 2, 3 or 4 (lldb says 0): its first
 * halfword is enough for all of them.  A condition may follow: we never offered that. */
static int change(uint32_t type, uint32_t address, struct scan *rest, bool set)
{
    uint32_t length = scan_hex(rest);

    if (type > WATCH_ACCESS)
        return EMPTY;
    if (rest->bad)
        return ERR_RANGE;
    if (type >= WATCH_WRITE)
        return (set ? cortexm_set_watchpoint : cortexm_clear_watchpoint)
            ((enum watch)type, address, length);
    if (type == 0)
        return (set ? swbreak_set : swbreak_clear)(address);
    return (set ? cortexm_set_breakpoint : cortexm_clear_breakpoint)(address);
}

int gdb_insert(uint32_t type, uint32_t address, struct scan *rest)
{
    return change(type, address, rest, true);
}

int gdb_remove(uint32_t type, uint32_t address, struct scan *rest)
{
    if (type >= WATCH_WRITE && gdb_is_watch(gdb.stop.reason))
        gdb.stop.reason = STOP_WATCH_GONE;
    return change(type, address, rest, false);
}

/* Flash. */
static int open_job(void)
{
    int error = OK;

    if (!gdb.flash_job) {
        rtt_forget();
        semihost_used = false;
        error = flash_begin();
    }
    gdb.flash_job = error == OK;
    gdb.by_hand = false;
    return error;
}

static int end_job(int error)
{
    int result = gdb.flash_job ? flash_end(error) : error;

    if (result == OK)
        gdb.unsaid = OK;
    gdb.flash_job = false;
    gdb.ctrl_c = CTRL_C_SPENT;
    return result;
}

void gdb_drop_flash_job(void)
{
    if (gdb.flash_job)
        end_job(ERR_LOST);
}

/* What was asked to be erased and got no data. */
static int erase_rest(void)
{
    uint32_t left, show = clock_in_ms(SHOW_EVERY_MS);
    int error;

    while ((error = flash_erase_rest(&left)) == ERR_BUSY) {
        watchdog_feed();
        if (cdc_peek(CDC_GDB, CTRL_C))
            return ERR_TIMEOUT;
        if (clock_passed(show)) {
            say("%u KB to be erased\n", (unsigned)(left / 1024));
            show = clock_in_ms(SHOW_EVERY_MS);
        }
    }
    return error;
}

int gdb_erase_pages(uint32_t address, uint32_t length)
{
    int error = gdb_flash_erase(address, length, 0);

    return error == OK ? gdb_flash_done(0, 0, 0) : error;
}

int gdb_flash_erase(uint32_t address, uint32_t length, struct scan *rest)
{
    int error = open_job();

    if (error == OK)
        error = flash_erase(address, length);
    return error == OK ? OK : end_job(error);
}

int gdb_flash_write(uint32_t address, uint32_t b, struct scan *rest)
{
    uint32_t length = scan_left(rest);
    int error = open_job();
    bool confirmed = error == OK && inside(REGION_FLASH, address, length) && rsp_confirm();

    if (error == OK)
        error = flash_write(address, rest->at, length);
    if (error != OK)
        error = end_job(error);
    return confirmed ? owe(error) : error;
}

int gdb_flash_done(uint32_t a, uint32_t b, struct scan *rest)
{
    int error = gdb_owed();

    return end_job(error == OK ? erase_rest() : error);
}
