/* demo_sam3x8e.c - the UART on PA8 and PA9.  115200 baud needs more than the fast RC's 4 MHz:
 * 12 MHz of crystal, PLLA at 96 MHz, 48 MHz.  SAM3X data sheet: PMC, EEFC, PIO, UART, WDT. */
#include "demo.h"

#define REG(address) (*(volatile uint32_t *)(address))
#define PMC_PCER0    REG(0x400E0610)
#define CKGR_MOR     REG(0x400E0620)
#define CKGR_PLLAR   REG(0x400E0628)
#define PMC_MCKR     REG(0x400E0630)
#define PMC_SR       REG(0x400E0668)
#define EEFC0_FMR    REG(0x400E0A00)
#define EEFC1_FMR    REG(0x400E0C00)
#define PIOA_PDR     REG(0x400E0E04)
#define UART_CR      REG(0x400E0800)
#define UART_MR      REG(0x400E0804)
#define UART_IER     REG(0x400E0808)
#define UART_SR      REG(0x400E0814)
#define UART_RHR     REG(0x400E0818)
#define UART_THR     REG(0x400E081C)
#define UART_BRGR    REG(0x400E0820)
#define WDT_MR       REG(0x400E1A54)
#define NVIC_ISER    REG(0xE000E100)

enum { WAIT_2 = 2 << 8, KEY = 0x37 << 16, MOSCXTEN = 1 << 0, MOSCRCEN = 1 << 3,
       START_UP = 8 << 8, MOSCSEL = 1 << 24, PLLA_96_MHZ = 1 << 29 | 7 << 16 | 8 << 8 | 1,
       HALF = 1 << 4, BY_PLLA = 2, MOSCXTS = 1 << 0, LOCKA = 1 << 1, MCKRDY = 1 << 3 };
enum { UART_ID = 8, TX_RX = 1 << 8 | 1 << 9, NO_PARITY = 4 << 9, RXEN = 1 << 4, TXEN = 1 << 6,
       RXRDY = 1 << 0, TXRDY = 1 << 1, WDDIS = 1 << 15 };

static void wait_for(uint32_t flag)
{
    while (!(PMC_SR & flag))
        ;
}

static void run_at_48_mhz(void)
{
    EEFC0_FMR = WAIT_2;
    EEFC1_FMR = WAIT_2;
    CKGR_MOR = KEY | START_UP | MOSCRCEN | MOSCXTEN;
    wait_for(MOSCXTS);
    CKGR_MOR = KEY | START_UP | MOSCRCEN | MOSCXTEN | MOSCSEL;
    CKGR_PLLAR = PLLA_96_MHZ;
    wait_for(LOCKA);
    PMC_MCKR = HALF | 1;
    wait_for(MCKRDY);
    PMC_MCKR = HALF | BY_PLLA;
    wait_for(MCKRDY);
}

void serial_start(void)
{
    WDT_MR = WDDIS;                                 /* it runs from reset on */
    run_at_48_mhz();
    PMC_PCER0 = 1 << UART_ID;
    PIOA_PDR = TX_RX;                               /* peripheral A */
    UART_MR = NO_PARITY;
    UART_BRGR = (48000000 / 16 + 115200 / 2) / 115200;
    UART_CR = RXEN | TXEN;
    UART_IER = RXRDY;
    NVIC_ISER = 1 << UART_ID;
}

void serial_put(char c)
{
    while (!(UART_SR & TXRDY))
        ;
    UART_THR = (uint8_t)c;
}

int serial_get(void)
{
    return UART_SR & RXRDY ? (int)(UART_RHR & 0xFF) : -1;
}
