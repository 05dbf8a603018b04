#!/usr/bin/env python3
"""lldb_session.py - the same chip, debugged by lldb: a client that nobody here wrote.

Feeds commands to the lldb program and checks what it prints.  Environment as session.py.
"""
import os
import re
import subprocess
import sys

# lldb knows a module by its whole path.
ELF, PORT = os.path.abspath(os.environ["PILLBUG_ELF"]), os.environ["PILLBUG_GDB"]

# Command, what it must print, what that shows.  None: nothing in particular.
STEPS = [
    ("settings set target.process.stop-on-exec false", None, ""),
    (f"target create {ELF}", r"Current executable set", "the program is known"),
    (f"gdb-remote localhost:{PORT}", r"Process \d+ stopped|stopped",
     "lldb connects and attaches"),
    ("process plugin packet monitor version", r"Pillbug", "monitor works"),
    ("target modules load --load --slide 0 --file " + ELF, r"^(?!.*error)",
     "load: lldb finds the flash in the memory map"),
    ("register read --all", r"pc = 0x.*xpsr = 0x", "registers"),
    ("memory read --format x --size 4 --count 4 0xE000ED00", r"0xe000ed00: 0x41", "memory"),
    ("breakpoint set --name take_reading", r"Breakpoint 1: where = .*take_reading",
     "a breakpoint by name"),
    ("process continue", r"stop reason = breakpoint 1", "it is reached"),
    ("frame variable", r"reading|value", "locals and arguments"),
    ("thread step-over", r"stop reason = step over", "step over"),
    ("thread step-inst", r"stop reason = instruction step", "one instruction"),
    ("thread backtrace", r"take_reading.*main", "a backtrace"),
    ("watchpoint set expression -w write -s 4 -- &thermometer.last", r"Watchpoint created",
     "a watchpoint"),
    ("process continue", r"stop reason = watchpoint 1", "it is hit, and said to be it"),
    ("watchpoint delete --force", None, ""),
    ("memory write --size 4 0x20000700 0x12345678", None, ""),
    ("memory read --format x --size 4 --count 1 0x20000700", r"0x12345678", "memory written"),
    ("breakpoint delete --force", None, ""),
    ("process detach", None, ""),           # what it prints may come before lldb's end, or not
    (f"gdb-remote localhost:{PORT}", r"stopped", "lldb detaches, and connects again"),
    ("process kill", r"exited with status = 9", "kill"),
]

if "PILLBUG_ONCE" in os.environ:        # what carries us serves one connection
    STEPS = STEPS[:-3] + STEPS[-1:]

arguments = ["lldb", "--no-lldbinit", "--no-use-colors", "--batch"]
for command, _, _ in STEPS:
    arguments += ["-o", command]
try:
    done = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, text=True, timeout=240)
    text = done.stdout
except subprocess.TimeoutExpired as late:
    text = (late.stdout or b"").decode()
    print("lldb did not finish within 240 s")
print(text)

passed = failed = 0
pieces = re.split(r"^\(lldb\) (.*)$", text, flags=re.M)
answers = {}
for command, answer in zip(pieces[1::2], pieces[2::2]):
    answers.setdefault(command.strip(), []).append(answer)
for command, pattern, what in STEPS:
    if pattern is None:
        continue
    got = answers.get(command, [])
    if got and re.search(pattern, got.pop(0), re.S):
        passed += 1
    else:
        print(f"FAILED: {what}: {command} did not print /{pattern}/")
        failed += 1
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
