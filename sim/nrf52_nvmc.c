/* nrf52_nvmc.c - the nRF52840's flash, UICR, their controller NVMC, and ACL.
 *
 *   called by  nrf52.c (bus, CTRL-AP)      calls  nrf52_power.c (is the chip protected)
 *
 *   CONFIG 0 Ren: flash is read        1 Wen: whole words are written through its addresses
 *          2 Een: an address to ERASEPAGE, or a 1 to ERASEALL or ERASEUICR, erases
 *
 *   page  4 KB: what one erase command erases      word  what one write programs
 *
 * A word may be written twice between erases (nWRITE); the third time is reported.  While an
 * operation runs, READY is 0 and who reads flash waits.  One write more may be given when
 * READYNEXT is 1, and comes after it; a store while that is 0 waits, as OpenOCD's loader,
 * which never looks, relies on.
 *
 * Chosen where the specification is silent: a store to flash while CONFIG is not Wen, or of
 * less than a word, is a bus error, and reported.  An operation's result is there from its start; cut off by a loss of power it
 * is a mixture.  Resets let it go on.
 *
 * Not modelled: the cache's contents (ICACHECNF only costs time), ACL's read protection.
 *
 * Sources: PS v1.7 4.3 (NVMC; times 4.3.9: typical 41 us, 85 ms, 169 ms, partial erases
 * 1.08 ms more), 4.5 (UICR), 6.1 (ACL). */
#include "nrf52.h"
#include <stdlib.h>
#include <string.h>

enum { FLASH_SIZE = 1024 * 1024, PAGE = 4096, PAGES = FLASH_SIZE / PAGE,
       UICR_BASE = 0x10001000, UICR_SIZE = 0x1000, WORDS = (FLASH_SIZE + UICR_SIZE) / 4 };
enum { READY = 0x400, READYNEXT = 0x408, CONFIG = 0x504, ERASEPAGE = 0x508, ERASEALL = 0x50C,
       ERASEPCR0 = 0x510, ERASEUICR = 0x514, ERASEPAGEPARTIAL = 0x518,
       ERASEPAGEPARTIALCFG = 0x51C, ICACHECNF = 0x540, IHIT = 0x548, IMISS = 0x54C };
enum { ACL = 0x800, ACLS = 8, ACL_STRIDE = 0x10, ACL_WRITE = 1 << 1, ACL_READ = 1 << 2 };
enum { REN, WEN, EEN };
enum { NWRITE = 2, WAIT_STATES = 2 };
#define WRITE_TIME        (41 * SIM_US)
#define PAGE_TIME         (85 * SIM_MS)
#define ALL_TIME          (169 * SIM_MS)
#define PARTIAL_SETUP     (1080 * SIM_US)

struct nrf52_nvmc {
    struct nrf52 *nrf52;
    uint8_t *memory;                        /* flash, and behind it UICR */
    uint8_t *old;
    uint8_t writes[WORDS];                  /* of each word since its last erase */
    uint16_t partial_ms[PAGES];             /* how long a page has been erased for */
    uint32_t config, partial_cfg, icachecnf;
    struct { uint32_t addr, size, perm; } acl[ACLS];
    struct bus_region *flash_region;

    sim_time busy_until;                    /* READY comes back */
    sim_time next_at;                       /* READYNEXT does */
    bool by_debugger;                       /* ERASEALL of CTRL-AP is under way */
    struct alarm done;
    uint32_t from, length;                  /* of memory, what is being changed */
};

static void rule(struct nrf52_nvmc *nvmc, const char *what)
{
    nrf52_report(nvmc->nrf52, SIM_RULE, "NVMC: %s", what);
}

static bool busy(const struct nrf52_nvmc *nvmc)
{
    return nvmc->nrf52->sim->now < nvmc->busy_until;
}

uint32_t nrf52_uicr(const struct nrf52_nvmc *nvmc, uint32_t offset)
{
    uint32_t word;
    memcpy(&word, nvmc->memory + FLASH_SIZE + offset, 4);
    return word;
}

/* --- operations --------------------------------------------------------------------- */

static void done(void *ctx)
{
    struct nrf52_nvmc *nvmc = ctx;
    nvmc->length = 0;
    if (nvmc->by_debugger) {
        nvmc->by_debugger = false;
        nrf52_power_erased(nvmc->nrf52->power);
    }
}

static void begin(struct nrf52_nvmc *nvmc, uint32_t from, uint32_t length, sim_time time)
{
    struct sim *sim = nvmc->nrf52->sim;
    sim_time start = busy(nvmc) ? nvmc->busy_until : sim->now;
    nvmc->from = from;
    nvmc->length = length;
    memcpy(nvmc->old + from, nvmc->memory + from, length);
    nvmc->next_at = start;
    nvmc->busy_until = start + time;
    alarm_set(sim, &nvmc->done, nvmc->busy_until);
}

static void erase(struct nrf52_nvmc *nvmc, uint32_t from, uint32_t length, sim_time time)
{
    begin(nvmc, from, length, time);
    nvmc->next_at = nvmc->busy_until;       /* no write is taken meanwhile */
    memset(nvmc->memory + from, 0xFF, length);
    memset(nvmc->writes + from / 4, 0, length / 4);
    if (from < FLASH_SIZE)
        memset(nvmc->partial_ms + from / PAGE, 0, 2 * (length / PAGE < PAGES ? length / PAGE
                                                                             : PAGES));
}

static bool may_erase(struct nrf52_nvmc *nvmc, const char *what)
{
    if (busy(nvmc)) {
        nrf52_report(nvmc->nrf52, SIM_RULE, "NVMC: %s while READY is 0", what);
        return false;
    }
    if (nvmc->config != EEN) {
        nrf52_report(nvmc->nrf52, SIM_RULE, "NVMC: %s while CONFIG is not Een", what);
        return false;
    }
    return true;
}

static bool acl_forbids(const struct nrf52_nvmc *nvmc, uint32_t address)
{
    for (int i = 0; i < ACLS; i++)
        if (nvmc->acl[i].perm & ACL_WRITE && address - nvmc->acl[i].addr < nvmc->acl[i].size)
            return true;
    return false;
}

/* The page's address: "first address of the page to be erased". */
static bool page_is_good(struct nrf52_nvmc *nvmc, uint32_t address)
{
    if (address >= FLASH_SIZE || address % PAGE) {
        nrf52_report(nvmc->nrf52, SIM_RULE, "NVMC: erase of 0x%08X, which begins no page",
                     address);
        return false;
    }
    if (acl_forbids(nvmc, address)) {
        nrf52_report(nvmc->nrf52, SIM_NOTE, "NVMC: ACL protects 0x%08X from erasing", address);
        return false;
    }
    return true;
}

static void erase_page(struct nrf52_nvmc *nvmc, uint32_t address)
{
    if (may_erase(nvmc, "ERASEPAGE") && page_is_good(nvmc, address))
        erase(nvmc, address, PAGE, PAGE_TIME);
}

/* Before all parts have been done, a page's contents are anything. */
static void erase_part(struct nrf52_nvmc *nvmc, uint32_t address)
{
    if (!may_erase(nvmc, "ERASEPAGEPARTIAL") || !page_is_good(nvmc, address))
        return;
    uint16_t *so_far = &nvmc->partial_ms[address / PAGE];
    sim_time time = nvmc->partial_cfg * SIM_MS + PARTIAL_SETUP;
    *so_far = (uint16_t)(*so_far + nvmc->partial_cfg);
    if (*so_far * SIM_MS >= PAGE_TIME) {
        erase(nvmc, address, PAGE, time);
        return;
    }
    begin(nvmc, address, PAGE, time);
    nvmc->next_at = nvmc->busy_until;
    for (int i = 0; i < PAGE; i++)
        nvmc->memory[address + (uint32_t)i] |= (uint8_t)sim_random(nvmc->nrf52->sim);
}

static void erase_all(struct nrf52_nvmc *nvmc, uint32_t value)
{
    if (value & 1 && may_erase(nvmc, "ERASEALL"))
        erase(nvmc, 0, FLASH_SIZE + UICR_SIZE, ALL_TIME);
}

/* 4.3.7: blocked while the access port is protected. */
static void erase_uicr(struct nrf52_nvmc *nvmc, uint32_t value)
{
    if (!(value & 1) || !may_erase(nvmc, "ERASEUICR"))
        return;
    if (nrf52_power_protected(nvmc->nrf52->power))
        nrf52_report(nvmc->nrf52, SIM_NOTE, "NVMC: ERASEUICR is blocked by APPROTECT");
    else
        erase(nvmc, FLASH_SIZE, UICR_SIZE, PAGE_TIME);
}

/* Whatever runs gives way: this is for chips that nobody can talk to. */
void nrf52_nvmc_erase_by_debugger(struct nrf52_nvmc *nvmc)
{
    nvmc->busy_until = 0;
    erase(nvmc, 0, FLASH_SIZE + UICR_SIZE, ALL_TIME);
    nvmc->by_debugger = true;
}

bool nrf52_nvmc_erasing(const struct nrf52_nvmc *nvmc) { return nvmc->by_debugger; }

/* --- stores to memory --------------------------------------------------------------- */

static void write_word(struct nrf52_nvmc *nvmc, uint32_t offset, uint32_t value)
{
    uint32_t had;
    memcpy(&had, nvmc->memory + offset, 4);
    begin(nvmc, offset, 4, WRITE_TIME);
    if (++nvmc->writes[offset / 4] > NWRITE)
        nrf52_report(nvmc->nrf52, SIM_RULE, "NVMC: the word at 0x%08X is written for the %d. time "
                     "since its erase; 2 are allowed (nWRITE)", offset < FLASH_SIZE ? offset
                     : UICR_BASE + offset - FLASH_SIZE, nvmc->writes[offset / 4]);
    else if (value & ~had)
        rule(nvmc, "ones written over zeros: only an erase makes ones");
    had &= value;
    memcpy(nvmc->memory + offset, &had, 4);
}

static void store(struct nrf52_nvmc *nvmc, uint32_t offset, uint32_t value, int width)
{
    struct bus *bus = nvmc->nrf52->bus;
    if (width != 4 || nvmc->config != WEN) {
        rule(nvmc, width != 4 ? "store of 8 or 16 bits to flash, it takes whole words"
                              : "store to flash while CONFIG is not Wen");
        bus->fault = true;
    } else if (offset < FLASH_SIZE && acl_forbids(nvmc, offset)) {
        nrf52_report(nvmc->nrf52, SIM_NOTE, "NVMC: ACL protects 0x%08X from writing", offset);
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
    store(ctx, FLASH_SIZE + offset, value, width);
}

/* --- registers ---------------------------------------------------------------------- */

static uint32_t acl_read(const struct nrf52_nvmc *nvmc, uint32_t reg)
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
static void acl_write(struct nrf52_nvmc *nvmc, uint32_t reg, uint32_t value)
{
    unsigned n = (reg - ACL) / ACL_STRIDE;
    uint32_t *at = n >= ACLS ? NULL : reg % ACL_STRIDE == 0 ? &nvmc->acl[n].addr
                 : reg % ACL_STRIDE == 4 ? &nvmc->acl[n].size
                 : reg % ACL_STRIDE == 8 ? &nvmc->acl[n].perm : NULL;
    if (!at || *at)
        return;
    *at = value;
    if (at == &nvmc->acl[n].perm && value & ACL_READ)
        nrf52_report(nvmc->nrf52, SIM_UNMODELLED, "ACL[%u].PERM: protection from reading", n);
}

static uint32_t nvmc_read(void *ctx, uint32_t reg)
{
    struct nrf52_nvmc *nvmc = ctx;
    if (reg >= ACL)
        return acl_read(nvmc, reg);
    switch (reg) {
    case READY:     return !busy(nvmc);
    case READYNEXT: return nvmc->nrf52->sim->now >= nvmc->next_at;
    case CONFIG:    return nvmc->config;
    case ERASEPAGEPARTIALCFG: return nvmc->partial_cfg;
    case ICACHECNF: return nvmc->icachecnf;
    default:        return 0;
    }
}

static void write_config(struct nrf52_nvmc *nvmc, uint32_t value)
{
    if (busy(nvmc))
        rule(nvmc, "CONFIG written while READY is 0");
    if ((value & 3) == 3)
        rule(nvmc, "CONFIG = 3: writing and erasing at once");
    nvmc->config = value & 3;
}

static void set_costs(struct nrf52_nvmc *nvmc)
{
    nvmc->flash_region->read_wait = nvmc->icachecnf & 1 ? 0 : WAIT_STATES;
}

static void nvmc_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct nrf52_nvmc *nvmc = ctx;
    if (reg >= ACL) {
        acl_write(nvmc, reg, value);
        return;
    }
    switch (reg) {
    case CONFIG:    write_config(nvmc, value); break;
    case ERASEPAGE:
    case ERASEPCR0: erase_page(nvmc, value); break;
    case ERASEALL:  erase_all(nvmc, value); break;
    case ERASEUICR: erase_uicr(nvmc, value); break;
    case ERASEPAGEPARTIAL:    erase_part(nvmc, value); break;
    case ERASEPAGEPARTIALCFG: nvmc->partial_cfg = value & 0x7F; break;
    case ICACHECNF: nvmc->icachecnf = value & 0x101; set_costs(nvmc); break;
    default:        break;
    }
}

/* --- life --------------------------------------------------------------------------- */

static void nvmc_reset(void *ctx)
{
    struct nrf52_nvmc *nvmc = ctx;
    nvmc->config = REN;
    nvmc->partial_cfg = 10;
    nvmc->icachecnf = 0;
    memset(nvmc->acl, 0, sizeof nvmc->acl);
    set_costs(nvmc);
}

void nrf52_nvmc_power_off(struct nrf52_nvmc *nvmc)
{
    struct sim *sim = nvmc->nrf52->sim;
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

void nrf52_nvmc_new(struct nrf52 *nrf52)
{
    struct nrf52_nvmc *nvmc = nrf52->nvmc = calloc(1, sizeof *nvmc);
    nvmc->nrf52 = nrf52;
    nvmc->memory = malloc(FLASH_SIZE + UICR_SIZE);
    nvmc->old = malloc(FLASH_SIZE + UICR_SIZE);
    memset(nvmc->memory, 0xFF, FLASH_SIZE + UICR_SIZE);
    alarm_init(&nvmc->done, done, nvmc);
    nrf52->chip.flash = nvmc->memory;
    nrf52->chip.flash_base = 0;
    nrf52->chip.flash_size = FLASH_SIZE;
    nvmc->flash_region = bus_add(nrf52->bus, &(struct bus_region){
        .base = 0, .size = FLASH_SIZE, .name = "flash", .memory = nvmc->memory,
        .write = flash_write, .ctx = nvmc, .busy_until = &nvmc->busy_until,
        .writes_busy_until = &nvmc->next_at });
    bus_add(nrf52->bus, &(struct bus_region){
        .base = UICR_BASE, .size = UICR_SIZE, .name = "UICR",
        .memory = nvmc->memory + FLASH_SIZE, .write = uicr_write, .ctx = nvmc,
        .busy_until = &nvmc->busy_until, .writes_busy_until = &nvmc->next_at });
    nrf52_add_block(nrf52, &(struct nrf52_block){
        .name = "NVMC", .base = 0x4001E000, .size = 0x1000, .read = nvmc_read,
        .write = nvmc_write, .reset = nvmc_reset, .ctx = nvmc });
}

void nrf52_nvmc_free(struct nrf52_nvmc *nvmc)
{
    alarm_cancel(nvmc->nrf52->sim, &nvmc->done);
    free(nvmc->memory);
    free(nvmc->old);
    free(nvmc);
}
