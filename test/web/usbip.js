/* usbip.js - a USB/IP client: one device of a USB/IP server, its transfers as promises.
 *
 *   called by  virtual_bus.js      calls  TCP, nothing else
 *
 * The connection is the cable: importing plugs the device in, and when the server closes
 * it the plug has been pulled.  A port reset is not a message of the protocol; the server
 * knows it by what a kernel asks first afterwards, 64 bytes of device descriptor.
 *
 * Source: Linux Documentation/usb/usbip_protocol.rst, version 1.1.1. */
"use strict";
const net = require("node:net");
const { EventEmitter } = require("node:events");

const VERSION = 0x0111, REQ_IMPORT = 0x8003, REP_IMPORT = 0x0003;
const CMD_SUBMIT = 1, RET_SUBMIT = 3, OUT = 0, IN = 1;
const OP_SIZE = 8, DEVICE_SIZE = 312, HEADER_SIZE = 48;
const EPIPE = -32;

class UsbipDevice extends EventEmitter {
    #socket; #received = Buffer.alloc(0); #waiting = new Map(); #seqnum = 0; #devid = 0;

    /* Resolves to an imported device, or to null when there is none to be had now. */
    static import(port, busId = "1-1") {
        return new Promise(resolve => {
            const device = new UsbipDevice();
            const socket = device.#socket = net.connect(port, "127.0.0.1");
            const request = Buffer.alloc(OP_SIZE + 32);
            request.writeUInt16BE(VERSION, 0);
            request.writeUInt16BE(REQ_IMPORT, 2);
            request.write(busId, OP_SIZE);
            socket.setNoDelay(true);
            socket.on("connect", () => socket.write(request));
            socket.on("data", bytes => device.#take(bytes, resolve));
            socket.on("error", () => {});
            socket.on("close", () => { resolve(null); device.#gone(); });
        });
    }

    #take(bytes, imported) {
        this.#received = Buffer.concat([this.#received, bytes]);
        if (!this.#devid && !this.#takeImport(imported))
            return;
        while (this.#takeReply())
            ;
    }

    /* The answer to IMPORT; a status that is not 0 has nothing after it. */
    #takeImport(imported) {
        const got = this.#received;
        if (got.length < OP_SIZE)
            return false;
        if (got.readUInt16BE(2) !== REP_IMPORT || got.readUInt32BE(4) !== 0) {
            this.#socket.destroy();
            return false;
        }
        if (got.length < OP_SIZE + DEVICE_SIZE)
            return false;
        const numbers = OP_SIZE + 256 + 32;             /* after the path and the bus id */
        this.#devid = got.readUInt32BE(numbers) << 16 | got.readUInt32BE(numbers + 4);
        this.#received = got.subarray(OP_SIZE + DEVICE_SIZE);
        imported(this);
        return true;
    }

    #takeReply() {
        const got = this.#received;
        if (got.length < HEADER_SIZE)
            return false;
        const job = this.#waiting.get(got.readUInt32BE(4));
        const status = got.readInt32BE(20), actual = got.readInt32BE(24);
        const end = HEADER_SIZE + (job?.direction === IN ? actual : 0);
        if (got.length < end)
            return false;
        this.#received = got.subarray(end);
        if (job && got.readUInt32BE(0) === RET_SUBMIT) {
            this.#waiting.delete(got.readUInt32BE(4));
            job.resolve({ status: status === 0 ? "ok" : status === EPIPE ? "stall" : "error",
                          code: status, actual, data: Buffer.from(got.subarray(HEADER_SIZE, end)) });
        }
        return true;
    }

    #gone() {
        for (const job of this.#waiting.values())
            job.resolve({ status: "gone", code: 0, actual: 0, data: Buffer.alloc(0) });
        this.#waiting.clear();
        this.closed = true;
        this.emit("gone");
    }

    #submit(endpoint, direction, setup, data, length) {
        if (this.closed)
            return Promise.resolve({ status: "gone", code: 0, actual: 0, data: Buffer.alloc(0) });
        const header = Buffer.alloc(HEADER_SIZE);
        const seqnum = ++this.#seqnum;
        [CMD_SUBMIT, seqnum, this.#devid, direction, endpoint, 0, length, 0, 0xFFFFFFFF, 0]
            .forEach((word, i) => header.writeUInt32BE(word >>> 0, i * 4));
        setup.copy(header, 40);
        this.#socket.write(direction === OUT ? Buffer.concat([header, data]) : header);
        return new Promise(resolve => this.#waiting.set(seqnum, { resolve, direction }));
    }

    /* One control transfer; data for OUT, length for IN.  Resolves to {status, actual, data},
     * status being "ok", "stall", "error" or "gone". */
    control(requestType, request, value, index, { data = Buffer.alloc(0), length = 0 } = {}) {
        const direction = requestType & 0x80 ? IN : OUT;
        const size = direction === IN ? length : data.length;
        const setup = Buffer.alloc(8);
        setup.writeUInt8(requestType, 0);
        setup.writeUInt8(request, 1);
        [value, index, size].forEach((half, i) => setup.writeUInt16LE(half, 2 + i * 2));
        return this.#submit(0, direction, setup, data, size);
    }

    transferIn(endpoint, length) {
        return this.#submit(endpoint, IN, Buffer.alloc(8), null, length);
    }

    transferOut(endpoint, data) {
        return this.#submit(endpoint, OUT, Buffer.alloc(8), data, data.length);
    }

    /* A port reset, and the configuration that was chosen before it. */
    async reset(configuration) {
        const first = await this.control(0x80, 6, 0x0100, 0, { length: 64 });
        if (first.status === "ok" && configuration)
            return this.control(0x00, 9, configuration, 0);
        return first;
    }

    close() {
        this.#socket.destroy();
    }
}

module.exports = { UsbipDevice };
