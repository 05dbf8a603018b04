/* test_uart.c - which line codings can be made, and how?  Linked with uart.c alone: the
 * registers are variables, the ports and the settings are not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "clock.h"
#include "settings.h"
#include "stm32f103.h"
#include "uart.h"

struct rcc RCC;
struct gpio GPIOA, GPIOB;
struct usart USART1, USART2;
struct tim TIM3;
struct dma DMA1;
struct nvic NVIC;

static uint32_t hz;
static struct line_coding coding;
static int passed_on;

uint32_t clock_hz(void) { return hz; }
uint32_t clock_ms(void) { return 0; }
uint32_t interrupts_off(void) { return 0; }
void interrupts_restore(uint32_t state) { (void)state; }
void settings_start(void) { }
bool settings_rs485(void) { return false; }
bool settings_set_rs485(bool on) { (void)on; return true; }
int cdc_look(int port, const uint8_t **bytes) { (void)port, (void)bytes; return 0; }
void cdc_taken(int port, int count) { (void)port, (void)count; }
int cdc_write(int port, const uint8_t *bytes, int length)
{
    (void)port, (void)bytes;
    return length;
}
int cdc_waiting(int port) { (void)port; return 0; }
uint32_t cdc_openings(int port) { (void)port; return 0; }
void cdc_flush(int port) { (void)port; }
bool cdc_open(int port) { (void)port; return true; }
const struct line_coding *cdc_line_coding(int port) { (void)port; return &coding; }
uint8_t cdc_control_lines(int port) { (void)port; return 0; }
void cdc_notify(int port, uint16_t events) { (void)port, (void)events; }
void cdc_out_event(int endpoint, enum usb_event event) { (void)endpoint, (void)event; }
int cdc_control(const struct usb_setup *setup, const uint8_t **data)
{
    (void)setup, (void)data;
    return passed_on++, 0;
}

static int power_on(void **state)
{
    (void)state;
    hz = 72000000;
    coding = (struct line_coding) { 115200, 0, 0, 8 };
    passed_on = 0;
    uart_start();
    return 0;
}

enum { REFUSED = 0, USART = 1, TIMED = 2 };

static int made(uint32_t baud, int bits, char parity, int stop, struct uart_plan *plan)
{
    static const char parities[] = "NOEMS";
    const struct line_coding c = {
        baud, (uint8_t)stop, (uint8_t)(strchr(parities, parity) - parities), (uint8_t)bits
    };
    return !uart_plan(&c, plan) ? REFUSED : plan->timed ? TIMED : USART;
}

static void the_divider_is_rounded_to_the_nearest(void **state)
{
    (void)state;
    static const struct { uint32_t baud, divider; } rows[] = {
        { 115200, 625 }, { 9600, 7500 }, { 921600, 78 }, { 1099, 65514 }, { 4500000, 16 },
        { 4600000, 16 }, { 4242424, 17 }, { 230400, 313 }, { 2400, 30000 }, { 57600, 1250 },
    };
    struct uart_plan plan;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(made(rows[i].baud, 8, 'N', 0, &plan), USART);
        assert_int_equal(plan.clock, 72000000);
        assert_int_equal(plan.divider, rows[i].divider);
    }
}

static void below_the_divider_a_timer_takes_over(void **state)
{
    (void)state;
    struct uart_plan plan;
    assert_int_equal(made(1098, 8, 'N', 0, &plan), TIMED);
    assert_int_equal(plan.clock, 2250000);
    assert_int_equal(plan.divider, 2049);
    assert_int_equal(made(300, 8, 'N', 0, &plan), TIMED);
    assert_int_equal(plan.divider, 7500);
    assert_int_equal(made(35, 8, 'N', 0, &plan), TIMED);
    assert_int_equal(made(34, 8, 'N', 0, &plan), REFUSED);
    hz = 48000000;                      /* no crystal */
    assert_int_equal(made(300, 8, 'N', 0, &plan), TIMED);
    assert_int_equal(plan.divider, 5000);
}

/* Every rate there is, or refused: never more than 1/32 off, never no divider. */
static void no_rate_is_ever_far_off(void **state)
{
    (void)state;
    struct uart_plan plan;
    for (uint64_t baud = 0; baud <= UINT32_MAX; baud += 1 + baud / 500) {
        if (made((uint32_t)baud, 8, 'N', 0, &plan) == REFUSED) {
            assert_true(baud < 35 || baud > 4500000);
            continue;
        }
        assert_true(plan.divider >= (plan.timed ? 1u : 16u));
        assert_true(plan.divider <= (plan.timed ? 65536u : 65535u));
        double error = (double)plan.clock / plan.divider / (double)baud - 1;
        assert_true(error < 0.032 && error > -0.032);
    }
}

enum { PS = 1 << 9, PCE = 1 << 10, M = 1 << 12 };

static void each_format_has_its_bits(void **state)
{
    (void)state;
    static const struct {
        int bits; char parity; int stop, how; uint16_t format; int made_stop; uint8_t mark;
    } rows[] = {
        { 8, 'N', 0, USART, 0, 0, 0 },         { 8, 'N', 1, USART, 0, 1, 0 },
        { 8, 'E', 2, USART, M | PCE, 2, 0 },   { 8, 'O', 0, USART, M | PCE | PS, 0, 0 },
        { 8, 'M', 0, USART, 0, 2, 0 },         { 8, 'S', 0, USART, M, 0, 0 },
        { 7, 'E', 0, USART, PCE, 0, 0 },       { 7, 'O', 0, USART, PCE | PS, 0, 0 },
        { 7, 'M', 0, USART, 0, 0, 0x80 },      { 7, 'S', 0, USART, 0, 0, 0 },
        { 7, 'N', 2, USART, 0, 0, 0x80 },
        { 7, 'N', 0, REFUSED, 0, 0, 0 },       { 8, 'M', 2, REFUSED, 0, 0, 0 },
        { 6, 'E', 0, REFUSED, 0, 0, 0 },       { 9, 'N', 0, REFUSED, 0, 0, 0 },
        { 8, 'N', 3, REFUSED, 0, 0, 0 },       { 4, 'N', 0, REFUSED, 0, 0, 0 },
    };
    struct uart_plan plan;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(made(9600, rows[i].bits, rows[i].parity, rows[i].stop, &plan),
                         rows[i].how);
        if (rows[i].how == REFUSED)
            continue;
        assert_int_equal(plan.format, rows[i].format);
        assert_int_equal(plan.stop, rows[i].made_stop);
        assert_int_equal(plan.mark, rows[i].mark);
        assert_int_equal(plan.mask, rows[i].bits == 7 ? 0x7F : 0xFF);
    }
    assert_int_equal(made(2400, 7, 'N', 0, &plan), TIMED);
    assert_int_equal(made(2400, 5, 'E', 1, &plan), TIMED);
    assert_int_equal(made(2401, 5, 'E', 1, &plan), REFUSED);
}

static void impossible_line_codings_are_refused(void **state)
{
    (void)state;
    static const struct usb_setup set = { 0x21, 0x20, 0, 3, 7 };
    static const uint8_t bad[][7] = {
        { 0, 0, 0, 0, 0, 0, 8 }, { 0, 0xC2, 1, 0, 3, 0, 8 }, { 0, 0xC2, 1, 0, 0, 5, 8 },
        { 0, 0xC2, 1, 0, 0, 0, 4 }, { 0, 0xC2, 1, 0, 0, 0, 9 },
        { 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 8 },
    };
    for (int i = 0; i < 6; i++) {
        const uint8_t *data = bad[i];
        assert_int_equal(uart_control(&set, &data), USB_REFUSE);
    }
    assert_int_equal(passed_on, 0);
}

static void a_request_that_cannot_be_met_goes_no_further(void **state)
{
    (void)state;
    static const struct usb_setup set = { 0x21, 0x20, 0, 3, 7 }, lines = { 0x21, 0x22, 3, 3, 0 };
    const uint8_t good[7] = { 0x80, 0x25, 0, 0, 0, 2, 8 }, bad[7] = { 0x80, 0x25, 0, 0, 0, 0, 7 };
    const uint8_t *data = good;
    uint32_t refused = uart_counts()->refused;

    assert_int_equal(uart_control(&set, &data), 0);
    data = bad;
    assert_int_equal(uart_control(&set, &data), USB_REFUSE);
    assert_int_equal(passed_on, 1);
    assert_int_equal(uart_counts()->refused, refused + 1);
    assert_int_equal(uart_control(&lines, &data), 0);
    assert_int_equal(passed_on, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_divider_is_rounded_to_the_nearest, power_on),
        cmocka_unit_test_setup(below_the_divider_a_timer_takes_over, power_on),
        cmocka_unit_test_setup(no_rate_is_ever_far_off, power_on),
        cmocka_unit_test_setup(each_format_has_its_bits, power_on),
        cmocka_unit_test_setup(impossible_line_codings_are_refused, power_on),
        cmocka_unit_test_setup(a_request_that_cannot_be_met_goes_no_further, power_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
