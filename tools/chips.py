#!/usr/bin/env python3
"""chips.py - which chips does the probe know, and which of them were tried?

  chips.py            prints docs/chips.md
  chips.py check      is docs/chips.md what it would print?  Exit status 1 if not
  chips.py virtual    the virtual chips that have a session

The parts are those of the tables in chips_*.c, the virtual chips those that test/session has a
row for (chip_session.py), so what is said here is what is there.
"""
import re
import sys

HEAD = """# Chips

`make chips` makes this page from the tables of the firmware and of the tests, and tries every virtual chip: `gdb` loads
its first and last block, across banks, with gaps, over a noisy wire and through a power cut, erases ranges and all of it,
changes an option, protects and opens it (test/session/chip_session.py), then debugs a program in it (session.py).
OpenOCD's own driver judges the virtual chip itself (`test/judge/openocd.sh`), which was written by another hand than ours.

| tried | means |
|---|---|
| virtual | on a virtual chip of this part; its flash with every `make test` |
| line | a virtual chip of the same line of parts, with the same controller; this row itself not |
| row | never: the row stands in the table, from the reference manual |

Nothing here has been tried on silicon yet. Tell us when you do.

"""
# A virtual chip, and the row of the table that it is.
VIRTUAL = {
    "stm32f103": "F10x x8/xB", "stm32f030": "F05/F030x8", "stm32f303": "F302/F303",
    "stm32f107": "F105/F107", "stm32f103xg": "F10x xF/xG",
    "stm32f205": "F20x/F21x", "stm32f405": "F405/F407", "stm32f429": "F42x/F43x",
    "stm32f746": "F74x/F75x", "stm32f767": "F76x/F77x", "stm32l476": "L47x/L48x", "stm32g474": "G47x/G48x",
    "stm32g071": "G07x/G08x", "stm32g0b1": "G0Bx/G0Cx", "samd21": "D21", "samc21": "C21",
    "saml21": "L21", "samd51": "D51", "nrf51822": "nRF51", "nrf52840": "nRF52",
}
CONTROLLERS = {
    "FPEC (PM0075)": "F0 F1 F3", "F2, F4, F7 (RM0090)": "F4 F42 F72 F74",
    "L4, G4, G0 (RM0351)": "L4 LP G4 WB G0 C0 U0 U03",
}


def tried_by_tests():
    text = open("test/session/chip_session.py").read()
    names = set(re.findall(r'^    "(\w+)": Chip\(', text, re.M))
    missing = names ^ set(VIRTUAL)
    if missing:
        raise SystemExit(f"chips.py: not in both of chip_session.py and here: {missing}")
    return names


def rows():
    """(controller, part, id, KB of flash at most, line)"""
    text = open("chips_stm32.c").read()
    for name, chip_id, line, flash in re.findall(
            r'^    \{ "([^"]+)", +0x(\w+), (\w+), +\d+, +\d+, +(\d+) \},', text, re.M):
        controller = [c for c, lines in CONTROLLERS.items() if line in lines.split()][0]
        yield controller, "STM32" + name, f"DBGMCU 0x{chip_id}", flash, line, name
    text = open("chips_sam.c").read()
    for did, name in re.findall(r'\{ (0x\w+), 0x\w+, "(\w+)" \}', text):
        five = did.startswith("0x6")
        yield ("NVMCTRL of D5x (DS60001507)" if five else "NVMCTRL (DS40001882)", "ATSAM" + name,
               f"DID {did}", "", "5x" if five else "SAM", name)
    for name in ("nRF51", "nRF52"):
        yield "NVMC (nRF PS)", name, "FICR", "", name, name


def page():
    tested = {VIRTUAL[chip]: chip for chip in tried_by_tests()}
    parts = list(rows())
    lines = {line for _, _, _, _, line, name in parts if name in tested}
    unknown = set(tested) - {name for *_, name in parts}
    if unknown:
        raise SystemExit(f"chips.py: no such row: {unknown}")
    out, last = HEAD, None
    for controller, part, chip_id, flash, line, name in parts:
        if controller != last:
            out += f"\n## {controller}\n\n| part | told by | flash up to | tried |\n|---|---|---|---|\n"
            last = controller
        tried = (f"virtual, `{tested[name]}`" if name in tested
                 else "line" if line in lines else "row")
        out += f"| {part} | {chip_id} | {flash + ' KB' if flash else 'as the chip says'} | {tried} |\n"
    return out.replace("\n\n\n", "\n\n")


if sys.argv[1:] == ["check"]:
    if open("docs/chips.md").read() != page():
        print("docs/chips.md is out of date: tools/chips.py > docs/chips.md")
        sys.exit(1)
elif sys.argv[1:] == ["virtual"]:
    print(*sorted(tried_by_tests()))
elif sys.argv[1:]:
    sys.exit(__doc__)
else:
    sys.stdout.write(page())
