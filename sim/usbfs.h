/* usbfs.h - the STM32F103's USB full-speed device block, seen from the cable.
 *
 * Registers at 0x40005C00 and packet memory at 0x40006000 are on the chip's bus
 * (usbfs.c adds them); this is the other side: one transaction at a time, as the
 * serial interface engine sees it (USB 2.0 chapter 8, RM0008 23).
 *
 *   called by  usb_host.c, f103.c      calls  bus.h, cpu.h, wires.h */
#ifndef USBFS_H
#define USBFS_H

#include "chip.h"

enum usb_pid { USB_OUT = 0x1, USB_IN = 0x9, USB_SOF = 0x5, USB_SETUP = 0xD,
               USB_DATA0 = 0x3, USB_DATA1 = 0xB };
enum usb_handshake { USB_NONE = 0, USB_ACK = 0x2, USB_NAK = 0xA, USB_STALL = 0xE };

struct usbfs;

/* Made by f103.c.  The clock the block runs on must be 48 MHz for it to answer; f103.c
 * tells it through usbfs_clock(). */
struct usbfs *usbfs_new(struct chip *chip, struct pin *dm_pa11, struct pin *dp_pa12);
void usbfs_free(struct usbfs *usb);
void usbfs_reset(struct usbfs *usb);
void usbfs_clock(struct usbfs *usb, bool clocked, uint32_t usbclk_hz);
bool usbfs_owns_pins(const struct usbfs *usb);      /* PDWN = 0: PA11, PA12 are USB's */

/* Both optional.  changed: usbfs_owns_pins() has a new answer, so GPIO must let go of
 * the pins or drive them again.  wakeup: the level of EXTI line 18 (RM0008 10.2.5); a
 * chip that has no EXTI model gets the level on interrupt 42 directly. */
void usbfs_on_pins(struct usbfs *usb, void (*changed)(void *ctx), void *ctx);
void usbfs_on_wakeup(struct usbfs *usb, void (*wakeup)(void *ctx, bool level),
                     void *ctx);

/* SE0 for more than 2.5 us: start and end of a bus reset. */
void usbfs_bus_reset(struct usbfs *usb, bool begin);
/* true: the bus is idle from now on (the block finds out itself, 3 ms later);
 * false: the host signals resume. */
void usbfs_bus_suspend(struct usbfs *usb, bool idle);

void usbfs_sof(struct usbfs *usb, uint16_t frame);
/* OUT or SETUP.  data1 is the data PID's toggle.  A packet with the wrong toggle is
 * acknowledged and dropped, as the block does. */
enum usb_handshake usbfs_out(struct usbfs *usb, enum usb_pid token, uint8_t address,
                             uint8_t endpoint, bool data1, const uint8_t *data,
                             int length);
/* IN.  USB_ACK here means that data came (up to 1023 bytes); the host then says whether
 * it acknowledges (false = the packet was damaged: it is sent again next time). */
enum usb_handshake usbfs_in(struct usbfs *usb, uint8_t address, uint8_t endpoint,
                            bool *data1, uint8_t *data, int *length);
void usbfs_in_done(struct usbfs *usb, uint8_t endpoint, bool acknowledged);

#endif
