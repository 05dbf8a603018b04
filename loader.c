/* loader.c - the probe's side of the program in the target's RAM, loader_code.s.
 *
 *   probe                               target's RAM, from its start
 *   loader_put()  --- SWD --->  slot 0  | code | slot 0 | slot 1 |
 *   loader_put()  --- SWD --->  slot 1           loader_code.s programs slot 0, clears its GO,
 *   loader_look() <-- SWD ----  GO, SUM          goes on with slot 1, ...
 *
 * While the target's core writes one slot to the flash, the other is filled and the next
 * packet comes over USB.  That is worth it because a page of a SAM D is programmed in
 * 2.5 ms and takes 0.15 ms to cross the wire: 6 % of a load, besides reading back.
 *
 *   called by  flash_job.c      calls  cortexm.c, adi.c
 *
 * Rules:
 *   - The RAM and the registers are as before when it is stopped, whatever happened.
 *   - Interrupts of the target are off: its program must not notice, nor disturb.
 *   - Each chunk has a time limit, and what the loader says is not believed: the page's
 *     sum, taken over what the flash reads, must be that of the data we have.
 *   - Not on a wire that has needed mending: there, each word is looked after by adi.c. */
#include "loader.h"
#include "adi.h"
#include "clock.h"

enum { CHUNK_LIMIT_MS = 500, HALT_LIMIT_MS = 100 };
enum { XPSR_THUMB = 1 << 24, XPSR_EXCEPTION = 0x1FF };
#define FACTOR 0x9E3779B1u              /* of the sums */

struct slot {                           /* loader_code.s has the same offsets */
    uint32_t next;                      /* address of the other one */
    uint32_t controller, page;
    uint32_t to;                        /* where in the page the data go */
    uint32_t first, last;               /* that chunk: bytes of the page; otherwise 0 */
    uint32_t sum;                       /* of the data; of a last chunk, then of the flash */
    uint32_t go;                        /* set by us, cleared when it is done */
    uint8_t data[LOADER_CHUNK];
};
enum { HEADER = sizeof(struct slot) - LOADER_CHUNK };
enum { SUM = 24, GO = 28 };             /* offsets in it */
enum { RAM_USED = LOADER_CODE + LOADER_SLOTS * sizeof(struct slot) };
_Static_assert(HEADER == 32 && __builtin_offsetof(struct slot, sum) == SUM &&
               __builtin_offsetof(struct slot, go) == GO, "loader_code.s");

struct loader loader;

static struct {                         /* the target's, to be put back */
    uint32_t registers[REG_CONTROL + 1];
    uint8_t ram[RAM_USED];
} saved;

static uint32_t slot_address(uint32_t chunk)
{
    return loader.chip->ram_base + LOADER_CODE +
           chunk % LOADER_SLOTS * (uint32_t)sizeof(struct slot);
}

/* As in loader_code.s. */
static uint32_t sum_of(const uint8_t *bytes, uint32_t length)
{
    uint32_t sum = FACTOR, word;

    for (uint32_t at = 0; at < length; at += 4) {
        __builtin_memcpy(&word, bytes + at, 4);
        sum = (sum ^ word) * FACTOR;
        sum = sum >> 15 | sum << 17;
    }
    return sum;
}

/* --- start and stop ------------------------------------------------------------ */

static void set_register(int number, uint32_t value)
{
    reg_note(cortexm_write_register(number, &value));
}

/* GO is 0 in both slots then. */
static int install(uint32_t base)
{
    reg_note(adi_write(base, loader_code, LOADER_CODE));
    for (uint32_t n = 0; n < LOADER_SLOTS; n++)
        reg_put(slot_address(n) + GO, 0);
    return reg_error(adi_holds(base, loader_code, LOADER_CODE) ? OK : ERR_VERIFY);
}

static int run(const struct chip *chip)
{
    set_register(REG_PC, chip->ram_base + chip->family->loader);
    set_register(REG_XPSR, XPSR_THUMB | (saved.registers[REG_XPSR] & XPSR_EXCEPTION));
    set_register(REG_PRIMASK, 1);
    int error = reg_error(OK);
    return error ? error : cortexm_resume();
}

int loader_start(const struct chip *chip)
{
    loader.put = loader.done = 0;
    if (adi_wire_is_bad() || chip->ram_size < RAM_USED ||
        !chip->family->controller(chip, chip->flash_base) ||
        cortexm_read_registers(saved.registers) ||
        adi_read(chip->ram_base, saved.ram, RAM_USED))
        return ERR_UNSUPPORTED;
    loader.chip = chip;
    int error = install(chip->ram_base);
    if (!error)
        error = run(chip);
    if (error)
        loader_stop();
    return error ? ERR_UNSUPPORTED : OK;
}

int loader_stop(void)
{
    const struct chip *chip = loader.chip;

    if (!chip)
        return OK;
    loader.chip = 0;
    int error = cortexm_halt_wait(HALT_LIMIT_MS);
    if (!error)
        error = adi_write(chip->ram_base, saved.ram, RAM_USED);
    return error ? error : cortexm_write_registers(saved.registers);
}

/* --- chunks -------------------------------------------------------------------- */

static void give_time(void)
{
    loader.deadline = clock_in_ms(CHUNK_LIMIT_MS);
}

/* Data first, and GO last of all. */
int loader_put(uint32_t address, const uint8_t *bytes, bool skip)
{
    const struct chip *chip = loader.chip;
    uint32_t size = chip->page, at = loader.put * LOADER_CHUNK & (size - 1);
    uint32_t here = slot_address(loader.put), sum = sum_of(bytes, size);

    loader.sums[loader.put % LOADER_SLOTS] = sum;
    uint32_t header[HEADER / 4] = {
        slot_address(loader.put + 1), chip->family->controller(chip, address), address,
        address + at, at == 0 ? size : 0, at + LOADER_CHUNK == size ? size : 0,
        skip ? sum : ~sum, 1
    };
    int error = adi_write(here + HEADER, bytes + at, LOADER_CHUNK);
    if (!error)
        error = adi_write(here, header, HEADER);
    if (loader.put == loader.done)
        give_time();
    loader.put += !error;
    return error;
}

/* GO first: the core does not wait for us, and a sum from before is the one we gave it. */
int loader_look(void)
{
    uint32_t n = loader.done, slot = slot_address(n);
    uint32_t go = reg_get(slot + GO), sum = go ? 0 : reg_get(slot + SUM);
    int error = reg_error(OK);

    if (error)
        return error;
    if (go)
        return clock_passed(loader.deadline) ? ERR_TIMEOUT : ERR_BUSY;
    bool last = (n + 1) * LOADER_CHUNK % loader.chip->page == 0;
    if (last && sum != loader.sums[n % LOADER_SLOTS])
        return ERR_VERIFY;
    loader.done++;
    give_time();
    return OK;
}
