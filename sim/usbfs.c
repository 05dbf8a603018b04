/* usbfs.c - the USB full-speed device block of the STM32F103.
 *
 * Two sides meet here.  The firmware reads and writes registers and the packet memory
 * over the chip's bus; the host asks for one transaction at a time through usbfs.h.
 * What joins them is, for every endpoint register EPnR, one row of the buffer table:
 *
 *     EPnR   CTR_RX DTOG_RX STAT_RX SETUP TYPE KIND  CTR_TX DTOG_TX STAT_TX  EA
 *            15     14      13:12   11    10:9  8    7      6       5:4      3:0
 *     row n of the table at BTABLE:   ADDR_TX  COUNT_TX  ADDR_RX  COUNT_RX
 *
 * After a good transaction the block toggles DTOG, makes STAT NAK and sets CTR: from
 * then on the endpoint is the firmware's until STAT is VALID again.
 *
 * The packet memory has 512 bytes as 256 halfwords, each at the start of a word of the
 * bus.  What drivers in use do beside the manual, and the block puts up with, is done here
 * as well and reported as forgiven: words (the low half counts), bytes read, EPnR while
 * FRES is set, no pause after PDWN, a receive count written anew or of 0.
 *
 * What the manual leaves open and we assume: the first EPnR whose EA matches and whose
 * direction is not disabled answers; after SUSP, without FSUSP, SUSP comes again every
 * 3 ms.  Remote wakeup (CNTR.RESUME) is not modelled.
 *
 *   called by  f103.c, usb_host.c, the bus      calls  cpu.h (interrupts), wires.h
 *
 * Sources: RM0008 23 (block), 3.3 (bus widths); USB 2.0 chapter 8. */
#include "usbfs.h"
#include <stdlib.h>
#include <string.h>

enum {                                  /* RM0008 23.5.2, EPnR */
    CTR_RX = 0x8000, DTOG_RX = 0x4000, STAT_RX = 0x3000, SETUP = 0x0800,
    EP_TYPE = 0x0600, EP_KIND = 0x0100,
    CTR_TX = 0x0080, DTOG_TX = 0x0040, STAT_TX = 0x0030, EA = 0x000F,
    TYPE_BULK = 0x0000, TYPE_CONTROL = 0x0200, TYPE_ISO = 0x0400,
    KEPT_BY_RESET = CTR_RX | CTR_TX
};
enum { DISABLED, STALL, NAK, VALID };   /* STAT_RX, STAT_TX */

enum {                                  /* 23.5.1: CNTR masks and ISTR flags agree */
    CTR = 0x8000, PMAOVR = 0x4000, ERR = 0x2000, WKUP = 0x1000,
    SUSP = 0x0800, RESET = 0x0400, SOF = 0x0200, ESOF = 0x0100,
    FLAGS = 0xFF00, DIR = 0x0010,
    RESUME = 0x0010, FSUSP = 0x0008, LP_MODE = 0x0004, PDWN = 0x0002, FRES = 0x0001,
    EF = 0x0080,                        /* DADDR */
    RXDP = 0x8000, LCK = 0x2000, LSOF_SHIFT = 11        /* FNR */
};

enum { IRQ_HIGH = 19, IRQ_LOW = 20, IRQ_WAKEUP = 42 };
enum { ENDPOINTS = 8, PMA_SIZE = 512, PACKET_MAX = 1023 };
#define T_STARTUP    SIM_US             /* data sheet, USB start-up time */
#define SOF_MISSED   (SIM_MS + 10 * SIM_US)

struct usbfs {
    struct chip *chip;
    struct sim *sim;
    struct pin *dp;
    bool clocked;
    uint32_t hz;

    uint16_t epr[ENDPOINTS], cntr, istr, daddr, btable;
    uint16_t frame, lost_sofs, locked;  /* FNR in parts; locked counts to 2 */
    uint8_t pma[PMA_SIZE];

    sim_time powered_at;                /* PDWN was cleared */
    bool se0, k;                        /* the host holds the bus in reset, resume */
    struct alarm silence;               /* no SOF came when one was due */
    int missed;
    int sending;                        /* EPnR of the IN packet under way, -1 = none */
    bool high, low, wake;               /* interrupt levels as last told */

    void (*pins_changed)(void *ctx);
    void *pins_ctx;
    void (*wakeup)(void *ctx, bool level);
    void *wakeup_ctx;
};

/* One packet buffer: a range of packet memory. */
struct buffer { unsigned address, size; };

static unsigned stat_rx(uint16_t epr) { return (epr & STAT_RX) >> 12; }
static unsigned stat_tx(uint16_t epr) { return (epr & STAT_TX) >> 4; }

static uint16_t with_stat_rx(uint16_t epr, unsigned stat)
{
    return (uint16_t)((epr & ~STAT_RX) | stat << 12);
}

static uint16_t with_stat_tx(uint16_t epr, unsigned stat)
{
    return (uint16_t)((epr & ~STAT_TX) | stat << 4);
}

static bool is_iso(uint16_t epr) { return (epr & EP_TYPE) == TYPE_ISO; }

static bool is_double(uint16_t epr)
{
    return (epr & (EP_TYPE | EP_KIND)) == (TYPE_BULK | EP_KIND);
}

/* --- Interrupts ---------------------------------------------------------------- */

/* The interrupting endpoint: isochronous and double-buffered ones come first, then the
 * lower number (RM0008 23.5.1, EP_ID). */
static int interrupting(const struct usbfs *usb)
{
    int found = -1;
    for (int n = ENDPOINTS - 1; n >= 0; n--) {
        uint16_t epr = usb->epr[n];
        bool urgent = is_iso(epr) || is_double(epr);
        bool found_urgent = found >= 0 &&
                            (is_iso(usb->epr[found]) || is_double(usb->epr[found]));
        if ((epr & (CTR_RX | CTR_TX)) && (urgent || !found_urgent))
            found = n;
    }
    return found;
}

static uint16_t read_istr(const struct usbfs *usb)
{
    int n = interrupting(usb);
    uint16_t istr = usb->istr;
    if (n >= 0)
        istr |= (uint16_t)(CTR | n | (usb->epr[n] & CTR_RX ? DIR : 0));
    return istr;
}

static void set_line(struct usbfs *usb, int irq, bool *told, bool level)
{
    if (*told == level)
        return;
    *told = level;
    cpu_irq(usb->chip->cpu, irq, level);
}

static void update_interrupts(struct usbfs *usb)
{
    uint16_t istr = read_istr(usb);
    uint16_t first = usb->epr[istr & EA];
    bool urgent = (istr & CTR) && (is_iso(first) || is_double(first));

    set_line(usb, IRQ_HIGH, &usb->high, urgent && (usb->cntr & CTR));
    set_line(usb, IRQ_LOW, &usb->low, (istr & usb->cntr & FLAGS) != 0);

    bool wake = (istr & WKUP) != 0;
    if (!usb->wakeup) {
        set_line(usb, IRQ_WAKEUP, &usb->wake, wake);
    } else if (usb->wake != wake) {
        usb->wake = wake;
        usb->wakeup(usb->wakeup_ctx, wake);
    }
}

static void raise(struct usbfs *usb, uint16_t flag)
{
    usb->istr |= flag;
    update_interrupts(usb);
}

/* --- Power, reset, silence on the bus ------------------------------------------ */

static bool powered(const struct usbfs *usb)
{
    return usb->clocked && !(usb->cntr & (PDWN | FRES));
}

static void watch_silence(struct usbfs *usb)
{
    usb->missed = 0;
    if (powered(usb) && !(usb->cntr & FSUSP))
        alarm_set(usb->sim, &usb->silence, usb->sim->now + SOF_MISSED);
    else
        alarm_cancel(usb->sim, &usb->silence);
}

/* The host sends a SOF every millisecond.  Each one that is missing is an ESOF; the
 * third in a row means that the bus is suspended (RM0008 23.5.1, ESOF). */
static void sof_missing(void *ctx)
{
    struct usbfs *usb = ctx;
    alarm_set(usb->sim, &usb->silence, usb->sim->now + SIM_MS);
    if (usb->se0 || usb->k)
        return;
    if (usb->lost_sofs < 3)
        usb->lost_sofs++;
    usb->locked = 0;
    uint16_t flags = ESOF;
    if (++usb->missed == 3) {
        usb->missed = 0;
        flags |= SUSP;
    }
    raise(usb, flags);
}

/* What a bus reset, and FRES, do: addresses and endpoints are forgotten, except that a
 * transaction that has just ended is still reported (RM0008 23.5.2, EPnR). */
static void forget_endpoints(struct usbfs *usb)
{
    for (int n = 0; n < ENDPOINTS; n++)
        usb->epr[n] &= KEPT_BY_RESET;
    usb->daddr = 0;
    usb->sending = -1;
    usb->locked = usb->lost_sofs = 0;
}

/* Anything on the bus wakes a suspended block (RM0008 23.5.1, WKUP). */
static void activity(struct usbfs *usb)
{
    if (powered(usb) && (usb->cntr & FSUSP) && !(usb->istr & WKUP)) {
        usb->cntr &= (uint16_t)~LP_MODE;
        raise(usb, WKUP);
    }
}

static void pins_changed(struct usbfs *usb)
{
    if (usb->pins_changed)
        usb->pins_changed(usb->pins_ctx);
    else if (usb->dp && usbfs_owns_pins(usb))
        pin_drive(usb->dp, DRIVE_OPEN);
}

/* --- Rules about packet memory ------------------------------------------------- */

static uint16_t pma16(const struct usbfs *usb, unsigned address)
{
    address &= PMA_SIZE - 2;
    return (uint16_t)(usb->pma[address] | usb->pma[address + 1] << 8);
}

static void set_pma16(struct usbfs *usb, unsigned address, uint16_t value)
{
    address &= PMA_SIZE - 2;
    usb->pma[address] = (uint8_t)value;
    usb->pma[address + 1] = (uint8_t)(value >> 8);
}

/* COUNTn_RX: blocks of 2 bytes, or of 32 with one more than NUM_BLOCK says (RM0008
 * 23.5.3, table 180). */
static unsigned receive_size(uint16_t count)
{
    unsigned blocks = count >> 10 & 31;
    return count & 0x8000 ? (blocks + 1) * 32 : blocks * 2;
}

/* Slot 0 is ADDR_TX/COUNT_TX, slot 1 ADDR_RX/COUNT_RX; a double-buffered endpoint uses
 * both in its one direction. */
static unsigned table_row(const struct usbfs *usb, int n, int slot)
{
    return usb->btable + (unsigned)n * 8 + (unsigned)slot * 4;
}

static struct buffer buffer_of(const struct usbfs *usb, int n, int slot, bool receive)
{
    unsigned row = table_row(usb, n, slot);
    uint16_t count = pma16(usb, row + 2);
    return (struct buffer){ .address = pma16(usb, row),
                            .size =
                                receive ? receive_size(count) : count & PACKET_MAX };
}

/* The buffers that endpoint register n may use at this moment. */
static int live_buffers(const struct usbfs *usb, int n, struct buffer *buffers)
{
    uint16_t epr = usb->epr[n];
    bool both = is_iso(epr) || is_double(epr);
    int count = 0;
    for (int receive = 0; receive < 2; receive++) {
        if ((receive ? stat_rx(epr) : stat_tx(epr)) != VALID)
            continue;
        for (int slot = 0; slot < 2; slot++)
            if (both || slot == receive)
                buffers[count++] = buffer_of(usb, n, slot, receive);
    }
    return count;
}

static bool overlap(struct buffer a, struct buffer b)
{
    return a.size && b.size && a.address < b.address + b.size &&
           b.address < a.address + a.size;
}

static bool in_use(uint16_t epr) { return (epr & (STAT_RX | STAT_TX)) != 0; }

static void check_buffer(struct usbfs *usb, int n, struct buffer buffer)
{
    struct sim *sim = usb->sim;
    if (buffer.address + buffer.size > PMA_SIZE)
        sim_report(sim, SIM_RULE,
                   "USB EP%dR: buffer 0x%03x+%u leaves the packet memory", n,
                   buffer.address, buffer.size);
    if (buffer.address & 1)
        sim_report(sim, SIM_RULE, "USB EP%dR: buffer at odd address 0x%03x", n,
                   buffer.address);
    for (int other = 0; other < ENDPOINTS; other++) {
        struct buffer row = { table_row(usb, other, 0), 8 }, theirs[4];
        if (in_use(usb->epr[other]) && overlap(buffer, row))
            sim_report(
                sim, SIM_RULE,
                "USB EP%dR: buffer 0x%03x+%u overlaps row %d of the buffer table", n,
                buffer.address, buffer.size, other);
        int count = other == n ? 0 : live_buffers(usb, other, theirs);
        for (int i = 0; i < count; i++)
            if (overlap(buffer, theirs[i]))
                sim_report(sim, SIM_RULE,
                           "USB EP%dR: buffer 0x%03x+%u overlaps one of EP%dR", n,
                           buffer.address, buffer.size, other);
    }
}

/* Called when endpoint register n becomes VALID and again when it is used, because the
 * table may have been written in between. */
static void check_endpoint(struct usbfs *usb, int n)
{
    struct buffer buffers[4];
    int count = live_buffers(usb, n, buffers);
    for (int i = 0; i < count; i++)
        check_buffer(usb, n, buffers[i]);
    uint16_t count_rx = pma16(usb, table_row(usb, n, 1) + 2);
    if (stat_rx(usb->epr[n]) == VALID && receive_size(count_rx) == 0)
        sim_report(usb->sim, SIM_FORGIVEN, "USB EP%dR: COUNT_RX allots no memory", n);
    if (table_row(usb, n, 0) + 8 > PMA_SIZE)
        sim_report(usb->sim, SIM_RULE,
                   "USB BTABLE 0x%03x: row %d leaves the packet memory", usb->btable,
                   n);
}

static bool inside(struct buffer buffer, unsigned address)
{
    return address - buffer.address < ((buffer.size + 1) & ~1u);
}

enum { READ = -1 };                     /* in place of a value that is written */

/* The size of a receive buffer is looked at when its packet comes, and what changes
 * nothing harms nothing; drivers rely on both. */
static enum sim_problem row_kind(struct usbfs *usb, unsigned address, unsigned row,
                                 bool receive, int value)
{
    bool size = receive && address == row + 2;
    return size || pma16(usb, address) == value ? SIM_FORGIVEN : SIM_RULE;
}

/* While a direction is VALID its buffer, and its half of the table's row, are the block's
 * (RM0008 23.4.2): what is written goes out in part, what is read may be half of a packet.
 * With two buffers DTOG says whose is which, and here nothing is said. */
static void check_access(struct usbfs *usb, unsigned address, int value)
{
    for (int n = 0; n < ENDPOINTS; n++) {
        uint16_t epr = usb->epr[n];
        if (is_iso(epr) || is_double(epr))
            continue;
        for (int receive = 0; receive < 2; receive++) {
            struct buffer row = { table_row(usb, n, receive), 4 };
            bool writes = value != READ;
            if ((receive ? stat_rx(epr) : stat_tx(epr)) != VALID)
                continue;
            if (inside(buffer_of(usb, n, receive, receive), address) && (receive || writes))
                sim_report(usb->sim, writes ? SIM_RULE : SIM_FORGIVEN,
                           "USB packet memory 0x%03x is %s while EP%dR may %s", address,
                           writes ? "written" : "read", n,
                           receive ? "receive into it" : "send it");
            else if (inside(row, address) && writes)
                sim_report(usb->sim, row_kind(usb, address, row.address, receive, value),
                           "USB buffer table 0x%03x is written while EP%dR is VALID",
                           address, n);
        }
    }
}

/* The packet that set CTR_RX lies in the buffer that is now given to the next one; and to
 * clear CTR_RX later could also clear that of the next (RM0008 23.4.2, OUT and SETUP).  A
 * driver in use does so for a microsecond, and no host is that quick. */
static void check_opening(struct usbfs *usb, int n)
{
    uint16_t epr = usb->epr[n];
    if (epr & CTR_RX && !is_iso(epr) && !is_double(epr))
        sim_report(usb->sim, SIM_FORGIVEN,
                   "USB EP%dR: STAT_RX is made VALID while CTR_RX is set: the next packet "
                   "may come over the one that nobody has taken yet",
                   n);
}

/* --- Registers ----------------------------------------------------------------- */

/* CTR bits are cleared by 0 and kept by 1; DTOG and STAT are toggled by 1; SETUP is
 * read-only; the rest is plain (RM0008 23.5.2). */
static void write_epr(struct usbfs *usb, int n, uint16_t value)
{
    enum {
        PLAIN = EP_TYPE | EP_KIND | EA,
        TOGGLED = DTOG_RX | STAT_RX | DTOG_TX | STAT_TX
    };
    uint16_t old = usb->epr[n];
    if (usb->cntr & FRES) {
        sim_report(usb->sim, SIM_FORGIVEN,
                   "USB EP%dR written while FRES holds it in reset", n);
        return;
    }
    usb->epr[n] = (uint16_t)((value & PLAIN) | (old & value & (CTR_RX | CTR_TX)) |
                             ((old ^ value) & TOGGLED) | (old & SETUP));
    uint16_t now = usb->epr[n];
    if (stat_rx(now) == VALID && stat_rx(old) != VALID)
        check_opening(usb, n);
    if ((stat_rx(now) == VALID && stat_rx(old) != VALID) ||
        (stat_tx(now) == VALID && stat_tx(old) != VALID))
        check_endpoint(usb, n);
    update_interrupts(usb);
}

static void write_cntr(struct usbfs *usb, uint16_t value)
{
    uint16_t old = usb->cntr, fell = old & (uint16_t)~value,
             rose = value & (uint16_t)~old;
    struct sim *sim = usb->sim;

    usb->cntr = value & (FLAGS | 0x1F);
    if (rose & RESUME)
        sim_report(sim, SIM_UNMODELLED, "USB CNTR.RESUME: remote wakeup");
    if (fell & PDWN)
        usb->powered_at = sim->now;
    if ((fell & FRES) && !(value & PDWN) && sim->now - usb->powered_at < T_STARTUP)
        sim_report(sim, SIM_FORGIVEN, "USB CNTR.FRES cleared less than 1 us after PDWN");
    if (rose & FRES) {
        forget_endpoints(usb);
        usb->istr |= RESET;
    }
    if ((fell | rose) & PDWN)
        pins_changed(usb);
    if ((fell | rose) & (PDWN | FRES | FSUSP))
        watch_silence(usb);
    update_interrupts(usb);
}

static uint16_t read_fnr(const struct usbfs *usb)
{
    bool high = usb->dp && !usb->se0 && pin_sample(usb->dp);
    return (uint16_t)((high ? RXDP : 0) | (usb->locked >= 2 ? LCK : 0) |
                      usb->lost_sofs << LSOF_SHIFT | usb->frame);
}

static bool refuse(struct usbfs *usb, const char *what, uint32_t offset, int width)
{
    if (!usb->clocked)
        sim_report(usb->sim, SIM_FORGIVEN,
                   "%s accessed while its clock is off (RCC APB1ENR.23)", what);
    else if (width == 1)
        sim_report(usb->sim, SIM_FORGIVEN, "%s+0x%x: byte access", what, offset);
    return !usb->clocked;
}

static uint32_t read_register(void *ctx, uint32_t offset, int width)
{
    struct usbfs *usb = ctx;
    if (refuse(usb, "USB", offset, width) || (offset & 2))
        return 0;
    if (offset < 0x20)
        return usb->epr[offset / 4];
    switch (offset & ~3u) {
    case 0x40: return usb->cntr;
    case 0x44: return read_istr(usb);
    case 0x48: return read_fnr(usb);
    case 0x4C: return usb->daddr;
    case 0x50: return usb->btable;
    }
    sim_report(usb->sim, SIM_UNMODELLED, "USB: read of reserved offset 0x%x", offset);
    return 0;
}

static void write_register(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct usbfs *usb = ctx;
    uint16_t half = (uint16_t)(width == 1 ? (value & 0xFF) * 0x101 : value);
    if (refuse(usb, "USB", offset, width) || (offset & 2))
        return;
    if (offset < 0x20) {
        write_epr(usb, (int)(offset / 4), half);
        return;
    }
    switch (offset & ~3u) {
    case 0x40:
        write_cntr(usb, half);
        break;
    case 0x44:                          /* cleared by 0, kept by 1; CTR is in EPnR */
        usb->istr &= half & FLAGS;
        update_interrupts(usb);
        break;
    case 0x48:
        break;                          /* read-only */
    case 0x4C:
        usb->daddr = usb->cntr & FRES ? 0 : half & 0xFF;
        break;
    case 0x50:
        usb->btable = half & 0x1F8;
        if ((half & ~0x1F8) != 0)
            sim_report(usb->sim, SIM_FORGIVEN,
                       "USB BTABLE 0x%x: not a multiple of 8 below 512", half);
        break;
    default:
        sim_report(usb->sim, SIM_UNMODELLED, "USB: write of reserved offset 0x%x",
                   offset);
    }
}

/* Packet memory: halfword k is at offset 4k.  The bridge to APB1 makes every access a
 * word, repeating narrow data (RM0008 2.1), and the upper half leads nowhere.  So words do
 * (one report for all of them), bytes can be read, and a byte that is written spoils its
 * neighbour. */
static void check_pma(struct usbfs *usb, uint32_t offset, int width, bool writes)
{
    if (width == 4)
        sim_report(usb->sim, SIM_FORGIVEN, "USB packet memory accessed with 32 bits: the "
                   "low half counts");
    else if (offset & 2)
        sim_report(usb->sim, SIM_RULE, "USB packet memory +0x%x: nothing is there", offset);
    else if (width == 1)
        sim_report(usb->sim, writes ? SIM_RULE : SIM_FORGIVEN,
                   "USB packet memory +0x%x: 8-bit %s", offset, writes ? "write" : "read");
}

static uint32_t read_pma(void *ctx, uint32_t offset, int width)
{
    struct usbfs *usb = ctx;
    if (refuse(usb, "USB packet memory", offset, 2))
        return 0;
    check_pma(usb, offset, width, false);
    if (offset & 2)
        return 0;
    check_access(usb, offset / 2 & ~1u, READ);
    uint16_t half = pma16(usb, offset / 2);
    return width == 1 ? half >> (offset & 1) * 8 & 0xFF : half;
}

static void write_pma(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct usbfs *usb = ctx;
    uint16_t half = (uint16_t)(width == 1 ? (value & 0xFF) * 0x101 : value);
    if (refuse(usb, "USB packet memory", offset, 2))
        return;
    check_pma(usb, offset, width, true);
    if (offset & 2)
        return;
    check_access(usb, offset / 2 & ~1u, half);
    set_pma16(usb, offset / 2, half);
}

/* --- Transactions, from the cable ---------------------------------------------- */

/* Reception and transmission are off until the firmware has cleared the RESET flag
 * (RM0008 23.4.2). */
static bool listening(struct usbfs *usb, uint8_t address)
{
    activity(usb);
    if (!powered(usb) || usb->se0 || (usb->cntr & FSUSP) || (usb->istr & RESET))
        return false;
    if (usb->hz != 48000000) {          /* 0: a program that starts under a live cable */
        sim_report(usb->sim, usb->hz ? SIM_RULE : SIM_FORGIVEN,
                   "USB clock is %u Hz instead of 48 MHz", usb->hz);
        return false;
    }
    usb->missed = 0;
    return usb->daddr == (EF | address);
}

static int find_endpoint(const struct usbfs *usb, uint8_t endpoint, uint16_t stat_field)
{
    for (int n = 0; n < ENDPOINTS; n++)
        if ((usb->epr[n] & EA) == endpoint && (usb->epr[n] & stat_field))
            return n;
    return -1;
}

static uint16_t crc16(const uint8_t *data, int length)      /* USB 2.0 8.3.5.2 */
{
    uint16_t crc = 0xFFFF;
    for (int i = 0; i < length; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (uint16_t)(crc & 1 ? crc >> 1 ^ 0xA001 : crc >> 1);
    }
    return (uint16_t)~crc;
}

/* Stores a packet and, where the buffer has room, its CRC behind it, as the block does
 * (RM0008 23.4.2).  False: it did not fit. */
static bool store_packet(struct usbfs *usb, int n, int slot, const uint8_t *data,
                         int length)
{
    struct buffer buffer = buffer_of(usb, n, slot, true);
    uint16_t crc = crc16(data, length);
    for (unsigned i = 0; i < (unsigned)length + 2 && i < buffer.size; i++) {
        int past = (int)i - length;
        usb->pma[(buffer.address + i) % PMA_SIZE] =
            past < 0 ? data[i] : (uint8_t)(crc >> past * 8);
    }
    check_endpoint(usb, n);
    if ((unsigned)length > buffer.size) {
        sim_report(usb->sim, SIM_RULE,
                   "USB EP%dR: packet of %d bytes for a buffer of %u", n, length,
                   buffer.size);
        return false;
    }
    unsigned count = table_row(usb, n, slot) + 2;
    set_pma16(usb, count, (uint16_t)((pma16(usb, count) & 0xFC00) | length));
    return true;
}

/* A SETUP is taken whatever STAT says, unless the last packet still waits to be served:
 * then there is no handshake and the host sends it again (RM0008 23.4.2). */
static enum usb_handshake setup(struct usbfs *usb, int n, bool data1,
                                const uint8_t *data, int length)
{
    uint16_t epr = usb->epr[n];
    if ((epr & EP_TYPE) != TYPE_CONTROL || (epr & CTR_RX) || data1)
        return USB_NONE;
    if (!store_packet(usb, n, 1, data, length))
        return USB_NONE;
    epr = with_stat_rx(with_stat_tx(epr, NAK), NAK);
    usb->epr[n] = epr | SETUP | CTR_RX | DTOG_RX | DTOG_TX;
    update_interrupts(usb);
    return USB_ACK;
}

/* Double buffering: DTOG says whose turn it is, the DTOG of the other direction
 * (SW_BUF) which buffer the firmware holds (RM0008 23.4.3). */
static bool buffers_full(uint16_t epr)
{
    return is_double(epr) && !(epr & DTOG_RX) == !(epr & DTOG_TX);
}

static enum usb_handshake refusal(unsigned stat)
{
    return stat == STALL ? USB_STALL : stat == NAK ? USB_NAK : USB_NONE;
}

enum usb_handshake usbfs_out(struct usbfs *usb, enum usb_pid token, uint8_t address,
                             uint8_t endpoint, bool data1, const uint8_t *data,
                             int length)
{
    int n = listening(usb, address) ? find_endpoint(usb, endpoint, STAT_RX) : -1;
    if (n < 0)
        return USB_NONE;
    if (token == USB_SETUP)
        return setup(usb, n, data1, data, length);

    uint16_t epr = usb->epr[n];
    bool control = (epr & EP_TYPE) == TYPE_CONTROL, iso = is_iso(epr);
    if (stat_rx(epr) != VALID)
        return iso ? USB_NONE : refusal(stat_rx(epr));
    if (buffers_full(epr))
        return USB_NAK;
    if (!iso && data1 != ((epr & DTOG_RX) != 0))
        return USB_ACK; /* our last ACK was lost: acknowledge and drop */
    if (control && (epr & EP_KIND) && length > 0)
        return USB_STALL; /* STATUS_OUT: only a status stage is expected */
    int slot = iso || is_double(epr) ? (epr & DTOG_RX) != 0 : 1;
    if (!store_packet(usb, n, slot, data, length))
        return iso ? USB_NONE : USB_STALL;

    epr = (uint16_t)(((epr ^ DTOG_RX) | CTR_RX) & ~SETUP);
    usb->epr[n] = iso || is_double(epr) ? epr : with_stat_rx(epr, NAK);
    update_interrupts(usb);
    return iso ? USB_NONE : USB_ACK;
}

enum usb_handshake usbfs_in(struct usbfs *usb, uint8_t address, uint8_t endpoint,
                            bool *data1, uint8_t *data, int *length)
{
    int n = listening(usb, address) ? find_endpoint(usb, endpoint, STAT_TX) : -1;
    if (n < 0)
        return USB_NONE;
    uint16_t epr = usb->epr[n];
    if (stat_tx(epr) != VALID)
        return is_iso(epr) ? USB_NONE : refusal(stat_tx(epr));
    if (buffers_full(epr))
        return USB_NAK;

    check_endpoint(usb, n);
    bool toggle = (epr & DTOG_TX) != 0;
    int slot = (is_iso(epr) || is_double(epr)) && toggle;
    struct buffer buffer = buffer_of(usb, n, slot, false);
    for (unsigned i = 0; i < buffer.size; i++)
        data[i] = usb->pma[(buffer.address + i) % PMA_SIZE];
    *data1 = toggle && !is_iso(epr);
    *length = (int)buffer.size;
    usb->sending = n;
    return USB_ACK;
}

void usbfs_in_done(struct usbfs *usb, uint8_t endpoint, bool acknowledged)
{
    int n = usb->sending;
    usb->sending = -1;
    if (n < 0 || (usb->epr[n] & EA) != endpoint)
        return;                         /* a reset came in between */
    if (!acknowledged) {
        raise(usb, ERR);
        return;
    }
    uint16_t epr = (usb->epr[n] ^ DTOG_TX) | CTR_TX;
    usb->epr[n] = is_iso(epr) || is_double(epr) ? epr : with_stat_tx(epr, NAK);
    update_interrupts(usb);
}

void usbfs_sof(struct usbfs *usb, uint16_t frame)
{
    activity(usb);
    usb->k = false;
    if (!powered(usb) || usb->se0 || (usb->cntr & FSUSP))
        return;
    usb->frame = frame & 0x7FF;
    usb->lost_sofs = 0;
    if (usb->locked < 2)
        usb->locked++;
    watch_silence(usb);
    raise(usb, SOF);
}

void usbfs_bus_reset(struct usbfs *usb, bool begin)
{
    if (begin)
        activity(usb);
    usb->se0 = begin;
    usb->k = false;
    if (!powered(usb))
        return;
    watch_silence(usb);
    if (begin) {
        forget_endpoints(usb);
        raise(usb, RESET);
    }
}

void usbfs_bus_suspend(struct usbfs *usb, bool idle)
{
    usb->k = !idle;
    if (!idle)
        activity(usb);
    watch_silence(usb);
}

/* --- The chip's side ----------------------------------------------------------- */

bool usbfs_owns_pins(const struct usbfs *usb) { return !(usb->cntr & PDWN); }

void usbfs_on_pins(struct usbfs *usb, void (*changed)(void *ctx), void *ctx)
{
    usb->pins_changed = changed;
    usb->pins_ctx = ctx;
}

void usbfs_on_wakeup(struct usbfs *usb, void (*wakeup)(void *ctx, bool level),
                     void *ctx)
{
    usb->wakeup = wakeup;
    usb->wakeup_ctx = ctx;
}

void usbfs_clock(struct usbfs *usb, bool clocked, uint32_t usbclk_hz)
{
    bool changed = usb->clocked != clocked;
    usb->clocked = clocked;
    usb->hz = usbclk_hz;
    if (changed)
        watch_silence(usb);
}

/* Reset of the chip, or of the block through RCC_APB1RSTR.  Packet memory lives on. */
void usbfs_reset(struct usbfs *usb)
{
    bool owned = usbfs_owns_pins(usb);
    forget_endpoints(usb);
    memset(usb->epr, 0, sizeof usb->epr);
    usb->cntr = PDWN | FRES;
    usb->istr = usb->btable = usb->frame = 0;
    watch_silence(usb);
    usb->high = usb->low = true;        /* so that the lines are told to fall */
    update_interrupts(usb);
    if (owned)
        pins_changed(usb);
}

struct usbfs *usbfs_new(struct chip *chip, struct pin *dm_pa11, struct pin *dp_pa12)
{
    struct usbfs *usb = calloc(1, sizeof *usb);
    (void)dm_pa11;                      /* only D+ tells anything: D- follows it */
    usb->chip = chip;
    usb->sim = chip->sim;
    usb->dp = dp_pa12;
    usb->cntr = PDWN | FRES;
    usb->sending = -1;
    alarm_init(&usb->silence, sof_missing, usb);
    for (int i = 0; i < PMA_SIZE; i++)
        usb->pma[i] = (uint8_t)sim_random(usb->sim);
    bus_add(chip->bus, &(struct bus_region){ .base = 0x40005C00, .size = 0x400,
        .name = "USB", .read = read_register, .write = write_register, .ctx = usb });
    bus_add(chip->bus, &(struct bus_region){ .base = 0x40006000,
                                             .size = 0x400,
                                             .name = "USB packet memory",
                                             .read = read_pma,
                                             .write = write_pma,
                                             .ctx = usb });
    return usb;
}

void usbfs_free(struct usbfs *usb)
{
    if (!usb)
        return;
    alarm_cancel(usb->sim, &usb->silence);
    free(usb);
}
