#!/usr/bin/env python3
"""mi_session.py NAME - runs NAME.mi, what an IDE sends to gdb's machine interface (mi2).

Lines that begin with `-` are commands.  Those that stand together are sent together, as an
IDE does that does not wait for each answer; all must succeed before it goes on.  The rest:

    ## TITLE              a part; begins with a gdb of its own if the last one has ended
    # expect: PATTERN     in what gdb has printed since the commands before
    # stopped: PATTERN    the target stops within 20 s (or has, since the commands before), so
    # sleep: SECONDS      the user looks at it
    # other comments say who sends it, and when

Environment as session.py.
"""
import os
import queue
import re
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
LIMIT = 20.0
passed, failed = 0, []


def check(what, condition, detail=""):
    global passed
    passed += bool(condition)
    if not condition:
        failed.append(what)
        print(f"    [FAILED] {what}" + (f"\n{detail}" if detail else ""))


class Gdb:
    def __init__(self):
        self.process = subprocess.Popen(
            ["gdb-multiarch", "-nx", "-iex", "set auto-connect-native-target off", "-q",
             "--interpreter=mi2"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, bufsize=1)
        self.lines = queue.Queue()
        self.token = 0
        self.said = []                  # since the last commands
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def wait(self, pattern, limit=LIMIT):
        """The first line like that, among those since the last commands."""
        end, at = time.monotonic() + limit, 0
        while True:
            for line in self.said[at:]:
                if re.search(pattern, line):
                    return line
            at = len(self.said)
            try:
                line = self.lines.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                return None
            if line is None:
                return None
            print(line)
            self.said.append(line)

    def send(self, commands):
        self.said = []
        first = self.token + 1
        for command in commands:
            self.token += 1
            print(f"{self.token}{command}")
        self.process.stdin.write("".join(f"{first + i}{command}\n"
                                         for i, command in enumerate(commands)))
        self.process.stdin.flush()
        for i, command in enumerate(commands):
            answer = self.wait(rf"^{first + i}\^")
            check(f"{command}", answer and "^error" not in answer, answer or "no answer")

    def ended(self):
        try:
            return self.process.wait(timeout=5) == 0
        except subprocess.TimeoutExpired:
            return False


script = open(os.path.join(HERE, sys.argv[1] + ".mi")).read()
if os.environ["PILLBUG_GDB"].startswith("/"):
    script = script.replace("localhost:$PILLBUG_GDB", "$PILLBUG_GDB")
for variable in ("PILLBUG_GDB", "PILLBUG_ELF"):
    script = script.replace("$" + variable, os.environ[variable])
script = script.replace("$HERE", HERE)

gdb, block = None, []
for line in script.splitlines() + [""]:
    if line.startswith("-"):
        block.append(line)
        continue
    if block:
        gdb.send(block)
        if block[-1] == "-gdb-exit":
            check("gdb ends", gdb.ended())
            gdb = None
        block = []
    word, _, rest = line.partition(" ")
    kind, _, pattern = rest.partition(": ")
    if word == "##":
        print(f"\n--- {rest} ---")
        gdb = gdb or Gdb()
    elif word == "#" and kind == "expect":
        check(f"gdb says {pattern}", gdb.wait(pattern), "it did not")
    elif word == "#" and kind == "stopped":
        stop = gdb.wait(r"^\*stopped")
        check(f"stopped at {pattern}", stop and re.search(pattern, stop), stop or "still running")
    elif word == "#" and kind == "sleep":
        time.sleep(float(pattern))
if gdb:
    gdb.process.kill()
for what in failed:
    print(f"  failed: {what}")
print(f"{passed} passed, {len(failed)} failed")
sys.exit(1 if failed else 0)
