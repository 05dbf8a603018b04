/* flash.c - follows the procedures of a flash controller, through the debug port.
 *
 * A procedure is a list of steps, struct step in flash.h.  loader_code.s follows the same
 * lists in the target's RAM, faster, but it judges nothing: that is done here, by the steps
 * that look at error flags, when what it wrote does not read as it should.
 *
 * Rules: each wait is bounded.  The first error stays, and nothing behind it is done, but the
 * flags are looked at in any case: they say better than the wire why something was refused. */
#include "flash.h"
#include "adi.h"
#include "clock.h"

enum { LIMIT_MS = 1000 };               /* of programming and unlocking */
static const uint32_t keys[][2] = {     /* RM0090 3.6.1 and 3.7.2; FPEC takes the first for both */
    [FLASH_KEYS] = { 0x45670123, 0xCDEF89AB }, [OPTION_KEYS] = { 0x08192A3B, 0x4C5D6E7F }
};

/* Ends with an error when it lasts too long.  False too: what it waits for has not come. */
static void wait(uint32_t at, uint32_t bits, bool set, uint32_t limit_ms)
{
    uint32_t deadline = clock_in_ms(limit_ms);

    while (reg_works() && ((reg_get(at) & bits) != 0) != set) {
        watchdog_feed();
        if (clock_passed(deadline))
            reg_note(ERR_TIMEOUT);
    }
}

/* On a bad wire: is it the right place?  Nothing may be erased anywhere else. */
static void put_address(const struct controller *c, uint32_t at, uint32_t address)
{
    reg_put(at, address);
    if (c->readable && adi_wire_is_bad() && reg_get(at) != address)
        reg_note(ERR_VERIFY);
}

uint32_t flash_width(const struct controller *c)
{
    return c->width ? c->width : target_options.psize;
}

enum { PSIZE = 8 };                     /* bit number in CR: 0 bytes, 1 halfwords, 2 words */

static uint32_t number_bits(const struct controller *c, uint32_t number)
{
    return number << c->number_shift | (c->width ? 0u : target_options.psize / 2u << PSIZE);
}

static void store_data(const struct controller *c, const struct flash_act *act)
{
    if (reg_works())
        reg_note(adi_write_items(act->address, act->bytes, act->length, flash_width(c)));
}

static void check(uint32_t at, uint32_t bits, int error)
{
    uint32_t seen = reg_get(at) & bits;

    if (seen) {
        reg_put(at, seen);
        reg_note(error);
    }
}

const struct step *flash_steps(const struct controller *c, enum procedure which)
{
    const struct step *step = c->steps;

    for (unsigned ends = which; ends > 0; step++)
        ends -= step->verb == END;
    return step;
}

int flash_follow_steps(const struct controller *c, const struct step *step,
                       const struct flash_act *act, uint32_t limit_ms)
{
    for (; step->verb != END; step++) {
        uint32_t at = c->base + step->reg * 4u;
        uint32_t value = (uint32_t)step->value << (step->verb & HIGH ? 16 : 0);
        switch (step->verb & ~HIGH) {
        case PUT:             reg_put(at, value); break;
        case PUT_ADDRESS:     put_address(c, at, act->address >> c->address_shift); break;
        case PUT_NUMBER:      reg_put(at, value | number_bits(c, act ? act->number : 0)); break;
        case SET:             reg_put(at, reg_get(at) | value); break;
        case WAIT_CLEAR:      wait(at, value, false, limit_ms); break;
        case WAIT_SET:        wait(at, value, true, limit_ms); break;
        case STORE:           store_data(c, act); break;
        case UNTIL:
            if ((act->address + act->length) & (value - 1))
                return reg_error(OK);
            break;
        case KEYS:            reg_put(at, keys[value][0]); reg_put(at, keys[value][1]); break;
        case IF_SET:          step += !(reg_get(at) & value); break;
        case CHECK:           check(at, value, ERR_PROGRAM); break;
        case CHECK_PROTECTED: check(at, value, ERR_PROTECTED); break;
        }
    }
    return reg_error(OK);
}

int flash_follow(const struct controller *c, enum procedure which, const struct flash_act *act,
                 uint32_t limit_ms)
{
    return flash_follow_steps(c, flash_steps(c, which), act, limit_ms);
}

/* What the flags say, or what happened before. */
static int verdict(const struct controller *c, int error)
{
    int why = flash_follow(c, TO_CHECK, 0, LIMIT_MS);

    return why ? why : error;
}

int flash_program(const struct controller *c, enum procedure which, uint32_t address,
                  const uint8_t *bytes, uint32_t length)
{
    uint32_t burst = 1u << c->burst_log2;
    int error = OK;

    while (length && !error) {
        uint32_t room = burst - (address & (burst - 1)), n = length < room ? length : room;
        struct flash_act act = { address, 0, bytes, n };
        error = verdict(c, flash_follow(c, which, &act, LIMIT_MS));
        address += n;
        bytes += n;
        length -= n;
        watchdog_feed();
    }
    return error;
}

static uint32_t number_of(const struct region *region, uint32_t block)
{
    return region->number + (block - region->base) / region->page;
}

uint32_t flash_number_bits(const struct region *region, uint32_t block)
{
    return number_bits(region->controller, number_of(region, block));
}

int flash_erase_block(const struct region *region, uint32_t block)
{
    const struct controller *c = region->controller;
    struct flash_act act = { .address = block, .number = number_of(region, block) };
    int error = verdict(c, flash_follow(c, TO_ERASE, &act, c->limit_ms));

    return error == ERR_PROGRAM ? ERR_ERASE : error;
}

int flash_open_options(const struct controller *c)
{
    int error = flash_follow(c, TO_OPEN, 0, LIMIT_MS);

    return error ? error : flash_follow(c, TO_OPEN_OPTIONS, 0, LIMIT_MS);
}
