/* talking.c - do the examples that talk to a debugger do so, each in its way?
 *
 * examples/rtt.c, semihosting.c and itm.c run on a virtual STM32F103; the host of
 * test/lib/bitbang.h is the debugger, by the published layouts, without our firmware but for
 * the last test, which has SWO come in by the probe's serial port.
 *
 * Sources: SEGGER UM08001 16 (RTT); Arm, Semihosting for AArch32 and AArch64 2.0; Armv7-M ARM
 * D4 (ITM packets). */
#include "bitbang.h"
#include "rsp_client.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { DHCSR = 0xE000EDF0, DCRSR = 0xE000EDF4, DCRDR = 0xE000EDF8, DFSR = 0xE000ED30 };
enum { DEBUGEN = 1, HALT = 2, S_HALT = 1 << 17, KEY = (int)0xA05F0000 };
enum { RAM = 0x20000000, RAM_SIZE = 0x5000 };

static uint32_t get(struct host *host, uint32_t address)
{
    uint32_t word = 0;
    assert_int_equal(host_read_word(host, address, &word), ACK_OK);
    return word;
}

static void put(struct host *host, uint32_t address, uint32_t word)
{
    assert_int_equal(host_write_word(host, address, word), ACK_OK);
}

static uint8_t get_byte(struct host *host, uint32_t address)
{
    return (uint8_t)(get(host, address & ~3u) >> 8 * (address & 3));
}

static void put_byte(struct host *host, uint32_t address, uint8_t byte)
{
    uint32_t shift = 8 * (address & 3), word = get(host, address & ~3u);
    put(host, address & ~3u, (word & ~(0xFFu << shift)) | (uint32_t)byte << shift);
}

static struct host *start(const char *example)
{
    static uint8_t image[65536];
    const char *build = getenv("BUILD") ? getenv("BUILD") : "build";
    char path[512];
    snprintf(path, sizeof path, "%s/examples/%s-stm32f103.bin", build, example);
    FILE *bin = fopen(path, "rb");
    if (!bin)
        fail_msg("%s is not there: make examples", path);
    size_t size = fread(image, 1, sizeof image, bin);
    fclose(bin);
    struct host *host = host_new(image, size);
    assert_int_equal(host_connect(host), 0x1BA01477);
    return host;
}

static int power_off(void **state)
{
    host_free(*state);
    return 0;
}

/* --- RTT ------------------------------------------------------------------------------- */

enum { NAME = 0, BUFFER = 4, SIZE = 8, WRITE = 12, READ = 16, FLAGS = 20, CHANNEL = 24 };

/* Four words in a row of RAM, as often as they are there. */
static uint32_t find_block(struct host *host, int *found)
{
    static const uint32_t id[] = { 0x47474553, 0x52205245, 0x00005454, 0 };     /* SEGGER RTT */
    uint32_t block = 0;
    *found = 0;
    for (uint32_t at = RAM; at < RAM + RAM_SIZE; at += 4) {
        uint32_t n = 0;
        while (n < 4 && get(host, at + 4 * n) == id[n])
            n++;
        if (n == 4) {
            block = at;
            (*found)++;
        }
    }
    return block;
}

static uint32_t up(uint32_t block, unsigned n) { return block + 24 + CHANNEL * n; }
static uint32_t down(uint32_t block) { return block + 24 + CHANNEL * 3; }

/* What waits in an up channel; the reader's index moves behind it. */
static const char *take(struct host *host, uint32_t channel)
{
    static char text[2048];
    uint32_t size = get(host, channel + SIZE), buffer = get(host, channel + BUFFER);
    uint32_t write = get(host, channel + WRITE), read = get(host, channel + READ);
    int length = 0;
    for (; read != write; read = (read + 1) % size)
        text[length++] = (char)get_byte(host, buffer + read);
    text[length] = '\0';
    put(host, channel + READ, read);
    return text;
}

static uint32_t rtt;

static int power_on_rtt(void **state)
{
    struct host *host = start("rtt");
    int found;
    *state = host;
    rtt = find_block(host, &found);
    return found == 1 ? 0 : -1;
}

static void rtts_block_is_found_once_and_says_what_it_has(void **state)
{
    static const uint32_t sizes[] = { 1024, 256, 512, 16 };
    struct host *host = *state;
    assert_int_equal(get(host, rtt + 16), 3);
    assert_int_equal(get(host, rtt + 20), 1);
    for (unsigned i = 0; i < 4; i++) {
        uint32_t channel = up(rtt, i);
        assert_int_equal(get(host, channel + SIZE), sizes[i]);
        assert_true(get(host, channel + WRITE) < sizes[i] && get(host, channel + READ) < sizes[i]);
        assert_in_range(get(host, channel + BUFFER), RAM, RAM + RAM_SIZE);
        assert_int_equal(get(host, channel + FLAGS), 0);
    }
    assert_false(get(host, DHCSR) & S_HALT);
}

static void rtt_says_lines_and_a_plot(void **state)
{
    struct host *host = *state;
    const char *text = take(host, up(rtt, 0));
    assert_ptr_equal(strstr(text, "RTT on STM32F103C8, channels: 3\r\ntick 0\r\n"), text);
    text = take(host, up(rtt, 1));
    assert_ptr_equal(strstr(text, ">beat:0\r\n>wave:-5\r\n>beat:1\r\n"), text);
}

/* There is always room: the program is quicker than this wire. */
static void send(struct host *host, const char *text)
{
    uint32_t channel = down(rtt), size = get(host, channel + SIZE);
    for (; *text; text++) {
        uint32_t at = get(host, channel + WRITE);
        put_byte(host, get(host, channel + BUFFER) + at, (uint8_t)*text);
        put(host, channel + WRITE, (at + 1) % size);
    }
    host_wait(host, SIM_MS);
}

static void rtt_gives_back_in_capitals_what_it_is_sent(void **state)
{
    struct host *host = *state;
    take(host, up(rtt, 0));
    send(host, "pillbug, over the end");
    char all[2048] = "";
    for (const char *text = take(host, up(rtt, 0)); *text; text++)
        if (*text >= 'A' && *text <= 'Z')
            strncat(all, text, 1);
    assert_string_equal(all, "PILLBUGOVERTHEEND");
}

/* Nobody reads: mode 0 leaves out whole lines, 1 cuts one, 2 waits. */
static void assert_flood_stops_with(struct host *host, uint32_t flags, uint32_t waiting)
{
    uint32_t channel = up(rtt, 2), size = get(host, channel + SIZE);
    put(host, channel + FLAGS, flags);
    host_wait(host, 20 * SIM_MS);
    uint32_t write = get(host, channel + WRITE), read = get(host, channel + READ);
    assert_int_equal((write + size - read) % size, waiting);
}

static void rtts_modes_are_to_skip_to_trim_and_to_wait(void **state)
{
    struct host *host = *state;
    send(host, "!");
    assert_flood_stops_with(host, 0, 480);              /* 15 lines of 32 */
    take(host, up(rtt, 2));
    assert_flood_stops_with(host, 1, 511);
    take(host, up(rtt, 2));
    assert_flood_stops_with(host, 2, 511);
    uint32_t ticks = get(host, up(rtt, 0) + WRITE);
    host_wait(host, 500 * SIM_MS);
    assert_int_equal(get(host, up(rtt, 0) + WRITE), ticks);     /* it waits, for ever */
    put(host, up(rtt, 2) + FLAGS, 0);
    host_wait(host, 500 * SIM_MS);
    assert_int_equal(get(host, up(rtt, 0) + WRITE), ticks);     /* and leaves only by a reader */
    take(host, up(rtt, 2));
    host_wait(host, 500 * SIM_MS);
    assert_int_not_equal(get(host, up(rtt, 0) + WRITE), ticks);
}

/* --- semihosting ----------------------------------------------------------------------- */

static uint32_t get_register(struct host *host, uint32_t number)
{
    put(host, DCRSR, number);
    return get(host, DCRDR);
}

static void put_register(struct host *host, uint32_t number, uint32_t value)
{
    put(host, DCRDR, value);
    put(host, DCRSR, number | 1 << 16);
}

static char said[1024];
static char file[64];
static uint32_t file_size, file_at;
static bool gone;

static void say(struct host *host, uint32_t text, uint32_t length)
{
    for (char c; length-- && (c = (char)get_byte(host, text++));)
        strncat(said, &c, 1);
}

static void get_string(struct host *host, uint32_t at, uint32_t length, char *to)
{
    for (uint32_t i = 0; i < length; i++)
        to[i] = (char)get_byte(host, at + i);
    to[length] = '\0';
}

enum { TT = 1, FEATURES = 2, FILE_HANDLE = 3 };
static const char features[] = "SHFB\x03";

static uint32_t open_it(const char *name, uint32_t mode)
{
    if (strcmp(name, ":tt") == 0)
        return TT;
    file_at = 0;
    if (strcmp(name, ":semihosting-features") == 0)
        return FEATURES;
    if (mode < 4)
        return gone ? FILE_HANDLE : UINT32_MAX;
    file_size = 0;
    return FILE_HANDLE;
}

static uint32_t read_it(struct host *host, uint32_t handle, uint32_t to, uint32_t count)
{
    const char *from = handle == FEATURES ? features : file;
    uint32_t size = handle == FEATURES ? 5 : file_size;
    for (; count && file_at < size; count--)
        put_byte(host, to++, (uint8_t)from[file_at++]);
    return count;
}

static uint32_t write_it(struct host *host, uint32_t handle, uint32_t from, uint32_t count)
{
    if (handle == TT)
        say(host, from, count);
    else
        for (; count; count--)
            file[file_size++] = (char)get_byte(host, from++);
    return 0;
}

/* What Arm's document asks of a host, as far as the example goes. */
static uint32_t serve(struct host *host, uint32_t op, uint32_t at)
{
    char name[32];
    uint32_t a = op == 0x04 ? 0 : get(host, at & ~3u), b = op == 0x04 ? 0 : get(host, (at & ~3u) + 4);
    uint32_t c = op == 0x04 ? 0 : get(host, (at & ~3u) + 8);
    switch (op) {
    case 0x01:
        get_string(host, a, c, name);
        return open_it(name, b);
    case 0x02: return 0;
    case 0x03: say(host, at, 1); return 0;
    case 0x04: say(host, at, 200); return 0;
    case 0x05: return write_it(host, a, b, c);
    case 0x06: return read_it(host, a, b, c);
    case 0x08: return a >> 31;
    case 0x09: return a == TT;
    case 0x0A: file_at = b; return 0;
    case 0x0C: return file_size;
    case 0x0E: case 0x0F: return 0;
    case 0x10: return 100;
    case 0x11: return 1796000000;
    case 0x13: return 2;
    case 0x15: put_byte(host, a, 'x'); put_byte(host, a + 1, 0); put(host, at + 4, 1); return 0;
    case 0x16: put(host, a + 8, 0x20005000); return 0;
    default:   return UINT32_MAX;
    }
}

/* Until it ends: the operation and its argument. */
static uint32_t host_semihosting(struct host *host, uint32_t *argument)
{
    for (int i = 0; i < 2000; i++) {
        host_wait(host, 20 * SIM_US);
        if (!(get(host, DHCSR) & S_HALT))
            continue;
        uint32_t pc = get_register(host, 15), op = get_register(host, 0);
        *argument = get_register(host, 1);
        assert_int_equal(get(host, pc & ~3u) >> 8 * (pc & 2) & 0xFFFF, 0xBEAB);
        if (op == 0x18 || op == 0x20)
            return op;
        put_register(host, 0, serve(host, op, *argument));
        put_register(host, 15, pc + 2);
        put(host, DHCSR, (uint32_t)KEY | DEBUGEN);
    }
    fail_msg("it does not end; it said \"%s\"", said);
    return 0;
}

static void semihosting_uses_console_file_and_time_and_exits_with_a_status(void **state)
{
    struct host *host = start("semihosting");
    uint32_t argument = 0;
    *state = host;
    put(host, DHCSR, (uint32_t)KEY | DEBUGEN | HALT);
    put(host, 0xE000EDFC, 1);                           /* stop at the reset vector */
    put(host, 0xE000ED0C, 0x05FA0004);
    host_wait(host, SIM_MS);
    put(host, DHCSR, (uint32_t)KEY | DEBUGEN);
    assert_int_equal(host_semihosting(host, &argument), 0x20);
    assert_int_equal(get(host, argument), 0x20026);
    assert_int_equal(get(host, argument + 4), 0);
    assert_string_equal(said, "Semihosting on STM32F103C8\nc\nwritten by SYS_WRITE\n"
                        "seconds since 1970: 1796000000\ncommand line: x\n"
                        "stack base: 536891392\nAll went well.\n");
}

/* --- ITM ------------------------------------------------------------------------------- */

enum { EDGES = 100000 };
static struct { sim_time at; int level; } edge[EDGES];
static int edges;

static void see(void *ctx, const struct net *net)
{
    struct host *host = ctx;
    if (edges < EDGES) {
        edge[edges].at = host->sim->now;
        edge[edges++].level = net->level;
    }
}

/* Bytes at 2 Mbaud, with their own eyes: levels between edges. */
static int receive(uint8_t *bytes, int limit)
{
    const sim_time bit = SIM_US / 2;
    int count = 0;
    for (int i = 0; i + 1 < edges && count < limit;) {
        if (edge[i].level != LEVEL_LOW) {
            i++;
            continue;
        }
        sim_time start = edge[i].at;
        unsigned value = 0;
        for (unsigned n = 1; n <= 9; n++) {
            while (i + 1 < edges && edge[i + 1].at <= start + n * bit + bit / 2)
                i++;
            if (n < 9)
                value |= (unsigned)(edge[i].level == LEVEL_HIGH) << (n - 1);
        }
        bytes[count++] = (uint8_t)value;
        i++;
    }
    return count;
}

/* Nobody is at the debug port: the program gives the pin to trace by itself. */
static void itm_says_text_values_and_where_it_is(void **state)
{
    static uint8_t bytes[20000];
    struct host *host = start("itm");
    char text[4000] = "";
    unsigned samples = 0, counts = 0, values = 0;
    *state = host;
    host->chip->power(host->chip, false);
    struct net *net = net_new(host->sim, "SWO");
    net_attach(net, host->chip->pin(host->chip, "PB3"), true);
    net_watch(net, see, host);
    host->chip->power(host->chip, true);
    host_wait(host, 400 * SIM_MS);
    int count = receive(bytes, sizeof bytes);
    for (int i = 0; i < count;) {
        if (bytes[i] == 0x01) {
            strncat(text, (const char *)&bytes[i + 1], 1);
        } else if (bytes[i] == 0x0B) {
            assert_int_equal(bytes[i + 1], counts++);
        } else if (bytes[i] == 0x12) {
            assert_int_equal(bytes[i + 1], values++);
        } else {
            assert_int_equal(bytes[i], 0x17);
            assert_int_equal(bytes[i + 4], 0x08);
            samples++;
        }
        i += 1 + (bytes[i] & 3) + ((bytes[i] & 3) == 3);
    }
    assert_ptr_equal(strstr(text, "ITM on STM32F103C8\r\ntick 0\r\ntick 1\r\n"), text);
    assert_true(counts >= 3 && values >= counts - 1);
    assert_true(samples > 150);
    assert_null(strstr(host->problems, "unmodelled"));
    net_free(net);
}

/* A stream of ITM may begin anywhere: text of port 0 is each byte behind a 01. */
static void itm_comes_in_by_the_serial_port_with_no_feature_at_all(void **state)
{
    static char path[512], image[512], all[20000];
    const char *build = getenv("BUILD") ? getenv("BUILD") : "build";
    char text[4000] = "";
    int length = 0, n;
    (void)state;
    snprintf(path, sizeof path, "stm32f103:%s/examples/itm-stm32f103.elf", build);
    snprintf(image, sizeof image, "%s/pillbug.bin", build);
    struct board_options options = { .flash = { image }, .flash_count = 1, .target = path };
    options.wire[SIG_RX] = "none";
    options.wire[SIG_SWO] = "PB7";
    struct rsp *rsp = rsp_power_on_with(&options);
    cdc_host_open(rsp->cdc, 1, true);
    cdc_host_line_coding(rsp->cdc, 1, 2000000, 8, 'N', 1);
    board_run_ms(rsp->board, 20);
    while (cdc_host_read(rsp->cdc, 1, all, sizeof all) > 0)
        ;
    board_run_ms(rsp->board, 500);
    while ((n = cdc_host_read(rsp->cdc, 1, all + length, (int)sizeof all - length)) > 0)
        length += n;
    for (int i = 0; i + 1 < length; i++)
        if (all[i] == 1)
            strncat(text, &all[++i], 1);
    assert_non_null(strstr(text, "\r\ntick "));
    assert_true(length > 500);
    assert_int_equal(rsp_power_off(rsp), 0);
}

#define RTT(name) cmocka_unit_test_setup_teardown(name, power_on_rtt, power_off)
#define TALK(name) cmocka_unit_test_teardown(name, power_off)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        RTT(rtts_block_is_found_once_and_says_what_it_has),
        RTT(rtt_says_lines_and_a_plot),
        RTT(rtt_gives_back_in_capitals_what_it_is_sent),
        RTT(rtts_modes_are_to_skip_to_trim_and_to_wait),
        TALK(semihosting_uses_console_file_and_time_and_exits_with_a_status),
        TALK(itm_says_text_values_and_where_it_is),
        cmocka_unit_test(itm_comes_in_by_the_serial_port_with_no_feature_at_all),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
