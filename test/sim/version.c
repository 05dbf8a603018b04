/* version.c - the release that the file VERSION names is what the images say of themselves:
 * to the host in bcdDevice, to a person in `monitor version`. */
#include "rsp_client.h"
#include "usb_user.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static struct { int major, minor, patch; } release;

static int read_release(void **state)
{
    FILE *file = fopen("VERSION", "r");
    int got = file ? fscanf(file, "%1d.%1d.%1d", &release.major, &release.minor, &release.patch) : 0;

    (void)state;
    if (file)
        fclose(file);
    return got == 3 ? 0 : -1;
}

/* USB 2.0 9.6.1: JJ.M.N, each digit four bits. */
static int binary_coded(void)
{
    return release.major << 8 | release.minor << 4 | release.patch;
}

static int bcd_device(struct board *board, int *product)
{
    uint8_t device[18];

    *product = user_enumerate(board);
    assert_int_equal(user_control(board, 0x80, 6, 0x0100, 0, device, 18), 18);
    return device[12] | device[13] << 8;
}

static void the_probe_tells_the_host_its_release(void **state)
{
    const char *files[] = { built("pillbug.bin"), NULL };
    struct board *board = user_board(files);
    int product;

    (void)state;
    assert_int_equal(bcd_device(board, &product), binary_coded());
    assert_int_equal(product, 0x0001);
    board_free(board);
}

static void so_does_the_bootloader(void **state)
{
    const char *files[] = { built("pillbug.bin"), NULL };
    struct board *board = user_board(files);
    int product;

    (void)state;
    board_set_boot1(board, 1);
    assert_int_equal(bcd_device(board, &product), binary_coded());
    assert_int_equal(product, 0x0002);
    board_free(board);
}

static void monitor_version_begins_with_the_release(void **state)
{
    struct rsp *gdb = rsp_power_on("none");
    char begins[32];
    int length = snprintf(begins, sizeof begins, "Pillbug %d.%d.%d", release.major,
                          release.minor, release.patch);
    const char *text = rsp_monitor(gdb, "version");

    (void)state;
    print_message("%s", text);
    assert_memory_equal(text, begins, length);
    assert_non_null(strchr(" +-", text[length]));       /* then perhaps which commit */
    assert_int_equal(rsp_power_off(gdb), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_probe_tells_the_host_its_release),
        cmocka_unit_test(so_does_the_bootloader),
        cmocka_unit_test(monitor_version_begins_with_the_release),
    };
    return cmocka_run_group_tests(tests, read_release, NULL);
}
