#!/usr/bin/env python3
"""uart_clients.py BLUEPILL PILLBUG.BIN - several programs at the virtual board's --uart.

TX is wired to RX, so whatever one of them types comes back through the probe, and all of
them must see it, whole and the same.  Ends with "N passed, M failed".
"""
import re
import signal
import socket
import subprocess
import sys
import threading

passed, failed = 0, 0


def check(what, condition):
    global passed, failed
    passed, failed = passed + bool(condition), failed + (not condition)
    print(f"  {'ok    ' if condition else 'FAILED'}  {what}")


board = subprocess.Popen([sys.argv[1], "--flash", sys.argv[2], "--uart", "0", "--gdb", "0",
                          "--loop", "--speed", "max"], stderr=subprocess.PIPE, text=True)
ports = {}
while len(ports) < 2:
    line = board.stderr.readline()
    if not line:
        raise SystemExit("the board did not start")
    if found := re.match(r"(\w+): 127.0.0.1:(\d+)$", line):
        ports[found.group(1)] = int(found.group(2))


def connect(name="uart"):
    client = socket.create_connection(("127.0.0.1", ports[name]))
    client.settimeout(30)
    return client


def read(client, count):
    data = b""
    while len(data) < count:
        more = client.recv(count - len(data))
        if not more:
            break
        data += more
    return data


def all_see(clients, sender, text):
    sender.sendall(text)
    return all(read(client, len(text)) == text for client in clients)


try:
    board.send_signal(signal.SIGSTOP)       # a busy machine: they come, and one types already
    three = [connect() for _ in range(3)]
    three[0].sendall(b"first\r\n")
    board.send_signal(signal.SIGCONT)
    check("what the first types all three see",
          all(read(client, 7) == b"first\r\n" for client in three))
    check("what the third types all three see", all_see(three, three[2], b"third\r\n"))

    # All at once: 3 x 20,000 bytes, each client's own letter and a count.
    typed = [b"".join(b"%c%06d\n" % (65 + i, n) for n in range(2500)) for i in range(3)]
    writers = [threading.Thread(target=c.sendall, args=(t,)) for c, t in zip(three, typed)]
    seen = [b""] * 3

    def take(i):
        seen[i] = read(three[i], sum(map(len, typed)))

    readers = [threading.Thread(target=take, args=(i,)) for i in range(3)]
    for thread in writers + readers:
        thread.start()
    for thread in writers + readers:
        thread.join()
    check("typing at once, all see the same", seen[0] == seen[1] == seen[2])
    check("and nothing is missing", sorted(seen[0]) == sorted(b"".join(typed)))

    three[1].close()
    rest = [three[0], three[2]]
    check("when one leaves, the others go on", all_see(rest, three[0], b"two of us\n"))
    rest.append(connect())
    check("one who comes later takes part", all_see(rest, rest[-1], b"three again\n"))
    for client in rest:
        client.close()
    last = connect()
    check("when all have left, the next one is served", all_see([last], last, b"alone\n"))

    gdb, second = connect("gdb"), connect("gdb")
    check("the port for gdb takes one only", second.recv(1) == b"")
    check("the board has found no fault", board.poll() is None)
except OSError as error:
    check(f"no connection is lost: {error}", False)
finally:
    board.kill()
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0 or passed == 0)
