/* swo.c - trace: what a running program tells by one pin, SWO, goes to the second serial port.
 *
 *   target: ITM, DWT -> TPIU -> SWO --wire-- PA3 -> USART2 -> DMA -> a circle of 512 bytes
 *   every ms: what has come -> all of it, or the text in it -> live_put()
 *
 * 2.25 Mbaud are 225 bytes a millisecond, so the circle has room for two, and no interrupt
 * but that of USB's frames is needed.  What finds no room in the port is counted as lost.
 * While nobody has the port open, nothing is kept: it would be old.
 *
 * A packet of the ITM is a header, and 1, 2 or 4 bytes if its two lowest bits say so.  Bit 2 of
 * such a header tells hardware's packets (DWT) from the program's, whose port is in bits 7 to 3.
 * The others are time stamps and the like, and go on behind bytes with bit 7 set.  Synchronization
 * is five bytes of 0 and 0x80: longer than any packet, so whatever was taken for what before,
 * behind it a header is a header.
 *
 * An error of the USART (SR) stays until SR and then DR are read; our read of SR is the one,
 * the DMA's next read of DR the other.  So a millisecond with errors counts once, if there was a
 * byte in it.
 *
 * The target's side: registers of the core's trace units, the same in each Armv7-M and Armv8-M,
 * and the pin, which is the chip's own: flash.h.
 *   - The pin comes last: the TPIU begins with Manchester, which rests low, and so looks like a
 *     break.
 *   - It is given back when the target is left.  The trace units stay: a program that waits for
 *     room in the ITM would wait for ever without it.
 *
 * Sources: Armv7-M ARM (DDI 0403E) C1.7 to C1.10, D4; RM0008 13.4, 27.6. */
#include "swo.h"
#include "board.h"
#include "cdc.h"
#include "clock.h"
#include "flash.h"
#include "live.h"
#include "reg.h"
#include "say.h"

enum { CIRCLE = 512, SYNC = 0x80 };
enum { DIVIDER_MIN = 16, DIVIDER_MAX = 0x2000 };        /* of BRR; of ACPR, 13 bits */
#define RX_DMA DMA1.CH[6 - 1]            /* USART2 RX: RM0008 table 78 */

/* Written by the interrupt while on; by main while not. */
static struct swo {
    volatile bool on;
    uint32_t header;                    /* of a packet ... */
    uint32_t left;                      /* ... of which so many bytes are to come; 1: or more */
    uint32_t ports;
    uint32_t taken;                     /* index of the first byte not yet taken */
    uint32_t bytes, lost, errors;
    uint8_t circle[CIRCLE];
} swo;

/* --- text ---------------------------------------------------------------------------- */

static uint32_t rest_of(uint32_t header)
{
    uint32_t size = header & 3;
    return size ? 1u << size >> 1 : header > SYNC;
}

static bool is_text(uint32_t header)
{
    return (header & 7) - 1 < 3 && swo.ports >> (header >> 3) & 1;
}

/* Leaves the text where the packets were; how many bytes that is. */
static uint32_t decode(uint8_t *bytes, uint32_t length)
{
    uint8_t *kept = bytes;
    for (uint8_t *at = bytes; at < bytes + length; at++) {
        uint8_t byte = *at;
        if (!swo.left) {
            swo.header = byte;
            swo.left = rest_of(byte);
            continue;
        }
        if (swo.header & 3 || byte < SYNC)
            swo.left--;
        if (is_text(swo.header))
            *kept++ = byte;
    }
    return (uint32_t)(kept - bytes);
}

/* --- bytes --------------------------------------------------------------------------- */

static void pass_on(uint8_t *bytes, uint32_t length)
{
    swo.bytes += length;
    if (swo.ports)
        length = decode(bytes, length);
    if (cdc_open(CDC_UART))
        swo.lost += length - live_put(bytes, length);
}

void swo_frame(void)
{
    if (!swo.on)
        return;
    uint32_t sr = USART2.SR, end = (CIRCLE - RX_DMA.CNDTR) % CIRCLE;
    if (swo.taken != end && sr & (USART_SR_FE | USART_SR_ORE))
        swo.errors++;
    while (swo.taken != end) {
        uint32_t stop = end > swo.taken ? end : CIRCLE;
        pass_on(swo.circle + swo.taken, stop - swo.taken);
        swo.taken = stop % CIRCLE;
    }
}

/* The divider by which a clock comes nearest to that rate, said; 0: not within 3 %. */
static uint32_t divider_of(uint32_t clock, uint32_t baud, uint32_t least)
{
    uint32_t divider = (clock + baud / 2) / (baud + !baud);
    if (divider < least)
        divider = least;
    if (divider > DIVIDER_MAX)
        divider = DIVIDER_MAX;
    uint32_t made = clock / divider;
    uint32_t limit = baud / 33;
    bool near = made - baud + limit <= 2 * limit;
    say(near ? "SWO: %u baud\n" : "Not within 3 %%: %u baud\n", (unsigned)made);
    return near ? divider : 0;
}

bool swo_receive(uint32_t baud, uint32_t ports)
{
    if (SWO_PIN == NONE) {
        say("On this board SWO goes to the serial port's RX: open that at the target's rate.\n");
        return false;
    }
    uint32_t divider = divider_of(clock_hz() / 2, baud, DIVIDER_MIN);
    if (!divider)
        return false;
    swo.on = false;
    RCC.APB1ENR |= RCC_APB1_USART2;
    pin_write(&GPIOA, SWO_PIN, 1);      /* pulled up, as the line rests */
    pin_mode(&GPIOA, SWO_PIN, PIN_INPUT_PULL);
    USART2.CR1 = 0;
    USART2.BRR = divider;
    USART2.CR3 = USART_CR3_DMAR;
    RX_DMA.CCR = 0;
    RX_DMA.CPAR = (uint32_t)(uintptr_t)&USART2.DR;
    RX_DMA.CMAR = (uint32_t)(uintptr_t)swo.circle;
    RX_DMA.CNDTR = CIRCLE;
    RX_DMA.CCR = DMA_CCR_MINC | DMA_CCR_PSIZE_16 | DMA_CCR_CIRC | DMA_CCR_EN;
    __builtin_memset(&swo, 0, offsetof(struct swo, circle));
    swo.ports = ports;
    USART2.CR1 = USART_CR1_UE | USART_CR1_RE;
    swo.on = true;
    return true;
}

void swo_stop(void)
{
    swo.on = false;
}

void swo_say_state(void)
{
    say("SWO %s: %u bytes, %u lost; line errors (another baud?) %u\n",
        swo.on ? "on" : "off", (unsigned)swo.bytes, (unsigned)swo.lost, (unsigned)swo.errors);
}

/* --- the target ---------------------------------------------------------------------- */

#define DEMCR     0xE000EDFCu
#define ITM_LAR   0xE0000FB0u
#define ITM_KEY   0xC5ACCE55u
#define TPIU_ACPR 0xE0040010u
enum { TRCENA = 1 << 24 };

/* In this order: TPIU_SPPR: NRZ; TPIU_FFCR: without frames; ITM_TER: all ports;
 * DWT_CTRL: SYNCTAP, CYCCNTENA; ITM_TCR: hardware's packets, synchronization, and on. */
static const struct half units[] = {
    { 0xE00400F0, 3, 2 }, { 0xE0040304, 2, 0 },
    { 0xE0000E00, 0xFFFF, 0xFFFF }, { 0xE0000E02, 0xFFFF, 0xFFFF },
    { 0xE0001000, 0x401, 0x401 }, { 0xE0000E80 | HALF_LAST, 0xD, 0xD }
};

static const struct half *given;        /* the pin, by us */
static uint16_t found[HALVES_MAX];      /* those bits of what was swapped last */

static void swap(const struct half *half, bool back)
{
    uint16_t *was = found;
    do {
        uint32_t shift = (half->at & 2) * 8, at = half->at & ~3u, is = reg_get(at);
        uint32_t bits = back ? *was : half->value;
        reg_put(at, (is & ~((uint32_t)half->mask << shift)) | bits << shift);
        *was++ = (uint16_t)(is >> shift) & half->mask;
    } while (!(half++->at & HALF_LAST));
}

static void give_back(void)
{
    if (given && given == target_chip()->pin)
        swap(given, true);
    given = 0;
    reg_error(OK);
}

void swo_leave(void)
{
    if (swo.on)
        given = 0;
    give_back();
}

int swo_set_up(uint32_t hz, uint32_t baud)
{
    const struct half *pin = target_chip()->pin;
    uint32_t divider = pin ? divider_of(hz, baud, 1) : 0;
    if (!divider)
        return ERR_UNSUPPORTED;
    give_back();
    reg_put(DEMCR, reg_get(DEMCR) | TRCENA);
    reg_put(ITM_LAR, ITM_KEY);
    swap(units, false);
    reg_put(TPIU_ACPR, divider - 1);
    swap(pin, false);
    given = pin;
    return reg_error(OK);
}
