/* usb_user.c - see usb_user.h.  USB 2.0 9.1, 9.4. */
#include "usb_user.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char user_complaint[512];
int user_complaints;

const char *built(const char *name)
{
    static char paths[8][512];
    static int next;
    const char *build = getenv("BUILD");
    char *path = paths[next++ % 8];

    snprintf(path, sizeof paths[0], "%s/%s", build ? build : "build", name);
    return path;
}

static void complain(void *ctx, enum sim_problem kind, const char *text)
{
    (void)ctx;
    if (kind == SIM_NOTE)
        return;
    user_complaints++;
    snprintf(user_complaint, sizeof user_complaint, "%s", text);
    fprintf(stderr, "%s\n", text);
}

struct board *user_board(const char *const files[])
{
    struct board_options options = { .flash_kb = 64, .board = "bluepill", .target = "none" };
    char error[512];

    while (files[options.flash_count]) {
        options.flash[options.flash_count] = files[options.flash_count];
        options.flash_count++;
    }
    struct board *board = board_new(&options, error, sizeof error);
    if (!board) {
        fprintf(stderr, "the board does not start: %s\n", error);
        exit(2);
    }
    board->sim->report = complain;
    user_complaints = 0;
    return board;
}

int user_control(struct board *board, int type, int request, int value, int index,
                 void *data, int length)
{
    const uint8_t setup[8] = {
        (uint8_t)type, (uint8_t)request, (uint8_t)value, (uint8_t)(value >> 8),
        (uint8_t)index, (uint8_t)(index >> 8), (uint8_t)length, (uint8_t)(length >> 8)
    };
    return usb_host_control(board->usb, setup, data);
}

static bool empty_port(void *ctx)
{
    return !usb_host_attached(ctx);
}

static bool taken_port(void *ctx)
{
    return usb_host_attached(ctx);
}

static void reset_is_over(void *ctx)
{
    *(bool *)ctx = false;
}

static bool is_true(void *ctx)
{
    return *(bool *)ctx;
}

bool user_plugged_in(struct board *board)
{
    static bool busy;

    if (!board_run_while(board, empty_port, board->usb, 2000))
        return false;
    busy = true;
    usb_host_reset_port(board->usb, reset_is_over, &busy);
    usb_host_set_address(board->usb, 0);
    return board_run_while(board, is_true, &busy, 200);
}

static int enumerate_once(struct board *board)
{
    uint8_t device[18];

    if (!user_plugged_in(board))
        return 0;
    usb_host_set_ep0_size(board->usb, 8);
    if (user_control(board, 0x80, 6, 0x0100, 0, device, 8) != 8)
        return 0;
    usb_host_set_ep0_size(board->usb, device[7]);
    if (user_control(board, 0x00, 5, 7, 0, NULL, 0) != 0)
        return 0;
    board_run_ms(board, 2);
    usb_host_set_address(board->usb, 7);
    if (user_control(board, 0x80, 6, 0x0100, 0, device, 18) != 18
        || user_control(board, 0x00, 9, 1, 0, NULL, 0) != 0)
        return 0;
    return device[10] | device[11] << 8;
}

/* Three attempts, as hosts make them: a board that has just been reset is not noticed to
 * be gone until it holds D+ low. */
int user_enumerate(struct board *board)
{
    int product = 0;
    for (int attempt = 0; attempt < 3 && !product; attempt++) {
        product = enumerate_once(board);
        if (!product)
            board_run_ms(board, 50);
    }
    return product;
}

bool user_unplugged(struct board *board, double limit_ms)
{
    return board_run_while(board, taken_port, board->usb, limit_ms);
}
