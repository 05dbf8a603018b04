/* dp_pushed.c - pushed verify and compare, and the transaction counter, of the simulated
 * debug port: what makes a debug port fill and search memory by itself.
 *
 * Sources: ARM IHI 0031C (ADIv5.2) B1.2 (pushed operations, the counter), B2.2.2. */
#include "bitbang.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { RAM = 0x20000000 };
enum { VERIFY = 1 << 2, COMPARE = 2 << 2, STICKYCMP = 1 << 4, STICKYERR = 1 << 5,
       ALL_LANES = 15 << 8 };
enum { WORDS = 0x23000012, BYTES = 0x23000010, STILL = 0x23000002 };
static uint32_t count(uint32_t n) { return n << 12; }

/* Vectors, then a branch to itself. */
static const uint32_t endless_loop[] = { 0x20001000, 0x08000009, 0xE7FEE7FE };

static int power_on(void **state)
{
    *state = host_new(endless_loop, sizeof endless_loop);
    return host_connect(*state) == 0x1BA01477 ? 0 : -1;
}

static int power_off(void **state)
{
    host_free(*state);
    return 0;
}

static uint32_t ctrl_stat(struct host *host)
{
    uint32_t value = 0;
    assert_int_equal(host_read_patiently(host, DP, CTRL_STAT, &value), ACK_OK);
    return value;
}

static void control(struct host *host, uint32_t bits)
{
    assert_int_equal(host_write_patiently(host, DP, CTRL_STAT, POWER_UP | bits), ACK_OK);
}

static uint32_t read_ap(struct host *host, uint32_t reg)
{
    uint32_t value;
    host_read_patiently(host, AP, reg, &value);
    host_read_patiently(host, DP, RDBUFF, &value);
    return value;
}

static void point(struct host *host, uint32_t csw, uint32_t address)
{
    host_write_patiently(host, AP, CSW, csw);
    host_write_patiently(host, AP, TAR, address);
}

static uint32_t word(struct host *host, uint32_t address)
{
    uint32_t value;
    assert_true(bus_read(host->chip->bus, BUS_DATA, address, 4, &value));
    return value;
}

static void put_word(struct host *host, uint32_t address, uint32_t value)
{
    assert_true(bus_write(host->chip->bus, BUS_DATA, address, 4, value));
}

/* Writes DRW and waits for the end of what it began. */
static void push(struct host *host, uint32_t value)
{
    uint32_t last;
    assert_int_equal(host_write_patiently(host, AP, DRW, value), ACK_OK);
    host_idle(host, 8);
    host_wait(host, 2 * SIM_MS);
    host_read(host, DP, DPIDR, &last);
}

/* --- one operation ------------------------------------------------------------------ */

static void pushed_verify_sets_stickycmp_on_a_difference(void **state)
{
    struct host *host = *state;
    put_word(host, RAM, 0x12345678);
    control(host, VERIFY | ALL_LANES);
    point(host, STILL, RAM);
    push(host, 0x12345678);
    assert_int_equal(ctrl_stat(host) & STICKYCMP, 0);
    push(host, 0x12345679);
    assert_int_equal(ctrl_stat(host) & STICKYCMP, STICKYCMP);
    assert_int_equal(word(host, RAM), 0x12345678);
    assert_int_equal(host_write(host, AP, DRW, 1), ACK_FAULT);
    host_write(host, DP, ABORT, CLEAR_STICKY);
    assert_int_equal(ctrl_stat(host) & STICKYCMP, 0);
    assert_string_equal(host->problems, "");
}

static void pushed_compare_sets_it_on_equality_in_the_lanes_that_count(void **state)
{
    struct host *host = *state;
    put_word(host, RAM, 0x12345678);
    control(host, COMPARE | 1 << 8);
    point(host, STILL, RAM);
    push(host, 0x79);
    assert_int_equal(ctrl_stat(host) & STICKYCMP, 0);
    push(host, 0xFFFFFF78);
    assert_int_equal(ctrl_stat(host) & STICKYCMP, STICKYCMP);
    assert_string_equal(host->problems, "");
}

/* --- the counter --------------------------------------------------------------------- */

static void one_write_fills_a_block(void **state)
{
    struct host *host = *state;
    for (uint32_t i = 0; i < 10; i++)
        put_word(host, RAM + 4 * i, i);
    control(host, count(7));                        /* eight writes */
    point(host, WORDS, RAM + 4);
    /* CSW and TAR were written eight times as well, which shows nowhere: set it again. */
    control(host, count(7));
    push(host, 0xDEADBEEF);
    assert_int_equal(ctrl_stat(host) & count(0xFFF), 0);
    assert_int_equal(word(host, RAM), 0);
    for (uint32_t i = 1; i <= 8; i++)
        assert_int_equal(word(host, RAM + 4 * i), 0xDEADBEEF);
    assert_int_equal(word(host, RAM + 36), 9);
    push(host, 5);                                  /* it does not load itself again */
    assert_int_equal(word(host, RAM + 36), 5);
    assert_int_equal(word(host, RAM + 40) == 5, 0);
    assert_string_equal(host->problems, "");
}

static void without_increment_the_same_place_is_written(void **state)
{
    struct host *host = *state;
    point(host, STILL, RAM);
    control(host, count(100));
    push(host, 0x55);
    assert_int_equal(word(host, RAM), 0x55);
    assert_int_equal(read_ap(host, TAR), RAM);
    assert_string_equal(host->problems, "");
}

static void bytes_count_by_one_and_go_to_their_lanes(void **state)
{
    struct host *host = *state;
    put_word(host, RAM, 0);
    put_word(host, RAM + 4, 0);
    point(host, BYTES, RAM + 1);
    control(host, count(4));
    push(host, 0x44332211);
    assert_int_equal(word(host, RAM), 0x44332200);
    assert_int_equal(word(host, RAM + 4), 0x2211);
}

static void a_search_ends_where_it_finds(void **state)
{
    struct host *host = *state;
    for (uint32_t i = 0; i < 64; i++)
        put_word(host, RAM + 4 * i, i);
    point(host, WORDS, RAM);
    control(host, COMPARE | ALL_LANES | count(63));
    push(host, 20);
    uint32_t status = ctrl_stat(host);
    assert_int_equal(status & STICKYCMP, STICKYCMP);
    assert_int_equal(status >> 12 & 0xFFF, 63 - 20);
    host_write(host, DP, ABORT, CLEAR_STICKY);
    control(host, 0);
    assert_int_equal(read_ap(host, TAR), RAM + 4 * 21);     /* one behind it */
    assert_string_equal(host->problems, "");
}

static void a_blank_check_goes_through(void **state)
{
    struct host *host = *state;
    point(host, WORDS, 0x08000100);
    control(host, VERIFY | ALL_LANES | count(255));
    push(host, 0xFFFFFFFF);
    assert_int_equal(ctrl_stat(host) & (STICKYCMP | STICKYERR | count(0xFFF)), 0);
    control(host, 0);
    assert_int_equal(read_ap(host, TAR), 0x08000500);
    assert_string_equal(host->problems, "");
}

static void a_bus_error_ends_the_row(void **state)
{
    struct host *host = *state;
    point(host, WORDS, 0x1FFFF808);                 /* two words before the option bytes end */
    control(host, COMPARE | ALL_LANES | count(9));
    push(host, 0x12345678);
    uint32_t status = ctrl_stat(host);
    assert_int_equal(status & STICKYERR, STICKYERR);
    assert_int_equal(status >> 12 & 0xFFF, 7);      /* two were good */
    assert_int_equal(status & STICKYCMP, 0);
}

static void the_port_waits_and_counts_while_it_works(void **state)
{
    struct host *host = *state;
    point(host, WORDS, RAM);
    control(host, count(999));
    assert_int_equal(host_write(host, AP, DRW, 3), ACK_OK);
    host_idle(host, 8);
    uint32_t value;
    assert_int_equal(host_read(host, AP, TAR, &value), ACK_WAIT);
    host_wait(host, 100 * SIM_US);
    assert_int_equal(host_read(host, AP, TAR, &value), ACK_WAIT);
    uint32_t left = ctrl_stat(host) >> 12 & 0xFFF;
    assert_in_range(left, 800, 950);                /* 6 cycles of 8 MHz each */
    host_write(host, DP, ABORT, 1);                 /* DAPABORT */
    assert_int_equal(host_read(host, AP, TAR, &value), ACK_OK);
    host_wait(host, SIM_MS);
    uint32_t wrote = 0;
    while (word(host, RAM + 4 * wrote) == 3)
        wrote++;
    assert_in_range(wrote, 999 - left, 999 - left + 20);
}

static void counting_a_read_is_reported(void **state)
{
    struct host *host = *state;
    point(host, WORDS, RAM);
    control(host, count(3));
    read_ap(host, DRW);
    assert_non_null(strstr(host->problems, "read while the transaction counter"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, power_on, power_off)

static const struct CMUnitTest tests[] = {
    TEST(pushed_verify_sets_stickycmp_on_a_difference),
    TEST(pushed_compare_sets_it_on_equality_in_the_lanes_that_count),
    TEST(one_write_fills_a_block),
    TEST(without_increment_the_same_place_is_written),
    TEST(bytes_count_by_one_and_go_to_their_lanes),
    TEST(a_search_ends_where_it_finds),
    TEST(a_blank_check_goes_through),
    TEST(a_bus_error_ends_the_row),
    TEST(the_port_waits_and_counts_while_it_works),
    TEST(counting_a_read_is_reported),
};

int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("dp_pushed", tests, NULL, NULL);
}
