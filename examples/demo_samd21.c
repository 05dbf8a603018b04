/* demo_samd21.c - SERCOM3 on PA22 and PA23, at the 8 MHz of the internal oscillator.
 * SAM D21 data sheet: 15 GCLK, 16 PM, 17 SYSCTRL, 23 PORT, 27 SERCOM USART. */
#include "demo.h"

#define REG8(address)  (*(volatile uint8_t *)(address))
#define REG16(address) (*(volatile uint16_t *)(address))
#define REG(address)   (*(volatile uint32_t *)(address))

#define PM_APBCMASK     REG(0x40000420)
#define SYSCTRL_OSC8M   REG(0x40000820)
#define GCLK_STATUS     REG8(0x40000C01)
#define GCLK_CLKCTRL    REG16(0x40000C02)
#define PORT_PINCFG(n)  REG8(0x41004440 + (n))
#define PORT_PMUX(n)    REG8(0x41004430 + (n) / 2)
#define SERCOM3         0x42001400
#define SERCOM_CTRLA    REG(SERCOM3 + 0x00)
#define SERCOM_CTRLB    REG(SERCOM3 + 0x04)
#define SERCOM_BAUD     REG16(SERCOM3 + 0x0C)
#define SERCOM_INTENSET REG8(SERCOM3 + 0x16)
#define SERCOM_INTFLAG  REG8(SERCOM3 + 0x18)
#define SERCOM_SYNCBUSY REG(SERCOM3 + 0x1C)
#define SERCOM_DATA     REG16(SERCOM3 + 0x28)
#define NVIC_ISER       REG(0xE000E100)

enum {
    APBC_SERCOM3 = 1 << 5,
    CLKEN = 1 << 14, ID_SERCOM3_CORE = 0x17,        /* from generator 0 */
    PMUXEN = 1 << 0, PMUX_C = 2,
    ENABLE = 1 << 1, MODE_INTERNAL_CLOCK = 1 << 2, RXPO_PAD1 = 1 << 20, DORD_LSB = 1 << 30,
    TXEN = 1 << 16, RXEN = 1 << 17,
    DRE = 1 << 0, RXC = 1 << 2,
};

void serial_start(void)
{
    SYSCTRL_OSC8M &= ~(3u << 8);                    /* prescaler 8 -> 1: 8 MHz */
    PM_APBCMASK |= APBC_SERCOM3;
    GCLK_CLKCTRL = CLKEN | ID_SERCOM3_CORE;
    while (GCLK_STATUS & 0x80)
        ;
    PORT_PINCFG(22) = PMUXEN;
    PORT_PINCFG(23) = PMUXEN;
    PORT_PMUX(22) = PMUX_C | PMUX_C << 4;           /* one byte serves both pins */
    SERCOM_CTRLA = MODE_INTERNAL_CLOCK | RXPO_PAD1 | DORD_LSB;
    SERCOM_CTRLB = TXEN | RXEN;
    while (SERCOM_SYNCBUSY)
        ;
    SERCOM_BAUD = 65536 - (uint16_t)(65536ull * 16 * 115200 / 8000000);
    SERCOM_CTRLA |= ENABLE;
    while (SERCOM_SYNCBUSY)
        ;
    SERCOM_INTENSET = RXC;
    NVIC_ISER = 1 << 12;                            /* SERCOM3 */
}

void serial_put(char c)
{
    while (!(SERCOM_INTFLAG & DRE))
        ;
    SERCOM_DATA = (uint8_t)c;
}

int serial_get(void)
{
    return SERCOM_INTFLAG & RXC ? (int)(SERCOM_DATA & 0xFF) : -1;
}
