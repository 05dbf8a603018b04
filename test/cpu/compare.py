#!/usr/bin/env python3
"""compare.py - two records of the same image, QEMU's and ours, byte by byte.

  called by  run.sh      compare.py CASES.TXT QEMU_DIR OUR_DIR IMAGE.BIN CORE

Prints one line a group and, for a group that differs, the first case that does: its
registers on both sides and its code.  The last line counts groups."""
import struct, subprocess, sys

NAMES = (['r0', 'r1', 'r2', 'r3', 'r12', 'lr', 'pc', 'xpsr'] +
         ['r%d' % n for n in range(4, 12)] + ['sp', 'memory'])
SIZE = 4 * len(NAMES)
WORDS = {0xE0: 'exception', 0xE1: 'after raising in', 0xA0: 'mark'}

def words(path):
    data = open(path, 'rb').read()
    return list(struct.unpack('<%dI' % (len(data) // 4), data))

def show_case(image, where, halves, theirs, ours):
    print('    case at 0x%08x' % where)
    for name, x, y in zip(NAMES, theirs, ours):
        if x != y:
            print('    %-6s qemu 0x%08x, ours 0x%08x' % (name, x, y))
    listing = subprocess.run(
        ['arm-none-eabi-objdump', '-D', '-b', 'binary', '-m', 'arm', '-M', 'force-thumb',
         '--start-address=0x%x' % where, '--stop-address=0x%x' % (where + 2 * halves), image],
        capture_output=True, text=True).stdout
    print('\n'.join('    ' + line for line in listing.splitlines()[7:]))

def compare_cases(index, theirs, ours, image, core):
    groups, failed = {}, set()
    for number, (group, where, halves) in enumerate(index):
        at = number * len(NAMES)
        x, y = theirs[at:at + len(NAMES)], ours[at:at + len(NAMES)]
        groups[group] = groups.get(group, 0) + 1
        if (x != y or len(x) < len(NAMES)) and group not in failed:
            failed.add(group)
            print('cpu: %s %s: differs from QEMU' % (core, group))
            show_case(image, where, halves, x, y)
    return groups, failed

def compare_exceptions(theirs, ours, core):
    for at, (x, y) in enumerate(zip(theirs, ours)):
        if x != y:
            mark = [w & 0xFF for w in theirs[:at + 1] if w >> 8 == 0xA00000]
            print('cpu: %s exceptions: word %d, after mark %s: qemu 0x%08x, ours 0x%08x'
                  % (core, at, mark[-1:] or 'none', x, y))
            for name, log in (('qemu', theirs), ('ours', ours)):
                print('    %s %s' % (name, ' '.join('%08x' % w
                                                    for w in log[max(0, at - 12):at + 8])))
            return False
    return len(theirs) == len(ours) and len(theirs) > 0

def main(index_file, qemu, mine, image, core):
    index, instructions = [], 0
    for line in open(index_file):
        group, where, count = line.split('\t')
        if group == 'instructions':
            instructions = int(where)
        else:
            index.append((group, int(where, 16), int(count)))
    groups, failed = compare_cases(index, words(qemu + '/cases'), words(mine + '/cases'), image,
                                   core)
    for group, count in groups.items():
        if group not in failed:
            print('cpu: %s: %s agree with QEMU' % (core,
                '%d random instructions in %d cases' % (instructions, count)
                if group == 'random' else '%d cases of %s' % (count, group)))
    theirs, ours = words(qemu + '/excep'), words(mine + '/excep')
    good = compare_exceptions(theirs, ours, core)
    if good:
        print('cpu: %s: exceptions: %d words that handlers saw agree with QEMU'
              % (core, len(ours)))
    passed = len(groups) - len(failed) + good
    total = len(groups) + 1
    print('%d passed, %d failed' % (passed, total - passed))
    return passed != total

sys.exit(main(*sys.argv[1:]))
