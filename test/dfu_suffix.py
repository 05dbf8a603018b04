#!/usr/bin/env python3
"""dfu_suffix.py - makes a .dfu file: an image and the 16 bytes that say for which device.

  dfu_suffix.py VENDOR PRODUCT IMAGE.bin OUT.dfu      adds them
  dfu_suffix.py --check FILE.dfu                      says what they say; status 1 if wrong

The CRC is the common one (reflected 04C11DB7, starting with all ones) without its last
step, the inversion.  Source: DFU 1.1, appendix B.
"""
import struct
import sys
import zlib

ANY_DEVICE_VERSION = 0xFFFF
DFU_VERSION = 0x0100


def crc(data):
    return zlib.crc32(data) ^ 0xFFFFFFFF


def add(vendor, product, image):
    """The image with its suffix, whose fields stand in reverse: read from the end."""
    body = image + struct.pack("<HHHH3sB", ANY_DEVICE_VERSION, product, vendor, DFU_VERSION,
                               b"UFD", 16)
    return body + struct.pack("<I", crc(body))


def check(data):
    """Why the suffix is wrong, or None."""
    if len(data) < 16 or data[-8:-5] != b"UFD":
        return "there is no DFU suffix"
    if struct.unpack("<I", data[-4:])[0] != crc(data[:-4]):
        return "the CRC does not match: the file is damaged"
    return None


def main(arguments):
    if len(arguments) == 2 and arguments[0] == "--check":
        data = open(arguments[1], "rb").read()
        wrong = check(data)
        if wrong:
            print(f"{arguments[1]}: {wrong}")
            return 1
        version, product, vendor, dfu = struct.unpack("<HHHH", data[-16:-8])
        print(f"{arguments[1]}: {len(data) - 16} bytes for {vendor:04x}:{product:04x}")
        return 0
    if len(arguments) != 4:
        print(__doc__)
        return 2
    vendor, product = int(arguments[0], 0), int(arguments[1], 0)
    data = add(vendor, product, open(arguments[2], "rb").read())
    with open(arguments[3], "wb") as out:
        out.write(data)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
