/* fpec.c - the flash controller: keys, page and mass erase, half-word programming,
 * option bytes, protection, and what is left when the power goes in the middle.
 *
 *   called by  bus.c, f103.c, fpec_l4.c      calls  its host (fpec.h)
 *
 * An operation changes the memory at once and then is busy for its time; while it is,
 * any access to flash stalls the core (the region's busy_until), so nobody sees it
 * early.  The old contents are kept until the end: if power fails before, memory
 * becomes a mixture of old and new bits, from the simulator's repeatable random stream.
 *
 *   locked --KEY1 KEY2--> open --PG + store--> busy --> EOP
 *      ^        | a wrong key           \--PER/MER + AR + STRT--> busy --> EOP
 *      |        v
 *      |     locked until reset
 *      +-- CR.LOCK = 1
 *
 * A chip of more than 512 KB has two controllers, each with keys, a CR, an SR and an AR of
 * its own for its half of the flash; the options belong to the first.
 *
 * An F0 or F3 loads its options at power-on and by OBL_LAUNCH, not at each reset.  At level 1
 * its flash is shut to everybody once a debugger has used the bus, until power-on; what erases
 * or programs then is WRPRTERR.  At level 2 it has no debug port, and no more options.
 *
 * Sources: RM0008 3.3.3, PM0075 2.3 to 2.4 (procedures), 3 (registers); DS5319 table 28
 * (times); ES096 2.2.8 (BSY comes a cycle late).  PM0068 (two controllers); RM0360, RM0316
 * (F0, F3). */
#include "fpec.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { ACR = 0x00, KEYR = 0x04, OPTKEYR = 0x08, SR = 0x0C, CR = 0x10, AR = 0x14,
       OBR = 0x1C, WRPR = 0x20 };
enum {
    SR_BSY = 1 << 0, SR_PGERR = 1 << 2, SR_WRPRTERR = 1 << 4, SR_EOP = 1 << 5,
    CR_PG = 1 << 0, CR_PER = 1 << 1, CR_MER = 1 << 2, CR_OPTPG = 1 << 4,
    CR_OPTER = 1 << 5, CR_STRT = 1 << 6, CR_LOCK = 1 << 7, CR_OPTWRE = 1 << 9,
    CR_ERRIE = 1 << 10, CR_EOPIE = 1 << 12, CR_OBL_LAUNCH = 1 << 13,
    CR_BITS = CR_PG | CR_PER | CR_MER | CR_OPTPG | CR_OPTER | CR_ERRIE | CR_EOPIE,
    ACR_LATENCY = 7, ACR_HLFCYA = 1 << 3, ACR_PRFTBE = 1 << 4, ACR_PRFTBS = 1 << 5,
};
#define KEY1   0x45670123u
#define KEY2   0xCDEF89ABu
enum { RDPRT_F1 = 0xA5, RDPRT = 0xAA, NEVER = 0xCC };      /* option byte: not protected; level 2 */
enum { SECOND = 0x40, AREA = 4096 };        /* registers of the second; what a WRPR bit covers */
enum { RDP = 0, USER = 2, DATA0 = 4, DATA1 = 6, WRP = 8, OPTION_BYTES = 16 };

struct controller {
    struct fpec *fpec;
    uint32_t from, to;                  /* of the flash, which part is its */
    uint32_t sr, cr, ar;
    int key_step;
    bool jammed;                        /* a wrong key: until reset */

    sim_time started, busy_until;       /* 0: idle */
    sim_time over;                      /* the last operation; a core that it stalled is ahead of
                                         * the board's time, and may have seen its end already */
    struct alarm done;
    uint8_t *target, *old;              /* of the operation in progress */
    uint32_t length;
};

struct fpec {
    struct fpec_host host;
    struct sim *sim;
    const struct fpec_type *type;
    struct controller controller[2];
    uint32_t acr, obr, wrpr;
    int option_key_step;
    bool shut;                          /* F0, F3: a debugger has been there */
    uint8_t option[OPTION_BYTES];       /* as stored; OBR shows what is in force */
};

static int controllers(const struct fpec *fpec) { return fpec->type->bank2 ? 2 : 1; }

const sim_time *fpec_busy_until(const struct fpec *fpec, int bank)
{
    return &fpec->controller[bank].busy_until;
}

uint32_t fpec_acr(const struct fpec *fpec) { return fpec->acr; }

uint8_t fpec_user_option(const struct fpec *fpec)
{
    return (uint8_t)(fpec->obr >> (fpec->type->levels ? 8 : 2)) & fpec->type->user;
}

static void report(struct fpec *fpec, enum sim_problem kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void report(struct fpec *fpec, enum sim_problem kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    sim_report_chip(fpec->sim, fpec->host.chip->cpu, fpec->host.name, kind, format, args);
    va_end(args);
}

static void rule(struct fpec *fpec, const char *what)
{
    report(fpec, SIM_RULE, "flash: %s", what);
}

/* --- operations ------------------------------------------------------------------- */

static void update_irq(struct fpec *fpec)
{
    bool level = false;
    for (int i = 0; i < controllers(fpec); i++) {
        const struct controller *c = &fpec->controller[i];
        level |= c->sr & (SR_PGERR | SR_WRPRTERR) && c->cr & CR_ERRIE;
        level |= c->sr & SR_EOP && c->cr & CR_EOPIE;
    }
    fpec->host.irq(fpec->host.ctx, level);
}

static void fail(struct controller *c, uint32_t flag)
{
    c->sr |= flag;
    update_irq(c->fpec);
}

static void finish(struct controller *c)
{
    c->busy_until = 0;
    c->cr &= ~(uint32_t)CR_STRT;
    c->sr |= SR_EOP;
    update_irq(c->fpec);
}

static void done(void *ctx) { finish(ctx); }

/* An access may come before the alarm of the same instant. */
static void catch_up(struct controller *c)
{
    struct sim *sim = c->fpec->sim;
    if (c->busy_until && sim->now >= c->busy_until) {
        alarm_cancel(sim, &c->done);
        finish(c);
    }
}

static void begin(struct controller *c, uint8_t *target, uint32_t length, sim_time time)
{
    struct fpec *fpec = c->fpec;
    struct sim *sim = fpec->sim;
    if (!fpec->host.hsi_on(fpec->host.ctx))
        rule(fpec, "programmed while HSI is off (RM0008 3.3.3)");
    c->target = target;
    c->length = length;
    memcpy(c->old, target, length);
    c->started = sim->now;
    c->busy_until = c->over = sim->now + time;
    alarm_set(sim, &c->done, c->busy_until);
}

static void erase(struct controller *c, uint8_t *target, uint32_t length)
{
    begin(c, target, length, c->fpec->type->erase);
    memset(target, 0xFF, length);
}

/* Power fails: every bit that was on its way is old or new, nobody knows which. */
static void interrupt_operation(struct controller *c)
{
    struct sim *sim = c->fpec->sim;
    if (sim->now < c->over)
        for (uint32_t i = 0; i < c->length; i++) {
            uint8_t keep = (uint8_t)sim_random(sim);
            c->target[i] = (uint8_t)((c->old[i] & keep) |
                                        (c->target[i] & ~keep));
        }
    alarm_cancel(sim, &c->done);
    c->busy_until = c->over = 0;
    c->length = 0;
}

/* --- protection ------------------------------------------------------------------- */

int fpec_level(const struct fpec *fpec)
{
    uint32_t rdprt = fpec->obr >> 1 & (fpec->type->levels ? 3 : 1);
    return rdprt == 3 ? 2 : (int)rdprt;
}

bool fpec_is_shut(const struct fpec *fpec) { return fpec->shut && fpec_level(fpec) == 1; }
void fpec_shut(struct fpec *fpec) { fpec->shut = true; }

/* One WRPR bit covers 4 KB, which is four pages or two; the last one all that follows (PM0075
 * 2.4).  Read protection of an F1 protects the first 4 KB from writing as well. */
static bool write_protected(const struct fpec *fpec, uint32_t offset)
{
    uint32_t area = offset / AREA;
    if (fpec_is_shut(fpec) || (area == 0 && !fpec->type->levels && fpec_level(fpec)))
        return true;
    return !(fpec->wrpr >> (area < 31 ? area : 31) & 1);
}

/* A debugger may not touch protected flash (PM0075 2.4.1); all else stays open. */
bool fpec_debug_allowed(const struct fpec *fpec, uint32_t address)
{
    const struct chip *chip = fpec->host.chip;
    uint32_t base = chip->flash_base;
    uint32_t offset = address >= base ? address - base : address;     /* alias at 0 */
    return !fpec_level(fpec) || offset >= chip->flash_size;
}

static uint32_t rdprt_of(const struct fpec *fpec)
{
    const uint8_t *o = fpec->option;
    bool whole = (o[RDP] ^ o[RDP + 1]) == 0xFF;
    if (whole && o[RDP] == (fpec->type->levels ? RDPRT : RDPRT_F1))
        return 0;
    return whole && fpec->type->levels && o[RDP] == NEVER ? 3 : 1;
}

/* An F1's option bytes take effect at each reset. */
void fpec_load_options(struct fpec *fpec)
{
    const uint8_t *o = fpec->option;
    uint32_t bad = 0, user = o[USER] & fpec->type->user;
    for (int i = 0; i < OPTION_BYTES; i += 2)
        bad |= (o[i] ^ o[i + 1]) != 0xFF && !(o[i] == 0xFF && o[i + 1] == 0xFF);
    if (fpec->type->levels)
        fpec->obr = bad | rdprt_of(fpec) << 1 | user << 8 | (uint32_t)o[DATA0] << 16 |
                    (uint32_t)o[DATA1] << 24;
    else
        fpec->obr = bad | rdprt_of(fpec) << 1 | user << 2 | 0x3E0 | (uint32_t)o[DATA0] << 10 |
                    (uint32_t)o[DATA1] << 18;
    fpec->wrpr = (uint32_t)o[WRP] | (uint32_t)o[WRP + 2] << 8 |
                 (uint32_t)o[WRP + 4] << 16 | (uint32_t)o[WRP + 6] << 24;
}

/* --- stores to memory ------------------------------------------------------------- */

static bool may_program(struct controller *c, uint32_t mode, int width)
{
    struct fpec *fpec = c->fpec;
    catch_up(c);
    if (width != 2) {                       /* PM0075 2.3.3: a bus error */
        rule(fpec, "programmed with 8 or 32 bits, it takes 16");
        fpec->host.chip->bus->fault = true;
        return false;
    }
    if (!(c->cr & mode)) {
        rule(fpec, mode == CR_PG ? "store to flash while FLASH_CR.PG is 0"
                                 : "store to option bytes while FLASH_CR.OPTPG is 0");
        return false;
    }
    if (c->busy_until) {
        rule(fpec, "store while BSY");
        return false;
    }
    return true;
}

void fpec_flash_write(struct fpec *fpec, uint32_t offset, uint32_t value, int width)
{
    struct chip *chip = fpec->host.chip;
    struct controller *c = &fpec->controller[controllers(fpec) == 2 && offset >= fpec->type->bank2];
    uint8_t *at = chip->flash + offset;
    if (!may_program(c, CR_PG, width))
        return;
    if (write_protected(fpec, offset)) {
        fail(c, SR_WRPRTERR);
        return;
    }
    bool erased = at[0] == 0xFF && at[1] == 0xFF;
    if (!erased && value & 0xFFFF) {        /* only 0x0000 may go over something */
        report(fpec, SIM_RULE, "flash: 0x%08X programmed and not erased (PGERR)",
               chip->flash_base + offset);
        fail(c, SR_PGERR);
        return;
    }
    begin(c, at, 2, fpec->type->program);
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

/* The controller makes the complement itself (PM0075 2.3.5). */
static void option_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct fpec *fpec = ctx;
    struct controller *c = &fpec->controller[0];
    uint8_t *at = fpec->option + offset, open = fpec->type->levels ? RDPRT : RDPRT_F1;
    if (!may_program(c, CR_OPTPG, width))
        return;
    if (!(c->cr & CR_OPTWRE) || fpec_level(fpec) == 2) {
        fail(c, SR_WRPRTERR);
        return;
    }
    if (at[0] != 0xFF || at[1] != 0xFF) {
        rule(fpec, "option byte programmed and not erased (PGERR)");
        fail(c, SR_PGERR);
        return;
    }
    if (offset == RDP && (uint8_t)value == open && fpec_level(fpec)) {
        struct chip *chip = fpec->host.chip;            /* opening costs the contents */
        erase(c, chip->flash, chip->flash_size);
    } else {
        begin(c, at, 2, fpec->type->program);
    }
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)~value;
}

/* --- registers -------------------------------------------------------------------- */

static void wrong_key(struct controller *c)
{
    rule(c->fpec, "wrong key, locked until reset");
    c->jammed = true;
    c->fpec->host.chip->bus->fault = true;      /* PM0075 2.3.1 */
}

static void write_key(struct controller *c, uint32_t value)
{
    if (c->jammed || value != (c->key_step == 0 ? KEY1 : KEY2)) {
        wrong_key(c);
        return;
    }
    c->key_step ^= 1;                       /* both keys again while open: no harm */
    if (c->key_step == 0)
        c->cr &= ~(uint32_t)CR_LOCK;
}

static void write_option_key(struct fpec *fpec, uint32_t value)
{
    if (value != (fpec->option_key_step == 0 ? KEY1 : KEY2)) {
        rule(fpec, "wrong option byte key");
        fpec->option_key_step = 0;
        return;
    }
    fpec->option_key_step ^= 1;
    if (fpec->option_key_step == 0)
        fpec->controller[0].cr |= CR_OPTWRE;
}

static void erase_page(struct controller *c)
{
    struct fpec *fpec = c->fpec;
    struct chip *chip = fpec->host.chip;
    uint32_t at = c->ar - chip->flash_base;
    if (at < c->from || at >= c->to)
        report(fpec, SIM_RULE, "flash: erase of 0x%08X, where no flash of this controller is", c->ar);
    else if (write_protected(fpec, at))
        fail(c, SR_WRPRTERR);
    else
        erase(c, chip->flash + at / fpec->type->page * fpec->type->page, fpec->type->page);
}

static void erase_all(struct controller *c)
{
    struct fpec *fpec = c->fpec;
    bool protected = fpec->type->levels ? fpec_is_shut(fpec) : fpec_level(fpec);
    if (protected || fpec->wrpr != 0xFFFFFFFF)
        fail(c, SR_WRPRTERR);
    else
        erase(c, fpec->host.chip->flash + c->from, c->to - c->from);
}

static void start(struct controller *c)
{
    struct fpec *fpec = c->fpec;
    uint32_t what = c->cr & (CR_PER | CR_MER | CR_OPTER);
    if (what == CR_PER)
        erase_page(c);
    else if (what == CR_MER)
        erase_all(c);
    else if (what == CR_OPTER && fpec_level(fpec) == 2)
        fail(c, SR_WRPRTERR);
    else if (what == CR_OPTER && c->cr & CR_OPTWRE)
        erase(c, fpec->option, OPTION_BYTES);
    else
        rule(fpec, "STRT without exactly one of PER, MER, OPTER (and OPTWRE)");
}

static bool cr_is_open(struct controller *c, uint32_t value)
{
    if (c->cr & CR_LOCK && value != c->cr)
        rule(c->fpec, "FLASH_CR written while locked");
    else if (!(c->cr & CR_LOCK) && c->busy_until)
        rule(c->fpec, "FLASH_CR written while BSY");
    return !(c->cr & CR_LOCK) && !c->busy_until;
}

static void write_cr(struct controller *c, uint32_t value)
{
    struct fpec *fpec = c->fpec;
    if (!cr_is_open(c, value))
        return;
    uint32_t keep = c->cr & CR_OPTWRE & value;          /* cleared by writing 0 */
    c->cr = (value & CR_BITS) | keep;
    if (fpec->type->levels && value & CR_OBL_LAUNCH)
        fpec->host.launch(fpec->host.ctx);
    if (value & CR_LOCK)
        c->cr |= CR_LOCK;
    else if (value & CR_STRT) {
        c->cr |= CR_STRT;
        start(c);
        if (!c->busy_until)
            c->cr &= ~(uint32_t)CR_STRT;
    }
    update_irq(fpec);
}

static uint32_t read_sr(struct controller *c)
{
    struct fpec *fpec = c->fpec;
    sim_time visible = c->started + 2 * fpec->host.hclk(fpec->host.ctx);
    bool busy = c->busy_until && fpec->sim->now >= visible;
    return c->sr | (busy ? SR_BSY : 0);
}

static void write_acr(struct fpec *fpec, uint32_t value)
{
    if ((value & ACR_LATENCY) > 2)
        rule(fpec, "FLASH_ACR.LATENCY above 2");
    bool prefetch_too = (value ^ fpec->acr) & ACR_PRFTBE;
    fpec->acr = (value & (ACR_LATENCY | ACR_HLFCYA | ACR_PRFTBE)) |
                (value & ACR_PRFTBE ? ACR_PRFTBS : 0);
    fpec->host.latency_changed(fpec->host.ctx, prefetch_too);
}

/* The registers of the second controller repeat those of the first. */
static struct controller *whose(struct fpec *fpec, uint32_t *reg)
{
    bool second = controllers(fpec) == 2 && *reg >= SECOND + KEYR && *reg <= SECOND + AR &&
                  *reg != SECOND + OPTKEYR;
    if (second)
        *reg -= SECOND;
    return &fpec->controller[second];
}

uint32_t fpec_read(void *ctx, uint32_t reg)
{
    struct fpec *fpec = ctx;
    struct controller *c = whose(fpec, &reg);
    catch_up(c);
    switch (reg) {
    case ACR:  return fpec->acr;
    case KEYR:
    case OPTKEYR: return 0;
    case SR:   return read_sr(c);
    case CR:   return c->cr;
    case AR:   return c->ar;
    case OBR:  return fpec->obr;
    case WRPR: return fpec->wrpr;
    }
    report(fpec, SIM_UNMODELLED, "FLASH+0x%02X read", reg);
    return 0;
}

void fpec_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct fpec *fpec = ctx;
    struct controller *c = whose(fpec, &reg);
    catch_up(c);
    switch (reg) {
    case ACR:     write_acr(fpec, value); return;
    case KEYR:    write_key(c, value); return;
    case OPTKEYR: write_option_key(fpec, value); return;
    case SR:
        c->sr &= ~(value & (SR_PGERR | SR_WRPRTERR | SR_EOP));
        update_irq(fpec);
        return;
    case CR:      write_cr(c, value); return;
    case AR:
        if (c->busy_until)
            rule(fpec, "FLASH_AR written while BSY");
        else
            c->ar = value;
        return;
    }
    report(fpec, SIM_FORGIVEN, "FLASH+0x%02X is not for writing", reg);
}

/* --- reset and power -------------------------------------------------------------- */

/* An operation in progress is broken off by a reset as by a loss of power. */
void fpec_reset(struct fpec *fpec)
{
    for (int i = 0; i < controllers(fpec); i++) {
        struct controller *c = &fpec->controller[i];
        interrupt_operation(c);
        c->sr = c->ar = 0;
        c->cr = CR_LOCK;
        c->key_step = 0;
        c->jammed = false;
    }
    fpec->acr = ACR_PRFTBE | ACR_PRFTBS;
    fpec->option_key_step = 0;
    if (!fpec->type->levels)
        fpec_load_options(fpec);
    update_irq(fpec);
}

void fpec_power(struct fpec *fpec, bool on)
{
    for (int i = 0; i < controllers(fpec) && !on; i++)
        interrupt_operation(&fpec->controller[i]);
    fpec->shut = false;
}

/* Option bytes as delivered: open, no write protection, software watchdog. */
static void deliver_options(struct fpec *fpec)
{
    for (int i = 0; i < OPTION_BYTES; i += 2) {
        fpec->option[i] = 0xFF;
        fpec->option[i + 1] = 0x00;
    }
    fpec->option[RDP] = fpec->type->levels ? RDPRT : RDPRT_F1;
    fpec->option[RDP + 1] = (uint8_t)~fpec->option[RDP];
    fpec_load_options(fpec);
}

struct fpec *fpec_new(const struct fpec_host *host, const struct fpec_type *type,
                      uint32_t flash_size)
{
    struct fpec *fpec = calloc(1, sizeof *fpec);
    fpec->host = *host;
    fpec->type = type;
    fpec->sim = host->chip->sim;
    for (int i = 0; i < controllers(fpec); i++) {
        struct controller *c = &fpec->controller[i];
        c->fpec = fpec;
        c->from = i ? type->bank2 : 0;
        c->to = type->bank2 && !i ? type->bank2 : flash_size;
        c->old = malloc(flash_size);
        c->cr = CR_LOCK;
        alarm_init(&c->done, done, c);
    }
    fpec->acr = ACR_PRFTBE | ACR_PRFTBS;
    deliver_options(fpec);
    bus_add(host->chip->bus, &(struct bus_region){
        .base = 0x1FFFF800, .size = OPTION_BYTES, .name = "option bytes",
        .memory = fpec->option, .write = option_write, .ctx = fpec,
        .busy_until = &fpec->controller[0].busy_until });
    return fpec;
}

void fpec_free(struct fpec *fpec)
{
    for (int i = 0; i < controllers(fpec); i++) {
        alarm_cancel(fpec->sim, &fpec->controller[i].done);
        free(fpec->controller[i].old);
    }
    free(fpec);
}
