#!/usr/bin/env python3
"""generate.py - random and directed instruction sequences for the comparison with QEMU.

  called by  run.sh      writes  cases.s (assembled into image.elf) and cases.txt

A case is a straight piece of code with known registers and flags before it, that ends
with SVC: image.c's handler then records everything and starts the next case.  The encodings
below were written from the manual (Armv7-M ARM A5, A7) and not from the simulator's
tables, so that a slip in either shows.  The seed is fixed: every run is the same.

Left out, because the manual makes them UNPREDICTABLE or QEMU differs by design:
  - STREX to another address than LDREX's (QEMU compares addresses, Cortex-M3 has no tag)
  - WFE without an event (QEMU takes it for NOP)
  - anything that would touch memory outside the window, or need an MPU."""
import random, sys

R = random.Random(20260101)
CORE = sys.argv[3]                      # m3, m4 or m7: these two have the DSP extension,
FPU = CORE.endswith('f')                # and as m4f or m7f their program uses the FPU, too
FPV5 = CORE == 'm7f'
CODE = 0x00010000                       # link.ld puts the cases here
WINDOW, STACK = 0x20000000, 0x20001000  # data at 0..0x7FF, stack around 0x1000
ANY = list(range(13)) + [14]            # neither SP nor PC
EDGES = [0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF,
         0x80000000, 0x80000001, 0xFFFFFFFE, 0xFFFFFFFF, 0xAAAAAAAA, 0x55555555]

def value():
    return R.choice(EDGES) if R.random() < 0.4 else R.getrandbits(32)

def fill(pattern, **fixed):
    """Letters are fields: n m d a are registers (any), others random bits."""
    pattern = pattern.replace(' ', '')
    fields = {}
    for letter in sorted(set(pattern) - set('01')):
        width = pattern.count(letter)
        if letter in fixed:
            fields[letter] = fixed[letter]
        elif letter in 'nmdat' and width == 4:
            fields[letter] = R.choice(ANY)
        else:
            fields[letter] = R.getrandbits(width)
    left = {letter: pattern.count(letter) for letter in fields}
    word = 0
    for bit in pattern:
        if bit in '01':
            word = word << 1 | int(bit)
        else:
            left[bit] -= 1
            word = word << 1 | (fields[bit] >> left[bit] & 1)
    return [word] if len(pattern) == 16 else [word >> 16, word & 0xFFFF]

def pick(patterns):
    return fill(R.choice(patterns))

def load_constant(register, word):
    def move(top, imm):
        first = 0xF240 | (0x80 if top else 0) | (imm >> 11 & 1) << 10 | imm >> 12
        return [first, (imm >> 8 & 7) << 12 | register << 8 | (imm & 0xFF)]
    return move(False, word & 0xFFFF) + move(True, word >> 16)

# --- instructions that only compute --------------------------------------------------------
ALU16 = ['00000iiiiimmmddd', '00001iiiiimmmddd', '00010iiiiimmmddd', '0001100mmmnnnddd',
         '0001101mmmnnnddd', '0001110iiinnnddd', '0001111iiinnnddd', '00100dddiiiiiiii',
         '00101dddiiiiiiii', '00110dddiiiiiiii', '00111dddiiiiiiii',
         '1011001000mmmddd', '1011001001mmmddd', '1011001010mmmddd', '1011001011mmmddd',
         '1011101000mmmddd', '1011101001mmmddd', '1011101011mmmddd', '10100dddiiiiiiii',
         '10101dddiiiiiiii'] + ['010000%smmmddd' % format(i, '04b') for i in range(16)]
OPERATIONS = ['0000', '0001', '0010', '0011', '0100', '1000', '1010', '1011', '1101', '1110']
COMPARES = ['0000', '0100', '1000', '1101']
ALU32 = (['1110101%sSnnnn 0iiiddddjjttmmmm' % op for op in OPERATIONS] +
         ['1110101%s1nnnn 0iii1111jjttmmmm' % op for op in COMPARES] +
         ['1110101001%sS1111 0iiiddddjj%smmmm' % (x, t) for x in '01'
          for t in ('00', '01', '10', '11')] +
         ['11101010010S1111 0000dddd0011mmmm'] +
         ['11110i0%sSnnnn 0jjjddddkkkkkkkk' % op for op in OPERATIONS] +
         ['11110i0%s1nnnn 0jjj1111kkkkkkkk' % op for op in COMPARES] +
         ['11110i00010S1111 0jjjddddkkkkkkkk', '11110i00011S1111 0jjjddddkkkkkkkk'] +
         ['11110i100000nnnn 0jjjddddkkkkkkkk', '11110i101010nnnn 0jjjddddkkkkkkkk',
          '11110i1000001101 0jjjddddkkkkkkkk', '11110i1010101101 0jjjddddkkkkkkkk',
          '11110i1000001111 0jjjddddkkkkkkkk', '11110i1010101111 0jjjddddkkkkkkkk',
          '11110i100100eeee 0jjjddddkkkkkkkk', '11110i101100eeee 0jjjddddkkkkkkkk'] +
         ['11111010%sSnnnn 1111dddd0000mmmm' % t for t in ('000', '001', '010', '011')] +
         ['11111010%s1111 1111dddd10rrmmmm' % t for t in ('0000', '0001', '0100', '0101')] +
         ['111110110000nnnn 1111dddd0000mmmm', '111110110000nnnn aaaadddd0000mmmm',
          '111110110000nnnn aaaadddd0001mmmm', '111110111001nnnn 1111dddd1111mmmm',
          '111110111011nnnn 1111dddd1111mmmm'])

def shifted_by_register_amount():
    """A register shift with an amount that matters."""
    d, n, m = R.sample(range(8), 3)
    amount = R.choice([0, 1, 31, 32, 33, 64, 255, 256, 257])
    op = fill('11111010ttSnnnnn'.replace('ttS', '0' + format(R.randrange(4), '02b') +
              R.choice('01')).replace('nnnnn', 'nnnn') + '1111dddd0000mmmm', d=d, n=n, m=m)
    return load_constant(m, amount) + op

def bit_field():
    kind, lsb, width = R.randrange(4), R.randrange(32), 0
    width = R.randrange(1, 33 - lsb)
    first, last = [('111100110100nnnn', width - 1), ('111100111100nnnn', width - 1),
                   ('111100110110nnnn', lsb + width - 1),
                   ('1111001101101111', lsb + width - 1)][kind]
    return fill(first + '0iiiddddjj0wwwww', i=lsb >> 2, j=lsb & 3, w=last)

def saturate():
    right, amount = R.randrange(2), R.randrange(32)
    amount = amount or right
    return fill('11110011%s0s0nnnn 0iiiddddjj0wwwww' % R.choice('01'), s=right,
                i=amount >> 2, j=amount & 3)

def long_multiply():
    low, high = R.sample(ANY, 2)
    op = R.choice(['111110111000nnnn', '111110111010nnnn', '111110111100nnnn',
                   '111110111110nnnn'])
    return fill(op + 'aaaadddd0000mmmm', a=low, d=high)

def reverse():
    m = R.choice(ANY)
    second = R.choice(['1000', '1001', '1010', '1011'])
    if R.randrange(4) == 0:
        return fill('111110101011mmmm 1111dddd1000nnnn', m=m, n=m)
    return fill('111110101001mmmm 1111dddd%snnnn' % second, m=m, n=m)

def high_register():
    kind = R.randrange(3)
    d, m = R.choice(ANY), R.choice(ANY + [13, 15])
    if kind == 1:
        if d < 8 and m < 8:
            d = R.choice([8, 9, 10, 11, 12, 14])
        if m == 15:
            m = 13
    return [0x4400 | kind << 8 | (d & 8) << 4 | m << 3 | (d & 7)]

# --- the DSP extension ---------------------------------------------------------------------
DSP = (['111010101100nnnn 0iiiddddjjt0mmmm', '111100110010nnnn 0000dddd0000iiii',
        '111100111010nnnn 0000dddd0000iiii', '111110101010nnnn 1111dddd1000mmmm',
        '111110101010nnnn 1111dddd1000mmmm', '1111101000101111 1111dddd10rrmmmm',
        '1111101000111111 1111dddd10rrmmmm'] +
       ['111110100%snnnn 1111dddd10rrmmmm' % op
        for op in ('000', '001', '010', '011', '100', '101')] +
       ['111110101%snnnn 1111dddd0%smmmm' % (op, kind)
        for op in ('000', '001', '010', '100', '101', '110')
        for kind in ('000', '001', '010', '100', '101', '110')] +
       ['111110101000nnnn 1111dddd10%smmmm' % op for op in ('00', '01', '10', '11')] +
       ['111110110%snnnn %sdddd00%smmmm' % (op, a, x)
        for op, x in (('001', 'xy'), ('010', '0x'), ('011', '0y'), ('100', '0x'),
                      ('101', '0r'), ('111', '00')) for a in ('aaaa', '1111')] +
       ['111110110110nnnn aaaadddd000rmmmm'])
DSP_LONG = ['111110111100nnnn aaaadddd10xymmmm', '111110111100nnnn aaaadddd110xmmmm',
            '111110111101nnnn aaaadddd110xmmmm', '111110111110nnnn aaaadddd0110mmmm']

def dsp():
    if R.randrange(8):
        return pick(DSP)
    low, high = R.sample(ANY, 2)
    return fill(R.choice(DSP_LONG), a=low, d=high)

# --- the FPU ---------------------------------------------------------------------------------
# Patterns of single precision; F and G are the fifth bits of Vd and Vm, N that of Vn.  In
# those of double precision (z = 1) they are zero.
def precisions(pattern, fifth):
    """Both of a pattern; `fifth` lists the letters that a double must have 0."""
    double = pattern.replace('z', '1')
    for letter in fifth:
        double = double.replace(letter, '0')
    return [pattern.replace('z', '0')] + ([double] if FPV5 else [])

FP_THREE = [p for op in ('0F00', '0F01', '0F10', '0F11', '1F01', '1F10') for x in '01'
            for p in precisions('11101110%snnnn dddd101zN%sG0mmmm' % (op, x), 'FNG')]
FP_THREE += precisions('111011101F00nnnn dddd101zN0G0mmmm', 'FNG')
if FPV5:
    FP_THREE += [p for cc in ('00', '01', '10', '11')
                 for p in precisions('111111100F%snnnn dddd101zN0G0mmmm' % cc, 'FNG')]
    FP_THREE += [p for x in '01'
                 for p in precisions('111111101F00nnnn dddd101zN%sG0mmmm' % x, 'FNG')]
def two_registers(opc2, bits76, fifth, prefix='1110'):
    return precisions('%s11101F11%s dddd101z%sG0mmmm' % (prefix, opc2, bits76), fifth)
FP_TWO = (two_registers('0000', '01', 'FG') + two_registers('0000', '11', 'FG') +
          two_registers('0001', '01', 'FG') + two_registers('0001', '11', 'FG') +
          two_registers('0010', 't1', 'F') + two_registers('0011', 't1', 'G') +
          two_registers('0100', 'e1', 'FG') + two_registers('1000', 's1', 'F') +
          two_registers('110s', 'r1', 'G'))
FP_TWO += precisions('111011101F110101 dddd101ze1000000', 'F')
FP_TWO += precisions('111011101F11iiii dddd101z0000jjjj', 'F')
if FPV5:
    FP_TWO += (two_registers('0110', '01', 'FG') + two_registers('0110', '11', 'FG') +
               two_registers('0111', '01', 'FG') + two_registers('10rr', '01', 'FG', '1111') +
               two_registers('11rr', 's1', 'G', '1111'))
    FP_TWO += ['1110111010110111 dddd101011G0mmmm', '111011101F110111 dddd10111100mmmm']

SINGLES = [0, 0x80000000, 1, 0x80000001, 0x7FFFFF, 0x800000, 0x800001, 0x80800000, 0x3F800000,
           0xBF800000, 0x3F7FFFFF, 0x3F800001, 0x40000000, 0x7F7FFFFF, 0xFF7FFFFF, 0x7F800000,
           0xFF800000, 0x7F800001, 0x7FC00000, 0xFFC12345, 0x7FBFFFFF, 0xFF8ABCDE, 0x3F000000,
           0x3EFFFFFF, 0x3F000001, 0x3FC00000, 0xBFC00000, 0x40200000, 0x4B000000, 0x4AFFFFFF,
           0x4B000001, 0x4F000000, 0xCF000000, 0xCF000001, 0x4EFFFFFF, 0x4F7FFFFF, 0x4F800000,
           0x33800000, 0x33800001, 0x47000000, 0xC7000000, 0x477FFF00, 0x477FE000, 0x477FEFFF,
           0x477FF000, 0x38800000, 0x387FC000, 0x387FEFFF, 0x33000000, 0x33000001, 0x7F000000,
           0x00400000, 0x34000000, 0x5F000000, 0x1F000000, 0x20000000]
HALVES = [0, 0x8000, 1, 0x3FF, 0x400, 0x3C00, 0xBC00, 0x7BFF, 0x7C00, 0xFC00, 0x7C01, 0x7E00,
          0xFE55, 0xFDFF, 0x7FFF, 0xFFFF]

def single():
    kind = R.randrange(8)
    if kind < 4:
        return R.choice(SINGLES)
    if kind < 5:
        return R.getrandbits(32)
    if kind < 6:
        return R.choice(HALVES) << 16 | R.choice(HALVES)
    return R.getrandbits(1) << 31 | R.randrange(97, 160) << 23 | R.getrandbits(23)

def widened(s):
    """A single's bits as the double of a like kind: the same edges, elsewhere."""
    exponent, fraction = s >> 23 & 0xFF, s & 0x7FFFFF
    exponent = (0 if exponent == 0 else 0x7FF if exponent == 0xFF else exponent - 127 + 1023)
    extra = R.choice([0, 0, 1, 0x10000000, 0xFFFFFFF, 0x1FFFFFFF, R.getrandbits(29)])
    return (s >> 31) << 63 | exponent << 52 | fraction << 29 | extra

def double():
    kind = R.randrange(8)
    if kind < 5:
        return widened(single())
    if kind < 6:
        return R.getrandbits(64)
    return R.choice([1, 1 << 63, 0xFFFFFFFFFFFFF, 1 << 52, 0x7FEFFFFFFFFFFFFF, 0x7FF0000000000001,
                     0x7FF8000000000000, 0xFFF7FFFFFFFFFFFF, 0x3CA0000000000000,
                     0x3CA0000000000001, 0x4330000000000000, 0x432FFFFFFFFFFFFF,
                     0x41DFFFFFFFC00000, 0x41E0000000000000, 0xC1E0000000200000,
                     0x41EFFFFFFFE00000, 0x47EFFFFFE0000000, 0x47EFFFFFF0000000,
                     0x36A0000000000000, 0x3690000000000000, 0x380FFFFFFFFFFFFF,
                     0x3F10000000000000, 0x0008000000000000])

def fpscr():
    return (R.getrandbits(4) << 28 | R.getrandbits(5) << 22 |
            R.choice([0, 0, 0x9F, R.getrandbits(8)]))

def move_single(to_core, s, t):
    return [0xEE00 | to_core << 4 | s >> 1, t << 12 | 0xA10 | (s & 1) << 7]
def move_double(to_core, d, t, t2):
    return [0xEC40 | to_core << 4 | t2, t << 12 | 0xB10 | d]

def fixed_point():
    size, double = R.randrange(2), FPV5 and R.randrange(2)
    fraction = R.randrange(0, 33 if size else 17)
    imm = (32 if size else 16) - fraction
    return fill('111011101%s111o1u dddd101zs1i0jjjj'.replace('z', '01'[double]) %
                ('0' if double else 'F'), s=size, i=imm & 1, j=imm >> 1)

def fp_data(in_it=False):
    if R.randrange(10) == 0:
        return fixed_point()
    while True:
        pattern = R.choice(FP_THREE if R.randrange(2) else FP_TWO)
        if not (in_it and pattern.startswith('1111')):
            return fill(pattern, **fp_fields(pattern))

def fp_fields(pattern):
    return {letter: R.getrandbits(4) for letter in 'nmd' if pattern.count(letter) == 4}

def fp_transfer():
    kind = R.randrange(8)
    t, t2 = R.sample(ANY, 2)
    if kind < 3:
        return load_constant(t, single()) + move_single(0, R.randrange(32), t)
    if kind == 3:
        return move_single(1, R.randrange(32), t)
    if kind == 4:
        return [0xEC40 | R.randrange(2) << 4 | t2, t << 12 | 0xA10 | R.randrange(15) |
                R.randrange(2) << 5]
    if kind == 5:
        return R.choice([move_double(R.randrange(2), R.randrange(16), t, t2),
                         fill('1110111000xynnnn tttt101100010000', t=t, n=R.randrange(16))])
    if kind == 6:
        return R.choice([[0xEEF1, 0xFA10], [0xEEF1, t << 12 | 0xA10]])
    return load_constant(t, fpscr()) + [0xEEE1, t << 12 | 0xA10]

def fp_memory():
    n = R.choice(ANY)
    kind, load, double = R.randrange(4), R.randrange(2), R.randrange(2)
    if kind == 0:
        up, imm = R.randrange(2), R.randrange(256)
        where = address(4)
        if load and R.randrange(4) == 0:
            return [], [0xED1F | up << 7, R.randrange(16) << 12 | 0xA00 | double << 8 | imm]
        return (load_constant(n, where - 4 * imm if up else where + 4 * imm),
                [0xED00 | up << 7 | load << 4 | n | (not double and R.randrange(2)) << 6,
                 R.randrange(16) << 12 | 0xA00 | double << 8 | imm])
    first = R.randrange(0, 32, 2) if double else R.randrange(32)
    words = R.randrange(1, min(32 - first, 16) + 1)
    if double:
        words = max(2, words & ~1)
    vd = first // 2 << 12 | (0 if double else (first & 1) << 22)
    down = kind == 3
    opcode = (0xED20 if down else 0xEC80 | R.randrange(2) << 5) | load << 4 | n | vd >> 16
    where = address(4, 80) + (64 if down else 0)
    return load_constant(n, where), [opcode, vd & 0xFFFF | 0xA00 | double << 8 | words]

def fp_all_seen():
    """The end of a random case: all registers to the window, of which a checksum is kept."""
    return load_constant(0, WINDOW + 0x40) + [0xEC80, 0x0A20, 0xEEF1, 0x1A10]

def fp_once(word):
    """One operation: FPSCR = r12, Vn = r0:r1, Vm = r2:r3, Vd = r4:r5."""
    code = [0xEEE1, 0xCA10]
    for register, low in ((word >> 16 & 15, 0), (word & 15, 2), (word >> 12 & 15, 4)):
        code += move_double(0, register, low, low + 1)
    return code + [word >> 16, word & 0xFFFF]

def fp_cases():
    """Two operations a case, from a fresh FPSCR each; all 32 registers hold the operands by
    pairs, so that a single is either half."""
    patterns = FP_THREE + FP_TWO
    for pattern in patterns:
        for _ in range(160):
            code, results = [], [(6, 7, 8), (9, 10, 11)]
            for flags, low, high in results:
                fields = fp_fields(pattern)
                if R.randrange(4):                  # mostly three different ones
                    fields.update({k: v for k, v in zip('dnm', R.sample(range(16), 3))
                                   if k in fields})
                halves = fill(pattern, **fields)
                word = halves[0] << 16 | halves[1]
                code += fp_once(word)
                code += [0xEEF1, flags << 12 | 0xA10] + move_double(1, word >> 12 & 15, low, high)
            def operand():
                number = double() if FPV5 and R.randrange(2) else single() << 32 | single()
                return [number & 0xFFFFFFFF, number >> 32]
            words = operand() + operand() + operand()
            if R.randrange(6) == 0:                 # equal, opposite, or next to each other
                words[2:4] = [words[0] + R.randrange(2) & 0xFFFFFFFF,
                              words[1] ^ R.choice([0, 1 << 31])]
            regs = registers(**{'r%d' % i: word for i, word in enumerate(words)})
            regs[12] = fpscr()
            yield code, regs

def fixed_cases():
    for _ in range(1500):
        code = fixed_point()
        d = code[1] >> 12
        yield ([0xEEE1, 0xCA10] + move_double(0, d, 0, 1) + code + [0xEEF1, 0x6A10] +
               move_double(1, d, 7, 8),
               registers(r0=single() if R.randrange(2) else value(),
                         r1=widened(single()) >> 32 if R.randrange(2) else value(),
                         r12=fpscr()))

def special():
    kind = R.randrange(3)
    if kind == 0 and CORE != 'm3':
        return fill('111100111000nnnn 1000%s0000000000' % R.choice(['10', '01', '11']))
    if kind == 0:
        return fill('111100111000nnnn 1000100000000000')
    if kind == 1:
        return [0xF3EF, 0x8000 | R.choice(ANY) << 8 |
                R.choice([0, 1, 2, 3, 5, 6, 7, 8, 9, 16, 17, 18, 19, 20])]
    n, level = R.choice(ANY), R.randrange(0, 256, 16)   # never so low as to mask SVC
    return load_constant(n, level) + fill('111100111000nnnn 10001000000100ss', n=n,
                                          s=R.choice([1, 2]))

def hint():
    return R.choice([[0xBF00], [0xBF10], [0xBF50 + 16 * R.randrange(11)], [0xF3AF, 0x8000],
                     [0xF3AF, 0x8001], [0xF3AF, 0x80F0], [0xF3BF, 0x8F4F],
                     [0xF3BF, 0x8F5F], [0xF3BF, 0x8F6F], [0xF3BF, 0x8F2F],
                     fill('111110001001nnnn 1111iiiiiiiiiiii'),
                     fill('111110010001nnnn 11111100iiiiiiii'),
                     fill('111110000001nnnn 1111000000ssmmmm'),
                     fill('1111100us0011111 1111iiiiiiiiiiii')])

def compute():
    if FPU and R.randrange(2):
        return fp_transfer() if R.randrange(2) else fp_data()
    if CORE != 'm3' and R.randrange(2):
        return dsp()
    return R.choices([lambda: pick(ALU16), lambda: pick(ALU32), shifted_by_register_amount,
                      bit_field, saturate, long_multiply, reverse, high_register, special,
                      hint], [30, 40, 4, 4, 4, 4, 3, 4, 3, 3])[0]()

def compute_one():
    """A single instruction, for an IT block."""
    if FPU and R.randrange(3) == 0:
        return fp_data(in_it=True)
    if CORE != 'm3' and R.randrange(3) == 0:
        return dsp()
    return R.choices([lambda: pick(ALU16), lambda: pick(ALU32), bit_field, saturate,
                      long_multiply, reverse], [40, 30, 5, 5, 5, 5])[0]()

# --- memory: the address is put into the base register first -------------------------------
def address(unit, spare=64):
    return WINDOW + 0x100 + R.randrange(0, 0x600 - spare) // unit * unit

def memory16():
    """Register and immediate offsets, low registers."""
    n, t = R.sample(range(8), 2)
    if R.randrange(2):
        kind = R.randrange(8)
        m = R.choice([r for r in range(8) if r != n])
        unit = R.choice([1, {0: 4, 1: 2, 2: 1, 3: 1, 4: 4, 5: 2, 6: 1, 7: 2}[kind]])
        offset = R.randrange(0, 64)
        where = address(unit)
        return (load_constant(n, where - offset & 0xFFFFFFFF) + load_constant(m, offset),
                [0x5000 | kind << 9 | m << 6 | n << 3 | t])
    opcode, width = R.choice([(0x6000, 4), (0x6800, 4), (0x7000, 1), (0x7800, 1),
                              (0x8000, 2), (0x8800, 2)])
    imm = R.randrange(32)
    where = address(R.choice([1, width])) - imm * width
    return load_constant(n, where), [opcode | imm << 6 | n << 3 | t]

def memory_sp():
    return [], [0x9000 | R.randrange(2) << 11 | R.randrange(8) << 8 | R.randrange(256)]

def literal16():
    return [], [0x4800 | R.randrange(8) << 8 | R.randrange(256)]

SINGLE = [(0xF800, 1), (0xF810, 1), (0xF910, 1), (0xF820, 2), (0xF830, 2), (0xF930, 2),
          (0xF840, 4), (0xF850, 4)]
def memory32():
    opcode, width = R.choice(SINGLE)
    n, t = R.sample(ANY, 2)
    where, form = address(R.choice([1, width])), R.randrange(4)
    if form == 0:
        imm = R.getrandbits(12)
        return load_constant(n, where - imm), [opcode | 0x80 | n, t << 12 | imm]
    if form == 1:
        m = R.choice([r for r in ANY if r != n])
        offset, shift = R.randrange(16), R.randrange(4)
        return (load_constant(n, where - (offset << shift)) + load_constant(m, offset),
                [opcode | n, t << 12 | shift << 4 | m])
    if form == 2:
        imm = R.getrandbits(8)
        return load_constant(n, where - imm), [opcode | n, t << 12 | 0xE00 | imm]
    imm, (p, u, w) = R.getrandbits(8), R.choice([(1, 0, 0), (1, 0, 1), (1, 1, 1), (0, 0, 1),
                                                 (0, 1, 1)])
    base = where if not p else where - imm if u else where + imm
    return load_constant(n, base), [opcode | n, t << 12 | 0x800 | p << 10 | u << 9 | w << 8 |
                                    imm]

def literal32():
    """Reads the program itself: the same image in both machines."""
    opcode = R.choice([0xF81F, 0xF89F, 0xF91F, 0xF99F, 0xF83F, 0xF8BF, 0xF93F, 0xF9BF,
                       0xF85F, 0xF8DF])
    return [], [opcode, R.choice(ANY) << 12 | R.getrandbits(12)]

def dual():
    n, t, t2 = R.sample(ANY, 3)
    loads, imm = R.randrange(2), R.randrange(256)
    p, u, w = R.choice([(1, 0, 0), (1, 1, 0), (1, 0, 1), (1, 1, 1), (0, 0, 1), (0, 1, 1)])
    where = address(4)
    base = where if not p else where - 4 * imm if u else where + 4 * imm
    if loads and R.randrange(4) == 0:
        return [], [0xE95F | R.randrange(2) << 7, t << 12 | t2 << 8 | imm]
    return (load_constant(n, base), [0xE840 | p << 8 | u << 7 | w << 5 | loads << 4 | n,
                                     t << 12 | t2 << 8 | imm])

def multiple():
    kind = R.randrange(4)
    if kind == 0:
        n = R.randrange(8)
        registers = R.getrandbits(8) or 1
        load = R.randrange(2)
        if not load and registers >> n & 1:     # the base's stored value: lowest only
            registers &= ~((1 << n) - 1)
        return load_constant(n, address(4)), [0xC000 | load << 11 | n << 8 | registers]
    n = R.choice(ANY)
    load, write_back = R.randrange(2), R.randrange(2)
    registers = R.getrandbits(15) & 0x5FFF & ~((1 << n) if write_back else 0)
    while bin(registers).count('1') < 2:
        registers |= 1 << R.choice([r for r in ANY if r != n])
    opcode = R.choice([0xE880, 0xE900]) | write_back << 5 | load << 4 | n
    return load_constant(n, address(4, 80) + (64 if opcode & 0x100 else 0)), [opcode, registers]

def exclusive():
    n, t, d, s = R.sample(ANY, 4)
    kind, imm = R.randrange(3), R.randrange(256)
    where = address(4)
    if kind == 0:
        pair = ([0xE850 | n, t << 12 | 0xF00 | imm], [0xE840 | n, s << 12 | d << 8 | imm])
        where -= 4 * imm
    else:
        bits = 0xF40 if kind == 1 else 0xF50
        pair = ([0xE8D0 | n, t << 12 | bits | 0xF], [0xE8C0 | n, s << 12 | bits | d])
    code = load_constant(n, where)
    if R.randrange(5):
        code += pair[0]
        if R.randrange(4) == 0:
            code += [0xF3BF, 0x8F2F]
    else:
        code += [0xF3BF, 0x8F2F]            # one from before may still be armed
    return code, pair[1]

def memory():
    if FPU and R.randrange(2):
        return fp_memory()
    return R.choices([memory16, memory_sp, literal16, memory32, literal32, dual, multiple,
                      exclusive], [25, 8, 4, 35, 6, 10, 10, 6])[0]()

# --- flow: always forward, over a few instructions that must not run ------------------------
def filler():
    code = []
    for _ in range(R.randrange(1, 4)):
        code += pick(ALU16)
    return code

def branch(at):
    skipped = filler()
    count = len(skipped)
    kind = R.randrange(10)
    if kind == 0:
        return [0xE000 | count - 1] + skipped
    if kind == 1:
        return [0xD000 | R.randrange(14) << 8 | count - 1 & 0xFF] + skipped
    if kind == 2:
        offset = count - 1
        if offset < 0:
            return skipped
        return [0xB100 | R.randrange(2) << 11 | offset << 3 | R.randrange(8)] + skipped
    if kind == 3:
        return [0xF000 | 0, (0xD000 if R.randrange(2) else 0x9000) | 0x2800 | count] + skipped
    if kind == 4:
        return [0xF000 | R.randrange(14) << 6, 0x8000 | count] + skipped
    m = R.choice(range(8))
    if kind == 5:                                   # BX, BLX
        code = load_constant(m, at + 2 * (4 + 1 + count) | 1)
        return code + [R.choice([0x4700, 0x4780]) | m << 3] + skipped
    if kind == 6:                                   # MOV PC, ADD PC: stay in Thumb state
        code = load_constant(m, at + 2 * (4 + 1 + count))
        return code + [0x4687 | m << 3] + skipped
    if kind == 7:                                   # TBB, TBH with the table behind
        byte = R.randrange(2)
        table = [1 + count] if byte else [1 + count]
        return (load_constant(m, 0) + [0xE8DF, 0xF000 | (not byte) << 4 | m] + table + skipped)
    if kind == 8:                                   # POP {PC}, 16 or 32 bits
        if R.randrange(2):
            code = load_constant(m, at + 2 * (4 + 1 + 1 + count) | 1)
            return code + [0xB400 | 1 << m, 0xBD00] + skipped
        # LDM wants two registers: m goes on the stack first, r8 below it.
        code = load_constant(m, at + 2 * (4 + 3 + 2 + count) | 1)
        return code + [0xB400 | 1 << m, 0xF84D, 0x8D04, 0xE8BD, 0x8100] + skipped
    n = R.choice([r for r in range(8) if r != m])   # LDR PC through memory
    where = address(4)
    code = load_constant(n, where) + load_constant(m, at + 2 * (8 + 1 + 2 + count) | 1)
    return code + [0x6000 | n << 3 | m] + [0xF8D0 | n, 0xF000] + skipped

class Stack:
    """Constant changes of SP, kept within the stack window."""
    def __init__(self):
        self.drift = 0
    def change(self):
        kind = R.randrange(6)
        words = R.randrange(128)
        if FPU and R.randrange(3) == 0:
            return self.change_fp()
        if kind == 0 and self.drift + 4 * words < 1200:
            self.drift += 4 * words
            return [0xB000 | words]
        if kind == 1 and self.drift - 4 * words > -1200:
            self.drift -= 4 * words
            return [0xB080 | words]
        registers = R.getrandbits(8) or 1
        if kind < 4:
            lr = R.randrange(2)
            if self.drift < -1200:
                return []
            self.drift -= 4 * (bin(registers).count('1') + lr)
            return [0xB400 | lr << 8 | registers]
        if self.drift > 1200:
            return []
        self.drift += 4 * bin(registers).count('1')
        return [0xBC00 | registers]

    def change_fp(self):
        """VPUSH and VPOP."""
        double, words, pop = R.randrange(2), 2 * R.randrange(1, 9), R.randrange(2)
        if abs(self.drift) > 1200:
            return []
        self.drift += 4 * words if pop else -4 * words
        return [0xECBD if pop else 0xED2D, R.randrange(8) << 12 | 0xA00 | double << 8 | words]

def it_block():
    length = R.randrange(1, 5)
    condition = R.randrange(15)
    mask = 0
    for i in range(length - 1):
        mask = mask << 1 | (condition & 1 if condition == 14 else R.randrange(2))
    mask = (mask << 1 | 1) << (4 - length)
    setup, body = memory() if R.randrange(3) == 0 else ([], compute_one())
    for _ in range(length - 1):
        body = body + compute_one()
    return setup + [0xBF00 | condition << 4 | mask] + body, length

def random_case(at, wanted):
    code, count, stack = [], 0, Stack()
    while count < wanted:
        here = at + 2 * len(code)
        kind = R.random()
        if kind < 0.50:
            code += compute()
            count += 1
        elif kind < 0.75:
            setup, body = memory()
            code += setup + body
            count += 1
        elif kind < 0.83:
            code += branch(here)
            count += 1
        elif kind < 0.90:
            code += stack.change()
            count += 1
        elif kind < 0.97:
            block, length = it_block()
            code += block
            count += length
        else:
            code += R.choice([[0xB672, 0xF3EF, 0x8010 | R.randrange(8) << 8, 0xB662],
                              [0xB671, 0xF3EF, 0x8013 | R.randrange(8) << 8, 0xB661],
                              [0xBF40, 0xBF20], [0xF3AF, 0x8004, 0xF3AF, 0x8002]])
            count += 1
    return code + (fp_all_seen() if FPU else []), count

# --- directed cases ---------------------------------------------------------------------------
def registers(**given):
    words = [value() for _ in range(14)]
    for name, word in given.items():
        words[int(name[1:])] = word & 0xFFFFFFFF
    return words

def overflow_cases():
    for x in EDGES:
        for y in EDGES:
            for op in (0x1888, 0x1A88, 0x4148, 0x4188, 0x4288, 0x42C8):   # both orders follow
                yield [op, 0xF3EF, 0x8200], registers(r0=x, r1=y, r2=y)

def shift_cases():
    for kind in (0x4088, 0x40C8, 0x4108, 0x41C8):
        for amount in (0, 1, 2, 7, 8, 30, 31, 32, 33, 34, 63, 64, 128, 224, 255, 256, 0x1FF):
            for x in (0, 1, 0x80000000, 0x7FFFFFFF, 0xFFFFFFFF, 0xC0000003, 0x12345678):
                yield [kind], registers(r0=x, r1=amount)
    for kind in range(4):
        for amount in range(32):
            yield ([0xEA5F, (amount >> 2) << 12 | 0x0200 | (amount & 3) << 6 | kind << 4],
                   registers(r0=0xC0000003 ^ 0x55 << amount % 20))

def it_cases():
    for condition in range(15):
        for mask in range(1, 16):
            if condition == 14 and bin(mask).count('1') != 1:
                continue
            for flags in range(16):
                code = [0xBF00 | condition << 4 | mask]
                length = 4 - ((mask & -mask).bit_length() - 1)
                for i in range(length):
                    code += [[0x1C40], [0x3110], [0x2255], [0x43DB]][i]   # ADD ADD MOV MVN
                yield code, registers(), flags << 28

def immediate_cases():
    for imm in range(0, 4096, 7):
        if (imm >> 8) in (1, 2, 3) and not imm & 0xFF:
            continue
        yield [0xF05F | (imm >> 11) << 10, (imm >> 8 & 7) << 12 | imm & 0xFF], registers()

def unaligned_cases():
    for offset in range(8):
        for opcode, _ in SINGLE:
            yield (load_constant(1, WINDOW + 0x200 + offset) + [opcode | 0x81, 0x2000],
                   registers())

def bit_band_cases():
    for bit in range(32):
        alias = 0x22000000 + (0x204 + bit // 8) * 32 + (bit % 8) * 4
        yield (load_constant(0, alias) + [0x6801, 0x6002, 0x6803], registers(r2=bit))

def divide_cases():
    for n in EDGES:
        for m in EDGES:
            yield [0xFBB0, 0xF2F1, 0xFB90, 0xF3F1], registers(r0=n, r1=m)

DSP_EDGES = EDGES + [0x7FFF7FFF, 0x80008000, 0x80007FFF, 0x7FFF8000, 0xFFFF8000, 0x8000FFFF,
                     0x7F807F80, 0x80808080, 0x00FF00FF, 0xFF00FF00, 0x00010001, 0x0000FFFF]

def dsp_cases():
    """Rn = r0, Rm = r1, Ra or RdLo = r2, Rd or RdHi = r3, then SEL by the new GE."""
    for pattern in DSP + DSP_LONG:
        for _ in range(24):
            yield (fill(pattern, n=0, m=1, a=2, d=3) + fill('111110101010nnnn 1111dddd1000mmmm',
                                                          n=4, m=5, d=6),
                   registers(**{'r%d' % i: R.choice(DSP_EDGES) for i in range(4)}))

DIRECTED = [('overflow', overflow_cases), ('shift amounts', shift_cases),
            ('IT masks', it_cases), ('immediates', immediate_cases),
            ('unaligned', unaligned_cases), ('bit-band', bit_band_cases),
            ('division', divide_cases)]
if CORE != 'm3':
    DIRECTED += [('DSP', dsp_cases)]
if FPU:
    DIRECTED = [('floating point', fp_cases), ('fixed point', fixed_cases)]

def flag_bits():
    """NZCVQ, and GE where there is one."""
    return R.getrandbits(5) << 27 | (R.getrandbits(4) << 16 if CORE != 'm3' else 0)

def main(wanted, assembly, index):
    out, table, at = [], [], CODE
    summary = []
    def add(group, code, regs, flags):
        nonlocal at
        code = code + [0xDF00]                      # SVC #0
        if len(code) % 2:
            code.append(0xBF00)
        out.append('.hword ' + ','.join('0x%x' % half for half in code))
        table.append('.word 0x%x,0x%x,%s' % (at, flags | 0x01000000,
                                             ','.join('0x%x' % r for r in regs)))
        index.write('%s\t0x%x\t%d\n' % (group, at, len(code)))
        at += 2 * len(code)
    total = 0
    while total < wanted:
        code, count = random_case(at, 20)
        add('random', code, registers(), flag_bits())
        total += count
    for group, cases in DIRECTED:
        for case in cases():
            flags = case[2] if len(case) > 2 else flag_bits()
            add(group, case[0], case[1], flags)
    assembly.write('.syntax unified\n.thumb\n.section .cases,"ax"\n%s\n'
                   '.section .rodata\n.balign 4\n.global case_table, case_count\n'
                   'case_count: .word %d\ncase_table:\n%s\n'
                   % ('\n'.join(out), len(table), '\n'.join(table)))
    index.write('instructions\t%d\t0\n' % total)

if __name__ == '__main__':
    with open(sys.argv[1] + '/cases.s', 'w') as assembly, \
         open(sys.argv[1] + '/cases.txt', 'w') as index:
        main(int(sys.argv[2]), assembly, index)
