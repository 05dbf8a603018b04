/* swdp.h - a chip's debug port: SWJ-DP on two pins, and the MEM-AP behind it.
 *
 *   swdp.c       the wire and the DP registers (ADIv5.2 B1, B2, B4)
 *   memap.c      the AHB-AP and its bus accesses (ADIv5.2 C2)
 *   coredebug.c  DHCSR, FPB, DWT, ROM table of the core (Armv7-M ARM C1)
 *
 *   called by  f103.c, sam.c      calls  wires.h, bus.h, cpu.h */
#ifndef SWDP_H
#define SWDP_H

#include "chip.h"

struct swdp_config {
    uint32_t idcode;                /* DPIDR: F103 0x1BA01477, SAMD21 0x0BC11477 */
    uint32_t targetid;              /* 0 for DPv1 */
    uint32_t ap_idr;                /* F103 0x14770011, M0+ 0x04770031 */
    uint32_t rom_table;             /* BASE without flag bits; bit 1:0 added */
    bool packed_transfers;          /* CSW.AddrInc = 2 is supported */
    uint32_t tar_wrap;              /* auto-increment stays within: M3 0x1000, M0+ 0x400 */
    uint32_t csw_prot;              /* bits of CSW.Prot that are there; 0: those of an M3 or M4 */
    bool has_jtag;                  /* SWJ: starts in JTAG, needs the switch sequence */
    uint32_t jtag_idcode;
    uint32_t scan_idcode;           /* of a boundary scan TAP at the TDI end; 0: none */
};

/* What the port counted, for --stats and for the tests that compare with sigrok. */
struct swdp_stats {
    uint64_t clocks, ok, wait, fault, silent, parity_errors, protocol_errors, line_resets;
    sim_time shortest_period, shortest_high, shortest_low;
    sim_time median_period;         /* filled in when asked for */
};

struct swdp *swdp_new(struct chip *chip, const struct swdp_config *config);
void swdp_free(struct swdp *dp);
void swdp_attach(struct swdp *dp, struct net *swdio, struct net *swclk, struct net *tdi,
                 struct net *tdo);      /* tdi, tdo may be NULL */
void swdp_power(struct swdp *dp, bool on);
void swdp_enable(struct swdp *dp, bool enabled);    /* AFIO SWJ_CFG, PINCFG: pins given away */
const struct swdp_stats *swdp_stats(struct swdp *dp);

/* Whose is the pin that JTDO and SWO share: JTAG's while the port speaks that.  `spoke` hears
 * of each change. */
bool swdp_speaks_jtag(const struct swdp *dp);
void swdp_on_switch(struct swdp *dp, void (*spoke)(void *ctx), void *ctx);

/* Session record: one line a transfer, for comparison with sigrok's decoder:
 *   TIME_NS AP|DP R|W ADDRESS OK|WAIT|FAULT DATA|- [parity]
 *   TIME_NS RESET   TIME_NS SWITCH SWD|JTAG   TIME_NS BAD REQUEST malformed|before-dpidr */
void swdp_record(struct swdp *dp, void (*line)(void *ctx, const char *text), void *ctx);

/* Makes the next count transfers answer WAIT (tests). */
void swdp_inject_wait(struct swdp *dp, int count);

/* A chip may refuse the debugger the bus (security bit, RDP): address range test. */
void swdp_restrict(struct swdp *dp, bool (*allowed)(void *ctx, uint32_t address, bool write),
                   void *ctx);

/* Or let it see zeros there, and lose what it writes. */
void swdp_hide(struct swdp *dp, bool (*hidden)(void *ctx, uint32_t address), void *ctx);

/* While its bus has no clock, an access of it waits: the port answers WAIT until the clock is
 * back or DAPABORT ends it. */
void swdp_stop(struct swdp *dp, bool (*unclocked)(void *ctx), void *ctx);

/* CSW.DeviceEn of the AHB-AP: disabled, it still says who it is and refuses all accesses. */
void swdp_enable_bus(struct swdp *dp, bool enabled);

/* A vendor's access port beside the AHB-AP, as the chip's designers made it. */
struct vendor_ap {
    uint32_t number;                /* APSEL */
    uint32_t (*read)(void *ctx, uint32_t reg);
    void (*write)(void *ctx, uint32_t reg, uint32_t value);
    void *ctx;
};
void swdp_add_ap(struct swdp *dp, const struct vendor_ap *ap);

/* The cells of the boundary scan TAP, cell 0 nearest to TDO; count is at most SCAN_CELLS.
 * drive: from now on the cells' pins do as latched; NULL: they are the chip's again. */
enum { SCAN_CELLS = 256 };
struct scan_cells {
    int count;
    void (*capture)(void *ctx, uint8_t *cells);
    void (*drive)(void *ctx, uint8_t *cells);
    void *ctx;
};
void swdp_scan(struct swdp *dp, const struct scan_cells *cells);

/* Breakpoint and watchpoint comparators; registers on the chip's bus at 0xE000EDF0 (DHCSR),
 * 0xE0001000 (DWT), 0xE0002000 (FPB), and a ROM table. */
struct rom_table {
    uint32_t base;                  /* 0 ends a list */
    const uint32_t *entries;        /* zero-terminated */
    uint8_t peripheral_id[5];       /* PIDR0-3, PIDR4 */
};
struct coredebug_config {
    int fpb_version;                /* 0: version 1; M7: 2 */
    int breakpoints;                /* FPB instruction comparators: F103 6, M0+ 4 (BPU) */
    int literals;                   /* FPB literal comparators: F103 2, M0+ 0 */
    int watchpoints;                /* DWT comparators: F103 4, SAMD21 2 */
    uint32_t peripheral_id[8];      /* PIDR0-3, PIDR4-7 of the chip's ROM table */
    uint32_t component_id[4];
    uint32_t rom_base;              /* where the ROM table sits */
    const uint32_t *rom_entries;    /* zero-terminated */
    const struct rom_table *more_tables;        /* that the first leads to; NULL: none */
};
struct coredebug *coredebug_new(struct cpu *cpu, const struct coredebug_config *config);
void coredebug_free(struct coredebug *debug);
void coredebug_power_reset(struct coredebug *debug);    /* DHCSR, FPB, DWT cleared */
void coredebug_core_reset(struct coredebug *debug);     /* S_RESET_ST, vector catch on reset */
bool coredebug_halting(const struct coredebug *debug);  /* C_DEBUGEN */
/* v7-M: what the TPIU's pin SWO does; the chip knows whether a pin carries it. */
/* If it is not the core's; SIM_NEVER: it stands still, and trace waits. */
void coredebug_trace_clock(struct coredebug *debug, sim_time cycle);
void coredebug_connect_swo(struct coredebug *debug, void (*drive)(void *ctx, int level),
                           void *ctx);

#endif
