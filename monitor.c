/* monitor.c - `monitor` commands: what a user types at gdb for the probe itself.
 *
 *   (gdb) monitor swd_scan
 *   1  ATSAMD21G18A          Cortex-M0+
 *
 * A command is a row in a table.  Any beginning of a name will do as long as only one command
 * has it.  What is typed behind it is used, or its line in `help` is the answer.
 *
 * Rules: what goes wrong is explained here, in words that say what to try; the error that
 * is returned only makes gdb stop a script.  What takes long says that it is alive. */
#include "monitor.h"
#include "adi.h"
#include "board.h"
#include "cdc.h"
#include "clock.h"
#include "crash.h"
#include "gdb_remote.h"
#include "gdb_server.h"
#include "hex.h"
#include "print.h"
#include "rtt.h"
#include "say.h"
#include "semihost.h"
#include "swo.h"
#include "wire.h"
#include "target.h"
#include "uart.h"
#include "watch.h"

/* Commands share one type, and not each has arguments. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

enum { WORDS_MAX = 12, SHOW_EVERY_MS = 500 };
enum { MISUSED = -1 };                  /* a command's result: its help line is the answer */

/* The words behind the command that are numbers, up to the first that is none. */
static struct { int count; uint32_t value[WORDS_MAX]; } number;

/* Words.  A name may be several: "swd_scan|auto_scan". */
enum match { DIFFERENT, BEGINNING, WHOLE };

static enum match compare(const char *name, const char *word)
{
    enum match match = DIFFERENT;

    for (;;) {
        const char *w = word;
        while (*w != '\0' && *name == *w)
            name++, w++;
        if (*w == '\0') {
            if (*name == '\0' || *name == '|')
                return WHOLE;
            match = BEGINNING;
        }
        while (*name != '\0' && *name != '|')
            name++;
        if (*name++ == '\0')
            return match;
    }
}

static bool append_digit(uint32_t *value, uint32_t base, uint32_t digit)
{
    return !__builtin_mul_overflow(*value, base, value) &&
           !__builtin_add_overflow(*value, digit, value);
}

/* "4000000", "0x1000", "4M", "500k", "2.5M": decimals only count before k and M. */
static bool read_number(const char *text, uint32_t *value)
{
    uint32_t n = 0, base = 10;
    int decimals = -1;                  /* -1: no point yet */

    if (text[0] == '0' && (text[1] | 0x20) == 'x') {
        base = 16;
        text += 2;
    }
    if (hex_digit((uint8_t)*text) < 0)
        return false;
    for (; *text != '\0'; text++) {
        uint32_t digit = (uint32_t)hex_digit((uint8_t)*text);
        if (digit < base && append_digit(&n, base, digit))
            decimals += decimals >= 0;
        else if (*text == '.' && base == 10 && decimals < 0)
            decimals = 0;
        else
            break;
    }
    int zeros = (*text | 0x20) == 'm' ? 6 : (*text | 0x20) == 'k' ? 3 : 0;
    if (text[zeros > 0] != '\0')
        return false;
    for (zeros -= decimals > 0 ? decimals : 0; zeros > 0; zeros--)
        if (!append_digit(&n, 10, 0))
            return false;
    if (zeros < 0)
        return false;
    *value = n;
    return true;
}

/* "o" could be either. */
static bool read_switch(const char *text, bool *on)
{
    bool off = compare("disable|off|0", text) != DIFFERENT;

    *on = compare("enable|on|1", text) != DIFFERENT;
    return *on != off;
}

/* The probe itself. */
static int run_version(int argc, const char **argv)
{
    say("Pillbug " VERSION " on %s, %u MHz%s, up %u s\n",
        BOARD == BOARD_STLINK ? "an ST-Link clone" : "a Blue Pill",
        (unsigned)clock_hz() / 1000000,
        clock_from_crystal() ? "" : " (no crystal: USB may fail)",
        (unsigned)clock_ms() / 1000);
    if (crash_reset_flags() & RESET_BY_WATCHDOG)
        say("It was last started by its watchdog.\n");
    if (crash.magic == CRASH_MAGIC && crash.count > 0)
        say("Crashes: %u.  Please report the last: exception %u, pc 0x%08x, "
            "lr 0x%08x, cfsr 0x%08x, bfar 0x%08x\n", (unsigned)crash.count,
            (unsigned)crash.exception, (unsigned)crash.pc, (unsigned)crash.lr,
            (unsigned)crash.cfsr, (unsigned)crash.bfar);
    return OK;
}

static int run_frequency(int argc, const char **argv)
{
    if (argc > 1) {
        if (number.value[0] == 0)
            return MISUSED;
        if (wire_owner() == WIRE_DAP)
            return ERR_WIRE_TAKEN;      /* it would be that host's frequency */
        wire_set_frequency(number.value[0]);
    }
    say("SWCLK is %u Hz\n", (unsigned)wire_frequency());
    return OK;
}

static int run_wire(int argc, const char **argv)
{
    const struct adi_counters *c = adi_counters();

    if (argc > 1) {
        if (compare("free", argv[1]) == DIFFERENT)
            return MISUSED;
        wire_release(WIRE_DAP);
    }
    if (wire_owner() == WIRE_DAP)
        say("%s.\n", error_text(ERR_WIRE_TAKEN));
    say("DPIDR 0x%08x, TARGETID 0x%08x\nLong WAITs %u, FAULT %u, parity errors %u, "
        "no answer %u, mended %u\n", (unsigned)adi_dpidr(),
        (unsigned)adi_targetid(), (unsigned)c->waits, (unsigned)c->faults,
        (unsigned)c->parity, (unsigned)c->silent, (unsigned)c->recoveries);
    return run_frequency(1, argv);
}

/* [AP] ADDRESS [VALUE]: both registers of the same kind. */
static int run_register(int argc, const char **argv)
{
    bool is_ap = argv[0][0] == 'a';
    const uint32_t *n = number.value + is_ap;
    int given = number.count - is_ap, error;
    uint32_t value;

    if (given < 1 || argc - 1 != number.count || (number.value[0] | n[0]) > 0xFF || n[0] & 3)
        return MISUSED;
    uint8_t ap = (uint8_t)number.value[0], address = (uint8_t)n[0];
    if (given > 1)
        return is_ap ? adi_ap_write(ap, address, n[1]) : adi_dp_write(address, n[1]);
    error = is_ap ? adi_ap_read(ap, address, &value) : adi_dp_read(address, &value);
    if (error == OK)
        say("0x%08x\n", (unsigned)value);
    return error;
}

/* The error in 0.01 %: clock and divider * baud differ by that. */
static void show_uart(const struct line_coding *coding)
{
    const struct uart_counts *n = uart_counts();
    struct uart_plan plan;

    if (uart_plan(coding, &plan)) {
        uint32_t made = plan.divider * coding->baud;
        bool low = made > plan.clock;
        uint32_t error = (low ? made - plan.clock : plan.clock - made) / (made / 10000);
        say("True rate %u (%c%u.%02u %%)\n",
            (unsigned)((plan.clock + plan.divider / 2) / plan.divider),
            low ? '-' : '+', (unsigned)error / 100, (unsigned)error % 100);
    }
    say("RS-485 driver enable on RTS: %s\nErrors: framing %u, parity %u, "
        "overrun %u, bytes lost %u; breaks %u, codings refused %u\n",
        uart_rs485() ? "on" : "off", (unsigned)n->framing, (unsigned)n->parity,
        (unsigned)n->overrun, (unsigned)n->lost, (unsigned)n->breaks,
        (unsigned)n->refused);
}

/* [rs485 on | off] */
static int run_uart(int argc, const char **argv)
{
    static const char stops[][4] = { "1", "1.5", "2", "?" };
    const struct line_coding *coding = cdc_line_coding(CDC_UART);
    uint8_t lines = cdc_control_lines(CDC_UART);
    bool on;

    if (argc > 1) {
        if (argc < 3 || compare("rs485", argv[1]) == DIFFERENT || !read_switch(argv[2], &on))
            return MISUSED;
        if (!uart_set_rs485(on))
            return ERR_UNSUPPORTED;
    }
    say("Serial port %s: %u baud %u%c%s, DTR %u, RTS %u\n",
        cdc_open(CDC_UART) ? "open" : "closed", (unsigned)coding->baud,
        coding->bits, "NOEMS???"[coding->parity & 7], stops[coding->stop & 3],
        lines & 1u, lines >> 1 & 1u);
    show_uart(coding);
    return OK;
}

/* Targets. */
static int run_targets(int argc, const char **argv)
{
    int count = target_count();

    if (count == 0)
        say("%s.\n", error_text(ERR_NO_TARGET));
    for (int i = 0; i < count; i++) {
        const struct target_info *info = target_info(i);
        say("%u  %-20s Cortex-%-5s id 0x%08x  %u KB flash%s%s\n", (unsigned)i + 1, info->name,
            info->core, (unsigned)info->id, (unsigned)info->flash_size / 1024,
            info->attached ? "  attached" : "",
            info->locked ? "  LOCKED: `monitor erase_mass`" : "");
    }
    return OK;
}

static int run_swd_scan(int argc, const char **argv)
{
    if (target_attached())
        say("Detached for the scan.\n");
    gdb_detach();
    int error = target_scan();
    return error == OK ? run_targets(argc, argv) : error;
}

static int run_reset(int argc, const char **argv)
{
    const char *how = argc > 1 ? argv[1] : "halt";
    bool run = compare("run", how) != DIFFERENT, pin = compare("pin", how) != DIFFERENT;
    uint32_t ms = 10;

    if (!run && !pin && compare("halt", how) == DIFFERENT)
        return MISUSED;
    if (argc > 2 && (!pin || !read_number(argv[2], &ms) || ms > 1000))
        return MISUSED;
    if (pin) {
        wire_set_nrst(true);
        clock_wait_us(ms * 1000);
        wire_set_nrst(false);
    }
    if (!target_attached())
        return pin ? OK : ERR_NO_TARGET;
    rtt_forget();
    say(run ? "Running; gdb does not know: `continue`, then Ctrl-C.\n"
            : "Halted; to see the registers: `maintenance flush register-cache`.\n");
    return target_reset(pin, !run);
}

/* connect_rst, flash_skip. */
static int run_switch(int argc, const char **argv)
{
    bool *option = argv[0][0] == 'c' ? &target_options.connect_under_reset
                 : argv[0][0] == 'f' ? &target_options.flash_skip : &semihost_redirect;

    if (argc > 1 && !read_switch(argv[1], option))
        return MISUSED;
    say("%s: %s\n", argv[0], *option ? "on" : "off");
    return OK;
}

static int run_heapinfo(int argc, const char **argv)
{
    if (number.count != 4)
        return MISUSED;
    __builtin_memcpy(semihost_heap, number.value, sizeof semihost_heap);
    return OK;
}

static int run_halt_timeout(int argc, const char **argv)
{
    if (argc > 1) {
        if (number.value[0] - 1 >= 10000)
            return MISUSED;
        target_options.halt_timeout_ms = number.value[0];
    }
    say("A target gets %u ms to halt\n",
        (unsigned)target_options.halt_timeout_ms);
    return OK;
}

static int run_psize(int argc, const char **argv)
{
    uint32_t bits = argc > 1 ? number.value[0] : target_options.psize * 8u;

    if (bits != 8 && bits != 16 && bits != 32)
        return MISUSED;
    target_options.psize = (uint8_t)(bits / 8);
    say("%u bits at once\n", (unsigned)bits);
    return OK;
}

static int run_step_interrupts(int argc, const char **argv)
{
    static const char words[][7] = { "auto", "always", "never" };

    uint8_t mode = argc > 1 ? 0 : cortexm_step_interrupts;

    while (argc > 1 && compare(words[mode], argv[1]) == DIFFERENT)
        if (++mode == 3)
            return MISUSED;
    cortexm_step_interrupts = mode;
    say("Interrupts while stepping: %s\n", words[mode]);
    return OK;
}

/* DEMCR's vector catch bits, ARMv7-M C1.6.5. */
static const char vectors[][6] = {
    [0] = "reset", [4] = "mm", "nocp", "chk", "stat", "bus", "int", "hard"
};
enum { VECTORS = sizeof vectors / sizeof vectors[0], ALL_FAULTS = 0x7F0 };

/* 0: one of the words is none of them. */
static uint32_t find_vectors(int argc, const char **argv)
{
    uint32_t bits = argc > 0 ? 0 : ALL_FAULTS;

    for (int i = 0; i < argc; i++) {
        uint32_t found = compare("all", argv[i]) == WHOLE ? ALL_FAULTS | 1 : 0;
        for (int v = 0; v < VECTORS; v++)
            if (compare(vectors[v], argv[i]) == WHOLE)
                found = 1u << v;
        if (found == 0)
            return 0;
        bits |= found;
    }
    return bits;
}

static int run_vector_catch(int argc, const char **argv)
{
    uint32_t bits;
    bool on;
    int error = OK;

    if (!target_attached())
        return ERR_NO_TARGET;
    if (argc > 1) {
        bits = find_vectors(argc - 2, argv + 2);
        if (!read_switch(argv[1], &on) || bits == 0)
            return MISUSED;
        uint32_t before = cortexm_vector_catch();
        error = cortexm_set_vector_catch(on ? before | bits : before & ~bits);
    }
    bits = cortexm_vector_catch();
    say("Catching:");
    for (int v = 0; v < VECTORS; v++)
        if (bits >> v & 1)
            say(" %s", vectors[v]);
    say(bits == 0 ? " nothing\n" : "\n");
    return error;
}

/* Erasing. */
static int run_erase_mass(int argc, const char **argv)
{
    uint32_t show = clock_in_ms(SHOW_EVERY_MS);
    int error = flash_mass_erase();

    while (error == OK && (error = flash_poll()) == ERR_BUSY) {
        error = OK;
        watchdog_feed();
        if (clock_passed(show)) {
            say(".");
            show = clock_in_ms(SHOW_EVERY_MS);
        }
    }
    if (error == OK)
        say("Erased\n");
    return error;
}

static int run_erase_range(int argc, const char **argv)
{
    if (number.count != 2 || number.value[1] == 0)
        return MISUSED;
    if (!target_attached())
        return ERR_NO_TARGET;
    int error = gdb_erase_pages(number.value[0], number.value[1]);
    if (error == OK)
        say("Erased\n");
    return error;
}

/* Option bytes, fuses, numbers. */
static int run_option(int argc, const char **argv)
{
    struct option option;
    int error = OK;

    if (argc > 1) {
        bool erase = argc == 2 && compare("erase", argv[1]) != DIFFERENT;
        if (!erase && number.count != 2)
            return MISUSED;
        error = erase ? option_erase() : option_write(number.value[0], number.value[1]);
        if (error != OK)
            return error == ERR_RANGE ? MISUSED : error;
    }
    for (unsigned i = 0; (error = option_read(i, &option)) == OK; i++)
        say("0x%x: 0x%x%s\n", (unsigned)option.address, (unsigned)option.value,
            option.note);
    return error == ERR_RANGE ? OK : error;
}

static int run_uid(int argc, const char **argv)
{
    const char *before = "0x";
    uint32_t word;
    int error;

    for (unsigned i = 0; (error = chip_number(i, &word)) == OK; i++, before = "")
        say("%s%08x", before, (unsigned)word);
    if (error != ERR_RANGE)
        return error;
    say("\n");
    return OK;
}

/* lock_flash, unlock_flash; and `unlock`, which opens a locked chip by erasing it. */
static int run_lock_flash(int argc, const char **argv)
{
    int error = flash_lock(argv[0][0] == 'l');

    if (error == ERR_LOCKED && compare("unlock", argv[0]) == WHOLE)
        return run_erase_mass(1, argv);
    return error == OK ? run_option(1, argv) : error;
}

static int run_help(int argc, const char **argv);

/* "only": what the target's UART says is left out. */
static int run_rtt(int argc, const char **argv)
{
    enum { ENABLE, ONLY, DISABLE, STATUS, CHANNEL, WAYS };
    static const char ways[WAYS][10] = { "enable|on", "only", "disable", "status", "channel" };
    unsigned way = argc > 1 ? 0 : STATUS;

    while (way < WAYS && argc > 1 && compare(ways[way], argv[1]) == DIFFERENT)
        way++;
    if (way == WAYS || (argc > 2) != (way == CHANNEL))
        return MISUSED;
    if (way == CHANNEL && (!read_number(argv[2], number.value) || !rtt_set_channel(*number.value)))
        return MISUSED;
    if (way <= DISABLE) {
        rtt_set_mode(way == DISABLE ? RTT_OFF : RTT_ON);
        uart_mute(way == ONLY);
    }
    rtt_say_state();
    return OK;
}

/* NAME ADDRESS TYPE [HZ]. */
static int run_watch(int argc, const char **argv)
{
    uint32_t address, bits, hz = 10;

    if (argc == 2 && compare("clear", argv[1]) != DIFFERENT) {
        watch_clear();
        return OK;
    }
    return argc >= 4 && read_number(argv[2], &address) && read_number(argv[3] + 1, &bits) &&
           (argc == 4 || read_number(argv[4], &hz)) &&
           watch_add(argv[1], address, argv[3][0], bits, hz) ? OK : MISUSED;
}

/* A bare `traceswo` is an old guide's, and means enable.  Ports: all of them if none is named. */
static int run_swo(int argc, const char **argv)
{
    enum { DISABLE = 1, DECODE = 2, SETUP = 4, MANCHESTER = 8, WAYS = 32 };
    static const char ways[][12] = { "disable|off", "decode", "setup", "manchester",
                                     "enable|uart" };
    uint32_t hz = 0, baud = SWO_FASTEST, ports = 0, n;
    unsigned asked = 0;

    for (int i = 1; i < argc; i++) {
        if (!read_number(argv[i], &n)) {
            const char (*way)[12] = ways;
            for (n = 1; compare(*way, argv[i]) == DIFFERENT; way++)
                if ((n <<= 1) == WAYS)
                    return MISUSED;
            asked |= n;
        } else if (asked & DECODE) {
            if (n > 31)
                return MISUSED;
            ports |= 1u << n;
        } else {
            hz = baud;
            baud = n;
        }
    }
    if (asked & MANCHESTER)
        return say("NRZ only.\n"), ERR_UNSUPPORTED;
    if (asked & SETUP)
        return argc != 4 ? MISUSED : target_attached() ? swo_set_up(hz, baud) : ERR_NO_TARGET;
    if (asked & DISABLE)
        swo_stop();
    else if (argc > 1 || argv[0][0] == 't')
        if (!swo_receive(baud, asked & DECODE && !ports ? ~0u : ports))
            return MISUSED;
    swo_say_state();
    return OK;
}

/* Packed: there are many. */
struct __attribute__((packed)) command {
    const char *name;                   /* and behind its 0 the help */
    int (*run)(int argc, const char **argv);    /* prints through say() */
    uint8_t most;                       /* words behind the name */
};

/* Without a function, a command is not in the list and only says its text, which begins with a
 * blank, or with '!' when it has failed. */
static const struct command commands[] = {
    { "help\0this list", run_help, 0 },
    { "version\0firmware, board, last crash", run_version, 0 },
    { "swd_scan|swdp_scan|auto_scan\0find targets", run_swd_scan, 0 },
    { "targets\0show them again", run_targets, 0 },
    { "reset\0[halt | run | pin [MS]]", run_reset, 2 },
    { "frequency\0[HZ] of SWCLK, as in 4000000, 4M or 500k", run_frequency, 1 },
    { "connect_rst|connect_srst\0[enable | disable] scan under reset", run_switch, 1 },
    { "flash_skip\0[enable | disable] load leaves good pages alone", run_switch, 1 },
    { "halt_timeout\0[MS], 1 to 10000", run_halt_timeout, 1 },
    { "psize\0[32 | 16 | 8] bits at once to STM32F2, F4, F7: 2.7, 2.1, 1.8 V",
      run_psize, 1 },
    { "step_interrupts\0[auto | always | never]", run_step_interrupts, 1 },
    { "vector_catch\0[enable | disable [all hard int bus stat chk nocp mm reset]]",
      run_vector_catch, 10 },
    { "erase_mass\0erase the whole flash", run_erase_mass, 0 },
    { "erase_range\0ADDRESS LENGTH of flash, in whole pages", run_erase_range, 2 },
    { "option|user_row\0[ADDRESS VALUE | erase] option bytes, fuses: show, set, reset",
      run_option, 2 },
    { "uid|serial|readuid\0the chip's own number", run_uid, 0 },
    { "lock_flash|unlock_flash\0all regions, until reset (SAM)", run_lock_flash, 0 },
    { "wire\0[free] state of SWD; take it from a CMSIS-DAP host", run_wire, 1 },
    { "dpreg\0ADDRESS [VALUE]", run_register, 2 },
    { "apreg\0AP ADDRESS [VALUE]", run_register, 3 },
    { "uart\0[rs485 on | off] state of the serial port; RTS as driver enable", run_uart, 2 },
    { "rtt\0[enable | only | disable | channel N] by the second port", run_rtt, 2 },
    { "watch\0NAME ADDRESS u8|i16|u32|f32... [HZ] | clear", run_watch, 4 },
    { "redirect_stdout\0[enable | disable] semihosting's text to the second port", run_switch,
      1 },
    { "heapinfo\0HEAP LIMIT STACK LIMIT, for semihosting", run_heapinfo, 4 },
    { "jtag_scan\0!This firmware speaks SWD only: `monitor swd_scan`.\n", 0, 0 },
    { "swo|traceswo\0[enable | disable] [BAUD] [decode [CH ...]] | setup HZ BAUD", run_swo,
      WORDS_MAX - 1 },
    { "morse|tdi_low_reset|tpwr\0 Not in this firmware yet, or not on this board.\n", 0, 0 },
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static const char *help_of(const struct command *c)
{
    const char *help = c->name;

    while (*help++ != '\0')
        ;
    return help;
}

static int run_help(int argc, const char **argv)
{
    for (const struct command *c = commands; c < commands + COMMANDS; c++)
        if (c->run)
            say("%-13s %s\n", c->name, help_of(c));
    return OK;
}

/* One command, whole or as the only one that begins so. */
static const struct command *find_command(const char *word)
{
    const struct command *c, *found = 0;
    bool several = false;

    for (c = commands; c < commands + COMMANDS; c++) {
        enum match match = compare(c->name, word);
        if (match == WHOLE)
            return c;
        if (match == DIFFERENT)
            continue;
        several |= found != 0;
        found = c;
    }
    if (found == 0)
        say("No command `%s`: `monitor help` lists them.\n", word);
    if (!several)
        return found;
    say("`%s` may be", word);
    for (c = commands; c < commands + COMMANDS; c++)
        if (compare(c->name, word) != DIFFERENT)
            say(" %s", c->name);
    say("\n");
    return 0;
}

static int split(char *line, const char **words)
{
    int count = 0;

    while (count < WORDS_MAX) {
        while (*line != '\0' && *line <= ' ')
            *line++ = '\0';
        if (*line == '\0')
            break;
        words[count++] = line;
        for (; *line > ' '; line++)
            if (*line > '~')
                *line = '?';            /* else print.c would take it for one of its own */
    }
    return count;
}

static int carry_out(const struct command *c, int count, const char **words)
{
    if (c->run == 0) {
        say("%s", help_of(c) + 1);
        return *help_of(c) == '!' ? ERR_UNSUPPORTED : OK;
    }
    number.count = 0;
    number.value[0] = 0;
    while (number.count + 1 < count &&
           read_number(words[number.count + 1], &number.value[number.count]))
        number.count++;
    int error = count - 1 > c->most ? MISUSED : c->run(count, words);
    if (error == MISUSED) {
        say("Usage: monitor %s %s\n", c->name, help_of(c));
        return ERR_RANGE;
    }
    if (error != OK)
        say("Failed: %s.\n", error_text(error));
    return error;
}

int monitor_run(char *line)
{
    const char *words[WORDS_MAX] = { "help" };
    int count = split(line, words);
    const struct command *c = find_command(words[0]);

    return c == 0 ? ERR_UNSUPPORTED : carry_out(c, count, words);
}
