/* device.h - what the programs in this folder share: registers by their addresses, and the
 * parts of a USB device in which drivers differ.
 *
 *   called by  device.c, and one file per way of driving the chip
 *
 * These are not our firmware, and not anybody's: each does to the registers what a library
 * or boot loader that people use does, in the same order and widths, written anew. */
#ifndef DEVICE_H
#define DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#define R32(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define R16(address) (*(volatile uint16_t *)(uintptr_t)(address))
#define R8(address)  (*(volatile uint8_t *)(uintptr_t)(address))

enum { PWR_CR = 0x40007000, BKP_DR1 = 0x40006C04, IWDG_KR = 0x40003000, IWDG_PR = 0x40003004,
       IWDG_RLR = 0x40003008, IWDG_SR = 0x4000300C, AFIO_MAPR = 0x40010004,
       GPIOA_CRL = 0x40010800, GPIOA_CRH = 0x40010804, GPIOA_BSRR = 0x40010810,
       GPIOA_BRR = 0x40010814, SPI1_CR1 = 0x40013000, SPI1_SR = 0x40013008,
       RCC_CR = 0x40021000, RCC_CFGR = 0x40021004, RCC_CIR = 0x40021008,
       RCC_APB1RSTR = 0x40021010, RCC_APB2ENR = 0x40021018, RCC_APB1ENR = 0x4002101C,
       RCC_BDCR = 0x40021020, FLASH_ACR = 0x40022000,
       EP0R = 0x40005C00, CNTR = 0x40005C40, ISTR = 0x40005C44, DADDR = 0x40005C4C,
       BTABLE = 0x40005C50, PMA = 0x40006000 };
enum { USBEN = 1 << 23, BKPEN = 1 << 27, PWREN = 1 << 28, CTRM = 0x8000, WKUPM = 0x1000,
       SUSPM = 0x0800, RESETM = 0x0400, FRES = 1, PDWN = 2 };

/* What a program does its own way. */
void start(void);                       /* from reset until the pull-up is seen */
unsigned table(unsigned at);            /* a halfword of the buffer table */
void set_table(unsigned at, unsigned value);
void copy_in(void *to, unsigned at, unsigned length);
void copy_out(unsigned at, const void *from, unsigned length);
extern const bool clears_ctr_last;      /* gives the buffer back first */

/* device.c: looks at ISTR once, and answers. */
void usb_poll(void);
/* ... and what follows when a host has configured it; a weak one does nothing. */
void configured(void);

void wait_for(uint32_t address, uint32_t bits);
void pause(unsigned loops);

#endif
