/* flash_job.c - erases and programs the target's flash, as `load` asks for it.
 *
 *   called by  gdb_memory.c, gdb_remote.c, monitor.c
 *   calls      loader.c, the families (flash_samd.c, flash_stm32.c), adi.c
 *
 * A job is flash_begin, flash_erase ..., flash_write ..., flash_end.  Erasing is only
 * noted: it is done page by page, when a page's data are there, or at the end for pages
 * that got none.  So a page that holds its data already need not be touched.
 *
 * Data come in any pieces and are collected to whole pages.  Pages are given to the loader
 * in the target's RAM, which takes them in while it programs the one before; the host's
 * next packet arrives meanwhile.  Where there is no loader (RAM too small, a watchdog that
 * must not see the core run, a bad wire) or when it fails, the page is made by hand: the
 * debug port itself writes to the controller.
 *
 *   host: packet    |<-- 4 KB -->|            |<-- 4 KB -->|
 *   wire            .           a b c       d .           e f
 *   controller      .           [a  ][b  ][c  ][d  ]      ...
 *
 * Only what is read back counts: by the loader's sum, or by hand, word by word.  A page
 * that is not as it should be is made by hand, and again, up to four times.  Then the
 * error stands: what goes wrong may be told by a later call, and ends the job's
 * usefulness; flash_end() still locks the controller.
 *
 * What was not asked to be erased belongs to somebody else.  It is written in pieces, by
 * hand, and never erased: ragged ends are filled up with ones, which programs nothing. */
#include "flash.h"
#include "adi.h"
#include "clock.h"
#include "loader.h"

enum { TRIES = 4, PAGES_MAX = 1024, AT_ONCE = 4 };
enum { LOADER_PAYS = 2048 };            /* bytes; starting and stopping it takes 6 ms */
#define NONE 0xFFFFFFFFu                /* no page's address */

static struct {
    bool open, by_hand;                 /* by hand: the loader is not to be had */
    int error;                          /* the first; nothing is written after it */
    uint32_t page;                      /* the one that is collected; or NONE */
    uint32_t low, high;                 /* the piece of it that has come */
    uint32_t asked;                     /* bytes to be erased: what the job will be */
    uint32_t given;                     /* pages given to the loader since it started */
    uint32_t pages[AT_ONCE];            /* where they belong */
    uint8_t to_erase[PAGES_MAX / 8];    /* a bit a page */
    uint8_t bytes[FLASH_PAGE_MAX];      /* those pages, and the one that is collected */
} job;

/* A flash that is not at 0 is seen there, too: from there to where it is.  ERR_FLASH_END. */
static int find(const struct chip *chip, uint32_t *address, uint32_t length)
{
    if (*address < chip->flash_base)
        *address += chip->flash_base;
    uint32_t offset = *address - chip->flash_base;
    return offset < chip->flash_size && length <= chip->flash_size - offset ? OK
                                                                            : ERR_FLASH_END;
}

/* ... unless the chip has started from elsewhere, or the program has put RAM at 0. */
static bool is_at_0(const struct chip *chip)
{
    uint8_t bytes[64];

    return adi_read(chip->flash_base, bytes, sizeof bytes) == OK &&
           adi_holds(0, bytes, sizeof bytes);
}

/* As many pages as there is room for; page n since the start is in place n % places. */
static uint32_t places(const struct chip *chip)
{
    uint32_t n = FLASH_PAGE_MAX / chip->page;
    return n < AT_ONCE ? n : AT_ONCE;
}

static uint8_t *place(const struct chip *chip, uint32_t n)
{
    return job.bytes + n % places(chip) * chip->page;
}

static uint32_t number(const struct chip *chip, uint32_t page)
{
    return (page - chip->flash_base) / chip->page;
}

static bool is_ours(const struct chip *chip, uint32_t page)
{
    uint32_t n = number(chip, page);
    return job.to_erase[n / 8] >> n % 8 & 1;
}

static void set_ours(const struct chip *chip, uint32_t page, bool ours)
{
    uint32_t n = number(chip, page);
    uint8_t bit = (uint8_t)(1u << n % 8);
    job.to_erase[n / 8] = (uint8_t)(ours ? job.to_erase[n / 8] | bit
                                         : job.to_erase[n / 8] & ~bit);
}

/* --- by hand ------------------------------------------------------------------- */

/* The second look tells damage on the wire from damage in the flash. */
static bool surely_holds(uint32_t address, const uint8_t *bytes, uint32_t length)
{
    return adi_holds(address, bytes, length) || adi_holds(address, bytes, length);
}

static int program(const struct chip *chip, uint32_t address, const uint8_t *bytes,
                   uint32_t length)
{
    int error = chip->family->program(chip, address, bytes, length);
    int finished = chip->family->finish(chip);

    if (surely_holds(address, bytes, length))
        return OK;
    return error ? error : finished ? finished : ERR_VERIFY;
}

/* The first word tells of most pages that they are not so. */
static bool is(uint32_t page, const uint8_t *bytes, uint32_t length)
{
    return adi_holds(page, bytes, 4) && adi_holds(page, bytes, length);
}

/* Without bytes: erased. */
static int make(const struct chip *chip, uint32_t page, const uint8_t *bytes, uint32_t length)
{
    int error, tries = 0;

    if (bytes && target_options.flash_skip && is(page, bytes, length))
        return OK;
    do {
        error = is(page, 0, length) ? OK : chip->family->erase(chip, page);
        if (!error && bytes)
            error = program(chip, page, bytes, length);
        else if (!error && !surely_holds(page, 0, length))
            error = ERR_ERASE;
        watchdog_feed();
    } while (error && ++tries < TRIES && adi_connected());
    return error;
}

static int make_page(const struct chip *chip, uint32_t page, const uint8_t *bytes)
{
    return make(chip, page, bytes, chip->page);
}

int flash_make(uint32_t page, const uint8_t *bytes, uint32_t length)
{
    const struct chip *chip = target_chip();
    int error = chip->family->begin(chip);

    if (!error)
        error = make(chip, page, bytes, length);
    int locking = chip->family->end(chip);
    return error ? error : locking;
}

/* --- by the loader ------------------------------------------------------------- */

static uint32_t chunks_given(const struct chip *chip)
{
    return job.given * (chip->page / LOADER_CHUNK);
}

/* The loader is stopped, and what it may have left undone is done.  Locking and opening
 * the controller once more waits for it, and clears away what the loader began. */
static int go_on_by_hand(const struct chip *chip)
{
    uint32_t n = loader.done * LOADER_CHUNK / chip->page;
    int error = loader_stop();

    job.by_hand = true;
    chip->family->end(chip);
    if (!error)
        error = chip->family->begin(chip);
    for (; n < job.given && !error; n++)
        error = make_page(chip, job.pages[n % AT_ONCE], place(chip, n));
    return error;
}

/* Puts a chunk into the loader, or looks whether it has done one. */
static void step(const struct chip *chip)
{
    uint32_t n = loader.put * LOADER_CHUNK / chip->page;
    bool room = loader.put - loader.done < LOADER_SLOTS;
    int error = adi_wire_is_bad() ? ERR_PARITY
              : room && n < job.given
                     ? loader_put(job.pages[n % AT_ONCE], place(chip, n),
                                  target_options.flash_skip)
                     : loader_look();

    watchdog_feed();
    if (error != OK && error != ERR_BUSY)
        job.error = go_on_by_hand(chip);
}

/* Waits until so many chunks of those given have been put, or done. */
static void wait_put(const struct chip *chip)
{
    while (loader.chip && loader.put < chunks_given(chip))
        step(chip);
}

static void wait_done(const struct chip *chip, uint32_t chunks)
{
    while (loader.chip && loader.done < chunks)
        step(chip);
}

void flash_settle(void)
{
    const struct chip *chip = loader.chip;

    if (!chip)
        return;
    wait_done(chip, chunks_given(chip));
    int error = loader_stop();
    if (!job.error)
        job.error = error;
}

/* Until the page is in the target; two chunks at most are not yet programmed then, which
 * takes longer than the host needs for the next packet. */
static void give_page(const struct chip *chip)
{
    uint8_t *bytes = place(chip, job.given);

    if (!loader.chip && !job.by_hand) {
        job.by_hand = job.asked < LOADER_PAYS || loader_start(chip) != OK;
        __builtin_memcpy(job.bytes, bytes, chip->page);
        job.given = 0;
        bytes = job.bytes;
    }
    if (!loader.chip) {
        job.error = make_page(chip, job.page, bytes);
        return;
    }
    job.pages[job.given++ % AT_ONCE] = job.page;
    wait_put(chip);
}

/* --- collecting ---------------------------------------------------------------- */

static void write_piece(const struct chip *chip)
{
    uint32_t unit = chip->family->unit, low = job.low & ~(unit - 1);
    uint32_t high = (job.high + unit - 1) & ~(unit - 1);
    const uint8_t *bytes = place(chip, job.given);

    flash_settle();
    if (!job.error)
        job.error = program(chip, job.page + low, bytes + low, high - low);
}

/* Nothing more comes for it. */
static void close_page(const struct chip *chip)
{
    if (job.page == NONE || job.error)
        return;
    if (is_ours(chip, job.page))
        give_page(chip);
    else
        write_piece(chip);
    set_ours(chip, job.page, false);
    job.page = NONE;
}

static void open_page(const struct chip *chip, uint32_t page, uint32_t offset)
{
    close_page(chip);
    if (job.given >= places(chip))      /* the place is that of an older page */
        wait_done(chip, (job.given + 1 - places(chip)) * (chip->page / LOADER_CHUNK));
    __builtin_memset(place(chip, job.given), 0xFF, chip->page);
    job.page = page;
    job.low = offset;
}

int flash_write(uint32_t address, const uint8_t *bytes, uint32_t length)
{
    const struct chip *chip = target_chip();

    if (!job.open || !chip)
        return ERR_NO_TARGET;
    int outside = find(chip, &address, length);
    if (outside)
        return outside;
    while (length && !job.error) {
        uint32_t offset = address & (chip->page - 1), page = address - offset;
        uint32_t room = chip->page - offset, n = room < length ? room : length;

        if (page != job.page || (offset != job.high && !is_ours(chip, page)))
            open_page(chip, page, offset);
        __builtin_memcpy(place(chip, job.given) + offset, bytes, n);
        job.high = offset + n;
        if (job.high == chip->page)
            close_page(chip);
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
    if (!chip->family || chip->page > FLASH_PAGE_MAX ||
        chip->flash_size / chip->page > PAGES_MAX)
        return ERR_UNSUPPORTED;
    if (chip->locked)
        return ERR_LOCKED;
    __builtin_memset(&job, 0, sizeof job);
    job.page = NONE;
    int error = cortexm_look();         /* `monitor reset run` */
    if (!error)
        error = chip->family->begin(chip);
    job.open = error == OK;
    return error;
}

int flash_erase(uint32_t address, uint32_t length)
{
    const struct chip *chip = target_chip();

    if (!job.open || !chip)
        return ERR_NO_TARGET;
    bool alias = address < chip->flash_base;
    int error = find(chip, &address, length);
    if (error)
        return error;
    if (alias && !is_at_0(chip))
        return ERR_ALIAS;
    if ((address | length) & (chip->page - 1))
        return ERR_ALIGNMENT;
    if (job.page - address < length)    /* else the next section may go on in it: lldb */
        close_page(chip);
    job.asked += length;
    for (uint32_t at = 0; at < length; at += chip->page)
        set_ours(chip, address + at, true);
    return job.error;
}

int flash_erase_rest(uint32_t *left)
{
    const struct chip *chip = target_chip();
    uint32_t page = 0;

    *left = 0;
    if (!job.open || !chip)
        return OK;
    close_page(chip);
    flash_settle();
    for (uint32_t at = chip->flash_size; at && !job.error; at -= chip->page)
        if (is_ours(chip, chip->flash_base + at - chip->page)) {
            page = chip->flash_base + at - chip->page;
            *left += chip->page;
        }
    if (job.error || !*left)
        return job.error;
    job.error = make_page(chip, page, 0);
    set_ours(chip, page, false);
    *left -= chip->page;
    return job.error || !*left ? job.error : ERR_BUSY;
}

int flash_end(int error)
{
    const struct chip *chip = target_chip();
    uint32_t left;

    if (!job.open || !chip)
        return error;
    if (!error)
        while ((error = flash_erase_rest(&left)) == ERR_BUSY)
            watchdog_feed();
    int stopping = loader_stop();
    int locking = chip->family->end(chip);
    job.open = false;
    return error ? error : stopping ? stopping : locking;
}
