/* demo_samc21.c - SERCOM3 on PA22 and PA23, at the 48 MHz of OSC48M.
 * SAM C21 data sheet, chapters GCLK, MCLK, OSCCTRL, PORT, NVMCTRL, SERCOM USART. */
#include "demo.h"

#define REG8(address)  (*(volatile uint8_t *)(address))
#define REG16(address) (*(volatile uint16_t *)(address))
#define REG(address)   (*(volatile uint32_t *)(address))

#define NVM_CTRLB       REG(0x41004004)
#define OSC48MDIV       REG8(0x40001015)
#define MCLK_APBCMASK   REG(0x4000081C)
#define GCLK_PCHCTRL(n) REG(0x40001C80 + 4 * (n))
#define PORT_PINCFG(n)  REG8(0x41000040 + (n))
#define PORT_PMUX(n)    REG8(0x41000030 + (n) / 2)
#define SERCOM3         0x42001000
#define SERCOM_CTRLA    REG(SERCOM3 + 0x00)
#define SERCOM_CTRLB    REG(SERCOM3 + 0x04)
#define SERCOM_BAUD     REG16(SERCOM3 + 0x0C)
#define SERCOM_INTENSET REG8(SERCOM3 + 0x16)
#define SERCOM_INTFLAG  REG8(SERCOM3 + 0x18)
#define SERCOM_SYNCBUSY REG(SERCOM3 + 0x1C)
#define SERCOM_DATA     REG16(SERCOM3 + 0x28)
#define NVIC_ISER       REG(0xE000E100)

enum {
    APBC_SERCOM3 = 1 << 4,
    CHEN = 1 << 6, SERCOM3_CORE = 22,               /* from generator 0 */
    PMUXEN = 1 << 0, PMUX_C = 2,
    ENABLE = 1 << 1, MODE_INTERNAL_CLOCK = 1 << 2, RXPO_PAD1 = 1 << 20, DORD_LSB = 1 << 30,
    TXEN = 1 << 16, RXEN = 1 << 17,
    DRE = 1 << 0, RXC = 1 << 2,
};

void serial_start(void)
{
    NVM_CTRLB = 1 << 7 | 2 << 1;                    /* MANW; two wait states */
    OSC48MDIV = 0;                                  /* 48 MHz */
    MCLK_APBCMASK |= APBC_SERCOM3;
    GCLK_PCHCTRL(SERCOM3_CORE) = CHEN;
    PORT_PINCFG(22) = PMUXEN;
    PORT_PINCFG(23) = PMUXEN;
    PORT_PMUX(22) = PMUX_C | PMUX_C << 4;           /* one byte serves both pins */
    SERCOM_CTRLA = MODE_INTERNAL_CLOCK | RXPO_PAD1 | DORD_LSB;
    SERCOM_CTRLB = TXEN | RXEN;
    while (SERCOM_SYNCBUSY)
        ;
    SERCOM_BAUD = 65536 - (uint16_t)(65536ull * 16 * 115200 / 48000000);
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
