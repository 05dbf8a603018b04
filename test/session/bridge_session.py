#!/usr/bin/env python3
"""bridge_session.py - real clients come and go, and the port is never closed.

Between them and the board is what a TCP bridge is (socat, ser2net), or a serial port that
another program holds open: one connection to the board for as long as this runs, and DTR with
it.  Each client is killed in the middle of something; the next must be served at once, and
find the board as after power-on.  Environment as session.py.
"""
import os
import re
import selectors
import shutil
import socket
import subprocess
import sys
import threading
import time

ELF, PORT = os.environ["PILLBUG_ELF"], os.environ["PILLBUG_GDB"]
AT_ONCE = 8.0           # seconds; gdb gives a server up after 30, and after 2 repeats itself
failed = passed = 0


def check(what, condition, detail=""):
    global failed, passed
    passed, failed = passed + bool(condition), failed + (not condition)
    print(f"    [{'ok' if condition else 'FAILED'}] {what}" + ("" if condition else f"\n{detail}"))


class Bridge(threading.Thread):
    """One client at a time; what comes for a client that has left is lost."""

    def __init__(self):
        super().__init__(daemon=True)
        self.board = socket.create_connection(("127.0.0.1", int(PORT)))
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port = self.door.getsockname()[1]
        self.start()

    def run(self):
        client = None
        ready = selectors.DefaultSelector()
        for s in (self.board, self.door):
            ready.register(s, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                if key.fileobj is self.door:
                    if client:
                        ready.unregister(client)
                        client.close()
                    client = self.door.accept()[0]
                    ready.register(client, selectors.EVENT_READ)
                elif key.fileobj is self.board:
                    data = self.board.recv(65536)
                    if client:
                        try:
                            client.sendall(data)
                        except OSError:
                            pass
                elif key.fileobj is client:
                    try:
                        data = client.recv(65536)
                    except OSError:
                        data = b""
                    if data:
                        self.board.sendall(data)
                    else:
                        ready.unregister(client)
                        client.close()
                        client = None


bridge = Bridge()
GDB = ["gdb-multiarch", "-nx", "-q", "-batch", "-iex", "set confirm off",
       "-iex", "set auto-connect-native-target off", ELF]


def commands(*lines):
    return [word for line in lines for word in ("-ex", line.replace("PORT", str(bridge.port)))]


def killed(*lines):
    """A gdb that is killed half a second after it has come to its last command."""
    process = subprocess.Popen(GDB + commands(*lines[:-1], "echo NOW\\n", lines[-1]), text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                               stdin=subprocess.DEVNULL)
    for line in process.stdout:
        if "NOW" in line:
            break
    time.sleep(0.5)
    process.kill()
    process.wait()


def client(what, command, *patterns):
    begun = time.monotonic()
    try:
        text = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              stdin=subprocess.DEVNULL, timeout=120).stdout
    except subprocess.TimeoutExpired as late:
        text = (late.stdout or b"").decode()
    took = time.monotonic() - begun
    seen = all(re.search(pattern, text, re.S) for pattern in patterns)
    check(f"{what}: {took:.1f} s", seen and took < AT_ONCE and "timeout" not in text, text)


def gdb(what, *patterns):
    client(what, GDB + commands(
        "target extended-remote localhost:PORT", "info threads", "attach 1", "stepi",
        "x/4wx 0xE000ED00", "detach"),
        r"No threads", r"0xe000ed00:\s+0x41", r"Inferior 1 .*detached", *patterns)


gdb("the first one")
gdb("one after it, that has left as it should")
killed("target extended-remote localhost:PORT", "attach 1", "load", "tbreak main", "run",
       "break take_reading", "shell sleep 20")
gdb("after one that was killed with its target halted at main")
killed("target extended-remote localhost:PORT", "attach 1", "delete", "continue")
gdb("after one that was killed while its target ran")
killed("target extended-remote localhost:PORT", "attach 1", "set can-use-hw-watchpoints 0",
       "watch heartbeat if heartbeat == 0xFFFFFFFF", "continue")
gdb("after one that was killed between two of its stops")
killed("set remote noack-packet off", "target extended-remote localhost:PORT",
       "attach 1", "continue")
gdb("after one that acknowledged all the time")
killed("target extended-remote localhost:PORT", "attach 1", "monitor erase_mass",
       "monitor flash_skip disable", "python for i in range(50): gdb.execute('load')")
gdb("after one that was killed somewhere in a load")
client("target remote", GDB + commands("target remote localhost:PORT", "info threads",
                                       "stepi", "disconnect", "target remote localhost:PORT",
                                       "info threads"),
       r"\* 1 .*\* 1 ")
gdb("after target remote")
if shutil.which("lldb"):
    client("lldb", ["lldb", "--no-lldbinit", "--no-use-colors", "--batch",
                    "-o", f"target create {os.path.abspath(ELF)}",
                    "-o", f"gdb-remote localhost:{bridge.port}", "-o", "register read pc",
                    "-o", "process detach"], r"stopped", r"pc = 0x", r"detached")
    gdb("after lldb")
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
