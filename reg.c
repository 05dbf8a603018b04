/* reg.c - registers of the target, one after the other.
 *
 * A function that talks to a controller is a list of accesses.  The first error stays, and
 * nothing behind it is done: so it is looked at once, at the end. */
#include "reg.h"
#include "adi.h"

static int failed;                      /* the first error of a list */

void reg_note(int error)
{
    if (!failed)
        failed = error;
}

uint32_t reg_get(uint32_t address)
{
    uint32_t value = 0;

    if (!failed)
        failed = adi_read32(address, &value);
    return failed ? 0 : value;
}

void reg_put(uint32_t address, uint32_t value)
{
    if (!failed)
        failed = adi_write32(address, value);
}

bool reg_works(void)
{
    return !failed;
}

int reg_error(int otherwise)
{
    int error = failed;

    failed = OK;
    return error ? error : otherwise;
}
