#!/usr/bin/env python3
"""gdb_clients.py BLUEPILL PILLBUG.BIN - one debugger after the other at the virtual board's
--gdb, with no pause in between.

A debugger connects while the last one is just leaving: it gets its turn, is answered, and
the firmware sees DTR fall and rise in between.  One that finds the port in use by a client
who stays is told so.  Ends with "N passed, M failed".
"""
import re
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

ROUNDS = 20
passed, failed = 0, 0


def check(what, condition):
    global passed, failed
    passed, failed = passed + bool(condition), failed + (not condition)
    print(f"  {'ok    ' if condition else 'FAILED'}  {what}")


capture = tempfile.NamedTemporaryFile(suffix=".pcap")
board = subprocess.Popen([sys.argv[1], "--flash", sys.argv[2], "--gdb", "0", "--uart", "0",
                          "--control", "0", "--pcap", capture.name],
                         stderr=subprocess.PIPE, text=True)
ports = {}
while len(ports) < 3:
    line = board.stderr.readline()
    if not line:
        raise SystemExit("the board did not start")
    if found := re.match(r"(\w+): 127.0.0.1:(\d+)$", line):
        ports[found.group(1)] = int(found.group(2))


def connect(name="gdb", limit=10):
    client = socket.create_connection(("127.0.0.1", ports[name]))
    client.settimeout(limit)
    return client


def packet(text):
    return b"$%s#%02x" % (text, sum(text) & 255)


def is_answered(client):
    """Whether the board answers gdb's first packet, as it does to one who begins anew."""
    data = b""
    client.sendall(b"+" + packet(b"qSupported:swbreak+"))
    try:
        while not re.search(rb"PacketSize=[^#]*#..", data):
            more = client.recv(4096)
            if not more:
                return False
            data += more
    except OSError:
        return False
    client.sendall(b"+")
    return True


def busy():
    """What keeps a machine's cores from the board."""
    end = time.monotonic() + 60
    while not stop.is_set() and time.monotonic() < end:
        sum(range(20000))


def overlapping(name, leave):
    """Rounds of: the next one connects, then the last one leaves; who gets an answer?"""
    answered, last = 0, connect(name)
    is_answered(last)
    for n in range(ROUNDS):
        new = connect(name)
        time.sleep(leave * n)
        last.close()
        answered += is_answered(new)
        last = new
    last.close()
    return answered


def dtr_changes():
    """(time in s, level) of each SET_CONTROL_LINE_STATE for the port that was opened first."""
    data, at, changes, interface = open(capture.name, "rb").read(), 24, [], None
    while at + 80 <= len(data):
        seconds, micros, captured, _ = struct.unpack_from("<4I", data, at)
        event, setup = data[at + 16 + 8:at + 16 + 9], data[at + 56:at + 64]
        if event == b"S" and setup[:2] == b"\x21\x22":
            interface = setup[4] if interface is None else interface
            if setup[4] == interface:
                changes.append((seconds + micros / 1e6, setup[2] & 1))
        at += 16 + captured
    return changes


stop = threading.Event()
loads = [threading.Thread(target=busy) for _ in range(2)]
try:
    first = connect()
    check("the first is answered", is_answered(first))
    first.close()

    answered = 0
    for _ in range(ROUNDS):
        client = connect()
        answered += is_answered(client)
        client.close()
    check(f"one right after the other: {answered} of {ROUNDS} answered", answered == ROUNDS)

    for load in loads:
        load.start()
    answered = overlapping("gdb", 0.002)
    check(f"the next before the last has left: {answered} of {ROUNDS}", answered == ROUNDS)
    stop.set()

    time.sleep(0.3)
    changes = dtr_changes()
    levels = [level for _, level in changes]
    check("DTR rises and falls for each of them",
          levels == [1, 0] * (2 * ROUNDS + 2))
    gaps = [later - at for (at, level), (later, _) in zip(changes, changes[1:]) if not level]
    check(f"and stays low for at least 10 ms ({min(gaps) * 1e3:.1f} ms)", min(gaps) >= 0.01)

    stays, second = connect(), connect()
    check("one who stays is answered", is_answered(stays))
    check("and a second one is told that the port is taken", second.recv(1) == b"")
    check("which the first one does not notice", is_answered(stays))
    stays.close()

    eight = [connect("control") for _ in range(8)]
    ninth = connect("control")
    time.sleep(0.1)
    eight[3].close()
    ninth.sendall(b"time\n")
    check("the control port has a place when one is left", ninth.recv(100).strip())
    for client in eight + [ninth]:
        client.close()
    many = [connect("uart") for _ in range(8)]
    late = connect("uart")
    time.sleep(0.1)
    many[3].close()
    time.sleep(0.1)
    late.settimeout(1)
    try:
        check("and so has the serial port", late.recv(1) != b"")
    except TimeoutError:
        check("and so has the serial port", True)
    check("the board goes on", board.poll() is None)
except (OSError, ValueError) as error:
    check(f"no connection is lost: {error}", False)
finally:
    stop.set()
    board.kill()
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0 or passed == 0)
