/* monitor.c - `monitor` commands: what a user types at gdb for the probe itself.
 *
 *   (gdb) monitor swd_scan
 *   1  ATSAMD21G18A          Cortex-M0+
 *
 * A command is a row in a table; the attached chip's family brings rows of its own.  Any
 * beginning of a name will do as long as only one command has it.
 *
 *   called by  gdb_remote.c (qRcmd), layer 4 (monitor_print)
 *   calls      gdb_remote.c (gdb_console), target.c, cortexm.c, adi.c, swd.c, clock.c
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
#include "hex.h"
#include "print.h"
#include "swd.h"
#include "target.h"

enum { WORDS_MAX = 8, LINE_MAX = 160, SHOW_EVERY_MS = 500, CTRL_C = 0x03 };

void monitor_print(const char *format, ...)
{
    char text[LINE_MAX];
    va_list list;

    va_start(list, format);
    int length = print_list(text, sizeof text, format, list);
    va_end(list);
    gdb_console(text, length);
}

static int failed(int error)
{
    if (error != OK)
        monitor_print("Failed: %s.\n", error_text(error));
    return error;
}

static int misused(const char *usage)
{
    monitor_print("Usage: monitor %s\n", usage);
    return ERR_RANGE;
}

static int need_target(void)
{
    return failed(target_attached() ? OK : ERR_NO_TARGET);
}

/* Words. */
static bool begins_with(const char *name, const char *start)
{
    while (*start != '\0' && *name == *start)
        name++, start++;
    return *start == '\0';
}

static bool is_word(const char *word, const char *other)
{
    return begins_with(word, other) && begins_with(other, word);
}

/* "4000000", "0x1000", "4M", "500k", "2.5M": decimals only count before k and M. */
static bool read_number(const char *text, uint32_t *value)
{
    uint32_t base = 10, whole = 0, scale = 1, parts = 1;
    bool fraction = false;

    if (text[0] == '0' && (text[1] | 0x20) == 'x') {
        base = 16;
        text += 2;
    }
    if (hex_digit((uint8_t)*text) < 0)
        return false;
    for (; *text != '\0'; text++) {
        uint32_t digit = (uint32_t)hex_digit((uint8_t)*text);
        if (*text == '.' && base == 10 && !fraction) {
            fraction = true;
            continue;
        }
        if (digit >= base)
            break;
        if (whole > (0xFFFFFFFF - digit) / base || parts > 1000000)
            return false;
        whole = whole * base + digit;
        parts *= fraction ? 10 : 1;
    }
    if ((*text | 0x20) == 'k')
        scale = 1000, text++;
    else if ((*text | 0x20) == 'm')
        scale = 1000000, text++;
    /* More decimals than the suffix has zeros are no whole number. */
    if (*text != '\0' || parts > scale || whole > 0xFFFFFFFF / (scale / parts))
        return false;
    *value = whole * (scale / parts);
    return true;
}

/* "enable", "on", "1", ...: any beginning of the long words. */
static bool read_switch(const char *text, bool *on)
{
    *on = is_word(text, "1") || is_word(text, "on") || begins_with("enable", text);
    return *on || is_word(text, "0") || is_word(text, "off") ||
           begins_with("disable", text);
}

/* The probe itself. */
static int run_version(int argc, const char **argv)
{
    (void)argc, (void)argv;
    monitor_print("Pillbug " VERSION " on %s, %lu MHz%s, up %lu s\n",
                  BOARD == BOARD_STLINK ? "an ST-Link clone" : "a Blue Pill",
                  (unsigned long)(clock_hz() / 1000000),
                  clock_from_crystal() ? "" : " (no crystal: USB may fail)",
                  (unsigned long)(clock_ms() / 1000));
    if (crash_reset_flags() & RESET_BY_WATCHDOG)
        monitor_print("It was last started by its watchdog.\n");
    if (crash.magic == CRASH_MAGIC && crash.count > 0)
        monitor_print("%lu crash(es) since power-on. The last: exception %lu, pc 0x%08lx,"
                      " lr 0x%08lx, cfsr 0x%08lx, bfar 0x%08lx. Please report it.\n",
                      (unsigned long)crash.count, (unsigned long)crash.exception,
                      (unsigned long)crash.pc, (unsigned long)crash.lr,
                      (unsigned long)crash.cfsr, (unsigned long)crash.bfar);
    return OK;
}

static int run_frequency(int argc, const char **argv)
{
    uint32_t hz;

    if (argc > 1 && (!read_number(argv[1], &hz) || hz == 0))
        return misused("frequency [Hz], as in 4000000, 4M or 500k");
    if (argc > 1)
        swd_set_frequency(hz);
    monitor_print("SWCLK is %lu Hz\n", (unsigned long)swd_frequency());
    return OK;
}

static int run_wire(int argc, const char **argv)
{
    const struct adi_counters *c = adi_counters();
    (void)argc, (void)argv;

    monitor_print("SWCLK %lu Hz, DPIDR 0x%08lx, TARGETID 0x%08lx\n",
                  (unsigned long)swd_frequency(), (unsigned long)adi_dpidr(),
                  (unsigned long)adi_targetid());
    monitor_print("Since the scan: %lu WAIT, %lu FAULT, %lu parity errors, %lu without an"
                  " answer, mended %lu times\n", (unsigned long)c->waits,
                  (unsigned long)c->faults, (unsigned long)c->parity,
                  (unsigned long)c->silent, (unsigned long)c->recoveries);
    return OK;
}

static int show_register(int error, const uint32_t *value)
{
    if (error == OK)
        monitor_print("0x%08lx\n", (unsigned long)*value);
    return failed(error);
}

static int run_dpreg(int argc, const char **argv)
{
    uint32_t address, value;

    if (argc < 2 || !read_number(argv[1], &address) || address > 0xFF ||
        (argc > 2 && !read_number(argv[2], &value)))
        return misused("dpreg ADDRESS [VALUE]");
    if (argc > 2)
        return failed(adi_dp_write((uint8_t)address, value));
    return show_register(adi_dp_read((uint8_t)address, &value), &value);
}

static int run_apreg(int argc, const char **argv)
{
    uint32_t ap, address, value;

    if (argc < 3 || !read_number(argv[1], &ap) || ap > 0xFF ||
        !read_number(argv[2], &address) || address > 0xFF ||
        (argc > 3 && !read_number(argv[3], &value)))
        return misused("apreg AP ADDRESS [VALUE]");
    if (argc > 3)
        return failed(adi_ap_write((uint8_t)ap, (uint8_t)address, value));
    return show_register(adi_ap_read((uint8_t)ap, (uint8_t)address, &value), &value);
}

static int run_uart(int argc, const char **argv)
{
    const struct line_coding *coding = cdc_line_coding(CDC_UART);
    uint8_t lines = cdc_control_lines(CDC_UART);
    (void)argc, (void)argv;

    monitor_print("Serial port %s: %lu baud, %u bits, parity %c, %s stop bits; DTR %s,"
                  " RTS %s\n", cdc_open(CDC_UART) ? "open" : "closed",
                  (unsigned long)coding->baud, coding->bits,
                  "NOEMS"[coding->parity < 5 ? coding->parity : 0],
                  coding->stop == 0 ? "1" : coding->stop == 1 ? "1.5" : "2",
                  lines & 1 ? "on" : "off", lines & 2 ? "on" : "off");
    return OK;
}

/* Targets. */
static int run_targets(int argc, const char **argv)
{
    int count = target_count();
    (void)argc, (void)argv;

    if (count == 0)
        monitor_print("No target known. `monitor swd_scan` looks for one.\n");
    for (int i = 0; i < count; i++) {
        const struct target_info *info = target_info(i);
        monitor_print("%d  %-20s %-12s id 0x%08lx%s%s\n", i + 1, info->name, info->core,
                      (unsigned long)info->id, info->attached ? "  attached" : "",
                      info->locked ? "  LOCKED: `monitor erase_mass`" : "");
    }
    return OK;
}

static int run_swd_scan(int argc, const char **argv)
{
    if (target_attached()) {
        monitor_print("Detached from the target: a scan begins anew.\n");
        target_detach();
    }
    int error = target_scan();
    if (error == OK)
        return run_targets(argc, argv);
    monitor_print("No target found: %s.\nLong wires? `monitor frequency 1M`.\n",
                  error_text(error));
    return error;
}

static int run_reset(int argc, const char **argv)
{
    const char *how = argc > 1 ? argv[1] : "halt";
    uint32_t ms = 10;
    bool pin = begins_with("pin", how) || read_number(how, &ms);

    if (argc > 2 && !read_number(argv[2], &ms))
        pin = false, how = "?";
    if (ms > 1000)
        ms = 1000;
    if (!pin && !begins_with("halt", how) && !begins_with("run", how))
        return misused("reset [halt | run | pin [MS]]");
    if (pin) {
        swd_set_nrst(true);
        clock_wait_us(ms * 1000);
        swd_set_nrst(false);
        if (!target_attached())
            return OK;
    }
    int error = need_target();
    if (error == OK)
        error = failed(target_reset(pin, !begins_with("run", how)));
    if (error == OK && begins_with("run", how))
        monitor_print("Running; gdb does not know: `continue` and Ctrl-C show it.\n");
    return error;
}

static int run_connect(int argc, const char **argv)
{
    bool on = target_options.connect_under_reset;

    if (argc > 1 && !read_switch(argv[1], &on))
        return misused("connect_rst [enable | disable]");
    target_options.connect_under_reset = on;
    monitor_print("A scan that finds nothing %s with nRST held low\n",
                  on ? "tries again" : "does not try again");
    return OK;
}

static int run_halt_timeout(int argc, const char **argv)
{
    uint32_t ms = target_options.halt_timeout_ms;

    if (argc > 1 && (!read_number(argv[1], &ms) || ms == 0 || ms > 10000))
        return misused("halt_timeout [MS], 1 to 10000");
    target_options.halt_timeout_ms = ms;
    monitor_print("A target gets %lu ms to halt\n", (unsigned long)ms);
    return OK;
}

/* DEMCR's vector catch bits, ARMv7-M C1.6.5. */
static const struct { const char *name; uint8_t bit; } vectors[] = {
    { "reset", 0 }, { "mm", 4 }, { "nocp", 5 }, { "chk", 6 }, { "stat", 7 }, { "bus", 8 },
    { "int", 9 }, { "hard", 10 },
};
enum { VECTORS = sizeof vectors / sizeof vectors[0], ALL_FAULTS = 0x7F0 };

static uint32_t find_vectors(int argc, const char **argv)
{
    uint32_t bits = argc > 0 ? 0 : ALL_FAULTS;

    for (int i = 0; i < argc; i++)
        for (int v = 0; v < VECTORS; v++)
            if (is_word(vectors[v].name, argv[i]) || is_word(argv[i], "all"))
                bits |= 1u << vectors[v].bit;
    return bits;
}

static int run_vector_catch(int argc, const char **argv)
{
    uint32_t bits;
    bool on;
    int error = need_target();

    if (error != OK)
        return error;
    if (argc > 1) {
        bits = find_vectors(argc - 2, argv + 2);
        if (!read_switch(argv[1], &on) || bits == 0)
            return misused("vector_catch [enable | disable"
                           " [all hard int bus stat chk nocp mm reset]]");
        uint32_t before = cortexm_vector_catch();
        error = failed(cortexm_set_vector_catch(on ? before | bits : before & ~bits));
    }
    bits = cortexm_vector_catch();
    monitor_print("Catching:");
    for (int v = 0; v < VECTORS; v++)
        if (bits >> vectors[v].bit & 1)
            monitor_print(" %s", vectors[v].name);
    monitor_print("%s\n", bits == 0 ? " nothing" : "");
    return error;
}

/* Erasing. */
static int run_erase_mass(int argc, const char **argv)
{
    uint32_t show = clock_in_ms(SHOW_EVERY_MS);
    (void)argc, (void)argv;
    int error = flash_mass_erase();     /* a locked chip need not be attached */

    if (error == OK)
        monitor_print("Erasing the whole flash ");
    while (error == OK && (error = flash_poll()) == ERR_BUSY) {
        error = OK;
        watchdog_feed();
        if (clock_passed(show)) {
            monitor_print(".");
            show = clock_in_ms(SHOW_EVERY_MS);
        }
    }
    if (error == OK)
        monitor_print(" done\n");
    return failed(error);
}

static int erase_pages(uint32_t address, uint32_t length)
{
    uint32_t first = address, before = address, show = clock_in_ms(SHOW_EVERY_MS);
    int error = flash_begin();

    while (error == OK && address - first < length && address >= before) {
        before = address;
        error = flash_erase_page(&address);
        watchdog_feed();
        if (error == OK && cdc_peek(CDC_GDB, CTRL_C))
            error = ERR_TIMEOUT;
        if (clock_passed(show)) {
            monitor_print("erasing: %lu of %lu KB\n",
                          (unsigned long)((address - first) / 1024),
                          (unsigned long)(length / 1024));
            show = clock_in_ms(SHOW_EVERY_MS);
        }
    }
    int end_error = flash_end();
    return error != OK ? error : end_error;
}

static int run_erase_range(int argc, const char **argv)
{
    uint32_t address, length;

    if (argc != 3 || !read_number(argv[1], &address) || !read_number(argv[2], &length) ||
        length == 0)
        return misused("erase_range ADDRESS LENGTH");
    int error = need_target();
    if (error == OK)
        error = failed(erase_pages(address, length));
    if (error == OK)
        monitor_print("Erased.\n");
    return error;
}

/* Commands of other probes that scripts send: the answer is the help text. */
static int run_refused(int argc, const char **argv)
{
    (void)argc, (void)argv;
    monitor_print("JTAG is not in this firmware: use `monitor swd_scan`.\n");
    return ERR_UNSUPPORTED;
}

static int run_help(int argc, const char **argv);

/* help begins with a blank: the command only says that text, and `help` leaves it out. */
static const struct target_command commands[] = {
    { "help", "this list", run_help },
    { "version", "firmware, board, last crash", run_version },
    { "swd_scan", "find targets (also: auto_scan)", run_swd_scan },
    { "targets", "show what was found", run_targets },
    { "reset", "[halt | run | pin [MS]] the target", run_reset },
    { "frequency", "[Hz] of SWCLK; k and M will do", run_frequency },
    { "connect_rst", "[enable | disable] scan under reset", run_connect },
    { "halt_timeout", "[MS] to wait for a halt", run_halt_timeout },
    { "vector_catch", "[enable | disable [FAULT...]] stop at faults", run_vector_catch },
    { "erase_mass", "erase the whole flash", run_erase_mass },
    { "erase_range", "ADDRESS LENGTH of flash, in whole pages", run_erase_range },
    { "wire", "state and mishaps of the SWD wire", run_wire },
    { "dpreg", "ADDRESS [VALUE] of the debug port", run_dpreg },
    { "apreg", "AP ADDRESS [VALUE] of an access port", run_apreg },
    { "uart", "state of the serial port", run_uart },
    { "swdp_scan", " ", run_swd_scan },
    { "auto_scan", " ", run_swd_scan },
    { "jtag_scan", " ", run_refused },
    { "connect_srst", " ", run_connect },
    { "traceswo", " SWO trace is not in this firmware yet.\n", 0 },
    { "swo", " SWO trace is not in this firmware yet.\n", 0 },
    { "rtt", " RTT is not in this firmware yet.\n", 0 },
    { "tpwr", " This board cannot switch the target's power.\n", 0 },
    { "heapinfo", " Semihosting is not in this firmware yet: no heap is told.\n", 0 },
    { "redirect_stdout", " Semihosting is not in this firmware yet.\n", 0 },
    { "tdi_low_reset", " TDI is not used: this firmware speaks SWD only.\n", 0 },
    { "morse", " No error is shown on the LED.\n", 0 },
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

/* The probe's commands and the attached family's are one list. */
static const struct target_command *command(int index)
{
    int count = 0;

    if (index < COMMANDS)
        return &commands[index];
    const struct target_command *family = target_attached() ? target_commands(&count) : 0;
    return index - COMMANDS < count ? &family[index - COMMANDS] : 0;
}

static int run_help(int argc, const char **argv)
{
    const struct target_command *c;
    (void)argc, (void)argv;

    for (int i = 0; (c = command(i)) != 0; i++)
        if (c->help[0] != ' ')
            monitor_print("%-13s %s\n", c->name, c->help);
    return OK;
}

/* One command, whole or as the only one that begins so.  Two names for the same thing
 * (swd_scan, swdp_scan) are no ambiguity. */
static const struct target_command *find_command(const char *word)
{
    const struct target_command *c, *found = 0;
    bool several = false;

    for (int i = 0; (c = command(i)) != 0; i++) {
        if (is_word(c->name, word))
            return c;
        if (!begins_with(c->name, word))
            continue;
        several |= found != 0 && (found->run != c->run || c->run == 0);
        if (found == 0)
            found = c;
    }
    if (found == 0)
        monitor_print("No command `%s`: `monitor help` lists them.\n", word);
    if (!several)
        return found;
    monitor_print("`%s` may be", word);
    for (int i = 0; (c = command(i)) != 0; i++)
        if (begins_with(c->name, word))
            monitor_print(" %s", c->name);
    monitor_print("\n");
    return 0;
}

int monitor_run(char *line)
{
    const char *words[WORDS_MAX];
    int count = 0;

    while (count < WORDS_MAX) {
        while (*line == ' ' || *line == '\t' || *line == '\n')
            *line++ = '\0';
        if (*line == '\0')
            break;
        words[count++] = line;
        while (*line != '\0' && *line != ' ' && *line != '\t' && *line != '\n')
            line++;
    }
    if (count == 0)
        words[count++] = "help";
    const struct target_command *c = find_command(words[0]);
    if (c == 0)
        return ERR_UNSUPPORTED;
    if (c->run != 0)
        return c->run(count, words);
    monitor_print("%s", c->help + 1);
    return OK;
}
