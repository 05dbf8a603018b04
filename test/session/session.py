"""session.py - a whole debugging session, typed into the real gdb-multiarch.

Runs inside gdb (`gdb-multiarch -x session.py`).  Every command is printed as a user
would type it, with what gdb answers; every answer is checked.  Environment:
PILLBUG_GDB, PILLBUG_UART, PILLBUG_CONTROL (TCP ports), PILLBUG_CHIP, PILLBUG_ELF.
Ends with a summary; gdb's exit status is 0 only if all of it worked.
"""
import os
import re
import signal
import socket
import sys
import threading
import time

import gdb

CHIP = os.environ["PILLBUG_CHIP"]
ELF = os.environ["PILLBUG_ELF"]
PORT = os.environ["PILLBUG_GDB"]
SOURCE = "demo.c"
TIME_LIMIT = float(os.environ.get("PILLBUG_TIME_LIMIT", "300"))

passed, failed = [], []


def check(what, condition, detail=""):
    (passed if condition else failed).append(what)
    print(f"    [{'ok' if condition else 'FAILED'}] {what}"
          + (f": {detail}" if not condition and detail else ""))
    sys.stdout.flush()


def gdb_do(command):
    """Types one command; returns what gdb printed, errors too."""
    print(f"(gdb) {command}")
    sys.stdout.flush()
    try:
        text = gdb.execute(command, to_string=True)
    except gdb.error as error:
        text = f"{error}\n"
    except KeyboardInterrupt:
        text = "Quit\n"
    for line in text.rstrip("\n").split("\n") if text.strip() else []:
        print(f"    {line}")
    sys.stdout.flush()
    return text


def expect(command, pattern, what):
    text = gdb_do(command)
    found = re.search(pattern, text, re.S)
    check(what, found, f"wanted /{pattern}/")
    return found


class Line:
    """A TCP connection read by a thread: text so far, and waiting for a pattern."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", int(port)))
        self.text = ""
        self.changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while data := self.socket.recv(4096):
            with self.changed:
                self.text += data.decode("latin-1")
                self.changed.notify_all()

    def send(self, text):
        self.socket.sendall(text.encode("latin-1"))

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


def interrupt_when(line, pattern, since):
    """Ctrl-C from another thread, once the target is seen to run."""

    def press():
        line.wait(pattern, since)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()


def give_up():
    print(f"\nThe session did not end within {TIME_LIMIT:.0f} s.")
    sys.stdout.flush()
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
for setting in ("pagination off", "confirm off", "height 0", "width 0",
                "print address on", "style enabled off"):
    gdb.execute(f"set {setting}")
expect(f"file {ELF}", "", "symbols of the program")
expect(f"target extended-remote localhost:{PORT}", r"Remote debugging using",
       "gdb connects")
expect("monitor version", r"Pillbug", "the probe says who it is")
expect("monitor swdp_scan", {"samd21": r"1\s+.*SAMD21", "stm32f103": r"1\s+.*STM32F1"}[CHIP],
       "the scan names the chip")
expect("attach 1", r"Program stopped|Reset|0x[0-9a-f]+ in|\(\)", "attach stops the target")
expect("info threads", r"\* 1 ", "there is one thread")

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
expect("next", r"\n|value", "next")
expect("info locals", r"value = \d+", "a local")
expect("tbreak average", r"Temporary breakpoint", "a temporary breakpoint")
expect("continue", r"average \(", "continue reaches it")
expect("print *values@2", r"= \{", "an array")
expect("finish", r"Value returned is .* = \d+", "finish shows the value")
expect("delete", "", "all breakpoints deleted")
pcs = set()
steps = 0
for _ in range(100):
    try:
        gdb.execute("stepi", to_string=True)
        pcs.add(int(gdb.parse_and_eval("(unsigned)$pc")))
        steps += 1
    except gdb.error as error:
        print(f"    stepi: {error}")
        break
print("(gdb) stepi        (a hundred times)")
check("a hundred stepi", steps == 100 and len(pcs) > 10, f"{steps} steps, {len(pcs)} places")
expect("info registers", r"r0 .*xpsr", "registers")
expect("print/x $control", r"= 0x0", "a system register")
expect("step", r"", "step by source line")

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
uart.send("pillbug")
interrupt_when(uart, r"PILLBUG", since)
expect("continue", r"SIGINT", "and again, while it echoes")
check("what is typed comes back in capitals", uart.wait(r"PILLBUG", since))

section("a hard fault in words")
gdb_do("set var wish = 1")
text = gdb_do("continue")
check("the fault stops the target", re.search(r"SIGSEGV", text))
check("the fault is explained in words", re.search(r"HardFault", text))
expect("backtrace", r"read_nowhere|HardFault|trap|main", "a backtrace of the fault")

section("reset, run again, and leave")
expect("monitor reset", r"", "monitor reset")
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
os._exit(1 if failed else 0)
