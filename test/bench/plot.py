#!/usr/bin/env python3
"""plot.py BENCH.plot DIRECTORY - the benchmark's two pictures, as SVG.

  load-time.svg   how long a load takes, against its size, beside what the chip allows
  load-share.svg  where each microsecond of a load goes, and the first 12 ms of one

Reads the lines that build/bench wrote (see time_bench.c, gdb_bench.c):
  flash_samd21 KB MS, ram_stm32f103 KB MS                        points
  time flash|ram CHIP KB MS  flash wire core usb nobody  ...     shares, in ms
  lane CHIP LANE FROM TO                                         spans, in us
"""
import math
import os
import sys

BOLD = ' style="font-weight: 600"'
MEMORY = {"flash": "flash", "ram": "RAM"}
NAMES = {"samd21": "SAMD21", "stm32f103": "STM32F103"}
# What a flash can do at best, ms a KB: see gdb_bench.c.
LIMIT = {"samd21": 4 * 6 + 16 * 2.5, "stm32f103": 30 + 512 * 0.0525}
STYLE = """
  .paper { fill: #ffffff; stroke: #d0d7de }  .ink { fill: #1f2328 }  .soft { fill: #59636e }
  .grid { stroke: #d8dee4 }  .axis { stroke: #59636e }  .hole { fill: #ffffff }
  .track { fill: #f0f2f5 }
  .c0 { fill: #b35900; stroke: #b35900 }  .c1 { fill: #0a63c9; stroke: #0a63c9 }
  .c2 { fill: #1a7f37; stroke: #1a7f37 }  .c3 { fill: #8250df; stroke: #8250df }
  .c4 { fill: #afb8c1; stroke: #afb8c1 }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117; stroke: #3d444d }  .ink { fill: #f0f6fc }  .soft { fill: #9198a1 }
    .grid { stroke: #2a313c }  .axis { stroke: #9198a1 }  .hole { fill: #0d1117 }
    .track { fill: #1c232d }
    .c0 { fill: #f0883e; stroke: #f0883e }  .c1 { fill: #58a6ff; stroke: #58a6ff }
    .c2 { fill: #56d364; stroke: #56d364 }  .c3 { fill: #bc8cff; stroke: #bc8cff }
    .c4 { fill: #57606a; stroke: #57606a }
  }
  text { stroke: none !important }
  text { font: 13px system-ui, "Segoe UI", "DejaVu Sans", sans-serif }
  .title { font-size: 17px; font-weight: 600 }  .small { font-size: 12px }
  .line { fill: none; stroke-width: 2 }  .limit { stroke-dasharray: 2 5; stroke-width: 1.5 }
  .bar { stroke: none }
"""


class Picture:
    def __init__(self, width, height, title):
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img">',
            f"<title>{title}</title><style>{STYLE}</style>",
            f'<rect class="paper" x=".5" y=".5" width="{width - 1}" '
            f'height="{height - 1}" rx="8"/>']

    def add(self, text):
        self.parts.append(text)

    def text(self, x, y, text, kind="ink", anchor="start", more=""):
        self.add(f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}"{more}>'
                 f"{text}</text>")

    def line(self, points, kind):
        self.add(f'<polyline class="{kind}" points="' +
                 " ".join(f"{x:.1f},{y:.1f}" for x, y in points) + '"/>')

    def box(self, x, y, width, height, kind):
        self.add(f'<rect x="{x:.2f}" y="{y:.1f}" width="{max(width, 0):.2f}" '
                 f'height="{height:.1f}" class="{kind}"/>')

    def save(self, path):
        with open(path, "w") as file:
            file.write("\n".join(self.parts + ["</svg>"]) + "\n")


def read(path):
    curves, times, lanes = {}, [], {}
    for line in open(path):
        words = line.split()
        if words[0] == "time":
            times.append((words[1], words[2], int(words[3]), [float(w) for w in words[4:]]))
        elif words[0] == "lane":
            lanes.setdefault(words[1], {}).setdefault(words[2], []).append(
                (float(words[3]), float(words[4])))
        else:
            curves.setdefault(words[0], []).append((float(words[1]), float(words[2])))
    return {name: sorted(points) for name, points in curves.items()}, times, lanes


def span_text(ms):
    return f"{ms / 1000:g} s" if ms >= 1000 else f"{ms:g} ms"


def load_time(curves, path):
    left, right, top, bottom, width = 96, 640, 68, 430, 860
    picture = Picture(width, 490, "Time of a load against its size")

    def x(kb):
        return left + (right - left) * math.log2(kb) / 8

    def y(ms):
        return bottom - (bottom - top) * math.log10(ms) / math.log10(30000)

    picture.text(24, 32, "How long gdb's load takes", "ink title")
    picture.text(24, 51, "simulated time, SWCLK at its maximum; dotted: erasing and programming "
                 "alone", "soft small")
    for ms in (1, 10, 100, 1000, 10000):
        picture.line([(left, y(ms)), (right, y(ms))], "grid")
        picture.text(left - 10, y(ms) + 4, span_text(ms), "soft", "end")
    for power in range(9):
        picture.line([(x(2 ** power), bottom), (x(2 ** power), bottom + 5)], "axis")
        picture.text(x(2 ** power), bottom + 21, str(2 ** power), "soft", "middle")
    picture.line([(left, bottom), (right, bottom)], "axis")
    picture.text((left + right) / 2, bottom + 44, "size of the program, KB", "ink", "middle")
    picture.text(0, 0, "time", "ink", "middle",
                 f' transform="translate(28 {(top + bottom) / 2}) rotate(-90)"')

    for number, name in enumerate(("flash_samd21", "flash_stm32f103", "ram_samd21",
                                   "ram_stm32f103")):
        points = curves[name]
        memory, chip = name.split("_")
        kb, ms = points[-1]
        note = f"{kb / ms * 1000:.0f} KB/s"
        if memory == "flash":
            picture.line([(x(k), y(k * LIMIT[chip])) for k in (1, points[-1][0])],
                         f"line limit c{number}")
            note = f"{kb / ms * 1000:.1f} KB/s, {100 * kb * LIMIT[chip] / ms:.0f} % of the limit"
        picture.line([(x(k), y(m)) for k, m in points], f"line c{number}")
        for k, m in points:
            picture.add(f'<circle cx="{x(k):.1f}" cy="{y(m):.1f}" r="3.5" '
                        f'class="c{number}"/>')
        picture.text(x(kb) + 14, y(ms) + 14, f"{NAMES[chip]} {MEMORY[memory]}",
                     f"c{number}", more=BOLD)
        picture.text(x(kb) + 14, y(ms) + 30, note, "soft small")
    picture.save(path)


CLASSES = (("target's flash busy", "c0"), ("wire", "c1"), ("probe computes", "c2"),
           ("USB", "c3"), ("nobody", "c4"))


def legend(picture, x, y, entries):
    for name, kind in entries:
        picture.box(x, y - 10, 12, 12, f"bar {kind}")
        picture.text(x + 18, y, name, "soft")
        x += 18 + 7.6 * len(name) + 16


def load_share(times, lanes, path):
    left, right, width = 186, 756, 860
    picture = Picture(width, 446, "Where each microsecond of a load goes")
    picture.text(24, 32, "Where each microsecond of gdb's load goes", "ink title")
    picture.text(24, 51, "each moment belongs to the one that the others wait for; "
                 "SWCLK at its maximum", "soft small")
    legend(picture, 24, 80, CLASSES)
    y = 100
    for memory, chip, kb, (total, *shares) in times:
        picture.text(left - 12, y + 19, f"{NAMES[chip]} {MEMORY[memory]}, {kb} KB", "ink", "end")
        at = left
        for share, (_, kind) in zip(shares, CLASSES):
            wide = (right - left) * share / total
            picture.box(at, y, wide, 28, f"bar {kind}")
            if wide > 44:
                picture.text(at + wide / 2, y + 19, f"{100 * share / total:.1f} %", "hole",
                             "middle", BOLD)
            at += wide
        picture.text(right + 10, y + 19, f"{total:.0f} ms", "ink")
        y += 38
    draw_lanes(picture, lanes["stm32f103"], left, right, y + 34)
    picture.save(path)


def awake(asleep, end):
    """What is left between the spans asleep."""
    at, spans = 0.0, []
    for start, stop in asleep + [(end, end)]:
        if start > at:
            spans.append((at, start))
        at = stop
    return spans


def draw_lanes(picture, lanes, left, right, top, end=12000.0):
    picture.text(24, top, "The first 12 ms of the load to the STM32F103's RAM", "ink",
                 more=BOLD)
    y = top + 14
    for name, spans, kind in (("packets on USB", lanes["usb"], "c3"),
                              ("core awake", awake(lanes.get("asleep", []), end), "c2"),
                              ("SWCLK moves", lanes["wire"], "c1")):
        picture.text(left - 12, y + 18, name, "soft", "end")
        picture.box(left, y, right - left, 26, "track")
        for start, stop in spans:
            picture.box(left + (right - left) * start / end, y,
                        (right - left) * (stop - start) / end, 26, f"bar {kind}")
        y += 34
    for ms in range(0, 13, 2):
        at = left + (right - left) * ms * 1000 / end
        picture.line([(at, y), (at, y + 5)], "axis")
        picture.text(at, y + 20, str(ms), "soft", "middle")
    picture.line([(left, y), (right, y)], "axis")
    picture.text(right + 10, y + 20, "ms", "soft")


def main():
    curves, times, lanes = read(sys.argv[1])
    load_time(curves, os.path.join(sys.argv[2], "load-time.svg"))
    load_share(times, lanes, os.path.join(sys.argv[2], "load-share.svg"))


if __name__ == "__main__":
    main()
