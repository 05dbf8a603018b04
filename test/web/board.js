/* board.js - the virtual Blue Pill as a process, and its flash as a test sees it.
 *
 *   called by  test_page.js, test_live.js      calls  build/bluepill, usbip.js
 *
 * The flash is read by UPLOAD requests of our own, not by the page's code. */
"use strict";
const { spawn } = require("node:child_process");
const net = require("node:net");
const path = require("node:path");

const build = path.resolve(process.env.BUILD || "build");
const image = name => path.join(build, name);
const START_MS = 10000;

class Board {
    #process; #ports = {}; #said = "";

    /* Files are loaded at their own addresses; options as of bluepill. */
    static start(files, ...options) {
        const board = new Board();
        const args = [...files.flatMap(file => ["--flash", image(file)]), ...options,
                      "--strict", "--usbip", "0", "--control", "0"];
        board.#process = spawn(image("bluepill"), args, { stdio: ["ignore", "ignore", "pipe"] });
        return board.#listening();
    }

    #listening() {
        return new Promise((resolve, reject) => {
            const late = setTimeout(() => reject(new Error("bluepill: " + this.#said)), START_MS);
            this.#process.stderr.on("data", bytes => {
                this.#said += bytes;
                for (const [, name, port] of this.#said.matchAll(/^(\w+): 127\.0\.0\.1:(\d+)$/gm))
                    this.#ports[name] = Number(port);
                if (this.#ports.usbip && this.#ports.control) {
                    clearTimeout(late);
                    resolve(this);
                }
            });
        });
    }

    get usbip() { return this.#ports.usbip; }

    /* One line to the control port; resolves to the first line of the answer. */
    control(line) {
        return new Promise((resolve, reject) => {
            const socket = net.connect(this.#ports.control, "127.0.0.1",
                                       () => socket.write(line + "\n"));
            socket.once("data", bytes => { resolve(String(bytes).trim()); socket.destroy(); });
            socket.once("error", reject);
            socket.once("close", () => resolve(""));
        });
    }

    /* Ends it; resolves to the exit status, 0 if no rule of the chip was broken. */
    stop() {
        return new Promise(resolve => {
            if (this.#process.exitCode !== null)
                resolve(this.#process.exitCode);
            this.#process.once("exit", resolve);
            this.#process.kill("SIGTERM");
        });
    }

    get said() { return this.#said; }
}

const UPLOAD = 2, ABORT = 6, FROM_DEVICE = 0xA1, TO_DEVICE = 0x21, BLOCK = 1024;

/* The first length bytes of the slot; the board must be idle in its bootloader. */
async function readSlot(bus, length) {
    const blocks = [];
    for (let n = 0; n * BLOCK < length; n++) {
        const { status, data } = await bus.control(FROM_DEVICE, UPLOAD, n, 0, [], BLOCK);
        if (status !== "ok")
            throw new Error(`UPLOAD ${n}: ${status}`);
        blocks.push(Buffer.from(data));
    }
    await bus.control(TO_DEVICE, ABORT, 0, 0, [], 0);
    return Buffer.concat(blocks).subarray(0, length);
}

module.exports = { Board, image, readSlot };
