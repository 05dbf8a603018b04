/* usb_descriptors.h - what bootloader and probe say of themselves on USB in the same words.
 *
 *   used by  boot.c, probe.c
 *
 * Descriptors are bytes, low byte first, that start with their own length; so these are
 * lists of bytes, to be put into an array, and one struct where texts of 16 bits a letter
 * are among them.
 *
 * Sources: DFU 1.1 4.1.3, 4.2.4; USB 3.2 9.6.2 (BOS); WebUSB 4 and 5; Microsoft OS 2.0
 * descriptors. */
#ifndef USB_DESCRIPTORS_H
#define USB_DESCRIPTORS_H

#include <stdint.h>

/* Numbers of 16 bits, as two bytes of a descriptor. */
#define LE16(value) (value) & 0xFF, (value) >> 8

enum { BUS_POWERED = 0x80 };
enum { WEBUSB_REQUEST = 1, MS_OS_REQUEST = 2 };         /* bRequest, ours to choose */
enum { WEBUSB_GET_URL = 2, MS_OS_GET_SET = 7 };         /* wIndex */

enum { CAN_DNLOAD = 1 << 0, CAN_UPLOAD = 1 << 1, WILL_DETACH = 1 << 3, DETACH_MS = 1000 };
enum { DFU_FUNCTIONAL_LENGTH = 9 };
#define DFU_FUNCTIONAL                                                                    \
    DFU_FUNCTIONAL_LENGTH, 0x21, CAN_DNLOAD | CAN_UPLOAD | WILL_DETACH, LE16(DETACH_MS),  \
    LE16(DFU_TRANSFER_SIZE), LE16(0x0110)

/* Two platform capabilities: a browser's page may open us, and may be shown one; and Windows
 * may ask for the set below. */
enum { BOS_LENGTH = 5 + 24 + 28 };
#define BOS(landing_page, ms_os_length)                                                   \
    5, 15, LE16(BOS_LENGTH), 2,                                                           \
    24, 16, 5, 0,                               /* WebUSB */                              \
    0x38, 0xB6, 0x08, 0x34, 0xA9, 0x09, 0xA0, 0x47,                                       \
    0x8B, 0xFD, 0xA0, 0x76, 0x88, 0x15, 0xB6, 0x65,                                       \
    LE16(0x0100), WEBUSB_REQUEST, landing_page,                                           \
    28, 16, 5, 0,                               /* Microsoft OS 2.0 */                    \
    0xDF, 0x60, 0xDD, 0xD8, 0x89, 0x45, 0xC7, 0x4C,                                       \
    0x9C, 0xD2, 0x65, 0x9D, 0x9E, 0x64, 0x8A, 0x9F,                                       \
    0, 0, LE16(0x0603), LE16(ms_os_length), MS_OS_REQUEST, 0

/* Microsoft's set begins with this header; 0x0603 is Windows 8.1, the first to ask. */
enum { MS_OS_HEADER_LENGTH = 10 };
#define MS_OS_HEADER(length) { MS_OS_HEADER_LENGTH, 0, 0, 0x0603, length }

/* What makes Windows load WinUSB by itself, and open the device to programs. */
struct winusb {
    uint16_t compatible_length, compatible_type;
    char compatible_id[8], sub_compatible_id[8];
    uint16_t property_length, property_type, data_type, name_length;
    __CHAR16_TYPE__ name[21];
    uint16_t data_length;
    __CHAR16_TYPE__ data[40];           /* two zeros at the end: a list of strings */
};
#define WINUSB(guid)                                                                      \
    { 20, 3, "WINUSB", "", sizeof(struct winusb) - 20, 4, 7, 21 * 2,                      \
      u"DeviceInterfaceGUIDs", 40 * 2, guid }
_Static_assert(sizeof(struct winusb) == 152, "MS OS 2.0: no gaps");

#endif
