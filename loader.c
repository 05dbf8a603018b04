/* loader.c - the probe's side of the program in the target's RAM, loader_code.s.
 *
 *   probe                               target's RAM, from its start
 *   loader_put()  --- SWD --->  slot 0  | code | steps | slot 0 | slot 1 |
 *   loader_put()  --- SWD --->  slot 1          loader_code.s programs slot 0, clears its GO,
 *   loader_look() <-- SWD ----  GO, SUM         goes on with slot 1, ...
 *
 * While the target's core writes one slot to the flash, the other is filled and the next
 * packet comes over USB.  That is worth it because a page of a SAM D is programmed in
 * 2.5 ms and takes 0.15 ms to cross the wire: 6 % of a load, besides reading back.
 *
 * Rules:
 *   - The RAM and the registers are as before when it is stopped, whatever happened.
 *   - Interrupts of the target are off: its program must not notice, nor disturb.
 *   - Each chunk has a time limit, and what the loader says is not believed: the piece's
 *     sum, taken over what the flash reads, must be that of the data we have.
 *   - Not on a wire that has needed mending: there, each word is looked after by adi.c. */
#include "loader.h"
#include "adi.h"
#include "clock.h"

enum { CHUNK_LIMIT_MS = 500, HALT_LIMIT_MS = 100 };
enum { XPSR_THUMB = 1 << 24, XPSR_EXCEPTION = 0x1FF };
#define FACTOR 0x9E3779B1u              /* of the sums */

/* In front of a slot's data; loader_code.s has the same offsets. */
struct header {
    uint32_t next;                      /* address of the other one */
    uint32_t controller, piece, number;
    uint32_t first;                     /* bytes to look at before; 0: none */
    uint32_t to;                        /* where the data go */
    uint32_t whole;                     /* bytes to sum up behind it; 0: none */
    uint32_t sum;                       /* as it should be, then as it is */
    uint32_t go;                        /* an order, cleared when it is done */
};
enum { MAKE = 1, LOOK, PROGRAM };
enum { STEP = sizeof(struct step) };
enum { HEADER = sizeof(struct header), SLOT = HEADER + LOADER_CHUNK, SUM = 28, GO = 32 };
_Static_assert(HEADER == 36 && __builtin_offsetof(struct header, sum) == SUM &&
               __builtin_offsetof(struct header, go) == GO &&
               LOADER_RAM == LOADER_CODE + LOADER_STEPS * 4 + LOADER_SLOTS * SLOT,
               "loader_code.s");

struct settings {                       /* the last words of loader_code */
    uint32_t feed_at, feed;
    uint32_t address_shift, width, burst;
    uint32_t program_at;
};

struct loader loader;

static struct {                         /* the target's, to be put back */
    uint32_t registers[REG_CONTROL + 1];
    uint8_t ram[LOADER_RAM];
} saved;

static uint32_t slot_address(uint32_t chunk)
{
    return loader.chip->ram_base + LOADER_CODE + LOADER_STEPS * 4 +
           (chunk + loader.turn) % LOADER_SLOTS * SLOT;
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

/* Returns the address behind it.  All of it must arrive. */
static uint32_t lay(uint32_t at, const void *bytes, uint32_t length)
{
    reg_note(adi_write(at, bytes, length));
    if (!adi_holds(at, bytes, length))
        reg_note(ERR_VERIFY);
    return at + length;
}

/* Code, settings and steps.  GO is 0 in both slots then. */
static int install(const struct controller *c)
{
    const struct family *family = loader.chip->family;
    const struct step *erase = flash_steps(c, TO_ERASE), *program = flash_steps(c, TO_PROGRAM),
                      *end = flash_steps(c, TO_PROGRAM + 1);
    struct settings settings = { family->feed_at, family->feed, c->address_shift, flash_width(c),
                                 1u << c->burst_log2, (uint32_t)(program - erase) * STEP };

    uint32_t at = lay(loader.chip->ram_base, loader_code, LOADER_CODE - sizeof settings);
    if (!settings.feed_at)              /* nothing to feed: it writes to itself */
        settings.feed_at = at + 4;
    at = lay(at, &settings, sizeof settings);
    lay(at, erase, (uint32_t)(end - erase) * STEP);
    for (uint32_t n = 0; n < LOADER_SLOTS; n++)
        reg_put(slot_address(n) + GO, 0);
    return reg_error(OK);
}

static void set_register(int number, uint32_t value)
{
    reg_note(cortexm_write_register(number, &value));
}

static int run(void)
{
    set_register(REG_PC, loader.chip->ram_base);
    set_register(REG_XPSR, XPSR_THUMB | (saved.registers[REG_XPSR] & XPSR_EXCEPTION));
    set_register(REG_PRIMASK, 1);
    int error = reg_error(OK);
    return error ? error : cortexm_resume();
}

int loader_start(const struct controller *controller)
{
    const struct chip *chip = target_chip();
    bool (*may_run)(const struct chip *) = chip->family->may_run;

    loader = (struct loader){ .controller = controller };
    if (adi_wire_is_bad() || chip->ram_size < LOADER_RAM || (may_run && !may_run(chip)) ||
        cortexm_read_registers(saved.registers) ||
        adi_read(chip->ram_base, saved.ram, LOADER_RAM))
        return ERR_UNSUPPORTED;
    loader.chip = chip;
    int error = install(controller);
    if (!error)
        error = run();
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
        error = adi_write(chip->ram_base, saved.ram, LOADER_RAM);
    return error ? error : cortexm_write_registers(saved.registers);
}

/* --- chunks -------------------------------------------------------------------- */

static void give_time(void)
{
    loader.deadline = clock_in_ms(CHUNK_LIMIT_MS);
}

/* Data first, and GO last of all. */
static int fill_slot(const struct header *header, const uint8_t *data)
{
    uint32_t here = slot_address(loader.filled);
    int error = data ? adi_write(here + HEADER, data, LOADER_CHUNK) : OK;

    if (!error)
        error = adi_write(here, header, HEADER);
    if (loader.filled == loader.served)
        give_time();
    return error;
}

int loader_put(const struct region *r, uint32_t piece, const uint8_t *bytes, uint32_t size,
               bool skip)
{
    bool whole = size == r->page;
    uint32_t at = loader.filled * LOADER_CHUNK & (size - 1), *sums = loader.sums;
    uint32_t sum = at ? sums[(loader.filled - 1) % LOADER_SLOTS] : sum_of(bytes, size);

    if (r->controller->steps != loader.controller->steps)
        return ERR_UNSUPPORTED;
    sums[loader.filled % LOADER_SLOTS] = sum;
    struct header header = {
        slot_address(loader.filled + 1), r->controller->base, piece,
        flash_number_bits(r, piece),
        whole && !at ? size : 0, piece + at, at + LOADER_CHUNK == size ? size : 0,
        skip ? sum : ~sum, whole ? MAKE : PROGRAM
    };
    int error = fill_slot(&header, bytes + at);
    loader.filled += !error;
    return error;
}

/* GO first: the core does not wait for us, and a sum from before is the one we gave it.  The
 * slot's SUM when it is done. */
static int look_at_slot(uint32_t *sum)
{
    uint32_t slot = slot_address(loader.served), go = reg_get(slot + GO);

    *sum = go ? 0 : reg_get(slot + SUM);
    int error = reg_error(OK);
    if (error || !go)
        return error;
    return clock_passed(loader.deadline) ? ERR_TIMEOUT : ERR_BUSY;
}

int loader_look(uint32_t size)
{
    uint32_t n = loader.served, sum;
    int error = look_at_slot(&sum);

    if (error)
        return error;
    if ((n + 1) * LOADER_CHUNK % size == 0 && sum != loader.sums[n % LOADER_SLOTS])
        return ERR_VERIFY;
    loader.served++;
    give_time();
    return OK;
}

int loader_blank(uint32_t address, uint32_t length, bool *blank)
{
    struct header header = { .next = slot_address(loader.filled + 1), .piece = address,
                             .first = length, .go = LOOK };
    uint32_t left;
    int error = fill_slot(&header, 0);

    while (!error && (error = look_at_slot(&left)) == ERR_BUSY) {
        error = OK;
        watchdog_feed();
    }
    loader.turn++;
    *blank = left == 0;
    return error;
}
