#!/usr/bin/env python3
"""script_session.py NAME - runs NAME.gdb, a tool's own command sequence, in real gdb.

The scripts are what an IDE sends, with nothing added; what gdb prints is then searched
for the lines that the tool (or its user) would need to see, listed in the script as
comments `# expect: REGULAR EXPRESSION`, in order.
"""
import os
import re
import subprocess
import sys
import tempfile

name = sys.argv[1]
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name + ".gdb")
script = open(path).read()
if os.environ["PILLBUG_GDB"].startswith("/"):       # a serial port, not a TCP port
    script = script.replace("localhost:$PILLBUG_GDB", "$PILLBUG_GDB")
for variable in ("PILLBUG_GDB", "PILLBUG_ELF", "PILLBUG_CHIP"):
    script = script.replace("$" + variable, os.environ[variable])
expected = re.findall(r"^# expect: (.*)$", script, re.M)

with tempfile.NamedTemporaryFile("w", suffix=".gdb") as file:
    file.write(script)
    file.flush()
    try:
        done = subprocess.run(["gdb-multiarch", "-nx", "-iex",
                               "set auto-connect-native-target off", "-q", "-batch", "-x",
                               file.name],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=240)
        text, status = done.stdout, done.returncode
    except subprocess.TimeoutExpired as late:
        text, status = (late.stdout or b"").decode(), 1
        print(f"{name}: not finished after 240 s")
print(text)

failed = 0
at = 0
for pattern in expected:
    found = re.search(pattern, text[at:], re.S)
    if found:
        at += found.end()
    else:
        print(f"not seen (in this order): {pattern}")
        failed += 1
if status != 0:
    print(f"gdb ended with status {status}")
    failed += 1
print(f"{len(expected) + 1 - failed} passed, {failed} failed")
sys.exit(1 if failed else 0)
