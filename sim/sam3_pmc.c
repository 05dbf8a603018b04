/* sam3_pmc.c - PMC of a SAM3X or SAM4S: main clock, PLLA, master clock, peripheral gates.
 *
 *   called by  sam3.c and its peripherals      calls  cpu.h, sam3_eefc.c
 *
 *   fast RC 4, 8, 12 MHz --+-> main --+----> CSS --PRES--> MCK, for the core too
 *   crystal 12 MHz --------+    \--PLLA--/
 *
 * Not modelled, and reported: PLLB, UPLL.  Kept without effect: programmable clocks, USB clocks,
 * interrupts, clock failure, sleep modes.  Assumed: the crystal takes the time that MOSCXTST
 * says, PLLA that of PLLACOUNT, a change of MCKR none.
 *
 * Sources: data sheets, chapters PMC, "embedded flash wait states". */
#include "sam3.h"
#include <stdlib.h>
#include <string.h>

enum { SCER = 0x00, SCDR = 0x04, SCSR = 0x08, PCER0 = 0x10, PCDR0 = 0x14, PCSR0 = 0x18,
       MOR = 0x20, MCFR = 0x24, PLLAR = 0x28, PLLBR = 0x2C, MCKR = 0x30, SR = 0x68,
       PCER1 = 0x100, PCDR1 = 0x104, PCSR1 = 0x108, WORDS = 0x110 / 4 };
enum { MOSCXTEN = 1 << 0, MOSCRCEN = 1 << 3, MOSCSEL = 1 << 24, MOR_KEY = 0x37, UPLLEN = 1 << 16 };
enum { MOSCXTS = 1 << 0, LOCKA = 1 << 1, MCKRDY = 1 << 3, MOSCSELS = 1 << 16, MOSCRCS = 1 << 17 };
#define SLOW        (SIM_SECOND / 32768)
#define CRYSTAL_HZ  12e6

struct sam3_pmc {
    struct sam3 *sam3;
    uint32_t word[WORDS];
    sim_time crystal_ready, plla_ready;     /* SIM_NEVER: off */
    sim_time mck;
};

static double main_hz(const struct sam3_pmc *pmc)
{
    static const double rc[8] = { 4e6, 8e6, 12e6, 4e6, 4e6, 4e6, 4e6, 4e6 };
    uint32_t mor = pmc->word[MOR / 4];
    return mor & MOSCSEL ? CRYSTAL_HZ : rc[mor >> 4 & 7];
}

static double plla_hz(const struct sam3_pmc *pmc)
{
    uint32_t pllar = pmc->word[PLLAR / 4], div = pllar & 0xFF;
    double hz = div ? main_hz(pmc) / div * ((pllar >> 16 & 0x7FF) + 1) : 0;
    return pmc->word[MCKR / 4] & 1 << 12 ? hz / 2 : hz;
}

static double mck_hz(const struct sam3_pmc *pmc)
{
    static const uint8_t by[8] = { 1, 2, 4, 8, 16, 32, 64, 3 };
    uint32_t mckr = pmc->word[MCKR / 4];
    double hz = (mckr & 3) == 0 ? 32768 : (mckr & 3) == 1 ? main_hz(pmc) : plla_hz(pmc);
    return hz / by[mckr >> 4 & 7];
}

sim_time sam3_pmc_mck(const struct sam3_pmc *pmc) { return pmc->mck; }

bool sam3_pmc_gate_open(const struct sam3_pmc *pmc, int id)
{
    return id < 0 || pmc->word[PCSR0 / 4] >> id & 1;
}

void sam3_pmc_check_flash(struct sam3_pmc *pmc)
{
    unsigned wait = sam3_flash_wait_states(pmc->sam3->flash);
    unsigned allowed = (unsigned)pmc->sam3->type->flash_mhz * (wait + 1);
    if (mck_hz(pmc) > allowed * 1e6)
        sam3_report(pmc->sam3, SIM_RULE, "flash with %u wait states at MCK %.0f MHz, which allow "
                    "%u MHz", wait, mck_hz(pmc) / 1e6, allowed);
}

static void update(struct sam3_pmc *pmc)
{
    double hz = mck_hz(pmc);
    if (hz <= 0) {
        sam3_report(pmc->sam3, SIM_RULE, "MCK has no clock: PLLA is off");
        return;
    }
    pmc->mck = (sim_time)((double)SIM_SECOND / hz + 0.5);
    cpu_set_clock(pmc->sam3->cpu, pmc->mck);
    if (pmc->sam3->flash)
        sam3_pmc_check_flash(pmc);
}

static void write_mor(struct sam3_pmc *pmc, uint32_t value)
{
    sim_time now = pmc->sam3->sim->now;
    uint32_t before = pmc->word[MOR / 4];
    if ((value >> 16 & 0xFF) != MOR_KEY) {
        sam3_report(pmc->sam3, SIM_RULE, "CKGR_MOR written without its key 0x37");
        return;
    }
    if (value & ~before & MOSCXTEN)
        pmc->crystal_ready = now + (value >> 8 & 0xFF) * 8 * SLOW;
    else if (!(value & MOSCXTEN))
        pmc->crystal_ready = SIM_NEVER;
    if (value & MOSCSEL && now < pmc->crystal_ready)
        sam3_report(pmc->sam3, SIM_RULE, "MOSCSEL before the crystal is ready (MOSCXTS)");
    pmc->word[MOR / 4] = value & 0x0300FF7F;
    update(pmc);
}

static void write_pllar(struct sam3_pmc *pmc, uint32_t value)
{
    bool on = value & 0x07FF0000 && value & 0xFF;
    if (!(value & 1 << 29))
        sam3_report(pmc->sam3, SIM_RULE, "CKGR_PLLAR: bit 29 is to be written as 1");
    pmc->word[PLLAR / 4] = value;
    pmc->plla_ready = on ? pmc->sam3->sim->now + (value >> 8 & 0x3F) * SLOW : SIM_NEVER;
    update(pmc);
}

static void write_mckr(struct sam3_pmc *pmc, uint32_t value)
{
    uint32_t css = value & 3;
    if (css == 3)
        sam3_report(pmc->sam3, SIM_UNMODELLED, "PMC_MCKR: PLLB or UPLL as master clock");
    if (css == 2 && pmc->sam3->sim->now < pmc->plla_ready)
        sam3_report(pmc->sam3, SIM_RULE, "PMC_MCKR: PLLA is not locked (LOCKA)");
    pmc->word[MCKR / 4] = value & 0x3073;
    update(pmc);
}

static uint32_t read_sr(const struct sam3_pmc *pmc)
{
    sim_time now = pmc->sam3->sim->now;
    return MCKRDY | MOSCSELS | (now >= pmc->crystal_ready ? MOSCXTS : 0) |
           (now >= pmc->plla_ready ? LOCKA : 0) |
           (pmc->word[MOR / 4] & MOSCRCEN ? MOSCRCS : 0);
}

static uint32_t pmc_read(void *ctx, uint32_t reg)
{
    const struct sam3_pmc *pmc = ctx;
    if (reg == SR)
        return read_sr(pmc);
    if (reg == MCFR)                        /* main clocks in 16 slow ones, and that it is so */
        return 1 << 16 | (uint32_t)(main_hz(pmc) / 32768 * 16);
    return reg / 4 < WORDS ? pmc->word[reg / 4] : 0;
}

/* Set, clear and status registers stand side by side. */
static bool write_triple(struct sam3_pmc *pmc, uint32_t reg, uint32_t value)
{
    static const uint32_t first[] = { SCER, PCER0, PCER1 };
    for (int i = 0; i < 3; i++) {
        if (reg == first[i])
            pmc->word[first[i] / 4 + 2] |= value;
        else if (reg == first[i] + 4)
            pmc->word[first[i] / 4 + 2] &= ~value;
        if (reg >= first[i] && reg <= first[i] + 8)
            return true;
    }
    return false;
}

static void pmc_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct sam3_pmc *pmc = ctx;
    if (reg / 4 >= WORDS || write_triple(pmc, reg, value))
        return;
    if (reg == MOR)
        write_mor(pmc, value);
    else if (reg == PLLAR)
        write_pllar(pmc, value);
    else if (reg == MCKR)
        write_mckr(pmc, value);
    else if (reg != SR && reg != MCFR)
        pmc->word[reg / 4] = value;
    if ((reg == PLLBR && value & 0x07FF0000) || (reg == 0x1C && value & UPLLEN))
        sam3_report(pmc->sam3, SIM_UNMODELLED, "PMC: PLLB or UPLL");
}

static void pmc_reset(void *ctx)
{
    struct sam3_pmc *pmc = ctx;
    memset(pmc->word, 0, sizeof pmc->word);
    pmc->word[SCSR / 4] = 1;
    pmc->word[MOR / 4] = MOSCRCEN;
    pmc->word[MCKR / 4] = 1;
    pmc->word[PLLAR / 4] = 0x3F00;
    pmc->crystal_ready = pmc->plla_ready = SIM_NEVER;
    update(pmc);
}

void sam3_pmc_new(struct sam3 *sam3)
{
    struct sam3_pmc *pmc = sam3->pmc = calloc(1, sizeof *pmc);
    pmc->sam3 = sam3;
    pmc_reset(pmc);
    sam3_add_block(sam3, &(struct sam3_block){
        .name = "PMC", .base = sam3->type->pmc, .size = 0x200, .id = -1, .read = pmc_read,
        .write = pmc_write, .reset = pmc_reset, .ctx = pmc });
}

void sam3_pmc_free(struct sam3_pmc *pmc) { free(pmc); }
