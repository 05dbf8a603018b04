/* fpec.c - the flash controller: keys, page and mass erase, half-word programming,
 * option bytes, protection, and what is left when the power goes in the middle.
 *
 *   called by  bus.c (stores to flash: fpec_flash_write), f103.c      calls  rcc.c
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
 * Sources: RM0008 3.3.3, PM0075 2.3 to 2.4 (procedures), 3 (registers); DS5319 table 28
 * (times); ES096 2.2.8 (BSY comes a cycle late). */
#include "f103.h"
#include <stdlib.h>
#include <string.h>

enum { ACR = 0x00, KEYR = 0x04, OPTKEYR = 0x08, SR = 0x0C, CR = 0x10, AR = 0x14,
       OBR = 0x1C, WRPR = 0x20 };
enum {
    SR_BSY = 1 << 0, SR_PGERR = 1 << 2, SR_WRPRTERR = 1 << 4, SR_EOP = 1 << 5,
    CR_PG = 1 << 0, CR_PER = 1 << 1, CR_MER = 1 << 2, CR_OPTPG = 1 << 4,
    CR_OPTER = 1 << 5, CR_STRT = 1 << 6, CR_LOCK = 1 << 7, CR_OPTWRE = 1 << 9,
    CR_ERRIE = 1 << 10, CR_EOPIE = 1 << 12,
    CR_BITS = CR_PG | CR_PER | CR_MER | CR_OPTPG | CR_OPTER | CR_ERRIE | CR_EOPIE,
    ACR_LATENCY = 7, ACR_HLFCYA = 1 << 3, ACR_PRFTBE = 1 << 4, ACR_PRFTBS = 1 << 5,
};
#define KEY1   0x45670123u
#define KEY2   0xCDEF89ABu
#define RDPRT  0xA5                         /* option byte: not protected */

enum { PAGE = 1024 };
enum { RDP = 0, USER = 2, DATA0 = 4, DATA1 = 6, WRP = 8, OPTION_BYTES = 16 };

/* DS5319 table 28.  Half-word: typical of 40, 52.5, 70 us.  Erase gives only a range,
 * 20 to 40 ms: the middle.  The option bytes are one page of the same memory. */
#define PROGRAM_TIME   (52500 * SIM_NS)
#define ERASE_TIME     (30 * SIM_MS)

struct fpec {
    struct f103 *f103;
    uint32_t acr, sr, cr, ar, obr, wrpr;
    int key_step, option_key_step;
    bool jammed;                        /* a wrong key: until reset */
    uint8_t option[OPTION_BYTES];       /* as stored; OBR shows what is in force */

    sim_time started, busy_until;       /* 0: idle */
    sim_time over;                      /* the last operation; a core that it stalled is ahead of
                                         * the board's time, and may have seen its end already */
    struct alarm done;
    uint8_t *target, *old;              /* of the operation in progress */
    uint32_t length;
};

const sim_time *fpec_busy_until(const struct fpec *fpec) { return &fpec->busy_until; }
uint32_t fpec_acr(const struct fpec *fpec) { return fpec->acr; }
uint8_t fpec_user_option(const struct fpec *fpec) { return fpec->option[USER]; }

static void rule(struct fpec *fpec, const char *what)
{
    f103_report(fpec->f103, SIM_RULE, "flash: %s", what);
}

/* --- operations ------------------------------------------------------------------- */

static void update_irq(struct fpec *fpec)
{
    bool error = fpec->sr & (SR_PGERR | SR_WRPRTERR) && fpec->cr & CR_ERRIE;
    bool end = fpec->sr & SR_EOP && fpec->cr & CR_EOPIE;
    f103_irq(fpec->f103, IRQ_FLASH, error || end);
}

static void fail(struct fpec *fpec, uint32_t flag)
{
    fpec->sr |= flag;
    update_irq(fpec);
}

static void finish(struct fpec *fpec)
{
    fpec->busy_until = 0;
    fpec->cr &= ~(uint32_t)CR_STRT;
    fpec->sr |= SR_EOP;
    update_irq(fpec);
}

static void done(void *ctx) { finish(ctx); }

/* An access may come before the alarm of the same instant. */
static void catch_up(struct fpec *fpec)
{
    if (fpec->busy_until && fpec->f103->sim->now >= fpec->busy_until) {
        alarm_cancel(fpec->f103->sim, &fpec->done);
        finish(fpec);
    }
}

static void begin(struct fpec *fpec, uint8_t *target, uint32_t length, sim_time time)
{
    struct sim *sim = fpec->f103->sim;
    if (!rcc_hsi_on(fpec->f103->rcc))
        rule(fpec, "programmed while HSI is off (RM0008 3.3.3)");
    fpec->target = target;
    fpec->length = length;
    memcpy(fpec->old, target, length);
    fpec->started = sim->now;
    fpec->busy_until = fpec->over = sim->now + time;
    alarm_set(sim, &fpec->done, fpec->busy_until);
}

static void erase(struct fpec *fpec, uint8_t *target, uint32_t length)
{
    begin(fpec, target, length, ERASE_TIME);
    memset(target, 0xFF, length);
}

/* Power fails: every bit that was on its way is old or new, nobody knows which. */
static void interrupt_operation(struct fpec *fpec)
{
    struct sim *sim = fpec->f103->sim;
    if (sim->now < fpec->over)
        for (uint32_t i = 0; i < fpec->length; i++) {
            uint8_t keep = (uint8_t)sim_random(sim);
            fpec->target[i] = (uint8_t)((fpec->old[i] & keep) |
                                        (fpec->target[i] & ~keep));
        }
    alarm_cancel(sim, &fpec->done);
    fpec->busy_until = fpec->over = 0;
    fpec->length = 0;
}

/* --- protection ------------------------------------------------------------------- */

static bool read_protected(const struct fpec *fpec) { return fpec->obr & 1 << 1; }

/* One WRPR bit covers four pages; the last one all from page 124 up (PM0075 2.4). Read
 * protection protects the first four pages from writing as well. */
static bool write_protected(const struct fpec *fpec, uint32_t offset)
{
    uint32_t group = offset / (4 * PAGE);
    if (group == 0 && read_protected(fpec))
        return true;
    return !(fpec->wrpr >> (group < 31 ? group : 31) & 1);
}

/* A debugger may not touch protected flash (PM0075 2.4.1); all else stays open. */
bool fpec_debug_allowed(void *ctx, uint32_t address, bool write)
{
    struct f103 *f103 = ctx;
    uint32_t base = f103->chip.flash_base;
    uint32_t offset = address >= base ? address - base : address;     /* alias at 0 */
    (void)write;
    return !read_protected(f103->fpec) || offset >= f103->chip.flash_size;
}

/* Option bytes take effect at reset. */
static void load_options(struct fpec *fpec)
{
    const uint8_t *o = fpec->option;
    bool open = o[RDP] == RDPRT && o[RDP + 1] == (uint8_t)~RDPRT;
    bool bad = false;
    for (int i = 0; i < OPTION_BYTES; i += 2)
        bad |= (o[i] ^ o[i + 1]) != 0xFF && !(o[i] == 0xFF && o[i + 1] == 0xFF);
    fpec->obr = (uint32_t)bad | (open ? 0 : 2) | (uint32_t)(o[USER] & 7) << 2 | 0x3E0 |
                (uint32_t)o[DATA0] << 10 | (uint32_t)o[DATA1] << 18;
    fpec->wrpr = (uint32_t)o[WRP] | (uint32_t)o[WRP + 2] << 8 |
                 (uint32_t)o[WRP + 4] << 16 | (uint32_t)o[WRP + 6] << 24;
}

/* --- stores to memory ------------------------------------------------------------- */

static bool may_program(struct fpec *fpec, uint32_t mode, int width)
{
    catch_up(fpec);
    if (width != 2) {                       /* PM0075 2.3.3: a bus error */
        rule(fpec, "programmed with 8 or 32 bits, it takes 16");
        fpec->f103->bus->fault = true;
        return false;
    }
    if (!(fpec->cr & mode)) {
        rule(fpec, mode == CR_PG ? "store to flash while FLASH_CR.PG is 0"
                                 : "store to option bytes while FLASH_CR.OPTPG is 0");
        return false;
    }
    if (fpec->busy_until) {
        rule(fpec, "store while BSY");
        return false;
    }
    return true;
}

void fpec_flash_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct f103 *f103 = ctx;
    struct fpec *fpec = f103->fpec;
    uint8_t *at = f103->chip.flash + offset;
    if (!may_program(fpec, CR_PG, width))
        return;
    if (write_protected(fpec, offset)) {
        fail(fpec, SR_WRPRTERR);
        return;
    }
    bool erased = at[0] == 0xFF && at[1] == 0xFF;
    if (!erased && value & 0xFFFF) {        /* only 0x0000 may go over something */
        f103_report(f103, SIM_RULE, "flash: 0x%08X programmed and not erased (PGERR)",
                    f103->chip.flash_base + offset);
        fail(fpec, SR_PGERR);
        return;
    }
    begin(fpec, at, 2, PROGRAM_TIME);
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

/* The controller makes the complement itself (PM0075 2.3.5). */
static void option_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    struct fpec *fpec = ctx;
    uint8_t *at = fpec->option + offset;
    if (!may_program(fpec, CR_OPTPG, width))
        return;
    if (!(fpec->cr & CR_OPTWRE)) {
        fail(fpec, SR_WRPRTERR);
        return;
    }
    if (at[0] != 0xFF || at[1] != 0xFF) {
        rule(fpec, "option byte programmed and not erased (PGERR)");
        fail(fpec, SR_PGERR);
        return;
    }
    if (offset == RDP && (uint8_t)value == RDPRT && read_protected(fpec)) {
        struct chip *chip = &fpec->f103->chip;      /* opening costs the contents */
        erase(fpec, chip->flash, chip->flash_size);
    } else {
        begin(fpec, at, 2, PROGRAM_TIME);
    }
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)~value;
}

/* --- registers -------------------------------------------------------------------- */

static void wrong_key(struct fpec *fpec)
{
    rule(fpec, "wrong key, locked until reset");
    fpec->jammed = true;
    fpec->f103->bus->fault = true;          /* PM0075 2.3.1 */
}

static void write_key(struct fpec *fpec, uint32_t value)
{
    if (fpec->jammed || value != (fpec->key_step == 0 ? KEY1 : KEY2)) {
        wrong_key(fpec);
        return;
    }
    fpec->key_step ^= 1;                    /* both keys again while open: no harm */
    if (fpec->key_step == 0)
        fpec->cr &= ~(uint32_t)CR_LOCK;
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
        fpec->cr |= CR_OPTWRE;
}

static void start(struct fpec *fpec)
{
    struct chip *chip = &fpec->f103->chip;
    uint32_t page = fpec->ar - chip->flash_base;
    uint32_t what = fpec->cr & (CR_PER | CR_MER | CR_OPTER);
    if (what == CR_PER && page >= chip->flash_size) {
        f103_report(fpec->f103, SIM_RULE, "flash: erase of 0x%08X, where no flash is",
                    fpec->ar);
    } else if (what == CR_PER && write_protected(fpec, page)) {
        fail(fpec, SR_WRPRTERR);
    } else if (what == CR_PER) {
        erase(fpec, chip->flash + page / PAGE * PAGE, PAGE);
    } else if (what == CR_MER && (read_protected(fpec) || fpec->wrpr != 0xFFFFFFFF)) {
        fail(fpec, SR_WRPRTERR);
    } else if (what == CR_MER) {
        erase(fpec, chip->flash, chip->flash_size);
    } else if (what == CR_OPTER && fpec->cr & CR_OPTWRE) {
        erase(fpec, fpec->option, OPTION_BYTES);
    } else {
        rule(fpec, "STRT without exactly one of PER, MER, OPTER (and OPTWRE)");
    }
}

static void write_cr(struct fpec *fpec, uint32_t value)
{
    if (fpec->cr & CR_LOCK) {
        if (value != fpec->cr)
            rule(fpec, "FLASH_CR written while locked");
        return;
    }
    if (fpec->busy_until) {
        rule(fpec, "FLASH_CR written while BSY");
        return;
    }
    uint32_t keep = fpec->cr & CR_OPTWRE & value;       /* cleared by writing 0 */
    fpec->cr = (value & CR_BITS) | keep;
    if (value & CR_LOCK)
        fpec->cr |= CR_LOCK;
    else if (value & CR_STRT) {
        fpec->cr |= CR_STRT;
        start(fpec);
        if (!fpec->busy_until)
            fpec->cr &= ~(uint32_t)CR_STRT;
    }
    update_irq(fpec);
}

static uint32_t read_sr(struct fpec *fpec)
{
    sim_time visible = fpec->started + 2 * rcc_hclk(fpec->f103->rcc);
    bool busy = fpec->busy_until && fpec->f103->sim->now >= visible;
    return fpec->sr | (busy ? SR_BSY : 0);
}

static void write_acr(struct fpec *fpec, uint32_t value)
{
    if ((value & ACR_LATENCY) > 2)
        rule(fpec, "FLASH_ACR.LATENCY above 2");
    bool prefetch_too = (value ^ fpec->acr) & ACR_PRFTBE;
    fpec->acr = (value & (ACR_LATENCY | ACR_HLFCYA | ACR_PRFTBE)) |
                (value & ACR_PRFTBE ? ACR_PRFTBS : 0);
    rcc_flash_latency_changed(fpec->f103->rcc, prefetch_too);
}

static uint32_t fpec_read(void *ctx, uint32_t reg)
{
    struct fpec *fpec = ctx;
    catch_up(fpec);
    switch (reg) {
    case ACR:  return fpec->acr;
    case KEYR:
    case OPTKEYR: return 0;
    case SR:   return read_sr(fpec);
    case CR:   return fpec->cr;
    case AR:   return fpec->ar;
    case OBR:  return fpec->obr;
    case WRPR: return fpec->wrpr;
    }
    f103_report(fpec->f103, SIM_UNMODELLED, "FLASH+0x%02X read", reg);
    return 0;
}

static void fpec_write(void *ctx, uint32_t reg, uint32_t value)
{
    struct fpec *fpec = ctx;
    catch_up(fpec);
    switch (reg) {
    case ACR:     write_acr(fpec, value); return;
    case KEYR:    write_key(fpec, value); return;
    case OPTKEYR: write_option_key(fpec, value); return;
    case SR:
        fpec->sr &= ~(value & (SR_PGERR | SR_WRPRTERR | SR_EOP));
        update_irq(fpec);
        return;
    case CR:      write_cr(fpec, value); return;
    case AR:
        if (fpec->busy_until)
            rule(fpec, "FLASH_AR written while BSY");
        else
            fpec->ar = value;
        return;
    }
    f103_report(fpec->f103, SIM_FORGIVEN, "FLASH+0x%02X is not for writing", reg);
}

/* --- reset and power -------------------------------------------------------------- */

/* An operation in progress is broken off by a reset as by a loss of power. */
void fpec_reset(struct fpec *fpec)
{
    interrupt_operation(fpec);
    fpec->acr = ACR_PRFTBE | ACR_PRFTBS;
    fpec->sr = 0;
    fpec->cr = CR_LOCK;
    fpec->ar = 0;
    fpec->key_step = fpec->option_key_step = 0;
    fpec->jammed = false;
    load_options(fpec);
    update_irq(fpec);
}

void fpec_power(struct fpec *fpec, bool on)
{
    if (!on)
        interrupt_operation(fpec);
}

/* Option bytes as delivered: open, no write protection, software watchdog. */
static const uint8_t delivered[OPTION_BYTES] = {
    RDPRT, 0x5A, 0xFF, 0x00, 0xFF, 0x00, 0xFF, 0x00,
    0xFF, 0x00, 0xFF, 0x00, 0xFF, 0x00, 0xFF, 0x00,
};

void fpec_new(struct f103 *f103)
{
    struct fpec *fpec = calloc(1, sizeof *fpec);
    f103->fpec = fpec;
    fpec->f103 = f103;
    fpec->old = malloc(128 * 1024);
    memcpy(fpec->option, delivered, OPTION_BYTES);
    fpec->acr = ACR_PRFTBE | ACR_PRFTBS;
    fpec->cr = CR_LOCK;
    load_options(fpec);
    alarm_init(&fpec->done, done, fpec);
    f103_add_block(f103, &(struct block){
        .name = "FLASH", .base = 0x40022000, .size = 0x400, .bridge = ON_AHB,
        .enable_bit = -1, .access = WORDS_ONLY, .read = fpec_read, .write = fpec_write,
        .ctx = fpec });
    bus_add(f103->bus, &(struct bus_region){
        .base = 0x1FFFF800, .size = OPTION_BYTES, .name = "option bytes",
        .memory = fpec->option, .write = option_write, .ctx = fpec,
        .busy_until = &fpec->busy_until });
}

void fpec_free(struct fpec *fpec)
{
    alarm_cancel(fpec->f103->sim, &fpec->done);
    free(fpec->old);
    free(fpec);
}
