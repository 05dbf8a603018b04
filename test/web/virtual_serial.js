/* virtual_serial.js - navigator.serial of the page under test: the virtual board's two ports.
 *
 *   put into the page by virtual_bus.js, which it calls for every transfer
 *
 * It is the driver that a system has for CDC-ACM (CDC PSTN 1.2 6.3): what the page sets and
 * writes becomes requests and packets to the real firmware over USB/IP.  What Web Serial
 * demands is demanded: a click before requestPort(), one open at a time, streams that end
 * with NetworkError when the plug is pulled.  The person picks the second port.  After a
 * replug the ports are new objects, as in Chromium. */
"use strict";
(() => {
    const SET_LINE_CODING = 0x20, SET_CONTROL_LINE_STATE = 0x22, SEND_BREAK = 0x23;
    const CONTROL_CLASS = 2, DATA_CLASS = 10, TO_INTERFACE = 0x21;
    const PARITY = { none: 0, odd: 1, even: 2 };
    const call = (id, what, ...args) => window.usbCall(id, what, ...args);
    const fail = (name, message) => { throw new DOMException(message, name); };
    const reads = new Map();        // by board and endpoint: a read under way outlives a close

    // The ports of a board: each is the number of a control interface, and two endpoints.
    function functions({ configurations: [{ interfaces }] }) {
        const of = cls => interfaces.filter(i => i.alternates[0].interfaceClass === cls);
        const endpoint = (i, direction) => i.alternates[0].endpoints
            .find(e => e.direction === direction).endpointNumber;
        return of(DATA_CLASS).map((data, n) => ({ control: of(CONTROL_CLASS)[n].interfaceNumber,
            input: endpoint(data, "in"), output: endpoint(data, "out") }));
    }

    class VirtualPort extends EventTarget {
        #info; #parts; #lines = 0; #gone = false; #stop = () => {};

        constructor(info, parts) {
            super();
            this.#info = info;
            this.#parts = parts;
            this.readable = this.writable = null;
        }

        get connected() { return !this.#gone; }
        get id() { return this.#info.id; }

        getInfo() {
            return { usbVendorId: this.#info.vendorId, usbProductId: this.#info.productId };
        }

        async #request(request, value, bytes = []) {
            const { status } = await call(this.id, "control", TO_INTERFACE, request, value,
                                          this.#parts.control, bytes, 0);
            if (status !== "ok")
                fail("NetworkError", "Failed to set the port: " + status);
        }

        async open({ baudRate, dataBits = 8, stopBits = 1, parity = "none" }) {
            if (this.readable)
                fail("InvalidStateError", "The port is already open.");
            if (this.#gone || window.virtualSerial.busy)
                fail("NetworkError", "Failed to open serial port.");
            if (!(baudRate > 0))
                throw new TypeError("Requested baud rate must be greater than zero.");
            await this.#request(SET_LINE_CODING, 0, [baudRate & 255, baudRate >> 8 & 255,
                baudRate >> 16 & 255, baudRate >> 24, stopBits === 2 ? 2 : 0, PARITY[parity],
                dataBits]);
            await this.setSignals({ dataTerminalReady: true, requestToSend: true });
            const ended = new Promise(resolve => { this.#stop = resolve; });
            this.readable = new ReadableStream({ pull: to => this.#pull(to, ended) },
                                               { highWaterMark: 0 });
            this.writable = new WritableStream({ write: bytes => this.#write(bytes) });
        }

        async #pull(to, ended) {
            const key = `${this.id}/${this.#parts.input}`;
            if (!reads.has(key))
                reads.set(key, call(this.id, "transferIn", this.#parts.input, 4096));
            const got = await Promise.race([reads.get(key), ended]);
            if (!got)
                return;
            reads.delete(key);
            if (got.status !== "ok") {
                this.readable = this.writable = null;
                to.error(new DOMException("The device has been lost.", "NetworkError"));
            } else
                to.enqueue(Uint8Array.from(got.data));
        }

        async #write(bytes) {
            const { status } = await call(this.id, "transferOut", this.#parts.output, [...bytes]);
            if (status !== "ok")
                fail("NetworkError", "The device has been lost.");
        }

        async close() {
            if (this.readable?.locked || this.writable?.locked)
                throw new TypeError("Cannot close while a stream is locked.");
            this.#stop(null);
            this.readable = this.writable = null;
            if (!this.#gone)
                await this.#request(SET_CONTROL_LINE_STATE, this.#lines = 0);
        }

        async setSignals({ dataTerminalReady, requestToSend, break: broken }) {
            const bit = (now, mask) => now === undefined ? this.#lines & mask : now ? mask : 0;
            this.#lines = bit(dataTerminalReady, 1) | bit(requestToSend, 2);
            await this.#request(SET_CONTROL_LINE_STATE, this.#lines);
            if (broken !== undefined)
                await this.#request(SEND_BREAK, broken ? 0xFFFF : 0);
        }

        unplug() { this.#gone = true; }
    }

    class VirtualSerial extends EventTarget {
        #ports = []; #granted = false;
        busy = false;                   // for tests: another program has the port

        async getPorts() {
            return this.#granted ? this.#ports.filter(port => port.connected) : [];
        }

        async requestPort() {
            if (!navigator.userActivation.isActive)
                fail("SecurityError", "Must be handling a user gesture to show a permission request.");
            if (this.#ports.length === 0)
                (await call(0, "list")).forEach(info => this.plugged(info));
            if (this.#ports.length < 2)
                fail("NotFoundError", "No port selected by the user.");
            this.#granted = true;
            return this.#ports[1];
        }

        plugged(info) {
            if (this.#ports.some(port => port.id === info.id))
                return;
            this.#ports = functions(info).map(parts => new VirtualPort(info, parts));
            if (this.#granted)
                this.#ports.forEach(() => this.dispatchEvent(new Event("connect")));
        }

        unplugged(id) {
            this.#ports.filter(port => port.id === id).forEach(port => port.unplug());
            this.#ports = this.#ports.filter(port => port.id !== id);
        }
    }

    window.virtualSerial = new VirtualSerial();
    Object.defineProperty(navigator, "serial", { value: window.virtualSerial });
})();
