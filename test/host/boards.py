#!/usr/bin/env python3
"""boards.py BUILD - starts virtual boards on the host for tests that run in the guest.

A connection is one board: it lives until the connection ends.  Lines of the guest:

    start OPTIONS...    runs BUILD/bluepill with these and two ports of its choice, in the
                        folder BUILD; answers "usbip PORT control PORT", or "error: why"
    stop                ends the board; answers "exit STATUS", what it had to say, "end"

The first line of standard output is the TCP port that was chosen.  Boards' messages go
to BUILD/log/host-board-N.log.
"""
import os
import re
import shlex
import socketserver
import subprocess
import sys
import threading
import time

BUILD = os.path.abspath(sys.argv[1])
LOGS = os.path.join(BUILD, "log")
START_LIMIT = 20                        # seconds until the board must listen
counter_lock = threading.Lock()
started = 0


def new_log():
    global started
    with counter_lock:
        started += 1
        return os.path.join(LOGS, f"host-board-{started}.log")


class Board:
    def __init__(self, options):
        self.log = new_log()
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [os.path.join(BUILD, "bluepill"), "--strict", "--usbip", "0", "--control", "0"]
                + options, cwd=BUILD, stderr=log, stdout=log)

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def ports(self):
        end = time.monotonic() + START_LIMIT
        while time.monotonic() < end and self.process.poll() is None:
            found = [re.search(rf"^{name}: .*:(\d+)$", self.said(), re.M)
                     for name in ("usbip", "control")]
            if all(found):
                return f"usbip {found[0].group(1)} control {found[1].group(1)}"
            time.sleep(0.05)
        return "error: " + self.said().replace("\n", " / ")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            status = self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = "killed"
        return f"exit {status}\n{self.said()}end"


class Connection(socketserver.StreamRequestHandler):
    def handle(self):
        board = None
        for line in self.rfile:
            words = shlex.split(line.decode())
            if words[:1] == ["start"] and not board:
                board = Board(words[1:])
                answer = board.ports()
            elif words == ["stop"] and board:
                answer = board.stop()
                board = None
            else:
                answer = "error: start OPTIONS or stop, one board a connection"
            try:
                self.wfile.write((answer + "\n").encode())
            except OSError:
                break
        if board:
            board.stop()


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


os.makedirs(LOGS, exist_ok=True)
with Server(("127.0.0.1", 0), Connection) as server:
    print(server.server_address[1], flush=True)
    server.serve_forever()
