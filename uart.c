/* uart.c - serial bridge: the board's USART and the second serial port, back to back.
 *
 *   called by  probe.c, its tables, and the interrupts      calls  cdc.c, clock.c
 *
 *   RX pin -> DMA, a circle of 256 bytes -> cdc_write()     emptied at each half, and every ms
 *   TX pin <- DMA, up to 128 bytes       <- cdc_read()      filled when it has run empty
 *
 * It lives in interrupts alone, so it goes on while the main loop is busy with gdb.  All
 * interrupts have the same priority: these functions never interrupt one another.
 *
 * Rules:
 *   - nothing is lost towards the target: while a chunk is sent no other is read, the ring
 *     fills, the host sees NAK.
 *   - towards the host, what does not fit into the ring is dropped and reported (overrun).
 *     While nobody has opened the port, the ring keeps the first 1 KB.
 *   - a new line coding and a break wait until the chunk before them is on the wire.
 *   - USART_SR and DR are read only after an error.  A read of SR lets the next read of DR
 *     clear flags, and that one may be the DMA's; our read of DR may take a byte from it
 *     (RM0008 27.6.1).  So no idle interrupt: a look every millisecond does the same; and
 *     no waiting for TC: how long two characters last is known.
 *
 * What the USART cannot do: below 1099 baud at 72 MHz (USART1) or 550 at 36 MHz, above
 * 1/16 of these clocks: the nearest possible is used.  7 data bits only with parity, and
 * no mark or space parity: taken as 8 bits, no parity.
 *
 * Sources: RM0008 27.3, 27.6 (USART), 13.3 and table 78 (DMA); PSTN 1.2 6.3.11. */
#include "uart.h"
#include "board.h"
#include "cdc.h"
#include "clock.h"
#include "mem.h"

enum {
    RX_SIZE = 256, TX_SIZE = 128,
    USART_CR2_STOP_SHIFT = 12,
    USART_RUN = USART_CR1_UE | USART_CR1_TE | USART_CR1_RE,
    BREAK_FOR_EVER = 0xFFFF,
    DTR = 1 << 0, RTS = 1 << 1
};

#define RX_DMA DMA1.CH[UART_RX_DMA - 1]
#define TX_DMA DMA1.CH[UART_TX_DMA - 1]

/* All written by interrupts. */
static struct {
    uint8_t rx[RX_SIZE], tx[TX_SIZE];
    int rx_taken;                       /* index of the first byte not yet forwarded */
    struct line_coding coding;          /* what the USART is set to */
    bool strip_parity;                  /* 7 data bits: bit 7 of what comes is the parity */
    enum { NO_BREAK, BREAK_WANTED, BREAKING } line_break;
    bool break_ends;                    /* else it lasts until the host says so */
    uint32_t break_ms, break_deadline;
    uint32_t wire_deadline;             /* the last bits of the last chunk are out */
} uart;

/* --- settings -------------------------------------------------------------------------- */

static uint16_t divider(uint32_t baud)
{
    uint32_t clock = UART_ON_APB2 ? clock_hz() : clock_hz() / 2;
    uint32_t value = baud < clock ? (clock + baud / 2) / baud : 1;
    return (uint16_t)(value < 16 ? 16 : value > 0xFFFF ? 0xFFFF : value);
}

/* The parity bit counts as a data bit for M (27.3.2): 7 + parity is a frame of 8. */
static uint32_t frame_format(const struct line_coding *coding)
{
    bool parity = coding->parity == 1 || coding->parity == 2;
    if (!parity)
        return 0;
    return (uint32_t)USART_CR1_PCE | (coding->parity == 1 ? USART_CR1_PS : 0)
         | (coding->bits == 8 ? USART_CR1_M : 0);
}

static void apply_coding(void)
{
    static const uint8_t stop_bits[] = { 0, 3, 2 };     /* CR2.STOP for 1, 1.5, 2 */
    const struct line_coding *coding = cdc_line_coding(CDC_UART);
    uint32_t format = frame_format(coding);
    uart.coding = *coding;
    uart.strip_parity = format && !(format & USART_CR1_M);
    UART.BRR = divider(coding->baud);
    UART.CR2 = (uint32_t)stop_bits[coding->stop] << USART_CR2_STOP_SHIFT;
    UART.CR1 = USART_RUN | USART_CR1_PEIE | format;
}

static bool coding_changed(void)
{
    const struct line_coding *wanted = cdc_line_coding(CDC_UART);
    return wanted->baud != uart.coding.baud || wanted->stop != uart.coding.stop
        || wanted->parity != uart.coding.parity || wanted->bits != uart.coding.bits;
}

/* The outputs are active low, like those of every TTL-level adapter. */
static void drive_control_lines(void)
{
    uint8_t lines = cdc_control_lines(CDC_UART);
    if (UART_DTR_PIN != NONE)
        pin_write(&UART_PORT, UART_DTR_PIN, !(lines & DTR));
    if (UART_RTS_PIN != NONE)
        pin_write(&UART_PORT, UART_RTS_PIN, !(lines & RTS));
}

/* --- towards the host -------------------------------------------------------------------- */

static void forward(int end)
{
    uint8_t *bytes = uart.rx + uart.rx_taken;
    int length = end - uart.rx_taken;
    if (uart.strip_parity) {
        for (int i = 0; i < length; i++)
            bytes[i] &= 0x7F;
    }
    if (cdc_write(CDC_UART, bytes, length) < length && cdc_open(CDC_UART))
        cdc_notify(CDC_UART, CDC_OVERRUN);
    uart.rx_taken = end % RX_SIZE;
}

static void receive(void)
{
    int end = RX_SIZE - (int)RX_DMA.CNDTR;      /* where the DMA writes next */
    if (end < uart.rx_taken)
        forward(RX_SIZE);
    if (end > uart.rx_taken)
        forward(end);
}

/* --- towards the target ------------------------------------------------------------------ */

static bool chunk_under_way(void)
{
    return TX_DMA.CCR & DMA_CCR_EN && TX_DMA.CNDTR;
}

static bool wire_idle(void)
{
    return !chunk_under_way() && clock_passed(uart.wire_deadline);
}

/* The DMA is done two characters before the pin is; one has 12 bits at the most. */
static void chunk_done(void)
{
    uart.wire_deadline = clock_in_ms(2 * 12 * 1000 / uart.coding.baud);
}

static void send_chunk(void)
{
    int length = cdc_read(CDC_UART, uart.tx, TX_SIZE);
    if (!length)
        return;
    TX_DMA.CCR = 0;                     /* CNDTR can be written only while disabled */
    TX_DMA.CNDTR = (uint32_t)length;
    TX_DMA.CCR = DMA_CCR_DIR | DMA_CCR_MINC | DMA_CCR_TCIE | DMA_CCR_EN;
}

static void begin_break(void)
{
    pin_write(&UART_PORT, UART_TX_PIN, 0);
    pin_mode(&UART_PORT, UART_TX_PIN, PIN_OUTPUT);      /* away from the USART */
    uart.line_break = BREAKING;
    uart.break_deadline = clock_in_ms(uart.break_ms);
}

static void end_break(void)
{
    pin_mode(&UART_PORT, UART_TX_PIN, PIN_ALTERNATE);
    uart.line_break = NO_BREAK;
}

static void transmit(void)
{
    bool waiting = coding_changed() || uart.line_break == BREAK_WANTED;
    if (waiting && wire_idle()) {
        if (coding_changed())
            apply_coding();
        if (uart.line_break == BREAK_WANTED)
            begin_break();
    } else if (!waiting && !uart.line_break && !chunk_under_way()) {
        send_chunk();
    }
}

static void follow_break(void)
{
    uint16_t ms;
    if (cdc_take_break(CDC_UART, &ms)) {
        uart.break_ms = ms;
        uart.break_ends = ms != BREAK_FOR_EVER;
        if (ms && uart.line_break == NO_BREAK)
            uart.line_break = BREAK_WANTED;
        else if (uart.line_break == BREAKING)
            uart.break_deadline = clock_in_ms(ms);
        else if (!ms)
            uart.line_break = NO_BREAK;
    }
    if (uart.line_break == BREAKING && uart.break_ends && clock_passed(uart.break_deadline))
        end_break();
}

/* --- interrupts ---------------------------------------------------------------------------- */

void uart_frame(void)
{
    drive_control_lines();
    follow_break();
    receive();
    cdc_flush(CDC_UART);
    transmit();
    UART.CR3 |= USART_CR3_EIE;          /* see uart_interrupt() */
    UART.CR1 |= USART_CR1_PEIE;
}

void uart_data_event(int endpoint, enum usb_event event)
{
    cdc_data_event(endpoint, event);
    transmit();
}

void uart_rx_dma_interrupt(void);
void uart_rx_dma_interrupt(void)
{
    DMA1.IFCR = 0xFu << (UART_RX_DMA - 1) * 4;
    receive();
}

void uart_tx_dma_interrupt(void);
void uart_tx_dma_interrupt(void)
{
    DMA1.IFCR = 0xFu << (UART_TX_DMA - 1) * 4;
    chunk_done();
    transmit();
}

/* Errors.  Reading SR and DR clears them; then silence until the next millisecond, since a
 * wrong baud rate can make every character an error. */
void uart_interrupt(void);
void uart_interrupt(void)
{
    static const struct { uint8_t flag, event; } table[] = {
        { USART_SR_PE, CDC_PARITY }, { USART_SR_FE, CDC_FRAMING }, { USART_SR_ORE, CDC_OVERRUN },
    };
    uint32_t sr = UART.SR;
    uint32_t data = UART.DR;            /* the DMA has taken it, but it is still there */
    uint16_t events = sr & USART_SR_FE && !data ? CDC_BREAK : 0;
    UART.CR3 &= ~(uint32_t)USART_CR3_EIE;
    UART.CR1 &= ~(uint32_t)USART_CR1_PEIE;
    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (sr & table[i].flag)
            events |= table[i].event;
    }
    if (events && cdc_open(CDC_UART))
        cdc_notify(CDC_UART, events);
}

static void enable_interrupt(int irq)
{
    NVIC.ISER[irq / 32] = 1u << irq % 32;
}

static void start_dma(struct dma_channel *channel, void *memory, uint32_t ccr)
{
    channel->CCR = 0;
    channel->CPAR = (uint32_t)(uintptr_t)&UART.DR;
    channel->CMAR = (uint32_t)(uintptr_t)memory;
    channel->CNDTR = RX_SIZE;
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
    if (UART_ON_APB2)
        RCC.APB2ENR |= RCC_APB2_USART1;
    else
        RCC.APB1ENR |= RCC_APB1_USART2;
    start_pins();
    apply_coding();
    start_dma(&TX_DMA, uart.tx, 0);
    start_dma(&RX_DMA, uart.rx, DMA_CCR_MINC | DMA_CCR_CIRC | DMA_CCR_HTIE | DMA_CCR_TCIE
                                | DMA_CCR_EN);
    UART.CR3 = USART_CR3_DMAR | USART_CR3_DMAT;
    pin_mode(&UART_PORT, UART_TX_PIN, PIN_ALTERNATE);
    enable_interrupt(UART_IRQ);
    enable_interrupt(UART_RX_DMA_IRQ);
    enable_interrupt(UART_TX_DMA_IRQ);
}
