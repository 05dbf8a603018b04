/* dp.h - inside a debug port: what swdp.c (two wires), jtagdp.c (five wires) and dp.c
 * (the registers both reach) share.  The rest of sim/ includes swdp.h.
 *
 *   dp.c     CTRL/STAT, SELECT, ABORT, RDBUFF; the one AP access under way
 *   jtagdp.c the TAP controller with DPACC, APACC, ABORT, IDCODE, BYPASS
 *   swdp.c   Serial Wire Debug, and which of the two wires talks */
#ifndef DP_H
#define DP_H

#include "memap.h"

/* CTRL/STAT, ADIv5.2 B2.2.2 */
enum {
    ORUNDETECT = 1 << 0, STICKYORUN = 1 << 1, TRNMODE = 3 << 2, STICKYCMP = 1 << 4,
    STICKYERR = 1 << 5, READOK = 1 << 6, WDATAERR = 1 << 7, MASKLANE = 15 << 8,
    TRNCNT = 0xFFF << 12, CDBGRSTREQ = 1 << 26, CDBGPWRUPREQ = 1 << 28,
    CDBGPWRUPACK = 1 << 29, CSYSPWRUPREQ = 1 << 30
};
#define CSYSPWRUPACK (1u << 31)
#define STICKY_FLAGS (STICKYORUN | STICKYCMP | STICKYERR | WDATAERR)

/* DP registers by A[3:2]; 4 and 8 have several faces. */
enum { DP_DPIDR = 0, DP_ABORT = 0, DP_CTRL_STAT = 4, DP_SELECT = 8, DP_RESEND = 8,
       DP_RDBUFF = 12, DP_TARGETSEL = 12 };

struct dp {
    struct chip *chip;
    struct swdp_config config;
    struct memap *ap;
    struct vendor_ap vendor_ap;     /* read NULL: there is none */

    uint32_t control;               /* CTRL/STAT: the bits that are written */
    uint32_t flags;                 /* and the sticky ones, and READOK */
    uint32_t select, dlcr;
    uint32_t rdbuff;                /* result of the last AP read */
    uint32_t resend;                /* what the wire carried last for AP or RDBUFF */
    sim_time power_changed;         /* when a power-up request last changed */

    /* The AP access that was accepted last. */
    bool active;                    /* not finished yet: further ones get WAIT */
    bool stalled;                   /* the bus does not take it yet; alarm is set */
    bool write, failed;
    uint32_t reg, value;
    sim_time done_at;
    struct alarm stall_over;
};

void dp_init(struct dp *dp, struct chip *chip, const struct swdp_config *config);
void dp_free(struct dp *dp);
void dp_reset(struct dp *dp);                   /* power-on */
bool dp_minimal(const struct dp *dp);           /* DPIDR.MIN: no transaction counter */

bool dp_busy(struct dp *dp);                    /* the last AP access is under way */
bool dp_ap_powered(const struct dp *dp);        /* CDBGPWRUPACK */
uint32_t dp_read(struct dp *dp, uint32_t address);
void dp_write(struct dp *dp, uint32_t address, uint32_t value);
/* Starts an access to the selected AP; a read's result comes to dp->rdbuff later. */
void dp_ap_access(struct dp *dp, bool write, uint32_t address, uint32_t value);

/* --- jtagdp.c -------------------------------------------------------------------- */

enum tap_state {
    TEST_LOGIC_RESET, RUN_TEST_IDLE,
    SELECT_DR, CAPTURE_DR, SHIFT_DR, EXIT1_DR, PAUSE_DR, EXIT2_DR, UPDATE_DR,
    SELECT_IR, CAPTURE_IR, SHIFT_IR, EXIT1_IR, PAUSE_IR, EXIT2_IR, UPDATE_IR
};

struct jtagdp {
    struct dp *dp;
    struct pin *tdo;                /* NULL: not wired */
    enum tap_state state;
    uint32_t ir;
    uint64_t shift;
    int length;                     /* of the register being shifted */
    uint32_t scan_ir, scan_shift;   /* the same of the boundary scan TAP */
    int scan_length;
    struct scan_cells cells;        /* count 0: this chip's are not modelled */
    uint8_t scan[SCAN_CELLS], latch[SCAN_CELLS];
    bool extest;                    /* the latch drives the pins */
    bool waited;                    /* Capture-DR gave WAIT: Update-DR does nothing */
    uint32_t result;                /* of the last DPACC or APACC read */
    bool result_is_ap;              /* it is in dp->rdbuff when the access is over */
    uint32_t ack;                   /* for the next capture */
    uint64_t scans;                 /* DPACC and APACC scans that were answered */
};

void jtagdp_reset(struct jtagdp *jtag);
void jtagdp_clock_rose(struct jtagdp *jtag, int tms, int tdi);
void jtagdp_clock_fell(struct jtagdp *jtag);    /* TDO changes here (IEEE 1149.1) */

#endif
