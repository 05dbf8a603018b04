/* eeprom.c - a serial EEPROM of the 24Cxx family: memory behind two open-drain wires.
 *
 *   called by  board.c      calls  wires.h
 *
 * It sees levels, so whoever moves the wires may talk to it: I2C1, or a program that
 * toggles port pins.
 *
 *   START  device address, W  word address (1 or 2 bytes)  data ...  STOP     write
 *   START  device address, R  data ... until a byte is not acknowledged       read
 *
 * A write collects up to a page, wrapping within the page, and begins at STOP; for 5 ms
 * the chip then answers to nothing, by which a master sees when it is done.  A START in
 * its place, or a STOP within a byte, throws what was collected away.  A read goes
 * on through the whole memory and wraps at its end.
 *
 * SDA changes 100 ns behind SCL.  The write protect pin is not modelled.  SCL faster than
 * 400 kHz is reported.
 *
 * Sources: data sheets of Atmel AT24C01 to AT24C512, Microchip 24LC02B; UM10204 (I2C). */
#include "eeprom.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define WRITE_CYCLE (5 * SIM_MS)
#define OUTPUT_DELAY (100 * SIM_NS)     /* tAA: 50 to 900 */
#define FASTEST     (2450 * SIM_NS)     /* 400 kHz, and 2 % for the master's crystal */

static const struct eeprom_type types[] = {
    { "24c01",    128,   8, 1, 0 }, { "24c02",    256,   8, 1, 0 },
    { "24c04",    512,  16, 1, 1 }, { "24c08",   1024,  16, 1, 2 },
    { "24c16",   2048,  16, 1, 3 }, { "24c32",   4096,  32, 2, 0 },
    { "24c64",   8192,  32, 2, 0 }, { "24c128", 16384,  64, 2, 0 },
    { "24c256", 32768,  64, 2, 0 }, { "24c512", 65536, 128, 2, 0 },
};

/* What the byte on the wire is. */
enum part { NOT_FOR_US, DEVICE_ADDRESS, WORD_ADDRESS, WRITE_DATA, READ_DATA };

struct eeprom {
    struct sim *sim;
    const struct eeprom_type *type;
    int address;
    char name[32];
    struct pin scl, sda;
    struct alarm output;
    bool low;                       /* what SDA is to be */
    uint8_t *memory;
    FILE *file;                     /* NULL: forgets */

    enum part part;
    int bit;                        /* of the byte: 0 to 7, 8 = acknowledge */
    uint8_t shift;
    bool acknowledged;              /* by the master, in a read */
    uint32_t at;                    /* the address counter */
    int word_bytes;                 /* of the word address that have come */
    uint8_t page[128];              /* collected for a write */
    bool in_page[128];
    int collected;
    sim_time busy_until, rose;
    bool told;                      /* that SCL is too fast */
};

const struct eeprom_type *eeprom_type(const char *name, int length)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strlen(types[i].name) == (size_t)length &&
                strncasecmp(types[i].name, name, (size_t)length) == 0)
            return &types[i];
    return NULL;
}

uint8_t *eeprom_memory(struct eeprom *e) { return e->memory; }

/* --- the write cycle -------------------------------------------------------------- */

static uint32_t page_start(const struct eeprom *e)
{
    return e->at & ~((uint32_t)e->type->page - 1);
}

static void collect(struct eeprom *e, uint8_t value)
{
    uint32_t mask = (uint32_t)e->type->page - 1;
    e->page[e->at & mask] = value;
    e->in_page[e->at & mask] = true;
    e->at = page_start(e) | ((e->at + 1) & mask);
    e->collected++;
}

static void forget_page(struct eeprom *e)
{
    memset(e->in_page, 0, sizeof e->in_page);
    e->collected = 0;
}

static void save_page(struct eeprom *e, uint32_t start)
{
    if (!e->file)
        return;
    if (fseek(e->file, (long)start, SEEK_SET) != 0 ||
            fwrite(e->memory + start, 1, (size_t)e->type->page, e->file) !=
            (size_t)e->type->page || fflush(e->file) != 0)
        sim_report(e->sim, SIM_NOTE, "%s: its file cannot be written: %s", e->name,
                   strerror(errno));
}

static void write_page(struct eeprom *e)
{
    uint32_t start = page_start(e);
    for (int i = 0; i < e->type->page; i++)
        if (e->in_page[i])
            e->memory[start + (uint32_t)i] = e->page[i];
    save_page(e, start);
    forget_page(e);
    e->busy_until = e->sim->now + WRITE_CYCLE;
}

/* --- bytes ------------------------------------------------------------------------ */

static bool addressed(const struct eeprom *e)
{
    int blocks = (1 << e->type->block_bits) - 1;
    return e->sim->now >= e->busy_until && ((e->shift >> 1 ^ e->address) & ~blocks) == 0;
}

static void choose_block(struct eeprom *e)
{
    uint32_t block = e->shift >> 1 & ((1u << e->type->block_bits) - 1);
    if (e->type->block_bits)
        e->at = (e->at & 0xFF) | block << 8;
}

static void take_word_address(struct eeprom *e)
{
    uint32_t kept = e->type->address_bytes == 2 ? e->at << 8 : e->at & ~0xFFu;
    e->at = (kept | e->shift) & (e->type->size - 1);
    if (++e->word_bytes == e->type->address_bytes)
        e->part = WRITE_DATA;
}

/* A byte has come; true if it is to be acknowledged. */
static bool take_byte(struct eeprom *e)
{
    switch (e->part) {
    case DEVICE_ADDRESS:
        if (!addressed(e)) {
            e->part = NOT_FOR_US;
            return false;
        }
        choose_block(e);
        e->part = e->shift & 1 ? READ_DATA : WORD_ADDRESS;
        e->word_bytes = 0;
        return true;
    case WORD_ADDRESS:
        take_word_address(e);
        return true;
    case WRITE_DATA:
        collect(e, e->shift);
        return true;
    default:
        return false;
    }
}

static void fetch(struct eeprom *e)
{
    e->shift = e->memory[e->at];
    e->at = (e->at + 1) & (e->type->size - 1);
}

static void put_out(void *ctx)
{
    struct eeprom *e = ctx;
    pin_drive(&e->sda, e->low ? DRIVE_LOW : DRIVE_OPEN);
}

static void pull(struct eeprom *e, bool low)
{
    e->low = low;
    alarm_set(e->sim, &e->output, e->sim->now + OUTPUT_DELAY);
}

/* --- edges ------------------------------------------------------------------------ */

static void check_speed(struct eeprom *e)
{
    sim_time period = e->sim->now - e->rose;
    e->rose = e->sim->now;
    if (period >= FASTEST || e->told || e->part == NOT_FOR_US)
        return;
    e->told = true;
    sim_report(e->sim, SIM_RULE, "%s: SCL at %.0f kHz, at most 400 is allowed", e->name,
               (double)SIM_MS / (double)period);
}

static void clock_rose(struct eeprom *e)
{
    int sda = pin_sample(&e->sda);
    check_speed(e);
    if (e->part == NOT_FOR_US)
        return;
    if (e->part == READ_DATA && e->bit == 8)
        e->acknowledged = !sda;
    else if (e->bit < 8 && e->part != READ_DATA)
        e->shift = (uint8_t)(e->shift << 1 | sda);
}

/* Bits that we send change here, and so do our acknowledges. */
static void clock_fell(struct eeprom *e)
{
    if (e->part == NOT_FOR_US)
        return;
    e->bit++;
    if (e->bit < 8) {
        if (e->part == READ_DATA)
            pull(e, !(e->shift << e->bit & 0x80));
    } else if (e->bit == 8) {
        if (e->part == READ_DATA)
            pull(e, false);                     /* the master answers */
        else
            pull(e, take_byte(e));
        e->acknowledged = true;
    } else {
        e->bit = 0;
        pull(e, false);
        if (e->part == READ_DATA && e->acknowledged) {
            fetch(e);
            pull(e, !(e->shift & 0x80));
        } else if (e->part == READ_DATA) {
            e->part = NOT_FOR_US;
        }
    }
}

static void scl_changed(void *ctx, int level)
{
    if (level)
        clock_rose(ctx);
    else
        clock_fell(ctx);
}

static void sda_changed(void *ctx, int level)
{
    struct eeprom *e = ctx;
    if (!e->scl.seen)
        return;
    if (!level) {                               /* START; its falling SCL counts as -1 */
        e->part = DEVICE_ADDRESS;
        e->bit = -1;
        forget_page(e);
        return;
    }
    if (e->part == WRITE_DATA && e->collected && e->bit <= 0)
        write_page(e);
    forget_page(e);
    e->part = NOT_FOR_US;
}

/* --- life ------------------------------------------------------------------------- */

struct eeprom *eeprom_new(struct sim *sim, const struct eeprom_type *type, int address,
                          struct net *scl, struct net *sda)
{
    struct eeprom *e = calloc(1, sizeof *e);
    e->sim = sim;
    e->type = type;
    e->address = address;
    e->memory = malloc(type->size);
    memset(e->memory, 0xFF, type->size);
    snprintf(e->name, sizeof e->name, "%s at 0x%02X", type->name, address);
    alarm_init(&e->output, put_out, e);
    pin_init(&e->scl, sim, e->name, scl_changed, e);
    pin_init(&e->sda, sim, e->name, sda_changed, e);
    net_attach(scl, &e->scl, false);
    net_attach(sda, &e->sda, false);
    e->part = NOT_FOR_US;                       /* whatever the wires did till now */
    return e;
}

bool eeprom_open_file(struct eeprom *e, const char *file, char *error, int error_size)
{
    e->file = fopen(file, "r+b");
    if (!e->file && errno == ENOENT)
        e->file = fopen(file, "w+b");
    size_t got = e->file ? fread(e->memory, 1, e->type->size, e->file) : 0;
    const char *why = !e->file || ferror(e->file) ? strerror(errno) :
                      fgetc(e->file) != EOF ? "it is larger than the EEPROM" : NULL;
    if (!why) {                                 /* a shorter one is filled up */
        clearerr(e->file);
        size_t rest = e->type->size - got;
        if (fseek(e->file, (long)got, SEEK_SET) != 0 ||
                fwrite(e->memory + got, 1, rest, e->file) != rest ||
                fflush(e->file) != 0)
            why = strerror(errno);
    }
    if (why)
        snprintf(error, (size_t)error_size, "\"%s\" cannot be the contents of a %s: %s.",
                 file, e->type->name, why);
    return !why;
}

void eeprom_free(struct eeprom *e)
{
    if (!e)
        return;
    alarm_cancel(e->sim, &e->output);
    if (e->file)
        fclose(e->file);
    free(e->memory);
    free(e);
}
