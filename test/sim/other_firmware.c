/* other_firmware.c - does a program that was written for the real chip by others enumerate
 * here, and does the board find no fault with it that the chip would not?
 *
 * Each program in test/sim/firmware starts as one library or boot loader does that people
 * use. It is compiled, put on a board of its own, and plugged into a host. */
#include "board.h"
#include "cdc_host.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char *program_path;
static struct board *board;
static struct cdc_host *host;
static char complaints[2048];
static int attached;

static void listen(void *ctx, enum sim_problem kind, const char *text)
{
    size_t length = strlen(complaints);
    (void)ctx;
    if (kind >= SIM_RULE)
        snprintf(complaints + length, sizeof complaints - length, "%s\n", text);
}

static void count_attaches(void *ctx, bool on)
{
    (void)ctx;
    attached += on;
}

/* The image of test/sim/firmware/NAME.c, beside this program. */
static const char *build(const char *name)
{
    static char bin[600];
    char command[3000], folder[] = "test/sim/firmware";
    snprintf(bin, sizeof bin, "%s.%s.bin", program_path, name);
    snprintf(command, sizeof command, "arm-none-eabi-gcc -std=gnu11 -mcpu=cortex-m3 -mthumb "
             "-Os -Wall -Wextra -Werror -ffreestanding -nostdlib -fno-strict-aliasing "
             "-Wl,--section-start=.vectors=0x08000000 -Wl,-Ttext=0x08000100 "
             "-Wl,-Tbss=0x20000000 -Wl,--build-id=none -Wl,-e,program -o %s.%s.elf "
             "%s/%s.c %s/device.c %s/start.s && arm-none-eabi-objcopy -O binary -R .bss "
             "%s.%s.elf %s", program_path, name, folder, name, folder, folder, program_path,
             name, bin);
    assert_int_equal(system(command), 0);
    return bin;
}

static void power_up(const char *name)
{
    char error[512], file[700];
    snprintf(file, sizeof file, "%s@0x08000000", build(name));
    struct board_options options = { .flash = { file }, .flash_count = 1, .flash_kb = 64,
                                     .board = "bluepill", .target = "none" };
    board = board_new(&options, error, sizeof error);
    if (!board)
        fail_msg("%s", error);
    complaints[0] = '\0';
    attached = 0;
    board->sim->report = listen;
    usb_host_on_attach(board->usb, count_attaches, &attached);
    host = cdc_host_new(board->usb);
}

static int power_off(void **state)
{
    (void)state;
    if (!board)
        return 0;
    cdc_host_free(host);
    board_free(board);
    board = NULL;
    return 0;
}

static bool not_yet(void *ctx)
{
    return !cdc_host_configured(host) || attached < *(int *)ctx;
}

static void enumerates(const char *name, int times)
{
    power_up(name);
    bool done = board_run_while(board, not_yet, &times, 3000 * times);
    board_run_ms(board, 50);
    if (!done)
        fail_msg("not enumerated: %s", cdc_host_failure(host));
    assert_string_equal(complaints, "");
    assert_int_equal(board->sim->problems[SIM_RULE], 0);
    assert_int_equal(board->sim->problems[SIM_UNMODELLED], 0);
    assert_int_equal(board->sim->problems[SIM_FATAL], 0);
}

static void programs_on_libopencm3_enumerate(void **state)
{
    (void)state;
    enumerates("libopencm3", 1);
    struct pin *pa13 = board->probe->pin(board->probe, "PA13");
    assert_int_equal(pa13->drive, DRIVE_OPEN);          /* still freed, after two changes */
    assert_true(board->sim->problems[SIM_FORGIVEN] > 10);
    assert_in_range(board->sim->distinct[SIM_FORGIVEN], 1, 8);
}

static void programs_on_the_vendor_s_library_enumerate(void **state)
{
    (void)state;
    enumerates("vendor", 1);
}

static void a_boot_loader_enumerates_and_so_does_the_program_it_starts(void **state)
{
    (void)state;
    enumerates("bootloader", 3);
}

static void programs_on_tinyusb_enumerate(void **state)
{
    (void)state;
    enumerates("tinyusb", 1);
    assert_int_equal(board->sim->problems[SIM_NOTE], 0);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(programs_on_libopencm3_enumerate, power_off),
        cmocka_unit_test_teardown(programs_on_the_vendor_s_library_enumerate, power_off),
        cmocka_unit_test_teardown(a_boot_loader_enumerates_and_so_does_the_program_it_starts,
                                  power_off),
        cmocka_unit_test_teardown(programs_on_tinyusb_enumerate, power_off),
    };
    program_path = argv[0];
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("other_firmware", tests, NULL, NULL);
}
