#!/usr/bin/env python3
"""compare_swo.py - does sigrok read off the trace pin what the program and the core told?

    compare_swo.py WAVES.vcd RECORD.txt arm_itm|arm_tpiu,arm_itm

WAVES.vcd is the pin while test/sim/swo.c ran, at 1 Mbaud; RECORD.txt what was told, a line a
packet, in the words of sigrok's decoder of ITM packets, which we did not write.  Everything must
agree, in order.

Exit status: 0 all agree, 1 they differ, 2 could not be compared.

Not compared: what the decoder works out itself, which mode the core is in and where.
"""
import shutil
import subprocess
import sys

ROWS = 'trace:timestamp:software:dwt_event:dwt_watchpoint:dwt_exc:dwt_pc'


def give_up(why):
    print(f'compare_swo.py: {why}', file=sys.stderr)
    sys.exit(2)


def decode(vcd, decoders):
    command = ['sigrok-cli', '-i', vcd, '-I', 'vcd:downsample=1000',
               '-P', f'uart:rx=TDO:baudrate=1000000,{decoders}', '-A', f'arm_itm={ROWS}']
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        give_up(f'sigrok-cli failed: {done.stderr.strip()}')
    return [line.partition(': ')[2] for line in done.stdout.splitlines()]


def main():
    if len(sys.argv) != 4:
        give_up('usage: compare_swo.py WAVES.vcd RECORD.txt DECODERS')
    if not shutil.which('sigrok-cli'):
        give_up('sigrok-cli is not installed (apt install sigrok-cli)')
    with open(sys.argv[2]) as lines:
        ours = lines.read().splitlines()
    theirs = decode(sys.argv[1], sys.argv[3])
    if not ours:
        give_up(f'{sys.argv[2]} holds no packets')
    for n in range(max(len(ours), len(theirs))):
        our = ours[n] if n < len(ours) else 'nothing'
        their = theirs[n] if n < len(theirs) else 'nothing'
        if our != their:
            print(f'packet {n}: told was {our}, sigrok sees {their}')
            sys.exit(1)
    print(f'{len(ours)} packets agree with sigrok ({sys.argv[3]})')


main()
