/* tim1_out.c - TIM1's output stage: from OCnREF to the pins CHn and CHnN.
 *
 *   called by  tim.c      calls  gpio.c, tim.c (a break)
 *
 *   OC1REF --+--> dead time --> CC1P ---> OC1   CH1
 *            +--> dead time --> CC1NP --> OC1N  CH1N         MOE, OSSR, OSSI, OISn say
 *   BKIN ------> MOE = 0                                     who drives, and what
 *
 * The timer tells every change of OCnREF and of the registers that matter here; level_of()
 * is table 83 of RM0008 (14.4.9).  With both outputs of a channel on, each change of
 * OCnREF switches one off at once and the other on when the dead time is over.
 *
 * BDTR lives here, with its locks: what is locked stays as it is, and that is forgiven.
 * Not modelled: a clock failure (CSS) as a source of the break; BKE and BKP take effect
 * at once, not an APB clock later.
 *
 * Source: RM0008 14.3.11 to 14.3.14, 14.4.18, 9.3.7 (remapping). */
#include "f103.h"
#include <stdlib.h>

enum {
    DTG = 0xFF, LOCK = 3 << 8, OSSI = 1 << 10, OSSR = 1 << 11, BKE = 1 << 12, BKP = 1 << 13,
    AOE = 1 << 14, MOE = 1 << 15,
};
enum { PLAIN, COMPLEMENT };
enum { PORT_E = 64 };               /* not bonded in this package */

/* [remap][channel]; channel 4 has no complement. */
static const uint8_t main_pins[4][4] = {
    { PA + 8, PA + 9, PA + 10, PA + 11 }, { PA + 8, PA + 9, PA + 10, PA + 11 },
    { PA + 8, PA + 9, PA + 10, PA + 11 }, { PORT_E + 9, PORT_E + 11, PORT_E + 13, PORT_E + 14 },
};
static const uint8_t complement_pins[4][3] = {
    { PB + 13, PB + 14, PB + 15 }, { PA + 7, PB + 0, PB + 1 },
    { PB + 13, PB + 14, PB + 15 }, { PORT_E + 8, PORT_E + 10, PORT_E + 12 },
};
static const uint8_t break_pins[4] = { PB + 12, PA + 6, PB + 12, PORT_E + 15 };
static const char *const names[2][4] = {
    { "TIM1_CH1", "TIM1_CH2", "TIM1_CH3", "TIM1_CH4" },
    { "TIM1_CH1N", "TIM1_CH2N", "TIM1_CH3N", NULL },
};

struct channel {
    struct tim1_out *out;
    bool driven[2];                 /* PLAIN, COMPLEMENT */
    uint8_t pin[2];
    struct alarm dead;              /* set: within the dead time, both are inactive */
};

struct tim1_out {
    struct f103 *f103;
    struct channel channel[4];
    struct tim1_stage now;
    uint32_t bdtr;
    bool lock_written;
    uint8_t break_pin;
    bool listens;
};

/* --- levels ----------------------------------------------------------------------- */

struct output { bool drives, level; };

static unsigned enable_bits(const struct tim1_out *out, int n)
{
    return out->now.ccer >> 4 * n & (n == 3 ? 3 : 0xF);
}

static bool uses_both(const struct tim1_out *out, int n)
{
    return (enable_bits(out, n) & 5) == 5;
}

/* RM0008 14.4.9, the table of output control bits. */
static struct output level_of(const struct tim1_out *out, int n, int which)
{
    unsigned bits = enable_bits(out, n), own = bits >> 2 * which & 3;
    bool on = own & 1, inverted = own & 2, other = bits >> 2 * !which & 1;
    bool dead = alarm_is_set(&out->channel[n].dead);
    if (!out->now.output[n])
        return (struct output){ false, false };
    if (!(out->bdtr & MOE)) {               /* the idle state is a level, not a sense */
        bool idle = out->now.cr2 >> (8 + 2 * n + which) & 1;
        return (struct output){ out->bdtr & OSSI && (on || other), dead ? inverted : idle };
    }
    if (!on)
        return (struct output){ out->bdtr & OSSR && other, inverted };
    bool active = out->now.ref[n] != (which == COMPLEMENT && other);
    return (struct output){ true, (active && !dead) != inverted };
}

static void drive_channel(struct tim1_out *out, int n)
{
    struct gpio *gpio = out->f103->gpio;
    struct channel *c = &out->channel[n];
    for (int which = PLAIN; which <= (n == 3 ? PLAIN : COMPLEMENT); which++) {
        struct output output = level_of(out, n, which);
        if (output.drives)
            gpio_af_output(gpio, c->pin[which], output.level);
        if (output.drives != c->driven[which])
            gpio_af_claim(gpio, c->pin[which], output.drives ? names[which][n] : NULL);
        c->driven[which] = output.drives;
    }
}

static void drive_all(struct tim1_out *out)
{
    for (int n = 0; n < 4; n++)
        drive_channel(out, n);
}

bool tim1_out_drives(const struct tim1_out *out)
{
    bool any = false;
    for (int n = 0; n < 4; n++)
        any |= out->channel[n].driven[PLAIN] || out->channel[n].driven[COMPLEMENT];
    return any;
}

/* --- dead time -------------------------------------------------------------------- */

/* BDTR.DTG, in cycles of tDTS. */
static unsigned dead_cycles(uint32_t dtg)
{
    if (!(dtg & 0x80))
        return dtg & 0x7F;
    if (!(dtg & 0x40))
        return (64 + (dtg & 0x3F)) * 2;
    return (32 + (dtg & 0x1F)) * (dtg & 0x20 ? 16 : 8);
}

static void begin_dead_time(struct tim1_out *out, int n)
{
    sim_time dead = dead_cycles(out->bdtr & DTG) * out->now.tdts;
    alarm_cancel(out->f103->sim, &out->channel[n].dead);
    if (dead && n < 3)
        alarm_set(out->f103->sim, &out->channel[n].dead, out->f103->sim->now + dead);
}

static void dead_time_is_over(void *ctx)
{
    struct channel *c = ctx;
    drive_channel(c->out, (int)(c - c->out->channel));
}

void tim1_out_update(struct tim1_out *out, const struct tim1_stage *now)
{
    struct tim1_stage before = out->now;
    out->now = *now;
    for (int n = 0; n < 4; n++) {
        if (now->ref[n] != before.ref[n] && out->bdtr & MOE && uses_both(out, n))
            begin_dead_time(out, n);
        drive_channel(out, n);
    }
}

/* --- break ------------------------------------------------------------------------ */

static bool break_is_active(const struct tim1_out *out)
{
    return out->bdtr & BKE &&
           gpio_level(out->f103->gpio, out->break_pin) == !!(out->bdtr & BKP);
}

bool tim1_out_break_held(const struct tim1_out *out) { return break_is_active(out); }

/* Outputs go to their idle states, those in pairs after a dead time. */
void tim1_out_break(struct tim1_out *out)
{
    bool ran = out->bdtr & MOE;
    out->bdtr &= ~(uint32_t)MOE;
    for (int n = 0; n < 3; n++)
        if (ran && out->bdtr & OSSI)
            begin_dead_time(out, n);
    drive_all(out);
    tim_break(out->f103->tim[0]);
}

static void break_pin_changed(void *ctx, int pin, int level)
{
    struct tim1_out *out = ctx;
    (void)pin;
    (void)level;
    if (break_is_active(out))
        tim1_out_break(out);
}

static void listen(struct tim1_out *out)
{
    bool wanted = out->bdtr & BKE;
    if (wanted && !out->listens)
        gpio_listen(out->f103->gpio, out->break_pin, break_pin_changed, out);
    if (!wanted && out->listens)
        gpio_unlisten(out->f103->gpio, out->break_pin, break_pin_changed, out);
    out->listens = wanted;
}

void tim1_out_update_event(struct tim1_out *out)
{
    if (!(out->bdtr & AOE) || out->bdtr & MOE || break_is_active(out))
        return;
    out->bdtr |= MOE;
    drive_all(out);
}

/* --- registers -------------------------------------------------------------------- */

uint32_t tim1_out_bdtr(const struct tim1_out *out) { return out->bdtr; }

/* What remains of a value that locked bits keep from `before`. */
static uint32_t keep(struct tim1_out *out, const char *name, uint32_t locked,
                     uint32_t before, uint32_t value)
{
    if ((before ^ value) & locked)
        f103_report(out->f103, SIM_FORGIVEN, "TIM1: %s is locked, level %u (BDTR.LOCK)", name,
                    out->bdtr >> 8 & 3);
    return (value & ~locked) | (before & locked);
}

void tim1_out_write_bdtr(struct tim1_out *out, uint32_t value)
{
    unsigned level = out->bdtr >> 8 & 3;
    uint32_t locked = (level >= 1 ? DTG | BKE | BKP | AOE : 0) | (level >= 2 ? OSSR | OSSI : 0);
    bool moe = out->bdtr & MOE;
    if (out->lock_written)                  /* LOCK can be written once */
        value = (value & ~(uint32_t)LOCK) | (out->bdtr & LOCK);
    out->lock_written = true;
    out->bdtr = keep(out, "BDTR", locked, out->bdtr, value & 0xFFFF);
    listen(out);
    if (break_is_active(out)) {
        tim1_out_break(out);
        return;
    }
    for (int n = 0; n < 3; n++)
        if (moe && !(out->bdtr & MOE) && out->bdtr & OSSI)
            begin_dead_time(out, n);
    drive_all(out);
}

/* 14.4.18: OISn from level 1, the polarities from 2, OCnM and OCnPE from 3; the latter two
 * only of channels that are outputs. */
uint32_t tim1_out_lock_cr2(struct tim1_out *out, uint32_t before, uint32_t value)
{
    return keep(out, "CR2", out->bdtr & LOCK ? 0x7F00 : 0, before, value);
}

uint32_t tim1_out_lock_ccer(struct tim1_out *out, uint32_t before, uint32_t value)
{
    uint32_t locked = 0;
    for (int n = 0; n < 4; n++)
        if ((out->bdtr >> 8 & 3) >= 2 && out->now.output[n])
            locked |= (n == 3 ? 2u : 0xAu) << 4 * n;
    return keep(out, "CCER", locked, before, value);
}

uint32_t tim1_out_lock_ccmr(struct tim1_out *out, int half, uint32_t before, uint32_t value)
{
    uint32_t locked = 0;
    for (int n = 0; n < 2; n++)
        if ((out->bdtr & LOCK) == LOCK && out->now.output[2 * half + n])
            locked |= 0x78u << 8 * n;
    return keep(out, half ? "CCMR2" : "CCMR1", locked, before, value);
}

/* --- life ------------------------------------------------------------------------- */

static void let_go(struct tim1_out *out)
{
    for (int n = 0; n < 4; n++)
        for (int which = PLAIN; which <= COMPLEMENT; which++) {
            struct channel *c = &out->channel[n];
            if (c->driven[which])
                gpio_af_claim(out->f103->gpio, c->pin[which], NULL);
            c->driven[which] = false;
        }
    if (out->listens)
        gpio_unlisten(out->f103->gpio, out->break_pin, break_pin_changed, out);
    out->listens = false;
}

void tim1_out_remap(struct tim1_out *out, unsigned map)
{
    let_go(out);
    for (int n = 0; n < 4; n++) {
        out->channel[n].pin[PLAIN] = main_pins[map][n];
        if (n < 3)
            out->channel[n].pin[COMPLEMENT] = complement_pins[map][n];
    }
    out->break_pin = break_pins[map];
    listen(out);
    drive_all(out);
}

void tim1_out_reset(struct tim1_out *out)
{
    for (int n = 0; n < 4; n++)
        alarm_cancel(out->f103->sim, &out->channel[n].dead);
    let_go(out);
    out->bdtr = 0;
    out->lock_written = false;
    out->now = (struct tim1_stage){ .output = { true, true, true, true } };
}

struct tim1_out *tim1_out_new(struct f103 *f103)
{
    struct tim1_out *out = calloc(1, sizeof *out);
    out->f103 = f103;
    for (int n = 0; n < 4; n++) {
        out->channel[n].out = out;
        alarm_init(&out->channel[n].dead, dead_time_is_over, &out->channel[n]);
    }
    tim1_out_remap(out, 0);
    tim1_out_reset(out);
    return out;
}

void tim1_out_free(struct tim1_out *out)
{
    if (!out)
        return;
    for (int n = 0; n < 4; n++)
        alarm_cancel(out->f103->sim, &out->channel[n].dead);
    free(out);
}
