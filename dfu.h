/* dfu.h - Device Firmware Upgrade: the run-time interface of the probe, and the whole of it
 * in the bootloader.  Each image has one of the two; the owner of the descriptors puts the
 * functions into its table of interfaces. */
#ifndef DFU_H
#define DFU_H

#include "usb.h"

enum { DFU_TRANSFER_SIZE = 1024 };      /* the functional descriptor's wTransferSize */

/* DFU 1.1, 6.1.2. */
enum dfu_state {
    DFU_APP_IDLE, DFU_APP_DETACH,
    DFU_IDLE, DFU_DNLOAD_SYNC, DFU_DNBUSY, DFU_DNLOAD_IDLE,
    DFU_MANIFEST_SYNC, DFU_MANIFEST, DFU_MANIFEST_WAIT_RESET,
    DFU_UPLOAD_IDLE, DFU_ERROR
};
enum dfu_status {
    DFU_OK, DFU_ERR_TARGET, DFU_ERR_FILE, DFU_ERR_WRITE, DFU_ERR_ERASE,
    DFU_ERR_CHECK_ERASED, DFU_ERR_PROG, DFU_ERR_VERIFY, DFU_ERR_ADDRESS,
    DFU_ERR_NOTDONE, DFU_ERR_FIRMWARE, DFU_ERR_VENDOR, DFU_ERR_USBR, DFU_ERR_POR,
    DFU_ERR_UNKNOWN, DFU_ERR_STALLEDPKT
};

/* In the application: says what it is, and takes DETACH. */
int dfu_runtime_control(const struct usb_setup *setup, const uint8_t **data);

/* In the bootloader. */
void dfu_start(void);                   /* before USB */
int dfu_control(const struct usb_setup *setup, const uint8_t **data);
void dfu_done(const struct usb_setup *setup);
void dfu_configured(bool yes);
uint32_t dfu_blocks(void);              /* taken so far, for the LED */

/* It is time to leave: for the bootloader, or for the application. */
bool dfu_finished(void);

#endif
