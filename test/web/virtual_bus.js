/* virtual_bus.js - what a kernel and a browser know of the virtual board: plugged or not,
 * its descriptors, and the way to send it requests.
 *
 *   called by  test_page.js, test_live.js      calls  usbip.js; virtual_usb.js, virtual_serial.js (in the page)
 *
 * Like Linux it gives a new device its first configuration.  Nothing here knows DFU. */
"use strict";
const { EventEmitter } = require("node:events");
const path = require("node:path");
const { UsbipDevice } = require("./usbip.js");

const GET_DESCRIPTOR = 6, SET_CONFIGURATION = 9, SET_INTERFACE = 11;
const DEVICE = 1, CONFIGURATION = 2, STRING = 3, INTERFACE = 4, ENDPOINT = 5;
const AGAIN_MS = 40;

const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));

async function descriptor(device, type, index, length, language = 0) {
    const { status, data } = await device.control(0x80, GET_DESCRIPTOR, type << 8 | index,
                                                  language, { length });
    if (status !== "ok")
        throw new Error(`descriptor ${type}/${index}: ${status}`);
    return data;
}

async function string(device, index) {
    if (index === 0)
        return null;
    const data = await descriptor(device, STRING, index, 255, 0x0409);
    return data.subarray(2, data[0]).toString("utf16le");
}

const ENDPOINT_TYPES = ["control", "isochronous", "bulk", "interrupt"];

/* The configuration as WebUSB shows it: interfaces, their alternates, their endpoints. */
async function configuration(device, index) {
    const total = (await descriptor(device, CONFIGURATION, index, 9)).readUInt16LE(2);
    const data = await descriptor(device, CONFIGURATION, index, total);
    const interfaces = [];
    let alternate = null;
    for (let at = 0; at + 2 <= data.length; at += data[at]) {
        const b = data.subarray(at, at + data[at]);
        if (b.length < 2)
            throw new Error("a descriptor of no length");
        if (b[1] === INTERFACE) {
            alternate = { alternateSetting: b[3], interfaceClass: b[5], interfaceSubclass: b[6],
                          interfaceProtocol: b[7], interfaceName: await string(device, b[8]),
                          endpoints: [] };
            let one = interfaces.find(i => i.interfaceNumber === b[2]);
            if (!one)
                interfaces.push(one = { interfaceNumber: b[2], alternates: [] });
            one.alternates.push(alternate);
        } else if (b[1] === ENDPOINT && alternate) {
            alternate.endpoints.push({ endpointNumber: b[2] & 15,
                direction: b[2] & 0x80 ? "in" : "out", type: ENDPOINT_TYPES[b[3] & 3],
                packetSize: b.readUInt16LE(4) });
        }
    }
    return { configurationValue: data[5], configurationName: await string(device, data[6]),
             interfaces };
}

async function describe(device, id) {
    const d = await descriptor(device, DEVICE, 0, 18);
    const configurations = [];
    for (let i = 0; i < d[17]; i++)
        configurations.push(await configuration(device, i));
    return {
        id, vendorId: d.readUInt16LE(8), productId: d.readUInt16LE(10),
        deviceClass: d[4], deviceSubclass: d[5], deviceProtocol: d[6],
        deviceVersionMajor: d[13], deviceVersionMinor: d[12] >> 4,
        deviceVersionSubminor: d[12] & 15,
        manufacturerName: await string(device, d[14]), productName: await string(device, d[15]),
        serialNumber: await string(device, d[16]), configurations,
    };
}

class VirtualBus extends EventEmitter {
    #port; #running = false; #device = null; #info = null; #id = 0; #configuration = 0;
    #page = null;
    /* For tests: open() fails with this name; what the device sends passes through spoil. */
    openError = null;
    spoil = (request, data) => data;
    requests = [];              /* bRequest of every class request, in order */

    constructor(port) {
        super();
        this.#port = port;
    }

    /* Plugs the board in whenever it is there, until stop(). */
    start() {
        this.#running = true;
        this.#watch();
        return this;
    }

    async #watch() {
        while (this.#running) {
            const device = await UsbipDevice.import(this.#port);
            if (device)
                await this.#serve(device).catch(() => {});
            device?.close();
            await sleep(AGAIN_MS);
        }
    }

    async #serve(device) {
        const gone = new Promise(resolve => device.once("gone", resolve));
        const info = await describe(device, ++this.#id);
        this.#configuration = info.configurations[0].configurationValue;
        await device.control(0x00, SET_CONFIGURATION, this.#configuration, 0);
        this.#device = device;
        this.#info = info;
        this.#tell("plugged", info);
        await gone;
        this.#device = this.#info = null;
        this.#tell("unplugged", info.id);
    }

    #tell(what, value) {
        this.emit(what, value);
        this.#page?.evaluate(([w, v]) => {
            window.virtualUsb?.[w](v);
            window.virtualSerial?.[w](v);
        }, [what, value])
            .catch(() => {});           /* the page has gone on to another address */
    }

    stop() {
        this.#running = false;
        this.#device?.close();
    }

    /* From now on the virtual board is in this page's navigator.usb, and its serial ports in
     * navigator.serial.  Once per page. */
    async attachTo(page) {
        this.#page = page;
        await page.exposeBinding("usbCall", (_source, ...call) => this.#call(...call));
        await page.addInitScript({ path: path.join(__dirname, "virtual_usb.js") });
        await page.addInitScript({ path: path.join(__dirname, "virtual_serial.js") });
    }

    /* Waits for a device for which fits(info) is true. */
    async waitFor(fits, ms = 10000) {
        for (let waited = 0; waited < ms; waited += AGAIN_MS) {
            if (this.#info && fits(this.#info))
                return this.#info;
            await sleep(AGAIN_MS);
        }
        throw new Error("the device did not come, there is "
                        + (this.#info?.productName ?? "nothing"));
    }

    /* One request of the page, or of a test; id says for which plug it is. */
    async #call(id, what, ...args) {
        if (what === "list")
            return this.#info ? [this.#info] : [];
        if (!this.#device || this.#info.id !== id)
            return { status: "gone" };
        return this[what](...args);
    }

    open() {
        return { status: this.openError ? "denied" : "ok", error: this.openError };
    }

    async control(requestType, request, value, index, bytes, length) {
        if ((requestType & 0x60) === 0x20)
            this.requests.push(request);
        const answer = await this.#device.control(requestType, request, value, index,
                                                  { data: Buffer.from(bytes), length });
        return { ...answer, data: [...this.spoil(request, answer.data)] };
    }

    async transferIn(endpoint, length) {
        const answer = await this.#device.transferIn(endpoint, length);
        return { ...answer, data: [...answer.data] };
    }

    transferOut(endpoint, bytes) {
        return this.#device.transferOut(endpoint, Buffer.from(bytes));
    }

    selectConfiguration(value) {
        this.#configuration = value;
        return this.#device.control(0x00, SET_CONFIGURATION, value, 0);
    }

    selectInterface(number, alternate) {
        return this.#device.control(0x01, SET_INTERFACE, alternate, number);
    }

    reset() {
        return this.#device.reset(this.#configuration);
    }
}

module.exports = { VirtualBus };
