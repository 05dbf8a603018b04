/* board_i2c.c - what `--i2c` hangs on two pins of the probe: EEPROMs and pull-ups.
 *
 *   called by  board.c      calls  eeprom.h, wires.h
 *
 *   24c02@0x50:SDA=PB7,SCL=PB6:FILE
 *   type  address  wires      contents       all but the type may be left away
 *
 * Parts that name the same pins share a bus; each wire has one pull-up. */
#include "board.h"
#include "eeprom.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ROOM = 512 };

/* An option taken apart. */
struct order {
    char text[ROOM];
    char *type, *address, *sda, *scl, *file;
};

__attribute__((format(printf, 3, 4)))
static bool wrong(struct board *board, const char *option, const char *format, ...)
{
    int used = snprintf(board->error, sizeof board->error, "\"--i2c %.200s\": ", option);
    va_list args;
    va_start(args, format);
    vsnprintf(board->error + used, sizeof board->error - (size_t)used, format, args);
    va_end(args);
    return false;
}

/* --- reading ---------------------------------------------------------------------- */

static char *cut_at(char *text, char at)
{
    char *found = text ? strchr(text, at) : NULL;
    if (!found)
        return NULL;
    *found = '\0';
    return found + 1;
}

static bool is_wire(const char *text)
{
    return strncasecmp(text, "SDA=", 4) == 0 || strncasecmp(text, "SCL=", 4) == 0;
}

static bool take_wire(struct order *order, char *wire)
{
    if (!is_wire(wire))
        return false;
    if (strncasecmp(wire, "SDA", 3) == 0)
        order->sda = wire + 4;
    else
        order->scl = wire + 4;
    return true;
}

static bool take_apart(struct order *order, const char *option)
{
    *order = (struct order){ .sda = "PB7", .scl = "PB6" };
    snprintf(order->text, sizeof order->text, "%s", option);
    char *rest = cut_at(order->text, ':');
    order->type = order->text;
    order->address = cut_at(order->type, '@');
    if (rest && is_wire(rest)) {
        order->file = cut_at(rest, ':');
        char *second = cut_at(rest, ',');
        return take_wire(order, rest) && (!second || take_wire(order, second));
    }
    order->file = rest;
    return true;
}

static bool read_address(const char *text, const struct eeprom_type *type, int *address)
{
    char *end;
    *address = 0x50;
    if (!text)
        return true;
    *address = (int)strtol(text, &end, 0);
    return *text && !*end && *address >= 0x50 && *address <= 0x57 &&
           (*address & ((1 << type->block_bits) - 1)) == 0;
}

/* --- soldering -------------------------------------------------------------------- */

/* The net of a pin that no other chip has. */
static struct net *wire_of(struct board *board, const char *option, const char *name)
{
    struct pin *pin = board->probe->pin(board->probe, name);
    if (!pin) {
        wrong(board, option, "the probe's chip has no pin %s.", name);
        return NULL;
    }
    for (struct pin *other = pin->net ? pin->net->pins : NULL; other; other = other->next)
        if (other->far) {
            wrong(board, option, "%s is wired to the target; --wire %s=none frees it.", name,
                  pin->net->name);
            return NULL;
        }
    if (pin->net)
        return pin->net;
    struct net *net = board->wires[board->wire_count++] = net_new(board->sim, pin->name);
    net_attach(net, pin, false);
    return net;
}

static void pull_up(struct board *board, struct net *net)
{
    for (struct pin *pin = net->pins; pin; pin = pin->next)
        for (int i = 0; i < board->pull_up_count; i++)
            if (pin == &board->pull_ups[i])
                return;
    struct pin *resistor = &board->pull_ups[board->pull_up_count++];
    pin_init(resistor, board->sim, "I2C pull-up", NULL, NULL);
    net_attach(net, resistor, false);
    pin_drive(resistor, DRIVE_PULL_UP);
}

static bool address_taken(const struct board *board, const struct net *scl, int address,
                          const struct eeprom_type *type)
{
    int blocks = (1 << type->block_bits) - 1;
    for (int i = 0; i < board->eeprom_count; i++) {
        const struct board_eeprom *other = &board->eeproms[i];
        int theirs = (1 << other->type->block_bits) - 1;
        if (other->scl == scl && ((other->address ^ address) & ~(blocks | theirs)) == 0)
            return true;
    }
    return false;
}

static bool solder(struct board *board, const char *option)
{
    struct order order;
    int address;
    if (strlen(option) >= ROOM || !take_apart(&order, option))
        return wrong(board, option, "write TYPE@ADDRESS:SDA=PIN,SCL=PIN:FILE, such as "
                     "24c02@0x50:SDA=PB7,SCL=PB6; all but the type may be left away.");
    const struct eeprom_type *type = eeprom_type(order.type, (int)strlen(order.type));
    if (!type)
        return wrong(board, option, "there is no part \"%s\": use 24c01, 24c02, 24c04 and so "
                     "on up to 24c512.", order.type);
    if (!read_address(order.address, type, &address))
        return wrong(board, option, "a %s answers at 0x50 to 0x57, in steps of %d.",
                     type->name, 1 << type->block_bits);
    if (strcasecmp(order.sda, order.scl) == 0)
        return wrong(board, option, "SDA and SCL need a pin each.");
    struct net *scl = wire_of(board, option, order.scl);
    struct net *sda = scl ? wire_of(board, option, order.sda) : NULL;
    if (!sda)
        return false;
    if (address_taken(board, scl, address, type))
        return wrong(board, option, "another part on these wires has that address.");
    pull_up(board, scl);
    pull_up(board, sda);
    struct board_eeprom *part = &board->eeproms[board->eeprom_count++];
    *part = (struct board_eeprom){ type, eeprom_new(board->sim, type, address, scl, sda),
                                   address, scl, sda };
    return !order.file || eeprom_open_file(part->eeprom, order.file, board->error,
                                           sizeof board->error);
}

bool board_solder_i2c(struct board *board)
{
    for (int i = 0; i < board->options.i2c_count; i++)
        if (!solder(board, board->options.i2c[i]))
            return false;
    return true;
}

void board_free_i2c(struct board *board)
{
    for (int i = 0; i < board->wire_count; i++)
        net_free(board->wires[i]);
    for (int i = 0; i < board->eeprom_count; i++)
        eeprom_free(board->eeproms[i].eeprom);
}
