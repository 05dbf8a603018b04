#!/usr/bin/env python3
"""compare.py - do sigrok and the simulator read the same transfers off the wire?

    compare.py WAVES.vcd RECORD.txt

WAVES.vcd is what `bluepill --vcd` wrote, RECORD.txt what `bluepill --record` wrote: one
line for each transfer that the simulated debug port took part in (sim/swdp.h has the
format).  sigrok's SWD decoder, which we did not write, reads the waveform; every request,
address, acknowledge and data word must agree, in order.

Exit status: 0 all agree, 1 they differ, 2 could not be compared.

Not compared: requests that nobody answered (sigrok says NOREPLY, the record BAD), and the
place of line resets.  sigrok's decoder cannot follow ORUNDETECT's data phases or a longer
turnaround, so a session that uses them is refused.
"""
import re
import shutil
import subprocess
import sys

NAMED = {                       # the decoder's words for DP registers
    'IDCODE': ('DP', 'R', '0'), 'R CTRL/STAT': ('DP', 'R', '4'), 'R DLCR': ('DP', 'R', '4'),
    'RESEND': ('DP', 'R', '8'), 'RDBUFF': ('DP', 'R', 'C'),
    'W ABORT': ('DP', 'W', '0'), 'W CTRL/STAT': ('DP', 'W', '4'),
    'W DLCR': ('DP', 'W', '4'), 'W SELECT': ('DP', 'W', '8'),
    'W RESERVED': ('DP', 'W', 'C'),
}
ACKS = ('OK', 'WAIT', 'FAULT')
NO_ACKS = ('NOREPLY', 'ERROR')


def give_up(why):
    print(f'compare.py: {why}', file=sys.stderr)
    sys.exit(2)


def request_of(text):
    """('AP', 'R', 'C') for a request annotation, None for any other."""
    found = re.fullmatch(r'([RW]) AP([048c])', text)
    if found:
        return 'AP', found[1], found[2].upper()
    return NAMED.get(text)


def decode(vcd):
    """The transfers that sigrok sees: (port, direction, address, ack, data, parity)."""
    # 1 GS/s is enough for 50 MHz; long silences need not be walked through.
    command = ['sigrok-cli', '-i', vcd, '-I', 'vcd:downsample=10:compress=100000',
               '-P', 'swd:swclk=SWCLK:swdio=SWDIO']
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        give_up(f'sigrok-cli failed: {done.stderr.strip()}')
    transfers, now = [], None
    for line in done.stdout.splitlines():
        text = line.partition(': ')[2]
        request = request_of(text)
        if request:
            now = [*request, None, '-', '']
        elif now and text in ACKS:
            now[3] = text
            transfers.append(now)
        elif now and text in NO_ACKS:
            now = None
        elif now and text.startswith('0x'):
            now[4] = text[2:].upper()
        elif now and re.fullmatch('[01]{2}', text):
            now[5] = 'parity'
    return [tuple(transfer) for transfer in transfers]


def recorded(path):
    """The same from the simulator's record, with the times."""
    transfers, times, turnaround_bank = [], [], False
    with open(path) as lines:
        for number, line in enumerate(lines, 1):
            fields = line.split()
            if len(fields) < 2 or not fields[0].isdigit():
                give_up(f'{path}:{number}: not a record line: {line.strip()}')
            if fields[1] not in ('DP', 'AP'):
                continue
            transfer = (*fields[1:6], fields[6] if len(fields) > 6 else '')
            transfers.append(transfer)
            times.append(int(fields[0]))
            if transfer[:4] == ('DP', 'W', '8', 'OK'):
                turnaround_bank = int(transfer[4], 16) & 0xF == 1
            if transfer[:4] == ('DP', 'W', '4', 'OK'):
                if turnaround_bank or int(transfer[4], 16) & 1:
                    give_up(f'{path}:{number}: the session sets ORUNDETECT or DLCR, which '
                            'sigrok cannot follow')
    return transfers, times


def show(transfer):
    return ' '.join(transfer).strip() if transfer else 'nothing'


def main():
    if len(sys.argv) != 3:
        give_up('usage: compare.py WAVES.vcd RECORD.txt')
    if not shutil.which('sigrok-cli'):
        give_up('sigrok-cli is not installed (apt install sigrok-cli)')
    ours, times = recorded(sys.argv[2])
    theirs = decode(sys.argv[1])
    if not ours:
        give_up(f'{sys.argv[2]} holds no transfers')
    for n in range(max(len(ours), len(theirs))):
        our = ours[n] if n < len(ours) else None
        their = theirs[n] if n < len(theirs) else None
        if our != their:
            when = f'{times[n] / 1e6:.6f} ms' if our else 'after the end of the record'
            print(f'transfer {n} ({when}): the simulator had {show(our)}, '
                  f'sigrok sees {show(their)}')
            sys.exit(1)
    counts = ', '.join(f'{sum(t[3] == ack for t in ours)} {ack}' for ack in ACKS)
    print(f'{len(ours)} transfers agree with sigrok ({counts})')


main()
