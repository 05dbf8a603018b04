/* test_page.js - web/dfu.html in a headless Chromium, updating the virtual board.
 *
 * Each test is a story of a person: a board in some state, what is clicked, what is read,
 * and what the flash holds afterwards.  SHOTS=FOLDER keeps pictures of the page. */
"use strict";
const test = require("node:test");
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const { chromium } = require("playwright-core");
const { Board, image, readSlot } = require("./board.js");
const { VirtualBus } = require("./virtual_bus.js");

const PAGE = path.join(__dirname, "../../web/dfu.html");
const URL = pathToFileURL(PAGE).href;
const PROBE = "probe.bin@0x08002000";
const SHOTS = process.env.SHOTS;
const STORY_MS = 40000;
const LIGHT = { colorScheme: "light", viewport: { width: 900, height: 1000 } };
const BOOTLOADER = info => info.productId === 2, RUNNING = info => info.productId === 1;
const DNLOAD = 1, UPLOAD = 2, GETSTATUS = 3, CLRSTATUS = 4, TO_DEVICE = 0x21, FROM_DEVICE = 0xA1;

let browser;
test.before(async () => {
    browser = await chromium.launch({ executablePath: "/usr/bin/chromium", headless: true,
        args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
               "--disable-background-networking", "--disable-component-update",
               "--disable-sync"] });
});
test.after(() => browser.close());

/* The whole page, or down to the end of an element. */
async function shot(page, name, last = "footer") {
    if (!SHOTS)
        return;
    const bottom = await page.$eval(last, e => e.getBoundingClientRect().bottom + scrollY);
    const { width } = page.viewportSize();
    await page.screenshot({ path: path.join(SHOTS, name + ".png"), fullPage: true,
                            clip: { x: 0, y: 0, width, height: bottom + 16 } });
}

/* The page with its errors collected; bus is null where navigator.usb does not matter. */
async function openPage(bus, options = LIGHT, prepare = async () => {}) {
    const page = await browser.newPage(options);
    page.faults = [];
    page.asked = [];
    page.on("pageerror", error => page.faults.push(String(error)));
    page.on("console", message => message.type() === "error" && page.faults.push(message.text()));
    page.on("request", request => page.asked.push(request.url()));
    if (bus)
        await bus.attachTo(page);
    await prepare(page);
    await page.goto(URL);
    return page;
}

/* A story on a virtual board: files in its flash, options of bluepill, what happens. */
function story(name, files, options, act) {
    test(name, { timeout: STORY_MS }, async () => {
        const board = await Board.start(files, ...options);
        const bus = new VirtualBus(board.usbip).start();
        let page;
        try {
            await bus.waitFor(() => true);
            page = await openPage(bus);
            await act({ page, bus, board });
            assert.deepEqual(page.faults, []);
        } catch (error) {
            if (page)
                error.message += "\nthe page's log:\n" + await page.textContent("#log");
            throw error;
        } finally {
            await page?.close();
            bus.stop();
            const status = await board.stop();
            assert.equal(status, 0, board.said);
        }
    });
}

const shown = (page, selector) => page.waitForSelector(`${selector}:not([hidden])`);
const says = (page, selector, words) => page.waitForFunction(([s, w]) =>
    document.querySelector(s).textContent.includes(w), [selector, words], { timeout: 20000 });

async function connect(page) {
    await page.click("#connect");
    await shown(page, "#device");
    await page.waitForFunction(() => !document.querySelector("#connect").disabled);
}

async function choose(page, name) {
    await page.setInputFiles("#file", image(name));
    await page.waitForSelector("#image dl, #image .note");
}

async function write(page) {
    await page.click("#write");
    await says(page, "#status", "Done:");
}

async function holds(bus, name) {
    const wanted = fs.readFileSync(image(name));
    await bus.waitFor(BOOTLOADER);
    assert.ok(wanted.equals(await readSlot(bus, wanted.length)), `the slot does not hold ${name}`);
}

const IN_BOOT = [["boot.elf"], ["--boot1", "1"]];

// ---- writing ----

story("bin, hex, elf and dfu files are written, compared, and then in the flash", ...IN_BOOT,
      async ({ page, bus }) => {
    await connect(page);
    await says(page, "#device", "empty, or an unfinished update");
    for (const [file, bin] of [["examples/blinky.bin", "examples/blinky.bin"],
                               ["probe.hex", "probe.bin"],
                               ["examples/blinky.elf", "examples/blinky.bin"],
                               ["probe.dfu", "probe.bin"]]) {
        await choose(page, file);
        await write(page);
        await says(page, "#status", "compared with the file, byte by byte");
        await says(page, "#status", "in its bootloader again");     // BOOT1 is 1
        await shown(page, "#restart");
        await holds(bus, bin);
    }
    assert.deepEqual(page.asked, [URL]);        // and nothing came from a network
});

story("a running probe is detached, updated, and runs again", ["boot.elf", PROBE], [],
      async ({ page, bus }) => {
    await bus.waitFor(RUNNING);
    await connect(page);
    await says(page, "#device", "DFU run-time mode");
    await choose(page, "probe.bin");
    assert.ok(await page.isDisabled("#write"));
    await page.click("#detach");
    await shown(page, "#continue");             // the bootloader was never allowed here
    await page.click("#continue");
    await says(page, "#device", "its bootloader");
    await shown(page, "#restart");
    await page.click("#write");
    await page.waitForFunction(() => document.querySelector("#progress").value > 0.5
                               && document.querySelector("#progress").value < 1);
    assert.match(await page.textContent("#speed"), /KB of .* KB\/s, about \d+ s left/);
    await shot(page, "dfu-page", "section:nth-of-type(3)");     // docs/dfu-page.png
    await says(page, "#status", "It runs: Pillbug CMSIS-DAP probe");
    await shot(page, "done-light");
    await page.click("#detach");                // allowed now: no second click
    await says(page, "#device", "its bootloader");
    await holds(bus, "probe.bin");
});

story("Restart starts the application, and the page finds it again",
      ["boot.elf", PROBE], [], async ({ page, bus }) => {
    await connect(page);
    await page.click("#detach");
    await shown(page, "#continue");
    await page.click("#continue");
    await shown(page, "#restart");
    await page.waitForFunction(() => !document.querySelector("#restart").disabled);
    await page.click("#restart");
    await says(page, "#device", "DFU run-time mode");
    await bus.waitFor(RUNNING);
});

// ---- trouble with the device ----

async function stateOf(bus) {
    return (await bus.control(FROM_DEVICE, GETSTATUS, 0, 0, [], 6)).data[4];
}

story("a board left in dfuERROR is brought back to idle and written", ...IN_BOOT,
      async ({ page, bus }) => {
    await bus.waitFor(BOOTLOADER);
    await bus.control(TO_DEVICE, CLRSTATUS, 0, 0, [], 0);       // not allowed in dfuIDLE
    assert.equal(await stateOf(bus), 10);
    await connect(page);
    assert.ok(bus.requests.includes(CLRSTATUS));
    assert.match(await page.textContent("#log"), /left in dfuERROR.*errSTALLEDPKT/);
    await choose(page, "examples/blinky.bin");
    await write(page);
    await holds(bus, "examples/blinky.bin");
});

story("a board left in the middle of a download is brought back to idle and written", ...IN_BOOT,
      async ({ page, bus }) => {
    await bus.waitFor(BOOTLOADER);
    const block = [...fs.readFileSync(image("probe.bin")).subarray(0, 1024)];
    await bus.control(TO_DEVICE, DNLOAD, 0, 0, block, 0);
    assert.equal(await stateOf(bus), 5);
    await connect(page);
    await choose(page, "examples/blinky.bin");
    await write(page);
    await holds(bus, "examples/blinky.bin");
});

story("a byte that reads back wrong is reported, and the program cannot start", ...IN_BOOT,
      async ({ page, bus }) => {
    await connect(page);
    await choose(page, "examples/blinky.bin");
    bus.spoil = (request, data) => {
        if (request === UPLOAD && data.length > 100)
            data[100] ^= 0x10;
        return data;
    };
    await page.click("#write");
    await says(page, "#trouble", "differs at 0x08002064");
    await says(page, "#trouble", "cannot start");
    assert.equal(await page.getAttribute("#step-verify", "data-is"), "failed");
    bus.spoil = (request, data) => data;
    await page.waitForFunction(() => !document.querySelector("#write").disabled);
    assert.ok((await readSlot(bus, 8)).every(byte => byte === 0xFF), "a program that could start");
    await write(page);                                          // and again, in peace
    await holds(bus, "examples/blinky.bin");
});

story("a board unplugged in the middle says so, and is written after plugging it in", ...IN_BOOT,
      async ({ page, bus, board }) => {
    await connect(page);
    await choose(page, "probe.bin");
    await page.click("#write");
    await page.waitForFunction(() => document.querySelector("#progress").value > 0.3);
    await board.control("unplug");
    await says(page, "#trouble", "has left USB");
    await shot(page, "unplugged-light");
    await board.control("plug");
    await says(page, "#device", "empty, or an unfinished update");
    await page.waitForFunction(() => !document.querySelector("#write").disabled);
    await write(page);
    await holds(bus, "probe.bin");
});

// ---- refusals ----

story("what cannot be right is refused with the reason and never sent", ...IN_BOOT,
      async ({ page, bus }) => {
    await connect(page);
    for (const [file, reason, hint] of [
        ["pillbug.bin", "image of the whole chip", "probe.bin"],
        ["boot.hex", "This is a bootloader", "probe.bin"],
        ["examples/demo-samd21.elf", "another one", "0x08002000"],
        ["probe.lst", "This is a text file", ".bin"]]) {
        await choose(page, file);
        await says(page, "#image", reason);
        await says(page, "#image", hint);
        assert.ok(await page.isDisabled("#write"));
    }
    await shot(page, "refused-light");
    assert.ok(!bus.requests.includes(DNLOAD));
    await choose(page, "probe.bin");
    assert.ok(await page.isEnabled("#write"));
    await says(page, "#image", "0x08002000");
});

story("a dropped file is taken like a chosen one", ...IN_BOOT, async ({ page }) => {
    const bytes = [...fs.readFileSync(image("examples/blinky.hex"))];
    const transfer = await page.evaluateHandle(list => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(list)], "dropped.txt"));
        return data;
    }, bytes);
    await page.dispatchEvent("#drop", "dragover", { dataTransfer: transfer });
    await page.dispatchEvent("#drop", "drop", { dataTransfer: transfer });
    await says(page, "#image", "dropped.txt, Intel HEX");
});

story("a HEX file that editors and terminals have been at is written like any other", ...IN_BOOT,
      async ({ page, bus }) => {
    const lines = String(fs.readFileSync(image("examples/blinky.hex")));
    const marked = "\uFEFF" + lines + "\x1A\0\0";
    await connect(page);
    for (const encoding of ["utf8", "utf16le"]) {
        await page.setInputFiles("#file", { name: encoding + ".hex", mimeType: "text/plain",
                                            buffer: Buffer.from(marked, encoding) });
        await says(page, "#image", encoding + ".hex, Intel HEX");
        await write(page);
        await holds(bus, "examples/blinky.bin");
    }
});

// ---- trouble with the browser or the system ----

async function onSystem(page, platform) {
    await page.addInitScript(name => {
        Object.defineProperty(navigator, "platform", { value: name });
        Object.defineProperty(navigator, "userAgentData", { value: { platform: name } });
    }, platform);
}

test("a browser without WebUSB is told which ones have it, and of dfu-util", async () => {
    const page = await openPage(null, LIGHT, p => p.addInitScript(() =>
        Object.defineProperty(navigator, "usb", { value: undefined })));
    for (const words of ["cannot use USB", "Chrome, Edge, Opera", "Firefox, Safari",
                         "dfu-util -d 1209:0001,1209:0002 -D probe.bin"])
        await says(page, "#trouble", words);
    assert.ok(await page.isDisabled("#connect"));
    await page.setInputFiles("#file", image("probe.bin"));      // looking at a file still works
    await says(page, "#image", "raw binary");
    await shot(page, "no-webusb-light");
    assert.deepEqual(page.faults, []);
    await page.close();
});

test("a page from plain http is told to come from https or from disk", async () => {
    const page = await openPage(null, LIGHT, p => p.addInitScript(() =>
        Object.defineProperty(window, "isSecureContext", { value: false })));
    await says(page, "#trouble", "plain http");
    assert.ok(await page.isDisabled("#connect"));
    await page.close();
});

for (const [system, words] of [["Linux", ["sudo tee /etc/udev/rules.d/60-pillbug.rules",
        'SUBSYSTEM=="usb", ATTRS{idVendor}=="1209", ATTRS{idProduct}=="0002", TAG+="uaccess"']],
        ["Windows", ["WinUSB", "Device Manager"]]])
    story(`access denied on ${system} says what to do`, ...IN_BOOT, async ({ page, bus }) => {
        await onSystem(page, system);
        await page.reload();
        bus.openError = "SecurityError";
        await page.click("#connect");
        for (const part of words)
            await says(page, "#trouble", part);
        await shot(page, `denied-${system}-light`);
        bus.openError = null;
        await connect(page);
        assert.equal(await page.textContent("#trouble"), "");
    });

test("the page's udev rules are those that make udev installs", () => {
    const rules = fs.readFileSync(path.join(__dirname, "../../tools/60-pillbug.rules"), "utf8");
    const usb = rules.split("\n").filter(line => line.startsWith('SUBSYSTEM=="usb"'));
    assert.equal(usb.length, 2);
    for (const [line, id] of [[usb[0], "0001"], [usb[1], "0002"]])
        assert.equal(line, `SUBSYSTEM=="usb", ATTRS{idVendor}=="1209", ATTRS{idProduct}=="${id}", `
                           + 'TAG+="uaccess"');
});

story("picking nothing is no error", ...IN_BOOT, async ({ page }) => {
    await page.evaluate(() => { navigator.usb.requestDevice = async () => {
        throw new DOMException("No device selected.", "NotFoundError"); }; });
    await page.click("#connect");
    await says(page, "#status", "No board was picked");
    assert.equal(await page.textContent("#trouble"), "");
});

// ---- everybody ----

async function tabTo(page, id) {
    for (let i = 0; i < 30; i++) {
        if (await page.evaluate(() => document.activeElement.id) === id)
            return;
        await page.keyboard.press("Tab");
    }
    assert.fail(`#${id} cannot be reached with the Tab key`);
}

story("the keyboard alone is enough", ...IN_BOOT, async ({ page, bus }) => {
    page.on("filechooser", chooser => chooser.setFiles(image("examples/blinky.bin")));
    await tabTo(page, "connect");
    await page.keyboard.press("Enter");
    await shown(page, "#device");
    await page.waitForFunction(() => !document.querySelector("#file").disabled);
    assert.equal(await page.evaluate(() => document.activeElement.id), "connect");
    await tabTo(page, "file");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#image dl");
    await tabTo(page, "write");
    await page.keyboard.press("Enter");
    await says(page, "#status", "Done:");
    await holds(bus, "examples/blinky.bin");
});

/* WCAG 2.1: relative luminance and contrast, of text against what is painted behind it. */
function contrasts() {
    const channel = c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    const parse = color => color.match(/[\d.]+/g).map(Number);
    const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const behind = element => {
        for (let e = element; e; e = e.parentElement) {
            const color = parse(getComputedStyle(e).backgroundColor);
            if (color.length === 3 || color[3] === 1)
                return color;
        }
        return [255, 255, 255];
    };
    const hasText = e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    return [...document.body.querySelectorAll("*")]
        .filter(e => hasText(e) && e.checkVisibility() && !e.disabled && e.tagName !== "SCRIPT")
        .map(e => {
            const [a, b] = [light(parse(getComputedStyle(e).color)), light(behind(e))];
            return { text: e.textContent.trim().slice(0, 40),
                     ratio: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) };
        }).filter(({ ratio }) => ratio < 4.5);
}

for (const colorScheme of ["light", "dark"])
    story(`every control has a name and all text has contrast, ${colorScheme}`, ...IN_BOOT,
          async ({ page, bus }) => {
        await page.emulateMedia({ colorScheme });
        await connect(page);
        await choose(page, "examples/blinky.bin");
        await write(page);
        await choose(page, "pillbug.bin");
        await page.evaluate(() => document.querySelectorAll("details").forEach(d => d.open = true));
        await page.evaluate(() => Promise.all(document.getAnimations().map(a => a.finished)));
        assert.deepEqual(await page.evaluate(contrasts), []);
        await shot(page, `all-${colorScheme}`);
        await nameEverything(page);
    });

/* Chromium's own accessibility tree: what a screen reader is told. */
async function nameEverything(page) {
    const session = await page.context().newCDPSession(page);
    const { nodes } = await session.send("Accessibility.getFullAXTree");
    const controls = nodes.filter(n => !n.ignored && ["button", "textbox", "progressbar", "link",
        "DisclosureTriangle", "image"].includes(n.role?.value));
    assert.ok(controls.length >= 8, `only ${controls.length} controls`);
    for (const node of controls)
        assert.ok(node.name?.value, `a ${node.role.value} without a name`);
    const headings = await page.$$eval("h1, h2, h3", list => list.map(h => Number(h.tagName[1])));
    headings.reduce((before, level) => {
        assert.ok(level <= before + 1, `heading ${level} after ${before}`);
        return level;
    }, 0);
    assert.equal(await page.getAttribute("html", "lang"), "en");
    assert.equal(await page.$$eval("[id]", list => new Set(list.map(e => e.id)).size),
                 await page.$$eval("[id]", list => list.length));
}

story("on a telephone's width nothing has to be scrolled sideways", ...IN_BOOT,
      async ({ page }) => {
    await page.setViewportSize({ width: 360, height: 740 });
    await connect(page);
    await choose(page, "pillbug.bin");
    await page.evaluate(() => document.querySelectorAll("details").forEach(d => d.open = true));
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= 360);
    await shot(page, "phone");
});
