/* test_files.js - the page's file readers: what each format gives, and what is refused.
 *
 * They are taken out of web/dfu.html as they are and run in node.  Where a real file is
 * needed it is one of the build's. */
"use strict";
const test = require("node:test");
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { image } = require("./board.js");

const html = fs.readFileSync(path.join(__dirname, "../../web/dfu.html"), "utf8");
const script = html.slice(html.indexOf("<script>") + 8, html.lastIndexOf("</script>"));
const page = new Function(`${script}\nreturn { readImage, crc32, Refusal, hex };`)();

const read = name => new Uint8Array(fs.readFileSync(image(name)));
const bytes = text => new TextEncoder().encode(text);

/* A program of size bytes: vectors that fit, then the bytes 8, 9, 10 ... */
function program(size = 64, { sp = 0x20005000, reset = 0x08002009 } = {}) {
    const data = Uint8Array.from({ length: size }, (_, i) => i);
    const words = new DataView(data.buffer);
    [sp, reset, 0, 0].forEach((word, i) => i * 4 + 4 <= size && words.setUint32(i * 4, word, true));
    for (let n = 4; n < 16 && n * 4 + 4 <= size; n++)
        words.setUint32(n * 4, 0, true);
    return data;
}

function record(type, address, data) {
    const body = [data.length, address >> 8, address & 255, type, ...data];
    const sum = -body.reduce((a, b) => a + b, 0) & 255;
    return ":" + [...body, sum].map(b => b.toString(16).padStart(2, "0")).join("").toUpperCase();
}

function hexFile(data, { upper = [4, 0x08, 0x00], base = 0x2000, lines = [] } = {}) {
    const out = [record(upper[0], 0, upper.slice(1))];
    for (let at = 0; at < data.length; at += 16)
        out.push(record(0, base + at, [...data.slice(at, at + 16)]));
    return bytes([...out, ...lines, record(1, 0, [])].join("\r\n") + "\r\n");
}

function dfuFile(data, { vendor = 0x1209, product = 0x0001 } = {}) {
    const file = new Uint8Array(data.length + 16);
    file.set(data);
    const end = new DataView(file.buffer, data.length);
    [0xFFFF, product, vendor, 0x0100].forEach((half, i) => end.setUint16(i * 2, half, true));
    file.set(bytes("UFD"), data.length + 8);
    end.setUint8(11, 16);
    end.setUint32(12, ~page.crc32(file.subarray(0, -4)) >>> 0, true);
    return file;
}

function refuses(file, reason, device) {
    assert.throws(() => page.readImage(file, device),
                  error => error instanceof page.Refusal && reason.test(error.message));
}

test("crc32 of 123456789 is the check value of the catalogues", () => {
    assert.equal(page.crc32(bytes("123456789")), 0xCBF43926);
});

for (const name of ["probe", "examples/blinky"])
    for (const [end, kind] of [["bin", /^raw binary$/], ["hex", /^Intel HEX$/],
                               ["elf", /^ELF program$/], ["dfu", /^DFU file \(raw binary\)$/]])
        test(`${name}.${end} gives the bytes of ${name}.bin at 0x08002000`, () => {
            const found = page.readImage(read(`${name}.${end}`));
            assert.match(found.kind, kind);
            assert.equal(found.base, 0x08002000);
            assert.deepEqual(Buffer.from(found.data), Buffer.from(read(`${name}.bin`)));
            assert.equal(found.crc, page.crc32(read(`${name}.bin`)));
        });

for (const name of ["boot.bin", "boot.hex", "boot.elf"])
    test(`${name} is refused as a bootloader`, () => refuses(read(name), /This is a bootloader/));
for (const name of ["pillbug.bin", "pillbug.hex"])
    test(`${name} is refused as the whole chip, and probe.bin is named instead`, () => {
        refuses(read(name), /whole chip/);
        assert.throws(() => page.readImage(read(name)), error => /probe\.bin/.test(error.hint));
    });
test("a program for another chip is refused, and why", () => {
    refuses(read("examples/demo-samd21.hex"), /linked for 0x00000000.*another one/);
    refuses(read("examples/demo-samd21.bin"), /stack pointer/);
});
test("a program linked for the start of the flash is refused in every format", () => {
    for (const end of ["bin", "hex", "elf"])
        refuses(read(`examples/demo-stm32f103.${end}`), /linked for 0x08000000/);
});
test("a program linked for RAM is refused", () =>
    refuses(hexFile(program(), { upper: [4, 0x20, 0x00] }), /run in RAM/));

test("a segment record (02) counts sixteens, a linear one (04) 64 KB", () => {
    const data = program();
    assert.equal(page.readImage(hexFile(data)).base, 0x08002000);
    refuses(hexFile(data, { upper: [2, 0x10, 0x00] }), /linked for 0x00012000/);
});
test("start records (03, 05) of a HEX file are passed over", () =>
    assert.equal(page.readImage(hexFile(program(), { lines: [record(3, 0, [0, 0, 0, 0]),
        record(5, 0, [8, 0, 0x20, 9])] })).data.length, 64));
test("a gap in a HEX file is filled with 0xFF", () => {
    const found = page.readImage(hexFile(program(), { lines: [record(0, 0x2060, [1, 2])] }));
    assert.equal(found.data.length, 0x62);
    assert.deepEqual([...found.data.slice(0x3F, 0x42)], [0, 0xFF, 0xFF]);
    assert.deepEqual([...found.data.slice(-3)], [0xFF, 1, 2]);
});
test("a HEX file with one wrong digit is refused with the line", () => {
    const text = new TextDecoder().decode(hexFile(program()));
    refuses(bytes(text.replace("10201000", "10201001")), /Line 3 .*checksum/);
    refuses(bytes(text.replace("10201000", "1020100G")), /Line 3 .*not a HEX record/);
    refuses(bytes(text.replace("\r\n:10201000", "\r\n:0F201000")), /Line 3 .*length/);
});
test("a HEX file without its end record, or going on after it, is refused", () => {
    refuses(hexFile(program()).slice(0, -13), /no end record/);
    refuses(Buffer.concat([hexFile(program()), hexFile(program())]), /goes on after/);
});
test("a HEX file that gives one place two values is refused", () =>
    refuses(hexFile(program(), { lines: [record(0, 0x2010, [1])] }), /same place, 0x08002010/));
test("a HEX file with parts far apart is refused", () =>
    refuses(hexFile(program(), { lines: [record(4, 0, [0x1F, 0xFF]), record(0, 0, [1])] }),
            /cannot all be/));
test("a record of an unknown type is refused", () =>
    refuses(hexFile(program(), { lines: [record(7, 0, [])] }), /unknown type 7/));

/* What editors, shells, terminals and old copy programs make of a text file. */
const text = new TextDecoder().decode(hexFile(program()));
const utf16 = (words, little) => Uint8Array.from([..."\uFEFF" + words].flatMap(c => {
    const code = [c.charCodeAt(0) & 255, c.charCodeAt(0) >> 8];
    return little ? code : code.reverse();
}));
for (const [what, file] of [
    ["with line ends LF", bytes(text.replaceAll("\r\n", "\n"))],
    ["with line ends CR", bytes(text.replaceAll("\r\n", "\r"))],
    ["with line ends CR CR LF", bytes(text.replaceAll("\r", "\r\r"))],
    ["without the last line end", bytes(text.trimEnd())],
    ["in lower case", bytes(text.toLowerCase())],
    ["with empty lines", bytes(text.replaceAll("\r\n", "\r\n\r\n"))],
    ["with blanks around its lines", bytes(text.replace(/^/gm, " \t").replaceAll("\r", " \t\r"))],
    ["behind many empty lines", bytes("\r\n".repeat(500) + text)],
    ["with comment lines", bytes("; made by hand\r\n# on a Monday\r\n" + text + ";PIC16F84\r\n")],
    ["with a UTF-8 byte order mark", bytes("\uFEFF" + text)],
    ["with that mark and an empty line", bytes("\uFEFF\r\n" + text)],
    ["in UTF-16, little end first", utf16(text, true)],
    ["in UTF-16, big end first", utf16(text, false)],
    ["in UTF-16 without a mark", utf16(text, true).slice(2)],
    ["in UTF-16 without a mark, big end first", utf16(text, false).slice(2)],
    ["in UTF-16 with Ctrl-Z behind its end", utf16(text + "\x1A", true)],
    ["with Ctrl-Z behind its end", bytes(text + "\x1A")],
    ["with Ctrl-Z on the line of its end", bytes(text.trimEnd() + "\x1A")],
    ["filled up with Ctrl-Z, as XMODEM does", bytes(text + "\x1A".repeat(97))],
    ["with NULs behind its end", bytes(text + "\0".repeat(500))],
    ["with NULs on the line of its end", bytes(text.trimEnd() + "\0\0\r\n")],
    ["filled up with 0xFF", Buffer.concat([bytes(text), Buffer.alloc(77, 0xFF)])],
    ["with a mark, Ctrl-Z, NULs and empty lines", bytes("\uFEFF" + text + "\x1A\r\n\0\0\r\n\x1A")],
    ["with such a mark, in a DFU file", dfuFile(bytes("\uFEFF" + text + "\x1A"))],
])
    test(`a HEX file ${what} is read as it is meant`, () => {
        const found = page.readImage(file);
        assert.match(found.kind, /Intel HEX/);
        assert.equal(found.base, 0x08002000);
        assert.deepEqual(Buffer.from(found.data), Buffer.from(program()));
    });
test("what does stand behind the end record is told for what it is", () => {
    refuses(bytes(text + "\x1A" + text), /goes on after its end record \(line 7\)/);
    refuses(bytes(text + "\0\0" + text), /goes on after its end record \(line 7\)/);
    refuses(bytes(text + "\uFEFF" + text), /goes on after its end record \(line 7\)/);
    refuses(bytes(text + "and so on\r\n"), /Behind its end record .* something else \(line 7\)/);
    refuses(Buffer.concat([bytes(text), dfuFile(program()).slice(-16, -2)]), /something else/);
});
test("a HEX file whose first line is damaged is a damaged HEX file, no text", () => {
    refuses(bytes(text.replace(":02", ":O2")), /Line 1 of the HEX file is not a HEX record/);
    refuses(bytes("Subject: firmware\r\n\r\n" + text), /Line 1 of the HEX file is not a HEX record/);
    refuses(bytes(text.slice(1)), /Line 1 of the HEX file is not a HEX record/);
});
test("records of types 01 to 05 have the length that belongs to them", () => {
    for (const [type, good] of [[2, 2], [3, 4], [4, 2], [5, 4]])
        for (let length = 0; length < 6; length++) {
            const line = record(type, 0, [0x08, 0, 0x20, 9, 0, 0].slice(0, length));
            const file = bytes(`${line}\r\n${text}`);
            if (length !== good)
                refuses(file, /Line 1 .*wrong length/);
            else
                assert.equal(page.readImage(file).data.length, 64);
        }
    refuses(bytes(text.replace(":00000001FF", record(1, 0, [1]))), /Line 6 .*wrong length/);
    assert.equal(page.readImage(bytes(text.replace(":00000001FF", record(1, 0x2009, []))))
        .data.length, 64);
});

test("an ELF file cut anywhere is refused, never half read", () => {
    const elf = read("examples/blinky.elf");
    for (const length of [5, 51, 52, 100, 4096, elf.length >> 1, elf.length - 1])
        refuses(elf.slice(0, length), /cut short|too few/);
});
test("an ELF file of another processor, or not yet linked, is refused", () => {
    const change = (at, value) => {
        const elf = read("examples/blinky.elf");
        elf[at] = value;
        return elf;
    };
    refuses(change(18, 62), /another processor/);
    refuses(change(4, 2), /another processor/);
    refuses(change(16, 1), /not been linked/);
    refuses(change(16, 3), /shared library or .*position-independent/);
    refuses(change(16, 4), /memory of a program/);
});
test("an ELF file without section headers is taken by its segments alone", () => {
    const elf = read("examples/blinky.elf");
    elf.fill(0, 32, 36);
    elf.fill(0, 46, 52);
    const found = page.readImage(elf);
    assert.deepEqual(Buffer.from(found.data), Buffer.from(read("examples/blinky.bin")));
});

test("a DFU suffix with wildcards, or of either of our devices, is accepted", () => {
    for (const ids of [{}, { product: 2 }, { vendor: 0xFFFF, product: 0xFFFF }])
        assert.equal(page.readImage(dfuFile(program(), ids)).data.length, 64);
});
test("a DFU suffix of another device is refused, unless that device is connected", () => {
    const file = dfuFile(program(), { vendor: 0x1D50, product: 0x6017 });
    refuses(file, /0x1D50:0x6017/);
    const device = { vendorId: 0x1D50, productId: 0x6017 };
    assert.equal(page.readImage(file, device).data.length, 64);
});
for (const end of ["hex", "elf"])
    test(`a .${end} file may be in a DFU file too, and is checked by its suffix`, () => {
        const found = page.readImage(dfuFile(read(`examples/blinky.${end}`)));
        assert.match(found.kind, /^DFU file/);
        assert.deepEqual(Buffer.from(found.data), Buffer.from(read("examples/blinky.bin")));
        refuses(dfuFile(read(`examples/blinky.${end}`), { vendor: 1, product: 2 }), /0x0001:0x0002/);
    });
test("a DFU file with one bit changed is refused", () => {
    const file = dfuFile(program());
    file[20] ^= 1;
    refuses(file, /checksum in the DFU suffix/);
});

test("what is no firmware is refused with its name", () => {
    refuses(new Uint8Array(0), /empty/);
    refuses(new Uint8Array([1, 2, 3]), /too few/);
    for (const file of [bytes, words => bytes("\uFEFF" + words), words => utf16(words, true),
                        words => utf16(words, false)]) {
        refuses(file("int main(void) { return 0; }\n"), /text file/);
        refuses(file("<!DOCTYPE html><html><body>404</body></html>"), /web page/);
    }
    const srec = "S00600004844521B\nS1130000285F245F2212226A000424290008237C2A\nS9030000FC\n";
    for (const file of [srec, srec.toLowerCase(), srec.slice(17), "\uFEFF" + srec, "\r\n " + srec,
                        "S315080020000050002009200008000000000000000044\n"])
        refuses(bytes(file), /S-record/);
    refuses(utf16(srec, true), /S-record/);
    refuses(bytes("PK\x03\x04 and so on"), /ZIP/);
    refuses(new Uint8Array([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0]), /gzip/);
    refuses(bytes("UF2\n and so on, 512 bytes"), /UF2/);
    refuses(bytes("DfuSe\x01 and so on"), /DfuSe/);
    refuses(dfuFile(bytes("DfuSe\x01 and so on"), { vendor: 0x0483, product: 0xDF11 }), /DfuSe/);
    refuses(new Uint8Array(4096), /stack pointer, is 0x00000000/);
    refuses(new Uint8Array(4096).fill(0xFF), /stack pointer, is 0xFFFFFFFF/);
});
test("vectors are checked at both ends of every range", () => {
    for (const sp of [0x20000004, 0x20005000])
        assert.equal(page.readImage(program(64, { sp })).sp, sp);
    for (const sp of [0x20000000, 0x20005004, 0x20004FFE])
        refuses(program(64, { sp }), /stack pointer/);
    refuses(program(64, { reset: 0x08010001 }), /reset vector/);
    refuses(program(64, { reset: 0x08002001 }), /reset vector/);
    refuses(program(64, { reset: 0x08002008 }), /even/);
    assert.equal(page.readImage(program(64, { reset: 0x0800203F })).reset, 0x0800203F);
    refuses(program(64, { reset: 0x08002041 }), /beyond the end/);
});
test("a raw binary whose end is missing is refused when a vector shows it", () =>
    refuses(read("probe.bin").slice(0, 64), /beyond the end/));
test("56 KB fit, one byte more does not", () => {
    assert.equal(page.readImage(program(56 * 1024)).data.length, 57344);
    refuses(program(56 * 1024 + 1), /too large: 57345 bytes/);
});
