// session.js - a CMSIS-DAP host that nobody here wrote, dapjs, debugs a SAM D21.
//
// Its WebUSB transport is what a browser has; the package "usb" gives node the same.  (Its
// other one sets the configuration anew, which Linux refuses while cdc_acm has the serial
// ports.)  Prints one line a check, and "N passed, N failed".
'use strict';
const assert = require('assert');
const usb = require('usb');
const { CortexM, WebUSB } = require('dapjs');

const VENDOR = 0x1209, PRODUCT = 0x0001;
const RAM = 0x20001000, PC = 15, CPUID = 0xe000ed00;
// movs r0,#0; adds r0,#1; b to the adds
const PROGRAM = Uint32Array.of(0x30012000, 0xe7fde7fd);
let passed = 0, failed = 0;

async function check(sentence, action) {
    try {
        await action();
        passed++;
        console.log(`[ok] ${sentence}`);
    } catch (error) {
        failed++;
        console.log(`[FAILED] ${sentence}: ${error.message}`);
    }
}

// All that a debugger does first.  dapjs writes TAR once a block, so a block must not pass
// the end of a kilobyte.
async function session(transport) {
    const core = new CortexM(transport, 1, 4000000);
    const random = Uint32Array.from({ length: 250 }, (_, i) => Math.imul(i + 1, 2654435761));

    await check('connect', () => core.connect());
    await check('DPIDR', async () => assert.equal(await core.readDP(0), 0x0bc11477));
    await check('CPUID is a Cortex-M0+', async () =>
        assert.equal(await core.readMem32(CPUID), 0x410cc601));
    await check('halt', async () => {
        await core.halt();
        assert.ok(await core.isHalted());
    });
    await check('1,000 bytes written and read', async () => {
        await core.writeBlock(RAM, random);
        assert.deepEqual(await core.readBlock(RAM, random.length), random);
    });
    await check('halfwords', async () => {
        await core.writeMem16(RAM, 0xbeef);
        assert.equal(await core.readMem16(RAM), 0xbeef);
    });
    await check('registers', async () => {
        await core.writeCoreRegister(3, 0x12345678);
        assert.equal(await core.readCoreRegister(3), 0x12345678);
    });
    await check('a program in RAM runs and halts', async () => {
        await core.writeBlock(RAM, PROGRAM);
        await core.writeCoreRegister(PC, RAM);
        await core.resume();
        assert.ok(!await core.isHalted());
        await core.halt();
        assert.ok(await core.readCoreRegister(0) > 1);
        const pc = await core.readCoreRegister(PC);
        assert.ok(pc >= RAM + 2 && pc <= RAM + 4, `pc ${pc.toString(16)}`);
    });
    await check('reading nowhere is an error', () => assert.rejects(core.readMem32(0x30000000)));
    await check('   and not the end', async () => {
        await core.reconnect();
        assert.equal(await core.readMem32(CPUID), 0x410cc601);
    });
    await check('resume', async () => {
        await core.resume();
        assert.ok(!await core.isHalted());
    });
    await check('disconnect', () => core.disconnect());
}

async function main() {
    const web = new usb.WebUSB({ allowAllDevices: true });
    const device = await web.requestDevice({
        filters: [{ vendorId: VENDOR, productId: PRODUCT }] });
    await session(new WebUSB(device));
    console.log(`${passed} passed, ${failed} failed`);
    process.exit(failed ? 1 : 0);
}

main().catch(error => {
    console.log(error);
    console.log(`${passed} passed, ${failed + 1} failed`);
    process.exit(1);
});
