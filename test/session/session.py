#!/usr/bin/env python3
"""session.py - a whole debugging session, typed into the real gdb-multiarch.

Starts gdb and types at its prompt as a user would; every command is printed with what
gdb answers, and every answer is checked.  Environment: PILLBUG_GDB, PILLBUG_UART,
PILLBUG_CONTROL (TCP ports, or HOST:PORT; the first two may be serial devices such as
/dev/ttyACM0), PILLBUG_CHIP, PILLBUG_ELF.  Ends with a summary; the exit status is 0 only
if all of it worked.
"""
import os
import re
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
import tty

CHIP = os.environ["PILLBUG_CHIP"]
ELF = os.environ["PILLBUG_ELF"]
PORT = os.environ["PILLBUG_GDB"]
REMOTE = PORT if PORT.startswith("/") else f"localhost:{PORT}"
PROMPT = "(gdb) "
TIME_LIMIT = float(os.environ.get("PILLBUG_TIME_LIMIT", "300"))

passed, failed = [], []


def check(what, condition, detail=""):
    (passed if condition else failed).append(what)
    print(f"    [{'ok' if condition else 'FAILED'}] {what}"
          + (f": {detail}" if not condition and detail else ""))
    sys.stdout.flush()


gdb = subprocess.Popen(["gdb-multiarch", "-nx", "-q"], stdin=subprocess.PIPE,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0)


def until_prompt():
    """What gdb prints up to its next prompt, shown as it comes."""
    text, shown = "", 0
    while not text.endswith(PROMPT):
        data = os.read(gdb.stdout.fileno(), 65536)
        if not data:
            raise SystemExit("gdb has ended by itself")
        text += data.decode("utf-8", "replace")
        end = text.rfind("\n") + 1
        sys.stdout.write(text[shown:end])
        sys.stdout.flush()
        shown = end
    return text[:-len(PROMPT)]


def gdb_do(command):
    """Types one command; returns what gdb printed."""
    print(PROMPT + command)
    sys.stdout.flush()
    gdb.stdin.write(command.encode() + b"\n")
    return until_prompt()


def expect(command, pattern, what):
    text = gdb_do(command)
    found = re.search(pattern, text, re.S)
    check(what, found, f"wanted /{pattern}/")
    return found


class Line:
    """A connection read by a thread: text so far, and waiting for a pattern."""

    def __init__(self, where):
        if where.startswith("/"):
            self.fd = os.open(where, os.O_RDWR | os.O_NOCTTY)
            tty.setraw(self.fd)
            modes = termios.tcgetattr(self.fd)
            modes[4] = modes[5] = termios.B115200
            termios.tcsetattr(self.fd, termios.TCSANOW, modes)
        else:
            host, _, port = where.rpartition(":")
            self.fd = socket.create_connection((host or "127.0.0.1", int(port))).detach()
        self.text = ""
        self.changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while data := os.read(self.fd, 4096):
            with self.changed:
                self.text += data.decode("latin-1")
                self.changed.notify_all()

    def send(self, text):
        os.write(self.fd, text.encode("latin-1"))

    def mark(self):
        with self.changed:
            return len(self.text)

    def wait(self, pattern, since=0, limit=60.0):
        end = time.monotonic() + limit
        with self.changed:
            while not (found := re.search(pattern, self.text[since:])):
                left = end - time.monotonic()
                if left <= 0:
                    return None
                self.changed.wait(left)
        return found


class Control(Line):
    def ask(self, command):
        since = self.mark()
        self.send(command + "\n")
        found = self.wait(r"[^\n]*\n", since)
        return found.group(0).strip() if found else ""

    def simulated_ms(self):
        found = re.search(r"[\d.]+", self.ask("time"))
        return float(found.group(0)) if found else 0.0


def interrupt_when(line, pattern, since, first_type=""):
    """Ctrl-C from another thread, once the target is seen to run.  first_type is typed at
    the serial port when the target has said something: halted, it would not hear."""

    def press():
        if first_type:
            line.wait(r"It is", since)
            line.send(first_type)
        line.wait(pattern, since)
        gdb.send_signal(signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()


def give_up():
    print(f"\nThe session did not end within {TIME_LIMIT:.0f} s.")
    sys.stdout.flush()
    gdb.kill()
    os._exit(1)


def section(title):
    print(f"\n--- {title} ---")


watchdog = threading.Timer(TIME_LIMIT, give_up)
watchdog.daemon = True
watchdog.start()
speeds = []
uart = Line(os.environ["PILLBUG_UART"])
control = Control(os.environ["PILLBUG_CONTROL"])

section("connect")
until_prompt()
for setting in ("pagination off", "confirm off", "height 0", "width 0"):
    gdb_do(f"set {setting}")
expect(f"file {ELF}", "", "symbols of the program")
expect(f"target extended-remote {REMOTE}", r"Remote debugging using",
       "gdb connects")
expect("monitor version", r"Pillbug", "the probe says who it is")
expect("monitor swdp_scan", r"(?i)1\s+.*" + CHIP[:7],
       "the scan names the chip")
expect("attach 1", r"Attaching to program.*\n.*\n", "attach")
expect("info threads", r"\* 1 ", "the target is stopped, with one thread")

section("load")
before = control.simulated_ms()
text = gdb_do("load")
found = re.search(r"load size (\d+)", text)
check("load ends", found and "Transfer rate" in text)
if found:
    took = control.simulated_ms() - before
    speeds.append((int(found.group(1)), took))
    check("the program is at least 8 KB", int(found.group(1)) >= 8192)
text = gdb_do("compare-sections")
check("compare-sections finds every section in place",
      "matched" in text and "MIS-MATCHED" not in text)

section("breakpoints and stepping")
expect("break take_reading", r"Breakpoint 1 at", "a breakpoint by name")
expect("run", r"Breakpoint 1, take_reading", "run stops there")
expect("print thermometer", r"count = 0, last = 20", "a global structure")
expect("print *reading", r"last = 20", "an argument")
expect("backtrace", r"#0 .*take_reading.*#1 .*main", "a backtrace")
expect("next", r"^\d+\s", "next")
expect("info locals", r"value = \d+", "a local")
expect("tbreak average", r"Temporary breakpoint", "a temporary breakpoint")
expect("continue", r"average \(", "continue reaches it")
expect("print *values@2", r"= \{", "an array")
expect("finish", r"Value returned is .* = \d+", "finish shows the value")
expect("delete", "", "all breakpoints deleted")
steps = 0
pcs = set()
for _ in range(100):
    gdb_do("stepi")
    found = re.search(r"= (0x[0-9a-f]+)", gdb_do("print/x $pc"))
    steps += 1 if found else 0
    pcs.add(found and found.group(1))
check("a hundred stepi", steps == 100 and len(pcs) > 10, f"{steps} steps, {len(pcs)} places")
gdb_do("set debug remote 1")
text = gdb_do("stepi")
gdb_do("set debug remote 0")
check("a stop brings all the registers that gdb looks at", "vCont;s" in text
      and "packet: $g" not in text and "packet: $p" not in text)
expect("info registers", r"r0 .*xpsr", "registers")
expect("print/x $control", r"= 0x0", "a system register")
expect("step", r"\d+\s", "step by source line")

section("calls of functions from gdb")


def call_and_compare(stack):
    """All registers as before the call, and as gdb finds them when it asks anew."""
    before = gdb_do("info registers")
    expect("print factorial(5)", r"= 120", f"a function is called on {stack}")
    check(f"{stack}: gdb knows which it is", "Invalid state" not in gdb_do("info frame"))
    gdb_do("call ((void (*)(void))0x20001801)()")
    check(f"{stack}: all registers are as before", gdb_do("info registers") == before)
    gdb_do("maintenance flush register-cache")
    check(f"{stack}: in the chip too", gdb_do("info registers") == before)


gdb_do("tbreak average")
gdb_do("continue")
gdb_do("set {short}0x20001800 = 0xb672")        # cpsid i; bx lr
gdb_do("set {short}0x20001802 = 0x4770")
call_and_compare("msp")
for setting in ("$psp = $sp", "$control = 2", "$msp = 0x20003000"):
    gdb_do(f"set {setting}")
gdb_do("maintenance flush register-cache")
call_and_compare("psp")
for setting in ("$msp = $psp", "$control = 0", "$psp = 0"):
    gdb_do(f"set {setting}")
gdb_do("maintenance flush register-cache")

section("watchpoints")
expect("watch thermometer.count", r"ardware watchpoint", "watch")
expect("continue", r"ardware watchpoint.*thermometer.count.*Old value.*New value",
       "a write is reported with both values")
gdb_do("delete")
expect("rwatch wish", r"Hardware read watchpoint", "rwatch")
expect("continue", r"Hardware read watchpoint.*wish.*Value = ",
       "a read is reported as a read")
gdb_do("delete")
expect("awatch heartbeat", r"Hardware access", "awatch")
expect("continue", r"Hardware access.*heartbeat.*alue = ", "an access is reported as such")
gdb_do("delete")

section("Ctrl-C, and the serial port")
since = uart.mark()
interrupt_when(uart, r"It is -?\d+ degrees", since)
expect("continue", r"SIGINT", "Ctrl-C stops a running loop")
check("text of the target arrives on the second port",
      uart.wait(r"It is -?\d+ degrees", 0))
since = uart.mark()
interrupt_when(uart, r"PILLBUG", since, "pillbug")
expect("continue", r"SIGINT", "and again, while it echoes")
check("what is typed comes back in capitals", uart.wait(r"PILLBUG", since))

section("a hard fault in words")
gdb_do("tbreak grant")                  # not between its reading of wish and its clearing
gdb_do("continue")
gdb_do("set var wish = 1")
text = gdb_do("continue")
check("the fault stops the target", re.search(r"SIGSEGV", text))
check("the fault is explained in words", re.search(r"HardFault", text))
expect("backtrace", r"read_nowhere|HardFault|trap|main", "a backtrace of the fault")

if CHIP in ("samd21", "stm32f103"):     # the others: chip_session.py
    section("where no flash is, option bytes and fuses")
    fuses = {"samd21": 0x804000, "stm32f103": 0x1FFFF800}[CHIP]
    expect(f"restore {ELF} binary {fuses} 0 16", r"failed",
           "a load into them is refused")
    expect("monitor targets", r"monitor option ADDRESS VALUE.*KB flash",
           "and the next command tells which one does it")
    expect("monitor option", rf"{fuses:#x}: 0x\w+.*in force now", "they are shown")
    change, changed = {"samd21": ("0x804000 0xd8e0c7fa", "0xd8e0c7fa"),
                       "stm32f103": ("0x1ffff804 0x42", "0x1ffff804: 0xbd42")}[CHIP]
    expect(f"monitor option {change}", rf"power.*{changed}", "one is changed")
    expect(f"x/4wx {fuses}", changed[-8:] if CHIP == "samd21" else "bd42", "gdb sees it")
expect("monitor option everything", r"Usage", "other words are a misuse")
expect("attach 99", r"failed", "there is no target 99")
expect("monitor version", r"no target has this number", "and it says so")
expect("attach 1", r"process 1\n.*\(", "there is a target 1")

section("reset, run again, and leave")
expect("monitor reset", r"flush register-cache", "monitor reset says how gdb sees it")
expect("tbreak main", r"Temporary breakpoint", "a breakpoint at main")
expect("run", r"Temporary breakpoint .*main", "run starts again")
since = uart.mark()
expect("detach", r"Detaching|detached", "detach")
check("the target runs on after detach",
      uart.wait(r"Pillbug demo", since) and uart.wait(r"It is", since))

print()
for size, ms in speeds:
    print(f"load: {size} bytes in {ms:.0f} ms of simulated time, "
          f"{size / 1.024 / ms if ms else 0:.1f} KB/s")
print(f"{CHIP}: {len(passed)} passed, {len(failed)} failed")
for what in failed:
    print(f"  failed: {what}")
sys.stdout.flush()
gdb.kill()
os._exit(1 if failed else 0)
