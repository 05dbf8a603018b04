#!/usr/bin/env python3
"""usbip_server.py BLUEPILL PILLBUG.BIN - the USB/IP server without a kernel.

Speaks the protocol (Linux Documentation/usb/usbip_protocol.rst) to the program BLUEPILL:
what is asked rightly is answered as the document says, and what is not, ends in an error
code or a closed connection, after which the next client is served as if nothing had been.
Ends with "N passed, M failed"; the exit status is 0 only if none failed.
"""
import re
import socket
import struct
import subprocess
import sys
import time

VERSION, DEVID = 0x0111, 0x00010001
SUBMIT, UNLINK, RET_SUBMIT, RET_UNLINK = 1, 2, 3, 4
OUT, IN = 0, 1
EPIPE, ECONNRESET, ESHUTDOWN, EREMOTEIO = -32, -104, -108, -121
ST_NODEV, ST_DEV_BUSY = 4, 2
SHORT_NOT_OK = 1

passed, failed = 0, []


def check(what, condition, detail=None):
    global passed
    if condition:
        passed += 1
    else:
        failed.append(what)
    print(f"  {'ok    ' if condition else 'FAILED'}  {what}"
          + (f": {detail!r}" if not condition else ""))


board = subprocess.Popen([sys.argv[1], "--flash", sys.argv[2], "--usbip", "0",
                          "--control", "0", "--loop", "--speed", "max"],
                         stderr=subprocess.PIPE, text=True)
ports = {}
while len(ports) < 2:
    line = board.stderr.readline()
    if not line:
        raise SystemExit("the board did not start")
    if found := re.match(r"(\w+): 127.0.0.1:(\d+)$", line):
        ports[found.group(1)] = int(found.group(2))


def control(command):
    with socket.create_connection(("127.0.0.1", ports["control"])) as line:
        line.sendall(command.encode() + b"\n")
        return line.recv(4096).decode().strip()


class Client:
    def __init__(self):
        self.socket = socket.create_connection(("127.0.0.1", ports["usbip"]))
        self.socket.settimeout(20)
        self.seqnum = 0

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def receive(self, length):
        data = b""
        while len(data) < length:
            try:
                more = self.socket.recv(length - len(data))
            except ConnectionResetError:
                more = b""
            if not more:
                break
            data += more
        return data

    def closed(self):
        return self.receive(1) == b""

    def import_device(self, bus_id=b"1-1"):
        """Returns the status and, if it is 0, the device."""
        self.send(struct.pack(">HHI32s", VERSION, 0x8003, 0, bus_id))
        version, code, status = struct.unpack(">HHI", self.receive(8))
        assert (version, code) == (VERSION, 0x0003)
        return status, self.receive(312) if status == 0 else b""

    def submit(self, endpoint, direction, length, setup=bytes(8), data=b"", flags=0,
               devid=DEVID, packets=0, interval=0):
        self.seqnum += 1
        self.send(struct.pack(">IIIIIIIIII8s", SUBMIT, self.seqnum, devid, direction,
                              endpoint, flags, length, 0, packets, interval, setup) + data)
        return self.seqnum

    def unlink(self, victim):
        self.seqnum += 1
        self.send(struct.pack(">IIIIII24x", UNLINK, self.seqnum, DEVID, 0, 0, victim))
        return self.seqnum

    def reply(self, directions={}):
        """(command, seqnum, status, data)"""
        header = self.receive(48)
        if len(header) < 48:
            return None
        command, seqnum, _, _, _, status, actual = struct.unpack(">IIIIIiI", header[:28])
        is_in = command == RET_SUBMIT and directions.get(seqnum, OUT) == IN
        return command, seqnum, status, self.receive(actual) if is_in else actual

    def control(self, setup, data=b""):
        kind, request, value, index, length = setup
        direction = kind >> 7
        seqnum = self.submit(0, direction, length, struct.pack("<BBHHH", *setup), data)
        command, got, status, result = self.reply({seqnum: direction})
        assert (command, got) == (RET_SUBMIT, seqnum)
        return status, result


def import_when_there(client_class=Client):
    """The board needs a moment of its own to be enumerated."""
    for _ in range(100):
        client = client_class()
        status, device = client.import_device()
        if status == 0:
            return client, device
        client.socket.close()
        time.sleep(0.05)
    raise SystemExit("the board cannot be imported")


def devlist():
    with Client() as client:
        client.send(struct.pack(">HHI", VERSION, 0x8005, 0))
        head = client.receive(12)
        count = struct.unpack(">I", head[8:])[0]
        device = client.receive(312) if count else b""
        interfaces = client.receive(4 * device[311]) if count else b""
        return head, device, interfaces, client.closed()


GET_DEVICE = (0x80, 6, 0x0100, 0, 18)
client, device = import_when_there()
client.socket.close()
time.sleep(0.2)

print("the list")
head, device, interfaces, ended = devlist()
check("DEVLIST is answered in version 1.1.1, with one device",
      head == struct.pack(">HHII", VERSION, 0x0005, 0, 1), head)
check("its bus id is 1-1", device[256:288].rstrip(b"\0") == b"1-1", device[256:288])
check("bus 1, device 1, full speed",
      struct.unpack(">III", device[288:300]) == (1, 1, 2), device[288:300])
check("vendor and product", device[300:304].hex() == "12090001", device[300:304].hex())
check("the class of a device with associations", device[306:309].hex() == "ef0201")
check("an entry for each interface, two of them CDC-ACM",
      interfaces.count(bytes.fromhex("02020000")) == 2, interfaces.hex())
check("then the server hangs up", ended)

print("an import")
client, device = import_when_there()
status, descriptor = client.control(GET_DEVICE)
check("GET_DESCRIPTOR returns the device descriptor",
      status == 0 and len(descriptor) == 18 and descriptor[:2] == b"\x12\x01", descriptor)
status, short = client.control((0x80, 6, 0x0200, 0, 4096))
total = struct.unpack("<H", short[2:4])[0]
check("more was asked for than there is: a short transfer",
      status == 0 and len(short) == total, (status, len(short)))
seqnum = client.submit(0, IN, 4096, struct.pack("<BBHHH", 0x80, 6, 0x0200, 0, 4096),
                       flags=SHORT_NOT_OK)
check("the same where short is not good: EREMOTEIO",
      client.reply({seqnum: IN})[2] == EREMOTEIO)
check("a descriptor that is not there: STALL",
      client.control((0x80, 6, 0x2200, 0, 64))[0] == EPIPE)
check("and the next request works", client.control(GET_DEVICE)[0] == 0)
client.submit(1, IN, 64)
check("an endpoint before SET_CONFIGURATION: EPIPE", client.reply()[2] == EPIPE)
check("SET_CONFIGURATION", client.control((0, 9, 1, 0, 0))[0] == 0)
check("SET_ADDRESS is not passed on", client.control((0, 5, 77, 0, 0))[0] == 0
      and client.control(GET_DEVICE)[0] == 0)
status, descriptor = client.control((0x80, 6, 0x0100, 0, 64))
check("64 bytes of device descriptor: the bus was reset, and the device answers",
      status == 0 and len(descriptor) == 18, (status, descriptor))
check("it is not configured any more", client.control((0x80, 8, 0, 0, 1)) == (0, b"\0"))
client.control((0, 9, 1, 0, 0))
check("a port reset is answered", client.control((0x23, 3, 4, 1, 0))[0] == 0)
check("and has unconfigured the device", client.control((0x80, 8, 0, 0, 1)) == (0, b"\0"))

print("bulk transfers, over a wire from TX to RX")
client.control((0, 9, 1, 0, 0))
config = client.control((0x80, 6, 0x0200, 0, total))[1]
pipes, interface, at = {}, 0, 0
while at < len(config):
    if config[at + 1] == 4:
        interface = config[at + 2]
        data_class = config[at + 5] == 10
    if config[at + 1] == 5 and data_class:
        pipes.setdefault(interface, []).append(config[at + 2])
    at += config[at]
uart = max(pipes)
out_pipe = next(pipe for pipe in pipes[uart] if pipe < 0x80)
in_pipe = next(pipe for pipe in pipes[uart] if pipe >= 0x80) & 15
coding = struct.pack("<IBBB", 115200, 0, 0, 8)
check("SET_LINE_CODING", client.control((0x21, 0x20, 0, uart - 1, 7), coding)[0] == 0)
check("SET_CONTROL_LINE_STATE", client.control((0x21, 0x22, 3, uart - 1, 0))[0] == 0)
text = b"the quick brown fox jumps over the lazy dog, 0123456789 times; " * 3
reading = [client.submit(in_pipe, IN, 64) for _ in range(4)]
wrote = client.submit(out_pipe, OUT, len(text), data=text)
back, written, answered = b"", None, []
while len(back) < len(text):
    command, seqnum, status, data = client.reply(dict.fromkeys(reading, IN))
    if seqnum == wrote:
        written = (status, data)
        continue
    answered.append((seqnum, status))
    back += data
    reading.append(client.submit(in_pipe, IN, 64))
check("the bytes are taken", written == (0, len(text)), written)
check("and come back", back == text, back)
check("the reads were answered in their order", answered == sorted(answered))
check("a halted endpoint: SET_FEATURE", client.control((2, 3, 0, out_pipe, 0))[0] == 0)
client.submit(out_pipe, OUT, 1, data=b"x")
while (answer := client.reply(dict.fromkeys(reading, IN)))[1] != client.seqnum:
    pass
check("is answered with STALL", answer[2] == EPIPE, answer)
check("CLEAR_FEATURE ends it", client.control((2, 1, 0, out_pipe, 0))[0] == 0)
client.submit(out_pipe, OUT, 1, data=b"x")
check("and the toggles agree again", client.reply()[2] == 0)

print("unlink")
while client.reply(dict.fromkeys(reading, IN))[3] != b"x":
    pass                                # it still comes back, to a read from before
victim = client.submit(in_pipe, IN, 64)
unlink = client.unlink(victim)
check("a waiting transfer is unlinked: ECONNRESET, and no other answer",
      client.reply()[:3] == (RET_UNLINK, unlink, ECONNRESET))
unlink = client.unlink(victim)
check("it is not there any more: 0", client.reply()[:3] == (RET_UNLINK, unlink, 0))
unlink = client.unlink(99999)
check("it never was: 0", client.reply()[:3] == (RET_UNLINK, unlink, 0))

print("who may not import")
with Client() as other:
    check("a second client: busy", other.import_device()[0] == ST_DEV_BUSY)
check("a device in use is not listed", devlist()[0][8:] == bytes(4))
with Client() as other:
    check("another bus id", other.import_device(b"1-2")[0] == ST_NODEV)
with Client() as other:
    check("a bus id that only begins alike", other.import_device(b"1-1.4")[0] == ST_NODEV)
    check("is hung up on", other.closed())
check("the first client is not disturbed", client.control(GET_DEVICE)[0] == 0)

print("the plug")
waiting = client.submit(in_pipe, IN, 64)
check("pulled", control("unplug") == "ok")
statuses = []
while answer := client.reply():
    statuses.append(answer[2])
check("every waiting transfer ends with ESHUTDOWN, and the connection with them",
      statuses and set(statuses) == {ESHUTDOWN}, statuses)
client.socket.close()
with Client() as other:
    check("nothing to import", other.import_device()[0] == ST_NODEV)
check("nothing to list", devlist()[0][8:] == bytes(4))
check("put back", control("plug") == "ok")
client, _ = import_when_there()
check("it works again", client.control(GET_DEVICE)[0] == 0)
client.socket.close()


def hung_up_on(what, data, imported=True):
    """A client that sends this is hung up on, and the next one is served."""
    other = import_when_there()[0] if imported else Client()
    other.send(data)
    ended = other.closed()
    other.socket.close()
    after, _ = import_when_there()
    works = after.control(GET_DEVICE)[0] == 0
    after.socket.close()
    check(what, ended and works, (ended, works))


def header(command=SUBMIT, devid=DEVID, direction=0, endpoint=0, length=0, packets=0):
    return struct.pack(">IIIIIIIIII8s", command, 1, devid, direction, endpoint, 0, length,
                       0, packets, 0, bytes(8))


print("who is hung up on")
hung_up_on("another version", struct.pack(">HHI", 0x0106, 0x8003, 0), imported=False)
hung_up_on("another operation", struct.pack(">HHI", VERSION, 0x8777, 0), imported=False)
hung_up_on("a web browser", b"GET / HTTP/1.1\r\n\r\n", imported=False)
hung_up_on("another device", header(devid=0x00010002))
hung_up_on("another command", header(command=9))
hung_up_on("2 GB to send", header(length=0x80000000))
hung_up_on("4 GB to receive", header(length=0xFFFFFFFF, direction=1))
hung_up_on("isochronous packets", header(endpoint=1, length=64, packets=8))

print("who is told that it cannot be")
for what, fields in (("endpoint 16", {"endpoint": 16}), ("direction 2", {"direction": 2}),
                     ("data without wLength", {"length": 8, "direction": 1})):
    client, _ = import_when_there()
    client.send(header(**fields))
    check(what, client.reply()[2] == EPIPE)
    check("   and the next request works", client.control(GET_DEVICE)[0] == 0)
    client.socket.close()

print("who goes in the middle of it")
for length in (1, 7, 39):
    with Client() as other:
        other.send(struct.pack(">HHI32s", VERSION, 0x8003, 0, b"1-1")[:length])
client, _ = import_when_there()
client.send(header(endpoint=2, length=64)[:30])
client.socket.close()
client, _ = import_when_there()
client.control((0, 9, 1, 0, 0))
for _ in range(16):
    client.submit(in_pipe, IN, 64)
client.socket.close()
client, _ = import_when_there()
check("the next one finds the device as new", client.control((0x80, 8, 0, 0, 1)) == (0, b"\0"))
client.socket.close()

board.terminate()
try:
    status = board.wait(20)
except subprocess.TimeoutExpired:
    board.kill()
    status = "killed"
check("the board found no fault with the firmware", status == 0, status)
print(f"{passed} passed, {len(failed)} failed")
sys.exit(1 if failed else 0)
