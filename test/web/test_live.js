/* test_live.js - web/live.html in a headless Chromium, on the second port of the virtual board.
 *
 * What the page reads and writes in a story goes over USB/IP through the firmware's serial
 * bridge, whose TX is wired to its RX (--loop): only navigator.serial is played, by
 * virtual_serial.js.  What needs no board is fed to receive(), where a port's bytes arrive.
 * SHOTS=FOLDER keeps a picture of the page: docs/live-page.png. */
"use strict";
const test = require("node:test");
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const { chromium } = require("playwright-core");
const { Board } = require("./board.js");
const { VirtualBus } = require("./virtual_bus.js");

const URL = pathToFileURL(path.join(__dirname, "../../web/live.html")).href;
const SHOTS = process.env.SHOTS;
const STORY_MS = 30000;

let browser;
test.before(async () => {
    browser = await chromium.launch({ executablePath: "/usr/bin/chromium", headless: true,
        args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
               "--disable-background-networking", "--disable-component-update",
               "--disable-sync"] });
});
test.after(() => browser.close());

async function openPage(bus, options = {}) {
    const page = await browser.newPage({ colorScheme: "light",
                                         viewport: { width: 1100, height: 1060 }, ...options });
    page.faults = [];
    page.asked = [];
    page.on("pageerror", error => page.faults.push(String(error)));
    page.on("console", message => message.type() === "error" && page.faults.push(message.text()));
    page.on("request", request => page.asked.push(request.url()));
    await bus?.attachTo(page);
    await page.goto(URL);
    return page;
}

/* A page without a board; options as of newPage. */
function alone(name, act, options) {
    test(name, { timeout: STORY_MS }, async () => {
        const page = await openPage(null, options);
        try {
            await act(page);
            assert.deepEqual(page.faults, []);
            assert.deepEqual(page.asked.filter(url => !url.startsWith("blob:")), [URL]);
        } finally {
            await page.close();
        }
    });
}

/* A page with the virtual board, connected. */
function story(name, act) {
    test(name, { timeout: STORY_MS }, async () => {
        const board = await Board.start(["pillbug.bin"], "--loop");
        const bus = new VirtualBus(board.usbip).start();
        let page;
        try {
            await bus.waitFor(info => info.productId === 1);
            page = await openPage(bus);
            await page.click("#connect");
            await says(page, "#status", "Connected, 115200 baud");
            await act({ page, bus, board });
            assert.deepEqual(page.faults, []);
        } finally {
            await page?.close();
            bus.stop();
            assert.equal(await board.stop(), 0, board.said);
        }
    });
}

const says = (page, selector, words) => page.waitForFunction(([s, w]) =>
    document.querySelector(s).textContent.includes(w), [selector, words], { timeout: 8000 });
const feed = (page, text) => page.evaluate(t => receive(new TextEncoder().encode(t)), text);
const feedBytes = (page, bytes) => page.evaluate(b => receive(Uint8Array.from(b)), bytes);
const frame = page => page.evaluate(() => new Promise(done =>
    requestAnimationFrame(() => requestAnimationFrame(done))));
const texts = page => page.evaluate(() => terminal.text.map(t => t.trimEnd()));
const values = (page, name) => page.evaluate(n => {
    const curve = curves.byName.get(n), said = [];
    curve?.walk(-Infinity, Infinity, Infinity, (_time, low) => said.push(low));
    return curve ? said : null;
}, name);

async function send(page, text) {
    await page.fill("#send", text);
    await page.press("#send", "Enter");
    await page.waitForFunction(() => document.querySelector("#send").value === "");
}

async function download(page, button) {
    const [got] = await Promise.all([page.waitForEvent("download"), page.click(button)]);
    return fs.readFileSync(await got.path());
}

// ---- on the virtual board ----

story("what is sent comes back through the board as text, and its values as curves",
      async ({ page }) => {
    await send(page, "hello, board");
    await says(page, "#terminal", "hello, board");
    for (const value of [20, 21.5, 19])
        await send(page, `>temperature:${value}§°C`);
    await says(page, "#legend", "temperature");
    await says(page, "#legend", "19 °C");
    assert.deepEqual(await values(page, "temperature"), [20, 21.5, 19]);
    assert.ok(!(await texts(page)).some(line => line.includes("temperature")));
});

story("another rate and format reach the board's line", async ({ page, bus }) => {
    const set = bus.requests.filter(request => request === 0x20).length;
    await page.fill("#baud", "57600");
    await page.press("#baud", "Tab");
    await says(page, "#status", "Connected, 57600 baud");
    await page.selectOption("#parity", "even");
    await page.waitForFunction(() => port.state === "open" && port.settings.parity === "even");
    assert.equal(bus.requests.filter(request => request === 0x20).length, set + 2);
    await send(page, "still understood");
    await says(page, "#terminal", "still understood");
});

story("an unplugged board is told, and goes on when it is back", async ({ page, board }) => {
    await board.control("unplug");
    await says(page, "#status", "The board is away");
    await board.control("plug");
    await says(page, "#status", "Connected, 115200 baud");
    await send(page, "back again");
    await says(page, "#terminal", "back again");
    await page.click("#connect");
    await says(page, "#status", "Closed");
});

story("settings changed faster than a port opens are all in force in the end", async ({ page }) => {
    await page.evaluate(() => {
        for (const [id, value] of [["baud", "9600"], ["parity", "odd"], ["baud", "230400"]]) {
            document.getElementById(id).value = value;
            document.getElementById(id).dispatchEvent(new Event("change"));
        }
    });
    await page.evaluate(() => turn);
    assert.deepEqual(await page.evaluate(() => [port.state, port.settings.baudRate,
                                                port.settings.parity]), ["open", 230400, "odd"]);
    await send(page, "at the last of them");
    await says(page, "#terminal", "at the last of them");
});

story("a port that another program has is told with what to do", async ({ page }) => {
    await page.click("#connect");
    await says(page, "#status", "Closed");
    await page.evaluate(() => { window.virtualSerial.busy = true; });
    await page.click("#connect");
    await says(page, "#status", "Another program has it");
});

// ---- what is understood ----

alone("every form of Teleplot's that has a value over time is understood", async page => {
    const parsed = line => page.evaluate(l => parsePlotLine(l), line);
    const points = async line => (await parsed(line)).points.map(p => [p.ms, p.value]);
    assert.deepEqual(await points(">a:1234"), [[null, 1234]]);
    assert.deepEqual(await points(">a:1627551892437:1234"), [[1627551892437, 1234]]);
    assert.deepEqual(await points(">a:10:1;20:2;30:3"), [[10, 1], [20, 2], [30, 3]]);
    assert.deepEqual(await points(">a:1;2;"), [[null, 1], [null, 2]]);
    assert.deepEqual(await points("  > a : -1.5e-3 "), [[null, -0.0015]]);
    assert.deepEqual(await points(">a:.5|g"), [[null, 0.5]]);
    assert.equal((await parsed(">speed:5§km²|np")).unit, "km²");
    assert.deepEqual((await parsed(">a:5§V|np,clr")).flags, ["np", "clr"]);
    assert.equal((await parsed(">a,group:5")).name, "a");
    assert.deepEqual(await parsed(">state:Turned On|t"), { name: "state", text: "Turned On" });
    assert.deepEqual(await parsed(">state:17:Off|t"), { name: "state", text: "Off" });
});

alone("what is not plotted is in the terminal, and why below the plot", async page => {
    for (const bad of [">a:NaN", ">a:Infinity", ">a:1e999", ">a:-1e101", ">a:0x10", ">a:1,5",
                       ">a:", ">a:1:2:3", ">p:1:2|xy", ">3D|cube", ">", ">:1", "a:1", "text"]) {
        const had = (await texts(page)).length;
        await feed(page, bad + "\n");
        assert.equal((await texts(page)).length, had + 1, bad);
    }
    assert.equal(await page.evaluate(() => curves.byName.size), 0);
    assert.match(await page.evaluate(() => curves.refused), /"p": curves over time only/);
    await says(page, "#plot-note", "Not plotted");
});

alone("each line end ends one line, wherever the pieces are cut", async page => {
    for (const piece of ["a\r", "\nb\n", "\rc\rd\n\ne\r\n"])
        await feed(page, piece);
    assert.deepEqual(await texts(page), ["a", "b", "c", "d", "", "e"]);
    await feedBytes(page, [0xC2]);
    await feedBytes(page, [0xB5, 0x0A]);
    assert.equal((await texts(page)).at(-1), "µ");
});

alone("the board's milliseconds set the distance of values, and may begin anew", async page => {
    await feed(page, ">a:1000:1\n>a:3000:2\n>a:3:3\n>a:503:4\n");
    const times = await page.evaluate(() => [...curves.byName.get("a").levels[0].times.slice(0, 4)]);
    assert.ok(Math.abs(times[1] - times[0] - 2) < 1e-6);
    assert.ok(times[2] >= times[1]);
    assert.ok(times[3] - times[2] <= 0.5 + 1e-6);
});

// ---- hostile bytes ----

alone("hostile bytes are text and nothing else", async page => {
    await page.evaluate(() => { window.hurt = 0; });
    const script = "<img src=x onerror='hurt=1'><script>hurt=1<\/script>";
    await page.check("#show-values");
    await feed(page, `${script}\n>${script.replaceAll(":", "")}:1\n>__proto__:1\n`
        + ">constructor:2§<b>V</b>\n\x1b[31mred\x1b[0m \x1b]0;title\x07shown\x1b[2J\n"
        + "\0\x07bell\u202Ereversed\n>s:<i>x</i>|t\n");
    await feedBytes(page, [0xFF, 0xFE, 0xC0, 0x80, 0xED, 0xA0, 0x80, 0x0A]);
    await frame(page);
    assert.equal(await page.evaluate(() => window.hurt), 0);
    assert.equal(await page.$$eval("main img, #legend b, #legend i, #terminal script", e => e.length), 0);
    const lines = await texts(page);
    assert.ok(lines.includes("red shown"), lines.join("\n"));
    assert.ok(lines.includes("\u2400\u2407bell\uFFFDreversed"));
    assert.equal(await page.title(), "Pillbug live: terminal and plot of a serial port");
    assert.equal(await page.evaluate(() => ({}).polluted), undefined);
    assert.deepEqual(await values(page, "__proto__"), [1]);
});

alone("endless lines, ten thousand names and all random bytes stay within bounds", async page => {
    const { longest, count, names, held } = await page.evaluate(() => {
        const bytes = text => new TextEncoder().encode(text);
        const noise = new Uint8Array(1 << 16);
        for (let i = 0; i < 32; i++)
            receive(bytes(">".repeat(1 << 16)));
        for (let i = 0; i < 10000; i++)
            receive(bytes(`>name${i}:${i}\n`));
        receive(bytes("\x1b[".repeat(1 << 15) + "\x1b]".repeat(1 << 15)));
        for (let i = 0; i < 16; i++)
            receive(crypto.getRandomValues(noise));
        receive(bytes("x\n".repeat(20000)));
        const kept = terminal.text;
        return { longest: Math.max(...kept.map(t => t.length)), count: kept.length,
                 names: curves.byName.size, held: lines.rest.length };
    });
    assert.ok(longest <= 1001 && count <= 10000 && names <= 24 && held <= 1000,
              JSON.stringify({ longest, count, names, held }));
    await says(page, "#plot-note", "More than 24 names");
    assert.ok(await page.$$eval("#terminal .line", rows => rows.length) < 40);
});

// ---- hands ----

alone("search finds, marks and goes around", async page => {
    await feed(page, Array.from({ length: 500 }, (_, i) => `line ${i}\n`).join(""));
    await page.fill("#find", "LINE 25");
    await says(page, "#found", "11 of 11");            // 25 and 250 to 259; the last first
    assert.equal(await page.textContent("#terminal .found mark"), "line 25");
    await page.click("#find-next");
    await says(page, "#found", "1 of 11");
    await page.fill("#find", "nowhere");
    await says(page, "#found", "not found");
});

alone("pause, zoom, move, cursor and show or hide work by keys alone", async page => {
    await feed(page, Array.from({ length: 201 }, (_, i) =>
        `>a:${i * 100}:${i}\n>b:${i * 100}:7\n`).join(""));
    await says(page, "#legend", "200");
    const state = () => page.evaluate(() => ({ live: plot.live, span: plot.span, to: plot.to }));
    await page.focus("#plot");
    await page.keyboard.press("Space");
    const stood = await state();
    assert.equal(stood.live, false);
    await feed(page, ">a:21000:500\n");
    assert.equal((await state()).to, stood.to);
    await page.keyboard.press("+");
    assert.equal((await state()).span, stood.span / 2);
    await page.keyboard.press("ArrowLeft");
    assert.ok((await state()).to < stood.to);
    await page.keyboard.press("Shift+ArrowLeft");
    await says(page, "#value-title", "At the cursor");
    const said = Number(await page.textContent("#legend tbody tr td:nth-child(2)"));
    assert.ok(said > 100 && said < 200, String(said));
    await page.keyboard.press("a");
    assert.ok((await state()).span > 20);
    await page.keyboard.press("End");
    assert.equal((await state()).live, true);
    await page.focus("#legend tbody tr:nth-child(2) input");
    await page.keyboard.press("Space");
    assert.deepEqual(await page.evaluate(() => curves.shown.map(c => c.name)), ["a"]);
    await page.hover("#plot", { position: { x: 500, y: 100 } });
    await page.mouse.wheel(0, -100);
    await page.mouse.wheel(0, 100);
    await frame(page);
});

alone("earlier lines come back by the up key", async page => {
    await page.evaluate(() => { sent.lines.push("first", "second"); sent.at = 2; });
    await page.press("#send", "ArrowUp");
    await page.press("#send", "ArrowUp");
    assert.equal(await page.inputValue("#send"), "first");
    await page.press("#send", "ArrowDown");
    assert.equal(await page.inputValue("#send"), "second");
});

alone("CSV has a row for each time, PNG is a picture, and no name is a formula", async page => {
    await feed(page, ">a:0:1§V\n>=1+1:0:5\n>a:10:2\n>a:20:-3.5\n>=1+1:20:6\n");
    const rows = String(await download(page, "#csv")).trim().split("\r\n");
    assert.equal(rows[0], `time_s,"a [V]","'=1+1"`);
    assert.deepEqual(rows.slice(1).map(row => row.split(",").slice(1).join()),
                     ["1,5", "2,", "-3.5,6"]);
    assert.equal((await download(page, "#png")).subarray(1, 4).toString(), "PNG");
    await feed(page, "as text\n");
    assert.equal(String(await download(page, "#save-text")), "as text\n");
});

alone("a browser without Web Serial is told what to do, and opens a recording", async page => {
    await page.addInitScript(() => { delete Navigator.prototype.serial; });
    await page.reload();
    page.asked.splice(1);
    assert.equal(await page.isVisible("#no-serial"), true);
    assert.equal(await page.isDisabled("#connect"), true);
    await page.setInputFiles("#recording", { name: "log.txt", mimeType: "text/plain",
                                             buffer: Buffer.from("boot\n>a:1\n>a:2") });
    await says(page, "#terminal", "boot");
    assert.deepEqual(await values(page, "a"), [1, 2]);
});

alone("everything fits on a small screen, and every control has a name", async page => {
    await feed(page, "a long line ".repeat(50) + "\n>a:1\n");
    await frame(page);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    const nameless = await page.$$eval("button, input, select, canvas", all => all.filter(e =>
        !e.textContent.trim() && !e.getAttribute("aria-label") && !e.labels?.length).map(e => e.id));
    assert.deepEqual(nameless.filter(id => id !== "line-end"), []);
}, { viewport: { width: 360, height: 740 }, colorScheme: "dark" });

// ---- ten minutes ----

alone("eight values at 1 kHz for ten minutes: the heap does not grow, frames stay short", async page => {
    const cdp = await page.context().newCDPSession(page);
    /* Ten minutes of the board's time, as fast as the page takes them. */
    const minutes = count => page.evaluate(async count => {
        const encoder = new TextEncoder();
        window.clock ??= 0;
        for (let chunk = 0; chunk < count * 60 * 10; chunk++) {
            let text = "";
            for (let i = 0; i < 100; i++, window.clock++)
                for (let k = 0; k < 8; k++)
                    text += `>v${k}:${window.clock}:${(window.clock * (k + 1)) % 997}\n`;
            receive(encoder.encode(text));
            if (chunk % 250 === 0)
                await new Promise(requestAnimationFrame);
        }
    }, count);
    const heap = async () => {
        await cdp.send("HeapProfiler.collectGarbage");
        const { usedSize, backingStorageSize = 0 } = await cdp.send("Runtime.getHeapUsage");
        return (usedSize + backingStorageSize) / 1e6;
    };
    await minutes(1);
    const early = await heap();
    await minutes(9);
    const late = await heap();
    assert.ok(late < early + 3, `${early} MB after a minute, ${late} MB after ten`);
    assert.ok(late < 60, `${late} MB`);
    const ms = await page.evaluate(() => {
        plot.showAll();
        const start = performance.now();
        for (let i = 0; i < 10; i++)
            plot.draw();
        return (performance.now() - start) / 10;
    });
    assert.ok(ms < 50, `${ms} ms to draw all ten minutes`);
    assert.ok(await page.evaluate(() => curves.last - curves.oldest) > 599);
    console.log(`# heap ${early.toFixed(1)} MB, then ${late.toFixed(1)} MB; all drawn in ${ms.toFixed(1)} ms`);
});

// ---- the picture ----

test("the picture for README", { skip: !SHOTS, timeout: STORY_MS }, async () => {
    const page = await openPage(null, { viewport: { width: 1000, height: 1190 } });
    await page.evaluate(() => { document.querySelector("#no-serial").hidden = true; });
    await feed(page, "Pillbug demo on STM32F103C8, type something\nheater on\n"
        + Array.from({ length: 1001 }, (_, i) => {
            const t = i / 100;
            return `>temperature:${i * 10}:${(24 + 6 * (1 - Math.exp(-t / 3)) + 0.2 * Math.sin(9 * t)).toFixed(2)}§°C\n`
                 + `>setpoint:${i * 10}:${t < 5 ? 30 : 27}§°C\n`
                 + `>current:${i * 10}:${(20 + 3 * Math.sin(2 * t)).toFixed(2)}§mA\n`;
        }).join("") + "setpoint 27\nheater off\n");
    await page.check("#stamps");
    await page.evaluate(() => showStatus("Connected, 115200 baud."));
    await page.hover("#plot", { position: { x: 520, y: 120 } });
    await page.waitForTimeout(300);
    await page.screenshot({ path: path.join(SHOTS, "live-page.png") });     // docs/live-page.png
    await page.close();
});
