/* flash.c - one job of writing a target's flash, whatever its controller.
 *
 *   called by  gdb_remote.c, monitor.c (through target.h)
 *   calls      the attached chip's struct family, adi.c
 *
 * Data comes in any pieces.  What continues the piece before is collected in a block
 * (1 KB, or what the family says); a full block, or one that is not continued, goes to
 * the controller.  Ragged ends are filled up with ones, which programs nothing.  What is given to the controller stays
 * in the buffer, is waited for and read back only when the buffer is needed again: the
 * chip programs while the next data crosses USB.
 *
 * Pages that are erased already are not erased again: looking is 20 times faster.
 *
 * Every job: flash_begin, flash_erase_page ..., flash_write ..., flash_end.  An error
 * ends the usefulness of a job; flash_end() is still called and locks the controller. */
#include "flash.h"
#include "adi.h"
#include "clock.h"

enum { MASS_ERASE_LIMIT_MS = 60000 };

static struct {
    bool open;
    uint32_t block;                     /* address of what is in bytes */
    uint32_t low, high;                 /* part of it that has data; high 0: none */
    bool programming;                   /* given to the controller, not yet checked */
    uint8_t bytes[FLASH_BLOCK_MAX];
    uint32_t mass_deadline;
} job;

static bool in_flash(const struct chip *chip, uint32_t address, uint32_t length)
{
    uint32_t offset = address - chip->flash_base;
    return offset < chip->flash_size && length <= chip->flash_size - offset;
}

/* True if length bytes at address are as given, or all ones if nothing is given. */
static bool holds(uint32_t address, const uint8_t *bytes, uint32_t length)
{
    uint8_t seen[64];

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

/* The second look tells damage on the wire from damage in the flash. */
static bool surely_holds(uint32_t address, const uint8_t *bytes, uint32_t length)
{
    return holds(address, bytes, length) || holds(address, bytes, length);
}

static int finish_block(const struct chip *chip)
{
    if (!job.programming)
        return OK;
    job.programming = false;
    int error = chip->family->finish(chip);
    bool good = surely_holds(job.block + job.low, job.bytes + job.low,
                             job.high - job.low);
    /* A repeated write on a bad wire makes some controllers complain of good data. */
    return good ? OK : error ? error : ERR_VERIFY;
}

static int program_block(const struct chip *chip)
{
    uint32_t unit = chip->family->unit;

    if (!job.high || job.programming)
        return OK;
    job.low &= ~(unit - 1);
    job.high = (job.high + unit - 1) & ~(unit - 1);
    job.programming = true;
    return chip->family->program(chip, job.block + job.low, job.bytes + job.low,
                                 job.high - job.low);
}

static int open_block(const struct chip *chip, uint32_t block)
{
    int error = program_block(chip);

    if (!error)
        error = finish_block(chip);
    __builtin_memset(job.bytes, 0xFF, sizeof job.bytes);
    job.block = block;
    job.low = job.high = 0;
    return error;
}

static bool continues(uint32_t block, uint32_t offset)
{
    return block == job.block && !job.programming && offset == job.high && job.high;
}

int flash_begin(void)
{
    const struct chip *chip = target_chip();

    if (!chip || !target_attached())
        return ERR_NO_TARGET;
    if (!chip->family)
        return ERR_UNSUPPORTED;
    if (chip->locked)
        return ERR_LOCKED;
    job.high = 0;
    job.programming = false;
    int error = chip->family->begin(chip);
    job.open = error == OK;
    return error;
}

int flash_erase_page(uint32_t *address)
{
    const struct chip *chip = target_chip();

    if (!job.open || !chip)
        return ERR_NO_TARGET;
    if (!in_flash(chip, *address, 1))
        return ERR_RANGE;
    uint32_t page = *address & ~(chip->page - 1);
    int error = OK;
    if (!holds(page, 0, chip->page)) {
        error = chip->family->erase(chip, page);
        if (!error && !surely_holds(page, 0, chip->page))
            error = ERR_ERASE;
    }
    if (!error)
        *address = page + chip->page;
    return error;
}

int flash_write(uint32_t address, const uint8_t *bytes, uint32_t length)
{
    const struct chip *chip = target_chip();
    int error = OK;

    if (!job.open || !chip)
        return ERR_NO_TARGET;
    if (!in_flash(chip, address, length))
        return ERR_RANGE;
    while (length && !error) {
        uint32_t size = chip->family->block, block = address & ~(size - 1);
        uint32_t offset = address - block;
        uint32_t n = size - offset < length ? size - offset : length;

        if (!continues(block, offset))
            error = open_block(chip, block);
        if (error)
            break;
        __builtin_memcpy(job.bytes + offset, bytes, n);
        job.low = job.high ? job.low : offset;
        job.high = offset + n;
        if (job.high == size)
            error = program_block(chip);        /* nothing more can come for it */
        address += n;
        bytes += n;
        length -= n;
    }
    return error;
}

int flash_end(void)
{
    const struct chip *chip = target_chip();

    if (!job.open || !chip)
        return OK;
    int error = program_block(chip);
    if (!error)
        error = finish_block(chip);
    int locking = chip->family->end(chip);
    job.open = false;
    job.high = 0;
    return error ? error : locking;
}

int flash_mass_erase(void)
{
    const struct chip *chip = target_chip();

    if (!chip)
        return ERR_NO_TARGET;
    if (!chip->family)
        return ERR_UNSUPPORTED;
    job.mass_deadline = clock_in_ms(MASS_ERASE_LIMIT_MS);
    return chip->family->mass_erase(chip);
}

int flash_poll(void)
{
    const struct chip *chip = target_chip();

    if (!chip || !chip->family)
        return ERR_NO_TARGET;
    int error = chip->family->poll(chip);
    return error == ERR_BUSY && clock_passed(job.mass_deadline) ? ERR_TIMEOUT : error;
}
