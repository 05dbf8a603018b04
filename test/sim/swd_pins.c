/* swd_pins.c - what does swd.c do to the two pins, edge by edge?
 *
 * swd.c is compiled for the Blue Pill and executed by the simulated Cortex-M3, with two
 * wait states and the APB's cost for each access.  The GPIO port is a recorder; behind it
 * sits a script that drives SWDIO when the target's turn has come.  What must appear on
 * the wire is written here by hand from ADIv5.2 B4, one character a clock:
 *
 *   0 1  the probe drives SWDIO at the rising edge      -  it does not */
#include "board.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { FLASH = 0x08000000, RAM = 0x20000000, SWDIO = 13, SWCLK = 14, CLOCKS = 4096 };
enum { NRST = 4 };
static const sim_time cycle = SIM_SECOND / 72000000;

static struct machine {
    struct sim *sim;
    struct cpu *cpu;
    uint8_t flash[0x4000], ram[0x5000];
    uint32_t crh, crl_b, odr, odr_b;
    int level, clock;                   /* of SWDIO and SWCLK */
    char wire[CLOCKS + 1];              /* one character a clock */
    int clocks;
    const char *target;                 /* what it drives, from clock `first` on */
    int first;
    sim_time fell, rose, changed, periods[CLOCKS];
    sim_time low, high, setup, hold;    /* the shortest of each */
    int turned_while_low;               /* SWDIO changed hands while the clock was low */
    int fights;                         /* both drove */
} m;

/* --- the pins --------------------------------------------------------------------- */

static bool driving(void)
{
    return (m.crh >> 4 * (SWDIO - 8) & 3) != 0;
}

static bool clocking(void)
{
    return (m.crh >> 4 * (SWCLK - 8) & 3) != 0;
}

/* What the target drives after rising edge number m.clocks; -1: nothing. */
static int target_bit(void)
{
    int n = m.clocks - m.first;
    if (!m.target || n < 0 || n >= (int)strlen(m.target))
        return -1;
    return m.target[n] - '0';
}

static void shortest(sim_time *least, sim_time now, sim_time then)
{
    if (then && now - then < *least)
        *least = now - then;
}

static void clock_edge(int level)
{
    sim_time now = m.sim->now;

    m.clock = level;
    if (!level) {
        shortest(&m.high, now, m.rose);
        m.fell = now;
        return;
    }
    shortest(&m.low, now, m.fell);
    shortest(&m.setup, now, m.changed);
    assert_true(m.clocks < CLOCKS);
    m.periods[m.clocks] = m.rose ? now - m.rose : 0;
    m.fights += driving() && target_bit() >= 0;
    m.wire[m.clocks++] = driving() ? (char)('0' + m.level) : '-';
    m.wire[m.clocks] = 0;
    m.rose = now;
}

static void port_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    bool drove = driving();
    (void)ctx;
    assert_int_equal(width, 4);
    if (offset == 0x04) {
        m.crh = value;
        m.turned_while_low += driving() != drove && !m.clock;
    } else if (offset == 0x10) {
        m.odr = (m.odr & ~(value >> 16)) | (value & 0xFFFF);
    }
    if (!clocking())
        return;
    int level = m.odr >> SWDIO & 1, clock = m.odr >> SWCLK & 1;
    if (driving() && (level != m.level || !drove)) {
        shortest(&m.hold, m.sim->now, m.rose);
        m.changed = m.sim->now;
        m.level = level;
    }
    if (clock != m.clock)
        clock_edge(clock);
}

static uint32_t port_read(void *ctx, uint32_t offset, int width)
{
    (void)ctx, (void)width;
    int bit = driving() ? (int)(m.odr >> SWDIO & 1) : target_bit();
    if (offset == 0x04)
        return m.crh;
    assert_int_equal(offset, 0x08);
    if (bit < 0)
        bit = m.odr >> SWDIO & 1;       /* the pull-up, if it is one */
    return (uint32_t)bit << SWDIO | (m.odr & ~(1u << SWDIO));
}

static void port_b_write(void *ctx, uint32_t offset, uint32_t value, int width)
{
    (void)ctx, (void)width;
    if (offset == 0x00)
        m.crl_b = value;
    if (offset == 0x10)
        m.odr_b = (m.odr_b & ~(value >> 16)) | (value & 0xFFFF);
}

static uint32_t port_b_read(void *ctx, uint32_t offset, int width)
{
    (void)ctx, (void)width;
    return offset == 0 ? m.crl_b : m.odr_b;
}

static uint32_t dwt_read(void *ctx, uint32_t offset, int width)
{
    (void)ctx, (void)width;
    return offset == 4 ? (uint32_t)m.cpu->cycles : 0;
}

/* --- running functions of swd.c --------------------------------------------------- */

static char elf[512];

static struct { uint32_t address; char name[40]; } symbols[200];

static void read_symbols(void)
{
    char command[700], line[200];
    snprintf(command, sizeof command, "arm-none-eabi-nm %s", elf);
    FILE *nm = popen(command, "r");
    for (int i = 0; i < 199 && fgets(line, sizeof line, nm);)
        i += sscanf(line, "%x %*c %39s", &symbols[i].address, symbols[i].name) == 2;
    pclose(nm);
}

static uint32_t symbol(const char *name)
{
    for (int i = 0; symbols[i].name[0]; i++)
        if (!strcmp(symbols[i].name, name))
            return symbols[i].address;
    fail_msg("swd.c has no %s", name);
    return 0;
}

static bool at_done(void *ctx, uint32_t pc)
{
    if (pc == *(uint32_t *)ctx)
        m.cpu->halted = true;
    return m.cpu->halted;
}

static void forget_edges(void)
{
    m.clocks = m.turned_while_low = m.fights = 0;
    m.wire[0] = 0;
    m.fell = m.rose = m.changed = 0;
    m.low = m.high = m.setup = m.hold = SIM_SECOND;
}

/* Calls a function with up to four words; gives r0, and r1 in *second. */
static uint32_t call(const char *name, const uint32_t *arguments, uint32_t *second)
{
    static uint32_t done;
    done = symbol("done") & ~1u;
    forget_edges();
    for (int i = 0; i < 4; i++)
        m.cpu->r[i] = arguments ? arguments[i] : 0;
    m.cpu->r[13] = RAM + sizeof m.ram;
    m.cpu->r[14] = done | 1;
    m.cpu->r[15] = symbol(name) & ~1u;
    m.cpu->halted = false;
    m.cpu->hooks.before_instruction = at_done;
    m.cpu->hooks.ctx = &done;
    sim_time limit = m.sim->now + 100 * SIM_MS;
    while (!m.cpu->halted && m.sim->now < limit)
        sim_run_until(m.sim, m.sim->now + SIM_US);
    assert_true(m.cpu->halted);
    if (second)
        *second = m.cpu->r[1];
    return m.cpu->r[0];
}

static uint32_t call1(const char *name, uint32_t argument)
{
    return call(name, (uint32_t[4]){ argument, 0, 0, 0 }, NULL);
}

/* One word, asked for once: what is sent, or what came, is in m.ram at WORD. */
enum { WORD = 0x1000, BLOCK = 0x1100 };
static uint32_t one_word(uint32_t request)
{
    const uint32_t block[4] = { RAM + WORD, 1, 0, 1 };
    memcpy(m.ram + BLOCK, block, sizeof block);
    return call("wire_words", (uint32_t[4]){ request, RAM + BLOCK }, NULL);
}

static uint32_t read_word(void)
{
    return one_word(2);                 /* DPIDR */
}

static uint32_t write_word(uint32_t value)
{
    memcpy(m.ram + WORD, &value, 4);
    return one_word(4);                 /* CTRL/STAT */
}

static void set_target(const char *bits, int first)
{
    m.target = bits;
    m.first = first;
}

static int build_image(void **state)
{
    char command[4000];
    (void)state;
    snprintf(command, sizeof command, "arm-none-eabi-gcc -std=gnu11 -mcpu=cortex-m3 -mthumb "
        "-Os -ffreestanding -nostdlib -fno-common -fno-tree-loop-distribute-patterns -I. "
        "-DBOARD=BOARD_BLUEPILL -Wl,-Ttext=0x%x -Wl,--section-start=.vectors=0x%x "
        "-Wl,-Tdata=0x%x -Wl,-Tbss=0x%x -Wl,--defsym=GPIOA=0x40010800 "
        "-Wl,--defsym=GPIOB=0x40010C00 -Wl,--build-id=none -Wl,-e,done "
        "-o %s swd.c wire.c pin.c -x assembler-with-cpp swd_words.s test/sim/swd_pins.s -x none -lgcc "
        "&& arm-none-eabi-objcopy -O binary -R .bss -R .data %s %s.bin "
        "&& arm-none-eabi-objcopy -O binary -j .data %s %s.data", FLASH + 0x100, FLASH, RAM,
        RAM + 0x100, elf, elf, elf, elf, elf);
    int failed = system(command);
    read_symbols();
    return failed;
}

static void load(const char *ending, uint8_t *memory, size_t size)
{
    char path[600];
    snprintf(path, sizeof path, "%s.%s", elf, ending);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_true(fread(memory, 1, size, file) > 0);
    fclose(file);
}

static int power_on(void **state)
{
    (void)state;
    memset(&m, 0, sizeof m);
    m.crh = 0x44444444;
    m.crl_b = 0x44444444;
    m.clock = m.level = 1;
    load("bin", m.flash, sizeof m.flash);
    load("data", m.ram, 0x100);         /* start-up code would copy it */
    m.sim = sim_new();
    struct bus *bus = bus_new(m.sim, "probe");
    bus_add(bus, &(struct bus_region){ .base = FLASH, .size = sizeof m.flash,
        .name = "flash", .memory = m.flash, .read_wait = 2, .prefetch = true });
    bus_add(bus, &(struct bus_region){ .base = 0, .size = sizeof m.flash,
        .name = "alias", .memory = m.flash, .read_wait = 2, .prefetch = true });
    bus_add(bus, &(struct bus_region){ .base = RAM, .size = sizeof m.ram,
        .name = "SRAM", .memory = m.ram, .writable = true });
    bus_add(bus, &(struct bus_region){ .base = 0x40010800, .size = 0x400, .name = "GPIOA",
        .read = port_read, .write = port_write, .read_wait = 2, .write_wait = 1 });
    bus_add(bus, &(struct bus_region){ .base = 0x40010C00, .size = 0x400, .name = "GPIOB",
        .read = port_b_read, .write = port_b_write, .read_wait = 2, .write_wait = 1 });
    bus_add(bus, &(struct bus_region){ .base = 0xE0001000, .size = 0x400, .name = "DWT",
        .read = dwt_read });
    m.cpu = cpu_new(m.sim, bus, &(struct cpu_config){ .name = "probe", .arch = CPU_ARMV7M,
        .cpuid = 0x411FC231, .irq_count = 43, .priority_bits = 4, .has_vtor = true });
    cpu_set_clock(m.cpu, cycle);
    cpu_reset(m.cpu);
    call1("wire_take", 1);
    return 0;
}

static int power_off(void **state)
{
    (void)state;
    struct bus *bus = m.cpu->bus;
    cpu_free(m.cpu);
    bus_free(bus);
    sim_free(m.sim);
    return 0;
}

/* --- expectations ----------------------------------------------------------------- */

/* Bits of a word in the order of sending. */
static char *lsb_first(uint64_t bits, int count)
{
    static char text[4][68];
    static int next;
    char *at = text[next++ & 3];
    for (int i = 0; i < count; i++)
        at[i] = bits >> i & 1 ? '1' : '0';
    at[count] = 0;
    return at;
}

static const uint32_t paces[] = { 18000000, 12000000, 4000000, 1000000, 50000 };
enum { PACES = sizeof paces / sizeof *paces };

static void timing_is_sane(uint32_t hz)
{
    sim_time half = SIM_SECOND / hz / 2;
    sim_time least = half * 3 / 4 < 2 * cycle ? half * 3 / 4 : 2 * cycle;
    assert_true(m.low >= least);
    assert_true(m.high >= least);
    assert_true(m.setup >= 2 * cycle);
    assert_true(m.hold >= 1 * cycle);
    assert_int_equal(m.turned_while_low, 0);
    assert_int_equal(m.fights, 0);
}

/* --- tests ------------------------------------------------------------------------ */

static void start_measures_without_touching_the_wire(void **state)
{
    (void)state;
    assert_int_equal(m.clocks, 0);
    assert_int_equal(m.crh, 0x43344444);        /* PA13, PA14 outputs at 50 MHz */
    assert_int_equal(m.odr >> SWCLK & 1, 1);
}

static void requests_are_those_of_the_standard(void **state)
{
    enum { DP = 0, AP = 1, WRITE = 0, READ = 2 };
    static const struct { uint32_t kind, address, byte; } rows[] = {
        { DP | READ,  0x0, 0xA5 }, { DP | WRITE, 0x0, 0x81 }, { DP | READ,  0x4, 0x8D },
        { DP | WRITE, 0x4, 0xA9 }, { DP | WRITE, 0x8, 0xB1 }, { DP | READ,  0xC, 0xBD },
        { AP | WRITE, 0x0, 0xA3 }, { AP | WRITE, 0x4, 0x8B }, { AP | WRITE, 0xC, 0xBB },
        { AP | READ,  0xC, 0x9F }, { AP | READ,  0x0, 0x87 },
    };
    (void)state;
    set_target(NULL, 0);
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        one_word(rows[i].kind | rows[i].address);
        assert_memory_equal(m.wire, lsb_first(rows[i].byte, 8), 8);
    }
}

static void write_goes_out_as_drawn_at_every_pace(void **state)
{
    char expected[80];
    (void)state;
    set_target("100", 9);               /* OK, after 8 bits and the turnaround */
    snprintf(expected, sizeof expected, "10010101" "-" "---" "-" "%s" "1",
             lsb_first(0x12345678, 32));
    for (int i = 0; i < PACES; i++) {
        uint32_t hz = call1("wire_set_frequency", paces[i]);
        assert_int_equal(write_word(0x12345678), 1);
        assert_string_equal(m.wire, expected);
        timing_is_sane(hz);
    }
}

static void write_sends_even_parity(void **state)
{
    static const uint32_t words[] = { 0, 1, 0x80000000, 0xFFFFFFFF, 0x7FFFFFFF, 0x0F0F0F0E };
    (void)state;
    set_target("100", 9);
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        write_word(words[i]);
        assert_int_equal(m.clocks, 46);
        assert_string_equal(m.wire + 13, lsb_first((uint64_t)words[i] |
                            (uint64_t)__builtin_parity(words[i]) << 32, 33));
    }
}

static void read_takes_what_the_target_drives_at_every_pace(void **state)
{
    char script[64];
    (void)state;
    snprintf(script, sizeof script, "100%s%d", lsb_first(0xCAFE1234, 32),
             __builtin_parity(0xCAFE1234));
    set_target(script, 9);
    for (int i = 0; i < PACES; i++) {
        uint32_t hz = call1("wire_set_frequency", paces[i]), value;
        assert_int_equal(read_word(), 1);
        memcpy(&value, m.ram + WORD, 4);
        assert_int_equal(value, 0xCAFE1234);
        assert_int_equal(m.clocks, 46);
        assert_string_equal(m.wire, "10100101" "--------------------------------------");
        timing_is_sane(hz);
        assert_true(driving());
    }
}

static void read_with_a_flipped_bit_says_parity(void **state)
{
    char script[64];
    (void)state;
    memset(m.ram + WORD, 0x77, 4);
    for (int flip = 0; flip < 33; flip++) {
        snprintf(script, sizeof script, "100%s", lsb_first(1ull << flip ^ 3, 33));
        set_target(script, 9);
        assert_int_equal(read_word(), 8);
    }
    assert_int_equal(m.ram[WORD], 0x77);
}

static void wait_and_fault_have_no_data_phase(void **state)
{
    (void)state;
    for (int i = 0; i < PACES; i++) {
        call1("wire_set_frequency", paces[i]);
        set_target("010", 9);
        assert_int_equal(write_word(1), 2);
        assert_string_equal(m.wire, "10010101-----");
        set_target("001", 9);
        assert_int_equal(read_word(), 4);
        assert_string_equal(m.wire, "10100101-----");
    }
}

/* What CMSIS-DAP may ask for: the same lines drawn with other turnarounds. */
static void turnaround_is_as_long_as_configured(void **state)
{
    static const char *const gap[] = { "", "-", "--", "---", "----" };
    char script[64], expected[80];

    (void)state;
    snprintf(script, sizeof script, "100%s%d", lsb_first(0xCAFE1234, 32),
             __builtin_parity(0xCAFE1234));
    for (int turn = 1; turn <= 4; turn++)
        for (int i = 0; i < PACES; i++) {
            call1("wire_set_frequency", paces[i]);
            call("swd_configure", (uint32_t[4]){ (uint32_t)turn, 0 }, NULL);
            call("wire_frequency", NULL, NULL);
            set_target(script, 8 + turn);
            uint32_t value;
            assert_int_equal(read_word(), 1);
            memcpy(&value, m.ram + WORD, 4);
            assert_int_equal(value, 0xCAFE1234);
            assert_int_equal(m.clocks, 8 + 2 * turn + 3 + 33);
            set_target("100", 8 + turn);
            snprintf(expected, sizeof expected, "10010101" "%s" "---" "%s" "%s" "1", gap[turn],
                     gap[turn], lsb_first(0x12345678, 32));
            assert_int_equal(write_word(0x12345678), 1);
            assert_string_equal(m.wire, expected);
            set_target("010", 8 + turn);
            assert_int_equal(write_word(1), 2);
            assert_int_equal(m.clocks, 8 + 2 * turn + 3);
            assert_int_equal(m.fights, 0);
        }
}

static void a_data_phase_follows_wait_and_fault_where_configured(void **state)
{
    static const char zeros[] = "000000000000000000000000000000000";

    (void)state;
    for (int i = 0; i < PACES; i++) {
        call1("wire_set_frequency", paces[i]);
        call("swd_configure", (uint32_t[4]){ 1, 1 }, NULL);
        call("wire_frequency", NULL, NULL);
        set_target("010", 9);
        assert_int_equal(write_word(1), 2);
        assert_memory_equal(m.wire, "10010101-----", 13);
        assert_string_equal(m.wire + 13, zeros);
        set_target("001", 9);
        assert_int_equal(read_word(), 4);
        assert_int_equal(m.clocks, 46);
        assert_int_equal(strspn(m.wire + 8, "-"), 38);
        call1("wire_take", 1);           /* taken anew: as ever */
        set_target("010", 9);
        assert_int_equal(write_word(1), 2);
        assert_string_equal(m.wire, "10010101-----");
    }
}

static void the_wire_has_one_owner(void **state)
{
    enum { GDB = 1, DAP = 2 };

    (void)state;                        /* power_on() took it for gdb */
    uint32_t fast = call1("wire_set_frequency", 4000000);
    assert_int_equal(call1("wire_take", DAP), 0);
    call1("wire_release", DAP);
    assert_int_equal(call("wire_owner", NULL, NULL), GDB);
    assert_true(driving() && clocking());
    call1("wire_release", GDB);
    assert_false(driving() || clocking());
    assert_int_equal(call1("wire_take", DAP), 1);
    assert_int_equal(call1("wire_take", GDB), 0);
    assert_true(call("wire_frequency", NULL, NULL) <= 1000000);  /* each has its own */
    call1("wire_set_frequency", 500000);
    call1("wire_release", DAP);
    assert_int_equal(call1("wire_take", GDB), 1);
    assert_int_equal(call("wire_frequency", NULL, NULL), fast);
}

static void silence_is_seven_and_leaves_the_line_alone_for_a_data_phase(void **state)
{
    (void)state;
    set_target(NULL, 0);
    assert_int_equal(read_word(), 7);
    assert_int_equal(m.clocks, 56);
    assert_memory_equal(m.wire, "10100101", 8);
    assert_int_equal(strspn(m.wire + 8, "-"), 48);
    assert_int_equal(write_word(1), 7);
    assert_memory_equal(m.wire, "10010101", 8);
    assert_int_equal(strspn(m.wire + 8, "-"), 48);
}

static void raw_bits_of_any_count_come_out_and_in(void **state)
{
    const uint32_t bits = 0x89ABCDEF;
    (void)state;
    for (int pace = 0; pace < PACES; pace += 2)
        for (int count = 0; count <= 32; count++) {
            call1("wire_set_frequency", paces[pace]);
            set_target(NULL, 0);
            call("wire_send_bits", (uint32_t[4]){ bits, (uint32_t)count }, NULL);
            assert_string_equal(m.wire, lsb_first(bits, count));
            set_target(lsb_first(bits, 32), 0);
            uint32_t mask = (uint32_t)((1ull << count) - 1);
            assert_int_equal(call1("wire_receive_bits", (uint32_t)count), bits & mask);
            assert_int_equal(m.clocks, count);
        }
}

static void idle_clocks_are_low(void **state)
{
    (void)state;
    set_target(NULL, 0);
    for (int i = 0; i < PACES; i++) {
        uint32_t hz = call1("wire_set_frequency", paces[i]);
        call1("wire_idle", 8);
        assert_string_equal(m.wire, "00000000");
        timing_is_sane(hz);
    }
}

static void line_reset_is_56_high_and_4_low(void **state)
{
    char expected[61];
    (void)state;
    memset(expected, '1', 56);
    memcpy(expected + 56, "0000", 5);
    call("wire_resynchronize", NULL, NULL);
    assert_string_equal(m.wire, expected);
}

static void jtag_to_swd_is_e79e_between_two_resets(void **state)
{
    (void)state;
    call1("wire_wake", 1);
    assert_int_equal(m.clocks, 56 + 16 + 60);
    assert_int_equal(strspn(m.wire, "1"), 56);
    assert_memory_equal(m.wire + 56, "0111100111100111", 16);
    assert_int_equal(strspn(m.wire + 72, "1"), 56);
}

static int compare_times(const void *a, const void *b)
{
    sim_time x = *(const sim_time *)a, y = *(const sim_time *)b;
    return x < y ? -1 : x > y;
}

/* Of the data phase of a write. */
static double measured_hz(void)
{
    set_target("100", 9);
    assert_int_equal(write_word(0x5A5A5A5A), 1);
    double total = 0;
    for (int i = 15; i < 43; i++)
        total += (double)m.periods[i];
    return 28.0 * (double)SIM_SECOND / total;
}

static void reported_frequency_is_true_and_not_above_the_wish(void **state)
{
    static const uint32_t wishes[] = { 50000000, 18000000, 17999999, 12000000, 9000000,
        6000000, 4000000, 3333333, 2000000, 1000000, 500000, 123456, 100000, 20000 };
    (void)state;
    for (unsigned i = 0; i < sizeof wishes / sizeof *wishes; i++) {
        uint32_t said = call1("wire_set_frequency", wishes[i]);
        double is = measured_hz();
        print_message("wish %8u Hz: reported %8u, measured %8.0f\n", wishes[i], said, is);
        assert_true(said <= wishes[i]);
        assert_true(fabs(is - said) < said * 0.01);
        assert_int_equal(call("wire_frequency", NULL, NULL), said);
        assert_int_equal(call1("wire_set_frequency", said), said);   /* can be asked for */
    }
    assert_true(call1("wire_set_frequency", 1) >= 18000);        /* 20 kHz is the end */
    assert_true(call1("wire_set_frequency", 0) >= 18000);
}

static void full_speed_is_18_mhz_out_and_8_in(void **state)
{
    char script[64];
    (void)state;
    assert_int_equal(call1("wire_set_frequency", 18000000), 18000000);
    snprintf(script, sizeof script, "100%s", lsb_first(0, 33));
    set_target(script, 9);
    read_word();
    qsort(m.periods + 14, 30, sizeof *m.periods, compare_times);
    double hz = (double)SIM_SECOND / (double)m.periods[29];
    print_message("reading: %.1f MHz\n", hz / 1e6);
    assert_true(hz >= 8e6);
}

static void paced_clocks_have_an_even_duty_cycle(void **state)
{
    (void)state;
    uint32_t hz = call1("wire_set_frequency", 100000);
    call("wire_send_bits", (uint32_t[4]){ 0x5A5A5A5A, 32 }, NULL);
    double share = (double)m.low / ((double)SIM_SECOND / hz);
    assert_true(share > 0.45 && share < 0.55);
    assert_true((double)m.setup / (double)m.low > 0.9);
}

static void other_pins_of_the_port_keep_their_modes(void **state)
{
    (void)state;
    m.crh = 0x83388BB3 & ~0x0FF00000u;
    call1("wire_take", 1);
    set_target("100", 9);
    write_word(1);
    assert_int_equal(m.crh & ~0x0FF00000u, 0x83388BB3 & ~0x0FF00000u);
    call1("wire_release", 1);
    assert_int_equal(m.crh & 0x0FF00000, 0x04400000);
}

static void nrst_is_open_drain(void **state)
{
    (void)state;
    call1("wire_set_nrst", 1);
    assert_int_equal(m.crl_b >> 4 * NRST & 0xF, 7);
    assert_int_equal(m.odr_b >> NRST & 1, 0);
    assert_int_equal(call("wire_nrst_is_low", NULL, NULL), 1);
    call1("wire_set_nrst", 0);
    assert_int_equal(m.crl_b >> 4 * NRST & 0xF, 7);
    assert_int_equal(call("wire_nrst_is_low", NULL, NULL), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, power_on, power_off)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(start_measures_without_touching_the_wire),
        TEST(requests_are_those_of_the_standard),
        TEST(write_goes_out_as_drawn_at_every_pace),
        TEST(write_sends_even_parity),
        TEST(read_takes_what_the_target_drives_at_every_pace),
        TEST(read_with_a_flipped_bit_says_parity),
        TEST(wait_and_fault_have_no_data_phase),
        TEST(turnaround_is_as_long_as_configured),
        TEST(a_data_phase_follows_wait_and_fault_where_configured),
        TEST(the_wire_has_one_owner),
        TEST(silence_is_seven_and_leaves_the_line_alone_for_a_data_phase),
        TEST(raw_bits_of_any_count_come_out_and_in),
        TEST(idle_clocks_are_low),
        TEST(line_reset_is_56_high_and_4_low),
        TEST(jtag_to_swd_is_e79e_between_two_resets),
        TEST(reported_frequency_is_true_and_not_above_the_wish),
        TEST(full_speed_is_18_mhz_out_and_8_in),
        TEST(paced_clocks_have_an_even_duty_cycle),
        TEST(other_pins_of_the_port_keep_their_modes),
        TEST(nrst_is_open_drain),
    };
    (void)argc;
    snprintf(elf, sizeof elf, "%s.elf", argv[0]);
    return cmocka_run_group_tests(tests, build_image, NULL);
}
