/* options.c - option bytes and fuses: what a chip reads from its flash when it starts.
 *
 * They are erased at once and programmed anew: what is changed, and all the rest as it was.  A
 * family says where they are and what may be written.
 *
 * Between the erasing and the programming (STM32: 1 ms, SAM: 10 ms) a loss of power leaves them
 * erased.  An STM32 is read protected then, which a mass erase takes off.  A SAM takes ones for
 * its fuses: an erased word takes any value again (README has a D21's). */
#include "adi.h"
#include "flash.h"
#include "say.h"

static const struct chip *chip;         /* whose they are */

static int find_chip(void)
{
    chip = target_chip();
    return !chip ? ERR_NO_TARGET : !chip->family ? ERR_UNSUPPORTED : OK;
}

static int find_options(void)
{
    int error = find_chip();

    return error ? error : chip->options ? OK : ERR_UNSUPPORTED;
}

int option_read(unsigned index, struct option *option)
{
    int error = find_options();

    if (error)
        return error;
    const struct options *options = chip->options;
    uint32_t at = index * options->unit;
    bool last = at == options->shown;
    if (at > options->shown || (last && !options->in_force))
        return ERR_RANGE;
    *option = (struct option){ last ? options->in_force : options->base + options->first + at, 0,
                               last ? "  in force now" : "" };
    return adi_read(option->address, &option->value, last ? 4u : options->unit);
}

static int change_options(uint32_t address, uint32_t value, bool erase_others)
{
    const struct options *options = chip->options;
    uint32_t *words = flash_scratch(), at = address - options->base;

    if (at >= options->size || at & (options->unit - 1u))
        return ERR_RANGE;
    int error = chip->locked ? ERR_LOCKED : cortexm_look();
    if (!error)
        error = adi_read(options->base, words, options->size);
    if (erase_others)
        __builtin_memset(words, 0xFF, options->size);
    if (!error)
        error = chip->family->change_option(chip, words, at, value);
    if (error)
        return error;
    say("Leave the power on until it is done, then turn it off and on.\n");
    return flash_make_options(options, (const uint8_t *)words);
}

int option_write(uint32_t address, uint32_t value)
{
    int error = find_options();

    return error ? error : change_options(address, value, false);
}

int option_erase(void)
{
    int error = find_options();

    if (!error && !chip->open_option)
        error = ERR_UNSUPPORTED;
    return error ? error : change_options(chip->options->base, chip->open_option, true);
}

int chip_number(unsigned index, uint32_t *word)
{
    int error = find_chip();
    uint32_t at = error ? 0 : chip->family->number(chip, index);

    return error ? error : at ? adi_read32(at, word) : ERR_RANGE;
}

int flash_lock(bool lock)
{
    int error = find_chip();

    if (!error)
        error = chip->locked ? ERR_LOCKED : chip->family->lock ? OK : ERR_UNSUPPORTED;
    return error ? error : chip->family->lock(chip, lock);
}
