#!/usr/bin/env python3
"""classes.py mouse|disk|midi DEVICE - uses a device of another class than serial ports.

    mouse   a hidraw device: its square of movements; takes a report for its LEDs
    disk    a block device of 16 KB: reads what it begins with, writes, reads again
    midi    a raw MIDI port: a note comes back a semitone higher

The programs are test/sim/programs/usb_*.c.  Called by tests/usb_classes.sh.
"""
import os
import select
import sys


def must(good, sentence):
    print("[ok]" if good else "[FAILED]", sentence)
    if not good:
        sys.exit(1)


def read(device, count, seconds=20):
    data = b""
    while len(data) < count:
        ready, _, _ = select.select([device], [], [], seconds)
        if not ready:
            break
        data += os.read(device, count - len(data))
    return data


def mouse(path):
    device = os.open(path, os.O_RDWR)
    square = [(5, 0), (0, 5), (-5, 0), (0, -5)]
    steps = [tuple(b - 256 if b > 127 else b for b in os.read(device, 64)[1:3])
             for _ in range(40)]
    at = square.index(steps[0])
    must(all(step == square[(at + i) % 4] for i, step in enumerate(steps)),
         "forty reports in a row make squares")
    must(os.write(device, b"\0\2") == 2, "a report for the LEDs is taken")


def disk(path):
    device = os.open(path, os.O_RDWR | os.O_DIRECT)
    size = os.lseek(device, 0, os.SEEK_END)
    must(size == 16384, f"the disk has {size} bytes")
    begin = bytes(i // 512 for i in range(size))
    os.close(device)
    with open(path, "r+b", buffering=0) as file:
        must(file.read(size) == begin, "each sector begins with its number")
        pattern = bytes(i * 7 & 255 for i in range(8192))
        file.seek(4096)
        file.write(pattern)
        os.fsync(file.fileno())
    os.posix_fadvise(os.open(path, os.O_RDONLY), 0, 0, os.POSIX_FADV_DONTNEED)
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as file:
        file.write("3")
    with open(path, "rb", buffering=0) as file:
        must(file.read(size) == begin[:4096] + pattern + begin[12288:], "what was written is there")


def midi(path):
    """The kernel listens a moment after the port was opened: so the first note is played until
    it is heard, and then each must come back."""
    device = os.open(path, os.O_RDWR)
    for _ in range(10):
        os.write(device, bytes((0x90, 35, 100)))
        if read(device, 3, 2):
            break
    while read(device, 3, 2):
        pass
    for note in range(36, 96):
        os.write(device, bytes((0x90, note, 100)))
        back = read(device, 3)
        if back != bytes((0x90, note + 1, 100)):
            must(False, f"note {note} came back as {back.hex()}")
    must(True, "sixty notes come back a semitone higher")


{"mouse": mouse, "disk": disk, "midi": midi}[sys.argv[1]](sys.argv[2])
