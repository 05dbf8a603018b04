#!/usr/bin/env python3
"""echo.py TTY BAUD BYTES [FORMAT] - what is written to TTY must come back.

FORMAT is 8N1 (default), 7E1, ...  Prints how long it took; the exit status is 0 if every
byte came back and none besides.

Without flow control a wire waits for nobody, and what comes while this machine is busy with
something else is lost in the end.  So no more bytes are under way than the probe keeps for a
host that does not read at all; that none is lost at full rate is tested in virtual time
(test/sim/uart_bridge.c).
"""
import os
import random
import select
import sys
import termios
import time
import tty

path, baud, total = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
form = sys.argv[4] if len(sys.argv) > 4 else "8N1"
AHEAD = 1024                            # UART_IN of cdc.c
SILENCE = 10                            # seconds without a byte: give up

fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
tty.setraw(fd)
iflag, oflag, cflag, lflag, _, _, cc = termios.tcgetattr(fd)
cflag &= ~(termios.CSIZE | termios.PARENB | termios.PARODD | termios.CSTOPB
           | termios.CRTSCTS)
cflag |= termios.CREAD | termios.CLOCAL | {"7": termios.CS7, "8": termios.CS8}[form[0]]
cflag |= {"N": 0, "E": termios.PARENB, "O": termios.PARENB | termios.PARODD}[form[1]]
cflag |= {"1": 0, "2": termios.CSTOPB}[form[2]]
speed = getattr(termios, f"B{baud}")
termios.tcsetattr(fd, termios.TCSANOW, [iflag, oflag, cflag, lflag, speed, speed, cc])
termios.tcflush(fd, termios.TCIOFLUSH)

mask = 0x7F if form[0] == "7" else 0xFF
sent_bytes = bytes(byte & mask for byte in random.Random(baud).randbytes(total))
sent, back = 0, bytearray()
begin = last = time.monotonic()
while len(back) < total and time.monotonic() - last < SILENCE:
    may_send = min(total, len(back) + AHEAD) - sent
    readable, writable, _ = select.select([fd], [fd] if may_send else [], [], 1)
    if readable:
        back += os.read(fd, 4096)
        last = time.monotonic()
    if writable:
        sent += os.write(fd, sent_bytes[sent:sent + min(may_send, 4096)])
time.sleep(0.2)
try:
    back += os.read(fd, 4096)
except BlockingIOError:
    pass                                # nothing besides: as it should be
took = time.monotonic() - begin

if bytes(back) == sent_bytes:
    print(f"{total} bytes in {took:.1f} s")
    sys.exit(0)
same = next((i for i, (a, b) in enumerate(zip(back, sent_bytes)) if a != b),
            min(len(back), total))
print(f"{sent} bytes sent, {len(back)} came back in {took:.1f} s; the first difference is "
      f"at {same}: {bytes(back[same:same + 16]).hex(' ')} instead of "
      f"{sent_bytes[same:same + 16].hex(' ')}")
sys.exit(1)
