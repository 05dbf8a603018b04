/* jtagdp.c - the same debug port behind five wires: a TAP controller and its registers.
 *
 *   called by  swdp.c, which owns the pins      calls  dp.c
 *
 *   IR (4 bits)   DR
 *   1000 ABORT    35 bits, as DPACC; only DAPABORT counts
 *   1010 DPACC    data[34:3] A[3:2] RnW   in;   data[34:3] ACK[2:0]   out
 *   1011 APACC    the same for the access port
 *   1110 IDCODE   32 bits
 *   1111 BYPASS   1 bit
 *
 * TMS and TDI are taken at the rising edge, TDO changes at the falling one.  What a scan
 * asks for happens at Update-DR; its answer comes out of the next scan.  ACK here has
 * only OK/FAULT (010) and WAIT (001); faults are the sticky flags, which the host reads.
 *
 * An F103 has a second TAP for boundary scan, with an IR of 5 bits, which follows the same
 * TMS (RM0008 figure "JTAG TAP connections"):
 *
 *   TDI -> boundary scan -> Cortex-M3 -> TDO
 *
 * Its IR selects IDCODE (00001), the cells by SAMPLE/PRELOAD (00010) and EXTEST (00000), or
 * BYPASS.  The cells are the chip's (boundary_scan.c); where there are none it is reported.
 *
 * Sources: IEEE 1149.1 figure 6-1; ARM IHI 0031C B3 (JTAG-DP); RM0008 31.5, 31.6. */
#include "dp.h"
#include <string.h>

enum { IR_ABORT = 8, IR_DPACC = 10, IR_APACC = 11, IR_IDCODE = 14, IR_BYPASS = 15 };
enum { SCAN_IR_BITS = 5, SCAN_EXTEST = 0, SCAN_IDCODE = 1, SCAN_SAMPLE = 2 };
enum { ACK_WAIT = 1, ACK_OK_FAULT = 2 };

static const uint8_t next_state[16][2] = {      /* by state, by TMS */
    [TEST_LOGIC_RESET] = { RUN_TEST_IDLE, TEST_LOGIC_RESET },
    [RUN_TEST_IDLE] = { RUN_TEST_IDLE, SELECT_DR },
    [SELECT_DR] = { CAPTURE_DR, SELECT_IR },  [SELECT_IR] = { CAPTURE_IR, TEST_LOGIC_RESET },
    [CAPTURE_DR] = { SHIFT_DR, EXIT1_DR },    [CAPTURE_IR] = { SHIFT_IR, EXIT1_IR },
    [SHIFT_DR] = { SHIFT_DR, EXIT1_DR },      [SHIFT_IR] = { SHIFT_IR, EXIT1_IR },
    [EXIT1_DR] = { PAUSE_DR, UPDATE_DR },     [EXIT1_IR] = { PAUSE_IR, UPDATE_IR },
    [PAUSE_DR] = { PAUSE_DR, EXIT2_DR },      [PAUSE_IR] = { PAUSE_IR, EXIT2_IR },
    [EXIT2_DR] = { SHIFT_DR, UPDATE_DR },     [EXIT2_IR] = { SHIFT_IR, UPDATE_IR },
    [UPDATE_DR] = { RUN_TEST_IDLE, SELECT_DR }, [UPDATE_IR] = { RUN_TEST_IDLE, SELECT_DR },
};

/* --- the boundary scan TAP ------------------------------------------------------- */

static bool has_scan(const struct jtagdp *jtag) { return jtag->dp->config.scan_idcode; }

static bool selects_cells(const struct jtagdp *jtag)
{
    return jtag->cells.count && (jtag->scan_ir == SCAN_EXTEST || jtag->scan_ir == SCAN_SAMPLE);
}

static void capture_scan(struct jtagdp *jtag, bool ir)
{
    if (!ir && selects_cells(jtag)) {
        jtag->scan_length = jtag->cells.count;
        jtag->cells.capture(jtag->cells.ctx, jtag->scan);
        return;
    }
    bool idcode = jtag->scan_ir == SCAN_IDCODE;
    jtag->scan_length = ir ? SCAN_IR_BITS : idcode ? 32 : 1;
    jtag->scan_shift = ir ? 1 : idcode ? jtag->dp->config.scan_idcode : 0;
}

/* Takes a bit from TDI and gives the one that goes on to the other TAP. */
static int shift_scan(struct jtagdp *jtag, int tdi)
{
    if (!has_scan(jtag))
        return tdi;
    if (jtag->scan_length > 32) {
        int first = jtag->scan[0];
        memmove(jtag->scan, jtag->scan + 1, (size_t)jtag->scan_length - 1);
        jtag->scan[jtag->scan_length - 1] = (uint8_t)tdi;
        return first;
    }
    int out = jtag->scan_shift & 1;
    jtag->scan_shift = jtag->scan_shift >> 1 | (uint32_t)tdi << (jtag->scan_length - 1);
    return out;
}

/* EXTEST gives the pins to what is latched; any other instruction gives them back. */
static void drive_cells(struct jtagdp *jtag)
{
    bool extest = jtag->cells.count && jtag->scan_ir == SCAN_EXTEST;
    if (extest || jtag->extest)
        jtag->cells.drive(jtag->cells.ctx, extest ? jtag->latch : NULL);
    jtag->extest = extest;
}

static void update_scan_dr(struct jtagdp *jtag)
{
    if (!selects_cells(jtag))
        return;
    memcpy(jtag->latch, jtag->scan, sizeof jtag->latch);
    drive_cells(jtag);
}

static void update_scan_ir(struct jtagdp *jtag)
{
    jtag->scan_ir = jtag->scan_shift & ((1 << SCAN_IR_BITS) - 1);
    drive_cells(jtag);
    if (has_scan(jtag) && !jtag->cells.count && (jtag->scan_ir == SCAN_EXTEST || jtag->scan_ir == SCAN_SAMPLE))
        sim_report(jtag->dp->chip->sim, SIM_UNMODELLED, "%s: boundary scan cells",
                   jtag->dp->chip->name);
}

/* --- the debug port's own -------------------------------------------------------- */

static void capture_access(struct jtagdp *jtag)
{
    jtag->length = 35;
    jtag->waited = dp_busy(jtag->dp);
    uint32_t result = jtag->result_is_ap ? jtag->dp->rdbuff : jtag->result;
    jtag->shift = jtag->waited ? ACK_WAIT : (uint64_t)result << 3 | ACK_OK_FAULT;
}

static void capture_dr(struct jtagdp *jtag)
{
    switch (jtag->ir) {
    case IR_DPACC:
    case IR_APACC:
        capture_access(jtag);
        break;
    case IR_ABORT:
        jtag->length = 35;
        jtag->shift = 0;
        break;
    case IR_IDCODE:
        jtag->length = 32;
        jtag->shift = jtag->dp->config.jtag_idcode;
        break;
    default:
        jtag->length = 1;
        jtag->shift = 0;
    }
}

/* JTAG clears the sticky flags by writing ones to CTRL/STAT (B2.2.2), not by ABORT. */
static void access_dp(struct jtagdp *jtag, bool read, uint32_t address, uint32_t value)
{
    struct dp *dp = jtag->dp;
    jtag->result_is_ap = false;
    if (read)
        jtag->result = address == DP_RDBUFF ? 0 : dp_read(dp, address);
    else if (address != DP_ABORT)
        dp_write(dp, address, value);
    if (!read && address == DP_CTRL_STAT)
        dp->flags &= ~(value & (STICKYORUN | STICKYCMP | STICKYERR));
}

static void access_ap(struct jtagdp *jtag, bool read, uint32_t address, uint32_t value)
{
    struct dp *dp = jtag->dp;
    jtag->result_is_ap = read;
    if (!dp_ap_powered(dp))
        dp->flags |= STICKYERR;
    if (!(dp->flags & STICKY_FLAGS))
        dp_ap_access(dp, !read, address, value);
}

static void update_dr(struct jtagdp *jtag)
{
    bool read = jtag->shift & 1;
    uint32_t address = (jtag->shift >> 1 & 3) << 2, value = (uint32_t)(jtag->shift >> 3);
    if (jtag->ir == IR_ABORT)
        dp_write(jtag->dp, DP_ABORT, value & 1);
    if ((jtag->ir != IR_DPACC && jtag->ir != IR_APACC) || jtag->waited)
        return;
    jtag->scans++;
    if (jtag->ir == IR_DPACC)
        access_dp(jtag, read, address, value);
    else
        access_ap(jtag, read, address, value);
}

void jtagdp_reset(struct jtagdp *jtag)
{
    jtag->state = TEST_LOGIC_RESET;
    jtag->ir = IR_IDCODE;
    jtag->scan_ir = SCAN_IDCODE;
    drive_cells(jtag);
    jtag->result_is_ap = false;
    if (jtag->tdo)
        pin_drive(jtag->tdo, DRIVE_OPEN);
}

void jtagdp_clock_rose(struct jtagdp *jtag, int tms, int tdi)
{
    if (jtag->state == SHIFT_DR || jtag->state == SHIFT_IR)
        jtag->shift = jtag->shift >> 1 |
                      (uint64_t)shift_scan(jtag, tdi) << (jtag->length - 1);
    if (jtag->state == CAPTURE_DR || jtag->state == CAPTURE_IR)
        capture_scan(jtag, jtag->state == CAPTURE_IR);
    if (jtag->state == CAPTURE_DR)
        capture_dr(jtag);
    if (jtag->state == CAPTURE_IR) {
        jtag->length = 4;
        jtag->shift = 1;                        /* 1149.1 7.1.1: ends in 01 */
    }
    jtag->state = next_state[jtag->state][tms];
    if (jtag->state == UPDATE_DR) {
        update_scan_dr(jtag);
        update_dr(jtag);
    }
    if (jtag->state == UPDATE_IR) {
        jtag->ir = (uint32_t)jtag->shift & 15;
        update_scan_ir(jtag);
    }
    if (jtag->state == TEST_LOGIC_RESET) {
        jtag->ir = IR_IDCODE;
        jtag->scan_ir = SCAN_IDCODE;
        drive_cells(jtag);
    }
}

void jtagdp_clock_fell(struct jtagdp *jtag)
{
    if (!jtag->tdo)
        return;
    bool shifting = jtag->state == SHIFT_DR || jtag->state == SHIFT_IR;
    pin_drive(jtag->tdo, !shifting ? DRIVE_OPEN : jtag->shift & 1 ? DRIVE_HIGH : DRIVE_LOW);
}
