#!/usr/bin/env python3
"""chip_session.py - the real gdb writes the flash of a virtual chip, in all the ways people do.

First and last block, across a bank, two sections with a gap, the same once more, a range erased
and its neighbours not, everything erased; on a wire with noise; the target's power cut in the
middle; read protection put on and taken off.  Started by run.sh CHIP chip, which sets the same
environment as for session.py.
"""
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

CHIP = os.environ["PILLBUG_CHIP"]
PORT = os.environ["PILLBUG_GDB"]
CONTROL = int(os.environ["PILLBUG_CONTROL"])
K = 1024


class Chip:
    """What the scan says; flash, in runs (address, size, erase block); where a load goes on
    from one run or bank to the next; options: one to change, and how protection is put on."""
    def __init__(self, scan, runs, option=None, lock=None):
        self.scan, self.runs, self.option, self.lock = scan, runs, option, lock


def f4(base, size, unit=16 * K):
    return [(base, 4 * unit, unit), (base + 4 * unit, 4 * unit, 4 * unit),
            (base + 8 * unit, size - 8 * unit, 8 * unit)]


FLASH = 0x08000000
CHIPS = {
    "stm32f103": Chip(r"STM32F10x x8/xB +Cortex-M3 .* 64 KB", [(FLASH, 64 * K, 1 * K)],
                      ("0x1ffff804", "0x42", "0xbd42"), ("0x1ffff800", "0xff")),
    "stm32f030": Chip(r"STM32F05/F030x8 +Cortex-M0 .* 64 KB", [(FLASH, 64 * K, 1 * K)],
                      ("0x1ffff804", "0x42", "0xbd42"), ("0x1ffff800", "0xbb")),
    "stm32f303": Chip(r"STM32F302/F303 +Cortex-M4 .* 256 KB", [(FLASH, 256 * K, 2 * K)],
                      ("0x1ffff804", "0x42", "0xbd42"), ("0x1ffff800", "0xbb")),
    "stm32f107": Chip(r"STM32F105/F107 +Cortex-M3 .* 256 KB", [(FLASH, 256 * K, 2 * K)],
                      ("0x1ffff804", "0x42", "0xbd42"), ("0x1ffff800", "0xff")),
    "stm32f103xg": Chip(r"STM32F10x xF/xG +Cortex-M3 .* 1024 KB",
                        [(FLASH, 512 * K, 2 * K), (FLASH + 512 * K, 512 * K, 2 * K)],
                        ("0x1ffff804", "0x42", "0xbd42"), ("0x1ffff800", "0xff")),
    "samd21": Chip(r"ATSAMD21G18A +Cortex-M0\+ .* 256 KB", [(0, 256 * K, 256)],
                   ("0x804000", "0xd8e0c7fa", "0xd8e0c7fa")),
    "samc21": Chip(r"ATSAMC21\w* +Cortex-M0\+ .* 256 KB", [(0, 256 * K, 256)]),
    "saml21": Chip(r"ATSAML21\w* +Cortex-M0\+ .* 256 KB", [(0, 256 * K, 256)]),
    "samd51": Chip(r"ATSAMD51\w* +Cortex-M4 .* 1024 KB", [(0, 1024 * K, 8 * K)],
                   ("0x80400c", "0x12345678", "0x12345678")),
    "stm32f205": Chip(r"STM32F20x/F21x +Cortex-M3 .* 1024 KB", f4(FLASH, 1024 * K),
                      ("0x40023c14", "0x0fffaae1", "0xfffaae1"), ("0x40023c14", "0x0fff55ed")),
    "stm32f405": Chip(r"STM32F405/F407 +Cortex-M4 .* 1024 KB", f4(FLASH, 1024 * K),
                      ("0x40023c14", "0x0fffaae1", "0xfffaae1"), ("0x40023c14", "0x0fff55ed")),
    "stm32f429": Chip(r"STM32F42x/F43x +Cortex-M4 .* 2048 KB",
                      f4(FLASH, 1024 * K) + f4(FLASH + 1024 * K, 1024 * K),
                      ("0x40023c18", "0x0ffe0000", "0xffe0000"), ("0x40023c14", "0x0fff55ed")),
    "stm32f746": Chip(r"STM32F74x/F75x +Cortex-M7 .* 1024 KB", f4(FLASH, 1024 * K, 32 * K),
                      ("0x40023c18", "0x00400081", "0x400081"), ("0x40023c14", "0xc0ff55fd")),
    "stm32f767": Chip(r"STM32F76x/F77x +Cortex-M7 .* 2048 KB", f4(FLASH, 2048 * K, 32 * K),
                      ("0x40023c18", "0x00400081", "0x400081"), ("0x40023c14", "0xffff55fd")),
    "stm32l476": Chip(r"STM32L47x/L48x +Cortex-M4 .* 1024 KB",
                      [(FLASH, 512 * K, 2 * K), (FLASH + 512 * K, 512 * K, 2 * K)],
                      ("0x40022020", "0xffeff9aa", "0xffeff9aa"), ("0x40022020", "0xffeff8bb")),
    "stm32g474": Chip(r"STM32G47x/G48x +Cortex-M4 .* 512 KB",
                      [(FLASH, 256 * K, 2 * K), (FLASH + 256 * K, 256 * K, 2 * K)],
                      None, ("0x40022020", "0xffeff8bb")),
    "stm32g071": Chip(r"STM32G07x/G08x +Cortex-M0\+ .* 128 KB", [(FLASH, 128 * K, 2 * K)],
                      None, ("0x40022020", "0xfffffebb")),
    "stm32g0b1": Chip(r"STM32G0Bx/G0Cx +Cortex-M0\+ .* 512 KB",
                      [(FLASH, 256 * K, 2 * K), (FLASH + 256 * K, 256 * K, 2 * K)],
                      None, ("0x40022020", "0xfffffebb")),
    "nrf51822": Chip(r"nRF51822 +Cortex-M0 .* 256 KB", [(0, 256 * K, 1 * K)],
                     ("0x10001010", "0x12345678", "0x12345678"), ("0x10001004", "0xffff00ff")),
    "nrf52840": Chip(r"nRF52840 +Cortex-M4 .* 1024 KB", [(0, 1024 * K, 4 * K)],
                     ("0x1000120c", "0xfffffffe", "0xfffffffe"), ("0x10001208", "0xffffff00")),
}
chip = CHIPS[CHIP]
START = chip.runs[0][0]
END = chip.runs[-1][0] + chip.runs[-1][1]
passed, failed = [], []
work = tempfile.mkdtemp()


def check(what, condition, detail=""):
    (passed if condition else failed).append(what)
    print(f"    [{'ok' if condition else 'FAILED'}] {what}"
          + (f": {detail}" if not condition and detail else ""), flush=True)


control = socket.create_connection(("127.0.0.1", CONTROL)).makefile("rw")


def board(order):
    control.write(order + "\n")
    control.flush()
    return control.readline().strip()


def gdb(*commands, elf=None, interrupt=None):
    """What a whole gdb prints that types these commands; Ctrl-C after so many seconds."""
    words = ["gdb-multiarch", "-nx", "-q", "-batch"]
    for c in (["set pagination off", "set confirm off", "set width 0", "set height 0"]
              + ([f"file {elf}"] if elf else ["set architecture arm"])
              + [f"target extended-remote localhost:{PORT}"] + list(commands)):
        words += ["-ex", c]
    run = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True, errors="replace")
    if interrupt:
        time.sleep(interrupt)
        run.send_signal(signal.SIGINT)
    return run.communicate(timeout=200)[0]


def program(*pieces, seed=1):
    """An ELF with a section of random bytes for each (address, length)."""
    rng, name = random.Random(seed), f"{work}/{seed}-{pieces[0][0]:x}.o"
    empty, elf = f"{work}/empty.s", f"{work}/{seed}-{pieces[0][0]:x}.elf"
    open(empty, "w").write(".text\n")
    subprocess.run(["arm-none-eabi-as", "-o", name, empty], check=True)
    words, script = ["arm-none-eabi-objcopy"], "SECTIONS {\n"
    for n, (address, length) in enumerate(pieces):
        data = f"{work}/part{n}"
        open(data, "wb").write(rng.randbytes(length))
        words += ["--add-section", f".part{n}={data}", "--set-section-flags",
                  f".part{n}=alloc,load,readonly,code,contents"]
        script += f".part{n} {address:#x} : {{ KEEP(*(.part{n})) }}\n"
    subprocess.run(words + [name], check=True)
    open(f"{work}/ld", "w").write(script + "}\n")
    subprocess.run(["arm-none-eabi-ld", "-e", "0", "--no-warn-rwx-segments", "-T", f"{work}/ld",
                    "-o", elf, name], check=True)
    return elf


def same(text, sections):
    return text.count(": matched") == sections and "MIS-MATCHED" not in text


def words_at(text, address):
    found = re.search(rf"^{address:#x}[^:]*:\s+(.*)$", text, re.M)
    return found.group(1).split() if found else []


def power_cycle():
    board("power target off")
    board("power target on")


# --- the chip and its map ----------------------------------------------------------------
text = gdb("monitor swd_scan", "attach 1", "info mem", "monitor targets", "monitor uid", "detach")
check("the scan names part, core and flash", re.search(chip.scan, text), text)
for base, size, block in chip.runs:
    check(f"{size // K} KB at {base:#x} in blocks of {block}",
          re.search(rf"{base:#010x} {base + size:#010x} flash blocksize {block:#x} ", text), text)
check("it has a number of its own", re.search(r"^0x[0-9a-f]{16,}", text, re.M))

# --- loads -----------------------------------------------------------------------------
last = chip.runs[-1][2]
pieces = [(START, 1000), (START + 1500, 3000)]
if len(chip.runs) > 1:
    border = chip.runs[len(chip.runs) // 2][0]
    pieces.append((border - 1000, 2500))
pieces.append((END - 700, 700))
elf = program(*pieces)
text = gdb("monitor swd_scan", "attach 1", "load", "compare-sections", "detach", elf=elf)
check("first and last block, a gap, across a border: all is there", same(text, len(pieces)), text)
text = gdb("monitor swd_scan", "attach 1", "load", "compare-sections", "detach", elf=elf)
check("the same once more", same(text, len(pieces)), text)
other = program(*pieces, seed=2)
text = gdb("monitor swd_scan", "attach 1", "load", "compare-sections", "detach", elf=other)
check("another program over it", same(text, len(pieces)), text)
text = gdb("attach 1", "load", "monitor targets", elf=program((END - 100, 200)))
check("one that does not fit is refused in words", "flash ends before" in text, text)

# --- erasing ---------------------------------------------------------------------------
base, size, block = chip.runs[0]
elf = program((base, 3 * block), seed=3)
text = gdb("attach 1", "load", f"monitor erase_range {base + block:#x} {block:#x}",
           f"x/4xw {base + block - 16:#x}", f"x/4xw {base + block:#x}",
           f"x/4xw {base + 2 * block - 16:#x}", f"x/4xw {base + 2 * block:#x}",
           f"monitor erase_range {base + 4:#x} 4", "detach", elf=elf)
blank = ["0xffffffff"] * 4
check("erase_range erases its block", words_at(text, base + block) == blank
      and words_at(text, base + 2 * block - 16) == blank, text)
check("and not its neighbours", words_at(text, base + block - 16) not in (blank, [])
      and words_at(text, base + 2 * block) not in (blank, []), text)
check("part of a block is refused", "whole erase blocks" in text, text)
text = gdb("attach 1", "monitor erase_mass", f"x/4xw {base:#x}", f"x/4xw {END - 16:#x}", "detach",
           elf=elf)
check("erase_mass erases all", words_at(text, base) == blank and words_at(text, END - 16) == blank,
      text)

# --- trouble ---------------------------------------------------------------------------
board("noise SWDIO 0.0001")
elf = program((base, 6000), (END - 3000, 3000), seed=4)
text = gdb("monitor swd_scan", "attach 1", "load", elf=elf)
board("noise SWDIO 0")
power_cycle()
text += gdb("monitor swd_scan", "attach 1", "compare-sections", "detach", elf=elf)
check("a load over a noisy wire is right", same(text, 2), text)

cut = threading.Timer(0.35, lambda: board("power target off"))
elf = program((base, 40 * K), seed=5)
cut.start()
text = gdb("monitor swd_scan", "attach 1", "load", "load", "load", elf=elf)
cut.join()
check("without power a load ends with an error", re.search(r"fail|error|lost|not", text, re.I), text)
board("power target on")
text = gdb("monitor swd_scan", "attach 1", "load", "compare-sections", "detach", elf=elf)
check("and is right when it is done again", same(text, 1), text)

other = program((base, 40 * K), seed=6)
gdb("monitor swd_scan", "attach 1", *["load", f"load {elf}"] * 3, elf=other, interrupt=0.5)
text = gdb("monitor swd_scan", "attach 1", "load", "compare-sections", "detach", elf=other)
check("a load after Ctrl-C in a load is right", same(text, 1), text)

# --- banks that have changed places -------------------------------------------------------
# Clock of SYSCFG, and where FB_MODE is: pages keep their numbers when bank 2 comes first.
SWAPS = {"stm32l476": (0x40021060, 1, 0x40010000), "stm32g474": (0x40021060, 1, 0x40010000),
         "stm32f429": (0x40023844, 1 << 14, 0x40013800)}
if CHIP in SWAPS or CHIP == "stm32g0b1":
    half = base + sum(size for _, size, _ in chip.runs) // 2
    old, new = program((base, 6 * K), (half, 6 * K), seed=21), program((base, 6 * K), (half, 6 * K), seed=22)
    text = gdb("attach 1", "load", "compare-sections", elf=old)
    check("both banks are loaded", same(text, 2), text)
    if CHIP in SWAPS:
        enr, clock, memrmp = SWAPS[CHIP]
        text = gdb("attach 1", f"set {{int}}{enr} = {clock}", f"set {{int}}{memrmp} = 0x100", f"set {{int}}{enr} = 0",
                   "compare-sections", f"file {new}", "load", "compare-sections", f"x/xw {enr}", elf=old)
        check("the clock of SYSCFG is as found", words_at(text, enr) == ["0x00000000"], text)
    else:
        optr = re.search(r"0x40022020: (0x\w+)", gdb("attach 1", "monitor option", "detach")).group(1)
        gdb("attach 1", f"monitor option 0x40022020 {int(optr, 16) & ~(1 << 20):#x}", "detach")
        power_cycle()
        text = gdb("attach 1", "compare-sections", f"file {new}", "load", "compare-sections", elf=old)
    check("they change places, and each is written where it is", text.count("MIS-MATCHED") == 2 and
          text.count(": matched") == 2, text)
    if CHIP == "stm32g0b1":
        gdb("attach 1", f"monitor option 0x40022020 {optr}", "detach")
    power_cycle()

# --- options, protection ------------------------------------------------------------------
if chip.option:
    at, value, shown = chip.option
    text = gdb("attach 1", "monitor option", f"monitor option {at} {value}", "detach")
    check("an option is changed", f"{at}: {shown}" in text, text)
    power_cycle()
    text = gdb("monitor swd_scan", "attach 1", "monitor option", "detach")
    check("and is so after the next power-on", f"{at}: {shown}" in text, text)
if CHIP == "nrf51822":          # its UICR goes back to ones by erase_mass only
    at, value, shown = chip.option
    text = gdb("attach 1", f"monitor option {at} 0x87654321", "detach")
    check("an option that needs ones is refused in words", "Only `monitor erase_mass`" in text, text)
    text = gdb("attach 1", "monitor erase_mass", f"monitor option {at} 0x87654321", "detach")
    check("and is taken after erase_mass", f"{at}: 0x87654321" in text, text)
if chip.lock:
    at, value = chip.lock
    text = gdb("monitor swd_scan", "attach 1", f"monitor option {at} {value}", "detach")
    power_cycle()
    text = gdb("monitor swd_scan", "attach 1", "load", elf=elf)
    check("a protected chip is said to be so", re.search(r"locked|protect", text, re.I), text)
    check("and is not loaded", "Transfer rate" not in text, text)
    text = gdb("monitor swd_scan", "attach 1", "monitor erase_mass")
    check("erase_mass opens it, and says what to do", "The chip is open" in text, text)
    power_cycle()
    text = gdb("monitor swd_scan", "attach 1", f"x/4xw {base:#x}", "load", "compare-sections",
               "detach", elf=elf)
    check("it is open then, and was erased", words_at(text, base) == blank, text)
    check("and takes a program", same(text, 1), text)

print(f"{CHIP}: {len(passed)} passed, {len(failed)} failed")
for what in failed:
    print(f"  failed: {what}")
subprocess.run(["rm", "-rf", work])
sys.exit(1 if failed or not passed else 0)
