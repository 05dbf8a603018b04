#!/usr/bin/env python3
"""size.py - how big are the images, file by file, and how deep can the stack go?

Reads the images' symbols (flash and RAM per source file) and the call graphs that gcc writes with
-fcallgraph-info=su (.ci files, one for each linked image), and adds up the longest path
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

BUDGET = {"boot": (6144, 8192), "probe": (56320, 56320)}    # bar, hard limit
RAM, RAM_START = 20480, 0x20000000
EXCEPTION_FRAME = 32 + 4                # ARMv7-M ARM B1.5.7: 8 words, maybe aligned
# A call through a pointer goes to a function whose address a const table holds; here is
# whose tables the calls in each file walk, if not its own.
BOARD_TABLES = ["probe", "boot", "cdc", "uart", "dfu"]
CHIPS = ["chips_stm32", "chips_sam", "chips_nordic"]
TABLES = {
    "usb": BOARD_TABLES,
    "target": CHIPS,
    "flash_job": CHIPS,
    "options": CHIPS,
    "loader": CHIPS,
}


def stem(path):
    return os.path.basename(path).split(".")[0]


def symbols(path, kinds):
    """(name, size, address) of what an object or image defines."""
    for line in os.popen(f"arm-none-eabi-readelf -sW {path}"):
        words = line.split()
        if len(words) == 8 and words[3] in kinds and words[6] != "UND":
            yield words[7], int(words[2], 0), int(words[1], 16)


def sections(build, image, graph, bytes_of_flash):
    """Bytes of flash and RAM per source file.  The image is compiled as a whole, so it is
    asked symbol by symbol: a function that was inlined counts where it went, and what has
    no symbol are texts, which files share, and vectors."""
    flash, ram, data_of = collections.Counter(), collections.Counter(), {}
    for file in re.findall(r"^LOAD .*/arm/(\w+)\.o$", open(f"{build}/{image}.map").read(), re.M):
        for name, size, _ in symbols(f"{build}/arm/{file}.o", ("OBJECT",)):
            data_of[name.split(".")[0], size] = file
    for name, size, _ in set(symbols(f"{build}/{image}.elf", ("FUNC",))):
        title = [t for t in graph.file_of if t.split(":")[-1] == name]
        flash[graph.file_of[title[0]] if title else "startup"] += size
    for name, size, address in symbols(f"{build}/{image}.elf", ("OBJECT",)):
        file = data_of.get((name.split(".")[0], size), "other data")
        if address < RAM_START:
            flash[file] += size
        if address >= RAM_START:
            ram[file] += size
    flash["texts, vectors"] = bytes_of_flash - sum(flash.values())
    return flash, ram


class Graph:
    """Call graph of one image: frames, calls, and where calls by pointer may go."""

    def __init__(self, build, image):
        self.frame, self.calls, self.file_of = {}, collections.defaultdict(set), {}
        self.pointer_calls = collections.defaultdict(set)
        self.named = collections.defaultdict(list)
        for path in glob.glob(f"{build}/{image}.elf.*.ci") + glob.glob(f"{build}/arm/*.ci"):
            self._read(path)
        self.addressed = {stem(p): self._addressed(p)
                          for p in glob.glob(f"{build}/arm/*.o")}
        self.unbounded, self.memo = [], {}
        self._read_assembly(f"{build}/{image}.elf", f"{build}/arm/swd_words.o")

    def _read_assembly(self, image, object):
        """What is written in assembly has no .ci file: it pushes once, and calls nobody."""
        for name, *_ in set(symbols(object, ("FUNC",))) if image.endswith("probe.elf") else ():
            code = os.popen(f"arm-none-eabi-objdump -d --disassemble={name} {image}").read()
            pushed = re.search(r"(?:push|stmdb\s+sp!,)\s*{([^}]*)}", code)[1].split(",")
            self.frame[name], self.file_of[name] = 4 * len(pushed), stem(object)
            self.named[name].append(name)

    def _read(self, path):
        for line in open(path):
            node = re.search(r'title: "([^"]+)" label: "([^"\\]+)\\n([^"\\:]+)', line)
            size = re.search(r"\\n(\d+) bytes \((\w+)", line)
            if line.startswith("node") and size:
                self.frame[node[1]] = int(size[1])
                self.file_of[node[1]] = stem(node[3])
                self.named[node[2]].append(node[1])
            edge = re.search(
                r'sourcename: "([^"]+)" targetname: "([^"]+)" label: "([^":]+)', line)
            if edge:
                if edge[2] == "__indirect_call":        # where its line stands, not where
                    self.pointer_calls[edge[1]].add(stem(edge[3]))      # it was inlined
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

    def _named(self, name, file):
        """The function that a table in this file means: its own, or else a public one."""
        titles = self.named[name]
        own = [t for t in titles if self.file_of[t] == file]
        return set(own or titles)

    def _targets(self, name):
        targets = set(self.calls[name])
        for file in self.pointer_calls[name]:
            for table in TABLES.get(file, [file]):
                for function in self.addressed.get(table, set()):
                    targets |= self._named(function, table)
        return targets

    def depth(self, name, path=()):
        """Bytes of the deepest path from name, and that path."""
        if name not in self.frame:      # of startup.s, which uses no stack; or of mem.c
            public = self.named.get(name.split(":")[-1])
            if not public:
                return 0, ()
            name = public[0]
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


def worst_stack(graph):
    deepest, rows = {"main": 0, "interrupt": 0}, []
    vectors = set(re.findall(r"\.word\s+(\w+_interrupt)", open("startup.s").read()))
    roots = [n for n in graph.named if n == "main" or n in vectors]
    for root in sorted(roots, key=lambda n: (n != "main", n)):
        bytes_, way = graph.depth(graph.named[root][0])
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
        graph = Graph(build, image)
        flash, ram = sections(build, image, graph, size)
        stack, rows, unbounded = worst_stack(graph)
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
            names = [w.split(":")[-1].split(".")[0] for w in way]
            print(f"    stack of {root:18} {n:5}  {' > '.join(names)}")
        for loop in unbounded:
            print(f"    cannot bound the stack: recursion {loop}")
        print()
    if quiet:
        print(" ".join(f"{k}={v}" for k, v in out.items()))
    sys.exit(status)


main()
