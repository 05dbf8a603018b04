#!/usr/bin/env python3
"""squeeze.py OUT FILE.c... - copies of the sources in which the texts are shorter.

What the probe says to its user repeats itself: "target", "flash", "the ".  So the two
characters that stand side by side most often get a byte of their own, 0x80; of what is then
most frequent 0x81 is made, which may have an 0x80 in it; and so on, up to 0xFF and then from 1
to 0x1F, without 10, which is a line's end (Larsson and Moffat call it Re-Pair).  print.c puts
the pairs back while it prints: its table is filled in here.  4.5 KB of text become 2.4, with
0.3 KB of table.

A text is a string literal with a blank or a '<' in it, or a long one.  All of these are printed;
what is compared with something has none and is short, or a list with '|' in it.  A name with a text
behind its \\0 stays, and a blank or '!' in front, where monitor.c looks for them, and what is no
character to be read: \\0, \\x09.

The sources stay as they are, for you, for the debugger (#line) and for the unit tests."""
import collections
import os
import re
import sys

PAIRS, DEPTH, LONG = 160, 16, 40        # the first two as in print.c
BYTES = [*range(0x80, 0x100), *range(1, 10), *range(11, 32)]
TABLE = "pairs[PAIRS][2] = { { 0 } }"
TOKEN = re.compile(r'/\*.*?\*/|\'(?:\\.|[^\'\\])+\'|"(?:\\.|[^"\\])*"', re.S)
STAYS = re.compile(r"(^[ !]|\\[0-7]{1,3}|\\x[0-9a-fA-F]+|\\[^n\"])")
PLAIN = {"\\n": "\n", '\\"': '"'}       # in the source, in the text


def is_text(token):
    return token[0] == '"' and (" " in token or "<" in token
                                or len(token) > LONG and "|" not in token)


def pieces(token):
    """The text, cut where something stays: every other piece."""
    parts = STAYS.split(token[1:-1])
    if parts[1:2] == ["\\0"] and parts[2]:
        parts[:2] = ["", parts[0] + parts[1]]           # a name
    for source, char in PLAIN.items():
        parts[::2] = [part.replace(source, char) for part in parts[::2]]
    return parts


def to_source(text):
    for source, char in PLAIN.items():
        text = text.replace(char, source)
    return text


def most_frequent(texts):
    count = collections.Counter()
    for text in texts:
        for at in range(len(text) - 1):
            if text[at:at + 2] != text[at - 1:at + 1]:      # "...": one pair, not two
                count[text[at:at + 2]] += 1
    return max(count, key=lambda pair: (count[pair], pair))


def depth(pair, pairs):
    return 1 + max(depth(pairs[c], pairs) if c in pairs else 0 for c in pair)


def find_pairs(texts):
    """What each byte stands for."""
    pairs = {}
    for byte in map(chr, BYTES):
        pairs[byte] = most_frequent(texts)
        texts = [text.replace(pairs[byte], byte) for text in texts]
    assert max(depth(pair, pairs) for pair in pairs.values()) < DEPTH, \
        "print.c has too small a stack"
    return pairs


def squeeze(token, pairs):
    if not is_text(token):
        return token
    parts = pieces(token)
    for at in range(0, len(parts), 2):
        for byte, pair in pairs.items():
            parts[at] = parts[at].replace(pair, byte)
        parts[at] = to_source(parts[at])
    text = "".join(parts)
    return '"' + "".join(f"\\{ord(c):03o}" if c in pairs else c for c in text) + '"'


def put_back(text, pairs):
    text = re.sub(r"\\([0-3][0-7][0-7])", lambda byte: chr(int(byte[1], 8)), text)
    for byte in reversed(pairs):
        text = text.replace(byte, to_source(pairs[byte]))
    return text


def main(out, files):
    sources = {file: open(file, encoding="ascii").read() for file in files}
    texts = {token: pieces(token)[::2] for source in sources.values()
             for token in TOKEN.findall(source) if is_text(token)}
    pairs = find_pairs(sorted(sum(texts.values(), [])))     # each text counts once
    for token in texts:
        assert put_back(squeeze(token, pairs), pairs) == token, token
    table = ", ".join(f"[{ord(byte) - 0x80 & 0xFF}] = {{ {ord(a)}, {ord(b)} }}"
                      for byte, (a, b) in pairs.items())
    for file, source in sources.items():
        source = TOKEN.sub(lambda found: squeeze(found[0], pairs), source)
        source = source.replace(TABLE, f"pairs[PAIRS][2] = {{ {table} }}")
        with open(os.path.join(out, file), "w", encoding="ascii") as copy:
            copy.write(f'#line 1 "{file}"\n{source}')


main(sys.argv[1], sys.argv[2:])
