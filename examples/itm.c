/* itm.c - a program that says what it does on one pin, SWO.
 *
 *   port 0   text
 *   port 1   a counter, 32 bits
 *   port 2   a value that goes up and down, 16 bits
 *   DWT      where the program is, each 16384 cycles
 *
 * It sets itself up for 2 Mbaud, if no debugger has switched the ITM on before: without a probe
 * a serial adapter on the pin shows the text.  For a Cortex-M3 or M4 whose DBGMCU gives PB3 to
 * trace; HZ, its clock out of reset, comes from the Makefile.
 *
 * Armv7-M ARM C1.7 (ITM), C1.8 (DWT), C1.10 (TPIU); RM0008 31.17. */
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))
#define DEMCR        REG(0xE000EDFC)
#define ITM_TER      REG(0xE0000E00)
#define ITM_TCR      REG(0xE0000E80)
#define ITM_LAR      REG(0xE0000FB0)
#define DWT_CTRL     REG(0xE0001000)
#define TPIU_ACPR    REG(0xE0040010)
#define TPIU_SPPR    REG(0xE00400F0)
#define TPIU_FFCR    REG(0xE0040304)
#define DBGMCU_CR    REG(0xE0042004)
#define RCC_APB2ENR  REG(0x40021018)            /* STM32F1 */
#define AFIO_MAPR    REG(0x40010004)

enum { BAUD = 2000000, TRCENA = 1 << 24, TRACE_IOEN = 1 << 5, SWJ_JTAG_OFF = 2 << 24 };
enum { ITMENA = 1, SYNCENA = 4, TXENA = 8, SWO_ID = 1 << 16 };
enum { CYCCNTENA = 1, EACH_16 = 15 << 1, CYCTAP_1024 = 1 << 9, SYNCTAP = 1 << 10,
       PCSAMPLENA = 1 << 12 };
#define LAR_KEY 0xC5ACCE55u

volatile uint32_t counter;              /* as on port 1 */
volatile uint32_t pace = 20000;         /* rounds of waiting between lines */
volatile uint32_t waited;               /* how often a port was not ready */

static void give_the_pin(void)
{
#ifdef STM32F1
    RCC_APB2ENR |= 1;                   /* AFIO */
    AFIO_MAPR = SWJ_JTAG_OFF;
#endif
    DBGMCU_CR |= TRACE_IOEN;
}

static void trace_start(void)
{
    DEMCR |= TRCENA;
    if (ITM_TCR & ITMENA)
        return;
    TPIU_SPPR = 2;                      /* NRZ, which rests high: before a receiver looks */
    TPIU_ACPR = HZ / BAUD - 1;
    TPIU_FFCR = 0x100;                  /* without frames */
    give_the_pin();
    ITM_LAR = LAR_KEY;
    ITM_TER = 7;
    ITM_TCR = SWO_ID | TXENA | SYNCENA | ITMENA;
    DWT_CTRL = CYCCNTENA | CYCTAP_1024 | EACH_16 | SYNCTAP | PCSAMPLENA;
}

/* A port that is off takes what it is given; one that is on says when it can. */
static int ready(uint32_t port)
{
    return !(ITM_TER >> port & 1) || REG(0xE0000000 + 4 * port);
}

static void wait_for(uint32_t port)
{
    while (!ready(port))
        waited++;
}

static void say(const char *text)
{
    for (; *text; text++) {
        wait_for(0);
        *(volatile uint8_t *)0xE0000000 = (uint8_t)*text;
    }
}

static void say_number(const char *text, uint32_t number)
{
    char digits[12], *at = digits + sizeof digits;
    *--at = '\0';
    do
        *--at = (char)('0' + number % 10);
    while (number /= 10);
    say(text);
    say(at);
    say("\r\n");
}

static void tell_values(void)
{
    uint32_t place = counter % 200;
    wait_for(1);
    REG(0xE0000004) = counter;
    wait_for(2);
    *(volatile uint16_t *)0xE0000008 = (uint16_t)(place < 100 ? place : 200 - place);
}

static void __attribute__((noinline)) pass_time(void)
{
    for (volatile uint32_t i = 0; i < pace; i++)
        ;
}

int main(void)
{
    trace_start();
    say("ITM on " CHIP_NAME "\r\n");
    for (;; counter++) {
        say_number("tick ", counter);
        tell_values();
        pass_time();
    }
}
