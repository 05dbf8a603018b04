#!/usr/bin/env python3
"""talk_session.py - programs that talk to their debugger, with the real gdb: RTT by the second
port, semihosting by gdb's console and files, SWO by a pin.

Started by run.sh.  gdb loads examples/rtt.c, tells the probe where its control block is, and
runs it; the test is the terminal at the second port.
"""
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

PORT, UART, CHIP = (os.environ[f"PILLBUG_{n}"] for n in ("GDB", "UART", "CHIP"))
EXAMPLES = os.path.abspath(os.path.dirname(os.environ["PILLBUG_ELF"]))
passed, failed = [], []


def check(what, good, seen=""):
    (passed if good else failed).append(what)
    print(f"    [{'ok' if good else 'FAILED'}] {what}" + ("" if good else f": {seen}"), flush=True)


class Terminal:
    """Whoever has the second port open."""
    def __init__(self):
        self.text, self.socket = "", socket.create_connection(("127.0.0.1", int(UART)))
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while data := self.socket.recv(4096):
            self.text += data.decode("latin-1")

    def says(self, pattern, seconds=30):
        end = time.time() + seconds
        while time.time() < end and not re.search(pattern, self.text):
            time.sleep(0.05)
        return re.search(pattern, self.text)


def start_gdb(*commands, elf, stdin=subprocess.DEVNULL):
    words = ["gdb-multiarch", "-nx", "-q", "-batch"]
    for c in ["set pagination off", "set confirm off", "set width 0",
              f"target extended-remote localhost:{PORT}"] + list(commands):
        words += ["-ex", c]
    return subprocess.Popen(words + [f"{EXAMPLES}/{elf}-{CHIP}.elf"], stdin=stdin,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def stop(gdb):
    """Ctrl-C; gdb goes on with the commands behind the one that was running."""
    gdb.send_signal(signal.SIGINT)
    return gdb.communicate(timeout=60)[0]


terminal = Terminal()

# --- RTT -----------------------------------------------------------------------------------
gdb = start_gdb("monitor swd_scan", "attach 1", "load", "run", "monitor rtt", "p rounds > 0",
                "p _SEGGER_RTT.up[0].flags", "detach", elf="rtt")
check("gdb gives the symbol, and the program is heard from its first line on",
      terminal.says(r"^RTT on [^\n]*\ntick 0\r\ntick 1\r\n"), terminal.text[:300])
terminal.socket.sendall(b"pillbug")
check("what is typed comes back in capitals", terminal.says("P.*I.*L.*L.*B.*U.*G(?s:.*)"), terminal.text[-300:])
text = stop(gdb)
check("it was not disturbed by a stop", re.search(r"RTT is auto, channel 0: block at 0x2000", text), text)
ticks = [int(t) for t in re.findall(r"tick (\d+)", terminal.text)]
check("no line is lost", ticks == list(range(len(ticks))), ticks)

terminal.text = ""
gdb = start_gdb("monitor rtt enable", "attach 1", "run", "detach", elf="rtt")
check("after another run it begins anew",
      terminal.says(r"RTT on [^\n]*\ntick 0\r\ntick 1\r\n"), terminal.text[-300:])
stop(gdb)
time.sleep(0.2)
terminal.text = ""
check("with no gdb at all it goes on", terminal.says(r"tick \d+\r\ntick \d+\r\n"), terminal.text)
gdb = start_gdb("attach 1", "monitor rtt disable", "detach", elf="rtt")
gdb.communicate(timeout=60)
time.sleep(0.2)
terminal.text = ""
check("until it is switched off", not terminal.says(r"tick", 1), terminal.text)

# --- semihosting -----------------------------------------------------------------------------
def batch(*commands, status=0):
    """What gdb -batch says, and with what it ends: as a script runs tests on a chip."""
    run = start_gdb("monitor swd_scan", "attach 1", "load", *commands, "quit $_exitcode",
                    elf="semihosting")
    text = run.communicate(timeout=60)[0]
    return text, run.returncode


os.chdir(tempfile.mkdtemp())
text, status = batch("set args one two", "run")
check("a program talks, writes and reads files, and ends well", "All went well." in text and status == 0,
      f"{status}: {text}")
check("its text is gdb's console's", "Semihosting on " in text and "written by SYS_WRITE" in text, text)
check("it is told time and command line", "command line: - one two" in text and
      re.search(f"seconds since 1970: {int(time.time()) // 1000}", text), text)
check("no file is left", os.listdir(".") == [], os.listdir("."))
text, status = batch("break main", "run", "set var status = 42", "continue")
check("its status is gdb's own", status == 42 and "exited with code 052" in text, f"{status}: {text}")
text, status = batch("monitor redirect_stdout enable", "run")
check("its text may go to the second port", status == 0 and "All went well" not in text and
      terminal.says("All went well"), text)
batch("monitor redirect_stdout disable", "run")


def asked(*commands):
    """The program, as it waits for a line from gdb's own input."""
    gdb = start_gdb("monitor swd_scan", "attach 1", "load", "break main", "run", "delete",
                    "set var asks = 1", "continue", *commands, elf="semihosting",
                    stdin=subprocess.PIPE)
    text = ""
    while "written by SYS_WRITE" not in text and (line := gdb.stdout.readline()):
        text += line
    time.sleep(0.3)
    return gdb, text


gdb, text = asked("quit $_exitcode")
text += gdb.communicate("a line of text.\nA", timeout=60)[0]
check("it reads what is typed at gdb", "a line of text." in text and "next character: 65" in text and "All went well" in text and
      gdb.returncode == 0, text)
gdb, text = asked("print step", "stepi", "kill")
text = stop(gdb)
check("Ctrl-C stops it while it waits for that", "received signal SIGINT" in text and
      re.search(r"\$1 = [1-9]", text) and "All went well" not in text, text)
text, status = batch("break 'semihosting.c':request", "run", "stepi", "stepi", "stepi", "stepi", "stepi",
                     "stepi", "delete", "next", "continue")
check("steps go over a call", "All went well." in text and status == 0, f"{status}: {text}")
text, status = batch("run", "run", "attach 1", "info registers pc", "detach", "attach 1", "run")
check("what has ended is run again, and attached", text.count("All went well.") == 3 and status == 0,
      f"{status}: {text}")

# lldb has no File-I/O: "lost connection" is what it makes of a request.
lldb = subprocess.run(["lldb", "--no-lldbinit", "--no-use-colors", "--batch",
                       "-o", f"target create {EXAMPLES}/semihosting-{CHIP}.elf",
                       "-o", f"gdb-remote localhost:{PORT}", "-o", "process plugin packet monitor reset halt",
                       "-o", "process continue"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                      stderr=subprocess.STDOUT, text=True, timeout=120)
check("lldb shows the text, has no files, and is told the status",
      re.search(r"written by SYS_WRITE.*failed: open a file to write.*exited with status = 6", lldb.stdout, re.S),
      lldb.stdout)

# --- SWO ---------------------------------------------------------------------------------------
def trace():
    """`run` kills what runs first, so the program is heard twice from its first line on."""
    terminal.text = ""
    gdb = start_gdb("monitor swd_scan", "attach 1", "load", "monitor swo setup 8M 2M",
                    "monitor traceswo enable 2000000 decode 0", "run", "monitor swo", "stepi", "detach",
                    elf="itm")
    check("text comes by SWO, without values and samples",
          terminal.says(r"ITM on [^\n]*\ntick 0\r\ntick 1\r\ntick 2\r\n"), terminal.text[:300])
    text = stop(gdb)
    check("the true rates are said, and nothing was lost", text.count("SWO: 2000000 baud") == 2 and
          re.search(r"SWO on: \d+ bytes, 0 lost; line errors \(another baud\?\) 0\n", text), text)
    seen = len(terminal.text)
    time.sleep(0.2)
    check("it goes on without gdb", "tick" in terminal.text[seen:], terminal.text[seen:])
    start_gdb("attach 1", "monitor swo disable", "detach", elf="itm").communicate(timeout=60)
    time.sleep(0.2)
    ticks = [int(t) for t in re.findall(r"tick (\d+)\r\n", terminal.text[terminal.text.rfind("ITM"):])]
    check("no line is lost", ticks == list(range(len(ticks))), ticks[:20])
    terminal.text = ""
    check("until SWO is switched off", not terminal.says("tick", 1), terminal.text[:300])


def no_trace():
    text = start_gdb("monitor swd_scan", "attach 1", "monitor swo setup 8M 2M", "monitor swo manchester",
                     elf="rtt").communicate(timeout=60)[0]
    check("a chip without SWO says so", "this chip or core cannot do that" in text, text)


trace() if CHIP == "stm32f103" else no_trace()

print(f"{CHIP}: {len(passed)} passed, {len(failed)} failed")
for what in failed:
    print(f"  failed: {what}")
sys.exit(1 if failed or not passed else 0)
