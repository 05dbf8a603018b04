/* sam_sercom.c - a serial communication interface of the SAM D21, as USART.
 *
 *   called by  sam.c, sam_port.c (edges)      calls  sam_port.c, sam_sysctrl.c
 *
 * Bit by bit on the pins: an alarm at each bit's start puts it on the TX pad, and the
 * RX pad is sampled in the middle of each bit, counted from the start bit's edge.  A
 * bit takes what GCLK_SERCOMx_CORE and BAUD say, so a wrong set-up gives wrong bytes.
 *
 * Synchronization is over before the next access.  SPI, I2C, synchronous mode, IrDA,
 * auto-baud and flow control are reported when asked for.
 *
 * Source: data sheet chapters SERCOM, SERCOM USART (baud: table "Baud Rate Equations"). */
#include "sam.h"
#include <stdlib.h>

enum { SWRST = 1 << 0, ENABLE = 1 << 1, DORD = 1 << 30, CMODE = 1 << 28 };
enum { SBMODE = 1 << 6, PMODE_ODD = 1 << 13, TXEN = 1 << 16, RXEN = 1 << 17 };
enum { DRE = 1 << 0, TXC = 1 << 1, RXC = 1 << 2, RXS = 1 << 3, ERROR = 1 << 7 };
enum { PERR = 1 << 0, FERR = 1 << 1, BUFOVF = 1 << 2 };
enum { FIFO = 2 };

struct sam_sercom {
    struct sam *chip;
    int number;
    uint32_t ctrla, ctrlb, baud, rxpl, dbgctrl;
    uint8_t intenset, flags, status;        /* flags: TXC, RXS, ERROR; the others follow */

    int tx_pin, rx_pin;                     /* -1: PMUX gives none */
    uint32_t tx_shift;                      /* bits to go, the next one lowest */
    int tx_bits;
    bool tx_held;                           /* DATA waits for the shift register */
    uint16_t tx_data;
    struct alarm tx_alarm;

    int rx_bit;                             /* -1: waits for a start bit */
    uint32_t rx_shift;
    uint16_t fifo[FIFO];
    uint8_t fifo_status[FIFO];
    int fifo_count;
    struct alarm rx_alarm;
};

/* --- what the registers ask for ----------------------------------------------------- */

static const struct sam_sercom_place *place(const struct sam_sercom *s)
{
    return &s->chip->model->sercom[s->number];
}

static bool enabled(const struct sam_sercom *s) { return s->ctrla & ENABLE; }
static bool sends(const struct sam_sercom *s) { return enabled(s) && s->ctrlb & TXEN; }
static bool listens(const struct sam_sercom *s) { return enabled(s) && s->ctrlb & RXEN; }
static bool has_parity(const struct sam_sercom *s) { return (s->ctrla >> 24 & 15) == 1; }
static int stop_bits(const struct sam_sercom *s) { return s->ctrlb & SBMODE ? 2 : 1; }

static int data_bits(const struct sam_sercom *s)
{
    static const uint8_t bits[8] = { 8, 9, 8, 8, 8, 5, 6, 7 };
    return bits[s->ctrlb & 7];
}

static sim_time bit_time(const struct sam_sercom *s)
{
    static const double samples[8] = { 16, 16, 8, 8, 3, 3, 3, 3 };
    unsigned sampr = s->ctrla >> 13 & 7;
    double clock = (double)sam_gclk(s->chip, place(s)->gclk);
    double divider = sampr == 1 || sampr == 3 ?
        (s->baud & 0x1FFF) + (s->baud >> 13) / 8.0 : 65536.0 / (65536.0 - s->baud);
    return (sim_time)(clock * samples[sampr] * divider + 0.5);
}

static bool parity_of(const struct sam_sercom *s, uint32_t data)
{
    return __builtin_parity(data) != !!(s->ctrlb & PMODE_ODD);
}

static uint32_t mirrored(const struct sam_sercom *s, uint32_t data)
{
    uint32_t reversed = 0;
    if (s->ctrla & DORD)
        return data;
    for (int i = 0; i < data_bits(s); i++)
        reversed |= (data >> i & 1) << (data_bits(s) - 1 - i);
    return reversed;
}

static uint8_t intflag(const struct sam_sercom *s)
{
    return (uint8_t)(s->flags | (sends(s) && !s->tx_held ? DRE : 0) |
                     (s->fifo_count ? RXC : 0));
}

static void update_irq(struct sam_sercom *s)
{
    uint8_t pending = intflag(s) & s->intenset;
    if (s->chip->model->sercom_lines == 1) {
        sam_irq(s->chip, place(s)->irq, pending);
        return;
    }
    for (int i = 0; i < 3; i++)             /* DRE, TXC, RXC, and all others */
        sam_irq(s->chip, place(s)->irq + i, pending >> i & 1);
    sam_irq(s->chip, place(s)->irq + 3, pending >> 3);
}

/* --- sending --------------------------------------------------------------------------- */

static void tx_level(struct sam_sercom *s, int level)
{
    if (s->tx_pin >= 0)
        sam_port_drive(s->chip->port, s->tx_pin, sends(s), level);
}

static void tx_load(struct sam_sercom *s)
{
    int bits = data_bits(s);
    uint32_t data = s->tx_data & ((1u << bits) - 1);
    s->tx_shift = mirrored(s, data) << 1;           /* start bit: 0 */
    s->tx_bits = 1 + bits;
    if (has_parity(s))
        s->tx_shift |= (uint32_t)parity_of(s, data) << s->tx_bits++;
    for (int i = 0; i < stop_bits(s); i++)
        s->tx_shift |= 1u << s->tx_bits++;
    s->tx_held = false;
}

static void tx_next(void *ctx)
{
    struct sam_sercom *s = ctx;
    if (s->tx_bits == 0 && s->tx_held)
        tx_load(s);
    if (s->tx_bits == 0) {
        s->flags |= TXC;
        update_irq(s);
        return;
    }
    tx_level(s, s->tx_shift & 1);
    s->tx_shift >>= 1;
    s->tx_bits--;
    alarm_set(s->chip->sim, &s->tx_alarm, s->chip->sim->now + bit_time(s));
    update_irq(s);
}

static void tx_write(struct sam_sercom *s, uint32_t value)
{
    if (!sends(s))
        return;
    if (s->tx_held)
        sam_report(s->chip, SIM_RULE, "SERCOM%d: DATA written while DRE is 0", s->number);
    if (bit_time(s) == 0) {
        sam_report(s->chip, SIM_RULE, "SERCOM%d sends without a clock: "
                      "GCLK_SERCOM%d_CORE is off", s->number, s->number);
        return;
    }
    s->tx_data = value & 0x1FF;
    s->tx_held = true;
    s->flags &= (uint8_t)~TXC;
    if (!alarm_is_set(&s->tx_alarm))
        tx_next(s);
}

/* --- receiving ------------------------------------------------------------------------- */

static void rx_store(struct sam_sercom *s)
{
    int bits = data_bits(s), at = bits;
    uint32_t data = mirrored(s, s->rx_shift & ((1u << bits) - 1));
    uint8_t status = 0;
    if (has_parity(s) && (s->rx_shift >> at++ & 1) != parity_of(s, data))
        status |= PERR;
    if (!(s->rx_shift >> at & 1))
        status |= FERR;
    if (s->fifo_count == FIFO) {
        s->fifo_status[FIFO - 1] |= BUFOVF;
        s->status |= BUFOVF;
        s->flags |= ERROR;
    } else {
        s->fifo[s->fifo_count] = (uint16_t)data;
        s->fifo_status[s->fifo_count++] = status;
        s->status |= status;
        if (status)
            s->flags |= ERROR;
    }
    update_irq(s);
}

/* In the middle of a bit. */
static void rx_sample(void *ctx)
{
    struct sam_sercom *s = ctx;
    int level = sam_port_level(s->chip->port, s->rx_pin);
    int last = data_bits(s) + has_parity(s) + 1;    /* the stop bit */
    if (s->rx_bit == 0 && level) {                  /* no start bit: a glitch */
        s->rx_bit = -1;
        return;
    }
    if (s->rx_bit > 0)
        s->rx_shift |= (uint32_t)level << (s->rx_bit - 1);
    if (s->rx_bit == last) {
        s->rx_bit = -1;
        rx_store(s);
        return;
    }
    s->rx_bit++;
    alarm_set(s->chip->sim, &s->rx_alarm, s->chip->sim->now + bit_time(s));
}

void sam_sercom_edge(struct sam_sercom *s, int pin, int level)
{
    if (pin != s->rx_pin || level || s->rx_bit >= 0 || !listens(s) || !bit_time(s))
        return;
    s->rx_bit = 0;
    s->rx_shift = 0;
    alarm_set(s->chip->sim, &s->rx_alarm, s->chip->sim->now + bit_time(s) / 2);
}

static uint16_t rx_read(struct sam_sercom *s)
{
    if (!s->fifo_count)
        return 0;
    uint16_t data = s->fifo[0];
    s->fifo[0] = s->fifo[1];
    s->fifo_status[0] = s->fifo_status[1];
    s->fifo_count--;
    return data;
}

/* --- registers --------------------------------------------------------------------------- */

/* Where PMUX has put the pads that CTRLA asks for. */
void sam_sercom_pins_changed(struct sam_sercom *s)
{
    unsigned txpo = s->ctrla >> 16 & 3, rxpo = s->ctrla >> 20 & 3;
    int tx = sam_port_sercom_pin(s->chip->port, s->number, txpo == 1 ? 2 : 0);
    if (s->tx_pin >= 0 && (tx != s->tx_pin || !sends(s)))
        sam_port_drive(s->chip->port, s->tx_pin, false, 1);
    s->tx_pin = sends(s) ? tx : -1;
    s->rx_pin = sam_port_sercom_pin(s->chip->port, s->number, (int)rxpo);
    if (s->tx_pin >= 0 && !alarm_is_set(&s->tx_alarm))
        tx_level(s, 1);
}

static void sercom_reset(void *ctx)
{
    struct sam_sercom *s = ctx;
    alarm_cancel(s->chip->sim, &s->tx_alarm);
    alarm_cancel(s->chip->sim, &s->rx_alarm);
    s->ctrla = s->ctrlb = s->baud = s->rxpl = s->dbgctrl = 0;
    s->intenset = s->flags = s->status = 0;
    s->tx_bits = s->fifo_count = 0;
    s->tx_held = false;
    s->rx_bit = -1;
    sam_sercom_pins_changed(s);
    update_irq(s);
}

static void refuse_unmodelled(struct sam_sercom *s)
{
    static const char *const modes[8] = {
        "USART with external clock", NULL, "SPI slave", "SPI master", "I2C slave",
        "I2C master", "reserved mode 6", "reserved mode 7",
    };
    unsigned mode = s->ctrla >> 2 & 7, form = s->ctrla >> 24 & 15;
    if (modes[mode])
        sam_report(s->chip, SIM_UNMODELLED, "SERCOM%d: %s", s->number, modes[mode]);
    else if (s->ctrla & CMODE || form > 1 || (s->ctrla >> 16 & 3) > 1 || s->ctrlb >> 8 & 7)
        sam_report(s->chip, SIM_UNMODELLED, "SERCOM%d: synchronous mode, auto-baud, IrDA, "
                      "collision detection or flow control", s->number);
}

/* CTRLA, CTRLB (but for TXEN, RXEN) and BAUD must not change while enabled. */
static void check_protected(struct sam_sercom *s, uint32_t change, const char *name)
{
    if (enabled(s) && change)
        sam_report(s->chip, SIM_RULE, "SERCOM%d: %s changed while CTRLA.ENABLE is 1",
                      s->number, name);
}

static void write_ctrla(struct sam_sercom *s, uint32_t value)
{
    bool was = enabled(s);
    if (value & SWRST) {
        sercom_reset(s);
        return;
    }
    check_protected(s, (s->ctrla ^ value) & ~(uint32_t)ENABLE, "CTRLA");
    s->ctrla = value;
    if (enabled(s) && !was)
        refuse_unmodelled(s);
    if (!enabled(s)) {
        alarm_cancel(s->chip->sim, &s->tx_alarm);
        alarm_cancel(s->chip->sim, &s->rx_alarm);
        s->tx_bits = s->fifo_count = 0;
        s->tx_held = false;
        s->rx_bit = -1;
    }
    sam_sercom_pins_changed(s);
}

static void write_ctrlb(struct sam_sercom *s, uint32_t value)
{
    check_protected(s, (s->ctrlb ^ value) & ~(uint32_t)(TXEN | RXEN), "CTRLB");
    s->ctrlb = value;
    if (!listens(s))
        s->fifo_count = 0;
    sam_sercom_pins_changed(s);
}

static uint32_t sercom_read(void *ctx, uint32_t word)
{
    struct sam_sercom *s = ctx;
    uint32_t value = 0;
    switch (word) {
    case 0x00: return s->ctrla;
    case 0x04: return s->ctrlb;
    case 0x0C: return s->baud | s->rxpl << 16;
    case 0x14: return s->intenset | (uint32_t)s->intenset << 16;
    case 0x18: return intflag(s) | (uint32_t)s->status << 16;
    case 0x28: value = rx_read(s); update_irq(s); return value;
    case 0x30: return s->dbgctrl;
    default:   return 0;                    /* SYNCBUSY: never busy */
    }
}

static void write_baud(struct sam_sercom *s, uint32_t value, uint32_t mask)
{
    uint32_t baud = sam_merge(s->baud, value, mask & 0xFFFF);
    check_protected(s, baud ^ s->baud, "BAUD");
    s->baud = baud;
    if (mask & 0xFF0000)
        s->rxpl = value >> 16 & 0xFF;
}

static void sercom_write(void *ctx, uint32_t word, uint32_t value, uint32_t mask)
{
    struct sam_sercom *s = ctx;
    value &= mask;
    switch (word) {
    case 0x00: write_ctrla(s, sam_merge(s->ctrla, value, mask)); break;
    case 0x04: write_ctrlb(s, sam_merge(s->ctrlb, value, mask)); break;
    case 0x0C: write_baud(s, value, mask); break;
    case 0x14:
        s->intenset &= (uint8_t)~value;
        s->intenset |= (uint8_t)(value >> 16);
        break;
    case 0x18:
        s->flags &= (uint8_t)~value;
        s->status &= (uint8_t)~(value >> 16);
        break;
    case 0x28: tx_write(s, value); break;
    case 0x30: s->dbgctrl = value & 1; break;
    default:   break;
    }
    update_irq(s);
}

void sam_sercom_new(struct sam *sam, int number)
{
    static const char *const names[] = { "SERCOM0", "SERCOM1", "SERCOM2", "SERCOM3",
                                         "SERCOM4", "SERCOM5" };
    struct sam_sercom *s = sam->sercom[number] = calloc(1, sizeof *s);
    s->chip = sam;
    s->number = number;
    s->tx_pin = s->rx_pin = s->rx_bit = -1;
    alarm_init(&s->tx_alarm, tx_next, s);
    alarm_init(&s->rx_alarm, rx_sample, s);
    sam_add_block(sam, &(struct sam_block){
        .name = names[number], .base = place(s)->at.base, .bridge = place(s)->at.bridge,
        .bit = place(s)->at.bit, .read = sercom_read, .write = sercom_write,
        .reset = sercom_reset, .ctx = s });
}

void sam_sercom_free(struct sam_sercom *s)
{
    alarm_cancel(s->chip->sim, &s->tx_alarm);
    alarm_cancel(s->chip->sim, &s->rx_alarm);
    free(s);
}
