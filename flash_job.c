/* flash_job.c - erases and programs the target's flash, as `load` asks for it.
 *
 * A job is flash_begin, flash_erase ..., flash_write ..., flash_end.  Erasing is only noted: a
 * block is erased when its data come and are not there yet, or at the end if none came.
 *
 * Data come in any portions and are collected to pieces.  Pieces are given to the loader in
 * the target's RAM, which takes them in while it programs the one before; the host's next
 * packet arrives meanwhile.  Where there is no loader (RAM too small, a watchdog that must not
 * see the core run, a bad wire) or when it fails, the piece is made by hand: the debug port
 * itself writes to the controller.
 *
 *   host: packet    |<-- 4 KB -->|            |<-- 4 KB -->|
 *   wire            .           a b c       d .           e f
 *   controller      .           [a  ][b  ][c  ][d  ]      ...
 *
 * Only what is read back counts: by the loader's sum, or by hand, word by word.  A piece that
 * is not as it should be is made by hand, and again, up to four times.  Then the error stands:
 * what goes wrong may be told by a later call, and ends the job's usefulness; flash_end()
 * still locks the controller.
 *
 * A block is what the chip erases at once.  There are two kinds:
 *   - A small one is one piece.  The loader leaves it alone, or erases and programs it.
 *   - A large one (up to 256 KB and more) is made of several pieces, front to back, and what
 *     gets no data counts as pieces of ones.  As long as they are there already, nothing is
 *     done.  At the first that is not, the block is erased; what stood before it in the block
 *     waits in the target's RAM meanwhile.  That RAM is the one thing that is not put back.
 *
 * What was not asked to be erased belongs to somebody else.  It is written by hand, and never
 * erased: ragged ends are filled up with ones to whole units, which programs nothing but where
 * a unit has ECC. */
#include "flash.h"
#include "adi.h"
#include "clock.h"
#include "loader.h"
#include "mem.h"

enum { TRIES = 4, BLOCKS_MAX = 1024, AT_ONCE = 4 };
enum { SMALL_MAX = 2048, PIECE_OF_LARGE = 1024 };
enum { LOADER_PAYS = 2048 };            /* bytes; starting and stopping it takes 6 ms */
enum { LIMIT_MS = 1000 };               /* of unlocking and locking */
#define NONE 0xFFFFFFFFu                /* no piece's, no block's address */

static struct {
    bool open, by_hand;                 /* by hand: the loader is not to be had */
    int error;                          /* the first; nothing is written after it */
    uint32_t asked;                     /* bytes to be erased: what the job will be */
    uint32_t left;                      /* ... of which so many are not yet */

    const struct region *flash;         /* where the piece is that is collected */
    uint32_t piece;                     /* its address; or NONE */
    uint32_t size;                      /* of pieces, now */
    uint32_t low, high;                 /* the part of it that has come */
    uint32_t given;                     /* pieces given to the loader since it started */

    uint32_t block;                     /* a large one that is being made; or NONE */
    uint32_t made;                      /* what is before this in it is as it should be ... */
    bool blank;                         /* ... and what is behind it is erased */

    uint32_t pieces[AT_ONCE];           /* where those with the loader belong */
    uint8_t to_erase[BLOCKS_MAX / 8];   /* a bit a block, from the lowest address on */
    _Alignas(4) uint8_t bytes[SMALL_MAX];       /* those pieces, and the one that is collected */
} job;

/* --- where things are ---------------------------------------------------------- */

/* A flash that is not at 0 is seen there, too: from there to where it is.  All of the area has
 * to be flash that can be written: ERR_FLASH_END. */
static int find(uint32_t *address, uint32_t length)
{
    if (*address < target_chip()->flash_base)
        *address += target_chip()->flash_base;
    uint32_t from = *address;
    const struct region *r = target_flash(from);
    while (r && length > r->base + r->size - from) {
        length -= r->base + r->size - from;
        from = r->base + r->size;
        r = target_flash(from);
    }
    return r ? OK : ERR_FLASH_END;
}

/* ... unless the chip has started from elsewhere, or the program has put RAM at 0. */
static bool is_at_0(void)
{
    uint8_t bytes[64];

    return adi_read(target_chip()->flash_base, bytes, sizeof bytes) == OK &&
           adi_holds(0, bytes, sizeof bytes);
}

static uint32_t block_of(const struct region *r, uint32_t address)
{
    return address & ~(r->page - 1);
}

static bool is_large(const struct region *r)
{
    return r->page > SMALL_MAX;
}

static uint32_t piece_size(const struct region *r)
{
    return is_large(r) ? PIECE_OF_LARGE : r->page;
}

/* As many pieces as there is room for; piece n since the start is in place n % places. */
static uint32_t places(void)
{
    uint32_t n = SMALL_MAX / job.size;
    return n < AT_ONCE ? n : AT_ONCE;
}

static uint8_t *place(uint32_t n)
{
    return job.bytes + n % places() * job.size;
}

static uint8_t *collected(void)
{
    return place(job.given);
}

/* --- what was asked to be erased ------------------------------------------------ */

static bool is_asked(const struct region *r, uint32_t block)
{
    uint32_t n = r->index + (block - r->base) / r->page;
    return job.to_erase[n / 8] >> n % 8 & 1;
}

static void set_asked(const struct region *r, uint32_t block, bool asked)
{
    uint32_t n = r->index + (block - r->base) / r->page;

    if (is_asked(r, block) == asked)
        return;
    job.to_erase[n / 8] ^= (uint8_t)(1u << n % 8);
    job.left += asked ? r->page : -r->page;
}

/* May this piece be erased if it has to be? */
static bool is_ours(const struct region *r, uint32_t piece)
{
    uint32_t block = block_of(r, piece);
    return is_asked(r, block) && (block != job.block || piece >= job.made);
}

/* --- the controllers ------------------------------------------------------------ */

/* One after the other follows a procedure: each bank may have a controller of its own. */
static int each_controller(enum procedure which, uint32_t limit_ms)
{
    const struct region *r;
    const struct controller *last = 0;
    int error = OK;

    for (int count = target_regions(&r); count && !error; count--, r++)
        if (r->controller && r->controller != last) {
            last = r->controller;
            error = flash_follow(last, which, 0, limit_ms);
        }
    return error;
}

/* What a family does before a job, and after it. */
static void around_job(bool before)
{
    const struct chip *chip = target_chip();

    if (before && chip->family->prepare)
        chip->family->prepare(chip);
    if (!before && chip->family->restore)
        chip->family->restore(chip);
}

/* --- by hand ------------------------------------------------------------------- */

/* The second look tells damage on the wire from damage in the flash. */
static bool surely_holds(uint32_t address, const uint8_t *bytes, uint32_t length)
{
    return adi_holds(address, bytes, length) || adi_holds(address, bytes, length);
}

static int program(uint32_t address, const uint8_t *bytes, uint32_t length)
{
    int error = flash_program(target_flash(address)->controller, TO_PROGRAM, address, bytes,
                              length);

    if (surely_holds(address, bytes, length))
        return OK;
    return error ? error : ERR_VERIFY;
}

/* The first word tells of most that they are not so.  Without bytes: erased. */
static bool is(uint32_t address, const uint8_t *bytes, uint32_t length)
{
    watchdog_feed();
    return adi_holds(address, bytes, 4) && adi_holds(address, bytes, length);
}

/* Room in the target's RAM behind the loader: there the beginning of a block can wait. */
static uint32_t shelf(void)
{
    return target_chip()->ram_base + LOADER_RAM;
}

static bool fits_on_shelf(uint32_t length)
{
    return length + LOADER_RAM <= target_chip()->ram_size;
}

/* From the flash to the shelf, or back; then all of it is looked at. */
static int carry(uint32_t from, uint32_t to, uint32_t length, bool back)
{
    uint8_t bytes[32];
    int error = OK;

    for (uint32_t at = 0; at < 2 * length && !error; at += sizeof bytes) {
        uint32_t offset = at < length ? at : at - length;
        watchdog_feed();
        error = adi_read(from + offset, bytes, sizeof bytes);
        if (error)
            break;
        if (at >= length)
            error = surely_holds(to + offset, bytes, sizeof bytes) ? OK : ERR_VERIFY;
        else if (back)
            error = flash_program(target_flash(to)->controller, TO_PROGRAM, to + offset, bytes,
                                  sizeof bytes);
        else
            error = adi_write(to + offset, bytes, sizeof bytes);
    }
    return error;
}

/* Erases the block of a piece; what stands before the piece in it stays.  Once it is on the
 * shelf only, it has to come back. */
static int erase_from(uint32_t piece)
{
    const struct region *r = target_flash(piece);
    uint32_t block = block_of(r, piece), before = piece - block;
    int tries = 0, error = !fits_on_shelf(before) ? ERR_ERASE
                                                  : carry(block, shelf(), before, false);

    if (error)
        return error;
    do {
        error = flash_erase_block(r, block);
        if (!error)
            error = carry(shelf(), block, before, true);
    } while (error && ++tries < TRIES && adi_connected());
    return error;
}

/* A piece, or without bytes a whole block. */
static int make(uint32_t piece, const uint8_t *bytes, uint32_t length)
{
    int error, tries = 0;

    if (bytes && target_options.flash_skip && is(piece, bytes, length))
        return OK;
    do {
        error = is(piece, 0, length) ? OK : erase_from(piece);
        if (error)
            return error;
        if (bytes)
            error = program(piece, bytes, length);
        else if (!surely_holds(piece, 0, length))
            error = ERR_ERASE;
        watchdog_feed();
    } while (error && ++tries < TRIES && adi_connected());
    return error;
}

uint32_t *flash_scratch(void)
{
    return (uint32_t *)job.bytes;
}

/* What is right already is not programmed again: some flash takes that only twice (nRF51's). */
static int program_options(const struct options *o, const uint8_t *bytes)
{
    uint32_t burst = 1u << o->controller->burst_log2, n = o->size < burst ? o->size : burst;
    int error = OK;

    for (uint32_t at = 0; at < o->size && !error; at += n)
        if (!is(o->base + at, bytes + at, n))
            error = flash_program(o->controller, TO_PROGRAM_OPTIONS, o->base + at, bytes + at, n);
    return error;
}

static int make_options(const struct options *o, const uint8_t *bytes)
{
    const struct controller *c = o->controller;
    struct flash_act act = { .address = o->base };
    int error = flash_open_options(c);

    if (error || is(o->base, bytes, o->size))
        return error;
    error = flash_follow(c, TO_ERASE_OPTIONS, &act, LIMIT_MS);
    if (!error)
        error = program_options(o, bytes);
    return surely_holds(o->base, bytes, o->size) ? OK : error ? error : ERR_VERIFY;
}

int flash_make_options(const struct options *options, const uint8_t *bytes)
{
    int error, tries = 0;

    around_job(true);
    do {
        error = make_options(options, bytes);
        int locking = flash_follow(options->controller, TO_CLOSE, 0, LIMIT_MS);
        error = error ? error : locking;
    } while (error && ++tries < TRIES && adi_connected());
    around_job(false);
    return error;
}

/* --- by the loader ------------------------------------------------------------- */

static uint32_t chunks_given(void)
{
    return job.given * (job.size / LOADER_CHUNK);
}

/* The loader is stopped, and what it may have left undone is done.  Locking and opening
 * the controller once more waits for it, and clears away what the loader began. */
static int go_on_by_hand(void)
{
    uint32_t n = loader.served * LOADER_CHUNK / job.size;
    int error = loader_stop();

    job.by_hand = true;
    each_controller(TO_CLOSE, LIMIT_MS);
    if (!error)
        error = each_controller(TO_OPEN, LIMIT_MS);
    for (; n < job.given && !error; n++)
        error = make(job.pieces[n % AT_ONCE], place(n), job.size);
    return error;
}

/* Puts a chunk into the loader, or looks whether it has done one. */
static int put_or_look(void)
{
    uint32_t n = loader.filled * LOADER_CHUNK / job.size, piece = job.pieces[n % AT_ONCE];

    if (adi_wire_is_bad())
        return ERR_PARITY;
    if (n == job.given || loader.filled - loader.served == LOADER_SLOTS)
        return loader_look(job.size);
    return loader_put(target_flash(piece), piece, place(n), job.size, target_options.flash_skip);
}

static void step(void)
{
    int error = put_or_look();

    watchdog_feed();
    if (error != OK && error != ERR_BUSY)
        job.error = go_on_by_hand();
}

/* Waits until so many chunks of those given have been put, or done. */
static void wait_put(void)
{
    while (loader.chip && loader.filled < chunks_given())
        step();
}

static void wait_done(uint32_t chunks)
{
    while (loader.chip && loader.served < chunks)
        step();
}

void flash_settle(void)
{
    if (!loader.chip)
        return;
    if (!target_chip()) {               /* it was lost with the target */
        loader_stop();
        return;
    }
    wait_done(chunks_given());
    int error = loader_stop();
    if (!job.error)
        job.error = error;
}

/* A job that is large enough gets a loader, if it can be had. */
static void start_loader(void)
{
    if (loader.chip || job.by_hand)
        return;
    job.by_hand = job.asked < LOADER_PAYS || loader_start(job.flash->controller) != OK;
    __builtin_memcpy(job.bytes, collected(), job.size);
    job.given = 0;
}

/* Until the piece is in the target; two chunks at most are not yet programmed then, which
 * takes longer than the host needs for the next packet. */
static void give_piece(void)
{
    start_loader();
    if (!loader.chip) {
        job.error = make(job.piece, collected(), job.size);
        return;
    }
    job.pieces[job.given++ % AT_ONCE] = job.piece;
    wait_put();
}

/* --- large blocks ---------------------------------------------------------------- */

static bool is_blank(uint32_t address, uint32_t length)
{
    bool blank;

    wait_done(chunks_given());
    if (loader.chip && loader_blank(address, length, &blank) == OK)
        return blank;
    return is(address, 0, length);
}

static void erase_what_is_not_made(void)
{
    job.error = erase_from(job.made);
    job.blank = true;
}

/* Could what is before this in the block wait on the shelf, should something behind it not be
 * as it should?  Behind the last there is nothing. */
static bool can_wait(uint32_t end)
{
    uint32_t before = end - job.block;
    return fits_on_shelf(before) || before == target_flash(job.block)->page;
}

/* From made up to here there were no data. */
static void leave_blank(uint32_t to)
{
    if (!job.blank && to != job.made && !(can_wait(to) && is_blank(job.made, to - job.made)))
        erase_what_is_not_made();
    job.made = to;
}

static void close_block(void)
{
    const struct region *r = target_flash(job.block);

    if (job.block == NONE || job.error)
        return;
    leave_blank(job.block + r->page);
    set_asked(r, job.block, false);
    job.block = NONE;
}

static void open_block(uint32_t block)
{
    if (block == job.block)
        return;
    close_block();
    start_loader();
    job.block = job.made = block;
    job.blank = is_blank(block, job.flash->page);
}

static bool may_stay(void)
{
    return target_options.flash_skip && can_wait(job.piece + job.size) &&
           is(job.piece, collected(), job.size);
}

static void make_in_block(void)
{
    open_block(block_of(job.flash, job.piece));
    leave_blank(job.piece);
    bool stays = !job.blank && may_stay();
    if (!job.blank && !stays)
        erase_what_is_not_made();
    job.made = job.piece + job.size;
    if (!job.error && !stays)
        give_piece();
}

/* --- collecting ---------------------------------------------------------------- */

static void write_part(void)
{
    uint32_t unit = 1u << job.flash->controller->unit_log2, low = job.low & ~(unit - 1);
    uint32_t high = (job.high + unit - 1) & ~(unit - 1);

    flash_settle();
    if (!job.error)
        job.error = program(job.piece + low, collected() + low, high - low);
}

/* Nothing more comes for it. */
static void close_piece(void)
{
    if (job.piece == NONE || job.error)
        return;
    if (!is_ours(job.flash, job.piece)) {
        write_part();
    } else if (is_large(job.flash)) {
        make_in_block();
    } else {
        give_piece();
        set_asked(job.flash, job.piece, false);
    }
    job.piece = NONE;
}

static void open_piece(const struct region *r, uint32_t piece)
{
    close_piece();
    if (r != job.flash)
        flash_settle();
    job.flash = r;
    job.size = piece_size(r);
    if (loader.chip && job.given >= places())   /* the place is that of an older piece */
        wait_done((job.given + 1 - places()) * (job.size / LOADER_CHUNK));
    __builtin_memset(collected(), 0xFF, job.size);
    job.piece = piece;
}

int flash_write(uint32_t address, const uint8_t *bytes, uint32_t length)
{
    if (!job.open || !target_chip())
        return ERR_NO_TARGET;
    int outside = find(&address, length);
    if (outside)
        return outside;
    while (length && !job.error) {
        const struct region *r = target_flash(address);
        uint32_t size = piece_size(r), offset = address & (size - 1), piece = address - offset;
        uint32_t room = size - offset, n = room < length ? room : length;

        if (piece != job.piece || (offset != job.high && !is_ours(r, piece))) {
            open_piece(r, piece);
            job.low = offset;
        }
        __builtin_memcpy(collected() + offset, bytes, n);
        job.high = offset + n;
        if (job.high == size)
            close_piece();
        address += n;
        bytes += n;
        length -= n;
        watchdog_feed();
    }
    return job.error;
}

/* --- jobs ---------------------------------------------------------------------- */

int flash_begin(void)
{
    const struct chip *chip = target_chip();

    if (!chip || !target_attached())
        return ERR_NO_TARGET;
    if (!chip->family || target_blocks() > BLOCKS_MAX)
        return ERR_UNSUPPORTED;
    if (chip->locked)
        return ERR_LOCKED;
    __builtin_memset(&job, 0, sizeof job);
    job.piece = job.block = NONE;
    job.size = LOADER_CHUNK;
    int error = cortexm_look();         /* `monitor reset run` */
    if (error)
        return error;
    target_map_all();
    around_job(true);
    error = each_controller(TO_OPEN, LIMIT_MS);
    job.open = error == OK;
    return error;
}

bool flash_is_open(void)
{
    return job.open;
}

/* Each block of the area: is it one, does it end with the area? */
static bool are_blocks(uint32_t address, uint32_t length)
{
    uint32_t end = address + length;
    const struct region *r = target_flash(address), *last = target_flash(end - 1);

    return length && address == block_of(r, address) &&
           end == block_of(last, end - 1) + last->page;
}

int flash_erase(uint32_t address, uint32_t length)
{
    if (!job.open || !target_chip())
        return ERR_NO_TARGET;
    bool alias = address < target_chip()->flash_base;
    int error = find(&address, length);
    if (error)
        return error;
    if (alias && !is_at_0())
        return ERR_ALIAS;
    if (!are_blocks(address, length))
        return ERR_ALIGNMENT;
    if (job.piece - address < length)   /* else the next section may go on in it: lldb */
        close_piece();
    if (job.block - address < length)
        close_block();
    job.asked += length;
    while (length) {
        const struct region *r = target_flash(address);
        set_asked(r, address, true);
        address += r->page;
        length -= r->page;
    }
    return job.error;
}

/* One block of those that are left: there is one. */
static int erase_one(void)
{
    const struct region *r;

    for (target_regions(&r); ; r++)
        for (uint32_t at = r->base; r->controller && at - r->base < r->size; at += r->page)
            if (is_asked(r, at)) {
                set_asked(r, at, false);
                return make(at, 0, r->page);
            }
}

int flash_erase_rest(uint32_t *left)
{
    *left = 0;
    if (!job.open || !target_chip())
        return OK;
    close_piece();
    close_block();
    flash_settle();
    if (!job.error && job.left)
        job.error = erase_one();
    *left = job.left;
    return job.error || !job.left ? job.error : ERR_BUSY;
}

int flash_end(int error)
{
    uint32_t left;

    if (!job.open || !target_chip())
        return error;
    if (!error)
        while ((error = flash_erase_rest(&left)) == ERR_BUSY)
            watchdog_feed();
    int stopping = loader_stop();
    int locking = each_controller(TO_CLOSE, LIMIT_MS);
    around_job(false);
    job.open = false;
    return error ? error : stopping ? stopping : locking;
}

/* --- mass erase --------------------------------------------------------------- */

enum { MASS_ERASE_LIMIT_MS = 60000, LOOK_MS = 0 };

static uint32_t mass_deadline;

static int whole(const struct family *family, enum procedure which, uint32_t limit_ms)
{
    return family->mass ? flash_follow(family->mass, which, 0, limit_ms)
                        : each_controller(which, limit_ms);
}

/* For a locked chip the debug port may just have been given up, by a failed attach. */
int flash_mass_erase(void)
{
    const struct chip *chip = target_chip();

    if (!chip)
        return ERR_NO_TARGET;
    if (!chip->family)
        return ERR_UNSUPPORTED;
    const struct family *family = chip->family;
    int error = target_reach(chip);
    mass_deadline = clock_in_ms(MASS_ERASE_LIMIT_MS);
    if (error)
        return error;
    if (chip->locked && family->unlock)
        return family->unlock(chip);
    error = whole(family, TO_OPEN, LIMIT_MS);
    return error ? error : whole(family, TO_ERASE_ALL, LIMIT_MS);
}

/* Busy is what lasts longer than a look. */
int flash_poll(void)
{
    const struct chip *chip = target_chip();

    if (!chip || !chip->family)
        return ERR_NO_TARGET;
    const struct family *family = chip->family;
    int error = chip->locked && family->unlocking ? family->unlocking(chip)
                                                  : whole(family, TO_CHECK, LOOK_MS);
    if (error == ERR_TIMEOUT)
        return clock_passed(mass_deadline) ? ERR_TIMEOUT : ERR_BUSY;
    if (!error)
        error = whole(family, TO_CLOSE, LIMIT_MS);
    if (!error && chip->locked)
        target_is_open_now();
    return error == ERR_PROGRAM ? ERR_ERASE : error;
}
