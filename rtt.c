/* rtt.c - RTT: a program's text out of its RAM and into it, while it runs.
 *
 *   control block   id[16]  up_count  down_count  up[]  down[]
 *   channel         name  buffer  size  write  read  flags      six words
 *
 *   program --> buffer --> write          up: we read the buffer, then we move `read`
 *               buffer <-- read <-- host  down: we fill the buffer, then we move `write`
 *
 * The core is never halted: the access port reads RAM beside it.  One of a channel's two
 * indices is ours, and as long as we read it is the only word of the block that we write.
 *
 * Where the block is gdb says by its symbol (qSymbol); or all of the chip's RAM is searched,
 * 1 KB at a time, over and over.  It is believed when all of it makes sense.
 *
 * Rules:
 *   - What a reset or a load leaves behind in RAM looks perfectly valid and is not: the id is
 *     cleared before, so only a program that runs brings it back.
 *   - If `read` is not what we have written, the program has begun anew, or the bus slept:
 *     the block is looked at once more before anything of it is shown.
 *   - A program may wait until we have read (mode 2).  When we leave, it is told not to.
 *
 * Source: the layout is that of every RTT since 2014; facts as seen in programs and probes. */
#include "rtt.h"
#include "adi.h"
#include "clock.h"
#include "live.h"
#include "say.h"
#include "target.h"
#include "uart.h"

enum { CHANNELS = 16, ID_SIZE = 16, UP = 24, CHANNEL_SIZE = 24 };
enum { WRITE = 12, READ = 16, FLAGS = 20 };     /* in a channel */
enum { MODE = 3, MODE_BLOCK = 2 };      /* of flags */
enum { SLICE = 128, SLICES = 8 };       /* of a search, in bytes: so many at a time */
enum { ROUND_MS = 1000, SYMBOL_MS = 50, FAST_MS = 1, SLOW_MS = 10, FRESH_MS = 200 };
static const uint32_t id[ID_SIZE / 4] = { 0x47474553, 0x52205245, 0x00005454, 0 }; /* SEGGER RTT */

struct channel { uint32_t name, buffer, size, write, read, flags; };

static struct {
    uint8_t mode, channel;
    uint32_t unblocked_at;              /* the channel that was in mode 2 before we left it */
    uint32_t last;                      /* where the block was last */
    uint32_t symbol;                    /* where gdb says that the block is; or 0 */
    uint32_t block;                     /* where it is; 0: not found */
    uint32_t searched;                  /* bytes of RAM, in this round */
    uint32_t up_at, down_at;            /* of our channel; down 0: there is none */
    struct channel up, down;
    uint32_t due_ms, moved_ms;          /* next look; last byte */
} rtt;

void rtt_set_mode(enum rtt_mode mode)
{
    rtt_leave();
    rtt.mode = (uint8_t)mode;
}

enum rtt_mode rtt_mode(void)
{
    return rtt.mode;
}

bool rtt_set_channel(uint32_t channel)
{
    if (channel >= CHANNELS)
        return false;
    rtt_leave();
    rtt.channel = (uint8_t)channel;
    return true;
}

void rtt_symbol(uint32_t address)
{
    rtt.symbol = address;
    rtt.block = 0;
}

/* --- is it one? ------------------------------------------------------------------------ */

__attribute__((noinline)) static bool has_id(uint32_t at)
{
    return adi_holds(at, (const uint8_t *)id, sizeof id);
}

/* All of it in what may be RAM of a Cortex-M; and indices that are in it. */
static bool makes_sense(const struct channel *c)
{
    return c->size - 1 < 0x100000 && c->buffer - 0x10000000 <= 0x30000000 - c->size &&
           c->write < c->size && c->read < c->size;
}

/* A channel that is not used has no size. */
static bool read_channel(uint32_t at, struct channel *c)
{
    return adi_read(at, c, sizeof *c) == OK && makes_sense(c);
}

/* Takes the block at this address, if there is one and it has our channel. */
static bool take_block(uint32_t at)
{
    uint32_t counts[2];

    if (at % 4 || !has_id(at) || adi_read(at + ID_SIZE, counts, sizeof counts))
        return false;
    rtt.up_at = at + UP + rtt.channel * CHANNEL_SIZE;
    rtt.down_at = at + UP + (counts[0] + rtt.channel) * CHANNEL_SIZE;
    if (counts[0] > CHANNELS || counts[1] > CHANNELS || rtt.channel >= counts[0] ||
        !read_channel(rtt.up_at, &rtt.up))
        return false;
    if (rtt.channel >= counts[1] || !read_channel(rtt.down_at, &rtt.down))
        rtt.down_at = 0;
    if (rtt.unblocked_at == rtt.up_at && !(rtt.up.flags & MODE))
        adi_write32(rtt.up_at + FLAGS, rtt.up.flags |= MODE_BLOCK);
    rtt.unblocked_at = 0;
    rtt.block = rtt.last = at;
    return true;
}

/* --- finding it ------------------------------------------------------------------------ */

/* Words, because a block is aligned to them: it has pointers in it. */
static bool search_slice(uint32_t at)
{
    uint32_t words[SLICE / 4];

    if (adi_read(at, words, sizeof words)) {
        rtt.searched = INT32_MAX;       /* there is no more RAM */
        return false;
    }
    for (unsigned i = 0; i < SLICE / 4; i++)
        if (words[i] == id[0] && take_block(at + 4 * i))
            return true;
    return false;
}

static void find_block(void)
{
    uint32_t size, base = target_ram(&size);

    rtt.due_ms = clock_ms() + SYMBOL_MS;
    if (rtt.symbol && take_block(rtt.symbol))
        return;
    if (rtt.mode != RTT_ON)
        return;
    for (int i = 0; i < SLICES && rtt.searched < size; i++, rtt.searched += SLICE)
        if (search_slice(base + rtt.searched))
            break;
    rtt.due_ms = clock_ms();
    if (rtt.block || rtt.searched >= size) {
        rtt.due_ms += rtt.block ? 0 : ROUND_MS;
        rtt.searched = 0;
    }
}

/* --- moving ---------------------------------------------------------------------------- */

/* Both indices as they are now.  False: not the block that it was. */
static bool follow(uint32_t at, struct channel *c, const uint32_t *ours)
{
    uint32_t was = *ours;

    return adi_read(at + WRITE, &c->write, 8) == OK && *ours == was && makes_sense(c);
}

static bool move_up(void)
{
    struct channel *c = &rtt.up;
    uint8_t bytes[256];

    if (!follow(rtt.up_at, c, &c->read)) {
        rtt.block = 0;
        return false;
    }
    uint32_t n = (c->write < c->read ? c->size : c->write) - c->read, room = live_room();
    n = n < room ? n : room;
    n = n < sizeof bytes ? n : sizeof bytes;
    if (n == 0 || adi_read(c->buffer + c->read, bytes, n))
        return false;
    c->read += live_put(bytes, n);
    if (c->read == c->size)
        c->read = 0;
    adi_write32(rtt.up_at + READ, c->read);
    return true;
}

/* A buffer holds a byte less than its size. */
static bool move_down(void)
{
    struct channel *c = &rtt.down;
    const uint8_t *bytes;
    uint32_t n = uart_typed(&bytes);

    if (n == 0)
        return false;
    if (!follow(rtt.down_at, c, &c->write)) {
        rtt.block = 0;
        return false;
    }
    uint32_t end = c->read > c->write ? c->read - 1 : c->size - (c->read == 0);
    n = n < end - c->write ? n : end - c->write;
    if (n == 0 || adi_write(c->buffer + c->write, bytes, n))
        return false;
    c->write += n;
    if (c->write == c->size)
        c->write = 0;
    adi_write32(rtt.down_at + WRITE, c->write);
    uart_typed_taken(n);
    return true;
}

/* Not inline: see live_poll(). */
__attribute__((noinline)) bool rtt_poll(void)
{
    uint32_t now = clock_ms();

    if (rtt.mode == RTT_OFF || (int32_t)(now - rtt.due_ms) < 0)
        return false;
    if (!rtt.block) {
        find_block();
        uart_divert(rtt.block && rtt.down_at);
        return rtt.block;
    }
    bool moved = move_up();
    if (rtt.block && rtt.down_at)
        moved |= move_down();
    if (moved)
        rtt.moved_ms = now;
    rtt.due_ms = now + (moved ? 0 : now - rtt.moved_ms < FRESH_MS ? FAST_MS : SLOW_MS);
    return moved;
}

/* --- its end --------------------------------------------------------------------------- */

void rtt_leave(void)
{
    uint32_t at = rtt.block;

    rtt.block = rtt.searched = 0;
    rtt.due_ms = clock_ms();
    uart_divert(false);
    if (!at || !has_id(at) || !read_channel(rtt.up_at, &rtt.up))
        return;
    if ((rtt.up.flags & MODE) == MODE_BLOCK) {
        rtt.unblocked_at = rtt.up_at;
        adi_write32(rtt.up_at + FLAGS, rtt.up.flags & ~(uint32_t)MODE);
    }
}

static void clear_id(uint32_t at)
{
    if (at && has_id(at))
        adi_write32(at, 0);
}

void rtt_forget(void)
{
    clear_id(rtt.last);
    clear_id(rtt.symbol);
    rtt.block = rtt.searched = 0;
    rtt.unblocked_at = rtt.last = 0;
    rtt.due_ms = clock_ms() + SYMBOL_MS;
}

/* --- for monitor ----------------------------------------------------------------------- */

void rtt_say_state(void)
{
    static const char modes[][5] = { "auto", "on", "off" };

    say("RTT is %s, channel %u: ", modes[rtt.mode], (unsigned)rtt.channel);
    if (rtt.block)
        say("block at 0x%08x, %u bytes up, %u down\n", (unsigned)rtt.block,
            (unsigned)rtt.up.size, rtt.down_at ? (unsigned)rtt.down.size : 0u);
    else
        say("no control block found yet\n");
}
