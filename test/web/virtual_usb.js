/* virtual_usb.js - navigator.usb of the page under test, as strict as Chromium's own.
 *
 *   put into the page by virtual_bus.js, which it calls for every transfer
 *
 * What the WebUSB specification demands is demanded: a click before requestDevice(), a
 * permission before a device is seen, open and claim before a transfer.  The person picks
 * the first device of the list.  Permissions last as long as the page. */
"use strict";
(() => {
    const call = (id, what, ...args) => window.usbCall(id, what, ...args);
    const fail = (name, message) => { throw new DOMException(message, name); };
    const granted = new Set();          // "vendor:product:serial"
    const devices = new Map();          // by id
    const key = d => `${d.vendorId}:${d.productId}:${d.serialNumber}`;

    // What every transfer's answer may mean.
    async function transfer(answer) {
        const result = await answer;
        if (result.status === "gone")
            fail("NotFoundError", "The device was disconnected.");
        if (result.status === "error")
            fail("NetworkError", "A transfer error has occurred.");
        return result;
    }

    class VirtualDevice {
        #id;
        #claimed = new Set();

        constructor({ id, ...info }) {
            Object.assign(this, info);
            this.#id = id;
            this.opened = false;
            this.configuration = this.configurations[0];
        }

        async open() {
            const { status, error } = await call(this.#id, "open");
            if (status === "denied")
                fail(error, "Failed to execute 'open' on 'USBDevice': Access denied.");
            if (status === "gone")
                fail("NotFoundError", "The device was disconnected.");
            this.opened = true;
        }

        async close() {
            this.opened = false;
            this.#claimed.clear();
        }

        #mustBeOpen() {
            if (!this.opened)
                fail("InvalidStateError", "The device must be opened first.");
        }

        async selectConfiguration(value) {
            this.#mustBeOpen();
            await transfer(call(this.#id, "selectConfiguration", value));
            this.configuration = this.configurations.find(c => c.configurationValue === value);
        }

        async claimInterface(number) {
            this.#mustBeOpen();
            const found = this.configuration.interfaces.find(i => i.interfaceNumber === number);
            if (!found)
                fail("NotFoundError", "The interface number provided is not supported.");
            if (found.alternates[0].interfaceClass === 2)
                fail("NetworkError", "Unable to claim interface.");     // cdc_acm has it
            this.#claimed.add(number);
        }

        async releaseInterface(number) {
            this.#claimed.delete(number);
        }

        async selectAlternateInterface(number, alternate) {
            this.#mustBeClaimed(number);
            const { status } = await transfer(call(this.#id, "selectInterface", number, alternate));
            if (status !== "ok")
                fail("NetworkError", "Unable to set device interface.");
        }

        #mustBeClaimed(number) {
            this.#mustBeOpen();
            if (!this.#claimed.has(number))
                fail("InvalidStateError", "The specified interface has not been claimed.");
        }

        #setup(setup, direction) {
            const types = { standard: 0x00, class: 0x20, vendor: 0x40 };
            const recipients = { device: 0, interface: 1, endpoint: 2, other: 3 };
            this.#mustBeOpen();
            if (setup.recipient === "interface")
                this.#mustBeClaimed(setup.index & 0xFF);
            return [direction | types[setup.requestType] | recipients[setup.recipient],
                    setup.request, setup.value, setup.index];
        }

        async controlTransferIn(setup, length) {
            const { status, data } = await transfer(call(this.#id, "control",
                ...this.#setup(setup, 0x80), [], length));
            const bytes = new Uint8Array(data);
            return { status, data: status === "ok" ? new DataView(bytes.buffer) : null };
        }

        async controlTransferOut(setup, data = new Uint8Array(0)) {
            const bytes = new Uint8Array(data.buffer ?? data, data.byteOffset ?? 0,
                                         data.byteLength);
            const { status, actual } = await transfer(call(this.#id, "control",
                ...this.#setup(setup, 0x00), [...bytes], 0));
            return { status, bytesWritten: actual };
        }

        async transferIn(endpoint, length) {
            this.#mustBeOpen();
            const { status, data } = await transfer(call(this.#id, "transferIn", endpoint, length));
            return { status, data: new DataView(new Uint8Array(data).buffer) };
        }

        async transferOut(endpoint, data) {
            this.#mustBeOpen();
            const { status, actual } = await transfer(call(this.#id, "transferOut", endpoint,
                [...new Uint8Array(data.buffer ?? data)]));
            return { status, bytesWritten: actual };
        }

        async reset() {
            this.#mustBeOpen();
            const { status } = await call(this.#id, "reset");
            if (status !== "ok")
                fail("NetworkError", "Unable to reset the device.");
        }
    }

    // WebUSB 4.2: every member of the filter that is given must match.
    function fits(device, filter) {
        const alternates = device.configurations.flatMap(c =>
            c.interfaces.flatMap(i => i.alternates));
        const classFits = (cls, sub, protocol) => filter.classCode === cls
            && (filter.subclassCode ?? sub) === sub && (filter.protocolCode ?? protocol) === protocol;
        return (filter.vendorId ?? device.vendorId) === device.vendorId
            && (filter.productId ?? device.productId) === device.productId
            && (filter.serialNumber ?? device.serialNumber) === device.serialNumber
            && (filter.classCode === undefined
                || classFits(device.deviceClass, device.deviceSubclass, device.deviceProtocol)
                || alternates.some(a => classFits(a.interfaceClass, a.interfaceSubclass,
                                                  a.interfaceProtocol)));
    }

    async function present() {
        const list = await call(0, "list");
        for (const info of list)
            if (!devices.has(info.id))
                devices.set(info.id, new VirtualDevice(info));
        return list.map(info => devices.get(info.id));
    }

    class VirtualUsb extends EventTarget {
        async getDevices() {
            return (await present()).filter(device => granted.has(key(device)));
        }

        async requestDevice({ filters }) {
            if (!navigator.userActivation.isActive)
                fail("SecurityError", "Must be handling a user gesture to show a permission request.");
            const found = (await present()).find(device => filters.some(f => fits(device, f)));
            if (!found)
                fail("NotFoundError", "Failed to execute 'requestDevice' on 'USB': No device selected.");
            granted.add(key(found));
            return found;
        }

        #dispatch(type, device) {
            if (granted.has(key(device)))
                this.dispatchEvent(Object.assign(new Event(type), { device }));
        }

        plugged(info) {
            if (!devices.has(info.id))
                devices.set(info.id, new VirtualDevice(info));
            this.#dispatch("connect", devices.get(info.id));
        }

        unplugged(id) {
            const device = devices.get(id);
            devices.delete(id);
            if (device) {
                device.opened = false;
                this.#dispatch("disconnect", device);
            }
        }
    }

    window.virtualUsb = new VirtualUsb();
    Object.defineProperty(navigator, "usb", { value: window.virtualUsb });
})();
