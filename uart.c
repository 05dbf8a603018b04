/* uart.c - serial bridge: joins the board's USART to the second serial port of USB.
 *
 *   RX pin -> DMA -> a circle of 256 bytes -> cdc_write()   at each half, and every ms
 *   TX pin <- DMA <- up to 128 bytes <- cdc_look()          when those before are sent
 *
 * Slow rates do not fit into the USART's divider: those below 1099 baud at 72 MHz (USART1),
 * below 550 at 36 MHz (USART2).  For them a timer ticks 8 times a bit, and two pins are
 * written and read bit by bit.  The timer also makes the formats that the USART has not, up
 * to 2400 baud: 5 and 6 bits, 7N1.
 *
 * All of it runs in interrupts, so it goes on while the main loop is busy with gdb.  They all
 * have one priority: none of these functions interrupts another.
 *
 * Rules:
 *   - Towards the target nothing is lost.  What is being sent stays in the ring; when the
 *     ring is full, the host gets NAK and waits.
 *   - Towards the host, bytes that find no room are dropped, counted and reported (overrun).
 *     While nobody has the port open, the ring keeps the first 1 KB.
 *   - Host's changes, a line coding or a break, are made between the bytes where they were
 *     asked for.  They wait in a queue.
 *   - Behind a break the line is high for a bit: a receiver needs that to find the next
 *     start bit.
 *   - What cannot be done is refused: the host sees STALL, the old coding stays.
 *   - The RS-485 driver goes on before the first start bit, and off when TC says that the
 *     last stop bit has left.  TC is cleared when a chunk has begun.  Its interrupt is on
 *     only behind the last chunk, for while the DMA feeds DR there is no gap.
 *   - USART_SR is read only after an error or TC.  A read of SR lets the next read of DR
 *     clear flags; that one may be the DMA's, or ours may take a byte from the DMA (RM0008
 *     27.6.1).  So there is no idle interrupt, but a look every millisecond.
 *
 * Sources: RM0008 27.3, 27.6 (USART), 13.3 and table 78 (DMA), 15.4 (timer); PSTN 1.2
 * 6.3.11. */
#include "uart.h"
#include "board.h"
#include "clock.h"
#include "mem.h"
#include "settings.h"

enum line { BYTES, BREAK, REST };
enum {
    SET_LINE_CODING = 0x20 << 8 | USB_CLASS | USB_TO_INTERFACE,
    SEND_BREAK = 0x23 << 8 | USB_CLASS | USB_TO_INTERFACE,
    RX_SIZE = 256, CHUNK = 128,
    USART_CR2_STOP_SHIFT = 12, DIVIDER_MIN = 16, DIVIDER_MAX = 0xFFFF,
    USART_DMA = USART_CR3_DMAR | USART_CR3_DMAT,
    USART_RUN = USART_CR1_UE | USART_CR1_TE | USART_CR1_RE,
    TIMED_MAX = 2400, TICKS = 8, PRESCALER = 4, TIMER_MAX = 0x10000,
    BREAK_FOR_EVER = 0xFFFF, CHANGES = 4,
    DTR = 1 << 0, RTS = 1 << 1,
    PARITY_NONE = 0, PARITY_ODD, PARITY_EVEN
};

#define TIMER  TIM3
#define RX_DMA DMA1.CH[UART_RX_DMA - 1]
#define TX_DMA DMA1.CH[UART_TX_DMA - 1]

/* What is to be done between two bytes: another coding, or a break. */
struct change {
    uint32_t behind;                    /* so many bytes since power-up */
    struct line_coding coding;          /* baud 0: it is a break */
    uint32_t ms;                        /* a break: how long, and one for the ms that has begun */
};

/* All written by interrupts; rs485, mute, diverted by main. */
static struct {
    bool sending;                       /* from before the first start bit to the last stop */
    volatile bool rs485, mute, diverted;
    uint8_t line;                       /* enum line: what is on TX; or nothing, with BYTES */
    uint8_t tx_ticks, rx_ticks;         /* bit by bit: ticks until the next one */
    bool high;                          /* bit by bit: RX was, a tick ago */
    struct line_coding coding;          /* what is in force */
    struct uart_plan plan;              /* how it is made */
    uint32_t tx, rx;                    /* bit by bit: bits to come; bits that have come */
    uint32_t stop_bit;                  /* bit by bit: its place in a frame */
    uint32_t rx_taken;                  /* index of the first byte not yet forwarded */
    uint32_t sent;                      /* bytes since power-up */
    uint32_t chunk;                     /* bytes that are being sent; 0: none */
    uint32_t asked, made;               /* changes, since power-up */
    struct change *endless;             /* the break that has no end yet; or NULL */
    uint32_t openings;                  /* cdc_openings() when we last looked */
    struct uart_counts counts;
    struct change changes[CHANGES];     /* a ring: those asked for and not yet made */
    uint8_t circle[RX_SIZE];            /* last: what is far away costs a longer instruction */
} uart;

/* --- line codings ------------------------------------------------------------------------ */

/* M is 1 for nine bits, of which a parity bit is one (27.3.2).  Without PCE the ninth is what
 * the DMA writes there, 0: a space.  A mark is one stop bit more.  7 bits without parity are
 * sent as 8: the last is 1, and one of the two stop bits. */
static bool usart_has(const struct line_coding *coding, struct uart_plan *plan)
{
    enum { M = USART_CR1_M, EVEN = USART_CR1_PCE, ODD = USART_CR1_PCE | USART_CR1_PS };
    static const struct { uint16_t cr1; int8_t stop; uint8_t mark; } formats[2][5] = {
        /* none            odd                 even                 mark            space */
        { { 0, -2, 0x80 }, { ODD, 0, 0 },     { EVEN, 0, 0 },     { 0, 0, 0x80 }, { 0, 0, 0 } },
        { { 0, 0, 0 },     { M | ODD, 0, 0 }, { M | EVEN, 0, 0 }, { 0, 2, 0 },    { M, 0, 0 } }
    };
    int eight = coding->bits / 8;
    uint32_t stop = coding->stop + (uint32_t)formats[eight][coding->parity].stop;
    plan->format = formats[eight][coding->parity].cr1;
    plan->mark = formats[eight][coding->parity].mark;
    plan->mask = (uint8_t)((1 << coding->bits) - 1);
    plan->stop = (uint8_t)stop;
    return coding->bits >= 7 && stop <= 2;
}

bool uart_plan(const struct line_coding *coding, struct uart_plan *plan)
{
    uint32_t baud = coding->baud, clock = clock_hz() / (UART_ON_APB2 ? 1 : 2);
    if (coding->stop > 2 || coding->parity > 4 || coding->bits - 5u > 3
        || baud - 1 >= clock / DIVIDER_MIN * 2)
        return false;
    plan->timed = !usart_has(coding, plan) || baud <= clock / DIVIDER_MAX;
    plan->clock = plan->timed ? clock_hz() / (PRESCALER * TICKS) : clock;
    plan->divider = (plan->clock + baud / 2) / baud;
    if (plan->timed) {
        if (baud > TIMED_MAX || plan->divider > TIMER_MAX)
            return false;
    } else if (plan->divider < DIVIDER_MIN) {
        plan->divider = DIVIDER_MIN;
    }
    uint32_t made = plan->divider * baud, off = plan->clock / 32;
    return made - plan->clock + off <= 2 * off;         /* no more than that either way */
}

/* RTS and DTR are active low, like those of every TTL-level adapter; a driver enable is
 * active high, and comes first: somebody else may already speak. */
static void drive_control_lines(void)
{
    uint8_t lines = cdc_control_lines(CDC_UART);
    if (UART_RTS_PIN != NONE)
        pin_write(&UART_PORT, UART_RTS_PIN, uart.rs485 ? uart.sending : !(lines & RTS));
    if (UART_DTR_PIN != NONE)
        pin_write(&UART_PORT, UART_DTR_PIN, !(lines & DTR));
}

static void take_tx(int level, enum pin_mode mode)
{
    pin_write(&UART_PORT, UART_TX_PIN, level);
    pin_mode(&UART_PORT, UART_TX_PIN, mode);
}

static void release_tx(void)
{
    take_tx(1, uart.plan.timed ? PIN_OUTPUT : PIN_ALTERNATE);
}

static void apply_coding(const struct line_coding *coding)
{
    static const uint8_t stop_bits[] = { 0, 3, 2 };     /* CR2.STOP for 1, 1.5, 2 */
    memcpy(&uart.coding, coding, sizeof *coding);
    uart_plan(&uart.coding, &uart.plan);
    TIMER.CR1 = 0;
    if (uart.plan.timed) {
        release_tx();                   /* before the USART lets go of the pin */
        UART.CR1 = 0;
        uart.rx = 0;
        uart.stop_bit = (uart.coding.parity == PARITY_NONE ? 2u : 4u) << uart.coding.bits;
        TIMER.CNT = 0;
        TIMER.ARR = uart.plan.divider - 1;
        TIMER.CR1 = TIM_CR1_CEN;
    } else {
        UART.BRR = uart.plan.divider;
        UART.CR2 = (uint32_t)stop_bits[uart.plan.stop] << USART_CR2_STOP_SHIFT;
        UART.CR1 = USART_RUN | USART_CR1_PEIE | uart.plan.format;
        release_tx();
    }
}

/* --- towards the host -------------------------------------------------------------------- */

static void report(uint16_t events)
{
    uart.counts.breaks += events / CDC_BREAK & 1;
    uart.counts.framing += (events & (CDC_FRAMING | CDC_BREAK)) == CDC_FRAMING;
    uart.counts.parity += events / CDC_PARITY & 1;
    uart.counts.overrun += events / CDC_OVERRUN & 1;
    if (events && cdc_open(CDC_UART))
        cdc_notify(CDC_UART, events);
}

/* For less than eight bits: the USART moves eight. */
static void trim(uint8_t *bytes, int length, uint8_t mark)
{
    for (int i = 0; i < length && uart.plan.mask != 0xFF; i++)
        bytes[i] = (bytes[i] & uart.plan.mask) | mark;
}

static void forward(uint8_t *bytes, int length)
{
    int taken;
    if (uart.mute)
        return;
    trim(bytes, length, 0);
    while (length && (taken = cdc_write(CDC_UART, bytes, length)) > 0) {
        bytes += taken;
        length -= taken;
    }
    if (length && cdc_open(CDC_UART)) {         /* no room: they are lost */
        uart.counts.lost += (uint32_t)length;
        report(CDC_OVERRUN);
    }
}

static void receive(void)
{
    uint32_t end = (RX_SIZE - RX_DMA.CNDTR) % RX_SIZE;      /* where the DMA writes next */
    while (uart.rx_taken != end) {
        uint32_t stop = end > uart.rx_taken ? end : RX_SIZE;
        forward(uart.circle + uart.rx_taken, (int)(stop - uart.rx_taken));
        uart.rx_taken = stop % RX_SIZE;
    }
}

/* --- towards the target ------------------------------------------------------------------ */

static void start_dma(struct dma_channel *channel, void *memory, uint32_t size, uint32_t ccr)
{
    channel->CCR = 0;                   /* the others can be written only while disabled */
    channel->CPAR = (uint32_t)(uintptr_t)&UART.DR;
    channel->CMAR = (uint32_t)(uintptr_t)memory;
    channel->CNDTR = size;
    channel->CCR = ccr;
}

/* TC may be left over from before.  It is cleared when the first byte is in DR, for from then
 * on it can only be new.  The DMA takes 20 cycles for that; or longer, when DR is full: then
 * TC cannot come. */
static void start_chunk(uint8_t *bytes, uint32_t length)
{
    trim(bytes, (int)length, uart.plan.mark);
    UART.CR1 &= ~(uint32_t)USART_CR1_TCIE;
    start_dma(&TX_DMA, bytes, length,
              DMA_CCR_DIR | DMA_CCR_MINC | DMA_CCR_PSIZE_16 | DMA_CCR_TCIE | DMA_CCR_EN);
    for (int i = 0; i < 8 && TX_DMA.CNDTR == length; i++) {
    }
    UART.SR = ~(uint32_t)USART_SR_TC;   /* clears where 0 is written */
}

static void timed_begin(uint32_t byte);

/* A chunk is sent from its place in the ring, and leaves the ring when it is sent. */
static void send_chunk(uint32_t most)
{
    const uint8_t *bytes;
    uint32_t length = (uint32_t)cdc_look(CDC_UART, &bytes);
    if (most > length)
        most = length;
    if (!most || uart.diverted)
        return;
    uart.chunk = most;
    uart.sending = true;
    drive_control_lines();
    if (uart.plan.timed)
        timed_begin(bytes[0]);
    else
        start_chunk((uint8_t *)(uintptr_t)bytes, most);
}

static void transmit(void);

static void chunk_sent(void)
{
    cdc_taken(CDC_UART, (int)uart.chunk);
    uart.sent += uart.chunk;
    uart.chunk = 0;
    transmit();
}

/* --- changes between two bytes ------------------------------------------------------------ */

/* Its place is behind all bytes that have come until now.  When the queue is full, it replaces
 * the last one. */
static struct change *new_change(void)
{
    if (uart.asked - uart.made < CHANGES)
        uart.asked++;
    struct change *change = &uart.changes[(uart.asked - 1) % CHANGES];
    if (change == uart.endless)
        uart.endless = NULL;
    change->behind = uart.sent + (uint32_t)cdc_waiting(CDC_UART);
    return change;
}

static struct change *next_change(void)
{
    return &uart.changes[uart.made % CHANGES];
}

/* The host asks for a break of so many ms, or with 0 for the end of the one that has none.
 * If that has not begun yet, it will be as long as it would have been at once. */
static void ask_for_break(uint16_t ms)
{
    struct change *change = uart.endless;
    if (!change) {
        if (!ms)
            return;
        change = new_change();
        change->coding.baud = 0;
        change->ms = 1;
    } else if (uart.line == BREAK && change == next_change()) {
        change->ms = 1;                 /* under way: what it has lasted does not count */
    }
    uart.endless = NULL;
    if (ms == BREAK_FOR_EVER)
        uart.endless = change;
    else
        change->ms += ms;
}

static void begin_break(void)
{
    uart.line = BREAK;
    uart.sending = true;                /* for the driver */
    drive_control_lines();
    take_tx(0, PIN_OUTPUT);             /* away from the USART */
}

/* The next start bit may come at once, or up to a bit later: the USART decides.  So we wait. */
static void end_break(struct change *change)
{
    uart.line = REST;
    uart.sending = false;
    release_tx();
    change->ms = 1000 / uart.coding.baud + 2;
}

/* Every millisecond.  A break stays first in the queue until it and the rest behind it are
 * over.  One without an end ends when the port is closed: its program may have died. */
static void follow_break(void)
{
    struct change *change = next_change();
    uint32_t openings = cdc_openings(CDC_UART);
    if (openings != uart.openings)
        ask_for_break(0);
    uart.openings = openings;
    if (uart.endless)
        uart.endless->ms++;
    if (uart.line == BYTES || change == uart.endless || --change->ms)
        return;
    if (uart.line == BREAK) {
        end_break(change);
    } else {
        uart.line = BYTES;
        uart.made++;
    }
}

static void make_change(struct change *change)
{
    if (change->coding.baud) {
        apply_coding(&change->coding);
        uart.made++;
    } else {
        begin_break();
    }
}

static uint32_t up_to_change(uint32_t most)
{
    uint32_t left = next_change()->behind - uart.sent;
    return uart.made != uart.asked && left < most ? left : most;
}

/* Does the next thing towards the target: bytes up to the next change, or the change. */
static void transmit(void)
{
    struct change *change = next_change();
    uint32_t most = up_to_change(uart.plan.timed ? 1 : CHUNK);
    if (most) {
        if (!uart.chunk)
            send_chunk(most);
    } else if (!uart.sending && uart.line == BYTES) {
        make_change(change);
    }
}

/* --- bit by bit -------------------------------------------------------------------------- */

/* The lowest bit first: 0, data, parity, 1. */
static uint32_t frame_of(uint32_t byte)
{
    uint32_t parity = uart.coding.parity;               /* bit 0 is 1 for odd and for mark */
    bool counted = parity == PARITY_ODD || parity == PARITY_EVEN;
    for (uint32_t bits = counted ? byte : 0; bits; bits >>= 1)
        parity ^= bits;
    return (byte | (parity & 1) << uart.coding.bits) << 1 | uart.stop_bit;
}

static void timed_begin(uint32_t byte)
{
    uart.tx = frame_of(byte & uart.plan.mask);
    uart.tx_ticks = 1;
}

static void timed_send(void)
{
    if (--uart.tx_ticks)
        return;
    if (!uart.tx) {
        uart.sending = false;
        chunk_sent();                   /* perhaps another begins */
        drive_control_lines();
        if (!uart.tx)
            return;
    }
    bool last = uart.tx == 1;           /* the stop bit: 1, 1.5 or 2 bits */
    pin_write(&UART_PORT, UART_TX_PIN, uart.tx & 1);
    uart.tx_ticks = (uint8_t)(TICKS + (last ? TICKS / 2 * uart.coding.stop : 0));
    uart.tx >>= 1;
}

static void timed_received(uint32_t frame)
{
    uint8_t byte = (uint8_t)(frame >> 1) & uart.plan.mask;
    uint16_t events = 0;
    if (!frame)
        events = CDC_FRAMING | CDC_BREAK;
    else if (frame < uart.stop_bit)
        events = CDC_FRAMING;
    else if (frame != frame_of(byte))
        events = CDC_PARITY;
    report(events);
    forward(&byte, 1);
}

/* Bits come in from the left.  Ahead of them goes a 1: when that comes out at the right, the
 * frame is complete. */
static void timed_receive(void)
{
    uint32_t left = uart.stop_bit * 2;
    bool high = pin_read(&UART_PORT, UART_RX_PIN), falls = uart.high && !high;
    uart.high = high;
    if (!uart.rx) {
        uart.rx = falls ? left : 0;
        uart.rx_ticks = TICKS / 2;
    } else if (--uart.rx_ticks == 0) {
        uart.rx_ticks = TICKS;
        if (uart.rx == left && high) {  /* it was no start bit */
            uart.rx = 0;
            return;
        }
        uart.rx = uart.rx >> 1 | (high ? left : 0);
        if (uart.rx & 1) {
            timed_received(uart.rx >> 1);
            uart.rx = 0;
        }
    }
}

/* --- interrupts --------------------------------------------------------------------------- */

void uart_frame(void)
{
    follow_break();
    drive_control_lines();
    receive();
    cdc_flush(CDC_UART);
    transmit();
    UART.CR3 = USART_DMA | USART_CR3_EIE;       /* see errors() */
    UART.CR1 |= USART_CR1_PEIE;
}

void uart_data_event(int endpoint, enum usb_event event)
{
    cdc_out_event(endpoint, event);
    transmit();
}

int uart_control(const struct usb_setup *setup, const uint8_t **data)
{
    const struct line_coding *coding = (const void *)*data;
    struct uart_plan plan;
    int request = setup->bRequest << 8 | setup->bmRequestType;
    if (request == SET_LINE_CODING && setup->wLength == sizeof *coding) {
        if (!uart_plan(coding, &plan)) {
            uart.counts.refused++;
            return USB_REFUSE;
        }
        memcpy(&new_change()->coding, coding, sizeof *coding);
    }
    int result = cdc_control(setup, data);
    if (request == SEND_BREAK && result == 0)
        ask_for_break(setup->wValue);
    return result;
}

void uart_rx_dma_interrupt(void);
void uart_rx_dma_interrupt(void)
{
    DMA1.IFCR = 0xFu << (UART_RX_DMA - 1) * 4;
    receive();
}

/* The last byte of the chunk is in DR. */
void uart_tx_dma_interrupt(void);
void uart_tx_dma_interrupt(void)
{
    DMA1.IFCR = 0xFu << (UART_TX_DMA - 1) * 4;
    chunk_sent();
    if (!uart.chunk)
        UART.CR1 |= USART_CR1_TCIE;
}

void uart_timer_interrupt(void);
void uart_timer_interrupt(void)
{
    TIMER.SR = 0;
    if (uart.chunk)
        timed_send();
    timed_receive();
}

/* The reads of SR and DR clear an error.  Then no more are told until the next millisecond, for
 * at a wrong rate every character may be one. */
static void errors(uint32_t sr)
{
    uint32_t data = UART.DR;            /* the DMA has taken it, but it is still there */
    uint16_t events = 0;
    UART.CR3 = USART_DMA;
    UART.CR1 &= ~(uint32_t)USART_CR1_PEIE;
    if (sr & USART_SR_PE)
        events |= CDC_PARITY;
    if (sr & USART_SR_FE)
        events |= data ? CDC_FRAMING : CDC_FRAMING | CDC_BREAK;
    if (sr & USART_SR_ORE) {
        events |= CDC_OVERRUN;
        uart.counts.lost++;
    }
    report(events);
}

void uart_interrupt(void);
void uart_interrupt(void)
{
    uint32_t sr = UART.SR;
    if (sr & UART.CR1 & USART_CR1_TCIE) {       /* the same bit as TC */
        uart.sending = false;
        drive_control_lines();
        UART.CR1 &= ~(uint32_t)USART_CR1_TCIE;
    }
    if (sr & (USART_SR_PE | USART_SR_FE | USART_SR_NE | USART_SR_ORE))
        errors(sr);
    transmit();
}

static void start_pins(void)
{
    pin_write(&UART_PORT, UART_RX_PIN, 1);
    pin_mode(&UART_PORT, UART_RX_PIN, PIN_INPUT_PULL);
    drive_control_lines();
    if (UART_DTR_PIN != NONE)
        pin_mode(&UART_PORT, UART_DTR_PIN, PIN_OUTPUT_SLOW);
    if (UART_RTS_PIN != NONE)
        pin_mode(&UART_PORT, UART_RTS_PIN, PIN_OUTPUT_SLOW);
}

void uart_start(void)
{
    RCC.AHBENR |= RCC_AHB_DMA1;
    RCC.APB2ENR |= RCC_APB2_GPIOA | RCC_APB2_GPIOB | (UART_ON_APB2 ? RCC_APB2_USART1 : 0);
    RCC.APB1ENR |= RCC_APB1_TIM3 | (UART_ON_APB2 ? 0 : RCC_APB1_USART2);
    if (UART_RTS_PIN != NONE) {
        settings_start();
        uart.rs485 = settings_rs485();
    }
    start_pins();
    TIMER.PSC = PRESCALER - 1;          /* its clock is the core's (RM0008 7.2) */
    TIMER.DIER = TIM_DIER_UIE;
    apply_coding(cdc_line_coding(CDC_UART));
    start_dma(&RX_DMA, uart.circle, RX_SIZE, DMA_CCR_MINC | DMA_CCR_PSIZE_16 | DMA_CCR_CIRC
                                         | DMA_CCR_HTIE | DMA_CCR_TCIE | DMA_CCR_EN);
    UART.CR3 = USART_DMA;
    NVIC.ISER[0] = 1 << UART_RX_DMA_IRQ | 1 << UART_TX_DMA_IRQ | 1 << IRQ_TIM3;
    NVIC.ISER[UART_IRQ / 32] = 1 << UART_IRQ % 32;
}

/* --- for rtt.c ---------------------------------------------------------------------------- */

void uart_divert(bool away)
{
    uart.diverted = away;
}

void uart_mute(bool yes)
{
    uart.mute = yes;
}

/* What is being sent already is the UART's yet. */
uint32_t uart_typed(const uint8_t **bytes)
{
    uint32_t state = interrupts_off();
    uint32_t n = uart.chunk ? 0 : up_to_change((uint32_t)cdc_look(CDC_UART, bytes));
    interrupts_restore(state);
    return n;
}

void uart_typed_taken(uint32_t count)
{
    uint32_t state = interrupts_off();
    uart.sent += count;
    cdc_taken(CDC_UART, (int)count);
    transmit();                         /* perhaps a change is next */
    interrupts_restore(state);
}

/* --- what monitor.c calls ----------------------------------------------------------------- */

const struct uart_counts *uart_counts(void)
{
    return &uart.counts;
}

bool uart_rs485(void)
{
    return uart.rs485;
}

bool uart_set_rs485(bool on)
{
    if (UART_RTS_PIN == NONE)
        return false;
    uart.rs485 = on;                    /* the pin follows within a millisecond */
    return settings_set_rs485(on);
}
