/* fault.c - a fault of the target's program in words.
 *
 * Vector catch stops the core in front of the handler: the exception's number is in xPSR,
 * what was interrupted lies on the stack.  Armv7-M says in CFSR why it happened, and for
 * some causes in BFAR or MMFAR where.  Armv6-M has no such registers: there the
 * instruction that failed is decoded, with what its registers hold now.
 *
 * Sources: DDI 0403 (Armv7-M ARM) B1.5 exceptions, B3.2.15 CFSR to B3.2.18 BFAR;
 * DDI 0419 (Armv6-M ARM) A5.2 encodings. */
#include "fault.h"
#include "adi.h"
#include "cortexm.h"
#include "say.h"

enum { CFSR = 0xE000ED28, HFSR = 0xE000ED2C, MMFAR = 0xE000ED34, BFAR = 0xE000ED38 };
enum { MMARVALID = 1 << 7, BFARVALID = 1 << 15, HFSR_VECTTBL = 1 << 1 };
enum { T_BIT = 1 << 24 };               /* of xPSR */

/* What the processor pushed (B1.5.6); the first four are R0 to R3. */
struct frame { uint32_t r[4], r12, lr, pc, xpsr; };

static const char exceptions[][11] = {  /* from number 2 on */
    "NMI", "HardFault", "MemManage", "BusFault", "UsageFault"
};

/* CFSR, most telling first: the bit's number, then what it says. */
static const char causes[] =
    "\x09" "on a data access (PRECISERR)\0"
    "\x0A" "on an earlier write (IMPRECISERR)\0"
    "\x08" "on instruction fetch (IBUSERR)\0"
    "\x0C" "while stacking: bad SP? (STKERR)\0"
    "\x0B" "while unstacking (UNSTKERR)\0"
    "\x0D" "while saving the FPU (LSPERR)\0"
    "\x01" "the MPU refused data access (DACCVIOL)\0"
    "\x20" "instruction fetch from where no code can be (IACCVIOL)\0"  /* 0; 5 bits count */
    "\x04" "the MPU refused stacking (MSTKERR)\0"
    "\x03" "the MPU refused unstacking (MUNSTKERR)\0"
    "\x10" "undefined instruction (UNDEFINSTR)\0"
    "\x11" "jump to an even address (INVSTATE)\0"
    "\x12" "bad EXC_RETURN (INVPC)\0"
    "\x13" "FPU off or missing (NOCP)\0"
    "\x18" "unaligned access (UNALIGNED)\0"
    "\x19" "division by zero (DIVBYZERO)\0";

static void explain_v7m(void)
{
    uint32_t cfsr = 0, hfsr = 0, address;
    const char *separator = ": ";

    adi_read32(CFSR, &cfsr);
    adi_read32(HFSR, &hfsr);
    if (hfsr & HFSR_VECTTBL)
        say(": bus error reading the vector table (VECTTBL)");
    for (const char *cause = causes; *cause;) {
        int bit = *cause++ & 31;
        if (cfsr >> bit & 1) {
            say("%s%s%s", separator, bit / 8 == 1 ? "bus error " : "", cause);
            separator = ", ";
        }
        while (*cause++)
            ;
    }
    if (cfsr & (BFARVALID | MMARVALID) &&
        adi_read32(cfsr & BFARVALID ? BFAR : MMFAR, &address) == OK)
        say(" at 0x%08x", (unsigned)address);
}

/* Not inline: two calls of it are smaller. */
__attribute__((noinline)) static int low_register(const struct frame *frame, int number, uint32_t *value)
{
    if (number >= 4)
        return cortexm_read_register(number, value);
    *value = frame->r[number];
    return OK;
}

/* The address that a 16-bit load or store used: 0101 with a register as the index, 0110 to
 * 1000 with a number (A5.2.4). */
static bool access_of(int op, const struct frame *frame, uint32_t *address, uint32_t *width)
{
    static const uint8_t widths[8] = { 4, 2, 1, 1, 4, 2, 1, 2 };    /* 0101 xxx */
    uint32_t index;

    if (op < 0x5000 || op >= 0x9000 || low_register(frame, op >> 3 & 7, address) != OK)
        return false;
    if (op < 0x6000) {
        *width = widths[op >> 9 & 7];
        if (low_register(frame, op >> 6 & 7, &index) != OK)
            return false;
    } else {
        *width = op >= 0x8000 ? 2 : op & 0x1000 ? 1 : 4;
        index = (uint32_t)(op >> 6 & 31) * *width;
    }
    *address += index;
    return true;
}

static void explain_v6m(const struct frame *frame)
{
    const char *why = 0;
    uint32_t address, width;
    uint16_t op;

    if (!(frame->xpsr & T_BIT))
        why = ": jump to an even address";
    else if (adi_read16(frame->pc & ~1u, &op))
        why = ": jump to where there is no memory";
    else if ((op & 0xFF00) == 0xBE00)
        why = ": BKPT";
    else if ((op & 0xFF00) == 0xDE00 || op >= 0xE800)
        why = ": undefined instruction";
    else if (access_of(op, frame, &address, &width))
        say(": %s at 0x%08x", address % width ? "unaligned access" : "bus error",
            (unsigned)address);
    if (why)
        say(why);
}

void fault_explain(void)
{
    struct frame frame;
    uint32_t xpsr, lr, sp;

    if (cortexm_read_register(REG_XPSR, &xpsr) || cortexm_read_register(REG_LR, &lr) ||
        cortexm_read_register(lr & 4 ? REG_PSP : REG_MSP, &sp))
        return;
    uint32_t number = (xpsr & 0x1FF) - 2;
    bool framed = adi_read(sp, &frame, sizeof frame) == OK;
    say(number < 5 ? exceptions[number] : "Fault");
    if (cortexm_core()->v7m)
        explain_v7m();
    else if (framed)
        explain_v6m(&frame);
    if (framed)
        say(", from pc 0x%08x lr 0x%08x\n", (unsigned)frame.pc, (unsigned)frame.lr);
    else
        say(", stack unreadable at 0x%08x%s\n", (unsigned)sp,
            sp >= 0xFFFFFF00 ? ": is the flash empty?" : "");
}
