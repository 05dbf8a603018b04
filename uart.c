/* uart.c - serial bridge: the board's USART and the second serial port, back to back.
 *
 *   called by  probe.c's tables, monitor.c, interrupts      calls  cdc.c, settings.c
 *
 *   RX pin -> DMA, a circle of 256 bytes -> cdc_write()     emptied at each half, and every ms
 *   TX pin <- DMA, up to 128 bytes       <- cdc_read()      filled when it has run empty
 *
 * Below 1099 baud at 72 MHz (USART1) or 550 at 36 MHz the divider does not fit.  There a
 * timer ticks 8 times a bit and the bits are made and looked at one by one.  Up to 2400
 * baud it also does the formats that the USART has not: 5 and 6 bits, 7N1.
 *
 * It lives in interrupts alone, so it goes on while the main loop is busy with gdb.  All
 * interrupts have the same priority: these functions never interrupt one another.
 *
 * Rules:
 *   - nothing is lost towards the target: while a chunk is sent no other is read, the ring
 *     fills, the host sees NAK.
 *   - towards the host, what does not fit into the ring is dropped, counted and reported
 *     (overrun).  While nobody has opened the port, the ring keeps the first 1 KB.
 *   - a new line coding and a break wait until all that came before them is on the wire;
 *     and behind a break the line rests for a bit, or no receiver finds the next start bit.
 *   - what cannot be done is refused: the host sees STALL, the old coding stays.
 *   - the RS-485 driver is on from before the first start bit until TC says that the last
 *     stop bit has left.  TC is cleared when a chunk is under way, and its interrupt is on
 *     only behind the last one: while the DMA feeds DR there is never a gap.
 *   - USART_SR is read only after an error or TC.  A read of SR lets the next read of DR
 *     clear flags, and that one may be the DMA's; our read of DR may take a byte from it
 *     (RM0008 27.6.1).  So no idle interrupt: a look every millisecond does the same.
 *
 * Sources: RM0008 27.3, 27.6 (USART), 13.3 and table 78 (DMA), 15.4 (timer); PSTN 1.2
 * 6.3.11. */
#include "uart.h"
#include "board.h"
#include "clock.h"
#include "mem.h"
#include "settings.h"

enum {
    SET_LINE_CODING = USB_CLASS << 8 | USB_TO_INTERFACE << 8 | 0x20,
    SEND_BREAK = SET_LINE_CODING + 3,
    LINE_CODING_SIZE = 7, RX_SIZE = 256, TX_SIZE = 128,
    USART_CR2_STOP_SHIFT = 12, DIVIDER_MIN = 16, DIVIDER_MAX = 0xFFFF,
    USART_RUN = USART_CR1_UE | USART_CR1_TE | USART_CR1_RE,
    TIMED_MAX = 2400, TICKS = 8, PRESCALER = 4, TIMER_MAX = 0x10000,
    BREAK_FOR_EVER = 0xFFFF,
    DTR = 1 << 0, RTS = 1 << 1,
    PARITY_NONE = 0, PARITY_MARK = 3
};

#define TIMER  TIM3
#define RX_DMA DMA1.CH[UART_RX_DMA - 1]
#define TX_DMA DMA1.CH[UART_TX_DMA - 1]

/* All written by interrupts; rs485 by main. */
static struct {
    bool coding_waits;                  /* another is wanted */
    bool sending;                       /* from before the first start bit to the last stop */
    volatile bool rs485;
    enum { NO_BREAK, BREAK_WANTED, BREAKING, RESTING } line_break;
    bool break_ends;                    /* else it lasts until the host says so */
    int rx_taken;                       /* index of the first byte not yet forwarded */
    struct line_coding coding;          /* what is in force */
    struct uart_plan plan;              /* how */
    uint32_t break_ms, break_deadline;
    uint32_t break_asked;               /* when, in ms */
    uint32_t openings;                  /* cdc_openings() when we last looked */
    int before_coding, before_break;    /* bytes that go before what is wanted */
    struct uart_counts counts;
    uint8_t rx[RX_SIZE], tx[TX_SIZE];   /* last: what is far away costs a longer instruction */
} uart;

/* A frame bit by bit, the lowest first: 0, data, parity, 1. */
static struct {
    uint32_t tx, rx;
    uint8_t tx_ticks, rx_ticks;         /* until the next bit */
    uint8_t rx_left;                    /* bits of the frame to come; 0: between two */
    bool armed;                         /* the line was high: a low is a start bit */
} timed;

/* --- line codings ------------------------------------------------------------------------ */

/* The parity bit counts as a data bit for M (27.3.2): 7 + parity is a frame of 8.  Without
 * PCE a ninth bit is what the DMA writes there, 0: a space.  A mark is a stop bit more;
 * and 7 bits without parity are 8 whose last is one of two stop bits. */
static bool usart_has(const struct line_coding *coding, struct uart_plan *plan)
{
    enum { M = USART_CR1_M, EVEN = USART_CR1_PCE, ODD = USART_CR1_PCE | USART_CR1_PS };
    static const uint16_t formats[2][5] = {     /* none, odd, even, mark, space */
        { 0, ODD, EVEN, 0, 0 }, { 0, M | ODD, M | EVEN, 0, M }
    };
    int stop = coding->stop;
    bool eight = coding->bits == 8;
    if (eight && coding->parity == PARITY_MARK)
        stop += 2;
    if (!eight && coding->parity == PARITY_NONE)
        stop -= 2;
    plan->format = formats[eight][coding->parity];
    plan->stop = (uint8_t)stop;
    plan->mask = (uint8_t)((1 << coding->bits) - 1);
    plan->mark = !eight && coding->parity % PARITY_MARK == 0 ? 0x80 : 0;
    return coding->bits >= 7 && stop >= 0 && stop <= 2;
}

static void divide(struct uart_plan *plan, uint32_t clock, uint32_t baud)
{
    plan->clock = clock;
    plan->divider = (clock + baud / 2) / baud;
}

bool uart_plan(const struct line_coding *coding, struct uart_plan *plan)
{
    uint32_t baud = coding->baud, clock = clock_hz() / (UART_ON_APB2 ? 1 : 2);
    if (coding->stop > 2 || coding->parity > 4 || coding->bits - 5u > 3
        || baud - 1 >= clock / DIVIDER_MIN * 2)
        return false;
    divide(plan, clock, baud);
    plan->timed = !usart_has(coding, plan) || plan->divider > DIVIDER_MAX;
    if (plan->timed) {
        divide(plan, clock_hz() / (PRESCALER * TICKS), baud);
        if (baud > TIMED_MAX || plan->divider > TIMER_MAX)
            return false;
    } else if (plan->divider < DIVIDER_MIN) {
        plan->divider = DIVIDER_MIN;
    }
    uint32_t made = plan->divider * baud;       /* instead of plan->clock */
    return (made > plan->clock ? made - plan->clock : plan->clock - made) <= plan->clock / 32;
}

/* RTS and DTR are active low, like those of every TTL-level adapter; a driver enable is
 * active high. */
static void drive_control_lines(void)
{
    uint8_t lines = cdc_control_lines(CDC_UART);
    if (UART_DTR_PIN != NONE)
        pin_write(&UART_PORT, UART_DTR_PIN, !(lines & DTR));
    if (UART_RTS_PIN != NONE)
        pin_write(&UART_PORT, UART_RTS_PIN, uart.rs485 ? uart.sending : !(lines & RTS));
}

static void release_tx(void)
{
    pin_write(&UART_PORT, UART_TX_PIN, 1);
    pin_mode(&UART_PORT, UART_TX_PIN, uart.plan.timed ? PIN_OUTPUT : PIN_ALTERNATE);
}

static void apply_coding(void)
{
    static const uint8_t stop_bits[] = { 0, 3, 2 };     /* CR2.STOP for 1, 1.5, 2 */
    uart.coding_waits = false;
    uart.coding = *cdc_line_coding(CDC_UART);
    uart_plan(&uart.coding, &uart.plan);
    TIMER.CR1 = 0;
    if (uart.plan.timed) {
        UART.CR1 = 0;
        timed.rx_left = 0;
        TIMER.CNT = 0;
        TIMER.ARR = uart.plan.divider - 1;
        TIMER.CR1 = TIM_CR1_CEN;
    } else {
        UART.BRR = uart.plan.divider;
        UART.CR2 = (uint32_t)stop_bits[uart.plan.stop] << USART_CR2_STOP_SHIFT;
        UART.CR1 = USART_RUN | USART_CR1_PEIE | uart.plan.format;
    }
    if (uart.line_break != BREAKING)
        release_tx();
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

static void forward(uint8_t *bytes, int length)
{
    if (uart.plan.mask != 0xFF) {
        for (int i = 0; i < length; i++)
            bytes[i] &= uart.plan.mask;
    }
    int lost = length - cdc_write(CDC_UART, bytes, length);
    if (lost && cdc_open(CDC_UART)) {
        uart.counts.lost += (uint32_t)lost;
        report(CDC_OVERRUN);
    }
}

static void receive(void)
{
    int end = RX_SIZE - (int)RX_DMA.CNDTR;      /* where the DMA writes next */
    if (end < uart.rx_taken) {
        forward(uart.rx + uart.rx_taken, RX_SIZE - uart.rx_taken);
        uart.rx_taken = 0;
    }
    if (end > uart.rx_taken) {
        forward(uart.rx + uart.rx_taken, end - uart.rx_taken);
        uart.rx_taken = end % RX_SIZE;
    }
}

/* --- towards the target ------------------------------------------------------------------ */

static bool chunk_under_way(void)
{
    return uart.plan.timed ? uart.sending : TX_DMA.CNDTR != 0;
}

/* TC must not be left over from before; so it is cleared when the first byte is in DR, for
 * which the DMA takes 20 cycles if there is room.  If there is not, TC cannot come. */
static void start_chunk(int length)
{
    for (int i = 0; i < length && uart.plan.mask != 0xFF; i++)
        uart.tx[i] = (uart.tx[i] & uart.plan.mask) | uart.plan.mark;
    UART.CR1 &= ~(uint32_t)USART_CR1_TCIE;
    TX_DMA.CCR = 0;                     /* CNDTR can be written only while disabled */
    TX_DMA.CNDTR = (uint32_t)length;
    TX_DMA.CCR = DMA_CCR_DIR | DMA_CCR_MINC | DMA_CCR_PSIZE_16 | DMA_CCR_TCIE | DMA_CCR_EN;
    for (int i = 0; i < 8 && TX_DMA.CNDTR == (uint32_t)length; i++) {
    }
    UART.SR = ~(uint32_t)USART_SR_TC;   /* clears where 0 is written */
}

static void timed_begin(uint32_t byte);

/* How many bytes it has begun to send. */
static int send_chunk(int most)
{
    int chunk = uart.plan.timed ? 1 : TX_SIZE;
    int length = cdc_read(CDC_UART, uart.tx, most < chunk ? most : chunk);
    if (!length)
        return 0;
    uart.sending = true;
    drive_control_lines();
    if (uart.plan.timed)
        timed_begin(uart.tx[0]);
    else
        start_chunk(length);
    return length;
}

static void begin_break(void)
{
    uart.sending = true;                /* for the driver */
    drive_control_lines();
    pin_write(&UART_PORT, UART_TX_PIN, 0);
    pin_mode(&UART_PORT, UART_TX_PIN, PIN_OUTPUT);      /* away from the USART */
    uart.line_break = BREAKING;
    uart.break_deadline = clock_in_ms(uart.break_ms);
}

/* The rest: the start bit comes up to a bit after we write to the USART, and may come at
 * once. */
static void end_break(void)
{
    release_tx();
    uart.line_break = RESTING;
    uart.break_deadline = clock_in_ms(1000 / uart.coding.baud + 1);
    uart.sending = false;
}

static void transmit(void)
{
    int coding_in = uart.coding_waits ? uart.before_coding : TX_SIZE;
    int break_in = uart.line_break == BREAK_WANTED ? uart.before_break : TX_SIZE;
    if (coding_in && break_in) {
        if (uart.line_break < BREAKING && !chunk_under_way()) {
            int begun = send_chunk(coding_in < break_in ? coding_in : break_in);
            uart.before_coding = coding_in - begun;
            uart.before_break = break_in - begun;
        }
    } else if (!uart.sending) {
        if (!coding_in)
            apply_coding();
        if (!break_in)
            begin_break();
    }
}

/* One that has not begun when it is over is made as long as it was meant to be.  Without
 * an end it ends with the port: its program may have died. */
static void follow_break(void)
{
    uint16_t ms = 0;
    uint32_t openings = cdc_openings(CDC_UART);
    bool told = cdc_take_break(CDC_UART, &ms);
    if (!told && openings != uart.openings && !uart.break_ends) {
        told = true;
        ms = 0;
    }
    uart.openings = openings;
    if (told) {
        if (ms && uart.line_break % RESTING == NO_BREAK) {
            uart.line_break = BREAK_WANTED;
            uart.break_asked = clock_ms();
        }
        uart.break_ends = ms != BREAK_FOR_EVER;
        uart.break_ms = ms ? ms : clock_ms() - uart.break_asked;
        if (uart.line_break == BREAKING)
            uart.break_deadline = clock_in_ms(ms);
    }
    if (uart.line_break >= BREAKING && uart.break_ends && clock_passed(uart.break_deadline)) {
        if (uart.line_break == BREAKING)
            end_break();
        else
            uart.line_break = NO_BREAK;
    }
}

/* --- bit by bit -------------------------------------------------------------------------- */

static uint32_t parity_of(uint32_t byte)
{
    uint32_t parity = uart.coding.parity;
    uint32_t odd = 0x6996u >> ((byte ^ byte >> 4) & 15) & 1;    /* 16 answers, a bit each */
    return (parity < PARITY_MARK ? odd : 0) ^ (parity & 1);
}

static int data_and_parity_bits(void)
{
    return uart.coding.bits + (uart.coding.parity != PARITY_NONE);
}

__attribute__((noinline)) static void timed_begin(uint32_t byte)
{
    byte &= uart.plan.mask;
    timed.tx = (byte | parity_of(byte) << uart.coding.bits) << 1
             | 2u << data_and_parity_bits();
    timed.tx_ticks = 1;
}

static void timed_send(void)
{
    if (--timed.tx_ticks)
        return;
    if (!timed.tx) {
        uart.sending = false;
        transmit();                     /* perhaps it begins another */
        drive_control_lines();
    }
    if (!timed.tx)
        return;
    bool last = timed.tx == 1;          /* the stop bit: 1, 1.5 or 2 bits */
    pin_write(&UART_PORT, UART_TX_PIN, timed.tx & 1);
    timed.tx_ticks = (uint8_t)(TICKS + (last ? TICKS / 2 * uart.coding.stop : 0));
    timed.tx >>= 1;
}

/* The stop bit has been seen, and perhaps was none. */
static void timed_received(uint32_t frame)
{
    uint8_t byte = (uint8_t)(frame >> 1) & uart.plan.mask;
    uint32_t tail = frame >> 1 >> uart.coding.bits;     /* parity, stop */
    uint16_t events = 0;
    if (!frame)
        events = CDC_FRAMING | CDC_BREAK;
    else if (tail < (uart.coding.parity ? 2 : 1))
        events = CDC_FRAMING;
    else if (uart.coding.parity && (tail & 1) != parity_of(byte))
        events = CDC_PARITY;
    report(events);
    forward(&byte, 1);
}

static void timed_receive(void)
{
    uint32_t level = (uint32_t)pin_read(&UART_PORT, UART_RX_PIN);
    uint8_t length = (uint8_t)(data_and_parity_bits() + 2);
    if (!timed.rx_left) {
        if (timed.armed && !level) {
            timed.rx_left = length;
            timed.rx = 0;
            timed.rx_ticks = TICKS / 2;
        }
        timed.armed = level;
    } else if (--timed.rx_ticks == 0) {
        timed.rx_ticks = TICKS;
        timed.rx |= level << (length - timed.rx_left);
        if (timed.rx == 1)              /* it was no start bit */
            timed.rx_left = 1;
        else if (timed.rx_left == 1)
            timed_received(timed.rx);
        timed.rx_left--;
        timed.armed = level;
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
    UART.CR3 |= USART_CR3_EIE;          /* see uart_interrupt() */
    UART.CR1 |= USART_CR1_PEIE;
}

void uart_data_event(int endpoint, enum usb_event event)
{
    cdc_out_event(endpoint, event);
    transmit();
}

int uart_control(const struct usb_setup *setup, const uint8_t **data)
{
    struct line_coding coding;
    struct uart_plan plan;
    int request = setup->bmRequestType << 8 | setup->bRequest;
    if (request == SET_LINE_CODING && setup->wLength == LINE_CODING_SIZE) {
        memcpy(&coding, *data, LINE_CODING_SIZE);       /* both are little-endian */
        if (!uart_plan(&coding, &plan)) {
            uart.counts.refused++;
            return USB_REFUSE;
        }
        uart.coding_waits = true;
        uart.before_coding = cdc_waiting(CDC_UART);
    }
    if (request == SEND_BREAK && uart.line_break != BREAK_WANTED)   /* not its end */
        uart.before_break = cdc_waiting(CDC_UART);
    int result = cdc_control(setup, data);
    follow_break();
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
    transmit();
    if (!chunk_under_way())
        UART.CR1 |= USART_CR1_TCIE;
}

void uart_timer_interrupt(void);
void uart_timer_interrupt(void)
{
    TIMER.SR = 0;
    if (uart.sending && uart.line_break != BREAKING)
        timed_send();
    timed_receive();
}

/* Errors.  Reading SR and DR clears them; then silence until the next millisecond, since a
 * wrong baud rate can make every character an error. */
static void errors(uint32_t sr)
{
    static const struct { uint8_t flag, event; } table[] = {
        { USART_SR_PE, CDC_PARITY }, { USART_SR_FE, CDC_FRAMING }, { USART_SR_ORE, CDC_OVERRUN },
    };
    uint32_t data = UART.DR;            /* the DMA has taken it, but it is still there */
    uint16_t events = sr & USART_SR_FE && !data ? CDC_BREAK : 0;
    UART.CR3 &= ~(uint32_t)USART_CR3_EIE;
    UART.CR1 &= ~(uint32_t)USART_CR1_PEIE;
    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (sr & table[i].flag)
            events |= table[i].event;
    }
    uart.counts.lost += sr / USART_SR_ORE & 1;
    report(events);
}

void uart_interrupt(void);
void uart_interrupt(void)
{
    uint32_t sr = UART.SR;
    if (sr & (USART_SR_PE | USART_SR_FE | USART_SR_NE | USART_SR_ORE))
        errors(sr);
    if (sr & UART.CR1 & USART_CR1_TCIE) {       /* the same bit as TC */
        uart.sending = false;
        drive_control_lines();
        UART.CR1 &= ~(uint32_t)USART_CR1_TCIE;
        transmit();
    }
}

static void enable_interrupt(int irq)
{
    NVIC.ISER[irq / 32] = 1u << irq % 32;
}

static void start_dma(struct dma_channel *channel, void *memory, uint32_t size, uint32_t ccr)
{
    channel->CCR = 0;
    channel->CPAR = (uint32_t)(uintptr_t)&UART.DR;
    channel->CMAR = (uint32_t)(uintptr_t)memory;
    channel->CNDTR = size;
    channel->CCR = ccr;
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
    RCC.APB2ENR |= RCC_APB2_GPIOA | RCC_APB2_GPIOB;
    RCC.APB1ENR |= RCC_APB1_TIM3;
    if (UART_ON_APB2)
        RCC.APB2ENR |= RCC_APB2_USART1;
    else
        RCC.APB1ENR |= RCC_APB1_USART2;
    if (UART_RTS_PIN != NONE) {
        settings_start();
        uart.rs485 = settings_rs485();
    }
    start_pins();
    TIMER.PSC = PRESCALER - 1;          /* its clock is the core's (RM0008 7.2) */
    TIMER.DIER = TIM_DIER_UIE;
    apply_coding();
    start_dma(&TX_DMA, uart.tx, 0, 0);
    start_dma(&RX_DMA, uart.rx, RX_SIZE, DMA_CCR_MINC | DMA_CCR_PSIZE_16 | DMA_CCR_CIRC
                                         | DMA_CCR_HTIE | DMA_CCR_TCIE | DMA_CCR_EN);
    UART.CR3 = USART_CR3_DMAR | USART_CR3_DMAT;
    enable_interrupt(UART_IRQ);
    enable_interrupt(UART_RX_DMA_IRQ);
    enable_interrupt(UART_TX_DMA_IRQ);
    enable_interrupt(IRQ_TIM3);
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
