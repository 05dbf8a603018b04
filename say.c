/* say.c - text goes down: a layer says something, and does not know to whom.
 *
 * So no layer has to call one above it, only because it has something to tell. */
#include "say.h"

static void (*to)(const char *format, va_list list);

void say_through(void (*sink)(const char *format, va_list list))
{
    to = sink;
}

void say(const char *format, ...)
{
    va_list list;

    if (!to)
        return;
    va_start(list, format);
    to(format, list);
    va_end(list);
}
