/* can.c - bxCAN: three transmit mailboxes, filters, two FIFOs of three messages.
 *
 *   called by  f103.c, gpio.c (remapping, edges)      calls  can_frame.c, can_filter.c,
 *                                                            gpio.c, rcc.c
 *
 *   SLEEP --INRQ--> INIT --> SYNC (11 recessive bits on CANRX) --> NORMAL     (24.4)
 *
 *   mailbox -> frame -> CANTX, bit by bit; CANRX is compared at each sample point
 *                 \--LBKM--> filters -> FIFO 0 or 1
 *
 * So whoever ties CANTX and CANRX together, as transceivers on a bus do, sees frames and
 * what comes of them when nobody acknowledges: TEC, error warning, error passive.  A CANRX
 * that does not follow is a bit error, and ends in bus off.  In loopback mode CANRX is not
 * looked at (24.5.2).
 *
 * Not modelled, and reported: frames of other nodes, so nothing is received but by
 * loopback; time triggered mode.  A lost arbitration is one of these.
 *
 * USB and CAN share 512 bytes of SRAM and cannot be used at once (24.2); f103.c asks.
 *
 * Source: RM0008 24; ISO 11898-1 for what the errors count. */
#include "can.h"
#include "f103.h"
#include <stdlib.h>

enum { MCR = 0x00, MSR = 0x04, TSR = 0x08, RF0R = 0x0C, RF1R = 0x10, IER = 0x14, ESR = 0x18,
       BTR = 0x1C, TX = 0x180, RX = 0x1B0, FMR = 0x200, FM1R = 0x204, FS1R = 0x20C,
       FFA1R = 0x214, FA1R = 0x21C, BANKS = 0x240 };
enum {
    INRQ = 1 << 0, SLEEP = 1 << 1, TXFP = 1 << 2, RFLM = 1 << 3, NART = 1 << 4,
    AWUM = 1 << 5, ABOM = 1 << 6, TTCM = 1 << 7, MASTER_RESET = 1 << 15, DBF = 1 << 16,
    MCR_BITS = 0x100FF,
    INAK = 1 << 0, SLAK = 1 << 1, ERRI = 1 << 2, WKUI = 1 << 3, SLAKI = 1 << 4, TXM = 1 << 8,
    SAMP = 1 << 10, RX_LEVEL = 1 << 11,
    RQCP = 1 << 0, TXOK = 1 << 1, ALST = 1 << 2, TERR = 1 << 3, ABRQ = 1 << 7,
    FULL = 1 << 3, FOVR = 1 << 4, RFOM = 1 << 5,
    TMEIE = 1 << 0, EWGIE = 1 << 8, EPVIE = 1 << 9, BOFIE = 1 << 10, LECIE = 1 << 11,
    ERRIE = 1 << 15, WKUIE = 1 << 16, SLKIE = 1 << 17, IER_BITS = 0x38F7F,
    EWGF = 1 << 0, EPVF = 1 << 1, BOFF = 1 << 2, LEC = 7 << 4,
    LBKM = 1 << 30, TXRQ = 1 << 0, FINIT = 1 << 0,
};
#define SILM (1u << 31)
enum error { NO_ERROR, STUFF_ERROR, FORM_ERROR, ACK_ERROR, RECESSIVE_ERROR, DOMINANT_ERROR };
enum mode { ASLEEP, INITIALISING, SYNCHRONISING, NORMAL };
enum line { LINE_TX, LINE_RX0, LINE_RX1, LINE_SCE, LINES };
enum { MAILBOXES = 3, DEPTH = 3, ERROR_FRAME = 6 + 8 + 3, SUSPEND = 8, RECOVERY = 128 * 11 };

static const uint8_t rx_pins[4] = { PA + 11, PA + 11, PB + 8, PD + 0 };
static const uint8_t tx_pins[4] = { PA + 12, PA + 12, PB + 9, PD + 1 };

struct mailbox {
    struct can_message message;     /* TIxR without TXRQ, TDTxR, TDLxR, TDHxR */
    uint32_t flags;                 /* its byte of TSR */
    bool pending;
    uint64_t order;                 /* of the requests */
};

struct received { struct can_message message; int filter; };

struct fifo {
    struct received message[DEPTH];
    int count;
    uint32_t flags;                 /* FULL, FOVR */
};

struct can {
    struct f103 *f103;
    uint32_t mcr, msr, ier, esr, btr, fmr;  /* msr: the bits that are kept; esr: LEC */
    enum mode mode;
    struct mailbox mailbox[MAILBOXES];
    uint64_t requests;
    struct fifo fifo[2];
    struct can_filters filters;
    unsigned tec, rec;
    bool bus_off, recovers;         /* recovers: counts its 128 x 11 recessive bits */
    bool line[LINES];               /* interrupts as last told; two are USB's as well */

    uint8_t rx, tx;
    bool owns;                      /* the pins: from the first time it was awake */
    struct can_frame frame;
    struct mailbox *sending;        /* NULL: the bus is idle, or quiet > 0 */
    int at;                         /* bit of the frame */
    bool sampled;                   /* the second part of the bit runs */
    int flag, quiet;                /* bits of an error flag, of what follows, to come */
    struct alarm bit, sync;
};

/* --- time, pins -------------------------------------------------------------------- */

static bool loops(const struct can *c) { return c->btr & LBKM; }
static bool error_passive(const struct can *c) { return c->tec > 127 || c->rec > 127; }

/* A frame, an error flag, or what has to follow one. */
static bool is_busy(const struct can *c) { return c->sending || c->flag || c->quiet; }

static sim_time quanta(const struct can *c, unsigned count)
{
    return count * ((c->btr & 0x3FF) + 1) * rcc_pclk(c->f103->rcc, ON_APB1);
}

static unsigned first_part(const struct can *c) { return 1 + (c->btr >> 16 & 0xF) + 1; }
static unsigned second_part(const struct can *c) { return (c->btr >> 20 & 7) + 1; }

static sim_time bit_time(const struct can *c)
{
    return quanta(c, first_part(c) + second_part(c));
}

static bool rx_level(const struct can *c)
{
    return loops(c) || gpio_level(c->f103->gpio, c->rx);
}

static void put_tx(struct can *c, bool level)
{
    gpio_af_output(c->f103->gpio, c->tx, level || c->btr & SILM);
}

static void after(struct can *c, sim_time time)
{
    alarm_set(c->f103->sim, &c->bit, c->f103->sim->now + time);
}

/* --- interrupts -------------------------------------------------------------------- */

static uint32_t errors(const struct can *c)
{
    return (c->bus_off ? BOFF : 0) | (error_passive(c) || c->bus_off ? EPVF : 0) |
           (c->tec > 95 || c->rec > 95 ? EWGF : 0);
}

static void tell(struct can *c, enum line line, bool level)
{
    if (c->line[line] != level)
        f103_irq(c->f103, IRQ_USB_HP_CAN_TX + (int)line, level);
    c->line[line] = level;
}

static bool fifo_wants(const struct can *c, int n)
{
    uint32_t enabled = c->ier >> (1 + 3 * n);
    const struct fifo *fifo = &c->fifo[n];
    return (enabled & 1 && fifo->count) || (enabled & 2 && fifo->flags & FULL) ||
           (enabled & 4 && fifo->flags & FOVR);
}

static void update(struct can *c)
{
    uint32_t completed = 0;
    for (int n = 0; n < MAILBOXES; n++)
        completed |= c->mailbox[n].flags & RQCP;
    tell(c, LINE_TX, completed && c->ier & TMEIE);
    tell(c, LINE_RX0, fifo_wants(c, 0));
    tell(c, LINE_RX1, fifo_wants(c, 1));
    tell(c, LINE_SCE, (c->msr & ERRI && c->ier & ERRIE) ||
                      (c->msr & WKUI && c->ier & WKUIE) ||
                      (c->msr & SLAKI && c->ier & SLKIE));
}

/* ERRI: a bit of ESR was set that its own bit of IER lets through (24.9.2). */
static void count_errors(struct can *c, unsigned tec, enum error lec)
{
    uint32_t before = errors(c);
    c->tec = tec;
    c->bus_off |= tec > 255;
    c->esr = (uint32_t)lec << 4;
    uint32_t risen = errors(c) & ~before;
    if ((risen & EWGF && c->ier & EWGIE) || (risen & EPVF && c->ier & EPVIE) ||
            (risen & BOFF && c->ier & BOFIE) || (lec != NO_ERROR && c->ier & LECIE))
        c->msr |= ERRI;
}

/* --- receiving --------------------------------------------------------------------- */

/* A full FIFO loses its newest message, or with RFLM the one that comes (24.7.3). */
static void receive(struct can *c, const struct can_message *message)
{
    int n, filter;
    if (!can_filter(&c->filters, message->id, &n, &filter))
        return;
    struct fifo *fifo = &c->fifo[n];
    if (fifo->count == DEPTH) {
        fifo->flags |= FOVR;
        if (c->mcr & RFLM)
            return;
        fifo->count--;
    }
    fifo->message[fifo->count++] = (struct received){ *message, filter };
    if (fifo->count == DEPTH)
        fifo->flags |= FULL;
}

static void release(struct fifo *fifo)
{
    if (!fifo->count)
        return;
    fifo->count--;
    for (int i = 0; i < fifo->count; i++)
        fifo->message[i] = fifo->message[i + 1];
}

/* --- mailboxes --------------------------------------------------------------------- */

/* The smaller the stronger: as on the bus, or as requested. */
static uint64_t strength(const struct can *c, const struct mailbox *m)
{
    if (c->mcr & TXFP)
        return m->order;
    uint32_t id = m->message.id, standard = id >> 21 << 21;
    bool extended = id & CAN_IDE, remote = id & CAN_RTR;
    if (!extended)
        return standard | (uint32_t)remote << 20;
    return standard | 1 << 20 | 1 << 19 | (id >> 3 & 0x3FFFF) << 1 | remote;    /* SRR, IDE */
}

static struct mailbox *extreme(struct can *c, bool weakest)
{
    struct mailbox *best = NULL;
    for (int n = 0; n < MAILBOXES; n++) {
        struct mailbox *m = &c->mailbox[n];
        if (m->pending && (!best || (weakest ? strength(c, m) >= strength(c, best)
                                             : strength(c, m) < strength(c, best))))
            best = m;
    }
    return best;
}

/* The request is over. */
static void empty(struct mailbox *m, uint32_t flags)
{
    m->pending = false;
    m->flags = flags | RQCP;
}

static void next_bit(struct can *c);
static void change_mode(struct can *c);

static void try_send(struct can *c)
{
    bool silent = c->btr & SILM && !loops(c);
    if (c->mode != NORMAL || is_busy(c) || c->bus_off || silent)
        return;
    c->sending = extreme(c, false);
    if (!c->sending)
        return;
    can_frame_make(&c->frame, &c->sending->message);
    c->at = 0;
    next_bit(c);
}

/* --- sending ----------------------------------------------------------------------- */

static void foreign(struct can *c)
{
    f103_report(c->f103, SIM_UNMODELLED, "bxCAN: a frame of another node");
}

static void bus_is_idle(struct can *c)
{
    put_tx(c, true);
    change_mode(c);
    try_send(c);
    update(c);
}

static void sent(struct can *c)
{
    empty(c->sending, TXOK);
    count_errors(c, c->tec ? c->tec - 1 : 0, NO_ERROR);
    update(c);
}

/* The attempt failed: again, unless that is not wanted. */
static void give_up(struct can *c, uint32_t flag)
{
    struct mailbox *m = c->sending;
    c->sending = NULL;
    if (c->mcr & NART || m->flags & ABRQ)
        empty(m, flag);
    else
        m->flags = flag;
}

/* 24.7.6.  An error-passive node does not count a missing acknowledge. */
static void fail(struct can *c, enum error error)
{
    bool passive = error_passive(c);
    count_errors(c, error == ACK_ERROR && passive ? c->tec : c->tec + 8, error);
    give_up(c, TERR);
    if (c->bus_off) {
        put_tx(c, true);
        change_mode(c);
    } else {
        c->flag = 6;
        c->quiet = ERROR_FRAME - 6 + (passive ? SUSPEND : 0);
        c->sampled = false;
    }
    update(c);
}

/* At the sample point: is it on the bus what we sent? */
static void look_at_bus(struct can *c)
{
    bool bit = c->frame.bit[c->at], seen = rx_level(c);
    c->msr = (c->msr & ~(uint32_t)SAMP) | (seen ? SAMP : 0);
    if (c->at == c->frame.acknowledge) {
        if (seen)
            fail(c, ACK_ERROR);
    } else if (bit && !seen && c->at < c->frame.arbitrated) {
        foreign(c);
        give_up(c, ALST);
        c->quiet = 11;
        c->sampled = false;
    } else if (bit != seen && c->at < c->frame.end) {
        fail(c, bit ? RECESSIVE_ERROR : DOMINANT_ERROR);
    }
}

static void next_bit(struct can *c)
{
    if (c->sending) {
        put_tx(c, c->frame.bit[c->at]);
        after(c, loops(c) ? bit_time(c) : quanta(c, first_part(c)));
    } else if (c->flag) {
        put_tx(c, error_passive(c));
        c->flag--;
        after(c, bit_time(c));
    } else if (c->quiet) {
        put_tx(c, true);
        c->quiet--;
        after(c, bit_time(c));
    } else {
        bus_is_idle(c);
    }
}

/* A bit is over: the FIFO has the message one before the end, the sender at the end. */
static void go_to_next_bit(struct can *c)
{
    c->sampled = false;
    if (++c->at == c->frame.end - 1 && loops(c))
        receive(c, &c->sending->message);
    if (c->at == c->frame.end)
        sent(c);
    if (c->at == c->frame.count) {
        c->sending = NULL;
        c->quiet = error_passive(c) ? SUSPEND : 0;
    }
    next_bit(c);
    update(c);
}

static void bit_alarm(void *ctx)
{
    struct can *c = ctx;
    if (!c->sending) {
        next_bit(c);
    } else if (loops(c) || c->sampled) {
        go_to_next_bit(c);
    } else {
        c->sampled = true;
        look_at_bus(c);
        if (!c->bus_off)
            after(c, quanta(c, second_part(c)));
    }
}

/* --- modes ------------------------------------------------------------------------- */

static void begin_sync(struct can *c, unsigned bits)
{
    alarm_cancel(c->f103->sim, &c->sync);
    if (rx_level(c))
        alarm_set(c->f103->sim, &c->sync, c->f103->sim->now + bits * bit_time(c));
}

static void synchronised(void *ctx)
{
    struct can *c = ctx;
    if (c->recovers) {
        c->recovers = c->bus_off = false;
        c->tec = c->rec = 0;
    } else {
        c->mode = NORMAL;
        c->msr &= ~(uint32_t)(INAK | SLAK);
    }
    change_mode(c);
    try_send(c);
    update(c);
}

static void rx_changed(void *ctx, int pin, int level)
{
    struct can *c = ctx;
    (void)pin;
    if (loops(c))
        return;
    if (c->mode == SYNCHRONISING || c->recovers) {
        begin_sync(c, c->recovers ? RECOVERY : 11);
    } else if (!level && c->mode == ASLEEP) {
        c->msr |= WKUI;
        if (c->mcr & AWUM)
            c->mcr &= ~(uint32_t)SLEEP;
        change_mode(c);
        update(c);
    } else if (!level && c->mode == NORMAL && !is_busy(c) && !c->bus_off) {
        foreign(c);
    }
}

static void claim_pins(struct can *c, bool wanted)
{
    struct gpio *gpio = c->f103->gpio;
    if (c->owns == wanted)
        return;
    c->owns = wanted;
    if (wanted) {
        put_tx(c, true);
        gpio_listen(gpio, c->rx, rx_changed, c);
    } else {
        gpio_unlisten(gpio, c->rx, rx_changed, c);
    }
    gpio_af_claim(gpio, c->tx, wanted ? "CAN_TX" : NULL);
}

void can_remapped(struct can *c)
{
    unsigned map = afio_mapr(c->f103->gpio) >> 13 & 3;
    bool owned = c->owns;
    if (c->rx == rx_pins[map])
        return;
    claim_pins(c, false);
    c->rx = rx_pins[map];
    c->tx = tx_pins[map];
    claim_pins(c, owned);
}

bool can_is_awake(const struct can *c) { return c && c->mode != ASLEEP; }

static void fall_asleep(struct can *c)
{
    alarm_cancel(c->f103->sim, &c->sync);
    c->mode = ASLEEP;
    c->msr = (c->msr & ~(uint32_t)INAK) | SLAK | SLAKI;
}

static void initialise(struct can *c)
{
    alarm_cancel(c->f103->sim, &c->sync);
    c->mode = INITIALISING;
    c->msr = (c->msr & ~(uint32_t)SLAK) | INAK;
    c->recovers = false;
}

/* What MCR asks for, as soon as no frame is under way (24.4). */
static void change_mode(struct can *c)
{
    if (is_busy(c))
        return;
    if (c->mcr & SLEEP) {
        if (c->mode != ASLEEP)
            fall_asleep(c);
        return;
    }
    claim_pins(c, true);
    if (c->mcr & INRQ) {
        if (c->mode != INITIALISING)
            initialise(c);
    } else if (c->mode == ASLEEP || c->mode == INITIALISING) {
        bool left_init = c->mode == INITIALISING;
        c->mode = SYNCHRONISING;
        c->recovers = false;
        if (c->bus_off && left_init) {          /* 24.7.6: then 128 x 11 bits */
            c->mode = NORMAL;
            c->msr &= ~(uint32_t)INAK;
            c->recovers = true;
        }
        begin_sync(c, c->recovers ? RECOVERY : 11);
    } else if (c->bus_off && c->mcr & ABOM && !c->recovers) {
        c->recovers = true;
        begin_sync(c, RECOVERY);
    }
    f103_check_shared_sram(c->f103);
}

/* --- registers --------------------------------------------------------------------- */

static void reset_state(struct can *c);

static void write_mcr(struct can *c, uint32_t value)
{
    if (value & MASTER_RESET) {
        reset_state(c);
        return;
    }
    if (value & TTCM)
        f103_report(c->f103, SIM_UNMODELLED, "bxCAN: time triggered mode");
    c->mcr = value & MCR_BITS;
    change_mode(c);
    try_send(c);
}

static uint32_t read_msr(const struct can *c)
{
    bool level = !c->owns || rx_level(c);
    return c->msr | (c->sending ? TXM : 0) | (level ? RX_LEVEL : 0);
}

static uint32_t read_tsr(struct can *c)
{
    uint32_t value = 0;
    int pending = 0, free = -1;
    struct mailbox *weakest = extreme(c, true);
    for (int n = MAILBOXES - 1; n >= 0; n--) {
        struct mailbox *m = &c->mailbox[n];
        value |= m->flags << 8 * n | (m->pending ? 0 : 1u << (26 + n));
        pending += m->pending;
        if (!m->pending)
            free = n;
    }
    if (weakest && pending > 1)
        value |= 1u << (29 + (weakest - c->mailbox));
    return value | (uint32_t)(free >= 0 ? free : (int)(weakest - c->mailbox)) << 24;
}

/* RQCP takes the others with it (24.9.2). */
static void write_tsr(struct can *c, uint32_t value)
{
    for (int n = 0; n < MAILBOXES; n++) {
        struct mailbox *m = &c->mailbox[n];
        uint32_t bits = value >> 8 * n & 0xFF;
        m->flags &= bits & RQCP ? ABRQ : ~(bits & (TXOK | ALST | TERR));
        if (bits & ABRQ && m->pending && m == c->sending)
            m->flags |= ABRQ;                   /* when this attempt is over */
        else if (bits & ABRQ && m->pending)
            empty(m, 0);
    }
}

static uint32_t read_rfr(const struct fifo *fifo)
{
    return (uint32_t)fifo->count | fifo->flags;
}

static void write_rfr(struct fifo *fifo, uint32_t value)
{
    fifo->flags &= ~(value & (FULL | FOVR));
    if (value & RFOM)
        release(fifo);
}

static uint32_t read_esr(const struct can *c)
{
    return errors(c) | (c->esr & LEC) | (c->tec & 0xFF) << 16 | c->rec << 24;
}

static void write_btr(struct can *c, uint32_t value)
{
    if (c->mode != INITIALISING)
        f103_report(c->f103, SIM_FORGIVEN, "bxCAN: BTR written outside of initialization "
                    "mode: ignored");
    else
        c->btr = value & 0xC37F03FF;
}

static uint32_t *mailbox_word(struct mailbox *m, uint32_t reg)
{
    switch (reg & 0xC) {
    case 0x0: return &m->message.id;
    case 0x4: return &m->message.length;
    case 0x8: return &m->message.data[0];
    default:  return &m->message.data[1];
    }
}

static void request(struct can *c, struct mailbox *m)
{
    m->pending = true;
    m->flags = 0;
    m->order = ++c->requests;
    try_send(c);
}

static void write_mailbox(struct can *c, uint32_t reg, uint32_t value)
{
    struct mailbox *m = &c->mailbox[(reg - TX) / 16];
    if (m->pending) {
        f103_report(c->f103, SIM_FORGIVEN, "bxCAN: transmit mailbox %d written while it is "
                    "not empty: ignored", (int)(m - c->mailbox));
        return;
    }
    bool is_id = (reg & 0xC) == 0, is_length = (reg & 0xC) == 4;
    if (is_length && value & 1 << 8)
        f103_report(c->f103, SIM_UNMODELLED, "bxCAN: a time stamp in the data");
    *mailbox_word(m, reg) = is_id ? value & ~1u : is_length ? value & 0xF : value;
    if (is_id && value & TXRQ)
        request(c, m);
}

static uint32_t read_mailbox(struct can *c, uint32_t reg)
{
    struct mailbox *m = &c->mailbox[(reg - TX) / 16];
    return *mailbox_word(m, reg) | ((reg & 0xC) == 0 && m->pending ? TXRQ : 0);
}

static uint32_t read_fifo(const struct can *c, uint32_t reg)
{
    const struct received *r = &c->fifo[(reg - RX) / 16].message[0];
    switch (reg & 0xC) {
    case 0x0: return r->message.id;
    case 0x4: return r->message.length | (uint32_t)r->filter << 8;
    case 0x8: return r->message.data[0];
    default:  return r->message.data[1];
    }
}

static uint32_t *filter_word(struct can *c, uint32_t reg)
{
    uint32_t n = (reg - BANKS) / 4;
    switch (reg) {
    case FM1R:  return &c->filters.list;
    case FS1R:  return &c->filters.wide;
    case FFA1R: return &c->filters.fifo;
    case FA1R:  return &c->filters.active;
    default:    return reg >= BANKS && n < 2 * CAN_BANKS ? &c->filters.bank[n / 2][n % 2]
                                                         : NULL;
    }
}

static void write_filter(struct can *c, uint32_t reg, uint32_t value)
{
    uint32_t *word = filter_word(c, reg), bank = (reg - BANKS) / 8;
    bool finit = c->fmr & FINIT;
    bool open = finit || reg == FA1R ||
                (reg >= BANKS && !(c->filters.active >> bank & 1));
    if (reg == FMR)
        c->fmr = (c->fmr & ~(uint32_t)FINIT) | (value & FINIT);
    else if (!word)
        f103_report(c->f103, SIM_UNMODELLED, "bxCAN+0x%03X written", reg);
    else if (!open)
        f103_report(c->f103, SIM_FORGIVEN, "bxCAN: a filter register written while FINIT is "
                    "0%s: ignored", reg >= BANKS ? " and the bank is active" : "");
    else
        *word = reg >= BANKS ? value : value & ((1u << CAN_BANKS) - 1);
}

static uint32_t can_read(void *ctx, uint32_t reg)
{
    struct can *c = ctx;
    switch (reg) {
    case MCR:  return c->mcr;
    case MSR:  return read_msr(c);
    case TSR:  return read_tsr(c);
    case RF0R: return read_rfr(&c->fifo[0]);
    case RF1R: return read_rfr(&c->fifo[1]);
    case IER:  return c->ier;
    case ESR:  return read_esr(c);
    case BTR:  return c->btr;
    case FMR:  return c->fmr;
    }
    if (reg >= TX && reg < RX)
        return read_mailbox(c, reg);
    if (reg >= RX && reg < RX + 2 * 16)
        return read_fifo(c, reg);
    if (filter_word(c, reg))
        return *filter_word(c, reg);
    f103_report(c->f103, SIM_UNMODELLED, "bxCAN+0x%03X read", reg);
    return 0;
}

static void can_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct can *c = ctx;
    switch (reg) {
    case MCR:  write_mcr(c, value); break;
    case MSR:  c->msr &= ~(value & (ERRI | WKUI | SLAKI)); break;
    case TSR:  write_tsr(c, value); break;
    case RF0R: write_rfr(&c->fifo[0], value); break;
    case RF1R: write_rfr(&c->fifo[1], value); break;
    case IER:  c->ier = value & IER_BITS; break;
    case ESR:  c->esr = value & LEC; break;
    case BTR:  write_btr(c, value); break;
    default:
        if (reg >= TX && reg < RX)
            write_mailbox(c, reg, value);
        else if (reg < RX || reg >= RX + 2 * 16)    /* the FIFOs are read only */
            write_filter(c, reg, value);
    }
    update(c);
}

/* --- life -------------------------------------------------------------------------- */

static void reset_state(struct can *c)
{
    alarm_cancel(c->f103->sim, &c->bit);
    alarm_cancel(c->f103->sim, &c->sync);
    claim_pins(c, false);
    c->mcr = DBF | SLEEP;
    c->msr = SAMP | SLAK;
    c->ier = c->esr = 0;
    c->btr = 0x01230000;
    c->fmr = 0x2A1C0E00 | FINIT;
    c->mode = ASLEEP;
    for (int n = 0; n < MAILBOXES; n++)
        c->mailbox[n] = (struct mailbox){ 0 };
    c->fifo[0] = c->fifo[1] = (struct fifo){ 0 };
    c->filters = (struct can_filters){ 0 };
    c->tec = c->rec = 0;
    c->bus_off = c->recovers = c->sampled = false;
    c->sending = NULL;
    c->flag = c->quiet = 0;
    update(c);
}

static void can_reset(void *ctx) { reset_state(ctx); }

void can_new(struct f103 *f103)
{
    struct can *c = calloc(1, sizeof *c);
    f103->can = c;
    c->f103 = f103;
    c->rx = rx_pins[0];
    c->tx = tx_pins[0];
    alarm_init(&c->bit, bit_alarm, c);
    alarm_init(&c->sync, synchronised, c);
    reset_state(c);
    f103_add_block(f103, &(struct block){
        .name = "bxCAN", .base = 0x40006400, .size = 0x400, .bridge = ON_APB1,
        .enable_bit = 25, .access = WORDS_ONLY, .read = can_read, .write = can_write,
        .reset = can_reset, .ctx = c });
}

void can_free(struct can *c)
{
    alarm_cancel(c->f103->sim, &c->bit);
    alarm_cancel(c->f103->sim, &c->sync);
    free(c);
}
