#!/usr/bin/env python3
"""size.py - how big are the images, file by file, and how deep can the stack go?

Reads the link maps (flash and RAM per object file) and the call graphs that gcc writes
with -fcallgraph-info=su (.ci files beside the objects), and adds up the longest path
from main and the longest path of any interrupt with its exception frame: all interrupts
have one priority (cdc.c, uart.c), so only one is ever on the stack.

  size.py BUILD                the table
  size.py BUILD --sh           shell assignments for the benchmark
Exit status 1 if an image is over its budget or the stack cannot be bounded.
"""
import collections
import glob
import os
import re
import sys

BUDGET = {"boot": (6144, 8192), "probe": (55296, 55296)}    # bar, hard limit
RAM = 20480
EXCEPTION_FRAME = 32 + 4                # ARMv7-M ARM B1.5.7: 8 words, maybe aligned
# A call through a pointer goes to a function whose address a const table holds; here is
# whose tables each caller walks (a file, or one function of it).
BOARD_TABLES = ["probe", "boot", "cdc", "uart", "dfu"]
TABLES = {
    "usb.c:answer": ["usb"] + BOARD_TABLES,
    "usb": BOARD_TABLES,
    "monitor": ["monitor", "flash_stm32", "flash_samd"],
    "target": ["flash_stm32", "flash_samd"],
}


def sections(map_path):
    """Bytes of flash (.text, .rodata, .data) and RAM (.data, .bss) per object file."""
    flash, ram = collections.Counter(), collections.Counter()
    text = open(map_path).read().split("Linker script and memory map", 1)[1]
    text = text.split(".debug_info", 1)[0].split(".comment", 1)[0]
    text = re.sub(r"\n (\S+)\n\s+(0x)", r"\n \1 \2", text)
    for name, size, path in re.findall(
            r"^ (\.?[\w.*]+)\s+0x[0-9a-f]+\s+0x([0-9a-f]+)\s+(\S+)$", text, re.M):
        file = os.path.basename(path).split(".")[0]
        if "libgcc" in path:
            file = "libgcc"
        if name.startswith((".vectors", ".text", ".rodata", ".isr", ".data", ".ram")):
            flash[file] += int(size, 16)
        if name.startswith((".data", ".bss", ".noinit", ".ram", "COMMON")):
            ram[file] += int(size, 16)
    return flash, ram


class Graph:
    """Call graph of one image: frames, calls, and where calls by pointer may go."""

    def __init__(self, build, files):
        self.frame, self.calls, self.file_of = {}, collections.defaultdict(set), {}
        self.pointer_calls = set()
        for file in files:
            self._read(f"{build}/arm/{file}.ci", file)
        self.addressed = {f: self._addressed(f"{build}/arm/{f}.o") for f in files}
        self.unbounded, self.memo = [], {}

    def _read(self, path, file):
        if not os.path.exists(path):
            return
        for line in open(path):
            title = re.search(r'title: "([^"]+)"', line)
            if line.startswith("node") and title:
                size = re.search(r"\\n(\d+) bytes \((\w+)", line)
                if size:
                    self.frame[title[1]] = int(size[1])
                    self.file_of[title[1]] = file
            edge = re.search(r'sourcename: "([^"]+)" targetname: "([^"]+)"', line)
            if edge:
                if edge[2] == "__indirect_call":
                    self.pointer_calls.add(edge[1])
                else:
                    self.calls[edge[1]].add(edge[2])

    @staticmethod
    def _addressed(path):
        """Functions whose address stands in a data section of this object."""
        if not os.path.exists(path):
            return set()
        text = os.popen(f"arm-none-eabi-readelf -rW {path}").read()
        found, in_data = set(), False
        for line in text.splitlines():
            if line.startswith("Relocation section"):
                in_data = ".rel.rodata" in line or ".rel.data" in line
            elif in_data and "R_ARM_ABS32" in line:
                found.add(line.split()[4])
        return found

    def _targets(self, name):
        targets = set(self.calls[name])
        if name in self.pointer_calls:
            file = self.file_of[name]
            for table in TABLES.get(name, TABLES.get(file, [file])):
                targets |= self.addressed.get(table, set())
        return targets

    def depth(self, name, path=()):
        """Bytes of the deepest path from name, and that path."""
        key = name if name in self.frame else name.split(":")[-1]
        matches = [n for n in self.frame if n == name or n.split(":")[-1] == key]
        if not matches:
            return 0, ()
        name = matches[0]
        if name in path:
            self.unbounded.append(" -> ".join(path[path.index(name):] + (name,)))
            return 0, ()
        if name in self.memo:
            return self.memo[name]
        best, way = 0, ()
        for callee in self._targets(name):
            below, route = self.depth(callee, path + (name,))
            if below > best:
                best, way = below, route
        self.memo[name] = (self.frame[name] + best, (name,) + way)
        return self.memo[name]


def worst_stack(build, files):
    graph = Graph(build, files)
    deepest, rows = {"main": 0, "interrupt": 0}, []
    vectors = set(re.findall(r"\.word\s+(\w+_interrupt)", open("startup.s").read()))
    roots = [n for n in graph.frame if n == "main" or n in vectors]
    for root in sorted(roots, key=lambda n: (n != "main", n)):
        bytes_, way = graph.depth(root)
        bytes_ += EXCEPTION_FRAME if root != "main" else 0
        rows.append((root, bytes_, way))
        kind = "main" if root == "main" else "interrupt"
        deepest[kind] = max(deepest[kind], bytes_)
    return sum(deepest.values()), rows, graph.unbounded


def reserved_stack(elf):
    """What link.ld keeps free for the stack."""
    symbols = dict(reversed(line.split()[::2]) for line in
                   os.popen(f"arm-none-eabi-nm {elf}") if " stack_" in line)
    return int(symbols["stack_top"], 16) - int(symbols["stack_bottom"], 16)


def main():
    build = sys.argv[1]
    quiet = "--sh" in sys.argv
    status, out = 0, {}
    for image, (bar, limit) in BUDGET.items():
        path = f"{build}/{image}.bin"
        if not os.path.exists(path):
            continue
        size = os.path.getsize(path)
        flash, ram = sections(f"{build}/{image}.map")
        files = [os.path.basename(p)[:-2] for p in sorted(glob.glob(f"{build}/arm/*.o"))]
        files = [f for f in files if f in flash or f in ram]
        stack, rows, unbounded = worst_stack(build, files)
        used = sum(ram.values()) + stack
        reserved = reserved_stack(f"{build}/{image}.elf")
        out[f"{image.upper()}_BYTES"] = size
        if image == "probe":
            out["RAM_BYTES"] = used
        if size > limit or used > RAM or stack > reserved or unbounded:
            status = 1
        if quiet:
            continue
        print(f"{image}: {size} bytes of {bar} (limit {limit}), "
              f"RAM {used} of {RAM} ({sum(ram.values())} static + {stack} of {reserved} stack)")
        for file, n in flash.most_common():
            print(f"    {file:14} {n:6} flash {ram[file]:6} RAM")
        for root, n, way in rows:
            print(f"    stack of {root:18} {n:5}  {' > '.join(w.split(':')[-1] for w in way)}")
        for loop in unbounded:
            print(f"    cannot bound the stack: recursion {loop}")
        print()
    if quiet:
        print(" ".join(f"{k}={v}" for k, v in out.items()))
    sys.exit(status)


main()
