/* nrf5_nvmc.c - flash, UICR, their controller NVMC, and who may not write: ACL on the nRF52840,
 * code region 0 and MPU on the nRF51822.
 *
 *   called by  nrf5.c (bus, CTRL-AP), nrf5_power.c (MPU)      calls  nrf5_power.c (protected?)
 *
 *   CONFIG 0 Ren: flash is read        1 Wen: whole words are written through its addresses
 *          2 Een: an address to ERASEPAGE, or a 1 to ERASEALL or ERASEUICR, erases
 *
 *   page  4 KB (52), 1 KB (51): what one erase command erases      word  what one write programs
 *
 * A word may be written twice between erases (nWRITE); the third time is reported.  While an
 * operation runs, READY is 0 and who reads flash waits.  52: one write more may be given when
 * READYNEXT is 1, and comes after it; a store while that is 0 waits, as OpenOCD's loader,
 * which never looks, relies on.
 *
 * Chosen where the specification is silent: a store to flash while CONFIG is not Wen, or of
 * less than a word, is a bus error, and reported.
 * An operation's result is there from its start; cut off by a loss of power it is a mixture.
 * Resets let it go on.
 *
 * 51, as the last reset has found UICR (and FICR, before it):
 *
 *   CLENR0        region 0 is that long: only its own code writes it or erases in it, by
 *                 ERASEPCR0.  A debugger has ERASEALL for it
 *   RBPCONF.PR0   a debugger reads zeros from region 0
 *   RBPCONF.PALL  and from all of the flash.  Chosen: what it stores there is lost, and of the
 *                 erases only ERASEALL does anything
 *
 * and until a reset MPU.PROTENSET keeps blocks of 4 KB from being changed, in debug interface
 * mode only if DISABLEINDEBUG is 0.  ERASEUICR works on chips that came with code only (PPFC).
 *
 * Not modelled: the cache's contents (ICACHECNF only costs time), ACL's read protection, what
 * code outside of region 0 cannot read or reach of it, MPU.PERR0 and RLENR0.
 *
 * Sources: nRF51 reference manual v3.0 5 (NVMC), 6 (MPU), 8 (UICR); nRF52840 PS v1.7 4.3 (NVMC; times 4.3.9: typical 41 us, 85 ms, 169 ms, partial erases
 * 1.08 ms more), 4.5 (UICR), 6.1 (ACL). */
#include "nrf5.h"
#include <stdlib.h>
#include <string.h>

enum { UICR_BASE = 0x10001000, UICR_CLENR0 = 0x000, UICR_RBPCONF = 0x004,
       FICR_CLENR0 = 0x028, FICR_PPFC = 0x02C };
enum { READY = 0x400, READYNEXT = 0x408, CONFIG = 0x504, ERASEPAGE = 0x508, ERASEALL = 0x50C,
       ERASEPCR0 = 0x510, ERASEUICR = 0x514, ERASEPAGEPARTIAL = 0x518,
       ERASEPAGEPARTIALCFG = 0x51C, ICACHECNF = 0x540, IHIT = 0x548, IMISS = 0x54C };
enum { ACL = 0x800, ACLS = 8, ACL_STRIDE = 0x10, ACL_WRITE = 1 << 1, ACL_READ = 1 << 2 };
enum { REN, WEN, EEN };
enum { PROTENSET0 = 0x600, PROTENSET1 = 0x604, DISABLEINDEBUG = 0x608, PROTBLOCK = 4096 };
enum { NWRITE = 2 };
#define PARTIAL_SETUP     (1080 * SIM_US)

struct nrf5_nvmc {
    struct nrf5 *nrf5;
    uint8_t *memory;                        /* flash, and behind it UICR */
    uint8_t *old;
    uint32_t flash_size, page, uicr_size;
    uint8_t *writes;                        /* of each word since its last erase */
    uint16_t *partial_ms;                   /* how long a page has been erased for */
    uint32_t config, partial_cfg, icachecnf;
    struct { uint32_t addr, size, perm; } acl[ACLS];        /* 52 */
    uint32_t region0;                       /* 51: its length */
    bool hides_region0, hides_all;          /* 51: RBPCONF */
    uint32_t protected[2], disable_in_debug;    /* 51: MPU */
    struct bus_region *flash_region;

    sim_time busy_until;                    /* READY comes back */
    sim_time next_at;                       /* READYNEXT does */
    bool by_debugger;                       /* ERASEALL of CTRL-AP is under way */
    struct alarm done;
    uint32_t from, length;                  /* of memory, what is being changed */
};

static void rule(struct nrf5_nvmc *nvmc, const char *what)
{
    nrf5_report(nvmc->nrf5, SIM_RULE, "NVMC: %s", what);
}

static bool busy(const struct nrf5_nvmc *nvmc)
{
    return nvmc->nrf5->sim->now < nvmc->busy_until;
}

uint32_t nrf5_uicr(const struct nrf5_nvmc *nvmc, uint32_t offset)
{
    uint32_t word;
    memcpy(&word, nvmc->memory + nvmc->flash_size + offset, 4);
    return word;
}

/* --- operations --------------------------------------------------------------------- */

static void done(void *ctx)
{
    struct nrf5_nvmc *nvmc = ctx;
    nvmc->length = 0;
    if (nvmc->by_debugger) {
        nvmc->by_debugger = false;
        nrf5_power_erased(nvmc->nrf5->power);
    }
}

static void begin(struct nrf5_nvmc *nvmc, uint32_t from, uint32_t length, sim_time time)
{
    struct sim *sim = nvmc->nrf5->sim;
    sim_time start = busy(nvmc) ? nvmc->busy_until : sim->now;
    nvmc->from = from;
    nvmc->length = length;
    memcpy(nvmc->old + from, nvmc->memory + from, length);
    nvmc->busy_until = start + time;
    nvmc->next_at = nvmc->nrf5->model->is_51 ? nvmc->busy_until : start;
    alarm_set(sim, &nvmc->done, nvmc->busy_until);
}

static void erase(struct nrf5_nvmc *nvmc, uint32_t from, uint32_t length, sim_time time)
{
    begin(nvmc, from, length, time);
    nvmc->next_at = nvmc->busy_until;       /* no write is taken meanwhile */
    memset(nvmc->memory + from, 0xFF, length);
    memset(nvmc->writes + from / 4, 0, length / 4);
    for (uint32_t at = from; at < from + length && at < nvmc->flash_size; at += nvmc->page)
        nvmc->partial_ms[at / nvmc->page] = 0;
}

static bool may_erase(struct nrf5_nvmc *nvmc, const char *what)
{
    if (busy(nvmc)) {
        nrf5_report(nvmc->nrf5, SIM_RULE, "NVMC: %s while READY is 0", what);
        return false;
    }
    if (nvmc->config != EEN) {
        nrf5_report(nvmc->nrf5, SIM_RULE, "NVMC: %s while CONFIG is not Een", what);
        return false;
    }
    return true;
}

static bool by_debugger(const struct nrf5_nvmc *nvmc)
{
    return nvmc->nrf5->bus->master == BUS_DEBUG;
}

/* Region 0 changes itself only. */
static bool region0_forbids(const struct nrf5_nvmc *nvmc, uint32_t address)
{
    bool from_inside = !by_debugger(nvmc) && nvmc->nrf5->cpu->pc < nvmc->region0;
    return address < nvmc->region0 && !from_inside;
}

static bool mpu_forbids(const struct nrf5_nvmc *nvmc, uint32_t address)
{
    uint32_t block = address / PROTBLOCK;
    bool off = nvmc->nrf5->debug_mode && nvmc->disable_in_debug & 1;
    return !off && block < 64 && nvmc->protected[block / 32] >> block % 32 & 1;
}

static bool acl_forbids(const struct nrf5_nvmc *nvmc, uint32_t address)
{
    for (int i = 0; i < ACLS; i++)
        if (nvmc->acl[i].perm & ACL_WRITE && address - nvmc->acl[i].addr < nvmc->acl[i].size)
            return true;
    return false;
}

/* What keeps an address from being changed; NULL: nothing. */
static const char *guard(const struct nrf5_nvmc *nvmc, uint32_t address)
{
    return acl_forbids(nvmc, address) ? "ACL" : region0_forbids(nvmc, address) ? "region 0" :
           mpu_forbids(nvmc, address) ? "MPU" : NULL;
}

/* The page's address: "first address of the page to be erased". */
static bool page_is_good(struct nrf5_nvmc *nvmc, uint32_t address)
{
    if (address >= nvmc->flash_size || address % nvmc->page) {
        nrf5_report(nvmc->nrf5, SIM_RULE, "NVMC: erase of 0x%08X, which begins no page",
                     address);
        return false;
    }
    const char *guarded = guard(nvmc, address);
    if (guarded)
        nrf5_report(nvmc->nrf5, SIM_NOTE, "NVMC: %s protects 0x%08X from erasing", guarded,
                    address);
    return !guarded;
}

/* 51: RBPCONF.PALL, and a debugger: it has ERASEALL. */
static bool locked(struct nrf5_nvmc *nvmc)
{
    bool locked = nvmc->hides_all && by_debugger(nvmc);
    if (locked)
        nrf5_report(nvmc->nrf5, SIM_NOTE, "NVMC: RBPCONF.PALL leaves a debugger only ERASEALL");
    return locked;
}

static void erase_page(struct nrf5_nvmc *nvmc, uint32_t address)
{
    if (may_erase(nvmc, "ERASEPAGE") && page_is_good(nvmc, address) && !locked(nvmc))
        erase(nvmc, address, nvmc->page, nvmc->nrf5->model->page_time);
}

/* 51: for pages of region 0.  52: another name of ERASEPAGE. */
static void erase_pcr0(struct nrf5_nvmc *nvmc, uint32_t address)
{
    if (nvmc->nrf5->model->is_51 && address >= nvmc->region0)
        nrf5_report(nvmc->nrf5, SIM_RULE, "NVMC: ERASEPCR0 of 0x%08X, which is not in region 0",
                    address);
    else
        erase_page(nvmc, address);
}

/* Before all parts have been done, a page's contents are anything. */
static void erase_part(struct nrf5_nvmc *nvmc, uint32_t address)
{
    if (!may_erase(nvmc, "ERASEPAGEPARTIAL") || !page_is_good(nvmc, address))
        return;
    uint16_t *so_far = &nvmc->partial_ms[address / nvmc->page];
    sim_time time = nvmc->partial_cfg * SIM_MS + PARTIAL_SETUP;
    *so_far = (uint16_t)(*so_far + nvmc->partial_cfg);
    if (*so_far * SIM_MS >= nvmc->nrf5->model->page_time) {
        erase(nvmc, address, nvmc->page, time);
        return;
    }
    begin(nvmc, address, nvmc->page, time);
    nvmc->next_at = nvmc->busy_until;
    for (uint32_t i = 0; i < nvmc->page; i++)
        nvmc->memory[address + i] |= (uint8_t)sim_random(nvmc->nrf5->sim);
}

static void erase_all(struct nrf5_nvmc *nvmc, uint32_t value)
{
    if (value & 1 && may_erase(nvmc, "ERASEALL"))
        erase(nvmc, 0, nvmc->flash_size + nvmc->uicr_size, nvmc->nrf5->model->all_time);
}

/* 51: only where the maker's code came with the chip. */
static bool has_uicr_erase(const struct nrf5_nvmc *nvmc)
{
    return !nvmc->nrf5->model->is_51 || (nvmc->nrf5->ficr[FICR_PPFC / 4] & 0xFF) == 0;
}

/* 4.3.7: blocked while the access port is protected. */
static void erase_uicr(struct nrf5_nvmc *nvmc, uint32_t value)
{
    if (!(value & 1) || !may_erase(nvmc, "ERASEUICR"))
        return;
    if (nrf5_power_protected(nvmc->nrf5->power))
        nrf5_report(nvmc->nrf5, SIM_NOTE, "NVMC: ERASEUICR is blocked by APPROTECT");
    else if (!has_uicr_erase(nvmc))
        nrf5_report(nvmc->nrf5, SIM_NOTE, "NVMC: ERASEUICR does nothing on a chip that came "
                    "without code (PPFC); ERASEALL does");
    else if (!locked(nvmc))
        erase(nvmc, nvmc->flash_size, nvmc->uicr_size, nvmc->nrf5->model->page_time);
}

/* Whatever runs gives way: this is for chips that nobody can talk to. */
void nrf5_nvmc_erase_by_debugger(struct nrf5_nvmc *nvmc)
{
    nvmc->busy_until = 0;
    erase(nvmc, 0, nvmc->flash_size + nvmc->uicr_size, nvmc->nrf5->model->all_time);
    nvmc->by_debugger = true;
}

bool nrf5_nvmc_erasing(const struct nrf5_nvmc *nvmc) { return nvmc->by_debugger; }

/* --- stores to memory --------------------------------------------------------------- */

static void write_word(struct nrf5_nvmc *nvmc, uint32_t offset, uint32_t value)
{
    uint32_t had;
    memcpy(&had, nvmc->memory + offset, 4);
    begin(nvmc, offset, 4, nvmc->nrf5->model->write_time);
    if (++nvmc->writes[offset / 4] > NWRITE)
        nrf5_report(nvmc->nrf5, SIM_RULE, "NVMC: the word at 0x%08X is written for the %d. time "
                     "since its erase; 2 are allowed (nWRITE)", offset < nvmc->flash_size ? offset
                     : UICR_BASE + offset - nvmc->flash_size, nvmc->writes[offset / 4]);
    else if (value & ~had)
        rule(nvmc, "ones written over zeros: only an erase makes ones");
    had &= value;
    memcpy(nvmc->memory + offset, &had, 4);
}

static void store(struct nrf5_nvmc *nvmc, uint32_t offset, uint32_t value, int width)
{
    struct bus *bus = nvmc->nrf5->bus;
    if (width != 4 || nvmc->config != WEN) {
        rule(nvmc, width != 4 ? "store of 8 or 16 bits to flash, it takes whole words"
                              : "store to flash while CONFIG is not Wen");
        bus->fault = true;
    } else if (offset < nvmc->flash_size && guard(nvmc, offset)) {
        nrf5_report(nvmc->nrf5, SIM_NOTE, "NVMC: %s protects 0x%08X from writing",
                    guard(nvmc, offset), offset);
        bus->fault = true;
    } else {
        write_word(nvmc, offset, value);
    }
}

static void flash_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    store(ctx, offset, value, width);
}

static void uicr_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct nrf5_nvmc *nvmc = ctx;
    store(nvmc, nvmc->flash_size + offset, value, width);
}

/* --- registers ---------------------------------------------------------------------- */

static uint32_t acl_read(const struct nrf5_nvmc *nvmc, uint32_t reg)
{
    unsigned n = (reg - ACL) / ACL_STRIDE;
    switch (n < ACLS ? reg % ACL_STRIDE : 0xC) {
    case 0:  return nvmc->acl[n].addr;
    case 4:  return nvmc->acl[n].size;
    case 8:  return nvmc->acl[n].perm;
    default: return 0;
    }
}

/* Each may be written once; only a reset gives it back (6.1). */
static void acl_write(struct nrf5_nvmc *nvmc, uint32_t reg, uint32_t value)
{
    unsigned n = (reg - ACL) / ACL_STRIDE;
    uint32_t *at = n >= ACLS ? NULL : reg % ACL_STRIDE == 0 ? &nvmc->acl[n].addr
                 : reg % ACL_STRIDE == 4 ? &nvmc->acl[n].size
                 : reg % ACL_STRIDE == 8 ? &nvmc->acl[n].perm : NULL;
    if (!at || *at)
        return;
    *at = value;
    if (at == &nvmc->acl[n].perm && value & ACL_READ)
        nrf5_report(nvmc->nrf5, SIM_UNMODELLED, "ACL[%u].PERM: protection from reading", n);
}

/* READY, CONFIG and what erases is all that the 51 has. */
static bool exists(const struct nrf5_nvmc *nvmc, uint32_t reg)
{
    return !nvmc->nrf5->model->is_51 || reg == READY || (reg >= CONFIG && reg <= ERASEUICR);
}

static uint32_t nvmc_read(void *ctx, uint32_t reg)
{
    struct nrf5_nvmc *nvmc = ctx;
    if (!exists(nvmc, reg))
        return 0;
    if (reg >= ACL)
        return acl_read(nvmc, reg);
    switch (reg) {
    case READY:     return !busy(nvmc);
    case READYNEXT: return nvmc->nrf5->sim->now >= nvmc->next_at;
    case CONFIG:    return nvmc->config;
    case ERASEPAGEPARTIALCFG: return nvmc->partial_cfg;
    case ICACHECNF: return nvmc->icachecnf;
    default:        return 0;
    }
}

static void write_config(struct nrf5_nvmc *nvmc, uint32_t value)
{
    if (busy(nvmc))
        rule(nvmc, "CONFIG written while READY is 0");
    if ((value & 3) == 3)
        rule(nvmc, "CONFIG = 3: writing and erasing at once");
    nvmc->config = value & 3;
}

static void set_costs(struct nrf5_nvmc *nvmc)
{
    nvmc->flash_region->read_wait = nvmc->icachecnf & 1 ? 0 : (uint8_t)nvmc->nrf5->model->wait_states;
}

static void nvmc_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct nrf5_nvmc *nvmc = ctx;
    if (!exists(nvmc, reg))
        return;
    if (reg >= ACL) {
        acl_write(nvmc, reg, value);
        return;
    }
    switch (reg) {
    case CONFIG:    write_config(nvmc, value); break;
    case ERASEPAGE: erase_page(nvmc, value); break;
    case ERASEPCR0: erase_pcr0(nvmc, value); break;
    case ERASEALL:  erase_all(nvmc, value); break;
    case ERASEUICR: erase_uicr(nvmc, value); break;
    case ERASEPAGEPARTIAL:    erase_part(nvmc, value); break;
    case ERASEPAGEPARTIALCFG: nvmc->partial_cfg = value & 0x7F; break;
    case ICACHECNF: nvmc->icachecnf = value & 0x101; set_costs(nvmc); break;
    default:        break;
    }
}

/* --- the nRF51822's region 0, readback protection, MPU ---------------------------------- */

uint32_t nrf5_mpu_read(const struct nrf5_nvmc *nvmc, uint32_t reg)
{
    switch (reg) {
    case PROTENSET0:
    case PROTENSET1:     return nvmc->protected[(reg - PROTENSET0) / 4];
    case DISABLEINDEBUG: return nvmc->disable_in_debug;
    default:             return 0;          /* PROTBLOCKSIZE: 4 KB */
    }
}

/* Bits can be set; a reset clears them. */
void nrf5_mpu_write(struct nrf5_nvmc *nvmc, uint32_t reg, uint32_t value)
{
    if (reg == PROTENSET0 || reg == PROTENSET1)
        nvmc->protected[(reg - PROTENSET0) / 4] |= value;
    else if (reg == DISABLEINDEBUG)
        nvmc->disable_in_debug = value & 1;
}

void nrf5_nvmc_reset_over(struct nrf5_nvmc *nvmc)
{
    if (!nvmc->nrf5->model->is_51)
        return;
    uint32_t length = nvmc->nrf5->ficr[FICR_CLENR0 / 4], rbpconf = nrf5_uicr(nvmc, UICR_RBPCONF);
    if (length == UINT32_MAX)
        length = nrf5_uicr(nvmc, UICR_CLENR0);
    nvmc->region0 = length == UINT32_MAX ? 0 : length;
    nvmc->hides_region0 = (rbpconf & 0xFF) == 0;
    nvmc->hides_all = (rbpconf >> 8 & 0xFF) == 0;
}

bool nrf5_nvmc_hides(void *ctx, uint32_t address)
{
    const struct nrf5_nvmc *nvmc = ((struct nrf5 *)ctx)->nvmc;
    return (nvmc->hides_all && address < nvmc->flash_size) ||
           (nvmc->hides_region0 && address < nvmc->region0);
}

/* --- life --------------------------------------------------------------------------- */

static void nvmc_reset(void *ctx)
{
    struct nrf5_nvmc *nvmc = ctx;
    nvmc->config = REN;
    nvmc->partial_cfg = 10;
    nvmc->icachecnf = 0;
    memset(nvmc->acl, 0, sizeof nvmc->acl);
    nvmc->protected[0] = nvmc->protected[1] = 0;
    nvmc->disable_in_debug = 1;
    set_costs(nvmc);
}

void nrf5_nvmc_power_off(struct nrf5_nvmc *nvmc)
{
    struct sim *sim = nvmc->nrf5->sim;
    if (busy(nvmc))
        for (uint32_t i = nvmc->from; i < nvmc->from + nvmc->length; i++) {
            uint8_t keep = (uint8_t)sim_random(sim);
            nvmc->memory[i] = (uint8_t)((nvmc->old[i] & keep) | (nvmc->memory[i] & ~keep));
        }
    alarm_cancel(sim, &nvmc->done);
    nvmc->busy_until = nvmc->next_at = 0;
    nvmc->by_debugger = false;
    nvmc->length = 0;
}

static void add_memory(struct nrf5_nvmc *nvmc)
{
    struct nrf5 *nrf5 = nvmc->nrf5;
    nvmc->flash_region = bus_add(nrf5->bus, &(struct bus_region){
        .base = 0, .size = nvmc->flash_size, .name = "flash", .memory = nvmc->memory,
        .write = flash_write, .ctx = nvmc, .busy_until = &nvmc->busy_until,
        .writes_busy_until = &nvmc->next_at });
    bus_add(nrf5->bus, &(struct bus_region){
        .base = UICR_BASE, .size = nvmc->uicr_size, .name = "UICR",
        .memory = nvmc->memory + nvmc->flash_size, .write = uicr_write, .ctx = nvmc,
        .busy_until = &nvmc->busy_until, .writes_busy_until = &nvmc->next_at });
    nrf5->chip.flash = nvmc->memory;
    nrf5->chip.flash_base = 0;
    nrf5->chip.flash_size = nvmc->flash_size;
}

void nrf5_nvmc_new(struct nrf5 *nrf5)
{
    const struct nrf5_model *model = nrf5->model;
    struct nrf5_nvmc *nvmc = nrf5->nvmc = calloc(1, sizeof *nvmc);
    uint32_t size = model->flash_size + model->page;        /* UICR is a page, too */
    nvmc->nrf5 = nrf5;
    nvmc->flash_size = model->flash_size;
    nvmc->page = nvmc->uicr_size = model->page;
    nvmc->memory = malloc(size);
    nvmc->old = malloc(size);
    nvmc->writes = calloc(size / 4, sizeof *nvmc->writes);
    nvmc->partial_ms = calloc(size / model->page, sizeof *nvmc->partial_ms);
    memset(nvmc->memory, 0xFF, size);
    alarm_init(&nvmc->done, done, nvmc);
    add_memory(nvmc);
    nrf5_add_block(nrf5, &(struct nrf5_block){
        .name = "NVMC", .base = 0x4001E000, .size = 0x1000, .read = nvmc_read,
        .write = nvmc_write, .reset = nvmc_reset, .ctx = nvmc });
}

void nrf5_nvmc_free(struct nrf5_nvmc *nvmc)
{
    alarm_cancel(nvmc->nrf5->sim, &nvmc->done);
    free(nvmc->memory);
    free(nvmc->old);
    free(nvmc->writes);
    free(nvmc->partial_ms);
    free(nvmc);
}
