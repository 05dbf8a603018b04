/* i2c.c - I2C1 and I2C2 as masters, bit by bit on open-drain pins.
 *
 *   called by  f103.c, gpio.c (remapping, edges)      calls  gpio.c, dma.c, rcc.c
 *
 *   IDLE -> START_WAIT -> START_HOLD -> HELD <-> BIT_LOW, BIT_HIGH x 9
 *                                        HELD -> RESTART_LOW, START_WAIT    repeated START
 *                                        HELD -> STOP_LOW, STOP_HIGH -> IDLE
 *
 * HELD is the place where SCL is low and the master decides: go_on() looks at what the
 * program asked for, and if there is nothing to do the clock stays low until there is.
 * That is all of the stretching that EV5 to EV8 of the manual speak of.
 *
 * A slave may hold SCL low as well: a clock that we let go is waited for.  START and STOP
 * are seen on the pins, ours like a stranger's; SB, BUSY and MSL follow from what is seen.
 *
 * After a byte that it did not acknowledge the master waits for STOP or START.  DMA's LAST
 * needs that (26.3.7), though ES096 2.14.1 warns that a late STOP may cost another byte.
 *
 * Not modelled, and reported: slave mode, SMBus (ALERT, ARP, PEC, host).  Rise times and so
 * TRISE; the filters, and with them ES096 2.14.7 (BUSY that sticks).
 *
 * Sources: RM0008 26.3 (function), 26.6 (registers), 9.3.8 (remapping). */
#include "f103.h"
#include <stdlib.h>

enum { CR1 = 0x00, CR2 = 0x04, OAR1 = 0x08, OAR2 = 0x0C, DR = 0x10, SR1 = 0x14,
       SR2 = 0x18, CCR = 0x1C, TRISE = 0x20 };
enum {
    PE = 1 << 0, SMBUS = 1 << 1, SMBTYPE = 1 << 3, ENARP = 1 << 4, ENPEC = 1 << 5,
    ENGC = 1 << 6, START = 1 << 8, STOP = 1 << 9, ACK = 1 << 10, POS = 1 << 11,
    PEC = 1 << 12, ALERT = 1 << 13, SWRST = 1 << 15, CR1_BITS = 0xBFFB,
    FREQ = 0x3F, ITERREN = 1 << 8, ITEVTEN = 1 << 9, ITBUFEN = 1 << 10, DMAEN = 1 << 11,
    LAST = 1 << 12, CR2_BITS = 0x1F3F,
    SB = 1 << 0, ADDR = 1 << 1, BTF = 1 << 2, ADD10 = 1 << 3, STOPF = 1 << 4,
    RXNE = 1 << 6, TXE = 1 << 7, BERR = 1 << 8, ARLO = 1 << 9, AF = 1 << 10,
    ERRORS = 0xDF00,                /* all that is cleared by writing 0 */
    MSL = 1 << 0, BUSY = 1 << 1, TRA = 1 << 2,
    DUTY = 1 << 14, FAST = 1 << 15,
};

static const struct i2c_type {
    const char *name, *scl_name, *sda_name;
    uint32_t base;
    uint8_t enable_bit, irq;        /* of the events; the errors' is the next */
    uint8_t map_mask;               /* of AFIO_MAPR >> 1 */
    enum dma_request dma_tx, dma_rx;
    uint8_t scl[2], sda[2];
} types[] = {
    { "I2C1", "I2C1_SCL", "I2C1_SDA", 0x40005400, 21, IRQ_I2C1_EV, 1,
      DMA_I2C1_TX, DMA_I2C1_RX, { PB + 6, PB + 8 }, { PB + 7, PB + 9 } },
    { "I2C2", "I2C2_SCL", "I2C2_SDA", 0x40005800, 22, IRQ_I2C2_EV, 0,
      DMA_I2C2_TX, DMA_I2C2_RX, { PB + 10, PB + 10 }, { PB + 11, PB + 11 } },
};

enum phase { IDLE, START_WAIT, START_HOLD, HELD, BIT_LOW, BIT_HIGH, RESTART_LOW, STOP_LOW,
             STOP_HIGH };
enum byte { ADDRESS, SENDING, RECEIVING };

struct i2c {
    struct f103 *f103;
    const struct i2c_type *type;
    uint8_t scl, sda;               /* pins */
    uint32_t cr1, cr2, oar1, oar2, sr1, sr2, ccr, trise;
    uint32_t sr1_read;              /* flags that the last read of SR1 has shown */
    uint8_t rx, tx, shift;
    bool tx_full, shift_full;       /* shift_full: a received byte that waits for DR */
    bool disable_later;             /* PE was cleared while STOP was on its way */

    enum phase phase;
    enum byte byte;
    int bit;                        /* of the byte: 0 to 7, 8 = acknowledge */
    bool due;                       /* the next byte is an address, or the first to come */
    bool second;                    /* the address byte is the second of a 10-bit one */
    bool sent;                      /* a data byte was sent since the address */
    bool refused;                   /* AF, or our own NACK: only STOP or START helps */
    bool ack_before;                /* CR1.ACK at the acknowledge before this one */
    bool waits_for_scl;             /* let go, and still low */
    struct alarm next;
};

static void go_on(struct i2c *i);
static void reset_state(struct i2c *i);

/* --- wires ------------------------------------------------------------------------ */

static void update(struct i2c *i)
{
    bool master = i->sr2 & MSL, dma = i->cr2 & DMAEN;
    uint32_t events = SB | ADDR | ADD10 | STOPF | BTF;
    if (i->cr2 & ITBUFEN)
        events |= TXE | RXNE;
    f103_irq(i->f103, i->type->irq, i->cr2 & ITEVTEN && i->sr1 & events);
    f103_irq(i->f103, i->type->irq + 1, i->cr2 & ITERREN && i->sr1 & ERRORS);
    dma_request(i->f103->dma, i->type->dma_tx, dma && master && i->sr1 & TXE);
    dma_request(i->f103->dma, i->type->dma_rx, dma && i->sr1 & RXNE);
}

static int scl_level(const struct i2c *i) { return gpio_level(i->f103->gpio, i->scl); }
static int sda_level(const struct i2c *i) { return gpio_level(i->f103->gpio, i->sda); }
static void put_scl(struct i2c *i, bool level)
{
    gpio_af_output(i->f103->gpio, i->scl, level);
}

static void put_sda(struct i2c *i, bool level)
{
    gpio_af_output(i->f103->gpio, i->sda, level);
}

/* RM0008 26.6.8 */
static sim_time clock_part(const struct i2c *i, unsigned slow, unsigned even, unsigned odd)
{
    unsigned periods = !(i->ccr & FAST) ? slow : i->ccr & DUTY ? odd : even;
    return (i->ccr & 0xFFF) * periods * rcc_pclk(i->f103->rcc, ON_APB1);
}

static sim_time low_time(const struct i2c *i) { return clock_part(i, 1, 2, 16); }
static sim_time high_time(const struct i2c *i) { return clock_part(i, 1, 1, 9); }

static void after(struct i2c *i, enum phase phase, sim_time time)
{
    i->phase = phase;
    alarm_set(i->f103->sim, &i->next, i->f103->sim->now + time);
}

static void clock_is_high(struct i2c *i);

/* SCL goes up, unless a slave holds it: then scl_changed() calls. */
static void let_clock_go(struct i2c *i, enum phase phase)
{
    i->phase = phase;
    i->waits_for_scl = true;
    put_scl(i, true);
    if (i->waits_for_scl && scl_level(i))
        clock_is_high(i);
}

static void hold(struct i2c *i)
{
    put_scl(i, false);
    i->phase = HELD;
    go_on(i);
    if (i->phase == HELD)
        put_sda(i, true);
}

/* A flag that goes by reading SR1 and something else. */
static void raise_flag(struct i2c *i, uint32_t flag)
{
    i->sr1 |= flag;
    i->sr1_read &= ~flag;
}

/* --- START, STOP, arbitration ------------------------------------------------------ */

static void check_set_up(struct i2c *i)
{
    sim_time pclk = rcc_pclk(i->f103->rcc, ON_APB1), period = low_time(i) + high_time(i);
    unsigned mhz = pclk ? (unsigned)((double)SIM_US / (double)pclk + 0.5) : 0;
    unsigned freq = i->cr2 & FREQ, khz = period ? (unsigned)(SIM_MS / period) : 0;
    unsigned most = i->ccr & FAST ? 400 : 100, least = i->ccr & DUTY ? 1 : 4;
    if (freq < 2 || freq > 36)
        f103_report(i->f103, SIM_RULE, "%s: CR2.FREQ is %u, 2 to 36 are allowed",
                    i->type->name, freq);
    else if (freq != mhz)
        f103_report(i->f103, SIM_FORGIVEN, "%s: CR2.FREQ is %u, PCLK1 %u MHz", i->type->name,
                    freq, mhz);
    if ((i->ccr & 0xFFF) < least)
        f103_report(i->f103, SIM_RULE, "%s: CCR is %u, at least %u is needed",
                    i->type->name, i->ccr & 0xFFF, least);
    else if (khz > most)
        f103_report(i->f103, SIM_FORGIVEN, "%s: SCL at %u kHz, at most %u is allowed",
                    i->type->name, khz, most);
}

static void try_start(struct i2c *i)
{
    if (i->phase != IDLE || !(i->cr1 & START) || i->sr2 & BUSY)
        return;
    check_set_up(i);
    i->refused = i->due = false;
    after(i, START_WAIT, high_time(i));
}

static void pull_sda_for_start(struct i2c *i)
{
    i->phase = START_HOLD;
    put_sda(i, false);                      /* start_seen() does the rest */
    if (i->phase != START_HOLD)
        return;
    if (!(i->sr1 & SB))
        f103_report(i->f103, SIM_NOTE, "%s: START, but SDA does not fall: are its pins "
                    "alternate function, open drain, and pulled up?", i->type->name);
    after(i, START_HOLD, high_time(i));
}

static void start_seen(struct i2c *i)
{
    if (i->phase == START_HOLD) {
        i->cr1 &= ~(uint32_t)START;
        i->sr1 &= ~(uint32_t)(TXE | BTF);
        raise_flag(i, SB);
        i->sr2 = MSL | BUSY;
        i->tx_full = i->sent = i->second = i->refused = false;
    } else if (i->sr2 & MSL) {
        i->sr1 |= BERR;
    } else {                                /* another master: ours waits for its STOP */
        alarm_cancel(i->f103->sim, &i->next);
        i->phase = IDLE;
        if (i->cr1 & ACK && i->oar1 & 0x3FE)
            f103_report(i->f103, SIM_UNMODELLED, "%s as slave: another master begins while "
                        "ACK and an own address are set", i->type->name);
    }
    i->sr2 |= BUSY;
    update(i);
}

static void stop_seen(struct i2c *i)
{
    if (i->sr2 & MSL && i->phase != IDLE) {
        i->sr1 |= BERR;
    } else {
        i->cr1 &= ~(uint32_t)STOP;
        i->sr1 &= ~(uint32_t)(TXE | BTF);
        i->sr2 = 0;
        i->tx_full = false;
    }
    i->sr2 &= ~(uint32_t)BUSY;
    if (i->disable_later)
        after(i, IDLE, 0);
    else
        try_start(i);
    update(i);
}

/* Sent a one and saw a zero: another master is stronger (26.3.4). */
static void lose(struct i2c *i)
{
    alarm_cancel(i->f103->sim, &i->next);
    i->phase = IDLE;
    i->sr1 |= ARLO;
    i->sr2 = BUSY;
    put_sda(i, true);
    put_scl(i, true);
    update(i);
}

static void sda_changed(void *ctx, int pin, int level)
{
    struct i2c *i = ctx;
    (void)pin;
    if (!scl_level(i))
        i->sr2 |= BUSY;
    else if (level)
        stop_seen(i);
    else
        start_seen(i);
}

static void scl_changed(void *ctx, int pin, int level)
{
    struct i2c *i = ctx;
    (void)pin;
    if (!level)
        i->sr2 |= BUSY;
    else if (i->waits_for_scl)
        clock_is_high(i);
}

/* --- bytes ------------------------------------------------------------------------ */

/* What SDA carries in the present bit. */
static bool acknowledges(struct i2c *i)
{
    bool now = i->cr1 & ACK, ack = i->cr1 & POS ? i->ack_before : now;
    unsigned waiting = i->sr1 & RXNE ? 2 : 1;       /* this byte, and one in DR */
    i->ack_before = now;
    if (i->cr2 & DMAEN && i->cr2 & LAST &&
            dma_left(i->f103->dma, i->type->dma_rx) == waiting)
        return false;
    return ack;
}

static bool bit_to_send(struct i2c *i)
{
    if (i->byte == RECEIVING)
        return i->bit < 8 || !acknowledges(i);
    return i->bit == 8 || i->shift >> (7 - i->bit) & 1;
}

static void show_bit(struct i2c *i)
{
    put_sda(i, bit_to_send(i));
    after(i, BIT_LOW, low_time(i));
}

static void begin_byte(struct i2c *i, enum byte byte, uint8_t value)
{
    i->byte = byte;
    i->shift = value;
    i->bit = 0;
    i->due = false;
    show_bit(i);
}

/* The clock is high: the bit is looked at. */
static void take_bit(struct i2c *i)
{
    bool level = sda_level(i);
    if (i->byte == RECEIVING) {
        if (i->bit < 8)
            i->shift = (uint8_t)(i->shift << 1 | level);
        else
            i->refused = level;
    } else if (i->bit == 8) {
        i->refused = level;
    } else if (!level && i->shift >> (7 - i->bit) & 1) {
        lose(i);
        return;
    }
    after(i, BIT_HIGH, high_time(i));
}

static bool is_header(uint8_t value) { return (value & 0xF8) == 0xF0; }

static void address_is_over(struct i2c *i)
{
    i->ack_before = i->cr1 & ACK;
    if (i->refused) {
        i->sr1 |= AF;
        return;
    }
    bool read = i->shift & 1 && !i->second;
    if (is_header(i->shift) && !read && !i->second) {
        raise_flag(i, ADD10);
        return;
    }
    raise_flag(i, ADDR);
    i->sr2 = (i->sr2 & ~(uint32_t)TRA) | (read ? 0 : TRA);
}

static void byte_came(struct i2c *i)
{
    if (i->sr1 & RXNE) {
        i->shift_full = true;
        return;
    }
    i->rx = i->shift;
    i->sr1 |= RXNE;
}

static void byte_is_over(struct i2c *i)
{
    if (i->byte == ADDRESS)
        address_is_over(i);
    else if (i->byte == RECEIVING)
        byte_came(i);
    else if (i->refused)
        i->sr1 |= AF;
    else
        i->sent = true;
    hold(i);
    update(i);
}

/* --- what next -------------------------------------------------------------------- */

static bool ends(struct i2c *i)
{
    bool first_byte_to_come = i->sr1 & ADDR && !(i->sr2 & TRA);
    if (first_byte_to_come || !(i->cr1 & (START | STOP)))
        return false;
    if (i->cr1 & STOP) {
        put_sda(i, false);
        after(i, STOP_LOW, low_time(i));
    } else {
        put_sda(i, true);
        after(i, RESTART_LOW, low_time(i));
    }
    return true;
}

static void send_next(struct i2c *i)
{
    if (!i->tx_full) {
        if (i->sent)
            i->sr1 |= BTF;
        return;
    }
    i->tx_full = false;
    i->sr1 = (i->sr1 & ~(uint32_t)BTF) | TXE;
    begin_byte(i, SENDING, i->tx);
}

static void go_on(struct i2c *i)
{
    if (i->phase != HELD)
        return;
    if (i->due)
        begin_byte(i, i->byte, i->tx);
    else if (ends(i) || i->sr1 & (SB | ADD10 | ADDR))
        return;
    else if (i->byte == RECEIVING && i->shift_full)
        i->sr1 |= BTF;
    else if (i->refused)
        return;
    else if (i->sr2 & TRA)
        send_next(i);
    else
        begin_byte(i, RECEIVING, 0);
}

static void clock_is_high(struct i2c *i)
{
    i->waits_for_scl = false;
    if (i->phase == BIT_HIGH)
        take_bit(i);
    else
        after(i, i->phase, high_time(i));
}

/* A phase's time is over. */
static void step(void *ctx)
{
    struct i2c *i = ctx;
    switch (i->phase) {
    case START_WAIT:    pull_sda_for_start(i); return;
    case START_HOLD:    hold(i); return;
    case BIT_LOW:       let_clock_go(i, BIT_HIGH); return;
    case BIT_HIGH:
        if (i->bit == 8) {
            byte_is_over(i);
            return;
        }
        put_scl(i, false);
        i->bit++;
        show_bit(i);
        return;
    case RESTART_LOW:   let_clock_go(i, START_WAIT); return;
    case STOP_LOW:      let_clock_go(i, STOP_HIGH); return;
    case STOP_HIGH:
        i->phase = IDLE;
        put_sda(i, true);                   /* stop_seen() does the rest */
        return;
    case IDLE:
        i->cr1 &= ~(uint32_t)PE;
        reset_state(i);
        return;
    case HELD:
        return;
    }
}

/* --- registers -------------------------------------------------------------------- */

static void claim_pins(struct i2c *i)
{
    struct gpio *gpio = i->f103->gpio;
    const struct i2c_type *type = i->type;
    put_scl(i, true);
    put_sda(i, true);
    gpio_af_claim(gpio, i->scl, type->scl_name);
    gpio_af_claim(gpio, i->sda, type->sda_name);
    gpio_listen(gpio, i->scl, scl_changed, i);
    gpio_listen(gpio, i->sda, sda_changed, i);
    i->sr2 = scl_level(i) && sda_level(i) ? 0 : BUSY;
}

static void release_pins(struct i2c *i)
{
    struct gpio *gpio = i->f103->gpio;
    gpio_unlisten(gpio, i->scl, scl_changed, i);
    gpio_unlisten(gpio, i->sda, sda_changed, i);
    put_scl(i, true);
    put_sda(i, true);
    gpio_af_claim(gpio, i->scl, NULL);
    gpio_af_claim(gpio, i->sda, NULL);
}

void i2c_remapped(struct i2c *i)
{
    unsigned map = afio_mapr(i->f103->gpio) >> 1 & i->type->map_mask;
    if (i->type->scl[map] == i->scl)
        return;
    if (i->cr1 & PE)
        release_pins(i);
    i->scl = i->type->scl[map];
    i->sda = i->type->sda[map];
    if (i->cr1 & PE)
        claim_pins(i);
}

/* PE = 0 and SWRST: nothing is under way, and no flag is set. */
static void reset_state(struct i2c *i)
{
    alarm_cancel(i->f103->sim, &i->next);
    release_pins(i);
    i->cr1 &= ~(uint32_t)(START | STOP | PEC | ACK);
    i->sr1 = i->sr2 = i->sr1_read = 0;
    i->phase = IDLE;
    i->tx_full = i->shift_full = i->due = i->refused = i->disable_later = false;
    i->waits_for_scl = false;
    update(i);
}

static void disable(struct i2c *i)
{
    if (i->sr2 & MSL && (i->cr1 & STOP || i->phase == STOP_LOW || i->phase == STOP_HIGH)) {
        i->disable_later = true;            /* 26.6.1: at the end of the communication */
        i->cr1 |= PE;
        return;
    }
    if (i->sr2 & MSL)
        f103_report(i->f103, SIM_FORGIVEN, "%s: PE cleared in the middle of a transfer",
                    i->type->name);
    reset_state(i);
}

static void check_modelled(struct i2c *i, uint32_t value)
{
    static const struct { uint32_t bit; const char *what; } absent[] = {
        { SMBUS, "SMBus mode" }, { ENARP, "ARP" }, { ENPEC, "PEC" }, { PEC, "PEC" },
        { ALERT, "SMBus alert" }, { ENGC, "general call" },
    };
    for (size_t n = 0; n < sizeof absent / sizeof absent[0]; n++)
        if (value & absent[n].bit)
            f103_report(i->f103, SIM_UNMODELLED, "%s: %s", i->type->name, absent[n].what);
}

static void write_cr1(struct i2c *i, uint32_t value)
{
    uint32_t before = i->cr1;
    if (value & SWRST && before & PE)
        reset_state(i);
    i->cr1 = value & CR1_BITS;
    if (value & SWRST) {
        i->cr1 = SWRST;
        i->cr2 = i->oar1 = i->oar2 = i->ccr = 0;
        i->trise = 2;
        return;
    }
    check_modelled(i, i->cr1);
    if (before & PE && !(value & PE))
        disable(i);
    else if (value & PE && !(before & PE))
        claim_pins(i);
    if (!(i->cr1 & PE)) {
        i->cr1 &= ~(uint32_t)(START | STOP | PEC | ACK);
        return;
    }
    if (value & ~before & STOP && !(i->sr2 & MSL))
        f103_report(i->f103, SIM_NOTE, "%s: STOP asked for by who is not master: it waits "
                    "for the next transfer", i->type->name);
    try_start(i);
    go_on(i);
}

static void write_dr(struct i2c *i, uint32_t value)
{
    uint32_t asks = i->sr1 & (SB | ADD10);
    i->tx = (uint8_t)value;
    if (asks & i->sr1_read) {
        i->second = asks & ADD10;
        i->sr1 &= ~asks;
        i->byte = ADDRESS;
        i->due = true;
    } else if (asks) {
        f103_report(i->f103, SIM_NOTE, "%s: DR written before SR1 was read: %s stays set",
                    i->type->name, asks & SB ? "SB" : "ADD10");
    } else if (i->sr2 & TRA) {
        i->tx_full = true;
        i->sr1 &= ~(uint32_t)(TXE | BTF);
    }
    go_on(i);
}

static uint32_t read_dr(struct i2c *i)
{
    uint32_t value = i->rx;
    i->sr1 &= ~(uint32_t)(RXNE | BTF);
    if (i->shift_full) {
        i->shift_full = false;
        i->rx = i->shift;
        i->sr1 |= RXNE;
    }
    go_on(i);
    return value;
}

/* ADDR goes by reading SR1 and then SR2. */
static uint32_t read_sr2(struct i2c *i)
{
    uint32_t value = i->sr2;
    if (i->sr1 & i->sr1_read & ADDR) {
        i->sr1 &= ~(uint32_t)ADDR;
        if (i->sr2 & TRA) {
            i->sr1 |= i->tx_full ? 0 : TXE;
        } else {
            i->byte = RECEIVING;
            i->due = true;
        }
        go_on(i);
    }
    return value;
}

static uint32_t i2c_read(void *ctx, uint32_t reg)
{
    struct i2c *i = ctx;
    uint32_t value = 0;
    switch (reg) {
    case CR1:   return i->cr1;
    case CR2:   return i->cr2;
    case OAR1:  return i->oar1;
    case OAR2:  return i->oar2;
    case CCR:   return i->ccr;
    case TRISE: return i->trise;
    case SR1:   return i->sr1_read = i->sr1;
    case DR:    value = read_dr(i); break;
    case SR2:   value = read_sr2(i); break;
    default:
        f103_report(i->f103, SIM_UNMODELLED, "%s+0x%02X read", i->type->name, reg);
    }
    update(i);
    return value;
}

static void while_disabled(struct i2c *i, const char *name)
{
    if (i->cr1 & PE)
        f103_report(i->f103, SIM_RULE, "%s: %s written while PE is set", i->type->name,
                    name);
}

static void write_oar2(struct i2c *i, uint32_t value)
{
    if (value & 1)
        f103_report(i->f103, SIM_UNMODELLED, "%s: a second own address", i->type->name);
    i->oar2 = value & 0xFF;
}

static void i2c_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct i2c *i = ctx;
    if (i->cr1 & SWRST && reg != CR1)
        return;
    switch (reg) {
    case CR1:   write_cr1(i, value); break;
    case CR2:   i->cr2 = value & CR2_BITS; break;
    case OAR1:  i->oar1 = value & 0xC3FF; break;
    case OAR2:  write_oar2(i, value); break;
    case DR:    write_dr(i, value); break;
    case SR1:   i->sr1 &= value | ~(uint32_t)ERRORS; break;
    case SR2:   break;                      /* read only */
    case CCR:
        while_disabled(i, "CCR");
        i->ccr = value & 0xCFFF;
        break;
    case TRISE:
        while_disabled(i, "TRISE");
        i->trise = value & 0x3F;
        break;
    default:
        f103_report(i->f103, SIM_UNMODELLED, "%s+0x%02X written", i->type->name, reg);
    }
    update(i);
}

static void i2c_reset(void *ctx)
{
    struct i2c *i = ctx;
    if (i->cr1 & PE)
        reset_state(i);
    i->cr1 = i->cr2 = i->oar1 = i->oar2 = i->ccr = 0;
    i->trise = 2;
    i->rx = i->tx = 0;
    update(i);
}

void i2c_new(struct f103 *f103, int number)
{
    struct i2c *i = calloc(1, sizeof *i);
    f103->i2c[number - 1] = i;
    i->f103 = f103;
    i->type = &types[number - 1];
    i->scl = i->type->scl[0];
    i->sda = i->type->sda[0];
    i->trise = 2;
    alarm_init(&i->next, step, i);
    f103_add_block(f103, &(struct block){
        .name = i->type->name, .base = i->type->base, .size = 0x400, .bridge = ON_APB1,
        .enable_bit = i->type->enable_bit, .access = HALVES_OK, .read = i2c_read,
        .write = i2c_write, .reset = i2c_reset, .ctx = i });
}

void i2c_free(struct i2c *i)
{
    alarm_cancel(i->f103->sim, &i->next);
    free(i);
}
