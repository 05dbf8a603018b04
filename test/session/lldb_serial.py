#!/usr/bin/env python3
"""lldb_serial.py - lldb over a serial port, with the very line that the README tells.

lldb speaks to sockets only, so the README has the port made one by socat.  Here a
pseudo-terminal stands for /dev/ttyACM0, as a fresh one is: with echo, line by line, until
somebody says otherwise.  What goes through it goes to the virtual board's TCP port.  Then
the session of lldb_session.py has to work.  Environment as there.
"""
import os
import pty
import re
import select
import socket
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))


def carry(terminal, board):
    """Bytes both ways, until the board or the program is gone."""
    while True:
        for ready in select.select([terminal, board], [], [])[0]:
            data = os.read(terminal, 4096) if ready == terminal else board.recv(4096)
            if not data:
                return
            if ready == terminal:
                board.sendall(data)
            else:
                os.write(terminal, data)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_until_taken(port):
    """socat listens for one client: to connect would take it away from lldb."""
    for _ in range(200):
        try:
            with socket.socket() as one:
                one.bind(("127.0.0.1", port))
        except OSError:
            return
        time.sleep(0.05)


text = open(os.path.join(HERE, "../../README.md")).read()
line = re.search(r"socat TCP-LISTEN:(\d+)[\w,=]* (/dev/ttyACM0)[\w,=]*", text)
if not line or f"gdb-remote localhost:{line[1]}" not in text:
    print("README: there is no line with socat, or none for lldb to go with it")
    print("0 passed, 1 failed")
    sys.exit(1)

master, slave = pty.openpty()
board = socket.create_connection(("127.0.0.1", int(os.environ["PILLBUG_GDB"])))
threading.Thread(target=carry, args=(master, board), daemon=True).start()

port = str(free_port())
command = line[0].replace(line[1], port).replace(line[2], os.ttyname(slave))
print(f"$ {command}")
socat = subprocess.Popen(command.split(), stdin=subprocess.DEVNULL)
wait_until_taken(int(port))
try:
    session = subprocess.run([sys.executable, os.path.join(HERE, "lldb_session.py")],
                             env={**os.environ, "PILLBUG_GDB": port, "PILLBUG_ONCE": "1"})
finally:
    socat.terminate()
    socat.wait()
sys.exit(session.returncode)
