/* demo_saml21.c - SERCOM3 on PA22 and PA23, at the 12 MHz that performance level 0 allows.
 * SAM L21 data sheet, chapters GCLK, MCLK, OSCCTRL, PORT, SERCOM USART. */
#include "demo.h"

#define REG8(address)  (*(volatile uint8_t *)(address))
#define REG16(address) (*(volatile uint16_t *)(address))
#define REG(address)   (*(volatile uint32_t *)(address))

#define OSC16MCTRL      REG8(0x40000C14)
#define MCLK_APBCMASK   REG(0x4000041C)
#define GCLK_PCHCTRL(n) REG(0x40001880 + 4 * (n))
#define PORT_PINCFG(n)  REG8(0x40002840 + (n))
#define PORT_PMUX(n)    REG8(0x40002830 + (n) / 2)
#define SERCOM3         0x42000C00
#define SERCOM_CTRLA    REG(SERCOM3 + 0x00)
#define SERCOM_CTRLB    REG(SERCOM3 + 0x04)
#define SERCOM_BAUD     REG16(SERCOM3 + 0x0C)
#define SERCOM_INTENSET REG8(SERCOM3 + 0x16)
#define SERCOM_INTFLAG  REG8(SERCOM3 + 0x18)
#define SERCOM_SYNCBUSY REG(SERCOM3 + 0x1C)
#define SERCOM_DATA     REG16(SERCOM3 + 0x28)
#define NVIC_ISER       REG(0xE000E100)

enum {
    APBC_SERCOM3 = 1 << 3,
    CHEN = 1 << 6, SERCOM3_CORE = 21,               /* from generator 0 */
    PMUXEN = 1 << 0, PMUX_C = 2,
    ENABLE = 1 << 1, MODE_INTERNAL_CLOCK = 1 << 2, RXPO_PAD1 = 1 << 20, DORD_LSB = 1 << 30,
    TXEN = 1 << 16, RXEN = 1 << 17,
    DRE = 1 << 0, RXC = 1 << 2,
};

void serial_start(void)
{
    OSC16MCTRL = 1 << 1 | 2 << 2;                   /* ENABLE, FSEL: 12 MHz */
    MCLK_APBCMASK |= APBC_SERCOM3;
    GCLK_PCHCTRL(SERCOM3_CORE) = CHEN;
    PORT_PINCFG(22) = PMUXEN;
    PORT_PINCFG(23) = PMUXEN;
    PORT_PMUX(22) = PMUX_C | PMUX_C << 4;           /* one byte serves both pins */
    SERCOM_CTRLA = MODE_INTERNAL_CLOCK | RXPO_PAD1 | DORD_LSB;
    SERCOM_CTRLB = TXEN | RXEN;
    while (SERCOM_SYNCBUSY)
        ;
    SERCOM_BAUD = 65536 - (uint16_t)(65536ull * 16 * 115200 / 12000000);
    SERCOM_CTRLA |= ENABLE;
    while (SERCOM_SYNCBUSY)
        ;
    SERCOM_INTENSET = RXC;
    NVIC_ISER = 1 << 11;                            /* SERCOM3 */
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
