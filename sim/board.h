/* board.h - the virtual board: a probe, a target, wires between them, a USB host.
 * Everything a test or main.c may use; tests include only this file (and what it
 * includes).
 *
 *   called by  main.c, control.c, stats.c, tests      calls  all of sim/ */
#ifndef BOARD_H
#define BOARD_H

#include "chip.h"
#include "eeprom.h"
#include "swdp.h"
#include "usb_host.h"

enum signal { SIG_SWDIO, SIG_SWCLK, SIG_TDI, SIG_TDO, SIG_NRST, SIG_TX, SIG_RX, SIG_SWO,
              SIG_COUNT };
extern const char *const signal_names[SIG_COUNT];

enum { BOARD_I2C = 8 };             /* parts that --i2c may solder on */

struct board_options {
    const char *flash[8];           /* FILE[@ADDR] */
    int flash_count;
    int flash_kb;                   /* 64 or 128 */
    const char *board;              /* "bluepill" or "stlink": default wiring */
    const char *wire[SIG_COUNT];    /* overrides: pin name or "none", NULL = the board's */
    int boot1;
    const char *target;             /* NAME[:FILE], "none" */
    bool loop;                      /* --loop: the probe's TX is wired to its own RX */
    bool no_crystal;                /* --no-crystal: HSE never becomes ready */
    bool strict;                    /* --strict: what the chip forgives is a fault too */
    const char *i2c[BOARD_I2C];     /* TYPE[@ADDR][:SDA=PIN,SCL=PIN][:FILE] */
    int i2c_count;
};

/* What is soldered on the board besides the chips: a resistor or a jumper is a pin. */
struct board_parts {
    struct pin boot0_jumper, boot1_jumper, usb_pullup;
    struct net *boot0, *boot1, *dplus, *led;
};

struct board_eeprom {
    const struct eeprom_type *type;
    struct eeprom *eeprom;
    int address;
    struct net *scl, *sda;
};

struct board {
    struct sim *sim;
    struct chip *probe, *target;    /* target may be NULL */
    struct usb_host *usb;
    struct net *net[SIG_COUNT];     /* SIG_TX = the probe's output, the target's input;
                                       NULL where nothing is wired */
    struct board_options options;
    char error[512];                /* why board_new() or a command failed, for the user */
    struct board_parts parts;
    struct board_eeprom eeproms[BOARD_I2C];
    struct net *wires[2 * BOARD_I2C];       /* made for them */
    struct pin pull_ups[2 * BOARD_I2C];
    int eeprom_count, wire_count, pull_up_count;
};

/* Builds the board and applies power.  On failure returns NULL and writes a sentence
 * that says what is wrong and what to do. */
struct board *board_new(const struct board_options *options, char *error, int error_size);
void board_free(struct board *board);

void board_run_ms(struct board *board, double ms);
/* Runs while busy(ctx) is true; false if limit_ms of simulated time passed before. */
bool board_run_while(struct board *board, bool (*busy)(void *ctx), void *ctx, double limit_ms);

void board_reset_probe(struct board *board);        /* the reset button */
void board_power_probe(struct board *board, bool on);
void board_power_target(struct board *board, bool on);
void board_set_boot1(struct board *board, int level);
bool board_cut(struct board *board, const char *signal, bool cut);
bool board_noise(struct board *board, const char *signal, double rate);
bool board_led(const struct board *board);          /* lit */

/* board_i2c.c: what the options say of --i2c; false leaves a sentence in board->error. */
bool board_solder_i2c(struct board *board);
void board_free_i2c(struct board *board);

/* Loads .bin (with @ADDR), .hex or .elf into a chip's flash; symbols of an ELF serve
 * reports.  False writes a sentence to error.  Overlapping files are an error. */
bool load_file(struct chip *chip, const char *file_at_address, char *error, int error_size);
/* Only the symbols of an ELF, for a program that was loaded as .bin or .hex. */
bool load_symbols(struct chip *chip, const char *file, char *error, int error_size);
/* What has been loaded into a chip, in order; returns how many there are. */
struct load_range { const char *file; uint32_t address, size; };
int load_ranges(const struct chip *chip, struct load_range *ranges, int room);
void load_forget(const struct chip *chip);          /* the chip goes away */

/* Counters as one line of JSON, without the newline (stats.c); returns its length. */
int stats_write(struct board *board, char *text, int size);
/* Worst kind of problem so far is what the exit status tells: 0 or 1. */
int stats_exit_status(const struct board *board);

#endif
