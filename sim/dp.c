/* dp.c - the registers of a debug port, and the one AP access it can have under way.
 *
 *   called by  swdp.c, jtagdp.c      calls  memap.c
 *
 * An AP access takes time on the target's bus: it is done when accepted (or, if the bus
 * stalls, when the bus is free), but its outcome shows only at done_at.  Until then
 * dp_busy() is true and the wire answers WAIT, so a fast SWCLK in front of a slow chip
 * meets real WAITs.  A failed access sets STICKYERR.
 *
 * With the transaction counter one accepted write becomes a row of accesses, each with its
 * time; the port is busy until the last is done, and CTRL/STAT shows how many are left.
 *
 * Power-up requests are acknowledged POWER_UP later; no manual gives the time.
 *
 * Sources: ARM IHI 0031C (ADIv5.2) B2 (registers), B1.2 (sticky flags, pushed
 * operations), B3.1 (power control). */
#include "dp.h"

#define POWER_UP (2 * SIM_US)

enum { DPIDR_MIN = 1 << 16, DPIDR_VERSION = 15 << 12 };
enum { DAPABORT = 1 << 0, STKCMPCLR = 1 << 1, STKERRCLR = 1 << 2, WDERRCLR = 1 << 3,
       ORUNERRCLR = 1 << 4 };
enum { DLCR_TURNROUND = 3 << 8, DLCR_FIXED = 1 << 6 };
enum { PUSHED_VERIFY = 1 << 2, PUSHED_COMPARE = 2 << 2 };
enum { AP_DRW = 0x0C };

bool dp_minimal(const struct dp *dp) { return dp->config.idcode & DPIDR_MIN; }

static bool is_version_2(const struct dp *dp)
{
    return (dp->config.idcode & DPIDR_VERSION) >> 12 >= 2;
}

/* --- the AP access --------------------------------------------------------------- */

/* Pushed verify and compare (B1.2.4): the write reads instead, and the port compares. */
static bool pushed(struct dp *dp)
{
    uint32_t have;
    if (!memap_read(dp->ap, dp->reg, &have))
        return false;
    uint32_t lanes = 0;
    for (int lane = 0; lane < 4; lane++)
        if (dp->control & (1u << (8 + lane)))
            lanes |= 0xFFu << 8 * lane;
    bool equal = !((have ^ dp->value) & lanes);
    if (equal == ((dp->control & TRNMODE) == PUSHED_COMPARE))
        dp->flags |= STICKYCMP;
    return true;
}

static void later(struct dp *dp, sim_time when)
{
    dp->stalled = true;
    alarm_set(dp->chip->sim, &dp->stall_over, when);
}

/* The transaction counter: a write is done once more for each count that is left, until a
 * sticky flag ends it.  What ended a search is not counted down (assumed), so the counter
 * and TAR tell where that was. */
static void repeat(struct dp *dp)
{
    if (!(dp->control & TRNCNT) || dp->failed || dp->flags & STICKYCMP)
        return;
    if (!dp->write) {
        sim_report(dp->chip->sim, SIM_UNMODELLED, "%s: AP read while the transaction counter "
                   "is not 0", dp->chip->name);
        return;
    }
    dp->control -= TRNCNT & -TRNCNT;
    later(dp, dp->done_at);
}

static void execute(void *ctx)
{
    struct dp *dp = ctx;
    sim_time ready = memap_ready_at(dp->ap, dp->reg, dp->write);
    if (ready > dp->chip->sim->now) {
        later(dp, ready);
        return;
    }
    dp->stalled = false;
    dp->done_at = dp->chip->sim->now + memap_duration(dp->ap, dp->reg);
    if (!dp->write)
        dp->failed = !memap_read(dp->ap, dp->reg, &dp->value);
    else if (dp->control & TRNMODE && dp->reg == AP_DRW)
        dp->failed = !pushed(dp);
    else
        dp->failed = !memap_write(dp->ap, dp->reg, dp->value);
    repeat(dp);
}

bool dp_busy(struct dp *dp)
{
    if (!dp->active)
        return false;
    if (dp->stalled || dp->chip->sim->now < dp->done_at)
        return true;
    dp->active = false;
    if (dp->failed)
        dp->flags |= STICKYERR;
    else if (!dp->write)
        dp->rdbuff = dp->value;
    return false;
}

void dp_ap_access(struct dp *dp, bool write, uint32_t address, uint32_t value)
{
    dp->write = write;
    dp->value = value;
    dp->reg = (dp->select & 0xF0) | address;
    if (dp->vendor_ap.read && dp->select >> 24 == dp->vendor_ap.number) {
        if (write)
            dp->vendor_ap.write(dp->vendor_ap.ctx, dp->reg, value);
        else
            dp->rdbuff = dp->vendor_ap.read(dp->vendor_ap.ctx, dp->reg);
        return;
    }
    if (dp->select >> 24) {                 /* no such AP: reads as 0, IDR too (C1.2) */
        if (!write)
            dp->rdbuff = 0;
        return;
    }
    dp->active = true;
    execute(dp);
}

/* --- registers ------------------------------------------------------------------- */

bool dp_ap_powered(const struct dp *dp)
{
    return dp->control & CDBGPWRUPREQ &&
           dp->chip->sim->now >= dp->power_changed + POWER_UP;
}

static uint32_t read_ctrl_stat(struct dp *dp)
{
    uint32_t value = dp->control | dp->flags;
    if (dp->chip->sim->now >= dp->power_changed + POWER_UP) {
        if (dp->control & CDBGPWRUPREQ)
            value |= CDBGPWRUPACK;
        if (dp->control & CSYSPWRUPREQ)
            value |= CSYSPWRUPACK;
    }
    return value;
}

static void write_ctrl_stat(struct dp *dp, uint32_t value)
{
    uint32_t writable = ORUNDETECT | CDBGRSTREQ | CDBGPWRUPREQ | CSYSPWRUPREQ;
    if (!dp_minimal(dp))
        writable |= TRNMODE | MASKLANE | TRNCNT;
    if ((value ^ dp->control) & (CDBGPWRUPREQ | CSYSPWRUPREQ))
        dp->power_changed = dp->chip->sim->now;
    dp->control = value & writable;
}

static void write_abort(struct dp *dp, uint32_t value)
{
    static const struct { uint32_t clear, flag; } rows[] = {
        { STKCMPCLR, STICKYCMP }, { STKERRCLR, STICKYERR },
        { WDERRCLR, WDATAERR },   { ORUNERRCLR, STICKYORUN },
    };
    dp_busy(dp);
    for (int i = 0; i < 4; i++)
        if (value & rows[i].clear)
            dp->flags &= ~rows[i].flag;
    if (value & DAPABORT && dp->active) {
        alarm_cancel(dp->chip->sim, &dp->stall_over);
        dp->active = dp->stalled = false;
    }
}

static uint32_t read_banked(struct dp *dp)
{
    unsigned bank = dp->select & (is_version_2(dp) ? 15 : 1);
    if (bank == 0)
        return read_ctrl_stat(dp);
    if (bank == 1)
        return dp->dlcr | DLCR_FIXED;
    return bank == 2 ? dp->config.targetid : 0;
}

uint32_t dp_read(struct dp *dp, uint32_t address)
{
    dp_busy(dp);
    switch (address) {
    case DP_DPIDR:     return dp->config.idcode;
    case DP_CTRL_STAT: return read_banked(dp);
    case DP_RESEND:    return dp->resend;
    default:           return dp->rdbuff;
    }
}

void dp_write(struct dp *dp, uint32_t address, uint32_t value)
{
    unsigned bank = dp->select & (is_version_2(dp) ? 15 : 1);
    if (address == DP_ABORT)
        write_abort(dp, value);
    else if (address == DP_CTRL_STAT && bank == 0)
        write_ctrl_stat(dp, value);
    else if (address == DP_CTRL_STAT && bank == 1)
        dp->dlcr = value & DLCR_TURNROUND;
    else if (address == DP_SELECT)
        dp->select = value;
}

/* --- building -------------------------------------------------------------------- */

void dp_reset(struct dp *dp)
{
    alarm_cancel(dp->chip->sim, &dp->stall_over);
    dp->control = dp->flags = dp->select = dp->dlcr = dp->rdbuff = dp->resend = 0;
    dp->active = dp->stalled = false;
    memap_reset(dp->ap);
}

void dp_init(struct dp *dp, struct chip *chip, const struct swdp_config *config)
{
    dp->chip = chip;
    dp->config = *config;
    dp->ap = memap_new(chip, config);
    alarm_init(&dp->stall_over, execute, dp);
    dp_reset(dp);
}

void dp_free(struct dp *dp)
{
    alarm_cancel(dp->chip->sim, &dp->stall_over);
    memap_free(dp->ap);
}
