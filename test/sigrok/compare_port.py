#!/usr/bin/env python3
"""compare_port.py - does sigrok read off the trace pin the bytes that came by the second port?

    compare_port.py WAVES.vcd BYTES BAUD

WAVES.vcd is the wire to PA3, BYTES what the host got of it, raw.  All must be there, in order.

Exit status: 0 all agree, 1 they differ, 2 could not be compared.
"""
import shutil
import subprocess
import sys


def give_up(why):
    print(f'compare_port.py: {why}', file=sys.stderr)
    sys.exit(2)


def decode(vcd, baud):
    with open(vcd) as file:
        name = next(line.split()[4] for line in file if line.startswith('$var'))
    command = ['sigrok-cli', '-i', vcd, '-I', 'vcd:downsample=1000',
               '-P', f'uart:rx={name}:baudrate={baud}', '-A', 'uart=rx-data']
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        give_up(f'sigrok-cli failed: {done.stderr.strip()}')
    return bytes(int(line.split()[-1], 16) for line in done.stdout.splitlines())


def main():
    if len(sys.argv) != 4:
        give_up('usage: compare_port.py WAVES.vcd BYTES BAUD')
    if not shutil.which('sigrok-cli'):
        give_up('sigrok-cli is not installed (apt install sigrok-cli)')
    with open(sys.argv[2], 'rb') as file:
        ours = file.read()
    theirs = decode(sys.argv[1], sys.argv[3])
    if ours != theirs or not ours:
        at = next((n for n, (a, b) in enumerate(zip(ours, theirs)) if a != b), None)
        print(f'{len(ours)} bytes came, sigrok sees {len(theirs)}; they differ at {at}')
        sys.exit(1)
    print(f'{len(ours)} bytes agree with sigrok')


main()
